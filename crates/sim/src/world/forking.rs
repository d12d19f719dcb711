//! A copy of the world that is to go its own way.

use blumfeld_kernel::{NodeId, Prng};

use crate::calls::Call;
use crate::event::Event;
use crate::world::World;

impl World {
    /// From now on everything that is left to chance comes out otherwise: on the network, on the disks, and in each
    /// process. What a process has drawn before stays as it is. The same number gives the same course.
    pub fn reseed(&mut self, number: u64) {
        self.note_call(|| Call::Reseed(number));
        // Any number and its neighbour are seeds that have nothing to do with each other.
        let seed = Prng::new(self.config.seed ^ number, "fork").next_u64();
        self.config.seed = seed;
        self.network.rng = self.config.rng("network");
        self.network.fault_rng = self.config.rng("network-faults");
        self.trigger_rng = self.config.rng("triggers");
        for (node, machine) in &mut self.machines {
            machine.slot.rng = Prng::new(seed, &format!("{node}"));
            machine.disk_rng = Prng::new(seed, &format!("{node} disk"));
        }
        for (node, host) in &mut self.processes {
            host.slot.rng = Prng::new(seed, &format!("{node}"));
        }
    }

    /// Nobody stores what this world has on its disks: flushes that wait for a store are over at once.
    pub fn store_at_once(&mut self) {
        let (token, _) = self.take_disk_changes();
        self.store_committed(token, Ok(()));
    }

    /// Drops the next event's message instead of letting it arrive, as a broken network would; gives who should have
    /// had it. Nothing, and nothing happens, where the next event is none, or where what its node does follows from no
    /// frame.
    pub fn lose_next(&mut self) -> Option<NodeId> {
        let (_, Event::Arrive { conn, from, message }) = self.queue.peek()? else { return None };
        let (conn, from) = (*conn, *from);
        let frame = message.is_frame();
        let to = self.network.look(conn).map(|link| link.ends[1 - from].node).filter(|_| frame)?;
        let (at, Event::Arrive { message, .. }, _) = self.queue.pop()? else { return None };
        (self.now, self.acted) = (at, None);
        self.events += 1;
        self.lose(conn, from);
        self.note_lost(conn, from, &message);
        Some(to)
    }
}
