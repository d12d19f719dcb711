//! The language of filters over records: `value.customer.id == 42 and not header.trace:dead`.
//!
//! A [`Filter`] is read once and asked of each record ([`Candidate`]). It knows no topic and no log.
//!
//! ```text
//! or      = and { ("or" | "||") and }
//! and     = not { [ "and" | "&&" ] not }
//! not     = ("not" | "!") not | "(" or ")" | term
//! term    = text                                    anywhere in the key or the value
//!         | field ":" text                          contains
//!         | field ("=" | "==" | "!=" | "<" | "<=" | ">" | ">=") literal
//! field   = "key" [ path ] | "value" [ path ] | path | "header." NAME | "partition" | "offset" | "timestamp"
//! path    = { "." NAME | "[" NUMBER "]" | "[]" | "[" quoted "]" }
//! literal = number | "true" | "false" | "null" | quoted | a word
//! ```
//!
//! Texts are found in any case where they are contained, and compared letter by letter where they are equal. A path
//! goes into the JSON of a key or a value; one that begins with a dot is the value's. `[]` is any element. What is not
//! there fulfils no comparison, `!=` neither. `value == null` is a tombstone. A timestamp is compared with milliseconds
//! since 1970, with a time of ISO 8601, or with one that counts from now (`timestamp > -5m`).

mod error;
mod eval;
mod parse;
pub mod when;

pub use error::{FilterError, Problem};
pub use eval::{Candidate, Header};

use parse::Expr;
use when::Clock;

/// A filter that was read.
#[derive(Clone, PartialEq, Debug)]
pub struct Filter {
    /// Without one every record is of it.
    expr: Option<Expr>,
}

impl Filter {
    /// Reads one; an empty text is fulfilled by every record. Times are read by the clock.
    ///
    /// # Errors
    /// What cannot be read, and where.
    pub fn parse(text: &str, clock: Clock) -> Result<Filter, FilterError> {
        Ok(Filter { expr: parse::parse(text, clock)? })
    }

    /// Whether a record fulfils it.
    pub fn is_fulfilled(&self, record: &Candidate<'_>) -> bool {
        self.expr.as_ref().is_none_or(|expr| eval::holds(expr, record))
    }
}

#[cfg(test)]
mod tests;
