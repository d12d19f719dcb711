//! What went over the network: requests with their answers, as long as the engine keeps them.

use serde::{Deserialize, Serialize};

/// Which exchanges are asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WireQuery {
    /// A number that the page chose; the answer carries it.
    pub id: u32,
    /// Those alone that were not over by then, in virtual microseconds.
    pub from: Option<u64>,
    /// Those alone that were begun by then.
    pub until: Option<u64>,
    /// APIs by Kafka's names; none is all.
    pub apis: Vec<String>,
    /// A node that asks or is asked.
    pub node: Option<i32>,
    /// What the API, the client id, a partition or the error must have in it, in any case.
    pub text: String,
    /// Those alone that were answered with an error or came to nothing.
    pub errors: bool,
    /// Whether those that carry nothing are left out: heartbeats, and fetches without records.
    pub hide_idle: bool,
    /// Those of a number below it alone: what a page that stands still has seen.
    pub below: Option<u64>,
    /// The moment of that. What turns out to carry nothing later than this is not left out, so that no row goes away.
    pub seen: Option<u64>,
    /// At most so many, the newest.
    pub limit: u32,
}

/// Why an exchange came to nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossView {
    /// One side closed the connection.
    Closed,
    /// Nobody listened any more.
    Refused,
    /// The other side's process or machine went down.
    PeerDown,
    /// The network between the two was cut for too long.
    Unreachable,
    /// The broker could not understand a frame of the connection.
    Malformed,
    /// Whoever asked gave the request up.
    TimedOut,
    /// The broker closed a connection that was idle.
    Idle,
    /// The network reset the connection.
    Reset,
    /// A fault dropped it.
    Dropped,
    /// Its sender lost power.
    PowerCut,
    /// The broker answered a later one.
    PassedOver,
}

/// How an exchange ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndingView {
    /// It is under way.
    Open,
    /// Its answer came.
    Answered,
    /// It came to its broker and wanted no answer.
    NoAnswer,
    /// Who asked gets no answer.
    Lost(
        /// Why.
        LossView,
    ),
}

/// A request and its answer. Moments are virtual microseconds; one that is missing has not come, or never did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeView {
    /// Its number: they are counted as their requests are sent.
    pub number: u64,
    /// Its connection.
    pub connection: u64,
    /// The request's number on its connection.
    pub correlation_id: i32,
    /// The node that asks: a broker's `node.id`, or the number of a process.
    pub client: i32,
    /// The node that is asked.
    pub broker: i32,
    /// Whether it is of the metadata quorum.
    pub quorum: bool,
    /// The API as Kafka names it.
    pub api: String,
    /// The API's version.
    pub version: i16,
    /// `client.id` as the request says it.
    pub client_id: String,
    /// When the request was sent.
    pub sent: u64,
    /// When it came to the broker.
    pub landed: Option<u64>,
    /// When the broker took it up.
    pub taken: Option<u64>,
    /// When the broker had the answer.
    pub ready: Option<u64>,
    /// When the answer left, which may have waited for the disk.
    pub answered: Option<u64>,
    /// When the answer came.
    pub received: Option<u64>,
    /// When it ended.
    pub ended_at: Option<u64>,
    /// How it ended.
    pub ending: EndingView,
    /// Bytes of the request.
    pub request_bytes: u64,
    /// Bytes of the answer; 0 if there is none.
    pub answer_bytes: u64,
    /// Whether one of the two carries records.
    pub records: bool,
    /// Whether it carries nothing: a heartbeat, or a fetch without records, and no error.
    pub idle: bool,
    /// Partitions that it is about, as far as it names them: topic and number. At most eight.
    pub partitions: Vec<(String, i32)>,
    /// Partitions that it names and that are not in `partitions`.
    pub partitions_left_out: u32,
    /// The first error in the answer, by Kafka's name; empty for none.
    pub error: String,
}

/// Parts of an exchange's time, in virtual microseconds. They add up to the whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Latency {
    /// The network, there.
    pub there: u64,
    /// In the broker's queue: behind those before it on the connection, or before a process that stood still.
    pub queue: u64,
    /// At the broker: in purgatory, or until other brokers had answered it.
    pub broker: u64,
    /// Until its disk had flushed or read.
    pub disk: u64,
    /// The network, back.
    pub back: u64,
}

impl Latency {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.parts().iter().sum()
    }

    /// The parts, in their order.
    pub fn parts(&self) -> [u64; 5] {
        [self.there, self.queue, self.broker, self.disk, self.back]
    }
}

impl ExchangeView {
    /// Where its time went, up to `now` if it is under way.
    pub fn latency(&self, now: u64) -> Latency {
        let end = self.ended_at.unwrap_or(now).max(self.sent);
        let steps = [Some(self.sent), self.landed, self.taken, self.ready, self.answered, Some(end)];
        let mut parts = [0; 5];
        let mut from = self.sent;
        for (part, to) in parts.iter_mut().zip(&steps[1..]) {
            // What has not come takes all the time that is left.
            let to = to.unwrap_or(end).clamp(from, end);
            *part = to - from;
            from = to;
        }
        let [there, queue, broker, disk, back] = parts;
        Latency { there, queue, broker, disk, back }
    }

    /// Whether it was answered with an error or came to nothing.
    pub fn is_failed(&self) -> bool {
        !self.error.is_empty() || matches!(self.ending, EndingView::Lost(_))
    }
}

/// The exchanges that were asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireView {
    /// The question's number.
    pub id: u32,
    /// Virtual now, in microseconds.
    pub now: u64,
    /// The exchanges, newest first.
    pub exchanges: Vec<ExchangeView>,
    /// How many there are of that kind, those that were left out too.
    pub matching: u32,
    /// How many more are newer than what a page that stands still has seen.
    pub newer: u32,
    /// How many of the span were passed over because they carry nothing.
    pub hidden: u32,
    /// How many the engine keeps, and how many it has kept once and does not any more.
    pub kept: u32,
    /// See `kept`.
    pub forgotten: u64,
    /// The APIs of what is kept, by name.
    pub apis: Vec<String>,
    /// The nodes of what is kept.
    pub nodes: Vec<i32>,
    /// The highest number there is, and one more.
    pub begun: u64,
}

/// One side of an exchange, decoded.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SideView {
    /// Its fields as Kafka's request log writes them, a line each; empty if it cannot be read.
    pub fields: String,
    /// Its first bytes, without the four of its length.
    #[serde(with = "serde_bytes")]
    pub head: Vec<u8>,
    /// Whether its bytes are kept.
    pub kept: bool,
}

/// An exchange with what is in it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeDetail {
    /// The exchange.
    pub exchange: ExchangeView,
    /// Virtual now, in microseconds.
    pub now: u64,
    /// The request.
    pub request: SideView,
    /// The answer; nothing if there is none.
    pub answer: Option<SideView>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(moments: [Option<u64>; 4], ended_at: Option<u64>) -> ExchangeView {
        let [landed, taken, ready, answered] = moments;
        ExchangeView {
            number: 0,
            connection: 1,
            correlation_id: 1,
            client: 1001,
            broker: 1,
            quorum: false,
            api: "Produce".to_owned(),
            version: 13,
            client_id: String::new(),
            sent: 100,
            landed,
            taken,
            ready,
            answered,
            received: ended_at,
            ended_at,
            ending: EndingView::Open,
            request_bytes: 0,
            answer_bytes: 0,
            records: false,
            idle: false,
            partitions: vec![],
            partitions_left_out: 0,
            error: String::new(),
        }
    }

    #[test]
    fn the_parts_of_a_latency_add_up_to_the_whole() {
        for (moments, ended, want) in [
            ([Some(110), Some(130), Some(160), Some(200)], Some(250), [10, 20, 30, 40, 50]),
            // Under way: what it waits for has taken the time since.
            ([Some(110), Some(130), None, None], None, [10, 20, 870, 0, 0]),
            ([None; 4], None, [900, 0, 0, 0, 0]),
            ([Some(110), None, None, None], Some(150), [10, 40, 0, 0, 0]),
            // acks=0 is over when it lands.
            ([Some(110), None, None, None], Some(110), [10, 0, 0, 0, 0]),
        ] {
            let latency = exchange(moments, ended).latency(1_000);
            assert_eq!(latency.parts(), want);
            assert_eq!(latency.total(), ended.unwrap_or(1_000) - 100);
        }
    }
}
