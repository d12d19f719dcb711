//! The programs of a run with transactions: those that write, that read and write on, and that only read.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use blumfeld_client::TopicPartition;
use blumfeld_client::consumer::{Consumer, ConsumerConfig, ConsumerRecord, OffsetAndMetadata};
use blumfeld_client::producer::{
    Producer, ProducerConfig, ProducerRecord, Refused, TransactionError, TransactionEvent,
    TransactionOperation, TransactionState,
};
use blumfeld_kernel::{Context, Input, Instant, Node};
use blumfeld_protocol::ErrorCode;
use blumfeld_sim::load;
use bytes::Bytes;

use super::tables::{self, TABLES};

/// Something that a program says, on its standard output. What went wrong it says on its standard error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// A record is in a transaction.
    Sent {
        /// Which transaction.
        transaction: u64,
        /// The number of its topic.
        topic: u64,
        /// Its value.
        value: u64,
    },
    /// A transaction is to be committed.
    Asked(u64),
    /// It is.
    Committed(u64),
    /// It was aborted.
    Aborted(u64),
    /// A committed record was read.
    Read {
        /// The number of its topic.
        topic: u64,
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
        /// Its transaction; of a record of a table, all that must not change.
        transaction: u64,
        /// Its value.
        value: u64,
    },
    /// A record of no transaction stands in a table.
    Placed {
        /// The number of its topic.
        topic: u64,
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
        /// Its value.
        value: u64,
    },
}

/// So many numbers of 64 bits each is in the output.
const WORDS: usize = 6;

impl Told {
    pub(super) fn encode(self, out: &mut Vec<u8>) {
        let words: [u64; WORDS] = match self {
            Self::Sent { transaction, topic, value } => [0, transaction, topic, value, 0, 0],
            Self::Asked(transaction) => [1, transaction, 0, 0, 0, 0],
            Self::Committed(transaction) => [2, transaction, 0, 0, 0, 0],
            Self::Aborted(transaction) => [3, transaction, 0, 0, 0, 0],
            Self::Read { topic, partition, offset, transaction, value } => {
                [4, transaction, topic, value, u64::from(partition.unsigned_abs()), offset.unsigned_abs()]
            }
            Self::Placed { topic, partition, offset, value } => {
                [5, 0, topic, value, u64::from(partition.unsigned_abs()), offset.unsigned_abs()]
            }
        };
        words.iter().for_each(|word| out.extend(word.to_be_bytes()));
    }

    /// What an output says.
    pub fn decode(bytes: &[u8]) -> impl Iterator<Item = Told> {
        bytes.chunks_exact(WORDS * 8).filter_map(|one| {
            let word =
                |at: usize| one.get(8 * at..)?.first_chunk::<8>().map(|word| u64::from_be_bytes(*word));
            let (transaction, topic, value) = (word(1)?, word(2)?, word(3)?);
            Some(match word(0)? {
                0 => Self::Sent { transaction, topic, value },
                1 => Self::Asked(transaction),
                2 => Self::Committed(transaction),
                3 => Self::Aborted(transaction),
                kind => {
                    let partition = i32::try_from(word(4)?).ok()?;
                    let offset = i64::try_from(word(5)?).ok()?;
                    if kind == 4 {
                        Self::Read { topic, partition, offset, transaction, value }
                    } else {
                        Self::Placed { topic, partition, offset, value }
                    }
                }
            })
        })
    }
}

/// The topics of a run, in the order of their numbers.
pub const TOPICS: [&str; 3] = [INPUT, "other", OUTPUT];
/// What transformers read.
pub const INPUT: &str = "input";
/// What they write to.
pub const OUTPUT: &str = "output";

pub(super) fn number_of(topic: &str) -> u64 {
    TOPICS.iter().chain(&TABLES).position(|name| *name == topic).map_or(u64::MAX, |at| at as u64)
}

/// What a program does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The numbers of its transactions begin here.
    pub first: u64,
    /// How many partitions the topics have.
    pub partitions: i32,
    /// So many keys the tables have; 0 where there are none.
    pub keys: u64,
    /// Nothing new is begun from here on.
    pub until: Instant,
    /// Between two transactions, in milliseconds at most.
    pub pause_ms: u64,
    /// Between two records, in milliseconds at most.
    pub work_ms: u64,
    /// It is silent for so long now and then, in milliseconds: its transaction may time out meanwhile.
    pub silence_ms: u64,
    /// Of a hundred transactions so many are aborted, fall silent in the middle, and are left by a program that dies.
    pub odds: [u64; 3],
}

/// What is to become of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Commit,
    Abort,
    Die,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Initializing,
    /// Another transaction begins then, where there is something to do.
    Idle(Instant),
    /// The next record is sent then.
    Working(Instant),
    /// What was sent is to stand in the topics before it is given up.
    Flushing,
    SendingOffsets,
    Committing,
    Aborting,
}

/// A program that writes in transactions: what it makes up, or what it reads.
#[derive(Clone, Debug)]
pub struct Writer {
    plan: Plan,
    producer: Producer,
    /// Reads what is written on, where anything is.
    consumer: Option<Consumer>,
    stage: Stage,
    fate: Fate,
    /// It falls silent after the next record.
    silent: bool,
    transaction: u64,
    /// Values that the transaction still lacks.
    values: VecDeque<u64>,
    refused: Option<(Box<ProducerRecord>, u64)>,
    firsts: BTreeMap<TopicPartition, i64>,
    nexts: BTreeMap<TopicPartition, OffsetAndMetadata>,
    told: Vec<u8>,
    /// It has gone too far for another transaction: its group is left.
    closing: bool,
    over: bool,
    now: Instant,
}

impl Writer {
    /// A program with these settings; with a consumer it reads what it writes.
    pub fn new(plan: Plan, producer: ProducerConfig, consumer: Option<ConsumerConfig>) -> Writer {
        Writer {
            transaction: plan.first,
            plan,
            producer: Producer::new(producer),
            consumer: consumer.map(Consumer::new),
            stage: Stage::Initializing,
            fate: Fate::Commit,
            silent: false,
            values: VecDeque::new(),
            refused: None,
            firsts: BTreeMap::new(),
            nexts: BTreeMap::new(),
            told: Vec::new(),
            closing: false,
            over: false,
            now: Instant::ZERO,
        }
    }

    fn say(&mut self, told: Told) {
        told.encode(&mut self.told);
    }

    fn is_broken(&self) -> bool {
        self.producer.transaction_state().is_none_or(TransactionState::is_error)
    }

    fn work(&mut self, cx: &mut Context<'_>) {
        while !self.over && !self.closing {
            drop(self.producer.poll(cx));
            let event = self.producer.take_transaction_events().pop();
            match (self.stage, event) {
                (_, Some(event)) => self.heard(cx, event),
                (Stage::Idle(at), None) => {
                    if self.consumer.is_none() && cx.now >= self.plan.until {
                        return self.end(cx, 0);
                    }
                    if at > cx.now || !self.begin(cx) {
                        return;
                    }
                }
                (Stage::Working(_) | Stage::Flushing, None) if self.is_broken() => self.abort(cx),
                (Stage::Working(at), None) if at > cx.now => return,
                (Stage::Working(_), None) => {
                    self.process(cx);
                    if self.refused.is_some() {
                        drop(self.producer.poll(cx));
                        return;
                    }
                }
                (Stage::Flushing, None) if self.producer.pending() > 0 => return,
                (Stage::Flushing, None) => self.seal(cx),
                (Stage::Initializing | Stage::SendingOffsets | Stage::Committing | Stage::Aborting, None) => {
                    return;
                }
            }
        }
    }

    /// Begins a transaction, if there is something to write.
    fn begin(&mut self, cx: &mut Context<'_>) -> bool {
        let rng = &mut *cx.rng;
        let count = 1 + rng.below(6);
        let pick = rng.below(100);
        let [abort, silent, die] = self.plan.odds;
        self.silent = (abort..abort + silent).contains(&pick);
        self.fate = match pick {
            pick if pick < abort => Fate::Abort,
            pick if (100 - die..100).contains(&pick) => Fate::Die,
            _ => Fate::Commit,
        };
        if cx.now >= self.plan.until {
            // What is still to be written on is to come to its end.
            (self.silent, self.fate) = (false, Fate::Commit);
        }
        let next = self.transaction + 1;
        if let Some(consumer) = &mut self.consumer {
            let records = consumer.poll(cx);
            if records.is_empty() {
                self.stage = Stage::Idle(cx.now + Duration::from_millis(500));
                return false;
            }
            let value = |record: &ConsumerRecord| record.value.as_deref().and_then(load::number);
            self.values = records.iter().filter_map(value).collect();
            (self.firsts, self.nexts) = (BTreeMap::new(), BTreeMap::new());
            for record in &records {
                self.firsts.entry(record.partition.clone()).or_insert(record.offset);
            }
            for of in self.firsts.keys() {
                if let Some(offset) = consumer.position(of) {
                    let one = OffsetAndMetadata { offset, leader_epoch: None, metadata: String::new() };
                    self.nexts.insert(of.clone(), one);
                }
            }
        } else {
            // Nobody else has these values.
            self.values = (0..count).map(|number| (next << 8) + number).collect();
        }
        self.transaction = next;
        self.stage = Stage::Working(cx.now);
        let begun = self.producer.begin_transaction();
        self.check(cx, begun);
        true
    }

    /// Sends the next record, or goes on to the end of the transaction.
    fn process(&mut self, cx: &mut Context<'_>) {
        let (record, value) = match self.refused.take() {
            Some(refused) => refused,
            None => {
                let Some(value) = self.values.pop_front() else {
                    // Whoever gives a transaction up does so at any moment, or once its records are there.
                    if self.fate != Fate::Commit && cx.rng.chance(1, 2) {
                        self.producer.flush();
                        self.stage = Stage::Flushing;
                    } else {
                        self.seal(cx);
                    }
                    return;
                };
                let record = match &self.consumer {
                    None if self.plan.keys > 0 && cx.rng.chance(1, 2) => {
                        tables::record(cx.rng, self.plan.partitions, self.plan.keys, value)
                    }
                    None => {
                        let topic = TOPICS[usize::from(cx.rng.chance(1, 3))];
                        self.record(cx, topic, value)
                    }
                    Some(_) => self.record(cx, OUTPUT, value),
                };
                (Box::new(record), value)
            }
        };
        let topic = number_of(&record.topic);
        match self.producer.send(cx, *record) {
            Ok(_) => {
                self.say(Told::Sent { transaction: self.transaction, topic, value });
                let wait = match std::mem::take(&mut self.silent) {
                    true => self.plan.silence_ms,
                    false => cx.rng.below(self.plan.work_ms + 1),
                };
                self.stage = Stage::Working(cx.now + Duration::from_millis(wait));
            }
            Err(Refused::Wait(record)) => self.refused = Some((record, value)),
            Err(Refused::Failed(_)) => self.abort(cx),
        }
    }

    fn record(&self, cx: &mut Context<'_>, topic: &str, value: u64) -> ProducerRecord {
        let partition = i32::try_from(cx.rng.below(u64::from(self.plan.partitions.unsigned_abs().max(1))));
        ProducerRecord {
            topic: topic.into(),
            partition: partition.ok(),
            timestamp: None,
            key: Some(Bytes::copy_from_slice(&self.transaction.to_be_bytes())),
            value: Some(load::value(value, 20)),
            headers: Vec::new(),
        }
    }

    /// Ends the transaction as it is to end.
    fn seal(&mut self, cx: &mut Context<'_>) {
        match self.fate {
            Fate::Abort => self.abort(cx),
            Fate::Die => self.end(cx, 1),
            Fate::Commit => match self.consumer.as_ref().map(Consumer::group_metadata) {
                None => self.commit(cx),
                Some(None) => self.abort(cx),
                Some(Some(group)) => {
                    self.stage = Stage::SendingOffsets;
                    let sent = self.producer.send_offsets_to_transaction(cx, self.nexts.clone(), group);
                    self.check(cx, sent);
                }
            },
        }
    }

    fn commit(&mut self, cx: &mut Context<'_>) {
        self.stage = Stage::Committing;
        self.say(Told::Asked(self.transaction));
        let begun = self.producer.commit_transaction(cx);
        self.check(cx, begun);
    }

    fn abort(&mut self, cx: &mut Context<'_>) {
        self.stage = Stage::Aborting;
        self.values.clear();
        self.refused = None;
        if let Err(error) = self.producer.abort_transaction(cx) {
            self.fail(cx, &error);
        }
    }

    fn heard(&mut self, cx: &mut Context<'_>, event: TransactionEvent) {
        let TransactionEvent { operation, result } = event;
        match (operation, result) {
            (TransactionOperation::Init, Ok(())) => {
                if let Some(consumer) = &mut self.consumer {
                    consumer.subscribe([INPUT.into()]);
                }
                self.stage = Stage::Idle(cx.now);
            }
            (TransactionOperation::SendOffsets, Ok(())) => self.commit(cx),
            (TransactionOperation::Commit, Ok(())) => {
                self.say(Told::Committed(self.transaction));
                self.pause(cx);
            }
            (TransactionOperation::Abort, Ok(())) => {
                self.say(Told::Aborted(self.transaction));
                if let Some(consumer) = &mut self.consumer {
                    let assigned: Vec<TopicPartition> = consumer.assignment().cloned().collect();
                    for (of, first) in std::mem::take(&mut self.firsts) {
                        if assigned.contains(&of) {
                            consumer.seek(&of, first);
                        }
                    }
                }
                self.pause(cx);
            }
            (operation, Err(error)) if error.is(ErrorCode::REQUEST_TIMED_OUT) && !self.is_broken() => {
                let begun = match operation {
                    TransactionOperation::Init => self.producer.init_transactions(cx),
                    TransactionOperation::Commit => self.producer.commit_transaction(cx),
                    TransactionOperation::SendOffsets => return self.abort(cx),
                    TransactionOperation::Abort => self.producer.abort_transaction(cx),
                };
                self.check(cx, begun);
            }
            (_, Err(error)) => self.check(cx, Err(error)),
        }
    }

    fn pause(&mut self, cx: &mut Context<'_>) {
        self.stage = Stage::Idle(cx.now + Duration::from_millis(cx.rng.below(self.plan.pause_ms + 1)));
    }

    /// An error of a transactional method ends the transaction, or the program.
    fn check(&mut self, cx: &mut Context<'_>, result: Result<(), TransactionError>) {
        let Err(error) = result else { return };
        if self.producer.transaction_state() == Some(TransactionState::AbortableError) {
            cx.out.stderr(format!("{:#x} aborts: {}: {error}", self.transaction, error.class()).into_bytes());
            self.abort(cx);
        } else {
            self.fail(cx, &error);
        }
    }

    fn fail(&mut self, cx: &mut Context<'_>, error: &TransactionError) {
        cx.out.stderr(format!("{:#x} ends: {}: {error}", self.transaction, error.class()).into_bytes());
        match &mut self.consumer {
            Some(consumer) => {
                self.closing = true;
                consumer.begin_close(cx);
            }
            None => self.end(cx, 1),
        }
    }

    fn end(&mut self, cx: &mut Context<'_>, code: i32) {
        self.over = true;
        if !self.told.is_empty() {
            cx.out.stdout(std::mem::take(&mut self.told));
        }
        if let Some(consumer) = &mut self.consumer {
            consumer.close(cx);
        }
        self.producer.close(cx);
        cx.out.exit(code);
    }
}

impl Node for Writer {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        self.now = cx.now;
        if self.over {
            return;
        }
        if matches!(input, Input::Started)
            && let Err(error) = self.producer.init_transactions(cx)
        {
            return self.fail(cx, &error);
        }
        drop(self.producer.handle(cx, &input));
        if let Some(consumer) = &mut self.consumer {
            consumer.handle(cx, &input);
            drop(consumer.take_events());
        }
        self.work(cx);
        if let Some(consumer) = self.consumer.as_mut().filter(|_| !self.over) {
            drop(consumer.take_events());
            if let Some(error) = consumer.take_errors().into_iter().next()
                && !self.closing
            {
                cx.out.stderr(format!("its consumer fails: {error}").into_bytes());
                self.closing = true;
                consumer.begin_close(cx);
            }
            if self.closing && consumer.is_closed() {
                return self.end(cx, 1);
            }
        }
        if !self.told.is_empty() {
            cx.out.stdout(std::mem::take(&mut self.told));
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let work = match self.stage {
            Stage::Idle(at) => Some(at),
            Stage::Working(at) if self.refused.is_none() => Some(at),
            _ => None,
        };
        let clients = [
            self.consumer.as_ref().and_then(|one| one.next_timeout(self.now)),
            self.producer.next_timeout(self.now),
        ];
        clients.into_iter().chain([work.filter(|_| !self.closing)]).flatten().min()
    }
}

/// A program that reads what is committed, from the beginning up to given ends.
#[derive(Clone, Debug)]
pub struct Reader {
    consumer: Consumer,
    ends: BTreeMap<TopicPartition, i64>,
    now: Instant,
    over: bool,
}

impl Reader {
    /// A reader up to these ends, [`i64::MAX`] for ever.
    pub fn new(config: ConsumerConfig, ends: BTreeMap<TopicPartition, i64>) -> Reader {
        Reader { consumer: Consumer::new(config), ends, now: Instant::ZERO, over: false }
    }
}

impl Node for Reader {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        self.now = cx.now;
        if self.over {
            return;
        }
        if matches!(input, Input::Started) {
            self.consumer.assign(self.ends.keys().cloned());
            self.ends.keys().for_each(|of| self.consumer.seek_to_beginning(of));
        }
        self.consumer.handle(cx, &input);
        let mut told = Vec::new();
        loop {
            let records = self.consumer.poll(cx);
            if records.is_empty() {
                break;
            }
            for record in records {
                if let Some(read) = tables::read(&record) {
                    read.encode(&mut told);
                    continue;
                }
                let key = record.key.as_deref().and_then(|key| key.first_chunk::<8>());
                Told::Read {
                    topic: number_of(&record.partition.topic),
                    partition: record.partition.partition,
                    offset: record.offset,
                    transaction: key.map_or(0, |key| u64::from_be_bytes(*key)),
                    value: record.value.as_deref().and_then(load::number).unwrap_or(u64::MAX),
                }
                .encode(&mut told);
            }
        }
        for error in self.consumer.take_errors() {
            cx.out.stderr(format!("a reader fails: {error}").into_bytes());
        }
        if !told.is_empty() {
            cx.out.stdout(told);
        }
        let at_end =
            |(of, end): (&TopicPartition, &i64)| self.consumer.position(of).is_some_and(|at| at >= *end);
        self.over = self.ends.iter().all(at_end);
        if self.over {
            self.consumer.close(cx);
            cx.out.exit(0);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over { None } else { self.consumer.next_timeout(self.now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_comes_back() {
        let all = [
            Told::Sent { transaction: 7, topic: 1, value: 9 },
            Told::Asked(7),
            Told::Committed(8),
            Told::Aborted(9),
            Told::Read { topic: 2, partition: 3, offset: 4, transaction: 7, value: 9 },
            Told::Placed { topic: 2, partition: 3, offset: 4, value: 9 },
        ];
        let mut bytes = Vec::new();
        all.iter().for_each(|one| one.encode(&mut bytes));
        assert_eq!(Told::decode(&bytes).collect::<Vec<_>>(), all);
    }
}
