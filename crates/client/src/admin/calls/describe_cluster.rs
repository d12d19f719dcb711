//! `DescribeCluster`: the brokers and the controller.

use std::collections::BTreeSet;
use std::sync::Arc;

use blumfeld_kernel::Endpoint;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use blumfeld_protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};

use super::super::AdminResponse;
use super::Sender;
use crate::{ApiError, Broker, Completed};

/// The cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClusterDescription {
    /// Its id.
    pub id: Arc<str>,
    /// Its controller, -1 for none.
    pub controller: i32,
    /// Its brokers.
    pub brokers: Vec<Broker>,
    /// Those of them that are fenced, where that was asked for.
    pub fenced: BTreeSet<i32>,
}

/// Sends the call.
pub fn send(mut to: Sender<'_, '_>, fenced: bool) -> Result<i32, ApiError> {
    let version = to.version::<DescribeClusterRequest>()?;
    if fenced && version < 2 {
        let text = "Including fenced brokers in DescribeCluster is not supported by the broker";
        return Err(ApiError::new(ErrorCode::UNSUPPORTED_VERSION, text));
    }
    let body = DescribeClusterRequest::default().with_include_fenced_brokers(fenced);
    to.send(version, &body)
}

/// Takes the answer.
pub fn answered(completed: &Completed) -> Result<AdminResponse, ApiError> {
    let response: DescribeClusterResponse = completed.decode()?;
    ApiError::check(response.error_code, response.error_message.as_ref())?;
    let broker = |broker: &DescribeClusterBroker| Broker {
        id: broker.broker_id.0,
        endpoint: Endpoint::new(&broker.host, u16::try_from(broker.port).unwrap_or(0)),
        rack: broker.rack.as_ref().map(|rack| rack.as_str().into()),
    };
    let fenced = response.brokers.iter().filter(|broker| broker.is_fenced);
    Ok(AdminResponse::Cluster(ClusterDescription {
        id: response.cluster_id.as_str().into(),
        controller: response.controller_id.0,
        brokers: response.brokers.iter().map(broker).collect(),
        fenced: fenced.map(|broker| broker.broker_id.0).collect(),
    }))
}
