//! What takes a while: a line that is answered only after much was played again. It is done in turns, as time is, and
//! time stands still meanwhile.

use std::collections::VecDeque;

use blumfeld_condition::{Asked, Condition};
use blumfeld_console::{Moment, OddsOrder, TimelineOrder};
use blumfeld_sim::{Wait, World};
use blumfeld_view::{ConsoleText, EventView, Stream};

use super::rewind::LINES;
use super::{Engine, events};
use crate::record::Done;
use crate::run::{ConsoleUpdate, INTERRUPTED, Run};
use blumfeld_timeline::{BranchError, Nothing, Odds, Stops, Target, TravelError, Turn, Walk, Way, Why};

/// On a long way a checkpoint is made after so many events.
const EVENTS_A_COPY: u64 = 65_536;

/// A line that is being worked on.
pub(super) struct Work {
    pub id: u32,
    pub job: Job,
}

/// What is being done.
pub(super) enum Job {
    Why(Box<Why<Run>>),
    Odds(Box<Odds<Run>>),
    Until(Box<Until>),
    Branch(Box<Sprout>),
    Reach(Box<Reach>),
}

impl Work {
    /// Where it has come to on the way to one moment: the world there, and the events between which it goes.
    pub fn way(&self) -> Option<(&World, &(u64, u64))> {
        match &self.job {
            Job::Reach(reach) => Some((&reach.run.world, &reach.way)),
            _ => None,
        }
    }
}

/// What set a number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cause {
    /// The event, and whether it was one message that came; nothing where what somebody did set it, or where it has
    /// been so since before the earliest moment that is kept.
    pub event: Option<(u64, bool)>,
    /// What `why` says.
    pub told: String,
}

/// On the way to the next moment at which something is so.
pub(super) struct Until {
    walk: Walk,
    run: Run,
    target: Target,
    wait: Wait,
}

/// On the way to where a branch is to begin.
pub(super) struct Sprout {
    name: String,
    seed: Option<u32>,
    walk: Walk,
    run: Run,
    target: Target,
}

/// On the way to the end of a branch of an earlier life, of which something is to be done then.
pub(super) struct Reach {
    id: u32,
    then: TimelineOrder,
    walk: Walk,
    run: Run,
    target: Target,
    /// Events at which it began, and at which it is there.
    way: (u64, u64),
    /// Events at which a checkpoint is made.
    due: u64,
    /// What the page would have been told on the way.
    lines: VecDeque<EventView>,
}

impl Engine {
    /// Begins something that takes a while, unless something else does.
    pub(super) fn begin_work(&mut self, id: u32, job: Result<Job, TravelError>) {
        match job {
            Ok(_) if self.work.is_some() => self.answer_timeline(id, Err(TravelError::Busy)),
            Ok(job) => self.work = Some(Work { id, job }),
            Err(error) => self.answer_timeline(id, Err(error)),
        }
    }

    /// Goes on with it; gives whether there is more to do.
    pub(super) fn go_on_working(&mut self, out_of_time: &mut impl FnMut() -> bool) -> bool {
        let Some(Work { id, mut job }) = self.work.take() else { return false };
        let turn = match &mut job {
            Job::Why(why) => why.go_on((&self.timeline, self.language), &self.run.world, out_of_time),
            Job::Odds(odds) => {
                let turn = odds.go_on((&self.timeline, self.language), out_of_time);
                if let Some(text) = odds.take_progress(self.language) {
                    self.tell(id, text);
                }
                turn
            }
            Job::Until(until) => self.go_on_until(until, out_of_time),
            Job::Branch(sprout) => self.go_on_to_branch(sprout, out_of_time),
            Job::Reach(reach) => self.go_on_to_reach(reach, out_of_time),
        };
        match turn {
            Turn::More => self.work = Some(Work { id, job }),
            Turn::Done(result) => self.answer_timeline(id, result),
        }
        true
    }

    /// Ctrl-C for it; false if it is another line's.
    pub(super) fn stop_work(&mut self, id: u32) -> bool {
        if self.seeking.as_ref().is_some_and(|seeking| seeking.is_for(id)) {
            self.stop_seeking();
            return true;
        }
        let Some(work) = self.work.take_if(|work| work.id == id) else { return false };
        let text = match work.job {
            Job::Odds(odds) => odds.told(self.language),
            _ => String::new(),
        };
        let output =
            if text.is_empty() { Vec::new() } else { vec![ConsoleText { stream: Stream::Out, text }] };
        self.said.push(ConsoleUpdate { id, output, exit: Some(INTERRUPTED) });
        true
    }

    /// Where one is to be shown somewhere else now, nobody goes on to where a line wanted to be.
    pub(super) fn stop_going(&mut self) {
        if let Some(Work { id, job: Job::Until(_) | Job::Branch(_) | Job::Reach(_) }) = &self.work {
            self.stop_work(*id);
        }
    }

    fn tell(&mut self, id: u32, text: String) {
        let output = vec![ConsoleText { stream: Stream::Out, text }];
        self.said.push(ConsoleUpdate { id, output, exit: None });
    }

    // ---- until

    /// `timeline until` in the past.
    pub(super) fn until_in_the_past(&mut self, condition: Condition) -> Result<Job, TravelError> {
        let tip = self.timeline.mark(self.living());
        let past = self.past.as_ref().ok_or(TravelError::NotInThePast)?;
        let (walk, mut run) = (past.walk().clone(), self.run.clone());
        let wait = run.world.wait_for(condition);
        let target = Target::Seen(self.timeline.living_id(), tip);
        Ok(Job::Until(Box::new(Until { walk, run, target, wait })))
    }

    fn go_on_until(&mut self, until: &mut Until, out_of_time: &mut impl FnMut() -> bool) -> Turn {
        let Until { walk, run, target, wait } = until;
        let way = walk.go((&self.timeline, self.language), run, *target, &mut Stops(wait), out_of_time);
        match way {
            Way::OutOfTime => Turn::More,
            Way::Stopped => {
                let text = format!("{}: {}\n", run.world.now(), wait.condition());
                self.show_moment(walk.clone(), run.clone());
                Turn::Done(Ok(text))
            }
            Way::Whole => Turn::Done(Err(TravelError::Never(wait.told(&run.world)))),
        }
    }

    // ---- a branch elsewhere

    /// `timeline branch NAME --from MOMENT`.
    pub(super) fn branch_elsewhere(
        &self,
        name: String,
        from: Moment,
        seed: Option<u32>,
    ) -> Result<Job, TravelError> {
        let target = Target::of(from);
        let (walk, run) = Walk::begin(&self.timeline, target)?;
        Ok(Job::Branch(Box::new(Sprout { name, seed, walk, run, target })))
    }

    fn go_on_to_branch(&mut self, sprout: &mut Sprout, out_of_time: &mut impl FnMut() -> bool) -> Turn {
        let Sprout { name, seed, walk, run, target } = sprout;
        let kept = (&self.timeline, self.language);
        if walk.go(kept, run, *target, &mut Nothing, out_of_time) == Way::OutOfTime {
            return Turn::More;
        }
        self.show_moment(walk.clone(), run.clone());
        self.branch_off(name);
        if let Some(seed) = *seed {
            self.reseed(seed);
        }
        Turn::Done(Ok(self.tell_timeline()))
    }

    // ---- a branch of an earlier life

    /// To the end of a branch that has to be found again, to do this then.
    pub(super) fn reach(&self, then: TimelineOrder, name: &str) -> Result<Job, TravelError> {
        let (id, end) = self.timeline.far(name).ok_or(BranchError::Gone)?;
        let target = Target::Seen(id, end);
        let (walk, run) = Walk::begin_in(&self.timeline, id, target)?;
        let begun = run.world.events();
        let (way, due) = ((begun, end.events), begun + EVENTS_A_COPY);
        Ok(Job::Reach(Box::new(Reach { id, then, walk, run, target, way, due, lines: VecDeque::new() })))
    }

    fn go_on_to_reach(&mut self, reach: &mut Reach, out_of_time: &mut impl FnMut() -> bool) -> Turn {
        let Reach { id, then, walk, run, target, due, lines, .. } = reach;
        let kept = (&self.timeline, self.language);
        let way = walk.go(kept, run, *target, &mut Nothing, out_of_time);
        let (news, _) = run.world.trace_mut().take_news();
        lines.extend(events::told(&news).0);
        lines.drain(..lines.len().saturating_sub(LINES));
        if way == Way::OutOfTime {
            // Whoever goes back from there need not begin where this did.
            if run.world.events() >= *due {
                *due = run.world.events() + EVENTS_A_COPY;
                self.timeline.passed(walk, run);
            }
            return Turn::More;
        }
        if self.keeping.digest(*id).is_some_and(|digest| digest != run.world.digest()) {
            let name = self.timeline.facts(*id).map_or("", |(name, ..)| name);
            return Turn::Done(Err(TravelError::Diverged(name.to_owned())));
        }
        run.pass_over_output();
        self.timeline.passed(walk, run);
        self.timeline.reached(*id, run.clone(), std::mem::take(lines));
        Turn::Done(self.travel(then.clone()))
    }

    /// From here on chance has its way otherwise.
    pub(crate) fn reseed(&mut self, seed: u32) {
        self.note(Done::Reseed { seed });
        self.run.world.reseed(u64::from(seed));
    }

    // ---- why and odds

    /// `why FACT`.
    pub(super) fn begin_why(&self, asked: Asked) -> Result<Job, TravelError> {
        let (branch, mark) = self.shown_place();
        Ok(Job::Why(Box::new(Why::begin(asked, &self.timeline, (branch, mark), &self.run.world)?)))
    }

    /// `odds CONDITION`.
    pub(super) fn begin_odds(&self, order: OddsOrder) -> Result<Job, TravelError> {
        Ok(Job::Odds(Box::new(Odds::begin(order, &self.timeline, &self.run.world)?)))
    }

    /// What set a number, found at once, however long that takes.
    ///
    /// # Errors
    /// It is no fact, or no one event sets it; in words.
    pub fn cause_of(&self, fact: &str) -> Result<Cause, String> {
        let text = Asked::written(fact);
        let told = |error: TravelError| error.told(self.language);
        let asked = Asked::parse(&text).map_err(|error| error.pointed(&text, false))?;
        let (place, world) = (self.shown_place(), &self.run.world);
        let mut why = Why::begin(asked, &self.timeline, place, world).map_err(told)?;
        loop {
            if let Turn::Done(result) = why.go_on((&self.timeline, self.language), world, &mut || false) {
                return Ok(Cause { event: why.event(), told: result.map_err(told)? });
            }
        }
    }

    /// The world of the living branch as it was just before the event of this number; nothing if that is not kept.
    pub fn world_before(&self, event: u64) -> Option<World> {
        let target = Target::Before(event);
        let (mut walk, mut run) = Walk::begin(&self.timeline, target).ok()?;
        walk.go((&self.timeline, self.language), &mut run, target, &mut Nothing, &mut || false);
        (run.world.events() + 1 == event).then_some(run.world)
    }

    /// Answers a line at once, however long that takes: `why`, `odds`, or a `timeline` that goes somewhere.
    ///
    /// # Errors
    /// What keeps it from being done, in words.
    pub fn timeline_now(&mut self, line: &str) -> Result<String, String> {
        let order = blumfeld_console::timeline(line)
            .ok_or_else(|| format!("`{line}` asks nothing of the timeline"))?;
        let id = u32::MAX;
        self.obey_timeline(id, order);
        while self.seeking.is_some() || self.work.as_ref().is_some_and(|work| work.id == id) {
            if self.seeking.is_some() {
                self.go_on_seeking(&mut || false);
            } else {
                self.go_on_working(&mut || false);
            }
        }
        let (mut text, mut failed) = (String::new(), false);
        for update in self.said.extract_if(.., |update| update.id == id) {
            update.output.iter().for_each(|one| text += &one.text);
            failed |= update.exit.is_some_and(|code| code != 0);
        }
        if failed { Err(text.trim_end().trim_start_matches("blumfeld: ").to_owned()) } else { Ok(text) }
    }
}
