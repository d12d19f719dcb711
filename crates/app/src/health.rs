//! How a partition and a broker are, for badges and counts.

use blumfeld_view::PartitionView;

use crate::text::Text;

/// How a partition is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// It has a leader, and all its replicas are in sync.
    Whole,
    /// It has a leader, but not all replicas are in sync.
    UnderReplicated,
    /// It has no leader: nothing can be read or written.
    Offline,
}

/// How a partition is.
pub fn health(partition: &PartitionView) -> Health {
    if partition.leader < 0 {
        Health::Offline
    } else if partition.isr.len() < partition.replicas.len() {
        Health::UnderReplicated
    } else {
        Health::Whole
    }
}

/// How many of the partitions are under-replicated, and how many offline.
pub fn tally<'a>(partitions: impl Iterator<Item = &'a PartitionView>) -> (i64, i64) {
    partitions.fold((0, 0), |(under, offline), partition| match health(partition) {
        Health::Whole => (under, offline),
        Health::UnderReplicated => (under + 1, offline),
        Health::Offline => (under, offline + 1),
    })
}

/// Whether the leader's own log is what is told of the partition. While its broker does not run, that of another
/// replica is.
pub fn led(partition: &PartitionView) -> bool {
    partition.copies.iter().any(|copy| copy.broker == partition.leader && copy.online)
}

/// A broker's state in words, and the class of its badge: filled fault for what is broken, outlined fault for what is
/// degraded, outlined ink for the rest, since not yet is no fault. A state of a newer engine is told as it is.
pub fn broker_state<'a>(t: &'static Text, state: &'a str) -> (&'a str, &'static str) {
    match state {
        "starting" => (t.state_starting, "state still"),
        "recovery" => (t.state_recovery, "state still"),
        "running" => (t.state_running, "state still"),
        "fenced" => (t.state_fenced, "state degraded"),
        "paused" => (t.state_paused, "state still"),
        "shutting-down" => (t.state_shutting_down, "state still"),
        "crashed" => (t.state_crashed, "state broken"),
        other => (other, "state still"),
    }
}

/// Brokers as a list of numbers: `1, 2`; a dash for none.
pub fn list(brokers: &[i32]) -> String {
    if brokers.is_empty() {
        return "–".to_owned();
    }
    brokers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;
    use blumfeld_view::ReplicaView;

    fn partition(leader: i32, isr: &[i32], online: &[i32]) -> PartitionView {
        let copy = |broker| ReplicaView {
            broker,
            online: online.contains(&broker),
            log_end: 0,
            high_watermark: 0,
            cleaned_to: -1,
        };
        PartitionView {
            partition: 0,
            leader,
            leader_epoch: 0,
            replicas: vec![1, 2, 3],
            isr: isr.to_vec(),
            elr: vec![],
            copies: [1, 2, 3].map(copy).to_vec(),
            log_start: 0,
            high_watermark: 0,
            log_end: 0,
            durable_offset: 0,
            size: 0,
            segments: vec![],
            ..PartitionView::default()
        }
    }

    #[test]
    fn a_partition_is_whole_under_replicated_or_offline() {
        let cases = [
            (partition(1, &[1, 2, 3], &[1, 2, 3]), Health::Whole, true),
            (partition(2, &[2, 1], &[1, 2]), Health::UnderReplicated, true),
            // Crashed, and the controller does not know yet.
            (partition(1, &[1, 2, 3], &[2, 3]), Health::Whole, false),
            (partition(-1, &[1], &[2, 3]), Health::Offline, false),
            (partition(-1, &[1], &[]), Health::Offline, false),
        ];
        for (partition, want, leads) in &cases {
            assert_eq!((health(partition), led(partition)), (*want, *leads), "{partition:?}");
        }
        assert_eq!(tally(cases.iter().map(|(partition, ..)| partition)), (1, 2));
        assert_eq!(tally(std::iter::empty()), (0, 0));
    }

    #[test]
    fn every_state_has_words_of_its_own() {
        let states = ["starting", "recovery", "running", "fenced", "paused", "shutting-down", "crashed"];
        for lang in [Lang::En, Lang::Ko] {
            let words = states.map(|state| broker_state(lang.text(), state).0);
            let distinct: std::collections::BTreeSet<_> = words.into_iter().collect();
            assert_eq!(distinct.len(), states.len(), "{words:?}");
        }
        assert_eq!(broker_state(Lang::En.text(), "crashed"), ("crashed", "state broken"));
        assert_eq!(broker_state(Lang::En.text(), "asleep"), ("asleep", "state still"));
    }

    #[test]
    fn brokers_are_listed() {
        for (brokers, want) in [(&[][..], "–"), (&[3], "3"), (&[2, 1], "2, 1")] {
            assert_eq!(list(brokers), want);
        }
    }
}
