//! Compacted topics: how they are made, so that a cleaner has much to do, and a program that writes to them without
//! transactions.

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_client::ClientConfig;
use blumfeld_client::admin::{AdminClient, AdminRequest, AdminResponse, AlterConfigOp, ConfigResource};
use blumfeld_client::consumer::ConsumerRecord;
use blumfeld_client::producer::{Delivery, Producer, ProducerConfig, ProducerRecord, Refused};
use blumfeld_kernel::{Context, Input, Instant, Node, Prng};
use blumfeld_protocol::record_batch::Header;
use blumfeld_sim::checkers::{NUMBER, digest_of_record};
use blumfeld_sim::load;
use bytes::Bytes;

use super::super::pick;
use super::load::{Told, number_of};

/// Compacted topics; the second is deleted by age as well.
pub const TABLES: [&str; 2] = ["table", "recent"];

/// What makes a topic's cleaner busy.
pub fn configs(rng: &mut Prng, deletes: bool) -> BTreeMap<String, String> {
    let policy = if deletes { "compact,delete" } else { "compact" };
    let mut configs = BTreeMap::from([
        ("cleanup.policy", policy),
        ("segment.ms", pick(rng, &["200", "1000", "4000"])),
        ("min.cleanable.dirty.ratio", pick(rng, &["0", "0.1", "0.5"])),
        ("delete.retention.ms", pick(rng, &["0", "1000", "8000", "30000"])),
        ("min.compaction.lag.ms", pick(rng, &["0", "0", "0", "2000"])),
        ("max.compaction.lag.ms", pick(rng, &["9223372036854775807", "5000"])),
        ("file.delete.delay.ms", pick(rng, &["0", "1000", "60000"])),
    ]);
    if deletes {
        configs.insert("retention.ms", pick(rng, &["5000", "20000"]));
    }
    configs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A record of a table, or a tombstone, with this number.
pub fn record(rng: &mut Prng, partitions: i32, keys: u64, number: u64) -> ProducerRecord {
    let partition = i32::try_from(rng.below(u64::from(partitions.unsigned_abs().max(1))));
    ProducerRecord {
        topic: pick(rng, &[TABLES[0], TABLES[0], TABLES[1]]).into(),
        partition: partition.ok(),
        timestamp: None,
        key: Some(format!("key-{}", rng.below(keys.max(1))).into()),
        value: (!rng.chance(1, 4)).then(|| load::value(number, 20)),
        headers: vec![Header {
            key: NUMBER.into(),
            value: Some(Bytes::copy_from_slice(&number.to_be_bytes())),
        }],
    }
}

/// What is told of a record that was read, if it is of a table.
pub fn read(record: &ConsumerRecord) -> Option<Told> {
    TABLES.contains(&&*record.partition.topic).then(|| Told::Read {
        topic: number_of(&record.partition.topic),
        partition: record.partition.partition,
        offset: record.offset,
        transaction: digest_of_record(
            record.timestamp,
            record.key.as_ref(),
            record.value.as_ref(),
            &record.headers,
        ),
        value: 0,
    })
}

/// A program that writes to tables without transactions.
#[derive(Clone, Debug)]
pub struct TableWriter {
    producer: Producer,
    partitions: i32,
    keys: u64,
    /// The next number.
    number: u64,
    until: Instant,
    /// Between two records, in milliseconds at most.
    pause_ms: u64,
    next: Instant,
    held: Option<(Box<ProducerRecord>, u64)>,
    /// The topics and numbers of what was sent, by what the producer counts.
    sent: BTreeMap<u64, (u64, u64)>,
    now: Instant,
    over: bool,
}

impl TableWriter {
    /// A program whose numbers begin behind `first`. It begins nothing new from `until` on.
    pub fn new(
        config: ProducerConfig,
        (partitions, keys): (i32, u64),
        first: u64,
        until: Instant,
        pause_ms: u64,
    ) -> TableWriter {
        TableWriter {
            producer: Producer::new(config),
            partitions,
            keys,
            number: first,
            until,
            pause_ms,
            next: Instant::ZERO,
            held: None,
            sent: BTreeMap::new(),
            now: Instant::ZERO,
            over: false,
        }
    }

    fn deliver(&mut self, deliveries: Vec<Delivery>, told: &mut Vec<u8>) {
        for delivery in deliveries {
            let Some((topic, value)) = self.sent.remove(&delivery.id.0) else { continue };
            if let Some(at) = delivery.result.ok().filter(|at| at.offset >= 0) {
                let partition = delivery.partition.partition;
                Told::Placed { topic, partition, offset: at.offset, value }.encode(told);
            }
        }
    }

    fn work(&mut self, cx: &mut Context<'_>, told: &mut Vec<u8>) {
        while cx.now < self.until && self.next <= cx.now {
            let (record, number) = self.held.take().unwrap_or_else(|| {
                self.number += 1;
                (Box::new(record(cx.rng, self.partitions, self.keys, self.number)), self.number)
            });
            let topic = number_of(&record.topic);
            match self.producer.send(cx, *record) {
                Ok(id) => {
                    self.sent.insert(id.0, (topic, number));
                    Told::Sent { transaction: 0, topic, value: number }.encode(told);
                    self.next = cx.now + Duration::from_millis(cx.rng.below(self.pause_ms + 1));
                }
                Err(Refused::Wait(record)) => {
                    self.held = Some((record, number));
                    return;
                }
                Err(Refused::Failed(_)) => self.next = cx.now + Duration::from_secs(1),
            }
        }
    }
}

impl Node for TableWriter {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        if self.over {
            return;
        }
        self.now = cx.now;
        let mut told = Vec::new();
        let deliveries = self.producer.handle(cx, &input);
        self.deliver(deliveries, &mut told);
        self.work(cx, &mut told);
        let ends = cx.now >= self.until;
        if ends {
            self.producer.flush();
        }
        let deliveries = self.producer.poll(cx);
        self.deliver(deliveries, &mut told);
        self.over = ends && self.producer.pending() == 0;
        if !told.is_empty() {
            cx.out.stdout(told);
        }
        if self.over {
            self.producer.close(cx);
            cx.out.exit(0);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let work = (self.now < self.until).then(|| match self.held {
            Some(_) => self.until,
            None => self.next.min(self.until),
        });
        self.producer.next_timeout(self.now).into_iter().chain(work).min()
    }
}

/// An admin client that changes defaults of all brokers.
#[derive(Clone, Debug)]
pub struct Defaults {
    admin: AdminClient,
    configs: Vec<(String, AlterConfigOp)>,
    asked: bool,
    now: Instant,
    over: bool,
}

impl Defaults {
    /// Brokers whose cleaners look often, and take their time.
    pub fn of_cleaners(config: ClientConfig, rng: &mut Prng) -> Defaults {
        let configs = [
            ("log.cleaner.backoff.ms", pick(rng, &["50", "300", "2000"])),
            ("log.cleaner.io.buffer.size", pick(rng, &["200", "2000", "524288"])),
            ("log.cleaner.io.max.bytes.per.second", pick(rng, &["2000", "50000", "1.7976931348623157E308"])),
        ];
        let set = |value: &str| AlterConfigOp::Set(value.to_owned());
        let configs = configs.map(|(name, value)| (name.to_owned(), set(value))).to_vec();
        Defaults { admin: AdminClient::new(config), configs, asked: false, now: Instant::ZERO, over: false }
    }
}

impl Node for Defaults {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        if self.over {
            return;
        }
        self.now = cx.now;
        let mut answers = self.admin.handle(cx, &input);
        if !self.asked {
            self.asked = true;
            let resources = vec![(ConfigResource::Broker(String::new()), self.configs.clone())];
            self.admin.submit(cx, AdminRequest::IncrementalAlterConfigs { resources, validate_only: false });
            answers.extend(self.admin.handle(cx, &Input::Timeout));
        }
        for answer in answers {
            match answer.result {
                Ok(AdminResponse::Altered(results)) if results.iter().all(|(_, result)| result.is_ok()) => {
                    self.over = true;
                }
                other => {
                    cx.out.stderr(format!("defaults cannot be changed: {other:?}").into_bytes());
                    self.asked = false;
                }
            }
        }
        if self.over {
            self.admin.close(cx);
            cx.out.exit(0);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over { None } else { self.admin.next_timeout(self.now) }
    }
}
