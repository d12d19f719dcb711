//! Connections to brokers (org.apache.kafka.clients.NetworkClient): the handshake, correlation ids, what is in flight,
//! timeouts, and when to connect again.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use blumfeld_kernel::{ConnectionId, Context, DisconnectReason, Endpoint, Frame, Input, Instant};
use blumfeld_protocol::messages::api_versions_response::FinalizedFeatureKey;
use blumfeld_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse, FetchResponse};
use blumfeld_protocol::wire::{Decodable, Message, Request, StrBytes, VersionRange};
use blumfeld_protocol::{ApiKey, ErrorCode, FrameError, RecordPieces, decode_fetch_response, frame};

use crate::{ApiError, ClientConfig};

/// What became of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// A response came; its frame with the header.
    Response(
        /// The frame.
        Frame,
    ),
    /// The connection ended first.
    Disconnected,
    /// No response came within `request.timeout.ms`; the connection was closed for it.
    TimedOut,
}

/// A request that is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Completed {
    /// What [`NetworkClient::send`] gave.
    pub correlation_id: i32,
    /// Where it went.
    pub node: i32,
    /// Its API.
    pub api_key: ApiKey,
    /// Its version.
    pub version: i16,
    /// What became of it.
    pub outcome: Outcome,
}

impl Completed {
    /// The response, or the error that stands for its absence. Both kinds of absence are retriable.
    pub fn decode<M: Decodable>(&self) -> Result<M, ApiError> {
        match &self.outcome {
            Outcome::Response(frame) => {
                frame::decode_response(self.api_key, self.version, frame.clone().into_bytes())
                    .map_err(malformed)
            }
            Outcome::Disconnected => Err(ErrorCode::NETWORK_EXCEPTION.into()),
            Outcome::TimedOut => Err(ErrorCode::REQUEST_TIMED_OUT.into()),
        }
    }

    /// The same of a Fetch, with the records of each partition in the order of topics and partitions.
    pub fn decode_fetch(&self) -> Result<(FetchResponse, Vec<RecordPieces>), ApiError> {
        match &self.outcome {
            Outcome::Response(frame) => decode_fetch_response(self.version, frame.clone()).map_err(malformed),
            Outcome::Disconnected => Err(ErrorCode::NETWORK_EXCEPTION.into()),
            Outcome::TimedOut => Err(ErrorCode::REQUEST_TIMED_OUT.into()),
        }
    }
}

fn malformed(error: FrameError) -> ApiError {
    ApiError::new(ErrorCode::UNKNOWN_SERVER_ERROR, error.to_string())
}

/// A request under way.
#[derive(Clone, Debug)]
struct InFlight {
    correlation_id: i32,
    api_key: ApiKey,
    version: i16,
    deadline: Instant,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    /// Nothing stands; not to be tried before this moment.
    Disconnected { retry_at: Instant },
    /// Asked for.
    Connecting { conn: ConnectionId, deadline: Instant },
    /// Stands; ApiVersions is under way.
    CheckingApiVersions { conn: ConnectionId },
    /// Takes requests.
    Ready { conn: ConnectionId },
}

#[derive(Clone, Debug)]
struct Connection {
    state: State,
    endpoint: Endpoint,
    versions: BTreeMap<i16, VersionRange>,
    in_flight: VecDeque<InFlight>,
    failures: u32,
}

impl Connection {
    fn conn(&self) -> Option<ConnectionId> {
        match self.state {
            State::Disconnected { .. } => None,
            State::Connecting { conn, .. } | State::CheckingApiVersions { conn } | State::Ready { conn } => {
                Some(conn)
            }
        }
    }
}

/// The features that a cluster has finalized (KIP-584), as its brokers last told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FinalizedFeatures {
    /// Goes up with every change; -1 before anybody told of any.
    pub epoch: i64,
    levels: BTreeMap<String, i16>,
}

impl FinalizedFeatures {
    /// The level of a feature, if it is finalized.
    pub fn level(&self, name: &str) -> Option<i16> {
        self.levels.get(name).copied()
    }
}

/// Connections to nodes by their id. Bootstrap servers have ids below zero.
#[derive(Clone, Debug)]
pub struct NetworkClient {
    config: ClientConfig,
    nodes: BTreeMap<i32, Connection>,
    next_correlation_id: i32,
    /// Closed here by a timeout, to be handed out with the next `handle`.
    completed: Vec<Completed>,
    /// A connection ended, or did not come about, since somebody last asked.
    lost: bool,
    /// What ended since somebody last asked.
    ended: Vec<EndedConnection>,
    features: FinalizedFeatures,
}

/// A connection that ended by itself or by its other side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndedConnection {
    /// The node; a bootstrap server has an id below zero.
    pub node: i32,
    /// Where it was.
    pub endpoint: Endpoint,
    /// Whether it never came about.
    pub refused: bool,
}

impl NetworkClient {
    /// A client without connections.
    pub fn new(config: ClientConfig) -> NetworkClient {
        NetworkClient {
            config,
            nodes: BTreeMap::new(),
            next_correlation_id: 0,
            completed: Vec::new(),
            lost: false,
            ended: Vec::new(),
            features: FinalizedFeatures { epoch: -1, levels: BTreeMap::new() },
        }
    }

    /// Whether a request can be sent to the node now. If not, a connection is begun unless one is under way or the
    /// backoff forbids it.
    pub fn ready(&mut self, cx: &mut Context<'_>, node: i32, endpoint: &Endpoint) -> bool {
        let fresh = || Connection {
            state: State::Disconnected { retry_at: Instant::ZERO },
            endpoint: endpoint.clone(),
            versions: BTreeMap::new(),
            in_flight: VecDeque::new(),
            failures: 0,
        };
        let connection = self.nodes.entry(node).or_insert_with(fresh);
        if connection.endpoint != *endpoint && connection.conn().is_none() {
            *connection = fresh();
        }
        match connection.state {
            State::Disconnected { retry_at } if retry_at <= cx.now => {
                let conn = cx.out.connect(endpoint.clone());
                let deadline = cx.after_ms(self.config.connection_setup_timeout_ms);
                connection.state = State::Connecting { conn, deadline };
                false
            }
            State::Ready { .. } => connection.in_flight.len() < self.config.max_in_flight,
            _ => false,
        }
    }

    /// Whether a connection stands and has room for a request.
    pub fn is_ready(&self, node: i32) -> bool {
        self.nodes.get(&node).is_some_and(|connection| {
            matches!(connection.state, State::Ready { .. })
                && connection.in_flight.len() < self.config.max_in_flight
        })
    }

    /// Whether the node is in its backoff after a failed connection.
    pub fn is_unavailable(&self, node: i32, now: Instant) -> bool {
        self.nodes.get(&node).is_some_and(
            |connection| matches!(connection.state, State::Disconnected { retry_at } if retry_at > now),
        )
    }

    /// Requests under way to a node.
    pub fn in_flight(&self, node: i32) -> usize {
        self.nodes.get(&node).map_or(0, |connection| connection.in_flight.len())
    }

    /// Nodes to which a connection stands, by id, each with the numbers of the requests under way to it. Bootstrap
    /// servers are not among them.
    pub fn connected(&self) -> impl Iterator<Item = (i32, impl Iterator<Item = i32>)> {
        let stands = |connection: &Connection| connection.conn().is_some();
        self.nodes.range(0..).filter(move |(_, connection)| stands(connection)).map(|(&node, connection)| {
            (node, connection.in_flight.iter().map(|request| request.correlation_id))
        })
    }

    /// What the cluster has finalized, as far as any node told.
    pub(crate) fn features(&self) -> &FinalizedFeatures {
        &self.features
    }

    /// The newest version of a request that both this client and the node know.
    pub fn version<R: Request>(&self, node: i32) -> Result<i16, ApiError> {
        self.version_up_to::<R>(node, R::VERSIONS.max)
    }

    /// The same if this client does not use later ones than `newest`.
    pub fn version_up_to<R: Request>(&self, node: i32, newest: i16) -> Result<i16, ApiError> {
        let (mut have, api) = (R::VERSIONS, R::KEY);
        have.max = have.max.min(newest);
        let theirs = self.nodes.get(&node).and_then(|connection| connection.versions.get(&api));
        let name = ApiKey::try_from(api).map_or_else(|()| api.to_string(), |api| format!("{api:?}"));
        let Some(theirs) = theirs else {
            let text = format!("The node does not support {name}");
            return Err(ApiError::new(ErrorCode::UNSUPPORTED_VERSION, text));
        };
        let both = have.intersect(theirs);
        if both.is_empty() {
            let text = format!(
                "The node does not support {name} with version in range [{}, {}]. The supported range is [{}, {}].",
                have.min, have.max, theirs.min, theirs.max
            );
            return Err(ApiError::new(ErrorCode::UNSUPPORTED_VERSION, text));
        }
        Ok(both.max)
    }

    /// Sends a request to a node that is ready, in a version that [`version`](Self::version) gave. Its number comes
    /// back in [`Completed`], unless `expects_response` is false (a produce request with acks=0).
    pub fn send<R: Request>(
        &mut self,
        cx: &mut Context<'_>,
        node: i32,
        version: i16,
        body: &R,
        expects_response: bool,
    ) -> Result<i32, ApiError> {
        let timeout_ms = self.config.request_timeout_ms;
        self.send_with(cx, node, version, body, expects_response.then_some(timeout_ms))
    }

    /// The same of a request that may take so long, in milliseconds: a join waits for the whole group.
    pub fn send_within<R: Request>(
        &mut self,
        cx: &mut Context<'_>,
        node: i32,
        version: i16,
        body: &R,
        timeout_ms: i64,
    ) -> Result<i32, ApiError> {
        self.send_with(cx, node, version, body, Some(timeout_ms))
    }

    fn send_with<R: Request>(
        &mut self,
        cx: &mut Context<'_>,
        node: i32,
        version: i16,
        body: &R,
        timeout_ms: Option<i64>,
    ) -> Result<i32, ApiError> {
        let unknown =
            |error: &dyn ToString| ApiError::new(ErrorCode::UNKNOWN_SERVER_ERROR, error.to_string());
        let api_key = ApiKey::try_from(R::KEY).map_err(|()| unknown(&"unknown API key"))?;
        let correlation_id = self.next_id();
        let client_id = StrBytes::from_string(self.config.client_id.clone());
        let Some(connection) = self.nodes.get_mut(&node) else {
            return Err(ErrorCode::NETWORK_EXCEPTION.into());
        };
        let State::Ready { conn } = connection.state else {
            return Err(ErrorCode::NETWORK_EXCEPTION.into());
        };
        let bytes = frame::encode_request(api_key, version, correlation_id, Some(client_id), body)
            .map_err(|error| unknown(&error))?;
        cx.out.send(conn, bytes);
        if let Some(timeout_ms) = timeout_ms {
            let deadline = cx.after_ms(timeout_ms);
            connection.in_flight.push_back(InFlight { correlation_id, api_key, version, deadline });
        }
        Ok(correlation_id)
    }

    fn next_id(&mut self) -> i32 {
        let id = self.next_correlation_id;
        self.next_correlation_id = id.wrapping_add(1) & i32::MAX;
        id
    }

    /// Takes an input and gives the requests that it brought to an end.
    pub fn handle(&mut self, cx: &mut Context<'_>, input: &Input) -> Vec<Completed> {
        match input {
            Input::Connected { conn, .. } => {
                if let Some(node) = self.node_of(*conn) {
                    self.send_api_versions(cx, node, ApiVersionsRequest::VERSIONS.max);
                }
            }
            Input::Frame { conn, frame } => {
                if let Some(node) = self.node_of(*conn) {
                    self.frame(cx, node, frame);
                }
            }
            Input::Disconnected { conn, .. } => {
                if let Some(node) = self.node_of(*conn) {
                    self.note_ended(node);
                    self.disconnected(cx, node, Outcome::Disconnected);
                }
            }
            _ => {}
        }
        self.expire(cx);
        self.take_completed()
    }

    /// Requests that were brought to an end outside of `handle`, by a connection that was closed here.
    pub fn take_completed(&mut self) -> Vec<Completed> {
        std::mem::take(&mut self.completed)
    }

    fn node_of(&self, conn: ConnectionId) -> Option<i32> {
        self.nodes.iter().find(|(_, connection)| connection.conn() == Some(conn)).map(|(&node, _)| node)
    }

    fn send_api_versions(&mut self, cx: &mut Context<'_>, node: i32, version: i16) {
        let correlation_id = self.next_id();
        let deadline = cx.after_ms(self.config.request_timeout_ms);
        let Some(connection) = self.nodes.get_mut(&node) else { return };
        let Some(conn) = connection.conn() else { return };
        let mut body = ApiVersionsRequest::default();
        if version >= 3 {
            body.client_software_name = StrBytes::from_static_str("blumfeld");
            body.client_software_version = StrBytes::from_static_str(env!("CARGO_PKG_VERSION"));
        }
        let client_id = Some(StrBytes::from_string(self.config.client_id.clone()));
        let api_key = ApiKey::ApiVersions;
        if let Ok(bytes) = frame::encode_request(api_key, version, correlation_id, client_id, &body) {
            cx.out.send(conn, bytes);
            connection.state = State::CheckingApiVersions { conn };
            connection.in_flight.push_back(InFlight { correlation_id, api_key, version, deadline });
        }
    }

    fn frame(&mut self, cx: &mut Context<'_>, node: i32, frame: &Frame) {
        let Some(connection) = self.nodes.get_mut(&node) else { return };
        let id = frame::response_correlation_id(frame.head());
        // Brokers answer in order on one connection: anything else is no Kafka broker.
        let expected = connection.in_flight.front().map(|request| request.correlation_id);
        if id.is_none() || id != expected {
            let text = format!("correlation id {id:?} where {expected:?} was due");
            return self.close_node(
                cx,
                node,
                DisconnectReason::Malformed(text.into()),
                Outcome::Disconnected,
            );
        }
        let Some(request) = connection.in_flight.pop_front() else { return };
        if let State::CheckingApiVersions { conn } = connection.state {
            return self.api_versions(cx, node, conn, request.version, &frame.clone().into_bytes());
        }
        self.completed.push(Completed {
            correlation_id: request.correlation_id,
            node,
            api_key: request.api_key,
            version: request.version,
            outcome: Outcome::Response(frame.clone()),
        });
    }

    /// A broker that does not know our version of ApiVersions answers in version 0 and says which it knows (KIP-511).
    fn api_versions(
        &mut self,
        cx: &mut Context<'_>,
        node: i32,
        conn: ConnectionId,
        version: i16,
        bytes: &Bytes,
    ) {
        let malformed = |what: String| DisconnectReason::Malformed(what.into());
        let unsupported = bytes.get(4..6) == Some(&ErrorCode::UNSUPPORTED_VERSION.0.to_be_bytes()[..]);
        let read = if unsupported && version > 0 { 0 } else { version };
        let response: ApiVersionsResponse =
            match frame::decode_response(ApiKey::ApiVersions, read, bytes.clone()) {
                Ok(response) => response,
                Err(error) => {
                    return self.close_node(cx, node, malformed(error.to_string()), Outcome::Disconnected);
                }
            };
        let known: BTreeMap<i16, VersionRange> = response
            .api_keys
            .iter()
            .map(|api| (api.api_key, VersionRange { min: api.min_version, max: api.max_version }))
            .collect();
        if unsupported && version > 0 {
            let theirs = known.get(&(ApiKey::ApiVersions as i16)).map_or(0, |range| range.max);
            return self.send_api_versions(cx, node, theirs.clamp(0, version - 1));
        }
        if response.error_code != 0 {
            let text = format!("ApiVersions failed: {}", ErrorCode(response.error_code));
            return self.close_node(cx, node, malformed(text), Outcome::Disconnected);
        }
        if response.finalized_features_epoch > self.features.epoch {
            let level = |one: &FinalizedFeatureKey| (one.name.to_string(), one.max_version_level);
            let levels = response.finalized_features.iter().map(level).collect();
            self.features = FinalizedFeatures { epoch: response.finalized_features_epoch, levels };
        }
        if let Some(connection) = self.nodes.get_mut(&node) {
            connection.versions = known;
            connection.failures = 0;
            connection.state = State::Ready { conn };
        }
    }

    /// Notes that a connection is gone and completes what was under way on it.
    fn disconnected(&mut self, cx: &mut Context<'_>, node: i32, outcome: Outcome) {
        let Some(connection) = self.nodes.get_mut(&node) else { return };
        self.lost = true;
        connection.failures = connection.failures.saturating_add(1);
        let wait = self.config.reconnect_backoff.backoff(connection.failures, cx.rng);
        connection.state = State::Disconnected { retry_at: cx.after_ms(wait) };
        for request in connection.in_flight.drain(..) {
            if request.api_key == ApiKey::ApiVersions {
                continue;
            }
            self.completed.push(Completed {
                correlation_id: request.correlation_id,
                node,
                api_key: request.api_key,
                version: request.version,
                outcome: outcome.clone(),
            });
        }
    }

    fn close_node(&mut self, cx: &mut Context<'_>, node: i32, reason: DisconnectReason, outcome: Outcome) {
        if let Some(conn) = self.nodes.get(&node).and_then(Connection::conn) {
            cx.out.disconnect(conn, reason);
        }
        self.disconnected(cx, node, outcome);
    }

    /// Closes connections on which something took too long.
    fn expire(&mut self, cx: &mut Context<'_>) {
        let late: Vec<i32> = self
            .nodes
            .iter()
            .filter(|(_, connection)| {
                let connecting =
                    matches!(connection.state, State::Connecting { deadline, .. } if deadline <= cx.now);
                connecting || connection.in_flight.front().is_some_and(|request| request.deadline <= cx.now)
            })
            .map(|(&node, _)| node)
            .collect();
        for node in late {
            self.close_node(cx, node, DisconnectReason::RequestTimedOut, Outcome::TimedOut);
        }
    }

    fn note_ended(&mut self, node: i32) {
        let Some(connection) = self.nodes.get(&node) else { return };
        let refused = matches!(connection.state, State::Connecting { .. });
        self.ended.push(EndedConnection { node, endpoint: connection.endpoint.clone(), refused });
    }

    /// Connections that ended, or did not come about, since the last call, but for those that were closed here.
    pub fn take_ended(&mut self) -> Vec<EndedConnection> {
        std::mem::take(&mut self.ended)
    }

    /// Whether a connection ended, or did not come about, since the last call: what is known of the cluster may be old
    /// then (NetworkClient.processDisconnection).
    pub fn take_lost(&mut self) -> bool {
        std::mem::take(&mut self.lost)
    }

    /// When `handle` is next wanted: the first request or connection to time out, or a backoff to end.
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        self.nodes
            .values()
            .filter_map(|connection| match connection.state {
                State::Disconnected { retry_at } => (retry_at > now).then_some(retry_at),
                State::Connecting { deadline, .. } => Some(deadline),
                _ => connection.in_flight.front().map(|request| request.deadline),
            })
            .min()
    }

    /// Closes every connection. Nothing is completed by this.
    pub fn close(&mut self, cx: &mut Context<'_>) {
        for connection in self.nodes.values() {
            if let Some(conn) = connection.conn() {
                cx.out.disconnect(conn, DisconnectReason::Closed);
            }
        }
        self.nodes.clear();
    }

    /// Forgets a node that is no longer of the cluster, and closes its connection.
    pub fn forget(&mut self, cx: &mut Context<'_>, node: i32) {
        let lost = self.lost;
        self.close_node(cx, node, DisconnectReason::Closed, Outcome::Disconnected);
        self.nodes.remove(&node);
        // It was closed on purpose, which says nothing about the cluster.
        self.lost = lost;
    }
}
