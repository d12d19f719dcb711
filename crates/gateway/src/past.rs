//! Going back in time, of a cluster in memory. Real time stands still there, and whoever does something begins a
//! branch. Clients of sockets cannot be taken back: a line that goes elsewhere is refused while some are connected,
//! unless it says `--force`, which disconnects them.

use blumfeld_console::TimelineOrder;
use blumfeld_kernel::{ConnectionId, DisconnectReason};
use blumfeld_shell::Language;

use crate::clock::Clock;
use crate::server::Server;

/// Behind a line that may disconnect clients.
const FORCE: &str = "--force";

/// Whether what is shown is another world after it.
fn goes(order: &TimelineOrder) -> bool {
    match order {
        TimelineOrder::Back(_)
        | TimelineOrder::To(_)
        | TimelineOrder::ToEvent(_)
        | TimelineOrder::Now
        | TimelineOrder::Until(_)
        | TimelineOrder::Branch { from: Some(_), .. }
        | TimelineOrder::Switch(_) => true,
        TimelineOrder::Show
        | TimelineOrder::Branch { from: None, .. }
        | TimelineOrder::Rename { .. }
        | TimelineOrder::Delete(_)
        | TimelineOrder::Cap(_)
        | TimelineOrder::Diff(_)
        | TimelineOrder::Why(_)
        | TimelineOrder::Odds(_) => false,
    }
}

impl Server {
    /// Does a line of `timeline`, `why` or `odds`, and gives what it answers; nothing if it is another one.
    pub(crate) fn timeline(&mut self, line: &str) -> Option<Result<String, String>> {
        let (line, force) = match line.strip_suffix(FORCE) {
            Some(rest) if rest.ends_with(char::is_whitespace) => (rest.trim_end(), true),
            _ => (line, false),
        };
        let order = blumfeld_console::timeline(line)?;
        let order = order.map_err(|error| error.told(Language::English));
        // An error is one line, for a script that reads them.
        Some(order.and_then(|order| self.travel(order, force)).map_err(|error| error.replace('\n', " ")))
    }

    fn travel(&mut self, order: TimelineOrder, force: bool) -> Result<String, String> {
        if self.session.is_none() {
            return Err("only a cluster in memory with --control can be taken back".to_owned());
        }
        let connected = self.clients.len();
        if goes(&order) && connected > 0 {
            if !force {
                let clients = if connected == 1 { "a client is" } else { "clients are" };
                return Err(format!(
                    "{clients} connected, which cannot be taken back: {FORCE} behind the line disconnects ({connected})"
                ));
            }
            let conns: Vec<ConnectionId> = self.clients.keys().copied().collect();
            for conn in conns {
                self.world.outside_close(conn, DisconnectReason::Rewound);
                self.let_go(conn);
            }
        }
        let Some(session) = &mut self.session else { return Ok(String::new()) };
        let answer = session.order(&mut self.world, order);
        self.arrived();
        answer.map_err(|error| error.told(Language::English))
    }

    /// Whether an earlier moment is shown: time stands still then.
    pub(crate) fn is_in_the_past(&self) -> bool {
        self.session.as_ref().is_some_and(blumfeld_timeline::Session::is_in_the_past)
    }

    /// Something is about to be done: in the past that begins a branch, and time goes on in it.
    pub(crate) fn act(&mut self, what: &str) {
        if !self.is_in_the_past() {
            return;
        }
        if let Some(session) = &mut self.session {
            session.act(&mut self.world, what);
        }
        self.arrived();
    }

    /// After another moment may be shown: real time goes on from there, and connections of clients that are not here
    /// end.
    fn arrived(&mut self) {
        self.clock = Clock::begin(self.world.now());
        let Some(session) = &mut self.session else { return };
        if session.take_another() {
            let conns: Vec<ConnectionId> = self.world.outside_connections().collect();
            conns.into_iter().for_each(|conn| self.world.outside_close(conn, DisconnectReason::Rewound));
            self.world.take_outside();
            session.look(&mut self.world);
        }
    }
}
