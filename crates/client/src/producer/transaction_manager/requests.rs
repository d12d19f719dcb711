//! What a transactional producer asks of its coordinators, one request after the other (Sender.
//! maybeSendAndPollTransactionalRequest, TransactionManager.nextRequest and its handlers).

use std::collections::BTreeMap;

use blumfeld_kernel::{Context, Endpoint, Instant};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use blumfeld_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use blumfeld_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, EndTxnRequest, FindCoordinatorRequest, GroupId,
    InitProducerIdRequest, TopicName, TransactionalId, TxnOffsetCommitRequest,
};
use blumfeld_protocol::wire::{Message, StrBytes};

use super::ProducerIdAndEpoch;
use super::state::{Thrown, TransactionError, TransactionOperation, TransactionState};
use super::transaction::Transaction;
use crate::consumer::{ConsumerGroupMetadata, OffsetAndMetadata};
use crate::{ApiError, Metadata, NetworkClient, TopicPartition};

/// What a coordinator is of (FindCoordinatorRequest.CoordinatorType).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CoordinatorType {
    /// A group.
    Group,
    /// A transactional id.
    Transaction,
}

impl CoordinatorType {
    /// The number in requests.
    const fn id(self) -> i8 {
        self as i8
    }

    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Group => "GROUP",
            Self::Transaction => "TRANSACTION",
        }
    }
}

/// A request that is to be sent.
#[derive(Clone, Debug)]
pub enum Call {
    FindCoordinator {
        of: CoordinatorType,
        key: String,
    },
    /// With the current id it asks for the next epoch.
    InitProducerId {
        current: Option<ProducerIdAndEpoch>,
    },
    AddPartitions {
        current: ProducerIdAndEpoch,
        partitions: Vec<TopicPartition>,
    },
    AddOffsets {
        current: ProducerIdAndEpoch,
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
        group: ConsumerGroupMetadata,
    },
    OffsetCommit {
        current: ProducerIdAndEpoch,
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
        group: ConsumerGroupMetadata,
        v2: bool,
    },
    EndTxn {
        current: ProducerIdAndEpoch,
        commit: bool,
        v2: bool,
    },
}

impl Call {
    /// What goes first (Priority): the end of a transaction comes after all of it, and another epoch after that.
    fn priority(&self) -> u8 {
        match self {
            Self::FindCoordinator { .. } => 0,
            Self::InitProducerId { current: None } => 1,
            Self::AddPartitions { .. } | Self::AddOffsets { .. } | Self::OffsetCommit { .. } => 2,
            Self::EndTxn { .. } => 3,
            Self::InitProducerId { current: Some(_) } => 4,
        }
    }

    /// Whom it is for; `None` if any broker can answer.
    pub fn coordinator(&self, id: &str) -> Option<(CoordinatorType, String)> {
        match self {
            Self::FindCoordinator { .. } => None,
            Self::OffsetCommit { group, .. } => Some((CoordinatorType::Group, group.group_id.clone())),
            Self::InitProducerId { .. }
            | Self::AddPartitions { .. }
            | Self::AddOffsets { .. }
            | Self::EndTxn { .. } => Some((CoordinatorType::Transaction, id.to_owned())),
        }
    }
}

/// A request that waits to be sent, or to be sent again.
#[derive(Clone, Debug)]
pub struct Pending {
    pub call: Call,
    /// Whose end comes with its answer.
    pub operation: Option<TransactionOperation>,
    pub not_before: Instant,
}

impl Pending {
    pub fn new(call: Call, operation: Option<TransactionOperation>) -> Pending {
        Pending { call, operation, not_before: Instant::ZERO }
    }
}

/// Whether records may be sent now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// They may.
    Records,
    /// A request is under way, or is the next to be: they wait.
    Requests,
}

/// The versions of before KIP-890, which a transaction uses that began without it.
const LAST_END_TXN_BEFORE_V2: i16 = 4;
const LAST_OFFSET_COMMIT_BEFORE_V2: i16 = 4;
/// Later ones are between brokers.
const LAST_ADD_PARTITIONS_OF_CLIENTS: i16 = 3;
/// From this version on a producer can ask for its next epoch (KIP-360).
const FIRST_INIT_THAT_BUMPS: i16 = 3;

fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

impl Transaction {
    /// Puts a request in its place.
    pub(super) fn enqueue(&mut self, pending: Pending) {
        let priority = pending.call.priority();
        let at = self.queue.partition_point(|before| before.call.priority() <= priority);
        self.queue.insert(at, pending);
    }

    /// The same of one that is to be sent again.
    pub(super) fn retry(&mut self, cx: &Context<'_>, pending: Pending, wait_ms: i64) {
        self.enqueue(Pending { not_before: cx.after_ms(wait_ms), ..pending });
    }

    /// A coordinator is not where it was.
    pub(super) fn look_up(&mut self, of: CoordinatorType, key: String) {
        self.coordinators.remove(&of);
        let same = |pending: &Pending| matches!(&pending.call, Call::FindCoordinator { of: other, .. } if *other == of);
        if !self.queue.iter().any(same) {
            self.enqueue(Pending::new(Call::FindCoordinator { of, key }, None));
        }
    }

    /// Sends the next request if it can leave. `incomplete` says that records are not acknowledged yet, for which the
    /// end of their transaction waits.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        producer: Option<ProducerIdAndEpoch>,
        metadata: &mut Metadata,
        net: &mut NetworkClient,
        incomplete: bool,
    ) -> Turn {
        if self.in_flight.is_some() {
            return Turn::Requests;
        }
        loop {
            if !self.state.is_error() {
                self.add_new_partitions(producer.unwrap_or(ProducerIdAndEpoch::NONE));
            }
            let Some(next) = self.queue.first() else { return Turn::Records };
            let ends = matches!(next.call, Call::EndTxn { .. });
            if ends && incomplete {
                return Turn::Records;
            }
            let looks = matches!(next.call, Call::FindCoordinator { .. });
            let allowed = !self.state.is_error() || self.state == TransactionState::AbortableError && looks;
            if !allowed {
                let pending = self.queue.remove(0);
                let unknown = || ErrorCode::UNKNOWN_SERVER_ERROR.into();
                let error = self.last_error().cloned().unwrap_or_else(unknown);
                self.ended(pending.operation, Err(error));
                continue;
            }
            if ends && !self.started {
                // The coordinator knows of nothing that could be ended.
                let pending = self.queue.remove(0);
                self.completed();
                self.ended(pending.operation, Ok(()));
                continue;
            }
            if next.not_before > cx.now {
                return Turn::Requests;
            }
            let Some((of, key)) = next.call.coordinator(&self.id) else {
                let Some(node) = metadata.least_loaded(cx, net) else { return Turn::Requests };
                return self.send(cx, node, metadata, net);
            };
            let Some((node, endpoint)) = self.coordinators.get(&of).cloned() else {
                self.look_up(of, key);
                continue;
            };
            if net.ready(cx, node, &endpoint) {
                if of == CoordinatorType::Transaction {
                    let newest = net.version::<InitProducerIdRequest>(node);
                    self.coordinator_bumps = newest.is_ok_and(|newest| newest >= FIRST_INIT_THAT_BUMPS);
                }
                return self.send(cx, node, metadata, net);
            }
            if !net.is_unavailable(node, cx.now) {
                return Turn::Requests;
            }
            // Nobody is there: it may be another broker by now.
            self.look_up(of, key);
            let wait = cx.after_ms(self.retry_backoff_ms);
            for pending in self.queue.iter_mut().filter(|pending| pending.call.priority() > 0) {
                pending.not_before = pending.not_before.max(wait);
            }
        }
    }

    /// Sends the first request of the queue.
    fn send(
        &mut self,
        cx: &mut Context<'_>,
        node: i32,
        metadata: &mut Metadata,
        net: &mut NetworkClient,
    ) -> Turn {
        let pending = self.queue.remove(0);
        match self.send_call(cx, node, net, &pending.call) {
            Ok(correlation_id) => self.in_flight = Some((correlation_id, pending)),
            Err(error) if error.code.is_retriable() => {
                metadata.request_update();
                self.retry(cx, pending, self.retry_backoff_ms);
            }
            Err(error) => {
                let error = TransactionError::from(error);
                self.ended(pending.operation, Err(error.clone()));
                self.fail_fatally(error);
            }
        }
        Turn::Requests
    }

    fn send_call(
        &self,
        cx: &mut Context<'_>,
        node: i32,
        net: &mut NetworkClient,
        call: &Call,
    ) -> Result<i32, ApiError> {
        let id = || TransactionalId(text(&self.id));
        match call {
            Call::FindCoordinator { of, key } => {
                let version = net.version::<FindCoordinatorRequest>(node)?;
                if version == 0 && *of == CoordinatorType::Transaction {
                    let error = "The node does not support transactional ids in FindCoordinator";
                    return Err(ApiError::new(ErrorCode::UNSUPPORTED_VERSION, error));
                }
                let mut request = FindCoordinatorRequest::default();
                if version >= 1 {
                    request.key_type = of.id();
                }
                if version >= 4 {
                    request.coordinator_keys = vec![text(key)];
                } else {
                    request.key = text(key);
                }
                net.send(cx, node, version, &request, true)
            }
            Call::InitProducerId { current } => {
                let version = net.version::<InitProducerIdRequest>(node)?;
                let mut request = InitProducerIdRequest::default()
                    .with_transactional_id(Some(id()))
                    .with_transaction_timeout_ms(self.timeout_ms)
                    .with_producer_id((-1).into())
                    .with_producer_epoch(-1);
                if let Some(ProducerIdAndEpoch { id, epoch }) = *current
                    && version >= FIRST_INIT_THAT_BUMPS
                {
                    request = request.with_producer_id(id.into()).with_producer_epoch(epoch);
                }
                net.send(cx, node, version, &request, true)
            }
            Call::AddPartitions { current, partitions } => {
                let newest = LAST_ADD_PARTITIONS_OF_CLIENTS;
                let version = net.version_up_to::<AddPartitionsToTxnRequest>(node, newest)?;
                let mut topics: Vec<AddPartitionsToTxnTopic> = Vec::new();
                for of in partitions {
                    let name = TopicName(text(&of.topic));
                    match topics.iter_mut().find(|topic| topic.name == name) {
                        Some(topic) => topic.partitions.push(of.partition),
                        None => topics.push(
                            AddPartitionsToTxnTopic::default()
                                .with_name(name)
                                .with_partitions(vec![of.partition]),
                        ),
                    }
                }
                let request = AddPartitionsToTxnRequest::default()
                    .with_v3_and_below_transactional_id(id())
                    .with_v3_and_below_producer_id(current.id.into())
                    .with_v3_and_below_producer_epoch(current.epoch)
                    .with_v3_and_below_topics(topics);
                net.send(cx, node, version, &request, true)
            }
            Call::AddOffsets { current, group, .. } => {
                let version = net.version::<AddOffsetsToTxnRequest>(node)?;
                let request = AddOffsetsToTxnRequest::default()
                    .with_transactional_id(id())
                    .with_producer_id(current.id.into())
                    .with_producer_epoch(current.epoch)
                    .with_group_id(GroupId(text(&group.group_id)));
                net.send(cx, node, version, &request, true)
            }
            Call::OffsetCommit { current, offsets, group, v2 } => {
                let newest =
                    if *v2 { TxnOffsetCommitRequest::VERSIONS.max } else { LAST_OFFSET_COMMIT_BEFORE_V2 };
                let version = net.version_up_to::<TxnOffsetCommitRequest>(node, newest)?;
                let mut request = TxnOffsetCommitRequest::default()
                    .with_transactional_id(id())
                    .with_group_id(GroupId(text(&group.group_id)))
                    .with_producer_id(current.id.into())
                    .with_producer_epoch(current.epoch)
                    .with_topics(offset_topics(offsets, version));
                if version >= 3 {
                    request.generation_id = group.generation_id;
                    request.member_id = text(&group.member_id);
                    request.group_instance_id = group.group_instance_id.as_deref().map(text);
                } else if group.is_member() {
                    let error = format!(
                        "Broker doesn't support group metadata commit API on version {version}, minimum supported request version is 3 which requires brokers to be on version 2.5 or above."
                    );
                    return Err(ApiError::new(ErrorCode::UNSUPPORTED_VERSION, error));
                }
                net.send(cx, node, version, &request, true)
            }
            Call::EndTxn { current, commit, v2 } => {
                let newest = if *v2 { EndTxnRequest::VERSIONS.max } else { LAST_END_TXN_BEFORE_V2 };
                let version = net.version_up_to::<EndTxnRequest>(node, newest)?;
                let request = EndTxnRequest::default()
                    .with_transactional_id(id())
                    .with_producer_id(current.id.into())
                    .with_producer_epoch(current.epoch)
                    .with_committed(*commit);
                net.send(cx, node, version, &request, true)
            }
        }
    }

    /// Learns where a coordinator is.
    pub(super) fn found(&mut self, of: CoordinatorType, node: i32, endpoint: Endpoint) {
        self.coordinators.insert(of, (node, endpoint));
    }

    /// An error that nobody expects of a coordinator.
    pub(super) fn unexpected(what: &str) -> TransactionError {
        TransactionError::new(Thrown::Kafka, what)
    }
}

fn offset_topics(
    offsets: &BTreeMap<TopicPartition, OffsetAndMetadata>,
    version: i16,
) -> Vec<TxnOffsetCommitRequestTopic> {
    let mut topics: Vec<TxnOffsetCommitRequestTopic> = Vec::new();
    for (of, offset) in offsets {
        let mut data = TxnOffsetCommitRequestPartition::default()
            .with_partition_index(of.partition)
            .with_committed_offset(offset.offset)
            .with_committed_metadata(Some(text(&offset.metadata)));
        if version >= 2 {
            data.committed_leader_epoch = offset.leader_epoch.unwrap_or(-1);
        }
        match topics.last_mut().filter(|topic| topic.name.as_str() == &*of.topic) {
            Some(topic) => topic.partitions.push(data),
            None => topics.push(
                TxnOffsetCommitRequestTopic::default()
                    .with_name(TopicName(text(&of.topic)))
                    .with_partitions(vec![data]),
            ),
        }
    }
    topics
}
