//! The first minute: what a cluster begins with that nobody has been in.
//!
//! A topic, a producer of orders and a group of two, made by the console's own lines, one after the other, so that
//! they can be read there, stopped and deleted like any others. The clock runs as fast as it can until the group is
//! stable and goes on slowly then: at its usual speed a request lives for a millisecond, and nobody could follow one.
//!
//! A lesson begins in the same way, with its own lines.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use blumfeld_lesson::Lesson;
use blumfeld_permalink::Link;
use blumfeld_view::{Command, Delta, GoalAsked, GoalsAsked, GoalsView, Pace, SharedDeed};

use crate::browser;
use crate::console::Terminal;
use crate::lesson::PREPARING;
use crate::model::Shared;
use crate::share;

/// The topic of the first minute.
pub const TOPIC: &str = "orders";
/// Its group.
const GROUP: &str = "billing";
/// Members of the group.
const MEMBERS: usize = 2;
/// How fast the clock goes once all is under way.
const PACE: f64 = 0.01;

/// How far the first minute has come. A handle: its clones are the same.
#[derive(Clone)]
pub struct Opening {
    stage: Rc<RefCell<Stage>>,
    /// The lesson whose cluster this is.
    lesson: Rc<RefCell<Option<Shared<Lesson>>>>,
    /// A shared session that is run again, with the step that its lesson was at.
    link: Rc<RefCell<Option<Rc<Played>>>>,
}

/// A shared session.
struct Played {
    deeds: Vec<SharedDeed>,
    until: u64,
    step: usize,
}

/// What is to be told of the opening of a lesson.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Opened {
    /// It may begin.
    Ready,
    /// A shared session was run again.
    Played(
        /// The step of its lesson, counted from 0.
        usize,
    ),
    /// A line of it failed.
    Failed(
        /// The line.
        String,
    ),
}

#[derive(Default)]
enum Stage {
    /// It may begin.
    Ahead,
    /// There is none, or it is over.
    #[default]
    Over,
    /// Lines are run, and the one of this number has not ended.
    Running(u32, String, VecDeque<String>),
    /// All runs, and the group is awaited.
    Settling,
}

/// The lines, for a cluster of so many brokers.
fn lines(brokers: usize) -> VecDeque<String> {
    let factor = brokers.clamp(1, 3);
    let mut lines = VecDeque::from([
        format!(
            "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic {TOPIC} --partitions 3 --replication-factor {factor}"
        ),
        format!("workload start produce --topic {TOPIC} --rate 200 --keys 40 --name web-checkout"),
    ]);
    for member in 1..=MEMBERS {
        lines.push_back(format!(
            "workload start consume --topic {TOPIC} --group {GROUP} --processing-ms 2 --name {GROUP}-{member}"
        ));
    }
    lines
}

impl Opening {
    /// One that may begin, unless new clusters are to be empty.
    pub fn new(empty: bool) -> Self {
        let stage = if empty { Stage::Over } else { Stage::Ahead };
        Self { stage: Rc::new(RefCell::new(stage)), lesson: Rc::default(), link: Rc::default() }
    }

    /// The cluster is a shared session's.
    pub fn plays(&self, link: &Link) {
        let (deeds, until) = share::deeds(link);
        let step = link.lesson.as_ref().map_or(0, |lesson| usize::try_from(lesson.step).unwrap_or(0));
        *self.link.borrow_mut() = Some(Rc::new(Played { deeds, until, step }));
    }

    /// Whether each new cluster begins in a way of its own.
    pub fn is_scripted(&self) -> bool {
        self.lesson.borrow().is_some() || self.link.borrow().is_some()
    }

    /// A shared session was run again.
    pub fn played(&self) -> Option<Opened> {
        self.link.borrow().as_ref().map(|played| Opened::Played(played.step))
    }

    /// The cluster is a lesson's: each new one begins as that says.
    pub fn of(&self, lesson: Shared<Lesson>) {
        *self.lesson.borrow_mut() = Some(lesson);
    }

    /// The lesson whose cluster this is.
    pub fn lesson(&self) -> Option<Shared<Lesson>> {
        self.lesson.borrow().clone()
    }

    /// Begins it: the first minute once, a lesson with each new cluster. What it says of a lesson is to be told.
    pub fn begin(&self, brokers: usize, terminal: &Terminal, ask: &dyn Fn(&Command)) -> Option<Opened> {
        if let Some(played) = self.link.borrow().as_ref() {
            *self.stage.borrow_mut() = Stage::Over;
            terminal.skip(played.deeds.len());
            ask(&Command::Play { deeds: played.deeds.clone(), until: played.until });
            return None;
        }
        let lines = match self.lesson() {
            Some(lesson) => lesson.begin.iter().cloned().collect(),
            None if matches!(*self.stage.borrow(), Stage::Ahead) => lines(brokers),
            None => return None,
        };
        ask(&Command::SetPace(Pace::Fastest));
        self.next(lines, terminal, ask)
    }

    fn next(
        &self,
        mut left: VecDeque<String>,
        terminal: &Terminal,
        ask: &dyn Fn(&Command),
    ) -> Option<Opened> {
        let Some(line) = left.pop_front() else {
            *self.stage.borrow_mut() = Stage::Settling;
            return self.settle(ask);
        };
        let id = terminal.aside(&line);
        // A line that waited for something has stopped time.
        ask(&Command::SetPace(Pace::Fastest));
        ask(&Command::Console { id, line: line.clone() });
        *self.stage.borrow_mut() = Stage::Running(id, line, left);
        None
    }

    /// All lines have ended. A lesson waits for what it says, or for nothing.
    fn settle(&self, ask: &dyn Fn(&Command)) -> Option<Opened> {
        let lesson = self.lesson()?;
        let Some(ready) = &lesson.ready else { return self.opened(&lesson, ask) };
        let goals = vec![GoalAsked { when: ready.text().to_owned(), once: false }];
        ask(&Command::SetPace(Pace::Fastest));
        ask(&Command::Goals(Some(GoalsAsked { id: PREPARING, goals, ..GoalsAsked::default() })));
        None
    }

    fn opened(&self, lesson: &Lesson, ask: &dyn Fn(&Command)) -> Option<Opened> {
        *self.stage.borrow_mut() = Stage::Over;
        ask(&Command::SetPace(Pace::Times(lesson.pace)));
        Some(Opened::Ready)
    }

    /// A command has ended. What fails is in the console, and the rest is left out.
    pub fn ended(&self, id: u32, exit: i32, terminal: &Terminal, ask: &dyn Fn(&Command)) -> Option<Opened> {
        let stage = std::mem::take(&mut *self.stage.borrow_mut());
        match stage {
            Stage::Running(waits, _, left) if waits == id && exit == 0 => self.next(left, terminal, ask),
            Stage::Running(waits, line, _) if waits == id => {
                ask(&Command::SetPace(Pace::Times(1.0)));
                self.lesson().map(|_| Opened::Failed(line))
            }
            other => {
                *self.stage.borrow_mut() = other;
                None
            }
        }
    }

    /// The engine told how what a lesson waits for stands.
    pub fn reached(&self, goals: &GoalsView, ask: &dyn Fn(&Command)) -> Option<Opened> {
        let waits = goals.id == PREPARING && matches!(*self.stage.borrow(), Stage::Settling);
        let lesson = self.lesson().filter(|_| waits && goals.reached.is_some())?;
        self.opened(&lesson, ask)
    }

    /// The engine told what changed.
    pub fn heard(&self, delta: &Delta, ask: &dyn Fn(&Command)) {
        if !matches!(*self.stage.borrow(), Stage::Settling) || self.lesson.borrow().is_some() {
            return;
        }
        let groups = delta.groups.as_deref().unwrap_or_default();
        let settled = groups.iter().any(|group| {
            group.id == GROUP
                && group.state == "Stable"
                && group.members.len() == MEMBERS
                && group.members.iter().all(|member| !member.partitions.is_empty())
        });
        // Whoever has changed the pace meanwhile keeps it.
        let own = delta.clock.pace == Pace::Fastest;
        if settled || !own {
            *self.stage.borrow_mut() = Stage::Over;
        }
        if settled && own {
            ask(&Command::SetPace(Pace::Times(PACE)));
            // Whoever wants no motion steps from event to event.
            if browser::wants_stillness() {
                ask(&Command::SetPace(Pace::Paused));
            }
        }
    }
}
