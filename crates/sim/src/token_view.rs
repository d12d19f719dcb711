//! What a message in flight is about: read from its bytes, as whoever gets it will read it.

use blumfeld_kernel::{Frame, Instant};
use blumfeld_protocol::definition::Kind;
use blumfeld_protocol::error::ErrorCode;
use blumfeld_protocol::frame::decode_header;
use blumfeld_protocol::json::to_json_with_record_sizes;
use blumfeld_protocol::messages::ApiKey;
use blumfeld_protocol::{Uuid, uuid_text};
use blumfeld_view::{TokenDetail, TokenKey, TokenState, TokenView};
use bytes::Bytes;
use serde_json::Value;

use crate::network::Asked;
use crate::world::{InFlight, Standing, World};

/// So many partitions of a message are named.
const PARTITIONS_NAMED: usize = 8;
/// Of a message so many bytes are shown.
const SHOWN_BYTES: usize = 512;

impl InFlight<'_> {
    /// Which message it is.
    pub fn key(&self) -> TokenKey {
        TokenKey { connection: self.connection.0, correlation_id: self.correlation_id, answer: self.answer }
    }

    /// How it stands, as it is drawn.
    pub fn state(&self) -> TokenState {
        match self.standing {
            Standing::Travels(at) => TokenState::Travels(at.as_micros()),
            Standing::Waits(at) => TokenState::Waits(at.as_micros()),
            Standing::Stalls => TokenState::Stalls,
            Standing::Lost(at) => TokenState::Lost(at.as_micros()),
        }
    }
}

/// A message's body, if its header can be read.
fn body_of(api_key: i16, version: i16, answer: bool, frame: &Frame) -> Option<(ApiKey, Bytes)> {
    let api_key = ApiKey::try_from(api_key).ok()?;
    let bytes = frame.clone().into_bytes();
    if !answer {
        return Some((api_key, decode_header(&bytes).ok()?.1));
    }
    // Behind the number some answers have tagged fields, and no server of Kafka's writes any.
    let from = if api_key.response_header_version(version) >= 1 { 5 } else { 4 };
    (bytes.len() >= from).then(|| (api_key, bytes.slice(from..)))
}

/// A message's fields as JSON, if it can be read.
fn read(api_key: i16, version: i16, answer: bool, frame: &Frame) -> Option<(ApiKey, Value)> {
    let (api_key, body) = body_of(api_key, version, answer, frame)?;
    let kind = if answer { Kind::Response } else { Kind::Request };
    Some((api_key, to_json_with_record_sizes(api_key, kind, version, &body).ok()?))
}

/// A message's fields, a line each.
pub(crate) fn fields(api_key: i16, version: i16, answer: bool, frame: &Frame) -> Option<String> {
    serde_json::to_string_pretty(&read(api_key, version, answer, frame)?.1).ok()
}

/// What a message is about.
pub(crate) fn find(api_key: i16, version: i16, answer: bool, frame: &Frame) -> Found {
    let mut found = Found::default();
    if let Some((api_key, message)) = read(api_key, version, answer, frame) {
        let names_partitions = matches!(api_key, ApiKey::Produce | ApiKey::Fetch | ApiKey::ListOffsets);
        look(&message, None, names_partitions, &mut found);
    }
    found
}

/// The first error in an answer.
pub(crate) fn first_error(asked: Asked, frame: &Frame) -> Option<i16> {
    find(asked.api_key, asked.version, true, frame).error
}

/// What is found in a message.
#[derive(Default)]
pub(crate) struct Found {
    /// Topics by name or id, with the partition.
    pub partitions: Vec<(String, i32)>,
    pub left_out: u32,
    pub records: bool,
    pub error: Option<i16>,
}

impl World {
    /// A message with what is in it; nothing if it is not in flight.
    pub fn token_detail(&self, key: TokenKey) -> Option<TokenDetail> {
        let all = self.in_flight();
        let one = all.iter().find(|one| one.key() == key)?;
        let to_come = |other: &&InFlight<'_>| {
            !other.answer
                && other.connection == one.connection
                && other.api_key == one.api_key
                && !matches!(other.standing, Standing::Waits(_))
        };
        let ahead = all.iter().filter(to_come).position(|other| other.key() == key);
        let bytes = one.frame.clone().into_bytes();
        let client_id = match decode_header(&bytes) {
            Ok((header, _)) if !one.answer => header.client_id.map_or_else(String::new, |id| id.to_string()),
            _ => String::new(),
        };
        let fields = fields(one.api_key, one.version, one.answer, one.frame);
        Some(TokenDetail {
            token: self.token_view(one),
            client_id,
            fields: fields.unwrap_or_default(),
            head: bytes.slice(..bytes.len().min(SHOWN_BYTES)).to_vec(),
            ahead: ahead.and_then(|ahead| u32::try_from(ahead).ok()),
        })
    }

    /// A message as it is drawn.
    pub fn token_view(&self, one: &InFlight<'_>) -> TokenView {
        let found = find(one.api_key, one.version, one.answer, one.frame);
        TokenView {
            key: one.key(),
            client: one.client.0,
            broker: one.broker.0,
            quorum: one.quorum,
            api: api_name(one.api_key),
            version: one.version,
            sent: Instant::as_micros(one.sent),
            state: one.state(),
            bytes: one.frame.len() as u64,
            records: found.records,
            partitions: self.named(found.partitions),
            partitions_left_out: found.left_out,
            error: found.error.map_or_else(String::new, |code| ErrorCode(code).name().to_owned()),
        }
    }

    /// Partitions with the names of topics that a message knows by their ids.
    pub(crate) fn named(&self, partitions: Vec<(String, i32)>) -> Vec<(String, i32)> {
        let named = |topic: &str| {
            let id = uuid_text::from_text(topic)?;
            // The metadata's own topic has an id that is always the same (Uuid.METADATA_TOPIC_ID).
            if id == Uuid::from_u128(1) {
                return Some("__cluster_metadata".to_owned());
            }
            let topics = self.best_informed()?.image().topics().values();
            topics.into_iter().find(|one| one.id == id).map(|one| one.name.clone())
        };
        partitions.into_iter().map(|(topic, number)| (named(&topic).unwrap_or(topic), number)).collect()
    }
}

/// An API as Kafka names it.
pub fn api_name(api_key: i16) -> String {
    ApiKey::try_from(api_key).map_or_else(|()| api_key.to_string(), |key| format!("{key:?}"))
}

/// Goes through a message. Kafka's definitions name the same things alike: a topic by `name`, `topic` or `topicId`, its
/// partition by `index`, `partition` or `partitionIndex`, what went wrong by `errorCode`.
fn look<'a>(value: &'a Value, topic: Option<&'a str>, names_partitions: bool, found: &mut Found) {
    match value {
        Value::Array(elements) => {
            elements.iter().for_each(|one| look(one, topic, names_partitions, found));
        }
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            let number = |name: &str| fields.get(name).and_then(Value::as_i64);
            let code = number("errorCode").and_then(|code| i16::try_from(code).ok());
            found.error = found.error.or(code.filter(|code| *code != 0));
            found.records |= number("records").is_some_and(|size| size > 0);
            let topic = text("topic").or_else(|| text("name")).or_else(|| text("topicId")).or(topic);
            if names_partitions
                && let Some(topic) = topic
                && let Some(number) = ["index", "partition", "partitionIndex"].into_iter().find_map(number)
            {
                if found.partitions.len() < PARTITIONS_NAMED {
                    found.partitions.push((topic.to_owned(), i32::try_from(number).unwrap_or(-1)));
                } else {
                    found.left_out += 1;
                }
            }
            fields.values().for_each(|field| look(field, topic, names_partitions, found));
        }
        _ => {}
    }
}
