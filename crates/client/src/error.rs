//! Errors as Kafka's clients name and word them.

use std::fmt;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::wire::StrBytes;

/// An error that a broker answered, or that a client found itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiError {
    /// Kafka's code.
    pub code: ErrorCode,
    /// What the broker or client said; else Kafka's sentence for the code counts.
    pub message: Option<String>,
}

impl ApiError {
    /// The error `code` with its own message.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> ApiError {
        ApiError { code, message: Some(message.into()) }
    }

    /// A timeout that the client itself noticed.
    pub fn timeout(message: impl Into<String>) -> ApiError {
        ApiError::new(ErrorCode::REQUEST_TIMED_OUT, message)
    }

    /// What a response's code and message say: `Ok` for code 0.
    pub fn check(code: i16, message: Option<&StrBytes>) -> Result<(), ApiError> {
        match ErrorCode(code) {
            ErrorCode::NONE => Ok(()),
            code => Err(ApiError { code, message: message.map(|text| text.to_string()) }),
        }
    }

    /// The name of Kafka's exception, without its package: `TopicExistsException`.
    pub fn exception(&self) -> &'static str {
        exception_name(self.code)
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> ApiError {
        ApiError { code, message: None }
    }
}

/// The message alone, as Java's `getMessage` gives it.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or_else(|| default_message(self.code)))
    }
}

macro_rules! exceptions {
    ($($name:ident: $exception:literal, $message:literal;)*) => {
        /// The exception that Kafka's clients make of a code, without its package.
        pub fn exception_name(code: ErrorCode) -> &'static str {
            match code {
                $(ErrorCode::$name => $exception,)*
                _ => "UnknownServerException",
            }
        }

        /// What Kafka says for a code when the broker added nothing.
        fn default_message(code: ErrorCode) -> &'static str {
            match code {
                $(ErrorCode::$name => $message,)*
                _ => "The server experienced an unexpected error when processing the request.",
            }
        }
    };
}

// org.apache.kafka.common.protocol.Errors, as far as the requests go that are served so far. Users look these lines up,
// so they are Kafka's to the letter.
exceptions! {
    OFFSET_OUT_OF_RANGE: "OffsetOutOfRangeException",
        "The requested offset is not within the range of offsets maintained by the server.";
    CORRUPT_MESSAGE: "CorruptRecordException",
        "This message has failed its CRC checksum, exceeds the valid size, has a null key for a compacted topic, or is otherwise corrupt.";
    UNKNOWN_TOPIC_OR_PARTITION: "UnknownTopicOrPartitionException",
        "This server does not host this topic-partition.";
    INVALID_FETCH_SIZE: "InvalidFetchSizeException", "The requested fetch size is invalid.";
    LEADER_NOT_AVAILABLE: "LeaderNotAvailableException",
        "There is no leader for this topic-partition as we are in the middle of a leadership election.";
    NOT_LEADER_OR_FOLLOWER: "NotLeaderOrFollowerException",
        "For requests intended only for the leader, this error indicates that the broker is not the current leader. For requests intended for any replica, this error indicates that the broker is not a replica of the topic partition.";
    REQUEST_TIMED_OUT: "TimeoutException", "The request timed out.";
    BROKER_NOT_AVAILABLE: "BrokerNotAvailableException", "The broker is not available.";
    MESSAGE_TOO_LARGE: "RecordTooLargeException",
        "The request included a message larger than the max message size the server will accept.";
    NETWORK_EXCEPTION: "NetworkException", "The server disconnected before a response was received.";
    INVALID_TOPIC_EXCEPTION: "InvalidTopicException",
        "The request attempted to perform an operation on an invalid topic.";
    RECORD_LIST_TOO_LARGE: "RecordBatchTooLargeException",
        "The request included message batch larger than the configured segment size on the server.";
    NOT_ENOUGH_REPLICAS: "NotEnoughReplicasException",
        "Messages are rejected since there are fewer in-sync replicas than required.";
    NOT_ENOUGH_REPLICAS_AFTER_APPEND: "NotEnoughReplicasAfterAppendException",
        "Messages are written to the log, but to fewer in-sync replicas than required.";
    INVALID_REQUIRED_ACKS: "InvalidRequiredAcksException",
        "Produce request specified an invalid value for required acks.";
    TOPIC_AUTHORIZATION_FAILED: "TopicAuthorizationException", "Topic authorization failed.";
    CLUSTER_AUTHORIZATION_FAILED: "ClusterAuthorizationException", "Cluster authorization failed.";
    INVALID_TIMESTAMP: "InvalidTimestampException", "The timestamp of the message is out of acceptable range.";
    UNSUPPORTED_VERSION: "UnsupportedVersionException", "The version of API is not supported.";
    TOPIC_ALREADY_EXISTS: "TopicExistsException", "Topic with this name already exists.";
    INVALID_PARTITIONS: "InvalidPartitionsException", "Number of partitions is below 1.";
    INVALID_REPLICATION_FACTOR: "InvalidReplicationFactorException",
        "Replication factor is below 1 or larger than the number of available brokers.";
    INVALID_REPLICA_ASSIGNMENT: "InvalidReplicaAssignmentException", "Replica assignment is invalid.";
    INVALID_CONFIG: "InvalidConfigurationException", "Configuration is invalid.";
    NOT_CONTROLLER: "NotControllerException", "This is not the correct controller for this cluster.";
    INVALID_REQUEST: "InvalidRequestException",
        "This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.";
    UNSUPPORTED_FOR_MESSAGE_FORMAT: "UnsupportedForMessageFormatException",
        "The message format version on the broker does not support the request.";
    POLICY_VIOLATION: "PolicyViolationException", "Request parameters do not satisfy the configured policy.";
    KAFKA_STORAGE_ERROR: "KafkaStorageException", "Disk error when trying to access log file on the disk.";
    TOPIC_DELETION_DISABLED: "TopicDeletionDisabledException", "Topic deletion is disabled.";
    FENCED_LEADER_EPOCH: "FencedLeaderEpochException",
        "The leader epoch in the request is older than the epoch on the broker.";
    UNKNOWN_LEADER_EPOCH: "UnknownLeaderEpochException",
        "The leader epoch in the request is newer than the epoch on the broker.";
    UNSUPPORTED_COMPRESSION_TYPE: "UnsupportedCompressionTypeException",
        "The requesting client does not support the compression type of given partition.";
    OPERATION_NOT_ATTEMPTED: "OperationNotAttemptedException",
        "The broker did not attempt to execute this operation. This may happen for batched RPCs where some operations in the batch failed, causing the broker to respond without trying the rest.";
    LOG_DIR_NOT_FOUND: "LogDirNotFoundException",
        "The user-specified log directory is not found in the broker config.";
    REASSIGNMENT_IN_PROGRESS: "ReassignmentInProgressException", "A partition reassignment is in progress.";
    PREFERRED_LEADER_NOT_AVAILABLE: "PreferredLeaderNotAvailableException",
        "The preferred leader was not available.";
    ELIGIBLE_LEADERS_NOT_AVAILABLE: "EligibleLeadersNotAvailableException",
        "Eligible topic partition leaders are not available.";
    ELECTION_NOT_NEEDED: "ElectionNotNeededException",
        "Leader election not needed for topic partition.";
    NO_REASSIGNMENT_IN_PROGRESS: "NoReassignmentInProgressException",
        "No partition reassignment is in progress.";
    BROKER_ID_NOT_REGISTERED: "BrokerIdNotRegisteredException", "The given broker ID was not registered.";
    OFFSET_NOT_AVAILABLE: "OffsetNotAvailableException",
        "The leader high watermark has not caught up from a recent leader election so the offsets cannot be guaranteed to be monotonically increasing.";
    INVALID_RECORD: "InvalidRecordException",
        "This record has failed the validation on broker and hence will be rejected.";
    RESOURCE_NOT_FOUND: "ResourceNotFoundException",
        "A request illegally referred to a resource that does not exist.";
    DUPLICATE_RESOURCE: "DuplicateResourceException",
        "A request illegally referred to the same resource twice.";
    UNKNOWN_TOPIC_ID: "UnknownTopicIdException", "This server does not host this topic ID.";
    INCONSISTENT_TOPIC_ID: "InconsistentTopicIdException",
        "The log's topic ID did not match the topic ID in the request.";
    FETCH_SESSION_TOPIC_ID_ERROR: "FetchSessionTopicIdException",
        "The fetch session encountered inconsistent topic ID usage.";
    OUT_OF_ORDER_SEQUENCE_NUMBER: "OutOfOrderSequenceException",
        "The broker received an out of order sequence number.";
    DUPLICATE_SEQUENCE_NUMBER: "DuplicateSequenceException",
        "The broker received a duplicate sequence number.";
    INVALID_PRODUCER_EPOCH: "InvalidProducerEpochException",
        "Producer attempted to produce with an old epoch.";
    INVALID_TXN_STATE: "InvalidTxnStateException",
        "The producer attempted a transactional operation in an invalid state.";
    INVALID_PRODUCER_ID_MAPPING: "InvalidPidMappingException",
        "The producer attempted to use a producer id which is not currently assigned to its transactional id.";
    INVALID_TRANSACTION_TIMEOUT: "InvalidTxnTimeoutException",
        "The transaction timeout is larger than the maximum value allowed by the broker (as configured by transaction.max.timeout.ms).";
    CONCURRENT_TRANSACTIONS: "ConcurrentTransactionsException",
        "The producer attempted to update a transaction while another concurrent operation on the same transaction was ongoing.";
    TRANSACTION_COORDINATOR_FENCED: "TransactionCoordinatorFencedException",
        "Indicates that the transaction coordinator sending a WriteTxnMarker is no longer the current coordinator for a given producer.";
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "TransactionalIdAuthorizationException",
        "Transactional Id authorization failed.";
    PRODUCER_FENCED: "ProducerFencedException",
        "There is a newer producer with the same transactionalId which fences the current one.";
    TRANSACTIONAL_ID_NOT_FOUND: "TransactionalIdNotFoundException",
        "The transactionalId could not be found.";
    TRANSACTION_ABORTABLE: "TransactionAbortableException",
        "The server encountered an error with the transaction. The client can abort the transaction to continue using this transactional ID.";
    UNKNOWN_PRODUCER_ID: "UnknownProducerIdException",
        "This exception is raised by the broker if it could not locate the producer metadata associated with the producerId in question. This could happen if, for instance, the producer's records were deleted because their retention time had elapsed. Once the last records of the producerId are removed, the producer's metadata is removed from the broker, and future appends by the producer will return this exception.";
    COORDINATOR_LOAD_IN_PROGRESS: "CoordinatorLoadInProgressException",
        "The coordinator is loading and hence can't process requests.";
    COORDINATOR_NOT_AVAILABLE: "CoordinatorNotAvailableException", "The coordinator is not available.";
    NOT_COORDINATOR: "NotCoordinatorException", "This is not the correct coordinator.";
    ILLEGAL_GENERATION: "IllegalGenerationException", "Specified group generation id is not valid.";
    INCONSISTENT_GROUP_PROTOCOL: "InconsistentGroupProtocolException",
        "The group member's supported protocols are incompatible with those of existing members or first group member tried to join with empty protocol type or empty protocol list.";
    INVALID_GROUP_ID: "InvalidGroupIdException", "The configured groupId is invalid.";
    UNKNOWN_MEMBER_ID: "UnknownMemberIdException", "The coordinator is not aware of this member.";
    INVALID_SESSION_TIMEOUT: "InvalidSessionTimeoutException",
        "The session timeout is not within the range allowed by the broker (as configured by group.min.session.timeout.ms and group.max.session.timeout.ms).";
    REBALANCE_IN_PROGRESS: "RebalanceInProgressException",
        "The group is rebalancing, so a rejoin is needed.";
    OFFSET_METADATA_TOO_LARGE: "OffsetMetadataTooLarge",
        "The metadata field of the offset request was too large.";
    INVALID_COMMIT_OFFSET_SIZE: "InvalidCommitOffsetSizeException",
        "The committing offset data size is not valid.";
    GROUP_AUTHORIZATION_FAILED: "GroupAuthorizationException", "Group authorization failed.";
    NON_EMPTY_GROUP: "GroupNotEmptyException", "The group is not empty.";
    GROUP_ID_NOT_FOUND: "GroupIdNotFoundException", "The group id does not exist.";
    GROUP_MAX_SIZE_REACHED: "GroupMaxSizeReachedException", "The consumer group has reached its max size.";
    FENCED_INSTANCE_ID: "FencedInstanceIdException",
        "The broker rejected this static consumer since another consumer with the same group.instance.id has registered with a different member.id.";
    MEMBER_ID_REQUIRED: "MemberIdRequiredException",
        "The group member needs to have a valid member id before actually entering a consumer group.";
    GROUP_SUBSCRIBED_TO_TOPIC: "GroupSubscribedToTopicException",
        "Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it.";
    UNSTABLE_OFFSET_COMMIT: "UnstableOffsetCommitException",
        "There are unstable offsets that need to be cleared.";
    THROTTLING_QUOTA_EXCEEDED: "ThrottlingQuotaExceededException", "The throttling quota has been exceeded.";
}
