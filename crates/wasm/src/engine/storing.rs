//! The engine and the store outside: what is to be stored, and what became of it.

use blumfeld_kernel::{DiskError, NodeId};
use blumfeld_sim::DiskChange;
use blumfeld_store::Meta;
use blumfeld_view::{Durability, StoreView};

use super::{Engine, FIRST};
use crate::record::{Done, Problem};

impl Engine {
    /// Changes when acknowledgements may leave, under brokers that run. From here on a strict acknowledgement means
    /// that the store has everything, also what was written before.
    pub fn set_durability(&mut self, durability: Durability) {
        if durability == self.durability() {
            return;
        }
        self.act("durability");
        self.note(Done::SetDurability(durability));
        self.store.durability = durability;
        self.unstored = true;
        self.run.set_durability(durability);
    }

    /// When acknowledgements may leave.
    pub fn durability(&self) -> Durability {
        self.living().durability()
    }

    /// How the store stands.
    pub fn store(&self) -> &StoreView {
        &self.store
    }

    /// Makes every disk durable, before the page closes.
    pub fn sync(&mut self) {
        self.note(Done::Sync);
        self.living_mut().world.sync_disks();
    }

    /// Whether a flush waits for the store.
    pub fn awaits_store(&self) -> bool {
        self.living().world.awaits_store()
    }

    /// Whether the disks, or something else that is stored, changed since changes were last taken.
    pub fn has_changes(&self) -> bool {
        self.unstored || self.living().world.has_disk_changes()
    }

    /// The files that changed, with a token for [`stored`](Self::stored).
    pub fn take_changes(&mut self) -> (u64, Vec<(NodeId, DiskChange)>) {
        self.note(Done::TakeChanges);
        self.unstored = false;
        self.taken_in = self.life;
        self.living_mut().world.take_disk_changes()
    }

    /// Changes that could not be stored.
    pub fn put_back(&mut self, changes: Vec<(NodeId, DiskChange)>) {
        self.unstored = true;
        self.living_mut().world.put_back_changes(changes);
    }

    /// A file of a node's disk as the store is to have it.
    pub fn file_to_store(&self, node: i32, path: &str) -> Option<&blumfeld_kernel::File> {
        self.living().world.disk(NodeId(node)).and_then(|disk| disk.disk().file(path))
    }

    /// The store is being given so many bytes.
    pub fn committing(&mut self, bytes: u64) {
        self.store.pending_bytes = bytes;
    }

    /// The store has the changes of a token; it has taken so many commits, and holds so many bytes.
    pub fn committed(&mut self, token: u64, commits: u64, stored_bytes: u64) {
        (self.store.commits, self.store.stored_bytes) = (commits, stored_bytes);
        (self.store.pending_bytes, self.store.error) = (0, None);
        self.set_disk_error(None);
        self.stored(token, Ok(()));
    }

    /// The store could not take the changes of a token: they are still to be done, and until a commit succeeds every
    /// disk fails in the same way.
    pub fn commit_failed(&mut self, token: u64, changes: Vec<(NodeId, DiskChange)>, error: DiskError) {
        let (DiskError::Full(text) | DiskError::Io(text)) = &error;
        self.store.error = Some(text.to_string());
        self.put_back(changes);
        self.set_disk_error(Some(error.clone()));
        self.stored(token, Err(error));
    }

    /// What became of the changes of a token, as their node is told.
    pub fn stored(&mut self, token: u64, result: Result<(), DiskError>) {
        // What was taken from a run that does not live any more says nothing of what this one waits for.
        if self.taken_in != self.life {
            return;
        }
        let error = result.as_ref().err().map(Problem::from);
        self.note(Done::Stored { token, error });
        self.living_mut().world.store_committed(token, result);
    }

    /// Every disk fails, or works again.
    pub(crate) fn set_disk_error(&mut self, error: Option<DiskError>) {
        if error.as_ref() != self.living().world.disk(FIRST).and_then(|disk| disk.error()) {
            self.note(Done::DiskError(error.as_ref().map(Problem::from)));
            self.living_mut().set_disk_error(error.as_ref());
        }
    }

    /// What the cluster is besides its disks, for the store.
    pub fn meta(&self) -> Meta {
        Meta {
            seed: self.seed,
            now: self.living().world.now().as_micros(),
            unix_ms: self.living().world.unix_ms(),
            strict: Some(self.durability() == Durability::Strict),
            members: Some(self.living().members()),
            clients: self.living().clients_to_store(),
            faults: self.living().faults_to_store(),
            past: self.stored_past(),
        }
    }
}
