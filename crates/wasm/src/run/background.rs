//! Clients in the background, and how all clients stand.

use blumfeld_shell::{Background, Language, WorkloadKind};
use blumfeld_sim::ProcessId;
use blumfeld_view::{ClientRole, ClientState, ClientView, GroupView};

use super::background_clients::BackgroundOutcome;
use super::clients::role;
use super::{Run, Surroundings};

/// Lines of a client in the background that are shown with it.
const LINES_SHOWN: usize = 12;

impl Run {
    /// Does what a line asks of the clients in the background.
    pub(super) fn obey_background(&mut self, id: u32, asked: Background, line: &str, language: Language) {
        let answer = match asked {
            Background::Start { kind, name, words } => {
                match self.begin(id, kind, name, &words, line, language) {
                    Ok(text) => BackgroundOutcome::Done(text),
                    Err(error) => BackgroundOutcome::Failed(error),
                }
            }
            Background::List => BackgroundOutcome::Done(self.background.list()),
            Background::Log(name) => self.background.log(&name),
            Background::Stop(name) => self.background.stop(id, Some(&name)),
            Background::StopAll => self.background.stop(id, None),
        };
        match answer {
            BackgroundOutcome::Done(text) => self.answer(id, text, 0),
            BackgroundOutcome::Failed(error) => self.answer_failed(id, &error),
            BackgroundOutcome::Stop(processes) => {
                processes.into_iter().for_each(|one| self.world.interrupt(one))
            }
        }
    }

    /// Begins a client in the background.
    pub(super) fn begin(
        &mut self,
        id: u32,
        kind: WorkloadKind,
        name: Option<String>,
        words: &[String],
        line: &str,
        language: Language,
    ) -> Result<String, String> {
        let name = self.background.name(kind, name)?;
        let process = blumfeld_shell::background_client(kind, &name, words, &Surroundings(self, language))?;
        let process = self.world.spawn(process);
        self.world.close_stdin(process);
        self.background.begin(name.clone(), id, process, line);
        Ok(match language {
            Language::English => {
                format!("{name} runs in the background, until: workload stop {name}\n")
            }
            Language::Korean => {
                format!("{name} 실행 중(백그라운드). workload stop {name} 명령으로 끝냅니다\n")
            }
        })
    }

    /// The process of a client in the background.
    pub(super) fn background_process(&self, id: u32) -> Option<ProcessId> {
        self.background.by_id(id).map(|client| client.process)
    }

    /// Takes what a client in the background has written, which the console's command `id` began. Gives whether it has
    /// ended.
    pub(super) fn collect_background(&mut self, id: u32) -> bool {
        let Some(client) = self.background.by_id(id) else { return false };
        let process = client.process;
        let ends = self.world.has_exited(process);
        let last = if ends { self.role(process, &self.world.group_views()) } else { None };
        let output = self.world.take_output(process);
        let ended = !output.is_empty() && self.background.take(id, output, last);
        for (id, text) in self.background.over() {
            self.answer(id, text, 0);
        }
        ended
    }

    /// The processes of the clients that run.
    pub fn processes(&self) -> Vec<ProcessId> {
        let background = self.background.running().map(|client| client.process);
        self.sessions.values().map(|session| session.process).chain(background).collect()
    }

    /// How the clients that run stand.
    pub fn roles(&self) -> Vec<ClientRole> {
        let groups = self.world.group_views();
        self.processes().into_iter().filter_map(|process| self.role(process, &groups)).collect()
    }

    /// How a process's client stands; nothing if it has none.
    fn role(&self, process: ProcessId, groups: &[GroupView]) -> Option<ClientRole> {
        let client = blumfeld_shell::client(self.world.process(process)?, self.world.now())?;
        Some(role(client, groups))
    }

    /// How every client stands now, but for how fast it is: in the background, and in the console.
    pub fn clients(&self, groups: &[GroupView]) -> Vec<ClientView> {
        let view = |process: ProcessId, name: &str, line: &str, state, role| ClientView {
            id: process.0,
            process: process.to_string(),
            name: name.to_owned(),
            line: line.to_owned(),
            state,
            rate: 0.0,
            output: Vec::new(),
            role,
        };
        let mut views = Vec::new();
        for (name, client) in self.background.iter() {
            let state = match client.exit {
                Some(code) => ClientState::Ended(code),
                None if client.is_stopping() => ClientState::Stopping,
                None => ClientState::Running,
            };
            let role = client.last.clone().or_else(|| self.role(client.process, groups));
            let Some(role) = role else { continue };
            let mut view = view(client.process, name, &client.line, state, role);
            let lines = client.tail.lines().rev().take(LINES_SHOWN).map(ToOwned::to_owned);
            view.output = lines.collect();
            view.output.reverse();
            views.push(view);
        }
        for session in self.sessions.values().filter(|session| session.exit.is_none()) {
            if let Some(role) = self.role(session.process, groups) {
                views.push(view(session.process, "", &session.line, ClientState::Running, role));
            }
        }
        views.sort_by_key(|view| view.id);
        views
    }
}
