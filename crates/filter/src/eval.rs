//! Whether a record fulfils a filter.

use std::cell::OnceCell;
use std::cmp::Ordering;

use serde_json::Value;

use crate::parse::{Expr, Field, Literal, Op, Part, Step};

/// A header of a record.
pub type Header<'a> = (&'a str, Option<&'a [u8]>);

/// A record that is looked at.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// Its key, if it has one.
    pub key: Option<&'a [u8]>,
    /// Its value, if it has one.
    pub value: Option<&'a [u8]>,
    /// Its headers, in order.
    pub headers: Vec<Header<'a>>,
    /// Key and value as JSON, read when a path first asks. Whoever knows more of the bytes than their text puts it in
    /// before.
    pub json: [OnceCell<Option<Value>>; 2],
}

impl Candidate<'_> {
    fn part(&self, part: Part) -> Option<&[u8]> {
        match part {
            Part::Key => self.key,
            Part::Value => self.value,
        }
    }

    fn json(&self, part: Part) -> Option<&Value> {
        let cell = &self.json[usize::from(part == Part::Value)];
        cell.get_or_init(|| serde_json::from_slice(self.part(part)?).ok()).as_ref()
    }
}

pub(crate) fn holds(expr: &Expr, record: &Candidate<'_>) -> bool {
    match expr {
        Expr::Not(inner) => !holds(inner, record),
        Expr::And(all) => all.iter().all(|one| holds(one, record)),
        Expr::Or(all) => all.iter().any(|one| holds(one, record)),
        Expr::Anywhere(text) => {
            [record.key, record.value].into_iter().flatten().any(|bytes| has(bytes, text))
        }
        Expr::Contains(field, text) => match field {
            Field::Whole(part) => record.part(*part).is_some_and(|bytes| has(bytes, text)),
            Field::Header(name) => headers(record, name).flatten().any(|bytes| has(bytes, text)),
            Field::Path(part, steps) => record
                .json(*part)
                .is_some_and(|json| at(json, steps, &mut |found| said(found).to_lowercase().contains(text))),
            Field::Partition | Field::Offset | Field::Timestamp => false,
        },
        Expr::Compare(field, op, literal) => compares(record, field, *op, literal),
    }
}

fn headers<'a>(record: &'a Candidate<'_>, name: &'a str) -> impl Iterator<Item = Option<&'a [u8]>> {
    record.headers.iter().filter(move |(key, _)| *key == name).map(|(_, value)| *value)
}

/// Whether bytes have a text in them, in any case.
fn has(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).to_lowercase().contains(text)
}

/// A value as text: a string without its quotes.
fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether something at the end of a path is so.
fn at(value: &Value, steps: &[Step], is_so: &mut dyn FnMut(&Value) -> bool) -> bool {
    let Some((first, rest)) = steps.split_first() else { return is_so(value) };
    match first {
        Step::Member(name) => value.get(name).is_some_and(|inner| at(inner, rest, is_so)),
        Step::Element(number) => value.get(*number).is_some_and(|inner| at(inner, rest, is_so)),
        Step::Any => match value {
            Value::Array(all) => all.iter().any(|inner| at(inner, rest, is_so)),
            Value::Object(all) => all.values().any(|inner| at(inner, rest, is_so)),
            _ => false,
        },
    }
}

fn compares(record: &Candidate<'_>, field: &Field, op: Op, literal: &Literal) -> bool {
    let number = |value: i64| match literal {
        Literal::Number(_, Some(other), _) => fulfils(op, Some(value.cmp(other))),
        _ => false,
    };
    match field {
        Field::Partition => number(i64::from(record.partition)),
        Field::Offset => number(record.offset),
        Field::Timestamp => number(record.timestamp),
        Field::Whole(part) => whole(record.part(*part), op, literal),
        Field::Header(name) => headers(record, name).any(|value| whole(value, op, literal)),
        Field::Path(part, steps) => record
            .json(*part)
            .is_some_and(|json| at(json, steps, &mut |found| fulfils(op, order(found, literal)))),
    }
}

/// Bytes as a whole: equal to a text, or in the order of numbers where both are.
fn whole(bytes: Option<&[u8]>, op: Op, literal: &Literal) -> bool {
    let Some(bytes) = bytes else { return *literal == Literal::Null && op == Op::Equal };
    match (op, literal) {
        (Op::Equal, Literal::Null) => false,
        (Op::NotEqual, Literal::Null) => true,
        (Op::Equal, literal) => bytes == literal.text().as_bytes(),
        (Op::NotEqual, literal) => bytes != literal.text().as_bytes(),
        (_, Literal::Number(value, ..)) => {
            let number = std::str::from_utf8(bytes).ok().and_then(|text| text.trim().parse::<f64>().ok());
            fulfils(op, number.and_then(|number| number.partial_cmp(value)))
        }
        (_, literal) => fulfils(op, Some(bytes.cmp(literal.text().as_bytes()))),
    }
}

/// How a value stands to a literal. Values of different kinds are unequal, and have no order.
fn order(value: &Value, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (Value::Null, Literal::Null) => Some(Ordering::Equal),
        (Value::Bool(one), Literal::Truth(other)) => (one == other).then_some(Ordering::Equal),
        (Value::Number(one), Literal::Number(other, whole, _)) => match (one.as_i64(), whole) {
            (Some(one), Some(other)) => Some(one.cmp(other)),
            _ => one.as_f64().and_then(|one| one.partial_cmp(other)),
        },
        (Value::String(one), Literal::Text(other)) => Some(one.as_str().cmp(other)),
        _ => None,
    }
}

fn fulfils(op: Op, order: Option<Ordering>) -> bool {
    match op {
        Op::Equal => order == Some(Ordering::Equal),
        // Of another kind is another value.
        Op::NotEqual => order != Some(Ordering::Equal),
        Op::Less => order == Some(Ordering::Less),
        Op::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Op::Greater => order == Some(Ordering::Greater),
        Op::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Op::Contains => false,
    }
}
