//! ListConfigResources (74), versions 0 and 1 (KIP-1142): what configs can be asked of. Left out: nothing.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::list_config_resources_response::ConfigResource;
use blumfeld_protocol::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};

use crate::call::Call;
use crate::metadata::ResourceType;
use crate::reply::{Reply, respond};
use crate::server::Server;

/// Loggers of a broker, of which there are none, but each broker could have some (ConfigResource.Type.BROKER_LOGGER).
const BROKER_LOGGER: i8 = 8;

/// Handles a request. Without types all are listed; version 0 lists client metrics alone (KIP-714).
pub fn handle(
    server: &Server,
    call: &Call,
    request: &ListConfigResourcesRequest,
) -> Result<Reply, FrameError> {
    let all = [
        BROKER_LOGGER,
        ResourceType::Broker.id(),
        ResourceType::Topic.id(),
        ResourceType::ClientMetrics.id(),
        ResourceType::Group.id(),
    ];
    let response = ListConfigResourcesResponse::default();
    let wanted: &[i8] = match &request.resource_types[..] {
        _ if call.header.version == 0 => &[ResourceType::ClientMetrics.id()],
        [] => &all,
        types => types,
    };
    if wanted.iter().any(|kind| !all.contains(kind)) {
        return respond(response.with_error_code(ErrorCode::UNSUPPORTED_VERSION.0));
    }
    let mut resources = Vec::new();
    for kind in all.into_iter().filter(|kind| wanted.contains(kind)) {
        let names: Vec<String> = match ResourceType::from_id(kind) {
            None | Some(ResourceType::Broker) => {
                server.image.brokers().keys().map(ToString::to_string).collect()
            }
            Some(ResourceType::Topic) => server.image.topics().keys().cloned().collect(),
            Some(kind) => server.image.configured(kind).map(str::to_owned).collect(),
        };
        resources.extend(names.into_iter().map(|name| {
            let resource = ConfigResource::default().with_resource_name(name.into());
            // Version 0 has no place for the type, which is its default there.
            if call.header.version == 0 { resource } else { resource.with_resource_type(kind) }
        }));
    }
    respond(response.with_config_resources(resources))
}
