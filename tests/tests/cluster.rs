//! Runs every scenario in `tests/scenarios`: a cluster, what is typed and what breaks, and after each line what the tools
//! wrote (`> `) and what became true (`. `). With `UPDATE_EXPECT=1` the expected lines are written anew; read the
//! difference before you commit it.
//!
//! A scenario's lines: `# text`; `cluster BROKERS VOTERS [seed N]`, first; `$ COMMAND` of Kafka, with `< LINE` for each
//! line that is typed into it; `file NAME TEXT`, a file that tools can read; `fault …`; `wait MS`; `until TEXT`, which goes
//! on until a line of the trace contains the text. `@NAME $ COMMAND` begins a command that runs beside the others,
//! `@NAME < LINE` types into it, `@NAME eof` ends its input, `@NAME ctrl-c` and `@NAME kill` end it; what it wrote stands
//! behind its name. `stops` tells of each partition when it belonged to none of the `workload consume` that run so, and for
//! how long, since the last time it was asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use barnabas_broker::BrokerConfig;
use barnabas_kernel::{Instant, TraceEvent};
use barnabas_protocol::Uuid;
use barnabas_sim::Fault;
use barnabas_tests::console::Console;

/// What a person who reads about replication wants to see: not each append.
fn is_told(event: &TraceEvent) -> bool {
    !matches!(
        event,
        TraceEvent::Appended { .. }
            | TraceEvent::HighWatermarkAdvanced { .. }
            | TraceEvent::ConfigAltered { .. }
    )
}

/// What a member of a group says of its partitions: in which second it was given them, or had to give them away.
fn ownership(line: &str) -> Option<(f64, bool, Vec<String>)> {
    let (at, said) = line.trim_start().split_once(' ')?;
    let (verb, rest) = said.split_once(' ')?;
    let given = match verb {
        "assigned" => true,
        "revoked" | "lost" => false,
        _ => return None,
    };
    let names = rest.split(&[':', ' '][..]).take_while(|word| word.contains('-'));
    Some((at.parse().ok()?, given, names.map(|name| name.trim_end_matches(',').to_owned()).collect()))
}

struct Scenario {
    console: Console,
    begun: Instant,
    /// What members said, since `stops` was asked.
    owned: Vec<(f64, bool, Vec<String>)>,
}

impl Scenario {
    fn new(words: &[&str]) -> Scenario {
        let number = |at: usize| words.get(at).and_then(|word| word.parse().ok());
        let (brokers, voters) = (number(1).unwrap_or(3), number(2).unwrap_or(3));
        let seed = words.iter().position(|word| *word == "seed").and_then(|at| number(at + 1)).unwrap_or(1);
        let brokers = BrokerConfig::cluster(brokers, voters, Uuid::from_u128(7));
        let console = Console::cluster(u64::try_from(seed).unwrap_or(1), brokers);
        let begun = Instant::ZERO;
        Scenario { console, begun, owned: Vec::new() }
    }

    /// The lines of the trace since the last look.
    fn trace(&mut self, out: &mut String) {
        let (lines, _) = self.console.world.trace_mut().take();
        // Of fifty partitions of one internal topic only that is told which groups came from.
        let idle = |text: &str| {
            text.contains("__consumer_offsets-")
                && (!text.contains("loaded") || text.contains("loaded 0 groups and 0"))
        };
        let told = |event: &TraceEvent| is_told(event) && !idle(&event.to_string());
        for line in lines.iter().filter(|line| told(&line.event)) {
            let ms = line.at.since(self.begun).as_millis();
            writeln!(out, ". {:>3}.{:03} {}: {}", ms / 1000, ms % 1000, line.node, line.event).unwrap();
        }
    }

    fn stops(&mut self, out: &mut String) {
        let mut said = std::mem::take(&mut self.owned);
        said.sort_by(|(a, given_a, _), (b, given_b, _)| a.total_cmp(b).then(given_a.cmp(given_b)));
        let mut free: BTreeMap<String, f64> = BTreeMap::new();
        let mut stops: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for (at, given, names) in said {
            for name in names {
                if !given {
                    free.insert(name, at);
                } else if let Some(since) = free.remove(&name) {
                    stops.entry(name).or_default().push((since, at - since));
                }
            }
        }
        for (name, stops) in &stops {
            for (since, seconds) in stops {
                writeln!(out, "> {name} stood still from {since:.3} for {seconds:.3} s").unwrap();
            }
        }
        if stops.is_empty() {
            out.push_str("> none stood still\n");
        }
    }

    fn run(&mut self, line: &str, typed: &[String], out: &mut String) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["wait", ms] => {
                let ms = ms.parse().unwrap_or_else(|_| panic!("{line}"));
                self.console.run_for(Duration::from_millis(ms));
            }
            ["until", ..] => {
                let text = line.strip_prefix("until ").unwrap_or_default();
                let deadline = self.console.world.now() + Duration::from_secs(120);
                let mut told = String::new();
                while !told.contains(text) {
                    if self.console.world.now() >= deadline {
                        told.push_str("> [it did not come about]\n");
                        break;
                    }
                    self.console.step();
                    self.trace(&mut told);
                }
                out.push_str(&told);
            }
            ["stops"] => self.stops(out),
            ["file", name, ..] => {
                let text = line.split_once(name).map_or("", |(_, rest)| rest.trim_start());
                self.console.files.insert(name.to_owned(), text.to_owned().into());
            }
            ["fault", ..] => {
                let text = line.strip_prefix("fault ").unwrap_or_default();
                let fault = Fault::parse(text).unwrap_or_else(|error| panic!("{line}: {error}"));
                self.console.world.inject(fault).unwrap_or_else(|error| panic!("{line}: {error}"));
            }
            ["$", ..] => {
                let ran = self.console.run(line.strip_prefix("$ ").unwrap_or_default(), typed);
                for text in ran.stdout.lines().chain(ran.stderr.lines()) {
                    writeln!(out, "> {}", text.trim_start_matches('>')).unwrap();
                }
                if ran.code != Some(0) {
                    writeln!(out, "> [exit {:?}]", ran.code).unwrap();
                }
            }
            [name, verb, ..] if name.starts_with('@') => {
                let rest = line.split_once(verb).map_or("", |(_, rest)| rest.trim_start());
                let name = &name[1..];
                match verb {
                    "$" => self.console.spawn(name, rest).unwrap_or_else(|error| panic!("{line}: {error}")),
                    "<" => self.console.type_line(name, rest),
                    "eof" => self.console.end_input(name),
                    "ctrl-c" => self.console.interrupt(name),
                    "kill" => self.console.kill(name),
                    _ => panic!("{line}"),
                }
            }
            _ => panic!("{line}"),
        }
        for (name, text) in self.console.take_written() {
            for text in text.lines() {
                self.owned.extend(ownership(text));
                writeln!(out, "> {name}: {}", text.trim_start_matches('>')).unwrap();
            }
        }
        self.trace(out);
    }
}

fn play(text: &str) -> String {
    let mut out = String::new();
    let mut scenario: Option<Scenario> = None;
    let mut lines = text.lines().filter(|line| !line.starts_with("> ") && !line.starts_with(". ")).peekable();
    while let Some(line) = lines.next() {
        writeln!(out, "{line}").unwrap();
        let mut typed = Vec::new();
        while let Some(next) = lines.next_if(|next| next.starts_with("< ")) {
            writeln!(out, "{next}").unwrap();
            typed.push(next["< ".len()..].to_owned());
        }
        if line.is_empty() || line.starts_with("# ") {
            continue;
        }
        if line.starts_with("cluster") {
            let words: Vec<&str> = line.split_whitespace().collect();
            scenario.insert(Scenario::new(&words)).trace(&mut out);
            continue;
        }
        scenario.as_mut().expect("a scenario begins with its cluster").run(line, &typed, &mut out);
    }
    out
}

#[test]
fn scenarios() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let mut wrong = Vec::new();
    for path in names {
        let text = std::fs::read_to_string(&path).unwrap();
        let played = play(&text);
        if played == text {
            continue;
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, played).unwrap();
            continue;
        }
        let first = text.lines().zip(played.lines()).position(|(want, got)| want != got).unwrap_or(0);
        let near = |text: &str| text.lines().skip(first).take(8).collect::<Vec<_>>().join("\n");
        wrong.push(format!(
            "{} line {}:\nwant\n{}\ngot\n{}",
            path.display(),
            first + 1,
            near(&text),
            near(&played)
        ));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
