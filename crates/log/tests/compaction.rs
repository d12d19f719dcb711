//! Log compaction: the scenarios of `tests/compaction` (a log before, configs, a pass, the log after), a crash after
//! each operation of a pass, and random logs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use blumfeld_kernel::{Context, Disk, DiskOp, Effect, FlushId, Instant, NodeId, Outbox, Prng, TraceEvent};
use blumfeld_log::cleaner::{CleanerConfig, CleanerStats, CleaningError, CleaningPass, LogToClean, Slice};
use blumfeld_log::{AbortedTxn, CleanupPolicy, LoadOptions, LogConfig, UnifiedLog};
use blumfeld_protocol::Compression;
use blumfeld_protocol::record_batch::{
    Batch, BatchBuilder, BatchOptions, ControlRecord, TimestampType, checksum,
};

const DIR: &str = "t-0";

/// What is put into a batch.
#[derive(Clone, Debug)]
struct Put {
    key: Option<String>,
    value: Option<String>,
    at: i64,
}

#[derive(Clone)]
struct Machine {
    disk: Disk,
    log: UnifiedLog,
    now_ms: i64,
    connections: u64,
    flushes: u64,
    /// The next batch begins a segment.
    roll: bool,
    checkpoint: Option<i64>,
    /// Where the open transaction of each producer began.
    open: BTreeMap<i64, i64>,
    aborted: Vec<AbortedTxn>,
    /// Operations since they were last taken; flushes are over at once.
    ops: Vec<DiskOp>,
}

fn with_outbox<R>(
    (connections, flushes): (&mut u64, &mut u64),
    now_ms: i64,
    act: impl FnOnce(&mut Context<'_>) -> R,
) -> (R, Vec<Effect>) {
    let (mut effects, mut events): (_, Vec<TraceEvent>) = (Vec::new(), Vec::new());
    let mut rng = Prng::new(1, "test");
    let out = Outbox { effects: &mut effects, events: &mut events, connections, flushes };
    let result =
        act(&mut Context { node: NodeId(1), now: Instant::ZERO, epoch_ms: now_ms, rng: &mut rng, out });
    (result, effects)
}

fn load(disk: &mut Disk, config: &LogConfig, options: LoadOptions) -> UnifiedLog {
    let (mut connections, mut flushes) = (0, 1_000_000);
    let (log, effects) = with_outbox((&mut connections, &mut flushes), 0, |cx| {
        UnifiedLog::load(&mut cx.out, disk, DIR, config.clone(), options).0
    });
    log.invariants().unwrap();
    for effect in effects {
        if let Effect::Disk { op, .. } = effect {
            disk.apply(&op);
        }
    }
    let left: Vec<_> =
        disk.files().map(|(path, _)| path.to_string()).filter(|path| path.ends_with("ed")).collect();
    assert!(left.is_empty() && !disk.files().any(|(path, _)| path.ends_with(".swap")), "{left:?}");
    log
}

fn compacted() -> LogConfig {
    LogConfig {
        cleanup: CleanupPolicy { delete: false, compact: true },
        min_cleanable_ratio: 0.0,
        delete_retention_ms: 1_000,
        timestamp_after_max_ms: i64::MAX,
        index_interval_bytes: 100,
        ..LogConfig::default()
    }
}

impl Machine {
    fn new() -> Machine {
        let mut disk = Disk::default();
        let log = load(&mut disk, &compacted(), LoadOptions { clean: true, ..LoadOptions::default() });
        Machine {
            disk,
            log,
            now_ms: 0,
            connections: 0,
            flushes: 0,
            roll: false,
            checkpoint: None,
            open: BTreeMap::new(),
            aborted: Vec::new(),
            ops: Vec::new(),
        }
    }

    fn act<R>(&mut self, act: impl FnOnce(&mut UnifiedLog, &mut Context<'_>) -> R) -> R {
        let log = &mut self.log;
        let numbers = (&mut self.connections, &mut self.flushes);
        let (result, effects) = with_outbox(numbers, self.now_ms, |cx| act(log, cx));
        self.log.invariants().unwrap();
        let mut flushed = Vec::new();
        for effect in effects {
            let Effect::Disk { id, op } = effect else { panic!("{effect:?}") };
            if matches!(op, DiskOp::Flush { .. }) {
                flushed.push(id);
            }
            self.disk.apply(&op);
            self.ops.push(op);
        }
        for id in flushed {
            self.log.on_flushed(id);
        }
        result
    }

    fn append(&mut self, batch: Batch) {
        let config = self.log.config().clone();
        if std::mem::take(&mut self.roll) {
            self.log.set_config(LogConfig { segment_bytes: 1, ..config.clone() });
        }
        self.act(|log, cx| log.append(cx, batch, -1));
        self.log.set_config(config);
    }

    fn put(&mut self, records: &[Put], options: BatchOptions) -> (i64, i64) {
        let base_offset = self.log.log_end();
        let options = BatchOptions { base_offset, partition_leader_epoch: 7, ..options };
        let mut builder = BatchBuilder::new(options);
        for record in records {
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            builder.append(record.at, key.map(str::as_bytes), value.map(str::as_bytes), &[]);
        }
        if options.transactional {
            self.open.entry(options.producer_id).or_insert(base_offset);
        }
        let batch = builder.build();
        let batch = match options.timestamp_type {
            TimestampType::LogAppendTime => batch.with_log_append_time(self.now_ms),
            TimestampType::CreateTime => batch,
        };
        self.append(batch);
        (base_offset, self.log.log_end() - 1)
    }

    fn end_transaction(&mut self, producer_id: i64, commit: bool) -> i64 {
        let offset = self.log.log_end();
        let mut builder = BatchBuilder::new(BatchOptions {
            base_offset: offset,
            partition_leader_epoch: 7,
            producer_id,
            producer_epoch: 0,
            transactional: true,
            control: true,
            ..BatchOptions::default()
        });
        let key = ControlRecord::key(i16::from(commit));
        builder.append(self.now_ms, Some(&key), Some(&[0, 0, 0, 0, 0, 5]), &[]);
        self.append(builder.build());
        let first_offset = self.open.remove(&producer_id);
        if let Some(first_offset) = first_offset.filter(|_| !commit) {
            let last_stable_offset = self.stable();
            self.aborted.push(AbortedTxn {
                producer_id,
                first_offset,
                last_offset: offset,
                last_stable_offset,
            });
        }
        // The marker is replicated.
        let end = self.log.log_end();
        self.log.producers_mut().note_high_watermark(end);
        assert_eq!(self.stable(), self.log.last_stable_offset(end));
        offset
    }

    /// The last stable offset.
    fn stable(&self) -> i64 {
        self.open.values().copied().min().unwrap_or(i64::MAX).min(self.log.log_end())
    }

    fn to_clean(&self) -> LogToClean {
        self.log.to_clean(self.checkpoint, self.stable(), self.now_ms)
    }

    /// A pass from its beginning to its end.
    fn clean(&mut self, config: CleanerConfig) -> Result<(i64, CleanerStats), CleaningError> {
        let to_clean = self.to_clean();
        let mut pass = CleaningPass::new(&self.log, to_clean, config, self.now_ms);
        loop {
            let slice = self.act(|log, cx| pass.go_on(cx, log));
            match slice {
                Ok(Slice::Flushing(id)) => assert!(pass.on_flushed(id, true)?),
                Ok(Slice::Done(end)) => {
                    self.checkpoint = Some(end);
                    return Ok((end, *pass.stats()));
                }
                Ok(_) => {}
                Err(error) => {
                    self.act(|_, cx| pass.abandon(&mut cx.out));
                    return Err(error);
                }
            }
        }
    }

    fn reload(&mut self, clean: bool) {
        let (recovery_point, log_start) = (self.log.recovery_point(), self.log.log_start());
        let options =
            LoadOptions { clean, recovery_point, log_start, now_ms: self.now_ms, ..LoadOptions::default() };
        self.log = load(&mut self.disk, &self.log.config().clone(), options);
    }

    fn run(&mut self, line: &str) -> String {
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let words: Vec<&str> = words.collect();
        let value = |name: &str| words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        let number = |name: &str, default: i64| value(name).map_or(default, |text| text.parse().unwrap());
        let first = words.first().and_then(|word| word.parse::<i64>().ok()).unwrap_or(0);
        match verb {
            "config" => {
                let mut config = self.log.config().clone();
                for word in &words {
                    let (name, text) = word.split_once('=').unwrap();
                    let n = || text.parse::<i64>().unwrap();
                    match name {
                        "segment.bytes" => config.segment_bytes = n().try_into().unwrap(),
                        "delete.retention.ms" => config.delete_retention_ms = n(),
                        "min.compaction.lag.ms" => config.min_compaction_lag_ms = n(),
                        "max.compaction.lag.ms" => config.max_compaction_lag_ms = n(),
                        "min.cleanable.dirty.ratio" => config.min_cleanable_ratio = text.parse().unwrap(),
                        other => panic!("no config {other}"),
                    }
                }
                self.log.set_config(config);
                String::new()
            }
            "now" => {
                self.now_ms = first;
                String::new()
            }
            "roll" => {
                self.roll = true;
                String::new()
            }
            "put" => {
                let options = BatchOptions {
                    compression: value("codec").map_or(Compression::None, |name| name.parse().unwrap()),
                    producer_id: number("producer", -1),
                    producer_epoch: if value("producer").is_some() { 0 } else { -1 },
                    base_sequence: i32::try_from(number("sequence", -1)).unwrap(),
                    transactional: words.contains(&"txn"),
                    timestamp_type: if words.contains(&"append-time") {
                        TimestampType::LogAppendTime
                    } else {
                        TimestampType::CreateTime
                    },
                    ..BatchOptions::default()
                };
                let records: Vec<Put> = (words.iter())
                    .filter_map(|word| {
                        let (key, rest) = word.split_once(':')?;
                        let (value, at) = rest.split_once('@').unwrap_or((rest, ""));
                        Some(Put {
                            key: Some(key.to_owned()).filter(|key| !key.is_empty()),
                            value: Some(value.to_owned()).filter(|value| value != "~"),
                            at: at.parse().unwrap_or(self.now_ms),
                        })
                    })
                    .collect();
                let (from, to) = self.put(&records, options);
                format!("{from}..{to}")
            }
            "commit" | "abort" => self.end_transaction(number("producer", -1), verb == "commit").to_string(),
            "range" => {
                self.checkpoint = value("checkpoint").map_or(self.checkpoint, |text| text.parse().ok());
                let stable = number("stable", self.stable());
                let range = self.log.to_clean(self.checkpoint, stable, self.now_ms);
                let enough = range.is_dirty_enough(self.log.config().min_cleanable_ratio);
                format!(
                    "{}..{}, {} B clean, {} B cleanable, ratio {:.2}{}{}: {}",
                    range.first_dirty,
                    range.first_uncleanable,
                    range.clean_bytes,
                    range.cleanable_bytes,
                    range.cleanable_ratio(),
                    if range.is_overdue { ", overdue" } else { "" },
                    if range.checkpoint_was_invalid { ", checkpoint invalid" } else { "" },
                    if enough { "clean it" } else { "leave it" },
                )
            }
            "clean" => {
                let config = CleanerConfig {
                    dedupe_buffer_size: 24 * u64::try_from(number("keys", 1_000)).unwrap(),
                    dedupe_buffer_load_factor: 1.0,
                    io_buffer_size: u64::try_from(number("buffer", 1_000_000)).unwrap(),
                };
                match self.clean(config) {
                    Ok((end, stats)) => {
                        let counts = stats.records;
                        let mut text = format!(
                            "clean up to {end}: {} records of {}, {} segments of {}\n",
                            counts.kept, counts.read, stats.segments_after, stats.segments_before
                        );
                        for (count, why) in [
                            (counts.superseded, "superseded"),
                            (counts.tombstones, "tombstones"),
                            (counts.aborted, "aborted"),
                            (counts.markers, "markers"),
                            (counts.keyless, "without a key"),
                        ] {
                            if count > 0 {
                                let _ = writeln!(text, "{count} {why}");
                            }
                        }
                        text
                    }
                    Err(error) => error.to_string(),
                }
            }
            "garbage" => {
                // A record that is none, under a checksum that holds.
                let base_offset = self.log.log_end();
                let mut builder = BatchBuilder::new(BatchOptions { base_offset, ..BatchOptions::default() });
                builder.append(self.now_ms, Some(b"a"), None, &[]);
                let mut bytes = builder.build().bytes().to_vec();
                bytes[61] = 0x7e;
                let crc = checksum(&bytes[21..]).to_be_bytes();
                bytes[17..21].copy_from_slice(&crc);
                self.append(Batch::parse(&bytes.into()).unwrap());
                base_offset.to_string()
            }
            "reload" => {
                self.reload(first == 0);
                format!("log end {}", self.log.log_end())
            }
            "truncate" => {
                self.act(|log, cx| log.truncate_to(&mut cx.out, first, 0));
                format!("log end {}, cut {:?}", self.log.log_end(), self.log.take_cut())
            }
            "delete-records" => {
                self.act(|log, cx| log.advance_log_start(cx, first));
                format!("log start {}", self.log.log_start())
            }
            "files" => self.disk.files().map(|(path, file)| format!("{path} {} B\n", file.len())).collect(),
            "log" => shown(&self.log),
            other => panic!("no command {other}"),
        }
    }
}

/// Each segment with its batches and their records.
fn shown(log: &UnifiedLog) -> String {
    let mut text = String::new();
    for segment in log.segments() {
        let _ = write!(text, "segment {}", segment.base_offset());
        for aborted in segment.txn_index().entries() {
            let AbortedTxn { producer_id, first_offset, last_offset, .. } = aborted;
            let _ = write!(text, " [aborted {producer_id} {first_offset}..{last_offset}]");
        }
        text.push('\n');
        for placed in segment.batches().iter() {
            let batch = &placed.batch;
            batch.validate_header().unwrap();
            let _ = write!(text, ". {}..{}", batch.base_offset(), batch.last_offset());
            let codec = batch.compression().unwrap();
            if codec != Compression::None {
                let _ = write!(text, " {}", codec.name());
            }
            if batch.producer_id() >= 0 && !batch.is_control() {
                let (id, first, last) = (batch.producer_id(), batch.base_sequence(), batch.last_sequence());
                let _ = write!(text, " producer {id} {first}..{last}");
            }
            if batch.is_transactional() && !batch.is_control() {
                text.push_str(" txn");
            }
            if let Some(horizon) = batch.delete_horizon_ms() {
                let _ = write!(text, " horizon {horizon}");
            }
            text.push(':');
            for record in batch.records().unwrap() {
                let record = record.unwrap();
                match batch.is_control().then(|| ControlRecord::of(&record)).flatten() {
                    Some(ControlRecord::Commit { .. }) => {
                        let _ = write!(text, " commit {}", batch.producer_id());
                    }
                    Some(_) => {
                        let _ = write!(text, " abort {}", batch.producer_id());
                    }
                    None => {
                        let text_of = |bytes: &Option<bytes::Bytes>, none: &str| {
                            bytes
                                .as_ref()
                                .map_or(none.to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
                        };
                        let (key, value) = (text_of(&record.key, ""), text_of(&record.value, "~"));
                        let _ = write!(text, " {}={key}:{value}@{}", record.offset, record.timestamp);
                    }
                }
            }
            if batch.records_count() == 0 {
                text.push_str(" empty");
            }
            text.push('\n');
        }
    }
    text
}

#[test]
fn scenarios() {
    blumfeld_expect::check(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compaction"), |text| {
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

/// Offset, timestamp, key and value of each record.
type Seen = BTreeMap<i64, (i64, Option<String>, Option<String>)>;

/// What a reader of committed records sees.
fn committed(log: &UnifiedLog, aborted: &[AbortedTxn]) -> Seen {
    let text = |bytes: Option<bytes::Bytes>| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let mut seen = Seen::new();
    for batch in log.segments().flat_map(|segment| segment.batches().iter()).map(|placed| &placed.batch) {
        let is_aborted = aborted.iter().any(|txn| {
            batch.is_transactional()
                && txn.producer_id == batch.producer_id()
                && (txn.first_offset..=txn.last_offset).contains(&batch.base_offset())
        });
        if !batch.is_control() && !is_aborted {
            for record in batch.records().unwrap().map(Result::unwrap) {
                seen.insert(record.offset, (record.timestamp, text(record.key), text(record.value)));
            }
        }
    }
    seen
}

/// What the log's own indexes say was aborted.
fn indexed(log: &UnifiedLog) -> Vec<AbortedTxn> {
    log.segments().flat_map(|segment| segment.txn_index().entries()).copied().collect()
}

/// What a table that is built from the log holds.
fn table(seen: &Seen) -> BTreeMap<String, String> {
    let mut table = BTreeMap::new();
    for (_, key, value) in seen.values() {
        match (key, value) {
            (Some(key), Some(value)) => drop(table.insert(key.clone(), value.clone())),
            (Some(key), None) => drop(table.remove(key)),
            (None, _) => {}
        }
    }
    table
}

fn last_sequences(log: &UnifiedLog) -> Vec<(i64, i32)> {
    log.producers().producers().map(|(id, entry)| (id, entry.last_sequence())).collect()
}

/// A log as clients might have written it.
fn random_log(rng: &mut Prng, machine: &mut Machine, batches: u64) {
    let mut sequences: BTreeMap<i64, i32> = BTreeMap::new();
    for _ in 0..batches {
        machine.now_ms += i64::try_from(rng.below(50)).unwrap();
        machine.roll = rng.chance(1, 3);
        if rng.chance(1, 5)
            && let Some(producer) = machine.open.keys().next().copied()
        {
            machine.end_transaction(producer, rng.chance(1, 2));
            continue;
        }
        let records: Vec<Put> = (0..=rng.below(4))
            .map(|_| Put {
                key: Some(format!("k{}", rng.below(9))),
                value: (!rng.chance(1, 4)).then(|| format!("v{}", rng.below(1_000))),
                at: machine.now_ms,
            })
            .collect();
        let producer_id = i64::try_from(rng.below(6)).unwrap() - 1;
        let idempotent = producer_id >= 0;
        let sequence = sequences.entry(producer_id).or_insert(0);
        let base_sequence = if idempotent { *sequence } else { -1 };
        *sequence += i32::try_from(records.len()).unwrap();
        let codecs = [Compression::None, Compression::Gzip, Compression::Lz4];
        let options = BatchOptions {
            compression: codecs[usize::try_from(rng.below(3)).unwrap()],
            producer_id,
            producer_epoch: if idempotent { 0 } else { -1 },
            base_sequence,
            // Producers 3 and 4 write nothing but transactions.
            transactional: producer_id >= 3,
            ..BatchOptions::default()
        };
        machine.put(&records, options);
    }
}

#[test]
fn a_cleaned_log_says_the_same_with_fewer_records() {
    for seed in 0..100 {
        let mut rng = Prng::new(seed, "compaction");
        let mut machine = Machine::new();
        for round in 0..4 {
            let at = || format!("seed {seed} round {round}");
            random_log(&mut rng, &mut machine, 5 + round * 5);
            let before = committed(&machine.log, &machine.aborted);
            let (end, start) = (machine.log.log_end(), machine.log.log_start());
            let sequences = last_sequences(&machine.log);
            let config = CleanerConfig {
                dedupe_buffer_size: 24 * (2 + rng.below(12)),
                dedupe_buffer_load_factor: 1.0,
                io_buffer_size: 2 * (1 + rng.below(600)),
            };
            let whole = machine.clone();
            let LogToClean { first_dirty, cleanable_bytes, .. } = machine.to_clean();
            if cleanable_bytes == 0 {
                continue;
            }
            machine.ops.clear();
            let (cleaned_to, stats) = machine.clean(config).unwrap();
            assert!(cleaned_to >= first_dirty, "{}", at());
            assert_eq!(stats.records.read, stats.records.kept + stats.records.removed(), "{}", at());

            let after = committed(&machine.log, &machine.aborted);
            assert_eq!((machine.log.log_end(), machine.log.log_start()), (end, start), "{}", at());
            assert_eq!(table(&after), table(&before), "{}", at());
            // Whoever passes over what the transaction index names sees the same.
            assert_eq!(committed(&machine.log, &indexed(&machine.log)), after, "{}", at());
            for (offset, record) in &after {
                assert_eq!(before.get(offset), Some(record), "{} offset {offset}", at());
            }
            // Behind the cleaned part nothing is touched, and before it each key stands once.
            assert_eq!(after.range(cleaned_to..).count(), before.range(cleaned_to..).count(), "{}", at());
            let mut keys: Vec<_> = after.range(..cleaned_to).map(|(_, (_, key, _))| key.clone()).collect();
            keys.sort();
            assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "{}: {}", at(), shown(&machine.log));

            // What a start finds is the same log, with producers that go on where they were.
            let mut again = machine.clone();
            again.reload(rng.chance(1, 2));
            assert_eq!(shown(&again.log), shown(&machine.log), "{}", at());
            assert_eq!(last_sequences(&machine.log), sequences, "{}", at());
            assert_eq!(last_sequences(&again.log), sequences, "{}", at());

            // A crash in the middle of it loses nothing.
            let done = usize::try_from(rng.below(machine.ops.len() as u64 + 1)).unwrap();
            let mut crashed = whole;
            for op in &machine.ops[..done] {
                crashed.disk.apply(op);
            }
            crashed.reload(false);
            assert_eq!(crashed.log.log_end(), end, "{} after {done} operations", at());
            let seen = committed(&crashed.log, &crashed.aborted);
            assert_eq!(table(&seen), table(&before), "{} after {done} operations", at());
            assert_eq!(committed(&crashed.log, &indexed(&crashed.log)), seen, "{} after {done}", at());
            // Most of the time goes by until tombstones may go.
            machine.now_ms += i64::try_from(rng.below(1_500)).unwrap();
        }
    }
}

#[test]
fn a_crash_after_any_operation_leaves_the_old_segments_or_the_new_one() {
    crash_everywhere(&["put a:1 b:1", "roll", "put a:2 c:1", "roll", "put c:2 d:1", "roll", "put e:1"]);
    // The first pass leaves an entry of the transaction index, which the second takes away.
    crash_everywhere(&[
        "put a:1",
        "put producer=5 sequence=0 txn b:1",
        "abort producer=5",
        "put producer=5 sequence=1 c:1",
        "roll",
        "put a:2",
        "clean",
        "roll",
        "put a:3",
    ]);
}

/// Plays the lines and then a pass, which is cut off after each of its operations.
fn crash_everywhere(lines: &[&str]) {
    let mut machine = Machine::new();
    for line in lines {
        machine.run(line);
    }
    machine.act(|log, cx| log.flush(cx));
    let before = machine.clone();
    machine.ops.clear();
    machine.clean(CleanerConfig::default()).unwrap();
    let (old, new) = (shown(&before.log), shown(&machine.log));
    assert_ne!(old, new);
    let names: Vec<String> = (machine.ops.iter())
        .map(|op| match op {
            DiskOp::Append { .. } => "append".to_owned(),
            DiskOp::Flush { .. } => "flush".to_owned(),
            DiskOp::Rename { from, to } => format!("{from} -> {to}"),
            other => format!("{other:?}"),
        })
        .filter(|name| !name.starts_with("Read"))
        .collect();
    let first_swap = names.iter().position(|name| name.ends_with(".log.swap")).unwrap();
    assert!(names[..first_swap].iter().all(|name| name == "append" || name == "flush"), "{names:#?}");
    for power_cut in [false, true] {
        let mut changed = None;
        for done in 0..=machine.ops.len() {
            let mut crashed = before.clone();
            for op in &machine.ops[..done] {
                crashed.disk.apply(op);
            }
            if power_cut {
                crashed.disk.power_cut();
            }
            crashed.reload(false);
            let seen = shown(&crashed.log);
            if seen == new {
                changed.get_or_insert(done);
            } else {
                assert_eq!(seen, old, "after {done} operations");
                assert_eq!(changed, None, "after {done} operations the old segments are back");
            }
        }
        // With the last file that is named `.swap` it has happened.
        let last_swap = (machine.ops.iter())
            .rposition(|op| matches!(op, DiskOp::Rename { to, .. } if to.ends_with(".swap")))
            .unwrap();
        assert_eq!(changed, Some(last_swap + 1));
    }
}

#[test]
fn a_pass_whose_segments_are_taken_away_ends_and_leaves_no_files() {
    for (line, from) in
        [("truncate 1", 1), ("delete-records 4", 1), ("truncate 1", 6), ("delete-records 4", 6)]
    {
        let mut machine = Machine::new();
        for line in ["put a:1 b:1", "roll", "put a:2 c:1", "roll", "put c:2 d:1", "roll", "put e:1"] {
            machine.run(line);
        }
        let config = CleanerConfig { io_buffer_size: 2, ..CleanerConfig::default() };
        let mut pass = CleaningPass::new(&machine.log, machine.to_clean(), config, machine.now_ms);
        let mut error = None;
        for step in 0..20 {
            if step == from {
                machine.run(line);
            }
            match machine.act(|log, cx| pass.go_on(cx, log)) {
                Ok(Slice::Flushing(id)) => drop(pass.on_flushed(id, true)),
                Ok(_) => {}
                Err(why) => {
                    error = Some(why);
                    machine.act(|_, cx| pass.abandon(&mut cx.out));
                    break;
                }
            }
        }
        assert_eq!(error, Some(CleaningError::Changed), "{line} after {from} slices");
        assert!(!machine.disk.files().any(|(path, _)| path.ends_with(".cleaned")), "{line} {from}");
    }
}

#[test]
fn a_batch_of_which_nothing_is_taken_keeps_its_memory() {
    let mut machine = Machine::new();
    for line in ["put a:1 b:1", "put c:1 d:1", "roll", "put a:2", "roll", "put z:1"] {
        machine.run(line);
    }
    let addresses = |machine: &Machine| -> BTreeMap<i64, *const u8> {
        let batches = machine.log.segments().flat_map(|segment| segment.batches().iter());
        batches.map(|placed| (placed.batch.base_offset(), placed.batch.bytes().as_ptr())).collect()
    };
    let before = addresses(&machine);
    machine.clean(CleanerConfig::default()).unwrap();
    let kept: Vec<i64> =
        addresses(&machine).into_iter().filter(|(at, ptr)| before[at] == *ptr).map(|(at, _)| at).collect();
    assert_eq!(kept, [2, 4, 5]);
}

#[test]
fn a_flush_that_fails_ends_the_pass() {
    let mut machine = Machine::new();
    for line in ["put a:1", "roll", "put a:2"] {
        machine.run(line);
    }
    let mut pass = CleaningPass::new(&machine.log, machine.to_clean(), CleanerConfig::default(), 0);
    loop {
        if let Slice::Flushing(id) = machine.act(|log, cx| pass.go_on(cx, log)).unwrap() {
            assert_eq!(pass.on_flushed(FlushId(id.0 + 1), true), Ok(false));
            assert_eq!(pass.on_flushed(id, false), Err(CleaningError::Flush));
            break;
        }
    }
    machine.act(|_, cx| pass.abandon(&mut cx.out));
    assert!(!machine.disk.files().any(|(path, _)| path.ends_with(".cleaned")));
    assert_eq!(machine.log.log_end(), 2);
}

/// A follower takes what a leader has left of its log, with the gaps.
#[test]
fn a_follower_takes_a_cleaned_log() {
    let mut leader = Machine::new();
    for line in ["put a:1 b:1", "roll", "put a:2", "roll", "put b:~ c:1", "roll", "put d:1"] {
        leader.run(line);
    }
    leader.clean(CleanerConfig::default()).unwrap();
    let mut follower = Machine::new();
    let mut offset = 0;
    while offset < leader.log.log_end() {
        let data = leader.log.read(offset, 1_000_000, i64::MAX, true).unwrap();
        let records: Vec<_> = data.batches.iter().map(|batch| batch.bytes().clone()).collect();
        follower.act(|log, cx| log.append_as_follower(cx, &records)).unwrap();
        offset = follower.log.log_end();
    }
    let batches = |machine: &Machine| -> Vec<String> {
        shown(&machine.log).lines().filter(|line| line.starts_with('.')).map(str::to_owned).collect()
    };
    assert_eq!(batches(&follower), batches(&leader));
}
