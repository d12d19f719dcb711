//! Offsets that a coordinator has acknowledged are there after whatever happens to the brokers, and never go back.

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_broker::{BrokerConfig, GROUP_METADATA_TOPIC};
use blumfeld_kernel::{
    ConnectionId, Context, DisconnectReason, Endpoint, Input, Instant, Node, NodeId, Prng,
};
use blumfeld_protocol::frame::{decode_response, encode_request};
use blumfeld_protocol::messages::*;
use blumfeld_protocol::{ErrorCode, Uuid};
use blumfeld_sim::{DiskConfig, Fault, NetworkConfig, Output, ProcessId, World, WorldConfig};

const TIMEOUT: Duration = Duration::from_secs(2);
const TOPIC: &str = "orders";

fn group() -> GroupId {
    GroupId("g".to_owned().into())
}

/// Commits 1, 2, 3 and so on, each until it is acknowledged, and in between asks what is committed. It says `acked N`
/// and `read N`.
#[derive(Clone, Default)]
struct Committer {
    coordinator: Option<Endpoint>,
    conn: Option<ConnectionId>,
    asked: Option<ApiKey>,
    bootstrap: u16,
    next: i64,
    acked: i64,
    turn: u64,
    at: Option<Instant>,
}

impl Committer {
    fn act(&mut self, cx: &mut Context<'_>) {
        self.turn += 1;
        let to = self.coordinator.clone().unwrap_or_else(|| {
            self.bootstrap = (self.bootstrap + 1) % 3;
            Endpoint::new("localhost", 9_092 + 2 * self.bootstrap)
        });
        let conn = *self.conn.get_or_insert_with(|| cx.out.connect(to));
        let (key, frame) = if self.coordinator.is_none() {
            let request = FindCoordinatorRequest::default().with_key("g".to_owned().into());
            (ApiKey::FindCoordinator, encode_request(ApiKey::FindCoordinator, 3, 1, None, &request))
        } else if self.turn.is_multiple_of(3) {
            // A new leader's high watermark may be behind, so only stable offsets are sure to be the last.
            let request = OffsetFetchRequest::default().with_group_id(group()).with_topics(None);
            let request = request.with_require_stable(true);
            (ApiKey::OffsetFetch, encode_request(ApiKey::OffsetFetch, 7, 1, None, &request))
        } else {
            self.next = self.acked + 1;
            let partition = offset_commit_request::OffsetCommitRequestPartition::default()
                .with_committed_offset(self.next)
                .with_committed_metadata(Some("".to_owned().into()));
            let topic = offset_commit_request::OffsetCommitRequestTopic::default()
                .with_name(TopicName(TOPIC.to_owned().into()))
                .with_partitions(vec![partition]);
            let request = OffsetCommitRequest::default()
                .with_group_id(group())
                .with_generation_id_or_member_epoch(-1)
                .with_topics(vec![topic]);
            (ApiKey::OffsetCommit, encode_request(ApiKey::OffsetCommit, 8, 1, None, &request))
        };
        self.asked = Some(key);
        self.at = Some(cx.now + TIMEOUT);
        cx.out.send(conn, frame.unwrap());
    }

    /// Looks for the coordinator again, after a while.
    fn lose(&mut self, cx: &mut Context<'_>) {
        if let Some(conn) = self.conn.take() {
            cx.out.disconnect(conn, DisconnectReason::Closed);
        }
        (self.coordinator, self.asked) = (None, None);
        self.at = Some(cx.after_ms(100));
    }
}

impl Node for Committer {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        match input {
            Input::Started => self.act(cx),
            Input::Timeout if self.at.is_some_and(|at| at <= cx.now) => {
                if self.asked.is_some() {
                    self.lose(cx)
                } else {
                    self.act(cx)
                }
            }
            Input::Frame { conn, frame } if self.conn == Some(conn) => {
                let Some(key) = self.asked.take() else { return };
                let code = match key {
                    ApiKey::FindCoordinator => {
                        let found: FindCoordinatorResponse =
                            decode_response(key, 3, frame.into_bytes()).unwrap();
                        if found.error_code == 0 {
                            let port = u16::try_from(found.port).unwrap();
                            cx.out.disconnect(conn, DisconnectReason::Closed);
                            self.conn = None;
                            self.coordinator = Some(Endpoint::new(&found.host, port));
                            // First it looks at what the new one has.
                            self.turn = 2;
                        }
                        found.error_code
                    }
                    ApiKey::OffsetCommit => {
                        let done: OffsetCommitResponse = decode_response(key, 8, frame.into_bytes()).unwrap();
                        let code = done.topics[0].partitions[0].error_code;
                        if code == 0 {
                            self.acked = self.next;
                            cx.out.stdout(format!("acked {}\n", self.acked));
                        }
                        code
                    }
                    _ => {
                        let found: OffsetFetchResponse = decode_response(key, 7, frame.into_bytes()).unwrap();
                        if found.error_code == 0 {
                            let topic = found.topics.first();
                            let offset = topic.map_or(0, |topic| topic.partitions[0].committed_offset);
                            cx.out.stdout(format!("read {offset}\n"));
                        }
                        found.error_code
                    }
                };
                if code == 0 {
                    self.at = Some(cx.after_ms(50));
                    return;
                }
                let code = ErrorCode(code);
                // What a client tries again on.
                let known = [
                    ErrorCode::NOT_COORDINATOR,
                    ErrorCode::COORDINATOR_NOT_AVAILABLE,
                    ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
                    ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                ];
                assert!(known.contains(&code), "{key:?}: {code}");
                self.lose(cx);
            }
            Input::Disconnected { conn, .. } if self.conn == Some(conn) => {
                self.conn = None;
                self.lose(cx);
            }
            _ => {}
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.at
    }
}

/// Sends one frame and leaves.
#[derive(Clone)]
struct Once(bytes::Bytes);

impl Node for Once {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        match input {
            Input::Started => {
                let conn = cx.out.connect(Endpoint::new("localhost", 9092));
                cx.out.send(conn, self.0.clone());
            }
            Input::Frame { .. } => cx.out.exit(0),
            _ => {}
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        None
    }
}

/// Checks what was said, and gives the last acknowledged offset.
fn check(world: &mut World, process: ProcessId, acked: &mut i64) -> u32 {
    let mut reads = 0;
    for output in world.take_output(process) {
        let Output::Stdout(text) = output else { panic!("the committer goes on: {output:?}") };
        for line in std::str::from_utf8(&text).unwrap().lines() {
            match line.split_once(' ').map(|(what, number)| (what, number.parse::<i64>().unwrap())) {
                Some(("acked", offset)) => {
                    assert_eq!(offset, *acked + 1);
                    *acked = offset;
                }
                Some(("read", offset)) => {
                    reads += 1;
                    // One more may have been stored without the answer that says so.
                    assert!((*acked..=*acked + 1).contains(&offset), "acknowledged {acked}, read {offset}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
    reads
}

#[test]
fn acknowledged_offsets_outlive_their_coordinators() {
    for seed in 0..4 {
        let config = WorldConfig {
            boot: 0,
            seed,
            epoch_ms: 1_700_000_000_000,
            brokers: BrokerConfig::cluster(3, 3, Uuid::from_u128(7)),
            network: NetworkConfig::default(),
            disk: DiskConfig::default(),
            wait_for_store: false,
        };
        let mut world = World::new(config, BTreeMap::new());
        world.run_for(Duration::from_secs(10));
        let topic = create_topics_request::CreatableTopic::default()
            .with_name(TopicName(TOPIC.to_owned().into()))
            .with_num_partitions(1)
            .with_replication_factor(3);
        let request = CreateTopicsRequest::default().with_topics(vec![topic]);
        let frame = encode_request(ApiKey::CreateTopics, 7, 1, None, &request).unwrap();
        world.spawn(Box::new(Once(frame)));
        world.run_for(Duration::from_secs(5));
        let process = world.spawn(Box::new(Committer::default()));
        world.run_for(Duration::from_millis(500));
        let (mut rng, mut acked) = (Prng::new(seed, "faults"), 0);
        for round in 0..6 {
            let before = acked;
            let broker = world.broker(NodeId(1)).unwrap();
            let at = broker.image().partition(GROUP_METADATA_TOPIC, broker.group_partition("g"));
            let coordinator = at.map_or(-1, |partition| partition.leader);
            let node = match rng.chance(2, 3) {
                true if coordinator > 0 => NodeId(coordinator),
                _ => NodeId(i32::try_from(rng.below(3)).unwrap() + 1),
            };
            let fault = |line: String| Fault::parse(&line).unwrap();
            let what = rng.below(6);
            match what {
                0 => world.crash(node),
                1 => world.power_cut(node),
                2 => world.begin_shutdown(node),
                3 => world.inject(fault(format!("pause {}", node.0))).unwrap(),
                // Cut off from the other brokers, but not from the client: it must not acknowledge what it alone has.
                _ => (1..=3).filter(|other| *other != node.0).for_each(|other| {
                    world.inject(fault(format!("cut {} {other}", node.0))).unwrap();
                }),
            }
            let span = rng.duration(Duration::from_secs(40));
            world.run_for(span);
            check(&mut world, process, &mut acked);
            if world.is_paused(node) {
                world.inject(fault(format!("resume {}", node.0))).unwrap();
            } else if what >= 4 {
                world.inject(fault("heal".to_owned())).unwrap();
            } else {
                world.restart(node);
            }
            // Until the cluster is whole again.
            world.run_for(Duration::from_secs(45));
            let reads = check(&mut world, process, &mut acked);
            assert!(acked > before && reads > 0, "seed {seed}, round {round}: it goes on");
            world.invariants().unwrap();
        }
        world.run_for(Duration::from_secs(5));
        assert!(check(&mut world, process, &mut acked) > 0);
        for node in [1, 2, 3].map(NodeId) {
            let broker = world.broker(node).unwrap();
            for (topic, partition, offset) in broker.groups().offsets("g") {
                assert_eq!((topic, partition), (TOPIC, 0));
                assert!(offset.offset >= acked, "seed {seed}: acknowledged {acked}, kept {}", offset.offset);
            }
        }
    }
}
