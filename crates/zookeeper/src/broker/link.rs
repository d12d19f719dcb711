//! A broker's connection to the controller, for what it asks by itself: that it may end, and for other ISRs
//! (`BrokerToControllerChannelManager`). One request is under way; one that was not answered is sent again, to whoever
//! is the controller then.

use std::collections::VecDeque;
use std::time::Duration;

use blumfeld_kernel::{ConnectionId, Context, DisconnectReason, Endpoint, Input, Instant};

use crate::control::{ControlRequest, ControlResponse};

const BACKOFF: Duration = Duration::from_millis(100);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    /// Whom it leads to.
    to: Option<(i32, Endpoint)>,
    conn: Option<ConnectionId>,
    connected: bool,
    queue: VecDeque<ControlRequest>,
    deadline: Option<Instant>,
    retry_at: Option<Instant>,
    correlation_id: i32,
}

impl Link {
    pub fn send(&mut self, request: ControlRequest) {
        self.queue.push_back(request);
    }

    pub fn is_free(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether the controller has a request and has not answered it.
    pub fn is_waiting(&self) -> bool {
        self.deadline.is_some()
    }

    pub fn owns(&self, conn: ConnectionId) -> bool {
        self.conn == Some(conn)
    }

    /// Connects to the controller if there is something to ask, and asks.
    pub fn pump(&mut self, cx: &mut Context<'_>, controller: Option<(i32, Endpoint)>, name: &str) {
        if self.queue.is_empty() || self.retry_at.is_some() {
            return;
        }
        if self.to != controller {
            if let Some(conn) = self.conn.take() {
                cx.out.disconnect(conn, DisconnectReason::Closed);
            }
            (self.connected, self.deadline, self.to) = (false, None, controller);
        }
        let Some((_, at)) = &self.to else { return };
        let conn = *self.conn.get_or_insert_with(|| cx.out.connect(at.clone()));
        if self.connected
            && self.deadline.is_none()
            && let Some(request) = self.queue.front()
        {
            self.correlation_id = self.correlation_id.wrapping_add(1);
            cx.out.send(conn, request.encode(self.correlation_id, name));
            self.deadline = Some(cx.now + REQUEST_TIMEOUT);
        }
    }

    pub fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Option<ControlResponse> {
        match input {
            Input::Connected { .. } => self.connected = true,
            Input::Frame { conn, frame } => {
                let asked = self.queue.front()?.api().0;
                match ControlResponse::decode(asked, &frame.into_bytes()) {
                    Ok((_, response)) => {
                        self.deadline = None;
                        self.queue.pop_front();
                        return Some(response);
                    }
                    Err(error) => {
                        cx.out.disconnect(conn, DisconnectReason::Malformed(error.to_string().into()));
                        self.broken(cx.now);
                    }
                }
            }
            _ => self.broken(cx.now),
        }
        None
    }

    fn broken(&mut self, now: Instant) {
        (self.conn, self.connected, self.deadline) = (None, false, None);
        self.retry_at = Some(now + BACKOFF);
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        [self.deadline, self.retry_at].into_iter().flatten().min()
    }

    pub fn timeout(&mut self, cx: &mut Context<'_>) {
        if self.deadline.is_some_and(|at| at <= cx.now) {
            if let Some(conn) = self.conn {
                cx.out.disconnect(conn, DisconnectReason::RequestTimedOut);
            }
            self.broken(cx.now);
        }
        self.retry_at.take_if(|at| *at <= cx.now);
    }
}
