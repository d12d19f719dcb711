//! Runs every scenario in `tests/scenarios`: a text of commands, each followed by what is expected, indented. With
//! `UPDATE_EXPECT=1` the expected lines are rewritten; read the difference before you commit it.
//!
//! A scenario is a world of brokers and of clients that do what they are told and say what they see. Messages take one
//! millisecond, without jitter.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use blumfeld_broker::BrokerConfig;
use blumfeld_kernel::{ConnectionId, Context, Endpoint, Input, Instant, Node};
use blumfeld_protocol::frame::{decode_response, encode_request};
use blumfeld_protocol::messages::*;
use blumfeld_protocol::record_batch::{BatchBuilder, BatchOptions};
use blumfeld_protocol::{ErrorCode, Uuid};
use blumfeld_sim::{DiskConfig, Fault, NetworkConfig, Output, ProcessId, World, WorldConfig};
use bytes::Bytes;

/// A client that takes its commands from its standard input.
#[derive(Clone, Default)]
struct Probe {
    /// Connections by the name that the scenario gave them, with the requests under way.
    connections: BTreeMap<String, (ConnectionId, Vec<(ApiKey, i32)>)>,
    asked: i32,
    /// When it says that it is still there.
    alarm: Option<Instant>,
}

const VERSIONS: [(ApiKey, i16); 5] = [
    (ApiKey::ApiVersions, 0),
    (ApiKey::Metadata, 1),
    (ApiKey::CreateTopics, 2),
    (ApiKey::Produce, 8),
    (ApiKey::Fetch, 4),
];

fn version(key: ApiKey) -> i16 {
    VERSIONS.iter().find(|(known, _)| *known == key).map_or(0, |(_, version)| *version)
}

fn name(text: &str) -> TopicName {
    TopicName(text.to_owned().into())
}

fn config_of(text: &str) -> create_topics_request::CreatableTopicConfig {
    let (name, value) = text.split_once('=').unwrap();
    create_topics_request::CreatableTopicConfig::default()
        .with_name(name.to_owned().into())
        .with_value(Some(value.to_owned().into()))
}

fn say(cx: &mut Context<'_>, text: &str) {
    let line = format!("{} {}: {text}\n", cx.now, cx.node);
    cx.out.stdout(line);
}

impl Probe {
    fn command(&mut self, cx: &mut Context<'_>, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["connect", name, broker] => {
                let broker: u16 = broker.parse().unwrap();
                let conn = cx.out.connect(endpoint(broker));
                self.connections.insert(name.to_owned(), (conn, Vec::new()));
            }
            ["close", name] => {
                let (conn, _) = self.connections.remove(name).unwrap();
                cx.out.disconnect(conn, blumfeld_kernel::DisconnectReason::Closed);
            }
            ["clock"] => {
                let text = format!("clock {} ms", cx.unix_ms() - EPOCH_MS);
                say(cx, &text);
            }
            ["alarm", ms] => self.alarm = Some(cx.after_ms(ms.parse().unwrap())),
            [conn, api, ref rest @ ..] => {
                self.asked += 1;
                let (key, frame) = request(api, self.asked, rest);
                let (conn, asked) = self.connections.get_mut(conn).unwrap();
                if rest.get(1) != Some(&"acks=0") {
                    asked.push((key, self.asked));
                }
                cx.out.send(*conn, frame);
            }
            _ => panic!("no command {line}"),
        }
    }
}

fn request(api: &str, id: i32, rest: &[&str]) -> (ApiKey, Bytes) {
    fn frame<Q: blumfeld_protocol::wire::Encodable>(key: ApiKey, id: i32, body: &Q) -> (ApiKey, Bytes) {
        (key, encode_request(key, version(key), id, None, body).unwrap())
    }
    let topic = || name(rest[0]);
    match api {
        "api-versions" => frame(ApiKey::ApiVersions, id, &ApiVersionsRequest::default()),
        "metadata" => {
            let topic = metadata_request::MetadataRequestTopic::default().with_name(Some(topic()));
            frame(ApiKey::Metadata, id, &MetadataRequest::default().with_topics(Some(vec![topic])))
        }
        "create" => {
            let topic = create_topics_request::CreatableTopic::default()
                .with_name(topic())
                .with_num_partitions(1)
                .with_replication_factor(1)
                .with_configs(rest[1..].iter().map(|config| config_of(config)).collect());
            frame(ApiKey::CreateTopics, id, &CreateTopicsRequest::default().with_topics(vec![topic]))
        }
        "produce" => {
            let mut builder = BatchBuilder::new(BatchOptions::default());
            builder.append(EPOCH_MS, None, Some(b"record"), &[]);
            let data = produce_request::PartitionProduceData::default()
                .with_records(Some(builder.build().bytes().clone()));
            let topic = produce_request::TopicProduceData::default()
                .with_name(topic())
                .with_partition_data(vec![data]);
            let acks = if rest.get(1) == Some(&"acks=0") { 0 } else { -1 };
            let request = ProduceRequest::default().with_acks(acks).with_timeout_ms(1_000);
            frame(ApiKey::Produce, id, &request.with_topic_data(vec![topic]))
        }
        "fetch" => {
            let partition = fetch_request::FetchPartition::default().with_partition_max_bytes(1_000_000);
            let topic =
                fetch_request::FetchTopic::default().with_topic(topic()).with_partitions(vec![partition]);
            let wait = rest.get(1).map_or(0, |ms| ms.parse().unwrap());
            let request = FetchRequest::default().with_max_wait_ms(wait).with_min_bytes(1_000_000);
            frame(ApiKey::Fetch, id, &request.with_max_bytes(1_000_000).with_topics(vec![topic]))
        }
        other => panic!("no request {other}"),
    }
}

fn answer(key: ApiKey, frame: Bytes) -> String {
    fn read<A: blumfeld_protocol::wire::Decodable>(key: ApiKey, frame: Bytes) -> A {
        decode_response(key, version(key), frame).unwrap()
    }
    let code = match key {
        ApiKey::Metadata => read::<MetadataResponse>(key, frame).topics[0].error_code,
        ApiKey::CreateTopics => read::<CreateTopicsResponse>(key, frame).topics[0].error_code,
        ApiKey::Produce => {
            let response = read::<ProduceResponse>(key, frame);
            let partition = &response.responses[0].partition_responses[0];
            if partition.error_code == 0 {
                return format!("{key:?} offset {}", partition.base_offset);
            }
            partition.error_code
        }
        ApiKey::Fetch => {
            let response = read::<FetchResponse>(key, frame);
            let partition = &response.responses[0].partitions[0];
            if partition.error_code == 0 {
                let bytes = partition.records.as_ref().map_or(0, Bytes::len);
                return format!("{key:?} {bytes} B, high watermark {}", partition.high_watermark);
            }
            partition.error_code
        }
        _ => read::<ApiVersionsResponse>(key, frame).error_code,
    };
    format!("{key:?} {}", ErrorCode(code))
}

impl Node for Probe {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        let of = |wanted: ConnectionId, probe: &Probe| {
            probe.connections.iter().find(|(_, (conn, _))| *conn == wanted).map(|(name, _)| name.clone())
        };
        match input {
            Input::Stdin { bytes } => {
                let line = String::from_utf8(bytes.to_vec()).unwrap();
                self.command(cx, &line);
            }
            Input::Connected { conn, .. } => {
                if let Some(name) = of(conn, self) {
                    say(cx, &format!("{name} connected"));
                }
            }
            Input::Frame { conn, frame } => {
                let name = of(conn, self).expect("a connection of its own");
                let id = i32::from_be_bytes(*frame.head().first_chunk().unwrap());
                let asked = &mut self.connections.get_mut(&name).unwrap().1;
                assert_eq!(asked.first().map(|(_, id)| *id), Some(id), "responses come in order");
                let (key, _) = asked.remove(0);
                say(cx, &format!("{name} {}", answer(key, frame.into_bytes())));
            }
            Input::Disconnected { conn, reason } => {
                if let Some(name) = of(conn, self) {
                    self.connections.remove(&name);
                    say(cx, &format!("{name} lost: {reason}"));
                }
            }
            Input::Timeout if self.alarm.take_if(|at| *at <= cx.now).is_some() => say(cx, "alarm"),
            _ => {}
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.alarm
    }
}

const EPOCH_MS: i64 = 1_700_000_000_000;

fn endpoint(broker: u16) -> Endpoint {
    Endpoint::new("localhost", 9090 + 2 * broker)
}

/// What is told of the metadata is left out: here it is about faults.
const METADATA: [&str; 6] =
    ["__cluster_metadata", "controller", "created topic", "leader of", "high watermark", "registered"];

struct Scene {
    world: World,
    clients: Vec<ProcessId>,
    seen: String,
}

impl Scene {
    fn new(brokers: u16) -> Scene {
        let broker =
            |id: u16| BrokerConfig::new(i32::from(id), endpoint(id), Uuid::from_u128(u128::from(id)));
        let config = WorldConfig {
            boot: 0,
            seed: 1,
            epoch_ms: EPOCH_MS,
            brokers: (1..=brokers).map(broker).collect(),
            network: NetworkConfig {
                latency: Duration::from_millis(1),
                jitter: Duration::ZERO,
                bytes_per_second: 1_000_000_000_000,
            },
            disk: DiskConfig::default(),
            wait_for_store: false,
        };
        let mut world = World::new(config, BTreeMap::new());
        world.run_for(Duration::from_secs(10));
        assert!(world.is_ready());
        world.trace_mut().take();
        Scene { world, clients: Vec::new(), seen: String::new() }
    }

    fn look(&mut self) {
        for line in self.world.trace_mut().take().0 {
            let text = line.to_string();
            if !METADATA.iter().any(|word| text.contains(word)) {
                let _ = writeln!(self.seen, "{text}");
            }
        }
        for client in &self.clients {
            for output in self.world.take_output(*client) {
                if let Output::Stdout(text) = output {
                    self.seen.push_str(std::str::from_utf8(&text).unwrap());
                }
            }
        }
    }

    fn run_for(&mut self, span: Duration) {
        let until = self.world.now() + span;
        while self.world.next_event().is_some_and(|at| at <= until) {
            self.world.step();
            self.look();
        }
        self.world.run_until(until);
    }

    fn run(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["world", brokers] => *self = Scene::new(brokers.parse().unwrap()),
            ["client"] => {
                let client = self.world.spawn(Box::new(Probe::default()));
                self.clients.push(client);
            }
            ["run", span] => {
                let ms = match span.strip_suffix("ms") {
                    Some(ms) => ms.parse().unwrap(),
                    None => 1_000 * span.strip_suffix('s').unwrap().parse::<u64>().unwrap(),
                };
                self.run_for(Duration::from_millis(ms));
            }
            ["fault", ref words @ ..] => {
                match Fault::parse(&words.join(" ")).and_then(|fault| self.world.inject(fault)) {
                    Ok(()) => self.look(),
                    Err(error) => self.seen = format!("{error}\n"),
                }
            }
            ["faults"] => {
                for fault in self.world.faults() {
                    let _ = writeln!(self.seen, "{fault}");
                }
            }
            ["observed", trigger] => match self.world.observed(trigger) {
                None => self.seen = "nothing\n".to_owned(),
                Some((total, kept)) => {
                    let _ = writeln!(self.seen, "{total} in all");
                    for one in kept {
                        let _ = writeln!(self.seen, "{}", one.json());
                    }
                }
            },
            ["again"] => {
                // What is in force is the same in a world where nothing was, once each is injected there.
                let mut other = Scene::new(u16::try_from(self.world.nodes().count()).unwrap()).world;
                for _ in &self.clients {
                    other.spawn(Box::new(Probe::default()));
                }
                let faults = self.world.faults();
                faults.iter().for_each(|fault| other.inject(fault.clone()).unwrap());
                assert_eq!(other.faults(), faults);
                self.seen = format!("{} faults\n", faults.len());
            }
            [client, ..] => {
                let number: usize = client.parse().unwrap();
                let line = line.split_once(' ').unwrap().1.to_owned();
                self.world.write_stdin(self.clients[number - 1], line.into());
            }
            [] => {}
        }
        std::mem::take(&mut self.seen)
    }
}

#[test]
fn scenarios() {
    blumfeld_expect::check(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios"), |text| {
        let mut scene = Scene::new(1);
        blumfeld_expect::told(text, |line| scene.run(line))
    });
}
