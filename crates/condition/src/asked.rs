//! One question alone: `isr("orders", 0)`, or in words, `isr orders 0`.

use crate::error::{ConditionError, Problem};
use crate::facts::{FACTS, Facts, Parameter, Question, Value};
use crate::parse::{self, Term};

/// A question that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    text: String,
    question: Question,
}

impl Asked {
    /// A line of words as it is written in a condition: `isr orders 0` becomes `isr("orders", 0)`. A line with brackets
    /// stays as it is, and so does what cannot be one, for [`parse`](Self::parse) to say why.
    pub fn written(line: &str) -> String {
        let line = line.trim();
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        let fact = FACTS.iter().find(|fact| fact.name == name || fact.alias == name);
        let Some(fact) = fact.filter(|_| !line.contains('(')) else { return line.to_owned() };
        let arguments: Vec<&str> = words.collect();
        if arguments.is_empty() {
            return fact.name.to_owned();
        }
        let parameters = fact.needs.iter().chain(fact.may).map(Some).chain(std::iter::repeat(None));
        let argument = |(word, parameter): (&str, Option<&Parameter>)| match parameter {
            Some(parameter) if parameter.is_text() && !word.starts_with(['"', '\'']) => {
                let quote = if word.contains('"') { '\'' } else { '"' };
                format!("{quote}{word}{quote}")
            }
            _ => word.to_owned(),
        };
        let arguments: Vec<String> = arguments.into_iter().zip(parameters).map(argument).collect();
        format!("{}({})", fact.name, arguments.join(", "))
    }

    /// Reads one, as it is written in a condition.
    ///
    /// # Errors
    /// What cannot be read, and where.
    pub fn parse(text: &str) -> Result<Asked, ConditionError> {
        let term = parse::parse_term(text)?;
        let Term::Asked(question, _, written) = term else {
            return Err(ConditionError::new(
                0..text.len(),
                Problem::Expected { what: "a fact", found: text.trim().to_owned() },
            ));
        };
        Ok(Asked { text: written, question })
    }

    /// As it is written in a condition.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is asked.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// The answer; nothing while there is none.
    pub fn answer(&self, facts: &dyn Facts) -> Option<Value> {
        facts.answer(&self.question)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read_in_words_or_as_in_a_condition() {
        for (line, want) in [
            ("isr orders 0", "isr(\"orders\", 0)"),
            (" hw  orders 0 ", "high_watermark(\"orders\", 0)"),
            ("leo orders 0 2", "log_end(\"orders\", 0, 2)"),
            ("committed billing orders 1", "committed(\"billing\", \"orders\", 1)"),
            ("state \"billing\"", "state(\"billing\")"),
            ("isr( 'orders', 0)", "isr( 'orders', 0)"),
            ("leader 7 0", "leader(\"7\", 0)"),
            ("controller", "controller"),
            ("accumulated producer-1 orders 0", "accumulated(\"producer-1\", \"orders\", 0)"),
        ] {
            let written = Asked::written(line);
            assert_eq!(written, want);
            assert_eq!(Asked::parse(&written).unwrap().text(), want);
        }
    }

    #[test]
    fn what_is_no_question_is_refused() {
        for line in [
            "",
            "7",
            "isr orders",
            "isr orders zero",
            "isr orders 0 1",
            "isrs orders 0",
            "isr(",
            "true",
            "[1]",
        ] {
            assert!(Asked::parse(&Asked::written(line)).is_err(), "{line}");
        }
        for line in ["isr orders 0 == 1", "isr(\"orders\", 0) == [1]", "controller and up(1)"] {
            assert!(Asked::parse(&Asked::written(line)).is_err(), "{line}");
        }
    }
}
