//! The timers of one service. Those of the same instant go off in the order in which they were set.

use std::collections::BTreeMap;

use blumfeld_kernel::Instant;

/// Where a timer stands, to cancel it.
pub type Place = (Instant, u64);

/// Timers with what each is for.
#[derive(Clone, Debug)]
pub struct Timers<T> {
    queue: BTreeMap<Place, T>,
    /// So many were set until now: a number for each.
    set: u64,
}

impl<T> Default for Timers<T> {
    fn default() -> Timers<T> {
        Timers { queue: BTreeMap::new(), set: 0 }
    }
}

impl<T> Timers<T> {
    /// Sets a timer.
    pub fn set(&mut self, at: Instant, timer: T) -> Place {
        self.set += 1;
        self.queue.insert((at, self.set), timer);
        (at, self.set)
    }

    /// Cancels a timer, if it has not gone off.
    pub fn cancel(&mut self, place: Place) {
        self.queue.remove(&place);
    }

    /// Takes the next timer whose time has come.
    pub fn pop_due(&mut self, now: Instant) -> Option<T> {
        Some(self.queue.first_entry().filter(|entry| entry.key().0 <= now)?.remove())
    }

    /// When the next one goes off.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.queue.keys().next().map(|(at, _)| *at)
    }
}
