//! DeleteAcls (31), versions 1 to 3. Left out: ACLs; there is no authorizer (SECURITY_DISABLED).

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use blumfeld_protocol::messages::{DeleteAclsRequest, DeleteAclsResponse};

use super::describe_acls::known_elements;
use crate::call::Call;
use crate::reply::{Reply, respond};

/// Handles a request: each filter is refused (org.apache.kafka.controller.ControllerApis.handleDeleteAcls).
pub fn handle(call: &Call, request: &DeleteAclsRequest) -> Result<Reply, FrameError> {
    for one in &request.filters {
        let (resource, pattern) = (one.resource_type_filter, one.pattern_type_filter);
        known_elements(call, [resource, pattern, one.operation, one.permission_type])?;
    }
    let refused = DeleteAclsFilterResult::default()
        .with_error_code(ErrorCode::SECURITY_DISABLED.0)
        .with_error_message(Some("No Authorizer is configured.".to_owned().into()));
    respond(DeleteAclsResponse::default().with_filter_results(vec![refused; request.filters.len()]))
}
