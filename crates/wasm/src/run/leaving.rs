//! A process that takes the members of clients that are gone out of their groups.

use std::collections::BTreeMap;

use blumfeld_client::ClientConfig;
use blumfeld_client::admin::{AdminClient, AdminRequest};
use blumfeld_kernel::{Context, Endpoint, Input, Instant, Node};

/// What the coordinator's log says.
const REASON: &str = "the page that the member ran in was closed or reloaded";

/// The process. It ends when every group has answered, be it that it could not be reached.
#[derive(Clone, Debug)]
pub(crate) struct Leaving {
    admin: AdminClient,
    groups: BTreeMap<String, Vec<String>>,
    /// Calls that are not answered.
    open: usize,
    now: Instant,
    over: bool,
}

impl Leaving {
    /// Takes these members, by group, out.
    pub fn new(bootstrap: Vec<Endpoint>, groups: BTreeMap<String, Vec<String>>) -> Leaving {
        let admin = AdminClient::new(ClientConfig::new(bootstrap, "reload"));
        Leaving { admin, groups, open: 0, now: Instant::ZERO, over: false }
    }
}

impl Node for Leaving {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        if self.over {
            return;
        }
        self.now = cx.now;
        let mut answers = self.admin.handle(cx, &input);
        if !self.groups.is_empty() {
            for (group, members) in std::mem::take(&mut self.groups) {
                let request = AdminRequest::RemoveMembers { group, members, reason: REASON.to_owned() };
                self.admin.submit(cx, request);
                self.open += 1;
            }
            answers.extend(self.admin.handle(cx, &Input::Timeout));
        }
        // What went wrong is no worse than it was: the session of the member ends by itself.
        self.open = self.open.saturating_sub(answers.len());
        if self.open == 0 {
            self.over = true;
            self.admin.close(cx);
            cx.out.exit(0);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over { None } else { self.admin.next_timeout(self.now) }
    }
}
