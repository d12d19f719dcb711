//! The transactional ids of one partition of `__transaction_state`.
//!
//! The problem: a transaction ends on many partitions, whose leaders may fail one by one, and yet it must end on all of
//! them or on none. So the decision is one record: once PrepareCommit (or PrepareAbort) is committed it cannot be taken
//! back, and whoever leads this partition next finds it and sends the markers to every partition again until each has
//! them; then it stores that it is complete. A client is answered with the decision, not with the markers.
//!
//! Whoever begins with a transactional id gets a higher epoch, and everything of a lower one is refused, here and by
//! the partitions: a zombie cannot come between. Unlike groups, a transaction's state changes only once its record is
//! committed; while it waits, the id has a pending state, and others are told CONCURRENT_TRANSACTIONS.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use blumfeld_kernel::{Context, TraceEvent};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::AddPartitionsToTxnResponse;
use bytes::Bytes;

use super::metadata::{
    NO_PRODUCER_EPOCH, NO_PRODUCER_ID, TopicPartition, TransactionMetadata, TransactionState, bumps_epochs,
    is_exhausted,
};
use super::record::TransactionRecord;
use super::{After, Answer, Env, TRANSACTION_STATE_TOPIC, TransactionTimer, Write};
use crate::bug::{Bug, planted};
use crate::call::Call;
use crate::config::TransactionConfig;
use crate::coordinator::runtime::{Change, Shard};
use crate::reply::Body;

/// A complete transaction that could not be stored is stored again after so long, in milliseconds.
const RETRY_MS: i64 = 100;

/// An InitProducerId request with a transactional id.
#[derive(Clone, Debug)]
pub struct Init {
    /// `transactional.id`.
    pub id: String,
    /// `transaction.timeout.ms`.
    pub timeout_ms: i32,
    /// The producer id and epoch that the client had before.
    pub expected: Option<(i64, i16)>,
}

/// One transactional id.
#[derive(Clone, Debug)]
pub struct Transaction {
    metadata: TransactionMetadata,
    /// The state that is about to be stored.
    pending: Option<TransactionState>,
    /// Whether the epoch was raised to fence a producer, and that could not be stored.
    fence_failed: bool,
    /// The partitions that have no marker yet, of a transaction whose end is decided.
    unmarked: BTreeSet<TopicPartition>,
    /// Whether its markers are taken no more: its producer has a higher epoch at a partition.
    given_up: bool,
}

impl Transaction {
    fn new(metadata: TransactionMetadata) -> Transaction {
        let unmarked = match metadata.state.is_prepared() {
            true => metadata.partitions.clone(),
            false => BTreeSet::new(),
        };
        Transaction { metadata, pending: None, fence_failed: false, unmarked, given_up: false }
    }

    /// What is stored of it.
    pub fn metadata(&self) -> &TransactionMetadata {
        &self.metadata
    }

    /// The partitions that have no marker yet.
    pub fn unmarked(&self) -> &BTreeSet<TopicPartition> {
        &self.unmarked
    }
}

/// Markers that are to be written for one transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MarkersOf {
    /// `transactional.id`.
    pub id: String,
    /// Its producer id.
    pub producer_id: i64,
    /// The epoch that the markers carry.
    pub producer_epoch: i16,
    /// Whether it commits.
    pub commits: bool,
    /// The coordinator's epoch.
    pub coordinator_epoch: i32,
    /// The partitions.
    pub partitions: BTreeSet<TopicPartition>,
}

/// What follows once a record is committed, or could not be.
#[derive(Clone, Debug)]
pub struct Stored {
    id: String,
    next: TransactionMetadata,
    then: Then,
}

#[derive(Clone, Debug)]
enum Then {
    /// Nobody waits.
    Nothing,
    /// The request is answered.
    Respond(Call, Answer),
    /// A part of a request that a broker has gathered is done with.
    Gathered(u64),
    /// A client that wants to begin is told to come again: its predecessor's transaction is aborted first.
    ComeAgain(Call),
    /// The transaction is complete.
    Complete,
    /// The id has expired.
    Expire,
}

/// The transactional ids of a partition.
#[derive(Clone, Debug, Default)]
pub struct TransactionShard {
    transactions: BTreeMap<String, Transaction>,
    /// Those whose end is decided, and whose markers are not all written.
    prepared: BTreeSet<String>,
    /// The leader epoch of the partition: markers carry it, and those of an earlier coordinator are refused.
    epoch: i32,
}

impl TransactionShard {
    // ---- what others may see

    /// The ids in their order.
    pub fn transactions(&self) -> impl Iterator<Item = (&str, &Transaction)> {
        self.transactions.iter().map(|(id, one)| (id.as_str(), one))
    }

    /// What is known of an id.
    pub fn transaction(&self, id: &str) -> Option<&Transaction> {
        self.transactions.get(id)
    }

    /// The markers that are to be written.
    pub fn markers(&self) -> impl Iterator<Item = MarkersOf> {
        self.prepared.iter().filter_map(|id| {
            let one = self.transactions.get(id).filter(|one| !one.given_up && one.pending.is_none())?;
            Some(MarkersOf {
                id: id.clone(),
                producer_id: one.metadata.producer_id,
                producer_epoch: one.metadata.producer_epoch,
                commits: one.metadata.state == TransactionState::PrepareCommit,
                coordinator_epoch: self.epoch,
                partitions: one.unmarked.clone(),
            })
        })
    }

    // ---- InitProducerId

    /// Whether [`init`](Self::init) or [`end`](Self::end) needs a producer id that nobody had.
    pub fn needs_producer_id(&self, id: &str, expected_epoch: Option<i16>) -> bool {
        let Some(one) = self.transactions.get(id) else { return true };
        let metadata = &one.metadata;
        is_exhausted(metadata.producer_epoch)
            && expected_epoch.is_none_or(|epoch| epoch == metadata.producer_epoch)
    }

    /// A producer begins (handleInitProducerId, prepareInitProducerIdTransit). `fresh` is a producer id that nobody
    /// had, where one is needed.
    pub(crate) fn init(&mut self, env: &mut Env<'_, '_>, call: Call, init: &Init, fresh: Option<i64>) {
        let now_ms = env.cx.unix_ms();
        let refuse = |env: &mut Env<'_, '_>, call, code| env.fx.answer(call, Answer::Init(Err(code)));
        if !self.transactions.contains_key(&init.id) {
            let Some(producer_id) = fresh else {
                return refuse(env, call, ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
            };
            let metadata = TransactionMetadata::new(producer_id, init.timeout_ms, now_ms);
            self.transactions.insert(init.id.clone(), Transaction::new(metadata));
        }
        let Some(one) = self.transactions.get(&init.id) else { return };
        let metadata = &one.metadata;
        let is_own = init.expected.is_none_or(|(id, epoch)| {
            metadata.producer_epoch == NO_PRODUCER_EPOCH
                || id == metadata.producer_id
                || (id == metadata.prev_producer_id && is_exhausted(epoch))
        });
        if one.pending.is_some() {
            return refuse(env, call, ErrorCode::CONCURRENT_TRANSACTIONS);
        }
        if !is_own {
            return refuse(env, call, ErrorCode::PRODUCER_FENCED);
        }
        match metadata.state {
            TransactionState::PrepareCommit | TransactionState::PrepareAbort => {
                refuse(env, call, ErrorCode::CONCURRENT_TRANSACTIONS);
            }
            TransactionState::Empty | TransactionState::CompleteCommit | TransactionState::CompleteAbort => {
                let named = init.expected.map(|(_, epoch)| epoch);
                let exhausted = is_exhausted(metadata.producer_epoch);
                let next = if exhausted && named.is_none_or(|epoch| epoch == metadata.producer_epoch) {
                    fresh
                        .map(|id| metadata.rotate_id(id, init.timeout_ms, named.is_some(), now_ms))
                        .ok_or(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)
                } else {
                    metadata.increment_epoch(init.timeout_ms, named, now_ms)
                };
                match next {
                    Ok(next) => {
                        let answer = Answer::Init(Ok((next.producer_id, next.producer_epoch)));
                        self.store(env, &init.id, next, Then::Respond(call, answer));
                    }
                    Err(code) => refuse(env, call, code),
                }
            }
            TransactionState::Ongoing => self.fence(env, &init.id, Some(call)),
            // Neither is stored, nor stays without being pending.
            TransactionState::Dead | TransactionState::PrepareEpochFence => {
                refuse(env, call, ErrorCode::UNKNOWN_SERVER_ERROR);
            }
        }
    }

    /// Aborts a transaction in progress with a higher epoch, which its producer does not have
    /// (prepareFenceProducerEpoch, and the endTransaction behind it).
    fn fence(&mut self, env: &mut Env<'_, '_>, id: &str, call: Option<Call>) {
        let now_ms = env.cx.unix_ms();
        let Some(one) = self.transactions.get_mut(id) else { return };
        let bumped = one.metadata.producer_epoch.saturating_add(i16::from(!one.fence_failed));
        one.metadata.producer_epoch = bumped;
        one.metadata.last_producer_epoch = NO_PRODUCER_EPOCH;
        // The epoch has gone up already: it does not so again with the end, as it would in version 2.
        let state = TransactionState::PrepareAbort;
        let next = TransactionMetadata {
            client_version: one.metadata.client_version,
            ..one.metadata.prepare_end(state, 0, (NO_PRODUCER_ID, false), now_ms)
        };
        one.fence_failed = true;
        let then = call.map_or(Then::Nothing, Then::ComeAgain);
        self.store(env, id, next, then);
    }

    // ---- AddPartitionsToTxn, AddOffsetsToTxn

    /// What is wrong with a request of a producer, if something is (the checks that handleAddPartitionsToTransaction
    /// and handleVerifyPartitionsInTransaction share).
    fn check(&self, id: &str, producer: (i64, i16)) -> Result<&Transaction, ErrorCode> {
        if id.is_empty() {
            return Err(ErrorCode::INVALID_REQUEST);
        }
        let one = self.transactions.get(id).ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
        if one.metadata.producer_id != producer.0 {
            return Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
        }
        if one.metadata.producer_epoch != producer.1 && !planted(Bug::AcceptFencedProducer) {
            return Err(ErrorCode::PRODUCER_FENCED);
        }
        if one.pending.is_some() || one.metadata.state.is_prepared() {
            return Err(ErrorCode::CONCURRENT_TRANSACTIONS);
        }
        Ok(one)
    }

    /// What partitions are told that a producer wants in its transaction; nothing if they have to be stored first.
    fn adding(
        &self,
        env: &Env<'_, '_>,
        id: &str,
        producer: (i64, i16),
        (partitions, version): (&[TopicPartition], i16),
    ) -> Result<Option<TransactionMetadata>, ErrorCode> {
        let one = self.check(id, producer)?;
        let has = partitions.iter().all(|partition| one.metadata.partitions.contains(partition));
        if one.metadata.state == TransactionState::Ongoing && has {
            return Ok(None);
        }
        Ok(Some(one.metadata.add_partitions(partitions.iter().cloned(), version, env.cx.unix_ms())))
    }

    /// AddPartitionsToTxn of a client, or AddOffsetsToTxn: `answer` is for when they are in the transaction.
    pub(crate) fn add(
        &mut self,
        env: &mut Env<'_, '_>,
        (call, answer): (Call, Answer),
        (id, producer): (&str, (i64, i16)),
        partitions: &[TopicPartition],
    ) {
        match self.adding(env, id, producer, (partitions, 0)) {
            Ok(None) => env.fx.answer(call, answer),
            Ok(Some(next)) => self.store(env, id, next, Then::Respond(call, answer)),
            Err(code) => env.fx.answer(call, answer.fail(code)),
        }
    }

    /// AddPartitionsToTxn of a broker for a client of transaction version 2: a part of what it gathers. Gives what is
    /// said at once.
    pub(crate) fn add_gathered(
        &mut self,
        env: &mut Env<'_, '_>,
        gathering: u64,
        (id, producer): (&str, (i64, i16)),
        partitions: &[TopicPartition],
    ) -> Option<ErrorCode> {
        match self.adding(env, id, producer, (partitions, 2)) {
            Ok(None) => Some(ErrorCode::NONE),
            Ok(Some(next)) => {
                self.store(env, id, next, Then::Gathered(gathering));
                None
            }
            Err(code) => Some(code),
        }
    }

    /// Which of the partitions are in the producer's transaction (handleVerifyPartitionsInTransaction).
    pub(crate) fn verify(
        &self,
        id: &str,
        producer: (i64, i16),
        partitions: &[TopicPartition],
    ) -> Result<Vec<ErrorCode>, ErrorCode> {
        let one = self.check(id, producer)?;
        let is_in = |partition: &TopicPartition| {
            let ongoing = one.metadata.state == TransactionState::Ongoing;
            match ongoing && one.metadata.partitions.contains(partition) {
                true => ErrorCode::NONE,
                false => ErrorCode::TRANSACTION_ABORTABLE,
            }
        };
        Ok(partitions.iter().map(is_in).collect())
    }

    // ---- EndTxn

    /// EndTxn of a client (endTransaction, endTransactionWithTV1). `fresh` is a producer id that nobody had, where
    /// one is needed.
    pub(crate) fn end(
        &mut self,
        env: &mut Env<'_, '_>,
        call: Call,
        (id, producer, commits): (&str, (i64, i16), bool),
        (version, fresh): (i16, Option<i64>),
    ) {
        let decided = match bumps_epochs(version) {
            true => self.ends_with_bump(id, producer, commits),
            false => self.ends(id, producer, commits),
        };
        let nothing_added = match decided {
            Ok(End::Prepare { nothing_added }) => nothing_added,
            Ok(End::Again(next)) => return env.fx.answer(call, Answer::End(Ok(next))),
            Err(code) => return env.fx.answer(call, Answer::End(Err(code))),
        };
        let Some(one) = self.transactions.get(id) else { return };
        let state = if commits { TransactionState::PrepareCommit } else { TransactionState::PrepareAbort };
        let next_id = match bumps_epochs(version) && is_exhausted(one.metadata.producer_epoch) {
            true => match fresh {
                Some(next_id) => next_id,
                None => {
                    let code = ErrorCode::COORDINATOR_LOAD_IN_PROGRESS;
                    return env.fx.answer(call, Answer::End(Err(code)));
                }
            },
            false => NO_PRODUCER_ID,
        };
        let next = one.metadata.prepare_end(state, version, (next_id, nothing_added), env.cx.unix_ms());
        let answer = Answer::End(Ok(match bumps_epochs(version) {
            true => next.after_end(),
            false => (-1, -1),
        }));
        self.store(env, id, next, Then::Respond(call, answer));
    }

    /// The same checks for clients of both versions.
    fn ending(&self, id: &str) -> Result<&Transaction, ErrorCode> {
        if id.is_empty() {
            return Err(ErrorCode::INVALID_REQUEST);
        }
        self.transactions.get(id).ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)
    }

    fn ends(&self, id: &str, (producer_id, epoch): (i64, i16), commits: bool) -> Result<End, ErrorCode> {
        use TransactionState as State;
        let one = self.ending(id)?;
        if one.metadata.producer_id != producer_id {
            return Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
        }
        if one.metadata.producer_epoch != epoch {
            return Err(ErrorCode::PRODUCER_FENCED);
        }
        if one.pending.is_some() {
            return Err(ErrorCode::CONCURRENT_TRANSACTIONS);
        }
        match (one.metadata.state, commits) {
            (State::Ongoing, _) => Ok(End::Prepare { nothing_added: false }),
            (State::CompleteCommit, true) | (State::CompleteAbort, false) => Ok(End::Again((-1, -1))),
            (State::PrepareCommit, true) | (State::PrepareAbort, false) => {
                Err(ErrorCode::CONCURRENT_TRANSACTIONS)
            }
            _ => Err(ErrorCode::INVALID_TXN_STATE),
        }
    }

    /// With an epoch for each transaction, a request that comes again is known by the epoch before.
    fn ends_with_bump(
        &self,
        id: &str,
        (producer_id, epoch): (i64, i16),
        commits: bool,
    ) -> Result<End, ErrorCode> {
        use TransactionState as State;
        let one = self.ending(id)?;
        let (metadata, settled) = (&one.metadata, one.pending.is_none());
        let overflowed = settled
            && metadata.prev_producer_id == producer_id
            && epoch == i16::MAX - 1
            && metadata.producer_epoch == 0;
        let bumped = settled && epoch.checked_add(1) == Some(metadata.producer_epoch);
        if metadata.producer_id != producer_id && !overflowed {
            return Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
        }
        let valid = match metadata.state {
            State::Ongoing | State::Empty | State::Dead | State::PrepareEpochFence => {
                epoch == metadata.producer_epoch
            }
            State::PrepareCommit | State::PrepareAbort => bumped || epoch == metadata.producer_epoch,
            State::CompleteCommit | State::CompleteAbort => {
                bumped || overflowed || epoch == metadata.producer_epoch
            }
        };
        if !valid && !planted(Bug::AcceptFencedProducer) {
            return Err(ErrorCode::PRODUCER_FENCED);
        }
        if !settled {
            return Err(ErrorCode::CONCURRENT_TRANSACTIONS);
        }
        let again = bumped || overflowed;
        // It ends the next transaction already, with nothing in it, and this one has not all its markers (KAFKA-18575).
        if metadata.state.is_prepared() && !again {
            return Err(ErrorCode::CONCURRENT_TRANSACTIONS);
        }
        match (metadata.state, commits) {
            (State::Ongoing, _) => Ok(End::Prepare { nothing_added: false }),
            (State::CompleteCommit, true) | (State::CompleteAbort, false) if again => {
                Ok(End::Again((metadata.producer_id, metadata.producer_epoch)))
            }
            // A client may abort a transaction that never reached a partition.
            (State::CompleteCommit | State::CompleteAbort, false) if !again => {
                Ok(End::Prepare { nothing_added: true })
            }
            (State::Empty, false) => Ok(End::Prepare { nothing_added: true }),
            (State::PrepareCommit, true) | (State::PrepareAbort, false) => {
                Err(ErrorCode::CONCURRENT_TRANSACTIONS)
            }
            _ => Err(ErrorCode::INVALID_TXN_STATE),
        }
    }

    // ---- markers

    /// Partitions have their markers, or need none any more. Once all have, the transaction is complete.
    pub(crate) fn marked<'p>(
        &mut self,
        env: &mut Env<'_, '_>,
        (id, producer): (&str, (i64, i16)),
        partitions: impl Iterator<Item = &'p TopicPartition>,
    ) {
        let Some(one) = self.of_markers(id, producer) else { return };
        for partition in partitions {
            one.unmarked.remove(partition);
        }
        if one.unmarked.is_empty() && one.pending.is_none() {
            self.complete(env, id);
        }
    }

    /// A partition has refused a transaction's marker for good (abortSending): its producer has gone on.
    pub(crate) fn give_up(&mut self, id: &str, producer: (i64, i16)) {
        if let Some(one) = self.of_markers(id, producer) {
            one.given_up = true;
        }
        self.prepared.remove(id);
    }

    fn of_markers(&mut self, id: &str, producer: (i64, i16)) -> Option<&mut Transaction> {
        self.transactions.get_mut(id).filter(|one| {
            let metadata = &one.metadata;
            metadata.state.is_prepared() && (metadata.producer_id, metadata.producer_epoch) == producer
        })
    }

    fn complete(&mut self, env: &mut Env<'_, '_>, id: &str) {
        let Some(one) = self.transactions.get(id) else { return };
        let next = one.metadata.complete(env.cx.unix_ms());
        self.store(env, id, next, Then::Complete);
    }

    // ---- storing

    /// Has a change stored, which is taken once it is.
    fn store(&mut self, env: &mut Env<'_, '_>, id: &str, next: TransactionMetadata, then: Then) {
        if let Some(one) = self.transactions.get_mut(id) {
            one.pending = Some(next.state);
        }
        let expires = matches!(then, Then::Expire);
        let record = TransactionRecord {
            id: id.to_owned(),
            value: Some(next.clone()).filter(|_| !expires),
            flexible: env.config.flexible_records,
        };
        let after = After::Then(Stored { id: id.to_owned(), next, then });
        env.fx.writes.push(Write { records: vec![record], producer: None, replay: false, after });
    }

    fn take(&mut self, env: &mut Env<'_, '_>, id: &str, next: TransactionMetadata) {
        let Some(one) = self.transactions.get_mut(id) else { return };
        let from = one.metadata.state;
        if from != next.state || one.metadata.producer_epoch != next.producer_epoch {
            env.cx.out.trace(TraceEvent::TransactionStateChanged {
                id: id.into(),
                producer_id: next.producer_id,
                epoch: next.producer_epoch,
                from: from.name(),
                to: next.state.name(),
                partitions: u32::try_from(next.partitions.len()).unwrap_or(u32::MAX),
            });
        }
        *one = Transaction::new(next);
        if one.metadata.state.is_prepared() {
            self.prepared.insert(id.to_owned());
        } else {
            self.prepared.remove(id);
        }
    }

    // ---- time

    fn time_out(&mut self, env: &mut Env<'_, '_>) {
        let now_ms = env.cx.unix_ms();
        let late: Vec<String> = (self.transactions.iter())
            .filter(|(_, one)| {
                let metadata = &one.metadata;
                metadata.state == TransactionState::Ongoing
                    && one.pending.is_none()
                    && metadata.start_ms.saturating_add(i64::from(metadata.timeout_ms)) < now_ms
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in late {
            env.cx.out.trace(TraceEvent::TransactionTimedOut { id: id.as_str().into() });
            self.fence(env, &id, None);
        }
    }

    fn expire(&mut self, env: &mut Env<'_, '_>) {
        let now_ms = env.cx.unix_ms();
        let old: Vec<(String, TransactionMetadata)> = (self.transactions.iter())
            .filter(|(_, one)| {
                let metadata = &one.metadata;
                let idle = matches!(
                    metadata.state,
                    TransactionState::Empty
                        | TransactionState::CompleteCommit
                        | TransactionState::CompleteAbort
                );
                let since = now_ms.saturating_sub(metadata.last_update_ms);
                idle && one.pending.is_none() && since >= env.config.id_expiration_ms
            })
            .map(|(id, one)| {
                (id.clone(), TransactionMetadata { state: TransactionState::Dead, ..one.metadata.clone() })
            })
            .collect();
        for (id, dead) in old {
            self.store(env, &id, dead, Then::Expire);
        }
    }
}

/// What an EndTxn request comes to.
enum End {
    /// The end is decided.
    Prepare {
        /// Whether no partition was in the transaction.
        nothing_added: bool,
    },
    /// It was decided before: the client did not hear the answer, which is this producer id and epoch.
    Again((i64, i16)),
}

/// What a failed append means to clients (TransactionStateManager.appendTransactionToLog).
fn append_error(code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        | ErrorCode::NOT_ENOUGH_REPLICAS
        | ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND
        | ErrorCode::REQUEST_TIMED_OUT => ErrorCode::COORDINATOR_NOT_AVAILABLE,
        ErrorCode::NOT_LEADER_OR_FOLLOWER | ErrorCode::KAFKA_STORAGE_ERROR => ErrorCode::NOT_COORDINATOR,
        ErrorCode::MESSAGE_TOO_LARGE | ErrorCode::RECORD_LIST_TOO_LARGE => ErrorCode::UNKNOWN_SERVER_ERROR,
        code => code,
    }
}

impl Shard for TransactionShard {
    const TOPIC: &'static str = TRANSACTION_STATE_TOPIC;
    type Config = TransactionConfig;
    type Record = TransactionRecord;
    type Timer = TransactionTimer;
    type Answer = Answer;
    type Stored = Stored;

    fn encode(record: &TransactionRecord) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        record.encode()
    }

    fn decode(key: Option<&Bytes>, value: Option<&Bytes>) -> Result<TransactionRecord, String> {
        TransactionRecord::decode(key, value).map_err(|error| error.to_string())
    }

    fn replay(&mut self, change: &Change<TransactionRecord>, _: i64) {
        // Only loading replays: what is stored later is taken once it is committed.
        let Change::Record { record, .. } = change else { return };
        match &record.value {
            Some(value) => drop(self.transactions.insert(record.id.clone(), Transaction::new(value.clone()))),
            None => drop(self.transactions.remove(&record.id)),
        }
    }

    fn commit(&mut self, _: &Change<TransactionRecord>) {}

    fn leads(&mut self, epoch: i32) {
        self.epoch = epoch;
    }

    fn loaded(&mut self, env: &mut Env<'_, '_>, partition: &Arc<str>, skipped: Vec<(i64, String)>) {
        for (offset, reason) in skipped {
            let (partition, reason) = (partition.clone(), reason.into());
            env.cx.out.trace(TraceEvent::GroupRecordSkipped { partition, offset, reason });
        }
        env.cx.out.trace(TraceEvent::TransactionsLoaded {
            partition: partition.clone(),
            transactions: u32::try_from(self.transactions.len()).unwrap_or(u32::MAX),
        });
        let decided = (self.transactions.iter())
            .filter(|(_, one)| one.metadata.state.is_prepared() && !planted(Bug::LoseMarkers));
        self.prepared = decided.map(|(id, _)| id.clone()).collect();
        let marked: Vec<String> = (self.prepared.iter())
            .filter(|id| self.transactions.get(*id).is_some_and(|one| one.unmarked.is_empty()))
            .cloned()
            .collect();
        for id in marked {
            self.complete(env, &id);
        }
        env.timer(TransactionTimer::TimeOut, env.config.abort_timed_out_interval_ms);
        env.timer(TransactionTimer::Expiration, env.config.remove_expired_interval_ms);
    }

    fn on_timer(&mut self, env: &mut Env<'_, '_>, timer: &TransactionTimer) {
        match timer {
            TransactionTimer::TimeOut => {
                self.time_out(env);
                env.timer(TransactionTimer::TimeOut, env.config.abort_timed_out_interval_ms);
            }
            TransactionTimer::Expiration => {
                self.expire(env);
                env.timer(TransactionTimer::Expiration, env.config.remove_expired_interval_ms);
            }
            TransactionTimer::Complete(id) => {
                let ready = self.transactions.get(id).is_some_and(|one| {
                    one.metadata.state.is_prepared() && one.unmarked.is_empty() && one.pending.is_none()
                });
                if ready {
                    self.complete(env, id);
                }
            }
        }
    }

    fn stored(&mut self, env: &mut Env<'_, '_>, stored: Stored, result: Result<(), ErrorCode>) {
        let Stored { id, next, then } = stored;
        let Err(code) = result else {
            if matches!(then, Then::Expire) {
                self.transactions.remove(&id);
                return;
            }
            let empty = next.state.is_prepared() && next.partitions.is_empty();
            self.take(env, &id, next);
            match then {
                Then::Respond(call, answer) => env.fx.answer(call, answer),
                Then::Gathered(gathering) => env.fx.gathered.push((gathering, id.clone(), ErrorCode::NONE)),
                Then::ComeAgain(call) => {
                    env.fx.answer(call, Answer::Init(Err(ErrorCode::CONCURRENT_TRANSACTIONS)));
                }
                Then::Nothing | Then::Complete | Then::Expire => {}
            }
            if empty {
                self.complete(env, &id);
            }
            return;
        };
        let code = append_error(code);
        if let Some(one) = self.transactions.get_mut(&id) {
            one.pending = None;
        }
        match then {
            Then::Respond(call, answer) => env.fx.answer(call, answer.fail(code)),
            Then::Gathered(gathering) => env.fx.gathered.push((gathering, id, code)),
            Then::ComeAgain(call) => env.fx.answer(call, Answer::Init(Err(code))),
            Then::Complete => env.timer(TransactionTimer::Complete(id), RETRY_MS),
            Then::Nothing | Then::Expire => {}
        }
    }

    fn unload(self, env: &mut Env<'_, '_>, partition: &Arc<str>, stored: Vec<Stored>) {
        let transactions = u32::try_from(self.transactions.len()).unwrap_or(u32::MAX);
        env.cx.out.trace(TraceEvent::TransactionsUnloaded { partition: partition.clone(), transactions });
        for Stored { id, then, .. } in stored {
            let code = ErrorCode::NOT_COORDINATOR;
            match then {
                Then::Respond(call, answer) => env.fx.answer(call, answer.fail(code)),
                Then::Gathered(gathering) => env.fx.gathered.push((gathering, id, code)),
                Then::ComeAgain(call) => env.fx.answer(call, Answer::Init(Err(code))),
                Then::Nothing | Then::Complete | Then::Expire => {}
            }
        }
    }

    fn invariant<'a>(&self, _: impl Iterator<Item = &'a Change<TransactionRecord>>) -> Result<(), String> {
        for (id, one) in &self.transactions {
            let metadata = &one.metadata;
            if metadata.state == TransactionState::Ongoing && metadata.partitions.is_empty() {
                return Err(format!("the transaction of {id} goes on without partitions"));
            }
            if !one.unmarked.is_subset(&metadata.partitions) {
                return Err(format!("{id}: markers for partitions that are not in the transaction"));
            }
        }
        Ok(())
    }

    fn waiting(&self) -> impl Iterator<Item = &Call> {
        std::iter::empty()
    }

    fn waits_for(stored: &Stored) -> Option<&Call> {
        match &stored.then {
            Then::Respond(call, _) | Then::ComeAgain(call) => Some(call),
            Then::Nothing | Then::Gathered(_) | Then::Complete | Then::Expire => None,
        }
    }

    fn trace_commit(_: &mut Context<'_>, _: &[Change<TransactionRecord>]) {}

    fn fail(answer: Answer, code: ErrorCode) -> Answer {
        answer.fail(append_error(code))
    }

    fn gather(answer: &mut Answer, key: &str, code: ErrorCode) {
        let Answer::Transactions(response) = answer else { return };
        let AddPartitionsToTxnResponse { results_by_transaction, .. } = &mut **response;
        let of = results_by_transaction.iter_mut().filter(|one| one.transactional_id.as_str() == key);
        let topics = of.flat_map(|one| &mut one.topic_results);
        for partition in topics.flat_map(|topic| &mut topic.results_by_partition) {
            // What was said before stands: only what has no answer yet is told.
            if partition.partition_error_code == super::PENDING {
                partition.partition_error_code = code.0;
            }
        }
    }

    fn append_error(code: ErrorCode) -> ErrorCode {
        append_error(code)
    }

    fn respond(answer: Answer, version: i16) -> Body {
        answer.message(version)
    }

    fn write_timeout_ms(config: &TransactionConfig) -> i64 {
        config.write_timeout_ms
    }
}
