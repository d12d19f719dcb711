//! The runtime with a shard that knows no groups: it adds numbers, and answers with the sum.

use blumfeld_kernel::{Endpoint, NodeId, Outbox, Prng};
use blumfeld_protocol::frame::Header;
use blumfeld_protocol::messages::HeartbeatResponse;
use blumfeld_protocol::{ApiKey, Uuid};

use super::*;
use crate::call::{ListenerKind, Principal};
use crate::config::BrokerConfig;
use crate::metadata::{MetadataRecord, PartitionRegistration};

/// What a sum is answered with.
type Sum = Result<i64, ErrorCode>;

#[derive(Clone, Debug, Default)]
struct Adder {
    current: i64,
    committed: i64,
    /// What was stored, and what could not be.
    stored: Vec<(&'static str, bool)>,
}

impl Shard for Adder {
    const TOPIC: &'static str = "__sums";
    type Config = i64;
    type Record = i64;
    type Timer = ();
    type Answer = Sum;
    type Stored = &'static str;

    fn encode(record: &i64) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        Some((record.to_be_bytes().to_vec(), None))
    }

    fn decode(key: Option<&Bytes>, _: Option<&Bytes>) -> Result<i64, String> {
        let bytes = key.and_then(|key| key.as_ref().try_into().ok()).ok_or("no number")?;
        Ok(i64::from_be_bytes(bytes))
    }

    fn replay(&mut self, change: &Change<i64>, _: i64) {
        if let Change::Record { record, .. } = change {
            self.current += record;
        }
    }

    fn commit(&mut self, change: &Change<i64>) {
        if let Change::Record { record, .. } = change {
            self.committed += record;
        }
    }

    fn loaded(&mut self, env: &mut Env<'_, '_, Self>, _: &Arc<str>, skipped: Vec<(i64, String)>) {
        assert!(skipped.is_empty(), "{skipped:?}");
        env.timer((), 60_000);
    }

    fn on_timer(&mut self, env: &mut Env<'_, '_, Self>, (): &()) {
        env.fx.writes.push(Write { records: vec![100], producer: None, replay: true, after: After::Nothing });
    }

    fn stored(&mut self, _: &mut Env<'_, '_, Self>, stored: &'static str, result: Result<(), ErrorCode>) {
        self.stored.push((stored, result.is_ok()));
    }

    fn unload(self, _: &mut Env<'_, '_, Self>, partition: &Arc<str>, stored: Vec<&'static str>) {
        assert_eq!((&**partition, stored), ("__sums-0", vec!["lost"]));
    }

    fn invariant<'a>(&self, _: impl Iterator<Item = &'a Change<Self::Record>>) -> Result<(), String>
    where
        Self::Record: 'a,
    {
        Ok(())
    }

    fn waiting(&self) -> impl Iterator<Item = &Call> {
        std::iter::empty()
    }

    fn trace_commit(_: &mut Context<'_>, _: &[Change<i64>]) {}

    fn fail(_: Sum, code: ErrorCode) -> Sum {
        Err(code)
    }

    fn gather(answer: &mut Sum, _: &str, code: ErrorCode) {
        *answer = answer.and_then(|sum| if code.is_none() { Ok(sum + 1) } else { Err(code) });
    }

    fn append_error(code: ErrorCode) -> ErrorCode {
        code
    }

    fn respond(_: Sum, _: i16) -> Body {
        HeartbeatResponse::default().into()
    }

    fn write_timeout_ms(config: &i64) -> i64 {
        *config
    }
}

/// A broker whose one partition another one follows.
struct World {
    rng: Prng,
    now: Instant,
    image: MetadataImage,
    replicas: ReplicaManager,
    runtime: Runtime<Adder>,
}

const TOPIC_ID: Uuid = Uuid::from_u128(7);
const TIMEOUT_MS: i64 = 5_000;

impl World {
    fn new() -> World {
        let config = BrokerConfig::new(1, Endpoint::new("localhost", 9_092), Uuid::from_u128(1));
        let mut world = World {
            rng: Prng::new(1, "test"),
            now: Instant::ZERO,
            image: MetadataImage::default(),
            replicas: ReplicaManager::new(&config),
            runtime: Runtime::default(),
        };
        world.image.replay(&MetadataRecord::Topic { name: Adder::TOPIC.to_owned(), topic_id: TOPIC_ID });
        world.elect(1, 0);
        world
    }

    fn step<R>(
        &mut self,
        run: impl FnOnce(&mut Runtime<Adder>, &mut Context<'_>, &mut Host<'_, Adder>) -> R,
    ) -> R {
        let (mut effects, mut events, mut connections, mut flushes) = (Vec::new(), Vec::new(), 0, 0);
        let mut cx = Context {
            node: NodeId(1),
            now: self.now,
            epoch_ms: 1_700_000_000_000,
            rng: &mut self.rng,
            out: Outbox {
                effects: &mut effects,
                events: &mut events,
                connections: &mut connections,
                flushes: &mut flushes,
            },
        };
        let mut host = Host {
            replicas: &mut self.replicas,
            image: &self.image,
            config: &TIMEOUT_MS,
            flush: false,
            disk_failed: false,
        };
        let result = run(&mut self.runtime, &mut cx, &mut host);
        self.runtime.invariants().unwrap();
        result
    }

    /// The controller makes a broker the leader.
    fn elect(&mut self, leader: i32, epoch: i32) {
        let registration = PartitionRegistration {
            replicas: vec![1, 2],
            isr: vec![1, 2],
            leader,
            leader_epoch: epoch,
            partition_epoch: epoch,
            ..PartitionRegistration::default()
        };
        let record = MetadataRecord::Partition { partition: 0, topic_id: TOPIC_ID, registration };
        self.image.replay(&record);
        self.step(|runtime, cx, host| {
            host.replicas.apply(cx, host.image, 1, [Adder::TOPIC].into_iter(), None);
            runtime.follow(cx, host, 0);
        });
    }

    /// Adds a number; the answer waits.
    fn add(&mut self, number: i64, conn: u64) {
        let call = call(conn);
        self.step(|runtime, cx, host| {
            runtime.with_shard(cx, host, 0, |shard, env| {
                let after = After::Respond(call, Ok(shard.current + number));
                env.fx.writes.push(Write { records: vec![number], producer: None, replay: true, after });
            })
        });
    }

    /// The follower has everything below an offset.
    fn replicate(&mut self, offset: i64) {
        self.step(|runtime, cx, host| {
            host.replicas.note_fetch(cx, &key::<Adder>(0), (2, 1), offset, 0);
            runtime.complete(cx, host, 0);
        });
    }

    fn answers(&mut self) -> Vec<(u64, Sum)> {
        self.runtime.answers.drain(..).map(|(call, sum)| (call.conn.0, sum)).collect()
    }

    /// The sums up to the log's end and up to the high watermark.
    fn sums(&self) -> Vec<(i64, i64)> {
        self.runtime.shards().map(|shard| (shard.current, shard.committed)).collect()
    }
}

fn call(conn: u64) -> Call {
    let header = Header { api_key: ApiKey::Heartbeat, version: 0, correlation_id: 1, client_id: None };
    let (listener, principal) = (ListenerKind::Broker, Principal::default());
    Call { conn: ConnectionId(conn), listener, header, principal }
}

#[test]
fn a_decision_is_told_when_it_is_replicated_and_stood_on_at_once() {
    let mut world = World::new();
    world.add(5, 1);
    world.add(6, 2);
    assert_eq!(world.sums(), [(11, 0)]);
    assert_eq!(world.answers(), []);
    assert_eq!(world.runtime.owed().collect::<Vec<_>>(), [ConnectionId(1), ConnectionId(2)]);
    world.replicate(1);
    assert_eq!((world.answers(), world.sums()), (vec![(1, Ok(5))], vec![(11, 5)]));
    world.replicate(2);
    assert_eq!((world.answers(), world.sums()), (vec![(2, Ok(11))], vec![(11, 11)]));
    assert_eq!(world.runtime.owed().count(), 0);
}

#[test]
fn what_waits_fails_when_the_partition_is_lost_and_is_loaded_when_it_is_won() {
    let mut world = World::new();
    world.add(5, 1);
    let gathering = world.runtime.gather(call(2), Ok(0), 1);
    world.step(|runtime, cx, host| {
        runtime.with_shard(cx, host, 0, |_, env| {
            let after = After::Gathered(gathering, "part".to_owned());
            env.fx.writes.push(Write { records: Vec::new(), producer: None, replay: false, after });
            env.write(0, After::Then("lost"));
        })
    });
    world.elect(2, 1);
    let lost = Err(ErrorCode::NOT_LEADER_OR_FOLLOWER);
    assert_eq!(world.answers(), [(1, lost), (2, lost)]);
    assert_eq!((world.sums(), world.runtime.next_timeout()), (vec![], None));
    // Its log still has what nobody was told of.
    world.elect(1, 2);
    assert_eq!(world.sums(), [(5, 0)]);
    world.replicate(2);
    assert_eq!((world.answers(), world.sums()), (vec![], vec![(5, 5)]));
}

#[test]
fn an_answer_that_takes_too_long_says_so_and_its_records_stay() {
    let mut world = World::new();
    world.add(5, 1);
    world.now = world.runtime.next_timeout().expect("a timer");
    assert_eq!(world.now.as_micros(), 5_000_000);
    world.step(|runtime, cx, host| runtime.poll(cx, host));
    assert_eq!(world.answers(), [(1, Err(ErrorCode::REQUEST_TIMED_OUT))]);
    world.replicate(1);
    assert_eq!((world.answers(), world.sums()), (vec![], vec![(5, 5)]));
    // The shard's own timer writes as a request does.
    world.now = world.runtime.next_timeout().expect("the shard's");
    world.step(|runtime, cx, host| runtime.poll(cx, host));
    assert_eq!(world.sums(), [(105, 5)]);
}

#[test]
fn parts_are_gathered_and_a_read_waits_for_what_was_written_before_it() {
    let mut world = World::new();
    let gathering = world.runtime.gather(call(1), Ok(0), 2);
    world.step(|runtime, cx, host| {
        let read = |env: &mut Env<'_, '_, Adder>| {
            let after = After::Gathered(gathering, "part".to_owned());
            env.fx.writes.push(Write { records: Vec::new(), producer: None, replay: false, after });
        };
        // Nothing was written: nothing is waited for.
        runtime.with_shard(cx, host, 0, |_, env| read(env));
        runtime.with_shard(cx, host, 0, |_, env| {
            env.write(1, After::Then("stored"));
            read(env);
        })
    });
    assert_eq!(world.answers(), []);
    world.replicate(1);
    assert_eq!(world.answers(), [(1, Ok(2))]);
    let shard = world.runtime.shards().next().expect("the shard");
    assert_eq!(shard.stored, [("stored", true)]);
    assert_eq!(shard.current, 0, "what is the state already is not replayed");
}

#[test]
fn a_disk_that_takes_nothing_fails_a_write_at_once() {
    let mut world = World::new();
    world.step(|runtime, cx, host| {
        host.disk_failed = true;
        runtime.with_shard(cx, host, 0, |_, env| {
            let after = After::Respond(call(1), Ok(5));
            env.fx.writes.push(Write { records: vec![5], producer: None, replay: true, after });
        })
    });
    assert_eq!(world.answers(), [(1, Err(ErrorCode::KAFKA_STORAGE_ERROR))]);
    assert_eq!(world.sums(), [(0, 0)]);
}
