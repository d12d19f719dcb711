//! The APIs of groups and their offsets, every version that is advertised.

use super::*;

fn text(text: &str) -> blumfeld_protocol::wire::StrBytes {
    text.to_owned().into()
}

/// A broker whose group coordinators are ready, with a topic `orders` of two partitions.
fn world_of_groups() -> World {
    let mut world = world();
    create(&mut world, "orders", 2);
    let request = FindCoordinatorRequest::default().with_key(text("g"));
    let _: FindCoordinatorResponse = ask(&mut world, ApiKey::FindCoordinator, 0, &request);
    world.run_for(Duration::from_secs(1));
    world
}

fn join(world: &mut World, group: &str, version: i16, member_id: &str) -> JoinGroupResponse {
    let protocol = join_group_request::JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(Bytes::from_static(b"\0\0\0\0\0\x01\0\x06orders\xff\xff\xff\xff"));
    let request = JoinGroupRequest::default()
        .with_group_id(GroupId(text(group)))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(if version >= 1 { 60_000 } else { -1 })
        .with_member_id(text(member_id))
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    ask(world, ApiKey::JoinGroup, version, &request)
}

#[test]
fn coordinators_are_found_in_every_version() {
    let mut world = world();
    let group = blumfeld_broker::GROUP_METADATA_TOPIC;
    for (round, want) in [ErrorCode::COORDINATOR_NOT_AVAILABLE, ErrorCode::NONE].into_iter().enumerate() {
        for version in versions(ApiKey::FindCoordinator).filter(|version| round > 0 || *version == 4) {
            let mut request = FindCoordinatorRequest::default();
            if version >= 4 {
                request.coordinator_keys = vec![text("g"), text("h")];
            } else {
                request.key = text("g");
            }
            let response: FindCoordinatorResponse =
                ask(&mut world, ApiKey::FindCoordinator, version, &request);
            let (code, port) = match response.coordinators.as_slice() {
                [] => (response.error_code, response.port),
                [one, two] => {
                    assert_eq!((one.key.as_str(), two.key.as_str()), ("g", "h"));
                    (one.error_code, one.port)
                }
                _ => panic!("v{version}"),
            };
            assert_eq!((ErrorCode(code), port), (want, if want.is_none() { 9092 } else { -1 }), "v{version}");
        }
        world.run_for(Duration::from_secs(1));
    }
    let broker = world.broker(NodeId(1)).unwrap();
    assert_eq!(broker.image().topic(group).unwrap().partitions.len(), 50);
    let config = broker.replicas().get(group, 0).unwrap().log().config();
    assert_eq!(
        (config.cleanup.compact, config.cleanup.delete, config.segment_bytes),
        (true, false, 104_857_600)
    );
    for version in versions(ApiKey::Metadata).filter(|version| *version >= 1) {
        let request = MetadataRequest::default().with_topics(None);
        let response: MetadataResponse = ask(&mut world, ApiKey::Metadata, version, &request);
        assert!(response.topics.iter().all(|topic| topic.is_internal), "v{version}");
    }
    // Whoever asks first for a coordinator of transactions has their topic created; of share groups it is not asked.
    for (kind, want) in [
        (1, ErrorCode::COORDINATOR_NOT_AVAILABLE),
        (1, ErrorCode::NONE),
        (2, ErrorCode::INVALID_REQUEST),
    ] {
        let request = FindCoordinatorRequest::default().with_key_type(kind).with_key(text("g"));
        let response: FindCoordinatorResponse = ask(&mut world, ApiKey::FindCoordinator, 3, &request);
        assert_eq!(ErrorCode(response.error_code), want);
    }
}

#[test]
fn groups_form_and_dissolve_in_every_version() {
    let mut world = world_of_groups();
    for version in versions(ApiKey::JoinGroup) {
        let group = format!("g{version}");
        let mut joined = join(&mut world, &group, version, "");
        if version >= 4 {
            assert_eq!(ErrorCode(joined.error_code), ErrorCode::MEMBER_ID_REQUIRED, "v{version}");
            joined = join(&mut world, &group, version, &joined.member_id.clone());
        }
        assert_eq!((joined.error_code, joined.generation_id), (0, 1), "v{version}");
        assert_eq!((joined.members.len(), joined.leader == joined.member_id), (1, true), "v{version}");
        assert_eq!(joined.protocol_name.as_deref(), Some("range"));
        assert_eq!(joined.protocol_type.is_some(), version >= 7);
        let member_id = joined.member_id.clone();

        // The other APIs, each in its version next to this one.
        let next = |key: ApiKey| version.clamp(*versions(key).start(), *versions(key).end());
        let sync = next(ApiKey::SyncGroup);
        let assignment = sync_group_request::SyncGroupRequestAssignment::default()
            .with_member_id(member_id.clone())
            .with_assignment(Bytes::from_static(b"all"));
        let mut request = SyncGroupRequest::default()
            .with_group_id(GroupId(text(&group)))
            .with_generation_id(1)
            .with_member_id(member_id.clone())
            .with_assignments(vec![assignment]);
        if sync >= 5 {
            let response: SyncGroupResponse = ask(&mut world, ApiKey::SyncGroup, sync, &request);
            assert_eq!(ErrorCode(response.error_code), ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
            request.protocol_type = Some(text("consumer"));
            request.protocol_name = Some(text("range"));
        }
        let response: SyncGroupResponse = ask(&mut world, ApiKey::SyncGroup, sync, &request);
        assert_eq!((response.error_code, &response.assignment[..]), (0, b"all".as_slice()), "v{sync}");

        let heartbeat = next(ApiKey::Heartbeat);
        for (generation, want) in [(1, ErrorCode::NONE), (2, ErrorCode::ILLEGAL_GENERATION)] {
            let request = HeartbeatRequest::default()
                .with_group_id(GroupId(text(&group)))
                .with_generation_id(generation)
                .with_member_id(member_id.clone());
            let response: HeartbeatResponse = ask(&mut world, ApiKey::Heartbeat, heartbeat, &request);
            assert_eq!(ErrorCode(response.error_code), want, "v{heartbeat}");
        }

        let describe = next(ApiKey::DescribeGroups);
        let request = DescribeGroupsRequest::default().with_groups(vec![GroupId(text(&group))]);
        let response: DescribeGroupsResponse = ask(&mut world, ApiKey::DescribeGroups, describe, &request);
        let described = &response.groups[0];
        assert_eq!((described.error_code, described.group_state.as_str()), (0, "Stable"), "v{describe}");
        assert_eq!(described.protocol_data.as_str(), "range");
        let member = &described.members[0];
        assert_eq!((member.client_id.as_str(), member.client_host.as_str()), ("test", "/127.0.0.1"));
        assert_eq!((&member.member_assignment[..], member.member_metadata.len()), (b"all".as_slice(), 18));

        let leave = next(ApiKey::LeaveGroup);
        for want in [ErrorCode::NONE, ErrorCode::UNKNOWN_MEMBER_ID] {
            let request = LeaveGroupRequest::default().with_group_id(GroupId(text(&group)));
            let member = leave_group_request::MemberIdentity::default().with_member_id(member_id.clone());
            let request = if leave >= 3 {
                request.with_members(vec![member])
            } else {
                request.with_member_id(member_id.clone())
            };
            let response: LeaveGroupResponse = ask(&mut world, ApiKey::LeaveGroup, leave, &request);
            let code = response.members.first().map_or(response.error_code, |member| member.error_code);
            assert_eq!(ErrorCode(code), want, "v{leave}");
        }
    }
    let all = versions(ApiKey::JoinGroup).count();
    for version in versions(ApiKey::ListGroups) {
        let mut request = ListGroupsRequest::default();
        let response: ListGroupsResponse = ask(&mut world, ApiKey::ListGroups, version, &request);
        assert_eq!((response.error_code, response.groups.len()), (0, all), "v{version}");
        assert_eq!(response.groups[0].group_state.as_str(), if version >= 4 { "Empty" } else { "" });
        assert_eq!(response.groups[0].group_type.as_str(), if version >= 5 { "classic" } else { "" });
        if version >= 4 {
            request.states_filter = vec![text("stable"), text("Dead")];
            let response: ListGroupsResponse = ask(&mut world, ApiKey::ListGroups, version, &request);
            assert_eq!(response.groups.len(), 0, "v{version}");
        }
        if version >= 5 {
            for (kind, want) in [("Classic", all), ("consumer", 0)] {
                let request = ListGroupsRequest::default().with_types_filter(vec![text(kind)]);
                let response: ListGroupsResponse = ask(&mut world, ApiKey::ListGroups, version, &request);
                assert_eq!(response.groups.len(), want, "{kind}");
            }
        }
    }
    for version in versions(ApiKey::DeleteGroups) {
        let groups = [format!("g{version}"), "nosuch".to_owned()];
        let request = DeleteGroupsRequest::default()
            .with_groups_names(groups.iter().map(|id| GroupId(text(id))).collect());
        let response: DeleteGroupsResponse = ask(&mut world, ApiKey::DeleteGroups, version, &request);
        let codes: Vec<_> = response.results.iter().map(|one| ErrorCode(one.error_code)).collect();
        assert_eq!(codes, [ErrorCode::NONE, ErrorCode::GROUP_ID_NOT_FOUND], "v{version}");
    }
    for version in versions(ApiKey::DescribeGroups) {
        let request = DescribeGroupsRequest::default().with_groups(vec![GroupId(text("g0"))]);
        let response: DescribeGroupsResponse = ask(&mut world, ApiKey::DescribeGroups, version, &request);
        let want = if version >= 6 { ErrorCode::GROUP_ID_NOT_FOUND } else { ErrorCode::NONE };
        let group = &response.groups[0];
        assert_eq!((ErrorCode(group.error_code), group.group_state.as_str()), (want, "Dead"), "v{version}");
    }
}

#[test]
fn offsets_are_committed_fetched_and_deleted_in_every_version() {
    let mut world = world_of_groups();
    for version in versions(ApiKey::OffsetCommit) {
        use offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
        let partition = |number: i32, metadata: &str| {
            let partition = OffsetCommitRequestPartition::default()
                .with_partition_index(number)
                .with_committed_offset(i64::from(version))
                .with_committed_metadata(Some(text(metadata)));
            if version >= 6 { partition.with_committed_leader_epoch(3) } else { partition }
        };
        let long = "m".repeat(4_097);
        let topic = OffsetCommitRequestTopic::default().with_name(name("orders")).with_partitions(vec![
            partition(0, "meta"),
            partition(1, &long),
            partition(2, ""),
        ]);
        let nosuch = OffsetCommitRequestTopic::default()
            .with_name(name("nosuch"))
            .with_partitions(vec![partition(0, "")]);
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId(text("g")))
            .with_generation_id_or_member_epoch(-1)
            .with_retention_time_ms(-1)
            .with_topics(vec![topic, nosuch]);
        let response: OffsetCommitResponse = ask(&mut world, ApiKey::OffsetCommit, version, &request);
        let codes: Vec<_> = (response.topics.iter())
            .flat_map(|topic| {
                let of = |partition: &offset_commit_response::OffsetCommitResponsePartition| {
                    (topic.name.to_string(), partition.partition_index, ErrorCode(partition.error_code))
                };
                topic.partitions.iter().map(of).collect::<Vec<_>>()
            })
            .collect();
        let want = [
            ("orders", 2, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
            ("orders", 0, ErrorCode::NONE),
            ("orders", 1, ErrorCode::OFFSET_METADATA_TOO_LARGE),
            ("nosuch", 0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        ];
        assert_eq!(codes, want.map(|(topic, number, code)| (topic.to_owned(), number, code)), "v{version}");

        // A member that nobody knows.
        let request = request.with_member_id(text("me")).with_generation_id_or_member_epoch(1);
        let response: OffsetCommitResponse = ask(&mut world, ApiKey::OffsetCommit, version, &request);
        assert_eq!(ErrorCode(response.topics[0].partitions[1].error_code), ErrorCode::UNKNOWN_MEMBER_ID);
        let other = request.with_group_id(GroupId(text("other")));
        let response: OffsetCommitResponse = ask(&mut world, ApiKey::OffsetCommit, version, &other);
        let want = if version >= 9 { ErrorCode::GROUP_ID_NOT_FOUND } else { ErrorCode::ILLEGAL_GENERATION };
        assert_eq!(ErrorCode(response.topics[0].partitions[1].error_code), want);
    }
    for version in versions(ApiKey::OffsetFetch) {
        use offset_fetch_request::{
            OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
        };
        for all in [false, true].into_iter().filter(|all| version >= 2 || !all) {
            let mut request = OffsetFetchRequest::default();
            request.require_stable = version >= 7 && all;
            if version >= 8 {
                let topics = OffsetFetchRequestTopics::default()
                    .with_name(name("orders"))
                    .with_partition_indexes(vec![0, 1]);
                let group = |id: &str| {
                    let group = OffsetFetchRequestGroup::default()
                        .with_group_id(GroupId(text(id)))
                        .with_topics((!all).then(|| vec![topics.clone()]));
                    if version >= 9 { group.with_member_epoch(-1) } else { group }
                };
                request.groups = vec![group("g"), group("other")];
            } else {
                let topics = OffsetFetchRequestTopic::default()
                    .with_name(name("orders"))
                    .with_partition_indexes(vec![0, 1]);
                request.group_id = GroupId(text("g"));
                request.topics = (!all).then(|| vec![topics]);
            }
            let response: OffsetFetchResponse = ask(&mut world, ApiKey::OffsetFetch, version, &request);
            let found: Vec<(i32, i64, i32, i16)> = if version >= 8 {
                assert_eq!((response.groups.len(), response.groups[0].error_code), (2, 0));
                let partitions = response.groups[0].topics[0].partitions.iter();
                partitions
                    .map(|p| (p.partition_index, p.committed_offset, p.committed_leader_epoch, p.error_code))
                    .collect()
            } else {
                assert_eq!(response.error_code, 0);
                let partitions = response.topics[0].partitions.iter();
                partitions
                    .map(|p| (p.partition_index, p.committed_offset, p.committed_leader_epoch, p.error_code))
                    .collect()
            };
            let epoch = if version >= 5 { 3 } else { -1 };
            let want = [(0, 9, epoch, 0), (1, -1, -1, 0)];
            assert_eq!(found, want[..if all { 1 } else { 2 }], "v{version} all {all}");
        }
    }
    let partition = offset_delete_request::OffsetDeleteRequestPartition::default();
    let topic = offset_delete_request::OffsetDeleteRequestTopic::default()
        .with_name(name("orders"))
        .with_partitions(vec![partition.clone(), partition.with_partition_index(7)]);
    let request = OffsetDeleteRequest::default().with_group_id(GroupId(text("g"))).with_topics(vec![topic]);
    let response: OffsetDeleteResponse = ask(&mut world, ApiKey::OffsetDelete, 0, &request);
    let codes: Vec<_> = (response.topics.iter())
        .flat_map(|topic| &topic.partitions)
        .map(|partition| (partition.partition_index, ErrorCode(partition.error_code)))
        .collect();
    assert_eq!(codes, [(7, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION), (0, ErrorCode::NONE)]);
    assert_eq!(world.broker(NodeId(1)).unwrap().groups().offsets("g").count(), 0);
}

#[test]
fn groups_answer_before_there_are_any() {
    let mut world = world();
    let joined = join(&mut world, "g", 5, "");
    assert_eq!(ErrorCode(joined.error_code), ErrorCode::NOT_COORDINATOR);
    for (session, group, want) in [
        (5_999, "g", ErrorCode::INVALID_SESSION_TIMEOUT),
        (1_800_001, "g", ErrorCode::INVALID_SESSION_TIMEOUT),
        (10_000, "", ErrorCode::INVALID_GROUP_ID),
    ] {
        let request = JoinGroupRequest::default()
            .with_group_id(GroupId(text(group)))
            .with_session_timeout_ms(session)
            .with_protocol_type(text("consumer"));
        let response: JoinGroupResponse = ask(&mut world, ApiKey::JoinGroup, 9, &request);
        assert_eq!(ErrorCode(response.error_code), want);
    }
    let response: ListGroupsResponse = ask(&mut world, ApiKey::ListGroups, 5, &ListGroupsRequest::default());
    assert_eq!((response.error_code, response.groups.len()), (0, 0));
    let topic = offset_fetch_request::OffsetFetchRequestTopic::default()
        .with_name(name("orders"))
        .with_partition_indexes(vec![0]);
    let request =
        OffsetFetchRequest::default().with_group_id(GroupId(text("g"))).with_topics(Some(vec![topic]));
    for version in 1..=2 {
        let response: OffsetFetchResponse = ask(&mut world, ApiKey::OffsetFetch, version, &request);
        let code = match version {
            1 => response.topics[0].partitions[0].error_code,
            _ => response.error_code,
        };
        assert_eq!(ErrorCode(code), ErrorCode::NOT_COORDINATOR, "v{version}");
    }
}
