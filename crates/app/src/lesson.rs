//! A lesson that is being done: which step it is at, how its goals stand, and how far the reader has come in all.
//!
//! A lesson has a cluster of its own, so it blocks nobody's: `?lesson=keys` opens `lesson-keys`. The engine watches the
//! conditions; what is shown of them is said here, in the lesson's words.

use blumfeld_lesson::{Lesson, Progress, Step, Text};
use blumfeld_view::{GoalAsked, GoalsAsked, GoalsView};

use crate::browser::Kept;
use crate::model::Shared;
use crate::text::Lang;

/// The number of what is watched before the first step: the lesson's `ready`.
pub const PREPARING: u32 = 0;

/// The cluster of a lesson.
pub fn cluster_of(lesson: &str) -> String {
    format!("lesson-{lesson}")
}

/// A lesson that is being done.
#[derive(Clone, PartialEq, Debug)]
pub struct LessonState {
    /// It.
    pub lesson: Shared<Lesson>,
    /// Whether the cluster is as it is to begin.
    pub ready: bool,
    /// The step, counted from 0.
    pub step: usize,
    /// When each step so far began, in virtual microseconds.
    pub began: Vec<u64>,
    /// The number of what is watched now; each step, and each beginning of one, has its own.
    pub watch: u32,
    /// How that stands.
    pub goals: Option<GoalsView>,
    /// The choice that was made first, and whether the reader has looked at another since.
    pub chosen: Option<usize>,
    /// Hints that are shown.
    pub hints: usize,
    /// Lines of the solution that were run; nothing while it is not shown.
    pub solution: Option<usize>,
    /// Whether the step's own deed was done.
    pub acted: bool,
    /// Lines that were used since the lesson began.
    pub lines: u32,
    /// So many of them before this step.
    pub lines_before: u32,
    /// Of what was used and must not be, which.
    pub refused: Option<usize>,
    /// Whether the lesson stands where the inspector does too, rather than that.
    pub shown: bool,
}

/// Something that is done in a lesson.
#[derive(Debug)]
pub enum LessonDeed {
    /// It was read.
    Loaded(Box<Lesson>),
    /// Its cluster is ready, and it begins or goes on with a step.
    Ready(usize),
    /// It begins anew: its cluster does.
    Anew,
    /// A choice was made.
    Choose(usize),
    /// Another hint is wanted.
    Hint,
    /// The solution is wanted, or its next line was run.
    Solution,
    /// The next step.
    Next,
    /// A line was used.
    Line(String),
    /// The lesson is shown, or what the inspector shows is.
    Show(bool),
}

impl LessonState {
    /// One that was read.
    pub fn new(lesson: Lesson) -> Self {
        Self {
            lesson: Shared::new(lesson),
            ready: false,
            step: 0,
            began: vec![],
            watch: PREPARING,
            goals: None,
            chosen: None,
            hints: 0,
            solution: None,
            acted: false,
            lines: 0,
            lines_before: 0,
            refused: None,
            shown: true,
        }
    }

    /// The step.
    pub fn now(&self) -> Option<&Step> {
        self.lesson.steps.get(self.step)
    }

    /// Whether the step's goals are reached.
    pub fn is_reached(&self) -> bool {
        self.goals.as_ref().is_some_and(|goals| goals.reached.is_some()) && self.spoilt().is_none()
    }

    /// Whether it is the last step.
    pub fn is_last(&self) -> bool {
        self.step + 1 == self.lesson.steps.len()
    }

    /// Whether no line was used in the step yet.
    pub fn is_untouched(&self) -> bool {
        self.lines == self.lines_before
    }

    /// Whether all of it is done.
    pub fn is_over(&self) -> bool {
        self.is_last() && self.is_reached()
    }

    /// Whether a step of a number, counted from 0, is behind the reader.
    pub fn is_past(&self, step: usize) -> bool {
        step < self.step || (step == self.step && self.is_reached())
    }

    /// Whether an answer is wanted before anything is run.
    pub fn wants_choice(&self) -> bool {
        self.chosen.is_none()
            && !self.is_reached()
            && self.now().is_some_and(|step| step.prediction.is_some())
    }

    /// When the step began, in virtual microseconds.
    pub fn step_began(&self) -> Option<u64> {
        self.began.get(self.step).copied()
    }

    /// What the engine is to watch; nothing before it begins.
    pub fn asked(&self) -> Option<GoalsAsked> {
        let step = self.now().filter(|_| self.ready)?;
        let asked = |when: &str, once| GoalAsked { when: when.to_owned(), once };
        let choices = step.prediction.iter().flat_map(|prediction| &prediction.choices);
        Some(GoalsAsked {
            id: self.watch,
            goals: step.goals.iter().map(|goal| asked(goal.when.text(), goal.once)).collect(),
            others: step.others_watched().map(|(when, once)| asked(when.text(), once)).collect(),
            facts: step.facts(),
            shown: choices.map(|choice| choice.shown.text().to_owned()).collect(),
        })
    }

    /// A sentence with how things stand.
    pub fn told(&self, text: &Text, lang: Lang) -> String {
        let facts = self.now().map(Step::facts).unwrap_or_default();
        text.told(lang == Lang::Ko, |fact| {
            let at = facts.iter().position(|one| one == fact)?;
            self.goals.as_ref()?.facts.get(at)?.clone()
        })
    }

    /// What has spoilt the step, if something has.
    pub fn spoilt(&self) -> Option<&Text> {
        let (step, goals) = (self.now()?, self.goals.as_ref()?);
        let said = step.spoilt.iter().zip(&goals.others).find(|(_, so)| **so);
        said.map(|(said, _)| &said.text)
    }

    /// What is said to who nearly has it.
    pub fn nearly(&self) -> Option<&Text> {
        let (step, goals) = (self.now()?, self.goals.as_ref()?);
        let others = goals.others.get(step.spoilt.len()..)?;
        let said = step.near.iter().zip(others).find(|(_, so)| **so);
        said.map(|(near, _)| &near.said.text)
    }

    /// Does something; `now` is the virtual time in microseconds.
    pub fn act(&mut self, deed: LessonDeed, now: u64) {
        match deed {
            LessonDeed::Loaded(lesson) => *self = Self::new(*lesson),
            LessonDeed::Ready(step) => {
                self.ready = true;
                self.step = step.min(self.lesson.steps.len().saturating_sub(1));
                self.began = vec![now; self.step];
                self.begin(now);
            }
            LessonDeed::Anew => {
                let watch = self.watch;
                *self = Self { watch, lesson: self.lesson.clone(), ..Self::new(Lesson::clone(&self.lesson)) };
            }
            LessonDeed::Choose(choice) => self.chosen = Some(choice),
            LessonDeed::Hint => self.hints = (self.hints + 1).min(3),
            LessonDeed::Solution => self.solution = Some(self.solution.map_or(0, |done| done + 1)),
            LessonDeed::Next if self.is_reached() && !self.is_last() => {
                self.step += 1;
                self.begin(now);
            }
            LessonDeed::Next => {}
            LessonDeed::Line(line) => {
                self.lines = self.lines.saturating_add(1);
                let own = self
                    .now()
                    .and_then(|step| step.action.as_ref())
                    .is_some_and(|action| action.line == line);
                self.acted |= own;
                let forbidden =
                    self.now().and_then(|step| step.forbidden.iter().position(|one| one.forbids(&line)));
                self.refused = forbidden.or(self.refused);
            }
            LessonDeed::Show(shown) => self.shown = shown,
        }
    }

    /// The engine told how what is watched stands.
    pub fn heard(&mut self, goals: GoalsView) {
        if self.ready && goals.id == self.watch {
            self.goals = Some(goals);
        }
    }

    /// An earlier moment is shown: the lesson goes back to the step that was under way then, and has it watched anew.
    pub fn went_back(&mut self, now: u64) {
        if !self.ready {
            return;
        }
        let begun = self.began.iter().filter(|began| **began <= now).count();
        self.step = begun.saturating_sub(1);
        let began = self.step_began().map_or(now, |began| began.min(now));
        self.begin(began);
    }

    fn begin(&mut self, now: u64) {
        self.began.truncate(self.step);
        self.began.push(now);
        self.watch += 1;
        (self.goals, self.chosen, self.hints, self.solution, self.refused) = (None, None, 0, None, None);
        self.lines_before = self.lines;
        self.acted = false;
    }
}

/// How far the reader has come in all lessons, as this browser keeps it. What cannot be read counts as nothing.
pub fn progress() -> Progress {
    Kept::Always.recall("progress").and_then(|text| Progress::from_file(&text).ok()).unwrap_or_default()
}

/// Keeps it.
pub fn keep_progress(progress: &Progress) {
    Kept::Always.keep("progress", &progress.to_file());
}

/// Under what the file of a lesson of one's own is kept.
pub fn own_key(lesson: &str) -> String {
    format!("own.{lesson}")
}

/// Under what the page keeps at which step a lesson's cluster is.
fn step_key(lesson: &str) -> String {
    format!("lesson.{lesson}")
}

/// The step at which a lesson's cluster is, counted from 0.
pub fn kept_step(lesson: &str) -> usize {
    Kept::Always.recall(&step_key(lesson)).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Keeps it.
pub fn keep_step(lesson: &str, step: usize) {
    Kept::Always.keep(&step_key(lesson), &step.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> LessonState {
        let lesson = Lesson::parse(include_str!("../../lesson/tests/whole.toml")).unwrap();
        let mut state = LessonState::new(lesson);
        state.act(LessonDeed::Ready(0), 5);
        state
    }

    fn told(state: &LessonState, goals: &[bool], others: &[bool], reached: Option<u64>) -> GoalsView {
        let (goals, others) = (goals.to_vec(), others.to_vec());
        let facts = vec![Some("7".to_owned()), Some("2".to_owned())];
        GoalsView { id: state.watch, goals, others, facts, shown: vec![], reached }
    }

    #[test]
    fn steps_follow_each_other_by_what_the_cluster_says() {
        let mut state = state();
        let asked = state.asked().unwrap();
        assert_eq!((asked.id, asked.goals.len(), asked.others.len(), asked.shown.len()), (1, 1, 2, 2));
        state.act(LessonDeed::Next, 6);
        assert_eq!(state.step, 0, "not before the goal is reached");
        state.heard(told(&state, &[false], &[false, true], None));
        assert_eq!(state.nearly().map(|text| state.told(text, Lang::En)).as_deref(), Some("The wrong one."));
        let yet = state.now().unwrap().goals[0].yet.clone();
        assert_eq!(state.told(&yet, Lang::Ko), "아직입니다. 파티션은 2개, 끝은 7입니다.");
        state.act(LessonDeed::Line("kafka-topics.sh --topic x --delete".into()), 7);
        assert_eq!((state.lines, state.refused), (1, Some(0)));
        // What is told of a step before is passed over.
        state.heard(GoalsView { id: 9, ..told(&state, &[true], &[false, false], Some(8)) });
        assert!(!state.is_reached());
        state.heard(told(&state, &[true], &[true, false], Some(8)));
        assert!(!state.is_reached(), "it is spoilt");
        state.heard(told(&state, &[true], &[false, false], Some(8)));
        state.act(LessonDeed::Next, 9);
        assert_eq!((state.step, state.watch, state.refused, state.goals.is_none()), (1, 2, None, true));
        assert_eq!(state.began, [5, 9]);
    }

    #[test]
    fn whoever_goes_back_in_time_goes_back_in_the_lesson() {
        let mut state = state();
        state.heard(told(&state, &[true], &[false, false], Some(8)));
        state.act(LessonDeed::Next, 20);
        for (now, step, began) in
            [(25, 1, vec![5, 20]), (20, 1, vec![5, 20]), (12, 0, vec![5]), (1, 0, vec![1])]
        {
            let watch = state.watch;
            state.went_back(now);
            assert_eq!((state.step, state.began.clone(), state.watch), (step, began, watch + 1), "at {now}");
        }
    }
}
