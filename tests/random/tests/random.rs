//! Random runs are runs: the same seed does the same, with everything that breaks in it.

use std::time::Duration;

use blumfeld_random::cluster::Run;

#[test]
fn one_seed_is_one_run() {
    let run = |seed| {
        let mut run = Run::new(seed);
        let result = run.run(Duration::from_secs(5));
        (result, run.faults, run.world.digest(), run.world.events(), run.world.now())
    };
    for seed in [1, 2] {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
    assert_ne!(run(1).2, run(2).2);
}
