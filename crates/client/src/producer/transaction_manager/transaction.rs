//! A producer's transactions: which is open, what is in it, and what the program may do next
//! (org.apache.kafka.clients.producer.internals.TransactionManager, KIP-98, KIP-360, KIP-890).

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::{Context, Endpoint, Instant};
use blumfeld_protocol::ErrorCode;

use super::ProducerIdAndEpoch;
use super::requests::{Call, CoordinatorType, Pending};
use super::state::{Thrown, TransactionError, TransactionEvent, TransactionOperation, TransactionState};
use crate::consumer::{ConsumerGroupMetadata, OffsetAndMetadata};
use crate::network_client::FinalizedFeatures;
use crate::{ApiError, TopicPartition};

/// Which version of transactions the cluster has.
const FEATURE: &str = "transaction.version";

/// A method of the program's whose end is awaited (PendingStateTransition).
#[derive(Clone, Debug)]
struct Awaited {
    operation: TransactionOperation,
    /// What is awaited, as Java's timeouts call it.
    request: &'static str,
    /// Until when; none once the program was told of a timeout. It has to ask again then.
    deadline: Option<Instant>,
    /// What became of it after the timeout.
    outcome: Option<Result<(), TransactionError>>,
}

/// The transactions of a producer with a `transactional.id`.
#[derive(Clone, Debug)]
pub struct Transaction {
    pub(super) id: String,
    pub(super) timeout_ms: i32,
    max_block_ms: i64,
    pub(super) retry_backoff_ms: i64,
    pub(super) state: TransactionState,
    last_error: Option<TransactionError>,
    /// Whether partitions and groups come into a transaction by what is written to them (`transaction.version` 2).
    v2: bool,
    features_epoch: i64,
    /// Whether the coordinator may know of the open transaction.
    pub(super) started: bool,
    /// Whether the epoch is to go up with the end of this transaction (clientSideEpochBumpRequired).
    bump: bool,
    /// Whether the coordinator lets a producer ask for that (KIP-360).
    pub(super) coordinator_bumps: bool,
    /// Partitions that the coordinator is to be told of.
    new_partitions: BTreeSet<TopicPartition>,
    /// Those that it is being told of.
    pub(super) pending_partitions: BTreeSet<TopicPartition>,
    /// Those that are in the transaction.
    pub(super) partitions: BTreeSet<TopicPartition>,
    /// Offsets that are not committed yet.
    pub(super) offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
    pub(super) queue: Vec<Pending>,
    pub(super) in_flight: Option<(i32, Pending)>,
    pub(super) coordinators: BTreeMap<CoordinatorType, (i32, Endpoint)>,
    awaited: Option<Awaited>,
    /// The same of `sendOffsetsToTransaction`, which leaves the state as it is.
    awaited_offsets: Option<Awaited>,
    events: Vec<TransactionEvent>,
}

impl Transaction {
    /// Without an id of its producer yet.
    pub fn new(id: &str, timeout_ms: i32, max_block_ms: i64, retry_backoff_ms: i64) -> Transaction {
        Transaction {
            id: id.to_owned(),
            timeout_ms,
            max_block_ms,
            retry_backoff_ms,
            state: TransactionState::Uninitialized,
            last_error: None,
            v2: false,
            features_epoch: -1,
            started: false,
            bump: false,
            coordinator_bumps: false,
            new_partitions: BTreeSet::new(),
            pending_partitions: BTreeSet::new(),
            partitions: BTreeSet::new(),
            offsets: BTreeMap::new(),
            queue: Vec::new(),
            in_flight: None,
            coordinators: BTreeMap::new(),
            awaited: None,
            awaited_offsets: None,
            events: Vec::new(),
        }
    }

    /// `transactional.id`
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it stands.
    pub fn state(&self) -> TransactionState {
        self.state
    }

    /// What went wrong, in a state of error.
    pub fn last_error(&self) -> Option<&TransactionError> {
        self.last_error.as_ref()
    }

    /// Whether `transaction.version` 2 counts for the transaction that is open.
    pub fn is_v2(&self) -> bool {
        self.v2
    }

    /// Methods that came to their end since the last call.
    pub fn take_events(&mut self) -> Vec<TransactionEvent> {
        std::mem::take(&mut self.events)
    }

    /// Whether batches of a partition may be sent (isSendToPartitionAllowed).
    pub fn may_send(&self, partition: &TopicPartition) -> bool {
        self.state != TransactionState::FatalError && self.partitions.contains(partition)
    }

    /// Whether it is being ended: batches then go out without lingering.
    pub fn is_completing(&self) -> bool {
        self.state.is_completing()
    }

    /// Asks for the producer's id and epoch, which ends what an older producer with this `transactional.id` left.
    pub fn init(&mut self, cx: &Context<'_>) -> Result<(), TransactionError> {
        if self.again(cx, TransactionOperation::Init)? {
            return Ok(());
        }
        self.fail_with_error(None)?;
        self.go(TransactionState::Initializing)?;
        let call = Call::InitProducerId { current: None };
        self.enqueue(Pending::new(call, Some(TransactionOperation::Init)));
        self.await_end(cx, TransactionOperation::Init, "InitProducerId");
        Ok(())
    }

    /// Begins a transaction. The coordinator hears of it with its first partition or group.
    pub fn begin(&mut self, producer: Option<ProducerIdAndEpoch>) -> Result<(), TransactionError> {
        self.fail_if_pending("beginTransaction")?;
        self.fail_with_error(producer)?;
        self.go(TransactionState::InTransaction)
    }

    /// Begins to commit, or to abort.
    pub fn complete(
        &mut self,
        cx: &Context<'_>,
        commit: bool,
        producer: Option<ProducerIdAndEpoch>,
        features: &FinalizedFeatures,
    ) -> Result<(), TransactionError> {
        use TransactionOperation::{Abort, Commit};
        let operation = if commit { Commit } else { Abort };
        if self.again(cx, operation)? {
            return Ok(());
        }
        if commit {
            self.fail_with_error(producer)?;
            self.go(TransactionState::CommittingTransaction)?;
        } else {
            if self.state != TransactionState::AbortableError {
                self.fail_with_error(producer)?;
            }
            self.go(TransactionState::AbortingTransaction)?;
            self.new_partitions.clear();
        }
        let current = producer.unwrap_or(ProducerIdAndEpoch::NONE);
        self.add_new_partitions(current);
        let end = Call::EndTxn { current, commit, v2: self.v2 };
        // A transaction ends as it began, and the next one may be another sort.
        self.update_version(features, false);
        let (last, request) = if self.bump {
            self.enqueue(Pending::new(end, None));
            (Call::InitProducerId { current: Some(current) }, "InitProducerId")
        } else {
            (end, if commit { "EndTxn(true)" } else { "EndTxn(false)" })
        };
        self.enqueue(Pending::new(last, Some(operation)));
        self.await_end(cx, operation, request);
        Ok(())
    }

    /// Commits a group's offsets with the transaction.
    pub fn send_offsets(
        &mut self,
        cx: &Context<'_>,
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
        group: ConsumerGroupMetadata,
        producer: Option<ProducerIdAndEpoch>,
    ) -> Result<(), TransactionError> {
        self.fail_if_pending("sendOffsetsToTransaction")?;
        self.fail_with_error(producer)?;
        if self.state != TransactionState::InTransaction {
            let state = self.state.name();
            let text =
                format!("Cannot send offsets if a transaction is not in progress (currentState= {state})");
            return Err(TransactionError::new(Thrown::IllegalState, text));
        }
        if group.generation_id > 0 && group.member_id.is_empty() {
            let text =
                format!("Passed in group metadata {group} has generationId > 0 but the member.id is unknown");
            return Err(TransactionError::new(Thrown::IllegalArgument, text));
        }
        let operation = TransactionOperation::SendOffsets;
        if offsets.is_empty() {
            self.events.push(TransactionEvent { operation, result: Ok(()) });
            return Ok(());
        }
        let current = producer.unwrap_or(ProducerIdAndEpoch::NONE);
        let (call, request) = if self.v2 {
            self.started = true;
            (self.offset_commit(current, offsets, group), "TxnOffsetCommitHandler")
        } else {
            (Call::AddOffsets { current, offsets, group }, "AddOffsetsToTxn")
        };
        self.enqueue(Pending::new(call, Some(operation)));
        let deadline = Some(cx.after_ms(self.max_block_ms));
        self.awaited_offsets = Some(Awaited { operation, request, deadline, outcome: None });
        Ok(())
    }

    /// The commit of offsets that are in the transaction, with those that were not committed before.
    pub(super) fn offset_commit(
        &mut self,
        current: ProducerIdAndEpoch,
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
        group: ConsumerGroupMetadata,
    ) -> Call {
        self.offsets.extend(offsets);
        Call::OffsetCommit { current, offsets: self.offsets.clone(), group, v2: self.v2 }
    }

    /// Says whether a record may be written to a partition now, and takes that into the transaction
    /// (maybeAddPartition).
    pub fn add_partition(
        &mut self,
        partition: &TopicPartition,
        producer: Option<ProducerIdAndEpoch>,
    ) -> Result<(), TransactionError> {
        self.check_send(partition, producer)?;
        if self.v2 {
            self.partitions.insert(partition.clone());
            self.started = true;
        } else if !self.partitions.contains(partition) && !self.pending_partitions.contains(partition) {
            self.new_partitions.insert(partition.clone());
        }
        Ok(())
    }

    /// Whether a record may be written to a partition now.
    pub fn check_send(
        &self,
        partition: &TopicPartition,
        producer: Option<ProducerIdAndEpoch>,
    ) -> Result<(), TransactionError> {
        self.fail_with_error(producer)?;
        self.fail_if_pending("send")?;
        if self.state == TransactionState::InTransaction {
            return Ok(());
        }
        let text = match producer {
            None => {
                format!(
                    "Cannot add partition {partition} to transaction before completing a call to initTransactions"
                )
            }
            Some(_) => {
                let state = self.state.name();
                format!("Cannot add partition {partition} to transaction while in state  {state}")
            }
        };
        Err(TransactionError::new(Thrown::IllegalState, text))
    }

    /// Tells the coordinator of partitions that it has not heard of.
    pub(super) fn add_new_partitions(&mut self, current: ProducerIdAndEpoch) {
        if self.new_partitions.is_empty() {
            return;
        }
        self.pending_partitions.append(&mut self.new_partitions);
        let partitions = self.pending_partitions.iter().cloned().collect();
        self.enqueue(Pending::new(Call::AddPartitions { current, partitions }, None));
    }

    /// Looks which version of transactions the cluster has by now (maybeUpdateTransactionV2Enabled). One that begins
    /// with version 2 asks for another epoch first, so that nothing of before can be taken for a part of it.
    pub(super) fn update_version(&mut self, features: &FinalizedFeatures, initializing: bool) {
        if self.features_epoch >= features.epoch {
            return;
        }
        self.features_epoch = features.epoch;
        let was = self.v2;
        self.v2 = features.level(FEATURE).is_some_and(|level| level >= 2);
        self.bump |= !initializing && !was && self.v2;
    }

    /// Whether the program waits for a method's end already; it goes on to wait then.
    fn again(&mut self, cx: &Context<'_>, operation: TransactionOperation) -> Result<bool, TransactionError> {
        let deadline = Some(cx.after_ms(self.max_block_ms));
        let Some(awaited) = &mut self.awaited else { return Ok(false) };
        if awaited.operation != operation {
            return Err(pending(operation.method(), awaited.operation));
        }
        if let Some(result) = awaited.outcome.take() {
            self.awaited = None;
            self.events.push(TransactionEvent { operation, result });
        } else {
            awaited.deadline = deadline;
        }
        Ok(true)
    }

    fn await_end(&mut self, cx: &Context<'_>, operation: TransactionOperation, request: &'static str) {
        let deadline = Some(cx.after_ms(self.max_block_ms));
        self.awaited = Some(Awaited { operation, request, deadline, outcome: None });
    }

    /// A method has come to its end.
    pub(super) fn ended(
        &mut self,
        operation: Option<TransactionOperation>,
        result: Result<(), TransactionError>,
    ) {
        let Some(operation) = operation else { return };
        let slot = match operation {
            TransactionOperation::SendOffsets => &mut self.awaited_offsets,
            TransactionOperation::Init | TransactionOperation::Commit | TransactionOperation::Abort => {
                &mut self.awaited
            }
        };
        let Some(awaited) = slot.as_mut().filter(|awaited| awaited.operation == operation) else { return };
        if awaited.deadline.is_some() {
            *slot = None;
            self.events.push(TransactionEvent { operation, result });
        } else if operation == TransactionOperation::SendOffsets {
            *slot = None;
        } else {
            awaited.outcome.get_or_insert(result);
        }
    }

    /// Tells the program of what took longer than `max.block.ms`.
    pub fn expire(&mut self, now: Instant) {
        let ms = self.max_block_ms;
        for awaited in [&mut self.awaited, &mut self.awaited_offsets].into_iter().flatten() {
            if awaited.deadline.is_some_and(|deadline| deadline <= now) {
                awaited.deadline = None;
                let (request, hint) = (awaited.request, hint(awaited.operation));
                let text = format!("Timeout expired after {ms}ms while awaiting {request}. {hint}");
                let result = Err(ApiError::timeout(text).into());
                self.events.push(TransactionEvent { operation: awaited.operation, result });
            }
        }
    }

    fn fail_if_pending(&self, operation: &str) -> Result<(), TransactionError> {
        match &self.awaited {
            Some(awaited) => Err(pending(operation, awaited.operation)),
            None => Ok(()),
        }
    }

    /// Fails if something went wrong before (maybeFailWithError).
    fn fail_with_error(&self, producer: Option<ProducerIdAndEpoch>) -> Result<(), TransactionError> {
        if !self.state.is_error() {
            return Ok(());
        }
        let Some(error) = self.last_error.clone() else { return Ok(()) };
        let ProducerIdAndEpoch { id, epoch } = producer.unwrap_or(ProducerIdAndEpoch::NONE);
        let who = format!("Producer with transactionalId '{}' and (producerId={id}, epoch={epoch})", self.id);
        Err(match error.thrown {
            Thrown::Api(ErrorCode::PRODUCER_FENCED) => TransactionError::new(
                error.thrown,
                format!("{who} has been fenced by another producer with the same transactionalId"),
            ),
            Thrown::Api(ErrorCode::INVALID_PRODUCER_EPOCH) => {
                TransactionError::new(error.thrown, format!("{who} attempted to produce with an old epoch"))
            }
            Thrown::IllegalState => TransactionError::new(
                Thrown::IllegalState,
                format!(
                    "{who} cannot execute transactional method because of previous invalid state transition attempt"
                ),
            )
            .caused_by(error),
            Thrown::Api(_)
            | Thrown::Kafka
            | Thrown::IllegalArgument
            | Thrown::CommitFailed
            | Thrown::Aborted => TransactionError::new(
                Thrown::Kafka,
                "Cannot execute transactional method because we are in an error state",
            )
            .caused_by(error),
        })
    }

    /// Goes into a state that is none of error.
    pub(super) fn go(&mut self, target: TransactionState) -> Result<(), TransactionError> {
        if !self.state.may_become(target) {
            return Err(self.invalid(target));
        }
        self.last_error = None;
        self.state = target;
        Ok(())
    }

    fn invalid(&self, target: TransactionState) -> TransactionError {
        let (id, from, to) = (&self.id, self.state.name(), target.name());
        let text =
            format!("TransactionalId {id}: Invalid transition attempted from state {from} to state {to}");
        TransactionError::new(Thrown::IllegalState, text)
    }

    /// The same for what the producer itself does: a state that does not allow it is the end.
    pub(super) fn must_go(&mut self, target: TransactionState) {
        if let Err(error) = self.go(target) {
            self.fail_fatally(error);
        }
    }

    /// The transaction can only be aborted any more (transitionToAbortableError).
    pub(super) fn fail_abortably(&mut self, error: TransactionError) {
        if self.state == TransactionState::AbortingTransaction {
            return;
        }
        if !self.state.may_become(TransactionState::AbortableError) {
            let invalid = self.invalid(TransactionState::AbortableError);
            return self.fail_fatally(invalid);
        }
        self.state = TransactionState::AbortableError;
        self.last_error = Some(error);
    }

    /// Nothing can be done any more (transitionToFatalError).
    pub(super) fn fail_fatally(&mut self, error: TransactionError) {
        self.state = TransactionState::FatalError;
        self.last_error = Some(error.clone());
        self.ended(self.awaited.as_ref().map(|awaited| awaited.operation), Err(error));
    }

    /// Whether the epoch goes up only if this producer asks for it (needToTriggerEpochBumpFromClient).
    fn needs_to_bump(&self) -> bool {
        self.coordinator_bumps && !self.v2
    }

    /// An error that ends the transaction where the epoch can go up, else the producer
    /// (transitionToAbortableErrorOrFatalError).
    pub(super) fn fail_abortably_if_possible(
        &mut self,
        abortable: TransactionError,
        fatal: TransactionError,
    ) {
        if self.coordinator_bumps || self.v2 {
            self.bump |= self.needs_to_bump();
            self.fail_abortably(abortable);
        } else {
            self.fail_fatally(fatal);
        }
    }

    /// A batch was given up (maybeTransitionToErrorState).
    pub fn batch_failed(&mut self, error: &ApiError) {
        use ErrorCode as Code;
        let thrown = TransactionError::from(error.clone());
        match error.code {
            Code::CLUSTER_AUTHORIZATION_FAILED
            | Code::TRANSACTIONAL_ID_AUTHORIZATION_FAILED
            | Code::PRODUCER_FENCED
            | Code::UNSUPPORTED_VERSION
            | Code::INVALID_PRODUCER_ID_MAPPING => self.fail_fatally(thrown),
            _ if self.state == TransactionState::FatalError => {}
            code => {
                self.bump |= self.needs_to_bump() && !self.state.is_completing();
                // What could be tried again was, in vain: the program is not to send it again by itself (KIP-1050).
                let in_vain = code.is_retriable() || code == Code::INVALID_TXN_STATE;
                self.fail_abortably(if in_vain {
                    let text = "Transaction Request was aborted after exhausting retries.";
                    TransactionError::new(Thrown::Api(Code::TRANSACTION_ABORTABLE), text).caused_by(thrown)
                } else {
                    thrown
                });
            }
        }
    }

    /// Nobody knows any more whether some records stand in the log (maybeResolveSequences).
    pub fn sequences_unresolved(&mut self) {
        let begin = "The client hasn't received acknowledgment for some previously sent messages and can no longer retry them. ";
        let error = |end: &str| TransactionError::new(Thrown::Kafka, format!("{begin}{end}"));
        self.fail_abortably_if_possible(
            error("It is safe to abort the transaction and continue."),
            error("It isn't safe to continue."),
        );
    }

    /// The transaction is over.
    pub(super) fn completed(&mut self) {
        self.must_go(if self.bump { TransactionState::Initializing } else { TransactionState::Ready });
        self.bump = false;
        self.started = false;
        self.new_partitions.clear();
        self.pending_partitions.clear();
        self.partitions.clear();
        // Kafka's client keeps those that an abort overtook, and commits them with the next transaction: what was read
        // up to there would be lost.
        self.offsets.clear();
    }

    /// Not allowed to get an id: the program may ask again once it is (Sender.shouldHandleAuthorizationError). Gives
    /// the error for what waits.
    pub fn forgive_authorization(&mut self) -> Option<TransactionError> {
        let error = self.last_error.clone().filter(|error| {
            self.state == TransactionState::AbortableError
                && (error.is(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
                    || error.is(ErrorCode::CLUSTER_AUTHORIZATION_FAILED))
        })?;
        for pending in std::mem::take(&mut self.queue) {
            self.ended(pending.operation, Err(error.clone()));
        }
        self.must_go(TransactionState::Uninitialized);
        self.ended(self.awaited.as_ref().map(|awaited| awaited.operation), Err(error.clone()));
        Some(error)
    }

    /// When something is next due, apart from the network's own timeouts.
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let retry = self.queue.first().map(|first| first.not_before).filter(|at| *at > now);
        let awaited = [&self.awaited, &self.awaited_offsets].into_iter().flatten();
        awaited.filter_map(|awaited| awaited.deadline).chain(retry).min()
    }
}

/// A method was called while another one's end is awaited.
fn pending(operation: &str, before: TransactionOperation) -> TransactionError {
    let before = before.method();
    let text = format!(
        "Cannot attempt operation `{operation}` because the previous call to `{before}` timed out and must be retried"
    );
    TransactionError::new(Thrown::IllegalState, text)
}

/// What Kafka says of a method that took too long.
fn hint(operation: TransactionOperation) -> &'static str {
    match operation {
        TransactionOperation::Init => {
            "InitTransactions timed out - did not complete coordinator discovery or receive the InitProducerId response within max.block.ms."
        }
        TransactionOperation::SendOffsets => {
            "SendOffsetsToTransaction timed out - did not reach the coordinator or receive the TxnOffsetCommit/AddOffsetsToTxn response within max.block.ms"
        }
        TransactionOperation::Commit => {
            "CommitTransaction timed out - did not complete EndTxn with the transaction coordinator within max.block.ms"
        }
        TransactionOperation::Abort => {
            "AbortTransaction timed out - did not complete EndTxn(abort) with the transaction coordinator within max.block.ms"
        }
    }
}
