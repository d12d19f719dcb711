//! Two worlds of one seed, with the same load but for one setting, and what was measured in each. They are made for the
//! purpose and have nothing to do with the page's cluster; a caller lets them go on a little at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_kernel::Instant;
use blumfeld_shell::{Language, Latencies, send_latencies};
use blumfeld_sim::Traffic;
use blumfeld_view::{ClientRole, CompareSide, CompareView, Durability, Preset};

use crate::boot::Boot;
use crate::run::Run;

/// The wall clock at the beginning, in milliseconds since 1970-01-01 UTC: 2025-01-01. The same on any day.
const EPOCH_MS: i64 = 1_735_689_600_000;
/// Brokers of each.
const BROKERS: i32 = 3;
/// Virtual time that anything but the measurement may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// After so many events outputs are taken, and it is looked whether something is over.
const LOOK: u64 = 64;
/// At most so many seconds are measured.
pub const LONGEST: u32 = 60;

const TOPIC: &str = "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic orders --partitions 3 --replication-factor 3";
const CONSUME: &str = "workload start consume --topic orders --group billing";

/// The lines of one side.
#[derive(Clone, Debug, Default)]
struct Plan {
    /// Runs to its end before anything is measured.
    before: Option<String>,
    consumers: Vec<String>,
    producer: String,
    /// The lines that differ from the other side's.
    differ: Vec<String>,
    marks: Vec<String>,
}

fn plan(preset: Preset, second: bool) -> Plan {
    let words = |marks: &[&str]| marks.iter().map(ToString::to_string).collect();
    let consumer = vec![format!("{CONSUME} --name reader-1")];
    match preset {
        Preset::Fetch => {
            let marks: [&str; 2] = if second {
                ["--max-poll-records 500", "--command-property fetch.max.bytes=52428800"]
            } else {
                ["--max-poll-records 1", "--command-property fetch.max.bytes=1"]
            };
            let consumers =
                vec![format!("{CONSUME} --name reader-1 --from-beginning {} {}", marks[0], marks[1])];
            // A batch for each record, so that a fetch of one batch is a fetch of one record.
            let produce = "--topic orders --record-size 200 --batch-size 0 --linger-ms 0";
            Plan {
                before: Some(format!("workload produce {produce} --rate 4000 --num-records 12000")),
                differ: consumers.clone(),
                consumers,
                producer: format!("workload start produce {produce} --rate 500 --name writer"),
                marks: words(&marks),
            }
        }
        Preset::Acks => {
            let mark = if second { "--acks all" } else { "--acks 1" };
            let producer = format!(
                "workload start produce --topic orders --rate 1000 --record-size 200 {mark} --name writer"
            );
            Plan {
                before: None,
                consumers: consumer,
                differ: vec![producer.clone()],
                producer,
                marks: words(&[mark]),
            }
        }
        Preset::Linger => {
            let marks: [&str; 2] = if second {
                ["--linger-ms 20", "--batch-size 65536"]
            } else {
                ["--linger-ms 0", "--batch-size 16384"]
            };
            let [linger, size] = marks;
            let producer = format!(
                "workload start produce --topic orders --rate 2000 --record-size 200 {linger} {size} --name writer"
            );
            Plan {
                before: None,
                consumers: consumer,
                differ: vec![producer.clone()],
                producer,
                marks: words(&marks),
            }
        }
        Preset::Consumers => {
            let readers = if second { 3 } else { 1 };
            let named = |number| format!("{CONSUME} --processing-ms 2 --name reader-{number}");
            let consumers: Vec<String> = (1..=readers).map(named).collect();
            let marks: Vec<String> = (1..=readers).map(|number| format!("reader-{number}")).collect();
            let keys = "--keys 300 --record-size 200";
            let producer = format!("workload start produce --topic orders --rate 1000 {keys} --name writer");
            Plan { before: None, differ: consumers.clone(), consumers, producer, marks }
        }
    }
}

/// How far a side is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Boots,
    /// A command of the console runs, and then comes the step of this number.
    Runs(u32),
    Joins,
    Measures(Instant),
    Over,
}

/// What stood at the beginning of the measurement.
#[derive(Clone, Debug, Default)]
struct Before {
    traffic: BTreeMap<(String, bool), Traffic>,
    read: u64,
}

#[derive(Clone)]
struct Side {
    run: Run,
    plan: Plan,
    step: Step,
    next: u32,
    by: Instant,
    before: Before,
    measured: CompareSide,
}

impl Side {
    fn new(seed: u64, plan: Plan) -> Side {
        let mut run = Run::new(Boot::fresh("compare", seed, EPOCH_MS, BROKERS, Durability::Relaxed));
        run.world.stop_digest();
        let by = run.world.now() + PATIENCE;
        Side {
            run,
            plan,
            step: Step::Boots,
            next: 1,
            by,
            before: Before::default(),
            measured: CompareSide::default(),
        }
    }

    fn line(&mut self, line: &str) -> u32 {
        let id = self.next;
        self.next += 1;
        self.run.console(id, line, Language::English);
        self.by = self.run.world.now() + PATIENCE;
        id
    }

    /// Goes on by a few events. `seconds` are measured.
    fn advance(&mut self, seconds: u32) -> Result<(), String> {
        let until = match self.step {
            Step::Measures(begun) => begun + Duration::from_secs(seconds.into()),
            _ => self.by,
        };
        // The measurement begins with the event that completes the group: the next one may bring it records.
        for _ in 0..if self.step == Step::Joins { 1 } else { LOOK } {
            if self.run.world.next_event().is_none_or(|at| at > until) {
                return match self.step {
                    Step::Measures(_) => {
                        self.run.world.idle_until(until);
                        self.measure();
                        self.step = Step::Over;
                        Ok(())
                    }
                    Step::Over => Ok(()),
                    _ => Err(format!("{:?} did not end", self.step)),
                };
            }
            self.run.world.step();
        }
        for id in self.run.commands() {
            self.run.collect(id);
        }
        let updates = self.run.take_console(usize::MAX);
        match self.step {
            Step::Boots if self.run.world.is_settled() => {
                let id = self.line(TOPIC);
                self.step = Step::Runs(id);
            }
            Step::Runs(id) => {
                for update in updates.iter().filter(|update| update.id == id) {
                    match update.exit {
                        Some(0) => self.go_on(),
                        Some(code) => {
                            let said: String = update.output.iter().map(|text| text.text.as_str()).collect();
                            return Err(format!("a line ended with {code}: {}", said.trim()));
                        }
                        None => {}
                    }
                }
            }
            Step::Joins => {
                let joined =
                    self.run.world.group_views().iter().any(|group| {
                        group.state == "Stable" && group.members.len() == self.plan.consumers.len()
                    });
                if joined {
                    self.begin();
                }
            }
            Step::Boots | Step::Measures(_) | Step::Over => {}
        }
        Ok(())
    }

    fn go_on(&mut self) {
        if let Some(line) = self.plan.before.take() {
            let id = self.line(&line);
            self.step = Step::Runs(id);
            return;
        }
        for line in self.plan.consumers.clone() {
            self.line(&line);
        }
        self.step = Step::Joins;
    }

    /// The group is there: the producer begins, and with it the measurement.
    fn begin(&mut self) {
        self.before = Before { traffic: self.run.world.traffic(), read: self.read() };
        let line = self.plan.producer.clone();
        self.line(&line);
        self.step = Step::Measures(self.run.world.now());
    }

    fn roles(&self) -> Vec<ClientRole> {
        self.run.roles()
    }

    fn read(&self) -> u64 {
        let read = |role: &ClientRole| match role {
            ClientRole::Consumer(consumer) => consumer.processed.unwrap_or(consumer.received),
            ClientRole::Producer(_) => 0,
        };
        self.roles().iter().map(read).sum()
    }

    fn measure(&mut self) {
        let mut side = CompareSide {
            lines: self.plan.differ.clone(),
            marks: self.plan.marks.clone(),
            read: self.read() - self.before.read,
            ..CompareSide::default()
        };
        for role in self.roles() {
            if let ClientRole::Producer(producer) = role {
                side.written += producer.acknowledged;
                side.batches += producer.batches.saturating_sub(producer.retries);
                side.batch_records += producer.sent_records;
                side.batch_bytes += producer.sent_bytes;
            }
        }
        let world = &self.run.world;
        let there: i64 = (world.topic_views().iter().filter(|topic| topic.name == "orders"))
            .flat_map(|topic| topic.partitions.iter().map(|partition| partition.high_watermark.max(0)))
            .sum();
        side.behind = u64::try_from(there).unwrap_or(0).saturating_sub(self.read());
        let mut latencies = Latencies::default();
        for process in self.run.processes() {
            if let Some(more) = world.process(process).and_then(send_latencies) {
                latencies.add(more);
            }
        }
        side.median_us = latencies.percentile(50);
        side.percentile99_us = latencies.percentile(99);
        for ((api, between), traffic) in world.traffic() {
            let was = self.before.traffic.get(&(api.clone(), between)).copied().unwrap_or_default();
            let (requests, bytes) = (traffic.requests - was.requests, traffic.bytes - was.bytes);
            if between {
                side.broker_bytes += bytes;
            } else {
                side.client_bytes += bytes;
                if requests > 0 {
                    side.requests.push((api, requests));
                }
            }
        }
        side.requests.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        self.measured = side;
    }

    /// Thousandths of it that are done: the way to the measurement counts a third.
    fn done(&self, seconds: u32) -> u64 {
        match self.step {
            Step::Boots => 0,
            Step::Runs(id) => 60 * u64::from(id.min(4)),
            Step::Joins => 260,
            Step::Measures(begun) => {
                let span = u64::from(seconds.max(1)) * 1_000_000;
                let passed = self.run.world.now().as_micros().saturating_sub(begun.as_micros());
                330 + 670 * passed.min(span) / span
            }
            Step::Over => 1_000,
        }
    }
}

/// A comparison under way.
#[derive(Clone)]
pub struct Compare {
    preset: Preset,
    seed: u64,
    seconds: u32,
    sides: [Side; 2],
}

impl Compare {
    /// Two new worlds of this seed; so many virtual seconds of each are measured, 1 to [`LONGEST`].
    pub fn new(preset: Preset, seed: u64, seconds: u32) -> Compare {
        let side = |second| Side::new(seed, plan(preset, second));
        Compare { preset, seed, seconds: seconds.clamp(1, LONGEST), sides: [side(false), side(true)] }
    }

    /// What is compared.
    pub fn preset(&self) -> Preset {
        self.preset
    }

    /// Goes on until `out_of_time` says so. Gives the result once both are over.
    ///
    /// # Errors
    /// Why it cannot go on, as a sentence.
    pub fn advance(&mut self, mut out_of_time: impl FnMut() -> bool) -> Result<Option<CompareView>, String> {
        loop {
            let Some(side) = self.sides.iter_mut().find(|side| side.step != Step::Over) else {
                let sides = [&self.sides[0], &self.sides[1]].map(|side| side.measured.clone());
                return Ok(Some(CompareView {
                    preset: self.preset,
                    seed: self.seed,
                    seconds: self.seconds,
                    sides,
                }));
            };
            side.advance(self.seconds)?;
            if out_of_time() {
                return Ok(None);
            }
        }
    }

    /// Thousandths that are done.
    pub fn done(&self) -> u32 {
        let done = self.sides.iter().map(|side| side.done(self.seconds)).sum::<u64>() / 2;
        u32::try_from(done).unwrap_or(1_000)
    }
}
