//! What Apache Kafka was recorded to say to odd requests, asked of a cluster of ours: `cargo xtask compare --record`
//! writes the corpus.

use std::time::Duration;

use blumfeld::Cluster;
use blumfeld_compare::corpus;
use blumfeld_compare::play;
use blumfeld_compare::report::Report;
use blumfeld_compare::side::Side;

/// What Kafka was told, too.
const CONFIGS: &str = include_str!("../configs.txt");
const CORPUS: &[u8] = include_bytes!("../corpus.gz");

#[test]
fn requests_are_answered_as_kafka_was_recorded_to() {
    let configs = CONFIGS.lines().filter_map(|config| config.split_once('='));
    let mut builder = Cluster::builder().brokers(1);
    for (name, value) in configs {
        builder = builder.config(name, value);
    }
    let cluster = builder.start().unwrap();
    let address = cluster.bootstrap_servers().parse().unwrap();
    // Where Kafka is silent, so long is waited for a word of ours; where it answers, as long as it takes.
    let mut ours = Side::new(address, Duration::from_millis(50));
    let mut report = Report::new("").unwrap();
    for (step, wanted) in corpus::read(CORPUS).unwrap() {
        match wanted {
            Some(wanted) => {
                let own = play::against(&mut ours, &step, &wanted).unwrap();
                report.take(&step, &wanted, &own).unwrap();
            }
            None => drop(play::one(&mut ours, &step).unwrap()),
        }
    }
    assert!(report.requests() > 0);
    assert_eq!(report.differences().unwrap(), "");
}
