//! What a world is made of.

use std::time::Duration;

use blumfeld_broker::BrokerConfig;
use blumfeld_kernel::{Endpoint, Prng};

/// How long messages take. Each takes `latency`, up to `jitter` more, and its bytes at `bytes_per_second`.
#[derive(Clone, Copy, Debug)]
pub struct NetworkConfig {
    /// One way, at least.
    pub latency: Duration,
    /// At most so much more, drawn for each message.
    pub jitter: Duration,
    /// Bandwidth of a connection, above 0.
    pub bytes_per_second: u64,
}

impl Default for NetworkConfig {
    fn default() -> NetworkConfig {
        NetworkConfig {
            latency: Duration::from_micros(250),
            jitter: Duration::from_micros(100),
            bytes_per_second: 1_250_000_000,
        }
    }
}

/// How long a disk takes, and how much of it the page cache holds.
#[derive(Clone, Copy, Debug)]
pub struct DiskConfig {
    /// A flush, at least.
    pub flush_latency: Duration,
    /// A read from the device, at least.
    pub read_latency: Duration,
    /// Bandwidth, above 0.
    pub bytes_per_second: u64,
    /// Size of the page cache, in bytes.
    pub cache_size: u64,
    /// The operating system writes back by itself what has been dirty for so long (Linux: `dirty_expire_centisecs`).
    pub writeback_after: Duration,
}

impl Default for DiskConfig {
    fn default() -> DiskConfig {
        DiskConfig {
            flush_latency: Duration::from_millis(2),
            read_latency: Duration::from_millis(1),
            bytes_per_second: 500_000_000,
            cache_size: 256 * 1024 * 1024,
            writeback_after: Duration::from_secs(30),
        }
    }
}

/// Where the controllers listen of a cluster that clients outside connect to: inside the world alone, so the name is
/// nobody's address.
const CONTROLLER_PORT: u16 = 9_093;

/// The controller's listener of a node whose clients are outside.
pub fn controller_listener(id: i32) -> Endpoint {
    Endpoint::new(&format!("controller-{id}"), CONTROLLER_PORT)
}

/// A world.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    /// Seed of every random choice.
    pub seed: u64,
    /// Which life of the cluster this is: 0 at its beginning, another number each time that it goes on from its disks.
    /// What one life draws (ids of topics, members, incarnations, directories, sessions) no other may draw.
    pub boot: u64,
    /// Wall clock of all machines at the beginning, in milliseconds since 1970-01-01 UTC.
    pub epoch_ms: i64,
    /// The brokers.
    pub brokers: Vec<BrokerConfig>,
    /// The network.
    pub network: NetworkConfig,
    /// Every machine's disk.
    pub disk: DiskConfig,
    /// Whether a flush counts as done only once the store outside the world has it
    /// ([`World::store_committed`](crate::World::store_committed)).
    pub wait_for_store: bool,
}

impl WorldConfig {
    /// A cluster with a broker at each of `advertised`, and with these static configs in each, by name. Its network and
    /// its disks are as fast as they can be.
    ///
    /// # Errors
    /// A config that is none, in words.
    pub fn reached_at<'a>(
        advertised: &[Endpoint],
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
        seed: u64,
        epoch_ms: i64,
    ) -> Result<WorldConfig, String> {
        let count = i32::try_from(advertised.len()).unwrap_or(i32::MAX);
        let mut brokers = BrokerConfig::combined(count, seed);
        for (broker, advertised) in brokers.iter_mut().zip(advertised) {
            broker.advertised = advertised.clone();
            broker.controller_listener = controller_listener(broker.node_id);
            broker.voters.iter_mut().for_each(|(id, at)| *at = controller_listener(*id));
        }
        for (key, value) in settings {
            // A rack is a broker's own: several are those of the brokers in the order of their ids.
            let racks: Vec<&str> = value.split(',').map(str::trim).collect();
            if key == "broker.rack" && racks.len() > 1 {
                if racks.len() != brokers.len() {
                    return Err(format!(
                        "broker.rack has {} racks, and there are {count} brokers",
                        racks.len()
                    ));
                }
                brokers.iter_mut().zip(racks).try_for_each(|(broker, rack)| broker.set(key, rack))?;
                continue;
            }
            brokers.iter_mut().try_for_each(|broker| broker.set(key, value))?;
        }
        let network =
            NetworkConfig { latency: Duration::ZERO, jitter: Duration::ZERO, bytes_per_second: u64::MAX };
        let disk = DiskConfig {
            flush_latency: Duration::ZERO,
            read_latency: Duration::ZERO,
            bytes_per_second: u64::MAX,
            ..DiskConfig::default()
        };
        Ok(WorldConfig { seed, boot: 0, epoch_ms, brokers, network, disk, wait_for_store: false })
    }

    /// The generator of a domain in this life of the cluster.
    pub(crate) fn rng(&self, label: &str) -> Prng {
        match self.boot {
            0 => Prng::new(self.seed, label),
            boot => Prng::new(self.seed, &format!("{label}, boot {boot}")),
        }
    }
}
