//! `key=value` properties of the console clients, and Kafka's words about wrong ones.

use std::collections::BTreeMap;

use crate::java::parse_number;
use crate::options::{OptionError, Options};

/// Properties by name.
pub type Properties = BTreeMap<String, String>;

/// Reads `name=value` arguments; a name alone has an empty value (CommandLineUtils.parseKeyValueArgs).
pub fn parse<'a>(arguments: impl Iterator<Item = &'a str>) -> Properties {
    arguments
        .map(|argument| argument.split_once('=').unwrap_or((argument, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A ConfigException's message.
pub fn invalid(name: &str, value: &str, why: &str) -> String {
    format!("Invalid value {value} for configuration {name}: {why}")
}

/// A number among properties. `kind` is Kafka's name of its type.
pub fn number<T: std::str::FromStr>(
    properties: &Properties,
    name: &str,
    kind: &str,
    into: &mut T,
) -> Result<(), String> {
    if let Some(value) = properties.get(name) {
        *into = parse_number(value.trim())
            .ok_or_else(|| invalid(name, value, &format!("Not a number of type {kind}")))?;
    }
    Ok(())
}

/// Sets a property from an option where the option was given, or where nobody else set it
/// (CommandLineUtils.maybeMergeOptions).
pub fn merge(
    properties: &mut Properties,
    name: &str,
    options: &Options,
    option: &str,
    default: &str,
) -> Result<(), OptionError> {
    if options.has(option) || !properties.contains_key(name) {
        let value = options.value(option)?.unwrap_or(default).to_owned();
        properties.insert(name.to_owned(), value);
    }
    Ok(())
}
