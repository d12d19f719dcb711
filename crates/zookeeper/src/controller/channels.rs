//! A controller's connections to its brokers, itself among them (`ControllerChannelManager`): one each, with one
//! request under way and the others behind it (`RequestSendThread`). A request that was not answered is sent again on a
//! new connection.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use blumfeld_kernel::{ConnectionId, Context, DisconnectReason, Endpoint, Input, Instant};

use crate::control::{ControlRequest, ControlResponse};

/// A try that failed is made again after this (`RequestSendThread.backoff`).
const BACKOFF: Duration = Duration::from_millis(100);
/// `controller.socket.timeout.ms`.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
struct Channel {
    at: Endpoint,
    conn: Option<ConnectionId>,
    connected: bool,
    queue: VecDeque<ControlRequest>,
    /// The first of the queue was sent; its answer is awaited until then.
    deadline: Option<Instant>,
    retry_at: Option<Instant>,
}

/// The channels by broker.
#[derive(Clone, Debug, Default)]
pub(super) struct Channels {
    channels: BTreeMap<i32, Channel>,
    correlation_id: i32,
    /// The client's name in its requests: the controller's broker id.
    name: String,
}

impl Channels {
    pub fn named(id: i32) -> Channels {
        Channels { name: id.to_string(), ..Channels::default() }
    }

    pub fn add(&mut self, cx: &mut Context<'_>, broker: i32, at: Endpoint) {
        let conn = Some(cx.out.connect(at.clone()));
        let channel =
            Channel { at, conn, connected: false, queue: VecDeque::new(), deadline: None, retry_at: None };
        self.channels.insert(broker, channel);
    }

    pub fn remove(&mut self, cx: &mut Context<'_>, broker: i32) {
        if let Some(conn) = self.channels.remove(&broker).and_then(|channel| channel.conn) {
            cx.out.disconnect(conn, DisconnectReason::Closed);
        }
    }

    pub fn clear(&mut self, cx: &mut Context<'_>) {
        let brokers: Vec<i32> = self.channels.keys().copied().collect();
        brokers.into_iter().for_each(|broker| self.remove(cx, broker));
    }

    pub fn send(&mut self, cx: &mut Context<'_>, broker: i32, request: ControlRequest) {
        if let Some(channel) = self.channels.get_mut(&broker) {
            channel.queue.push_back(request);
            self.send_next(cx, broker);
        }
    }

    /// Requests that were not answered, over all brokers.
    pub fn unanswered(&self) -> usize {
        self.channels.values().map(|channel| channel.queue.len()).sum()
    }

    fn send_next(&mut self, cx: &mut Context<'_>, broker: i32) {
        let Some(channel) = self.channels.get_mut(&broker) else { return };
        let Some(conn) = channel.conn.filter(|_| channel.connected && channel.deadline.is_none()) else {
            return;
        };
        let Some(request) = channel.queue.front() else { return };
        self.correlation_id = self.correlation_id.wrapping_add(1);
        cx.out.send(conn, request.encode(self.correlation_id, &self.name));
        channel.deadline = Some(cx.now + SOCKET_TIMEOUT);
    }

    fn of(&self, conn: ConnectionId) -> Option<i32> {
        self.channels.iter().find(|(_, channel)| channel.conn == Some(conn)).map(|(broker, _)| *broker)
    }

    /// Whether a connection is one of these.
    pub fn owns(&self, conn: ConnectionId) -> bool {
        self.of(conn).is_some()
    }

    /// Takes an input of a connection that it [owns](Self::owns). An answer comes with its broker and the request.
    pub fn handle(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnectionId,
        input: Input,
    ) -> Option<(i32, ControlRequest, ControlResponse)> {
        let broker = self.of(conn)?;
        let channel = self.channels.get_mut(&broker)?;
        match input {
            Input::Connected { .. } => {
                channel.connected = true;
                self.send_next(cx, broker);
                None
            }
            Input::Frame { frame, .. } => {
                let asked = channel.queue.front()?.api().0;
                let Ok((_, response)) = ControlResponse::decode(asked, &frame.into_bytes()) else {
                    cx.out.disconnect(
                        conn,
                        DisconnectReason::Malformed("no answer to a control request".into()),
                    );
                    Self::broken(cx, channel);
                    return None;
                };
                channel.deadline = None;
                let request = channel.queue.pop_front()?;
                self.send_next(cx, broker);
                Some((broker, request, response))
            }
            _ => {
                Self::broken(cx, channel);
                None
            }
        }
    }

    fn broken(cx: &Context<'_>, channel: &mut Channel) {
        channel.conn = None;
        channel.connected = false;
        channel.deadline = None;
        channel.retry_at = Some(cx.now + BACKOFF);
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        let times = self.channels.values().flat_map(|channel| [channel.deadline, channel.retry_at]);
        times.flatten().min()
    }

    pub fn timeout(&mut self, cx: &mut Context<'_>) {
        for channel in self.channels.values_mut() {
            if channel.deadline.is_some_and(|at| at <= cx.now) {
                if let Some(conn) = channel.conn {
                    cx.out.disconnect(conn, DisconnectReason::RequestTimedOut);
                }
                Self::broken(cx, channel);
            }
            if channel.retry_at.take_if(|at| *at <= cx.now).is_some() {
                channel.conn = Some(cx.out.connect(channel.at.clone()));
            }
        }
    }
}
