//! `compare`: sends odd requests to Apache Kafka and to the gateway, and lists where they differ.

use std::collections::VecDeque;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use blumfeld_compare::corpus::Corpus;
use blumfeld_compare::generate::{self, Change};
use blumfeld_compare::report::Report;
use blumfeld_compare::side::Side;
use blumfeld_compare::stages::{self, Base, Fixture};
use blumfeld_compare::step::{Request, Step};
use blumfeld_compare::{play, wire};
use blumfeld_kernel::Prng;
use blumfeld_protocol::ApiKey;
use blumfeld_protocol::definition::Kind;
use clap::Parser;
use serde_json::{Value, json};

/// Pairs of odd places that are in every run: what was found by chance once stays found.
const ALWAYS: &str = include_str!("../always.txt");

/// So long one waits for an answer that may not come.
const PATIENCE: Duration = Duration::from_millis(500);

/// Sends odd requests to Apache Kafka and to the gateway, and lists where their answers differ.
#[derive(Parser, Debug)]
struct Options {
    /// Where Apache Kafka listens; of several that are asked side by side, where each does.
    #[arg(long, value_delimiter = ',')]
    kafka: Vec<SocketAddr>,
    /// Where as many gateways listen.
    #[arg(long, value_delimiter = ',')]
    ours: Vec<SocketAddr>,
    /// The differences that stay, each with its reason.
    #[arg(long)]
    known: PathBuf,
    /// Only APIs whose names have one of these in them.
    #[arg(long, value_delimiter = ',')]
    api: Vec<String>,
    /// Requests with two odd places, for each good request and version.
    #[arg(long, default_value_t = 300)]
    pairs: usize,
    /// One in so many of the requests with one odd place.
    #[arg(long, default_value_t = 1)]
    one_in: u64,
    /// The seed of what is chosen at random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes what Kafka says to this file.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Writes the differences to this file.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(kinds) => {
            eprintln!("compare: {kinds} kinds of differences are not in known.txt");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("compare: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One Kafka and one gateway, and what was prepared on both.
struct Run<'a> {
    kafka: Side,
    ours: Side,
    /// What all of them found.
    report: &'a Mutex<Report>,
    /// How many of the requests were its own.
    requests: u64,
    corpus: Option<Corpus>,
    /// The last number that a preparation got.
    number: u64,
    /// The number of the last topic.
    number_of_topic: u64,
    /// The same, if that is as it was prepared.
    topic: Option<u64>,
    /// What else is there, and its number.
    prepared: Option<(Fixture, u64)>,
}

fn lock(report: &Mutex<Report>) -> MutexGuard<'_, Report> {
    report.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Run<'_> {
    /// Plays a step; whether the answers differ.
    fn step(&mut self, step: &Step) -> Result<bool> {
        let known = |kafka: &Value, ours: &Value| step.compared && lock(self.report).knows(step, kafka, ours);
        let (kafka, ours) = play::both(&mut self.kafka, &mut self.ours, step, known)?;
        self.requests += u64::from(step.compared);
        let differs = step.compared && lock(self.report).take(step, &kafka, &ours)?;
        // What differs is in the report until it is mended; the corpus keeps what is the same from being lost.
        if let Some(corpus) = self.corpus.as_mut().filter(|_| !stages::lasts(step)) {
            corpus.add(&Step { compared: step.compared && !differs, ..step.clone() }, &kafka)?;
        }
        Ok(differs)
    }

    /// Sees to it that what a request wants is there; gives the numbers of the topic and of the rest.
    fn prepare(&mut self, fixture: Fixture, version: i16) -> Result<(u64, u64)> {
        let topic = match self.topic {
            Some(topic) => topic,
            None if fixture == Fixture::Nothing => 0,
            None => {
                // The one before is not needed any more, and a thousand of them make a broker slow.
                self.step(&stages::without_topic(self.number_of_topic))?;
                self.number += 1;
                self.number_of_topic = self.number;
                for step in stages::topic(self.number) {
                    self.step(&step)?;
                }
                self.prepared = None;
                *self.topic.insert(self.number)
            }
        };
        if let Some((_, number)) = self.prepared.filter(|(there, _)| *there == fixture) {
            return Ok((topic, number));
        }
        self.number += 1;
        for step in stages::prepare(fixture, version, topic, self.number) {
            self.step(&step)?;
        }
        self.prepared = Some((fixture, self.number));
        Ok((topic, self.number))
    }

    fn case(&mut self, base: &Base, version: i16, what: &str, mut request: Request) -> Result<()> {
        if stages::harmful(base.api, &request.body) {
            return Ok(());
        }
        let (topic, number) = self.prepare(base.fixture, version)?;
        request.version = version;
        request.body = stages::numbered(&request.body, topic, number);
        let leave = stages::leave(&request);
        let mut step = Step { again: base.reads, ..Step::compare(what, request) };
        if leave.is_some() {
            step = step.keep(stages::JOINED, "/memberId");
        }
        let mut differs = self.step(&step)?;
        for (api, version, body) in &base.probe {
            let request = Request::new(*api, *version, stages::numbered(body, topic, number));
            let what = format!("after {} {what}", base.api as i16);
            differs |= self.step(&Step { again: true, ..Step::compare(what, request) })?;
        }
        if let Some(leave) = leave {
            self.step(&leave)?;
        }
        let changed = differs && !base.reads;
        if let Some(undo) = Some(()).filter(|()| changed).and_then(|()| stages::undo(&step)) {
            self.step(&undo)?;
        }
        if base.fresh || changed {
            self.prepared = None;
        }
        if changed || (base.fresh && base.fixture == Fixture::Topic) {
            self.topic = None;
        }
        Ok(())
    }

    fn base(&mut self, base: &Base, version: i16, options: &Options) -> Result<()> {
        let message = wire::definition(base.api as i16, Kind::Request)?;
        let flexible = message.flexible.has(version);
        let mut prng = Prng::new(options.seed, &format!("{} {version}", message.name));
        let changes = generate::changes(&message.fields, version, flexible, &base.body);
        let good = Request::new(base.api, version, base.body.clone());
        self.case(base, version, "good", good.clone())?;
        let chosen: Vec<&Change> = changes.iter().filter(|_| prng.below(options.one_in) == 0).collect();
        for change in chosen {
            let request = Request { body: change.apply(&base.body), ..good.clone() };
            self.case(base, version, &change.what, request)?;
        }
        let always = generate::always(ALWAYS, message.name, &changes);
        for (one, other) in always.into_iter().chain(generate::pairs(&changes, options.pairs, &mut prng)) {
            if let (Some(one), Some(other)) = (changes.get(one), changes.get(other)) {
                let body = other.apply(&one.apply(&base.body));
                let what = format!("{} and {}", one.what, other.what);
                self.case(base, version, &what, Request { body, ..good.clone() })?;
            }
        }
        for (what, request) in around(&good) {
            self.case(base, version, &what, request)?;
        }
        Ok(())
    }
}

/// What can be odd about a request beside its body.
fn around(good: &Request) -> Vec<(String, Request)> {
    let mut all = Vec::new();
    for cut in [1, 2, 3, 5, 9] {
        all.push((format!("without its last {cut} bytes"), Request { cut, ..good.clone() }));
    }
    for tail in [1, 4, 100] {
        all.push((format!("with {tail} bytes behind it"), Request { tail: vec![0; tail], ..good.clone() }));
        all.push((
            format!("with {tail} bytes of 255 behind it"),
            Request { tail: vec![255; tail], ..good.clone() },
        ));
    }
    for (what, client) in [
        ("null", Value::Null),
        ("empty", json!("")),
        ("of length -2", json!({ "$len": -2, "$raw": "YWI=" })),
        ("that is no UTF-8", json!({ "$raw": "YWL/w6k=" })),
        ("longer than the rest", json!({ "$len": 32767, "$raw": "YWI=" })),
        ("of 32767 letters", json!("c".repeat(32767))),
        ("in Korean", json!("주문")),
    ] {
        all.push((format!("client id {what}"), Request { client, ..good.clone() }));
    }
    all
}

/// The versions that a side serves, by API.
fn served(side: &mut Side) -> Result<Vec<(i16, i16, i16)>> {
    let answer =
        play::one(side, &Step::compare("versions", Request::new(ApiKey::ApiVersions, 0, json!({}))))?;
    let keys = answer.get("apiKeys").and_then(Value::as_array).context("no answer to ApiVersions")?;
    let number =
        |one: &Value, name: &str| one.get(name).and_then(Value::as_i64).and_then(|n| i16::try_from(n).ok());
    keys.iter()
        .map(|one| Some((number(one, "apiKey")?, number(one, "minVersion")?, number(one, "maxVersion")?)))
        .collect::<Option<Vec<_>>>()
        .context("no answer to ApiVersions")
}

/// A good request in one version: what one of the pairs does at a time.
type Unit = (Base, i16);

/// Everything that is to be done, in the order in which a corpus has it.
fn units(options: &Options, theirs: &[(i16, i16, i16)], own: &[(i16, i16, i16)]) -> Result<VecDeque<Unit>> {
    let mut units = VecDeque::new();
    for base in stages::bases() {
        let definition = wire::definition(base.api as i16, Kind::Request)?;
        let key = base.api as i16;
        let ends =
            |all: &[(i16, i16, i16)]| all.iter().find(|(api, ..)| *api == key).map(|(_, a, b)| (*a, *b));
        let (Some(theirs), Some(own)) = (ends(theirs), ends(own)) else { continue };
        let chosen = |part: &String| definition.name.to_lowercase().contains(&part.to_lowercase());
        if !(options.api.is_empty() || options.api.iter().any(chosen)) {
            continue;
        }
        let first = theirs.0.max(own.0).max(base.versions.0).max(definition.versions.first);
        let last = theirs.1.min(own.1).min(base.versions.1);
        units.extend((first..=last).map(|version| (base.clone(), version)));
    }
    Ok(units)
}

/// Says where the two serve different versions.
fn versions(theirs: &[(i16, i16, i16)], own: &[(i16, i16, i16)]) {
    for (api, first, last) in theirs {
        let versions = own.iter().find(|(key, ..)| key == api).map(|(_, first, last)| (*first, *last));
        if versions != Some((*first, *last)) {
            let name = wire::definition(*api, Kind::Request).map_or("not known here", |message| message.name);
            let ours =
                versions.map_or_else(|| "nothing".to_owned(), |(first, last)| format!("{first} to {last}"));
            println!("{name} ({api}): Kafka serves {first} to {last}, we {ours}");
        }
    }
}

/// Does what is left to do, one unit after the other.
fn work(run: &mut Run<'_>, left: &Mutex<VecDeque<Unit>>, options: &Options) -> Result<()> {
    for step in stages::begin() {
        run.step(&step)?;
    }
    loop {
        let next = left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some((base, version)) = next else { return Ok(()) };
        let name = wire::definition(base.api as i16, Kind::Request)?.name;
        // A version begins with nothing of the one before: one API can be run alone.
        (run.topic, run.prepared) = (None, None);
        let before = run.requests;
        if let Err(error) = run.base(&base, version, options).with_context(|| format!("{name} {version}")) {
            // Nobody goes on with what is no comparison any more.
            left.lock().unwrap_or_else(PoisonError::into_inner).clear();
            return Err(error);
        }
        let report = lock(run.report);
        let (requests, all, kinds) = (run.requests - before, report.requests(), report.unknown());
        eprintln!("{name} {version}: {requests} requests; {all} so far, {kinds} kinds of differences");
        if let Some(file) = &options.out {
            // As far as it is known: a run is long.
            fs::write(file, report.differences()?)
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
    }
}

fn run(options: &Options) -> Result<usize> {
    let known = fs::read_to_string(&options.known)
        .with_context(|| format!("cannot read {}", options.known.display()))?;
    let report = Mutex::new(Report::new(&known)?);
    ensure!(!options.kafka.is_empty(), "one Kafka at least is needed: --kafka");
    ensure!(options.kafka.len() == options.ours.len(), "there must be as many gateways as Kafkas");
    ensure!(options.record.is_none() || options.kafka.len() == 1, "what is recorded is of one Kafka");
    let mut runs: Vec<Run<'_>> = (options.kafka.iter().zip(&options.ours))
        .map(|(kafka, ours)| Run {
            kafka: Side::new(*kafka, PATIENCE),
            ours: Side::new(*ours, PATIENCE),
            report: &report,
            requests: 0,
            corpus: options.record.as_ref().map(|_| Corpus::default()),
            number: 0,
            number_of_topic: 0,
            topic: None,
            prepared: None,
        })
        .collect();
    let mut left = VecDeque::new();
    if let Some(first) = runs.first_mut() {
        let (theirs, own) = (served(&mut first.kafka)?, served(&mut first.ours)?);
        versions(&theirs, &own);
        left = units(options, &theirs, &own)?;
    }
    let left = Mutex::new(left);
    thread::scope(|scope| {
        let all: Vec<_> = runs.iter_mut().map(|run| scope.spawn(|| work(run, &left, options))).collect();
        all.into_iter().try_for_each(|one| one.join().map_err(|_| anyhow!("a comparer broke off"))?)
    })?;
    let report = lock(&report);
    if options.out.is_none() {
        print!("{}", report.differences()?);
    }
    print!("{}", report.summary()?);
    if let (Some(file), Some(corpus)) = (&options.record, runs.pop().and_then(|run| run.corpus)) {
        fs::write(file, corpus.finish()?).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(report.unknown())
}
