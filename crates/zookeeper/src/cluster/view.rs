//! How a cluster stands, as plain values to draw.

use blumfeld_kernel::Instant;

use crate::control::TopicPartition;

use super::Cluster;

/// A znode.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ZnodeView {
    /// Its path.
    pub path: String,
    /// Its data as text; `None` is null.
    pub data: Option<String>,
    /// How often its data was written.
    pub version: i32,
    /// zxid of the transaction that made it.
    pub czxid: i64,
    /// The session whose end takes it away; 0 if it stays.
    pub ephemeral_owner: i64,
    /// How many children it has.
    pub children: usize,
}

/// A session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionView {
    /// Its id.
    pub id: i64,
    /// Its timeout, in milliseconds.
    pub timeout_ms: u64,
    /// When it is over if nothing is heard of it any more.
    pub expires_at: Instant,
    /// Whether it has a connection.
    pub connected: bool,
    /// Its ephemeral znodes.
    pub ephemerals: Vec<String>,
}

/// A partition, as one broker knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionView {
    /// Which.
    pub partition: TopicPartition,
    /// The leader.
    pub leader: i32,
    /// The leader epoch.
    pub leader_epoch: i32,
    /// The in-sync replicas.
    pub isr: Vec<i32>,
    /// The version of the state's znode.
    pub zk_version: i32,
    /// The end of its log; `None` if the broker has no replica of it and only tells clients of it.
    pub log_end: Option<i64>,
}

/// A broker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerView {
    /// Its id.
    pub id: i32,
    /// Whether its process runs.
    pub up: bool,
    /// Whether its process stands still.
    pub paused: bool,
    /// Whether its session can be used.
    pub connected: bool,
    /// Its session; 0 if it has none.
    pub session: i64,
    /// czxid of its registration; -1 while it is not registered.
    pub broker_epoch: i64,
    /// Whether it takes itself for the controller.
    pub is_controller: bool,
    /// The epoch in which it was the controller last; 0 if it never was.
    pub controller_epoch: i32,
    /// The newest controller's epoch that it was told.
    pub known_controller_epoch: i32,
    /// What its controller is doing.
    pub doing: Option<String>,
    /// Its controller's requests to brokers that are not answered.
    pub unanswered: usize,
    /// What it has replicas of.
    pub replicas: Vec<PartitionView>,
    /// What it tells clients.
    pub metadata: Vec<PartitionView>,
}

/// A cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClusterView {
    /// Virtual now.
    pub now: Instant,
    /// The broker that `/controller` names.
    pub controller: Option<i32>,
    /// The last transaction.
    pub zxid: i64,
    /// How many watches stand.
    pub watches: usize,
    /// The znodes, in the order of their paths.
    pub znodes: Vec<ZnodeView>,
    /// The sessions.
    pub sessions: Vec<SessionView>,
    /// The brokers.
    pub brokers: Vec<BrokerView>,
}

impl Cluster {
    /// How it stands. Of more than `most` znodes and partitions each the first are told.
    pub fn view(&self, most: usize) -> ClusterView {
        let ensemble = self.ensemble();
        let znodes = ensemble.tree().iter().take(most).map(|(path, node)| {
            let stat = node.stat();
            ZnodeView {
                path: path.to_owned(),
                data: node.data.as_ref().map(|data| String::from_utf8_lossy(data).into_owned()),
                version: stat.version,
                czxid: stat.czxid,
                ephemeral_owner: stat.ephemeral_owner,
                children: node.children.len(),
            }
        });
        let sessions = ensemble.sessions().iter().map(|(id, session)| SessionView {
            id: *id,
            timeout_ms: u64::try_from(session.timeout.as_millis()).unwrap_or(u64::MAX),
            expires_at: session.expires_at,
            connected: session.conn.is_some(),
            ephemerals: ensemble.tree().ephemerals(*id).map(str::to_owned).collect(),
        });
        let node = ensemble.tree().get(crate::znodes::CONTROLLER);
        ClusterView {
            now: self.now,
            controller: node.and_then(|node| crate::znodes::decode_controller(node.data.as_ref())),
            zxid: ensemble.zxid(),
            watches: ensemble.watches(),
            znodes: znodes.collect(),
            sessions: sessions.collect(),
            brokers: self.broker_ids().map(|id| self.broker_view(id, most)).collect(),
        }
    }

    fn broker_view(&self, id: i32, most: usize) -> BrokerView {
        let Some(broker) = self.broker(id) else {
            return BrokerView {
                id,
                up: false,
                paused: false,
                connected: false,
                session: 0,
                broker_epoch: -1,
                is_controller: false,
                controller_epoch: 0,
                known_controller_epoch: 0,
                doing: None,
                unanswered: 0,
                replicas: Vec::new(),
                metadata: Vec::new(),
            };
        };
        let replicas =
            broker.replicas().replicas().iter().take(most).map(|(partition, known)| PartitionView {
                partition: partition.clone(),
                leader: known.leader,
                leader_epoch: known.leader_epoch,
                isr: known.isr.clone(),
                zk_version: known.zk_version,
                log_end: Some(broker.replicas().log_end(partition)),
            });
        let metadata =
            broker.metadata().partitions.iter().take(most).map(|(partition, known)| PartitionView {
                partition: partition.clone(),
                leader: known.leader,
                leader_epoch: known.leader_epoch,
                isr: known.isr.clone(),
                zk_version: known.zk_version,
                log_end: None,
            });
        let controller = broker.controller();
        BrokerView {
            id,
            up: true,
            paused: self.is_paused(id),
            connected: broker.client().is_connected(),
            session: broker.client().session(),
            broker_epoch: controller.broker_epoch(),
            is_controller: controller.is_active(),
            controller_epoch: controller.epoch(),
            known_controller_epoch: broker.replicas().controller_epoch(),
            doing: controller.standing().0.map(crate::controller::Work::name),
            unanswered: controller.unanswered(),
            replicas: replicas.collect(),
            metadata: metadata.collect(),
        }
    }
}
