//! Requests that wait (org.apache.kafka.server.purgatory): fetches for enough bytes, produce requests until their
//! records are as safe as they want them, deletions of records until every replica has deleted them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use blumfeld_kernel::{ConnectionId, Context, FlushId, Instant};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::fetch_request::FetchPartition;
use blumfeld_protocol::messages::{DeleteRecordsResponse, ProduceResponse};

use super::Server;
use super::fetch_session::TopicIdPartition;
use crate::call::Call;
use crate::coordinator::{GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC};
use crate::replica::TopicPartition;
use crate::reply::{Reply, respond};
use crate::timers::{Place, Timers};

/// What a fetch is about, and what is remembered of it (FetchContext).
#[derive(Clone, Debug)]
pub enum FetchContext {
    /// These partitions; `create` makes a session of them with the answer.
    Full {
        /// What was asked.
        asked: Vec<(TopicIdPartition, Option<TopicPartition>, FetchPartition)>,
        /// Whether a session is wanted.
        create: bool,
    },
    /// What the session holds.
    Session(i32),
}

/// A fetch, as it waits for `fetch.min.bytes`.
#[derive(Clone, Debug)]
pub struct DelayedFetch {
    /// The request that waits.
    pub call: Call,
    /// About what.
    pub context: FetchContext,
    /// `fetch.min.bytes`.
    pub min_bytes: usize,
    /// `fetch.max.bytes`; below 0 it fails the first partition that has something.
    pub max_bytes: i64,
    /// 1 is read committed.
    pub isolation_level: i8,
    /// The follower that asks, or -1 for a consumer.
    pub replica: i32,
    /// The broker epoch of that follower's life, or -1.
    pub replica_epoch: i64,
    /// `client.rack`.
    pub rack: String,
    /// The partitions of a full fetch.
    pub partitions: BTreeSet<TopicPartition>,
    /// When it is answered with whatever there is.
    pub expires: Instant,
}

/// A partition of a produce request that is not as safe yet as the request wants it.
#[derive(Clone, Debug)]
pub struct Unsafe {
    /// Where its answer stands: topic and partition.
    pub place: (usize, usize),
    /// Which partition.
    pub key: TopicPartition,
    /// The high watermark has to come here; `None` if it need not.
    pub offset: Option<i64>,
    /// The leader epoch of the append.
    pub epoch: i32,
    /// The flush that has to be done; `None` if none has to.
    pub flush: Option<FlushId>,
}

/// A produce request whose records are appended.
#[derive(Clone, Debug)]
pub struct DelayedProduce {
    /// The request that waits.
    pub call: Call,
    /// The answer so far.
    pub response: ProduceResponse,
    /// Whether there is to be an answer: not with acks=0.
    pub acknowledged: bool,
    /// What is not safe yet.
    pub waiting: Vec<Unsafe>,
    /// `timeout.ms` of the request.
    pub expires: Instant,
}

impl DelayedProduce {
    /// Sets what became of a partition.
    pub fn set(&mut self, place: (usize, usize), code: ErrorCode) {
        let topic = self.response.responses.get_mut(place.0);
        let Some(partition) = topic.and_then(|topic| topic.partition_responses.get_mut(place.1)) else {
            return;
        };
        partition.error_code = code.0;
        if !code.is_none() {
            partition.base_offset = -1;
            partition.log_append_time_ms = -1;
        }
    }

    /// The answer, once the records are safe.
    pub fn answered(self) -> Answered {
        let reply = if self.acknowledged { respond(self.response) } else { Ok(Reply::Nothing) };
        (self.call, reply)
    }
}

/// A partition whose records are not deleted everywhere (DeleteRecordsPartitionStatus).
#[derive(Clone, Debug)]
pub struct Undeleted {
    /// Where its answer stands: topic and partition.
    pub place: (usize, usize),
    /// Which partition.
    pub key: TopicPartition,
    /// Every replica's log is to begin here, or later.
    pub offset: i64,
}

/// A request to delete records that are deleted here (DelayedDeleteRecords).
#[derive(Clone, Debug)]
pub struct DelayedDeleteRecords {
    /// The request that waits.
    pub call: Call,
    /// The answer so far: what is not deleted everywhere is answered with REQUEST_TIMED_OUT.
    pub response: DeleteRecordsResponse,
    /// What is not deleted everywhere.
    pub waiting: Vec<Undeleted>,
    /// `timeout.ms` of the request.
    pub expires: Instant,
}

/// A request that waited, and what it is answered; an error closes its connection.
pub type Answered = (Call, Result<Reply, FrameError>);

/// The partitions that changed in one round of [`Server::next_answer`].
#[derive(Clone, Debug)]
struct Round {
    changed: BTreeSet<TopicPartition>,
    /// The same by the ids of their topics.
    ids: Vec<TopicIdPartition>,
}

/// A request whose time is over.
#[derive(Clone, Copy, Debug)]
enum Expires {
    Fetch(u64),
    Produce(u64),
    Delete(u64),
}

/// Everything that waits.
#[derive(Clone, Debug, Default)]
pub struct Purgatory {
    fetches: BTreeMap<u64, DelayedFetch>,
    produces: BTreeMap<u64, DelayedProduce>,
    deletes: BTreeMap<u64, DelayedDeleteRecords>,
    timers: Timers<Expires>,
    /// Where the timer of each stands.
    places: BTreeMap<u64, Place>,
    /// The number of the newest request that waits.
    last_id: u64,
    /// Those that are looked at next.
    ready_produces: VecDeque<u64>,
    ready_fetches: VecDeque<u64>,
    ready_deletes: VecDeque<u64>,
    /// What changed, until the fetches that wait for it have been looked for.
    round: Option<Round>,
}

impl Purgatory {
    /// Numbers a request, and sets its timer.
    fn number(&mut self, expires: Instant, what: fn(u64) -> Expires) -> u64 {
        self.last_id += 1;
        let place = self.timers.set(expires, what(self.last_id));
        self.places.insert(self.last_id, place);
        self.last_id
    }

    /// A request waits no more.
    fn done(&mut self, id: u64) {
        if let Some(place) = self.places.remove(&id) {
            self.timers.cancel(place);
        }
    }

    /// The connections of those that wait.
    pub fn owed(&self) -> impl Iterator<Item = ConnectionId> {
        let fetches = self.fetches.values().map(|fetch| fetch.call.conn);
        let produces = self.produces.values().map(|produce| produce.call.conn);
        fetches.chain(produces).chain(self.deletes.values().map(|delete| delete.call.conn))
    }

    /// When the next request's time is over.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.timers.next_timeout()
    }
}

impl Server {
    /// Handles the next request whose time is over. A flush that it waits for it goes on to wait for.
    pub(super) fn expire_next(&mut self, cx: &mut Context<'_>) -> Option<Answered> {
        match self.purgatory.timers.pop_due(cx.now)? {
            Expires::Fetch(id) => self.complete_fetch(cx, id, true),
            Expires::Produce(id) => self.complete_produce(id, true),
            Expires::Delete(id) => self.complete_delete(id, true),
        }
    }

    /// Parks a fetch until its partitions grow or its time is over.
    pub fn park_fetch(&mut self, fetch: DelayedFetch) {
        let id = self.purgatory.number(fetch.expires, Expires::Fetch);
        self.purgatory.fetches.insert(id, fetch);
    }

    /// Parks a produce request until its records are safe.
    pub fn park_produce(&mut self, produce: DelayedProduce) {
        let id = self.purgatory.number(produce.expires, Expires::Produce);
        self.purgatory.produces.insert(id, produce);
    }

    /// Up to where records of a partition are deleted at every replica whose broker is alive; nothing if it is not led
    /// here.
    pub fn low_watermark(&self, key: &TopicPartition) -> Option<i64> {
        let is_alive = |id: i32| self.image.brokers().get(&id).is_some_and(|broker| !broker.fenced);
        self.replicas.of(key)?.low_watermark(is_alive)
    }

    /// Answers a request to delete records, or parks it until they are deleted everywhere.
    pub fn delete_or_park(&mut self, mut delete: DelayedDeleteRecords) -> Result<Reply, FrameError> {
        self.settle(&mut delete);
        if delete.waiting.is_empty() {
            return respond(delete.response);
        }
        let id = self.purgatory.number(delete.expires, Expires::Delete);
        self.purgatory.deletes.insert(id, delete);
        Ok(Reply::Parked)
    }

    /// Takes what is deleted everywhere, or can be no more, off what a request waits for.
    fn settle(&self, delete: &mut DelayedDeleteRecords) {
        let DelayedDeleteRecords { waiting, response, .. } = delete;
        waiting.retain(|one| {
            let (low_watermark, code) = match self.low_watermark(&one.key) {
                Some(low_watermark) if low_watermark < one.offset => return true,
                Some(low_watermark) => (low_watermark, ErrorCode::NONE),
                None => (-1, ErrorCode::NOT_LEADER_OR_FOLLOWER),
            };
            let topic = response.topics.get_mut(one.place.0);
            if let Some(partition) = topic.and_then(|topic| topic.partitions.get_mut(one.place.1)) {
                (partition.low_watermark, partition.error_code) = (low_watermark, code.0);
            }
            false
        });
    }

    /// Answers a parked request to delete records if they are deleted everywhere, or its time is over.
    fn complete_delete(&mut self, id: u64, expired: bool) -> Option<Answered> {
        let mut delete = self.purgatory.deletes.remove(&id)?;
        self.settle(&mut delete);
        if !expired && !delete.waiting.is_empty() {
            self.purgatory.deletes.insert(id, delete);
            return None;
        }
        self.purgatory.done(id);
        Some((delete.call, respond(delete.response)))
    }

    /// A connection is gone: nobody waits for its fetches.
    pub fn forget(&mut self, conn: ConnectionId) {
        let gone: Vec<u64> = (self.purgatory.fetches)
            .extract_if(.., |_, fetch| fetch.call.conn == conn)
            .map(|(id, _)| id)
            .collect();
        gone.into_iter().for_each(|id| self.purgatory.done(id));
    }

    /// Answers a parked fetch if there is enough for it, or its time is over.
    fn complete_fetch(&mut self, cx: &mut Context<'_>, id: u64, expired: bool) -> Option<Answered> {
        let fetch = self.purgatory.fetches.remove(&id)?;
        let reply = match self.try_complete(cx, &fetch, expired) {
            Ok(Some(reply)) => Ok(reply),
            Ok(None) => {
                self.purgatory.fetches.insert(id, fetch);
                return None;
            }
            Err(error) => Err(error),
        };
        self.purgatory.done(id);
        Some((fetch.call, reply))
    }

    /// A flush is over: what waited for it is safe, or failed.
    pub fn flush_is_over(&mut self, flush: FlushId, ok: bool) {
        let mut touched = Vec::new();
        for (id, produce) in &mut self.purgatory.produces {
            let mut failed = Vec::new();
            for one in produce.waiting.iter_mut().filter(|one| one.flush == Some(flush)) {
                one.flush = None;
                touched.push(*id);
                if !ok {
                    one.offset = None;
                    failed.push(one.place);
                }
            }
            for place in failed {
                produce.set(place, ErrorCode::KAFKA_STORAGE_ERROR);
            }
        }
        touched.dedup();
        self.purgatory.ready_produces.extend(touched);
    }

    /// Answers a parked produce request if its records are safe, or its time is over.
    fn complete_produce(&mut self, id: u64, expired: bool) -> Option<Answered> {
        let mut produce = self.purgatory.produces.remove(&id)?;
        let mut waiting = std::mem::take(&mut produce.waiting);
        waiting.retain_mut(|one| {
            if let Some(offset) = one.offset {
                let result = match self.replicas.of(&one.key) {
                    Some(partition) => partition.is_replicated(offset, one.epoch),
                    None => Some(ErrorCode::NOT_LEADER_OR_FOLLOWER),
                };
                if let Some(code) = result {
                    one.offset = None;
                    if !code.is_none() {
                        one.flush = None;
                        produce.set(one.place, code);
                    }
                }
            }
            if one.offset.is_some() && expired {
                one.offset = None;
                one.flush = None;
                produce.set(one.place, ErrorCode::REQUEST_TIMED_OUT);
            }
            // A flush is part of the append: the request's timeout is for the other replicas.
            one.offset.is_some() || one.flush.is_some()
        });
        produce.waiting = waiting;
        if !produce.waiting.is_empty() {
            self.purgatory.produces.insert(id, produce);
            return None;
        }
        self.purgatory.done(id);
        Some(produce.answered())
    }

    /// The next answer among what is to be looked at already.
    pub fn next_completed(&mut self, cx: &mut Context<'_>) -> Option<Answered> {
        while let Some(id) = self.purgatory.ready_produces.pop_front() {
            let answered = self.complete_produce(id, false);
            if answered.is_some() {
                return answered;
            }
        }
        while let Some(id) = self.purgatory.ready_deletes.pop_front() {
            let answered = self.complete_delete(id, false);
            if answered.is_some() {
                return answered;
            }
        }
        // Which fetches are looked at is found out once the producers have theirs.
        if let Some(round) = self.purgatory.round.take() {
            self.purgatory.ready_fetches = self.fetches_of(&round);
        }
        while let Some(id) = self.purgatory.ready_fetches.pop_front() {
            let answered = self.complete_fetch(cx, id, false);
            if answered.is_some() {
                return answered;
            }
        }
        None
    }

    /// The next answer that what has changed makes possible. One at a time, as an answered request lets those behind it
    /// in, and these may append again: in a round all that changed is taken together, producers are answered before
    /// fetches, and what members of groups are told goes before the next round.
    pub fn next_answer(&mut self, cx: &mut Context<'_>) -> Option<Answered> {
        loop {
            let answered = self.next_completed(cx).or_else(|| {
                let answer = self.groups.next_answer().or_else(|| self.transactions.next_answer());
                answer.map(|(call, answer)| (call, respond(answer)))
            });
            let answered = answered.or_else(|| self.next_marked());
            if answered.is_some() {
                return answered;
            }
            let changed = self.replicas.take_changed();
            if changed.is_empty() {
                return None;
            }
            self.begin_round(cx, changed);
        }
    }

    fn begin_round(&mut self, cx: &mut Context<'_>, changed: BTreeSet<TopicPartition>) {
        let mut ids = Vec::new();
        for key in &changed {
            if let Some(partition) = self.replicas.of(key) {
                ids.push((partition.topic_id(), key.1));
            } else if let Some(topic) = self.image.topic(&key.0) {
                ids.push((topic.id, key.1));
            }
        }
        ids.iter().for_each(|id| self.sessions.mark(*id));
        for (_, partition) in changed.iter().filter(|(topic, _)| topic == GROUP_METADATA_TOPIC) {
            self.complete_group_writes(cx, *partition);
        }
        for (_, partition) in changed.iter().filter(|(topic, _)| topic == TRANSACTION_STATE_TOPIC) {
            self.complete_transaction_writes(cx, *partition);
        }
        self.look_at_markers(cx.now);
        self.purgatory.ready_produces = (self.purgatory.produces.iter())
            .filter(|(_, produce)| produce.waiting.iter().any(|one| changed.contains(&one.key)))
            .map(|(id, _)| *id)
            .collect();
        self.purgatory.ready_deletes = (self.purgatory.deletes.iter())
            .filter(|(_, delete)| delete.waiting.iter().any(|one| changed.contains(&one.key)))
            .map(|(id, _)| *id)
            .collect();
        self.purgatory.round = Some(Round { changed, ids });
    }

    /// The parked fetches that may have something to say now.
    fn fetches_of(&self, round: &Round) -> VecDeque<u64> {
        (self.purgatory.fetches.iter())
            .filter(|(_, fetch)| match &fetch.context {
                FetchContext::Session(id) => self
                    .sessions
                    .get(*id)
                    .is_none_or(|session| round.ids.iter().any(|id| session.partitions.contains_key(id))),
                FetchContext::Full { .. } => {
                    fetch.partitions.iter().any(|partition| round.changed.contains(partition))
                }
            })
            .map(|(id, _)| *id)
            .collect()
    }
}
