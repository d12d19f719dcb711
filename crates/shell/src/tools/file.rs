//! Tools that read a dropped file before they ask anything.

use bytes::BytesMut;

use blumfeld_client::ClientConfig;
use blumfeld_kernel::{Context, Input, Instant, Node};

use super::admin::{AdminProcess, AdminTool};
use super::toolbox::Launch;
use crate::io::{INTERRUPTED, Printed};
use crate::{Environment, StdinSource};

/// More than any file of partitions or properties needs, in bytes.
const MAX_FILE: usize = 16 * 1024 * 1024;
/// The file that stands for the standard input.
const STDIN: &str = "/dev/stdin";

/// A tool that is made from a file's bytes.
pub trait FromFile: Clone + Send + 'static {
    /// The tool.
    type Tool: AdminTool;
    /// Makes it, or says why the file cannot be used.
    fn read(&self, bytes: &[u8]) -> Result<Self::Tool, Printed>;
}

/// The tool behind the file of this name; `None` if there is no such file.
pub fn launch<F: FromFile>(
    config: &ClientConfig,
    file: &str,
    from: F,
    env: &dyn Environment,
    stdin: &StdinSource,
) -> Option<Launch> {
    let source = match stdin {
        // `cat plan.json | …` and `echo '{…}' | …`.
        StdinSource::File(_) | StdinSource::Text(_) if file == STDIN => stdin.clone(),
        _ if env.dropped_files().iter().any(|name| name == file) => StdinSource::File(file.to_owned()),
        _ => return None,
    };
    let process = Reading { config: config.clone(), bytes: BytesMut::new(), from, running: None };
    Some(Launch::Reading(Box::new(process), source))
}

/// The tool while it reads its file, and then.
#[derive(Clone, Debug)]
struct Reading<F: FromFile> {
    config: ClientConfig,
    bytes: BytesMut,
    from: F,
    running: Option<AdminProcess<F::Tool>>,
}

impl<F: FromFile> Node for Reading<F> {
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
            Input::Stdin { .. } | Input::StdinClosed => match self.from.read(&self.bytes) {
                Ok(tool) => {
                    let mut running = AdminProcess::new(self.config.clone(), tool);
                    running.handle(cx, Input::Started);
                    self.running = Some(running);
                }
                Err(printed) => printed.write(cx),
            },
            Input::Interrupt => cx.out.exit(INTERRUPTED),
            _ => {}
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.running.as_ref().and_then(Node::next_timeout)
    }
}
