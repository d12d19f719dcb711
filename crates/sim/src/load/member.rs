//! A member of a consumer group that takes its time for each record.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use blumfeld_client::consumer::{CommitId, Consumer, ConsumerConfig, ConsumerEvent, ConsumerRecord};
use blumfeld_kernel::{Context, Input, Instant, Node};

use super::{Fact, number};

/// What a member does.
#[derive(Clone, Debug)]
pub struct MemberLoad {
    /// The topic that its group reads.
    pub topic: Arc<str>,
    /// How long a record takes. The member does not poll meanwhile, as a Java program does not.
    pub processing: Duration,
    /// It leaves in order after so many records; 0 is never.
    pub until: u64,
    /// Whether every record, and every partition that comes, is told as a [`Fact`].
    pub report: bool,
}

/// The process. A Ctrl-C makes it leave its group in order.
///
/// Without `enable.auto.commit` it commits what it has processed before it polls again (`commitSync`).
#[derive(Clone, Debug)]
pub struct LoadMember {
    load: MemberLoad,
    consumer: Consumer,
    commits: bool,
    /// Records that are worked on, and when they will be done.
    working: Option<(Instant, Vec<ConsumerRecord>)>,
    committing: Option<CommitId>,
    /// Whether its last commit failed: in the middle of a cooperative rebalance it may, and the member goes on with
    /// what it has. It is tried again when the rebalance is over.
    uncommitted: bool,
    generation: i32,
    processed: BTreeMap<i32, u64>,
    now: Instant,
    leaving: bool,
    over: bool,
}

impl LoadMember {
    /// A member with these settings, which name its group.
    pub fn new(config: ConsumerConfig, load: MemberLoad) -> LoadMember {
        LoadMember {
            load,
            commits: !config.enable_auto_commit,
            consumer: Consumer::new(config),
            working: None,
            committing: None,
            uncommitted: false,
            generation: -1,
            processed: BTreeMap::new(),
            now: Instant::ZERO,
            leaving: false,
            over: false,
        }
    }

    /// How many records it has processed, by partition.
    pub fn processed(&self) -> &BTreeMap<i32, u64> {
        &self.processed
    }

    fn events(&mut self, facts: &mut Vec<u8>) {
        for event in self.consumer.take_events() {
            match event {
                ConsumerEvent::PartitionsAssigned(partitions) => {
                    for of in partitions.iter().filter(|_| self.load.report) {
                        Fact::Assigned { partition: of.partition }.encode(facts);
                    }
                }
                ConsumerEvent::Commit { id, offsets, result, .. } => {
                    for (of, at) in offsets.iter().filter(|_| self.load.report && result.is_ok()) {
                        Fact::Committed { partition: of.partition, offset: at.offset }.encode(facts);
                    }
                    if self.committing == Some(id) {
                        self.committing = None;
                        self.uncommitted = result.is_err();
                    }
                }
                ConsumerEvent::PartitionsRevoked(_)
                | ConsumerEvent::PartitionsLost(_)
                | ConsumerEvent::PollTimeout
                | ConsumerEvent::Offsets { .. }
                | ConsumerEvent::Committed { .. } => {}
            }
        }
        let generation = self.consumer.member().1;
        if self.load.report && generation != self.generation && self.consumer.is_stable() {
            self.generation = generation;
            for of in self.consumer.assignment() {
                Fact::Owned { partition: of.partition, generation }.encode(facts);
            }
        }
    }

    /// What was worked on is done.
    fn finish(&mut self, cx: &mut Context<'_>, records: &[ConsumerRecord], facts: &mut Vec<u8>) {
        for record in records {
            let (partition, offset) = (record.partition.partition, record.offset);
            *self.processed.entry(partition).or_default() += 1;
            if self.load.report {
                match record.value.as_deref().and_then(number) {
                    Some(value) => Fact::Read { partition, offset, value },
                    None => Fact::Foreign { partition, offset },
                }
                .encode(facts);
            }
        }
        let processed: u64 = self.processed.values().sum();
        self.leaving |= self.load.until > 0 && processed >= self.load.until;
        if self.commits && !records.is_empty() {
            self.committing = Some(self.consumer.commit(cx));
        }
    }

    fn work(&mut self, cx: &mut Context<'_>, facts: &mut Vec<u8>) {
        loop {
            match self.working.take() {
                Some((until, records)) if until > cx.now => {
                    self.working = Some((until, records));
                    return;
                }
                Some((_, records)) => self.finish(cx, &records, facts),
                None => {}
            }
            if self.committing.is_some() {
                // A commit waits for the coordinator, and only the background goes on.
                self.consumer.handle(cx, &Input::Timeout);
                self.events(facts);
                if self.committing.is_some() {
                    return;
                }
            }
            if self.leaving {
                return self.consumer.begin_close(cx);
            }
            let records = self.consumer.poll(cx);
            self.events(facts);
            if records.is_empty() {
                if !self.uncommitted || !self.consumer.is_stable() {
                    return;
                }
                self.uncommitted = false;
                self.committing = Some(self.consumer.commit(cx));
                continue;
            }
            let takes = self.load.processing * u32::try_from(records.len()).unwrap_or(u32::MAX);
            self.working = Some((cx.now + takes, records));
        }
    }
}

impl Node for LoadMember {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        if self.over {
            return;
        }
        self.now = cx.now;
        match input {
            Input::Started => self.consumer.subscribe([self.load.topic.clone()]),
            Input::Interrupt => self.leaving = true,
            _ => {}
        }
        self.consumer.handle(cx, &input);
        let mut facts = Vec::new();
        self.events(&mut facts);
        if !self.consumer.is_closed() {
            self.work(cx, &mut facts);
            self.events(&mut facts);
        }
        for _ in self.consumer.take_errors() {
            Fact::Failed(0).encode(&mut facts);
        }
        if !facts.is_empty() {
            cx.out.stdout(facts);
        }
        if self.leaving && self.consumer.is_closed() {
            self.over = true;
            self.consumer.close(cx);
            cx.out.exit(0);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let work = self.working.as_ref().map(|(until, _)| *until);
        self.consumer.next_timeout(self.now).into_iter().chain(work).min()
    }
}
