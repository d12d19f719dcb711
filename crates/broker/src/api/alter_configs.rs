//! AlterConfigs (33), versions 0 to 2: all configs of a resource at once. Left out: nothing; loggers have no such call.

use std::collections::BTreeSet;

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::{FrameError, encode_request};
use blumfeld_protocol::messages::alter_configs_request::AlterConfigsResource as Legacy;
use blumfeld_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use blumfeld_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use blumfeld_protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};

use super::incremental_alter_configs::{check, check_keys};
use crate::broker_config::DynamicConfigs;
use crate::call::Call;
use crate::controller;
use crate::metadata::ResourceType;
use crate::quorum::Quorum;
use crate::reply::{Refused, RefusedParts, Reply, respond};
use crate::server::Server;

/// Handles a request as the controller: answered once the configs are committed.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: &AlterConfigsRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &quorum.active else { return Ok(Reply::NotController) };
    let result = controller::legacy_alter_configs(&active.image, request);
    quorum.committed(cx, call, result)
}

/// Handles a client's request as a broker: checks what a broker knows better than the controller, and forwards what it
/// lets through (ConfigAdminManager.preprocess). Of a resource that is named twice the last one counts: Kafka's broker
/// answers such a request never.
pub fn preprocess(
    server: &Server,
    call: &Call,
    mut request: AlterConfigsRequest,
) -> Result<Reply, FrameError> {
    let have = DynamicConfigs::new(&server.image, server.config.node_id);
    let mut seen = BTreeSet::new();
    let mut resources: Vec<Legacy> = (std::mem::take(&mut request.resources).into_iter().rev())
        .filter(|resource| seen.insert((resource.resource_type, resource.resource_name.clone())))
        .collect();
    resources.reverse();
    let mut refused = Vec::new();
    let mut rest = Vec::new();
    for (place, resource) in resources.into_iter().enumerate() {
        // Loggers are changed one by one.
        let changes = as_changes(&resource);
        let checked = match ResourceType::from_id(resource.resource_type) {
            Some(_) => check(&have, server.config.node_id, &changes),
            None => check_keys(&changes).and(Err(controller::unsupported(resource.resource_type))),
        };
        match checked {
            Ok(()) => rest.push(resource),
            Err(error) => refused.push((
                place,
                AlterConfigsResourceResponse::default()
                    .with_resource_type(resource.resource_type)
                    .with_resource_name(resource.resource_name)
                    .with_error_code(error.code.0)
                    .with_error_message(error.message.map(Into::into)),
            )),
        }
    }
    if rest.is_empty() {
        let responses = refused.into_iter().map(|(_, response)| response).collect();
        return respond(AlterConfigsResponse::default().with_responses(responses));
    }
    let header = &call.header;
    let client = header.client_id.clone();
    let request = request.with_resources(rest);
    let frame = encode_request(header.api_key, header.version, header.correlation_id, client, &request)?;
    let parts = RefusedParts::AlterConfigs(refused);
    Ok(Reply::ForwardPart(frame, Box::new(Refused { header: header.clone(), parts })))
}

/// The same as single changes, so that both calls are checked alike.
fn as_changes(resource: &Legacy) -> AlterConfigsResource {
    let configs = resource.configs.iter().map(|config| {
        AlterableConfig::default().with_name(config.name.clone()).with_value(config.value.clone())
    });
    AlterConfigsResource::default()
        .with_resource_type(resource.resource_type)
        .with_resource_name(resource.resource_name.clone())
        .with_configs(configs.collect())
}
