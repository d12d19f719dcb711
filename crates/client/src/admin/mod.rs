//! The admin client (org.apache.kafka.clients.admin.KafkaAdminClient).
//!
//! A call is asked with [`AdminClient::submit`] and answered by a later [`AdminClient::handle`]. Calls about partitions
//! go to each partition's leader and are put together again, and calls about groups to each group's coordinator; the
//! others go to any broker, which forwards to the controller what is the controller's (KIP-590).

mod calls;
mod groups;
mod types;

use std::collections::BTreeMap;

use blumfeld_kernel::{Context, Input, Instant};

use crate::{ApiError, ClientConfig, Completed, Metadata, MetadataIssue, NetworkClient, TopicPartition};

use calls::describe_topic_partitions::Pages;
use calls::{BrokerCall, Done, GroupCall, LeaderCall, Route, Sender};

pub use calls::abort_transaction::AbortTransactionSpec;
pub use calls::describe_cluster::ClusterDescription;
pub use calls::describe_groups::{GroupDescription, MemberDescription};
pub use calls::describe_log_dirs::{LogDir, ReplicaSize};
pub use calls::describe_metadata_quorum::{QuorumInfo, QuorumReplica};
pub use calls::describe_producers::ProducerState;
pub use calls::describe_transactions::TransactionDescription;
pub use calls::elect_leaders::ElectionType;
pub use calls::list_groups::GroupListing;
pub use calls::list_partition_reassignments::PartitionReassignment;
pub use calls::list_transactions::{TransactionFilter, TransactionListing};
pub use types::{
    AdminRequest, AdminResponse, AlterConfigOp, ConfigEntry, ConfigResource, ConfigSource, CreatedTopic,
    FoundOffset, NewPartitions, NewTopic, OffsetSpec,
};

/// A call's number at its client, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CallId(u64);

/// A call that is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FinishedCall {
    /// The call's id.
    pub call: CallId,
    /// The answer. An error here is of the call as a whole; errors of single topics or partitions stand in the answer.
    pub result: Result<AdminResponse, ApiError>,
}

/// A call under way.
#[derive(Clone, Debug)]
struct Call {
    request: AdminRequest,
    progress: Progress,
}

/// How far a call is.
#[derive(Clone, Debug)]
struct Progress {
    deadline: Instant,
    attempts: u32,
    not_before: Instant,
    /// Requests under way, with the partitions that each asks about.
    in_flight: BTreeMap<i32, Vec<TopicPartition>>,
    /// What leaders have answered.
    partitions: Done,
    pages: Pages,
    groups: groups::Groups,
}

/// An admin client.
#[derive(Clone, Debug)]
pub struct AdminClient {
    config: ClientConfig,
    net: NetworkClient,
    metadata: Metadata,
    calls: BTreeMap<CallId, Call>,
    last_call: u64,
}

impl AdminClient {
    /// An admin client without connections.
    pub fn new(config: ClientConfig) -> AdminClient {
        AdminClient {
            net: NetworkClient::new(config.clone()),
            metadata: Metadata::new(&config, false),
            calls: BTreeMap::new(),
            last_call: 0,
            config,
        }
    }

    /// What the client knows of the cluster.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The client's own name for itself (`client.id`).
    pub fn client_id(&self) -> &str {
        &self.config.client_id
    }

    /// What Java's client would log since the last call.
    pub fn take_issues(&mut self) -> Vec<MetadataIssue> {
        self.metadata.take_issues()
    }

    /// Asks something. The next `handle` sends it.
    pub fn submit(&mut self, cx: &mut Context<'_>, request: AdminRequest) -> CallId {
        self.last_call += 1;
        let id = CallId(self.last_call);
        let deadline = cx.after_ms(self.config.default_api_timeout_ms);
        let progress = Progress {
            deadline,
            attempts: 0,
            not_before: cx.now,
            in_flight: BTreeMap::new(),
            partitions: Done::new(),
            pages: Pages::default(),
            groups: groups::Groups::default(),
        };
        let call = Call { request, progress };
        self.calls.insert(id, call);
        id
    }

    /// Takes an input and gives the calls that it brought to an end.
    pub fn handle(&mut self, cx: &mut Context<'_>, input: &Input) -> Vec<FinishedCall> {
        let mut answers = Vec::new();
        let mut completed = self.net.handle(cx, input);
        while !completed.is_empty() {
            for one in &completed {
                if !self.metadata.handle(cx, &mut self.net, one) {
                    answers.extend(self.completed(cx, one));
                }
            }
            completed = self.net.take_completed();
        }
        answers.extend(self.expire(cx));
        answers.extend(self.drive(cx));
        answers
    }

    fn drive(&mut self, cx: &mut Context<'_>) -> Vec<FinishedCall> {
        let mut answers = Vec::new();
        let due: Vec<CallId> = self
            .calls
            .iter()
            .filter(|(_, Call { progress, .. })| {
                progress.in_flight.is_empty() && progress.not_before <= cx.now
            })
            .map(|(&id, _)| id)
            .collect();
        for id in due {
            let Some(Call { request, mut progress }) = self.calls.remove(&id) else { continue };
            let result = match Route::of(&request) {
                Route::Broker(asked) => self.send_to_broker(cx, asked, &mut progress),
                Route::Leaders(asked) => self.send_to_leaders(cx, asked, &mut progress),
                Route::Groups(asked) => self.send_about_groups(cx, asked, &mut progress),
            };
            match result {
                None => {
                    self.calls.insert(id, Call { request, progress });
                }
                Some(result) => answers.push(FinishedCall { call: id, result }),
            }
        }
        self.metadata.poll(cx, &mut self.net);
        answers
    }

    /// Sends a call to the broker that it is about, or to any, or ends it.
    fn send_to_broker(
        &mut self,
        cx: &mut Context<'_>,
        call: BrokerCall<'_>,
        progress: &mut Progress,
    ) -> Option<Result<AdminResponse, ApiError>> {
        if let Some(refused) = call.refused() {
            return Some(Ok(refused));
        }
        let node = match call.target() {
            None => self.metadata.least_loaded(cx, &mut self.net)?,
            Some(id) => match self.metadata.brokers().get(&id).map(|broker| broker.endpoint.clone()) {
                Some(endpoint) if self.net.ready(cx, id, &endpoint) => id,
                // Not connected yet.
                Some(_) => return None,
                None => {
                    self.metadata.request_update();
                    return None;
                }
            },
        };
        let timeout_ms = self.config.request_timeout_ms;
        let sent = call.send(Sender { net: &mut self.net, cx, node, timeout_ms }, &progress.pages);
        match sent {
            Ok(correlation_id) => {
                progress.attempts += 1;
                progress.in_flight.insert(correlation_id, Vec::new());
                None
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// Sends what can be sent of a call about groups, or ends it.
    fn send_about_groups(
        &mut self,
        cx: &mut Context<'_>,
        call: GroupCall<'_>,
        progress: &mut Progress,
    ) -> Option<Result<AdminResponse, ApiError>> {
        let timeout_ms = self.config.request_timeout_ms;
        match call.send(&mut self.net, cx, &mut self.metadata, &mut progress.groups, timeout_ms) {
            groups::Sent::Requests(numbers) => {
                progress.attempts += 1;
                progress.in_flight.extend(numbers.into_iter().map(|number| (number, Vec::new())));
                None
            }
            groups::Sent::NotYet => None,
            groups::Sent::Over(result) => Some(result),
        }
    }

    /// Sends a call to the leaders of those of its partitions that are not done yet, or ends it.
    fn send_to_leaders(
        &mut self,
        cx: &mut Context<'_>,
        call: LeaderCall<'_>,
        progress: &mut Progress,
    ) -> Option<Result<AdminResponse, ApiError>> {
        let open: Vec<TopicPartition> = (call.partitions().into_iter())
            .filter(|partition| !progress.partitions.contains_key(*partition))
            .cloned()
            .collect();
        if open.is_empty() {
            return Some(Ok(call.gathered(std::mem::take(&mut progress.partitions))));
        }
        let mut by_node: BTreeMap<i32, Vec<TopicPartition>> = BTreeMap::new();
        for partition in open {
            if call.broker().is_none() {
                self.metadata.add_topic(&partition.topic);
            }
            let leader = match call.broker() {
                Some(id) => self.metadata.brokers().get(&id),
                None => self.metadata.leader(&partition),
            };
            let leader = leader.map(|broker| (broker.id, broker.endpoint.clone()));
            match leader {
                Some((node, endpoint)) => {
                    if self.net.ready(cx, node, &endpoint) {
                        by_node.entry(node).or_default().push(partition);
                    }
                }
                None => match self.metadata.topic_error(&partition.topic) {
                    Some(code) if !code.is_retriable() => {
                        progress.partitions.insert(partition, Err(code.into()));
                    }
                    Some(_) => {}
                    None => self.metadata.request_update(),
                },
            }
        }
        for (node, partitions) in by_node {
            let timeout_ms = self.config.request_timeout_ms;
            let to = Sender { net: &mut self.net, cx, node, timeout_ms };
            match call.send(to, &partitions, &self.metadata) {
                Ok(correlation_id) => {
                    progress.attempts += 1;
                    progress.in_flight.insert(correlation_id, partitions);
                }
                Err(error) => {
                    for partition in partitions {
                        progress.partitions.insert(partition, Err(error.clone()));
                    }
                }
            }
        }
        gathered(call, &mut progress.partitions).map(Ok)
    }

    fn completed(&mut self, cx: &mut Context<'_>, completed: &Completed) -> Option<FinishedCall> {
        let owner = self
            .calls
            .iter()
            .find(|(_, call)| call.progress.in_flight.contains_key(&completed.correlation_id))
            .map(|(&id, _)| id)?;
        let Call { request, mut progress } = self.calls.remove(&owner)?;
        let partitions = progress.in_flight.remove(&completed.correlation_id)?;
        let answered = match Route::of(&request) {
            Route::Broker(call) => call.answered(completed, &mut progress.pages),
            Route::Groups(call) => call.answered(completed, &mut progress.groups),
            Route::Leaders(call) => {
                let taken = call.answered(completed, &partitions, &mut progress.partitions);
                let over = taken.map(|()| gathered(call, &mut progress.partitions));
                // Leaders that do not answer for all are asked again later; a next page is asked for at once.
                if matches!(over, Ok(None)) && progress.in_flight.is_empty() {
                    self.later(cx, &mut progress);
                }
                over
            }
        };
        match answered {
            Ok(Some(response)) => return Some(FinishedCall { call: owner, result: Ok(response) }),
            Ok(None) => {}
            Err(error) if error.code.is_retriable() => self.later(cx, &mut progress),
            Err(error) => return Some(FinishedCall { call: owner, result: Err(error) }),
        }
        self.calls.insert(owner, Call { request, progress });
        None
    }

    fn later(&mut self, cx: &mut Context<'_>, progress: &mut Progress) {
        self.metadata.request_update();
        let wait = self.config.retry_backoff.backoff(progress.attempts, cx.rng);
        progress.not_before = cx.after_ms(wait);
    }

    fn expire(&mut self, cx: &mut Context<'_>) -> Vec<FinishedCall> {
        let late: Vec<CallId> = self
            .calls
            .iter()
            .filter(|(_, call)| call.progress.deadline <= cx.now)
            .map(|(&id, _)| id)
            .collect();
        let mut answers = Vec::new();
        for id in late {
            let Some(Call { request, progress }) = self.calls.remove(&id) else { continue };
            let unknown = self.metadata.brokers().is_empty();
            let method = request.call_name();
            let step = match Route::of(&request) {
                Route::Groups(call) => call.step(method, &progress.groups, unknown),
                // Java asks for the brokers first, to have one describe the topics.
                Route::Broker(BrokerCall::DescribeTopicPartitions(_)) if progress.attempts == 0 => {
                    Some("listNodes".to_owned())
                }
                Route::Leaders(call) => {
                    let leads = |of: &&TopicPartition| self.metadata.leader(of).is_some();
                    let asked = call.broker().is_some() || call.partitions().iter().all(leads);
                    call.step(method, asked)
                }
                Route::Broker(_) => None,
            };
            let name = step.unwrap_or_else(|| method.to_owned());
            let error = match progress.attempts {
                // Also while it is looked up again and again who is to be asked.
                0 => format!("Timed out waiting for a node assignment. Call: {name}"),
                attempts => format!("Call(callName={name}) timed out after {attempts} attempt(s)"),
            };
            let error = ApiError::timeout(error);
            answers.push(FinishedCall { call: id, result: Err(error) });
        }
        answers
    }

    /// When `handle` is next wanted.
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let calls = self.calls.values().map(|Call { progress, .. }| {
            if progress.in_flight.is_empty() && progress.not_before > now {
                progress.not_before.min(progress.deadline)
            } else {
                progress.deadline
            }
        });
        let rest = if self.calls.is_empty() { None } else { self.metadata.next_timeout(now) };
        calls.chain(self.net.next_timeout(now)).chain(rest).min()
    }

    /// Closes the connections; calls under way are forgotten.
    pub fn close(&mut self, cx: &mut Context<'_>) {
        self.calls.clear();
        self.net.close(cx);
    }
}

/// The whole answer of a call about partitions, once every leader has said its part.
fn gathered(call: LeaderCall<'_>, done: &mut Done) -> Option<AdminResponse> {
    let complete = call.partitions().into_iter().all(|of| done.contains_key(of));
    complete.then(|| call.gathered(std::mem::take(done)))
}
