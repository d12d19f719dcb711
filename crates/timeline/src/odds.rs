//! How often something comes true.
//!
//! The world as it was at a moment is copied once for each seed, and every copy goes on with other random choices:
//! other times on the network, other elections, other keys. Nobody does anything to a copy, and its disks are stored
//! at once. A copy is watched until the condition is so, or its span is over. The same seeds give the same answer
//! everywhere, because a copy follows from the moment and its seed.
//!
//! Asked from when on it was sure, two moments are taken: an early one at which some copy does not come to it, and a
//! late one at which every copy does. Then the middle between them is tried, by events, until they are neighbours.
//! That finds one event that made it sure, and the only one if it never became unsure again.

use std::fmt::Write as _;
use std::time::Duration;

use blumfeld_console::OddsOrder;
use blumfeld_kernel::Instant;
use blumfeld_shell::Language;
use blumfeld_sim::{TraceLine, Wait, World};

use crate::{Deed, Look, Nothing, Rewind, Target, Timeline, TravelError, Turn, Walk, Way, clock};

/// Events between two looks at the clock.
const EVENTS_A_LOOK: u32 = 64;
/// How much is told while it goes on: so many times.
const REPORTS: u32 = 4;

/// Copies of a moment.
struct Copies {
    base: World,
    /// The next seed.
    seed: u32,
    came: u32,
    /// A seed with which it came true, and one with which it did not.
    example: [Option<u32>; 2],
    going: Option<(World, Wait, Instant)>,
}

/// Between which events it became sure.
struct Bisection {
    /// At this one it was not.
    early: u64,
    /// At this one it was.
    late: u64,
}

enum Phase<R> {
    /// On the way to a moment whose copies are counted next.
    Going(Box<(Walk, R, Target)>),
    Counting(Box<Copies>),
}

/// What was done and said on a way.
#[derive(Default)]
struct Seen {
    done: Vec<String>,
    said: Vec<String>,
    lines: u64,
}

impl<R: Rewind> Look<R> for Seen {
    fn deed(&mut self, _run: &mut R, done: &R::Deed) {
        if let Some(text) = done.told() {
            self.done.push(text);
        }
    }

    fn look(&mut self, run: &R) -> bool {
        self.said.extend(run.world().trace().after(self.lines).map(TraceLine::to_string));
        self.lines = run.world().trace().pushed();
        false
    }
}

/// Odds that are asked for.
pub struct Odds<R> {
    order: OddsOrder,
    phase: Phase<R>,
    /// The moment whose copies are counted.
    at: (Instant, u64),
    bisection: Option<Bisection>,
    /// What is tried: the late moment, the early one, then those between.
    tried: u32,
    reported: u32,
}

impl<R: Rewind> Odds<R> {
    /// Copies of a moment of the living branch, or of what is shown.
    ///
    /// # Errors
    /// The moment lies before all that is kept.
    pub fn begin(order: OddsOrder, timeline: &Timeline<R>, shown: &World) -> Result<Odds<R>, TravelError> {
        let from = order.between.map(|(_, until)| until).or(order.from);
        let at = (shown.now(), shown.events());
        let phase = match from {
            Some(moment) => {
                let target = Target::of(moment);
                let (walk, run) = Walk::begin(timeline, target)?;
                Phase::Going(Box::new((walk, run, target)))
            }
            None => Phase::Counting(Box::new(Copies::new(shown.clone()))),
        };
        Ok(Odds { order, phase, at, bisection: None, tried: 0, reported: 0 })
    }

    /// Counts for a turn.
    pub fn go_on(
        &mut self,
        (timeline, language): (&Timeline<R>, Language),
        out_of_time: &mut impl FnMut() -> bool,
    ) -> Turn {
        loop {
            match &mut self.phase {
                Phase::Going(going) => {
                    let (walk, run, target) = going.as_mut();
                    if walk.go((timeline, language), run, *target, &mut Nothing, out_of_time)
                        == Way::OutOfTime
                    {
                        return Turn::More;
                    }
                    self.at = (run.world().now(), run.world().events());
                    self.phase = Phase::Counting(Box::new(Copies::new(run.world().clone())));
                }
                Phase::Counting(copies) => {
                    let only_sure = self.order.between.is_some();
                    if !copies.count(&self.order, only_sure, out_of_time) {
                        return Turn::More;
                    }
                    if self.order.between.is_none() {
                        return Turn::Done(Ok(self.told(language)));
                    }
                    if let Some(answer) = self.next_moment(timeline, language) {
                        return Turn::Done(answer);
                    }
                }
            }
        }
    }

    /// After a moment was tried: where to go next, or the answer.
    fn next_moment(
        &mut self,
        timeline: &Timeline<R>,
        language: Language,
    ) -> Option<Result<String, TravelError>> {
        let Phase::Counting(copies) = &self.phase else { return None };
        let sure = copies.example[1].is_none();
        let events = self.at.1;
        let (since, _) = self.order.between?;
        self.tried += 1;
        let target = match (self.tried, &mut self.bisection) {
            (1, _) if !sure => return Some(Ok(self.told_unsure(language))),
            (1, _) => {
                self.bisection = Some(Bisection { early: 0, late: events });
                Target::of(since)
            }
            (2, _) if sure => return Some(Ok(self.told_early(language))),
            (2, Some(between)) => {
                between.early = events;
                between.middle()
            }
            (_, Some(between)) => {
                if sure {
                    between.late = events;
                } else {
                    between.early = events;
                }
                between.middle()
            }
            (_, None) => return None,
        };
        let between = self.bisection.as_ref()?;
        if self.tried > 1 && between.late <= between.early + 1 {
            return Some(self.told_when(timeline, language));
        }
        let (walk, run) = match Walk::begin(timeline, target) {
            Ok(begun) => begun,
            Err(error) => return Some(Err(error)),
        };
        self.phase = Phase::Going(Box::new((walk, run, target)));
        None
    }

    /// What made it sure, played once more.
    fn told_when(&mut self, timeline: &Timeline<R>, language: Language) -> Result<String, TravelError> {
        let late = self.bisection.as_ref().map_or(0, |between| between.late);
        let before = Target::Events(late.saturating_sub(1));
        let (mut walk, mut run) = Walk::begin(timeline, before)?;
        walk.go((timeline, language), &mut run, before, &mut Nothing, &mut || false);
        let mut seen = Seen { lines: run.world().trace().pushed(), ..Seen::default() };
        walk.go((timeline, language), &mut run, Target::Events(late), &mut seen, &mut || false);
        let (condition, at) = (&self.order.condition, clock(run.world().now().as_micros()));
        let copies = self.order.seeds;
        let mut text = match language {
            Language::English => {
                format!("{condition} was sure from {at} on (event {late}): in {copies} of {copies} copies.\n")
            }
            Language::Korean => {
                format!(
                    "{condition} 조건은 {at}(이벤트 {late})부터 확실했습니다. 복사본 {copies}개 모두에서 그랬습니다.\n"
                )
            }
        };
        for line in seen.done.iter().chain(&seen.said) {
            let _ = writeln!(text, "  {line}");
        }
        Ok(text)
    }

    fn told_unsure(&self, language: Language) -> String {
        let (condition, at) = (&self.order.condition, clock(self.at.0.as_micros()));
        let seed = self.counted().and_then(|copies| copies.example[1]).unwrap_or(0);
        match language {
            Language::English => {
                format!("{condition} was not sure at {at}: with seed {seed} it does not come true.\n")
            }
            Language::Korean => format!(
                "{condition} 조건은 {at}에도 확실하지 않았습니다. 시드 {seed}에서는 참이 되지 않습니다.\n"
            ),
        }
    }

    fn told_early(&self, language: Language) -> String {
        let (condition, at) = (&self.order.condition, clock(self.at.0.as_micros()));
        match language {
            Language::English => format!("{condition} was sure at {at} already.\n"),
            Language::Korean => format!("{condition} 조건은 {at}에 이미 확실했습니다.\n"),
        }
    }

    fn counted(&self) -> Option<&Copies> {
        match &self.phase {
            Phase::Counting(copies) => Some(copies),
            Phase::Going(_) => None,
        }
    }

    /// Now and then, how far it is.
    pub fn take_progress(&mut self, language: Language) -> Option<String> {
        let Phase::Counting(copies) = &self.phase else { return None };
        let part = copies.seed * REPORTS / self.order.seeds.max(1);
        if self.order.between.is_some() || part <= self.reported || part == REPORTS {
            return None;
        }
        self.reported = part;
        let (done, all, came) = (copies.seed, self.order.seeds, copies.came);
        Some(match language {
            Language::English => format!("{done} of {all}: in {came} it came true\n"),
            Language::Korean => format!("{all}개 중 {done}개: {came}개에서 참이 됨\n"),
        })
    }

    /// What was found so far.
    pub fn told(&self, language: Language) -> String {
        let Some(copies) = self.counted().filter(|copies| copies.seed > 0 && self.order.between.is_none())
        else {
            return String::new();
        };
        let (condition, came, all) = (&self.order.condition, copies.came, copies.seed);
        let (at, span) = (clock(self.at.0.as_micros()), span_told(self.order.span));
        let percent = f64::from(came) / f64::from(all) * 100.0;
        let mut text = match language {
            Language::English => {
                format!(
                    "{condition} came true in {came} of {all} copies ({percent:.1} %) within {span} from {at}.\n"
                )
            }
            Language::Korean => {
                format!(
                    "{condition} 조건은 {at}부터 {span} 안에 복사본 {all}개 중 {came}개({percent:.1} %)에서 참이 되었습니다.\n"
                )
            }
        };
        let micros = self.at.0.as_micros();
        let from = match self.order.from {
            Some(blumfeld_console::Moment::Event(number)) => format!("event {number}"),
            _ => format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000),
        };
        let words = match language {
            Language::English => ["it did", "it did not"],
            Language::Korean => ["참", "거짓"],
        };
        for ((seed, words), name) in copies.example.iter().zip(words).zip(["came-true", "did-not"]) {
            if let Some(seed) = seed {
                let _ = writeln!(text, "  {words}: timeline branch {name} --from {from} --seed {seed}");
            }
        }
        text
    }
}

impl Bisection {
    fn middle(&self) -> Target {
        Target::Events(self.early + (self.late - self.early) / 2)
    }
}

fn span_told(span: Duration) -> String {
    format!("{} s", span.as_secs_f64())
}

impl Copies {
    fn new(base: World) -> Copies {
        Copies { base, seed: 0, came: 0, example: [None, None], going: None }
    }

    /// Watches the copies that are left, or only until one does not come to it; gives whether that is done.
    fn count(&mut self, order: &OddsOrder, only_sure: bool, out_of_time: &mut impl FnMut() -> bool) -> bool {
        while self.seed < order.seeds && !(only_sure && self.example[1].is_some()) {
            let (mut world, wait, end) = self.going.take().unwrap_or_else(|| {
                let mut copy = self.base.clone();
                copy.reseed(u64::from(self.seed));
                let wait = copy.wait_for(order.condition.clone());
                let end = copy.now() + order.span;
                (copy, wait, end)
            });
            let mut events = 0_u32;
            let came = loop {
                if wait.is_over(&world) {
                    break true;
                }
                if world.awaits_store() {
                    world.store_at_once();
                }
                if world.next_event().is_none_or(|at| at > end) {
                    world.idle_until(end);
                    break wait.is_over(&world);
                }
                world.step();
                events += 1;
                if events.is_multiple_of(EVENTS_A_LOOK) && out_of_time() {
                    self.going = Some((world, wait, end));
                    return false;
                }
            };
            self.came += u32::from(came);
            self.example[usize::from(!came)].get_or_insert(self.seed);
            self.seed += 1;
            if out_of_time() {
                return false;
            }
        }
        true
    }
}
