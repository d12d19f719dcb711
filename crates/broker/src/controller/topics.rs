//! Creating, extending and deleting topics (ReplicationControlManager).

use std::collections::BTreeSet;

use blumfeld_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use blumfeld_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use blumfeld_protocol::messages::create_topics_request::CreatableTopic;
use blumfeld_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use blumfeld_protocol::messages::delete_topics_response::DeletableTopicResult;
use blumfeld_protocol::messages::{
    BrokerId, CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    DeleteTopicsRequest, DeleteTopicsResponse, TopicName,
};
use blumfeld_protocol::{ErrorCode, Uuid};

use super::ControllerResult;
use super::placement::place;
use crate::metadata::{MetadataImage, MetadataRecord, PartitionRegistration, ResourceType};
use crate::reply::ApiError;
use crate::topic_config::{TOPIC_CONFIGS, topic_config, validate, validate_together};
use crate::topic_name::{CLUSTER_METADATA, has_collision, validate_topic_name};

/// What a topic gets where the request leaves it open.
#[derive(Clone, Copy, Debug)]
pub struct TopicDefaults {
    /// `num.partitions`.
    pub num_partitions: i32,
    /// `default.replication.factor`.
    pub replication_factor: i16,
}

/// Creates topics; each succeeds or fails on its own.
pub fn create_topics(
    image: &MetadataImage,
    request: &CreateTopicsRequest,
    defaults: TopicDefaults,
    mut new_id: impl FnMut() -> Uuid,
    mut random: impl FnMut(u64) -> u64,
) -> ControllerResult<CreateTopicsResponse> {
    let (mut records, mut results, mut taken) = (Vec::new(), Vec::new(), BTreeSet::new());
    let duplicate =
        |name: &str| request.topics.iter().filter(|topic| topic.name.as_str() == name).count() > 1;
    for topic in &request.topics {
        let name = topic.name.as_str();
        if duplicate(name) {
            if taken.insert(name.to_owned()) {
                let error = ApiError::new(ErrorCode::INVALID_REQUEST, "Duplicate topic name.");
                results.push(failed(topic, error));
            }
            continue;
        }
        match create_topic(image, topic, defaults, &taken, (&mut new_id, &mut random)) {
            Ok((changes, result)) => {
                taken.insert(name.to_owned());
                records.extend(changes);
                results.push(result);
            }
            Err(error) => results.push(failed(topic, error)),
        }
    }
    let response = CreateTopicsResponse::default().with_topics(results);
    ControllerResult { records: if request.validate_only { Vec::new() } else { records }, response }
}

fn failed(topic: &CreatableTopic, error: ApiError) -> CreatableTopicResult {
    CreatableTopicResult::default()
        .with_name(topic.name.clone())
        .with_error_code(error.code.0)
        .with_error_message(error.message.map(Into::into))
        .with_num_partitions(-1)
        .with_replication_factor(-1)
}

fn create_topic(
    image: &MetadataImage,
    topic: &CreatableTopic,
    defaults: TopicDefaults,
    taken: &BTreeSet<String>,
    (new_id, random): (&mut impl FnMut() -> Uuid, &mut impl FnMut(u64) -> u64),
) -> Result<(Vec<MetadataRecord>, CreatableTopicResult), ApiError> {
    let name = topic.name.as_str();
    if name == CLUSTER_METADATA {
        let message = format!("Creation of internal topic {name} is prohibited.");
        return Err(ApiError::new(ErrorCode::INVALID_REQUEST, message));
    }
    validate_topic_name(name)
        .map_err(|error| ApiError::new(ErrorCode::INVALID_TOPIC_EXCEPTION, error.to_string()))?;
    if image.topic(name).is_some() {
        let message = format!("Topic '{name}' already exists.");
        return Err(ApiError::new(ErrorCode::TOPIC_ALREADY_EXISTS, message));
    }
    if let Some(other) = image.topics().keys().chain(taken).find(|other| has_collision(name, other)) {
        let message = format!("Topic '{name}' collides with existing topic: {other}");
        return Err(ApiError::new(ErrorCode::INVALID_TOPIC_EXCEPTION, message));
    }
    for config in &topic.configs {
        check_config(config.name.as_str(), config.value.as_deref())?;
    }
    let value =
        |name: &str| topic.configs.iter().find(|config| config.name.as_str() == name)?.value.as_deref();
    validate_together(value).map_err(|message| ApiError::new(ErrorCode::INVALID_CONFIG, message))?;
    let assignments = if topic.assignments.is_empty() {
        let partitions =
            if topic.num_partitions == -1 { defaults.num_partitions } else { topic.num_partitions };
        let factor = if topic.replication_factor == -1 {
            defaults.replication_factor
        } else {
            topic.replication_factor
        };
        if topic.replication_factor == 0 || topic.replication_factor < -1 {
            let message = "Replication factor must be larger than 0, or -1 to use the default value.";
            return Err(ApiError::new(ErrorCode::INVALID_REPLICATION_FACTOR, message));
        }
        if partitions <= 0 {
            let message = "Number of partitions was set to an invalid non-positive value.";
            return Err(ApiError::new(ErrorCode::INVALID_PARTITIONS, message));
        }
        check_partition_count(partitions)?;
        place(image, partitions, factor, random)?
    } else {
        manual_assignments(image, topic)?
    };
    let id = new_id();
    let mut records = vec![MetadataRecord::Topic { name: name.to_owned(), topic_id: id }];
    // Kafka writes a topic's configs before its partitions, so that these are made with them.
    records.extend(topic.configs.iter().map(|config| MetadataRecord::Config {
        resource_type: ResourceType::Topic,
        resource_name: name.to_owned(),
        name: config.name.to_string(),
        value: config.value.as_ref().map(ToString::to_string),
    }));
    let factor = assignments.first().map_or(0, Vec::len);
    let partitions = i32::try_from(assignments.len()).unwrap_or(i32::MAX);
    records.extend(
        (0..).zip(assignments).map(|(partition, replicas)| new_partition(image, id, partition, replicas)),
    );
    let configs = TOPIC_CONFIGS.iter().map(|key| {
        let set = topic.configs.iter().find(|config| config.name.as_str() == key.name);
        let value =
            set.and_then(|config| config.value.clone()).unwrap_or_else(|| key.default.to_owned().into());
        CreatableTopicConfigs::default()
            .with_name(key.name.to_owned().into())
            .with_value(Some(value))
            // DYNAMIC_TOPIC_CONFIG or DEFAULT_CONFIG
            .with_config_source(if set.is_some() { 1 } else { 5 })
    });
    let result = CreatableTopicResult::default()
        .with_name(topic.name.clone())
        .with_topic_id(id)
        .with_num_partitions(partitions)
        .with_replication_factor(i16::try_from(factor).unwrap_or(i16::MAX))
        .with_configs(Some(configs.collect()));
    Ok((records, result))
}

/// More partitions in one request than a controller takes (QuorumController.MAX_RECORDS_PER_USER_OP).
const MAX_PARTITIONS: i32 = 10_000;

fn check_partition_count(partitions: i32) -> Result<(), ApiError> {
    if partitions > MAX_PARTITIONS {
        let message = "Excessively large number of partitions per request.";
        return Err(ApiError::new(ErrorCode::POLICY_VIOLATION, message));
    }
    Ok(())
}

fn check_config(name: &str, value: Option<&str>) -> Result<(), ApiError> {
    let fail = |message: String| ApiError::new(ErrorCode::INVALID_CONFIG, message);
    let key = topic_config(name).ok_or_else(|| fail(format!("Unknown topic config name: {name}")))?;
    let value = value.ok_or_else(|| fail(format!("Null value not supported for topic configs: {name}")))?;
    validate(key, value).map_err(fail)
}

fn manual_assignments(image: &MetadataImage, topic: &CreatableTopic) -> Result<Vec<Vec<i32>>, ApiError> {
    if topic.replication_factor != -1 || topic.num_partitions != -1 {
        let message = "A manual partition assignment was specified, but replication factor or number of partitions was \
                       not set to -1.";
        return Err(ApiError::new(ErrorCode::INVALID_REQUEST, message));
    }
    let mut assignments: Vec<_> = topic.assignments.iter().collect();
    assignments.sort_by_key(|assignment| assignment.partition_index);
    if (0..).zip(&assignments).any(|(want, assignment)| assignment.partition_index != want) {
        let message = "partitions should be a consecutive 0-based integer sequence";
        return Err(ApiError::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
    }
    assignments.iter().map(|assignment| check_assignment(image, &assignment.broker_ids)).collect()
}

pub(super) fn check_assignment(image: &MetadataImage, brokers: &[BrokerId]) -> Result<Vec<i32>, ApiError> {
    let fail = |message: String| Err(ApiError::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
    let replicas: Vec<i32> = brokers.iter().map(|broker| broker.0).collect();
    if replicas.is_empty() {
        return fail("The manual partition assignment includes an empty replica list.".to_owned());
    }
    let mut seen = BTreeSet::new();
    for id in &replicas {
        if !seen.insert(*id) {
            return fail(format!("The manual partition assignment includes the broker {id} more than once."));
        }
        if !image.brokers().contains_key(id) {
            return fail(format!(
                "The manual partition assignment includes broker {id}, but no such broker is registered."
            ));
        }
    }
    Ok(replicas)
}

fn new_partition(
    image: &MetadataImage,
    topic_id: Uuid,
    partition: i32,
    replicas: Vec<i32>,
) -> MetadataRecord {
    let isr: Vec<i32> = replicas.iter().filter(|id| image.is_active(**id)).copied().collect();
    let dir = |id: &i32| image.brokers().get(id).and_then(|broker| broker.log_dirs.first().copied());
    let registration = PartitionRegistration {
        leader: isr.first().copied().unwrap_or(-1),
        directories: replicas.iter().map(|id| dir(id).unwrap_or_default()).collect(),
        isr,
        replicas,
        ..PartitionRegistration::default()
    };
    MetadataRecord::Partition { partition, topic_id, registration }
}

/// Gives topics more partitions.
pub fn create_partitions(
    image: &MetadataImage,
    request: &CreatePartitionsRequest,
    mut random: impl FnMut(u64) -> u64,
) -> ControllerResult<CreatePartitionsResponse> {
    let mut records = Vec::new();
    let results = (request.topics.iter())
        .map(|topic| {
            let result = CreatePartitionsTopicResult::default().with_name(topic.name.clone());
            match extend_topic(image, topic, &mut random) {
                Ok(changes) => {
                    records.extend(changes);
                    result
                }
                Err(error) => {
                    result.with_error_code(error.code.0).with_error_message(error.message.map(Into::into))
                }
            }
        })
        .collect();
    let response = CreatePartitionsResponse::default().with_results(results);
    ControllerResult { records: if request.validate_only { Vec::new() } else { records }, response }
}

fn extend_topic(
    image: &MetadataImage,
    topic: &CreatePartitionsTopic,
    random: &mut impl FnMut(u64) -> u64,
) -> Result<Vec<MetadataRecord>, ApiError> {
    let name = topic.name.as_str();
    let have = image.topic(name).ok_or(ApiError::code(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION))?;
    let old = i32::try_from(have.partitions.len()).unwrap_or(i32::MAX);
    if topic.count == old {
        let message = format!("Topic already has {old} partition(s).");
        return Err(ApiError::new(ErrorCode::INVALID_PARTITIONS, message));
    }
    if topic.count < old {
        let message = format!(
            "The topic {name} currently has {old} partition(s); {} would not be an increase.",
            topic.count
        );
        return Err(ApiError::new(ErrorCode::INVALID_PARTITIONS, message));
    }
    let more = topic.count - old;
    // Kafka checks the number only here, and as a failure of its own.
    check_partition_count(more).map_err(|_| ApiError::code(ErrorCode::UNKNOWN_SERVER_ERROR))?;
    let assignments = match &topic.assignments {
        Some(given) => {
            if given.len() != usize::try_from(more).unwrap_or(0) {
                let message = format!(
                    "Attempted to add {more} additional partition(s), but only {} assignment(s) were specified.",
                    given.len()
                );
                return Err(ApiError::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
            }
            given.iter().map(|one| check_assignment(image, &one.broker_ids)).collect::<Result<Vec<_>, _>>()?
        }
        None => {
            let factor = have.partitions.values().next().map_or(1, |partition| partition.replicas.len());
            place(image, more, i16::try_from(factor).unwrap_or(i16::MAX), random)?
        }
    };
    let partitions = (old..).zip(assignments);
    Ok(partitions.map(|(partition, replicas)| new_partition(image, have.id, partition, replicas)).collect())
}

/// Deletes topics by name or by id.
pub fn delete_topics(
    image: &MetadataImage,
    request: &DeleteTopicsRequest,
) -> ControllerResult<DeleteTopicsResponse> {
    let by_name = request.topic_names.iter().map(|name| (Some(name.clone()), Uuid::nil()));
    let by_either = request.topics.iter().map(|topic| (topic.name.clone(), topic.topic_id));
    let (mut records, mut results, mut gone) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (name, id) in by_name.chain(by_either) {
        let found = match &name {
            Some(name) => image.topic(name.as_str()).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
            None => image.topic_by_id(id).ok_or(ErrorCode::UNKNOWN_TOPIC_ID),
        };
        let result = DeletableTopicResult::default();
        results.push(match found {
            Ok(topic) => {
                if gone.insert(topic.id) {
                    records.push(MetadataRecord::RemoveTopic { topic_id: topic.id });
                }
                result
                    .with_name(Some(name.unwrap_or_else(|| TopicName(topic.name.clone().into()))))
                    .with_topic_id(topic.id)
            }
            Err(code) => result.with_name(name).with_topic_id(id).with_error_code(code.0),
        });
    }
    ControllerResult { records, response: DeleteTopicsResponse::default().with_responses(results) }
}
