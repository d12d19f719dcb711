//! Which brokers the cluster has: those it began with, those that were added, and not those that were removed.

use blumfeld_broker::BrokerConfig;
use blumfeld_kernel::NodeId;
use blumfeld_shell::Language;
use blumfeld_sim::{Membership, MembershipError};
use blumfeld_store::Members;

use super::Run;
use crate::boot::Boot;

/// The most brokers there can be, and the highest id.
const MOST: i32 = 9;

/// Which brokers there are at the beginning. A cluster that was stored without saying it has all up to its last disk.
pub(super) fn members(boot: &Boot) -> Members {
    let count = |began_with: i32| began_with.clamp(1, MOST);
    let Some(stored) = &boot.members else {
        let began_with = count(boot.disks.keys().max().copied().unwrap_or(boot.brokers));
        return Members { began_with, racks: (1..=began_with).map(|id| (id, None)).collect() };
    };
    let mut members = Members { began_with: count(stored.began_with), racks: stored.racks.clone() };
    members.racks.retain(|id, _| (1..=MOST).contains(id));
    members
}

/// The nodes of a cluster: in combined mode, up to five of them controllers.
pub(super) fn nodes(members: &Members, seed: u64) -> Vec<BrokerConfig> {
    let mut nodes = BrokerConfig::combined(members.began_with, seed);
    for node in &mut nodes {
        // A page lives for long and has little room: the metadata log is kept short.
        node.metadata_log_segment_bytes = 1024 * 1024;
        node.metadata_max_retention_bytes = 2 * 1024 * 1024;
        node.metadata_bytes_between_snapshots = 1024 * 1024;
        // Kafka's default is 1, and then nobody ever sees a follower.
        node.default_replication_factor = i16::try_from(members.began_with.min(3)).unwrap_or(1);
    }
    let first = nodes[0].clone();
    // The voters are there whatever is stored.
    nodes.retain(|node| node.roles.controller);
    let joined: Vec<BrokerConfig> = (members.racks.iter())
        .filter(|(id, _)| !first.voters.contains_key(id))
        .map(|(id, rack)| first.joining(*id, rack.clone()))
        .collect();
    nodes.extend(joined);
    nodes
}

impl Run {
    /// Which brokers there are, for the store.
    pub fn members(&self) -> Members {
        let brokers = &self.world.config().brokers;
        let racks = brokers.iter().map(|broker| (broker.node_id, broker.rack.clone())).collect();
        Members { began_with: self.began_with, racks }
    }

    /// Lets a broker come or go, and gives what the line that asked for it prints.
    pub(super) fn change_membership(
        &mut self,
        change: &Membership,
        language: Language,
    ) -> Result<String, MembershipError> {
        let node = self.world.change_membership(change)?;
        Ok(self.changed(change, node, language))
    }

    fn changed(&self, change: &Membership, node: NodeId, language: Language) -> String {
        let id = node.0;
        let config = self.world.config().brokers.iter().find(|broker| broker.node_id == id);
        let address = config.map(|broker| broker.advertised.to_string()).unwrap_or_default();
        match (change, language) {
            (Membership::Add { .. }, Language::English) => format!(
                "Broker {id} joins at {address}. It has no replicas until some are created on it or moved to it.\n"
            ),
            (Membership::Add { .. }, Language::Korean) => {
                format!("브로커 {id} 추가: {address}. 새로 만들거나 옮겨 오기 전에는 레플리카가 없습니다.\n")
            }
            (Membership::Remove { .. }, Language::English) => format!(
                "Broker {id} goes as soon as it has ended. It stays registered until kafka-cluster.sh unregister --id {id}.\n"
            ),
            (Membership::Remove { .. }, Language::Korean) => format!(
                "브로커 {id} 제거: 종료되는 대로 빠집니다. kafka-cluster.sh unregister --id {id} 명령을 실행할 때까지 등록은 \
                 남습니다.\n"
            ),
        }
    }
}
