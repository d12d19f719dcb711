//! The engine natively: one seed is one trace, and a record replays to the same world.
#![cfg(not(target_arch = "wasm32"))]

mod common;

use blumfeld_wasm::{ReplayError, replay};
use common::{ASKED, DIGESTS, SEEDS, asked, story};

#[test]
fn one_seed_is_one_trace_and_a_record_replays_to_it() {
    let mut digests = String::new();
    for seed in SEEDS {
        let outcome = story(seed);
        digests += &outcome.line(seed);
        let again = replay(&outcome.record).unwrap();
        let world = again.world();
        assert_eq!(
            (again.digest(), world.events(), world.now().as_micros()),
            (outcome.digest, outcome.events, outcome.now),
            "the replay of seed {seed}"
        );
        let twice = again.record().borrow().to_json();
        assert_eq!(twice, outcome.record, "a replay records what it replays");
    }
    if std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/digests.txt");
        std::fs::write(path, digests).unwrap();
        return;
    }
    assert_eq!(digests, DIGESTS, "if this is wanted, run this test once with UPDATE_EXPECT=1");
}

#[test]
fn two_runs_of_a_seed_are_one_and_two_seeds_are_not() {
    assert_eq!(story(SEEDS[0]), story(SEEDS[0]));
    assert_ne!(story(SEEDS[0]).digest, story(SEEDS[2]).digest);
}

#[test]
fn a_damaged_replay_file_is_named() {
    let record = story(SEEDS[1]).record;
    assert!(replay(&record).is_ok());
    let damaged = |from: &str, to: &str| {
        assert!(record.contains(from), "nothing to damage: {from}");
        replay(&record.replacen(from, to, 1)).map(|engine| engine.digest()).unwrap_err().to_string()
    };
    for (from, to, want) in [
        (r#""version":2"#, r#""version":3"#, "its version is 3, this program reads 2"),
        (r#""seed":"#, r#""sead":"#, "missing field `seed`"),
        (r#"{"console":"#, r#"{"consul":"#, "unknown variant `consul`"),
        (r#""base64":""#, r#""base64":"*"#, "Invalid symbol"),
        (r#""cut":false"#, r#""cut":true"#, "cut because what was typed or stored is over 32 MiB"),
    ] {
        let error = damaged(from, to);
        assert!(error.contains(want), "{from} -> {to}: {error}");
    }
    let half = &record[..record.len() / 2];
    for text in ["", "null", "[]", "{}", "no record", half] {
        let error = replay(text).map(|engine| engine.digest()).unwrap_err();
        assert!(matches!(error, ReplayError::Format(_)), "{text:.20}: {error}");
        assert!(error.to_string().starts_with("this is no replay file: "), "{error}");
    }
    // Another seed's choices lead elsewhere, and the steps no longer fit.
    let error = damaged(&format!(r#""seed":{}"#, SEEDS[1]), r#""seed":77"#);
    assert!(error.contains("took another course"), "{error}");
}

#[test]
fn what_is_asked_of_the_past_is_answered() {
    let played = asked::played(ASKED);
    if std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/asked.txt");
        std::fs::write(path, &played).unwrap();
        return;
    }
    for (at, (played, want)) in played.lines().zip(ASKED.lines()).enumerate() {
        assert_eq!(
            played,
            want,
            "line {}; if this is wanted, run this test once with UPDATE_EXPECT=1",
            at + 1
        );
    }
    assert_eq!(played, ASKED);
}
