//! Lines of the console with what they answer, as a text: `cluster BROKERS SEED`, `$ line`, `< what is typed`,
//! `> what it writes`, `wait MILLISECONDS`, and `#` for a word to the reader.

use std::time::Duration;

use blumfeld_view::{Durability, Pace};
use blumfeld_wasm::Boot;

use super::Desk;

/// Plays a text; gives it with what the lines answered now.
pub fn played(text: &str) -> String {
    let (mut answered, mut desk) = (String::new(), None);
    let mut lines = text.lines().filter(|line| !line.starts_with("> ") && *line != ">").peekable();
    while let Some(line) = lines.next() {
        answered += line;
        answered.push('\n');
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["cluster", brokers, seed] => {
                let (brokers, seed) = (brokers.parse().unwrap(), seed.parse().unwrap());
                let boot = Boot::fresh("test", seed, 1_700_000_000_000, brokers, Durability::Relaxed);
                desk = Some(Desk::at(boot));
            }
            ["wait", ms] => desk.as_mut().unwrap().pass(Duration::from_millis(ms.parse().unwrap())),
            ["$", ..] => {
                let mut typed = String::new();
                while let Some(more) = lines.next_if(|line| line.starts_with("< ")) {
                    answered += more;
                    answered.push('\n');
                    typed += &more[2..];
                    typed.push('\n');
                }
                let desk = desk.as_mut().unwrap();
                let ran = desk.run(&line[2..], &typed);
                // What is waited for stops time.
                if !desk.engine.is_in_the_past() {
                    desk.engine.set_pace(Pace::Times(1.0));
                }
                for said in ran.stdout.lines().chain(ran.stderr.lines()) {
                    answered += format!("> {said}").trim_end();
                    answered.push('\n');
                }
                if ran.code != Some(0) {
                    answered += &format!("> exit code {:?}\n", ran.code);
                }
            }
            _ => assert!(line.is_empty() || line.starts_with('#'), "{line}"),
        }
    }
    answered
}
