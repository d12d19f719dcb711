//! A producer that sends so many records at a time, each time in a transaction or without one: what transactions cost.

use std::sync::Arc;

use blumfeld_client::producer::{Producer, ProducerConfig, ProducerRecord, Refused, TransactionOperation};
use blumfeld_kernel::{Context, Input, Instant, Node};

use super::value;

/// The process. It ends with 1 if anything fails.
#[derive(Clone, Debug)]
pub struct LoadTransactions {
    producer: Producer,
    topic: Arc<str>,
    /// Records of a transaction.
    each: u64,
    /// Transactions that are still to come.
    left: u64,
    /// Bytes of a value.
    size: usize,
    in_transactions: bool,
    /// Records of this transaction that are sent.
    sent: u64,
    /// Nothing is sent: what was asked of the producer is not done.
    waits: bool,
    held: Option<Box<ProducerRecord>>,
    now: Instant,
    over: bool,
}

impl LoadTransactions {
    /// `count` times `each` records of so many bytes. They are in transactions if the producer has an id for them; else
    /// they are waited for before the next ones are sent, as a transaction's are.
    pub fn new(
        config: ProducerConfig,
        topic: &str,
        (count, each): (u64, u64),
        size: usize,
    ) -> LoadTransactions {
        LoadTransactions {
            in_transactions: config.transactional_id.is_some(),
            producer: Producer::new(config),
            topic: topic.into(),
            each,
            left: count,
            size,
            sent: 0,
            waits: false,
            held: None,
            now: Instant::ZERO,
            over: false,
        }
    }

    fn end(&mut self, cx: &mut Context<'_>, code: i32) {
        self.over = true;
        self.producer.close(cx);
        cx.out.exit(code);
    }

    /// Hears what became of what was asked. False if it failed.
    fn hear(&mut self) -> bool {
        for event in self.producer.take_transaction_events() {
            if event.result.is_err() {
                return false;
            }
            self.waits = false;
            match event.operation {
                TransactionOperation::Commit => self.left -= 1,
                TransactionOperation::Init if self.producer.begin_transaction().is_err() => return false,
                _ => continue,
            }
            if event.operation == TransactionOperation::Commit
                && self.left > 0
                && self.producer.begin_transaction().is_err()
            {
                return false;
            }
        }
        true
    }

    fn work(&mut self, cx: &mut Context<'_>) {
        loop {
            let failed = self.producer.poll(cx).iter().any(|delivery| delivery.result.is_err());
            if failed || !self.hear() {
                return self.end(cx, 1);
            }
            if self.waits && !self.in_transactions && self.producer.pending() == 0 {
                (self.waits, self.left) = (false, self.left - 1);
            }
            if self.left == 0 {
                return self.end(cx, 0);
            }
            if self.waits {
                return;
            }
            while self.sent < self.each {
                let record = self.held.take().unwrap_or_else(|| {
                    Box::new(ProducerRecord {
                        topic: self.topic.clone(),
                        partition: None,
                        timestamp: None,
                        key: None,
                        value: Some(value(self.sent, self.size)),
                        headers: Vec::new(),
                    })
                });
                match self.producer.send(cx, *record) {
                    Ok(_) => self.sent += 1,
                    Err(Refused::Wait(record)) => {
                        self.held = Some(record);
                        return;
                    }
                    Err(Refused::Failed(_)) => return self.end(cx, 1),
                }
            }
            (self.sent, self.waits) = (0, true);
            if !self.in_transactions {
                self.producer.flush();
            } else if self.producer.commit_transaction(cx).is_err() {
                return self.end(cx, 1);
            }
        }
    }
}

impl Node for LoadTransactions {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        if self.over {
            return;
        }
        self.now = cx.now;
        if matches!(input, Input::Started) && self.in_transactions {
            self.waits = true;
            if self.producer.init_transactions(cx).is_err() {
                return self.end(cx, 1);
            }
        }
        let failed = self.producer.handle(cx, &input).iter().any(|delivery| delivery.result.is_err());
        if failed {
            return self.end(cx, 1);
        }
        self.work(cx);
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over { None } else { self.producer.next_timeout(self.now) }
    }
}
