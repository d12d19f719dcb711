//! A producer that sends so many records and counts what was acknowledged.

use std::sync::Arc;
use std::time::Duration;

use blumfeld_client::producer::{
    Delivery, Producer, ProducerConfig, ProducerIdAndEpoch, ProducerRecord, Refused,
};
use blumfeld_kernel::{Context, Input, Instant, Node};

use super::{Fact, value};

/// What a producer sends.
#[derive(Clone, Debug)]
pub struct ProducerLoad {
    /// To which topic.
    pub topic: Arc<str>,
    /// How many records.
    pub records: u64,
    /// Bytes of a value, at least 8.
    pub size: usize,
    /// So many different keys, or 0 for none.
    pub keys: u64,
    /// The number of the first value less one: producers of one world take ranges of their own.
    pub base: u64,
    /// So many records at a time …
    pub burst: u64,
    /// … so far apart; zero sends as fast as the producer takes them.
    pub pause: Duration,
    /// Whether every record is told as a [`Fact`].
    pub report: bool,
}

/// The process.
#[derive(Clone, Debug)]
pub struct LoadProducer {
    load: ProducerLoad,
    producer: Producer,
    held: Option<Box<ProducerRecord>>,
    started: Instant,
    now: Instant,
    sent: u64,
    done: u64,
    failed: u64,
    epoch: Option<ProducerIdAndEpoch>,
    over: bool,
}

impl LoadProducer {
    /// A producer of this load.
    pub fn new(config: ProducerConfig, load: ProducerLoad) -> LoadProducer {
        LoadProducer {
            load,
            producer: Producer::new(config),
            held: None,
            started: Instant::ZERO,
            now: Instant::ZERO,
            sent: 0,
            done: 0,
            failed: 0,
            epoch: None,
            over: false,
        }
    }

    /// How many records may have been sent by now.
    fn due(&self) -> u64 {
        let pause = self.load.pause.as_micros();
        if pause == 0 {
            return self.load.records;
        }
        let bursts = u64::try_from(self.now.since(self.started).as_micros() / pause).unwrap_or(u64::MAX);
        bursts.saturating_add(1).saturating_mul(self.load.burst.max(1)).min(self.load.records)
    }

    fn record(&self) -> Box<ProducerRecord> {
        let number = self.load.base + self.sent + 1;
        let key = number.checked_rem(self.load.keys).map(|key| key.to_string().into());
        Box::new(ProducerRecord {
            topic: self.load.topic.clone(),
            partition: None,
            timestamp: None,
            key,
            value: Some(value(number, self.load.size)),
            headers: Vec::new(),
        })
    }

    fn deliver(&mut self, deliveries: Vec<Delivery>, facts: &mut Vec<u8>) {
        for delivery in deliveries {
            self.done += 1;
            // The producer counts its records from 1, and so does this.
            let value = self.load.base + delivery.id.0;
            let fact = match delivery.result {
                Ok(at) => {
                    let partition = delivery.partition.partition;
                    Fact::Acknowledged { partition, offset: at.offset, value }
                }
                Err(_) => {
                    self.failed += 1;
                    Fact::Failed(value)
                }
            };
            if self.load.report {
                fact.encode(facts);
            }
        }
    }

    fn drive(&mut self, cx: &mut Context<'_>, facts: &mut Vec<u8>) {
        loop {
            let due = self.due();
            let mut blocked = false;
            while self.sent < due && !blocked {
                let record = self.held.take().unwrap_or_else(|| self.record());
                match self.producer.send(cx, *record) {
                    Ok(_) => self.sent += 1,
                    Err(Refused::Wait(record)) => {
                        self.held = Some(record);
                        blocked = true;
                    }
                    Err(Refused::Failed(_)) => {
                        // It has no number at the producer: the load cannot be sent as it was meant.
                        Fact::Failed(self.load.base + self.sent + 1).encode(facts);
                        self.failed += 1;
                        return self.end(cx);
                    }
                }
            }
            if self.sent == self.load.records {
                self.producer.flush();
            }
            let deliveries = self.producer.poll(cx);
            let freed = !deliveries.is_empty();
            self.deliver(deliveries, facts);
            if self.done >= self.load.records {
                return self.end(cx);
            }
            if !(blocked && freed) {
                return;
            }
        }
    }

    fn end(&mut self, cx: &mut Context<'_>) {
        self.over = true;
        self.producer.close(cx);
    }
}

impl Node for LoadProducer {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        if self.over {
            return;
        }
        self.now = cx.now;
        if matches!(input, Input::Started) {
            self.started = cx.now;
        }
        let mut facts = Vec::new();
        let deliveries = self.producer.handle(cx, &input);
        self.deliver(deliveries, &mut facts);
        self.drive(cx, &mut facts);
        let epoch = self.producer.producer_id();
        if self.load.report && self.epoch.is_some() && self.epoch != epoch {
            Fact::EpochBumped(self.load.base + 1).encode(&mut facts);
        }
        self.epoch = epoch.or(self.epoch);
        if !facts.is_empty() {
            cx.out.stdout(facts);
        }
        if self.over {
            cx.out.exit(i32::from(self.failed > 0));
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let burst = (self.sent < self.load.records && self.held.is_none() && !self.load.pause.is_zero())
            .then(|| {
                let bursts = self.sent / self.load.burst.max(1);
                let pause = u64::try_from(self.load.pause.as_micros()).unwrap_or(u64::MAX);
                self.started + Duration::from_micros(bursts.saturating_mul(pause))
            });
        self.producer.next_timeout(self.now).into_iter().chain(burst).min()
    }
}
