//! How `kafka-consumer-groups.sh` fails: most of its complaints stand on the standard output, and it ends with 0.

use blumfeld_client::ApiError;
use blumfeld_kernel::Context;

use super::super::admin::Step;
use super::options::SPECS;
use crate::io::Printed;
use crate::options::{OptionError, usage_error};

/// Why the tool ends early.
#[derive(Clone, Debug)]
pub enum Failure {
    /// Something is wrong with the command: the overview of options is shown behind it.
    Usage(
        /// What is wrong, in Kafka's words.
        String,
    ),
    /// Something was thrown.
    Thrown {
        /// Its message.
        message: String,
        /// What its stack trace shows besides frames, with line ends.
        trace: String,
    },
}

impl Failure {
    /// Something that was thrown without a cause.
    pub fn thrown(class: &str, message: &str) -> Failure {
        Failure::Thrown { message: message.to_owned(), trace: format!("{class}: {message}\n") }
    }

    /// A broker's error as itself.
    pub fn plain(error: &ApiError) -> Failure {
        Failure::thrown(&class(error), &error.to_string())
    }

    /// A broker's error as a future throws it.
    pub fn execution(error: &ApiError) -> Failure {
        Failure::execution_of(&[cause(error)])
    }

    /// What a future throws, by its causes, the outermost first.
    pub fn execution_of(causes: &[String]) -> Failure {
        let message = causes.first().cloned().unwrap_or_default();
        let mut trace = format!("java.util.concurrent.ExecutionException: {message}\n");
        for cause in causes {
            trace.push_str(&format!("Caused by: {cause}\n"));
        }
        Failure::Thrown { message, trace }
    }

    /// A broker's error as a future throws it, inside a RuntimeException.
    pub fn runtime(error: &ApiError) -> Failure {
        Failure::runtime_of(&[cause(error)])
    }

    /// The same of causes.
    pub fn runtime_of(causes: &[String]) -> Failure {
        let first = causes.first().map_or("", String::as_str);
        let message = format!("java.util.concurrent.ExecutionException: {first}");
        let mut trace = format!("java.lang.RuntimeException: {message}\nCaused by: {message}\n");
        for cause in causes {
            trace.push_str(&format!("Caused by: {cause}\n"));
        }
        Failure::Thrown { message, trace }
    }

    /// Something inside a RuntimeException. `cause` is its class and message.
    pub fn caused(cause: &str) -> Failure {
        let trace = format!("java.lang.RuntimeException: {cause}\nCaused by: {cause}\n");
        Failure::Thrown { message: cause.to_owned(), trace }
    }

    /// As the tool's output.
    pub fn printed(&self) -> Printed {
        match self {
            Failure::Usage(text) => usage_error(SPECS, text),
            Failure::Thrown { message, trace } => Printed {
                out: format!("\nError: Executing consumer group command failed due to {message}\n"),
                err: trace.clone(),
                code: 0,
            },
        }
    }

    /// Writes it and ends.
    pub fn end(&self, cx: &mut Context<'_>) -> Step {
        let printed = self.printed();
        if !printed.out.is_empty() {
            cx.out.stdout(printed.out);
        }
        cx.out.stderr(printed.err);
        Step::Exit(printed.code)
    }
}

impl From<OptionError> for Failure {
    fn from(error: OptionError) -> Failure {
        Failure::Thrown { message: error.to_string(), trace: error.trace() }
    }
}

/// The class of a broker's error.
fn class(error: &ApiError) -> String {
    format!("org.apache.kafka.common.errors.{}", error.exception())
}

/// Class and message of a broker's error, as `Throwable.toString` gives them.
pub fn cause(error: &ApiError) -> String {
    format!("{}: {error}", class(error))
}
