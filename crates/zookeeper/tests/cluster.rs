//! Clusters of the ZooKeeper era, played line by line: `tests/scenarios/*.txt`. Every event is watched by the checker.
#![allow(clippy::unwrap_used, reason = "a test that fails does so by it")]

use std::time::Duration;

use blumfeld_kernel::NodeId;
use blumfeld_zookeeper::cluster::{Channel, Checker, Exchange, Sort};
use blumfeld_zookeeper::{Cluster, ClusterConfig, IsrUpdates, TopicPartition};
use serde_json::Value;

struct Player {
    cluster: Cluster,
    checker: Checker,
    /// The last message that was told.
    told: u64,
}

impl Player {
    fn new() -> Player {
        let cluster = Cluster::new(ClusterConfig::new(0, 0));
        Player { cluster, checker: Checker::new(), told: 0 }
    }

    fn run(&mut self, span: Duration) {
        let until = self.cluster.now() + span;
        let checker = &mut self.checker;
        self.cluster.run_while(span, |cluster, acted| {
            if let Some(acted) = acted {
                checker.look(cluster, acted).unwrap();
            }
            false
        });
        self.cluster.run_until(until);
    }

    fn line(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        // `controller` is whoever is it, and `other` the first one who is not.
        let controller = self.cluster.controller();
        let other = self.cluster.broker_ids().find(|id| Some(*id) != controller);
        let id = |text: &str| match text {
            "controller" => controller.unwrap(),
            "other" => other.unwrap(),
            number => number.parse::<i32>().unwrap(),
        };
        match words[..] {
            ["cluster", seed, brokers, ref options @ ..] => {
                let mut config = ClusterConfig::new(seed.parse().unwrap(), id(brokers));
                config.keep = 100_000;
                config.auto_leader_rebalance = options.contains(&"rebalance");
                if options.contains(&"alter-isr") {
                    config.isr_updates = IsrUpdates::AlterIsr;
                }
                *self = Player { cluster: Cluster::new(config), checker: Checker::new(), told: 0 };
                String::new()
            }
            ["run", span] => {
                self.run(span_of(span));
                String::new()
            }
            // How long it takes until everything is well.
            ["settle", most] => {
                let begun = self.cluster.now();
                // What was just asked for is on its way.
                self.run(Duration::from_millis(5));
                while self.cluster.is_settled().is_err() && self.cluster.now().since(begun) < span_of(most) {
                    self.run(Duration::from_millis(1));
                }
                match self.cluster.is_settled() {
                    Ok(()) => format!("after {} ms", self.cluster.now().since(begun).as_millis()),
                    Err(what) => what,
                }
            }
            ["topic", name, partitions, factor] => {
                self.cluster.create_spread_topic(name, id(partitions), id(factor));
                String::new()
            }
            ["delete", name] => {
                self.cluster.delete_topic(name);
                String::new()
            }
            ["delete-znode", path] => {
                self.cluster.delete_znode(path);
                String::new()
            }
            ["crash", broker] => {
                self.cluster.crash(id(broker));
                String::new()
            }
            ["start", broker] => {
                self.cluster.start(id(broker));
                String::new()
            }
            ["stop", broker] => {
                self.cluster.shut_down(id(broker));
                String::new()
            }
            ["pause", broker] => {
                self.cluster.pause(id(broker));
                String::new()
            }
            ["resume", broker] => {
                self.cluster.resume(id(broker));
                String::new()
            }
            ["cut", broker] => {
                self.cluster.cut_from_zookeeper(id(broker));
                String::new()
            }
            ["sever", one, other] => {
                self.cluster.cut(NodeId(id(one)), NodeId(id(other)));
                String::new()
            }
            ["heal"] => {
                self.cluster.heal_all();
                String::new()
            }
            ["append", broker, topic, partition, records] => {
                let partition = TopicPartition::new(&topic.into(), id(partition));
                match self.cluster.append(id(broker), &partition, records.parse().unwrap()) {
                    Ok(end) => format!("ends at {end}"),
                    Err(error) => error.name().to_owned(),
                }
            }
            ["brokers"] => self.brokers(),
            ["partition", topic, number] => self.partition(topic, id(number)),
            ["znodes", prefix] => self.znodes(prefix),
            ["skip"] => {
                self.told = self.cluster.log().exchanges().next_back().map_or(0, |one| one.number);
                String::new()
            }
            ["log", ref names @ ..] => self.log(names),
            ["counts"] => self.counts(),
            ref other => panic!("no line: {other:?}"),
        }
    }

    fn brokers(&self) -> String {
        let view = self.cluster.view(1_000);
        let lines = view.brokers.iter().map(|broker| {
            let mut said = format!("{}:", broker.id);
            if !broker.up {
                return said + " down";
            }
            said += match (broker.paused, broker.connected) {
                (true, _) => " paused",
                (_, true) => " connected",
                (_, false) => " not connected",
            };
            if broker.broker_epoch < 0 {
                said += ", not registered";
            }
            if broker.is_controller {
                said += &format!(", controller of epoch {}", broker.controller_epoch);
            }
            let found = self.cluster.broker(broker.id).unwrap();
            let (fenced, moved) = (found.controller().fenced(), found.controller().moved());
            if fenced + moved > 0 {
                said += &format!(", fenced {fenced} times by brokers and {moved} by ZooKeeper");
            }
            if found.expirations() > 0 {
                said += &format!(", expired {} times", found.expirations());
            }
            said + &format!(", knows controller epoch {}", broker.known_controller_epoch)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn partition(&self, topic: &str, number: i32) -> String {
        let view = self.cluster.view(100_000);
        let path = format!("/brokers/topics/{topic}/partitions/{number}/state");
        let state = view.znodes.iter().find(|node| node.path == path);
        let state = state.map_or("no znode".to_owned(), |node| {
            format!("{} v{}", node.data.clone().unwrap_or_default(), node.version)
        });
        let mut lines = vec![state];
        for broker in view.brokers.iter().filter(|broker| broker.up) {
            let is_it = |one: &&blumfeld_zookeeper::cluster::PartitionView| {
                &*one.partition.topic == topic && one.partition.partition == number
            };
            let mut said = format!("{}:", broker.id);
            if let Some(one) = broker.replicas.iter().find(is_it) {
                said += &format!(
                    " leader {} in epoch {}, isr {:?} v{}, log ends at {};",
                    one.leader,
                    one.leader_epoch,
                    one.isr,
                    one.zk_version,
                    one.log_end.unwrap()
                );
            }
            said += &match broker.metadata.iter().find(is_it) {
                Some(one) => {
                    format!(" tells of {} in epoch {}, isr {:?}", one.leader, one.leader_epoch, one.isr)
                }
                None => " tells nothing".to_owned(),
            };
            lines.push(said);
        }
        lines.join("\n")
    }

    fn znodes(&self, prefix: &str) -> String {
        let view = self.cluster.view(100_000);
        let found = view.znodes.iter().filter(|node| node.path.starts_with(prefix));
        let lines = found.map(|node| {
            let owner = if node.ephemeral_owner == 0 { "" } else { " ephemeral" };
            format!("{} {} v{}{owner}", node.path, node.data.as_deref().unwrap_or("null"), node.version)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The messages since the last time, of these names; without names all but pings and fetches.
    fn log(&mut self, names: &[&str]) -> String {
        let wanted = |one: &&Exchange| match names {
            [] => !matches!(one.name, "ping" | "Fetch"),
            names => names.contains(&one.name),
        };
        let new = self.cluster.log().exchanges().filter(|one| one.number > self.told).filter(wanted);
        let lines: Vec<String> = new.map(line_of).collect();
        self.line("skip");
        lines.join("\n")
    }

    fn counts(&mut self) -> String {
        let lines = self.cluster.log().counts().iter().map(|((channel, name), counted)| {
            let between = if *channel == Channel::ZooKeeper { "zookeeper" } else { "brokers" };
            format!("{between} {name}: {} requests", counted.requests)
        });
        let said = lines.collect::<Vec<_>>().join("\n");
        self.cluster.reset_counts();
        said
    }
}

fn line_of(one: &Exchange) -> String {
    let what = match one.sort {
        Sort::Request => one.name.to_owned(),
        Sort::Answer => format!("{} answered", one.name),
        Sort::Event => "event".to_owned(),
    };
    let mut fields = one.fields();
    // What depends on the number of a session or says nothing is left out.
    strip(&mut fields);
    let micros = one.sent.as_micros();
    let (from, to) = (Cluster::name(one.from), Cluster::name(one.to));
    format!("{}.{:03} {from} > {to} {what} {fields}", micros / 1_000, micros % 1_000)
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in [
                "czxid",
                "mzxid",
                "pzxid",
                "ephemeralOwner",
                "dataLength",
                "sessionId",
                "cversion",
                "numChildren",
            ] {
                fields.remove(name);
            }
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn span_of(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_alphabetic()).unwrap());
    let number: u64 = number.parse().unwrap();
    match unit {
        "us" => Duration::from_micros(number),
        "ms" => Duration::from_millis(number),
        _ => Duration::from_secs(number),
    }
}

#[test]
fn clusters_go_as_the_files_say() {
    blumfeld_expect::check(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios"), |text| {
        let mut player = Player::new();
        blumfeld_expect::told(text, |line| player.line(line))
    });
}

#[test]
fn one_seed_is_one_run() {
    let run = |seed| {
        let mut cluster = Cluster::new(ClusterConfig::new(seed, 3));
        cluster.run_for(Duration::from_secs(1));
        cluster.create_spread_topic("orders", 6, 3);
        cluster.run_for(Duration::from_secs(5));
        cluster.crash(1);
        cluster.run_for(Duration::from_secs(40));
        let messages = cluster.log().exchanges().map(|one| (one.sent, one.from, one.frame.clone()));
        (cluster.events(), messages.collect::<Vec<_>>())
    };
    assert!(run(7) == run(7));
    assert!(run(7) != run(8));
}

#[test]
fn a_copy_goes_on_as_the_cluster_does() {
    let mut cluster = Cluster::new(ClusterConfig::new(3, 3));
    cluster.create_spread_topic("orders", 3, 3);
    cluster.run_for(Duration::from_secs(2));
    let mut copy = cluster.clone();
    for one in [&mut cluster, &mut copy] {
        one.pause(2);
        one.run_for(Duration::from_secs(30));
        one.resume(2);
        one.run_for(Duration::from_secs(30));
    }
    assert_eq!((cluster.view(1_000), cluster.events()), (copy.view(1_000), copy.events()));
    assert_eq!(cluster.broker(2).unwrap().expirations(), 1);
}
