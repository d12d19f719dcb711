//! Plain data that crosses the wall between the engine's worker and the page: what the page asks ([`Command`]), what
//! the engine tells ([`Update`]), and the state that is drawn ([`ClusterView`] and what it holds).
//!
//! Nothing here computes. Times are virtual microseconds since the world began, sizes are bytes, offsets are Kafka's.

mod browse;
mod cleaner;
mod clients;
mod cluster;
mod command;
mod compare;
mod configs;
mod follow;
mod goals;
mod log_dirs;
mod rebalance;
mod sharing;
mod stage;
mod timeline;
mod transactions;
mod update;
mod wire;
mod zookeeper;

pub use browse::{
    BatchDetail, BatchView, BrowseView, FieldView, FoundRecord, MeaningView, MomentView, RecordView,
    SearchOrder, SearchQuery, SearchView,
};
pub use cleaner::{CleanerView, CompactedView, CompactionView, Fate, PassView};
pub use clients::{
    ClientRole, ClientState, ClientTransactionView, ClientView, ConsumerView, InFlightView, ProducerView,
    ReadView, WaitingView, WorkingView,
};
pub use cluster::{
    BrokerView, ClockView, ClusterView, Delta, EventKind, EventView, GroupMemberView, GroupOffsetView,
    GroupView, LatencyView, Mark, NextKind, NextView, PartitionView, ReplicaView, SegmentView, StoreView,
    TopicView, WaitView,
};
pub use command::{Command, Durability, Fault, Pace, SegmentFile};
pub use compare::{CompareSide, CompareUpdate, CompareView, Preset};
pub use configs::{ConfigResource, ConfigSynonymView, ConfigView, ConfigsView};
pub use follow::{FollowView, FollowWhat, Stop, StopView};
pub use goals::{GoalAsked, GoalsAsked, GoalsView};
pub use log_dirs::{LogDirsView, Sentences};
pub use rebalance::{RebalanceCauseView, RebalanceEnd, RebalanceView, RebalancesView, StillView};
pub use sharing::{SharedDeed, SharedView};
pub use stage::{RibbonView, StageView, TokenDetail, TokenKey, TokenState, TokenView};
pub use timeline::{BranchView, Seek, TimelineView};
pub use transactions::{
    AbortedTransactionView, OpenTransactionView, TransactionPartitionView, TransactionView,
};
pub use update::{ConsoleText, RecoveryView, Returned, Stream, Update};
pub use wire::{EndingView, ExchangeDetail, ExchangeView, Latency, LossView, SideView, WireQuery, WireView};
pub use zookeeper::{
    EraBrokerView, EraMessage, FailoverSide, FailoverView, ZnodeLine, ZooKeeperDeed, ZooKeeperView,
};

#[cfg(test)]
mod tests {
    use super::*;

    fn client(id: i32, name: &str, acknowledged: i64) -> ClientView {
        ClientView {
            id,
            process: format!("client-{id}"),
            name: name.into(),
            line: String::new(),
            state: ClientState::Running,
            rate: 0.0,
            output: vec![],
            role: ClientRole::Producer(ProducerView {
                client_id: name.into(),
                acks: "all".into(),
                idempotent: true,
                producer_id: -1,
                producer_epoch: -1,
                transaction: None,
                linger_ms: 5,
                batch_size: 16_384,
                buffer_memory: 1,
                buffer_used: 0,
                max_in_flight: 5,
                waiting: vec![],
                waiting_left_out: 0,
                in_flight: vec![],
                requests: 0,
                batches: 0,
                retries: 0,
                sent_records: 0,
                sent_bytes: 0,
                acknowledged: u64::try_from(acknowledged).unwrap(),
                failed: 0,
                refused: String::new(),
            }),
        }
    }

    fn rebalance(at: u64) -> RebalanceView {
        RebalanceView {
            at,
            causes: vec![],
            from: 0,
            to: 1,
            preparing: None,
            completing: None,
            still: None,
            before: 0,
            after: 1,
            protocol: "range".into(),
            end: RebalanceEnd::Stable,
        }
    }

    fn view(now: u64, topics: &[(&str, i64)]) -> ClusterView {
        ClusterView {
            clock: ClockView { events: now, ..ClockView::at(now, Pace::Fastest) },
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
            transactions: vec![],
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
            rebalances: (topics.iter())
                .map(|&(name, log_end)| RebalancesView {
                    group: name.into(),
                    rebalances: vec![rebalance(log_end.unsigned_abs())],
                })
                .collect(),
            clients: (topics.iter().zip(1..))
                .map(|(&(name, log_end), id)| client(id, name, log_end))
                .collect(),
            faults: vec![],
            latencies: vec![],
            store: StoreView::default(),
            timeline: TimelineView::default(),
        }
    }

    #[test]
    fn a_delta_tells_what_changed_and_nothing_else() {
        for (before, after, changed, gone) in [
            (vec![], vec![("a", 1)], vec!["a"], vec![]),
            (vec![("a", 1), ("c", 1)], vec![("a", 1), ("b", 1), ("c", 2)], vec!["b", "c"], vec![]),
            (vec![("a", 1), ("b", 1)], vec![("b", 2)], vec!["b"], vec!["a"]),
            (vec![("a", 1)], vec![("a", 1)], vec![], vec![]),
        ] {
            let (have, want) = (view(1, &before), view(2, &after));
            let delta = want.delta_from(&have, vec![], 0);
            let names: Vec<&str> = delta.topics.iter().map(|topic| topic.name.as_str()).collect();
            assert_eq!((&names, &delta.gone), (&changed, &gone.iter().map(ToString::to_string).collect()));
            assert!(delta.topics.iter().all(|topic| want.topics.contains(topic)));
            assert_eq!(delta.groups, (have.groups != want.groups).then(|| want.groups.clone()));
            let rebalanced: Vec<&str> = delta.rebalances.iter().map(|one| one.group.as_str()).collect();
            assert_eq!(rebalanced, names);
            let clients = want.clients.iter().filter(|client| !have.clients.contains(client));
            assert_eq!(delta.clients, clients.cloned().collect::<Vec<_>>());
            let stays = |id: i32| want.clients.iter().any(|client| client.id == id);
            assert!(delta.clients_gone.iter().all(|id| !stays(*id)));
            assert_eq!((delta.clock, delta.store, delta.brokers), (want.clock, None, None));
        }
    }
}
