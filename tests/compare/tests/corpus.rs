//! What Apache Kafka was recorded to answer to odd requests, against a broker of ours. `cargo xtask compare --record`
//! writes it anew.

use std::net::ToSocketAddrs;
use std::time::Duration;

use blumfeld::Cluster;
use blumfeld_compare::report::Report;
use blumfeld_compare::side::Side;
use blumfeld_compare::{corpus, play};

#[test]
fn what_kafka_was_recorded_to_answer_is_answered() {
    let steps = corpus::read(include_bytes!("../corpus.gz")).unwrap();
    let cluster = Cluster::builder()
        .brokers(1)
        .config("auto.create.topics.enable", "false")
        .config("group.initial.rebalance.delay.ms", "0")
        .config("offsets.topic.replication.factor", "1")
        .start()
        .unwrap();
    let address = cluster.bootstrap_servers().to_socket_addrs().unwrap().next().unwrap();
    let mut ours = Side::new(address, Duration::from_millis(500));
    let mut report = Report::new(include_str!("../known.txt")).unwrap();
    for (step, kafka) in &steps {
        match kafka {
            None => drop(play::one(&mut ours, step).unwrap()),
            Some(kafka) => {
                let own = play::against(&mut ours, step, kafka).unwrap();
                report.take(step, kafka, &own).unwrap();
            }
        }
    }
    assert!(report.requests() > 0, "the corpus is empty");
    assert_eq!(report.unknown(), 0, "{}\n{}", report.differences().unwrap(), report.summary().unwrap());
}
