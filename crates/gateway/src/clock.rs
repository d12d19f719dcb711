//! The wall clock, which the gateway may read: its world lives in real time.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the gateway lives in real time")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Virtual time as the wall clock has it.
#[derive(Debug)]
pub struct Clock {
    began: Instant,
    /// Virtual time then.
    at: blumfeld_kernel::Instant,
}

impl Clock {
    /// A clock whose virtual time is `at` now.
    pub fn begin(at: blumfeld_kernel::Instant) -> Clock {
        Clock { began: Instant::now(), at }
    }

    /// Virtual time now.
    pub fn now(&self) -> blumfeld_kernel::Instant {
        self.at + self.began.elapsed()
    }

    /// So much virtual time is left until `at`, rounded up to whole milliseconds as a wait wants it.
    pub fn until(&self, at: blumfeld_kernel::Instant) -> Duration {
        Duration::from_millis(
            u64::try_from(at.since(self.now()).as_micros().div_ceil(1_000)).unwrap_or(u64::MAX),
        )
    }
}

/// Milliseconds since 1970-01-01 UTC.
pub fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A number that is another one each time.
pub fn entropy() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanos = u64::try_from(since.as_nanos() & u128::from(u64::MAX)).unwrap_or(0);
    nanos ^ (u64::from(std::process::id()) << 32)
}
