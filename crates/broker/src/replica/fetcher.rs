//! How followers copy from leaders: a fetcher for each leader, with one fetch session
//! (kafka.server.ReplicaFetcherThread, AbstractFetcherThread, org.apache.kafka.clients.FetchSessionHandler; KIP-227).

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::{Context, Endpoint, FlushId, Frame, Instant};
use blumfeld_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic, ReplicaState};
use blumfeld_protocol::messages::fetch_response::PartitionData;
use blumfeld_protocol::messages::{FetchRequest, FetchResponse};
use blumfeld_protocol::{ApiKey, ErrorCode, RecordPieces, Uuid, decode_fetch_response};

use super::manager::{ReplicaManager, TopicPartition};
use crate::channel::{Channels, InFlight, Purpose};
use crate::config::{BrokerConfig, SEGMENT_DELETE_DELAY_MS};

/// A leader that does not know yet what this node knows of a partition is asked again after so long at first, in
/// milliseconds, then after twice as long each time, up to `replica.fetch.backoff.ms`. Kafka's follower waits for all
/// of that at once: where it hears of a new topic before the leader does, the first acks=all waits with it.
const BEHIND_BACKOFF_MS: i64 = 10;

/// What a session has been told of a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Told {
    leader_epoch: i32,
    fetch_offset: i64,
    last_fetched_epoch: i32,
    log_start: i64,
}

/// A partition that is fetched.
#[derive(Clone, Debug)]
struct Fetched {
    key: TopicPartition,
    leader_epoch: i32,
}

/// The fetcher of one leader.
#[derive(Clone, Debug, Default)]
struct Fetcher {
    partitions: BTreeMap<(Uuid, i32), Fetched>,
    /// Partitions of which nothing is fetched before a moment, after an error. Few are, and every request asks: so they
    /// are not looked for among all.
    delayed: BTreeMap<(Uuid, i32), Instant>,
    /// Partitions that the leader does not know yet, with how long they were last delayed for it, in milliseconds.
    behind: BTreeMap<(Uuid, i32), i64>,
    /// Partitions of which what was appended is not durable yet, on a node that flushes first.
    awaiting: BTreeMap<(Uuid, i32), FlushId>,
    session_id: i32,
    session_epoch: i32,
    /// What the session at the leader holds.
    session: BTreeMap<(Uuid, i32), Told>,
    /// Partitions of which the session does not know the latest.
    stale: BTreeSet<(Uuid, i32)>,
    /// What the request under way tells.
    sent: BTreeMap<(Uuid, i32), Told>,
    forgotten: Vec<(Uuid, i32)>,
}

/// All fetchers of a node.
#[derive(Clone, Debug, Default)]
pub struct Fetchers {
    fetchers: BTreeMap<i32, Fetcher>,
    /// Whom each partition is fetched from.
    leaders: BTreeMap<(Uuid, i32), i32>,
}

impl Fetchers {
    /// Follows what a partition has become: fetched from its leader, from another one, or not at all.
    pub fn update(
        &mut self,
        cx: &mut Context<'_>,
        channels: &mut Channels,
        replicas: &ReplicaManager,
        (key, id): (&TopicPartition, (Uuid, i32)),
    ) {
        let partition = replicas.of(key);
        let wanted = partition
            .filter(|partition| partition.topic_id() == id.0 && !partition.is_leader())
            .map(|partition| (partition.registration().leader, partition.registration().leader_epoch))
            .filter(|(leader, _)| *leader >= 0 && *leader != cx.node.0);
        let have = self.leaders.get(&id).copied();
        if let Some(old) = have.filter(|old| wanted.is_none_or(|(leader, _)| leader != *old)) {
            self.leaders.remove(&id);
            if let Some(fetcher) = self.fetchers.get_mut(&old) {
                fetcher.remove(id);
                if fetcher.partitions.is_empty() {
                    self.fetchers.remove(&old);
                    channels.close(cx, Purpose::Fetcher(old));
                }
            }
        }
        if let Some((leader, leader_epoch)) = wanted {
            self.leaders.insert(id, leader);
            let fetcher = self.fetchers.entry(leader).or_default();
            let fetched =
                (fetcher.partitions.entry(id)).or_insert_with(|| Fetched { key: key.clone(), leader_epoch });
            if fetched.leader_epoch != leader_epoch {
                fetched.leader_epoch = leader_epoch;
                fetcher.delayed.remove(&id);
                fetcher.behind.remove(&id);
            }
            fetcher.stale.insert(id);
        }
    }

    /// Forgets partitions whose replicas are gone from this node.
    pub fn drop_gone(&mut self, cx: &mut Context<'_>, channels: &mut Channels, replicas: &ReplicaManager) {
        let mut empty = Vec::new();
        for (leader, fetcher) in &mut self.fetchers {
            let gone: Vec<(Uuid, i32)> = (fetcher.partitions.iter())
                .filter(|(id, one)| {
                    replicas.of(&one.key).is_none_or(|partition| partition.topic_id() != id.0)
                })
                .map(|(id, _)| *id)
                .collect();
            for id in gone {
                self.leaders.remove(&id);
                fetcher.remove(id);
            }
            if fetcher.partitions.is_empty() {
                empty.push(*leader);
            }
        }
        for leader in empty {
            self.fetchers.remove(&leader);
            channels.close(cx, Purpose::Fetcher(leader));
        }
    }

    /// A flush is done: what waited for it is fetched further.
    pub fn on_flushed(&mut self, id: FlushId) {
        for fetcher in self.fetchers.values_mut() {
            fetcher.stale.extend(fetcher.awaiting.extract_if(.., |_, flush| *flush == id).map(|(of, _)| of));
        }
    }

    /// A flush failed, and another one was begun for it.
    pub fn on_flushed_again(&mut self, failed: FlushId, again: Option<FlushId>) {
        for fetcher in self.fetchers.values_mut() {
            let waiting: Vec<(Uuid, i32)> =
                fetcher.awaiting.extract_if(.., |_, flush| *flush == failed).map(|(of, _)| of).collect();
            if let Some(again) = again {
                fetcher.awaiting.extend(waiting.into_iter().map(|of| (of, again)));
            }
        }
    }

    /// Sends the fetches that can leave.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        channels: &mut Channels,
        replicas: &ReplicaManager,
        (config, broker_epoch): (&BrokerConfig, i64),
        endpoint: impl Fn(i32) -> Option<Endpoint>,
    ) {
        for (leader, fetcher) in &mut self.fetchers {
            let purpose = Purpose::Fetcher(*leader);
            // A fetch says that what was fetched before is as safe as the node makes it.
            if fetcher.is_flushing() || !channels.idle(purpose) {
                continue;
            }
            let Some(endpoint) = endpoint(*leader) else { continue };
            let Some(request) = fetcher.request(cx, replicas, config, broker_epoch) else { continue };
            let timeout = config.replica_socket_timeout_ms;
            channels.send(cx, purpose, &endpoint, (ApiKey::Fetch, 18), &request, timeout, None);
        }
    }

    /// When a partition that was delayed is fetched again.
    pub fn next_timeout(&self, channels: &Channels) -> Option<Instant> {
        // A fetch under way comes back by itself: only a fetcher that can send has something to wait for.
        let idle = (self.fetchers.iter())
            .filter(|(leader, fetcher)| channels.idle(Purpose::Fetcher(**leader)) && !fetcher.is_flushing());
        idle.flat_map(|(_, fetcher)| fetcher.delayed.values().copied()).min()
    }

    /// Takes the answer of a leader.
    pub fn on_response(
        &mut self,
        cx: &mut Context<'_>,
        channels: &mut Channels,
        replicas: &mut ReplicaManager,
        (leader, config): (i32, &BrokerConfig),
        (request, frame): (&InFlight, Frame),
    ) {
        let Some(fetcher) = self.fetchers.get_mut(&leader) else { return };
        let backoff = cx.after_ms(config.replica_fetch_backoff_ms);
        let Ok((response, records)) = decode_fetch_response(request.version, frame) else {
            fetcher.reset_session();
            channels.pause(Purpose::Fetcher(leader), backoff);
            return;
        };
        if response.error_code != 0 {
            // The session is gone, or was never made: the next fetch is a full one.
            fetcher.reset_session();
            let session = [
                ErrorCode::FETCH_SESSION_ID_NOT_FOUND,
                ErrorCode::INVALID_FETCH_SESSION_EPOCH,
                ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR,
            ];
            if !session.contains(&ErrorCode(response.error_code)) {
                channels.pause(Purpose::Fetcher(leader), backoff);
            }
            return;
        }
        fetcher.on_session(&response);
        let mut records = records.iter();
        for topic in &response.responses {
            for data in &topic.partitions {
                let id = (topic.topic_id, data.partition_index);
                let Some(records) = records.next() else { continue };
                let Some(fetched) = fetcher.partitions.get(&id) else { continue };
                let Some(told) = fetcher.session.get(&id) else { continue };
                // An answer to what was asked in an older epoch is for nobody.
                if told.leader_epoch != fetched.leader_epoch {
                    continue;
                }
                fetcher.stale.insert(id);
                let taken = take(cx, replicas, fetched, told, (data, records), config);
                replicas.note_cut(cx, &fetched.key);
                match taken {
                    Ok(taken) => {
                        fetcher.behind.remove(&id);
                        if taken.changed {
                            replicas.note_changed(&fetched.key);
                        }
                        if let Some(flush) = taken.flush {
                            fetcher.awaiting.insert(id, flush);
                        }
                    }
                    Err(Failed::Behind) => {
                        let last = fetcher.behind.entry(id).or_insert(0);
                        *last = last.saturating_mul(2).max(BEHIND_BACKOFF_MS);
                        fetcher.delayed.insert(id, backoff.min(cx.after_ms(*last)));
                    }
                    Err(Failed::Other) => {
                        fetcher.delayed.insert(id, backoff);
                    }
                }
            }
        }
    }

    /// A fetch got no answer: the session may be gone at the other end.
    pub fn on_failure(&mut self, leader: i32) {
        if let Some(fetcher) = self.fetchers.get_mut(&leader) {
            fetcher.reset_session();
        }
    }
}

/// What an answer did to a replica.
#[derive(Clone, Copy, Default)]
struct Taken {
    /// It grew, or its high watermark moved.
    changed: bool,
    /// It is fetched further once this flush is done.
    flush: Option<FlushId>,
}

impl Taken {
    const CHANGED: Taken = Taken { changed: true, flush: None };
}

/// Why an answer does not help.
#[derive(Clone, Copy)]
enum Failed {
    /// The leader has replayed less of the metadata than this node: it will know soon.
    Behind,
    /// Something else.
    Other,
}

/// Takes what a leader sent of one partition.
///
/// # Errors
/// The partition is fetched again only after a while.
fn take(
    cx: &mut Context<'_>,
    replicas: &mut ReplicaManager,
    fetched: &Fetched,
    told: &Told,
    (data, records): (&PartitionData, &RecordPieces),
    config: &BrokerConfig,
) -> Result<Taken, Failed> {
    let Some(partition) = replicas.of_mut(&fetched.key) else { return Err(Failed::Other) };
    if partition.is_leader() || partition.registration().leader_epoch != fetched.leader_epoch {
        return Err(Failed::Other);
    }
    match ErrorCode(data.error_code) {
        ErrorCode::NONE => {}
        ErrorCode::OFFSET_OUT_OF_RANGE => {
            // The leader has less than this replica, or begins later (fetchOffsetAndTruncate).
            let (start, end) = (data.log_start_offset, partition.log().log_end());
            if start > end {
                partition.begin_at(cx, start);
                return Ok(Taken::CHANGED);
            }
            return Err(Failed::Other);
        }
        ErrorCode::UNKNOWN_TOPIC_ID
        | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        | ErrorCode::NOT_LEADER_OR_FOLLOWER
        | ErrorCode::UNKNOWN_LEADER_EPOCH => return Err(Failed::Behind),
        _ => return Err(Failed::Other),
    }
    if data.diverging_epoch.epoch >= 0 {
        partition.truncate_to_leader(cx, data.diverging_epoch.epoch, data.diverging_epoch.end_offset);
        return Ok(Taken::CHANGED);
    }
    // What was asked for is not what the log now ends with: the next fetch asks again.
    if told.fetch_offset != partition.log().log_end() {
        return Ok(Taken::default());
    }
    let mut grew = false;
    if !records.is_empty() {
        // A batch cut off at the end of the answer is fetched again.
        let before = partition.log().log_end();
        let result = partition.append_from_leader(cx, records);
        grew = partition.log().log_end() > before;
        if result.is_err() && !grew {
            return Err(Failed::Other);
        }
    }
    let moved = partition.follow_leader(data.high_watermark);
    if data.log_start_offset > partition.log().log_start()
        && data.log_start_offset <= partition.high_watermark()
    {
        let files = partition.log_mut().advance_log_start(cx, data.log_start_offset);
        replicas.delete_later(cx, files, SEGMENT_DELETE_DELAY_MS);
    }
    let flush =
        if grew && config.flush_before_acknowledging { replicas.flush(cx, &fetched.key) } else { None };
    Ok(Taken { changed: grew || moved, flush })
}

impl Fetcher {
    /// Whether something that was fetched is not durable yet, on a node that flushes first.
    fn is_flushing(&self) -> bool {
        !self.awaiting.is_empty()
    }

    /// Fetches a partition no longer.
    fn remove(&mut self, id: (Uuid, i32)) {
        self.partitions.remove(&id);
        self.delayed.remove(&id);
        self.behind.remove(&id);
        self.awaiting.remove(&id);
        self.stale.insert(id);
    }

    fn reset_session(&mut self) {
        self.session_epoch = 0;
        self.session.clear();
        self.sent.clear();
        self.forgotten.clear();
        self.stale = self.partitions.keys().copied().collect();
    }

    /// The next fetch; `None` while every partition is delayed, for a leader answers at once who asks for nothing
    /// (RemoteLeaderEndPoint.buildFetch).
    fn request(
        &mut self,
        cx: &Context<'_>,
        replicas: &ReplicaManager,
        config: &BrokerConfig,
        broker_epoch: i64,
    ) -> Option<FetchRequest> {
        let full = self.session_epoch == 0;
        if full {
            // What a session before this one was told, the next one is not.
            self.session.clear();
        }
        let mut tell: BTreeMap<(Uuid, i32), Told> = BTreeMap::new();
        let mut forgotten = Vec::new();
        let now = cx.now;
        self.stale.extend(self.delayed.extract_if(.., |_, at| *at <= now).map(|(id, _)| id));
        let candidates: Vec<(Uuid, i32)> = if full {
            self.partitions.keys().copied().collect()
        } else {
            self.stale.iter().copied().collect()
        };
        for id in candidates {
            let ready = self.partitions.get(&id).filter(|_| !self.delayed.contains_key(&id));
            let partition = ready.and_then(|one| replicas.of(&one.key).map(|partition| (one, partition)));
            match partition {
                Some((one, partition)) => {
                    let log = partition.log();
                    let told = Told {
                        leader_epoch: one.leader_epoch,
                        fetch_offset: log.log_end(),
                        last_fetched_epoch: log.latest_epoch(),
                        log_start: log.log_start(),
                    };
                    if full || self.session.get(&id) != Some(&told) {
                        tell.insert(id, told);
                    }
                }
                None if !full && self.session.contains_key(&id) => forgotten.push(id),
                None => {}
            }
        }
        self.stale.clear();
        if tell.is_empty() && forgotten.is_empty() && self.session.is_empty() {
            return None;
        }
        let mut topics: Vec<FetchTopic> = Vec::new();
        for ((topic_id, number), told) in &tell {
            let partition = FetchPartition::default()
                .with_partition(*number)
                .with_current_leader_epoch(told.leader_epoch)
                .with_fetch_offset(told.fetch_offset)
                .with_last_fetched_epoch(told.last_fetched_epoch)
                .with_log_start_offset(told.log_start)
                .with_partition_max_bytes(config.replica_fetch_max_bytes);
            match topics.last_mut().filter(|topic| topic.topic_id == *topic_id) {
                Some(topic) => topic.partitions.push(partition),
                None => topics
                    .push(FetchTopic::default().with_topic_id(*topic_id).with_partitions(vec![partition])),
            }
        }
        let mut forgotten_topics: Vec<ForgottenTopic> = Vec::new();
        for (topic_id, number) in &forgotten {
            match forgotten_topics.last_mut().filter(|topic| topic.topic_id == *topic_id) {
                Some(topic) => topic.partitions.push(*number),
                None => forgotten_topics
                    .push(ForgottenTopic::default().with_topic_id(*topic_id).with_partitions(vec![*number])),
            }
        }
        (self.sent, self.forgotten) = (tell, forgotten);
        let replica =
            ReplicaState::default().with_replica_id(config.node_id.into()).with_replica_epoch(broker_epoch);
        let request = FetchRequest::default()
            .with_replica_state(replica)
            .with_max_wait_ms(config.replica_fetch_wait_max_ms)
            .with_min_bytes(1)
            .with_max_bytes(config.replica_fetch_response_max_bytes)
            .with_session_id(self.session_id)
            .with_session_epoch(self.session_epoch)
            .with_topics(topics)
            .with_forgotten_topics_data(forgotten_topics);
        Some(request)
    }

    /// The session goes on, or begins, or the leader made none.
    fn on_session(&mut self, response: &FetchResponse) {
        for id in std::mem::take(&mut self.forgotten) {
            self.session.remove(&id);
        }
        self.session.append(&mut self.sent);
        self.session_id = response.session_id;
        self.session_epoch = match (response.session_id, self.session_epoch) {
            (0, _) => 0,
            (_, i32::MAX) => 1,
            (_, epoch) => epoch + 1,
        };
    }
}
