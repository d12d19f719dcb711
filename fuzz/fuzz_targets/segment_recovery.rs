//! Any bytes as the files of a log's directory: loading must end, keep its promises, and leave a log that takes records
//! and is the same when it is loaded again.
#![no_main]

use blumfeld_kernel::{Context, Disk, Effect, File, Instant, NodeId, Outbox, Prng};
use blumfeld_log::{AppendOrigin, LoadOptions, LogConfig, UnifiedLog};
use blumfeld_protocol::record_batch::{BatchBuilder, BatchOptions, checksum};
use libfuzzer_sys::fuzz_target;

fn with<R>(disk: &mut Disk, act: impl FnOnce(&Disk, &mut Context<'_>) -> R) -> R {
    let (mut effects, mut events) = (Vec::new(), Vec::new());
    let (mut connections, mut flushes, mut rng) = (0, 0, Prng::new(1, "fuzz"));
    let mut cx = Context {
        node: NodeId(1),
        now: Instant::ZERO,
        epoch_ms: 0,
        rng: &mut rng,
        out: Outbox {
            effects: &mut effects,
            events: &mut events,
            connections: &mut connections,
            flushes: &mut flushes,
        },
    };
    let before = disk.clone();
    let result = act(&before, &mut cx);
    for effect in effects {
        if let Effect::Disk { op, .. } = effect {
            disk.apply(&op);
        }
    }
    result
}

/// Gives every batch in a file a right length and checksum, where it has room for a header.
fn mend(bytes: &mut [u8]) {
    let mut at = 0;
    while bytes.len() - at >= 61 {
        let wanted = usize::from(bytes[at + 11]) + 49;
        let end = (at + 12 + wanted).min(bytes.len());
        let length = u32::try_from(end - at - 12).unwrap_or(0);
        bytes[at + 8..at + 12].copy_from_slice(&length.to_be_bytes());
        bytes[at + 16] = 2;
        let crc = checksum(&bytes[at + 21..end]);
        bytes[at + 17..at + 21].copy_from_slice(&crc.to_be_bytes());
        at = end;
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&[flags, recovery, start, base], mut rest)) = data.split_first_chunk::<4>() else { return };
    let mut disk = Disk::default();
    let names = [
        "t-0/00000000000000000000.log".to_owned(),
        "t-0/00000000000000000000.index".to_owned(),
        "t-0/00000000000000000000.timeindex".to_owned(),
        format!("t-0/{:020}.log", base),
        "t-0/leader-epoch-checkpoint".to_owned(),
    ];
    for (number, name) in names.into_iter().enumerate() {
        let Some((&len, after)) = rest.split_first() else { break };
        let (bytes, after) = after.split_at((usize::from(len) * 8).min(after.len()));
        let mut bytes = bytes.to_vec();
        if flags & 2 == 2 && (number == 0 || number == 3) {
            mend(&mut bytes);
        }
        disk.insert(name.into(), File::new(bytes.into(), u64::MAX));
        rest = after;
    }
    let options =
        LoadOptions {
            clean: flags & 1 == 1,
            cleaned_to: 0,
            recovery_point: i64::from(recovery),
            log_start: i64::from(start),
            now_ms: 0,
        };
    let config = LogConfig { segment_bytes: 4096, index_interval_bytes: 16, ..LogConfig::default() };
    let mut log = with(&mut disk, |disk, cx| UnifiedLog::load(&mut cx.out, disk, "t-0", config.clone(), options).0);
    log.invariants().expect("a loaded log keeps its promises");
    let end = log.log_end();
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(1, None, Some(b"after"), &[]);
    let batch = builder.build();
    let info = with(&mut disk, |_, cx| log.append_as_leader(cx, &batch, 7, AppendOrigin::Client)).expect("a recovered log takes records");
    assert_eq!(info.base_offset, end);
    let read = log.read(end, 1_000, i64::MAX, true).expect("what was appended can be read");
    assert_eq!(read.batches.last().map(|batch| batch.last_offset()), Some(end));
    log.find_by_timestamp(1, i64::MAX);
    log.find_max_timestamp();
    let options = LoadOptions { clean: false, recovery_point: 0, log_start: log.log_start(), cleaned_to: 0, now_ms: 0 };
    let again = with(&mut disk, |disk, cx| UnifiedLog::load(&mut cx.out, disk, "t-0", config, options).0);
    again.invariants().expect("a log that is loaded again keeps its promises");
    // Segments that a clean start trusted may turn out to be corrupt when they are scanned; after a scan nothing may.
    if flags & 1 == 0 && recovery == 0 {
        assert_eq!(again.log_end(), log.log_end());
    }
});
