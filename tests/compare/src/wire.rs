//! Requests that nobody should send, as bytes, and answers as JSON.
//!
//! A message is JSON by Kafka's definitions, as in `blumfeld_protocol::json`, with three more forms where a value may
//! stand, because what is odd about a request often has no other: `{"$len": -2, "of": […]}` is a string, bytes or array
//! with that length written before it, `{"$raw": BASE64}` is a string of these bytes, `{"$tag": [TAG, BASE64], …}` is a
//! struct with one more tagged field. A text that begins with `$` stands for a value that each side chose by itself: a
//! topic's id, a member's id, a fetch session.
//!
//! Both directions are written apart from those of the broker, so that a fault in one shows.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use blumfeld_protocol::definition::{Field, Kind, Message, Type, message};
use blumfeld_protocol::varint::{Reader, put_unsigned};
use blumfeld_protocol::{ApiKey, Uuid, uuid_text};
use serde_json::{Map, Value, json};

/// What one side chose by itself, by the name it has in requests, as `$topic:orders`.
pub type Chosen = BTreeMap<String, Value>;

/// The definition of an API's message.
///
/// # Errors
/// Kafka defines none.
pub fn definition(api: i16, kind: Kind) -> Result<&'static Message> {
    let key = ApiKey::try_from(api).ok().with_context(|| format!("there is no API {api}"))?;
    message(key, kind).with_context(|| format!("Kafka defines no {kind:?} of {key:?}"))
}

/// A request's body. Fields that its version does not have are passed over; those that are not given get their default.
///
/// # Errors
/// A value is none of its field's.
pub fn write(message: &Message, version: i16, value: &Value, chosen: &Chosen) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let writer = Writer { version, flexible: message.flexible.has(version), chosen };
    writer.fields(&message.fields, value, &mut out).with_context(|| format!("{} {version}", message.name))?;
    Ok(out)
}

struct Writer<'a> {
    version: i16,
    flexible: bool,
    chosen: &'a Chosen,
}

impl Writer<'_> {
    fn fields(&self, fields: &[Field], value: &Value, out: &mut Vec<u8>) -> Result<()> {
        let object = value.as_object().with_context(|| format!("{value} is no object"))?;
        let mut tagged: Vec<(u32, Vec<u8>)> = Vec::new();
        for field in fields.iter().filter(|field| field.versions.has(self.version)) {
            let default = default(field);
            let value = object.get(field.name).unwrap_or(&default);
            if let Some((tag, _)) = field.tag.filter(|(_, versions)| versions.has(self.version)) {
                if *value != default {
                    let mut bytes = Vec::new();
                    self.field(field, value, &mut bytes)?;
                    tagged.push((tag, bytes));
                }
            } else {
                self.field(field, value, out).with_context(|| field.name.to_owned())?;
            }
        }
        if self.flexible {
            if let Some(Value::Array(extra)) = object.get("$tag") {
                let tag = extra.first().and_then(Value::as_u64).context("a tag is a number")?;
                tagged.push((u32::try_from(tag)?, base64(extra.get(1).context("a tag has bytes")?)?));
            }
            put_unsigned(out, u32::try_from(tagged.len())?);
            for (tag, bytes) in tagged {
                put_unsigned(out, tag);
                put_unsigned(out, u32::try_from(bytes.len())?);
                out.extend(bytes);
            }
        }
        Ok(())
    }

    fn field(&self, field: &Field, value: &Value, out: &mut Vec<u8>) -> Result<()> {
        if !field.array {
            return self.value(&field.of, field.nullable.has(self.version), value, out);
        }
        let (len, elements) = match value {
            Value::Null => (-1, [].as_slice()),
            Value::Array(elements) => (i64::try_from(elements.len())?, elements.as_slice()),
            other => {
                let len = other
                    .get("$len")
                    .and_then(Value::as_i64)
                    .with_context(|| format!("{other} is no array"))?;
                (len, other.get("of").and_then(Value::as_array).map_or([].as_slice(), Vec::as_slice))
            }
        };
        self.length(len, 4, out)?;
        elements.iter().try_for_each(|element| self.value(&field.of, false, element, out))
    }

    fn value(&self, of: &Type, nullable: bool, value: &Value, out: &mut Vec<u8>) -> Result<()> {
        let value = self.chosen(value)?;
        let number = || value.as_i64().with_context(|| format!("{value} is no number"));
        match of {
            Type::Bool => out.push(match value {
                Value::Bool(value) => u8::from(*value),
                _ => number()?.to_be_bytes()[7],
            }),
            Type::Int(size) | Type::Uint(size) => out.extend(number()?.to_be_bytes().iter().skip(8 - size)),
            Type::Float => out.extend(value.as_f64().context("no number")?.to_be_bytes()),
            Type::Uuid => {
                let id = uuid_text::from_text(value.as_str().context("an id is text")?);
                out.extend(id.with_context(|| format!("{value} is no id"))?.as_bytes());
            }
            Type::String | Type::Bytes | Type::Records => {
                let size = if *of == Type::String { 2 } else { 4 };
                let (len, bytes) = match value {
                    Value::Null => (-1, Vec::new()),
                    Value::Object(odd) => {
                        let bytes = match (odd.get("$raw"), odd.get("of")) {
                            (Some(raw), _) => base64(raw)?,
                            (_, Some(content)) => self.content(of, content)?,
                            _ => Vec::new(),
                        };
                        (
                            odd.get("$len").and_then(Value::as_i64).map_or(i64::try_from(bytes.len()), Ok)?,
                            bytes,
                        )
                    }
                    other => {
                        let bytes = self.content(of, other)?;
                        (i64::try_from(bytes.len())?, bytes)
                    }
                };
                self.length(len, size, out)?;
                out.extend(bytes);
            }
            Type::Struct(fields) => {
                match value {
                    Value::Null => {
                        out.push(0xff);
                        return Ok(());
                    }
                    _ if nullable => out.push(1),
                    _ => {}
                }
                self.fields(fields, value, out)?;
            }
        }
        Ok(())
    }

    fn content(&self, of: &Type, value: &Value) -> Result<Vec<u8>> {
        match of {
            Type::String => {
                Ok(self.chosen(value)?.as_str().with_context(|| format!("{value} is no text"))?.into())
            }
            _ => base64(value),
        }
    }

    /// The value that a name stands for on this side; other values stand for themselves.
    fn chosen<'v>(&'v self, value: &'v Value) -> Result<&'v Value> {
        match value.as_str().filter(|text| text.starts_with('$')) {
            Some(name) => self.chosen.get(name).with_context(|| format!("nothing is known as {name}")),
            None => Ok(value),
        }
    }

    fn length(&self, len: i64, size: usize, out: &mut Vec<u8>) -> Result<()> {
        if self.flexible {
            // The compact length of -2 is none that a varint could say; the largest is the nearest.
            put_unsigned(out, u32::try_from(len + 1).unwrap_or(u32::MAX));
        } else {
            out.extend(len.to_be_bytes().iter().skip(8 - size));
        }
        Ok(())
    }
}

/// The bytes that a text in base64 stands for.
pub fn base64(value: &Value) -> Result<Vec<u8>> {
    let text = value.as_str().with_context(|| format!("{value} is no base64"))?;
    Ok(BASE64_STANDARD.decode(text)?)
}

/// A field's default in Kafka's definition.
pub fn default(field: &Field) -> Value {
    match (&field.of, field.default) {
        (_, Some("null")) => Value::Null,
        _ if field.array => json!([]),
        (Type::Bool, default) => json!(default == Some("true")),
        (Type::Int(_) | Type::Uint(_), default) => {
            json!(default.and_then(|text| text.parse::<i64>().ok()).unwrap_or(0))
        }
        (Type::Float, _) => json!(0.0),
        (Type::String, default) => json!(default.unwrap_or("")),
        (Type::Uuid, _) => json!(uuid_text::to_text(Uuid::nil())),
        (Type::Bytes | Type::Records, _) => json!(""),
        (Type::Struct(fields), _) => {
            Value::Object(fields.iter().map(|field| (field.name.to_owned(), self::default(field))).collect())
        }
    }
}

/// An answer's body: as [`write()`] takes it, and nothing else than Kafka's definition allows.
///
/// # Errors
/// The bytes are none of this message and version.
pub fn read(message: &Message, version: i16, body: &[u8]) -> Result<Value> {
    let mut reader = Answer { reader: Reader::new(body), version, flexible: message.flexible.has(version) };
    let value = reader.fields(&message.fields)?;
    let left = reader.reader.remaining();
    if left > 0 {
        bail!("{left} bytes stand behind the answer");
    }
    Ok(value)
}

struct Answer<'a> {
    reader: Reader<'a>,
    version: i16,
    flexible: bool,
}

impl<'a> Answer<'a> {
    fn fields(&mut self, fields: &[Field]) -> Result<Value> {
        let mut object = Map::new();
        let version = self.version;
        let mut tagged = Vec::new();
        for field in fields.iter().filter(|field| field.versions.has(version)) {
            if field.tag.is_some_and(|(_, versions)| versions.has(version)) {
                tagged.push(field);
            } else {
                let value = self.field(field).with_context(|| field.name.to_owned())?;
                object.insert(field.name.to_owned(), value);
            }
        }
        if self.flexible {
            for _ in 0..self.unsigned()? {
                let tag = self.unsigned()?;
                let size = self.unsigned()? as usize;
                let from = self.reader.position();
                let known = tagged.iter().find(|field| field.tag.is_some_and(|(its, _)| its == tag));
                let Some(field) = known else {
                    let bytes = self.take(size)?;
                    object.insert(format!("$tag{tag}"), json!(BASE64_STANDARD.encode(bytes)));
                    continue;
                };
                let value = self.field(field).with_context(|| field.name.to_owned())?;
                if self.reader.position() - from != size {
                    bail!("the tagged field {} says {size} bytes", field.name);
                }
                object.insert(field.name.to_owned(), value);
            }
        }
        Ok(Value::Object(object))
    }

    fn field(&mut self, field: &Field) -> Result<Value> {
        if !field.array {
            return self.value(&field.of, field.nullable.has(self.version));
        }
        match self.length(4)? {
            None if !field.nullable.has(self.version) => bail!("null, and may not be"),
            None => Ok(Value::Null),
            Some(count) => {
                let mut elements = Vec::new();
                for _ in 0..count {
                    elements.push(self.value(&field.of, false)?);
                }
                Ok(Value::Array(elements))
            }
        }
    }

    fn value(&mut self, of: &Type, nullable: bool) -> Result<Value> {
        let or_null = |value: Option<Value>| match value {
            None if !nullable => bail!("null, and may not be"),
            value => Ok(value.unwrap_or(Value::Null)),
        };
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
            Type::Float => json!(f64::from_be_bytes(self.take(8)?.try_into()?)),
            Type::Uuid => json!(uuid_text::to_text(Uuid::from_bytes(self.take(16)?.try_into()?))),
            Type::String => {
                let len = self.length(2)?;
                let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
                    Ok(text) => json!(text),
                    Err(_) => json!({ "$raw": BASE64_STANDARD.encode(bytes) }),
                };
                or_null(len.map(|len| self.take(len).map(text)).transpose()?)?
            }
            Type::Bytes | Type::Records => {
                let len = self.length(4)?;
                let bytes = len.map(|len| self.take(len).map(|bytes| json!(BASE64_STANDARD.encode(bytes))));
                or_null(bytes.transpose()?)?
            }
            Type::Struct(fields) => {
                if nullable && self.take(1)?.first().is_some_and(|byte| *byte >= 0x80) {
                    return Ok(Value::Null);
                }
                return self.fields(fields);
            }
        })
    }

    fn take(&mut self, size: usize) -> Result<&'a [u8]> {
        self.reader.take(size).context("the answer ends too early")
    }

    fn unsigned(&mut self) -> Result<u32> {
        self.reader.varint_unsigned().context("the answer ends too early")
    }

    fn length(&mut self, size: usize) -> Result<Option<usize>> {
        let len = if self.flexible {
            i64::from(self.unsigned()?) - 1
        } else if size == 2 {
            i64::from(self.reader.i16().context("the answer ends too early")?)
        } else {
            i64::from(self.reader.i32().context("the answer ends too early")?)
        };
        if len == -1 { Ok(None) } else { Ok(Some(usize::try_from(len).context("a length below -1")?)) }
    }
}
