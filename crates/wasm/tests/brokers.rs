//! The console's `broker`: brokers come and go, the store follows, and a record replays it.
#![cfg(not(target_arch = "wasm32"))]

#[allow(dead_code, reason = "what the replay tests share is more than is needed here")]
mod common;

use std::time::Duration;

use blumfeld_store::{Loaded, Members, Memory, Meta, Mirror, Port};
use blumfeld_view::Durability;
use blumfeld_wasm::{Boot, replay};
use common::Desk;
use common::page::Page;
use futures_executor::block_on;

const AT: &str = "--bootstrap-server localhost:9092";

fn fresh(brokers: i32) -> Boot {
    Boot::fresh("brokers", 5, 1_700_000_000_000, brokers, Durability::Relaxed)
}

fn open(memory: &Memory, brokers: i32) -> Page<Memory> {
    block_on(Page::open(memory.clone(), fresh(brokers))).0
}

/// Whether the store has a file of a node whose path begins so.
fn has(memory: &Memory, node: i32, path: &str) -> bool {
    let manifest = block_on(memory.manifest()).unwrap().unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let files = manifest["files"][node.to_string()].as_object();
    files.is_some_and(|files| files.keys().any(|file| file.starts_with(path)))
}

/// Ids of the brokers, and of those that vote.
fn ids(desk: &Desk) -> (Vec<i32>, Vec<i32>) {
    let brokers = &desk.engine.world().config().brokers;
    let voters = brokers.iter().filter(|broker| broker.roles.controller);
    (brokers.iter().map(|broker| broker.node_id).collect(), voters.map(|broker| broker.node_id).collect())
}

#[test]
fn a_reload_brings_back_the_brokers_that_were_there() {
    let memory = Memory::new();
    let mut page = open(&memory, 3);
    let desk = &mut page.desk;
    let added = desk.ok("broker add 7 --rack b", "");
    assert!(added.starts_with("Broker 7 joins at localhost:9104."), "{added}");
    desk.pass(Duration::from_secs(1));
    desk.ok(&format!("kafka-topics.sh {AT} --create --topic orders --replica-assignment 7:1"), "");
    desk.ok(&format!("kafka-console-producer.sh {AT} --topic orders"), "a\nb\nc\n");
    desk.pass(Duration::from_secs(1));
    block_on(page.store());
    assert!(has(&memory, 7, "orders-0/"));

    let mut page = open(&memory, 9);
    let desk = &mut page.desk;
    assert_eq!(ids(desk), (vec![1, 2, 3, 7], vec![1, 2, 3]));
    desk.pass(Duration::from_secs(15));
    let endpoints = desk.ok(&format!("kafka-cluster.sh list-endpoints {AT}"), "");
    assert!(endpoints.contains("9104") && endpoints.contains(" b "), "{endpoints}");
    assert_eq!(desk.read_all("orders", 1), ["a", "b", "c"]);

    // With its replica it would take what only it may have.
    let refused = desk.run("broker remove 7", "");
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("broker-7 has a replica of orders-0: move it first"),
        "{}",
        refused.stderr
    );
    let gone = desk.ok("broker remove 7 --force", "");
    assert!(gone.contains("kafka-cluster.sh unregister --id 7"), "{gone}");
    desk.pass(Duration::from_secs(10));
    block_on(page.store());
    assert!(!has(&memory, 7, "") && has(&memory, 1, ""));

    let mut page = open(&memory, 9);
    let desk = &mut page.desk;
    assert_eq!(ids(desk), (vec![1, 2, 3], vec![1, 2, 3]));
    desk.pass(Duration::from_secs(15));
    assert_eq!(desk.read_all("orders", 1), ["a", "b", "c"]);

    // It comes back with an empty disk, and catches up.
    desk.ok("broker add 7", "");
    desk.pass(Duration::from_secs(15));
    let described = desk.ok(&format!("kafka-topics.sh {AT} --describe --topic orders"), "");
    assert!(described.contains("Isr: 1,7"), "{described}");
    block_on(page.store());
    assert!(has(&memory, 7, "orders-0/"));
}

#[test]
fn a_cluster_that_was_stored_without_saying_its_brokers_has_all_up_to_its_last_disk() {
    let memory = Memory::new();
    block_on(open(&memory, 4).store());
    let (mirror, mut loaded) = block_on(Mirror::open(memory, |_, _| {})).unwrap();
    loaded.meta.as_mut().unwrap().members = None;
    let desk = Desk::at(Boot::of(loaded, mirror.boot(), fresh(9)));
    assert_eq!(ids(&desk), (vec![1, 2, 3, 4], vec![1, 2, 3]));
}

#[test]
fn what_a_store_says_that_cannot_be_is_passed_over() {
    let members = |began_with: i32, ids: &[i32]| {
        Some(Members { began_with, racks: ids.iter().map(|id| (*id, None)).collect() })
    };
    for (stored, want) in [
        (members(3, &[1, 2, 3]), vec![1, 2, 3]),
        (members(3, &[]), vec![1, 2, 3]),
        (members(0, &[1]), vec![1]),
        (members(i32::MIN, &[-1, 0, 2, 10, i32::MAX]), vec![1, 2]),
        (members(i32::MAX, &[9]), vec![1, 2, 3, 4, 5, 9]),
    ] {
        let meta = Some(Meta { members: stored.clone(), ..Meta::default() });
        let desk = Desk::at(Boot::of(Loaded { meta, ..Loaded::default() }, 0, fresh(3)));
        assert_eq!(ids(&desk).0, want, "{stored:?}");
    }
}

#[test]
fn brokers_that_come_and_go_are_replayed() {
    let mut desk = Desk::new(3, Durability::Relaxed);
    desk.ok("broker add", "");
    desk.pass(Duration::from_secs(2));
    desk.ok(&format!("kafka-topics.sh {AT} --create --topic orders --replica-assignment 1:2"), "");
    desk.ok(&format!("kafka-console-producer.sh {AT} --topic orders"), "a\nb\nc\n");
    desk.ok("broker add 5", "");
    desk.pass(Duration::from_secs(2));
    desk.ok("broker remove 5", "");
    desk.ok("fault crash 2", "");
    desk.ok("broker remove 2 --force", "");
    desk.pass(Duration::from_secs(20));
    desk.engine.sync();
    assert_eq!(ids(&desk), (vec![1], vec![1]));
    let record = desk.engine.record().borrow().to_json();
    let again = replay(&record).unwrap();
    assert_eq!(
        (again.digest(), again.world().events()),
        (desk.engine.digest(), desk.engine.world().events())
    );
}

#[test]
fn the_words_are_explained_and_completed() {
    let mut desk = Desk::new(1, Durability::Relaxed);
    assert!(desk.ok("broker", "").contains("broker add [ID] [--rack RACK]"));
    assert!(desk.ok("broker ko", "").contains("브로커를 더하거나 뺍니다"));
    for command in ["broker", "fault", "workload"] {
        for language in ["en", "ko"] {
            let (alone, help) = (format!("{command} {language}"), format!("help {command} {language}"));
            assert_eq!(desk.ok(&help, ""), desk.ok(&alone, ""), "{help}");
        }
    }
    desk.engine.set_language("ko");
    assert!(desk.ok("broker add", "").starts_with("브로커 2 추가: localhost:9094."));
    desk.pass(Duration::from_secs(2));
    for (line, want) in [
        ("brok", "broker"),
        ("broker ", "add en ko remove"),
        ("broker add ", "--rack"),
        ("broker add 4 ", "--rack"),
        ("broker add --rack ", ""),
        ("broker remove ", "1 2"),
        ("broker remove 2 ", "--force"),
        ("broker remove 2 --force ", ""),
    ] {
        let (words, _) = desk.engine.complete(line);
        assert_eq!(words.join(" "), want, "{line}");
    }
    for (line, want) in [
        ("broker remove 1", "blumfeld: broker-1 is a voter of the metadata quorum"),
        ("broker remove 9", "blumfeld: there is no broker 9 here; there are 1, 2"),
        ("broker add 2", "blumfeld: there is a broker 2 already"),
        ("broker add 0", "blumfeld: 0 is no id for a broker here: it must be 1 to 9"),
        ("broker grow", "blumfeld: `grow` is not understood"),
    ] {
        let ran = desk.run(line, "");
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{line}");
        assert!(ran.stderr.starts_with(want), "{line}: {}", ran.stderr);
    }
    for _ in 0..7 {
        desk.ok("broker add", "");
    }
    assert!(desk.run("broker add", "").stderr.contains("there are nine brokers"));
}
