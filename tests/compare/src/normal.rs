//! Answers without what two brokers cannot have in common: ids and times that each chooses by itself, ports.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use blumfeld_protocol::ApiKey;
use blumfeld_protocol::varint::Reader;
use serde_json::{Map, Value, json};

use crate::wire::Chosen;

/// What is said of an answer's values that are one side's own.
pub struct Normal<'a> {
    names: BTreeMap<String, &'a str>,
    /// Whose answer it is.
    api: i64,
    /// The request, as text: what it named itself is left as it is.
    asked: String,
    /// Whether it joins a group that other requests join too: how often that was rebalanced is a matter of when its
    /// members' sessions ended.
    shared: bool,
    now: i64,
}

/// Configs that say where a node is: no two are at the same place.
const OWN_CONFIGS: [&str; 4] = ["advertised.listeners", "controller.quorum.voters", "listeners", "log.dirs"];

const DAY: u64 = 86_400_000;
const NO_ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";

impl<'a> Normal<'a> {
    /// For the answer of a side that chose these values to this request.
    #[allow(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "it is the broker's clock that is told"
    )]
    pub fn new(chosen: &'a Chosen, request: &Value) -> Normal<'a> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // What a side did not choose has no name: else each empty text of an answer would get it.
        let names = chosen.iter().map(|(name, value)| (text(value), name.as_str()));
        let names = names.filter(|(own, _)| !own.is_empty() && own != "null").collect();
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_millis());
        let api = request.get("api").and_then(Value::as_i64).unwrap_or(-1);
        let group = request.pointer("/body/groupId");
        let shared = api == ApiKey::JoinGroup as i64 && !group.is_some_and(is_own_group);
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        Normal { names, api, asked: request.to_string(), shared, now }
    }

    /// The answer without them.
    pub fn of(&self, value: &Value) -> Value {
        self.named("", value)
    }

    fn named(&self, key: &str, value: &Value) -> Value {
        match value {
            Value::Object(object) => {
                let name = object.get("name").and_then(Value::as_str).unwrap_or_default();
                let own = |key: &str, value: &Value| {
                    key == "value" && OWN_CONFIGS.contains(&name) && value.is_string()
                };
                let inner = |(key, value): (&String, &Value)| {
                    let value = if own(key, value) { json!("<own>") } else { self.named(key, value) };
                    (key.clone(), value)
                };
                Value::Object(object.iter().map(inner).collect())
            }
            Value::Array(elements) => {
                Value::Array(elements.iter().map(|element| self.named(key, element)).collect())
            }
            Value::String(text) => self.text(key, text),
            Value::Number(number) => {
                number.as_i64().map_or_else(|| value.clone(), |number| self.number(key, number))
            }
            other => other.clone(),
        }
    }

    fn number(&self, key: &str, number: i64) -> Value {
        match key {
            "totalBytes" | "usableBytes" => json!("<volume>"),
            "generationId" if self.shared && number > 0 => json!("<generation>"),
            "port" if number > 0 => json!("<port>"),
            "sessionId" if number > 0 => json!("<session>"),
            "brokerEpoch" if number > 0 => json!("<epoch>"),
            "producerId" if self.api == ApiKey::InitProducerId as i64 && number >= 0 => json!("<producer>"),
            // Each has written to its metadata log what it has.
            "logEndOffset" | "highWatermark" | "leaderEpoch"
                if self.api == ApiKey::DescribeQuorum as i64 && number > 0 =>
            {
                json!("<metadata>")
            }
            _ if number.abs_diff(self.now) < DAY => json!("<now>"),
            _ => json!(number),
        }
    }

    fn text(&self, key: &str, text: &str) -> Value {
        if let Some(name) = self.names.get(text) {
            return json!(name);
        }
        match key {
            "host" if matches!(text, "localhost" | "127.0.0.1" | "controller-1") => return json!("<host>"),
            "logDir" => return json!("<directory>"),
            "records" => return self.records(text),
            _ => {}
        }
        let is_id = matches!(
            key,
            "topicId" | "directoryId" | "replicaDirectoryId" | "memberId" | "leader" | "clientInstanceId"
        );
        if is_id && !text.is_empty() && text != NO_ID && !self.asked.contains(text) {
            return json!("<id>");
        }
        // A text that has an id of this side's in it, or its time.
        let mut text = match text.split_once("The timestamp should be within [") {
            Some((before, _)) => format!("{before}The timestamp should be within <these>"),
            None => text.to_owned(),
        };
        for (own, name) in &self.names {
            if own.len() > 20 && text.contains(own.as_str()) {
                text = text.replace(own.as_str(), name);
            }
        }
        json!(text)
    }

    /// Record batches by the fields of their headers; what is no batch stays as it is.
    fn records(&self, text: &str) -> Value {
        let bytes = BASE64_STANDARD.decode(text).unwrap_or_default();
        let mut rest = bytes.as_slice();
        let mut all = Vec::new();
        while let Some((batch, after)) = self.batch(rest) {
            all.push(batch);
            rest = after;
        }
        if !rest.is_empty() {
            all.push(json!(BASE64_STANDARD.encode(rest)));
        }
        Value::Array(all)
    }

    fn batch<'b>(&self, bytes: &'b [u8]) -> Option<(Value, &'b [u8])> {
        let mut reader = Reader::new(bytes);
        let mut batch = Map::new();
        batch.insert("baseOffset".to_owned(), json!(reader.i64()?));
        let length = reader.i32()?;
        batch.insert("leaderEpoch".to_owned(), json!(reader.i32()?));
        batch.insert("magic".to_owned(), json!(reader.u8()?));
        let crc = reader.i32()?;
        batch.insert("attributes".to_owned(), json!(reader.i16()?));
        batch.insert("lastOffsetDelta".to_owned(), json!(reader.i32()?));
        for name in ["baseTimestamp", "maxTimestamp"] {
            batch.insert(name.to_owned(), self.number(name, reader.i64()?));
        }
        // The checksum covers the times.
        if batch.values().all(|value| value != &json!("<now>")) {
            batch.insert("crc".to_owned(), json!(crc));
        }
        batch.insert("producerId".to_owned(), json!(reader.i64()?));
        batch.insert("producerEpoch".to_owned(), json!(reader.i16()?));
        batch.insert("baseSequence".to_owned(), json!(reader.i32()?));
        batch.insert("count".to_owned(), json!(reader.i32()?));
        let left = usize::try_from(length).ok()?.checked_sub(reader.position().checked_sub(12)?)?;
        batch.insert("records".to_owned(), json!(BASE64_STANDARD.encode(reader.take(left)?)));
        Some((Value::Object(batch), bytes.get(reader.position()..)?))
    }
}

/// Whether a group is one request's own: its name ends with a number.
pub fn is_own_group(group: &Value) -> bool {
    let number = group.as_str().and_then(|group| group.rsplit_once('-'));
    number.is_some_and(|(name, number)| !name.is_empty() && number.parse::<u64>().is_ok())
}

/// An answer's first difference from another: where, and what stands there in each.
pub fn difference(kafka: &Value, ours: &Value) -> Option<(String, String, String)> {
    if kafka == ours {
        return None;
    }
    // One that closed the connection, and one that did not: what it said is not the point.
    if kafka.is_string() != ours.is_string() {
        let said = |value: &Value| value.as_str().map_or_else(|| "an answer".to_owned(), str::to_owned);
        return Some((String::new(), said(kafka), said(ours)));
    }
    let (path, kafka, ours) = first(kafka, ours, "");
    Some((path, short(&kafka), short(&ours)))
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(160) {
        Some((at, _)) => format!("{}…", text.split_at(at).0),
        None => text,
    }
}

fn first(kafka: &Value, ours: &Value, path: &str) -> (String, Value, Value) {
    match (kafka, ours) {
        (Value::Object(left), Value::Object(right)) => {
            // An error before the text that says it, a text last.
            let mut keys: Vec<&String> = left.keys().chain(right.keys()).collect();
            keys.sort_by_key(|key| (key.ends_with("essage"), !key.ends_with("rrorCode")));
            for key in keys {
                let (one, other) = (left.get(key), right.get(key));
                if one != other {
                    let (one, other) = (one.cloned(), other.cloned());
                    let missing = || json!("$missing");
                    let path = format!("{path}.{key}");
                    return first(&one.unwrap_or_else(missing), &other.unwrap_or_else(missing), &path);
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            if let Some((one, other)) = left.iter().zip(right).find(|(one, other)| one != other) {
                return first(one, other, &format!("{path}[]"));
            }
        }
        (Value::Array(left), Value::Array(right)) => {
            return (format!("{path}[#]"), json!(left.len()), json!(right.len()));
        }
        _ => {}
    }
    (path.to_owned(), kafka.clone(), ours.clone())
}

/// The same with the arrays of structs, and of texts, in an order of their own: several of Kafka's come out of hash
/// maps.
pub fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            Value::Object(object.iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Value::Array(elements) => {
            let mut elements: Vec<Value> = elements.iter().map(sorted).collect();
            if elements.iter().all(|element| element.is_object() || element.is_string()) {
                elements.sort_by_cached_key(Value::to_string);
            }
            Value::Array(elements)
        }
        other => other.clone(),
    }
}
