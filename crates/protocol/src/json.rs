//! Messages as JSON and back, by Kafka's definitions: the form that Kafka's own request log prints
//! (org.apache.kafka.common.message.*JsonConverter). Names are in camel case, UUIDs in Kafka's text form, bytes in
//! base64.
//!
//! Records are more than Kafka's form, which has their size alone: each is an object with `offset`, `timestamp`, `key`,
//! `value` and `headers`, and bytes that are UTF-8 stand there as text, others as `{"base64": …}`.
//!
//! Reading keeps to what is there: an array may claim more elements than its bytes could hold, so memory is taken an
//! element at a time. Whatever is written gets the defaults of Kafka's definitions for the fields that are not given.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use kafka_protocol::messages::ApiKey;
use serde_json::{Map, Value, json};

use crate::definition::{Field, Kind, Message, Type, Versions, message};
use crate::record_batch::{Record, batches};
use crate::uuid_text;
use crate::varint::{Reader, put_unsigned};

/// Why a message is not read, or not written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JsonError {
    /// Kafka defines no such message.
    #[error("Kafka defines no {0:?} of version {1}")]
    Unknown(
        /// The API.
        ApiKey,
        /// The version.
        i16,
    ),
    /// The bytes of a field end too early, or are none of its type.
    #[error("the bytes of {0} are none")]
    Bytes(
        /// The field, with those around it: `topicData.partitionData.index`.
        String,
    ),
    /// A value is none of its field's.
    #[error("{field} cannot be {value}: it is {expected}")]
    Value {
        /// The field, with those around it.
        field: String,
        /// What was given, cut to some characters.
        value: String,
        /// What it would have to be.
        expected: &'static str,
    },
    /// The message has no field of this name in this version.
    #[error("there is no field {field} in version {version}; there are {known}")]
    Field {
        /// What was given, with the fields around it.
        field: String,
        /// The version.
        version: i16,
        /// The fields that are there.
        known: String,
    },
}

/// A message's body as JSON.
///
/// # Errors
/// The message or version is not Kafka's, or the bytes are none of it. Bytes behind the message are passed over.
pub fn to_json(api_key: ApiKey, kind: Kind, version: i16, body: &Bytes) -> Result<Value, JsonError> {
    read(api_key, kind, version, body, RecordsAs::Objects)
}

/// The same with null in the place of records, which cost the most to read.
///
/// # Errors
/// As of [`to_json`].
pub fn to_json_without_records(
    api_key: ApiKey,
    kind: Kind,
    version: i16,
    body: &Bytes,
) -> Result<Value, JsonError> {
    read(api_key, kind, version, body, RecordsAs::Null)
}

/// The same with the size of records in bytes in their place, as Kafka's request log has it.
///
/// # Errors
/// As of [`to_json`].
pub fn to_json_with_record_sizes(
    api_key: ApiKey,
    kind: Kind,
    version: i16,
    body: &Bytes,
) -> Result<Value, JsonError> {
    read(api_key, kind, version, body, RecordsAs::Size)
}

/// What stands in the place of records.
#[derive(Clone, Copy)]
enum RecordsAs {
    Objects,
    Size,
    Null,
}

fn read(
    api_key: ApiKey,
    kind: Kind,
    version: i16,
    body: &Bytes,
    records: RecordsAs,
) -> Result<Value, JsonError> {
    let unknown = || JsonError::Unknown(api_key, version);
    let message = message(api_key, kind).filter(|one| one.versions.has(version)).ok_or_else(unknown)?;
    let flexible = message.flexible.has(version);
    let mut read = Read {
        reader: Reader::new(body),
        bytes: body,
        version,
        flexible,
        records,
        tagged_defaults: true,
        path: Vec::new(),
    };
    read.fields(&message.fields)
}

/// A record of the metadata log as Kafka's dump tool prints it: the fields in the order of their definition, tagged
/// ones only where they are there. Bytes behind the record are passed over.
///
/// # Errors
/// [`JsonError::Bytes`]: the bytes are none of it.
pub fn metadata_record_text(
    message: &'static Message,
    version: i16,
    body: &Bytes,
) -> Result<String, JsonError> {
    let mut read = Read {
        reader: Reader::new(body),
        bytes: body,
        version,
        flexible: message.flexible.has(version),
        records: RecordsAs::Size,
        tagged_defaults: false,
        path: Vec::new(),
    };
    let mut out = String::new();
    in_order(&message.fields, &read.fields(&message.fields)?, &mut out);
    Ok(out)
}

/// Writes a struct's fields, or what is in its place, in the order of their definition: an object forgets it.
fn in_order(fields: &[Field], value: &Value, out: &mut String) {
    let Value::Object(object) = value else { return out.push_str(&value.to_string()) };
    out.push('{');
    let mut separator = "";
    for field in fields {
        let Some(value) = object.get(field.name) else { continue };
        out.push_str(&format!("{separator}\"{}\":", field.name));
        separator = ",";
        match (&field.of, value) {
            (Type::Struct(fields), Value::Array(elements)) => {
                out.push('[');
                for (at, element) in elements.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    in_order(fields, element, out);
                }
                out.push(']');
            }
            (Type::Struct(fields), value) => in_order(fields, value, out),
            (_, value) => out.push_str(&value.to_string()),
        }
    }
    out.push('}');
}

/// A message's body from JSON: an object with the fields that are not to be their defaults.
///
/// # Errors
/// The message or version is not Kafka's; a field is not there in this version, or a value is none of its field's.
pub fn from_json(api_key: ApiKey, kind: Kind, version: i16, value: &Value) -> Result<Vec<u8>, JsonError> {
    let unknown = || JsonError::Unknown(api_key, version);
    let message = message(api_key, kind).filter(|one| one.versions.has(version)).ok_or_else(unknown)?;
    let mut write = Write { version, flexible: message.flexible.has(version), path: Vec::new() };
    let mut out = Vec::new();
    write.fields(&message.fields, value, &mut out)?;
    Ok(out)
}

struct Read<'a> {
    reader: Reader<'a>,
    bytes: &'a Bytes,
    version: i16,
    flexible: bool,
    records: RecordsAs,
    /// Whether tagged fields that are not there are given their defaults.
    tagged_defaults: bool,
    path: Vec<&'static str>,
}

impl<'a> Read<'a> {
    fn wrong(&self) -> JsonError {
        JsonError::Bytes(self.path.join("."))
    }

    fn fields(&mut self, fields: &'static [Field]) -> Result<Value, JsonError> {
        let mut object = Map::new();
        let version = self.version;
        for field in fields.iter().filter(|field| field.versions.has(version)) {
            let value = if field.tag.is_some_and(|(_, versions)| versions.has(version)) {
                if !self.tagged_defaults {
                    continue;
                }
                default(field, version)
            } else {
                self.named(field)?
            };
            object.insert(field.name.to_owned(), value);
        }
        if self.flexible {
            for _ in 0..self.unsigned()? {
                let tag = self.unsigned()?;
                let size = self.unsigned()? as usize;
                let mine = |(its, versions): (u32, Versions)| its == tag && versions.has(version);
                match fields.iter().find(|field| field.tag.is_some_and(mine)) {
                    Some(field) => drop(object.insert(field.name.to_owned(), self.named(field)?)),
                    None => drop(self.reader.take(size).ok_or_else(|| self.wrong())?),
                }
            }
        }
        Ok(Value::Object(object))
    }

    fn named(&mut self, field: &'static Field) -> Result<Value, JsonError> {
        self.path.push(field.name);
        let value = self.field(field);
        self.path.pop();
        value
    }

    fn field(&mut self, field: &'static Field) -> Result<Value, JsonError> {
        if !field.array {
            return self.value(&field.of, field.nullable.has(self.version));
        }
        let Some(count) = self.length(4)? else { return Ok(Value::Null) };
        let mut elements = Vec::new();
        for _ in 0..count {
            let from = self.reader.position();
            elements.push(self.value(&field.of, false)?);
            // Of elements without bytes an array could have any number.
            if self.reader.position() == from {
                return Err(self.wrong());
            }
        }
        Ok(Value::Array(elements))
    }

    fn value(&mut self, of: &'static Type, nullable: bool) -> Result<Value, JsonError> {
        Ok(match of {
            Type::Bool => json!(self.take(1)? != [0]),
            Type::Int(size) => {
                let bytes = self.take(*size)?;
                let sign = if bytes.first().is_some_and(|byte| *byte >= 0x80) { -1 } else { 0 };
                json!(bytes.iter().fold(sign, |number: i64, byte| (number << 8) | i64::from(*byte)))
            }
            Type::Uint(size) => {
                json!(self.take(*size)?.iter().fold(0, |number: u64, byte| (number << 8) | u64::from(*byte)))
            }
            Type::Float => {
                let bytes = self.take(8)?.try_into().map_err(|_| self.wrong())?;
                json!(f64::from_be_bytes(bytes))
            }
            Type::Uuid => {
                let bytes = self.take(16)?.try_into().map_err(|_| self.wrong())?;
                json!(uuid_text::to_text(uuid::Uuid::from_bytes(bytes)))
            }
            Type::String => match self.length(2)? {
                None => Value::Null,
                Some(len) => json!(std::str::from_utf8(self.take(len)?).map_err(|_| self.wrong())?),
            },
            Type::Bytes => match self.length(4)? {
                None => Value::Null,
                Some(len) => json!(BASE64_STANDARD.encode(self.take(len)?)),
            },
            Type::Records => match self.length(4)? {
                None => Value::Null,
                Some(len) => {
                    let from = self.reader.position();
                    self.take(len)?;
                    match self.records {
                        RecordsAs::Objects => records(&self.bytes.slice(from..from + len)),
                        RecordsAs::Size => json!(len),
                        RecordsAs::Null => Value::Null,
                    }
                }
            },
            Type::Struct(fields) => {
                if nullable && self.take(1)?.first().is_some_and(|byte| *byte >= 0x80) {
                    return Ok(Value::Null);
                }
                return self.fields(fields);
            }
        })
    }

    fn take(&mut self, size: usize) -> Result<&'a [u8], JsonError> {
        self.reader.take(size).ok_or_else(|| self.wrong())
    }

    fn unsigned(&mut self) -> Result<u32, JsonError> {
        self.reader.varint_unsigned().ok_or_else(|| self.wrong())
    }

    /// A length, in so many bytes where it is not compact; nothing for null.
    fn length(&mut self, bytes: usize) -> Result<Option<usize>, JsonError> {
        let len = if self.flexible {
            i64::from(self.unsigned()?) - 1
        } else if bytes == 2 {
            i64::from(self.reader.i16().ok_or_else(|| self.wrong())?)
        } else {
            i64::from(self.reader.i32().ok_or_else(|| self.wrong())?)
        };
        match len {
            -1 => Ok(None),
            len => usize::try_from(len).map(Some).map_err(|_| self.wrong()),
        }
    }
}

/// Records as far as they can be read; what cannot is said in their place.
fn records(bytes: &Bytes) -> Value {
    let mut all = Vec::new();
    for batch in batches(bytes) {
        let read = batch.map_err(|error| error.to_string()).and_then(|batch| {
            let first = batch.base_offset();
            let records = batch.records().map_err(|error| error.to_string())?;
            let records = records.map(|record| record.map_err(|error| error.to_string()));
            Ok((first, records.collect::<Result<Vec<_>, _>>()?))
        });
        match read {
            Ok((_, records)) => all.extend(records.iter().map(record)),
            Err(error) => all.push(json!({ "error": error })),
        }
    }
    Value::Array(all)
}

fn record(record: &Record) -> Value {
    let headers = record
        .headers
        .iter()
        .map(|header| json!({ "key": text(Some(&header.key)), "value": text(header.value.as_ref()) }));
    json!({
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": text(record.key.as_ref()),
        "value": text(record.value.as_ref()),
        "headers": headers.collect::<Vec<_>>(),
    })
}

fn text(bytes: Option<&Bytes>) -> Value {
    match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => Value::Null,
        Some((_, Ok(text))) => json!(text),
        Some((bytes, Err(_))) => json!({ "base64": BASE64_STANDARD.encode(bytes) }),
    }
}

/// The value of a field that is not given.
fn default(field: &'static Field, version: i16) -> Value {
    match (&field.of, field.default) {
        (_, Some("null")) => Value::Null,
        _ if field.array => json!([]),
        (Type::Bool, default) => json!(default == Some("true")),
        (Type::Int(_) | Type::Uint(_), default) => {
            json!(default.and_then(|text| text.parse::<i64>().ok()).unwrap_or(0))
        }
        (Type::Float, default) => json!(default.and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0)),
        (Type::String, default) => json!(default.unwrap_or("")),
        (Type::Uuid, _) => json!(uuid_text::to_text(uuid::Uuid::nil())),
        (Type::Bytes, _) => json!(""),
        (Type::Records, _) if field.nullable.has(version) => Value::Null,
        (Type::Records, _) => json!([]),
        (Type::Struct(fields), _) => {
            let there = fields.iter().filter(|field| field.versions.has(version));
            Value::Object(there.map(|field| (field.name.to_owned(), default(field, version))).collect())
        }
    }
}

struct Write {
    version: i16,
    flexible: bool,
    path: Vec<&'static str>,
}

impl Write {
    fn wrong(&self, value: &Value, expected: &'static str) -> JsonError {
        let value: String = value.to_string().chars().take(40).collect();
        let field = if self.path.is_empty() { "the message".to_owned() } else { self.path.join(".") };
        JsonError::Value { field, value, expected }
    }

    fn fields(
        &mut self,
        fields: &'static [Field],
        value: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), JsonError> {
        let version = self.version;
        let given = value.as_object().ok_or_else(|| self.wrong(value, "an object"))?;
        let there = || fields.iter().filter(move |field| field.versions.has(version));
        if let Some(name) = given.keys().find(|name| there().all(|field| field.name != name.as_str())) {
            let names: Vec<&str> = there().map(|field| field.name).collect();
            let field = self.path.iter().copied().chain([name.as_str()]).collect::<Vec<_>>().join(".");
            return Err(JsonError::Field { field, version, known: names.join(", ") });
        }
        let mut tagged = Vec::new();
        for field in there() {
            let default = default(field, version);
            let value = given.get(field.name).unwrap_or(&default);
            match field.tag.filter(|(_, versions)| versions.has(version)) {
                None => self.named(field, value, out)?,
                // As in Kafka, a tagged field that has its default is left out.
                Some(_) if *value == default => {}
                Some((tag, _)) => {
                    let mut bytes = Vec::new();
                    self.named(field, value, &mut bytes)?;
                    tagged.push((tag, bytes));
                }
            }
        }
        if self.flexible {
            tagged.sort_by_key(|(tag, _)| *tag);
            put_unsigned(out, size(tagged.len()));
            for (tag, bytes) in tagged {
                put_unsigned(out, tag);
                put_unsigned(out, size(bytes.len()));
                out.extend(bytes);
            }
        }
        Ok(())
    }

    fn named(&mut self, field: &'static Field, value: &Value, out: &mut Vec<u8>) -> Result<(), JsonError> {
        self.path.push(field.name);
        let written = self.field(field, value, out);
        self.path.pop();
        written
    }

    fn field(&mut self, field: &'static Field, value: &Value, out: &mut Vec<u8>) -> Result<(), JsonError> {
        let nullable = field.nullable.has(self.version);
        if !field.array {
            return self.value(&field.of, nullable, value, out);
        }
        if value.is_null() && nullable {
            self.length(None, 4, out);
            return Ok(());
        }
        let elements = value.as_array().ok_or_else(|| self.wrong(value, "an array"))?;
        self.length(Some(elements.len()), 4, out);
        elements.iter().try_for_each(|element| self.value(&field.of, false, element, out))
    }

    fn value(
        &mut self,
        of: &'static Type,
        nullable: bool,
        value: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), JsonError> {
        let null = value.is_null() && nullable;
        match of {
            Type::Bool => out.push(value.as_bool().ok_or_else(|| self.wrong(value, "true or false"))?.into()),
            Type::Int(size) => {
                let (number, range) = (value.as_i64(), i64::MAX >> (64 - 8 * size));
                let number = number.filter(|number| (-range - 1..=range).contains(number));
                let number = number.ok_or_else(|| self.wrong(value, "a whole number of its size"))?;
                out.extend(&number.to_be_bytes()[8 - size..]);
            }
            Type::Uint(size) => {
                let number = value.as_u64().filter(|number| *number <= u64::MAX >> (64 - 8 * size));
                let number =
                    number.ok_or_else(|| self.wrong(value, "a whole number of its size, not below 0"))?;
                out.extend(&number.to_be_bytes()[8 - size..]);
            }
            Type::Float => {
                out.extend(value.as_f64().ok_or_else(|| self.wrong(value, "a number"))?.to_be_bytes());
            }
            Type::Uuid => {
                let id = value.as_str().and_then(uuid_text::from_text);
                out.extend(id.ok_or_else(|| self.wrong(value, "a UUID in Kafka's text form"))?.as_bytes());
            }
            Type::String => {
                let text = if null { None } else { Some(self.text(value)?.as_bytes()) };
                if text.is_some_and(|text| text.len() > usize::from(i16::MAX.unsigned_abs())) {
                    return Err(self.wrong(value, "a text of at most 32767 bytes"));
                }
                self.length(text.map(<[u8]>::len), 2, out);
                out.extend(text.unwrap_or_default());
            }
            Type::Bytes | Type::Records => {
                let no_records = matches!(of, Type::Records) && value.as_array().is_some_and(Vec::is_empty);
                let bytes = match value {
                    _ if null => None,
                    _ if no_records => Some(Vec::new()),
                    value => {
                        let bytes = BASE64_STANDARD.decode(self.text(value)?);
                        Some(bytes.map_err(|_| self.wrong(value, "bytes in base64"))?)
                    }
                };
                self.length(bytes.as_ref().map(Vec::len), 4, out);
                out.extend(bytes.unwrap_or_default());
            }
            Type::Struct(_) if null => out.push(0xff),
            Type::Struct(fields) => {
                if nullable {
                    out.push(1);
                }
                return self.fields(fields, value, out);
            }
        }
        Ok(())
    }

    fn text<'a>(&self, value: &'a Value) -> Result<&'a str, JsonError> {
        value.as_str().ok_or_else(|| self.wrong(value, "a text"))
    }

    fn length(&self, len: Option<usize>, bytes: usize, out: &mut Vec<u8>) {
        let len = len.map(size);
        match (self.flexible, bytes) {
            (true, _) => put_unsigned(out, len.map_or(0, |len| len.saturating_add(1))),
            (false, 2) => {
                out.extend(len.map_or([0xff; 2], |len| [len.to_be_bytes()[2], len.to_be_bytes()[3]]))
            }
            (false, _) => out.extend(len.map_or([0xff; 4], u32::to_be_bytes)),
        }
    }
}

/// Nothing here comes near the limit: a frame has at most 2 GiB.
fn size(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Message, messages};
    use crate::frame::{Header, decode_body};
    use crate::record_batch::{BatchBuilder, BatchOptions};
    use crate::schema;
    use blumfeld_kernel::Prng;
    use kafka_protocol::messages::{ProduceRequest, TopicName, produce_request};
    use kafka_protocol::protocol::Encodable;

    /// Every version of every message that the library knows too.
    fn all() -> impl Iterator<Item = (&'static Message, ApiKey, i16)> {
        messages().iter().flat_map(|message| {
            let api_key = ApiKey::try_from(message.api_key).ok();
            let known = api_key.map(|api_key| api_key.valid_versions());
            known.into_iter().flat_map(|known| known.min..=known.max).filter_map(move |version| {
                message.versions.has(version).then_some((message, api_key?, version))
            })
        })
    }

    fn draw(rng: &mut Prng, fields: &'static [Field], version: i16) -> Value {
        let mut object = Map::new();
        for field in fields.iter().filter(|field| field.versions.has(version)) {
            let value = if field.nullable.has(version) && rng.chance(1, 4) {
                Value::Null
            } else if field.array {
                Value::Array((0..rng.below(3)).map(|_| one(rng, &field.of, version)).collect())
            } else {
                one(rng, &field.of, version)
            };
            object.insert(field.name.to_owned(), value);
        }
        Value::Object(object)
    }

    fn one(rng: &mut Prng, of: &'static Type, version: i16) -> Value {
        let number = rng.next_u64();
        match of {
            Type::Bool => json!(number & 1 == 1),
            Type::Int(size) => json!(number.cast_signed() >> (64 - 8 * size)),
            Type::Uint(size) => json!(number >> (64 - 8 * size)),
            Type::Float => json!(f64::from(u32::try_from(number >> 40).unwrap_or(0)) / 8.0),
            Type::String => json!("가".repeat(usize::try_from(number % 80).unwrap_or(0))),
            Type::Uuid => json!(uuid_text::to_text(uuid::Uuid::from_u64_pair(number, 1))),
            Type::Bytes => json!(BASE64_STANDARD.encode(number.to_be_bytes())),
            Type::Records => json!([]),
            Type::Struct(fields) => draw(rng, fields, version),
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_walked_to_the_same_end() {
        let mut rng = Prng::new(1, "json");
        let mut requests = 0;
        for (message, api_key, version) in all() {
            for _ in 0..4 {
                let value = draw(&mut rng, &message.fields, version);
                let what = format!("{} v{version} {:?} {value}", message.name, message.kind);
                let bytes = match from_json(api_key, message.kind, version, &value) {
                    Ok(bytes) => Bytes::from(bytes),
                    Err(error) => panic!("{what}: {error}"),
                };
                assert_eq!(to_json(api_key, message.kind, version, &bytes), Ok(value), "{what}");
                if message.kind == Kind::Request {
                    requests += 1;
                    assert_eq!(schema::walk(api_key, version, &bytes), Ok(bytes.clone()), "{what}");
                }
                for cut in 0..bytes.len().min(60) {
                    let _ = to_json(api_key, message.kind, version, &bytes.slice(..cut));
                }
            }
        }
        assert!(requests > 500, "{requests}");
    }

    #[test]
    fn a_request_of_the_library_reads_as_kafka_prints_it() {
        let mut batch = BatchBuilder::new(BatchOptions::default());
        batch.append(5, Some(b"k"), Some(&[0xff]), &[]);
        let mut data = produce_request::PartitionProduceData::default().with_index(2);
        data.records = Some(batch.build().bytes().clone());
        let topic = produce_request::TopicProduceData::default()
            .with_name(TopicName("orders".to_owned().into()))
            .with_partition_data(vec![data]);
        let request = ProduceRequest::default().with_acks(-1).with_topic_data(vec![topic]);
        let mut bytes = bytes::BytesMut::new();
        request.encode(&mut bytes, 9).unwrap();
        let value = to_json(ApiKey::Produce, Kind::Request, 9, &bytes.freeze()).unwrap();
        let record =
            json!({ "offset": 0, "timestamp": 5, "key": "k", "value": { "base64": "/w==" }, "headers": [] });
        let want = json!({
            "transactionalId": null,
            "acks": -1,
            "timeoutMs": 0,
            "topicData": [{ "name": "orders", "partitionData": [{ "index": 2, "records": [record] }] }],
        });
        assert_eq!(value, want);
    }

    #[test]
    fn what_is_not_given_is_the_default_and_what_is_wrong_is_named() {
        let bytes = from_json(ApiKey::Fetch, Kind::Request, 12, &json!({ "maxBytes": 7 })).unwrap();
        let header = Header { api_key: ApiKey::Fetch, version: 12, correlation_id: 1, client_id: None };
        let fetch: kafka_protocol::messages::FetchRequest = decode_body(&header, bytes.into()).unwrap();
        assert_eq!((fetch.max_bytes, fetch.session_epoch, fetch.replica_id.0), (7, -1, -1));
        for (value, want) in [
            (json!([]), "the message cannot be []: it is an object"),
            (json!({ "acks": 40_000 }), "acks cannot be 40000: it is a whole number of its size"),
            (json!({ "topicData": [{ "name": 1 }] }), "topicData.name cannot be 1: it is a text"),
            (json!({ "topicData": [{ "names": 1 }] }), "there is no field topicData.names in version 9"),
            (json!({ "topicData": [{ "topicId": "" }] }), "there is no field topicData.topicId in version 9"),
        ] {
            let error = from_json(ApiKey::Produce, Kind::Request, 9, &value).unwrap_err().to_string();
            assert!(error.starts_with(want), "{error}");
        }
        let error = to_json(ApiKey::Produce, Kind::Request, 2, &Bytes::new()).unwrap_err();
        assert_eq!(error, JsonError::Unknown(ApiKey::Produce, 2));
    }
}
