//! Records with keys, headers, partitions and bytes, written to a cluster of either kind.

use std::time::Duration;

use blumfeld::{Builder, Cluster, Error, ProducerRecord, Record, RecordMetadata};

/// A moment within the retention of a simulation, in milliseconds since 1970-01-01 UTC.
const TIMESTAMP: i64 = 1_735_689_600_123;
/// Kafka's UtilsTest: murmur2 of it is -790332482, which is 1 of five partitions.
const KEY: &str = "foobar";
const PARTITIONS: u32 = 5;

fn orders() -> Vec<ProducerRecord> {
    vec![
        ProducerRecord::new("to its key's partition").key(KEY),
        ProducerRecord::new([0, 0xff, b'\n']).key(KEY).partition(4).timestamp(TIMESTAMP),
        ProducerRecord::tombstone(KEY).header("trace", "42").header("trace", [0xca, 0xfe]),
        ProducerRecord { headers: vec![("none".to_owned(), None)], ..ProducerRecord::new("").partition(4) },
    ]
}

fn check(stands: &[RecordMetadata], records: &[Record]) {
    let places: Vec<_> = stands.iter().map(|one| (one.partition, one.offset)).collect();
    assert_eq!(places, [(1, 0), (4, 0), (1, 1), (4, 1)]);
    assert_eq!(stands[1].timestamp, TIMESTAMP);
    assert_eq!(records.len(), 4);
    for (stands, given) in stands.iter().zip(orders()) {
        let found =
            records.iter().find(|one| (one.partition, one.offset) == (stands.partition, stands.offset));
        let Record { timestamp, key, value, headers, .. } = found.unwrap().clone();
        assert_eq!((timestamp, &key, &value), (stands.timestamp, &given.key, &given.value));
        assert_eq!(headers, given.headers);
    }
}

#[test]
fn what_was_given_to_a_cluster_stands_in_it() {
    let cluster = Cluster::builder().brokers(3).start().unwrap();
    cluster.create_topic("orders", PARTITIONS, 3).unwrap();
    let stands = cluster.produce("orders", orders()).unwrap();
    check(&stands, &cluster.records("orders").unwrap());
}

#[test]
fn what_was_given_to_a_simulation_stands_in_it() {
    let mut cluster = Builder::new().brokers(3).simulate().unwrap();
    cluster.create_topic("orders", PARTITIONS, 3).unwrap();
    let stands = cluster.produce("orders", orders()).unwrap();
    check(&stands, &cluster.records("orders"));
}

#[test]
fn what_has_bytes_is_a_value() {
    let mut cluster = Builder::new().simulate().unwrap();
    // The topic is created by the first of them.
    cluster.produce("t", ["two\nlines"]).unwrap();
    cluster.produce("t", (0..2).map(|n| format!("{n}"))).unwrap();
    cluster.produce("t", [vec![0xff]]).unwrap();
    cluster.produce("t", [&b"slice"[..]]).unwrap();
    cluster.produce("t", ["mixed".into(), ProducerRecord::new("with a key").key("k")]).unwrap();
    assert_eq!(cluster.produce("t", [""; 0]).unwrap(), []);
    let values: Vec<_> = cluster.records("t").into_iter().filter_map(|record| record.value).collect();
    let want: [&[u8]; 7] = [b"two\nlines", b"0", b"1", &[0xff], b"slice", b"mixed", b"with a key"];
    assert_eq!(values, want);
}

#[test]
fn records_that_cannot_be_written_are_named() {
    let mut cluster = Builder::new().config("auto.create.topics.enable", "false").simulate().unwrap();
    let said = cluster.produce("orders", ["one"]).unwrap_err().to_string();
    assert_eq!(said, "there is no topic orders");
    cluster.create_topic("orders", 2, 1).unwrap();
    for partition in [2, -1] {
        let record = ProducerRecord::new("one").partition(partition);
        let said = cluster.produce("orders", [record]).unwrap_err().to_string();
        assert_eq!(said, format!("orders has no partition {partition}: it has 2, counted from 0"));
    }
    let error = cluster.produce("orders", ["small", &"large".repeat(1_000_000), "small"]).unwrap_err();
    let Error::NotWritten { topic, place, code, said } = &error else { panic!("{error}") };
    assert_eq!((topic.as_str(), *place, code.as_str()), ("orders", 1, "MESSAGE_TOO_LARGE"));
    assert!(said.contains("max.request.size"), "{said}");
    assert_eq!(cluster.records("orders").len(), 2, "the others are written");
}

#[test]
fn a_record_that_nobody_takes_is_given_up_after_the_patience() {
    let patience = Duration::from_millis(200);
    let starts = "after 0.2 s it is still not so that every record for orders is acknowledged. Brokers: 1";
    let mut simulation = Builder::new().patience(patience).simulate().unwrap();
    simulation.create_topic("orders", 1, 1).unwrap();
    simulation.fault("crash 1").unwrap();
    let said = simulation.produce("orders", ["one"]).unwrap_err().to_string();
    assert!(said.starts_with(starts), "{said}");
    simulation.fault("restart 1").unwrap();
    simulation.pass(Duration::from_secs(60));
    assert_eq!(simulation.records("orders"), [], "and is not written later");
    simulation.produce("orders", ["two"]).unwrap();
    let cluster = Builder::new().patience(patience).start().unwrap();
    cluster.create_topic("orders", 1, 1).unwrap();
    cluster.fault("crash 1").unwrap();
    let said = cluster.produce("orders", ["one"]).unwrap_err().to_string();
    assert!(said.starts_with(starts), "{said}");
}

#[test]
fn more_than_fits_into_the_producers_memory_is_written_all_the_same() {
    let mut cluster = Builder::new().simulate().unwrap();
    cluster.create_topic("large", 3, 1).unwrap();
    let (count, size) = (80, 500_000);
    let stands = cluster.produce("large", (0..count).map(|_| vec![7; size])).unwrap();
    assert_eq!(stands.len(), count);
    assert_eq!(cluster.records("large").len(), count);
}

/// What stands in backquotes in the first column of a section's table.
fn named(section: &str) -> Vec<&'static str> {
    let docs = include_str!("../src/lib.rs");
    let (_, table) = docs.split_once(&format!("//! # {section}\n")).unwrap();
    let (table, _) = table.split_once("\n//! # ").unwrap();
    let first_cells = table.lines().filter_map(|line| line.strip_prefix("//! | ")?.split('|').next());
    first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn the_conditions_that_the_documentation_names_can_be_waited_for() {
    let all = named("Conditions");
    assert!(all.contains(&"isr(\"orders\", 0)"), "{all:?}");
    let mut cluster = Builder::new().brokers(3).patience(Duration::ZERO).simulate().unwrap();
    for asked in all {
        // What is no condition by itself is one beside a value of its kind.
        let kinds = ["", " == 1", " == \"a\"", " == [1]", " == [\"a\"]", " == 1s"];
        let waits = kinds
            .iter()
            .any(|rest| !matches!(cluster.wait_for(&format!("{asked}{rest}")), Err(Error::Refused(_))));
        assert!(waits, "{asked}");
    }
}

#[test]
fn the_faults_that_the_documentation_names_are_faults() {
    let all = named("Faults");
    assert!(all.contains(&"crash 2"), "{all:?}");
    for fault in all.into_iter().filter(|fault| !fault.ends_with('…') && *fault != "off NAME") {
        let mut cluster = Builder::new().brokers(3).simulate().unwrap();
        // What brings something back needs something to bring back.
        match fault {
            "restart 2" => cluster.fault("crash 2").unwrap(),
            "resume 2" => cluster.fault("pause 2").unwrap(),
            _ => {}
        }
        cluster.fault(fault).unwrap_or_else(|error| panic!("{fault}: {error}"));
    }
}
