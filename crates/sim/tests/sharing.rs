//! Replicas share the bytes of their records: nothing is copied from a leader to its followers.

use std::collections::BTreeMap;

use blumfeld_kernel::NodeId;
use blumfeld_sim::load::Bench;

#[test]
fn a_followers_batches_are_the_leaders_memory() {
    let mut bench = Bench::cluster(3_000, 100);
    bench.first_ack();
    bench.through();
    let world = bench.world();
    let mut places: BTreeMap<i32, Vec<Vec<*const u8>>> = BTreeMap::new();
    for node in [1, 2, 3] {
        for number in 0..3 {
            let replicas = world.broker(NodeId(node)).unwrap().replicas();
            let log = replicas.get("bench", number).unwrap().log();
            let read = log.read(0, usize::MAX, log.log_end(), true).unwrap();
            let starts = read.batches.iter().map(|batch| batch.bytes().as_ptr()).collect();
            places.entry(number).or_default().push(starts);
        }
    }
    assert!(
        places.values().flatten().any(|batches| batches.len() > 1),
        "several batches, so that a frame has pieces"
    );
    for (number, logs) in places {
        assert!(logs.iter().all(|log| *log == logs[0]), "partition {number}: {logs:?}");
    }
}
