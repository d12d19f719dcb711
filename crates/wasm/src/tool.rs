//! Kafka's console tools for a script: each runs in the world with a standard input that is given whole, and has a
//! time by which it must have ended.

use blumfeld_kernel::{Endpoint, Instant};
use blumfeld_shell::{Environment, Started, StdinSource};
use blumfeld_sim::{Output, ProcessId, World};
use bytes::Bytes;

/// What a tool wrote, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolOutput {
    /// Its standard output. What is not UTF-8 is replaced.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// Its exit code; `None` if its time was over and it was killed.
    pub exit: Option<i32>,
}

/// A tool that runs.
pub struct RunningTool {
    /// What comes back with its output.
    pub token: u64,
    /// When its time is over.
    pub deadline: Instant,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// What a line can refer to: the cluster, and no files.
struct Around<'a>(&'a World);

impl Environment for Around<'_> {
    fn bootstrap(&self) -> Endpoint {
        let first = self.0.config().brokers.first();
        first.map_or_else(|| Endpoint::new("localhost", 9_092), |broker| broker.advertised.clone())
    }

    fn topics(&self) -> Vec<String> {
        self.0.topic_names()
    }
}

impl RunningTool {
    /// Starts the tool of a line.
    ///
    /// # Errors
    /// The line cannot be read, or there is no such tool; the text says so.
    pub fn start(
        world: &mut World,
        line: &str,
        stdin: Bytes,
        token: u64,
        deadline: Instant,
    ) -> Result<(ProcessId, RunningTool), String> {
        // The shell has tools of these names too, which explain them and do nothing.
        if blumfeld_console::order(line).is_some() {
            return Err(format!("`{line}` asks the world, not a tool: see fault, addBroker, removeBroker"));
        }
        let Started { process, stdin: said } =
            blumfeld_shell::start(line, &Around(world)).map_err(|error| error.to_string())?;
        let process = world.spawn(process);
        if let StdinSource::Text(text) = said {
            world.write_stdin(process, text.into());
        }
        if !stdin.is_empty() {
            world.write_stdin(process, stdin);
        }
        world.close_stdin(process);
        Ok((process, RunningTool { token, deadline, stdout: Vec::new(), stderr: Vec::new() }))
    }

    /// Takes what its process has written. Gives its exit code once it has ended.
    pub fn read(&mut self, written: Vec<Output>) -> Option<i32> {
        let mut exit = None;
        for output in written {
            match output {
                Output::Stdout(bytes) => self.stdout.extend_from_slice(&bytes),
                Output::Stderr(bytes) => self.stderr.extend_from_slice(&bytes),
                Output::Exit(code) => exit = Some(code),
            }
        }
        exit
    }

    /// All that it wrote.
    pub fn output(&self, exit: Option<i32>) -> ToolOutput {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        ToolOutput { stdout: text(&self.stdout), stderr: text(&self.stderr), exit }
    }
}
