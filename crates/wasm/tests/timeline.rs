//! Going back: what is found again is what was, whatever was done, and what is done there leaves the rest as it was.
#![cfg(not(target_arch = "wasm32"))]

#[path = "common/session.rs"]
mod session;

use std::time::Duration;

use blumfeld_view::Seek;
use session::{Session, seen};

/// Sessions of a run of the tests; `BLUMFELD_LONG=1` plays more.
const SESSIONS: u64 = 12;
const MANY: u64 = 2_000;

fn sessions() -> u64 {
    if std::env::var_os("BLUMFELD_LONG").is_some_and(|value| value == "1") { MANY } else { SESSIONS }
}

#[test]
fn what_was_is_found_again() {
    for seed in 0..sessions() {
        let mut session = Session::new(seed);
        session.live(14);
        let end = seen(&mut session.engine);
        let mut moments = session.moments.clone();
        // In any order.
        for at in (1..moments.len()).rev() {
            moments.swap(at, usize::try_from(session.rng.below(at as u64 + 1)).unwrap());
        }
        for moment in &moments {
            session.find(moment);
        }
        // Behind an event, and one further back, and forth again.
        let middle = &moments[0];
        session.find(middle);
        if middle.events > 1 {
            session.go(Seek::Events(-1));
            let before = seen(&mut session.engine);
            assert_eq!(before.events, middle.events - 1, "seed {seed}");
            session.go(Seek::Events(-1));
            session.go(Seek::Events(1));
            assert_eq!(seen(&mut session.engine), before, "seed {seed}");
        }
        session.go(Seek::Now);
        assert_eq!(seen(&mut session.engine), end, "seed {seed}");
        assert!(!session.engine.is_in_the_past());
    }
}

#[test]
fn time_that_goes_on_in_the_past_plays_what_was_up_to_now() {
    for seed in 0..sessions() / 4 {
        let mut session = Session::new(seed);
        session.live(8);
        let end = seen(&mut session.engine);
        let moments = session.moments.clone();
        session.find(&moments[2]);
        session.engine.set_pace(blumfeld_view::Pace::Times(1.0));
        for moment in &moments[3..] {
            let gone = moment.now - session.engine.world().now().as_micros();
            session.engine.advance(Duration::from_micros(gone), || false);
            assert_eq!(seen(&mut session.engine), *moment, "seed {seed}");
        }
        session.engine.set_pace(blumfeld_view::Pace::Fastest);
        session.engine.advance(Duration::from_millis(1), || false);
        assert!(!session.engine.is_in_the_past());
        assert_eq!(seen(&mut session.engine).digest, end.digest, "seed {seed}");
    }
}

#[test]
fn what_is_done_in_the_past_leaves_the_rest_as_it_was() {
    for seed in 0..sessions() {
        let mut session = Session::new(seed);
        session.live(6);
        let mut ends = Vec::new();
        let mut known = session.moments.clone();
        for level in 0..3 {
            let name = ["main", "branch-1", "branch-2"][level];
            ends.push((name, seen(&mut session.engine), known.clone()));
            let at = usize::try_from(session.rng.below(known.len() as u64)).unwrap();
            let moment = known[at].clone();
            session.find(&moment);
            session.branch(&format!("branch-{}", level + 1));
            session.live(4);
            known = [&known[..=at], &session.moments].concat();
        }
        ends.push(("branch-3", seen(&mut session.engine), known));
        // The last one lives.
        for (name, end, known) in ends.iter().rev().skip(1).chain(&ends[1..]) {
            session.line(&format!("timeline switch {name}"));
            let said = session.engine.take_console(usize::MAX);
            assert!(said.iter().all(|one| one.exit != Some(1)), "{said:?}");
            assert_eq!(seen(&mut session.engine).digest, end.digest, "seed {seed}, {name}");
            let at = usize::try_from(session.rng.below(known.len() as u64)).unwrap();
            session.find(&known[at]);
            session.go(Seek::Now);
            assert_eq!(seen(&mut session.engine).digest, end.digest, "seed {seed}, {name}");
        }
    }
}
