//! A member of a group (org.apache.kafka.clients.consumer.internals.AbstractCoordinator and ConsumerCoordinator): finds
//! the coordinator, joins, syncs, sends heartbeats and leaves. Java does some of that in the program's `poll` and some
//! in a thread of its own: `poll` and `background` here.

mod join;
mod offsets;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use blumfeld_kernel::{Context, Endpoint, Instant};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::leave_group_request::MemberIdentity;
use blumfeld_protocol::messages::{
    FindCoordinatorRequest, FindCoordinatorResponse, GroupId, HeartbeatRequest, HeartbeatResponse,
    LeaveGroupRequest,
};
use blumfeld_protocol::wire::StrBytes;
use bytes::Bytes;

use super::assignor::protocol_of;
use super::fetcher::Fetcher;
use super::subscription::{Subscription, SubscriptionState};
use super::{
    Assignor, ConsumerConfig, ConsumerEvent, MemberSubscription, PartitionAssignor, RebalanceProtocol,
};
use crate::{ApiError, Completed, Metadata, NetworkClient, TopicPartition};
pub(super) use offsets::{Commit, CommitKind};

/// What a coordinator works with: the consumer's other parts.
pub(super) struct Parts<'a> {
    pub config: &'a ConsumerConfig,
    pub subscription: &'a mut SubscriptionState,
    pub metadata: &'a mut Metadata,
    pub net: &'a mut NetworkClient,
    pub fetcher: &'a mut Fetcher,
    pub events: &'a mut Vec<ConsumerEvent>,
    pub errors: &'a mut Vec<ApiError>,
}

/// Where a member stands (AbstractCoordinator.MemberState).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum MemberState {
    Unjoined,
    /// JoinGroup is under way.
    PreparingRebalance,
    /// The group has joined; SyncGroup is under way.
    CompletingRebalance,
    Stable,
}

/// Where a member stands, as it is shown: the names are those of `AbstractCoordinator.MemberState`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberStep {
    /// It has no part in the group, or has none any more.
    Unjoined,
    /// It joins, or is to join again once its program polls.
    PreparingRebalance,
    /// The group has joined; its assignment is awaited.
    CompletingRebalance,
    /// It has its partitions.
    Stable,
    /// It commits its offsets and leaves.
    Leaving,
}

/// Which generation of the group a member knows, and as whom.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Generation {
    id: i32,
    member_id: String,
    protocol: Option<String>,
}

impl Generation {
    const NONE: Generation = Generation { id: -1, member_id: String::new(), protocol: None };
}

/// What happens before a member joins again (ConsumerCoordinator.onJoinPrepare).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Prepare {
    /// Offsets are to be committed.
    Commit,
    /// They are under way.
    Committing,
    /// Done: partitions are to be given away.
    Revoke,
    /// All of it is done.
    Ready,
}

/// The leader's turn: who joined, until the metadata of all their topics is there.
#[derive(Clone, Debug)]
struct Leading {
    protocol: String,
    members: Vec<(String, MemberSubscription)>,
    /// Metadata newer than this is awaited.
    after: Option<u64>,
}

/// By topic, how many partitions the leader gave out: more of them are a reason to join again.
type Snapshot = BTreeMap<Arc<str>, usize>;

/// How leaving goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Closing {
    No,
    /// The last commits are under way.
    Committing,
    /// LeaveGroup is under way.
    Leaving,
    Done,
}

/// The state of a member.
#[derive(Clone, Debug)]
pub(super) struct ConsumerCoordinator {
    node: Option<(i32, Endpoint)>,
    finding: Option<i32>,
    find_not_before: Instant,
    find_failures: u32,
    assignors: Vec<PartitionAssignor>,
    protocol: RebalanceProtocol,
    state: MemberState,
    generation: Generation,
    /// As whom it joined when it was last given partitions: the member's id and generation.
    joined_as: (String, i32),
    rejoin_needed: bool,
    rejoin_reason: String,
    prepare: Prepare,
    joining: Option<i32>,
    syncing: Option<i32>,
    leading: Option<Leading>,
    /// What SyncGroup brought, until the program polls.
    joined: Option<Bytes>,
    join_not_before: Instant,
    join_failures: u32,
    joined_topics: Option<BTreeSet<Arc<str>>>,
    snapshot: Option<Snapshot>,
    seen_metadata: Option<u64>,
    heartbeat: Option<i32>,
    next_heartbeat: Instant,
    session_deadline: Instant,
    poll_deadline: Instant,
    leaving: Option<i32>,
    closing: Closing,
    closing_deadline: Instant,
    /// Nothing more is done until the program subscribes again.
    failed: bool,
    waiting: VecDeque<Commit>,
    committing: BTreeMap<i32, Commit>,
    next_auto_commit: Instant,
    fetching: BTreeMap<i32, offsets::Fetching>,
    to_fetch: VecDeque<offsets::Fetching>,
    fetch_not_before: Instant,
    last_commit: u64,
}

/// The connection to a coordinator is one of its own, so that fetches that wait do not hold it up.
fn connection(node: i32) -> i32 {
    i32::MAX - node
}

/// What is owned is revoked, or lost.
fn give_all_away(parts: &mut Parts<'_>, lost: bool) {
    let owned: Vec<TopicPartition> = parts.subscription.assignment().cloned().collect();
    if owned.is_empty() {
        return;
    }
    parts.events.push(match lost {
        true => ConsumerEvent::PartitionsLost(owned),
        false => ConsumerEvent::PartitionsRevoked(owned),
    });
    join::replace_assignment(parts, Vec::new());
}

pub(super) fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

impl ConsumerCoordinator {
    pub fn new(assignors: &[Assignor]) -> ConsumerCoordinator {
        ConsumerCoordinator {
            assignors: assignors.iter().map(|one| PartitionAssignor::new(*one)).collect(),
            protocol: protocol_of(assignors),
            node: None,
            finding: None,
            find_not_before: Instant::ZERO,
            find_failures: 0,
            state: MemberState::Unjoined,
            generation: Generation::NONE,
            joined_as: (String::new(), -1),
            rejoin_needed: true,
            rejoin_reason: String::new(),
            prepare: Prepare::Commit,
            joining: None,
            syncing: None,
            leading: None,
            joined: None,
            join_not_before: Instant::ZERO,
            join_failures: 0,
            joined_topics: None,
            snapshot: None,
            seen_metadata: None,
            heartbeat: None,
            next_heartbeat: Instant::ZERO,
            session_deadline: Instant::ZERO,
            poll_deadline: Instant::ZERO,
            leaving: None,
            closing: Closing::No,
            closing_deadline: Instant::ZERO,
            failed: false,
            waiting: VecDeque::new(),
            committing: BTreeMap::new(),
            next_auto_commit: Instant::ZERO,
            fetching: BTreeMap::new(),
            to_fetch: VecDeque::new(),
            fetch_not_before: Instant::ZERO,
            last_commit: 0,
        }
    }

    /// The member's id and generation, while it has them.
    pub fn member(&self) -> (&str, i32) {
        (&self.generation.member_id, self.generation.id)
    }

    /// The member's id and generation as they were when it was last given partitions
    /// (ConsumerCoordinator.groupMetadata). What it read of those is committed in their name alone: a member that has
    /// lost its place since must not commit as one that never had any.
    pub fn joined_as(&self) -> (&str, i32) {
        (&self.joined_as.0, self.joined_as.1)
    }

    /// Where the member stands.
    pub fn step(&self) -> MemberStep {
        match (self.closing, self.state) {
            (Closing::Committing | Closing::Leaving, _) => MemberStep::Leaving,
            (Closing::Done, _) | (Closing::No, MemberState::Unjoined) => MemberStep::Unjoined,
            (Closing::No, MemberState::PreparingRebalance) => MemberStep::PreparingRebalance,
            (Closing::No, MemberState::CompletingRebalance) => MemberStep::CompletingRebalance,
            // What SyncGroup brought is the program's with its next poll; and until it polls it does not join again
            // either.
            (Closing::No, MemberState::Stable) if self.rejoin_needed => MemberStep::PreparingRebalance,
            (Closing::No, MemberState::Stable) if self.joined.is_some() => MemberStep::CompletingRebalance,
            (Closing::No, MemberState::Stable) => MemberStep::Stable,
        }
    }

    /// The broker that coordinates the group, while it is known.
    pub fn coordinator(&self) -> Option<i32> {
        self.node.as_ref().map(|(node, _)| *node)
    }

    /// Whether the member has its part of a stable generation.
    pub fn is_stable(&self) -> bool {
        self.state == MemberState::Stable && self.joined.is_none() && !self.rejoin_needed
    }

    fn request_rejoin(&mut self, reason: &str) {
        self.rejoin_reason = reason.to_owned();
        self.rejoin_needed = true;
    }

    /// A generation that is over: the next join begins as an unknown member, or with its id if that still counts.
    fn reset_generation(&mut self, reason: &str, member_id_too: bool) {
        let member_id =
            if member_id_too { String::new() } else { std::mem::take(&mut self.generation.member_id) };
        self.generation = Generation { member_id, ..Generation::NONE };
        self.state = MemberState::Unjoined;
        self.joined = None;
        self.leading = None;
        self.syncing = None;
        self.prepare = Prepare::Commit;
        self.request_rejoin(reason);
    }

    fn lose_coordinator(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>, disconnect: bool) {
        if let Some((node, _)) = self.node.take()
            && disconnect
        {
            parts.net.forget(cx, connection(node));
        }
    }

    /// What an answer's error means for the coordinator's whereabouts; gives whether it was one of those.
    fn coordinator_moved(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>, code: ErrorCode) -> bool {
        let moved = matches!(
            code,
            ErrorCode::COORDINATOR_NOT_AVAILABLE
                | ErrorCode::NOT_COORDINATOR
                | ErrorCode::NETWORK_EXCEPTION
                | ErrorCode::REQUEST_TIMED_OUT
        );
        if moved {
            self.lose_coordinator(cx, parts, false);
            parts.metadata.request_update();
        }
        moved
    }

    fn fail(&mut self, parts: &mut Parts<'_>, error: ApiError) {
        self.failed = true;
        parts.errors.push(error);
    }

    /// The connection to the coordinator if requests can be sent on it.
    fn ready(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) -> Option<i32> {
        match &self.node {
            // Nobody is there: another broker may be the coordinator by now
            // (AbstractCoordinator.ensureCoordinatorReady).
            Some((node, _)) if parts.net.is_unavailable(connection(*node), cx.now) => {
                self.lose_coordinator(cx, parts, false);
                let wait = parts.config.client.retry_backoff.backoff(1, cx.rng);
                self.find_not_before = cx.after_ms(wait);
                None
            }
            Some((node, endpoint)) => {
                let conn = connection(*node);
                parts.net.ready(cx, conn, endpoint).then_some(conn)
            }
            None => {
                self.find(cx, parts);
                None
            }
        }
    }

    fn find(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        if self.finding.is_some() || self.find_not_before > cx.now || self.failed {
            return;
        }
        let Some(node) = parts.metadata.least_loaded(cx, parts.net) else { return };
        let Ok(version) = parts.net.version::<FindCoordinatorRequest>(node) else { return };
        let key = text(parts.config.group_id.as_deref().unwrap_or_default());
        let request = match version {
            4.. => FindCoordinatorRequest::default().with_coordinator_keys(vec![key]),
            _ => FindCoordinatorRequest::default().with_key(key),
        };
        self.finding = parts.net.send(cx, node, version, &request, true).ok();
    }

    fn found(&mut self, cx: &mut Context<'_>, completed: &Completed, parts: &mut Parts<'_>) {
        self.finding = None;
        let found = completed.decode::<FindCoordinatorResponse>().and_then(|response| {
            let (code, message, node, host, port) = match response.coordinators.into_iter().next() {
                Some(one) => (one.error_code, one.error_message, one.node_id, one.host, one.port),
                None => {
                    let message = response.error_message;
                    (response.error_code, message, response.node_id, response.host, response.port)
                }
            };
            ApiError::check(code, message.as_ref())?;
            let port = u16::try_from(port).map_err(|_| ErrorCode::COORDINATOR_NOT_AVAILABLE)?;
            Ok((node.0, Endpoint::new(&host, port)))
        });
        match found {
            Ok(node) => {
                self.node = Some(node);
                self.find_failures = 0;
                self.session_deadline = cx.after_ms(parts.config.session_timeout_ms.into());
            }
            Err(error) if error.code.is_retriable() => {
                self.find_failures = self.find_failures.saturating_add(1);
                let wait = parts.config.client.retry_backoff.backoff(self.find_failures, cx.rng);
                self.find_not_before = cx.after_ms(wait);
            }
            Err(error) => self.fail(parts, error),
        }
    }

    /// Takes a completed request; gives whether it was one of these.
    pub fn handle(&mut self, cx: &mut Context<'_>, completed: &Completed, parts: &mut Parts<'_>) -> bool {
        let id = Some(completed.correlation_id);
        if self.finding == id {
            self.found(cx, completed, parts);
        } else if self.joining == id {
            self.joining = None;
            self.join_answered(cx, completed, parts);
        } else if self.syncing == id {
            self.syncing = None;
            self.sync_answered(cx, completed, parts);
        } else if self.heartbeat == id {
            self.heartbeat = None;
            self.heartbeat_answered(cx, completed, parts);
        } else if self.leaving == id {
            self.leaving = None;
        } else {
            return self.offsets_answered(cx, completed, parts);
        }
        true
    }

    /// What goes on whether or not the program polls: the coordinator's whereabouts, heartbeats, and what waits to be
    /// sent.
    pub fn background(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        if parts.config.group_id.is_none() {
            return;
        }
        self.lead(cx, parts);
        self.beat(cx, parts);
        self.send_offsets(cx, parts);
        self.close_on(cx, parts);
    }

    fn beats(&self) -> bool {
        matches!(self.state, MemberState::CompletingRebalance | MemberState::Stable)
    }

    /// Timers as they are after a join.
    fn reset_timeouts(&mut self, cx: &Context<'_>, config: &ConsumerConfig) {
        self.session_deadline = cx.after_ms(config.session_timeout_ms.into());
        self.poll_deadline = cx.after_ms(config.max_poll_interval_ms.into());
        self.next_heartbeat = cx.after_ms(config.heartbeat_interval_ms);
    }

    fn beat(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        if !self.beats() || self.failed || self.closing != Closing::No {
            return;
        }
        if self.node.is_none() {
            return self.find(cx, parts);
        }
        if self.session_deadline <= cx.now {
            // No answer to a heartbeat for so long: another broker may be the coordinator.
            return self.lose_coordinator(cx, parts, true);
        }
        if self.poll_deadline <= cx.now {
            parts.events.push(ConsumerEvent::PollTimeout);
            return self.leave(cx, parts, "consumer poll timeout has expired.");
        }
        if self.next_heartbeat > cx.now || self.heartbeat.is_some() {
            return;
        }
        let Some(node) = self.ready(cx, parts) else { return };
        let Ok(version) = parts.net.version::<HeartbeatRequest>(node) else { return };
        let mut request = HeartbeatRequest::default()
            .with_group_id(GroupId(text(parts.config.group_id.as_deref().unwrap_or_default())))
            .with_generation_id(self.generation.id)
            .with_member_id(text(&self.generation.member_id));
        if version >= 3 {
            request.group_instance_id = parts.config.group_instance_id.as_deref().map(text);
        }
        self.heartbeat = parts.net.send(cx, node, version, &request, true).ok();
        self.next_heartbeat = cx.after_ms(parts.config.heartbeat_interval_ms);
    }

    fn heartbeat_answered(&mut self, cx: &mut Context<'_>, completed: &Completed, parts: &mut Parts<'_>) {
        let code = match completed.decode::<HeartbeatResponse>() {
            Ok(response) => ErrorCode(response.error_code),
            Err(error) => error.code,
        };
        if code.is_error() {
            let wait = parts.config.client.retry_backoff.backoff(1, cx.rng);
            self.next_heartbeat = self.next_heartbeat.min(cx.after_ms(wait));
        } else {
            self.session_deadline = cx.after_ms(parts.config.session_timeout_ms.into());
        }
        if !code.is_error() || self.coordinator_moved(cx, parts, code) {
            return;
        }
        match code {
            ErrorCode::REBALANCE_IN_PROGRESS => {
                self.session_deadline = cx.after_ms(parts.config.session_timeout_ms.into());
                self.next_heartbeat = cx.after_ms(parts.config.heartbeat_interval_ms);
                if self.state == MemberState::Stable && !self.rejoin_needed {
                    self.request_rejoin("group is already rebalancing");
                }
            }
            ErrorCode::ILLEGAL_GENERATION | ErrorCode::UNKNOWN_MEMBER_ID => {
                if self.beats() {
                    let id_too = code != ErrorCode::ILLEGAL_GENERATION;
                    self.reset_generation(
                        &format!("encountered {} from HEARTBEAT response", code.name()),
                        id_too,
                    );
                }
            }
            code if code.is_retriable() => {}
            code => self.fail(parts, code.into()),
        }
    }

    /// Leaves the group: dynamic members tell the coordinator, static ones are awaited by it (KIP-345).
    fn leave(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>, reason: &str) {
        let known = self.state != MemberState::Unjoined && !self.generation.member_id.is_empty();
        if known
            && parts.config.group_instance_id.is_none()
            && let Some((node, _)) = &self.node
            && parts.net.is_ready(connection(*node))
            && let Ok(version) = parts.net.version::<LeaveGroupRequest>(connection(*node))
        {
            let node = connection(*node);
            let member_id = text(&self.generation.member_id);
            let mut request = LeaveGroupRequest::default()
                .with_group_id(GroupId(text(parts.config.group_id.as_deref().unwrap_or_default())));
            if version >= 3 {
                let mut member = MemberIdentity::default().with_member_id(member_id);
                if version >= 5 {
                    member.reason = Some(text(reason));
                }
                request.members = vec![member];
            } else {
                request.member_id = member_id;
            }
            self.leaving = parts.net.send(cx, node, version, &request, true).ok();
        }
        self.joining = None;
        self.reset_generation("consumer pro-actively leaving the group", true);
    }

    /// Gives all partitions away and leaves (`unsubscribe`).
    pub fn unsubscribe(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        if parts.subscription.subscription.is_automatic() {
            self.leave_prepare(parts);
            self.leave(cx, parts, "the consumer unsubscribed from all topics");
        }
        self.joined_topics = None;
        self.snapshot = None;
        self.seen_metadata = None;
        self.prepare = Prepare::Commit;
        self.failed = false;
    }

    /// Whether the group has given the member's partitions to others by now, perhaps.
    fn is_unknown(&self) -> bool {
        self.generation.id < 0 || self.generation.member_id.is_empty()
    }

    /// Before the member leaves (ConsumerCoordinator.onLeavePrepare): the group may be about to give partitions to
    /// others.
    fn leave_prepare(&mut self, parts: &mut Parts<'_>) {
        let rebalancing =
            matches!(self.state, MemberState::PreparingRebalance | MemberState::CompletingRebalance);
        give_all_away(parts, self.is_unknown() || rebalancing);
    }

    /// Begins to end: commits what is to be committed, then leaves.
    pub fn begin_close(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        if self.closing != Closing::No {
            return;
        }
        if parts.config.group_id.is_none() {
            self.closing = Closing::Done;
            return;
        }
        self.closing_deadline = cx.after_ms(parts.config.client.request_timeout_ms);
        self.closing = Closing::Committing;
        if parts.config.auto_commits() {
            let offsets = parts.subscription.all_consumed();
            let member = !parts.subscription.subscription.is_automatic() || self.state == MemberState::Stable;
            if !offsets.is_empty() && member {
                self.enqueue(cx, offsets, CommitKind::Close, parts.config);
            }
        }
        self.background(cx, parts);
    }

    fn close_on(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        if self.closing == Closing::Committing
            && (self.committing.is_empty() && self.waiting.is_empty() || self.closing_deadline <= cx.now)
        {
            if parts.subscription.subscription.is_automatic() {
                self.leave_prepare(parts);
                self.leave(cx, parts, "the consumer is being closed");
            }
            self.closing = Closing::Leaving;
        }
        if self.closing == Closing::Leaving && (self.leaving.is_none() || self.closing_deadline <= cx.now) {
            self.closing = Closing::Done;
        }
    }

    /// Whether ending has begun.
    pub fn is_closing(&self) -> bool {
        self.closing != Closing::No
    }

    /// Whether it has come to its end.
    pub fn is_closed(&self) -> bool {
        self.closing == Closing::Done
    }

    /// When `background` or `poll` is next wanted.
    pub fn next_timeout(
        &self,
        now: Instant,
        config: &ConsumerConfig,
        subscription: &Subscription,
    ) -> Option<Instant> {
        config.group_id.as_ref()?;
        let later = |at: Instant| (at > now).then_some(at);
        let automatic = subscription.is_automatic();
        let beats = self.beats() && !self.failed;
        let timers = beats.then_some([self.next_heartbeat, self.session_deadline, self.poll_deadline]);
        let join = (automatic && self.rejoin_needed).then_some(self.join_not_before);
        let closing = self.is_closing().then_some(self.closing_deadline);
        let commit = config.auto_commits().then_some(self.next_auto_commit);
        let retries = self.waiting.iter().map(Commit::not_before);
        (timers.into_iter().flatten())
            .chain([self.find_not_before, self.fetch_not_before])
            .chain(join)
            .chain(closing)
            .chain(commit)
            .chain(retries)
            .filter_map(later)
            .min()
    }
}
