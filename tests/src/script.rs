//! The language of `tests/scenarios`: a cluster, what is typed and what breaks, and after each line what the tools
//! wrote (`> `) and what became true (`. `).
//!
//! A scenario's lines: `# text`; `cluster BROKERS VOTERS [seed N] [KEY=VALUE…]`, first; `$ COMMAND` of Kafka, with
//! `< LINE` for each line that is typed into it; `file NAME TEXT`, a file that tools can read; `fault …` and
//! `broker …`; `wait MS`; `until TEXT`, which goes on until a line of the trace, told or not, contains the text;
//! `bring back`, which restarts or resumes whom faults have stopped, in that order; `---`, which does nothing.
//! `@NAME $ COMMAND` begins a command that runs beside the others, `@NAME < LINE` types into it, `@NAME eof` ends its
//! input, `@NAME ctrl-c` and `@NAME kill` end it;
//! what it wrote stands behind its name. `stops` tells of each partition when it belonged to none of the
//! `workload consume` that run so, and for how long, since the last time it was asked. `hide TEXT` leaves out what a
//! line of the trace says that contains the text. `memory` tells what reads found in each machine's page cache since
//! the last time it was asked.
//!
//! In a line `{node}` is the broker of whom the last `until` heard, and `{next}` the one that runs and comes after it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use blumfeld_broker::BrokerConfig;
use blumfeld_console::{Order, OrderError};
use blumfeld_kernel::{Instant, NodeId, TraceEvent};
use blumfeld_protocol::Uuid;
use blumfeld_sim::{CacheStats, Fault};

use crate::console::Console;

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

/// A scenario that is played: its world, and what was said of it.
struct Script {
    console: Console,
    begun: Instant,
    /// What is not told.
    hidden: Vec<String>,
    brokers: u16,
    /// The broker that the last `until` heard of.
    node: Option<u16>,
    /// What `until` waits for.
    watched: Option<String>,
    /// Those that `fault` has stopped and not brought back, in that order, with what brings each back.
    down: Vec<(u16, Fault)>,
    /// What reads had found in the page caches when that was asked last, by broker.
    found: BTreeMap<u16, CacheStats>,
    /// What members said, since `stops` was asked.
    owned: Vec<(f64, bool, Vec<String>)>,
}

/// The broker that a line of the trace tells of.
fn teller(line: &str) -> Option<u16> {
    let (who, _) = line.strip_prefix(". ")?.trim_start().split_once(' ')?.1.split_once(": ")?;
    who.strip_prefix("broker-")?.parse().ok()
}

impl Script {
    fn new(words: &[&str]) -> Script {
        let number = |at: usize| words.get(at).and_then(|word| word.parse().ok());
        let (brokers, voters) = (number(1).unwrap_or(3), number(2).unwrap_or(3));
        let seed = words.iter().position(|word| *word == "seed").and_then(|at| number(at + 1)).unwrap_or(1);
        let mut configs = BrokerConfig::cluster(brokers, voters, Uuid::from_u128(7));
        for (key, value) in words.iter().filter_map(|word| word.split_once('=')) {
            for broker in &mut configs {
                broker.set(key, value).unwrap_or_else(|error| panic!("{key}={value}: {error}"));
            }
        }
        let count = u16::try_from(configs.len()).unwrap_or(u16::MAX);
        let console = Console::cluster(u64::try_from(seed).unwrap_or(1), configs);
        Script {
            console,
            begun: Instant::ZERO,
            hidden: Vec::new(),
            brokers: count,
            node: None,
            watched: None,
            down: Vec::new(),
            found: BTreeMap::new(),
            owned: Vec::new(),
        }
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
        for line in &lines {
            let ms = line.at.since(self.begun).as_millis();
            let text = format!(". {:>3}.{:03} {}: {}", ms / 1000, ms % 1000, line.node, line.event);
            if self.watched.as_ref().is_some_and(|watched| text.contains(watched)) {
                self.watched = None;
                self.node = teller(&text).or(self.node);
            }
            if told(&line.event) && !self.hidden.iter().any(|hidden| text.contains(hidden)) {
                out.push_str(&text);
                out.push('\n');
            }
        }
    }

    /// The line with the brokers that it means.
    fn fill(&self, line: &str) -> String {
        let Some(node) = self.node else { return line.to_owned() };
        let after = (1..self.brokers).map(|step| (node - 1 + step) % self.brokers + 1);
        let next =
            after.into_iter().find(|one| self.down.iter().all(|(down, _)| down != one)).unwrap_or(node);
        line.replace("{node}", &node.to_string()).replace("{next}", &next.to_string())
    }

    fn inject(&mut self, fault: Fault) {
        self.note_fault(&fault);
        let line = fault.to_string();
        self.console.world.inject(fault).unwrap_or_else(|error| panic!("fault {line}: {error}"));
    }

    /// Does what a line asks of the world.
    fn obey(&mut self, line: &str, out: &mut String) {
        let error = match blumfeld_console::order(line) {
            Some(Ok(Order::Fault(fault))) => return self.inject(fault),
            Some(Ok(Order::Membership(change))) => match self.console.world.change_membership(&change) {
                Ok(_) => return,
                Err(error) => error,
            },
            Some(Err(OrderError::Membership(error))) => error,
            Some(Err(
                error @ (OrderError::Fault(_) | OrderError::Background(_) | OrderError::Condition { .. }),
            )) => {
                panic!("{line}: {error}")
            }
            Some(Ok(Order::ListFaults | Order::Observed(_) | Order::Background(_) | Order::Until(_)))
            | None => {
                panic!("{line}")
            }
        };
        writeln!(out, "> blumfeld: {error}").unwrap();
    }

    /// Remembers whom a fault has stopped.
    fn note_fault(&mut self, fault: &Fault) {
        let (node, back) = match *fault {
            Fault::Crash(node) | Fault::PowerCut(node) | Fault::ShutDown(node) => {
                (node, Some(Fault::Restart(node)))
            }
            Fault::Pause { node, ms: None } => (node, Some(Fault::Resume(node))),
            Fault::Restart(node) | Fault::Resume(node) => (node, None),
            Fault::Pause { ms: Some(_), .. }
            | Fault::Skew { .. }
            | Fault::ClockJump { .. }
            | Fault::Disk { .. }
            | Fault::DiskSlow { .. }
            | Fault::PageCache { .. }
            | Fault::DropPageCache(_)
            | Fault::Link { .. }
            | Fault::Isolate(_)
            | Fault::Heal(_)
            | Fault::Break(..)
            | Fault::Request { .. }
            | Fault::On(_)
            | Fault::Off(_)
            | Fault::Arm { .. } => return,
        };
        let Ok(node) = u16::try_from(node.0) else { return };
        self.down.retain(|(down, _)| *down != node);
        self.down.extend(back.map(|back| (node, back)));
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

    fn memory(&mut self, out: &mut String) {
        for id in 1..=self.brokers {
            let Some(disk) = self.console.world.disk(NodeId(i32::from(id))) else { continue };
            let now = disk.cache_stats();
            let before = self.found.insert(id, now).unwrap_or_default();
            writeln!(
                out,
                "> broker-{id}: {} reads from memory, {} from the disk, {} KiB read, {} KiB of {} KiB used",
                now.hits - before.hits,
                now.misses - before.misses,
                (now.bytes_read - before.bytes_read).div_ceil(1024),
                disk.cached_bytes() / 1024,
                disk.cache_size() / 1024,
            )
            .unwrap();
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
                let deadline = self.console.world.now() + Duration::from_secs(120);
                self.watched = line.strip_prefix("until ").map(ToOwned::to_owned);
                while self.watched.is_some() {
                    if self.console.world.now() >= deadline {
                        self.watched = None;
                        out.push_str("> [it did not come about]\n");
                    }
                    self.console.step();
                    self.trace(out);
                }
            }
            ["hide", ..] => self.hidden.push(line["hide ".len()..].to_owned()),
            ["stops"] => self.stops(out),
            ["memory"] => self.memory(out),
            ["file", name, ..] => {
                let text = line.split_once(name).map_or("", |(_, rest)| rest.trim_start());
                self.console.files.insert(name.to_owned(), text.to_owned().into());
            }
            ["fault" | "broker", ..] => self.obey(line, out),
            ["bring", "back"] => {
                for (_, back) in self.down.clone() {
                    self.inject(back.clone());
                }
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

/// Whether a line of a scenario is what is expected, and not what is to be done.
fn is_expected(line: &str) -> bool {
    line.starts_with("> ") || line.starts_with(". ")
}

/// Plays the lines of a scenario, and gives them with what came of each.
///
/// # Panics
/// A line is not of the language.
pub fn play<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::new();
    let mut script: Option<Script> = None;
    let mut lines = lines.filter(|line| !is_expected(line)).peekable();
    while let Some(line) = lines.next() {
        let line = script.as_ref().map_or_else(|| line.to_owned(), |script| script.fill(line));
        out.push_str(&line);
        out.push('\n');
        let mut typed = Vec::new();
        while let Some(next) = lines.next_if(|next| next.starts_with("< ")) {
            out.push_str(next);
            out.push('\n');
            typed.push(next["< ".len()..].to_owned());
        }
        if line.is_empty() || line == "---" || line.starts_with("# ") {
            continue;
        }
        if line.starts_with("cluster") {
            let words: Vec<&str> = line.split_whitespace().collect();
            script.insert(Script::new(&words)).trace(&mut out);
            continue;
        }
        script.as_mut().expect("a scenario begins with its cluster").run(&line, &typed, &mut out);
    }
    out
}
