//! What a script asks of the past. Its clients cannot be taken back: where another branch lives than theirs, their
//! connections end, and what producers and tools were asked fails.

use blumfeld_kernel::{ConnectionId, DisconnectReason};
use blumfeld_shell::Language;

use super::{Door, DoorEvent};
use crate::look::{self, DoorTimeline};
use crate::script_producer::{ScriptAnswer, ScriptError};

impl Door {
    /// Does a line of `timeline`, `why` or `odds`, however long that takes, and gives what it answers.
    ///
    /// # Errors
    /// It cannot be read, or not be done; the text says why.
    pub fn timeline(&mut self, line: &str) -> Result<String, String> {
        let order = blumfeld_console::timeline(line);
        let order = order.ok_or_else(|| format!("`{line}` asks nothing of the timeline"))?;
        let order = order.map_err(|error| error.told(Language::English))?;
        let answer = self.session.order(&mut self.world, order);
        self.leave_if_another_lives();
        self.look_at_waits();
        answer.map_err(|error| error.told(Language::English))
    }

    /// How far it goes back, and the branches.
    pub fn timeline_view(&self) -> DoorTimeline {
        look::timeline(&self.session.view(&self.world), &self.world)
    }

    /// A script is about to do something: in the past that begins a branch.
    pub(super) fn act(&mut self, what: &str) {
        self.session.act(&mut self.world, what);
        self.leave_if_another_lives();
    }

    fn leave_if_another_lives(&mut self) {
        if !self.session.take_another() {
            return;
        }
        // Those of this script, which know nothing of this world.
        let gone = || DoorEvent::Closed(DisconnectReason::Rewound);
        self.left.extend(self.clients.keys().map(|number| (*number, gone())));
        self.clients.clear();
        self.numbers.clear();
        for producer in std::mem::take(&mut self.producers).into_values() {
            let failed = |token| (token, ScriptAnswer::Failed(ScriptError::rewound()));
            self.answers.extend(producer.asked.into_iter().map(failed));
        }
        self.outputs.extend(
            std::mem::take(&mut self.tools).into_values().map(|tool| (tool.token, tool.output(None))),
        );
        // And those that this world knows, of which nobody is there.
        let conns: Vec<ConnectionId> = self.world.outside_connections().collect();
        conns.into_iter().for_each(|conn| self.world.outside_close(conn, DisconnectReason::Rewound));
        self.world.take_outside();
        self.session.look(&mut self.world);
    }
}
