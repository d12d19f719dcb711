//! Runs every scenario in `tests/groups`: members that speak the raw protocol, and what they and the brokers say. A
//! command stands at the beginning of a line, what is expected of it is indented. With `UPDATE_EXPECT=1` the expected
//! lines are rewritten; read the difference before you commit it.
//!
//! Every member has a name, and its ids are shown by it: `a`, and `a'` once it has another one. The topic `orders` has
//! four partitions; a leader gives them out in turns. Messages take one millisecond, without jitter.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use blumfeld_broker::{BrokerConfig, GROUP_METADATA_TOPIC, assigned_partitions};
use blumfeld_kernel::{ConnectionId, Context, DisconnectReason, Endpoint, Input, Instant, Node, NodeId};
use blumfeld_protocol::frame::{decode_response, encode_request};
use blumfeld_protocol::messages::*;
use blumfeld_protocol::wire::{Decodable, Encodable, StrBytes};
use blumfeld_protocol::{ErrorCode, Uuid};
use blumfeld_sim::{DiskConfig, Fault, NetworkConfig, Output, ProcessId, World, WorldConfig};
use bytes::Bytes;

const GROUP: &str = "g";
const EPOCH_MS: i64 = 1_700_000_000_000;
const VERSIONS: [(ApiKey, i16); 9] = [
    (ApiKey::FindCoordinator, 6),
    (ApiKey::JoinGroup, 9),
    (ApiKey::SyncGroup, 5),
    (ApiKey::Heartbeat, 4),
    (ApiKey::LeaveGroup, 5),
    (ApiKey::OffsetCommit, 9),
    (ApiKey::OffsetFetch, 9),
    (ApiKey::DeleteGroups, 2),
    (ApiKey::OffsetDelete, 0),
];

fn version(key: ApiKey) -> i16 {
    VERSIONS.iter().find(|(known, _)| *known == key).unwrap().1
}

fn text(text: &str) -> StrBytes {
    text.to_owned().into()
}

fn group() -> GroupId {
    GroupId(text(GROUP))
}

/// Partitions of `orders` as an assignor writes them (ConsumerProtocolAssignment).
fn assignment(numbers: impl Iterator<Item = usize>) -> Bytes {
    let numbers: Vec<u32> = numbers.map(|number| u32::try_from(number).unwrap()).collect();
    let mut out = vec![0, 0, 0, 0, 0, 1, 0, 6];
    out.extend(b"orders");
    out.extend(u32::try_from(numbers.len()).unwrap().to_be_bytes());
    out.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
    out.extend((-1_i32).to_be_bytes());
    out.into()
}

/// A member of the group, or a tool: it does what it is told and says what it is answered.
#[derive(Clone)]
struct Member {
    name: String,
    instance: Option<String>,
    session_ms: i32,
    topics: Vec<String>,
    member_id: String,
    generation: i32,
    members: Vec<String>,
    bootstrap: Endpoint,
    coordinator: Option<Endpoint>,
    conn: Option<ConnectionId>,
    asked: Vec<(ConnectionId, ApiKey)>,
    beat: Option<(u64, Instant)>,
    beaten: String,
}

impl Member {
    fn ask<Q: Encodable>(&mut self, cx: &mut Context<'_>, key: ApiKey, request: &Q) {
        let conn = if key == ApiKey::FindCoordinator {
            cx.out.connect(self.bootstrap.clone())
        } else {
            let to = self.coordinator.clone().unwrap_or_else(|| self.bootstrap.clone());
            *self.conn.get_or_insert_with(|| cx.out.connect(to))
        };
        self.asked.push((conn, key));
        cx.out.send(conn, encode_request(key, version(key), 1, Some(text("c")), request).unwrap());
    }

    fn subscription(&self) -> Bytes {
        let mut out = vec![0, 0];
        out.extend(u32::try_from(self.topics.len()).unwrap().to_be_bytes());
        for topic in &self.topics {
            out.extend(u16::try_from(topic.len()).unwrap().to_be_bytes());
            out.extend(topic.as_bytes());
        }
        out.extend((-1_i32).to_be_bytes());
        out.into()
    }

    fn command(&mut self, cx: &mut Context<'_>, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let instance = self.instance.as_deref().map(text);
        match words[..] {
            ["find"] => {
                let request = FindCoordinatorRequest::default().with_coordinator_keys(vec![text(GROUP)]);
                self.ask(cx, ApiKey::FindCoordinator, &request);
            }
            ["join"] | ["join", _] => {
                let protocol = join_group_request::JoinGroupRequestProtocol::default()
                    .with_name(text(words.get(1).copied().unwrap_or("range")))
                    .with_metadata(self.subscription());
                let request = JoinGroupRequest::default()
                    .with_group_id(group())
                    .with_session_timeout_ms(self.session_ms)
                    .with_rebalance_timeout_ms(60_000)
                    .with_member_id(text(&self.member_id))
                    .with_group_instance_id(instance)
                    .with_protocol_type(text("consumer"))
                    .with_protocols(vec![protocol]);
                self.ask(cx, ApiKey::JoinGroup, &request);
            }
            // Given out as consumers do it, or in digits alone.
            ["sync"] | ["sync", "orders"] => {
                let count = self.members.len();
                let assignments = self.members.iter().enumerate().map(|(at, id)| {
                    let of = (at..4).step_by(count);
                    let assignment = if words.len() > 1 {
                        assignment(of)
                    } else {
                        of.map(|number| number.to_string()).collect::<Vec<_>>().join(",").into()
                    };
                    sync_group_request::SyncGroupRequestAssignment::default()
                        .with_member_id(text(id))
                        .with_assignment(assignment)
                });
                let request = SyncGroupRequest::default()
                    .with_group_id(group())
                    .with_generation_id(self.generation)
                    .with_member_id(text(&self.member_id))
                    .with_group_instance_id(instance)
                    .with_protocol_type(Some(text("consumer")))
                    .with_protocol_name(Some(text("range")))
                    .with_assignments(assignments.collect());
                self.ask(cx, ApiKey::SyncGroup, &request);
            }
            ["heartbeat"] => {
                let request = HeartbeatRequest::default()
                    .with_group_id(group())
                    .with_generation_id(self.generation)
                    .with_member_id(text(&self.member_id))
                    .with_group_instance_id(instance);
                self.ask(cx, ApiKey::Heartbeat, &request);
            }
            ["beat", ms] => {
                let ms = ms.parse().unwrap();
                self.beat = (ms > 0).then(|| (ms, cx.now + Duration::from_millis(ms)));
            }
            ["leave"] => {
                let member = leave_group_request::MemberIdentity::default()
                    .with_member_id(text(&self.member_id))
                    .with_group_instance_id(instance);
                let request = LeaveGroupRequest::default().with_group_id(group()).with_members(vec![member]);
                self.ask(cx, ApiKey::LeaveGroup, &request);
            }
            ["evict", instance] => {
                let member = leave_group_request::MemberIdentity::default()
                    .with_group_instance_id(Some(text(instance)))
                    .with_reason(Some(text("evicted")));
                let request = LeaveGroupRequest::default().with_group_id(group()).with_members(vec![member]);
                self.ask(cx, ApiKey::LeaveGroup, &request);
            }
            ["commit", topic, partition, offset] => {
                let partition = offset_commit_request::OffsetCommitRequestPartition::default()
                    .with_partition_index(partition.parse().unwrap())
                    .with_committed_offset(offset.parse().unwrap())
                    .with_committed_metadata(Some(text("")));
                let topic = offset_commit_request::OffsetCommitRequestTopic::default()
                    .with_name(TopicName(text(topic)))
                    .with_partitions(vec![partition]);
                let request = OffsetCommitRequest::default()
                    .with_group_id(group())
                    .with_generation_id_or_member_epoch(self.generation)
                    .with_member_id(text(&self.member_id))
                    .with_group_instance_id(instance)
                    .with_topics(vec![topic]);
                self.ask(cx, ApiKey::OffsetCommit, &request);
            }
            ["fetch"] | ["fetch", "stable"] => {
                let one = offset_fetch_request::OffsetFetchRequestGroup::default()
                    .with_group_id(group())
                    .with_member_epoch(-1)
                    .with_topics(None);
                let request =
                    OffsetFetchRequest::default().with_groups(vec![one]).with_require_stable(words.len() > 1);
                self.ask(cx, ApiKey::OffsetFetch, &request);
            }
            ["delete-offset", topic, partition] => {
                let partition = offset_delete_request::OffsetDeleteRequestPartition::default()
                    .with_partition_index(partition.parse().unwrap());
                let topic = offset_delete_request::OffsetDeleteRequestTopic::default()
                    .with_name(TopicName(text(topic)))
                    .with_partitions(vec![partition]);
                let request = OffsetDeleteRequest::default().with_group_id(group()).with_topics(vec![topic]);
                self.ask(cx, ApiKey::OffsetDelete, &request);
            }
            ["delete-group"] => {
                let request = DeleteGroupsRequest::default().with_groups_names(vec![group()]);
                self.ask(cx, ApiKey::DeleteGroups, &request);
            }
            ["forget"] => (self.member_id, self.generation) = (String::new(), -1),
            ["reconnect"] => {
                if let Some(conn) = self.conn.take() {
                    cx.out.disconnect(conn, DisconnectReason::Closed);
                }
            }
            ["crash"] => cx.out.exit(1),
            _ => panic!("no command {line}"),
        }
    }

    fn answer(&mut self, key: ApiKey, frame: Bytes) -> String {
        fn read<A: Decodable>(key: ApiKey, frame: Bytes) -> A {
            decode_response(key, version(key), frame).unwrap()
        }
        match key {
            ApiKey::FindCoordinator => {
                let response: FindCoordinatorResponse = read(key, frame);
                let found = &response.coordinators[0];
                if found.error_code != 0 {
                    return ErrorCode(found.error_code).to_string();
                }
                self.coordinator = Some(Endpoint::new(&found.host, u16::try_from(found.port).unwrap()));
                format!("broker-{}", found.node_id.0)
            }
            ApiKey::JoinGroup => {
                let response: JoinGroupResponse = read(key, frame);
                if !response.member_id.is_empty() {
                    self.member_id = response.member_id.to_string();
                }
                if response.error_code != 0 {
                    return format!("{} id {}", ErrorCode(response.error_code), response.member_id.as_str());
                }
                self.generation = response.generation_id;
                self.members = response.members.iter().map(|one| one.member_id.to_string()).collect();
                let skip = if response.skip_assignment { ", keeps the assignment" } else { "" };
                format!(
                    "generation {} {} leader {} members [{}]{skip}",
                    self.generation,
                    response.protocol_name.as_deref().unwrap_or(""),
                    response.leader.as_str(),
                    self.members.join(", ")
                )
            }
            ApiKey::SyncGroup => {
                let response: SyncGroupResponse = read(key, frame);
                let owned = assigned_partitions(&response.assignment).map(|owned| {
                    let names = owned.iter().map(|(topic, number)| format!("{topic}-{number}"));
                    names.collect::<Vec<_>>().join(" ")
                });
                let digits = || String::from_utf8(response.assignment.to_vec()).unwrap();
                let assignment = owned.unwrap_or_else(digits);
                format!("{} [{assignment}]", ErrorCode(response.error_code))
            }
            ApiKey::Heartbeat => ErrorCode(read::<HeartbeatResponse>(key, frame).error_code).to_string(),
            ApiKey::LeaveGroup => {
                let response: LeaveGroupResponse = read(key, frame);
                let members = response.members.iter().map(|one| ErrorCode(one.error_code).to_string());
                format!("{} {:?}", ErrorCode(response.error_code), members.collect::<Vec<_>>())
            }
            ApiKey::OffsetCommit => {
                let response: OffsetCommitResponse = read(key, frame);
                ErrorCode(response.topics[0].partitions[0].error_code).to_string()
            }
            ApiKey::OffsetFetch => {
                let response: OffsetFetchResponse = read(key, frame);
                let group = &response.groups[0];
                let mut told = ErrorCode(group.error_code).to_string();
                for topic in &group.topics {
                    for one in &topic.partitions {
                        let name = topic.name.as_str();
                        let _ = write!(told, " {name}-{}@{}", one.partition_index, one.committed_offset);
                    }
                }
                told
            }
            ApiKey::OffsetDelete => {
                let response: OffsetDeleteResponse = read(key, frame);
                let partition = response.topics.first().map(|topic| topic.partitions[0].error_code);
                ErrorCode(partition.unwrap_or(response.error_code)).to_string()
            }
            _ => ErrorCode(read::<DeleteGroupsResponse>(key, frame).results[0].error_code).to_string(),
        }
    }

    fn say(&self, cx: &mut Context<'_>, what: &str) {
        // The id goes before the line, so that it can be shown by its name.
        let line = format!("{}\n{} {}: {what}\n", self.member_id, cx.now, self.name);
        cx.out.stdout(line);
    }
}

impl Node for Member {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        match input {
            Input::Stdin { bytes } => {
                let line = String::from_utf8(bytes.to_vec()).unwrap();
                self.command(cx, &line);
            }
            Input::Frame { conn, frame } => {
                let at = self.asked.iter().position(|(of, _)| *of == conn).unwrap();
                let (_, key) = self.asked.remove(at);
                if key == ApiKey::FindCoordinator {
                    cx.out.disconnect(conn, DisconnectReason::Closed);
                }
                let answer = self.answer(key, frame.into_bytes());
                // Of regular heartbeats only those that say something new.
                let beats = key == ApiKey::Heartbeat && self.beat.is_some();
                if !beats || self.beaten != answer {
                    self.say(cx, &format!("{key:?} {answer}"));
                }
                if beats {
                    self.beaten = answer;
                }
            }
            Input::Disconnected { conn, reason } => {
                self.asked.retain(|(of, _)| *of != conn);
                if self.conn == Some(conn) {
                    self.conn = None;
                    self.say(cx, &format!("lost its connection: {reason}"));
                }
            }
            Input::Timeout => {
                if let Some((ms, at)) = self.beat.filter(|(_, at)| *at <= cx.now) {
                    self.beat = Some((ms, at + Duration::from_millis(ms)));
                    let waits = self.asked.iter().any(|(of, _)| Some(*of) == self.conn);
                    if self.conn.is_some() && !waits {
                        self.command(cx, "heartbeat");
                    }
                }
            }
            _ => {}
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.beat.map(|(_, at)| at)
    }
}

/// Sends one frame and leaves.
#[derive(Clone)]
struct Once(Endpoint, Bytes);

impl Node for Once {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        match input {
            Input::Started => {
                let conn = cx.out.connect(self.0.clone());
                cx.out.send(conn, self.1.clone());
            }
            Input::Frame { frame, .. } => {
                cx.out.stdout(frame.into_bytes());
                cx.out.exit(0);
            }
            _ => {}
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        None
    }
}

struct Scene {
    world: World,
    members: BTreeMap<String, ProcessId>,
    names: BTreeMap<String, String>,
    seen: String,
}

impl Scene {
    fn new(brokers: i32, settings: &[&str]) -> Scene {
        let mut brokers = BrokerConfig::cluster(brokers, brokers, Uuid::from_u128(7));
        for setting in settings {
            let (name, value) = setting.split_once('=').unwrap();
            for broker in &mut brokers {
                let group = &mut broker.group;
                match name {
                    "group.max.size" => group.max_size = value.parse().unwrap(),
                    "group.initial.rebalance.delay.ms" => {
                        group.initial_rebalance_delay_ms = value.parse().unwrap();
                    }
                    "offsets.retention.minutes" => group.offsets_retention_minutes = value.parse().unwrap(),
                    "offsets.topic.replication.factor" => {
                        group.offsets_topic_replication_factor = value.parse().unwrap();
                    }
                    // Of the world.
                    "flush" => {}
                    other => panic!("no config {other}"),
                }
            }
        }
        let count = i16::try_from(brokers.len()).unwrap();
        let config = WorldConfig {
            boot: 0,
            seed: 1,
            epoch_ms: EPOCH_MS,
            brokers,
            network: NetworkConfig {
                latency: Duration::from_millis(1),
                jitter: Duration::ZERO,
                bytes_per_second: 1_000_000_000_000,
            },
            disk: DiskConfig::default(),
            wait_for_store: settings.contains(&"flush=yes"),
        };
        let world = World::new(config, BTreeMap::new());
        let (members, names) = (BTreeMap::new(), BTreeMap::new());
        let mut scene = Scene { world, members, names, seen: String::new() };
        scene.run_for(Duration::from_secs(10));
        assert!(scene.world.is_ready());
        let topic = create_topics_request::CreatableTopic::default()
            .with_name(TopicName(text("orders")))
            .with_num_partitions(4)
            .with_replication_factor(count);
        let request = CreateTopicsRequest::default().with_topics(vec![topic]);
        let frame = encode_request(ApiKey::CreateTopics, 7, 1, None, &request).unwrap();
        scene.world.spawn(Box::new(Once(Endpoint::new("localhost", 9092), frame)));
        scene.run_for(Duration::from_secs(10));
        scene.seen.clear();
        scene
    }

    /// Notes a member's id by its name.
    fn name(&mut self, id: &str, name: &str) {
        if !id.is_empty() && !self.names.contains_key(id) {
            let mut shown = name.to_owned();
            while self.names.values().any(|have| *have == shown) {
                shown.push('\'');
            }
            self.names.insert(id.to_owned(), shown);
        }
    }

    fn look(&mut self) {
        let lines = self.world.trace_mut().take().0;
        let mut said = String::new();
        for (name, process) in self.members.clone() {
            for output in self.world.take_output(process) {
                if let Output::Stdout(bytes) = output {
                    let both = String::from_utf8(bytes.to_vec()).unwrap();
                    let (id, line) = both.split_once('\n').unwrap();
                    self.name(id, &name);
                    said.push_str(line);
                }
            }
        }
        for line in lines {
            let line = line.to_string();
            let about = line.contains("group") || line.contains("fault") || line.contains("skipped");
            if about && !line.contains("loaded 0 groups") {
                let _ = writeln!(self.seen, "{line}");
            }
        }
        self.seen.push_str(&said);
    }

    fn run_for(&mut self, span: Duration) {
        let until = self.world.now() + span;
        while self.world.next_event().is_some_and(|at| at <= until) {
            self.world.step();
            if self.world.config().wait_for_store && self.world.has_disk_changes() {
                let (token, _) = self.world.take_disk_changes();
                self.world.store_committed(token, Ok(()));
            }
            self.look();
        }
        self.world.run_until(until);
        self.look();
    }

    /// Who leads the partition that the group is stored in, by what most brokers know.
    fn coordinator(&self) -> NodeId {
        let up = self.world.nodes().filter_map(|node| self.world.broker(node));
        let newest = up.max_by_key(|broker| broker.metadata_offset()).unwrap();
        let partition = newest.group_partition(GROUP);
        NodeId(newest.image().partition(GROUP_METADATA_TOPIC, partition).unwrap().leader)
    }

    /// The partition's state, and how it is known.
    fn describe(&self) -> String {
        let Some(broker) = self.world.broker(self.coordinator()) else { return "no coordinator".to_owned() };
        let mut told = String::new();
        let Some(group) = broker.groups().group(GROUP) else { return "no group".to_owned() };
        let _ = write!(
            told,
            "{} generation {} protocol {} leader {}",
            group.state(),
            group.generation(),
            group.protocol_name().unwrap_or("none"),
            group.leader().unwrap_or("none")
        );
        for member in group.members() {
            let assignment = String::from_utf8_lossy(&member.assignment).into_owned();
            let _ = write!(told, "\nmember {} [{assignment}]", member.member_id);
        }
        for (topic, partition, offset) in broker.groups().offsets(GROUP) {
            let _ = write!(told, "\noffset {topic}-{partition}@{}", offset.offset);
        }
        told
    }

    /// The rebalances as the page is told of them.
    fn history(&self) -> String {
        let mut told = String::new();
        for one in self.world.rebalance_views().iter().flat_map(|group| &group.rebalances) {
            let at = Instant::from_micros(one.at);
            let causes: Vec<String> = one.causes.iter().map(|cause| format!("{cause:?}")).collect();
            let ms = |micros: Option<u64>| {
                micros.map_or("-".to_owned(), |micros| format!("{} ms", micros / 1_000))
            };
            let still = one.still.map_or("-".to_owned(), |still| {
                format!("{} for {} ms", still.partitions, still.longest / 1_000)
            });
            let _ = writeln!(
                told,
                "{at} {}\n  generation {} to {}, members {} to {}, {:?}, preparing {}, completing {}, still {still}",
                causes.join(", "),
                one.from,
                one.to,
                one.before,
                one.after,
                one.end,
                ms(one.preparing),
                ms(one.completing),
            );
        }
        told
    }

    fn run(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["world", brokers, ref settings @ ..] => *self = Scene::new(brokers.parse().unwrap(), settings),
            ["member", name, ref rest @ ..] => {
                let value = |key: &str| rest.iter().find_map(|one| one.strip_prefix(key)?.strip_prefix('='));
                let member = Member {
                    name: name.to_owned(),
                    instance: value("instance").map(str::to_owned),
                    session_ms: value("session").map_or(10_000, |ms| ms.parse().unwrap()),
                    topics: vec![value("topic").unwrap_or("orders").to_owned()],
                    member_id: String::new(),
                    generation: -1,
                    members: Vec::new(),
                    bootstrap: Endpoint::new("localhost", 9092),
                    coordinator: None,
                    conn: None,
                    asked: Vec::new(),
                    beat: None,
                    beaten: "NONE".to_owned(),
                };
                let process = self.world.spawn(Box::new(member));
                self.members.insert(name.to_owned(), process);
            }
            ["run", span] => {
                let (number, unit) = span.split_at(span.find(|c: char| !c.is_ascii_digit()).unwrap());
                let ms = match unit {
                    "ms" => 1,
                    "s" => 1_000,
                    "min" => 60_000,
                    other => panic!("no unit {other}"),
                };
                self.run_for(Duration::from_millis(number.parse::<u64>().unwrap() * ms));
            }
            ["coordinator", what] => {
                let node = self.coordinator();
                match what {
                    "crash" => self.world.crash(node),
                    "power-cut" => self.world.power_cut(node),
                    "shutdown" => self.world.begin_shutdown(node),
                    "is" => {}
                    other => panic!("no command {other}"),
                }
                let _ = writeln!(self.seen, "broker-{}", node.0);
            }
            ["all", what] => {
                for node in self.world.nodes().collect::<Vec<_>>() {
                    match what {
                        "power-cut" => self.world.power_cut(node),
                        "restart" => self.world.restart(node),
                        other => panic!("no command {other}"),
                    }
                }
            }
            ["fault", ref words @ ..] => {
                let fault = Fault::parse(&words.join(" ")).unwrap();
                self.world.inject(fault).unwrap();
                self.look();
            }
            ["delete-topic", topic] => {
                let request = DeleteTopicsRequest::default()
                    .with_topic_names(vec![TopicName(text(topic))])
                    .with_timeout_ms(1_000);
                let frame = encode_request(ApiKey::DeleteTopics, 5, 1, None, &request).unwrap();
                self.world.spawn(Box::new(Once(Endpoint::new("localhost", 9092), frame)));
            }
            ["restart", broker] => self.world.restart(NodeId(broker.parse().unwrap())),
            ["history"] => {
                self.seen = self.history();
            }
            ["group"] => {
                self.seen = self.describe() + "\n";
            }
            [name, ..] => {
                let line = line.split_once(' ').unwrap().1.to_owned();
                self.world.write_stdin(self.members[name], line.into());
            }
            [] => {}
        }
        let mut seen = std::mem::take(&mut self.seen);
        for (id, name) in &self.names {
            seen = seen.replace(id, name);
        }
        seen
    }
}

#[test]
fn scenarios() {
    blumfeld_expect::check(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/groups"), |text| {
        let mut scene = Scene::new(1, &[]);
        let told = blumfeld_expect::told(text, |line| scene.run(line));
        scene.world.invariants().unwrap();
        told
    });
}
