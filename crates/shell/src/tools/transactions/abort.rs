//! `abort`: a marker in a partition, for a transaction that its coordinator has forgotten (AbortTransactionCommand).

use blumfeld_client::admin::{AbortTransactionSpec, AdminRequest, AdminResponse};
use blumfeld_client::{ApiError, TopicPartition};
use blumfeld_kernel::Context;

use super::super::admin::Step;
use super::{Reply, ended, fail, failed_abort, number, unexpected};
use crate::argparse::Parsed;
use crate::io::{Printed, err};

/// How far the command is.
#[derive(Clone, Debug)]
pub enum Abort {
    /// The leader is to say whose transaction begins at an offset.
    At(
        /// Where.
        TopicPartition,
        /// The offset.
        i64,
    ),
    /// It is known.
    Known(
        /// Which it is.
        AbortTransactionSpec,
    ),
}

/// Reads the command's options.
pub fn prepare(parsed: &Parsed, of: TopicPartition) -> Result<Abort, Printed> {
    let start = number::<i64>(parsed, "start-offset", "Long")?;
    let producer_id = number::<i64>(parsed, "producer-id", "Long")?;
    let producer_epoch = number::<i16>(parsed, "producer-epoch", "Short")?;
    let coordinator_epoch = number::<i32>(parsed, "coordinator-epoch", "Integer")?;
    let missing = |name: &str| Printed::error(format!("Missing required argument --{name}"));
    match (start, producer_id) {
        (Some(start), _) => Ok(Abort::At(of, start)),
        (None, None) => Err(Printed::error(
            "The transaction to abort must be identified either with --start-offset (for brokers on 3.0 or above) or with --producer-id, --producer-epoch, and --coordinator-epoch (for older brokers)",
        )),
        (None, Some(producer_id)) => Ok(Abort::Known(AbortTransactionSpec {
            partition: of,
            producer_id,
            producer_epoch: producer_epoch.ok_or_else(|| missing("producer-epoch"))?,
            // A coordinator that has not ended any transaction yet is said as -1: the lowest epoch fits all.
            coordinator_epoch: coordinator_epoch.ok_or_else(|| missing("coordinator-epoch"))?.max(0),
        })),
    }
}

impl Abort {
    /// The first question.
    pub fn begin(&self) -> AdminRequest {
        match self {
            Self::At(of, _) => {
                AdminRequest::DescribeProducers { partitions: [of.clone()].into(), broker: None }
            }
            Self::Known(spec) => AdminRequest::AbortTransaction(spec.clone()),
        }
    }

    /// What follows from an answer.
    pub fn answered(&mut self, cx: &mut Context<'_>, answer: Reply) -> Step {
        match self {
            Self::At(of, start) => {
                let (of, start) = (of.clone(), *start);
                match find(&of, start, answer) {
                    Ok(Some(spec)) => {
                        *self = Self::Known(spec.clone());
                        Step::Ask(AdminRequest::AbortTransaction(spec))
                    }
                    Ok(None) => {
                        let text = "Could not find any open transactions starting at offset";
                        err(cx, &format!("{text} {start} on partition {of}"));
                        Step::Exit(1)
                    }
                    Err(error) => {
                        fail(cx, &format!("Failed to validate producer state for partition {of}"), &error)
                    }
                }
            }
            Self::Known(spec) => {
                let result = match answer {
                    Ok(AdminResponse::TransactionAborted(result)) => result,
                    Ok(_) => Err(unexpected()),
                    Err(error) => Err(error),
                };
                ended(cx, result, &failed_abort(spec))
            }
        }
    }
}

/// The transaction that begins at an offset of a partition.
fn find(of: &TopicPartition, start: i64, answer: Reply) -> Result<Option<AbortTransactionSpec>, ApiError> {
    let AdminResponse::Producers(mut producers) = answer? else { return Err(unexpected()) };
    let producers = producers.remove(of).unwrap_or_else(|| Err(unexpected()))?;
    let found = producers.into_iter().find(|state| state.transaction_start == Some(start));
    Ok(found.map(|state| AbortTransactionSpec {
        partition: of.clone(),
        producer_id: state.id,
        producer_epoch: i16::try_from(state.epoch).unwrap_or(i16::MAX),
        coordinator_epoch: state.coordinator_epoch.unwrap_or(0),
    }))
}
