//! What is wrong with a lesson's file, and where.

use std::fmt;
use std::ops::Range;

/// Why a lesson cannot be read. `Display` is `line 12, column 8: …`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LessonError {
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
    /// What is wrong, without a full stop.
    pub reason: String,
    /// Whether nothing is wrong but that a text is not written yet.
    pub unwritten: bool,
}

impl LessonError {
    /// One at a byte of the text.
    pub(crate) fn at(text: &str, place: usize, reason: impl Into<String>) -> LessonError {
        let mut place = place.min(text.len());
        while !text.is_char_boundary(place) {
            place -= 1;
        }
        let before = text.get(..place).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        LessonError { line, column, reason: reason.into(), unwritten: false }
    }

    pub(crate) fn of(text: &str, place: &Range<usize>, reason: impl Into<String>) -> LessonError {
        LessonError::at(text, place.start, reason)
    }
}

impl std::error::Error for LessonError {}

impl fmt::Display for LessonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.reason)
    }
}
