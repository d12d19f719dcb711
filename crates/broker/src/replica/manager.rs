//! All replicas of this node, and the files that belong to none of them alone: checkpoints and what waits for deletion.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use blumfeld_kernel::{Context, Disk, DiskOp, FilePath, FlushId, Instant, TraceEvent};
use blumfeld_log::checkpoint::{self, Offsets};
use blumfeld_log::{
    AppendError, AppendInfo, AppendOrigin, DELETED, LoadOptions, UnifiedLog, unique_directory,
};
use blumfeld_protocol::record_batch::Batch;
use blumfeld_protocol::{ErrorCode, Uuid, uuid_text};

use super::cleaner::CleanerCheckpoints;
use super::partition::{Partition, Proposal, Settings};
use crate::broker_config::{DynamicConfigs, log_config};
use crate::bug::{Bug, planted};
use crate::config::{BrokerConfig, SEGMENT_DELETE_DELAY_MS};
use crate::metadata::{MetadataImage, PartitionRegistration, ResourceType};
use crate::raft::METADATA_DIR;
use crate::timers::Timers;

/// A topic's name and a partition's number.
pub type TopicPartition = (String, i32);

/// What the checkpoints of an earlier run say.
#[derive(Clone, Debug, Default)]
pub struct Checkpoints {
    /// Whether that run ended with a clean shutdown.
    pub clean: bool,
    /// The broker epoch of that run, where it ended with a clean shutdown; else -1.
    pub previous_broker_epoch: i64,
    high_watermarks: Offsets,
    recovery_points: Offsets,
    log_starts: Offsets,
    cleaned: Offsets,
}

/// Marks a clean shutdown (org.apache.kafka.storage.internals.checkpoint.CleanShutdownFileHandler).
const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";

impl Checkpoints {
    /// Reads them, and takes the clean-shutdown mark away. A checkpoint that cannot be read counts as absent: recovery
    /// then begins at the start of each log.
    pub fn load(cx: &mut Context<'_>, disk: &Disk) -> Checkpoints {
        let mark = disk.read(CLEAN_SHUTDOWN);
        let clean = mark.is_some();
        let previous_broker_epoch = (mark.as_deref())
            .and_then(|bytes| std::str::from_utf8(bytes).ok()?.split_once("\"brokerEpoch\":"))
            .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
            .unwrap_or(-1);
        if clean {
            cx.out.disk(DiskOp::Delete { path: CLEAN_SHUTDOWN.into() });
        }
        let offsets = |name: &str| {
            let bytes = disk.read(name)?;
            checkpoint::read_offsets(std::str::from_utf8(&bytes).ok()?).ok()
        };
        Checkpoints {
            clean,
            previous_broker_epoch,
            recovery_points: offsets(checkpoint::RECOVERY_POINT).unwrap_or_default(),
            log_starts: offsets(checkpoint::LOG_START).unwrap_or_default(),
            cleaned: offsets(checkpoint::CLEANER).unwrap_or_default(),
            high_watermarks: offsets(checkpoint::HIGH_WATERMARK).unwrap_or_default(),
        }
    }

    fn options(&self, key: &TopicPartition, now_ms: i64) -> LoadOptions {
        LoadOptions {
            clean: self.clean,
            recovery_point: self.recovery_points.get(key).copied().unwrap_or(0),
            log_start: self.log_starts.get(key).copied().unwrap_or(0),
            cleaned_to: self.cleaned.get(key).copied().unwrap_or(0),
            now_ms,
        }
    }
}

/// What the manager does by time.
#[derive(Clone, Debug)]
enum Timer {
    Retention,
    LogCheckpoints,
    HighWatermarkCheckpoint,
    ExpireProducerIds,
    FlushDue,
    DeleteFile(FilePath),
}

/// The replicas of a node.
#[derive(Clone, Debug, Default)]
pub struct ReplicaManager {
    partitions: BTreeMap<TopicPartition, Partition>,
    /// Which replica a flush under way belongs to.
    flushes: BTreeMap<FlushId, TopicPartition>,
    /// Replicas that grew, or of which something else became visible, since they were last taken. Whoever waits for
    /// them is looked at then: a change that is not noted here stalls long polls and `acks=all`, so nobody outside
    /// changes a replica but through this manager.
    changed: BTreeSet<TopicPartition>,
    /// When each follower last fetched from here.
    follower_fetches: BTreeMap<i32, Instant>,
    timers: Timers<Timer>,
    /// Up to where the logs are clean that are compacted.
    pub(super) cleaned: CleanerCheckpoints,
    /// Whether a timer for logs that are flushed by time is set.
    flushes_by_time: bool,
    lag: Duration,
    node_id: i32,
}

impl ReplicaManager {
    /// No replicas yet.
    pub fn new(config: &BrokerConfig) -> ReplicaManager {
        let lag = Duration::from_millis(u64::try_from(config.replica_lag_time_max_ms).unwrap_or(0));
        ReplicaManager { lag, node_id: config.node_id, ..ReplicaManager::default() }
    }

    /// The replicas in the order of their names.
    pub fn partitions(&self) -> impl Iterator<Item = (&TopicPartition, &Partition)> {
        self.partitions.iter()
    }

    /// The replica of a partition.
    pub fn get(&self, topic: &str, partition: i32) -> Option<&Partition> {
        self.partitions.get(&(topic.to_owned(), partition))
    }

    /// The replica of a partition.
    pub fn of(&self, key: &TopicPartition) -> Option<&Partition> {
        self.partitions.get(key)
    }

    /// Takes those that have changed.
    pub fn take_changed(&mut self) -> BTreeSet<TopicPartition> {
        std::mem::take(&mut self.changed)
    }

    /// The replica of a partition, to change it. The caller says so with [`note_changed`](Self::note_changed).
    pub(super) fn of_mut(&mut self, key: &TopicPartition) -> Option<&mut Partition> {
        self.partitions.get_mut(key)
    }

    /// Notes that a replica has something new for those who wait for it.
    pub(super) fn note_changed(&mut self, key: &TopicPartition) {
        self.changed.insert(key.clone());
    }

    /// Notes that a follower has fetched just now.
    pub fn note_follower(&mut self, id: i32, now: Instant) {
        self.follower_fetches.insert(id, now);
    }

    /// Appends a producer's or a coordinator's batch to a partition that this node leads.
    pub fn append(
        &mut self,
        cx: &mut Context<'_>,
        key: &TopicPartition,
        batch: (&Batch, AppendOrigin),
        min_isr: Option<usize>,
    ) -> Result<AppendInfo, AppendError> {
        let partition = (self.partitions.get_mut(key))
            .ok_or_else(|| AppendError::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, ""))?;
        let info = partition.append(cx, batch, min_isr, &self.follower_fetches)?;
        if !info.duplicate {
            self.note_changed(key);
        }
        Ok(info)
    }

    /// Begins to ask about a producer's transaction in a partition; nothing if nobody need be asked.
    pub fn begin_verification(
        &mut self,
        key: &TopicPartition,
        (producer_id, epoch): (i64, i16),
    ) -> Option<u64> {
        self.partitions.get_mut(key)?.begin_verification(producer_id, epoch)
    }

    /// Takes what the fetch of a follower from `offset` says of its log, which begins at `log_start`; `follower` has
    /// the epoch of its broker's life.
    pub fn note_fetch(
        &mut self,
        cx: &mut Context<'_>,
        key: &TopicPartition,
        follower: (i32, i64),
        offset: i64,
        log_start: i64,
    ) {
        let Some(partition) = self.partitions.get_mut(key) else { return };
        if partition.note_fetch(cx, follower, offset, log_start) {
            self.note_changed(key);
        }
    }

    /// The ISR to propose with a follower that has caught up, if it may join.
    pub fn expand(
        &mut self,
        key: &TopicPartition,
        follower: i32,
        image: &MetadataImage,
    ) -> Option<(Uuid, Proposal)> {
        let partition = self.partitions.get_mut(key)?;
        let proposal = partition.expand(follower, image)?;
        Some((partition.topic_id(), proposal))
    }

    /// The ISRs to propose without those that have not caught up for too long.
    pub fn shrink(&mut self, cx: &Context<'_>) -> Vec<(TopicPartition, Uuid, Proposal)> {
        (self.partitions.iter_mut())
            .filter_map(|(key, partition)| {
                let proposal = partition.shrink(cx)?;
                Some((key.clone(), partition.topic_id(), proposal))
            })
            .collect()
    }

    /// Takes what became of an ISR that was proposed in `leader_epoch`: it was committed with a partition epoch, or
    /// refused. Gives the followers that are not in the ISR now.
    pub fn on_isr_answer(
        &mut self,
        cx: &mut Context<'_>,
        key: &TopicPartition,
        leader_epoch: i32,
        committed: Option<(Vec<i32>, i32)>,
    ) -> Vec<i32> {
        let Some(partition) = self.partitions.get_mut(key) else { return Vec::new() };
        if partition.registration().leader_epoch != leader_epoch {
            return Vec::new();
        }
        match committed {
            Some((isr, partition_epoch)) => partition.on_isr_committed(cx, isr, partition_epoch),
            // The ISR is what it was; a follower that still has everything is proposed with its next fetch.
            None => partition.on_isr_refused(),
        }
        let out = partition.out_of_sync();
        self.note_changed(key);
        out
    }

    /// Deletes the records below `offset`, -1 for the high watermark, of a partition that this node leads. Gives where
    /// its log begins now.
    ///
    /// # Errors
    /// The topic keeps its records, or there are not so many.
    pub fn delete_records(
        &mut self,
        cx: &mut Context<'_>,
        key: &TopicPartition,
        offset: i64,
    ) -> Result<i64, ErrorCode> {
        let partition = self.partitions.get_mut(key).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        let cleanup = partition.log().config().cleanup;
        // A topic that is only compacted keeps its records (DelayedDeleteRecords is for cleanup.policy=delete).
        if cleanup.compact && !cleanup.delete {
            return Err(ErrorCode::POLICY_VIOLATION);
        }
        let high_watermark = partition.high_watermark();
        let offset = if offset == -1 { high_watermark } else { offset };
        if offset < 0 || offset > high_watermark {
            return Err(ErrorCode::OFFSET_OUT_OF_RANGE);
        }
        let files = partition.log_mut().advance_log_start(cx, offset);
        let delay = partition.log().config().file_delete_delay_ms;
        self.delete_later(cx, files, delay);
        self.checkpoint_logs(cx);
        self.note_changed(key);
        Ok(offset)
    }

    /// Begins to make a partition's log durable; gives the operation to wait for.
    pub fn flush(&mut self, cx: &mut Context<'_>, key: &TopicPartition) -> Option<FlushId> {
        let flush = self.partitions.get_mut(key)?.log_mut().flush(cx)?;
        self.flushes.insert(flush, key.clone());
        Some(flush)
    }

    /// Takes away, before anything is loaded, the directories that belong to no replica of this node, from what the
    /// node began with as well: what is loaded must not be what another topic of that name has left. Those that wait
    /// for deletion are deleted. "Stray" ones get another name and stay, for somebody to look at
    /// (LogManager.isStrayReplica): their topic is gone or was created again, which only its id tells, the node is none
    /// of the partition's replicas any more, or nothing says whose they are. `partition.metadata` is durable before
    /// the first record is.
    pub fn set_strays_aside(cx: &mut Context<'_>, disk: &mut Disk, image: &MetadataImage, node_id: i32) {
        let mut dirs: Vec<String> =
            disk.files().filter_map(|(path, _)| Some(path.split_once('/')?.0.to_owned())).collect();
        dirs.dedup();
        for dir in dirs.into_iter().filter(|dir| dir != METADATA_DIR && !dir.ends_with(STRAY)) {
            let path: FilePath = dir.as_str().into();
            let op = if dir.ends_with(DELETED) {
                DiskOp::Delete { path }
            } else if let Some(why) = stray(disk, &dir, image, node_id).filter(|_| !planted(Bug::KeepStrays))
            {
                let to = unique_directory(cx, &dir, STRAY);
                let (directory, aside) = (dir.as_str().into(), to.to_string().into());
                cx.out.trace(TraceEvent::LogSetAside { directory, to: aside, why });
                DiskOp::Rename { from: path, to }
            } else {
                continue;
            };
            disk.apply(&op);
            cx.out.disk(op);
        }
    }

    /// Brings the replicas of these topics in line with the image: loads or creates the logs of new ones, updates the
    /// others, and renames the directories of those that are gone for deletion. `disk` is what the node began with, the
    /// first time. Gives the replicas that came, changed or went.
    pub fn apply<'a>(
        &mut self,
        cx: &mut Context<'_>,
        image: &MetadataImage,
        node_id: i32,
        topics: impl Iterator<Item = &'a str>,
        disk: Option<(&Disk, &Checkpoints)>,
    ) -> Vec<TopicPartition> {
        let mut changed = Vec::new();
        if let Some((disk, checkpoints)) = disk {
            let file = |(topic, number): &TopicPartition| metadata_file(&format!("{topic}-{number}"));
            self.cleaned =
                CleanerCheckpoints::new(&checkpoints.cleaned, |key| disk.file(&file(key)).is_some());
        }
        for name in topics {
            let topic = image.topic(name);
            let from = (name.to_owned(), i32::MIN);
            let gone: Vec<TopicPartition> = (self.partitions.range(from..))
                .take_while(|((of, _), _)| of == name)
                .filter(|((_, number), have)| {
                    topic.is_none_or(|topic| {
                        topic.id != have.topic_id()
                            || (topic.partitions.get(number)).is_none_or(|p| !p.replicas.contains(&node_id))
                    })
                })
                .map(|(key, _)| key.clone())
                .collect();
            for key in gone {
                if let Some(mut partition) = self.partitions.remove(&key) {
                    let directory = partition.log_mut().rename_for_deletion(cx);
                    self.delete_later(cx, vec![directory], SEGMENT_DELETE_DELAY_MS);
                    self.cleaned.forget(cx, &key);
                    changed.push(key);
                }
            }
            let Some(topic) = topic else { continue };
            for (number, registration) in
                topic.partitions.iter().filter(|(_, p)| p.replicas.contains(&node_id))
            {
                let key = (topic.name.clone(), *number);
                match self.partitions.get_mut(&key) {
                    Some(have) if have.registration() != registration => {
                        have.update(cx, registration.clone());
                        have.note_brokers(cx, image);
                    }
                    Some(_) => continue,
                    None => {
                        let settings = self.settings(image, name);
                        let mut partition =
                            open(cx, image, &key, (topic.id, registration), (node_id, settings), disk);
                        partition.begin(cx);
                        partition.note_brokers(cx, image);
                        self.partitions.insert(key.clone(), partition);
                    }
                }
                changed.push(key);
            }
        }
        self.changed.extend(changed.iter().cloned());
        changed
    }

    /// Brokers have come, gone, or are fenced: high watermarks may move by it.
    pub fn note_brokers(&mut self, cx: &mut Context<'_>, image: &MetadataImage) {
        for (key, partition) in &mut self.partitions {
            if partition.note_brokers(cx, image) {
                self.changed.insert(key.clone());
            }
        }
    }

    fn settings(&self, image: &MetadataImage, topic: &str) -> Settings {
        Settings { min_isr: image.min_insync_replicas(topic), lag: self.lag }
    }

    /// Gives the logs of a topic the configs that the image now holds.
    pub fn update_configs(&mut self, cx: &mut Context<'_>, image: &MetadataImage, topic: &str) {
        let config =
            log_config(&image.configs(ResourceType::Topic, topic), &DynamicConfigs::new(image, self.node_id));
        let settings = self.settings(image, topic);
        let from = (topic.to_owned(), i32::MIN);
        for (_, partition) in self.partitions.range_mut(from..).take_while(|((name, _), _)| name == topic) {
            partition.log_mut().set_config(config.clone());
            partition.set_settings(cx, settings);
        }
    }

    /// Tells the log that a disk operation is done. Gives the partition of a flush.
    pub fn on_flushed(&mut self, id: FlushId) -> Option<TopicPartition> {
        let key = self.flushes.remove(&id);
        if let Some(key) = key {
            if let Some(partition) = self.partitions.get_mut(&key) {
                partition.log_mut().on_flushed(id);
            }
            return Some(key);
        }
        for partition in self.partitions.values_mut() {
            if partition.log_mut().on_flushed(id) {
                return None;
            }
        }
        None
    }

    /// A flush failed: what it was for counts as not flushed, and is flushed again. Gives the new operation.
    pub fn on_flush_failed(&mut self, cx: &mut Context<'_>, id: FlushId) -> Option<FlushId> {
        let key = self.flushes.remove(&id)?;
        self.partitions.get_mut(&key)?.log_mut().forget_flushes();
        self.flush(cx, &key)
    }

    // ---- time

    /// The logs are loaded: from here on they are looked after.
    pub fn start_timers(&mut self, cx: &Context<'_>, config: &BrokerConfig) {
        for (after, timer) in [
            (config.retention_check_interval_ms, Timer::Retention),
            (config.flush_offset_checkpoint_interval_ms, Timer::LogCheckpoints),
            (config.high_watermark_checkpoint_interval_ms, Timer::HighWatermarkCheckpoint),
            (config.producer_id_expiration_check_interval_ms, Timer::ExpireProducerIds),
        ] {
            self.timers.set(cx.after_ms(after), timer);
        }
    }

    /// Looks after the logs that are flushed by time, if there are any.
    pub fn arm_flush_timer(&mut self, cx: &Context<'_>) {
        if let Some(ms) = self.shortest_flush_ms().filter(|_| !self.flushes_by_time) {
            self.timers.set(cx.after_ms(ms.max(1)), Timer::FlushDue);
            self.flushes_by_time = true;
        }
    }

    /// Files that wait for their deletion.
    pub(super) fn delete_later(&mut self, cx: &Context<'_>, files: Vec<FilePath>, delay_ms: i64) {
        for file in files {
            self.timers.set(cx.after_ms(delay_ms), Timer::DeleteFile(file));
        }
    }

    /// When [`poll`](Self::poll) next has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.timers.next_timeout()
    }

    /// Does the next thing whose time has come, if there is one.
    pub fn poll(&mut self, cx: &mut Context<'_>, config: &BrokerConfig, image: &MetadataImage) {
        let Some(timer) = self.timers.pop_due(cx.now) else { return };
        match timer {
            Timer::Retention => {
                // Of a compacted log the cleaner deletes them, when it does not clean it.
                self.delete_old_segments(cx, |_, log| !log.config().cleanup.compact);
                self.timers.set(cx.after_ms(config.retention_check_interval_ms), Timer::Retention);
            }
            Timer::LogCheckpoints => {
                self.checkpoint_logs(cx);
                let again = cx.after_ms(config.flush_offset_checkpoint_interval_ms);
                self.timers.set(again, Timer::LogCheckpoints);
            }
            Timer::HighWatermarkCheckpoint => {
                self.checkpoint_high_watermarks(cx);
                let again = cx.after_ms(config.high_watermark_checkpoint_interval_ms);
                self.timers.set(again, Timer::HighWatermarkCheckpoint);
            }
            Timer::ExpireProducerIds => {
                let expiration = DynamicConfigs::new(image, self.node_id).long("producer.id.expiration.ms");
                self.expire_producers(cx, expiration);
                let again = cx.after_ms(config.producer_id_expiration_check_interval_ms);
                self.timers.set(again, Timer::ExpireProducerIds);
            }
            Timer::FlushDue => {
                self.flushes_by_time = false;
                self.flush_due(cx);
                self.arm_flush_timer(cx);
            }
            Timer::DeleteFile(path) => drop(cx.out.disk(DiskOp::Delete { path })),
        }
    }

    /// Deletes what retention no longer keeps, of the logs that are `meant`.
    pub(super) fn delete_old_segments(
        &mut self,
        cx: &mut Context<'_>,
        meant: impl Fn(&TopicPartition, &UnifiedLog) -> bool,
    ) {
        let mut files = Vec::new();
        for (_, partition) in self.partitions.iter_mut().filter(|(key, one)| meant(key, one.log())) {
            let (upper, delay) = (partition.high_watermark(), partition.log().config().file_delete_delay_ms);
            files.push((partition.log_mut().delete_old_segments(cx, upper), delay));
        }
        for (files, delay) in files {
            self.delete_later(cx, files, delay);
        }
    }

    /// Forgets the producers that have not written for `expiration_ms` (`producer.id.expiration.ms`).
    fn expire_producers(&mut self, cx: &mut Context<'_>, expiration_ms: i64) {
        let now_ms = cx.unix_ms();
        for partition in self.partitions.values_mut() {
            partition.log_mut().producers_mut().remove_expired(now_ms, expiration_ms);
        }
    }

    /// Flushes the logs whose records have waited for `flush.ms`.
    fn flush_due(&mut self, cx: &mut Context<'_>) {
        let now_ms = cx.unix_ms();
        for partition in self.partitions.values_mut() {
            if partition.log().flush_is_due(now_ms) {
                partition.log_mut().flush(cx);
            }
        }
    }

    /// The shortest `flush.ms` of all logs, in milliseconds.
    fn shortest_flush_ms(&self) -> Option<i64> {
        self.partitions
            .values()
            .map(|partition| partition.log().config().flush_ms)
            .min()
            .filter(|ms| *ms < i64::MAX)
    }

    /// Writes `recovery-point-offset-checkpoint` and `log-start-offset-checkpoint`.
    pub(super) fn checkpoint_logs(&self, cx: &mut Context<'_>) {
        self.checkpoint(cx, checkpoint::RECOVERY_POINT, |replica| Some(replica.log().recovery_point()));
        // Only where the log begins inside a segment: else the segment's name says it.
        self.checkpoint(cx, checkpoint::LOG_START, |replica| {
            let (log, start) = (replica.log(), replica.log().log_start());
            log.segments().next().is_some_and(|first| first.base_offset() < start).then_some(start)
        });
    }

    /// Writes `replication-offset-checkpoint`.
    fn checkpoint_high_watermarks(&self, cx: &mut Context<'_>) {
        self.checkpoint(cx, checkpoint::HIGH_WATERMARK, |replica| Some(replica.high_watermark()));
    }

    fn checkpoint(&self, cx: &mut Context<'_>, file: &str, of: impl Fn(&Partition) -> Option<i64>) {
        let offsets: Vec<(&str, i32, i64)> = (self.partitions.iter())
            .filter_map(|((topic, number), replica)| Some((topic.as_str(), *number, of(replica)?)))
            .collect();
        cx.out.disk(DiskOp::Replace { file: file.into(), bytes: checkpoint::write_offsets(&offsets).into() });
    }

    /// Closes every log for a clean shutdown and writes everything that the next start needs.
    pub fn shut_down(&mut self, cx: &mut Context<'_>, broker_epoch: i64) {
        for partition in self.partitions.values_mut() {
            partition.log_mut().close(cx);
        }
        self.checkpoint_logs(cx);
        self.checkpoint(cx, checkpoint::RECOVERY_POINT, |replica| Some(replica.log().log_end()));
        self.checkpoint_high_watermarks(cx);
        let text = format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}");
        cx.out.disk(DiskOp::Replace { file: CLEAN_SHUTDOWN.into(), bytes: text.into() });
    }

    /// What must always be true.
    pub fn invariants(&self) -> Result<(), String> {
        self.partitions.values().try_for_each(Partition::invariants)
    }
}

/// What the directory of a partition that is nobody's ends with.
const STRAY: &str = "-stray";

fn metadata_file(dir: &str) -> String {
    format!("{dir}/partition.metadata")
}

/// Why a directory is no replica's of this node; nothing if it is one's.
fn stray(disk: &Disk, dir: &str, image: &MetadataImage, node_id: i32) -> Option<Arc<str>> {
    let text = disk.read(&metadata_file(dir)).map(|text| String::from_utf8_lossy(&text).into_owned());
    let id = text.as_deref().and_then(|text| text.lines().find_map(|line| line.strip_prefix("topic_id:")));
    let Some(id) = id.and_then(|id| uuid_text::from_text(id.trim())) else {
        return Some("nothing says which topic it belongs to".into());
    };
    let Some(topic) = image.topic_by_id(id) else {
        return Some(format!("no topic has the id {}", uuid_text::to_text(id)).into());
    };
    let (name, number) = dir.rsplit_once('-')?;
    let number = number.parse().ok().filter(|_: &i32| name == topic.name);
    match number.and_then(|number| topic.partitions.get(&number)) {
        None => Some("its topic has no such partition".into()),
        Some(partition) if !partition.replicas.contains(&node_id) => {
            Some("its replicas are on other brokers".into())
        }
        Some(_) => None,
    }
}

fn open(
    cx: &mut Context<'_>,
    image: &MetadataImage,
    key: &TopicPartition,
    (topic_id, registration): (Uuid, &PartitionRegistration),
    (node_id, settings): (i32, Settings),
    disk: Option<(&Disk, &Checkpoints)>,
) -> Partition {
    let name = format!("{}-{}", key.0, key.1);
    let config =
        log_config(&image.configs(ResourceType::Topic, &key.0), &DynamicConfigs::new(image, node_id));
    let now_ms = cx.unix_ms();
    let empty = Disk::default();
    // What the checkpoints say of a directory that is not there is about one that was set aside.
    let disk = disk.filter(|(disk, _)| disk.file(&metadata_file(&name)).is_some());
    let (disk, options, high_watermark) = match disk {
        Some((disk, checkpoints)) => {
            let high_watermark = checkpoints.high_watermarks.get(key).copied();
            (disk, checkpoints.options(key, now_ms), high_watermark.unwrap_or(0))
        }
        None => (&empty, LoadOptions { clean: true, now_ms, ..LoadOptions::default() }, 0),
    };
    let known = disk.file(&metadata_file(&name)).is_some();
    let (log, recovery) = UnifiedLog::load(&mut cx.out, disk, &name, config, options);
    if known {
        cx.out.trace(TraceEvent::LogRecovered {
            partition: log.name().clone(),
            clean: recovery.clean,
            scanned: recovery.scanned,
            truncated: recovery.truncated,
            log_end: recovery.log_end,
        });
    } else {
        // org.apache.kafka.storage.internals.checkpoint.PartitionMetadataFile
        let text = format!("version: 0\ntopic_id: {}", uuid_text::to_text(topic_id));
        cx.out.disk(DiskOp::Replace { file: metadata_file(&name).into(), bytes: text.into() });
    }
    // The registration's epochs are taken when the partition begins, so that it sees them as new.
    Partition::new(node_id, topic_id, registration.clone(), log, (high_watermark, settings))
}
