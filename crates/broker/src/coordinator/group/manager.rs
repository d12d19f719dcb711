//! Joins, syncs, heartbeats and leaves of classic groups (the classic part of
//! org.apache.kafka.coordinator.group.GroupMetadataManager).

use blumfeld_kernel::{LeaveCause, RebalanceCause, TraceEvent};
use blumfeld_protocol::messages::{
    HeartbeatRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, SyncGroupRequest,
    SyncGroupResponse,
};
use blumfeld_protocol::{ErrorCode, uuid_text};
use bytes::Bytes;

use super::answer::{Answer, left};
use super::classic::{ClassicGroup, ClassicGroupState as State, ClassicMember};
use super::record::{GroupMetadataValue, GroupRecord};
use super::{After, Env, GroupTimer, Stored, append_error};
use crate::call::Call;
use crate::config::GroupCoordinatorConfig;

/// `group.new.member.join.timeout.ms`: so long a new member's first join waits.
const NEW_MEMBER_JOIN_TIMEOUT_MS: i64 = 300_000;

/// A JoinGroup request.
#[derive(Clone, Debug)]
pub struct Join {
    /// `group.id`.
    pub group_id: String,
    /// `member.id`; empty for a new member.
    pub member_id: String,
    /// `group.instance.id`.
    pub instance_id: Option<String>,
    /// `client.id`.
    pub client_id: String,
    /// Where it comes from.
    pub client_host: String,
    /// `consumer`.
    pub protocol_type: String,
    /// The protocols that it speaks, with what it says of itself in each.
    pub protocols: Vec<(String, Bytes)>,
    /// `session.timeout.ms`.
    pub session_timeout_ms: i32,
    /// `rebalance.timeout.ms`.
    pub rebalance_timeout_ms: i32,
    /// Why, as the client says.
    pub reason: Option<String>,
}

impl Join {
    fn reason(&self) -> &str {
        match self.reason.as_deref() {
            None | Some("") => "not provided",
            Some(reason) => reason,
        }
    }
}

fn heartbeat_timer(group: &ClassicGroup, member_id: &str) -> GroupTimer {
    GroupTimer::Heartbeat(group.group_id.clone(), member_id.to_owned())
}

impl ClassicGroup {
    pub(super) fn transition(&mut self, env: &mut Env<'_, '_>, to: State) {
        self.previous_state = self.state;
        self.state = to;
        self.state_timestamp = Some(env.cx.unix_ms());
        env.cx.out.trace(TraceEvent::GroupStateChanged {
            group: self.group_id.as_str().into(),
            from: self.previous_state.name(),
            to: to.name(),
            generation: self.generation,
            members: u32::try_from(self.members.len()).unwrap_or(u32::MAX),
        });
    }

    /// Waits for the next heartbeat of a member.
    pub(super) fn reschedule(&self, env: &mut Env<'_, '_>, member_id: &str) {
        if let Some(member) = self.members.get(member_id) {
            env.timer(heartbeat_timer(self, member_id), i64::from(member.session_timeout_ms));
        }
    }

    fn drop_member(&mut self, env: &mut Env<'_, '_>, member_id: &str, cause: LeaveCause) {
        self.remove(member_id);
        env.cancel(heartbeat_timer(self, member_id));
        env.cx.out.trace(TraceEvent::GroupMemberLeft {
            group: self.group_id.as_str().into(),
            member: member_id.into(),
            cause,
        });
    }

    fn complete_join(&mut self, env: &mut Env<'_, '_>, member_id: &str, answer: Answer) {
        if let Some(waiter) = self.members.get_mut(member_id).and_then(|member| member.awaiting_join.take()) {
            env.fx.answer(waiter, answer);
        }
    }

    fn complete_sync(&mut self, env: &mut Env<'_, '_>, member_id: &str, answer: Answer) -> bool {
        let waiter = self.members.get_mut(member_id).and_then(|member| member.awaiting_sync.take());
        let waits = waiter.is_some();
        if let Some(waiter) = waiter {
            env.fx.answer(waiter, answer);
        }
        waits
    }

    fn group_record(&self) -> GroupRecord {
        self.record(self.to_record(&self.assignments()))
    }

    fn record(&self, value: GroupMetadataValue) -> GroupRecord {
        GroupRecord::Group { group: self.group_id.clone(), value: Some(value) }
    }

    /// What is stored of a group that has just begun to be (newEmptyGroupMetadataRecord).
    fn empty_record(&self) -> GroupRecord {
        self.record(GroupMetadataValue {
            current_state_timestamp: self.state_timestamp.unwrap_or(-1),
            ..GroupMetadataValue::default()
        })
    }

    /// What a member of the present generation is told.
    fn join_response(&self, member_id: &str, with_members: bool) -> JoinGroupResponse {
        let members = if with_members { self.current_members() } else { Vec::new() };
        JoinGroupResponse::default()
            .with_generation_id(self.generation)
            .with_protocol_type(self.protocol_type.clone().map(Into::into))
            .with_protocol_name(self.protocol_name.clone().map(Into::into))
            .with_leader(self.leader.clone().unwrap_or_default().into())
            .with_member_id(member_id.to_owned().into())
            .with_members(members)
    }

    // ---- JoinGroup

    /// Handles a join of a group that exists (classicGroupJoinToClassicGroup). Gives whether the group is stored or
    /// about to be.
    pub(super) fn join(&mut self, env: &mut Env<'_, '_>, waiter: Call, join: Join, is_new: bool) {
        let writes = env.fx.writes.len();
        if !self.accepts_joining(env.config, &join.member_id) {
            self.remove(&join.member_id);
            env.fx.answer(waiter, Answer::join_error("", ErrorCode::GROUP_MAX_SIZE_REACHED));
        } else if !self.supports_protocols(&join.protocol_type, &join.protocols) {
            let answer = Answer::join_error(&join.member_id, ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
            env.fx.answer(waiter, answer);
        } else if join.member_id.is_empty() {
            self.join_new(env, waiter, join);
        } else {
            self.join_existing(env, waiter, join);
        }
        if is_new && env.fx.writes.len() == writes {
            env.write(self.empty_record(), After::Then(Stored::NewGroup(self.group_id.clone())));
        }
    }

    /// Whether there is room for a member (acceptJoiningMember).
    fn accepts_joining(&self, config: &GroupCoordinatorConfig, member_id: &str) -> bool {
        let max = usize::try_from(config.max_size).unwrap_or(usize::MAX);
        match self.state {
            State::Empty | State::Dead => true,
            State::PreparingRebalance => {
                self.members.get(member_id).is_some_and(|member| member.awaiting_join.is_some())
                    || self.awaiting_join() < max
            }
            State::CompletingRebalance | State::Stable => {
                self.members.contains_key(member_id) || self.members.len() < max
            }
        }
    }

    fn join_new(&mut self, env: &mut Env<'_, '_>, waiter: Call, join: Join) {
        let uuid = uuid_text::random(|| env.cx.rng.bytes16());
        let prefix = join.instance_id.as_deref().unwrap_or(&join.client_id);
        let member_id = format!("{prefix}-{uuid}");
        if let Some(instance) = &join.instance_id {
            match self.static_members.get(instance).cloned() {
                Some(existing) => self.replace_static(env, waiter, join, &existing, member_id),
                None => self.add_member(env, waiter, join, member_id),
            }
        } else if waiter.header.version >= 4 {
            // The member joins again with its id, so that a retry is no second member (KIP-394).
            self.pending_join.insert(member_id.clone());
            env.timer(heartbeat_timer(self, &member_id), i64::from(join.session_timeout_ms));
            env.fx.answer(waiter, Answer::join_error(&member_id, ErrorCode::MEMBER_ID_REQUIRED));
        } else {
            self.add_member(env, waiter, join, member_id);
        }
    }

    fn join_existing(&mut self, env: &mut Env<'_, '_>, waiter: Call, join: Join) {
        let member_id = join.member_id.clone();
        if self.pending_join.contains(&member_id) {
            // A pending member has no instance id; one that claims to is not who it says.
            if join.instance_id.is_some() {
                let answer = Answer::join_error(&member_id, ErrorCode::UNKNOWN_SERVER_ERROR);
                return env.fx.answer(waiter, answer);
            }
            return self.add_member(env, waiter, join, member_id);
        }
        if let Err(code) = self.validate_member(&member_id, join.instance_id.as_deref()) {
            return env.fx.answer(waiter, Answer::join_error(&member_id, code));
        }
        let same = self.members.get(&member_id).is_some_and(|member| member.protocols == join.protocols);
        let leads = self.is_leader(&member_id);
        let rejoin = match self.state {
            State::PreparingRebalance => Some(format!("Member {member_id} is joining group during")),
            State::CompletingRebalance if same => None,
            State::Stable if leads => Some(format!("Leader {member_id} re-joining group during")),
            State::Stable if same => None,
            State::CompletingRebalance | State::Stable => {
                Some(format!("Updating metadata for member {member_id} during"))
            }
            State::Empty | State::Dead => {
                let answer = Answer::join_error(&member_id, ErrorCode::UNKNOWN_MEMBER_ID);
                return env.fx.answer(waiter, answer);
            }
        };
        match rejoin {
            Some(what) => {
                let reason = format!("{what} {}; client reason: {}", self.state, join.reason());
                env.cx.out.trace(TraceEvent::GroupMemberRejoined {
                    group: self.group_id.as_str().into(),
                    member: member_id.as_str().into(),
                });
                self.update_member(&member_id, &join, Some(waiter));
                let cause = RebalanceCause::MemberRejoined {
                    member: member_id.into(),
                    leads,
                    said: join.reason.unwrap_or_default().into(),
                };
                self.prepare_or_complete(env, cause, &reason);
            }
            // It did not hear the answer: it is told again what the generation is.
            None => {
                let with_members = leads && self.state == State::CompletingRebalance;
                let response = self.join_response(&member_id, with_members);
                env.fx.answer(waiter, Answer::Join(Box::new(response)));
            }
        }
    }

    fn update_member(&mut self, member_id: &str, join: &Join, waiter: Option<Call>) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.protocols.clone_from(&join.protocols);
            member.rebalance_timeout_ms = join.rebalance_timeout_ms;
            member.session_timeout_ms = join.session_timeout_ms;
            member.awaiting_join = waiter;
        }
    }

    fn add_member(&mut self, env: &mut Env<'_, '_>, waiter: Call, join: Join, member_id: String) {
        if self.state == State::PreparingRebalance && self.previous_state == State::Empty {
            self.new_member_added = true;
        }
        let reason = format!(
            "Adding new member {member_id} with group instance id {}; client reason: {}",
            join.instance_id.as_deref().unwrap_or("null"),
            join.reason()
        );
        let member = ClassicMember {
            member_id: member_id.clone(),
            instance_id: join.instance_id,
            client_id: join.client_id,
            client_host: join.client_host,
            rebalance_timeout_ms: join.rebalance_timeout_ms,
            session_timeout_ms: join.session_timeout_ms,
            protocols: join.protocols,
            awaiting_join: Some(waiter),
            is_new: true,
            ..ClassicMember::default()
        };
        env.cx.out.trace(TraceEvent::GroupMemberJoined {
            group: self.group_id.as_str().into(),
            member: member_id.as_str().into(),
            instance: member.instance_id.as_deref().map(Into::into),
        });
        self.add(member, &join.protocol_type);
        // It cannot send heartbeats while its join is parked; if it went away meanwhile, this takes it out.
        env.timer(heartbeat_timer(self, &member_id), NEW_MEMBER_JOIN_TIMEOUT_MS);
        self.prepare_or_complete(env, RebalanceCause::MemberJoined { member: member_id.into() }, &reason);
    }

    /// A static member comes back (updateStaticMemberThenRebalanceOrCompleteJoin, KIP-345).
    fn replace_static(
        &mut self,
        env: &mut Env<'_, '_>,
        waiter: Call,
        join: Join,
        old_id: &str,
        member_id: String,
    ) {
        let leader = self.leader.clone();
        // A member that still waits under the old id is a second process with this instance id.
        self.complete_join(env, old_id, Answer::join_error(old_id, ErrorCode::FENCED_INSTANCE_ID));
        self.complete_sync(env, old_id, Answer::sync_error(ErrorCode::FENCED_INSTANCE_ID));
        let Some(before) = self.members.remove(old_id) else { return };
        self.pending_sync.remove(old_id);
        env.cancel(heartbeat_timer(self, old_id));
        let mut member = before.clone();
        member.member_id.clone_from(&member_id);
        member.is_new = false;
        let instance = join.instance_id.clone().unwrap_or_default();
        env.cx.out.trace(TraceEvent::GroupStaticMemberReplaced {
            group: self.group_id.as_str().into(),
            instance: instance.as_str().into(),
            old: old_id.into(),
            new: member_id.as_str().into(),
        });
        self.members.insert(member_id.clone(), member);
        self.static_members.insert(instance.clone(), member_id.clone());
        if self.is_leader(old_id) {
            self.leader = Some(member_id.clone());
        }
        self.update_member(&member_id, &join, Some(waiter));
        self.reschedule(env, &member_id);
        let cause = RebalanceCause::StaticMemberReturned {
            member: member_id.as_str().into(),
            instance: instance.as_str().into(),
        };
        match self.state {
            State::Stable if self.select_protocol() == self.protocol_name => {
                // Its assignment stays, so nobody else need know; but the new id has to outlive this coordinator.
                let after = After::Then(Stored::StaticMember {
                    group: self.group_id.clone(),
                    member_id,
                    before: Box::new(before),
                    leader,
                });
                env.write(self.group_record(), after);
            }
            State::Stable => {
                let reason = format!(
                    "Group's selectedProtocol will change because static member {member_id} with instance id \
                     {instance} joined with change of protocol; client reason: {}",
                    join.reason()
                );
                self.prepare_or_complete(env, cause, &reason);
            }
            State::CompletingRebalance => {
                let reason = format!(
                    "Updating metadata for static member {member_id} with instance id {instance}; client reason: {}",
                    join.reason()
                );
                self.prepare_rebalance(env, cause, &reason);
            }
            State::PreparingRebalance | State::Empty | State::Dead => self.maybe_complete_join(env),
        }
    }

    /// The new id of a static member is stored, or could not be.
    pub(super) fn static_member_stored(
        &mut self,
        env: &mut Env<'_, '_>,
        member_id: &str,
        (before, leader): (ClassicMember, Option<String>),
        result: Result<(), ErrorCode>,
    ) {
        let Some(version) = self
            .members
            .get(member_id)
            .and_then(|member| member.awaiting_join.as_ref().map(|waiter| waiter.header.version))
        else {
            return;
        };
        match result {
            Ok(()) => {
                let mut response = self.join_response(member_id, false);
                if version >= 9 {
                    // A leader gets the members, and leaves their assignments as they are (KIP-814).
                    let leads = self.is_leader(member_id);
                    response = self.join_response(member_id, leads);
                    response.skip_assignment = leads;
                } else {
                    // It is not told that it leads, so that it does not assign again.
                    response.leader = leader.unwrap_or_default().into();
                }
                self.complete_join(env, member_id, Answer::Join(Box::new(response)));
            }
            Err(code) => {
                let mut response = self.join_response("", false);
                response.leader = leader.unwrap_or_default().into();
                response.error_code = append_error(code).0;
                self.complete_join(env, member_id, Answer::Join(Box::new(response)));
                self.members.remove(member_id);
                env.cancel(heartbeat_timer(self, member_id));
                let old_id = before.member_id.clone();
                if self.is_leader(member_id) {
                    self.leader = Some(old_id.clone());
                }
                if let Some(instance) = &before.instance_id {
                    self.static_members.insert(instance.clone(), old_id.clone());
                }
                self.members.insert(old_id.clone(), before);
                self.reschedule(env, &old_id);
            }
        }
    }

    // ---- rebalances

    fn prepare_or_complete(&mut self, env: &mut Env<'_, '_>, cause: RebalanceCause, reason: &str) {
        if self.can_rebalance() {
            self.prepare_rebalance(env, cause, reason);
        } else {
            self.maybe_complete_join(env);
        }
    }

    pub(super) fn prepare_rebalance(&mut self, env: &mut Env<'_, '_>, cause: RebalanceCause, reason: &str) {
        if self.state == State::CompletingRebalance {
            self.reset_assignments(env, ErrorCode::REBALANCE_IN_PROGRESS);
        }
        self.pending_sync.clear();
        env.cancel(GroupTimer::Sync(self.group_id.clone()));
        let initial = self.state == State::Empty;
        if initial {
            // The first members of a group come one after the other: it waits a little for the others.
            let delay = i64::from(env.config.initial_rebalance_delay_ms);
            let remaining = (self.rebalance_timeout_ms() - delay).max(0);
            self.initial_delay = Some((delay, remaining));
            env.timer(GroupTimer::Join(self.group_id.clone()), delay);
        }
        env.cx.out.trace(TraceEvent::GroupRebalancing {
            group: self.group_id.as_str().into(),
            generation: self.generation,
            cause,
            reason: reason.into(),
        });
        self.transition(env, State::PreparingRebalance);
        if initial {
            return;
        }
        if self.has_all_members_joined() {
            self.complete_join_phase(env);
        } else {
            env.timer(GroupTimer::Join(self.group_id.clone()), self.rebalance_timeout_ms());
        }
    }

    fn maybe_complete_join(&mut self, env: &mut Env<'_, '_>) {
        if self.state == State::PreparingRebalance
            && self.previous_state != State::Empty
            && self.has_all_members_joined()
        {
            self.complete_join_phase(env);
        }
    }

    /// The time for joining is over, or was the initial delay.
    pub(super) fn join_expired(&mut self, env: &mut Env<'_, '_>) {
        if self.state != State::PreparingRebalance {
            return;
        }
        match self.initial_delay {
            Some((delay, remaining)) if self.new_member_added && remaining != 0 => {
                self.new_member_added = false;
                let next = i64::from(env.config.initial_rebalance_delay_ms).min(remaining);
                self.initial_delay = Some((next, (remaining - delay).max(0)));
                env.timer(GroupTimer::Join(self.group_id.clone()), next);
            }
            _ => self.complete_join_phase(env),
        }
    }

    /// Begins the next generation with those who have joined (completeClassicGroupJoin).
    fn complete_join_phase(&mut self, env: &mut Env<'_, '_>) {
        env.cancel(GroupTimer::Join(self.group_id.clone()));
        self.initial_delay = None;
        self.new_member_added = false;
        let late: Vec<String> = (self.members.values())
            .filter(|member| member.awaiting_join.is_none() && member.instance_id.is_none())
            .map(|member| member.member_id.clone())
            .collect();
        for member_id in late {
            self.drop_member(env, &member_id, LeaveCause::NotRejoined);
        }
        if !self.elect_joined_leader() && !self.members.is_empty() {
            // Only static members are left, and none has joined: their sessions end, or they come back.
            env.timer(GroupTimer::Join(self.group_id.clone()), self.rebalance_timeout_ms());
            return;
        }
        let next = self.init_next_generation();
        self.transition(env, next);
        if next == State::Empty {
            let record = self.record(self.to_record(&std::collections::BTreeMap::new()));
            return env.write(record, After::Nothing);
        }
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for member_id in ids {
            let response = self.join_response(&member_id, self.is_leader(&member_id));
            self.complete_join(env, &member_id, Answer::Join(Box::new(response)));
            self.reschedule(env, &member_id);
            if let Some(member) = self.members.get_mut(&member_id) {
                member.is_new = false;
            }
            self.pending_sync.insert(member_id);
        }
        env.timer(GroupTimer::Sync(self.group_id.clone()), self.rebalance_timeout_ms());
    }

    // ---- SyncGroup

    pub(super) fn sync(&mut self, env: &mut Env<'_, '_>, waiter: Call, request: SyncGroupRequest) {
        if let Err(code) = self.validate_sync(&request) {
            return env.fx.answer(waiter, Answer::sync_error(code));
        }
        let member_id = request.member_id.to_string();
        match self.state {
            State::Empty | State::Dead => {
                env.fx.answer(waiter, Answer::sync_error(ErrorCode::UNKNOWN_MEMBER_ID));
            }
            State::PreparingRebalance => {
                env.fx.answer(waiter, Answer::sync_error(ErrorCode::REBALANCE_IN_PROGRESS));
            }
            State::CompletingRebalance => {
                if let Some(member) = self.members.get_mut(&member_id) {
                    member.awaiting_sync = Some(waiter);
                }
                self.has_synced(env, &member_id);
                if !self.is_leader(&member_id) {
                    return;
                }
                let mut assignments: std::collections::BTreeMap<String, Bytes> = (request.assignments)
                    .into_iter()
                    .map(|one| (one.member_id.to_string(), one.assignment))
                    .collect();
                for member_id in self.members.keys() {
                    assignments.entry(member_id.clone()).or_default();
                }
                let record = self.record(self.to_record(&assignments));
                let (group, generation) = (self.group_id.clone(), self.generation);
                env.write(record, After::Then(Stored::Synced { group, generation, assignments }));
            }
            State::Stable => {
                self.has_synced(env, &member_id);
                let response = self.sync_response(&member_id);
                env.fx.answer(waiter, response);
            }
        }
    }

    fn validate_sync(&self, request: &SyncGroupRequest) -> Result<(), ErrorCode> {
        self.validate_member(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ErrorCode::ILLEGAL_GENERATION);
        }
        let differs = |said: Option<&str>, is: Option<&str>| said.is_some() && is.is_some() && said != is;
        if differs(request.protocol_type.as_deref(), self.protocol_type())
            || differs(request.protocol_name.as_deref(), self.protocol_name())
        {
            return Err(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
        }
        Ok(())
    }

    fn has_synced(&mut self, env: &mut Env<'_, '_>, member_id: &str) {
        self.pending_sync.remove(member_id);
        if self.pending_sync.is_empty() {
            env.cancel(GroupTimer::Sync(self.group_id.clone()));
        }
    }

    fn sync_response(&self, member_id: &str) -> Answer {
        let assignment = self.members.get(member_id).map(|member| member.assignment.clone());
        Answer::Sync(Box::new(
            SyncGroupResponse::default()
                .with_protocol_type(self.protocol_type.clone().map(Into::into))
                .with_protocol_name(self.protocol_name.clone().map(Into::into))
                .with_assignment(assignment.unwrap_or_default()),
        ))
    }

    /// The leader's assignment is stored, or could not be.
    pub(super) fn assignment_stored(
        &mut self,
        env: &mut Env<'_, '_>,
        generation: i32,
        mut assignments: std::collections::BTreeMap<String, Bytes>,
        result: Result<(), ErrorCode>,
    ) {
        // Somebody may have joined since.
        if self.state != State::CompletingRebalance || self.generation != generation {
            return;
        }
        if let Err(code) = result {
            let code = append_error(code);
            self.reset_assignments(env, code);
            let reason = format!("Error {} when storing group assignment during SyncGroup", code.name());
            return self.prepare_or_complete(env, RebalanceCause::NotStored { error: code.name() }, &reason);
        }
        for member in self.members.values_mut() {
            member.assignment = assignments.remove(&member.member_id).unwrap_or_default();
        }
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for member_id in ids {
            let response = self.sync_response(&member_id);
            if self.complete_sync(env, &member_id, response) {
                // Its session may have ended unseen while it waited.
                self.reschedule(env, &member_id);
            }
        }
        env.cx.out.trace(TraceEvent::GroupAssigned {
            group: self.group_id.as_str().into(),
            generation: self.generation,
            protocol: self.protocol_name().unwrap_or_default().into(),
            owners: self.owners(),
        });
        self.transition(env, State::Stable);
    }

    fn reset_assignments(&mut self, env: &mut Env<'_, '_>, code: ErrorCode) {
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for member_id in ids {
            if let Some(member) = self.members.get_mut(&member_id) {
                member.assignment = Bytes::new();
            }
            if self.complete_sync(env, &member_id, Answer::sync_error(code)) {
                self.reschedule(env, &member_id);
            }
        }
    }

    /// The time for syncs is over.
    pub(super) fn sync_expired(&mut self, env: &mut Env<'_, '_>) {
        if !matches!(self.state, State::CompletingRebalance | State::Stable) || self.pending_sync.is_empty() {
            return;
        }
        let late: Vec<String> = std::mem::take(&mut self.pending_sync).into_iter().collect();
        for member_id in &late {
            self.drop_member(env, member_id, LeaveCause::NotSynced);
        }
        let reason = format!("Removing {late:?} on pending sync request expiration");
        let members = late.iter().map(|member_id| member_id.as_str().into()).collect();
        self.prepare_rebalance(env, RebalanceCause::SyncTimedOut { members }, &reason);
    }

    // ---- Heartbeat

    pub(super) fn heartbeat(&mut self, env: &mut Env<'_, '_>, request: &HeartbeatRequest) -> ErrorCode {
        let instance = request.group_instance_id.as_deref();
        if let Err(code) = self.validate_member(&request.member_id, instance) {
            return code;
        }
        if request.generation_id != self.generation {
            return ErrorCode::ILLEGAL_GENERATION;
        }
        match self.state {
            State::Empty | State::Dead => ErrorCode::UNKNOWN_MEMBER_ID,
            State::PreparingRebalance => {
                self.reschedule(env, &request.member_id);
                ErrorCode::REBALANCE_IN_PROGRESS
            }
            State::CompletingRebalance | State::Stable => {
                self.reschedule(env, &request.member_id);
                ErrorCode::NONE
            }
        }
    }

    /// A member was not heard of for `session.timeout.ms`.
    pub(super) fn heartbeat_expired(&mut self, env: &mut Env<'_, '_>, member_id: &str) {
        if self.pending_join.contains(member_id) {
            self.drop_member(env, member_id, LeaveCause::NeverJoined);
            if self.state == State::PreparingRebalance && self.has_all_members_joined() {
                self.complete_join_phase(env);
            }
            return;
        }
        let Some(member) = self.members.get(member_id).filter(|member| !member.has_satisfied_heartbeat())
        else {
            return;
        };
        // A member that is new waits at its join for longer than a session.
        let session_ms = i64::from(member.session_timeout_ms);
        let after_ms = if member.is_new { NEW_MEMBER_JOIN_TIMEOUT_MS } else { session_ms };
        self.complete_join(env, member_id, Answer::join_error("", ErrorCode::UNKNOWN_MEMBER_ID));
        self.drop_member(env, member_id, LeaveCause::SessionTimedOut { after_ms });
        match self.state {
            State::Stable | State::CompletingRebalance => {
                let reason = format!("removing member {member_id} on heartbeat expiration.");
                let cause = RebalanceCause::SessionTimedOut { member: member_id.into(), after_ms };
                self.prepare_or_complete(env, cause, &reason);
            }
            State::PreparingRebalance if self.has_all_members_joined() => self.complete_join_phase(env),
            _ => {}
        }
    }

    // ---- LeaveGroup

    pub(super) fn leave(&mut self, env: &mut Env<'_, '_>, request: &LeaveGroupRequest) -> LeaveGroupResponse {
        let mut responses = Vec::new();
        for member in &request.members {
            let (id, instance) = (&member.member_id, member.group_instance_id.as_ref());
            let said = member.reason.as_deref().unwrap_or_default().into();
            let cause = LeaveCause::Left { said };
            // A tool takes out a static member by its instance id alone.
            let found = if id.is_empty() {
                let found = instance.and_then(|instance| self.static_members.get(instance.as_str()));
                found.cloned().ok_or(ErrorCode::UNKNOWN_MEMBER_ID)
            } else if self.pending_join.contains(id.as_str()) {
                self.drop_member(env, id, cause.clone());
                Err(ErrorCode::NONE)
            } else {
                self.validate_member(id, instance.map(|instance| instance.as_str())).map(|()| id.to_string())
            };
            let code = match found {
                Ok(member_id) => {
                    let answer = Answer::join_error("", ErrorCode::UNKNOWN_MEMBER_ID);
                    self.complete_join(env, &member_id, answer);
                    self.drop_member(env, &member_id, cause);
                    ErrorCode::NONE
                }
                Err(code) => code,
            };
            responses.push(left(id, instance, code));
        }
        let gone: Vec<&str> =
            responses.iter().filter(|one| one.error_code == 0).map(|one| one.member_id.as_str()).collect();
        if !gone.is_empty() {
            let reason = format!("explicit `LeaveGroup` request for ({}) members.", gone.join(", "));
            match self.state {
                State::Stable | State::CompletingRebalance => {
                    let members = gone.iter().map(|member_id| (*member_id).into()).collect();
                    self.prepare_or_complete(env, RebalanceCause::MembersLeft { members }, &reason);
                }
                State::PreparingRebalance => self.maybe_complete_join(env),
                State::Empty | State::Dead => {}
            }
        }
        LeaveGroupResponse::default().with_members(responses)
    }

    // ---- the coordinator's coming and going

    /// Begins to wait for the members of a group that was loaded.
    pub(super) fn loaded(&mut self, env: &mut Env<'_, '_>) {
        env.cx.out.trace(TraceEvent::GroupLoaded {
            group: self.group_id.as_str().into(),
            generation: self.generation,
            members: u32::try_from(self.members.len()).unwrap_or(u32::MAX),
            protocol: self.protocol_name().unwrap_or_default().into(),
            owners: self.owners(),
        });
        for member_id in self.members.keys() {
            self.reschedule(env, member_id);
        }
        if self.members.len() > usize::try_from(env.config.max_size).unwrap_or(usize::MAX) {
            let reason =
                format!("Freshly-loaded group {} is over capacity {}", self.group_id, env.config.max_size);
            self.prepare_rebalance(env, RebalanceCause::OverCapacity { most: env.config.max_size }, &reason);
        }
    }

    /// Another broker coordinates the group from now on.
    pub(super) fn unloaded(&mut self, env: &mut Env<'_, '_>) {
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for member_id in ids {
            let answer = Answer::join_error(&member_id, ErrorCode::NOT_COORDINATOR);
            self.complete_join(env, &member_id, answer);
            self.complete_sync(env, &member_id, Answer::sync_error(ErrorCode::NOT_COORDINATOR));
        }
        self.state = State::Dead;
    }
}
