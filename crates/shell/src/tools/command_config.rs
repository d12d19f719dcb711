//! `--command-config FILE` of the tools that ask the admin client: a dropped file with settings of that client, read
//! before anything is asked (Utils.loadProps, org.apache.kafka.clients.admin.AdminClientConfig).
//!
//! A tool is prepared twice: without the settings, which tells whether its line is right, and with them.

use blumfeld_client::ClientConfig;
use blumfeld_kernel::{Context, Endpoint, Input, Instant, Node, Process};
use bytes::BytesMut;

use super::admin::thrown;
use super::client_settings::{Wrong, apply};
use super::properties::Properties;
use super::toolbox::{Launch, Tool};
use crate::io::{INTERRUPTED, Printed};
use crate::java::load_properties;
use crate::{Environment, Language, StdinSource};

/// The option, without dashes.
const OPTION: &str = "command-config";
/// The file that stands for the standard input.
const STDIN: &str = "/dev/stdin";
/// More than any file of settings needs, in bytes.
const MAX_FILE: usize = 1024 * 1024;

/// Prepares a tool, with the settings that its line names.
pub fn launch(
    tool: &'static Tool,
    arguments: &[String],
    env: &dyn Environment,
    stdin: &StdinSource,
) -> Launch {
    let prepared = (tool.start)(arguments, env, stdin);
    let knows = tool.specs.iter().any(|spec| spec.name == OPTION && !spec.about.is_empty());
    let Some(file) = file(arguments).filter(|_| knows) else { return prepared };
    match prepared {
        Launch::Run(_) => {}
        // The world streams one file to a process.
        Launch::Reading(..) => {
            let text =
                format!("blumfeld: a line reads one dropped file here, so --{OPTION} cannot be a second one");
            return Printed::error(text).into();
        }
        wrong @ (Launch::Print(_) | Launch::Refuse(_)) => return wrong,
    }
    let name = match stdin {
        StdinSource::File(name) if file == STDIN => name.clone(),
        _ if env.dropped_files().iter().any(|name| name == file) => file.to_owned(),
        _ => return thrown("java.nio.file.NoSuchFileException", file, "").into(),
    };
    let env = Known {
        bootstrap: env.bootstrap(),
        topics: env.topics(),
        files: env.dropped_files(),
        language: env.language(),
        settings: Properties::new(),
    };
    let waiting = Waiting { tool, arguments: arguments.to_vec(), env, bytes: BytesMut::new(), running: None };
    Launch::Reading(Box::new(waiting), StdinSource::File(name))
}

/// The file that arguments name last. Tools with sub-commands take shortened options; the others have refused them.
fn file(arguments: &[String]) -> Option<&str> {
    let mut found = None;
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let Some(option) = word.strip_prefix("--") else { continue };
        let (name, value) =
            option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
        if !name.is_empty() && OPTION.starts_with(name) {
            found = value.or_else(|| words.next()).or(found);
        }
    }
    found
}

/// What a line could refer to when it was given.
#[derive(Clone, Debug)]
struct Known {
    bootstrap: Endpoint,
    topics: Vec<String>,
    files: Vec<String>,
    language: Language,
    settings: Properties,
}

impl Environment for Known {
    fn bootstrap(&self) -> Endpoint {
        self.bootstrap.clone()
    }

    fn topics(&self) -> Vec<String> {
        self.topics.clone()
    }

    fn dropped_files(&self) -> Vec<String> {
        self.files.clone()
    }

    fn language(&self) -> Language {
        self.language
    }

    fn settings(&self) -> Option<&Properties> {
        Some(&self.settings)
    }
}

/// A tool while it reads its settings, and then.
struct Waiting {
    tool: &'static Tool,
    arguments: Vec<String>,
    env: Known,
    bytes: BytesMut,
    running: Option<Box<dyn Process>>,
}

impl Clone for Waiting {
    fn clone(&self) -> Waiting {
        Waiting {
            tool: self.tool,
            arguments: self.arguments.clone(),
            env: self.env.clone(),
            bytes: self.bytes.clone(),
            running: self.running.as_ref().map(|running| running.boxed_clone()),
        }
    }
}

impl Waiting {
    fn begin(&mut self, cx: &mut Context<'_>) {
        self.env.settings = load_properties(&String::from_utf8_lossy(&self.bytes));
        let wrong = match apply(&self.env.settings, &mut ClientConfig::new(Vec::new(), "")) {
            Ok(()) => None,
            Err(Wrong::Kafka(text)) => {
                Some(thrown("org.apache.kafka.common.config.ConfigException", &text, ""))
            }
            Err(Wrong::NotYet(text)) => Some(Printed::error(format!("blumfeld: {text}"))),
        };
        if let Some(printed) = wrong {
            return printed.write(cx);
        }
        match (self.tool.start)(&self.arguments, &self.env, &StdinSource::Empty) {
            Launch::Run(mut process) | Launch::Reading(mut process, _) => {
                process.handle(cx, Input::Started);
                self.running = Some(process);
            }
            Launch::Print(printed) => printed.write(cx),
            Launch::Refuse(error) => Printed::error(format!("blumfeld: {error}")).write(cx),
        }
    }
}

impl Node for Waiting {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        if let Some(running) = &mut self.running {
            return running.handle(cx, input);
        }
        match input {
            Input::Started => cx.out.read_stdin(),
            Input::Stdin { bytes } if self.bytes.len() + bytes.len() <= MAX_FILE => {
                self.bytes.extend_from_slice(&bytes);
                cx.out.read_stdin();
            }
            Input::Stdin { .. } => {
                let text = format!("blumfeld: a file of settings has {MAX_FILE} bytes at most");
                Printed::error(text).write(cx);
            }
            Input::StdinClosed => self.begin(cx),
            Input::Interrupt => cx.out.exit(INTERRUPTED),
            _ => {}
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.running.as_ref().and_then(|running| running.next_timeout())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_file_last() {
        for (line, want) in [
            ("--list", None),
            ("--command-config a", Some("a")),
            ("--command-config=a --list", Some("a")),
            ("--command-config a --command-config=b", Some("b")),
            ("--list --command-config", None),
            ("--command-configs a", None),
            ("--config a --add-config b=c", None),
            ("--command-c a", Some("a")),
            ("--command=a --list", Some("a")),
            ("-- a", None),
            ("command-config a", None),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(file(&words), want, "{line}");
        }
    }
}
