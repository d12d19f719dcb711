//! How far somebody has come in the lessons: what stays in the browser, and goes out and in as a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of the file.
const VERSION: u32 = 1;
/// No file is longer than this, in bytes.
const LONGEST: usize = 256 * 1024;

/// How far one lesson is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// Steps that were reached, counted from the first.
    pub steps: u32,
    /// Whether all were.
    pub whole: bool,
    /// The fewest lines that a whole run took; 0 before there was one.
    #[serde(default)]
    pub lines: u32,
}

/// How far all are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    lessons: BTreeMap<String, Done>,
}

/// Why a file of progress cannot be taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProgressError {
    /// It is too long.
    TooLong,
    /// It is no such file: what JSON says of it, with line and column.
    Shape(
        /// The reason.
        String,
    ),
    /// Another version of the program wrote it.
    Version(
        /// Its version.
        u32,
    ),
}

impl ProgressError {
    /// The sentence for a person.
    pub fn told(&self, korean: bool) -> String {
        match (self, korean) {
            (ProgressError::TooLong, false) => format!("a file of progress has at most {LONGEST} bytes"),
            (ProgressError::TooLong, true) => format!("진도 파일은 {LONGEST}바이트를 넘지 않습니다"),
            (ProgressError::Shape(reason), false) => format!("this is no file of progress: {reason}"),
            (ProgressError::Shape(reason), true) => format!("진도 파일이 아닙니다: {reason}"),
            (ProgressError::Version(version), false) => {
                format!("this file of progress is of version {version}; this page reads version {VERSION}")
            }
            (ProgressError::Version(version), true) => {
                format!("버전 {version}의 진도 파일입니다. 이 페이지는 버전 {VERSION}을 읽습니다")
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    blumfeld_progress: u32,
    lessons: BTreeMap<String, Done>,
}

impl Progress {
    /// How far a lesson is.
    pub fn of(&self, lesson: &str) -> Done {
        self.lessons.get(lesson).copied().unwrap_or_default()
    }

    /// Lessons that were begun.
    pub fn len(&self) -> usize {
        self.lessons.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.lessons.is_empty()
    }

    /// A step of a lesson was reached, counted from 1, of so many, by so many lines since the lesson began.
    pub fn reached(&mut self, lesson: &str, step: u32, of: u32, lines: u32) {
        let done = self.lessons.entry(lesson.to_owned()).or_default();
        done.steps = done.steps.max(step);
        if step >= of {
            done.whole = true;
            done.lines = if done.lines == 0 { lines } else { done.lines.min(lines) };
        }
    }

    /// Takes what another has reached as well: of each lesson the better.
    pub fn merge(&mut self, other: &Progress) {
        for (id, theirs) in &other.lessons {
            let ours = self.lessons.entry(id.clone()).or_default();
            ours.steps = ours.steps.max(theirs.steps);
            ours.whole |= theirs.whole;
            ours.lines = match (ours.lines, theirs.lines) {
                (0, lines) | (lines, 0) => lines,
                (ours, theirs) => ours.min(theirs),
            };
        }
    }

    /// As a file.
    pub fn to_file(&self) -> String {
        let file = File { blumfeld_progress: VERSION, lessons: self.lessons.clone() };
        serde_json::to_string_pretty(&file).unwrap_or_default()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_file(text: &str) -> Result<Progress, ProgressError> {
        if text.len() > LONGEST {
            return Err(ProgressError::TooLong);
        }
        let file: File =
            serde_json::from_str(text).map_err(|error| ProgressError::Shape(error.to_string()))?;
        if file.blumfeld_progress != VERSION {
            return Err(ProgressError::Version(file.blumfeld_progress));
        }
        Ok(Progress { lessons: file.lessons })
    }
}
