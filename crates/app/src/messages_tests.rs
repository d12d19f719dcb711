//! Scenarios of questions and answers, and what the message browser then shows.

use super::*;
use blumfeld_view::{BatchView, RecordView, SegmentView};

fn batches(offsets: &[i64], previous_offset: Option<i64>, next_offset: Option<i64>) -> BrowseView {
    let batch = |offset: &i64| BatchView {
        base_offset: *offset,
        last_offset: offset + 9,
        segment: 0,
        position: 0,
        size: 100,
        records: 10,
        compression: "none".into(),
        max_timestamp: 0.0,
        durable: true,
    };
    let batches = offsets.iter().map(batch).collect();
    let (topic, log_start, log_end) = ("t".into(), 0, 50);
    BrowseView { topic, partition: 0, batches, next_offset, previous_offset, log_start, log_end }
}

fn record(offset: i64, timestamp: f64) -> RecordView {
    RecordView {
        offset,
        timestamp,
        key: None,
        value: None,
        key_size: -1,
        value_size: -1,
        headers: vec![],
        from: None,
        to: None,
        meaning: None,
    }
}

fn detail(base: i64, offsets: &[i64]) -> BatchDetail {
    BatchDetail {
        topic: "t".into(),
        partition: 0,
        batch: batches(&[base], None, None).batches.remove(0),
        fields: vec![],
        records: offsets.iter().map(|offset| record(*offset, 0.0)).collect(),
        skipped: 0,
        bytes: Default::default(),
        error: None,
    }
}

fn log(partition: i32, log_start: i64, log_end: i64, newest: f64) -> PartitionView {
    let segment = SegmentView {
        base_offset: log_start,
        next_offset: log_end,
        size: 0,
        durable: 0,
        cached: 0,
        durable_offset: log_end,
        index_entries: 0,
        time_index_entries: 0,
        max_timestamp: newest,
    };
    PartitionView {
        partition,
        leader: 1,
        leader_epoch: 0,
        replicas: vec![1],
        isr: vec![1],
        elr: vec![],
        copies: vec![],
        log_start,
        high_watermark: log_end,
        log_end,
        durable_offset: log_end,
        size: 0,
        segments: vec![segment],
        ..PartitionView::default()
    }
}

fn offsets(state: &MessagesState) -> Vec<i64> {
    let browse = state.browse.as_ref();
    browse.map(|browse| browse.batches.iter().map(|batch| batch.base_offset).collect()).unwrap_or_default()
}

#[test]
fn the_end_of_a_log_is_a_page_that_ends_with_its_last_batch() {
    let mut state = MessagesState::default();
    state.act(Messaging::Seek(LATEST), 1);
    state.browsed(batches(&[40], Some(0), None));
    assert_eq!((offsets(&state), state.follow_up, state.to_open()), (vec![40], Some(0), None));
    state.follow_up = None;
    state.browsed(batches(&[0, 10, 20, 30], None, Some(40)));
    assert_eq!((offsets(&state), state.follow_up, state.to_end), (vec![0, 10, 20, 30, 40], None, false));
    // Its last record is the one that is looked for, and that says nothing of having missed one.
    assert_eq!((state.target.map(|target| target.offset), &state.note), (Some(49), &None));
    assert_eq!(state.to_open(), Some(40));
    // A log of one batch has nothing before its end.
    let mut state = MessagesState::default();
    state.act(Messaging::Seek(LATEST), 1);
    state.browsed(batches(&[40], None, None));
    assert_eq!((offsets(&state), state.follow_up), (vec![40], None));
}

#[test]
fn the_batch_that_holds_what_is_sought_is_opened() {
    let mut state = MessagesState::default();
    state.browsed(batches(&[0, 10, 20], None, Some(30)));
    assert_eq!(state.to_open(), Some(0));
    state.opened(detail(0, &[0, 5, 9]));
    assert_eq!(state.to_open(), None);
    state.act(Messaging::Seek(25), 1);
    assert_eq!(state.to_open(), None, "what is shown is not where it is");
    // An older answer comes first.
    state.opened(detail(0, &[0, 5, 9]));
    state.browsed(batches(&[10, 20, 30, 40], Some(0), None));
    assert_eq!(state.to_open(), Some(20));
    state.opened(detail(20, &[20, 25, 29]));
    assert_eq!((state.to_open(), &state.note), (None, &None));
    // The same again in the batch that is open.
    state.act(Messaging::Seek(22), 2);
    state.browsed(batches(&[20, 30, 40], Some(0), None));
    state.opened(detail(20, &[20, 25, 29]));
    assert_eq!(state.note, Some(Note::Gap { offset: 22, shown: 25 }));
}

#[test]
fn what_lies_outside_of_the_log_is_said_and_the_nearest_is_shown() {
    for (offset, shown) in [(50, 49), (900, 49), (11, 12)] {
        let mut state = MessagesState::default();
        state.act(Messaging::Seek(offset), 1);
        state.browsed(BrowseView { log_start: 12, ..batches(&[10, 40], None, None) });
        assert_eq!(state.note, Some(Note::Outside { offset, log_start: 12, log_end: 50 }));
        assert_eq!(state.target.map(|target| target.offset), Some(shown));
    }
    // Of an empty log there is nothing to show, and nothing to say but that it is empty.
    let mut state = MessagesState::default();
    state.act(Messaging::Seek(7), 1);
    state.browsed(BrowseView { log_end: 0, ..batches(&[], None, None) });
    assert_eq!((state.note.as_ref(), state.to_open()), (None, None));
}

#[test]
fn new_records_are_those_that_are_there() {
    let mut state = MessagesState::default();
    assert_eq!(state.fresh(&log(0, 0, 99, 0.0)), 0);
    state.browsed(batches(&[40], Some(0), None));
    for (start, end, fresh) in [(0, 50, 0), (0, 57, 7), (0, 30, 0), (52, 57, 5), (60, 60, 0)] {
        assert_eq!(state.fresh(&log(0, start, end, 0.0)), fresh, "{start}–{end}");
    }
    // A page from the middle of the log says nothing of its end.
    state.browsed(batches(&[10], Some(0), Some(20)));
    assert_eq!(state.fresh(&log(0, 0, 99, 0.0)), 0);
    // What was cut off, or deleted, is no longer shown.
    for (start, end, stale) in
        [(0, 50, false), (0, 99, false), (19, 99, false), (20, 99, true), (0, 49, true)]
    {
        state.browsed(batches(&[10], Some(0), Some(20)));
        state.note_log(&log(0, start, end, 0.0));
        assert_eq!(state.stale, stale, "{start}–{end}");
    }
}

#[test]
fn a_moment_leads_to_its_record_and_says_where_it_has_none() {
    let view =
        |found| MomentView { topic: "t".into(), partition: 0, moment: 5.0, found, newest: Some((48, 4.0)) };
    let mut state = MessagesState::default();
    assert_eq!(state.moment(view(Some((7, 6.0))), 3), Some(7));
    assert_eq!(state.note, Some(Note::Moment { moment: 5.0, found: (7, 6.0) }));
    assert_eq!(state.target, Some(Target { offset: 7, number: 3 }));
    assert_eq!(state.moment(view(None), 4), Some(48));
    assert_eq!(state.note, Some(Note::NoneLater { moment: 5.0, newest: Some((48, 4.0)) }));
    assert_eq!(state.moment(MomentView { newest: None, ..view(None) }, 5), None);
}

fn answer(id: u32, found: &[(i32, i64, f64)], more: bool) -> SearchView {
    let found = found.iter().map(|(partition, offset, timestamp)| FoundRecord {
        partition: *partition,
        record: record(*offset, *timestamp),
    });
    SearchView { id, found: found.collect(), looked: 100, more, from: vec![(0, 1)], ..SearchView::default() }
}

fn rows(state: &MessagesState) -> Vec<(i32, i64)> {
    state.search.rows.iter().map(|row| (row.partition, row.record.offset)).collect()
}

#[test]
fn a_search_goes_on_until_it_has_found_enough_or_looked_at_all() {
    let mut state = MessagesState::default();
    state.act(Messaging::Search(Box::default()), 7);
    assert_eq!((state.search.step, state.results), (Step::Asks, true));
    state.found(answer(7, &[(0, 9, 90.0), (1, 3, 80.0)], true));
    // One that was asked twice counts once.
    state.found(answer(7, &[(0, 9, 90.0), (1, 3, 80.0)], true));
    assert_eq!((state.search.query.id, state.search.looked, state.search.step), (8, 100, Step::Asks));
    // Two answers may overlap in time.
    state.found(answer(8, &[(1, 2, 85.0), (0, 8, 70.0)], false));
    assert_eq!(rows(&state), [(0, 9), (1, 3), (1, 2), (0, 8)]);
    assert_eq!((state.search.step, state.search.looked), (Step::Done, 200));
    let many: Vec<_> = (0..FOUND as i64).rev().map(|offset| (0, offset, offset as f64)).collect();
    state.act(Messaging::Search(Box::default()), 20);
    state.found(answer(20, &many, true));
    assert_eq!(state.search.step, Step::Stands);
    state.act(Messaging::GoOn, 0);
    assert_eq!(state.search.step, Step::Asks);
    state.act(Messaging::Stop, 0);
    state.found(answer(21, &[], true));
    assert_eq!(state.search.step, Step::Stands);
    // Another partition of the topic leaves what was found, and another topic does not.
    assert_eq!(state.turned_to(true).search.rows.len(), FOUND);
    assert_eq!(state.turned_to(false).search.step, Step::Idle);
}

#[test]
fn of_what_arrives_the_newest_are_shown_and_the_rest_is_counted() {
    let mut state = MessagesState::default();
    let query = SearchQuery { order: SearchOrder::Arriving, ..SearchQuery::default() };
    state.act(Messaging::Search(Box::new(query)), 1);
    state.found(answer(1, &[], false));
    assert_eq!(state.search.step, Step::Waits);
    let mut arrived = 0;
    for id in 2..9 {
        let found: Vec<_> =
            (0..90).map(|at| (at % 3, arrived + i64::from(at), (arrived + i64::from(at)) as f64)).collect();
        arrived += 90;
        state.found(SearchView { left_out: 5, ..answer(id, &found, id % 2 == 0) });
        let search = &state.search;
        assert_eq!(search.rows.len() as u64 + search.left_out, u64::from(id - 1) * 95);
        assert_eq!(search.step, if id % 2 == 0 { Step::Asks } else { Step::Waits });
    }
    assert_eq!((state.search.rows.len(), rows(&state)[0].1), (SHOWN, arrived - 1));
    state.act(Messaging::Stop, 0);
    assert!(!state.search.runs());
}

#[test]
fn the_browser_begins_where_the_newest_record_is() {
    let topic = |name: &str, internal, partitions| {
        Shared::new(TopicView {
            name: name.into(),
            id: String::new(),
            internal,
            replication_factor: 1,
            configs: vec![],
            partitions,
        })
    };
    let topics = [
        topic("__own", true, vec![log(0, 0, 9, 99.0)]),
        topic("a", false, vec![log(0, 0, 0, -1.0), log(1, 4, 4, 50.0)]),
        topic(
            "b",
            false,
            vec![log(0, 0, 0, -1.0), log(1, 0, 4, 10.0), log(2, 0, 2, 20.0), log(3, 0, 2, 20.0)],
        ),
    ];
    let begins = |name: &str| begins_with(&topics, name).map(|begin| (begin.topic, begin.partition));
    assert_eq!(begins("b"), Some(("b".into(), 2)));
    assert_eq!(begins("a"), Some(("b".into(), 2)), "an empty topic leads to another of the user's");
    assert_eq!(begins("__own"), Some(("__own".into(), 0)));
    assert_eq!(begins_with(&topics[..2], "a"), None);
}
