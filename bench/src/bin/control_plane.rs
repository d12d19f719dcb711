//! Measures both control planes: how long a cluster of three is without a controller and without leaders, and what it
//! costs to get them back, with ZooKeeper and with KRaft. Times are virtual; how long the measuring took and its memory
//! stand at the end of each line.
//!
//! `bench-control-plane [zookeeper|kraft] [PARTITIONS ...]`
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "how long something takes is what is measured"
)]

use std::time::{Duration, Instant};

use blumfeld_sim::failover;
use blumfeld_zookeeper::{ClusterConfig, IsrUpdates, Scenario, measure};

/// The most memory that this process ever had, in MiB; 0 where the system does not say.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0);
    kib / 1_024
}

fn ms(span: Option<Duration>) -> String {
    span.map_or("-".to_owned(), |span| format!("{} ms", span.as_micros() / 100 * 100 / 1_000))
}

fn zookeeper(partitions: i32, scenario: Scenario) {
    let begun = Instant::now();
    let config = ClusterConfig { isr_updates: IsrUpdates::ZooKeeper, ..ClusterConfig::new(1, 3) };
    let found = measure(config, partitions, scenario, Duration::from_secs(10));
    println!(
        "zookeeper {partitions} {scenario:?}: leaderless {}, session over {}, elected {}, read back {}, leaders {}, \
         known {}, settled {}; {} requests to ZooKeeper, {} flushes, {} between brokers, {} bytes; {} events, {:.1} s, \
         {} MiB",
        found.leaderless,
        ms(found.session_expired),
        ms(found.elected),
        ms(found.read_back),
        ms(found.leaders),
        ms(found.known),
        ms(found.settled),
        found.zookeeper_requests(),
        found.flushes,
        found.broker_requests(),
        found.bytes(),
        found.events,
        begun.elapsed().as_secs_f64(),
        peak()
    );
    for api in found.zookeeper.iter().chain(&found.brokers) {
        println!("  {} {} requests, {} bytes", api.name, api.requests, api.bytes);
    }
}

fn kraft(partitions: i32, scenario: failover::Scenario) {
    let begun = Instant::now();
    let found = failover::measure(1, partitions, scenario, Duration::from_secs(10));
    println!(
        "kraft {partitions} {scenario:?}: leaderless {}, elected {}, leaders {}, known {}; {} requests between nodes, \
         {} bytes, {} metadata records; {} events, {:.1} s, {} MiB",
        found.leaderless,
        ms(found.elected),
        ms(found.leaders),
        ms(found.known),
        found.requests(),
        found.bytes(),
        found.metadata_records,
        found.events,
        begun.elapsed().as_secs_f64(),
        peak()
    );
    for api in &found.nodes {
        println!("  {} {} requests, {} bytes", api.name, api.requests, api.bytes);
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let asked = |word: &str| words.iter().any(|found| found == word);
    let numbers: Vec<i32> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let numbers = if numbers.is_empty() { vec![10, 1_000, 10_000] } else { numbers };
    for partitions in numbers {
        if !asked("kraft") {
            for scenario in [
                Scenario::ControllerCrash,
                Scenario::BrokerCrash,
                Scenario::ColdStart,
                Scenario::CreateTopics,
            ] {
                zookeeper(partitions, scenario);
            }
        }
        if !asked("zookeeper") {
            use failover::Scenario::{BrokerCrash, ColdStart, ControllerCrash, CreateTopics};
            for scenario in [ControllerCrash, BrokerCrash, ColdStart, CreateTopics] {
                kraft(partitions, scenario);
            }
        }
    }
}
