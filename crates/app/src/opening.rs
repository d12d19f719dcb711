//! The first minute: what a cluster begins with that nobody has been in.
//!
//! A topic, a producer of orders and a group of two, made by the console's own lines, one after the other, so that
//! they can be read there, stopped and deleted like any others. The clock runs as fast as it can until the group is
//! stable and goes on slowly then: at its usual speed a request lives for a millisecond, and nobody could follow one.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use blumfeld_view::{Command, Delta, Pace};

use crate::browser;
use crate::console::Terminal;

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
pub struct Opening(Rc<RefCell<Stage>>);

#[derive(Default)]
enum Stage {
    /// It may begin.
    Ahead,
    /// There is none, or it is over.
    #[default]
    Over,
    /// Lines are run, and the one of this number has not ended.
    Running(u32, VecDeque<String>),
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
        Self(Rc::new(RefCell::new(if empty { Stage::Over } else { Stage::Ahead })))
    }

    /// Begins it, once.
    pub fn begin(&self, brokers: usize, terminal: &Terminal, ask: &dyn Fn(&Command)) {
        if !matches!(*self.0.borrow(), Stage::Ahead) {
            return;
        }
        ask(&Command::SetPace(Pace::Fastest));
        self.next(lines(brokers), terminal, ask);
    }

    fn next(&self, mut left: VecDeque<String>, terminal: &Terminal, ask: &dyn Fn(&Command)) {
        let stage = match left.pop_front() {
            None => Stage::Settling,
            Some(line) => {
                let id = terminal.aside(&line);
                ask(&Command::Console { id, line });
                Stage::Running(id, left)
            }
        };
        *self.0.borrow_mut() = stage;
    }

    /// A command has ended. What fails is in the console, and the rest is left out.
    pub fn ended(&self, id: u32, exit: i32, terminal: &Terminal, ask: &dyn Fn(&Command)) {
        let stage = std::mem::take(&mut *self.0.borrow_mut());
        match stage {
            Stage::Running(waits, left) if waits == id && exit == 0 => self.next(left, terminal, ask),
            Stage::Running(waits, _) if waits == id => ask(&Command::SetPace(Pace::Times(1.0))),
            other => *self.0.borrow_mut() = other,
        }
    }

    /// The engine told what changed.
    pub fn heard(&self, delta: &Delta, ask: &dyn Fn(&Command)) {
        if !matches!(*self.0.borrow(), Stage::Settling) {
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
            *self.0.borrow_mut() = Stage::Over;
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
