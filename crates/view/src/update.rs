//! What the engine tells the page.

use serde::{Deserialize, Serialize};

use crate::{
    BatchDetail, BrowseView, ClusterView, CompactionView, CompareUpdate, ConfigsView, Delta, EventView,
    ExchangeDetail, FailoverView, FollowView, GoalsView, LogDirsView, MomentView, SearchView, SharedView,
    StageView, TokenDetail, WireView, ZooKeeperView,
};

/// Which output of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A piece of a command's output. A line may be cut anywhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleText {
    /// Where it was written.
    pub stream: Stream,
    /// The text; bytes that are no UTF-8 stand as U+FFFD.
    pub text: String,
}

/// What the recovery of one log found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryView {
    /// `orders-0`.
    pub partition: String,
    /// Whether it was shut down cleanly, so that nothing had to be scanned.
    pub clean: bool,
    /// Bytes that were scanned.
    pub scanned: u64,
    /// Bytes of a torn tail that were cut.
    pub truncated: u64,
    /// Log end offset after it.
    pub log_end: i64,
}

/// What became of what ran in a cluster's last life: the page was reloaded, or another tab has taken it over.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Returned {
    /// Names of the clients in the background that run again.
    pub again: Vec<String>,
    /// Lines of the console whose commands or clients are over.
    pub over: Vec<String>,
    /// Faults that are not in force any more, in the console's words.
    pub lifted: Vec<String>,
}

/// Everything that the engine tells.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Update {
    /// The engine's wasm runs; it waits for `Boot`.
    Hello,
    /// The cluster is being read from the browser's storage.
    Loading {
        /// Bytes read.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Another tab writes to this cluster. Nothing runs here until `TakeOver`.
    Locked,
    /// The cluster runs.
    Ready {
        /// Its name.
        cluster: String,
        /// Its seed.
        seed: u64,
        /// Everything that is drawn.
        view: ClusterView,
        /// What recovery found; empty for a new cluster.
        recovery: Vec<RecoveryView>,
        /// Whether it keeps anything: false where the browser has no IndexedDB.
        persistent: bool,
        /// Nothing of it was stored, and nobody had reset it: this is its beginning, or the browser has dropped it.
        #[serde(default)]
        missing: bool,
        /// Nothing of it was stored: it begins here, also where somebody has reset it.
        #[serde(default)]
        begins: bool,
        /// What became of what ran in its last life.
        #[serde(default)]
        returned: Returned,
        /// The number of a line of the console that no branch of the time line has used.
        #[serde(default)]
        free_line: u32,
    },
    /// Another tab runs the cluster, and this one watches: everything that is drawn, as it is there.
    Watching {
        /// The cluster's name.
        cluster: String,
        /// Its seed.
        seed: u64,
        /// Everything that is drawn.
        view: ClusterView,
        /// Whether it keeps anything.
        persistent: bool,
    },
    /// A line of the console was begun in the tab that runs the cluster; only watchers are told.
    Ran {
        /// The line.
        line: String,
    },
    /// What a command wrote in the tab that runs the cluster; only watchers are told. Its number would be one of their
    /// own.
    Overheard {
        /// What it wrote.
        output: Vec<ConsoleText>,
        /// Its exit code, once it has ended.
        exit: Option<i32>,
    },
    /// Another moment is shown, or another branch: all that is drawn, and what had happened by then as far as it is
    /// kept.
    Rewound {
        /// The state.
        view: Box<ClusterView>,
        /// What happened, oldest first.
        events: Vec<EventView>,
    },
    /// What changed.
    Delta(Delta),
    /// What is in flight, while the page watches it.
    Stage(StageView),
    /// Answer to `Token`; nothing if the message is not in flight any more.
    Token(Option<Box<TokenDetail>>),
    /// What happened to what is followed, whenever it changed; nothing if it cannot be followed, or is no more.
    Follow(Option<Box<FollowView>>),
    /// How the cluster with ZooKeeper stands.
    ZooKeeper(Box<ZooKeeperView>),
    /// How far the measurement of both clusters is.
    Failover(FailoverView),
    /// Answer to `Share`.
    Shared(SharedView),
    /// What was to be run again has been: time stands still where it ended.
    Played,
    /// How what a lesson waits for stands, whenever it changed.
    Goals(GoalsView),
    /// Answer to `Wire`.
    Wire(WireView),
    /// Answer to `Exchange`; nothing if it is not kept any more.
    Exchange(Option<Box<ExchangeDetail>>),
    /// Answer to `Configs`.
    Configs(ConfigsView),
    /// How far a comparison is, or what came of it.
    Compare(CompareUpdate),
    /// Output of the console's command `id`.
    Console {
        /// The command.
        id: u32,
        /// What it wrote.
        output: Vec<ConsoleText>,
        /// Its exit code, once it has ended.
        exit: Option<i32>,
    },
    /// Answer to `Complete`.
    Completions {
        /// The question's number.
        id: u32,
        /// What the last word could become, each whole.
        words: Vec<String>,
        /// The last word as it stands, which `words` replace.
        stem: String,
    },
    /// A file was dropped and can be read as `cat name | …`.
    FileAdded {
        /// Its name.
        name: String,
        /// Its length in bytes.
        size: u64,
    },
    /// A dropped file is being read by the console's command `id`.
    FileProgress {
        /// The command.
        id: u32,
        /// The file's name.
        name: String,
        /// Bytes read.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A dropped file is gone.
    FileRemoved {
        /// Its name.
        name: String,
    },
    /// Answer to `Browse`.
    Browse(BrowseView),
    /// Answer to `Batch`.
    Batch(BatchDetail),
    /// Answer to `Compaction`.
    Compaction(CompactionView),
    /// Answer to `Moment`.
    Moment(MomentView),
    /// Answer to `Search`.
    Search(SearchView),
    /// Answer to `Download`.
    Download {
        /// The name to save it under: `00000000000000000000.log`.
        name: String,
        /// Its bytes.
        bytes: serde_bytes::ByteBuf,
    },
    /// How it stands with log directories that were dropped; nothing once they are opened or forgotten.
    LogDirs(Option<LogDirsView>),
    /// Answer to `Flush`: the browser's storage has everything.
    Flushed,
    /// Another tab took the cluster over. Nothing is written from here any more.
    TakenOver,
    /// Something that was asked cannot be done; the sentence names what was wrong.
    Error {
        /// The sentence, in English.
        message: String,
    },
    /// The engine has stopped by a fault of its own.
    Panicked {
        /// What it said.
        message: String,
        /// A file that replays the fault: seed and commands as JSON.
        replay: String,
    },
}
