//! The log cleaner (org.apache.kafka.storage.internals.log.LogCleaner): takes the compacted log that most of is dirty,
//! and cleans it in slices, no faster than `log.cleaner.io.max.bytes.per.second`. When no log is dirty enough it looks
//! again after `log.cleaner.backoff.ms`.
//!
//! One pass runs at a time: `log.cleaner.threads` divides the memory, as in Kafka, and makes nothing faster.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use blumfeld_kernel::{Context, FlushId, Instant, TraceEvent};
use blumfeld_log::cleaner::{
    CleanerConfig, CleanerStats, CleaningError, CleaningPass, CleaningPhase, LogToClean, Slice,
};
use blumfeld_protocol::Uuid;

use super::Server;
use crate::broker_config::DynamicConfigs;
use crate::replica::{ReplicaManager, TopicPartition};

/// Between two slices there is so much time at least: reading and writing take some, also where nothing limits them.
const PAUSE: Duration = Duration::from_millis(1);

/// A pass under way.
#[derive(Clone, Debug)]
struct Running {
    key: TopicPartition,
    topic_id: Uuid,
    pass: CleaningPass,
}

/// How a pass stands, or how it ended.
#[derive(Clone, PartialEq, Debug)]
pub struct CleanerStatus {
    /// The partition.
    pub partition: TopicPartition,
    /// Where the pass is.
    pub phase: CleaningPhase,
    /// What it was begun for.
    pub to_clean: LogToClean,
    /// Up to where the map knows every key.
    pub mapped_to: i64,
    /// Keys in the map.
    pub map_keys: u64,
    /// Keys that the map has room for.
    pub map_capacity: u64,
    /// What was read and written, and what became of the records.
    pub stats: CleanerStats,
    /// When it began, in milliseconds since 1970-01-01 UTC.
    pub started_ms: i64,
}

impl Running {
    fn status(&self) -> CleanerStatus {
        let (map_keys, map_capacity) = self.pass.map_fill();
        CleanerStatus {
            partition: self.key.clone(),
            phase: self.pass.phase(),
            to_clean: *self.pass.to_clean(),
            mapped_to: self.pass.mapped_to(),
            map_keys,
            map_capacity,
            stats: *self.pass.stats(),
            started_ms: self.pass.started_ms(),
        }
    }

    /// `orders-0`.
    fn partition(&self) -> Arc<str> {
        format!("{}-{}", self.key.0, self.key.1).into()
    }
}

/// The cleaner of a broker.
#[derive(Clone, Debug, Default)]
pub struct LogCleaner {
    running: Option<Running>,
    /// When it goes on; never where it is off, or while it waits for a flush.
    next_at: Option<Instant>,
    /// Partitions that could not be cleaned: they are left alone until the broker starts anew.
    uncleanable: BTreeSet<TopicPartition>,
    last: Option<CleanerStatus>,
}

impl LogCleaner {
    /// The logs are loaded: from here on they are cleaned.
    pub(super) fn start_timers(&mut self, cx: &Context<'_>) {
        self.next_at = Some(cx.now);
    }

    /// When [`poll`](Self::poll) next has something to do.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.next_at
    }

    /// The pass under way.
    pub fn status(&self) -> Option<CleanerStatus> {
        self.running.as_ref().map(Running::status)
    }

    /// The last pass that came to its end.
    pub fn last(&self) -> Option<&CleanerStatus> {
        self.last.as_ref()
    }

    /// The partitions that could not be cleaned.
    pub fn uncleanable(&self) -> impl Iterator<Item = &TopicPartition> {
        self.uncleanable.iter()
    }

    /// Does the next thing: a slice of a pass, or the look for a log to clean.
    fn poll(&mut self, cx: &mut Context<'_>, replicas: &mut ReplicaManager, configs: &DynamicConfigs) {
        self.next_at = None;
        if self.running.is_none() && !self.begin(cx, replicas, configs) {
            self.delete_old(cx, replicas);
            self.rest(cx, configs);
            return;
        }
        let Some(running) = &mut self.running else { return };
        match replicas.go_on_cleaning(cx, &running.key, running.topic_id, &mut running.pass) {
            Ok(Slice::More(bytes)) => {
                let rate = configs.double("log.cleaner.io.max.bytes.per.second");
                self.next_at = Some(cx.now + throttle(bytes, rate));
            }
            Ok(Slice::Replaced(_)) => self.next_at = Some(cx.now + PAUSE),
            Ok(Slice::Flushing(_)) => {}
            Ok(Slice::Done(end)) => self.finish(cx, replicas, configs, end),
            Err(error) => self.stop(cx, replicas, configs, &error),
        }
    }

    /// Begins the pass that is needed most; false if none is.
    fn begin(
        &mut self,
        cx: &mut Context<'_>,
        replicas: &mut ReplicaManager,
        configs: &DynamicConfigs,
    ) -> bool {
        self.uncleanable.retain(|key| replicas.of(key).is_some());
        let uncleanable = &self.uncleanable;
        let Some((key, topic_id, to_clean)) = replicas.filthiest(cx, |key| uncleanable.contains(key)) else {
            return false;
        };
        let threads = u64::try_from(configs.long("log.cleaner.threads")).unwrap_or(1).max(1);
        let share = |name: &str| u64::try_from(configs.long(name)).unwrap_or(0) / threads;
        let config = CleanerConfig {
            dedupe_buffer_size: share("log.cleaner.dedupe.buffer.size"),
            dedupe_buffer_load_factor: configs.double("log.cleaner.io.buffer.load.factor"),
            io_buffer_size: share("log.cleaner.io.buffer.size"),
        };
        let Some(pass) = replicas.begin_cleaning(cx, &key, to_clean, config) else { return false };
        let running = Running { key, topic_id, pass };
        cx.out.trace(TraceEvent::LogCleaningStarted {
            partition: running.partition(),
            from: to_clean.first_dirty,
            to: to_clean.first_uncleanable,
        });
        self.running = Some(running);
        true
    }

    /// A pass has come to its end.
    fn finish(
        &mut self,
        cx: &mut Context<'_>,
        replicas: &mut ReplicaManager,
        configs: &DynamicConfigs,
        end: i64,
    ) {
        let Some(running) = self.running.take() else { return };
        let from = running.pass.to_clean().first_dirty;
        replicas.done_cleaning(cx, &running.key, end);
        let stats = running.pass.stats();
        cx.out.trace(TraceEvent::LogCleaned {
            partition: running.partition(),
            from,
            to: end,
            read: stats.bytes_read,
            written: stats.bytes_written,
            kept: stats.records.kept,
            removed: stats.records.removed(),
        });
        self.last = Some(running.status());
        self.delete_old(cx, replicas);
        if end > from {
            // There may be another log that is dirty.
            self.next_at = Some(cx.now + PAUSE);
        } else {
            // A map without room gets no further.
            self.rest(cx, configs);
        }
    }

    /// A pass has failed.
    fn stop(
        &mut self,
        cx: &mut Context<'_>,
        replicas: &mut ReplicaManager,
        configs: &DynamicConfigs,
        error: &CleaningError,
    ) {
        let Some(mut running) = self.running.take() else { return };
        // The directory of a replica that is gone has another name, and is deleted with all that it holds.
        if replicas.of(&running.key).is_some_and(|partition| partition.topic_id() == running.topic_id) {
            running.pass.abandon(&mut cx.out);
        }
        if matches!(error, CleaningError::Unreadable(..)) {
            self.uncleanable.insert(running.key.clone());
        }
        let (partition, reason) = (running.partition(), error.to_string().into());
        cx.out.trace(TraceEvent::LogCleaningStopped { partition, reason });
        self.rest(cx, configs);
    }

    /// After each look at the logs, those that are also deleted by age or size are (CleanerThread.cleanFilthiestLog).
    fn delete_old(&self, cx: &mut Context<'_>, replicas: &mut ReplicaManager) {
        replicas.delete_old_segments_of_compacted(cx, |key| self.uncleanable.contains(key));
    }

    fn rest(&mut self, cx: &Context<'_>, configs: &DynamicConfigs) {
        self.next_at = Some(cx.now + PAUSE.max(millis(configs.long("log.cleaner.backoff.ms"))));
    }
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// How long so many bytes take at a rate, in bytes a second.
fn throttle(bytes: u64, rate: f64) -> Duration {
    let seconds = if rate > 0.0 { bytes as f64 / rate } else { f64::MAX };
    // A rate of almost nothing is a pause of a day, after which the rate may be another.
    PAUSE.max(Duration::from_micros((seconds.min(86_400.0) * 1e6) as u64))
}

impl Server {
    /// Lets the cleaner do the next thing.
    pub(super) fn poll_cleaner(&mut self, cx: &mut Context<'_>) {
        let configs = DynamicConfigs::new(&self.image, self.config.node_id);
        self.cleaner.poll(cx, &mut self.replicas, &configs);
    }

    /// A flush is over: the pass that waited for it goes on, or fails.
    pub fn cleaner_flush_is_over(&mut self, cx: &mut Context<'_>, id: FlushId, ok: bool) {
        let Some(running) = &mut self.cleaner.running else { return };
        match running.pass.on_flushed(id, ok) {
            Ok(true) => self.cleaner.next_at = Some(cx.now),
            Ok(false) => {}
            Err(error) => {
                let configs = DynamicConfigs::new(&self.image, self.config.node_id);
                self.cleaner.stop(cx, &mut self.replicas, &configs, &error);
            }
        }
    }
}

#[cfg(test)]
mod tests;
