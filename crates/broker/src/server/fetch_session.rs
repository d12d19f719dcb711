//! Fetch sessions at the leader (org.apache.kafka.server.FetchSession; KIP-227): what a consumer or follower fetches is
//! told once, and after that only what changes is said, in both directions.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::Instant;
use blumfeld_protocol::messages::FetchRequest;
use blumfeld_protocol::messages::fetch_request::FetchPartition;
use blumfeld_protocol::messages::fetch_response::PartitionData;
use blumfeld_protocol::{ErrorCode, Uuid};

use crate::replica::TopicPartition;

/// `max.incremental.fetch.session.cache.slots`.
const SLOTS: usize = 1_000;
/// `min.incremental.fetch.session.eviction.ms`, in microseconds of virtual time.
const EVICTION: std::time::Duration = std::time::Duration::from_millis(120_000);

/// A partition by the id of its topic.
pub type TopicIdPartition = (Uuid, i32);

/// A partition of a session (CachedPartition).
#[derive(Clone, Debug)]
pub struct Cached {
    /// Name of its topic, where it is known.
    pub key: Option<TopicPartition>,
    /// What was asked of it last.
    pub asked: FetchPartition,
    high_watermark: i64,
    log_start: i64,
}

/// A session.
#[derive(Clone, Debug)]
pub struct FetchSession {
    /// Its partitions.
    pub partitions: BTreeMap<TopicIdPartition, Cached>,
    /// Those of which there may be something to say.
    pub dirty: BTreeSet<TopicIdPartition>,
    /// Whether its topics are told by id, as from version 13 on.
    by_id: bool,
    epoch: i32,
    follower: bool,
    last_used: Instant,
}

impl Cached {
    fn new(key: Option<TopicPartition>, asked: FetchPartition) -> Cached {
        Cached { key, asked, high_watermark: -1, log_start: -1 }
    }

    /// Whether an answer has something that was not said before; it counts as said (maybeUpdateResponseData).
    pub fn update(&mut self, data: &PartitionData, bytes: usize) -> bool {
        let mut say = bytes > 0;
        if self.high_watermark != data.high_watermark {
            self.high_watermark = data.high_watermark;
            say = true;
        }
        if self.log_start != data.log_start_offset {
            self.log_start = data.log_start_offset;
            say = true;
        }
        if data.error_code != 0 {
            // The next answer is said whatever it is.
            self.high_watermark = -1;
            say = true;
        }
        say || data.preferred_read_replica.0 >= 0 || data.diverging_epoch.epoch >= 0
    }
}

/// All sessions of a node.
#[derive(Clone, Debug, Default)]
pub struct FetchSessions {
    sessions: BTreeMap<i32, FetchSession>,
}

impl FetchSessions {
    /// The session, to use it.
    pub fn get_mut(&mut self, id: i32) -> Option<&mut FetchSession> {
        self.sessions.get_mut(&id)
    }

    /// The session.
    pub fn get(&self, id: i32) -> Option<&FetchSession> {
        self.sessions.get(&id)
    }

    /// Ends a session.
    pub fn remove(&mut self, id: i32) {
        self.sessions.remove(&id);
    }

    /// Goes on with the session of an incremental request: takes what it adds, changes and forgets. Its partitions are
    /// looked up with `name`.
    ///
    /// # Errors
    /// There is no such session, the request is not the next of it, or it tells topics the other way.
    pub fn resume(
        &mut self,
        now: Instant,
        by_id: bool,
        request: &FetchRequest,
        name: impl Fn(Uuid, &str) -> (Uuid, Option<String>),
    ) -> Result<(), ErrorCode> {
        let session =
            self.sessions.get_mut(&request.session_id).ok_or(ErrorCode::FETCH_SESSION_ID_NOT_FOUND)?;
        if session.epoch != request.session_epoch {
            return Err(ErrorCode::INVALID_FETCH_SESSION_EPOCH);
        }
        if session.by_id != by_id {
            return Err(ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR);
        }
        session.epoch = if session.epoch == i32::MAX { 1 } else { session.epoch + 1 };
        session.last_used = now;
        for topic in &request.topics {
            let (id, found) = name(topic.topic_id, topic.topic.as_str());
            for asked in &topic.partitions {
                let key = found.clone().map(|name| (name, asked.partition));
                let of = (id, asked.partition);
                match session.partitions.get_mut(&of) {
                    Some(cached) => {
                        cached.asked = asked.clone();
                        cached.key = key;
                    }
                    None => {
                        session.partitions.insert(of, Cached::new(key, asked.clone()));
                    }
                }
                session.dirty.insert(of);
            }
        }
        for topic in &request.forgotten_topics_data {
            let (id, _) = name(topic.topic_id, topic.topic.as_str());
            for number in &topic.partitions {
                session.partitions.remove(&(id, *number));
                session.dirty.remove(&(id, *number));
            }
        }
        Ok(())
    }

    /// Makes a session of a full fetch, by a follower or a consumer and by ids or names of topics, if there is room or a session that has not been used for long. Gives its id, or
    /// 0.
    pub fn create(
        &mut self,
        now: Instant,
        (follower, by_id): (bool, bool),
        partitions: Vec<(TopicIdPartition, Option<TopicPartition>, FetchPartition)>,
        mut random: impl FnMut() -> u64,
    ) -> i32 {
        if partitions.is_empty() {
            return 0;
        }
        if self.sessions.len() >= SLOTS {
            let oldest = (self.sessions.iter())
                .filter(|(_, session)| session.last_used + EVICTION <= now || (follower && !session.follower))
                .min_by_key(|(_, session)| session.last_used)
                .map(|(id, _)| *id);
            let Some(oldest) = oldest else { return 0 };
            self.sessions.remove(&oldest);
        }
        let id = loop {
            let id = i32::try_from(random() >> 33).unwrap_or(0);
            if id > 0 && !self.sessions.contains_key(&id) {
                break id;
            }
        };
        let dirty = partitions.iter().map(|(id, ..)| *id).collect();
        let partitions =
            partitions.into_iter().map(|(id, key, asked)| (id, Cached::new(key, asked))).collect();
        let session = FetchSession { partitions, dirty, by_id, epoch: 1, follower, last_used: now };
        self.sessions.insert(id, session);
        id
    }

    /// Notes that there may be something to say of a partition.
    pub fn mark(&mut self, of: TopicIdPartition) {
        for session in self.sessions.values_mut().filter(|session| session.partitions.contains_key(&of)) {
            session.dirty.insert(of);
        }
    }
}
