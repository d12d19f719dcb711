//! What can go wrong.

use std::time::Duration;

/// What can go wrong with a cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot start: a config that is none, a port that is in use.
    #[error("the cluster cannot start: {0}")]
    Start(String),
    /// The thread that drives it has ended, by a fault of its own.
    #[error("the cluster has ended")]
    Ended,
    /// What was asked of it is wrong, or it cannot be done: a broker that is not there, say.
    #[error("{0}")]
    Refused(String),
    /// A console tool said that it failed.
    #[error("`{line}` ended with exit code {exit}: {said}")]
    Tool {
        /// The line.
        line: String,
        /// Its exit code.
        exit: i32,
        /// What it wrote.
        said: String,
    },
    /// A record was given up by the producer.
    #[error("record {place} for {topic} was not written ({code}): {said}")]
    NotWritten {
        /// The topic.
        topic: String,
        /// The first record that was given up: its place among those that were given, from 0.
        place: usize,
        /// Kafka's name of the error: `MESSAGE_TOO_LARGE`.
        code: String,
        /// What Kafka says of it.
        said: String,
    },
    /// What was waited for did not come.
    #[error("after {} s it is still not so that {what}. {state}", .after.as_secs_f64())]
    NotYet {
        /// What was waited for.
        what: String,
        /// For how long: real time of a cluster, virtual time of a simulation.
        after: Duration,
        /// How the cluster stands.
        state: String,
    },
}
