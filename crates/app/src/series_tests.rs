//! What the series keep, and what is drawn of them.

use blumfeld_view::{GroupOffsetView, PartitionView};

use super::*;

fn group(id: &str, lag: i64) -> GroupView {
    let offset = GroupOffsetView {
        topic: "orders".into(),
        partition: 0,
        committed: 5,
        high_watermark: 5 + lag,
        owner: String::new(),
    };
    GroupView {
        id: id.into(),
        state: "Stable".into(),
        generation: 1,
        protocol: "range".into(),
        coordinator: 1,
        members: vec![],
        offsets: vec![offset],
    }
}

fn broker(id: i32, up: bool, records_in: u64, records_out: u64) -> BrokerView {
    BrokerView {
        id,
        address: String::new(),
        up,
        state: String::new(),
        quorum: String::new(),
        rack: String::new(),
        controller: false,
        controller_epoch: 0,
        connections: 0,
        dirty_bytes: 0,
        cached_bytes: 0,
        cache_size: 0,
        disk_bytes: 0,
        requests: 0,
        records_in,
        records_out,
        ..BrokerView::default()
    }
}

fn topic(isr: &[i32]) -> TopicView {
    let partition = PartitionView {
        partition: 0,
        leader: 1,
        leader_epoch: 0,
        replicas: vec![1, 2, 3],
        isr: isr.to_vec(),
        elr: vec![],
        copies: vec![],
        log_start: 0,
        high_watermark: 0,
        log_end: 0,
        durable_offset: 0,
        size: 0,
        segments: vec![],
        ..PartitionView::default()
    };
    TopicView {
        name: "orders".into(),
        id: String::new(),
        internal: false,
        replication_factor: 3,
        configs: vec![],
        partitions: vec![partition],
    }
}

fn note(series: &mut Series, now: u64, brokers: &[BrokerView], groups: &[GroupView], isr: &[i32]) {
    let topic = topic(isr);
    series.note(Seen { now, brokers, groups, latencies: &[] }, std::iter::once(&topic), std::iter::empty());
}

#[test]
fn an_axis_is_round_and_at_most_a_quarter_over_what_is_drawn() {
    for (most, want) in
        [(0.0, 1.0), (1.0, 1.0), (3.0, 3.0), (9.0, 10.0), (41.0, 50.0), (180_000.0, 180_000.0)]
    {
        assert!((top(most) - want).abs() < 1e-6, "{most}: {}", top(most));
    }
    for most in 1..100_000_u32 {
        let most = f64::from(most);
        assert!(top(most) >= most && top(most) <= most * 1.25 + 1e-6, "{most}: {}", top(most));
    }
}

#[test]
fn hours_of_a_session_stays_small_and_keeps_its_peaks() {
    let mut series = Series::begin(0);
    let mut now = 0;
    for step in 0..80_000_u64 {
        now = step * 200;
        let lag = if step == 5_000 { 70_000 } else { i64::try_from(step % 50).unwrap() };
        note(&mut series, now, &[broker(1, true, step * 4, step * 2)], &[group("billing", lag)], &[1, 2, 3]);
    }
    let lag = series.chart(What::Lag, Range::Session, now);
    assert!(lag.lines[0].points.len() <= MOST, "{}", lag.lines[0].points.len());
    assert!(same(lag.lines[0].most, 70_000.0), "the peak is gone: {}", lag.lines[0].most);
    assert_eq!(lag.lines[0].last, Some(49.0));
    assert!(lag.lines[0].points[0].0 < now / 100, "the session's beginning is gone");
    let short = series.chart(What::Lag, Range::Short, now);
    assert!(short.lines[0].points.len() > 110 && short.lines[0].most < 50.0);
    // What is counted gives the true rate, however thin the points are.
    for range in Range::ALL {
        let records = series.chart(What::Records, range, now);
        let [out, appended] = &records.lines[..] else { panic!("two lines") };
        for (line, rate) in [(out, 10.0), (appended, 20.0)] {
            assert!((line.most - rate).abs() < 0.5 && (line.least - rate).abs() < 0.5, "{line:?}");
        }
    }
}

#[test]
fn a_level_that_stays_is_two_points_and_a_rate_that_ends_falls_at_once() {
    let mut series = Series::begin(0);
    for step in 0..100_u64 {
        let appended = step.min(20) * 25;
        note(&mut series, step * 250, &[broker(1, true, appended, 0)], &[group("billing", 7)], &[1, 2]);
    }
    assert_eq!(
        series.chart(What::Lag, Range::Short, 24_750).lines[0].points,
        [(0, Some(7.0)), (24_750, Some(7.0))]
    );
    let rates = series.chart(What::Records, Range::Short, 24_750);
    let appended = &rates.lines[1];
    assert_eq!(appended.at(4_000), Some(100.0));
    assert_eq!(appended.at(6_000), Some(0.0));
}

#[test]
fn counters_that_begin_again_take_nothing_away() {
    let mut series = Series::begin(0);
    for (at, counter) in [(0, 1_000), (1_000, 1_100), (2_000, 0), (3_000, 100)] {
        note(&mut series, at, &[broker(1, true, counter, 0)], &[], &[1]);
    }
    let chart = series.chart(What::Records, Range::Short, 3_000);
    assert_eq!(chart.lines[1].points, [(1_000, Some(100.0)), (2_000, Some(0.0)), (3_000, Some(100.0))]);
}

#[test]
fn a_broker_that_is_down_leaves_a_band_and_a_smaller_isr() {
    let mut series = Series::begin(0);
    for (at, up, isr) in
        [(0, true, 3), (1_000, false, 3), (2_000, false, 2), (3_000, true, 2), (4_000, true, 3)]
    {
        note(&mut series, at, &[broker(3, up, 0, 0)], &[], &[1, 2, 3][..isr]);
    }
    let downs: Vec<&Down> = series.downs((0, 4_000)).collect();
    assert_eq!(downs, [&Down { broker: 3, from: 1_000, to: Some(3_000) }]);
    assert_eq!(series.downs((3_500, 4_000)).count(), 0);
    let chart = series.chart(What::Replication, Range::Short, 4_000);
    let [under, smallest] = &chart.lines[..] else { panic!("two lines") };
    assert_eq!((under.most, under.last), (1.0, Some(0.0)));
    assert_eq!((smallest.least, smallest.last), (2.0, Some(3.0)));
}

#[test]
fn the_groups_that_are_furthest_behind_have_lines() {
    let mut series = Series::begin(0);
    let groups: Vec<GroupView> = (0..7).map(|lag| group(&format!("g{}", 7 - lag), lag)).collect();
    note(&mut series, 0, &[], &groups, &[1]);
    let names: Vec<Name> =
        series.chart(What::Lag, Range::Short, 0).lines.into_iter().map(|line| line.name).collect();
    assert_eq!(names, ["g1", "g2", "g3", "g4"].map(|id| Name::Group(id.to_owned())));
}

#[test]
fn a_line_is_broken_where_there_is_no_value() {
    let points = vec![(0, Some(1.0)), (500, Some(2.0)), (700, None), (1_000, Some(2.0))];
    let line = Drawn::new(Name::Producers, points).unwrap();
    let chart = Chart { lines: vec![], top: 2.0, span: (0, 1_000), steps: false };
    assert_eq!(chart.path(&line), "M0.0 50.0L300.0 0.0M600.0 0.0");
    let steps = Chart { steps: true, ..chart };
    assert_eq!(steps.path(&line), "M0.0 50.0H300.0L300.0 0.0M600.0 0.0");
}

#[test]
fn latency_is_the_mean_of_the_last_second_and_nothing_where_nothing_was_answered() {
    let mut series = Series::begin(0);
    let topic = topic(&[1, 2, 3]);
    // Ten answers a second of 4 ms each, then of 8 ms, then none.
    let told =
        |answers: u64, micros: u64| LatencyView { api: "Produce".into(), of_client: true, answers, micros };
    for (now, answers, micros) in
        [(0, 0, 0), (1_000, 10, 40_000), (2_000, 20, 120_000), (3_000, 20, 120_000), (4_000, 20, 120_000)]
    {
        let latencies = [told(answers, micros)];
        let seen = Seen { now, brokers: &[], groups: &[], latencies: &latencies };
        series.note(seen, std::iter::once(&topic), std::iter::empty());
    }
    let chart = series.chart(What::Latency, Range::Short, 4_000);
    assert_eq!(chart.lines.len(), 1, "what nobody asked has no line");
    let line = &chart.lines[0];
    assert_eq!(line.name, Name::Requests("Produce", true));
    let values: Vec<Option<f64>> = line.points.iter().map(|(_, value)| *value).collect();
    assert_eq!(values, [Some(4.0), Some(8.0), None, None]);
}
