//! Somebody before an engine who does one random thing after the other, and remembers what was to be seen.

use std::time::Duration;

use blumfeld_kernel::{DiskError, Prng};
use blumfeld_view::{ClusterView, Durability, Fault, Seek};
use blumfeld_wasm::{Boot, Engine};

/// Where the brokers listen.
pub const AT: &str = "--bootstrap-server localhost:9092,localhost:9094,localhost:9096";

/// A moment that was seen.
#[derive(Clone, PartialEq, Debug)]
pub struct Moment {
    pub now: u64,
    pub events: u64,
    pub digest: u64,
    view: Box<ClusterView>,
}

/// Somebody before an engine, who does one thing after the other.
pub struct Session {
    pub engine: Engine,
    pub rng: Prng,
    commands: u32,
    /// Changes that were taken for the store, which has not said what became of them.
    taken: Option<u64>,
    pub moments: Vec<Moment>,
}

/// What one sees of the engine, but for how fast it is and what was not so at that moment.
pub fn seen(engine: &mut Engine) -> Moment {
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
    pub fn new(seed: u64) -> Session {
        let mut rng = Prng::new(seed, "timeline");
        let durability = if rng.chance(1, 3) { Durability::Strict } else { Durability::Relaxed };
        let engine = Engine::new(Boot::fresh("test", seed, 1_700_000_000_000, 3, durability));
        let mut session = Session { engine, rng, commands: 0, taken: None, moments: Vec::new() };
        session.pass(Duration::from_secs(3));
        session
    }

    /// Lets time pass, with a store that is sometimes late.
    pub fn pass(&mut self, span: Duration) {
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

    pub fn line(&mut self, line: &str) {
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
    pub fn live(&mut self, deeds: u32) {
        for _ in 0..deeds {
            self.act();
            let ms = 1 + self.rng.below(1_500);
            self.pass(Duration::from_millis(ms));
            // What a commit set off at this very moment belongs to it.
            while self.engine.world().next_event().is_some_and(|at| at <= self.engine.world().now()) {
                self.pass(Duration::from_micros(1));
            }
            self.moments.push(seen(&mut self.engine));
            // What is done next is not done at the same moment.
            self.pass(Duration::from_millis(1));
        }
    }

    pub fn go(&mut self, to: Seek) {
        self.engine.go_to_moment(to).unwrap();
    }

    /// Goes to a moment that was remembered, and finds it as it was.
    pub fn find(&mut self, moment: &Moment) {
        self.go(Seek::Time(moment.now));
        let found = seen(&mut self.engine);
        let seed = self.engine.seed();
        assert_eq!((found.now, found.events), (moment.now, moment.events), "seed {seed}");
        assert_eq!(found.digest, moment.digest, "seed {seed}, at {}", moment.now);
        assert_eq!(found, *moment, "seed {seed}");
    }

    /// Begins a branch where it is, as a session of its own.
    #[allow(dead_code, reason = "not every test has branches")]
    pub fn branch(&mut self, name: &str) {
        self.line(&format!("timeline branch {name}"));
        assert!(!self.engine.is_in_the_past(), "who acts is not in the past");
        self.moments.clear();
        self.taken = None;
        self.engine.set_pace(blumfeld_view::Pace::Times(1.0));
        self.pass(Duration::from_millis(1));
    }
}
