//! What is wrong with a filter, and where.

use std::fmt;
use std::ops::Range;

/// Why a filter cannot be read. `Display` is a sentence in English.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FilterError {
    /// Where, in bytes of the text; at its end where something is missing.
    pub place: Range<usize>,
    /// What.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// A text without its second quote.
    OpenText,
    /// A field that there is not.
    NoSuchField(
        /// As it was written.
        String,
    ),
    /// `header` without the name of one.
    HeaderName,
    /// A path that cannot be followed: an open bracket, or two dots.
    Path(
        /// As it was written.
        String,
    ),
    /// A field alone.
    FieldAlone(
        /// The field.
        String,
    ),
    /// Something is missing behind this.
    Missing(
        /// An operator, a word or a bracket.
        String,
    ),
    /// A bracket that closes none.
    ClosesNothing,
    /// A bracket that is not closed.
    Open,
    /// An operator without a field before it.
    NoField(
        /// The operator.
        String,
    ),
    /// A field of numbers with something else.
    NotANumber {
        /// The field.
        field: String,
        /// What it is compared with.
        found: String,
    },
    /// A time that cannot be read.
    NotATime(
        /// As it was written.
        String,
    ),
    /// A field whose values have no order, or that contains nothing.
    Operator {
        /// The field.
        field: String,
        /// The operator.
        how: String,
    },
    /// Brackets within brackets, or one `not` after the other, too many times.
    TooDeep,
    /// A text longer than any filter.
    TooLong,
}

/// Fields, as they are written.
pub(crate) const FIELDS: &str = "key, value, key.PATH, value.PATH, header.NAME, partition, offset, timestamp";

impl FilterError {
    pub(crate) fn new(place: Range<usize>, problem: Problem) -> FilterError {
        FilterError { place, problem }
    }

    /// The text in three: before the place, the place, and behind it. Cut at characters, whatever the place says.
    pub fn split<'a>(&self, text: &'a str) -> (&'a str, &'a str, &'a str) {
        let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
        let from = boundary(self.place.start).unwrap_or(0);
        let to = boundary(self.place.end).unwrap_or(0).max(from);
        (&text[..from], &text[from..to], &text[to..])
    }

    /// The sentence in Korean.
    pub fn to_korean(&self) -> String {
        match &self.problem {
            Problem::OpenText => "텍스트의 닫는 따옴표가 없습니다".to_owned(),
            Problem::NoSuchField(name) => {
                format!(
                    "`{name}` 필드는 없습니다. 쓸 수 있는 필드: {FIELDS}. 텍스트를 찾으려면 따옴표로 묶으십시오"
                )
            }
            Problem::HeaderName => "헤더 이름이 없습니다. header.NAME 형식으로 씁니다".to_owned(),
            Problem::Path(path) => {
                format!("`{path}`: 따라갈 수 없는 경로입니다. value.items[0].sku 형식으로 씁니다")
            }
            Problem::FieldAlone(field) => {
                format!("`{field}` 필드를 무엇과 비교할지 쓰십시오. 텍스트를 찾으려면 따옴표로 묶으십시오")
            }
            Problem::Missing(before) => format!("`{before}` 뒤가 비었습니다"),
            Problem::ClosesNothing => "여는 괄호가 없습니다".to_owned(),
            Problem::Open => "닫는 괄호가 없습니다".to_owned(),
            Problem::NoField(how) => format!("`{how}` 앞에 필드가 없습니다"),
            Problem::NotANumber { field, found } => {
                format!("`{field}` 필드는 숫자입니다. `{found}` 값과 비교할 수 없습니다")
            }
            Problem::NotATime(text) => {
                format!(
                    "`{text}`: 시각이 아닙니다. 2026-01-31T09:30, 2026-01-31T00:30:00Z, -5m 형식으로 씁니다"
                )
            }
            Problem::Operator { field, how } => {
                format!("`{field}` 필드에는 `{how}` 연산자를 쓸 수 없습니다")
            }
            Problem::TooDeep => "괄호가 너무 깊습니다".to_owned(),
            Problem::TooLong => "필터가 너무 깁니다".to_owned(),
        }
    }
}

impl std::error::Error for FilterError {}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::OpenText => f.write_str("the text has no closing quote"),
            Problem::NoSuchField(name) => {
                write!(
                    f,
                    "there is no field `{name}`; there are: {FIELDS}. To find it as text, put it in quotes"
                )
            }
            Problem::HeaderName => f.write_str("the header has no name; it is written header.NAME"),
            Problem::Path(path) => {
                write!(f, "`{path}` is no path; one is written value.items[0].sku")
            }
            Problem::FieldAlone(field) => {
                write!(f, "write what `{field}` is compared with; to find it as text, put it in quotes")
            }
            Problem::Missing(before) => write!(f, "something is missing behind `{before}`"),
            Problem::ClosesNothing => f.write_str("this bracket closes none"),
            Problem::Open => f.write_str("this bracket is not closed"),
            Problem::NoField(how) => write!(f, "`{how}` has no field before it"),
            Problem::NotANumber { field, found } => {
                write!(f, "`{field}` is a number and cannot be compared with `{found}`")
            }
            Problem::NotATime(text) => {
                write!(f, "`{text}` is no time; one is written 2026-01-31T09:30, 2026-01-31T00:30:00Z or -5m")
            }
            Problem::Operator { field, how } => write!(f, "`{field}` does not go with `{how}`"),
            Problem::TooDeep => f.write_str("brackets stand too deep in each other"),
            Problem::TooLong => f.write_str("the filter is too long"),
        }
    }
}
