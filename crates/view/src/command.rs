//! What the page asks of the engine.

use serde::{Deserialize, Serialize};

use crate::{
    ConfigResource, FollowWhat, GoalsAsked, Preset, SearchQuery, Seek, SharedDeed, TokenKey, WireQuery,
    ZooKeeperDeed,
};

/// When an acknowledgement may leave the broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// As in Kafka: once the in-sync replicas have it. The browser's storage follows a moment later.
    #[default]
    Relaxed,
    /// Only once the browser's storage has committed it.
    Strict,
}

/// How fast virtual time runs.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pace {
    /// It stands still.
    Paused,
    /// So many times the wall clock, 0.001 to 1000.
    Times(f64),
    /// As fast as the machine can, jumping over idle time.
    Fastest,
}

/// Something that breaks, or comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The broker's process dies; its machine and page cache stay.
    Crash(i32),
    /// The machine loses power: what was not flushed is gone, and the last write may be torn.
    PowerCut(i32),
    /// The broker's process starts (again).
    Restart(i32),
}

/// One of the files of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SegmentFile {
    /// The record batches.
    Log,
    /// Offset to position.
    Index,
    /// Timestamp to offset.
    Timeindex,
}

impl Command {
    /// Whether a tab may ask it that only watches: it looks, and changes nothing.
    pub fn only_looks(&self) -> bool {
        matches!(
            self,
            Command::Browse { .. }
                | Command::Batch { .. }
                | Command::Moment { .. }
                | Command::Compaction { .. }
                | Command::Search(_)
                | Command::Download { .. }
                | Command::Export { .. }
                | Command::Token(_)
                | Command::Wire(_)
                | Command::Exchange(_)
                | Command::Configs(_)
        )
    }
}

/// Everything that the page can ask. A dropped file is not here: the page posts the browser's `File` object itself,
/// which is a handle and carries no bytes over the wall. Log directories are an array of pairs: a path and a file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Command {
    /// Open a cluster by name, or begin it. Comes once, first. `seed` counts only for one that begins.
    Boot {
        /// Its name, which is also its database's.
        cluster: String,
        /// When acknowledgements may leave; without it as it was when the cluster was stored.
        #[serde(default)]
        durability: Option<Durability>,
        /// Seed of every random choice.
        seed: u64,
        /// How many brokers a new cluster has, 1 to 9.
        brokers: i32,
        /// Whether nothing of it is kept, nor was: it begins anew with each visit.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        forget: bool,
    },
    /// Become the writer of the cluster although another tab is; that tab is told.
    TakeOver,
    /// Change when acknowledgements may leave.
    SetDurability(Durability),
    /// Change the pace of virtual time.
    SetPace(Pace),
    /// Change its speed, 0.001 to 1000 times the wall clock; time that stands still stays so.
    SetSpeed(f64),
    /// Let time that stands still go on, at this speed; time that goes stays as it is.
    Go(f64),
    /// Go to the next event and stop there.
    Step,
    /// Go to another moment of the session, and stand still there.
    Seek(Seek),
    /// The language in which the console's own words are: `en` or `ko`. Kafka's words stay Kafka's.
    SetLanguage(String),
    /// Run a command line of the console. Its output comes as [`Update::Console`](crate::Update) with the same `id`.
    Console {
        /// A number that the page chose, higher than the ones before.
        id: u32,
        /// The line as it was typed.
        line: String,
    },
    /// A line typed while the console's command `id` was running: its standard input.
    Stdin {
        /// The running command.
        id: u32,
        /// The line, with its line end.
        text: String,
    },
    /// Ctrl-D: the standard input of the console's command has ended.
    StdinClosed {
        /// The running command.
        id: u32,
    },
    /// Ctrl-C for the console's command.
    Interrupt {
        /// The running command.
        id: u32,
    },
    /// What could stand at the end of a command line.
    Complete {
        /// A number that the page chose; the answer carries it.
        id: u32,
        /// The line up to the cursor.
        line: String,
    },
    /// Forget a dropped file, or stop reading it.
    RemoveFile {
        /// Its name.
        name: String,
    },
    /// The batches of a partition around an offset. Answered by [`Update::Browse`](crate::Update).
    Browse {
        /// Topic name.
        topic: String,
        /// Partition number.
        partition: i32,
        /// The batch that holds this offset comes first, or the next one after it; behind the end the last one.
        offset: i64,
        /// At most so many batches, 1 to 500.
        limit: u32,
    },
    /// What compaction makes of a partition's log. Answered by [`Update::Compaction`](crate::Update); by nothing if it
    /// is not compacted, or no broker that runs has it.
    Compaction {
        /// Topic name.
        topic: String,
        /// Partition number.
        partition: i32,
        /// First offset of the window; without it the window is where the next pass ends.
        from: Option<i64>,
    },
    /// One batch with its records and bytes. Answered by [`Update::Batch`](crate::Update).
    Batch {
        /// Topic name.
        topic: String,
        /// Partition number.
        partition: i32,
        /// Base offset of the batch.
        base_offset: i64,
        /// Of a batch of more than 1000 records those around this offset; the first ones without it.
        #[serde(default)]
        around: Option<i64>,
    },
    /// The first record of a partition that is not older than a moment, as ListOffsets says. Answered by
    /// [`Update::Moment`](crate::Update).
    Moment {
        /// Topic name.
        topic: String,
        /// Partition number.
        partition: i32,
        /// In milliseconds since 1970-01-01 UTC.
        moment: f64,
    },
    /// Records of a topic that fulfil a filter. One answer looks at a few thousand records at most and says where to go
    /// on. Answered by [`Update::Search`](crate::Update).
    Search(SearchQuery),
    /// The bytes of a segment's file. Answered by [`Update::Download`](crate::Update).
    Download {
        /// Topic name.
        topic: String,
        /// Partition number.
        partition: i32,
        /// Base offset of the segment.
        base_offset: i64,
        /// Which of its files.
        file: SegmentFile,
    },
    /// The log directory of a broker, or of all, as an archive on which Apache Kafka starts. Answered by
    /// [`Update::Download`](crate::Update).
    Export {
        /// Which; all without it.
        #[serde(default)]
        broker: Option<i32>,
    },
    /// Put the log directories that were found ([`Update::LogDirs`](crate::Update)) in the place of the cluster.
    OpenLogDirs {
        /// Seed of every random choice from then on.
        seed: u64,
    },
    /// Forget the log directories that were dropped.
    ForgetLogDirs,
    /// Tell what is in flight ([`Update::Stage`](crate::Update)) after every turn, or stop telling it.
    Watch(bool),
    /// A message that is in flight, with what is in it. Answered by [`Update::Token`](crate::Update).
    Token(TokenKey),
    /// Follow something, and have time go as fast as it needs; or nothing any more. Answered by
    /// [`Update::Follow`](crate::Update).
    Follow(Option<FollowWhat>),
    /// Watch what a lesson waits for, or nothing any more. Answered by [`Update::Goals`](crate::Update), whenever how
    /// that stands has changed.
    Goals(Option<GoalsAsked>),
    /// Do something to a cluster of the time before KRaft, which stands beside this one. Answered by
    /// [`Update::ZooKeeper`](crate::Update).
    ZooKeeper(ZooKeeperDeed),
    /// Measure how long both kinds of cluster are without a controller, with so many partitions, 1 to 10000. Answered
    /// by [`Update::Failover`](crate::Update) until both are measured.
    Failover(i32),
    /// What was done to the cluster since it began, for others to do again. Answered by
    /// [`Update::Shared`](crate::Update).
    Share,
    /// Run lines again at the moments at which they were run, as fast as it goes, and stand still where that session
    /// stood. Answered by [`Update::Played`](crate::Update).
    Play {
        /// The lines, oldest first.
        deeds: Vec<SharedDeed>,
        /// Where time stands still, in virtual microseconds.
        until: u64,
    },
    /// Exchanges that went over the network. Answered by [`Update::Wire`](crate::Update).
    Wire(WireQuery),
    /// An exchange by its number, with what is in it. Answered by [`Update::Exchange`](crate::Update).
    Exchange(u64),
    /// The configs of a topic, a broker or all brokers. Answered by [`Update::Configs`](crate::Update).
    Configs(ConfigResource),
    /// Run two new clusters of this one's seed, of which one setting differs, beside it. Answered by
    /// [`Update::Compare`](crate::Update), until it is done.
    Compare {
        /// What differs.
        preset: Preset,
        /// Virtual seconds to measure, 1 to 60.
        seconds: u32,
    },
    /// Stop comparing.
    StopComparing,
    /// Break something.
    Fault(Fault),
    /// The page is about to close: bring everything to the browser's storage.
    Flush,
    /// Delete the cluster and its database, and start over with this seed.
    Reset {
        /// Seed of every random choice.
        seed: u64,
    },
}
