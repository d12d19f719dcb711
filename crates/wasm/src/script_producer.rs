//! A script's producer: Kafka's, as a process of the world. What the script asks comes on its standard input and what
//! became of it leaves on its standard output, both as frames: to the world it is a tool like others, which can be
//! copied.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Buf, BufMut, Bytes};

use blumfeld_client::ApiError;
use blumfeld_client::producer::{Delivery, Producer, ProducerRecord, RecordId, Refused};
use blumfeld_kernel::{Context, Input, Instant, Node};
use blumfeld_protocol::record_batch::Header;
use blumfeld_protocol::{ErrorCode, FrameSplitter};

/// No frame here is longer than its length can say.
const MAX_FRAME: usize = i32::MAX as usize;

/// What a script asks of its producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To send this record. Records are taken one after the other, as by a thread that calls Java's `send`: where one
    /// has to wait for metadata or memory, so do those behind it.
    Send(ProducerRecord),
    /// To say when everything that was to be sent before is delivered or given up, and not to linger until then.
    Flush,
    /// The same, and to end.
    Close,
}

/// What became of an [`Ask`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptAnswer {
    /// The record stands there.
    Sent {
        /// In this partition.
        partition: i32,
        /// At this offset, -1 with acks=0.
        offset: i64,
        /// With this timestamp, in milliseconds since 1970-01-01 UTC.
        timestamp: i64,
    },
    /// It is flushed, or closed.
    Done,
    /// The record was not sent.
    Failed(ScriptError),
}

/// An error as a script gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// Java's class, without its package: `TimeoutException`.
    pub name: String,
    /// Kafka's name for its code, where it has one: `REQUEST_TIMED_OUT`.
    pub code: Option<String>,
    /// What it says.
    pub message: String,
}

impl ScriptError {
    /// An error without a code.
    pub fn new(name: &str, message: impl Into<String>) -> ScriptError {
        ScriptError { name: name.to_owned(), code: None, message: message.into() }
    }

    /// A producer that is asked something after its end.
    pub fn closed() -> ScriptError {
        ScriptError::new("IllegalStateException", "Cannot perform operation after producer has been closed")
    }

    /// A producer of a branch that was left.
    pub fn rewound() -> ScriptError {
        ScriptError::new("Error", "the cluster was taken back to an earlier moment: the producer is gone")
    }
}

impl From<ApiError> for ScriptError {
    fn from(error: ApiError) -> ScriptError {
        let code = Some(error.code.name().to_owned());
        ScriptError { name: error.exception().to_owned(), code, message: error.to_string() }
    }
}

// ---- frames

fn frame(token: u64, kind: u8, body: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = vec![0; 4];
    out.put_u64(token);
    out.put_u8(kind);
    body(&mut out);
    let len = u32::try_from(out.len() - 4).unwrap_or(u32::MAX).to_be_bytes();
    out[..4].copy_from_slice(&len);
    out.into()
}

fn put(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    out.put_u32(bytes.map_or(u32::MAX, |bytes| u32::try_from(bytes.len()).unwrap_or(u32::MAX)));
    out.put_slice(bytes.unwrap_or_default());
}

fn put_number(out: &mut Vec<u8>, number: Option<i64>) {
    out.put_u8(u8::from(number.is_some()));
    out.put_i64(number.unwrap_or_default());
}

/// `None` if the frame ends before; `Some(None)` for bytes that are absent.
fn take(from: &mut Bytes) -> Option<Option<Bytes>> {
    let len = from.try_get_u32().ok()?;
    if len == u32::MAX {
        return Some(None);
    }
    let len = usize::try_from(len).ok().filter(|len| *len <= from.len())?;
    Some(Some(from.split_to(len)))
}

fn take_text(from: &mut Bytes) -> Option<String> {
    take(from)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn take_number(from: &mut Bytes) -> Option<Option<i64>> {
    let there = from.try_get_u8().ok()? != 0;
    let number = from.try_get_i64().ok()?;
    Some(there.then_some(number))
}

/// The frames in what has come of a stream, each with its token and kind, for those that can be read.
fn frames<T>(
    splitter: &mut FrameSplitter,
    bytes: &[u8],
    read: impl Fn(u8, &mut Bytes) -> Option<T>,
) -> Vec<(u64, T)> {
    let mut found = Vec::new();
    // Both ends are in this file: a length that cannot be is never written.
    let _ = splitter.feed(bytes, |mut frame| {
        let mut one = || {
            let (token, kind) = (frame.try_get_u64().ok()?, frame.try_get_u8().ok()?);
            Some((token, read(kind, &mut frame)?))
        };
        found.extend(one());
    });
    found
}

/// A stream of frames of either kind, at its beginning.
pub fn stream() -> FrameSplitter {
    FrameSplitter::new(MAX_FRAME)
}

impl Ask {
    /// The frame for a producer's standard input. `token` comes back with what became of it.
    pub fn to_frame(&self, token: u64) -> Bytes {
        match self {
            Ask::Send(record) => frame(token, 0, |out| {
                put(out, Some(record.topic.as_bytes()));
                put_number(out, record.partition.map(i64::from));
                put_number(out, record.timestamp);
                put(out, record.key.as_deref());
                put(out, record.value.as_deref());
                out.put_u32(u32::try_from(record.headers.len()).unwrap_or(u32::MAX));
                for header in &record.headers {
                    put(out, Some(&header.key));
                    put(out, header.value.as_deref());
                }
            }),
            Ask::Flush => frame(token, 1, |_| {}),
            Ask::Close => frame(token, 2, |_| {}),
        }
    }

    fn read(kind: u8, from: &mut Bytes) -> Option<Ask> {
        match kind {
            0 => {
                let topic = take_text(from)?.into();
                let partition = take_number(from)?.and_then(|number| i32::try_from(number).ok());
                let timestamp = take_number(from)?;
                let (key, value) = (take(from)?, take(from)?);
                let mut headers = Vec::new();
                for _ in 0..from.try_get_u32().ok()? {
                    headers.push(Header { key: take(from)??, value: take(from)? });
                }
                Some(Ask::Send(ProducerRecord { topic, partition, timestamp, key, value, headers }))
            }
            1 => Some(Ask::Flush),
            2 => Some(Ask::Close),
            _ => None,
        }
    }
}

impl ScriptAnswer {
    fn to_frame(&self, token: u64) -> Bytes {
        match self {
            ScriptAnswer::Sent { partition, offset, timestamp } => frame(token, 0, |out| {
                out.put_i32(*partition);
                out.put_i64(*offset);
                out.put_i64(*timestamp);
            }),
            ScriptAnswer::Done => frame(token, 1, |_| {}),
            ScriptAnswer::Failed(ScriptError { name, code, message }) => frame(token, 2, |out| {
                put(out, Some(name.as_bytes()));
                put(out, code.as_deref().map(str::as_bytes));
                put(out, Some(message.as_bytes()));
            }),
        }
    }

    fn read(kind: u8, from: &mut Bytes) -> Option<ScriptAnswer> {
        match kind {
            0 => Some(ScriptAnswer::Sent {
                partition: from.try_get_i32().ok()?,
                offset: from.try_get_i64().ok()?,
                timestamp: from.try_get_i64().ok()?,
            }),
            1 => Some(ScriptAnswer::Done),
            2 => {
                let name = take_text(from)?;
                let code = take(from)?.map(|code| String::from_utf8_lossy(&code).into_owned());
                Some(ScriptAnswer::Failed(ScriptError { name, code, message: take_text(from)? }))
            }
            _ => None,
        }
    }

    /// The answers in what a producer has written to its standard output, with the tokens of what was asked.
    pub fn read_all(splitter: &mut FrameSplitter, bytes: &[u8]) -> Vec<(u64, ScriptAnswer)> {
        frames(splitter, bytes, ScriptAnswer::read)
    }
}

// ---- the process

/// The running producer.
#[derive(Clone, Debug)]
pub struct ScriptProducer {
    producer: Producer,
    input: FrameSplitter,
    /// What was asked and not begun, the oldest first.
    asked: VecDeque<(u64, Ask)>,
    /// The tokens of records under way.
    under_way: BTreeMap<RecordId, u64>,
    /// Flushes, each with the last record that it waits for.
    flushes: Vec<(u64, RecordId)>,
    closing: Option<u64>,
    over: bool,
    now: Instant,
}

impl ScriptProducer {
    /// A process of a producer that nothing was asked of.
    pub fn new(producer: Producer) -> ScriptProducer {
        ScriptProducer {
            producer,
            input: stream(),
            asked: VecDeque::new(),
            under_way: BTreeMap::new(),
            flushes: Vec::new(),
            closing: None,
            over: false,
            now: Instant::ZERO,
        }
    }

    /// Begins what was asked, until a record has to wait.
    fn pump(&mut self, cx: &mut Context<'_>) {
        while self.closing.is_none()
            && let Some((token, ask)) = self.asked.pop_front()
        {
            match ask {
                Ask::Send(record) => match self.producer.send(cx, record) {
                    Ok(id) => {
                        self.under_way.insert(id, token);
                    }
                    Err(Refused::Wait(record)) => {
                        self.asked.push_front((token, Ask::Send(*record)));
                        return;
                    }
                    Err(Refused::Failed(error)) => answer(cx, token, &ScriptAnswer::Failed(refused(error))),
                },
                Ask::Flush => {
                    self.producer.flush();
                    let last = self.under_way.last_key_value().map_or(RecordId(0), |(id, _)| *id);
                    self.flushes.push((token, last));
                }
                Ask::Close => {
                    self.producer.flush();
                    self.closing = Some(token);
                }
            }
        }
    }

    fn delivered(&mut self, cx: &mut Context<'_>, deliveries: Vec<Delivery>) {
        for Delivery { id, partition, result } in deliveries {
            let Some(token) = self.under_way.remove(&id) else { continue };
            let became = match result {
                Ok(stands) => ScriptAnswer::Sent {
                    partition: partition.partition,
                    offset: stands.offset,
                    timestamp: stands.timestamp,
                },
                Err(error) => ScriptAnswer::Failed(error.into()),
            };
            answer(cx, token, &became);
        }
    }

    /// Answers flushes that have come to their end, and ends if that was asked.
    fn settle(&mut self, cx: &mut Context<'_>) {
        let first = self.under_way.first_key_value().map(|(id, _)| *id);
        self.flushes.retain(|(token, last)| {
            let waits = first.is_some_and(|first| first <= *last);
            if !waits {
                answer(cx, *token, &ScriptAnswer::Done);
            }
            waits
        });
        if first.is_some() {
            return;
        }
        if let Some(token) = self.closing {
            self.over = true;
            self.producer.close(cx);
            answer(cx, token, &ScriptAnswer::Done);
            for (token, _) in self.asked.drain(..) {
                answer(cx, token, &ScriptAnswer::Failed(ScriptError::closed()));
            }
            cx.out.exit(0);
        }
    }
}

fn answer(cx: &mut Context<'_>, token: u64, answer: &ScriptAnswer) {
    cx.out.stdout(answer.to_frame(token));
}

/// An error of a record that the producer did not take. Only a program's partitioner has none of Kafka's codes there.
fn refused(error: ApiError) -> ScriptError {
    if error.code == ErrorCode::UNKNOWN_SERVER_ERROR {
        ScriptError::new("PartitionerError", error.to_string())
    } else {
        error.into()
    }
}

impl Node for ScriptProducer {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        self.now = cx.now;
        if self.over {
            return;
        }
        if let Input::Stdin { bytes } = &input {
            self.asked.extend(frames(&mut self.input, bytes, Ask::read));
        }
        let mut delivered = self.producer.handle(cx, &input);
        // Java's client logs these. A script has no log; what they lead to it is told with its records.
        drop(self.producer.metadata_mut().take_issues());
        loop {
            self.delivered(cx, delivered);
            self.pump(cx);
            // With acks=0 a delivery makes room for the next record at once.
            delivered = self.producer.poll(cx);
            if delivered.is_empty() {
                break;
            }
        }
        self.settle(cx);
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over { None } else { self.producer.next_timeout(self.now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_as_they_went_in_and_halves_of_them_are_nothing() {
        let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
        let full = ProducerRecord {
            topic: "orders".into(),
            partition: Some(2),
            timestamp: Some(-5),
            key: Some(bytes("")),
            value: Some(bytes("주문")),
            headers: vec![
                Header { key: bytes("a"), value: None },
                Header { key: bytes("a"), value: Some(bytes("x")) },
            ],
        };
        let bare = ProducerRecord {
            partition: None,
            timestamp: None,
            key: None,
            value: None,
            headers: vec![],
            ..full.clone()
        };
        let asks = [Ask::Send(full), Ask::Send(bare), Ask::Flush, Ask::Close];
        let answers = [
            ScriptAnswer::Sent { partition: 1, offset: -1, timestamp: i64::MAX },
            ScriptAnswer::Done,
            ScriptAnswer::Failed(ApiError::from(ErrorCode::REQUEST_TIMED_OUT).into()),
            ScriptAnswer::Failed(ScriptError::closed()),
        ];
        let written = asks.iter().zip(7..).flat_map(|(ask, token)| ask.to_frame(token)).collect::<Vec<_>>();
        let mut input = stream();
        let read: Vec<_> = written.chunks(3).flat_map(|part| frames(&mut input, part, Ask::read)).collect();
        assert_eq!(read, (7..).zip(asks).collect::<Vec<_>>());
        let written =
            answers.iter().zip(7..).flat_map(|(answer, token)| answer.to_frame(token)).collect::<Vec<_>>();
        assert_eq!(ScriptAnswer::read_all(&mut stream(), &written), (7..).zip(answers).collect::<Vec<_>>());
        let whole = written.len();
        for end in 0..whole {
            let cut =
                [&u32::try_from(end).unwrap().to_be_bytes(), &written[4..][..end.min(whole - 4)]].concat();
            assert!(ScriptAnswer::read_all(&mut stream(), &cut).len() <= 1, "cut at {end}");
        }
    }
}
