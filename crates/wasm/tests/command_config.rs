//! `--command-config FILE`: the tools that ask the admin client take its settings from a dropped file.
#![cfg(not(target_arch = "wasm32"))]

#[allow(dead_code, reason = "what the replay tests share is more than is needed here")]
mod common;

use std::time::Duration;

use blumfeld_view::Durability;
use common::Desk;

const AT: &str = "--bootstrap-server localhost:9092";

/// A line of each of these tools that it can do at once. The option stands where `%` is.
const LINES: [&str; 9] = [
    "kafka-topics.sh @ --list %",
    "kafka-configs.sh @ % --broker 1 --describe",
    "kafka-consumer-groups.sh @ --list %",
    "kafka-get-offsets.sh % @",
    "kafka-log-dirs.sh @ --describe %",
    "kafka-leader-election.sh @ --election-type preferred --topic orders --partition 0 %",
    "kafka-reassign-partitions.sh @ --list %",
    "kafka-metadata-quorum.sh @ % describe --status",
    "kafka-cluster.sh cluster-id @ %",
];

fn with(line: &str, option: &str) -> String {
    line.replace('@', AT).replace('%', option)
}

#[test]
fn a_file_of_settings_is_read_before_anything_is_asked() {
    let mut desk = Desk::new(1, Durability::Relaxed);
    desk.ok(&format!("kafka-topics.sh {AT} --create --topic orders"), "");
    desk.drop_file("empty", "");
    // Comments, the option's word about where the cluster is, and names that mean nothing here.
    desk.drop_file(
        "plain",
        "# mine\nbootstrap.servers=nowhere:1\nclient.id = me\nsecurity.protocol=PLAINTEXT\nfoo=bar\n",
    );
    desk.drop_file("wrong", "request.timeout.ms=soon\n");
    desk.drop_file("secure", "security.protocol=SASL_SSL\n");
    for line in LINES {
        let without = desk.run(&with(line, ""), "");
        for file in ["empty", "plain"] {
            assert_eq!(
                desk.run(&with(line, &format!("--command-config {file}")), ""),
                without,
                "{line} {file}"
            );
        }
        for (file, says) in [
            ("nosuch", "nosuch\njava.nio.file.NoSuchFileException: nosuch\n"),
            ("wrong", "Invalid value soon for configuration request.timeout.ms: Not a number of type INT\n"),
            (
                "secure",
                "blumfeld: security.protocol=SASL_SSL is not here yet: a cluster listens with PLAINTEXT alone\n",
            ),
        ] {
            let ran = desk.run(&with(line, &format!("--command-config {file}")), "");
            assert!(ran.code == Some(1) && ran.stdout.is_empty(), "{line} {file}: {ran:?}");
            assert!(ran.stderr.starts_with(says), "{line} {file}: {}", ran.stderr);
        }
        // What is wrong with the line is said first.
        let ran = desk.run(&with(line, "--command-config nosuch --nonsense"), "");
        assert!(ran.code == Some(1) && !ran.stderr.contains("NoSuchFile"), "{line}: {ran:?}");
    }
}

#[test]
fn a_client_has_the_time_that_its_settings_give_it() {
    let mut desk = Desk::new(1, Durability::Relaxed);
    desk.drop_file("hasty", "request.timeout.ms=1000\ndefault.api.timeout.ms=2000\n");
    desk.drop_file("plan", "{\"version\":1,\"partitions\":[]}");
    desk.ok("fault crash 1", "");
    let line = format!("kafka-topics.sh {AT} --list --command-config hasty");
    let begin = desk.engine.world().now();
    let ran = desk.run(&line, "");
    let took = desk.engine.world().now().since(begin);
    assert!(ran.code == Some(1) && ran.stderr.contains("TimeoutException"), "{ran:?}");
    assert!((Duration::from_secs(2)..Duration::from_secs(3)).contains(&took), "{took:?}");
    // One file is streamed to a process.
    let line = format!("kafka-reassign-partitions.sh {AT} --verify --reassignment-json-file plan");
    let ran = desk.run(&format!("{line} --command-config hasty"), "");
    let says = "blumfeld: a line reads one dropped file here, so --command-config cannot be a second one\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), says));
    // The file may come as the standard input.
    desk.ok("fault restart 1", "");
    desk.pass(Duration::from_secs(15));
    desk.ok(&format!("kafka-topics.sh {AT} --list --command-config /dev/stdin < hasty"), "");
}
