//! A request's body, walked by Kafka's definition before it is decoded.
//!
//! The message decoder reserves memory for as many elements as an array's length field claims. A frame of ten bytes
//! can claim two billion, so the length fields are checked here first: every element must really be in the frame.
//!
//! Kafka's own readers (the generated `*RequestData.read`) are followed in three things that the decoder does
//! otherwise. Which fields may be null depends on the version. Every length below zero is null, not only -1. Bytes of a
//! string that are no UTF-8 are read as U+FFFD. Where a body has one of the last two, it is written again the way the
//! decoder expects it; all others pass as they are.

use bytes::Bytes;
use kafka_protocol::messages::ApiKey;

use crate::definition::{Field, Kind, Type, message};
use crate::varint::{Reader, put_unsigned};

/// The longest text, in bytes: what a length of 16 bits can say (MessageUtil, and the generated readers).
const LONGEST_TEXT: i64 = 0x7fff;

/// Walks the body of a request, and gives it as the decoder is to see it. What stands behind its end is left out.
///
/// # Errors
/// The field that is cut short, or whose length is none; or that the API has no such version.
pub(crate) fn walk(key: ApiKey, version: i16, body: &Bytes) -> Result<Bytes, String> {
    let message = message(key, Kind::Request).ok_or_else(|| "the API is not known".to_owned())?;
    let flexible = message.flexible.has(version);
    let mut walker = Walker { reader: Reader::new(body), version, flexible, edits: Vec::new() };
    walker.fields(&message.fields)?;
    let (end, edits) = (walker.reader.position(), walker.edits);
    if edits.is_empty() {
        return Ok(body.slice(..end));
    }
    let mut out = Vec::with_capacity(end);
    let mut from = 0;
    for Edit { at, len, bytes } in edits {
        out.extend_from_slice(body.get(from..at).unwrap_or_default());
        out.extend_from_slice(&bytes);
        from = at + len;
    }
    out.extend_from_slice(body.get(from..end).unwrap_or_default());
    Ok(out.into())
}

/// Bytes that stand in the place of others.
struct Edit {
    at: usize,
    len: usize,
    bytes: Vec<u8>,
}

struct Walker<'a> {
    reader: Reader<'a>,
    version: i16,
    flexible: bool,
    /// In the order of their places.
    edits: Vec<Edit>,
}

impl Walker<'_> {
    fn fields(&mut self, fields: &'static [Field]) -> Result<(), String> {
        let version = self.version;
        let is_tagged = |field: &Field| field.tag.is_some_and(|(_, versions)| versions.has(version));
        for field in fields {
            if field.versions.has(version) && !is_tagged(field) {
                self.field(field)?;
            }
        }
        if self.flexible {
            let short = || "the tagged fields are cut short".to_owned();
            for _ in 0..self.reader.varint_unsigned().ok_or_else(short)? {
                let tag = self.reader.varint_unsigned().ok_or_else(short)?;
                let size = self.reader.varint_unsigned().ok_or_else(short)?;
                let size = usize::try_from(size).map_err(|_| short())?;
                let known = fields.iter().find(|field| {
                    field.versions.has(version) && field.tag.is_some_and(|(its, _)| its == tag)
                });
                let Some(field) = known.filter(|field| is_tagged(field)) else {
                    self.reader.take(size).map(drop).ok_or_else(short)?;
                    continue;
                };
                // Kafka reads a field that it knows by its type, whatever its size says; so does the decoder.
                self.field(field)?;
            }
        }
        Ok(())
    }

    fn field(&mut self, field: &'static Field) -> Result<(), String> {
        let nullable = field.nullable.has(self.version);
        if !field.array {
            return self.value(field, nullable);
        }
        let Some(count) = self.length(field, 4, nullable)? else { return Ok(()) };
        if count > self.reader.remaining() {
            let left = self.reader.remaining();
            return Err(format!("{} claims {count} entries in {left} bytes", field.name));
        }
        for _ in 0..count {
            self.value(field, false)?;
        }
        Ok(())
    }

    fn value(&mut self, field: &'static Field, nullable: bool) -> Result<(), String> {
        match &field.of {
            Type::Bool => self.skip(field, 1),
            Type::Int(size) | Type::Uint(size) => self.skip(field, *size),
            Type::Float => self.skip(field, 8),
            Type::Uuid => self.skip(field, 16),
            Type::String => self.text(field, nullable),
            Type::Bytes | Type::Records => match self.length(field, 4, nullable)? {
                Some(len) => self.skip(field, len),
                None => Ok(()),
            },
            Type::Struct(fields) => {
                if nullable && self.reader.u8().ok_or_else(|| short(field))?.cast_signed() < 0 {
                    return Ok(());
                }
                self.fields(fields)
            }
        }
    }

    fn text(&mut self, field: &'static Field, nullable: bool) -> Result<(), String> {
        let from = self.reader.position();
        let Some(len) = self.length(field, 2, nullable)? else { return Ok(()) };
        let bytes = self.reader.take(len).ok_or_else(|| short(field))?;
        if std::str::from_utf8(bytes).is_err() {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let mut written = Vec::with_capacity(text.len() + 3);
            if self.flexible {
                put_unsigned(&mut written, u32::try_from(text.len() + 1).unwrap_or(u32::MAX));
            } else {
                // Three bytes for each that was wrong may be more than the length can say.
                let len = i16::try_from(text.len()).map_err(|_| format!("{} is too long", field.name))?;
                written.extend(len.to_be_bytes());
            }
            written.extend(text.into_bytes());
            self.edits.push(Edit { at: from, len: self.reader.position() - from, bytes: written });
        }
        Ok(())
    }

    /// A length, of so many bytes where it is not compact; nothing for null.
    fn length(
        &mut self,
        field: &'static Field,
        size: usize,
        nullable: bool,
    ) -> Result<Option<usize>, String> {
        let from = self.reader.position();
        let len = if self.flexible {
            // One more than the length, 0 for null, in Java's arithmetic.
            let more = self.reader.varint_unsigned().ok_or_else(|| short(field))?.cast_signed();
            i64::from(more.wrapping_sub(1))
        } else if size == 2 {
            i64::from(self.reader.i16().ok_or_else(|| short(field))?)
        } else {
            i64::from(self.reader.i32().ok_or_else(|| short(field))?)
        };
        if size == 2 && len > LONGEST_TEXT {
            return Err(format!("{} has the length {len}", field.name));
        }
        if len >= 0 {
            return usize::try_from(len).map(Some).map_err(|_| short(field));
        }
        if !nullable {
            return Err(format!("{} is null, which it may not be in version {}", field.name, self.version));
        }
        if len < -1 {
            let bytes = if self.flexible { vec![0] } else { vec![0xff; size] };
            self.edits.push(Edit { at: from, len: self.reader.position() - from, bytes });
        }
        Ok(None)
    }

    fn skip(&mut self, field: &'static Field, size: usize) -> Result<(), String> {
        self.reader.take(size).map(drop).ok_or_else(|| short(field))
    }
}

fn short(field: &Field) -> String {
    format!("{} is cut short", field.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Bytes {
        let digits: Vec<u8> = text
            .chars()
            .filter(|digit| *digit != ' ')
            .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
            .collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<u8>>().into()
    }

    /// What Apache Kafka 4.3.1 takes and what it closes the connection for, and how the decoder sees what is taken.
    #[test]
    fn nulls_lengths_and_texts_are_read_as_kafka_reads_them() {
        for (key, version, body, wanted) in [
            // Metadata: all topics are null from version 1 on, and a topic's name from version 10 on.
            (ApiKey::Metadata, 0, "ffffffff", Err("topics is null, which it may not be in version 0")),
            (ApiKey::Metadata, 1, "ffffffff", Ok("ffffffff")),
            (ApiKey::Metadata, 1, "fffffffe", Ok("ffffffff")),
            (ApiKey::Metadata, 1, "80000000", Ok("ffffffff")),
            (ApiKey::Metadata, 1, "00000001 ffff", Err("name is null, which it may not be in version 1")),
            (ApiKey::Metadata, 1, "00000001 0003 61ff62", Ok("00000001 0005 61efbfbd62")),
            (ApiKey::Metadata, 1, "00000001 0003 6162", Err("name is cut short")),
            (ApiKey::Metadata, 1, "7fffffff 00", Err("topics claims 2147483647 entries in 1 bytes")),
            (ApiKey::Metadata, 9, "02 03 61ff 00 00 00 00 00", Ok("02 05 61efbfbd 00 00 00 00 00")),
            (
                ApiKey::Metadata,
                9,
                "02 00 00 00 00 00 00",
                Err("name is null, which it may not be in version 9"),
            ),
            (ApiKey::Metadata, 9, "02 818004", Err("name has the length 65536")),
            (ApiKey::Metadata, 9, "8080808008 00", Err("topics claims 2147483647 entries in 1 bytes")),
            (ApiKey::Metadata, 9, "ffffffff0f 00 00 00 00", Ok("00 00 00 00 00")),
            // What stands behind the end is passed over.
            (ApiKey::UnregisterBroker, 0, "00000003 00 0102", Ok("00000003 00")),
            (ApiKey::UnregisterBroker, 0, "00000003 01 07 02 0102", Ok("00000003 01 07 02 0102")),
            (ApiKey::UnregisterBroker, 0, "00000003 01 07 03 0102", Err("the tagged fields are cut short")),
            (ApiKey::UnregisterBroker, 0, "000003", Err("brokerId is cut short")),
        ] {
            let wanted = wanted.map(hex).map_err(str::to_owned);
            let got = walk(key, version, &hex(body));
            assert_eq!(got, wanted, "{key:?} {version}: {body}");
        }
    }
}
