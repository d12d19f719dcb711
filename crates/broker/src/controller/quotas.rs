//! Quotas of clients (org.apache.kafka.controller.ClientQuotaControlManager).

use std::collections::BTreeMap;
use std::net::IpAddr;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::alter_client_quotas_request::{EntryData as Asked, OpData};
use blumfeld_protocol::messages::alter_client_quotas_response::{EntityData, EntryData};
use blumfeld_protocol::messages::{AlterClientQuotasRequest, AlterClientQuotasResponse};

use super::ControllerResult;
use crate::metadata::{MetadataImage, MetadataRecord, QuotaEntity, QuotaValue};
use crate::reply::ApiError;

/// What a quota's value is (ConfigDef.Type).
#[derive(Clone, Copy)]
enum Kind {
    Double,
    Int,
    Long,
}

/// The quotas of users and clients (org.apache.kafka.server.config.QuotaConfig).
const CLIENT_QUOTAS: [(&str, Kind); 4] = [
    ("producer_byte_rate", Kind::Long),
    ("consumer_byte_rate", Kind::Long),
    ("request_percentage", Kind::Double),
    ("controller_mutation_rate", Kind::Double),
];
/// Those of addresses.
const IP_QUOTAS: [(&str, Kind); 1] = [("connection_creation_rate", Kind::Int)];

/// A fraction smaller than this is none.
const EPSILON: f64 = 1e-6;

/// Changes quotas; each entity succeeds or fails alone. One that is named twice keeps its first change.
pub fn alter_client_quotas(
    image: &MetadataImage,
    request: AlterClientQuotasRequest,
) -> ControllerResult<AlterClientQuotasResponse> {
    let mut records = Vec::new();
    let mut results: Vec<(QuotaEntity, Option<ApiError>)> = Vec::new();
    for asked in &request.entries {
        let entity = entity_of(asked);
        let mut keys: Vec<&str> = asked.ops.iter().map(|op| op.key.as_str()).collect();
        keys.sort_unstable();
        let twice = keys.windows(2).any(|two| two.first() == two.last());
        let have = results.iter().position(|(have, _)| *have == entity);
        let error = if twice || have.is_some() {
            let shown: Vec<String> = (entity.iter())
                .map(|(kind, name)| format!("{kind}={}", name.as_deref().unwrap_or("null")))
                .collect();
            let message =
                format!("Ignoring duplicate entity ClientQuotaEntity(entries={{{}}})", shown.join(", "));
            Some(invalid(message))
        } else {
            alter(image, &entity, &asked.ops).map(|changes| records.extend(changes)).err()
        };
        match have.and_then(|at| results.get_mut(at)) {
            Some(result) => result.1 = error,
            None => results.push((entity, error)),
        }
    }
    let entries = results.into_iter().map(|(entity, error)| {
        let entity = entity.into_iter().map(|(kind, name)| {
            EntityData::default().with_entity_type(kind.into()).with_entity_name(name.map(Into::into))
        });
        let entry = EntryData::default().with_error_message(None).with_entity(entity.collect());
        match error {
            Some(error) => {
                entry.with_error_code(error.code.0).with_error_message(error.message.map(Into::into))
            }
            None => entry,
        }
    });
    let response = AlterClientQuotasResponse::default().with_entries(entries.collect());
    ControllerResult { records: if request.validate_only { Vec::new() } else { records }, response }
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::INVALID_REQUEST, message)
}

/// Whom a quota is to be of. Of a kind that is named twice the last name holds.
fn entity_of(asked: &Asked) -> QuotaEntity {
    let parts = asked.entity.iter();
    parts
        .map(|part| (part.entity_type.to_string(), part.entity_name.as_ref().map(ToString::to_string)))
        .collect()
}

fn alter(
    image: &MetadataImage,
    entity: &QuotaEntity,
    ops: &[OpData],
) -> Result<Vec<MetadataRecord>, ApiError> {
    let known = known_quotas(entity)?;
    let none = BTreeMap::new();
    let current = image.quotas().get(entity).unwrap_or(&none);
    let mut records = Vec::new();
    for op in ops {
        let key = op.key.as_str();
        let value = if op.remove {
            None
        } else {
            validate(known, key, op.value)?;
            Some(QuotaValue::new(op.value))
        };
        if current.get(key).copied() != value {
            records.push(MetadataRecord::ClientQuota { entity: entity.clone(), key: key.to_owned(), value });
        }
    }
    Ok(records)
}

/// The quotas that an entity can have.
fn known_quotas(entity: &QuotaEntity) -> Result<&'static [(&'static str, Kind)], ApiError> {
    if entity.is_empty() {
        return Err(invalid("Invalid empty client quota entity"));
    }
    for (kind, name) in entity {
        if !["user", "client-id", "ip"].contains(&kind.as_str()) {
            return Err(invalid(format!("Unhandled client quota entity type: {kind}")));
        }
        if name.as_deref() == Some("") {
            return Err(invalid(format!("Empty {kind} not supported")));
        }
    }
    let Some(ip) = entity.get("ip") else { return Ok(&CLIENT_QUOTAS) };
    if entity.len() > 1 {
        let message =
            "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId";
        return Err(invalid(message));
    }
    match ip {
        // Kafka looks names up; nothing here can.
        Some(ip) if ip != "localhost" && ip.parse::<IpAddr>().is_err() => {
            Err(invalid(format!("{ip} is not a valid IP or resolvable host.")))
        }
        _ => Ok(&IP_QUOTAS),
    }
}

fn validate(known: &[(&str, Kind)], key: &str, value: f64) -> Result<(), ApiError> {
    let Some((_, kind)) = known.iter().find(|(name, _)| *name == key) else {
        return Err(invalid(format!("Invalid configuration key {key}")));
    };
    if value <= 0.0 {
        return Err(invalid(format!("Quota {key} must be greater than 0")));
    }
    let (largest, name) = match kind {
        Kind::Double => return Ok(()),
        Kind::Int => (f64::from(i32::MAX), "an INT"),
        // 2⁶³-1 is no double; the next one is 2⁶³.
        Kind::Long => (9_223_372_036_854_775_808.0, "a LONG"),
    };
    if value > largest {
        return Err(invalid(format!("Proposed value for {key} is too large for {name}.")));
    }
    let whole = (value + EPSILON).trunc();
    if (whole - value).abs() > EPSILON {
        return Err(invalid(format!("{key} cannot be a fractional value.")));
    }
    Ok(())
}
