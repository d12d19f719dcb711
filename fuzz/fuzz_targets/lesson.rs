//! A lesson's file, from anywhere: read or refused with a place in it; what is read is written and read back the same.

#![no_main]

use blumfeld_lesson::{Lesson, blocks, written};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = blocks(text);
    match Lesson::parse(text) {
        Ok(lesson) => {
            let again = written(&lesson);
            assert!(Lesson::parse(&again).is_ok_and(|same| same == lesson), "{again}");
        }
        Err(error) => assert!(error.line >= 1 && error.column >= 1),
    }
});
