//! One replica of a partition, as leader or follower (kafka.cluster.Partition).
//!
//! The problem: a record that was acknowledged, or that a consumer has read, must be on every replica that may lead
//! next. The leader cannot wait for all replicas, for one that is down would stop the rest. So it waits for those in
//! sync (the ISR), and nobody but those may lead. The high watermark is what all of them have; consumers read up to it.
//!
//! The controller alone changes the ISR, and the leader hears of it late. In between two ISRs are possible, and the
//! high watermark must be right in both: a follower that is about to join counts already, one that is about to leave
//! counts still. Were the joiner left out, the high watermark could pass it, and a controller that has committed the
//! new ISR could elect it without the records below. For the same reason a leader counts what a follower has said in
//! its fetches, never what it was sent, and a follower never cuts its log at its high watermark, which is older than
//! the leader's, but where the epochs say that the logs part (KIP-101).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use blumfeld_kernel::{Context, Instant, TraceEvent};
use blumfeld_log::{AppendError, AppendInfo, AppendOrigin, UnifiedLog};
use blumfeld_protocol::record_batch::{Batch, batches};
use blumfeld_protocol::{ErrorCode, Uuid};
use bytes::Bytes;

use crate::bug::{Bug, planted};
use crate::metadata::{MetadataImage, PartitionRegistration};

/// What a leader knows of a follower (org.apache.kafka.server.replica.Replica).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Follower {
    /// Where its log ends; -1 before its first fetch.
    pub log_end: i64,
    /// Where its log begins; -1 while it has not said.
    pub log_start: i64,
    /// When it last had everything; `None` for never in this leadership.
    pub last_caught_up: Option<Instant>,
    last_fetch: Option<Instant>,
    leader_end_at_last_fetch: i64,
    /// The epoch of its broker, -1 if it was not said.
    pub broker_epoch: i64,
}

/// A change of the ISR that the controller has not confirmed.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Pending {
    isr: Vec<i32>,
    /// Whether somebody joins: then both the old and the new ISR count.
    expands: bool,
}

/// What a leader holds beyond its log.
#[derive(Clone, Debug)]
pub struct Leader {
    /// Where its log ended when it began to lead.
    epoch_start: i64,
    followers: BTreeMap<i32, Follower>,
    pending: Option<Pending>,
}

/// What the replica is.
#[derive(Clone, Debug)]
pub enum Role {
    /// It leads.
    Leader(Leader),
    /// It follows, or waits for a leader.
    Follower,
}

/// An ISR to propose to the controller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    /// The ISR with the epoch of each broker.
    pub isr: Vec<(i32, i64)>,
    /// In which leader epoch.
    pub leader_epoch: i32,
    /// On top of which partition epoch.
    pub partition_epoch: i32,
}

/// A partition's log with what the node knows of its leadership.
#[derive(Clone, Debug)]
pub struct Partition {
    name: Arc<str>,
    local: i32,
    topic_id: Uuid,
    registration: PartitionRegistration,
    role: Role,
    high_watermark: i64,
    log: UnifiedLog,
    settings: Settings,
    /// Brokers of its replicas that are fenced or going: they may not join the ISR.
    inactive: BTreeSet<i32>,
    /// Producers whose transactions the coordinator is asked about, each with the number of the question
    /// (VerificationStateEntry).
    verifications: BTreeMap<i64, u64>,
    /// The number of the newest question.
    last_verification: u64,
}

/// What a partition obeys beyond its log's configs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// `min.insync.replicas`.
    pub min_isr: usize,
    /// `replica.lag.time.max.ms`.
    pub lag: Duration,
}

impl Partition {
    /// A replica on node `local` with its loaded log. `high_watermark` is what its checkpoint says.
    pub fn new(
        local: i32,
        topic_id: Uuid,
        registration: PartitionRegistration,
        log: UnifiedLog,
        (high_watermark, settings): (i64, Settings),
    ) -> Partition {
        let high_watermark = high_watermark.clamp(log.log_start(), log.log_end());
        let name = log.name().clone();
        Partition {
            name,
            local,
            topic_id,
            registration,
            role: Role::Follower,
            high_watermark,
            log,
            settings,
            inactive: BTreeSet::new(),
            verifications: BTreeMap::new(),
            last_verification: 0,
        }
    }

    /// Begins to ask about a producer's transaction; nothing if it has one open here, so that nobody need be asked
    /// (maybeStartTransactionVerification).
    pub fn begin_verification(&mut self, producer_id: i64, epoch: i16) -> Option<u64> {
        if self.log.producers().has_ongoing(producer_id, epoch) {
            return None;
        }
        self.last_verification += 1;
        Some(*self.verifications.entry(producer_id).or_insert(self.last_verification))
    }

    /// Whether a producer's batch may come into a transaction here: that is open, or was asked about by this number and
    /// no marker has come since. Who does not lead any more says so by itself, before the log is looked at.
    pub fn may_go_on(&self, (producer_id, epoch): (i64, i16), number: Option<u64>) -> bool {
        !self.is_leader()
            || self.log.producers().has_ongoing(producer_id, epoch)
            || number.is_some_and(|number| self.verifications.get(&producer_id) == Some(&number))
    }

    /// `orders-0`.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Id of its topic.
    pub fn topic_id(&self) -> Uuid {
        self.topic_id
    }

    /// What the controller says of it, with the ISR that it last confirmed.
    pub fn registration(&self) -> &PartitionRegistration {
        &self.registration
    }

    /// Its log.
    pub fn log(&self) -> &UnifiedLog {
        &self.log
    }

    /// Its log, to change it.
    pub fn log_mut(&mut self) -> &mut UnifiedLog {
        &mut self.log
    }

    /// Changes what it obeys.
    pub fn set_settings(&mut self, cx: &mut Context<'_>, settings: Settings) {
        self.settings = settings;
        self.maybe_increment_high_watermark(cx);
    }

    /// Whether this node leads it.
    pub fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// The followers, where this node leads.
    pub fn followers(&self) -> impl Iterator<Item = (i32, Follower)> {
        let followers = match &self.role {
            Role::Leader(leader) => Some(leader.followers.iter().map(|(id, follower)| (*id, *follower))),
            Role::Follower => None,
        };
        followers.into_iter().flatten()
    }

    /// The followers that are not in the ISR, where this node leads.
    pub fn out_of_sync(&self) -> Vec<i32> {
        self.followers().map(|(id, _)| id).filter(|id| !self.registration.isr.contains(id)).collect()
    }

    /// Consumers read up to here.
    pub fn high_watermark(&self) -> i64 {
        self.high_watermark
    }

    /// Consumers of committed transactions read up to here.
    pub fn last_stable_offset(&self) -> i64 {
        if planted(Bug::LsoFromHighWatermark) {
            return self.high_watermark;
        }
        self.log.last_stable_offset(self.high_watermark)
    }

    /// Takes what the controller now says.
    pub fn update(&mut self, cx: &mut Context<'_>, registration: PartitionRegistration) {
        // A leader hears of its own change from the controller before the record comes by.
        if registration.partition_epoch < self.registration.partition_epoch {
            return;
        }
        let new_epoch = registration.leader_epoch > self.registration.leader_epoch;
        let leads = registration.leader == self.local;
        let (old_epoch, old_isr) =
            (self.registration.leader_epoch, std::mem::take(&mut self.registration.isr));
        self.registration = registration;
        let begins = leads && (new_epoch || !self.is_leader());
        if begins {
            self.become_leader(cx);
        } else if !leads && (self.is_leader() || new_epoch) {
            self.become_follower(cx, old_epoch);
        } else if let Role::Leader(leader) = &mut self.role {
            // What the controller has committed since overtakes what was proposed.
            leader.pending = None;
            for id in self.registration.replicas.iter().filter(|id| **id != self.local) {
                leader.followers.entry(*id).or_insert(Follower::new());
            }
            leader.followers.retain(|id, _| self.registration.replicas.contains(id));
            if old_isr != self.registration.isr {
                self.trace_isr(cx, &old_isr);
            }
            self.maybe_increment_high_watermark(cx);
        }
    }

    fn trace_isr(&self, cx: &mut Context<'_>, old: &[i32]) {
        cx.out.trace(TraceEvent::IsrChanged {
            partition: self.name.clone(),
            from: old.into(),
            to: self.registration.isr.clone().into(),
        });
    }

    /// Begins to lead by what the controller last said.
    pub fn begin(&mut self, cx: &mut Context<'_>) {
        if self.registration.leader == self.local {
            self.become_leader(cx);
        } else {
            self.become_follower(cx, -1);
        }
    }

    fn become_leader(&mut self, cx: &mut Context<'_>) {
        let epoch = self.registration.leader_epoch;
        self.log.become_leader(&mut cx.out, epoch);
        let end = self.log.log_end();
        let followers = (self.registration.replicas.iter())
            .filter(|id| **id != self.local)
            .map(|id| {
                let in_sync = self.registration.isr.contains(id);
                (*id, Follower { last_caught_up: in_sync.then_some(cx.now), ..Follower::new() })
            })
            .collect();
        self.role = Role::Leader(Leader { epoch_start: end, followers, pending: None });
        cx.out.trace(TraceEvent::BecameLeader {
            partition: self.name.clone(),
            epoch,
            isr: self.registration.isr.clone().into(),
        });
        self.maybe_increment_high_watermark(cx);
    }

    fn become_follower(&mut self, cx: &mut Context<'_>, old_epoch: i32) {
        self.role = Role::Follower;
        let (leader, epoch) = (self.registration.leader, self.registration.leader_epoch);
        if planted(Bug::TruncateToHighWatermark) {
            let (to, now_ms) = (self.high_watermark, cx.unix_ms());
            self.log.truncate_to(&mut cx.out, to, now_ms);
        }
        if epoch != old_epoch {
            cx.out.trace(TraceEvent::BecameFollower { partition: self.name.clone(), leader, epoch });
        }
    }

    // ---- as leader

    /// Appends a producer's batch. `min_isr` is checked for `acks=all` only.
    pub fn append(
        &mut self,
        cx: &mut Context<'_>,
        (batch, origin): (&Batch, AppendOrigin),
        min_isr: Option<usize>,
        follower_fetches: &BTreeMap<i32, Instant>,
    ) -> Result<AppendInfo, AppendError> {
        if !self.is_leader() {
            return Err(AppendError::new(ErrorCode::NOT_LEADER_OR_FOLLOWER, ""));
        }
        let isr = self.registration.isr.len();
        // A topic with fewer replicas than min.insync.replicas wants all that it has (Partition.effectiveMinIsr).
        let needed = min_isr.map(|needed| needed.min(self.registration.replicas.len()));
        if let Some(needed) = needed.filter(|needed| isr < *needed) {
            let message = format!(
                "The size of the current ISR : {isr} is insufficient to satisfy the min.isr requirement of {needed} \
                 for partition {}",
                self.name
            );
            return Err(AppendError::new(ErrorCode::NOT_ENOUGH_REPLICAS, message));
        }
        let before = self.log.log_end();
        let producer = batch.producer_id();
        let info = self.log.append_as_leader(cx, batch, self.registration.leader_epoch, origin)?;
        // A transaction has begun or ended: what was asked before says nothing of the next.
        if batch.is_transactional() {
            self.verifications.remove(&producer);
        }
        if let Role::Leader(leader) = &mut self.role {
            for (id, follower) in
                leader.followers.iter_mut().filter(|(_, follower)| follower.log_end == before)
            {
                // It had everything until now, and was heard of then.
                follower.last_caught_up = follower.last_caught_up.max(follower_fetches.get(id).copied());
            }
        }
        self.maybe_increment_high_watermark(cx);
        Ok(info)
    }

    /// Notes what a follower's fetch from `offset` says of its log, which begins at `log_start`. Gives whether anything
    /// changed by it.
    pub fn note_fetch(
        &mut self,
        cx: &mut Context<'_>,
        (id, broker_epoch): (i32, i64),
        offset: i64,
        log_start: i64,
    ) -> bool {
        let end = self.log.log_end();
        let Role::Leader(leader) = &mut self.role else { return false };
        let Some(follower) = leader.followers.get_mut(&id) else { return false };
        if broker_epoch >= 0 && broker_epoch < follower.broker_epoch {
            // A fetch of an earlier life that came late. Kafka takes it where its metadata is behind as well, as every
            // fetch of a session says all partitions again there; here only one that changed is looked at again.
            return false;
        }
        if offset >= end {
            follower.last_caught_up = Some(cx.now);
        } else if follower.last_fetch.is_some() && offset >= follower.leader_end_at_last_fetch {
            follower.last_caught_up = follower.last_caught_up.max(follower.last_fetch);
        }
        follower.last_fetch = Some(cx.now);
        follower.leader_end_at_last_fetch = end;
        follower.broker_epoch = broker_epoch;
        let moved = follower.log_end != offset;
        let deleted = follower.log_start != log_start;
        (follower.log_end, follower.log_start) = (offset, log_start);
        let advanced = moved && self.maybe_increment_high_watermark(cx);
        advanced || deleted
    }

    /// Up to where records are deleted at every replica whose broker is alive (lowWatermarkIfLeader); nothing if this
    /// node does not lead.
    pub fn low_watermark(&self, is_alive: impl Fn(i32) -> bool) -> Option<i64> {
        let Role::Leader(leader) = &self.role else { return None };
        let alive = leader.followers.iter().filter(|(id, _)| is_alive(**id));
        Some(alive.map(|(_, follower)| follower.log_start).fold(self.log.log_start(), i64::min))
    }

    /// The ISR that counts for the high watermark: with those that are joining (`maximalIsr`).
    fn is_in_maximal_isr(&self, id: i32) -> bool {
        let joining = match &self.role {
            Role::Leader(Leader { pending: Some(pending), .. }) => {
                pending.expands && pending.isr.contains(&id)
            }
            _ => false,
        };
        joining || self.registration.isr.contains(&id)
    }

    /// Whether the high watermark waits for a follower outside of the ISR, since it is about to join it
    /// (shouldWaitForReplicaToJoinIsr).
    fn may_join(&self, id: i32, follower: &Follower, (now, end, lag): (Instant, i64, Duration)) -> bool {
        !self.inactive.contains(&id) && follower.is_caught_up(now, end, lag)
    }

    /// Takes what the metadata says of the replicas' brokers. Gives whether the high watermark moved by it.
    pub fn note_brokers(&mut self, cx: &mut Context<'_>, image: &MetadataImage) -> bool {
        let replicas = self.registration.replicas.iter().copied();
        let inactive: BTreeSet<i32> = replicas.filter(|id| !image.is_active(*id)).collect();
        if inactive == self.inactive {
            return false;
        }
        self.inactive = inactive;
        self.maybe_increment_high_watermark(cx)
    }

    /// How many replicas must be in sync, of those that there are.
    fn effective_min_isr(&self) -> usize {
        self.settings.min_isr.min(self.registration.replicas.len())
    }

    /// Moves the high watermark up to what every replica has that is in sync or about to be (maybeIncrementLeaderHW).
    /// Under min.insync.replicas it stands still (KIP-966).
    pub fn maybe_increment_high_watermark(&mut self, cx: &mut Context<'_>) -> bool {
        if self.registration.isr.len() < self.effective_min_isr() {
            return false;
        }
        let end = self.log.log_end();
        let lag = self.settings.lag;
        let Role::Leader(leader) = &self.role else { return false };
        let mut upto = end;
        if !planted(Bug::HighWatermarkFromLeader) {
            for (id, follower) in &leader.followers {
                if follower.log_end < upto
                    && (self.is_in_maximal_isr(*id) || self.may_join(*id, follower, (cx.now, end, lag)))
                {
                    upto = follower.log_end;
                }
            }
        }
        if upto <= self.high_watermark {
            return false;
        }
        let from = std::mem::replace(&mut self.high_watermark, upto);
        self.log.producers_mut().note_high_watermark(upto);
        cx.out.trace(TraceEvent::HighWatermarkAdvanced { partition: self.name.clone(), from, to: upto });
        true
    }

    /// The ISR without those that have not caught up for too long, if there are any (maybeShrinkIsr).
    pub fn shrink(&mut self, cx: &Context<'_>) -> Option<Proposal> {
        let end = self.log.log_end();
        let lag = self.settings.lag;
        let Role::Leader(leader) = &self.role else { return None };
        if leader.pending.is_some() {
            return None;
        }
        let stays = |id: &i32| {
            *id == self.local
                || leader.followers.get(id).is_some_and(|follower| follower.is_caught_up(cx.now, end, lag))
        };
        let mut isr: Vec<i32> = self.registration.isr.iter().copied().filter(stays).collect();
        isr.sort_unstable();
        (isr.len() < self.registration.isr.len()).then(|| self.propose(isr, false))
    }

    /// The ISR with a follower that has caught up, if it may join (maybeExpandIsr).
    pub fn expand(&mut self, id: i32, image: &MetadataImage) -> Option<Proposal> {
        let high_watermark = self.high_watermark;
        let Role::Leader(leader) = &self.role else { return None };
        if leader.pending.is_some() || self.registration.isr.contains(&id) {
            return None;
        }
        let follower = leader.followers.get(&id)?;
        let caught_up = (follower.log_end >= high_watermark && follower.log_end >= leader.epoch_start)
            || (planted(Bug::ExpandWithoutCatchingUp) && follower.log_end >= 0);
        let known = image.brokers().get(&id)?;
        // A fetch of an earlier life of that broker says nothing about this one (KIP-903).
        let same = follower.broker_epoch < 0 || follower.broker_epoch == known.epoch;
        if !caught_up || !known.is_active() || !same {
            return None;
        }
        let mut isr = self.registration.isr.clone();
        isr.push(id);
        // A leader's proposals are sets in Kafka, in which small numbers come in their order.
        isr.sort_unstable();
        Some(self.propose(isr, true))
    }

    fn propose(&mut self, isr: Vec<i32>, expands: bool) -> Proposal {
        let Role::Leader(leader) = &mut self.role else {
            return Proposal { isr: Vec::new(), leader_epoch: -1, partition_epoch: -1 };
        };
        let epoch = |id: &i32| (*id, leader.followers.get(id).map_or(-1, |follower| follower.broker_epoch));
        let proposal = Proposal {
            isr: isr.iter().map(epoch).collect(),
            leader_epoch: self.registration.leader_epoch,
            partition_epoch: self.registration.partition_epoch,
        };
        leader.pending = Some(Pending { isr, expands });
        proposal
    }

    /// Takes what the controller made of a proposal of this leader epoch.
    pub fn on_isr_committed(&mut self, cx: &mut Context<'_>, isr: Vec<i32>, partition_epoch: i32) {
        let Role::Leader(leader) = &mut self.role else { return };
        if partition_epoch < self.registration.partition_epoch {
            return;
        }
        leader.pending = None;
        self.registration.partition_epoch = partition_epoch;
        if isr != self.registration.isr {
            let old = std::mem::replace(&mut self.registration.isr, isr);
            self.trace_isr(cx, &old);
        }
        self.maybe_increment_high_watermark(cx);
    }

    /// The controller refused a proposal: the ISR is what it was.
    pub fn on_isr_refused(&mut self) {
        if let Role::Leader(leader) = &mut self.role {
            leader.pending = None;
        }
    }

    /// Whether the records below `offset` are as safe as `acks=all` wants, or why they never will be
    /// (checkEnoughReplicasReachOffset). `epoch` is the leader epoch that they were appended in.
    pub fn is_replicated(&self, offset: i64, epoch: i32) -> Option<ErrorCode> {
        if !self.is_leader() || self.registration.leader_epoch != epoch {
            return Some(ErrorCode::NOT_LEADER_OR_FOLLOWER);
        }
        if self.high_watermark < offset {
            return None;
        }
        let enough = self.registration.isr.len() >= self.effective_min_isr();
        Some(if enough { ErrorCode::NONE } else { ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND })
    }

    // ---- as follower

    /// Appends what the leader sent. Where records were deleted up to the inside of a batch, a new replica begins there
    /// and is sent the whole batch: it then begins where the batch does, as long as it has nothing
    /// (Partition.appendRecordsToFollowerOrFutureReplica, UnexpectedAppendOffsetException).
    pub fn append_from_leader(
        &mut self,
        cx: &mut Context<'_>,
        records: &[Bytes],
    ) -> Result<i64, AppendError> {
        let (start, end) = (self.log.log_start(), self.log.log_end());
        if let Some(Ok(first)) = records.iter().flat_map(batches).next()
            && start == end
            && first.base_offset() < end
            && end <= first.last_offset()
        {
            self.begin_at(cx, first.base_offset());
        }
        self.log.append_as_follower(cx, records)
    }

    /// Takes what the leader knows of the high watermark and of its log's start.
    pub fn follow_leader(&mut self, high_watermark: i64) -> bool {
        let upto = high_watermark.min(self.log.log_end());
        if upto <= self.high_watermark {
            return false;
        }
        self.high_watermark = upto;
        self.log.producers_mut().note_high_watermark(upto);
        true
    }

    /// Cuts the log to where it agrees with the leader's, which left it at the end of `epoch` at `end` (KIP-101,
    /// KIP-279).
    pub fn truncate_to_leader(&mut self, cx: &mut Context<'_>, epoch: i32, end: i64) {
        let own = self.log.epochs().end_offset_for(epoch, self.log.log_end());
        let to = match own {
            Some((found, own_end)) if found == epoch => own_end.min(end),
            Some((_, own_end)) => own_end.min(end),
            None => end,
        };
        self.truncate(cx, to);
    }

    /// Cuts the log at `offset`.
    pub fn truncate(&mut self, cx: &mut Context<'_>, offset: i64) {
        let (from, now_ms) = (self.log.log_end(), cx.unix_ms());
        let to = offset.max(self.log.log_start());
        self.log.truncate_to(&mut cx.out, to, now_ms);
        if to >= from {
            return;
        }
        let to = self.log.log_end();
        cx.out.trace(TraceEvent::LogTruncated { partition: self.name.clone(), from, to });
        self.high_watermark = self.high_watermark.min(to);
    }

    /// Drops everything and begins at `offset`: the leader has nothing older.
    pub fn begin_at(&mut self, cx: &mut Context<'_>, offset: i64) {
        let from = self.log.log_end();
        self.log.truncate_fully_and_start_at(cx, offset);
        cx.out.trace(TraceEvent::LogTruncated { partition: self.name.clone(), from, to: offset });
        self.high_watermark = offset;
    }

    // ---- both

    /// Checks the leader epoch that a client or follower believes in (KIP-320); -1 is none.
    pub fn check_epoch(&self, epoch: i32) -> Result<(), ErrorCode> {
        match epoch {
            _ if planted(Bug::NoFencing) => Ok(()),
            -1 => Ok(()),
            epoch if epoch < self.registration.leader_epoch => Err(ErrorCode::FENCED_LEADER_EPOCH),
            epoch if epoch > self.registration.leader_epoch => Err(ErrorCode::UNKNOWN_LEADER_EPOCH),
            _ => Ok(()),
        }
    }

    /// [`check_epoch`](Self::check_epoch) where only the leader answers.
    pub fn check_leader(&self, epoch: i32) -> Result<(), ErrorCode> {
        self.check_epoch(epoch)?;
        if self.is_leader() { Ok(()) } else { Err(ErrorCode::NOT_LEADER_OR_FOLLOWER) }
    }

    /// What must always be true.
    pub fn invariants(&self) -> Result<(), String> {
        if self.high_watermark > self.log.log_end() {
            return Err(format!(
                "{}: high watermark {} past log end {}",
                self.name,
                self.high_watermark,
                self.log.log_end()
            ));
        }
        if self.last_stable_offset() > self.high_watermark {
            return Err(format!(
                "{}: last stable offset {} past high watermark {}",
                self.name,
                self.last_stable_offset(),
                self.high_watermark
            ));
        }
        let undecided = self.log.producers().first_undecided();
        if undecided.is_some_and(|first| self.last_stable_offset() > first.max(self.log.log_start())) {
            return Err(format!(
                "{}: last stable offset {} past a transaction that is open since {undecided:?}",
                self.name,
                self.last_stable_offset()
            ));
        }
        self.log.invariants()
    }
}

impl Follower {
    const fn new() -> Follower {
        Follower {
            log_end: -1,
            log_start: -1,
            last_caught_up: None,
            last_fetch: None,
            leader_end_at_last_fetch: 0,
            broker_epoch: -1,
        }
    }

    /// Whether it has everything, or had it no longer than `lag` ago (`replica.lag.time.max.ms`).
    fn is_caught_up(&self, now: Instant, leader_end: i64, lag: Duration) -> bool {
        self.log_end == leader_end || self.last_caught_up.is_some_and(|at| at + lag >= now)
    }
}
