//! Committed offsets (org.apache.kafka.coordinator.group.OffsetMetadataManager).

use std::collections::BTreeMap;

use super::record::{GroupRecord, OffsetAndMetadata};

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

/// The offsets of groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    groups: BTreeMap<String, BTreeMap<String, BTreeMap<i32, OffsetAndMetadata>>>,
}

impl Offsets {
    /// Takes a record. This alone changes what is here.
    pub fn replay(&mut self, record: &GroupRecord) {
        let GroupRecord::Offset { group, topic, partition, value } = record else { return };
        if let Some(value) = value {
            let topics = self.groups.entry(group.clone()).or_default();
            topics.entry(topic.clone()).or_default().insert(*partition, value.clone());
            return;
        }
        let Some(topics) = self.groups.get_mut(group) else { return };
        if let Some(partitions) = topics.get_mut(topic) {
            partitions.remove(partition);
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
            offsets.replay(&GroupRecord::Offset { group, topic, partition, value: Some(value.clone()) });
        }
        assert_eq!((offsets.count(), offsets.of("a").count()), (3, 2));
        for record in offsets.tombstones("a").into_iter().chain(offsets.tombstones_of_topic("u")) {
            offsets.replay(&record);
        }
        assert_eq!((offsets.count(), offsets.groups.len()), (0, 0));
    }
}
