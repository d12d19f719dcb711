//! Runs one console line against a real cluster over TCP: how these tools are compared with Kafka's own.
//!
//! ```text
//! tcp HOST:PORT [-d DIRECTORY] -- LINE
//! ```
//!
//! Files of the line are read from the directory.

use std::collections::BTreeMap;
use std::io::{BufRead, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::process::exit;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use bytes::Bytes;

use blumfeld_kernel::{
    ConnectionId, Context, DisconnectReason, Effect, Endpoint, Input, Instant, NodeId, Outbox, Peer, Prng,
    Process,
};
use blumfeld_shell::{Environment, Language, StdinSource, start};

/// The wall clock, which this native program alone may read.
#[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a native driver lives in real time")]
mod clock {
    pub struct Clock(std::time::Instant);

    impl Clock {
        pub fn begin() -> (Clock, i64) {
            let epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let ms = epoch.map_or(0, |epoch| i64::try_from(epoch.as_millis()).unwrap_or(0));
            (Clock(std::time::Instant::now()), ms)
        }

        pub fn now(&self) -> blumfeld_kernel::Instant {
            blumfeld_kernel::Instant::from_micros(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(0))
        }
    }
}

struct Files {
    bootstrap: Endpoint,
    directory: PathBuf,
}

impl Environment for Files {
    fn bootstrap(&self) -> Endpoint {
        self.bootstrap.clone()
    }
    fn topics(&self) -> Vec<String> {
        Vec::new()
    }
    fn dropped_files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }
    fn disk_files(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn read_disk_file(&self, path: &str) -> Option<Bytes> {
        std::fs::read(self.directory.join(path)).ok().map(Bytes::from)
    }
    fn language(&self) -> Language {
        Language::English
    }
}

/// Reads frames of one connection until it ends.
fn receive(conn: ConnectionId, mut stream: TcpStream, inputs: &Sender<Input>) {
    loop {
        let mut length = [0; 4];
        if stream.read_exact(&mut length).is_err() {
            break;
        }
        let mut frame = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap_or(0)];
        if stream.read_exact(&mut frame).is_err()
            || inputs.send(Input::Frame { conn, frame: Bytes::from(frame).into() }).is_err()
        {
            return;
        }
    }
    let _ = inputs.send(Input::Disconnected { conn, reason: DisconnectReason::PeerDown });
}

/// The standard input of the process, a piece each time it is asked for.
enum Stdin {
    Terminal,
    File(std::fs::File),
    Text(String),
    Empty,
}

impl Stdin {
    fn read(&mut self) -> Input {
        let mut bytes = Vec::new();
        match self {
            Stdin::Terminal => {
                let _ = std::io::stdin().lock().read_until(b'\n', &mut bytes);
            }
            Stdin::File(file) => {
                let _ = file.take(64 * 1024).read_to_end(&mut bytes);
            }
            Stdin::Text(text) => bytes = std::mem::take(text).into_bytes(),
            Stdin::Empty => {}
        }
        if bytes.is_empty() { Input::StdinClosed } else { Input::Stdin { bytes: bytes.into() } }
    }
}

fn main() {
    let mut words = std::env::args().skip(1);
    let (host, port) = match words.next().as_deref().and_then(|to| to.rsplit_once(':')) {
        Some((host, port)) => (host.to_owned(), port.parse().unwrap_or(9092)),
        None => return eprintln!("tcp HOST:PORT [-d DIRECTORY] -- LINE"),
    };
    let mut directory = PathBuf::from(".");
    for word in words.by_ref() {
        match word.as_str() {
            "-d" => continue,
            "--" => break,
            other => directory = other.into(),
        }
    }
    let line = words.collect::<Vec<_>>().join(" ");
    let env = Files { bootstrap: Endpoint::new(&host, port), directory };
    let started = match start(&line, &env) {
        Ok(started) => started,
        Err(error) => {
            eprintln!("{error}");
            exit(error.exit_code());
        }
    };
    let stdin = match started.stdin {
        StdinSource::Terminal => Stdin::Terminal,
        StdinSource::Empty => Stdin::Empty,
        StdinSource::Text(text) => Stdin::Text(text),
        StdinSource::File(name) => {
            std::fs::File::open(env.directory.join(name)).map_or(Stdin::Empty, Stdin::File)
        }
    };
    exit(run(started.process, stdin));
}

fn run(mut process: Box<dyn Process>, mut stdin: Stdin) -> i32 {
    let (clock, epoch_ms) = clock::Clock::begin();
    let (to_process, inputs): (Sender<Input>, Receiver<Input>) = channel();
    let mut rng = Prng::new(u64::try_from(epoch_ms).unwrap_or(0), "tcp");
    let (mut connections, mut flushes) = (0, 0);
    let mut streams: BTreeMap<ConnectionId, TcpStream> = BTreeMap::new();
    let mut next = Some(Input::Started);
    loop {
        let now = clock.now();
        let input = match next.take() {
            Some(input) => input,
            None => match process.next_timeout() {
                Some(at) if at <= now => Input::Timeout,
                at => {
                    let wait = at.map_or(Duration::from_secs(3_600), |at: Instant| at.since(now));
                    match inputs.recv_timeout(wait) {
                        Ok(input) => input,
                        Err(RecvTimeoutError::Timeout) => Input::Timeout,
                        Err(RecvTimeoutError::Disconnected) => return 1,
                    }
                }
            },
        };
        let (mut effects, mut events) = (Vec::new(), Vec::new());
        let out = Outbox {
            effects: &mut effects,
            events: &mut events,
            connections: &mut connections,
            flushes: &mut flushes,
        };
        let mut cx = Context { node: NodeId::FIRST_CLIENT, now: clock.now(), epoch_ms, rng: &mut rng, out };
        process.handle(&mut cx, input);
        for effect in effects {
            match effect {
                Effect::Connect { conn, to } => {
                    let input = match TcpStream::connect((&*to.host, to.port)) {
                        Ok(stream) => {
                            let _ = stream.set_nodelay(true);
                            if let Ok(reader) = stream.try_clone() {
                                let inputs = to_process.clone();
                                std::thread::spawn(move || receive(conn, reader, &inputs));
                            }
                            streams.insert(conn, stream);
                            Input::Connected { conn, peer: Peer::Listener(to) }
                        }
                        Err(_) => Input::Disconnected { conn, reason: DisconnectReason::Refused },
                    };
                    let _ = to_process.send(input);
                }
                Effect::Send { conn, frame, .. } => {
                    if let Some(stream) = streams.get_mut(&conn) {
                        let length = u32::try_from(frame.len()).unwrap_or(0).to_be_bytes();
                        let _ = stream.write_all(&[&length[..], &frame.into_bytes()].concat());
                    }
                }
                Effect::Disconnect { conn, .. } => {
                    if let Some(stream) = streams.remove(&conn) {
                        let _ = stream.shutdown(Shutdown::Both);
                    }
                }
                Effect::ReadStdin => {
                    let _ = to_process.send(stdin.read());
                }
                Effect::Stdout(bytes) => {
                    let _ = std::io::stdout().write_all(&bytes);
                    let _ = std::io::stdout().flush();
                }
                Effect::Stderr(bytes) => {
                    let _ = std::io::stderr().write_all(&bytes);
                }
                Effect::Exit(code) => return code,
                Effect::Disk { .. } => {}
            }
        }
    }
}
