//! Random faults, each with what mends it.

use std::time::Duration;

use blumfeld_kernel::{NodeId, Prng, TraceEvent};
use blumfeld_protocol::{ApiKey, ErrorCode};
use blumfeld_sim::{DiskState, Fault, Heal, LinkFault, RequestFault, Side, World};

use super::pick;

/// A fault that is to be injected.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What.
    pub fault: Fault,
    /// What mends it, and after how long; `None` is over by itself.
    pub mend: Option<(Duration, Fault)>,
}

/// What mends a fault that is in force.
pub fn mending(fault: &Fault) -> Option<Fault> {
    Some(match *fault {
        Fault::Crash(node) | Fault::PowerCut(node) | Fault::ShutDown(node) => Fault::Restart(node),
        Fault::Pause { node, .. } => Fault::Resume(node),
        Fault::Skew { node, .. } | Fault::ClockJump { node, .. } => Fault::Skew { node, ms: 0 },
        Fault::Disk { node, .. } | Fault::DiskSlow { node, .. } => {
            Fault::Disk { node, state: DiskState::Working, operations: None }
        }
        Fault::PageCache { node, .. } => Fault::PageCache { node, bytes: None },
        Fault::Link { from, to, .. } => Fault::Heal(Heal::Between(from, to)),
        Fault::Isolate(node) => Fault::Heal(Heal::Of(Side::Node(node))),
        Fault::Request { .. } => Fault::Heal(Heal::All),
        Fault::On(ref trigger) => Fault::Off(trigger.name.clone()?),
        Fault::Restart(_)
        | Fault::Resume(_)
        | Fault::DropPageCache(_)
        | Fault::Heal(_)
        | Fault::Break(..)
        | Fault::Off(_)
        | Fault::Arm { .. } => return None,
    })
}

fn ms(rng: &mut Prng, from: u64, to: u64) -> Duration {
    Duration::from_millis(from + rng.below(to - from))
}

/// The node at which something has just begun that a fault does not let come to its end: an election, a change of an
/// ISR, a truncation.
pub fn tender_moment(event: &TraceEvent, node: NodeId) -> Option<NodeId> {
    match event {
        TraceEvent::QuorumCandidate { .. }
        | TraceEvent::QuorumFollower { .. }
        | TraceEvent::QuorumLeader { .. }
        | TraceEvent::VoteGranted { .. }
        | TraceEvent::IsrChanged { .. }
        | TraceEvent::LogTruncated { .. }
        | TraceEvent::BecameLeader { .. } => Some(node),
        TraceEvent::LeaderElected { leader, .. } if *leader > 0 => Some(NodeId(*leader)),
        _ => None,
    }
}

/// A fault for such a moment: the node goes, and is soon back.
pub fn strike(
    rng: &mut Prng,
    world: &World,
    node: NodeId,
    may_cut_power: impl Fn(NodeId) -> bool,
) -> Option<Plan> {
    world.broker(node)?;
    let fault = match rng.below(4) {
        0 | 1 if may_cut_power(node) => Fault::PowerCut(node),
        3 => Fault::Isolate(node),
        _ => Fault::Crash(node),
    };
    let long = if rng.chance(1, 2) { ms(rng, 1, 100) } else { ms(rng, 100, 15_000) };
    let mend = mending(&fault).map(|mend| (long, mend));
    Some(Plan { fault, mend })
}

/// The next fault, or nothing if what was drawn cannot be now. `may_cut_power` says whether this machine's power may
/// go.
pub fn next(rng: &mut Prng, world: &World, may_cut_power: impl Fn(NodeId) -> bool) -> Option<Plan> {
    let nodes: Vec<NodeId> = world.nodes().collect();
    let node = pick(rng, &nodes);
    let up = world.broker(node).is_some();
    let side = |rng: &mut Prng| {
        let at = usize::try_from(rng.below(nodes.len() as u64 + 1)).unwrap_or(0);
        nodes.get(at).map_or(Side::Clients, |node| Side::Node(*node))
    };
    let ways = |rng: &mut Prng| (Side::Node(node), side(rng));
    let fault = match rng.below(22) {
        0..3 if up => Fault::Crash(node),
        3 if up => Fault::ShutDown(node),
        4..6 if may_cut_power(node) => Fault::PowerCut(node),
        6..8 if up => Fault::Pause { node, ms: Some(50 + rng.below(12_000)) },
        8 => Fault::Skew { node, ms: i64::try_from(rng.below(1_200_000)).unwrap_or(0) - 600_000 },
        9 => Fault::DiskSlow { node, factor: pick(rng, &[2, 5, 20]) },
        10..12 => {
            let (from, to) = ways(rng);
            Fault::Link { from, to, one_way: rng.chance(1, 2), what: LinkFault::Cut }
        }
        12..14 => Fault::Isolate(node),
        14..17 => {
            let (from, to) = ways(rng);
            let what = match rng.below(5) {
                0 => LinkFault::Latency(1 + rng.below(500)),
                1 => LinkFault::Jitter(1 + rng.below(500)),
                2 => LinkFault::Bandwidth(20_000 + rng.below(1_000_000)),
                3 => LinkFault::Drop(1 + rng.below(60)),
                _ => LinkFault::Reorder(1 + rng.below(300)),
            };
            Fault::Link { from, to, one_way: rng.chance(1, 2), what }
        }
        17 => {
            let (one, other) = ways(rng);
            Fault::Break(one, other)
        }
        _ => {
            let (api_key, code) = pick(
                rng,
                &[
                    (ApiKey::Produce, ErrorCode::NOT_LEADER_OR_FOLLOWER),
                    (ApiKey::Produce, ErrorCode::NOT_ENOUGH_REPLICAS),
                    (ApiKey::Fetch, ErrorCode::NOT_LEADER_OR_FOLLOWER),
                    (ApiKey::Fetch, ErrorCode::FENCED_LEADER_EPOCH),
                    (ApiKey::BrokerHeartbeat, ErrorCode::NOT_CONTROLLER),
                    (ApiKey::AlterPartition, ErrorCode::NOT_CONTROLLER),
                ],
            );
            let what = match rng.below(4) {
                0 => RequestFault::Error(code),
                1 => RequestFault::Delay(1 + rng.below(3_000)),
                2 => RequestFault::Drop,
                _ => RequestFault::LoseResponse,
            };
            Fault::Request { node, api_key, what, count: u32::try_from(1 + rng.below(4)).unwrap_or(1) }
        }
    };
    let long = match fault {
        Fault::Pause { .. } | Fault::Break(..) => None,
        // A process may be back before its session is over, or long after.
        Fault::Crash(_) | Fault::PowerCut(_) => Some(ms(rng, 50, 15_000)),
        Fault::ShutDown(_) => Some(ms(rng, 2_000, 20_000)),
        _ => Some(ms(rng, 200, 15_000)),
    };
    let mend = long.and_then(|long| Some((long, mending(&fault)?)));
    Some(Plan { fault, mend })
}

/// Requests that triggers wait for, with an error that may answer them.
pub const REQUESTS: [&str; 9] = [
    "Produce error NOT_LEADER_OR_FOLLOWER",
    "Fetch error FENCED_LEADER_EPOCH",
    "AlterPartition error NOT_CONTROLLER",
    "BrokerHeartbeat",
    "OffsetCommit error REBALANCE_IN_PROGRESS",
    "Heartbeat error REBALANCE_IN_PROGRESS",
    "JoinGroup error COORDINATOR_LOAD_IN_PROGRESS",
    "Metadata",
    "any",
];

/// The same where there are transactions.
pub const REQUESTS_OF_TRANSACTIONS: [&str; 13] = [
    "EndTxn error COORDINATOR_NOT_AVAILABLE",
    "EndTxn error NOT_COORDINATOR",
    "EndTxn",
    "AddPartitionsToTxn error COORDINATOR_LOAD_IN_PROGRESS",
    "AddPartitionsToTxn",
    "WriteTxnMarkers",
    "WriteTxnMarkers",
    "TxnOffsetCommit error COORDINATOR_LOAD_IN_PROGRESS",
    "InitProducerId error CONCURRENT_TRANSACTIONS",
    "FindCoordinator",
    "Produce error NOT_LEADER_OR_FOLLOWER",
    "Produce",
    "Fetch error FENCED_LEADER_EPOCH",
];

/// A trigger of this number on one of these requests; one that crashes the broker only where that may be.
pub fn trigger(rng: &mut Prng, requests: &[&'static str], number: u64, may_crash: bool) -> Option<Plan> {
    let api = pick(rng, requests);
    let (api, error) = api.split_once(' ').unwrap_or((api, "disconnect"));
    let (count, percent) = (1 + rng.below(5), 1 + rng.below(30));
    let when = match rng.below(5) {
        0 => "once".to_owned(),
        1 => format!("times {count}"),
        2 => format!("nth {}", count * 7),
        3 => format!("every {}", count * 3),
        _ => format!("probability {percent}%"),
    };
    let after = 1 + rng.below(3_000);
    let action = match rng.below(8) {
        0 | 1 => error.to_owned(),
        2 => format!("delay {after}"),
        3 => "drop".to_owned(),
        4 => "disconnect after".to_owned(),
        5 => format!("do pause here {after}"),
        6 if may_crash && !when.starts_with(['e', 'p']) => "do crash here".to_owned(),
        6 => "do break here clients".to_owned(),
        // Drawn here, so that the seeds of before draw what they drew.
        _ => match rng.below(3) {
            0 => format!("delay {after} after"),
            1 => "duplicate".to_owned(),
            _ => "observe 10".to_owned(),
        },
    };
    let which = if api == "Produce" && rng.chance(1, 2) { " topic load" } else { "" };
    let fault = Fault::parse(&format!("on {api} as t{number}{which} {when} {action}")).ok()?;
    let mend = mending(&fault).map(|mend| (ms(rng, 200, 15_000), mend));
    Some(Plan { fault, mend })
}
