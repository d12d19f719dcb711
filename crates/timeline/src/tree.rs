//! The timeline: every moment of a session can be gone back to, and what was the future stays.
//!
//! What can be rewound is a value, and what it does follows from its events and from what is done to it from outside.
//! So a moment is found again from any earlier copy of the run and the list of deeds in between. The timeline keeps
//! both: deeds, as they come, and copies, *checkpoints*, every so many events. Going to a moment copies the last
//! checkpoint before it and plays on from there ([`Walk`](crate::Walk)). A checkpoint is cheap, because logs and
//! files share what they have in common with later ones; together checkpoints take at most so much memory, and where
//! that is full the one goes whose going costs least: that whose neighbours are close to each other, measured by how
//! long ago they are.
//!
//! Deeds belong to *branches*. Whoever acts in the past begins a branch there; the deeds that came after that moment
//! stay with the branch that it left, together with the run at its end. Branches form a tree: each but the first forks
//! from a [`Mark`] of another one. One of them is the living one, which goes on and which the store holds.

use std::collections::{BTreeMap, VecDeque};

use blumfeld_console::Moment;
use blumfeld_kernel::Instant;
use blumfeld_view::{BranchView, EventView, TimelineView};

use crate::{Deed, Rewind, at};

/// A checkpoint is made when so many events were handled since the last one: what a copy costs stays below a few
/// hundredths of what these cost.
const EVERY: u64 = 16_384;
/// Bytes that checkpoints and the ends of branches may take.
const CAP: u64 = 256 << 20;
/// What the first branch is called.
pub(crate) const FIRST: &str = "main";
/// So many branches there can be; one more, and the oldest that nothing needs is given up.
const BRANCHES: usize = 64;

/// A moment of a branch: so many events handled, the clock at `now`, and so many of the branch's own deeds done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mark {
    /// Events that the world had handled.
    pub events: u64,
    /// Virtual time.
    pub now: Instant,
    /// Deeds of the branch that were done.
    pub steps: usize,
}

/// Something that was done, and when.
#[derive(Clone, PartialEq, Debug)]
pub struct Step<D> {
    /// Events that the world had handled.
    pub events: u64,
    /// Virtual microseconds.
    pub now: u64,
    /// What was done.
    pub deed: D,
}

impl<D> Step<D> {
    /// Its virtual time.
    pub fn at(&self) -> Instant {
        at(self.now)
    }
}

/// Where to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// What had happened by this time, the deeds of that time included.
    Time(Instant),
    /// Behind so many events, before anything was done there.
    Events(u64),
    /// Just before the event of this number is handled, with everything that was done by then.
    Before(u64),
    /// A moment of a branch that was seen, with what had been done there by then.
    Seen(u32, Mark),
}

impl Target {
    /// A moment as a line names it.
    pub fn of(moment: Moment) -> Target {
        match moment {
            Moment::Time(span) => Target::Time(at(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))),
            Moment::Event(number) => Target::Events(number),
        }
    }

    /// Whether a moment is not behind it.
    pub fn is_at_or_behind(self, mark: Mark) -> bool {
        match self {
            Target::Time(at) => mark.now <= at,
            Target::Events(events) => mark.events < events || (mark.events == events && mark.steps == 0),
            Target::Before(number) => mark.events < number,
            Target::Seen(_, seen) => mark <= seen,
        }
    }

    /// Whether the way to it may lead on from this branch into one that forks from it.
    pub(crate) fn is_beyond(self, branch: u32) -> bool {
        !matches!(self, Target::Seen(of, _) if of == branch)
    }

    /// Whether a deed is done before it: that of this number in its branch.
    pub(crate) fn includes<D>(self, step: &Step<D>, branch: u32, number: usize) -> bool {
        match self {
            Target::Time(at) => step.now <= at.as_micros(),
            Target::Events(events) | Target::Before(events) => step.events < events,
            Target::Seen(of, seen) => {
                let done = (step.events, step.at()).cmp(&(seen.events, seen.now));
                // Of another branch only what was done before this one begins is looked at.
                done.is_lt() || (done.is_eq() && (of != branch || number < seen.steps))
            }
        }
    }
}

/// A branch of the tree.
pub(crate) struct Branch<R: Rewind> {
    pub name: String,
    /// The branch that it forks from, and where. The first one of a life has none.
    pub parent: Option<(u32, Mark)>,
    /// Of the first one of a life: what it goes on from, though by no way that could be played.
    pub after: Option<(u32, Mark)>,
    /// What was done in it.
    pub steps: VecDeque<Step<R::Deed>>,
    /// So many before these were given up.
    pub gone: usize,
    /// How it was left.
    pub end: End<R>,
    /// What the page was told of it until then.
    pub lines: VecDeque<EventView>,
}

/// How a branch was left.
pub(crate) enum End<R> {
    /// It was not: it lives.
    Lives,
    /// The run as it was.
    Run(Box<R>),
    /// Where; the way there has to be played again.
    At(Mark),
}

impl<R> End<R> {
    pub fn run(&self) -> Option<&R> {
        match self {
            End::Run(run) => Some(run),
            End::Lives | End::At(_) => None,
        }
    }
}

impl<R: Rewind> Branch<R> {
    pub fn new(name: String, parent: Option<(u32, Mark)>) -> Branch<R> {
        let (steps, lines) = (VecDeque::new(), VecDeque::new());
        Branch { name, parent, after: None, steps, gone: 0, end: End::Lives, lines }
    }
}

/// What was played between a checkpoint and the next one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretch {
    pub(crate) branch: u32,
    pub(crate) from: Mark,
    pub(crate) until: Target,
}

/// A copy of the run.
pub(crate) struct Checkpoint<R> {
    pub branch: u32,
    pub mark: Mark,
    pub run: Box<R>,
    weight: u64,
}

/// Why a branch cannot be what was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BranchError {
    /// There is none of this name.
    Unknown(String),
    /// Another one has the name.
    Taken(String),
    /// It is no name.
    Name(String),
    /// It is the living one.
    Living,
    /// Others fork from it.
    Parent {
        /// The branch.
        name: String,
        /// Those that fork from it.
        children: Vec<String>,
    },
    /// All that was is gone that one would begin from.
    Gone,
    /// The branches need so many bytes.
    Cap(u64),
}

/// The tree of branches with their checkpoints.
pub struct Timeline<R: Rewind> {
    pub(crate) branches: BTreeMap<u32, Branch<R>>,
    pub(crate) living: u32,
    pub(crate) next: u32,
    /// In no order.
    pub(crate) checkpoints: Vec<Checkpoint<R>>,
    /// Events of the living branch at which the next one is made.
    due: u64,
    pub(crate) weight: u64,
    /// Of it, what deeds take.
    pub(crate) deeds: u64,
    cap: u64,
    /// Branches that were given up for want of room.
    pub(crate) forgotten: u32,
}

impl<R: Rewind> Timeline<R> {
    /// A session that begins.
    pub fn new(run: &R) -> Timeline<R> {
        Timeline::begin(run, 0, Branch::new(FIRST.to_owned(), None))
    }

    /// A tree that so far has this branch.
    pub(crate) fn begin(run: &R, id: u32, branch: Branch<R>) -> Timeline<R> {
        let mut timeline = Timeline {
            branches: BTreeMap::from([(id, branch)]),
            living: id,
            next: id.saturating_add(1),
            checkpoints: Vec::new(),
            due: 0,
            weight: 0,
            deeds: 0,
            cap: CAP,
            forgotten: 0,
        };
        timeline.keep(run);
        timeline
    }

    /// Notes what was done to the living branch.
    pub fn push(&mut self, events: u64, now: Instant, deed: R::Deed) {
        let weight = deed.weight();
        if let Some(branch) = self.branches.get_mut(&self.living) {
            branch.steps.push_back(Step { events, now: now.as_micros(), deed });
            (self.deeds, self.weight) = (self.deeds + weight, self.weight + weight);
        }
        self.shrink();
    }

    pub(crate) fn branch(&self, id: u32) -> Option<&Branch<R>> {
        self.branches.get(&id)
    }

    /// How many deeds of a branch were done.
    pub(crate) fn count(&self, id: u32) -> usize {
        self.branch(id).map_or(0, |branch| branch.gone + branch.steps.len())
    }

    /// A deed of a branch, by its number from 0.
    pub(crate) fn step(&self, id: u32, number: usize) -> Option<&Step<R::Deed>> {
        let branch = self.branch(id)?;
        branch.steps.get(number.checked_sub(branch.gone)?)
    }

    /// The living branch as far as it has come with this run.
    pub fn mark(&self, run: &R) -> Mark {
        Mark { events: run.world().events(), now: run.world().now(), steps: self.count(self.living) }
    }

    // ---- checkpoints

    /// Keeps a copy of the living run if it is time for one.
    pub fn look(&mut self, run: &R) {
        if run.world().events() >= self.due {
            self.keep(run);
        }
    }

    /// Lets checkpoints, ends of branches and deeds take so many bytes.
    ///
    /// # Errors
    /// The branches that there are need more, however few checkpoints they have.
    pub fn set_cap(&mut self, bytes: u64) -> Result<(), BranchError> {
        let ends = self.branches.values().filter_map(|branch| branch.end.run());
        let ends: u64 = ends.map(|run| run.world().weight()).sum();
        // The first and the last of a branch stay.
        let mut least: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        let mut sorted: Vec<&Checkpoint<R>> = self.checkpoints.iter().collect();
        sorted.sort_by_key(|one| one.mark);
        for one in sorted {
            least.entry(one.branch).or_insert((one.weight, 0)).1 = one.weight;
        }
        let copies: u64 = least.values().map(|(first, last)| first + last).sum();
        let needed = self.deeds + ends + copies;
        if needed > bytes {
            return Err(BranchError::Cap(needed));
        }
        self.cap = bytes;
        self.shrink();
        Ok(())
    }

    /// The same, if it is not what it is at first.
    pub fn other_cap(&self) -> Option<u64> {
        Some(self.cap).filter(|cap| *cap != CAP)
    }

    /// Makes checkpoints from now on, or none.
    pub fn keep_checkpoints(&mut self, on: bool) {
        self.due = if on { 0 } else { u64::MAX };
    }

    fn keep(&mut self, run: &R) {
        self.due = run.world().events() + EVERY;
        self.keep_at((self.living, self.mark(run)), run);
    }

    /// Keeps a copy of a run that has come to this moment.
    pub(crate) fn keep_at(&mut self, (branch, mark): (u32, Mark), run: &R) {
        let weight = run.world().weight();
        self.weight += weight;
        self.checkpoints.push(Checkpoint { branch, mark, run: Box::new(run.clone()), weight });
        self.shrink();
    }

    /// Gives up what is missed least until the rest has room.
    pub(crate) fn shrink(&mut self) {
        while self.weight > self.cap {
            // Where deeds take most of it, no checkpoint that goes makes much room.
            let done = (self.deeds > self.cap / 2 && self.forget_the_beginning())
                || self.thin()
                || self.forget_a_leaf()
                || self.forget_the_beginning();
            if !done {
                return;
            }
        }
    }

    /// Gives up what the living branch began with, up to its next checkpoint.
    fn forget_the_beginning(&mut self) -> bool {
        let line = self.lineage(self.living);
        let place =
            |one: &Checkpoint<R>| line.iter().position(|(id, _)| *id == one.branch).map(|at| (at, one.mark));
        let mut order: Vec<usize> = (0..self.checkpoints.len()).collect();
        order.retain(|at| place(&self.checkpoints[*at]).is_some());
        order.sort_by_key(|at| place(&self.checkpoints[*at]));
        let [first, next, ..] = order.as_slice() else { return false };
        let (id, steps) = (self.checkpoints[*first].branch, self.checkpoints[*next].mark.steps);
        if self.checkpoints[*next].branch != id {
            return false;
        }
        let Some(branch) = self.branches.get_mut(&id) else { return false };
        let going = steps.saturating_sub(branch.gone).min(branch.steps.len());
        let weight: u64 = branch.steps.drain(..going).map(|step| step.deed.weight()).sum();
        branch.gone += going;
        let weight_of_copy = self.checkpoints.swap_remove(*first).weight;
        (self.deeds, self.weight) = (self.deeds - weight, self.weight - weight - weight_of_copy);
        true
    }

    /// Gives the checkpoint up that is missed least. The first of a branch is what the branch begins from; it goes when
    /// nothing else is left.
    fn thin(&mut self) -> bool {
        let now = self.checkpoints.iter().map(|one| one.mark.events).max().unwrap_or(0);
        let mut order: Vec<usize> = (0..self.checkpoints.len()).collect();
        order.sort_by_key(|at| (self.checkpoints[*at].branch, self.checkpoints[*at].mark));
        let of = |at: usize| &self.checkpoints[order[at]];
        // A whole number of thousandths of its age: how far what follows it would be from what is before it.
        let gap = |at: usize| {
            let neighbours = at.checked_sub(1).zip(Some(at + 1).filter(|next| *next < order.len()));
            let (before, after) = neighbours?;
            let same = of(before).branch == of(at).branch && of(after).branch == of(at).branch;
            let age = now.saturating_sub(of(at).mark.events) + EVERY;
            same.then(|| (of(after).mark.events - of(before).mark.events) * 1_000 / age)
        };
        let least = (0..order.len()).filter_map(|at| Some((gap(at)?, order[at]))).min();
        let Some((_, at)) = least else { return false };
        self.weight -= self.checkpoints.swap_remove(at).weight;
        true
    }

    /// The checkpoints before a moment, from the last one back, each with where the next one or the moment is: played
    /// one after the other they are everything that is kept of how it came to be so.
    pub fn stretches(&self, branch: u32, mark: Mark) -> Vec<Stretch> {
        let line = self.lineage(branch);
        let mut found: Vec<(usize, u32, Mark)> = Vec::new();
        for (at, (id, end)) in line.iter().enumerate() {
            let end = end.unwrap_or(mark);
            let before = self.checkpoints.iter().filter(|one| one.branch == *id && one.mark <= end);
            found.extend(before.map(|one| (at, *id, one.mark)));
        }
        // A branch's first checkpoint is where it begins: what its parent did after that is not its own.
        found.sort_by_key(|(at, _, mark)| (*at, *mark));
        let mut until = Target::Seen(branch, mark);
        let mut stretches = Vec::new();
        for (_, id, from) in found.into_iter().rev() {
            stretches.push(Stretch { branch: id, from, until });
            until = Target::Seen(id, from);
        }
        stretches
    }

    /// What was done before a moment, with its time, from the last back.
    pub fn done_before(&self, branch: u32, mark: Mark) -> impl Iterator<Item = &Step<R::Deed>> {
        let line = self.lineage(branch);
        line.into_iter().rev().flat_map(move |(id, end)| {
            let count = end.unwrap_or(mark).steps.min(self.count(id));
            (0..count).rev().map_while(move |number| self.step(id, number))
        })
    }

    /// The virtual time from which on the living branch can be gone back to.
    pub fn from(&self) -> Instant {
        let line = self.lineage(self.living);
        let reached = |one: &&Checkpoint<R>| {
            line.iter().any(|(id, end)| *id == one.branch && end.is_none_or(|end| one.mark <= end))
        };
        self.checkpoints.iter().filter(reached).map(|one| one.mark.now).min().unwrap_or(Instant::ZERO)
    }

    // ---- the tree

    /// The branches from the first one to this one, each with where the next one leaves it.
    pub(crate) fn lineage(&self, branch: u32) -> Vec<(u32, Option<Mark>)> {
        let mut line = vec![(branch, None)];
        let mut at = branch;
        while let Some((parent, fork)) = self.branch(at).and_then(|branch| branch.parent) {
            line.push((parent, Some(fork)));
            at = parent;
        }
        line.reverse();
        line
    }

    /// Everything that was done up to the end of the living branch; nothing where a part of it was given up.
    pub fn all_steps(&self) -> Option<Vec<Step<R::Deed>>> {
        let mut steps = Vec::new();
        for (id, end) in self.lineage(self.living) {
            let count = self.count(id);
            for number in 0..end.map_or(count, |end| end.steps.min(count)) {
                steps.push(self.step(id, number)?.clone());
            }
        }
        Some(steps)
    }

    /// A new branch lives from here on: `run` is what a walk has found at `mark` of `parent`, and `left` is how the
    /// living branch stands.
    pub fn branch_off(
        &mut self,
        name: &str,
        (parent, mark): (u32, Mark),
        run: &R,
        (left, lines): (Box<R>, VecDeque<EventView>),
    ) {
        while self.branches.len() >= BRANCHES && self.forget_a_leaf() {}
        self.leave(left, lines);
        let name = self.free_name(name);
        self.branches.insert(self.next, Branch::new(name, Some((parent, mark))));
        self.living = self.next;
        self.next += 1;
        self.keep(run);
    }

    /// Gives up the oldest branch that nothing needs.
    fn forget_a_leaf(&mut self) -> bool {
        let needed = |id: u32| {
            id == self.living || self.branches.values().any(|one| one.parent.is_some_and(|(of, _)| of == id))
        };
        let leaf = self.branches.iter().find(|(id, _)| !needed(**id)).map(|(_, branch)| branch.name.clone());
        let gone = leaf.is_some_and(|name| self.delete(&name).is_ok());
        self.forgotten += u32::from(gone);
        gone
    }

    /// Puts the living branch aside.
    fn leave(&mut self, left: Box<R>, lines: VecDeque<EventView>) {
        self.weight += left.world().weight();
        if let Some(branch) = self.branches.get_mut(&self.living) {
            (branch.end, branch.lines) = (End::Run(left), lines);
        }
    }

    /// Lets another branch live; gives its run. `lines` are those of the branch that is left, and then of this one.
    pub fn switch(
        &mut self,
        name: &str,
        left: &R,
        lines: &mut VecDeque<EventView>,
    ) -> Result<Box<R>, BranchError> {
        let id = self.named(name)?;
        if id == self.living {
            return Err(BranchError::Living);
        }
        let branch = self.branches.get_mut(&id).ok_or(BranchError::Gone)?;
        let run = match std::mem::replace(&mut branch.end, End::Lives) {
            End::Run(run) => run,
            far => {
                branch.end = far;
                return Err(BranchError::Gone);
            }
        };
        self.weight = self.weight.saturating_sub(run.world().weight());
        self.leave(Box::new(left.clone()), std::mem::take(lines));
        self.living = id;
        if let Some(branch) = self.branches.get_mut(&id) {
            *lines = std::mem::take(&mut branch.lines);
        }
        self.due = run.world().events() + EVERY;
        Ok(run)
    }

    /// Whether a branch that is asked for can have this name.
    ///
    /// # Errors
    /// It is no name, or another one has it.
    pub fn check_new(&self, name: &str) -> Result<(), BranchError> {
        if !is_name(name) {
            return Err(BranchError::Name(name.to_owned()));
        }
        if self.named(name).is_ok() { Err(BranchError::Taken(name.to_owned())) } else { Ok(()) }
    }

    /// Gives a branch another name.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), BranchError> {
        let id = self.named(from)?;
        if !is_name(to) {
            return Err(BranchError::Name(to.to_owned()));
        }
        if self.named(to).is_ok_and(|other| other != id) {
            return Err(BranchError::Taken(to.to_owned()));
        }
        if let Some(branch) = self.branches.get_mut(&id) {
            branch.name = to.to_owned();
        }
        Ok(())
    }

    /// Forgets a branch from which nothing forks.
    pub fn delete(&mut self, name: &str) -> Result<(), BranchError> {
        let id = self.named(name)?;
        if id == self.living {
            return Err(BranchError::Living);
        }
        let forks = |branch: &&Branch<R>| branch.parent.is_some_and(|(parent, _)| parent == id);
        let children: Vec<String> =
            self.branches.values().filter(forks).map(|branch| branch.name.clone()).collect();
        if !children.is_empty() {
            return Err(BranchError::Parent { name: name.to_owned(), children });
        }
        if let Some(branch) = self.branches.remove(&id) {
            let deeds: u64 = branch.steps.iter().map(|step| step.deed.weight()).sum();
            let end = branch.end.run().map_or(0, |run| run.world().weight());
            (self.deeds, self.weight) = (self.deeds - deeds, self.weight.saturating_sub(end + deeds));
        }
        let gone: u64 = self.checkpoints.extract_if(.., |one| one.branch == id).map(|one| one.weight).sum();
        self.weight -= gone;
        Ok(())
    }

    /// How a branch stands that does not live.
    pub fn end_of(&self, name: &str) -> Result<&R, BranchError> {
        let id = self.named(name)?;
        if id == self.living {
            return Err(BranchError::Living);
        }
        self.branch(id).and_then(|branch| branch.end.run()).ok_or(BranchError::Gone)
    }

    /// The living branch.
    pub fn living_id(&self) -> u32 {
        self.living
    }

    /// The living branch's name.
    pub fn living(&self) -> &str {
        self.branch(self.living).map_or("", |branch| &branch.name)
    }

    pub(crate) fn named(&self, name: &str) -> Result<u32, BranchError> {
        let found = self.branches.iter().find(|(_, branch)| branch.name == name);
        found.map(|(id, _)| *id).ok_or_else(|| BranchError::Unknown(name.to_owned()))
    }

    /// The name, or with a number behind it where another branch has it.
    pub(crate) fn free_name(&self, wanted: &str) -> String {
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        names.find(|name| self.named(name).is_err()).unwrap_or_default()
    }

    /// What is drawn of it. `tip` is the living run, where another moment is looked at.
    pub fn view(&self, living: &R, past: bool, seeking: Option<f64>) -> TimelineView {
        let branch = |(id, branch): (&u32, &Branch<R>)| {
            let end = match &branch.end {
                End::Lives => living.world().now(),
                End::Run(run) => run.world().now(),
                End::At(mark) => mark.now,
            };
            let from = branch.parent.or(branch.after).filter(|(from, _)| self.branches.contains_key(from));
            BranchView {
                name: branch.name.clone(),
                parent: from.and_then(|(parent, _)| Some(self.branch(parent)?.name.clone())),
                fork: from.map_or(0, |(_, mark)| mark.now.as_micros()),
                reopened: branch.parent.is_none() && from.is_some(),
                end: if *id == self.living && !past { 0 } else { end.as_micros() },
                living: *id == self.living,
            }
        };
        TimelineView {
            from: self.from().as_micros(),
            tip: past.then(|| living.world().now().as_micros()),
            branches: self.branches.iter().map(branch).collect(),
            checkpoints: u32::try_from(self.checkpoints.len()).unwrap_or(u32::MAX),
            weight: self.weight,
            cap: self.cap,
            forgotten: self.forgotten,
            unkept: 0,
            seeking,
        }
    }
}

/// Whether a branch can be called so: letters, digits, `-`, `_` and `.`, at most 40, and no `-` first.
pub fn is_name(name: &str) -> bool {
    let fine = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    !name.is_empty() && !name.starts_with('-') && name.chars().count() <= 40 && name.chars().all(fine)
}
