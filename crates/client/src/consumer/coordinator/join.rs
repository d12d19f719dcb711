//! Joining: what a member does before, the leader's assignment, and what it does with its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use blumfeld_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use blumfeld_protocol::messages::{
    GroupId, JoinGroupRequest, JoinGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use bytes::Bytes;

use super::super::assignor::TopicRacks;
use super::super::subscription::{Position, Subscription};
use super::super::{ConsumerConfig, ConsumerEvent, MemberSubscription, RebalanceProtocol, protocol};
use super::{
    Closing, CommitKind, ConsumerCoordinator, Generation, Leading, MemberState, Parts, Prepare, Snapshot,
    give_all_away, text,
};
use crate::{ApiError, Completed, TopicPartition};

/// The broker answers a join when the rebalance is over; the client waits a little longer than that
/// (AbstractCoordinator.JOIN_GROUP_TIMEOUT_LAPSE).
const JOIN_GROUP_TIMEOUT_LAPSE_MS: i64 = 5_000;

/// Owns these partitions from now on, and forgets what was fetched of others.
pub(super) fn replace_assignment(parts: &mut Parts<'_>, partitions: Vec<TopicPartition>) {
    parts.subscription.assign(partitions, Position::Committed);
    parts.subscription.mark_revoking(false);
    let subscription = &*parts.subscription;
    parts.fetcher.retain(|partition| subscription.is_assigned(partition));
}

fn invalid_protocol(name: &str) -> ApiError {
    let text = format!("Coordinator selected invalid assignment protocol: {name}");
    ApiError::new(ErrorCode::INCONSISTENT_GROUP_PROTOCOL, text)
}

impl ConsumerCoordinator {
    /// The program polls: joins go on, offsets are committed when it is time.
    pub fn poll(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        if parts.config.group_id.is_none() || self.closing != Closing::No {
            return;
        }
        self.poll_deadline = cx.after_ms(parts.config.max_poll_interval_ms.into());
        if parts.subscription.subscription.is_automatic() && !self.failed {
            self.follow_metadata(parts);
            if let Some(assignment) = self.joined.take() {
                self.join_complete(cx, parts, &assignment);
            }
            if self.rejoin_needed_or_pending(parts) {
                self.rejoin(cx, parts);
            }
        }
        self.auto_commit(cx, parts);
        self.background(cx, parts);
    }

    /// Topics that fit a pattern, and partitions that the leader has not given out yet.
    fn follow_metadata(&mut self, parts: &mut Parts<'_>) {
        if self.seen_metadata == Some(parts.metadata.version()) {
            return;
        }
        self.seen_metadata = Some(parts.metadata.version());
        let exclude = parts.config.exclude_internal_topics;
        if let Subscription::Pattern(pattern, topics) = &mut parts.subscription.subscription {
            let fits = |(name, topic): (&Arc<str>, &crate::TopicMetadata)| {
                (pattern.matches(name) && !(exclude && topic.internal)).then(|| name.clone())
            };
            *topics = parts.metadata.topics().iter().filter_map(fits).collect();
        }
        if let Some(before) = &self.snapshot {
            let now = snapshot(parts, before.keys());
            if *before != now {
                self.request_rejoin("cached metadata has changed");
            }
        }
    }

    fn rejoin_needed_or_pending(&mut self, parts: &Parts<'_>) -> bool {
        let topics = parts.subscription.subscription.topics();
        if self.joined_topics.as_ref().is_some_and(|joined| joined != topics) && !self.rejoin_needed {
            self.request_rejoin("subscription has changed since the last join");
        }
        self.rejoin_needed || self.joining.is_some()
    }

    fn rejoin(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        let under_way = self.joining.is_some() || self.syncing.is_some() || self.leading.is_some();
        if under_way || self.joined.is_some() {
            return;
        }
        // A pattern is looked at only once topics are known.
        let pattern = matches!(parts.subscription.subscription, Subscription::Pattern(..));
        if pattern && self.seen_metadata.unwrap_or(0) == 0 {
            return;
        }
        if self.ready(cx, parts).is_none() {
            return;
        }
        if self.prepare == Prepare::Commit {
            self.prepare = Prepare::Revoke;
            if parts.config.auto_commits() && self.state == MemberState::Stable {
                if self.protocol == RebalanceProtocol::Eager {
                    parts.subscription.mark_revoking(true);
                }
                let offsets = parts.subscription.all_consumed();
                if !offsets.is_empty() {
                    self.enqueue(cx, offsets, CommitKind::Prepare, parts.config);
                    self.prepare = Prepare::Committing;
                }
            }
        }
        if self.prepare == Prepare::Committing {
            return;
        }
        if self.prepare == Prepare::Revoke {
            self.revoke_before_join(parts);
            self.prepare = Prepare::Ready;
            if !parts.events.is_empty() {
                // The program hears of it before the others do, and may commit.
                return;
            }
        }
        if self.has_commits_of_the_program() || self.join_not_before > cx.now {
            return;
        }
        self.join(cx, parts);
    }

    /// Gives away what the member must not keep through the rebalance: all of it, or what it no longer subscribes to.
    fn revoke_before_join(&mut self, parts: &mut Parts<'_>) {
        self.snapshot = None;
        if self.is_unknown() || self.protocol == RebalanceProtocol::Eager {
            return give_all_away(parts, self.is_unknown());
        }
        let topics = parts.subscription.subscription.topics();
        let (kept, revoked): (Vec<_>, Vec<_>) =
            parts.subscription.assignment().cloned().partition(|of| topics.contains(&of.topic));
        if !revoked.is_empty() {
            parts.events.push(ConsumerEvent::PartitionsRevoked(revoked));
            replace_assignment(parts, kept);
        }
    }

    /// What a member says of itself to the assignors.
    fn subscription(&self, parts: &Parts<'_>) -> MemberSubscription {
        let rack = &parts.config.client_rack;
        MemberSubscription {
            topics: parts.subscription.subscription.topics().iter().cloned().collect(),
            user_data: None,
            owned: parts.subscription.assignment().cloned().collect(),
            generation: Some(self.generation.id).filter(|generation| *generation >= 0),
            rack: (!rack.is_empty()).then(|| rack.clone()),
            instance_id: None,
        }
    }

    fn join(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        let Some(node) = self.ready(cx, parts) else { return };
        let version = match parts.net.version::<JoinGroupRequest>(node) {
            Ok(version) => version,
            Err(error) => return self.fail(parts, error),
        };
        let topics = parts.subscription.subscription.topics().clone();
        let protocols = self.assignors.iter().map(|assignor| {
            let user_data = assignor.user_data();
            let subscription = MemberSubscription { user_data, ..self.subscription(parts) };
            JoinGroupRequestProtocol::default()
                .with_name(text(assignor.name()))
                .with_metadata(protocol::encode_subscription(&subscription, protocol::HIGHEST_VERSION))
        });
        let rebalance_ms = parts.config.max_poll_interval_ms;
        let mut request = JoinGroupRequest::default()
            .with_group_id(GroupId(text(parts.config.group_id.as_deref().unwrap_or_default())))
            .with_session_timeout_ms(parts.config.session_timeout_ms)
            .with_rebalance_timeout_ms(rebalance_ms)
            .with_member_id(text(&self.generation.member_id))
            .with_protocol_type(text("consumer"))
            .with_protocols(protocols.collect());
        if version >= 5 {
            request.group_instance_id = parts.config.group_instance_id.as_deref().map(text);
        }
        if version >= 8 {
            request.reason = Some(text(&self.rejoin_reason));
        }
        let timeout = (i64::from(rebalance_ms) + JOIN_GROUP_TIMEOUT_LAPSE_MS)
            .max(parts.config.client.request_timeout_ms);
        if let Ok(correlation_id) = parts.net.send_within(cx, node, version, &request, timeout) {
            self.joined_topics = Some(topics);
            self.state = MemberState::PreparingRebalance;
            self.joining = Some(correlation_id);
        }
    }

    /// A join that failed: again, at once or a little later.
    fn join_failed(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>, reason: &str, at_once: bool) {
        if self.state != MemberState::Unjoined {
            self.state = MemberState::Unjoined;
        }
        self.leading = None;
        self.request_rejoin(reason);
        if at_once {
            self.join_not_before = cx.now;
        } else {
            self.join_failures = self.join_failures.saturating_add(1);
            let wait = parts.config.client.retry_backoff.backoff(self.join_failures, cx.rng);
            self.join_not_before = cx.after_ms(wait);
        }
    }

    pub(super) fn join_answered(
        &mut self,
        cx: &mut Context<'_>,
        completed: &Completed,
        parts: &mut Parts<'_>,
    ) {
        let response = match completed.decode::<JoinGroupResponse>() {
            Ok(response) => response,
            Err(error) if error.code.is_retriable() => {
                self.lose_coordinator(cx, parts, false);
                return self.join_failed(cx, parts, "rebalance failed due to a lost connection", false);
            }
            Err(error) => return self.fail(parts, error),
        };
        let code = ErrorCode(response.error_code);
        let reason = format!("rebalance failed due to {}", ApiError::from(code).exception());
        if self.coordinator_moved(cx, parts, code) {
            return self.join_failed(cx, parts, &reason, false);
        }
        match code {
            // It has left meanwhile.
            ErrorCode::NONE if self.state != MemberState::PreparingRebalance => {}
            ErrorCode::NONE => {
                self.generation = Generation {
                    id: response.generation_id,
                    member_id: response.member_id.to_string(),
                    protocol: response.protocol_name.as_ref().map(ToString::to_string),
                };
                self.state = MemberState::CompletingRebalance;
                self.join_failures = 0;
                self.reset_timeouts(cx, parts.config);
                if response.leader == response.member_id && !response.skip_assignment {
                    self.elected(cx, parts, &response);
                } else {
                    self.sync(cx, parts, Vec::new());
                }
            }
            ErrorCode::MEMBER_ID_REQUIRED => {
                self.generation.member_id = response.member_id.to_string();
                let reason = format!("need to re-join with the given member-id: {}", response.member_id);
                self.join_failed(cx, parts, &reason, true);
            }
            ErrorCode::UNKNOWN_MEMBER_ID => {
                self.reset_generation(&reason, true);
                self.join_failed(cx, parts, &reason, true);
            }
            ErrorCode::REBALANCE_IN_PROGRESS => self.join_failed(cx, parts, &reason, true),
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS => self.join_failed(cx, parts, &reason, false),
            code => {
                self.join_failed(cx, parts, &reason, false);
                self.fail(parts, code.into());
            }
        }
    }

    fn elected(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>, response: &JoinGroupResponse) {
        let mut members: Vec<(String, MemberSubscription)> = Vec::new();
        for member in &response.members {
            let Some(mut subscription) = protocol::decode_subscription(&member.metadata) else {
                let text = format!("The subscription of member {} cannot be read", member.member_id);
                self.join_failed(cx, parts, "rebalance failed due to SchemaException", false);
                return self.fail(parts, ApiError::new(ErrorCode::UNKNOWN_SERVER_ERROR, text));
            };
            subscription.instance_id = member.group_instance_id.as_ref().map(ToString::to_string);
            members.push((member.member_id.to_string(), subscription));
        }
        let mut missing = false;
        for topic in members.iter().flat_map(|(_, member)| &member.topics) {
            missing |= parts.metadata.topic(topic).is_none() && parts.metadata.topic_error(topic).is_none();
            parts.metadata.add_topic(topic);
        }
        let after = missing.then(|| parts.metadata.version());
        if missing {
            parts.metadata.request_update();
        }
        let protocol = response.protocol_name.as_ref().map(ToString::to_string).unwrap_or_default();
        self.leading = Some(Leading { protocol, members, after });
    }

    /// The leader assigns, once it knows all topics.
    pub(super) fn lead(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        let Some(leading) = &self.leading else { return };
        if leading.after.is_some_and(|version| parts.metadata.version() <= version) {
            return;
        }
        let Some(leading) = self.leading.take() else { return };
        let Some(assignor) = self.assignors.iter_mut().find(|one| one.name() == leading.protocol) else {
            return self.fail(parts, invalid_protocol(&leading.protocol));
        };
        let wanted: BTreeSet<&Arc<str>> = leading.members.iter().flat_map(|(_, one)| &one.topics).collect();
        self.snapshot = Some(snapshot(parts, wanted.iter().copied()));
        let topics: BTreeMap<Arc<str>, TopicRacks> =
            wanted.into_iter().filter_map(|topic| Some((topic.clone(), racks(parts, topic)?))).collect();
        let assignment = match assignor.assign(&topics, &leading.members) {
            Ok(assignment) => assignment,
            Err(error) => {
                let error = ApiError::new(ErrorCode::UNKNOWN_SERVER_ERROR, error.to_string());
                self.join_failed(cx, parts, "rebalance failed due to IllegalStateException", false);
                return self.fail(parts, error);
            }
        };
        let assignments = assignment.iter().map(|(member, partitions)| {
            SyncGroupRequestAssignment::default()
                .with_member_id(text(member))
                .with_assignment(protocol::encode_assignment(partitions, None, protocol::HIGHEST_VERSION))
        });
        self.sync(cx, parts, assignments.collect());
    }

    fn sync(
        &mut self,
        cx: &mut Context<'_>,
        parts: &mut Parts<'_>,
        assignments: Vec<SyncGroupRequestAssignment>,
    ) {
        let sent = self.ready(cx, parts).and_then(|node| {
            let version = parts.net.version::<SyncGroupRequest>(node).ok()?;
            let mut request = SyncGroupRequest::default()
                .with_group_id(GroupId(text(parts.config.group_id.as_deref().unwrap_or_default())))
                .with_generation_id(self.generation.id)
                .with_member_id(text(&self.generation.member_id))
                .with_assignments(assignments);
            if version >= 3 {
                request.group_instance_id = parts.config.group_instance_id.as_deref().map(text);
            }
            if version >= 5 {
                request.protocol_type = Some(text("consumer"));
                request.protocol_name = self.generation.protocol.as_deref().map(text);
            }
            parts.net.send(cx, node, version, &request, true).ok()
        });
        match sent {
            Some(id) => self.syncing = Some(id),
            None => self.join_failed(cx, parts, "rebalance failed due to a lost connection", false),
        }
    }

    pub(super) fn sync_answered(
        &mut self,
        cx: &mut Context<'_>,
        completed: &Completed,
        parts: &mut Parts<'_>,
    ) {
        let response = completed.decode::<SyncGroupResponse>();
        let code = match &response {
            Ok(response) => ErrorCode(response.error_code),
            Err(error) => error.code,
        };
        if let (Ok(response), ErrorCode::NONE) = (&response, code) {
            if self.state == MemberState::CompletingRebalance {
                self.state = MemberState::Stable;
                self.rejoin_needed = false;
                self.rejoin_reason.clear();
                self.reset_timeouts(cx, parts.config);
                self.joined = Some(response.assignment.clone());
            }
            return;
        }
        let reason = format!("rebalance failed due to {}", ApiError::from(code).exception());
        if self.coordinator_moved(cx, parts, code) {
            return self.join_failed(cx, parts, &reason, false);
        }
        match code {
            ErrorCode::REBALANCE_IN_PROGRESS => self.join_failed(cx, parts, &reason, true),
            ErrorCode::UNKNOWN_MEMBER_ID | ErrorCode::ILLEGAL_GENERATION => {
                self.reset_generation(&reason, code == ErrorCode::UNKNOWN_MEMBER_ID);
                self.join_failed(cx, parts, &reason, true);
            }
            code if code.is_retriable() => self.join_failed(cx, parts, &reason, false),
            code => {
                self.join_failed(cx, parts, &reason, false);
                self.fail(parts, code.into());
            }
        }
    }

    /// Takes over what the leader gave (ConsumerCoordinator.onJoinComplete).
    fn join_complete(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>, assignment: &Bytes) {
        let assigned = match protocol::decode_assignment(assignment) {
            Some((assigned, _)) => assigned,
            // A member that the leader did not think of.
            None if assignment.is_empty() => Vec::new(),
            None => {
                let text = "The assignment of the group's leader cannot be read";
                return self.fail(parts, ApiError::new(ErrorCode::UNKNOWN_SERVER_ERROR, text));
            }
        };
        self.prepare = Prepare::Commit;
        self.joined_as = (self.generation.member_id.clone(), self.generation.id);
        if let Some(unknown) = assigned.iter().find(|of| !self.is_subscribed(parts, of)) {
            // The subscription has changed meanwhile.
            self.request_rejoin(&format!("received assignment of {unknown}, which is not subscribed to"));
            return;
        }
        for partition in &assigned {
            parts.metadata.add_topic(&partition.topic);
        }
        let owned: BTreeSet<TopicPartition> = parts.subscription.assignment().cloned().collect();
        let new: BTreeSet<TopicPartition> = assigned.iter().cloned().collect();
        let added: Vec<TopicPartition> = new.difference(&owned).cloned().collect();
        let revoked: Vec<TopicPartition> = owned.difference(&new).cloned().collect();
        if self.protocol == RebalanceProtocol::Cooperative && !revoked.is_empty() {
            parts.events.push(ConsumerEvent::PartitionsRevoked(revoked));
            // The others may have it once everyone knows that it is free (KIP-429).
            self.request_rejoin("need to revoke partitions and re-join");
        }
        self.obey_leader(parts, &assigned);
        let protocol = self.generation.protocol.as_deref().unwrap_or_default();
        let Some(assignor) = self.assignors.iter_mut().find(|one| one.name() == protocol) else {
            return self.fail(parts, invalid_protocol(protocol));
        };
        assignor.on_assignment(assigned.clone(), self.generation.id);
        replace_assignment(parts, assigned);
        self.next_auto_commit = cx.after_ms(parts.config.auto_commit_interval_ms);
        parts.events.push(ConsumerEvent::PartitionsAssigned(added));
    }

    /// The leader may know of topics that fit the pattern before the member does: they are subscribed to without
    /// another join (ConsumerCoordinator.maybeUpdateJoinedSubscription).
    fn obey_leader(&mut self, parts: &mut Parts<'_>, assigned: &[TopicPartition]) {
        if let (Subscription::Pattern(_, topics), Some(joined)) =
            (&mut parts.subscription.subscription, &mut self.joined_topics)
        {
            let added: Vec<_> = assigned.iter().filter(|of| !joined.contains(&of.topic)).collect();
            topics.extend(added.iter().map(|of| of.topic.clone()));
            joined.extend(added.iter().map(|of| of.topic.clone()));
        }
    }

    fn is_subscribed(&self, parts: &Parts<'_>, of: &TopicPartition) -> bool {
        match &parts.subscription.subscription {
            Subscription::Topics(topics) => topics.contains(&of.topic),
            Subscription::Pattern(pattern, _) => pattern.matches(&of.topic),
            Subscription::None | Subscription::Assigned => false,
        }
    }

    /// Whether a new subscription needs nothing but the next join.
    pub fn subscribed(&mut self, config: &ConsumerConfig) {
        let _ = config;
        self.failed = false;
        self.seen_metadata = None;
    }
}

fn snapshot<'a>(parts: &Parts<'_>, topics: impl Iterator<Item = &'a Arc<str>>) -> Snapshot {
    let count = |topic: &Arc<str>| parts.metadata.topic(topic).map_or(0, |topic| topic.partitions.len());
    topics.map(|topic| (topic.clone(), count(topic))).collect()
}

/// The racks of a topic's replicas; `None` if it does not exist.
fn racks(parts: &Parts<'_>, topic: &str) -> Option<TopicRacks> {
    let brokers = parts.metadata.brokers();
    let rack = |id: &i32| brokers.get(id)?.rack.clone();
    let partitions = &parts.metadata.topic(topic)?.partitions;
    Some(
        partitions
            .values()
            .map(|one| (one.partition, one.replicas.iter().filter_map(rack).collect()))
            .collect(),
    )
}
