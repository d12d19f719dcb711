//! Producers and consumers as they stand, each as its own program sees it.

use serde::{Deserialize, Serialize};

/// How a client's program goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientState {
    /// It runs.
    Running,
    /// It was asked to end, and finishes what is under way.
    Stopping,
    /// It has ended by itself, with this exit code.
    Ended(
        /// 0 for success.
        i32,
    ),
}

/// A client that runs in the world: a command of the console, or one in the background.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientView {
    /// The number of its process.
    pub id: i32,
    /// The process as faults name it: `client-3`.
    pub process: String,
    /// By which `workload stop` knows it; empty for a command that runs in the console.
    pub name: String,
    /// The command line that started it.
    pub line: String,
    /// How its program goes on.
    pub state: ClientState,
    /// Records a virtual second over the last one: acknowledged, or given to the program.
    pub rate: f64,
    /// The last lines that it wrote, if it runs in the background.
    pub output: Vec<String>,
    /// What it is.
    pub role: ClientRole,
}

/// What a client is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientRole {
    /// It writes.
    Producer(ProducerView),
    /// It reads.
    Consumer(ConsumerView),
}

/// A producer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProducerView {
    /// `client.id`
    pub client_id: String,
    /// `acks`: `0`, `1` or `all`.
    pub acks: String,
    /// Whether its batches have sequence numbers.
    pub idempotent: bool,
    /// Its producer id; -1 until it has one.
    pub producer_id: i64,
    /// The epoch of that.
    pub producer_epoch: i16,
    /// Its transactions, if it has a `transactional.id`.
    #[serde(default)]
    pub transaction: Option<ClientTransactionView>,
    /// `linger.ms`
    pub linger_ms: i64,
    /// `batch.size` in bytes.
    pub batch_size: u64,
    /// `buffer.memory` in bytes.
    pub buffer_memory: u64,
    /// Bytes of it that batches have taken, waiting or in flight.
    pub buffer_used: u64,
    /// `max.in.flight.requests.per.connection`
    pub max_in_flight: u32,
    /// What waits in the accumulator, by partition. Partitions that were written to stay when nothing does.
    pub waiting: Vec<WaitingView>,
    /// Partitions that are not in `waiting`, because there are too many to show.
    pub waiting_left_out: u32,
    /// What is in flight, by broker.
    pub in_flight: Vec<InFlightView>,
    /// Produce requests that were sent.
    pub requests: u64,
    /// Batches in them, each as often as it was sent.
    pub batches: u64,
    /// Batches among them that had been sent before.
    pub retries: u64,
    /// Records in the batches that were sent, each once.
    #[serde(default)]
    pub sent_records: u64,
    /// Bytes of those batches, before compression.
    #[serde(default)]
    pub sent_bytes: u64,
    /// Records that were acknowledged; with acks=0 those that were sent.
    pub acknowledged: u64,
    /// Records that were given up.
    pub failed: u64,
    /// What a broker answered last to batches that wait to be sent again, by Kafka's name; empty for nothing.
    #[serde(default)]
    pub refused: String,
}

/// What waits in a producer's accumulator for a partition.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingView {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// Batches.
    pub batches: u32,
    /// Records in them.
    pub records: u32,
    /// Their bytes before compression, headers included.
    pub bytes: u64,
    /// Bytes of the batch that still takes records.
    pub open_bytes: u64,
    /// Bytes of the batch that left last; 0 if none did.
    #[serde(default)]
    pub last_sent: u64,
    /// When the first record of the oldest batch came, in virtual microseconds; nothing if none waits.
    pub since: Option<u64>,
    /// Whether the oldest may go out now.
    pub ready: bool,
    /// Batches among them that are to be sent again.
    pub again: u32,
}

/// What a producer has in flight to a broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InFlightView {
    /// The broker's `node.id`.
    pub broker: i32,
    /// Requests of all kinds.
    pub requests: u32,
    /// Batches in them.
    pub batches: u32,
}

/// A consumer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerView {
    /// `client.id`
    pub client_id: String,
    /// `group.id`; empty for none.
    pub group: String,
    /// `group.instance.id`; empty for a dynamic member.
    pub instance: String,
    /// Its member id; empty while it has none.
    pub member: String,
    /// The generation that it knows; -1 for none.
    pub generation: i32,
    /// Where it stands in its group, in the words of the group's states: `Unjoined`, `PreparingRebalance`,
    /// `CompletingRebalance`, `Stable`, `Leaving`; empty without a group.
    pub step: String,
    /// The broker that coordinates its group; -1 while it does not know.
    pub coordinator: i32,
    /// `partition.assignment.strategy`
    pub assignors: String,
    /// What it reads.
    pub partitions: Vec<ReadView>,
    /// Partitions that are not in `partitions`, because there are too many to show.
    pub partitions_left_out: u32,
    /// Fetch requests in flight.
    pub fetches: u32,
    /// Records that it was given.
    pub received: u64,
    /// Records that it has processed, where it takes its time for each.
    pub processed: Option<u64>,
    /// The record that it works on.
    pub working: Option<WorkingView>,
    /// The transactions in which it writes what it makes of the records, if it does.
    #[serde(default)]
    pub transaction: Option<ClientTransactionView>,
}

/// Transactions as their client sees them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientTransactionView {
    /// `transactional.id`
    pub id: String,
    /// Java's name of the state: `READY`, `IN_TRANSACTION`, `FATAL_ERROR`.
    pub state: String,
}

/// A partition that a consumer reads.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadView {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// The next offset that a poll gives; -1 until it is known.
    pub position: i64,
    /// What its group has committed, as the coordinator knows it; -1 for nothing.
    pub committed: i64,
    /// The high watermark as its leader knows it; -1 if there is none.
    pub high_watermark: i64,
}

/// A record that a consumer works on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkingView {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// When it is done, in virtual microseconds.
    pub until: u64,
    /// Records of the same poll behind it.
    pub left: u32,
}
