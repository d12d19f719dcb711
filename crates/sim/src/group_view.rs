//! What is drawn of consumer groups: as their coordinators know them.

use std::collections::BTreeMap;

use blumfeld_broker::{Broker, ClassicGroup, ClassicMember, assigned_partitions};
use blumfeld_kernel::NodeId;
use blumfeld_view::{GroupMemberView, GroupOffsetView, GroupView, RebalancesView};

use crate::world::World;

impl World {
    /// The consumer groups by id.
    pub fn group_views(&self) -> Vec<GroupView> {
        let mut views: Vec<GroupView> = (self.nodes())
            .filter_map(|node| Some((node, self.broker(node)?)))
            .flat_map(|(node, broker)| {
                broker.groups().groups().map(move |group| self.group_view(node, broker, group))
            })
            .collect();
        views.sort_by(|a, b| a.id.cmp(&b.id));
        views
    }

    /// What the last rebalances of groups were, by their ids; of a group that is gone as well.
    pub fn rebalance_views(&self) -> Vec<RebalancesView> {
        self.trace().rebalances().views()
    }

    fn group_view(&self, node: NodeId, broker: &Broker, group: &ClassicGroup) -> GroupView {
        let members: Vec<GroupMemberView> =
            group.members().map(|member| member_view(group, member)).collect();
        let mut offsets: BTreeMap<(String, i32), GroupOffsetView> = BTreeMap::new();
        let mut partition = |topic: &str, partition: i32, committed: Option<i64>, owner: &str| {
            let view = offsets.entry((topic.to_owned(), partition)).or_insert_with(|| GroupOffsetView {
                topic: topic.to_owned(),
                partition,
                committed: -1,
                high_watermark: self.high_watermark_of(topic, partition).unwrap_or(-1),
                owner: String::new(),
            });
            view.committed = committed.unwrap_or(view.committed);
            if !owner.is_empty() {
                owner.clone_into(&mut view.owner);
            }
        };
        for (topic, number, offset) in broker.groups().offsets(&group.group_id) {
            partition(topic, number, Some(offset.offset), "");
        }
        for member in &members {
            for (topic, number) in &member.partitions {
                partition(topic, *number, None, &member.id);
            }
        }
        GroupView {
            id: group.group_id.clone(),
            state: group.state().to_string(),
            generation: group.generation(),
            protocol: group.protocol_name().unwrap_or_default().to_owned(),
            coordinator: node.0,
            members,
            offsets: offsets.into_values().collect(),
        }
    }
}

/// What is assigned to a member of a group of consumers: topics and numbers.
pub(crate) fn partitions_of(group: &ClassicGroup, member: &ClassicMember) -> Vec<(String, i32)> {
    let consumers = group.protocol_type() == Some("consumer");
    if consumers { assigned_partitions(&member.assignment).unwrap_or_default() } else { Vec::new() }
}

fn member_view(group: &ClassicGroup, member: &ClassicMember) -> GroupMemberView {
    GroupMemberView {
        id: member.member_id.clone(),
        client_id: member.client_id.clone(),
        instance: member.instance_id.clone().unwrap_or_default(),
        host: member.client_host.clone(),
        leader: group.leader() == Some(member.member_id.as_str()),
        joined: member.is_awaiting(),
        partitions: partitions_of(group, member),
    }
}
