//! Clients in the background: what the console says of them, how they are drawn, and that a record begins them again.
#![cfg(not(target_arch = "wasm32"))]

#[allow(dead_code, reason = "what the replay tests share is more than is needed here")]
mod common;

use std::time::Duration;

use blumfeld_view::{ClientRole, ClientState, ClientView, Durability, Pace};
use blumfeld_wasm::replay;
use common::{Desk, Ran};

const AT: &str = "--bootstrap-server localhost:9092";

fn desk(partitions: u32) -> Desk {
    let mut desk = Desk::new(7, Durability::Relaxed);
    desk.ok(&format!("kafka-topics.sh {AT} --create --topic orders --partitions {partitions}"), "");
    desk
}

fn clients(desk: &mut Desk) -> Vec<ClientView> {
    desk.engine.ready_view().0.clients
}

/// The client of a name, as it stands.
fn client(desk: &mut Desk, name: &str) -> ClientView {
    clients(desk).into_iter().find(|client| client.name == name).unwrap_or_else(|| panic!("{name} is gone"))
}

/// Lets virtual time pass until something is true.
fn until(desk: &mut Desk, what: &str, mut is: impl FnMut(&[ClientView]) -> bool) {
    for _ in 0..6_000 {
        let clients = clients(desk);
        if is(&clients) {
            return;
        }
        desk.pass(Duration::from_millis(20));
    }
    panic!("{what} never came: {:#?}", clients(desk));
}

fn owned(client: &ClientView) -> Vec<i32> {
    let ClientRole::Consumer(consumer) = &client.role else { return Vec::new() };
    consumer.partitions.iter().map(|read| read.partition).collect()
}

fn named<'a>(clients: &'a [ClientView], name: &str) -> Option<&'a ClientView> {
    clients.iter().find(|client| client.name == name)
}

#[test]
fn the_console_is_free_while_they_run_and_they_end_in_order() {
    let mut desk = desk(2);
    let said = desk.ok("workload start produce --topic orders --rate 100", "");
    assert_eq!(said, "producer-1 runs in the background, until: workload stop producer-1\n");
    let group = "--topic orders --group billing --from-beginning";
    desk.ok(&format!("workload start consume {group} --processing-ms 5"), "");
    desk.ok(&format!("workload start consume {group} --name slow --processing-ms 200"), "");
    until(&mut desk, "one partition each", |clients| {
        let (one, two) = (named(clients, "consumer-1"), named(clients, "slow"));
        one.zip(two).is_some_and(|(one, two)| owned(one).len() == 1 && owned(two).len() == 1)
    });
    let lines = desk.ok("workload list", "");
    assert_eq!(
        lines,
        format!(
            "consumer-1  running   workload start consume {group} --processing-ms 5\n\
             producer-1  running   workload start produce --topic orders --rate 100\n\
             slow        running   workload start consume {group} --name slow --processing-ms 200\n"
        )
    );
    until(&mut desk, "a record under work", |clients| {
        let Some(ClientRole::Consumer(slow)) = named(clients, "slow").map(|client| &client.role) else {
            return false;
        };
        slow.working.is_some() && slow.partitions.iter().all(|read| read.committed >= 0)
    });
    let ClientRole::Consumer(slow) = client(&mut desk, "slow").role else { panic!("it reads") };
    let read = &slow.partitions[0];
    assert_eq!((slow.step.as_str(), slow.group.as_str(), slow.coordinator), ("Stable", "billing", 1));
    assert!(read.committed <= read.position && read.position <= read.high_watermark, "{read:?}");
    // When one leaves, the other has all.
    let said = desk.ok("workload stop slow", "");
    assert!(said.starts_with("slow: ") && said.contains("in all processed "), "{said}");
    until(&mut desk, "all of it for the other", |clients| {
        named(clients, "consumer-1").is_some_and(|client| owned(client) == [0, 1])
    });
    let log = desk.ok("workload log producer-1", "");
    assert!(log.contains("producer-1 sends 100 records a second to orders, without keys"), "{log}");
    assert!(client(&mut desk, "producer-1").output.iter().any(|line| line.contains("acknowledged 100")));
    let said = desk.ok("workload stop all", "");
    assert!(said.contains("producer-1: ") && said.contains("consumer-1: "), "{said}");
    assert_eq!(desk.ok("workload list", ""), "Nothing runs in the background.\n");
    assert!(clients(&mut desk).is_empty());
}

#[test]
fn a_producer_is_drawn_with_what_waits_and_what_is_in_flight() {
    let mut desk = desk(2);
    // A long linger and a slow network: batches are open, and requests under way.
    desk.ok("fault latency clients 1 400", "");
    desk.ok(
        "workload start produce --topic orders --rate 100 --keys 20 --linger-ms 300 --batch-size 2000",
        "",
    );
    until(&mut desk, "open batches and requests in flight", |clients| {
        let Some(ClientRole::Producer(producer)) = named(clients, "producer-1").map(|client| &client.role)
        else {
            return false;
        };
        let waits = producer.waiting.iter().any(|waiting| waiting.batches > 0 && waiting.since.is_some());
        waits && producer.in_flight.iter().any(|to| to.batches > 0) && producer.acknowledged > 0
    });
    let view = client(&mut desk, "producer-1");
    let ClientRole::Producer(producer) = view.role else { panic!("it writes") };
    assert_eq!((producer.acks.as_str(), producer.idempotent, producer.linger_ms), ("all", true, 300));
    assert!(producer.producer_id >= 0 && producer.producer_epoch == 0, "{producer:?}");
    assert_eq!(producer.waiting.iter().map(|waiting| waiting.partition).collect::<Vec<_>>(), [0, 1]);
    assert!(producer.buffer_used > 0 && producer.buffer_used < producer.buffer_memory, "{producer:?}");
    for to in &producer.in_flight {
        assert!(to.broker == 1 && to.requests <= producer.max_in_flight, "{to:?}");
    }
    for waiting in &producer.waiting {
        assert!(
            waiting.open_bytes <= producer.batch_size && waiting.open_bytes <= waiting.bytes,
            "{waiting:?}"
        );
    }
    until(&mut desk, "a rate", |clients| {
        named(clients, "producer-1").is_some_and(|client| (50.0..150.0).contains(&client.rate))
    });
}

#[test]
fn a_command_of_the_console_is_drawn_too() {
    let mut desk = desk(1);
    desk.engine.console(90, "workload produce --topic orders --rate 50");
    desk.engine.console(91, &format!("kafka-console-consumer.sh {AT} --topic orders --group g"));
    until(&mut desk, "both", |clients| {
        clients.iter().all(|client| client.name.is_empty()) && clients.len() == 2
    });
    desk.engine.interrupt(90);
    desk.engine.interrupt(91);
    until(&mut desk, "the end of both", <[ClientView]>::is_empty);
}

#[test]
fn what_cannot_be_done_is_said() {
    let mut desk = desk(1);
    desk.ok("workload start produce --topic orders --name one", "");
    for (line, want) in [
        ("workload start", "it is written workload start produce …, start consume …, or start transform …"),
        ("workload start cook", "workload start knows produce, consume and transform, not cook"),
        ("workload start produce", "workload produce needs --topic"),
        ("workload start produce --topic orders --rate 0", "--rate is a number from 1 to 1000000, not 0"),
        ("workload start produce --topic orders --name one", "one runs already; stop it first"),
        ("workload start produce --topic orders --name", "--name needs a value"),
        ("workload start produce --name a --name=b", "--name stands there twice"),
        (
            "workload start produce --topic orders --name all",
            "--name is 1 to 100 letters, digits, dots, underscores or dashes, and not all; not all",
        ),
        ("workload stop", "it is written workload stop NAME, or stop all"),
        ("workload stop two", "nothing in the background is named two; workload list says what there is"),
        ("workload log two", "nothing in the background is named two; workload list says what there is"),
        ("workload list all", "workload list takes nothing more, not all"),
    ] {
        let ran = desk.run(line, "");
        let want = format!("blumfeld: {want}\n");
        assert_eq!(ran, Ran { stderr: want, code: Some(1), ..Ran::default() }, "{line}");
    }
    // Help is the shell's own.
    assert!(desk.ok("workload start produce --help", "").starts_with("workload produce\n"));
    for number in 2..=32 {
        desk.ok(&format!("workload start produce --topic orders --rate 1 --name p{number}"), "");
    }
    let ran = desk.run("workload start consume --topic orders --group g", "");
    assert_eq!(
        ran.stderr,
        "blumfeld: 32 clients run in the background, which is as many as there can be; stop one first\n"
    );
    assert_eq!(clients(&mut desk).len(), 32);
}

#[test]
fn one_that_ends_by_itself_stays_and_says_why() {
    let mut desk = desk(1);
    desk.ok("workload start produce --topic orders --rate 50 --num-records 10", "");
    until(&mut desk, "its end", |clients| {
        named(clients, "producer-1").is_some_and(|client| client.state == ClientState::Ended(0))
    });
    let view = client(&mut desk, "producer-1");
    assert!(view.output.iter().any(|line| line.contains("in all sent 10, acknowledged 10")), "{view:?}");
    let ClientRole::Producer(producer) = view.role else { panic!("it writes") };
    assert_eq!((producer.acknowledged, producer.failed), (10, 0));
    assert!(desk.ok("workload list", "").starts_with("producer-1  ended 0 "));
    // Its name can be another's; and what has ended is stopped by a word.
    desk.ok("workload start produce --topic orders --num-records 1 --name producer-1", "");
    until(&mut desk, "the end of the second", |clients| {
        named(clients, "producer-1").is_some_and(|client| client.state == ClientState::Ended(0))
    });
    assert_eq!(desk.ok("workload stop producer-1", ""), "");
    assert!(clients(&mut desk).is_empty());
}

#[test]
fn a_stop_that_is_interrupted_goes_on_without_its_command() {
    let mut desk = desk(1);
    desk.ok("workload start produce --topic orders", "");
    desk.pass(Duration::from_secs(2));
    // Nothing is answered any more, so it cannot end in order.
    desk.ok("fault cut clients 1", "");
    desk.engine.console(90, "workload stop producer-1");
    desk.pass(Duration::from_secs(1));
    assert_eq!(client(&mut desk, "producer-1").state, ClientState::Stopping);
    desk.engine.interrupt(90);
    let ended = desk.engine.take_console(usize::MAX);
    assert_eq!(ended.iter().map(|update| (update.id, update.exit)).collect::<Vec<_>>(), [(90, Some(130))]);
    // A second time it does not wait.
    let said = desk.ok("workload stop producer-1", "");
    assert!(said.contains("records are given up"), "{said}");
}

#[test]
fn a_record_begins_them_again_and_comes_to_the_same() {
    let mut desk = desk(3);
    desk.ok("workload start produce --topic orders --rate 80 --keys 9 --distribution zipf", "");
    desk.ok("workload start consume --topic orders --group g --from-beginning", "");
    desk.ok("workload start produce --topic orders --num-records 5", "");
    desk.pass(Duration::from_secs(3));
    desk.ok("workload start consume --topic orders --group g", "");
    desk.pass(Duration::from_secs(3));
    desk.ok("workload stop consumer-1", "");
    // Its name is free again, and its number is taken as it was.
    desk.ok("workload start consume --topic orders --group g", "");
    desk.pass(Duration::from_secs(2));
    desk.ok("workload stop all", "");
    desk.engine.sync();
    let record = desk.engine.record().borrow().to_json();
    let again = replay(&record).unwrap();
    assert_eq!(again.digest(), desk.engine.digest());
    assert_eq!(again.world().events(), desk.engine.world().events());
    assert_eq!(again.record().borrow().to_json(), record);
}

#[test]
fn as_fast_as_possible_goes_on_while_one_runs() {
    let mut desk = desk(1);
    desk.engine.set_pace(Pace::Fastest);
    desk.ok("workload start produce --topic orders --rate 1", "");
    assert!(desk.engine.advance(Duration::from_millis(1), || true), "there is more to do at once");
    desk.ok("workload stop all", "");
    assert!(!desk.engine.advance(Duration::from_millis(1), || true), "nothing runs");
}
