//! What a performance test of a producer counts and prints (ProducerPerformance.Stats).

use blumfeld_kernel::{Context, Instant};

use crate::io::out;
use crate::java::fixed;

/// Of more records than these, latencies are sampled.
const SAMPLES: u64 = 500_000;

/// Milliseconds of virtual time.
pub fn ms(at: Instant) -> u64 {
    u64::try_from(at.since(Instant::ZERO).as_millis()).unwrap_or(u64::MAX)
}

/// What is counted (ProducerPerformance.Stats). Times are in milliseconds.
#[derive(Clone, Debug)]
pub struct Stats {
    start: u64,
    steady: bool,
    silent: bool,
    sampling: u64,
    latencies: Vec<u64>,
    whole: Window,
    window: Window,
    window_start: u64,
}

#[derive(Clone, Debug, Default)]
struct Window {
    count: u64,
    bytes: u64,
    latency: u64,
    max: u64,
}

impl Window {
    fn add(&mut self, latency: u64, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
        self.latency += latency;
        self.max = self.max.max(latency);
    }

    /// Records a second, MB a second, and the average latency.
    #[allow(clippy::cast_precision_loss, reason = "these are Java's doubles too")]
    fn rates(&self, elapsed: u64) -> (f64, f64, f64) {
        let elapsed = elapsed as f64;
        (
            1_000.0 * self.count as f64 / elapsed,
            1_000.0 * self.bytes as f64 / elapsed / (1024.0 * 1024.0),
            self.latency as f64 / self.count as f64,
        )
    }
}

impl Stats {
    /// Nothing yet, of so many records.
    pub fn new(records: u64, now: u64, steady: bool) -> Stats {
        Stats {
            start: now,
            steady,
            silent: false,
            sampling: (records / records.clamp(1, SAMPLES)).max(1),
            latencies: Vec::new(),
            whole: Window::default(),
            window: Window::default(),
            window_start: now,
        }
    }

    /// Prints no more windows: those of the steady state are printed instead.
    pub fn silence(&mut self) {
        self.silent = true;
    }

    /// Counts a record, and prints the window if it is over.
    pub fn record(&mut self, cx: &mut Context<'_>, latency: u64, bytes: u64, interval: i64) {
        if self.whole.count.is_multiple_of(self.sampling) {
            self.latencies.push(latency);
        }
        self.whole.add(latency, bytes);
        self.window.add(latency, bytes);
        let now = ms(cx.now);
        let elapsed = now - self.window_start;
        if elapsed < interval.unsigned_abs() {
            return;
        }
        if self.steady && self.whole.count == self.window.count {
            out(cx, "In steady state.");
        }
        if !self.silent {
            let Window { count, max, .. } = self.window;
            let (records, mb, average) = self.window.rates(elapsed);
            out(
                cx,
                &format!(
                    "{count} records sent, {} records/sec ({} MB/sec), {} ms avg latency, {max}.0 ms max latency.",
                    fixed(records, 1),
                    fixed(mb, 2),
                    fixed(average, 1),
                ),
            );
        }
        self.window = Window::default();
        self.window_start = now;
    }

    /// Prints the last line.
    pub fn print(&mut self, cx: &mut Context<'_>) {
        self.latencies.sort_unstable();
        // Thousandths, so that no rounding chooses another one.
        let percentile = |thousandths: usize| {
            let at = self.latencies.len().saturating_mul(thousandths) / 1_000;
            self.latencies.get(at).copied().unwrap_or(0)
        };
        let Window { count, max, .. } = self.whole;
        let (records, mb, average) = self.whole.rates(ms(cx.now) - self.start);
        let steady = if self.steady { " steady state" } else { "" };
        let text = format!(
            "{count}{steady} records sent, {} records/sec ({} MB/sec), {} ms avg latency, {max}.00 ms max latency, {} ms 50th, {} ms 95th, {} ms 99th, {} ms 99.9th.",
            fixed(records, 6),
            fixed(mb, 2),
            fixed(average, 2),
            percentile(500),
            percentile(950),
            percentile(990),
            percentile(999),
        );
        out(cx, &text);
    }
}
