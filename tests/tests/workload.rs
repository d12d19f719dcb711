//! What `workload` says of wrong arguments, and what its clients leave behind.

use std::time::Duration;

use blumfeld_sim::Fault;
use blumfeld_tests::console::Console;

#[test]
fn wrong_arguments_are_named() {
    let mut console = Console::default();
    for (line, want) in [
        (
            "workload dance",
            "workload knows produce, consume, transform, start, list, log and stop, not dance",
        ),
        (
            "workload start produce --topic a",
            "there is no world around this console to keep clients in the background",
        ),
        ("workload list", "there is no world around this console to keep clients in the background"),
        ("workload produce", "workload produce needs --topic"),
        ("workload consume --topic a", "workload consume needs --group"),
        ("workload produce --topic a --rate", "--rate needs a value"),
        ("workload produce --topic a --rate 0", "--rate is a number from 1 to 1000000, not 0"),
        ("workload produce --topic a --topic b", "--topic stands there twice"),
        ("workload produce a", "a stands there without an option before it"),
        ("workload produce --topic a --group b", "workload produce has no option --group"),
        (
            "workload produce --topic a --value-serializer list",
            "--value-serializer is one of string, short, integer, long, float, double, boolean, uuid, bytes, json, not list",
        ),
        (
            "workload produce --topic a --value-serializer long --record-size 9",
            "--record-size is of string, bytes and json: a long has a size of its own",
        ),
        (
            "workload produce --topic a --key-serializer long",
            "--key-serializer is one of keys: how many there are, --keys says",
        ),
        (
            "workload produce --topic a --keys 3 --key-serializer boolean",
            "--keys is at most 2 if --key-serializer is boolean, not 3",
        ),
        ("workload produce --topic a --acks 2", "--acks is one of 0, 1, -1, all, not 2"),
        (
            "workload produce --topic a --command-property x",
            "--command-property takes NAME=VALUE, and x has no =",
        ),
        ("workload consume --topic a --group b --assignor lottery", "the assignor lottery is not here"),
        (
            "workload consume --topic a --group b --commit maybe",
            "--commit is one of auto, sync, async, none, not maybe",
        ),
        ("workload transform --from a --group b", "workload transform needs --to"),
        (
            "workload transform --from a --to b --group c --abort-ratio 2",
            "--abort-ratio is a number from 0 to 1, not 2",
        ),
        (
            "workload transform --from a --to b --group c --isolation-level all",
            "--isolation-level is one of read_committed, read_uncommitted, not all",
        ),
        (
            "workload transform --from a --to b --group c --command-property enable.idempotence=false",
            "Cannot set a transactional.id without also enabling idempotence.",
        ),
    ] {
        let ran = console.run(line, &[]);
        assert_eq!((ran.stderr, ran.code), (format!("blumfeld: {want}\n"), Some(1)), "{line}");
    }
    assert!(console.run("workload", &[]).stdout.contains("max.poll.interval.ms"));
    assert!(console.run("help workload ko", &[]).stdout.contains("그룹을 떠납니다"));
}

#[test]
fn records_have_the_types_that_are_asked_for() {
    let mut console = Console::default();
    let create = "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic typed";
    assert_eq!(console.run(create, &[]).code, Some(0));
    for (offset, (key, value, classes, want)) in [
        (
            "integer",
            "json",
            "common.serialization.Integer connect.json.Json",
            r#"0 {"record":0,"fill":"......."}"#.to_owned(),
        ),
        (
            "uuid",
            "bytes",
            "common.serialization.UUID common.serialization.Bytes",
            format!("00000000-0000-0000-0000-000000000000 {}", r"\x00".repeat(29)),
        ),
        ("json", "double", "connect.json.Json common.serialization.Double", r#"{"key":0} 0.0"#.to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        let size = if value == "double" { "" } else { " --record-size 29" };
        let produce = format!(
            "workload produce --topic typed --keys 1 --num-records 1 --key-serializer {key} --value-serializer {value}{size}"
        );
        let ran = console.run(&produce, &[]);
        assert!(ran.stdout.contains("in all sent 1, acknowledged 1"), "{}{}", ran.stdout, ran.stderr);
        let (of_key, of_value) = classes.split_once(' ').unwrap();
        let read = format!(
            "kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic typed --partition 0 --offset {offset} --max-messages 1 --formatter-property print.key=true --formatter-property key.separator=' ' --key-deserializer org.apache.kafka.{of_key}Deserializer --value-deserializer org.apache.kafka.{of_value}Deserializer"
        );
        assert_eq!(console.run(&read, &[]).stdout.trim_end(), want, "{key} {value}");
    }
}

#[test]
fn a_consumer_that_ends_in_order_commits_what_it_processed_and_no_more() {
    for commit in ["auto", "sync", "async"] {
        let mut console = Console::default();
        let create = "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic orders";
        assert_eq!(console.run(create, &[]).code, Some(0));
        let ran = console.run("workload produce --topic orders --rate 100 --num-records 20", &[]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stdout.contains("in all sent 20, acknowledged 20"), "{}", ran.stdout);
        let consume = format!(
            "workload consume --topic orders --group billing --from-beginning --commit {commit} --processing-ms 10"
        );
        let ran = console.run(&format!("{consume} --num-records 5"), &[]);
        assert_eq!(ran.code, Some(0), "{commit} {}", ran.stderr);
        assert!(ran.stdout.contains("last committed orders-0@5\n"), "{commit} {}", ran.stdout);
        let ran = console.run(&format!("{consume} --num-records 15"), &[]);
        assert!(ran.stdout.contains("in all processed 15: orders-0 5 to 19\n"), "{commit} {}", ran.stdout);
    }
}

#[test]
fn a_member_that_joins_finds_the_next_coordinator_while_the_old_one_is_down() {
    let mut console = Console::with(1, 3);
    let create = "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic orders --replica-assignment 1:2:3,2:3:1";
    assert_eq!(console.run(create, &[]).code, Some(0));
    console.spawn("a", "workload consume --topic orders --group billing --name a").unwrap();
    console.run_for(Duration::from_secs(5));
    console.spawn("b", "workload consume --topic orders --group billing --name b").unwrap();
    console.run_for(Duration::from_millis(500));
    let _ = console.take_written();
    // The group's coordinator; the first member has not heard of the second yet.
    console.world.inject(Fault::parse("crash 3").unwrap()).unwrap();
    console.run_for(Duration::from_secs(20));
    let written = console.take_written();
    for name in ["a", "b"] {
        let text = written.iter().filter(|(of, _)| of == name).map(|(_, text)| text.as_str());
        let text: String = text.collect();
        assert!(text.contains("in generation 2"), "{name}: {text}");
    }
}
