//! What a message in flight is about: read from its bytes, as whoever gets it will read it.

use blumfeld_kernel::{Frame, Instant};
use blumfeld_protocol::definition::Kind;
use blumfeld_protocol::error::ErrorCode;
use blumfeld_protocol::frame::decode_header;
use blumfeld_protocol::json::to_json_with_record_sizes;
use blumfeld_protocol::messages::ApiKey;
use blumfeld_protocol::uuid_text;
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

    /// Its body, if its header can be read.
    fn body(&self) -> Option<(ApiKey, Bytes)> {
        if self.answer {
            let asked = Asked { api_key: self.api_key, version: self.version };
            return answer_body(asked, self.frame);
        }
        let api_key = ApiKey::try_from(self.api_key).ok()?;
        Some((api_key, decode_header(&self.frame.clone().into_bytes()).ok()?.1))
    }
}

/// What stands behind an answer's header.
fn answer_body(asked: Asked, frame: &Frame) -> Option<(ApiKey, Bytes)> {
    let api_key = ApiKey::try_from(asked.api_key).ok()?;
    // Behind the number some answers have tagged fields, and no server of Kafka's writes any.
    let from = if api_key.response_header_version(asked.version) >= 1 { 5 } else { 4 };
    let bytes = frame.clone().into_bytes();
    (bytes.len() >= from).then(|| (api_key, bytes.slice(from..)))
}

/// The first error in an answer.
pub(crate) fn first_error(asked: Asked, frame: &Frame) -> Option<i16> {
    let (api_key, body) = answer_body(asked, frame)?;
    let message = to_json_with_record_sizes(api_key, Kind::Response, asked.version, &body).ok()?;
    let mut found = Found::default();
    look(&message, None, false, &mut found);
    found.error
}

/// What is found in a message.
#[derive(Default)]
struct Found {
    /// Topics by name or id, with the partition.
    partitions: Vec<(String, i32)>,
    left_out: u32,
    records: bool,
    error: Option<i16>,
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
        let kind = if one.answer { Kind::Response } else { Kind::Request };
        let fields = one.body().and_then(|(api_key, body)| {
            let message = to_json_with_record_sizes(api_key, kind, one.version, &body).ok()?;
            serde_json::to_string_pretty(&message).ok()
        });
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
        let mut found = Found::default();
        if let Some((api_key, body)) = one.body() {
            let kind = if one.answer { Kind::Response } else { Kind::Request };
            if let Ok(message) = to_json_with_record_sizes(api_key, kind, one.version, &body) {
                let names_partitions =
                    matches!(api_key, ApiKey::Produce | ApiKey::Fetch | ApiKey::ListOffsets);
                look(&message, None, names_partitions, &mut found);
            }
        }
        let named = |topic: &str| {
            let id = uuid_text::from_text(topic)?;
            let topics = self.best_informed()?.image().topics().values();
            topics.into_iter().find(|one| one.id == id).map(|one| one.name.clone())
        };
        let partitions = found.partitions.into_iter();
        let partitions = partitions.map(|(topic, number)| (named(&topic).unwrap_or(topic), number));
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
            partitions: partitions.collect(),
            partitions_left_out: found.left_out,
            error: found.error.map_or_else(String::new, |code| ErrorCode(code).name().to_owned()),
        }
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
