//! What is drawn of consumer groups: as their coordinators know them.

use std::collections::BTreeMap;

use blumfeld_broker::{Broker, ClassicGroup, ClassicMember};
use blumfeld_kernel::NodeId;
use blumfeld_view::{GroupMemberView, GroupOffsetView, GroupView};

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

fn member_view(group: &ClassicGroup, member: &ClassicMember) -> GroupMemberView {
    let consumers = group.protocol_type() == Some("consumer");
    let partitions = if consumers { assigned(&member.assignment).unwrap_or_default() } else { Vec::new() };
    GroupMemberView {
        id: member.member_id.clone(),
        client_id: member.client_id.clone(),
        instance: member.instance_id.clone().unwrap_or_default(),
        host: member.client_host.clone(),
        leader: group.leader() == Some(member.member_id.as_str()),
        joined: member.is_awaiting(),
        partitions,
    }
}

/// The partitions of an assignment (ConsumerProtocolAssignment), which a client wrote; `None` for bytes that are none.
pub(crate) fn assigned(bytes: &[u8]) -> Option<Vec<(String, i32)>> {
    fn int(rest: &mut &[u8]) -> Option<i32> {
        let (bytes, after) = rest.split_first_chunk::<4>()?;
        *rest = after;
        Some(i32::from_be_bytes(*bytes))
    }
    let (_, mut rest) = bytes.split_first_chunk::<2>()?;
    let mut partitions = Vec::new();
    for _ in 0..int(&mut rest)? {
        let (len, after) = rest.split_first_chunk::<2>()?;
        let (name, after) = after.split_at_checked(usize::try_from(i16::from_be_bytes(*len)).ok()?)?;
        rest = after;
        let topic = std::str::from_utf8(name).ok()?;
        for _ in 0..int(&mut rest)? {
            partitions.push((topic.to_owned(), int(&mut rest)?));
        }
    }
    partitions.sort();
    Some(partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_read_and_no_bytes_are_too_much() {
        let mut bytes = vec![0, 1, 0, 0, 0, 1, 0, 2, b'a', b'b', 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 3];
        let want = vec![("ab".to_owned(), 3), ("ab".to_owned(), 5)];
        assert_eq!(assigned(&bytes), Some(want));
        for cut in 0..bytes.len() {
            assert_eq!(assigned(&bytes[..cut]), None, "cut at {cut}");
        }
        bytes[10] = 0x7f;
        assert_eq!(assigned(&bytes), None, "two billion partitions");
    }
}
