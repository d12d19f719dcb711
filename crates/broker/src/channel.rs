//! The connections that this node opens to others (NodeToControllerChannelManager, BrokerBlockingSender, and the
//! network channel of the quorum). Each has one purpose, and one request under way at a time, as Kafka's have.
//!
//! A node that is itself the active controller talks to itself in the same frames, which never leave it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use blumfeld_kernel::{ConnectionId, Context, DisconnectReason, Endpoint, FlushId, Instant};
use blumfeld_protocol::ApiKey;
use blumfeld_protocol::frame::encode_request;
use blumfeld_protocol::wire::Encodable;
use bytes::Bytes;

use crate::call::ListenerKind;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Purpose {
    /// Requests of the quorum to a voter.
    Raft(i32),
    /// Registration and heartbeats to the active controller.
    Heartbeat,
    /// AlterPartition to the active controller.
    AlterPartition,
    /// Requests of clients, forwarded to the active controller.
    Forward,
    /// Blocks of producer ids from the active controller.
    ProducerIds,
    /// Fetches from a leader.
    Fetcher(i32),
    /// WriteTxnMarkers to a leader.
    Markers(i32),
    /// AddPartitionsToTxn to a transaction coordinator, for clients.
    Transactions(i32),
}

/// A request that waits for its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InFlight {
    /// Which API.
    pub api_key: ApiKey,
    /// Which version.
    pub version: i16,
    /// When it was sent.
    pub sent: Instant,
    deadline: Instant,
}

#[derive(Clone, Debug)]
struct Channel {
    endpoint: Endpoint,
    conn: Option<ConnectionId>,
    in_flight: Option<InFlight>,
    /// Nothing is sent before this moment, after a failure.
    retry_at: Option<Instant>,
    failures: u32,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Channels {
    channels: BTreeMap<Purpose, Channel>,
    by_conn: BTreeMap<ConnectionId, Purpose>,
    /// This node's own listeners, which it reaches without a network: of its controller, and of its broker.
    own: [Option<Endpoint>; 2],
    correlation_id: i32,
    /// Requests to this node itself.
    loopback: VecDeque<(ConnectionId, Bytes)>,
}

/// `reconnect.backoff.ms` and `reconnect.backoff.max.ms` of the nodes among each other.
const BACKOFF: (u64, u64) = (50, 1_000);

impl Channels {
    /// No connection yet; `own` is where this node's controller and its broker listen, as far as it has them.
    pub fn new(own: [Option<Endpoint>; 2]) -> Channels {
        Channels { own, ..Channels::default() }
    }

    fn is_here(&self, endpoint: &Endpoint) -> bool {
        self.own.iter().flatten().any(|own| own == endpoint)
    }

    /// The listener of this node that one of its connections to itself leads to.
    pub fn listener(&self, conn: ConnectionId) -> ListenerKind {
        match self.by_conn.get(&conn) {
            Some(Purpose::Markers(_) | Purpose::Transactions(_)) => ListenerKind::Broker,
            _ => ListenerKind::Controller,
        }
    }

    /// Whether a request can be sent now.
    pub fn idle(&self, purpose: Purpose) -> bool {
        (self.channels.get(&purpose))
            .is_none_or(|channel| channel.in_flight.is_none() && channel.retry_at.is_none())
    }

    /// The endpoint of a connection that was opened from here.
    pub fn endpoint(&self, purpose: Purpose) -> Option<&Endpoint> {
        self.channels.get(&purpose).map(|channel| &channel.endpoint)
    }

    /// Sends a request; opens the connection if there is none to this endpoint. `after` holds it until a disk operation
    /// is done.
    #[allow(clippy::too_many_arguments, reason = "what a request is made of")]
    pub fn send<M: Encodable>(
        &mut self,
        cx: &mut Context<'_>,
        purpose: Purpose,
        endpoint: &Endpoint,
        (api_key, version): (ApiKey, i16),
        body: &M,
        timeout_ms: i64,
        after: Option<FlushId>,
    ) {
        self.correlation_id = self.correlation_id.wrapping_add(1) & i32::MAX;
        let client_id = Some(format!("broker-{}", cx.node.0).into());
        // The fields are set for this version, so that it can be written.
        let Ok(frame) = encode_request(api_key, version, self.correlation_id, client_id, body) else {
            return;
        };
        if self.channels.get(&purpose).is_some_and(|channel| channel.endpoint != *endpoint) {
            self.close(cx, purpose);
        }
        let here = self.is_here(endpoint);
        let channel = self.channels.entry(purpose).or_insert_with(|| Channel {
            endpoint: endpoint.clone(),
            conn: None,
            in_flight: None,
            retry_at: None,
            failures: 0,
        });
        let conn = *channel.conn.get_or_insert_with(|| {
            if here { cx.out.next_connection() } else { cx.out.connect(endpoint.clone()) }
        });
        self.by_conn.insert(conn, purpose);
        channel.in_flight =
            Some(InFlight { api_key, version, sent: cx.now, deadline: cx.after_ms(timeout_ms) });
        match after {
            _ if here => self.loopback.push_back((conn, frame)),
            Some(operation) => cx.out.send_after(conn, frame, operation),
            None => cx.out.send(conn, frame),
        }
    }

    /// The next request that this node sent to itself.
    pub fn next_loopback(&mut self) -> Option<(ConnectionId, Bytes)> {
        self.loopback.pop_front()
    }

    /// Whether a connection leads from this node to itself.
    pub fn is_loopback(&self, conn: ConnectionId) -> bool {
        let purpose = self.by_conn.get(&conn);
        purpose.and_then(|purpose| self.channels.get(purpose)).is_some_and(|c| self.is_here(&c.endpoint))
    }

    /// Takes an answer; `None` if the connection is none of these, or nothing waits for it.
    pub fn on_frame(&mut self, conn: ConnectionId) -> Option<(Purpose, InFlight)> {
        let purpose = *self.by_conn.get(&conn)?;
        let channel = self.channels.get_mut(&purpose)?;
        channel.failures = 0;
        Some((purpose, channel.in_flight.take()?))
    }

    /// Whether the connection was opened from here.
    pub fn owns(&self, conn: ConnectionId) -> bool {
        self.by_conn.contains_key(&conn)
    }

    /// A connection is gone; gives what it was for and the request that gets no answer.
    pub fn on_disconnected(
        &mut self,
        now: Instant,
        conn: ConnectionId,
    ) -> Option<(Purpose, Option<InFlight>)> {
        let purpose = self.by_conn.remove(&conn)?;
        let channel = self.channels.get_mut(&purpose)?;
        channel.conn = None;
        Self::back_off(channel, now);
        Some((purpose, channel.in_flight.take()))
    }

    fn back_off(channel: &mut Channel, now: Instant) {
        let wait = BACKOFF.0.saturating_mul(1 << channel.failures.min(10)).min(BACKOFF.1);
        channel.failures += 1;
        channel.retry_at = Some(now + Duration::from_millis(wait));
    }

    /// Lets nothing be sent for a while after an answer that says to come again.
    pub fn pause(&mut self, purpose: Purpose, until: Instant) {
        if let Some(channel) = self.channels.get_mut(&purpose) {
            channel.retry_at = Some(until);
        }
    }

    /// Closes a connection and forgets what was under way on it.
    pub fn close(&mut self, cx: &mut Context<'_>, purpose: Purpose) {
        let Some(channel) = self.channels.remove(&purpose) else { return };
        if let Some(conn) = channel.conn {
            let here = self.is_here(&channel.endpoint);
            self.by_conn.remove(&conn);
            self.loopback.retain(|(of, _)| *of != conn);
            if !here {
                cx.out.disconnect(conn, DisconnectReason::Closed);
            }
        }
    }

    /// Ends pauses that are over, and connections whose answer did not come in time; gives the requests.
    pub fn expire(&mut self, cx: &mut Context<'_>) -> Vec<(Purpose, InFlight)> {
        let mut expired = Vec::new();
        for (purpose, channel) in &mut self.channels {
            channel.retry_at = channel.retry_at.filter(|at| *at > cx.now);
            if let Some(request) = channel.in_flight.filter(|request| request.deadline <= cx.now) {
                channel.in_flight = None;
                Self::back_off(channel, cx.now);
                if let Some(conn) = channel.conn.take() {
                    self.by_conn.remove(&conn);
                    if !self.own.iter().flatten().any(|own| *own == channel.endpoint) {
                        cx.out.disconnect(conn, DisconnectReason::RequestTimedOut);
                    }
                }
                expired.push((*purpose, request));
            }
        }
        expired
    }

    /// When [`expire`](Self::expire) next has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        (self.channels.values())
            .flat_map(|channel| {
                channel.in_flight.map(|request| request.deadline).into_iter().chain(channel.retry_at)
            })
            .min()
    }
}
