//! DescribeClientQuotas (48), versions 0 and 1 (KIP-546). Left out: nothing; what is described is not enforced.

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::describe_client_quotas_response::{EntityData, EntryData, ValueData};
use blumfeld_protocol::messages::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};
use blumfeld_protocol::wire::StrBytes;

use crate::metadata::QuotaEntity;
use crate::reply::{ApiError, Reply, respond};
use crate::server::Server;

/// What one component of a filter lets through.
enum Match {
    /// This name; none is the default.
    Exact(Option<String>),
    /// Any name.
    Any,
}

/// Handles a request (org.apache.kafka.image.ClientQuotasImage.describe).
pub fn handle(server: &Server, request: &DescribeClientQuotasRequest) -> Result<Reply, FrameError> {
    let response = DescribeClientQuotasResponse::default();
    let filter = match filter(request) {
        Ok(filter) => filter,
        Err(error) => {
            let message = error.message.map(Into::into);
            let refused = response.with_error_code(error.code.0).with_error_message(message);
            return respond(refused.with_entries(None));
        }
    };
    let entries = (server.image.quotas().iter())
        .filter(|(entity, _)| {
            (!request.strict || entity.len() == filter.len())
                && filter.iter().all(|(kind, wanted)| match (entity.get(*kind), wanted) {
                    (Some(name), Match::Exact(wanted)) => name == wanted,
                    (have, Match::Any) => have.is_some(),
                    (None, Match::Exact(_)) => false,
                })
        })
        .map(|(entity, values)| {
            let values = values.iter().map(|(key, value)| {
                ValueData::default().with_key(key.clone().into()).with_value(value.get())
            });
            EntryData::default().with_entity(entity_data(entity)).with_values(values.collect())
        });
    let entries = entries.collect();
    respond(response.with_error_message(Some(StrBytes::default())).with_entries(Some(entries)))
}

fn entity_data(entity: &QuotaEntity) -> Vec<EntityData> {
    let parts = entity.iter().map(|(kind, name)| {
        EntityData::default()
            .with_entity_type(kind.clone().into())
            .with_entity_name(name.clone().map(Into::into))
    });
    parts.collect()
}

fn filter(request: &DescribeClientQuotasRequest) -> Result<BTreeMap<&str, Match>, ApiError> {
    let invalid = |message: String| ApiError::new(ErrorCode::INVALID_REQUEST, message);
    let mut filter = BTreeMap::new();
    for component in &request.components {
        let kind = component.entity_type.as_str();
        if kind.is_empty() {
            return Err(invalid("Invalid empty entity type.".to_owned()));
        }
        if filter.contains_key(kind) {
            return Err(invalid(format!("Entity type {kind} cannot appear more than once in the filter.")));
        }
        if !["user", "client-id", "ip"].contains(&kind) {
            let message = format!("Unsupported entity type {kind}");
            return Err(ApiError::new(ErrorCode::UNSUPPORTED_VERSION, message));
        }
        let also =
            |name: &str| invalid(format!("Request specified {name}, but also specified a match string."));
        let wanted = match (component.match_type, component._match.as_deref()) {
            (0, Some(name)) => Match::Exact(Some(name.to_owned())),
            (0, None) => {
                let message = "Request specified MATCH_TYPE_EXACT, but set match string to null.";
                return Err(invalid(message.to_owned()));
            }
            (1, None) => Match::Exact(None),
            (1, Some(_)) => return Err(also("MATCH_TYPE_DEFAULT")),
            (2, None) => Match::Any,
            (2, Some(_)) => return Err(also("MATCH_TYPE_SPECIFIED")),
            (other, _) => return Err(invalid(format!("Unknown match type {other}"))),
        };
        filter.insert(kind, wanted);
    }
    if filter.contains_key("ip") && filter.len() > 1 {
        let message = "Invalid entity filter component combination. IP filter component should not be used with user \
                       or clientId filter component.";
        return Err(invalid(message.to_owned()));
    }
    Ok(filter)
}
