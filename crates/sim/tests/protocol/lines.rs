//! Runs every file in `tests/apis`: requests as JSON, each with the answer, as Kafka's request log has them.
//! `ID(topic)` stands for the topic's id. What is expected was compared with Apache Kafka 4.3.1.

use blumfeld_protocol::definition::{self, Kind};
use blumfeld_protocol::json::{from_json, to_json};
use blumfeld_protocol::uuid_text;
use serde_json::Value;

use super::*;

/// Sends a line's request in its version, and gives the answer.
fn line(world: &mut World, line: &str) -> String {
    let mut words = line.splitn(3, ' ');
    let (api, version, json) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or("{}"));
    let key = ApiKey::iter().find(|key| format!("{key:?}") == api).unwrap_or_else(|| panic!("no API {api}"));
    let version: i16 = version.parse().unwrap();
    let topics: Vec<(String, String)> = (world.broker(NodeId(1)).unwrap().image().topics().values())
        .map(|topic| (format!("ID({})", topic.name), uuid_text::to_text(topic.id)))
        .collect();
    let json = topics.iter().fold(json.to_owned(), |json, (name, id)| json.replace(name, id));
    let json: Value = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{line}: {error}"));
    let body =
        from_json(key, Kind::Request, version, &json).unwrap_or_else(|error| panic!("{line}: {error}"));
    let flexible = definition::message(key, Kind::Request).unwrap().flexible.has(version);
    let mut frame = Vec::new();
    frame.extend((key as i16).to_be_bytes());
    frame.extend(version.to_be_bytes());
    frame.extend(5_i32.to_be_bytes());
    frame.extend(4_i16.to_be_bytes());
    frame.extend(b"test");
    frame.extend(flexible.then_some(0));
    frame.extend(body);
    let (answers, end) = exchange(world, vec![frame.into()]);
    let Some(answer) = answers.into_iter().next() else { return end };
    let body = answer.slice(4 + usize::from(flexible && key != ApiKey::ApiVersions)..);
    let json = to_json(key, Kind::Response, version, &body).unwrap().to_string();
    topics.iter().fold(json, |json, (name, id)| json.replace(id, name))
}

#[test]
fn requests_as_json_are_answered_as_by_kafka() {
    blumfeld_expect::check(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/apis"), |text| {
        let mut world = world();
        blumfeld_expect::told(text, |request| match request {
            "restart" => {
                world.inject(Fault::parse("crash 1").unwrap()).unwrap();
                world.inject(Fault::parse("restart 1").unwrap()).unwrap();
                world.run_for(Duration::from_secs(20));
                assert!(world.is_ready());
                String::new()
            }
            request => line(&mut world, request),
        })
    });
}
