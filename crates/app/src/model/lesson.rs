//! The lesson among what the page knows.

use blumfeld_view::GoalsView;

use super::{Model, Shared};
use crate::lesson::{LessonDeed, LessonState};

impl Model {
    pub(super) fn micros(&self) -> u64 {
        self.view.as_ref().map_or(0, |view| view.clock.now)
    }

    /// Something is done in a lesson; without one there is nothing to do but to begin it.
    pub(super) fn lesson_deed(&mut self, deed: LessonDeed) {
        let now = self.micros();
        if let LessonDeed::Line(line) = &deed {
            self.use_line(line);
        }
        match (&mut self.lesson, deed) {
            (lesson, LessonDeed::Loaded(read)) => *lesson = Some(LessonState::new(*read)),
            (Some(lesson), deed) => lesson.act(deed, now),
            (None, _) => {}
        }
    }

    /// Notes a line for whoever builds a lesson of what was done.
    fn use_line(&mut self, line: &str) {
        const MOST: usize = 200;
        let mut used = Vec::clone(&self.used);
        used.push(line.to_owned());
        if used.len() > MOST {
            used.remove(0);
        }
        self.used = Shared::new(used);
    }

    /// The engine told how what is watched stands.
    pub(super) fn heard_of_goals(&mut self, goals: GoalsView) {
        if let Some(lesson) = &mut self.lesson {
            lesson.heard(goals);
        }
    }

    /// Another moment is shown than the one of `before`, in virtual microseconds.
    pub(super) fn lesson_rewound(&mut self, before: u64) {
        let now = self.micros();
        if let Some(lesson) = self.lesson.as_mut().filter(|_| now < before) {
            lesson.went_back(now);
        }
    }
}
