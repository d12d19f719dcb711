//! What follows from a request, and how it becomes a frame. Everything in the crate may use this; it uses nothing of
//! it.

use blumfeld_kernel::{FlushId, Frame};
use blumfeld_protocol::frame::{FrameError, Header, decode_response, encode_response};
use blumfeld_protocol::messages::IncrementalAlterConfigsResponse;
use blumfeld_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use blumfeld_protocol::wire::Encodable;
use bytes::Bytes;

/// What follows from a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// This answer.
    Now(Frame),
    /// This answer, once a disk operation is done.
    After(FlushId, Frame),
    /// This answer, once the metadata log is committed up to an offset.
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

/// The resources of a request that a broker refused itself, for the answer to the rest.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    /// Of the request as the client sent it.
    pub header: Header,
    /// Each with its place in the request.
    pub responses: Vec<(usize, AlterConfigsResourceResponse)>,
}

impl Refused {
    /// The controller's answer to the rest, and these between, in the order of the request.
    pub(crate) fn join(&self, frame: Bytes) -> Result<Bytes, FrameError> {
        let (api_key, version) = (self.header.api_key, self.header.version);
        let mut response: IncrementalAlterConfigsResponse = decode_response(api_key, version, frame)?;
        for (place, refused) in &self.responses {
            let place = (*place).min(response.responses.len());
            response.responses.insert(place, refused.clone());
        }
        encode(&self.header, &response)
    }
}

/// The answer to `header`, encoded.
pub(crate) fn respond<M: Encodable>(header: &Header, body: &M) -> Result<Reply, FrameError> {
    encode(header, body).map(|frame| Reply::Now(frame.into()))
}

/// The frame that answers `header` with `body`.
pub(crate) fn encode<M: Encodable>(header: &Header, body: &M) -> Result<Bytes, FrameError> {
    encode_response(header.api_key, header.version, header.correlation_id, body)
}
