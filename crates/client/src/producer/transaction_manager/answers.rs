//! What follows from the coordinators' answers (TransactionManager's handlers).

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::{Context, Endpoint};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::{
    AddOffsetsToTxnResponse, AddPartitionsToTxnResponse, EndTxnResponse, FindCoordinatorResponse,
    InitProducerIdResponse, TxnOffsetCommitResponse,
};

use super::ProducerIdAndEpoch;
use super::requests::{Call, CoordinatorType, Pending};
use super::state::{Thrown, TransactionError, TransactionOperation, TransactionState};
use super::transaction::Transaction;
use crate::network_client::{FinalizedFeatures, Outcome};
use crate::{ApiError, Completed, TopicPartition};

/// How long to wait where the last transaction is still being ended, in milliseconds: it ends soon.
const ADD_PARTITIONS_RETRY_BACKOFF_MS: i64 = 20;

/// The producer's new id and epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewProducer {
    pub producer: ProducerIdAndEpoch,
    /// Whether sequence numbers begin at 0 in every partition.
    pub reset: bool,
}

/// What an answer means for its request.
enum Fate {
    Done,
    Again,
    /// Again, a little later than at once.
    AgainAfter(i64),
    /// Again, of another broker.
    LookUp,
    Abortable(TransactionError),
    AbortableIfPossible(TransactionError),
    Fatal(TransactionError),
}

use ErrorCode as Code;

/// What all answers of a transaction's coordinator have in common.
fn common(code: ErrorCode) -> Option<Fate> {
    match code {
        Code::NOT_COORDINATOR | Code::COORDINATOR_NOT_AVAILABLE => Some(Fate::LookUp),
        code if code.is_retriable() => Some(Fate::Again),
        // Older coordinators say the first of what the second means.
        Code::INVALID_PRODUCER_EPOCH | Code::PRODUCER_FENCED => {
            Some(Fate::Fatal(Code::PRODUCER_FENCED.into()))
        }
        Code::TRANSACTION_ABORTABLE => Some(Fate::Abortable(code.into())),
        _ => None,
    }
}

fn unexpected(what: &str, code: ErrorCode) -> Fate {
    Fate::Fatal(Transaction::unexpected(&format!("{what}{}", ApiError::from(code))))
}

fn not_authorized(group: &str) -> TransactionError {
    let text = format!("Not authorized to access group: {group}");
    TransactionError::new(Thrown::Api(Code::GROUP_AUTHORIZATION_FAILED), text)
}

impl Transaction {
    /// Whether a completed request is this one's.
    pub fn awaits(&self, completed: &Completed) -> bool {
        self.in_flight.as_ref().is_some_and(|(id, _)| *id == completed.correlation_id)
    }

    /// Takes a completed request, and gives the producer's id and epoch if it brought others.
    pub fn handle(
        &mut self,
        cx: &Context<'_>,
        completed: &Completed,
        features: &FinalizedFeatures,
    ) -> Option<NewProducer> {
        let (_, pending) = self.in_flight.take()?;
        let mut new = None;
        let fate = if matches!(completed.outcome, Outcome::Response(_)) {
            let fate = self.fate(completed, &pending, features, &mut new);
            fate.unwrap_or_else(|error| Fate::Fatal(TransactionError::new(Thrown::Kafka, error.to_string())))
        } else if matches!(pending.call, Call::FindCoordinator { .. }) {
            Fate::Again
        } else {
            Fate::LookUp
        };
        self.apply(cx, pending, fate);
        new
    }

    fn fate(
        &mut self,
        completed: &Completed,
        pending: &Pending,
        features: &FinalizedFeatures,
        new: &mut Option<NewProducer>,
    ) -> Result<Fate, ApiError> {
        Ok(match &pending.call {
            Call::FindCoordinator { of, key } => self.coordinator_answered(&completed.decode()?, *of, key),
            Call::InitProducerId { current } => {
                let response = completed.decode::<InitProducerIdResponse>()?;
                let (id, epoch) = (response.producer_id.0, response.producer_epoch);
                let fate = init_answered(ErrorCode(response.error_code));
                if matches!(fate, Fate::Done) {
                    let producer = ProducerIdAndEpoch { id, epoch };
                    *new = Some(NewProducer { producer, reset: current.is_some() });
                    if pending.operation == Some(TransactionOperation::Init) {
                        self.update_version(features, true);
                    }
                    self.must_go(TransactionState::Ready);
                }
                fate
            }
            Call::AddPartitions { partitions, .. } => {
                self.partitions_answered(&completed.decode()?, partitions)
            }
            Call::AddOffsets { current, offsets, group } => {
                let response = completed.decode::<AddOffsetsToTxnResponse>()?;
                let code = ErrorCode(response.error_code);
                if code.is_none() {
                    self.started = true;
                    let call = self.offset_commit(*current, offsets.clone(), group.clone());
                    self.enqueue(Pending::new(call, pending.operation));
                }
                offsets_added(code, &group.group_id)
            }
            Call::OffsetCommit { group, .. } => self.commit_answered(&completed.decode()?, &group.group_id),
            Call::EndTxn { commit, .. } => {
                let response = completed.decode::<EndTxnResponse>()?;
                let fate = end_answered(ErrorCode(response.error_code), *commit);
                if matches!(fate, Fate::Done) {
                    let (id, epoch) = (response.producer_id.0, response.producer_epoch);
                    // From version 5 on the coordinator says the next epoch (KIP-890).
                    if id != -1 {
                        *new = Some(NewProducer { producer: ProducerIdAndEpoch { id, epoch }, reset: true });
                    }
                    self.completed();
                }
                fate
            }
        })
    }

    fn apply(&mut self, cx: &Context<'_>, pending: Pending, fate: Fate) {
        let wait = self.retry_backoff_ms;
        match fate {
            // Offsets that are added are to be committed next.
            Fate::Done if matches!(pending.call, Call::AddOffsets { .. }) => {}
            Fate::Done => self.ended(pending.operation, Ok(())),
            Fate::Again => self.retry(cx, pending, wait),
            Fate::AgainAfter(wait) => self.retry(cx, pending, wait),
            Fate::LookUp => {
                if let Some((of, key)) = pending.call.coordinator(&self.id) {
                    self.look_up(of, key);
                }
                self.retry(cx, pending, wait);
            }
            Fate::Abortable(error) => {
                self.ended(pending.operation, Err(error.clone()));
                self.fail_abortably(error);
            }
            Fate::AbortableIfPossible(error) => {
                self.ended(pending.operation, Err(error.clone()));
                self.fail_abortably_if_possible(error.clone(), error);
            }
            Fate::Fatal(error) => {
                self.ended(pending.operation, Err(error.clone()));
                self.fail_fatally(error);
            }
        }
    }

    fn coordinator_answered(
        &mut self,
        response: &FindCoordinatorResponse,
        of: CoordinatorType,
        key: &str,
    ) -> Fate {
        let (code, message, node, host, port) = match response.coordinators.first() {
            Some(one) => (one.error_code, &one.error_message, one.node_id, &one.host, one.port),
            None => {
                let message = &response.error_message;
                (response.error_code, message, response.node_id, &response.host, response.port)
            }
        };
        match ErrorCode(code) {
            Code::NONE => match u16::try_from(port) {
                Ok(port) => {
                    self.found(of, node.0, Endpoint::new(host, port));
                    Fate::Done
                }
                Err(_) => Fate::Again,
            },
            code if code.is_retriable() => Fate::Again,
            code @ Code::TRANSACTIONAL_ID_AUTHORIZATION_FAILED => Fate::Fatal(code.into()),
            Code::GROUP_AUTHORIZATION_FAILED => Fate::Abortable(not_authorized(key)),
            code @ Code::TRANSACTION_ABORTABLE => Fate::Abortable(code.into()),
            _ => {
                let (of, message) = (of.name(), message.as_ref().map_or("null", |text| text.as_str()));
                Fate::Fatal(Transaction::unexpected(&format!(
                    "Could not find a coordinator with type {of} with key {key} due to unexpected error: {message}"
                )))
            }
        }
    }

    fn partitions_answered(
        &mut self,
        response: &AddPartitionsToTxnResponse,
        asked: &[TopicPartition],
    ) -> Fate {
        let mut errors: BTreeMap<TopicPartition, ErrorCode> = BTreeMap::new();
        for topic in &response.results_by_topic_v3_and_below {
            for result in &topic.results_by_partition {
                let of = TopicPartition::new(&topic.name, result.partition_index);
                errors.insert(of, ErrorCode(result.partition_error_code));
            }
        }
        let mut unauthorized: BTreeSet<&str> = BTreeSet::new();
        let mut refused = false;
        for (of, code) in &errors {
            match *code {
                Code::NONE => {}
                // The first partition of a transaction waits for the end of the one before.
                Code::CONCURRENT_TRANSACTIONS if self.partitions.is_empty() => {
                    return Fate::AgainAfter(ADD_PARTITIONS_RETRY_BACKOFF_MS.min(self.retry_backoff_ms));
                }
                code @ (Code::TRANSACTIONAL_ID_AUTHORIZATION_FAILED
                | Code::INVALID_TXN_STATE
                | Code::INVALID_PRODUCER_ID_MAPPING) => return Fate::Fatal(code.into()),
                Code::TOPIC_AUTHORIZATION_FAILED => drop(unauthorized.insert(&of.topic)),
                code @ Code::UNKNOWN_PRODUCER_ID => return Fate::AbortableIfPossible(code.into()),
                code => match common(code) {
                    Some(fate) => return fate,
                    None => refused = true,
                },
            }
        }
        // Those that are no part of it are not waited for either: what was written to them is aborted.
        self.pending_partitions.retain(|of| !asked.contains(of));
        if !unauthorized.is_empty() {
            let topics = unauthorized.into_iter().collect::<Vec<_>>().join(", ");
            let text = format!("Not authorized to access topics: [{topics}]");
            let thrown = Thrown::Api(Code::TOPIC_AUTHORIZATION_FAILED);
            return Fate::Abortable(TransactionError::new(thrown, text));
        }
        if refused {
            let errors: Vec<String> = errors.iter().map(|(of, code)| format!("{of}={code}")).collect();
            return Fate::Abortable(Transaction::unexpected(&format!(
                "Could not add partitions to transaction due to errors: {{{}}}",
                errors.join(", ")
            )));
        }
        self.partitions.extend(errors.into_keys());
        self.started = true;
        Fate::Done
    }

    fn commit_answered(&mut self, response: &TxnOffsetCommitResponse, group: &str) -> Fate {
        let mut moved = false;
        let mut failed = None;
        'topics: for topic in &response.topics {
            for answer in &topic.partitions {
                let code = ErrorCode(answer.error_code);
                match code {
                    Code::NONE => {
                        self.offsets.remove(&TopicPartition::new(&topic.name, answer.partition_index));
                    }
                    Code::COORDINATOR_NOT_AVAILABLE | Code::NOT_COORDINATOR | Code::REQUEST_TIMED_OUT => {
                        moved = true;
                    }
                    code if code.is_retriable() => {}
                    code => {
                        failed = Some(commit_refused(code, group));
                        break 'topics;
                    }
                }
            }
        }
        if let Some(failed) = failed {
            self.offsets.clear();
            return failed;
        }
        match (self.offsets.is_empty(), moved) {
            (true, _) => Fate::Done,
            (false, true) => Fate::LookUp,
            (false, false) => Fate::Again,
        }
    }
}

fn init_answered(code: ErrorCode) -> Fate {
    match code {
        Code::NONE => Fate::Done,
        // The program may be allowed later, and asks again then.
        Code::TRANSACTIONAL_ID_AUTHORIZATION_FAILED | Code::CLUSTER_AUTHORIZATION_FAILED => {
            Fate::Abortable(code.into())
        }
        code => {
            common(code).unwrap_or_else(|| unexpected("Unexpected error in InitProducerIdResponse; ", code))
        }
    }
}

fn offsets_added(code: ErrorCode, group: &str) -> Fate {
    match code {
        Code::NONE => Fate::Done,
        Code::UNKNOWN_PRODUCER_ID => Fate::AbortableIfPossible(code.into()),
        Code::TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        | Code::INVALID_TXN_STATE
        | Code::INVALID_PRODUCER_ID_MAPPING => Fate::Fatal(code.into()),
        Code::GROUP_AUTHORIZATION_FAILED => Fate::Abortable(not_authorized(group)),
        code => {
            common(code).unwrap_or_else(|| unexpected("Unexpected error in AddOffsetsToTxnResponse: ", code))
        }
    }
}

fn commit_refused(code: ErrorCode, group: &str) -> Fate {
    match code {
        Code::GROUP_AUTHORIZATION_FAILED => Fate::Abortable(not_authorized(group)),
        Code::FENCED_INSTANCE_ID | Code::TRANSACTION_ABORTABLE => Fate::Abortable(code.into()),
        Code::UNKNOWN_MEMBER_ID | Code::ILLEGAL_GENERATION => {
            let why = ApiError::from(code);
            let text =
                format!("Transaction offset Commit failed due to consumer group metadata mismatch: {why}");
            Fate::Abortable(TransactionError::new(Thrown::CommitFailed, text))
        }
        Code::INVALID_PRODUCER_EPOCH | Code::PRODUCER_FENCED => Fate::Fatal(Code::PRODUCER_FENCED.into()),
        Code::TRANSACTIONAL_ID_AUTHORIZATION_FAILED | Code::UNSUPPORTED_FOR_MESSAGE_FORMAT => {
            Fate::Fatal(code.into())
        }
        code => unexpected("Unexpected error in TxnOffsetCommitResponse: ", code),
    }
}

fn end_answered(code: ErrorCode, commit: bool) -> Fate {
    match code {
        Code::NONE => Fate::Done,
        Code::TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        | Code::INVALID_TXN_STATE
        | Code::INVALID_PRODUCER_ID_MAPPING => Fate::Fatal(code.into()),
        Code::UNKNOWN_PRODUCER_ID => Fate::AbortableIfPossible(code.into()),
        // Aborting again would only be told the same.
        Code::TRANSACTION_ABORTABLE if !commit => {
            Fate::Fatal(Transaction::unexpected("Failed to abort transaction").caused_by(code.into()))
        }
        code => common(code).unwrap_or_else(|| unexpected("Unhandled error in EndTxnResponse: ", code)),
    }
}
