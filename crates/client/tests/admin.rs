//! Calls that are put together from several answers, and those that are asked again.

mod common;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use blumfeld_client::admin::{AdminClient, AdminRequest, AdminResponse, FinishedCall, NewTopic, OffsetSpec};
use blumfeld_client::{ApiError, ClientConfig, TopicPartition};
use blumfeld_protocol::frame::{Header, decode_body};
use blumfeld_protocol::messages::create_topics_response::CreatableTopicResult;
use blumfeld_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use blumfeld_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use blumfeld_protocol::messages::{
    CreateTopicsResponse, DeleteRecordsRequest, DeleteRecordsResponse, ListOffsetsRequest,
    ListOffsetsResponse,
};
use blumfeld_protocol::{ApiKey, ErrorCode};
use bytes::Bytes;
use common::*;

fn ask(harness: &mut Harness, request: AdminRequest) -> Result<AdminResponse, ApiError> {
    let mut admin = AdminClient::new(ClientConfig::new(bootstrap(), "test"));
    harness.with(|cx| admin.submit(cx, request));
    while let Some(input) = harness.next(admin.next_timeout(harness.now), ms(200_000)) {
        let answers = harness.with(|cx| admin.handle(cx, &input));
        if let Some(FinishedCall { result, .. }) = answers.into_iter().next() {
            return result;
        }
    }
    panic!("no answer; {:?}", harness.seen)
}

/// A broker that answers handshake and metadata itself.
fn broker(mut rest: impl FnMut(&Header, Bytes) -> Reply + 'static) -> Harness {
    Harness::new(move |header, body| match header.api_key {
        ApiKey::ApiVersions => reply(header, &all_versions()),
        ApiKey::Metadata => reply(header, &metadata(3)),
        _ => rest(header, body),
    })
}

fn partitions<T: Copy>(value: T) -> BTreeMap<TopicPartition, T> {
    (0..3).map(|partition| (TopicPartition::new("orders", partition), value)).collect()
}

#[test]
fn only_partitions_that_failed_are_asked_again() {
    let asked = Rc::new(RefCell::new(Vec::new()));
    let log = asked.clone();
    let mut harness = broker(move |header, body| {
        let request: ListOffsetsRequest = decode_body(header, body).unwrap();
        let indexes: Vec<i32> = request.topics[0].partitions.iter().map(|of| of.partition_index).collect();
        let first = log.borrow().is_empty();
        log.borrow_mut().push(indexes.clone());
        let answer = |index: &i32| {
            let failed =
                if first && *index == 1 { ErrorCode::NOT_LEADER_OR_FOLLOWER } else { ErrorCode::NONE };
            ListOffsetsPartitionResponse::default()
                .with_partition_index(*index)
                .with_error_code(failed.0)
                .with_offset(i64::from(*index) * 10)
        };
        let topic = ListOffsetsTopicResponse::default()
            .with_name(request.topics[0].name.clone())
            .with_partitions(indexes.iter().map(answer).collect());
        reply(header, &ListOffsetsResponse::default().with_topics(vec![topic]))
    });
    let response = ask(&mut harness, AdminRequest::ListOffsets(partitions(OffsetSpec::LATEST)));
    let Ok(AdminResponse::Offsets(offsets)) = response else { panic!("{response:?}") };
    let found: Vec<i64> = offsets.into_values().map(|found| found.unwrap().offset).collect();
    assert_eq!(found, [0, 10, 20]);
    assert_eq!(*asked.borrow(), [vec![0, 1, 2], vec![1]]);
}

#[test]
fn errors_of_single_partitions_stand_in_the_answer() {
    let mut harness = broker(|header, body| {
        let request: DeleteRecordsRequest = decode_body(header, body).unwrap();
        let answer = |index: i32| {
            let failed = if index == 2 { ErrorCode::OFFSET_OUT_OF_RANGE } else { ErrorCode::NONE };
            DeleteRecordsPartitionResult::default()
                .with_partition_index(index)
                .with_error_code(failed.0)
                .with_low_watermark(7)
        };
        let topic = DeleteRecordsTopicResult::default()
            .with_name(request.topics[0].name.clone())
            .with_partitions((0..3).map(answer).collect());
        reply(header, &DeleteRecordsResponse::default().with_topics(vec![topic]))
    });
    let response = ask(&mut harness, AdminRequest::DeleteRecords(partitions(7)));
    let Ok(AdminResponse::Deleted(results)) = response else { panic!("{response:?}") };
    let results: Vec<Result<i64, String>> =
        results.into_values().map(|result| result.map_err(|error| error.to_string())).collect();
    let text = "The requested offset is not within the range of offsets maintained by the server.";
    assert_eq!(results, [Ok(7), Ok(7), Err(text.to_owned())]);
}

#[test]
fn a_broker_without_a_controller_is_asked_again_and_a_refusal_is_told() {
    for (name, then, want) in [
        ("orders", ErrorCode::NONE, None),
        ("orders", ErrorCode::TOPIC_ALREADY_EXISTS, Some("Topic with this name already exists.")),
        ("", ErrorCode::NONE, Some("The given topic name '' cannot be represented in a request.")),
    ] {
        let tries = Rc::new(Cell::new(0));
        let count = tries.clone();
        let mut harness = broker(move |header, _| {
            count.set(count.get() + 1);
            let code = if count.get() == 1 { ErrorCode::NOT_CONTROLLER } else { then };
            let topic = CreatableTopicResult::default()
                .with_name(blumfeld_protocol::messages::TopicName(name.to_owned().into()))
                .with_error_code(code.0)
                .with_error_message(None);
            reply(header, &CreateTopicsResponse::default().with_topics(vec![topic]))
        });
        let topics = vec![NewTopic { name: name.to_owned(), ..NewTopic::default() }];
        let response = ask(&mut harness, AdminRequest::CreateTopics { topics, validate_only: false });
        let Ok(AdminResponse::CreateTopics(results)) = response else { panic!("{response:?}") };
        let error = results.into_values().next().unwrap().err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), want);
        assert_eq!(tries.get(), if name.is_empty() { 0 } else { 2 });
    }
}

#[test]
fn a_description_is_put_together_from_its_pages() {
    use blumfeld_protocol::messages::describe_topic_partitions_response::{
        Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
    };
    use blumfeld_protocol::messages::{
        BrokerId, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName,
    };
    let name = |text: &str| TopicName(text.to_owned().into());
    // Where each page begins, the partitions that it has, and where it says that the next begins.
    type Page = (&'static str, std::ops::Range<i32>, Option<(&'static str, i32)>);
    let whole: &[Page] = &[("a", 0..2, Some(("a", 2))), ("a", 2..3, Some(("b", 0))), ("b", 0..2, None)];
    let standing: &[Page] = &[("a", 0..2, Some(("a", 2))), ("a", 2..2, Some(("a", 2)))];
    for (pages, want) in
        [(whole, Ok((3, 2))), (standing, Err("The cursor of the description does not move on"))]
    {
        let asked = Rc::new(Cell::new(0));
        let count = asked.clone();
        let mut harness = broker(move |header, body| {
            let request: DescribeTopicPartitionsRequest = decode_body(header, body).unwrap();
            let page = &pages[count.get()];
            count.set(count.get() + 1);
            let cursor = request.cursor.map(|cursor| (cursor.topic_name.to_string(), cursor.partition_index));
            let before = count.get().checked_sub(2).and_then(|before| pages[before].2);
            assert_eq!(cursor, before.map(|(topic, partition)| (topic.to_owned(), partition)));
            assert_eq!(request.topics.iter().any(|topic| topic.name == name("a")), page.0 == "a");
            let partition = |index| {
                DescribeTopicPartitionsResponsePartition::default()
                    .with_partition_index(index)
                    .with_eligible_leader_replicas(Some(vec![BrokerId(index)]))
            };
            let topic = DescribeTopicPartitionsResponseTopic::default()
                .with_name(Some(name(page.0)))
                .with_partitions(page.1.clone().map(partition).collect());
            let next = page.2.map(|(topic, partition)| {
                Cursor::default().with_topic_name(name(topic)).with_partition_index(partition)
            });
            let response = DescribeTopicPartitionsResponse::default();
            reply(header, &response.with_topics(vec![topic]).with_next_cursor(next))
        });
        let topics = vec!["a".to_owned(), "b".to_owned()];
        let got = ask(&mut harness, AdminRequest::DescribeTopicPartitions(topics)).map(|response| {
            let AdminResponse::Descriptions(topics) = response else { panic!("{response:?}") };
            let count = |topic: &str| {
                let partitions = &topics[topic].as_ref().unwrap().partitions;
                for (index, partition) in partitions {
                    assert_eq!((partition.partition, &partition.elr), (*index, &Some(vec![*index])));
                }
                partitions.len()
            };
            (count("a"), count("b"))
        });
        assert_eq!(got.map_err(|error| error.to_string()), want.map_err(str::to_owned));
        assert_eq!(asked.get(), pages.len());
    }
}

#[test]
fn a_group_is_asked_of_its_coordinator_wherever_it_has_gone() {
    use blumfeld_protocol::messages::delete_groups_response::DeletableGroupResult;
    use blumfeld_protocol::messages::find_coordinator_response::Coordinator;
    use blumfeld_protocol::messages::{
        BrokerId, DeleteGroupsRequest, DeleteGroupsResponse, FindCoordinatorRequest, FindCoordinatorResponse,
    };
    // What the coordinator answers first, and the requests that are then seen.
    for (first, want) in [
        (ErrorCode::NONE, vec!["find a,b", "delete a,b"]),
        (ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, vec!["find a,b", "delete a,b", "delete b"]),
        (ErrorCode::NOT_COORDINATOR, vec!["find a,b", "delete a,b", "find b", "delete b"]),
    ] {
        let asked = Rc::new(RefCell::new(Vec::new()));
        let log = asked.clone();
        let mut harness = broker(move |header, body| match header.api_key {
            ApiKey::FindCoordinator => {
                let request: FindCoordinatorRequest = decode_body(header, body).unwrap();
                let keys: Vec<String> = request.coordinator_keys.iter().map(ToString::to_string).collect();
                log.borrow_mut().push(format!("find {}", keys.join(",")));
                let one = |key: &String| {
                    Coordinator::default()
                        .with_key(key.clone().into())
                        .with_node_id(BrokerId(1))
                        .with_host("broker".to_owned().into())
                        .with_port(9092)
                };
                let coordinators = keys.iter().map(one).collect();
                reply(header, &FindCoordinatorResponse::default().with_coordinators(coordinators))
            }
            _ => {
                let request: DeleteGroupsRequest = decode_body(header, body).unwrap();
                let names: Vec<&str> = request.groups_names.iter().map(|name| name.as_str()).collect();
                log.borrow_mut().push(format!("delete {}", names.join(",")));
                let one = |name: &&str| {
                    let code = if *name == "b" && names.len() == 2 { first } else { ErrorCode::NONE };
                    DeletableGroupResult::default()
                        .with_group_id(blumfeld_protocol::messages::GroupId((*name).to_owned().into()))
                        .with_error_code(code.0)
                };
                let results = names.iter().map(one).collect();
                reply(header, &DeleteGroupsResponse::default().with_results(results))
            }
        });
        let groups = vec!["a".to_owned(), "b".to_owned()];
        let response = ask(&mut harness, AdminRequest::DeleteGroups(groups));
        let Ok(AdminResponse::GroupsDeleted(results)) = response else { panic!("{response:?}") };
        assert!(results.len() == 2 && results.values().all(Result::is_ok), "{results:?}");
        assert_eq!(*asked.borrow(), want);
    }
}

#[test]
fn groups_are_listed_by_every_broker_and_only_those_of_consumers_are_told() {
    use blumfeld_protocol::messages::list_groups_response::ListedGroup;
    use blumfeld_protocol::messages::{GroupId, ListGroupsResponse};
    let tries = Rc::new(Cell::new(0));
    let count = tries.clone();
    let mut harness = broker(move |header, _| {
        count.set(count.get() + 1);
        if count.get() == 1 {
            let code = ErrorCode::COORDINATOR_LOAD_IN_PROGRESS.0;
            return reply(header, &ListGroupsResponse::default().with_error_code(code));
        }
        let groups = [("a", "consumer"), ("b", "connect"), ("c", "")].map(|(id, kind)| {
            ListedGroup::default()
                .with_group_id(GroupId(id.to_owned().into()))
                .with_protocol_type(kind.to_owned().into())
        });
        reply(header, &ListGroupsResponse::default().with_groups(groups.to_vec()))
    });
    let response = ask(&mut harness, AdminRequest::ListGroups { states: Vec::new(), types: Vec::new() });
    let Ok(AdminResponse::Groups(groups)) = response else { panic!("{response:?}") };
    assert_eq!(groups.iter().map(|group| group.id.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(tries.get(), 2);
}
