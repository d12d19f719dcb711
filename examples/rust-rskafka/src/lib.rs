//! A program that writes payments and adds them up, with rskafka.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Utc;
use rskafka::client::ClientBuilder;
use rskafka::client::error::Error;
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::record::Record;

/// The header that holds a payment's number.
const NUMBER: &str = "number";

/// A partition of payments.
pub struct Payments {
    partition: PartitionClient,
}

impl Payments {
    /// Partition 0 of a topic.
    pub async fn open(bootstrap_servers: &str, topic: &str) -> Result<Payments, Error> {
        let servers = bootstrap_servers.split(',').map(str::to_owned).collect();
        let client = ClientBuilder::new(servers).build().await?;
        let partition = client.partition_client(topic, 0, UnknownTopicHandling::Retry).await?;
        Ok(Payments { partition })
    }

    /// Writes a payment. It may stand there twice: this client sends again what was not answered.
    pub async fn pay(&self, number: u32, amount: u32) -> Result<(), Error> {
        let record = Record {
            key: None,
            value: Some(amount.to_string().into_bytes()),
            headers: BTreeMap::from([(NUMBER.to_owned(), number.to_string().into_bytes())]),
            timestamp: Utc::now(),
        };
        self.partition.produce(vec![record], Compression::NoCompression).await.map(drop)
    }

    /// The sum of all payments, each counted once.
    pub async fn sum(&self) -> Result<u32, Error> {
        let (mut offset, mut sum, mut seen) = (0, 0, BTreeSet::new());
        loop {
            let (records, high_watermark) = self.partition.fetch_records(offset, 1..1_000_000, 1_000).await?;
            for read in records {
                offset = read.offset + 1;
                if seen.insert(read.record.headers.get(NUMBER).cloned()) {
                    let text = read.record.value.unwrap_or_default();
                    sum += String::from_utf8_lossy(&text).parse::<u32>().unwrap_or(0);
                }
            }
            if offset >= high_watermark {
                return Ok(sum);
            }
        }
    }
}
