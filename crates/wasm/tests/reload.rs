//! What a reload keeps, one by one. (Random runs mix them: `cargo xtask sim --page`.)
#![cfg(not(target_arch = "wasm32"))]

#[allow(dead_code, reason = "what the replay tests share is more than is needed here")]
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use blumfeld_kernel::NodeId;
use blumfeld_store::Memory;
use blumfeld_view::{Durability, Fault, Returned, Stream};
use blumfeld_wasm::Boot;
use common::Desk;
use common::page::Page;
use futures_executor::block_on;

const AT: &str = "--bootstrap-server localhost:9092";
/// The real clock at the first opening, in milliseconds since 1970.
const BEGIN_MS: i64 = 1_700_000_000_000;

/// Opens the page on a store, by the real clock.
fn open_at(memory: &Memory, brokers: i32, durability: Durability, real_ms: i64) -> Page<Memory> {
    block_on(Page::open(memory.clone(), Boot::fresh("reload", 8, real_ms, brokers, durability))).0
}

fn open(memory: &Memory, brokers: i32) -> Page<Memory> {
    open_at(memory, brokers, Durability::Relaxed, BEGIN_MS)
}

fn store(page: &mut Page<Memory>) {
    block_on(page.store());
}

/// The file of a partition's first segment at a node: its length, and how much of it is durable.
fn log(desk: &Desk, node: i32, partition: &str) -> (u64, u64) {
    let disk = desk.engine.world().disk(NodeId(node)).unwrap().disk();
    let name = format!("{partition}/00000000000000000000.log");
    let (_, file) = disk.files().find(|(path, _)| path.ends_with(&name)).unwrap();
    (file.len(), file.durable())
}

#[test]
fn topics_that_are_made_between_reloads_have_ids_of_their_own() {
    for (brokers, durability) in [(1, Durability::Relaxed), (3, Durability::Strict)] {
        let memory = Memory::new();
        let mut incarnations = BTreeSet::new();
        for life in 0..8 {
            let mut page = open_at(&memory, brokers, durability, BEGIN_MS);
            let world = page.desk.engine.world();
            for broker in world.nodes().filter_map(|node| world.broker(node)) {
                let known = &broker.image().brokers()[&broker.config().node_id];
                assert!(incarnations.insert(known.incarnation_id.to_string()), "life {life}");
            }
            page.desk.ok(&format!("kafka-topics.sh {AT} --create --topic t{life}"), "");
            page.desk
                .ok(&format!("kafka-console-producer.sh {AT} --topic t{life}"), &format!("of t{life}\n"));
            store(&mut page);
        }
        let mut desk = open(&memory, brokers).desk;
        let described = desk.ok(&format!("kafka-topics.sh {AT} --describe"), "");
        let ids: BTreeSet<&str> =
            described.split("TopicId:").skip(1).filter_map(|after| after.split_whitespace().next()).collect();
        assert_eq!(ids.len(), 8, "{described}");
        for life in 0..8 {
            assert_eq!(desk.read_all(&format!("t{life}"), 1), [format!("of t{life}")]);
        }
    }
}

#[test]
fn what_was_dirty_at_a_reload_is_written_back() {
    let memory = Memory::new();
    let mut page = open(&memory, 1);
    page.desk.ok(&format!("kafka-topics.sh {AT} --create --topic t"), "");
    page.desk.ok(&format!("kafka-console-producer.sh {AT} --topic t"), "a\nb\nc\nd\n");
    page.desk.pass(Duration::from_secs(5));
    store(&mut page);
    let (len, durable) = log(&page.desk, 1, "t-0");
    assert!(len > 0 && durable == 0);

    let mut desk = open(&memory, 1).desk;
    assert_eq!(log(&desk, 1, "t-0"), (len, 0));
    // It is 30 s since the records came, over both lives.
    desk.pass(Duration::from_secs(26));
    assert_eq!(log(&desk, 1, "t-0"), (len, len));
    desk.break_and_mend(Fault::PowerCut(1));
    assert_eq!(desk.read_all("t", 1), ["a", "b", "c", "d"]);
}

#[test]
fn durability_changes_under_brokers_that_run() {
    let mut desk = Desk::at(Boot::fresh("reload", 8, BEGIN_MS, 3, Durability::Relaxed));
    desk.ok(&format!("kafka-topics.sh {AT} --create --topic t --replication-factor 3"), "");
    let runs = |desk: &Desk| -> Vec<_> {
        let world = desk.engine.world();
        world.nodes().map(|node| (world.broker(node).is_some(), world.process_run(node))).collect()
    };
    for (to, waits) in [(Durability::Strict, true), (Durability::Relaxed, false)] {
        // A producer that was there before goes on with what is typed after.
        let id = 1_000;
        desk.engine.console(id, &format!("kafka-console-producer.sh {AT} --topic t"));
        desk.pass(Duration::from_secs(1));
        let before = runs(&desk);
        desk.engine.set_durability(to);
        assert_eq!(runs(&desk), before);
        assert!(desk.engine.is_ready());
        desk.engine.stdin(id, "typed after it\n".into());
        desk.engine.close_stdin(id);
        let (mut waited, mut ended) = (false, None);
        for _ in 0..300 {
            waited |= desk.engine.awaits_store();
            desk.pass(Duration::from_millis(10));
            for update in desk.engine.take_console(usize::MAX) {
                assert!(update.output.iter().all(|text| text.stream == Stream::Out), "{update:?}");
                ended = ended.or(update.exit);
            }
        }
        assert_eq!((ended, waited), (Some(0), waits), "{to:?}");
        assert_eq!(runs(&desk), before);
    }
    assert_eq!(desk.read_all("t", 1), ["typed after it"; 2]);
}

#[test]
fn the_wall_clock_of_a_cluster_that_ran_fast_does_not_go_back() {
    let memory = Memory::new();
    let mut page = open(&memory, 1);
    page.desk.ok(&format!("kafka-topics.sh {AT} --create --topic t"), "");
    // Two hours of the cluster pass in a second of the page.
    page.desk.pass(Duration::from_secs(7_200));
    page.desk.ok(&format!("kafka-console-producer.sh {AT} --topic t"), "ahead\n");
    store(&mut page);
    let was = page.desk.engine.world().unix_ms();

    let mut desk = open_at(&memory, 1, Durability::Relaxed, BEGIN_MS + 1_000).desk;
    assert!(desk.engine.world().unix_ms() >= was);
    desk.ok(&format!("kafka-console-producer.sh {AT} --topic t"), "later\n");
    let consumer = format!(
        "kafka-console-consumer.sh {AT} --topic t --from-beginning --max-messages 2 \
         --formatter-property print.timestamp=true --formatter-property print.value=false"
    );
    let printed = desk.ok(&consumer, "");
    let times: Vec<i64> = printed
        .lines()
        .map(|line| line.strip_prefix("CreateTime:").unwrap().split('\t').next().unwrap().parse().unwrap())
        .collect();
    assert!(times.len() == 2 && times.is_sorted(), "{times:?}");

    // A real clock that is ahead is followed.
    let real = BEGIN_MS + 40_000_000;
    let world = open_at(&memory, 1, Durability::Relaxed, real).desk;
    assert!(world.engine.world().unix_ms() >= real);
}

#[test]
fn clients_in_the_background_come_back_and_no_ghost_holds_a_partition() {
    let memory = Memory::new();
    let mut page = open(&memory, 3);
    let desk = &mut page.desk;
    desk.ok(&format!("kafka-topics.sh {AT} --create --topic t --partitions 2 --replication-factor 3"), "");
    desk.ok("workload start produce --topic t --rate 20", "");
    desk.ok("workload start consume --topic t --group readers", "");
    let line = format!("kafka-console-consumer.sh {AT} --topic t --group readers");
    desk.engine.console(1_000, &line);
    desk.pass(Duration::from_secs(10));
    drop(desk.engine.take_console(usize::MAX));
    let members = |desk: &Desk| -> BTreeMap<String, usize> {
        let world = desk.engine.world();
        let group = world.group_views().into_iter().find(|group| group.id == "readers").unwrap();
        group.members.into_iter().map(|member| (member.id, member.partitions.len())).collect()
    };
    let before = members(desk);
    assert_eq!(before.len(), 2);
    desk.engine.console(1_001, "fault disk slow 3 2");
    desk.pass(Duration::from_secs(1));
    store(&mut page);

    let mut desk = open(&memory, 3).desk;
    let Returned { again, over, lifted } = desk.engine.bring_back();
    assert_eq!(lifted, ["disk slow 3 2"]);
    assert_eq!(again.len(), 2, "{again:?}");
    assert_eq!(over, [line]);
    let sent = |desk: &Desk| -> u64 {
        let world = desk.engine.world();
        let logs = world.nodes().filter_map(|node| world.broker(node));
        logs.flat_map(|broker| broker.replicas().partitions())
            .filter(|(of, replica)| &*of.0 == "t" && replica.is_leader())
            .map(|(_, replica)| u64::try_from(replica.log().log_end()).unwrap())
            .sum()
    };
    let had = sent(&desk);
    // Less than the session's 45 s, in which a ghost would still be there.
    desk.pass(Duration::from_secs(15));
    let after = members(&desk);
    assert_eq!(after.values().collect::<Vec<_>>(), [&2], "{after:?}");
    assert!(after.keys().all(|member| !before.contains_key(member)));
    assert!(sent(&desk) > had + 100);
}
