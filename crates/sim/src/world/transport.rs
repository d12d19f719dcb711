//! Connections as TCP would have them: they come about or not, carry messages in order, stall, and break.

use std::collections::VecDeque;

use blumfeld_kernel::{
    ConnectionId, DisconnectReason, Endpoint, FlushId, Frame, Input, Instant, NodeId, Peer,
};
use blumfeld_protocol::frame::{decode_header, response_correlation_id};
use blumfeld_protocol::messages::ApiKey;
use bytes::Bytes;

use crate::event::Event;
use crate::network::{
    Asked, End, Link, Message, RETRANSMISSION, RETRANSMISSIONS, SYN_AGAIN, SYNS, Stalled, Unanswered,
};
use crate::token_view::{api_name, first_error};
use crate::world::World;
use crate::world::triggers::Fate;

impl World {
    // ---- connections come and go

    pub(super) fn connect(&mut self, node: NodeId, conn: ConnectionId, to: Endpoint) {
        self.try_to_connect(node, conn, to, 0);
    }

    /// Another SYN of a connection that has not come about, unless nobody wants it any more.
    pub(super) fn connect_again(
        &mut self,
        node: NodeId,
        run: u64,
        conn: ConnectionId,
        to: Endpoint,
        tries: u32,
    ) {
        if !self.network.connecting.remove(&conn) || self.run_of(node) != run {
            return;
        }
        if tries >= SYNS {
            let input = Input::Disconnected { conn, reason: DisconnectReason::Unreachable };
            return self.input(node, run, input);
        }
        self.try_to_connect(node, conn, to, tries);
    }

    fn try_to_connect(&mut self, node: NodeId, conn: ConnectionId, to: Endpoint, tries: u32) {
        let transit = self.network.transit(0);
        let run = self.run_of(node);
        let listener = self.listeners.get(&to).copied();
        if let Some(server) = listener
            && (self.network.loses(node, server) || self.network.loses(server, node))
        {
            self.network.connecting.insert(conn);
            let at = self.now + SYN_AGAIN * (1 << tries);
            return self.schedule(at, Event::Connect { node, run, conn, to, tries: tries + 1 });
        }
        let mut delay = |from, to| self.network.delay(conn, from, to);
        let (there, back) = match listener {
            Some(server) => (transit + delay(node, server), transit + delay(server, node)),
            None => (transit, transit),
        };
        let (there, back) = (self.now + there, self.now + there + back);
        let Some(server) = listener.filter(|listener| self.broker(*listener).is_some()) else {
            let input = Input::Disconnected { conn, reason: DisconnectReason::Refused };
            return self.schedule(back, Event::Deliver { to: node, run, input });
        };
        // Both are told before anything else can arrive from the other.
        let ends = [End::new(node, run, there), End::new(server, self.run_of(server), back)];
        let link =
            Link { ends, listener: to.clone(), unanswered: VecDeque::new(), losing: None, slowing: None };
        self.network.insert(conn, link);
        let input = Input::Connected { conn, peer: Peer::Node { node, listener: to.clone() } };
        self.schedule_message(there, conn, 0, input);
        let input = Input::Connected { conn, peer: Peer::Listener(to) };
        self.schedule_message(back, conn, 1, input);
    }

    pub(super) fn drop_connections_of(&mut self, node: NodeId, reason: &DisconnectReason) {
        for conn in self.network.of(node) {
            self.close(conn, node, reason.clone());
        }
    }

    /// One end closes a connection; the other is told after the way of a message.
    pub(super) fn close(&mut self, conn: ConnectionId, by: NodeId, reason: DisconnectReason) {
        if self.network.connecting.remove(&conn) {
            return;
        }
        let from = self.network.link(conn).map_or(0, |link| usize::from(link.ends[0].node != by));
        let sent = self.network.send(self.now, conn, from, 0);
        if let Some(link) = self.network.link(conn) {
            for end in &mut link.ends {
                if end.node == by {
                    end.closed = true;
                    end.held.clear();
                }
            }
            self.network.note_holding(by, conn, false);
        }
        match sent {
            Some(at) => {
                self.note_half_closed(conn, from, &reason);
                self.schedule_message(at, conn, from, Input::Disconnected { conn, reason });
            }
            None => self.forget(conn, &reason),
        }
    }

    /// A message that answers nothing is to arrive.
    fn schedule_message(&mut self, at: Instant, conn: ConnectionId, from: usize, input: Input) {
        let message = Message { input, sent: self.now, answers: None };
        self.schedule(at, Event::Arrive { conn, from, message });
    }

    /// A connection breaks: both ends are told now, and what was under way is lost.
    pub(super) fn reset(&mut self, conn: ConnectionId, reason: &DisconnectReason) {
        let Some(link) = self.network.remove(conn) else { return };
        if let Some(wire) = &mut self.wire {
            wire.gone(self.now, conn, link.ends[1].node, reason);
        }
        self.trace.note(&[self.now.as_micros(), conn.0], b"reset");
        for end in link.ends.into_iter().filter(|end| !end.closed) {
            let input = Input::Disconnected { conn, reason: reason.clone() };
            self.schedule(self.now, Event::Deliver { to: end.node, run: end.run, input });
        }
    }

    /// A connection is no more.
    fn forget(&mut self, conn: ConnectionId, reason: &DisconnectReason) {
        if let Some(link) = self.network.remove(conn)
            && let Some(wire) = &mut self.wire
        {
            wire.gone(self.now, conn, link.ends[1].node, reason);
        }
    }

    // ---- frames leave

    pub(super) fn send(&mut self, node: NodeId, conn: ConnectionId, frame: Frame, after: Option<FlushId>) {
        let Some(link) = self.network.link(conn) else { return };
        let from = usize::from(link.ends[0].node != node);
        let end = &mut link.ends[from];
        if end.closed {
            return;
        }
        if let Some(wire) = self.wire.as_mut().filter(|_| from == 1) {
            wire.ready(self.now, conn, &frame);
        }
        if after.is_none() && end.held.is_empty() {
            return self.transmit(conn, from, frame);
        }
        end.held.push_back((after, frame));
        self.network.note_holding(node, conn, true);
        self.pump(node, conn);
    }

    /// Sends the frames of one end that wait for nothing more.
    pub(super) fn pump(&mut self, node: NodeId, conn: ConnectionId) {
        loop {
            let Some(link) = self.network.link(conn) else { return };
            let from = usize::from(link.ends[0].node != node);
            let end = &mut link.ends[from];
            let ready = match end.held.front() {
                None => return self.network.note_holding(node, conn, false),
                Some((None, _)) => true,
                Some((Some(id), _)) => {
                    self.machines.get(&node).is_none_or(|machine| !machine.disk.is_pending(*id))
                }
            };
            if !ready {
                return;
            }
            let Some((_, frame)) = end.held.pop_front() else { return };
            self.transmit(conn, from, frame);
        }
    }

    fn transmit(&mut self, conn: ConnectionId, from: usize, frame: Frame) {
        if from == 0 {
            return self.travel(conn, from, frame, None);
        }
        let Some(link) = self.network.link(conn) else { return };
        let id = response_correlation_id(frame.head());
        if id.is_some() && link.losing == id {
            return self.reset(conn, &DisconnectReason::Reset);
        }
        let answered = id.and_then(|id| link.unanswered.iter().find(|asked| asked.correlation_id == id));
        let copy = answered.is_some_and(|asked| asked.copy);
        if let Some((_, by)) = link.slowing.take_if(|(slow, _)| !copy && Some(*slow) == id) {
            let end = &mut link.ends[from];
            end.busy_until = end.busy_until.max(self.now + by);
        }
        let asked = id.and_then(|id| self.answered(conn, id));
        if copy {
            return;
        }
        self.travel(conn, from, frame, asked);
    }

    fn travel(&mut self, conn: ConnectionId, from: usize, frame: Frame, answers: Option<Asked>) {
        if self.trace.looks()
            && let Some(asked) = answers
            && let Some(code) = first_error(asked, &frame)
        {
            self.trace.saw_error(code, &api_name(asked.api_key));
        }
        self.note_leaves(conn, from, &frame);
        if let Some(asks) = self.network.look(conn).map(|link| link.ends[0].node) {
            self.count_traffic(asks, &frame, answers, from == 0);
        }
        if let Some(at) = self.network.send(self.now, conn, from, frame.len()) {
            let message = Message { input: Input::Frame { conn, frame }, sent: self.now, answers };
            self.schedule(at, Event::Arrive { conn, from, message });
        }
    }

    /// A listener sends the response to a request, which it has if the world has not answered in its place.
    fn answered(&mut self, conn: ConnectionId, id: i32) -> Option<Asked> {
        let link = self.network.link(conn)?;
        let at = link.unanswered.iter().position(|asked| asked.correlation_id == id);
        if let (Some(wire), Some(at)) = (&mut self.wire, at.filter(|at| *at > 0)) {
            let before: Vec<i32> = link.unanswered.range(..at).map(|asked| asked.correlation_id).collect();
            wire.passed_over(self.now, conn, &before);
        }
        let asked = at.and_then(|at| link.unanswered.drain(..=at).next_back());
        // A request may wait to be answered in its turn.
        let asks = &mut link.ends[0];
        if link.unanswered.is_empty() && !asks.stalled.is_empty() && asks.retry_at.is_none() {
            asks.retry_at = Some(self.now);
            self.schedule(self.now, Event::Retry { conn, from: 0 });
        }
        asked.and_then(|asked| Asked::of(asked.frame.head()))
    }

    /// The world answers a request in a broker's place, which never gets it.
    pub(super) fn answer(&mut self, conn: ConnectionId, frame: Bytes, asked: Option<Asked>) {
        if let Some(id) = response_correlation_id(&frame) {
            self.answered(conn, id);
        }
        self.travel(conn, 1, frame.into(), asked);
    }

    // ---- messages arrive

    pub(super) fn arrive(&mut self, conn: ConnectionId, from: usize, message: Message) {
        let Some(link) = self.network.link(conn) else { return };
        if link.ends[1 - from].closed {
            return;
        }
        let (sender, receiver) = (link.ends[from].node, link.ends[1 - from].node);
        let stalled = !link.ends[from].stalled.is_empty();
        let (powerless, gap) = (link.ends[from].powerless, link.ends[from].gap);
        if stalled || self.network.loses(sender, receiver) {
            if powerless && message.is_frame() {
                self.note_lost(conn, from, &message);
                return self.lose(conn, from);
            }
            return self.stall(conn, from, message, stalled);
        }
        if gap && message.is_frame() {
            return self.note_lost(conn, from, &message);
        }
        if from == 0 && !self.rules.is_empty() {
            self.judge(conn, Stalled { message, through: true, judged: false });
        } else {
            self.land(conn, from, message);
        }
    }

    pub(super) fn lose(&mut self, conn: ConnectionId, from: usize) {
        if let Some(link) = self.network.link(conn) {
            link.ends[from].gap = true;
        }
    }

    /// A machine has lost its power: what it had sent and what was lost on the way is not sent again. Who waits for it
    /// is told of the end, when the way is free.
    pub(super) fn forget_sent(&mut self, node: NodeId, connections: Vec<ConnectionId>) {
        for conn in connections {
            let Some(link) = self.network.link(conn) else { continue };
            let mut lost = Vec::new();
            for (from, end) in link.ends.iter_mut().enumerate().filter(|(_, end)| end.node == node) {
                end.powerless = true;
                let (stays, goes): (VecDeque<Stalled>, VecDeque<Stalled>) =
                    end.stalled.drain(..).partition(|one| one.through || !one.message.is_frame());
                end.stalled = stays;
                end.gap |= !goes.is_empty();
                lost.extend(goes.into_iter().map(|one| (from, one.message)));
            }
            lost.iter().for_each(|(from, message)| self.note_lost(conn, *from, message));
        }
    }

    /// A message is lost, and what comes behind it waits until it was sent again.
    fn stall(&mut self, conn: ConnectionId, from: usize, message: Message, behind: bool) {
        let Some(link) = self.network.link(conn) else { return };
        let end = &mut link.ends[from];
        end.stalled.push_back(Stalled { message, through: false, judged: false });
        if !behind {
            end.tries = 1;
            self.retry_after(conn, from, RETRANSMISSION);
        }
    }

    fn retry_after(&mut self, conn: ConnectionId, from: usize, wait: std::time::Duration) {
        let at = self.now + wait;
        if let Some(link) = self.network.link(conn) {
            link.ends[from].retry_at = Some(at);
            self.schedule(at, Event::Retry { conn, from });
        }
    }

    /// What is stalled is sent again, or has waited long enough.
    pub(super) fn retry(&mut self, conn: ConnectionId, from: usize) {
        let now = self.now;
        let Some(link) = self.network.link(conn) else { return };
        let (sender, receiver) = (link.ends[from].node, link.ends[1 - from].node);
        let gone = link.ends[1 - from].closed;
        let end = &mut link.ends[from];
        // An event of an earlier plan finds nothing to do.
        if end.retry_at != Some(now) {
            return;
        }
        end.retry_at = None;
        if gone {
            let lost = std::mem::take(&mut end.stalled);
            return lost.iter().for_each(|one| self.note_lost(conn, from, &one.message));
        }
        let through = end.stalled.front().is_none_or(|first| first.through);
        if !through && self.network.loses(sender, receiver) {
            let Some(link) = self.network.link(conn) else { return };
            let end = &mut link.ends[from];
            end.tries += 1;
            if end.tries > RETRANSMISSIONS {
                return self.reset(conn, &DisconnectReason::Unreachable);
            }
            let wait = RETRANSMISSION * (1 << (end.tries - 1));
            return self.retry_after(conn, from, wait);
        }
        if let Some(link) = self.network.link(conn) {
            let end = &mut link.ends[from];
            end.tries = 0;
            end.stalled.iter_mut().for_each(|one| one.through = true);
        }
        // A message may close the connection, or stall again those behind it.
        while let Some(link) = self.network.link(conn) {
            let end = &mut link.ends[from];
            if end.retry_at.is_some() {
                return;
            }
            let Some(first) = end.stalled.pop_front() else { return };
            if from == 1 || first.judged || self.rules.is_empty() {
                self.land(conn, from, first.message);
            } else if !self.judge(conn, first) {
                return;
            }
        }
    }

    /// Lets the faults of requests have a message that has come to a listener. False if it waits before the others.
    fn judge(&mut self, conn: ConnectionId, mut come: Stalled) -> bool {
        let fate = match &come.message.input {
            Input::Frame { frame, .. } => self.fate(conn, frame.head()),
            _ => Fate::Arrives,
        };
        match fate {
            Fate::Arrives => self.land(conn, 0, come.message),
            Fate::Doubled => {
                let copy = come.message.clone();
                self.land(conn, 0, come.message);
                self.land_copy(conn, copy);
            }
            Fate::Answered => {
                // Its answer is on its way already.
            }
            Fate::Breaks => self.reset(conn, &DisconnectReason::Reset),
            Fate::Lost => {
                self.lose(conn, 0);
                let mut lost = vec![come.message];
                if let Some(link) = self.network.link(conn) {
                    let (goes, stays): (VecDeque<Stalled>, VecDeque<Stalled>) =
                        link.ends[0].stalled.drain(..).partition(|behind| behind.message.is_frame());
                    link.ends[0].stalled = stays;
                    lost.extend(goes.into_iter().map(|one| one.message));
                }
                lost.iter().for_each(|message| self.note_lost(conn, 0, message));
            }
            Fate::Waits(ms) => {
                come.judged = ms.is_some();
                if let Some(link) = self.network.link(conn) {
                    link.ends[0].stalled.push_front(come);
                }
                if let Some(wait) = ms {
                    self.retry_after(conn, 0, wait);
                }
                return false;
            }
        }
        true
    }

    /// A message has come to the other end of its connection.
    fn land(&mut self, conn: ConnectionId, from: usize, message: Message) {
        let now = self.now;
        let Some(link) = self.network.link(conn) else { return };
        let (to, run) = (link.ends[1 - from].node, link.ends[1 - from].run);
        if let Some(causes) = &mut self.causes {
            causes.landed((conn, link.ends[from].node, to), from == 1, &message);
        }
        match &message.input {
            Input::Disconnected { reason, .. } => self.forget(conn, reason),
            Input::Frame { frame, .. } => {
                let wants = if from == 0 { expects_response(frame.head()) } else { None };
                if let Some(correlation_id) = wants {
                    let (sent, landed, frame) = (message.sent, now, frame.clone());
                    let asked = Unanswered { correlation_id, sent, landed, frame, copy: false };
                    link.unanswered.push_back(asked);
                }
                match &mut self.wire {
                    Some(wire) if from == 0 => wire.landed(now, conn, frame, wants.is_some()),
                    Some(wire) => wire.received(now, conn, frame),
                    None => {}
                }
                self.note_frame(conn, frame);
            }
            _ => {}
        }
        self.input(to, run, message.input);
    }

    /// A request has come a second time. What is known of requests that were sent knows of one: of this one no more is
    /// noted than that its response is owed to nobody.
    fn land_copy(&mut self, conn: ConnectionId, message: Message) {
        let Some(link) = self.network.link(conn) else { return };
        let (to, run) = (link.ends[1].node, link.ends[1].run);
        if let Some(causes) = &mut self.causes {
            causes.landed((conn, link.ends[0].node, to), false, &message);
        }
        let Input::Frame { frame, .. } = &message.input else { return };
        if let Some(correlation_id) = expects_response(frame.head()) {
            let (sent, landed, frame) = (message.sent, self.now, frame.clone());
            link.unanswered.push_back(Unanswered { correlation_id, sent, landed, frame, copy: true });
        }
        if let Some(wire) = &mut self.wire {
            wire.landed_again(conn, to);
        }
        self.note_frame(conn, frame);
        self.input(to, run, message.input);
    }

    fn note_frame(&mut self, conn: ConnectionId, frame: &Frame) {
        self.trace.note(&[self.now.as_micros(), conn.0, frame.len() as u64], &[]);
        frame.pieces().for_each(|piece| self.trace.note(&[], piece));
    }

    /// What was lost is sent again soon where nothing is in its way any more: a test that heals a network
    /// waits for that and not for the backoff of what was sent before.
    pub(super) fn hasten(&mut self) {
        let stalled: Vec<(ConnectionId, usize)> = (self.network.links())
            .flat_map(|(conn, link)| {
                let lost =
                    move |from: &usize| link.ends[*from].tries > 0 && !link.ends[*from].stalled.is_empty();
                (0..2).filter(lost).map(move |from| (conn, from))
            })
            .collect();
        for (conn, from) in stalled {
            let Some(link) = self.network.link(conn) else { continue };
            let (sender, receiver) = (link.ends[from].node, link.ends[1 - from].node);
            if self.network.condition(sender, receiver).cut {
                continue;
            }
            let Some(link) = self.network.link(conn) else { continue };
            let end = &mut link.ends[from];
            if end.retry_at.is_some_and(|at| at > self.now + RETRANSMISSION) {
                end.tries = 1;
                self.retry_after(conn, from, RETRANSMISSION);
            }
        }
    }
}

/// The correlation id of a request that gets a response: every one but a Produce with acks=0.
pub(super) fn expects_response(frame: &Bytes) -> Option<i32> {
    let id = i32::from_be_bytes(*frame.get(4..8)?.first_chunk::<4>()?);
    if frame[..2] != (ApiKey::Produce as i16).to_be_bytes() {
        return Some(id);
    }
    let (header, body) = decode_header(frame).ok()?;
    // The transactional id stands before the acks.
    let at = if header.version >= 9 {
        // A compact string: its length plus one as a varint, which is one byte up to 126.
        match usize::from(*body.first()?) {
            len @ 0..128 => 1 + len.saturating_sub(1),
            low => {
                let high = usize::from(*body.get(1)?);
                2 + ((low & 0x7f) | (high << 7)).saturating_sub(1)
            }
        }
    } else {
        let len = i16::from_be_bytes(*body.first_chunk::<2>()?);
        2 + usize::try_from(len).unwrap_or(0)
    };
    let acks = body.get(at..)?.first_chunk::<2>()?;
    (*acks != [0, 0]).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use blumfeld_protocol::frame::encode_request;
    use blumfeld_protocol::messages::{MetadataRequest, ProduceRequest};

    #[test]
    fn only_a_produce_without_acks_expects_no_response() {
        for version in 3..=13 {
            for transaction in [None, Some(""), Some("t"), Some(&*"long".repeat(60))] {
                for acks in [-1, 0, 1] {
                    let request = ProduceRequest::default()
                        .with_acks(acks)
                        .with_transactional_id(transaction.map(messages_id));
                    let frame =
                        encode_request(ApiKey::Produce, version, 9, Some("me".to_owned().into()), &request);
                    let want = (acks != 0).then_some(9);
                    assert_eq!(expects_response(&frame.unwrap()), want, "v{version} {transaction:?} {acks}");
                }
            }
        }
        let frame = encode_request(ApiKey::Metadata, 1, -4, None, &MetadataRequest::default()).unwrap();
        assert_eq!(expects_response(&frame), Some(-4));
        for cut in 0..frame.len() {
            let _ = expects_response(&frame.slice(..cut));
        }
        assert_eq!(expects_response(&Bytes::from_static(&[0; 8])), None);
    }

    fn messages_id(id: &str) -> blumfeld_protocol::messages::TransactionalId {
        blumfeld_protocol::messages::TransactionalId(id.to_owned().into())
    }
}
