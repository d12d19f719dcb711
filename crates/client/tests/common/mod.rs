//! A client under test and a broker that follows a script.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::VecDeque;

use blumfeld_kernel::{
    ConnectionId, Context, DisconnectReason, Effect, Endpoint, Input, Instant, NodeId, Outbox, Peer, Prng,
};
use blumfeld_protocol::frame::{Header, decode_header, encode_response};
use blumfeld_protocol::messages::api_versions_response::ApiVersion;
use blumfeld_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use blumfeld_protocol::messages::{ApiVersionsResponse, BrokerId, MetadataResponse, TopicName};
use blumfeld_protocol::wire::Encodable;
use blumfeld_protocol::{ApiKey, Uuid};
use bytes::Bytes;

/// What the broker does with a request.
pub enum Reply {
    /// Answer, in the request's version.
    Frame(Bytes),
    /// Nothing: the client waits.
    Silence,
    /// Close the connection.
    Close,
}

/// Encodes an answer to a request.
pub fn reply<M: Encodable>(header: &Header, body: &M) -> Reply {
    Reply::Frame(encode_response(header.api_key, header.version, header.correlation_id, body).unwrap())
}

/// An ApiVersions answer that allows these ranges.
pub fn api_versions(ranges: &[(ApiKey, i16, i16)]) -> ApiVersionsResponse {
    let range = |&(key, min, max): &(ApiKey, i16, i16)| {
        ApiVersion::default().with_api_key(key as i16).with_min_version(min).with_max_version(max)
    };
    ApiVersionsResponse::default().with_api_keys(ranges.iter().map(range).collect())
}

/// What the broker serves unless a script says otherwise.
pub fn all_versions() -> ApiVersionsResponse {
    let keys = [
        ApiKey::Produce,
        ApiKey::Fetch,
        ApiKey::ListOffsets,
        ApiKey::Metadata,
        ApiKey::ApiVersions,
        ApiKey::CreateTopics,
        ApiKey::DeleteTopics,
        ApiKey::DeleteRecords,
        ApiKey::DescribeConfigs,
        ApiKey::DescribeTopicPartitions,
        ApiKey::InitProducerId,
        ApiKey::FindCoordinator,
        ApiKey::ListGroups,
        ApiKey::DescribeGroups,
        ApiKey::DeleteGroups,
    ];
    // The library knows an answer of InitProducerId that it has no request for.
    let newest = |key: ApiKey| if key == ApiKey::InitProducerId { 5 } else { key.valid_versions().max };
    let range = |key: ApiKey| (key, key.valid_versions().min, newest(key));
    api_versions(&keys.map(range))
}

/// Metadata of one broker that leads every partition of topic `orders`.
pub fn metadata(partitions: i32) -> MetadataResponse {
    let partition = |index| {
        MetadataResponsePartition::default()
            .with_partition_index(index)
            .with_leader_id(BrokerId(1))
            .with_leader_epoch(3)
            .with_replica_nodes(vec![BrokerId(1)])
            .with_isr_nodes(vec![BrokerId(1)])
    };
    MetadataResponse::default()
        .with_brokers(vec![
            MetadataResponseBroker::default()
                .with_node_id(BrokerId(1))
                .with_host("broker".to_owned().into())
                .with_port(9092),
        ])
        .with_controller_id(BrokerId(1))
        .with_topics(vec![
            MetadataResponseTopic::default()
                .with_name(Some(TopicName("orders".to_owned().into())))
                .with_topic_id(Uuid::from_u128(5))
                .with_partitions((0..partitions).map(partition).collect()),
        ])
}

/// Where a test's client connects first.
pub fn bootstrap() -> Vec<Endpoint> {
    vec![Endpoint::new("bootstrap", 9092)]
}

type Broker = Box<dyn FnMut(&Header, Bytes) -> Reply>;

/// Virtual time, a network without latency, and the broker.
pub struct Harness {
    pub now: Instant,
    pub connections: u64,
    pub rng: Prng,
    pub broker: Broker,
    pub inputs: VecDeque<Input>,
    /// Every connection and request, as the broker saw them: `connect broker:9092`, `Metadata v13`.
    pub seen: Vec<String>,
    /// Endpoints that refuse connections.
    pub refused: Vec<String>,
}

impl Harness {
    pub fn new(broker: impl FnMut(&Header, Bytes) -> Reply + 'static) -> Harness {
        Harness {
            now: Instant::ZERO,
            connections: 0,
            rng: Prng::new(1, "client"),
            broker: Box::new(broker),
            inputs: VecDeque::from([Input::Started]),
            seen: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Lets the client do something and carries out what follows from it.
    pub fn with<T>(&mut self, act: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let (mut effects, mut events, mut flushes) = (Vec::new(), Vec::new(), 0);
        let out = Outbox {
            effects: &mut effects,
            events: &mut events,
            connections: &mut self.connections,
            flushes: &mut flushes,
        };
        let epoch_ms = 1_700_000_000_000;
        let mut cx = Context { node: NodeId(1_001), now: self.now, epoch_ms, rng: &mut self.rng, out };
        let result = act(&mut cx);
        for effect in effects {
            self.carry_out(effect);
        }
        result
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Connect { conn, to } => {
                self.seen.push(format!("connect {to}"));
                let input = if self.refused.contains(&to.to_string()) {
                    Input::Disconnected { conn, reason: DisconnectReason::Refused }
                } else {
                    Input::Connected { conn, peer: Peer::Listener(to) }
                };
                self.inputs.push_back(input);
            }
            Effect::Send { conn, frame, .. } => {
                let (header, body) = decode_header(frame.head()).unwrap();
                self.seen.push(format!("{:?} v{}", header.api_key, header.version));
                let reply = (self.broker)(&header, body);
                self.answer(conn, reply);
            }
            Effect::Disconnect { reason, .. } => self.seen.push(format!("disconnect: {reason}")),
            _ => {}
        }
    }

    fn answer(&mut self, conn: ConnectionId, reply: Reply) {
        match reply {
            Reply::Frame(frame) => self.inputs.push_back(Input::Frame { conn, frame: frame.into() }),
            Reply::Silence => {}
            Reply::Close => {
                self.inputs.push_back(Input::Disconnected { conn, reason: DisconnectReason::PeerDown });
            }
        }
    }

    /// The next input: one that waits, or the timeout that the client asked for. `None` if it asks for none, or for one
    /// past `until`.
    pub fn next(&mut self, timeout: Option<Instant>, until: Instant) -> Option<Input> {
        if let Some(input) = self.inputs.pop_front() {
            return Some(input);
        }
        let at = timeout.filter(|at| *at <= until)?;
        self.now = self.now.max(at);
        Some(Input::Timeout)
    }
}

/// A moment, in milliseconds.
pub fn ms(ms: u64) -> Instant {
    Instant::from_micros(ms * 1_000)
}
