//! What can go wrong in a world, as data: each fault is one line of the console, and a world can say which are in
//! force.

pub(crate) mod answer;
mod text;
pub(crate) mod trigger;

use std::fmt;
use std::sync::Arc;

use blumfeld_kernel::NodeId;
use blumfeld_protocol::{ApiKey, ErrorCode};

pub use trigger::{Action, Clause, Observed, Trigger, When, Which, escape};

/// One side of a way through the network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Side {
    /// A machine, or one client process.
    Node(NodeId),
    /// Every client process.
    Clients,
}

impl Side {
    /// The sides that a node is of.
    pub(crate) fn of(node: NodeId) -> impl Iterator<Item = Side> {
        std::iter::once(Side::Node(node)).chain(node.is_client().then_some(Side::Clients))
    }

    /// Whether a node is of this side.
    pub(crate) fn has(self, node: NodeId) -> bool {
        match self {
            Self::Node(one) => one == node,
            Self::Clients => node.is_client(),
        }
    }
}

/// Something that breaks, or is mended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The broker's process dies. Its machine, disk and page cache stay.
    Crash(
        /// The node.
        NodeId,
    ),
    /// The machine loses power: what was not flushed is gone, and the last writes may be torn.
    PowerCut(
        /// The node.
        NodeId,
    ),
    /// The broker ends in order.
    ShutDown(
        /// The node.
        NodeId,
    ),
    /// The broker's process starts again.
    Restart(
        /// The node.
        NodeId,
    ),
    /// A process stands still, as in a long garbage collection: what comes in waits. Its machine's disk and sockets go
    /// on.
    Pause {
        /// Which process.
        node: NodeId,
        /// It goes on by itself after so many milliseconds.
        ms: Option<u64>,
    },
    /// A paused process goes on, with everything that has waited, in order.
    Resume(
        /// The node.
        NodeId,
    ),
    /// The wall clock of a machine is off by so much from now on.
    Skew {
        /// The node.
        node: NodeId,
        /// In milliseconds; 0 is right.
        ms: i64,
    },
    /// The wall clock of a machine jumps.
    ClockJump {
        /// The node.
        node: NodeId,
        /// By so many milliseconds.
        ms: i64,
    },
    /// A disk fails, or works again.
    Disk {
        /// The node.
        node: NodeId,
        /// How.
        state: DiskState,
        /// So many operations fail, and then it works again; `None` is all.
        operations: Option<u32>,
    },
    /// A disk takes so many times as long for everything.
    DiskSlow {
        /// The node.
        node: NodeId,
        /// At least 1, which is its own speed.
        factor: u32,
    },
    /// A machine has so much memory for its page cache.
    PageCache {
        /// The node.
        node: NodeId,
        /// In bytes; `None` is what it has by its configuration.
        bytes: Option<u64>,
    },
    /// A machine's page cache is emptied of what is on its disk: reads are cold.
    DropPageCache(
        /// The node.
        NodeId,
    ),
    /// Something is wrong with the way between two sides.
    Link {
        /// Who sends.
        from: Side,
        /// Who receives.
        to: Side,
        /// Whether the other direction is spared.
        one_way: bool,
        /// What happens on the way.
        what: LinkFault,
    },
    /// A machine is cut off from every other and from all clients.
    Isolate(
        /// The node.
        NodeId,
    ),
    /// The network is what it should be again, and requests with it.
    Heal(
        /// Where.
        Heal,
    ),
    /// Every connection between two sides is reset now.
    Break(
        /// One side.
        Side,
        /// The other side.
        Side,
    ),
    /// The next requests of one API at one broker fail, wait or get lost.
    Request {
        /// The broker.
        node: NodeId,
        /// The API.
        api_key: ApiKey,
        /// How.
        what: RequestFault,
        /// So many of them, at least 1.
        count: u32,
    },
    /// Something is to happen when requests come.
    On(
        /// Which, and what.
        Box<Trigger>,
    ),
    /// A trigger is taken off; what it observed stays until one of its name observes again.
    Off(
        /// Its name.
        Arc<str>,
    ),
    /// A trigger is held, so that no request is its, or let go again.
    Arm {
        /// Its name.
        name: Arc<str>,
        /// Whether it is let go.
        armed: bool,
    },
}

/// What a disk does with flushes and other writes that are to be durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiskState {
    /// It has no space left.
    Full,
    /// The device fails.
    Failing,
    /// It works, at its own speed.
    Working,
}

/// What is wrong with a way through the network. Values of 0 mend it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkFault {
    /// Nothing arrives. What is sent is sent again and again, and arrives in order when the cut is healed; a new
    /// connection does not come about.
    Cut,
    /// Everything takes so many milliseconds longer.
    Latency(
        /// Milliseconds.
        u64,
    ),
    /// Each message takes up to so many milliseconds longer.
    Jitter(
        /// Milliseconds.
        u64,
    ),
    /// Each connection carries so many bytes a second.
    Bandwidth(
        /// Bytes a second.
        u64,
    ),
    /// Of a hundred messages so many are lost and sent again after 200 ms, then after twice as long each time; a
    /// connection breaks after eight in a row.
    Drop(
        /// Of a hundred, at most 100.
        u64,
    ),
    /// Each connection is slower by a time of its own, so that what is sent on two arrives in another order.
    Reorder(
        /// Up to so many milliseconds.
        u64,
    ),
}

/// Where the network is mended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heal {
    /// Everywhere, and requests come to no more grief.
    All,
    /// All ways of one side, and its requests.
    Of(
        /// The side.
        Side,
    ),
    /// Between two sides.
    Between(
        /// One side.
        Side,
        /// The other side.
        Side,
    ),
}

/// What happens to a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestFault {
    /// It is answered with this error, and the broker does not see it.
    Error(
        /// The error.
        ErrorCode,
    ),
    /// The broker gets it so many milliseconds later, and what came behind it on its connection too.
    Delay(
        /// Milliseconds.
        u64,
    ),
    /// Its connection breaks before the broker gets it.
    Drop,
    /// The broker handles it, and its connection breaks before the response arrives: the client may send it again.
    LoseResponse,
}

/// Why a fault cannot be injected, or its line not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FaultError {
    /// No machine has this id.
    #[error("there is no broker {0} here; there are {1}")]
    NoBroker(
        /// What was asked for.
        String,
        /// Those that are there.
        String,
    ),
    /// No such client process runs.
    #[error("{0} does not run")]
    NoClient(
        /// The node.
        NodeId,
    ),
    /// The process does not run, so it cannot do this.
    #[error("{0} is down")]
    Down(
        /// The node.
        NodeId,
    ),
    /// The process runs already.
    #[error("{0} is up")]
    Up(
        /// The node.
        NodeId,
    ),
    /// The process is ending, and its machine goes with it.
    #[error("{0} is leaving the cluster: it will not start again")]
    Leaving(
        /// The node.
        NodeId,
    ),
    /// The process is not paused.
    #[error("{0} is not paused")]
    NotPaused(
        /// The node.
        NodeId,
    ),
    /// A way through the network has two ends.
    #[error("{0} and {1} are one side")]
    OneSide(
        /// One side.
        Side,
        /// The other side.
        Side,
    ),
    /// A value is out of its range.
    #[error("{value} is no {what}: it must be {range}")]
    Value {
        /// What it should be.
        what: &'static str,
        /// What it was.
        value: String,
        /// What it may be.
        range: &'static str,
    },
    /// A word that is not known at its place.
    #[error("{word} is no {what}{}", hint(.known))]
    Word {
        /// What it should be.
        what: &'static str,
        /// What it was.
        word: String,
        /// Words that can stand there, if they are few.
        known: &'static [&'static str],
    },
    /// A word that is none of many.
    #[error("{} is no {what}{}", shown(.word), meant(.near))]
    Unlike {
        /// What it should be.
        what: &'static str,
        /// What it was.
        word: String,
        /// Words that it may be meant for.
        near: Vec<String>,
    },
    /// A word is missing.
    #[error("after `{after}` a {what} is missing")]
    Missing {
        /// What should come.
        what: &'static str,
        /// After what.
        after: String,
    },
    /// There are more words than the fault has.
    #[error("`{0}` is too much")]
    TooMuch(
        /// The first that is.
        String,
    ),
    /// No error can be answered to requests of this API.
    #[error("an answer with an error is not known for {0:?}: delay it or drop it")]
    NoAnswer(
        /// The API.
        ApiKey,
    ),
    /// An error or an answer is one API's.
    #[error("say which API is answered: `any` can be delayed, dropped, disconnected or observed")]
    AnyApi,
    /// What is observed is asked for by name.
    #[error("a trigger that observes needs a name: `on … as NAME … observe`")]
    Unnamed,
    /// The JSON is no answer of this API.
    #[error("this is no answer to {0:?}: {1}")]
    Answer(
        /// The API.
        ApiKey,
        /// What is wrong.
        String,
    ),
    /// A word of a trigger stands behind those that it should stand before.
    #[error("`{0}` stands too late: first which requests, then how often, then what happens")]
    Order(
        /// The word.
        String,
    ),
    /// Two triggers cannot have one name.
    #[error("there is a trigger {0} already")]
    Taken(
        /// The name.
        String,
    ),
    /// No trigger has this name.
    #[error("there is no trigger {0}")]
    NoTrigger(
        /// The name.
        String,
    ),
}

/// A word that may be empty, as nobody sees an empty one.
fn shown(word: &str) -> &str {
    if word == "%" { "an empty word" } else { word }
}

fn meant(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) }
}

fn hint(known: &[&str]) -> String {
    if known.is_empty() { String::new() } else { format!("; known are {}", known.join(", ")) }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) if node.is_client() => write!(f, "{node}"),
            Self::Node(NodeId::WORLD) => f.write_str(trigger::HERE),
            Self::Node(node) => write!(f, "{}", node.0),
            Self::Clients => f.write_str("clients"),
        }
    }
}
