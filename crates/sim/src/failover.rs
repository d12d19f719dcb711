//! How long a cluster is without an active controller and without leaders, and what it costs to get them back: the same
//! questions that `blumfeld-zookeeper` answers for the time before KRaft.
//!
//! The cluster is the real one: three nodes that are broker and controller each, topics whose partitions have three
//! replicas, and a disk and a network as fast as a world's by default.

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_broker::{Broker, BrokerConfig};
use blumfeld_client::ClientConfig;
use blumfeld_client::admin::NewTopic;
use blumfeld_kernel::{Instant, NodeId};

use crate::load::LoadTopics;
use crate::{DiskConfig, NetworkConfig, Traffic, World, WorldConfig};

/// What happens to a cluster that is well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scenario {
    /// The process of the active controller is killed; it leads partitions too.
    ControllerCrash,
    /// The process of another node is killed.
    BrokerCrash,
    /// All nodes were stopped in order, and start at once; topics are there.
    ColdStart,
    /// The topics are created.
    CreateTopics,
}

/// How much there was of one API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiCount {
    /// Its name: `BrokerHeartbeat`.
    pub name: String,
    /// Requests.
    pub requests: u64,
    /// Bytes of requests and answers.
    pub bytes: u64,
}

/// What was measured, in virtual time from the moment at which it happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Measured {
    /// How many partitions there are.
    pub partitions: i32,
    /// What happened.
    pub scenario: Scenario,
    /// Partitions that lost their leader by it.
    pub leaderless: usize,
    /// Until another node leads the quorum; `None` if the active controller stayed. It has read everything by then:
    /// its metadata log is everything.
    pub elected: Option<Duration>,
    /// Until a node that lives knows of a leader that lives for each partition.
    pub leaders: Option<Duration>,
    /// Until every node that lives knows of them.
    pub known: Option<Duration>,
    /// Requests between nodes until then, by API.
    pub nodes: Vec<ApiCount>,
    /// Records that the metadata log has got since.
    pub metadata_records: i64,
    /// Events of the run, its preparation too.
    pub events: u64,
}

impl Measured {
    /// Requests between nodes.
    pub fn requests(&self) -> u64 {
        self.nodes.iter().map(|api| api.requests).sum()
    }

    /// Bytes between nodes.
    pub fn bytes(&self) -> u64 {
        self.nodes.iter().map(|api| api.bytes).sum()
    }
}

/// The longest that anything may take.
const LONGEST: Duration = Duration::from_secs(600);

/// Topics that have so many partitions together, at most a hundred each.
fn topics(partitions: i32) -> Vec<NewTopic> {
    let full = (0..partitions / 100).map(|n| (n, 100));
    let rest = (partitions % 100 > 0).then_some((partitions / 100, partitions % 100));
    let topic = |(n, count): (i32, i32)| NewTopic {
        name: format!("topic-{n:04}"),
        partitions: None,
        replication_factor: None,
        // One node after the other: each leads a third.
        assignments: (0..count).map(|p| (p, (0..3).map(|r| (p + r) % 3 + 1).collect())).collect(),
        configs: BTreeMap::new(),
    };
    full.chain(rest).map(topic).collect()
}

/// A cluster whose partitions can be counted while it runs.
struct Watched {
    world: World,
    partitions: i32,
    /// How far each node had read the metadata log when it was looked at.
    seen: BTreeMap<NodeId, i64>,
}

impl Watched {
    fn living(&self) -> impl Iterator<Item = &Broker> {
        self.world.nodes().filter_map(|node| self.world.broker(node))
    }

    fn controller(&self) -> Option<(NodeId, i32)> {
        let active = self.living().filter(|broker| broker.is_active_controller());
        active.map(|broker| (NodeId(broker.id()), broker.controller_epoch())).max_by_key(|(_, epoch)| *epoch)
    }

    /// Whether a node knows of a leader that lives for each partition.
    fn knows(&self, broker: &Broker) -> bool {
        let led = |leader: i32| self.world.broker(NodeId(leader)).is_some();
        let topics = broker.image().topics().values().filter(|topic| topic.name.starts_with("topic-"));
        let mut count = 0;
        for partition in topics.flat_map(|topic| topic.partitions.values()) {
            if !led(partition.leader) {
                return false;
            }
            count += 1;
        }
        count == self.partitions
    }

    /// The node that acted, if it has read on in the metadata log since.
    fn read_on(&mut self) -> Option<NodeId> {
        let node = self.world.acted()?;
        let offset = self.world.broker(node)?.metadata_offset();
        (self.seen.insert(node, offset) != Some(offset)).then_some(node)
    }

    /// Runs until something is so, and says when.
    fn run_while(&mut self, mut done: impl FnMut(&mut Watched) -> bool) -> Option<Instant> {
        let until = self.world.now() + LONGEST;
        while self.world.next_event().is_some_and(|at| at <= until) {
            self.world.step();
            if done(self) {
                return Some(self.world.now());
            }
        }
        None
    }

    fn create_topics(&mut self) {
        let at = self.world.config().brokers.iter().map(|broker| broker.advertised.clone()).collect();
        let load =
            LoadTopics::new(ClientConfig::new(at, "kafka-topics"), topics(self.partitions), Duration::ZERO);
        self.world.spawn(Box::new(load));
    }

    /// Runs until every node knows every partition, and its replicas are there.
    fn well(&mut self) {
        self.run_while(|this| this.read_on().is_some() && this.living().all(|broker| this.knows(broker)));
        self.world.run_for(Duration::from_secs(2));
    }
}

/// A world of three nodes with nothing but defaults.
pub fn cluster(seed: u64) -> World {
    let config = WorldConfig {
        seed,
        boot: 0,
        epoch_ms: 1_600_000_000_000,
        brokers: BrokerConfig::combined(3, seed),
        network: NetworkConfig::default(),
        disk: DiskConfig::default(),
        wait_for_store: false,
    };
    World::new(config, BTreeMap::new())
}

/// Measures a cluster with so many partitions, each with a replica on each of three nodes. `offset` is how long the
/// cluster has been well when it happens.
pub fn measure(seed: u64, partitions: i32, scenario: Scenario, offset: Duration) -> Measured {
    let world = cluster(seed);
    let mut watched = Watched { world, partitions, seen: BTreeMap::new() };
    watched.world.stop_digest();
    watched.run_while(|this| this.world.is_settled());
    if scenario != Scenario::CreateTopics {
        watched.create_topics();
        watched.well();
        watched.world.run_for(offset);
    }
    let controller = watched.controller();
    let before = watched.world.traffic();
    let metadata = |this: &Watched| this.living().map(Broker::metadata_offset).max().unwrap_or(0);
    let log_end = metadata(&watched);
    let mut begun = watched.world.now();
    let dead = match scenario {
        Scenario::ControllerCrash => controller.map(|(node, _)| node),
        Scenario::BrokerCrash => {
            watched.world.nodes().find(|node| Some(*node) != controller.map(|(node, _)| node))
        }
        Scenario::ColdStart | Scenario::CreateTopics => None,
    };
    let led = |this: &Watched, dead: NodeId| {
        let image = this.living().next().map(Broker::image);
        let topics = image.into_iter().flat_map(|image| image.topics().values());
        topics.flat_map(|topic| topic.partitions.values()).filter(|known| known.leader == dead.0).count()
    };
    let leaderless = match dead {
        Some(dead) => led(&watched, dead),
        None => usize::try_from(partitions).unwrap_or(0),
    };
    match (scenario, dead) {
        (_, Some(dead)) => watched.world.crash(dead),
        (Scenario::ColdStart, _) => {
            let nodes: Vec<NodeId> = watched.world.nodes().collect();
            nodes.iter().for_each(|node| watched.world.shut_down(*node));
            watched.world.run_for(Duration::from_secs(30));
            begun = watched.world.now();
            nodes.iter().for_each(|node| watched.world.restart(*node));
        }
        _ => watched.create_topics(),
    }
    watched.seen.clear();
    let before_epoch = controller.map_or(0, |(_, epoch)| epoch);
    let (mut elected, mut leaders) = (None, None);
    let known = watched.run_while(|this| {
        let now = this.world.now();
        if elected.is_none() && this.controller().is_some_and(|(_, epoch)| epoch > before_epoch) {
            elected = Some(now);
        }
        let Some(node) = this.read_on() else { return false };
        if !this.world.broker(node).is_some_and(|broker| this.knows(broker)) {
            return false;
        }
        leaders = leaders.or(Some(now));
        // At a cold start they know what they read from their disks; it counts once they serve.
        this.living().all(|broker| this.knows(broker) && broker.is_serving())
    });
    let traffic = watched.world.traffic().into_iter().filter(|((_, between), _)| *between);
    let nodes = traffic.filter_map(|((name, between), now)| {
        let was = before.get(&(name.clone(), between)).copied().unwrap_or(Traffic::default());
        let (requests, bytes) = (now.requests - was.requests, now.bytes - was.bytes);
        (requests + bytes > 0).then_some(ApiCount { name, requests, bytes })
    });
    let after = |at: Option<Instant>| at.map(|at| at.since(begun));
    Measured {
        partitions,
        scenario,
        leaderless,
        elected: after(elected),
        leaders: after(leaders),
        known: after(known),
        nodes: nodes.collect(),
        metadata_records: metadata(&watched) - log_end,
        events: watched.world.events(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What has to be so of any number of partitions, whatever the numbers are.
    #[test]
    fn what_happens_has_its_order() {
        for scenario in
            [Scenario::ControllerCrash, Scenario::BrokerCrash, Scenario::ColdStart, Scenario::CreateTopics]
        {
            let found = measure(1, 12, scenario, Duration::from_secs(1));
            let said = format!("{found:?}");
            let elects = matches!(scenario, Scenario::ControllerCrash | Scenario::ColdStart);
            assert_eq!(found.elected.is_some(), elects, "{said}");
            assert!(found.leaders.is_some() && found.leaders <= found.known, "{said}");
            assert!(found.elected.is_none_or(|at| found.leaders >= Some(at)), "{said}");
            assert!(found.leaderless >= 4 && found.requests() > 0 && found.metadata_records > 0, "{said}");
        }
    }
}
