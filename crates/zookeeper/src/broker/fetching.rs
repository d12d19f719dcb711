//! Followers fetch from leaders (`ReplicaFetcherThread`), incrementally (KIP-227): one connection to each leader, one
//! request under way, and in it only what has changed. Requests and answers are Kafka's, version 11; there are no
//! records in them, and the high watermark stands for the end of the leader's log. A session ends with its connection.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use blumfeld_kernel::{ConnectionId, Context, DisconnectReason, Endpoint, Input, Instant};
use blumfeld_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use blumfeld_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use blumfeld_protocol::messages::{ApiKey, BrokerId, FetchRequest, FetchResponse, TopicName};
use blumfeld_protocol::{ErrorCode, frame};
use bytes::Bytes;

use crate::control::TopicPartition;

use super::replicas::{IsrChange, ReplicaManager};

/// The version of Fetch with `inter.broker.protocol.version` 2.4 to 2.6.
const VERSION: i16 = 11;
/// `replica.fetch.wait.max.ms`.
const MAX_WAIT: Duration = Duration::from_millis(500);
/// `replica.fetch.backoff.ms`.
const BACKOFF: Duration = Duration::from_secs(1);
/// `replica.socket.timeout.ms`.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(30);

/// A follower's way to one leader.
#[derive(Clone, Debug)]
struct Fetcher {
    at: Endpoint,
    conn: Option<ConnectionId>,
    connected: bool,
    /// Its session at the leader, and the next request's epoch in it; 0 begins one.
    session: (i32, i32),
    partitions: BTreeSet<TopicPartition>,
    /// What the next request says anew.
    changed: BTreeSet<TopicPartition>,
    forgotten: BTreeSet<TopicPartition>,
    /// Partitions with an error, and when to ask again.
    delayed: BTreeMap<TopicPartition, Instant>,
    deadline: Option<Instant>,
    retry_at: Option<Instant>,
}

/// A follower's session at this leader.
#[derive(Clone, Debug)]
struct Session {
    follower: i32,
    epoch: i32,
    /// What it fetches: from which offset, in which leader epoch.
    partitions: BTreeMap<TopicPartition, (i64, i32)>,
    /// Partitions about which there may be something to say.
    news: BTreeSet<TopicPartition>,
    /// Its request waits: until when, and its number.
    parked: Option<(Instant, i32)>,
}

/// Both sides of fetching.
#[derive(Clone, Debug, Default)]
pub struct Fetching {
    id: i32,
    fetchers: BTreeMap<i32, Fetcher>,
    sessions: BTreeMap<ConnectionId, Session>,
    /// When each follower last asked.
    last_fetches: BTreeMap<i32, Instant>,
    correlation_id: i32,
}

/// Partitions by topic, in order, as the wire groups them.
fn grouped<T>(items: &[(TopicPartition, T)]) -> impl Iterator<Item = (TopicName, &[(TopicPartition, T)])> {
    let groups = items.chunk_by(|(a, _), (b, _)| a.topic == b.topic);
    groups.filter_map(|group| Some((TopicName(group.first()?.0.topic.to_string().into()), group)))
}

impl Fetching {
    /// One of a broker that fetches nothing yet.
    pub fn new(id: i32) -> Fetching {
        Fetching { id, ..Fetching::default() }
    }

    /// When each follower last asked.
    pub fn last_fetches(&self) -> &BTreeMap<i32, Instant> {
        &self.last_fetches
    }

    // ---- the follower

    /// Follows a leader from now on, where it listens.
    pub fn follow(&mut self, cx: &mut Context<'_>, partition: TopicPartition, leader: i32, at: &Endpoint) {
        self.unfollow(&partition);
        let fetcher = self.fetchers.entry(leader).or_insert_with(|| Fetcher {
            at: at.clone(),
            conn: Some(cx.out.connect(at.clone())),
            connected: false,
            session: (0, 0),
            partitions: BTreeSet::new(),
            changed: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            delayed: BTreeMap::new(),
            deadline: None,
            retry_at: None,
        });
        fetcher.partitions.insert(partition.clone());
        fetcher.forgotten.remove(&partition);
        fetcher.changed.insert(partition);
    }

    /// Follows nobody in this partition.
    pub fn unfollow(&mut self, partition: &TopicPartition) {
        for fetcher in self.fetchers.values_mut() {
            if fetcher.partitions.remove(partition) {
                fetcher.changed.remove(partition);
                fetcher.delayed.remove(partition);
                fetcher.forgotten.insert(partition.clone());
            }
        }
    }

    /// Sends what can be sent, and ends fetchers that have nothing left.
    pub fn pump(&mut self, cx: &mut Context<'_>, replicas: &ReplicaManager) {
        self.fetchers.retain(|_, fetcher| {
            let idle = fetcher.partitions.is_empty() && fetcher.deadline.is_none();
            if let Some(conn) = fetcher.conn.filter(|_| idle) {
                cx.out.disconnect(conn, DisconnectReason::Closed);
            }
            !idle
        });
        for fetcher in self.fetchers.values_mut() {
            let Some(conn) = fetcher.conn.filter(|_| fetcher.connected && fetcher.deadline.is_none()) else {
                continue;
            };
            self.correlation_id = self.correlation_id.wrapping_add(1);
            let request = fetcher.request(self.id, replicas);
            let frame = frame::encode_request(ApiKey::Fetch, VERSION, self.correlation_id, None, &request);
            // Version 11 can say all that is in the request.
            if let Ok(frame) = frame {
                cx.out.send(conn, frame);
                fetcher.deadline = Some(cx.now + SOCKET_TIMEOUT);
            }
        }
    }

    /// Whether a connection leads to a leader.
    pub fn owns(&self, conn: ConnectionId) -> bool {
        self.fetchers.values().any(|fetcher| fetcher.conn == Some(conn))
    }

    /// Takes an input of a connection that it [owns](Self::owns).
    pub fn handle(
        &mut self,
        cx: &Context<'_>,
        conn: ConnectionId,
        input: Input,
        replicas: &mut ReplicaManager,
    ) {
        let Some(fetcher) = self.fetchers.values_mut().find(|fetcher| fetcher.conn == Some(conn)) else {
            return;
        };
        match input {
            Input::Connected { .. } => {
                fetcher.connected = true;
                fetcher.changed = fetcher.partitions.clone();
                fetcher.forgotten.clear();
                fetcher.session = (0, 0);
            }
            Input::Frame { frame, .. } => {
                let answer: Result<FetchResponse, _> =
                    frame::decode_response(ApiKey::Fetch, VERSION, frame.into_bytes());
                fetcher.deadline = None;
                if let Ok(answer) = answer {
                    fetcher.answered(cx.now, answer, replicas);
                }
            }
            _ => fetcher.broken(cx.now),
        }
    }

    // ---- the leader

    /// A follower asks. Changes of ISRs that follow from what it has.
    pub fn asked(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnectionId,
        frame: Bytes,
        replicas: &mut ReplicaManager,
    ) -> Result<Vec<IsrChange>, String> {
        let (header, body) = frame::decode_header(&frame).map_err(|error| error.to_string())?;
        let request: FetchRequest = frame::decode_body(&header, body).map_err(|error| error.to_string())?;
        if header.version != VERSION {
            return Err(format!("Fetch is served in version {VERSION} alone"));
        }
        let follower = request.replica_id.0;
        if request.session_epoch == 0 || !self.sessions.contains_key(&conn) {
            let (partitions, news) = (BTreeMap::new(), BTreeSet::new());
            self.sessions.insert(conn, Session { follower, epoch: 0, partitions, news, parked: None });
        }
        let Some(session) = self.sessions.get_mut(&conn) else { return Ok(Vec::new()) };
        self.last_fetches.insert(follower, cx.now);
        for topic in &request.forgotten_topics_data {
            let name = topic.topic.to_string().into();
            for partition in &topic.partitions {
                let forgotten = TopicPartition::new(&name, *partition);
                session.partitions.remove(&forgotten);
                session.news.remove(&forgotten);
            }
        }
        let mut changes = Vec::new();
        for topic in &request.topics {
            let name = topic.topic.to_string().into();
            for asked in &topic.partitions {
                let partition = TopicPartition::new(&name, asked.partition);
                let epoch = asked.current_leader_epoch;
                session.partitions.insert(partition.clone(), (asked.fetch_offset, epoch));
                let current = replicas.replicas().get(&partition);
                if current.is_some_and(|known| known.leader_epoch == epoch) {
                    changes.extend(replicas.fetched(cx.now, &partition, follower, asked.fetch_offset));
                }
                session.news.insert(partition);
            }
        }
        changes.extend(replicas.fetched_again(cx.now, follower));
        session.parked = Some((cx.now + MAX_WAIT, header.correlation_id));
        self.answer(cx, conn, replicas, false);
        Ok(changes)
    }

    /// Answers a request that waits if there is something to say, or if it has waited long enough.
    fn answer(&mut self, cx: &mut Context<'_>, conn: ConnectionId, replicas: &ReplicaManager, now: bool) {
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        let Some((_, correlation_id)) = session.parked else { return };
        let news = std::mem::take(&mut session.news).into_iter();
        let said: Vec<(TopicPartition, PartitionData)> = (news.filter_map(|partition| {
            let asked = session.partitions.get(&partition)?;
            let said = what_is_new(&partition, *asked, replicas)?;
            Some((partition, said))
        }))
        .collect();
        if said.is_empty() && !now && session.epoch != 0 {
            return;
        }
        session.parked = None;
        // Its first answer gives it a number; the world's number of the connection is as good as any.
        let id = i32::try_from(conn.0 & 0x3fff_ffff).unwrap_or(0).max(1);
        session.epoch = session.epoch.wrapping_add(1).max(1);
        let topics = grouped(&said).map(|(topic, group)| {
            FetchableTopicResponse::default()
                .with_topic(topic)
                .with_partitions(group.iter().map(|(_, data)| data.clone()).collect())
        });
        let response = FetchResponse::default().with_session_id(id).with_responses(topics.collect());
        if let Ok(frame) = frame::encode_response(ApiKey::Fetch, VERSION, correlation_id, &response) {
            cx.out.send(conn, frame);
        }
    }

    /// Something has happened to partitions that this broker leads or led.
    pub fn news<'a>(
        &mut self,
        cx: &mut Context<'_>,
        partitions: impl IntoIterator<Item = &'a TopicPartition>,
        replicas: &ReplicaManager,
    ) {
        for partition in partitions {
            for session in self.sessions.values_mut() {
                if session.partitions.contains_key(partition) {
                    session.news.insert(partition.clone());
                }
            }
        }
        let waiting: Vec<ConnectionId> = (self.sessions.iter())
            .filter(|(_, session)| session.parked.is_some() && !session.news.is_empty())
            .map(|(conn, _)| *conn)
            .collect();
        waiting.into_iter().for_each(|conn| self.answer(cx, conn, replicas, false));
    }

    /// A follower's connection is gone.
    pub fn gone(&mut self, conn: ConnectionId) {
        self.sessions.remove(&conn);
    }

    /// Followers with a session here.
    pub fn followers(&self) -> BTreeSet<i32> {
        self.sessions.values().map(|session| session.follower).collect()
    }

    // ---- time

    /// When [`timeout`](Self::timeout) has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        let follower = self.fetchers.values().flat_map(|fetcher| {
            [fetcher.deadline, fetcher.retry_at, fetcher.delayed.values().min().copied()]
        });
        let leader = self.sessions.values().map(|session| session.parked.map(|(at, _)| at));
        follower.chain(leader).flatten().min()
    }

    /// Does what its time has come for.
    pub fn timeout(&mut self, cx: &mut Context<'_>, replicas: &ReplicaManager) {
        for fetcher in self.fetchers.values_mut() {
            if fetcher.deadline.is_some_and(|at| at <= cx.now) {
                if let Some(conn) = fetcher.conn {
                    cx.out.disconnect(conn, DisconnectReason::RequestTimedOut);
                }
                fetcher.broken(cx.now);
            }
            if fetcher.retry_at.take_if(|at| *at <= cx.now).is_some() {
                fetcher.conn = Some(cx.out.connect(fetcher.at.clone()));
            }
            let due = fetcher.delayed.extract_if(.., |_, at| *at <= cx.now).map(|(partition, _)| partition);
            fetcher.changed.extend(due);
        }
        let over: Vec<ConnectionId> = (self.sessions.iter())
            .filter(|(_, session)| session.parked.is_some_and(|(at, _)| at <= cx.now))
            .map(|(conn, _)| *conn)
            .collect();
        over.into_iter().for_each(|conn| self.answer(cx, conn, replicas, true));
    }
}

impl Fetcher {
    fn request(&mut self, id: i32, replicas: &ReplicaManager) -> FetchRequest {
        let changed = std::mem::take(&mut self.changed).into_iter().filter_map(|partition| {
            let known = replicas.replicas().get(&partition)?;
            let asked = FetchPartition::default()
                .with_partition(partition.partition)
                .with_current_leader_epoch(known.leader_epoch)
                .with_fetch_offset(replicas.log_end(&partition))
                .with_log_start_offset(0)
                // `replica.fetch.max.bytes`.
                .with_partition_max_bytes(1_048_576);
            Some((partition, asked))
        });
        let changed: Vec<_> = changed.collect();
        let forgotten: Vec<_> =
            std::mem::take(&mut self.forgotten).into_iter().map(|name| (name, ())).collect();
        let topics = grouped(&changed).map(|(topic, group)| {
            FetchTopic::default()
                .with_topic(topic)
                .with_partitions(group.iter().map(|(_, asked)| asked.clone()).collect())
        });
        let forgotten = grouped(&forgotten).map(|(topic, group)| {
            ForgottenTopic::default()
                .with_topic(topic)
                .with_partitions(group.iter().map(|(name, ())| name.partition).collect())
        });
        let (session, epoch) = self.session;
        FetchRequest::default()
            .with_replica_id(BrokerId(id))
            .with_max_wait_ms(i32::try_from(MAX_WAIT.as_millis()).unwrap_or(i32::MAX))
            .with_min_bytes(1)
            // `replica.fetch.response.max.bytes`.
            .with_max_bytes(10_485_760)
            .with_session_id(session)
            .with_session_epoch(epoch)
            .with_topics(topics.collect())
            .with_forgotten_topics_data(if epoch == 0 { Vec::new() } else { forgotten.collect() })
    }

    fn answered(&mut self, now: Instant, answer: FetchResponse, replicas: &mut ReplicaManager) {
        self.session = (answer.session_id, self.session.1.wrapping_add(1).max(1));
        for topic in answer.responses {
            let name = topic.topic.to_string().into();
            for data in topic.partitions {
                let partition = TopicPartition::new(&name, data.partition_index);
                if !self.partitions.contains(&partition) {
                    continue;
                }
                let error = ErrorCode(data.error_code);
                if error.0 == 0 || error == ErrorCode::OFFSET_OUT_OF_RANGE {
                    // What was fetched is there, or what the leader does not have is cut off.
                    replicas.set_log_end(&partition, data.high_watermark);
                    self.changed.insert(partition);
                } else {
                    self.delayed.insert(partition, now + BACKOFF);
                }
            }
        }
    }

    fn broken(&mut self, now: Instant) {
        (self.conn, self.connected, self.deadline) = (None, false, None);
        self.retry_at = Some(now + BACKOFF);
    }
}

/// What a follower is told of a partition that it fetches from `offset` in `epoch`; nothing if it has all.
fn what_is_new(
    partition: &TopicPartition,
    (offset, epoch): (i64, i32),
    replicas: &ReplicaManager,
) -> Option<PartitionData> {
    let end = replicas.log_end(partition);
    let error = match replicas.replicas().get(partition) {
        None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        Some(known) if epoch < known.leader_epoch => ErrorCode::FENCED_LEADER_EPOCH,
        Some(known) if epoch > known.leader_epoch => ErrorCode::UNKNOWN_LEADER_EPOCH,
        Some(_) if !replicas.leads(partition) => ErrorCode::NOT_LEADER_OR_FOLLOWER,
        Some(_) if offset > end => ErrorCode::OFFSET_OUT_OF_RANGE,
        Some(_) if offset < end => ErrorCode(0),
        Some(_) => return None,
    };
    let data = PartitionData::default()
        .with_partition_index(partition.partition)
        .with_error_code(error.0)
        .with_high_watermark(end)
        .with_last_stable_offset(end)
        .with_log_start_offset(0)
        .with_records(None);
    Some(data)
}
