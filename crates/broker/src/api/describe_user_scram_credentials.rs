//! DescribeUserScramCredentials (50), version 0 (KIP-554): which users could authenticate, and how. Left out: SASL, so
//! the credentials are kept and asked of nobody.

use std::collections::BTreeSet;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::describe_user_scram_credentials_response::{
    CredentialInfo, DescribeUserScramCredentialsResult,
};
use blumfeld_protocol::messages::{
    DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
};
use blumfeld_protocol::wire::StrBytes;

use crate::metadata::{MetadataImage, ScramCredential};
use crate::reply::{Reply, respond};
use crate::server::Server;

/// Handles a request (org.apache.kafka.image.ScramImage.describe): no users are all of them, and the mechanism with the
/// larger number stands first.
pub fn handle(server: &Server, request: DescribeUserScramCredentialsRequest) -> Result<Reply, FrameError> {
    let image = &server.image;
    let asked: Vec<StrBytes> = request.users.unwrap_or_default().into_iter().map(|user| user.name).collect();
    let (mut users, mut twice) = (Vec::new(), BTreeSet::new());
    for user in asked {
        if users.contains(&user) {
            twice.insert(user);
        } else {
            users.push(user);
        }
    }
    if users.is_empty() {
        let all: BTreeSet<&str> = image.scram().keys().map(|(user, _)| user.as_str()).collect();
        users = all.into_iter().map(|user| user.to_owned().into()).collect();
    }
    let results = users.into_iter().map(|user| {
        let refused = |code: ErrorCode, message: String| {
            DescribeUserScramCredentialsResult::default()
                .with_error_code(code.0)
                .with_error_message(Some(message.into()))
        };
        let result = if twice.contains(&user) {
            let message = format!(
                "Cannot describe SCRAM credentials for the same user twice in a single request: {user}"
            );
            refused(ErrorCode::DUPLICATE_RESOURCE, message)
        } else {
            let credentials = of(image, &user);
            if credentials.is_empty() {
                let message = format!("Attempt to describe a user credential that does not exist: {user}");
                refused(ErrorCode::RESOURCE_NOT_FOUND, message)
            } else {
                let infos = credentials.into_iter().rev().map(|(mechanism, credential)| {
                    CredentialInfo::default().with_mechanism(mechanism).with_iterations(credential.iterations)
                });
                DescribeUserScramCredentialsResult::default()
                    .with_error_message(Some(StrBytes::default()))
                    .with_credential_infos(infos.collect())
            }
        };
        result.with_user(user)
    });
    let response = DescribeUserScramCredentialsResponse::default().with_results(results.collect());
    respond(response.with_error_message(Some(StrBytes::default())))
}

fn of<'a>(image: &'a MetadataImage, user: &str) -> Vec<(i8, &'a ScramCredential)> {
    let all = image.scram().iter().filter(|((have, _), _)| have == user);
    all.map(|((_, mechanism), credential)| (*mechanism, credential)).collect()
}
