//! CreateAcls (30), versions 1 to 3. Left out: ACLs; there is no authorizer (SECURITY_DISABLED).

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::create_acls_response::AclCreationResult;
use blumfeld_protocol::messages::{CreateAclsRequest, CreateAclsResponse};

use super::describe_acls::known_elements;
use crate::call::Call;
use crate::reply::{Reply, respond};

/// Handles a request: each entry is refused (org.apache.kafka.controller.ControllerApis.handleCreateAcls).
pub fn handle(call: &Call, request: &CreateAclsRequest) -> Result<Reply, FrameError> {
    for one in &request.creations {
        let (resource, pattern) = (one.resource_type, one.resource_pattern_type);
        known_elements(call, [resource, pattern, one.operation, one.permission_type])?;
    }
    let refused = AclCreationResult::default()
        .with_error_code(ErrorCode::SECURITY_DISABLED.0)
        .with_error_message(Some("No Authorizer is configured.".to_owned().into()));
    respond(CreateAclsResponse::default().with_results(vec![refused; request.creations.len()]))
}
