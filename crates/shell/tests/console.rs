//! Lines that never become a process, completion, and what belongs to the console alone.

use blumfeld_kernel::Endpoint;
use blumfeld_shell::{Environment, Language, StdinSource, complete, start};
use bytes::Bytes;

struct Page {
    language: Language,
}

impl Environment for Page {
    fn bootstrap(&self) -> Endpoint {
        Endpoint::new("localhost", 9092)
    }
    fn topics(&self) -> Vec<String> {
        ["orders", "order-items", "주문"].map(str::to_owned).to_vec()
    }
    fn dropped_files(&self) -> Vec<String> {
        ["access.log", "big file.txt"].map(str::to_owned).to_vec()
    }
    fn disk_files(&self, prefix: &str) -> Vec<String> {
        let files = [
            "orders-0/00000000000000000000.log",
            "orders-0/00000000000000000000.index",
            "orders-0/partition.metadata",
        ];
        files.into_iter().filter(|file| file.starts_with(prefix)).map(str::to_owned).collect()
    }
    fn read_disk_file(&self, path: &str) -> Option<Bytes> {
        (path == "note.txt").then(|| Bytes::from_static(b"note\n"))
    }
    fn language(&self) -> Language {
        self.language
    }
    fn groups(&self) -> Vec<String> {
        ["billing", "audit"].map(str::to_owned).to_vec()
    }
    fn background_clients(&self) -> Vec<String> {
        ["producer-1", "slow"].map(str::to_owned).to_vec()
    }
}

const PAGE: Page = Page { language: Language::English };

#[test]
fn a_line_becomes_a_process_with_its_input_or_says_why_not() {
    for (line, want) in [
        ("kafka-topics.sh --list", "reads Empty"),
        ("bin/kafka-topics --list", "reads Empty"),
        ("/opt/kafka/bin/kafka-topics.sh --list", "reads Empty"),
        ("kafka-console-producer.sh --topic a", "reads Terminal"),
        ("cat access.log | kafka-console-producer.sh --topic a", "reads File(\"access.log\")"),
        ("kafka-console-producer.sh --topic a < 'big file.txt'", "reads File(\"big file.txt\")"),
        ("cat access.log", "reads File(\"access.log\")"),
        ("cat note.txt", "reads Empty"),
        ("help", "reads Empty"),
        ("", "0 "),
        ("cat note.txt | kafka-console-producer.sh", "1 note.txt: No such file"),
        (
            "kafka-delete-records.sh --bootstrap-server a:1 --offset-json-file access.log",
            "reads File(\"access.log\")",
        ),
        (
            "kafka-leader-election.sh --bootstrap-server a:1 --election-type unclean --path-to-json-file access.log",
            "reads File(\"access.log\")",
        ),
        (
            "cat access.log | kafka-reassign-partitions.sh --bootstrap-server a:1 --verify --reassignment-json-file /dev/stdin",
            "reads File(\"access.log\")",
        ),
        (
            "kafka-reassign-partitions.sh --bootstrap-server a:1 --verify --reassignment-json-file /dev/stdin",
            "reads Empty",
        ),
        (
            "kafka-configs.sh --bootstrap-server a:1 --broker 1 --alter --add-config-file access.log",
            "reads File(\"access.log\")",
        ),
        (
            "kafka-topics.sh --bootstrap-server a:1 --list --command-config access.log",
            "reads File(\"access.log\")",
        ),
        ("kafka-topics.sh --bootstrap-server a:1 --list --command-config=nosuch", "reads Empty"),
        ("cat nosuch | kafka-console-producer.sh", "1 nosuch: No such file"),
        ("cat nosuch", "1 nosuch: No such file"),
        ("cat", "2 blumfeld: this console has no `cat without a FILE`"),
        ("ls -l", "127 ls: command not found"),
        ("kafka-consumer-groups.sh --bootstrap-server a:1 --list", "reads Empty"),
        (
            "kafka-consumer-groups.sh --bootstrap-server a:1 --reset-offsets --group g --from-file access.log",
            "reads File(\"access.log\")",
        ),
        ("kafka-share-groups.sh --list", "127 blumfeld: kafka-share-groups.sh is one of Kafka's tools"),
        ("kafka-topics.sh --list ; kafka-topics.sh --list", "2 blumfeld: this console has no `;`"),
    ] {
        let got = match start(line, &PAGE) {
            Ok(started) => format!("reads {:?}", started.stdin),
            Err(error) => format!("{} {error}", error.exit_code()),
        };
        assert!(got.starts_with(want), "{line:?}: {got}");
    }
    assert_eq!(
        start("cat access.log", &PAGE).ok().map(|started| started.stdin),
        Some(StdinSource::File("access.log".into()))
    );
}

#[test]
fn completion_offers_what_fits_the_place() {
    for (line, stem, want) in [
        ("kafka-t", "kafka-t", &["kafka-topics.sh", "kafka-transactions.sh"][..]),
        ("kafka-console-", "kafka-console-", &["kafka-console-consumer.sh", "kafka-console-producer.sh"]),
        ("kafka-topics.sh --cr", "--cr", &["--create"]),
        ("kafka-topics.sh --topic or", "or", &["order-items", "orders"]),
        ("kafka-topics.sh --topic=주", "주", &["주문"]),
        ("kafka-topics.sh --bootstrap-server ", "", &["localhost:9092"]),
        ("kafka-topics.sh --config retention.", "retention.", &["retention.bytes=", "retention.ms="]),
        ("kafka-configs.sh --delete-config segment.ms,retention.m", "retention.m", &["retention.ms"]),
        ("cat acc", "acc", &["access.log"]),
        ("cat access.log | kafka-console-p", "kafka-console-p", &["kafka-console-producer.sh"]),
        ("kafka-console-producer.sh < b", "b", &["'big file.txt'"]),
        ("kafka-console-producer.sh --property parse.", "parse.", &["parse.headers=true", "parse.key=true"]),
        ("kafka-console-consumer.sh --property print.k", "print.k", &["print.key=true"]),
        (
            "kafka-dump-log.sh --files orders-0/",
            "orders-0/",
            &["orders-0/00000000000000000000.index", "orders-0/00000000000000000000.log"],
        ),
        ("kafka-console-producer.sh --compression-codec l", "l", &["lz4"]),
        ("kafka-topics.sh --command-c", "--command-c", &["--command-config"]),
        ("kafka-topics.sh --command-config acc", "acc", &["access.log"]),
        ("kafka-console-producer.sh --command-c", "--command-c", &[]),
        (
            "kafka-cluster.sh ",
            "",
            &[
                "--bootstrap-server",
                "--command-config",
                "--id",
                "--include-fenced-brokers",
                "cluster-id",
                "list-endpoints",
                "unregister",
            ],
        ),
        ("kafka-metadata-quorum.sh d", "d", &["describe"]),
        ("kafka-metadata-quorum.sh describe --r", "--r", &["--replication"]),
        ("kafka-leader-election.sh --election-type ", "", &["preferred", "unclean"]),
        ("kafka-leader-election.sh --path-to-json-file a", "a", &["access.log"]),
        ("kafka-log-dirs.sh --topic-list a,ord", "ord", &["order-items", "orders"]),
        (
            "kafka-con",
            "kafka-con",
            &[
                "kafka-configs.sh",
                "kafka-console-consumer.sh",
                "kafka-console-producer.sh",
                "kafka-consumer-groups.sh",
                "kafka-consumer-perf-test.sh",
            ],
        ),
        ("kafka-consumer-groups.sh --list --state Stable,E", "E", &["Empty"]),
        ("kafka-consumer-groups.sh --describe --group ", "", &["audit", "billing"]),
        ("kafka-console-consumer.sh --group b", "b", &["billing"]),
        ("kafka-consumer-groups.sh --list --type ", "", &["classic", "consumer"]),
        ("kafka-consumer-groups.sh --reset-offsets --from-file a", "a", &["access.log"]),
        (
            "kafka-consumer-groups.sh --reset-offsets --to-",
            "--to-",
            &["--to-current", "--to-datetime", "--to-earliest", "--to-latest", "--to-offset"],
        ),
        ("help kafka-g", "kafka-g", &["kafka-get-offsets.sh"]),
        ("workload ", "", &["consume", "list", "log", "produce", "start", "stop", "transform"]),
        ("workload start ", "", &["consume", "produce", "transform"]),
        ("workload start transform --ab", "--ab", &["--abort-ratio"]),
        ("workload transform --group b", "b", &["billing"]),
        ("kafka-transactions.sh --bootstrap-server a:1 forc", "forc", &["forceTerminateTransaction"]),
        ("workload start produce --ba", "--ba", &["--batch-size"]),
        ("workload start consume --group b", "b", &["billing"]),
        ("workload log ", "", &["producer-1", "slow"]),
        ("workload stop ", "", &["all", "producer-1", "slow"]),
        ("workload produce --ba", "--ba", &["--batch-size"]),
        ("workload consume --topic or", "or", &["order-items", "orders"]),
        ("workload consume --commit s", "s", &["sync"]),
        ("workload produce --distribution z", "z", &["zipf"]),
        ("nosuch --", "--", &[]),
    ] {
        let got = complete(line, &PAGE);
        assert_eq!(
            (got.stem.as_str(), got.words.iter().map(String::as_str).collect::<Vec<_>>()),
            (stem, want.to_vec()),
            "{line}"
        );
    }
}

#[test]
fn no_line_panics() {
    let words = [
        "kafka-topics.sh",
        "kafka-console-consumer.sh",
        "kafka-dump-log.sh",
        "kafka-get-offsets.sh",
        "kafka-consumer-groups.sh",
        "workload",
        "produce",
        "consume",
        "--keys",
        "--distribution",
        "--rate",
        "--command-property",
        "--list",
        "--describe",
        "--reset-offsets",
        "--delete-offsets",
        "--group",
        "--state",
        "--validate-regex",
        "--topic",
        "--files",
        "--time",
        "--topic-partitions",
        "--offset",
        "--partition",
        "--bootstrap-server",
        "=",
        "--=",
        "-",
        "--",
        "a:-",
        ":",
        "[",
        "0",
        "-1",
        "99999999999999999999",
        "\u{0}",
        "주문",
        "'",
        "|",
        "cat",
        "<",
        "help",
        "",
    ];
    let mut seed = 7_u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for _ in 0..30_000 {
        let count = next(9) + 1;
        let line: Vec<&str> = (0..count).map(|_| words[next(words.len())]).collect();
        let line = line.join(" ");
        let _ = start(&line, &PAGE);
        let _ = complete(&line, &PAGE);
    }
}
