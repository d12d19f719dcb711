//! What a life of a cluster begins with.

use std::collections::BTreeMap;

use blumfeld_kernel::Disk;
use blumfeld_store::{Loaded, Members, StoredClient, StoredPast};
use blumfeld_view::Durability;
use bytes::Bytes;

/// What an engine begins with.
#[derive(Clone, Debug)]
pub struct Boot {
    /// The cluster's name.
    pub cluster: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// Which life of the cluster this is: 0 for a new one. No two lives of a cluster may have the same number.
    pub boot: u64,
    /// Wall clock at virtual time 0, in milliseconds since 1970-01-01 UTC.
    pub epoch_ms: i64,
    /// Virtual time to go on from, in microseconds.
    pub now: u64,
    /// When acknowledgements may leave.
    pub durability: Durability,
    /// How many brokers a new cluster has, 1 to 9.
    pub brokers: i32,
    /// Which brokers a cluster has that was stored; `None` for a new one, and for one that was stored without saying
    /// it.
    pub members: Option<Members>,
    /// The clients that ran when the cluster was stored.
    pub clients: Vec<StoredClient>,
    /// The faults that were in force then, in the console's words.
    pub faults: Vec<String>,
    /// The disks by node id.
    pub disks: BTreeMap<i32, Disk>,
    /// The time line of earlier lives.
    pub past: Past,
}

/// What a store holds of the time line.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// The branches.
    pub tree: StoredPast,
    /// Their values.
    pub values: BTreeMap<String, Bytes>,
}

impl Boot {
    /// A new cluster whose wall clock begins at `epoch_ms`.
    pub fn fresh(cluster: &str, seed: u64, epoch_ms: i64, brokers: i32, durability: Durability) -> Boot {
        Boot {
            cluster: cluster.to_owned(),
            seed,
            boot: 0,
            epoch_ms,
            now: 0,
            durability,
            brokers,
            members: None,
            clients: Vec::new(),
            faults: Vec::new(),
            disks: BTreeMap::new(),
            past: Past::default(),
        }
    }

    /// The next life of a cluster that was stored, or the first of one that was not. `fresh` says what the cluster is
    /// as far as nothing else was stored; its `epoch_ms` is the real wall clock now, in milliseconds since 1970-01-01
    /// UTC.
    ///
    /// A cluster whose clock ran faster than the real one may have been ahead of it when it was stored. Its wall clock
    /// goes on from there: it never goes back, and stays ahead by as much.
    pub fn of(loaded: Loaded, boot: u64, fresh: Boot) -> Boot {
        let Some(meta) = loaded.meta else { return Boot { boot, ..fresh } };
        let since = i64::try_from(meta.now / 1_000).unwrap_or(i64::MAX);
        Boot {
            seed: meta.seed,
            boot,
            epoch_ms: fresh.epoch_ms.max(meta.unix_ms).saturating_sub(since),
            now: meta.now,
            members: meta.members,
            clients: meta.clients,
            faults: meta.faults,
            disks: loaded.disks,
            past: Past { tree: meta.past, values: loaded.past },
            ..fresh
        }
    }
}
