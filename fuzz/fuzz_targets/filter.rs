//! Any text as a filter, asked of a record whose value is the same text.
#![no_main]

use std::cell::OnceCell;

use blumfeld_filter::when::Clock;
use blumfeld_filter::{Candidate, Filter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let clock = Clock { now_ms: 1_700_000_000_000, zone_minutes: 540 };
    match Filter::parse(text, clock) {
        Ok(filter) => {
            let (key, headers) = (None, Vec::new());
            let json = [OnceCell::new(), OnceCell::new()];
            let record = Candidate { partition: 0, offset: 0, timestamp: 0, key, value: Some(data), headers, json };
            filter.is_fulfilled(&record);
        }
        Err(error) => {
            error.split(text);
            drop((error.to_string(), error.to_korean()));
        }
    }
});
