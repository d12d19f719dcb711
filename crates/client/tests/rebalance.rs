//! What a member does with its partitions when its group rebalances, eagerly and cooperatively.

mod common;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use blumfeld_client::consumer::{Assignor, Consumer, ConsumerConfig, ConsumerEvent};
use blumfeld_client::{ClientConfig, TopicPartition};
use blumfeld_protocol::frame::{Header, decode_body};
use blumfeld_protocol::messages::find_coordinator_response::Coordinator;
use blumfeld_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};
use blumfeld_protocol::messages::{
    BrokerId, FindCoordinatorResponse, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse,
    LeaveGroupResponse, OffsetFetchRequest, OffsetFetchResponse, SyncGroupResponse, TopicName,
};
use blumfeld_protocol::{ApiKey, ErrorCode, Uuid};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use common::*;

/// What the coordinator does next, and what it was told.
#[derive(Default)]
struct Script {
    /// Partitions of `orders` that the next syncs give.
    assignments: VecDeque<Vec<i32>>,
    /// What the next heartbeat answers.
    heartbeat: Option<ErrorCode>,
    generation: i32,
    /// What the next join answers instead.
    join_error: Option<ErrorCode>,
    /// Whether the next joins wait for ever.
    joins_wait: bool,
    log: Vec<String>,
}

type Shared = Rc<RefCell<Script>>;

fn assignment(partitions: &[i32]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_i16(3);
    out.put_i32(1);
    out.put_i16(6);
    out.put_slice(b"orders");
    out.put_i32(i32::try_from(partitions.len()).unwrap());
    partitions.iter().for_each(|partition| out.put_i32(*partition));
    out.put_i32(-1);
    out.freeze()
}

/// What a subscription says of partitions and the generation.
fn owned(mut metadata: Bytes) -> String {
    assert_eq!(metadata.get_i16(), 3, "the version");
    for _ in 0..metadata.get_i32() {
        let length = metadata.get_i16();
        metadata.advance(usize::try_from(length).unwrap());
    }
    let data = usize::try_from(metadata.get_i32()).unwrap_or(0);
    metadata.advance(data);
    let mut partitions = Vec::new();
    for _ in 0..metadata.get_i32() {
        let length = metadata.get_i16();
        metadata.advance(usize::try_from(length).unwrap());
        partitions = (0..metadata.get_i32()).map(|_| metadata.get_i32()).collect();
    }
    format!("owns {partitions:?} since {}", metadata.get_i32())
}

/// A coordinator that has another member as the leader.
fn coordinator(header: &Header, body: Bytes, script: &mut Script) -> Reply {
    let none = ErrorCode::NONE.0;
    match header.api_key {
        ApiKey::ApiVersions => reply(
            header,
            &api_versions(&[
                (ApiKey::ApiVersions, 0, 3),
                (ApiKey::Metadata, 0, 12),
                (ApiKey::Fetch, 4, 13),
                (ApiKey::ListOffsets, 1, 7),
                (ApiKey::FindCoordinator, 0, 4),
                (ApiKey::JoinGroup, 0, 9),
                (ApiKey::SyncGroup, 0, 5),
                (ApiKey::Heartbeat, 0, 4),
                (ApiKey::LeaveGroup, 0, 5),
                (ApiKey::OffsetFetch, 1, 9),
            ]),
        ),
        ApiKey::Metadata => {
            let mut response = metadata(4);
            let payments = response.topics[0]
                .clone()
                .with_name(Some(TopicName("payments".to_owned().into())))
                .with_topic_id(Uuid::from_u128(6));
            response.topics.push(payments);
            reply(header, &response)
        }
        ApiKey::FindCoordinator => {
            let one = Coordinator::default()
                .with_key("group".to_owned().into())
                .with_node_id(BrokerId(1))
                .with_host("broker".to_owned().into())
                .with_port(9092);
            reply(header, &FindCoordinatorResponse::default().with_coordinators(vec![one]))
        }
        ApiKey::JoinGroup => {
            let request: JoinGroupRequest = decode_body(header, body).unwrap();
            let protocol = request.protocols[0].clone();
            let (member, reason) = (request.member_id.to_string(), request.reason.unwrap_or_default());
            script.log.push(format!("join as '{member}', {}: {reason:?}", owned(protocol.metadata)));
            if script.joins_wait {
                return Reply::Silence;
            }
            if let Some(code) = script.join_error.take() {
                return reply(header, &JoinGroupResponse::default().with_error_code(code.0));
            }
            script.generation += 1;
            let response = JoinGroupResponse::default()
                .with_generation_id(script.generation)
                .with_protocol_type(Some("consumer".to_owned().into()))
                .with_protocol_name(Some(protocol.name))
                .with_leader("leader".to_owned().into())
                .with_member_id("me".to_owned().into());
            reply(header, &response)
        }
        ApiKey::SyncGroup => {
            let partitions = script.assignments.pop_front().unwrap_or_default();
            reply(
                header,
                &SyncGroupResponse::default().with_error_code(none).with_assignment(assignment(&partitions)),
            )
        }
        ApiKey::Heartbeat => {
            let code = script.heartbeat.take().unwrap_or(ErrorCode::NONE);
            reply(header, &HeartbeatResponse::default().with_error_code(code.0))
        }
        ApiKey::LeaveGroup => {
            script.log.push("leave".to_owned());
            reply(header, &LeaveGroupResponse::default())
        }
        ApiKey::OffsetFetch => {
            let request: OffsetFetchRequest = decode_body(header, body).unwrap();
            let group = &request.groups[0];
            let topic =
                |topic: &blumfeld_protocol::messages::offset_fetch_request::OffsetFetchRequestTopics| {
                    let partition = |index: &i32| {
                        OffsetFetchResponsePartitions::default()
                            .with_partition_index(*index)
                            .with_committed_offset(7)
                    };
                    OffsetFetchResponseTopics::default()
                        .with_name(topic.name.clone())
                        .with_partitions(topic.partition_indexes.iter().map(partition).collect())
                };
            let topics = group.topics.iter().flatten().map(topic).collect();
            let group =
                OffsetFetchResponseGroup::default().with_group_id(group.group_id.clone()).with_topics(topics);
            reply(header, &OffsetFetchResponse::default().with_groups(vec![group]))
        }
        _ => Reply::Silence,
    }
}

struct Member {
    consumer: Consumer,
    harness: Harness,
    script: Shared,
}

fn numbers(partitions: &[TopicPartition]) -> Vec<i32> {
    partitions.iter().map(|of| of.partition).collect()
}

impl Member {
    fn new(assignors: &[Assignor]) -> Member {
        let script = Shared::default();
        let shared = script.clone();
        let harness = Harness::new(move |header, body| coordinator(header, body, &mut shared.borrow_mut()));
        let config = ConsumerConfig {
            group_id: Some("group".to_owned()),
            enable_auto_commit: false,
            assignors: assignors.to_vec(),
            ..ConsumerConfig::new(ClientConfig::new(bootstrap(), "test"))
        };
        let mut consumer = Consumer::new(config);
        consumer.subscribe([Arc::from("orders")]);
        Member { consumer, harness, script }
    }

    /// Goes on for four seconds, in which there is a heartbeat; gives what the coordinator and the program heard.
    fn run(&mut self) -> Vec<String> {
        let until = ms(self.harness.now.as_micros() / 1_000 + 4_000);
        let mut inputs = 0;
        while let Some(input) = self.harness.next(self.consumer.next_timeout(self.harness.now), until) {
            inputs += 1;
            assert!(inputs < 1_000, "no end: {:?}", &self.harness.seen[self.harness.seen.len() - 10..]);
            self.harness.with(|cx| self.consumer.handle(cx, &input));
            loop {
                self.harness.with(|cx| self.consumer.poll(cx));
                let events = self.consumer.take_events();
                if events.is_empty() {
                    break;
                }
                events.into_iter().for_each(|event| self.hear(event));
            }
            assert_eq!(self.consumer.take_errors(), []);
        }
        self.harness.now = until;
        std::mem::take(&mut self.script.borrow_mut().log)
    }

    fn hear(&mut self, event: ConsumerEvent) {
        let said = match event {
            ConsumerEvent::PartitionsAssigned(of) => format!("assigned {:?}", numbers(&of)),
            ConsumerEvent::PartitionsRevoked(of) => format!("revoked {:?}", numbers(&of)),
            ConsumerEvent::PartitionsLost(of) => format!("lost {:?}", numbers(&of)),
            other => format!("{other:?}"),
        };
        self.script.borrow_mut().log.push(said);
    }

    fn assign_next(&self, assignments: &[&[i32]]) {
        self.script.borrow_mut().assignments = assignments.iter().map(|one| one.to_vec()).collect();
    }

    fn heartbeat(&self, code: ErrorCode) {
        self.script.borrow_mut().heartbeat = Some(code);
    }

    fn owned(&self) -> Vec<i32> {
        self.consumer.assignment().map(|of| of.partition).collect()
    }
}

/// A member that has partitions 0 to 2.
fn settled(assignors: &[Assignor]) -> Member {
    let mut member = Member::new(assignors);
    member.assign_next(&[&[0, 1, 2]]);
    assert_eq!(member.run(), [r#"join as '', owns [] since -1: """#, "assigned [0, 1, 2]"]);
    member
}

const COOPERATIVE: &[Assignor] = &[Assignor::CooperativeSticky];

#[test]
fn a_cooperative_member_keeps_its_partitions_and_joins_again_once_it_gave_some_away() {
    let mut member = settled(COOPERATIVE);
    let kept = TopicPartition::new("orders", 1);
    member.consumer.seek(&kept, 42);
    member.consumer.pause(&kept);
    member.assign_next(&[&[0, 1], &[0, 1, 3]]);
    member.heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
    assert_eq!(
        member.run(),
        [
            r#"join as 'me', owns [0, 1, 2] since 1: "group is already rebalancing""#,
            "revoked [2]",
            "assigned []",
            r#"join as 'me', owns [0, 1] since 2: "need to revoke partitions and re-join""#,
            "assigned [3]",
        ]
    );
    assert_eq!(member.owned(), [0, 1, 3]);
    assert_eq!(member.consumer.position(&kept), Some(42));
    assert!(member.consumer.paused().any(|of| *of == kept));
    assert!(member.consumer.is_stable());
    assert_eq!(member.run(), [""; 0]);
}

#[test]
fn a_cooperative_member_has_its_partitions_while_the_group_rebalances() {
    let mut member = settled(COOPERATIVE);
    member.script.borrow_mut().joins_wait = true;
    member.heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
    assert_eq!(member.run(), [r#"join as 'me', owns [0, 1, 2] since 1: "group is already rebalancing""#]);
    assert_eq!(member.owned(), [0, 1, 2]);
    // A member that leaves meanwhile cannot know whether they are still its own.
    let Member { consumer, harness, .. } = &mut member;
    harness.with(|cx| consumer.unsubscribe(cx));
    let events = member.consumer.take_events();
    assert!(matches!(&events[..], [ConsumerEvent::PartitionsLost(of)] if numbers(of) == [0, 1, 2]));
}

#[test]
fn a_member_that_the_group_forgot_has_lost_its_partitions() {
    for (code, member_id) in [(ErrorCode::UNKNOWN_MEMBER_ID, ""), (ErrorCode::ILLEGAL_GENERATION, "me")] {
        for assignors in [COOPERATIVE, &[Assignor::Sticky]] {
            let mut member = settled(assignors);
            member.assign_next(&[&[3]]);
            member.heartbeat(code);
            let reason = format!("encountered {} from HEARTBEAT response", code.name());
            assert_eq!(
                member.run(),
                [
                    "lost [0, 1, 2]".to_owned(),
                    format!("join as '{member_id}', owns [] since -1: {reason:?}"),
                    "assigned [3]".to_owned(),
                ]
            );
        }
    }
}

#[test]
fn a_program_that_was_forgotten_commits_what_it_read_as_who_it_was() {
    let mut member = settled(COOPERATIVE);
    member.heartbeat(ErrorCode::UNKNOWN_MEMBER_ID);
    // It is busy, and does not poll.
    let Member { consumer, harness, .. } = &mut member;
    let until = ms(harness.now.as_micros() / 1_000 + 4_000);
    while let Some(input) = harness.next(consumer.next_timeout(harness.now), until) {
        harness.with(|cx| consumer.handle(cx, &input));
    }
    assert_eq!(consumer.member(), ("", -1));
    let group = consumer.group_metadata().unwrap();
    assert_eq!((group.member_id.as_str(), group.generation_id), ("me", 1));
}

#[test]
fn a_cooperative_member_that_is_forgotten_while_it_joins_has_lost_its_partitions() {
    let mut member = settled(COOPERATIVE);
    member.assign_next(&[&[3]]);
    member.heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
    member.script.borrow_mut().join_error = Some(ErrorCode::UNKNOWN_MEMBER_ID);
    assert_eq!(
        member.run(),
        [
            r#"join as 'me', owns [0, 1, 2] since 1: "group is already rebalancing""#,
            "lost [0, 1, 2]",
            r#"join as '', owns [] since -1: "rebalance failed due to UnknownMemberIdException""#,
            "assigned [3]",
        ]
    );
}

#[test]
fn a_cooperative_member_revokes_what_it_no_longer_subscribes_to() {
    let mut member = settled(COOPERATIVE);
    member.consumer.subscribe([Arc::from("payments")]);
    assert_eq!(
        member.run(),
        [
            "revoked [0, 1, 2]",
            r#"join as 'me', owns [] since 1: "subscription has changed since the last join""#,
            "assigned []",
        ]
    );
}

#[test]
fn one_eager_assignor_makes_the_member_eager() {
    for assignors in [
        &[Assignor::Range, Assignor::CooperativeSticky][..],
        &[Assignor::CooperativeSticky, Assignor::Sticky],
        &[Assignor::Sticky],
    ] {
        let mut member = settled(assignors);
        member.assign_next(&[&[1]]);
        member.heartbeat(ErrorCode::REBALANCE_IN_PROGRESS);
        assert_eq!(
            member.run(),
            [
                "revoked [0, 1, 2]",
                r#"join as 'me', owns [] since 1: "group is already rebalancing""#,
                "assigned [1]",
            ]
        );
    }
}
