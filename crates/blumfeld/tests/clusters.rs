//! Clusters on loopback ports: what a test does with one, and that nothing is left of a thousand.
#![allow(clippy::disallowed_methods, reason = "the operating system is asked what is left")]

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use blumfeld::{Builder, Cluster, Error};

/// How many clusters are started one after the other.
const MANY: usize = 1_000;
/// How many run at once.
const AT_ONCE: usize = 20;

#[test]
fn a_leader_that_crashes_is_replaced_and_nothing_acknowledged_is_lost() {
    let cluster = Cluster::builder().brokers(3).seed(5).start().unwrap();
    cluster.create_topic("orders", 2, 3).unwrap();
    cluster.produce("orders", (0..50).map(|n| format!("order {n}"))).unwrap();
    let leader = cluster.view().unwrap().leader("orders", 0).unwrap();
    cluster.fault(&format!("crash {leader}")).unwrap();
    let view = cluster.until("orders-0 has another leader", |view| {
        view.leader("orders", 0).is_some_and(|now| now != leader)
    });
    assert!(!view.unwrap().broker(leader).unwrap().up);
    cluster.produce("orders", ["one more"]).unwrap();
    assert_eq!(cluster.records("orders").unwrap().len(), 51);
    cluster.fault(&format!("restart {leader}")).unwrap();
    let whole = |view: &blumfeld::View| {
        view.topic("orders").is_some_and(|topic| topic.partitions.iter().all(|one| one.isr.len() == 3))
    };
    cluster.until("every replica of orders is in sync", whole).unwrap();
}

#[test]
fn min_insync_replicas_is_every_topics_unless_it_has_its_own() {
    let builder = Cluster::builder().brokers(3).config("min.insync.replicas", "3").seed(5);
    let mut cluster = builder.patience(Duration::from_secs(20)).simulate().unwrap();
    cluster.create_topic("all", 1, 3).unwrap();
    cluster.create_topic_with("one", 1, 3, &[("min.insync.replicas", "1"), ("retention.ms", "-1")]).unwrap();
    // It never wants more than there are.
    cluster.create_topic("single", 1, 1).unwrap();
    let follower = |view: &blumfeld::View| {
        let others =
            (1..=3).filter(|id| ["all", "single"].iter().all(|topic| view.leader(topic, 0) != Some(*id)));
        others.max().unwrap()
    };
    let down = follower(&cluster.view());
    for topic in ["all", "one", "single"] {
        cluster.produce(topic, ["three brokers"]).unwrap();
    }
    cluster.fault(&format!("crash {down}")).unwrap();
    let shrunk = |view: &blumfeld::View| view.partition("all", 0).is_some_and(|all| all.isr.len() == 2);
    cluster.until("the ISR of all is without the broker", shrunk).unwrap();
    let seen = cluster.on("Produce").observe(1_000).unwrap();
    assert!(matches!(cluster.produce("all", ["two brokers"]), Err(Error::NotYet { .. })));
    assert!(cluster.observed(&seen).unwrap().len() > 10, "it was refused and sent again");
    for topic in ["one", "single"] {
        cluster.produce(topic, ["two brokers"]).unwrap();
    }
    for (topic, count) in [("all", 1), ("one", 2), ("single", 2)] {
        assert_eq!(cluster.records(topic).len(), count, "{topic}");
    }
    let wrong = Cluster::builder().config("min.insync.replicas", "0").simulate().unwrap_err().to_string();
    assert!(wrong.contains("'0' is no value of min.insync.replicas"), "{wrong}");
    for name in ["min.insinc.replicas", "log.dirs"] {
        let wrong = Cluster::builder().config(name, "2").simulate().unwrap_err().to_string();
        assert!(wrong.contains(&format!("the config {name} cannot be given")), "{wrong}");
    }
}

#[test]
fn what_is_wrong_is_said_in_words() {
    let cluster = Cluster::builder().patience(Duration::from_millis(100)).start().unwrap();
    let error = cluster.until("there is a topic t", |view| view.topic("t").is_some()).unwrap_err();
    let said = error.to_string();
    assert!(
        said.starts_with("after 0.1 s it is still not so that there is a topic t. Brokers: 1 running."),
        "{said}"
    );
    let said = cluster.fault("crash 7").unwrap_err().to_string();
    assert!(said.contains("there is no broker 7"), "{said}");
    let said = cluster.create_topic("orders", 1, 3).unwrap_err().to_string();
    assert!(said.contains("replication factor"), "{said}");
    let said = cluster.run("kafka-nothing.sh", "").unwrap_err().to_string();
    assert!(said.contains("kafka-nothing.sh"), "{said}");
    // A tool that does not end is ended.
    let line = format!(
        "kafka-console-consumer.sh --bootstrap-server {} --topic __none --from-beginning",
        cluster.bootstrap_servers()
    );
    let said = cluster.run(&line, "").unwrap_err().to_string();
    assert!(said.contains("has ended") && said.contains("It said: "), "{said}");
    for brokers in [0, 10] {
        let said = Cluster::builder().brokers(brokers).start().unwrap_err().to_string();
        assert!(said.contains("1 to 9 brokers"), "{said}");
    }
}

#[test]
fn brokers_come_and_go() {
    let cluster = Cluster::builder().brokers(1).start().unwrap();
    let added = cluster.add_broker().unwrap();
    cluster
        .until("the new broker runs", |view| view.broker(added).is_some_and(|one| one.state == "running"))
        .unwrap();
    assert!(TcpStream::connect(cluster.address(added).unwrap()).is_ok());
    cluster.remove_broker(added).unwrap();
    cluster.until("it is gone", |view| view.broker(added).is_none()).unwrap();
    let said = cluster.remove_broker(1).unwrap_err().to_string();
    assert!(said.contains("broker-1 is a voter"), "{said}");
}

/// Threads and open files of this process, and its resident memory in kB.
#[cfg(target_os = "linux")]
fn held() -> (usize, usize, u64) {
    let count = |path: &str| std::fs::read_dir(path).unwrap().count();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kb = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    (count("/proc/self/task"), count("/proc/self/fd"), kb)
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_of_a_thousand_clusters() {
    // In a process of its own: the other tests have threads and files as well.
    if std::env::var_os("BLUMFELD_ALONE").is_none() {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "nothing_is_left_of_a_thousand_clusters"]).env("BLUMFELD_ALONE", "1");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let start = || Cluster::builder().brokers(3).start().unwrap();
    (0..20).for_each(|_| drop(start()));
    let before = held();
    for _ in 0..MANY {
        let cluster = start();
        let address = cluster.address(3).unwrap();
        drop(TcpStream::connect(address).unwrap());
        drop(cluster);
        assert!(TcpStream::connect(address).is_err(), "the port is closed");
    }
    let after = held();
    assert_eq!((after.0, after.1), (before.0, before.1), "threads and files");
    // What an allocator keeps does not grow with the number of clusters.
    assert!(after.2 < before.2 + 32 * 1_024, "{} kB before, {} kB after", before.2, after.2);
}

#[test]
fn twenty_work_beside_each_other() {
    let one = |number: usize| {
        let cluster = Cluster::builder().brokers(3).start().unwrap();
        cluster.create_topic("t", 1, 3).unwrap();
        cluster.produce("t", (0..number).map(|n| format!("{number}: {n}"))).unwrap();
        cluster.records("t").unwrap().len()
    };
    let all: Vec<_> = (1..=AT_ONCE).map(|number| thread::spawn(move || one(number))).collect();
    let counts: Vec<usize> = all.into_iter().map(|one| one.join().unwrap()).collect();
    assert_eq!(counts, (1..=AT_ONCE).collect::<Vec<_>>());
}

#[test]
fn one_seed_gives_one_course_of_a_simulation() {
    let course = |seed: u64| {
        let mut cluster = Builder::new().brokers(3).seed(seed).simulate().unwrap();
        cluster.create_topic("orders", 1, 3).unwrap();
        let leader = cluster.view().leader("orders", 0).unwrap();
        cluster.fault(&format!("power-cut {leader}")).unwrap();
        let other = cluster.until("orders-0 has another leader", |view| {
            view.leader("orders", 0).is_some_and(|now| now != leader)
        });
        cluster.produce("orders", ["after the power cut"]).unwrap();
        assert_eq!(cluster.records("orders").len(), 1);
        (other.unwrap().now, cluster.digest())
    };
    assert_eq!(course(3), course(3));
    assert_ne!(course(3).1, course(4).1);
    let mut cluster = Builder::new().simulate().unwrap();
    let said = cluster.until("pigs fly", |_| false).unwrap_err().to_string();
    assert!(said.starts_with("after 30 s it is still not so that pigs fly."), "{said}");
}
