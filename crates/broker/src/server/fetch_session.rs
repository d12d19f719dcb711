//! Fetch sessions at the leader (org.apache.kafka.server.FetchSession; KIP-227): what a consumer or follower fetches is
//! told once, and after that only what changes is said, in both directions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use blumfeld_kernel::Instant;
use blumfeld_protocol::messages::FetchRequest;
use blumfeld_protocol::messages::fetch_request::FetchPartition;
use blumfeld_protocol::messages::fetch_response::PartitionData;
use blumfeld_protocol::{ErrorCode, Uuid};

use crate::replica::TopicPartition;

/// `min.incremental.fetch.session.eviction.ms`: a session that was not used for longer is stale, and one that has lived
/// for longer may make room for a bigger one.
const EVICTION: Duration = Duration::from_millis(120_000);

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
    /// Its fetcher is a follower: it goes before consumers.
    privileged: bool,
    created: Instant,
    last_used: Instant,
    /// What counts of it where another session wants its place, as it was when it was last used (cachedSize).
    size: usize,
    /// It may make room for followers.
    evictable_by_privileged: bool,
    /// It may make room for anybody.
    evictable_by_all: bool,
}

impl FetchSession {
    /// Notes that it is used (FetchSessionCacheShard.touch).
    fn touch(&mut self, now: Instant) {
        let old = self.created + EVICTION < now;
        self.last_used = now;
        self.size = self.partitions.len();
        self.evictable_by_privileged = !self.privileged || old;
        self.evictable_by_all = old;
    }
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
#[derive(Clone, Debug)]
pub struct FetchSessions {
    sessions: BTreeMap<i32, FetchSession>,
    slots: usize,
}

impl FetchSessions {
    /// None yet, and never more than `slots` (`max.incremental.fetch.session.cache.slots`). Kafka divides these among
    /// eight shards, which are there for its threads.
    pub fn new(slots: u32) -> FetchSessions {
        FetchSessions { sessions: BTreeMap::new(), slots: usize::try_from(slots).unwrap_or(usize::MAX) }
    }

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
        session.touch(now);
        Ok(())
    }

    /// Makes room for a session of so many partitions, if it may (FetchSessionCacheShard.tryEvict): what is stale goes
    /// first, then a consumer's before a follower's, and a smaller one before a bigger one. Whether there is room.
    fn make_room(&mut self, now: Instant, privileged: bool, size: usize) -> bool {
        if self.sessions.len() < self.slots {
            return true;
        }
        let stale = (self.sessions.iter())
            .min_by_key(|(id, session)| (session.last_used, **id))
            .filter(|(_, session)| session.last_used + EVICTION < now)
            .map(|(id, _)| *id);
        let evicted =
            stale.or_else(|| {
                (self.sessions.iter())
                    .filter(|(_, session)| {
                        if privileged { session.evictable_by_privileged } else { session.evictable_by_all }
                    })
                    .map(|(id, session)| (session.privileged, session.size, *id))
                    .min()
                    // The new one has no id yet, which is below all: of two alike the old one stays.
                    .filter(|least| *least <= (privileged, size, 0))
                    .map(|(.., id)| id)
            });
        evicted.is_some_and(|id| self.sessions.remove(&id).is_some())
    }

    /// Makes a session of a full fetch, if there is room or another one makes room. Gives its id, or 0. The sessions of
    /// followers are privileged; topics are told by id or by name.
    pub fn create(
        &mut self,
        now: Instant,
        (privileged, by_id): (bool, bool),
        partitions: Vec<(TopicIdPartition, Option<TopicPartition>, FetchPartition)>,
        mut random: impl FnMut() -> u64,
    ) -> i32 {
        if !self.make_room(now, privileged, partitions.len()) {
            return 0;
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
        let mut session = FetchSession {
            partitions,
            dirty,
            by_id,
            epoch: 1,
            privileged,
            created: now,
            last_used: now,
            size: 0,
            evictable_by_privileged: false,
            evictable_by_all: false,
        };
        session.touch(now);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays steps on a cache of so many slots: the second, who asks (`c` a consumer, `f` a follower), and of how many
    /// partitions it makes a session, or which session it goes on with. Gives the sessions that are left, by the number
    /// of the step that made them.
    fn play(slots: u32, steps: &[(u64, char, Step)]) -> Vec<usize> {
        let mut cache = FetchSessions::new(slots);
        let mut made: Vec<(usize, i32, i32)> = Vec::new();
        for (number, (second, who, step)) in steps.iter().enumerate() {
            let now = Instant::ZERO + Duration::from_secs(*second);
            match step {
                Step::Make(size) => {
                    let partitions = (0..*size)
                        .map(|at| ((Uuid::from_u128(1), at), None, FetchPartition::default()))
                        .collect();
                    let draw = (number as u64 + 1) << 33;
                    let id = cache.create(now, (*who == 'f', true), partitions, || draw);
                    if id > 0 {
                        made.push((number, id, 1));
                    }
                }
                Step::Use(of) => {
                    let (_, id, epoch) = made.iter_mut().find(|(number, ..)| number == of).unwrap();
                    let request = FetchRequest::default().with_session_id(*id).with_session_epoch(*epoch);
                    *epoch += 1;
                    assert_eq!(
                        cache.resume(now, true, &request, |id, _| (id, None)),
                        Ok(()),
                        "step {number}"
                    );
                }
            }
        }
        made.iter().filter(|(_, id, _)| cache.get(*id).is_some()).map(|(number, ..)| *number).collect()
    }

    /// What it is about, the slots, the steps, and which of them made the sessions that are left.
    type Row<'a> = (&'a str, u32, &'a [(u64, char, Step)], &'a [usize]);

    enum Step {
        Make(i32),
        Use(usize),
    }

    #[test]
    fn a_full_cache_makes_room_for_followers_and_for_what_is_bigger() {
        use Step::{Make, Use};
        let rows: [Row; 14] = [
            ("no slots, no sessions", 0, &[(0, 'c', Make(1)), (0, 'f', Make(9))], &[]),
            ("a session of nothing is one too", 2, &[(0, 'c', Make(0))], &[0]),
            ("there is room", 2, &[(0, 'c', Make(1)), (0, 'c', Make(1))], &[0, 1]),
            ("a young one stays", 1, &[(0, 'c', Make(1)), (120, 'c', Make(9))], &[0]),
            ("a stale one goes", 1, &[(0, 'c', Make(9)), (121, 'c', Make(1))], &[1]),
            ("a follower's too", 1, &[(0, 'f', Make(9)), (121, 'c', Make(1))], &[1]),
            ("the stalest goes", 2, &[(1, 'c', Make(1)), (0, 'c', Make(5)), (200, 'c', Make(1))], &[0, 2]),
            ("a consumer's makes room for a follower's", 1, &[(0, 'c', Make(9)), (1, 'f', Make(1))], &[1]),
            ("a young follower's does not", 1, &[(0, 'f', Make(1)), (1, 'f', Make(9))], &[0]),
            (
                "an old one that is in use makes room for a bigger one",
                1,
                &[(0, 'c', Make(2)), (121, 'c', Use(0)), (122, 'c', Make(3))],
                &[2],
            ),
            (
                "not for one that is as big",
                1,
                &[(0, 'c', Make(2)), (121, 'c', Use(0)), (122, 'c', Make(2))],
                &[0],
            ),
            (
                "an old follower's makes room for a bigger follower's",
                1,
                &[(0, 'f', Make(2)), (121, 'f', Use(0)), (122, 'f', Make(3))],
                &[2],
            ),
            ("but for no consumer's", 1, &[(0, 'f', Make(2)), (121, 'f', Use(0)), (122, 'c', Make(9))], &[0]),
            (
                "consumers' go first, the smallest of them",
                3,
                &[
                    (0, 'f', Make(1)),
                    (0, 'c', Make(3)),
                    (0, 'c', Make(2)),
                    (121, 'f', Use(0)),
                    (121, 'c', Use(1)),
                    (121, 'c', Use(2)),
                    (122, 'f', Make(1)),
                ],
                &[0, 1, 6],
            ),
        ];
        for (about, slots, steps, want) in rows {
            assert_eq!(play(slots, steps), want, "{about}");
        }
    }
}
