//! One file an API key. Each opens with what it serves and what it leaves out.

mod add_offsets_to_txn;
mod add_partitions_to_txn;
mod allocate_producer_ids;
mod alter_client_quotas;
mod alter_configs;
mod alter_partition;
mod alter_partition_reassignments;
mod alter_replica_log_dirs;
mod alter_user_scram_credentials;
mod api_versions;
mod begin_quorum_epoch;
mod broker_heartbeat;
mod broker_registration;
mod create_acls;
mod create_delegation_token;
mod create_partitions;
mod create_topics;
mod delete_acls;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_acls;
mod describe_client_quotas;
mod describe_cluster;
pub(crate) mod describe_configs;
mod describe_delegation_token;
mod describe_groups;
mod describe_log_dirs;
mod describe_producers;
mod describe_quorum;
mod describe_topic_partitions;
mod describe_transactions;
mod describe_user_scram_credentials;
mod elect_leaders;
mod end_quorum_epoch;
mod end_txn;
mod envelope;
mod expire_delegation_token;
pub(crate) mod fetch;
mod fetch_snapshot;
mod find_coordinator;
mod heartbeat;
pub(crate) mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_config_resources;
mod list_groups;
mod list_offsets;
mod list_partition_reassignments;
mod list_transactions;
mod metadata;
mod offset_commit;
mod offset_delete;
pub(crate) mod offset_fetch;
mod offset_for_leader_epoch;
pub(crate) mod produce;
mod renew_delegation_token;
mod sasl_authenticate;
mod sasl_handshake;
mod sync_group;
mod txn_offset_commit;
mod unregister_broker;
mod update_features;
mod vote;
mod write_txn_markers;

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::{FrameError, Header, decode_body};
use blumfeld_protocol::messages::{
    AllocateProducerIdsResponse, AlterPartitionResponse, BrokerHeartbeatResponse, BrokerRegistrationResponse,
    EnvelopeResponse, FetchRequest,
};
use blumfeld_protocol::{ApiKey, ErrorCode};
use bytes::Bytes;

use crate::call::{Call, ListenerKind};
use crate::quorum::Quorum;
use crate::reply::{Reply, respond};
use crate::server::{Refusals, Server, Verified};

/// `log.dirs`, as Kafka's own server.properties has it.
pub(crate) const LOG_DIR: &str = "/tmp/kraft-combined-logs";

/// What may be done to a topic, a group and the cluster where nothing forbids it: a bit an operation (AclOperation,
/// AclEntry.supportedOperations; KIP-430).
pub(crate) const TOPIC_OPERATIONS: i32 = 3_576;
pub(crate) const GROUP_OPERATIONS: i32 = 3_400;
pub(crate) const CLUSTER_OPERATIONS: i32 = 8_096;

/// Every API that a broker's listener serves, with its first and last version: what ApiVersions says.
const BROKER: [(ApiKey, i16, i16); 57] = [
    (ApiKey::Produce, 3, 13),
    (ApiKey::Fetch, 4, 18),
    (ApiKey::ListOffsets, 1, 11),
    (ApiKey::Metadata, 0, 13),
    (ApiKey::OffsetCommit, 2, 10),
    (ApiKey::OffsetFetch, 1, 10),
    (ApiKey::FindCoordinator, 0, 6),
    (ApiKey::JoinGroup, 0, 9),
    (ApiKey::Heartbeat, 0, 4),
    (ApiKey::LeaveGroup, 0, 5),
    (ApiKey::SyncGroup, 0, 5),
    (ApiKey::DescribeGroups, 0, 6),
    (ApiKey::ListGroups, 0, 5),
    (ApiKey::SaslHandshake, 0, 1),
    (ApiKey::ApiVersions, 0, 4),
    (ApiKey::CreateTopics, 2, 7),
    (ApiKey::DeleteTopics, 1, 6),
    (ApiKey::DeleteRecords, 0, 2),
    (ApiKey::InitProducerId, 0, 5),
    (ApiKey::OffsetForLeaderEpoch, 2, 4),
    (ApiKey::AddPartitionsToTxn, 0, 5),
    (ApiKey::AddOffsetsToTxn, 0, 4),
    (ApiKey::EndTxn, 0, 5),
    (ApiKey::WriteTxnMarkers, 1, 1),
    (ApiKey::TxnOffsetCommit, 0, 5),
    (ApiKey::DescribeAcls, 1, 3),
    (ApiKey::CreateAcls, 1, 3),
    (ApiKey::DeleteAcls, 1, 3),
    (ApiKey::DescribeConfigs, 1, 4),
    (ApiKey::AlterConfigs, 0, 2),
    (ApiKey::AlterReplicaLogDirs, 1, 2),
    (ApiKey::DescribeLogDirs, 1, 5),
    (ApiKey::SaslAuthenticate, 0, 2),
    (ApiKey::CreatePartitions, 0, 3),
    (ApiKey::CreateDelegationToken, 1, 3),
    (ApiKey::RenewDelegationToken, 1, 2),
    (ApiKey::ExpireDelegationToken, 1, 2),
    (ApiKey::DescribeDelegationToken, 1, 3),
    (ApiKey::DeleteGroups, 0, 2),
    (ApiKey::ElectLeaders, 0, 2),
    (ApiKey::IncrementalAlterConfigs, 0, 1),
    (ApiKey::AlterPartitionReassignments, 0, 1),
    (ApiKey::ListPartitionReassignments, 0, 0),
    (ApiKey::OffsetDelete, 0, 0),
    (ApiKey::DescribeClientQuotas, 0, 1),
    (ApiKey::AlterClientQuotas, 0, 1),
    (ApiKey::DescribeUserScramCredentials, 0, 0),
    (ApiKey::AlterUserScramCredentials, 0, 0),
    (ApiKey::DescribeQuorum, 0, 2),
    (ApiKey::UpdateFeatures, 0, 2),
    (ApiKey::DescribeCluster, 0, 2),
    (ApiKey::DescribeProducers, 0, 0),
    (ApiKey::UnregisterBroker, 0, 0),
    (ApiKey::DescribeTransactions, 0, 0),
    (ApiKey::ListTransactions, 0, 2),
    (ApiKey::ListConfigResources, 0, 1),
    (ApiKey::DescribeTopicPartitions, 0, 0),
];

/// The same of a controller's listener.
const CONTROLLER: [(ApiKey, i16, i16); 24] = [
    (ApiKey::Fetch, 17, 18),
    (ApiKey::ApiVersions, 0, 4),
    (ApiKey::CreateTopics, 2, 7),
    (ApiKey::DeleteTopics, 1, 6),
    (ApiKey::CreatePartitions, 0, 3),
    (ApiKey::ElectLeaders, 0, 2),
    (ApiKey::IncrementalAlterConfigs, 0, 1),
    (ApiKey::AlterPartitionReassignments, 0, 1),
    (ApiKey::ListPartitionReassignments, 0, 0),
    (ApiKey::Vote, 0, 2),
    (ApiKey::BeginQuorumEpoch, 0, 1),
    (ApiKey::EndQuorumEpoch, 0, 1),
    (ApiKey::DescribeQuorum, 0, 2),
    (ApiKey::AlterPartition, 2, 3),
    (ApiKey::Envelope, 0, 0),
    (ApiKey::FetchSnapshot, 0, 1),
    (ApiKey::BrokerRegistration, 0, 4),
    (ApiKey::BrokerHeartbeat, 0, 1),
    (ApiKey::UnregisterBroker, 0, 0),
    (ApiKey::AllocateProducerIds, 0, 0),
    (ApiKey::AlterConfigs, 0, 2),
    (ApiKey::AlterClientQuotas, 0, 1),
    (ApiKey::AlterUserScramCredentials, 0, 0),
    (ApiKey::UpdateFeatures, 0, 2),
];

/// Every API that a broker serves to clients, with its first and last version.
pub fn supported_versions() -> &'static [(ApiKey, i16, i16)] {
    &BROKER
}

/// Every API that a controller serves, with its first and last version.
pub fn controller_versions() -> &'static [(ApiKey, i16, i16)] {
    &CONTROLLER
}

/// Every API of a listener.
pub(crate) fn served(listener: ListenerKind) -> &'static [(ApiKey, i16, i16)] {
    match listener {
        ListenerKind::Broker => &BROKER,
        ListenerKind::Controller => &CONTROLLER,
    }
}

/// Whether a broker forwards a client's request of this API to the active controller (KIP-590).
pub(crate) fn forwardable(key: ApiKey) -> bool {
    matches!(
        key,
        ApiKey::CreateTopics
            | ApiKey::DeleteTopics
            | ApiKey::CreatePartitions
            | ApiKey::ElectLeaders
            | ApiKey::IncrementalAlterConfigs
            | ApiKey::AlterPartitionReassignments
            | ApiKey::ListPartitionReassignments
            | ApiKey::DescribeQuorum
            | ApiKey::UnregisterBroker
            | ApiKey::AlterConfigs
            | ApiKey::AlterClientQuotas
            | ApiKey::AlterUserScramCredentials
            | ApiKey::UpdateFeatures
    )
}

/// The answer of a node that is not the active controller, or was and is no more.
pub(crate) fn not_controller(header: &Header) -> Result<Reply, FrameError> {
    let code = ErrorCode::NOT_CONTROLLER.0;
    match header.api_key {
        ApiKey::BrokerRegistration => {
            respond(BrokerRegistrationResponse::default().with_error_code(code).with_broker_epoch(-1))
        }
        ApiKey::BrokerHeartbeat => {
            respond(BrokerHeartbeatResponse::default().with_error_code(code).with_is_fenced(true))
        }
        ApiKey::AlterPartition => respond(AlterPartitionResponse::default().with_error_code(code)),
        ApiKey::Envelope => respond(EnvelopeResponse::default().with_error_code(code)),
        ApiKey::AllocateProducerIds => respond(AllocateProducerIdsResponse::default().with_error_code(code)),
        // A client that speaks to the wrong controller without a broker between is told by the end of the connection.
        api_key => Err(FrameError::UnsupportedVersion { api_key, version: header.version }),
    }
}

/// Handles a request. An error closes its connection: the request cannot be understood, or is not served.
pub(crate) fn dispatch(
    server: &mut Server,
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    body: Bytes,
) -> Result<Reply, FrameError> {
    let (header, listener) = (&call.header, call.listener);
    let (api_key, version) = (header.api_key, header.version);
    let found = served(listener).iter().find(|(key, ..)| *key == api_key);
    if !found.is_some_and(|(_, min, max)| (*min..=*max).contains(&version)) {
        if api_key == ApiKey::ApiVersions {
            return api_versions::unsupported(listener, header);
        }
        return Err(FrameError::UnsupportedVersion { api_key, version });
    }
    if api_key == ApiKey::ApiVersions {
        return api_versions::handle((&server.image, server.applied - 1), call, decode_body(header, body)?);
    }
    if listener == ListenerKind::Controller {
        return on_controller(quorum, cx, call, body);
    }
    match api_key {
        ApiKey::Produce => produce::handle(server, cx, call, decode_body(header, body)?),
        ApiKey::Fetch => fetch::handle(server, cx, call, decode_body(header, body)?),
        ApiKey::ListOffsets => list_offsets::handle(server, call, decode_body(&as_known(header, 10), body)?),
        ApiKey::Metadata => metadata::handle(server, cx, call, decode_body(header, body)?),
        ApiKey::DeleteRecords => delete_records::handle(server, cx, call, decode_body(header, body)?),
        ApiKey::InitProducerId => init_producer_id::handle(server, cx, call, &decode_body(header, body)?),
        ApiKey::AddPartitionsToTxn => {
            add_partitions_to_txn::handle(server, cx, call, decode_body(header, body)?)
        }
        ApiKey::AddOffsetsToTxn => add_offsets_to_txn::handle(server, cx, call, &decode_body(header, body)?),
        ApiKey::EndTxn => end_txn::handle(server, cx, call, &decode_body(header, body)?),
        ApiKey::WriteTxnMarkers => write_txn_markers::handle(server, cx, call, &decode_body(header, body)?),
        ApiKey::TxnOffsetCommit => txn_offset_commit::handle(server, cx, call, decode_body(header, body)?),
        ApiKey::OffsetCommit => offset_commit::handle(server, cx, call, body),
        ApiKey::OffsetFetch => offset_fetch::handle(server, cx, call, body),
        ApiKey::FindCoordinator => find_coordinator::handle(server, cx, call, decode_body(header, body)?),
        ApiKey::JoinGroup => join_group::handle(server, cx, call, decode_body(header, body)?),
        ApiKey::Heartbeat => heartbeat::handle(server, cx, call, decode_body(header, body)?),
        ApiKey::LeaveGroup => leave_group::handle(server, cx, call, decode_body(header, body)?),
        ApiKey::SyncGroup => sync_group::handle(server, cx, call, decode_body(header, body)?),
        ApiKey::DescribeGroups => describe_groups::handle(server, call, decode_body(header, body)?),
        ApiKey::ListGroups => list_groups::handle(server, call, decode_body(header, body)?),
        ApiKey::DeleteGroups => delete_groups::handle(server, cx, call, decode_body(header, body)?),
        ApiKey::OffsetDelete => offset_delete::handle(server, cx, call, decode_body(header, body)?),
        ApiKey::OffsetForLeaderEpoch => offset_for_leader_epoch::handle(server, decode_body(header, body)?),
        ApiKey::DescribeConfigs => describe_configs::handle(server, call, decode_body(header, body)?),
        ApiKey::DescribeLogDirs => {
            describe_log_dirs::handle(server, call, decode_body(&as_known(header, 4), body)?)
        }
        ApiKey::DescribeCluster => describe_cluster::handle(server, cx, call, decode_body(header, body)?),
        ApiKey::DescribeTopicPartitions => {
            describe_topic_partitions::handle(server, decode_body(header, body)?)
        }
        ApiKey::IncrementalAlterConfigs => {
            incremental_alter_configs::preprocess(server, call, decode_body(header, body)?)
        }
        ApiKey::AlterConfigs => alter_configs::preprocess(server, call, decode_body(header, body)?),
        ApiKey::SaslHandshake
        | ApiKey::SaslAuthenticate
        | ApiKey::DescribeAcls
        | ApiKey::CreateAcls
        | ApiKey::DeleteAcls
        | ApiKey::CreateDelegationToken
        | ApiKey::RenewDelegationToken
        | ApiKey::ExpireDelegationToken
        | ApiKey::DescribeDelegationToken => without_security(call, body),
        ApiKey::AlterReplicaLogDirs => alter_replica_log_dirs::handle(server, decode_body(header, body)?),
        ApiKey::DescribeClientQuotas => describe_client_quotas::handle(server, &decode_body(header, body)?),
        ApiKey::DescribeUserScramCredentials => {
            describe_user_scram_credentials::handle(server, decode_body(header, body)?)
        }
        ApiKey::DescribeProducers => describe_producers::handle(server, decode_body(header, body)?),
        ApiKey::DescribeTransactions => describe_transactions::handle(server, cx, decode_body(header, body)?),
        ApiKey::ListTransactions => list_transactions::handle(server, cx, &decode_body(header, body)?),
        ApiKey::ListConfigResources => {
            list_config_resources::handle(server, call, &decode_body(header, body)?)
        }
        key if forwardable(key) => {
            check(header, &body)?;
            Ok(Reply::Forward)
        }
        _ => Err(FrameError::UnsupportedVersion { api_key, version }),
    }
}

/// Goes on with a request of a transaction whose coordinator was asked about it.
pub(crate) fn resume(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    what: Verified,
    refusals: &Refusals,
) -> Result<Reply, FrameError> {
    match what {
        Verified::Produce(request, standing) => {
            produce::append_verified(server, cx, call, *request, (refusals, &standing))
        }
        Verified::Offsets(request, number) => {
            txn_offset_commit::commit_verified(server, cx, call, &request, Some((refusals, number)))
        }
    }
}

/// The header with the newest version that the library reads, where newer ones have the same fields.
fn as_known(header: &Header, newest: i16) -> Header {
    Header { version: header.version.min(newest), ..header.clone() }
}

/// What is asked of a cluster's security, of which there is none: read, so that it can be understood, and refused.
fn without_security(call: &Call, body: Bytes) -> Result<Reply, FrameError> {
    use blumfeld_protocol::messages as m;
    let header = &call.header;
    match header.api_key {
        ApiKey::DescribeAcls => describe_acls::handle(call, &decode_body(header, body)?),
        ApiKey::CreateAcls => create_acls::handle(call, &decode_body(header, body)?),
        ApiKey::DeleteAcls => delete_acls::handle(call, &decode_body(header, body)?),
        ApiKey::SaslHandshake => {
            decode_body::<m::SaslHandshakeRequest>(header, body)?;
            sasl_handshake::handle()
        }
        ApiKey::SaslAuthenticate => {
            decode_body::<m::SaslAuthenticateRequest>(header, body)?;
            sasl_authenticate::handle()
        }
        ApiKey::CreateDelegationToken => {
            decode_body::<m::CreateDelegationTokenRequest>(header, body)?;
            create_delegation_token::handle(call)
        }
        ApiKey::RenewDelegationToken => {
            decode_body::<m::RenewDelegationTokenRequest>(header, body)?;
            renew_delegation_token::handle()
        }
        ApiKey::ExpireDelegationToken => {
            decode_body::<m::ExpireDelegationTokenRequest>(header, body)?;
            expire_delegation_token::handle()
        }
        _ => {
            decode_body::<m::DescribeDelegationTokenRequest>(header, body)?;
            describe_delegation_token::handle()
        }
    }
}

/// Whether a request that is to be forwarded can be understood: the client is told here if it cannot.
fn check(header: &Header, body: &Bytes) -> Result<(), FrameError> {
    use blumfeld_protocol::messages as m;
    let body = body.clone();
    match header.api_key {
        ApiKey::CreateTopics => decode_body::<m::CreateTopicsRequest>(header, body).map(drop),
        ApiKey::DeleteTopics => decode_body::<m::DeleteTopicsRequest>(header, body).map(drop),
        ApiKey::CreatePartitions => decode_body::<m::CreatePartitionsRequest>(header, body).map(drop),
        ApiKey::ElectLeaders => decode_body::<m::ElectLeadersRequest>(header, body).map(drop),
        ApiKey::AlterPartitionReassignments => {
            decode_body::<m::AlterPartitionReassignmentsRequest>(header, body).map(drop)
        }
        ApiKey::ListPartitionReassignments => {
            decode_body::<m::ListPartitionReassignmentsRequest>(header, body).map(drop)
        }
        ApiKey::DescribeQuorum => decode_body::<m::DescribeQuorumRequest>(header, body).map(drop),
        ApiKey::AlterClientQuotas => decode_body::<m::AlterClientQuotasRequest>(header, body).map(drop),
        ApiKey::AlterUserScramCredentials => {
            decode_body::<m::AlterUserScramCredentialsRequest>(header, body).map(drop)
        }
        ApiKey::UpdateFeatures => decode_body::<m::UpdateFeaturesRequest>(header, body).map(drop),
        _ => decode_body::<m::UnregisterBrokerRequest>(header, body).map(drop),
    }
}

/// Handles a request that came to this node as a controller, in an envelope or not.
pub(crate) fn on_controller(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    body: Bytes,
) -> Result<Reply, FrameError> {
    let header = &call.header;
    match header.api_key {
        ApiKey::Vote => vote::handle(quorum, cx, decode_body(header, body)?),
        ApiKey::BeginQuorumEpoch => begin_quorum_epoch::handle(quorum, cx, decode_body(header, body)?),
        ApiKey::EndQuorumEpoch => end_quorum_epoch::handle(quorum, cx, decode_body(header, body)?),
        ApiKey::DescribeQuorum => describe_quorum::handle(quorum, cx, call, decode_body(header, body)?),
        ApiKey::Fetch => {
            let request: FetchRequest = decode_body(header, body)?;
            let answer = quorum.raft.handle_fetch(cx, call.conn, header, request)?;
            Ok(answer.map_or(Reply::Parked, |frame| Reply::Now(frame.into())))
        }
        ApiKey::FetchSnapshot => fetch_snapshot::handle(quorum, decode_body(header, body)?),
        ApiKey::BrokerRegistration => {
            broker_registration::handle(quorum, cx, call, decode_body(header, body)?)
        }
        ApiKey::BrokerHeartbeat => broker_heartbeat::handle(quorum, cx, call, decode_body(header, body)?),
        ApiKey::AllocateProducerIds => {
            allocate_producer_ids::handle(quorum, cx, call, decode_body(header, body)?)
        }
        ApiKey::AlterPartition => alter_partition::handle(quorum, cx, call, decode_body(header, body)?),
        ApiKey::Envelope => envelope::handle(quorum, cx, call, decode_body(header, body)?),
        ApiKey::CreateTopics => create_topics::handle(quorum, cx, call, decode_body(header, body)?),
        ApiKey::DeleteTopics => delete_topics::handle(quorum, cx, call, decode_body(header, body)?),
        ApiKey::CreatePartitions => create_partitions::handle(quorum, cx, call, decode_body(header, body)?),
        ApiKey::ElectLeaders => elect_leaders::handle(quorum, cx, call, decode_body(header, body)?),
        ApiKey::IncrementalAlterConfigs => {
            incremental_alter_configs::handle(quorum, cx, call, decode_body(header, body)?)
        }
        ApiKey::AlterPartitionReassignments => {
            alter_partition_reassignments::handle(quorum, cx, call, decode_body(header, body)?)
        }
        ApiKey::ListPartitionReassignments => {
            list_partition_reassignments::handle(quorum, decode_body(header, body)?)
        }
        ApiKey::UnregisterBroker => unregister_broker::handle(quorum, cx, call, decode_body(header, body)?),
        ApiKey::AlterConfigs => alter_configs::handle(quorum, cx, call, &decode_body(header, body)?),
        ApiKey::AlterClientQuotas => {
            alter_client_quotas::handle(quorum, cx, call, decode_body(header, body)?)
        }
        ApiKey::AlterUserScramCredentials => {
            alter_user_scram_credentials::handle(quorum, cx, call, &decode_body(header, body)?)
        }
        ApiKey::UpdateFeatures => update_features::handle(quorum, cx, call, &decode_body(header, body)?),
        api_key => Err(FrameError::UnsupportedVersion { api_key, version: header.version }),
    }
}
