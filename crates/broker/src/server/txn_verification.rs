//! Asking the transaction coordinator for a client before its first batch of a transaction is taken
//! (kafka.server.AddPartitionsToTxnManager, KIP-890).
//!
//! Without it a batch that was late on its way could come after its transaction has ended, begin another one that
//! nobody knows of, and hold the last stable offset for ever. So a partition that has no transaction of the producer
//! open asks whether it is in one; of clients that speak transaction version 2, it joins the transaction by asking. A
//! marker that comes while the answer is under way makes the answer worthless: each partition notes that with a number.
//!
//! A client that goes on with its next transaction at once comes while the coordinator still ends the last one. Records
//! that are to join it are asked for again here for a while: the client's own pause would be longer
//! (ReplicaManager.handleProduceAppend).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use blumfeld_kernel::{ConnectionId, Context, Endpoint, Instant};
use blumfeld_protocol::frame::decode_response;
use blumfeld_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use blumfeld_protocol::messages::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, ProduceRequest, TopicName, TxnOffsetCommitRequest,
};
use blumfeld_protocol::{ApiKey, ErrorCode};
use bytes::Bytes;

use super::Server;
use crate::call::Call;
use crate::channel::{Channels, InFlight, Purpose};
use crate::config::CLIENT_LISTENER;
use crate::coordinator::TRANSACTION_STATE_TOPIC;
use crate::replica::TopicPartition;

/// `request.timeout.ms` of the brokers among each other.
const TIMEOUT_MS: i64 = 30_000;
/// The version of AddPartitionsToTxn that brokers speak.
const VERSION: i16 = 5;

/// What a client can be told (TransactionSupportedOperation).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Supports {
    /// It knows no TRANSACTION_ABORTABLE.
    DefaultError,
    /// It does.
    GenericError,
    /// Its partitions join a transaction by being written to.
    AddPartition,
}

/// What waits for an answer of the coordinator.
#[derive(Clone, Debug)]
pub enum Verified {
    /// A produce request, with how its partitions stood when it came.
    Produce(Box<ProduceRequest>, Standing),
    /// Offsets of a transaction, with the number of the question.
    Offsets(Box<TxnOffsetCommitRequest>, u64),
}

/// The partitions of a transaction that were led here when their request came: each has the number of its question, or
/// none where the transaction was open already.
pub type Standing = BTreeMap<TopicPartition, Option<u64>>;

/// A question.
#[derive(Clone, Debug)]
struct Question {
    number: u64,
    transactional_id: String,
    producer: (i64, i16),
    partitions: BTreeSet<TopicPartition>,
    supports: Supports,
    /// Until then it is asked again where the transaction before is still being ended.
    again_until: Instant,
}

/// What is known of the partitions that were asked about: none of those that are in the transaction.
pub type Refusals = BTreeMap<TopicPartition, ErrorCode>;

/// All questions.
#[derive(Clone, Debug, Default)]
pub struct Verifications {
    waiting: VecDeque<Question>,
    /// Those that are asked again, by when.
    later: BTreeMap<(Instant, u64), Question>,
    in_flight: BTreeMap<i32, Vec<Question>>,
    parked: BTreeMap<u64, (Call, Verified)>,
    answered: VecDeque<(u64, Refusals)>,
    last_number: u64,
}

impl Verifications {
    /// The connections of those that wait.
    pub fn owed(&self) -> impl Iterator<Item = ConnectionId> {
        self.parked.values().map(|(call, _)| call.conn)
    }

    /// When the next question is asked again.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.later.keys().next().map(|(at, _)| *at)
    }

    fn answer(&mut self, question: &Question, code: impl Fn(&TopicPartition) -> ErrorCode) {
        let refusals = (question.partitions.iter())
            .map(|key| (key.clone(), told(code(key), question.supports)))
            .filter(|(_, code)| !code.is_none())
            .collect();
        self.answered.push_back((question.number, refusals));
    }
}

/// What a client is told that knows so much (AddPartitionsToTxnHandler.onComplete).
fn told(code: ErrorCode, supports: Supports) -> ErrorCode {
    match code {
        ErrorCode::PRODUCER_FENCED => ErrorCode::INVALID_PRODUCER_EPOCH,
        ErrorCode::TRANSACTION_ABORTABLE if supports == Supports::DefaultError => {
            ErrorCode::INVALID_TXN_STATE
        }
        code => code,
    }
}

impl Server {
    /// Asks about the partitions of a transaction; `what` goes on with the answer.
    pub fn verify(
        &mut self,
        now: Instant,
        call: Call,
        what: Verified,
        (transactional_id, producer): (String, (i64, i16)),
        partitions: BTreeSet<TopicPartition>,
        supports: Supports,
    ) {
        self.verifications.last_number += 1;
        let number = self.verifications.last_number;
        let joins = supports == Supports::AddPartition && matches!(what, Verified::Produce(..));
        let again_ms = self.config.transaction.add_partitions_retry_backoff_max_ms.min(TIMEOUT_MS);
        let again_until = if joins { now + Duration::from_millis(again_ms.unsigned_abs()) } else { now };
        self.verifications.parked.insert(number, (call, what));
        let question = Question { number, transactional_id, producer, partitions, supports, again_until };
        self.verifications.waiting.push_back(question);
    }

    /// Asks again what is due. The marker of the transaction before has made the first question worthless, so each
    /// partition gets a new number; one that has the transaction open by now need not be asked about.
    pub fn ask_again(&mut self, now: Instant) {
        let Server { verifications, replicas, .. } = self;
        while let Some(due) = verifications.later.first_entry().filter(|first| first.key().0 <= now) {
            let mut question = due.remove();
            if let Some((_, Verified::Produce(_, standing))) = verifications.parked.get_mut(&question.number)
            {
                for (key, number) in standing {
                    *number = replicas.begin_verification(key, question.producer);
                    if number.is_some() {
                        question.partitions.insert(key.clone());
                    } else {
                        question.partitions.remove(key);
                    }
                }
            }
            match question.partitions.is_empty() {
                true => verifications.answer(&question, |_| ErrorCode::NONE),
                false => verifications.waiting.push_back(question),
            }
        }
    }

    /// Sends the questions that wait to the coordinators that they are for.
    pub fn verify_transactions(&mut self, cx: &mut Context<'_>, channels: &mut Channels) {
        let mut by_coordinator: BTreeMap<i32, Vec<Question>> = BTreeMap::new();
        for question in std::mem::take(&mut self.verifications.waiting) {
            let number = self.transaction_partition(&question.transactional_id);
            let coordinator = self.image.partition(TRANSACTION_STATE_TOPIC, number).map(|one| one.leader);
            match coordinator.filter(|id| self.image.brokers().get(id).is_some_and(|one| !one.fenced)) {
                Some(id) => by_coordinator.entry(id).or_default().push(question),
                None => {
                    self.verifications.answer(&question, |_| ErrorCode::COORDINATOR_NOT_AVAILABLE);
                }
            }
        }
        for (coordinator, questions) in by_coordinator {
            let purpose = Purpose::Transactions(coordinator);
            let listener = self.image.endpoint(coordinator, CLIENT_LISTENER);
            let Some(listener) = listener.filter(|_| channels.idle(purpose)) else {
                self.verifications.waiting.extend(questions);
                continue;
            };
            let endpoint = Endpoint::new(&listener.host, listener.port);
            // An answer is told apart by the transactional id: a second question of one waits for the next request.
            let (mut ids, mut sent) = (BTreeSet::new(), Vec::new());
            for question in questions {
                if ids.insert(question.transactional_id.clone()) {
                    sent.push(question);
                } else {
                    self.verifications.waiting.push_back(question);
                }
            }
            let request =
                AddPartitionsToTxnRequest::default().with_transactions(sent.iter().map(asked).collect());
            let api = (ApiKey::AddPartitionsToTxn, VERSION);
            channels.send(cx, purpose, &endpoint, api, &request, TIMEOUT_MS, None);
            self.verifications.in_flight.insert(coordinator, sent);
        }
    }

    /// Takes what a coordinator says; `None` if it says nothing.
    pub fn on_verified(&mut self, now: Instant, coordinator: i32, answer: Option<(&InFlight, Bytes)>) {
        let questions = self.verifications.in_flight.remove(&coordinator).unwrap_or_default();
        let response = answer.and_then(|(request, frame)| {
            decode_response::<AddPartitionsToTxnResponse>(request.api_key, request.version, frame).ok()
        });
        for question in questions {
            let Some(response) = &response else {
                self.verifications.answer(&question, |_| ErrorCode::NETWORK_EXCEPTION);
                continue;
            };
            let mut codes: BTreeMap<TopicPartition, ErrorCode> = BTreeMap::new();
            let of = response
                .results_by_transaction
                .iter()
                .filter(|one| one.transactional_id.as_str() == question.transactional_id);
            for topic in of.flat_map(|one| &one.topic_results) {
                for partition in &topic.results_by_partition {
                    let key = (topic.name.to_string(), partition.partition_index);
                    codes.insert(key, ErrorCode(partition.partition_error_code));
                }
            }
            let whole = ErrorCode(response.error_code);
            let busy = codes.values().any(|code| *code == ErrorCode::CONCURRENT_TRANSACTIONS);
            if busy && now < question.again_until {
                let backoff = self.config.transaction.add_partitions_retry_backoff_ms.unsigned_abs();
                let at = now + Duration::from_millis(backoff);
                self.verifications.later.insert((at, question.number), question);
                continue;
            }
            self.verifications.answer(&question, |key| match whole {
                ErrorCode::NONE => codes.get(key).copied().unwrap_or(ErrorCode::UNKNOWN_SERVER_ERROR),
                code => code,
            });
        }
    }

    /// The next request whose question is answered, with what it came to.
    pub fn next_verified(&mut self) -> Option<(Call, Verified, Refusals)> {
        while let Some((number, refusals)) = self.verifications.answered.pop_front() {
            if let Some((call, what)) = self.verifications.parked.remove(&number) {
                return Some((call, what, refusals));
            }
        }
        None
    }
}

fn asked(question: &Question) -> AddPartitionsToTxnTransaction {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in &question.partitions {
        topics.entry(topic).or_default().push(*partition);
    }
    let topics = topics.into_iter().map(|(topic, partitions)| {
        AddPartitionsToTxnTopic::default()
            .with_name(TopicName(topic.to_owned().into()))
            .with_partitions(partitions)
    });
    AddPartitionsToTxnTransaction::default()
        .with_transactional_id(blumfeld_protocol::messages::TransactionalId(
            question.transactional_id.clone().into(),
        ))
        .with_producer_id(question.producer.0.into())
        .with_producer_epoch(question.producer.1)
        .with_verify_only(question.supports != Supports::AddPartition)
        .with_topics(topics.collect())
}
