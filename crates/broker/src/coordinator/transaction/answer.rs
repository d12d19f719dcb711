//! Answers of the transaction coordinator, in the version of their request.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::{
    AddOffsetsToTxnResponse, AddPartitionsToTxnResponse, EndTxnResponse, InitProducerIdResponse,
};

use crate::reply::Body;

/// An answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To InitProducerId: the producer id and epoch, or why there are none.
    Init(Result<(i64, i16), ErrorCode>),
    /// To AddPartitionsToTxn of the versions for clients: what each partition is told, beside what the coordinator
    /// says.
    Partitions(Box<AddPartitionsToTxnResponse>),
    /// To AddPartitionsToTxn of the versions for brokers, gathered transaction by transaction.
    Transactions(Box<AddPartitionsToTxnResponse>),
    /// To AddOffsetsToTxn.
    Offsets(ErrorCode),
    /// To EndTxn: the producer id and epoch to go on with, or why it was not ended.
    End(Result<(i64, i16), ErrorCode>),
}

impl Answer {
    /// What it becomes if its records could not be stored, or the request is refused.
    pub fn fail(self, code: ErrorCode) -> Answer {
        match self {
            Self::Init(_) => Self::Init(Err(code)),
            Self::Partitions(mut response) => {
                let topics = &mut response.results_by_topic_v3_and_below;
                for partition in topics.iter_mut().flat_map(|topic| &mut topic.results_by_partition) {
                    partition.partition_error_code = code.0;
                }
                Self::Partitions(response)
            }
            // Gathered one by one.
            Self::Transactions(response) => Self::Transactions(response),
            Self::Offsets(_) => Self::Offsets(code),
            Self::End(_) => Self::End(Err(code)),
        }
    }

    /// The message, as it is said in a version. Old clients know no PRODUCER_FENCED.
    pub fn message(self, version: i16) -> Body {
        let fenced = |code: ErrorCode, since: i16| match code {
            ErrorCode::PRODUCER_FENCED if version < since => ErrorCode::INVALID_PRODUCER_EPOCH,
            code => code,
        };
        match self {
            Self::Init(Ok((id, epoch))) => InitProducerIdResponse::default()
                .with_producer_id(id.into())
                .with_producer_epoch(epoch)
                .into(),
            Self::Init(Err(code)) => InitProducerIdResponse::default()
                .with_error_code(fenced(code, 4).0)
                .with_producer_id((-1).into())
                .with_producer_epoch(-1)
                .into(),
            Self::Partitions(mut response) => {
                let topics = &mut response.results_by_topic_v3_and_below;
                for partition in topics.iter_mut().flat_map(|topic| &mut topic.results_by_partition) {
                    partition.partition_error_code = fenced(ErrorCode(partition.partition_error_code), 2).0;
                }
                (*response).into()
            }
            Self::Transactions(response) => (*response).into(),
            Self::Offsets(code) => {
                AddOffsetsToTxnResponse::default().with_error_code(fenced(code, 2).0).into()
            }
            Self::End(result) => {
                let (code, (id, epoch)) = match result {
                    Ok(next) => (ErrorCode::NONE, next),
                    Err(code) => (fenced(code, 2), (-1, -1)),
                };
                let response = EndTxnResponse::default().with_error_code(code.0);
                if version >= 5 {
                    response.with_producer_id(id.into()).with_producer_epoch(epoch).into()
                } else {
                    response.into()
                }
            }
        }
    }
}
