//! DescribeGroups (15), versions 0 to 6: state, protocol and members. Left out: nothing.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use blumfeld_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse};
use blumfeld_protocol::wire::StrBytes;

use super::GROUP_OPERATIONS;
use crate::call::Call;
use crate::coordinator::{ClassicGroup, ClassicGroupState};
use crate::reply::{Reply, respond};
use crate::server::Server;

/// Handles a request.
pub fn handle(server: &Server, call: &Call, request: DescribeGroupsRequest) -> Result<Reply, FrameError> {
    let version = call.header.version;
    let operations = request.include_authorized_operations;
    let groups = request.groups.into_iter().map(|id| {
        let partition = server.group_partition(&id);
        let response = DescribedGroup::default().with_group_id(id.clone());
        if !server.groups.partitions().any(|own| own == partition) {
            return response.with_error_code(ErrorCode::NOT_COORDINATOR.0);
        }
        match server.groups.group(&id) {
            Some(group) => describe(response, group, version),
            None => {
                let response = response.with_group_state(StrBytes::from_static_str("Dead"));
                // Before, a group that is not there was one that is dead (KIP-1043).
                if version < 6 {
                    return response;
                }
                response
                    .with_error_code(ErrorCode::GROUP_ID_NOT_FOUND.0)
                    .with_error_message(Some(format!("Group {} not found.", id.as_str()).into()))
            }
        }
    });
    let groups = groups.map(|group| match ErrorCode(group.error_code) {
        ErrorCode::NONE if operations => group.with_authorized_operations(GROUP_OPERATIONS),
        _ => group,
    });
    respond(DescribeGroupsResponse::default().with_groups(groups.collect()))
}

fn describe(response: DescribedGroup, group: &ClassicGroup, version: i16) -> DescribedGroup {
    let stable = group.state() == ClassicGroupState::Stable;
    let protocol = group.protocol_name().filter(|_| stable).unwrap_or("");
    let members = group.members().map(|member| {
        let mut described = DescribedGroupMember::default()
            .with_member_id(member.member_id.clone().into())
            .with_client_id(member.client_id.clone().into())
            .with_client_host(member.client_host.clone().into())
            .with_member_assignment(member.assignment.clone());
        if version >= 4 {
            described.group_instance_id = member.instance_id.clone().map(Into::into);
        }
        if stable {
            described.member_metadata = member.metadata(protocol);
        }
        described
    });
    response
        .with_group_state(StrBytes::from_static_str(group.state().name()))
        .with_protocol_type(group.protocol_type().unwrap_or("").to_owned().into())
        .with_protocol_data(protocol.to_owned().into())
        .with_members(members.collect())
}
