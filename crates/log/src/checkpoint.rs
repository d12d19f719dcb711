//! Checkpoint files: text of a version line, a count line and one line an entry
//! (org.apache.kafka.server.common.CheckpointFile).

use std::collections::BTreeMap;
use std::fmt::Write;

/// Offsets by topic and partition, as `recovery-point-offset-checkpoint`, `replication-offset-checkpoint` and
/// `log-start-offset-checkpoint` hold them.
pub type Offsets = BTreeMap<(String, i32), i64>;

/// Up to which offset each log is known to be durable.
pub const RECOVERY_POINT: &str = "recovery-point-offset-checkpoint";
/// The high watermark of each log.
pub const HIGH_WATERMARK: &str = "replication-offset-checkpoint";
/// The log start offset of each log that does not begin at its first segment.
pub const LOG_START: &str = "log-start-offset-checkpoint";
/// Up to which offset each compacted log is clean.
pub const CLEANER: &str = "cleaner-offset-checkpoint";

/// The text of a checkpoint of offsets, each with its topic and partition.
pub fn write_offsets(offsets: &[(&str, i32, i64)]) -> String {
    // Most lines are short: the text grows once or not at all.
    let mut text = String::with_capacity(16 + 32 * offsets.len());
    let _ = writeln!(text, "0\n{}", offsets.len());
    for (topic, partition, offset) in offsets {
        let _ = writeln!(text, "{topic} {partition} {offset}");
    }
    text
}

/// Reads a checkpoint of offsets. A file that is not one is an error that names the line.
pub fn read_offsets(text: &str) -> Result<Offsets, String> {
    let mut offsets = Offsets::new();
    for (at, line) in entries(text)? {
        let mut parts = line.split(' ');
        let entry = (|| {
            let topic = parts.next()?.to_owned();
            let partition = parts.next()?.parse().ok()?;
            let offset = parts.next()?.parse().ok()?;
            Some(((topic, partition), offset)).filter(|_| parts.next().is_none())
        })();
        let (key, offset) =
            entry.ok_or_else(|| format!("line {at}: \"{line}\" is no topic, partition and offset"))?;
        offsets.insert(key, offset);
    }
    Ok(offsets)
}

/// The text of a `leader-epoch-checkpoint`: each epoch with its first offset.
pub fn write_epochs(epochs: &[(i32, i64)]) -> String {
    let mut text = format!("0\n{}\n", epochs.len());
    for (epoch, start) in epochs {
        let _ = writeln!(text, "{epoch} {start}");
    }
    text
}

/// Reads a `leader-epoch-checkpoint`.
pub fn read_epochs(text: &str) -> Result<Vec<(i32, i64)>, String> {
    let mut epochs = Vec::new();
    for (at, line) in entries(text)? {
        let entry =
            line.split_once(' ').and_then(|(epoch, start)| Some((epoch.parse().ok()?, start.parse().ok()?)));
        epochs.push(entry.ok_or_else(|| format!("line {at}: \"{line}\" is no epoch and offset"))?);
    }
    Ok(epochs)
}

fn entries(text: &str) -> Result<Vec<(usize, &str)>, String> {
    let mut lines = text.lines();
    match lines.next() {
        Some("0") => {}
        other => return Err(format!("line 1: version {:?}, expected 0", other.unwrap_or_default())),
    }
    let count: usize = (lines.next().and_then(|line| line.parse().ok())).ok_or("line 2: expected a count")?;
    let entries: Vec<(usize, &str)> = lines.enumerate().map(|(at, line)| (at + 3, line)).collect();
    if entries.len() == count {
        Ok(entries)
    } else {
        Err(format!("line 2: {count} entries counted, {} are there", entries.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_come_back() {
        let offsets = Offsets::from([(("a.b".to_owned(), 0), 5), (("a.b".to_owned(), 11), i64::MAX)]);
        let text = write_offsets(&[("a.b", 0, 5), ("a.b", 11, i64::MAX)]);
        assert_eq!(text, format!("0\n2\na.b 0 5\na.b 11 {}\n", i64::MAX));
        assert_eq!(read_offsets(&text), Ok(offsets));
        assert_eq!(read_epochs(&write_epochs(&[(0, 0), (4, 17)])), Ok(vec![(0, 0), (4, 17)]));
    }

    #[test]
    fn a_bad_file_is_named_by_its_line() {
        for (text, want) in [
            ("", "line 1"),
            ("1\n0\n", "line 1"),
            ("0\nx\n", "line 2"),
            ("0\n2\na 0 1\n", "line 2: 2 entries"),
            ("0\n1\na 0\n", "line 3"),
            ("0\n1\na 0 1 2\n", "line 3"),
        ] {
            assert!(read_offsets(text).unwrap_err().starts_with(want), "{text:?}");
        }
        assert!(read_epochs("0\n1\nx 1\n").is_err());
    }
}
