//! The example of the README, as it stands there.

use blumfeld::{Cluster, ProducerRecord};

#[test]
fn an_order_survives_its_leader() -> Result<(), blumfeld::Error> {
    let cluster =
        Cluster::builder().brokers(3).quick_failover().config("min.insync.replicas", "2").start()?;
    cluster.create_topic("orders", 1, 3)?;
    let leader = cluster.view()?.leader("orders", 0).unwrap();
    // The first write is refused; the broker that gets the third one crashes.
    cluster.on("Produce").topic("orders").once().error("NOT_LEADER_OR_FOLLOWER")?;
    cluster.on("Produce").topic("orders").nth(3).inject("crash here")?;
    // The client under test connects to cluster.bootstrap_servers(). The crate has a producer of its own:
    for order in ["espresso", "croissant", "ramyeon"] {
        cluster.produce("orders", [ProducerRecord::new(order).key("customer-7")])?;
    }
    cluster.until("orders-0 has another leader", |view| {
        view.leader("orders", 0).is_some_and(|now| now != leader)
    })?;
    assert_eq!(cluster.records("orders")?.len(), 3);
    Ok(())
}

#[test]
fn the_example_is_the_readmes() {
    let code = include_str!("readme.rs").split_once("\n\n").unwrap().1;
    let (code, _) = code.split_once("\n#[test]\nfn the_example_is_the_readmes").unwrap();
    assert!(
        include_str!("../../../README.md").contains(code),
        "the README has another example than this file"
    );
}
