//! A world with a door for a script's clients: streams of bytes go in and come out, as on TCP. Producers of ours run in
//! the world itself, and the script asks them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use blumfeld_broker::BrokerConfig;
use blumfeld_client::producer::{Partitioner, Producer};
use blumfeld_client::{ClientConfig, parse_bootstrap};
use blumfeld_condition::Condition;
use blumfeld_console::Order;
use blumfeld_kernel::{ConnectionId, DisconnectReason, Endpoint, Instant};
use blumfeld_protocol::FrameSplitter;
use blumfeld_shell::{ConfigProblem, producer_config};
use blumfeld_sim::{
    DiskConfig, Membership, NetworkConfig, Output, OutsideEvent, ProcessId, Wait, World, WorldConfig,
};
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
    splitter: FrameSplitter,
    requests: VecDeque<Bytes>,
}

/// The world and its clients.
pub struct Door {
    world: World,
    clients: BTreeMap<ConnectionId, Client>,
    /// The producers that run, with what of an answer has been read.
    producers: BTreeMap<ProcessId, FrameSplitter>,
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
        Ok(Door {
            world,
            clients: BTreeMap::new(),
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
        let conn = self.world.connect_outside(&Endpoint::new(host, port), name);
        let client = Client { splitter: FrameSplitter::new(MAX_FRAME), requests: VecDeque::new() };
        self.clients.insert(conn, client);
        conn
    }

    /// A client sends bytes: parts of frames, or several. On a connection that is gone they are lost.
    ///
    /// # Errors
    /// They cannot be frames: the connection is closed, and the text names what was wrong.
    pub fn write(&mut self, conn: ConnectionId, bytes: &[u8]) -> Result<(), String> {
        let Some(client) = self.clients.get_mut(&conn) else { return Ok(()) };
        let requests = &mut client.requests;
        let fed = client.splitter.feed(bytes, |frame| requests.push_back(frame));
        self.hand_in(conn);
        fed.map_err(|error| {
            let what = error.to_string();
            self.clients.remove(&conn);
            self.world.outside_close(conn, DisconnectReason::Malformed(what.as_str().into()));
            what
        })
    }

    fn hand_in(&mut self, conn: ConnectionId) {
        while self.world.outside_in_flight(conn) < IN_FLIGHT
            && let Some(frame) = self.clients.get_mut(&conn).and_then(|client| client.requests.pop_front())
        {
            self.world.outside_send(conn, frame);
        }
    }

    /// A client closes its connection. It is told nothing more.
    pub fn close(&mut self, conn: ConnectionId) {
        if let Some(client) = self.clients.remove(&conn) {
            self.world.outside_close(conn, client.splitter.end());
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
        let id = self.world.spawn(Box::new(ScriptProducer::new(producer)));
        self.producers.insert(id, stream());
        self.begun = self.begun.saturating_add(1);
        Ok(id)
    }

    /// Whether this producer runs.
    pub fn has_producer(&self, id: ProcessId) -> bool {
        self.producers.contains_key(&id)
    }

    /// Asks something of a producer. `token` comes back with the answer.
    pub fn ask(&mut self, id: ProcessId, token: u64, ask: &Ask) {
        if self.has_producer(id) {
            self.world.write_stdin(id, ask.to_frame(token));
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
        let Some(splitter) = self.producers.get_mut(&id) else { return };
        for output in self.world.take_output(id) {
            match output {
                Output::Stdout(bytes) => self.answers.extend(ScriptAnswer::read_all(splitter, &bytes)),
                Output::Stderr(_) => {}
                Output::Exit(_) => {
                    self.producers.remove(&id);
                    return;
                }
            }
        }
    }

    /// Lets the world go on up to `until`, as long as `goes_on` says so and nothing has come for a client, of a
    /// producer or of a tool. Gives whether it came there.
    pub fn run(&mut self, until: Instant, mut goes_on: impl FnMut() -> bool) -> bool {
        let mut left = EVENTS;
        while let Some(next) = self.world.next_event().filter(|next| *next <= until) {
            self.give_up(next);
            if self.world.has_outside() || !self.answers.is_empty() || !self.outputs.is_empty() {
                return false;
            }
            if left == 0 {
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
        true
    }

    /// What has come for clients since the last call, in order.
    pub fn take(&mut self) -> Vec<(ConnectionId, DoorEvent)> {
        let mut events = Vec::new();
        for (conn, event) in self.world.take_outside() {
            if !self.clients.contains_key(&conn) {
                continue;
            }
            match event {
                OutsideEvent::Connected => events.push((conn, DoorEvent::Connected)),
                OutsideEvent::Frame(frame) => {
                    let len = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes();
                    events.push((conn, DoorEvent::Data(Bytes::copy_from_slice(&len))));
                    events.push((conn, DoorEvent::Data(frame.into_bytes())));
                    self.hand_in(conn);
                }
                OutsideEvent::Disconnected(reason) => {
                    self.clients.remove(&conn);
                    events.push((conn, DoorEvent::Closed(reason)));
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
            Some(Ok(Order::Fault(fault))) => self.world.inject(fault).map_err(|error| error.to_string()),
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
mod tests {
    use blumfeld_client::producer::ProducerRecord;

    use super::*;

    /// More than 100 bytes.
    const LONG: &str = concat!(
        "0123456789012345678901234567890123456789012345678901234567890123456789",
        "0123456789012345678901234567890123456789012345678901234567890123456789"
    );

    /// ApiVersions v0, correlation id 7, no client id.
    const API_VERSIONS: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];

    fn settle(door: &mut Door) -> Vec<(ConnectionId, DoorEvent)> {
        let until = door.now() + Duration::from_secs(1);
        let mut events = Vec::new();
        while !door.run(until, || true) {
            events.extend(door.take());
        }
        events.extend(door.take());
        events
    }

    #[test]
    fn bytes_go_in_and_come_out_and_faults_are_felt() {
        let mut door = Door::new(3, 1, 1_700_000_000_000).unwrap();
        assert_eq!(door.bootstrap(), ["localhost:9092", "localhost:9094", "localhost:9096"]);
        let conn = door.connect("localhost", 9092, "script");
        assert_eq!(settle(&mut door), [(conn, DoorEvent::Connected)]);
        for byte in API_VERSIONS {
            door.write(conn, &[byte]).unwrap();
        }
        let events = settle(&mut door);
        let data: Vec<u8> = (events.iter())
            .flat_map(|(_, event)| match event {
                DoorEvent::Data(bytes) => bytes.to_vec(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(data.len(), 4 + usize::from(u16::from_be_bytes([data[2], data[3]])), "one whole frame");
        assert_eq!(data[4..8], [0, 0, 0, 7], "its correlation id");
        door.inject("crash 1").unwrap();
        assert_eq!(settle(&mut door), [(conn, DoorEvent::Closed(DisconnectReason::PeerDown))]);
        let again = door.connect("localhost", 9092, "script");
        assert_eq!(settle(&mut door), [(again, DoorEvent::Closed(DisconnectReason::Refused))]);
        let trace = door.take_trace().join("\n");
        assert!(trace.contains("script"), "{trace}");
    }

    #[test]
    fn what_cannot_be_is_named() {
        assert_eq!(Door::new(0, 1, 0).err().as_deref(), Some("brokers: 0 is not from 1 to 9"));
        let mut door = Door::new(1, 1, 0).unwrap();
        let conn = door.connect("localhost", 9092, "garbage");
        settle(&mut door);
        assert!(door.write(conn, b"GET / HTTP/1.1").is_err_and(|what| what.contains("1195725856")));
        assert_eq!(door.write(conn, b"more"), Ok(()), "it is gone");
        assert_eq!(settle(&mut door), []);
        assert!(door.inject("crush 1").is_err());
        let nowhere = door.connect("localhost", 1, "lost");
        assert_eq!(settle(&mut door), [(nowhere, DoorEvent::Closed(DisconnectReason::Refused))]);
    }

    /// Asks producer `id` for everything in turn, and gives the answers that come within `seconds`.
    fn answers(door: &mut Door, id: ProcessId, asks: &[Ask], seconds: u64) -> Vec<(u64, ScriptAnswer)> {
        (0..).zip(asks).for_each(|(token, ask)| door.ask(id, token, ask));
        let until = door.now() + Duration::from_secs(seconds);
        let mut answers = Vec::new();
        while !door.run(until, || true) {
            answers.extend(door.take_answers());
        }
        answers.extend(door.take_answers());
        answers
    }

    fn record(topic: &str, value: &'static str) -> Ask {
        let value = Some(Bytes::from_static(value.as_bytes()));
        let (topic, partition, timestamp) = (topic.into(), None, Some(1_700_000_000_000));
        Ask::Send(ProducerRecord { topic, partition, timestamp, key: None, value, headers: vec![] })
    }

    fn settings(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn sent(offset: i64) -> ScriptAnswer {
        ScriptAnswer::Sent { partition: 0, offset, timestamp: 1_700_000_000_000 }
    }

    #[test]
    fn a_producer_answers_what_it_is_asked_in_turn() {
        let mut door = Door::new(1, 1, 1_700_000_000_000).unwrap();
        let id = door.producer(&settings(&[("linger.ms", "2000")]), None).unwrap();
        let asks = [record("orders", "a"), record("orders", "b")];
        assert_eq!(answers(&mut door, id, &asks, 1), [], "they linger");
        assert_eq!(answers(&mut door, id, &[], 2), [(0, sent(0)), (1, sent(1))]);
        let asks =
            [record("orders", "c"), Ask::Flush, Ask::Flush, record("orders", "d"), Ask::Close, Ask::Flush];
        let got = answers(&mut door, id, &asks, 1);
        let (closed, done) = (ScriptAnswer::Failed(ScriptError::closed()), ScriptAnswer::Done);
        assert_eq!(
            got,
            [
                (0, sent(2)),
                (1, done.clone()),
                (2, done.clone()),
                (3, sent(3)),
                (4, done),
                (5, closed.clone())
            ],
            "nothing lingers"
        );
        assert!(!door.has_producer(id));
        assert_eq!(answers(&mut door, id, &[record("orders", "e")], 1), [(0, closed)]);
    }

    #[test]
    fn a_producers_errors_are_kafkas() {
        let mut door = Door::new(1, 1, 1_700_000_000_000).unwrap();
        let mut wrong = |name, value| door.producer(&settings(&[(name, value)]), None).unwrap_err();
        let error = wrong("acks", "2");
        assert_eq!(error.name, "ConfigException");
        let text = "Invalid value 2 for configuration acks: String must be one of: all, -1, 0, 1";
        assert_eq!(error.message, text);
        assert!(wrong("bootstrap.servers", "nowhere").message.contains("Invalid url in bootstrap.servers"));
        assert!(wrong("transactional.id", "t").message.contains("not here yet"));
        let id = door.producer(&settings(&[("max.request.size", "100"), ("acks", "0")]), None).unwrap();
        let asks = [record("no topic", "a"), record("small", "b"), record("small", LONG), Ask::Close];
        let got = answers(&mut door, id, &asks, 1);
        let error = |token| {
            let found = got.iter().find(|(of, _)| *of == token);
            match found {
                Some((_, ScriptAnswer::Failed(error))) => (error.name.as_str(), error.code.as_deref()),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(error(0), ("InvalidTopicException", Some("INVALID_TOPIC_EXCEPTION")));
        assert!(got.contains(&(1, sent(-1))), "with acks=0 nobody knows where: {got:?}");
        assert_eq!(error(2), ("RecordTooLargeException", Some("MESSAGE_TOO_LARGE")));
        let id = door.producer(&settings(&[]), None).unwrap();
        let got = answers(&mut door, id, &[record("small", "c")], 1);
        assert!(matches!(got[..], [(0, ScriptAnswer::Sent { offset: 1, .. })]), "{got:?}");
        door.inject("crash 1").unwrap();
        assert_eq!(answers(&mut door, id, &[record("small", "d")], 119), [], "it is tried again");
        let got = answers(&mut door, id, &[], 2);
        let [(0, ScriptAnswer::Failed(error))] = &got[..] else { panic!("{got:?}") };
        assert_eq!(
            (error.name.as_str(), error.code.as_deref()),
            ("TimeoutException", Some("REQUEST_TIMED_OUT"))
        );
        assert!(error.message.starts_with("Expiring 1 record(s) for small-0:"), "{}", error.message);
    }

    #[test]
    fn a_tool_answers_with_its_output_or_is_killed_at_its_time() {
        let mut door = Door::new(1, 1, 1_700_000_000_000).unwrap();
        let mut run = |token, line: &str, stdin: &'static str, ms| {
            let begun = door.now();
            door.tool(token, line, Bytes::from_static(stdin.as_bytes()), Duration::from_millis(ms)).unwrap();
            while door.outputs.is_empty() {
                door.run(begun + Duration::from_secs(60), || true);
            }
            let taken = door.take_outputs();
            let [(of, output)] = &taken[..] else { panic!("{taken:?}") };
            assert_eq!(*of, token);
            (output.clone(), door.now().since(begun))
        };
        let topics = "kafka-topics.sh --bootstrap-server localhost:9092";
        let (created, _) = run(1, &format!("{topics} --create --topic small --partitions 2"), "", 30_000);
        assert_eq!((created.stdout.as_str(), created.exit), ("Created topic small.\n", Some(0)));
        let (again, _) = run(2, &format!("{topics} --create --topic small"), "", 30_000);
        assert!(again.exit == Some(1) && again.stderr.contains("TopicExistsException"), "{again:?}");
        let producer = "kafka-console-producer.sh --bootstrap-server localhost:9092 --topic small";
        let (written, _) = run(3, producer, "a\nb\n", 30_000);
        assert_eq!(written.exit, Some(0));
        let consumer =
            "kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic small --from-beginning";
        let (read, took) = run(4, consumer, "", 5_000);
        assert_eq!((read.exit, took), (None, Duration::from_secs(5)), "it would go on for ever");
        assert_eq!(read.stdout.lines().count(), 2, "what it wrote is not lost");
        let start = |door: &mut Door, line| door.tool(5, line, Bytes::new(), Duration::ZERO).unwrap_err();
        assert!(start(&mut door, "fault crash 1").contains("asks the world"));
        assert!(start(&mut door, "kafka-cats.sh").contains("kafka-cats.sh"));
    }

    #[test]
    fn records_are_read_where_they_stand_and_what_is_not_there_is_named() {
        let mut door = Door::new(3, 1, 1_700_000_000_000).unwrap();
        let id = door.producer(&settings(&[]), None).unwrap();
        assert_eq!(
            answers(&mut door, id, &[record("a", "x"), record("a", "y"), record("b", "z")], 5).len(),
            3
        );
        let (before, all) = (door.view(), RecordRange { partition: None, from: 0, limit: usize::MAX });
        let values = |topic, range| {
            let records = door.records(topic, range).unwrap();
            let value = |one: &DoorRecord| String::from_utf8(one.value.clone().unwrap().into_vec()).unwrap();
            records.iter().map(value).collect::<Vec<_>>()
        };
        assert_eq!(values("a", all), ["x", "y"]);
        assert_eq!(values("a", RecordRange { from: 1, ..all }), ["y"]);
        assert_eq!(values("a", RecordRange { limit: 1, ..all }), ["x"]);
        assert_eq!(values("b", RecordRange { partition: Some(0), ..all }), ["z"]);
        assert_eq!(door.view(), before, "nothing notices");
        let refused = |door: &Door, topic, range| door.records(topic, range).unwrap_err();
        assert_eq!(refused(&door, "c", all), "there is no topic c; there are: a, b");
        let second = RecordRange { partition: Some(1), ..all };
        assert_eq!(refused(&door, "a", second), "there is no partition a-1; a has 1 from 0 on");
        let leader = before.topics.iter().find(|topic| topic.name == "a").unwrap().partitions[0].leader;
        door.inject(&format!("crash {leader}")).unwrap();
        assert_eq!(refused(&door, "a", all), "no broker that runs has a log of a-0");
        for id in [1, 2, 3].into_iter().filter(|id| *id != leader) {
            door.inject(&format!("crash {id}")).unwrap();
        }
        assert_eq!(refused(&door, "a", all), "no broker runs, so nobody knows the topic a");
    }
}
