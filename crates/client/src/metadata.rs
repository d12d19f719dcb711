//! What a client knows of the cluster (org.apache.kafka.clients.Metadata): brokers, topics, leaders.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use blumfeld_kernel::{Context, Endpoint, Instant};
use blumfeld_protocol::messages::metadata_request::MetadataRequestTopic;
use blumfeld_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};
use blumfeld_protocol::wire::StrBytes;
use blumfeld_protocol::{ErrorCode, Uuid};

use crate::network_client::EndedConnection;
use crate::{ApiError, ClientConfig, Completed, NetworkClient, TopicPartition};

/// A broker of the cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broker {
    /// `node.id`
    pub id: i32,
    /// Its advertised listener.
    pub endpoint: Endpoint,
    /// `broker.rack`
    pub rack: Option<Arc<str>>,
}

/// A partition as the metadata has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionMetadata {
    /// Its number.
    pub partition: i32,
    /// Its leader, -1 for none.
    pub leader: i32,
    /// The leader's epoch.
    pub leader_epoch: i32,
    /// All replicas, the preferred one first.
    pub replicas: Vec<i32>,
    /// Those in sync.
    pub isr: Vec<i32>,
    /// Those on brokers that are down.
    pub offline: Vec<i32>,
    /// Brokers that are not in sync but have all that is committed (KIP-966); `None` where it was not asked for.
    pub elr: Option<Vec<i32>>,
    /// The last of them, where none is left.
    pub last_known_elr: Option<Vec<i32>>,
    /// What is wrong with it, or `NONE`.
    pub error: ErrorCode,
}

/// A topic as the metadata has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicMetadata {
    /// Its name.
    pub name: Arc<str>,
    /// Its id, nil from brokers that have none.
    pub id: Uuid,
    /// Whether it is Kafka's own.
    pub internal: bool,
    /// What is wrong with it, or `NONE`.
    pub error: ErrorCode,
    /// Its partitions by number.
    pub partitions: BTreeMap<i32, PartitionMetadata>,
}

impl TopicMetadata {
    /// Its partitions that have a leader (Cluster.availablePartitionsForTopic).
    pub fn available(&self) -> impl Iterator<Item = &PartitionMetadata> {
        self.partitions.values().filter(|partition| partition.leader >= 0)
    }
}

/// What Java's clients log of the cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MetadataIssue {
    /// An answer could not give some topics.
    Topics {
        /// The request's correlation id.
        correlation_id: i32,
        /// Topics with their errors.
        topics: Vec<(Arc<str>, ErrorCode)>,
    },
    /// A connection to a node did not come about (NetworkClient.processDisconnection).
    Refused {
        /// The node; a bootstrap server has an id below zero.
        node: i32,
        /// Where it should be.
        endpoint: Endpoint,
    },
    /// A bootstrap server's connection ended, or did not come about, before anything was known of the cluster
    /// (NetworkClient.DefaultMetadataUpdater.handleServerDisconnect).
    BootstrapGone {
        /// Its id, which is below zero.
        node: i32,
        /// Where it is.
        endpoint: Endpoint,
    },
}

/// A node to send something to that any node can answer.
enum Candidate {
    Ready(i32),
    /// Something is under way, or begun now.
    Soon,
    /// All nodes are in their backoff.
    None,
}

/// The cluster as last heard of, and when to ask again.
#[derive(Clone, Debug)]
pub struct Metadata {
    bootstrap: Vec<Endpoint>,
    max_age_ms: i64,
    backoff: crate::ExponentialBackoff,
    allow_auto_topic_creation: bool,
    brokers: BTreeMap<i32, Broker>,
    cluster_id: Option<Arc<str>>,
    controller: i32,
    topics: BTreeMap<Arc<str>, TopicMetadata>,
    wanted: BTreeSet<Arc<str>>,
    wants_all: bool,
    in_flight: Option<i32>,
    needs_update: bool,
    attempts: u32,
    not_before: Instant,
    refreshed: Option<Instant>,
    version: u64,
    /// Of each partition what was told of its newest leader epoch, with the id of the topic.
    newest: BTreeMap<TopicPartition, (Uuid, PartitionMetadata)>,
    /// Leader epochs that committed offsets told of, with the id of the topic.
    seen: BTreeMap<TopicPartition, (Uuid, i32)>,
    unanswered: BTreeMap<Arc<str>, ErrorCode>,
    issues: Vec<MetadataIssue>,
}

impl Metadata {
    /// Nothing but the bootstrap servers. `allow_auto_topic_creation` is what the request says of topics that do not
    /// exist: a producer's asks for them to be made.
    pub fn new(config: &ClientConfig, allow_auto_topic_creation: bool) -> Metadata {
        Metadata {
            bootstrap: config.bootstrap.clone(),
            max_age_ms: config.metadata_max_age_ms,
            backoff: config.retry_backoff,
            allow_auto_topic_creation,
            brokers: BTreeMap::new(),
            cluster_id: None,
            controller: -1,
            topics: BTreeMap::new(),
            wanted: BTreeSet::new(),
            wants_all: false,
            in_flight: None,
            needs_update: true,
            attempts: 0,
            not_before: Instant::ZERO,
            refreshed: None,
            version: 0,
            newest: BTreeMap::new(),
            seen: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            issues: Vec::new(),
        }
    }

    /// Wants to know of a topic from now on.
    pub fn add_topic(&mut self, topic: &Arc<str>) {
        if self.wanted.insert(topic.clone()) && !self.topics.contains_key(topic) {
            self.needs_update = true;
        }
    }

    /// Wants to know of every topic from now on.
    pub fn add_all_topics(&mut self) {
        self.needs_update |= !self.wants_all;
        self.wants_all = true;
    }

    /// Asks again soon: something did not fit.
    pub fn request_update(&mut self) {
        self.needs_update = true;
    }

    /// Counts the answers so far.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The brokers by id; empty before the first answer.
    pub fn brokers(&self) -> &BTreeMap<i32, Broker> {
        &self.brokers
    }

    /// `cluster.id`, once known.
    pub fn cluster_id(&self) -> Option<&Arc<str>> {
        self.cluster_id.as_ref()
    }

    /// The controller as brokers name it, -1 for none. In KRaft that is any live broker, which forwards.
    pub fn controller(&self) -> i32 {
        self.controller
    }

    /// Topics that exist, by name, as far as they were asked for.
    pub fn topics(&self) -> &BTreeMap<Arc<str>, TopicMetadata> {
        &self.topics
    }

    /// A topic that exists.
    pub fn topic(&self, name: &str) -> Option<&TopicMetadata> {
        self.topics.get(name)
    }

    /// Why the last answer had no such topic.
    pub fn topic_error(&self, name: &str) -> Option<ErrorCode> {
        self.unanswered.get(name).copied()
    }

    /// The name of a topic id.
    pub fn topic_name(&self, id: Uuid) -> Option<&Arc<str>> {
        self.topics.values().find(|topic| topic.id == id).map(|topic| &topic.name)
    }

    /// A partition that exists.
    pub fn partition(&self, of: &TopicPartition) -> Option<&PartitionMetadata> {
        self.topics.get(&of.topic)?.partitions.get(&of.partition)
    }

    /// The broker that leads a partition, if there is one and its endpoint is known.
    pub fn leader(&self, of: &TopicPartition) -> Option<&Broker> {
        let partition = self.partition(of)?;
        let stale = |(id, epoch): &(Uuid, i32)| {
            *epoch > partition.leader_epoch && self.topic(&of.topic).is_some_and(|topic| topic.id == *id)
        };
        if self.seen.get(of).is_some_and(stale) {
            return None;
        }
        self.brokers.get(&partition.leader)
    }

    /// Somebody has seen this leader epoch of a partition: an older leader than that of it is none any more, and
    /// metadata that names one is asked for again (updateLastSeenEpochIfNewer).
    pub fn note_epoch(&mut self, of: &TopicPartition, epoch: i32) {
        let Some(topic) = self.topics.get(&of.topic) else { return };
        if topic.partitions.get(&of.partition).is_some_and(|known| known.leader_epoch < epoch) {
            self.seen.insert(of.clone(), (topic.id, epoch));
            self.request_update();
        }
    }

    /// A node that can take a request which any node can answer: the least loaded of those that are ready. If none is,
    /// a connection is begun and `None` given.
    pub fn least_loaded(&mut self, cx: &mut Context<'_>, net: &mut NetworkClient) -> Option<i32> {
        match self.candidate(cx, net) {
            Candidate::Ready(node) => Some(node),
            Candidate::Soon => None,
            Candidate::None => {
                // KIP-899, KIP-1102: with no known broker to be reached, begin again at the bootstrap servers.
                if !self.brokers.is_empty() {
                    self.brokers.clear();
                    self.needs_update = true;
                }
                None
            }
        }
    }

    fn candidate(&self, cx: &mut Context<'_>, net: &mut NetworkClient) -> Candidate {
        let nodes: Vec<(i32, Endpoint)> = if self.brokers.is_empty() {
            (1..).map(|n: i32| -n).zip(self.bootstrap.iter().cloned()).collect()
        } else {
            self.brokers.values().map(|broker| (broker.id, broker.endpoint.clone())).collect()
        };
        let ready = nodes.iter().filter(|(node, _)| net.is_ready(*node));
        if let Some((node, _)) = ready.min_by_key(|(node, _)| net.in_flight(*node)) {
            return Candidate::Ready(*node);
        }
        for (node, endpoint) in &nodes {
            if !net.is_unavailable(*node, cx.now) {
                net.ready(cx, *node, endpoint);
                return Candidate::Soon;
            }
        }
        Candidate::None
    }

    /// Sends a metadata request if one is due.
    pub fn poll(&mut self, cx: &mut Context<'_>, net: &mut NetworkClient) {
        self.needs_update |= net.take_lost();
        for EndedConnection { node, endpoint, refused } in net.take_ended() {
            let knows_nobody = node < 0 && self.brokers.is_empty();
            if refused {
                self.issues.push(MetadataIssue::Refused { node, endpoint: endpoint.clone() });
            }
            if knows_nobody {
                self.issues.push(MetadataIssue::BootstrapGone { node, endpoint });
            }
        }
        if self.in_flight.is_some() || !self.due(cx.now) {
            return;
        }
        let Some(node) = self.least_loaded(cx, net) else { return };
        let Ok(version) = net.version::<MetadataRequest>(node) else { return };
        let mut request = MetadataRequest::default();
        request.topics = if self.wants_all {
            // Version 0 says all topics with an empty list, later ones with none.
            (version == 0).then(Vec::new)
        } else {
            let topic = |name: &Arc<str>| {
                MetadataRequestTopic::default()
                    .with_name(Some(TopicName(StrBytes::from_string(name.to_string()))))
            };
            Some(self.wanted.iter().map(topic).collect())
        };
        if version >= 4 {
            request.allow_auto_topic_creation = self.allow_auto_topic_creation;
        }
        self.in_flight = net.send(cx, node, version, &request, true).ok();
        self.needs_update = false;
    }

    fn due(&self, now: Instant) -> bool {
        let stale = self
            .refreshed
            .is_none_or(|at| now >= at + Duration::from_millis(u64::try_from(self.max_age_ms).unwrap_or(0)));
        (self.needs_update || stale) && now >= self.not_before
    }

    /// Takes a completed request; gives whether it was this one's.
    pub fn handle(&mut self, cx: &mut Context<'_>, net: &mut NetworkClient, completed: &Completed) -> bool {
        if self.in_flight != Some(completed.correlation_id) {
            return false;
        }
        self.in_flight = None;
        match completed.decode::<MetadataResponse>() {
            Ok(response) => {
                self.update(cx, net, &response);
                let topics: Vec<_> =
                    self.unanswered.iter().map(|(name, code)| (name.clone(), *code)).collect();
                if !topics.is_empty() {
                    let correlation_id = completed.correlation_id;
                    self.issues.push(MetadataIssue::Topics { correlation_id, topics });
                }
            }
            Err(_) => self.retry(cx),
        }
        true
    }

    fn retry(&mut self, cx: &mut Context<'_>) {
        self.needs_update = true;
        self.attempts = self.attempts.saturating_add(1);
        let wait = self.backoff.backoff(self.attempts, cx.rng);
        self.not_before = cx.after_ms(wait);
    }

    fn update(&mut self, cx: &mut Context<'_>, net: &mut NetworkClient, response: &MetadataResponse) {
        if response.error_code != 0 {
            return self.retry(cx);
        }
        self.version += 1;
        self.refreshed = Some(cx.now);
        self.cluster_id = response.cluster_id.as_ref().map(|id| id.as_str().into());
        self.controller = response.controller_id.0;
        let was_bootstrap = self.brokers.is_empty();
        let before = std::mem::take(&mut self.brokers);
        for broker in &response.brokers {
            let Ok(port) = u16::try_from(broker.port) else { continue };
            let id = broker.node_id.0;
            let endpoint = Endpoint::new(&broker.host, port);
            let rack = broker.rack.as_ref().map(|rack| rack.as_str().into());
            self.brokers.insert(id, Broker { id, endpoint, rack });
        }
        for node in before.keys().filter(|node| !self.brokers.contains_key(node)) {
            net.forget(cx, *node);
        }
        if was_bootstrap && !self.brokers.is_empty() {
            for n in 1..=i32::try_from(self.bootstrap.len()).unwrap_or(0) {
                if net.in_flight(-n) == 0 {
                    net.forget(cx, -n);
                }
            }
        }
        let mut incomplete = false;
        let mut topics = BTreeMap::new();
        self.unanswered.clear();
        for topic in &response.topics {
            let Some(name) = &topic.name else { continue };
            let name: Arc<str> = name.as_str().into();
            let error = ErrorCode(topic.error_code);
            if error.is_error() {
                incomplete |= error.is_retriable() && self.wanted.contains(&name);
                self.unanswered.insert(name, error);
                continue;
            }
            let ids = |nodes: &[blumfeld_protocol::messages::BrokerId]| nodes.iter().map(|id| id.0).collect();
            let mut partitions = BTreeMap::new();
            for partition in &topic.partitions {
                let error = ErrorCode(partition.error_code);
                incomplete |= error == ErrorCode::LEADER_NOT_AVAILABLE && self.wanted.contains(&name);
                let of = TopicPartition { topic: name.clone(), partition: partition.partition_index };
                if let Some(known) = self.newer(&of, topic.topic_id, partition.leader_epoch) {
                    partitions.insert(of.partition, known);
                    continue;
                }
                let metadata = PartitionMetadata {
                    partition: partition.partition_index,
                    leader: partition.leader_id.0,
                    leader_epoch: partition.leader_epoch,
                    replicas: ids(&partition.replica_nodes),
                    isr: ids(&partition.isr_nodes),
                    offline: ids(&partition.offline_replicas),
                    elr: None,
                    last_known_elr: None,
                    error,
                };
                self.newest.insert(of, (topic.topic_id, metadata.clone()));
                partitions.insert(partition.partition_index, metadata);
            }
            let (id, internal) = (topic.topic_id, topic.is_internal);
            topics.insert(name.clone(), TopicMetadata { name, id, internal, error, partitions });
        }
        self.topics = topics;
        if incomplete {
            self.retry(cx);
        } else {
            self.attempts = 0;
            // A topic that was added while the request was under way is asked for next.
            let missing =
                |name: &&Arc<str>| !self.topics.contains_key(*name) && !self.unanswered.contains_key(*name);
            let wait = self.backoff.backoff(1, cx.rng);
            self.needs_update = !self.wants_all && self.wanted.iter().any(|name| missing(&name));
            self.not_before = if self.needs_update { cx.now } else { cx.after_ms(wait) };
        }
    }

    /// What is known of a partition from a newer leader epoch than `epoch`: a broker that was cut off tells of leaders
    /// that are none any more (Metadata.updateLatestMetadata, KIP-320). Of a topic with another id nothing is known.
    fn newer(&self, of: &TopicPartition, id: Uuid, epoch: i32) -> Option<PartitionMetadata> {
        let (known_id, known) = self.newest.get(of)?;
        (*known_id == id && epoch >= 0 && epoch < known.leader_epoch).then(|| known.clone())
    }

    /// What answers said of topics that they could not give, since the last call.
    pub fn take_issues(&mut self) -> Vec<MetadataIssue> {
        std::mem::take(&mut self.issues)
    }

    /// When `poll` is next wanted, apart from the network's own timeouts.
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        if self.in_flight.is_some() {
            return None;
        }
        if self.needs_update {
            return (self.not_before > now).then_some(self.not_before);
        }
        let age = Duration::from_millis(u64::try_from(self.max_age_ms).unwrap_or(0));
        // What is due and could not be asked yet waits for a connection, and not for the clock.
        self.refreshed.map(|at| at + age).filter(|at| *at > now)
    }

    /// The error of a topic that the metadata does not have: the broker's, or that it was not asked for yet.
    pub fn missing(&self, topic: &str) -> ApiError {
        self.topic_error(topic).unwrap_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION).into()
    }
}
