//! What the program does when brokers fail.

use std::time::Duration;

use blumfeld::Cluster;
use orders_rdkafka::{Order, Writer, read};

fn order(number: usize) -> Order {
    (format!("customer-{}", number % 3), format!("order {number}"))
}

#[tokio::test]
async fn no_order_is_lost_or_doubled_when_the_leader_crashes() {
    // Kafka takes a broker for dead after 9 s of silence. A test need not wait for that.
    let cluster = Cluster::builder()
        .brokers(3)
        .config("broker.session.timeout.ms", "1000")
        .config("broker.heartbeat.interval.ms", "200")
        .start()
        .unwrap();
    cluster.create_topic("orders", 1, 3).unwrap();
    let servers = cluster.bootstrap_servers();
    let writer = Writer::new(&servers, "orders").unwrap();
    for number in 0..50 {
        writer.write(&order(number)).await.unwrap();
    }

    let leader = cluster.view().unwrap().leader("orders", 0).unwrap();
    cluster.fault(&format!("crash {leader}")).unwrap();
    // The program goes on, and knows nothing of it.
    for number in 50..100 {
        writer.write(&order(number)).await.unwrap();
    }
    let view = cluster.view().unwrap();
    assert_ne!(view.leader("orders", 0), Some(leader));

    let read = tokio::time::timeout(Duration::from_secs(60), read(&servers, "orders", 100));
    assert_eq!(read.await.unwrap().unwrap(), (0..100).map(order).collect::<Vec<_>>());
    // What stands in the topic can be looked at without a client.
    assert_eq!(cluster.records("orders").unwrap().len(), 100);
}
