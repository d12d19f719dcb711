//! The TCP side: one port a broker, and what stands between a socket and the world.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};

use blumfeld_console::Environment;
use blumfeld_kernel::{DisconnectReason, Endpoint, Frame};
use blumfeld_protocol::FrameSplitter;
use bytes::{Bytes, BytesMut};
use mio::net::{TcpListener, TcpStream};

/// Read of a client in one turn, so that it does not keep the others waiting. In bytes.
const READ_A_TURN: usize = 4 * 1024 * 1024;
/// A client that has so many bytes of responses to take is given no more until it has taken them.
const UNTAKEN: usize = 1024 * 1024;
/// Requests of one client that are in the world at a time: enough for a link with latency.
const IN_FLIGHT: usize = 8;
/// Pieces of one write.
const PIECES: usize = 256;
/// Pieces of a response that are shorter, in bytes, are written together: a copy costs less than a piece of a write.
const SHORT: usize = 1024;

/// A port, and the broker behind it.
#[derive(Debug)]
pub struct Door {
    /// The port's socket.
    pub listener: TcpListener,
    /// Where the broker listens in the world: what it advertises.
    pub endpoint: Endpoint,
}

impl Environment for Door {
    fn bootstrap(&self) -> Endpoint {
        self.endpoint.clone()
    }

    // No tools run here that would complete their names.
    fn topics(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Where to bind ports, and what to tell clients of them.
#[derive(Debug)]
pub struct Listen {
    host: String,
    port: u16,
    advertise: Option<String>,
}

impl Listen {
    /// Reads `--listen` and `--advertise`.
    ///
    /// # Errors
    /// `--listen` is not HOST:PORT.
    pub fn parse(listen: &str, advertise: Option<&str>) -> Result<Listen, String> {
        let bad = || format!("--listen {listen} is not HOST:PORT");
        let (host, port) = listen.rsplit_once(':').ok_or_else(bad)?;
        let (host, port) = (host.trim_matches(['[', ']']).to_owned(), port.parse().map_err(|_| bad())?);
        Ok(Listen { host, port, advertise: advertise.map(ToOwned::to_owned) })
    }

    /// Binds the port of a broker: as many above the first as its id is above 1, or any if the first is 0.
    ///
    /// # Errors
    /// There is no such port, or the address cannot be resolved or is in use, in words.
    pub fn bind(&self, id: i32) -> Result<Door, String> {
        let (host, first) = (&self.host, self.port);
        let port = match first {
            0 => 0,
            first => u16::try_from(i32::from(first) + id - 1).map_err(|_| {
                format!("--listen {host}:{first}: there is no port for broker {id} from {first} on")
            })?,
        };
        let cannot = |error: io::Error| format!("cannot listen on {host}:{port}: {error}");
        let address = (host.as_str(), port).to_socket_addrs().map_err(cannot)?.next();
        let address = address.ok_or_else(|| format!("--listen {host}:{first}: {host} has no address"))?;
        let listener = TcpListener::bind(address).map_err(cannot)?;
        let bound = listener.local_addr().map_err(cannot)?;
        if self.advertise.is_none() && bound.ip().is_unspecified() {
            return Err(format!(
                "no client can connect to {host}: give the host to tell clients with --advertise"
            ));
        }
        Ok(Door { listener, endpoint: Endpoint::new(self.advertise.as_ref().unwrap_or(host), bound.port()) })
    }
}

/// A client's socket.
#[derive(Debug)]
pub struct Client {
    /// Its socket.
    pub stream: TcpStream,
    /// Whether its connection stands in the world: before that nothing of it is read.
    pub stands: bool,
    splitter: FrameSplitter,
    /// Requests that are still to be handed in.
    requests: VecDeque<Bytes>,
    /// Responses that are still to be written, each with its length.
    responses: VecDeque<([u8; 4], Frame)>,
    /// Bytes of them.
    untaken: usize,
    /// Of the first of them so much is written.
    written: usize,
    readable: bool,
    writable: bool,
    /// The client sends nothing after what is there.
    half_closed: bool,
    /// How the client's side ended, or why it is ended here.
    ended: Option<DisconnectReason>,
    /// The client closed its socket, or sent what is no frame.
    gone: bool,
    /// The world has closed the connection: the socket goes once what it takes at once is written.
    pub leaving: bool,
}

impl Client {
    /// A client that has connected.
    pub fn new(stream: TcpStream, limit: usize) -> Client {
        Client {
            stream,
            stands: false,
            splitter: FrameSplitter::new(limit),
            requests: VecDeque::new(),
            responses: VecDeque::new(),
            untaken: 0,
            written: 0,
            readable: false,
            writable: true,
            half_closed: false,
            ended: None,
            gone: false,
            leaving: false,
        }
    }

    /// The socket may be read or written again, or the client sends nothing more.
    pub fn wake(&mut self, readable: bool, writable: bool, closed: bool) {
        self.readable |= readable || closed;
        self.writable |= writable || closed;
        self.half_closed |= closed;
    }

    /// Whether its socket may have something that there is room for.
    pub fn may_read(&self) -> bool {
        self.readable
            && self.stands
            && !self.leaving
            && !self.gone
            && self.ended.is_none()
            && self.requests.len() < IN_FLIGHT
            && self.untaken < UNTAKEN
    }

    /// Reads what has come, though not endlessly much.
    pub fn read(&mut self, scratch: &mut [u8]) {
        let mut left = READ_A_TURN;
        while self.may_read() && left > 0 {
            let requests = &mut self.requests;
            // A frame that is longer than what is at hand is read into its own memory.
            let (result, room) = match self.splitter.space() {
                Some(space) => {
                    let room = space.len();
                    let result = self.stream.read(space);
                    if let Ok(read) = result {
                        self.splitter.filled(read, |frame| requests.push_back(frame));
                    }
                    (result, room)
                }
                None => {
                    let result = self.stream.read(scratch);
                    if let Ok(read) = result
                        && let Err(error) =
                            self.splitter.feed(&scratch[..read], |frame| requests.push_back(frame))
                    {
                        self.ended = Some(DisconnectReason::Malformed(error.to_string().into()));
                    }
                    (result, scratch.len())
                }
            };
            match result {
                Ok(0) => self.ended = Some(self.splitter.end()),
                Ok(read) => {
                    left = left.saturating_sub(read);
                    // epoll tells of what comes after a short read; elsewhere the socket has to say that it is empty.
                    // Of an end that it has told already it tells no more.
                    self.readable = read == room || self.half_closed || !cfg!(target_os = "linux");
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A process that is killed with responses unread breaks its connection rather than closes it.
                Err(_) => self.ended = Some(self.splitter.end()),
            }
        }
    }

    /// The next request to hand in, if the world has fewer of this client than it may, and the client takes its
    /// responses.
    pub fn next_request(&mut self, in_flight: usize, tight: bool) -> Option<Bytes> {
        let most = if tight { 1 } else { IN_FLIGHT };
        // What is left of a client that has closed is handed in at once, as it will take no response.
        let closed = self.ended.is_some();
        if !closed && (in_flight >= most || self.untaken >= UNTAKEN) {
            return None;
        }
        self.requests.pop_front()
    }

    /// How the socket ended, once everything that came before is handed in.
    pub fn ended(&mut self) -> Option<DisconnectReason> {
        let ended = if self.requests.is_empty() { self.ended.take() } else { None };
        self.gone |= ended.is_some();
        ended
    }

    /// A response for the client.
    pub fn respond(&mut self, frame: Frame) {
        let frame = gathered(frame);
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes();
        self.untaken += length.len() + frame.len();
        self.responses.push_back((length, frame));
    }

    /// Bytes of responses that the client has not taken.
    pub fn untaken(&self) -> usize {
        self.untaken
    }

    /// Writes as much as the socket takes.
    pub fn write(&mut self) {
        while self.writable && !self.responses.is_empty() {
            let mut pieces = [IoSlice::new(&[]); PIECES];
            let (mut count, mut skip) = (0, self.written);
            'full: for (length, frame) in &self.responses {
                for part in std::iter::once(&length[..]).chain(frame.pieces().map(|piece| &piece[..])) {
                    if count == PIECES {
                        break 'full;
                    }
                    let from = skip.min(part.len());
                    skip -= from;
                    if from < part.len() {
                        pieces[count] = IoSlice::new(&part[from..]);
                        count += 1;
                    }
                }
            }
            match self.stream.write_vectored(&pieces[..count]) {
                Ok(0) => self.writable = false,
                Ok(wrote) => self.wrote(wrote),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    // Nobody is there to take anything.
                    self.responses.clear();
                    self.untaken = 0;
                    self.ended.get_or_insert(self.splitter.end());
                    self.requests.clear();
                    return;
                }
            }
        }
    }

    fn wrote(&mut self, bytes: usize) {
        self.untaken = self.untaken.saturating_sub(bytes);
        self.written += bytes;
        while let Some((length, frame)) = self.responses.front() {
            let whole = length.len() + frame.len();
            if self.written < whole {
                return;
            }
            self.written -= whole;
            self.responses.pop_front();
        }
    }
}

/// The same frame, with short pieces that follow each other in one.
fn gathered(frame: Frame) -> Frame {
    if frame.pieces().all(|piece| piece.len() >= SHORT) || frame.pieces().nth(1).is_none() {
        return frame;
    }
    let (mut pieces, mut short) = (Vec::new(), BytesMut::new());
    for piece in frame.pieces() {
        if piece.len() < SHORT {
            short.extend_from_slice(piece);
            continue;
        }
        if !short.is_empty() {
            pieces.push(short.split().freeze());
        }
        pieces.push(piece.clone());
    }
    if !short.is_empty() {
        pieces.push(short.freeze());
    }
    Frame::of(pieces)
}

/// A client's address, as the trace names it.
pub fn name(address: SocketAddr) -> String {
    address.to_string()
}
