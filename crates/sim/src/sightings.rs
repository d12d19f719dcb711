//! What was seen happening: which errors brokers answered with, and which events the trace has, each with what it was
//! about. A condition asks it (`saw(election, "orders-0")`), and nothing in the world does.
//!
//! Nobody looks while nobody asks: an answer has to be decoded for its errors.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use blumfeld_condition::{EventSort, Sight};
use blumfeld_kernel::{ClientCounts, NodeId, TraceEvent};
use bytes::Bytes;

/// What was seen since somebody began to look.
#[derive(Clone, Default)]
pub(crate) struct Sightings {
    /// The number of the last sighting of each.
    errors: BTreeMap<(i16, Arc<str>), u64>,
    events: BTreeMap<(EventSort, Arc<str>), u64>,
    /// What was printed last, each piece with its number.
    printed: VecDeque<(u64, Bytes)>,
    /// Bytes of it.
    printed_bytes: usize,
    /// Records that each consumer had been given when it was looked at last.
    received: BTreeMap<NodeId, u64>,
    count: u64,
}

/// So much of what was printed is kept, in bytes: more than a lesson's reader would have seen of one command.
const PRINTED: usize = 256 * 1024;

impl Sightings {
    /// A moment, to ask later what came since.
    pub fn moment(&self) -> u64 {
        self.count
    }

    /// An API was answered with an error.
    pub fn error(&mut self, code: i16, api: Arc<str>) {
        self.count += 1;
        self.errors.insert((code, api), self.count);
    }

    /// A tool printed something.
    pub fn output(&mut self, text: &Bytes) {
        self.count += 1;
        self.printed_bytes += text.len();
        self.printed.push_back((self.count, text.clone()));
        while self.printed_bytes > PRINTED && self.printed.len() > 1 {
            self.printed_bytes -= self.printed.pop_front().map_or(0, |(_, old)| old.len());
        }
    }

    /// Whether a text was printed since a moment, as one piece of a tool's output.
    pub fn printed(&self, text: &str, since: u64) -> bool {
        let new = self.printed.iter().rev().take_while(|(at, _)| *at > since);
        new.into_iter().any(|(_, piece)| String::from_utf8_lossy(piece).contains(text))
    }

    /// A client acted: it may have been given records.
    pub fn client(&mut self, node: NodeId, counts: ClientCounts<'_>) {
        let before = self.received.insert(node, counts.received).unwrap_or(0);
        if counts.received > before {
            self.count += 1;
            self.events.insert((EventSort::Read, counts.client_id.into()), self.count);
        }
    }

    /// Something became true.
    pub fn event(&mut self, event: &TraceEvent) {
        if let Some((sort, about)) = sort_of(event) {
            self.count += 1;
            self.events.insert((sort, about), self.count);
        }
    }

    /// Whether something was seen since a moment. What Kafka keeps for itself (`__consumer_offsets`) counts only where
    /// it is asked for by its name.
    pub fn saw(&self, sight: &Sight, about: Option<&str>, since: u64) -> bool {
        let is_about = |found: &str| about.map_or(!found.starts_with("__"), |about| about == found);
        match sight {
            Sight::Error(code) => self.errors.iter().any(|((found, api), at)| {
                found == code && *at > since && about.is_none_or(|about| **api == *about)
            }),
            Sight::AnyError => self
                .errors
                .iter()
                .any(|((_, api), at)| *at > since && about.is_none_or(|about| **api == *about)),
            Sight::Event(sort) => self
                .events
                .iter()
                .any(|((found, subject), at)| found == sort && *at > since && is_about(subject)),
        }
    }
}

/// What an event is in a condition, and what it is about: a partition, a group, a topic, a broker.
fn sort_of(event: &TraceEvent) -> Option<(EventSort, Arc<str>)> {
    use EventSort as S;
    use TraceEvent as E;
    let broker = |id: &i32| Arc::from(id.to_string());
    let none = || Arc::from("");
    Some(match event {
        E::LeaderElected { partition, .. } => (S::Election, partition.clone()),
        E::ControllerElected { .. } => (S::ControllerElection, none()),
        E::IsrChanged { partition, .. } => (S::IsrChange, partition.clone()),
        E::LogTruncated { partition, .. } => (S::Truncation, partition.clone()),
        E::Appended { partition, .. } => (S::Append, partition.clone()),
        E::HighWatermarkAdvanced { partition, .. } => (S::HighWatermark, partition.clone()),
        E::SegmentRolled { partition, .. } => (S::Roll, partition.clone()),
        E::GroupRebalancing { group, .. } => (S::Rebalance, group.clone()),
        E::GroupStateChanged { group, to: "Stable", .. } => (S::Rebalanced, group.clone()),
        E::GroupMemberJoined { group, .. } => (S::MemberJoined, group.clone()),
        E::GroupMemberLeft { group, .. } => (S::MemberLeft, group.clone()),
        E::OffsetsCommitted { group, .. } => (S::Commit, group.clone()),
        E::BrokerFenced { broker: id } => (S::BrokerFenced, broker(id)),
        E::BrokerUnfenced { broker: id } => (S::BrokerUnfenced, broker(id)),
        E::BrokerStarted { .. } => (S::BrokerStarted, none()),
        E::TopicCreated { topic, .. } => (S::TopicCreated, topic.clone()),
        E::FaultInjected { fault } => (S::Fault, fault.clone()),
        E::TopicDeleted { topic } => (S::TopicDeleted, topic.clone()),
        E::PartitionsAdded { topic, .. } => (S::PartitionsAdded, topic.clone()),
        E::ConfigAltered { name, .. } => (S::ConfigAltered, name.clone()),
        E::DuplicateBatch { partition, .. } => (S::Duplicate, partition.clone()),
        E::SegmentsDeleted { partition, .. } => (S::SegmentsDeleted, partition.clone()),
        E::LogRecovered { partition, .. } => (S::LogRecovered, partition.clone()),
        E::LogCleaned { partition, .. } => (S::LogCleaned, partition.clone()),
        E::TransactionStateChanged { id, .. } => (S::TransactionState, id.clone()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_a_moment_or_was_about_something_else_was_not_seen() {
        let mut sightings = Sightings::default();
        let elected = |partition: &str| TraceEvent::LeaderElected {
            partition: partition.into(),
            leader: 2,
            epoch: 1,
            isr: [2].into(),
            unclean: false,
        };
        let (election, internal) = (Sight::Event(EventSort::Election), "__consumer_offsets-3");
        sightings.event(&elected(internal));
        assert!(!sightings.saw(&election, None, 0));
        assert!(sightings.saw(&election, Some(internal), 0));
        sightings.event(&elected("orders-0"));
        assert!(sightings.saw(&election, None, 0));
        assert!(!sightings.saw(&election, Some("orders-1"), 0));
        let now = sightings.moment();
        assert!(!sightings.saw(&election, None, now));
        sightings.error(19, "Produce".into());
        for (sight, about, want) in [
            (Sight::Error(19), None, true),
            (Sight::Error(19), Some("Produce"), true),
            (Sight::Error(19), Some("Fetch"), false),
            (Sight::Error(20), None, false),
            (Sight::AnyError, None, true),
            (election, None, false),
        ] {
            assert_eq!(sightings.saw(&sight, about, now), want, "{sight:?} {about:?}");
        }
    }
}
