//! Requests that wait (org.apache.kafka.server.purgatory): fetches for enough bytes, produce requests until their records
//! are as safe as they want them.

use std::collections::BTreeSet;

use blumfeld_kernel::{FlushId, Instant};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::ProduceResponse;
use blumfeld_protocol::messages::fetch_request::FetchPartition;

use crate::call::Call;
use crate::fetch_session::TopicIdPartition;
use crate::replica::TopicPartition;

/// What a fetch is about, and what is remembered of it (FetchContext).
#[derive(Clone, Debug)]
pub enum FetchContext {
    /// These partitions; `create` makes a session of them with the answer.
    Full {
        /// What was asked.
        asked: Vec<(TopicIdPartition, Option<TopicPartition>, FetchPartition)>,
        /// Whether a session is wanted.
        create: bool,
    },
    /// What the session holds.
    Session(i32),
}

/// A fetch, as it waits for `fetch.min.bytes`.
#[derive(Clone, Debug)]
pub struct DelayedFetch {
    /// The request that waits.
    pub call: Call,
    /// About what.
    pub context: FetchContext,
    /// `fetch.min.bytes`.
    pub min_bytes: usize,
    /// `fetch.max.bytes`.
    pub max_bytes: usize,
    /// 1 is read committed.
    pub isolation_level: i8,
    /// The follower that asks, or -1 for a consumer.
    pub replica: i32,
    /// The broker epoch of that follower's life, or -1.
    pub replica_epoch: i64,
    /// `client.rack`.
    pub rack: String,
    /// The partitions of a full fetch.
    pub partitions: BTreeSet<TopicPartition>,
    /// When it is answered with whatever there is.
    pub expires: Instant,
}

/// A partition of a produce request that is not as safe yet as the request wants it.
#[derive(Clone, Debug)]
pub struct Unsafe {
    /// Where its answer stands: topic and partition.
    pub place: (usize, usize),
    /// Which partition.
    pub key: TopicPartition,
    /// The high watermark has to come here; `None` if it need not.
    pub offset: Option<i64>,
    /// The leader epoch of the append.
    pub epoch: i32,
    /// The flush that has to be done; `None` if none has to.
    pub flush: Option<FlushId>,
}

/// A produce request whose records are appended.
#[derive(Clone, Debug)]
pub struct DelayedProduce {
    /// The request that waits.
    pub call: Call,
    /// The answer so far.
    pub response: ProduceResponse,
    /// Whether there is to be an answer: not with acks=0.
    pub acknowledged: bool,
    /// What is not safe yet.
    pub waiting: Vec<Unsafe>,
    /// `timeout.ms` of the request.
    pub expires: Instant,
}

impl DelayedProduce {
    /// Sets what became of a partition.
    pub fn set(&mut self, place: (usize, usize), code: ErrorCode) {
        let topic = self.response.responses.get_mut(place.0);
        let Some(partition) = topic.and_then(|topic| topic.partition_responses.get_mut(place.1)) else {
            return;
        };
        partition.error_code = code.0;
        if !code.is_none() {
            partition.base_offset = -1;
            partition.log_append_time_ms = -1;
        }
    }
}
