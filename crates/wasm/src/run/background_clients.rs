//! Clients in the background: processes that stay while the console is free. Each began with a line of the console, so
//! that a record of the lines begins them again; and they end with the engine.

use std::collections::{BTreeMap, VecDeque};

use blumfeld_shell::WorkloadKind;
use blumfeld_sim::{Output, ProcessId};
use blumfeld_view::ClientRole;

/// So many run at most: each costs time of the one thread that all the world has.
pub(crate) const MOST: usize = 32;
/// Lines of each that are kept.
const LINES_KEPT: usize = 40;
/// Characters of a line that are kept.
const LINE_KEPT: usize = 400;
/// Bytes of a line without an end that are kept.
const PARTIAL_KEPT: usize = 4 * LINE_KEPT;

/// The last lines that a process wrote, to either output.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail {
    lines: VecDeque<String>,
    /// Bytes of lines that have not ended, by output.
    partial: [Vec<u8>; 2],
    /// Lines in all.
    count: u64,
}

impl Tail {
    fn take(&mut self, output: usize, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let partial = &mut self.partial[output];
            let ended = piece.ends_with(b"\n");
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            partial.extend(text.iter().take(PARTIAL_KEPT.saturating_sub(partial.len())));
            if ended {
                let line = std::mem::take(partial);
                let line: String = String::from_utf8_lossy(&line).chars().take(LINE_KEPT).collect();
                self.lines.push_back(line);
                self.count += 1;
                if self.lines.len() > LINES_KEPT {
                    self.lines.pop_front();
                }
            }
        }
    }

    /// The lines, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// Those since there were so many.
    fn since(&self, count: u64) -> impl Iterator<Item = &str> {
        let new = usize::try_from(self.count - count.min(self.count)).unwrap_or(usize::MAX);
        self.lines.iter().skip(self.lines.len().saturating_sub(new)).map(String::as_str)
    }
}

/// A client in the background.
#[derive(Clone, Debug)]
pub(crate) struct BackgroundClient {
    /// The console's command that began it.
    pub id: u32,
    pub process: ProcessId,
    /// The line of that command.
    pub line: String,
    pub tail: Tail,
    /// It was asked to end when it had written so many lines.
    stopping: Option<u64>,
    /// Its exit code, if it ended by itself.
    pub exit: Option<i32>,
    /// How it stood at its end.
    pub last: Option<ClientRole>,
}

impl BackgroundClient {
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }
}

/// What a line of the console came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BackgroundOutcome {
    /// The command is over, with this text.
    Done(String),
    /// It is over, and has failed with this sentence.
    Failed(String),
    /// These are to be interrupted; the command is over when they are.
    Stop(Vec<ProcessId>),
}

/// All of them by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct BackgroundClients {
    of: BTreeMap<String, BackgroundClient>,
    /// Commands that wait for an end, with the names and what is printed so far.
    waiting: BTreeMap<u32, (Vec<String>, String)>,
}

impl BackgroundClients {
    pub fn iter(&self) -> impl Iterator<Item = (&str, &BackgroundClient)> {
        self.of.iter().map(|(name, client)| (name.as_str(), client))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.of.keys().map(String::as_str)
    }

    /// Those whose processes run.
    pub fn running(&self) -> impl Iterator<Item = &BackgroundClient> {
        self.of.values().filter(|client| client.exit.is_none())
    }

    /// A name that can be taken: the one that was asked for, or the first free one of its kind. Or why there is none.
    pub fn name(&self, kind: WorkloadKind, asked: Option<String>) -> Result<String, String> {
        if self.running().count() >= MOST {
            return Err(format!(
                "{MOST} clients run in the background, which is as many as there can be; stop one first"
            ));
        }
        let numbered = |number: u32| format!("{}-{number}", kind.noun());
        let Some(name) = asked else {
            let free = (1..).map(numbered).find(|name| !self.of.contains_key(name));
            return Ok(free.unwrap_or_default());
        };
        match self.of.get(&name) {
            Some(there) if there.exit.is_none() => Err(format!("{name} runs already; stop it first")),
            _ => Ok(name),
        }
    }

    /// Keeps a process that was begun. Those that ended by themselves make room for it, the oldest first.
    pub fn begin(&mut self, name: String, id: u32, process: ProcessId, line: &str) {
        let (line, tail) = (line.trim().to_owned(), Tail::default());
        let new = BackgroundClient { id, process, line, tail, stopping: None, exit: None, last: None };
        self.of.insert(name, new);
        while self.of.len() > MOST {
            let ended = self.of.iter().filter(|(_, client)| client.exit.is_some());
            let Some(oldest) = ended.min_by_key(|(_, client)| client.id).map(|(name, _)| name.clone()) else {
                break;
            };
            self.of.remove(&oldest);
        }
    }

    /// What there is, a line each.
    pub fn list(&self) -> String {
        if self.of.is_empty() {
            return "Nothing runs in the background.\n".to_owned();
        }
        let width = self.of.keys().map(|name| name.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for (name, client) in &self.of {
            let state = match (client.exit, client.stopping) {
                (Some(code), _) => format!("ended {code}"),
                (None, Some(_)) => "stopping".to_owned(),
                (None, None) => "running".to_owned(),
            };
            text += &format!("{name:<width$}  {state:<9} {}\n", client.line);
        }
        text
    }

    /// The last lines of one.
    pub fn log(&self, name: &str) -> BackgroundOutcome {
        match self.of.get(name) {
            None => BackgroundOutcome::Failed(nobody(name)),
            Some(client) => BackgroundOutcome::Done(client.tail.lines().fold(String::new(), push_line)),
        }
    }

    /// Ends one, or all: the command `id` is over when they are. What ended by itself is forgotten.
    pub fn stop(&mut self, id: u32, name: Option<&str>) -> BackgroundOutcome {
        let names: Vec<String> = match name {
            Some(name) if !self.of.contains_key(name) => return BackgroundOutcome::Failed(nobody(name)),
            Some(name) => vec![name.to_owned()],
            None => self.of.keys().cloned().collect(),
        };
        self.of.retain(|name, client| client.exit.is_none() || !names.contains(name));
        let (mut processes, mut awaited) = (Vec::new(), Vec::new());
        for (name, client) in self.of.iter_mut().filter(|(name, _)| names.contains(name)) {
            client.stopping.get_or_insert(client.tail.count);
            processes.push(client.process);
            awaited.push(name.clone());
        }
        if processes.is_empty() {
            let text = if names.is_empty() { "Nothing runs in the background.\n" } else { "" };
            return BackgroundOutcome::Done(text.to_owned());
        }
        self.waiting.insert(id, (awaited, String::new()));
        BackgroundOutcome::Stop(processes)
    }

    /// Ctrl-C for a command that waits for an end: the end comes without it. Gives whether it was one.
    pub fn interrupt(&mut self, id: u32) -> bool {
        self.waiting.remove(&id).is_some()
    }

    /// The client that a command began.
    pub fn by_id(&self, id: u32) -> Option<&BackgroundClient> {
        self.of.values().find(|client| client.id == id)
    }

    /// Takes what the process that a command began has written. Gives whether it has ended.
    pub fn take(&mut self, id: u32, outputs: Vec<Output>, last: Option<ClientRole>) -> bool {
        let Some((name, client)) = self.of.iter_mut().find(|(_, client)| client.id == id) else {
            return false;
        };
        let mut exit = None;
        for output in outputs {
            match output {
                Output::Stdout(bytes) => client.tail.take(0, &bytes),
                Output::Stderr(bytes) => client.tail.take(1, &bytes),
                Output::Exit(code) => exit = Some(code),
            }
        }
        let Some(code) = exit else { return false };
        (client.exit, client.last) = (Some(code), last);
        if let Some(since) = client.stopping {
            let name = name.clone();
            let said = client.tail.since(since).map(|line| format!("{name}: {}", line.trim_start()));
            let said: Vec<String> = said.collect();
            for (awaited, text) in self.waiting.values_mut() {
                if awaited.contains(&name) {
                    awaited.retain(|other| *other != name);
                    *text = said.iter().map(String::as_str).fold(std::mem::take(text), push_line);
                }
            }
            self.of.remove(&name);
        }
        true
    }

    /// Commands that are over because what they waited for has ended, with their texts.
    pub fn over(&mut self) -> Vec<(u32, String)> {
        let done: Vec<u32> =
            self.waiting.iter().filter(|(_, (awaited, _))| awaited.is_empty()).map(|(id, _)| *id).collect();
        done.into_iter().filter_map(|id| Some((id, self.waiting.remove(&id)?.1))).collect()
    }
}

fn push_line(mut text: String, line: &str) -> String {
    text.push_str(line);
    text.push('\n');
    text
}

fn nobody(name: &str) -> String {
    format!("nothing in the background is named {name}; workload list says what there is")
}

#[cfg(test)]
mod tests {
    use super::*;
    use blumfeld_kernel::NodeId;

    fn told(text: &str) -> Output {
        Output::Stdout(text.to_owned().into())
    }

    #[test]
    fn only_the_last_lines_are_kept_and_none_is_long() {
        let mut tail = Tail::default();
        for number in 0..1_000 {
            tail.take(0, format!("line {number}\nhalf of {number}, ").as_bytes());
            tail.take(1, "y".repeat(10_000).as_bytes());
        }
        assert_eq!(tail.lines().count(), LINES_KEPT);
        assert_eq!(tail.lines().next_back(), Some("half of 998, line 999"));
        assert!(tail.partial.iter().all(|partial| partial.len() <= PARTIAL_KEPT));
        tail.take(1, b"\n");
        assert_eq!(tail.lines().next_back().map(|line| line.chars().count()), Some(LINE_KEPT));
        assert_eq!(tail.since(1_000).count(), 1);
    }

    #[test]
    fn names_are_free_or_of_what_has_ended() {
        let (produce, mut clients) = (WorkloadKind::Produce, BackgroundClients::default());
        for number in 1..=MOST {
            let name = clients.name(produce, None).unwrap();
            assert_eq!(name, format!("producer-{number}"));
            let id = u32::try_from(number).unwrap();
            clients.begin(name, id, NodeId(1_000 + i32::try_from(number).unwrap()), "line");
        }
        let error = clients.name(produce, None).unwrap_err();
        assert!(error.starts_with("32 clients run in the background"), "{error}");
        assert!(clients.take(3, vec![told("why\n"), Output::Exit(1)], None));
        let error = clients.name(produce, Some("producer-4".into())).unwrap_err();
        assert_eq!(error, "producer-4 runs already; stop it first");
        assert_eq!(clients.name(produce, Some("producer-3".into())), Ok("producer-3".into()));
        // A new one takes the room of what ended.
        let name = clients.name(WorkloadKind::Consume, None).unwrap();
        clients.begin(name, 33, NodeId(1_033), "line");
        assert_eq!(clients.of.len(), MOST);
        assert!(!clients.names().any(|name| name == "producer-3"));
    }

    #[test]
    fn a_stop_is_over_when_what_it_stops_is_and_prints_its_last_words() {
        let mut clients = BackgroundClients::default();
        clients.begin("one".into(), 1, NodeId(1_001), " workload start produce ");
        clients.begin("two".into(), 2, NodeId(1_002), "line");
        clients.take(1, vec![told("  before\n")], None);
        assert!(matches!(clients.stop(3, Some("three")), BackgroundOutcome::Failed(_)));
        assert_eq!(clients.stop(3, Some("one")), BackgroundOutcome::Stop(vec![NodeId(1_001)]));
        assert_eq!(clients.stop(4, None), BackgroundOutcome::Stop(vec![NodeId(1_001), NodeId(1_002)]));
        assert_eq!(
            clients.list(),
            "one  stopping  workload start produce\ntwo  stopping  line\n",
            "they are there until they have ended"
        );
        assert!(clients.over().is_empty());
        assert!(clients.take(1, vec![told("  5.000 in all\n"), Output::Exit(130)], None));
        assert_eq!(clients.over(), [(3, "one: 5.000 in all\n".to_owned())]);
        assert!(clients.interrupt(4) && !clients.interrupt(4));
        assert!(clients.take(2, vec![Output::Exit(130)], None));
        assert!(clients.over().is_empty() && clients.of.is_empty());
        assert_eq!(
            clients.stop(5, None),
            BackgroundOutcome::Done("Nothing runs in the background.\n".into())
        );
    }

    #[test]
    fn what_ended_by_itself_stays_until_it_is_stopped() {
        let mut clients = BackgroundClients::default();
        clients.begin("one".into(), 1, NodeId(1_001), "line");
        clients.take(1, vec![told("ends: why\n"), Output::Exit(1)], None);
        assert_eq!(clients.list(), "one  ended 1   line\n");
        assert_eq!(clients.log("one"), BackgroundOutcome::Done("ends: why\n".into()));
        assert_eq!(clients.stop(2, Some("one")), BackgroundOutcome::Done(String::new()));
        assert_eq!(clients.list(), "Nothing runs in the background.\n");
    }
}
