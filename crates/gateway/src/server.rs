//! `serve`: the loop that drives the world and the sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use blumfeld_condition::Condition;
use blumfeld_console::{Order, OrderError};
use blumfeld_kernel::{ConnectionId, DisconnectReason, Endpoint, Instant, NodeId};
use blumfeld_sim::{Membership, OutsideEvent, World, controller_listener};
use blumfeld_timeline::Session;
use mio::{Events, Interest, Poll, Token, Waker};

use crate::args::{Level, Serve};
use crate::clock::{Clock, entropy, unix_ms};
use crate::cluster::world_config;
use crate::control::{self, Errand, Watch};
use crate::data_dir::DataDir;
use crate::door::{Client, Door, Listen, name};
use crate::log::Log;
use crate::ready::Ready;

/// The token of signals and commands; a door's is the id of its broker, and the clients come after these.
pub(crate) const WAKER: Token = Token(0);
const FIRST_CLIENT: usize = 1_024;
/// Where the first broker listens, unless it is said.
const LISTEN: &str = "127.0.0.1:9092";
/// Bytes that are read at once from a client that is between two frames.
const SCRATCH: usize = 64 * 1024;
/// Events of the world between two looks at the sockets.
const EVENTS_A_TURN: u32 = 4_096;
/// When clients leave so many bytes untaken in all, each is given one response at a time.
const TIGHT: usize = 64 * 1024 * 1024;
/// Virtual time that the start of the brokers may jump over.
const BOOT: Duration = Duration::from_secs(60);
/// Virtual time that a broker is given to hand its leaderships over.
const SHUTDOWN: Duration = Duration::from_secs(10);
/// A failed write is tried again after this.
const DISK_RETRY: Duration = Duration::from_secs(1);

/// Why the gateway cannot start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A flag or config is wrong.
    #[error("{0}")]
    Usage(String),
    /// The data directory cannot be used.
    #[error("--data-dir {0}: {1}")]
    DataDir(String, io::Error),
    /// The file that is to say that the cluster serves cannot be written.
    #[error("--ready-file {0}: {1}")]
    ReadyFile(String, io::Error),
    /// A command cannot be run beside the cluster.
    #[error("cannot run {0}: {1}")]
    Command(String, io::Error),
    /// The operating system refused something.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Runs until it is told to stop.
///
/// # Errors
/// It cannot start, or its files cannot be made durable at the end.
pub fn serve(args: &Serve) -> Result<(), ServeError> {
    let log = Log::new(args.log_level);
    allow_many_files();
    // A signal may come from the first moment on.
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    let signals = Arc::new(AtomicUsize::new(0));
    let (counted, wakes) = (Arc::clone(&signals), Arc::clone(&waker));
    ctrlc::set_handler(move || {
        // A second one does not wait for the brokers.
        if counted.fetch_add(1, Ordering::SeqCst) > 0 {
            std::process::exit(130);
        }
        let _ = wakes.wake();
    })
    .map_err(|error| ServeError::Usage(error.to_string()))?;
    let mut server = Server::start(args, log, poll, signals)?;
    let ready = Ready::new(server.addresses());
    if let Some(path) = &args.ready_file {
        ready.write(path).map_err(|error| ServeError::ReadyFile(path.display().to_string(), error))?;
    }
    let state = if server.world.is_settled() { "ready" } else { "up, but not every broker is ready" };
    // A script waits for this line.
    say(&if args.json {
        ready.json()
    } else {
        format!("Blumfeld is {state}: {}", ready.bootstrap_servers())
    });
    let errands = args.control.then(|| control::listen(waker));
    server.run(errands.as_ref())?;
    server.shut_down()
}

/// A line on the standard output, for a script that listens. Who closed it does not.
fn say(line: &str) {
    let mut stdout = io::stdout();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// As many open files as the system allows: a thousand clients are more than the usual soft limit.
pub(crate) fn allow_many_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // Where it is refused, the old limit holds.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// Binds the port of a broker, and listens to it.
fn open(poll: &Poll, listen: &Listen, id: i32) -> Result<Door, String> {
    let mut door = listen.bind(id)?;
    let token = Token(usize::try_from(id).unwrap_or(0));
    let registered = poll.registry().register(&mut door.listener, token, Interest::READABLE);
    registered.map_err(|error| format!("cannot listen on {}: {error}", door.endpoint))?;
    Ok(door)
}

pub(crate) struct Server {
    pub(crate) world: World,
    pub(crate) clock: Clock,
    /// What was, of a cluster in memory that is told lines.
    pub(crate) session: Option<Session>,
    log: Log,
    data: Option<DataDir>,
    poll: Poll,
    listen: Listen,
    /// By the brokers' ids.
    doors: BTreeMap<i32, Door>,
    pub(crate) clients: BTreeMap<ConnectionId, Client>,
    /// Clients with which something is to be done.
    touched: BTreeSet<ConnectionId>,
    /// Bytes of responses that clients have not taken.
    untaken: usize,
    request_max_bytes: usize,
    scratch: Vec<u8>,
    /// Failed writes are tried again then.
    disk_retry: Option<Instant>,
    signals: Arc<AtomicUsize>,
    /// `quit` was read.
    quit: bool,
    /// What others in this process wait for, and at which event they last looked.
    watches: Vec<Watch>,
    looked: Option<u64>,
}

impl Server {
    pub(crate) fn start(
        args: &Serve,
        log: Log,
        poll: Poll,
        signals: Arc<AtomicUsize>,
    ) -> Result<Server, ServeError> {
        let (mut data, mut disks) = (None, BTreeMap::new());
        let in_dir = |error| {
            ServeError::DataDir(args.data_dir.as_deref().unwrap_or(".".as_ref()).display().to_string(), error)
        };
        if let Some(path) = &args.data_dir {
            let (dir, stored) = DataDir::open(path).map_err(in_dir)?;
            (data, disks) = (Some(dir), stored);
        }
        let stored = disks.len();
        let count = args.brokers.map_or(stored.max(1), usize::from);
        if stored > 0 && stored != count {
            return Err(ServeError::Usage(format!(
                "--brokers {count}: the data directory holds a cluster of {stored}, whose quorum cannot change"
            )));
        }
        let listen = args.listen.as_deref().unwrap_or(LISTEN);
        let listen = Listen::parse(listen, args.advertise.as_deref()).map_err(ServeError::Usage)?;
        let mut doors = BTreeMap::new();
        for id in (1..).take(count) {
            doors.insert(id, open(&poll, &listen, id).map_err(ServeError::Usage)?);
        }
        let seed = args.seed.unwrap_or_else(entropy);
        let advertised: Vec<_> = doors.values().map(|door| door.endpoint.clone()).collect();
        // What is written while virtual time jumps bears a time that has been.
        let epoch_ms = unix_ms() - i64::try_from(BOOT.as_millis()).unwrap_or(0);
        let mut config = world_config(args, &advertised, seed, epoch_ms).map_err(ServeError::Usage)?;
        config.boot = data.as_ref().map_or(0, DataDir::boot);
        let request_max_bytes =
            config.brokers.first().map_or(usize::MAX, |broker| broker.socket_request_max_bytes);
        let mut world = World::new(config, disks);
        // Only what can be taken back is compared with anything.
        let rewinds = args.control && args.data_dir.is_none();
        if !rewinds {
            world.stop_digest();
        }
        if let (Some(data), Some(path)) = (&mut data, &args.data_dir) {
            data.make(path, world.nodes()).map_err(in_dir)?;
            world.keep_disk_ops();
        }
        let mut server = Server {
            clock: Clock::begin(world.now()),
            session: None,
            world,
            log,
            data,
            poll,
            listen,
            doors,
            clients: BTreeMap::new(),
            touched: BTreeSet::new(),
            untaken: 0,
            request_max_bytes,
            scratch: vec![0; SCRATCH],
            disk_retry: None,
            signals,
            quit: false,
            watches: Vec::new(),
            looked: None,
        };
        server.boot();
        if rewinds {
            server.session = Some(Session::begin(&mut server.world));
        }
        Ok(server)
    }

    /// Lets the brokers start. Nobody is connected yet, so virtual time jumps from timer to timer; real time begins
    /// after.
    fn boot(&mut self) {
        let end = self.world.now() + BOOT;
        while !self.world.is_settled() && self.world.next_event().is_some_and(|at| at <= end) {
            self.world.step();
            self.write_files();
            self.tell_trace();
        }
        self.clock = Clock::begin(self.world.now());
        self.world.set_unix_ms(unix_ms());
    }

    /// Where each broker listens.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (i32, &Endpoint)> {
        self.doors.iter().map(|(id, door)| (*id, &door.endpoint))
    }

    fn is_told_to_stop(&self) -> bool {
        self.quit || self.signals.load(Ordering::SeqCst) > 0
    }

    /// Drives the cluster until it is told to stop.
    pub(crate) fn run(&mut self, errands: Option<&Receiver<Errand>>) -> io::Result<()> {
        let mut events = Events::with_capacity(1_024);
        while !self.is_told_to_stop() {
            let more = self.turn() || !self.touched.is_empty();
            self.look();
            let wait = self.wait(more);
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            // What comes in now comes in now, and not when the world last did something.
            self.advance();
            self.hear(&events, errands)?;
            self.read();
        }
        Ok(())
    }

    /// How long to sleep; `None` is until something comes in.
    fn wait(&self, more: bool) -> Option<Duration> {
        if more {
            return Some(Duration::ZERO);
        }
        if self.is_in_the_past() {
            return None;
        }
        let next = self.world.next_event().into_iter().chain(self.disk_retry).min();
        next.map(|at| self.clock.until(at))
    }

    // ---- the world

    /// Handles what is due, though not endlessly much; whether more is.
    fn advance(&mut self) -> bool {
        if self.is_in_the_past() {
            return false;
        }
        let now = self.clock.now();
        for _ in 0..EVENTS_A_TURN {
            if self.world.next_event().is_none_or(|at| at > now) {
                self.world.idle_until(now);
                return false;
            }
            self.world.step();
        }
        true
    }

    /// The world acts, its files follow, and clients are sent what came for them. Whether there is more to do at once.
    fn turn(&mut self) -> bool {
        let mut rounds = 0;
        loop {
            let more = self.advance();
            let failed = self.write_files();
            self.tell_trace();
            self.deliver(failed);
            self.serve_touched();
            self.close_doors();
            if let Some(session) = &mut self.session {
                session.look(&mut self.world);
            }
            rounds += 1;
            let due =
                !self.is_in_the_past() && self.world.next_event().is_some_and(|at| at <= self.world.now());
            if more || !due || rounds == 64 {
                return more || due;
            }
        }
    }

    /// Does to the files what the brokers did to their disks; whether that failed.
    fn write_files(&mut self) -> bool {
        let Some(data) = &mut self.data else { return false };
        let ops = self.world.take_disk_ops();
        let now = self.clock.now();
        if ops.is_empty() && self.disk_retry.is_none_or(|at| at > now) {
            return data.is_behind();
        }
        let failed = data.apply(ops);
        for node in self.world.nodes().collect::<Vec<_>>() {
            let error = failed.iter().find(|(failed, _)| *failed == node).map(|(_, error)| error.clone());
            self.world.set_disk_error(node, error);
        }
        self.disk_retry = (!failed.is_empty()).then(|| now + DISK_RETRY);
        !failed.is_empty()
    }

    fn tell_trace(&mut self) {
        if self.log.wants_trace() && self.world.trace().newest().is_some() {
            let (lines, dropped) = self.world.trace_mut().take();
            for line in &lines {
                self.log.trace(line);
            }
            if dropped > 0 {
                self.log.line(Level::Warn, &format!("{dropped} lines were too many"));
            }
        }
    }

    /// Takes what came for clients. If files lack what it may speak of, the clients are cut off instead.
    fn deliver(&mut self, failed: bool) {
        for (conn, event) in self.world.take_outside() {
            let Some(client) = self.clients.get_mut(&conn) else { continue };
            self.touched.insert(conn);
            match event {
                OutsideEvent::Connected => client.stands = true,
                OutsideEvent::Frame(_) if failed => {
                    self.world.outside_close(conn, DisconnectReason::Reset);
                    client.leaving = true;
                }
                OutsideEvent::Frame(frame) => {
                    let before = client.untaken();
                    client.respond(frame);
                    self.untaken += client.untaken() - before;
                }
                OutsideEvent::Disconnected(_) => client.leaving = true,
            }
        }
    }

    /// Writes to clients, hands their requests in, and lets those go that are done.
    fn serve_touched(&mut self) {
        let tight = self.untaken > TIGHT;
        for conn in std::mem::take(&mut self.touched) {
            let Some(client) = self.clients.get_mut(&conn) else { continue };
            let before = client.untaken();
            client.write();
            self.untaken = self.untaken.saturating_sub(before - client.untaken());
            while let Some(frame) = client.next_request(self.world.outside_in_flight(conn), tight) {
                self.world.outside_send(conn, frame);
            }
            if let Some(reason) = client.ended() {
                self.world.outside_close(conn, reason);
                client.leaving = true;
            }
            if client.leaving {
                self.let_go(conn);
            } else if client.may_read() {
                self.touched.insert(conn);
            }
        }
    }

    pub(crate) fn let_go(&mut self, conn: ConnectionId) {
        if let Some(mut client) = self.clients.remove(&conn) {
            self.untaken = self.untaken.saturating_sub(client.untaken());
            let _ = self.poll.registry().deregister(&mut client.stream);
        }
    }

    // ---- the sockets

    fn hear(&mut self, events: &Events, errands: Option<&Receiver<Errand>>) -> io::Result<()> {
        for event in events {
            match event.token() {
                WAKER => {
                    while let Some(errand) = errands.and_then(|errands| errands.try_recv().ok()) {
                        self.errand(errand);
                    }
                }
                Token(door) if door < FIRST_CLIENT => self.accept(door)?,
                Token(client) => {
                    let conn = ConnectionId((client - FIRST_CLIENT) as u64);
                    if let Some(client) = self.clients.get_mut(&conn) {
                        let closed = event.is_error() || event.is_read_closed();
                        client.wake(event.is_readable(), event.is_writable(), closed);
                        self.touched.insert(conn);
                    }
                }
            }
        }
        Ok(())
    }

    fn accept(&mut self, door: usize) -> io::Result<()> {
        loop {
            let door = i32::try_from(door).ok().and_then(|id| self.doors.get(&id));
            let Some(Door { listener, endpoint }) = door else { return Ok(()) };
            let (mut stream, address) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    // The client is gone again, or there are too many.
                    self.log.line(Level::Warn, &format!("a client of {endpoint} was not let in: {error}"));
                    return Ok(());
                }
            };
            // Small answers must not wait for the next.
            let _ = stream.set_nodelay(true);
            let endpoint = endpoint.clone();
            self.act("connect");
            let conn = self.world.connect_outside(&endpoint, &name(address));
            let token = Token(FIRST_CLIENT + usize::try_from(conn.0).unwrap_or(usize::MAX - FIRST_CLIENT));
            self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            self.clients.insert(conn, Client::new(stream, self.request_max_bytes));
        }
    }

    /// Reads from the clients that something may have come from.
    fn read(&mut self) {
        for conn in &self.touched {
            if let Some(client) = self.clients.get_mut(conn) {
                client.read(&mut self.scratch);
            }
        }
    }

    fn errand(&mut self, errand: Errand) {
        match errand {
            Errand::Line(line) if let Some(Ok(Order::Until(condition))) = blumfeld_console::order(&line) => {
                self.say_when(condition);
            }
            Errand::Line(line) => {
                let done = self.command(&line);
                say(&done.map_or_else(|error| format!("error: {error}"), |text| format!("{text}ok")));
            }
            Errand::Ask(line, answer) => {
                let done = self.command(&line);
                // What a line says of itself nobody would read: the program has forgotten what comes behind.
                let done = match blumfeld_console::order(&line) {
                    None if done.as_ref().is_ok_and(|text| !text.is_empty()) => {
                        Err(format!("say what behind '{}'", line.trim()))
                    }
                    _ => done.map(drop),
                };
                // Who does not wait for the answer does not want it.
                let _ = answer.send(done);
            }
            Errand::Watch(watch) => {
                self.watches.push(watch);
                self.looked = None;
            }
        }
    }

    /// Answers a line once its condition is so.
    fn say_when(&mut self, condition: Condition) {
        let wait = self.world.wait_for(condition);
        self.watches.push(Box::new(move |world| {
            let is_over = wait.is_over(world);
            if is_over {
                say(&format!("{}: {}\nok", world.now(), wait.condition()));
            }
            is_over
        }));
        self.looked = None;
    }

    /// Lets those look that wait for something, if something happened.
    fn look(&mut self) {
        if self.watches.is_empty() || self.looked == Some(self.world.events()) {
            return;
        }
        let world = &mut self.world;
        self.watches.retain_mut(|watch| !watch(world));
        self.looked = Some(self.world.events());
    }

    /// Does what a line says, and gives what it says to that, in whole lines.
    fn command(&mut self, line: &str) -> Result<String, String> {
        let line = line.trim();
        if let Some(answer) = self.timeline(line) {
            return answer;
        }
        let nothing = |()| String::new();
        match blumfeld_console::order(line) {
            _ if line == "quit" => {
                self.quit = true;
                Ok(String::new())
            }
            Some(Ok(Order::Fault(fault))) => {
                self.act(line);
                self.world.inject(fault).map(nothing).map_err(|error| error.to_string())
            }
            Some(Ok(Order::ListFaults)) => {
                Ok(self.world.faults().iter().map(|fault| format!("fault {fault}\n")).collect())
            }
            Some(Ok(Order::Observed(name))) => {
                blumfeld_console::observed(&self.world, &name).map_err(|error| error.to_string())
            }
            Some(Ok(Order::Membership(change))) => {
                self.act(line);
                self.change_membership(change).map(nothing)
            }
            Some(Err(
                error @ (OrderError::Fault(_) | OrderError::Membership(_) | OrderError::Condition { .. }),
            )) => Err(error.to_string()),
            Some(Ok(Order::Until(_))) => {
                Err("only a line of the standard input is answered later".to_owned())
            }
            // Nobody reads a client's lines here: scripts read the log.
            Some(Ok(Order::Background(_)) | Err(OrderError::Background(_))) | None => {
                let first = self.doors.values().next();
                let explanation = first.and_then(|door| blumfeld_console::explanation(line, door));
                explanation.ok_or_else(|| {
                    format!("there is no command '{line}', only fault, broker, until, timeline, why, odds and quit")
                })
            }
        }
    }

    /// Adds a broker with a port of its own, or takes one away.
    fn change_membership(&mut self, change: Membership) -> Result<(), String> {
        if self.data.is_some() {
            return Err("with --data-dir the brokers are those that it holds".to_owned());
        }
        let Membership::Add { id, rack } = change else {
            return self.world.change_membership(&change).map(drop).map_err(|error| error.to_string());
        };
        let mut config = self.world.joining(id, rack).map_err(|error| error.to_string())?;
        let id = config.node_id;
        let door = open(&self.poll, &self.listen, id)?;
        config.advertised = door.endpoint.clone();
        config.controller_listener = controller_listener(id);
        self.doors.insert(id, door);
        self.world.admit(config);
        Ok(())
    }

    /// Closes the ports of brokers that are gone.
    fn close_doors(&mut self) {
        let world = &self.world;
        if self.doors.len() == world.config().brokers.len() {
            return;
        }
        for (_, mut door) in self.doors.extract_if(.., |id, _| world.disk(NodeId(*id)).is_none()) {
            let _ = self.poll.registry().deregister(&mut door.listener);
        }
    }

    // ---- the end

    /// Ends every broker in order, the active controller last, and makes its files durable.
    pub(crate) fn shut_down(&mut self) -> Result<(), ServeError> {
        self.log.line(Level::Info, "shutting down");
        self.doors.clear();
        let mut nodes: Vec<NodeId> = self.world.nodes().collect();
        nodes.sort_by_key(|node| {
            self.world.broker(*node).is_some_and(blumfeld_broker::Broker::is_active_controller)
        });
        for node in nodes {
            self.world.begin_shutdown(node);
            let end = self.world.now() + SHUTDOWN;
            while self.world.broker(node).is_some() && self.world.next_event().is_some_and(|at| at <= end) {
                self.world.step();
                let failed = self.write_files();
                self.deliver(failed);
                self.serve_touched();
                self.tell_trace();
            }
            // Nobody is left to take its leaderships.
            if self.world.broker(node).is_some() {
                self.world.shut_down(node);
            }
            self.write_files();
            self.log.line(Level::Info, &format!("{node} has shut down"));
        }
        if let Some(data) = &mut self.data {
            data.sync()?;
        }
        Ok(())
    }
}
