//! The consumer (org.apache.kafka.clients.consumer.KafkaConsumer) with partitions that the program assigns. Groups come
//! with the group coordinator.

mod fetcher;
mod subscription;

use std::collections::BTreeMap;

use bytes::Bytes;

use barnabas_kernel::{Context, Input, Instant};
use barnabas_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use barnabas_protocol::messages::{BrokerId, ListOffsetsRequest, ListOffsetsResponse, TopicName};
use barnabas_protocol::record_batch::{Header, TimestampType};
use barnabas_protocol::wire::StrBytes;

use crate::{ApiError, ClientConfig, Completed, Metadata, NetworkClient, TopicPartition};
use fetcher::Fetcher;
use subscription::{Position, SubscriptionState};

pub use subscription::OffsetReset;

/// `isolation.level`
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IsolationLevel {
    /// Everything up to the high watermark.
    #[default]
    ReadUncommitted,
    /// Without aborted and open transactions.
    ReadCommitted,
}

impl IsolationLevel {
    /// The number in requests.
    pub const fn id(self) -> i8 {
        self as i8
    }

    /// The level of Kafka's name.
    pub fn parse(text: &str) -> Option<IsolationLevel> {
        match text {
            "read_uncommitted" => Some(Self::ReadUncommitted),
            "read_committed" => Some(Self::ReadCommitted),
            _ => None,
        }
    }
}

/// Settings of a consumer (org.apache.kafka.clients.consumer.ConsumerConfig). Defaults are those of Kafka 4.x.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerConfig {
    /// What all clients have.
    pub client: ClientConfig,
    /// `auto.offset.reset`
    pub auto_offset_reset: OffsetReset,
    /// `isolation.level`
    pub isolation_level: IsolationLevel,
    /// `fetch.min.bytes`
    pub fetch_min_bytes: i32,
    /// `fetch.max.bytes`
    pub fetch_max_bytes: i32,
    /// `fetch.max.wait.ms`
    pub fetch_max_wait_ms: i32,
    /// `max.partition.fetch.bytes`
    pub max_partition_fetch_bytes: i32,
    /// `max.poll.records`
    pub max_poll_records: usize,
    /// `allow.auto.create.topics`
    pub allow_auto_create_topics: bool,
}

impl ConsumerConfig {
    /// Kafka's defaults.
    pub fn new(client: ClientConfig) -> ConsumerConfig {
        ConsumerConfig {
            client,
            auto_offset_reset: OffsetReset::Latest,
            isolation_level: IsolationLevel::ReadUncommitted,
            fetch_min_bytes: 1,
            fetch_max_bytes: 50 * 1024 * 1024,
            fetch_max_wait_ms: 500,
            max_partition_fetch_bytes: 1024 * 1024,
            max_poll_records: 500,
            allow_auto_create_topics: true,
        }
    }
}

/// A record that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerRecord {
    /// Where it stands.
    pub partition: TopicPartition,
    /// Its offset.
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// Whose clock that is.
    pub timestamp_type: TimestampType,
    /// Epoch of the leader that appended it.
    pub leader_epoch: Option<i32>,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value.
    pub value: Option<Bytes>,
    /// Its headers, in order and with duplicates.
    pub headers: Vec<Header>,
}

/// A consumer.
#[derive(Clone, Debug)]
pub struct Consumer {
    config: ConsumerConfig,
    net: NetworkClient,
    metadata: Metadata,
    subscription: SubscriptionState,
    fetcher: Fetcher,
    /// Position requests under way.
    lookups: BTreeMap<i32, Vec<TopicPartition>>,
    lookup_not_before: Instant,
    errors: Vec<ApiError>,
}

impl Consumer {
    /// A consumer without connections or partitions.
    pub fn new(config: ConsumerConfig) -> Consumer {
        Consumer {
            net: NetworkClient::new(config.client.clone()),
            metadata: Metadata::new(&config.client, config.allow_auto_create_topics),
            subscription: SubscriptionState::default(),
            fetcher: Fetcher::default(),
            lookups: BTreeMap::new(),
            lookup_not_before: Instant::ZERO,
            errors: Vec::new(),
            config,
        }
    }

    /// What the consumer knows of the cluster.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The same, to ask for topics that are not assigned yet.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// Reads these partitions from now on. Those that were assigned before go on where they were; others begin where
    /// `auto.offset.reset` says.
    pub fn assign(&mut self, partitions: impl IntoIterator<Item = TopicPartition>) {
        self.subscription.assign(partitions, self.config.auto_offset_reset);
        let topics: Vec<_> = self.subscription.assignment().map(|of| of.topic.clone()).collect();
        for topic in topics {
            self.metadata.add_topic(&topic);
        }
    }

    /// The partitions that are read.
    pub fn assignment(&self) -> impl Iterator<Item = &TopicPartition> {
        self.subscription.assignment()
    }

    /// Goes on at an offset.
    pub fn seek(&mut self, partition: &TopicPartition, offset: i64) {
        self.move_to(partition, Position::At(offset));
    }

    /// Goes on at the log start.
    pub fn seek_to_beginning(&mut self, partition: &TopicPartition) {
        self.move_to(partition, Position::Reset(OffsetReset::Earliest));
    }

    /// Goes on at the end.
    pub fn seek_to_end(&mut self, partition: &TopicPartition) {
        self.move_to(partition, Position::Reset(OffsetReset::Latest));
    }

    fn move_to(&mut self, partition: &TopicPartition, position: Position) {
        self.fetcher.forget(partition);
        self.subscription.set(partition, position);
    }

    /// The next offset that `poll` will give of a partition; `None` if it is not assigned or not known yet.
    pub fn position(&self, partition: &TopicPartition) -> Option<i64> {
        match self.subscription.position(partition)? {
            Position::At(offset) => Some(offset),
            Position::Reset(_) => None,
        }
    }

    /// The high watermark as the last fetch told it.
    pub fn high_watermark(&self, partition: &TopicPartition) -> Option<i64> {
        self.fetcher.high_watermark(partition)
    }

    /// Takes an input. Records that came with it are given by [`poll`](Self::poll).
    pub fn handle(&mut self, cx: &mut Context<'_>, input: &Input) {
        let mut completed = self.net.handle(cx, input);
        while !completed.is_empty() {
            for one in &completed {
                let done = self.metadata.handle(cx, &mut self.net, one)
                    || self.fetcher.handle(
                        cx,
                        &self.config,
                        one,
                        &mut self.subscription,
                        &mut self.metadata,
                        &mut self.errors,
                    );
                if !done {
                    self.looked_up(cx, one);
                }
            }
            completed = self.net.take_completed();
        }
        self.drive(cx);
    }

    /// Gives up to `max.poll.records` records, in order within each partition, and fetches ahead. Call it after `handle`,
    /// and again while it gives records.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Vec<ConsumerRecord> {
        let max = self.config.max_poll_records;
        let records = self.fetcher.drain(max, &mut self.subscription, &mut self.errors);
        self.drive(cx);
        records
    }

    /// Whether `poll` would give records at once.
    pub fn has_records(&self) -> bool {
        self.fetcher.has_records()
    }

    /// Errors that only the program can settle, since the last call.
    pub fn take_errors(&mut self) -> Vec<ApiError> {
        std::mem::take(&mut self.errors)
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        if self.lookup_not_before <= cx.now {
            self.look_up(cx);
        }
        self.fetcher.poll(cx, &self.config, &self.subscription, &mut self.metadata, &mut self.net);
        self.metadata.poll(cx, &mut self.net);
    }

    /// Asks leaders for the log start or end of partitions that wait for a position.
    fn look_up(&mut self, cx: &mut Context<'_>) {
        let mut by_node: BTreeMap<i32, Vec<(TopicPartition, OffsetReset)>> = BTreeMap::new();
        for (partition, reset) in self.subscription.to_reset() {
            if self.lookups.values().flatten().any(|of| of == partition) {
                continue;
            }
            if reset == OffsetReset::None {
                continue;
            }
            match self.metadata.leader(partition).map(|broker| (broker.id, broker.endpoint.clone())) {
                None => {
                    if self.metadata.topic(&partition.topic).is_none() {
                        self.metadata.request_update();
                    }
                }
                Some((node, endpoint)) => {
                    if self.net.ready(cx, node, &endpoint) {
                        by_node.entry(node).or_default().push((partition.clone(), reset));
                    }
                }
            }
        }
        for (node, partitions) in by_node {
            let Ok(version) = self.net.version::<ListOffsetsRequest>(node) else { continue };
            let mut topics: Vec<ListOffsetsTopic> = Vec::new();
            for (partition, reset) in &partitions {
                let timestamp = if *reset == OffsetReset::Earliest { -2 } else { -1 };
                let mut data = ListOffsetsPartition::default()
                    .with_partition_index(partition.partition)
                    .with_timestamp(timestamp);
                if version >= 4 {
                    data.current_leader_epoch =
                        self.metadata.partition(partition).map_or(-1, |of| of.leader_epoch);
                }
                let name = TopicName(StrBytes::from_string(partition.topic.to_string()));
                match topics.iter_mut().find(|topic| topic.name == name) {
                    Some(topic) => topic.partitions.push(data),
                    None => {
                        topics.push(ListOffsetsTopic::default().with_name(name).with_partitions(vec![data]))
                    }
                }
            }
            let mut request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(topics);
            if version >= 2 {
                request.isolation_level = self.config.isolation_level.id();
            }
            if version >= 10 {
                request.timeout_ms = i32::try_from(self.config.client.request_timeout_ms).unwrap_or(i32::MAX);
            }
            if let Ok(correlation_id) = self.net.send(cx, node, version, &request, true) {
                let waiting = partitions.into_iter().map(|(partition, _)| partition).collect();
                self.lookups.insert(correlation_id, waiting);
            }
        }
    }

    fn looked_up(&mut self, cx: &mut Context<'_>, completed: &Completed) {
        let Some(partitions) = self.lookups.remove(&completed.correlation_id) else { return };
        let answers = completed.decode::<ListOffsetsResponse>();
        let mut again = false;
        for partition in partitions {
            let answer = answers.as_ref().map_err(ApiError::clone).map(|response| {
                response
                    .topics
                    .iter()
                    .filter(|topic| topic.name.as_str() == &*partition.topic)
                    .flat_map(|topic| &topic.partitions)
                    .find(|answer| answer.partition_index == partition.partition)
            });
            match answer {
                Ok(Some(answer)) if answer.error_code == 0 => {
                    if matches!(self.subscription.position(&partition), Some(Position::Reset(_))) {
                        self.subscription.set(&partition, Position::At(answer.offset));
                    }
                }
                Ok(Some(answer)) => {
                    let error = ApiError::from(barnabas_protocol::ErrorCode(answer.error_code));
                    again = true;
                    if !error.code.is_retriable() {
                        self.errors.push(error);
                    }
                }
                Ok(None) => again = true,
                Err(error) => {
                    again = true;
                    if !error.code.is_retriable() {
                        self.errors.push(error);
                    }
                }
            }
        }
        if again {
            self.metadata.request_update();
            let wait = self.config.client.retry_backoff.backoff(1, cx.rng);
            self.lookup_not_before = cx.after_ms(wait);
        }
    }

    /// When `handle` is next wanted.
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let lookup = (self.lookup_not_before > now).then_some(self.lookup_not_before);
        [self.net.next_timeout(now), self.metadata.next_timeout(now), self.fetcher.next_timeout(now), lookup]
            .into_iter()
            .flatten()
            .min()
    }

    /// Closes the connections.
    pub fn close(&mut self, cx: &mut Context<'_>) {
        self.net.close(cx);
    }
}
