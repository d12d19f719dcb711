//! Kafka's wire protocol: messages and frames, record batches of format v2, the four compressions, error codes.
//!
//! Messages come from the `kafka-protocol` crate, which generates them from Kafka's own definitions. What touches
//! records is ours, because a broker handles batches as bytes: it reads the header, patches what stands before the
//! checksum and passes the rest on untouched.

pub mod compression;
pub mod definition;
pub mod error;
mod fetch_frame;
pub mod frame;
pub mod json;
mod lz4;
pub mod record_batch;
mod schema;
mod splitter;
pub mod uuid_text;
pub mod varint;

pub use compression::{Compression, CompressionError, CompressionLevels};
pub use error::ErrorCode;
pub use fetch_frame::{RecordPieces, decode_fetch_response, encode_fetch_response};
pub use frame::FrameError;
pub use kafka_protocol::messages;
pub use kafka_protocol::messages::ApiKey;
pub use kafka_protocol::protocol as wire;
pub use splitter::{FrameSplitter, InvalidReceive};
pub use uuid::Uuid;
