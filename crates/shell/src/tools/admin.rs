//! Tools that ask the admin client one thing after the other.

use blumfeld_client::admin::{AdminClient, AdminRequest, AdminResponse};
use blumfeld_client::{ApiError, ClientConfig, ConfigError};
use blumfeld_kernel::{Context, Input, Instant, Node};

use crate::io::{INTERRUPTED, Printed, err, log_admin_issues};

/// What such a tool does next.
pub enum Step {
    /// Ask this and come back with the answer.
    Ask(AdminRequest),
    /// End with this exit code.
    Exit(i32),
}

/// A tool as its steps.
pub trait AdminTool: Clone + Send + 'static {
    /// The first step.
    fn begin(&mut self, cx: &mut Context<'_>) -> Step;
    /// What follows from an answer.
    fn answered(&mut self, cx: &mut Context<'_>, answer: Result<AdminResponse, ApiError>) -> Step;
}

/// Runs an [`AdminTool`].
#[derive(Clone, Debug)]
pub struct AdminProcess<T> {
    admin: AdminClient,
    tool: T,
    over: bool,
    now: Instant,
}

impl<T: AdminTool> AdminProcess<T> {
    /// The process of a tool.
    pub fn new(config: ClientConfig, tool: T) -> AdminProcess<T> {
        AdminProcess { admin: AdminClient::new(config), tool, over: false, now: Instant::ZERO }
    }

    fn step(&mut self, cx: &mut Context<'_>, step: Step) {
        match step {
            Step::Ask(request) => {
                self.admin.submit(cx, request);
            }
            Step::Exit(code) => {
                self.over = true;
                self.admin.close(cx);
                cx.out.exit(code);
            }
        }
    }
}

impl<T: AdminTool> Node for AdminProcess<T> {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        self.now = cx.now;
        if self.over {
            return;
        }
        match input {
            Input::Started => {
                let step = self.tool.begin(cx);
                self.step(cx, step);
            }
            Input::Interrupt => self.step(cx, Step::Exit(INTERRUPTED)),
            _ => {}
        }
        let mut input = input;
        // An answer that needs no broker comes at once, and the next question may be of that kind too.
        loop {
            let answers = self.admin.handle(cx, &input);
            let issues = self.admin.take_issues();
            log_admin_issues(cx, self.admin.client_id(), issues);
            if answers.is_empty() {
                return;
            }
            for answer in answers {
                let step = self.tool.answered(cx, answer.result);
                self.step(cx, step);
            }
            if self.over {
                return;
            }
            input = Input::Timeout;
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over { None } else { self.admin.next_timeout(self.now) }
    }
}

/// What Java's stack trace of a failed call shows besides its frames, a line each.
pub fn execution_trace(error: &ApiError) -> String {
    let thrown = format!("org.apache.kafka.common.errors.{}: {error}", error.exception());
    format!("java.util.concurrent.ExecutionException: {thrown}\nCaused by: {thrown}\n")
}

/// How most tools end when a call fails: its message, its stack trace and an empty line.
pub fn execution_failed(cx: &mut Context<'_>, error: &ApiError) -> Step {
    err(cx, &format!("org.apache.kafka.common.errors.{}: {error}", error.exception()));
    err(cx, &execution_trace(error));
    Step::Exit(1)
}

/// How most tools end when they cannot use their bootstrap servers.
pub fn no_client(error: &ConfigError) -> Printed {
    let text = "Failed to create new KafkaAdminClient";
    Printed::error(format!(
        "{text}\norg.apache.kafka.common.KafkaException: {text}\nCaused by: org.apache.kafka.common.config.ConfigException: {error}\n"
    ))
}

/// How most tools end when something is thrown: its message, its stack trace and an empty line. `causes` are lines.
pub fn thrown(class: &str, message: &str, causes: &str) -> Printed {
    Printed::error(format!("{message}\n{class}: {message}\n{causes}"))
}
