//! `cargo xtask sim`: random clusters, random loads, random faults, and checkers that watch from outside.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

use blumfeld_kernel::TraceEvent;
use blumfeld_random::cluster::Run;
use blumfeld_random::page::{PageRun, Planted};

const HELP: &str = "\
cargo xtask sim [--seeds N] [--seed S] [--ticks T]   N seeds from S on (200 from 0), each with T virtual milliseconds
                                                     of faults (20000) and then time to heal
                                                     of a seed alone that fails, --lines L (60) of its trace are shown
                                                     with --members brokers come and go, and disks are lost, as well;
                                                     with --triggers requests fail, wait or get lost by triggers, as well;
                                                     with --topics a topic is deleted and created again, as well;
                                                     with --transactions clients write in transactions instead, for
                                                     60000 ms
                                                     with --compaction the same, and compacted topics are cleaned;
                                                     --members goes with each of the others
cargo xtask sim --known                              the seeds of tests/random/seeds.txt, each of which once failed
cargo xtask sim --page [--seeds N] …                 the page around a cluster: reloads, its store, its clients; with --bug
                                                     one of the page's own
cargo xtask sim --bug NAME [--seeds N] …             the same with a bug planted in the brokers, which is to be found
cargo xtask sim --replay FILE                        does again what a fault file of the page recorded";

/// Seeds that once failed, with their ticks.
const KNOWN: &str = include_str!("../seeds.txt");

/// A long run says how far it has come every so many seeds.
const PROGRESS: u64 = 500;

/// What the command line asks for.
struct Options {
    seeds: u64,
    seed: u64,
    ticks: u64,
    /// So many lines of the trace are shown of a seed that fails alone.
    lines: usize,
    /// Seeds that once failed, and no others.
    known: bool,
    /// Whether brokers come and go.
    members: bool,
    /// Whether there are triggers on requests.
    triggers: bool,
    /// Whether a topic is deleted and created again.
    topics: bool,
    /// Whether clients write in transactions.
    transactions: bool,
    /// Whether compacted topics are cleaned besides.
    compaction: bool,
    /// Whether the page is simulated around the cluster.
    page: bool,
    bug: Option<String>,
    replay: Option<String>,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        seeds: 200,
        seed: 0,
        ticks: 0,
        lines: 60,
        known: false,
        members: false,
        triggers: false,
        topics: false,
        transactions: false,
        compaction: false,
        page: false,
        bug: None,
        replay: None,
    };
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        match flag.as_str() {
            "--known" => options.known = true,
            "--members" => options.members = true,
            "--triggers" => options.triggers = true,
            "--topics" => options.topics = true,
            "--transactions" => options.transactions = true,
            "--compaction" => options.compaction = true,
            "--page" => options.page = true,
            "--help" => {
                println!("{HELP}");
                std::process::exit(0);
            }
            _ => {
                let value = args.next().ok_or_else(|| format!("{flag} wants a value\n{HELP}"))?;
                options.take(&flag, value)?;
            }
        }
    }
    if options.ticks == 0 {
        options.ticks = if options.transactions || options.compaction { 60_000 } else { 20_000 };
    }
    Ok(options)
}

impl Options {
    /// The flags of what the runs have that others have not.
    fn kind(&self) -> String {
        let flags = [
            (self.members, "--members"),
            (self.triggers, "--triggers"),
            (self.topics, "--topics"),
            (self.compaction, "--compaction"),
            (self.transactions, "--transactions"),
        ];
        let on = flags.into_iter().filter(|(on, _)| *on).map(|(_, flag)| flag);
        on.collect::<Vec<_>>().join(" ")
    }

    /// Takes an option that has a value.
    fn take(&mut self, flag: &str, value: String) -> Result<(), String> {
        let number = || value.parse::<u64>().map_err(|_| format!("{flag} wants a number, not {value}"));
        match flag {
            "--seeds" => self.seeds = number()?,
            "--seed" => self.seed = number()?,
            "--ticks" => self.ticks = number()?,
            "--lines" => self.lines = usize::try_from(number()?).unwrap_or(usize::MAX),
            "--bug" => self.bug = Some(value),
            "--replay" => self.replay = Some(value),
            _ => return Err(format!("unknown option {flag}\n{HELP}")),
        }
        Ok(())
    }
}

#[cfg(feature = "planted-bugs")]
fn plant(name: &str) -> Result<(), String> {
    let bugs = blumfeld_broker::Bug::ALL;
    let known = || bugs.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let bug = bugs.iter().find(|(known, _)| *known == name);
    let (_, bug) = bug.ok_or_else(|| format!("there is no bug {name}, only {}", known()))?;
    blumfeld_broker::plant(*bug);
    Ok(())
}

#[cfg(not(feature = "planted-bugs"))]
fn plant(_: &str) -> Result<(), String> {
    Err("no bugs can be planted in this program: build it with --features planted-bugs".to_owned())
}

fn replay(file: &str) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}"))?;
    let mut engine = blumfeld_wasm::replay(&text).map_err(|error| format!("{file}: {error}"))?;
    let (_, _, lines) = engine.ready_view();
    for line in lines.iter().rev().take(20).rev() {
        println!("{line:?}");
    }
    println!(
        "{} events, now {}, digest {:016x}",
        engine.world().events(),
        engine.world().now(),
        engine.digest()
    );
    Ok(())
}

/// One seed alone is looked into: what was done to it, and the last lines that led there.
fn tell(run: &mut Run, shown: usize) {
    eprintln!("{}", run.describe());
    for (at, fault) in &run.faults {
        eprintln!("{at} fault {fault}");
    }
    for node in run.world.nodes().collect::<Vec<_>>() {
        let Some(broker) = run.world.broker(node) else { continue };
        let log = broker.metadata_log();
        eprintln!(
            "{node} {:?} with epoch {}, known with {:?}: metadata {}..{} in epochs {:?}, replayed up to {}, quorum epoch {}{}",
            broker.state(),
            broker.broker_epoch(),
            broker.image().brokers().get(&node.0).map(|known| (known.epoch, known.fenced)),
            log.log_start(),
            log.log_end(),
            log.epochs().entries(),
            broker.metadata_offset(),
            broker.controller_epoch(),
            if broker.is_active_controller() { ", active controller" } else { "" },
        );
        for (_, replica) in broker.replicas().partitions() {
            let (log, registration) = (replica.log(), replica.registration());
            eprintln!(
                "{node} {} {}: log {}..{}, last stable offset {}, high watermark {}, epoch {} of leader {}, ISR {:?}, {:?}",
                if replica.is_leader() { "leads" } else { "has" },
                replica.name(),
                log.log_start(),
                log.log_end(),
                replica.last_stable_offset(),
                replica.high_watermark(),
                registration.leader_epoch,
                registration.leader,
                registration.isr,
                replica.followers().collect::<Vec<_>>(),
            );
        }
    }
    let (mut lines, _) = run.world.trace_mut().take();
    // What goes on without end would hide the rest.
    lines.retain(|line| {
        !matches!(line.event, TraceEvent::Appended { .. } | TraceEvent::HighWatermarkAdvanced { .. })
    });
    let said = run.told.iter().map(|(at, member, fact)| (*at, format!("{at} client{}: {fact:?}", member.0)));
    let said = said.chain(run.said().cloned());
    let mut lines: Vec<_> = lines.iter().map(|line| (line.at, line.to_string())).chain(said).collect();
    lines.sort_by_key(|(at, _)| *at);
    lines.iter().rev().take(shown).rev().for_each(|(_, line)| eprintln!("{line}"));
}

/// The run of a seed with what the flags name.
fn run_of(seed: u64, kind: &str) -> Run {
    let has = |flag: &str| kind.split(' ').any(|one| one == flag);
    let run = if has("--compaction") {
        Run::with_compaction(seed)
    } else if has("--transactions") {
        Run::with_transactions(seed)
    } else if has("--topics") {
        Run::with_topics(seed)
    } else if has("--triggers") {
        Run::with_triggers(seed)
    } else {
        Run::new(seed)
    };
    if has("--members") { run.and_members(seed) } else { run }
}

/// The seeds of the fixture, their ticks, and the flags of what their runs have.
fn known() -> Result<Vec<(u64, u64, String)>, String> {
    let lines = KNOWN.lines().zip(1..).filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    let parsed = lines.map(|(line, at)| {
        let mut words = line.split(' ');
        let mut number = || words.next().and_then(|word| word.parse().ok());
        match (number(), number()) {
            (Some(seed), Some(ticks)) => {
                let flags: Vec<&str> = words.take_while(|word| word.starts_with("--")).collect();
                Ok((seed, ticks, flags.join(" ")))
            }
            _ => Err(format!("seeds.txt, line {at}: \"{line}\" is no seed and ticks")),
        }
    });
    parsed.collect()
}

fn seeds(options: &Options) -> Result<(), String> {
    let seeds = if options.known {
        known()?
    } else {
        let end = options.seed.saturating_add(options.seeds);
        (options.seed..end).map(|seed| (seed, options.ticks, options.kind())).collect()
    };
    let (mut failed, mut events, mut counts) = (0, 0, (0, 0));
    let mut faults: BTreeMap<String, u64> = BTreeMap::new();
    let (mut changes, mut recreations, mut transactions) = ([0; 3], 0, [0; 5]);
    let mut compaction = [0; 4];
    for (done, (seed, ticks, kind)) in (0..).zip(&seeds) {
        if done > 0 && u64::is_multiple_of(done, PROGRESS) {
            eprintln!("{done} of {} seeds, {failed} failed", seeds.len());
        }
        let faults_for = Duration::from_millis((*ticks).max(1_000));
        let mut run = run_of(*seed, kind);
        // What panics in a node is a failure of its seed, and not of those behind it. The run is only looked at after
        // that.
        let result = catch_unwind(AssertUnwindSafe(|| run.run(faults_for)))
            .unwrap_or_else(|_| Err("a node panicked".to_owned()));
        events += run.world.events();
        for (_, fault) in &run.faults {
            let text = fault.to_string();
            let word = text.split(' ').next().unwrap_or_default();
            *faults.entry(word.to_owned()).or_default() += 1;
        }
        recreations += run.recreations();
        compaction.iter_mut().zip(run.compaction_counts()).for_each(|(all, of_one)| *all += of_one);
        transactions.iter_mut().zip(run.transaction_counts()).for_each(|(all, of_one)| *all += of_one);
        changes.iter_mut().zip(run.membership_changes()).for_each(|(all, of_one)| *all += of_one);
        let (acknowledged, read) = run.checks.records.counts();
        counts = (counts.0 + acknowledged, counts.1 + read);
        if let Err(what) = result {
            failed += 1;
            if seeds.len() == 1 {
                tell(&mut run, options.lines);
            }
            let at = run.world.now();
            let kind = if kind.is_empty() { String::new() } else { format!(" {kind}") };
            let bug = options.bug.as_ref().map_or_else(String::new, |bug| format!(" --bug {bug}"));
            eprintln!(
                "seed {seed} at {at}: {what}; again: cargo xtask sim --seed {seed} --seeds 1 --ticks {ticks}{kind}{bug}"
            );
        }
    }
    let faults: Vec<String> = faults.into_iter().map(|(word, count)| format!("{count} {word}")).collect();
    println!("faults: {}", faults.join(", "));
    if options.members {
        let [came, went, lost] = changes;
        println!("brokers: {came} came, {went} went, {lost} were lost with their disks and replaced");
    }
    if options.topics {
        println!("a topic was created again {recreations} times");
    }
    if options.compaction {
        let [sent, stood, missing, passes] = compaction;
        println!(
            "{passes} passes of cleaners: of {stood} records of compacted topics ({sent} in tables) {missing} were taken out"
        );
    }
    if options.transactions || options.compaction {
        let [all, committed, aborted, started, beside] = transactions;
        println!(
            "{all} transactions, of which clients know {committed} as committed and {aborted} as aborted"
        );
        println!("{started} programs, {beside} of them beside another with their id");
    }
    // Clients that write in transactions have a checker of their own, whose counts are told above.
    let records = match counts {
        (0, 0) => String::new(),
        (acknowledged, read) => format!(", {acknowledged} records acknowledged, {read} read"),
    };
    println!("{} seeds: {events} events{records}; {failed} seeds failed", seeds.len());
    if failed == 0 { Ok(()) } else { Err(format!("{failed} seeds failed")) }
}

/// The page's random runs.
fn page(options: &Options) -> Result<(), String> {
    let planted = match &options.bug {
        None => None,
        Some(name) => {
            let known = || Planted::ALL.map(|(name, _)| name).join(", ");
            let found = Planted::ALL.iter().find(|(known, _)| known == name);
            Some(found.ok_or_else(|| format!("the page has no bug {name}, only {}", known()))?.1)
        }
    };
    let span = Duration::from_millis(options.ticks.max(1_000) / 4);
    let (mut failed, mut events, mut records, mut counts, mut turns) = (0, 0, 0, [0; 6], 0);
    for seed in options.seed..options.seed.saturating_add(options.seeds) {
        let mut run = PageRun::new(seed, planted);
        run.wordy = options.seeds == 1;
        let result = catch_unwind(AssertUnwindSafe(|| run.run(4, span)))
            .unwrap_or_else(|_| Err("something panicked".to_owned()));
        events += run.engine().world().events();
        records += run.acknowledged();
        turns = run.turns.max(turns);
        let done = seed - options.seed + 1;
        if done.is_multiple_of(PROGRESS) && done < options.seeds {
            eprintln!("{done} of {} seeds, {failed} failed", options.seeds);
        }
        counts.iter_mut().zip(run.counts).for_each(|(all, of_one)| *all += of_one);
        if let Err(what) = result {
            failed += 1;
            let at = run.engine().world().now();
            if options.seeds == 1 {
                let told = run.told.iter().rev().take(options.lines).rev();
                told.for_each(|(at, what)| eprintln!("{at} {what}"));
            }
            if options.seeds == 1 {
                let lines = run.engine().world().trace().after(0);
                let told = lines.filter(|line| {
                    !matches!(
                        line.event,
                        TraceEvent::Appended { .. } | TraceEvent::HighWatermarkAdvanced { .. }
                    )
                });
                told.for_each(|line| eprintln!("{line}"));
            }
            let bug = options.bug.as_ref().map_or_else(String::new, |bug| format!(" --bug {bug}"));
            let ticks = options.ticks;
            eprintln!(
                "seed {seed} at {at}: {what}; again: cargo xtask sim --page --seed {seed} --seeds 1 --ticks {ticks}{bug}"
            );
        }
    }
    let [reloads, takeovers, commits, failures, switches, faults] = counts;
    println!(
        "{reloads} reloads, {takeovers} takeovers, {commits} commits, {failures} that failed, {switches} changes of durability, {faults} faults"
    );
    println!(
        "{} seeds: {events} events in last lives, {records} records acknowledged, at most {turns} turns; {failed} seeds failed",
        options.seeds
    );
    if failed == 0 { Ok(()) } else { Err(format!("{failed} seeds failed")) }
}

fn main() -> ExitCode {
    let result = options().and_then(|options| {
        if options.page {
            return page(&options);
        }
        options.bug.as_deref().map_or(Ok(()), plant)?;
        match &options.replay {
            Some(file) => replay(file),
            None => seeds(&options),
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sim: {error}");
            ExitCode::FAILURE
        }
    }
}
