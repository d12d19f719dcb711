//! The console's `fault`: what the shell explains is what the world can do, and a record replays it.
#![cfg(not(target_arch = "wasm32"))]

#[allow(dead_code, reason = "what the replay tests share is more than is needed here")]
mod common;

use std::time::Duration;

use blumfeld_shell::FAULTS;
use blumfeld_sim::{Fault, FaultError};
use blumfeld_view::Durability;
use blumfeld_wasm::replay;
use common::Desk;

#[test]
fn every_fault_is_explained_with_an_example_that_can_be_typed() {
    let Err(FaultError::Word { known, .. }) = Fault::parse("no-such-fault") else { panic!("no such fault") };
    for word in known {
        assert!(FAULTS.iter().any(|fault| fault.usage.split(' ').next() == Some(word)), "{word}");
    }
    for fault in FAULTS.iter().filter(|fault| !["list", "observed NAME"].contains(&fault.usage)) {
        let parsed = Fault::parse(fault.example).map(|parsed| parsed.to_string());
        assert_eq!(parsed.as_deref(), Ok(fault.example));
        let (usage, example) = (fault.usage.split(' ').count(), fault.example.split(' ').count());
        assert!(example <= usage || fault.usage.ends_with('…'), "{}: {}", fault.usage, fault.example);
    }
}

#[test]
fn the_console_breaks_and_mends_and_says_what_is_broken() {
    let mut desk = Desk::new(1, Durability::Relaxed);
    let explained = desk.ok("fault", "");
    assert!(explained.contains("cut A B") && explained.contains("\n      fault cut 1 2\n"), "{explained}");
    assert!(desk.ok("fault ko", "").contains("브로커 프로세스를 죽입니다"));
    assert_eq!(desk.ok("fault list", ""), "Nothing is broken.\n");
    for line in ["cut clients 1", "disk slow 1 20", "skew 1 -5000", "request 1 Fetch delay 100 2", "pause 1"]
    {
        assert_eq!(desk.ok(&format!("fault  {line}"), ""), "");
    }
    assert_eq!(
        desk.ok("fault list", ""),
        "fault pause 1\nfault skew 1 -5000\nfault disk slow 1 20\nfault cut 1 clients\nfault request 1 Fetch delay 100 2\n"
    );
    for line in ["fault heal", "fault disk ok 1", "fault skew 1 0", "fault resume 1"] {
        assert_eq!(desk.ok(line, ""), "");
    }
    assert_eq!(desk.ok("fault list", ""), "Nothing is broken.\n");
    for (line, want) in [
        ("fault crash 7", "blumfeld: there is no broker 7 here; there are 1\n"),
        ("fault pause client-99", "blumfeld: client-99 does not run\n"),
        ("fault cut 1 1", "blumfeld: 1 and 1 are one side\n"),
        ("fault restart 1", "blumfeld: broker-1 is up\n"),
        ("fault resume 1", "blumfeld: broker-1 is not paused\n"),
        (
            "fault request 1 AddRaftVoter error INVALID_REQUEST",
            "blumfeld: an answer with an error is not known",
        ),
        ("fault pause", "blumfeld: after `pause` a node is missing\n"),
    ] {
        let ran = desk.run(line, "");
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{line}");
        assert!(ran.stderr.starts_with(want), "{line}: {}", ran.stderr);
    }
}

#[test]
fn faults_of_the_console_are_replayed() {
    let mut desk = Desk::new(3, Durability::Relaxed);
    let at = "--bootstrap-server localhost:9092";
    desk.ok(&format!("kafka-topics.sh {at} --create --topic orders"), "");
    for fault in ["lose-response 1 Produce", "drop clients 1 20%", "jitter clients 1 30", "clock-jump 1 9000"]
    {
        desk.ok(&format!("fault {fault}"), "");
    }
    let plain = "--command-property enable.idempotence=false";
    desk.ok(&format!("kafka-console-producer.sh {at} --topic orders {plain}"), "a\nb\nc\n");
    for trigger in [
        "on Produce as seen observe",
        "on Produce topic orders while leader orders-0 1 probability 50% error NOT_LEADER_OR_FOLLOWER",
        "on Fetch every 5 delay 20",
        r#"on Produce as answered nth 4 answer '{"throttleTimeMs": 1}'"#,
        "on Produce as held do crash here",
        "disarm held",
    ] {
        desk.ok(&format!("fault {trigger}"), "");
    }
    desk.ok(&format!("kafka-console-producer.sh {at} --topic orders {plain}"), "a\nb\nc\n");
    let seen = desk.ok("fault observed seen", "");
    assert!(seen.contains(r#""value":"b""#), "{seen}");
    desk.ok("fault crash 1", "");
    desk.pass(Duration::from_millis(300));
    desk.ok("fault restart 1", "");
    desk.ok("fault heal", "");
    desk.pass(Duration::from_secs(20));
    desk.engine.sync();
    let record = desk.engine.record().borrow().to_json();
    let again = replay(&record).unwrap();
    assert_eq!(
        (again.digest(), again.world().events()),
        (desk.engine.digest(), desk.engine.world().events())
    );
    // The response that was lost had the producer send its records again.
    let read = desk.read_all("orders", 1);
    assert!(read.len() > 3 && read.iter().all(|line| ["a", "b", "c"].contains(&&**line)), "{read:?}");
}

#[test]
fn the_words_of_faults_are_completed() {
    let desk = Desk::new(1, Durability::Relaxed);
    for (line, want) in [
        ("fau", "fault"),
        ("fault isol", "isolate"),
        ("fault isolate ", "1"),
        ("fault cut ", "1 clients"),
        ("fault disk ", "fail full ok slow"),
        ("fault request 1 Prod", "Produce"),
        ("fault request 1 Produce ", "delay drop error"),
        ("fault request 1 Produce error FENCED_L", "FENCED_LEADER_EPOCH"),
        ("fault latency 1 clients 5 ", "oneway"),
        ("fault crash 1 ", ""),
        ("fault on Prod", "Produce"),
        ("fault on Produce obs", "observe"),
        ("fault on Produce broker ", "1"),
        ("fault on Produce once error FENCED_L", "FENCED_LEADER_EPOCH"),
        ("fault on Produce once do isol", "isolate"),
        ("fault nothing ", ""),
    ] {
        let (words, _) = desk.engine.complete(line);
        assert_eq!(words.join(" "), want, "{line}");
    }
}
