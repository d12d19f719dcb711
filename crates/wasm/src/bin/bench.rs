//! The measurements of `cargo xtask bench`: the same work natively (printed as JSON) and in a browser (asked by a
//! page).

use std::time::Duration;

use blumfeld_sim::load::{Bench, CleaningBench, CleaningLoad};
use blumfeld_view::{Durability, Seek};
use blumfeld_wasm::{Boot, Engine};

/// Records of a run, and bytes of their values.
const CASES: [(&str, u64, usize); 2] = [("100B", 200_000, 100), ("1KiB", 50_000, 1_024)];
/// So many times a hundred records are produced, in transactions and without.
const HUNDREDS: u64 = 300;
/// Bytes of values in a log that is compacted.
const CLEANED: usize = 128 << 20;
/// Bytes of values in the logs of a world that is copied.
const CLONED: u64 = 100 << 20;
/// Virtual seconds of a session that is gone back in.
const SESSION: u64 = 600;
/// Virtual seconds that pass with the timeline and without, and how often each.
const PASSED: u64 = 60;
const PAIRS: usize = 5;
/// The median of so many runs is told.
const RUNS: usize = 3;

/// Measures with a clock that tells milliseconds: everything, or what is asked for, `timeline`; gives JSON.
fn measure(now: impl Fn() -> f64, asked: &str) -> String {
    let mut numbers = serde_json::Map::new();
    if asked == "timeline" {
        clones(&now, &mut numbers);
        timeline(&now, &mut numbers);
        return serde_json::Value::Object(numbers).to_string();
    }
    for (name, records, size) in CASES {
        let mut runs: [Vec<f64>; 3] = Default::default();
        for _ in 0..RUNS {
            let mut bench = Bench::new(records, size);
            let (events, start) = (bench.events(), now());
            let produced = bench.produce();
            let between = now();
            let fetched = bench.fetch();
            let end = now();
            runs[0].push(per_second(produced, between - start));
            runs[1].push(per_second(fetched, end - between));
            runs[2].push(per_second(bench.events() - events, end - start));
        }
        let [produce, fetch, events] = runs.map(median);
        for (what, rate) in [("produce", produce), ("fetch", fetch)] {
            numbers.insert(format!("{what}_{name}_records_per_s"), rate.round().into());
            numbers.insert(format!("{what}_{name}_mb_per_s"), mb(rate, size));
        }
        numbers.insert(format!("sim_{name}_events_per_s"), events.round().into());
        let mut through = Vec::new();
        for _ in 0..RUNS {
            let mut bench = Bench::cluster(records, size);
            bench.first_ack();
            let start = now();
            let read = bench.through();
            through.push(per_second(read, now() - start));
        }
        // From a producer with acks=all through three replicas to the member of a group.
        let rate = median(through);
        numbers.insert(format!("through_3_replicas_{name}_records_per_s"), rate.round().into());
        numbers.insert(format!("through_3_replicas_{name}_mb_per_s"), mb(rate, size));
    }
    transactions(&now, &mut numbers);
    for load in CleaningLoad::ALL {
        let mut bench = CleaningBench::new(&load, CLEANED);
        let start = now();
        let cleaned = bench.clean().ok();
        let ms = now() - start;
        if let Some(cleaned) = cleaned {
            let rate = cleaned.read as f64 / 1e3 / ms.max(0.001);
            numbers.insert(format!("clean_{}_mb_per_s", load.name), tenths(rate));
            numbers.insert(format!("clean_{}_map_bytes", load.name), cleaned.map.into());
        }
    }
    clones(&now, &mut numbers);
    timeline(&now, &mut numbers);
    let start = now();
    let mut bench = Bench::cluster(1, 100);
    bench.first_ack();
    numbers.insert("start_of_3_to_first_ack_ms".to_owned(), tenths(now() - start));
    let first = bench.world().now().as_millis();
    numbers.insert("start_of_3_to_first_ack_virtual_ms".to_owned(), first.into());
    numbers.insert("group_of_3_stable_virtual_ms".to_owned(), tenths(bench.join()));
    serde_json::Value::Object(numbers).to_string()
}

/// Copying a world of three brokers whose logs hold 100 MiB, as a checkpoint does.
fn clones(now: impl Fn() -> f64, numbers: &mut serde_json::Map<String, serde_json::Value>) {
    let (size, copies) = (1_000, 20);
    let mut bench = Bench::cluster(CLONED / 3 / size, usize::try_from(size).unwrap_or(1));
    bench.first_ack();
    bench.through();
    let start = now();
    let kept: Vec<_> = (0..copies).map(|_| bench.world().clone()).collect();
    let ms = (now() - start) / f64::from(copies);
    numbers.insert("clone_of_3_with_100_mib_ms".to_owned(), ((ms * 1e3).round() / 1e3).into());
    drop(kept);
}

/// A cluster that takes ten thousand records a second.
struct Stream(Engine);

impl Stream {
    fn begin(kept: bool) -> Stream {
        let boot = Boot::fresh("bench", 7, 1_700_000_000_000, 3, Durability::Relaxed);
        let mut stream = Stream(Engine::new(boot));
        stream.0.keep_checkpoints(kept);
        stream.pass(3);
        let topic =
            "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic orders --partitions 3";
        stream.0.console(1, topic);
        stream.pass(1);
        stream.0.console(2, "workload start produce --topic orders --rate 10000 --record-size 100");
        stream.pass(1);
        stream
    }

    /// Lets so many virtual seconds pass, and tells the page of them.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds * 50 {
            self.0.advance(Duration::from_millis(20), || false);
            self.0.take_console(usize::MAX);
            self.0.take_delta();
        }
    }
}

/// What keeping the timeline costs, by turns with it and without; and going back to the middle of a session.
fn timeline(now: impl Fn() -> f64, numbers: &mut serde_json::Map<String, serde_json::Value>) {
    let rate = |kept: bool| {
        let mut stream = Stream::begin(kept);
        let (events, start) = (stream.0.world().events(), now());
        stream.pass(PASSED);
        per_second(stream.0.world().events() - events, now() - start)
    };
    let (mut costs, mut rates) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        // Whoever comes first in a pair comes second in the next one.
        let (with, without) = if pair % 2 == 0 {
            let with = rate(true);
            (with, rate(false))
        } else {
            let without = rate(false);
            (rate(true), without)
        };
        rates.push(with);
        costs.push((without / with.max(1.0) - 1.0) * 100.0);
    }
    numbers.insert("timeline_events_per_s".to_owned(), median(rates).round().into());
    let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
    let most = costs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    numbers.insert("timeline_cost_percent".to_owned(), tenths(median(costs)));
    numbers.insert("timeline_cost_percent_least".to_owned(), tenths(least));
    numbers.insert("timeline_cost_percent_most".to_owned(), tenths(most));

    let mut stream = Stream::begin(true);
    stream.pass(SESSION);
    let view = stream.0.told_view();
    numbers.insert("timeline_checkpoints".to_owned(), view.timeline.checkpoints.into());
    numbers.insert("timeline_weight_mib".to_owned(), (view.timeline.weight >> 20).into());
    numbers.insert("timeline_cap_mib".to_owned(), (view.timeline.cap >> 20).into());
    let middle = view.clock.now / 2;
    let start = now();
    let found = stream.0.go_to_moment(Seek::Time(middle)).is_ok();
    let ms = now() - start;
    if found {
        numbers.insert("timeline_seek_to_the_middle_ms".to_owned(), tenths(ms));
    }
}

/// One producer through three replicas, a hundred records at a time: in transactions, and only waited for.
fn transactions(now: impl Fn() -> f64, numbers: &mut serde_json::Map<String, serde_json::Value>) {
    let mut took = [0.0; 2];
    for (took, (name, transactional)) in took.iter_mut().zip([("idempotent", false), ("transactions", true)])
    {
        let (mut runs, mut events, mut virtual_ms) = (Vec::new(), 0, 0.0);
        for _ in 0..RUNS {
            let mut bench = Bench::cluster(1, 100);
            bench.first_ack();
            // The coordinator's topic is made with the first one.
            bench.hundreds(1, transactional);
            let (before, start) = (bench.events(), now());
            virtual_ms = bench.hundreds(HUNDREDS, transactional);
            runs.push(now() - start);
            events = bench.events() - before;
        }
        *took = median(runs);
        numbers.insert(format!("hundreds_{name}_per_s"), per_second(HUNDREDS, *took).round().into());
        numbers.insert(format!("hundreds_{name}_virtual_ms"), tenths(virtual_ms / HUNDREDS as f64));
        numbers.insert(format!("hundreds_{name}_events"), (events / HUNDREDS).into());
    }
    let [plain, transactional] = took;
    let ratio = (transactional / plain.max(0.001) * 100.0).round() / 100.0;
    numbers.insert("transactions_cost_ratio".to_owned(), ratio.into());
}

fn per_second(count: u64, ms: f64) -> f64 {
    count as f64 * 1_000.0 / ms.max(0.001)
}

fn mb(rate: f64, size: usize) -> serde_json::Value {
    tenths(rate * size as f64 / 1e6)
}

fn tenths(number: f64) -> serde_json::Value {
    ((number * 10.0).round() / 10.0).into()
}

fn median(mut runs: Vec<f64>) -> f64 {
    runs.sort_by(f64::total_cmp);
    runs.get(runs.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark reads the wall clock")]
fn main() {
    let start = std::time::Instant::now();
    let asked = std::env::args().nth(1).unwrap_or_default();
    println!("{}", measure(|| start.elapsed().as_secs_f64() * 1_000.0, &asked));
}

/// Measures once the module is loaded, and leaves the numbers where the page's driver looks: the global `bench`.
#[cfg(target_arch = "wasm32")]
fn main() {
    let location = js_sys::Reflect::get(&js_sys::global(), &"location".into());
    let hash = location.and_then(|location| js_sys::Reflect::get(&location, &"hash".into()));
    let asked = hash.ok().and_then(|hash| hash.as_string()).unwrap_or_default();
    let text = measure(js_sys::Date::now, asked.trim_start_matches('#'));
    // Setting a property of the global object does not fail.
    let _ = js_sys::Reflect::set(&js_sys::global(), &"bench".into(), &text.into());
}
