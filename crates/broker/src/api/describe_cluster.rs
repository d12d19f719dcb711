//! DescribeCluster (60), versions 0 to 2. Left out: the controllers' endpoints (endpoint type 2).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use blumfeld_protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};
use blumfeld_protocol::{ErrorCode, uuid_text};

use super::CLUSTER_OPERATIONS;
use crate::call::Call;
use crate::config::CLIENT_LISTENER;
use crate::reply::{Reply, respond};
use crate::server::Server;

/// Handles a request.
pub fn handle(
    server: &Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: DescribeClusterRequest,
) -> Result<Reply, FrameError> {
    if call.header.version >= 1 && request.endpoint_type != 1 {
        let (code, message) = if request.endpoint_type == 2 {
            (
                ErrorCode::MISMATCHED_ENDPOINT_TYPE,
                "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
                    .to_owned(),
            )
        } else {
            let message = format!("Unsupported endpoint type {}", request.endpoint_type);
            (ErrorCode::UNSUPPORTED_ENDPOINT_TYPE, message)
        };
        let response = DescribeClusterResponse::default()
            .with_error_code(code.0)
            .with_error_message(Some(message.into()));
        return respond(response);
    }
    let with_fenced = call.header.version >= 2 && request.include_fenced_brokers;
    let brokers = (server.image.brokers().values())
        .filter(|registered| with_fenced || !registered.fenced)
        .filter_map(|registered| {
            let listener = server.image.endpoint(registered.id, CLIENT_LISTENER)?;
            Some(
                DescribeClusterBroker::default()
                    .with_broker_id(registered.id.into())
                    .with_host(listener.host.clone().into())
                    .with_port(i32::from(listener.port))
                    .with_rack(registered.rack.clone().map(Into::into))
                    .with_is_fenced(with_fenced && registered.fenced),
            )
        });
    let response = DescribeClusterResponse::default()
        .with_cluster_id(uuid_text::to_text(server.cluster_id).into())
        .with_controller_id(server.any_broker(cx).into())
        .with_brokers(brokers.collect());
    if request.include_cluster_authorized_operations {
        return respond(response.with_cluster_authorized_operations(CLUSTER_OPERATIONS));
    }
    respond(response)
}
