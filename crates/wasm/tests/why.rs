//! Why a number is what it is: the event that is named is what made it so, for without it the number is another one.
#![cfg(not(target_arch = "wasm32"))]

#[path = "common/session.rs"]
mod session;

use std::time::Duration;

use blumfeld_condition::Asked;
use session::{AT, Session, seen};

/// Numbers that are asked; `BLUMFELD_LONG=1` asks more.
const NUMBERS: usize = 60;
const MANY: usize = 500;
/// Of each session so many.
const A_SESSION: usize = 12;

fn fact(session: &mut Session) -> String {
    let mut any =
        |all: &[&str]| all[usize::try_from(session.rng.below(all.len() as u64)).unwrap()].to_owned();
    let (topic, group) = (any(&["orders", "orders", "payments"]), any(&["billing", "billing", "g"]));
    let partition = any(&["0", "1", "2"]);
    let kinds = [
        "leader",
        "epoch",
        "isr",
        "high_watermark",
        "log_end",
        "log_start",
        "committed",
        "state",
        "generation",
        "members",
        "controller",
        "partitions",
        "accumulated",
    ];
    match any(&kinds).as_str() {
        "committed" => format!("committed {group} {topic} {partition}"),
        name @ ("state" | "generation" | "members") => format!("{name} {group}"),
        "controller" => "controller".to_owned(),
        "accumulated" => format!("accumulated producer-1 {topic} {partition}"),
        "partitions" => format!("partitions {topic}"),
        name => format!("{name} {topic} {partition}"),
    }
}

#[test]
fn without_the_event_that_is_named_the_number_is_another_one() {
    let long = std::env::var_os("BLUMFELD_LONG").is_some_and(|value| value == "1");
    let want = if long { MANY } else { NUMBERS };
    let (mut asked, mut undone, mut timers, mut deeds, mut always) = (0, 0, 0, 0, 0);
    for seed in 0.. {
        if asked >= want {
            break;
        }
        let mut session = Session::new(10_000 + seed);
        // Something to be asked about.
        for topic in ["orders", "payments"] {
            session.line(&format!(
                "kafka-topics.sh {AT} --create --topic {topic} --partitions 3 --replication-factor 3"
            ));
            session.pass(Duration::from_secs(1));
            session.line(&format!("workload start produce --topic {topic} --rate 20 --keys 5"));
            session.line(&format!("workload start consume --topic {topic} --group billing"));
        }
        session.live(10);
        let mut tries = 0;
        for _ in 0..A_SESSION {
            // Now, or at a moment before.
            if session.rng.chance(1, 2) {
                let at = usize::try_from(session.rng.below(session.moments.len() as u64)).unwrap();
                let moment = session.moments[at].clone();
                session.find(&moment);
            }
            // What is not there has no number.
            let (fact, read, value) = loop {
                tries += 1;
                assert!(tries < 1_000, "seed {seed}: nothing can be asked");
                let fact = fact(&mut session);
                let read = Asked::parse(&Asked::written(&fact)).unwrap();
                if let Some(value) = session.engine.world().ask(&read) {
                    break (fact, read, Some(value));
                }
            };
            let before = seen(&mut session.engine);
            let cause = session.engine.cause_of(&fact).unwrap();
            assert!(seen(&mut session.engine) == before, "seed {seed}: {fact}: asking changes nothing");
            asked += 1;
            let Some((event, message)) = cause.event else {
                if cause.told.contains("has been so since") {
                    always += 1
                } else {
                    deeds += 1
                }
                continue;
            };
            let mut with = session.engine.world_before(event).unwrap();
            let earlier = with.ask(&read);
            let mut without = with.clone();
            with.step();
            assert_eq!(
                with.ask(&read),
                value,
                "seed {seed}: {fact} is so with event {event}\n{}",
                cause.told
            );
            assert_ne!(earlier, value, "seed {seed}: {fact} is not so before event {event}\n{}", cause.told);
            if !message || without.lose_next().is_none() {
                timers += 1;
                continue;
            }
            assert_ne!(
                without.ask(&read),
                value,
                "seed {seed}: {fact} without event {event}\n{}",
                cause.told
            );
            undone += 1;
        }
    }
    println!(
        "{asked} numbers: {undone} undone, {timers} by no message, {deeds} by a deed, {always} always so"
    );
    assert!(undone * 4 > asked, "{undone} of {asked} could be undone");
}

/// When a controller notices that a broker is gone, it may just be handling a message of somebody else.
#[test]
fn the_loss_of_a_broker_leads_back_to_its_fault_whatever_came_when_it_was_noticed() {
    for seed in 0..2 {
        let mut session = Session::new(seed);
        session.line(&format!(
            "kafka-topics.sh {AT} --create --topic orders --partitions 2 --replication-factor 3"
        ));
        session.pass(Duration::from_secs(1));
        for line in ["produce --topic orders --rate 300", "consume --topic orders --group billing"] {
            session.line(&format!("workload start {line}"));
        }
        session.pass(Duration::from_secs(4));
        session.line("fault crash 3");
        session.pass(Duration::from_secs(25));
        for partition in 0..2 {
            let cause = session.engine.cause_of(&format!("isr orders {partition}")).unwrap();
            assert!(cause.told.trim_end().ends_with("fault crash 3"), "seed {seed}: {}", cause.told);
        }
    }
}
