//! Leaders, ISRs and reassignments (org.apache.kafka.controller.ReplicationControlManager).

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use blumfeld_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use blumfeld_protocol::messages::list_partition_reassignments_response::{
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use blumfeld_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, AlterPartitionRequest,
    AlterPartitionResponse, BrokerId, ElectLeadersRequest, ElectLeadersResponse,
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, TopicName,
    alter_partition_request, alter_partition_response,
};
use blumfeld_protocol::wire::StrBytes;
use blumfeld_protocol::{ErrorCode, Uuid};

use super::ControllerResult;
use super::partition_change::{Election, PartitionChangeBuilder};
use super::topics::check_assignment;
use crate::metadata::{MetadataImage, MetadataRecord, PartitionChange, PartitionRegistration};
use crate::reply::ApiError;

/// What has happened to a broker, by which leaders and ISRs change.
#[derive(Clone, Copy, Debug, Default)]
pub struct BrokerEvent {
    /// It may lead no more, and leaves every ISR.
    pub removed: Option<i32>,
    /// It may lead again.
    pub added: Option<i32>,
    /// It came back without having been shut down in order: what it holds may lack records.
    pub unclean_shutdown: Option<i32>,
}

/// The changes of every partition that a broker's coming or going touches (generateLeaderAndIsrUpdates).
pub fn leader_and_isr_updates(image: &MetadataImage, event: BrokerEvent) -> Vec<MetadataRecord> {
    let acceptable = |id: i32| Some(id) != event.removed && (Some(id) == event.added || image.is_active(id));
    let mut records = Vec::new();
    for topic in image.topics().values() {
        for (number, partition) in &topic.partitions {
            let holds = |id: Option<i32>| {
                id.is_some_and(|id| partition.isr.contains(&id) || partition.elr.contains(&id))
            };
            let touched = holds(event.removed)
                || holds(event.unclean_shutdown)
                || (event.added.is_some() && partition.leader < 0);
            if !touched {
                continue;
            }
            let mut builder =
                PartitionChangeBuilder::new(image, &topic.name, topic.id, *number, partition, &acceptable);
            if let Some(removed) = event.removed {
                builder = builder.isr(partition.isr.iter().copied().filter(|id| *id != removed).collect());
            }
            if let Some(broker) = event.unclean_shutdown {
                builder = builder.unclean_shutdown(broker);
            }
            records.extend(builder.build().map(MetadataRecord::PartitionChange));
        }
    }
    records
}

/// Partitions without a leader whose topics allow an unclean election, and what becomes of them
/// (maybeElectUncleanLeaders).
pub fn unclean_elections(image: &MetadataImage) -> Vec<MetadataRecord> {
    let acceptable = |id: i32| image.is_active(id);
    let mut records = Vec::new();
    for topic in image.topics().values().filter(|topic| image.unclean_leader_election(&topic.name)) {
        for (number, partition) in topic.partitions.iter().filter(|(_, partition)| partition.leader < 0) {
            let change =
                PartitionChangeBuilder::new(image, &topic.name, topic.id, *number, partition, &acceptable)
                    .election(Election::Unclean)
                    .build();
            records.extend(change.map(MetadataRecord::PartitionChange));
        }
    }
    records
}

/// Gives leaders back to the replicas that should have them, where too many lead elsewhere
/// (maybeBalancePartitionLeaders, `leader.imbalance.per.broker.percentage`).
pub fn balance_leaders(image: &MetadataImage, percentage: i64) -> Vec<MetadataRecord> {
    let mut preferred: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
    for partition in image.topics().values().flat_map(|topic| topic.partitions.values()) {
        if let Some(first) = partition.replicas.first() {
            let (all, elsewhere) = preferred.entry(*first).or_default();
            *all += 1;
            *elsewhere += i64::from(partition.leader != *first);
        }
    }
    let imbalanced: BTreeSet<i32> = (preferred.into_iter())
        .filter(|(_, (all, elsewhere))| elsewhere * 100 > percentage * all)
        .map(|(id, _)| id)
        .collect();
    let acceptable = |id: i32| image.is_active(id);
    let mut records = Vec::new();
    for topic in image.topics().values() {
        for (number, partition) in &topic.partitions {
            let Some(first) = partition.replicas.first().filter(|first| imbalanced.contains(first)) else {
                continue;
            };
            if partition.leader == *first || !partition.isr.contains(first) || !image.is_active(*first) {
                continue;
            }
            let change =
                PartitionChangeBuilder::new(image, &topic.name, topic.id, *number, partition, &acceptable)
                    .election(Election::Preferred)
                    .build();
            records.extend(change.map(MetadataRecord::PartitionChange));
        }
    }
    records
}

// ---- AlterPartition

/// A leader's proposal for its ISR (KIP-497, KIP-903).
pub fn alter_partition(
    image: &MetadataImage,
    version: i16,
    request: &AlterPartitionRequest,
) -> ControllerResult<AlterPartitionResponse> {
    let stale =
        image.brokers().get(&request.broker_id.0).is_none_or(|broker| broker.epoch != request.broker_epoch);
    if stale {
        let response = AlterPartitionResponse::default().with_error_code(ErrorCode::STALE_BROKER_EPOCH.0);
        return ControllerResult { records: Vec::new(), response };
    }
    let mut records = Vec::new();
    let topics = (request.topics.iter())
        .map(|topic| {
            let partitions = (topic.partitions.iter())
                .map(|asked| {
                    let response = alter_partition_response::PartitionData::default()
                        .with_partition_index(asked.partition_index);
                    match alter_one(image, version, request.broker_id.0, topic.topic_id, asked) {
                        Ok((change, after, code)) => {
                            records.extend(change.map(MetadataRecord::PartitionChange));
                            response
                                .with_error_code(code.0)
                                .with_leader_id(after.leader.into())
                                .with_leader_epoch(after.leader_epoch)
                                .with_isr(after.isr.iter().map(|id| BrokerId(*id)).collect())
                                .with_leader_recovery_state(i8::from(after.recovering))
                                .with_partition_epoch(after.partition_epoch)
                        }
                        Err(code) => response.with_error_code(code.0),
                    }
                })
                .collect();
            alter_partition_response::TopicData::default()
                .with_topic_id(topic.topic_id)
                .with_partitions(partitions)
        })
        .collect();
    ControllerResult { records, response: AlterPartitionResponse::default().with_topics(topics) }
}

fn alter_one(
    image: &MetadataImage,
    version: i16,
    broker: i32,
    topic_id: Uuid,
    asked: &alter_partition_request::PartitionData,
) -> Result<(Option<PartitionChange>, PartitionRegistration, ErrorCode), ErrorCode> {
    let topic = image.topic_by_id(topic_id).ok_or(ErrorCode::UNKNOWN_TOPIC_ID)?;
    let partition =
        topic.partitions.get(&asked.partition_index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    // A leader that is ahead of this controller has heard of another one.
    if asked.leader_epoch > partition.leader_epoch || asked.partition_epoch > partition.partition_epoch {
        return Err(ErrorCode::NOT_CONTROLLER);
    }
    if asked.leader_epoch < partition.leader_epoch {
        return Err(ErrorCode::FENCED_LEADER_EPOCH);
    }
    if broker != partition.leader {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    if asked.partition_epoch < partition.partition_epoch {
        return Err(ErrorCode::INVALID_UPDATE_VERSION);
    }
    let with_epochs: Vec<(i32, Option<i64>)> = if version >= 3 {
        asked.new_isr_with_epochs.iter().map(|one| (one.broker_id.0, Some(one.broker_epoch))).collect()
    } else {
        asked.new_isr.iter().map(|id| (id.0, None)).collect()
    };
    let isr: Vec<i32> = with_epochs.iter().map(|(id, _)| *id).collect();
    let unique: BTreeSet<i32> = isr.iter().copied().collect();
    if isr.is_empty() || unique.len() < isr.len() || isr.iter().any(|id| !partition.replicas.contains(id)) {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    let recovering = asked.leader_recovery_state == 1;
    if !isr.contains(&broker) || (recovering && (!partition.recovering || isr.len() > 1)) {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    let ineligible = with_epochs.iter().any(|(id, epoch)| {
        // -1 is the leader's word for a replica whose epoch it does not know.
        let epoch = epoch.filter(|epoch| *epoch >= 0);
        image
            .brokers()
            .get(id)
            .is_none_or(|known| !known.is_active() || epoch.is_some_and(|e| e != known.epoch))
    });
    if ineligible {
        return Err(ErrorCode::INELIGIBLE_REPLICA);
    }
    let acceptable = |id: i32| image.is_active(id);
    let change = PartitionChangeBuilder::new(
        image,
        &topic.name,
        topic_id,
        asked.partition_index,
        partition,
        &acceptable,
    )
    .isr(isr)
    .recovering(recovering)
    .build();
    let mut after = partition.clone();
    if let Some(change) = &change {
        after.merge(change);
    }
    // A reassignment that has come to its end may have taken the leadership: the old leader is told so.
    if after.leader_epoch != partition.leader_epoch {
        let code = if version >= 2 { ErrorCode::NEW_LEADER_ELECTED } else { ErrorCode::FENCED_LEADER_EPOCH };
        return Ok((change, after, code));
    }
    Ok((change, after, ErrorCode::NONE))
}

// ---- ElectLeaders

/// Elects leaders because somebody asks for it (KIP-460).
pub fn elect_leaders(
    image: &MetadataImage,
    version: i16,
    request: &ElectLeadersRequest,
) -> ControllerResult<ElectLeadersResponse> {
    let election =
        if version >= 1 && request.election_type == 1 { Election::Unclean } else { Election::Preferred };
    let mut records = Vec::new();
    let all = request.topic_partitions.is_none();
    if request.timeout_ms <= 0 {
        return no_election(request, version, ErrorCode::REQUEST_TIMED_OUT, None);
    }
    if version >= 1 && !(0..=1).contains(&request.election_type) {
        let message = format!("Unknown election type {}", request.election_type);
        return no_election(request, version, ErrorCode::INVALID_REQUEST, Some(message));
    }
    let wanted: Vec<(String, Vec<i32>)> = match &request.topic_partitions {
        Some(topics) => {
            topics.iter().map(|topic| (topic.topic.to_string(), topic.partitions.clone())).collect()
        }
        None => image
            .topics()
            .iter()
            .map(|(name, topic)| (name.clone(), topic.partitions.keys().copied().collect()))
            .collect(),
    };
    let mut results = Vec::new();
    for (name, partitions) in wanted {
        let mut partition_results = Vec::new();
        for number in partitions {
            let result = PartitionResult::default().with_partition_id(number).with_error_message(None);
            match elect_one(image, &name, number, election) {
                Ok(change) => {
                    records.push(MetadataRecord::PartitionChange(change));
                    partition_results.push(result);
                }
                // A request about all is told only of those for which there was something to do.
                Err(error) if all && error.code == ErrorCode::ELECTION_NOT_NEEDED => {}
                Err(error) => partition_results.push(
                    result.with_error_code(error.code.0).with_error_message(error.message.map(Into::into)),
                ),
            }
        }
        results.push(
            ReplicaElectionResult::default()
                .with_topic(TopicName(name.into()))
                .with_partition_result(partition_results),
        );
    }
    ControllerResult {
        records,
        response: ElectLeadersResponse::default().with_replica_election_results(results),
    }
}

/// No election of any (ElectLeadersRequest.getErrorResponse).
fn no_election(
    request: &ElectLeadersRequest,
    version: i16,
    code: ErrorCode,
    message: Option<String>,
) -> ControllerResult<ElectLeadersResponse> {
    let results = request.topic_partitions.iter().flatten().map(|topic| {
        let partitions = topic.partitions.iter().map(|number| {
            PartitionResult::default()
                .with_partition_id(*number)
                .with_error_code(code.0)
                .with_error_message(message.clone().map(Into::into))
        });
        ReplicaElectionResult::default()
            .with_topic(topic.topic.clone())
            .with_partition_result(partitions.collect())
    });
    let response = ElectLeadersResponse::default()
        .with_error_code(if version >= 1 { code.0 } else { 0 })
        .with_replica_election_results(results.collect());
    ControllerResult { records: Vec::new(), response }
}

fn elect_one(
    image: &MetadataImage,
    name: &str,
    number: i32,
    election: Election,
) -> Result<PartitionChange, ApiError> {
    let unknown = |what: String| ApiError::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, what);
    let topic = image.topic(name).ok_or_else(|| unknown(format!("No such topic as {name}")))?;
    let partition = (topic.partitions.get(&number))
        .ok_or_else(|| unknown(format!("No such partition as {name}-{number}")))?;
    let acceptable = |id: i32| image.is_active(id);
    let not_needed = match election {
        Election::Preferred => Some(partition.leader) == partition.replicas.first().copied(),
        _ => partition.leader >= 0,
    };
    if not_needed {
        let message = "Leader election not needed for topic partition.";
        return Err(ApiError::new(ErrorCode::ELECTION_NOT_NEEDED, message));
    }
    let builder =
        PartitionChangeBuilder::new(image, name, topic.id, number, partition, &acceptable).election(election);
    match (builder.build(), election) {
        (Some(change), Election::Preferred) if change.leader == partition.replicas.first().copied() => {
            Ok(change)
        }
        (Some(change), Election::Unclean) if change.leader.is_some_and(|leader| leader >= 0) => Ok(change),
        (_, Election::Preferred) => {
            let message = "The preferred leader was not available.";
            Err(ApiError::new(ErrorCode::PREFERRED_LEADER_NOT_AVAILABLE, message))
        }
        _ => {
            let message = "Eligible topic partition leaders are not available.";
            Err(ApiError::new(ErrorCode::ELIGIBLE_LEADERS_NOT_AVAILABLE, message))
        }
    }
}

// ---- reassignments

/// Moves replicas, or takes back moves that are under way (KIP-455).
pub fn alter_reassignments(
    image: &MetadataImage,
    version: i16,
    request: &AlterPartitionReassignmentsRequest,
) -> ControllerResult<AlterPartitionReassignmentsResponse> {
    if request.topics.is_empty() || request.timeout_ms <= 0 {
        return no_reassignment(request);
    }
    let allow_factor_change = version < 1 || request.allow_replication_factor_change;
    let mut records = Vec::new();
    let responses = (request.topics.iter())
        .map(|topic| {
            let partitions = (topic.partitions.iter())
                .map(|asked| {
                    let replicas = asked.replicas.as_deref();
                    let response = ReassignablePartitionResponse::default()
                        .with_partition_index(asked.partition_index)
                        .with_error_message(None);
                    match reassign(
                        image,
                        topic.name.as_str(),
                        asked.partition_index,
                        replicas,
                        allow_factor_change,
                    ) {
                        Ok(change) => {
                            records.extend(change.map(MetadataRecord::PartitionChange));
                            response
                        }
                        Err(error) => response
                            .with_error_code(error.code.0)
                            .with_error_message(error.message.map(Into::into)),
                    }
                })
                .collect();
            ReassignableTopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions)
        })
        .collect();
    let response = AlterPartitionReassignmentsResponse::default()
        .with_error_message(None)
        .with_allow_replication_factor_change(request.allow_replication_factor_change)
        .with_responses(responses);
    ControllerResult { records, response }
}

/// What is said where nothing moves: there is no time for it (AlterPartitionReassignmentsRequest.getErrorResponse), or
/// nothing is asked for, which needs none.
fn no_reassignment(
    request: &AlterPartitionReassignmentsRequest,
) -> ControllerResult<AlterPartitionReassignmentsResponse> {
    let (code, message) = match request.topics.len() {
        0 => (0, Some(StrBytes::default())),
        _ => (ErrorCode::REQUEST_TIMED_OUT.0, None),
    };
    let responses = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            ReassignablePartitionResponse::default()
                .with_partition_index(asked.partition_index)
                .with_error_code(code)
                .with_error_message(None)
        });
        ReassignableTopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    let response = AlterPartitionReassignmentsResponse::default()
        .with_error_code(code)
        .with_error_message(message)
        .with_allow_replication_factor_change(true)
        .with_responses(responses.collect());
    ControllerResult { records: Vec::new(), response }
}

fn reassign(
    image: &MetadataImage,
    name: &str,
    number: i32,
    replicas: Option<&[BrokerId]>,
    allow_factor_change: bool,
) -> Result<Option<PartitionChange>, ApiError> {
    let unknown = |what: String| ApiError::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, what);
    let topic = image.topic(name).ok_or_else(|| unknown(format!("Unable to find a topic named {name}.")))?;
    let partition = (topic.partitions.get(&number))
        .ok_or_else(|| unknown(format!("Unable to find partition {name}:{number}.")))?;
    let acceptable = |id: i32| image.is_active(id);
    let builder = PartitionChangeBuilder::new(image, name, topic.id, number, partition, &acceptable);
    let Some(wanted) = replicas else {
        if !partition.is_reassigning() {
            return Err(ApiError::code(ErrorCode::NO_REASSIGNMENT_IN_PROGRESS));
        }
        // Back to what was before: those that were being brought go, those that were to go stay.
        let replicas: Vec<i32> =
            partition.replicas.iter().copied().filter(|id| !partition.adding.contains(id)).collect();
        let isr: Vec<i32> = partition.isr.iter().copied().filter(|id| replicas.contains(id)).collect();
        if isr.is_empty() && !image.unclean_leader_election(name) {
            let message = format!(
                "Unable to revert partition assignment for {name}:{number} because it would require an unclean leader \
                 election."
            );
            return Err(ApiError::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
        }
        return Ok(builder.isr(isr).assignment(replicas, Vec::new(), Vec::new()).build());
    };
    let target = check_assignment(image, wanted, None)?;
    let current = &partition.replicas;
    let factor = current.iter().filter(|id| !partition.removing.contains(id)).count();
    if !allow_factor_change && target.len() != factor {
        let message = format!("The replication factor is changed from {factor} to {}", target.len());
        return Err(ApiError::new(ErrorCode::INVALID_REPLICATION_FACTOR, message));
    }
    // The new replicas come first, in their order; those that go stay at the end until the new ones are in sync.
    let removing: Vec<i32> = current.iter().copied().filter(|id| !target.contains(id)).collect();
    let adding: Vec<i32> = target.iter().copied().filter(|id| !current.contains(id)).collect();
    let mut merged = target;
    merged.extend(&removing);
    let isr: Vec<i32> = partition.isr.iter().copied().filter(|id| merged.contains(id)).collect();
    Ok(builder.isr(isr).assignment(merged, removing, adding).build())
}

/// The moves that are under way.
pub fn list_reassignments(
    image: &MetadataImage,
    request: &ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    let ongoing = |name: &str, wanted: Option<&[i32]>| -> Option<OngoingTopicReassignment> {
        let topic = image.topic(name)?;
        let ids = |ids: &[i32]| ids.iter().map(|id| BrokerId(*id)).collect();
        let partitions: Vec<OngoingPartitionReassignment> = (topic.partitions.iter())
            .filter(|(number, partition)| {
                partition.is_reassigning() && wanted.is_none_or(|wanted| wanted.contains(number))
            })
            .map(|(number, partition)| {
                OngoingPartitionReassignment::default()
                    .with_partition_index(*number)
                    .with_replicas(ids(&partition.replicas))
                    .with_adding_replicas(ids(&partition.adding))
                    .with_removing_replicas(ids(&partition.removing))
            })
            .collect();
        (!partitions.is_empty()).then(|| {
            OngoingTopicReassignment::default()
                .with_name(TopicName(name.to_owned().into()))
                .with_partitions(partitions)
        })
    };
    let topics = match &request.topics {
        Some(topics) => topics
            .iter()
            .filter_map(|topic| ongoing(topic.name.as_str(), Some(&topic.partition_indexes)))
            .collect(),
        None => image.topics().keys().filter_map(|name| ongoing(name, None)).collect(),
    };
    ListPartitionReassignmentsResponse::default().with_error_message(None).with_topics(topics)
}
