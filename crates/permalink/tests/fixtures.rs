//! Links that were made once open for ever, as what they were. A fixture is never written again: another version adds
//! another.

use blumfeld_permalink::{Branch, Cluster, Deed, Fork, Lang, Lesson, Link, from_file, from_hash};

fn deed(at: u64, events: Option<u64>, line: &str) -> Deed {
    Deed { at, events, line: line.to_owned() }
}

/// A session in which everything is that a link of the first version can hold.
fn everything() -> Link {
    let fork = |from, at, events, done, seed| Some(Fork { from, at, events, done, seed });
    Link {
        seed: 9_007_199_254_740_991,
        brokers: 5,
        cluster: Cluster::ZooKeeper,
        empty: true,
        branches: vec![
            Branch {
                name: "처음".to_owned(),
                fork: None,
                deeds: vec![
                    deed(
                        1_250_000,
                        Some(812),
                        "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic orders --partitions 3",
                    ),
                    deed(1_250_000, None, "echo '주문 \\ \"quoted\" 🦀'"),
                    deed(83_400_000, Some(20_014), "fault power-cut 2"),
                    deed(4_000_000_000_000, Some(9_000_000_000), ""),
                ],
            },
            Branch {
                name: "no-power-cut".to_owned(),
                fork: fork(0, 83_400_000, Some(20_014), 2, None),
                deeds: vec![deed(83_400_001, Some(20_014), "fault crash 1")],
            },
            Branch {
                name: "chance_2.b".to_owned(),
                fork: fork(1, 83_400_000, None, 0, Some(4_294_967_295)),
                deeds: vec![],
            },
        ],
        living: 1,
        moment: Some(90_000_000),
        lesson: Some(Lesson { id: "replication".to_owned(), step: 4 }),
        lang: Some(Lang::Ko),
        place: Some("messages/orders/0/50".to_owned()),
        selected: Some("orders/0".to_owned()),
    }
}

/// Made on 2026-11-30, with the file that it said.
#[test]
fn a_link_of_the_first_version_opens_as_what_it_was() {
    let hash = include_str!("fixtures/v1.txt").trim_end();
    assert_eq!(from_hash(hash), Ok(everything()));
    assert_eq!(from_file(include_str!("fixtures/v1.json")), Ok(everything()));
}

/// The smallest there is: everything that need not be said is not.
#[test]
fn a_plain_link_of_the_first_version_opens_as_what_it_was() {
    let plain = Link::new(42, 3);
    assert_eq!(from_hash(include_str!("fixtures/v1-plain.txt").trim_end()), Ok(plain.clone()));
    assert_eq!(from_file(r#"{"blumfeld": 1, "seed": 42, "brokers": 3}"#), Ok(plain));
}
