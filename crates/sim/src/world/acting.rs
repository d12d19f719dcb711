//! Nodes act: inputs go in, and what comes out is done.

use blumfeld_broker::Broker;
use blumfeld_kernel::{Context, DisconnectReason, DiskOp, Effect, Input, Instant, Node, NodeId};

use crate::event::Event;
use crate::process::Output;
use crate::slot::Acts;
use crate::trace::TraceLine;
use crate::world::World;

impl World {
    /// Gives an input to a node, if it still is the same run of its process.
    pub(super) fn input(&mut self, to: NodeId, run: u64, input: Input) {
        if !self.paused.is_empty()
            && let Some(paused) = self.paused.get_mut(&to)
        {
            return paused.waiting.push_back((run, input));
        }
        if let Some(machine) = self.machines.get(&to) {
            if machine.slot.run == run {
                if let (Some(wire), Input::Frame { conn, .. }) = (&mut self.wire, &input) {
                    wire.given(to, *conn);
                }
                self.act(to, |broker, cx| Node::handle(broker, cx, input));
            }
            return;
        }
        let mut acts = std::mem::take(&mut self.acts);
        if let Some(host) = self.processes.get_mut(&to).filter(|host| host.slot.run == run && !host.exited) {
            let (now, epoch_ms) = (self.now, self.config.epoch_ms);
            let mut cx = host.slot.context(to, now, epoch_ms, &mut self.connections, &mut acts);
            host.process.handle(&mut cx, input);
            if self.trace.looks() {
                self.trace.saw_client(to, host.process.counts());
            }
            self.after(to, &mut acts);
            self.acts = acts;
            return;
        }
        self.acts = acts;
        self.outside_input(to, run, input);
    }

    /// Lets a broker act, and does what follows.
    pub(super) fn act(&mut self, node: NodeId, act: impl FnOnce(&mut Broker, &mut Context<'_>)) {
        let mut acts = std::mem::take(&mut self.acts);
        if let Some(machine) = self.machines.get_mut(&node)
            && let Some(broker) = machine.broker.as_mut()
        {
            let (now, epoch_ms) = (self.now, self.config.epoch_ms);
            let mut cx = machine.slot.context(node, now, epoch_ms, &mut self.connections, &mut acts);
            act(broker, &mut cx);
            self.after(node, &mut acts);
        }
        self.acts = acts;
    }

    /// Starts a broker's process, unless it runs.
    pub(super) fn start(&mut self, node: NodeId) {
        let Some(machine) = self.machines.get_mut(&node) else { return };
        if machine.broker.is_some() {
            return;
        }
        self.runs += 1;
        machine.slot.run = self.runs;
        machine.slot.armed = None;
        machine.config.flush_before_acknowledging = self.config.wait_for_store;
        let mut acts = std::mem::take(&mut self.acts);
        let (now, epoch_ms) = (self.now, self.config.epoch_ms);
        let mut cx = machine.slot.context(node, now, epoch_ms, &mut self.connections, &mut acts);
        machine.broker = Some(Broker::start(&mut cx, &machine.config, machine.disk.disk()));
        self.after(node, &mut acts);
        self.acts = acts;
    }

    /// Does what a node put out, and sees to its next timeout.
    fn after(&mut self, node: NodeId, acts: &mut Acts) {
        self.acted = Some(node);
        if let Some(wire) = self.wire.as_mut().filter(|wire| wire.waits_at(node))
            && let Some(broker) = self.machines.get(&node).and_then(|machine| machine.broker.as_ref())
        {
            wire.acted(self.now, node, |conn| broker.waiting(conn));
        }
        for event in acts.events.drain(..) {
            self.trace.push(TraceLine { at: self.now, node, event });
        }
        self.cut_short_if_asked(node, acts);
        for effect in acts.effects.drain(..) {
            self.effect(node, effect);
        }
        self.rearm(node);
    }

    /// The next time that this node renames files it comes only so far: of the renames and what it does after the first
    /// of them, so many operations are done, and nothing of the rest. [`take_cut_short`](Self::take_cut_short) says
    /// that it has happened: the process has to be killed then, before it does anything more. `None` takes it back.
    pub fn cut_short(&mut self, what: Option<(NodeId, usize)>) {
        self.cut_short = what;
    }

    /// The node that came only so far, once.
    pub fn take_cut_short(&mut self) -> Option<NodeId> {
        self.was_cut_short.take()
    }

    fn cut_short_if_asked(&mut self, node: NodeId, acts: &mut Acts) {
        let Some((_, operations)) = self.cut_short.filter(|(of, _)| *of == node) else { return };
        let renames = |effect: &Effect| matches!(effect, Effect::Disk { op: DiskOp::Rename { .. }, .. });
        if let Some(first) = acts.effects.iter().position(renames) {
            acts.effects.truncate(first + operations);
            self.cut_short = None;
            self.was_cut_short = Some(node);
        }
    }

    /// When a node wants its timeout, with the run of its process; `None` if it does not run.
    fn wanted(&self, node: NodeId) -> Option<(Option<Instant>, u64)> {
        if let Some(machine) = self.machines.get(&node) {
            return Some((machine.broker.as_ref()?.next_timeout(), machine.slot.run));
        }
        let host = self.processes.get(&node).filter(|host| !host.exited)?;
        Some((host.process.next_timeout(), host.slot.run))
    }

    /// Sees to it that a timer event is in the queue when a node wants its timeout. A later one that is already there
    /// stays and finds nothing to do.
    pub(super) fn rearm(&mut self, node: NodeId) {
        let Some((Some(at), run)) = self.wanted(node) else { return };
        let at = at.max(self.now);
        let slot = match self.machines.get_mut(&node) {
            Some(machine) => &mut machine.slot,
            None => match self.processes.get_mut(&node) {
                Some(host) => &mut host.slot,
                None => return,
            },
        };
        if slot.armed.is_none_or(|armed| at < armed) {
            slot.armed = Some(at);
            self.schedule(at, Event::Timer { node, run });
        }
    }

    /// A timer event: the node may want its timeout, or wants it later by now.
    pub(super) fn timer(&mut self, node: NodeId, run: u64) {
        let now = self.now;
        let slot = match self.machines.get_mut(&node) {
            Some(machine) => Some(&mut machine.slot),
            None => self.processes.get_mut(&node).map(|host| &mut host.slot),
        };
        match slot {
            Some(slot) if slot.run == run => {
                if slot.armed == Some(now) {
                    slot.armed = None;
                }
            }
            _ => return,
        }
        // What stands still has no timers; it looks at them when it goes on.
        if !self.paused.is_empty() && self.paused.contains_key(&node) {
            return;
        }
        match self.wanted(node) {
            Some((Some(at), run)) if at <= now => self.input(node, run, Input::Timeout),
            _ => self.rearm(node),
        }
    }

    pub(super) fn run_of(&self, node: NodeId) -> u64 {
        match self.machines.get(&node) {
            Some(machine) => machine.slot.run,
            None => match self.processes.get(&node) {
                Some(host) => host.slot.run,
                None => self.outside.get(&node).map_or(0, |client| client.run),
            },
        }
    }

    fn effect(&mut self, node: NodeId, effect: Effect) {
        match effect {
            Effect::Connect { conn, to } => self.connect(node, conn, to),
            Effect::Send { conn, frame, after } => self.send(node, conn, frame, after),
            Effect::Disconnect { conn, reason } => {
                self.trace.note(&[self.now.as_micros(), conn.0], b"disconnect");
                self.close(conn, node, reason);
            }
            Effect::Disk { id, op } => {
                self.trace.note(&[self.now.as_micros(), id.0], b"disk");
                let now = self.now;
                let Some(machine) = self.machines.get_mut(&node) else { return };
                let boot = machine.boot;
                if let Some(ops) = &mut self.disk_ops
                    && !matches!(op, DiskOp::Read { .. })
                {
                    ops.push((node, op.clone()));
                }
                if let Some(at) = machine.disk.begin(now, id, &op) {
                    self.schedule(at, Event::DiskDone { node, boot, id });
                }
                self.arm_writeback(node);
            }
            Effect::ReadStdin => {
                if let Some(host) = self.processes.get_mut(&node) {
                    host.wants_stdin = true;
                }
            }
            Effect::Stdout(bytes) => self.output(node, Output::Stdout(bytes)),
            Effect::Stderr(bytes) => self.output(node, Output::Stderr(bytes)),
            // A broker that was asked to go has closed its logs.
            Effect::Exit(_) if self.machines.contains_key(&node) => self.has_shut_down(node),
            Effect::Exit(code) => self.exited(node, code),
        }
    }

    pub(super) fn exited(&mut self, node: NodeId, code: i32) {
        self.output(node, Output::Exit(code));
        if let Some(host) = self.processes.get_mut(&node) {
            host.exited = true;
        }
        self.drop_connections_of(node, &DisconnectReason::Closed);
    }

    fn output(&mut self, node: NodeId, output: Output) {
        if let Output::Stdout(text) | Output::Stderr(text) = &output {
            self.trace.saw_output(text);
        }
        if let Some(host) = self.processes.get_mut(&node) {
            host.output.push_back(output);
        }
    }
}
