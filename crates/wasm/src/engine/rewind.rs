//! Looking at an earlier moment, acting there, and going from one branch to another.
//!
//! While an earlier moment is looked at, the living run is put aside as it is: it stands still, and what becomes of a
//! commit that is under way is still told to it. Time that goes on in the past plays what happened, up to the living
//! run. Whoever acts in the past begins a branch, and with it the living run is another one: the store is given what is
//! otherwise there in one commit, and a commit that was under way for the old one releases nothing in the new one.

use blumfeld_kernel::Instant;
use blumfeld_timeline::{Mark, Nothing, Target, TravelError, Walk, Way, name_after};
use blumfeld_view::{ClusterView, EventView, Pace, Seek};

use super::Engine;
use super::wire::WireReader;
use crate::record::{Done, Record};
use crate::run::{ConsoleUpdate, INTERRUPTED, Rates, Run};

/// Lines of what happened that are kept for each branch, to be shown again.
pub(super) const LINES: usize = 4_000;

/// Another moment than the living branch's end is looked at.
pub(super) struct Past {
    /// The living run.
    tip: Box<Run>,
    /// How the shown one was reached.
    walk: Walk,
}

impl Past {
    pub fn walk(&self) -> &Walk {
        &self.walk
    }
}

/// On the way to another moment.
pub(super) struct Seeking {
    walk: Walk,
    run: Run,
    target: Target,
    /// Events at which it began, and at which it is likely there.
    way: (u64, u64),
    /// The line that ends when it is there.
    line: Option<u32>,
}

impl Seeking {
    /// Whether it is this line's.
    pub fn is_for(&self, id: u32) -> bool {
        self.line == Some(id)
    }
}

impl Engine {
    /// The run that goes on, and that the store holds.
    pub(super) fn living(&self) -> &Run {
        self.past.as_ref().map_or(&self.run, |past| &past.tip)
    }

    pub(super) fn living_mut(&mut self) -> &mut Run {
        match &mut self.past {
            Some(past) => &mut past.tip,
            None => &mut self.run,
        }
    }

    /// Whether an earlier moment than the living branch's end is looked at.
    pub fn is_in_the_past(&self) -> bool {
        self.past.is_some()
    }

    /// Whether the page has to be told everything anew, for another moment is shown; asked once.
    pub fn take_rewound(&mut self) -> Option<(ClusterView, Vec<EventView>)> {
        if !std::mem::take(&mut self.rewound) {
            return None;
        }
        self.view = self.current_view();
        let now = self.run.world.now().as_micros();
        let mut lines: Vec<EventView> = self.lines.iter().filter(|line| line.at <= now).cloned().collect();
        lines.sort_by_key(|line| line.at);
        Some((self.view.clone(), lines))
    }

    /// Keeps what the page is told of what happened.
    pub(super) fn keep_lines(&mut self, events: &[EventView]) {
        self.lines.extend(events.iter().cloned());
        while self.lines.len() > LINES {
            self.lines.pop_front();
        }
    }

    /// Makes checkpoints or makes none, to measure what they cost.
    pub fn keep_checkpoints(&mut self, on: bool) {
        self.timeline.keep_checkpoints(on);
    }

    // ---- going

    /// Begins to go to another moment. Time stands still there.
    ///
    /// # Errors
    /// It lies before all that is kept.
    pub fn seek(&mut self, to: Seek) -> Result<(), String> {
        let result = self.begin_seek(to);
        result.map_err(|error| error.told(self.language))
    }

    pub(super) fn begin_seek(&mut self, to: Seek) -> Result<(), TravelError> {
        self.stop_going();
        let shown = self.run.world.events();
        let target = match to {
            Seek::Now => None,
            Seek::Time(at) => Some(Target::Time(Instant::from_micros(at))),
            Seek::Events(by) => {
                let events = shown.checked_add_signed(by).ok_or(TravelError::Beginning)?;
                Some(Target::Events(events))
            }
        };
        self.set_pace(Pace::Paused);
        self.stop_seeking();
        let tip = self.timeline.mark(self.living());
        let Some(target) = target.filter(|target| !target.is_at_or_behind(Mark { steps: 0, ..tip })) else {
            self.show_living();
            return Ok(());
        };
        let (walk, run) = Walk::begin(&self.timeline, target)?;
        let begun = run.world.events();
        // By time one only knows that it is not behind the end.
        let end = match target {
            Target::Events(events) | Target::Before(events) | Target::Seen(_, Mark { events, .. }) => events,
            Target::Time(at) => {
                let share = |now: Instant| now.as_micros() as f64 - run.world.now().as_micros() as f64;
                let part = (share(at) / share(tip.now).max(1.0)).clamp(0.0, 1.0);
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of them")]
                let events = ((tip.events - begun) as f64 * part) as u64;
                begun + events
            }
        };
        self.seeking = Some(Seeking { walk, run, target, way: (begun, end), line: None });
        Ok(())
    }

    /// Goes on to where it is to go; gives whether there is more to do.
    pub(super) fn go_on_seeking(&mut self, out_of_time: &mut impl FnMut() -> bool) -> bool {
        let Some(mut seeking) = self.seeking.take() else { return false };
        let Seeking { walk, run, target, .. } = &mut seeking;
        let kept = (&self.timeline, self.language);
        if walk.go(kept, run, *target, &mut Nothing, out_of_time) == Way::OutOfTime {
            self.seeking = Some(seeking);
            return true;
        }
        let Seeking { walk, run, line, .. } = seeking;
        self.show_moment(walk, run);
        if let Some(id) = line {
            self.answer_timeline(id, Ok(String::new()));
        }
        false
    }

    /// Shows a moment of the living branch that was reached.
    pub(super) fn show_moment(&mut self, walk: Walk, mut run: Run) {
        run.pass_over_output();
        let before = std::mem::replace(&mut self.run, run);
        let tip = self.past.take().map_or_else(|| Box::new(before), |past| past.tip);
        self.past = Some(Past { tip, walk });
        self.show_another();
    }

    /// Where what is shown stands: in which branch, and where in it.
    pub(super) fn shown_place(&self) -> (u32, Mark) {
        let past = self.past.as_ref().and_then(|past| past.walk.place(&self.run));
        past.unwrap_or_else(|| (self.timeline.living_id(), self.timeline.mark(&self.run)))
    }

    /// A line goes to another moment, and ends when it is there.
    pub(super) fn seek_for(&mut self, id: u32, to: Seek) {
        match (self.begin_seek(to), &mut self.seeking) {
            (Ok(()), Some(seeking)) => seeking.line = Some(id),
            (result, _) => self.answer_timeline(id, result.map(|()| String::new())),
        }
    }

    /// Goes on to nowhere; gives the line that wanted to be there.
    pub(super) fn stop_seeking(&mut self) -> Option<u32> {
        let id = self.seeking.take()?.line?;
        self.said.push(ConsoleUpdate { id, output: Vec::new(), exit: Some(INTERRUPTED) });
        Some(id)
    }

    /// How far it is on the way, 0 to 1.
    pub(super) fn seeking(&self) -> Option<f64> {
        let seeking = self.seeking.as_ref().map(|Seeking { run, way, .. }| (&run.world, way));
        let (world, (begun, end)) = seeking.or_else(|| self.work.as_ref()?.way())?;
        let done = world.events() - begun;
        #[allow(clippy::cast_precision_loss, reason = "a share of two numbers of events")]
        let share = done as f64 / end.saturating_sub(*begun).max(1) as f64;
        Some(share.min(1.0))
    }

    /// Shows the living run again.
    fn show_living(&mut self) {
        if let Some(past) = self.past.take() {
            self.run = *past.tip;
            self.show_another();
        }
    }

    /// What is drawn is of another run from now on.
    fn show_another(&mut self) {
        self.rewound = true;
        self.follow = None;
        self.rates = Rates::default();
        self.wire = WireReader::default();
        if let Some(goals) = &mut self.goals {
            goals.again(&mut self.run.world);
        }
        if self.stage.is_some() {
            self.watch(true);
        }
    }

    /// Time goes on in the past, as it went: up to a moment, or to the living run.
    pub(super) fn play_past(
        &mut self,
        until: Option<Instant>,
        out_of_time: &mut impl FnMut() -> bool,
    ) -> bool {
        let tip = self.timeline.mark(self.living());
        let Some(past) = &mut self.past else { return false };
        let until = until.unwrap_or(tip.now).min(tip.now);
        let target = Target::Time(until);
        let kept = (&self.timeline, self.language);
        let way = past.walk.go(kept, &mut self.run, target, &mut Nothing, out_of_time);
        let there = way != Way::OutOfTime;
        self.run.pass_over_output();
        if there && until == tip.now {
            self.show_living();
        }
        !there
    }

    // ---- branches

    /// Before something is done: in the past that begins a branch, which is named after it.
    pub(super) fn act(&mut self, what: &str) {
        if self.past.is_some() {
            self.branch_off(&name_after(what));
        }
    }

    /// Begins a branch where the shown run stands, and lets it live.
    pub(super) fn branch_off(&mut self, name: &str) {
        let Some(past) = self.past.take() else {
            // At the end of the living branch: the old one stays as it is now.
            let mark = self.timeline.mark(&self.run);
            let left = Box::new(self.run.clone());
            let living = self.timeline.living_id();
            self.timeline.branch_off(name, (living, mark), &self.run, (left, self.lines.clone()));
            return self.keep_left(living);
        };
        let Some(place) = past.walk.place(&self.run) else { return };
        let tip = past.tip;
        let abandoned = tip.commands_with_lines();
        self.run.world.take_the_place_of(&tip.world);
        let living = self.timeline.living_id();
        self.timeline.branch_off(name, place, &self.run, (tip, self.lines.clone()));
        self.keep_left(living);
        self.run.leave_commands(&abandoned, self.language);
        self.another_lives();
        let now = self.run.world.now().as_micros();
        self.lines.retain(|line| line.at <= now);
        self.collect_all();
    }

    /// Lets another branch live, and shows it.
    pub(super) fn switch(&mut self, name: &str) -> Result<(), TravelError> {
        let left = self.timeline.living_id();
        let living = self.past.as_ref().map_or(&self.run, |past| &past.tip);
        let mut run = self.timeline.switch(name, living, &mut self.lines)?;
        run.world.take_the_place_of(&living.world);
        let abandoned = living.commands_with_lines();
        self.past = None;
        self.run = *run;
        self.run.leave_commands(&abandoned, self.language);
        self.set_pace(Pace::Paused);
        self.keep_left(left);
        self.another_lives();
        self.show_another();
        Ok(())
    }

    /// The store holds another run from its next commit on, and the record says how this one came about.
    fn another_lives(&mut self) {
        // A way that was begun in the branch that is left leads nowhere.
        self.stop_seeking();
        self.life += 1;
        self.unstored = true;
        self.rewound = true;
        let first = self.timeline.first_of(self.timeline.living_id());
        if first != self.recorded {
            // A branch of another life, which began with something else.
            let begun = self.keeping.begun(first).and_then(|text| Record::beginning(text).ok());
            self.record.borrow_mut().begin_with(begun);
            self.recorded = first;
        }
        let steps = self.timeline.all_steps();
        let steps = steps.map(|steps| steps.into_iter().map(Into::into).collect());
        self.record.borrow_mut().replace(steps);
    }

    /// Notes what was done to the living run.
    pub(super) fn note(&mut self, done: Done) {
        let (events, now) = (self.living().world.events(), self.living().world.now());
        self.timeline.push(events, now, done.clone());
        self.record.borrow_mut().push(events, now, done);
    }
}
