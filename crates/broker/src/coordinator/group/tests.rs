//! Loading what a log of groups holds, whatever it is.

use std::time::Duration;

use blumfeld_kernel::{Context, Disk, Instant, NodeId, Outbox, Prng, TraceEvent};
use blumfeld_log::{LoadOptions, LogConfig, UnifiedLog};
use blumfeld_protocol::Uuid;
use blumfeld_protocol::record_batch::{BatchBuilder, BatchOptions};
use bytes::Bytes;

use super::*;
use crate::config::GroupCoordinatorConfig;
use crate::coordinator::runtime::Shard;
use crate::metadata::PartitionRegistration;
use crate::replica::{Partition, Settings};

/// Loads a shard from these records, of which the first `committed` are below the high watermark.
fn load(
    records: &[(Option<Bytes>, Option<Bytes>)],
    committed: i64,
) -> (GroupShard, Effects, Vec<TraceEvent>) {
    let (mut effects, mut events, mut connections, mut flushes) = (Vec::new(), Vec::new(), 0, 0);
    let mut rng = Prng::new(1, "test");
    let mut cx = Context {
        node: NodeId(1),
        now: Instant::ZERO,
        epoch_ms: 1_700_000_000_000,
        rng: &mut rng,
        out: Outbox {
            effects: &mut effects,
            events: &mut events,
            connections: &mut connections,
            flushes: &mut flushes,
        },
    };
    let options = LoadOptions { clean: true, ..LoadOptions::default() };
    let disk = Disk::default();
    let (log, _) =
        UnifiedLog::load(&mut cx.out, &disk, "__consumer_offsets-0", LogConfig::default(), options);
    let registration =
        PartitionRegistration { replicas: vec![1, 2], isr: vec![1, 2], leader: 1, ..Default::default() };
    let settings = Settings { min_isr: 1, lag: Duration::from_secs(30) };
    let mut partition = Partition::new(1, Uuid::nil(), registration, log, (0, settings));
    partition.begin(&mut cx);
    for (key, value) in records {
        let mut batch = BatchBuilder::new(BatchOptions::default());
        batch.append(cx.epoch_ms, key.as_deref(), value.as_deref(), &[]);
        let batch = batch.build();
        let batch = (&batch, blumfeld_log::AppendOrigin::Coordinator);
        partition.append(&mut cx, batch, None, &BTreeMap::new()).expect("a good batch");
    }
    partition.note_fetch(&mut cx, (2, 1), committed, 0);
    assert_eq!(partition.high_watermark(), committed);
    let (shard, fx) = runtime::load::<GroupShard>(&mut cx, &GroupCoordinatorConfig::default(), &partition);
    (shard, fx, events)
}

fn bytes(record: &GroupRecord) -> (Option<Bytes>, Option<Bytes>) {
    let (key, value) = record.encode().unwrap();
    (Some(key.into()), value.map(Into::into))
}

fn offset(group: &str, offset: i64) -> GroupRecord {
    GroupRecord::Offset {
        group: group.to_owned(),
        topic: "orders".to_owned(),
        partition: 0,
        value: Some(OffsetAndMetadata {
            offset,
            leader_epoch: -1,
            metadata: String::new(),
            commit_timestamp: 0,
            expire_timestamp: -1,
            topic_id: Uuid::nil(),
        }),
    }
}

fn group(members: &[&str]) -> GroupRecord {
    let members = members.iter().map(|id| MemberMetadata {
        member_id: (*id).to_owned(),
        rebalance_timeout: -1,
        session_timeout: 10_000,
        ..MemberMetadata::default()
    });
    let value = GroupMetadataValue {
        protocol_type: "consumer".to_owned(),
        generation: 4,
        protocol: Some("range".to_owned()),
        leader: members.clone().next().map(|member| member.member_id),
        current_state_timestamp: 5,
        members: members.collect(),
    };
    GroupRecord::Group { group: "g".to_owned(), value: Some(value) }
}

#[test]
fn what_is_loaded_is_what_was_stored_and_consumers_see_only_what_is_committed() {
    let records = [group(&["a", "b"]), offset("g", 5), offset("simple", 1), offset("g", 6)];
    let (shard, fx, _) = load(&records.each_ref().map(bytes), 3);
    let loaded = shard.group("g").unwrap();
    assert_eq!((loaded.state(), loaded.generation()), (ClassicGroupState::Stable, 4));
    assert_eq!((loaded.leader(), loaded.members().len()), (Some("a"), 2));
    assert_eq!(loaded.member("a").unwrap().rebalance_timeout_ms, 10_000);
    assert_eq!(shard.group("simple").unwrap().protocol_type(), None);
    let at = |offsets: &Offsets| offsets.get("g", "orders", 0).unwrap().offset;
    assert_eq!((at(shard.committed()), at(shard.current())), (5, 6));
    let sessions: Vec<_> =
        fx.timers.iter().filter(|(timer, _)| matches!(timer, GroupTimer::Heartbeat(..))).collect();
    assert_eq!(sessions.len(), 2, "each member has its session again");

    let gone = GroupRecord::Group { group: "g".to_owned(), value: None };
    let (shard, ..) = load(&[bytes(&group(&["a"])), bytes(&gone)], 2);
    assert!(shard.group("g").is_none());
}

/// A key, a value, and what is wrong with them.
type Bad = (Option<&'static [u8]>, Option<&'static [u8]>, &'static str);

#[test]
fn a_record_that_cannot_be_read_is_passed_over_and_named() {
    let bad: [Bad; 7] = [
        (None, Some(b"value"), "it has no key"),
        (Some(b""), None, "the key does not fit into its bytes"),
        (Some(b"\0\x03\0\x01g"), Some(b"\0\0"), "unknown record type 3"),
        (Some(b"\0\x02\0\x09g"), None, "the key does not fit into its bytes"),
        (Some(b"\0\x02\0\x01g"), Some(b"\0\x09"), "unknown version 9 of the value"),
        (Some(b"\0\x02\0\x01g"), Some(b"\0\x03\0\x01c"), "the value does not fit into its bytes"),
        (Some(b"\0\x02\0\x01\xff"), None, "the key does not fit into its bytes"),
    ];
    let mut records: Vec<_> = (bad.iter())
        .map(|(key, value, _)| (key.map(Bytes::copy_from_slice), value.map(Bytes::copy_from_slice)))
        .collect();
    records.push(bytes(&offset("g", 5)));
    let (shard, _, events) = load(&records, 8);
    let skipped: Vec<(i64, String)> = (events.into_iter())
        .filter_map(|event| match event {
            TraceEvent::GroupRecordSkipped { offset, reason, .. } => Some((offset, reason.to_string())),
            _ => None,
        })
        .collect();
    let want: Vec<_> = (0..).zip(bad.iter().map(|(.., reason)| (*reason).to_owned())).collect();
    assert_eq!(skipped, want);
    assert_eq!(shard.committed().get("g", "orders", 0).map(|have| have.offset), Some(5));
}

#[test]
fn no_bytes_in_the_log_panic() {
    let mut rng = Prng::new(7, "bytes");
    let good = [group(&["a", "b"]), group(&[]), offset("g", 5), offset("h", 6)].map(|one| bytes(&one));
    for _ in 0..300 {
        let records: Vec<_> = (0..40)
            .map(|_| {
                let (key, value) = good[usize::try_from(rng.below(4)).unwrap()].clone();
                let mut damage = |bytes: Option<Bytes>| {
                    let mut bytes = bytes?.to_vec();
                    for _ in 0..rng.below(4) {
                        let at = usize::try_from(rng.below(bytes.len() as u64)).unwrap();
                        match rng.below(3) {
                            0 => bytes.truncate(at.max(1)),
                            1 => bytes.insert(at, 0xff),
                            _ => bytes[at] = rng.bytes16()[0],
                        }
                    }
                    Some(Bytes::from(bytes))
                };
                (damage(key), damage(value))
            })
            .collect();
        let (mut shard, ..) = load(&records, 20);
        // What was loaded can be aged and left without a panic, too.
        let (mut effects, mut events, mut connections, mut flushes) = (Vec::new(), Vec::new(), 0, 0);
        let mut cx = Context {
            node: NodeId(1),
            now: Instant::MAX,
            epoch_ms: i64::MAX,
            rng: &mut rng,
            out: Outbox {
                effects: &mut effects,
                events: &mut events,
                connections: &mut connections,
                flushes: &mut flushes,
            },
        };
        let config = GroupCoordinatorConfig::default();
        let mut fx = Effects::default();
        let mut env = Env { cx: &mut cx, config: &config, fx: &mut fx };
        let members: Vec<(String, String)> = (shard.groups())
            .flat_map(|group| group.members().map(|one| (group.group_id.clone(), one.member_id.clone())))
            .collect();
        for (group, member) in members {
            shard.on_timer(&mut env, &GroupTimer::Heartbeat(group, member));
        }
        shard.on_timer(&mut env, &GroupTimer::Expiration);
        shard.unload(&mut env, &"__consumer_offsets-0".into(), Vec::new());
    }
}

#[test]
fn groups_go_where_java_s_hash_sends_them() {
    // What `Math.abs("…".hashCode()) % 50` is in Java.
    for (group, want) in [("", 0), ("g", 3), ("orders", 31), ("console-consumer-12345", 6), ("그룹", 19)] {
        assert_eq!(partition_for(group, 50), want, "{group}");
    }
    // Its hash is i32::MIN.
    assert_eq!(partition_for("polygenelubricants", 50), 0);
}
