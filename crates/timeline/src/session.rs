//! A world that can be taken back, for a program that drives it: the clients of a script, or of sockets.
//!
//! The program has the world and calls it as ever; what it does from outside the world keeps as [`Call`]s, which
//! [`Session::look`] takes. While an earlier moment is shown, the living world is put aside. Before the program does
//! anything then, it asks [`Session::act`], which begins a branch. Clients outside cannot be taken back: where another
//! world lives than theirs, the program closes their connections.

use blumfeld_condition::Asked;
use blumfeld_console::TimelineOrder;
use blumfeld_kernel::Instant;
use blumfeld_shell::Language;
use blumfeld_sim::{Call, World};
use blumfeld_view::TimelineView;

use crate::tree::{Mark, Target, Timeline};
use crate::walk::{Nothing, Stops, Walk};
use crate::words::{Shown, TravelError, name_after, told};
use crate::{Deed, Odds, Rewind, Turn, Way, Why, difference};

impl Rewind for World {
    type Deed = Call;

    fn world(&self) -> &World {
        self
    }

    fn world_mut(&mut self) -> &mut World {
        self
    }

    fn apply(&mut self, call: &Call, _language: Language) {
        self.call(call);
    }
}

impl Deed for Call {
    fn told(&self) -> Option<String> {
        Call::told(self)
    }

    fn fault(&self) -> Option<String> {
        match self {
            Call::Inject(fault) => Some(format!("fault {fault}")),
            _ => None,
        }
    }

    fn weight(&self) -> u64 {
        Call::weight(self)
    }
}

/// Another moment than the living world's is shown.
struct Past {
    tip: Box<World>,
    walk: Walk,
}

/// A world's past.
pub struct Session {
    timeline: Timeline<World>,
    past: Option<Past>,
    /// Whether another world lives since that was last asked.
    another: bool,
    language: Language,
}

impl Session {
    /// Keeps what happens to a world from now on.
    pub fn begin(world: &mut World) -> Session {
        world.keep_calls();
        Session { timeline: Timeline::new(world), past: None, another: false, language: Language::English }
    }

    /// Takes what was done to the living world, and keeps a copy of it now and then.
    pub fn look(&mut self, world: &mut World) {
        if self.past.is_some() {
            return;
        }
        for timed in world.take_calls() {
            self.timeline.push(timed.events, timed.now, timed.call);
        }
        self.timeline.look(world);
    }

    /// Whether an earlier moment is shown.
    pub fn is_in_the_past(&self) -> bool {
        self.past.is_some()
    }

    /// Something is about to be done to the world. In the past that begins a branch, named after it.
    pub fn act(&mut self, world: &mut World, what: &str) {
        if self.past.is_some() {
            self.branch(world, &name_after(what), None);
        }
    }

    /// Whether another world lives than when this was last asked: then clients outside are not its clients.
    pub fn take_another(&mut self) -> bool {
        std::mem::take(&mut self.another)
    }

    /// How the tree stands.
    pub fn view(&self, world: &World) -> TimelineView {
        self.timeline.view(self.living(world), self.past.is_some(), None)
    }

    fn living<'a>(&'a self, world: &'a World) -> &'a World {
        self.past.as_ref().map_or(world, |past| &past.tip)
    }

    fn place(&self, world: &World) -> (u32, Mark) {
        let past = self.past.as_ref().and_then(|past| past.walk.place(world));
        past.unwrap_or_else(|| (self.timeline.living_id(), self.timeline.mark(world)))
    }

    /// Time goes on in the past, as it went, up to a moment; at its end the living world is shown again.
    pub fn play(&mut self, world: &mut World, until: Instant) {
        let tip = self.timeline.mark(self.living(world));
        let Some(past) = &mut self.past else { return };
        let target = Target::Time(until.min(tip.now));
        past.walk.go((&self.timeline, self.language), world, target, &mut Nothing, &mut || false);
        if until >= tip.now {
            self.now(world);
        }
    }

    fn now(&mut self, world: &mut World) {
        if let Some(past) = self.past.take() {
            *world = *past.tip;
        }
    }

    fn seek(&mut self, world: &mut World, target: Target) -> Result<(), TravelError> {
        let tip = self.timeline.mark(self.living(world));
        if target.is_at_or_behind(Mark { steps: 0, ..tip }) {
            self.now(world);
            return Ok(());
        }
        let (mut walk, mut run) = Walk::begin(&self.timeline, target)?;
        walk.go((&self.timeline, self.language), &mut run, target, &mut Nothing, &mut || false);
        self.show(world, walk, run);
        Ok(())
    }

    fn show(&mut self, world: &mut World, walk: Walk, run: World) {
        let before = std::mem::replace(world, run);
        let tip = self.past.take().map_or_else(|| Box::new(before), |past| past.tip);
        self.past = Some(Past { tip, walk });
    }

    fn branch(&mut self, world: &mut World, name: &str, seed: Option<u32>) {
        match self.past.take() {
            None => {
                let mark = self.timeline.mark(world);
                let left = Box::new(world.clone());
                let living = self.timeline.living_id();
                self.timeline.branch_off(name, (living, mark), world, (left, Default::default()));
            }
            Some(Past { tip, walk }) => {
                if let Some(place) = walk.place(world) {
                    self.timeline.branch_off(name, place, world, (tip, Default::default()));
                    self.another = true;
                }
            }
        }
        if let Some(seed) = seed {
            world.reseed(u64::from(seed));
            self.look(world);
        }
    }

    /// Does what a line asks, however long that takes, and answers it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub fn order(&mut self, world: &mut World, order: TimelineOrder) -> Result<String, TravelError> {
        self.look(world);
        match order {
            TimelineOrder::Show => return Ok(self.told(world)),
            TimelineOrder::Back(span) => {
                let back = world.now().since(Instant::ZERO).saturating_sub(span);
                self.seek(world, Target::Time(Instant::ZERO + back))?;
            }
            TimelineOrder::To(span) => self.seek(world, Target::Time(Instant::ZERO + span))?,
            TimelineOrder::ToEvent(number) => self.seek(world, Target::Events(number))?,
            TimelineOrder::Now => self.now(world),
            TimelineOrder::Until(condition) => return self.until(world, condition),
            TimelineOrder::Branch { name, from, seed } => {
                self.timeline.check_new(&name)?;
                if let Some(from) = from {
                    self.seek(world, Target::of(from))?;
                }
                self.branch(world, &name, seed);
                return Ok(self.told(world));
            }
            TimelineOrder::Switch(name) => {
                let mut none = Default::default();
                let run = self.timeline.switch(
                    &name,
                    self.past.as_ref().map_or(&*world, |past| &past.tip),
                    &mut none,
                )?;
                self.past = None;
                *world = *run;
                self.another = true;
                return Ok(self.told(world));
            }
            TimelineOrder::Rename { from, to } => self.timeline.rename(&from, &to)?,
            TimelineOrder::Delete(name) => self.timeline.delete(&name)?,
            TimelineOrder::Cap(bytes) => {
                self.timeline.set_cap(bytes)?;
                return Ok(self.told(world));
            }
            TimelineOrder::Diff(name) => {
                let other = self.timeline.end_of(&name)?;
                return Ok(difference(world, other, (self.timeline.living(), &name), self.language));
            }
            TimelineOrder::Why(asked) => return self.why(world, asked),
            TimelineOrder::Odds(order) => {
                let mut odds = Odds::begin(*order, &self.timeline, world)?;
                return whole(|| odds.go_on((&self.timeline, self.language), &mut || false));
            }
        }
        Ok(String::new())
    }

    fn why(&self, world: &World, asked: Asked) -> Result<String, TravelError> {
        let mut why = Why::begin(asked, &self.timeline, self.place(world), world)?;
        whole(|| why.go_on((&self.timeline, self.language), world, &mut || false))
    }

    /// To the next moment of the past at which something is so.
    fn until(
        &mut self,
        world: &mut World,
        condition: blumfeld_condition::Condition,
    ) -> Result<String, TravelError> {
        let tip = self.timeline.mark(self.living(world));
        let past = self.past.as_ref().ok_or(TravelError::NotInThePast)?;
        let (mut walk, mut run) = (past.walk.clone(), world.clone());
        let wait = run.wait_for(condition);
        let target = Target::Seen(self.timeline.living_id(), tip);
        let way =
            walk.go((&self.timeline, self.language), &mut run, target, &mut Stops(&wait), &mut || false);
        if way != Way::Stopped {
            return Err(TravelError::Never(wait.told(&run)));
        }
        let text = format!("{}: {}\n", run.now(), wait.condition());
        self.show(world, walk, run);
        Ok(text)
    }

    fn told(&self, world: &World) -> String {
        told(&self.view(world), Shown::of(world), self.language)
    }
}

fn whole(mut turn: impl FnMut() -> Turn) -> Result<String, TravelError> {
    loop {
        if let Turn::Done(result) = turn() {
            return result;
        }
    }
}
