//! Log directories of Apache Kafka's into a data directory, and a data directory's into an archive.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Client, Gateway};

/// What Apache Kafka 4.3.1 wrote; `standalone.txt` beside it says what is in it.
fn kafkas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../logdirs/tests/kafka/standalone.tar.gz")
}

fn fresh(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("log-dirs").join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// Runs the program to its end; gives what it said, and fails if it did not end so.
fn carry(succeeds: bool, args: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_blumfeld-gateway")).args(args).output().unwrap();
    let said = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
    assert_eq!(done.status.success(), succeeds, "{args:?}: {said}");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn kafkas_directories_are_served_and_go_out_again() {
    let (here, there, out) = (fresh("here"), fresh("there"), fresh("out").join("cluster.tar"));
    let said = carry(true, &["import", "--data-dir", text(&here), text(&kafkas())]);
    assert!(said.starts_with("A whole cluster, opened as it is: broker 1; 7 topics"), "{said}");
    let gateway = Gateway::start("log-dirs", &["--data-dir", text(&here)]);
    let mut client = Client::of_leader(&gateway, "codec-gzip");
    assert_eq!(client.end("codec-gzip"), 207);
    assert_eq!(client.produce("codec-gzip", &[b"one more"]), 207);
    // While it is served nobody else has it.
    let said = carry(false, &["export", "--data-dir", text(&here), "--out", text(&out)]);
    assert!(said.contains("another process uses this directory"), "{said}");
    assert_eq!(gateway.stop("-INT"), 0);
    carry(true, &["export", "--data-dir", text(&here), "--out", text(&out)]);
    let said = carry(true, &["import", "--data-dir", text(&there), text(&out)]);
    assert!(said.starts_with("A whole cluster, opened as it is"), "{said}");
    let gateway = Gateway::start("log-dirs-again", &["--data-dir", text(&there)]);
    assert_eq!(Client::of_leader(&gateway, "codec-gzip").end("codec-gzip"), 208);
    assert_eq!(gateway.stop("-INT"), 0);
    // A cluster that is there is not written over.
    let said = carry(false, &["import", "--data-dir", text(&there), text(&out)]);
    assert!(said.contains("a cluster is in it already"), "{said}");
    let said = carry(false, &["export", "--data-dir", text(&there), "--out", text(&out), "--broker", "4"]);
    assert!(said.contains("broker 4 is not in it"), "{said}");
}

#[test]
fn what_is_no_log_directory_leaves_nothing_behind() {
    let (dir, folder) = (fresh("none"), fresh("holiday"));
    fs::write(folder.join("beach.jpg"), b"\xff\xd8").unwrap();
    fs::create_dir_all(folder.join("orders-0")).unwrap();
    fs::write(folder.join("orders-0/00000000000000000000.log"), b"waves and sand and sun").unwrap();
    let said = carry(false, &["import", "--data-dir", text(&dir), text(&folder)]);
    for want in
        ["holiday/beach.jpg is no file of", "00000000000000000000.log does not begin with a record batch"]
    {
        assert!(said.contains(want), "{said}");
    }
    let brokers = fs::read_dir(&dir)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("broker"));
    assert_eq!(brokers.count(), 0);
}

#[test]
fn directories_that_do_not_fit_together_are_not_served() {
    let (first, second) = (fresh("first"), fresh("second"));
    for dir in [&first, &second] {
        carry(true, &["import", "--data-dir", text(dir), text(&kafkas())]);
    }
    // Node 1's directory in the place of broker 2's.
    fs::rename(first.join("broker-1"), second.join("broker-2")).unwrap();
    let said = carry(false, &["serve", "--data-dir", text(&second), "--listen", "127.0.0.1:0"]);
    assert!(said.contains("broker-2 is the log directory of node 1"), "{said}");
}
