//! `--offsets-decoder`, `--transaction-log-decoder` and `--cluster-metadata-decoder`: records of `__consumer_offsets`,
//! `__transaction_state` and the metadata log as JSON (DumpLogSegments' CoordinatorRecordMessageParser and
//! ClusterMetadataLogMessageParser, with the message definitions of Kafka's coordinators and controller).

use blumfeld_protocol::definition::metadata_record as metadata_record_definition;
use blumfeld_protocol::json::metadata_record_text;
use blumfeld_protocol::messages::{ConsumerProtocolAssignment, ConsumerProtocolSubscription};
use blumfeld_protocol::record_batch::Record;
use blumfeld_protocol::varint::Reader;
use blumfeld_protocol::wire::Decodable;
use blumfeld_protocol::{Uuid, uuid_text};
use bytes::Bytes;

use crate::json::string;

/// What records are read as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decoder {
    /// Those of a group coordinator.
    Offsets,
    /// Those of a transaction coordinator.
    Transactions,
    /// Those of a controller.
    Metadata,
}

/// What is shown of a record: its key, which those of the metadata log have not, and its value.
pub struct Decoded {
    pub key: Option<String>,
    pub payload: Option<String>,
}

impl Decoder {
    /// Reads a record.
    ///
    /// # Errors
    /// It has no key, which none of a coordinator's lacks.
    pub fn decode(self, record: &Record) -> Result<Decoded, String> {
        let offset = record.offset;
        if self == Self::Metadata {
            let payload = metadata_record(record.value.as_ref())
                .unwrap_or_else(|error| format!("Error at {offset}, skipping. {error}"));
            return Ok(Decoded { key: None, payload: Some(payload) });
        }
        let Some(key) = &record.key else {
            return Err(format!(
                "java.lang.RuntimeException: Failed to decode message at offset {offset} using the specified decoder (message had a missing key)"
            ));
        };
        let mut reader = Reader::new(key);
        let kind = reader.i16();
        let data = kind.and_then(|kind| match self {
            Self::Offsets => group_key(kind, &mut reader),
            Self::Transactions => transaction_key(kind, &mut reader),
            Self::Metadata => None,
        });
        let (Some(kind), Some(data)) = (kind, data) else {
            let kind = kind.unwrap_or(-1);
            let key = format!("Unknown record type {kind} at offset {offset}, skipping.");
            return Ok(Decoded { key: Some(key), payload: None });
        };
        let payload = match &record.value {
            None => Some("<DELETE>".to_owned()),
            Some(value) => self.value(kind, value),
        };
        Ok(match payload {
            None => Decoded { key: Some(format!("Error at offset {offset}, skipping. null")), payload: None },
            payload => Decoded { key: Some(format!("{{\"type\":\"{kind}\",\"data\":{data}}}")), payload },
        })
    }

    fn value(self, kind: i16, value: &Bytes) -> Option<String> {
        let mut reader = Reader::new(value);
        let version = reader.i16()?;
        // From its first version with compact lengths on a message has tagged fields as well.
        let (newest, flexible) = match (self, kind) {
            (Self::Transactions, _) => (1, 1),
            (Self::Offsets | Self::Metadata, _) => (4, 4),
        };
        if !(0..=newest).contains(&version) {
            return None;
        }
        let fields = Fields { reader, flexible: version >= flexible };
        let data = match (self, kind) {
            (Self::Transactions, _) => transaction_value(fields),
            (Self::Offsets, 2) => group_value(fields, version),
            (Self::Offsets | Self::Metadata, _) => offset_value(fields, version),
        }?;
        Some(format!("{{\"version\":\"{version}\",\"data\":{data}}}"))
    }
}

/// A record of the metadata log: the version of its frame, its type, its version, and its fields (MetadataRecordSerde).
fn metadata_record(value: Option<&Bytes>) -> Result<String, String> {
    let error = "org.apache.kafka.server.common.serialization.MetadataParseException";
    let bytes = value.ok_or("java.lang.NullPointerException")?;
    let mut reader = Reader::new(bytes);
    let mut number = |what: &str| {
        let number = reader.varint_unsigned().and_then(|number| i16::try_from(number).ok());
        number.ok_or_else(|| format!("{error}: Error while reading {what}"))
    };
    let frame = number("frame version")?;
    let (kind, version) = (number("type")?, number("version")?);
    if frame != 1 {
        return Err(format!(
            "{error}: Could not deserialize metadata record with frame version {frame}. Only version 1 is supported."
        ));
    }
    let message = metadata_record_definition(kind).ok_or_else(|| {
        format!("org.apache.kafka.common.errors.UnsupportedVersionException: Unknown metadata id {kind}")
    })?;
    let newest = message.versions.last;
    if !message.versions.has(version) {
        return Err(format!(
            "org.apache.kafka.common.errors.UnsupportedVersionException: Can't read version {version} of {}, which goes up to {newest}",
            message.name
        ));
    }
    let body = bytes.slice(reader.position()..);
    let data = metadata_record_text(message, version, &body).map_err(|error| error.to_string())?;
    Ok(format!("{{\"type\":\"{}\",\"version\":{version},\"data\":{data}}}", constant(message.name)))
}

/// `TopicRecord` as the constant that Java names it by: `TOPIC_RECORD`.
fn constant(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

/// The fields of a message.
struct Fields<'a> {
    reader: Reader<'a>,
    flexible: bool,
}

impl<'a> Fields<'a> {
    /// A text; the inner nothing is null.
    #[allow(clippy::option_option, reason = "the outer None is malformed, the inner one null")]
    fn nullable(&mut self) -> Option<Option<&'a str>> {
        let len = if self.flexible {
            i64::from(self.reader.varint_unsigned()?) - 1
        } else {
            i64::from(self.reader.i16()?)
        };
        let Ok(len) = usize::try_from(len) else { return Some(None) };
        Some(Some(std::str::from_utf8(self.reader.take(len)?).ok()?))
    }

    /// A text as JSON.
    fn text(&mut self) -> Option<String> {
        Some(self.nullable()?.map_or_else(|| "null".to_owned(), string))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = if self.flexible {
            i64::from(self.reader.varint_unsigned()?) - 1
        } else {
            i64::from(self.reader.i32()?)
        };
        self.reader.take(usize::try_from(len).ok()?)
    }

    /// A number of elements; the inner nothing is null.
    #[allow(clippy::option_option, reason = "the outer None is malformed, the inner one null")]
    fn count(&mut self) -> Option<Option<u32>> {
        if self.flexible {
            return Some(self.reader.varint_unsigned()?.checked_sub(1));
        }
        let count = self.reader.i32()?;
        Some(u32::try_from(count).ok())
    }

    fn tagged(&mut self) -> Option<Vec<(u32, &'a [u8])>> {
        let mut fields = Vec::new();
        for _ in 0..if self.flexible { self.reader.varint_unsigned()? } else { 0 } {
            let (tag, len) = (self.reader.varint_unsigned()?, self.reader.varint_unsigned()?);
            fields.push((tag, self.reader.take(usize::try_from(len).ok()?)?));
        }
        Some(fields)
    }
}

fn group_key(kind: i16, reader: &mut Reader<'_>) -> Option<String> {
    let mut fields = Fields { reader: Reader::new(reader.take(reader.remaining())?), flexible: false };
    match kind {
        0 | 1 => {
            let (group, topic) = (fields.text()?, fields.text()?);
            let partition = fields.reader.i32()?;
            Some(format!("{{\"group\":{group},\"topic\":{topic},\"partition\":{partition}}}"))
        }
        2 => Some(format!("{{\"group\":{}}}", fields.text()?)),
        _ => None,
    }
}

fn transaction_key(kind: i16, reader: &mut Reader<'_>) -> Option<String> {
    let mut fields = Fields { reader: Reader::new(reader.take(reader.remaining())?), flexible: false };
    (kind == 0).then(|| Some(format!("{{\"transactionalId\":{}}}", fields.text()?)))?
}

/// OffsetCommitValue
fn offset_value(mut fields: Fields<'_>, version: i16) -> Option<String> {
    let mut out = format!("{{\"offset\":{}", fields.reader.i64()?);
    if version >= 3 {
        out.push_str(&format!(",\"leaderEpoch\":{}", fields.reader.i32()?));
    }
    out.push_str(&format!(",\"metadata\":{}", fields.text()?));
    out.push_str(&format!(",\"commitTimestamp\":{}", fields.reader.i64()?));
    if version == 1 {
        out.push_str(&format!(",\"expireTimestamp\":{}", fields.reader.i64()?));
    }
    for (tag, bytes) in fields.tagged()? {
        if let (0, Ok(id)) = (tag, bytes.try_into()) {
            out.push_str(&format!(",\"topicId\":\"{}\"", uuid_text::to_text(Uuid::from_bytes(id))));
        }
    }
    out.push('}');
    Some(out)
}

/// GroupMetadataValue; what consumers said of themselves is read as well.
fn group_value(mut fields: Fields<'_>, version: i16) -> Option<String> {
    let protocol_type = fields.nullable()?;
    let of_consumers = protocol_type == Some("consumer");
    let mut out = format!("{{\"protocolType\":{}", protocol_type.map_or_else(|| "null".to_owned(), string));
    out.push_str(&format!(",\"generation\":{}", fields.reader.i32()?));
    out.push_str(&format!(",\"protocol\":{},\"leader\":{}", fields.text()?, fields.text()?));
    if version >= 2 {
        out.push_str(&format!(",\"currentStateTimestamp\":{}", fields.reader.i64()?));
    }
    let mut members = Vec::new();
    for _ in 0..fields.count()?? {
        let mut member = format!("{{\"memberId\":{}", fields.text()?);
        if version >= 3 {
            member.push_str(&format!(",\"groupInstanceId\":{}", fields.text()?));
        }
        member.push_str(&format!(",\"clientId\":{},\"clientHost\":{}", fields.text()?, fields.text()?));
        if version >= 1 {
            member.push_str(&format!(",\"rebalanceTimeout\":{}", fields.reader.i32()?));
        }
        member.push_str(&format!(",\"sessionTimeout\":{}", fields.reader.i32()?));
        let (said, given) = (fields.bytes()?, fields.bytes()?);
        fields.tagged()?;
        let read = |read: fn(&[u8]) -> Option<String>, bytes: &[u8]| {
            let read = if of_consumers { read(bytes) } else { None };
            read.unwrap_or_else(|| string(&base64(bytes)))
        };
        member.push_str(&format!(",\"subscription\":{}", read(subscription, said)));
        member.push_str(&format!(",\"assignment\":{}}}", read(assignment, given)));
        members.push(member);
    }
    fields.tagged()?;
    out.push_str(&format!(",\"members\":[{}]}}", members.join(",")));
    Some(out)
}

/// TransactionLogValue
fn transaction_value(mut fields: Fields<'_>) -> Option<String> {
    let producer = fields.reader.i64()?;
    let (epoch, timeout) = (fields.reader.i16()?, fields.reader.i32()?);
    let state = i8::from_be_bytes([fields.reader.u8()?]);
    let mut topics = None;
    if let Some(count) = fields.count()? {
        let topics = topics.get_or_insert_with(Vec::new);
        for _ in 0..count {
            let topic = fields.text()?;
            let mut numbers = Vec::new();
            for _ in 0..fields.count()?? {
                numbers.push(fields.reader.i32()?.to_string());
            }
            fields.tagged()?;
            topics.push(format!("{{\"topic\":{topic},\"partitionIds\":[{}]}}", numbers.join(",")));
        }
    }
    let (updated, started) = (fields.reader.i64()?, fields.reader.i64()?);
    let (mut ids, mut client) = (String::new(), String::new());
    for (tag, bytes) in fields.tagged()? {
        let long = bytes.try_into().map(i64::from_be_bytes);
        match (tag, long, bytes.try_into().map(i16::from_be_bytes)) {
            (0, Ok(id), _) => ids.push_str(&format!(",\"previousProducerId\":{id}")),
            (1, Ok(id), _) => ids.push_str(&format!(",\"nextProducerId\":{id}")),
            (2, _, Ok(version)) => client = format!(",\"clientTransactionVersion\":{version}"),
            _ => {}
        }
    }
    let topics = topics.map_or_else(|| "null".to_owned(), |topics| format!("[{}]", topics.join(",")));
    Some(format!(
        "{{\"producerId\":{producer}{ids},\"producerEpoch\":{epoch},\"transactionTimeoutMs\":{timeout},\"transactionStatus\":{state},\"transactionPartitions\":{topics},\"transactionLastUpdateTimestampMs\":{updated},\"transactionStartTimestampMs\":{started}{client}}}"
    ))
}

/// The version that stands before a message of the consumers' own protocol, and what follows.
fn versioned(bytes: &[u8], newest: i16) -> Option<(i16, Bytes)> {
    let mut reader = Reader::new(bytes);
    let version = reader.i16().filter(|version| *version >= 0)?.min(newest);
    Some((version, Bytes::copy_from_slice(reader.take(reader.remaining())?)))
}

fn subscription(bytes: &[u8]) -> Option<String> {
    let (version, mut rest) = versioned(bytes, 3)?;
    let message = ConsumerProtocolSubscription::decode(&mut rest, version).ok()?;
    let topics: Vec<String> = message.topics.iter().map(|topic| string(topic)).collect();
    let mut out =
        format!("{{\"topics\":[{}],\"userData\":{}", topics.join(","), data(message.user_data.as_ref()));
    if version >= 1 {
        let owned = message.owned_partitions.iter().map(|of| partitions(&of.topic, &of.partitions));
        out.push_str(&format!(",\"ownedPartitions\":[{}]", owned.collect::<Vec<_>>().join(",")));
    }
    if version >= 2 {
        out.push_str(&format!(",\"generationId\":{}", message.generation_id));
    }
    if version >= 3 {
        let rack = message.rack_id.as_ref().map_or_else(|| "null".to_owned(), |rack| string(rack));
        out.push_str(&format!(",\"rackId\":{rack}"));
    }
    out.push('}');
    Some(out)
}

fn assignment(bytes: &[u8]) -> Option<String> {
    let (version, mut rest) = versioned(bytes, 3)?;
    let message = ConsumerProtocolAssignment::decode(&mut rest, version).ok()?;
    let assigned = message.assigned_partitions.iter().map(|of| partitions(&of.topic, &of.partitions));
    let assigned = assigned.collect::<Vec<_>>().join(",");
    Some(format!("{{\"assignedPartitions\":[{assigned}],\"userData\":{}}}", data(message.user_data.as_ref())))
}

fn partitions(topic: &str, numbers: &[i32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    format!("{{\"topic\":{},\"partitions\":[{}]}}", string(topic), numbers.join(","))
}

fn data(bytes: Option<&Bytes>) -> String {
    bytes.map_or_else(|| "null".to_owned(), |bytes| string(&base64(bytes)))
}

/// Bytes as Jackson writes them.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let six = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or(0);
            out.push(if place <= three.len() { char::from(ALPHABET[six]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::segment::SegmentDump;
    use super::super::{Findings, Settings};
    use super::*;

    /// What Kafka 4.3.1's DumpLogSegments printed of the segments beside it.
    const DUMPED: &str = include_str!("../../../../../tests/fixtures/coordinators/dumped.txt");
    const OFFSETS: &[u8] = include_bytes!("../../../../../tests/fixtures/coordinators/consumer_offsets.log");
    const TRANSACTIONS: &[u8] =
        include_bytes!("../../../../../tests/fixtures/coordinators/transaction_state.log");

    #[test]
    fn coordinators_records_are_shown_as_kafka_shows_them() {
        let mut out = String::new();
        for (bytes, decoder) in [(OFFSETS, Decoder::Offsets), (TRANSACTIONS, Decoder::Transactions)] {
            let settings = Settings {
                print_data: true,
                deep: true,
                skip_metadata: false,
                sanity_only: false,
                verify_only: false,
                max_bytes: i32::MAX,
                max_message_size: 5 * 1024 * 1024,
                decoder: Some(decoder),
            };
            let mut dump = SegmentDump::new("a/0.log", Bytes::from_static(bytes));
            while dump.next(&mut out, &settings, &mut Findings::default()).unwrap() {}
        }
        assert!(DUMPED.lines().count() > 20);
        for (got, want) in out.lines().zip(DUMPED.lines()) {
            assert_eq!(got, want);
        }
        assert_eq!(out.lines().count(), DUMPED.lines().count());
    }

    #[test]
    fn what_cannot_be_read_is_told_and_nothing_panics() {
        assert_eq!(
            ["", "a", "ab", "abc", "abcd"].map(|text| base64(text.as_bytes())),
            ["", "YQ==", "YWI=", "YWJj", "YWJjZA=="]
        );
        for decoder in [Decoder::Offsets, Decoder::Transactions, Decoder::Metadata] {
            for key in [&b""[..], &[0], &[0, 0], &[0, 0, 0, 9, 1], &[0, 99], &[0xff; 20]] {
                for value in [
                    None,
                    Some(&b""[..]),
                    Some(&[0, 1, 5]),
                    Some(&[1, 5, 0]),
                    Some(&[0xff; 40]),
                    Some(&[0; 40]),
                ] {
                    let record = Record {
                        offset: 7,
                        timestamp: 0,
                        sequence: -1,
                        key: Some(Bytes::copy_from_slice(key)),
                        value: value.map(Bytes::copy_from_slice),
                        headers: Vec::new(),
                        range: None,
                    };
                    let decoded = decoder.decode(&record).unwrap();
                    let key = decoded.key.unwrap_or_default();
                    assert!(decoded.payload.is_some() || key.ends_with("skipping.") || key.ends_with("null"));
                }
            }
        }
    }
}
