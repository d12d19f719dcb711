//! A topic that is created, written to, deleted, and created again, while brokers crash and come back: who was down in
//! between must not bring the old records back. Each value says for which incarnation of the topic it was sent.

use std::time::Duration;

use blumfeld_client::producer::{Acks, ProducerConfig};
use blumfeld_kernel::Process;
use blumfeld_kernel::{Instant, Prng};
use blumfeld_sim::load::{LoadDeletion, LoadProducer, LoadTopics, ProducerLoad};

use super::{Client, Run};

/// The topic.
pub const RECREATED: &str = "again";
/// Values of incarnations begin here: those of the other topic's producers are below.
const FIRST: u64 = 1 << 48;

/// For which incarnation a value was sent.
pub fn incarnation(value: u64) -> u64 {
    value.saturating_sub(FIRST) >> 16
}

/// What the next client does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    Create,
    Write,
    Delete,
}

/// How far the topic is.
#[derive(Debug)]
pub struct Topics {
    rng: Prng,
    next: Next,
    /// Of the topic that is there.
    incarnation: u64,
    /// When the next client begins; nothing while there is one.
    begins: Option<Instant>,
}

impl Topics {
    /// The topic is not there yet.
    pub fn new(seed: u64) -> Topics {
        let rng = Prng::new(seed, "topics-of-the-run");
        Topics { rng, next: Next::Create, incarnation: 0, begins: Some(Instant::ZERO) }
    }

    /// How often it was created.
    pub fn count(&self) -> u64 {
        self.incarnation
    }

    /// A client has come to its end.
    pub fn ended(&mut self, now: Instant) {
        self.next = match self.next {
            Next::Create => Next::Write,
            Next::Write => Next::Delete,
            Next::Delete => Next::Create,
        };
        self.begins = Some(now + self.rng.duration(Duration::from_millis(800)));
    }
}

impl Run {
    /// Starts the next client of the topic that is created again, when it is time.
    pub fn recreate(&mut self, partitions: i32, faults_for: Duration) {
        let now = self.world.now();
        let Some(topics) = self.topics.as_mut().filter(|topics| topics.begins.is_some_and(|at| at <= now))
        else {
            return;
        };
        topics.begins = None;
        self.checks.recreated(&self.world, topics.incarnation);
        let client: Box<dyn Process> = match topics.next {
            Next::Create => {
                topics.incarnation += 1;
                let topic = self.topic(RECREATED, partitions);
                Box::new(LoadTopics::new(self.client("again-admin"), vec![topic], Duration::ZERO))
            }
            Next::Write => {
                let base = FIRST + (topics.incarnation << 16);
                let records = 1 + topics.rng.below(30);
                let mut config = ProducerConfig::new(self.client("again-producer"));
                config.acks = Acks::All;
                // What cannot be written is left: another one is to come.
                config.delivery_timeout_ms = 20_000;
                config.max_block_ms = 20_000;
                let load = ProducerLoad {
                    topic: RECREATED.into(),
                    records,
                    size: 50,
                    keys: 0,
                    base,
                    burst: records,
                    pause: faults_for / 200,
                    report: false,
                };
                Box::new(LoadProducer::new(config, load))
            }
            Next::Delete => Box::new(LoadDeletion::new(self.client("again-admin"), RECREATED)),
        };
        let process = self.world.spawn(client);
        self.clients.insert(process, Client::Recreation);
    }
}
