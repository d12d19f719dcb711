//! What is done to a world from outside, as data: done again after the same events, the same follows.

use std::sync::Arc;

use blumfeld_broker::BrokerConfig;
use blumfeld_kernel::{ConnectionId, DisconnectReason, Endpoint, Frame, Instant, Process};
use blumfeld_protocol::frame::decode_header;
use bytes::Bytes;

use crate::fault::Fault;
use crate::membership::Membership;
use crate::process::ProcessId;
use crate::token_view::api_name;
use crate::world::World;

/// One thing that was done.
#[derive(Clone)]
pub enum Call {
    /// [`World::connect_outside`].
    Connect {
        /// Where the client connects to.
        to: Endpoint,
        /// What it is called.
        name: Arc<str>,
    },
    /// [`World::outside_send`].
    Send {
        /// Over which connection.
        conn: ConnectionId,
        /// What it sends.
        frame: Frame,
    },
    /// [`World::outside_close`].
    Close {
        /// Which connection.
        conn: ConnectionId,
        /// Why.
        reason: DisconnectReason,
    },
    /// [`World::spawn`].
    Spawn(Box<dyn Process>),
    /// [`World::write_stdin`].
    Stdin {
        /// Who reads it.
        to: ProcessId,
        /// What is typed.
        bytes: Bytes,
    },
    /// [`World::close_stdin`].
    StdinClosed(ProcessId),
    /// [`World::interrupt`].
    Interrupt(ProcessId),
    /// [`World::kill`].
    Kill(ProcessId),
    /// [`World::take_output`] of a process that has ended, which is gone with that.
    Gone(ProcessId),
    /// [`World::inject`].
    Inject(Fault),
    /// [`World::change_membership`].
    Change(Membership),
    /// [`World::admit`].
    Admit(Box<BrokerConfig>),
    /// [`World::reseed`].
    Reseed(u64),
}

/// A call, and when it came.
#[derive(Clone)]
pub struct TimedCall {
    /// Events that the world had handled.
    pub events: u64,
    /// Virtual time.
    pub now: Instant,
    /// What was done.
    pub call: Call,
}

impl Call {
    /// About how many bytes it keeps.
    pub fn weight(&self) -> u64 {
        match self {
            Call::Send { frame, .. } => 64 + frame.len() as u64,
            Call::Stdin { bytes, .. } => 64 + bytes.len() as u64,
            Call::Spawn(_) => 4_096,
            _ => 64,
        }
    }

    /// In words, as far as somebody did it and not the program that holds the world.
    pub fn told(&self) -> Option<String> {
        match self {
            Call::Connect { name, .. } => Some(format!("{name} connected")),
            Call::Send { frame, .. } => {
                let (header, _) = decode_header(frame.head()).ok()?;
                let client = header.client_id.map_or_else(String::new, |id| format!("{id} "));
                Some(format!("{client}sent {} v{}", api_name(header.api_key as i16), header.version))
            }
            Call::Close { .. } => Some("a client closed its connection".to_owned()),
            Call::Spawn(_) => Some("a process was started".to_owned()),
            Call::Stdin { .. } | Call::StdinClosed(_) => Some("standard input".to_owned()),
            Call::Interrupt(_) => Some("Ctrl-C".to_owned()),
            Call::Inject(fault) => Some(format!("fault {fault}")),
            Call::Change(Membership::Add { .. }) | Call::Admit(_) => Some("broker add".to_owned()),
            Call::Change(Membership::Remove { id, .. }) => Some(format!("broker remove {id}")),
            Call::Reseed(seed) => Some(format!("--seed {seed}")),
            Call::Kill(_) | Call::Gone(_) => None,
        }
    }
}

impl World {
    /// Keeps what is done from outside from now on, for [`take_calls`](Self::take_calls).
    pub fn keep_calls(&mut self) {
        self.calls.get_or_insert_default();
    }

    /// What was done since the last call, in order.
    pub fn take_calls(&mut self) -> Vec<TimedCall> {
        self.calls.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(crate) fn note_call(&mut self, call: impl FnOnce() -> Call) {
        let (events, now) = (self.events(), self.now());
        if let Some(calls) = &mut self.calls {
            calls.push(TimedCall { events, now, call: call() });
        }
    }

    /// Does again what was done.
    pub fn call(&mut self, call: &Call) {
        match call.clone() {
            Call::Connect { to, name } => drop(self.connect_outside(&to, &name)),
            Call::Send { conn, frame } => self.outside_send(conn, frame),
            Call::Close { conn, reason } => self.outside_close(conn, reason),
            Call::Spawn(process) => drop(self.spawn(process)),
            Call::Stdin { to, bytes } => self.write_stdin(to, bytes),
            Call::StdinClosed(to) => self.close_stdin(to),
            Call::Interrupt(process) => self.interrupt(process),
            Call::Kill(process) => self.kill(process),
            Call::Gone(process) => drop(self.take_output(process)),
            // What was refused is refused again.
            Call::Inject(fault) => drop(self.inject(fault)),
            Call::Change(change) => drop(self.change_membership(&change)),
            Call::Admit(config) => drop(self.admit(*config)),
            Call::Reseed(seed) => self.reseed(seed),
        }
        // It is known already.
        if let Some(calls) = &mut self.calls {
            calls.pop();
        }
    }
}
