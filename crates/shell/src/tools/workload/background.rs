//! Clients in the background: `workload start`, `list`, `log` and `stop`. Who has the world keeps them, as it does what
//! `fault` does; here their lines are read.

use blumfeld_kernel::Process;

use super::{consume, produce, transform};
use crate::{Environment, Line};

/// What a line asks of the clients in the background.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Background {
    /// Begin one.
    Start {
        /// What it does.
        kind: WorkloadKind,
        /// `--name`, if it was given.
        name: Option<String>,
        /// The other words.
        words: Vec<String>,
    },
    /// Say which there are.
    List,
    /// Say what one wrote last.
    Log(
        /// Its name.
        String,
    ),
    /// End one, as Ctrl-C does.
    Stop(
        /// Its name.
        String,
    ),
    /// End all of them.
    StopAll,
}

/// What a client in the background does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorkloadKind {
    /// `workload produce`
    Produce,
    /// `workload consume`
    Consume,
    /// `workload transform`
    Transform,
}

impl WorkloadKind {
    /// What its name begins with if none was given: `producer-1`.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Produce => "producer",
            Self::Consume => "consumer",
            Self::Transform => "transformer",
        }
    }

    /// Its command.
    pub const fn command(self) -> &'static str {
        match self {
            Self::Produce => "produce",
            Self::Consume => "consume",
            Self::Transform => "transform",
        }
    }
}

/// The commands.
pub const COMMANDS: &[&str] = &["list", "log", "start", "stop"];

/// A name has this many characters at most.
const LONGEST_NAME: usize = 100;

/// Reads a line that asks something of the clients in the background; nothing if it does not, or only asks for help.
pub fn background(line: &Line) -> Option<Result<Background, String>> {
    if line.command != "workload" {
        return None;
    }
    let (command, rest) = line.arguments.split_first()?;
    if !COMMANDS.contains(&command.as_str()) || rest.iter().any(|word| super::asks_help(word)) {
        return None;
    }
    Some(match command.as_str() {
        "start" => start(rest),
        "list" => alone(rest, "list").map(|()| Background::List),
        "log" => one(rest, "log NAME").map(|name| Background::Log(name.to_owned())),
        _ => one(rest, "stop NAME, or stop all").map(|name| match name {
            "all" => Background::StopAll,
            name => Background::Stop(name.to_owned()),
        }),
    })
}

fn alone(words: &[String], command: &str) -> Result<(), String> {
    words.first().map_or(Ok(()), |word| Err(format!("workload {command} takes nothing more, not {word}")))
}

fn one<'a>(words: &'a [String], usage: &str) -> Result<&'a str, String> {
    match words {
        [name] if !name.starts_with("--") => Ok(name),
        _ => Err(format!("it is written workload {usage}")),
    }
}

fn start(words: &[String]) -> Result<Background, String> {
    let kind = match words.first().map(String::as_str) {
        Some("produce") => WorkloadKind::Produce,
        Some("consume") => WorkloadKind::Consume,
        Some("transform") => WorkloadKind::Transform,
        Some(word) => {
            return Err(format!("workload start knows produce, consume and transform, not {word}"));
        }
        None => {
            return Err(
                "it is written workload start produce …, start consume …, or start transform …".to_owned()
            );
        }
    };
    let (mut name, mut rest) = (None, Vec::new());
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        let given = match word.strip_prefix("--name=") {
            Some(given) => Some(given.to_owned()),
            None if word == "--name" => Some(words.next().cloned().ok_or("--name needs a value")?),
            None => None,
        };
        match given {
            None => rest.push(word.clone()),
            Some(_) if name.is_some() => return Err("--name stands there twice".to_owned()),
            Some(given) => name = Some(fit(given)?),
        }
    }
    Ok(Background::Start { kind, name, words: rest })
}

/// A name that can be typed again, and is no word of ours.
fn fit(name: String) -> Result<String, String> {
    let plain = |c: char| c.is_alphanumeric() || "._-".contains(c);
    let fits = !name.is_empty()
        && name.chars().count() <= LONGEST_NAME
        && name.chars().all(plain)
        && !name.starts_with('-')
        && name != "all";
    if fits {
        return Ok(name);
    }
    Err(format!(
        "--name is 1 to {LONGEST_NAME} letters, digits, dots, underscores or dashes, and not all; not {name}"
    ))
}

/// The process of a client in the background. Its `client.id` is its name.
pub fn background_client(
    kind: WorkloadKind,
    name: &str,
    words: &[String],
    env: &dyn Environment,
) -> Result<Box<dyn Process>, String> {
    let mut all = words.to_vec();
    all.extend(["--name".to_owned(), name.to_owned()]);
    let prepared = match kind {
        WorkloadKind::Produce => produce::prepare(&all, env),
        WorkloadKind::Consume => consume::prepare(&all, env),
        WorkloadKind::Transform => transform::prepare(&all, env),
    };
    prepared.map_err(|text| text.strip_prefix("blumfeld: ").map_or(text.clone(), ToOwned::to_owned))
}
