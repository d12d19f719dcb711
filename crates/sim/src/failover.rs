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

    /// Whether every node that lives knows of a leader that lives for each partition.
    fn all_know(&self) -> bool {
        self.living().all(|broker| self.knows(broker))
    }

    /// Where the metadata log ends, as far as a node that lives has read it.
    fn metadata(&self) -> i64 {
        self.living().map(Broker::metadata_offset).max().unwrap_or(0)
    }

    /// Partitions that a node leads.
    fn led_by(&self, node: NodeId) -> usize {
        let image = self.living().next().map(Broker::image);
        let topics = image.into_iter().flat_map(|image| image.topics().values());
        topics.flat_map(|topic| topic.partitions.values()).filter(|known| known.leader == node.0).count()
    }

    fn create_topics(&mut self) {
        let at = self.world.config().brokers.iter().map(|broker| broker.advertised.clone()).collect();
        let load =
            LoadTopics::new(ClientConfig::new(at, "kafka-topics"), topics(self.partitions), Duration::ZERO);
        self.world.spawn(Box::new(load));
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

/// How far a measurement has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The nodes start.
    Starting,
    /// The topics are created; until every node knows them.
    Creating,
    /// The cluster is well, until then.
    Well(Instant),
    /// All nodes were stopped, until then.
    Stopped(Instant),
    /// It has happened.
    Watching,
}

/// A measurement that goes on in pieces, for a page that has other things to do.
pub struct Measuring {
    watched: Watched,
    scenario: Scenario,
    offset: Duration,
    stage: Stage,
    begun: Instant,
    controller: Option<(NodeId, i32)>,
    before: BTreeMap<(String, bool), Traffic>,
    log_end: i64,
    leaderless: usize,
    elected: Option<Instant>,
    leaders: Option<Instant>,
}

/// Measures a cluster with so many partitions, each with a replica on each of three nodes. `offset` is how long the
/// cluster has been well when it happens.
pub fn measure(seed: u64, partitions: i32, scenario: Scenario, offset: Duration) -> Measured {
    let mut measuring = Measuring::new(seed, partitions, scenario, offset);
    loop {
        if let Some(measured) = measuring.advance(u32::MAX) {
            return measured;
        }
    }
}

impl Measuring {
    /// One that has not begun; [`measure`] says what its arguments are.
    pub fn new(seed: u64, partitions: i32, scenario: Scenario, offset: Duration) -> Measuring {
        let world = cluster(seed);
        let mut watched = Watched { world, partitions, seen: BTreeMap::new() };
        watched.world.stop_digest();
        Measuring {
            watched,
            scenario,
            offset,
            stage: Stage::Starting,
            begun: Instant::ZERO,
            controller: None,
            before: BTreeMap::new(),
            log_end: 0,
            leaderless: 0,
            elected: None,
            leaders: None,
        }
    }

    /// Goes on by so many events at most. What was measured comes at the end; what takes longer than ten minutes of
    /// virtual time ends too, without it.
    pub fn advance(&mut self, events: u32) -> Option<Measured> {
        for _ in 0..events {
            let world = &mut self.watched.world;
            let waits = matches!(self.stage, Stage::Well(_) | Stage::Stopped(_));
            if !waits && (world.now() > self.begun + LONGEST || world.next_event().is_none()) {
                return Some(self.measured(None));
            }
            match self.stage {
                Stage::Starting => {
                    world.step();
                    if world.is_settled() {
                        match self.scenario {
                            Scenario::CreateTopics => self.happen(),
                            _ => {
                                self.watched.create_topics();
                                self.stage = Stage::Creating;
                            }
                        }
                    }
                }
                Stage::Creating => {
                    world.step();
                    if self.watched.read_on().is_some() && self.watched.all_know() {
                        // Until the replicas are there too.
                        let well = self.watched.world.now() + Duration::from_secs(2) + self.offset;
                        self.stage = Stage::Well(well);
                    }
                }
                Stage::Well(until) | Stage::Stopped(until) => {
                    if world.next_event().is_some_and(|at| at <= until) {
                        world.step();
                        continue;
                    }
                    world.run_until(until);
                    match self.stage {
                        Stage::Stopped(_) => {
                            self.begun = until;
                            let nodes: Vec<NodeId> = self.watched.world.nodes().collect();
                            nodes.iter().for_each(|node| self.watched.world.restart(*node));
                            self.watch();
                        }
                        _ => self.happen(),
                    }
                }
                Stage::Watching => {
                    world.step();
                    if let Some(known) = self.looks_back() {
                        return Some(self.measured(Some(known)));
                    }
                }
            }
        }
        None
    }

    /// It happens.
    fn happen(&mut self) {
        self.controller = self.watched.controller();
        self.before = self.watched.world.traffic();
        self.log_end = self.watched.metadata();
        self.begun = self.watched.world.now();
        let active = self.controller.map(|(node, _)| node);
        let dead = match self.scenario {
            Scenario::ControllerCrash => active,
            Scenario::BrokerCrash => self.watched.world.nodes().find(|node| Some(*node) != active),
            Scenario::ColdStart | Scenario::CreateTopics => None,
        };
        self.leaderless = match dead {
            Some(dead) => self.watched.led_by(dead),
            None => usize::try_from(self.watched.partitions).unwrap_or(0),
        };
        match (self.scenario, dead) {
            (_, Some(dead)) => self.watched.world.crash(dead),
            (Scenario::ColdStart, _) => {
                let nodes: Vec<NodeId> = self.watched.world.nodes().collect();
                nodes.iter().for_each(|node| self.watched.world.shut_down(*node));
                self.stage = Stage::Stopped(self.begun + Duration::from_secs(30));
                return;
            }
            _ => self.watched.create_topics(),
        }
        self.watch();
    }

    fn watch(&mut self) {
        self.watched.seen.clear();
        self.stage = Stage::Watching;
    }

    /// Looks after an event; gives when every node knew everything again.
    fn looks_back(&mut self) -> Option<Instant> {
        let now = self.watched.world.now();
        let before = self.controller.map_or(0, |(_, epoch)| epoch);
        if self.elected.is_none() && self.watched.controller().is_some_and(|(_, epoch)| epoch > before) {
            self.elected = Some(now);
        }
        let node = self.watched.read_on()?;
        if !self.watched.world.broker(node).is_some_and(|broker| self.watched.knows(broker)) {
            return None;
        }
        self.leaders = self.leaders.or(Some(now));
        // At a cold start they know what they read from their disks; it counts once they serve.
        let all = self.watched.all_know() && self.watched.living().all(Broker::is_serving);
        all.then_some(now)
    }

    fn measured(&self, known: Option<Instant>) -> Measured {
        let traffic = self.watched.world.traffic().into_iter().filter(|((_, between), _)| *between);
        let nodes = traffic.filter_map(|((name, between), now)| {
            let was = self.before.get(&(name.clone(), between)).copied().unwrap_or(Traffic::default());
            let (requests, bytes) = (now.requests - was.requests, now.bytes - was.bytes);
            (requests + bytes > 0).then_some(ApiCount { name, requests, bytes })
        });
        let after = |at: Option<Instant>| at.map(|at| at.since(self.begun));
        Measured {
            partitions: self.watched.partitions,
            scenario: self.scenario,
            leaderless: self.leaderless,
            elected: after(self.elected),
            leaders: after(self.leaders),
            known: after(known),
            nodes: nodes.collect(),
            metadata_records: self.watched.metadata() - self.log_end,
            events: self.watched.world.events(),
        }
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
