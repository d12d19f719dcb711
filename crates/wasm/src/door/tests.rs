use blumfeld_client::producer::ProducerRecord;

use super::*;

/// More than 100 bytes.
const LONG: &str = concat!(
    "0123456789012345678901234567890123456789012345678901234567890123456789",
    "0123456789012345678901234567890123456789012345678901234567890123456789"
);

/// ApiVersions v0, correlation id 7, no client id.
const API_VERSIONS: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];

fn settle(door: &mut Door) -> Vec<(ConnectionId, DoorEvent)> {
    let until = door.now() + Duration::from_secs(1);
    let mut events = Vec::new();
    while !door.run(until, || true) {
        events.extend(door.take());
    }
    events.extend(door.take());
    events
}

#[test]
fn bytes_go_in_and_come_out_and_faults_are_felt() {
    let mut door = Door::new(3, 1, 1_700_000_000_000).unwrap();
    assert_eq!(door.bootstrap(), ["localhost:9092", "localhost:9094", "localhost:9096"]);
    let conn = door.connect("localhost", 9092, "script");
    assert_eq!(settle(&mut door), [(conn, DoorEvent::Connected)]);
    for byte in API_VERSIONS {
        door.write(conn, &[byte]).unwrap();
    }
    let events = settle(&mut door);
    let data: Vec<u8> = (events.iter())
        .flat_map(|(_, event)| match event {
            DoorEvent::Data(bytes) => bytes.to_vec(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(data.len(), 4 + usize::from(u16::from_be_bytes([data[2], data[3]])), "one whole frame");
    assert_eq!(data[4..8], [0, 0, 0, 7], "its correlation id");
    door.inject("crash 1").unwrap();
    assert_eq!(settle(&mut door), [(conn, DoorEvent::Closed(DisconnectReason::PeerDown))]);
    let again = door.connect("localhost", 9092, "script");
    assert_eq!(settle(&mut door), [(again, DoorEvent::Closed(DisconnectReason::Refused))]);
    let trace = door.take_trace().join("\n");
    assert!(trace.contains("script"), "{trace}");
}

#[test]
fn what_cannot_be_is_named() {
    assert_eq!(Door::new(0, 1, 0).err().as_deref(), Some("brokers: 0 is not from 1 to 9"));
    let mut door = Door::new(1, 1, 0).unwrap();
    let conn = door.connect("localhost", 9092, "garbage");
    settle(&mut door);
    assert!(door.write(conn, b"GET / HTTP/1.1").is_err_and(|what| what.contains("1195725856")));
    assert_eq!(door.write(conn, b"more"), Ok(()), "it is gone");
    assert_eq!(settle(&mut door), []);
    assert!(door.inject("crush 1").is_err());
    let nowhere = door.connect("localhost", 1, "lost");
    assert_eq!(settle(&mut door), [(nowhere, DoorEvent::Closed(DisconnectReason::Refused))]);
}

/// Asks producer `id` for everything in turn, and gives the answers that come within `seconds`.
fn answers(door: &mut Door, id: ProcessId, asks: &[Ask], seconds: u64) -> Vec<(u64, ScriptAnswer)> {
    (0..).zip(asks).for_each(|(token, ask)| door.ask(id, token, ask));
    let until = door.now() + Duration::from_secs(seconds);
    let mut answers = Vec::new();
    while !door.run(until, || true) {
        answers.extend(door.take_answers());
    }
    answers.extend(door.take_answers());
    answers
}

fn record(topic: &str, value: &'static str) -> Ask {
    let value = Some(Bytes::from_static(value.as_bytes()));
    let (topic, partition, timestamp) = (topic.into(), None, Some(1_700_000_000_000));
    Ask::Send(ProducerRecord { topic, partition, timestamp, key: None, value, headers: vec![] })
}

fn settings(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn sent(offset: i64) -> ScriptAnswer {
    ScriptAnswer::Sent { partition: 0, offset, timestamp: 1_700_000_000_000 }
}

#[test]
fn a_producer_answers_what_it_is_asked_in_turn() {
    let mut door = Door::new(1, 1, 1_700_000_000_000).unwrap();
    let id = door.producer(&settings(&[("linger.ms", "2000")]), None).unwrap();
    let asks = [record("orders", "a"), record("orders", "b")];
    assert_eq!(answers(&mut door, id, &asks, 1), [], "they linger");
    assert_eq!(answers(&mut door, id, &[], 2), [(0, sent(0)), (1, sent(1))]);
    let asks = [record("orders", "c"), Ask::Flush, Ask::Flush, record("orders", "d"), Ask::Close, Ask::Flush];
    let got = answers(&mut door, id, &asks, 1);
    let (closed, done) = (ScriptAnswer::Failed(ScriptError::closed()), ScriptAnswer::Done);
    assert_eq!(
        got,
        [(0, sent(2)), (1, done.clone()), (2, done.clone()), (3, sent(3)), (4, done), (5, closed.clone())],
        "nothing lingers"
    );
    assert!(!door.has_producer(id));
    assert_eq!(answers(&mut door, id, &[record("orders", "e")], 1), [(0, closed)]);
}

#[test]
fn a_producers_errors_are_kafkas() {
    let mut door = Door::new(1, 1, 1_700_000_000_000).unwrap();
    let mut wrong = |name, value| door.producer(&settings(&[(name, value)]), None).unwrap_err();
    let error = wrong("acks", "2");
    assert_eq!(error.name, "ConfigException");
    let text = "Invalid value 2 for configuration acks: String must be one of: all, -1, 0, 1";
    assert_eq!(error.message, text);
    assert!(wrong("bootstrap.servers", "nowhere").message.contains("Invalid url in bootstrap.servers"));
    assert!(wrong("transactional.id", "t").message.contains("not here yet"));
    let id = door.producer(&settings(&[("max.request.size", "100"), ("acks", "0")]), None).unwrap();
    let asks = [record("no topic", "a"), record("small", "b"), record("small", LONG), Ask::Close];
    let got = answers(&mut door, id, &asks, 1);
    let error = |token| {
        let found = got.iter().find(|(of, _)| *of == token);
        match found {
            Some((_, ScriptAnswer::Failed(error))) => (error.name.as_str(), error.code.as_deref()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(error(0), ("InvalidTopicException", Some("INVALID_TOPIC_EXCEPTION")));
    assert!(got.contains(&(1, sent(-1))), "with acks=0 nobody knows where: {got:?}");
    assert_eq!(error(2), ("RecordTooLargeException", Some("MESSAGE_TOO_LARGE")));
    let id = door.producer(&settings(&[]), None).unwrap();
    let got = answers(&mut door, id, &[record("small", "c")], 1);
    assert!(matches!(got[..], [(0, ScriptAnswer::Sent { offset: 1, .. })]), "{got:?}");
    door.inject("crash 1").unwrap();
    assert_eq!(answers(&mut door, id, &[record("small", "d")], 119), [], "it is tried again");
    let got = answers(&mut door, id, &[], 2);
    let [(0, ScriptAnswer::Failed(error))] = &got[..] else { panic!("{got:?}") };
    assert_eq!((error.name.as_str(), error.code.as_deref()), ("TimeoutException", Some("REQUEST_TIMED_OUT")));
    assert!(error.message.starts_with("Expiring 1 record(s) for small-0:"), "{}", error.message);
}

#[test]
fn a_tool_answers_with_its_output_or_is_killed_at_its_time() {
    let mut door = Door::new(1, 1, 1_700_000_000_000).unwrap();
    let mut run = |token, line: &str, stdin: &'static str, ms| {
        let begun = door.now();
        door.tool(token, line, Bytes::from_static(stdin.as_bytes()), Duration::from_millis(ms)).unwrap();
        while door.outputs.is_empty() {
            door.run(begun + Duration::from_secs(60), || true);
        }
        let taken = door.take_outputs();
        let [(of, output)] = &taken[..] else { panic!("{taken:?}") };
        assert_eq!(*of, token);
        (output.clone(), door.now().since(begun))
    };
    let topics = "kafka-topics.sh --bootstrap-server localhost:9092";
    let (created, _) = run(1, &format!("{topics} --create --topic small --partitions 2"), "", 30_000);
    assert_eq!((created.stdout.as_str(), created.exit), ("Created topic small.\n", Some(0)));
    let (again, _) = run(2, &format!("{topics} --create --topic small"), "", 30_000);
    assert!(again.exit == Some(1) && again.stderr.contains("TopicExistsException"), "{again:?}");
    let producer = "kafka-console-producer.sh --bootstrap-server localhost:9092 --topic small";
    let (written, _) = run(3, producer, "a\nb\n", 30_000);
    assert_eq!(written.exit, Some(0));
    let consumer =
        "kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic small --from-beginning";
    let (read, took) = run(4, consumer, "", 5_000);
    assert_eq!((read.exit, took), (None, Duration::from_secs(5)), "it would go on for ever");
    assert_eq!(read.stdout.lines().count(), 2, "what it wrote is not lost");
    let start = |door: &mut Door, line| door.tool(5, line, Bytes::new(), Duration::ZERO).unwrap_err();
    assert!(start(&mut door, "fault crash 1").contains("asks the world"));
    assert!(start(&mut door, "kafka-cats.sh").contains("kafka-cats.sh"));
}

#[test]
fn records_are_read_where_they_stand_and_what_is_not_there_is_named() {
    let mut door = Door::new(3, 1, 1_700_000_000_000).unwrap();
    let id = door.producer(&settings(&[]), None).unwrap();
    assert_eq!(answers(&mut door, id, &[record("a", "x"), record("a", "y"), record("b", "z")], 5).len(), 3);
    let (before, all) = (door.view(), RecordRange { partition: None, from: 0, limit: usize::MAX });
    let values = |topic, range| {
        let records = door.records(topic, range).unwrap();
        let value = |one: &DoorRecord| String::from_utf8(one.value.clone().unwrap().into_vec()).unwrap();
        records.iter().map(value).collect::<Vec<_>>()
    };
    assert_eq!(values("a", all), ["x", "y"]);
    assert_eq!(values("a", RecordRange { from: 1, ..all }), ["y"]);
    assert_eq!(values("a", RecordRange { limit: 1, ..all }), ["x"]);
    assert_eq!(values("b", RecordRange { partition: Some(0), ..all }), ["z"]);
    assert_eq!(door.view(), before, "nothing notices");
    let refused = |door: &Door, topic, range| door.records(topic, range).unwrap_err();
    assert_eq!(refused(&door, "c", all), "there is no topic c; there are: a, b");
    let second = RecordRange { partition: Some(1), ..all };
    assert_eq!(refused(&door, "a", second), "there is no partition a-1; a has 1 from 0 on");
    let leader = before.topics.iter().find(|topic| topic.name == "a").unwrap().partitions[0].leader;
    door.inject(&format!("crash {leader}")).unwrap();
    assert_eq!(refused(&door, "a", all), "no broker that runs has a log of a-0");
    for id in [1, 2, 3].into_iter().filter(|id| *id != leader) {
        door.inject(&format!("crash {id}")).unwrap();
    }
    assert_eq!(refused(&door, "a", all), "no broker runs, so nobody knows the topic a");
}

#[test]
fn a_script_goes_back_and_acts_and_its_clients_are_told() {
    let mut door = Door::new(3, 1, 1_700_000_000_000).unwrap();
    let conn = door.connect("localhost", 9092, "script");
    assert_eq!(settle(&mut door), [(conn, DoorEvent::Connected)]);
    let id = door.producer(&settings(&[]), None).unwrap();
    assert_eq!(answers(&mut door, id, &[record("orders", "a")], 5), [(0, sent(0))]);
    let (middle, event) = (door.now(), door.events() - 9);
    let digest = door.world.digest();
    assert_eq!(answers(&mut door, id, &[record("orders", "b")], 5), [(0, sent(1))]);
    let end = (door.now(), door.world.digest());
    // Back: nothing is answered, and the clients stay where they are.
    door.timeline(&format!("timeline to {}", middle.as_micros() as f64 / 1e6)).unwrap();
    assert_eq!((door.now(), door.world.digest()), (middle, digest));
    assert_eq!(door.take(), []);
    door.timeline("timeline now").unwrap();
    assert_eq!((door.now(), door.world.digest()), end);
    assert_eq!(answers(&mut door, id, &[record("orders", "c")], 5), [(0, sent(2))]);
    // In the past a fault begins a branch, in which this script's clients are not.
    door.timeline(&format!("timeline to event {event}")).unwrap();
    door.inject("crash 2").unwrap();
    assert_eq!(door.take(), [(conn, DoorEvent::Closed(DisconnectReason::Rewound))]);
    assert!(!door.has_producer(id));
    assert_eq!(
        answers(&mut door, id, &[record("orders", "d")], 1),
        [(0, ScriptAnswer::Failed(ScriptError::closed()))]
    );
    let again = door.connect("localhost", 9092, "script");
    assert!(again != conn && settle(&mut door) == [(again, DoorEvent::Connected)]);
    let why = door.timeline("why broker 2").unwrap();
    assert!(why.contains("fault crash 2"), "{why}");
    let diff = door.timeline("timeline diff main").unwrap();
    assert!(diff.contains("orders-0"), "{diff}");
    door.timeline("timeline switch main").unwrap();
    assert_eq!(door.take(), [(again, DoorEvent::Closed(DisconnectReason::Rewound))]);
    for (line, why) in [
        ("timeline switch nowhere", "there is no branch nowhere"),
        ("timeline until up(1)", "no earlier moment is looked at"),
        ("timeline sideways", "`sideways` is not understood"),
        ("fault crash 1", "asks nothing of the timeline"),
    ] {
        let error = door.timeline(line).unwrap_err();
        assert!(error.contains(why), "{line}: {error}");
    }
}
