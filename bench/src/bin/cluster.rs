//! Measures a cluster of three natively; the last line is JSON. `cargo xtask bench` runs it. With the word `produce` or
//! `idle` it measures that alone.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "how long something takes is what is measured"
)]

use std::time::{Duration, Instant};

use blumfeld_broker::BrokerConfig;
use blumfeld_client::ClientConfig;
use blumfeld_client::producer::ProducerConfig;
use blumfeld_protocol::Uuid;
use blumfeld_sim::Output;
use blumfeld_sim::load::{LoadProducer, ProducerLoad, bootstrap};
use blumfeld_tests::console::Console;

/// Memory of this process, in bytes; 0 where the system does not say.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}

/// Bytes that are produced at factor 3.
const PRODUCED: u64 = 1 << 30;
/// Bytes of a value.
const VALUE: usize = 1_024;

/// The most memory that this process ever had, in bytes; 0 where the system does not say.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0);
    kib * 1_024
}

/// Produces to three replicas, which share the bytes; gives the seconds that it takes.
fn produce() -> f64 {
    let mut console = Console::with(1, 3);
    let create = "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic load --partitions 6 \
                  --replication-factor 3";
    assert_eq!(console.run(create, &[]).code, Some(0));
    let config = ProducerConfig::new(ClientConfig::new(bootstrap(), "bench"));
    let load = ProducerLoad {
        topic: "load".into(),
        records: PRODUCED / VALUE as u64,
        size: VALUE,
        keys: 0,
        base: 0,
        burst: 1,
        pause: Duration::ZERO,
        report: false,
    };
    let world = &mut console.world;
    world.stop_digest();
    let begun = Instant::now();
    let process = world.spawn(Box::new(LoadProducer::new(config, load)));
    while !world.take_output(process).contains(&Output::Exit(0)) {
        world.run_for(Duration::from_millis(100));
        let _ = world.trace_mut().take();
    }
    begun.elapsed().as_secs_f64()
}

/// What 24 idle hours cost.
struct Idle {
    start_ms: f64,
    seconds: f64,
    events: u64,
    /// Bytes.
    grown: u64,
}

/// Lets three brokers stand with 100 partitions that nobody uses.
fn idle() -> Idle {
    let mut brokers = BrokerConfig::cluster(3, 3, Uuid::from_u128(7));
    for broker in &mut brokers {
        // As the page sets it: the metadata log is kept short.
        broker.metadata_log_segment_bytes = 1024 * 1024;
        broker.metadata_max_retention_bytes = 2 * 1024 * 1024;
        broker.metadata_bytes_between_snapshots = 1024 * 1024;
    }
    let begun = Instant::now();
    let mut console = Console::cluster(1, brokers);
    let start_ms = begun.elapsed().as_secs_f64() * 1e3;
    let create = "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic idle --partitions 100 \
                  --replication-factor 3";
    assert_eq!(console.run(create, &[]).code, Some(0));
    // Half a day fills what is then kept at its size: the metadata log and its snapshots.
    for _ in 0..12 {
        console.world.run_for(Duration::from_secs(3_600));
        let _ = console.world.trace_mut().take();
    }
    let (memory, events, begun) = (resident(), console.world.events(), Instant::now());
    for _ in 0..24 {
        console.world.run_for(Duration::from_secs(3_600));
        let _ = console.world.trace_mut().take();
    }
    let seconds = begun.elapsed().as_secs_f64();
    let events = console.world.events() - events;
    Idle { start_ms, seconds, events, grown: resident().saturating_sub(memory) }
}

fn main() {
    let only = std::env::args().nth(1);
    let mut figures = Vec::new();
    if only.as_deref() != Some("produce") {
        let Idle { start_ms, seconds, events, grown } = idle();
        #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
        let rate = events as f64 / seconds;
        figures.push(format!(
            "\"start_3_brokers_ms\":{start_ms:.1},\"idle_24h_seconds\":{seconds:.2},\"idle_24h_events\":{events},\
             \"idle_events_per_second\":{rate:.0},\"idle_24h_memory_growth_bytes\":{grown}"
        ));
    }
    if only.as_deref() != Some("idle") {
        let seconds = produce();
        let peak = peak();
        figures.push(format!(
            "\"produce_1gib_factor_3_seconds\":{seconds:.2},\"produce_1gib_factor_3_peak_bytes\":{peak}"
        ));
    }
    println!("{{{}}}", figures.join(","));
}
