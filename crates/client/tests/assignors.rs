//! Kafka's assignors give what Java's give: `vectors/assignors.txt`, which `vectors/AssignorVectors.java` recorded.

use std::collections::BTreeMap;
use std::sync::Arc;

use blumfeld_client::TopicPartition;
use blumfeld_client::consumer::{
    Assignment, AssignmentError, Assignor, MemberSubscription, PartitionAssignor, TopicRacks,
};
use bytes::Bytes;

const VECTORS: &str = include_str!("vectors/assignors.txt");

fn given(text: &str) -> Option<&str> {
    (text != "-").then_some(text)
}

/// `orders:0,1;payments:2`
fn partitions(text: &str) -> Vec<TopicPartition> {
    let of_topic = |topic: &str| {
        let (name, numbers) = topic.split_once(':').unwrap();
        let name = name.to_owned();
        let one = move |number: &str| TopicPartition::new(&name, number.parse().unwrap());
        numbers.split(',').map(one).collect::<Vec<_>>()
    };
    given(text).into_iter().flat_map(|text| text.split(';').flat_map(of_topic)).collect()
}

/// `x00ff`
fn data(text: &str) -> Option<Bytes> {
    let hex = given(text)?.strip_prefix('x').unwrap();
    let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
    Some((0..hex.len() / 2).map(byte).collect())
}

fn topic(words: &[&str]) -> (Arc<str>, TopicRacks) {
    let racks =
        |word: &&str| given(word).into_iter().flat_map(|racks| racks.split(',')).map(Arc::from).collect();
    let racks = match words[1].strip_prefix('*') {
        Some(count) => vec![std::collections::BTreeSet::new(); count.parse().unwrap()],
        None => words[1..].iter().map(racks).collect(),
    };
    (words[0].into(), (0..).zip(racks).collect())
}

fn member(words: &[&str]) -> (String, MemberSubscription) {
    let [id, instance, rack, generation, topics, owned, user_data] = words else { panic!("{words:?}") };
    let subscription = MemberSubscription {
        topics: given(topics).into_iter().flat_map(|topics| topics.split(',')).map(Arc::from).collect(),
        user_data: data(user_data),
        owned: partitions(owned),
        generation: Some(generation.parse().unwrap()).filter(|generation| *generation >= 0),
        rack: given(rack).map(str::to_owned),
        instance_id: given(instance).map(str::to_owned),
    };
    ((*id).to_owned(), subscription)
}

/// What Java throws where this is given.
fn exception(error: AssignmentError) -> &'static str {
    match error {
        AssignmentError::NoUnfilledConsumers | AssignmentError::TooFewPartitions => "IllegalStateException",
        AssignmentError::UnknownOwner => "NullPointerException",
    }
}

/// Replays the cases of an assignor; gives how many cases and rounds there were.
fn replay(assignor: Assignor) -> (usize, usize) {
    let (mut cases, mut rounds) = (0, 0);
    let mut state: Option<PartitionAssignor> = None;
    let mut topics = BTreeMap::new();
    let mut members = Vec::new();
    let mut result: Option<Result<Assignment, AssignmentError>> = None;
    for (number, line) in (1..).zip(VECTORS.lines()) {
        let words: Vec<&str> = line.split(' ').collect();
        if words[0] == "case" {
            state = (words[1] == assignor.name()).then(|| PartitionAssignor::new(assignor));
            cases += usize::from(state.is_some());
        }
        let Some(state) = &mut state else { continue };
        match words[0] {
            "topic" | "member" if result.is_some() => {
                result = None;
                topics.clear();
                members.clear();
            }
            "=" | "!" if result.is_none() => {
                rounds += 1;
                // Those that nobody wants are not given to an assignor.
                let wanted = |name: &Arc<str>| {
                    members.iter().any(|(_, member): &(_, MemberSubscription)| member.topics.contains(name))
                };
                topics.retain(|name, _| wanted(name));
                result = Some(state.assign(&topics, &members));
            }
            _ => {}
        }
        match (words[0], &result) {
            ("topic", _) => topics.extend([topic(&words[1..])]),
            ("member", _) => members.push(member(&words[1..])),
            ("=", Some(result)) => {
                let got = result.as_ref().unwrap_or_else(|error| panic!("line {number}: {error}"));
                assert_eq!(got[words[1]], partitions(words[2]), "line {number}: {}", words[1]);
            }
            ("!", Some(result)) => {
                let error = result.as_ref().map_err(|error| exception(*error));
                assert_eq!(error.err(), Some(words[1]), "line {number}");
            }
            ("data", _) => {
                let mut memory = PartitionAssignor::new(assignor);
                memory.on_assignment(partitions(words[2]), words[1].parse().unwrap());
                assert_eq!(memory.user_data(), data(words[3]), "line {number}");
            }
            _ => {}
        }
        if words[0] == "case" {
            result = None;
            topics.clear();
            members.clear();
        }
    }
    (cases, rounds)
}

#[test]
fn range_assigns_as_javas() {
    let (cases, rounds) = replay(Assignor::Range);
    assert!(cases >= 200 && rounds > cases, "{cases} cases, {rounds} rounds");
}

#[test]
fn roundrobin_assigns_as_javas() {
    let (cases, rounds) = replay(Assignor::RoundRobin);
    assert!(cases >= 200 && rounds > cases, "{cases} cases, {rounds} rounds");
}

#[test]
fn sticky_assigns_as_javas() {
    let (cases, rounds) = replay(Assignor::Sticky);
    assert!(cases >= 200 && rounds > 2 * cases, "{cases} cases, {rounds} rounds");
}

#[test]
fn cooperative_sticky_assigns_as_javas() {
    let (cases, rounds) = replay(Assignor::CooperativeSticky);
    assert!(cases >= 200 && rounds > 2 * cases, "{cases} cases, {rounds} rounds");
}

/// A partition was added, a member came and one left: Java's leader moves partitions round in a circle for ever
/// (AbstractStickyAssignor.performReassignments).
const CIRCLE: &str = "\
topic audit_log *7
topic b *16
topic stock *10
topic zz *19
member 81c4b93c i26312 - 5 b b:0,1,2,4,8,12 -
member c752 i24741 - -1 b,audit_log - -
member w-vR - - 5 audit_log audit_log:1,3,6 -
member w-rB - - 5 stock,b stock:2,5;b:3,7,11,15 -
member 8bc4048b - - 5 stock,b,audit_log stock:0,3,6;b:5,9,13 -
member w-tQ i54128 - 5 audit_log audit_log:0,2,5,4 -
member m2c603 i70626 - 5 stock,b,audit_log stock:1,4;b:6,10,14 -";

#[test]
fn an_assignment_that_goes_round_in_a_circle_comes_to_an_end() {
    let (mut topics, mut members) = (BTreeMap::new(), Vec::new());
    for line in CIRCLE.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "topic" if words[1] != "zz" => topics.extend([topic(&words[1..])]),
            "member" => members.push(member(&words[1..])),
            _ => {}
        }
    }
    let assignment = PartitionAssignor::new(Assignor::CooperativeSticky).assign(&topics, &members).unwrap();
    let mut given: Vec<&TopicPartition> = Vec::new();
    for (id, subscription) in &members {
        for partition in &assignment[id] {
            assert!(subscription.topics.contains(&partition.topic), "{id} {partition}");
            let owned_by_another =
                members.iter().any(|(other, one)| other != id && one.owned.contains(partition));
            assert!(!owned_by_another, "{id} {partition}");
            given.push(partition);
        }
    }
    let count = given.len();
    given.sort();
    given.dedup();
    assert_eq!(given.len(), count, "a partition was given twice");
}
