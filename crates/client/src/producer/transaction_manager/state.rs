//! Where a transactional producer stands, and what its methods throw.

use std::fmt;

use blumfeld_protocol::ErrorCode;

use crate::{ApiError, exception_name};

/// Where a transactional producer stands (TransactionManager.State).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransactionState {
    /// Nothing was asked of it yet.
    Uninitialized,
    /// It asks for its id and epoch.
    Initializing,
    /// No transaction is open.
    Ready,
    /// One is.
    InTransaction,
    /// One is being committed.
    CommittingTransaction,
    /// One is being aborted.
    AbortingTransaction,
    /// One can only be aborted any more.
    AbortableError,
    /// Nothing can be done with this producer any more.
    FatalError,
}

impl TransactionState {
    /// Java's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uninitialized => "UNINITIALIZED",
            Self::Initializing => "INITIALIZING",
            Self::Ready => "READY",
            Self::InTransaction => "IN_TRANSACTION",
            Self::CommittingTransaction => "COMMITTING_TRANSACTION",
            Self::AbortingTransaction => "ABORTING_TRANSACTION",
            Self::AbortableError => "ABORTABLE_ERROR",
            Self::FatalError => "FATAL_ERROR",
        }
    }

    /// Whether that may follow (State.isTransitionValid).
    pub const fn may_become(self, target: TransactionState) -> bool {
        match target {
            Self::Uninitialized => matches!(self, Self::Ready | Self::AbortableError),
            Self::Initializing => {
                matches!(self, Self::Uninitialized | Self::CommittingTransaction | Self::AbortingTransaction)
            }
            Self::Ready => {
                matches!(self, Self::Initializing | Self::CommittingTransaction | Self::AbortingTransaction)
            }
            Self::InTransaction => matches!(self, Self::Ready),
            Self::CommittingTransaction => matches!(self, Self::InTransaction),
            Self::AbortingTransaction => matches!(self, Self::InTransaction | Self::AbortableError),
            Self::AbortableError => matches!(
                self,
                Self::InTransaction | Self::CommittingTransaction | Self::AbortableError | Self::Initializing
            ),
            Self::FatalError => true,
        }
    }

    /// Whether one is being ended.
    pub const fn is_completing(self) -> bool {
        matches!(self, Self::CommittingTransaction | Self::AbortingTransaction)
    }

    /// Whether something went wrong that the program has to settle.
    pub const fn is_error(self) -> bool {
        matches!(self, Self::AbortableError | Self::FatalError)
    }
}

/// What Java throws.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Thrown {
    /// The exception of a code.
    Api(
        /// The code.
        ErrorCode,
    ),
    /// KafkaException, which no code stands for.
    Kafka,
    /// IllegalStateException: the method does not fit where the producer stands.
    IllegalState,
    /// IllegalArgumentException.
    IllegalArgument,
    /// CommitFailedException: the group has moved on without this member.
    CommitFailed,
    /// TransactionAbortedException: of records that were not sent before their transaction was aborted.
    Aborted,
}

/// Why a transactional method failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionError {
    /// What Java throws.
    pub thrown: Thrown,
    /// Its message.
    pub message: String,
    /// What it comes from, if that is another error.
    pub cause: Option<Box<TransactionError>>,
}

impl TransactionError {
    /// An error with its own message.
    pub fn new(thrown: Thrown, message: impl Into<String>) -> TransactionError {
        TransactionError { thrown, message: message.into(), cause: None }
    }

    /// The same that comes from another.
    #[must_use]
    pub fn caused_by(self, cause: TransactionError) -> TransactionError {
        TransactionError { cause: Some(Box::new(cause)), ..self }
    }

    /// Java's class with its package.
    pub fn class(&self) -> String {
        match self.thrown {
            Thrown::Api(code) => format!("org.apache.kafka.common.errors.{}", exception_name(code)),
            Thrown::Kafka => "org.apache.kafka.common.KafkaException".to_owned(),
            Thrown::IllegalState => "java.lang.IllegalStateException".to_owned(),
            Thrown::IllegalArgument => "java.lang.IllegalArgumentException".to_owned(),
            Thrown::CommitFailed => "org.apache.kafka.clients.consumer.CommitFailedException".to_owned(),
            Thrown::Aborted => "org.apache.kafka.common.errors.TransactionAbortedException".to_owned(),
        }
    }

    /// Whether it is the exception of this code.
    pub fn is(&self, code: ErrorCode) -> bool {
        self.thrown == Thrown::Api(code)
    }
}

impl From<ErrorCode> for TransactionError {
    fn from(code: ErrorCode) -> TransactionError {
        ApiError::from(code).into()
    }
}

impl From<ApiError> for TransactionError {
    fn from(error: ApiError) -> TransactionError {
        TransactionError::new(Thrown::Api(error.code), error.to_string())
    }
}

/// What a record is told: exceptions that no code stands for are those of no known code.
impl From<&TransactionError> for ApiError {
    fn from(error: &TransactionError) -> ApiError {
        let code = match error.thrown {
            Thrown::Api(code) => code,
            Thrown::Kafka
            | Thrown::IllegalState
            | Thrown::IllegalArgument
            | Thrown::CommitFailed
            | Thrown::Aborted => ErrorCode::UNKNOWN_SERVER_ERROR,
        };
        ApiError::new(code, error.message.clone())
    }
}

/// The message alone, as Java's `getMessage` gives it.
impl fmt::Display for TransactionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A transactional method whose end is awaited.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TransactionOperation {
    /// `initTransactions`
    Init,
    /// `sendOffsetsToTransaction`
    SendOffsets,
    /// `commitTransaction`
    Commit,
    /// `abortTransaction`
    Abort,
}

impl TransactionOperation {
    /// The name of Java's method.
    pub const fn method(self) -> &'static str {
        match self {
            Self::Init => "initTransactions",
            Self::SendOffsets => "sendOffsetsToTransaction",
            Self::Commit => "commitTransaction",
            Self::Abort => "abortTransaction",
        }
    }
}

/// A transactional method that has come to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionEvent {
    /// Which.
    pub operation: TransactionOperation,
    /// What became of it. After `max.block.ms` it is a timeout, and the same method has to be called again.
    pub result: Result<(), TransactionError>,
}
