//! The engine: commands go in, what is to be shown comes out.

mod background;
mod events;
mod members;
mod returning;
mod storing;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::rc::Rc;
use std::time::Duration;

use blumfeld_console::Order;
use blumfeld_kernel::{Disk, Endpoint, FilePath, Instant, NodeId};
use blumfeld_shell::{Environment, Language, StdinSource};
use blumfeld_sim::{DiskConfig, Fault, NetworkConfig, ProcessId, World, WorldConfig};
use blumfeld_store::{Loaded, Members, StoredClient};
use blumfeld_view::{
    BatchDetail, BrowseView, ClockView, ClusterView, ConsoleText, Delta, Durability, EventView, Pace,
    RecoveryView, SegmentFile, StoreView, Stream,
};
use bytes::Bytes;

use crate::background_clients::BackgroundClients;
use crate::clients::Rates;
use crate::record::{Done, Record};
use crate::session::Session;

/// The first broker: where the console looks unless it is told otherwise.
const FIRST: NodeId = NodeId(1);
/// Where it listens: what every quick start writes.
const BOOTSTRAP: (&str, u16) = ("localhost", 9092);
/// While a command has more text than this that the page has not got, the world waits.
const OUTPUT_LIMIT: usize = 512 * 1024;
/// Events between two looks at the wall clock.
const EVENTS_A_LOOK: u32 = 64;
/// Exit code of a command that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// What an engine begins with.
#[derive(Clone, Debug)]
pub struct Boot {
    /// The cluster's name.
    pub cluster: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// Which life of the cluster this is: 0 for a new one. No two lives of a cluster may have the same number.
    pub boot: u64,
    /// Wall clock at virtual time 0, in milliseconds since 1970-01-01 UTC.
    pub epoch_ms: i64,
    /// Virtual time to go on from, in microseconds.
    pub now: u64,
    /// When acknowledgements may leave.
    pub durability: Durability,
    /// How many brokers a new cluster has, 1 to 9.
    pub brokers: i32,
    /// Which brokers a cluster has that was stored; `None` for a new one, and for one that was stored without saying
    /// it.
    pub members: Option<Members>,
    /// The clients that ran when the cluster was stored.
    pub clients: Vec<StoredClient>,
    /// The faults that were in force then, in the console's words.
    pub faults: Vec<String>,
    /// The disks by node id.
    pub disks: BTreeMap<i32, Disk>,
}

impl Boot {
    /// A new cluster whose wall clock begins at `epoch_ms`.
    pub fn fresh(cluster: &str, seed: u64, epoch_ms: i64, brokers: i32, durability: Durability) -> Boot {
        Boot {
            cluster: cluster.to_owned(),
            seed,
            boot: 0,
            epoch_ms,
            now: 0,
            durability,
            brokers,
            members: None,
            clients: Vec::new(),
            faults: Vec::new(),
            disks: BTreeMap::new(),
        }
    }

    /// The next life of a cluster that was stored, or the first of one that was not. `fresh` says what the cluster is
    /// as far as nothing else was stored; its `epoch_ms` is the real wall clock now, in milliseconds since 1970-01-01
    /// UTC.
    ///
    /// A cluster whose clock ran faster than the real one may have been ahead of it when it was stored. Its wall clock
    /// goes on from there: it never goes back, and stays ahead by as much.
    pub fn of(loaded: Loaded, boot: u64, fresh: Boot) -> Boot {
        let Some(meta) = loaded.meta else { return Boot { boot, ..fresh } };
        let since = i64::try_from(meta.now / 1_000).unwrap_or(i64::MAX);
        Boot {
            seed: meta.seed,
            boot,
            epoch_ms: fresh.epoch_ms.max(meta.unix_ms).saturating_sub(since),
            now: meta.now,
            members: meta.members,
            clients: meta.clients,
            faults: meta.faults,
            disks: loaded.disks,
            ..fresh
        }
    }
}

/// Progress of a command that reads a dropped file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The command.
    pub id: u32,
    /// The file.
    pub name: String,
    /// Bytes handed to the command.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// What a command has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleUpdate {
    /// The command.
    pub id: u32,
    /// Its texts.
    pub output: Vec<ConsoleText>,
    /// Its exit code, once everything it wrote was told.
    pub exit: Option<i32>,
}

/// A world with its console, clock and store.
pub struct Engine {
    cluster: String,
    seed: u64,
    /// Brokers at the cluster's beginning.
    began_with: i32,
    world: World,
    durability: Durability,
    pace: Pace,
    reached: f64,
    /// Virtual microseconds that the pace asked for and the engine still owes.
    owed: f64,
    sessions: BTreeMap<u32, Session>,
    /// Clients in the background.
    background: BackgroundClients,
    /// Clients of an earlier life that have not been dealt with.
    returning: Vec<StoredClient>,
    /// Faults of an earlier life, until the cluster serves.
    lifted: Vec<String>,
    /// Clients, faults or durability may be others than the store has, whether or not a disk changed.
    unstored: bool,
    /// The process that takes their members out of their groups, and these.
    leaving: Option<(ProcessId, Vec<StoredClient>)>,
    rates: Rates,
    /// Dropped files with their sizes in bytes.
    files: BTreeMap<String, u64>,
    progress: BTreeMap<u32, Progress>,
    language: Language,
    /// Commands that were over at once: a line that could not be read, or a fault.
    answered: Vec<ConsoleUpdate>,
    view: ClusterView,
    /// The browser's storage, as the worker last told.
    pub store: StoreView,
    recovery: Vec<RecoveryView>,
    /// Events that the next delta has to count, because nobody is told of them.
    events_left_out: u64,
    record: Rc<RefCell<Record>>,
}

impl Engine {
    /// A world on these disks. Its broker starts with the first virtual moment.
    pub fn new(boot: Boot) -> Engine {
        let record = Rc::new(RefCell::new(Record::new(&boot)));
        let members = members::members(&boot);
        let config = WorldConfig {
            seed: boot.seed,
            boot: boot.boot,
            epoch_ms: boot.epoch_ms,
            brokers: members::nodes(&members, boot.seed),
            network: NetworkConfig::default(),
            disk: DiskConfig::default(),
            wait_for_store: boot.durability == Durability::Strict,
        };
        let mut disks = boot.disks.into_iter().map(|(node, disk)| (NodeId(node), disk)).collect();
        let world = World::at(config, Instant::from_micros(boot.now), &mut disks);
        let store = StoreView { durability: boot.durability, writer: true, ..StoreView::default() };
        let mut engine = Engine {
            cluster: boot.cluster,
            seed: boot.seed,
            began_with: members.began_with,
            world,
            durability: boot.durability,
            pace: Pace::Times(1.0),
            reached: 1.0,
            owed: 0.0,
            sessions: BTreeMap::new(),
            background: BackgroundClients::default(),
            returning: boot.clients,
            lifted: boot.faults,
            unstored: false,
            leaving: None,
            rates: Rates::default(),
            files: BTreeMap::new(),
            progress: BTreeMap::new(),
            language: Language::English,
            answered: Vec::new(),
            view: ClusterView {
                clock: ClockView {
                    now: boot.now,
                    unix_ms: 0.0,
                    pace: Pace::Times(1.0),
                    reached: 1.0,
                    events: 0,
                },
                brokers: Vec::new(),
                groups: Vec::new(),
                clients: Vec::new(),
                topics: Vec::new(),
                faults: Vec::new(),
                store: store.clone(),
            },
            store,
            recovery: Vec::new(),
            events_left_out: 0,
            record,
        };
        engine.view = engine.current_view();
        engine
    }

    /// The cluster's name.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Its seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Everything that was done so far; shared, so that it can be read while a fault unwinds.
    pub fn record(&self) -> Rc<RefCell<Record>> {
        Rc::clone(&self.record)
    }

    /// Whether the broker serves clients.
    pub fn is_ready(&self) -> bool {
        self.world.is_ready()
    }

    /// A number that two runs share if everything in them was the same.
    pub fn digest(&self) -> u64 {
        self.world.digest()
    }

    fn note(&mut self, done: Done) {
        self.record.borrow_mut().push(self.world.events(), self.world.now(), done);
    }

    // ---- time

    /// Sets the pace.
    pub fn set_pace(&mut self, pace: Pace) {
        self.pace = match pace {
            Pace::Times(times) if times.is_finite() => Pace::Times(times.clamp(0.001, 1_000.0)),
            Pace::Times(_) => Pace::Times(1.0),
            other => other,
        };
        self.owed = 0.0;
    }

    /// The pace that was asked for.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// Handles the next event and stands still.
    pub fn step(&mut self) {
        self.set_pace(Pace::Paused);
        if !self.world.awaits_store() {
            self.world.step();
        }
        self.collect_all();
    }

    /// Goes to where a world had handled so many events and its clock showed `now`; false if this world is not there
    /// then.
    pub(crate) fn go_to(&mut self, events: u64, now: Instant) -> bool {
        while self.world.events() < events && self.world.next_event().is_some_and(|at| at <= now) {
            self.world.step();
        }
        self.world.idle_until(now);
        self.world.events() == events && self.world.now() == now
    }

    /// Lets virtual time run for `wall` of the wall clock; `out_of_time` says when a turn has taken long enough. Gives
    /// whether there is more to do at once.
    pub fn advance(&mut self, wall: Duration, mut out_of_time: impl FnMut() -> bool) -> bool {
        let before = self.world.now();
        let until = match self.pace {
            Pace::Paused => return false,
            Pace::Times(times) => {
                self.owed += wall.as_secs_f64() * 1e6 * times;
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a short positive span"
                )]
                let whole = self.owed as u64;
                Some(before + Duration::from_micros(whole))
            }
            Pace::Fastest => None,
        };
        let (mut handled, mut late) = (0_u32, false);
        loop {
            if self.world.awaits_store() || self.is_choked() || self.waits_for_file() {
                late = true;
                break;
            }
            match self.world.next_event() {
                Some(at) if until.is_none_or(|until| at <= until) => {
                    // With nothing running, as fast as possible would be an endless jump from timer to timer.
                    if until.is_none() && self.is_idle() && self.world.is_ready() && at > before + IDLE_JUMP {
                        self.world.idle_until(before + IDLE_JUMP);
                        break;
                    }
                    self.world.step();
                }
                _ => {
                    if let Some(until) = until {
                        self.world.idle_until(until);
                    }
                    break;
                }
            }
            handled += 1;
            if handled.is_multiple_of(EVENTS_A_LOOK) {
                self.collect_all();
                if out_of_time() {
                    late = true;
                    break;
                }
            }
        }
        self.collect_all();
        let gone = self.world.now() - before;
        // What could not be done in time is not made up for: the page is told instead.
        self.owed = if late { 0.0 } else { (self.owed - gone.as_secs_f64() * 1e6).max(0.0) };
        if wall > Duration::ZERO {
            let now = gone.as_secs_f64() / wall.as_secs_f64();
            self.reached += (now - self.reached) * wall.as_secs_f64().min(1.0);
        }
        late || (until.is_none() && !self.is_idle())
    }

    /// Whether no command and no client runs.
    fn is_idle(&self) -> bool {
        self.sessions.is_empty() && self.background.running().next().is_none()
    }

    /// Whether a command has more text than the page has taken.
    fn is_choked(&self) -> bool {
        self.sessions.values().any(|session| session.pending > OUTPUT_LIMIT)
    }

    /// Whether a command waits for a piece of a file that the browser is still reading. Virtual time stands still
    /// meanwhile: how fast the browser reads is no part of the world.
    fn waits_for_file(&self) -> bool {
        self.file_wanted().is_some()
    }

    // ---- console

    /// Says in which language the console's own words are.
    pub fn set_language(&mut self, language: &str) {
        self.language = if language == "ko" { Language::Korean } else { Language::English };
    }

    /// Runs a command line.
    pub fn console(&mut self, id: u32, line: &str) {
        self.note(Done::Console { id, line: line.to_owned() });
        self.unstored = true;
        if self.sessions.contains_key(&id) {
            return;
        }
        match blumfeld_console::order(line) {
            Some(Ok(order)) => self.obey(id, order, line),
            Some(Err(error)) => self.answer_failed(id, &error),
            None => self.start(id, line),
        }
    }

    /// Does what a line asks of the world.
    fn obey(&mut self, id: u32, order: Order, line: &str) {
        match order {
            Order::ListFaults => self.answer(id, self.fault_list(), 0),
            Order::Observed(name) => match blumfeld_console::observed(&self.world, &name) {
                Ok(text) => self.answer(id, text, 0),
                Err(error) => self.answer_failed(id, &error),
            },
            Order::Fault(fault) => match self.world.inject(fault) {
                Ok(()) => self.answer(id, String::new(), 0),
                Err(error) => self.answer_failed(id, &error),
            },
            Order::Membership(change) => match self.change_membership(&change) {
                Ok(text) => self.answer(id, text, 0),
                Err(error) => self.answer_failed(id, &error),
            },
            Order::Background(asked) => self.obey_background(id, asked, line),
        }
    }

    /// Starts the tool of a line.
    fn start(&mut self, id: u32, line: &str) {
        match blumfeld_shell::start(line, &Shell(self)) {
            Ok(started) => {
                let process = self.world.spawn(started.process);
                if let StdinSource::File(name) = &started.stdin {
                    let total = self.files.get(name).copied().unwrap_or(0);
                    self.progress.insert(id, Progress { id, name: name.clone(), done: 0, total });
                }
                if started.stdin == StdinSource::Empty {
                    self.world.close_stdin(process);
                }
                self.sessions.insert(id, Session::new(process, line));
            }
            Err(error) => self.answer(id, format!("{error}\n"), error.exit_code()),
        }
    }

    /// A command that is over at once, with its text on the standard error if it failed.
    fn answer(&mut self, id: u32, text: String, code: i32) {
        let stream = if code == 0 { Stream::Out } else { Stream::Err };
        let output = if text.is_empty() { Vec::new() } else { vec![ConsoleText { stream, text }] };
        self.answered.push(ConsoleUpdate { id, output, exit: Some(code) });
    }

    /// A command that failed at once, with the sentence that says why.
    fn answer_failed(&mut self, id: u32, error: &dyn Display) {
        self.answer(id, format!("blumfeld: {error}\n"), 1);
    }

    fn fault_list(&self) -> String {
        let faults = self.world.faults();
        if faults.is_empty() {
            return match self.language {
                Language::English => "Nothing is broken.\n".to_owned(),
                Language::Korean => "고장 난 곳이 없습니다.\n".to_owned(),
            };
        }
        faults.iter().map(|fault| format!("fault {fault}\n")).collect()
    }

    /// What could stand at the end of a line, and the stem that it replaces.
    pub fn complete(&self, line: &str) -> (Vec<String>, String) {
        let completions = blumfeld_shell::complete(line, &Shell(self));
        (completions.words, completions.stem)
    }

    /// Writes to a command's standard input.
    pub fn stdin(&mut self, id: u32, bytes: Bytes) {
        self.record.borrow_mut().stdin(self.world.events(), self.world.now(), id, &bytes);
        if let Some(progress) = self.progress.get_mut(&id) {
            progress.done += bytes.len() as u64;
        }
        if let Some(session) = self.sessions.get(&id) {
            self.world.write_stdin(session.process, bytes);
        }
    }

    /// Ends a command's standard input.
    pub fn close_stdin(&mut self, id: u32) {
        self.note(Done::StdinClosed { id });
        if let Some(session) = self.sessions.get(&id) {
            self.world.close_stdin(session.process);
        }
    }

    /// Ctrl-C for a command.
    pub fn interrupt(&mut self, id: u32) {
        self.note(Done::Interrupt { id });
        if self.background.interrupt(id) {
            return self.answer(id, String::new(), INTERRUPTED);
        }
        if let Some(session) = self.sessions.get(&id) {
            self.world.interrupt(session.process);
        }
    }

    fn collect_all(&mut self) {
        self.collect_leaving();
        let background = self.background.running().map(|client| client.id);
        let ids: Vec<u32> = self.sessions.keys().copied().chain(background).collect();
        for id in ids {
            self.collect(id);
        }
    }

    /// Takes what a command has written. Where it has ended its process is gone after this, which a replay must do too.
    pub(crate) fn collect(&mut self, id: u32) {
        let Some(session) = self.sessions.get_mut(&id) else { return self.collect_background(id) };
        let output = self.world.take_output(session.process);
        if !output.is_empty() {
            session.take(output);
            if session.exit.is_some() {
                self.note(Done::Collect { id });
            }
        }
    }

    /// What the commands have written since the last call, at most `limit` bytes of each.
    pub fn take_console(&mut self, limit: usize) -> Vec<ConsoleUpdate> {
        let mut updates = std::mem::take(&mut self.answered);
        for (id, session) in &mut self.sessions {
            let output = session.next_output(limit);
            let exit = session.exit.filter(|_| session.output.is_empty());
            if !output.is_empty() || exit.is_some() {
                updates.push(ConsoleUpdate { id: *id, output, exit });
            }
        }
        for update in updates.iter().filter(|update| update.exit.is_some()) {
            self.sessions.remove(&update.id);
            self.progress.remove(&update.id);
        }
        updates
    }

    // ---- dropped files

    /// Notes a dropped file.
    pub fn add_file(&mut self, name: &str, size: u64) {
        self.note(Done::AddFile { name: name.to_owned(), size });
        self.files.insert(name.to_owned(), size);
    }

    /// Forgets a dropped file. A command that reads it finds its end.
    pub fn remove_file(&mut self, name: &str) {
        if self.files.remove(name).is_none() {
            return;
        }
        self.note(Done::RemoveFile { name: name.to_owned() });
        let readers: Vec<u32> = self
            .progress
            .values()
            .filter(|progress| progress.name == name)
            .map(|progress| progress.id)
            .collect();
        for id in readers {
            self.progress.remove(&id);
            if let Some(session) = self.sessions.get(&id) {
                self.world.close_stdin(session.process);
            }
        }
    }

    /// The command that waits for a piece of a dropped file: its id, the file, and the first byte.
    pub fn file_wanted(&self) -> Option<(u32, String, u64)> {
        self.progress.values().find_map(|progress| {
            let session = self.sessions.get(&progress.id)?;
            let wants = self.world.wants_stdin(session.process);
            wants.then(|| (progress.id, progress.name.clone(), progress.done))
        })
    }

    /// How far the commands that read files have come.
    pub fn progress(&self) -> impl Iterator<Item = &Progress> {
        self.progress.values()
    }

    // ---- faults and files

    /// Breaks something, or mends it.
    pub fn fault(&mut self, fault: blumfeld_view::Fault) {
        self.note(Done::Fault(fault));
        self.unstored = true;
        // A button that was pressed twice asks for what is done already.
        let _ = self.world.inject(match fault {
            blumfeld_view::Fault::Crash(node) => Fault::Crash(NodeId(node)),
            blumfeld_view::Fault::PowerCut(node) => Fault::PowerCut(NodeId(node)),
            blumfeld_view::Fault::Restart(node) => Fault::Restart(NodeId(node)),
        });
    }

    /// A file of the node's disk as it is now.
    pub fn disk_file(&self, node: i32, path: &str) -> Option<&blumfeld_kernel::File> {
        self.world.disk(NodeId(node)).and_then(|disk| disk.disk().file(path))
    }

    /// The paths below a prefix on the brokers' disks: those of another broker than the first with `broker-2/` before.
    fn disk_paths(&self, prefix: &str) -> Vec<String> {
        let mut paths = Vec::new();
        for node in self.world.nodes() {
            let before = if node == FIRST { String::new() } else { format!("{node}/") };
            let Some(disk) = self.world.disk(node) else { continue };
            let wanted = match prefix.strip_prefix(&before) {
                Some(rest) => rest,
                None if before.starts_with(prefix) => "",
                None => continue,
            };
            paths.extend(disk.disk().files_below(wanted).map(|(path, _)| format!("{before}{path}")));
        }
        paths
    }

    /// A file by such a path; without a broker before it, on the first broker that has it.
    fn read_disk(&self, path: &str) -> Option<Bytes> {
        if let Some((node, rest)) = path.strip_prefix("broker-").and_then(|rest| rest.split_once('/')) {
            return self.world.disk(NodeId(node.parse().ok()?))?.disk().read(rest);
        }
        self.world.nodes().find_map(|node| self.world.disk(node)?.disk().read(path))
    }

    // ---- what is shown

    fn current_view(&mut self) -> ClusterView {
        #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
        let unix_ms = self.world.unix_ms() as f64;
        let groups = self.world.group_views();
        ClusterView {
            clients: self.client_views(&groups),
            groups,
            clock: ClockView {
                now: self.world.now().as_micros(),
                unix_ms,
                pace: self.pace,
                reached: self.reached,
                events: self.world.events(),
            },
            brokers: self.world.broker_views(),
            topics: self.world.topic_views(),
            faults: self.world.faults().iter().map(ToString::to_string).collect(),
            store: self.store.clone(),
        }
    }

    fn take_events(&mut self) -> Vec<EventView> {
        let (lines, dropped) = self.world.trace_mut().take_news();
        self.recovery.extend(lines.iter().filter_map(events::recovered));
        let (events, left_out) = events::told(&lines);
        self.events_left_out += dropped + left_out;
        events
    }

    /// Everything that is drawn, and what recovery found at the start.
    pub fn ready_view(&mut self) -> (ClusterView, Vec<RecoveryView>, Vec<EventView>) {
        let events = self.take_events();
        self.view = self.current_view();
        (self.view.clone(), std::mem::take(&mut self.recovery), events)
    }

    /// What changed since the last call.
    pub fn take_delta(&mut self) -> Delta {
        let events = self.take_events();
        let left_out = std::mem::take(&mut self.events_left_out);
        self.recovery.clear();
        let view = self.current_view();
        let delta = view.delta_from(&self.view, events, left_out);
        self.view = view;
        delta
    }

    /// The batches of a partition around an offset.
    pub fn browse(&self, topic: &str, partition: i32, offset: i64, limit: u32) -> Result<BrowseView, String> {
        let limit = usize::try_from(limit.clamp(1, 500)).unwrap_or(1);
        self.world.browse(topic, partition, offset, limit).ok_or_else(|| not_here(topic, partition))
    }

    /// One batch with its records and bytes.
    pub fn batch(&self, topic: &str, partition: i32, base_offset: i64) -> Result<BatchDetail, String> {
        self.world.batch_detail(topic, partition, base_offset).ok_or_else(|| not_here(topic, partition))
    }

    /// A segment's file, with the name to save it under.
    pub fn download(
        &self,
        topic: &str,
        partition: i32,
        base_offset: i64,
        file: SegmentFile,
    ) -> Result<(String, Bytes), String> {
        let suffix = match file {
            SegmentFile::Log => "log",
            SegmentFile::Index => "index",
            SegmentFile::Timeindex => "timeindex",
        };
        let name = format!("{base_offset:020}.{suffix}");
        let path: FilePath = format!("{topic}-{partition}/{name}").into();
        let holder = self.world.holder_of(topic, partition).map_or(FIRST.0, |node| node.0);
        let file = self.disk_file(holder, &path).ok_or_else(|| format!("there is no file {path}"))?;
        Ok((name, file.read_all()))
    }
}

/// How far one turn jumps over idle time when nothing runs.
const IDLE_JUMP: Duration = Duration::from_secs(1);

fn not_here(topic: &str, partition: i32) -> String {
    format!("{topic}-{partition} is not here, or its broker is down")
}

/// What a command line can refer to.
struct Shell<'a>(&'a Engine);

impl Environment for Shell<'_> {
    fn bootstrap(&self) -> Endpoint {
        Endpoint::new(BOOTSTRAP.0, BOOTSTRAP.1)
    }

    fn topics(&self) -> Vec<String> {
        self.0.world.topic_names()
    }

    fn dropped_files(&self) -> Vec<String> {
        self.0.files.keys().cloned().collect()
    }

    fn disk_files(&self, prefix: &str) -> Vec<String> {
        self.0.disk_paths(prefix)
    }

    fn read_disk_file(&self, path: &str) -> Option<Bytes> {
        self.0.read_disk(path)
    }

    fn language(&self) -> Language {
        self.0.language
    }

    fn groups(&self) -> Vec<String> {
        self.0.world.group_views().into_iter().map(|group| group.id).collect()
    }

    fn background_clients(&self) -> Vec<String> {
        self.0.background.names().map(ToOwned::to_owned).collect()
    }

    fn nodes(&self) -> Vec<i32> {
        self.0.world.nodes().map(|node| node.0).collect()
    }
}
