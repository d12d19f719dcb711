//! Something that is followed: what happened to it, stop by stop.

use serde::{Deserialize, Serialize};

use crate::TokenKey;

/// What is followed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum FollowWhat {
    /// The first record that a command of the console sends.
    Sent {
        /// The command.
        command: u32,
    },
    /// A record that stands in a log.
    Record {
        /// Topic name.
        topic: String,
        /// Partition number.
        partition: i32,
        /// Its offset.
        offset: i64,
    },
    /// A request that is in flight, and its answer.
    Message(
        /// Which.
        TokenKey,
    ),
    /// A member of a group.
    Member {
        /// `group.id`
        group: String,
        /// Its member id.
        member: String,
    },
    /// A partition.
    Partition {
        /// Topic name.
        topic: String,
        /// Partition number.
        partition: i32,
    },
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Stop {
    /// A client asked a broker for what it has to know before it can send.
    Asks {
        /// The API: `Metadata`, `InitProducerId`.
        api: String,
        /// The broker's `node.id`.
        broker: i32,
    },
    /// The record stands in its producer's accumulator.
    Accumulates {
        /// Bytes of the open batch.
        bytes: u64,
        /// `batch.size` in bytes.
        batch_size: u64,
        /// `linger.ms`
        linger_ms: i64,
    },
    /// A request left.
    Sent {
        /// The API.
        api: String,
        /// The broker that is asked.
        broker: i32,
    },
    /// A request came to its broker.
    Arrives {
        /// The API.
        api: String,
        /// The broker.
        broker: i32,
    },
    /// The leader appended the record.
    Appended {
        /// The leader.
        broker: i32,
        /// The record's offset.
        offset: i64,
    },
    /// A request is at its broker, which does not answer yet.
    Waits {
        /// The API, which says what is waited for.
        api: String,
        /// The broker.
        broker: i32,
        /// How the answer may have to wait: `acks` of a Produce, empty for others.
        acks: String,
    },
    /// A follower fetched the record.
    Copied {
        /// The follower.
        broker: i32,
    },
    /// The high watermark passed the record.
    HighWatermark {
        /// It.
        to: i64,
    },
    /// The answer left the broker.
    Answered {
        /// The API.
        api: String,
        /// The broker.
        broker: i32,
        /// Kafka's name of the error; empty for none.
        error: String,
    },
    /// The answer came.
    Acknowledged {
        /// The API.
        api: String,
        /// Kafka's name of the error; empty for none.
        error: String,
    },
    /// A request or its answer is lost with its connection.
    Lost,
    /// A member of a group was given the record.
    Read {
        /// `client.id`
        client: String,
        /// `group.id`; empty for none.
        group: String,
    },
    /// A group committed past the record.
    Committed {
        /// `group.id`
        group: String,
        /// The offset.
        offset: i64,
    },
    /// Something else that the trace says about it.
    Event {
        /// Who says so.
        node: String,
        /// The sentence in English.
        text: String,
        /// The same in Korean.
        korean: String,
    },
    /// The command ended and had sent nothing.
    Nothing,
}

/// A stop and when it was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopView {
    /// In virtual microseconds.
    pub at: u64,
    /// What happened.
    pub stop: Stop,
}

/// Something that is followed, as it stands.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FollowView {
    /// What.
    pub what: FollowWhat,
    /// Where the record stands, once it does; or the partition, with -1.
    pub place: Option<(String, i32, i64)>,
    /// What happened to it, oldest first; the last of them if they are many.
    pub stops: Vec<StopView>,
    /// The message that it is in now.
    pub token: Option<TokenKey>,
    /// How fast time goes for it now, in times the wall clock; 0 while a stop is read.
    pub pace: f64,
    /// Whether nothing more will come.
    pub over: bool,
}
