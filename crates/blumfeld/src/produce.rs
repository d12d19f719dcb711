//! Writing records: a producer as a process of the world, which writes what it was given and ends.

use std::collections::{BTreeMap, VecDeque};

use blumfeld_client::producer::{self, Delivery, Producer, ProducerConfig, RecordId, Refused};
use blumfeld_client::{ApiError, ClientConfig};
use blumfeld_kernel::{Context, Endpoint, Input, Instant, Node};
use blumfeld_protocol::record_batch::Header;
use blumfeld_sim::{ProcessId, World};

use crate::world::Job;
use crate::{Error, ProducerRecord, RecordMetadata};

/// The client's name, as brokers and `fault` know it.
const CLIENT_ID: &str = "blumfeld-producer";

type Became = Result<RecordMetadata, ApiError>;

/// A producer that writes what it was given, with `acks=all`, and ends.
#[derive(Clone, Debug)]
struct Writer {
    producer: Producer,
    /// What it has not taken yet, with its place in what was given.
    waiting: VecDeque<(usize, producer::ProducerRecord)>,
    /// Places of the records that are under way.
    under_way: BTreeMap<RecordId, usize>,
    /// What became of the records, by their places.
    became: BTreeMap<usize, Became>,
    over: bool,
    now: Instant,
}

impl Writer {
    /// Hands records to the producer until one has to wait, and flushes behind the last.
    fn pump(&mut self, cx: &mut Context<'_>) {
        while let Some((place, record)) = self.waiting.pop_front() {
            match self.producer.send(cx, record) {
                Ok(id) => drop(self.under_way.insert(id, place)),
                Err(Refused::Wait(record)) => return self.waiting.push_front((place, *record)),
                Err(Refused::Failed(error)) => drop(self.became.insert(place, Err(error))),
            }
        }
        self.producer.flush();
    }

    fn delivered(&mut self, deliveries: Vec<Delivery>) {
        for Delivery { id, partition, result } in deliveries {
            let Some(place) = self.under_way.remove(&id) else { continue };
            let stands = result.map(|stands| RecordMetadata {
                partition: partition.partition,
                offset: stands.offset,
                timestamp: stands.timestamp,
            });
            self.became.insert(place, stands);
        }
    }
}

impl Node for Writer {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        self.now = cx.now;
        if self.over {
            return;
        }
        let mut delivered = self.producer.handle(cx, &input);
        // Java's client logs these. What they lead to is told with the records.
        drop(self.producer.metadata_mut().take_issues());
        loop {
            self.delivered(delivered);
            self.pump(cx);
            delivered = self.producer.poll(cx);
            // A delivery may have made room for a record that waits.
            if delivered.is_empty() {
                break;
            }
        }
        if self.waiting.is_empty() && self.under_way.is_empty() {
            self.over = true;
            self.producer.close(cx);
            cx.out.exit(0);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over { None } else { self.producer.next_timeout(self.now) }
    }
}

/// Records that are being written.
pub(crate) struct Produce {
    process: ProcessId,
    topic: String,
}

impl Produce {
    /// Begins to write these.
    pub fn start(world: &mut World, topic: &str, records: Vec<ProducerRecord>) -> Result<Produce, Error> {
        check(world, topic, &records)?;
        let bootstrap: Vec<Endpoint> =
            world.config().brokers.iter().map(|broker| broker.advertised.clone()).collect();
        let producer = Producer::new(ProducerConfig::new(ClientConfig::new(bootstrap, CLIENT_ID)));
        let waiting = records.into_iter().map(|record| to_client(topic, record)).enumerate().collect();
        let process = world.spawn(Box::new(Writer {
            producer,
            waiting,
            under_way: BTreeMap::new(),
            became: BTreeMap::new(),
            over: false,
            now: Instant::ZERO,
        }));
        Ok(Produce { process, topic: topic.to_owned() })
    }
}

impl Job for Produce {
    /// Where the records stand, in the order in which they were given.
    type Outcome = Result<Vec<RecordMetadata>, Error>;

    fn look(&mut self, world: &mut World) -> Option<Self::Outcome> {
        if !world.has_exited(self.process) {
            return None;
        }
        let writer =
            world.process(self.process).and_then(|process| process.as_any().downcast_ref::<Writer>());
        let became = writer.map(|writer| writer.became.clone());
        // It writes nothing, and with its exit it is gone.
        drop(world.take_output(self.process));
        let one = |(place, became): (usize, Became)| {
            became.map_err(|error| Error::NotWritten {
                topic: self.topic.clone(),
                place,
                code: error.code.name().to_owned(),
                said: error.to_string(),
            })
        };
        Some(became.ok_or(Error::Ended).and_then(|all| all.into_iter().map(one).collect()))
    }

    fn end(&mut self, world: &mut World) -> String {
        world.kill(self.process);
        drop(world.take_output(self.process));
        String::new()
    }

    fn goal(&self) -> String {
        format!("every record for {} is acknowledged", self.topic)
    }
}

/// Refuses what a producer would wait for in vain.
fn check(world: &World, topic: &str, records: &[ProducerRecord]) -> Result<(), Error> {
    let refused = |text: String| Err(Error::Refused(text));
    let Some(view) = world.topic_views().into_iter().find(|view| view.name == topic) else {
        let makes = world.config().brokers.first().is_some_and(|broker| broker.auto_create_topics);
        return if makes { Ok(()) } else { refused(format!("there is no topic {topic}")) };
    };
    let there = |partition: i32| view.partitions.iter().any(|one| one.partition == partition);
    match records.iter().filter_map(|record| record.partition).find(|partition| !there(*partition)) {
        Some(partition) => {
            let count = view.partitions.len();
            refused(format!("{topic} has no partition {partition}: it has {count}, counted from 0"))
        }
        None => Ok(()),
    }
}

fn to_client(topic: &str, record: ProducerRecord) -> producer::ProducerRecord {
    let ProducerRecord { partition, timestamp, key, value, headers } = record;
    let headers = headers.into_iter().map(|(name, value)| Header { key: name.into(), value }).collect();
    producer::ProducerRecord { topic: topic.into(), partition, timestamp, key, value, headers }
}
