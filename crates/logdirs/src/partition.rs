//! A partition's folder: whether its files are what their names say, and what a new cluster has to know of it.

use std::collections::BTreeMap;

use blumfeld_log::checkpoint;
use blumfeld_protocol::record_batch::batches;
use blumfeld_protocol::{Uuid, uuid_text};
use bytes::Bytes;

use crate::problem::Problem;

/// The magic of record batches.
const MAGIC: i8 = 2;
/// Where the magic stands in a batch, and in the messages that came before batches.
const MAGIC_AT: usize = 16;

/// What a partition's folder holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Found {
    /// `partition.metadata`'s, if it is there.
    pub topic_id: Option<Uuid>,
    /// The offset after the last record.
    pub end: i64,
    /// The highest leader epoch that batches or the checkpoint name.
    pub epoch: i32,
    /// The highest producer id.
    pub producer: i64,
    /// Records, as batches say.
    pub records: u64,
    /// The files whose last bytes are no batches, each with how many.
    pub cut: Vec<(String, u64)>,
}

/// Looks at a partition's folder. `path` is the folder as it was dropped.
pub(crate) fn examine(path: &str, files: &BTreeMap<String, Bytes>, problems: &mut Vec<Problem>) -> Found {
    let mut found = Found { producer: -1, epoch: -1, ..Found::default() };
    let text = |name: &str| files.get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    // org.apache.kafka.storage.internals.checkpoint.PartitionMetadataFile
    found.topic_id = text("partition.metadata").and_then(|text| {
        let id = text.lines().find_map(|line| line.strip_prefix("topic_id:"))?;
        uuid_text::from_text(id.trim()).filter(|id| !id.is_nil())
    });
    let epochs = text("leader-epoch-checkpoint").and_then(|text| checkpoint::read_epochs(&text).ok());
    found.epoch = epochs.iter().flatten().map(|(epoch, _)| *epoch).max().unwrap_or(-1);
    for (name, bytes) in files {
        let Some(base) = name.strip_suffix(".log") else { continue };
        let at = || format!("{path}/{name}");
        if base.len() != 20 || !base.bytes().all(|byte| byte.is_ascii_digit()) {
            problems.push(Problem::SegmentName { path: at() });
            continue;
        }
        let base: i64 = base.parse().unwrap_or(i64::MAX);
        found.end = found.end.max(base);
        if let Err(problem) = segment(&at, bytes, base, &mut found) {
            problems.push(problem);
        }
    }
    found
}

fn segment(at: &dyn Fn() -> String, bytes: &Bytes, base: i64, found: &mut Found) -> Result<(), Problem> {
    let mut read = 0;
    for batch in batches(bytes) {
        match batch {
            Ok(batch) if batch.magic() == MAGIC && batch.validate_header().is_ok() => {
                if batch.base_offset() < base {
                    return Err(Problem::Offset { path: at(), offset: batch.base_offset() });
                }
                read += batch.size();
                found.end = found.end.max(batch.next_offset());
                found.epoch = found.epoch.max(batch.partition_leader_epoch());
                found.producer = found.producer.max(batch.producer_id());
                if !batch.is_control() {
                    found.records += u64::try_from(batch.records_count()).unwrap_or(0);
                }
            }
            Ok(_) | Err(_) => break,
        }
    }
    if read == bytes.len() {
        return Ok(());
    }
    if read == 0 {
        // A file of zeros was made to its full length and never written (preallocate); one that is short was cut in
        // its first batch.
        let whole = bytes.len() > MAGIC_AT && bytes.iter().any(|byte| *byte != 0);
        let magic = bytes.get(MAGIC_AT).map_or(-1, |byte| byte.cast_signed());
        // A message of old says its length where a batch does, and no more fits between two offsets.
        let starts =
            bytes.get(..8).and_then(|first| first.try_into().ok()).map_or(-1, i64::from_be_bytes) == base;
        match magic {
            _ if !whole => {}
            0 | 1 if starts => return Err(Problem::OldFormat { path: at(), magic }),
            MAGIC if starts => {}
            _ => return Err(Problem::NoBatches { path: at() }),
        }
    }
    found.cut.push((at(), (bytes.len() - read) as u64));
    Ok(())
}
