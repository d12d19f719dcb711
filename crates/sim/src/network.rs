//! Connections in time. Messages of one connection and direction arrive in the order in which they were sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use blumfeld_kernel::{ConnectionId, Endpoint, FlushId, Frame, Input, Instant, NodeId, Prng};
use bytes::Bytes;

use crate::NetworkConfig;
use crate::fault::Side;

/// A segment that is not acknowledged is sent again after this, and each time after twice as long (RFC 6298; the least
/// of Linux).
pub(crate) const RETRANSMISSION: Duration = Duration::from_millis(200);
/// A connection whose segment was sent again so often breaks: after 51 seconds. (Linux: 15 times, a quarter of an hour,
/// in which every timeout of Kafka's is long over.)
pub(crate) const RETRANSMISSIONS: u32 = 8;
/// A SYN without an answer is sent again after this, and each time after twice as long.
pub(crate) const SYN_AGAIN: Duration = Duration::from_secs(1);
/// So many SYNs are sent before the node is unreachable: after 7 seconds, before the clients' own
/// `socket.connection.setup.timeout.ms` of 10.
pub(crate) const SYNS: u32 = 3;

/// A connection that stands or is being made.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// Who opened it, and who listens.
    pub ends: [End; 2],
    /// Which of the listener's doors it came to.
    pub listener: Endpoint,
    /// The requests that have reached the listener and wait for its response.
    pub unanswered: VecDeque<Unanswered>,
    /// The response with this correlation id does not arrive: the connection breaks instead.
    pub losing: Option<i32>,
    /// The response with this correlation id leaves so much later.
    pub slowing: Option<(i32, Duration)>,
}

/// One end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub node: NodeId,
    pub run: u64,
    /// Nothing sent from here arrives before this moment.
    pub busy_until: Instant,
    /// Through a narrow way, what was sent before leaves until this moment.
    leaves_until: Instant,
    /// Frames that wait for a disk operation, and those behind them.
    pub held: VecDeque<(Option<FlushId>, Frame)>,
    /// Whether this end has been told that the connection is gone.
    pub closed: bool,
    /// What was sent from here and cannot arrive yet, and what came behind it.
    pub stalled: VecDeque<Stalled>,
    /// How often the first of them was sent in vain.
    pub tries: u32,
    /// When the first of them is looked at again; `None` if it waits for the listener's responses.
    pub retry_at: Option<Instant>,
    /// Whether its machine lost its power since: what is lost of it is not sent again.
    pub powerless: bool,
    /// Whether something was lost so: what was sent behind it is of no use.
    pub gap: bool,
}

impl End {
    pub fn new(node: NodeId, run: u64, busy_until: Instant) -> End {
        End {
            node,
            run,
            busy_until,
            leaves_until: Instant::ZERO,
            held: VecDeque::new(),
            closed: false,
            stalled: VecDeque::new(),
            tries: 0,
            retry_at: None,
            powerless: false,
            gap: false,
        }
    }
}

/// What is sent over a connection: a frame, or the word that it stands or is gone.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub input: Input,
    /// When it was sent.
    pub sent: Instant,
    /// The request that it answers.
    pub answers: Option<Asked>,
}

impl Message {
    /// Whether it is a frame, which is lost with whoever sent it, and no word of the connection's own.
    pub fn is_frame(&self) -> bool {
        matches!(self.input, Input::Frame { .. })
    }
}

/// A request, as its answer remembers it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub api_key: i16,
    pub version: i16,
}

impl Asked {
    /// What a request's frame says of itself in its first four bytes.
    pub fn of(frame: &Bytes) -> Option<Asked> {
        let number = |at: usize| Some(i16::from_be_bytes(*frame.get(at..)?.first_chunk::<2>()?));
        Some(Asked { api_key: number(0)?, version: number(2)? })
    }
}

/// A request that its listener has and has not answered.
#[derive(Clone, Debug)]
pub(crate) struct Unanswered {
    pub correlation_id: i32,
    pub sent: Instant,
    /// When it came to the listener.
    pub landed: Instant,
    pub frame: Frame,
    /// Whether it is the second one of a request that came twice: its response is thrown away.
    pub copy: bool,
}

/// A message that cannot arrive yet.
#[derive(Clone, Debug)]
pub(crate) struct Stalled {
    pub message: Message,
    /// Whether it has come through the network, and only waits before the machine.
    pub through: bool,
    /// Whether the faults of requests have been looked at.
    pub judged: bool,
}

/// What is wrong in one direction between two sides. Several that apply to a pair add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Condition {
    pub cut: bool,
    pub latency_ms: u64,
    pub jitter_ms: u64,
    /// Bytes a second; 0 is no limit.
    pub bandwidth: u64,
    /// Of a hundred messages so many have to be sent again.
    pub loss: u64,
    /// Each connection is slower by its own time up to this.
    pub reorder_ms: u64,
}

impl Condition {
    fn and(self, other: Condition) -> Condition {
        let limits = [self.bandwidth, other.bandwidth];
        Condition {
            cut: self.cut || other.cut,
            latency_ms: self.latency_ms.saturating_add(other.latency_ms),
            jitter_ms: self.jitter_ms.saturating_add(other.jitter_ms),
            bandwidth: limits.into_iter().filter(|limit| *limit > 0).min().unwrap_or(0),
            loss: self.loss.max(other.loss),
            reorder_ms: self.reorder_ms.max(other.reorder_ms),
        }
    }
}

/// All connections.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub config: NetworkConfig,
    pub rng: Prng,
    /// Draws what faults need, so that the network's other draws stay what they are.
    pub fault_rng: Prng,
    links: BTreeMap<ConnectionId, Link>,
    /// The connections of each node.
    of_node: BTreeSet<(NodeId, ConnectionId)>,
    /// The ends that hold frames back for a disk operation.
    holding: BTreeSet<(NodeId, ConnectionId)>,
    /// Connections whose SYN is to be sent again.
    pub connecting: BTreeSet<ConnectionId>,
    /// What is wrong, by the side that sends and the side that receives.
    pub conditions: BTreeMap<(Side, Side), Condition>,
}

impl Network {
    pub fn new(config: NetworkConfig, rng: Prng, fault_rng: Prng) -> Network {
        Network {
            config,
            rng,
            fault_rng,
            links: BTreeMap::new(),
            of_node: BTreeSet::new(),
            holding: BTreeSet::new(),
            connecting: BTreeSet::new(),
            conditions: BTreeMap::new(),
        }
    }

    pub fn link(&mut self, conn: ConnectionId) -> Option<&mut Link> {
        self.links.get_mut(&conn)
    }

    /// The same, to look at.
    pub fn look(&self, conn: ConnectionId) -> Option<&Link> {
        self.links.get(&conn)
    }

    pub fn links(&self) -> impl Iterator<Item = (ConnectionId, &Link)> {
        self.links.iter().map(|(conn, link)| (*conn, link))
    }

    pub fn insert(&mut self, conn: ConnectionId, link: Link) {
        self.of_node.extend(link.ends.iter().map(|end| (end.node, conn)));
        self.links.insert(conn, link);
    }

    pub fn remove(&mut self, conn: ConnectionId) -> Option<Link> {
        let link = self.links.remove(&conn)?;
        for end in &link.ends {
            self.of_node.remove(&(end.node, conn));
            if !end.held.is_empty() {
                self.holding.remove(&(end.node, conn));
            }
        }
        Some(link)
    }

    /// The connections of a node.
    pub fn of(&self, node: NodeId) -> Vec<ConnectionId> {
        let all = (node, ConnectionId(0))..=(node, ConnectionId(u64::MAX));
        self.of_node.range(all).map(|(_, conn)| *conn).collect()
    }

    /// The connections on which a node holds frames back.
    pub fn holding(&self, node: NodeId) -> Vec<ConnectionId> {
        let all = (node, ConnectionId(0))..=(node, ConnectionId(u64::MAX));
        self.holding.range(all).map(|(_, conn)| *conn).collect()
    }

    /// Notes whether a node holds frames of a connection back.
    pub fn note_holding(&mut self, node: NodeId, conn: ConnectionId, holds: bool) {
        if holds {
            self.holding.insert((node, conn));
        } else if !self.holding.is_empty() {
            self.holding.remove(&(node, conn));
        }
    }

    /// What is wrong between two nodes, in this direction.
    pub fn condition(&self, from: NodeId, to: NodeId) -> Condition {
        let mut found = Condition::default();
        // A node's way to itself is no network.
        if self.conditions.is_empty() || from == to {
            return found;
        }
        for from in Side::of(from) {
            for to in Side::of(to) {
                if let Some(one) = self.conditions.get(&(from, to)) {
                    found = found.and(*one);
                }
            }
        }
        found
    }

    /// Whether a message that is sent now does not arrive.
    pub fn loses(&mut self, from: NodeId, to: NodeId) -> bool {
        if self.conditions.is_empty() {
            return false;
        }
        let condition = self.condition(from, to);
        condition.cut || (condition.loss > 0 && self.fault_rng.chance(condition.loss, 100))
    }

    /// How long a message of so many bytes is on its way, by the network's configuration alone.
    pub fn transit(&mut self, bytes: usize) -> Duration {
        let size = match bytes {
            0 => Duration::ZERO,
            bytes => span(bytes, self.config.bytes_per_second),
        };
        self.config.latency + self.rng.duration(self.config.jitter) + size
    }

    /// How much longer it takes through what is wrong.
    pub fn delay(&mut self, conn: ConnectionId, from: NodeId, to: NodeId) -> Duration {
        if self.conditions.is_empty() {
            return Duration::ZERO;
        }
        let condition = self.condition(from, to);
        let mut delay = Duration::from_millis(condition.latency_ms);
        if condition.jitter_ms > 0 {
            delay += self.fault_rng.duration(Duration::from_millis(condition.jitter_ms));
        }
        if condition.reorder_ms > 0 {
            // Each connection has its own, the same for each of its messages.
            delay += Prng::new(conn.0, "reorder").duration(Duration::from_millis(condition.reorder_ms));
        }
        delay
    }

    /// When a message sent now from one end of a connection arrives at the other; `None` if nobody is there to take it.
    pub fn send(&mut self, now: Instant, conn: ConnectionId, from: usize, bytes: usize) -> Option<Instant> {
        let transit = self.transit(bytes);
        if self.conditions.is_empty() {
            let link = self.links.get_mut(&conn)?;
            let end = &mut link.ends[from];
            end.busy_until = end.busy_until.max(now + transit);
            let arrives = end.busy_until;
            return (!link.ends[1 - from].closed).then_some(arrives);
        }
        let nodes = self.links.get(&conn).map(|link| (link.ends[from].node, link.ends[1 - from].node))?;
        let transit = transit + self.delay(conn, nodes.0, nodes.1);
        let bandwidth = self.condition(nodes.0, nodes.1).bandwidth;
        let link = self.links.get_mut(&conn)?;
        let end = &mut link.ends[from];
        let mut leaves = now;
        if bandwidth > 0 {
            leaves = end.leaves_until.max(now) + span(bytes, bandwidth);
            end.leaves_until = leaves;
        }
        let arrives = end.busy_until.max(leaves + transit);
        end.busy_until = arrives;
        (!link.ends[1 - from].closed).then_some(arrives)
    }
}

fn span(bytes: usize, bytes_per_second: u64) -> Duration {
    Duration::from_micros((bytes as u64).saturating_mul(1_000_000) / bytes_per_second.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_of_a_node_and_of_all_clients_add_up() {
        let mut network =
            Network::new(NetworkConfig::default(), Prng::new(1, "network"), Prng::new(1, "network-faults"));
        let client = NodeId(NodeId::FIRST_CLIENT.0 + 1);
        let latency = |latency_ms| Condition { latency_ms, ..Condition::default() };
        network.conditions.insert((Side::Clients, Side::Node(NodeId(1))), latency(10));
        network.conditions.insert((Side::Node(client), Side::Node(NodeId(1))), latency(5));
        let of = |from, to| network.condition(from, to).latency_ms;
        assert_eq!(of(client, NodeId(1)), 15);
        assert_eq!(of(NodeId(client.0 + 1), NodeId(1)), 10);
        assert_eq!(of(NodeId(1), client), 0, "the other direction");
        assert_eq!(of(NodeId(2), NodeId(1)), 0, "no client");
    }
}
