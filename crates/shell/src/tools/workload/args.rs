//! Arguments of `workload`, and what is wrong with them.

use std::collections::BTreeMap;

use crate::java::parse_number;
use crate::options::{Argument, Spec};
use crate::tools::properties::Properties;

/// What was given, by option.
pub struct Args {
    command: &'static str,
    given: BTreeMap<&'static str, Vec<String>>,
}

impl Args {
    /// Reads `--name value` and `--name=value`. Only `--command-property` may stand there more than once, and takes all
    /// words up to the next option.
    pub fn parse(command: &'static str, specs: &[Spec], words: &[String]) -> Result<Args, String> {
        let mut given: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        let mut rest = words.iter().peekable();
        while let Some(word) = rest.next() {
            let Some(name) = word.strip_prefix("--") else {
                return Err(format!("{word} stands there without an option before it"));
            };
            let (name, inline) =
                name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
            let Some(spec) = specs.iter().find(|spec| spec.name == name) else {
                return Err(format!("workload {command} has no option --{name}"));
            };
            let several = spec.name == "command-property";
            if given.contains_key(spec.name) && !several {
                return Err(format!("--{name} stands there twice"));
            }
            let values = given.entry(spec.name).or_default();
            if spec.argument == Argument::None {
                match inline {
                    Some(_) => return Err(format!("--{name} takes no value")),
                    None => continue,
                }
            }
            let value = match inline {
                Some(value) => Some(value.to_owned()),
                None => rest.next_if(|next| !next.starts_with("--")).cloned(),
            };
            values.push(value.ok_or_else(|| format!("--{name} needs a value"))?);
            while several && let Some(value) = rest.next_if(|next| !next.starts_with("--")) {
                values.push(value.clone());
            }
        }
        Ok(Args { command, given })
    }

    /// Whether an option is there.
    pub fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// An option's value.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name)?.last().map(String::as_str)
    }

    /// The value of an option that has to be there.
    pub fn required(&self, name: &str) -> Result<&str, String> {
        self.text(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| format!("workload {} needs --{name}", self.command))
    }

    /// An option's number, within bounds.
    pub fn number(&self, name: &str, from: u64, to: u64) -> Result<Option<u64>, String> {
        let Some(text) = self.text(name) else { return Ok(None) };
        parse_number(text)
            .filter(|number| (from..=to).contains(number))
            .map(Some)
            .ok_or_else(|| format!("--{name} is a number from {from} to {to}, not {text}"))
    }

    /// An option's value among some words.
    pub fn one_of<'a>(
        &'a self,
        name: &str,
        words: &[&'static str],
        default: &'static str,
    ) -> Result<&'a str, String> {
        let value = self.text(name).unwrap_or(default);
        if words.contains(&value) {
            return Ok(value);
        }
        Err(format!("--{name} is one of {}, not {value}", words.join(", ")))
    }

    /// The settings of `--command-property`, with those that options set: an option goes first.
    pub fn properties(&self, options: &[(&str, &str)]) -> Result<Properties, String> {
        let mut properties = Properties::new();
        for word in self.given.get("command-property").into_iter().flatten() {
            let Some((name, value)) = word.split_once('=') else {
                return Err(format!("--command-property takes NAME=VALUE, and {word} has no ="));
            };
            properties.insert(name.to_owned(), value.to_owned());
        }
        for (option, name) in options {
            if let Some(value) = self.text(option) {
                properties.insert((*name).to_owned(), value.to_owned());
            }
        }
        Ok(properties)
    }
}
