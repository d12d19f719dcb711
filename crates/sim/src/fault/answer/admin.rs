//! The same for requests of administrators, each of whose parts has a code.

use blumfeld_protocol::frame::{Header, decode_body};
use blumfeld_protocol::messages::*;
use blumfeld_protocol::{ErrorCode, FrameError};
use bytes::Bytes;

use super::{Forged, write};

pub(super) fn create_acls(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    let request: CreateAclsRequest = decode_body(header, body.clone())?;
    let refused = create_acls_response::AclCreationResult::default().with_error_code(code.0);
    write(header, &CreateAclsResponse::default().with_results(vec![refused; request.creations.len()]))
}

pub(super) fn delete_acls(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    let request: DeleteAclsRequest = decode_body(header, body.clone())?;
    let refused = delete_acls_response::DeleteAclsFilterResult::default().with_error_code(code.0);
    write(header, &DeleteAclsResponse::default().with_filter_results(vec![refused; request.filters.len()]))
}

pub(super) fn alter_configs(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    let request: AlterConfigsRequest = decode_body(header, body.clone())?;
    let responses = request.resources.into_iter().map(|resource| {
        alter_configs_response::AlterConfigsResourceResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name)
            .with_error_code(code.0)
    });
    write(header, &AlterConfigsResponse::default().with_responses(responses.collect()))
}

pub(super) fn alter_replica_log_dirs(
    header: &Header,
    body: &Bytes,
    code: ErrorCode,
) -> Result<Forged, FrameError> {
    use alter_replica_log_dirs_response::{AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult};
    let request: AlterReplicaLogDirsRequest = decode_body(header, body.clone())?;
    let results = request.dirs.into_iter().flat_map(|dir| dir.topics).map(|topic| {
        let partitions = topic.partitions.iter().map(|number| {
            AlterReplicaLogDirPartitionResult::default().with_partition_index(*number).with_error_code(code.0)
        });
        AlterReplicaLogDirTopicResult::default()
            .with_topic_name(topic.name)
            .with_partitions(partitions.collect())
    });
    write(header, &AlterReplicaLogDirsResponse::default().with_results(results.collect()))
}

pub(super) fn alter_client_quotas(
    header: &Header,
    body: &Bytes,
    code: ErrorCode,
) -> Result<Forged, FrameError> {
    use alter_client_quotas_response::{EntityData, EntryData};
    let request: AlterClientQuotasRequest = decode_body(header, body.clone())?;
    let entries = request.entries.into_iter().map(|entry| {
        let entity = entry.entity.into_iter().map(|part| {
            EntityData::default().with_entity_type(part.entity_type).with_entity_name(part.entity_name)
        });
        EntryData::default().with_entity(entity.collect()).with_error_code(code.0)
    });
    write(header, &AlterClientQuotasResponse::default().with_entries(entries.collect()))
}

pub(super) fn alter_user_scram_credentials(
    header: &Header,
    body: &Bytes,
    code: ErrorCode,
) -> Result<Forged, FrameError> {
    use alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
    let request: AlterUserScramCredentialsRequest = decode_body(header, body.clone())?;
    let deletions = request.deletions.into_iter().map(|one| one.name);
    let users = deletions.chain(request.upsertions.into_iter().map(|one| one.name));
    let results =
        users.map(|user| AlterUserScramCredentialsResult::default().with_user(user).with_error_code(code.0));
    write(header, &AlterUserScramCredentialsResponse::default().with_results(results.collect()))
}

pub(super) fn describe_producers(
    header: &Header,
    body: &Bytes,
    code: ErrorCode,
) -> Result<Forged, FrameError> {
    use describe_producers_response::{PartitionResponse, TopicResponse};
    let request: DescribeProducersRequest = decode_body(header, body.clone())?;
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic
            .partition_indexes
            .iter()
            .map(|number| PartitionResponse::default().with_partition_index(*number).with_error_code(code.0));
        TopicResponse::default().with_name(topic.name).with_partitions(partitions.collect())
    });
    write(header, &DescribeProducersResponse::default().with_topics(topics.collect()))
}

pub(super) fn describe_transactions(
    header: &Header,
    body: &Bytes,
    code: ErrorCode,
) -> Result<Forged, FrameError> {
    let request: DescribeTransactionsRequest = decode_body(header, body.clone())?;
    let states = request.transactional_ids.into_iter().map(|id| {
        describe_transactions_response::TransactionState::default()
            .with_transactional_id(id)
            .with_error_code(code.0)
    });
    write(header, &DescribeTransactionsResponse::default().with_transaction_states(states.collect()))
}
