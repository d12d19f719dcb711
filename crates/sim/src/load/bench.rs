//! What the benchmarks run, natively and in the browser alike: it does the work and counts; the caller has the clock.

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_broker::BrokerConfig;
use blumfeld_broker::ClassicGroupState;
use blumfeld_client::ClientConfig;
use blumfeld_client::consumer::{ConsumerConfig, OffsetReset};
use blumfeld_client::producer::ProducerConfig;
use blumfeld_kernel::NodeId;
use blumfeld_protocol::Uuid;

use super::{LoadConsumer, LoadMember, LoadProducer, LoadTransactions, MemberLoad, ProducerLoad, bootstrap};
use crate::{DiskConfig, NetworkConfig, Output, ProcessId, World, WorldConfig};

/// The topic of the measurements.
const TOPIC: &str = "bench";

/// Partitions of the topic that a cluster replicates.
const PARTITIONS: i32 = 3;

fn member(number: usize, group: &str) -> ConsumerConfig {
    let mut config = ConsumerConfig::new(ClientConfig::new(bootstrap(), &format!("bench-member-{number}")));
    config.group_id = Some(group.to_owned());
    config.auto_offset_reset = OffsetReset::Earliest;
    config
}

/// A world of brokers, one producer and one consumer.
#[derive(Clone)]
pub struct Bench {
    world: World,
    records: u64,
    size: usize,
}

impl Bench {
    /// A world of one broker that serves, for so many records of so many bytes.
    pub fn new(records: u64, size: usize) -> Bench {
        let listener = bootstrap().remove(0);
        Bench::with(vec![BrokerConfig::new(1, listener, Uuid::from_u128(7))], records, size)
    }

    /// A world of three brokers that serve, and replicate three partitions to each.
    pub fn cluster(records: u64, size: usize) -> Bench {
        let mut brokers = BrokerConfig::cluster(3, 3, Uuid::from_u128(7));
        for broker in &mut brokers {
            broker.num_partitions = PARTITIONS;
            broker.default_replication_factor = 3;
        }
        Bench::with(brokers, records, size)
    }

    fn with(brokers: Vec<BrokerConfig>, records: u64, size: usize) -> Bench {
        let config = WorldConfig {
            boot: 0,
            seed: 1,
            epoch_ms: 1_700_000_000_000,
            brokers,
            network: NetworkConfig::default(),
            disk: DiskConfig::default(),
            wait_for_store: false,
        };
        let mut world = World::new(config, BTreeMap::new());
        let deadline = world.now() + Duration::from_secs(60);
        while !world.is_ready() && world.now() < deadline && world.step() {}
        Bench { world, records, size }
    }

    /// Produces all records into one partition; gives how many the log has then.
    pub fn produce(&mut self) -> u64 {
        let process = self.producer(self.records);
        self.finish(process);
        let broker = self.world.broker(NodeId(1));
        let end =
            broker.and_then(|broker| broker.replicas().get(TOPIC, 0)).map_or(0, |one| one.log().log_end());
        u64::try_from(end).unwrap_or(0)
    }

    /// Reads all records back; gives how many the broker handed out.
    pub fn fetch(&mut self) -> u64 {
        let config = ConsumerConfig::new(ClientConfig::new(bootstrap(), "bench-consumer"));
        let ends = BTreeMap::from([(0, i64::try_from(self.records).unwrap_or(i64::MAX))]);
        let process = self.world.spawn(Box::new(LoadConsumer::new(config, TOPIC, ends, false)));
        self.finish(process);
        self.world.broker(NodeId(1)).map_or(0, |broker| broker.stats().records_out)
    }

    /// Produces all records with acks=all while a group of one member reads them; gives how many it was given. Both are
    /// told of the topic before.
    pub fn through(&mut self) -> u64 {
        let config = member(0, "bench");
        let load = MemberLoad {
            topic: TOPIC.into(),
            processing: Duration::ZERO,
            until: self.records + 1,
            report: false,
        };
        let member = self.world.spawn(Box::new(LoadMember::new(config, load)));
        self.producer(self.records);
        self.finish(member);
        self.world.nodes().filter_map(|node| Some(self.world.broker(node)?.stats().records_out)).sum()
    }

    /// Produces so many times a hundred records, each time in a transaction or only waiting for them; gives the
    /// milliseconds of virtual time that it takes.
    pub fn hundreds(&mut self, count: u64, transactional: bool) -> f64 {
        let begun = self.world.now();
        let mut config = ProducerConfig::new(ClientConfig::new(bootstrap(), "bench-hundreds"));
        config.transactional_id = transactional.then(|| "bench".to_owned());
        let load = LoadTransactions::new(config, TOPIC, (count, 100), self.size);
        let process = self.world.spawn(Box::new(load));
        self.finish(process);
        self.world.now().since(begun).as_secs_f64() * 1e3
    }

    /// Has one record acknowledged.
    pub fn first_ack(&mut self) {
        let process = self.producer(1);
        self.finish(process);
    }

    /// Three members join a group at once, and each is given a partition; the milliseconds of virtual time that it
    /// takes, of which `group.initial.rebalance.delay.ms` are waited for more members.
    pub fn join(&mut self) -> f64 {
        let begun = self.world.now();
        for number in 0..3 {
            let load =
                MemberLoad { topic: TOPIC.into(), processing: Duration::ZERO, until: 0, report: false };
            self.world.spawn(Box::new(LoadMember::new(member(number, "three"), load)));
        }
        let deadline = begun + Duration::from_secs(60);
        while self.world.now() < deadline && self.world.step() {
            let brokers = self.world.nodes().filter_map(|node| self.world.broker(node));
            let mut groups = brokers.flat_map(|broker| broker.groups().groups());
            if groups.any(|group| group.state() == ClassicGroupState::Stable && group.members().len() == 3) {
                break;
            }
        }
        self.world.now().since(begun).as_secs_f64() * 1e3
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }

    fn producer(&mut self, records: u64) -> ProcessId {
        let config = ProducerConfig::new(ClientConfig::new(bootstrap(), "bench-producer"));
        let load = ProducerLoad {
            topic: TOPIC.into(),
            records,
            size: self.size,
            keys: 0,
            base: 0,
            burst: 0,
            pause: Duration::ZERO,
            report: false,
        };
        self.world.spawn(Box::new(LoadProducer::new(config, load)))
    }

    /// Events that the world has handled.
    pub fn events(&self) -> u64 {
        self.world.events()
    }

    /// Runs until a process has ended, but no longer than an hour of virtual time.
    fn finish(&mut self, process: ProcessId) {
        let deadline = self.world.now() + Duration::from_secs(3_600);
        while self.world.now() < deadline && self.world.step() {
            // Exit is all that these processes say.
            let output = self.world.take_output(process);
            if output.iter().any(|output| matches!(output, Output::Exit(_))) {
                return;
            }
        }
    }
}
