//! Two runs of one seed side by side: what is measured follows from the setting that differs, and from nothing else.

use blumfeld_view::{CompareView, Preset};
use blumfeld_wasm::Compare;

fn compare(preset: Preset, seed: u64) -> CompareView {
    Compare::new(preset, seed, 1).advance(|| false).unwrap().unwrap()
}

#[test]
fn the_same_seed_gives_the_same_numbers_in_one_go_and_in_slices() {
    let whole = compare(Preset::Linger, 7);
    let mut sliced = Compare::new(Preset::Linger, 7, 1);
    let (mut slices, mut before) = (0, 0);
    let result = loop {
        match sliced.advance(|| true).unwrap() {
            Some(result) => break result,
            None => slices += 1,
        }
        assert!(sliced.done() >= before, "progress goes back");
        before = sliced.done();
    };
    assert!(slices > 100, "{slices}");
    assert_eq!(result, whole);
    assert_ne!(compare(Preset::Linger, 8).sides, whole.sides, "the seed has a part in it");
}

#[test]
fn lingering_makes_larger_batches_and_fewer_requests() {
    let [none, linger] = compare(Preset::Linger, 1).sides;
    assert!(linger.of_api("Produce") < none.of_api("Produce"), "{none:?} {linger:?}");
    assert!(linger.batches < none.batches && linger.client_bytes < none.client_bytes);
    assert!(linger.median_us > none.median_us, "what waits for company comes later");
}

#[test]
fn the_acknowledgement_of_all_takes_longer_than_the_leaders() {
    let [leader, all] = compare(Preset::Acks, 1).sides;
    assert!(
        all.median_us > leader.median_us && all.percentile99_us > leader.percentile99_us,
        "{leader:?} {all:?}"
    );
    assert!(
        leader.written > 0 && all.written > 0 && leader.written.abs_diff(all.written) * 20 < leader.written
    );
}

#[test]
fn fetching_one_at_a_time_needs_more_rounds_and_reads_less() {
    let [one, many] = compare(Preset::Fetch, 1).sides;
    // The same work: rounds for each record that was read.
    assert!(one.of_api("Fetch") * many.read > many.of_api("Fetch") * one.read, "{one:?} {many:?}");
    assert!(one.read < many.read && one.behind > many.behind, "{one:?} {many:?}");
}

#[test]
fn three_consumers_keep_up_where_one_does_not() {
    let [one, three] = compare(Preset::Consumers, 1).sides;
    assert!(three.read > one.read && three.behind < one.behind, "{one:?} {three:?}");
    assert_eq!((one.lines.len(), three.lines.len()), (1, 3));
}
