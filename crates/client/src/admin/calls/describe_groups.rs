//! `DescribeGroups`: everything about some groups of consumers.

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::describe_groups_response::DescribedGroup;
use blumfeld_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse};

use super::super::AdminResponse;
use super::super::groups::{GroupResult, GroupResults, Learnt};
use super::{CONSUMER, Sender, group_id};
use crate::consumer::protocol;
use crate::{ApiError, Broker, Completed, TopicPartition};

/// A member of a group (org.apache.kafka.clients.admin.MemberDescription).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberDescription {
    /// Its id, which the coordinator gave it.
    pub id: String,
    /// Its `group.instance.id`, if it is static.
    pub instance_id: Option<String>,
    /// Its `client.id`.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// What it is assigned.
    pub partitions: Vec<TopicPartition>,
}

/// A group (org.apache.kafka.clients.admin.ConsumerGroupDescription).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupDescription {
    /// Its id.
    pub id: String,
    /// Its state, by Kafka's name.
    pub state: String,
    /// How its partitions are assigned; empty while nobody has said.
    pub assignor: String,
    /// Its coordinator.
    pub coordinator: Broker,
    /// Its members, in the coordinator's order.
    pub members: Vec<MemberDescription>,
}

/// Sends the call to a coordinator.
pub fn send(mut to: Sender<'_, '_>, groups: &[String]) -> Result<i32, ApiError> {
    let version = to.version::<DescribeGroupsRequest>()?;
    let body =
        DescribeGroupsRequest::default().with_groups(groups.iter().map(|group| group_id(group)).collect());
    to.send(version, &body)
}

/// Takes a coordinator's answer.
pub fn answered(
    completed: &Completed,
    coordinators: &BTreeMap<String, Broker>,
) -> Result<GroupResults, ApiError> {
    let mut results = Vec::new();
    let response: DescribeGroupsResponse = completed.decode()?;
    for group in &response.groups {
        let id = group.group_id.to_string();
        let Some(coordinator) = coordinators.get(&id).cloned() else { continue };
        let described = ApiError::check(group.error_code, group.error_message.as_ref())
            .and_then(|()| describe(group, coordinator));
        results.push((id, described.map(Learnt::Description)));
    }
    Ok(results)
}

fn describe(group: &DescribedGroup, coordinator: Broker) -> Result<GroupDescription, ApiError> {
    let kind = group.protocol_type.as_str();
    if !kind.is_empty() && kind != CONSUMER {
        let id = group.group_id.as_str();
        let text = format!("GroupId {id} is not a consumer group ({kind}).");
        return Err(ApiError::new(ErrorCode::INVALID_REQUEST, text));
    }
    let members = group.members.iter().map(|member| MemberDescription {
        id: member.member_id.to_string(),
        instance_id: member.group_instance_id.as_ref().map(ToString::to_string),
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        // What cannot be read is shown as nothing.
        partitions: protocol::decode_assignment(&member.member_assignment)
            .map(|(partitions, _)| partitions)
            .unwrap_or_default(),
    });
    Ok(GroupDescription {
        id: group.group_id.to_string(),
        state: group.group_state.to_string(),
        assignor: group.protocol_data.to_string(),
        coordinator,
        members: members.collect(),
    })
}

/// The whole answer.
pub fn gathered(done: BTreeMap<String, GroupResult>) -> AdminResponse {
    let described = |learnt: GroupResult| match learnt? {
        Learnt::Description(description) => Ok(description),
        Learnt::Offsets(_)
        | Learnt::Partitions(_)
        | Learnt::Deleted
        | Learnt::Transaction(_)
        | Learnt::Fenced(_) => Err(ErrorCode::UNKNOWN_SERVER_ERROR.into()),
    };
    AdminResponse::GroupDescriptions(
        done.into_iter().map(|(group, learnt)| (group, described(learnt))).collect(),
    )
}
