//! What went over the network: requests with their answers, as long as they are kept.
//!
//! The world keeps this only when it is asked to ([`World::keep_wire`]). It is looked at and never acted on: nothing
//! here is drawn by chance, and nothing goes into the digest. How an exchange stands is noted at the places where the
//! transport changes it, so that what is open here is what [`World::in_flight`] finds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use blumfeld_kernel::{ConnectionId, DisconnectReason, Frame, Instant, NodeId};
use blumfeld_protocol::frame::response_correlation_id;
use blumfeld_protocol::messages::ApiKey;

use crate::network::Asked;
use crate::world::World;

/// Bytes of frames that are kept. Past it the oldest large frames go, and their times stay.
const FRAME_BYTES: usize = 16 * 1024 * 1024;
/// A frame up to this size stays as long as its exchange: it says what the exchange was about, or what went wrong.
const SMALL: usize = 512;
/// An answer to a Fetch of the metadata quorum that is shorter has no records in it, or the `NoOpRecord` alone that the
/// controller appends twice a second (KIP-835).
const EMPTY_QUORUM_FETCH: usize = 176;

/// Why an exchange came to nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Loss {
    /// Its connection ended.
    Disconnected(
        /// Why.
        DisconnectReason,
    ),
    /// A fault dropped its request, or one before it on the connection.
    Dropped,
    /// Its sender lost power before it was sent again.
    PowerCut,
    /// Its broker answered a later request of the connection, and this one never.
    PassedOver,
}

/// How an exchange ended, if it has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// It is under way.
    Open,
    /// Its answer came.
    Answered,
    /// It came to its broker and wanted no answer: a Produce with acks=0.
    NoAnswer,
    /// Who asked gets no answer.
    Lost(
        /// Why.
        Loss,
    ),
}

/// A request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Its number: exchanges are counted as their requests are sent.
    pub number: u64,
    /// Its connection.
    pub connection: ConnectionId,
    /// The request's number on its connection.
    pub correlation_id: i32,
    /// The node that asks.
    pub client: NodeId,
    /// The node that is asked.
    pub broker: NodeId,
    /// Whether it goes to the broker's door for the metadata quorum.
    pub quorum: bool,
    /// The API's key.
    pub api_key: i16,
    /// The API's version.
    pub version: i16,
    /// When the request was sent.
    pub sent: Instant,
    /// When it came to the broker.
    pub landed: Option<Instant>,
    /// When the broker took it up: not before those before it on the connection were answered, and not while the
    /// process stood still.
    pub taken: Option<Instant>,
    /// When the broker had the answer.
    pub ready: Option<Instant>,
    /// When the answer left: later than it was ready if it had to wait for a flush or a cold read.
    pub answered: Option<Instant>,
    /// When the answer came to who had asked.
    pub received: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// How it ended.
    pub ending: Ending,
    /// Bytes of the request, without the four of its length.
    pub request_bytes: u64,
    /// Bytes of the answer; 0 before there is one.
    pub answer_bytes: u64,
    /// The request, unless it was too large to be kept so long.
    pub request: Option<Frame>,
    /// The answer, if there is one, unless it was too large to be kept so long.
    pub answer: Option<Frame>,
    /// How often such exchanges come; told once it has ended.
    pub sort: Sort,
}

/// How often exchanges come. What comes seldom is not pushed out by what comes often.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Sort {
    /// All others: elections, rebalances, metadata, commits.
    Rare,
    /// With every batch: a Produce, or a Fetch with records.
    Frequent,
    /// It carries nothing: a heartbeat, or a fetch without records.
    Idle,
}

impl Sort {
    const ALL: [Sort; 3] = [Sort::Rare, Sort::Frequent, Sort::Idle];
}

impl Exchange {
    fn kept_bytes(&self) -> usize {
        [&self.request, &self.answer].into_iter().flatten().map(Frame::len).sum()
    }

    /// Its sort, as far as its frames say it without being read.
    fn sort(&self) -> Sort {
        let answer = self.answer.as_ref().filter(|_| self.ending == Ending::Answered);
        let nothing = match (ApiKey::try_from(self.api_key), answer) {
            (Ok(ApiKey::Produce), _) | (Ok(ApiKey::Fetch), None) => return Sort::Frequent,
            (Ok(ApiKey::Fetch), Some(answer)) if self.quorum => answer.len() < EMPTY_QUORUM_FETCH,
            // Records are pieces of their own.
            (Ok(ApiKey::Fetch), Some(answer)) if answer.pieces().count() > 1 => return Sort::Frequent,
            (Ok(ApiKey::Fetch), Some(_)) => true,
            (Ok(ApiKey::Heartbeat | ApiKey::BrokerHeartbeat | ApiKey::ConsumerGroupHeartbeat), answer) => {
                answer.is_some()
            }
            _ => false,
        };
        if nothing { Sort::Idle } else { Sort::Rare }
    }
}

/// Finished exchanges of one sort, in the order in which they ended.
#[derive(Clone, Debug, Default)]
struct Kept {
    /// Shared with copies of the world.
    exchanges: VecDeque<Arc<Exchange>>,
    /// So many of the first have lost their large frames.
    stripped: usize,
}

/// Requests that came to a broker and were not taken up.
#[derive(Clone, Debug, Default)]
struct Door {
    /// Those before a process that stands still. One without a number is none that is kept: it wants no answer.
    outside: VecDeque<Option<u64>>,
    /// Those that the process has and lets wait.
    inside: VecDeque<Option<u64>>,
}

/// What went over the network, as far as it is kept, and what is under way.
#[derive(Clone, Debug)]
pub struct Wire {
    limit: usize,
    open: BTreeMap<ConnectionId, VecDeque<Exchange>>,
    doors: BTreeMap<(NodeId, ConnectionId), Door>,
    /// The doors whose process has requests that it may have taken up.
    waiting: BTreeSet<(NodeId, ConnectionId)>,
    /// What has ended, by its sort.
    kept: [Kept; 3],
    frame_bytes: usize,
    begun: u64,
    finished: u64,
    lost: u64,
    forgotten: u64,
    latencies: BTreeMap<(i16, bool), Latency>,
}

/// How long requests were under way, from when they were sent until their answer had come, all together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Latency {
    /// Requests that were answered.
    pub answers: u64,
    /// What they took together, in virtual microseconds.
    pub micros: u64,
}

/// Who asks whom, over what.
pub(crate) struct Way {
    pub connection: ConnectionId,
    pub client: NodeId,
    pub broker: NodeId,
    pub quorum: bool,
}

impl Wire {
    fn new(limit: usize) -> Wire {
        Wire {
            limit,
            open: BTreeMap::new(),
            doors: BTreeMap::new(),
            waiting: BTreeSet::new(),
            kept: Default::default(),
            frame_bytes: 0,
            begun: 0,
            finished: 0,
            lost: 0,
            forgotten: 0,
            latencies: BTreeMap::new(),
        }
    }

    /// How long the requests of each API took, of clients (true) and of brokers.
    pub(crate) fn latencies(&self) -> impl Iterator<Item = (i16, bool, Latency)> {
        self.latencies.iter().map(|(&(api_key, of_client), &latency)| (api_key, of_client, latency))
    }

    /// Everything that is known: what is under way, and what has ended and is kept. In no order.
    pub fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.open().chain(self.kept.iter().flat_map(|kept| kept.exchanges.iter().map(|one| &**one)))
    }

    /// Exchanges that are under way.
    pub fn open(&self) -> impl Iterator<Item = &Exchange> {
        self.open.values().flatten()
    }

    /// How many were begun since the wire is kept.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// How many of them ended as they should.
    pub fn finished(&self) -> u64 {
        self.finished
    }

    /// How many of them came to nothing.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// How many of those that ended are not kept any more.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Bytes of frames that are kept of what has ended.
    pub fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }

    /// The exchange of a number, if it is still known.
    pub fn exchange(&self, number: u64) -> Option<&Exchange> {
        self.exchanges().find(|one| one.number == number)
    }

    // ---- what the transport says

    /// A request is sent. Gives its number; nothing if it is too short to be a request.
    pub(crate) fn sent(&mut self, now: Instant, way: Way, frame: &Frame) -> Option<u64> {
        let (asked, correlation_id) = (Asked::of(frame.head())?, request_id(frame)?);
        let Way { connection, client, broker, quorum } = way;
        let number = self.begun;
        self.begun += 1;
        self.open.entry(connection).or_default().push_back(Exchange {
            number,
            connection,
            correlation_id,
            client,
            broker,
            quorum,
            api_key: asked.api_key,
            version: asked.version,
            sent: now,
            landed: None,
            taken: None,
            ready: None,
            answered: None,
            received: None,
            ended_at: None,
            ending: Ending::Open,
            request_bytes: frame.len() as u64,
            answer_bytes: 0,
            request: Some(frame.clone()),
            answer: None,
            sort: Sort::Rare,
        });
        Some(number)
    }

    /// A request has come to its broker, which will be given it.
    pub(crate) fn landed(&mut self, now: Instant, conn: ConnectionId, frame: &Frame, wants_answer: bool) {
        let id = request_id(frame);
        let found = self.find(conn, |one| Some(one.correlation_id) == id && one.landed.is_none());
        let (number, broker) = match found {
            Some(one) => {
                one.landed = Some(now);
                (Some(one.number), Some(one.broker))
            }
            None => (None, None),
        };
        if let Some(broker) = broker {
            let known = number.filter(|_| wants_answer);
            self.doors.entry((broker, conn)).or_default().outside.push_back(known);
        }
        if let Some(number) = number.filter(|_| !wants_answer) {
            self.end(now, conn, number, Ending::NoAnswer);
        }
    }

    /// A request has come to its broker a second time, which will be given it.
    pub(crate) fn landed_again(&mut self, conn: ConnectionId, broker: NodeId) {
        self.doors.entry((broker, conn)).or_default().outside.push_back(None);
    }

    /// A broker's process is given a frame of a connection.
    pub(crate) fn given(&mut self, node: NodeId, conn: ConnectionId) {
        if let Some(door) = self.doors.get_mut(&(node, conn)) {
            let first = door.outside.pop_front();
            if first.is_some() {
                self.waiting.insert((node, conn));
            }
            door.inside.extend(first);
        }
    }

    /// A broker has acted: of each connection it may have taken requests up. `waiting` says how many it lets wait.
    pub(crate) fn acted(
        &mut self,
        now: Instant,
        node: NodeId,
        waiting: impl Fn(ConnectionId) -> Option<usize>,
    ) {
        let mut taken = Vec::new();
        let doors = &mut self.doors;
        self.waiting.retain(|(at, conn)| {
            let Some(door) = doors.get_mut(&(*at, *conn)) else { return false };
            if *at == node {
                let waiting = waiting(*conn).unwrap_or(door.inside.len());
                while door.inside.len() > waiting {
                    taken.extend(door.inside.pop_front().flatten().map(|number| (*conn, number)));
                }
            }
            !door.inside.is_empty()
        });
        for (conn, number) in taken {
            if let Some(one) = self.find(conn, |one| one.number == number) {
                one.taken = Some(now);
            }
        }
    }

    /// Whether requests may wait at a node.
    pub(crate) fn waits_at(&self, node: NodeId) -> bool {
        let all = (node, ConnectionId(0))..=(node, ConnectionId(u64::MAX));
        self.waiting.range(all).next().is_some()
    }

    /// The broker has an answer, which may have to wait for its disk.
    pub(crate) fn ready(&mut self, now: Instant, conn: ConnectionId, answer: &Frame) {
        let id = response_correlation_id(answer.head());
        let waits =
            |one: &Exchange| Some(one.correlation_id) == id && one.landed.is_some() && one.ready.is_none();
        if let Some(one) = self.find(conn, waits) {
            // A broker that answers has taken the request up, whatever was seen of that.
            one.taken = one.taken.or(Some(now));
            one.ready = Some(now);
        }
    }

    /// An answer leaves.
    pub(crate) fn answered(&mut self, now: Instant, conn: ConnectionId, answer: &Frame) {
        let id = response_correlation_id(answer.head());
        let waits =
            |one: &Exchange| Some(one.correlation_id) == id && one.landed.is_some() && one.answered.is_none();
        let Some(one) = self.find(conn, waits) else { return };
        one.ready = one.ready.or(Some(now));
        one.answered = Some(now);
        one.answer_bytes = answer.len() as u64;
        one.answer = Some(answer.clone());
    }

    /// The broker has answered a request and not those that came before it.
    pub(crate) fn passed_over(&mut self, now: Instant, conn: ConnectionId, ids: &[i32]) {
        for id in ids {
            let waits =
                |one: &Exchange| one.correlation_id == *id && one.landed.is_some() && one.answered.is_none();
            if let Some(number) = self.find(conn, waits).map(|one| one.number) {
                self.end(now, conn, number, Ending::Lost(Loss::PassedOver));
            }
        }
    }

    /// A fault answers a request in its broker's place, or takes it where no answer is wanted.
    pub(crate) fn forged(&mut self, now: Instant, conn: ConnectionId, request: &Frame, wants_answer: bool) {
        let id = request_id(request);
        let Some(one) = self.find(conn, |one| Some(one.correlation_id) == id && one.landed.is_none()) else {
            return;
        };
        (one.landed, one.taken) = (Some(now), Some(now));
        let number = one.number;
        if !wants_answer {
            self.end(now, conn, number, Ending::NoAnswer);
        }
    }

    /// An answer has come to who asked.
    pub(crate) fn received(&mut self, now: Instant, conn: ConnectionId, answer: &Frame) {
        let id = response_correlation_id(answer.head());
        let comes = |one: &Exchange| Some(one.correlation_id) == id && one.answered.is_some();
        let Some(one) = self.find(conn, comes) else { return };
        one.received = Some(now);
        let (number, took) = (one.number, now.since(one.sent));
        let key = (one.api_key, one.client.is_client());
        let latency = self.latencies.entry(key).or_default();
        latency.answers += 1;
        latency.micros += u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.end(now, conn, number, Ending::Answered);
    }

    /// A frame does not arrive.
    pub(crate) fn frame_lost(
        &mut self,
        now: Instant,
        conn: ConnectionId,
        answer: bool,
        frame: &Frame,
        loss: Loss,
    ) {
        let id = if answer { response_correlation_id(frame.head()) } else { request_id(frame) };
        let mine = |one: &Exchange| {
            Some(one.correlation_id) == id
                && one.landed.is_some() == answer
                && one.answered.is_some() == answer
        };
        if let Some(number) = self.find(conn, mine).map(|one| one.number) {
            self.end(now, conn, number, Ending::Lost(loss));
        }
    }

    /// One end of a connection is closed: what travels there does not arrive. What stands in `stalled` still waits.
    pub(crate) fn half_closed(
        &mut self,
        now: Instant,
        conn: ConnectionId,
        by_client: bool,
        stalled: &BTreeSet<i32>,
        reason: &DisconnectReason,
    ) {
        let travels = |one: &&Exchange| {
            let on_its_way = if by_client { one.answered.is_some() } else { one.landed.is_none() };
            on_its_way && !stalled.contains(&one.correlation_id)
        };
        let all = self.open.get(&conn).into_iter().flatten();
        let lost: Vec<u64> = all.filter(travels).map(|one| one.number).collect();
        for number in lost {
            self.end(now, conn, number, Ending::Lost(Loss::Disconnected(reason.clone())));
        }
    }

    /// A connection is gone, and what was under way on it is lost.
    pub(crate) fn gone(
        &mut self,
        now: Instant,
        conn: ConnectionId,
        broker: NodeId,
        reason: &DisconnectReason,
    ) {
        self.doors.remove(&(broker, conn));
        for mut one in self.open.remove(&conn).into_iter().flatten() {
            one.ending = Ending::Lost(Loss::Disconnected(reason.clone()));
            self.keep(now, one);
        }
    }

    /// Ends an exchange that was sent where nobody is.
    pub(crate) fn end(&mut self, now: Instant, conn: ConnectionId, number: u64, ending: Ending) {
        let Some(open) = self.open.get_mut(&conn) else { return };
        let Some(at) = open.iter().position(|one| one.number == number) else { return };
        let Some(mut one) = open.remove(at) else { return };
        one.ending = ending;
        self.keep(now, one);
    }

    fn find(&mut self, conn: ConnectionId, mine: impl Fn(&Exchange) -> bool) -> Option<&mut Exchange> {
        self.open.get_mut(&conn)?.iter_mut().find(|one| mine(one))
    }

    fn keep(&mut self, now: Instant, mut one: Exchange) {
        one.ended_at = Some(now);
        one.sort = one.sort();
        *(if matches!(one.ending, Ending::Lost(_)) { &mut self.lost } else { &mut self.finished }) += 1;
        self.frame_bytes += one.kept_bytes();
        let kept = &mut self.kept[one.sort as usize];
        kept.exchanges.push_back(Arc::new(one));
        while kept.exchanges.len() > self.limit {
            let oldest = kept.exchanges.pop_front();
            self.frame_bytes -= oldest.map_or(0, |oldest| oldest.kept_bytes());
            kept.stripped = kept.stripped.saturating_sub(1);
            self.forgotten += 1;
        }
        while self.frame_bytes > FRAME_BYTES && self.strip() {}
    }

    /// Takes the large frames of the oldest exchange that has them; false if there is none.
    fn strip(&mut self) -> bool {
        let oldest = |sort: &Sort| {
            let kept = &self.kept[*sort as usize];
            Some((kept.exchanges.get(kept.stripped)?.ended_at, *sort))
        };
        let Some((_, sort)) = Sort::ALL.iter().filter_map(oldest).min() else { return false };
        let kept = &mut self.kept[sort as usize];
        if let Some(one) = kept.exchanges.get_mut(kept.stripped).map(Arc::make_mut) {
            let before = one.kept_bytes();
            for frame in [&mut one.request, &mut one.answer] {
                frame.take_if(|frame| frame.len() > SMALL);
            }
            self.frame_bytes -= before - one.kept_bytes();
        }
        kept.stripped += 1;
        true
    }
}

/// The number that a request says of itself.
pub(crate) fn request_id(frame: &Frame) -> Option<i32> {
    Some(i32::from_be_bytes(*frame.head().get(4..)?.first_chunk::<4>()?))
}

impl World {
    /// Keeps what goes over the network from now on: of each sort at most so many exchanges that have ended, so that
    /// neither heartbeats nor a load push out an election. Nothing of it enters the digest.
    pub fn keep_wire(&mut self, limit: usize) {
        self.wire = Some(Box::new(Wire::new(limit.max(1))));
    }

    /// What went over the network, if it is kept.
    pub fn wire(&self) -> Option<&Wire> {
        self.wire.as_deref()
    }
}
