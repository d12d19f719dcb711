//! Measures how fast a log is compacted, natively; the last line is JSON: megabytes of log a second, for each load.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "how long something takes is what is measured"
)]

use std::time::Instant;

use blumfeld_kernel::{Context, Disk, Effect, NodeId, Outbox, Prng, TraceEvent};
use blumfeld_log::cleaner::{CleanerConfig, CleaningPass, Slice};
use blumfeld_log::{CleanupPolicy, LoadOptions, LogConfig, UnifiedLog};
use blumfeld_protocol::Compression;
use blumfeld_protocol::record_batch::{BatchBuilder, BatchOptions};

/// Bytes of values in the log that is compacted.
const BYTES: usize = 256 << 20;

struct Load {
    name: &'static str,
    /// Bytes of a value.
    value: usize,
    /// So many keys there are.
    keys: u64,
    /// Records of a batch.
    records: usize,
    compression: Compression,
}

const LOADS: [Load; 4] = [
    Load { name: "large", value: 1_000, keys: 50_000, records: 16, compression: Compression::None },
    Load { name: "small", value: 100, keys: 500_000, records: 100, compression: Compression::None },
    Load { name: "unchanged", value: 1_000, keys: u64::MAX, records: 16, compression: Compression::None },
    Load { name: "lz4", value: 1_000, keys: 50_000, records: 16, compression: Compression::Lz4 },
];

/// Lets a log do something; its disk takes everything at once.
fn act<R>(
    log: &mut UnifiedLog,
    numbers: &mut u64,
    act: impl FnOnce(&mut UnifiedLog, &mut Context<'_>) -> R,
) -> R {
    let (mut effects, mut events): (Vec<Effect>, Vec<TraceEvent>) = (Vec::new(), Vec::new());
    let mut rng = Prng::new(1, "bench");
    let mut connections = 0;
    let out = Outbox {
        effects: &mut effects,
        events: &mut events,
        connections: &mut connections,
        flushes: numbers,
    };
    let now = blumfeld_kernel::Instant::ZERO;
    let result = act(log, &mut Context { node: NodeId(1), now, epoch_ms: 0, rng: &mut rng, out });
    for effect in effects {
        if let Effect::Disk { id, op: blumfeld_kernel::DiskOp::Flush { .. } } = effect {
            log.on_flushed(id);
        }
    }
    result
}

/// Megabytes of the log a second.
fn measure(load: &Load) -> f64 {
    let config = LogConfig {
        cleanup: CleanupPolicy { delete: false, compact: true },
        segment_bytes: 64 << 20,
        ..LogConfig::default()
    };
    let (mut effects, mut events, mut connections, mut flushes) = (Vec::new(), Vec::new(), 0, 0);
    let mut out = Outbox {
        effects: &mut effects,
        events: &mut events,
        connections: &mut connections,
        flushes: &mut flushes,
    };
    let options = LoadOptions { clean: true, ..LoadOptions::default() };
    let (mut log, _) = UnifiedLog::load(&mut out, &Disk::default(), "bench-0", config, options);
    let mut rng = Prng::new(1, "records");
    // Half of it can be compressed.
    let values: Vec<u8> =
        (0..1 << 20).map(|at| if at % 2 == 0 { b'v' } else { rng.next_u64().to_le_bytes()[0] }).collect();
    for _ in 0..BYTES / load.value / load.records {
        let mut builder = BatchBuilder::new(BatchOptions {
            base_offset: log.log_end(),
            compression: load.compression,
            ..BatchOptions::default()
        });
        for _ in 0..load.records {
            let key = rng.next_u64() % load.keys;
            let from = usize::try_from(rng.below((values.len() - load.value) as u64)).unwrap_or(0);
            let value = &values[from..from + load.value];
            builder.append(1, Some(format!("key-{key:012}").as_bytes()), Some(value), &[]);
        }
        act(&mut log, &mut flushes, |log, cx| log.append(cx, builder.build(), -1));
    }
    let to_clean = log.to_clean(None, log.log_end(), 1);
    let begun = Instant::now();
    let mut pass = CleaningPass::new(&log, to_clean, CleanerConfig::default(), 1);
    loop {
        let slice = act(&mut log, &mut flushes, |log, cx| pass.go_on(cx, log));
        match slice {
            Ok(Slice::Flushing(id)) => drop(pass.on_flushed(id, true)),
            Ok(Slice::Done(_)) => break,
            Ok(_) => {}
            Err(error) => {
                eprintln!("{}: {error}", load.name);
                return 0.0;
            }
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let stats = pass.stats();
    let megabytes = stats.bytes_read as f64 / 1e6;
    println!(
        "{}: {megabytes:.0} MB in {seconds:.2} s, {:.0} MB/s; kept {} of {} records, map {} keys",
        load.name,
        megabytes / seconds,
        stats.records.kept,
        stats.records.read,
        pass.map_fill().0,
    );
    megabytes / seconds
}

fn main() {
    let numbers: Vec<String> =
        LOADS.iter().map(|load| format!("\"clean_{}_mb_per_s\":{:.1}", load.name, measure(load))).collect();
    println!("{{{}}}", numbers.join(","));
}
