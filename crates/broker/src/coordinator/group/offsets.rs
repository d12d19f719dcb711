//! Committed offsets (org.apache.kafka.coordinator.group.OffsetMetadataManager).

use std::collections::BTreeMap;

use super::record::{GroupRecord, OffsetAndMetadata};
use crate::coordinator::runtime::Change;

/// From when on offsets age (OffsetExpirationCondition).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExpirationCondition {
    /// Each from its commit on.
    SinceCommit,
    /// All since a moment, in milliseconds since 1970-01-01 UTC: when the group became empty.
    Since(i64),
}

impl ExpirationCondition {
    /// Whether an offset has expired.
    pub fn is_expired(self, offset: &OffsetAndMetadata, now_ms: i64, retention_ms: i64) -> bool {
        if offset.expire_timestamp >= 0 {
            return now_ms >= offset.expire_timestamp;
        }
        let since = match self {
            Self::SinceCommit => offset.commit_timestamp,
            Self::Since(at) => at,
        };
        now_ms.saturating_sub(since) >= retention_ms
    }
}

/// An offset to commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Committing {
    /// The topic that was read.
    pub topic: String,
    /// The partition that was read.
    pub partition: i32,
    /// What is committed.
    pub value: OffsetAndMetadata,
}

/// What transactions would commit, by group, topic and partition: with the offsets of the records that say so.
type Pending = BTreeMap<(String, String, i32), (OffsetAndMetadata, i64)>;

/// The offsets of groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    groups: BTreeMap<String, BTreeMap<String, BTreeMap<i32, OffsetAndMetadata>>>,
    /// Where each of them stands in the log.
    written: BTreeMap<(String, String, i32), i64>,
    /// Those of open transactions, by the producers' ids.
    pending: BTreeMap<i64, Pending>,
}

impl Offsets {
    /// Takes a change. This alone changes what is here.
    pub fn replay(&mut self, change: &Change<GroupRecord>) {
        match change {
            Change::Record { record, offset, producer } => {
                let GroupRecord::Offset { group, topic, partition, value } = record else { return };
                let key = (group.clone(), topic.clone(), *partition);
                match (producer, value) {
                    (Some(producer), Some(value)) => {
                        let pending = self.pending.entry(*producer).or_default();
                        pending.insert(key, (value.clone(), *offset));
                    }
                    // What is gone is so for transactions too (OffsetMetadataManager.replay of a tombstone).
                    (_, None) => {
                        self.pending.retain(|_, pending| {
                            pending.remove(&key);
                            !pending.is_empty()
                        });
                        self.remove(group, topic, *partition);
                    }
                    (None, Some(value)) => self.insert(key, value.clone(), *offset),
                }
            }
            Change::End { producer_id, commits } => {
                let ended = self.pending.remove(producer_id).filter(|_| *commits);
                for (key, (value, offset)) in ended.into_iter().flatten() {
                    // What was committed since goes before what the transaction says.
                    if self.written.get(&key).is_none_or(|written| *written < offset) {
                        self.insert(key, value, offset);
                    }
                }
            }
        }
    }

    fn insert(&mut self, key: (String, String, i32), value: OffsetAndMetadata, offset: i64) {
        let (group, topic, partition) = key.clone();
        self.written.insert(key, offset);
        self.groups.entry(group).or_default().entry(topic).or_default().insert(partition, value);
    }

    /// Whether a transaction that is open would commit an offset of this partition.
    pub fn is_pending(&self, group: &str, topic: &str, partition: i32) -> bool {
        let is = |key: &(String, String, i32)| key.0 == group && key.1 == topic && key.2 == partition;
        self.pending.values().flat_map(BTreeMap::keys).any(is)
    }

    /// Whether a transaction that is open would commit an offset of this group.
    pub fn has_pending(&self, group: &str) -> bool {
        self.pending.values().flat_map(BTreeMap::keys).any(|key| key.0 == group)
    }

    fn remove(&mut self, group: &str, topic: &str, partition: i32) {
        self.written.remove(&(group.to_owned(), topic.to_owned(), partition));
        let Some(topics) = self.groups.get_mut(group) else { return };
        if let Some(partitions) = topics.get_mut(topic) {
            partitions.remove(&partition);
            if partitions.is_empty() {
                topics.remove(topic);
            }
        }
        if topics.is_empty() {
            self.groups.remove(group);
        }
    }

    /// An offset.
    pub fn get(&self, group: &str, topic: &str, partition: i32) -> Option<&OffsetAndMetadata> {
        self.groups.get(group)?.get(topic)?.get(&partition)
    }

    /// All offsets of a group, by topic and partition.
    pub fn of(&self, group: &str) -> impl Iterator<Item = (&str, i32, &OffsetAndMetadata)> {
        self.topics(group).flat_map(|(topic, partitions)| {
            partitions.iter().map(move |(partition, value)| (topic, *partition, value))
        })
    }

    /// The same, topic by topic.
    pub fn topics(&self, group: &str) -> impl Iterator<Item = (&str, &BTreeMap<i32, OffsetAndMetadata>)> {
        let topics = self.groups.get(group);
        topics.into_iter().flatten().map(|(topic, partitions)| (topic.as_str(), partitions))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.groups.values().flat_map(BTreeMap::values).map(BTreeMap::len).sum()
    }

    /// Tombstones for all offsets of a group.
    pub fn tombstones(&self, group: &str) -> Vec<GroupRecord> {
        self.of(group).map(|(topic, partition, _)| tombstone(group, topic, partition)).collect()
    }

    /// Tombstones for the offsets of a topic that is gone.
    pub fn tombstones_of_topic(&self, topic: &str) -> Vec<GroupRecord> {
        (self.groups.iter())
            .filter_map(|(group, topics)| Some((group, topics.get(topic)?)))
            .flat_map(|(group, partitions)| partitions.keys().map(move |number| (group, *number)))
            .map(|(group, partition)| tombstone(group, topic, partition))
            .collect()
    }
}

/// The end of an offset.
pub fn tombstone(group: &str, topic: &str, partition: i32) -> GroupRecord {
    GroupRecord::Offset { group: group.to_owned(), topic: topic.to_owned(), partition, value: None }
}

#[cfg(test)]
mod tests {
    use blumfeld_protocol::Uuid;

    use super::*;

    #[test]
    fn an_offset_expires_by_its_own_time_the_group_s_or_its_commit() {
        let offset = |commit_timestamp, expire_timestamp| OffsetAndMetadata {
            offset: 1,
            leader_epoch: -1,
            metadata: String::new(),
            commit_timestamp,
            expire_timestamp,
            topic_id: Uuid::nil(),
        };
        use ExpirationCondition::{Since, SinceCommit};
        for (condition, commit, expire, now, want) in [
            (SinceCommit, 100, -1, 1_099, false),
            (SinceCommit, 100, -1, 1_100, true),
            (Since(500), 100, -1, 1_100, false),
            (Since(500), 100, -1, 1_500, true),
            (Since(500), 100, 200, 199, false),
            (Since(500), 100, 200, 200, true),
        ] {
            let is = condition.is_expired(&offset(commit, expire), now, 1_000);
            assert_eq!(is, want, "{condition:?} {commit} {expire} {now}");
        }
    }

    #[test]
    fn tombstones_leave_nothing_behind() {
        let mut offsets = Offsets::default();
        let value = OffsetAndMetadata {
            offset: 1,
            leader_epoch: -1,
            metadata: String::new(),
            commit_timestamp: 0,
            expire_timestamp: -1,
            topic_id: Uuid::nil(),
        };
        for (group, topic, partition) in [("a", "t", 0), ("a", "t", 1), ("b", "u", 0)] {
            let (group, topic) = (group.to_owned(), topic.to_owned());
            offsets.replay(&plain(GroupRecord::Offset {
                group,
                topic,
                partition,
                value: Some(value.clone()),
            }));
        }
        assert_eq!((offsets.count(), offsets.of("a").count()), (3, 2));
        for record in offsets.tombstones("a").into_iter().chain(offsets.tombstones_of_topic("u")) {
            offsets.replay(&plain(record));
        }
        assert_eq!((offsets.count(), offsets.groups.len()), (0, 0));
    }

    fn plain(record: GroupRecord) -> Change<GroupRecord> {
        Change::Record { record, offset: 0, producer: None }
    }

    /// What is committed of one partition after some changes: `c OFFSET AT` is a commit that stands at an offset of the
    /// log, `t PRODUCER OFFSET AT` one of a transaction, `end PRODUCER` and `abort PRODUCER` end it, `x` deletes.
    #[test]
    fn offsets_of_a_transaction_count_once_it_is_committed_unless_others_came_since() {
        let value = |offset| OffsetAndMetadata {
            offset,
            leader_epoch: -1,
            metadata: String::new(),
            commit_timestamp: 0,
            expire_timestamp: -1,
            topic_id: Uuid::nil(),
        };
        for (changes, want, pending) in [
            ("c 5 0", Some(5), false),
            ("t 1 7 0", None, true),
            ("c 5 0, t 1 7 1", Some(5), true),
            ("c 5 0, t 1 7 1, end 1", Some(7), false),
            ("c 5 0, t 1 7 1, abort 1", Some(5), false),
            ("t 1 7 0, c 5 1, end 1", Some(5), false),
            ("t 1 7 0, t 2 8 1, end 2, end 1", Some(8), false),
            ("t 1 7 0, t 1 9 1, end 1", Some(9), false),
            ("t 1 7 0, end 2", None, true),
            ("t 1 7 0, x, end 1", None, false),
        ] {
            let mut offsets = Offsets::default();
            for change in changes.split(", ") {
                let words: Vec<&str> = change.split(' ').collect();
                let number = |at: usize| words[at].parse::<i64>().unwrap();
                let record =
                    |value| GroupRecord::Offset { group: "g".into(), topic: "t".into(), partition: 0, value };
                offsets.replay(&match words[0] {
                    "c" => {
                        let record = record(Some(value(number(1))));
                        Change::Record { record, offset: number(2), producer: None }
                    }
                    "t" => {
                        let record = record(Some(value(number(2))));
                        Change::Record { record, offset: number(3), producer: Some(number(1)) }
                    }
                    "x" => plain(record(None)),
                    word => Change::End { producer_id: number(1), commits: word == "end" },
                });
            }
            let have = offsets.get("g", "t", 0).map(|value| value.offset);
            assert_eq!((have, offsets.is_pending("g", "t", 0)), (want, pending), "{changes}");
        }
    }
}
