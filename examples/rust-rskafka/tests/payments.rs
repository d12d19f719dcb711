//! What the program does when answers get lost.

use blumfeld::Cluster;
use payments_rskafka::Payments;

#[tokio::test]
async fn a_payment_that_was_written_twice_counts_once() {
    let cluster = Cluster::builder().brokers(3).start().unwrap();
    cluster.create_topic("payments", 1, 3).unwrap();
    let payments = Payments::open(&cluster.bootstrap_servers(), "payments").await.unwrap();
    payments.pay(1, 100).await.unwrap();

    // The leader writes the next payment, and the connection breaks before the client hears of it.
    let leader = cluster.view().unwrap().leader("payments", 0).unwrap();
    cluster.fault(&format!("lose-response {leader} Produce")).unwrap();
    payments.pay(2, 20).await.unwrap();

    assert_eq!(cluster.records("payments").unwrap().len(), 3, "the second payment stands there twice");
    assert_eq!(payments.sum().await.unwrap(), 120);
}
