//! Measures a cluster of three natively; the last line is JSON. `cargo xtask bench` runs it.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "how long something takes is what is measured"
)]

use std::time::{Duration, Instant};

use barnabas_broker::BrokerConfig;
use barnabas_protocol::Uuid;
use barnabas_tests::console::Console;

/// Memory of this process, in bytes; 0 where the system does not say.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}

fn main() {
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
    let grown = resident().saturating_sub(memory);
    #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
    let rate = events as f64 / seconds;
    println!(
        "{{\"start_3_brokers_ms\":{start_ms:.1},\"idle_24h_seconds\":{seconds:.2},\"idle_24h_events\":{events},\
         \"idle_events_per_second\":{rate:.0},\"idle_24h_memory_growth_bytes\":{grown}}}"
    );
}
