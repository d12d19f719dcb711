//! The disks of the machines, and the store outside that mirrors them.

use blumfeld_kernel::{DiskError, DiskOp, FilePath, FlushId, Input, Instant, NodeId};

use crate::disk::DiskChange;
use crate::event::Event;
use crate::world::World;

impl World {
    /// Makes a disk fail every flush with `error`, or work again. What [`Fault::Disk`](crate::Fault::Disk) did to it is
    /// a matter of its own.
    pub fn set_disk_error(&mut self, node: NodeId, error: Option<DiskError>) {
        let Some(machine) = self.machines.get_mut(&node) else { return };
        if machine.disk.error() != error.as_ref() {
            let before = machine.disk.failure().cloned();
            machine.disk.set_error(error);
            if machine.disk.failure() != before.as_ref() {
                self.tell_disk(node);
            }
        }
    }

    /// Tells a node what its disk has become, without a flush of its own: operation 0 is nobody's.
    pub(super) fn tell_disk(&mut self, node: NodeId) {
        let Some(machine) = self.machines.get(&node) else { return };
        let (run, result) = (machine.slot.run, machine.disk.failure().cloned().map_or(Ok(()), Err));
        let input = Input::Flushed { id: FlushId(0), result };
        self.schedule(self.now, Event::Deliver { to: node, run, input });
    }

    /// Whether a flush waits for the store. While one does, virtual time should stand still.
    pub fn awaits_store(&self) -> bool {
        !self.awaiting_store.is_empty()
    }

    /// Sets whether flushes wait for the store, and whether brokers flush before they acknowledge. Brokers that run go
    /// on: it holds from their next request on. For what they have already written, and may be about to acknowledge,
    /// every disk is made durable here, and what follows waits for the store to have it.
    pub fn set_wait_for_store(&mut self, wait: bool) {
        if self.config.wait_for_store == wait {
            return;
        }
        self.config.wait_for_store = wait;
        for broker in self.machines.values_mut().filter_map(|machine| machine.broker.as_mut()) {
            broker.set_flush_before_acknowledging(wait);
        }
        if wait {
            self.sync_disks();
            self.awaiting_store.push_back((NodeId::WORLD, 0, FlushId(0), self.taken));
        } else {
            self.store_committed(u64::MAX, Ok(()));
        }
    }

    /// Whether the disks changed since changes were last taken.
    pub fn has_disk_changes(&self) -> bool {
        !self.gone.is_empty() || self.machines.values().any(|machine| machine.disk.has_changes())
    }

    /// The files that changed since the last call, with a token for [`store_committed`](Self::store_committed).
    pub fn take_disk_changes(&mut self) -> (u64, Vec<(NodeId, DiskChange)>) {
        self.taken += 1;
        let on_disks = (self.machines.iter_mut()).flat_map(|(node, machine)| {
            machine.disk.take_changes().into_iter().map(|change| (*node, change))
        });
        let changes = std::mem::take(&mut self.gone).into_iter().chain(on_disks).collect();
        (self.taken, changes)
    }

    /// This world takes the place of another one whose disks the store has, as far as that one's changes were taken:
    /// what is otherwise here counts as changed.
    pub fn take_the_place_of(&mut self, other: &World) {
        self.gone = other.gone.clone();
        for (node, machine) in &mut self.machines {
            machine.disk.take_the_place_of(other.machines.get(node).map(|machine| &machine.disk));
        }
        for (node, machine) in other.machines.iter().filter(|(node, _)| !self.machines.contains_key(node)) {
            let paths = machine.disk.stored_paths();
            self.gone.extend(paths.into_iter().map(|path| (*node, DiskChange { path, from: 0 })));
        }
        // Who was taken away there and is here again has a disk of its own.
        self.gone.retain(|(node, _)| !self.machines.contains_key(node));
        for (node, change) in &other.gone {
            if let Some(machine) = self.machines.get_mut(node) {
                machine.disk.put_back_changes(std::slice::from_ref(change));
            }
        }
    }

    /// About how many bytes a copy of it takes, beside what the two share.
    pub fn weight(&self) -> u64 {
        let disks = self.machines.values().map(|machine| machine.disk.disk().files().count()).sum::<usize>();
        let brokers = || self.machines.values().filter_map(|machine| machine.broker.as_ref());
        let partitions = brokers().map(|broker| broker.replicas().partitions().count()).sum::<usize>();
        let wire = self.wire.as_ref().map_or(0, |wire| wire.exchanges().count());
        let lines = usize::try_from(self.trace.pushed().min(1_000)).unwrap_or(0);
        (64_000 + disks * 300 + partitions * 2_500 + wire * 400 + lines * 120 + self.processes.len() * 8_000)
            as u64
    }

    /// Changes that the store did not take count as not taken.
    pub fn put_back_changes(&mut self, changes: Vec<(NodeId, DiskChange)>) {
        for (node, change) in changes {
            match self.machines.get_mut(&node) {
                Some(machine) => machine.disk.put_back_changes(&[change]),
                None => self.gone.push((node, change)),
            }
        }
    }

    /// The store has, or cannot take, the changes of a token: the flushes that were done before it are over.
    pub fn store_committed(&mut self, token: u64, result: Result<(), DiskError>) {
        while self.awaiting_store.front().is_some_and(|(.., taken)| *taken < token) {
            if let Some((node, boot, id, _)) = self.awaiting_store.pop_front() {
                if let Some(causes) = &mut self.causes {
                    causes.stored(node, id);
                }
                self.disk_done(node, boot, id, Some(result.clone()));
            }
        }
    }

    /// From now on keeps what nodes do to their disks for [`take_disk_ops`](Self::take_disk_ops): how real files
    /// follow, in the same order.
    pub fn keep_disk_ops(&mut self) {
        self.disk_ops.get_or_insert_default();
    }

    /// What was done to the disks since the last call, in order, but for reads.
    pub fn take_disk_ops(&mut self) -> Vec<(NodeId, DiskOp)> {
        self.disk_ops.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// A power cut has changed files as no operation does: followers of the disk are told what is left of them.
    pub(super) fn keep_what_is_left(&mut self, node: NodeId, before: Vec<FilePath>) {
        let (Some(ops), Some(machine)) = (&mut self.disk_ops, self.machines.get(&node)) else { return };
        for path in before {
            let op = match machine.disk.disk().read(&path) {
                Some(bytes) => DiskOp::Replace { file: path, bytes },
                None => DiskOp::Delete { path },
            };
            ops.push((node, op));
        }
    }

    /// Makes everything on every disk durable, as by `sync`.
    pub fn sync_disks(&mut self) {
        for machine in self.machines.values_mut() {
            machine.disk.sync();
        }
    }

    /// A disk operation is done on the device; `stored` says what the store outside made of it, where that is known.
    pub(super) fn disk_done(
        &mut self,
        node: NodeId,
        boot: u64,
        id: FlushId,
        stored: Option<Result<(), DiskError>>,
    ) {
        let taken = self.taken;
        let Some(machine) = self.machines.get_mut(&node).filter(|machine| machine.boot == boot) else {
            return;
        };
        let mut mended = false;
        let result = match stored {
            Some(result) => Some(result),
            None => {
                let failing = machine.disk.fault().is_some();
                let finished = machine.disk.finish(id);
                // The last operation that was to fail has: the disk works again, and the node hears that too.
                mended = failing && machine.disk.fault().is_none();
                if self.config.wait_for_store && finished == Some(Ok(())) {
                    self.awaiting_store.push_back((node, boot, id, taken));
                    if let Some(causes) = &mut self.causes {
                        causes.waits_for_store(node, id);
                    }
                    return;
                }
                finished
            }
        };
        if let Some(result) = result {
            let run = machine.slot.run;
            self.schedule(self.now, Event::Deliver { to: node, run, input: Input::Flushed { id, result } });
            if mended {
                self.tell_disk(node);
            }
        }
        for conn in self.network.holding(node) {
            self.pump(node, conn);
        }
    }

    pub(super) fn arm_writeback(&mut self, node: NodeId) {
        let Some(machine) = self.machines.get_mut(&node) else { return };
        if machine.writeback_at.is_some() {
            return;
        }
        let Some(at) = machine.disk.next_writeback() else { return };
        machine.writeback_at = Some(at);
        let boot = machine.boot;
        self.schedule(at, Event::Writeback { node, boot });
    }

    /// The operating system writes back what has been dirty for too long.
    pub(super) fn writeback(&mut self, node: NodeId, boot: u64) {
        let now: Instant = self.now;
        if let Some(machine) = self.machines.get_mut(&node).filter(|machine| machine.boot == boot) {
            machine.writeback_at = None;
            machine.disk.write_back(now);
        }
        self.arm_writeback(node);
    }
}
