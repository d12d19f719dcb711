//! Connections in time. Messages of one connection and direction arrive in the order in which they were sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use blumfeld_kernel::{ConnectionId, Endpoint, Input, Instant, NodeId, Prng};

use super::ClusterConfig;

/// A connection to a node that cannot be reached is given up after this.
pub(super) const UNREACHABLE: Duration = Duration::from_secs(7);

/// A connection of a node to itself, as a controller has one, has another number at the end that listens.
const LOOPBACK: u64 = 1 << 63;

/// A connection. End 0 opened it, end 1 listens.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub ends: [NodeId; 2],
    pub runs: [u64; 2],
    pub listener: Endpoint,
    /// Which end is gone.
    pub closed: [bool; 2],
    /// Nothing sent from an end arrives before this.
    busy_until: [Instant; 2],
    /// What was sent from an end while nothing came through.
    stalled: [VecDeque<Input>; 2],
}

impl Link {
    fn is_loopback(&self) -> bool {
        self.ends[0] == self.ends[1]
    }
}

#[derive(Clone, Debug)]
pub(super) struct Network {
    latency: Duration,
    jitter: Duration,
    bytes_per_second: u64,
    rng: Prng,
    links: BTreeMap<ConnectionId, Link>,
    listeners: BTreeMap<Endpoint, NodeId>,
    pub cuts: BTreeSet<(NodeId, NodeId)>,
}

impl Network {
    pub fn new(config: &ClusterConfig) -> Network {
        Network {
            latency: config.latency,
            jitter: config.jitter,
            bytes_per_second: config.bytes_per_second.max(1),
            rng: Prng::new(config.seed, "network"),
            links: BTreeMap::new(),
            listeners: BTreeMap::new(),
            cuts: BTreeSet::new(),
        }
    }

    pub fn listen(&mut self, at: Endpoint, node: NodeId) {
        self.listeners.insert(at, node);
    }

    pub fn listener(&self, at: &Endpoint) -> Option<NodeId> {
        self.listeners.get(at).copied()
    }

    pub fn link(&self, conn: ConnectionId) -> Option<&Link> {
        self.links.get(&conn)
    }

    /// How long a message of so many bytes takes.
    pub fn delay(&mut self, bytes: usize) -> Duration {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let wire = bytes.saturating_mul(1_000_000) / self.bytes_per_second;
        self.latency + self.rng.duration(self.jitter) + Duration::from_micros(wire)
    }

    pub fn open(&mut self, conn: ConnectionId, node: NodeId, run: u64, listener: Endpoint) {
        let to = self.listener(&listener).unwrap_or(NodeId::WORLD);
        let link = Link {
            ends: [node, to],
            runs: [run, 0],
            listener,
            closed: [false; 2],
            busy_until: [Instant::ZERO; 2],
            stalled: [VecDeque::new(), VecDeque::new()],
        };
        self.links.insert(conn, link);
    }

    pub fn accepted(&mut self, conn: ConnectionId, to: NodeId, run: u64) {
        if let Some(link) = self.links.get_mut(&conn) {
            link.ends[1] = to;
            link.runs[1] = run;
        }
    }

    /// The connection that a node means by a number, and which end of it the node is, if that one is open.
    pub fn meant(&self, named: ConnectionId, node: NodeId) -> Option<(ConnectionId, usize)> {
        let conn = ConnectionId(named.0 & !LOOPBACK);
        let link = self.links.get(&conn)?;
        let end = match link.is_loopback() {
            true => usize::from(conn != named),
            false => (0..2).find(|end| link.ends[*end] == node)?,
        };
        (link.ends[end] == node && !link.closed[end]).then_some((conn, end))
    }

    /// What the node at an end calls a connection.
    pub fn name_at(&self, conn: ConnectionId, end: usize) -> ConnectionId {
        match self.links.get(&conn) {
            Some(link) if link.is_loopback() && end == 1 => ConnectionId(conn.0 | LOOPBACK),
            _ => conn,
        }
    }

    /// The open ends of a node.
    pub fn open_ends(&self, node: NodeId) -> Vec<(ConnectionId, usize)> {
        let ends = self.links.iter().flat_map(|(conn, link)| [(*conn, link, 0), (*conn, link, 1)]);
        let own = ends.filter(|(_, link, end)| link.ends[*end] == node && !link.closed[*end]);
        own.map(|(conn, _, end)| (conn, end)).collect()
    }

    /// Closes an end. False if it was closed.
    pub fn close(&mut self, conn: ConnectionId, end: usize) -> bool {
        let Some(closed) = self.links.get_mut(&conn).and_then(|link| link.closed.get_mut(end)) else {
            return false;
        };
        !std::mem::replace(closed, true)
    }

    pub fn forget(&mut self, conn: ConnectionId) {
        self.links.remove(&conn);
    }

    pub fn is_cut(&self, one: NodeId, other: NodeId) -> bool {
        self.cuts.contains(&(one.min(other), one.max(other)))
    }

    /// When something sent from an end arrives; `None` if it has to wait.
    pub fn send(
        &mut self,
        now: Instant,
        conn: ConnectionId,
        end: usize,
        input: Input,
    ) -> Option<(Instant, Input)> {
        let bytes = if let Input::Frame { frame, .. } = &input { frame.len() + 4 } else { 0 };
        let delay = self.delay(bytes);
        let cut = self.links.get(&conn).is_some_and(|link| self.is_cut(link.ends[0], link.ends[1]));
        let link = self.links.get_mut(&conn)?;
        if cut {
            link.stalled[end].push_back(input);
            return None;
        }
        let at = (now + delay).max(link.busy_until[end]);
        link.busy_until[end] = at;
        Some((at, input))
    }

    /// What waited between two nodes, in order.
    pub fn stalled(&mut self, one: NodeId, other: NodeId) -> Vec<(ConnectionId, usize, Input)> {
        let mut waiting = Vec::new();
        for (conn, link) in &mut self.links {
            if link.ends == [one, other] || link.ends == [other, one] {
                for (end, stalled) in link.stalled.iter_mut().enumerate() {
                    waiting.extend(stalled.drain(..).map(|input| (*conn, end, input)));
                }
            }
        }
        waiting
    }
}
