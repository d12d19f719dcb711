//! One of the two that are asked: a connection, and what it chose by itself.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use blumfeld_protocol::ApiKey;
use blumfeld_protocol::definition::Kind;
use serde_json::{Value, json};

use crate::step::Request;
use crate::wire::{self, Chosen};

/// How long one waits for an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// As long as this side is given.
    Patience,
    /// The other side has given one.
    Longer,
    /// Nothing goes on without it.
    Much,
}

/// What came of a request.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// An answer, read by Kafka's definition.
    Answer(Value),
    /// Bytes that are no answer to this request: why, and the bytes in base64.
    Unreadable(String),
    /// The connection was closed.
    Closed,
    /// Nothing came for as long as one waits.
    Silent,
}

impl Outcome {
    /// As JSON: what a corpus and a report hold.
    pub fn to_json(&self) -> Value {
        match self {
            Outcome::Answer(value) => value.clone(),
            Outcome::Unreadable(why) => json!({ "$unreadable": why }),
            Outcome::Closed => json!("$closed"),
            Outcome::Silent => json!("$silent"),
        }
    }
}

/// A broker that is asked.
#[derive(Debug)]
pub struct Side {
    address: SocketAddr,
    patience: Duration,
    stream: Option<TcpStream>,
    next: i32,
    /// What it chose by itself.
    pub chosen: Chosen,
    /// How often it was silent while the other side spoke, by API: of an API that is so time after time one does not
    /// wait long each time.
    silent: BTreeMap<i16, u32>,
}

/// So often one waits long for an API that is silent.
const LONG: u32 = 20;

impl Side {
    /// A broker at an address, which is given so long for an answer.
    pub fn new(address: SocketAddr, patience: Duration) -> Side {
        Side { address, patience, stream: None, next: 1, chosen: Chosen::new(), silent: BTreeMap::new() }
    }

    /// Sends a request without waiting for its answer; gives its correlation id.
    ///
    /// # Errors
    /// The request cannot be written, or nobody listens at the address.
    pub fn send(&mut self, request: &Request) -> Result<i32> {
        let id = self.next;
        self.next = self.next.wrapping_add(2);
        let mut frame = self.frame(request, id)?;
        if request.unanswered() {
            // Whether the connection outlived it is seen by what comes after.
            frame.extend(self.frame(&Request::api_versions(), id + 1)?);
        }
        for again in [true, false] {
            let stream = match &mut self.stream {
                Some(stream) => stream,
                none => {
                    let stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(10))
                        .with_context(|| format!("nobody listens at {}", self.address))?;
                    stream.set_nodelay(true)?;
                    none.insert(stream)
                }
            };
            match stream.write_all(&frame) {
                Ok(()) => break,
                // Closed by the other side after the answer before.
                Err(_) if again => self.stream = None,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(id)
    }

    fn frame(&self, request: &Request, id: i32) -> Result<Vec<u8>> {
        let mut frame = request.header(id)?;
        let message = wire::definition(request.api, Kind::Request)?;
        let mut body = wire::write(message, request.version, &request.body, &self.chosen)?;
        body.truncate(body.len().saturating_sub(request.cut));
        body.extend(&request.tail);
        frame.extend(body);
        let mut out = u32::try_from(frame.len())?.to_be_bytes().to_vec();
        out.extend(frame);
        Ok(out)
    }

    /// Waits for the answer to what was sent.
    pub fn receive(&mut self, request: &Request, id: i32, wait: Wait) -> Outcome {
        let patience = match wait {
            Wait::Patience => self.patience,
            Wait::Longer if self.silent.get(&request.api).is_some_and(|times| *times > LONG) => {
                self.patience / 2
            }
            Wait::Longer => 8 * self.patience,
            Wait::Much => Duration::from_secs(60),
        };
        // A stream that is none any more says so when it is read.
        let _ = self.stream.as_ref().map(|stream| stream.set_read_timeout(Some(patience)));
        let outcome = self.read(request, id);
        if wait == Wait::Longer && outcome == Outcome::Silent {
            *self.silent.entry(request.api).or_default() += 1;
        }
        outcome
    }

    /// Forgets a connection that gave no answer: another request gets another one.
    pub fn done(&mut self, outcome: &Outcome) {
        if !matches!(outcome, Outcome::Answer(_)) {
            self.stream = None;
        }
    }

    fn read(&mut self, request: &Request, id: i32) -> Outcome {
        let Some(stream) = &mut self.stream else { return Outcome::Closed };
        let mut size = [0; 4];
        let mut frame = Vec::new();
        let mut all = || {
            stream.read_exact(&mut size)?;
            frame.resize(u32::from_be_bytes(size) as usize, 0);
            stream.read_exact(&mut frame)
        };
        if let Err(error) = all() {
            return match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Outcome::Silent,
                _ => Outcome::Closed,
            };
        }
        let got = frame.get(..4).and_then(|bytes| bytes.try_into().ok()).map(i32::from_be_bytes);
        if request.unanswered() {
            return match got {
                Some(got) if got == id + 1 => Outcome::Answer(json!("no answer, and an open connection")),
                _ => Outcome::Unreadable("an answer to a request that wants none".to_owned()),
            };
        }
        if got != Some(id) {
            return Outcome::Unreadable(format!("the correlation id is {got:?}"));
        }
        match body(request, frame.get(4..).unwrap_or_default()) {
            Ok(value) => Outcome::Answer(value),
            Err(error) => Outcome::Unreadable(format!("{error:#}")),
        }
    }
}

fn body(request: &Request, after_id: &[u8]) -> Result<Value> {
    let message = wire::definition(request.api, Kind::Response)?;
    if request.api == ApiKey::ApiVersions as i16 && !message.versions.has(request.version) {
        // Answered in version 0 (KIP-511).
        return wire::read(message, 0, after_id);
    }
    let flexible = message.flexible.has(request.version) && request.api != ApiKey::ApiVersions as i16;
    let after = if flexible {
        let (tags, rest) = after_id.split_first().context("the answer ends in its header")?;
        anyhow::ensure!(*tags == 0, "the header has tagged fields");
        rest
    } else {
        after_id
    };
    wire::read(message, request.version, after)
}
