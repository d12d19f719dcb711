//! Any text as a line of the console.
#![no_main]

use blumfeld_kernel::Endpoint;
use blumfeld_shell::{Environment, Language, complete, start};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

struct Page;

impl Environment for Page {
    fn bootstrap(&self) -> Endpoint {
        Endpoint::new("localhost", 9092)
    }
    fn topics(&self) -> Vec<String> {
        vec!["orders".to_owned(), "주문".to_owned()]
    }
    fn dropped_files(&self) -> Vec<String> {
        vec!["access.log".to_owned()]
    }
    fn disk_files(&self, _: &str) -> Vec<String> {
        vec!["orders-0/00000000000000000000.log".to_owned()]
    }
    fn read_disk_file(&self, path: &str) -> Option<Bytes> {
        path.ends_with(".log").then(|| Bytes::from_static(&[7; 200]))
    }
    fn language(&self) -> Language {
        Language::Korean
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(line) = std::str::from_utf8(data) else { return };
    let started = start(line, &Page).map(drop);
    drop(started.map_err(|error| error.to_string()));
    for (at, _) in line.char_indices() {
        complete(&line[..at], &Page);
    }
    complete(line, &Page);
});
