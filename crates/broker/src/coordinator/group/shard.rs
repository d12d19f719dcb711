//! The groups of one partition of `__consumer_offsets` (org.apache.kafka.coordinator.group.GroupCoordinatorShard).

use std::collections::BTreeMap;
use std::sync::Arc;

use blumfeld_kernel::{Context, TraceEvent};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::{
    DeleteGroupsResponse, HeartbeatRequest, LeaveGroupRequest, OffsetDeleteRequest, OffsetDeleteResponse,
    SyncGroupRequest,
};
use bytes::Bytes;

use super::classic::ClassicGroup;
use super::manager::Join;
use super::offsets::{Committing, Offsets, tombstone};
use super::record::GroupRecord;
use super::{After, Answer, Env, GROUP_METADATA_TOPIC, GroupTimer, Stored, Write, append_error};
use crate::call::Call;
use crate::config::GroupCoordinatorConfig;
use crate::coordinator::runtime::{Change, Shard};
use crate::reply::Body;

/// An OffsetCommit request of one group.
#[derive(Clone, Debug)]
pub struct CommitRequest {
    /// `group.id`.
    pub group_id: String,
    /// `member.id`; empty of a tool or a consumer that assigns itself its partitions.
    pub member_id: String,
    /// `group.instance.id`.
    pub instance_id: Option<String>,
    /// The generation, or -1.
    pub generation: i32,
    /// Version of the request.
    pub version: i16,
}

/// Offsets of a transaction.
#[derive(Clone, Debug)]
pub struct TransactionalCommit {
    /// The producer id and epoch.
    pub producer: (i64, i16),
    /// What counts once the transaction is committed.
    pub offsets: Vec<Committing>,
}

/// The groups of a partition.
#[derive(Clone, Debug, Default)]
pub struct GroupShard {
    groups: BTreeMap<String, ClassicGroup>,
    /// Up to the log's end.
    current: Offsets,
    /// Up to the high watermark: what is told to consumers.
    committed: Offsets,
}

impl GroupShard {
    // ---- what others may see

    /// Its groups in the order of their ids.
    pub fn groups(&self) -> impl Iterator<Item = &ClassicGroup> {
        self.groups.values()
    }

    /// A group.
    pub fn group(&self, group_id: &str) -> Option<&ClassicGroup> {
        self.groups.get(group_id)
    }

    /// The offsets that consumers are told.
    pub(crate) fn committed(&self) -> &Offsets {
        &self.committed
    }

    /// The offsets up to the log's end.
    pub(crate) fn current(&self) -> &Offsets {
        &self.current
    }

    // ---- requests

    /// JoinGroup.
    pub(crate) fn join(&mut self, env: &mut Env<'_, '_>, waiter: Call, join: Join) {
        let is_new = !self.groups.contains_key(&join.group_id);
        if is_new && !join.member_id.is_empty() {
            let answer = Answer::join_error(&join.member_id, ErrorCode::UNKNOWN_MEMBER_ID);
            return env.fx.answer(waiter, answer);
        }
        let now_ms = env.cx.unix_ms();
        let group = (self.groups.entry(join.group_id.clone()))
            .or_insert_with(|| ClassicGroup::new(&join.group_id, now_ms));
        group.join(env, waiter, join, is_new);
    }

    /// SyncGroup.
    pub(crate) fn sync(&mut self, env: &mut Env<'_, '_>, waiter: Call, request: SyncGroupRequest) {
        match self.groups.get_mut(request.group_id.as_str()).filter(|group| !group.is_empty()) {
            Some(group) => group.sync(env, waiter, request),
            None => env.fx.answer(waiter, Answer::sync_error(ErrorCode::UNKNOWN_MEMBER_ID)),
        }
    }

    /// Heartbeat.
    pub(crate) fn heartbeat(&mut self, env: &mut Env<'_, '_>, request: &HeartbeatRequest) -> ErrorCode {
        match self.groups.get_mut(request.group_id.as_str()) {
            Some(group) => group.heartbeat(env, request),
            None => ErrorCode::UNKNOWN_MEMBER_ID,
        }
    }

    /// LeaveGroup. A group that is empty by it is stored before the answer.
    pub(crate) fn leave(&mut self, env: &mut Env<'_, '_>, waiter: Call, request: &LeaveGroupRequest) {
        let response = match self.groups.get_mut(request.group_id.as_str()) {
            Some(group) => group.leave(env, request),
            None => {
                let unknown = request.members.iter().map(|member| {
                    let instance = member.group_instance_id.as_ref();
                    super::answer::left(&member.member_id, instance, ErrorCode::UNKNOWN_MEMBER_ID)
                });
                blumfeld_protocol::messages::LeaveGroupResponse::default().with_members(unknown.collect())
            }
        };
        match env.fx.writes.last_mut() {
            Some(write) => write.after = After::Respond(waiter, Answer::Leave(response)),
            None => env.fx.answer(waiter, Answer::Leave(response)),
        }
    }

    /// OffsetCommit, checked; the offsets are then for [`write_offsets`](Self::write_offsets).
    pub(crate) fn check_commit(
        &mut self,
        env: &mut Env<'_, '_>,
        request: &CommitRequest,
    ) -> Result<(), ErrorCode> {
        let Some(group) = self.groups.get(&request.group_id) else {
            // A tool, or a consumer that assigns itself its partitions, begins a group with its offsets.
            return match request.generation {
                generation if generation < 0 => Ok(()),
                _ if request.version >= 9 => Err(ErrorCode::GROUP_ID_NOT_FOUND),
                _ => Err(ErrorCode::ILLEGAL_GENERATION),
            };
        };
        let instance = request.instance_id.as_deref();
        group.validate_commit(&request.member_id, instance, request.generation)?;
        // A commit shows that the member lives.
        group.reschedule(env, &request.member_id);
        Ok(())
    }

    /// TxnOffsetCommit, checked (validateTransactionalOffsetCommit).
    pub(crate) fn check_transactional(
        &mut self,
        env: &mut Env<'_, '_>,
        request: &CommitRequest,
    ) -> Result<(), ErrorCode> {
        let Some(group) = self.groups.get(&request.group_id) else {
            return if request.generation < 0 { Ok(()) } else { Err(ErrorCode::ILLEGAL_GENERATION) };
        };
        let instance = request.instance_id.as_deref();
        group.validate_transactional_commit(&request.member_id, instance, request.generation)?;
        group.reschedule(env, &request.member_id);
        Ok(())
    }

    /// Records for offsets that count once a transaction is committed, with the answer that follows.
    pub(crate) fn write_transactional(
        &self,
        env: &mut Env<'_, '_>,
        group_id: &str,
        commit: TransactionalCommit,
        (waiter, answer): (Call, Answer),
    ) {
        let records = commit.offsets.into_iter().map(|one| GroupRecord::Offset {
            group: group_id.to_owned(),
            topic: one.topic,
            partition: one.partition,
            value: Some(one.value),
        });
        let (records, producer) = (records.collect(), Some(commit.producer));
        let after = After::Respond(waiter, answer);
        env.fx.writes.push(Write { records, producer, replay: true, after });
    }

    /// Records for offsets, with the answer that follows.
    pub(crate) fn write_offsets(
        &self,
        env: &mut Env<'_, '_>,
        group_id: &str,
        offsets: Vec<Committing>,
        (waiter, answer): (Call, Answer),
    ) {
        let records = offsets.into_iter().map(|one| GroupRecord::Offset {
            group: group_id.to_owned(),
            topic: one.topic,
            partition: one.partition,
            value: Some(one.value),
        });
        let after = After::Respond(waiter, answer);
        env.fx.writes.push(Write { records: records.collect(), producer: None, replay: true, after });
    }

    /// OffsetDelete, of topics that exist. `response` has an answer for the others.
    pub(crate) fn delete_offsets(
        &self,
        env: &mut Env<'_, '_>,
        waiter: Call,
        request: &OffsetDeleteRequest,
        mut response: OffsetDeleteResponse,
    ) {
        use blumfeld_protocol::messages::offset_delete_response::{
            OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
        };
        let group_id = request.group_id.as_str();
        let group = self.groups.get(group_id).ok_or(ErrorCode::GROUP_ID_NOT_FOUND);
        let group = match group.and_then(|group| group.validate_offset_delete().map(|()| group)) {
            Ok(group) => group,
            Err(code) => {
                let response = OffsetDeleteResponse::default().with_error_code(code.0);
                return env.fx.answer(waiter, Answer::OffsetDelete(response));
            }
        };
        let mut records = Vec::new();
        // Taken together only where something else is said of them (OffsetDeleteResponse.Builder.merge).
        let alone = response.topics.is_empty();
        for topic in &request.topics {
            let name = topic.name.as_str();
            let subscribed = group.is_subscribed_to(name);
            let partitions = topic.partitions.iter().map(|partition| {
                let number = partition.partition_index;
                let answer = OffsetDeleteResponsePartition::default().with_partition_index(number);
                if subscribed {
                    return answer.with_error_code(ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC.0);
                }
                if self.current.get(group_id, name, number).is_some() {
                    records.push(tombstone(group_id, name, number));
                }
                answer
            });
            let partitions = partitions.collect();
            let have = response.topics.iter_mut().filter(|_| !alone).find(|have| have.name == topic.name);
            match have {
                Some(have) => have.partitions.extend(partitions),
                None => {
                    let topic = OffsetDeleteResponseTopic::default().with_name(topic.name.clone());
                    response.topics.push(topic.with_partitions(partitions));
                }
            }
        }
        let after = After::Respond(waiter, Answer::OffsetDelete(response));
        env.fx.writes.push(Write { records, producer: None, replay: true, after });
    }

    /// Has a read of what is not committed yet wait until it is.
    pub(crate) fn wait_for_writes(&self, env: &mut Env<'_, '_>, gathering: u64, group_id: &str) {
        let after = After::Gathered(gathering, group_id.to_owned());
        env.fx.writes.push(Write { records: Vec::new(), producer: None, replay: false, after });
    }

    /// One group of a DeleteGroups request.
    pub(crate) fn delete_group(
        &self,
        env: &mut Env<'_, '_>,
        gathering: u64,
        group_id: &str,
    ) -> Result<(), ErrorCode> {
        self.groups.get(group_id).ok_or(ErrorCode::GROUP_ID_NOT_FOUND)?.validate_delete()?;
        let mut records = self.current.tombstones(group_id);
        records.push(GroupRecord::Group { group: group_id.to_owned(), value: None });
        let after = After::Gathered(gathering, group_id.to_owned());
        env.fx.writes.push(Write { records, producer: None, replay: true, after });
        Ok(())
    }

    /// A topic is gone, and with it what groups have committed of it (onPartitionsDeleted).
    pub(crate) fn topic_deleted(&self, env: &mut Env<'_, '_>, topic: &str) {
        let records = self.current.tombstones_of_topic(topic);
        if !records.is_empty() {
            env.fx.writes.push(Write { records, producer: None, replay: true, after: After::Nothing });
        }
    }

    // ---- time

    /// Takes away offsets that are too old, and groups that have nothing else (cleanupGroupMetadata).
    fn expire_offsets(&self, env: &mut Env<'_, '_>) {
        let now_ms = env.cx.unix_ms();
        let retention_ms = i64::from(env.config.offsets_retention_minutes) * 60_000;
        let mut records = Vec::new();
        for (id, group) in &self.groups {
            let Some(condition) = group.expiration_condition() else { continue };
            let before = records.len();
            let mut all = true;
            for (topic, partition, offset) in self.current.of(id) {
                let pending = self.current.is_pending(id, topic, partition);
                let expired = condition.is_expired(offset, now_ms, retention_ms);
                if !pending && !group.is_subscribed_to(topic) && expired {
                    records.push(tombstone(id, topic, partition));
                } else {
                    all = false;
                }
            }
            let offsets = u32::try_from(records.len() - before).unwrap_or(u32::MAX);
            let idle = group.is_empty() && group.pending_members() == 0;
            let gone = all && idle && !self.current.has_pending(id);
            if gone {
                records.push(GroupRecord::Group { group: id.clone(), value: None });
            }
            if gone || offsets > 0 {
                let group = id.as_str().into();
                env.cx.out.trace(TraceEvent::GroupOffsetsExpired { group, offsets, gone });
            }
        }
        if !records.is_empty() {
            env.fx.writes.push(Write { records, producer: None, replay: true, after: After::Nothing });
        }
    }
}

impl Shard for GroupShard {
    const TOPIC: &'static str = GROUP_METADATA_TOPIC;
    type Config = GroupCoordinatorConfig;
    type Record = GroupRecord;
    type Timer = GroupTimer;
    type Answer = Answer;
    type Stored = Stored;

    fn encode(record: &GroupRecord) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        record.encode()
    }

    fn decode(key: Option<&Bytes>, value: Option<&Bytes>) -> Result<GroupRecord, String> {
        GroupRecord::decode(key, value).map_err(|error| error.to_string())
    }

    fn replay(&mut self, change: &Change<GroupRecord>, now_ms: i64) {
        if let Change::Record { record, .. } = change {
            match record {
                GroupRecord::Offset { group, value, .. } => {
                    // Offsets without members are a group too: a "simple" one, without a protocol type.
                    if value.is_some() && !self.groups.contains_key(group) {
                        self.groups.insert(group.clone(), ClassicGroup::new(group, now_ms));
                    }
                }
                GroupRecord::Group { group, value: Some(value) } => {
                    self.groups.insert(group.clone(), ClassicGroup::from_record(group, value));
                }
                GroupRecord::Group { group, value: None } => {
                    self.groups.remove(group);
                }
            }
        }
        self.current.replay(change);
    }

    fn commit(&mut self, change: &Change<GroupRecord>) {
        self.committed.replay(change);
    }

    fn invariant<'a>(&self, waits: impl Iterator<Item = &'a Change<GroupRecord>>) -> Result<(), String> {
        /// More are not looked at: this is asked after every input.
        const LOOKED_AT: usize = 200;
        if self.current.count() > LOOKED_AT {
            return Ok(());
        }
        let mut waits = waits.peekable();
        let same = if waits.peek().is_none() {
            self.committed == self.current
        } else {
            let mut state = self.committed.clone();
            waits.for_each(|change| state.replay(change));
            state == self.current
        };
        let differs = || format!("{:?} and what waits is not {:?}", self.committed, self.current);
        if same { Ok(()) } else { Err(differs()) }
    }

    fn loaded(&mut self, env: &mut Env<'_, '_>, partition: &Arc<str>, skipped: Vec<(i64, String)>) {
        for (offset, reason) in skipped {
            let (partition, reason) = (partition.clone(), reason.into());
            env.cx.out.trace(TraceEvent::GroupRecordSkipped { partition, offset, reason });
        }
        env.cx.out.trace(TraceEvent::CoordinatorLoaded {
            partition: partition.clone(),
            groups: u32::try_from(self.groups.len()).unwrap_or(u32::MAX),
            offsets: u32::try_from(self.current.count()).unwrap_or(u32::MAX),
        });
        for group in self.groups.values_mut() {
            group.loaded(env);
        }
        env.timer(GroupTimer::Expiration, env.config.offsets_retention_check_interval_ms);
    }

    fn on_timer(&mut self, env: &mut Env<'_, '_>, timer: &GroupTimer) {
        match timer {
            GroupTimer::Heartbeat(group, member_id) => {
                if let Some(group) = self.groups.get_mut(group) {
                    group.heartbeat_expired(env, member_id);
                }
            }
            GroupTimer::Join(group) => {
                if let Some(group) = self.groups.get_mut(group) {
                    group.join_expired(env);
                }
            }
            GroupTimer::Sync(group) => {
                if let Some(group) = self.groups.get_mut(group) {
                    group.sync_expired(env);
                }
            }
            GroupTimer::Expiration => {
                self.expire_offsets(env);
                env.timer(GroupTimer::Expiration, env.config.offsets_retention_check_interval_ms);
            }
        }
    }

    fn stored(&mut self, env: &mut Env<'_, '_>, stored: Stored, result: Result<(), ErrorCode>) {
        match stored {
            Stored::Synced { group, generation, assignments } => {
                if let Some(group) = self.groups.get_mut(&group) {
                    group.assignment_stored(env, generation, assignments, result);
                }
            }
            Stored::StaticMember { group, member_id, before, leader } => {
                if let Some(group) = self.groups.get_mut(&group) {
                    group.static_member_stored(env, &member_id, (*before, leader), result);
                }
            }
            Stored::NewGroup(group) => {
                if result.is_err() && self.groups.get(&group).is_some_and(ClassicGroup::is_empty) {
                    self.groups.remove(&group);
                }
            }
        }
    }

    fn unload(mut self, env: &mut Env<'_, '_>, partition: &Arc<str>, stored: Vec<Stored>) {
        let groups = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        env.cx.out.trace(TraceEvent::CoordinatorUnloaded { partition: partition.clone(), groups });
        for stored in stored {
            match stored {
                // The members of these are told below.
                Stored::Synced { .. } | Stored::StaticMember { .. } => {}
                Stored::NewGroup(_) => self.stored(env, stored, Err(ErrorCode::NOT_LEADER_OR_FOLLOWER)),
            }
        }
        for group in self.groups.values_mut() {
            group.unloaded(env);
        }
    }

    fn waiting(&self) -> impl Iterator<Item = &Call> {
        self.groups.values().flat_map(ClassicGroup::waiting)
    }

    fn trace_commit(cx: &mut Context<'_>, changes: &[Change<GroupRecord>]) {
        let mut of = None;
        // Those of a transaction count once it is committed.
        let offsets: Vec<(std::sync::Arc<str>, i64)> = (changes.iter())
            .filter_map(|change| match change {
                Change::Record { record, producer: None, .. } => Some(record),
                _ => None,
            })
            .filter_map(|record| match record {
                GroupRecord::Offset { group, topic, partition, value: Some(value) } => {
                    of = Some(group.as_str());
                    Some((format!("{topic}-{partition}").into(), value.offset))
                }
                _ => None,
            })
            .collect();
        if let Some(group) = of {
            cx.out.trace(TraceEvent::OffsetsCommitted { group: group.into(), offsets: offsets.into() });
        }
    }

    fn fail(answer: Answer, code: ErrorCode) -> Answer {
        answer.fail(code)
    }

    fn gather(answer: &mut Answer, key: &str, code: ErrorCode) {
        match answer {
            Answer::DeleteGroups(DeleteGroupsResponse { results, .. }) => {
                for result in results.iter_mut().filter(|result| result.group_id.as_str() == key) {
                    result.error_code = code.0;
                }
            }
            Answer::Fetch(response) if code.is_error() => {
                // Clients before 3.9 know no COORDINATOR_NOT_AVAILABLE here (handleOffsetFetchException).
                let code = match code {
                    ErrorCode::COORDINATOR_NOT_AVAILABLE => ErrorCode::NOT_COORDINATOR,
                    code => code,
                };
                for group in response.groups.iter_mut().filter(|group| group.group_id.as_str() == key) {
                    group.error_code = code.0;
                    group.topics.clear();
                }
            }
            _ => {}
        }
    }

    fn append_error(code: ErrorCode) -> ErrorCode {
        append_error(code)
    }

    fn respond(answer: Answer, version: i16) -> Body {
        answer.message(version)
    }

    fn write_timeout_ms(config: &GroupCoordinatorConfig) -> i64 {
        config.offsets_commit_timeout_ms
    }
}
