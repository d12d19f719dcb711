//! Control records: transaction markers and KRaft's own (org.apache.kafka.common.record.ControlRecordType).

use super::Record;
use crate::varint::Reader;

/// What a control record says. Its key holds a version and a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlRecord {
    /// A transaction was aborted.
    Abort {
        /// Epoch of the transaction coordinator.
        coordinator_epoch: i32,
    },
    /// A transaction was committed.
    Commit {
        /// Epoch of the transaction coordinator.
        coordinator_epoch: i32,
    },
    /// A quorum has a new leader.
    LeaderChange,
    /// A snapshot begins.
    SnapshotHeader,
    /// A snapshot ends.
    SnapshotFooter,
    /// The quorum's protocol version.
    KRaftVersion,
    /// The quorum's voters.
    KRaftVoters,
    /// A type that is not known.
    Unknown(
        /// The type.
        i16,
    ),
}

impl ControlRecord {
    /// Reads a record of a control batch; `None` if its key is cut short.
    pub fn of(record: &Record) -> Option<ControlRecord> {
        let mut key = Reader::new(record.key.as_deref()?);
        key.i16()?; // version
        let kind = key.i16()?;
        let epoch = || {
            let mut value = Reader::new(record.value.as_deref()?);
            value.i16()?; // version
            value.i32()
        };
        Some(match kind {
            0 => ControlRecord::Abort { coordinator_epoch: epoch()? },
            1 => ControlRecord::Commit { coordinator_epoch: epoch()? },
            2 => ControlRecord::LeaderChange,
            3 => ControlRecord::SnapshotHeader,
            4 => ControlRecord::SnapshotFooter,
            5 => ControlRecord::KRaftVersion,
            6 => ControlRecord::KRaftVoters,
            other => ControlRecord::Unknown(other),
        })
    }

    /// The key of a control record of this type: version 0.
    pub fn key(kind: i16) -> [u8; 4] {
        let [high, low] = kind.to_be_bytes();
        [0, 0, high, low]
    }
}
