//! Branches that are kept outside, and come back in another session.
//!
//! Of a branch its deeds are kept, and what the life of the cluster began with; of a deed it is known that it leads to
//! the same again. So nothing else is needed to find any moment of it: a branch that came back has an end that is only
//! known by its place ([`End::At`]), and whoever wants to be there plays the way. What a session leaves in a store and
//! the next one reads from there is no such way: the brokers' processes are gone, and what was on the wire. So each
//! session begins a tree of its own, whose first branch only says what it goes on from.

use std::collections::{BTreeMap, VecDeque};

use blumfeld_view::EventView;

use crate::tree::{Branch, End, FIRST, Mark, Step, Timeline, is_name};
use crate::walk::Walk;
use crate::{Deed, Rewind};

/// A branch as it is kept outside.
#[derive(Clone, Debug)]
pub struct Kept<D> {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The branch that it forks from, and where; nothing where a life begins with it.
    pub parent: Option<(u32, Mark)>,
    /// Of such a one: what it goes on from.
    pub after: Option<(u32, Mark)>,
    /// What was done in it.
    pub steps: Vec<Step<D>>,
    /// Where it ends.
    pub end: Mark,
}

/// What is known of earlier sessions.
#[derive(Clone, Debug)]
pub struct Earlier<R: Rewind> {
    /// The name of the branch that lived when the last one ended.
    pub living: String,
    /// What it goes on from, if that is kept.
    pub from: Option<(u32, Mark)>,
    /// The branches that are kept.
    pub branches: Vec<Kept<R::Deed>>,
    /// The run that each life began with, by the number of its first branch.
    pub beginnings: BTreeMap<u32, R>,
    /// Branches that were given up.
    pub forgotten: u32,
    /// Bytes that all of it may take, if that was chosen.
    pub cap: Option<u64>,
}

impl<R: Rewind> Timeline<R> {
    /// A session that begins after earlier ones. A branch whose way is not whole is given up.
    pub fn resume(run: &R, earlier: Earlier<R>) -> Timeline<R> {
        let Earlier { living, from, mut branches, mut beginnings, forgotten, cap } = earlier;
        branches.sort_by_key(|kept| kept.id);
        let name = if is_name(&living) { living } else { FIRST.to_owned() };
        // Its number follows those of all that were.
        let id = branches.last().map_or(0, |last| last.id.saturating_add(1));
        let mut timeline = Timeline::begin(run, id, Branch::new(name.clone(), None));
        timeline.forgotten = forgotten;
        if let Some(cap) = cap {
            // So early it needs next to nothing.
            let _ = timeline.set_cap(cap);
        }
        for kept in branches {
            let whole = match kept.parent {
                Some((parent, _)) => {
                    parent < kept.id && parent != id && timeline.branches.contains_key(&parent)
                }
                None => beginnings.contains_key(&kept.id),
            };
            if !whole || timeline.branches.contains_key(&kept.id) {
                timeline.forgotten += 1;
                continue;
            }
            // What lives keeps its name; what it goes on from gets another one.
            let wanted = if kept.name == name { format!("{name}-before") } else { kept.name };
            let mut branch = Branch::new(timeline.free_name(&wanted), kept.parent);
            let weight: u64 = kept.steps.iter().map(|step| step.deed.weight()).sum();
            (timeline.deeds, timeline.weight) = (timeline.deeds + weight, timeline.weight + weight);
            (branch.after, branch.steps, branch.end) = (kept.after, kept.steps.into(), End::At(kept.end));
            timeline.branches.insert(kept.id, branch);
            if let Some(run) = beginnings.remove(&kept.id) {
                let mark = Mark { events: run.world().events(), now: run.world().now(), steps: 0 };
                timeline.keep_at((kept.id, mark), &run);
            }
        }
        let after = from.filter(|(from, _)| *from != id && timeline.branches.contains_key(from));
        if let Some(living) = timeline.branches.get_mut(&id) {
            living.after = after;
        }
        timeline
    }

    /// Where a branch ends, if the way there has to be played: its number, and the moment.
    pub fn far(&self, name: &str) -> Option<(u32, Mark)> {
        let id = self.named(name).ok()?;
        match self.branch(id)?.end {
            End::At(mark) => Some((id, mark)),
            End::Lives | End::Run(_) => None,
        }
    }

    /// The end of such a branch was found, and what the page would have been told on the way.
    pub fn reached(&mut self, id: u32, run: R, lines: VecDeque<EventView>) {
        let weight = run.world().weight();
        if let Some(branch) = self.branches.get_mut(&id) {
            (branch.end, branch.lines) = (End::Run(Box::new(run)), lines);
            self.weight += weight;
        }
    }

    /// Keeps a copy on the way to such an end.
    pub fn passed(&mut self, walk: &Walk, run: &R) {
        if let Some(place) = walk.place(run) {
            self.keep_at(place, run);
        }
    }

    /// The branch that this one's life began with.
    pub fn first_of(&self, id: u32) -> u32 {
        self.lineage(id).first().map_or(id, |(first, _)| *first)
    }

    /// Where a branch ends that does not live, and the digest there; nothing where the way there was not played.
    pub fn left_at(&self, id: u32) -> Option<(Mark, u64)> {
        let world = self.branch(id)?.end.run()?.world();
        let mark = Mark { events: world.events(), now: world.now(), steps: self.count(id) };
        Some((mark, world.digest()))
    }

    /// A branch as it was at this moment, to be kept outside; nothing where a part of it was given up.
    pub fn to_keep(&self, id: u32, end: Mark) -> Option<Kept<R::Deed>> {
        let branch = self.branch(id)?;
        let steps =
            (0..end.steps).map(|number| self.step(id, number).cloned()).collect::<Option<Vec<_>>>()?;
        Some(Kept { id, name: branch.name.clone(), parent: branch.parent, after: branch.after, steps, end })
    }

    /// The name of a branch, what it forks from, and what it goes on from if a life begins with it.
    #[allow(clippy::type_complexity, reason = "three facts of one branch")]
    pub fn facts(&self, id: u32) -> Option<(&str, Option<(u32, Mark)>, Option<(u32, Mark)>)> {
        self.branch(id).map(|branch| (branch.name.as_str(), branch.parent, branch.after))
    }

    /// The numbers of all branches.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.branches.keys().copied()
    }

    /// Everything that was done in any branch.
    pub fn all_deeds(&self) -> impl Iterator<Item = &R::Deed> {
        self.branches.values().flat_map(|branch| &branch.steps).map(|step| &step.deed)
    }

    /// Branches that were given up for want of room, so far.
    pub fn forgotten(&self) -> u32 {
        self.forgotten
    }
}
