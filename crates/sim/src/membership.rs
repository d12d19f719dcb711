//! Which brokers there are, changed as one line of the console: `add [ID] [--rack RACK]`, `remove ID [--force]`.

use std::ops::RangeInclusive;

use blumfeld_kernel::NodeId;

use crate::fault::FaultError;

/// The ids that a broker of a world can have.
pub const IDS: RangeInclusive<i32> = 1..=9;

/// A broker comes or goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Membership {
    /// A machine with an empty disk joins as a broker; it is no controller.
    Add {
        /// Its `node.id`, 1 to 9; the lowest that is free if `None`.
        id: Option<i32>,
        /// Its `broker.rack`.
        rack: Option<String>,
    },
    /// A broker ends in order, and its machine is taken away with its disk. Its registration stays, as in Kafka, until
    /// it is unregistered.
    Remove {
        /// Its `node.id`.
        id: i32,
        /// Whether replicas that it has are lost with it.
        force: bool,
    },
}

/// Why a broker cannot come or go.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MembershipError {
    /// Ids are few here.
    #[error("{0} is no id for a broker here: it must be 1 to 9")]
    Id(
        /// What was asked for.
        i32,
    ),
    /// The id is in use.
    #[error("there is a broker {0} already")]
    Taken(
        /// The broker's id.
        i32,
    ),
    /// No id is free.
    #[error("there are nine brokers, and no more can be here")]
    Full,
    /// Voters of the metadata quorum stay.
    #[error(
        "{0} is a voter of the metadata quorum, and the voters are fixed here: it can be crashed, not removed"
    )]
    Voter(
        /// The node.
        NodeId,
    ),
    /// It has replicas that would be lost.
    #[error(
        "{node} has a replica of {first}{}: move it first (kafka-reassign-partitions.sh), or lose it with --force",
        more(.others)
    )]
    HasReplicas {
        /// The node.
        node: NodeId,
        /// One of the partitions.
        first: String,
        /// How many more there are.
        others: usize,
    },
    /// Nobody can say which replicas it has.
    #[error(
        "there is no active controller to say which replicas {0} has: wait for one, or lose them with --force"
    )]
    NoController(
        /// The node.
        NodeId,
    ),
    /// It goes already.
    #[error("{0} is going already")]
    Leaving(
        /// The node.
        NodeId,
    ),
    /// There is no such broker.
    #[error(transparent)]
    NoBroker(#[from] FaultError),
    /// The line says something else.
    #[error("`{0}` is not understood: write `add [ID] [--rack RACK]` or `remove ID [--force]`")]
    Line(
        /// The word, or the whole line where one is missing.
        String,
    ),
}

fn more(others: &usize) -> String {
    if *others == 0 { String::new() } else { format!(" and of {others} more") }
}

impl Membership {
    /// Reads the words behind `broker`.
    ///
    /// # Errors
    /// [`MembershipError::Line`] with what is wrong in them.
    pub fn parse(line: &str) -> Result<Membership, MembershipError> {
        let line = line.trim();
        let wrong = |word: &str| MembershipError::Line(word.to_owned());
        let mut words = line.split_whitespace();
        let mut id = None;
        match words.next() {
            Some("add") => {
                let mut rack = None;
                while let Some(word) = words.next() {
                    match word {
                        "--rack" if rack.is_none() => rack = Some(words.next().ok_or_else(|| wrong(line))?),
                        _ if id.is_none() => id = Some(word.parse().map_err(|_| wrong(word))?),
                        _ => return Err(wrong(word)),
                    }
                }
                Ok(Membership::Add { id, rack: rack.map(ToOwned::to_owned) })
            }
            Some("remove") => {
                let mut force = false;
                for word in words {
                    match word {
                        "--force" if !force => force = true,
                        _ if id.is_none() => id = Some(word.parse().map_err(|_| wrong(word))?),
                        _ => return Err(wrong(word)),
                    }
                }
                Ok(Membership::Remove { id: id.ok_or_else(|| wrong(line))?, force })
            }
            other => Err(wrong(other.unwrap_or(line))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let add = |id, rack: Option<&str>| Ok(Membership::Add { id, rack: rack.map(ToOwned::to_owned) });
        let remove = |id, force| Ok(Membership::Remove { id, force });
        let wrong = |word: &str| Err(MembershipError::Line(word.to_owned()));
        for (line, want) in [
            ("add", add(None, None)),
            ("add 4", add(Some(4), None)),
            ("add --rack b", add(None, Some("b"))),
            ("add 4 --rack b", add(Some(4), Some("b"))),
            ("add --rack b 4", add(Some(4), Some("b"))),
            ("add --rack", wrong("add --rack")),
            ("add four", wrong("four")),
            ("add 4 5", wrong("5")),
            ("remove 4", remove(4, false)),
            ("remove --force 4", remove(4, true)),
            ("remove", wrong("remove")),
            ("remove 4 --force --force", wrong("--force")),
            ("drop 4", wrong("drop")),
            ("", wrong("")),
        ] {
            assert_eq!(Membership::parse(line), want, "{line}");
        }
    }
}
