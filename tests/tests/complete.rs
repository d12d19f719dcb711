//! What has to be said in several places is said in all of them. CONTRIBUTING.md sends people here.

use std::collections::BTreeSet;

use blumfeld_broker::{controller_versions, supported_versions};
use blumfeld_kernel::NodeId;
use blumfeld_protocol::ErrorCode;
use blumfeld_sim::{Fault, FaultError};
use blumfeld_tests::console::Console;

const COMPAT: &str = include_str!("../../COMPAT.md");
const TYPES: &str = include_str!("../../www/npm/index.d.ts");

#[test]
fn every_api_has_its_row_in_compat() {
    let row = |(key, min, max): &(blumfeld_protocol::ApiKey, i16, i16)| {
        let versions = if min == max { min.to_string() } else { format!("{min} to {max}") };
        format!("| {} | {key:?} | {versions} |", *key as i16)
    };
    let missing: Vec<String> =
        supported_versions().iter().map(row).filter(|row| !COMPAT.contains(row.as_str())).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_api_and_error_is_in_the_types_of_the_package() {
    let union = |name: &str| -> BTreeSet<String> {
        let (_, after) = TYPES.split_once(&format!("export type {name} =")).unwrap();
        after.split_once(';').unwrap().0.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let apis = supported_versions().iter().chain(controller_versions()).map(|(key, ..)| format!("{key:?}"));
    let missing: Vec<String> = apis.filter(|name| !union("KafkaApi").contains(name)).collect();
    assert_eq!(missing, [""; 0]);
    let codes = ErrorCode::NAMES.iter().filter(|name| **name != "NONE").map(|name| (*name).to_owned());
    assert_eq!(union("KafkaErrorCode"), codes.collect());
}

#[test]
fn every_api_can_be_answered_with_an_error_by_a_fault() {
    let mut console = Console::new(1);
    let keys: BTreeSet<String> = supported_versions()
        .iter()
        .chain(controller_versions())
        .map(|(key, ..)| format!("{key:?}"))
        .collect();
    for key in keys {
        let fault = Fault::parse(&format!("request 1 {key} error UNKNOWN_SERVER_ERROR")).unwrap();
        match console.world.inject(fault) {
            Ok(()) => {}
            Err(FaultError::NoAnswer(_)) => panic!("sim/src/fault/answer.rs has no answer for {key}"),
            Err(error) => panic!("{key}: {error}"),
        }
    }
    assert!(console.world.broker(NodeId(1)).is_some());
}

#[test]
fn every_tool_is_in_help_and_in_compat() {
    let mut console = Console::new(1);
    let tools = blumfeld_shell::complete("", &console).words;
    let (english, korean) = (console.run("help en", &[]).stdout, console.run("help ko", &[]).stdout);
    for tool in tools {
        let line = format!("\n  {tool} ");
        assert!(english.contains(&line), "help en leaves {tool} out");
        assert!(korean.contains(&line), "help ko leaves {tool} out");
        // What is no tool of Kafka's cannot be compared with Kafka.
        let compared = !tool.starts_with("kafka-") || COMPAT.contains(&format!("`{tool}`"));
        assert!(compared, "COMPAT.md leaves {tool} out");
    }
}
