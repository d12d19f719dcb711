//! What every component may do: ask the engine, change what the page knows, run a command line.

use std::rc::Rc;

use blumfeld_view::{Command, Fault, FollowWhat, TokenKey};
use web_sys::File;
use yew::prelude::*;

use crate::browser;
use crate::console::Terminal;
use crate::lesson::LessonDeed;
use crate::messages::Messaging;
use crate::model::{Action, Model, PartitionName, Screen, Tab};
use crate::stage::Scene;
use crate::text::{Lang, Text};
use crate::wire::Wire;

/// The page's hands. Equal as long as the language is, whether the tab watches, and whether no broker runs.
#[derive(Clone)]
pub struct Ctx {
    /// The language.
    pub lang: Lang,
    /// Its sentences.
    pub t: &'static Text,
    /// The console's output.
    pub terminal: Terminal,
    /// What is in flight, and where it is painted.
    pub scene: Scene,
    /// Whether this tab only watches what another one does.
    pub watches: bool,
    /// Whether no broker runs: then nobody knows what there is, and nothing is said to be not there.
    pub nobody: bool,
    engine: Rc<Wire>,
    dispatch: UseReducerDispatcher<Model>,
}

impl PartialEq for Ctx {
    fn eq(&self, other: &Self) -> bool {
        (self.lang, self.watches, self.nobody) == (other.lang, other.watches, other.nobody)
    }
}

impl Ctx {
    /// Made once a drawing by the page's root.
    pub fn new(
        lang: Lang,
        engine: Rc<Wire>,
        terminal: Terminal,
        scene: Scene,
        dispatch: UseReducerDispatcher<Model>,
    ) -> Self {
        Self { lang, t: lang.text(), terminal, scene, watches: false, nobody: false, engine, dispatch }
    }

    /// The same of a tab that only watches, if it does.
    pub fn watching(self, watches: bool) -> Self {
        Self { watches, ..self }
    }

    /// The same while no broker runs, if so.
    pub fn without_brokers(self, nobody: bool) -> Self {
        Self { nobody, ..self }
    }

    /// Changes what the page knows.
    pub fn act(&self, action: Action) {
        self.dispatch.dispatch(action);
    }

    /// Asks the engine. That it cannot be asked is told to the user.
    pub fn ask(&self, command: &Command) {
        let goes = matches!(
            command,
            Command::TakeOver | Command::Flush | Command::Watch(_) | Command::SetLanguage(_)
        );
        if self.watches && !goes && !command.only_looks() {
            return self.act(Action::Notice(false, self.t.watching_only.to_owned()));
        }
        match command {
            Command::Console { line, .. } => self.act(Action::Lesson(LessonDeed::Line(line.clone()))),
            Command::Fault(fault) => self.act(Action::Lesson(LessonDeed::Line(line_of(*fault)))),
            _ => {}
        }
        if let Err(error) = self.engine.send(command) {
            self.act(Action::Notice(true, error));
        }
    }

    /// Hands a file to the engine.
    pub fn hand_over(&self, file: &File) {
        if let Err(error) = self.engine.send_file(file) {
            self.act(Action::Notice(true, error));
        }
    }

    /// Hands files of log directories to the engine, each with its path.
    pub fn hand_over_log_dirs(&self, files: &[(String, File)]) {
        if self.watches {
            return self.act(Action::Notice(false, self.t.watching_only.to_owned()));
        }
        if let Err(error) = self.engine.send_log_dirs(files) {
            self.act(Action::Notice(true, error));
        }
    }

    /// Runs a command line in the console and shows it. Whether it was begun.
    pub fn run(&self, line: &str) -> bool {
        if self.watches {
            self.act(Action::Notice(false, self.t.watching_only.to_owned()));
            return false;
        }
        self.act(Action::Show(Tab::Console));
        let Some(id) = self.terminal.begin(line) else {
            self.act(Action::Notice(false, self.t.busy.to_owned()));
            return false;
        };
        self.act(Action::Started(id, sends(line)));
        self.ask(&Command::Console { id, line: line.to_owned() });
        true
    }

    /// Runs the command line that a button stands for. It is in the console to be read, and needs none that is free;
    /// what it complains of becomes a notice.
    pub fn press(&self, line: &str) {
        let _ = self.run_aside(line);
    }

    /// The same, and gives the command's number.
    pub fn run_aside(&self, line: &str) -> u32 {
        if self.watches {
            self.act(Action::Notice(false, self.t.watching_only.to_owned()));
            return 0;
        }
        let id = self.terminal.aside(line);
        if sends(line) {
            self.act(Action::Sends(id));
        }
        self.ask(&Command::Console { id, line: line.to_owned() });
        id
    }

    /// Runs the command line of a form, which is told what came of it ([`Action::Did`]). Gives the command's number;
    /// nothing if this tab only watches.
    pub fn run_for_form(&self, line: &str) -> Option<u32> {
        if self.watches {
            self.act(Action::Notice(false, self.t.watching_only.to_owned()));
            return None;
        }
        let id = self.terminal.deed(line);
        self.ask(&Command::Console { id, line: line.to_owned() });
        Some(id)
    }

    /// Follows something on the stage, or nothing any more.
    pub fn follow(&self, what: Option<FollowWhat>) {
        if what.is_none() {
            self.act(Action::Unfollow);
        } else if browser::hash() != Screen::Stage.word() {
            browser::go(Screen::Stage.word());
        }
        self.ask(&Command::Follow(what));
    }

    /// Shows the batches of a partition from an offset on.
    pub fn browse(&self, partition: &PartitionName, offset: i64) {
        self.ask(&Command::Browse {
            topic: partition.topic.clone(),
            partition: partition.partition,
            offset,
            limit: BATCHES_A_PAGE,
        });
    }

    /// Shows the record of an offset in its batch; [`LATEST`](crate::messages::LATEST) is the last one.
    pub fn seek(&self, partition: &PartitionName, offset: i64) {
        self.act(Action::Choose(partition.clone()));
        self.act(Action::Messaging(Messaging::Seek(offset)));
        self.browse(partition, offset);
    }

    /// Picks a message that is in flight.
    pub fn pick(&self, key: TokenKey) {
        self.scene.choose(Some(key));
        self.ask(&Command::Token(key));
        self.act(Action::Show(Tab::Inspector));
    }

    /// Picks none.
    pub fn unpick(&self) {
        self.scene.choose(None);
        self.act(Action::Unpick);
    }

    /// Opens a partition in the message browser.
    pub fn open(&self, partition: PartitionName) {
        self.act(Action::Choose(partition));
        browser::go(Screen::Messages.word());
    }
}

/// The line that a button's fault stands for.
fn line_of(fault: Fault) -> String {
    match fault {
        Fault::Crash(node) => format!("fault crash {node}"),
        Fault::PowerCut(node) => format!("fault power-cut {node}"),
        Fault::Restart(node) => format!("fault restart {node}"),
    }
}

/// Whether a line sends records by hand.
fn sends(line: &str) -> bool {
    line.contains("kafka-console-producer")
}

/// Batches that the message browser asks for at a time.
pub const BATCHES_A_PAGE: u32 = 50;

/// The hands of this page. A component that is not below the page's root gets none and draws nothing.
#[hook]
pub fn use_ctx() -> Option<Ctx> {
    use_context::<Ctx>()
}
