//! Command lines with sub-commands, as those of Kafka's tools that use argparse4j: options may be shortened, and what
//! is wrong is said behind an overview of our own words.

use std::collections::BTreeMap;

use crate::io::Printed;
use crate::options::{Argument, Spec, usage};

/// A command or sub-command.
pub struct Command {
    /// Its name; of the program itself, without `.sh`.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Its options.
    pub specs: &'static [Spec],
    /// Short names of options.
    pub short: &'static [(&'static str, &'static str)],
    /// Options of which exactly one must be there.
    pub one_of: &'static [&'static str],
    /// Options that take several words (`nargs("+")`).
    pub several: &'static [&'static str],
    /// Options that must be there.
    pub required: &'static [&'static str],
    /// Its sub-commands, of which one must be there.
    pub commands: &'static [Command],
}

/// What was given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Parsed {
    /// The sub-command.
    pub command: &'static str,
    values: BTreeMap<&'static str, Vec<String>>,
}

impl Parsed {
    /// Whether an option was given.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// An option's value.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.last().map(String::as_str)
    }

    /// The words of an option that takes several.
    pub fn values(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }
}

impl Command {
    /// How messages name an option: with its short name, if it has one.
    fn title(&self, name: &str) -> String {
        match self.short.iter().find(|(_, long)| *long == name) {
            Some((short, _)) => format!("--{name}/-{short}"),
            None => format!("--{name}"),
        }
    }

    /// Reads arguments, or says what is wrong.
    pub fn parse(&'static self, arguments: &[String]) -> Result<Parsed, Printed> {
        let mut parsed = Parsed::default();
        self.parse_into(self.name, arguments, &mut parsed)?;
        Ok(parsed)
    }

    /// The complaint of a program's parser: its overview and a message.
    pub fn error(&self, program: &str, message: &str) -> Printed {
        Printed::error(format!("usage: {}\n{program}: error: {message}", self.usage()))
    }

    fn usage(&self) -> String {
        let mut text = format!("{}\n\n{}", self.name, usage(self.specs));
        for command in self.commands {
            text.push_str(&format!("\n{:20}  {}", command.name, command.about));
        }
        text
    }

    fn parse_into(
        &'static self,
        program: &str,
        arguments: &[String],
        parsed: &mut Parsed,
    ) -> Result<(), Printed> {
        let fail = |message: String| Err(self.error(program, &message));
        let mut rest = arguments.iter();
        let mut command = None;
        while let Some(word) = rest.next() {
            if !word.starts_with('-') {
                if self.commands.is_empty() {
                    return fail(format!("unrecognized arguments: '{word}'"));
                }
                let Some(found) = self.commands.iter().find(|command| command.name == word) else {
                    let names: Vec<String> =
                        self.commands.iter().map(|command| format!("'{}'", command.name)).collect();
                    return fail(format!("invalid choice: '{word}' (choose from {})", names.join(", ")));
                };
                command = Some(found);
                break;
            }
            let (given, inline) = match word.split_once('=') {
                Some((given, value)) => (given, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            if matches!(given, "-h" | "--help") {
                // argparse4j's tools end with 1 here too.
                let out = format!("usage: {}\n", self.usage());
                return Err(Printed { out, code: 1, ..Printed::default() });
            }
            let Some(spec) = self.spec(program, given)? else {
                return fail(format!("unrecognized arguments: '{given}'"));
            };
            let value = match (spec.argument, inline) {
                (Argument::None, None) => String::new(),
                (Argument::None, Some(value)) => {
                    return fail(format!(
                        "argument {}: ignored explicit argument '{value}'",
                        self.title(spec.name)
                    ));
                }
                (_, Some(value)) => value,
                (_, None) => match rest.next() {
                    Some(value) if is_value(value) => value.clone(),
                    _ => {
                        let title = self.title(spec.name);
                        let count = if self.several.contains(&spec.name) { "at least one" } else { "one" };
                        return fail(format!("argument {title}: expected {count} argument"));
                    }
                },
            };
            let mut values = vec![value];
            while self.several.contains(&spec.name)
                && let Some(more) = rest.as_slice().first().filter(|word| is_value(word))
            {
                values.push(more.clone());
                rest.next();
            }
            if spec.about.is_empty() {
                let text =
                    format!("blumfeld: --{} is an option of Kafka's tool that is not here yet", spec.name);
                return Err(Printed::error(text));
            }
            parsed.values.insert(spec.name, values);
        }
        if let Some(command) = command {
            parsed.command = command.name;
            command.parse_into(program, rest.as_slice(), parsed)?;
        } else if !self.commands.is_empty() {
            return fail("too few arguments".to_owned());
        }
        if let Some(missing) = self.required.iter().find(|name| !parsed.has(name)) {
            return fail(format!("argument {} is required", self.title(missing)));
        }
        let given: Vec<&str> = self.one_of.iter().copied().filter(|name| parsed.has(name)).collect();
        match given[..] {
            [] if !self.one_of.is_empty() => {
                let names: Vec<String> = self.one_of.iter().map(|name| self.title(name)).collect();
                fail(format!("one of the arguments {} is required", names.join(" ")))
            }
            [first, second, ..] => fail(format!(
                "argument {}: not allowed with argument {}",
                self.title(second),
                self.title(first)
            )),
            _ => Ok(()),
        }
    }

    /// The option of a word; a beginning that fits one option alone stands for it.
    fn spec(&self, program: &str, given: &str) -> Result<Option<&'static Spec>, Printed> {
        let find = |name: &str| self.specs.iter().find(|spec| spec.name == name);
        let Some(name) = given.strip_prefix("--") else {
            let long = self.short.iter().find(|(short, _)| given.strip_prefix('-') == Some(short));
            return Ok(long.and_then(|(_, long)| find(long)));
        };
        if let Some(spec) = find(name) {
            return Ok(Some(spec));
        }
        let fitting: Vec<&Spec> = self.specs.iter().filter(|spec| spec.name.starts_with(name)).collect();
        match fitting[..] {
            [] => Ok(None),
            [spec] => Ok(Some(spec)),
            _ => {
                let names: Vec<String> = fitting.iter().map(|spec| format!("--{}", spec.name)).collect();
                let message = format!("ambiguous option: {given} could match {}", names.join(", "));
                Err(self.error(program, &message))
            }
        }
    }
}

/// Whether a word is no option: a negative number is none.
fn is_value(word: &str) -> bool {
    let Some(number) = word.strip_prefix('-') else { return true };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match number.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction) && !fraction.is_empty(),
        None => digits(number) && !number.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{flag, not_yet, value};

    const TOOL: Command = Command {
        name: "tool",
        about: "",
        specs: &[value("server", "host:port", "where"), value("controller", "host:port", "where")],
        short: &[],
        one_of: &["server", "controller"],
        several: &[],
        required: &[],
        commands: &[
            Command {
                name: "show",
                about: "shows",
                specs: &[
                    flag("status", "a"),
                    flag("story", "b"),
                    not_yet("later", Argument::None),
                    value("props", "name=value", "c"),
                ],
                short: &[],
                one_of: &[],
                several: &["props"],
                required: &[],
                commands: &[],
            },
            Command {
                name: "drop",
                about: "drops",
                specs: &[value("id", "id", "which")],
                short: &[("i", "id")],
                one_of: &[],
                several: &[],
                required: &["id"],
                commands: &[],
            },
        ],
    };
    static STATIC: Command = TOOL;

    #[test]
    fn arguments_are_read_as_argparse4j_reads_them() {
        for (line, want) in [
            ("--server a show --status", "show server=a status="),
            ("--server=a show --stat", "show server=a status="),
            ("--server a drop -i 3", "drop id=3 server=a"),
            ("--server a drop --id=3", "drop id=3 server=a"),
            ("--server a drop --id -3", "drop id=-3 server=a"),
            ("--server a show --props a=1 b=2 --status", "show props=a=1+b=2 server=a status="),
            ("--server a show --props --status", "error: argument --props: expected at least one argument"),
            ("", "error: too few arguments"),
            ("--server a", "error: too few arguments"),
            ("show", "error: one of the arguments --server --controller is required"),
            (
                "--server a --controller b show",
                "error: argument --controller: not allowed with argument --server",
            ),
            ("--server a fly", "error: invalid choice: 'fly' (choose from 'show', 'drop')"),
            ("--server a show --st", "error: ambiguous option: --st could match --status, --story"),
            ("--server a show --fast", "error: unrecognized arguments: '--fast'"),
            ("--server a show more", "error: unrecognized arguments: 'more'"),
            ("--server", "error: argument --server: expected one argument"),
            ("--server a drop", "error: argument --id/-i is required"),
            ("--server a drop -i", "error: argument --id/-i: expected one argument"),
            ("--server a show --later", "--later is an option of Kafka's tool that is not here yet"),
        ] {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let got = match STATIC.parse(&words) {
                Ok(parsed) => {
                    let values: Vec<String> =
                        parsed.values.iter().map(|(name, all)| format!("{name}={}", all.join("+"))).collect();
                    format!("{} {}", parsed.command, values.join(" "))
                }
                Err(printed) => {
                    let last = printed.err.lines().last().unwrap_or_default();
                    last.split_once(": ").map_or(last, |(_, message)| message).to_owned()
                }
            };
            assert_eq!(got, want, "{line}");
        }
    }
}
