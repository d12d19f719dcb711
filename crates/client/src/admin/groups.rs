//! Calls about groups and transactional ids: every broker lists its own, or the coordinator of each is found and asked.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::{Context, Endpoint};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};

use super::calls::describe_groups::{self, GroupDescription};
use super::calls::describe_transactions::{self, TransactionDescription};
use super::calls::list_groups::{self, GroupListing};
use super::calls::list_transactions::{self, TransactionListing};
use super::calls::{
    CoordinatorCall, GroupCall, Sender, alter_group_offsets, delete_group_offsets, delete_groups,
    fence_producer, list_group_offsets, remove_members, text,
};
use super::types::AdminResponse;
use crate::consumer::OffsetAndMetadata;
use crate::producer::ProducerIdAndEpoch;
use crate::{ApiError, Broker, Completed, Metadata, NetworkClient, TopicPartition};

/// What was learnt of one group.
#[derive(Clone, Debug)]
pub(super) enum Learnt {
    Description(GroupDescription),
    Offsets(BTreeMap<TopicPartition, OffsetAndMetadata>),
    Partitions(BTreeMap<TopicPartition, Result<(), ApiError>>),
    Deleted,
    Transaction(TransactionDescription),
    Fenced(ProducerIdAndEpoch),
}

/// What was learnt of a group, or its error.
pub(super) type GroupResult = Result<Learnt, ApiError>;
/// The same of several groups, by id.
pub(super) type GroupResults = Vec<(String, GroupResult)>;

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
    done: BTreeMap<String, GroupResult>,
    /// Brokers that have listed theirs.
    listed_by: BTreeSet<i32>,
    listings: BTreeMap<String, GroupListing>,
    /// Transactional ids by the broker that coordinates them.
    transactions: BTreeMap<i32, Vec<TransactionListing>>,
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

impl GroupCall<'_> {
    /// What Java calls the step at which a call stands, for a call whose method is `method`; `unknown` says that no
    /// broker is known. Nothing where it is called by its method.
    pub fn step(self, method: &str, groups: &Groups, unknown: bool) -> Option<String> {
        let call = match self {
            Self::List { .. } => return unknown.then(|| "findAllBrokers".to_owned()),
            Self::ListTransactions(_) => {
                let api = if unknown { "METADATA" } else { "LIST_TRANSACTIONS" };
                return Some(format!("{method}(api={api})"));
            }
            Self::Of(call) => call,
        };
        let api = match call {
            CoordinatorCall::DescribeGroups(_) => "DESCRIBE_GROUPS",
            CoordinatorCall::ListGroupOffsets(_) => "OFFSET_FETCH",
            CoordinatorCall::AlterGroupOffsets { .. } => "OFFSET_COMMIT",
            CoordinatorCall::DeleteGroupOffsets { .. } => "OFFSET_DELETE",
            CoordinatorCall::DeleteGroups(_) => "DELETE_GROUPS",
            CoordinatorCall::RemoveMembers { .. } => "LEAVE_GROUP",
            CoordinatorCall::DescribeTransactions(_) => "DESCRIBE_TRANSACTIONS",
            CoordinatorCall::FenceProducer(_) => "INIT_PRODUCER_ID",
        };
        let mut open = call.keys().iter().filter(|group| !groups.done.contains_key(*group));
        let found = open.all(|group| groups.coordinators.contains_key(group));
        let api = if found { api } else { "FIND_COORDINATOR" };
        Some(format!("{method}(api={api})"))
    }

    /// Sends what can be sent.
    pub fn send(
        self,
        net: &mut NetworkClient,
        cx: &mut Context<'_>,
        metadata: &mut Metadata,
        groups: &mut Groups,
        timeout_ms: i64,
    ) -> Sent {
        groups.asked.clear();
        let sent = match self {
            // Each broker lists its own, and the list is whole once the last one has.
            Self::List { .. } | Self::ListTransactions(_) if has_all(metadata, groups) => {
                return Sent::Over(Ok(self.gathered(groups)));
            }
            Self::List { states, types } => {
                list(net, cx, metadata, groups, timeout_ms, |to| list_groups::send(to, states, types))
            }
            Self::ListTransactions(filter) => {
                list(net, cx, metadata, groups, timeout_ms, |to| list_transactions::send(to, filter))
            }
            Self::Of(call) => {
                let open: Vec<&String> =
                    call.keys().iter().filter(|group| !groups.done.contains_key(*group)).collect();
                if open.is_empty() {
                    return Sent::Over(Ok(self.gathered(groups)));
                }
                let unknown = |group: &&&String| !groups.coordinators.contains_key(**group);
                let without: Vec<String> =
                    open.iter().filter(unknown).map(|group| (*group).clone()).collect();
                if without.is_empty() {
                    let open = open.into_iter().cloned().collect();
                    ask_coordinators(net, cx, call, groups, open, timeout_ms)
                } else {
                    find_coordinators(net, cx, metadata, groups, (call.key_type(), without))
                }
            }
        };
        match sent {
            Err(error) => Sent::Over(Err(error)),
            Ok(()) if groups.asked.is_empty() => Sent::NotYet,
            Ok(()) => Sent::Requests(groups.asked.keys().copied().collect()),
        }
    }

    /// Takes an answer. A retriable error says to ask again later; `None`, that there is more to ask at once.
    pub fn answered(
        self,
        completed: &Completed,
        groups: &mut Groups,
    ) -> Result<Option<AdminResponse>, ApiError> {
        match (groups.asked.remove(&completed.correlation_id), self) {
            (None, _) => {}
            (Some(Asked::Listing(broker)), Self::ListTransactions(_)) => {
                let listed = list_transactions::answered(completed, broker)?;
                groups.transactions.insert(broker, listed);
                groups.listed_by.insert(broker);
            }
            (Some(Asked::Listing(broker)), _) => {
                list_groups::answered(completed, &mut groups.listings)?;
                groups.listed_by.insert(broker);
            }
            (Some(Asked::Coordinators(keys)), _) => found(completed, &keys, groups)?,
            (Some(Asked::Groups(keys)), Self::Of(call)) => {
                let taken = learnt(call, completed, &keys, groups);
                if let Err(error) = &taken
                    && error.code != ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
                {
                    // A broker that does not answer, or coordinates them no more, is not asked again.
                    groups.coordinators.retain(|group, _| !keys.contains(group));
                }
                taken?;
            }
            // Lists are asked of brokers.
            (Some(Asked::Groups(_)), Self::List { .. } | Self::ListTransactions(_)) => {}
        }
        let over = match self {
            // Who the brokers are is looked at when the call is sent again: one may not have been connected yet.
            Self::List { .. } | Self::ListTransactions(_) => false,
            Self::Of(call) => call.keys().iter().all(|group| groups.done.contains_key(group)),
        };
        Ok(over.then(|| self.gathered(groups)))
    }

    /// The whole answer.
    fn gathered(self, groups: &mut Groups) -> AdminResponse {
        let call = match self {
            Self::List { .. } => {
                return AdminResponse::Groups(std::mem::take(&mut groups.listings).into_values().collect());
            }
            Self::ListTransactions(_) => {
                return AdminResponse::Transactions(std::mem::take(&mut groups.transactions));
            }
            Self::Of(call) => call,
        };
        let done = std::mem::take(&mut groups.done);
        let only = |done: BTreeMap<String, GroupResult>| {
            done.into_values().next().unwrap_or_else(|| Err(ErrorCode::UNKNOWN_SERVER_ERROR.into()))
        };
        match call {
            CoordinatorCall::DescribeGroups(_) => describe_groups::gathered(done),
            CoordinatorCall::DeleteGroups(_) => delete_groups::gathered(done),
            CoordinatorCall::ListGroupOffsets(_) => list_group_offsets::gathered(only(done)),
            CoordinatorCall::RemoveMembers { .. } => remove_members::gathered(only(done)),
            CoordinatorCall::DescribeTransactions(_) => describe_transactions::gathered(done),
            CoordinatorCall::FenceProducer(_) => fence_producer::gathered(only(done)),
            CoordinatorCall::AlterGroupOffsets { .. } | CoordinatorCall::DeleteGroupOffsets { .. } => {
                AdminResponse::GroupPartitions(match only(done) {
                    Ok(Learnt::Partitions(partitions)) => Ok(partitions),
                    Ok(
                        Learnt::Description(_)
                        | Learnt::Offsets(_)
                        | Learnt::Deleted
                        | Learnt::Transaction(_)
                        | Learnt::Fenced(_),
                    ) => Err(ErrorCode::UNKNOWN_SERVER_ERROR.into()),
                    Err(error) => Err(error),
                })
            }
        }
    }
}

impl<'a> CoordinatorCall<'a> {
    /// The groups that the call is about.
    fn keys(self) -> &'a [String] {
        match self {
            Self::DescribeGroups(groups)
            | Self::DeleteGroups(groups)
            | Self::DescribeTransactions(groups) => groups,
            Self::ListGroupOffsets(group)
            | Self::AlterGroupOffsets { group, .. }
            | Self::DeleteGroupOffsets { group, .. }
            | Self::RemoveMembers { group, .. }
            | Self::FenceProducer(group) => std::slice::from_ref(group),
        }
    }

    /// What these are (FindCoordinatorRequest.CoordinatorType).
    fn key_type(self) -> i8 {
        match self {
            Self::DescribeTransactions(_) | Self::FenceProducer(_) => 1,
            Self::DescribeGroups(_)
            | Self::DeleteGroups(_)
            | Self::ListGroupOffsets(_)
            | Self::AlterGroupOffsets { .. }
            | Self::DeleteGroupOffsets { .. }
            | Self::RemoveMembers { .. } => 0,
        }
    }

    /// Asks a coordinator about some of its groups, and gives the request's correlation id.
    fn send(self, to: Sender<'_, '_>, groups: &[String]) -> Result<i32, ApiError> {
        match self {
            Self::DescribeGroups(_) => describe_groups::send(to, groups),
            Self::DeleteGroups(_) => delete_groups::send(to, groups),
            Self::ListGroupOffsets(group) => list_group_offsets::send(to, group),
            Self::AlterGroupOffsets { group, offsets } => alter_group_offsets::send(to, group, offsets),
            Self::DeleteGroupOffsets { group, partitions } => {
                delete_group_offsets::send(to, group, partitions)
            }
            Self::RemoveMembers { group, members, reason } => {
                remove_members::send(to, group, members, reason)
            }
            Self::DescribeTransactions(_) => describe_transactions::send(to, groups),
            Self::FenceProducer(id) => fence_producer::send(to, id),
        }
    }
}

fn list(
    net: &mut NetworkClient,
    cx: &mut Context<'_>,
    metadata: &mut Metadata,
    groups: &mut Groups,
    timeout_ms: i64,
    ask: impl Fn(Sender<'_, '_>) -> Result<i32, ApiError>,
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
        let number = ask(Sender { net, cx, node: broker.id, timeout_ms })?;
        groups.asked.insert(number, Asked::Listing(broker.id));
    }
    if groups.asked.is_empty() && !groups.listed_by.is_empty() {
        // The last one does not let itself be reached: it may be gone.
        metadata.request_update();
    }
    Ok(())
}

/// Whether every broker has listed its groups.
fn has_all(metadata: &Metadata, groups: &Groups) -> bool {
    let mut brokers = metadata.brokers().keys();
    brokers.len() > 0 && brokers.all(|broker| groups.listed_by.contains(broker))
}

fn find_coordinators(
    net: &mut NetworkClient,
    cx: &mut Context<'_>,
    metadata: &mut Metadata,
    groups: &mut Groups,
    (key_type, keys): (i8, Vec<String>),
) -> Result<(), ApiError> {
    let Some(node) = metadata.least_loaded(cx, net) else { return Ok(()) };
    let version = net.version::<FindCoordinatorRequest>(node)?;
    if version >= 4 {
        let body = FindCoordinatorRequest::default()
            .with_key_type(key_type)
            .with_coordinator_keys(keys.iter().map(|group| text(group)).collect());
        let number = net.send(cx, node, version, &body, true)?;
        groups.asked.insert(number, Asked::Coordinators(keys));
        return Ok(());
    }
    for group in keys {
        let body = FindCoordinatorRequest::default().with_key_type(key_type).with_key(text(&group));
        let number = net.send(cx, node, version, &body, true)?;
        groups.asked.insert(number, Asked::Coordinators(vec![group]));
    }
    Ok(())
}

fn ask_coordinators(
    net: &mut NetworkClient,
    cx: &mut Context<'_>,
    call: CoordinatorCall<'_>,
    groups: &mut Groups,
    open: Vec<String>,
    timeout_ms: i64,
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
        let number = call.send(Sender { net, cx, node, timeout_ms }, &of)?;
        groups.asked.insert(number, Asked::Groups(of));
    }
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
    call: CoordinatorCall<'_>,
    completed: &Completed,
    keys: &[String],
    groups: &mut Groups,
) -> Result<(), ApiError> {
    let one = |group: &String, result| vec![(group.clone(), result)];
    let results: GroupResults = match call {
        CoordinatorCall::DescribeGroups(_) => describe_groups::answered(completed, &groups.coordinators)?,
        CoordinatorCall::DeleteGroups(_) => delete_groups::answered(completed)?,
        CoordinatorCall::ListGroupOffsets(group) => one(group, list_group_offsets::answered(completed)?),
        CoordinatorCall::AlterGroupOffsets { group, .. } => {
            one(group, alter_group_offsets::answered(completed)?)
        }
        CoordinatorCall::DeleteGroupOffsets { group, .. } => {
            one(group, delete_group_offsets::answered(completed)?)
        }
        CoordinatorCall::RemoveMembers { group, .. } => one(group, remove_members::answered(completed)?),
        CoordinatorCall::DescribeTransactions(_) => {
            describe_transactions::answered(completed, &groups.coordinators)?
        }
        CoordinatorCall::FenceProducer(id) => one(id, fence_producer::answered(completed, id)?),
    };
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
