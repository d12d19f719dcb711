//! What must hold over all lives of a cluster, whatever the page did.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use blumfeld_kernel::{Disk, File, FilePath, Instant};
use blumfeld_sim::World;
use blumfeld_store::Loaded;
use blumfeld_view::ClientRole;
use blumfeld_wasm::Engine;
use bytes::Bytes;

/// The operating system writes back what has been dirty for so long.
const DIRTY_FOR: Duration = Duration::from_secs(30);
/// Files and ids are looked at every so many events.
const EVERY: u64 = 200;

/// What was ever seen of one kind of id, and what of it is still there.
#[derive(Clone, Debug, Default)]
struct Ids {
    /// Each with what it is the id of.
    seen: BTreeMap<String, String>,
    /// Those that were there when this life of the cluster had begun, or came in it.
    alive: BTreeSet<String>,
}

impl Ids {
    /// Something has an id. `begun` says that this life has begun: what is there before it came with the disks.
    fn look(&mut self, kind: &str, id: String, of: &str, begun: bool) -> Result<(), String> {
        if self.alive.contains(&id) {
            let first = self.seen.get(&id).map_or("", String::as_str);
            return if first == of { Ok(()) } else { Err(format!("{of} has the {kind} of {first}, {id}")) };
        }
        if begun && let Some(first) = self.seen.get(&id) {
            return Err(format!("{of} has the {kind} that {first} had in an earlier life, {id}"));
        }
        self.seen.entry(id.clone()).or_insert_with(|| of.to_owned());
        self.alive.insert(id);
        Ok(())
    }
}

/// A file's first dirty byte.
#[derive(Clone, Debug)]
struct Dirty {
    at: u64,
    /// What was written with it. A later write, be it of the same bytes, has other memory; in another life all have.
    piece: Bytes,
    since: Instant,
}

impl Dirty {
    fn of(file: &File, since: Instant) -> Option<Dirty> {
        let at = file.durable();
        Some(Dirty { at, piece: file.pieces(at, file.len()).next()?, since })
    }

    /// Whether a byte is this one, written by the same write. Other writes can have followed, and no more of it was
    /// made durable.
    fn is(&self, other: &Dirty, same_life: bool) -> bool {
        let same = match same_life {
            true => self.piece.as_ptr() == other.piece.as_ptr(),
            false => self.piece.first() == other.piece.first(),
        };
        self.at == other.at && same
    }
}

/// What is known of all lives.
#[derive(Clone, Debug, Default)]
pub struct Lives {
    topics: Ids,
    /// Member ids that were seen, and those of them that are of earlier lives.
    members: BTreeSet<String>,
    ended: BTreeSet<String>,
    /// Members whose clients the last reload has ended, or that had not left before it. (One that could not leave in
    /// order, because its coordinator was down, stays until its session ends: that is Kafka's.)
    gone: BTreeSet<String>,
    /// Incarnation ids of brokers of earlier lives, and of this one.
    incarnations: (BTreeSet<String>, BTreeSet<String>),
    /// Producer ids of earlier processes and of those that run, with these.
    producers: BTreeMap<i64, i32>,
    /// Producer ids that stood in the logs when this life began.
    written: BTreeSet<i64>,
    /// The first dirty byte of each file that has one.
    dirty: BTreeMap<(i32, FilePath), Dirty>,
    begun: bool,
    looked: u64,
}

impl Lives {
    /// Another life begins, on the disks of an earlier one. The clients of these members ran until it ended.
    pub fn begins(&mut self, engine: &Engine, gone: impl IntoIterator<Item = String>) {
        self.see_dirty(engine.world(), false);
        self.gone = gone.into_iter().collect();
        self.topics.alive.clear();
        self.ended.clone_from(&self.members);
        let ended = std::mem::take(&mut self.incarnations.1);
        self.incarnations.0.extend(ended);
        self.producers.clear();
        self.written.clear();
        (self.begun, self.looked) = (false, 0);
    }

    /// Looks at the cluster. `ready` says that every broker serves.
    ///
    /// # Errors
    /// An id that came twice, or dirty bytes that are not written back.
    pub fn look(&mut self, engine: &Engine, ready: bool) -> Result<(), String> {
        let world = engine.world();
        let first = ready && !self.begun;
        if !first && world.events() < self.looked + EVERY {
            return Ok(());
        }
        self.looked = world.events();
        self.dirty(world)?;
        if !ready {
            return Ok(());
        }
        for broker in world.nodes().filter_map(|node| world.broker(node)) {
            for (name, topic) in broker.image().topics() {
                self.topics.look("topic id", topic.id.to_string(), name, self.begun)?;
            }
            let id = broker.config().node_id;
            let Some(known) = broker.image().brokers().get(&id).filter(|known| !known.fenced) else {
                continue;
            };
            let incarnation = known.incarnation_id.to_string();
            if self.incarnations.0.contains(&incarnation) {
                return Err(format!("broker {id} has the incarnation id of an earlier life, {incarnation}"));
            }
            self.incarnations.1.insert(incarnation);
            if first {
                let logs = broker.replicas().partitions().map(|(_, replica)| replica.log());
                self.written.extend(logs.flat_map(|log| log.producers().producers()).map(|(id, _)| id));
            }
        }
        for group in world.group_views() {
            self.members.extend(group.members.into_iter().map(|member| member.id));
        }
        self.begun = true;
        self.clients(engine)
    }

    /// No two producers have one id, none has one that stands in the logs already, and no consumer is a member of an
    /// earlier life.
    fn clients(&mut self, engine: &Engine) -> Result<(), String> {
        for client in engine.clients() {
            let id = match &client.role {
                ClientRole::Consumer(view) if self.ended.contains(&view.member) => {
                    return Err(format!(
                        "{} has a member id of an earlier life, {}",
                        client.process, view.member
                    ));
                }
                ClientRole::Consumer(_) => continue,
                ClientRole::Producer(view) => view.producer_id,
            };
            if id < 0 {
                continue;
            }
            if self.written.contains(&id) {
                return Err(format!("{} has producer id {id}, which stands in the logs", client.process));
            }
            let first = *self.producers.entry(id).or_insert(client.id);
            if first != client.id {
                return Err(format!("{} has producer id {id}, which client-{first} had", client.process));
            }
        }
        Ok(())
    }

    /// Bytes that were dirty for too long. A byte counts from the moment at which it was first seen dirty, over
    /// reloads.
    fn dirty(&mut self, world: &World) -> Result<(), String> {
        let now = world.now();
        self.see_dirty(world, true);
        // What was done at this very moment may not have been seen by the disk.
        let allowed = DIRTY_FOR + Duration::from_secs(1);
        match self.dirty.iter().find(|(_, dirty)| now.since(dirty.since) > allowed) {
            None => Ok(()),
            Some(((node, path), dirty)) => Err(format!(
                "broker-{node} {path} has had dirty bytes from {} on for {} s",
                dirty.at,
                now.since(dirty.since).as_secs()
            )),
        }
    }

    fn see_dirty(&mut self, world: &World, same_life: bool) {
        let before = std::mem::take(&mut self.dirty);
        for node in world.nodes() {
            let Some(disk) = world.disk(node) else { continue };
            for (path, file) in disk.disk().files() {
                let Some(mut dirty) = Dirty::of(file, world.now()) else { continue };
                let key = (node.0, path.clone());
                if let Some(first) = before.get(&key).filter(|first| first.is(&dirty, same_life)) {
                    dirty.since = first.since;
                }
                self.dirty.insert(key, dirty);
            }
        }
    }

    /// No group has a member whose client a reload has ended.
    ///
    /// # Errors
    /// A group has one.
    pub fn ghosts(&self, engine: &Engine) -> Result<(), String> {
        for group in engine.world().group_views() {
            if let Some(ghost) = group.members.iter().find(|member| self.gone.contains(&member.id)) {
                return Err(format!("{} is in {} and its client is gone", ghost.id, group.id));
            }
        }
        Ok(())
    }
}

/// The disks that were read are those of the commit.
pub fn same_disks(loaded: &Loaded, held: &BTreeMap<i32, Disk>) -> Result<(), String> {
    if let Some(file) = loaded.damaged.first() {
        return Err(format!("a stored file is damaged: {file}"));
    }
    let content = |disk: &Disk| {
        let files = disk
            .files()
            .map(|(path, file)| (path.clone(), (file.read_all(), file.durable(), file.dirty_since())));
        files.collect::<BTreeMap<_, _>>()
    };
    for (node, disk) in held {
        let (want, have) = (content(disk), loaded.disks.get(node).map(content).unwrap_or_default());
        if want == have {
            continue;
        }
        let differs = want.keys().chain(have.keys()).find(|path| want.get(*path) != have.get(*path));
        let path = differs.map_or("", |path| path);
        let told = |files: &BTreeMap<FilePath, (bytes::Bytes, u64, Option<Instant>)>| {
            files.get(path).map(|(bytes, durable, since)| (bytes.len(), *durable, *since))
        };
        return Err(format!(
            "broker-{node} {path} is not that of the commit: {:?}, not {:?}",
            told(&have),
            told(&want)
        ));
    }
    Ok(())
}

/// Topics and values of all records that stand in the logs of leaders.
pub fn values(world: &World) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for broker in world.nodes().filter_map(|node| world.broker(node)) {
        for (of, replica) in broker.replicas().partitions().filter(|(_, replica)| replica.is_leader()) {
            if of.0.starts_with("__") {
                continue;
            }
            let log = replica.log();
            for (_, _, batch) in log.browse(log.log_start()) {
                let records = batch.records().into_iter().flatten().flatten();
                let values = records.filter_map(|record| record.value);
                found.extend(
                    values.map(|value| (of.0.to_string(), String::from_utf8_lossy(&value).into_owned())),
                );
            }
        }
    }
    found
}
