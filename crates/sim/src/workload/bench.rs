//! What the benchmarks run, natively and in the browser alike: it does the work and counts; the caller has the clock.

use std::collections::BTreeMap;
use std::time::Duration;

use barnabas_broker::BrokerConfig;
use barnabas_client::ClientConfig;
use barnabas_client::consumer::ConsumerConfig;
use barnabas_client::producer::ProducerConfig;
use barnabas_kernel::NodeId;
use barnabas_protocol::Uuid;

use super::{ConsumerWorkload, ProducerLoad, ProducerWorkload, bootstrap};
use crate::{DiskConfig, NetworkConfig, Output, ProcessId, World, WorldConfig};

/// The topic of the measurements.
const TOPIC: &str = "bench";

/// A world of one broker, one producer and one consumer.
#[derive(Clone)]
pub struct Bench {
    world: World,
    records: u64,
    size: usize,
}

impl Bench {
    /// A world that serves, for so many records of so many bytes.
    pub fn new(records: u64, size: usize) -> Bench {
        let listener = bootstrap().remove(0);
        let config = WorldConfig {
            seed: 1,
            epoch_ms: 1_700_000_000_000,
            brokers: vec![BrokerConfig::new(1, listener, Uuid::from_u128(7))],
            network: NetworkConfig::default(),
            disk: DiskConfig::default(),
            wait_for_store: false,
        };
        let mut world = World::new(config, BTreeMap::new());
        world.run_for(Duration::from_secs(1));
        Bench { world, records, size }
    }

    /// Produces all records into one partition; gives how many the log has then.
    pub fn produce(&mut self) -> u64 {
        let config = ProducerConfig::new(ClientConfig::new(bootstrap(), "bench-producer"));
        let load = ProducerLoad {
            topic: TOPIC.into(),
            records: self.records,
            size: self.size,
            keys: 0,
            base: 0,
            burst: 0,
            pause: Duration::ZERO,
            report: false,
        };
        let process = self.world.spawn(Box::new(ProducerWorkload::new(config, load)));
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
        let process = self.world.spawn(Box::new(ConsumerWorkload::new(config, TOPIC, ends, false)));
        self.finish(process);
        self.world.broker(NodeId(1)).map_or(0, |broker| broker.stats().records_out)
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
