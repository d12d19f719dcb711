//! `kafka-dump-log.sh` over segments that Apache Kafka wrote, compared with what Kafka's own tool printed of them.

use std::fs;
use std::path::Path;

use blumfeld_tests::console::Console;
use blumfeld_tests::golden::{compare, lines, parse};
use bytes::Bytes;

#[test]
fn segments_of_kafka_are_shown_as_kafka_shows_them() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/segments");
    let mut report = String::new();
    let mut count = 0;
    for fixture in fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()) {
        let name = fixture.file_name().unwrap().to_str().unwrap().to_owned();
        let mut console = Console::default();
        for file in fs::read_dir(&fixture).unwrap().map(Result::unwrap) {
            let bytes = Bytes::from(fs::read(file.path()).unwrap());
            console.files.insert(file.file_name().into_string().unwrap(), bytes);
        }
        // What Kafka printed of the metadata log with its decoder as well.
        let dumps =
            ["dump.txt", "decoded.txt"].map(|file| console.files.get(file).cloned().unwrap_or_default());
        for step in dumps.iter().flat_map(|dump| parse(std::str::from_utf8(dump).unwrap())) {
            count += 1;
            let ran = console.run(&step.command, &[]);
            let stdout = compare(&step.stdout, &lines(&ran.stdout));
            let stderr = compare(&step.stderr, &lines(&ran.stderr));
            for problem in stdout.into_iter().chain(stderr) {
                report.push_str(&format!("{name}:{}: {}\n{problem}\n\n", step.line, step.command));
            }
            if ran.code != Some(step.code) {
                report.push_str(&format!(
                    "{name}:{}: exit {:?}, Kafka's {}\n\n",
                    step.line, ran.code, step.code
                ));
            }
        }
    }
    assert!(count > 25, "only {count} dumps");
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn our_own_metadata_log_is_one_that_the_decoder_reads() {
    let mut console = Console::default();
    let run = |console: &mut Console, line: &str| console.run(line, &[]).stdout;
    run(
        &mut console,
        "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic orders --partitions 2",
    );
    let log = "/tmp/kraft-combined-logs/__cluster_metadata-0/00000000000000000000.log";
    let text = run(&mut console, &format!("kafka-dump-log.sh --cluster-metadata-decoder --files {log}"));
    for kind in ["FEATURE_LEVEL_RECORD", "REGISTER_BROKER_RECORD", "TOPIC_RECORD", "PARTITION_RECORD"] {
        assert!(text.contains(&format!("payload: {{\"type\":\"{kind}\",\"version\":")), "{kind} in\n{text}");
    }
    assert!(!text.contains("Error at"), "{text}");
}

/// Numbers that repeat from run to run (a linear congruential generator; its high bits are good enough here).
fn numbers(mut seed: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    }
}

#[test]
fn any_damage_is_shown_or_told_and_nothing_panics() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/segments");
    let mut next = numbers(1);
    let mut console = Console::default();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd", "transactions"] {
        for round in 0..60 {
            for suffix in ["log", "index", "timeindex"] {
                let path = directory.join(codec).join(format!("{:020}.{suffix}", 0));
                let mut bytes = fs::read(path).unwrap();
                for _ in 0..round % 8 {
                    if !bytes.is_empty() {
                        let at = next(bytes.len());
                        bytes[at] = u8::try_from(next(256)).unwrap();
                    }
                }
                if round % 3 == 0 {
                    bytes.truncate(next(bytes.len() + 1));
                }
                for name in [0, u64::MAX >> 1] {
                    console.files.insert(format!("{name:020}.{suffix}"), Bytes::from(bytes.clone()));
                }
            }
            for name in [0, u64::MAX >> 1] {
                for file in [
                    format!("{name:020}.log --deep-iteration --print-data-log"),
                    format!("{name:020}.index,{name:020}.timeindex"),
                    format!("{name:020}.index,{name:020}.timeindex --index-sanity-check"),
                ] {
                    let ran = console.run(&format!("kafka-dump-log.sh --files {file}"), &[]);
                    assert!(ran.code.is_some(), "{codec}, round {round}: {file} does not end");
                }
            }
        }
    }
}
