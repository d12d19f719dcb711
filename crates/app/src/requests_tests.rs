//! What is asked for, and where it is drawn.

use blumfeld_view::{EventKind, LossView};

use super::*;

fn exchange(number: u64, client: i32, broker: i32, moments: [Option<u64>; 5]) -> ExchangeView {
    let [landed, taken, ready, answered, received] = moments;
    ExchangeView {
        number,
        connection: 1,
        correlation_id: 1,
        client,
        broker,
        quorum: false,
        api: "Produce".to_owned(),
        version: 13,
        client_id: String::new(),
        sent: number * 10,
        landed,
        taken,
        ready,
        answered,
        received,
        ended_at: received,
        ending: if received.is_some() { EndingView::Answered } else { EndingView::Open },
        request_bytes: 0,
        answer_bytes: 0,
        records: false,
        idle: false,
        partitions: vec![],
        partitions_left_out: 0,
        error: String::new(),
    }
}

#[test]
fn brokers_stand_above_clients_and_clients_by_name() {
    let name = |node: i32| if node == 1_001 { "web".to_owned() } else { format!("a{node}") };
    let all =
        [exchange(1, 1_001, 2, [None; 5]), exchange(2, 1_002, 1, [None; 5]), exchange(3, 2, 1, [None; 5])];
    assert_eq!(nodes(&all, name), [1, 2, 1_002, 1_001]);
}

#[test]
fn messages_lie_between_rows_and_waits_below_them() {
    let whole = exchange(1, 1_001, 1, [15, 15, 20, 22, 30].map(Some));
    let waits = exchange(2, 1_001, 1, [Some(21), None, None, None, None]);
    let mut lost = exchange(3, 1_001, 1, [None; 5]);
    (lost.ending, lost.ended_at) = (EndingView::Lost(LossView::Dropped), Some(44));
    let drawn = draw(&[lost, waits, whole], &[1, 1_001], 50);
    assert_eq!(drawn.iter().map(|one| one.at).collect::<Vec<_>>(), [2, 1, 0]);
    let ends =
        |at: usize| -> Vec<_> { drawn[at].strokes.iter().map(|one| (one.from, one.to, one.fate)).collect() };
    assert_eq!(ends(0), [((10, 1), (15, 0), Fate::Arrived), ((22, 0), (30, 1), Fate::Arrived)]);
    assert_eq!(drawn[0].wait, Some(Wait { row: 0, lane: 0, moments: [15, 15, 20, 22] }));
    assert_eq!(ends(1), [((20, 1), (21, 0), Fate::Arrived)]);
    assert_eq!(drawn[1].wait, Some(Wait { row: 0, lane: 1, moments: [21, 50, 50, 50] }));
    assert_eq!(ends(2), [((30, 1), (44, 0), Fate::Lost)]);
    assert_eq!(drawn[2].wait, None);
}

fn event(at: u64, node: &str, text: &str) -> EventView {
    EventView {
        at,
        kind: EventKind::Groups,
        frequent: false,
        node: node.into(),
        text: text.into(),
        korean: String::new(),
        mark: None,
    }
}

#[test]
fn labels_of_a_row_do_not_lie_over_each_other() {
    let events = [
        event(
            10,
            "broker-1",
            "moved group g from Empty to PreparingRebalance in generation 0 with 1 members",
        ),
        event(10, "broker-1", "added member m to group g"),
        event(12, "broker-1", "fenced broker-2"),
        event(90, "broker-1", "fenced broker-3"),
        event(12, "world", "fault crash 2"),
        event(13, "world", "fault clear"),
    ];
    let found = marks(events.iter(), &[1, 2], |at| at as f64, |label| label.chars().count() as f64);
    let said: Vec<_> = found.iter().map(|mark| (mark.row, mark.at, mark.label.as_str())).collect();
    assert_eq!(
        said,
        [
            (None, 13, "clear"),
            (Some(0), 10, "g: PreparingRebalance +1"),
            (Some(0), 12, ""),
            (Some(0), 90, "fenced broker-3"),
            (Some(1), 12, "crash 2"),
        ]
    );
    assert_eq!(found[1].text.lines().count(), 2);
}

#[test]
fn a_load_leaves_elections_to_be_seen() {
    let told = |frequent, text: &str| EventView { frequent, ..event(1, "broker-1", text) };
    for (event, [short, long]) in [
        (told(false, "fenced broker-2"), [true, true]),
        (told(true, "advanced high watermark of orders-0 from 3 to 7"), [true, false]),
        (told(true, "appended 3..7 to orders-0, 900 B"), [false, false]),
    ] {
        assert_eq!(
            [is_marked(&event, 100_000), is_marked(&event, 1_000_000)],
            [short, long],
            "{}",
            event.text
        );
    }
}

#[test]
fn events_have_few_words() {
    for (text, want) in [
        ("elected broker-2 leader of orders-0 in epoch 3, ISR [2, 3]", "orders-0 → 2"),
        ("shrank ISR of orders-0 from [1, 2, 3] to [1, 2]", "orders-0 ISR [1, 2]"),
        ("advanced high watermark of orders-0 from 3 to 7", "HW orders-0 7"),
        ("prepares to rebalance group billing with old generation 1: x", "billing: rebalance"),
        ("became active controller in epoch 4", "controller"),
        ("granted its vote to broker-3 in epoch 5", "vote for 3"),
        ("asks for votes in epoch 5", "votes"),
        ("started", "started "),
        ("", " "),
    ] {
        assert_eq!(short(text), want);
    }
}

#[test]
fn a_span_ends_now_or_where_it_stands() {
    let mut filter = Filter { span: Some(1_000), ..Filter::default() };
    assert_eq!(filter.window(5_000), (4_000, 5_000));
    let query = filter.query(5_000, false);
    assert_eq!((query.from, query.until, query.below), (Some(4_000), None, None));
    filter = filter.moved(-1, 5_000);
    assert_eq!(filter.window(9_000), (3_500, 4_500));
    let query = filter.query(9_000, true);
    assert_eq!((query.from, query.until, query.limit), (Some(3_500), Some(4_500), 400));
    assert_eq!(filter.moved(9, 5_000).window(9_000), (4_000, 5_000), "not behind now");
    assert_eq!(filter.moved(-99, 5_000).window(9_000), (0, 1_000), "not before the beginning");
    let all = Filter::default().query(5_000, false);
    assert_eq!((all.from, all.until, all.hide_idle, all.limit), (None, None, true, ROWS));
    assert_eq!(Filter::default().query(200_000, true).from, Some(100_000));
    assert_eq!(Apis::of("rebalance").names().len(), REBALANCE.len());
    for apis in [Apis::All, Apis::Elections, Apis::Rebalance, Apis::One("Fetch".into())] {
        assert_eq!(Apis::of(apis.word()), apis);
    }
}

#[test]
fn an_axis_has_round_moments() {
    assert_eq!(ticks(10_000, 500.0, 100.0), [0, 2_000, 4_000, 6_000, 8_000, 10_000]);
    assert_eq!(ticks(1_000_000, 300.0, 100.0), [0, 500_000, 1_000_000]);
    assert_eq!(["37 µs", "1.234 ms", "5.020 s"], [37, 1_234, 5_020_000].map(lasted));
}
