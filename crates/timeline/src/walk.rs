//! Going to a moment: from the last checkpoint before it through what was done since.

use blumfeld_kernel::Instant;
use blumfeld_shell::Language;
use blumfeld_sim::Wait;

use crate::tree::{Checkpoint, Mark, Stretch, Target, Timeline};
use crate::{Rewind, TravelError};

/// Events between two looks at the clock.
const EVENTS_A_LOOK: u64 = 256;

/// Somebody who goes along and looks.
pub trait Look<R: Rewind> {
    /// Something is about to be done from outside.
    fn deed(&mut self, _run: &mut R, _deed: &R::Deed) {}
    /// An event was handled, or something was done; gives whether to stop here.
    fn look(&mut self, run: &R) -> bool;
}

/// Nobody looks.
pub struct Nothing;

impl<R: Rewind> Look<R> for Nothing {
    fn look(&mut self, _run: &R) -> bool {
        false
    }
}

/// Stops where something is so.
pub struct Stops<'a>(
    /// What is waited for.
    pub &'a Wait,
);

impl<R: Rewind> Look<R> for Stops<'_> {
    fn look(&mut self, run: &R) -> bool {
        self.0.is_over(run.world())
    }
}

/// How far a way was gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// To its end.
    Whole,
    /// Until who went along wanted to stop.
    Stopped,
    /// Until time was up.
    OutOfTime,
}

/// On the way along one branch and those that it forks from.
#[derive(Clone)]
pub struct Walk {
    /// The branches, each with where the next one leaves it.
    line: Vec<(u32, Option<Mark>)>,
    /// Which of them it is in.
    at: usize,
    /// Its own deeds that are done.
    steps: usize,
}

impl Walk {
    /// The way to a moment of the living branch: the copy that it begins with.
    ///
    /// # Errors
    /// All before it was given up.
    pub fn begin<R: Rewind>(timeline: &Timeline<R>, target: Target) -> Result<(Walk, R), TravelError> {
        Walk::begin_in(timeline, timeline.living, target)
    }

    /// The same of a moment of another branch.
    ///
    /// # Errors
    /// All before it was given up.
    pub fn begin_in<R: Rewind>(
        timeline: &Timeline<R>,
        branch: u32,
        target: Target,
    ) -> Result<(Walk, R), TravelError> {
        let line = timeline.lineage(branch);
        let mut best = None;
        for (at, (id, end)) in line.iter().enumerate() {
            let before = |mark: Mark| target.is_at_or_behind(mark) && end.is_none_or(|end| mark <= end);
            let found = timeline.checkpoints.iter().filter(|one| one.branch == *id && before(one.mark));
            best = found.max_by_key(|one| one.mark).map(|one| (at, one)).or(best);
        }
        let (at, found) = best.ok_or_else(|| TravelError::TooEarly(timeline.from()))?;
        Ok((Walk { line, at, steps: found.mark.steps }, (*found.run).clone()))
    }

    /// The way along a stretch of what led to a moment of this branch; nothing if its beginning was given up.
    pub fn along<R: Rewind>(timeline: &Timeline<R>, branch: u32, stretch: &Stretch) -> Option<(Walk, R)> {
        let line = timeline.lineage(branch);
        let at = line.iter().position(|(id, _)| *id == stretch.branch)?;
        let of = |one: &&Checkpoint<R>| one.branch == stretch.branch && one.mark == stretch.from;
        let found = timeline.checkpoints.iter().find(of)?;
        Some((Walk { line, at, steps: found.mark.steps }, (*found.run).clone()))
    }

    /// Where it has come to with this run: the branch, and the moment in it.
    pub fn place<R: Rewind>(&self, run: &R) -> Option<(u32, Mark)> {
        let (id, _) = self.line.get(self.at)?;
        Some((*id, Mark { events: run.world().events(), now: run.world().now(), steps: self.steps }))
    }

    /// Goes on towards a moment.
    pub fn go<R: Rewind>(
        &mut self,
        (timeline, language): (&Timeline<R>, Language),
        run: &mut R,
        target: Target,
        look: &mut impl Look<R>,
        out_of_time: &mut impl FnMut() -> bool,
    ) -> Way {
        loop {
            let Some((id, end)) = self.line.get(self.at).copied() else { return Way::Whole };
            let left = end.is_none_or(|end| self.steps < end.steps);
            let next = timeline.step(id, self.steps).filter(|_| left);
            match next.filter(|step| target.includes(step, id, self.steps)) {
                Some(step) => {
                    let way = play(run, (Some(step.events), Some(step.at())), look, out_of_time);
                    if way != Way::Whole {
                        return way;
                    }
                    look.deed(run, &step.deed);
                    run.apply(&step.deed, language);
                    self.steps += 1;
                    if look.look(run) {
                        return Way::Stopped;
                    }
                }
                // The next branch goes on where it leaves this one, if the moment is not before that.
                None => match end
                    .filter(|fork| target.is_beyond(id) && target.is_at_or_behind(Mark { steps: 0, ..*fork }))
                {
                    Some(fork) if self.steps >= fork.steps => {
                        let way = play(run, (Some(fork.events), Some(fork.now)), look, out_of_time);
                        if way != Way::Whole {
                            return way;
                        }
                        (self.at, self.steps) = (self.at + 1, 0);
                    }
                    _ => {
                        let (events, now) = match target {
                            Target::Time(now) => (None, Some(now)),
                            Target::Events(events) => (Some(events), None),
                            Target::Before(number) => (Some(number.saturating_sub(1)), None),
                            Target::Seen(_, seen) => (Some(seen.events), Some(seen.now)),
                        };
                        return play(run, (events, now), look, out_of_time);
                    }
                },
            }
        }
    }
}

/// Lets a run go on until it has handled so many events, as far as they come by `now`, and its clock shows that.
fn play<R: Rewind>(
    run: &mut R,
    (events, now): (Option<u64>, Option<Instant>),
    look: &mut impl Look<R>,
    out_of_time: &mut impl FnMut() -> bool,
) -> Way {
    let more = |run: &R| {
        events.is_none_or(|events| run.world().events() < events)
            && run.world().next_event().is_some_and(|at| now.is_none_or(|now| at <= now))
    };
    while more(run) {
        run.world_mut().step();
        run.handled();
        if look.look(run) {
            return Way::Stopped;
        }
        if run.world().events().is_multiple_of(EVENTS_A_LOOK) && out_of_time() {
            return Way::OutOfTime;
        }
    }
    if let Some(now) = now {
        run.world_mut().idle_until(now);
    }
    Way::Whole
}
