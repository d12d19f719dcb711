//! What the world keeps of every node, broker or client process.

use blumfeld_kernel::{Context, Effect, Instant, NodeId, Outbox, Prng, TraceEvent};

/// A node's place in the world.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    /// Its own generator.
    pub rng: Prng,
    /// Which start of its process this is, counted over all nodes.
    pub run: u64,
    /// The number of its last disk operation.
    pub flushes: u64,
    /// So much its wall clock is off, in milliseconds.
    pub skew_ms: i64,
    /// When its timer event is in the queue.
    pub armed: Option<Instant>,
}

/// What a node has put out while it acted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acts {
    pub effects: Vec<Effect>,
    pub events: Vec<TraceEvent>,
}

impl Slot {
    pub fn new(rng: Prng, run: u64) -> Slot {
        Slot { rng, run, flushes: 0, skew_ms: 0, armed: None }
    }

    /// What the node sees of the world while it acts.
    pub fn context<'a>(
        &'a mut self,
        node: NodeId,
        now: Instant,
        epoch_ms: i64,
        connections: &'a mut u64,
        acts: &'a mut Acts,
    ) -> Context<'a> {
        Context {
            node,
            now,
            epoch_ms: epoch_ms.saturating_add(self.skew_ms),
            rng: &mut self.rng,
            out: Outbox {
                effects: &mut acts.effects,
                events: &mut acts.events,
                connections,
                flushes: &mut self.flushes,
            },
        }
    }
}
