//! What must hold at every moment, and what must hold once everything is well again.

use std::collections::BTreeMap;

use blumfeld_kernel::NodeId;

use crate::control::TopicPartition;
use crate::znodes::{self, LeaderAndIsr};

use super::{Cluster, ENSEMBLE};

/// Looks at a cluster after each event, and remembers what must not go back.
#[derive(Clone, Debug, Default)]
pub struct Checker {
    controller_epoch: i32,
    /// Each state's version, with the czxid of its znode: a topic that is made anew begins anew.
    versions: BTreeMap<String, (i64, i32)>,
    zxid: i64,
    /// Who led a partition in an epoch, by the czxid of its state.
    leaders: BTreeMap<(TopicPartition, i32), BTreeMap<i32, Vec<i32>>>,
}

impl Checker {
    /// One that has seen nothing.
    pub fn new() -> Checker {
        Checker::default()
    }

    /// Looks at what the node that acted may have changed.
    ///
    /// # Errors
    /// What must not be.
    pub fn look(&mut self, cluster: &Cluster, acted: NodeId) -> Result<(), String> {
        match acted {
            ENSEMBLE => self.znodes(cluster),
            NodeId(id) => self.broker(cluster, id),
        }
    }

    fn znodes(&mut self, cluster: &Cluster) -> Result<(), String> {
        let tree = cluster.ensemble().tree();
        let zxid = cluster.ensemble().zxid();
        if zxid == self.zxid {
            return Ok(());
        }
        self.zxid = zxid;
        let epoch =
            tree.get(znodes::CONTROLLER_EPOCH).and_then(|node| znodes::decode_epoch(node.data.as_ref()));
        if let Some(epoch) = epoch {
            if epoch < self.controller_epoch {
                return Err(format!("controller epoch {} was followed by {epoch}", self.controller_epoch));
            }
            self.controller_epoch = epoch;
        }
        for (path, node) in tree.iter().filter(|(path, _)| path.ends_with("/state")) {
            let stat = node.stat();
            let (czxid, version) = self.versions.get(path).copied().unwrap_or((stat.czxid, 0));
            if czxid == stat.czxid && stat.version < version {
                return Err(format!("{path} went from version {version} to {}", stat.version));
            }
            if stat.version != version || czxid != stat.czxid || !self.versions.contains_key(path) {
                self.versions.insert(path.to_owned(), (stat.czxid, stat.version));
            }
            let Some(state) = LeaderAndIsr::decode(node.data.as_ref(), stat.version) else {
                return Err(format!("{path} holds no state"));
            };
            if state.leader >= 0 && !state.isr.contains(&state.leader) {
                return Err(format!("{path} has leader {} outside of the isr {:?}", state.leader, state.isr));
            }
        }
        Ok(())
    }

    /// In one epoch of a partition one broker leads at most, as far as a majority of the brokers has ever taken it.
    fn broker(&mut self, cluster: &Cluster, id: i32) -> Result<(), String> {
        let Some(broker) = cluster.broker(id) else { return Ok(()) };
        let majority = cluster.config().brokers / 2 + 1;
        for (partition, replica) in broker.replicas().replicas() {
            let epochs = self.leaders.entry((partition.clone(), replica.leader_epoch)).or_default();
            let known = epochs.entry(replica.leader).or_default();
            if known.contains(&id) {
                continue;
            }
            known.push(id);
            let accepted = epochs.iter().filter(|(leader, brokers)| {
                **leader >= 0 && i32::try_from(brokers.len()).is_ok_and(|count| count >= majority)
            });
            let accepted: Vec<i32> = accepted.map(|(leader, _)| *leader).collect();
            if accepted.len() > 1 {
                let epoch = replica.leader_epoch;
                return Err(format!("{partition} has the leaders {accepted:?} in leader epoch {epoch}"));
            }
        }
        Ok(())
    }

    /// A topic is gone: its epochs begin anew.
    pub fn forget_topic(&mut self, topic: &str) {
        self.leaders.retain(|(partition, _), _| &*partition.topic != topic);
    }
}

impl Cluster {
    /// Whether everything is well: each partition that is assigned has a leader in its ISR that runs, every broker that
    /// runs is registered and knows that leader in its epoch, and nobody else takes itself for the controller.
    ///
    /// # Errors
    /// What is not well.
    pub fn is_settled(&self) -> Result<(), String> {
        let tree = self.ensemble().tree();
        let controller = self.controller().ok_or("there is no controller")?;
        for broker in self.brokers() {
            let id = broker.id();
            if broker.controller().is_active() != (id == controller) {
                return Err(format!("broker {id} is wrong about who the controller is"));
            }
            let owner = tree.get(&znodes::broker_id(id)).map(|node| node.stat().ephemeral_owner);
            if owner != Some(broker.client().session()) {
                return Err(format!("broker {id} is not registered"));
            }
        }
        let topics = tree.get(znodes::TOPICS).into_iter().flat_map(|node| &node.children);
        let partitions = topics.flat_map(|topic| {
            let assigned =
                tree.get(&znodes::topic(topic)).and_then(|node| znodes::decode_topic(node.data.as_ref()));
            let topic = topic.as_str().into();
            assigned.unwrap_or_default().into_keys().map(move |number| TopicPartition::new(&topic, number))
        });
        for partition in partitions {
            let path = znodes::partition_state(&partition);
            let node = tree.get(&path).ok_or(format!("{partition} has no state"))?;
            let version = node.stat().version;
            let state =
                LeaderAndIsr::decode(node.data.as_ref(), version).ok_or(format!("{path} is unreadable"))?;
            if self.broker(state.leader).is_none() || !state.isr.contains(&state.leader) {
                return Err(format!("{partition} has the leader {} of {:?}", state.leader, state.isr));
            }
            for broker in self.brokers() {
                let told = broker.metadata().partitions.get(&partition);
                let told = told.map(|told| (told.leader, told.leader_epoch));
                if told != Some((state.leader, state.leader_epoch)) {
                    return Err(format!(
                        "broker {} tells {told:?} of {partition}, and {state:?} is true",
                        broker.id()
                    ));
                }
                let replica = broker.replicas().replicas().get(&partition);
                if replica.is_some_and(|known| {
                    (known.leader, known.leader_epoch) != (state.leader, state.leader_epoch)
                }) {
                    return Err(format!("broker {} has another leader of {partition}", broker.id()));
                }
            }
        }
        Ok(())
    }
}
