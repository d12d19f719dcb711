//! The cluster of the time before KRaft, and what both kinds of cluster are compared by. Neither has anything to do
//! with the page's own cluster: they stand beside it, and a slice of each turn of the worker is theirs.

use std::time::Duration;

use blumfeld_sim::failover;
use blumfeld_view::{
    EraBrokerView, EraMessage, FailoverSide, FailoverView, ZnodeLine, ZooKeeperDeed, ZooKeeperView,
};
use blumfeld_zookeeper::cluster::{Channel, Cluster, ClusterConfig, Sort};
use blumfeld_zookeeper::{Measuring, Scenario};

/// It works so long in a turn, in milliseconds.
const SLICE_MS: f64 = 8.0;
/// Events between two looks at the clock.
const EVENTS_A_LOOK: u32 = 200;
/// Znodes that are told.
const ZNODES: usize = 200;
/// Messages that are told.
const MESSAGES: usize = 60;
/// What a message says is cut here, in characters.
const SAYS: usize = 600;
/// The longest that one deed lets time pass.
const MINUTE: Duration = Duration::from_secs(60);
/// A cluster has been well for so long when its controller dies.
const WELL: Duration = Duration::from_secs(10);

/// The cluster, once it was begun, and what is measured.
#[derive(Default)]
pub struct Era {
    cluster: Option<Cluster>,
    topics: u32,
    comparing: Option<Comparing>,
}

/// Both measurements, one after the other.
struct Comparing {
    seed: u64,
    view: FailoverView,
    zookeeper: Option<Box<Measuring>>,
    kraft: Option<Box<failover::Measuring>>,
}

impl Era {
    /// Does something to the cluster, which begins if it has not, and tells how it stands.
    pub fn act(&mut self, deed: &ZooKeeperDeed) -> ZooKeeperView {
        if let ZooKeeperDeed::Begin(seed) = deed {
            self.cluster = Some(begun(*seed));
            self.topics = 0;
        }
        let cluster = self.cluster.get_or_insert_with(|| begun(1));
        let is_one = |id: i32| (1..=3).contains(&id);
        match *deed {
            ZooKeeperDeed::CreateTopic(partitions) => {
                self.topics += 1;
                let name = format!("topic-{}", self.topics);
                cluster.create_spread_topic(&name, partitions.clamp(1, 1_000), 3);
            }
            ZooKeeperDeed::Crash(id) if is_one(id) => cluster.crash(id),
            ZooKeeperDeed::Start(id) if is_one(id) => cluster.start(id),
            ZooKeeperDeed::Pause(id) if is_one(id) => cluster.pause(id),
            ZooKeeperDeed::Resume(id) if is_one(id) => cluster.resume(id),
            ZooKeeperDeed::Cut(id) if is_one(id) => cluster.cut_from_zookeeper(id),
            ZooKeeperDeed::Heal => cluster.heal_all(),
            ZooKeeperDeed::Run(micros) => cluster.run_for(Duration::from_micros(micros).min(MINUTE)),
            ZooKeeperDeed::Settle => settle(cluster),
            _ => {}
        }
        view(cluster)
    }

    /// Begins to measure; what was being measured is given up.
    pub fn compare(&mut self, partitions: i32, seed: u64) {
        let partitions = partitions.clamp(1, 10_000);
        let config = ClusterConfig::new(seed, 3);
        self.comparing = Some(Comparing {
            seed,
            view: FailoverView { partitions, zookeeper: None, kraft: None },
            zookeeper: Some(Box::new(Measuring::new(config, partitions, Scenario::ControllerCrash, WELL))),
            kraft: None,
        });
    }

    /// Whether something is measured.
    pub fn is_busy(&self) -> bool {
        self.comparing.is_some()
    }

    /// Does its part of a turn, by a clock of milliseconds. Gives what is to be told.
    pub fn turn(&mut self, now_ms: impl Fn() -> f64) -> Option<FailoverView> {
        let comparing = self.comparing.as_mut()?;
        let begun = now_ms();
        while now_ms() - begun < SLICE_MS {
            if let Some(measuring) = &mut comparing.zookeeper {
                let Some(found) = measuring.advance(EVENTS_A_LOOK) else { continue };
                comparing.view.zookeeper = Some(FailoverSide {
                    elected: micros(found.elected),
                    read_back: micros(found.read_back),
                    known: micros(found.known),
                    to_zookeeper: found.zookeeper_requests(),
                    between_brokers: found.broker_requests(),
                    bytes: found.bytes(),
                });
                comparing.zookeeper = None;
                let (seed, partitions) = (comparing.seed, comparing.view.partitions);
                let kraft =
                    failover::Measuring::new(seed, partitions, failover::Scenario::ControllerCrash, WELL);
                comparing.kraft = Some(Box::new(kraft));
                return Some(comparing.view.clone());
            }
            let measuring = comparing.kraft.as_mut()?;
            let Some(found) = measuring.advance(EVENTS_A_LOOK) else { continue };
            // Its metadata log is all that it has to know, and it has read that before it leads.
            let elected = micros(found.elected);
            comparing.view.kraft = Some(FailoverSide {
                elected,
                read_back: elected,
                known: micros(found.known),
                to_zookeeper: 0,
                between_brokers: found.requests(),
                bytes: found.bytes(),
            });
            let told = comparing.view.clone();
            self.comparing = None;
            return Some(told);
        }
        None
    }
}

fn micros(span: Option<Duration>) -> u64 {
    span.map_or(0, |span| u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
}

/// A cluster of three, whose controller is elected.
fn begun(seed: u64) -> Cluster {
    let mut cluster = Cluster::new(ClusterConfig::new(seed, 3));
    settle(&mut cluster);
    cluster
}

/// Lets time pass until all agree.
fn settle(cluster: &mut Cluster) {
    const LOOK: Duration = Duration::from_millis(100);
    let until = cluster.now() + MINUTE;
    cluster.run_for(LOOK);
    while cluster.now() < until && cluster.is_settled().is_err() && cluster.next_event().is_some() {
        cluster.run_for(LOOK);
    }
}

fn view(cluster: &Cluster) -> ZooKeeperView {
    let found = cluster.view(ZNODES);
    let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let brokers = found.brokers.iter().map(|broker| EraBrokerView {
        id: broker.id,
        state: match (broker.up, broker.paused) {
            (false, _) => "crashed",
            (true, true) => "paused",
            (true, false) => "running",
        }
        .to_owned(),
        connected: broker.connected,
        is_controller: broker.is_controller,
        controller_epoch: broker.known_controller_epoch,
        doing: broker.doing.clone().unwrap_or_default(),
        leads: small(broker.replicas.iter().filter(|one| one.leader == broker.id).count()),
        replicas: small(broker.replicas.len()),
    });
    let mut messages: Vec<EraMessage> = (cluster.log().exchanges().rev().take(MESSAGES))
        .map(|one| EraMessage {
            number: one.number,
            at: one.sent.as_micros(),
            from: Cluster::name(one.from),
            to: Cluster::name(one.to),
            sort: match one.sort {
                Sort::Request => "request",
                Sort::Answer => "answer",
                Sort::Event => "event",
            }
            .to_owned(),
            name: one.name.to_owned(),
            says: one.fields().to_string().chars().take(SAYS).collect(),
        })
        .collect();
    messages.reverse();
    let counts = |wanted: Channel| {
        let counts = cluster.log().counts().iter().filter(move |((channel, _), _)| *channel == wanted);
        counts.map(|((_, name), counted)| ((*name).to_owned(), counted.requests)).collect()
    };
    let all = cluster.ensemble().tree().iter().count();
    ZooKeeperView {
        now: found.now.as_micros(),
        controller: found.controller.unwrap_or(-1),
        zxid: found.zxid,
        watches: found.watches as u64,
        znodes_left_out: all.saturating_sub(found.znodes.len()) as u64,
        znodes: found
            .znodes
            .into_iter()
            .map(|znode| ZnodeLine {
                path: znode.path,
                data: znode.data.unwrap_or_default(),
                version: znode.version,
                ephemeral: znode.ephemeral_owner != 0,
            })
            .collect(),
        brokers: brokers.collect(),
        messages,
        to_zookeeper: counts(Channel::ZooKeeper),
        between_brokers: counts(Channel::Brokers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_dies_and_another_is_elected_when_its_session_is_over() {
        let mut era = Era::default();
        let before = era.act(&ZooKeeperDeed::Begin(3));
        assert!(before.controller > 0 && before.znodes.iter().any(|znode| znode.path == "/controller"));
        era.act(&ZooKeeperDeed::CreateTopic(6));
        let made = era.act(&ZooKeeperDeed::Settle);
        assert_eq!(made.brokers.iter().map(|broker| broker.leads).sum::<u32>(), 6);
        era.act(&ZooKeeperDeed::Crash(before.controller));
        let soon = era.act(&ZooKeeperDeed::Run(1_000_000));
        assert_eq!(soon.controller, before.controller, "its session lives on");
        let later = era.act(&ZooKeeperDeed::Run(30_000_000));
        assert!(later.controller > 0 && later.controller != before.controller, "{later:?}");
        assert!(!later.to_zookeeper.is_empty() && !later.between_brokers.is_empty(), "{later:?}");
    }

    #[test]
    fn both_are_measured_in_slices() {
        let mut era = Era::default();
        era.compare(10, 1);
        let clock = std::cell::Cell::new(0.0);
        let mut told = Vec::new();
        while era.is_busy() {
            told.extend(era.turn(|| {
                clock.set(clock.get() + 1.0);
                clock.get()
            }));
        }
        let last = told.last().unwrap();
        let (old, new) = (last.zookeeper.as_ref().unwrap(), last.kraft.as_ref().unwrap());
        assert!(told.len() == 2 && told[0].kraft.is_none());
        assert!(old.elected > new.elected && old.known > 0 && new.known > 0, "{last:?}");
        assert!(old.to_zookeeper > 0 && new.to_zookeeper == 0);
    }
}
