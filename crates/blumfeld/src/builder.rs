//! What a cluster is to be, of either kind.

use std::time::Duration;

use crate::{Error, Simulation};

/// How long is waited for something, unless it is said otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a cluster is to be. It ends with [`simulate`](Builder::simulate), which is everywhere, or with `start`, which
/// gives a `Cluster` on loopback ports and is not in wasm.
///
/// ```
/// use blumfeld::Builder;
///
/// let simulation = Builder::new().brokers(3).config("num.partitions", "6").seed(7).simulate()?;
/// assert_eq!(simulation.view().brokers.len(), 3);
/// # Ok::<(), blumfeld::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    pub(crate) brokers: u16,
    pub(crate) configs: Vec<(String, String)>,
    pub(crate) seed: Option<u64>,
    pub(crate) patience: Duration,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder { brokers: 1, configs: Vec::new(), seed: None, patience: PATIENCE }
    }
}

impl Builder {
    /// One broker with Kafka's defaults.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// How many brokers it has: 1 to 9, and 1 unless it is said. Of them an odd number, five at most,
    /// are controllers as well.
    #[must_use]
    pub fn brokers(mut self, brokers: u16) -> Builder {
        self.brokers = brokers;
        self
    }

    /// A config of every broker, by its name in `server.properties`: `min.insync.replicas`, `num.partitions`,
    /// `default.replication.factor`, `auto.create.topics.enable`, `broker.session.timeout.ms`,
    /// `group.initial.rebalance.delay.ms` and others, which COMPAT.md lists. A topic's own configs are given to
    /// `create_topic_with`.
    #[must_use]
    pub fn config(mut self, key: &str, value: &str) -> Builder {
        self.configs.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Lets the cluster notice a crash within a second or two, where Kafka's defaults take 9 s, and 12 s if the broker
    /// that crashed was the controller. It sets `broker.session.timeout.ms` to 1000, `broker.heartbeat.interval.ms` to
    /// 200, `controller.quorum.fetch.timeout.ms` to 1000 and `controller.quorum.election.timeout.ms` to 300; a
    /// [`config`](Builder::config) after it overrides it. On a busy machine a broker that runs may be taken for dead,
    /// and comes back.
    #[must_use]
    pub fn quick_failover(self) -> Builder {
        let quick = [
            ("broker.session.timeout.ms", "1000"),
            ("broker.heartbeat.interval.ms", "200"),
            ("controller.quorum.fetch.timeout.ms", "1000"),
            ("controller.quorum.election.timeout.ms", "300"),
        ];
        quick.into_iter().fold(self, |builder, (key, value)| builder.config(key, value))
    }

    /// The seed of every random choice: ids, jitter, which of two faults comes first. Another one each time unless it
    /// is said, and 0 for a simulation.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Builder {
        self.seed = Some(seed);
        self
    }

    /// How long `until`, `produce` and the console's tools may take, at most: 30 s unless it is said. Real time of a
    /// cluster, virtual time of a simulation.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Builder {
        self.patience = patience;
        self
    }

    /// Starts it on free ports of the loopback, and waits until every broker serves. Not in wasm.
    ///
    /// # Errors
    /// [`Error::Start`]: a wrong number of brokers, a config that is none, no port.
    #[cfg(not(target_family = "wasm"))]
    #[cfg_attr(docsrs, doc(cfg(not(target_family = "wasm"))))]
    pub fn start(self) -> Result<crate::Cluster, Error> {
        self.check()?;
        crate::Cluster::begin(&self)
    }

    /// The same cluster without sockets, in virtual time.
    ///
    /// # Errors
    /// [`Error::Start`]: a wrong number of brokers, a config that is none.
    pub fn simulate(self) -> Result<Simulation, Error> {
        self.check()?;
        Simulation::begin(&self)
    }

    fn check(&self) -> Result<(), Error> {
        if (1..=9).contains(&self.brokers) {
            return Ok(());
        }
        Err(Error::Start(format!("a cluster has 1 to 9 brokers, not {}", self.brokers)))
    }
}
