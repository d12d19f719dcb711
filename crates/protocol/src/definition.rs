//! Kafka's messages as data: the fields of each request, response and record of the metadata log, with their types,
//! versions, tags and defaults.
//!
//! `definitions/messages.txt` and `metadata.txt` have a line a message and, one column deeper, a line a field; they are
//! written from Kafka's own definitions by `definitions/generate.py`. A message's line is `KIND API-KEY NAME VERSIONS
//! FLEXIBLE-VERSIONS`, a field's `NAME TYPE VERSIONS` with `null=VERSIONS`, `tag=NUMBER:VERSIONS`, `default=VALUE` and
//! `is=ENTITY` where the field has them. Versions are `3`, `3-5`, `3+` or `none`. Names are those of Kafka's JSON form.

use std::sync::OnceLock;

use kafka_protocol::messages::ApiKey;

const TEXT: &str = include_str!("../definitions/messages.txt");

const RECORDS: &str = include_str!("../definitions/metadata.txt");

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// From a client to a listener.
    Request,
    /// Back.
    Response,
    /// In the metadata log; its key is none of an API.
    Record,
}

/// A range of versions, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Versions {
    /// The first.
    pub first: i16,
    /// The last.
    pub last: i16,
}

impl Versions {
    const NONE: Versions = Versions { first: 1, last: 0 };

    /// Whether a version is among them.
    pub fn has(self, version: i16) -> bool {
        (self.first..=self.last).contains(&version)
    }

    fn parse(text: &str) -> Option<Versions> {
        if text == "none" {
            return Some(Versions::NONE);
        }
        let (first, last) = match (text.strip_suffix('+'), text.split_once('-')) {
            (Some(first), _) => (first.parse().ok()?, i16::MAX),
            (_, Some((first, last))) => (first.parse().ok()?, last.parse().ok()?),
            _ => (text.parse().ok()?, text.parse().ok()?),
        };
        Some(Versions { first, last })
    }
}

/// What a field holds, or each element of one that is an array.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Type {
    /// `bool`, one byte.
    Bool,
    /// `int8`, `int16`, `int32`, `int64`: so many bytes, two's complement.
    Int(usize),
    /// `uint16` and `uint32`: so many bytes.
    Uint(usize),
    /// `float64`.
    Float,
    /// `string`, UTF-8.
    String,
    /// `uuid`, 16 bytes.
    Uuid,
    /// `bytes`.
    Bytes,
    /// `records`: record batches.
    Records,
    /// A struct with these fields.
    Struct(Vec<Field>),
}

/// A field of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name in Kafka's JSON form, as `topicData`.
    pub name: &'static str,
    /// Its type, or that of its elements.
    pub of: Type,
    /// Whether it is an array.
    pub array: bool,
    /// The versions that have it.
    pub versions: Versions,
    /// The versions in which it may be null.
    pub nullable: Versions,
    /// Its tag, and the versions in which it stands among the tagged fields.
    pub tag: Option<(u32, Versions)>,
    /// Its default as text; without one 0, the empty string, the empty array.
    pub default: Option<&'static str>,
    /// What it names: `topicName`, `groupId`, `brokerId`, …
    pub entity: Option<&'static str>,
}

/// A request, a response or a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// The API's number; of a record its type's.
    pub api_key: i16,
    /// The API's name, as `Produce`; a record's own, as `TopicRecord`.
    pub name: &'static str,
    /// The versions that Kafka serves.
    pub versions: Versions,
    /// Those with compact lengths and tagged fields.
    pub flexible: Versions,
    /// Its fields, in their order on the wire.
    pub fields: Vec<Field>,
}

/// The definition of an API's request or response; nothing where Kafka has none of this key.
pub fn message(api_key: ApiKey, kind: Kind) -> Option<&'static Message> {
    // Every request is looked up, so by place and not by search.
    static PLACES: OnceLock<Vec<[Option<&'static Message>; 2]>> = OnceLock::new();
    let places = PLACES.get_or_init(|| {
        let mut places = Vec::new();
        for message in messages() {
            let Ok(key) = usize::try_from(message.api_key) else { continue };
            if places.len() <= key {
                places.resize(key + 1, [None, None]);
            }
            if let Some([request, response]) = places.get_mut(key) {
                *(if message.kind == Kind::Request { request } else { response }) = Some(message);
            }
        }
        places
    });
    let [request, response] = *places.get(usize::try_from(api_key as i16).ok()?)?;
    if kind == Kind::Request { request } else { response }
}

/// All messages, by key, requests before responses.
pub fn messages() -> &'static [Message] {
    static ALL: OnceLock<Vec<Message>> = OnceLock::new();
    // The text is a part of the program, and a test reads all of it.
    ALL.get_or_init(|| parse(TEXT).unwrap_or_default())
}

/// The definition of a record of the metadata log; nothing where Kafka has none of this type.
pub fn metadata_record(kind: i16) -> Option<&'static Message> {
    static ALL: OnceLock<Vec<Message>> = OnceLock::new();
    let all = ALL.get_or_init(|| parse(RECORDS).unwrap_or_default());
    all.iter().find(|message| message.api_key == kind)
}

fn parse(text: &'static str) -> Option<Vec<Message>> {
    let mut lines = text.lines().peekable();
    let mut messages = Vec::new();
    while let Some(line) = lines.next() {
        let mut words = line.split(' ');
        let kind = match words.next()? {
            "request" => Kind::Request,
            "response" => Kind::Response,
            "record" => Kind::Record,
            _ => return None,
        };
        messages.push(Message {
            kind,
            api_key: words.next()?.parse().ok()?,
            name: words.next()?,
            versions: Versions::parse(words.next()?)?,
            flexible: Versions::parse(words.next()?)?,
            fields: fields(&mut lines, 1)?,
        });
    }
    Some(messages)
}

type Lines = std::iter::Peekable<std::str::Lines<'static>>;

fn fields(lines: &mut Lines, depth: usize) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while let Some(line) = lines.next_if(|line| line.len() - line.trim_start().len() == depth) {
        let mut words = line.trim_start().split(' ');
        let (name, kind) = (words.next()?, words.next()?);
        let base = kind.strip_prefix("[]").unwrap_or(kind);
        let mut field = Field {
            name,
            of: Type::Bool,
            array: base != kind,
            versions: Versions::parse(words.next()?)?,
            nullable: Versions::NONE,
            tag: None,
            default: None,
            entity: None,
        };
        for word in words {
            match word.split_once('=')? {
                ("null", versions) => field.nullable = Versions::parse(versions)?,
                ("tag", tag) => {
                    let (number, versions) = tag.split_once(':')?;
                    field.tag = Some((number.parse().ok()?, Versions::parse(versions)?));
                }
                ("default", value) => field.default = Some(value),
                ("is", entity) => field.entity = Some(entity),
                _ => return None,
            }
        }
        field.of = match base {
            "bool" => Type::Bool,
            "int8" => Type::Int(1),
            "int16" => Type::Int(2),
            "int32" => Type::Int(4),
            "int64" => Type::Int(8),
            "uint16" => Type::Uint(2),
            "uint32" => Type::Uint(4),
            "float64" => Type::Float,
            "string" => Type::String,
            "uuid" => Type::Uuid,
            "bytes" => Type::Bytes,
            "records" => Type::Records,
            "struct" => Type::Struct(self::fields(lines, depth + 1)?),
            _ => return None,
        };
        fields.push(field);
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_text_is_read_and_every_served_api_is_there() {
        let all = parse(TEXT).expect("a line cannot be read");
        let records = parse(RECORDS).expect("a line cannot be read");
        let count = |fields: &[Field]| -> usize {
            fn count(fields: &[Field]) -> usize {
                let inner = |field: &Field| match &field.of {
                    Type::Struct(fields) => 1 + count(fields),
                    _ => 1,
                };
                fields.iter().map(inner).sum()
            }
            count(fields)
        };
        for (all, text) in [(&all, TEXT), (&records, RECORDS)] {
            let lines: usize = all.iter().map(|message| 1 + count(&message.fields)).sum();
            assert_eq!(lines, text.lines().count(), "a line was passed over");
        }
        for api_key in ApiKey::iter() {
            let known = api_key.valid_versions();
            for kind in [Kind::Request, Kind::Response] {
                let Some(message) = message(api_key, kind) else { continue };
                assert_eq!(message.name, format!("{api_key:?}"));
                // The library may know fewer versions, and never others.
                assert!(message.versions.has(known.min) && message.versions.has(known.max), "{api_key:?}");
            }
        }
        let produce = message(ApiKey::Produce, Kind::Request).unwrap();
        assert_eq!((produce.versions.first, produce.versions.last, produce.flexible.first), (3, 13, 9));
        assert_eq!(produce.fields[3].name, "topicData");
    }
}
