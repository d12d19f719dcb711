//! FindCoordinator (10), versions 0 to 6: coordinators of groups. The first one who asks has `__consumer_offsets`
//! created. Left out: coordinators of transactions (COORDINATOR_NOT_AVAILABLE) and of share groups.

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::find_coordinator_response::Coordinator;
use blumfeld_protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};
use blumfeld_protocol::wire::StrBytes;

use crate::call::Call;
use crate::config::CLIENT_LISTENER;
use crate::coordinator::GROUP_METADATA_TOPIC;
use crate::reply::{Reply, respond};
use crate::server::Server;

/// The kinds of coordinators (FindCoordinatorRequest.CoordinatorType).
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// What Kafka says of a request that cannot be (Errors.INVALID_REQUEST).
const INVALID: &str = "This most likely occurs because of a request being malformed by the client library or the message \
                       was sent to an incompatible broker. See the broker logs for more details.";

/// Handles a request.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: FindCoordinatorRequest,
) -> Result<Reply, FrameError> {
    let kind = request.key_type;
    if call.header.version >= 4 {
        // A kind that is not known fails the request as a whole, which has a sentence.
        let message = if matches!(kind, GROUP | TRANSACTION) { "" } else { INVALID };
        let coordinators = request.coordinator_keys.into_iter().map(|key| {
            let found = find(server, cx, kind, &key);
            let response = Coordinator::default()
                .with_error_message(Some(StrBytes::from_static_str(message)))
                .with_key(key);
            match found {
                Ok((id, host, port)) => {
                    response.with_node_id(id.into()).with_host(host.into()).with_port(i32::from(port))
                }
                Err(code) => response.with_node_id((-1).into()).with_port(-1).with_error_code(code.0),
            }
        });
        let response = FindCoordinatorResponse::default().with_coordinators(coordinators.collect());
        return respond(response);
    }
    let response = match find(server, cx, kind, &request.key) {
        Ok((id, host, port)) => FindCoordinatorResponse::default()
            .with_node_id(id.into())
            .with_host(host.into())
            .with_port(i32::from(port)),
        Err(code) => {
            FindCoordinatorResponse::default().with_node_id((-1).into()).with_port(-1).with_error_code(code.0)
        }
    };
    let message = match ErrorCode(response.error_code) {
        // What Kafka says where there is nothing to say.
        ErrorCode::NONE => "NONE",
        ErrorCode::COORDINATOR_NOT_AVAILABLE => "The coordinator is not available.",
        ErrorCode::INVALID_REQUEST => INVALID,
        code => code.name(),
    };
    let message = (call.header.version >= 1).then(|| StrBytes::from_static_str(message));
    respond(response.with_error_message(message))
}

/// The coordinator of a key: the leader of the partition that the key belongs to.
fn find(
    server: &mut Server,
    cx: &mut Context<'_>,
    kind: i8,
    key: &str,
) -> Result<(i32, String, u16), ErrorCode> {
    match kind {
        GROUP => {}
        TRANSACTION => return Err(ErrorCode::COORDINATOR_NOT_AVAILABLE),
        _ => return Err(ErrorCode::INVALID_REQUEST),
    }
    if server.image.topic(GROUP_METADATA_TOPIC).is_none() {
        server.create_offsets_topic(cx);
        return Err(ErrorCode::COORDINATOR_NOT_AVAILABLE);
    }
    let partition = server.image.partition(GROUP_METADATA_TOPIC, server.group_partition(key));
    let leader = partition.and_then(|partition| server.image.brokers().get(&partition.leader));
    let leader = leader.filter(|leader| !leader.fenced);
    let found = leader.and_then(|leader| {
        let listener = server.image.endpoint(leader.id, CLIENT_LISTENER)?;
        Some((leader.id, listener.host.clone(), listener.port))
    });
    found.ok_or(ErrorCode::COORDINATOR_NOT_AVAILABLE)
}
