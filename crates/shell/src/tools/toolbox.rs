//! What tools are made of. It knows no tool.

use std::sync::Arc;

use blumfeld_client::{ClientConfig, parse_bootstrap};
use blumfeld_kernel::Process;

use super::client_settings::configure;
use crate::io::Printed;
use crate::options::Spec;
use crate::{Environment, Language, ShellError, StdinSource};

/// A tool by its name.
pub struct Tool {
    /// `kafka-topics.sh`
    pub name: &'static str,
    /// Its options, for completion.
    pub specs: &'static [Spec],
    /// Whether it reads its standard input.
    pub reads: bool,
    /// What `help` says of it, if that is more than its options.
    pub explain: Option<fn(Language, &dyn Environment) -> String>,
    /// Reads the arguments.
    pub start: fn(&[String], &dyn Environment, &StdinSource) -> Launch,
}

impl Tool {
    /// A tool of Kafka's that does not read its standard input.
    pub const fn new(
        name: &'static str,
        specs: &'static [Spec],
        start: fn(&[String], &dyn Environment, &StdinSource) -> Launch,
    ) -> Tool {
        Tool { name, specs, reads: false, explain: None, start }
    }

    /// Whether a command means this tool: it may carry a path (`bin/`) or lack its `.sh`.
    pub fn is_called(&self, command: &str) -> bool {
        is_called(self.name, command)
    }
}

/// Whether a command means the tool of this name.
pub fn is_called(tool: &str, command: &str) -> bool {
    let command = command.rsplit('/').next().unwrap_or(command);
    tool == command || tool.strip_suffix(".sh") == Some(command)
}

/// What a tool is about to do: run, or only write.
pub enum Launch {
    /// Run.
    Run(Box<dyn Process>),
    /// Run, with this as the standard input whatever the line says.
    Reading(
        /// The process.
        Box<dyn Process>,
        /// Where it reads from.
        StdinSource,
    ),
    /// Write and end.
    Print(Printed),
    /// The line itself is wrong.
    Refuse(ShellError),
}

impl From<Printed> for Launch {
    fn from(printed: Printed) -> Launch {
        Launch::Print(printed)
    }
}

/// The client settings of a tool, with those of its `--command-config`; or why its bootstrap servers cannot be used.
pub fn client(
    bootstrap: &str,
    client_id: &str,
    env: &dyn Environment,
) -> Result<ClientConfig, blumfeld_client::ConfigError> {
    let mut config = ClientConfig::new(parse_bootstrap(bootstrap)?, client_id);
    configure(env, &mut config);
    Ok(config)
}

/// Where hints tell people to connect to.
pub fn bootstrap_hint(env: &dyn Environment) -> Arc<str> {
    env.bootstrap().to_string().into()
}

/// What a command says that acts on the world around the cluster: alone, or with a language, how it is written. With
/// more it would have to `act`, which no tool can.
pub fn explained(
    arguments: &[String],
    env: &dyn Environment,
    act: &str,
    explain: fn(Language, &dyn Environment) -> String,
) -> Launch {
    let mut language = env.language();
    for argument in arguments {
        match Language::named(argument) {
            Some(named) => language = named,
            None => {
                let text = format!("blumfeld: there is no world around this console to {act}");
                return Printed::error(text).into();
            }
        }
    }
    Printed::output(explain(language, env)).into()
}
