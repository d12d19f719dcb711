//! A gateway in a process of its own, and a client of the fewest words.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a real process is waited for, with a bound"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use blumfeld_protocol::ApiKey;
use blumfeld_protocol::frame::{decode_response, encode_request};
use blumfeld_protocol::messages::{
    CreateTopicsRequest, CreateTopicsResponse, FetchRequest, FetchResponse, ListOffsetsRequest,
    ListOffsetsResponse, MetadataRequest, MetadataResponse, ProduceRequest, ProduceResponse, TopicName,
    create_topics_request, fetch_request, list_offsets_request, produce_request,
};
use blumfeld_protocol::record_batch::{BatchBuilder, BatchOptions};
use blumfeld_protocol::wire::{Decodable, Encodable};
use bytes::Bytes;

/// Nothing here takes longer.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running gateway. It is killed when dropped.
pub struct Gateway {
    child: Child,
    pub brokers: Vec<SocketAddr>,
    log: PathBuf,
}

impl Gateway {
    pub fn start(name: &str, args: &[&str]) -> Gateway {
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.log"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_blumfeld-gateway"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "debug"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses = line.trim().strip_prefix("Blumfeld is ready: ");
        let addresses =
            addresses.unwrap_or_else(|| panic!("{line:?}: {}", std::fs::read_to_string(&log).unwrap()));
        let brokers = addresses.split(',').map(|address| address.parse().unwrap()).collect();
        Gateway { child, brokers, log }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until the log says something.
    pub fn wait_for_log(&self, what: &str) -> String {
        wait_for(what, || Some(self.log()).filter(|log| log.contains(what)))
    }

    /// Resident memory, in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1_024
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Ctrl-C or SIGTERM; gives the exit code.
    pub fn stop(mut self, signal: &str) -> i32 {
        self.signal(signal);
        let status = wait_for("the end", || self.child.try_wait().unwrap());
        status.code().unwrap_or(-1)
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again until there is something.
pub fn wait_for<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A client's socket.
pub struct Client {
    pub stream: TcpStream,
    next: i32,
}

impl Client {
    pub fn connect(to: SocketAddr) -> Client {
        let stream = TcpStream::connect(to).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client { stream, next: 0 }
    }

    /// A client of the broker that leads the topic's partition.
    pub fn of_leader(gateway: &Gateway, topic: &str) -> Client {
        let mut client = Client::connect(gateway.brokers[0]);
        let leader = wait_for("a leader", || Some(client.leader(topic)).filter(|leader| *leader > 0));
        Client::connect(gateway.brokers[usize::try_from(leader - 1).unwrap()])
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub fn send(&mut self, frame: &[u8]) {
        let length = u32::try_from(frame.len()).unwrap().to_be_bytes();
        self.send_raw(&[&length[..], frame].concat());
    }

    pub fn receive(&mut self) -> std::io::Result<Bytes> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let mut frame = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        self.stream.read_exact(&mut frame)?;
        Ok(frame.into())
    }

    /// Whether the gateway closes the connection, and sends nothing before.
    pub fn is_closed(&mut self) -> bool {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Ok(_) => bytes.is_empty(),
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    pub fn ask<Q: Encodable, A: Decodable>(&mut self, key: ApiKey, version: i16, request: &Q) -> A {
        self.next += 1;
        self.send(&encode_request(key, version, self.next, Some("test".to_owned().into()), request).unwrap());
        decode_response(key, version, self.receive().unwrap()).unwrap()
    }

    pub fn create(&mut self, topic: &str, replication: i16) {
        let new = create_topics_request::CreatableTopic::default()
            .with_name(name(topic))
            .with_num_partitions(1)
            .with_replication_factor(replication);
        let request = CreateTopicsRequest::default().with_topics(vec![new]).with_timeout_ms(10_000);
        let response: CreateTopicsResponse = self.ask(ApiKey::CreateTopics, 7, &request);
        assert_eq!(response.topics[0].error_code, 0, "{response:?}");
    }

    /// The leader of the topic's partition, by broker id; none yet is -1.
    pub fn leader(&mut self, topic: &str) -> i32 {
        let one = blumfeld_protocol::messages::metadata_request::MetadataRequestTopic::default()
            .with_name(Some(name(topic)));
        let request =
            MetadataRequest::default().with_topics(Some(vec![one])).with_allow_auto_topic_creation(false);
        let response: MetadataResponse = self.ask(ApiKey::Metadata, 9, &request);
        response.topics[0].partitions.first().map_or(-1, |partition| partition.leader_id.0)
    }

    /// Produces one batch with acks=all; gives its base offset.
    pub fn produce(&mut self, topic: &str, values: &[&[u8]]) -> i64 {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        for value in values {
            builder.append(1_700_000_000_000, None, Some(value), &[]);
        }
        let partition = produce_request::PartitionProduceData::default()
            .with_index(0)
            .with_records(Some(builder.build().bytes().clone()));
        let data = produce_request::TopicProduceData::default()
            .with_name(name(topic))
            .with_partition_data(vec![partition]);
        let request =
            ProduceRequest::default().with_acks(-1).with_timeout_ms(10_000).with_topic_data(vec![data]);
        let response: ProduceResponse = self.ask(ApiKey::Produce, 9, &request);
        let done = &response.responses[0].partition_responses[0];
        assert_eq!(done.error_code, 0, "{response:?}");
        done.base_offset
    }

    /// The end of the topic's partition.
    pub fn end(&mut self, topic: &str) -> i64 {
        let partition =
            list_offsets_request::ListOffsetsPartition::default().with_partition_index(0).with_timestamp(-1);
        let one = list_offsets_request::ListOffsetsTopic::default()
            .with_name(name(topic))
            .with_partitions(vec![partition]);
        let request = ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![one]);
        let response: ListOffsetsResponse = self.ask(ApiKey::ListOffsets, 4, &request);
        response.topics[0].partitions[0].offset
    }

    pub fn fetch_frame(topic: &str, max_bytes: i32) -> Bytes {
        let partition = fetch_request::FetchPartition::default()
            .with_partition(0)
            .with_fetch_offset(0)
            .with_partition_max_bytes(max_bytes);
        let one =
            fetch_request::FetchTopic::default().with_topic(name(topic)).with_partitions(vec![partition]);
        let request = FetchRequest::default()
            .with_max_wait_ms(500)
            .with_min_bytes(1)
            .with_max_bytes(max_bytes)
            .with_topics(vec![one]);
        encode_request(ApiKey::Fetch, 11, 1, Some("test".to_owned().into()), &request).unwrap()
    }

    /// Bytes of the topic's batches from its beginning on.
    pub fn fetch(&mut self, topic: &str) -> Bytes {
        self.send(&Client::fetch_frame(topic, 64 * 1024 * 1024));
        let response: FetchResponse = decode_response(ApiKey::Fetch, 11, self.receive().unwrap()).unwrap();
        response.responses[0].partitions[0].records.clone().unwrap_or_default()
    }
}

pub fn name(text: &str) -> TopicName {
    TopicName(text.to_owned().into())
}
