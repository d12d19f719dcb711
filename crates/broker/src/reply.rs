//! What follows from a request, and how it becomes a frame. Everything in the crate may use this; it uses nothing of
//! it.

use blumfeld_kernel::{FlushId, Frame};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::{FrameError, Header, decode_response, encode_response};
use blumfeld_protocol::messages::alter_configs_response;
use blumfeld_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use blumfeld_protocol::messages::{
    AddOffsetsToTxnResponse, AddPartitionsToTxnResponse, AllocateProducerIdsResponse,
    AlterClientQuotasResponse, AlterConfigsResponse, AlterPartitionResponse, AlterReplicaLogDirsResponse,
    AlterUserScramCredentialsResponse, ApiVersionsResponse, BeginQuorumEpochResponse,
    BrokerHeartbeatResponse, BrokerRegistrationResponse, CreateAclsResponse, CreateDelegationTokenResponse,
    CreatePartitionsResponse, CreateTopicsResponse, DeleteAclsResponse, DeleteGroupsResponse,
    DeleteRecordsResponse, DeleteTopicsResponse, DescribeAclsResponse, DescribeClientQuotasResponse,
    DescribeClusterResponse, DescribeConfigsResponse, DescribeDelegationTokenResponse,
    DescribeGroupsResponse, DescribeLogDirsResponse, DescribeProducersResponse, DescribeQuorumResponse,
    DescribeTopicPartitionsResponse, DescribeTransactionsResponse, DescribeUserScramCredentialsResponse,
    EndQuorumEpochResponse, EndTxnResponse, EnvelopeResponse, ExpireDelegationTokenResponse, FetchResponse,
    FetchSnapshotResponse, FindCoordinatorResponse, HeartbeatResponse, IncrementalAlterConfigsResponse,
    InitProducerIdResponse, JoinGroupResponse, LeaveGroupResponse, ListConfigResourcesResponse,
    ListGroupsResponse, ListOffsetsResponse, ListPartitionReassignmentsResponse, ListTransactionsResponse,
    MetadataResponse, OffsetCommitResponse, OffsetDeleteResponse, OffsetFetchResponse,
    OffsetForLeaderEpochResponse, ProduceResponse, RenewDelegationTokenResponse, SaslAuthenticateResponse,
    SaslHandshakeResponse, SyncGroupResponse, TxnOffsetCommitResponse, UnregisterBrokerResponse,
    UpdateFeaturesResponse, VoteResponse, WriteTxnMarkersResponse,
};
use blumfeld_protocol::wire::Encodable;
use bytes::Bytes;

/// What follows from a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// This answer.
    Now(Body),
    /// This answer, once a disk operation is done.
    After(FlushId, Body),
    /// This answer, once the metadata log is committed up to an offset. It is encoded already: what cannot be said is
    /// not committed.
    Committed(i64, Bytes),
    /// An answer later; the request is in purgatory.
    Parked,
    /// None: a produce request with acks=0.
    Nothing,
    /// Another node is the active controller.
    NotController,
    /// It goes to the active controller, and the answer comes from there.
    Forward,
    /// The part of it that this broker lets through goes to the active controller.
    ForwardPart(Bytes, Box<Refused>),
}

/// An answer. It stays a message until the door sends it, so that what is decided there can be written into it.
#[derive(Clone, Debug)]
pub enum Body {
    /// A message, in the version of its request but for the encoding.
    Message(Message),
    /// A frame: one that comes from elsewhere, or one of pieces that it shares with a log.
    Frame(Frame),
}

impl Body {
    /// The frame that answers `header`.
    pub fn encode(self, header: &Header) -> Result<Frame, FrameError> {
        match self {
            Body::Message(message) => message.encode(header).map(Frame::from),
            Body::Frame(frame) => Ok(frame),
        }
    }
}

impl From<Frame> for Body {
    fn from(frame: Frame) -> Body {
        Body::Frame(frame)
    }
}

impl From<Bytes> for Body {
    fn from(frame: Bytes) -> Body {
        Body::Frame(frame.into())
    }
}

macro_rules! messages {
    ($($name:ident),* $(,)?) => {
        /// What a handler of this crate answers.
        #[derive(Clone, Debug)]
        #[allow(clippy::enum_variant_names, reason = "each is named as its message is")]
        pub enum Message {
            $(
                #[doc = concat!("`", stringify!($name), "`.")]
                $name(Box<$name>)
            ),*
        }

        impl Message {
            fn encode(&self, header: &Header) -> Result<Bytes, FrameError> {
                match self {
                    $(Message::$name(message) => encode(header, message.as_ref())),*
                }
            }
        }

        $(impl From<$name> for Body {
            fn from(message: $name) -> Body {
                Body::Message(Message::$name(Box::new(message)))
            }
        })*
    };
}

messages! {
    AddOffsetsToTxnResponse,
    AddPartitionsToTxnResponse,
    AllocateProducerIdsResponse,
    AlterClientQuotasResponse,
    AlterConfigsResponse,
    AlterPartitionResponse,
    AlterReplicaLogDirsResponse,
    AlterUserScramCredentialsResponse,
    ApiVersionsResponse,
    BeginQuorumEpochResponse,
    BrokerHeartbeatResponse,
    BrokerRegistrationResponse,
    CreateAclsResponse,
    CreateDelegationTokenResponse,
    CreatePartitionsResponse,
    CreateTopicsResponse,
    DeleteAclsResponse,
    DeleteGroupsResponse,
    DeleteRecordsResponse,
    DeleteTopicsResponse,
    DescribeAclsResponse,
    DescribeClientQuotasResponse,
    DescribeClusterResponse,
    DescribeConfigsResponse,
    DescribeDelegationTokenResponse,
    DescribeGroupsResponse,
    DescribeLogDirsResponse,
    DescribeProducersResponse,
    DescribeQuorumResponse,
    DescribeTopicPartitionsResponse,
    DescribeTransactionsResponse,
    DescribeUserScramCredentialsResponse,
    EndQuorumEpochResponse,
    EndTxnResponse,
    EnvelopeResponse,
    ExpireDelegationTokenResponse,
    FetchResponse,
    FetchSnapshotResponse,
    FindCoordinatorResponse,
    HeartbeatResponse,
    IncrementalAlterConfigsResponse,
    InitProducerIdResponse,
    JoinGroupResponse,
    LeaveGroupResponse,
    ListConfigResourcesResponse,
    ListGroupsResponse,
    ListOffsetsResponse,
    ListPartitionReassignmentsResponse,
    ListTransactionsResponse,
    MetadataResponse,
    OffsetCommitResponse,
    OffsetDeleteResponse,
    OffsetFetchResponse,
    OffsetForLeaderEpochResponse,
    ProduceResponse,
    RenewDelegationTokenResponse,
    SaslAuthenticateResponse,
    SaslHandshakeResponse,
    SyncGroupResponse,
    TxnOffsetCommitResponse,
    UnregisterBrokerResponse,
    UpdateFeaturesResponse,
    VoteResponse,
    WriteTxnMarkersResponse,
}

/// The resources of a request that a broker refused itself, for the answer to the rest.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Of the request as the client sent it.
    pub header: Header,
    /// Each with its place in the request.
    pub parts: RefusedParts,
}

/// The refused resources, each with its place in the request.
#[derive(Clone, Debug)]
pub enum RefusedParts {
    /// Of IncrementalAlterConfigs.
    IncrementalAlterConfigs(Vec<(usize, AlterConfigsResourceResponse)>),
    /// Of AlterConfigs.
    AlterConfigs(Vec<(usize, alter_configs_response::AlterConfigsResourceResponse)>),
}

impl Refused {
    /// The controller's answer to the rest, and these between, in the order of the request.
    pub fn join(&self, frame: Bytes) -> Result<Bytes, FrameError> {
        fn between<T: Clone>(have: &mut Vec<T>, refused: &[(usize, T)]) {
            for (place, refused) in refused {
                have.insert((*place).min(have.len()), refused.clone());
            }
        }
        let (api_key, version) = (self.header.api_key, self.header.version);
        match &self.parts {
            RefusedParts::IncrementalAlterConfigs(refused) => {
                let mut response: IncrementalAlterConfigsResponse = decode_response(api_key, version, frame)?;
                between(&mut response.responses, refused);
                encode(&self.header, &response)
            }
            RefusedParts::AlterConfigs(refused) => {
                let mut response: AlterConfigsResponse = decode_response(api_key, version, frame)?;
                between(&mut response.responses, refused);
                encode(&self.header, &response)
            }
        }
    }
}

/// Why one part of a request was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiError {
    /// The code.
    pub code: ErrorCode,
    /// The sentence; none where Kafka leaves it to the client's own text.
    pub message: Option<String>,
}

impl ApiError {
    /// A code with a sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> ApiError {
        ApiError { code, message: Some(message.into()) }
    }

    /// A code without one.
    pub const fn code(code: ErrorCode) -> ApiError {
        ApiError { code, message: None }
    }
}

/// This answer, as a handler gives it.
pub fn respond(body: impl Into<Body>) -> Result<Reply, FrameError> {
    Ok(Reply::Now(body.into()))
}

/// The frame that answers `header` with `body`.
pub fn encode<M: Encodable>(header: &Header, body: &M) -> Result<Bytes, FrameError> {
    encode_response(header.api_key, header.version, header.correlation_id, body)
}
