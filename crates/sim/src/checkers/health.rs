//! A healed cluster gets well: every partition has a leader, and all its replicas are in sync.

use std::fmt;

/// A partition as the controller knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionHealth {
    /// `orders-0`
    pub partition: String,
    /// Its leader, -1 for none.
    pub leader: i32,
    /// Its replicas.
    pub replicas: Vec<i32>,
    /// Those in sync.
    pub isr: Vec<i32>,
    /// Those that may lead when nobody is in sync: eligible ones, and the last leader (KIP-966).
    pub eligible: Vec<i32>,
}

/// What a cluster still lacks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unhealthy {
    /// An active controller.
    NoController,
    /// A leader of a partition.
    NoLeader(
        /// Which partition.
        String,
    ),
    /// A replica in sync.
    OutOfSync {
        /// Of which partition.
        partition: String,
        /// Those in sync.
        isr: Vec<i32>,
        /// All.
        replicas: Vec<i32>,
    },
}

impl fmt::Display for Unhealthy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoController => f.write_str("there is no active controller"),
            Self::NoLeader(partition) => write!(f, "{partition} has no leader"),
            Self::OutOfSync { partition, isr, replicas } => {
                write!(f, "of the replicas {replicas:?} of {partition} only {isr:?} are in sync")
            }
        }
    }
}

/// The first thing that a cluster lacks; `partitions` is `None` while no controller is active.
pub fn unhealthy(partitions: Option<&[PartitionHealth]>) -> Option<Unhealthy> {
    let Some(partitions) = partitions else { return Some(Unhealthy::NoController) };
    partitions.iter().find_map(|one| {
        if one.leader < 0 {
            return Some(Unhealthy::NoLeader(one.partition.clone()));
        }
        let in_sync = one.replicas.iter().all(|replica| one.isr.contains(replica));
        (!in_sync).then(|| Unhealthy::OutOfSync {
            partition: one.partition.clone(),
            isr: one.isr.clone(),
            replicas: one.replicas.clone(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said() {
        let partition = |leader, isr: &[i32]| PartitionHealth {
            partition: "a-0".to_owned(),
            leader,
            replicas: vec![1, 2, 3],
            isr: isr.to_vec(),
            eligible: Vec::new(),
        };
        let said = |one| unhealthy(Some(&[one])).map(|lack| lack.to_string());
        assert_eq!(said(partition(1, &[3, 2, 1])), None);
        assert_eq!(said(partition(-1, &[1])).as_deref(), Some("a-0 has no leader"));
        let out = "of the replicas [1, 2, 3] of a-0 only [1, 3] are in sync";
        assert_eq!(said(partition(1, &[1, 3])).as_deref(), Some(out));
        assert_eq!(unhealthy(None), Some(Unhealthy::NoController));
        assert_eq!(unhealthy(Some(&[])), None);
    }
}
