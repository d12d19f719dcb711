//! How long a cluster is without a controller and without leaders, and what it costs to get them back.

use std::time::Duration;

use blumfeld_kernel::Instant;

use crate::cluster::{Channel, Cluster, ClusterConfig};
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
    // What went over the network is counted; nobody looks at it.
    let mut cluster = Cluster::new(ClusterConfig { keep: 0, ..config });
    cluster.run_while(LONGEST, |cluster, _| cluster.is_settled().is_ok());
    if scenario == Scenario::CreateTopics {
        return happen(cluster, partitions, scenario, |cluster| {
            make_topics(cluster, partitions);
            None
        });
    }
    make_topics(&mut cluster, partitions);
    well(&mut cluster, partitions);
    cluster.run_for(offset);
    match scenario {
        Scenario::ControllerCrash => happen(cluster, partitions, scenario, |cluster| {
            let controller = cluster.controller()?;
            cluster.crash(controller);
            Some(controller)
        }),
        Scenario::BrokerCrash => happen(cluster, partitions, scenario, |cluster| {
            let controller = cluster.controller();
            let other = cluster.broker_ids().find(|id| Some(*id) != controller)?;
            cluster.crash(other);
            Some(other)
        }),
        Scenario::ColdStart | Scenario::CreateTopics => {
            cluster.broker_ids().for_each(|id| cluster.crash(id));
            // Until every session is over.
            cluster.run_for(Duration::from_secs(60));
            happen(cluster, partitions, scenario, |cluster| {
                cluster.broker_ids().for_each(|id| cluster.start(id));
                None
            })
        }
    }
}

fn make_topics(cluster: &mut Cluster, partitions: i32) {
    for (topic, count) in partitions_by_topic(partitions) {
        cluster.create_spread_topic(&topic, count, 3);
    }
}

/// Whether every broker that lives tells of a leader that lives, of so many partitions.
fn all_known(cluster: &Cluster, partitions: i32) -> bool {
    cluster.brokers().all(|broker| {
        let told = &broker.metadata().partitions;
        i32::try_from(told.len()).is_ok_and(|count| count == partitions)
            && told.values().all(|state| cluster.broker(state.leader).is_some())
    })
}

/// Whether every partition has a leader that lives, in ZooKeeper.
fn all_led(cluster: &Cluster, partitions: i32) -> bool {
    let mut count = 0;
    for (_, node) in cluster.ensemble().tree().iter().filter(|(path, _)| path.ends_with("/state")) {
        let state = LeaderAndIsr::decode(node.data.as_ref(), 0);
        if !state.is_some_and(|state| cluster.broker(state.leader).is_some()) {
            return false;
        }
        count += 1;
    }
    count == partitions
}

fn is_quiet(cluster: &Cluster) -> bool {
    cluster.brokers().all(|broker| broker.controller().is_idle())
}

/// Runs until all partitions are there and known, and nothing is under way.
fn well(cluster: &mut Cluster, partitions: i32) {
    let mut seen = 0;
    cluster.run_while(LONGEST, |cluster, acted| {
        let updates = cluster.brokers().map(|broker| broker.metadata().updates).sum::<u64>();
        let changed = std::mem::replace(&mut seen, updates) != updates;
        acted.is_some() && changed && all_known(cluster, partitions)
    });
    cluster.run_while(LONGEST, |cluster, _| is_quiet(cluster));
}

fn happen(
    mut cluster: Cluster,
    partitions: i32,
    scenario: Scenario,
    act: impl FnOnce(&mut Cluster) -> Option<i32>,
) -> Measured {
    cluster.reset_counts();
    let begun = cluster.now();
    let epochs =
        |cluster: &Cluster| cluster.brokers().map(|broker| broker.controller().epoch()).max().unwrap_or(0);
    let (epoch, expired, flushes) =
        (epochs(&cluster), cluster.ensemble().expired().len(), cluster.ensemble().flushes());
    let dead = act(&mut cluster);
    let leaderless = match dead {
        Some(dead) => (cluster.brokers().next()).map_or(0, |broker| {
            broker.metadata().partitions.values().filter(|state| state.leader == dead).count()
        }),
        None => usize::try_from(partitions).unwrap_or(0),
    };
    let (mut session_expired, mut leaders, mut known, mut settled) = (None, None, None, None);
    let mut last_updates = 0;
    let mut next_look = 0;
    cluster.run_while(LONGEST, |cluster, acted| {
        let now = cluster.now();
        if dead.is_some() && session_expired.is_none() && cluster.ensemble().expired().len() > expired {
            session_expired = Some(now);
        }
        // A broker's update or a write may have been the last one; looking costs as much as there are partitions, so
        // znodes are looked at when a broker has heard something, or so many transactions later.
        let updates = cluster.brokers().map(|broker| broker.metadata().updates).sum::<u64>();
        let told = std::mem::replace(&mut last_updates, updates) != updates;
        let zxid = cluster.ensemble().zxid();
        if leaders.is_none() && acted.is_some() && (zxid >= next_look || told) {
            next_look = zxid + i64::from(partitions) / 100;
            if all_led(cluster, partitions) {
                leaders = Some(now);
            }
        }
        if known.is_none() && told && all_known(cluster, partitions) {
            known = Some(now);
            leaders = leaders.or(Some(now));
        }
        if known.is_some() && is_quiet(cluster) && (dead.is_none() || session_expired.is_some()) {
            settled = Some(now);
        }
        settled.is_some()
    });
    let milestones = (cluster.brokers())
        .map(|broker| (broker.controller().epoch(), broker.controller().milestones()))
        .filter(|(found, _)| *found > epoch)
        .max_by_key(|(found, _)| *found)
        .map(|(_, milestones)| milestones);
    let after = |at: Option<Instant>| at.map(|at| at.since(begun));
    let counts = |wanted: Channel| {
        let of = cluster.log().counts().iter().filter(|((channel, _), _)| *channel == wanted);
        of.map(|((_, name), counted)| ApiCount { name, requests: counted.requests, bytes: counted.bytes })
            .collect()
    };
    Measured {
        partitions,
        scenario,
        leaderless,
        session_expired: after(session_expired),
        elected: after(milestones.and_then(|found| found.elected)),
        read_back: after(milestones.and_then(|found| found.read)),
        leaders: after(leaders),
        known: after(known),
        settled: after(settled),
        zookeeper: counts(Channel::ZooKeeper),
        brokers: counts(Channel::Brokers),
        flushes: cluster.ensemble().flushes() - flushes,
        events: cluster.events(),
    }
}
