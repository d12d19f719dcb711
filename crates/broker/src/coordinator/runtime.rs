//! What every coordinator is made of (org.apache.kafka.coordinator.common.runtime.CoordinatorRuntime): a shard for each
//! partition of its topic that this broker leads.
//!
//! The problem: what a coordinator says must outlive its broker, so nobody may be told of a decision before the records
//! that say it are replicated. But the next decision cannot wait for that. So a shard decides on the state up to the
//! log's end: its records are appended and replayed at once, and what follows from them (an answer, mostly) is parked
//! with the offset that the high watermark has to reach. Parked things go on in the order of their offsets. When the
//! partition is lost they fail, the shard is dropped, and the next leader makes it again from the log.
//!
//! A shard never appends, and never sets a timer itself: it says what follows through [`Effects`]. The runtime knows no
//! topic and no record; these are the shard's.
//!
//! Records may belong to a client's transaction. Then they are replayed with its producer's id, and count once the
//! transaction's marker is replayed ([`Change::End`]), or never.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::sync::Arc;

use blumfeld_kernel::{ConnectionId, Context, FlushId, Instant};
use blumfeld_log::{AppendOrigin, Marker};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::record_batch::{Batch, BatchBuilder, BatchOptions};
use bytes::Bytes;

use crate::call::Call;
use crate::metadata::MetadataImage;
use crate::replica::{Partition, ReplicaManager, TopicPartition};
use crate::reply::Body;
use crate::timers::{Place, Timers};

/// What changes a shard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change<R> {
    /// A record.
    Record {
        /// What it says.
        record: R,
        /// Its offset.
        offset: i64,
        /// The producer whose transaction it belongs to.
        producer: Option<i64>,
    },
    /// A producer's transaction has ended.
    End {
        /// Whose it was.
        producer_id: i64,
        /// Whether it was committed.
        commits: bool,
    },
}

/// One partition's part of a coordinator.
pub trait Shard: Clone + Debug + Default {
    /// The topic that its records are stored in.
    const TOPIC: &'static str;
    /// The configs that it obeys.
    type Config;
    /// A change of its state.
    type Record: Clone + Debug;
    /// What a timer of it is for.
    type Timer: Clone + Debug + Ord;
    /// An answer to a request.
    type Answer: Clone + Debug;
    /// What it does itself once its records are committed, or could not be.
    type Stored: Clone + Debug;

    /// A record's key and value; `None` if it does not fit into them.
    fn encode(record: &Self::Record) -> Option<(Vec<u8>, Option<Vec<u8>>)>;

    /// Reads a record.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn decode(key: Option<&Bytes>, value: Option<&Bytes>) -> Result<Self::Record, String>;

    /// Takes a change into the state up to the log's end.
    fn replay(&mut self, change: &Change<Self::Record>, now_ms: i64);

    /// Takes a change into the state up to the high watermark.
    fn commit(&mut self, change: &Change<Self::Record>);

    /// Everything that the log of `partition` holds is replayed, but for the records at the offsets of `skipped`.
    fn loaded(&mut self, env: &mut Env<'_, '_, Self>, partition: &Arc<str>, skipped: Vec<(i64, String)>);

    /// This broker leads the partition in this epoch: it is loaded next, or was before.
    fn leads(&mut self, epoch: i32) {
        let _ = epoch;
    }

    /// A timer has gone off.
    fn on_timer(&mut self, env: &mut Env<'_, '_, Self>, timer: &Self::Timer);

    /// Records are committed, or could not be.
    fn stored(&mut self, env: &mut Env<'_, '_, Self>, stored: Self::Stored, result: Result<(), ErrorCode>);

    /// Another broker leads `partition` from now on; `stored` waits in vain.
    fn unload(self, env: &mut Env<'_, '_, Self>, partition: &Arc<str>, stored: Vec<Self::Stored>);

    /// What must always be true: the state up to the high watermark becomes the one up to the log's end by the records
    /// that wait between the two, in their order.
    ///
    /// # Errors
    /// What is not so.
    fn invariant<'a>(&self, waits: impl Iterator<Item = &'a Change<Self::Record>>) -> Result<(), String>
    where
        Self::Record: 'a;

    /// The requests that the shard has not answered, and of which the runtime knows nothing.
    fn waiting(&self) -> impl Iterator<Item = &Call>;

    /// The request that is answered by what follows from a write.
    fn waits_for(stored: &Self::Stored) -> Option<&Call> {
        let _ = stored;
        None
    }

    /// Says in the trace that changes are committed.
    fn trace_commit(cx: &mut Context<'_>, changes: &[Change<Self::Record>]);

    /// What an answer becomes if its records could not be stored.
    fn fail(answer: Self::Answer, code: ErrorCode) -> Self::Answer;

    /// Takes what became of the part of a request that is about `key`: the code of a failed append, or of a refusal.
    fn gather(answer: &mut Self::Answer, key: &str, code: ErrorCode);

    /// What a failed append means to those who asked.
    fn append_error(code: ErrorCode) -> ErrorCode;

    /// An answer, as it is said in the version of its request.
    fn respond(answer: Self::Answer, version: i16) -> Body;

    /// So long an answer waits for its records, in milliseconds.
    fn write_timeout_ms(config: &Self::Config) -> i64;
}

/// What a shard has at hand.
pub struct Env<'a, 'b, S: Shard> {
    /// The node's surroundings.
    pub cx: &'a mut Context<'b>,
    /// The configs.
    pub config: &'a S::Config,
    /// What follows.
    pub fx: &'a mut Effects<S>,
}

impl<S: Shard> Env<'_, '_, S> {
    /// Sets a timer again.
    pub fn timer(&mut self, timer: S::Timer, after_ms: i64) {
        self.fx.timers.push((timer, Some(after_ms)));
    }

    /// Takes a timer away.
    pub fn cancel(&mut self, timer: S::Timer) {
        self.fx.timers.push((timer, None));
    }

    /// Stores what is the state here already.
    pub fn write(&mut self, record: S::Record, after: After<S>) {
        self.fx.writes.push(Write { records: vec![record], producer: None, replay: false, after });
    }
}

/// What happens once records are committed, or could not be.
#[derive(Clone, Debug)]
pub enum After<S: Shard> {
    /// Nothing.
    Nothing,
    /// Nothing: another coordinator wrote them, and may have told of it.
    Loaded,
    /// The answer goes out.
    Respond(Call, S::Answer),
    /// One of several parts of a request is done with: its gathering, and the key that the part is about.
    Gathered(u64, String),
    /// Somebody outside of the coordinator goes on, who knows this number.
    Outside(u64),
    /// The shard goes on itself.
    Then(S::Stored),
}

/// Records to append.
#[derive(Clone, Debug)]
pub struct Write<S: Shard> {
    /// Appended together; none is a read that waits for what was written before it.
    pub records: Vec<S::Record>,
    /// The producer id and epoch of the transaction that they belong to.
    pub producer: Option<(i64, i16)>,
    /// Whether they are replayed here, or say what is here already.
    pub replay: bool,
    /// What follows.
    pub after: After<S>,
}

/// What follows from a handler.
#[derive(Clone, Debug)]
pub struct Effects<S: Shard> {
    /// Answers that go out.
    pub answers: Vec<(Call, S::Answer)>,
    /// Timers that are set again for so many milliseconds from now, or `None` that are no more.
    pub timers: Vec<(S::Timer, Option<i64>)>,
    /// Records to append, in order.
    pub writes: Vec<Write<S>>,
    /// Parts of gathered requests that are done with: the gathering, the key, and what is said of it.
    pub gathered: Vec<(u64, String, ErrorCode)>,
}

impl<S: Shard> Default for Effects<S> {
    fn default() -> Effects<S> {
        Effects { answers: Vec::new(), timers: Vec::new(), writes: Vec::new(), gathered: Vec::new() }
    }
}

impl<S: Shard> Effects<S> {
    /// Answers a request.
    pub fn answer(&mut self, call: Call, answer: S::Answer) {
        self.answers.push((call, answer));
    }
}

/// An append that is not committed yet.
#[derive(Clone, Debug)]
struct Pending<S: Shard> {
    /// For its timer; 0 for one that was loaded, and has none.
    id: u64,
    /// The high watermark has to come here.
    offset: i64,
    /// The flush that has to be done.
    flush: Option<FlushId>,
    /// What is committed with it.
    changes: Vec<Change<S::Record>>,
    after: After<S>,
}

/// A shard with what waits for its log.
#[derive(Clone, Debug)]
struct Loaded<S: Shard> {
    shard: S,
    pending: VecDeque<Pending<S>>,
}

/// A request about keys of several shards.
#[derive(Clone, Debug)]
struct Gathering<S: Shard> {
    call: Call,
    /// The answer so far.
    answer: S::Answer,
    /// Parts that are under way.
    missing: usize,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Timer<T> {
    /// One of the shard's.
    Shard(T),
    /// A write is committed by then, or its request is answered all the same.
    Write(u64),
}

/// What a runtime stands on.
pub struct Host<'a, S: Shard> {
    /// Where the logs are.
    pub replicas: &'a mut ReplicaManager,
    /// Says how many replicas a write needs.
    pub image: &'a MetadataImage,
    /// The configs of the shards.
    pub config: &'a S::Config,
    /// Whether a write is durable before anything follows from it.
    pub flush: bool,
    /// Whether the disk takes nothing.
    pub disk_failed: bool,
}

/// All shards of a coordinator.
#[derive(Clone, Debug)]
pub struct Runtime<S: Shard> {
    shards: BTreeMap<i32, Loaded<S>>,
    timers: Timers<(i32, Timer<S::Timer>)>,
    /// Where each timer stands.
    places: BTreeMap<(i32, Timer<S::Timer>), Place>,
    /// Answers that are to be sent.
    answers: VecDeque<(Call, S::Answer)>,
    gatherings: BTreeMap<u64, Gathering<S>>,
    /// What is done with for somebody outside, by his number.
    outside: VecDeque<(u64, Result<(), ErrorCode>)>,
    /// The number of the newest gathering or write.
    last_id: u64,
}

impl<S: Shard> Default for Runtime<S> {
    fn default() -> Runtime<S> {
        Runtime {
            shards: BTreeMap::new(),
            timers: Timers::default(),
            places: BTreeMap::new(),
            answers: VecDeque::new(),
            gatherings: BTreeMap::new(),
            outside: VecDeque::new(),
            last_id: 0,
        }
    }
}

impl<S: Shard> Runtime<S> {
    // ---- what others may see

    /// The shards in the order of their partitions.
    pub(super) fn shards(&self) -> impl Iterator<Item = &S> {
        self.shards.values().map(|one| &one.shard)
    }

    /// The shard of a partition.
    pub fn shard(&self, partition: i32) -> Option<&S> {
        self.shards.get(&partition).map(|one| &one.shard)
    }

    /// The partitions of its topic that it coordinates.
    pub fn partitions(&self) -> impl Iterator<Item = i32> {
        self.shards.keys().copied()
    }

    /// When [`poll`](Self::poll) next has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.timers.next_timeout()
    }

    /// The connections whose requests are not answered yet.
    pub fn owed(&self) -> impl Iterator<Item = ConnectionId> {
        let answers = self.answers.iter().map(|(call, _)| call);
        let gatherings = self.gatherings.values().map(|gathering| &gathering.call);
        let shards = self.shards.values().flat_map(|one| {
            let parked = one.pending.iter().filter_map(|pending| match &pending.after {
                After::Respond(call, _) => Some(call),
                After::Nothing | After::Loaded | After::Gathered(..) | After::Outside(_) => None,
                After::Then(stored) => S::waits_for(stored),
            });
            parked.chain(one.shard.waiting())
        });
        answers.chain(gatherings).chain(shards).map(|call| call.conn)
    }

    /// What must always be true.
    pub fn invariants(&self) -> Result<(), String> {
        for (partition, one) in &self.shards {
            if !one.pending.iter().is_sorted_by_key(|pending| pending.offset) {
                return Err(format!("{}-{partition}: what waits is not in the order of the log", S::TOPIC));
            }
            let waits = one.pending.iter().flat_map(|pending| &pending.changes);
            one.shard.invariant(waits).map_err(|wrong| format!("{}-{partition}: {wrong}", S::TOPIC))?;
        }
        Ok(())
    }

    // ---- requests

    /// Lets a shard handle something; `None` if this broker does not coordinate the partition.
    pub fn with_shard<R>(
        &mut self,
        cx: &mut Context<'_>,
        host: &mut Host<'_, S>,
        partition: i32,
        run: impl FnOnce(&mut S, &mut Env<'_, '_, S>) -> R,
    ) -> Option<R> {
        let one = self.shards.get_mut(&partition)?;
        let mut fx = Effects::default();
        let result = run(&mut one.shard, &mut Env { cx, config: host.config, fx: &mut fx });
        self.apply(cx, host, partition, fx);
        Some(result)
    }

    /// An answer, sent once the present input is handled.
    pub fn answer(&mut self, call: Call, answer: S::Answer) {
        self.answers.push_back((call, answer));
    }

    /// The next answer that is to be sent.
    pub fn next_answer(&mut self) -> Option<(Call, Body)> {
        let (call, answer) = self.answers.pop_front()?;
        let body = S::respond(answer, call.header.version);
        Some((call, body))
    }

    /// The next thing that is done with for somebody outside, by his number.
    pub fn next_outside(&mut self) -> Option<(u64, Result<(), ErrorCode>)> {
        self.outside.pop_front()
    }

    /// Begins to gather what several shards say to one request; gives its number.
    pub fn gather(&mut self, call: Call, answer: S::Answer, missing: usize) -> u64 {
        let id = self.next_id();
        self.gatherings.insert(id, Gathering { call, answer, missing });
        id
    }

    /// One part of what is gathered is there.
    pub fn gathered(&mut self, id: u64, key: &str, code: ErrorCode) {
        let Some(gathering) = self.gatherings.get_mut(&id) else { return };
        S::gather(&mut gathering.answer, key, code);
        gathering.missing = gathering.missing.saturating_sub(1);
        if gathering.missing == 0
            && let Some(done) = self.gatherings.remove(&id)
        {
            self.answer(done.call, done.answer);
        }
    }

    // ---- effects

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn apply(&mut self, cx: &mut Context<'_>, host: &mut Host<'_, S>, partition: i32, fx: Effects<S>) {
        self.answers.extend(fx.answers);
        for (id, key, code) in fx.gathered {
            self.gathered(id, &key, code);
        }
        for (timer, after_ms) in fx.timers {
            self.set_timer(cx, partition, Timer::Shard(timer), after_ms);
        }
        for write in fx.writes {
            self.write(cx, host, partition, write);
        }
    }

    fn set_timer(&mut self, cx: &Context<'_>, partition: i32, timer: Timer<S::Timer>, after_ms: Option<i64>) {
        let timer = (partition, timer);
        if let Some(place) = self.places.remove(&timer) {
            self.timers.cancel(place);
        }
        let Some(after_ms) = after_ms else { return };
        let place = self.timers.set(cx.after_ms(after_ms), timer.clone());
        self.places.insert(timer, place);
    }

    /// Handles the next timer that is due, if there is one.
    pub fn poll(&mut self, cx: &mut Context<'_>, host: &mut Host<'_, S>) {
        let Some(due) = self.timers.pop_due(cx.now) else { return };
        self.places.remove(&due);
        let (partition, timer) = due;
        match timer {
            Timer::Shard(timer) => {
                self.with_shard(cx, host, partition, |shard, env| shard.on_timer(env, &timer));
            }
            Timer::Write(id) => {
                // The records stay, and may be committed yet; only the answer does not wait for it.
                let Some(one) = self.shards.get_mut(&partition) else { return };
                if let Some(pending) = one.pending.iter_mut().find(|pending| pending.id == id) {
                    let after = std::mem::replace(&mut pending.after, After::Nothing);
                    self.finish(cx, host, partition, after, Err(ErrorCode::REQUEST_TIMED_OUT));
                }
            }
        }
    }

    // ---- appends

    /// Appends records; what follows waits until they are committed.
    fn write(&mut self, cx: &mut Context<'_>, host: &mut Host<'_, S>, partition: i32, write: Write<S>) {
        let appended = match write.records.as_slice() {
            [] => {
                let last = self.shards.get(&partition).and_then(|one| one.pending.back());
                Ok(last.map(|last| (last.offset, last.flush)))
            }
            records => encode::<S>(cx, records, write.producer)
                .and_then(|batch| append(cx, host, partition, &batch))
                .map(Some),
        };
        let first = match &appended {
            Ok(Some((end, _))) => end - i64::try_from(write.records.len()).unwrap_or(0),
            _ => 0,
        };
        let producer = write.producer.map(|(id, _)| id);
        let records = (first..).zip(write.records);
        let changes = records.map(|(offset, record)| Change::Record { record, offset, producer }).collect();
        self.wait(cx, host, partition, appended, (changes, write.replay, write.after));
    }

    /// Ends a producer's transaction in a partition: writes the marker, with which the transaction's records count, or
    /// are gone (CoordinatorRuntime.scheduleTransactionCompletion).
    pub fn end_transaction(
        &mut self,
        cx: &mut Context<'_>,
        host: &mut Host<'_, S>,
        partition: i32,
        (marker, producer_id, commits): (&Batch, i64, bool),
        after: After<S>,
    ) {
        if !self.shards.contains_key(&partition) {
            return self.finish(cx, host, partition, after, Err(ErrorCode::NOT_LEADER_OR_FOLLOWER));
        }
        let appended = append(cx, host, partition, marker).map(Some);
        let changes = vec![Change::End { producer_id, commits }];
        self.wait(cx, host, partition, appended, (changes, true, after));
    }

    /// Takes changes that were appended, and goes on with what follows once they are committed.
    fn wait(
        &mut self,
        cx: &mut Context<'_>,
        host: &mut Host<'_, S>,
        partition: i32,
        appended: Result<Option<(i64, Option<FlushId>)>, ErrorCode>,
        (changes, replay, after): (Vec<Change<S::Record>>, bool, After<S>),
    ) {
        let waits = match appended {
            Ok(waits) => waits,
            Err(code) => return self.finish(cx, host, partition, after, Err(code)),
        };
        let id = self.next_id();
        let Some(one) = self.shards.get_mut(&partition) else { return };
        if replay {
            let now_ms = cx.unix_ms();
            changes.iter().for_each(|change| one.shard.replay(change, now_ms));
        }
        let Some((offset, flush)) = waits else {
            return self.finish(cx, host, partition, after, Ok(()));
        };
        let idle = one.pending.is_empty();
        one.pending.push_back(Pending { id, offset, flush, changes, after });
        let replica = host.replicas.of(&key::<S>(partition));
        let safe = replica.is_some_and(|replica| replica.high_watermark() >= offset);
        if idle && safe && flush.is_none() {
            return self.complete(cx, host, partition);
        }
        let timeout = S::write_timeout_ms(host.config);
        self.set_timer(cx, partition, Timer::Write(id), Some(timeout));
    }

    fn finish(
        &mut self,
        cx: &mut Context<'_>,
        host: &mut Host<'_, S>,
        partition: i32,
        after: After<S>,
        result: Result<(), ErrorCode>,
    ) {
        match after {
            After::Nothing | After::Loaded => {}
            After::Respond(call, answer) => self.respond(call, answer, result),
            After::Gathered(id, key) => self.gathered(id, &key, part_error::<S>(result)),
            After::Outside(id) => self.outside.push_back((id, result)),
            After::Then(stored) => {
                self.with_shard(cx, host, partition, |shard, env| shard.stored(env, stored, result));
            }
        }
    }

    fn respond(&mut self, call: Call, answer: S::Answer, result: Result<(), ErrorCode>) {
        let answer = match result {
            Ok(()) => answer,
            Err(code) => S::fail(answer, code),
        };
        self.answer(call, answer);
    }

    /// Goes on with what waited for the high watermark of a partition.
    pub fn complete(&mut self, cx: &mut Context<'_>, host: &mut Host<'_, S>, partition: i32) {
        let Some(high_watermark) =
            host.replicas.of(&key::<S>(partition)).map(|replica| replica.high_watermark())
        else {
            return;
        };
        loop {
            let Some(one) = self.shards.get_mut(&partition) else { return };
            let safe = |first: &mut Pending<S>| first.offset <= high_watermark && first.flush.is_none();
            let Some(done) = one.pending.pop_front_if(safe) else { return };
            done.changes.iter().for_each(|change| one.shard.commit(change));
            if !matches!(done.after, After::Loaded) {
                S::trace_commit(cx, &done.changes);
            }
            self.set_timer(cx, partition, Timer::Write(done.id), None);
            self.finish(cx, host, partition, done.after, Ok(()));
        }
    }

    /// A flush is over: what waited for it goes on, or fails.
    pub fn flush_is_over(&mut self, cx: &mut Context<'_>, host: &mut Host<'_, S>, flush: FlushId, ok: bool) {
        let mut touched = Vec::new();
        for (partition, one) in &mut self.shards {
            for pending in one.pending.iter_mut().filter(|pending| pending.flush == Some(flush)) {
                pending.flush = None;
                let failed = (!ok).then(|| std::mem::replace(&mut pending.after, After::Nothing));
                touched.push((*partition, failed));
            }
        }
        for (partition, failed) in touched {
            if let Some(after) = failed {
                self.finish(cx, host, partition, after, Err(ErrorCode::KAFKA_STORAGE_ERROR));
            }
            self.complete(cx, host, partition);
        }
    }

    // ---- partitions

    /// A partition of the topic has another leader, or other replicas (onElection, onResignation).
    pub fn follow(&mut self, cx: &mut Context<'_>, host: &mut Host<'_, S>, partition: i32) {
        let leads = host.replicas.of(&key::<S>(partition)).filter(|replica| replica.is_leader());
        match (self.shards.contains_key(&partition), leads) {
            (false, Some(replica)) => {
                let (one, fx) = Loaded::load(cx, host.config, replica);
                self.shards.insert(partition, one);
                self.apply(cx, host, partition, fx);
            }
            // It leads again: it has everything already.
            (true, Some(replica)) => {
                let epoch = replica.registration().leader_epoch;
                if let Some(one) = self.shards.get_mut(&partition) {
                    one.shard.leads(epoch);
                }
            }
            (false, None) => {}
            (true, None) => self.unload(cx, host, partition),
        }
    }

    fn unload(&mut self, cx: &mut Context<'_>, host: &Host<'_, S>, partition: i32) {
        let Some(one) = self.shards.remove(&partition) else { return };
        for (_, place) in self.places.extract_if(.., |(of, _), _| *of == partition) {
            self.timers.cancel(place);
        }
        let lost = Err(ErrorCode::NOT_LEADER_OR_FOLLOWER);
        let (mut parts, mut stored) = (Vec::new(), Vec::new());
        for pending in one.pending {
            match pending.after {
                After::Nothing | After::Loaded => {}
                After::Respond(call, answer) => self.respond(call, answer, lost),
                After::Gathered(id, key) => parts.push((id, key)),
                After::Outside(id) => self.outside.push_back((id, lost)),
                After::Then(then) => stored.push(then),
            }
        }
        let mut fx = Effects::default();
        let name = format!("{}-{partition}", S::TOPIC).into();
        one.shard.unload(&mut Env { cx, config: host.config, fx: &mut fx }, &name, stored);
        self.answers.extend(fx.answers);
        for (id, key, code) in fx.gathered {
            self.gathered(id, &key, code);
        }
        for (id, key) in parts {
            self.gathered(id, &key, part_error::<S>(lost));
        }
    }
}

impl<S: Shard> Loaded<S> {
    /// Reads what the partition holds. This broker leads it.
    fn load(cx: &mut Context<'_>, config: &S::Config, partition: &Partition) -> (Loaded<S>, Effects<S>) {
        let mut one = Loaded { shard: S::default(), pending: VecDeque::new() };
        one.shard.leads(partition.registration().leader_epoch);
        let skipped = one.replay_log(partition, cx.unix_ms());
        let mut fx = Effects::default();
        one.shard.loaded(&mut Env { cx, config, fx: &mut fx }, partition.name(), skipped);
        (one, fx)
    }

    /// Gives the offsets of records that could not be read, and why.
    fn replay_log(&mut self, partition: &Partition, now_ms: i64) -> Vec<(i64, String)> {
        let mut skipped = Vec::new();
        let high_watermark = partition.high_watermark();
        let log = partition.log();
        for (_, _, batch) in log.browse(log.log_start()) {
            if batch.next_offset() <= log.log_start() {
                continue;
            }
            let mut uncommitted = Vec::new();
            let mut take = |shard: &mut S, change: Change<S::Record>, offset: i64| {
                shard.replay(&change, now_ms);
                if offset < high_watermark {
                    shard.commit(&change);
                } else {
                    uncommitted.push(change);
                }
            };
            if batch.is_control() {
                if let Some(marker) = Marker::of(batch) {
                    let end = Change::End { producer_id: batch.producer_id(), commits: marker.commits };
                    take(&mut self.shard, end, batch.last_offset());
                }
            }
            let producer = Some(batch.producer_id()).filter(|_| batch.is_transactional());
            let records = match batch.records() {
                Ok(records) => records,
                Err(error) => {
                    skipped.push((batch.base_offset(), error.to_string()));
                    continue;
                }
            };
            for record in records.filter(|_| !batch.is_control()) {
                let record = match record {
                    Ok(record) => record,
                    Err(error) => {
                        skipped.push((batch.base_offset(), error.to_string()));
                        break;
                    }
                };
                match S::decode(record.key.as_ref(), record.value.as_ref()) {
                    Ok(read) => {
                        let offset = record.offset;
                        take(&mut self.shard, Change::Record { record: read, offset, producer }, offset);
                    }
                    Err(error) => skipped.push((record.offset, error)),
                }
            }
            if !uncommitted.is_empty() {
                let (offset, after) = (batch.next_offset(), After::Loaded);
                self.pending.push_back(Pending { id: 0, offset, flush: None, changes: uncommitted, after });
            }
        }
        skipped
    }
}

/// A shard as it is loaded from a partition, with what follows from that.
#[cfg(test)]
pub(super) fn load<S: Shard>(
    cx: &mut Context<'_>,
    config: &S::Config,
    partition: &Partition,
) -> (S, Effects<S>) {
    let (one, fx) = Loaded::load(cx, config, partition);
    (one.shard, fx)
}

fn key<S: Shard>(partition: i32) -> TopicPartition {
    (S::TOPIC.to_owned(), partition)
}

fn part_error<S: Shard>(result: Result<(), ErrorCode>) -> ErrorCode {
    result.err().map_or(ErrorCode::NONE, S::append_error)
}

/// A batch of records, which belong to a producer's transaction or to none.
fn encode<S: Shard>(
    cx: &Context<'_>,
    records: &[S::Record],
    producer: Option<(i64, i16)>,
) -> Result<Batch, ErrorCode> {
    let now_ms = cx.unix_ms();
    let (producer_id, producer_epoch) = producer.unwrap_or((-1, -1));
    let transactional = producer.is_some();
    let options = BatchOptions { producer_id, producer_epoch, transactional, ..BatchOptions::default() };
    let mut batch = BatchBuilder::new(options);
    for record in records {
        let (key, value) = S::encode(record).ok_or(ErrorCode::RECORD_LIST_TOO_LARGE)?;
        batch.append(now_ms, Some(&key), value.as_deref(), &[]);
    }
    Ok(batch.build())
}

/// Appends a batch to a partition; gives where the high watermark has to come, and the flush that has to be done.
fn append<S: Shard>(
    cx: &mut Context<'_>,
    host: &mut Host<'_, S>,
    partition: i32,
    batch: &Batch,
) -> Result<(i64, Option<FlushId>), ErrorCode> {
    if host.disk_failed {
        return Err(ErrorCode::KAFKA_STORAGE_ERROR);
    }
    let key = key::<S>(partition);
    let min_isr = Some(host.image.min_insync_replicas(S::TOPIC));
    let batch = (batch, AppendOrigin::Coordinator);
    let info = host.replicas.append(cx, &key, batch, min_isr).map_err(|error| error.code)?;
    let flush = if host.flush { host.replicas.flush(cx, &key) } else { None };
    Ok((info.last_offset + 1, flush))
}
