//! A record, a request, a member and a partition, followed.

use std::time::Duration;

use blumfeld_view::{FollowView, FollowWhat, Pace, Stop, TokenKey};
use blumfeld_wasm::{Boot, Engine};

const TURN: Duration = Duration::from_millis(50);

fn engine() -> Engine {
    let mut engine = Engine::new(Boot::fresh("follow", 5, 1_735_689_600_000, 3, Default::default()));
    engine.set_pace(Pace::Times(100.0));
    while !engine.is_ready() {
        engine.advance(TURN, || false);
    }
    run(
        &mut engine,
        1,
        &format!("kafka-topics.sh {AT} --create --topic orders --partitions 1 --replication-factor 3"),
    );
    engine.console(2, "workload start consume --topic orders --group billing --name billing-1");
    engine.console(3, "until state(\"billing\") == \"Stable\" and lag(\"billing\") == 0");
    go(&mut engine, |engine| engine.pace() == Pace::Paused);
    engine.set_pace(Pace::Times(1.0));
    engine
}

const AT: &str = "--bootstrap-server localhost:9092";

fn go(engine: &mut Engine, mut is_so: impl FnMut(&mut Engine) -> bool) {
    for _ in 0..20_000 {
        if is_so(engine) {
            return;
        }
        engine.advance(TURN, || false);
    }
    panic!("it does not come about: {:?}", engine.take_followed());
}

fn run(engine: &mut Engine, id: u32, line: &str) {
    engine.console(id, line);
    go(engine, |engine| {
        engine.take_console(usize::MAX).iter().any(|update| update.id == id && update.exit == Some(0))
    });
}

/// Follows to the end, and gives how it stands then and every pace on the way.
fn follow(engine: &mut Engine, what: FollowWhat) -> (FollowView, Vec<f64>) {
    assert!(engine.follow(Some(what)));
    let (mut last, mut paces) = (None, Vec::new());
    go(engine, |engine| {
        if let Some(view) = engine.take_followed() {
            paces.push(view.pace);
            last = Some(view);
        }
        last.as_ref().is_some_and(|view: &FollowView| view.over)
    });
    (last.unwrap(), paces)
}

/// A stop in a word.
fn word(stop: &Stop) -> String {
    match stop {
        Stop::Asks { api, .. } => format!("asks {api}"),
        Stop::Accumulates { .. } => "accumulates".into(),
        Stop::Sent { api, .. } => format!("sent {api}"),
        Stop::Arrives { api, .. } => format!("arrives {api}"),
        Stop::Appended { .. } => "appended".into(),
        Stop::Waits { api, acks, .. } => format!("waits {api} {acks}").trim().into(),
        Stop::Copied { .. } => "copied".into(),
        Stop::HighWatermark { .. } => "high watermark".into(),
        Stop::Answered { api, error, .. } => format!("answered {api} {error}").trim().into(),
        Stop::Acknowledged { error, .. } => format!("acknowledged {error}").trim().into(),
        Stop::Lost => "lost".into(),
        Stop::Read { client, .. } => format!("read {client}"),
        Stop::Committed { group, .. } => format!("committed {group}"),
        Stop::Event { text, .. } => text.clone(),
        Stop::Nothing => "nothing".into(),
    }
}

fn words(view: &FollowView) -> Vec<String> {
    view.stops.iter().map(|stop| word(&stop.stop)).collect()
}

#[test]
fn a_record_is_followed_from_its_batch_to_the_group_that_commits_it() {
    let mut engine = engine();
    // Another producer's records go to the same partition: the batch is known by itself.
    engine.console(4, "workload start produce --topic orders --rate 50 --name other");
    engine.console(5, &format!("echo hello | kafka-console-producer.sh {AT} --topic orders"));
    let (view, paces) = follow(&mut engine, FollowWhat::Sent { command: 5 });
    let told = words(&view);
    // The two copies come in either order, and the consumer may read before the producer hears.
    let mut sorted = told.clone();
    sorted.retain(|word| !word.starts_with("asks"));
    let before = |one: &str, other: &str| {
        let at = |word: &str| {
            sorted.iter().position(|told| told == word).unwrap_or_else(|| panic!("{word}: {told:?}"))
        };
        assert!(at(one) < at(other), "{one} before {other}: {told:?}");
    };
    for pair in ["accumulates", "sent Produce", "appended", "waits Produce all", "copied", "high watermark"]
        .windows(2)
    {
        before(pair[0], pair[1]);
    }
    before("high watermark", "answered Produce");
    before("answered Produce", "acknowledged");
    before("high watermark", "read billing-1");
    before("read billing-1", "committed billing");
    assert_eq!(sorted.iter().filter(|word| *word == "copied").count(), 2, "{told:?}");
    assert!(told.contains(&"asks Metadata".to_owned()) && told.contains(&"asks InitProducerId".to_owned()));
    assert!(view.stops.is_sorted_by_key(|stop| stop.at));
    // It stands where it was said to stand.
    let (topic, partition, offset) = view.place.clone().unwrap();
    let batch = engine.world().batch_detail(&topic, partition, offset, None).unwrap();
    assert_eq!(batch.records[0].value.as_ref().map(|value| value.to_vec()), Some(b"hello".to_vec()));
    // Time stood still at stops, went slowly on ways, and hurried while it waited.
    assert!(paces.contains(&0.0));
    assert!(paces.iter().any(|pace| *pace > 0.0 && *pace < 0.002), "{paces:?}");
    assert!(paces.iter().any(|pace| *pace > 1.0), "{paces:?}");
    // The clock goes on as it did before.
    engine.follow(None);
    assert_eq!(engine.pace(), Pace::Times(1.0));
}

#[test]
fn a_record_of_the_past_tells_what_happened_and_goes_on() {
    let mut engine = engine();
    run(&mut engine, 5, &format!("echo hello | kafka-console-producer.sh {AT} --topic orders"));
    let what = FollowWhat::Record { topic: "orders".into(), partition: 0, offset: 0 };
    let (view, _) = follow(&mut engine, what);
    let mut told = words(&view);
    told.sort();
    assert_eq!(
        told,
        ["appended", "committed billing", "copied", "copied", "high watermark", "read billing-1"]
    );
    let nowhere = FollowWhat::Record { topic: "others".into(), partition: 0, offset: 0 };
    assert!(!engine.follow(Some(nowhere)));
}

#[test]
fn a_record_that_is_refused_and_sent_again_is_the_same_record() {
    let mut engine = engine();
    let leader = engine.world().topic_views().iter().find(|topic| topic.name == "orders").unwrap().partitions
        [0]
    .leader;
    run(&mut engine, 4, &format!("fault on Produce broker {leader} once error NOT_ENOUGH_REPLICAS"));
    engine.console(5, &format!("echo hello | kafka-console-producer.sh {AT} --topic orders"));
    let (view, _) = follow(&mut engine, FollowWhat::Sent { command: 5 });
    let told = words(&view);
    let sent = |word: &str| told.iter().filter(|told| *told == word).count();
    assert_eq!(
        (sent("sent Produce"), sent("appended"), sent("acknowledged NOT_ENOUGH_REPLICAS")),
        (2, 1, 1),
        "{told:?}"
    );
    assert_eq!(sent("acknowledged"), 1, "{told:?}");
}

#[test]
fn a_command_that_sends_nothing_says_so() {
    let mut engine = engine();
    engine.console(5, &format!("kafka-console-producer.sh {AT} --topic orders"));
    assert!(engine.follow(Some(FollowWhat::Sent { command: 5 })));
    engine.close_stdin(5);
    let mut last = None;
    go(&mut engine, |engine| {
        engine.take_console(usize::MAX);
        last = engine.take_followed().or(last.take());
        last.as_ref().is_some_and(|view: &FollowView| view.over)
    });
    assert_eq!(words(&last.unwrap()).last().map(String::as_str), Some("nothing"));
    assert!(!engine.follow(Some(FollowWhat::Sent { command: 99 })));
}

#[test]
fn a_request_is_followed_to_its_answer() {
    let mut engine = engine();
    // A consumer's fetch, which waits for records that do not come.
    let key = |engine: &Engine| {
        let all = engine.world().in_flight();
        let fetch = all.iter().find(|one| one.api_key == 1 && !one.answer && one.client.0 > 1_000);
        fetch.map(|one| one.key())
    };
    go(&mut engine, |engine| key(engine).is_some());
    let key = key(&engine).unwrap();
    let (view, _) = follow(&mut engine, FollowWhat::Message(key));
    assert_eq!(
        words(&view),
        ["sent Fetch", "arrives Fetch", "waits Fetch", "answered Fetch", "acknowledged"],
        "{view:?}"
    );
    let gone = TokenKey { correlation_id: i32::MAX, ..key };
    assert!(!engine.follow(Some(FollowWhat::Message(gone))));
}

#[test]
fn a_member_and_a_partition_tell_what_the_trace_says_of_them() {
    let mut engine = engine();
    let member = engine.world().group_views()[0].members[0].id.clone();
    for (what, line, wanted) in [
        (
            FollowWhat::Member { group: "billing".into(), member },
            "workload start consume --topic orders --group billing --name billing-2".to_owned(),
            "prepares to rebalance group billing",
        ),
        (
            FollowWhat::Partition { topic: "orders".into(), partition: 0 },
            "fault crash 2".to_owned(),
            "shrank ISR of orders-0",
        ),
    ] {
        assert!(engine.follow(Some(what)));
        engine.console(8, &line);
        let mut stops = Vec::new();
        go(&mut engine, |engine| {
            engine.take_console(usize::MAX);
            if let Some(view) = engine.take_followed() {
                stops = view.stops.clone();
            }
            stops.iter().any(|stop| word(&stop.stop).contains(wanted))
        });
        // Each is a line of the trace, at its moment.
        assert!(stops.is_sorted_by_key(|stop| stop.at));
        assert!(
            stops.iter().all(|stop| matches!(&stop.stop, Stop::Event { korean, .. } if !korean.is_empty()))
        );
    }
}
