//! The command line of the page's console: Kafka's own tools, run over the simulated cluster.
//!
//! [`start`] reads one line, finds the tool and gives a [`Process`] for the world to run. Output, errors and exit codes
//! are those of Apache Kafka 4.3's tools; what we add to them stands on the standard error behind `blumfeld: `.

mod argparse;
mod clients;
mod complete;
mod io;
mod java;
mod json;
mod line;
mod options;
mod tools;

use std::collections::BTreeMap;

use bytes::Bytes;

use blumfeld_kernel::{Endpoint, Process};

pub use clients::{Client, Working, client, send_latencies};
pub use complete::{Completions, complete};
pub use line::{Input, Line, ShellError, parse};
pub use tools::console_producer::{ConfigProblem, producer_config};
pub use tools::fault::{Explained, FAULTS};
pub use tools::workload::{Background, Latencies, WorkloadKind, background, background_client};

/// The language of what the shell itself says. Kafka's words stay Kafka's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Korean.
    Korean,
}

impl Language {
    /// The language that a word names: `en`, `english`, `ko`, `korean`, `한국어`.
    pub fn named(word: &str) -> Option<Language> {
        match word {
            "en" | "english" => Some(Language::English),
            "ko" | "korean" | "한국어" => Some(Language::Korean),
            _ => None,
        }
    }
}

/// What a line can refer to.
pub trait Environment {
    /// Where the cluster listens: what hints and completion write after `--bootstrap-server`.
    fn bootstrap(&self) -> Endpoint;
    /// Names of the topics.
    fn topics(&self) -> Vec<String>;
    /// Names of the files that were dropped on the page; none where there is no page.
    fn dropped_files(&self) -> Vec<String> {
        Vec::new()
    }
    /// Files of the brokers' disks whose path begins with `prefix`: `orders-0/00000000000000000000.log`; none where
    /// lines see no disk.
    fn disk_files(&self, _prefix: &str) -> Vec<String> {
        Vec::new()
    }
    /// A file of the brokers' disks. Dropped files are not read here but streamed, as [`StdinSource::File`].
    fn read_disk_file(&self, _path: &str) -> Option<Bytes> {
        None
    }
    /// What the line's file of client settings says, once it is read.
    fn settings(&self) -> Option<&BTreeMap<String, String>> {
        None
    }
    /// The language of the page; English where there is none.
    fn language(&self) -> Language {
        Language::English
    }
    /// Ids of the groups, for completion; none where nobody sees them.
    fn groups(&self) -> Vec<String> {
        Vec::new()
    }
    /// Names of the clients in the background, for completion; none where nobody keeps any.
    fn background_clients(&self) -> Vec<String> {
        Vec::new()
    }
    /// Ids of the brokers that `fault` can name; none where there is no world to break.
    fn nodes(&self) -> Vec<i32> {
        Vec::new()
    }
}

/// Where a process reads its standard input from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StdinSource {
    /// The person at the console: one line a reading.
    Terminal,
    /// A dropped file, by name.
    File(
        /// Its name.
        String,
    ),
    /// A text of the line itself, and then its end.
    Text(
        /// The text, with its line end.
        String,
    ),
    /// Nothing: it has ended already.
    Empty,
}

/// A process that is ready to run.
pub struct Started {
    /// The process.
    pub process: Box<dyn Process>,
    /// Where it reads from.
    pub stdin: StdinSource,
}

/// What a command that acts on the world around the cluster says of itself, alone or with a language; nothing for other
/// lines. It is what its tool writes, for a door that runs no tools.
pub fn explanation(line: &Line, env: &dyn Environment) -> Option<String> {
    let explain = match line.command.as_str() {
        "fault" => tools::fault::explain,
        "broker" => tools::broker::explain,
        "odds" => tools::odds::explain,
        "timeline" => tools::timeline::explain,
        "until" => tools::until::explain,
        "why" => tools::why::explain,
        _ => return None,
    };
    let mut language = env.language();
    for argument in &line.arguments {
        language = Language::named(argument)?;
    }
    Some(explain(language, env))
}

/// What `help` says, and `workload` where it only explains itself; nothing of other lines. Neither needs a cluster or
/// time.
pub fn help(line: &str, env: &dyn Environment) -> Option<String> {
    let mut words = line.split_whitespace();
    if !["help", "workload"].contains(&words.next()?) || words.any(|word| Language::named(word).is_none()) {
        return None;
    }
    let started = start(line, env).ok()?;
    let printed = started.process.as_any().downcast_ref::<io::Printed>()?;
    (printed.code == 0 && printed.err.is_empty()).then(|| printed.out.clone())
}

/// Reads a line and prepares its process. An error here is of the line itself; a tool's own complaints are its output.
pub fn start(line: &str, env: &dyn Environment) -> Result<Started, ShellError> {
    let line = parse(line)?;
    if let Some(Input::File(file)) = &line.stdin
        && !env.dropped_files().contains(file)
    {
        return Err(ShellError::NoSuchFile(file.clone()));
    }
    tools::registry::start(&line, env)
}
