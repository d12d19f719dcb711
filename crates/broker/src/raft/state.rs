//! What a node is in an epoch of the quorum (org.apache.kafka.raft.EpochState and its classes), and the part of it that
//! outlives the process: `quorum-state` (FileQuorumStateStore).

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::Instant;

use super::log::SnapshotId;

/// What a voter answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Vote {
    /// Nothing yet.
    Unrecorded,
    /// Yes.
    Granted,
    /// No.
    Rejected,
}

/// The votes of an election or a pre-vote (EpochElection).
#[derive(Clone, Debug)]
pub struct Votes(BTreeMap<i32, Vote>);

impl Votes {
    /// An election among these voters, where `own` has voted for itself.
    pub fn new(voters: impl Iterator<Item = i32>, own: i32) -> Votes {
        Votes(voters.map(|id| (id, if id == own { Vote::Granted } else { Vote::Unrecorded })).collect())
    }

    /// Notes an answer.
    pub fn record(&mut self, voter: i32, granted: bool) {
        if let Some(vote) = self.0.get_mut(&voter) {
            *vote = if granted { Vote::Granted } else { Vote::Rejected };
        }
    }

    fn count(&self, what: Vote) -> usize {
        self.0.values().filter(|vote| **vote == what).count()
    }

    /// Whether a majority said yes.
    pub fn is_granted(&self) -> bool {
        self.count(Vote::Granted) > self.0.len() / 2
    }

    /// Whether no majority can say yes any more.
    pub fn is_rejected(&self) -> bool {
        self.count(Vote::Granted) + self.count(Vote::Unrecorded) <= self.0.len() / 2
    }

    /// Voters that have not answered.
    pub fn unrecorded(&self) -> impl Iterator<Item = i32> {
        self.0.iter().filter(|(_, vote)| **vote == Vote::Unrecorded).map(|(id, _)| *id)
    }

    /// Voters that said yes.
    pub fn granting(&self) -> Vec<i32> {
        self.0.iter().filter(|(_, vote)| **vote == Vote::Granted).map(|(id, _)| *id).collect()
    }
}

/// What a leader knows of a replica of the metadata log (LeaderState.ReplicaState).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReplicaState {
    /// Where its log ends, as its last fetch said; `None` before its first one.
    pub end_offset: Option<i64>,
    /// When it last fetched, in milliseconds since 1970-01-01 UTC; -1 for never.
    pub last_fetch_ms: i64,
    /// When it last had everything, in milliseconds since 1970-01-01 UTC; -1 for never.
    pub last_caught_up_ms: i64,
    /// Log end and time of the last fetch, by which the next one is judged.
    pub leader_end_at_last_fetch: i64,
    /// Whether it has confirmed that this node leads the epoch.
    pub acknowledged: bool,
}

/// A leadership.
#[derive(Clone, Debug)]
pub struct Leader {
    /// Offset of the record that began it.
    pub epoch_start: i64,
    /// The voters, this node among them.
    pub voters: BTreeMap<i32, ReplicaState>,
    /// Others that fetch.
    pub observers: BTreeMap<i32, ReplicaState>,
    /// Voters that fetched since the last check.
    pub fetched: BTreeSet<i32>,
    /// When a majority must have fetched.
    pub check_quorum_at: Instant,
    /// When the voters that have not confirmed the leadership are told again.
    pub begin_epoch_at: Instant,
}

/// A snapshot that is being fetched.
#[derive(Clone, Debug)]
pub struct Download {
    /// What it holds the metadata up to, as the leader names it.
    pub id: SnapshotId,
    /// The pieces that have come, one after the other.
    pub bytes: Vec<u8>,
}

/// What the node is.
#[derive(Clone, Debug)]
pub enum EpochState {
    /// It knows no leader it could follow.
    Unattached {
        /// The leader of the epoch, if it was heard of.
        leader: Option<i32>,
        /// Whom it voted for.
        voted: Option<i32>,
        /// A voter asks for a pre-vote then.
        election_at: Instant,
    },
    /// It asks whether it would be elected, without beginning an epoch (KIP-996).
    Prospective {
        /// The leader of the epoch, if it was heard of.
        leader: Option<i32>,
        /// Whom it voted for.
        voted: Option<i32>,
        /// Answers.
        votes: Votes,
        /// The end of it.
        election_at: Instant,
    },
    /// It asks for votes.
    Candidate {
        /// Answers.
        votes: Votes,
        /// The end of it.
        election_at: Instant,
    },
    /// It leads.
    Leader(Box<Leader>),
    /// It follows.
    Follower {
        /// Whom.
        leader: i32,
        /// Whom it voted for.
        voted: Option<i32>,
        /// Without a fetch until then, a voter asks for a pre-vote.
        fetch_by: Instant,
        /// Whether the leader has answered a fetch in this epoch.
        has_fetched: bool,
        /// A snapshot on its way.
        download: Option<Download>,
    },
    /// It led, and does so no more.
    Resigned {
        /// Voters that were not told yet.
        untold: BTreeSet<i32>,
        /// Then the next epoch begins.
        election_at: Instant,
    },
}

impl EpochState {
    /// Its name in Kafka.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unattached { .. } => "unattached",
            Self::Prospective { .. } => "prospective",
            Self::Candidate { .. } => "candidate",
            Self::Leader(_) => "leader",
            Self::Follower { .. } => "follower",
            Self::Resigned { .. } => "resigned",
        }
    }
}

/// What a node remembers of elections over restarts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ElectionState {
    /// The epoch.
    pub epoch: i32,
    /// Its leader.
    pub leader: Option<i32>,
    /// Whom the node voted for in it.
    pub voted: Option<i32>,
}

impl ElectionState {
    /// `quorum-state`, version 0: that of a quorum with static voters.
    pub fn write(&self, voters: impl Iterator<Item = i32>) -> String {
        let voters: Vec<String> = voters.map(|id| format!("{{\"voterId\":{id}}}")).collect();
        format!(
            "{{\"clusterId\":\"\",\"leaderId\":{},\"leaderEpoch\":{},\"votedId\":{},\"appliedOffset\":0,\
             \"currentVoters\":[{}],\"data_version\":0}}",
            self.leader.unwrap_or(-1),
            self.epoch,
            self.voted.unwrap_or(-1),
            voters.join(",")
        )
    }

    /// Reads the file: one flat JSON object of this node's own, of version 0 or 1.
    pub fn read(text: &str) -> Option<ElectionState> {
        let number = |name: &str| -> Option<i32> {
            let after = text.split_once(&format!("\"{name}\":"))?.1;
            after.split(|c: char| c != '-' && !c.is_ascii_digit()).next()?.parse().ok()
        };
        let id = |name: &str| number(name).filter(|id| *id >= 0);
        Some(ElectionState { epoch: number("leaderEpoch")?, leader: id("leaderId"), voted: id("votedId") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_election_state_comes_back() {
        for state in [
            ElectionState { epoch: 0, leader: None, voted: None },
            ElectionState { epoch: 7, leader: Some(2), voted: None },
            ElectionState { epoch: 8, leader: None, voted: Some(3) },
        ] {
            assert_eq!(ElectionState::read(&state.write([1, 2, 3].into_iter())), Some(state));
        }
        assert_eq!(ElectionState::read("{}"), None);
    }

    #[test]
    fn a_majority_decides() {
        let mut votes = Votes::new([1, 2, 3].into_iter(), 1);
        assert!(!votes.is_granted() && !votes.is_rejected());
        votes.record(2, false);
        assert!(!votes.is_granted() && !votes.is_rejected());
        let mut lost = votes.clone();
        lost.record(3, false);
        assert!(lost.is_rejected());
        votes.record(3, true);
        votes.record(9, true);
        assert!(votes.is_granted());
        assert_eq!(votes.granting(), [1, 3]);
        assert!(Votes::new(std::iter::once(1), 1).is_granted());
    }
}
