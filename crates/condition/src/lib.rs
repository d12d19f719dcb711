//! The language of conditions: `isr("orders", 0) == [1] and not saw(NOT_ENOUGH_REPLICAS)`.
//!
//! A [`Condition`] is read once and asked after every event, of whatever answers its questions ([`Facts`]). What is
//! asked for may not be there yet: a topic that nobody has created, a leader that no broker knows. Such a question
//! has no answer, and what depends on it is neither true nor false: `leader("orders", 0) != 2` does not hold while
//! there is no topic `orders`, and neither does its opposite. `and` and `or` go on where one side decides alone
//! (Kleene's logic).
//!
//! Names, kinds and numbers of arguments are checked when a condition is read, so a slip is found before anything is
//! waited for, with its place.
//!
//! ```text
//! or      = and { ("or" | "||") and }
//! and     = not { ("and" | "&&") not }
//! not     = ("not" | "!") not | compare
//! compare = term [ ("==" | "!=" | "<" | "<=" | ">" | ">=" | "in") term ]
//! term    = number | time | text | list | "true" | "false" | name [ "(" argument { "," argument } ")" ] | "(" or ")"
//! ```
//!
//! A time is a number with a unit (`83.4s`, `200ms`), a text stands in quotes of either kind, and a list holds numbers
//! or texts; in which order does not count.

mod asked;
mod error;
mod eval;
mod facts;
mod lexer;
mod parse;

pub use asked::Asked;
pub use error::{ConditionError, Problem};
pub use eval::Clause;
pub use facts::{ClientCount, EventSort, FACTS, FactInfo, Facts, Kind, Parameter, Question, Sight, Value};

use parse::{Expr, Term};

/// A condition that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition {
    text: String,
    expr: Expr,
}

impl Condition {
    /// Reads one.
    ///
    /// # Errors
    /// What cannot be read, and where.
    pub fn parse(text: &str) -> Result<Condition, ConditionError> {
        let expr = parse::parse(text)?;
        Ok(Condition { text: text.trim().to_owned(), expr })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is so; `None` while something that decides it cannot be answered.
    pub fn holds(&self, facts: &dyn Facts) -> Option<bool> {
        eval::holds(&self.expr, facts)
    }

    /// Whether it asks what was seen or printed: then somebody has to look at every answer, event and line while it is
    /// waited for.
    pub fn asks_what_was_seen(&self) -> bool {
        self.questions().iter().any(|question| matches!(question, Question::Saw(..) | Question::Printed(_)))
    }

    /// What it asks, from left to right.
    pub fn questions(&self) -> Vec<&Question> {
        let mut found = Vec::new();
        parse::visit(&self.expr, &mut |term| {
            if let Term::Asked(question, ..) = term {
                found.push(question);
            }
        });
        found
    }

    /// The next moment at which it may come to be so by nothing but the clock, in virtual microseconds: a time that it
    /// names, since the cluster or the wait began, or the microsecond behind it.
    pub fn moment_after(&self, now: u64, began: u64) -> Option<u64> {
        let mut next = None;
        parse::visit(&self.expr, &mut |term| {
            if let Term::Given(Value::Time(at)) = term {
                let named = [*at, began.saturating_add(*at)];
                let later =
                    named.into_iter().flat_map(|at| [at, at.saturating_add(1)]).filter(|at| *at > now);
                next = next.into_iter().chain(later).min();
            }
        });
        next
    }

    /// Each comparison of it with whether it is so, and how what it asks for stands.
    pub fn clauses(&self, facts: &dyn Facts) -> Vec<Clause> {
        eval::clauses(&self.expr, facts)
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
