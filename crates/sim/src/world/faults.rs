//! Faults at work: what breaks, what is mended, and what is in force.

use std::collections::VecDeque;
use std::time::Duration;

use blumfeld_broker::Broker;
use blumfeld_kernel::{ConnectionId, DisconnectReason, DiskError, Input, Instant, NodeId, TraceEvent};

use crate::calls::Call;
use crate::disk::DiskFault;
use crate::event::Event;
use crate::fault::answer::answers;
use crate::fault::{DiskState, Fault, FaultError, Heal, LinkFault, RequestFault, Side};
use crate::network::Condition;
use crate::trace::TraceLine;
use crate::world::triggers::Rule;
use crate::world::{Machine, World};

/// How a broker's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Down {
    NotStarted,
    Crash,
    PowerCut,
    InOrder,
}

/// A process that stands still.
#[derive(Clone, Debug)]
pub(crate) struct Paused {
    until: Option<Instant>,
    /// What has come for it since, each for a run of its process.
    pub waiting: VecDeque<(u64, Input)>,
}

impl World {
    /// Breaks or mends something, now.
    ///
    /// # Errors
    /// What the fault names is not there, or cannot have it. Nothing is changed then.
    pub fn inject(&mut self, fault: Fault) -> Result<(), FaultError> {
        self.note_call(|| Call::Inject(fault.clone()));
        self.break_or_mend(fault)
    }

    /// The same for a trigger, which the world itself has.
    pub(super) fn break_or_mend(&mut self, mut fault: Fault) -> Result<(), FaultError> {
        if let Fault::On(trigger) = &mut fault {
            self.give_name(trigger);
        }
        self.check(&fault)?;
        let event = TraceEvent::FaultInjected { fault: fault.to_string().into() };
        self.trace.push(TraceLine { at: self.now, node: NodeId::WORLD, event });
        match fault {
            Fault::Crash(node) => self.crash(node),
            Fault::PowerCut(node) => self.power_cut(node),
            Fault::ShutDown(node) => self.end_in_order(node),
            Fault::Restart(node) => self.restart(node),
            Fault::Pause { node, ms } => self.pause(node, ms),
            Fault::Resume(node) => self.resume(node),
            Fault::Skew { node, ms } => self.set_skew(node, |_| ms),
            Fault::ClockJump { node, ms } => self.set_skew(node, |skew| skew.saturating_add(ms)),
            Fault::Disk { node, state, operations } => self.set_disk_fault(node, state, operations),
            Fault::DiskSlow { node, factor } => {
                if let Some(machine) = self.machines.get_mut(&node) {
                    machine.disk.set_slow(factor);
                }
            }
            Fault::PageCache { node, bytes } => {
                if let Some(machine) = self.machines.get_mut(&node) {
                    machine.disk.set_cache_size(bytes);
                }
            }
            Fault::DropPageCache(node) => {
                if let Some(machine) = self.machines.get_mut(&node) {
                    machine.disk.drop_cache();
                }
            }
            Fault::Link { from, to, one_way, what } => {
                self.set_condition(from, to, what);
                if !one_way {
                    self.set_condition(to, from, what);
                }
                self.hasten();
            }
            Fault::Isolate(node) => {
                let others = self.machines.keys().copied().filter(|other| *other != node).map(Side::Node);
                for other in others.chain([Side::Clients]).collect::<Vec<_>>() {
                    self.set_condition(Side::Node(node), other, LinkFault::Cut);
                    self.set_condition(other, Side::Node(node), LinkFault::Cut);
                }
            }
            Fault::Heal(heal) => self.heal(heal),
            Fault::Break(one, other) => self.break_between(one, other),
            Fault::Request { node, api_key, what, count } => {
                self.rules.push(Rule::of_request(node, api_key, what, count));
            }
            Fault::On(trigger) => self.set_trigger(*trigger),
            Fault::Off(name) => self.take_trigger_off(&name),
            Fault::Arm { name, armed } => self.arm_trigger(&name, armed),
        }
        Ok(())
    }

    fn check(&self, fault: &Fault) -> Result<(), FaultError> {
        match *fault {
            Fault::Crash(node) | Fault::ShutDown(node) => self.running(node),
            Fault::Restart(node) => match self.machine(node)?.broker {
                Some(_) if self.machine(node)?.leaving => Err(FaultError::Leaving(node)),
                Some(ref broker) if !broker.is_ending() => Err(FaultError::Up(node)),
                Some(_) | None => Ok(()),
            },
            Fault::PowerCut(node)
            | Fault::Isolate(node)
            | Fault::Disk { node, .. }
            | Fault::DiskSlow { node, .. }
            | Fault::PageCache { node, .. }
            | Fault::DropPageCache(node) => self.machine(node).map(drop),
            Fault::Pause { node, .. } if node.is_client() => self.client(node),
            Fault::Pause { node, .. } => self.running(node),
            Fault::Resume(node) if self.paused.contains_key(&node) => Ok(()),
            Fault::Resume(node) => self.side(Side::Node(node)).and(Err(FaultError::NotPaused(node))),
            Fault::Skew { node, .. } | Fault::ClockJump { node, .. } if node.is_client() => self.client(node),
            Fault::Skew { node, .. } | Fault::ClockJump { node, .. } => self.machine(node).map(drop),
            Fault::Link { from: one, to: other, .. }
            | Fault::Break(one, other)
            | Fault::Heal(Heal::Between(one, other)) => {
                self.side(one)?;
                self.side(other)?;
                let clients =
                    |side| matches!(side, Side::Clients) || matches!(side, Side::Node(n) if n.is_client());
                if one == other || (clients(one) && clients(other)) {
                    return Err(FaultError::OneSide(one, other));
                }
                Ok(())
            }
            Fault::Heal(Heal::Of(side)) => self.side(side),
            Fault::Heal(Heal::All) => Ok(()),
            Fault::Request { node, api_key, what: RequestFault::Error(_), .. } if !answers(api_key) => {
                self.machine(node).and(Err(FaultError::NoAnswer(api_key)))
            }
            Fault::Request { node, .. } => self.machine(node).map(drop),
            Fault::On(_) | Fault::Off(_) | Fault::Arm { .. } => self.check_trigger(fault),
        }
    }

    pub(super) fn machine(&self, node: NodeId) -> Result<&Machine, FaultError> {
        self.machines.get(&node).ok_or_else(|| {
            let known: Vec<String> = self.machines.keys().map(|node| node.0.to_string()).collect();
            FaultError::NoBroker(Side::Node(node).to_string(), known.join(", "))
        })
    }

    fn running(&self, node: NodeId) -> Result<(), FaultError> {
        match self.machine(node)?.broker {
            Some(_) => Ok(()),
            None => Err(FaultError::Down(node)),
        }
    }

    fn client(&self, node: NodeId) -> Result<(), FaultError> {
        let runs = self.processes.get(&node).is_some_and(|host| !host.exited);
        if runs { Ok(()) } else { Err(FaultError::NoClient(node)) }
    }

    fn side(&self, side: Side) -> Result<(), FaultError> {
        match side {
            Side::Clients => Ok(()),
            Side::Node(node) if self.outside.contains_key(&node) => Ok(()),
            Side::Node(node) if node.is_client() => self.client(node),
            Side::Node(node) => self.machine(node).map(drop),
        }
    }

    /// The faults that are in force, each as it could be injected again. What is over at once (a jump of a clock, a
    /// connection that broke) is not among them.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (node, machine) in &self.machines {
            let node = *node;
            faults.extend(match machine.down {
                _ if machine.broker.is_some() => None,
                Down::NotStarted => None,
                Down::Crash => Some(Fault::Crash(node)),
                Down::PowerCut => Some(Fault::PowerCut(node)),
                Down::InOrder => Some(Fault::ShutDown(node)),
            });
        }
        faults.extend(self.paused.iter().map(|(node, paused)| {
            let left = |until: Instant| until.since(self.now).as_micros().div_ceil(1_000);
            let ms = paused.until.map(|until| u64::try_from(left(until)).unwrap_or(u64::MAX));
            Fault::Pause { node: *node, ms }
        }));
        let slots = (self.machines.iter().map(|(node, machine)| (node, &machine.slot)))
            .chain(self.processes.iter().map(|(node, host)| (node, &host.slot)));
        faults.extend(
            slots
                .filter(|(_, slot)| slot.skew_ms != 0)
                .map(|(node, slot)| Fault::Skew { node: *node, ms: slot.skew_ms }),
        );
        for (node, machine) in &self.machines {
            let node = *node;
            faults.extend(machine.disk.fault().map(|fault| {
                let full = matches!(fault.error, DiskError::Full(_));
                let state = if full { DiskState::Full } else { DiskState::Failing };
                Fault::Disk { node, state, operations: fault.left }
            }));
            let factor = machine.disk.slow();
            faults.extend((factor > 1).then_some(Fault::DiskSlow { node, factor }));
            let size = machine.disk.changed_cache_size();
            faults.extend(size.map(|bytes| Fault::PageCache { node, bytes: Some(bytes) }));
        }
        for ((from, to), condition) in &self.network.conditions {
            let back = self.network.conditions.get(&(*to, *from)).copied().unwrap_or_default();
            for (what, same) in parts(condition).into_iter().map(|what| (what, parts(&back).contains(&what)))
            {
                // What is wrong both ways is said once.
                if !same || from < to {
                    faults.push(Fault::Link { from: *from, to: *to, one_way: !same, what });
                }
            }
        }
        faults.extend(self.rules.iter().flat_map(Rule::faults));
        faults
    }

    // ---- processes and machines

    /// Kills a broker's process. Its machine, disk and page cache stay.
    pub fn crash(&mut self, node: NodeId) {
        if let Some(machine) = self.machines.get_mut(&node) {
            if machine.broker.take().is_some() {
                machine.down = Down::Crash;
            }
            machine.slot.armed = None;
            machine.starts_again = false;
            let leaving = machine.leaving;
            self.paused.remove(&node);
            self.drop_connections_of(node, &DisconnectReason::PeerDown);
            self.awaiting_store.retain(|(waiting, ..)| *waiting != node);
            if leaving {
                self.take_away(node);
            }
        }
    }

    /// Cuts a machine's power: what its disk had not flushed is lost, and its last writes may be torn.
    pub fn power_cut(&mut self, node: NodeId) {
        let connections = self.network.of(node);
        self.crash(node);
        self.forget_sent(node, connections);
        if let Some(machine) = self.machines.get_mut(&node) {
            machine.down = Down::PowerCut;
            machine.boot += 1;
            machine.writeback_at = None;
            let keep = self.disk_ops.is_some();
            let before = machine.disk.disk().files().filter(|_| keep).map(|(path, _)| path.clone()).collect();
            machine.disk.power_cut(&mut machine.disk_rng);
            self.keep_what_is_left(node, before);
        }
    }

    /// Starts a broker's process, unless it runs. One that is ending in order starts again once it has ended: it waits
    /// until the others know of its partitions' new leaders, and until then it has the machine's disk.
    pub fn restart(&mut self, node: NodeId) {
        if let Some(machine) = self.machines.get_mut(&node)
            && machine.broker.as_ref().is_some_and(Broker::is_ending)
        {
            machine.starts_again = !machine.leaving;
        } else {
            self.schedule(self.now, Event::Start { node });
        }
    }

    pub(super) fn end_in_order(&mut self, node: NodeId) {
        // A process that stands still would not hear of it.
        self.resume(node);
        self.begin_shutdown(node);
    }

    /// Asks a broker to end in order: it hands its leaderships over first.
    pub fn begin_shutdown(&mut self, node: NodeId) {
        if let Some(machine) = self.machines.get_mut(&node) {
            machine.starts_again = false;
        }
        self.act(node, |broker, cx| broker.begin_shutdown(cx));
    }

    /// Ends a broker's process at once and in order: its logs are closed and everything it wrote is durable.
    pub fn shut_down(&mut self, node: NodeId) {
        self.act(node, |broker, cx| broker.shut_down(cx));
        self.has_shut_down(node);
    }

    /// A broker has closed its logs, and its process ends.
    pub(super) fn has_shut_down(&mut self, node: NodeId) {
        let mut again = false;
        if let Some(machine) = self.machines.get_mut(&node) {
            machine.disk.sync();
            again = machine.starts_again;
        }
        self.crash(node);
        if let Some(machine) = self.machines.get_mut(&node)
            && machine.down == Down::Crash
        {
            machine.down = Down::InOrder;
        }
        if again {
            self.restart(node);
        }
    }

    /// Whether a process stands still.
    pub fn is_paused(&self, node: NodeId) -> bool {
        self.paused.contains_key(&node)
    }

    fn pause(&mut self, node: NodeId, ms: Option<u64>) {
        let until = ms.map(|ms| self.now + Duration::from_millis(ms));
        let paused = self.paused.entry(node).or_insert(Paused { until, waiting: VecDeque::new() });
        paused.until = until;
        if let Some(until) = until {
            self.schedule(until, Event::Resume { node });
        }
    }

    fn resume(&mut self, node: NodeId) {
        if let Some(paused) = self.paused.remove(&node) {
            for (run, input) in paused.waiting {
                self.input(node, run, input);
            }
            self.rearm(node);
        }
    }

    /// A pause is over by itself, unless it has been paused again since.
    pub(super) fn resume_at_its_time(&mut self, node: NodeId) {
        if self.paused.get(&node).is_some_and(|paused| paused.until == Some(self.now)) {
            self.resume(node);
        }
    }

    fn set_skew(&mut self, node: NodeId, skew: impl FnOnce(i64) -> i64) {
        let slot = match self.machines.get_mut(&node) {
            Some(machine) => &mut machine.slot,
            None => match self.processes.get_mut(&node) {
                Some(host) => &mut host.slot,
                None => return,
            },
        };
        slot.skew_ms = skew(slot.skew_ms);
    }

    fn set_disk_fault(&mut self, node: NodeId, state: DiskState, operations: Option<u32>) {
        let Some(machine) = self.machines.get_mut(&node) else { return };
        let before = machine.disk.failure().cloned();
        let error = match state {
            DiskState::Working => {
                machine.disk.set_slow(1);
                None
            }
            DiskState::Full => Some(DiskError::Full("the log directory".into())),
            DiskState::Failing => Some(DiskError::Io("the device does not answer".into())),
        };
        machine.disk.set_fault(error.map(|error| DiskFault { error, left: operations }));
        // Of so many operations each tells for itself.
        if operations.is_none() && machine.disk.failure() != before.as_ref() {
            self.tell_disk(node);
        }
    }

    // ---- network

    fn set_condition(&mut self, from: Side, to: Side, what: LinkFault) {
        let conditions = &mut self.network.conditions;
        let condition = conditions.entry((from, to)).or_default();
        match what {
            LinkFault::Cut => condition.cut = true,
            LinkFault::Latency(ms) => condition.latency_ms = ms,
            LinkFault::Jitter(ms) => condition.jitter_ms = ms,
            LinkFault::Bandwidth(bytes) => condition.bandwidth = bytes,
            LinkFault::Drop(percent) => condition.loss = percent,
            LinkFault::Reorder(ms) => condition.reorder_ms = ms,
        }
        if *condition == Condition::default() {
            conditions.remove(&(from, to));
        }
    }

    fn heal(&mut self, heal: Heal) {
        // All clients are healed with each of them.
        let covers = |healed: Side, side: Side| {
            healed == side
                || (healed == Side::Clients && matches!(side, Side::Node(node) if node.is_client()))
        };
        let conditions = &mut self.network.conditions;
        match heal {
            Heal::All => {
                conditions.clear();
                self.rules.clear();
            }
            Heal::Of(side) => {
                conditions.retain(|(from, to), _| !covers(side, *from) && !covers(side, *to));
                self.rules.retain(|rule| !rule.is_at(side));
            }
            Heal::Between(one, other) => conditions.retain(|(from, to), _| {
                !(covers(one, *from) && covers(other, *to) || covers(one, *to) && covers(other, *from))
            }),
        }
        self.hasten();
    }

    fn break_between(&mut self, one: Side, other: Side) {
        let between: Vec<ConnectionId> = (self.network.links())
            .filter(|(_, link)| {
                let [a, b] = [link.ends[0].node, link.ends[1].node];
                one.has(a) && other.has(b) || one.has(b) && other.has(a)
            })
            .map(|(conn, _)| conn)
            .collect();
        for conn in between {
            self.reset(conn, &DisconnectReason::Reset);
        }
    }
}

/// What a condition is made of.
fn parts(condition: &Condition) -> Vec<LinkFault> {
    let mut parts = Vec::new();
    parts.extend(condition.cut.then_some(LinkFault::Cut));
    let values = [
        LinkFault::Latency(condition.latency_ms),
        LinkFault::Jitter(condition.jitter_ms),
        LinkFault::Bandwidth(condition.bandwidth),
        LinkFault::Drop(condition.loss),
        LinkFault::Reorder(condition.reorder_ms),
    ];
    parts.extend(values.into_iter().filter(|what| match what {
        LinkFault::Cut => false,
        LinkFault::Latency(n)
        | LinkFault::Jitter(n)
        | LinkFault::Bandwidth(n)
        | LinkFault::Drop(n)
        | LinkFault::Reorder(n) => *n > 0,
    }));
    parts
}
