//! Fetching and decoding (org.apache.kafka.clients.consumer.internals.Fetcher, AbstractFetch, CompletedFetch).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use blumfeld_kernel::{Context, Instant};
use blumfeld_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use blumfeld_protocol::messages::fetch_response::PartitionData;
use blumfeld_protocol::messages::{BrokerId, FetchRequest, TopicName};
use blumfeld_protocol::record_batch::{Batch, Batches, ControlRecord, Records, TimestampType, batches_of};
use blumfeld_protocol::wire::StrBytes;
use blumfeld_protocol::{ErrorCode, RecordPieces, Uuid};

use super::fetch_session::{Asked, FetchSession, Next};
use super::subscription::{Position, SubscriptionState};
use super::{ConsumerConfig, ConsumerRecord, IsolationLevel};
use crate::{ApiError, Completed, Metadata, NetworkClient, TopicPartition};

/// From this version on there are fetch sessions (KIP-227).
const FIRST_VERSION_WITH_SESSIONS: i16 = 7;
/// From this version on a fetch request names topics by id (KIP-516).
const FIRST_VERSION_WITH_TOPIC_IDS: i16 = 13;

/// What a partition brought, partly given out.
#[derive(Clone, Debug)]
struct CompletedFetch {
    partition: TopicPartition,
    /// Who sent it.
    node: i32,
    batches: Batches,
    /// The batch being given out: its records, timestamp type and leader epoch.
    current: Option<(Records, TimestampType, i32, i64)>,
    next_offset: i64,
    /// The leader epoch of the last record that was given.
    epoch: Option<i32>,
    /// Transactions that were aborted and have not begun yet: producer and first offset, for read_committed.
    aborted: Vec<(i64, i64)>,
    /// Producers whose records from here on belong to one, until its marker.
    aborted_producers: BTreeSet<i64>,
    high_watermark: i64,
}

/// A request under way.
#[derive(Clone, Debug)]
struct InFlight {
    node: i32,
    /// Every partition must be answered, and not only those with news.
    full: bool,
    /// Partitions whose answer is still wanted, and from which offset.
    partitions: BTreeMap<TopicPartition, i64>,
}

/// Fetch requests under way, and what came back.
#[derive(Clone, Debug, Default)]
pub(super) struct Fetcher {
    sessions: BTreeMap<i32, FetchSession>,
    in_flight: BTreeMap<i32, InFlight>,
    completed: VecDeque<CompletedFetch>,
    high_watermarks: BTreeMap<TopicPartition, i64>,
    /// Partitions that failed are left alone until then.
    not_before: BTreeMap<TopicPartition, Instant>,
    closing: Option<Closing>,
}

/// The sessions are being closed.
#[derive(Clone, Debug)]
struct Closing {
    /// Requests that have no answer yet.
    waiting: BTreeSet<i32>,
    /// Nobody waits for them longer.
    deadline: Instant,
}

/// What to do about a fetch that failed.
enum Failure {
    /// The position is outside of the log.
    OutOfRange,
    /// Metadata is stale, or the broker is not ready: again, a little later.
    Retry,
    /// Tell the program.
    Fatal(ApiError),
}

impl Fetcher {
    /// The high watermark as the last fetch told it.
    pub fn high_watermark(&self, of: &TopicPartition) -> Option<i64> {
        self.high_watermarks.get(of).copied()
    }

    /// Requests under way.
    pub fn under_way(&self) -> usize {
        self.in_flight.len()
    }

    /// Forgets what was fetched of a partition: its position was moved.
    pub fn forget(&mut self, partition: &TopicPartition) {
        self.completed.retain(|fetch| fetch.partition != *partition);
        for request in self.in_flight.values_mut() {
            request.partitions.remove(partition);
        }
    }

    /// Forgets what was fetched of all partitions but these.
    pub fn retain(&mut self, keep: impl Fn(&TopicPartition) -> bool) {
        self.completed.retain(|fetch| keep(&fetch.partition));
        for request in self.in_flight.values_mut() {
            request.partitions.retain(|of, _| keep(of));
        }
    }

    fn buffered(&self, partition: &TopicPartition) -> bool {
        self.completed.iter().any(|fetch| fetch.partition == *partition)
            || self.in_flight.values().any(|request| request.partitions.contains_key(partition))
    }

    /// Closes the sessions with all brokers that are connected (AbstractFetch.prepareCloseFetchSessionRequests).
    /// Nothing is fetched from now on.
    pub fn begin_close(
        &mut self,
        cx: &mut Context<'_>,
        config: &ConsumerConfig,
        net: &mut NetworkClient,
        deadline: Instant,
    ) {
        let mut waiting = BTreeSet::new();
        for (node, session) in std::mem::take(&mut self.sessions) {
            // A broker that cannot be reached evicts the session in time.
            if let Some(next) = session.close()
                && net.is_ready(node)
                && let Ok(version) = net.version::<FetchRequest>(node)
                && let Ok(id) = net.send(cx, node, version, &fetch_request(config, version, &next), true)
            {
                waiting.insert(id);
            }
        }
        self.closing = Some(Closing { waiting, deadline });
    }

    /// Whether closing has begun.
    pub fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// Whether it has come to its end.
    pub fn is_closed(&self) -> bool {
        self.closing.as_ref().is_some_and(|closing| closing.waiting.is_empty())
    }

    /// Waits no longer than the deadline.
    pub fn close_on(&mut self, now: Instant) {
        if let Some(closing) = self.closing.as_mut().filter(|closing| closing.deadline <= now) {
            closing.waiting.clear();
        }
    }

    /// Sends a fetch to every leader that has partitions which are neither buffered nor under way.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        config: &ConsumerConfig,
        subscription: &SubscriptionState,
        metadata: &mut Metadata,
        net: &mut NetworkClient,
    ) {
        let mut by_node: BTreeMap<i32, BTreeMap<TopicPartition, Asked>> = BTreeMap::new();
        for (partition, offset) in subscription.fetchable() {
            let waits = self.not_before.get(partition).is_some_and(|&at| at > cx.now);
            if waits || self.buffered(partition) {
                continue;
            }
            match metadata.leader(partition).map(|broker| (broker.id, broker.endpoint.clone())) {
                None => {
                    // A partition that the topic does not have is asked for again only as metadata ages.
                    if metadata.topic(&partition.topic).is_none_or(|topic| !topic.partitions.is_empty()) {
                        let wait = config.client.retry_backoff.backoff(1, cx.rng);
                        self.not_before.insert(partition.clone(), cx.after_ms(wait));
                        metadata.request_update();
                    }
                }
                Some((node, endpoint)) => {
                    // One fetch a node: the broker holds it up to max wait, and another would queue behind it. While
                    // records of a node wait for the program their partitions would have to leave its session, so that
                    // it is not asked then.
                    let waits = self.completed.iter().any(|fetch| fetch.node == node);
                    if !waits && net.ready(cx, node, &endpoint) && net.in_flight(node) == 0 {
                        let topic_id = metadata.topic(&partition.topic).map_or(Uuid::nil(), |topic| topic.id);
                        let leader_epoch = metadata.partition(partition).map_or(-1, |of| of.leader_epoch);
                        let asked = Asked { topic_id, offset, leader_epoch };
                        by_node.entry(node).or_default().insert(partition.clone(), asked);
                    }
                }
            }
        }
        for (node, partitions) in by_node {
            if let Ok(version) = net.version::<FetchRequest>(node) {
                let session = self.sessions.entry(node).or_default();
                let full = session.is_full() || version < FIRST_VERSION_WITH_SESSIONS;
                let offsets = partitions.iter().map(|(of, asked)| (of.clone(), asked.offset)).collect();
                let next = session.next(partitions);
                let request = fetch_request(config, version, &next);
                if let Ok(correlation_id) = net.send(cx, node, version, &request, true) {
                    self.in_flight.insert(correlation_id, InFlight { node, full, partitions: offsets });
                } else {
                    session.failed();
                }
            }
        }
    }

    /// Takes a completed request; gives whether it was one of these. Errors that only the program can settle go to
    /// `errors`.
    #[allow(clippy::too_many_arguments, reason = "the consumer's parts, each borrowed for itself")]
    pub fn handle(
        &mut self,
        cx: &mut Context<'_>,
        config: &ConsumerConfig,
        completed: &Completed,
        subscription: &mut SubscriptionState,
        metadata: &mut Metadata,
        errors: &mut Vec<ApiError>,
    ) -> bool {
        if let Some(closing) = &mut self.closing
            && closing.waiting.remove(&completed.correlation_id)
        {
            return true;
        }
        let Some(request) = self.in_flight.remove(&completed.correlation_id) else { return false };
        let session = self.sessions.entry(request.node).or_default();
        let (response, records) = match completed.decode_fetch() {
            Ok(read) => read,
            Err(error) => {
                session.failed();
                metadata.request_update();
                if !error.code.is_retriable() {
                    errors.push(error);
                }
                return true;
            }
        };
        if !session.answered(&response) && SESSION_ERRORS.contains(&ErrorCode(response.error_code)) {
            // The next request asks for a new session.
            return true;
        }
        for (partition, offset) in request.partitions {
            let by_id = completed.version >= FIRST_VERSION_WITH_TOPIC_IDS;
            let id = metadata.topic(&partition.topic).map(|topic| topic.id);
            let data = (response.responses.iter())
                .flat_map(|topic| topic.partitions.iter().map(move |data| (topic, data)))
                .zip(&records)
                .find(|((topic, data), _)| {
                    data.partition_index == partition.partition
                        && if by_id {
                            Some(topic.topic_id) == id
                        } else {
                            topic.topic.as_str() == &*partition.topic
                        }
                })
                .map(|((_, data), records)| (data, records));
            // A position that was moved meanwhile makes the answer stale, and so do records of another broker.
            let here = self.completed.iter().any(|fetch| fetch.partition == partition);
            if here || subscription.position(&partition) != Some(Position::At(offset)) {
                continue;
            }
            if data.is_none() && !request.full && response.error_code == 0 {
                continue;
            }
            let failure = match (data, ErrorCode(response.error_code)) {
                (Some((data, records)), ErrorCode::NONE) => match classify(data) {
                    None => {
                        self.accept(config, (request.node, partition), offset, (data, records));
                        continue;
                    }
                    Some(failure) => failure,
                },
                (_, code) if code.is_error() && !code.is_retriable() => Failure::Fatal(code.into()),
                _ => Failure::Retry,
            };
            match failure {
                Failure::OutOfRange => match config.auto_offset_reset {
                    super::OffsetReset::None => errors.push(ApiError::new(
                        ErrorCode::OFFSET_OUT_OF_RANGE,
                        format!(
                            "Fetch position {offset} is out of range for partition {partition} and no reset policy is defined"
                        ),
                    )),
                    reset => subscription.set(&partition, Position::Reset(reset)),
                },
                Failure::Retry => {
                    metadata.request_update();
                    let wait = config.client.retry_backoff.backoff(1, cx.rng);
                    self.not_before.insert(partition, cx.after_ms(wait));
                }
                Failure::Fatal(error) => errors.push(error),
            }
        }
        true
    }

    fn accept(
        &mut self,
        config: &ConsumerConfig,
        (node, partition): (i32, TopicPartition),
        offset: i64,
        (data, records): (&PartitionData, &RecordPieces),
    ) {
        self.high_watermarks.insert(partition.clone(), data.high_watermark);
        if records.is_empty() {
            return;
        }
        let aborted = match config.isolation_level {
            IsolationLevel::ReadUncommitted => Vec::new(),
            IsolationLevel::ReadCommitted => data
                .aborted_transactions
                .iter()
                .flatten()
                .map(|transaction| (transaction.producer_id.0, transaction.first_offset))
                .collect(),
        };
        self.completed.push_back(CompletedFetch {
            partition,
            node,
            batches: batches_of(records.clone()),
            current: None,
            next_offset: offset,
            epoch: None,
            aborted,
            aborted_producers: BTreeSet::new(),
            high_watermark: data.high_watermark,
        });
    }

    /// Gives up to `max` records and moves their partitions' positions past them.
    pub fn drain(
        &mut self,
        max: usize,
        subscription: &mut SubscriptionState,
        errors: &mut Vec<ApiError>,
    ) -> Vec<ConsumerRecord> {
        let mut out = Vec::new();
        while out.len() < max {
            // What is paused, or about to be another's, waits.
            let readable = |fetch: &CompletedFetch| subscription.is_fetchable(&fetch.partition);
            let Some(at) = self.completed.iter().position(readable) else { break };
            let fetch = &mut self.completed[at];
            let room = max - out.len();
            let mut ended = Ok(());
            out.extend(
                fetch.by_ref().map_while(|next| next.map_err(|error| ended = Err(error)).ok()).take(room),
            );
            if let Err(error) = ended {
                errors.push(error);
                self.completed.remove(at);
                break;
            }
            if out.len() < max {
                subscription.set_with_epoch(&fetch.partition, fetch.next_offset, fetch.epoch);
                self.completed.remove(at);
            }
        }
        for fetch in self.completed.iter().filter(|fetch| fetch.epoch.is_some()) {
            subscription.set_with_epoch(&fetch.partition, fetch.next_offset, fetch.epoch);
        }
        out
    }

    /// Whether records are there to be drained.
    pub fn has_records(&self) -> bool {
        !self.completed.is_empty()
    }

    /// When `poll` is next wanted because of a partition that failed, or `close_on`.
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let closing = self.closing.as_ref().filter(|closing| !closing.waiting.is_empty());
        let closed = closing.map(|closing| closing.deadline);
        self.not_before.values().copied().chain(closed).filter(|&at| at > now).min()
    }
}

impl Iterator for CompletedFetch {
    type Item = Result<ConsumerRecord, ApiError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((records, timestamp_type, leader_epoch, end)) = &mut self.current {
                match records.next() {
                    // A batch is fetched whole even if the position is inside of it.
                    Some(Ok(record)) if record.offset < self.next_offset => continue,
                    Some(Ok(record)) => {
                        self.next_offset = record.offset + 1;
                        self.epoch = (*leader_epoch >= 0).then_some(*leader_epoch);
                        return Some(Ok(ConsumerRecord {
                            partition: self.partition.clone(),
                            offset: record.offset,
                            timestamp: record.timestamp,
                            timestamp_type: *timestamp_type,
                            leader_epoch: (*leader_epoch >= 0).then_some(*leader_epoch),
                            key: record.key,
                            value: record.value,
                            headers: record.headers,
                        }));
                    }
                    Some(Err(error)) => return Some(Err(self.corrupt(&error))),
                    None => {
                        // Compaction may have taken the last records of a batch: its end still counts.
                        self.next_offset = self.next_offset.max(*end);
                        self.current = None;
                    }
                }
            }
            let batch = match self.batches.next()? {
                Ok(batch) => batch,
                // The last batch is cut at the fetch's size.
                Err(blumfeld_protocol::record_batch::BatchError::Short { .. }) => return None,
                Err(error) => return Some(Err(self.corrupt(&error))),
            };
            if batch.next_offset() <= self.next_offset {
                continue;
            }
            if let Err(error) = batch.validate_header() {
                return Some(Err(self.corrupt(&error)));
            }
            let producer = batch.producer_id();
            let upto = batch.last_offset();
            let begun = |&(id, first): &(i64, i64)| (first <= upto).then_some(id);
            self.aborted_producers.extend(self.aborted.iter().filter_map(begun));
            self.aborted.retain(|&(_, first)| first > upto);
            if batch.is_control() {
                // What a commit's marker ends was no aborted one's.
                if aborts(&batch) {
                    self.aborted_producers.remove(&producer);
                }
                self.pass(&batch);
                continue;
            }
            if batch.is_transactional() && self.aborted_producers.contains(&producer) {
                self.pass(&batch);
                continue;
            }
            match batch.records() {
                Ok(records) => {
                    let (kind, epoch) = (batch.timestamp_type(), batch.partition_leader_epoch());
                    self.current = Some((records, kind, epoch, batch.next_offset()));
                }
                Err(error) => return Some(Err(self.corrupt(&error))),
            }
        }
    }
}

impl CompletedFetch {
    /// Goes on behind a batch of which nothing is given out.
    fn pass(&mut self, batch: &Batch) {
        let epoch = batch.partition_leader_epoch();
        (self.next_offset, self.epoch) = (batch.next_offset(), (epoch >= 0).then_some(epoch));
    }

    fn corrupt(&self, error: &dyn std::fmt::Display) -> ApiError {
        let (partition, offset) = (&self.partition, self.next_offset);
        let text = format!(
            "Record batch for partition {partition} at offset {offset} (high watermark {}) is invalid: {error}",
            self.high_watermark
        );
        ApiError::new(ErrorCode::CORRUPT_MESSAGE, text)
    }
}

/// Whether a control batch ends an aborted transaction (CompletedFetch.containsAbortMarker).
fn aborts(batch: &Batch) -> bool {
    let Ok(mut records) = batch.records() else { return false };
    let Some(Ok(marker)) = records.next() else { return false };
    matches!(ControlRecord::of(&marker), Some(ControlRecord::Abort { .. }))
}

/// Errors of a session: its partitions are asked for again.
const SESSION_ERRORS: [ErrorCode; 3] = [
    ErrorCode::FETCH_SESSION_ID_NOT_FOUND,
    ErrorCode::INVALID_FETCH_SESSION_EPOCH,
    ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR,
];

fn classify(data: &PartitionData) -> Option<Failure> {
    match ErrorCode(data.error_code) {
        ErrorCode::NONE => None,
        ErrorCode::OFFSET_OUT_OF_RANGE => Some(Failure::OutOfRange),
        ErrorCode::NOT_LEADER_OR_FOLLOWER
        | ErrorCode::REPLICA_NOT_AVAILABLE
        | ErrorCode::KAFKA_STORAGE_ERROR
        | ErrorCode::FENCED_LEADER_EPOCH
        | ErrorCode::UNKNOWN_LEADER_EPOCH
        | ErrorCode::OFFSET_NOT_AVAILABLE
        | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        | ErrorCode::UNKNOWN_TOPIC_ID
        | ErrorCode::INCONSISTENT_TOPIC_ID
        | ErrorCode::LEADER_NOT_AVAILABLE
        | ErrorCode::UNKNOWN_SERVER_ERROR => Some(Failure::Retry),
        code => Some(Failure::Fatal(code.into())),
    }
}

fn fetch_request(config: &ConsumerConfig, version: i16, next: &Next) -> FetchRequest {
    let by_id = version >= FIRST_VERSION_WITH_TOPIC_IDS;
    let name = |of: &TopicPartition| TopicName(StrBytes::from_string(of.topic.to_string()));
    let mut topics: Vec<FetchTopic> = Vec::new();
    for (of, asked) in &next.tell {
        let mut data = FetchPartition::default()
            .with_partition(of.partition)
            .with_fetch_offset(asked.offset)
            .with_partition_max_bytes(config.max_partition_fetch_bytes);
        if version >= 9 {
            data.current_leader_epoch = asked.leader_epoch;
        }
        let name = name(of);
        let same = |topic: &&mut FetchTopic| {
            if by_id { topic.topic_id == asked.topic_id } else { topic.topic == name }
        };
        match topics.iter_mut().find(same) {
            Some(topic) => topic.partitions.push(data),
            None => {
                let topic = FetchTopic::default().with_partitions(vec![data]);
                topics.push(if by_id { topic.with_topic_id(asked.topic_id) } else { topic.with_topic(name) });
            }
        }
    }
    let mut request = FetchRequest::default()
        .with_max_wait_ms(config.fetch_max_wait_ms)
        .with_min_bytes(config.fetch_min_bytes)
        .with_max_bytes(config.fetch_max_bytes)
        .with_isolation_level(config.isolation_level.id())
        .with_topics(topics);
    if version <= 14 {
        request.replica_id = BrokerId(-1);
    }
    if version >= FIRST_VERSION_WITH_SESSIONS {
        request.session_id = next.session_id;
        request.session_epoch = next.session_epoch;
        for (of, asked) in &next.forget {
            let topic = ForgottenTopic::default().with_partitions(vec![of.partition]);
            let topic = if by_id { topic.with_topic_id(asked.topic_id) } else { topic.with_topic(name(of)) };
            request.forgotten_topics_data.push(topic);
        }
    }
    request
}
