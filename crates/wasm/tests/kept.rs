//! Branches of the time line over reloads of the page.
#![cfg(not(target_arch = "wasm32"))]

#[allow(dead_code, reason = "what the replay tests share is more than is needed here")]
mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_store::{Batch, Memory, Port, StoreError};
use blumfeld_view::{Durability, Pace, TimelineView};
use blumfeld_wasm::{Boot, Engine, replay};
use bytes::Bytes;
use common::page::Page;
use futures_executor::block_on;

const AT: &str = "--bootstrap-server localhost:9092,localhost:9094,localhost:9096";
const BEGIN_MS: i64 = 1_700_000_000_000;

fn open<P: Port>(port: P, seed: u64, durability: Durability) -> Page<P> {
    block_on(Page::open(port, Boot::fresh("kept", seed, BEGIN_MS, 3, durability))).0
}

fn view(engine: &mut Engine) -> TimelineView {
    engine.ready_view().0.timeline
}

fn names(engine: &mut Engine) -> Vec<String> {
    view(engine).branches.into_iter().map(|branch| branch.name).collect()
}

fn living(engine: &mut Engine) -> String {
    let living = view(engine).branches.into_iter().find(|branch| branch.living);
    living.map(|branch| branch.name).unwrap_or_default()
}

/// How a branch was left: the digest, the events, the time.
type Ends = BTreeMap<String, (u64, u64, u64)>;

/// Notes how the living branch is about to be left.
fn leave<P: Port>(page: &mut Page<P>, ends: &mut Ends) {
    let name = living(&mut page.desk.engine);
    let world = page.desk.engine.world();
    ends.insert(name, (world.digest(), world.events(), world.now().as_micros()));
}

/// Goes back from the end of the living branch and acts there.
fn act_in_the_past<P: Port>(page: &mut Page<P>, line: &str, ends: &mut Ends) {
    page.desk.pass(Duration::from_millis(1_700));
    leave(page, ends);
    page.desk.engine.timeline_now("timeline back 700ms").unwrap();
    page.desk.engine.set_pace(Pace::Times(1.0));
    page.desk.ok(line, "");
    page.desk.pass(Duration::from_millis(900));
}

fn switch<P: Port>(page: &mut Page<P>, name: &str) -> (u64, u64, u64) {
    page.desk.engine.timeline_now(&format!("timeline switch {name}")).unwrap();
    page.desk.engine.set_pace(Pace::Times(1.0));
    let world = page.desk.engine.world();
    (world.digest(), world.events(), world.now().as_micros())
}

fn begin<P: Port>(page: &mut Page<P>) {
    let desk = &mut page.desk;
    desk.ok(
        &format!("kafka-topics.sh {AT} --create --topic orders --partitions 3 --replication-factor 3"),
        "",
    );
    // It runs on, so nobody waits for its end.
    desk.engine.console(1_000, "workload start produce --topic orders --rate 50 --acks all");
    desk.ok(&format!("kafka-console-producer.sh {AT} --topic orders"), "one\ntwo\n");
    desk.pass(Duration::from_secs(1));
}

#[test]
fn branches_are_found_again_three_levels_deep() {
    for (seed, durability) in [(1, Durability::Relaxed), (2, Durability::Strict)] {
        let memory = Memory::new();
        let mut page = open(memory.clone(), seed, durability);
        let mut ends = Ends::new();
        begin(&mut page);
        block_on(page.store());
        for line in ["fault crash 2", "fault cut 1 3", "fault power-cut 3"] {
            act_in_the_past(&mut page, line, &mut ends);
            block_on(page.store());
        }
        let first = names(&mut page.desk.engine);
        assert_eq!(first.len(), 4, "{first:?}");

        // Another life has them, and a branch of its own.
        let mut page = open(memory.clone(), seed, durability);
        assert_eq!(names(&mut page.desk.engine), first);
        assert_eq!(living(&mut page.desk.engine), first[3]);
        act_in_the_past(&mut page, "fault crash 1", &mut ends);
        let second = names(&mut page.desk.engine);
        block_on(page.store());
        leave(&mut page, &mut ends);

        // So does a third one, which goes to all of them and to their past.
        let mut page = open(memory.clone(), seed, durability);
        let third = names(&mut page.desk.engine);
        assert_eq!(third, second);
        let kept: Vec<&String> = third.iter().filter(|name| *name != third.last().unwrap()).collect();
        for name in kept {
            assert_eq!(switch(&mut page, name), ends[name], "{name}, seed {seed}");
            let (_, events, now) = ends[name];
            page.desk.engine.timeline_now("timeline back 600ms").unwrap();
            assert!(page.desk.engine.world().events() < events);
            page.desk.engine.timeline_now("timeline now").unwrap();
            page.desk.engine.set_pace(Pace::Times(1.0));
            assert_eq!(page.desk.engine.world().now().as_micros(), now);
            assert_eq!(page.desk.engine.digest(), ends[name].0, "{name}");
            // It lives on, from the store too.
            page.desk.pass(Duration::from_millis(500));
            block_on(page.store());
            leave(&mut page, &mut ends);
            // A replay file ends with the last thing that was done.
            page.desk.engine.sync();
            let record = page.desk.engine.record().borrow().to_json();
            assert_eq!(replay(&record).unwrap().digest(), page.desk.engine.digest(), "{name}");
            leave(&mut page, &mut ends);
        }
        // Each as it was left, not as it was first.
        for name in third.iter().filter(|name| *name != third.last().unwrap()) {
            if *name != living(&mut page.desk.engine) {
                assert_eq!(switch(&mut page, name), ends[name], "{name}, seed {seed}, again");
            }
        }
    }
}

#[test]
fn what_lives_goes_on_beside_what_it_was() {
    let memory = Memory::new();
    let mut page = open(memory.clone(), 3, Durability::Relaxed);
    let mut ends = Ends::new();
    begin(&mut page);
    act_in_the_past(&mut page, "fault crash 2", &mut ends);
    switch(&mut page, "main");
    page.desk.pass(Duration::from_millis(300));
    block_on(page.store());
    let mut page = open(memory.clone(), 3, Durability::Relaxed);
    assert_eq!(names(&mut page.desk.engine), ["main-before", "crash-2", "main"]);
    let told = page.desk.engine.timeline_now("timeline").unwrap();
    assert!(told.contains("* main goes on from main-before as it was stored at "), "{told}");
    assert_eq!(switch(&mut page, "main-before"), ends["main"]);
    // One that nothing needs can go, and does not come back.
    page.desk.engine.timeline_now("timeline delete crash-2").unwrap();
    page.desk.engine.timeline_now("timeline rename main-before origin").unwrap();
    page.desk.engine.timeline_now("timeline switch main").unwrap();
    page.desk.engine.timeline_now("timeline cap 64MiB").unwrap();
    block_on(page.store());
    let mut page = open(memory, 3, Durability::Relaxed);
    assert!(!names(&mut page.desk.engine).contains(&"crash-2".to_owned()));
    assert!(
        names(&mut page.desk.engine).contains(&"origin".to_owned()),
        "{:?}",
        names(&mut page.desk.engine)
    );
    assert_eq!(view(&mut page.desk.engine).cap, 64 << 20);
}

#[test]
fn a_damaged_branch_is_given_up_and_said_so() {
    let memory = Memory::new();
    let mut page = open(memory.clone(), 4, Durability::Relaxed);
    let mut ends = Ends::new();
    begin(&mut page);
    act_in_the_past(&mut page, "fault crash 2", &mut ends);
    act_in_the_past(&mut page, "fault crash 3", &mut ends);
    block_on(page.store());
    for (key, value, names_left) in [
        ("past/1", None, vec!["main", "crash-3"]),
        ("past/1", Some(Bytes::from_static(b"[{]")), vec!["main", "crash-3"]),
        ("past/1", Some(Bytes::from_static(b"[]")), vec!["main", "crash-3"]),
        ("past/0/begin", Some(Bytes::from_static(b"{}")), vec!["crash-3"]),
        ("past/0", None, vec!["crash-3"]),
    ] {
        let damaged = Damaged { inner: memory.clone(), key, value };
        let mut page = open(damaged, 4, Durability::Relaxed);
        assert_eq!(names(&mut page.desk.engine), names_left, "{key}");
        let told = page.desk.engine.timeline_now("timeline").unwrap();
        assert!(told.contains("branches were dropped to save memory"), "{told}");
    }
}

#[test]
fn a_branch_of_another_program_is_not_taken_for_this_ones() {
    let memory = Memory::new();
    let mut page = open(memory.clone(), 5, Durability::Relaxed);
    let mut ends = Ends::new();
    begin(&mut page);
    act_in_the_past(&mut page, "fault crash 2", &mut ends);
    block_on(page.store());
    // Another number of the world's seed stands for a program that takes another course.
    let text = block_on(memory.read(&["past/0/begin".to_owned()])).unwrap().remove(0).unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap().replace("\"seed\":5,", "\"seed\":6,");
    let other = Damaged { inner: memory, key: "past/0/begin", value: Some(text.into()) };
    let mut page = open(other, 5, Durability::Relaxed);
    let error = page.desk.engine.timeline_now("timeline switch main").unwrap_err();
    assert_eq!(
        error,
        "timeline: the end of main cannot be found again: it was recorded by another version of this program"
    );
    assert_eq!(living(&mut page.desk.engine), "crash-2");
}

/// A store that has something else, or nothing, under one key.
#[derive(Clone)]
struct Damaged {
    inner: Memory,
    key: &'static str,
    value: Option<Bytes>,
}

impl Port for Damaged {
    async fn claim(&self) -> Result<u64, StoreError> {
        self.inner.claim().await
    }

    async fn manifest(&self) -> Result<Option<Bytes>, StoreError> {
        self.inner.manifest().await
    }

    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let mut values = self.inner.read(keys).await?;
        for (key, value) in keys.iter().zip(&mut values) {
            if key == self.key {
                value.clone_from(&self.value);
            }
        }
        Ok(values)
    }

    async fn commit(&self, epoch: u64, batch: Batch) -> Result<(), StoreError> {
        self.inner.commit(epoch, batch).await
    }

    async fn clear(&self, epoch: u64) -> Result<(), StoreError> {
        self.inner.clear(epoch).await
    }
}
