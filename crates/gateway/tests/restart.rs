//! What a data directory holds after Ctrl-C, after `kill -9`, and in whose hands.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Client, Gateway, wait_for};

fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    path
}

#[test]
fn a_clean_shutdown_needs_no_recovery() {
    for (signal, count) in [("-INT", "1"), ("-TERM", "3")] {
        let path = directory(&format!("clean-{count}"));
        let args = ["--data-dir", path.to_str().unwrap(), "--brokers", count];
        let gateway = Gateway::start("restart-clean", &args);
        Client::connect(gateway.brokers[0]).create("kept", count.parse().unwrap());
        Client::of_leader(&gateway, "kept").produce("kept", &[b"a", b"b"]);
        assert_eq!(gateway.stop(signal), 0);
        for broker in 1..=count.parse().unwrap() {
            let dir = path.join(format!("broker-{broker}"));
            let files = ["meta.properties", ".kafka_cleanshutdown", "recovery-point-offset-checkpoint"];
            for file in
                files.map(str::to_owned).into_iter().chain(["kept-0/00000000000000000000.log".to_owned()])
            {
                assert!(dir.join(&file).is_file(), "{file} of broker {broker}");
            }
        }
        // Without the flag there are as many brokers as before.
        let gateway = Gateway::start("restart-clean-again", &args[..2]);
        assert_eq!(gateway.brokers.len(), count.parse::<usize>().unwrap());
        let mut client = Client::of_leader(&gateway, "kept");
        assert_eq!(client.end("kept"), 2);
        assert_eq!(client.produce("kept", &[b"c"]), 2);
        let log = gateway.log();
        assert!(log.contains("started after a clean shutdown") && !log.contains("recovered kept-0"), "{log}");
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let path = directory("killed");
    let args = ["--data-dir", path.to_str().unwrap(), "--brokers", "3"];
    let mut want: i64 = 0;
    for round in 0..4 {
        let gateway = Gateway::start("restart-killed", &args);
        if round == 0 {
            Client::connect(gateway.brokers[0]).create("kept", 3);
        }
        let mut client = Client::of_leader(&gateway, "kept");
        assert_eq!(wait_for("the records", || Some(client.end("kept")).filter(|end| *end >= want)), want);
        for _ in 0..50 {
            assert_eq!(client.produce("kept", &[b"one", b"two"]), want);
            want += 2;
        }
        gateway.kill();
    }
    let gateway = Gateway::start("restart-killed", &args);
    let mut client = Client::of_leader(&gateway, "kept");
    assert_eq!(wait_for("the records", || Some(client.end("kept")).filter(|end| *end >= want)), want);
    assert!(client.fetch("kept").windows(3).filter(|part| part == b"two").count() >= 200);
    assert!(gateway.log().contains("recovered kept-0"), "{}", gateway.log());
}

#[test]
fn a_directory_has_one_owner_and_one_size() {
    let path = directory("owned");
    let args = ["--data-dir", path.to_str().unwrap()];
    let gateway = Gateway::start("restart-owned", &args);
    let refused = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_blumfeld-gateway"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(args)
            .args(more)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let second = refused(&[]);
    assert!(second.contains("another process uses this directory"), "{second}");
    assert_eq!(gateway.stop("-INT"), 0);
    let larger = refused(&["--brokers", "3"]);
    assert!(larger.contains("the data directory holds a cluster of 1"), "{larger}");
}
