//! ApiVersions (18), versions 0 to 4. Says what is served; a version that is not known is answered in version 0 with
//! UNSUPPORTED_VERSION, so that the client can try again (KIP-511). Left out: nothing.

use blumfeld_protocol::frame::{FrameError, Header, encode_response};
use blumfeld_protocol::messages::api_versions_response::{
    ApiVersion, FinalizedFeatureKey, SupportedFeatureKey,
};
use blumfeld_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use blumfeld_protocol::wire::StrBytes;
use blumfeld_protocol::{ApiKey, ErrorCode};

use super::served;
use crate::call::{Call, ListenerKind};
use crate::metadata::{FEATURES, MetadataImage};
use crate::reply::{Reply, respond};

fn versions(listener: ListenerKind) -> ApiVersionsResponse {
    let keys = served(listener).iter().map(|(key, min, max)| {
        // Served from version 3 on, and said from 0: an old librdkafka compresses only where it finds that (KIP-896).
        let min = if *key == ApiKey::Produce { &0 } else { min };
        ApiVersion::default().with_api_key(*key as i16).with_min_version(*min).with_max_version(*max)
    });
    ApiVersionsResponse::default().with_api_keys(keys.collect())
}

/// The answer to a version that is not served.
pub fn unsupported(listener: ListenerKind, header: &Header) -> Result<Reply, FrameError> {
    let own = |key: &ApiVersion| key.api_key == ApiKey::ApiVersions as i16;
    let mut response = versions(listener).with_error_code(ErrorCode::UNSUPPORTED_VERSION.0);
    response.api_keys.retain(own);
    encode_response(ApiKey::ApiVersions, 0, header.correlation_id, &response)
        .map(|frame| Reply::Now(frame.into()))
}

/// Handles a request, of either listener: `image` is what is committed of the metadata, `offset` its last record.
pub fn handle(
    (image, offset): (&MetadataImage, i64),
    call: &Call,
    request: ApiVersionsRequest,
) -> Result<Reply, FrameError> {
    // The name and version of the client's software follow a pattern (ApiVersionsRequest.isValid).
    let valid = |text: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        !text.is_empty()
            && text.chars().all(inner)
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    let mut response = versions(call.listener);
    if call.header.version >= 3
        && !(valid(&request.client_software_name) && valid(&request.client_software_version))
    {
        return respond(ApiVersionsResponse::default().with_error_code(ErrorCode::INVALID_REQUEST.0));
    }
    if call.header.version >= 3 {
        let features = image.features();
        // Older clients cannot read a lowest level of 0: such features are kept from them (ApiVersionsResponse).
        response.supported_features = (FEATURES.iter())
            .filter(|(_, min, _)| call.header.version >= 4 || *min > 0)
            .map(|(name, min, max)| {
                SupportedFeatureKey::default()
                    .with_name(StrBytes::from_static_str(name))
                    .with_min_version(*min)
                    .with_max_version(*max)
            })
            .collect();
        response.finalized_features_epoch = offset;
        response.finalized_features = (features.iter())
            .map(|(name, level)| {
                FinalizedFeatureKey::default()
                    .with_name(name.clone().into())
                    .with_min_version_level(*level)
                    .with_max_version_level(*level)
            })
            .collect();
    }
    respond(response)
}
