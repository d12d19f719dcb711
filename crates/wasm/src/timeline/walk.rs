//! Going to a moment: from the last checkpoint before it through what was done since.

use blumfeld_shell::Language;

use super::{Mark, Target, Timeline};
use crate::run::Run;

/// Events between two looks at the clock.
const EVENTS_A_LOOK: u64 = 256;

/// On the way along one branch and those that it forks from.
pub(crate) struct Walk {
    /// The branches, each with where the next one leaves it.
    line: Vec<(u32, Option<Mark>)>,
    /// Which of them it is in.
    at: usize,
    /// Its own deeds that are done.
    steps: usize,
}

impl Walk {
    /// The way to a moment of the living branch: the copy that it begins with. Nothing where all before it was given
    /// up.
    pub fn begin(timeline: &Timeline, target: Target) -> Option<(Walk, Run)> {
        let line = timeline.lineage(timeline.living);
        let mut best = None;
        for (at, (id, end)) in line.iter().enumerate() {
            let before = |mark: Mark| target.is_at_or_behind(mark) && end.is_none_or(|end| mark <= end);
            let found = timeline.checkpoints.iter().filter(|one| one.branch == *id && before(one.mark));
            best = found.max_by_key(|one| one.mark).map(|one| (at, one)).or(best);
        }
        let (at, found) = best?;
        Some((Walk { line, at, steps: found.mark.steps }, (*found.run).clone()))
    }

    /// Where it has come to with this run: the branch, and the moment in it.
    pub fn place(&self, run: &Run) -> Option<(u32, Mark)> {
        let (id, _) = self.line.get(self.at)?;
        Some((*id, Mark { events: run.world.events(), now: run.world.now(), steps: self.steps }))
    }

    /// Goes on towards a moment; gives whether it is there. Otherwise it was out of time.
    pub fn go(
        &mut self,
        timeline: &Timeline,
        run: &mut Run,
        target: Target,
        language: Language,
        out_of_time: &mut impl FnMut() -> bool,
    ) -> bool {
        loop {
            let Some((id, end)) = self.line.get(self.at).copied() else { return true };
            let steps = timeline.steps(id);
            let steps = &steps[..end.map_or(steps.len(), |end| end.steps.min(steps.len()))];
            match steps.get(self.steps).filter(|step| target.includes(step)) {
                Some(step) => {
                    let reached = Mark { events: step.events, now: step.at(), steps: 0 };
                    if !play(run, Some(reached.events), Some(reached.now), out_of_time) {
                        return false;
                    }
                    run.apply(&step.done, language);
                    self.steps += 1;
                }
                // The next branch goes on where it leaves this one, if the moment is not before that.
                None => match end.filter(|fork| target.is_at_or_behind(Mark { steps: 0, ..*fork })) {
                    Some(fork) if self.steps >= fork.steps => {
                        if !play(run, Some(fork.events), Some(fork.now), out_of_time) {
                            return false;
                        }
                        (self.at, self.steps) = (self.at + 1, 0);
                    }
                    _ => {
                        let (events, now) = match target {
                            Target::Time(now) => (None, Some(now)),
                            Target::Events(events) => (Some(events), None),
                        };
                        return play(run, events, now, out_of_time);
                    }
                },
            }
        }
    }
}

/// Lets a run go on until it has handled so many events, as far as they come by `now`, and its clock shows that; gives
/// whether it has. Otherwise it was out of time.
fn play(
    run: &mut Run,
    events: Option<u64>,
    now: Option<blumfeld_kernel::Instant>,
    out_of_time: &mut impl FnMut() -> bool,
) -> bool {
    let more = |run: &Run| {
        events.is_none_or(|events| run.world.events() < events)
            && run.world.next_event().is_some_and(|at| now.is_none_or(|now| at <= now))
    };
    while more(run) {
        run.world.step();
        if run.waits() {
            run.reached();
        }
        if run.world.events().is_multiple_of(EVENTS_A_LOOK) && out_of_time() {
            return false;
        }
    }
    if let Some(now) = now {
        run.world.idle_until(now);
    }
    true
}
