//! A link as a file: JSON that a person can read, and write.
//!
//! ```json
//! {
//!   "blumfeld": 1,
//!   "seed": 7,
//!   "brokers": 3,
//!   "cluster": "kraft",
//!   "empty": false,
//!   "lines": [
//!     {"at": "1.250000s", "line": "kafka-topics.sh --create --topic orders"}
//!   ],
//!   "branches": [
//!     {"name": "try", "from": "main", "at": "2.000000s", "after": 1, "lines": [
//!       {"at": "2.500000s", "line": "fault crash 1"}
//!     ]}
//!   ],
//!   "living": "try"
//! }
//! ```
//!
//! Times are virtual seconds, `events` may stand beside each, `after` counts the lines of the other branch that were
//! done by then, and `name` is the first branch's where it is not `main`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{At, LinkError, Position, Problem, cut, shortened};
use crate::{Branch, Cluster, Deed, FILE_LIMIT, FIRST_BRANCH, Fork, Lang, Lesson, Link, VERSION};

/// A link as a file.
///
/// # Errors
/// What [`Link::check`] says, and that the file would be larger than [`FILE_LIMIT`].
pub fn to_file(link: &Link) -> Result<String, LinkError> {
    link.check()?;
    let text = |text: &str| Value::from(text).to_string();
    let name = |index: usize| link.branches.get(index).map_or(String::new(), |branch| text(&branch.name));
    let mut entries = vec![
        format!("\"blumfeld\": {VERSION}"),
        format!("\"seed\": {}", link.seed),
        format!("\"brokers\": {}", link.brokers),
        format!("\"cluster\": {}", text(cluster_word(link.cluster))),
        format!("\"empty\": {}", link.empty),
    ];
    let mut forked = Vec::new();
    for branch in &link.branches {
        let Some(fork) = branch.fork else {
            if branch.name != FIRST_BRANCH {
                entries.push(format!("\"name\": {}", text(&branch.name)));
            }
            entries.push(format!("\"lines\": {}", lines(&branch.deeds, "  ")));
            continue;
        };
        let mut parts = vec![
            format!("\"name\": {}", text(&branch.name)),
            format!("\"from\": {}", name(fork.from)),
            format!("\"at\": {}", text(&seconds(fork.at))),
        ];
        parts.extend(fork.events.map(|events| format!("\"events\": {events}")));
        parts.push(format!("\"after\": {}", fork.done));
        parts.extend(fork.seed.map(|seed| format!("\"seed\": {seed}")));
        parts.push(format!("\"lines\": {}", lines(&branch.deeds, "    ")));
        forked.push(format!("\n    {{{}}}", parts.join(", ")));
    }
    if !forked.is_empty() {
        entries.push(format!("\"branches\": [{}\n  ]", forked.join(",")));
        entries.push(format!("\"living\": {}", name(link.living)));
    }
    entries.extend(link.moment.map(|moment| format!("\"moment\": {}", text(&seconds(moment)))));
    if let Some(Lesson { id, step }) = &link.lesson {
        entries.push(format!("\"lesson\": {{\"id\": {}, \"step\": {step}}}", text(id)));
    }
    entries.extend(link.lang.map(|lang| format!("\"lang\": {}", text(lang_word(lang)))));
    entries.extend(link.place.as_deref().map(|place| format!("\"place\": {}", text(place))));
    entries.extend(link.selected.as_deref().map(|selected| format!("\"selected\": {}", text(selected))));
    let file = format!("{{\n  {}\n}}\n", entries.join(",\n  "));
    if file.len() > FILE_LIMIT { Err(Problem::TooLarge { limit: FILE_LIMIT }.into()) } else { Ok(file) }
}

/// The deeds, one on a line.
fn lines(deeds: &[Deed], indent: &str) -> String {
    let line = |deed: &Deed| {
        let events = deed.events.map_or(String::new(), |events| format!("\"events\": {events}, "));
        let line = Value::from(deed.line.as_str());
        format!("\n{indent}  {{\"at\": \"{}\", {events}\"line\": {line}}}", seconds(deed.at))
    };
    match deeds {
        [] => "[]".to_owned(),
        _ => format!("[{}\n{indent}]", deeds.iter().map(line).collect::<Vec<_>>().join(",")),
    }
}

fn cluster_word(cluster: Cluster) -> &'static str {
    match cluster {
        Cluster::Kraft => "kraft",
        Cluster::ZooKeeper => "zookeeper",
    }
}

fn lang_word(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "en",
        Lang::Ko => "ko",
    }
}

/// Microseconds as seconds: `1.250000s`.
fn seconds(micros: u64) -> String {
    format!("{}.{:06}s", micros / 1_000_000, micros % 1_000_000)
}

/// Microseconds of so many seconds, with six digits behind the point at most: `1.25s`.
fn micros(text: &str) -> Option<u64> {
    let number = text.strip_suffix('s')?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 6 {
        return None;
    }
    let part: u64 = format!("{part:0<6}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(part)
}

/// Which version a file is of; what else is in it is another version's business.
#[derive(Deserialize)]
struct Head {
    blumfeld: Option<Value>,
}

/// A file whose values are not read yet, so that where they stand is known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outline<'a> {
    #[serde(rename = "blumfeld")]
    _version: u64,
    #[serde(borrow)]
    seed: &'a RawValue,
    #[serde(borrow)]
    brokers: &'a RawValue,
    #[serde(borrow)]
    cluster: Option<&'a RawValue>,
    #[serde(borrow)]
    empty: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    lines: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    branches: Vec<&'a RawValue>,
    #[serde(borrow)]
    living: Option<&'a RawValue>,
    #[serde(borrow)]
    moment: Option<&'a RawValue>,
    #[serde(borrow)]
    lesson: Option<&'a RawValue>,
    #[serde(borrow)]
    lang: Option<&'a RawValue>,
    #[serde(borrow)]
    place: Option<&'a RawValue>,
    #[serde(borrow)]
    selected: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BranchOutline<'a> {
    name: String,
    #[serde(borrow)]
    from: &'a RawValue,
    #[serde(borrow)]
    at: &'a RawValue,
    events: Option<u64>,
    after: u32,
    seed: Option<u32>,
    #[serde(borrow, default)]
    lines: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    at: &'a RawValue,
    events: Option<u64>,
    line: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LessonEntry {
    id: String,
    step: u32,
}

/// Opens a file.
///
/// # Errors
/// That it is no JSON, no session's, of another version, or too large; and what [`Link::check`] says. All but the last
/// before that say in which line and column.
pub fn from_file(text: &str) -> Result<Link, LinkError> {
    if text.len() > FILE_LIMIT {
        return Err(Problem::TooLarge { limit: FILE_LIMIT }.into());
    }
    // Some editors begin a file with this.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.trim_start().starts_with('{') {
        return Err(Problem::NotALink.into());
    }
    let file = File { text };
    let head: Head = file.read(text, 0)?;
    match head.blumfeld {
        None => return Err(Problem::NotALink.into()),
        Some(Value::Number(version)) if version.as_u64() == Some(u64::from(VERSION)) => {}
        Some(version) => return Err(Problem::Version(shortened(&version.to_string())).into()),
    }
    let outline: Outline<'_> = file.read(text, 0)?;
    let name = file.maybe::<String>(outline.name)?.unwrap_or_else(|| FIRST_BRANCH.to_owned());
    let mut link = Link::new(file.value(outline.seed)?, file.value(outline.brokers)?);
    if let Some(raw) = outline.cluster {
        link.cluster =
            file.word(raw, &[Cluster::Kraft, Cluster::ZooKeeper].map(|one| (cluster_word(one), one)))?;
    }
    link.empty = file.maybe(outline.empty)?.unwrap_or(false);
    let mut names = BTreeMap::from([(name.clone(), 0)]);
    link.branches = vec![Branch { name, fork: None, deeds: file.deeds(&outline.lines)? }];
    for raw in &outline.branches {
        let branch = file.branch(raw, &names)?;
        names.insert(branch.name.clone(), link.branches.len());
        link.branches.push(branch);
    }
    if let Some(raw) = outline.living {
        link.living = file.branch_named(raw, &names)?;
    }
    link.moment = outline.moment.map(|raw| file.time(raw)).transpose()?;
    let lesson = file.maybe(outline.lesson)?;
    link.lesson = lesson.map(|LessonEntry { id, step }| Lesson { id, step });
    if let Some(raw) = outline.lang {
        link.lang = Some(file.word(raw, &[Lang::En, Lang::Ko].map(|one| (lang_word(one), one)))?);
    }
    link.place = file.maybe(outline.place)?;
    link.selected = file.maybe(outline.selected)?;
    link.check().map_err(|error| {
        let raw = file.find(error.at, &outline);
        LinkError { position: raw.map(|raw| file.position(file.offset(raw))), ..error }
    })?;
    Ok(link)
}

struct File<'a> {
    text: &'a str,
}

impl<'a> File<'a> {
    /// Reads a part of the file that begins at this byte.
    fn read<T: Deserialize<'a>>(&self, part: &'a str, offset: usize) -> Result<T, LinkError> {
        serde_json::from_str(part).map_err(|error| {
            // Its line and column are counted from the part's begin, and its columns in bytes.
            let lines_before = part.split_inclusive('\n').take(error.line().saturating_sub(1));
            let line: usize = lines_before.map(str::len).sum();
            let column = error.column().saturating_sub(1);
            LinkError {
                problem: problem(&error),
                at: At::Link,
                position: Some(self.position(offset + line + column)),
            }
        })
    }

    fn value<T: Deserialize<'a>>(&self, raw: &'a RawValue) -> Result<T, LinkError> {
        self.read(raw.get(), self.offset(raw))
    }

    fn maybe<T: Deserialize<'a>>(&self, raw: Option<&'a RawValue>) -> Result<Option<T>, LinkError> {
        raw.map(|raw| self.value(raw)).transpose()
    }

    fn wrong(&self, raw: &RawValue, problem: Problem) -> LinkError {
        LinkError { problem, at: At::Link, position: Some(self.position(self.offset(raw))) }
    }

    fn word<T: Copy>(&self, raw: &'a RawValue, words: &[(&str, T)]) -> Result<T, LinkError> {
        let found: String = self.value(raw)?;
        let one = words.iter().find(|(word, _)| *word == found);
        one.map(|(_, one)| *one).ok_or_else(|| self.wrong(raw, Problem::Value(shortened(&found))))
    }

    fn time(&self, raw: &'a RawValue) -> Result<u64, LinkError> {
        let found: String = self.value(raw)?;
        micros(&found).ok_or_else(|| self.wrong(raw, Problem::Value(shortened(&found))))
    }

    fn deeds(&self, raws: &[&'a RawValue]) -> Result<Vec<Deed>, LinkError> {
        let read = |raw: &&'a RawValue| {
            let Line { at, events, line } = self.value(raw)?;
            Ok(Deed { at: self.time(at)?, events, line })
        };
        raws.iter().map(read).collect()
    }

    fn branch(&self, raw: &'a RawValue, before: &BTreeMap<String, usize>) -> Result<Branch, LinkError> {
        let BranchOutline { name, from, at, events, after, seed, lines } = self.value(raw)?;
        let from = self.branch_named(from, before)?;
        let fork = Fork { from, at: self.time(at)?, events, done: after as usize, seed };
        Ok(Branch { name, fork: Some(fork), deeds: self.deeds(&lines)? })
    }

    /// The number of a branch among those of these names.
    fn branch_named(&self, raw: &'a RawValue, names: &BTreeMap<String, usize>) -> Result<usize, LinkError> {
        let name: String = self.value(raw)?;
        names.get(&name).copied().ok_or_else(|| self.wrong(raw, Problem::NoSuchBranch(shortened(&name))))
    }

    /// Where what is wrong stands; nowhere if it is not there.
    fn find(&self, at: At, outline: &Outline<'a>) -> Option<&'a RawValue> {
        match at {
            At::Link => None,
            At::Entry("seed") => Some(outline.seed),
            At::Entry("brokers") => Some(outline.brokers),
            At::Entry("living") => outline.living,
            At::Entry("moment") => outline.moment,
            At::Entry("lesson") => outline.lesson,
            At::Entry("place") => outline.place,
            At::Entry("selected") => outline.selected,
            At::Entry(_) => None,
            At::Branch(0) => outline.name,
            At::Branch(number) => outline.branches.get(number - 1).copied(),
            At::Deed { branch: 0, deed } => outline.lines.get(deed).copied(),
            At::Deed { branch, deed } => {
                let raw = outline.branches.get(branch - 1)?;
                self.value::<BranchOutline<'_>>(raw).ok()?.lines.get(deed).copied()
            }
        }
    }

    /// The byte at which a part of the file begins: parts are borrowed from it.
    fn offset(&self, part: &RawValue) -> usize {
        part.get().as_ptr().addr().saturating_sub(self.text.as_ptr().addr())
    }

    /// The line and the character of a byte.
    fn position(&self, byte: usize) -> Position {
        let before = self.text.get(..self.text.floor_char_boundary(byte)).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        Position { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }
}

/// What the reader of JSON says, as one of our problems where it is one.
fn problem(error: &serde_json::Error) -> Problem {
    let told = error.to_string();
    let told = told.rsplit_once(" at line ").map_or(told.as_str(), |(told, _)| told);
    let named = |begin: &str| {
        let (name, _) = told.strip_prefix(begin)?.strip_prefix(" field `")?.split_once('`')?;
        Some(shortened(name))
    };
    if error.is_eof() {
        return Problem::Cut;
    }
    None.or_else(|| named("unknown").map(Problem::UnknownEntry))
        .or_else(|| named("missing").map(Problem::Missing))
        .or_else(|| named("duplicate").map(Problem::Twice))
        .unwrap_or_else(|| Problem::Json(cut(told, 160)))
}
