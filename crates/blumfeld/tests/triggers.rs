//! Triggers on requests, of both kinds of clusters.

use std::time::Duration;

use blumfeld::{Builder, Cluster, Error, Simulation};
use serde_json::json;

fn simulation(brokers: u16) -> Simulation {
    let mut cluster = Builder::new().brokers(brokers).seed(3).simulate().unwrap();
    cluster.create_topic("orders", 1, brokers).unwrap();
    cluster
}

#[test]
fn a_leader_crashes_when_the_third_write_comes_and_nothing_acknowledged_is_lost() {
    let mut cluster = simulation(3);
    let leader = cluster.view().leader("orders", 0).unwrap();
    cluster.on("Produce").topic("orders").nth(3).inject("crash here").unwrap();
    for n in 0..5 {
        cluster.produce("orders", [format!("order {n}")]).unwrap();
    }
    assert!(!cluster.view().broker(leader).unwrap().up);
    let values: Vec<_> = cluster.records("orders").into_iter().filter_map(|record| record.value).collect();
    assert_eq!(values, (0..5).map(|n| format!("order {n}")).collect::<Vec<_>>());
}

#[test]
fn what_came_is_observed_and_what_was_answered_with_an_error_is_sent_again() {
    let mut cluster = simulation(1);
    let seen = cluster.on("Produce").topic("orders").observe(10).unwrap();
    cluster.on("Produce").topic("orders").times(2).error("NOT_LEADER_OR_FOLLOWER").unwrap();
    let elsewhere = cluster.on("Produce").topic("payments").error("NOT_LEADER_OR_FOLLOWER").unwrap();
    cluster.produce("orders", ["one"]).unwrap();
    let requests = cluster.observed(&seen).unwrap();
    assert_eq!(requests.len(), 3, "{requests:?}");
    for request in &requests {
        assert_eq!((request.broker, request.api.as_str()), (1, "Produce"));
        let partition = &request.fields["topicData"][0]["partitionData"][0];
        assert_eq!(partition["records"][0]["value"], "one", "{}", request.fields);
    }
    cluster.off(&seen).unwrap();
    cluster.produce("orders", ["two"]).unwrap();
    assert_eq!(cluster.observed(&seen).unwrap().len(), 3);
    assert!(matches!(cluster.off(&seen), Err(Error::Refused(_))));
    assert!(matches!(cluster.observed(&elsewhere), Err(Error::Refused(_))));
}

#[test]
fn who_lets_requests_go_on_sees_each_whatever_was_set_first() {
    let mut cluster = simulation(3);
    let before = cluster.on("Produce").observe(10).unwrap();
    cluster.on("Produce").once().error("NOT_ENOUGH_REPLICAS").unwrap();
    let behind = cluster.on("Produce").observe(10).unwrap();
    cluster.on("Produce").nth(2).inject("latency 1 2 5").unwrap();
    cluster.produce("orders", ["one"]).unwrap();
    let requests = cluster.observed(&before).unwrap();
    assert_eq!(requests.len(), 2, "what was refused was sent again");
    assert_eq!(cluster.observed(&behind).unwrap(), requests);
    assert!(
        cluster.view().faults.iter().any(|fault| fault.starts_with("latency")),
        "it counted what was refused"
    );
}

#[test]
fn a_trigger_is_held_while_its_condition_is_not_so() {
    let mut cluster = simulation(3);
    let leader = cluster.view().leader("orders", 0).unwrap();
    let other = (1..=3).find(|id| *id != leader).unwrap();
    let up = move |view: &blumfeld::View| view.broker(other).is_some_and(|broker| broker.up);
    let seen = cluster.on("Produce").while_(move |view| !up(view)).observe(10).unwrap();
    cluster.produce("orders", ["before"]).unwrap();
    assert_eq!(cluster.observed(&seen).unwrap().len(), 0);
    cluster.fault(&format!("crash {other}")).unwrap();
    cluster.pass(Duration::from_secs(1));
    cluster.produce("orders", ["while"]).unwrap();
    let count = cluster.observed(&seen).unwrap().len();
    assert!(count > 0);
    cluster.fault(&format!("restart {other}")).unwrap();
    cluster.pass(Duration::from_secs(30));
    cluster.produce("orders", ["after"]).unwrap();
    assert_eq!(cluster.observed(&seen).unwrap().len(), count);
}

#[test]
fn on_sockets_too() {
    let cluster = Cluster::builder().brokers(3).seed(4).start().unwrap();
    cluster.create_topic("orders", 1, 3).unwrap();
    let leader = cluster.view().unwrap().leader("orders", 0).unwrap();
    let up = move |view: &blumfeld::View| view.broker(leader).is_some_and(|broker| broker.up);
    let seen = cluster.on("Produce").client_id("a b").observe(10).unwrap();
    let held = cluster.on("Produce").while_(move |view| !up(view)).delay(Duration::from_millis(5)).unwrap();
    cluster.on("Produce").topic("orders").nth(2).inject("crash here").unwrap();
    for order in ["one", "two", "three"] {
        cluster.produce("orders", [order]).unwrap();
    }
    assert!(!up(&cluster.view().unwrap()));
    assert_eq!(cluster.records("orders").unwrap().len(), 3);
    assert_eq!(cluster.observed(&seen).unwrap(), []);
    cluster.off(&held).unwrap();
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_put_in_force() {
    let mut cluster = simulation(1);
    let wrong = |said: Result<blumfeld::Trigger, Error>, want: &str| match said {
        Err(Error::Refused(said)) => assert!(said.contains(want), "{said}"),
        other => panic!("{want}: {other:?}"),
    };
    wrong(cluster.on("Produces").drop_requests(), "Produces is no API; did you mean Produce?");
    wrong(cluster.on("Produce").nth(10).once().inject("crash here"), "takes one of `nth 10` and `times 1`");
    wrong(cluster.on("Produce").every(2).times(3).drop_requests(), "takes one of `every 2` and `times 3`");
    wrong(cluster.on("Produce").error("NO_SUCH_ERROR"), "NO_SUCH_ERROR is no error of Kafka's");
    wrong(cluster.on("any").error("NOT_CONTROLLER"), "say which API");
    wrong(cluster.on("Produce").broker(7).drop_requests(), "there is no broker 7");
    wrong(cluster.on("Produce").nth(0).drop_requests(), "0 is no count");
    wrong(cluster.on("Produce").with_probability(101).drop_requests(), "101 is no percentage");
    wrong(cluster.on("Produce").observe(0), "0 is no count");
    wrong(cluster.on("Produce").answer(&json!({ "offset": 1 })), "there is no field offset");
    wrong(cluster.on("Produce").inject("crash nobody"), "nobody is no node");
    assert_eq!(cluster.view().faults, [""; 0]);
}

#[test]
fn a_new_producer_writes_a_second_after_a_broker_has_crashed() {
    // A broker that has just become the leader of the quorum asks itself for a block of producer ids.
    for seed in 0..10 {
        for crashed in 1..=3 {
            let mut cluster = Builder::new().brokers(3).seed(seed).simulate().unwrap();
            cluster.create_topic("orders", 1, 3).unwrap();
            cluster.fault(&format!("crash {crashed}")).unwrap();
            cluster.pass(Duration::from_secs(1));
            let written = cluster.produce("orders", ["one"]);
            assert!(written.is_ok(), "seed {seed}, broker {crashed}: {written:?}");
        }
    }
}
