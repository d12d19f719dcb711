//! What the transport does is noted on the wire, where that is kept.

use blumfeld_kernel::{ConnectionId, DisconnectReason, Frame, Input};
use blumfeld_protocol::frame::response_correlation_id;

use crate::network::Message;
use crate::wire::{Ending, Loss, Way, request_id};
use crate::world::World;

impl World {
    /// A frame leaves one end of a connection.
    pub(super) fn note_leaves(&mut self, conn: ConnectionId, from: usize, frame: &Frame) {
        if self.wire.is_none() {
            return;
        }
        let Some(link) = self.network.look(conn) else { return };
        let [client, broker] = [link.ends[0].node, link.ends[1].node];
        let quorum = self.is_quorum_door(broker, &link.listener);
        let nobody = link.ends[1 - from].closed;
        let (now, closed) = (self.now, Loss::Disconnected(DisconnectReason::Closed));
        let Some(wire) = &mut self.wire else { return };
        if from == 1 {
            wire.answered(now, conn, frame);
            if nobody {
                wire.frame_lost(now, conn, true, frame, closed);
            }
            return;
        }
        let number = wire.sent(now, Way { connection: conn, client, broker, quorum }, frame);
        if let Some(number) = number.filter(|_| nobody) {
            wire.end(now, conn, number, Ending::Lost(closed));
        }
    }

    /// A message does not arrive.
    pub(super) fn note_lost(&mut self, conn: ConnectionId, from: usize, message: &Message) {
        let (Some(wire), Input::Frame { frame, .. }) = (&mut self.wire, &message.input) else { return };
        let Some(end) = self.network.look(conn).map(|link| &link.ends) else { return };
        let loss = if end[1 - from].closed {
            Loss::Disconnected(DisconnectReason::Closed)
        } else if end[from].powerless {
            Loss::PowerCut
        } else {
            Loss::Dropped
        };
        wire.frame_lost(self.now, conn, from == 1, frame, loss);
    }

    /// One end of a connection has closed it: nothing arrives there any more.
    pub(super) fn note_half_closed(&mut self, conn: ConnectionId, by: usize, reason: &DisconnectReason) {
        let (Some(wire), Some(link)) = (&mut self.wire, self.network.look(conn)) else { return };
        let answers = by == 0;
        let stalled = link.ends[1 - by].stalled.iter().filter_map(|one| match &one.message.input {
            Input::Frame { frame, .. } if answers => response_correlation_id(frame.head()),
            Input::Frame { frame, .. } => request_id(frame),
            _ => None,
        });
        wire.half_closed(self.now, conn, answers, &stalled.collect(), reason);
    }
}
