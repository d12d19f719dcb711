//! A lesson that is being written: everything as text, right or not. It becomes a file at any time, and
//! [`Lesson::parse`](crate::Lesson::parse) says what that still lacks.

use serde::{Deserialize, Serialize};

use crate::write::{goal, hints, line, list, text, words};
use crate::{Lesson, Track, Words};

/// A lesson that is being written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// Its name.
    pub id: String,
    /// For whom it is, by the track's word.
    pub track: String,
    /// What it is about.
    pub title: Words,
    /// What one knows afterwards.
    pub summary: Words,
    /// About how long it takes.
    pub minutes: u32,
    /// Brokers.
    pub brokers: i32,
    /// Lines that are run before it begins.
    pub begin: Vec<String>,
    /// What must be so then; empty for nothing.
    pub ready: String,
    /// Its steps.
    pub steps: Vec<DraftStep>,
}

/// A step that is being written.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DraftStep {
    /// What it is about.
    pub title: Words,
    /// What to read.
    pub text: Words,
    /// Where to look; empty for nowhere.
    pub look: String,
    /// Hints.
    pub hints: [Words; 3],
    /// Lines that reach the goal.
    pub solution: Vec<String>,
    /// What has to become true.
    pub goals: Vec<DraftGoal>,
    /// What to read then.
    pub done: Words,
}

/// A goal that is being written.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DraftGoal {
    /// The condition.
    pub when: String,
    /// What it is, in words.
    pub text: Words,
    /// What to say while it is not so.
    pub yet: Words,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            id: "my-lesson".to_owned(),
            track: Track::Beginner.word().to_owned(),
            title: Words::default(),
            summary: Words::default(),
            minutes: 5,
            brokers: 3,
            begin: Vec::new(),
            ready: String::new(),
            steps: vec![DraftStep::default()],
        }
    }
}

impl Draft {
    /// The texts and lines of a lesson. What the form has no field for is left out.
    pub fn of(lesson: &Lesson) -> Draft {
        let step = |step: &crate::Step| DraftStep {
            title: step.title.clone(),
            text: step.text.clone(),
            look: step.look.as_ref().map(ToString::to_string).unwrap_or_default(),
            hints: step.hints.clone(),
            solution: step
                .action
                .iter()
                .map(|action| action.line.clone())
                .chain(step.solution.clone())
                .collect(),
            goals: step
                .goals
                .iter()
                .map(|goal| DraftGoal {
                    when: goal.when.text().to_owned(),
                    text: goal.text.clone(),
                    yet: goal.yet.words().clone(),
                })
                .collect(),
            done: step.done.clone().unwrap_or_default(),
        };
        Draft {
            id: lesson.id.clone(),
            track: lesson.track.word().to_owned(),
            title: lesson.title.clone(),
            summary: lesson.summary.clone(),
            minutes: lesson.minutes,
            brokers: lesson.brokers,
            begin: lesson.begin.clone(),
            ready: lesson.ready.as_ref().map(|ready| ready.text().to_owned()).unwrap_or_default(),
            steps: lesson.steps.iter().map(step).collect(),
        }
    }

    /// The file.
    pub fn to_file(&self) -> String {
        let mut out = String::new();
        line(&mut out, "id", &text(&self.id));
        line(&mut out, "track", &text(&self.track));
        line(&mut out, "place", "99");
        line(&mut out, "title", &words(&self.title));
        line(&mut out, "summary", &words(&self.summary));
        line(&mut out, "minutes", &self.minutes.to_string());
        line(&mut out, "brokers", &self.brokers.to_string());
        line(&mut out, "begin", &list(&self.begin));
        if !self.ready.trim().is_empty() {
            line(&mut out, "ready", &text(self.ready.trim()));
        }
        for step in &self.steps {
            out += "\n[[step]]\n";
            line(&mut out, "title", &words(&step.title));
            line(&mut out, "text", &words(&step.text));
            if !step.look.trim().is_empty() {
                line(&mut out, "look", &text(step.look.trim()));
            }
            line(&mut out, "hints", &hints(&step.hints));
            line(&mut out, "solution", &list(&step.solution));
            if step.done != Words::default() {
                line(&mut out, "done", &words(&step.done));
            }
            for one in &step.goals {
                goal(&mut out, &one.when, &one.text, &one.yet);
            }
        }
        out
    }
}
