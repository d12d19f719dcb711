//! Log directories of Apache Kafka's in the place of a cluster, and a cluster's as an archive.
//!
//! What was dropped is read and looked at while the cluster runs on. Only once somebody has said yes does anything
//! change, and then in one commit of the store: the files of the old cluster go and those of the new one come, or
//! nothing happens.

use std::collections::BTreeMap;

use blumfeld_kernel::{Disk, FilePath};
use blumfeld_logdirs::{Opened, Problem};
use blumfeld_sim::World;
use blumfeld_store::{Loaded, Members, Meta, Mirror, Port, StoreError};
use blumfeld_view::{LogDirsView, Sentences};

/// What the page is told of log directories that were looked at.
pub fn view(opened: &Result<Opened, Vec<Problem>>) -> LogDirsView {
    match opened {
        Ok(opened) => LogDirsView::Found(Sentences { en: opened.sentences(), ko: opened.korean() }),
        Err(problems) => LogDirsView::Wrong(Sentences {
            en: problems.iter().map(ToString::to_string).collect(),
            ko: problems.iter().map(Problem::korean).collect(),
        }),
    }
}

/// Puts an opened cluster in the place of the one that is stored, in one commit. Gives what a life of it begins with.
///
/// # Errors
/// The store did not take it: it still has the old cluster.
pub async fn replace<P: Port>(
    mirror: &mut Mirror<P>,
    old: &Loaded,
    opened: Opened,
    (seed, unix_ms, strict): (u64, i64, bool),
) -> Result<Loaded, StoreError> {
    let disks = opened.disks;
    let racks = disks.keys().map(|id| (*id, opened.racks.get(id).cloned())).collect();
    let meta = Meta {
        seed,
        now: 0,
        unix_ms,
        strict: Some(strict),
        members: Some(Members { began_with: opened.voters, racks }),
        clients: Vec::new(),
        faults: Vec::new(),
        ..Meta::default()
    };
    let files = |disks: &BTreeMap<i32, Disk>| -> Vec<(i32, FilePath)> {
        let all = disks.iter().flat_map(|(id, disk)| disk.files().map(|(path, _)| (*id, path.clone())));
        all.collect()
    };
    let paths = [files(&old.disks), files(&disks)].concat();
    let changes = paths.iter().map(|(id, path)| (*id, path, 0));
    let prepared = mirror.prepare(meta.clone(), changes, |id, path| disks.get(&id)?.file(path), true);
    mirror.commit(prepared).await?;
    Ok(Loaded { meta: Some(meta), disks, ..Loaded::default() })
}

/// The log directory of a broker, or of all, as an archive: its name and its bytes.
///
/// # Errors
/// There is no such broker, or a name does not fit into an archive, in words.
pub fn export(world: &World, broker: Option<i32>) -> Result<(String, Vec<u8>), String> {
    let disks: BTreeMap<i32, &Disk> = (world.nodes())
        .filter(|node| broker.is_none_or(|id| id == node.0))
        .filter_map(|node| Some((node.0, world.disk(node)?.disk())))
        .collect();
    if disks.is_empty() {
        return Err(
            broker.map_or_else(|| "There is no broker".to_owned(), |id| format!("There is no broker {id}"))
        );
    }
    let exported = blumfeld_logdirs::export(&world.config().brokers, &disks, world.unix_ms());
    exported.map(|exported| (exported.name, exported.bytes)).map_err(|error| error.to_string())
}
