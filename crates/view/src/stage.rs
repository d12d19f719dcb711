//! What is in flight between nodes: requests and their answers.

use serde::{Deserialize, Serialize};

/// Which message: its connection, the request's number on it, and whether it is the answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenKey {
    /// The connection's number.
    pub connection: u64,
    /// The request's correlation id.
    pub correlation_id: i32,
    /// Whether it is the answer.
    pub answer: bool,
}

/// How a message stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenState {
    /// It travels, and arrives at this moment, in virtual microseconds.
    Travels(
        /// When it arrives.
        u64,
    ),
    /// A request that is at its broker since then, which has not answered.
    Waits(
        /// When it came.
        u64,
    ),
    /// The network has lost it and sends it again, it waits behind one that was lost, or a fault holds it.
    Stalls,
    /// It does not arrive.
    Lost(
        /// When it would have arrived.
        u64,
    ),
}

/// A request, or the answer to one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    /// Which it is.
    pub key: TokenKey,
    /// The node that asks: a broker's `node.id`, or the number of a process.
    pub client: i32,
    /// The node that is asked.
    pub broker: i32,
    /// Whether it is of the metadata quorum: it goes to the broker's door for controllers.
    pub quorum: bool,
    /// The API as Kafka names it: `Produce`.
    pub api: String,
    /// The API's version.
    pub version: i16,
    /// When it was sent, in virtual microseconds.
    pub sent: u64,
    /// How it stands.
    pub state: TokenState,
    /// Its bytes, without the four of its length.
    pub bytes: u64,
    /// Whether it carries records.
    pub records: bool,
    /// Partitions that it is about, as far as it names them: topic and number. At most eight.
    pub partitions: Vec<(String, i32)>,
    /// Partitions that it names and that are not in `partitions`.
    pub partitions_left_out: u32,
    /// The first error in an answer, by Kafka's name; empty for none.
    pub error: String,
}

/// A message with what is in it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenDetail {
    /// The message.
    pub token: TokenView,
    /// `client.id` as the request says it; empty in answers.
    pub client_id: String,
    /// Its fields as Kafka's request log writes them, a line each; empty if it cannot be read.
    pub fields: String,
    /// Its first bytes, without the four of its length.
    #[serde(with = "serde_bytes")]
    pub head: Vec<u8>,
    /// Requests of the same API that come to the broker before it on the same connection: a fault that is to be for
    /// this one lets so many pass. Nothing of an answer, or of a request that is at its broker already.
    pub ahead: Option<u32>,
}

/// Messages of one direction between two nodes, which are too many to be drawn one by one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RibbonView {
    /// The node that asks.
    pub client: i32,
    /// The node that is asked.
    pub broker: i32,
    /// Requests on their way, or waiting at the broker.
    pub requests: u32,
    /// Answers on their way.
    pub answers: u32,
}

/// What is in flight at one moment, as a change from the last one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageView {
    /// Virtual now, in microseconds.
    pub now: u64,
    /// Whether this begins anew: what was told before is to be forgotten.
    pub fresh: bool,
    /// Messages in flight, as the engine counts them.
    pub in_flight: u32,
    /// Those among them that are of the metadata quorum.
    pub quorum: u32,
    /// Messages that are new among those drawn one by one, or stand otherwise than before.
    pub tokens: Vec<TokenView>,
    /// Those that are not drawn one by one any more.
    pub gone: Vec<TokenKey>,
    /// What is drawn as ribbons.
    pub ribbons: Vec<RibbonView>,
}
