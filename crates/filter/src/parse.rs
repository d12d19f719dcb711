//! A filter's text as an expression.

use std::ops::Range;

use crate::error::{FilterError, Problem};
use crate::when::{self, Clock};

/// Brackets may stand so deep in each other.
const DEEPEST: usize = 32;
/// Bytes that a filter may have.
const LONGEST: usize = 4_096;

/// How a field is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    Contains,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Longer ones first: `<=` is not `<`.
const OPS: [(&str, Op); 8] = [
    ("==", Op::Equal),
    ("!=", Op::NotEqual),
    ("<=", Op::LessOrEqual),
    (">=", Op::GreaterOrEqual),
    (":", Op::Contains),
    ("=", Op::Equal),
    ("<", Op::Less),
    (">", Op::Greater),
];

/// Key or value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    Key,
    Value,
}

/// A step into JSON.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Member(String),
    Element(usize),
    /// Any element.
    Any,
}

/// What is compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Field {
    Whole(Part),
    Path(Part, Vec<Step>),
    Header(String),
    Partition,
    Offset,
    Timestamp,
}

/// With what it is compared.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Literal {
    Null,
    Truth(bool),
    /// A number, with how it was written.
    Number(f64, Option<i64>, String),
    Text(String),
}

impl Literal {
    /// As it was written, without quotes.
    pub(crate) fn text(&self) -> &str {
        match self {
            Literal::Null => "null",
            Literal::Truth(true) => "true",
            Literal::Truth(false) => "false",
            Literal::Number(.., text) | Literal::Text(text) => text,
        }
    }
}

/// What is true or false of a record.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Expr {
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// Anywhere in key or value; in small letters.
    Anywhere(String),
    /// Contains this, in small letters.
    Contains(Field, String),
    Compare(Field, Op, Literal),
}

/// Reads a text; nothing where there is none.
pub(crate) fn parse(text: &str, clock: Clock) -> Result<Option<Expr>, FilterError> {
    if text.len() > LONGEST {
        return Err(FilterError::new(0..text.len(), Problem::TooLong));
    }
    let mut reader = Reader { text, at: 0, clock };
    reader.skip();
    if reader.rest().is_empty() {
        return Ok(None);
    }
    let expr = reader.any(0)?;
    match reader.rest().chars().next() {
        None => Ok(Some(expr)),
        Some(_) => Err(FilterError::new(reader.at..reader.at + 1, Problem::ClosesNothing)),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    clock: Clock,
}

/// Whether a character ends a word of the language.
fn ends(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '"' | '\'')
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Takes a word of the language, which stands alone, or its sign; gives its place.
    fn takes(&mut self, word: &str, sign: &str) -> Option<Range<usize>> {
        let rest = self.rest();
        let behind = rest.get(word.len()..).and_then(|behind| behind.chars().next());
        let is_word = rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
            && behind.is_none_or(ends);
        // `!=` is no `not`.
        let is_sign = rest.starts_with(sign) && !(sign == "!" && rest.starts_with("!="));
        let length = if is_word {
            word.len()
        } else if is_sign {
            sign.len()
        } else {
            return None;
        };
        let place = self.at..self.at + length;
        self.at += length;
        self.skip();
        Some(place)
    }

    /// Whether another side of an `and` follows: with its word, or side by side.
    fn follows(&self) -> bool {
        let mut ahead = Reader { ..*self };
        !ahead.rest().is_empty() && !ahead.rest().starts_with(')') && ahead.takes("or", "||").is_none()
    }

    /// What is behind a word must not be the end.
    fn needs_more(&self, place: &Range<usize>) -> Result<(), FilterError> {
        if self.rest().is_empty() || self.rest().starts_with(')') {
            let before = self.text[place.clone()].to_owned();
            return Err(FilterError::new(place.clone(), Problem::Missing(before)));
        }
        Ok(())
    }

    fn any(&mut self, depth: usize) -> Result<Expr, FilterError> {
        let mut sides = vec![self.all(depth)?];
        while let Some(place) = self.takes("or", "||") {
            self.needs_more(&place)?;
            sides.push(self.all(depth)?);
        }
        Ok(one_or(sides, Expr::Or))
    }

    fn all(&mut self, depth: usize) -> Result<Expr, FilterError> {
        let mut sides = vec![self.not(depth)?];
        while self.follows() {
            if let Some(place) = self.takes("and", "&&") {
                self.needs_more(&place)?;
            }
            sides.push(self.not(depth)?);
        }
        Ok(one_or(sides, Expr::And))
    }

    fn not(&mut self, depth: usize) -> Result<Expr, FilterError> {
        if let Some(place) = self.takes("not", "!") {
            self.needs_more(&place)?;
            if depth == DEEPEST {
                return Err(FilterError::new(place, Problem::TooDeep));
            }
            return Ok(Expr::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.rest().starts_with('(') {
            let place = self.at..self.at + 1;
            if depth == DEEPEST {
                return Err(FilterError::new(place, Problem::TooDeep));
            }
            self.at += 1;
            self.skip();
            self.needs_more(&place)?;
            let inner = self.any(depth + 1)?;
            if !self.rest().starts_with(')') {
                return Err(FilterError::new(place, Problem::Open));
            }
            self.at += 1;
            self.skip();
            return Ok(inner);
        }
        self.term()
    }

    fn term(&mut self) -> Result<Expr, FilterError> {
        let from = self.at;
        for word in ["and", "or"] {
            if let Some(place) = self.takes(word, if word == "and" { "&&" } else { "||" }) {
                let written = self.text[place.clone()].to_owned();
                return Err(FilterError::new(place, Problem::NoField(written)));
            }
        }
        if self.rest().starts_with(['"', '\'']) {
            let text = self.quoted()?;
            self.skip();
            return Ok(Expr::Anywhere(text.to_lowercase()));
        }
        let name = self.name()?;
        let place = from..self.at;
        self.skip();
        let rest = self.rest();
        let op = OPS.into_iter().find(|(sign, _)| rest.starts_with(sign));
        // A colon with a space before it is a text of its own.
        let op = op.filter(|(_, op)| *op != Op::Contains || place.end == self.at);
        let Some((sign, op)) = op else {
            let alone = field(name, &place);
            return match alone {
                Ok(_) => Err(FilterError::new(place, Problem::FieldAlone(name.to_owned()))),
                Err(FilterError { problem: Problem::NoSuchField(_), .. }) => {
                    Ok(Expr::Anywhere(name.to_lowercase()))
                }
                Err(other) => Err(other),
            };
        };
        if name.is_empty() {
            let place = self.at..self.at + sign.len();
            return Err(FilterError::new(place, Problem::NoField(sign.to_owned())));
        }
        let field = field(name, &place)?;
        let signed = self.at..self.at + sign.len();
        self.at = signed.end;
        if op != Op::Contains {
            self.skip();
        }
        let began = self.at;
        let literal = self.literal(&signed)?;
        let said = began..self.at;
        self.skip();
        compare(field, name, (sign, op), literal, (signed, said), self.clock)
    }

    /// The name of a field, or a bare word. Brackets of a path may hold quotes.
    fn name(&mut self) -> Result<&'a str, FilterError> {
        let (from, rest) = (self.at, self.rest());
        let mut characters = rest.char_indices();
        let mut length = rest.len();
        while let Some((place, c)) = characters.next() {
            if c == '[' {
                let quote = rest[place + 1..].chars().next().filter(|c| matches!(c, '"' | '\''));
                if let Some(quote) = quote {
                    let closes = rest[place + 2..].find(quote).map(|end| place + 2 + end);
                    let Some(closes) = closes else {
                        let open = from + place + 1..self.text.len();
                        return Err(FilterError::new(open, Problem::OpenText));
                    };
                    while characters.next().is_some_and(|(place, _)| place < closes) {}
                }
                continue;
            }
            if ends(c) || matches!(c, ':' | '=' | '<' | '>') || rest[place..].starts_with("!=") {
                length = place;
                break;
            }
        }
        self.at += length;
        Ok(&self.text[from..self.at])
    }

    fn quoted(&mut self) -> Result<String, FilterError> {
        let (from, rest) = (self.at, self.rest());
        let mut characters = rest.char_indices();
        let quote = characters.next().map_or('"', |(_, quote)| quote);
        let mut text = String::new();
        while let Some((place, c)) = characters.next() {
            match c {
                '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
                c if c == quote => {
                    self.at = from + place + c.len_utf8();
                    return Ok(text);
                }
                c => text.push(c),
            }
        }
        Err(FilterError::new(from..self.text.len(), Problem::OpenText))
    }

    /// What a field is compared with.
    fn literal(&mut self, signed: &Range<usize>) -> Result<Literal, FilterError> {
        let rest = self.rest();
        if rest.starts_with(['"', '\'']) {
            return Ok(Literal::Text(self.quoted()?));
        }
        let length = rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')')).unwrap_or(rest.len());
        let word = &rest[..length];
        // A word of the language is no text, unless it stands in quotes.
        let joins = ["and", "or"].iter().any(|joins| word.eq_ignore_ascii_case(joins));
        if word.is_empty() || joins {
            let written = self.text[signed.clone()].to_owned();
            return Err(FilterError::new(signed.clone(), Problem::Missing(written)));
        }
        self.at += length;
        Ok(match word {
            "null" => Literal::Null,
            "true" => Literal::Truth(true),
            "false" => Literal::Truth(false),
            word => number(word).unwrap_or_else(|| Literal::Text(word.to_owned())),
        })
    }
}

/// A number as JSON writes them.
fn number(word: &str) -> Option<Literal> {
    let first = word.strip_prefix('-').unwrap_or(word);
    if !first.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let value = word.parse::<f64>().ok().filter(|value| value.is_finite())?;
    Some(Literal::Number(value, word.parse().ok(), word.to_owned()))
}

fn one_or(mut sides: Vec<Expr>, several: impl Fn(Vec<Expr>) -> Expr) -> Expr {
    if sides.len() > 1 { several(sides) } else { sides.remove(0) }
}

/// The field of a name.
fn field(name: &str, place: &Range<usize>) -> Result<Field, FilterError> {
    match name {
        "key" => return Ok(Field::Whole(Part::Key)),
        "value" => return Ok(Field::Whole(Part::Value)),
        "partition" => return Ok(Field::Partition),
        "offset" => return Ok(Field::Offset),
        "timestamp" => return Ok(Field::Timestamp),
        "header" | "header." => return Err(FilterError::new(place.clone(), Problem::HeaderName)),
        _ => {}
    }
    if let Some(header) = name.strip_prefix("header.") {
        return Ok(Field::Header(header.to_owned()));
    }
    let path = |part, path: &str| {
        let wrong = || FilterError::new(place.clone(), Problem::Path(name.to_owned()));
        steps(path).map(|steps| Field::Path(part, steps)).ok_or_else(wrong)
    };
    for (word, part) in [("key", Part::Key), ("value", Part::Value)] {
        if let Some(rest) = name.strip_prefix(word).filter(|rest| rest.starts_with(['.', '['])) {
            return path(part, rest);
        }
    }
    // As jq writes it, the value is meant. `.5` and `...` are texts.
    let begins = |c: char| c.is_alphabetic() || c == '_';
    if name.strip_prefix('.').is_some_and(|rest| rest.starts_with(begins)) {
        return path(Part::Value, name);
    }
    Err(FilterError::new(place.clone(), Problem::NoSuchField(name.to_owned())))
}

/// The steps of `.customer.ids[0]["odd name"]`.
fn steps(path: &str) -> Option<Vec<Step>> {
    let (mut rest, mut found) = (path, Vec::new());
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        if first == '.' {
            let length = rest.find(['.', '[']).unwrap_or(rest.len());
            if length == 0 {
                return None;
            }
            found.push(Step::Member(rest[..length].to_owned()));
            rest = &rest[length..];
        } else if first == '[' {
            if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
                let (member, after) = rest[1..].split_once(quote)?;
                found.push(Step::Member(member.to_owned()));
                rest = after.strip_prefix(']')?;
            } else {
                let (inside, after) = rest.split_once(']')?;
                found.push(match inside {
                    "" => Step::Any,
                    number => Step::Element(number.parse().ok()?),
                });
                rest = after;
            }
        } else {
            return None;
        }
    }
    Some(found)
}

/// A comparison, if it can be made.
fn compare(
    field: Field,
    name: &str,
    (sign, op): (&str, Op),
    literal: Literal,
    (signed, said): (Range<usize>, Range<usize>),
    clock: Clock,
) -> Result<Expr, FilterError> {
    let wrong = |place: Range<usize>| {
        FilterError::new(place, Problem::Operator { field: name.into(), how: sign.into() })
    };
    let numbers = matches!(field, Field::Partition | Field::Offset | Field::Timestamp);
    if op == Op::Contains {
        if numbers {
            return Err(wrong(signed));
        }
        return Ok(Expr::Contains(field, literal.text().to_lowercase()));
    }
    let literal = match (&field, literal) {
        (Field::Timestamp, Literal::Number(_, Some(millis), text)) => {
            Literal::Number(millis as f64, Some(millis), text)
        }
        (Field::Timestamp, literal) => {
            let text = literal.text().to_owned();
            let millis = when::parse(&text, clock)
                .ok_or_else(|| FilterError::new(said.clone(), Problem::NotATime(text.clone())))?;
            Literal::Number(millis as f64, Some(millis), text)
        }
        (Field::Partition | Field::Offset, literal @ Literal::Number(_, Some(_), _)) => literal,
        (Field::Partition | Field::Offset, literal) => {
            let problem = Problem::NotANumber { field: name.into(), found: literal.text().into() };
            return Err(FilterError::new(said, problem));
        }
        (_, literal) => literal,
    };
    let ordered = matches!(op, Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual);
    if ordered && matches!(literal, Literal::Null | Literal::Truth(_)) {
        return Err(wrong(signed));
    }
    Ok(Expr::Compare(field, op, literal))
}
