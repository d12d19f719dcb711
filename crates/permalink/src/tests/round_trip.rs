//! What is packed is opened as the same.

use super::generate::Chance;
use crate::{HASH_LIMIT, from_file, from_hash, is_hash, to_file, to_hash};

#[test]
fn what_was_packed_is_opened_as_the_same() {
    let mut chance = Chance(1);
    for number in 0..2_000 {
        let link = chance.link();
        link.check().unwrap_or_else(|error| panic!("link {number}: {error}: {link:?}"));
        let hash = to_hash(&link).unwrap();
        assert!(is_hash(&hash));
        assert!(hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"#/-_".contains(&byte)), "{hash}");
        assert_eq!(from_hash(&hash).as_ref(), Ok(&link), "link {number}");
        assert_eq!(from_hash(&hash[1..]).as_ref(), Ok(&link), "link {number}");
        let file = to_file(&link).unwrap();
        assert_eq!(from_file(&file).as_ref(), Ok(&link), "link {number}: {file}");
    }
}

#[test]
fn a_session_of_an_hour_stays_a_link() {
    let commands = [
        "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic orders --partitions 6 --replication-factor 3",
        "kafka-topics.sh --bootstrap-server localhost:9092 --describe --topic orders",
        "kafka-producer-perf-test.sh --topic orders --num-records 50000 --record-size 100 --throughput 1000",
        "kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic orders --from-beginning --group billing",
        "kafka-consumer-groups.sh --bootstrap-server localhost:9092 --describe --group billing",
        "fault crash 2",
        "until isr(\"orders\", 0) == [1, 3]",
        "fault restart 2",
        "fault link 1 3 --latency 200ms --loss 5%",
        "workload start",
    ];
    for (count, most) in [(10, 700), (100, HASH_LIMIT)] {
        let mut chance = Chance(7);
        let mut link = crate::Link::new(42, 3);
        let (mut at, mut events) = (0, 0);
        for number in 0..count {
            (at, events) = (at + chance.below(60_000_000), events + chance.below(20_000));
            let line =
                commands[number % commands.len()].replace("orders", chance.pick(&["orders", "payments"]));
            link.branches[0].deeds.push(crate::Deed { at, events: Some(events), line });
        }
        let hash = to_hash(&link).unwrap();
        println!("{count} lines: {} characters, {} as a file", hash.len(), to_file(&link).unwrap().len());
        assert!(hash.len() <= most, "{count} lines are {} characters", hash.len());
    }
}
