//! What is asked about groups: of every broker, or of each group's coordinator, which is found first.

mod messages;

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::{Context, Endpoint};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::*;

use super::calls::text;
use super::types::{AdminRequest, AdminResponse};
use crate::consumer::OffsetAndMetadata;
use crate::{ApiError, Broker, Completed, Metadata, NetworkClient, TopicPartition};
use messages::{commit, delete_offsets, describe, fetch_all, fetched, id, leave, unless_the_group_fails};

/// The protocol type of groups of consumers (org.apache.kafka.clients.consumer.internals.ConsumerProtocol).
const CONSUMER: &str = "consumer";

/// A group among others (org.apache.kafka.clients.admin.GroupListing).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupListing {
    /// Its id.
    pub id: String,
    /// What its members are: `consumer`, or empty for a group that has offsets alone.
    pub protocol_type: String,
    /// Its state, by Kafka's name; empty from brokers that tell none.
    pub state: String,
    /// Its type, by Kafka's name; empty from brokers that tell none.
    pub kind: String,
}

/// A member of a group (org.apache.kafka.clients.admin.MemberDescription).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberDescription {
    /// Its id, which the coordinator gave it.
    pub id: String,
    /// Its `group.instance.id`, if it is static.
    pub instance_id: Option<String>,
    /// Its `client.id`.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// What it is assigned.
    pub partitions: Vec<TopicPartition>,
}

/// A group (org.apache.kafka.clients.admin.ConsumerGroupDescription).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupDescription {
    /// Its id.
    pub id: String,
    /// Its state, by Kafka's name.
    pub state: String,
    /// How its partitions are assigned; empty while nobody has said.
    pub assignor: String,
    /// Its coordinator.
    pub coordinator: Broker,
    /// Its members, in the coordinator's order.
    pub members: Vec<MemberDescription>,
}

/// What was learnt of one group.
#[derive(Clone, Debug)]
enum Learnt {
    Description(GroupDescription),
    Offsets(BTreeMap<TopicPartition, OffsetAndMetadata>),
    Partitions(BTreeMap<TopicPartition, Result<(), ApiError>>),
    Deleted,
}

/// What a request of a call under way is about.
#[derive(Clone, Debug)]
enum Asked {
    Listing(i32),
    Coordinators(Vec<String>),
    Groups(Vec<String>),
}

/// How far a call about groups is.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    asked: BTreeMap<i32, Asked>,
    coordinators: BTreeMap<String, Broker>,
    done: BTreeMap<String, Result<Learnt, ApiError>>,
    /// Brokers that have listed theirs.
    listed_by: BTreeSet<i32>,
    listings: BTreeMap<String, GroupListing>,
}

/// What became of an attempt to send a call.
pub(super) enum Sent {
    /// Requests left, with these numbers.
    Requests(Vec<i32>),
    /// Nothing can leave yet.
    NotYet,
    /// It is over.
    Over(Result<AdminResponse, ApiError>),
}

/// Whether a call is one of this file.
pub(super) fn is_about(request: &AdminRequest) -> bool {
    matches!(
        request,
        AdminRequest::ListGroups { .. }
            | AdminRequest::DescribeGroups(_)
            | AdminRequest::ListGroupOffsets(_)
            | AdminRequest::AlterGroupOffsets { .. }
            | AdminRequest::DeleteGroupOffsets { .. }
            | AdminRequest::DeleteGroups(_)
            | AdminRequest::RemoveMembers { .. }
    )
}

/// What Java calls the step at which a call stands; `unknown` says that no broker is known.
pub(super) fn call_name(request: &AdminRequest, groups: &Groups, unknown: bool) -> Option<String> {
    let api = match request {
        AdminRequest::ListGroups { .. } => return unknown.then(|| "findAllBrokers".to_owned()),
        AdminRequest::DescribeGroups(_) => "DESCRIBE_GROUPS",
        AdminRequest::ListGroupOffsets(_) => "OFFSET_FETCH",
        AdminRequest::AlterGroupOffsets { .. } => "OFFSET_COMMIT",
        AdminRequest::DeleteGroupOffsets { .. } => "OFFSET_DELETE",
        AdminRequest::DeleteGroups(_) => "DELETE_GROUPS",
        AdminRequest::RemoveMembers { .. } => "LEAVE_GROUP",
        _ => return None,
    };
    let mut open = keys(request).iter().filter(|group| !groups.done.contains_key(*group));
    let found = open.all(|group| groups.coordinators.contains_key(group));
    let api = if found { api } else { "FIND_COORDINATOR" };
    Some(format!("{}(api={api})", request.call_name()))
}

/// The groups that a call is about.
fn keys(request: &AdminRequest) -> &[String] {
    match request {
        AdminRequest::DescribeGroups(groups) | AdminRequest::DeleteGroups(groups) => groups,
        AdminRequest::ListGroupOffsets(group)
        | AdminRequest::AlterGroupOffsets { group, .. }
        | AdminRequest::DeleteGroupOffsets { group, .. }
        | AdminRequest::RemoveMembers { group, .. } => std::slice::from_ref(group),
        _ => &[],
    }
}

/// Sends what can be sent of a call.
pub(super) fn send(
    net: &mut NetworkClient,
    cx: &mut Context<'_>,
    metadata: &mut Metadata,
    request: &AdminRequest,
    groups: &mut Groups,
) -> Sent {
    groups.asked.clear();
    let sent = match request {
        AdminRequest::ListGroups { states, types } => list(net, cx, metadata, (states, types), groups),
        _ => {
            let open: Vec<&String> =
                keys(request).iter().filter(|group| !groups.done.contains_key(*group)).collect();
            if open.is_empty() {
                return Sent::Over(Ok(gathered(request, groups)));
            }
            let unknown = |group: &&&String| !groups.coordinators.contains_key(**group);
            let without: Vec<String> = open.iter().filter(unknown).map(|group| (*group).clone()).collect();
            if without.is_empty() {
                let open = open.into_iter().cloned().collect();
                ask_coordinators(net, cx, request, groups, open)
            } else {
                find_coordinators(net, cx, metadata, groups, without)
            }
        }
    };
    match sent {
        Err(error) => Sent::Over(Err(error)),
        Ok(()) if groups.asked.is_empty() => Sent::NotYet,
        Ok(()) => Sent::Requests(groups.asked.keys().copied().collect()),
    }
}

fn list(
    net: &mut NetworkClient,
    cx: &mut Context<'_>,
    metadata: &mut Metadata,
    (states, types): (&[String], &[String]),
    groups: &mut Groups,
) -> Result<(), ApiError> {
    if metadata.brokers().is_empty() {
        metadata.request_update();
        return Ok(());
    }
    let open: Vec<&Broker> =
        metadata.brokers().values().filter(|broker| !groups.listed_by.contains(&broker.id)).collect();
    for broker in open {
        if !net.ready(cx, broker.id, &broker.endpoint) {
            continue;
        }
        let version = net.version::<ListGroupsRequest>(broker.id)?;
        let mut body = ListGroupsRequest::default();
        let texts = |words: &[String]| words.iter().map(|word| text(word)).collect();
        if version >= 4 {
            body.states_filter = texts(states);
        }
        if version >= 5 {
            body.types_filter = texts(types);
        }
        let number = net.send(cx, broker.id, version, &body, true)?;
        groups.asked.insert(number, Asked::Listing(broker.id));
    }
    Ok(())
}

fn find_coordinators(
    net: &mut NetworkClient,
    cx: &mut Context<'_>,
    metadata: &mut Metadata,
    groups: &mut Groups,
    keys: Vec<String>,
) -> Result<(), ApiError> {
    let Some(node) = metadata.least_loaded(cx, net) else { return Ok(()) };
    let version = net.version::<FindCoordinatorRequest>(node)?;
    if version >= 4 {
        let body = FindCoordinatorRequest::default()
            .with_coordinator_keys(keys.iter().map(|group| text(group)).collect());
        let number = net.send(cx, node, version, &body, true)?;
        groups.asked.insert(number, Asked::Coordinators(keys));
        return Ok(());
    }
    for group in keys {
        let body = FindCoordinatorRequest::default().with_key(text(&group));
        let number = net.send(cx, node, version, &body, true)?;
        groups.asked.insert(number, Asked::Coordinators(vec![group]));
    }
    Ok(())
}

fn ask_coordinators(
    net: &mut NetworkClient,
    cx: &mut Context<'_>,
    request: &AdminRequest,
    groups: &mut Groups,
    open: Vec<String>,
) -> Result<(), ApiError> {
    let mut by_broker: BTreeMap<i32, (Endpoint, Vec<String>)> = BTreeMap::new();
    for group in open {
        let Some(broker) = groups.coordinators.get(&group) else { continue };
        let one = by_broker.entry(broker.id).or_insert_with(|| (broker.endpoint.clone(), Vec::new()));
        one.1.push(group);
    }
    for (node, (endpoint, of)) in by_broker {
        if !net.ready(cx, node, &endpoint) {
            continue;
        }
        let number = match request {
            AdminRequest::DescribeGroups(_) => {
                let version = net.version::<DescribeGroupsRequest>(node)?;
                let body =
                    DescribeGroupsRequest::default().with_groups(of.iter().map(|group| id(group)).collect());
                net.send(cx, node, version, &body, true)?
            }
            AdminRequest::DeleteGroups(_) => {
                let version = net.version::<DeleteGroupsRequest>(node)?;
                let names = of.iter().map(|group| id(group)).collect();
                net.send(cx, node, version, &DeleteGroupsRequest::default().with_groups_names(names), true)?
            }
            AdminRequest::ListGroupOffsets(group) => {
                let version = net.version::<OffsetFetchRequest>(node)?;
                net.send(cx, node, version, &fetch_all(group, version), true)?
            }
            AdminRequest::AlterGroupOffsets { group, offsets } => {
                let version = net.version::<OffsetCommitRequest>(node)?;
                net.send(cx, node, version, &commit(group, offsets, version), true)?
            }
            AdminRequest::DeleteGroupOffsets { group, partitions } => {
                let version = net.version::<OffsetDeleteRequest>(node)?;
                net.send(cx, node, version, &delete_offsets(group, partitions), true)?
            }
            AdminRequest::RemoveMembers { group, members, reason } => {
                let version = net.version::<LeaveGroupRequest>(node)?;
                net.send(cx, node, version, &leave(group, members, reason, version), true)?
            }
            _ => return Err(ErrorCode::INVALID_REQUEST.into()),
        };
        groups.asked.insert(number, Asked::Groups(of));
    }
    Ok(())
}

/// Takes an answer. A retriable error says to ask again later; `None`, that there is more to ask at once.
pub(super) fn answered(
    request: &AdminRequest,
    completed: &Completed,
    groups: &mut Groups,
) -> Result<Option<AdminResponse>, ApiError> {
    let taken = match groups.asked.remove(&completed.correlation_id) {
        None => Ok(()),
        Some(Asked::Listing(broker)) => listed(completed, broker, groups),
        Some(Asked::Coordinators(keys)) => found(completed, &keys, groups),
        Some(Asked::Groups(keys)) => {
            let taken = learnt(request, completed, &keys, groups);
            if let Err(error) = &taken
                && error.code != ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
            {
                // Whoever does not answer, or does so for another, is asked for anew.
                groups.coordinators.retain(|group, _| !keys.contains(group));
            }
            taken
        }
    };
    taken?;
    let over = match request {
        // Who the brokers are is looked at when the call is sent again.
        AdminRequest::ListGroups { .. } => groups.asked.is_empty(),
        _ => keys(request).iter().all(|group| groups.done.contains_key(group)),
    };
    Ok(over.then(|| gathered(request, groups)))
}

fn listed(completed: &Completed, broker: i32, groups: &mut Groups) -> Result<(), ApiError> {
    let response: ListGroupsResponse = completed.decode()?;
    ApiError::check(response.error_code, None)?;
    for group in response.groups {
        let listing = GroupListing {
            id: group.group_id.to_string(),
            protocol_type: group.protocol_type.to_string(),
            state: group.group_state.to_string(),
            kind: group.group_type.to_string(),
        };
        if listing.protocol_type.is_empty() || listing.protocol_type == CONSUMER {
            groups.listings.insert(listing.id.clone(), listing);
        }
    }
    groups.listed_by.insert(broker);
    Ok(())
}

fn found(completed: &Completed, keys: &[String], groups: &mut Groups) -> Result<(), ApiError> {
    let response: FindCoordinatorResponse = completed.decode()?;
    let mut found: Vec<_> = response
        .coordinators
        .into_iter()
        .map(|one| (one.key.to_string(), one.error_code, one.error_message, one.node_id, one.host, one.port))
        .collect();
    if found.is_empty()
        && let [key] = keys
    {
        found.push((
            key.clone(),
            response.error_code,
            response.error_message,
            response.node_id,
            response.host,
            response.port,
        ));
    }
    let mut again = None;
    for (key, code, message, node, host, port) in found {
        match (ApiError::check(code, message.as_ref()), u16::try_from(port)) {
            (Ok(()), Ok(port)) => {
                let endpoint = Endpoint::new(&host, port);
                groups.coordinators.insert(key, Broker { id: node.0, endpoint, rack: None });
            }
            (Err(error), _) if !error.code.is_retriable() => {
                groups.done.insert(key, Err(error));
            }
            (Err(error), _) => again = Some(error),
            (Ok(()), Err(_)) => again = Some(ErrorCode::COORDINATOR_NOT_AVAILABLE.into()),
        }
    }
    // A broker that says nothing of a group is asked again, as if it had said that it cannot tell.
    let told = |group: &String| groups.coordinators.contains_key(group) || groups.done.contains_key(group);
    match again {
        None if keys.iter().all(told) => Ok(()),
        again => Err(again.unwrap_or_else(|| ErrorCode::COORDINATOR_NOT_AVAILABLE.into())),
    }
}

/// Takes a coordinator's answer.
fn learnt(
    request: &AdminRequest,
    completed: &Completed,
    keys: &[String],
    groups: &mut Groups,
) -> Result<(), ApiError> {
    let mut results: Vec<(String, Result<Learnt, ApiError>)> = Vec::new();
    match request {
        AdminRequest::DescribeGroups(_) => {
            let response: DescribeGroupsResponse = completed.decode()?;
            for group in &response.groups {
                let id = group.group_id.to_string();
                let Some(coordinator) = groups.coordinators.get(&id).cloned() else { continue };
                let described = ApiError::check(group.error_code, group.error_message.as_ref())
                    .and_then(|()| describe(group, coordinator));
                results.push((id, described.map(Learnt::Description)));
            }
        }
        AdminRequest::DeleteGroups(_) => {
            let response: DeleteGroupsResponse = completed.decode()?;
            for one in &response.results {
                let result = ApiError::check(one.error_code, None).map(|()| Learnt::Deleted);
                results.push((one.group_id.to_string(), result));
            }
        }
        AdminRequest::ListGroupOffsets(group) => {
            let fetched = fetched(completed.decode()?);
            results.push((group.clone(), fetched.map(Learnt::Offsets)));
        }
        AdminRequest::AlterGroupOffsets { group, .. } => {
            let response: OffsetCommitResponse = completed.decode()?;
            let mut partitions = BTreeMap::new();
            for topic in &response.topics {
                for one in &topic.partitions {
                    let result = ApiError::check(one.error_code, None);
                    partitions.insert(TopicPartition::new(&topic.name, one.partition_index), result);
                }
            }
            results.push((group.clone(), unless_the_group_fails(partitions)));
        }
        AdminRequest::DeleteGroupOffsets { group, .. } => {
            let response: OffsetDeleteResponse = completed.decode()?;
            let result = ApiError::check(response.error_code, None).map(|()| {
                let mut partitions = BTreeMap::new();
                for topic in &response.topics {
                    for one in &topic.partitions {
                        let result = ApiError::check(one.error_code, None);
                        partitions.insert(TopicPartition::new(&topic.name, one.partition_index), result);
                    }
                }
                Learnt::Partitions(partitions)
            });
            results.push((group.clone(), result));
        }
        AdminRequest::RemoveMembers { group, .. } => {
            let response: LeaveGroupResponse = completed.decode()?;
            let gone = |code: i16| matches!(ErrorCode(code), ErrorCode::NONE | ErrorCode::UNKNOWN_MEMBER_ID);
            let stays = response.members.iter().map(|member| member.error_code).find(|code| !gone(*code));
            let result = ApiError::check(stays.unwrap_or(response.error_code), None);
            results.push((group.clone(), result.map(|()| Learnt::Deleted)));
        }
        _ => return Err(ErrorCode::INVALID_REQUEST.into()),
    }
    let mut again = None;
    for (group, result) in results {
        match result {
            Err(error) if error.code.is_retriable() || error.code == ErrorCode::REBALANCE_IN_PROGRESS => {
                again = Some(error);
            }
            result => {
                groups.done.insert(group, result);
            }
        }
    }
    match again {
        // Rebalances end; the code says so to members alone.
        Some(error) if !error.code.is_retriable() => Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS.into()),
        Some(error) => Err(error),
        None if keys.iter().all(|group| groups.done.contains_key(group)) => Ok(()),
        None => Err(ErrorCode::COORDINATOR_NOT_AVAILABLE.into()),
    }
}

/// The whole answer of a call.
fn gathered(request: &AdminRequest, groups: &mut Groups) -> AdminResponse {
    let done = std::mem::take(&mut groups.done);
    let wrong = || ApiError::from(ErrorCode::UNKNOWN_SERVER_ERROR);
    let only = |done: BTreeMap<String, Result<Learnt, ApiError>>| {
        done.into_values().next().unwrap_or_else(|| Err(wrong()))
    };
    match request {
        AdminRequest::ListGroups { .. } => {
            AdminResponse::Groups(std::mem::take(&mut groups.listings).into_values().collect())
        }
        AdminRequest::DescribeGroups(_) => AdminResponse::GroupDescriptions(
            done.into_iter()
                .map(|(group, learnt)| match learnt {
                    Ok(Learnt::Description(description)) => (group, Ok(description)),
                    Ok(_) => (group, Err(wrong())),
                    Err(error) => (group, Err(error)),
                })
                .collect(),
        ),
        AdminRequest::ListGroupOffsets(_) => AdminResponse::GroupOffsets(match only(done) {
            Ok(Learnt::Offsets(offsets)) => Ok(offsets),
            Ok(_) => Err(wrong()),
            Err(error) => Err(error),
        }),
        AdminRequest::DeleteGroups(_) => AdminResponse::GroupsDeleted(
            done.into_iter().map(|(group, learnt)| (group, learnt.map(|_| ()))).collect(),
        ),
        AdminRequest::RemoveMembers { .. } => AdminResponse::MembersRemoved(only(done).map(|_| ())),
        _ => AdminResponse::GroupPartitions(match only(done) {
            Ok(Learnt::Partitions(partitions)) => Ok(partitions),
            Ok(_) => Err(wrong()),
            Err(error) => Err(error),
        }),
    }
}
