//! Jute, ZooKeeper's serialisation, and the messages of its client protocol (`zookeeper.jute`, module
//! `org.apache.zookeeper.proto`).
//!
//! Numbers are big-endian. A string or a buffer is its length in four bytes and its bytes, a vector its length and its
//! elements; the length -1 stands for null. On the wire each message has four length bytes in front, which the world's
//! frames do not carry ([`prefixed`] and [`take_frame`] are for a door to a socket).
//!
//! Every decoder takes any bytes: what is wrong is said by name ([`JuteError`]), lengths are checked before anything
//! is reserved, and a message has to end where its frame ends.

mod codes;
mod messages;
mod stat;

pub use codes::{Code, OpCode, xid};
pub use messages::{
    Answer, ConnectRequest, ConnectResponse, Create, EventType, Op, OpResult, ReplyHeader, Request, Response,
    ServerMessage, SetWatches, WatcherEvent, decode_request, decode_server, encode_event, encode_reply,
    encode_request,
};
pub use stat::{Acl, CreateMode, Id, PERMS_ALL, Stat};

use bytes::{Bytes, BytesMut};

/// The most bytes that a message may have (`jute.maxbuffer`, by default 1 MiB less one byte).
pub const MAX_BUFFER: usize = 0xfffff;

/// Why bytes are no message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JuteError {
    /// The bytes end within a field.
    #[error("{field} needs {needed} bytes, and {left} are left")]
    Truncated {
        /// The field.
        field: &'static str,
        /// Bytes that it has.
        needed: usize,
        /// Bytes that there are.
        left: usize,
    },
    /// A length that is below zero where null has no meaning.
    #[error("{field} has the length {length}")]
    NegativeLength {
        /// The field.
        field: &'static str,
        /// Its length as it was sent.
        length: i32,
    },
    /// A length above what a message may have.
    #[error("{field} has the length {length}, above the limit of {limit} (jute.maxbuffer)")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Its length as it was sent.
        length: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// A string whose bytes are not UTF-8.
    #[error("{field} is not UTF-8")]
    NotUtf8 {
        /// The field.
        field: &'static str,
    },
    /// An operation that is none, or none of a client's.
    #[error("there is no operation {number}")]
    UnknownOperation {
        /// Its number (`ZooDefs.OpCode`).
        number: i32,
    },
    /// An operation that cannot stand in a multi.
    #[error("operation {number} cannot be part of a multi")]
    NotInMulti {
        /// Its number.
        number: i32,
    },
    /// A watch event of a type that is none.
    #[error("there is no watch event of type {number}")]
    UnknownEvent {
        /// Its number (`Watcher.Event.EventType`).
        number: i32,
    },
    /// An answer that belongs to no request.
    #[error("nothing was asked with xid {xid}")]
    UnknownXid {
        /// The answer's number.
        xid: i32,
    },
    /// Bytes behind the message.
    #[error("{count} bytes follow {message}")]
    TrailingBytes {
        /// How many.
        count: usize,
        /// The message.
        message: &'static str,
    },
}

/// Reads fields from the front of a frame. Buffers share the frame's memory.
#[derive(Clone, Debug)]
pub struct Reader {
    bytes: Bytes,
}

impl Reader {
    /// Begins at the first byte.
    pub fn new(bytes: Bytes) -> Reader {
        Reader { bytes }
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    fn take(&mut self, field: &'static str, needed: usize) -> Result<Bytes, JuteError> {
        let left = self.bytes.len();
        if needed > left {
            return Err(JuteError::Truncated { field, needed, left });
        }
        Ok(self.bytes.split_to(needed))
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], JuteError> {
        let taken = self.take(field, N)?;
        let missing = JuteError::Truncated { field, needed: N, left: taken.len() };
        taken.first_chunk::<N>().copied().ok_or(missing)
    }

    /// An `int`.
    ///
    /// # Errors
    /// The bytes end before it does.
    pub fn int(&mut self, field: &'static str) -> Result<i32, JuteError> {
        self.array(field).map(i32::from_be_bytes)
    }

    /// A `long`.
    ///
    /// # Errors
    /// The bytes end before it does.
    pub fn long(&mut self, field: &'static str) -> Result<i64, JuteError> {
        self.array(field).map(i64::from_be_bytes)
    }

    /// A `boolean`: any byte but 0 is true, as Java's `DataInput.readBoolean` has it.
    ///
    /// # Errors
    /// There is no byte left.
    pub fn boolean(&mut self, field: &'static str) -> Result<bool, JuteError> {
        self.array::<1>(field).map(|[byte]| byte != 0)
    }

    fn length(&mut self, field: &'static str) -> Result<Option<usize>, JuteError> {
        let length = self.int(field)?;
        if length == -1 {
            return Ok(None);
        }
        let Ok(length) = usize::try_from(length) else {
            return Err(JuteError::NegativeLength { field, length });
        };
        if length > MAX_BUFFER {
            return Err(JuteError::TooLong { field, length, limit: MAX_BUFFER });
        }
        Ok(Some(length))
    }

    /// A `buffer`; `None` is null.
    ///
    /// # Errors
    /// A length that is negative, above the limit, or beyond the bytes' end.
    pub fn buffer(&mut self, field: &'static str) -> Result<Option<Bytes>, JuteError> {
        let Some(length) = self.length(field)? else { return Ok(None) };
        self.take(field, length).map(Some)
    }

    /// A `ustring` that may not be null.
    ///
    /// # Errors
    /// As [`buffer`](Self::buffer), null, or bytes that are not UTF-8.
    pub fn string(&mut self, field: &'static str) -> Result<String, JuteError> {
        let bytes = self.buffer(field)?.ok_or(JuteError::NegativeLength { field, length: -1 })?;
        String::from_utf8(bytes.to_vec()).map_err(|_| JuteError::NotUtf8 { field })
    }

    /// A `vector`; null is read as empty. Each element has a byte at least, so a hostile length reserves nothing.
    ///
    /// # Errors
    /// A length that cannot be, or what an element's decoder says.
    pub fn vector<T>(
        &mut self,
        field: &'static str,
        mut element: impl FnMut(&mut Reader) -> Result<T, JuteError>,
    ) -> Result<Vec<T>, JuteError> {
        let length = self.length(field)?.unwrap_or(0);
        if length > self.left() {
            return Err(JuteError::Truncated { field, needed: length, left: self.left() });
        }
        (0..length).map(|_| element(self)).collect()
    }

    /// Says that `message` ends here.
    ///
    /// # Errors
    /// Bytes are left.
    pub fn end(&self, message: &'static str) -> Result<(), JuteError> {
        match self.left() {
            0 => Ok(()),
            count => Err(JuteError::TrailingBytes { count, message }),
        }
    }
}

/// Writes fields one behind the other.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: BytesMut,
}

impl Writer {
    /// An `int`.
    pub fn int(&mut self, value: i32) -> &mut Writer {
        self.bytes.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// A `long`.
    pub fn long(&mut self, value: i64) -> &mut Writer {
        self.bytes.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// A `boolean`.
    pub fn boolean(&mut self, value: bool) -> &mut Writer {
        self.bytes.extend_from_slice(&[u8::from(value)]);
        self
    }

    /// A `buffer`; `None` is null. What is longer than 2 GiB is cut, which no message is.
    pub fn buffer(&mut self, value: Option<&[u8]>) -> &mut Writer {
        let Some(value) = value else { return self.int(-1) };
        let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
        self.int(length).bytes.extend_from_slice(value);
        self
    }

    /// A `ustring`.
    pub fn string(&mut self, value: &str) -> &mut Writer {
        self.buffer(Some(value.as_bytes()))
    }

    /// A `vector`.
    pub fn vector<T>(&mut self, values: &[T], mut element: impl FnMut(&mut Writer, &T)) -> &mut Writer {
        self.int(i32::try_from(values.len()).unwrap_or(i32::MAX));
        values.iter().for_each(|value| element(self, value));
        self
    }

    /// The whole.
    pub fn finish(self) -> Bytes {
        self.bytes.freeze()
    }
}

/// A message with its four length bytes, as a socket carries it.
pub fn prefixed(frame: &[u8]) -> Bytes {
    let mut writer = Writer::default();
    writer.buffer(Some(frame));
    writer.finish()
}

/// Takes the next whole message, without its length, from what a socket has brought; `None` while it is not whole.
///
/// # Errors
/// A length below zero or above [`MAX_BUFFER`]: nothing behind it can be understood.
pub fn take_frame(received: &mut BytesMut) -> Result<Option<Bytes>, JuteError> {
    let Some(length) = received.first_chunk::<4>().copied().map(i32::from_be_bytes) else { return Ok(None) };
    let Ok(size) = usize::try_from(length) else {
        return Err(JuteError::NegativeLength { field: "frame", length });
    };
    if size > MAX_BUFFER {
        return Err(JuteError::TooLong { field: "frame", length: size, limit: MAX_BUFFER });
    }
    if received.len() < size + 4 {
        return Ok(None);
    }
    let _length = received.split_to(4);
    Ok(Some(received.split_to(size).freeze()))
}

#[cfg(test)]
mod tests;
