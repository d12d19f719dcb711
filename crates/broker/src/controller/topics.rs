//! Creating, extending and deleting topics (ReplicationControlManager).

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use blumfeld_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use blumfeld_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use blumfeld_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use blumfeld_protocol::messages::delete_topics_response::DeletableTopicResult;
use blumfeld_protocol::messages::{
    BrokerId, CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    DeleteTopicsRequest, DeleteTopicsResponse, TopicName,
};
use blumfeld_protocol::{ErrorCode, Uuid};

use super::ControllerResult;
use super::configs::check_topic_configs;
use super::placement::place;
use crate::metadata::{MetadataImage, MetadataRecord, PartitionRegistration, ResourceType};
use crate::reply::ApiError;
use crate::topic_config::{TOPIC_CONFIGS, validate_together};
use crate::topic_name::{CLUSTER_METADATA, has_collision, validate_topic_name};

/// What a topic gets where the request leaves it open.
#[derive(Clone, Copy, Debug)]
pub struct TopicDefaults {
    /// `num.partitions`.
    pub num_partitions: i32,
    /// `default.replication.factor`.
    pub replication_factor: i16,
}

/// The names that come twice: they are refused before anything else is looked at.
fn repeated<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut once = BTreeSet::new();
    names.filter(|name| !once.insert(*name)).collect()
}

/// Whether the controller has anything to do: not where all names come twice (ControllerApis.createTopics and
/// createPartitions).
pub fn asks<'a>(names: impl Iterator<Item = &'a str> + Clone) -> bool {
    let twice = repeated(names.clone());
    names.into_iter().any(|name| !twice.contains(name))
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
    let mut duplicates = Vec::new();
    let twice = repeated(request.topics.iter().map(|topic| topic.name.as_str()));
    let single: Vec<&CreatableTopic> =
        request.topics.iter().filter(|topic| !twice.contains(topic.name.as_str())).collect();
    let room = check_total(&single, defaults);
    for topic in &request.topics {
        let name = topic.name.as_str();
        if twice.contains(name) {
            if taken.insert(name.to_owned()) {
                duplicates.push(failed(topic, duplicate_name()));
            }
            continue;
        }
        let topic = &last_configs(topic);
        let created = room.clone();
        match created.and_then(|()| create_topic(image, topic, defaults, (&mut new_id, &mut random))) {
            Ok((changes, result)) => {
                records.extend(changes);
                results.push(result);
            }
            Err(error) => results.push(failed(topic, error)),
        }
    }
    results.extend(duplicates);
    let response = CreateTopicsResponse::default().with_topics(results);
    ControllerResult { records: if request.validate_only { Vec::new() } else { records }, response }
}

/// What is asked for together, before anything else is looked at (ReplicationControlManager.
/// validateTotalNumberOfPartitions).
fn check_total(topics: &[&CreatableTopic], defaults: TopicDefaults) -> Result<(), ApiError> {
    let partitions = |topic: &&CreatableTopic| match (topic.assignments.len(), topic.num_partitions) {
        (0, -1) => defaults.num_partitions,
        (0, number) => number.max(0),
        (assigned, _) => i32::try_from(assigned).unwrap_or(i32::MAX),
    };
    check_partition_count(topics.iter().map(partitions).fold(0, i32::saturating_add))
}

/// The topic with each config once: of those that come twice the last counts.
fn last_configs(topic: &CreatableTopic) -> CreatableTopic {
    let mut topic = topic.clone();
    let configs = std::mem::take(&mut topic.configs);
    for config in configs {
        match topic.configs.iter_mut().find(|have| have.name == config.name) {
            Some(have) => *have = config,
            None => topic.configs.push(config),
        }
    }
    topic
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
    if let Some(other) = image.topics().keys().find(|other| has_collision(name, other)) {
        let message = format!("Topic '{name}' collides with existing topic: {other}");
        return Err(ApiError::new(ErrorCode::INVALID_TOPIC_EXCEPTION, message));
    }
    check_configs(&topic.configs)?;
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
    let cluster = image.configs(ResourceType::Broker, "");
    let configs = TOPIC_CONFIGS.iter().map(|key| {
        let set = topic.configs.iter().find(|config| config.name.as_str() == key.name);
        let own = set.and_then(|config| config.value.clone());
        let below = cluster.get(key.synonym).map(|value| value.clone().into());
        // DYNAMIC_TOPIC_CONFIG, DYNAMIC_DEFAULT_BROKER_CONFIG or DEFAULT_CONFIG
        let source = if set.is_some() { 1 } else { below.as_ref().map_or(5, |_| 3) };
        let value = own.or(below).unwrap_or_else(|| key.default.to_owned().into());
        CreatableTopicConfigs::default()
            .with_name(key.name.to_owned().into())
            .with_value(Some(value))
            .with_config_source(source)
    });
    let result = CreatableTopicResult::default()
        .with_name(topic.name.clone())
        .with_error_message(None)
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

/// In Kafka's order: values that are null, then names, then values (ControllerConfigurationValidator).
fn check_configs(configs: &[CreatableTopicConfig]) -> Result<(), ApiError> {
    let null: Vec<&str> =
        configs.iter().filter(|one| one.value.is_none()).map(|one| one.name.as_str()).collect();
    if !null.is_empty() {
        let message = format!("Null value not supported for topic configs: {}", null.join(","));
        return Err(ApiError::new(ErrorCode::INVALID_CONFIG, message));
    }
    let set: Vec<(&str, &str)> =
        configs.iter().filter_map(|one| Some((one.name.as_str(), one.value.as_deref()?))).collect();
    check_topic_configs(&set)
}

fn manual_assignments(image: &MetadataImage, topic: &CreatableTopic) -> Result<Vec<Vec<i32>>, ApiError> {
    let set = if topic.replication_factor != -1 {
        Some("replication factor")
    } else {
        (topic.num_partitions != -1).then_some("numPartitions")
    };
    if let Some(set) = set {
        let message = format!("A manual partition assignment was specified, but {set} was not set to -1.");
        return Err(ApiError::new(ErrorCode::INVALID_REQUEST, message));
    }
    let (mut assignments, mut factor) = (BTreeMap::new(), None);
    for assignment in &topic.assignments {
        let partition = assignment.partition_index;
        if assignments.contains_key(&partition) {
            let message = format!("Found multiple manual partition assignments for partition {partition}");
            return Err(ApiError::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
        }
        let replicas = check_assignment(image, &assignment.broker_ids, factor)?;
        check_isr(image, partition, &replicas)?;
        factor = Some(replicas.len());
        assignments.insert(partition, replicas);
    }
    if (0..).zip(assignments.keys()).any(|(want, partition)| *partition != want) {
        let message = "partitions should be a consecutive 0-based integer sequence";
        return Err(ApiError::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
    }
    Ok(assignments.into_values().collect())
}

/// The replicas that a request names itself, as many as other partitions have (validateManualPartitionAssignment).
pub(super) fn check_assignment(
    image: &MetadataImage,
    brokers: &[BrokerId],
    factor: Option<usize>,
) -> Result<Vec<i32>, ApiError> {
    let fail = |message: String| Err(ApiError::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
    let replicas: Vec<i32> = brokers.iter().map(|broker| broker.0).collect();
    if replicas.is_empty() {
        return fail("The manual partition assignment includes an empty replica list.".to_owned());
    }
    let mut sorted = replicas.clone();
    sorted.sort_unstable();
    let mut before = None;
    for id in &sorted {
        if !image.brokers().contains_key(id) {
            return fail(format!(
                "The manual partition assignment includes broker {id}, but no such broker is registered."
            ));
        }
        if before == Some(id) {
            return fail(format!("The manual partition assignment includes the broker {id} more than once."));
        }
        before = Some(id);
    }
    if let Some(factor) = factor.filter(|factor| *factor != replicas.len()) {
        return fail(format!(
            "The manual partition assignment includes a partition with {} replica(s), but this is not consistent with \
             previous partitions, which have {factor} replica(s).",
            replicas.len()
        ));
    }
    Ok(replicas)
}

/// Somebody must be there to lead a new partition.
fn check_isr(image: &MetadataImage, partition: i32, replicas: &[i32]) -> Result<(), ApiError> {
    if replicas.iter().any(|id| image.is_active(*id)) {
        return Ok(());
    }
    let message = format!(
        "All brokers specified in the manual partition assignment for partition {partition} are fenced or in controlled \
         shutdown."
    );
    Err(ApiError::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message))
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
    let (mut records, mut results) = (Vec::new(), Vec::new());
    let mut twice = repeated(request.topics.iter().map(|topic| topic.name.as_str()));
    let (duplicates, single): (Vec<_>, Vec<_>) =
        request.topics.iter().partition(|topic| twice.contains(topic.name.as_str()));
    for topic in duplicates {
        if twice.remove(topic.name.as_str()) {
            results.push(not_extended(topic, duplicate_name()));
        }
    }
    for topic in single {
        let extended = extend_topic(image, topic, &mut random).and_then(|changes| {
            // All topics together have no more room than one.
            let all = i32::try_from(records.len() + changes.len()).unwrap_or(i32::MAX);
            check_partition_count(all).map_err(|_| ApiError::code(ErrorCode::UNKNOWN_SERVER_ERROR))?;
            Ok(changes)
        });
        results.push(match extended {
            Ok(changes) => {
                records.extend(changes);
                CreatePartitionsTopicResult::default().with_name(topic.name.clone())
            }
            Err(error) => not_extended(topic, error),
        });
    }
    let response = CreatePartitionsResponse::default().with_results(results);
    ControllerResult { records: if request.validate_only { Vec::new() } else { records }, response }
}

fn not_extended(topic: &CreatePartitionsTopic, error: ApiError) -> CreatePartitionsTopicResult {
    CreatePartitionsTopicResult::default()
        .with_name(topic.name.clone())
        .with_error_code(error.code.0)
        .with_error_message(error.message.map(Into::into))
}

fn duplicate_name() -> ApiError {
    ApiError::new(ErrorCode::INVALID_REQUEST, "Duplicate topic name.")
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
    let assignments = match &topic.assignments {
        Some(given) => {
            if given.len() != usize::try_from(more).unwrap_or(0) {
                let message = format!(
                    "Attempted to add {more} additional partition(s), but only {} assignment(s) were specified.",
                    given.len()
                );
                return Err(ApiError::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
            }
            let factor = have.partitions.values().next().map(|partition| partition.replicas.len());
            let mut assignments = Vec::new();
            for (partition, one) in (old..).zip(given) {
                let replicas = check_assignment(image, &one.broker_ids, factor)?;
                check_isr(image, partition, &replicas)?;
                assignments.push(replicas);
            }
            assignments
        }
        None => {
            // Kafka checks the number only here, and as a failure of its own.
            check_partition_count(more).map_err(|_| ApiError::code(ErrorCode::UNKNOWN_SERVER_ERROR))?;
            let factor = have.partitions.values().next().map_or(1, |partition| partition.replicas.len());
            place(image, more, i16::try_from(factor).unwrap_or(i16::MAX), random)?
        }
    };
    let partitions = (old..).zip(assignments);
    Ok(partitions.map(|(partition, replicas)| new_partition(image, have.id, partition, replicas)).collect())
}

/// A topic that is to be deleted: by name, or by id.
type Asked = (Option<TopicName>, Uuid);

fn asked(request: &DeleteTopicsRequest) -> Vec<Asked> {
    let by_name = request.topic_names.iter().map(|name| (Some(name.clone()), Uuid::nil()));
    let by_either = request.topics.iter().map(|topic| (topic.name.clone(), topic.topic_id));
    by_name.chain(by_either).collect()
}

fn invalid<T>(message: &str) -> Result<T, ApiError> {
    Err(ApiError::new(ErrorCode::INVALID_REQUEST, message))
}

/// Why one of those that are asked for is refused, whatever topics there are.
fn refused(asked: &[Asked], one: &Asked) -> Option<ApiError> {
    let invalid = |message: &str| Some(ApiError::new(ErrorCode::INVALID_REQUEST, message));
    let twice = asked.iter().filter(|other| *other == one).count() > 1;
    match one {
        (None, id) if id.is_nil() => invalid("Neither topic name nor id were specified."),
        (Some(_), id) if !id.is_nil() => invalid("You may not specify both topic name and topic id."),
        (Some(_), _) if twice => Some(duplicate_name()),
        (None, _) if twice => invalid("Duplicate topic id."),
        _ => None,
    }
}

/// Whether any of those that are asked for has to be looked for.
pub fn asks_to_delete(request: &DeleteTopicsRequest) -> bool {
    let asked = asked(request);
    asked.iter().any(|one| refused(&asked, one).is_none())
}

/// Deletes topics by name or by id. What is asked for twice, or in two ways, is refused and stays
/// (ControllerApis.deleteTopics).
pub fn delete_topics(
    image: &MetadataImage,
    request: &DeleteTopicsRequest,
) -> ControllerResult<DeleteTopicsResponse> {
    let asked = asked(request);
    let by_id: BTreeSet<Uuid> = asked.iter().filter(|(name, _)| name.is_none()).map(|(_, id)| *id).collect();
    let find = |one: &Asked| match (one, refused(&asked, one)) {
        (_, Some(error)) => Err(error),
        ((Some(name), _), None) => match image.topic(name.as_str()) {
            Some(topic) if by_id.contains(&topic.id) => {
                invalid("The provided topic name maps to an ID that was already supplied.")
            }
            Some(topic) => Ok(topic),
            None => {
                let message = "This server does not host this topic-partition.";
                Err(ApiError::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message))
            }
        },
        ((None, id), None) => match image.topic_by_id(*id) {
            // By name it is refused already.
            Some(topic)
                if asked
                    .iter()
                    .any(|(name, _)| name.as_ref().is_some_and(|name| name.as_str() == topic.name)) =>
            {
                invalid("")
            }
            Some(topic) => Ok(topic),
            None => {
                let message = "This server does not host this topic ID.";
                Err(ApiError::new(ErrorCode::UNKNOWN_TOPIC_ID, message))
            }
        },
    };
    let (mut records, mut results, mut answered) = (Vec::new(), Vec::new(), BTreeSet::new());
    for one in &asked {
        let (name, id) = one;
        if !answered.insert((name.as_ref().map(|name| name.as_str()), *id)) {
            continue;
        }
        let result = DeletableTopicResult::default();
        match find(one) {
            Ok(topic) => {
                records.push(MetadataRecord::RemoveTopic { topic_id: topic.id });
                let name = TopicName(topic.name.clone().into());
                results.push(result.with_name(Some(name)).with_topic_id(topic.id));
            }
            Err(error) if error.message.as_deref() == Some("") => {}
            Err(error) => results.push(
                result
                    .with_name(name.clone())
                    .with_topic_id(*id)
                    .with_error_code(error.code.0)
                    .with_error_message(error.message.map(Into::into)),
            ),
        }
    }
    ControllerResult { records, response: DeleteTopicsResponse::default().with_responses(results) }
}
