//! FindCoordinator (10), versions 0 to 6: coordinators of groups and of transactions. The first one who asks has
//! `__consumer_offsets` or `__transaction_state` created. Left out: coordinators of share groups, which are refused for
//! good.

use blumfeld_kernel::{Context, TraceEvent};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::find_coordinator_response::Coordinator;
use blumfeld_protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};
use blumfeld_protocol::wire::StrBytes;

use crate::call::Call;
use crate::config::CLIENT_LISTENER;
use crate::coordinator::{GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC};
use crate::reply::{Reply, respond};
use crate::server::Server;

/// The kinds of coordinators (FindCoordinatorRequest.CoordinatorType).
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;

/// What is said of a kind that has no coordinators here.
fn message_of(kind: i8, version: i16) -> Option<&'static str> {
    /// The first version that knows share groups (KIP-932).
    const SHARES: i16 = 6;
    match kind {
        GROUP | TRANSACTION => None,
        SHARE if version >= SHARES => {
            Some("Share groups are not there yet: this cluster has no share coordinator.")
        }
        // Kafka's own word for a kind that nobody knows (Errors.INVALID_REQUEST).
        _ => Some(
            "This most likely occurs because of a request being malformed by the client library or the message was \
             sent to an incompatible broker. See the broker logs for more details.",
        ),
    }
}

/// Handles a request.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: FindCoordinatorRequest,
) -> Result<Reply, FrameError> {
    let kind = request.key_type;
    let message = message_of(kind, call.header.version);
    if let Some(message) = message {
        let keys = request.coordinator_keys.iter().chain([&request.key]).filter(|key| !key.is_empty());
        let keys: Vec<&str> = keys.map(|key| key.as_str()).collect();
        let (api_key, version) = call.about();
        let reason = format!("{message} Asked for: {}", keys.join(", "));
        cx.out.trace(TraceEvent::RequestRejected { api_key, version, reason: reason.into() });
    }
    if call.header.version >= 4 {
        let coordinators = request.coordinator_keys.into_iter().map(|key| {
            let found = find(server, cx, kind, &key);
            let message =
                message.filter(|_| found.is_err()).map_or_else(StrBytes::default, StrBytes::from_static_str);
            let response = Coordinator::default().with_error_message(Some(message)).with_key(key);
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
        code if code != ErrorCode::NONE && message.is_some() => message.unwrap_or_default(),
        // What Kafka says where there is nothing to say.
        ErrorCode::NONE => "NONE",
        ErrorCode::COORDINATOR_NOT_AVAILABLE => "The coordinator is not available.",
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
    let (topic, number) = match kind {
        GROUP => (GROUP_METADATA_TOPIC, server.group_partition(key)),
        TRANSACTION => (TRANSACTION_STATE_TOPIC, server.transaction_partition(key)),
        _ => return Err(ErrorCode::INVALID_REQUEST),
    };
    if server.image.topic(topic).is_none() {
        match kind {
            GROUP => server.create_offsets_topic(cx),
            _ => server.create_transaction_topic(cx),
        }
        return Err(ErrorCode::COORDINATOR_NOT_AVAILABLE);
    }
    let partition = server.image.partition(topic, number);
    let leader = partition.and_then(|partition| server.image.brokers().get(&partition.leader));
    let leader = leader.filter(|leader| !leader.fenced);
    let found = leader.and_then(|leader| {
        let listener = server.image.endpoint(leader.id, CLIENT_LISTENER)?;
        Some((leader.id, listener.host.clone(), listener.port))
    });
    found.ok_or(ErrorCode::COORDINATOR_NOT_AVAILABLE)
}
