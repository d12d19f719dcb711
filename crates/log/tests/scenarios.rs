//! Runs every scenario in `tests/scenarios`: a text of commands, each followed by what is expected, indented. With
//! `UPDATE_EXPECT=1` the expected lines are rewritten; read the difference before you commit it.

use std::fmt::Write as _;

use blumfeld_kernel::{Context, Disk, DiskOp, Effect, FlushId, Instant, NodeId, Outbox, Prng};
use blumfeld_log::{LoadOptions, LogConfig, UnifiedLog, single_batch};
use blumfeld_protocol::Compression;
use blumfeld_protocol::record_batch::{BatchBuilder, BatchOptions, TimestampType};

struct Machine {
    disk: Disk,
    log: Option<UnifiedLog>,
    config: LogConfig,
    rng: Prng,
    now_ms: i64,
    connections: u64,
    flushes: u64,
    /// Flushes under way, with the length that each file had when they began.
    pending: Vec<(FlushId, Vec<(String, u64)>)>,
}

impl Machine {
    fn new() -> Machine {
        let config = LogConfig { timestamp_after_max_ms: i64::MAX, retention_ms: -1, ..LogConfig::default() };
        Machine {
            disk: Disk::default(),
            log: None,
            config,
            rng: Prng::new(1, "test"),
            now_ms: 0,
            connections: 0,
            flushes: 0,
            pending: Vec::new(),
        }
    }

    /// Runs `act` with a context and does to the disk what comes out.
    fn with<R>(&mut self, act: impl FnOnce(&mut UnifiedLog, &mut Context<'_>) -> R) -> R {
        let (mut effects, mut events) = (Vec::new(), Vec::new());
        let mut log = self.log.take().expect("the log is open");
        let result = {
            let mut cx = Context {
                node: NodeId(1),
                now: Instant::ZERO,
                epoch_ms: self.now_ms,
                rng: &mut self.rng,
                out: Outbox {
                    effects: &mut effects,
                    events: &mut events,
                    connections: &mut self.connections,
                    flushes: &mut self.flushes,
                },
            };
            act(&mut log, &mut cx)
        };
        log.invariants().unwrap();
        self.log = Some(log);
        self.apply(effects);
        result
    }

    fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Disk { id, op: DiskOp::Flush { files } } => {
                    let lens =
                        files.iter().map(|f| (f.to_string(), self.disk.file(f).map_or(0, |f| f.len())));
                    self.pending.push((id, lens.collect()));
                }
                Effect::Disk { op, .. } => self.disk.apply(&op),
                other => panic!("a log does nothing but disk operations: {other:?}"),
            }
        }
    }

    fn open(&mut self, options: LoadOptions) -> String {
        let (mut effects, mut events) = (Vec::new(), Vec::new());
        let mut out = Outbox {
            effects: &mut effects,
            events: &mut events,
            connections: &mut self.connections,
            flushes: &mut self.flushes,
        };
        let options = LoadOptions { now_ms: self.now_ms, ..options };
        let (log, recovery) = UnifiedLog::load(&mut out, &self.disk, "t-0", self.config.clone(), options);
        log.invariants().unwrap();
        self.log = Some(log);
        self.apply(effects);
        let how = if recovery.clean { "clean".into() } else { format!("scanned {} B", recovery.scanned) };
        format!("opened: {how}, cut {} B, log end {}", recovery.truncated, recovery.log_end)
    }

    fn settle(&mut self) {
        for (id, lens) in std::mem::take(&mut self.pending) {
            for (file, len) in lens {
                self.disk.file_mut(&file.as_str().into()).make_durable(len);
            }
            self.with(|log, _| assert!(log.on_flushed(id)));
        }
    }

    /// The options that the checkpoints of a real broker would give after a crash.
    fn checkpoints(&self, clean: bool) -> LoadOptions {
        let log = self.log.as_ref().expect("the log was open");
        LoadOptions {
            clean,
            recovery_point: log.recovery_point(),
            log_start: log.log_start(),
            ..LoadOptions::default()
        }
    }

    fn run(&mut self, line: &str) -> String {
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let words: Vec<&str> = words.collect();
        let value = |name: &str| {
            words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
        };
        let number = |name: &str, default: i64| value(name).map_or(default, |text| text.parse().unwrap());
        let offset = words.first().and_then(|word| word.parse::<i64>().ok()).unwrap_or(0);
        match verb {
            "config" => {
                for word in &words {
                    let (name, text) = word.split_once('=').unwrap();
                    let n: i64 = text.parse().unwrap_or(0);
                    match name {
                        "segment.bytes" => self.config.segment_bytes = n.try_into().unwrap(),
                        "segment.ms" => self.config.segment_ms = n,
                        "segment.index.bytes" => self.config.segment_index_bytes = n.try_into().unwrap(),
                        "index.interval.bytes" => self.config.index_interval_bytes = n.try_into().unwrap(),
                        "retention.ms" => self.config.retention_ms = n,
                        "retention.bytes" => self.config.retention_bytes = n,
                        "max.message.bytes" => self.config.max_message_bytes = n.try_into().unwrap(),
                        "message.timestamp.after.max.ms" => self.config.timestamp_after_max_ms = n,
                        "cleanup.policy" => {
                            let has = |policy| text.split(',').any(|one| one == policy);
                            (self.config.cleanup.compact, self.config.cleanup.delete) =
                                (has("compact"), has("delete"));
                        }
                        "compression.gzip.level" => {
                            self.config.compression_levels.gzip = n.try_into().unwrap();
                        }
                        "compression.type" => self.config.compression = text.parse().ok(),
                        "message.timestamp.type" => self.config.timestamp_type = TimestampType::LogAppendTime,
                        other => panic!("no config {other}"),
                    }
                }
                if let Some(log) = &mut self.log {
                    log.set_config(self.config.clone());
                }
                String::new()
            }
            "open" => self.open(LoadOptions { clean: true, ..LoadOptions::default() }),
            "now" => {
                self.now_ms = offset;
                String::new()
            }
            "append" => {
                let codec: Compression =
                    value("codec").map_or(Compression::None, |name| name.parse().unwrap());
                let mut builder = BatchBuilder::new(BatchOptions {
                    compression: codec,
                    producer_id: number("producer", -1),
                    producer_epoch: i16::try_from(number("producer-epoch", 0)).unwrap(),
                    base_sequence: i32::try_from(number("sequence", -1)).unwrap(),
                    ..BatchOptions::default()
                });
                let payload = vec![b'v'; usize::try_from(number("size", 10)).unwrap()];
                let key = value("key");
                for n in 0..number("n", 1) {
                    let at = number("at", 0) + n * number("step", 0);
                    builder.append(at, key.as_ref().map(String::as_bytes), Some(&payload), &[]);
                }
                let mut bytes = builder.build().bytes().to_vec();
                if let Some(at) = value("flip") {
                    bytes[at.parse::<usize>().unwrap()] ^= 1;
                }
                if value("twice").is_some() {
                    bytes = bytes.repeat(2);
                }
                let epoch = i32::try_from(number("epoch", 0)).unwrap();
                // As a produce request brings it: what holds no one batch does not come to the log.
                let batch = single_batch(&bytes.into(), true).map(Option::unwrap);
                match batch.and_then(|batch| {
                    self.with(|log, cx| {
                        log.append_as_leader(cx, &batch, epoch, blumfeld_log::AppendOrigin::Client)
                    })
                }) {
                    Ok(info) => {
                        let time = if info.log_append_time >= 0 {
                            format!(" at {}", info.log_append_time)
                        } else {
                            String::new()
                        };
                        let again = if info.duplicate { " again" } else { "" };
                        format!("{}..{} {} B{time}{again}", info.base_offset, info.last_offset, info.bytes)
                    }
                    Err(error) => {
                        let mut text = format!("{}: {}", error.code, error.message);
                        for record in error.records {
                            let _ = write!(text, "\nrecord {}: {}", record.batch_index, record.message);
                        }
                        text
                    }
                }
            }
            "read" => {
                let max = usize::try_from(number("max", 1_000_000)).unwrap();
                let log = self.log.as_ref().unwrap();
                match log.read(offset, max, number("upper", i64::MAX), value("min-one").is_some()) {
                    Ok(data) => {
                        let ranges: Vec<String> = (data.batches.iter())
                            .map(|b| format!("{}..{}", b.base_offset(), b.last_offset()))
                            .collect();
                        let place = data.place.map(|(file, from, len)| format!(" ({file} {from}+{len})"));
                        format!("[{}]{}", ranges.join(" "), place.unwrap_or_default())
                    }
                    Err(error) => format!("out of range {}..{}", error.log_start, error.log_end),
                }
            }
            "time" => {
                let found = self.log.as_ref().unwrap().find_by_timestamp(offset, number("upper", i64::MAX));
                found.map_or("none".into(), |found| format!("offset {} at {}", found.offset, found.timestamp))
            }
            "max-time" => {
                let found = self.log.as_ref().unwrap().find_max_timestamp();
                found.map_or("none".into(), |found| format!("offset {} at {}", found.offset, found.timestamp))
            }
            "flush" => {
                self.with(|log, cx| log.flush(cx));
                String::new()
            }
            "settle" => {
                if words.first() == Some(&"last") {
                    let newest = self.pending.len().saturating_sub(1);
                    self.pending.drain(..newest);
                }
                self.settle();
                format!("recovery point {}", self.log.as_ref().unwrap().recovery_point())
            }
            "crash" => {
                let options = self.checkpoints(false);
                self.pending.clear();
                self.open(options)
            }
            "power-cut" => {
                let options = self.checkpoints(false);
                self.pending.clear();
                self.disk.power_cut();
                self.open(options)
            }
            "restart" => {
                self.with(|log, cx| log.close(cx));
                self.settle();
                let options = self.checkpoints(true);
                self.open(options)
            }
            "corrupt" => {
                self.disk.file_mut(&words[0].into()).corrupt(number("at", 0).try_into().unwrap(), 0x20);
                String::new()
            }
            "tear" => {
                let file: blumfeld_kernel::FilePath = words[0].into();
                let len = self.disk.file(&file).unwrap().len();
                self.disk.file_mut(&file).truncate(len - u64::try_from(number("by", 1)).unwrap());
                String::new()
            }
            "lose" => {
                let file: blumfeld_kernel::FilePath = words[0].into();
                self.disk.delete(&file);
                String::new()
            }
            "forge" => {
                let options = BatchOptions { base_offset: number("base", 0), ..BatchOptions::default() };
                let mut builder = BatchBuilder::new(options);
                builder.append(1, None, None, &[]);
                self.disk.file_mut(&words[0].into()).append(builder.build().bytes().clone());
                String::new()
            }
            "index-entry" => {
                let relative = u32::try_from(number("offset", 0)).unwrap().to_be_bytes();
                let position = u32::try_from(number("position", 0)).unwrap().to_be_bytes();
                let entry: Vec<u8> = relative.into_iter().chain(position).collect();
                let file = "t-0/00000000000000000000.index";
                self.disk.insert(file.into(), blumfeld_kernel::File::new(entry.into(), u64::MAX));
                String::new()
            }
            "copy" => {
                let file = self.disk.file(words[0]).unwrap().clone();
                self.disk.insert(words[1].into(), file);
                String::new()
            }
            "remove" => {
                self.disk.delete(words[0]);
                String::new()
            }
            "garbage" => {
                let noise = vec![0x5a; usize::try_from(number("len", 10)).unwrap()];
                self.disk.file_mut(&words[0].into()).append(noise.into());
                String::new()
            }
            "truncate" => {
                let cut = self.with(|log, cx| log.truncate_to(&mut cx.out, offset, 0));
                format!("cut {cut} B, log end {}", self.log.as_ref().unwrap().log_end())
            }
            "lead" => {
                self.with(|log, cx| log.become_leader(&mut cx.out, i32::try_from(offset).unwrap()));
                String::new()
            }
            "delete-records" => {
                let files = self.with(|log, cx| log.advance_log_start(cx, offset));
                format!("log start {}\n{}", self.log.as_ref().unwrap().log_start(), files.join("\n"))
            }
            "retain" => {
                let files = self.with(|log, cx| log.delete_old_segments(cx, number("upper", i64::MAX)));
                format!("log start {}\n{}", self.log.as_ref().unwrap().log_start(), files.join("\n"))
            }
            "files" => (self.disk.files())
                .map(|(path, file)| format!("{path} {} B, {} durable\n", file.len(), file.durable()))
                .collect(),
            "producers" => (self.log.as_ref().unwrap().producers().producers())
                .map(|(id, entry)| {
                    let batches: Vec<String> = (entry.batches())
                        .map(|batch| {
                            let (first, last) = (batch.first_sequence(), batch.last_sequence);
                            format!("{first}..{last} at {}", batch.first_offset())
                        })
                        .collect();
                    format!("{id} epoch {}: {}\n", entry.producer_epoch, batches.join(", "))
                })
                .collect(),
            "expire" => {
                let now_ms = self.now_ms;
                let gone = self.with(|log, _| log.producers_mut().remove_expired(now_ms, offset));
                format!("{gone} expired")
            }
            "epochs" => format!("{:?}", self.log.as_ref().unwrap().epochs().entries()),
            "segments" => (self.log.as_ref().unwrap().segments())
                .map(|s| {
                    let (index, time) = (s.offset_index().len(), s.time_index().len());
                    format!(
                        "{}..{} {} B, index {index}, timeindex {time}\n",
                        s.base_offset(),
                        s.next_offset(),
                        s.size()
                    )
                })
                .collect(),
            other => panic!("no command {other}"),
        }
    }
}

#[test]
fn scenarios() {
    blumfeld_expect::check(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios"), |text| {
        let mut machine = Machine::new();
        blumfeld_expect::told(text, |line| match line {
            "---" => {
                machine = Machine::new();
                String::new()
            }
            line => machine.run(line),
        })
    });
}
