//! The trace: what became true, and a digest over everything that happened.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{Hash, Hasher};

use blumfeld_condition::Sight;
use blumfeld_kernel::{ClientCounts, Instant, NodeId, TraceEvent};
use bytes::Bytes;
use twox_hash::XxHash64;

use crate::kind::{Often, sort_of};
use crate::rebalances::Rebalances;
use crate::sightings::Sightings;

/// A line of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceLine {
    /// When.
    pub at: Instant,
    /// Who says so.
    pub node: NodeId,
    /// What became true.
    pub event: TraceEvent,
}

impl fmt::Display for TraceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.at, self.node, self.event)
    }
}

impl TraceLine {
    /// Whether such lines come with every batch or commit.
    pub fn is_frequent(&self) -> bool {
        sort_of(&self.event).1 != Often::Rare
    }

    /// Whether it says more than that an idle cluster lives.
    fn is_news(&self) -> bool {
        sort_of(&self.event).1 != Often::Idle
    }
}

/// So many lines of frequent events, and as many of rare ones, are kept to be drawn; older ones are counted
/// and dropped.
const KEEP: usize = 10_000;

/// Lines with their numbers, oldest first.
type Lines = VecDeque<(u64, TraceLine)>;

/// The lines since they were last taken, and the digest since the beginning.
#[derive(Clone)]
pub struct Trace {
    /// Apart, so that a burst of appends leaves elections where they are.
    frequent: Lines,
    rare: Lines,
    dropped: u64,
    /// Of the dropped ones, those that would have been news.
    dropped_news: u64,
    pushed: u64,
    hasher: XxHash64,
    digests: bool,
    /// What was seen, once a condition asks it.
    sightings: Option<Sightings>,
    /// What the rebalances of groups were.
    rebalances: Rebalances,
}

impl Trace {
    pub(crate) fn new() -> Trace {
        Trace {
            frequent: VecDeque::new(),
            rare: VecDeque::new(),
            dropped: 0,
            dropped_news: 0,
            pushed: 0,
            hasher: XxHash64::with_seed(0),
            digests: true,
            sightings: None,
            rebalances: Rebalances::default(),
        }
    }

    pub(crate) fn push(&mut self, line: TraceLine) {
        let TraceLine { at, node, event } = &line;
        if self.digests {
            (at, node, event).hash(&mut Portable(&mut self.hasher));
        }
        if let Some(sightings) = &mut self.sightings {
            sightings.event(event);
        }
        self.rebalances.event(*at, *node, event);
        let lines = if line.is_frequent() { &mut self.frequent } else { &mut self.rare };
        if lines.len() == KEEP {
            let news = lines.pop_front().is_some_and(|(_, line)| line.is_news());
            self.dropped += 1;
            self.dropped_news += u64::from(news);
        }
        lines.push_back((self.pushed, line));
        self.pushed += 1;
    }

    /// The rebalances of groups.
    pub(crate) fn rebalances(&self) -> &Rebalances {
        &self.rebalances
    }

    /// Takes numbers and bytes into the digest alone.
    pub(crate) fn note(&mut self, numbers: &[u64], bytes: &[u8]) {
        if !self.digests {
            return;
        }
        // Little-endian on every machine, whatever its own order; written at once, for each write costs.
        let mut all = [0; 24];
        for part in numbers.chunks(all.len() / 8) {
            for (place, number) in all.chunks_exact_mut(8).zip(part) {
                place.copy_from_slice(&number.to_le_bytes());
            }
            self.hasher.write(&all[..8 * part.len()]);
        }
        if !bytes.is_empty() {
            self.hasher.write(bytes);
        }
    }

    pub(crate) fn stop_digest(&mut self) {
        self.digests = false;
    }

    /// A number that two runs share if everything in them was the same.
    pub fn digest(&self) -> u64 {
        self.hasher.finish()
    }

    /// Looks at what happens from now on, so that it can be asked what was seen.
    pub(crate) fn look(&mut self) {
        self.sightings.get_or_insert_default();
    }

    /// Whether answers are to be looked at for errors.
    pub(crate) fn looks(&self) -> bool {
        self.sightings.is_some()
    }

    /// An API was answered with an error.
    pub(crate) fn saw_error(&mut self, code: i16, api: &str) {
        if let Some(sightings) = &mut self.sightings {
            sightings.error(code, api.into());
        }
    }

    /// A tool printed something.
    pub(crate) fn saw_output(&mut self, text: &Bytes) {
        if let Some(sightings) = &mut self.sightings {
            sightings.output(text);
        }
    }

    /// A client acted.
    pub(crate) fn saw_client(&mut self, node: NodeId, counts: Option<ClientCounts<'_>>) {
        if let (Some(sightings), Some(counts)) = (&mut self.sightings, counts) {
            sightings.client(node, counts);
        }
    }

    /// Whether a tool has printed a text since a moment; not if nobody looked.
    pub(crate) fn printed(&self, text: &str, since: u64) -> bool {
        self.sightings.as_ref().is_some_and(|sightings| sightings.printed(text, since))
    }

    /// Now, to ask later what was seen since.
    pub(crate) fn moment(&self) -> u64 {
        self.sightings.as_ref().map_or(0, Sightings::moment)
    }

    /// Whether something was seen since a moment; not if nobody looked.
    pub(crate) fn saw(&self, sight: &Sight, about: Option<&str>, since: u64) -> bool {
        self.sightings.as_ref().is_some_and(|sightings| sightings.saw(sight, about, since))
    }

    /// The newest line, if it was not taken yet.
    pub fn newest(&self) -> Option<&TraceLine> {
        let last = [self.frequent.back(), self.rare.back()].into_iter().flatten();
        last.max_by_key(|(number, _)| *number).map(|(_, line)| line)
    }

    /// How many lines there were since the beginning.
    pub fn pushed(&self) -> u64 {
        self.pushed
    }

    /// The lines behind the first `seen` of all, as far as they are kept and were not taken yet.
    pub fn after(&self, seen: u64) -> impl Iterator<Item = &TraceLine> {
        let new = |lines: &Lines| lines.partition_point(|(number, _)| *number < seen);
        let (frequent, rare) = (new(&self.frequent), new(&self.rare));
        let lines =
            in_order(self.frequent.range(frequent..), self.rare.range(rare..), |one, other| one.0 < other.0);
        lines.map(|(_, line)| line)
    }

    /// The lines since the last call, and how many were dropped because they were too many.
    pub fn take(&mut self) -> (Vec<TraceLine>, u64) {
        self.dropped_news = 0;
        let lines = in_order(self.frequent.drain(..), self.rare.drain(..), |one, other| one.0 < other.0);
        (lines.map(|(_, line)| line).collect(), std::mem::take(&mut self.dropped))
    }

    /// The same without what a cluster says that does nothing.
    pub fn take_news(&mut self) -> (Vec<TraceLine>, u64) {
        let dropped = self.dropped_news;
        let (mut lines, _) = self.take();
        lines.retain(TraceLine::is_news);
        (lines, dropped)
    }
}

/// Two sequences in order as one.
fn in_order<T>(
    one: impl Iterator<Item = T>,
    other: impl Iterator<Item = T>,
    is_before: impl Fn(&T, &T) -> bool,
) -> impl Iterator<Item = T> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some(first), Some(second)) if !is_before(first, second) => other.next(),
        (Some(_), _) => one.next(),
        (None, _) => other.next(),
    })
}

/// Takes values into the digest as the same bytes on every machine, whatever its word is.
struct Portable<'a>(&'a mut XxHash64);

macro_rules! little_endian {
    ($($write:ident($integer:ty as $wide:ty)),*) => {
        $(fn $write(&mut self, value: $integer) {
            self.0.write(&(value as $wide).to_le_bytes());
        })*
    };
}

impl Hasher for Portable<'_> {
    fn finish(&self) -> u64 {
        self.0.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    little_endian!(
        write_u8(u8 as u8),
        write_u16(u16 as u16),
        write_u32(u32 as u32),
        write_u64(u64 as u64),
        write_usize(usize as u64),
        write_i16(i16 as i16),
        write_i32(i32 as i32),
        write_i64(i64 as i64),
        write_isize(isize as i64)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_differ_in_anything_have_other_digests() {
        let digest = |at, node, event| {
            let mut trace = Trace::new();
            trace.push(TraceLine { at: Instant::from_micros(at), node: NodeId(node), event });
            trace.digest()
        };
        let rolled = |partition: &str, base_offset| TraceEvent::SegmentRolled {
            partition: partition.into(),
            base_offset,
        };
        let moved = TraceEvent::LogStartAdvanced { partition: "a-0".into(), to: 7 };
        let digests = [
            digest(1, 1, rolled("a-0", 7)),
            digest(2, 1, rolled("a-0", 7)),
            digest(1, 2, rolled("a-0", 7)),
            digest(1, 1, rolled("a-1", 7)),
            digest(1, 1, rolled("a-0", 8)),
            digest(1, 1, moved),
        ];
        let distinct: std::collections::BTreeSet<u64> = digests.into_iter().collect();
        assert_eq!(distinct.len(), digests.len());
        assert_eq!(digests[0], digest(1, 1, rolled("a-0", 7)));
    }

    fn line(at: u64, event: TraceEvent) -> TraceLine {
        TraceLine { at: Instant::from_micros(at), node: NodeId(1), event }
    }

    fn appended(partition: &str) -> TraceEvent {
        TraceEvent::Appended { partition: partition.into(), base_offset: 0, last_offset: 0, bytes: 1 }
    }

    fn times<'a>(lines: impl IntoIterator<Item = &'a TraceLine>) -> Vec<u64> {
        lines.into_iter().map(|line| line.at.as_micros()).collect()
    }

    #[test]
    fn a_burst_of_appends_leaves_rare_lines_in_their_place_and_counts_what_it_drops() {
        let mut trace = Trace::new();
        let burst = 3 * KEEP as u64;
        for at in 0..burst {
            let event = match at {
                7 | 20_000 => TraceEvent::BrokerFenced { broker: 1 },
                _ if at % 2 == 0 => appended("orders-0"),
                _ => appended("__cluster_metadata-0"),
            };
            trace.push(line(at, event));
        }
        assert_eq!(trace.pushed(), burst);
        assert_eq!(trace.newest().map(|line| line.at.as_micros()), Some(burst - 1));
        // The frequent ones that are kept are the last, but for the rare one among them.
        assert_eq!(times(trace.after(0).take(3)), [7, 19_999, 20_000]);
        assert_eq!(times(trace.after(burst - 2)), [burst - 2, burst - 1]);
        assert_eq!(times(trace.after(burst)), [0; 0]);
        let mut other = trace.clone();
        let (lines, dropped) = trace.take();
        assert_eq!((lines.len(), dropped), (KEEP + 2, burst - KEEP as u64 - 2));
        assert!(lines.is_sorted_by_key(|line| line.at));
        let (lines, dropped) = other.take_news();
        assert_eq!(times(&lines[..3]), [7, 20_000, 20_002]);
        // Of the first 20,000 lines the even ones are news, and none of those was the rare one.
        assert_eq!((lines.len() as u64, dropped), (KEEP as u64 / 2 - 1 + 2, KEEP as u64));
        assert_eq!((other.take_news(), trace.take()), ((Vec::new(), 0), (Vec::new(), 0)));
    }
}
