//! A broker that leads compacted partitions, alone, in virtual time.

use blumfeld_kernel::{Disk, DiskOp, Effect, Endpoint, NodeId, Outbox, Prng};
use blumfeld_log::AppendOrigin;
use blumfeld_log::checkpoint::{CLEANER, read_offsets};
use blumfeld_protocol::record_batch::{BatchBuilder, BatchOptions, checksum};

use super::*;
use crate::config::BrokerConfig;
use crate::metadata::{MetadataRecord, PartitionRegistration, ResourceType};
use crate::replica::Checkpoints;

#[test]
fn bytes_take_as_long_as_the_rate_says() {
    for (bytes, rate, micros) in [
        (0, 1e6, 1_000),
        (1_000_000, 1e6, 1_000_000),
        (262_144, f64::MAX, 1_000),
        (262_144, 1_048_576.0, 250_000),
        (1, 0.0, 86_400_000_000),
        (1_000, 1e-300, 86_400_000_000),
    ] {
        assert_eq!(throttle(bytes, rate), Duration::from_micros(micros), "{bytes} at {rate}");
    }
}

/// A broker with what it does to its disk. Flushes take a millisecond.
struct Node {
    server: Server,
    disk: Disk,
    now: Instant,
    connections: u64,
    flushes: u64,
    flushing: Vec<(Instant, FlushId)>,
    flush_fails: bool,
    said: Vec<String>,
}

impl Node {
    fn new(enable: bool) -> Node {
        let mut config = BrokerConfig::new(1, Endpoint::new("localhost", 9092), Uuid::nil());
        config.set("log.cleaner.enable", &enable.to_string()).unwrap();
        let mut node = Node {
            server: Server::new(&config, Uuid::nil()),
            disk: Disk::default(),
            now: Instant::ZERO,
            connections: 0,
            flushes: 0,
            flushing: Vec::new(),
            flush_fails: false,
            said: Vec::new(),
        };
        node.act(|server, cx| server.start_timers(cx));
        node
    }

    fn act<R>(&mut self, act: impl FnOnce(&mut Server, &mut Context<'_>) -> R) -> R {
        let (mut effects, mut events) = (Vec::new(), Vec::new());
        let mut rng = Prng::new(1, "test");
        let mut cx = Context {
            node: NodeId(1),
            now: self.now,
            epoch_ms: 1_700_000_000_000,
            rng: &mut rng,
            out: Outbox {
                effects: &mut effects,
                events: &mut events,
                connections: &mut self.connections,
                flushes: &mut self.flushes,
            },
        };
        let result = act(&mut self.server, &mut cx);
        self.server.invariants().unwrap();
        for effect in effects {
            let Effect::Disk { id, op } = effect else { continue };
            self.disk.apply(&op);
            if matches!(op, DiskOp::Flush { .. }) {
                self.flushing.push((self.now + PAUSE, id));
            }
        }
        let millis = self.now.as_millis();
        let told = |event: &TraceEvent| {
            matches!(
                event,
                TraceEvent::LogCleaningStarted { .. }
                    | TraceEvent::LogCleaned { .. }
                    | TraceEvent::LogCleaningStopped { .. }
                    | TraceEvent::SegmentsDeleted { .. }
            )
        };
        self.said.extend(events.iter().filter(|event| told(event)).map(|event| format!("{millis} {event}")));
        result
    }

    fn replay(&mut self, record: &MetadataRecord) {
        self.server.image.replay(record);
    }

    fn apply(&mut self, topic: &str) {
        self.act(|server, cx| server.replicas.apply(cx, &server.image, 1, [topic].into_iter(), None));
    }

    fn create(&mut self, topic: &str, id: u128, configs: &[(&str, &str)]) {
        let topic_id = Uuid::from_u128(id);
        self.replay(&MetadataRecord::Topic { name: topic.to_owned(), topic_id });
        let registration =
            PartitionRegistration { replicas: vec![1], isr: vec![1], leader: 1, ..Default::default() };
        self.replay(&MetadataRecord::Partition { partition: 0, topic_id, registration });
        for (name, value) in configs {
            self.config(ResourceType::Topic, topic, name, value);
        }
        self.apply(topic);
    }

    fn config(&mut self, resource_type: ResourceType, resource: &str, name: &str, value: &str) {
        self.replay(&MetadataRecord::Config {
            resource_type,
            resource_name: resource.to_owned(),
            name: name.to_owned(),
            value: Some(value.to_owned()),
        });
        self.act(|server, cx| server.replicas.update_configs(cx, &server.image, resource));
    }

    fn delete(&mut self, topic: &str, id: u128) {
        self.replay(&MetadataRecord::RemoveTopic { topic_id: Uuid::from_u128(id) });
        self.apply(topic);
    }

    /// Puts a record that is a segment, a second after the last one.
    fn put(&mut self, topic: &str, key: &str, size: usize) {
        self.run_ms(1_000);
        let mut builder = BatchBuilder::new(BatchOptions::default());
        let at = 1_700_000_000_000 + i64::try_from(self.now.as_millis()).unwrap();
        builder.append(at, Some(key.as_bytes()), Some(&vec![b'v'; size]), &[]);
        let batch = builder.build();
        self.act(|server, cx| {
            server.replicas.append(cx, &(topic.to_owned(), 0), (&batch, AppendOrigin::Client), None)
        })
        .unwrap();
    }

    fn run_ms(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        loop {
            let flush = self.flushing.iter().map(|(at, _)| *at).min();
            let timer = self.server.next_timeout();
            let Some(at) = flush.into_iter().chain(timer).min().filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            if flush == Some(at) {
                let (_, id) = self.flushing.remove(0);
                let ok = !self.flush_fails;
                self.act(|server, cx| {
                    if ok {
                        server.replicas.on_flushed(id);
                    } else {
                        server.replicas.on_flush_failed(cx, id);
                    }
                    server.cleaner_flush_is_over(cx, id, ok);
                });
            } else {
                self.act(|server, cx| server.poll(cx));
            }
        }
        self.now = end;
    }

    /// Base offsets of the segments with how many records they hold.
    fn segments(&self, topic: &str) -> Vec<(i64, i32)> {
        let log = self.server.replicas.get(topic, 0).unwrap().log();
        let records = |segment: &blumfeld_log::LogSegment| {
            segment.batches().iter().map(|p| p.batch.records_count()).sum()
        };
        log.segments().map(|segment| (segment.base_offset(), records(segment))).collect()
    }

    fn checkpoint(&self, topic: &str) -> Option<i64> {
        let text = self.disk.read(CLEANER)?;
        read_offsets(std::str::from_utf8(&text).unwrap()).unwrap().get(&(topic.to_owned(), 0)).copied()
    }

    fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }
}

/// Each record is a segment; two are of one key.
const COMPACT: [(&str, &str); 3] =
    [("cleanup.policy", "compact"), ("segment.ms", "1"), ("min.cleanable.dirty.ratio", "0.1")];

fn three_segments(node: &mut Node, topic: &str) {
    for key in ["a", "a", "b"] {
        node.put(topic, key, 10);
    }
}

#[test]
fn a_compacted_log_is_cleaned_after_the_backoff_and_its_checkpoint_written() {
    let mut node = Node::new(true);
    node.create("t", 1, &COMPACT);
    node.create("kept", 2, &[("segment.ms", "1")]);
    three_segments(&mut node, "t");
    three_segments(&mut node, "kept");
    assert_eq!(node.segments("t"), [(0, 1), (1, 1), (2, 1)]);
    assert_eq!((node.said(), node.checkpoint("t")), (Vec::new(), None));
    node.run_ms(15_000);
    assert_eq!(node.segments("t"), [(0, 1), (2, 1)]);
    assert_eq!(node.segments("kept").len(), 3);
    assert_eq!(node.checkpoint("t"), Some(2));
    assert_eq!(
        node.said(),
        [
            "15000 began to clean t-0 from 0 to 2",
            "15005 cleaned t-0 from 0 to 2: read 158 B, wrote 79 B, kept 1 records, removed 1"
        ]
    );
    let last = node.server.cleaner.last().unwrap();
    assert_eq!((last.partition.0.as_str(), last.phase, last.map_keys), ("t", CleaningPhase::Done, 1));
    assert_eq!(node.server.cleaner.status(), None);
    // The files are deleted after file.delete.delay.ms, and nothing is done while nothing is dirty.
    assert!(node.disk.files().any(|(path, _)| path.ends_with(".log.deleted")));
    node.run_ms(120_000);
    assert!(!node.disk.files().any(|(path, _)| path.ends_with(".deleted")));
    assert_eq!(node.said(), Vec::<String>::new());
}

#[test]
fn no_log_is_cleaned_or_deleted_of_if_the_cleaner_is_off() {
    for (enable, segments) in [(false, 3), (true, 1)] {
        let mut node = Node::new(enable);
        node.create(
            "t",
            1,
            &[("cleanup.policy", "compact,delete"), ("segment.ms", "1"), ("retention.ms", "10000")],
        );
        three_segments(&mut node, "t");
        node.run_ms(700_000);
        assert_eq!(node.segments("t").len(), segments, "{enable}");
        assert_eq!(node.said().iter().any(|line| line.contains("deleted")), enable);
    }
}

#[test]
fn the_dirtiest_log_comes_first_and_then_the_next() {
    let mut node = Node::new(true);
    for (topic, id) in [("one", 1), ("two", 2)] {
        node.create(topic, id, &COMPACT);
        three_segments(&mut node, topic);
    }
    // Both are clean; then one of them is written to more than the other.
    node.run_ms(10_000);
    node.said();
    node.put("one", "c", 10);
    node.put("one", "d", 10);
    for key in ["c", "d", "e"] {
        node.put("two", key, 10);
    }
    node.run_ms(16_000);
    let begun: Vec<String> = node.said().into_iter().filter(|line| line.contains("began")).collect();
    let names: Vec<&str> = begun.iter().filter_map(|line| line.split(' ').nth(4)).collect();
    assert_eq!(names, ["two-0", "one-0"], "{begun:?}");
}

#[test]
fn a_pass_is_no_faster_than_its_bytes_may_be_and_can_be_watched() {
    let mut node = Node::new(true);
    node.config(ResourceType::Broker, "", "log.cleaner.io.max.bytes.per.second", "1000");
    node.config(ResourceType::Broker, "", "log.cleaner.io.buffer.size", "2000");
    node.create("t", 1, &COMPACT);
    for key in ["a", "b", "a", "b", "c", "c", "d"] {
        node.put("t", key, 930);
    }
    let mut phases = Vec::new();
    for _ in 0..40 {
        node.run_ms(500);
        if let Some(status) = node.server.cleaner.status()
            && phases.last() != Some(&status.phase)
        {
            phases.push(status.phase);
        }
    }
    assert_eq!(phases, [CleaningPhase::Indexing, CleaningPhase::Cleaning]);
    // 6 kB are read twice, and 3 written, at 1 kB a second.
    node.run_ms(20_000);
    let said = node.said();
    let second = |line: &str| line.split(' ').next().unwrap().parse::<u64>().unwrap() / 1_000;
    assert_eq!((said.len(), second(&said[1]) - second(&said[0])), (2, 15), "{said:?}");
}

#[test]
fn a_partition_that_goes_or_is_cut_ends_its_pass() {
    for case in ["deleted", "created again", "records deleted", "flush fails"] {
        let mut node = Node::new(true);
        node.config(ResourceType::Broker, "", "log.cleaner.io.max.bytes.per.second", "100");
        node.config(ResourceType::Broker, "", "log.cleaner.io.buffer.size", "2");
        node.create("t", 1, &COMPACT);
        three_segments(&mut node, "t");
        for _ in 0..400 {
            if node.disk.files().any(|(path, file)| path.ends_with(".log.cleaned") && !file.is_empty()) {
                break;
            }
            node.run_ms(50);
        }
        assert!(node.disk.files().any(|(path, _)| path.ends_with(".log.cleaned")), "{case}");
        match case {
            "deleted" => node.delete("t", 1),
            "created again" => {
                node.delete("t", 1);
                node.create("t", 2, &COMPACT);
            }
            "records deleted" => {
                let key = ("t".to_owned(), 0);
                node.config(ResourceType::Topic, "t", "cleanup.policy", "compact,delete");
                node.act(|server, cx| server.replicas.delete_records(cx, &key, 2)).unwrap();
            }
            _ => node.flush_fails = true,
        }
        node.run_ms(10_000);
        let said = node.said();
        assert!(said.last().is_some_and(|line| line.contains("stopped cleaning t-0")), "{case}: {said:?}");
        assert_eq!(node.server.cleaner.status(), None, "{case}");
        assert!(
            !node.disk.files().any(|(path, _)| path.starts_with("t-0/") && path.ends_with(".cleaned")),
            "{case}"
        );
        assert_eq!(node.server.cleaner.uncleanable().count(), 0, "{case}");
    }
}

#[test]
fn a_deleted_partition_has_no_checkpoint_any_more() {
    let mut node = Node::new(true);
    node.create("t", 1, &COMPACT);
    three_segments(&mut node, "t");
    node.run_ms(15_000);
    assert_eq!(node.checkpoint("t"), Some(2));
    node.delete("t", 1);
    assert_eq!(node.checkpoint("t"), None);
}

#[test]
fn a_log_that_was_cut_is_dirty_from_there_on() {
    let mut node = Node::new(true);
    node.create("t", 1, &COMPACT);
    for key in ["a", "b", "c", "d", "e"] {
        node.put("t", key, 10);
    }
    node.run_ms(15_000);
    assert_eq!(node.checkpoint("t"), Some(4));
    let key = ("t".to_owned(), 0);
    // As a follower is cut that has what its new leader has not.
    node.act(|server, cx| {
        server.replicas.follow_for_test(cx, &key, |partition, cx| partition.truncate(cx, 2));
    });
    let base = node.segments("t").last().unwrap().0;
    assert_eq!(node.checkpoint("t"), Some(base));
}

#[test]
fn what_is_not_durable_is_flushed_and_then_cleaned() {
    let mut node = Node::new(true);
    node.create("t", 1, &COMPACT);
    for key in ["a", "a", "b"] {
        node.put("t", key, 10);
        // As if the process had been another one until now.
        node.flushing.clear();
        let key = ("t".to_owned(), 0);
        node.act(|server, cx| {
            server.replicas.follow_for_test(cx, &key, |partition, _| partition.log_mut().forget_flushes());
        });
    }
    node.run_ms(15_000);
    assert_eq!((node.segments("t").len(), node.said()), (3, Vec::new()));
    node.run_ms(15_000);
    assert_eq!(node.segments("t").len(), 2);
}

#[test]
fn a_log_that_cannot_be_read_is_left_alone_and_the_others_are_cleaned() {
    let mut node = Node::new(true);
    for (topic, id) in [("bad", 1), ("good", 2)] {
        node.create(topic, id, &COMPACT);
    }
    // A record that is none, under a checksum that holds, as a leader might have sent it.
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(1_700_000_000_000, Some(b"a"), None, &[]);
    let mut bytes = builder.build().bytes().to_vec();
    bytes[61] = 0x7e;
    let crc = checksum(&bytes[21..]).to_be_bytes();
    bytes[17..21].copy_from_slice(&crc);
    let (key, bytes) = (("bad".to_owned(), 0), bytes::Bytes::from(bytes));
    node.act(|server, cx| {
        server.replicas.follow_for_test(cx, &key, |partition, cx| {
            partition.append_from_leader(cx, &[bytes]).unwrap();
        });
    });
    for topic in ["bad", "good"] {
        three_segments(&mut node, topic);
    }
    node.run_ms(45_000);
    let said = node.said();
    let stopped = "stopped cleaning bad-0: the batch at offset 0 cannot be read: record 0 is malformed";
    assert_eq!(said.iter().filter(|line| line.ends_with(stopped)).count(), 1, "{said:?}");
    assert!(said.iter().any(|line| line.contains("cleaned good-0")), "{said:?}");
    assert_eq!(node.server.cleaner.uncleanable().collect::<Vec<_>>(), [&key]);
    assert_eq!(node.segments("bad").len(), 4);
    // A partition that is gone is none that cannot be cleaned.
    node.delete("bad", 1);
    node.run_ms(16_000);
    assert_eq!(node.server.cleaner.uncleanable().count(), 0);
}

#[test]
fn an_earlier_runs_checkpoint_counts_and_one_outside_of_the_log_is_put_right() {
    for (text, there, want) in [
        ("0\n1\nt 0 2\n", true, 2),
        ("0\n1\nt 0 9\n", true, 0),
        ("no checkpoint", true, 0),
        ("0\n1\nt 0 2\n", false, 0),
    ] {
        let mut node = Node::new(true);
        let mut disk = Disk::default();
        disk.insert(CLEANER.into(), blumfeld_kernel::File::new(text.to_owned().into(), u64::MAX));
        if there {
            disk.insert("t-0/partition.metadata".into(), blumfeld_kernel::File::default());
        }
        node.create("t", 1, &COMPACT);
        three_segments(&mut node, "t");
        let checkpoints = node.act(|_, cx| Checkpoints::load(cx, &disk));
        node.act(|server, cx| {
            server.replicas.apply(cx, &server.image, 1, [].into_iter(), Some((&disk, &checkpoints)));
        });
        let key = ("t".to_owned(), 0);
        node.act(|server, cx| server.replicas.filthiest(cx, |_| false));
        assert_eq!(node.server.replicas.cleaned_to(&key).unwrap_or(0), want, "{text}");
    }
}
