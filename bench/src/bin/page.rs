//! Measures the engine behind the page natively, under the load that people put on it: three producers that write
//! 100,000 records a second together, and 30,000 with a group of two that reads them. The last line is JSON. The words
//! `produce` and `consume` measure one of them alone; a number says for how many virtual seconds.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "how long something takes is what is measured"
)]

use std::time::{Duration, Instant};

use blumfeld_store::{Memory, Mirror};
use blumfeld_view::{ClientRole, Durability};
use blumfeld_wasm::{Boot, Engine, Keeper};
use futures_executor::block_on;

/// Virtual time of a turn of the worker.
const TURN: Duration = Duration::from_millis(5);
/// What the page is told this often, in turns.
const DELTA: u32 = 10;
/// Virtual time before anything is measured: clients connect and groups form.
const WARM: Duration = Duration::from_secs(6);

/// CPU time of this process.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = stat.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// The engine with a worker's work around it.
struct Page {
    engine: Engine,
    keeper: Keeper<Memory>,
    turns: u32,
    world: Duration,
    delta: Duration,
    store: Duration,
}

/// What a measurement came to.
#[derive(Clone, Copy, Default)]
struct Count {
    events: u64,
    acknowledged: u64,
    read: u64,
}

impl Page {
    fn new() -> Page {
        let boot = Boot::fresh("bench", 1, 1_700_000_000_000, 3, Durability::Relaxed);
        let mirror = block_on(Mirror::open(Memory::new(), |_, _| {})).expect("a store in memory opens").0;
        let mut page = Page {
            engine: Engine::new(boot),
            keeper: Keeper::new(mirror),
            turns: 0,
            world: Duration::ZERO,
            delta: Duration::ZERO,
            store: Duration::ZERO,
        };
        while !page.engine.is_ready() {
            page.turn();
        }
        page
    }

    fn turn(&mut self) {
        let begun = Instant::now();
        self.engine.advance(TURN, || false);
        let advanced = Instant::now();
        #[allow(clippy::cast_precision_loss, reason = "milliseconds of a short run")]
        let now_ms = (self.engine.world().now().as_micros() / 1_000) as f64;
        if let Some(commit) = self.keeper.begin(&mut self.engine, now_ms, false) {
            let done = block_on(commit.run());
            self.keeper.finish(&mut self.engine, now_ms, done).expect("nobody takes the store over");
        }
        let stored = Instant::now();
        let _ = self.engine.take_console(usize::MAX);
        self.turns += 1;
        if self.turns.is_multiple_of(DELTA) {
            drop(self.engine.take_delta());
        }
        self.world += advanced - begun;
        self.store += stored - advanced;
        self.delta += stored.elapsed();
    }

    fn pass(&mut self, span: Duration) {
        let until = self.engine.world().now() + span;
        while self.engine.world().now() < until {
            self.turn();
        }
    }

    fn count(&mut self) -> Count {
        let (view, _, _) = self.engine.ready_view();
        let mut count = Count { events: self.engine.world().events(), ..Count::default() };
        for client in &view.clients {
            match &client.role {
                ClientRole::Producer(producer) => count.acknowledged += producer.acknowledged,
                ClientRole::Consumer(consumer) => count.read += consumer.received,
            }
        }
        count
    }
}

/// Runs a load for so many virtual seconds; gives what it cost as JSON.
fn measure(rate: u32, readers: u32, seconds: u32) -> String {
    let mut page = Page::new();
    let mut lines = vec![
        "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic load --partitions 6 --replication-factor 3"
            .to_owned(),
    ];
    for _ in 0..3 {
        lines.push(format!("workload start produce --topic load --rate {rate} --record-size 100"));
    }
    for _ in 0..readers {
        lines.push("workload start consume --topic load --group g".to_owned());
    }
    for (id, line) in (1..).zip(&lines) {
        page.engine.console(id, line);
        page.pass(Duration::from_millis(500));
    }
    page.pass(WARM);
    let before = page.count();
    (page.world, page.delta, page.store) = Default::default();
    let (begun, cpu_before) = (Instant::now(), cpu());
    page.pass(Duration::from_secs(seconds.into()));
    let (wall, spent) = (begun.elapsed().as_secs_f64(), (cpu() - cpu_before).as_secs_f64());
    let after = page.count();
    let (span, events) = (f64::from(seconds), after.events - before.events);
    #[allow(clippy::cast_precision_loss, reason = "counts of a short run")]
    let number = |count: u64| count as f64;
    let share = |part: Duration| part.as_secs_f64() / wall;
    format!(
        "{{\"cpu_s_per_virtual_s\":{:.4},\"wall_s_per_virtual_s\":{:.4},\"events\":{events},\"events_per_virtual_s\":{:.0},\"us_per_event\":{:.3},\
         \"acknowledged_per_virtual_s\":{:.0},\"read_per_virtual_s\":{:.0},\"world\":{:.3},\"delta\":{:.3},\"store\":{:.3},\"digest\":\"{:016x}\"}}",
        spent / span,
        wall / span,
        number(events) / span,
        spent * 1e6 / number(events),
        number(after.acknowledged - before.acknowledged) / span,
        number(after.read - before.read) / span,
        share(page.world),
        share(page.delta),
        share(page.store),
        page.engine.digest(),
    )
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let seconds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(3);
    let wanted = |name: &str| {
        let named = |word: &String| word.parse::<u32>().is_err();
        !words.iter().any(named) || words.iter().any(|word| word == name)
    };
    let mut parts = Vec::new();
    if wanted("produce") {
        parts.push(format!("\"produce\":{}", measure(33_334, 0, seconds)));
    }
    if wanted("consume") {
        parts.push(format!("\"consume\":{}", measure(10_000, 2, seconds)));
    }
    println!("{{{}}}", parts.join(","));
}
