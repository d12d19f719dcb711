//! What is wrong with a condition, and where.

use std::fmt;
use std::ops::Range;

use crate::facts::{FACTS, FactInfo, Kind};

/// Why a condition cannot be read. `Display` is a sentence, and [`pointed`](Self::pointed) shows the place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConditionError {
    /// Where, in bytes of the text; at its end where something is missing.
    pub place: Range<usize>,
    /// What.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// There is nothing.
    Empty,
    /// A character that begins nothing.
    Character(
        /// It.
        char,
    ),
    /// A text without its second quote.
    OpenText,
    /// A number that is too large, or a time in a unit that is none.
    Number(
        /// As it was written.
        String,
    ),
    /// Something else was expected.
    Expected {
        /// What.
        what: &'static str,
        /// What stands there; empty at the end.
        found: String,
    },
    /// A name that is no fact's.
    NoSuchFact(
        /// The name.
        String,
    ),
    /// A fact with other arguments than it takes.
    Arguments(
        /// The fact.
        &'static FactInfo,
    ),
    /// A name that is neither an error of Kafka's nor an event.
    NoSuchSight(
        /// The name.
        String,
    ),
    /// A list of both numbers and texts.
    Mixed,
    /// Two sides that cannot be compared so.
    Compared {
        /// The left side.
        left: Kind,
        /// How.
        how: &'static str,
        /// The right side.
        right: Kind,
    },
    /// A value that stands where something is to be true or false.
    NotTrueOrFalse(
        /// What it is.
        Kind,
    ),
    /// Brackets within brackets, or one `not` after the other, too many times.
    TooDeep,
    /// A text longer than any condition.
    TooLong,
}

impl ConditionError {
    pub(crate) fn new(place: Range<usize>, problem: Problem) -> ConditionError {
        ConditionError { place, problem }
    }

    /// The text with marks under the place, for a console; then the sentence.
    pub fn pointed(&self, text: &str, korean: bool) -> String {
        let place = self.place.start.min(text.len())..self.place.end.min(text.len());
        let marks = width(text.get(place.clone()).unwrap_or_default()).max(1);
        let before = width(text.get(..place.start).unwrap_or_default());
        let said = if korean { self.to_korean() } else { self.to_string() };
        format!("{text}\n{}{}\n{said}", " ".repeat(before), "^".repeat(marks))
    }

    /// The sentence in Korean.
    pub fn to_korean(&self) -> String {
        match &self.problem {
            Problem::Empty => "조건이 없습니다".to_owned(),
            Problem::Character(found) => format!("`{found}` 문자로 시작하는 것은 없습니다"),
            Problem::OpenText => "텍스트의 닫는 따옴표가 없습니다".to_owned(),
            Problem::Number(text) => {
                format!("`{text}`: 숫자가 아닙니다. 시간은 us, ms, s, min 단위로 씁니다")
            }
            Problem::Expected { what, found } if found.is_empty() => format!("끝에 {what} 자리가 비었습니다"),
            Problem::Expected { what, found } => format!("{what} 자리에 `{found}` 값이 있습니다"),
            Problem::NoSuchFact(name) => {
                format!("`{name}` 이름은 없습니다. {}쓸 수 있는 이름: {}", near(name, true), names())
            }
            Problem::Arguments(fact) => format!("{} 형식으로 씁니다", fact.usage()),
            Problem::NoSuchSight(name) => {
                let sorts = crate::facts::EventSort::names().collect::<Vec<_>>().join(", ");
                format!(
                    "`{name}`: Kafka 오류도 사건도 아닙니다. 오류는 NOT_ENOUGH_REPLICAS처럼 쓰고, 사건은 {sorts} 입니다"
                )
            }
            Problem::Mixed => "한 목록에는 숫자만, 또는 텍스트만 씁니다".to_owned(),
            Problem::Compared { left, how, right } => {
                format!("{}, {} 사이에는 {how} 비교를 쓸 수 없습니다", left.korean(), right.korean())
            }
            Problem::NotTrueOrFalse(kind) => {
                format!("{} 값만으로는 참도 거짓도 아닙니다. 무엇과 비교할지 쓰십시오", kind.korean())
            }
            Problem::TooDeep => "괄호가 너무 깊습니다".to_owned(),
            Problem::TooLong => "조건이 너무 깁니다".to_owned(),
        }
    }
}

impl std::error::Error for ConditionError {}

impl fmt::Display for ConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Empty => f.write_str("there is no condition"),
            Problem::Character(found) => write!(f, "nothing begins with `{found}`"),
            Problem::OpenText => f.write_str("the text has no closing quote"),
            Problem::Number(text) => {
                write!(f, "`{text}` is no number; the units of a time are us, ms, s and min")
            }
            Problem::Expected { what, found } if found.is_empty() => {
                write!(f, "{what} is missing at the end")
            }
            Problem::Expected { what, found } => write!(f, "{what} is expected where `{found}` stands"),
            Problem::NoSuchFact(name) => {
                write!(f, "there is no `{name}`; {}there are: {}", near(name, false), names())
            }
            Problem::Arguments(fact) => write!(f, "it is written {}", fact.usage()),
            Problem::NoSuchSight(name) => {
                let sorts = crate::facts::EventSort::names().collect::<Vec<_>>().join(", ");
                write!(
                    f,
                    "`{name}` is neither an error of Kafka's, as NOT_ENOUGH_REPLICAS is, nor an event; these are: {sorts}"
                )
            }
            Problem::Mixed => f.write_str("a list holds numbers or texts, not both"),
            Problem::Compared { left, how, right } => {
                write!(f, "{} and {} are not compared by {how}", left.english(), right.english())
            }
            Problem::NotTrueOrFalse(kind) => {
                write!(
                    f,
                    "{} alone is neither true nor false; write what it is compared with",
                    kind.english()
                )
            }
            Problem::TooDeep => f.write_str("brackets stand too deep in each other"),
            Problem::TooLong => f.write_str("the condition is too long"),
        }
    }
}

fn names() -> String {
    FACTS.iter().map(|fact| fact.name).collect::<Vec<_>>().join(", ")
}

/// "did you mean …", where a name is like one that there is.
fn near(name: &str, korean: bool) -> String {
    let near = FACTS.iter().map(|fact| (strsim::osa_distance(name, fact.name), fact.name)).min();
    // A third of its letters may be wrong.
    match near.filter(|(distance, _)| distance * 3 <= name.chars().count()) {
        Some((_, near)) if korean => format!("`{near}` 이름을 찾으십니까? "),
        Some((_, near)) => format!("did you mean `{near}`? "),
        _ => String::new(),
    }
}

/// Columns that a text takes on a console: two for a wide character.
fn width(text: &str) -> usize {
    let wide = |c: char| {
        let code = u32::from(c);
        [(0x1100, 0x115f), (0x2e80, 0xa4cf), (0xac00, 0xd7a3), (0xf900, 0xfaff), (0xff00, 0xff60)]
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&code))
    };
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}
