//! Requests and responses of each call.

use std::collections::BTreeMap;
use std::sync::Arc;

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use blumfeld_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use blumfeld_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use blumfeld_protocol::messages::delete_topics_request::DeleteTopicState;
use blumfeld_protocol::messages::describe_configs_request::DescribeConfigsResource;
use blumfeld_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use blumfeld_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use blumfeld_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use blumfeld_protocol::messages::metadata_request::MetadataRequestTopic;
use blumfeld_protocol::messages::metadata_response::MetadataResponseTopic;
use blumfeld_protocol::messages::*;
use blumfeld_protocol::wire::StrBytes;

use super::types::*;
use crate::{ApiError, Completed, Metadata, NetworkClient, PartitionMetadata, TopicMetadata, TopicPartition};

pub(super) fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

pub(super) fn name(value: &str) -> TopicName {
    TopicName(text(value))
}

pub(super) fn millis(ms: i64) -> i32 {
    i32::try_from(ms).unwrap_or(i32::MAX)
}

/// What Java's client refuses without asking a broker.
pub(super) fn refuse(request: &AdminRequest) -> Option<Result<AdminResponse, ApiError>> {
    let unrepresentable = |topic: &str| {
        let text = format!("The given topic name '{topic}' cannot be represented in a request.");
        ApiError::new(ErrorCode::INVALID_TOPIC_EXCEPTION, text)
    };
    match request {
        AdminRequest::CreateTopics { topics, .. } => {
            let empty = topics.iter().find(|topic| topic.name.is_empty())?;
            let refused = (empty.name.clone(), Err(unrepresentable(&empty.name)));
            Some(Ok(AdminResponse::CreateTopics(BTreeMap::from([refused]))))
        }
        AdminRequest::DescribeTopics(topics) | AdminRequest::DescribeTopicPartitions(topics)
            if topics.is_empty() =>
        {
            Some(Ok(AdminResponse::Descriptions(BTreeMap::new())))
        }
        AdminRequest::DescribeConfigs { resources, .. } if resources.is_empty() => {
            Some(Ok(AdminResponse::Configs(Vec::new())))
        }
        _ => None,
    }
}

/// Sends a call that any broker can answer.
pub(super) fn send(
    net: &mut NetworkClient,
    cx: &mut Context<'_>,
    node: i32,
    request: &AdminRequest,
    timeout_ms: i64,
) -> Result<i32, ApiError> {
    let timeout = millis(timeout_ms);
    match request {
        AdminRequest::CreateTopics { topics, validate_only } => {
            let version = net.version::<CreateTopicsRequest>(node)?;
            let body = CreateTopicsRequest::default()
                .with_topics(topics.iter().map(creatable).collect())
                .with_timeout_ms(timeout)
                .with_validate_only(*validate_only);
            net.send(cx, node, version, &body, true)
        }
        AdminRequest::DeleteTopics(topics) => {
            let version = net.version::<DeleteTopicsRequest>(node)?;
            let mut body = DeleteTopicsRequest::default().with_timeout_ms(timeout);
            if version >= 6 {
                let state = |topic: &String| DeleteTopicState::default().with_name(Some(name(topic)));
                body.topics = topics.iter().map(state).collect();
            } else {
                body.topic_names = topics.iter().map(|topic| name(topic)).collect();
            }
            net.send(cx, node, version, &body, true)
        }
        AdminRequest::CreatePartitions(topics) => {
            let version = net.version::<CreatePartitionsRequest>(node)?;
            let assignment = |brokers: &Vec<i32>| {
                CreatePartitionsAssignment::default()
                    .with_broker_ids(brokers.iter().copied().map(BrokerId).collect())
            };
            let topic = |(topic, new): &(String, NewPartitions)| {
                CreatePartitionsTopic::default()
                    .with_name(name(topic))
                    .with_count(new.total)
                    .with_assignments(
                        new.assignments.as_ref().map(|all| all.iter().map(assignment).collect()),
                    )
            };
            let body = CreatePartitionsRequest::default()
                .with_topics(topics.iter().map(topic).collect())
                .with_timeout_ms(timeout);
            net.send(cx, node, version, &body, true)
        }
        AdminRequest::ListTopics | AdminRequest::DescribeTopics(_) => {
            let version = net.version::<MetadataRequest>(node)?;
            let mut body = MetadataRequest::default();
            body.topics = match request {
                AdminRequest::DescribeTopics(topics) => {
                    let topic = |topic: &String| MetadataRequestTopic::default().with_name(Some(name(topic)));
                    Some(topics.iter().map(topic).collect())
                }
                _ => (version == 0).then(Vec::new),
            };
            if version >= 4 {
                body.allow_auto_topic_creation = false;
            }
            net.send(cx, node, version, &body, true)
        }
        AdminRequest::DescribeConfigs { resources, synonyms } => {
            let version = net.version::<DescribeConfigsRequest>(node)?;
            let resource = |resource: &ConfigResource| {
                DescribeConfigsResource::default()
                    .with_resource_type(resource.kind())
                    .with_resource_name(text(resource.name()))
                    .with_configuration_keys(None)
            };
            let body = DescribeConfigsRequest::default()
                .with_resources(resources.iter().map(resource).collect())
                .with_include_synonyms(*synonyms);
            net.send(cx, node, version, &body, true)
        }
        AdminRequest::IncrementalAlterConfigs { resources, validate_only } => {
            let version = net.version::<IncrementalAlterConfigsRequest>(node)?;
            let config = |(config, op): &(String, AlterConfigOp)| {
                AlterableConfig::default()
                    .with_name(text(config))
                    .with_config_operation(op.id())
                    .with_value(op.value().map(text))
            };
            let resource = |(resource, configs): &(ConfigResource, Vec<(String, AlterConfigOp)>)| {
                AlterConfigsResource::default()
                    .with_resource_type(resource.kind())
                    .with_resource_name(text(resource.name()))
                    .with_configs(configs.iter().map(config).collect())
            };
            let body = IncrementalAlterConfigsRequest::default()
                .with_resources(resources.iter().map(resource).collect())
                .with_validate_only(*validate_only);
            net.send(cx, node, version, &body, true)
        }
        _ => Err(ErrorCode::INVALID_REQUEST.into()),
    }
}

fn creatable(topic: &NewTopic) -> CreatableTopic {
    let assignment = |(&partition, brokers): (&i32, &Vec<i32>)| {
        CreatableReplicaAssignment::default()
            .with_partition_index(partition)
            .with_broker_ids(brokers.iter().copied().map(BrokerId).collect())
    };
    let config = |(config, value): (&String, &String)| {
        CreatableTopicConfig::default().with_name(text(config)).with_value(Some(text(value)))
    };
    CreatableTopic::default()
        .with_name(name(&topic.name))
        .with_num_partitions(topic.partitions.unwrap_or(-1))
        .with_replication_factor(topic.replication_factor.unwrap_or(-1))
        .with_assignments(topic.assignments.iter().map(assignment).collect())
        .with_configs(topic.configs.iter().map(config).collect())
}

/// The answer to a call that any broker can answer. A retriable error says to ask again.
pub(super) fn answered(request: &AdminRequest, completed: &Completed) -> Result<AdminResponse, ApiError> {
    // Asked of a broker that does not reach the controller, or that is not ready: worth another try as a whole.
    let again = |code: i16| match ErrorCode(code) {
        code @ (ErrorCode::NOT_CONTROLLER
        | ErrorCode::REQUEST_TIMED_OUT
        | ErrorCode::BROKER_NOT_AVAILABLE) => Err(ApiError::from(code)),
        _ => Ok(()),
    };
    match request {
        AdminRequest::CreateTopics { .. } => {
            let response: CreateTopicsResponse = completed.decode()?;
            let mut results = BTreeMap::new();
            for topic in response.topics {
                again(topic.error_code)?;
                let created = CreatedTopic {
                    id: topic.topic_id,
                    partitions: topic.num_partitions,
                    replication_factor: topic.replication_factor,
                };
                let result = ApiError::check(topic.error_code, topic.error_message.as_ref());
                results.insert(topic.name.to_string(), result.map(|()| created));
            }
            Ok(AdminResponse::CreateTopics(results))
        }
        AdminRequest::DeleteTopics(_) => {
            let response: DeleteTopicsResponse = completed.decode()?;
            let mut results = BTreeMap::new();
            for topic in response.responses {
                again(topic.error_code)?;
                let result = ApiError::check(topic.error_code, topic.error_message.as_ref());
                results.insert(topic.name.map(|name| name.to_string()).unwrap_or_default(), result);
            }
            Ok(AdminResponse::Topics(results))
        }
        AdminRequest::CreatePartitions(_) => {
            let response: CreatePartitionsResponse = completed.decode()?;
            let mut results = BTreeMap::new();
            for topic in response.results {
                again(topic.error_code)?;
                let result = ApiError::check(topic.error_code, topic.error_message.as_ref());
                results.insert(topic.name.to_string(), result);
            }
            Ok(AdminResponse::Topics(results))
        }
        AdminRequest::ListTopics | AdminRequest::DescribeTopics(_) => {
            let response: MetadataResponse = completed.decode()?;
            let mut results = BTreeMap::new();
            for topic in &response.topics {
                let Some(name) = &topic.name else { continue };
                let code = ErrorCode(topic.error_code);
                let result = if code.is_error() { Err(code.into()) } else { Ok(described(name, topic)) };
                results.insert(name.to_string(), result);
            }
            Ok(AdminResponse::Descriptions(results))
        }
        AdminRequest::DescribeConfigs { resources, .. } => {
            let response: DescribeConfigsResponse = completed.decode()?;
            let answer = |resource: &ConfigResource| {
                let found = response.results.iter().find(|result| {
                    result.resource_type == resource.kind()
                        && result.resource_name.as_str() == resource.name()
                });
                let result = match found {
                    None => Err(ErrorCode::UNKNOWN_SERVER_ERROR.into()),
                    Some(result) => ApiError::check(result.error_code, result.error_message.as_ref())
                        .map(|()| result.configs.iter().map(entry).collect()),
                };
                (resource.clone(), result)
            };
            Ok(AdminResponse::Configs(resources.iter().map(answer).collect()))
        }
        AdminRequest::IncrementalAlterConfigs { resources, .. } => {
            let response: IncrementalAlterConfigsResponse = completed.decode()?;
            let mut results = Vec::new();
            for (resource, _) in resources {
                let found = response.responses.iter().find(|result| {
                    result.resource_type == resource.kind()
                        && result.resource_name.as_str() == resource.name()
                });
                let result = match found {
                    None => Err(ErrorCode::UNKNOWN_SERVER_ERROR.into()),
                    Some(result) => {
                        again(result.error_code)?;
                        ApiError::check(result.error_code, result.error_message.as_ref())
                    }
                };
                results.push((resource.clone(), result));
            }
            Ok(AdminResponse::Altered(results))
        }
        _ => Err(ErrorCode::INVALID_REQUEST.into()),
    }
}

fn described(name: &TopicName, topic: &MetadataResponseTopic) -> TopicMetadata {
    let ids = |nodes: &[BrokerId]| nodes.iter().map(|id| id.0).collect();
    let partitions = topic
        .partitions
        .iter()
        .map(|partition| {
            let metadata = PartitionMetadata {
                partition: partition.partition_index,
                leader: partition.leader_id.0,
                leader_epoch: partition.leader_epoch,
                replicas: ids(&partition.replica_nodes),
                isr: ids(&partition.isr_nodes),
                offline: ids(&partition.offline_replicas),
                elr: None,
                last_known_elr: None,
                error: ErrorCode(partition.error_code),
            };
            (partition.partition_index, metadata)
        })
        .collect();
    let name: Arc<str> = name.as_str().into();
    TopicMetadata {
        name,
        id: topic.topic_id,
        internal: topic.is_internal,
        error: ErrorCode::NONE,
        partitions,
    }
}

fn entry(config: &DescribeConfigsResourceResult) -> ConfigEntry {
    let owned = |value: &Option<StrBytes>| value.as_ref().map(|value| value.to_string());
    ConfigEntry {
        name: config.name.to_string(),
        value: owned(&config.value),
        source: ConfigSource::from_id(config.config_source),
        sensitive: config.is_sensitive,
        read_only: config.read_only,
        synonyms: config
            .synonyms
            .iter()
            .map(|of| (of.name.to_string(), owned(&of.value), ConfigSource::from_id(of.source)))
            .collect(),
    }
}

/// The partitions that a call is about.
pub(super) fn partitions(request: &AdminRequest) -> impl Iterator<Item = &TopicPartition> {
    let (offsets, records) = match request {
        AdminRequest::ListOffsets(offsets) => (Some(offsets), None),
        AdminRequest::DeleteRecords(records) => (None, Some(records)),
        _ => (None, None),
    };
    offsets
        .into_iter()
        .flat_map(|offsets| offsets.keys())
        .chain(records.into_iter().flat_map(|records| records.keys()))
}

/// Asks a leader about some of a call's partitions.
pub(super) fn send_partitions(
    net: &mut NetworkClient,
    cx: &mut Context<'_>,
    node: i32,
    request: &AdminRequest,
    partitions: &[TopicPartition],
    metadata: &Metadata,
    timeout_ms: i64,
) -> Result<i32, ApiError> {
    let mut by_topic: BTreeMap<&str, Vec<&TopicPartition>> = BTreeMap::new();
    for partition in partitions {
        by_topic.entry(&partition.topic).or_default().push(partition);
    }
    match request {
        AdminRequest::ListOffsets(specs) => {
            let version = net.version::<ListOffsetsRequest>(node)?;
            let partition = |of: &&TopicPartition| {
                let spec = specs.get(*of).copied().unwrap_or(OffsetSpec::LATEST);
                let mut data =
                    ListOffsetsPartition::default().with_partition_index(of.partition).with_timestamp(spec.0);
                if version >= 4 {
                    data.current_leader_epoch = metadata.partition(of).map_or(-1, |of| of.leader_epoch);
                }
                data
            };
            let topic = |(topic, of): (&str, Vec<&TopicPartition>)| {
                ListOffsetsTopic::default()
                    .with_name(name(topic))
                    .with_partitions(of.iter().map(partition).collect())
            };
            let needed = specs.values().map(|spec| match spec.0 {
                -3 => 7,
                -4 => 8,
                -5 => 9,
                _ => 1,
            });
            if needed.max().unwrap_or(1) > version {
                let text = "The broker does not support this kind of offset".to_owned();
                return Err(ApiError::new(ErrorCode::UNSUPPORTED_VERSION, text));
            }
            let mut body = ListOffsetsRequest::default()
                .with_replica_id(BrokerId(-1))
                .with_topics(by_topic.into_iter().map(topic).collect());
            if version >= 10 {
                body.timeout_ms = millis(timeout_ms);
            }
            net.send(cx, node, version, &body, true)
        }
        AdminRequest::DeleteRecords(offsets) => {
            let version = net.version::<DeleteRecordsRequest>(node)?;
            let partition = |of: &&TopicPartition| {
                DeleteRecordsPartition::default()
                    .with_partition_index(of.partition)
                    .with_offset(offsets.get(*of).copied().unwrap_or(-1))
            };
            let topic = |(topic, of): (&str, Vec<&TopicPartition>)| {
                DeleteRecordsTopic::default()
                    .with_name(name(topic))
                    .with_partitions(of.iter().map(partition).collect())
            };
            let body = DeleteRecordsRequest::default()
                .with_topics(by_topic.into_iter().map(topic).collect())
                .with_timeout_ms(millis(timeout_ms));
            net.send(cx, node, version, &body, true)
        }
        _ => Err(ErrorCode::INVALID_REQUEST.into()),
    }
}

type Done = BTreeMap<TopicPartition, Result<FoundOffset, ApiError>>;

/// Notes a partition's result unless it is worth another try.
fn note(done: &mut Done, partition: TopicPartition, code: i16, offset: i64, timestamp: i64) {
    match ErrorCode(code) {
        ErrorCode::NONE => {
            done.insert(partition, Ok(FoundOffset { offset, timestamp }));
        }
        code if code.is_retriable() => {}
        code => {
            done.insert(partition, Err(code.into()));
        }
    }
}

/// Takes a leader's answer about offsets.
pub(super) fn listed_offsets(
    completed: &Completed,
    asked: Vec<TopicPartition>,
    done: &mut Done,
) -> Result<(), ApiError> {
    let response: ListOffsetsResponse = completed.decode()?;
    for topic in &response.topics {
        for answer in &topic.partitions {
            let partition = TopicPartition::new(&topic.name, answer.partition_index);
            if asked.contains(&partition) {
                note(done, partition, answer.error_code, answer.offset, answer.timestamp);
            }
        }
    }
    Ok(())
}

/// Takes a leader's answer about deleted records.
pub(super) fn deleted_records(
    completed: &Completed,
    asked: Vec<TopicPartition>,
    done: &mut Done,
) -> Result<(), ApiError> {
    let response: DeleteRecordsResponse = completed.decode()?;
    for topic in &response.topics {
        for answer in &topic.partitions {
            let partition = TopicPartition::new(&topic.name, answer.partition_index);
            if asked.contains(&partition) {
                note(done, partition, answer.error_code, answer.low_watermark, -1);
            }
        }
    }
    Ok(())
}

/// The whole answer of a call about partitions.
pub(super) fn gathered(request: &AdminRequest, done: Done) -> AdminResponse {
    match request {
        AdminRequest::DeleteRecords(_) => AdminResponse::Deleted(
            done.into_iter().map(|(of, result)| (of, result.map(|found| found.offset))).collect(),
        ),
        _ => AdminResponse::Offsets(done),
    }
}
