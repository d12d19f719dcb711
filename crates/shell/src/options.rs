//! Command-line options as Kafka's tools read them (joptsimple without abbreviations): `--name value`, `--name=value`,
//! and what it says when they do not fit.

use std::collections::BTreeMap;

use crate::io::Printed;
use crate::java::parse_number;

/// The release whose tools these are.
pub const KAFKA_VERSION: &str = "4.3.1";

/// What follows an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Argument {
    /// Nothing.
    None,
    /// A value, by what it is called in the overview.
    Required(&'static str),
    /// A value that may be left out.
    Optional(&'static str),
}

/// An option of a tool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spec {
    /// Its name without dashes.
    pub name: &'static str,
    /// What follows.
    pub argument: Argument,
    /// What it does, in a sentence of ours; empty for an option that Kafka has and we do not yet.
    pub about: &'static str,
}

/// An option without a value.
pub const fn flag(name: &'static str, about: &'static str) -> Spec {
    Spec { name, argument: Argument::None, about }
}

/// An option with a value.
pub const fn value(name: &'static str, what: &'static str, about: &'static str) -> Spec {
    Spec { name, argument: Argument::Required(what), about }
}

/// An option with a value that may be left out.
pub const fn optional(name: &'static str, what: &'static str, about: &'static str) -> Spec {
    Spec { name, argument: Argument::Optional(what), about }
}

/// An option that Kafka has and we do not yet.
pub const fn not_yet(name: &'static str, argument: Argument) -> Spec {
    Spec { name, argument, about: "" }
}

/// The file of a tool's client settings.
pub const COMMAND_CONFIG: Spec =
    value("command-config", "file", "A dropped file with settings of the admin client, a name=value a line");

/// What is wrong with options (joptsimple.OptionException).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OptionError {
    /// Kafka has no such option.
    #[error("{0} is not a recognized option")]
    Unrecognized(String),
    /// The value is missing.
    #[error("Option {0} requires an argument")]
    MissingArgument(String),
    /// One value was asked for and several are there.
    #[error("Found multiple arguments for option {0}, but you asked for only one")]
    Multiple(String),
    /// The value is no number.
    #[error("Cannot parse argument '{value}' of option {name}")]
    Conversion {
        /// The option.
        name: String,
        /// The value.
        value: String,
    },
    /// Kafka has the option, we do not.
    #[error("blumfeld: --{0} is an option of Kafka's tool that is not here yet")]
    NotYet(String),
}

impl OptionError {
    /// Java's class.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Unrecognized(_) | Self::NotYet(_) => "joptsimple.UnrecognizedOptionException",
            Self::MissingArgument(_) => "joptsimple.OptionMissingRequiredArgumentException",
            Self::Multiple(_) => "joptsimple.MultipleArgumentsForOptionException",
            Self::Conversion { .. } => "joptsimple.OptionArgumentConversionException",
        }
    }

    /// What Java's stack trace shows besides its frames: class, message and causes, a line each.
    pub fn trace(&self) -> String {
        let causes = match self {
            Self::Conversion { value, .. } => format!(
                "Caused by: joptsimple.internal.ReflectionException: java.lang.NumberFormatException: For input string: \"{value}\"\n\
                 Caused by: java.lang.NumberFormatException: For input string: \"{value}\"\n"
            ),
            _ => String::new(),
        };
        format!("{}: {self}\n{causes}", self.class())
    }

    /// What to write instead of an option of old tools.
    pub fn hint(&self, bootstrap: &str) -> Option<String> {
        match self {
            Self::Unrecognized(name) if name == "zookeeper" => Some(format!(
                "Kafka 4 has no ZooKeeper any more (KIP-500): write --bootstrap-server {bootstrap} instead"
            )),
            Self::Unrecognized(name) if name == "broker-list" => Some(format!(
                "this option is gone since Kafka 4.0: write --bootstrap-server {bootstrap} instead"
            )),
            _ => None,
        }
    }

    /// The same as output of a tool: `text`, with a hint if there is one. An option that is not here yet is all that is
    /// said.
    pub fn printed(&self, bootstrap: &str, text: impl Into<String>) -> Printed {
        match self {
            Self::NotYet(_) => Printed::error(self.to_string()),
            _ => match self.hint(bootstrap) {
                Some(hint) => Printed::error(text).hint(&hint),
                None => Printed::error(text),
            },
        }
    }
}

/// Options that were given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    given: BTreeMap<&'static str, Vec<Option<String>>>,
}

impl Options {
    /// Reads arguments.
    pub fn parse(specs: &[Spec], arguments: &[String]) -> Result<Options, OptionError> {
        let mut options = Options::default();
        let mut rest = arguments.iter().peekable();
        while let Some(word) = rest.next() {
            if word == "--" {
                break;
            }
            let Some(name) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else { continue };
            if name.is_empty() {
                continue;
            }
            let (name, inline) = match name.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (name, None),
            };
            let Some(spec) = specs.iter().find(|spec| spec.name == name) else {
                return Err(OptionError::Unrecognized(name.to_owned()));
            };
            let value = match (spec.argument, inline) {
                (Argument::None, _) => None,
                (_, Some(value)) => Some(value),
                (Argument::Required(_), None) => match rest.next() {
                    Some(value) => Some(value.clone()),
                    None => return Err(OptionError::MissingArgument(name.to_owned())),
                },
                (Argument::Optional(_), None) => rest.next_if(|next| !next.starts_with('-')).cloned(),
            };
            if spec.about.is_empty() {
                return Err(OptionError::NotYet(name.to_owned()));
            }
            options.given.entry(spec.name).or_default().push(value);
        }
        Ok(options)
    }

    /// Whether an option was given.
    pub fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// The value of an option, if it was given one.
    pub fn value(&self, name: &str) -> Result<Option<&str>, OptionError> {
        match self.given.get(name).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([value]) => Ok(value.as_deref()),
            Some(_) => Err(OptionError::Multiple(name.to_owned())),
        }
    }

    /// All values of an option.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.given.get(name).into_iter().flatten().filter_map(Option::as_deref)
    }

    /// The value of an option as a number.
    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, OptionError> {
        match self.value(name)? {
            None => Ok(None),
            Some(value) => parse_number(value)
                .map(Some)
                .ok_or_else(|| OptionError::Conversion { name: name.to_owned(), value: value.to_owned() }),
        }
    }
}

/// The overview of a tool's options.
pub fn usage(specs: &[Spec]) -> String {
    let left = |spec: &Spec| match spec.argument {
        Argument::None => format!("--{}", spec.name),
        Argument::Required(what) => format!("--{} <{what}>", spec.name),
        Argument::Optional(what) => format!("--{} [{what}]", spec.name),
    };
    let width = specs.iter().map(|spec| left(spec).len()).max().unwrap_or(0).max("Option".len());
    let mut text = format!("{:width$}  Description\n{:width$}  -----------\n", "Option", "------");
    for spec in specs {
        let about = if spec.about.is_empty() { "(Kafka has it; not here yet)" } else { spec.about };
        text.push_str(&format!("{:width$}  {about}\n", left(spec)));
    }
    text.pop();
    text
}

/// A complaint with the overview behind it (CommandLineUtils.printUsageAndExit).
pub fn usage_error(specs: &[Spec], message: &str) -> Printed {
    Printed::error(format!("{message}\n{}", usage(specs)))
}

/// What every tool does first: `--help` and `--version`.
pub fn help_or_version(specs: &[Spec], options: &Options, about: &str) -> Option<Printed> {
    if options.has("help") {
        return Some(usage_error(specs, about));
    }
    options.has("version").then(|| Printed::output(format!("{KAFKA_VERSION}\n")))
}

/// The complaint about an option that is missing (CommandLineUtils.checkRequiredArgs).
pub fn missing(specs: &[Spec], options: &Options, required: &[&str]) -> Option<Printed> {
    let name = required.iter().find(|name| !options.has(name))?;
    Some(usage_error(specs, &format!("Missing required argument \"[{name}]\"")))
}

/// The complaint about two options that do not go together (CommandLineUtils.checkInvalidArgs).
pub fn conflict(specs: &[Spec], options: &Options, used: &str, forbidden: &[&str]) -> Option<Printed> {
    if !options.has(used) {
        return None;
    }
    let other = forbidden.iter().find(|name| options.has(name))?;
    Some(usage_error(specs, &format!("Option \"[{used}]\" can't be used with option \"[{other}]\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECS: &[Spec] = &[
        value("topic", "topic", "a topic"),
        value("time", "time", "a time"),
        flag("list", "list"),
        optional("codec", "codec", "a codec"),
        not_yet("later", Argument::Required("x")),
    ];

    #[test]
    fn options_are_read_as_joptsimple_reads_them() {
        for (line, want) in [
            ("--topic a", "topic=a"),
            ("--topic=a=b", "topic=a=b"),
            ("--topic=", "topic="),
            ("-topic a", "topic=a"),
            ("--time -1 --list", "list time=-1"),
            ("--codec --list", "codec list"),
            ("--codec gzip x --list", "codec=gzip list"),
            ("--codec=lz4 -- --nonsense", "codec=lz4"),
            ("--topic", "Option topic requires an argument"),
            ("--top a", "top is not a recognized option"),
            ("--later x", "blumfeld: --later is an option of Kafka's tool that is not here yet"),
            ("--topic a --topic b", "Found multiple arguments for option topic, but you asked for only one"),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let show = |options: Options| {
                let mut shown = Vec::new();
                for spec in SPECS.iter().filter(|spec| options.has(spec.name)) {
                    let value = options.value(spec.name)?;
                    shown.push(value.map_or_else(|| spec.name.to_owned(), |v| format!("{}={v}", spec.name)));
                }
                shown.sort();
                Ok(shown.join(" "))
            };
            let got = Options::parse(SPECS, &words).and_then(show).unwrap_or_else(|error| error.to_string());
            assert_eq!(got, want, "{line}");
        }
    }
}
