//! Levels of features (org.apache.kafka.controller.FeatureControlManager).

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::update_features_request::FeatureUpdateKey;
use blumfeld_protocol::messages::update_features_response::UpdatableFeatureResult;
use blumfeld_protocol::messages::{UpdateFeaturesRequest, UpdateFeaturesResponse};
use blumfeld_protocol::wire::StrBytes;

use super::ControllerResult;
use crate::metadata::{FEATURES, MetadataImage, MetadataRecord};

const METADATA_VERSION: &str = "metadata.version";
/// How a level may change (FeatureUpdate.UpgradeType).
const UPGRADE: i8 = 1;
const SAFE_DOWNGRADE: i8 = 2;
const UNSAFE_DOWNGRADE: i8 = 3;

/// Changes levels, all of them or none. `node_id` is the controller's.
pub fn update_features(
    image: &MetadataImage,
    node_id: i32,
    version: i16,
    request: &UpdateFeaturesRequest,
) -> ControllerResult<UpdateFeaturesResponse> {
    let mut records = Vec::new();
    let response = UpdateFeaturesResponse::default().with_error_message(None);
    // Of a feature that comes twice the last counts (QuorumController.updateFeatures).
    let last: BTreeMap<&str, &FeatureUpdateKey> =
        request.feature_updates.iter().map(|update| (update.feature.as_str(), update)).collect();
    for update in last.into_values() {
        match update_feature(image, node_id, version, update) {
            Ok(record) => records.extend(record),
            Err(why) => {
                let (name, level) = (&update.feature, update.max_version_level);
                let message = if why.starts_with("Unsupported") {
                    why
                } else {
                    format!("Invalid update version {level} for feature {name}. {why}")
                };
                let message = format!(
                    "The update failed for all features since the following feature had an error: {message}"
                );
                let response = response
                    .with_error_code(ErrorCode::INVALID_UPDATE_VERSION.0)
                    .with_error_message(Some(message.into()));
                return ControllerResult { records: Vec::new(), response };
            }
        }
    }
    let response = if version <= 1 {
        let results = request.feature_updates.iter().map(|update| {
            UpdatableFeatureResult::default()
                .with_feature(update.feature.clone())
                .with_error_message(Some(StrBytes::from_static_str("NONE")))
        });
        response.with_results(results.collect())
    } else {
        response
    };
    ControllerResult { records: if request.validate_only { Vec::new() } else { records }, response }
}

fn update_feature(
    image: &MetadataImage,
    node_id: i32,
    version: i16,
    update: &FeatureUpdateKey,
) -> Result<Option<MetadataRecord>, String> {
    let (name, level) = (update.feature.as_str(), update.max_version_level);
    let kind = match (version, update.allow_downgrade) {
        (0, true) => SAFE_DOWNGRADE,
        (0, false) => UPGRADE,
        _ => update.upgrade_type,
    };
    if ![UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE].contains(&kind) {
        return Err("The controller does not support the given upgrade type.".to_owned());
    }
    if level < 0 {
        return Err("A feature version cannot be less than 0.".to_owned());
    }
    let Some((_, min, max)) = FEATURES.iter().find(|(known, ..)| *known == name) else {
        return Err(match level {
            0 => format!("Feature {name} not found."),
            _ => format!("Local controller {node_id} does not support this feature."),
        });
    };
    if !(*min..=*max).contains(&level) {
        return Err(format!("Local controller {node_id} only supports versions {min}-{max}"));
    }
    let current = image.feature(name).unwrap_or(0);
    if level < current {
        if kind == UPGRADE {
            let message = "Can't downgrade the version of this feature without setting the upgrade type to either \
                           safe or unsafe downgrade.";
            return Err(message.to_owned());
        }
        if name == METADATA_VERSION {
            let why = match kind {
                SAFE_DOWNGRADE => {
                    "Refusing to perform the requested downgrade because it might delete metadata information."
                }
                _ => "Unsafe metadata downgrade is not supported in this version.",
            };
            return Err(format!("Unsupported metadata.version downgrade from {current} to {level}. {why}"));
        }
    }
    Ok((level != current).then(|| MetadataRecord::FeatureLevel { name: name.to_owned(), level }))
}
