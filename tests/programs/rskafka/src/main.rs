//! A program with rskafka, which has no groups: every partition is written in each compression, and read to its end.

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

use chrono::Utc;
use rskafka::client::ClientBuilder;
use rskafka::client::error::Error;
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::record::Record;
use serde_json::{Value, json};
use tokio::time::timeout;

const TOPIC: &str = "orders";
const PARTITIONS: i32 = 3;
const BATCHES: usize = 8;
/// Records of a batch.
const BATCH: usize = 50;
const COMPRESSIONS: [Compression; 5] =
    [Compression::NoCompression, Compression::Gzip, Compression::Lz4, Compression::Snappy, Compression::Zstd];
/// The header that holds a record's number.
const HEADER: &str = "number";
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let line = match timeout(PATIENCE, run()).await {
        Ok(Ok(line)) => line,
        Ok(Err(error)) => json!({ "error": error.to_string() }),
        Err(_) => json!({ "error": format!("it has not ended after {PATIENCE:?}") }),
    };
    println!("{line}");
}

async fn run() -> Result<Value, Error> {
    let servers = env::var("BOOTSTRAP_SERVERS").unwrap_or_default();
    let client = ClientBuilder::new(servers.split(',').map(str::to_owned).collect()).build().await?;
    client.controller_client()?.create_topic(TOPIC, PARTITIONS, 3, 5_000).await?;
    let (mut written, mut ends) = (0, 0);
    let (mut read, mut left) = (BTreeMap::<usize, u32>::new(), 0);
    for partition in 0..PARTITIONS {
        let log = client.partition_client(TOPIC, partition, UnknownTopicHandling::Retry).await?;
        for compression in COMPRESSIONS {
            for _ in 0..BATCHES {
                log.produce((written..written + BATCH).map(record).collect(), compression).await?;
                written += BATCH;
            }
        }
        for number in all(&log, 0).await? {
            *read.entry(number).or_default() += 1;
        }
        let end = log.get_offset(OffsetAt::Latest).await?;
        ends += end;
        // The first half goes.
        log.delete_records(end / 2, 5_000).await?;
        left += all(&log, log.get_offset(OffsetAt::Earliest).await?).await?.len();
    }
    Ok(json!({ "version": version(), "counts": {
        "written": written,
        "read": read.keys().filter(|number| **number < written).count(),
        "twice": read.values().filter(|times| **times > 1).count(),
        "end offsets": ends,
        "left after deletion": left,
    }}))
}

fn record(number: usize) -> Record {
    Record {
        key: Some(format!("key-{}", number % 10).into_bytes()),
        value: Some(number.to_string().into_bytes()),
        headers: BTreeMap::from([(HEADER.to_owned(), number.to_string().into_bytes())]),
        timestamp: Utc::now(),
    }
}

/// The numbers of all records from an offset on, of those that are as they were written.
async fn all(log: &PartitionClient, mut offset: i64) -> Result<Vec<usize>, Error> {
    let mut numbers = Vec::new();
    loop {
        let (records, high_watermark) = log.fetch_records(offset, 1..1_000_000, 1_000).await?;
        for read in records {
            offset = read.offset + 1;
            let number = String::from_utf8(read.record.value.unwrap_or_default()).ok();
            let number = number.and_then(|text| text.parse::<usize>().ok());
            numbers.extend(number.filter(|number| {
                let wanted = record(*number);
                (&wanted.key, &wanted.headers) == (&read.record.key, &read.record.headers)
            }));
        }
        if offset >= high_watermark {
            return Ok(numbers);
        }
    }
}

/// The version of rskafka, by the lock file.
fn version() -> Option<&'static str> {
    include_str!("../Cargo.lock").split_once("name = \"rskafka\"")?.1.split('"').nth(1)
}
