//! Credentials of users (org.apache.kafka.controller.ScramControlManager, RFC 5802).

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::alter_user_scram_credentials_request::ScramCredentialUpsertion;
use blumfeld_protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use blumfeld_protocol::messages::{AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse};
use sha2::{Digest, Sha256, Sha512};

use super::ControllerResult;
use crate::metadata::{MetadataImage, MetadataRecord, ScramCredential};
use crate::reply::ApiError;

/// SCRAM-SHA-256 and SCRAM-SHA-512 (org.apache.kafka.clients.admin.ScramMechanism).
const SHA_256: i8 = 1;
const SHA_512: i8 = 2;
/// How often a password may be hashed.
const ITERATIONS: std::ops::RangeInclusive<i32> = 4_096..=16_384;

/// Sets and takes away credentials; each user succeeds or fails alone, and may be named once.
pub fn alter_user_scram_credentials(
    image: &MetadataImage,
    request: &AlterUserScramCredentialsRequest,
) -> ControllerResult<AlterUserScramCredentialsResponse> {
    let mut done: Vec<(&str, MetadataRecord)> = Vec::new();
    let mut refused: Vec<(&str, ApiError)> = Vec::new();
    let deletions = request
        .deletions
        .iter()
        .map(|deletion| (deletion.name.as_str(), check_deletion(image, &deletion.name, deletion.mechanism)));
    let upsertions =
        (request.upsertions.iter()).map(|upsertion| (upsertion.name.as_str(), upsert(upsertion)));
    for (user, result) in deletions.chain(upsertions) {
        if refused.iter().any(|(have, _)| *have == user) {
            continue;
        }
        if let Some(at) = done.iter().position(|(have, _)| *have == user) {
            done.remove(at);
            let message = "A user credential cannot be altered twice in the same request";
            refused.push((user, ApiError::new(ErrorCode::DUPLICATE_RESOURCE, message)));
            continue;
        }
        match result {
            Ok(record) => done.push((user, record)),
            Err(error) => refused.push((user, error)),
        }
    }
    // Java makes no key of no bytes: the whole request fails by that, unless its user was refused before.
    let empty = (request.upsertions.iter())
        .any(|one| one.salted_password.is_empty() && done.iter().any(|(user, _)| *user == one.name.as_str()));
    if empty {
        let all: BTreeMap<&str, ()> = done
            .iter()
            .map(|(user, _)| *user)
            .chain(refused.iter().map(|(user, _)| *user))
            .map(|u| (u, ()))
            .collect();
        refused =
            all.into_keys().map(|user| (user, ApiError::code(ErrorCode::UNKNOWN_SERVER_ERROR))).collect();
        done.clear();
    }
    let result = |user: &str| {
        AlterUserScramCredentialsResult::default().with_user(user.to_owned().into()).with_error_message(None)
    };
    let mut results: Vec<AlterUserScramCredentialsResult> =
        done.iter().map(|(user, _)| result(user)).collect();
    results.extend(refused.into_iter().map(|(user, error)| {
        result(user).with_error_code(error.code.0).with_error_message(error.message.map(Into::into))
    }));
    let records = done.into_iter().map(|(_, record)| record).collect();
    ControllerResult { records, response: AlterUserScramCredentialsResponse::default().with_results(results) }
}

fn check(name: &str, mechanism: i8) -> Result<(), ApiError> {
    if name.is_empty() {
        return Err(ApiError::new(ErrorCode::UNACCEPTABLE_CREDENTIAL, "Username must not be empty"));
    }
    if ![SHA_256, SHA_512].contains(&mechanism) {
        return Err(ApiError::new(ErrorCode::UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism"));
    }
    Ok(())
}

fn check_deletion(image: &MetadataImage, name: &str, mechanism: i8) -> Result<MetadataRecord, ApiError> {
    check(name, mechanism)?;
    let name = name.to_owned();
    if !image.scram().contains_key(&(name.clone(), mechanism)) {
        let message = "Attempt to delete a user credential that does not exist";
        return Err(ApiError::new(ErrorCode::RESOURCE_NOT_FOUND, message));
    }
    Ok(MetadataRecord::RemoveUserScramCredential { name, mechanism })
}

fn upsert(upsertion: &ScramCredentialUpsertion) -> Result<MetadataRecord, ApiError> {
    let mechanism = upsertion.mechanism;
    check(&upsertion.name, mechanism)?;
    let refused = |message: &str| ApiError::new(ErrorCode::UNACCEPTABLE_CREDENTIAL, message);
    if upsertion.iterations < *ITERATIONS.start() {
        return Err(refused("Too few iterations"));
    }
    if upsertion.iterations > *ITERATIONS.end() {
        return Err(refused("Too many iterations"));
    }
    let password = &upsertion.salted_password;
    let (stored_key, server_key) =
        if mechanism == SHA_256 { keys::<Sha256>(password, 64) } else { keys::<Sha512>(password, 128) };
    let salt = upsertion.salt.to_vec();
    let credential = ScramCredential { salt, stored_key, server_key, iterations: upsertion.iterations };
    Ok(MetadataRecord::UserScramCredential { name: upsertion.name.to_string(), mechanism, credential })
}

/// The stored key and the server key of a salted password; the hash takes blocks of so many bytes.
fn keys<D: Digest>(password: &[u8], block: usize) -> (Vec<u8>, Vec<u8>) {
    let client_key = hmac::<D>(password, block, b"Client Key");
    (D::digest(client_key).to_vec(), hmac::<D>(password, block, b"Server Key"))
}

/// HMAC (RFC 2104).
fn hmac<D: Digest>(key: &[u8], block: usize, text: &[u8]) -> Vec<u8> {
    let mut key = if key.len() > block { D::digest(key).to_vec() } else { key.to_vec() };
    key.resize(block, 0);
    let padded = |with: u8| key.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = D::new().chain_update(padded(0x36)).chain_update(text).finalize();
    D::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn authentication_codes_are_those_of_rfc_4231() {
        let text = b"what do ya want for nothing?";
        assert_eq!(
            hex(&hmac::<Sha256>(b"Jefe", 64, text)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let long = [0xaa; 131];
        let text = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(
            hex(&hmac::<Sha512>(&long, 128, text)),
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352\
             6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
        );
    }
}
