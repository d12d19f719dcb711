//! The quorum that holds cluster metadata (org.apache.kafka.raft.KafkaRaftClient; KIP-595, KIP-630, KIP-996). Voters
//! are those of `controller.quorum.voters`; every other node is an observer, which fetches and does not vote.
//!
//! Like the node around it this is a state machine: requests and answers go in, records and requests come out, and
//! [`RaftClient::poll`] does what time brings. Whatever the node promises in an answer (an epoch, a vote) is durable
//! before the answer leaves.

mod handlers;
mod log;
mod messages;
mod responses;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use blumfeld_kernel::{
    ConnectionId, Context, Disk, DiskOp, Endpoint, FilePath, FlushId, Instant, TraceEvent,
};
use blumfeld_log::LogConfig;
use blumfeld_protocol::Uuid;
use blumfeld_protocol::frame::Header;
use blumfeld_protocol::messages::leader_change_message::Voter;
use blumfeld_protocol::messages::{FetchRequest, LeaderChangeMessage};
use blumfeld_protocol::wire::Encodable;
use bytes::Bytes;

use crate::bug::{Bug, planted};
use crate::channel::{Channels, Purpose};
use crate::config::{BrokerConfig, QuorumConfig};

pub use log::{METADATA_DIR, RaftLog, SnapshotId};
use state::{ElectionState, Leader, Votes};
pub use state::{EpochState, ReplicaState};

const QUORUM_STATE: &str = "__cluster_metadata-0/quorum-state";

/// A fetch of another node that waits for records or a high watermark.
#[derive(Clone, Debug)]
struct ParkedFetch {
    conn: ConnectionId,
    header: Header,
    request: FetchRequest,
    expires: Instant,
}

/// This node's part in the quorum.
#[derive(Clone, Debug)]
pub struct RaftClient {
    node_id: i32,
    cluster_id: Uuid,
    directory_id: Uuid,
    config: QuorumConfig,
    voters: BTreeMap<i32, Endpoint>,
    log: RaftLog,
    epoch: i32,
    state: EpochState,
    /// Everything below is committed, as far as this node knows; `None` until it heard of it.
    high_watermark: Option<i64>,
    /// The write of `quorum-state` under way. Until it is done no request leaves.
    persisting: Option<FlushId>,
    parked: Vec<ParkedFetch>,
    /// Answers to parked requests, for the node to send.
    answers: Vec<(ConnectionId, Bytes)>,
    /// Which voter an observer asks next.
    next_bootstrap: usize,
    shutting_down: bool,
}

impl RaftClient {
    /// Loads the log and what the node remembers of elections (QuorumState.initialize).
    pub fn start(cx: &mut Context<'_>, disk: &Disk, config: &BrokerConfig, ids: (Uuid, Uuid)) -> RaftClient {
        let log_config = LogConfig {
            retention_ms: -1,
            segment_bytes: config.metadata_log_segment_bytes,
            ..LogConfig::default()
        };
        let (log, _) = RaftLog::load(cx, disk, log_config);
        let remembered = (disk.read(QUORUM_STATE))
            .and_then(|bytes| ElectionState::read(std::str::from_utf8(&bytes).ok()?))
            .unwrap_or_default();
        let mut raft = RaftClient {
            node_id: config.node_id,
            cluster_id: ids.0,
            directory_id: ids.1,
            config: config.quorum,
            voters: config.quorum_voters(),
            log,
            epoch: remembered.epoch,
            state: EpochState::Unattached { leader: None, voted: None, election_at: cx.now },
            high_watermark: None,
            persisting: None,
            parked: Vec::new(),
            answers: Vec::new(),
            next_bootstrap: 0,
            shutting_down: false,
        };
        let election_at = raft.election_timeout(cx);
        let own = Some(raft.node_id);
        if raft.log.last_epoch() > remembered.epoch {
            raft.become_unattached(cx, raft.log.last_epoch(), None);
        } else if remembered.leader == own && remembered.leader.is_some() {
            // It may have written in this epoch, and may not lead it again.
            raft.state = EpochState::Resigned { untold: BTreeSet::new(), election_at };
        } else if remembered.voted == own && raft.is_voter() {
            let votes = Votes::new(raft.voters.keys().copied(), raft.node_id);
            raft.state = EpochState::Candidate { votes, election_at };
        } else if let Some(leader) = remembered.leader.filter(|leader| raft.voters.contains_key(leader)) {
            raft.follow(cx, leader, remembered.voted);
        } else {
            raft.state = EpochState::Unattached { leader: None, voted: remembered.voted, election_at };
        }
        if raft.is_voter() && raft.voters.len() == 1 {
            raft.become_candidate(cx);
        }
        raft
    }

    // ---- what others ask of it

    /// The log.
    pub fn log(&self) -> &RaftLog {
        &self.log
    }

    /// The epoch.
    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// What the node is in the epoch.
    pub fn state(&self) -> &EpochState {
        &self.state
    }

    /// Everything below is committed, as far as this node knows.
    pub fn high_watermark(&self) -> Option<i64> {
        self.high_watermark
    }

    /// The voters, with where they listen.
    pub fn voters(&self) -> &BTreeMap<i32, Endpoint> {
        &self.voters
    }

    /// Whether this node votes.
    pub fn is_voter(&self) -> bool {
        self.voters.contains_key(&self.node_id)
    }

    /// The leader of the epoch, if this node knows it.
    pub fn leader(&self) -> Option<i32> {
        match &self.state {
            EpochState::Leader(_) => Some(self.node_id),
            EpochState::Follower { leader, .. } => Some(*leader),
            EpochState::Unattached { leader, .. } | EpochState::Prospective { leader, .. } => *leader,
            EpochState::Candidate { .. } | EpochState::Resigned { .. } => None,
        }
    }

    /// Where the active controller listens, if this node knows it and can reach it.
    pub fn leader_endpoint(&self) -> Option<&Endpoint> {
        match &self.state {
            EpochState::Resigned { .. } => None,
            _ => self.voters.get(&self.leader()?),
        }
    }

    /// Offset of the record that began this node's leadership; `None` if it does not lead.
    pub fn epoch_start(&self) -> Option<i64> {
        match &self.state {
            EpochState::Leader(leader) => Some(leader.epoch_start),
            _ => None,
        }
    }

    /// Answers to requests that were parked.
    pub fn take_answers(&mut self) -> Vec<(ConnectionId, Bytes)> {
        std::mem::take(&mut self.answers)
    }

    /// The connections whose fetches are parked, or answered and not taken yet.
    pub fn owed(&self) -> impl Iterator<Item = ConnectionId> {
        let parked = self.parked.iter().map(|fetch| fetch.conn);
        parked.chain(self.answers.iter().map(|(conn, _)| *conn))
    }

    /// Forgets what was parked for a connection that is gone.
    pub fn forget(&mut self, conn: ConnectionId) {
        self.parked.retain(|fetch| fetch.conn != conn);
    }

    /// The operation that an answer given now has to wait for: an epoch or vote on its way to the disk.
    pub fn pending_write(&self) -> Option<FlushId> {
        self.persisting.filter(|_| !planted(Bug::UnstableVote))
    }

    // ---- records

    /// Appends records of the active controller. Gives the offset after them, or `None` if this node does not lead.
    pub fn append(&mut self, cx: &mut Context<'_>, values: &[Vec<u8>]) -> Option<i64> {
        let EpochState::Leader(_) = &self.state else { return None };
        let end = self.log.append_records(cx, self.epoch, values);
        self.on_leader_progress(cx);
        Some(end)
    }

    /// Writes a snapshot of the committed records up to `end_offset`.
    pub fn write_snapshot(&mut self, cx: &mut Context<'_>, end_offset: i64, values: &[Vec<u8>]) {
        let epoch = self.log.log().epochs().epoch_for_offset(end_offset - 1).unwrap_or(self.epoch);
        self.log.write_snapshot(cx, SnapshotId { end_offset, epoch }, values);
    }

    /// Deletes what a snapshot stands for; gives the files that wait for deletion.
    pub fn clean(&mut self, cx: &mut Context<'_>, retention_bytes: u64) -> Vec<FilePath> {
        self.log.clean(cx, retention_bytes)
    }

    /// A disk operation is done.
    pub fn on_flushed(&mut self, cx: &mut Context<'_>, id: FlushId, ok: bool) {
        if self.persisting == Some(id) {
            self.persisting = None;
            if !ok {
                self.persist(cx);
            }
        }
        if !ok {
            return self.log.flush_again(cx, id);
        }
        if self.log.on_flushed(id) {
            self.on_leader_progress(cx);
        }
    }

    /// Moves the high watermark as far as a majority of the voters has durable records (LeaderState.
    /// updateHighWatermark), and answers fetches that wait for it.
    fn on_leader_progress(&mut self, cx: &mut Context<'_>) {
        let own_end = self.log.durable_end();
        let EpochState::Leader(leader) = &mut self.state else { return };
        if let Some(own) = leader.voters.get_mut(&self.node_id) {
            own.end_offset = Some(own_end);
        }
        let mut ends: Vec<Option<i64>> = leader.voters.values().map(|replica| replica.end_offset).collect();
        ends.sort_unstable_by(|a, b| b.cmp(a));
        let majority = ends.get(ends.len() / 2).copied().flatten();
        let epoch_start = leader.epoch_start;
        // Records of earlier epochs are committed only together with one of this epoch.
        if let Some(end) = majority.filter(|end| *end > epoch_start)
            && self.high_watermark.is_none_or(|have| end > have)
        {
            self.high_watermark = Some(end);
        }
        self.complete_fetches(cx);
    }

    // ---- transitions

    fn election_timeout(&self, cx: &mut Context<'_>) -> Instant {
        let ms = self.config.election_timeout_ms;
        cx.after_ms(ms) + cx.rng.duration(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
    }

    fn persist(&mut self, cx: &mut Context<'_>) {
        let (leader, voted) = match &self.state {
            EpochState::Unattached { leader, voted, .. } | EpochState::Prospective { leader, voted, .. } => {
                (*leader, *voted)
            }
            EpochState::Candidate { .. } => (None, Some(self.node_id)),
            EpochState::Leader(_) | EpochState::Resigned { .. } => (Some(self.node_id), None),
            EpochState::Follower { leader, voted, .. } => (Some(*leader), *voted),
        };
        let text = ElectionState { epoch: self.epoch, leader, voted }.write(self.voters.keys().copied());
        self.persisting =
            Some(cx.out.disk(DiskOp::Replace { file: QUORUM_STATE.into(), bytes: text.into() }));
    }

    /// Whatever it was: parked fetches are for a leadership that is over.
    fn leave(&mut self, cx: &mut Context<'_>) {
        if matches!(self.state, EpochState::Leader(_)) {
            cx.out.trace(TraceEvent::ControllerResigned { epoch: self.epoch });
        }
    }

    fn become_unattached(&mut self, cx: &mut Context<'_>, epoch: i32, leader: Option<i32>) {
        self.leave(cx);
        // A voter that waits for an election goes on waiting, or nobody's time would ever come.
        let election_at = match &self.state {
            EpochState::Unattached { election_at, .. }
            | EpochState::Prospective { election_at, .. }
            | EpochState::Candidate { election_at, .. }
            | EpochState::Resigned { election_at, .. }
                if *election_at > cx.now =>
            {
                *election_at
            }
            _ => self.election_timeout(cx),
        };
        let voted = match &self.state {
            EpochState::Unattached { voted, .. }
            | EpochState::Prospective { voted, .. }
            | EpochState::Follower { voted, .. }
                if epoch == self.epoch =>
            {
                *voted
            }
            EpochState::Candidate { .. } if epoch == self.epoch => Some(self.node_id),
            _ => None,
        };
        let changed = epoch != self.epoch;
        self.epoch = epoch;
        self.state = EpochState::Unattached { leader, voted, election_at };
        if changed {
            self.persist(cx);
        }
        self.fail_parked();
    }

    fn follow(&mut self, cx: &mut Context<'_>, leader: i32, voted: Option<i32>) {
        let fetch_by = cx.after_ms(self.config.fetch_timeout_ms);
        self.state = EpochState::Follower { leader, voted, fetch_by, has_fetched: false, download: None };
    }

    fn become_follower(&mut self, cx: &mut Context<'_>, epoch: i32, leader: i32) {
        self.leave(cx);
        let voted = match &self.state {
            EpochState::Unattached { voted, .. } | EpochState::Prospective { voted, .. }
                if epoch == self.epoch =>
            {
                *voted
            }
            EpochState::Candidate { .. } if epoch == self.epoch => Some(self.node_id),
            _ => None,
        };
        self.epoch = epoch;
        self.follow(cx, leader, voted);
        self.persist(cx);
        self.fail_parked();
        if self.is_voter() {
            cx.out.trace(TraceEvent::QuorumFollower { leader, epoch });
        }
    }

    fn become_prospective(&mut self, cx: &mut Context<'_>) {
        let (leader, voted) = match &self.state {
            EpochState::Unattached { leader, voted, .. } => (*leader, *voted),
            EpochState::Follower { leader, voted, .. } => (Some(*leader), *voted),
            EpochState::Candidate { .. } => (None, Some(self.node_id)),
            _ => (None, None),
        };
        let votes = Votes::new(self.voters.keys().copied(), self.node_id);
        let election_at = self.election_timeout(cx);
        self.state = EpochState::Prospective { leader, voted, votes, election_at };
        cx.out.trace(TraceEvent::QuorumProspective { epoch: self.epoch });
        if self.voters.len() == 1 {
            self.become_candidate(cx);
        }
    }

    fn become_candidate(&mut self, cx: &mut Context<'_>) {
        self.epoch += 1;
        let votes = Votes::new(self.voters.keys().copied(), self.node_id);
        let election_at = self.election_timeout(cx);
        let granted = votes.is_granted();
        self.state = EpochState::Candidate { votes, election_at };
        self.persist(cx);
        cx.out.trace(TraceEvent::QuorumCandidate { epoch: self.epoch });
        if granted {
            self.become_leader(cx);
        }
    }

    fn become_leader(&mut self, cx: &mut Context<'_>) {
        let granting = match &self.state {
            EpochState::Candidate { votes, .. } => votes.granting(),
            _ => return,
        };
        let epoch_start = self.log.end();
        let own = self.node_id;
        let voters = (self.voters.keys())
            .map(|id| {
                let state = ReplicaState {
                    last_fetch_ms: -1,
                    last_caught_up_ms: -1,
                    acknowledged: *id == own,
                    ..ReplicaState::default()
                };
                (*id, state)
            })
            .collect();
        self.state = EpochState::Leader(Box::new(Leader {
            epoch_start,
            voters,
            observers: BTreeMap::new(),
            fetched: BTreeSet::new(),
            check_quorum_at: self.check_quorum_deadline(cx),
            begin_epoch_at: cx.now,
        }));
        self.persist(cx);
        let as_voters = |ids: &mut dyn Iterator<Item = i32>| -> Vec<Voter> {
            ids.map(|id| Voter::default().with_voter_id(id)).collect()
        };
        let message = LeaderChangeMessage::default()
            .with_leader_id(own.into())
            .with_voters(as_voters(&mut self.voters.keys().copied()))
            .with_granting_voters(as_voters(&mut granting.into_iter()));
        let mut value = Vec::new();
        // Version 0 has every field that is set, so it can be written.
        let _ = message.encode(&mut value, 0);
        self.log.append_control(cx, self.epoch, 2, &value);
        cx.out.trace(TraceEvent::QuorumLeader { epoch: self.epoch });
        self.on_leader_progress(cx);
    }

    /// A leader that a majority does not fetch from for so long gives up (KIP-595: `checkQuorumTimeoutMs`).
    fn check_quorum_deadline(&self, cx: &Context<'_>) -> Instant {
        cx.after_ms(self.config.fetch_timeout_ms * 3 / 2)
    }

    fn resign(&mut self, cx: &mut Context<'_>, tell: bool) {
        self.leave(cx);
        let untold = if tell {
            self.voters.keys().copied().filter(|id| *id != self.node_id).collect()
        } else {
            BTreeSet::new()
        };
        let election_at = self.election_timeout(cx);
        self.state = EpochState::Resigned { untold, election_at };
        self.fail_parked();
    }

    /// Gives the leadership up and tells the others, so that they need not wait for a timeout.
    pub fn shut_down(&mut self, cx: &mut Context<'_>) {
        self.shutting_down = true;
        if matches!(self.state, EpochState::Leader(_)) && self.voters.len() > 1 {
            self.resign(cx, true);
        }
    }

    /// Whether nobody waits any more to be told that this node goes.
    pub fn can_shut_down(&self) -> bool {
        !matches!(&self.state, EpochState::Resigned { untold, .. } if !untold.is_empty())
    }

    /// Writes what the next start needs.
    pub fn close(&mut self, cx: &mut Context<'_>) {
        self.log.close(cx);
    }

    /// Follows what an answer or request says of the epoch and its leader (maybeTransition).
    fn learn(&mut self, cx: &mut Context<'_>, epoch: i32, leader: Option<i32>) {
        let leader = leader.filter(|leader| self.voters.contains_key(leader));
        if epoch > self.epoch {
            match leader.filter(|leader| *leader != self.node_id) {
                Some(leader) => self.become_follower(cx, epoch, leader),
                None => self.become_unattached(cx, epoch, None),
            }
        } else if epoch == self.epoch {
            // A node that asks for votes because it cannot reach the leader it knows goes on asking.
            let follow = match &self.state {
                EpochState::Leader(_) | EpochState::Resigned { .. } => None,
                _ if self.leader().is_some() => None,
                _ => leader.filter(|leader| *leader != self.node_id),
            };
            if let Some(leader) = follow {
                self.become_follower(cx, epoch, leader);
            }
        }
    }

    // ---- time

    /// Does what is due: transitions by time, and requests that can leave now.
    pub fn poll(&mut self, cx: &mut Context<'_>, channels: &mut Channels) {
        self.poll_timers(cx);
        self.expire_fetches(cx);
        // An epoch or vote that is not durable is not spoken of.
        if self.pending_write().is_none() {
            self.poll_requests(cx, channels);
        }
    }

    fn poll_timers(&mut self, cx: &mut Context<'_>) {
        let voter = self.is_voter() && !self.shutting_down;
        match &mut self.state {
            EpochState::Unattached { election_at, .. } if voter && *election_at <= cx.now => {
                self.become_prospective(cx);
            }
            EpochState::Follower { fetch_by, .. } if voter && *fetch_by <= cx.now => {
                self.become_prospective(cx)
            }
            // An observer whose leader does not answer asks the voters who leads.
            EpochState::Follower { fetch_by, .. }
                if !self.voters.contains_key(&self.node_id) && !self.shutting_down && *fetch_by <= cx.now =>
            {
                self.become_unattached(cx, self.epoch, None);
            }
            EpochState::Prospective { votes, election_at, leader, .. } => {
                if votes.is_granted() {
                    self.become_candidate(cx);
                } else if votes.is_rejected() || *election_at <= cx.now {
                    match *leader {
                        Some(leader) if leader != self.node_id => {
                            self.become_follower(cx, self.epoch, leader)
                        }
                        leader => {
                            if let EpochState::Prospective { election_at, .. } = &mut self.state {
                                *election_at = cx.now;
                            }
                            self.become_unattached(cx, self.epoch, leader);
                        }
                    }
                }
            }
            EpochState::Candidate { election_at, .. } if *election_at <= cx.now => {
                self.become_prospective(cx)
            }
            EpochState::Resigned { election_at, .. } if voter && *election_at <= cx.now => {
                self.become_unattached(cx, self.epoch + 1, None);
            }
            EpochState::Leader(leader) if self.voters.len() > 1 && leader.check_quorum_at <= cx.now => {
                self.resign(cx, false);
            }
            _ => {}
        }
    }

    fn poll_requests(&mut self, cx: &mut Context<'_>, channels: &mut Channels) {
        let idle = |channels: &Channels, id: i32| channels.idle(Purpose::Raft(id));
        match &self.state {
            EpochState::Unattached { .. } if self.is_voter() => {}
            EpochState::Unattached { .. } => {
                // An observer asks one voter after the other who leads.
                let ids: Vec<i32> = self.voters.keys().copied().collect();
                let asking = ids.iter().any(|id| !channels.idle(Purpose::Raft(*id)));
                if let Some(id) = ids.get(self.next_bootstrap % ids.len().max(1)).filter(|_| !asking) {
                    self.next_bootstrap += 1;
                    self.send_fetch(cx, channels, *id);
                }
            }
            EpochState::Prospective { votes, .. } => {
                let wanted: Vec<i32> = votes.unrecorded().filter(|id| idle(channels, *id)).collect();
                wanted.into_iter().for_each(|id| self.send_vote(cx, channels, id, true));
            }
            EpochState::Candidate { votes, .. } => {
                let wanted: Vec<i32> = votes.unrecorded().filter(|id| idle(channels, *id)).collect();
                wanted.into_iter().for_each(|id| self.send_vote(cx, channels, id, false));
            }
            EpochState::Leader(leader) => {
                if leader.begin_epoch_at <= cx.now {
                    let wanted: Vec<i32> = (leader.voters.iter())
                        .filter(|(id, replica)| !replica.acknowledged && idle(channels, **id))
                        .map(|(id, _)| *id)
                        .collect();
                    let missing = leader.voters.values().any(|replica| !replica.acknowledged);
                    wanted.into_iter().for_each(|id| self.send_begin_epoch(cx, channels, id));
                    let wait = if missing { self.config.fetch_timeout_ms / 2 } else { i64::MAX };
                    if let EpochState::Leader(leader) = &mut self.state {
                        leader.begin_epoch_at = cx.after_ms(wait);
                    }
                }
            }
            EpochState::Follower { leader, download, .. } => {
                let leader = *leader;
                if !idle(channels, leader) {
                    return;
                }
                match download {
                    Some(_) => self.send_fetch_snapshot(cx, channels, leader),
                    // A voter's fetch says how far its log is durable.
                    None if self.is_voter() && self.log.durable_end() < self.log.end() => {}
                    None => self.send_fetch(cx, channels, leader),
                }
            }
            EpochState::Resigned { untold, .. } => {
                let wanted: Vec<i32> = untold.iter().copied().filter(|id| idle(channels, *id)).collect();
                wanted.into_iter().for_each(|id| self.send_end_epoch(cx, channels, id));
            }
        }
    }

    /// When [`poll`](Self::poll) next has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        let voter = self.is_voter() && !self.shutting_down;
        let state = match &self.state {
            EpochState::Unattached { election_at, .. } | EpochState::Resigned { election_at, .. } => {
                voter.then_some(*election_at)
            }
            EpochState::Prospective { election_at, .. } | EpochState::Candidate { election_at, .. } => {
                Some(*election_at)
            }
            // Nothing is sent before the epoch is durable.
            EpochState::Leader(leader) if self.voters.len() > 1 && self.pending_write().is_some() => {
                Some(leader.check_quorum_at)
            }
            EpochState::Leader(leader) if self.voters.len() > 1 => {
                Some(leader.check_quorum_at.min(leader.begin_epoch_at))
            }
            EpochState::Leader(_) => None,
            EpochState::Follower { fetch_by, .. } => (!self.shutting_down).then_some(*fetch_by),
        };
        state.into_iter().chain(self.parked.iter().map(|fetch| fetch.expires)).min()
    }

    /// What must always be true.
    pub fn invariants(&self) -> Result<(), String> {
        if self.high_watermark.is_some_and(|at| at > self.log.end()) {
            return Err(format!("{METADATA_DIR}: high watermark {:?} past log end", self.high_watermark));
        }
        self.log.invariants()
    }
}
