//! Permalinks: a session as a text that stands behind `#` in the address, and opens as the same session elsewhere.
//!
//! A [`Link`] says what a session is made of: the seed, the cluster, every command with its virtual time, the branches
//! of the time line, and what the page shows. [`to_hash`] packs it and [`from_hash`] opens it; a link that is longer
//! than [`HASH_LIMIT`] is better a file ([`to_file`], [`from_file`]). Nothing is run here.
//!
//! Whoever sends a link may be anybody, so all that is read is checked ([`Link::check`]), and what is written is
//! checked the same: what [`to_hash`] gives, [`from_hash`] opens.
//!
//! ```text
//! #s/1/<base64url without padding>
//!    |  `- deflated entries, then a CRC32C (little-endian) of the version's byte and of what is deflated
//!    `- the version, in decimal
//! ```
//!
//! `entry.rs` has the entries. A tag that was given is never given to something else: links live longer than programs.

mod check;
mod encoding;
mod entry;
mod error;
mod file;
mod hash;
pub mod qr;

pub use check::{is_lesson_name, is_name};
pub use error::{At, LinkError, Position, Problem};
pub use file::{from_file, to_file};
pub use hash::{from_hash, is_hash, is_lesson_hash, lesson_from_hash, lesson_to_hash, to_hash};

/// The version of links and files that is written.
pub const VERSION: u8 = 1;
/// A hash has so many characters at most; some programs cut an address that is longer. What is longer is a file.
pub const HASH_LIMIT: usize = 2_048;
/// The deflated part of a link has so many bytes at most.
pub const PACKED_LIMIT: usize = 64 << 10;
/// The inflated part of a link has so many bytes at most.
pub const UNPACKED_LIMIT: usize = 1 << 20;
/// A file has so many bytes at most.
pub const FILE_LIMIT: usize = 4 << 20;
/// A command has so many bytes at most.
pub const LINE_LIMIT: usize = 4 << 10;
/// A place of the page, and what is selected there, have so many bytes at most.
pub const WORD_LIMIT: usize = 1 << 10;
/// Seeds, times and numbers of events are at most this: the largest number that JavaScript holds without loss.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;
/// What the first branch of a session is called, until somebody names it otherwise.
pub const FIRST_BRANCH: &str = "main";

/// A session, and what is shown of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// The seed, at most [`MAX_NUMBER`].
    pub seed: u64,
    /// How many brokers the cluster begins with, 1 to 9.
    pub brokers: i32,
    /// What keeps the cluster's metadata.
    pub cluster: Cluster,
    /// Whether the cluster begins with nothing in it.
    pub empty: bool,
    /// The branches, in the order in which they began. There is one at least, and only the first has no fork.
    pub branches: Vec<Branch>,
    /// The place in `branches` of the one that goes on.
    pub living: usize,
    /// Where the time line stands, in virtual microseconds; `None` at the end of the living branch.
    pub moment: Option<u64>,
    /// The lesson that is taken.
    pub lesson: Option<Lesson>,
    /// The language; `None` leaves it to who opens the link.
    pub lang: Option<Lang>,
    /// The page's own place, without `#`: `messages/orders/0`.
    pub place: Option<String>,
    /// What is selected there, in the page's words.
    pub selected: Option<String>,
}

impl Link {
    /// A session of a seed in which nothing was done: KRaft, not empty, one branch.
    pub fn new(seed: u64, brokers: i32) -> Link {
        Link {
            seed,
            brokers,
            cluster: Cluster::Kraft,
            empty: false,
            branches: vec![Branch { name: FIRST_BRANCH.to_owned(), fork: None, deeds: Vec::new() }],
            living: 0,
            moment: None,
            lesson: None,
            lang: None,
            place: None,
            selected: None,
        }
    }
}

/// What keeps a cluster's metadata.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Cluster {
    /// Controllers of Kafka's own (KIP-500).
    #[default]
    Kraft,
    /// ZooKeeper.
    ZooKeeper,
}

/// A language of the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lang {
    /// English.
    En,
    /// Korean.
    Ko,
}

/// A branch of the time line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Branch {
    /// Its name, as [`is_name`] wants it. No two are the same.
    pub name: String,
    /// Where it forks; the first one does not.
    pub fork: Option<Fork>,
    /// What was done in it, in the order of time.
    pub deeds: Vec<Deed>,
}

/// Where a branch leaves another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fork {
    /// The place in [`Link::branches`] of the branch that it leaves: one before it.
    pub from: usize,
    /// When, in virtual microseconds.
    pub at: u64,
    /// How many events the world had handled by then, where that is known.
    pub events: Option<u64>,
    /// How many of the other branch's own deeds were done by then: the time alone does not tell of those at this time.
    pub done: usize,
    /// The seed by which chance has its way otherwise from here on.
    pub seed: Option<u32>,
}

/// A command and when it was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deed {
    /// Virtual microseconds.
    pub at: u64,
    /// How many events the world had handled by then, where that is known.
    pub events: Option<u64>,
    /// The console's line.
    pub line: String,
}

/// A lesson and how far it has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lesson {
    /// Its name, as [`is_lesson_name`] wants it.
    pub id: String,
    /// Its step, as the lesson counts.
    pub step: u32,
}

#[cfg(test)]
mod tests;
