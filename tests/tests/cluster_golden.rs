//! Every golden scenario of a cluster of three, run in a fresh world and compared with what Kafka's own tools printed.

use std::fs;
use std::path::Path;
use std::time::Duration;

use blumfeld_kernel::NodeId;
use blumfeld_tests::console::Console;
use blumfeld_tests::golden::{compare, lines, parse};
use bytes::Bytes;

/// Commands of which Kafka's answer is known and ours differs on purpose, each with the reason. Ours must then be a
/// line that begins with `blumfeld: `.
const NOT_YET: &[(&str, &str)] = &[
    ("--throttle", "throttles of replication"),
    ("--bootstrap-controller", "clients of the controllers' listeners"),
    ("add-controller", "a quorum that changes"),
    ("remove-controller", "a quorum that changes"),
];

/// Commands whose output is not the same, each with the reason. They are run all the same.
const DIFFERENT: &[(&str, &str)] =
    &[("--execute --reassignment-json-file broken.json", "the words of Java's JSON parser")];

/// How long a broker that is started has until the next command; as in the recording, it is then unfenced.
const STARTED: Duration = Duration::from_secs(8);

fn seconds(count: &str) -> Duration {
    Duration::from_secs(count.parse().unwrap())
}

fn act(console: &mut Console, action: &str) {
    let (what, number) = action.split_once(' ').unwrap();
    let node = NodeId(number.parse().unwrap());
    match what {
        "wait" => console.world.run_for(seconds(number)),
        "kill" => console.world.crash(node),
        "stop" => console.world.begin_shutdown(node),
        "start" => {
            console.world.restart(node);
            console.world.run_for(STARTED);
        }
        _ => panic!("@ {action}"),
    }
}

fn run(path: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    let mut console = Console::with(1, 3);
    console.world.run_for(STARTED);
    for file in fs::read_dir(path.parent().unwrap().join("files")).unwrap().map(Result::unwrap) {
        let name = file.file_name().into_string().unwrap();
        let mut text = fs::read_to_string(file.path()).unwrap();
        // Kafka's three brokers shared a machine, where each needs a directory of its own.
        for broker in 1..=3 {
            text = text.replace(&format!("/tmp/kraft-combined-logs-{broker}"), "/tmp/kraft-combined-logs");
        }
        console.files.insert(name, Bytes::from(text));
    }
    for step in parse(&fs::read_to_string(path).unwrap()) {
        if let Some(action) = step.command.strip_prefix("@ ") {
            act(&mut console, action);
            continue;
        }
        let ran = console.run(&step.command, &step.input);
        if let Some((_, reason)) = NOT_YET.iter().find(|(part, _)| step.command.contains(part)) {
            if !ran.stderr.lines().any(|line| line.starts_with("blumfeld: ")) {
                problems.push(format!(
                    "{}: {}\nis said to wait for {reason}, but answers",
                    step.line, step.command
                ));
            }
            continue;
        }
        if DIFFERENT.iter().any(|(part, _)| step.command.contains(part)) {
            continue;
        }
        let ours: Vec<String> =
            lines(&ran.stderr).into_iter().filter(|line| !line.starts_with("blumfeld: ")).collect();
        let mut found = Vec::new();
        found.extend(compare(&step.stdout, &lines(&ran.stdout)).map(|text| format!("stdout {text}")));
        found.extend(compare(&step.stderr, &ours).map(|text| format!("stderr {text}")));
        if ran.code != Some(step.code) {
            found.push(format!("exit code {:?}, Kafka's {}", ran.code, step.code));
        }
        if !found.is_empty() {
            problems.push(format!("{}: {}\n{}", step.line, step.command, found.join("\n")));
        }
    }
    problems
}

#[test]

fn tools_print_what_kafkas_print() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/cluster");
    let mut report = String::new();
    let mut count = 0;
    let mut paths: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|suffix| suffix == "txt")) {
        count += 1;
        for problem in run(path) {
            report.push_str(&format!("{}:{problem}\n\n", path.file_name().unwrap().display()));
        }
    }
    assert!(count > 7, "only {count} golden files");
    assert!(report.is_empty(), "\n{report}");
}
