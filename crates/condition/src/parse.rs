//! Reads a condition: recursive descent, one function a line of the grammar.

use std::iter::Peekable;
use std::ops::Range;
use std::vec::IntoIter;

use crate::error::{ConditionError, Problem};
use crate::facts::{ClientCount, FACTS, FactInfo, Kind, Parameter, Question, Sight, Value};
use crate::lexer::{Token, tokens};

/// Brackets may stand so deep in each other.
const DEEPEST: usize = 32;
/// Bytes that a condition may have.
const LONGEST: usize = 4_096;

/// How two sides are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

const OPS: [(&str, Op); 6] = [
    ("==", Op::Equal),
    ("!=", Op::NotEqual),
    ("<=", Op::LessOrEqual),
    (">=", Op::GreaterOrEqual),
    ("<", Op::Less),
    (">", Op::Greater),
];

/// One side of a comparison.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Term {
    Given(Value),
    /// A question, with what kind its answer is and how it was written.
    Asked(Question, Kind, String),
}

impl Term {
    fn kind(&self) -> Kind {
        match self {
            Term::Given(value) => value.kind(),
            Term::Asked(_, kind, _) => *kind,
        }
    }
}

/// What is true or false.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Expr {
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// A comparison, with how it was written.
    Compare(Term, Op, Term, String),
    /// A term that is true or false by itself.
    Bare(Term),
}

/// Calls `found` with every term, from left to right.
pub(crate) fn visit<'a>(expr: &'a Expr, found: &mut impl FnMut(&'a Term)) {
    match expr {
        Expr::Bare(one) => found(one),
        Expr::Compare(left, _, right, _) => {
            found(left);
            found(right);
        }
        Expr::Not(inner) => visit(inner, found),
        Expr::And(all) | Expr::Or(all) => all.iter().for_each(|one| visit(one, found)),
    }
}

/// Reads a text.
pub(crate) fn parse(text: &str) -> Result<Expr, ConditionError> {
    let mut reader = Reader::new(text)?;
    let expr = reader.any(0)?;
    match reader.tokens.next() {
        None => Ok(expr.0),
        Some((_, place)) => Err(reader.expected("`and`, `or` or the end", Some(place))),
    }
}

/// Reads a text that is one term.
pub(crate) fn parse_term(text: &str) -> Result<Term, ConditionError> {
    let mut reader = Reader::new(text)?;
    let (part, place) = reader.part(0)?;
    let Part::Term(term) = part else { return Err(reader.expected("a fact", Some(place))) };
    match reader.tokens.next() {
        None => Ok(term),
        Some((_, place)) => Err(reader.expected("the end", Some(place))),
    }
}

type Placed<T> = (T, Range<usize>);

/// What stands in brackets or alone: a value, or something that is true or false already.
enum Part {
    Term(Term),
    Whole(Expr),
}

struct Reader<'a> {
    text: &'a str,
    tokens: Peekable<IntoIter<Placed<Token>>>,
    /// Where the text ends.
    last: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Result<Reader<'a>, ConditionError> {
        if text.len() > LONGEST {
            return Err(ConditionError::new(LONGEST..text.len(), Problem::TooLong));
        }
        let mut reader = Reader { text, tokens: tokens(text)?.into_iter().peekable(), last: text.len() };
        if reader.tokens.peek().is_none() {
            return Err(ConditionError::new(0..text.len(), Problem::Empty));
        }
        Ok(reader)
    }

    fn expected(&self, what: &'static str, place: Option<Range<usize>>) -> ConditionError {
        let place = place.unwrap_or(self.last..self.last);
        let found = self.text.get(place.clone()).unwrap_or_default().to_owned();
        ConditionError::new(place, Problem::Expected { what, found })
    }

    fn sees(&mut self, sign: &str, word: &str) -> bool {
        match self.tokens.peek() {
            Some((Token::Sign(found), _)) => *found == sign,
            Some((Token::Name(found), _)) => found == word,
            _ => false,
        }
    }

    fn takes(&mut self, sign: &str, word: &str) -> Option<Range<usize>> {
        if self.sees(sign, word) { self.tokens.next().map(|(_, place)| place) } else { None }
    }

    fn needs(&mut self, sign: &str, what: &'static str) -> Result<Range<usize>, ConditionError> {
        match self.takes(sign, sign) {
            Some(place) => Ok(place),
            None => {
                let place = self.tokens.peek().map(|(_, place)| place.clone());
                Err(self.expected(what, place))
            }
        }
    }

    /// Several sides of `or`.
    fn any(&mut self, depth: usize) -> Result<Placed<Expr>, ConditionError> {
        let (first, mut place) = self.all(depth)?;
        let mut sides = vec![first];
        while self.takes("||", "or").is_some() {
            let (next, at) = self.all(depth)?;
            place.end = at.end;
            sides.push(next);
        }
        Ok((one_or(sides, Expr::Or), place))
    }

    /// Several sides of `and`.
    fn all(&mut self, depth: usize) -> Result<Placed<Expr>, ConditionError> {
        let (first, mut place) = self.not(depth)?;
        let mut sides = vec![first];
        while self.takes("&&", "and").is_some() {
            let (next, at) = self.not(depth)?;
            place.end = at.end;
            sides.push(next);
        }
        Ok((one_or(sides, Expr::And), place))
    }

    fn not(&mut self, depth: usize) -> Result<Placed<Expr>, ConditionError> {
        if let Some(place) = self.takes("!", "not") {
            if depth == DEEPEST {
                return Err(ConditionError::new(place, Problem::TooDeep));
            }
            let (inner, at) = self.not(depth + 1)?;
            return Ok((Expr::Not(Box::new(inner)), place.start..at.end));
        }
        self.compare(depth)
    }

    fn compare(&mut self, depth: usize) -> Result<Placed<Expr>, ConditionError> {
        let (left, at) = self.part(depth)?;
        let op = OPS.into_iter().find(|(sign, _)| self.sees(sign, ""));
        let op = op.or_else(|| self.sees("", "in").then_some(("in", Op::In)));
        let Some((how, op)) = op else {
            // One that stands for two, as in most languages it does not.
            if self.sees("=", "") {
                let place = self.tokens.next().map(|(_, place)| place);
                return Err(self.expected("`==`", place));
            }
            return match left {
                Part::Whole(expr) => Ok((expr, at)),
                Part::Term(term) if term.kind() == Kind::Truth => Ok((Expr::Bare(term), at)),
                Part::Term(term) => Err(ConditionError::new(at, Problem::NotTrueOrFalse(term.kind()))),
            };
        };
        let _ = self.tokens.next();
        let (right, until) = self.part(depth)?;
        let place = at.start..until.end;
        let (Part::Term(left), Part::Term(right)) = (left, right) else {
            let (left, right) = (Kind::Truth, Kind::Truth);
            return Err(ConditionError::new(place, Problem::Compared { left, how, right }));
        };
        if !compares(left.kind(), op, right.kind(), &left, &right) {
            let (left, right) = (left.kind(), right.kind());
            return Err(ConditionError::new(place, Problem::Compared { left, how, right }));
        }
        let written = self.text.get(place.clone()).unwrap_or_default().to_owned();
        Ok((Expr::Compare(left, op, right, written), place))
    }

    fn part(&mut self, depth: usize) -> Result<Placed<Part>, ConditionError> {
        const WHAT: &str = "a fact or a value";
        let Some((token, place)) = self.tokens.next() else { return Err(self.expected(WHAT, None)) };
        let given = |value| Ok((Part::Term(Term::Given(value)), place.clone()));
        match token {
            Token::Number(number) => given(Value::Number(number)),
            Token::Time(micros) => given(Value::Time(micros)),
            Token::Text(text) => given(Value::Text(text)),
            Token::Sign("[") => {
                let (value, end) = self.list(place.start)?;
                Ok((Part::Term(Term::Given(value)), place.start..end))
            }
            Token::Sign("(") => {
                if depth == DEEPEST {
                    return Err(ConditionError::new(place, Problem::TooDeep));
                }
                let (inner, _) = self.any(depth + 1)?;
                let end = self.needs(")", "`)`")?.end;
                Ok((Part::Whole(inner), place.start..end))
            }
            Token::Sign(_) => Err(self.expected(WHAT, Some(place))),
            Token::Name(name) if name == "true" || name == "false" => given(Value::Truth(name == "true")),
            Token::Name(name) if ["and", "or", "not", "in"].contains(&name.as_str()) => {
                Err(self.expected(WHAT, Some(place)))
            }
            Token::Name(name) => {
                let (term, end) = self.fact(&name, &place)?;
                Ok((Part::Term(term), place.start..end))
            }
        }
    }

    /// What stands behind `[`.
    fn list(&mut self, start: usize) -> Result<(Value, usize), ConditionError> {
        const WHAT: &str = "a number, a text or `]`";
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        let end = loop {
            match self.tokens.next() {
                Some((Token::Number(number), _)) => numbers.push(number),
                Some((Token::Text(text), _)) => texts.push(text),
                Some((Token::Sign("]"), place)) => break place.end,
                other => return Err(self.expected(WHAT, other.map(|(_, place)| place))),
            }
            if self.takes(",", "").is_none() {
                break self.needs("]", "`,` or `]`")?.end;
            }
        };
        match (numbers.is_empty(), texts.is_empty()) {
            (false, false) => Err(ConditionError::new(start..end, Problem::Mixed)),
            (true, false) => Ok((Value::Texts(texts), end)),
            _ => Ok((Value::Numbers(numbers), end)),
        }
    }

    /// What is asked under a name.
    fn fact(&mut self, name: &str, at: &Range<usize>) -> Result<(Term, usize), ConditionError> {
        let known = FACTS.iter().find(|fact| fact.name == name || fact.alias == name);
        let Some(fact) = known else {
            return Err(ConditionError::new(at.clone(), Problem::NoSuchFact(name.to_owned())));
        };
        let (mut arguments, mut end) = (Vec::new(), at.end);
        if self.takes("(", "").is_some() {
            end = loop {
                if let Some(place) = self.takes(")", "") {
                    break place.end;
                }
                match self.tokens.next() {
                    Some((token @ (Token::Number(_) | Token::Text(_) | Token::Name(_)), place)) => {
                        arguments.push((token, place));
                    }
                    other => return Err(self.expected("an argument", other.map(|(_, place)| place))),
                }
                if self.takes(",", "").is_none() {
                    break self.needs(")", "`,` or `)`")?.end;
                }
            };
        }
        let question = question(fact, arguments, at.start..end)?;
        let written = self.text.get(at.start..end).unwrap_or_default().to_owned();
        Ok((Term::Asked(question, fact.gives, written), end))
    }
}

fn one_or(mut sides: Vec<Expr>, several: impl Fn(Vec<Expr>) -> Expr) -> Expr {
    if sides.len() > 1 { several(sides) } else { sides.remove(0) }
}

/// Whether two kinds can be compared so. An empty list is one of either kind.
fn compares(left: Kind, op: Op, right: Kind, one: &Term, other: &Term) -> bool {
    let nothing = |term: &Term| matches!(term, Term::Given(Value::Numbers(all)) if all.is_empty());
    let lists = |kind| matches!(kind, Kind::Numbers | Kind::Texts);
    match op {
        Op::Equal | Op::NotEqual => {
            left == right || (lists(left) && lists(right) && (nothing(one) || nothing(other)))
        }
        Op::In => matches!((left, right), (Kind::Number, Kind::Numbers) | (Kind::Text, Kind::Texts)),
        _ => left == right && matches!(left, Kind::Number | Kind::Time),
    }
}

/// The arguments of a fact, one after the other.
struct Arguments {
    tokens: IntoIter<Placed<Token>>,
    wrong: ConditionError,
}

impl Arguments {
    fn text(&mut self) -> Result<String, ConditionError> {
        match self.tokens.next() {
            Some((Token::Text(text), _)) => Ok(text),
            _ => Err(self.wrong.clone()),
        }
    }

    fn number(&mut self) -> Result<i32, ConditionError> {
        match self.tokens.next() {
            Some((Token::Number(number), _)) => i32::try_from(number).map_err(|_| self.wrong.clone()),
            _ => Err(self.wrong.clone()),
        }
    }

    fn is_over(&self) -> bool {
        self.tokens.len() == 0
    }

    fn partition(&mut self) -> Result<(String, i32), ConditionError> {
        Ok((self.text()?, self.number()?))
    }

    fn text_if_any(&mut self) -> Result<Option<String>, ConditionError> {
        if self.is_over() { Ok(None) } else { self.text().map(Some) }
    }

    fn number_if_any(&mut self) -> Result<Option<i32>, ConditionError> {
        if self.is_over() { Ok(None) } else { self.number().map(Some) }
    }

    fn sight(&mut self) -> Result<Sight, ConditionError> {
        match self.tokens.next() {
            Some((Token::Name(name), place)) => {
                Sight::named(&name).ok_or_else(|| ConditionError::new(place, Problem::NoSuchSight(name)))
            }
            _ => Err(self.wrong.clone()),
        }
    }
}

fn question(
    fact: &'static FactInfo,
    arguments: Vec<Placed<Token>>,
    place: Range<usize>,
) -> Result<Question, ConditionError> {
    let wrong = ConditionError::new(place, Problem::Arguments(fact));
    let most = fact.needs.len() + fact.may.len();
    if arguments.len() < fact.needs.len() || arguments.len() > most {
        return Err(wrong);
    }
    debug_assert!(
        fact.needs.iter().all(|one| *one != Parameter::About),
        "{} needs what may follow",
        fact.name
    );
    let mut given = Arguments { tokens: arguments.into_iter(), wrong };
    let given = &mut given;
    Ok(match fact.name {
        "leader" => Question::Leader(given.partition()?),
        "epoch" => Question::Epoch(given.partition()?),
        "isr" => Question::Isr(given.partition()?),
        "replicas" => Question::Replicas(given.partition()?),
        "high_watermark" => Question::HighWatermark(given.partition()?, given.number_if_any()?),
        "log_end" => Question::LogEnd(given.partition()?, given.number_if_any()?),
        "log_start" => Question::LogStart(given.partition()?),
        "partitions" => Question::Partitions(given.text()?),
        "under_replicated" => Question::UnderReplicated(given.text_if_any()?),
        "state" => Question::State(given.text()?),
        "generation" => Question::Generation(given.text()?),
        "members" => Question::Members(given.text()?),
        "coordinator" => Question::Coordinator(given.text()?),
        "committed" => Question::Committed(given.text()?, given.partition()?),
        "accumulated" => Question::Accumulated(given.text()?, given.partition()?),
        "last_stable" => Question::LastStable(given.partition()?),
        "segments" => Question::Segments(given.partition()?),
        "size" => Question::Size(given.partition()?),
        "cleaned" => Question::Cleaned(given.partition()?),
        "codec" => Question::Codec(given.partition()?),
        "config" => Question::Config(given.text()?, given.text()?),
        "idle" => Question::Idle(given.text()?),
        "assignor" => Question::Assignor(given.text()?),
        "owner" => Question::Owner(given.text()?, given.partition()?),
        "transaction" => Question::Transaction(given.text()?),
        "disk_reads" => Question::DiskReads(given.number()?),
        "elapsed" => Question::Elapsed,
        "printed" => Question::Printed(given.text()?),
        "lag" => Question::Lag(given.text()?, given.text_if_any()?, given.number_if_any()?),
        "up" => Question::Up(given.number()?),
        "broker" => Question::Broker(given.number()?),
        "brokers" => Question::Brokers,
        "controller" => Question::Controller,
        "topics" => Question::Topics,
        "groups" => Question::Groups,
        "in_flight" => Question::InFlight,
        "time" => Question::Time,
        "saw" => Question::Saw(given.sight()?, given.text_if_any()?),
        name => {
            let count = ClientCount::named(name).ok_or_else(|| given.wrong.clone())?;
            Question::Counted(count, given.text()?)
        }
    })
}
