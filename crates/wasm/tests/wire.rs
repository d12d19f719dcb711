//! What went over the network is kept as it was: at random moments of busy runs with faults.
#![cfg(not(target_arch = "wasm32"))]

#[allow(dead_code, reason = "what the replay tests share is more than is needed here")]
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use blumfeld_kernel::Prng;
use blumfeld_sim::{Ending, Exchange, Sort, Wire, World};
use blumfeld_view::{Durability, EndingView, Pace, WireQuery};
use blumfeld_wasm::Boot;
use common::Desk;

const AT: &str = "--bootstrap-server localhost:9092";

/// Three brokers with a topic, producers and a group.
fn busy(seed: u64) -> Desk {
    let mut desk = Desk::at(Boot::fresh("test", seed, 1_700_000_000_000, 3, Durability::Relaxed));
    desk.ok(
        &format!("kafka-topics.sh {AT} --create --topic orders --partitions 6 --replication-factor 3"),
        "",
    );
    for acks in ["all", "1", "0", "all"] {
        desk.ok(&format!("workload start produce --topic orders --rate 500 --linger-ms 1 --acks {acks}"), "");
    }
    for _ in 0..2 {
        desk.ok("workload start consume --topic orders --group billing", "");
    }
    desk.pass(Duration::from_secs(2));
    desk
}

/// Lets so many microseconds pass.
fn pass(desk: &mut Desk, micros: u64) {
    desk.engine.set_pace(Pace::Times(0.001));
    desk.engine.advance(Duration::from_millis(micros), || false);
}

fn wire(desk: &Desk) -> &Wire {
    desk.engine.world().wire().expect("the engine keeps the wire")
}

/// Which exchange: its connection, the request's number, and when it was sent.
type Which = (u64, i32, u64);

fn which(one: &Exchange) -> Which {
    (one.connection.0, one.correlation_id, one.sent.as_micros())
}

/// What is in flight by the world's own account, with whether it is the answer. Of an answer the request's moment is
/// not known, so only its number is compared.
fn in_flight(world: &World) -> BTreeMap<(u64, i32, bool), u32> {
    let mut all = BTreeMap::new();
    for one in world.in_flight() {
        *all.entry((one.connection.0, one.correlation_id, one.answer)).or_default() += 1;
    }
    all
}

fn open(wire: &Wire) -> BTreeMap<(u64, i32, bool), u32> {
    let mut all = BTreeMap::new();
    for one in wire.open() {
        *all.entry((one.connection.0, one.correlation_id, one.answered.is_some())).or_default() += 1;
    }
    all
}

/// What must hold of every exchange that is known.
fn check(wire: &Wire, now: u64) {
    for one in wire.exchanges() {
        let moments = [Some(one.sent), one.landed, one.taken, one.ready, one.answered, one.received];
        let there: Vec<_> = moments.into_iter().flatten().collect();
        assert!(there.is_sorted(), "{one:?}");
        assert!(there.iter().all(|at| at.as_micros() <= now), "{one:?}");
        let whole = moments.iter().all(Option::is_some);
        assert_eq!(one.ending == Ending::Answered, whole, "{one:?}");
        assert_eq!(one.ending == Ending::Open, one.ended_at.is_none(), "{one:?}");
        if let Some(frame) = &one.request {
            assert_eq!(frame.len() as u64, one.request_bytes);
        }
        if let Some(frame) = &one.answer {
            assert_eq!(frame.len() as u64, one.answer_bytes);
        }
    }
}

#[test]
fn what_is_kept_is_what_went_over_the_network_whatever_breaks() {
    let mut endings = [false; 3];
    for seed in 0..3 {
        let (mut desk, mut rng) = (busy(seed), Prng::new(seed, "wire"));
        for _ in 0..120 {
            let (node, other) = (rng.below(3) + 1, rng.below(3) + 1);
            let line = match rng.below(14) {
                0 => format!("fault crash {node}"),
                1 | 2 => format!("fault restart {node}"),
                3 if node != other => format!("fault cut {node} {other}"),
                4 => format!("fault latency clients {node} 20"),
                5 => format!("fault heal {node}"),
                6 => format!("fault on Produce broker {node} times 3 delay 40"),
                7 => "fault on Fetch once drop".to_owned(),
                8 => format!("fault on Produce broker {node} once error NOT_ENOUGH_REPLICAS"),
                9 => "fault on Heartbeat once disconnect".to_owned(),
                10 => "fault on Produce once disconnect after".to_owned(),
                11 => format!("fault power-cut {node}"),
                12 => format!("fault pause {node} 30"),
                _ => String::new(),
            };
            if !line.is_empty() {
                // What is so already is refused, and that is no matter here.
                desk.run(&line, "");
            }
            let before: BTreeSet<Which> = wire(&desk).open().map(which).collect();
            pass(&mut desk, rng.below(20_000) + 1);
            let (now, wire) = (desk.engine.world().now().as_micros(), wire(&desk));
            assert_eq!(open(wire), in_flight(desk.engine.world()), "at {now} of seed {seed}");
            check(wire, now);
            let under_way = wire.open().count() as u64;
            assert_eq!(wire.begun(), under_way + wire.finished() + wire.lost(), "it adds up");
            let known: BTreeSet<Which> = wire.exchanges().map(which).collect();
            assert!(before.is_subset(&known), "what was under way is kept, or still is under way");
            for one in wire.exchanges() {
                endings[0] |= one.ending == Ending::Answered;
                endings[1] |= one.ending == Ending::NoAnswer;
                endings[2] |= matches!(one.ending, Ending::Lost(_));
            }
        }
    }
    assert_eq!(endings, [true; 3], "answered, without answer, lost");
}

#[test]
fn what_carries_nothing_pushes_nothing_out_and_the_oldest_frames_go_first() {
    let mut desk = busy(5);
    desk.ok("workload stop all", "");
    let record = "x".repeat(900_000);
    for _ in 0..30 {
        desk.ok(
            &format!("kafka-console-producer.sh {AT} --topic orders --request-required-acks all"),
            &record,
        );
    }
    let produced = |wire: &Wire| wire.exchanges().filter(|one| one.api_key == 0).count();
    let rare = |wire: &Wire| wire.exchanges().filter(|one| one.sort == Sort::Rare).count();
    let before = (produced(wire(&desk)), rare(wire(&desk)));
    assert!(before.0 > 30);
    assert!(wire(&desk).frame_bytes() <= 16 * 1024 * 1024 + 2 * 5_000 * 2 * 512);
    let large = wire(&desk).exchanges().filter(|one| one.request_bytes > 100_000);
    let kept: Vec<(u64, bool)> = large.map(|one| (one.number, one.request.is_some())).collect();
    assert!(kept.iter().any(|(_, kept)| *kept) && kept.iter().any(|(_, kept)| !*kept), "{kept:?}");
    // An idle cluster goes on for long: fetches and heartbeats without end.
    desk.pass(Duration::from_secs(700));
    assert!(wire(&desk).forgotten() > 5_000);
    assert_eq!(produced(wire(&desk)), before.0);
    assert!(rare(wire(&desk)) >= before.1);
}

#[test]
fn time_at_a_broker_is_told_apart() {
    let mut desk = busy(11);
    let spent = |desk: &mut Desk, api: &str| {
        let query = WireQuery { apis: vec![api.into()], limit: 2_000, ..WireQuery::default() };
        let view = desk.engine.wire(&query);
        let each = |part: usize| view.exchanges.iter().map(|one| one.latency(view.now).parts()[part]).max();
        [0, 1, 2, 3, 4].map(|part| each(part).unwrap_or_default())
    };
    // A fetch that finds nothing is parked; a produce with acks=all waits for the followers.
    assert!(spent(&mut desk, "Fetch")[2] > 100_000);
    assert!(spent(&mut desk, "Produce")[2] > 0);
    // A process that stands still lets everything wait before it.
    desk.ok("fault pause 2 200", "");
    desk.pass(Duration::from_millis(500));
    assert!((100_000..=200_000).contains(&spent(&mut desk, "Produce")[1]));
    // A vote is answered once it is on the disk.
    let leads = |desk: &Desk, node| {
        desk.engine.world().broker_views().iter().any(|one| one.id == node && one.controller)
    };
    let controller = (1..=3).find(|node| leads(&desk, *node)).expect("there is a controller");
    desk.ok(&format!("fault crash {controller}"), "");
    desk.pass(Duration::from_secs(8));
    assert!(spent(&mut desk, "Vote")[3] > 0, "{:?}", spent(&mut desk, "Vote"));
}

#[test]
fn a_page_is_answered_what_it_asks_for() {
    let mut desk = busy(7);
    desk.ok("fault on Produce times 5 error NOT_ENOUGH_REPLICAS", "");
    desk.pass(Duration::from_secs(1));
    let now = desk.engine.world().now().as_micros();
    let all = WireQuery { limit: 2_000, ..WireQuery::default() };
    let mut ask = |query: &WireQuery| desk.engine.wire(query);
    let view = ask(&all);
    assert!(view.exchanges.is_sorted_by_key(|one| std::cmp::Reverse(one.number)));
    assert_eq!(view.exchanges.len(), 2_000.min(view.matching as usize));
    assert!(view.apis.iter().any(|api| api == "Produce") && view.nodes.contains(&1));
    for one in &view.exchanges {
        let end = one.ended_at.unwrap_or(now);
        assert_eq!(one.latency(now).total(), end - one.sent, "the parts add up: {one:?}");
    }
    let idle = ask(&WireQuery { hide_idle: true, ..all.clone() });
    assert!(idle.exchanges.iter().all(|one| !one.idle) && idle.hidden > 0);
    let errors = ask(&WireQuery { errors: true, ..all.clone() });
    assert!(errors.exchanges.iter().any(|one| one.error == "NOT_ENOUGH_REPLICAS"));
    assert!(errors.exchanges.iter().all(|one| one.is_failed()));
    let one = ask(&WireQuery { apis: vec!["Produce".into()], node: Some(2), limit: 3, ..all.clone() });
    assert_eq!(one.exchanges.len(), 3);
    assert!(one.exchanges.iter().all(|one| one.api == "Produce" && one.broker == 2) && one.matching > 3);
    let text = ask(&WireQuery { text: " Orders-3".into(), ..all.clone() });
    let about = |one: &blumfeld_view::ExchangeView| one.partitions.contains(&("orders".to_owned(), 3));
    assert!(!text.exchanges.is_empty() && text.exchanges.iter().all(about));
    let (from, until) = (now - 50_000, now - 20_000);
    let span = ask(&WireQuery { from: Some(from), until: Some(until), ..all.clone() });
    assert!(!span.exchanges.is_empty());
    assert!(span.exchanges.iter().all(|one| one.sent <= until && one.ended_at.is_none_or(|at| at >= from)));
    let below = view.exchanges[9].number;
    let held = ask(&WireQuery { below: Some(below), ..all });
    assert_eq!((held.newer, held.exchanges[0].number), (10, view.exchanges[10].number));
    let produce =
        view.exchanges.iter().find(|one| one.api == "Produce" && one.ending == EndingView::Answered);
    let detail = desk.engine.exchange(produce.unwrap().number).unwrap();
    assert!(detail.request.fields.contains("topicData"), "{}", detail.request.fields);
    assert!(detail.answer.is_some_and(|side| side.fields.contains("responses") && !side.head.is_empty()));
    assert_eq!(desk.engine.exchange(u64::MAX), None);
}
