//! DeleteGroups (42), versions 0 to 2: groups without members, with their offsets. Nothing is left out.

use std::collections::BTreeSet;

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::delete_groups_response::DeletableGroupResult;
use blumfeld_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse, GroupId};

use crate::call::Call;
use crate::coordinator::Answer;
use crate::reply::Reply;
use crate::server::Server;

/// Handles a request: answered once the tombstones are committed.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: DeleteGroupsRequest,
) -> Result<Reply, FrameError> {
    let waiter = call.clone();
    // A group that comes twice is deleted once, and answered once.
    let mut once = BTreeSet::new();
    let names: Vec<GroupId> =
        request.groups_names.into_iter().filter(|id| once.insert(id.to_string())).collect();
    let results =
        (names.iter()).map(|id| DeletableGroupResult::default().with_group_id(id.clone())).collect();
    let answer = Answer::DeleteGroups(DeleteGroupsResponse::default().with_results(results));
    let missing = names.len();
    if missing == 0 {
        server.groups.answer(waiter, answer);
        return Ok(Reply::Parked);
    }
    let gathering = server.groups.gather(waiter, answer, missing);
    for id in names {
        let begun = server.with_group(cx, &id, |shard, env| shard.delete_group(env, gathering, &id));
        if let Err(code) = begun.and_then(|begun| begun) {
            server.groups.gathered(gathering, &id, code);
        }
    }
    Ok(Reply::Parked)
}
