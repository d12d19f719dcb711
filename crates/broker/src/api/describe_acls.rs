//! DescribeAcls (29), versions 1 to 3. Left out: ACLs; there is no authorizer (SECURITY_DISABLED).

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::{ApiKey, DescribeAclsRequest, DescribeAclsResponse};

use crate::call::Call;
use crate::reply::{Reply, respond};

/// Handles a request (org.apache.kafka.server.AclApis). One that names what is unknown is none
/// (DescribeAclsRequest.validate): its connection ends.
pub fn handle(call: &Call, request: &DescribeAclsRequest) -> Result<Reply, FrameError> {
    let numbers = [
        request.resource_type_filter,
        request.pattern_type_filter,
        request.operation,
        request.permission_type,
    ];
    if numbers.contains(&0) {
        return Err(FrameError::Body {
            api_key: ApiKey::DescribeAcls,
            version: call.header.version,
            what: "it contains unknown elements".to_owned(),
        });
    }
    respond(
        DescribeAclsResponse::default()
            .with_error_code(ErrorCode::SECURITY_DISABLED.0)
            .with_error_message(Some("No Authorizer is configured on the broker".to_owned().into())),
    )
}
