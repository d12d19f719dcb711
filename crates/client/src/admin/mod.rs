//! The admin client (org.apache.kafka.clients.admin.KafkaAdminClient).
//!
//! A call is asked with [`AdminClient::submit`] and answered by a later [`AdminClient::handle`]. Calls about partitions
//! go to each partition's leader and are put together again, and calls about groups to each group's coordinator; the
//! others go to any broker, which forwards to the controller what is the controller's (KIP-590).

mod calls;
mod cluster;
mod groups;
mod types;

use std::collections::BTreeMap;

use blumfeld_kernel::{Context, Input, Instant};

use crate::{ApiError, ClientConfig, Completed, Metadata, NetworkClient, TopicPartition};

pub use cluster::{ElectionType, LogDir, PartitionReassignment, QuorumInfo, QuorumReplica, ReplicaSize};
pub use groups::{GroupDescription, GroupListing, MemberDescription};
pub use types::{
    AdminRequest, AdminResponse, AlterConfigOp, ClusterDescription, ConfigEntry, ConfigResource,
    ConfigSource, CreatedTopic, FoundOffset, NewPartitions, NewTopic, OffsetSpec,
};

/// A call's number at its client, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CallId(u64);

/// A call that is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Which.
    pub call: CallId,
    /// The answer. An error here is of the call as a whole; errors of single topics or partitions stand in the answer.
    pub result: Result<AdminResponse, ApiError>,
}

/// Offsets or errors by partition, gathered from several leaders.
#[derive(Clone, Debug, Default)]
struct Gathered {
    done: BTreeMap<TopicPartition, Result<FoundOffset, ApiError>>,
}

/// A call under way.
#[derive(Clone, Debug)]
struct Call {
    request: AdminRequest,
    deadline: Instant,
    attempts: u32,
    not_before: Instant,
    /// Requests under way, with the partitions that each asks about.
    in_flight: BTreeMap<i32, Vec<TopicPartition>>,
    gathered: Gathered,
    pages: cluster::Pages,
    groups: groups::Groups,
    last_error: Option<ApiError>,
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

    /// Asks something. The next `handle` sends it.
    pub fn submit(&mut self, cx: &mut Context<'_>, request: AdminRequest) -> CallId {
        self.last_call += 1;
        let id = CallId(self.last_call);
        let deadline = cx.after_ms(self.config.default_api_timeout_ms);
        let call = Call {
            request,
            deadline,
            attempts: 0,
            not_before: cx.now,
            in_flight: BTreeMap::new(),
            gathered: Gathered::default(),
            pages: cluster::Pages::default(),
            groups: groups::Groups::default(),
            last_error: None,
        };
        self.calls.insert(id, call);
        id
    }

    /// Takes an input and gives the calls that it brought to an end.
    pub fn handle(&mut self, cx: &mut Context<'_>, input: &Input) -> Vec<Answer> {
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

    fn drive(&mut self, cx: &mut Context<'_>) -> Vec<Answer> {
        let mut answers = Vec::new();
        let due: Vec<CallId> = self
            .calls
            .iter()
            .filter(|(_, call)| call.in_flight.is_empty() && call.not_before <= cx.now)
            .map(|(&id, _)| id)
            .collect();
        for id in due {
            let Some(mut call) = self.calls.remove(&id) else { continue };
            let result = match &call.request {
                AdminRequest::ListOffsets(_) | AdminRequest::DeleteRecords(_) => {
                    self.send_to_leaders(cx, &mut call)
                }
                request if groups::is_about(request) => self.send_about_groups(cx, &mut call),
                _ => self.send_to_one(cx, &mut call),
            };
            match result {
                None => {
                    self.calls.insert(id, call);
                }
                Some(result) => answers.push(Answer { call: id, result }),
            }
        }
        self.metadata.poll(cx, &mut self.net);
        answers
    }

    /// Sends a call to the broker that it is about, or to any, or ends it.
    fn send_to_one(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Option<Result<AdminResponse, ApiError>> {
        if let Some(refused) = calls::refuse(&call.request) {
            return Some(refused);
        }
        let node = match cluster::target(&call.request) {
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
        let timeout = self.config.request_timeout_ms;
        let sent = match &call.request {
            AdminRequest::DescribeTopicPartitions(_)
            | AdminRequest::DescribeCluster { .. }
            | AdminRequest::ElectLeaders { .. }
            | AdminRequest::AlterPartitionReassignments { .. }
            | AdminRequest::ListPartitionReassignments(_)
            | AdminRequest::DescribeMetadataQuorum
            | AdminRequest::DescribeLogDirs { .. }
            | AdminRequest::UnregisterBroker(_) => {
                cluster::send(&mut self.net, cx, node, &call.request, &call.pages, timeout)
            }
            request => calls::send(&mut self.net, cx, node, request, timeout),
        };
        match sent {
            Ok(correlation_id) => {
                call.attempts += 1;
                call.in_flight.insert(correlation_id, Vec::new());
                None
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// Sends what can be sent of a call about groups, or ends it.
    fn send_about_groups(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Option<Result<AdminResponse, ApiError>> {
        match groups::send(&mut self.net, cx, &mut self.metadata, &call.request, &mut call.groups) {
            groups::Sent::Requests(numbers) => {
                call.attempts += 1;
                call.in_flight.extend(numbers.into_iter().map(|number| (number, Vec::new())));
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
        call: &mut Call,
    ) -> Option<Result<AdminResponse, ApiError>> {
        let open: Vec<TopicPartition> = calls::partitions(&call.request)
            .filter(|partition| !call.gathered.done.contains_key(*partition))
            .cloned()
            .collect();
        if open.is_empty() {
            let done = std::mem::take(&mut call.gathered.done);
            return Some(Ok(calls::gathered(&call.request, done)));
        }
        let mut by_node: BTreeMap<i32, Vec<TopicPartition>> = BTreeMap::new();
        for partition in open {
            self.metadata.add_topic(&partition.topic);
            let leader = self.metadata.leader(&partition).map(|broker| (broker.id, broker.endpoint.clone()));
            match leader {
                Some((node, endpoint)) => {
                    if self.net.ready(cx, node, &endpoint) {
                        by_node.entry(node).or_default().push(partition);
                    }
                }
                None => match self.metadata.topic_error(&partition.topic) {
                    Some(code) if !code.is_retriable() => {
                        call.gathered.done.insert(partition, Err(code.into()));
                    }
                    Some(code) => call.last_error = Some(code.into()),
                    None => self.metadata.request_update(),
                },
            }
        }
        for (node, partitions) in by_node {
            let timeout = self.config.request_timeout_ms;
            match calls::send_partitions(
                &mut self.net,
                cx,
                node,
                &call.request,
                &partitions,
                &self.metadata,
                timeout,
            ) {
                Ok(correlation_id) => {
                    call.attempts += 1;
                    call.in_flight.insert(correlation_id, partitions);
                }
                Err(error) => {
                    for partition in partitions {
                        call.gathered.done.insert(partition, Err(error.clone()));
                    }
                }
            }
        }
        let complete = calls::partitions(&call.request).all(|of| call.gathered.done.contains_key(of));
        if complete {
            let done = std::mem::take(&mut call.gathered.done);
            return Some(Ok(calls::gathered(&call.request, done)));
        }
        None
    }

    fn completed(&mut self, cx: &mut Context<'_>, completed: &Completed) -> Option<Answer> {
        let owner = self
            .calls
            .iter()
            .find(|(_, call)| call.in_flight.contains_key(&completed.correlation_id))
            .map(|(&id, _)| id)?;
        let mut call = self.calls.remove(&owner)?;
        let partitions = call.in_flight.remove(&completed.correlation_id)?;
        let answered = match &call.request {
            AdminRequest::ListOffsets(_) => {
                calls::listed_offsets(completed, partitions, &mut call.gathered.done).map(|()| None)
            }
            AdminRequest::DeleteRecords(_) => {
                calls::deleted_records(completed, partitions, &mut call.gathered.done).map(|()| None)
            }
            AdminRequest::DescribeTopicPartitions(_)
            | AdminRequest::DescribeCluster { .. }
            | AdminRequest::ElectLeaders { .. }
            | AdminRequest::AlterPartitionReassignments { .. }
            | AdminRequest::ListPartitionReassignments(_)
            | AdminRequest::DescribeMetadataQuorum
            | AdminRequest::DescribeLogDirs { .. }
            | AdminRequest::UnregisterBroker(_) => {
                cluster::answered(&call.request, completed, &mut call.pages)
            }
            request if groups::is_about(request) => groups::answered(request, completed, &mut call.groups),
            request => calls::answered(request, completed).map(Some),
        };
        match answered {
            Ok(Some(response)) => return Some(Answer { call: owner, result: Ok(response) }),
            // The next page is asked for at once.
            Ok(None)
                if matches!(call.request, AdminRequest::DescribeTopicPartitions(_))
                    || groups::is_about(&call.request) => {}
            Ok(None) => {
                let all = calls::partitions(&call.request).all(|of| call.gathered.done.contains_key(of));
                if all {
                    let done = std::mem::take(&mut call.gathered.done);
                    let response = calls::gathered(&call.request, done);
                    return Some(Answer { call: owner, result: Ok(response) });
                }
                if call.in_flight.is_empty() {
                    self.later(cx, &mut call);
                }
            }
            Err(error) if error.code.is_retriable() => {
                call.last_error = Some(error);
                self.later(cx, &mut call);
            }
            Err(error) => return Some(Answer { call: owner, result: Err(error) }),
        }
        self.calls.insert(owner, call);
        None
    }

    fn later(&mut self, cx: &mut Context<'_>, call: &mut Call) {
        self.metadata.request_update();
        let wait = self.config.retry_backoff.backoff(call.attempts, cx.rng);
        call.not_before = cx.after_ms(wait);
    }

    fn expire(&mut self, cx: &mut Context<'_>) -> Vec<Answer> {
        let late: Vec<CallId> =
            self.calls.iter().filter(|(_, call)| call.deadline <= cx.now).map(|(&id, _)| id).collect();
        let mut answers = Vec::new();
        for id in late {
            let Some(call) = self.calls.remove(&id) else { continue };
            let unknown = self.metadata.brokers().is_empty();
            let name = match groups::call_name(&call.request, &call.groups, unknown) {
                Some(name) => name,
                // Java asks for the brokers first, to have one describe the topics.
                None if call.attempts == 0
                    && matches!(call.request, AdminRequest::DescribeTopicPartitions(_)) =>
                {
                    "listNodes".to_owned()
                }
                None => call.request.call_name().to_owned(),
            };
            let error = match (call.attempts, call.last_error) {
                (0, None) => {
                    ApiError::timeout(format!("Timed out waiting for a node assignment. Call: {name}"))
                }
                (attempts, _) => {
                    ApiError::timeout(format!("Call(callName={name}) timed out after {attempts} attempt(s)"))
                }
            };
            answers.push(Answer { call: id, result: Err(error) });
        }
        answers
    }

    /// When `handle` is next wanted.
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let calls = self.calls.values().map(|call| {
            if call.in_flight.is_empty() && call.not_before > now {
                call.not_before.min(call.deadline)
            } else {
                call.deadline
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
