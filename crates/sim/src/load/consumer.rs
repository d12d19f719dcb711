//! A consumer that reads a topic's partitions up to given offsets.

use std::collections::BTreeMap;
use std::sync::Arc;

use blumfeld_client::TopicPartition;
use blumfeld_client::consumer::{Consumer, ConsumerConfig};
use blumfeld_kernel::{Context, Input, Instant, Node};

use super::{Fact, number};

/// The process.
#[derive(Clone, Debug)]
pub struct LoadConsumer {
    consumer: Consumer,
    topic: Arc<str>,
    ends: BTreeMap<i32, i64>,
    report: bool,
    now: Instant,
    over: bool,
}

impl LoadConsumer {
    /// A consumer of the partitions that `ends` names, each from its log start up to (and without) the offset there;
    /// [`i64::MAX`] reads on for ever. With `report` every record is told as a [`Fact`].
    pub fn new(config: ConsumerConfig, topic: &str, ends: BTreeMap<i32, i64>, report: bool) -> LoadConsumer {
        let consumer = Consumer::new(config);
        LoadConsumer { consumer, topic: topic.into(), ends, report, now: Instant::ZERO, over: false }
    }

    fn partition(&self, partition: i32) -> TopicPartition {
        TopicPartition { topic: self.topic.clone(), partition }
    }
}

impl Node for LoadConsumer {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        if self.over {
            return;
        }
        self.now = cx.now;
        if matches!(input, Input::Started) {
            let partitions: Vec<_> = self.ends.keys().map(|partition| self.partition(*partition)).collect();
            self.consumer.assign(partitions.clone());
            partitions.iter().for_each(|partition| self.consumer.seek_to_beginning(partition));
        }
        self.consumer.handle(cx, &input);
        let mut facts = Vec::new();
        loop {
            let records = self.consumer.poll(cx);
            if records.is_empty() {
                break;
            }
            for record in records.iter().filter(|_| self.report) {
                let (partition, offset) = (record.partition.partition, record.offset);
                match record.value.as_deref().and_then(number) {
                    Some(value) => Fact::Read { partition, offset, value },
                    None => Fact::Foreign { partition, offset },
                }
                .encode(&mut facts);
            }
        }
        for _ in self.consumer.take_errors() {
            Fact::Failed(0).encode(&mut facts);
        }
        self.over = self.ends.iter().all(|(partition, end)| {
            self.consumer.position(&self.partition(*partition)).is_some_and(|at| at >= *end)
        });
        if !facts.is_empty() {
            cx.out.stdout(facts);
        }
        if self.over {
            self.consumer.close(cx);
            cx.out.exit(0);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over { None } else { self.consumer.next_timeout(self.now) }
    }
}
