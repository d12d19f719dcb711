//! The server's side of the group coordinators: appends to `__consumer_offsets`, answers that wait for the high watermark,
//! timers, and partitions that come and go (CoordinatorRuntime).

use blumfeld_kernel::{Context, FlushId, TraceEvent};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use blumfeld_protocol::messages::{DeleteGroupsResponse, TopicName};
use blumfeld_protocol::record_batch::{BatchBuilder, BatchOptions};

use super::purgatory::Answered;
use super::{Server, Timer};
use crate::call::Call;
use crate::coordinator::{
    After, Answer, Effects, Env, GROUP_METADATA_TOPIC, Gathering, GroupRecord, GroupTimer, Pending, Shard,
    Write, partition_for,
};
use crate::replica::TopicPartition;
use crate::reply::Reply;

fn key(partition: i32) -> TopicPartition {
    (GROUP_METADATA_TOPIC.to_owned(), partition)
}

impl Server {
    /// The partition of `__consumer_offsets` that a group belongs to.
    pub fn group_partition(&self, group_id: &str) -> i32 {
        let topic = self.image.topic(GROUP_METADATA_TOPIC);
        let partitions = topic.map_or(self.config.group.offsets_topic_partitions, |topic| {
            i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX)
        });
        partition_for(group_id, partitions)
    }

    /// Has the controller create `__consumer_offsets` (AutoTopicCreationManager).
    pub fn create_offsets_topic(&mut self, cx: &mut Context<'_>) {
        let config = &self.config.group;
        let configs = [
            ("cleanup.policy", "compact".to_owned()),
            ("compression.type", "producer".to_owned()),
            ("segment.bytes", config.offsets_topic_segment_bytes.to_string()),
        ];
        let configs = configs.into_iter().map(|(name, value)| {
            CreatableTopicConfig::default().with_name(name.to_owned().into()).with_value(Some(value.into()))
        });
        let topic = CreatableTopic::default()
            .with_name(TopicName(GROUP_METADATA_TOPIC.to_owned().into()))
            .with_num_partitions(config.offsets_topic_partitions)
            .with_replication_factor(config.offsets_topic_replication_factor)
            .with_configs(configs.collect());
        self.forwarding.create_topic(cx, topic);
    }

    // ---- requests

    /// Lets the shard of a group handle something.
    pub fn with_group<R>(
        &mut self,
        cx: &mut Context<'_>,
        group_id: &str,
        run: impl FnOnce(&mut Shard, &mut Env<'_, '_>) -> R,
    ) -> Result<R, ErrorCode> {
        let partition = self.group_partition(group_id);
        self.with_shard(cx, partition, run).ok_or(ErrorCode::NOT_COORDINATOR)
    }

    fn with_shard<R>(
        &mut self,
        cx: &mut Context<'_>,
        partition: i32,
        run: impl FnOnce(&mut Shard, &mut Env<'_, '_>) -> R,
    ) -> Option<R> {
        let shard = self.groups.shards.get_mut(&partition)?;
        let mut fx = Effects::default();
        let result = run(shard, &mut Env { cx, config: &self.config.group, fx: &mut fx });
        self.apply_group_effects(cx, partition, fx);
        Some(result)
    }

    /// An answer to a group's request, sent once the present input is handled.
    pub fn answer_group(&mut self, waiter: Call, answer: Answer) {
        self.groups.answers.push_back((waiter, answer));
    }

    /// Begins to gather what several shards say to one request; gives its number.
    pub fn gather(&mut self, waiter: Call, answer: Answer, missing: usize) -> u64 {
        let id = self.next_number();
        self.groups.gatherings.insert(id, Gathering { waiter, answer, missing });
        id
    }

    /// One part of what is gathered is there.
    pub fn gathered(&mut self, id: u64, group_id: &str, code: ErrorCode) {
        let Some(gathering) = self.groups.gatherings.get_mut(&id) else { return };
        match &mut gathering.answer {
            Answer::DeleteGroups(DeleteGroupsResponse { results, .. }) => {
                for result in results.iter_mut().filter(|result| result.group_id.as_str() == group_id) {
                    result.error_code = code.0;
                }
            }
            Answer::Fetch(response) if code.is_error() => {
                // Clients before 3.9 know no COORDINATOR_NOT_AVAILABLE here (handleOffsetFetchException).
                let code = match code {
                    ErrorCode::COORDINATOR_NOT_AVAILABLE => ErrorCode::NOT_COORDINATOR,
                    code => code,
                };
                for group in response.groups.iter_mut().filter(|group| group.group_id.as_str() == group_id) {
                    group.error_code = code.0;
                    group.topics.clear();
                }
            }
            _ => {}
        }
        gathering.missing = gathering.missing.saturating_sub(1);
        if gathering.missing == 0
            && let Some(done) = self.groups.gatherings.remove(&id)
        {
            self.answer_group(done.waiter, done.answer);
        }
    }

    /// The next answer of a coordinator.
    pub(super) fn next_group_answer(&mut self) -> Option<Answered> {
        let (waiter, answer) = self.groups.answers.pop_front()?;
        let frame = answer.encode(&waiter.header);
        Some((waiter, frame.map(|frame| Reply::Now(frame.into()))))
    }

    // ---- effects

    fn apply_group_effects(&mut self, cx: &mut Context<'_>, partition: i32, fx: Effects) {
        self.groups.answers.extend(fx.answers);
        for (timer, after_ms) in fx.timers {
            self.set_group_timer(cx, partition, timer, after_ms);
        }
        for (gathering, group, code) in fx.gathered {
            self.gathered(gathering, &group, code);
        }
        for write in fx.writes {
            self.write_group(cx, partition, write);
        }
    }

    fn set_group_timer(
        &mut self,
        cx: &Context<'_>,
        partition: i32,
        timer: GroupTimer,
        after_ms: Option<i64>,
    ) {
        if let Some(place) = self.groups.timers.remove(&(partition, timer.clone())) {
            self.timers.remove(&place);
        }
        let Some(after_ms) = after_ms else { return };
        let place = (cx.after_ms(after_ms), self.next_number());
        self.timers.insert(place, Timer::Group(partition, timer.clone()));
        self.groups.timers.insert((partition, timer), place);
    }

    pub(super) fn on_group_timer(&mut self, cx: &mut Context<'_>, partition: i32, timer: &GroupTimer) {
        self.groups.timers.remove(&(partition, timer.clone()));
        self.with_shard(cx, partition, |shard, env| shard.on_timer(env, timer));
    }

    // ---- appends

    /// Appends records; what follows waits until they are committed.
    fn write_group(&mut self, cx: &mut Context<'_>, partition: i32, write: Write) {
        let appended = match write.records.as_slice() {
            // A read that waits for what was written before it.
            [] => {
                let last = self.groups.shards.get(&partition).and_then(|shard| shard.pending.back());
                Ok(last.map(|last| (last.offset, last.flush)))
            }
            records => self.append_group(cx, partition, records).map(Some),
        };
        let waits = match appended {
            Ok(waits) => waits,
            Err(code) => return self.finish_group(cx, partition, write.after, Err(code)),
        };
        let id = self.next_number + 1;
        let Some(shard) = self.groups.shards.get_mut(&partition) else { return };
        if write.replay {
            let now_ms = cx.unix_ms();
            write.records.iter().for_each(|record| shard.replay(record, now_ms));
        }
        let Some((offset, flush)) = waits else {
            return self.finish_group(cx, partition, write.after, Ok(()));
        };
        self.next_number = id;
        let idle = shard.pending.is_empty();
        shard.pending.push_back(Pending { id, offset, flush, records: write.records, after: write.after });
        let safe = self.replicas.of(&key(partition)).is_some_and(|have| have.high_watermark() >= offset);
        if idle && safe && flush.is_none() {
            return self.complete_group_writes(cx, partition);
        }
        let timeout = self.config.group.offsets_commit_timeout_ms;
        self.set_group_timer(cx, partition, GroupTimer::Write(id), Some(timeout));
    }

    fn append_group(
        &mut self,
        cx: &mut Context<'_>,
        partition: i32,
        records: &[GroupRecord],
    ) -> Result<(i64, Option<FlushId>), ErrorCode> {
        if self.disk_error.is_some() {
            return Err(ErrorCode::KAFKA_STORAGE_ERROR);
        }
        let now_ms = cx.unix_ms();
        let mut batch = BatchBuilder::new(BatchOptions::default());
        for record in records {
            let (key, value) = record.encode().ok_or(ErrorCode::RECORD_LIST_TOO_LARGE)?;
            batch.append(now_ms, Some(&key), value.as_deref(), &[]);
        }
        let key = key(partition);
        let min_isr = Some(self.image.min_insync_replicas(GROUP_METADATA_TOPIC));
        let bytes = batch.build().bytes().clone();
        let info = self.replicas.append(cx, &key, &bytes, min_isr).map_err(|error| error.code)?;
        let flush = if self.config.flush_before_acknowledging { self.replicas.flush(cx, &key) } else { None };
        Ok((info.last_offset + 1, flush))
    }

    fn finish_group(
        &mut self,
        cx: &mut Context<'_>,
        partition: i32,
        after: After,
        result: Result<(), ErrorCode>,
    ) {
        self.with_shard(cx, partition, |shard, env| shard.finish(env, after, result));
    }

    /// Goes on with what waited for the high watermark of a partition.
    pub(super) fn complete_group_writes(&mut self, cx: &mut Context<'_>, partition: i32) {
        let Some(high_watermark) = self.replicas.of(&key(partition)).map(|have| have.high_watermark()) else {
            return;
        };
        loop {
            let Some(shard) = self.groups.shards.get_mut(&partition) else { return };
            let safe = |first: &Pending| first.offset <= high_watermark && first.flush.is_none();
            if !shard.pending.front().is_some_and(safe) {
                return;
            }
            let Some(done) = shard.pending.pop_front() else { return };
            shard.commit_records(&done.records);
            if !matches!(done.after, After::Loaded) {
                trace_commit(cx, &done.records);
            }
            self.set_group_timer(cx, partition, GroupTimer::Write(done.id), None);
            self.finish_group(cx, partition, done.after, Ok(()));
        }
    }

    /// A flush is over: what waited for it goes on, or fails.
    pub fn group_flush_is_over(&mut self, cx: &mut Context<'_>, flush: FlushId, ok: bool) {
        let mut touched = Vec::new();
        for (partition, shard) in &mut self.groups.shards {
            let mut failed = Vec::new();
            for one in shard.pending.iter_mut().filter(|one| one.flush == Some(flush)) {
                one.flush = None;
                if !ok {
                    failed.push(std::mem::replace(&mut one.after, After::Nothing));
                }
                touched.push((*partition, std::mem::take(&mut failed)));
            }
        }
        for (partition, failed) in touched {
            for after in failed {
                self.finish_group(cx, partition, after, Err(ErrorCode::KAFKA_STORAGE_ERROR));
            }
            self.complete_group_writes(cx, partition);
        }
    }

    // ---- partitions

    /// A partition of `__consumer_offsets` has another leader, or other replicas (onElection, onResignation).
    pub fn follow_coordinator(&mut self, cx: &mut Context<'_>, partition: i32) {
        let leads = self.replicas.of(&key(partition)).filter(|replica| replica.is_leader());
        match (self.groups.shards.contains_key(&partition), leads) {
            (false, Some(replica)) => {
                let (shard, fx) = Shard::load(cx, &self.config.group, replica);
                self.groups.shards.insert(partition, shard);
                self.apply_group_effects(cx, partition, fx);
            }
            // It leads again: it has everything already.
            (true, Some(_)) | (false, None) => {}
            (true, None) => self.unload_coordinator(cx, partition),
        }
    }

    fn unload_coordinator(&mut self, cx: &mut Context<'_>, partition: i32) {
        let Some(shard) = self.groups.shards.remove(&partition) else { return };
        let groups = u32::try_from(shard.groups().count()).unwrap_or(u32::MAX);
        let name = format!("{GROUP_METADATA_TOPIC}-{partition}");
        cx.out.trace(TraceEvent::CoordinatorUnloaded { partition: name.into(), groups });
        let mut fx = Effects::default();
        shard.unload(&mut Env { cx, config: &self.config.group, fx: &mut fx });
        let timers = self.groups.timers.extract_if(.., |(of, _), _| *of == partition);
        for (_, place) in timers {
            self.timers.remove(&place);
        }
        self.groups.answers.extend(fx.answers);
        for (gathering, group, code) in fx.gathered {
            self.gathered(gathering, &group, code);
        }
    }

    /// Topics are gone, and with them what groups have committed of them.
    pub fn forget_offsets(&mut self, cx: &mut Context<'_>, topic: &str) {
        let shards: Vec<i32> = self.groups.shards.keys().copied().collect();
        for partition in shards {
            self.with_shard(cx, partition, |shard, env| shard.topic_deleted(env, topic));
        }
    }
}

fn trace_commit(cx: &mut Context<'_>, records: &[GroupRecord]) {
    let mut of = None;
    let offsets: Vec<(std::sync::Arc<str>, i64)> = (records.iter())
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
