//! A command beside a cluster, and what a script is told.
#![cfg(unix)]

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};

fn gateway(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blumfeld-gateway"));
    command.args(args).env_remove("BOOTSTRAP_SERVERS").output().unwrap()
}

#[test]
fn a_command_runs_beside_a_cluster_and_its_exit_code_is_ours() {
    const BROKERS: [&str; 4] = ["exec", "--log-level", "error", "--brokers"];
    for (brokers, command, exit, out, err) in [
        ("1", "echo $BOOTSTRAP_SERVERS | tr , '\\n' | grep -c '^127.0.0.1:[0-9]*$'", 0, "1\n", ""),
        ("3", "echo $BOOTSTRAP_SERVERS | tr , '\\n' | grep -c '^127.0.0.1:[0-9]*$'", 0, "3\n", ""),
        ("1", "exit 7", 7, "", ""),
        ("1", "kill -TERM $$", 143, "", ""),
        ("1", "cat; echo said >&2", 0, "", "said\n"),
    ] {
        let args = [&BROKERS[..], &[brokers, "--", "sh", "-c", command]].concat();
        let output = gateway(&args);
        assert_eq!(output.status.code(), Some(exit), "{command}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), out, "{command}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), err, "{command}");
    }
}

#[test]
fn the_ready_file_says_where_a_cluster_listens_until_it_ends() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ready.json");
    let file = path.to_str().unwrap();
    let output = gateway(&["exec", "--brokers", "2", "--ready-file", file, "--", "cat", file]);
    let said = String::from_utf8_lossy(&output.stdout);
    let ready: serde_json::Value = serde_json::from_str(&said).unwrap();
    let brokers = ready["brokers"].as_array().unwrap();
    let at = |at: usize| format!("{}:{}", brokers[at]["host"].as_str().unwrap(), brokers[at]["port"]);
    assert_eq!((&brokers[0]["id"], &brokers[1]["id"]), (&1.into(), &2.into()));
    assert_eq!(ready["bootstrapServers"], format!("{},{}", at(0), at(1)));
    assert!(TcpStream::connect(at(0)).is_err(), "it has ended");
}

#[test]
fn what_cannot_be_run_is_named() {
    for (args, said) in [
        (&["exec", "--", "/no/such/program"][..], "cannot run /no/such/program"),
        (&["exec", "--control", "--", "true"], "--control: the standard input is the command's"),
        (&["exec", "--ready-file", "/no/such/folder/f", "--", "true"], "--ready-file /no/such/folder/f"),
        (&["exec", "--listen", "nowhere", "--", "true"], "--listen nowhere is not HOST:PORT"),
        (&["exec"], "the following required arguments were not provided"),
    ] {
        let output = gateway(args);
        assert!(!output.status.success(), "{args:?}");
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(err.contains(said), "{args:?}: {err}");
    }
}
