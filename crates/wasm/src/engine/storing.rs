//! The engine and the store outside: what is to be stored, and what became of it.

use blumfeld_kernel::{DiskError, NodeId};
use blumfeld_sim::DiskChange;
use blumfeld_store::Meta;
use blumfeld_view::Durability;

use super::{Engine, FIRST};
use crate::record::{Done, Problem};

impl Engine {
    /// Changes when acknowledgements may leave, under brokers that run. From here on a strict acknowledgement means
    /// that the store has everything, also what was written before.
    pub fn set_durability(&mut self, durability: Durability) {
        if durability == self.durability {
            return;
        }
        self.note(Done::SetDurability(durability));
        self.durability = durability;
        self.store.durability = durability;
        self.unstored = true;
        self.world.set_wait_for_store(durability == Durability::Strict);
    }

    /// When acknowledgements may leave.
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// Makes every disk durable, before the page closes.
    pub fn sync(&mut self) {
        self.note(Done::Sync);
        self.world.sync_disks();
    }

    /// Whether a flush waits for the store.
    pub fn awaits_store(&self) -> bool {
        self.world.awaits_store()
    }

    /// Whether the disks, or something else that is stored, changed since changes were last taken.
    pub fn has_changes(&self) -> bool {
        self.unstored || self.world.has_disk_changes()
    }

    /// The files that changed, with a token for [`stored`](Self::stored).
    pub fn take_changes(&mut self) -> (u64, Vec<(NodeId, DiskChange)>) {
        self.note(Done::TakeChanges);
        self.unstored = false;
        self.world.take_disk_changes()
    }

    /// Changes that could not be stored.
    pub fn put_back(&mut self, changes: Vec<(NodeId, DiskChange)>) {
        self.unstored = true;
        self.world.put_back_changes(changes);
    }

    /// The store has the changes of a token, or cannot take them.
    pub fn stored(&mut self, token: u64, result: Result<(), DiskError>) {
        let error = result.as_ref().err().map(Problem::from);
        self.note(Done::Stored { token, error });
        self.world.store_committed(token, result);
    }

    /// Every disk fails, or works again.
    pub fn set_disk_error(&mut self, error: Option<DiskError>) {
        if error.as_ref() != self.world.disk(FIRST).and_then(|disk| disk.error()) {
            self.note(Done::DiskError(error.as_ref().map(Problem::from)));
            let nodes: Vec<NodeId> = self.world.nodes().collect();
            nodes.into_iter().for_each(|node| self.world.set_disk_error(node, error.clone()));
        }
    }

    /// What the cluster is besides its disks, for the store.
    pub fn meta(&self) -> Meta {
        Meta {
            seed: self.seed,
            now: self.world.now().as_micros(),
            unix_ms: self.world.unix_ms(),
            strict: Some(self.durability() == Durability::Strict),
            members: Some(self.members()),
            clients: self.clients_to_store(),
            faults: self.faults_to_store(),
        }
    }
}
