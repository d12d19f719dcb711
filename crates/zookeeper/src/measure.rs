//! How long a cluster is without a controller and without leaders, and what it costs to get them back.

use std::time::Duration;

use blumfeld_kernel::{Instant, NodeId};

use crate::cluster::{Channel, Cluster, ClusterConfig};
use crate::controller::Milestones;
use crate::znodes::LeaderAndIsr;

/// What happens to a cluster that is well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scenario {
    /// The process of the broker that is the controller is killed.
    ControllerCrash,
    /// The process of another broker is killed.
    BrokerCrash,
    /// All brokers were stopped, and start at once; topics are there.
    ColdStart,
    /// The topics are made.
    CreateTopics,
}

/// How much there was of one API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiCount {
    /// Its name: `multi`, `LeaderAndIsr`.
    pub name: &'static str,
    /// Requests.
    pub requests: u64,
    /// Bytes of requests, answers and watch events.
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
    /// Until ZooKeeper has taken the dead broker's session for over; `None` if none was.
    pub session_expired: Option<Duration>,
    /// Until a new controller has `/controller`; `None` if none was elected.
    pub elected: Option<Duration>,
    /// Until it has read everything back.
    pub read_back: Option<Duration>,
    /// Until every partition has a leader that lives, in ZooKeeper.
    pub leaders: Option<Duration>,
    /// Until every broker that lives knows them all.
    pub known: Option<Duration>,
    /// Until the controller is done and every request of its is answered.
    pub settled: Option<Duration>,
    /// Requests to ZooKeeper until then, by operation; pings too.
    pub zookeeper: Vec<ApiCount>,
    /// Requests between brokers until then, by API.
    pub brokers: Vec<ApiCount>,
    /// Flushes of ZooKeeper's transaction log until then.
    pub flushes: u64,
    /// Events of the run, its preparation too.
    pub events: u64,
}

impl Measured {
    /// Requests to ZooKeeper.
    pub fn zookeeper_requests(&self) -> u64 {
        self.zookeeper.iter().map(|api| api.requests).sum()
    }

    /// Requests between brokers.
    pub fn broker_requests(&self) -> u64 {
        self.brokers.iter().map(|api| api.requests).sum()
    }

    /// Bytes of everything.
    pub fn bytes(&self) -> u64 {
        self.zookeeper.iter().chain(&self.brokers).map(|api| api.bytes).sum()
    }
}

/// The longest that anything may take.
const LONGEST: Duration = Duration::from_secs(600);

/// Topics that have so many partitions together, at most a hundred each: name and number.
pub fn partitions_by_topic(partitions: i32) -> Vec<(String, i32)> {
    let full = (0..partitions / 100).map(|n| (n, 100));
    let rest = (partitions % 100 > 0).then_some((partitions / 100, partitions % 100));
    full.chain(rest).map(|(n, count)| (format!("topic-{n:04}"), count)).collect()
}

/// Measures a cluster of `config` with so many partitions, each with a replica on three brokers. `offset` is how long
/// the cluster has been well when it happens: where in the sessions' pings the crash falls.
pub fn measure(config: ClusterConfig, partitions: i32, scenario: Scenario, offset: Duration) -> Measured {
    let mut measuring = Measuring::new(config, partitions, scenario, offset);
    loop {
        if let Some(measured) = measuring.advance(u32::MAX) {
            return measured;
        }
    }
}

/// How far a measurement has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The brokers start, and one is elected.
    Starting,
    /// The topics are made; until every broker knows them.
    Creating,
    /// Until nothing is under way.
    Calming,
    /// The cluster is well, until then.
    Well(Instant),
    /// All brokers are down, until then.
    Stopped(Instant),
    /// It has happened.
    Watching,
}

/// A measurement that goes on in pieces, for a page that has other things to do.
#[derive(Clone, Debug)]
pub struct Measuring {
    cluster: Cluster,
    partitions: i32,
    scenario: Scenario,
    offset: Duration,
    stage: Stage,
    /// Updates of metadata that all brokers had when they were looked at.
    updates: u64,
    /// The transaction from which znodes are looked at again.
    next_look: i64,
    begun: Instant,
    epoch: i32,
    expired: usize,
    flushes: u64,
    dead: Option<i32>,
    leaderless: usize,
    session_expired: Option<Instant>,
    leaders: Option<Instant>,
    known: Option<Instant>,
    settled: Option<Instant>,
}

impl Measuring {
    /// One that has not begun; see [`measure`].
    pub fn new(config: ClusterConfig, partitions: i32, scenario: Scenario, offset: Duration) -> Measuring {
        Measuring {
            // What went over the network is counted; nobody looks at it.
            cluster: Cluster::new(ClusterConfig { keep: 0, ..config }),
            partitions,
            scenario,
            offset,
            stage: Stage::Starting,
            updates: 0,
            next_look: 0,
            begun: Instant::ZERO,
            epoch: 0,
            expired: 0,
            flushes: 0,
            dead: None,
            leaderless: 0,
            session_expired: None,
            leaders: None,
            known: None,
            settled: None,
        }
    }

    /// The cluster, to look at.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Handles at most so many events. What was measured, once it is.
    pub fn advance(&mut self, events: u32) -> Option<Measured> {
        for _ in 0..events {
            let late = self.cluster.now().since(self.begun) > LONGEST;
            let Some(acted) = self.cluster.step().filter(|_| !late) else { return Some(self.measured()) };
            match self.stage {
                Stage::Starting if acted.is_some() && self.cluster.is_settled().is_ok() => {
                    if self.scenario == Scenario::CreateTopics {
                        self.happen();
                    } else {
                        self.make_topics();
                        self.stage = Stage::Creating;
                    }
                }
                Stage::Creating => {
                    let known = self.told() && self.all_known();
                    if known {
                        self.stage = Stage::Calming;
                    }
                }
                Stage::Calming if self.is_calm() => {
                    self.stage = Stage::Well(self.cluster.now() + self.offset);
                }
                Stage::Well(until) if self.cluster.now() >= until => self.happen(),
                Stage::Stopped(until) if self.cluster.now() >= until => {
                    self.begin();
                    self.cluster.broker_ids().for_each(|id| self.cluster.start(id));
                }
                Stage::Watching => {
                    self.watch(acted);
                    if self.settled.is_some() {
                        return Some(self.measured());
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn make_topics(&mut self) {
        for (topic, count) in partitions_by_topic(self.partitions) {
            self.cluster.create_spread_topic(&topic, count, 3);
        }
    }

    /// Whether a broker has heard something since the last look.
    fn told(&mut self) -> bool {
        let updates = self.cluster.brokers().map(|broker| broker.metadata().updates).sum::<u64>();
        std::mem::replace(&mut self.updates, updates) != updates
    }

    /// Whether every broker that lives tells of a leader that lives, of all partitions.
    fn all_known(&self) -> bool {
        let brokers: Vec<_> = self.cluster.brokers().collect();
        let lives = |id: i32| brokers.iter().any(|broker| broker.id() == id);
        brokers.iter().all(|broker| {
            let told = &broker.metadata().partitions;
            i32::try_from(told.len()).is_ok_and(|count| count == self.partitions)
                && told.values().all(|state| lives(state.leader))
        })
    }

    /// Whether every partition has a leader that lives, in ZooKeeper.
    fn all_led(&self) -> bool {
        let mut count = 0;
        let states = self.cluster.ensemble().tree().iter().filter(|(path, _)| path.ends_with("/state"));
        for (_, node) in states {
            let state = LeaderAndIsr::decode(node.data.as_ref(), 0);
            if state.is_none_or(|state| self.cluster.broker(state.leader).is_none()) {
                return false;
            }
            count += 1;
        }
        count == self.partitions
    }

    fn is_calm(&self) -> bool {
        self.cluster.brokers().all(|broker| broker.controller().is_idle())
    }

    fn begin(&mut self) {
        self.cluster.reset_counts();
        let ensemble = self.cluster.ensemble();
        (self.expired, self.flushes) = (ensemble.expired().len(), ensemble.flushes());
        self.next_look = ensemble.zxid();
        self.begun = self.cluster.now();
        self.stage = Stage::Watching;
    }

    fn happen(&mut self) {
        let epochs = self.cluster.brokers().map(|broker| broker.controller().epoch());
        self.epoch = epochs.max().unwrap_or(0);
        self.leaderless = usize::try_from(self.partitions).unwrap_or(0);
        self.begin();
        let controller = self.cluster.controller();
        match self.scenario {
            Scenario::ControllerCrash => self.crash(controller),
            Scenario::BrokerCrash => {
                self.crash(self.cluster.broker_ids().find(|id| Some(*id) != controller));
            }
            Scenario::CreateTopics => self.make_topics(),
            Scenario::ColdStart => {
                self.cluster.broker_ids().for_each(|id| self.cluster.crash(id));
                // Until every session is over.
                self.stage = Stage::Stopped(self.begun + Duration::from_secs(60));
            }
        }
    }

    fn crash(&mut self, broker: Option<i32>) {
        let Some(dead) = broker else { return };
        let told = self.cluster.broker(dead).map(|broker| &broker.metadata().partitions);
        self.leaderless = told.map_or(0, |told| told.values().filter(|state| state.leader == dead).count());
        self.cluster.crash(dead);
        self.dead = Some(dead);
    }

    /// When the controller that was elected since had what.
    fn milestones(&self) -> Option<Milestones> {
        let controllers = self.cluster.brokers().map(crate::Broker::controller);
        let newest = controllers.max_by_key(|controller| controller.epoch());
        newest.filter(|found| found.epoch() > self.epoch).map(crate::controller::Controller::milestones)
    }

    fn watch(&mut self, acted: Option<NodeId>) {
        let now = self.cluster.now();
        let ensemble = self.cluster.ensemble();
        if self.dead.is_some() && self.session_expired.is_none() && ensemble.expired().len() > self.expired {
            self.session_expired = Some(now);
        }
        let zxid = ensemble.zxid();
        let told = self.told();
        // At a cold start znodes name leaders that live again, and nobody leads before a controller has said so.
        let believed =
            self.scenario != Scenario::ColdStart || self.milestones().is_some_and(|had| had.ready.is_some());
        // A broker's update or a write may have been the last one. Looking costs as much as there are partitions, so
        // znodes are looked at when a broker has heard something, or so many transactions later.
        if self.leaders.is_none() && believed && acted.is_some() && (zxid >= self.next_look || told) {
            self.next_look = zxid + i64::from(self.partitions) / 100;
            if self.all_led() {
                self.leaders = Some(now);
            }
        }
        if self.known.is_none() && told && self.all_known() {
            self.known = Some(now);
            self.leaders = self.leaders.or(Some(now));
        }
        if self.known.is_some() && self.is_calm() && (self.dead.is_none() || self.session_expired.is_some()) {
            self.settled = Some(now);
        }
    }

    fn measured(&self) -> Measured {
        let after = |at: Option<Instant>| at.map(|at| at.since(self.begun));
        let counts = |wanted: Channel| {
            let of = self.cluster.log().counts().iter().filter(|((channel, _), _)| *channel == wanted);
            let each = of.map(|((_, name), counted)| ApiCount {
                name,
                requests: counted.requests,
                bytes: counted.bytes,
            });
            each.collect()
        };
        let had = self.milestones();
        Measured {
            partitions: self.partitions,
            scenario: self.scenario,
            leaderless: self.leaderless,
            session_expired: after(self.session_expired),
            elected: after(had.and_then(|had| had.elected)),
            read_back: after(had.and_then(|had| had.read)),
            leaders: after(self.leaders),
            known: after(self.known),
            settled: after(self.settled),
            zookeeper: counts(Channel::ZooKeeper),
            brokers: counts(Channel::Brokers),
            flushes: self.cluster.ensemble().flushes() - self.flushes,
            events: self.cluster.events(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What has to be so of any number of partitions, whatever the numbers are.
    #[test]
    fn what_happens_has_its_order() {
        for (partitions, scenario) in [
            (10, Scenario::ControllerCrash),
            (10, Scenario::BrokerCrash),
            (10, Scenario::ColdStart),
            (10, Scenario::CreateTopics),
            (1_000, Scenario::ControllerCrash),
            (1_000, Scenario::BrokerCrash),
        ] {
            let config = ClusterConfig::new(1, 3);
            let found = measure(config.clone(), partitions, scenario, Duration::from_secs(1));
            let said = format!("{found:?}");
            let in_order = |times: &[Option<Duration>]| {
                assert!(times.iter().all(Option::is_some) && times.is_sorted(), "{said}");
            };
            in_order(&[found.leaders, found.known, found.settled]);
            let elects = matches!(scenario, Scenario::ControllerCrash | Scenario::ColdStart);
            if elects {
                in_order(&[found.elected, found.read_back, found.leaders]);
            }
            if scenario == Scenario::ControllerCrash {
                in_order(&[found.session_expired, found.elected]);
            }
            assert_eq!(found.elected.is_some(), elects, "{said}");
            assert!(found.leaderless >= usize::try_from(partitions).unwrap() / 4, "{said}");
            // In pieces it is the same.
            let mut measuring = Measuring::new(config, partitions, scenario, Duration::from_secs(1));
            let pieces = std::iter::from_fn(|| Some(measuring.advance(997)));
            assert_eq!(pieces.take(10_000).flatten().next(), Some(found));
        }
    }

    /// A controller that is elected reads each partition once, and writes each at least once.
    #[test]
    fn a_failover_costs_a_read_and_a_write_for_each_partition() {
        let found = measure(ClusterConfig::new(3, 3), 500, Scenario::ControllerCrash, Duration::from_secs(1));
        let requests =
            |name: &str| found.zookeeper.iter().find(|api| api.name == name).map_or(0, |api| api.requests);
        // It reads all states back, all again before the dead one is taken out of the ISRs, and a third to elect.
        assert!((1_100..1_300).contains(&requests("getData")), "{found:?}");
        assert!((600..800).contains(&requests("multi")), "{found:?}");
    }
}
