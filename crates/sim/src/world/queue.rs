//! The queue of events: by time, and then by the order in which they were caused.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use blumfeld_kernel::Instant;

use crate::event::Event;

/// The events to come.
///
/// The heap moves small keys about; the events stay where they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<Key>>,
    events: Vec<Option<Event>>,
    /// Places in `events` that are free.
    free: Vec<u32>,
    sequence: u64,
}

#[derive(Clone, Copy, Debug)]
struct Key {
    at: Instant,
    sequence: u64,
    place: u32,
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.sequence == other.sequence
    }
}

impl Eq for Key {}

impl Queue {
    pub fn push(&mut self, at: Instant, event: Event) {
        self.sequence += 1;
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.events.push(None);
                // Four thousand million events would not fit into the memory of wasm.
                u32::try_from(self.events.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.events[place as usize] = Some(event);
        self.heap.push(Reverse(Key { at, sequence: self.sequence, place }));
    }

    /// The next event, when it is, and which of all that were pushed it is, from 1.
    pub fn pop(&mut self) -> Option<(Instant, Event, u64)> {
        let Reverse(key) = self.heap.pop()?;
        self.free.push(key.place);
        let event = self.events[key.place as usize].take()?;
        Some((key.at, event, key.sequence))
    }

    /// How many were pushed so far.
    pub fn pushed(&self) -> u64 {
        self.sequence
    }

    /// The events to come, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Instant, &Event)> {
        self.heap.iter().filter_map(|Reverse(key)| Some((key.at, self.events[key.place as usize].as_ref()?)))
    }

    /// The next event and when it is.
    pub fn peek(&self) -> Option<(Instant, &Event)> {
        let Reverse(key) = self.heap.peek()?;
        Some((key.at, self.events[key.place as usize].as_ref()?))
    }

    pub fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(key)| key.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blumfeld_kernel::{NodeId, Prng};

    #[test]
    fn events_come_by_time_and_then_in_the_order_in_which_they_were_caused() {
        let (mut queue, mut rng, mut want, mut got) =
            (Queue::default(), Prng::new(1, "queue"), Vec::new(), Vec::new());
        for n in 0..1_000 {
            let at = Instant::from_micros(rng.below(50));
            queue.push(at, Event::Start { node: NodeId(n) });
            want.push((at, n));
            if n % 3 == 2 {
                let Some((at, Event::Start { node }, _)) = queue.pop() else { panic!("an event") };
                want.sort();
                got.push((at, node.0));
                assert_eq!(want.remove(0), (at, node.0));
            }
        }
        want.sort();
        for (at, n) in want {
            assert_eq!(queue.next_at(), Some(at));
            assert!(matches!(queue.pop(), Some((_, Event::Start { node }, _)) if node == NodeId(n)));
        }
        assert!(queue.pop().is_none() && got.len() == 333);
    }
}
