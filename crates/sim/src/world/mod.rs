//! The world and its event loop.

mod acting;
mod faults;
mod forking;
mod in_flight;
mod members;
mod noting;
mod outside;
mod queue;
mod storage;
mod traffic;
mod transport;
mod triggers;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use blumfeld_broker::{Broker, BrokerConfig, MetadataImage};
use blumfeld_kernel::{
    ClientCounts, ConnectionId, Disk, DiskOp, Endpoint, FlushId, Input, Instant, NodeId, Prng, Process,
};
use bytes::Bytes;

use crate::calls::{Call, TimedCall};
use crate::causes::Causes;
use crate::config::WorldConfig;
use crate::disk::{DiskChange, MachineDisk};
use crate::event::Event;
use crate::network::Network;
use crate::process::{Host, Output, ProcessId};
use crate::slot::{Acts, Slot};
use crate::trace::Trace;
use crate::wire::Wire;

use faults::{Down, Paused};
pub use in_flight::{InFlight, Standing};
use outside::Outside;
pub use outside::OutsideEvent;
use queue::Queue;
pub use traffic::Traffic;
use triggers::{Rule, Seen};

/// The exit code of a process that was killed: 128 and the signal's number.
const KILLED: i32 = 137;

/// A machine that runs a broker.
#[derive(Clone)]
pub(crate) struct Machine {
    pub config: BrokerConfig,
    pub disk: MachineDisk,
    pub broker: Option<Broker>,
    pub slot: Slot,
    /// Counts the starts of the machine: a power cut ends one.
    pub boot: u64,
    pub disk_rng: Prng,
    writeback_at: Option<Instant>,
    /// How the process ended that last ran.
    down: Down,
    /// It is taken away as soon as its process has ended.
    leaving: bool,
    /// Its process, which is ending in order, is started again as soon as it has ended.
    starts_again: bool,
}

/// Where a machine listens.
fn listeners(config: &BrokerConfig) -> Vec<Endpoint> {
    config.listeners().cloned().collect()
}

/// The world.
#[derive(Clone)]
pub struct World {
    config: WorldConfig,
    now: Instant,
    queue: Queue,
    pub(crate) machines: BTreeMap<NodeId, Machine>,
    processes: BTreeMap<NodeId, Host>,
    pub(crate) network: Network,
    /// What it has carried, by the API's number and by whether it is between brokers.
    traffic: BTreeMap<(i16, bool), Traffic>,
    listeners: BTreeMap<Endpoint, NodeId>,
    trace: Trace,
    connections: u64,
    next_process: i32,
    events: u64,
    runs: u64,
    /// Flushes that wait for the store, with the changes that were not yet taken when they were done.
    awaiting_store: VecDeque<(NodeId, u64, FlushId, u64)>,
    taken: u64,
    /// Processes that stand still, with what waits for them.
    paused: BTreeMap<NodeId, Paused>,
    /// What happens to requests that come.
    rules: Vec<Rule>,
    /// Draws for them, so that all other draws stay what they are.
    trigger_rng: Prng,
    /// What was observed, by the trigger's name.
    observed: BTreeMap<Arc<str>, Seen>,
    /// Clients outside, and which of them each connection is.
    outside: BTreeMap<NodeId, Outside>,
    outside_nodes: BTreeMap<ConnectionId, NodeId>,
    /// What has come to them.
    arrived: Vec<(ConnectionId, OutsideEvent)>,
    /// Disk operations in their order, where somebody takes them.
    disk_ops: Option<Vec<(NodeId, DiskOp)>>,
    /// Room for what a node puts out, kept from one event to the next.
    acts: Acts,
    /// The node that last put something out.
    acted: Option<NodeId>,
    /// The node that is to come only so far when it renames files, and how many operations.
    cut_short: Option<(NodeId, usize)>,
    /// The node that has.
    was_cut_short: Option<NodeId>,
    /// Files of machines that were taken away, which the store outside still has.
    gone: Vec<(NodeId, DiskChange)>,
    /// What went over the network, where somebody wants to look at it.
    pub(crate) wire: Option<Box<Wire>>,
    /// What led to what, where somebody wants to know.
    pub(crate) causes: Option<Box<Causes>>,
    /// What was done from outside, where somebody keeps it.
    pub(crate) calls: Option<Vec<TimedCall>>,
}

impl World {
    /// A world whose machines have these disks; a machine without one has an empty disk. Every broker starts at once.
    pub fn new(config: WorldConfig, mut disks: BTreeMap<NodeId, Disk>) -> World {
        Self::at(config, Instant::ZERO, &mut disks)
    }

    /// A world that goes on at `now`, after an earlier one whose disks these are.
    pub fn at(mut config: WorldConfig, now: Instant, disks: &mut BTreeMap<NodeId, Disk>) -> World {
        // Disks that came from elsewhere belong to their own cluster, which brokers that join later are to join.
        if let Some(cluster_id) = disks.values().find_map(blumfeld_broker::stored_cluster_id) {
            config.brokers.iter_mut().for_each(|broker| broker.cluster_id = cluster_id);
        }
        let (rng, fault_rng) = (config.rng("network"), config.rng("network-faults"));
        let mut world = World {
            now,
            queue: Queue::default(),
            machines: BTreeMap::new(),
            processes: BTreeMap::new(),
            network: Network::new(config.network, rng, fault_rng),
            traffic: BTreeMap::new(),
            listeners: BTreeMap::new(),
            trace: Trace::new(),
            connections: 0,
            next_process: NodeId::FIRST_CLIENT.0,
            events: 0,
            runs: 0,
            awaiting_store: VecDeque::new(),
            taken: 0,
            paused: BTreeMap::new(),
            rules: Vec::new(),
            trigger_rng: config.rng("triggers"),
            observed: BTreeMap::new(),
            outside: BTreeMap::new(),
            outside_nodes: BTreeMap::new(),
            arrived: Vec::new(),
            disk_ops: None,
            acts: Acts::default(),
            acted: None,
            cut_short: None,
            was_cut_short: None,
            gone: Vec::new(),
            wire: None,
            causes: None,
            calls: None,
            config,
        };
        for broker in world.config.brokers.clone() {
            let node = NodeId(broker.node_id);
            let disk = disks.remove(&node).unwrap_or_default();
            world.install(broker, disk, 0);
            world.arm_writeback(node);
            world.schedule(now, Event::Start { node });
        }
        world
    }

    /// Virtual now.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Wall clock of machines whose clock is right, in milliseconds since 1970-01-01 UTC.
    pub fn unix_ms(&self) -> i64 {
        self.config.epoch_ms.saturating_add(i64::try_from(self.now.as_millis()).unwrap_or(i64::MAX))
    }

    /// Sets the wall clock of all machines, as a time server would: `unix_ms` is now, in milliseconds since 1970-01-01
    /// UTC. What is off by a fault stays off by as much.
    pub fn set_unix_ms(&mut self, unix_ms: i64) {
        let since = i64::try_from(self.now.as_millis()).unwrap_or(i64::MAX);
        self.config.epoch_ms = unix_ms.saturating_sub(since);
    }

    /// What it was made of.
    pub fn config(&self) -> &WorldConfig {
        &self.config
    }

    /// Events handled so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// A number that two runs share if everything in them was the same.
    pub fn digest(&self) -> u64 {
        self.trace.digest()
    }

    /// Takes nothing more into the digest: a world that lives in real time is not the same twice, and need not pay for
    /// it.
    pub fn stop_digest(&mut self) {
        self.trace.stop_digest();
    }

    /// The trace.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The trace, to take its lines.
    pub fn trace_mut(&mut self) -> &mut Trace {
        &mut self.trace
    }

    /// The broker, if its process runs.
    pub fn broker(&self, node: NodeId) -> Option<&Broker> {
        self.machines.get(&node).and_then(|machine| machine.broker.as_ref())
    }

    /// Records that a producer of this `client.id` has for a partition and has not sent.
    pub fn accumulated(&self, client: &str, topic: &str, partition: i32) -> Option<u64> {
        let mut running = self.processes.values().filter(|host| !host.exited);
        running.find_map(|host| host.process.accumulated(client, topic, partition))
    }

    /// What the client of this `client.id` counts; of several the one that runs, and began last.
    pub fn counts(&self, client: &str) -> Option<ClientCounts<'_>> {
        let counts = |runs: bool| {
            let hosts = self.processes.values().rev().filter(move |host| host.exited != runs);
            hosts.filter_map(|host| host.process.counts()).find(|counts| counts.client_id == client)
        };
        counts(true).or_else(|| counts(false))
    }

    /// A machine's disk.
    pub fn disk(&self, node: NodeId) -> Option<&MachineDisk> {
        self.machines.get(&node).map(|machine| &machine.disk)
    }

    /// The machines by the id of their brokers.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.machines.keys().copied()
    }

    /// Which start of a node's process this is, counted over all nodes; 0 if it never ran.
    pub fn process_run(&self, node: NodeId) -> u64 {
        self.run_of(node)
    }

    /// The node that handled the last event, if one did: only what it shows can have changed.
    pub fn acted(&self) -> Option<NodeId> {
        self.acted
    }

    /// Whether every broker serves clients, as it knows of itself.
    pub fn is_ready(&self) -> bool {
        self.machines.values().all(|machine| machine.broker.as_ref().is_some_and(Broker::is_serving))
    }

    /// Whether every broker serves clients, and all of them know it: what a door waits for before it lets anybody in. A
    /// controller's word that a broker is not fenced any more reaches that broker before the others have it in their
    /// metadata. A client that asked one of these would be told of fewer brokers, and of partitions without leaders.
    pub fn is_settled(&self) -> bool {
        let brokers = || self.machines.values().filter_map(|machine| machine.broker.as_ref());
        let known_to = |image: &MetadataImage, broker: &Broker| {
            let registered = image.brokers().get(&broker.id());
            registered.is_some_and(|known| !known.fenced && known.epoch == broker.broker_epoch())
        };
        self.is_ready()
            && brokers().all(|one| {
                let others = brokers().filter(|other| other.config().roles.broker);
                !one.config().roles.broker || others.into_iter().all(|other| known_to(one.image(), other))
            })
    }

    fn schedule(&mut self, at: Instant, event: Event) {
        self.queue.push(at.max(self.now), event);
        if let Some(causes) = &mut self.causes {
            causes.scheduled();
        }
    }

    /// The place that the next event will have in the order in which events are scheduled.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.queue.pushed() + 1
    }

    // ---- processes

    /// Starts a client process.
    pub fn spawn(&mut self, process: Box<dyn Process>) -> ProcessId {
        self.note_call(|| Call::Spawn(process.clone()));
        self.next_process += 1;
        self.runs += 1;
        let id = NodeId(self.next_process);
        let slot = Slot::new(self.config.rng(&format!("{id}")), self.runs);
        let host = Host { process, slot, output: VecDeque::new(), wants_stdin: false, exited: false };
        self.processes.insert(id, host);
        self.deliver(id, Input::Started);
        id
    }

    /// Gives an input to a process now: standard input, its end, an interrupt.
    fn deliver(&mut self, to: ProcessId, input: Input) {
        if let Some(host) = self.processes.get(&to) {
            let run = host.slot.run;
            self.schedule(self.now, Event::Deliver { to, run, input });
        }
    }

    /// Writes to a process's standard input.
    pub fn write_stdin(&mut self, to: ProcessId, bytes: Bytes) {
        self.note_call(|| Call::Stdin { to, bytes: bytes.clone() });
        if let Some(host) = self.processes.get_mut(&to) {
            host.wants_stdin = false;
        }
        self.deliver(to, Input::Stdin { bytes });
    }

    /// Ends a process's standard input.
    pub fn close_stdin(&mut self, to: ProcessId) {
        self.note_call(|| Call::StdinClosed(to));
        if let Some(host) = self.processes.get_mut(&to) {
            host.wants_stdin = false;
        }
        self.deliver(to, Input::StdinClosed);
    }

    /// Ctrl-C.
    pub fn interrupt(&mut self, to: ProcessId) {
        self.note_call(|| Call::Interrupt(to));
        self.deliver(to, Input::Interrupt);
    }

    /// Ends a process at once, as `kill -9` does. Its machine's kernel closes its connections.
    pub fn kill(&mut self, process: ProcessId) {
        if self.processes.get(&process).is_some_and(|host| !host.exited) {
            self.note_call(|| Call::Kill(process));
            self.exited(process, KILLED);
        }
    }

    /// A process as it stands, until its exit was taken with its output.
    pub fn process(&self, process: ProcessId) -> Option<&dyn Process> {
        self.processes.get(&process).map(|host| &*host.process)
    }

    /// Whether a process has ended and its exit was not taken yet.
    pub fn has_exited(&self, process: ProcessId) -> bool {
        self.processes.get(&process).is_some_and(|host| host.exited)
    }

    /// Whether a process has asked for more of its standard input.
    pub fn wants_stdin(&self, process: ProcessId) -> bool {
        self.processes.get(&process).is_some_and(|host| host.wants_stdin)
    }

    /// What a process has written since the last call. After its exit it is gone.
    pub fn take_output(&mut self, process: ProcessId) -> Vec<Output> {
        let Some(host) = self.processes.get_mut(&process) else { return Vec::new() };
        let output: Vec<Output> = host.output.drain(..).collect();
        if host.exited {
            self.note_call(|| Call::Gone(process));
            self.processes.remove(&process);
            self.paused.remove(&process);
        }
        output
    }

    // ---- time

    /// When the next event is.
    pub fn next_event(&self) -> Option<Instant> {
        self.queue.next_at()
    }

    /// Handles the next event. False if there is none.
    pub fn step(&mut self) -> bool {
        let Some((at, event, sequence)) = self.queue.pop() else { return false };
        self.now = at;
        self.events += 1;
        self.acted = None;
        if let Some(causes) = &mut self.causes {
            causes.begin((self.events, sequence), at, &event, self.trace.pushed());
        }
        self.handle(event);
        if let Some(causes) = &mut self.causes {
            causes.end(self.trace.after(causes.lines()).cloned().collect());
        }
        true
    }

    /// Handles every event up to and with `until`, and goes there.
    pub fn run_until(&mut self, until: Instant) {
        while self.next_event().is_some_and(|at| at <= until) {
            self.step();
        }
        self.now = self.now.max(until);
    }

    /// Handles every event of the next `span`.
    pub fn run_for(&mut self, span: Duration) {
        self.run_until(self.now + span);
    }

    /// Goes to `at` without an event, but no further than the next one.
    pub fn idle_until(&mut self, at: Instant) {
        let end = self.next_event().map_or(at, |next| next.min(at));
        self.now = self.now.max(end);
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Deliver { to, run, input } => self.input(to, run, input),
            Event::Arrive { conn, from, message } => self.arrive(conn, from, message),
            Event::Retry { conn, from } => self.retry(conn, from),
            Event::Connect { node, run, conn, to, tries } => self.connect_again(node, run, conn, to, tries),
            Event::Timer { node, run } => self.timer(node, run),
            Event::DiskDone { node, boot, id } => self.disk_done(node, boot, id, None),
            Event::Writeback { node, boot } => self.writeback(node, boot),
            Event::Start { node } => self.start(node),
            Event::Resume { node } => self.resume_at_its_time(node),
        }
    }

    /// What must always be true of the world; the first thing that is not.
    pub fn invariants(&self) -> Result<(), String> {
        self.machines.values().filter_map(|machine| machine.broker.as_ref()).try_for_each(Broker::invariants)
    }
}
