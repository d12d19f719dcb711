//! Runs every file in `tests/apis`: requests as JSON, each with the answer, as Kafka's request log has them.
//! `ID(topic)` stands for the topic's id. What is expected was compared with Apache Kafka 4.3.1.
//!
//! Beside requests: `brokers N KEY=VALUE…` begins anew with so many and these static configs, `@2` before a request
//! sends it to broker 2, `fault …` is the console's, `wait MS` lets time pass, and `restart` crashes broker 1 and
//! brings it back.

use blumfeld_protocol::definition::{self, Kind};
use blumfeld_protocol::json::{from_json, to_json};
use blumfeld_protocol::uuid_text;
use serde_json::Value;

use super::*;

/// Sends a line's request in its version, and gives the answer.
fn line(world: &mut World, line: &str) -> String {
    let (to, line) = match line.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
        Some((id, rest)) => (id.parse::<u16>().unwrap(), rest),
        None => (1, line),
    };
    let mut words = line.splitn(3, ' ');
    let (api, version, json) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or("{}"));
    let key = ApiKey::iter().find(|key| format!("{key:?}") == api).unwrap_or_else(|| panic!("no API {api}"));
    let version: i16 = version.parse().unwrap();
    let topics: Vec<(String, String)> =
        (world.broker(NodeId(i32::from(to))).unwrap().image().topics().values())
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
    let port = 9_090 + 2 * to;
    let (answers, end) = exchange_with(world, port, vec![frame.into()]);
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
            request => match request.split_once(' ') {
                Some(("brokers", count)) => {
                    let mut words = count.split(' ');
                    let mut brokers = BrokerConfig::combined(words.next().unwrap().parse().unwrap(), 1);
                    for (key, value) in words.map(|word| word.split_once('=').unwrap()) {
                        brokers.iter_mut().for_each(|broker| broker.set(key, value).unwrap());
                    }
                    world = world_of(brokers);
                    String::new()
                }
                Some(("fault", fault)) => {
                    let fault = Fault::parse(fault).unwrap();
                    world.inject(fault).map_or_else(|error| error.to_string(), |()| String::new())
                }
                Some(("wait", millis)) => {
                    world.run_for(Duration::from_millis(millis.parse().unwrap()));
                    String::new()
                }
                _ => line(&mut world, request),
            },
        })
    });
}
