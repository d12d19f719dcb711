//! The events that the page keeps for its log.

use std::collections::VecDeque;
use std::rc::Rc;

use blumfeld_view::{EventKind, EventView};

use crate::model::Shared;

/// Frequent events that are kept: appends, high watermarks, commits.
pub const FREQUENT_KEPT: usize = 500;
/// Rare events that are kept. Apart, so that no load drowns an election.
pub const RARE_KEPT: usize = 5_000;

/// A line of the event log with a number of its own.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Its number, in the order in which they came.
    pub seq: u64,
    /// What happened.
    pub event: EventView,
}

type Lines = Shared<VecDeque<Rc<Line>>>;

/// What is kept, frequent and rare ones apart. A copy is cheap and stays as it is: a reader can hold one.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Events {
    frequent: Lines,
    rare: Lines,
    count: u64,
}

impl Events {
    /// Takes new events, oldest first; gives how many older ones had to go.
    pub fn extend(&mut self, events: Vec<EventView>) -> u64 {
        let (mut frequent, mut rare) = (Vec::new(), Vec::new());
        for event in events {
            self.count += 1;
            let lines = if event.frequent { &mut frequent } else { &mut rare };
            lines.push(Rc::new(Line { seq: self.count, event }));
        }
        extend(&mut self.frequent, frequent, FREQUENT_KEPT) + extend(&mut self.rare, rare, RARE_KEPT)
    }

    /// How many events there ever were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The events of a kind, or all, newest first.
    pub fn newest(&self, kind: Option<EventKind>) -> impl Iterator<Item = &Rc<Line>> {
        let (mut frequent, mut rare) =
            (self.frequent.iter().rev().peekable(), self.rare.iter().rev().peekable());
        let all = std::iter::from_fn(move || match (frequent.peek(), rare.peek()) {
            (Some(one), Some(other)) if one.seq < other.seq => rare.next(),
            (Some(_), _) => frequent.next(),
            (None, _) => rare.next(),
        });
        all.filter(move |line| kind.is_none_or(|kind| line.event.kind == kind))
    }
}

/// The kinds of events, in the order of the filter.
pub const KINDS: [EventKind; 7] = [
    EventKind::Log,
    EventKind::Replication,
    EventKind::Quorum,
    EventKind::Metadata,
    EventKind::Groups,
    EventKind::Network,
    EventKind::Fault,
];

fn extend(lines: &mut Lines, new: Vec<Rc<Line>>, most: usize) -> u64 {
    if new.is_empty() {
        return 0;
    }
    let gone = (lines.len() + new.len()).saturating_sub(most);
    *lines = Shared::new(lines.iter().cloned().chain(new).skip(gone).collect());
    gone as u64
}
