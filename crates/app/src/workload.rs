//! What can be said when a client is added: the options of `workload start`, and the line that they make. Nothing here
//! touches the browser.

use std::collections::BTreeMap;

/// What is added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `workload start produce`
    Producer,
    /// `workload start consume`
    Consumer,
}

/// How an option is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// One of the topics.
    Topic,
    /// A number within bounds.
    Number(
        /// At least.
        u64,
        /// At most.
        u64,
    ),
    /// One of some words.
    Choice(
        /// The words.
        &'static [&'static str],
    ),
    /// Anything, but not nothing.
    Text,
    /// A client's name, or nothing: then it is left out.
    Name,
    /// There or not.
    Flag,
}

/// An option of the form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name on the command line, without `--`.
    pub option: &'static str,
    /// How it is said.
    pub entry: Entry,
    /// What the form begins with.
    pub begin: &'static str,
    /// What the tool takes if it is left out; the line says nothing else then. Empty: the line always says it.
    pub tool: &'static str,
}

const fn field(option: &'static str, entry: Entry, begin: &'static str, tool: &'static str) -> Field {
    Field { option, entry, begin, tool }
}

/// What a flag is when it is there.
pub const ON: &str = "on";

/// Options of a producer. Ranges and defaults are those of `workload produce`.
const PRODUCER: &[Field] = &[
    field("topic", Entry::Topic, "", ""),
    field("rate", Entry::Number(1, 1_000_000), "10", ""),
    field("record-size", Entry::Number(1, 10_000_000), "100", "100"),
    field("keys", Entry::Number(0, 100_000), "0", "0"),
    field("distribution", Entry::Choice(&["uniform", "zipf"]), "uniform", "uniform"),
    field("acks", Entry::Choice(&["all", "1", "0"]), "all", "all"),
    field("partitioner", Entry::Choice(&["default", "round-robin", "uniform-sticky"]), "default", "default"),
    field("linger-ms", Entry::Number(0, 1_000_000_000), "5", "5"),
    field("batch-size", Entry::Number(0, 2_147_483_647), "16384", "16384"),
    field("name", Entry::Name, "", ""),
];

/// Options of a consumer. Ranges are those of `workload consume`; it begins at the log start, so that there is
/// something to see, and takes some time for a record.
const CONSUMER: &[Field] = &[
    field("topic", Entry::Topic, "", ""),
    field("group", Entry::Text, "billing", ""),
    field("processing-ms", Entry::Number(0, 1_000_000_000), "50", "0"),
    field(
        "assignor",
        Entry::Choice(&["range", "roundrobin", "sticky", "cooperative-sticky"]),
        "range",
        "range",
    ),
    field("from-beginning", Entry::Flag, ON, ""),
    field("name", Entry::Name, "", ""),
];

/// What was entered, by option.
pub type Values = BTreeMap<&'static str, String>;

impl Kind {
    /// Its options, in the order of the form.
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Producer => PRODUCER,
            Self::Consumer => CONSUMER,
        }
    }

    /// What the form begins with.
    pub fn begin(self, topic: &str) -> Values {
        let begin = |field: &Field| (field.option, field.begin.to_owned());
        let mut values: Values = self.fields().iter().map(begin).collect();
        values.insert("topic", topic.to_owned());
        values
    }

    /// The line that adds the client.
    pub fn line(self, values: &Values) -> String {
        let mut line = match self {
            Self::Producer => "workload start produce",
            Self::Consumer => "workload start consume",
        }
        .to_owned();
        for field in self.fields().iter().filter(|field| counts(field, values)) {
            let value = value(field, values);
            match field.entry {
                _ if value.is_empty() || value == field.tool => {}
                Entry::Flag => line += &format!(" --{}", field.option),
                _ => line += &format!(" --{} {}", field.option, quoted(value)),
            }
        }
        line
    }

    /// The first option that cannot stay as it is.
    pub fn wrong(self, values: &Values) -> Option<&'static Field> {
        self.fields().iter().find(|field| counts(field, values) && !fits(field, value(field, values)))
    }
}

fn value<'a>(field: &Field, values: &'a Values) -> &'a str {
    values.get(field.option).map_or("", |value| value.trim())
}

/// Whether an option counts beside the others: a distribution is one of keys.
pub fn counts(field: &Field, values: &Values) -> bool {
    let keyless = values.get("keys").is_none_or(|keys| ["", "0"].contains(&keys.trim()));
    field.option != "distribution" || !keyless
}

/// Characters of the longest name of a client.
pub const LONGEST_NAME: usize = 100;

/// Whether `workload start` takes a word as a client's name.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "._-".contains(c);
    let length = name.chars().count();
    length <= LONGEST_NAME && name.chars().all(plain) && !name.starts_with('-') && name != "all"
}

/// Whether a value can be an option's.
fn fits(field: &Field, value: &str) -> bool {
    match field.entry {
        Entry::Topic | Entry::Text => !value.is_empty(),
        Entry::Number(from, to) => value.parse().is_ok_and(|number| (from..=to).contains(&number)),
        Entry::Choice(words) => words.contains(&value),
        Entry::Name => value.is_empty() || is_name(value),
        Entry::Flag => true,
    }
}

/// A word as it must be typed: in quotes if the line would not keep it whole.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "._-:,/=@%+".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_differs_from_the_tools_defaults() {
        use Kind::{Consumer, Producer};
        for (kind, changes, want) in [
            (Producer, &[][..], "workload start produce --topic orders --rate 10"),
            (
                Producer,
                &[("rate", "20"), ("keys", "5"), ("distribution", "zipf"), ("acks", "1")],
                "workload start produce --topic orders --rate 20 --keys 5 --distribution zipf --acks 1",
            ),
            (Producer, &[("distribution", "zipf")], "workload start produce --topic orders --rate 10"),
            (
                Producer,
                &[
                    ("linger-ms", "0"),
                    ("batch-size", "1"),
                    ("partitioner", "round-robin"),
                    ("name", " till "),
                ],
                "workload start produce --topic orders --rate 10 --partitioner round-robin --linger-ms 0 --batch-size 1 --name till",
            ),
            (
                Consumer,
                &[],
                "workload start consume --topic orders --group billing --processing-ms 50 --from-beginning",
            ),
            (
                Consumer,
                &[
                    ("group", "it's ours"),
                    ("processing-ms", "0"),
                    ("from-beginning", ""),
                    ("assignor", "sticky"),
                ],
                "workload start consume --topic orders --group 'it'\\''s ours' --assignor sticky",
            ),
        ] {
            let mut values = kind.begin("orders");
            values.extend(changes.iter().map(|(option, value)| (*option, (*value).to_owned())));
            assert_eq!(kind.line(&values), want);
            assert_eq!(kind.wrong(&values), None, "{want}");
        }
    }

    #[test]
    fn what_cannot_be_started_is_known_before() {
        use Kind::{Consumer, Producer};
        for (kind, option, value) in [
            (Producer, "topic", ""),
            (Producer, "rate", "0"),
            (Producer, "rate", "fast"),
            (Producer, "rate", ""),
            (Producer, "keys", "100001"),
            (Producer, "acks", "2"),
            (Consumer, "group", " "),
            (Producer, "name", "all"),
            (Producer, "name", "till 2"),
            (Consumer, "name", "-x"),
            (Consumer, "name", &"x".repeat(101)),
            (Consumer, "processing-ms", "-1"),
        ] {
            let mut values = kind.begin("orders");
            values.insert(option, value.to_owned());
            assert_eq!(kind.wrong(&values).map(|field| field.option), Some(option), "{value}");
        }
    }
}
