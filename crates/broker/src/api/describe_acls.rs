//! DescribeAcls (29), versions 1 to 3. Left out: ACLs; there is no authorizer (SECURITY_DISABLED).

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::{DescribeAclsRequest, DescribeAclsResponse};

use crate::call::Call;
use crate::reply::{Reply, respond};

/// A request about ACLs that names what is unknown is none, and its connection ends (AclBinding.isUnknown): a type of
/// resource or of pattern, an operation or a permission.
pub fn known_elements(call: &Call, numbers: [i8; 4]) -> Result<(), FrameError> {
    if !numbers.contains(&0) {
        return Ok(());
    }
    let (api_key, version) = (call.header.api_key, call.header.version);
    Err(FrameError::Body { api_key, version, what: "it contains unknown elements".to_owned() })
}

/// Handles a request (org.apache.kafka.server.AclApis).
pub fn handle(call: &Call, request: &DescribeAclsRequest) -> Result<Reply, FrameError> {
    let (resource, pattern) = (request.resource_type_filter, request.pattern_type_filter);
    known_elements(call, [resource, pattern, request.operation, request.permission_type])?;
    respond(
        DescribeAclsResponse::default()
            .with_error_code(ErrorCode::SECURITY_DISABLED.0)
            .with_error_message(Some("No Authorizer is configured on the broker".to_owned().into())),
    )
}
