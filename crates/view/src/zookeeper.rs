//! A cluster of the time before KRaft, beside the page's own: its control plane, with a ZooKeeper ensemble.

use serde::{Deserialize, Serialize};

/// What is done to it. Each is answered by how it stands then.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ZooKeeperDeed {
    /// It begins anew, with three brokers and this seed.
    Begin(
        /// The seed.
        u64,
    ),
    /// A topic with so many partitions, each on three brokers.
    CreateTopic(
        /// Partitions, 1 to 1000.
        i32,
    ),
    /// A broker's process is killed.
    Crash(
        /// Its id.
        i32,
    ),
    /// A broker's process is started.
    Start(
        /// Its id.
        i32,
    ),
    /// A broker's process stands still, as in a long garbage collection.
    Pause(
        /// Its id.
        i32,
    ),
    /// It goes on.
    Resume(
        /// Its id.
        i32,
    ),
    /// A broker is cut off from ZooKeeper.
    Cut(
        /// Its id.
        i32,
    ),
    /// The network is whole again.
    Heal,
    /// So many virtual microseconds pass.
    Run(
        /// At most a minute.
        u64,
    ),
    /// Time passes until the controller has nothing to do and all brokers agree, or a minute is over.
    Settle,
}

/// How it stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ZooKeeperView {
    /// Virtual microseconds.
    pub now: u64,
    /// The broker that `/controller` names; -1 for none.
    pub controller: i32,
    /// The last transaction.
    pub zxid: i64,
    /// Watches that stand.
    pub watches: u64,
    /// The znodes, in the order of their paths, the first 200.
    pub znodes: Vec<ZnodeLine>,
    /// Znodes that are not in the list.
    pub znodes_left_out: u64,
    /// The brokers.
    pub brokers: Vec<EraBrokerView>,
    /// The last messages, the oldest first.
    pub messages: Vec<EraMessage>,
    /// Requests since it began, by name: to ZooKeeper, and between brokers.
    pub to_zookeeper: Vec<(String, u64)>,
    /// The same between brokers.
    pub between_brokers: Vec<(String, u64)>,
}

/// A znode.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ZnodeLine {
    /// Its path.
    pub path: String,
    /// Its data as text; empty for none.
    pub data: String,
    /// How often it was written.
    pub version: i32,
    /// Whether it goes with a session.
    pub ephemeral: bool,
}

/// A broker of that time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EraBrokerView {
    /// Its id.
    pub id: i32,
    /// `running`, `paused` or `crashed`.
    pub state: String,
    /// Whether its session with ZooKeeper can be used.
    pub connected: bool,
    /// Whether it takes itself for the controller.
    pub is_controller: bool,
    /// The newest controller epoch that it knows.
    pub controller_epoch: i32,
    /// What its controller is doing; empty for nothing.
    pub doing: String,
    /// Partitions that it leads.
    pub leads: u32,
    /// Partitions that it has a replica of.
    pub replicas: u32,
}

/// A message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EraMessage {
    /// Its number.
    pub number: u64,
    /// When it was sent, in virtual microseconds.
    pub at: u64,
    /// Who sent it: `broker-1`, `zookeeper`.
    pub from: String,
    /// To whom.
    pub to: String,
    /// `request`, `answer` or `event`.
    pub sort: String,
    /// Its name: `setData`, `LeaderAndIsr`.
    pub name: String,
    /// What it says, as JSON, cut where it is long.
    pub says: String,
}

/// How long both kinds of cluster are without a controller, and what it costs to be well again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailoverView {
    /// Partitions, each with three replicas on three brokers.
    pub partitions: i32,
    /// The cluster with ZooKeeper; nothing while it is measured.
    pub zookeeper: Option<FailoverSide>,
    /// The cluster with KRaft.
    pub kraft: Option<FailoverSide>,
}

/// One of them, in virtual microseconds from the crash of the broker that was the controller.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailoverSide {
    /// Until the crash is noticed and another is elected.
    pub elected: u64,
    /// Until that one has read what it has to know.
    pub read_back: u64,
    /// Until every broker that lives knows a leader that lives for every partition.
    pub known: u64,
    /// Requests to ZooKeeper meanwhile.
    pub to_zookeeper: u64,
    /// Requests between brokers.
    pub between_brokers: u64,
    /// Bytes of all.
    pub bytes: u64,
}
