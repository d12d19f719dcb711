//! `until CONDITION` in the page's engine: time goes on until it is so, and stands still there.

use std::time::Duration;

use blumfeld_view::{Pace, Stream};
use blumfeld_wasm::{Boot, Engine};

fn engine() -> Engine {
    let mut engine = Engine::new(Boot::fresh("until", 11, 1_735_689_600_000, 3, Default::default()));
    while !engine.is_ready() {
        engine.advance(Duration::from_millis(5), || false);
    }
    engine
}

/// Everything that a command wrote, and its exit code if it has ended.
fn said(engine: &mut Engine, id: u32) -> (String, Option<i32>) {
    let (mut text, mut exit) = (String::new(), None);
    for update in engine.take_console(usize::MAX).into_iter().filter(|update| update.id == id) {
        for piece in update.output {
            let mark = if piece.stream == Stream::Err { "! " } else { "" };
            text += &format!("{mark}{}", piece.text);
        }
        exit = exit.or(update.exit);
    }
    (text, exit)
}

fn run(engine: &mut Engine, id: u32, line: &str) -> String {
    engine.console(id, line);
    for _ in 0..1_000 {
        engine.advance(Duration::from_millis(20), || false);
        let (text, exit) = said(engine, id);
        if exit.is_some() {
            return text;
        }
    }
    panic!("{line} does not end");
}

#[test]
fn time_stands_still_where_a_condition_comes_to_be_so() {
    let mut engine = engine();
    let create = "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic orders --partitions 1 \
                  --replication-factor 3 --replica-assignment 2:1:3";
    run(&mut engine, 1, &create.replace("--partitions 1 --replication-factor 3 ", ""));
    engine.fault(blumfeld_view::Fault::Crash(2));
    engine.set_pace(Pace::Times(10.0));
    engine.set_pace(Pace::Paused);
    let before = engine.world().now();
    engine.console(2, r#"until leader("orders", 0) != 2 and not 2 in isr("orders", 0)"#);
    // What stood still goes on at the pace from before.
    assert_eq!(engine.pace(), Pace::Times(10.0));
    let mut turns = 0;
    while engine.pace() != Pace::Paused {
        engine.advance(Duration::from_millis(10), || false);
        turns += 1;
        assert!(turns < 1_000, "{:?}", engine.world().topic_views());
    }
    let (text, exit) = said(&mut engine, 2);
    let now = engine.world().now();
    assert_eq!(
        (text, exit),
        (format!("{now}: leader(\"orders\", 0) != 2 and not 2 in isr(\"orders\", 0)\n"), Some(0))
    );
    assert!(now > before);
    // The event that made it so was the last one.
    let partition = &engine.world().topic_views()[0].partitions[0];
    assert!(partition.leader != 2 && !partition.isr.contains(&2), "{partition:?}");
    let newest = engine.world().trace().newest().map(|line| line.at);
    assert_eq!(newest, Some(now));
    let events = engine.world().events();
    engine.advance(Duration::from_secs(1), || false);
    assert_eq!(engine.world().events(), events);
    // What is so already is so here.
    engine.set_pace(Pace::Times(1.0));
    engine.console(3, "until up(1)");
    assert_eq!(said(&mut engine, 3).1, Some(0));
    assert_eq!(engine.pace(), Pace::Paused);
}

#[test]
fn what_cannot_be_waited_for_is_said_and_a_wait_can_be_ended() {
    let mut engine = engine();
    engine.console(1, "until isr(\"orders\" 0) == [1]");
    let (text, exit) = said(&mut engine, 1);
    assert_eq!(exit, Some(1));
    assert_eq!(
        text,
        "! isr(\"orders\" 0) == [1]\n             ^\nblumfeld: until: `,` or `)` is expected where `0` stands\n"
    );
    engine.console(2, "until hw(\"orders\", 0) > 5");
    assert_eq!(said(&mut engine, 2), ("There is no topic orders yet, nor any other.\n".to_owned(), None));
    engine.set_language("ko");
    engine.interrupt(2);
    assert_eq!(said(&mut engine, 2), ("! hw(\"orders\", 0) is not known\n".to_owned(), Some(130)));
    engine.console(3, "until time = 1s");
    assert!(said(&mut engine, 3).0.ends_with("`==` 자리에 `=` 값이 있습니다\n"));
    // A moment between two events is met to the microsecond, however fast the clock runs.
    engine.console(4, "until time >= 30.123457s");
    assert_eq!(engine.ready_view().0.clock.waits[0].condition, "time >= 30.123457s");
    engine.set_pace(Pace::Times(1_000.0));
    for _ in 0..10 {
        engine.advance(Duration::from_millis(250), || false);
    }
    assert_eq!(engine.pace(), Pace::Paused);
    assert_eq!(engine.world().now().as_micros(), 30_123_457);
    assert_eq!(engine.ready_view().0.clock.waits, []);
}

#[test]
fn what_was_seen_counts_from_the_wait_on() {
    let mut engine = engine();
    run(
        &mut engine,
        1,
        "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic orders --partitions 1 --replication-factor 3 \
         --config min.insync.replicas=3",
    );
    engine.console(2, "until saw(NOT_ENOUGH_REPLICAS, \"Produce\") or saw(election, \"orders-0\")");
    engine.advance(Duration::from_secs(5), || false);
    // The election of its first leader was before.
    assert_eq!(said(&mut engine, 2), (String::new(), None));
    let leader = engine.world().topic_views().iter().find(|topic| topic.name == "orders").unwrap().partitions
        [0]
    .leader;
    engine.console(3, &format!("fault isolate {}", leader % 3 + 1));
    engine.console(4, "until isr(\"orders\", 0) != [1, 2, 3]");
    engine.set_pace(Pace::Fastest);
    let go = |engine: &mut Engine| {
        for _ in 0..2_000 {
            engine.advance(Duration::from_millis(100), || false);
            if engine.pace() == Pace::Paused {
                return;
            }
        }
        panic!("it did not come about");
    };
    go(&mut engine);
    assert_eq!(said(&mut engine, 4).1, Some(0));
    engine
        .console(5, "echo one | kafka-console-producer.sh --bootstrap-server localhost:9092 --topic orders");
    engine.set_pace(Pace::Fastest);
    go(&mut engine);
    assert_eq!(said(&mut engine, 2).1, Some(0));
}
