//! ListGroups (16), versions 0 to 5: the groups of this server, by state (KIP-518) and type (KIP-848). All are of the
//! type `classic`. Nothing is left out.

use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::list_groups_response::ListedGroup;
use blumfeld_protocol::messages::{GroupId, ListGroupsRequest, ListGroupsResponse};
use blumfeld_protocol::wire::StrBytes;

use crate::call::Call;
use crate::reply::{Reply, respond};
use crate::server::Server;

/// Handles a request.
pub fn handle(server: &Server, call: &Call, request: ListGroupsRequest) -> Result<Reply, FrameError> {
    let wanted = |filter: &[StrBytes], value: &str| {
        filter.is_empty() || filter.iter().any(|one| one.eq_ignore_ascii_case(value))
    };
    let groups = server.groups.groups().filter(|group| {
        wanted(&request.states_filter, group.state().name()) && wanted(&request.types_filter, "classic")
    });
    let groups = groups.map(|group| {
        let mut listed = ListedGroup::default()
            .with_group_id(GroupId(group.group_id.clone().into()))
            .with_protocol_type(group.protocol_type().unwrap_or("").to_owned().into());
        if call.header.version >= 4 {
            listed.group_state = StrBytes::from_static_str(group.state().name());
        }
        if call.header.version >= 5 {
            listed.group_type = StrBytes::from_static_str("classic");
        }
        listed
    });
    respond(ListGroupsResponse::default().with_groups(groups.collect()))
}
