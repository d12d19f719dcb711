//! Any text as a condition.
#![no_main]

use blumfeld_condition::{Condition, Facts, Question, Value};
use libfuzzer_sys::fuzz_target;

/// Knows nothing.
struct Nothing;

impl Facts for Nothing {
    fn answer(&self, _: &Question) -> Option<Value> {
        None
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Condition::parse(text) {
        Ok(condition) => {
            condition.holds(&Nothing);
            condition.clauses(&Nothing);
            condition.moment_after(0, 0);
        }
        Err(error) => {
            assert!(text.get(error.place.clone()).is_some());
            drop((error.pointed(text, false), error.pointed(text, true)));
        }
    }
});
