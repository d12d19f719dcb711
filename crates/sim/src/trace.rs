//! The trace: what became true, and a digest over everything that happened.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{Hash, Hasher};

use barnabas_kernel::{Instant, NodeId, TraceEvent};
use twox_hash::XxHash64;

/// A line of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceLine {
    /// When.
    pub at: Instant,
    /// Who says so.
    pub node: NodeId,
    /// What.
    pub event: TraceEvent,
}

impl fmt::Display for TraceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.at, self.node, self.event)
    }
}

/// So many lines are kept for whoever draws them; older ones are counted and dropped.
const KEEP: usize = 10_000;

/// The lines since they were last taken, and the digest since the beginning.
#[derive(Clone)]
pub struct Trace {
    lines: VecDeque<TraceLine>,
    dropped: u64,
    pushed: u64,
    hasher: XxHash64,
    digests: bool,
}

impl Trace {
    pub(crate) fn new() -> Trace {
        Trace { lines: VecDeque::new(), dropped: 0, pushed: 0, hasher: XxHash64::with_seed(0), digests: true }
    }

    pub(crate) fn push(&mut self, line: TraceLine) {
        let TraceLine { at, node, event } = &line;
        if self.digests {
            (at, node, event).hash(&mut Portable(&mut self.hasher));
        }
        if self.lines.len() == KEEP {
            self.lines.pop_front();
            self.dropped += 1;
        }
        self.pushed += 1;
        self.lines.push_back(line);
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

    /// The newest line, if it was not taken yet.
    pub fn newest(&self) -> Option<&TraceLine> {
        self.lines.back()
    }

    /// How many lines there were since the beginning.
    pub fn pushed(&self) -> u64 {
        self.pushed
    }

    /// The lines behind the first `seen` of all, as far as they are kept and were not taken yet.
    pub fn after(&self, seen: u64) -> impl Iterator<Item = &TraceLine> {
        let new = usize::try_from(self.pushed.saturating_sub(seen)).unwrap_or(usize::MAX);
        self.lines.range(self.lines.len().saturating_sub(new)..)
    }

    /// The lines since the last call, and how many were dropped because they were too many.
    pub fn take(&mut self) -> (Vec<TraceLine>, u64) {
        (self.lines.drain(..).collect(), std::mem::take(&mut self.dropped))
    }
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
}
