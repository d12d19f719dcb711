//! The records of `__transaction_state`, in Kafka's own bytes (TransactionLog): the key's version in front of the
//! transactional id, the value's version in front of the value.

use std::collections::BTreeMap;

use blumfeld_protocol::varint::{Reader, put_unsigned};
use bytes::Bytes;

use super::metadata::{NO_PRODUCER_EPOCH, NO_PRODUCER_ID, TransactionMetadata, TransactionState};

/// The version of keys.
const KEY_VERSION: i16 = 0;
/// From this version on values have compact lengths and tagged fields.
const FLEXIBLE: i16 = 1;

/// Tags of a value.
const PREVIOUS_PRODUCER_ID: u32 = 0;
const NEXT_PRODUCER_ID: u32 = 1;
const CLIENT_TRANSACTION_VERSION: u32 = 2;

/// A change of what the transaction coordinator stores.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionRecord {
    /// `transactional.id`.
    pub id: String,
    /// What is known of it; nothing if it has expired.
    pub value: Option<TransactionMetadata>,
    /// Whether the value is written with tagged fields: from transaction version 1 on.
    pub flexible: bool,
}

/// Why a record cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TransactionRecordError {
    /// It has no key.
    #[error("it has no key")]
    NoKey,
    /// A key or a value of a newer Kafka.
    #[error("unknown version {0}")]
    UnknownVersion(i16),
    /// A length is none, or a number no state.
    #[error("it does not fit into its bytes")]
    Malformed,
}

impl TransactionRecord {
    /// The key and the value; `None` if a text is too long for its length field.
    pub fn encode(&self) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        let mut key = KEY_VERSION.to_be_bytes().to_vec();
        put_text(&mut key, &self.id, false)?;
        let value = match &self.value {
            Some(value) => Some(encode_value(value, self.flexible)?),
            None => None,
        };
        Some((key, value))
    }

    /// Reads a record of the log.
    ///
    /// # Errors
    /// It is of a newer Kafka, or damaged.
    pub fn decode(
        key: Option<&Bytes>,
        value: Option<&Bytes>,
    ) -> Result<TransactionRecord, TransactionRecordError> {
        let mut reader = Reader::new(key.ok_or(TransactionRecordError::NoKey)?);
        let version = reader.i16().ok_or(TransactionRecordError::Malformed)?;
        if version != KEY_VERSION {
            return Err(TransactionRecordError::UnknownVersion(version));
        }
        let id = text(&mut reader, false).ok_or(TransactionRecordError::Malformed)?;
        let Some(bytes) = value else { return Ok(TransactionRecord { id, value: None, flexible: true }) };
        let mut reader = Reader::new(bytes);
        let version = reader.i16().ok_or(TransactionRecordError::Malformed)?;
        if !(0..=FLEXIBLE).contains(&version) {
            return Err(TransactionRecordError::UnknownVersion(version));
        }
        let flexible = version >= FLEXIBLE;
        let value = decode_value(&mut reader, flexible).ok_or(TransactionRecordError::Malformed)?;
        Ok(TransactionRecord { id, value: Some(value), flexible })
    }
}

fn encode_value(value: &TransactionMetadata, flexible: bool) -> Option<Vec<u8>> {
    let mut out = i16::from(flexible).to_be_bytes().to_vec();
    out.extend(value.producer_id.to_be_bytes());
    out.extend(value.producer_epoch.to_be_bytes());
    out.extend(value.timeout_ms.to_be_bytes());
    out.extend(value.state.id().to_be_bytes());
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in &value.partitions {
        topics.entry(topic).or_default().push(*partition);
    }
    // Where no transaction has been there is none, not an empty one.
    let none = value.state == TransactionState::Empty;
    put_len(&mut out, if none { None } else { Some(topics.len()) }, flexible)?;
    for (topic, partitions) in topics.iter().filter(|_| !none) {
        put_text(&mut out, topic, flexible)?;
        put_len(&mut out, Some(partitions.len()), flexible)?;
        partitions.iter().for_each(|partition| out.extend(partition.to_be_bytes()));
        if flexible {
            put_unsigned(&mut out, 0);
        }
    }
    out.extend(value.last_update_ms.to_be_bytes());
    out.extend(value.start_ms.to_be_bytes());
    if flexible {
        let mut tagged: Vec<(u32, Vec<u8>)> = Vec::new();
        let ids =
            [(PREVIOUS_PRODUCER_ID, value.prev_producer_id), (NEXT_PRODUCER_ID, value.next_producer_id)];
        for (tag, id) in ids.into_iter().filter(|(_, id)| *id != NO_PRODUCER_ID) {
            tagged.push((tag, id.to_be_bytes().to_vec()));
        }
        if value.client_version != 0 {
            tagged.push((CLIENT_TRANSACTION_VERSION, value.client_version.to_be_bytes().to_vec()));
        }
        put_unsigned(&mut out, u32::try_from(tagged.len()).ok()?);
        for (tag, bytes) in tagged {
            put_unsigned(&mut out, tag);
            put_unsigned(&mut out, u32::try_from(bytes.len()).ok()?);
            out.extend(bytes);
        }
    }
    Some(out)
}

fn decode_value(reader: &mut Reader<'_>, flexible: bool) -> Option<TransactionMetadata> {
    let producer_id = reader.i64()?;
    let producer_epoch = reader.i16()?;
    let timeout_ms = reader.i32()?;
    let state = TransactionState::of(i8::from_be_bytes([reader.u8()?]))?;
    let mut value = TransactionMetadata {
        producer_epoch,
        last_producer_epoch: NO_PRODUCER_EPOCH,
        state,
        ..TransactionMetadata::new(producer_id, timeout_ms, -1)
    };
    for _ in 0..len(reader, flexible)?.unwrap_or(0) {
        let topic = text(reader, flexible)?;
        for _ in 0..len(reader, flexible)?? {
            value.partitions.insert((topic.clone(), reader.i32()?));
        }
        tagged(reader, flexible, |_, _| ())?;
    }
    value.last_update_ms = reader.i64()?;
    value.start_ms = reader.i64()?;
    tagged(reader, flexible, |tag, bytes| {
        let long = bytes.try_into().map(i64::from_be_bytes);
        match (tag, long, bytes.try_into().map(i16::from_be_bytes)) {
            (PREVIOUS_PRODUCER_ID, Ok(id), _) => value.prev_producer_id = id,
            (NEXT_PRODUCER_ID, Ok(id), _) => value.next_producer_id = id,
            (CLIENT_TRANSACTION_VERSION, _, Ok(version)) => value.client_version = version,
            _ => {}
        }
    })?;
    Some(value)
}

fn put_len(out: &mut Vec<u8>, len: Option<usize>, flexible: bool) -> Option<()> {
    let len = len.map(i32::try_from).transpose().ok()?.unwrap_or(-1);
    if flexible {
        put_unsigned(out, u32::try_from(len + 1).ok()?);
    } else {
        out.extend(len.to_be_bytes());
    }
    Some(())
}

fn put_text(out: &mut Vec<u8>, text: &str, flexible: bool) -> Option<()> {
    if flexible {
        put_unsigned(out, u32::try_from(text.len() + 1).ok()?);
    } else {
        out.extend(i16::try_from(text.len()).ok()?.to_be_bytes());
    }
    out.extend(text.as_bytes());
    Some(())
}

/// A length; none of null.
#[allow(clippy::option_option, reason = "the outer None is malformed, the inner one null")]
fn len(reader: &mut Reader<'_>, flexible: bool) -> Option<Option<u32>> {
    if flexible {
        return Some(reader.varint_unsigned()?.checked_sub(1));
    }
    match reader.i32()? {
        -1 => Some(None),
        len => Some(Some(u32::try_from(len).ok()?)),
    }
}

fn text(reader: &mut Reader<'_>, flexible: bool) -> Option<String> {
    let len = if flexible {
        usize::try_from(reader.varint_unsigned()?.checked_sub(1)?).ok()?
    } else {
        usize::try_from(reader.i16()?).ok()?
    };
    Some(std::str::from_utf8(reader.take(len)?).ok()?.to_owned())
}

fn tagged(reader: &mut Reader<'_>, flexible: bool, mut take: impl FnMut(u32, &[u8])) -> Option<()> {
    if flexible {
        for _ in 0..reader.varint_unsigned()? {
            let tag = reader.varint_unsigned()?;
            let size = usize::try_from(reader.varint_unsigned()?).ok()?;
            take(tag, reader.take(size)?);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(state: TransactionState) -> TransactionMetadata {
        TransactionMetadata {
            producer_epoch: 4,
            state,
            partitions: [("a".to_owned(), 0), ("a".to_owned(), 2), ("b".to_owned(), 1)].into(),
            start_ms: 5,
            ..TransactionMetadata::new(1_000, 60_000, 9)
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let fields = TransactionMetadata {
            prev_producer_id: 3,
            next_producer_id: 4,
            client_version: 2,
            ..some(TransactionState::PrepareAbort)
        };
        let empty = TransactionMetadata::new(7, 1, 2);
        for (value, flexible) in [
            (Some(some(TransactionState::Ongoing)), false),
            (Some(some(TransactionState::Ongoing)), true),
            (Some(fields), true),
            (Some(empty.clone()), false),
            (Some(empty), true),
            (None, true),
        ] {
            let record = TransactionRecord { id: "till-1".to_owned(), value, flexible };
            let (key, value) = record.encode().unwrap();
            let read = TransactionRecord::decode(Some(&key.into()), value.map(Bytes::from).as_ref());
            assert_eq!(read, Ok(record));
        }
    }

    #[test]
    fn what_is_none_is_refused_at_every_length() {
        let record = TransactionRecord {
            id: "x".to_owned(),
            value: Some(some(TransactionState::Ongoing)),
            flexible: true,
        };
        let (key, value) = record.encode().unwrap();
        let (key, value) = (Bytes::from(key), Bytes::from(value.unwrap()));
        for end in 0..key.len() {
            assert!(TransactionRecord::decode(Some(&key.slice(..end)), None).is_err(), "{end}");
        }
        for end in 0..value.len() {
            assert!(TransactionRecord::decode(Some(&key), Some(&value.slice(..end))).is_err(), "{end}");
        }
        let newer = Bytes::from_static(&[0, 2]);
        let error = TransactionRecord::decode(Some(&key), Some(&newer));
        assert_eq!(error, Err(TransactionRecordError::UnknownVersion(2)));
    }
}
