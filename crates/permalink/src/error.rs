//! Why a link cannot be opened or made, and where in it.

use std::fmt;

/// What is wrong with a link or a file, and where. `Display` is a sentence in English.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkError {
    /// What.
    pub problem: Problem,
    /// With what.
    pub at: At,
    /// Where in a file.
    pub position: Option<Position>,
}

/// What something is wrong with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum At {
    /// The link as a whole.
    Link,
    /// An entry of this name.
    Entry(&'static str),
    /// The branch of this number, from 0.
    Branch(usize),
    /// A command.
    Deed {
        /// The number of its branch, from 0.
        branch: usize,
        /// Its number in the branch, from 0.
        deed: usize,
    },
}

/// A place in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// It does not begin as a link or a file of a session does.
    NotALink,
    /// A version that this program does not read.
    Version(
        /// As it was written, shortened.
        String,
    ),
    /// More bytes than can be.
    TooLarge {
        /// So many can be.
        limit: usize,
    },
    /// A character that is none of base64url's, or one too few.
    Base64,
    /// The checksum is of something else.
    Checksum,
    /// The deflated part cannot be inflated.
    Packed,
    /// It ends in the middle.
    Cut,
    /// Something stands behind the end of a value.
    Longer,
    /// An entry that this program does not know.
    UnknownEntry(
        /// Its number, or its name in a file.
        String,
    ),
    /// An entry is there twice.
    Twice(
        /// Its name.
        String,
    ),
    /// An entry is not there.
    Missing(
        /// Its name.
        String,
    ),
    /// A value that cannot be.
    Value(
        /// As it was written.
        String,
    ),
    /// A text that is no UTF-8.
    Utf8,
    /// Not as many times as commands.
    Uneven,
    /// There is no branch.
    NoBranch,
    /// The first branch forks, or a later one does not.
    Fork,
    /// A time, or a number of events, that is before the one before it.
    GoesBack,
    /// A character that is not seen on a console.
    Character(
        /// It.
        char,
    ),
    /// A text of more bytes than it can have.
    TooLong {
        /// So many it can have.
        limit: usize,
    },
    /// A name that is none.
    Name(
        /// As it was written, shortened.
        String,
    ),
    /// A name that no lesson has.
    LessonName(
        /// As it was written, shortened.
        String,
    ),
    /// A session of a kind of cluster whose sessions are not run again.
    NotRun(
        /// The kind's word.
        &'static str,
    ),
    /// Two branches of one name.
    NameTwice(
        /// The name.
        String,
    ),
    /// A branch that there is not.
    NoSuchBranch(
        /// Its name or number, shortened.
        String,
    ),
    /// A file that is not written as it has to be.
    Json(
        /// What its reader says, in English.
        String,
    ),
}

impl From<Problem> for LinkError {
    fn from(problem: Problem) -> LinkError {
        At::Link.with(problem)
    }
}

impl At {
    pub(crate) fn with(self, problem: Problem) -> LinkError {
        LinkError { problem, at: self, position: None }
    }

    fn told(self, korean: bool) -> String {
        match self {
            At::Link => String::new(),
            At::Entry(name) => format!("{name}: "),
            At::Branch(number) if korean => format!("{}번째 브랜치: ", number + 1),
            At::Branch(number) => format!("branch no. {}: ", number + 1),
            At::Deed { branch: 0, deed } if korean => format!("{}번째 명령: ", deed + 1),
            At::Deed { branch: 0, deed } => format!("command no. {}: ", deed + 1),
            At::Deed { branch, deed } if korean => {
                format!("{}번째 브랜치의 {}번째 명령: ", branch + 1, deed + 1)
            }
            At::Deed { branch, deed } => {
                format!("command no. {} of branch no. {}: ", deed + 1, branch + 1)
            }
        }
    }
}

/// What a link's maker wrote, no longer than a sentence bears, and without what is not seen.
pub(crate) fn shortened(text: &str) -> String {
    cut(text, 40)
}

/// So many characters of a text at most, and none that is not seen.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    let seen = text.chars().take(limit).map(|c| if is_unseen(c) { char::REPLACEMENT_CHARACTER } else { c });
    let more = text.chars().nth(limit).map(|_| '…');
    seen.chain(more).collect()
}

/// Whether a character is not seen on a console: controls, other ends of lines, and what turns the direction of text,
/// so that a command would not be read as it is run.
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}')
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}

impl LinkError {
    /// The sentence for a person, in Korean or in English.
    pub fn told(&self, korean: bool) -> String {
        let position = match self.position {
            Some(Position { line, column }) if korean => format!("{line}행 {column}열: "),
            Some(Position { line, column }) => format!("line {line}, column {column}: "),
            None => String::new(),
        };
        let problem = if korean { self.problem.korean() } else { self.problem.english() };
        format!("{position}{}{problem}", self.at.told(korean))
    }
}

impl Problem {
    fn english(&self) -> String {
        match self {
            Problem::NotALink => "this is no link or file of a session".to_owned(),
            Problem::Version(found) => {
                format!("it is of version `{found}`, and this program reads {}", crate::VERSION)
            }
            Problem::TooLarge { limit } => format!("it is larger than {}", size(*limit)),
            Problem::Base64 => {
                "a character was lost or added, or one is none of a link's; copy the whole link again"
                    .to_owned()
            }
            Problem::Checksum => "it was changed on its way; copy the whole link again".to_owned(),
            Problem::Packed => "it cannot be unpacked".to_owned(),
            Problem::Cut => "it ends in the middle".to_owned(),
            Problem::Longer => "something stands behind its end".to_owned(),
            Problem::UnknownEntry(name) => {
                format!("this program does not know the entry `{name}`; a newer one may have made it")
            }
            Problem::Twice(name) => format!("`{name}` is there twice"),
            Problem::Missing(name) => format!("`{name}` is missing"),
            Problem::Value(found) => format!("the value cannot be `{found}`"),
            Problem::Utf8 => "the text is no UTF-8".to_owned(),
            Problem::Uneven => "there are not as many times as commands".to_owned(),
            Problem::NoBranch => "there is no branch".to_owned(),
            Problem::Fork => {
                "the first branch forks from none, and each later one from one before it".to_owned()
            }
            Problem::GoesBack => "its time is before what it follows".to_owned(),
            Problem::Character(found) => {
                format!("it has the character U+{:04X}, which is not seen on a console", u32::from(*found))
            }
            Problem::TooLong { limit } => format!("it is longer than {}", size(*limit)),
            Problem::Name(found) => {
                format!(
                    "`{found}` is no name: it has letters, digits, -, _ and ., at most 40, and no - first"
                )
            }
            Problem::LessonName(found) => {
                format!("`{found}` is no lesson's name: it has lower case letters, digits and -, at most 40")
            }
            Problem::NotRun(kind) => format!("sessions of a cluster of kind `{kind}` are not run again"),
            Problem::NameTwice(name) => format!("two branches are called `{name}`"),
            Problem::NoSuchBranch(name) => format!("there is no branch `{name}`"),
            Problem::Json(what) => format!("it cannot be read: {what}"),
        }
    }

    fn korean(&self) -> String {
        match self {
            Problem::NotALink => "세션의 링크나 파일이 아닙니다".to_owned(),
            Problem::Version(found) => {
                format!("버전이 `{found}`입니다. 이 프로그램은 버전 {}만 읽습니다", crate::VERSION)
            }
            Problem::TooLarge { limit } => format!("{}보다 큽니다", size(*limit)),
            Problem::Base64 => {
                "글자가 빠졌거나 더해졌거나, 링크에 쓸 수 없는 글자가 있습니다. 링크 전체를 다시 복사하세요"
                    .to_owned()
            }
            Problem::Checksum => "도중에 내용이 바뀌었습니다. 링크 전체를 다시 복사하세요".to_owned(),
            Problem::Packed => "압축을 풀 수 없습니다".to_owned(),
            Problem::Cut => "중간에서 끝났습니다".to_owned(),
            Problem::Longer => "끝난 뒤에 남은 것이 있습니다".to_owned(),
            Problem::UnknownEntry(name) => {
                format!(
                    "이 프로그램이 모르는 항목입니다: `{name}`. 더 새로운 프로그램에서 만들었을 수 있습니다"
                )
            }
            Problem::Twice(name) => format!("항목이 두 번 나옵니다: `{name}`"),
            Problem::Missing(name) => format!("항목이 없습니다: `{name}`"),
            Problem::Value(found) => format!("쓸 수 없는 값입니다: `{found}`"),
            Problem::Utf8 => "텍스트가 UTF-8이 아닙니다".to_owned(),
            Problem::Uneven => "시각의 수와 명령의 수가 다릅니다".to_owned(),
            Problem::NoBranch => "브랜치가 없습니다".to_owned(),
            Problem::Fork => {
                "첫 브랜치는 갈라져 나올 수 없고, 다음 브랜치는 모두 앞의 브랜치에서 갈라져야 합니다"
                    .to_owned()
            }
            Problem::GoesBack => "시각이 앞의 것보다 이릅니다".to_owned(),
            Problem::Character(found) => {
                format!("콘솔에서 보이지 않는 문자가 있습니다: U+{:04X}", u32::from(*found))
            }
            Problem::TooLong { limit } => format!("{}보다 깁니다", size(*limit)),
            Problem::Name(found) => {
                format!(
                    "이름이 될 수 없습니다: `{found}`. 글자, 숫자, -, _, . 40자까지이고 -로 시작하지 않습니다"
                )
            }
            Problem::LessonName(found) => {
                format!("학습의 이름이 될 수 없습니다: `{found}`. 영어 소문자, 숫자, - 40자까지입니다")
            }
            Problem::NotRun(kind) => format!("`{kind}` 클러스터의 세션은 다시 실행할 수 없습니다"),
            Problem::NameTwice(name) => format!("이름이 같은 브랜치가 둘 있습니다: `{name}`"),
            Problem::NoSuchBranch(name) => format!("그런 브랜치가 없습니다: `{name}`"),
            Problem::Json(what) => format!("읽을 수 없습니다: {what}"),
        }
    }
}

/// A limit in words; all are whole KiB or MiB.
fn size(bytes: usize) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{} KiB", bytes >> 10) }
}

impl std::error::Error for LinkError {}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(false))
    }
}
