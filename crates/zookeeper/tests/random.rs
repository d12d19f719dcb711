//! Random clusters with random faults. The checker looks after every event, and once everything is healed all has to
//! come right again.
#![allow(clippy::unwrap_used, reason = "a test that fails does so by it")]

use std::time::Duration;

use blumfeld_kernel::{NodeId, Prng};
use blumfeld_zookeeper::cluster::{Checker, ENSEMBLE};
use blumfeld_zookeeper::{Cluster, ClusterConfig, IsrUpdates, TopicPartition};

/// Runs for `span` with the checker behind every event.
fn run(cluster: &mut Cluster, checker: &mut Checker, span: Duration) -> Result<(), String> {
    let until = cluster.now() + span;
    let mut wrong = Ok(());
    cluster.run_while(span, |cluster, acted| {
        if let Some(acted) = acted {
            wrong = checker.look(cluster, acted);
        }
        wrong.is_err()
    });
    if wrong.is_ok() {
        cluster.run_until(until);
    }
    wrong
}

fn pick(rng: &mut Prng, count: i32) -> i32 {
    i32::try_from(rng.below(u64::try_from(count).unwrap())).unwrap()
}

fn play(seed: u64) -> Result<(), String> {
    let mut rng = Prng::new(seed, "faults");
    let brokers = 3 + pick(&mut rng, 3);
    let mut config = ClusterConfig::new(seed, brokers);
    config.keep = 0;
    config.jitter = Duration::from_millis(rng.below(20));
    config.session_timeout = Duration::from_secs(4 + rng.below(10));
    config.isr_updates = if rng.chance(1, 2) { IsrUpdates::ZooKeeper } else { IsrUpdates::AlterIsr };
    let mut cluster = Cluster::new(config);
    let mut checker = Checker::new();
    run(&mut cluster, &mut checker, Duration::from_secs(2))?;
    for (topic, partitions) in [("orders", 5), ("payments", 3)] {
        cluster.create_spread_topic(topic, partitions, 3);
    }
    let mut created = 0;
    for _ in 0..25 {
        let broker = 1 + pick(&mut rng, brokers);
        match rng.below(15) {
            0 | 1 => cluster.crash(broker),
            2 => cluster.shut_down(broker),
            3..=5 => cluster.start(broker),
            6 | 7 => cluster.pause(broker),
            8 => cluster.resume(broker),
            9 => cluster.cut_from_zookeeper(broker),
            10 => cluster.cut(NodeId(broker), NodeId(1 + pick(&mut rng, brokers))),
            11 => cluster.heal_all(),
            12 => {
                created += 1;
                cluster.create_spread_topic(&format!("extra-{created}"), 2, 2);
            }
            13 => cluster.delete_znode("/controller"),
            _ => cluster.heal(NodeId(broker), ENSEMBLE),
        }
        for number in 0..5 {
            let partition = TopicPartition::new(&"orders".into(), number);
            // Whoever leads takes it; the others refuse.
            for id in cluster.broker_ids() {
                let _ = cluster.append(id, &partition, 3);
            }
        }
        let most = if rng.chance(1, 3) { 30_000 } else { 3_000 };
        let span = Duration::from_millis(rng.below(most));
        run(&mut cluster, &mut checker, span)?;
    }
    cluster.heal_all();
    for id in cluster.broker_ids() {
        cluster.start(id);
    }
    for _ in 0..24 {
        run(&mut cluster, &mut checker, Duration::from_secs(5))?;
        // A broker that was ending in order meanwhile is started again.
        for id in cluster.broker_ids() {
            cluster.start(id);
        }
    }
    cluster.is_settled().map_err(|what| {
        let view = cluster.view(0);
        let brokers = view.brokers.iter().map(|broker| format!("\n  {broker:?}"));
        what + &brokers.collect::<String>()
    })
}

#[test]
fn random_faults_break_nothing_and_heal() {
    let seeds = match std::env::var("BLUMFELD_SEEDS") {
        Ok(count) => count.parse().unwrap(),
        Err(_) => 60,
    };
    let wrong: Vec<String> =
        (1..=seeds).filter_map(|seed| play(seed).err().map(|what| format!("seed {seed}: {what}"))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
