//! Log directories of Apache Kafka, in and out.
//!
//! What comes in are files as somebody dropped them: folders, archives, single partitions, or something else
//! altogether. [`open`] says which brokers' disks they are, or in a sentence each what is wrong with them; there is
//! nothing in between, so nothing is ever half taken. What goes out is a broker's disk as one `.tar`, with a
//! `server.properties` beside it on which Apache Kafka starts ([`export`]).
//!
//! Two roads lead in. A complete set of directories of a KRaft cluster is opened as it is, metadata and all. Of
//! anything less (one broker of three, partitions without a metadata log, voters that cannot be voters here) the
//! partitions are taken, and a new cluster of one broker is formatted around them, as `kafka-storage.sh format` would
//! have begun it.

mod archive;
mod export;
mod format;
mod metadata;
mod open;
mod partition;
mod problem;
mod said;
mod tree;

pub use archive::{Limits, unpack};
pub use export::{Exported, export};
pub use open::{How, Note, Opened, Why, check_stored, open};
pub use problem::Problem;
pub use tree::Files;
