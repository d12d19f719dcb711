//! What is drawn of what is in flight equals what is: at random moments of busy runs with faults.
#![cfg(not(target_arch = "wasm32"))]

#[allow(dead_code, reason = "what the replay tests share is more than is needed here")]
mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_kernel::Prng;
use blumfeld_sim::World;
use blumfeld_view::{ClientRole, Durability, Pace, RibbonView, StageView, TokenKey, TokenState, TokenView};
use blumfeld_wasm::Boot;
use common::Desk;

const AT: &str = "--bootstrap-server localhost:9092";
const BROKERS: i32 = 3;

/// Three brokers with a topic, and this many producers.
fn busy(seed: u64, producers: u32) -> Desk {
    let mut desk = Desk::at(Boot::fresh("test", seed, 1_700_000_000_000, BROKERS, Durability::Relaxed));
    desk.ok(
        &format!("kafka-topics.sh {AT} --create --topic orders --partitions 6 --replication-factor 3"),
        "",
    );
    for number in 0..producers {
        let acks = ["all", "1", "0"][number as usize % 3];
        desk.ok(&format!("workload start produce --topic orders --rate 500 --linger-ms 1 --acks {acks}"), "");
    }
    for _ in 0..2 {
        desk.ok("workload start consume --topic orders --group billing", "");
    }
    desk.pass(Duration::from_secs(5));
    desk.engine.watch(true);
    desk
}

/// Lets so many microseconds pass.
fn pass(desk: &mut Desk, micros: u64) {
    desk.engine.set_pace(Pace::Times(0.001));
    desk.engine.advance(Duration::from_millis(micros), || false);
}

/// What a page has that hears all of it.
#[derive(Default)]
struct Page {
    tokens: BTreeMap<TokenKey, TokenView>,
    ribbons: Vec<RibbonView>,
    in_flight: u32,
}

impl Page {
    fn hear(&mut self, view: StageView) {
        if view.fresh {
            self.tokens.clear();
        }
        for key in view.gone {
            assert!(self.tokens.remove(&key).is_some(), "{key:?} was never told of");
        }
        self.tokens.extend(view.tokens.into_iter().map(|token| (token.key, token)));
        (self.ribbons, self.in_flight) = (view.ribbons, view.in_flight);
    }

    /// Compares it with what is.
    fn check(&self, world: &World) {
        let all = world.in_flight();
        let folded: u32 = self.ribbons.iter().map(|ribbon| ribbon.requests + ribbon.answers).sum();
        assert_eq!(usize::try_from(self.in_flight).unwrap(), all.len());
        assert_eq!(self.tokens.len() + usize::try_from(folded).unwrap(), all.len(), "it adds up");
        for one in &all {
            let lane = |ribbon: &&RibbonView| (ribbon.client, ribbon.broker) == (one.client.0, one.broker.0);
            match self.tokens.get(&one.key()) {
                Some(token) => {
                    // Names of topics are those that were known when it was seen first: a broker that comes back
                    // knows none.
                    let now_named =
                        TokenView { partitions: token.partitions.clone(), ..world.token_view(one) };
                    assert_eq!(*token, now_named);
                    // It stands between the two moments that bound it.
                    let now = world.now().as_micros();
                    let inside = match token.state {
                        TokenState::Travels(at) => token.sent <= now && now <= at,
                        TokenState::Waits(at) => token.sent <= at && at <= now,
                        TokenState::Stalls | TokenState::Lost(_) => token.sent <= now,
                    };
                    assert!(inside, "{token:?} at {now}");
                }
                None => assert!(self.ribbons.iter().any(|ribbon| lane(&ribbon)), "{one:?} is not drawn"),
            }
        }
    }
}

#[test]
fn what_is_drawn_adds_up_to_what_is_whatever_breaks() {
    let mut seen = [false; 4];
    for seed in 0..2 {
        let (mut desk, mut rng, mut page) = (busy(seed, 4), Prng::new(seed, "stage"), Page::default());
        for _ in 0..100 {
            let (node, other) = (rng.below(3) + 1, rng.below(3) + 1);
            let line = match rng.below(10) {
                0 => format!("fault crash {node}"),
                1 | 2 => format!("fault restart {node}"),
                3 if node != other => format!("fault cut {node} {other}"),
                4 => format!("fault latency clients {node} 20"),
                5 => format!("fault heal {node}"),
                6 => format!("fault on Produce broker {node} times 3 delay 40"),
                7 => "fault on Fetch once drop".to_owned(),
                8 => format!("fault on Produce broker {node} once error NOT_ENOUGH_REPLICAS"),
                _ => String::new(),
            };
            if !line.is_empty() {
                // What is so already is refused, and that is no matter here.
                desk.run(&line, "");
            }
            for _ in 0..=rng.below(3) {
                pass(&mut desk, rng.below(400) + 1);
                if let Some(view) = desk.engine.take_stage() {
                    page.hear(view);
                }
            }
            page.check(desk.engine.world());
            for token in page.tokens.values() {
                seen[0] |= token.key.answer && !token.error.is_empty();
                seen[1] |= matches!(token.state, TokenState::Stalls);
                seen[2] |= matches!(token.state, TokenState::Waits(_));
                seen[3] |= token.records && !token.partitions.is_empty();
            }
            pass(&mut desk, rng.below(20_000));
            if let Some(view) = desk.engine.take_stage() {
                page.hear(view);
            }
        }
    }
    assert_eq!(seen, [true; 4], "errors, stalled, waiting, records");
}

#[test]
fn a_producer_has_as_many_requests_in_flight_as_are_drawn() {
    let (mut desk, mut rng) = (busy(9, 3), Prng::new(9, "stage"));
    desk.ok("fault latency clients 1 3", "");
    desk.ok("fault on Produce broker 2 delay 2", "");
    let mut most = 0;
    for _ in 0..200 {
        pass(&mut desk, rng.below(3_000) + 1);
        let all: Vec<(i32, i32)> =
            desk.engine.world().in_flight().iter().map(|one| (one.client.0, one.broker.0)).collect();
        for client in desk.engine.clients() {
            let ClientRole::Producer(producer) = &client.role else { continue };
            // Nobody waits for what has no answer.
            for to in producer.in_flight.iter().filter(|_| producer.acks != "0") {
                let drawn = all.iter().filter(|lane| **lane == (client.id, to.broker)).count();
                assert_eq!(drawn, to.requests as usize, "{} to broker {}", client.process, to.broker);
                most = most.max(drawn);
            }
        }
    }
    assert!(most > 1, "several at a time");
}

#[test]
fn heavy_lanes_become_ribbons_and_what_is_told_stays_small() {
    let (mut desk, mut page) = (busy(3, 1), Page::default());
    for number in 0..28 {
        desk.ok(
            &format!("workload start produce --topic orders --rate 1000 --linger-ms 1 --name p{number}"),
            "",
        );
    }
    desk.pass(Duration::from_secs(2));
    // Nothing arrives any more, and everybody goes on asking.
    for broker in 1..=BROKERS {
        desk.ok(&format!("fault latency clients {broker} 60000"), "");
    }
    for _ in 0..40 {
        desk.pass(Duration::from_millis(250));
        if let Some(view) = desk.engine.take_stage() {
            page.hear(view);
        }
        page.check(desk.engine.world());
        let singly = page.tokens.values().filter(|token| !token.quorum).count();
        assert!(singly <= 150, "{singly} are drawn singly");
        if !page.ribbons.is_empty() {
            return;
        }
    }
    panic!("there were never too many: {} in flight", page.in_flight);
}
