//! Which processes are producers and consumers, and how these stand.

use blumfeld_client::TopicPartition;
use blumfeld_client::consumer::{Consumer, ConsumerView};
use blumfeld_client::producer::{Producer, ProducerView};
use blumfeld_kernel::{Instant, Process};

use crate::tools::workload::Latencies;
use crate::tools::{
    ConsoleConsumer, ConsoleProducer, Consume, ConsumerPerf, Produce, ProducerPerf, Transform,
};

/// A record that a program works on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Working {
    /// Where it stands.
    pub partition: TopicPartition,
    /// Its offset.
    pub offset: i64,
    /// When it is done.
    pub until: Instant,
    /// Records of the same poll behind it.
    pub left: usize,
}

/// How a process's client stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Client {
    /// It writes.
    Producer(
        /// How its producer stands.
        ProducerView,
    ),
    /// It reads.
    Consumer {
        /// How its consumer stands.
        view: ConsumerView,
        /// Records that it has processed, where it takes its time for each.
        processed: Option<u64>,
        /// The record that it works on.
        working: Option<Working>,
        /// Of a program that also writes in transactions: `transactional.id`, and Java's name of the state.
        transaction: Option<(String, &'static str)>,
    },
}

/// The client that is the heart of a process; nothing if it has none, or another one.
pub fn client(process: &dyn Process, now: Instant) -> Option<Client> {
    let any = process.as_any();
    if let Some(consume) = any.downcast_ref::<Consume>() {
        let (view, processed) = (consume.consumer().view(), Some(consume.processed()));
        return Some(Client::Consumer { view, processed, working: consume.working(), transaction: None });
    }
    if let Some(transform) = any.downcast_ref::<Transform>() {
        // It is both, and it is what it reads that it is slow or fast at.
        let (view, processed) = (transform.consumer().view(), Some(transform.processed()));
        let transaction = transform.producer().transaction_view();
        return Some(Client::Consumer { view, processed, working: None, transaction });
    }
    let producer: Option<&Producer> = (any.downcast_ref::<Produce>().map(Produce::producer))
        .or_else(|| any.downcast_ref::<ConsoleProducer>().map(ConsoleProducer::producer))
        .or_else(|| any.downcast_ref::<ProducerPerf>().map(ProducerPerf::producer));
    if let Some(producer) = producer {
        return Some(Client::Producer(producer.view(now)));
    }
    let consumer: Option<&Consumer> = (any.downcast_ref::<ConsoleConsumer>().map(ConsoleConsumer::consumer))
        .or_else(|| any.downcast_ref::<ConsumerPerf>().map(ConsumerPerf::consumer));
    let consumer = consumer?;
    Some(Client::Consumer { view: consumer.view(), processed: None, working: None, transaction: None })
}

/// How long the records of a `workload produce` took from `send` to their acknowledgement; nothing of other processes.
pub fn send_latencies(process: &dyn Process) -> Option<&Latencies> {
    process.as_any().downcast_ref::<Produce>().map(Produce::latencies)
}
