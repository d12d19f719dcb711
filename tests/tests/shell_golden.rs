//! Every golden scenario of the shell, run in a fresh world and compared with what Kafka's own tools printed.

use std::fs;
use std::path::Path;
use std::time::Duration;

use blumfeld_tests::console::Console;
use blumfeld_tests::golden::{Step, compare, lines, parse};
use bytes::Bytes;

const TIMED_OUT: &str = "which of its two sentences Kafka says at a timeout is a matter of the moment";

/// Commands whose output cannot be the same yet, each with the reason. They are run all the same.
const DIFFERENT: &[(&str, &str)] = &[
    (
        "00000000000000000000.index --index-sanity-check",
        "the index of an active segment is not preallocated here, and an empty one is said to be empty",
    ),
    ("describe-producers --topic orders --partition 7", TIMED_OUT),
    ("describe-producers --topic invoices", TIMED_OUT),
    ("abort --topic invoices", TIMED_OUT),
    ("--group audit --topic orders --dry-run", "the order of a set, which Java changes from run to run"),
];

/// What Kafka printed, without what cannot be here yet.
fn expected(step: &Step) -> (Vec<String>, Vec<String>) {
    // Consumer groups: the topic of their offsets is not there.
    let stdout = step.stdout.iter().filter(|line| !line.contains("__consumer_offsets")).cloned().collect();
    (stdout, step.stderr.clone())
}

/// `@ wait SECONDS`, `@ begin NAME COMMAND`, `@ end NAME`.
fn act(console: &mut Console, action: &str) {
    let (what, words) = action.split_once(' ').unwrap();
    match what {
        "wait" => console.run_for(Duration::from_secs(words.parse().unwrap())),
        "begin" => {
            let (name, line) = words.split_once(' ').unwrap();
            console.spawn(name, line).unwrap();
        }
        "end" => console.interrupt(words),
        _ => panic!("@ {action}"),
    }
}

fn run(path: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    let mut console = Console::default();
    let directory = path.parent().unwrap();
    for file in fs::read_dir(directory.join("files")).unwrap().map(Result::unwrap) {
        let name = file.file_name().into_string().unwrap();
        console.files.insert(name, Bytes::from(fs::read(file.path()).unwrap()));
    }
    for step in parse(&fs::read_to_string(path).unwrap()) {
        if let Some(action) = step.command.strip_prefix("@ ") {
            act(&mut console, action);
            continue;
        }
        let mut line = step.command.clone();
        if !step.terminal && line.contains("kafka-console-producer.sh") && !line.contains(['|', '<']) {
            let text: String = step.input.iter().map(|line| format!("{line}\n")).collect();
            console.files.insert("stdin".to_owned(), Bytes::from(text));
            line.push_str(" < stdin");
        } else if line.starts_with("kafka-console-producer.sh") && line.contains("\"headers.delimiter=|\"") {
            let text: String = step.input.iter().map(|line| format!("{line}\n")).collect();
            console.files.insert("stdin".to_owned(), Bytes::from(text));
            line.push_str(" < stdin");
        }
        let ran = console.run(&line, &step.input);
        if DIFFERENT.iter().any(|(part, _)| step.command.contains(part)) {
            continue;
        }
        let (stdout, stderr) = expected(&step);
        let ours: Vec<String> =
            lines(&ran.stderr).into_iter().filter(|line| !line.starts_with("blumfeld: ")).collect();
        let mut found = Vec::new();
        found.extend(compare(&stdout, &lines(&ran.stdout)).map(|text| format!("stdout {text}")));
        found.extend(compare(&stderr, &ours).map(|text| format!("stderr {text}")));
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
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/shell");
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
    assert!(count > 10, "only {count} golden files");
    assert!(report.is_empty(), "\n{report}");
}
