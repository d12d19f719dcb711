//! Plain data that crosses the wall between the engine's worker and the page: what the page asks ([`Command`]), what
//! the engine tells ([`Update`]), and the state that is drawn ([`ClusterView`] and what it holds).
//!
//! Nothing here computes. Times are virtual microseconds since the world began, sizes are bytes, offsets are Kafka's.

mod browse;
mod cluster;
mod command;
mod update;

pub use browse::{BatchDetail, BatchView, BrowseView, FieldView, RecordView};
pub use cluster::{
    BrokerView, ClockView, ClusterView, Delta, EventKind, EventView, GroupMemberView, GroupOffsetView,
    GroupView, PartitionView, ReplicaView, SegmentView, StoreView, TopicView,
};
pub use command::{Command, Durability, Fault, Pace, SegmentFile};
pub use update::{ConsoleText, RecoveryView, Stream, Update};

#[cfg(test)]
mod tests {
    use super::*;

    fn view(now: u64, topics: &[(&str, i64)]) -> ClusterView {
        ClusterView {
            clock: ClockView { now, unix_ms: 0.0, pace: Pace::Fastest, reached: 1.0, events: now },
            brokers: vec![],
            topics: (topics.iter())
                .map(|&(name, log_end)| TopicView {
                    name: name.into(),
                    id: String::new(),
                    internal: false,
                    replication_factor: 1,
                    configs: vec![("segment.bytes".into(), log_end.to_string())],
                    partitions: vec![],
                })
                .collect(),
            groups: (topics.iter())
                .map(|&(name, log_end)| GroupView {
                    id: name.into(),
                    state: "Stable".into(),
                    generation: i32::try_from(log_end).unwrap(),
                    protocol: "range".into(),
                    coordinator: 1,
                    members: vec![],
                    offsets: vec![],
                })
                .collect(),
            faults: vec![],
            store: StoreView::default(),
        }
    }

    #[test]
    fn a_delta_leads_from_one_view_to_the_next() {
        for (before, after) in [
            (vec![], vec![("a", 1)]),
            (vec![("a", 1), ("c", 1)], vec![("a", 1), ("b", 1), ("c", 2)]),
            (vec![("a", 1), ("b", 1)], vec![("b", 2)]),
        ] {
            let (mut have, want) = (view(1, &before), view(2, &after));
            let delta = want.delta_from(&have, vec![], 0);
            have.apply(&delta);
            assert_eq!(have, want);
        }
    }
}
