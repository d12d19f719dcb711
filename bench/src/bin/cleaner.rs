//! Measures how fast a log is compacted, natively, and in how much memory; the last line is JSON: megabytes of log a
//! second, bytes of the offset map, and by how much the process grew meanwhile beside what it wrote, for each load.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "how long something takes is what is measured"
)]

use std::time::Instant;

use blumfeld_sim::load::{CleaningBench, CleaningLoad};

/// Bytes of values in the log that is compacted.
const BYTES: usize = 256 << 20;

/// A line of what the system says of this process, in bytes; 0 where it does not say.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib: u64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0);
    kib * 1_024
}

/// The figures of one load as parts of a JSON object.
fn measure(load: &CleaningLoad) -> String {
    let mut bench = CleaningBench::new(load, BYTES);
    // The peak begins anew, where the system lets it.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = memory("VmRSS:");
    let begun = Instant::now();
    let cleaned = match bench.clean() {
        Ok(cleaned) => cleaned,
        Err(error) => {
            eprintln!("{}: {error}", load.name);
            return format!("\"clean_{}_mb_per_s\":0", load.name);
        }
    };
    let seconds = begun.elapsed().as_secs_f64();
    let grown = memory("VmHWM:").saturating_sub(before + cleaned.written);
    let (megabytes, name) = (cleaned.read as f64 / 1e6, load.name);
    let rate = megabytes / seconds;
    println!(
        "{name}: {megabytes:.0} MB in {seconds:.2} s, {rate:.0} MB/s; kept {} of {} records, {:.0} MB; map {} keys, {:.1} MB; \
         peak {:.1} MB beside what was written",
        cleaned.kept,
        cleaned.records,
        cleaned.written as f64 / 1e6,
        cleaned.keys,
        cleaned.map as f64 / 1e6,
        grown as f64 / 1e6,
    );
    format!(
        "\"clean_{name}_mb_per_s\":{rate:.1},\"clean_{name}_map_bytes\":{},\"clean_{name}_peak_bytes\":{grown}",
        cleaned.map
    )
}

fn main() {
    let numbers: Vec<String> = CleaningLoad::ALL.iter().map(measure).collect();
    println!("{{{}}}", numbers.join(","));
}
