//! What can be rewound: a world, and around it everything that is so at one moment of it and was otherwise at another.
//!
//! A [`Run`] is a value. A caller that keeps a clone can go back to it, and what follows from the same events
//! and the same lines is the same again. What must not go back with it stands outside, in the engine: the
//! pace, the language, what the page has been shown, the record of what was done, and what the store has.

mod applying;
mod background;
mod background_clients;
mod clients;
mod leaving;
mod members;
mod returning;
mod session;
mod waits;

use std::collections::BTreeMap;
use std::fmt::Display;

use blumfeld_console::Order;
use blumfeld_kernel::{Disk, Endpoint, Instant, NodeId};
use blumfeld_shell::{Environment, Language, StdinSource};
use blumfeld_sim::{DiskConfig, NetworkConfig, ProcessId, Wait, World, WorldConfig};
use blumfeld_store::StoredClient;
use blumfeld_view::{ConsoleText, Durability, Stream};
use bytes::Bytes;

use crate::boot::Boot;
use background_clients::BackgroundClients;
pub(crate) use clients::{Rates, records};
pub(crate) use returning::FIRST_ID;
use session::Session;
pub(crate) use waits::Clock;

/// The first broker: where the console looks unless it is told otherwise.
pub(crate) const FIRST: NodeId = NodeId(1);
/// Where it listens: what every quick start writes.
const BOOTSTRAP: (&str, u16) = ("localhost", 9092);
/// While a command has more text than this that the page has not got, the world waits.
const OUTPUT_LIMIT: usize = 512 * 1024;
/// Exit code of a command that Ctrl-C ended.
pub(crate) const INTERRUPTED: i32 = 130;

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

/// A world with its console, its background clients and the files that were dropped on it.
#[derive(Clone)]
pub(crate) struct Run {
    pub world: World,
    /// Brokers at the cluster's beginning.
    began_with: i32,
    durability: Durability,
    sessions: BTreeMap<u32, Session>,
    /// Clients in the background.
    background: BackgroundClients,
    /// Clients of an earlier life that have not been dealt with.
    returning: Vec<StoredClient>,
    /// Faults of an earlier life, until the cluster serves.
    lifted: Vec<String>,
    /// The process that takes their members out of their groups, and these.
    leaving: Option<(ProcessId, Vec<StoredClient>)>,
    /// Dropped files with their sizes in bytes.
    files: BTreeMap<String, u64>,
    progress: BTreeMap<u32, Progress>,
    /// Conditions that are waited for, by their command.
    waits: BTreeMap<u32, Wait>,
    /// Commands that were over at once: a line that could not be read, or a fault.
    answered: Vec<ConsoleUpdate>,
}

impl Run {
    /// A world on these disks. Its broker starts with the first virtual moment.
    pub fn new(boot: Boot) -> Run {
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
        let mut disks: BTreeMap<NodeId, Disk> =
            boot.disks.into_iter().map(|(node, disk)| (NodeId(node), disk)).collect();
        Run {
            world: World::at(config, Instant::from_micros(boot.now), &mut disks),
            began_with: members.began_with,
            durability: boot.durability,
            sessions: BTreeMap::new(),
            background: BackgroundClients::default(),
            returning: boot.clients,
            lifted: boot.faults,
            leaving: None,
            files: BTreeMap::new(),
            progress: BTreeMap::new(),
            waits: BTreeMap::new(),
            answered: Vec::new(),
        }
    }

    /// Brokers at the cluster's beginning.
    pub fn began_with(&self) -> i32 {
        self.began_with
    }

    /// When acknowledgements may leave.
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// Changes it, under brokers that run.
    pub fn set_durability(&mut self, durability: Durability) {
        self.durability = durability;
        self.world.set_wait_for_store(durability == Durability::Strict);
    }

    /// Whether no command and no client runs.
    pub fn is_idle(&self) -> bool {
        self.sessions.is_empty() && self.background.running().next().is_none()
    }

    /// Whether a command has more text than the page has taken.
    pub fn is_choked(&self) -> bool {
        self.sessions.values().any(|session| session.pending > OUTPUT_LIMIT)
    }

    // ---- console

    /// Runs a command line. An id that runs already is passed over. Gives what the line does to the
    /// clock.
    pub fn console(&mut self, id: u32, line: &str, language: Language) -> Clock {
        if self.sessions.contains_key(&id) || self.waits.contains_key(&id) {
            return Clock::Goes;
        }
        match blumfeld_console::order(line) {
            Some(Ok(order)) => return self.obey(id, order, line, language),
            Some(Err(error)) => self.answer(id, error.told(language), 1),
            None => self.start(id, line, language),
        }
        Clock::Goes
    }

    /// Does what a line asks of the world, and gives what that does to the clock.
    fn obey(&mut self, id: u32, order: Order, line: &str, language: Language) -> Clock {
        match order {
            Order::ListFaults => self.answer(id, self.fault_list(language), 0),
            Order::Observed(name) => match blumfeld_console::observed(&self.world, &name) {
                Ok(text) => self.answer(id, text, 0),
                Err(error) => self.answer_failed(id, &error),
            },
            Order::Fault(fault) => match self.world.inject(fault) {
                Ok(()) => self.answer(id, String::new(), 0),
                Err(error) => self.answer_failed(id, &error),
            },
            Order::Membership(change) => match self.change_membership(&change, language) {
                Ok(text) => self.answer(id, text, 0),
                Err(error) => self.answer_failed(id, &error),
            },
            Order::Background(asked) => self.obey_background(id, asked, line, language),
            Order::Until(condition) => return self.wait(id, condition, language),
        }
        Clock::Goes
    }

    /// Starts the tool of a line.
    fn start(&mut self, id: u32, line: &str, language: Language) {
        match blumfeld_shell::start(line, &Surroundings(self, language)) {
            Ok(started) => {
                let process = self.world.spawn(started.process);
                if let StdinSource::File(name) = &started.stdin {
                    let total = self.files.get(name).copied().unwrap_or(0);
                    self.progress.insert(id, Progress { id, name: name.clone(), done: 0, total });
                }
                if let StdinSource::Text(text) = &started.stdin {
                    self.world.write_stdin(process, text.clone().into());
                }
                if matches!(started.stdin, StdinSource::Text(_) | StdinSource::Empty) {
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

    /// Something that a command says before it is over.
    fn say(&mut self, id: u32, text: String) {
        let output = vec![ConsoleText { stream: Stream::Out, text }];
        self.answered.push(ConsoleUpdate { id, output, exit: None });
    }

    /// A command that failed at once, with the sentence that says why.
    fn answer_failed(&mut self, id: u32, error: &dyn Display) {
        self.answer(id, format!("blumfeld: {error}\n"), 1);
    }

    fn fault_list(&self, language: Language) -> String {
        let faults = self.world.faults();
        if faults.is_empty() {
            return match language {
                Language::English => "Nothing is broken.\n".to_owned(),
                Language::Korean => "고장 난 곳이 없습니다.\n".to_owned(),
            };
        }
        faults.iter().map(|fault| format!("fault {fault}\n")).collect()
    }

    /// What could stand at the end of a line, and the stem that it replaces.
    pub fn complete(&self, line: &str, language: Language) -> (Vec<String>, String) {
        let completions = blumfeld_shell::complete(line, &Surroundings(self, language));
        (completions.words, completions.stem)
    }

    /// What a line says that only explains something.
    pub fn explanation(&self, line: &str, language: Language) -> Option<String> {
        let around = Surroundings(self, language);
        blumfeld_console::explanation(line, &around).or_else(|| blumfeld_shell::help(line, &around))
    }

    /// Writes to a command's standard input.
    pub fn stdin(&mut self, id: u32, bytes: Bytes) {
        if let Some(progress) = self.progress.get_mut(&id) {
            progress.done += bytes.len() as u64;
        }
        if let Some(session) = self.sessions.get(&id) {
            self.world.write_stdin(session.process, bytes);
        }
    }

    /// Ends a command's standard input.
    pub fn close_stdin(&mut self, id: u32) {
        if let Some(session) = self.sessions.get(&id) {
            self.world.close_stdin(session.process);
        }
    }

    /// Ctrl-C for a command.
    pub fn interrupt(&mut self, id: u32) {
        if self.background.interrupt(id) {
            return self.answer(id, String::new(), INTERRUPTED);
        }
        if self.stop_waiting(id) {
            return;
        }
        if let Some(session) = self.sessions.get(&id) {
            self.world.interrupt(session.process);
        }
    }

    /// The process of a command that runs.
    pub fn process_of(&self, command: u32) -> Option<ProcessId> {
        self.sessions.get(&command).map(|session| session.process)
    }

    /// The commands that began something that runs.
    pub fn commands(&self) -> Vec<u32> {
        let background = self.background.running().map(|client| client.id);
        self.sessions.keys().copied().chain(background).collect()
    }

    /// Ends, for the page, those of these commands that do not run here: they belong to a branch that was left.
    pub fn leave_commands(&mut self, commands: &[(u32, String)], language: Language) {
        let here = self.commands();
        for (id, line) in commands.iter().filter(|(id, _)| !here.contains(id)) {
            let text = match language {
                Language::English => format!("blumfeld: `{line}` runs in the branch that was left\n"),
                Language::Korean => format!("blumfeld: 떠나온 브랜치에서 실행되던 명령입니다: {line}\n"),
            };
            self.answer(*id, text, INTERRUPTED);
        }
    }

    /// The commands that began something that runs, each with its line.
    pub fn commands_with_lines(&self) -> Vec<(u32, String)> {
        let background = self.background.running().map(|client| (client.id, client.line.clone()));
        self.sessions.iter().map(|(id, session)| (*id, session.line.clone())).chain(background).collect()
    }

    /// Takes what a command has written. Gives whether it has ended: then its process is gone, which a replay must
    /// do too.
    pub fn collect(&mut self, id: u32) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return self.collect_background(id) };
        let output = self.world.take_output(session.process);
        if output.is_empty() {
            return false;
        }
        session.take(output);
        session.exit.is_some()
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
        self.files.insert(name.to_owned(), size);
    }

    /// Whether a file of this name was dropped.
    pub fn has_file(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// Forgets a dropped file. A command that reads it finds its end.
    pub fn remove_file(&mut self, name: &str) {
        self.files.remove(name);
        let readers: Vec<u32> = self
            .progress
            .values()
            .filter(|progress| progress.name == name)
            .map(|progress| progress.id)
            .collect();
        for id in readers {
            self.progress.remove(&id);
            self.close_stdin(id);
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

    // ---- disks

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
}

/// What a command line can refer to, and in which language it is answered.
struct Surroundings<'a>(&'a Run, Language);

impl Environment for Surroundings<'_> {
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
        self.1
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn pass(run: &mut Run, span: Duration) {
        let until = run.world.now() + span;
        while run.world.next_event().is_some_and(|at| at <= until) {
            run.world.step();
        }
        run.world.idle_until(until);
        for id in run.commands() {
            run.collect(id);
        }
    }

    fn said(run: &mut Run) -> String {
        let updates = run.take_console(usize::MAX);
        updates.into_iter().flat_map(|update| update.output).map(|output| output.text).collect()
    }

    /// From a moment at which a command and a client run, the same lines lead to the same world, and what is done after
    /// one clone is no part of another.
    #[test]
    fn a_clone_goes_on_as_the_run_would_have() {
        let boot = Boot::fresh("test", 7, 1_700_000_000_000, 3, Durability::Relaxed);
        let mut run = Run::new(boot);
        while !run.world.is_ready() {
            pass(&mut run, Duration::from_millis(100));
        }
        let line = "workload start produce --topic orders --rate 200";
        run.console(1, line, Language::English);
        run.console(
            2,
            "kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic orders",
            Language::English,
        );
        pass(&mut run, Duration::from_secs(5));
        let text = said(&mut run);
        assert!(text.contains("runs in the background"), "{text}");

        let kept = run.clone();
        let future = |mut run: Run, fault: Option<&str>| {
            if let Some(fault) = fault {
                run.console(3, fault, Language::English);
            }
            pass(&mut run, Duration::from_secs(5));
            (run.world.digest(), run.world.events(), said(&mut run))
        };
        let first = future(run, Some("fault crash 2"));
        let other = future(kept.clone(), None);
        assert_ne!(first.0, other.0);
        assert_eq!(future(kept.clone(), Some("fault crash 2")), first);
        assert_eq!(future(kept, None), other);
        assert!(other.2.lines().count() > 250, "the consumer went on: {} lines", other.2.lines().count());
    }
}
