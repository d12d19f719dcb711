//! Going back: what is found again is what was, whatever was done, and what is done there leaves the rest as it was.
#![cfg(not(target_arch = "wasm32"))]

use std::time::Duration;

use blumfeld_kernel::{DiskError, Prng};
use blumfeld_view::{ClusterView, Durability, Fault, Seek};
use blumfeld_wasm::{Boot, Engine};

/// Sessions of a run of the tests; `BLUMFELD_LONG=1` plays more.
const SESSIONS: u64 = 12;
const MANY: u64 = 2_000;
const AT: &str = "--bootstrap-server localhost:9092,localhost:9094,localhost:9096";

fn sessions() -> u64 {
    if std::env::var_os("BLUMFELD_LONG").is_some_and(|value| value == "1") { MANY } else { SESSIONS }
}

/// A moment that was seen.
#[derive(Clone, PartialEq, Debug)]
struct Moment {
    now: u64,
    events: u64,
    digest: u64,
    view: Box<ClusterView>,
}

/// Somebody before an engine, who does one thing after the other.
struct Session {
    engine: Engine,
    rng: Prng,
    commands: u32,
    /// Changes that were taken for the store, which has not said what became of them.
    taken: Option<u64>,
    moments: Vec<Moment>,
}

/// What one sees of the engine, but for how fast it is and what was not so at that moment.
fn seen(engine: &mut Engine) -> Moment {
    let (mut view, ..) = engine.ready_view();
    let (now, events) = (view.clock.now, view.clock.events);
    view.clock = blumfeld_view::ClockView::at(now, blumfeld_view::Pace::Paused);
    view.store = blumfeld_view::StoreView::default();
    view.timeline = blumfeld_view::TimelineView::default();
    view.clients.iter_mut().for_each(|client| client.rate = 0.0);
    // What ended is there until the page has been told so.
    view.clients.retain(|client| client.state == blumfeld_view::ClientState::Running);
    Moment { now, events, digest: engine.digest(), view: Box::new(view) }
}

impl Session {
    fn new(seed: u64) -> Session {
        let mut rng = Prng::new(seed, "timeline");
        let durability = if rng.chance(1, 3) { Durability::Strict } else { Durability::Relaxed };
        let engine = Engine::new(Boot::fresh("test", seed, 1_700_000_000_000, 3, durability));
        let mut session = Session { engine, rng, commands: 0, taken: None, moments: Vec::new() };
        session.pass(Duration::from_secs(3));
        session
    }

    /// Lets time pass, with a store that is sometimes late.
    fn pass(&mut self, span: Duration) {
        let until = self.engine.world().now() + span;
        let mut turns = 0;
        while self.engine.world().now() < until {
            let left = until.since(self.engine.world().now());
            self.engine.advance(left.min(Duration::from_millis(20)), || false);
            self.store();
            self.engine.take_console(usize::MAX);
            turns += 1;
            assert!(turns < 100_000, "time stands still at {}", self.engine.world().now());
        }
    }

    fn store(&mut self) {
        match self.taken {
            Some(token) if self.engine.awaits_store() || self.rng.chance(1, 3) => {
                self.taken = None;
                let full = DiskError::Full("full".into());
                let result = if self.rng.chance(1, 12) { Err(full) } else { Ok(()) };
                self.engine.stored(token, result);
            }
            None if self.engine.awaits_store() || self.rng.chance(1, 8) => {
                self.taken = Some(self.engine.take_changes().0);
            }
            _ => {}
        }
    }

    fn line(&mut self, line: &str) {
        self.commands += 1;
        self.engine.console(self.commands, line);
    }

    fn act(&mut self) {
        let node = 1 + i32::try_from(self.rng.below(3)).unwrap_or(0);
        let topic = ["orders", "payments"][usize::from(self.rng.chance(1, 3))];
        match self.rng.below(16) {
            0 | 1 => self.line(&format!(
                "kafka-topics.sh {AT} --create --topic {topic} --partitions 3 --replication-factor 3"
            )),
            2 => self.line(&format!("workload start produce --topic {topic} --rate 50 --keys 5")),
            3 => self.line(&format!("workload start consume --topic {topic} --group billing")),
            4 => self.line("workload stop all"),
            5 => self.line("workload transform --from orders --to payments --group g --num-records 20"),
            6 => {
                self.line(&format!("kafka-console-producer.sh {AT} --topic {topic}"));
                self.engine.stdin(self.commands, "one\ntwo\n".into());
                if self.rng.chance(1, 2) {
                    self.engine.close_stdin(self.commands);
                }
            }
            7 => self.line(&format!("kafka-console-consumer.sh {AT} --topic {topic} --from-beginning")),
            8 => {
                let id = 1 + u32::try_from(self.rng.below(u64::from(self.commands) + 1)).unwrap_or(0);
                self.engine.interrupt(id);
            }
            9 => self.engine.fault(Fault::Crash(node)),
            10 => self.engine.fault(Fault::PowerCut(node)),
            11 | 12 => (1..=3).for_each(|node| self.engine.fault(Fault::Restart(node))),
            13 => self.line(&format!("fault isolate {node}")),
            14 => self.line("fault heal all"),
            _ => {
                let line = ["broker add", "broker remove 4", "broker remove 4 --force"];
                let at = usize::try_from(self.rng.below(3)).unwrap_or(0);
                self.line(line[at]);
            }
        }
    }

    /// Does things and lets time pass, and remembers moments.
    fn live(&mut self, deeds: u32) {
        for _ in 0..deeds {
            self.act();
            let ms = 1 + self.rng.below(1_500);
            self.pass(Duration::from_millis(ms));
            self.moments.push(seen(&mut self.engine));
            // What is done next is not done at the same moment.
            self.pass(Duration::from_millis(1));
        }
    }

    fn go(&mut self, to: Seek) {
        self.engine.go_to_moment(to).unwrap();
    }

    /// Goes to a moment that was remembered, and finds it as it was.
    fn find(&mut self, moment: &Moment) {
        self.go(Seek::Time(moment.now));
        let found = seen(&mut self.engine);
        assert_eq!((found.now, found.events), (moment.now, moment.events));
        assert_eq!(found.digest, moment.digest, "at {}", moment.now);
        assert_eq!(found, *moment);
    }
}

#[test]
fn what_was_is_found_again() {
    for seed in 0..sessions() {
        let mut session = Session::new(seed);
        session.live(14);
        let end = seen(&mut session.engine);
        let mut moments = session.moments.clone();
        // In any order.
        for at in (1..moments.len()).rev() {
            moments.swap(at, usize::try_from(session.rng.below(at as u64 + 1)).unwrap());
        }
        for moment in &moments {
            session.find(moment);
        }
        // Behind an event, and one further back, and forth again.
        let middle = &moments[0];
        session.find(middle);
        if middle.events > 1 {
            session.go(Seek::Events(-1));
            let before = seen(&mut session.engine);
            assert_eq!(before.events, middle.events - 1, "seed {seed}");
            session.go(Seek::Events(-1));
            session.go(Seek::Events(1));
            assert_eq!(seen(&mut session.engine), before, "seed {seed}");
        }
        session.go(Seek::Now);
        assert_eq!(seen(&mut session.engine), end, "seed {seed}");
        assert!(!session.engine.is_in_the_past());
    }
}

#[test]
fn time_that_goes_on_in_the_past_plays_what_was_up_to_now() {
    for seed in 0..sessions() / 4 {
        let mut session = Session::new(seed);
        session.live(8);
        let end = seen(&mut session.engine);
        let moments = session.moments.clone();
        session.find(&moments[2]);
        session.engine.set_pace(blumfeld_view::Pace::Times(1.0));
        for moment in &moments[3..] {
            let gone = moment.now - session.engine.world().now().as_micros();
            session.engine.advance(Duration::from_micros(gone), || false);
            assert_eq!(seen(&mut session.engine), *moment, "seed {seed}");
        }
        session.engine.set_pace(blumfeld_view::Pace::Fastest);
        session.engine.advance(Duration::from_millis(1), || false);
        assert!(!session.engine.is_in_the_past());
        assert_eq!(seen(&mut session.engine).digest, end.digest, "seed {seed}");
    }
}

#[test]
fn what_is_done_in_the_past_leaves_the_rest_as_it_was() {
    for seed in 0..sessions() {
        let mut session = Session::new(seed);
        session.live(6);
        let mut ends = Vec::new();
        let mut known = session.moments.clone();
        for level in 0..3 {
            let name = ["main", "branch-1", "branch-2"][level];
            ends.push((name, seen(&mut session.engine), known.clone()));
            let at = usize::try_from(session.rng.below(known.len() as u64)).unwrap();
            let moment = known[at].clone();
            session.find(&moment);
            session.line(&format!("timeline branch branch-{}", level + 1));
            assert!(!session.engine.is_in_the_past(), "who acts is not in the past");
            session.moments.clear();
            session.taken = None;
            session.engine.set_pace(blumfeld_view::Pace::Times(1.0));
            session.pass(Duration::from_millis(1));
            session.live(4);
            known = [&known[..=at], &session.moments].concat();
        }
        ends.push(("branch-3", seen(&mut session.engine), known));
        // The last one lives.
        for (name, end, known) in ends.iter().rev().skip(1).chain(&ends[1..]) {
            session.line(&format!("timeline switch {name}"));
            let said = session.engine.take_console(usize::MAX);
            assert!(said.iter().all(|one| one.exit != Some(1)), "{said:?}");
            assert_eq!(seen(&mut session.engine).digest, end.digest, "seed {seed}, {name}");
            let at = usize::try_from(session.rng.below(known.len() as u64)).unwrap();
            session.find(&known[at]);
            session.go(Seek::Now);
            assert_eq!(seen(&mut session.engine).digest, end.digest, "seed {seed}, {name}");
        }
    }
}
