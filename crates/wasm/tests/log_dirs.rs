//! Log directories in the place of a stored cluster: all of it in one commit, or nothing.
#![cfg(not(target_arch = "wasm32"))]

#[allow(dead_code, reason = "what the replay tests share is more than is needed here")]
mod common;

use blumfeld_logdirs::{Files, How, Limits, Opened, open, unpack};
use blumfeld_store::{Loaded, Memory, Mirror, StoreError};
use blumfeld_view::{Durability, LogDirsView};
use blumfeld_wasm::{Boot, log_dirs};
use bytes::Bytes;
use common::Desk;
use common::page::Page;
use futures_executor::block_on;

const AT: &str = "--bootstrap-server localhost:9092";
const BEGIN_MS: i64 = 1_700_000_000_000;

fn page(memory: &Memory, cluster_brokers: i32) -> Page<Memory> {
    let fresh = Boot::fresh("log-dirs", 8, BEGIN_MS, cluster_brokers, Durability::Relaxed);
    block_on(Page::open(memory.clone(), fresh)).0
}

/// A cluster of three with a topic, a group and what it has committed, as an archive.
fn exported(broker: Option<i32>) -> (String, Vec<u8>) {
    let mut desk = Desk::at(Boot::fresh("from", 5, BEGIN_MS, 3, Durability::Relaxed));
    desk.ok(&format!("kafka-topics.sh {AT} --create --topic orders --replication-factor 3"), "");
    desk.ok(&format!("kafka-console-producer.sh {AT} --topic orders"), "a\nb\nc\n");
    let read = "--from-beginning --max-messages 2 --group billing";
    desk.ok(&format!("kafka-console-consumer.sh {AT} --topic orders {read}"), "");
    log_dirs::export(desk.engine.world(), broker).unwrap()
}

fn opened((name, bytes): (String, Vec<u8>)) -> Opened {
    let mut files = Files::new(Limits::default());
    unpack(&name, Bytes::from(bytes), &mut files).unwrap();
    let opened = open(&files, 3, BEGIN_MS);
    assert!(matches!(log_dirs::view(&opened), LogDirsView::Found(_)));
    opened.unwrap()
}

fn replace(memory: &Memory, opened: Opened) -> Result<Loaded, StoreError> {
    block_on(async {
        let (mut mirror, loaded) = Mirror::open(memory.clone(), |_, _| ()).await?;
        log_dirs::replace(&mut mirror, &loaded, opened, (9, BEGIN_MS, false)).await
    })
}

fn stored(memory: &Memory, brokers: i32) {
    let mut old = page(memory, brokers);
    old.desk.ok(&format!("kafka-topics.sh {AT} --create --topic old"), "");
    block_on(old.store());
}

/// What the group has committed, by the tool's words.
fn committed(desk: &mut Desk) -> Vec<String> {
    let said = desk.ok(&format!("kafka-consumer-groups.sh {AT} --describe --group billing --offsets"), "");
    said.lines().last().unwrap().split_whitespace().take(4).map(str::to_owned).collect()
}

#[test]
fn an_export_takes_the_place_of_a_stored_cluster() {
    for (broker, brokers) in [(None, 3), (Some(2), 1)] {
        let memory = Memory::new();
        stored(&memory, 1);
        let opened = opened(exported(broker));
        assert_eq!(opened.how == How::AsItIs, broker.is_none());
        replace(&memory, opened).unwrap();
        // What follows is what any reload finds.
        let mut page = page(&memory, 1);
        assert_eq!(page.desk.engine.world().nodes().count(), brokers);
        let topics = page.desk.ok(&format!("kafka-topics.sh {AT} --list"), "");
        assert_eq!(topics, "__consumer_offsets\norders\n");
        assert_eq!(page.desk.read_all("orders", 3), ["a", "b", "c"]);
        assert_eq!(committed(&mut page.desk), ["billing", "orders", "0", "2"]);
        // The group goes on where it was.
        page.desk.ok(&format!("kafka-console-producer.sh {AT} --topic orders"), "d\n");
        let rest = format!("kafka-console-consumer.sh {AT} --topic orders --group billing --max-messages 2");
        assert_eq!(page.desk.ok(&rest, ""), "c\nd\n");
        // A broker that joins, joins the cluster whose directories these were.
        page.desk.ok("broker add", "");
        page.desk.until_ready();
        assert_eq!(page.desk.engine.world().nodes().count(), brokers + 1);
    }
}

#[test]
fn a_store_that_has_no_room_keeps_the_old_cluster() {
    let memory = Memory::new();
    stored(&memory, 3);
    memory.set_limit(Some(1_000));
    assert!(matches!(replace(&memory, opened(exported(None))), Err(StoreError::Quota(_))));
    memory.set_limit(None);
    let mut page = page(&memory, 1);
    assert_eq!(page.desk.ok(&format!("kafka-topics.sh {AT} --list"), ""), "old\n");
}
