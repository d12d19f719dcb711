//! Lessons: files of steps, each with a goal that the cluster itself checks.
//!
//! A lesson is one TOML file (`www/lessons/NAME.toml`) with all its texts in English and Korean. It says with which
//! cluster it begins and by which lines of the console, and then step by step: what to read, what to predict, what has
//! to become true, what would spoil it, three hints, a solution, other right ways, and what to say to those who nearly
//! did it. A goal is a condition of the language that `until` takes, so a lesson does not ask how somebody got there.
//!
//! This crate reads and checks a file ([`Lesson::parse`]), and knows no cluster: whoever runs one asks it whether the
//! conditions hold, and tells what it found in the lesson's words ([`Text::told`]). A file that is wrong gets a line, a
//! column and a reason.
//!
//! ```toml
//! id = "keys"
//! track = "beginner"
//! place = 3
//! title = { en = "Keys choose partitions", ko = "키가 파티션을 정합니다" }
//! begin = ["kafka-topics.sh --bootstrap-server localhost:9092 --create --topic orders --partitions 3"]
//!
//! [[step]]
//! title = { en = "…", ko = "…" }
//! text = { en = "…", ko = "…" }
//! look = "partition orders 0"
//! hints = [{ en = "…", ko = "…" }, { en = "…", ko = "…" }, { en = "…", ko = "…" }]
//! solution = ["…"]
//!
//! [[step.goal]]
//! when = 'log_end("orders", 0) > 0'
//! text = { en = "…", ko = "…" }
//! yet = { en = "Not yet: it ends at {log_end orders 0}.", ko = "…" }
//! ```

mod check;
mod draft;
mod error;
mod language;
mod look;
mod progress;
mod raw;
mod text;
mod write;

use blumfeld_condition::Condition;

pub use draft::{Draft, DraftGoal, DraftStep};
pub use error::LessonError;
pub use language::{LanguageFault, faults_of_english, faults_of_korean};
pub use look::Look;
pub use progress::{Done, Progress, ProgressError};
pub use text::{Block, Span, Text, Words, blocks};
pub use write::written;

/// For whom a lesson is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Track {
    /// Who sees Kafka for the first time.
    Beginner,
    /// Who writes programs that use it.
    Developer,
    /// Who runs it.
    Operator,
    /// What it is used for: runnable scenes with data that looks real.
    Uses,
}

impl Track {
    /// All, in the order in which they are shown.
    pub const ALL: [Track; 4] = [Track::Beginner, Track::Developer, Track::Operator, Track::Uses];

    /// Its word in a file.
    pub fn word(self) -> &'static str {
        match self {
            Track::Beginner => "beginner",
            Track::Developer => "developer",
            Track::Operator => "operator",
            Track::Uses => "uses",
        }
    }

    /// The track of a word.
    pub fn named(word: &str) -> Option<Track> {
        Track::ALL.into_iter().find(|track| track.word() == word)
    }
}

/// What kind of cluster a lesson begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ClusterKind {
    /// Controllers of a quorum (KIP-500).
    #[default]
    Kraft,
    /// A cluster of the 2.x kind, with a ZooKeeper ensemble.
    ZooKeeper,
}

/// A lesson.
#[derive(Clone, PartialEq, Debug)]
pub struct Lesson {
    /// Its name in addresses and progress: lower case letters, digits and dashes.
    pub id: String,
    /// For whom it is.
    pub track: Track,
    /// Where it stands in its track, 1 to 99: what it needs to be known comes before it.
    pub place: u32,
    /// What it is about.
    pub title: Words,
    /// What one knows afterwards, in a sentence.
    pub summary: Words,
    /// About how long it takes.
    pub minutes: u32,
    /// The seed that it says it needs; without one each run draws its own.
    pub seed: Option<u64>,
    /// Brokers, 1 to 9.
    pub brokers: i32,
    /// Their kind.
    pub cluster: ClusterKind,
    /// Lines of the console that are run before it begins, one after the other.
    pub begin: Vec<String>,
    /// What must be so before the first step is shown; without it that the lines have ended.
    pub ready: Option<Condition>,
    /// How many times as fast as the wall clock time goes once it has begun.
    pub pace: f64,
    /// What to read about it.
    pub links: Vec<Link>,
    /// Its steps; at least one.
    pub steps: Vec<Step>,
}

/// Something to read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// What it is.
    pub title: String,
    /// Where, `https://…`.
    pub url: String,
}

/// A step of a lesson.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// What it is about.
    pub title: Words,
    /// What to read before it.
    pub text: Words,
    /// Where to look.
    pub look: Option<Look>,
    /// What to predict first.
    pub prediction: Option<Prediction>,
    /// A line that a button runs, for what the step does to the cluster rather than the reader.
    pub action: Option<Action>,
    /// What has to become true, all at one moment; at least one.
    pub goals: Vec<Goal>,
    /// What makes the goal unreachable, or worthless.
    pub spoilt: Vec<Said>,
    /// What one does who nearly has it.
    pub near: Vec<Near>,
    /// Lines that must not be used here.
    pub forbidden: Vec<Forbidden>,
    /// From a nudge to the answer.
    pub hints: [Words; 3],
    /// Lines of the console that reach the goal.
    pub solution: Vec<String>,
    /// Other lines that do.
    pub others: Vec<Vec<String>>,
    /// What to read once the goal is reached.
    pub done: Option<Words>,
}

/// What has to become true.
#[derive(Clone, PartialEq, Debug)]
pub struct Goal {
    /// The condition.
    pub when: Condition,
    /// What it is, in words.
    pub text: Words,
    /// What to say while it is not so, with how things stand.
    pub yet: Text,
    /// Whether it is enough that it was so once since the step began.
    pub once: bool,
}

/// Something that is said when a condition comes true.
#[derive(Clone, PartialEq, Debug)]
pub struct Said {
    /// The condition.
    pub when: Condition,
    /// What is said.
    pub text: Text,
}

/// What one does who nearly has it.
#[derive(Clone, PartialEq, Debug)]
pub struct Near {
    /// How it is recognised, and what is said.
    pub said: Said,
    /// Lines that lead there.
    pub lines: Vec<String>,
}

/// A line that must not be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Forbidden {
    /// Words that are in it, in this order.
    pub words: String,
    /// What is said.
    pub text: Words,
}

impl Forbidden {
    /// Whether a line is such a one: it has these words, in this order.
    pub fn forbids(&self, line: &str) -> bool {
        let mut words = line.split_whitespace();
        self.words.split_whitespace().all(|wanted| words.any(|word| word == wanted))
    }
}

/// A question that is answered before anything happens.
#[derive(Clone, PartialEq, Debug)]
pub struct Prediction {
    /// The question.
    pub ask: Words,
    /// The answers, two to four; exactly one is right.
    pub choices: Vec<Choice>,
}

/// A possible answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Choice {
    /// It.
    pub text: Words,
    /// Whether it is what happens.
    pub right: bool,
    /// Why it is, or is not.
    pub why: Words,
    /// What is so once the goal is reached if this answer is right.
    pub shown: Condition,
}

/// A line with the words on its button.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Action {
    /// The words.
    pub label: Words,
    /// The line.
    pub line: String,
}

impl Lesson {
    /// Reads one, and checks all of it that can be checked without a cluster.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and column.
    pub fn parse(text: &str) -> Result<Lesson, LessonError> {
        check::lesson(text)
    }

    /// Lines of the console that solve it, as golf counts them: those of all steps.
    pub fn par(&self) -> usize {
        self.steps.iter().map(|step| step.solution.len()).sum()
    }
}

impl Step {
    /// What is watched beside the goals, in the order in which it is told: what spoils the step, which stays true once
    /// it was, and then near misses.
    pub fn others_watched(&self) -> impl Iterator<Item = (&Condition, bool)> {
        let spoilt = self.spoilt.iter().map(|said| (&said.when, true));
        spoilt.chain(self.near.iter().map(|near| (&near.said.when, false)))
    }

    /// The facts that its sentences tell of, each once.
    pub fn facts(&self) -> Vec<String> {
        let texts = (self.goals.iter().map(|goal| &goal.yet))
            .chain(self.spoilt.iter().map(|said| &said.text))
            .chain(self.near.iter().map(|near| &near.said.text));
        let mut facts: Vec<String> = texts.flat_map(Text::facts).collect();
        facts.sort();
        facts.dedup();
        facts
    }
}

#[cfg(test)]
mod tests;
