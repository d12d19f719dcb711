//! The engine in a real browser, in a worker and over IndexedDB, and the same traces there as natively.
#![cfg(target_arch = "wasm32")]

mod common;
#[path = "common/session.rs"]
mod session;

use blumfeld_kernel::Instant;
use blumfeld_store::{IndexedDb, Loaded, Members, Meta};
use blumfeld_view::{Durability, Fault};
use blumfeld_wasm::{Boot, replay};
use common::page::Page;
use common::{ASKED, DIGESTS, SEEDS, asked, story};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
fn the_traces_are_those_of_the_native_engine() {
    let digests: String = SEEDS.iter().map(|seed| story(*seed).line(*seed)).collect();
    assert_eq!(digests, DIGESTS);
}

/// Sessions that are played in the browser; a build with `BLUMFELD_LONG=1` plays more.
fn sessions() -> u64 {
    if option_env!("BLUMFELD_LONG") == Some("1") { 50 } else { 3 }
}

#[wasm_bindgen_test]
fn what_was_is_found_again_in_the_browser() {
    for seed in 0..sessions() {
        let mut session = session::Session::new(seed);
        session.live(6);
        let end = session::seen(&mut session.engine);
        for moment in session.moments.clone().iter().rev() {
            session.find(moment);
        }
        session.go(blumfeld_view::Seek::Now);
        assert!(session::seen(&mut session.engine) == end, "seed {seed}");
    }
}

#[wasm_bindgen_test]
fn what_is_asked_of_the_past_is_answered_as_natively() {
    assert_eq!(asked::played(ASKED), ASKED);
}

#[wasm_bindgen_test]
fn two_runs_of_a_seed_are_one_and_a_record_replays_to_it() {
    let outcome = story(SEEDS[0]);
    assert_eq!(story(SEEDS[0]), outcome);
    assert_eq!(replay(&outcome.record).unwrap().digest(), outcome.digest);
}

async fn open(cluster: &str, durability: Durability) -> (Page<IndexedDb>, Loaded) {
    let fresh = Boot::fresh("browser", 9, 1_700_000_000_000, 1, durability);
    Page::open(IndexedDb::open(cluster).await.unwrap(), fresh).await
}

const AT: &str = "--bootstrap-server localhost:9092";

#[wasm_bindgen_test]
async fn a_cluster_goes_on_from_what_is_stored() {
    let (mut page, loaded) = open("engine", Durability::Relaxed).await;
    assert_eq!(loaded.meta, None);
    page.desk.ok(
        &format!(
            "kafka-topics.sh {AT} --create --topic orders --partitions 3 --config retention.ms=86400000"
        ),
        "",
    );
    page.store().await;
    let mut sent: Vec<String> = Vec::new();
    for round in 0..5 {
        let lines: Vec<String> = (0..200).map(|n| format!("주문 {round}-{n} {}", "x".repeat(n))).collect();
        page.desk.ok(&format!("kafka-console-producer.sh {AT} --topic orders"), &(lines.join("\n") + "\n"));
        sent.extend(lines);
        page.store().await;
    }
    let desk = &mut page.desk;
    let read = desk.read_all("orders", 3);
    let describe = desk.ok(&format!("kafka-topics.sh {AT} --describe"), "");
    let offsets = desk.ok(&format!("kafka-get-offsets.sh {AT} --topic orders"), "");
    page.store().await;
    let now = page.desk.engine.world().now();
    // The page goes without a word to the broker.
    drop(page);

    let (Page { mut desk, .. }, loaded) = open("engine", Durability::Relaxed).await;
    let members = Some(Members { began_with: 1, racks: [(1, None)].into() });
    let unix_ms = 1_700_000_000_000 + i64::try_from(now.as_millis()).unwrap();
    let meta =
        Meta { seed: 9, now: now.as_micros(), unix_ms, strict: Some(false), members, ..Meta::default() };
    assert_eq!(loaded.meta, Some(meta));
    assert_eq!(loaded.damaged, [""; 0]);
    assert!(desk.engine.world().now() >= now && now > Instant::default());
    let (_, recovery, _) = desk.engine.ready_view();
    let mut found: Vec<_> = recovery.iter().filter(|log| log.partition.starts_with("orders-")).collect();
    found.sort_by(|a, b| a.partition.cmp(&b.partition));
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|log| !log.clean && log.truncated == 0), "{found:?}");
    assert_eq!(found.iter().map(|log| log.log_end).sum::<i64>(), 1_000);

    assert_eq!(desk.read_all("orders", 3), read);
    let mut seen = read;
    seen.sort();
    sent.sort();
    assert_eq!(seen, sent);
    // Leaders have a new epoch, which describe does not show.
    assert_eq!(desk.ok(&format!("kafka-topics.sh {AT} --describe"), ""), describe);
    assert_eq!(desk.ok(&format!("kafka-get-offsets.sh {AT} --topic orders"), ""), offsets);
    // It takes more, and a power cut after that leaves what the store had.
    desk.ok(&format!("kafka-console-producer.sh {AT} --topic orders"), "more\n");
    assert_eq!(desk.read_all("orders", 3).len(), 1_001);
}

#[wasm_bindgen_test]
async fn a_strict_acknowledgement_waits_for_the_store() {
    let (mut page, _) = open("strict", Durability::Strict).await;
    page.desk.ok(&format!("kafka-topics.sh {AT} --create --topic t"), "");
    page.store().await;

    // A producer whose records the store does not get: its acknowledgement does not come.
    let engine = &mut page.desk.engine;
    engine.console(1_000, &format!("kafka-console-producer.sh {AT} --topic t"));
    engine.stdin(1_000, "one\n".into());
    engine.close_stdin(1_000);
    let mut turns = 0;
    while !engine.awaits_store() {
        engine.advance(std::time::Duration::from_millis(10), || false);
        turns += 1;
        assert!(turns < 1_000, "nothing waits for the store");
    }
    for _ in 0..100 {
        engine.advance(std::time::Duration::from_millis(10), || false);
    }
    assert!(engine.take_console(usize::MAX).iter().all(|update| update.exit.is_none()));

    // Once it has them the producer ends, and a machine that loses power still has them.
    let mut exit = None;
    for _ in 0..1_000 {
        if page.desk.engine.awaits_store() {
            page.store().await;
        }
        page.desk.engine.advance(std::time::Duration::from_millis(10), || false);
        exit = exit.or(page.desk.engine.take_console(usize::MAX).into_iter().find_map(|update| update.exit));
        if exit.is_some() {
            break;
        }
    }
    assert_eq!(exit, Some(0));
    page.desk.break_and_mend(Fault::PowerCut(1));
    assert_eq!(page.desk.read_all("t", 1), ["one"]);
    drop(page);
    let (mut page, _) = open("strict", Durability::Strict).await;
    assert_eq!(page.desk.read_all("t", 1), ["one"]);
}
