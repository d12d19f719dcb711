//! Random runs of what the page does to a cluster: an engine with its console, its clients in the background and its
//! store, under reloads at any moment, commits that fail, end late or are never done, other tabs that take the store
//! over, changes of durability and pace, a real clock that stands or jumps, files that are half read, crashes and power
//! cuts.
//!
//! The store is one in memory, and the run keeps what it must hold: each commit that was done is remembered with the
//! disks and the records that were acknowledged when it was put together. After a reload the disks must be those, to
//! the byte; what was acknowledged in strict durability must be there, and in relaxed what was acknowledged before that
//! commit.

mod checks;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use blumfeld_kernel::{Disk, Instant, Prng};
use blumfeld_sim::checkers::unhealthy;
use blumfeld_store::{Loaded, Memory, Mirror};
use blumfeld_view::{Durability, Pace, Returned, Stream};
use blumfeld_wasm::{Boot, Commit, Committed, Engine, Keeper};
use bytes::Bytes;
use futures_executor::block_on;

use crate::cluster::Checks;
use checks::Lives;

const CLUSTER: &str = "page";
const AT: &str = "--bootstrap-server localhost:9092";
/// The real clock at the beginning, in milliseconds since 1970-01-01 UTC.
const EPOCH_MS: i64 = 1_700_000_000_000;
/// A cluster serves at the latest so long after its start, in virtual time.
const BOOT: Duration = Duration::from_secs(60);
/// A group has no member any more whose client a reload has ended, so long after it.
const GHOSTS: Duration = Duration::from_secs(30);
/// Whether all is whole is looked at every so many turns, where it is waited for.
const LOOK: u32 = 16;
/// `session.timeout.ms`.
const SESSION: Duration = Duration::from_secs(45);
/// A command ends at the latest after so long without faults.
const PATIENCE: Duration = Duration::from_secs(120);
/// A turn of the worker with nothing to do, in real time.
const REST: Duration = Duration::from_millis(5);
/// More turns than any run takes.
const TURNS: u64 = 2_000_000;
/// Topics that records are written to, at most.
const TOPICS: u64 = 4;

/// Old faults of the page that a run can be given, to see that it finds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Each life of the cluster draws what the first one drew.
    RepeatIds,
    /// What was dirty at a reload is never written back.
    ForgetDirty,
    /// A change of durability restarts the brokers.
    RestartOnDurability,
    /// The wall clock is the real one after a reload, be it that the cluster's was ahead.
    ClockBack,
    /// The members of clients that are gone stay in their groups.
    Ghosts,
    /// Clients in the background do not come back.
    LostClients,
}

impl Planted {
    /// All, with their names.
    pub const ALL: [(&str, Planted); 6] = [
        ("repeat-ids", Planted::RepeatIds),
        ("forget-dirty", Planted::ForgetDirty),
        ("restart-on-durability", Planted::RestartOnDurability),
        ("clock-back", Planted::ClockBack),
        ("ghosts", Planted::Ghosts),
        ("lost-clients", Planted::LostClients),
    ];
}

/// A record that was sent, as its value, and its topic.
type Sent = (String, String);

/// What a commit holds.
#[derive(Clone, Default)]
struct Held {
    disks: BTreeMap<i32, Disk>,
    /// How many records were acknowledged when it was put together.
    acknowledged: usize,
    topics: BTreeSet<String>,
    unix_ms: i64,
    /// Whether a machine that had lost its power was not whole again.
    cut: bool,
    /// Names of the clients in the background that are to come back.
    clients: BTreeSet<String>,
}

/// A command of the console that runs.
struct Command {
    what: What,
    since: Instant,
}

enum What {
    /// It creates this topic.
    Create(String),
    /// It writes these records, and has ended well once all are acknowledged.
    Produce(Vec<Sent>),
    /// It reads a dropped file.
    File(Vec<Sent>, Bytes),
    /// Its end says nothing.
    Other,
}

/// A page on a cluster.
pub struct PageRun {
    engine: Engine,
    keeper: Keeper<Memory>,
    memory: Memory,
    rng: Prng,
    planted: Option<Planted>,
    brokers: i32,
    /// The real clock: since the beginning in milliseconds, and as others see it.
    wall_ms: f64,
    real_ms: i64,
    /// A commit that was put together, and what it will hold; and one that was done, of which the engine has not heard.
    preparing: Option<(Commit<Memory>, Held)>,
    done: Option<Committed<Memory>>,
    /// What the store holds.
    held: Held,
    /// Records in the order of their acknowledgements, and whether those were strict.
    acknowledged: Vec<(Sent, bool)>,
    /// So many of them must be there from now on, and the strict ones.
    sure: usize,
    /// When strict was last chosen.
    strict_since: Instant,
    topics: BTreeSet<String>,
    commands: BTreeMap<u32, Command>,
    next: u32,
    /// The numbers that records, topics and files bear.
    number: u64,
    checks: Checks,
    lives: Lives,
    /// When members of clients that are gone must have left.
    ghosts_until: Option<Instant>,
    /// A machine has lost its power, and its replicas are not whole again. Until they are, Kafka may lose what was
    /// acknowledged if all others are killed too (KIP-966), as a reload does.
    cut: bool,
    /// What was done, with the virtual time.
    pub told: Vec<(Instant, String)>,
    /// Whether `told` also has the events that the page has taken.
    pub wordy: bool,
    /// How many turns it took so far.
    pub turns: u64,
    /// How often each thing was done: reloads, takeovers, commits, failed commits, switches, faults.
    pub counts: [u64; 6],
}

impl PageRun {
    /// The page of a seed, which was just opened for the first time.
    pub fn new(seed: u64, planted: Option<Planted>) -> PageRun {
        let mut rng = Prng::new(seed, "page");
        let brokers = if rng.chance(1, 3) { 1 } else { 3 };
        let durability = if rng.chance(1, 2) { Durability::Strict } else { Durability::Relaxed };
        let memory = Memory::new();
        let (mirror, _) = block_on(Mirror::open(memory.clone(), |_, _| {})).expect("a new store opens");
        PageRun {
            engine: Engine::new(Boot::fresh(CLUSTER, seed, EPOCH_MS, brokers, durability)),
            keeper: Keeper::new(mirror),
            memory,
            rng,
            planted,
            brokers,
            wall_ms: 0.0,
            real_ms: EPOCH_MS,
            preparing: None,
            done: None,
            held: Held::default(),
            acknowledged: Vec::new(),
            strict_since: Instant::ZERO,
            sure: 0,
            topics: BTreeSet::new(),
            commands: BTreeMap::new(),
            next: 0,
            number: 0,
            checks: Checks::new("load", true, false),
            lives: Lives::default(),
            ghosts_until: None,
            cut: false,
            told: Vec::new(),
            wordy: false,
            turns: 0,
            counts: [0; 6],
        }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How many records were acknowledged, and are still held.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// Runs it all: `lives` openings of the page, each for about `span` of virtual time, and a look at everything at
    /// the end.
    ///
    /// # Errors
    /// The first thing that must not be.
    pub fn run(&mut self, lives: u32, span: Duration) -> Result<(), String> {
        self.until_ready()?;
        // As an operator of a small cluster would: fifty partitions would take all the time.
        let replicas = if self.brokers > 1 { 3 } else { 1 };
        let line = format!(
            "kafka-topics.sh {AT} --create --topic __consumer_offsets --partitions 2 --replication-factor {replicas} \
             --config cleanup.policy=compact"
        );
        self.line(&line, What::Other);
        for life in 0..lives {
            if life > 0 {
                self.reload()?;
            }
            let end = self.engine.world().now() + span.mul_f64(0.2 + unit(&mut self.rng) * 1.6);
            // A clock that runs fast gets there sooner; one that stands does not.
            let mut turns = 0;
            while self.engine.world().now() < end && turns < 4_000 {
                turns += 1;
                self.something()?;
                self.turn()?;
            }
        }
        self.quiet()
    }

    // ---- time

    /// The engine goes on a little, and the store with it.
    fn turn(&mut self) -> Result<(), String> {
        // Up to the next event, so that what happens in between can be looked at.
        let world = self.engine.world();
        let times = match self.engine.pace() {
            Pace::Times(times) => times,
            Pace::Paused | Pace::Fastest => 1.0,
        };
        let wait = world.next_event().map_or(REST, |at| at.since(world.now()));
        // Virtual time stands while a flush waits for the store; the worker's next turn comes all the same.
        let wall = match self.engine.awaits_store() {
            true => REST,
            false => (wait + Duration::from_micros(1)).min(Duration::from_millis(50)).div_f64(times),
        };
        self.turns += 1;
        if self.turns > TURNS {
            return Err(format!("it does not come to an end in {TURNS} turns"));
        }
        self.wall_ms += wall.as_secs_f64() * 1e3;
        #[allow(clippy::cast_possible_truncation, reason = "a small positive span")]
        let millis = (wall.as_secs_f64() * 1e3) as i64;
        self.real_ms += millis;
        self.engine.advance(wall, || true);
        self.checks.look(self.engine.world()).map_err(|error| format!("checks: {error}"))?;
        self.lives.look(&self.engine, self.engine.is_ready())?;
        self.cut = self.cut && !self.is_whole();
        if self.ghosts_until.is_some_and(|until| self.engine.world().now() > until) {
            self.ghosts_until = None;
            self.lives.ghosts(&self.engine)?;
        }
        self.console()?;
        self.pieces();
        self.store(1, 3)
    }

    fn until_ready(&mut self) -> Result<(), String> {
        let deadline = self.engine.world().now() + BOOT;
        self.engine.set_pace(Pace::Times(1.0));
        while !self.engine.is_ready() {
            self.turn()?;
            if self.engine.world().now() > deadline {
                return Err("the brokers do not start".to_owned());
            }
        }
        Ok(())
    }

    // ---- the store

    /// A commit begins, is done, or comes to its end, each with a chance of `part` in `of` if it can.
    fn store(&mut self, part: u64, of: u64) -> Result<(), String> {
        if let Some(done) = self.done.take() {
            if !self.rng.chance(part, of) {
                self.done = Some(done);
                return Ok(());
            }
            let finished = self.keeper.finish(&mut self.engine, self.wall_ms, done);
            return finished.map_err(|_| "a commit was fenced off without another writer".to_owned());
        }
        if let Some((commit, held)) = self.preparing.take() {
            if !self.rng.chance(part, of) {
                self.preparing = Some((commit, held));
                return Ok(());
            }
            // Brokers that start have much to store: it fails them less often, or they would seldom come to serve.
            let fails = part < of && self.rng.chance(1, if self.is_whole() { 40 } else { 400 });
            self.memory.set_limit(fails.then_some(0));
            let done = block_on(commit.run());
            self.memory.set_limit(None);
            self.tell(if fails { "a commit fails" } else { "a commit is done" }.to_owned());
            self.counts[if fails { 3 } else { 2 }] += 1;
            if !fails {
                self.sure = self.sure.max(held.acknowledged);
                self.held = held;
            }
            self.done = Some(done);
            return Ok(());
        }
        if let Some(commit) = self.keeper.begin(&mut self.engine, self.wall_ms, false) {
            let world = self.engine.world();
            let disks = world.nodes().filter_map(|node| Some((node.0, world.disk(node)?.disk().clone())));
            let clients = self.engine.meta().clients;
            let held = Held {
                disks: disks.collect(),
                acknowledged: self.acknowledged.len(),
                topics: self.topics.clone(),
                unix_ms: world.unix_ms(),
                cut: self.cut,
                clients: clients
                    .into_iter()
                    .filter(|one| !one.line.contains("--num"))
                    .filter_map(|one| one.name)
                    .collect(),
            };
            self.preparing = Some((commit, held));
        }
        Ok(())
    }

    /// The page goes away, at whatever point it is, and comes back: in this tab, or in another that takes the cluster
    /// over.
    fn reload(&mut self) -> Result<(), String> {
        let deadline = self.engine.world().now() + BOOT;
        let cut = |run: &PageRun| {
            run.cut || run.held.cut || run.preparing.as_ref().is_some_and(|(_, held)| held.cut)
        };
        while cut(self) && self.engine.world().now() < deadline {
            self.turn()?;
        }
        if cut(self) {
            // It took too long, as where the clock is slow: what was acknowledged may be gone.
            self.acknowledged.clear();
            self.sure = 0;
            if let Some((_, held)) = &mut self.preparing {
                held.acknowledged = 0;
            }
        }
        let takeover = self.rng.chance(1, 5);
        self.counts[usize::from(takeover)] += 1;
        self.tell(format!(
            "reload in {:?}{}",
            self.engine.durability(),
            if takeover { " by another tab" } else { "" }
        ));
        let (old, old_done) = (self.preparing.take(), self.done.take());
        drop(old_done);
        // A commit that was handed over may still be done.
        let late = match old {
            Some((commit, held)) if self.rng.chance(1, 3) => {
                drop(block_on(commit.run()));
                self.sure = self.sure.max(held.acknowledged);
                self.held = held;
                None
            }
            other => other,
        };
        // The real clock goes on meanwhile, or is set back by somebody.
        self.real_ms += i64::try_from(self.rng.below(100_000)).unwrap_or(0) - 30_000;
        let durability = self.engine.durability();
        let (mirror, mut loaded) =
            block_on(Mirror::open(self.memory.clone(), |_, _| {})).map_err(|error| error.to_string())?;
        if let (true, Some((commit, _))) = (takeover, late) {
            // The older tab does not know yet.
            let done = block_on(commit.run());
            if self.keeper.finish(&mut self.engine, self.wall_ms, done).is_ok() {
                return Err("an older tab has written to the store".to_owned());
            }
        }
        checks::same_disks(&loaded, &self.held.disks)?;
        let want = self.held.clients.clone();
        let clients = loaded.meta.iter().flat_map(|meta| &meta.clients);
        let gone: Vec<String> = clients.filter_map(|client| Some(client.member.clone()?.1)).collect();
        self.plant(&mut loaded);
        let number = if self.planted == Some(Planted::RepeatIds) { 0 } else { mirror.boot() };
        let fresh = Boot::fresh(CLUSTER, self.engine.seed(), self.real_ms, self.brokers, durability);
        self.engine = Engine::new(Boot::of(loaded, number, fresh));
        self.keeper = Keeper::new(mirror);
        self.checks = Checks::new("load", true, false);
        self.commands.clear();
        if self.engine.world().unix_ms() < self.held.unix_ms {
            let (now, was) = (self.engine.world().unix_ms(), self.held.unix_ms);
            return Err(format!("the wall clock went back by {} ms over a reload", was - now));
        }
        let strict = self.acknowledged.split_off(self.sure).into_iter().filter(|(_, strict)| *strict);
        self.acknowledged.extend(strict);
        self.sure = self.acknowledged.len();
        self.topics.clone_from(&self.held.topics);
        self.strict_since = Instant::ZERO;
        self.lives.begins(&self.engine, gone);
        self.until_ready()?;
        let Returned { again, .. } = self.engine.bring_back();
        if let Some(name) = want.iter().find(|name| !again.contains(name)) {
            return Err(format!("{name} ran in the background and did not come back"));
        }
        self.ghosts_until = Some(self.engine.world().now() + GHOSTS);
        let deadline = self.engine.world().now() + BOOT;
        while !self.is_whole() {
            for _ in 0..LOOK {
                self.turn()?;
            }
            if self.engine.world().now() > deadline {
                return Err("the cluster is not whole after a reload".to_owned());
            }
        }
        self.there("after a reload")
    }

    /// Whether every broker serves, and every replica is in sync.
    fn is_whole(&self) -> bool {
        self.engine.is_ready() && unhealthy(self.engine.world().partitions_health().as_deref()).is_none()
    }

    fn plant(&self, loaded: &mut Loaded) {
        let Some(meta) = &mut loaded.meta else { return };
        match self.planted {
            Some(Planted::ClockBack) => meta.unix_ms = 0,
            Some(Planted::Ghosts) => meta.clients.iter_mut().for_each(|client| client.member = None),
            Some(Planted::LostClients) => meta.clients.iter_mut().for_each(|client| client.name = None),
            Some(Planted::ForgetDirty) => {
                for disk in loaded.disks.values_mut() {
                    let paths: Vec<_> = disk.files().map(|(path, _)| path.clone()).collect();
                    paths.iter().for_each(|path| disk.file_mut(path).set_dirty_since(Instant::MAX));
                }
            }
            Some(Planted::RepeatIds | Planted::RestartOnDurability) | None => {}
        }
    }

    // ---- what somebody does

    fn tell(&mut self, what: String) {
        self.told.push((self.engine.world().now(), what));
    }

    fn line(&mut self, line: &str, what: What) -> u32 {
        self.tell(line.to_owned());
        self.next += 1;
        self.commands.insert(self.next, Command { what, since: self.engine.world().now() });
        self.engine.console(self.next, line);
        self.next
    }

    fn fresh(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// Now and then somebody does something.
    fn something(&mut self) -> Result<(), String> {
        match self.rng.below(1_200) {
            0..=7 => self.create(),
            8..=25 => self.produce(),
            26..=29 => self.drop_file(),
            30..=35 => self.client(),
            36..=38 => self.stop(),
            39..=42 => return self.switch(),
            43..=50 => self.pace(),
            51..=53 => self.sync(),
            54..=57 => self.fault(),
            58 => {
                // A tab in the background stands, and the real clock does not.
                self.wall_ms += 10_000.0;
                self.real_ms += 10_000;
            }
            59..=70 => {
                if self.wordy {
                    let lines = self.engine.world().trace().after(0).filter(|line| !line.is_frequent());
                    self.told.extend(lines.map(|line| (line.at, format!("{}: {}", line.node, line.event))));
                }
                drop(self.engine.take_delta());
            }
            _ => {}
        }
        Ok(())
    }

    fn create(&mut self) {
        if self.topics.len() as u64 >= TOPICS {
            return;
        }
        let topic = format!("t{}", self.fresh());
        let replicas =
            if self.brokers > 1 { "--replication-factor 3 --config min.insync.replicas=2" } else { "" };
        let line = format!("kafka-topics.sh {AT} --create --topic {topic} --partitions 2 {replicas}");
        self.line(&line, What::Create(topic));
    }

    fn topic(&mut self) -> Option<String> {
        let at = usize::try_from(self.rng.below(self.topics.len() as u64)).unwrap_or(0);
        self.topics.iter().nth(at).cloned()
    }

    fn records(&mut self, topic: &str) -> (Vec<Sent>, String) {
        let count = 1 + self.rng.below(30);
        let sent: Vec<Sent> =
            (0..count).map(|_| (topic.to_owned(), format!("record-{}", self.fresh()))).collect();
        let text = sent.iter().map(|(_, value)| format!("{value}\n")).collect();
        (sent, text)
    }

    fn produce(&mut self) {
        let Some(topic) = self.topic() else { return };
        let (sent, text) = self.records(&topic);
        let line = format!("kafka-console-producer.sh {AT} --topic {topic} --producer-property acks=all");
        let id = self.line(&line, What::Produce(sent));
        self.engine.stdin(id, text.into());
        self.engine.close_stdin(id);
    }

    fn drop_file(&mut self) {
        let Some(topic) = self.topic() else { return };
        let (sent, text) = self.records(&topic);
        let name = format!("file-{}.txt", self.fresh());
        self.engine.add_file(&name, text.len() as u64);
        let line =
            format!("kafka-console-producer.sh {AT} --topic {topic} --producer-property acks=all < {name}");
        self.line(&line, What::File(sent, text.into()));
    }

    /// The browser reads a piece of a file, sooner or later.
    fn pieces(&mut self) {
        let Some((id, _, from)) = self.engine.file_wanted() else { return };
        if !self.rng.chance(1, 3) {
            return;
        }
        let Some(Command { what: What::File(_, bytes), .. }) = self.commands.get(&id) else {
            return self.engine.close_stdin(id);
        };
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
        let piece = bytes.slice(from..bytes.len().min(from + 40));
        if piece.is_empty() { self.engine.close_stdin(id) } else { self.engine.stdin(id, piece) }
    }

    fn client(&mut self) {
        let Some(topic) = self.topic() else { return };
        let line = match self.rng.below(4) {
            0 => format!("workload start produce --topic {topic} --rate 20"),
            1 => format!("kafka-console-consumer.sh {AT} --topic {topic} --group g{}", self.rng.below(2)),
            2 => format!("workload start produce --topic {topic} --rate 50 --num-records 40"),
            _ => format!("workload start consume --topic {topic} --group g{}", self.rng.below(2)),
        };
        self.line(&line, What::Other);
    }

    fn stop(&mut self) {
        if self.rng.chance(1, 2) {
            self.line("workload stop all", What::Other);
        } else if let Some(id) =
            self.commands.iter().find(|(_, one)| matches!(one.what, What::Other)).map(|(id, _)| *id)
        {
            self.engine.interrupt(id);
        }
    }

    /// Durability changes, and no process ends for it.
    fn switch(&mut self) -> Result<(), String> {
        self.console()?;
        self.counts[4] += 1;
        let runs = |engine: &Engine| {
            let world = engine.world();
            let up = world.nodes().filter(|node| world.broker(*node).is_some());
            up.map(|node| (node, world.process_run(node))).collect::<BTreeMap<_, _>>()
        };
        let before = runs(&self.engine);
        let to = match self.engine.durability() {
            Durability::Strict => Durability::Relaxed,
            Durability::Relaxed => Durability::Strict,
        };
        self.tell(format!("{to:?}"));
        self.engine.set_durability(to);
        self.strict_since = self.engine.world().now();
        if self.planted == Some(Planted::RestartOnDurability) {
            for node in before.keys() {
                self.next += 1;
                self.engine.console(self.next, &format!("fault crash {}", node.0));
            }
        }
        if runs(&self.engine) != before {
            return Err("a change of durability ended brokers".to_owned());
        }
        Ok(())
    }

    fn pace(&mut self) {
        let paces = [1.0, 1.0, 0.1, 10.0, 1_000.0];
        let pace = match self.rng.below(7) {
            0 => Pace::Fastest,
            1 => {
                self.engine.step();
                Pace::Times(1.0)
            }
            other => Pace::Times(paces[usize::try_from(other - 2).unwrap_or(0)]),
        };
        self.tell(format!("{pace:?}"));
        self.engine.set_pace(pace);
    }

    /// The page is about to close and asks for everything to be durable; it may stay.
    fn sync(&mut self) {
        self.engine.sync();
    }

    /// One broker breaks and comes back, where the others have everything.
    fn fault(&mut self) {
        let whole =
            self.engine.is_ready() && unhealthy(self.engine.world().partitions_health().as_deref()).is_none();
        if !whole {
            return;
        }
        self.counts[5] += 1;
        let node = 1 + self.rng.below(self.brokers.unsigned_abs().into());
        // The only machine's power takes what was not flushed, as it does at Kafka.
        let power = self.brokers > 1 && self.rng.chance(1, 2);
        let what = if power { "power-cut" } else { "crash" };
        self.cut |= power;
        // A coordinator that goes before a rebalance is over takes with it that a member has left: nothing is written
        // before. As in Kafka the next one waits for the member's session.
        self.ghosts_until = self.ghosts_until.map(|_| self.engine.world().now() + SESSION + GHOSTS);
        self.line(&format!("fault {what} {node}"), What::Other);
        self.line(&format!("fault restart {node}"), What::Other);
    }

    // ---- what comes of it

    fn console(&mut self) -> Result<(), String> {
        for update in self.engine.take_console(usize::MAX) {
            let Some(code) = update.exit else { continue };
            let Some(command) = self.commands.remove(&update.id) else { continue };
            let said = |stream: Stream| {
                update
                    .output
                    .iter()
                    .filter(|text| text.stream == stream)
                    .map(|text| text.text.as_str())
                    .collect::<String>()
            };
            match command.what {
                What::Create(topic) if code == 0 => {
                    self.topics.insert(topic);
                }
                What::Produce(sent) | What::File(sent, _) if code == 0 && said(Stream::Err).is_empty() => {
                    // What was acknowledged, or under way to be, when strict was chosen is not strict yet.
                    let strict =
                        self.engine.durability() == Durability::Strict && command.since >= self.strict_since;
                    self.tell(format!("acknowledged {:?} to {:?}", sent.first(), sent.last()));
                    self.acknowledged.extend(sent.into_iter().map(|sent| (sent, strict)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Every record that must be there is in its topic's log, at the leader.
    fn there(&self, when: &str) -> Result<(), String> {
        let have = checks::values(self.engine.world());
        match self.acknowledged.iter().find(|(sent, _)| !have.contains(sent)) {
            Some(((topic, value), _)) => {
                Err(format!("{when} {value} is not in {topic}, though it was acknowledged"))
            }
            None => Ok(()),
        }
    }

    /// Nothing more is done: commands end, everything is written back and stored, and a last reload finds it.
    fn quiet(&mut self) -> Result<(), String> {
        self.engine.set_pace(Pace::Times(1.0));
        self.line("workload stop all", What::Other);
        let waits = |run: &PageRun| run.commands.values().any(|one| !matches!(one.what, What::Other));
        let (start, mut turns) = (self.engine.world().now(), 0);
        loop {
            self.turn()?;
            self.store(1, 1)?;
            let now = self.engine.world().now();
            let late = now > start + PATIENCE;
            turns += 1;
            if turns % LOOK != 0 {
                continue;
            }
            let whole = self.is_whole();
            if whole && !waits(self) && self.ghosts_until.is_none() && now > start + Duration::from_secs(1) {
                break;
            }
            if late {
                let open = self.commands.values().map(|one| one.since).min();
                return Err(format!(
                    "not whole or not done after {} s: {whole}, {open:?}",
                    PATIENCE.as_secs()
                ));
            }
        }
        self.there("at the end")?;
        if self.rng.chance(1, 8) {
            let record = self.engine.record().borrow().to_json();
            let again = blumfeld_wasm::replay(&record).map_err(|error| format!("the replay: {error}"))?;
            // What happened since the last thing that was done is not in a record.
            if again.world().events() > self.engine.world().events() {
                return Err("the replay went further than what it replays".to_owned());
            }
        }
        self.reload()
    }
}

fn unit(rng: &mut Prng) -> f64 {
    f64::from(u32::try_from(rng.below(1 << 32)).unwrap_or(0)) / f64::from(u32::MAX)
}
