//! A large file through the console producer, and back.

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_shell::{Started, start};
use blumfeld_sim::Output;
use blumfeld_tests::console::Console;
use bytes::Bytes;

const LINES: usize = 100_000;

fn file() -> String {
    (0..LINES).map(|n| format!("{n}\tPackage: lib{}-{}\t설명 {}\n", n % 977, n, "x".repeat(n % 61))).collect()
}

/// A line's number.
fn number(line: &str) -> usize {
    line.split_once('\t').and_then(|(number, _)| number.parse().ok()).unwrap()
}

#[test]
fn a_file_of_100_000_lines_comes_back_whole_and_in_order_within_each_partition() {
    let mut console = Console::default();
    let text = file();
    console.files.insert("packages.txt".to_owned(), Bytes::from(text.clone()));
    let create = "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic packages --partitions 3";
    assert_eq!(console.run(create, &[]).code, Some(0));
    let produce =
        "cat packages.txt | kafka-console-producer.sh --bootstrap-server localhost:9092 --topic packages";
    let ran = console.run(produce, &[]);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str(), ran.code), ("", "", Some(0)));

    let consume = format!(
        "kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic packages --from-beginning --max-messages {LINES} --formatter-property print.partition=true"
    );
    let ran = console.run(&consume, &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let mut partitions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in ran.stdout.lines() {
        let (partition, value) = line.split_once('\t').unwrap();
        partitions.entry(partition).or_default().push(value);
    }
    assert_eq!(partitions.len(), 3);
    for (partition, values) in &partitions {
        assert!(values.len() > LINES / 10, "{partition} has {} of {LINES} records", values.len());
        assert!(
            values.windows(2).all(|pair| number(pair[0]) < number(pair[1])),
            "{partition} is out of order"
        );
    }
    let mut all: Vec<&str> = partitions.into_values().flatten().collect();
    all.sort_by_key(|line| number(line));
    assert!(all.into_iter().eq(text.lines()), "the lines differ");
}

#[test]
fn input_is_read_no_faster_than_it_is_acknowledged() {
    let mut console = Console::default();
    let create = "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic packages";
    assert_eq!(console.run(create, &[]).code, Some(0));
    let memory = 64 * 1024;
    console.files.insert("packages.txt".to_owned(), Bytes::new());
    let line = format!(
        "kafka-console-producer.sh --bootstrap-server localhost:9092 --topic packages --max-memory-bytes {memory} < packages.txt"
    );
    let Started { process, .. } = start(&line, &console).unwrap();
    let process = console.world.spawn(process);
    let text = Bytes::from(file());
    let (mut given, mut most) = (0, 0);
    loop {
        if console.world.wants_stdin(process) {
            let piece = text.slice(given..text.len().min(given + 16 * 1024));
            given += piece.len();
            if piece.is_empty() {
                console.world.close_stdin(process)
            } else {
                console.world.write_stdin(process, piece)
            }
        }
        console.world.step();
        // Batches are larger than their lines, so what the log holds is no less than what was delivered.
        let log = console.world.disk(blumfeld_kernel::NodeId(1)).unwrap().disk();
        let stored = log.file("packages-0/00000000000000000000.log").map_or(0, |file| file.len());
        most = most.max(given.saturating_sub(usize::try_from(stored).unwrap()));
        if console.world.take_output(process).contains(&Output::Exit(0)) {
            break;
        }
        assert!(console.world.now().as_millis() < 600_000, "it does not end");
    }
    assert_eq!(given, text.len());
    let limit = memory + 2 * 16 * 1024;
    assert!(most <= limit, "{most} bytes were read and not yet stored");
    console.world.run_for(Duration::from_secs(1));
}
