//! Who keeps the store up with the engine: when a commit is due, what is in it, and what follows from its end.
//!
//! Nothing here knows a browser, so that random runs can do to a cluster what the page does: end commits late, fail
//! them, take the store over, and go away in the middle of one. Times are in milliseconds of any clock that does not go
//! back.

use blumfeld_kernel::{DiskError, NodeId};
use blumfeld_sim::DiskChange;
use blumfeld_store::{Mirror, Port, PreparedCommit, StoreError};
use blumfeld_view::Durability;

use crate::engine::Engine;

/// In relaxed durability the store follows this often.
const COMMIT_MS: f64 = 200.0;
/// A commit begins at the earliest so many times as long after the last one as that one took to put together: what
/// storing costs stays a part of the whole.
const SHARE: f64 = 8.0;
/// A store that failed is tried again after so long.
const RETRY_MS: f64 = 2_000.0;

/// The store of an engine's cluster.
pub struct Keeper<P> {
    /// Away while a commit is under way.
    mirror: Option<Mirror<P>>,
    next: f64,
    retry_at: f64,
    commits: u64,
}

/// A commit that is to be done.
pub struct Commit<P> {
    mirror: Mirror<P>,
    prepared: PreparedCommit,
    token: u64,
    changes: Vec<(NodeId, DiskChange)>,
    /// The keys of what it has of the time line.
    past: Vec<String>,
}

/// A commit that has come to its end, good or bad.
pub struct Committed<P> {
    mirror: Mirror<P>,
    token: u64,
    changes: Vec<(NodeId, DiskChange)>,
    past: Vec<String>,
    result: Result<(), StoreError>,
}

/// Another writer has claimed the store: nothing of this cluster's life can be stored any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenOver;

impl<P: Port> Commit<P> {
    /// Does it.
    pub async fn run(self) -> Committed<P> {
        let Commit { mut mirror, prepared, token, changes, past } = self;
        let result = mirror.commit(prepared).await;
        Committed { mirror, token, changes, past, result }
    }
}

impl<P: Port> Keeper<P> {
    /// Keeps what this mirror mirrors.
    pub fn new(mirror: Mirror<P>) -> Keeper<P> {
        Keeper { mirror: Some(mirror), next: f64::NEG_INFINITY, retry_at: f64::NEG_INFINITY, commits: 0 }
    }

    /// Whether a commit is under way.
    pub fn is_busy(&self) -> bool {
        self.mirror.is_none()
    }

    /// Begins a commit if one is due: something changed and the last one was long enough ago, or somebody waits for it.
    pub fn begin(&mut self, engine: &mut Engine, now_ms: f64, wanted: bool) -> Option<Commit<P>> {
        let waits = wanted || engine.awaits_store();
        let due = waits || (engine.has_changes() && now_ms >= self.next);
        if !due || now_ms < self.retry_at {
            return None;
        }
        let mirror = self.mirror.take()?;
        self.next = now_ms + COMMIT_MS;
        let (token, changes) = engine.take_changes();
        let list = changes.iter().map(|(node, change)| (node.0, &change.path, change.from));
        let strict = engine.durability() == Durability::Strict;
        let values = engine.take_past();
        let mut prepared =
            mirror.prepare(engine.meta(), list, |node, path| engine.file_to_store(node, path), strict);
        let past = values.iter().map(|(key, _)| key.clone()).collect();
        values.into_iter().for_each(|(key, value)| prepared.put(key, value));
        engine.committing(prepared.bytes());
        Some(Commit { mirror, prepared, token, changes, past })
    }

    /// Says how long it took to put a commit together and hand it over, in milliseconds.
    pub fn took(&mut self, now_ms: f64, ms: f64) {
        self.next = self.next.max(now_ms + ms * SHARE);
    }

    /// Tells the engine what became of a commit.
    ///
    /// # Errors
    /// The store has another writer by now.
    pub fn finish(&mut self, engine: &mut Engine, now_ms: f64, done: Committed<P>) -> Result<(), TakenOver> {
        let Committed { mirror, token, changes, past, result } = done;
        let stored_bytes = mirror.stored_bytes();
        self.mirror = Some(mirror);
        match result {
            Ok(()) => {
                self.commits += 1;
                engine.committed(token, self.commits, stored_bytes);
                Ok(())
            }
            Err(StoreError::Fenced { .. }) => Err(TakenOver),
            Err(error) => {
                self.retry_at = now_ms + RETRY_MS;
                let text = error.to_string().into();
                let disk = match error {
                    // The cluster itself has the room first.
                    StoreError::Quota(_) => {
                        engine.give_up_past(&past);
                        DiskError::Full(text)
                    }
                    _ => {
                        engine.put_back_past(past);
                        DiskError::Io(text)
                    }
                };
                engine.commit_failed(token, changes, disk);
                Ok(())
            }
        }
    }
}
