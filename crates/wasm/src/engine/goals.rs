//! What a lesson waits for: conditions that are asked after every event, so that nothing that was true for a moment is
//! missed, and told to the page where how they stand has changed.
//!
//! They are no part of what can be rewound. Where another run is shown they are asked of that one, and what was seen
//! counts from there.

use blumfeld_condition::{Asked, Condition};
use blumfeld_sim::{Wait, World};
use blumfeld_view::{GoalAsked, GoalsAsked, GoalsView};

/// A condition that is watched.
struct Watched {
    wait: Wait,
    /// Whether it is enough that it was so once.
    once: bool,
    /// Whether it is so, or was.
    is_so: bool,
}

impl Watched {
    fn look(&mut self, world: &World) {
        self.is_so = (self.once && self.is_so) || self.wait.is_over(world);
    }
}

/// What is watched.
pub(super) struct Goals {
    asked: GoalsAsked,
    goals: Vec<Watched>,
    others: Vec<Watched>,
    facts: Vec<Asked>,
    shown: Vec<Condition>,
    view: GoalsView,
    told: Option<GoalsView>,
}

impl Goals {
    /// Begins to watch. What cannot be read was checked by whoever asks, and is the first thing that is wrong.
    pub fn begin(asked: GoalsAsked, world: &mut World) -> Result<Goals, String> {
        let mut watched = |asked: &[GoalAsked]| -> Result<Vec<Watched>, String> {
            let one = |asked: &GoalAsked| {
                let wait = world.wait_for(condition(&asked.when)?);
                Ok(Watched { wait, once: asked.once, is_so: false })
            };
            asked.iter().map(one).collect()
        };
        let (goals, others) = (watched(&asked.goals)?, watched(&asked.others)?);
        let fact = |text: &String| Asked::parse(text).map_err(|error| format!("{text}: {error}"));
        let facts = asked.facts.iter().map(fact).collect::<Result<_, _>>()?;
        let shown = asked.shown.iter().map(|text| condition(text)).collect::<Result<Vec<_>, _>>()?;
        // What they ask to have been seen is to be looked at from now on.
        shown.iter().for_each(|condition| drop(world.wait_for(condition.clone())));
        let view = GoalsView { id: asked.id, ..GoalsView::default() };
        let mut begun = Goals { asked, goals, others, facts, shown, view, told: None };
        begun.look(world);
        Ok(begun)
    }

    /// Begins again with another world; what was reached stays so.
    pub fn again(&mut self, world: &mut World) {
        let asked = self.asked.clone();
        if self.view.reached.is_none()
            && let Ok(begun) = Goals::begin(asked, world)
        {
            let told = self.told.take();
            *self = Goals { told, ..begun };
        }
    }

    /// Asks them all, after an event or a line.
    pub fn look(&mut self, world: &World) {
        if self.view.reached.is_some() {
            return;
        }
        self.goals.iter_mut().chain(&mut self.others).for_each(|one| one.look(world));
        if !self.goals.is_empty() && self.goals.iter().all(|goal| goal.is_so) {
            self.view.reached = Some(world.now().as_micros());
            // Of what was seen, what counts for the goals counts here.
            let held = |condition: &Condition| match self.goals.first() {
                Some(goal) => goal.wait.with(condition).is_decided(world),
                None => None,
            };
            self.view.shown = self.shown.iter().map(held).collect();
        }
    }

    /// How they stand, where that has changed since the last call.
    pub fn take(&mut self, world: &World) -> Option<GoalsView> {
        self.view.goals = self.goals.iter().map(|goal| goal.is_so).collect();
        self.view.others = self.others.iter().map(|other| other.is_so).collect();
        let value = |asked: &Asked| world.ask(asked).and_then(|value| told(&value));
        self.view.facts = self.facts.iter().map(value).collect();
        if self.told.as_ref() == Some(&self.view) {
            return None;
        }
        self.told = Some(self.view.clone());
        self.told.clone()
    }
}

fn condition(text: &str) -> Result<Condition, String> {
    Condition::parse(text).map_err(|error| format!("{text}: {error}"))
}

/// A value as a sentence has it: texts without quotes, lists with commas; nothing for an empty list.
fn told(value: &blumfeld_condition::Value) -> Option<String> {
    use blumfeld_condition::Value;
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Texts(texts) => (!texts.is_empty()).then(|| texts.join(", ")),
        other => Some(other.to_string()),
    }
}
