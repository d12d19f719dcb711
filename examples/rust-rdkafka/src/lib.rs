//! A program that writes orders and reads them, with rdkafka.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaResult;
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};

/// An order: its customer and what was ordered.
pub type Order = (String, String);

/// Writes orders.
pub struct Writer {
    producer: FutureProducer,
    topic: String,
}

impl Writer {
    /// A writer that loses nothing and doubles nothing.
    pub fn new(bootstrap_servers: &str, topic: &str) -> KafkaResult<Writer> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap_servers).set("enable.idempotence", "true");
        Ok(Writer { producer: config.create()?, topic: topic.to_owned() })
    }

    /// Writes an order, and waits until all replicas in sync have it.
    pub async fn write(&self, (customer, order): &Order) -> KafkaResult<()> {
        let record = FutureRecord::to(&self.topic).key(customer).payload(order);
        self.producer.send(record, Duration::from_secs(30)).await.map(drop).map_err(|(error, _)| error)
    }
}

/// Reads so many orders from the beginning, as a member of a group.
pub async fn read(bootstrap_servers: &str, topic: &str, count: usize) -> KafkaResult<Vec<Order>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap_servers).set("group.id", "readers");
    config.set("auto.offset.reset", "earliest");
    let consumer: StreamConsumer = config.create()?;
    consumer.subscribe(&[topic])?;
    let mut orders = Vec::new();
    while orders.len() < count {
        let message = consumer.recv().await?;
        let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
        orders.push((text(message.key()), text(message.payload())));
    }
    Ok(orders)
}
