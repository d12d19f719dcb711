//! The same tests natively and in a browser.

use std::time::Duration;

use blumfeld::{Builder, ProducerRecord};
use cluster_in_wasm::without_leader;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_family = "wasm")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

#[test]
fn a_shorter_session_brings_another_leader_sooner() {
    let (short, long) = (without_leader(7, 6_000).unwrap(), without_leader(7, 18_000).unwrap());
    assert!(short < long, "{short:?} and {long:?}");
    assert_eq!(without_leader(7, 6_000).unwrap(), short, "one seed gives one answer");
}

#[test]
fn records_have_keys_headers_and_bytes() {
    let mut cluster = Builder::new().brokers(3).simulate().unwrap();
    cluster.create_topic("orders", 3, 3).unwrap();
    let order = ProducerRecord::new([0xca, 0xfe]).key("customer-7").header("trace", "42").partition(2);
    let stands = cluster.produce("orders", [order]).unwrap();
    assert_eq!((stands[0].partition, stands[0].offset), (2, 0));
    let records = cluster.records("orders");
    assert_eq!(records[0].value.as_deref(), Some([0xca, 0xfe].as_slice()));
    assert_eq!(records[0].headers, [("trace".to_owned(), Some("42".into()))]);
}

#[test]
fn ten_minutes_pass_in_a_moment_and_retention_deletes_what_is_old() {
    let mut cluster = Builder::new().simulate().unwrap();
    cluster.create_topic("orders", 1, 1).unwrap();
    let minute = "retention.ms=60000";
    let at = cluster.bootstrap_servers();
    let line =
        format!("kafka-configs.sh --bootstrap-server {at} --alter --topic orders --add-config {minute}");
    assert_eq!(cluster.run(&line, "").unwrap().exit, 0);
    cluster.produce("orders", ["an old order"]).unwrap();
    cluster.pass(Duration::from_secs(600));
    assert_eq!(cluster.records("orders"), []);
}
