//! Whether a condition is so.

use crate::facts::{Facts, Value};
use crate::parse::{Expr, Op, Term};

/// A comparison of a condition, as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clause {
    /// As it was written.
    pub text: String,
    /// Whether it is so; nothing while it cannot be told.
    pub holds: Option<bool>,
    /// Whether it stands behind a `not`: then the condition wants it to be false.
    pub negated: bool,
    /// What is asked in it with the answers: `isr("orders", 0)` and `[1, 2, 3]`. One that cannot be answered has none.
    pub now: Vec<(String, Option<Value>)>,
}

/// Whether an expression is so.
pub(crate) fn holds(expr: &Expr, facts: &dyn Facts) -> Option<bool> {
    match expr {
        Expr::Not(inner) => holds(inner, facts).map(|so| !so),
        // One side that decides does so although another cannot be told.
        Expr::And(sides) => decided(sides, facts, false),
        Expr::Or(sides) => decided(sides, facts, true),
        Expr::Compare(left, op, right, _) => Some(compare(&value(left, facts)?, *op, &value(right, facts)?)),
        Expr::Bare(term) => match value(term, facts)? {
            Value::Truth(truth) => Some(truth),
            _ => None,
        },
    }
}

/// What several sides come to, of which one that is `decides` is enough.
fn decided(sides: &[Expr], facts: &dyn Facts, decides: bool) -> Option<bool> {
    let mut all_told = true;
    for side in sides {
        match holds(side, facts) {
            Some(so) if so == decides => return Some(decides),
            Some(_) => {}
            None => all_told = false,
        }
    }
    all_told.then_some(!decides)
}

fn value(term: &Term, facts: &dyn Facts) -> Option<Value> {
    match term {
        Term::Given(value) => Some(value.clone()),
        Term::Asked(question, kind, _) => {
            let answer = facts.answer(question);
            debug_assert!(
                answer.as_ref().is_none_or(|answer| answer.kind() == *kind),
                "{question:?} is answered by {answer:?}"
            );
            answer
        }
    }
}

fn compare(left: &Value, op: Op, right: &Value) -> bool {
    match op {
        Op::Equal => same(left, right),
        Op::NotEqual => !same(left, right),
        Op::In => match (left, right) {
            (Value::Number(one), Value::Numbers(all)) => all.contains(one),
            (Value::Text(one), Value::Texts(all)) => all.contains(one),
            _ => false,
        },
        Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
            let order = match (left, right) {
                (Value::Number(left), Value::Number(right)) => left.cmp(right),
                (Value::Time(left), Value::Time(right)) => left.cmp(right),
                _ => return false,
            };
            match op {
                Op::Less => order.is_lt(),
                Op::LessOrEqual => order.is_le(),
                Op::Greater => order.is_gt(),
                _ => order.is_ge(),
            }
        }
    }
}

fn same(left: &Value, right: &Value) -> bool {
    fn sorted<T: Ord + Clone>(all: &[T]) -> Vec<T> {
        let mut all = all.to_vec();
        all.sort();
        all
    }
    match (left, right) {
        (Value::Numbers(left), Value::Numbers(right)) => sorted(left) == sorted(right),
        (Value::Texts(left), Value::Texts(right)) => sorted(left) == sorted(right),
        (Value::Texts(texts), Value::Numbers(nothing)) | (Value::Numbers(nothing), Value::Texts(texts)) => {
            texts.is_empty() && nothing.is_empty()
        }
        (left, right) => left == right,
    }
}

/// Each comparison with how it stands.
pub(crate) fn clauses(expr: &Expr, facts: &dyn Facts) -> Vec<Clause> {
    let mut found = Vec::new();
    look(expr, false, facts, &mut found);
    found
}

fn look(expr: &Expr, negated: bool, facts: &dyn Facts, found: &mut Vec<Clause>) {
    let mut clause = |text: &str, terms: &[&Term]| {
        let asked = terms.iter().filter_map(|term| match term {
            Term::Asked(question, _, written) => Some((written.clone(), facts.answer(question))),
            Term::Given(_) => None,
        });
        let (now, holds) = (asked.collect(), holds(expr, facts));
        found.push(Clause { text: text.to_owned(), holds, negated, now });
    };
    match expr {
        Expr::Not(inner) => look(inner, !negated, facts, found),
        Expr::And(sides) | Expr::Or(sides) => {
            sides.iter().for_each(|side| look(side, negated, facts, found));
        }
        Expr::Compare(left, _, right, written) => clause(written, &[left, right]),
        Expr::Bare(term @ Term::Asked(_, _, written)) => clause(written, &[term]),
        Expr::Bare(Term::Given(value)) => clause(&value.to_string(), &[]),
    }
}
