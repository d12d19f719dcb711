//! A world with a door for a script's clients: streams of bytes go in and come out, as on TCP. Producers of ours run in
//! the world itself, and the script asks them.

mod past;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use blumfeld_broker::BrokerConfig;
use blumfeld_client::producer::{Partitioner, Producer};
use blumfeld_client::{ClientConfig, parse_bootstrap};
use blumfeld_condition::Condition;
use blumfeld_console::Order;
use blumfeld_kernel::{ConnectionId, DisconnectReason, Endpoint, Instant, NodeId};
use blumfeld_protocol::FrameSplitter;
use blumfeld_shell::{ConfigProblem, producer_config};
use blumfeld_sim::{
    DiskConfig, Membership, NetworkConfig, Output, OutsideEvent, ProcessId, Wait, World, WorldConfig,
};
use blumfeld_timeline::Session;
use bytes::Bytes;

use crate::look::{self, DoorRecord, DoorView, RecordRange};
use crate::script_producer::{Ask, ScriptAnswer, ScriptError, ScriptProducer, stream};
use crate::tool::{RunningTool, ToolOutput};

/// `socket.request.max.bytes`
const MAX_FRAME: usize = 100 * 1024 * 1024;
/// So many requests of one client are in the world at a time; what is behind them waits at the door.
const IN_FLIGHT: usize = 64;
/// A cluster serves at the latest so long after its start, in virtual time.
const BOOT: Duration = Duration::from_secs(60);
/// Events between two looks at the clock.
const EVENTS: u32 = 256;

/// What a client outside is told. The last of a connection is [`DoorEvent::Closed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DoorEvent {
    /// The connection stands.
    Connected,
    /// Bytes of the broker.
    Data(Bytes),
    /// The connection is gone, for this reason.
    Closed(DisconnectReason),
}

struct Client {
    /// What the world calls its connection: in another branch the same number may be somebody else's.
    conn: ConnectionId,
    splitter: FrameSplitter,
    requests: VecDeque<Bytes>,
}

/// A producer that runs.
struct RunningProducer {
    process: ProcessId,
    /// What of an answer has been read.
    splitter: FrameSplitter,
    /// What was asked and is not answered.
    asked: Vec<u64>,
}

/// The world and its clients.
pub struct Door {
    world: World,
    /// What was, and its branches.
    session: Session,
    /// By the numbers that they were given here.
    clients: BTreeMap<ConnectionId, Client>,
    /// The same by what the world calls them.
    numbers: BTreeMap<ConnectionId, ConnectionId>,
    /// How many there were.
    connected: u64,
    /// Connections that ended with the branch that was left.
    left: Vec<(ConnectionId, DoorEvent)>,
    /// The producers that run, by the numbers that they were given here.
    producers: BTreeMap<ProcessId, RunningProducer>,
    /// How many there were.
    begun: u32,
    answers: Vec<(u64, ScriptAnswer)>,
    tools: BTreeMap<ProcessId, RunningTool>,
    outputs: Vec<(u64, ToolOutput)>,
    /// Conditions that are waited for, by their number.
    waits: BTreeMap<u32, Wait>,
    /// Those that came to be so, with how it stood then.
    reached: BTreeMap<u32, DoorView>,
    waits_begun: u32,
}

impl Door {
    /// A cluster of `brokers` (1 to 9) in combined mode that serves. Its wall clock begins at `epoch_ms`, milliseconds
    /// since 1970-01-01 UTC.
    ///
    /// # Errors
    /// There are no so many brokers, or they do not come to serve.
    pub fn new(brokers: i32, seed: u64, epoch_ms: i64) -> Result<Door, String> {
        if !(1..=9).contains(&brokers) {
            return Err(format!("brokers: {brokers} is not from 1 to 9"));
        }
        let config = WorldConfig {
            seed,
            boot: 0,
            epoch_ms,
            brokers: BrokerConfig::combined(brokers, seed),
            network: NetworkConfig::default(),
            disk: DiskConfig::default(),
            wait_for_store: false,
        };
        let mut world = World::new(config, BTreeMap::new());
        let deadline = world.now() + BOOT;
        while !world.is_settled() {
            if !world.step() || world.now() > deadline {
                return Err(format!("the cluster does not serve after {} s", BOOT.as_secs()));
            }
        }
        let session = Session::begin(&mut world);
        Ok(Door {
            world,
            session,
            clients: BTreeMap::new(),
            numbers: BTreeMap::new(),
            connected: 0,
            left: Vec::new(),
            producers: BTreeMap::new(),
            begun: 0,
            answers: Vec::new(),
            tools: BTreeMap::new(),
            outputs: Vec::new(),
            waits: BTreeMap::new(),
            reached: BTreeMap::new(),
            waits_begun: 0,
        })
    }

    /// Where the brokers listen, as `host:port`.
    pub fn bootstrap(&self) -> Vec<String> {
        self.world.config().brokers.iter().map(|node| node.advertised.to_string()).collect()
    }

    /// Virtual time.
    pub fn now(&self) -> Instant {
        self.world.now()
    }

    /// When something happens next, if nobody outside does anything; `None` for never.
    pub fn next_event(&self) -> Option<Instant> {
        self.world.next_event()
    }

    /// A client connects. [`DoorEvent::Connected`] or [`DoorEvent::Closed`] follows.
    pub fn connect(&mut self, host: &str, port: u16, name: &str) -> ConnectionId {
        self.act("connect");
        let conn = self.world.connect_outside(&Endpoint::new(host, port), name);
        self.connected += 1;
        let number = ConnectionId(self.connected);
        let client = Client { conn, splitter: FrameSplitter::new(MAX_FRAME), requests: VecDeque::new() };
        self.clients.insert(number, client);
        self.numbers.insert(conn, number);
        number
    }

    /// A client sends bytes: parts of frames, or several. On a connection that is gone they are lost.
    ///
    /// # Errors
    /// They cannot be frames: the connection is closed, and the text names what was wrong.
    pub fn write(&mut self, number: ConnectionId, bytes: &[u8]) -> Result<(), String> {
        self.act("write");
        let Some(client) = self.clients.get_mut(&number) else { return Ok(()) };
        let (conn, requests) = (client.conn, &mut client.requests);
        let fed = client.splitter.feed(bytes, |frame| requests.push_back(frame));
        self.hand_in(number);
        fed.map_err(|error| {
            let what = error.to_string();
            self.forget(number);
            self.world.outside_close(conn, DisconnectReason::Malformed(what.as_str().into()));
            what
        })
    }

    fn hand_in(&mut self, number: ConnectionId) {
        let Some(client) = self.clients.get_mut(&number) else { return };
        while self.world.outside_in_flight(client.conn) < IN_FLIGHT
            && let Some(frame) = client.requests.pop_front()
        {
            self.world.outside_send(client.conn, frame);
        }
    }

    fn forget(&mut self, number: ConnectionId) -> Option<Client> {
        let client = self.clients.remove(&number)?;
        self.numbers.remove(&client.conn);
        Some(client)
    }

    /// A client closes its connection. It is told nothing more.
    pub fn close(&mut self, number: ConnectionId) {
        self.act("close");
        if let Some(client) = self.forget(number) {
            self.world.outside_close(client.conn, client.splitter.end());
        }
    }

    /// Starts a producer in the world, with Kafka's names of settings. Records that name no partition go where
    /// `partitioner` says, if there is one.
    ///
    /// # Errors
    /// A setting is wrong; Kafka's words say which.
    pub fn producer(
        &mut self,
        settings: &BTreeMap<String, String>,
        partitioner: Option<Box<dyn Partitioner>>,
    ) -> Result<ProcessId, ScriptError> {
        let wrong = |text: String| ScriptError::new("ConfigException", text);
        let bootstrap = match settings.get("bootstrap.servers") {
            Some(list) => parse_bootstrap(list).map_err(|error| wrong(error.to_string()))?,
            None => self.world.config().brokers.iter().map(|node| node.advertised.clone()).collect(),
        };
        // A script has no methods of transactions to call.
        if settings.contains_key("transactional.id") {
            let text = "the producer's transactional.id is not here yet";
            return Err(ScriptError::new("Error", text));
        }
        let client = ClientConfig::new(bootstrap, &format!("producer-{}", self.begun + 1));
        let config = producer_config(client, settings).map_err(|problem| match problem {
            ConfigProblem::Kafka(text) => wrong(text),
            ConfigProblem::NotYet(text) => ScriptError::new("Error", text),
        })?;
        let producer = match partitioner {
            Some(partitioner) => Producer::with_partitioner(config, partitioner),
            None => Producer::new(config),
        };
        self.act("producer");
        let process = self.world.spawn(Box::new(ScriptProducer::new(producer)));
        self.begun = self.begun.saturating_add(1);
        let number = NodeId(i32::try_from(self.begun).unwrap_or(i32::MAX));
        self.producers.insert(number, RunningProducer { process, splitter: stream(), asked: Vec::new() });
        Ok(number)
    }

    /// Whether this producer runs.
    pub fn has_producer(&self, id: ProcessId) -> bool {
        self.producers.contains_key(&id)
    }

    /// Asks something of a producer. `token` comes back with the answer.
    pub fn ask(&mut self, id: ProcessId, token: u64, ask: &Ask) {
        self.act("send");
        if let Some(producer) = self.producers.get_mut(&id) {
            producer.asked.push(token);
            self.world.write_stdin(producer.process, ask.to_frame(token));
        } else {
            self.answers.push((token, ScriptAnswer::Failed(ScriptError::closed())));
        }
    }

    /// What producers have answered since the last call, in order, with the tokens of what was asked.
    pub fn take_answers(&mut self) -> Vec<(u64, ScriptAnswer)> {
        std::mem::take(&mut self.answers)
    }

    /// Events that the world has handled: as long as they are the same, so is [`Door::view`].
    pub fn events(&self) -> u64 {
        self.world.events()
    }

    /// How the cluster stands.
    pub fn view(&self) -> DoorView {
        DoorView::of(&self.world)
    }

    /// Records of a topic that consumers can read, by partition and offset, read where they stand: no client is needed,
    /// and none is seen by the cluster.
    ///
    /// # Errors
    /// There is no such topic or partition, or no broker that runs has its log; the text says which.
    pub fn records(&self, topic: &str, range: RecordRange) -> Result<Vec<DoorRecord>, String> {
        look::records(&self.world, topic, range)
    }

    /// Starts one of Kafka's console tools with all of its standard input. `token` comes back with its output, after
    /// `patience` of virtual time at the latest: then it is killed.
    ///
    /// # Errors
    /// The line cannot be read, or there is no such tool; the text says so.
    pub fn tool(&mut self, token: u64, line: &str, stdin: Bytes, patience: Duration) -> Result<(), String> {
        self.act(line);
        let deadline = self.now() + patience;
        let (id, tool) = RunningTool::start(&mut self.world, line, stdin, token, deadline)?;
        self.tools.insert(id, tool);
        Ok(())
    }

    /// What tools have written that have ended since the last call, in order, with the tokens of their starts.
    pub fn take_outputs(&mut self) -> Vec<(u64, ToolOutput)> {
        std::mem::take(&mut self.outputs)
    }

    /// Kills the tools whose time is over at `at`, which is no later than the next event.
    fn give_up(&mut self, at: Instant) {
        while let Some((&id, tool)) = self.tools.iter().find(|(_, tool)| tool.deadline <= at) {
            self.world.idle_until(tool.deadline);
            self.world.kill(id);
            let written = self.world.take_output(id);
            if let Some(mut tool) = self.tools.remove(&id) {
                // The exit is the kill's.
                let _ = tool.read(written);
                self.outputs.push((tool.token, tool.output(None)));
            }
        }
    }

    fn read(&mut self, id: ProcessId) {
        if let Some(tool) = self.tools.get_mut(&id) {
            if let Some(exit) = tool.read(self.world.take_output(id)) {
                self.outputs.push((tool.token, tool.output(Some(exit))));
                self.tools.remove(&id);
            }
            return;
        }
        let found = self.producers.iter_mut().find(|(_, producer)| producer.process == id);
        let Some((number, producer)) = found else { return };
        let number = *number;
        for output in self.world.take_output(id) {
            match output {
                Output::Stdout(bytes) => {
                    let answers: Vec<_> =
                        ScriptAnswer::read_all(&mut producer.splitter, &bytes).into_iter().collect();
                    producer.asked.retain(|token| !answers.iter().any(|(of, _)| of == token));
                    self.answers.extend(answers);
                }
                Output::Stderr(_) => {}
                Output::Exit(_) => {
                    self.producers.remove(&number);
                    return;
                }
            }
        }
    }

    /// Lets the world go on up to `until`, as long as `goes_on` says so and nothing has come for a client, of a
    /// producer or of a tool. Gives whether it came there.
    pub fn run(&mut self, until: Instant, mut goes_on: impl FnMut() -> bool) -> bool {
        if self.session.is_in_the_past() {
            self.session.play(&mut self.world, until);
            self.look_at_waits();
            return self.world.now() >= until || !self.session.is_in_the_past();
        }
        let mut left = EVENTS;
        while let Some(next) = self.world.next_event().filter(|next| *next <= until) {
            self.give_up(next);
            if self.world.has_outside() || !self.answers.is_empty() || !self.outputs.is_empty() {
                return false;
            }
            if left == 0 {
                self.session.look(&mut self.world);
                if !goes_on() {
                    return false;
                }
                left = EVENTS;
            }
            left -= 1;
            self.world.step();
            self.look_at_waits();
            if let Some(node) = self.world.acted() {
                self.read(node);
            }
        }
        self.give_up(until);
        self.world.idle_until(until);
        self.look_at_waits();
        self.session.look(&mut self.world);
        true
    }

    /// What has come for clients since the last call, in order.
    pub fn take(&mut self) -> Vec<(ConnectionId, DoorEvent)> {
        let mut events = std::mem::take(&mut self.left);
        if self.session.is_in_the_past() {
            // What is watched is not answered.
            return events;
        }
        for (conn, event) in self.world.take_outside() {
            let Some(number) = self.numbers.get(&conn).copied() else { continue };
            match event {
                OutsideEvent::Connected => events.push((number, DoorEvent::Connected)),
                OutsideEvent::Frame(frame) => {
                    let len = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes();
                    events.push((number, DoorEvent::Data(Bytes::copy_from_slice(&len))));
                    events.push((number, DoorEvent::Data(frame.into_bytes())));
                    self.hand_in(number);
                }
                OutsideEvent::Disconnected(reason) => {
                    self.forget(number);
                    events.push((number, DoorEvent::Closed(reason)));
                }
            }
        }
        events
    }

    /// The requests that a trigger has observed, each as one line of JSON.
    ///
    /// # Errors
    /// There is and was no trigger of this name that observes; the text says so.
    pub fn observed(&self, name: &str) -> Result<String, String> {
        blumfeld_console::observed(&self.world, name).map_err(|error| error.to_string())
    }

    /// Begins to wait until a condition is so, and gives the wait's number.
    ///
    /// # Errors
    /// It cannot be read: the text has a mark at the place.
    pub fn wait_for(&mut self, condition: &str) -> Result<u32, String> {
        let condition = Condition::parse(condition).map_err(|error| error.pointed(condition, false))?;
        let wait = self.world.wait_for(condition);
        self.waits_begun += 1;
        self.waits.insert(self.waits_begun, wait);
        self.look_at_waits();
        Ok(self.waits_begun)
    }

    /// How the world stood when a condition came to be so, once; nothing while it is not.
    pub fn reached(&mut self, wait: u32) -> Option<DoorView> {
        self.reached.remove(&wait)
    }

    /// Waits no longer, and gives what keeps the condition from being so.
    pub fn stop_waiting(&mut self, wait: u32) -> Vec<String> {
        self.waits.remove(&wait).map_or_else(Vec::new, |wait| wait.told(&self.world))
    }

    fn look_at_waits(&mut self) {
        if self.waits.is_empty() {
            return;
        }
        let (world, reached) = (&self.world, &mut self.reached);
        self.waits.retain(|id, wait| {
            let is_over = wait.is_over(world);
            if is_over {
                reached.insert(*id, DoorView::of(world));
            }
            !is_over
        });
    }

    /// Injects a fault: a line as the console takes it (`crash 2`, `cut 1 3`, …).
    ///
    /// # Errors
    /// It is none, or cannot be done now; the text says why.
    pub fn inject(&mut self, line: &str) -> Result<(), String> {
        match blumfeld_console::order(&format!("fault {line}")) {
            Some(Ok(Order::Fault(fault))) => {
                self.act(&format!("fault {line}"));
                self.world.inject(fault).map_err(|error| error.to_string())
            }
            Some(Ok(
                Order::ListFaults
                | Order::Observed(_)
                | Order::Membership(_)
                | Order::Background(_)
                | Order::Until(_),
            ))
            | None => Err(format!("`{line}` is no fault")),
            Some(Err(error)) => Err(error.to_string()),
        }
    }

    /// Adds a broker with an empty disk: `id` from 1 to 9, or the lowest that is free. Gives where it will listen.
    ///
    /// # Errors
    /// It cannot be added; the text says why.
    pub fn add_broker(&mut self, id: Option<i32>, rack: Option<String>) -> Result<String, String> {
        self.act("broker add");
        let added = self.world.change_membership(&Membership::Add { id, rack });
        let node = added.map_err(|error| error.to_string())?;
        let brokers = &self.world.config().brokers;
        let broker = brokers.iter().find(|broker| broker.node_id == node.0);
        Ok(broker.map(|broker| broker.advertised.to_string()).unwrap_or_default())
    }

    /// Takes a broker away with its disk, once it has ended in order; with `force` replicas that it has too.
    ///
    /// # Errors
    /// It cannot be removed; the text says why.
    pub fn remove_broker(&mut self, id: i32, force: bool) -> Result<(), String> {
        self.act("broker remove");
        let removed = self.world.change_membership(&Membership::Remove { id, force });
        removed.map(drop).map_err(|error| error.to_string())
    }

    /// The lines of the trace since the last call.
    pub fn take_trace(&mut self) -> Vec<String> {
        let (lines, dropped) = self.world.trace_mut().take();
        let lost = (dropped > 0).then(|| format!("{dropped} lines were too many"));
        lost.into_iter().chain(lines.iter().map(ToString::to_string)).collect()
    }
}

#[cfg(test)]
mod tests;
