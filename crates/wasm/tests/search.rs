//! Records are found where they are, whatever the order and however short the steps; and what arrives is shown
//! or counted.
#![cfg(not(target_arch = "wasm32"))]

#[allow(dead_code, reason = "what the replay tests share is more than is needed here")]
mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use blumfeld_view::{Durability, SearchOrder, SearchQuery, SearchView};
use blumfeld_wasm::Boot;
use common::Desk;

const AT: &str = "--bootstrap-server localhost:9092";

/// Three partitions of JSON records from a load, and its group.
fn busy() -> Desk {
    let mut desk = Desk::at(Boot::fresh("test", 5, 1_700_000_000_000, 3, Durability::Relaxed));
    desk.ok(
        &format!("kafka-topics.sh {AT} --create --topic orders --partitions 3 --replication-factor 3"),
        "",
    );
    desk.ok("workload start consume --topic orders --group billing", "");
    desk.ok("workload start produce --topic orders --rate 400", "");
    desk.pass(Duration::from_secs(20));
    desk
}

fn query(order: SearchOrder, filter: &str) -> SearchQuery {
    SearchQuery { topic: "orders".into(), filter: filter.into(), order, limit: 70, ..SearchQuery::default() }
}

/// Asks until there is no more; gives what was found and how much was looked at.
fn all(desk: &Desk, mut query: SearchQuery) -> (Vec<(i32, i64, f64)>, u64) {
    let (mut found, mut looked) = (Vec::new(), 0);
    for _ in 0..10_000 {
        let SearchView { found: more_found, looked: more_looked, more, from, error, .. } =
            desk.engine.search(&query);
        assert_eq!(error, None);
        assert!(!more || more_looked > 0, "a step goes on");
        found.extend(more_found.iter().map(|one| (one.partition, one.record.offset, one.record.timestamp)));
        looked += more_looked;
        if !more {
            return (found, looked);
        }
        query.from = from;
    }
    panic!("it never ends");
}

/// The offsets of each partition: where it begins, and its end.
fn logs(desk: &Desk) -> Vec<(i32, i64, i64)> {
    let topics = desk.engine.world().topic_views();
    let orders = topics.iter().find(|topic| topic.name == "orders").expect("it is there");
    orders.partitions.iter().map(|log| (log.partition, log.log_start, log.log_end)).collect()
}

#[test]
fn every_record_is_looked_at_once_in_either_order() {
    let desk = busy();
    let there: BTreeSet<(i32, i64)> = logs(&desk)
        .into_iter()
        .flat_map(|(number, start, end)| (start..end).map(move |at| (number, at)))
        .collect();
    assert!(there.len() > 5_000, "more than one step: {}", there.len());
    for order in [SearchOrder::Newest, SearchOrder::Oldest] {
        let (found, looked) = all(&desk, query(order, ""));
        assert_eq!((found.len(), looked), (there.len(), there.len() as u64), "{order:?}");
        assert_eq!(
            found.iter().map(|(number, offset, _)| (*number, *offset)).collect::<BTreeSet<_>>(),
            there
        );
        let times: Vec<f64> = found.iter().map(|(.., time)| *time).collect();
        let newest = order == SearchOrder::Newest;
        assert!(
            times.is_sorted_by(|one, other| if newest { one >= other } else { one <= other }),
            "{order:?}"
        );
        // A filter finds of them what it says, in one partition or in all.
        let (of_one, _) = all(&desk, query(order, "partition == 1 and offset >= 40"));
        assert_eq!(
            of_one.len(),
            found.iter().filter(|(number, offset, _)| *number == 1 && *offset >= 40).count()
        );
        let (one, looked) = all(&desk, SearchQuery { partition: Some(1), ..query(order, "offset < 40") });
        assert_eq!(
            (one.len(), looked as usize),
            (40, found.iter().filter(|(number, ..)| *number == 1).count())
        );
    }
}

#[test]
fn what_arrives_is_shown_or_counted() {
    let mut desk = busy();
    let mut query = query(SearchOrder::Arriving, "");
    let begun = desk.engine.search(&query);
    assert!(begun.found.is_empty() && !begun.more);
    let from = begun.from.clone();
    let (mut found, mut left_out) = (BTreeSet::new(), 0);
    query.from = begun.from;
    // Short pauses and one that is too long.
    for pause in [200, 200, 30_000, 200, 0] {
        desk.pass(Duration::from_millis(pause));
        loop {
            let view = desk.engine.search(&query);
            for one in &view.found {
                assert!(found.insert((one.partition, one.record.offset)), "twice");
            }
            left_out += view.left_out;
            query.from = view.from;
            if !view.more {
                break;
            }
        }
    }
    let arrived: i64 = query.from.iter().zip(&from).map(|((_, to), (_, from))| to - from).sum();
    assert!(left_out > 0 && found.len() > 1_000, "{left_out} left out, {} shown", found.len());
    assert_eq!(found.len() as i64 + left_out as i64, arrived);
    let views = desk.engine.world().topic_views();
    let orders = views.iter().find(|topic| topic.name == "orders").expect("it is there");
    let readable: Vec<_> = orders.partitions.iter().map(|log| (log.partition, log.high_watermark)).collect();
    assert_eq!(query.from, readable, "up to the high watermark");
}

#[test]
fn a_moment_is_found_as_list_offsets_finds_it() {
    let desk = busy();
    for (number, start, end) in logs(&desk) {
        let query = SearchQuery { partition: Some(number), ..query(SearchOrder::Oldest, "") };
        let (records, _) = all(&desk, query);
        assert_eq!(records.len() as i64, end - start);
        let times = records.iter().map(|(.., time)| *time);
        for moment in times.step_by(97).flat_map(|time| [time - 1.0, time, time + 1.0]) {
            let first =
                records.iter().find(|(.., time)| *time >= moment).map(|(_, offset, time)| (*offset, *time));
            let view = desk.engine.moment("orders", number, moment).expect("it is there");
            assert_eq!(view.found, first, "orders-{number} from {moment} on");
        }
        let view = desk.engine.moment("orders", number, 9e15).expect("it is there");
        assert_eq!(
            (view.found, view.newest.map(|(_, time)| time)),
            (None, records.iter().map(|(.., time)| *time).reduce(f64::max))
        );
    }
}

#[test]
fn committed_offsets_are_found_by_their_fields() {
    let desk = busy();
    let query = SearchQuery {
        topic: "__consumer_offsets".into(),
        filter: "key.group == billing and key.partition == 1 and value.offset > 0".into(),
        limit: 1,
        ..SearchQuery::default()
    };
    let mut query = query;
    let newest = loop {
        let view = desk.engine.search(&query);
        if let Some(found) = view.found.into_iter().next() {
            break found.record;
        }
        assert!(view.more, "none is found");
        query.from = view.from;
    };
    let meaning = newest.meaning.expect("it says something");
    let groups = desk.engine.world().group_views();
    let committed =
        groups[0].offsets.iter().find(|offset| offset.partition == 1).expect("it has committed").committed;
    assert!(
        meaning.value.contains(&("offset".into(), committed.to_string())),
        "{committed}: {:?}",
        meaning.value
    );
}

#[test]
fn what_is_wrong_is_said() {
    let desk = Desk::new(3, Durability::Relaxed);
    let asked = |topic: &str, filter: &str| {
        let query = SearchQuery { topic: topic.into(), filter: filter.into(), ..SearchQuery::default() };
        desk.engine.search(&query).error
    };
    assert_eq!(asked("nowhere", ""), Some("there is no topic nowhere".into()));
    assert!(asked("nowhere", "offset == x").is_some_and(|error| error.contains("`offset` is a number")));
    assert!(desk.engine.moment("nowhere", 0, 0.0).is_err());
}
