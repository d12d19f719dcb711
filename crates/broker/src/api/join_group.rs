//! JoinGroup (11), versions 0 to 9: member ids first (KIP-394), static members (KIP-345), the leader that keeps its
//! assignment (KIP-814). Left out: groups of the consumer protocol.

use std::collections::BTreeSet;

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::JoinGroupRequest;

use crate::call::Call;
use crate::coordinator::{Answer, Join};
use crate::reply::Reply;
use crate::server::Server;

/// Where every member comes from: the world has no addresses.
const CLIENT_HOST: &str = "/127.0.0.1";

/// Handles a request: answered when the group's members have joined.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: JoinGroupRequest,
) -> Result<Reply, FrameError> {
    let waiter = call.clone();
    let session_timeout_ms = request.session_timeout_ms;
    let config = &server.config.group;
    let in_range =
        (config.min_session_timeout_ms..=config.max_session_timeout_ms).contains(&session_timeout_ms);
    let join = Join {
        group_id: request.group_id.to_string(),
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.map(|id| id.to_string()),
        client_id: call.header.client_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        client_host: CLIENT_HOST.to_owned(),
        protocol_type: request.protocol_type.to_string(),
        protocols: request.protocols.into_iter().map(|one| (one.name.to_string(), one.metadata)).collect(),
        session_timeout_ms,
        // Version 0 knows one timeout for both.
        rebalance_timeout_ms: if call.header.version == 0 {
            session_timeout_ms
        } else {
            request.rebalance_timeout_ms
        },
        reason: request.reason.map(|reason| reason.to_string()),
    };
    // A member id has 36 letters behind the client's, and a name counts once: exceptions at Kafka.
    let longest = usize::from(u16::MAX / 2) - "-00000000-0000-0000-0000-000000000000".len();
    let too_long = join.member_id.is_empty() && join.client_id.len() > longest;
    let names: BTreeSet<&String> = join.protocols.iter().map(|(name, _)| name).collect();
    let refused = if join.group_id.is_empty() {
        Some(ErrorCode::INVALID_GROUP_ID)
    } else if !in_range {
        Some(ErrorCode::INVALID_SESSION_TIMEOUT)
    } else if too_long || names.len() < join.protocols.len() {
        Some(ErrorCode::UNKNOWN_SERVER_ERROR)
    } else {
        None
    };
    let (group_id, member_id) = (join.group_id.clone(), join.member_id.clone());
    let result = match refused {
        Some(code) => Err(code),
        None => server.with_group(cx, &group_id, |shard, env| shard.join(env, waiter.clone(), join)),
    };
    if let Err(code) = result {
        server.groups.answer(waiter, Answer::join_error(&member_id, code));
    }
    Ok(Reply::Parked)
}
