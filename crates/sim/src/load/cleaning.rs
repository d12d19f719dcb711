//! What the cleaner's benchmark runs, natively and in the browser alike: a log in memory with a load of records, and a
//! pass over it. The caller has the clock.

use blumfeld_kernel::{Context, Disk, DiskOp, Effect, Instant, NodeId, Outbox, Prng, TraceEvent};
use blumfeld_log::cleaner::{CleanerConfig, CleaningError, CleaningPass, Slice};
use blumfeld_log::{CleanupPolicy, LoadOptions, LogConfig, UnifiedLog};
use blumfeld_protocol::Compression;
use blumfeld_protocol::record_batch::{BatchBuilder, BatchOptions};

/// What stands in the log that is cleaned.
#[derive(Clone, Copy, Debug)]
pub struct CleaningLoad {
    /// What it is called.
    pub name: &'static str,
    /// Bytes of a value.
    pub value: usize,
    /// So many keys there are.
    pub keys: u64,
    /// Records of a batch.
    pub records: usize,
    /// How they are compressed.
    pub compression: Compression,
}

impl CleaningLoad {
    /// Large and small records, one load in which nothing changes, and a compressed one.
    pub const ALL: [CleaningLoad; 4] = [
        CleaningLoad {
            name: "large",
            value: 1_000,
            keys: 50_000,
            records: 16,
            compression: Compression::None,
        },
        CleaningLoad {
            name: "small",
            value: 100,
            keys: 500_000,
            records: 100,
            compression: Compression::None,
        },
        CleaningLoad {
            name: "unchanged",
            value: 1_000,
            keys: u64::MAX,
            records: 16,
            compression: Compression::None,
        },
        CleaningLoad { name: "lz4", value: 1_000, keys: 50_000, records: 16, compression: Compression::Lz4 },
    ];
}

/// What a pass did. In bytes, where it is not records.
#[derive(Clone, Copy, Debug)]
pub struct Cleaned {
    /// Of the log that was read to be cleaned.
    pub read: u64,
    /// Written.
    pub written: u64,
    /// Records that were read.
    pub records: u64,
    /// Records that stay.
    pub kept: u64,
    /// Keys in the map.
    pub keys: u64,
    /// Memory that the map took in the end; while it grew there was half of that beside it.
    pub map: u64,
}

/// A log that is to be cleaned.
#[derive(Debug)]
pub struct CleaningBench {
    log: UnifiedLog,
    flushes: u64,
}

impl CleaningBench {
    /// A log with about so many bytes of values.
    pub fn new(load: &CleaningLoad, bytes: usize) -> CleaningBench {
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
        let (log, _) = UnifiedLog::load(&mut out, &Disk::default(), "bench-0", config, options);
        let mut bench = CleaningBench { log, flushes };
        let mut rng = Prng::new(1, "records");
        // Half of it can be compressed.
        let values: Vec<u8> =
            (0..1 << 20).map(|at| if at % 2 == 0 { b'v' } else { rng.next_u64().to_le_bytes()[0] }).collect();
        for _ in 0..bytes / load.value / load.records {
            let mut builder = BatchBuilder::new(BatchOptions {
                base_offset: bench.log.log_end(),
                compression: load.compression,
                ..BatchOptions::default()
            });
            for _ in 0..load.records {
                let key = rng.next_u64() % load.keys;
                let from = usize::try_from(rng.below((values.len() - load.value) as u64)).unwrap_or(0);
                let value = &values[from..from + load.value];
                builder.append(1, Some(format!("key-{key:012}").as_bytes()), Some(value), &[]);
            }
            bench.act(|log, cx| log.append(cx, builder.build(), -1));
        }
        bench
    }

    /// Lets the log do something; its disk takes everything at once.
    fn act<R>(&mut self, act: impl FnOnce(&mut UnifiedLog, &mut Context<'_>) -> R) -> R {
        let (mut effects, mut events): (Vec<Effect>, Vec<TraceEvent>) = (Vec::new(), Vec::new());
        let mut rng = Prng::new(1, "bench");
        let mut connections = 0;
        let out = Outbox {
            effects: &mut effects,
            events: &mut events,
            connections: &mut connections,
            flushes: &mut self.flushes,
        };
        let mut cx = Context { node: NodeId(1), now: Instant::ZERO, epoch_ms: 0, rng: &mut rng, out };
        let result = act(&mut self.log, &mut cx);
        for effect in effects {
            if let Effect::Disk { id, op: DiskOp::Flush { .. } } = effect {
                self.log.on_flushed(id);
            }
        }
        result
    }

    /// Cleans it.
    ///
    /// # Errors
    /// The pass has failed.
    pub fn clean(&mut self) -> Result<Cleaned, CleaningError> {
        let to_clean = self.log.to_clean(None, self.log.log_end(), 1);
        let mut pass = CleaningPass::new(&self.log, to_clean, CleanerConfig::default(), 1);
        loop {
            match self.act(|log, cx| pass.go_on(cx, log))? {
                Slice::Flushing(id) => drop(pass.on_flushed(id, true)?),
                Slice::Done(_) => break,
                Slice::More(_) | Slice::Replaced(_) => {}
            }
        }
        let stats = pass.stats();
        Ok(Cleaned {
            read: stats.bytes_read,
            written: stats.bytes_written,
            records: stats.records.read,
            kept: stats.records.kept,
            keys: pass.map_fill().0,
            map: pass.map_bytes(),
        })
    }
}
