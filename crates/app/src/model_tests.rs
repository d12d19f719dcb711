//! Scenarios of updates and actions, and what the page then knows.

use super::*;
use crate::events::{FREQUENT_KEPT, RARE_KEPT};
use blumfeld_view::{
    ClockView, ClusterView, EventKind, EventView, Pace, PartitionView, Returned, StoreView, TimelineView,
};

fn topic(name: &str, internal: bool) -> TopicView {
    TopicView {
        name: name.into(),
        id: "AAAAAAAAAAAAAAAAAAAAAA".into(),
        internal,
        replication_factor: 1,
        configs: vec![],
        partitions: vec![],
    }
}

fn clock(now: u64) -> ClockView {
    ClockView::at(now, Pace::Fastest)
}

fn view(topics: Vec<TopicView>) -> ClusterView {
    ClusterView {
        clock: clock(0),
        brokers: vec![],
        topics,
        groups: vec![],
        transactions: vec![],
        rebalances: vec![],
        clients: vec![],
        faults: vec![],
        latencies: vec![],
        store: StoreView::default(),
        timeline: TimelineView::default(),
    }
}

/// Appends at one moment after the other, but for leaders that are elected at some.
fn events(from: u64, to: u64, elections: &[u64]) -> Vec<EventView> {
    let event = |at| {
        let rare = elections.contains(&at);
        let kind = if rare { EventKind::Replication } else { EventKind::Log };
        EventView {
            at,
            kind,
            frequent: !rare,
            node: "broker-1".into(),
            text: "happened".into(),
            korean: "일어남".into(),
            mark: None,
        }
    };
    (from..to).map(event).collect()
}

fn delta(topics: Vec<TopicView>, gone: &[&str], events: Vec<EventView>, events_left_out: u64) -> Update {
    Update::Delta(Delta {
        clock: clock(1),
        brokers: None,
        groups: None,
        transactions: None,
        rebalances: vec![],
        clients: vec![],
        clients_gone: vec![],
        faults: None,
        latencies: None,
        topics,
        gone: gone.iter().map(ToString::to_string).collect(),
        store: None,
        timeline: None,
        events,
        events_left_out,
    })
}

fn run(actions: Vec<Action>) -> Model {
    let begin = Model::new("lab-1".into(), Lang::En, Theme::System, Durability::Relaxed);
    let end = actions.into_iter().fold(Rc::new(begin), |model, action| model.reduce(action));
    Rc::unwrap_or_clone(end)
}

fn ready(topics: Vec<TopicView>) -> Action {
    let (cluster, recovery) = ("lab-1".into(), vec![]);
    Action::Told(Update::Ready {
        cluster,
        seed: 7,
        view: view(topics),
        recovery,
        persistent: true,
        missing: false,
        begins: false,
        returned: Returned::default(),
        free_line: 0,
    })
}

#[test]
fn the_phase_follows_the_engine() {
    let panicked = Update::Panicked { message: "m".into(), replay: "r".into() };
    for (told, word) in [
        (vec![], "booting"),
        (vec![Action::Told(Update::Hello)], "booting"),
        (vec![Action::Told(Update::Loading { done: 1, total: 2 })], "booting"),
        (vec![Action::Told(Update::Locked)], "locked"),
        (vec![Action::Told(Update::Locked), Action::TakingOver], "booting"),
        (vec![ready(vec![])], "ready"),
        (vec![ready(vec![]), Action::Told(Update::TakenOver)], "locked"),
        (vec![ready(vec![]), Action::Told(panicked)], "panicked"),
        (vec![Action::EngineFailed("x".into())], "panicked"),
    ] {
        assert_eq!(run(told).phase.word(), word);
    }
}

#[test]
fn the_workers_own_error_does_not_cover_what_the_engine_said() {
    let panicked = || Action::Told(Update::Panicked { message: "m".into(), replay: "r".into() });
    let failed = || Action::EngineFailed("unreachable".into());
    let said = |actions| match run(actions).phase {
        Phase::Panicked { message, replay } => (message, replay),
        other => panic!("{other:?}"),
    };
    assert_eq!(said(vec![ready(vec![]), panicked(), failed()]), ("m".into(), "r".into()));
    assert_eq!(said(vec![ready(vec![]), failed()]), ("unreachable".into(), String::new()));
    assert!(matches!(run(vec![failed()]).phase, Phase::NoEngine { .. }));
}

#[test]
fn topics_stay_in_order_and_only_changed_ones_are_new() {
    let before = run(vec![ready(vec![topic("a", false), topic("c", false)])]);
    let (a, c) = (before.topics[0].clone(), before.topics[1].clone());
    let told = delta(vec![topic("b", false), topic("c", true)], &[], vec![], 0);
    let after = Rc::unwrap_or_clone(Rc::new(before).reduce(Action::Told(told)));
    assert_eq!(after.topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert!(after.topics[0] == a && after.topics[2] != c);
    assert_eq!(after.view.as_ref().map(|view| view.clock.clone()), Some(clock(1)));
    assert!(after.topic("b").is_some() && after.topic("d").is_none());

    let gone =
        Rc::unwrap_or_clone(Rc::new(after).reduce(Action::Told(delta(vec![], &["a", "b"], vec![], 0))));
    assert_eq!(gone.topics.len(), 1);
}

fn told(events: Vec<EventView>, left_out: u64) -> Action {
    Action::Told(delta(vec![], &[], events, left_out))
}

fn times(model: &Model, kind: Option<EventKind>) -> Vec<u64> {
    model.events.newest(kind).map(|line| line.event.at).collect()
}

#[test]
fn elections_among_a_hundred_thousand_appends_are_kept() {
    let elections = [3, 40_000, 99_990];
    // At once, and in the deltas of an engine that tells a few of its appends.
    let at_once = vec![told(events(0, 100_000, &elections), 5)];
    let in_deltas =
        (0..1_000).map(|at| told(events(at * 100, at * 100 + 100, &elections), u64::from(at < 5)));
    for actions in [at_once, in_deltas.collect()] {
        let model = run(std::iter::once(ready(vec![])).chain(actions).collect());
        let all = times(&model, None);
        assert!(all.is_sorted_by(|newer, older| newer > older));
        // Of the newest appends the last election is one.
        assert_eq!((all.len(), all[0]), (FREQUENT_KEPT + 3, 99_999));
        assert_eq!((all[9], all[FREQUENT_KEPT + 1], all[FREQUENT_KEPT + 2]), (99_990, 40_000, 3));
        assert_eq!(times(&model, Some(EventKind::Replication)), [99_990, 40_000, 3]);
        assert_eq!(times(&model, Some(EventKind::Log)).len(), FREQUENT_KEPT);
        assert!(times(&model, Some(EventKind::Groups)).is_empty());
        assert_eq!(model.events_left_out, 100_005 - all.len() as u64);
        assert_eq!(model.events.count(), 100_000);
    }
}

#[test]
fn rare_events_are_bounded_too_and_what_goes_is_counted() {
    let model = run(vec![ready(vec![]), told(events(0, 4_000, &(0..4_000).collect::<Vec<_>>()), 0)]);
    assert_eq!((times(&model, None).len(), model.events_left_out), (4_000, 0));
    let reader = model.events.clone();
    let more = told(events(4_000, 6_000, &(4_000..6_000).collect::<Vec<_>>()), 0);
    let model = Rc::unwrap_or_clone(Rc::new(model).reduce(more));
    assert_eq!((times(&model, None).len(), model.events_left_out), (RARE_KEPT, 1_000));
    assert_eq!(times(&model, None)[RARE_KEPT - 1], 1_000);
    // What a reader holds stays as it was.
    assert_eq!(reader.newest(None).last().map(|line| line.event.at), Some(0));
}

fn go(screen: Screen) -> Action {
    Action::Go(Ok(Place { screen, diagram: false, configs: None, partition: None }))
}

#[test]
fn notices_are_few_and_told_once() {
    let model = run((0..9).map(|i| Action::Notice(true, format!("{}", i / 2))).collect());
    let have: Vec<_> = model.notices.iter().map(|notice| (notice.text.as_str(), notice.times)).collect();
    assert_eq!(have, [("3", 2), ("4", 1)]);
    let id = model.notices[0].id;
    assert_eq!(Rc::new(model).reduce(Action::Dismiss(id)).notices.len(), 1);
}

#[test]
fn a_file_is_read_by_a_command_until_it_ends() {
    let added = Update::FileAdded { name: "a.log".into(), size: 10 };
    let progress = Update::FileProgress { id: 3, name: "a.log".into(), done: 99, total: 20 };
    let model = run(vec![Action::Told(added), Action::Started(3, false), Action::Told(progress)]);
    assert_eq!(model.files, [FileState { name: "a.log".into(), size: 20, reading: Some((3, 20)) }]);
    let model = Rc::new(model).reduce(Action::Ended(3, 130));
    assert_eq!(
        (model.files[0].reading, model.console.running, model.console.ended),
        (None, None, Some((3, 130)))
    );
    assert!(model.reduce(Action::Told(Update::FileRemoved { name: "a.log".into() })).files.is_empty());
}

#[test]
fn an_empty_topic_that_was_chosen_is_not_left() {
    let filled = |name: &str, log_end: i64| {
        let log = PartitionView {
            partition: 0,
            leader: 1,
            leader_epoch: 0,
            replicas: vec![1],
            isr: vec![1],
            elr: vec![],
            copies: vec![],
            log_start: 0,
            high_watermark: log_end,
            log_end,
            durable_offset: log_end,
            size: 0,
            segments: vec![],
            ..PartitionView::default()
        };
        TopicView { partitions: vec![log], ..topic(name, false) }
    };
    let chosen = |model: &Model| model.chosen.as_ref().map(|chosen| chosen.topic.clone());
    let topics = || vec![filled("clicks", 0), filled("orders", 9)];
    // Whoever comes to the messages sees records,
    let model = run(vec![ready(topics()), go(Screen::Messages)]);
    assert_eq!(chosen(&model).as_deref(), Some("orders"));
    // and whoever chooses an empty topic stays there.
    let choose = Action::ChooseTopic("clicks".into());
    let model = run(vec![ready(topics()), go(Screen::Messages), choose, told(vec![], 0)]);
    assert_eq!(chosen(&model).as_deref(), Some("clicks"));
}
