//! What the answers of other nodes change.

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::decode_response;
use blumfeld_protocol::messages::{
    BeginQuorumEpochResponse, EndQuorumEpochResponse, FetchResponse, FetchSnapshotResponse, VoteResponse,
};
use blumfeld_protocol::{ApiKey, ErrorCode};
use bytes::Bytes;

use super::RaftClient;
use super::log::SnapshotId;
use super::state::{Download, EpochState};
use crate::channel::{Channels, InFlight, Purpose};

/// What an answer says about the epoch.
#[derive(Clone, Copy)]
struct Said {
    error: ErrorCode,
    epoch: i32,
    leader: i32,
}

impl RaftClient {
    /// An answer of a node to a request of the quorum.
    pub fn on_response(
        &mut self,
        cx: &mut Context<'_>,
        channels: &mut Channels,
        from: i32,
        request: &InFlight,
        frame: Bytes,
    ) {
        // An answer that cannot be read is none: the request is sent again.
        let read = match request.api_key {
            ApiKey::Vote => decode_response(request.api_key, request.version, frame)
                .map(|response| self.on_vote(cx, from, &response)),
            ApiKey::BeginQuorumEpoch => decode_response(request.api_key, request.version, frame)
                .map(|response| self.on_begin_epoch(cx, from, &response)),
            ApiKey::EndQuorumEpoch => decode_response(request.api_key, request.version, frame)
                .map(|response: EndQuorumEpochResponse| self.on_end_epoch(cx, from, &response)),
            ApiKey::Fetch => decode_response(request.api_key, request.version, frame)
                .map(|response| self.on_fetch(cx, from, &response)),
            ApiKey::FetchSnapshot => decode_response(request.api_key, request.version, frame)
                .map(|response| self.on_fetch_snapshot(cx, from, &response)),
            _ => Ok(true),
        };
        // What was refused is not asked again at once.
        if !read.unwrap_or(false) {
            channels.pause(Purpose::Raft(from), cx.after_ms(self.config.retry_backoff_ms));
        }
    }

    /// Takes what an answer says of the epoch. Gives whether the answer still is of this epoch.
    fn heard(&mut self, cx: &mut Context<'_>, said: Said) -> bool {
        let leader = (said.leader >= 0).then_some(said.leader);
        if said.epoch >= self.epoch {
            self.learn(cx, said.epoch, leader);
        }
        said.epoch == self.epoch
    }

    fn on_vote(&mut self, cx: &mut Context<'_>, from: i32, response: &VoteResponse) -> bool {
        let Some(data) = response.topics.first().and_then(|topic| topic.partitions.first()) else {
            return false;
        };
        let said =
            Said { error: ErrorCode(data.error_code), epoch: data.leader_epoch, leader: data.leader_id.0 };
        if !self.heard(cx, said) || !said.error.is_none() {
            return said.error.is_none();
        }
        let won = match &mut self.state {
            EpochState::Prospective { votes, .. } => {
                votes.record(from, data.vote_granted);
                false
            }
            EpochState::Candidate { votes, .. } => {
                votes.record(from, data.vote_granted);
                votes.is_granted()
            }
            _ => false,
        };
        if won {
            self.become_leader(cx);
        }
        true
    }

    fn on_begin_epoch(
        &mut self,
        cx: &mut Context<'_>,
        from: i32,
        response: &BeginQuorumEpochResponse,
    ) -> bool {
        let Some(data) = response.topics.first().and_then(|topic| topic.partitions.first()) else {
            return false;
        };
        let said =
            Said { error: ErrorCode(data.error_code), epoch: data.leader_epoch, leader: data.leader_id.0 };
        if self.heard(cx, said)
            && said.error.is_none()
            && let EpochState::Leader(leader) = &mut self.state
            && let Some(voter) = leader.voters.get_mut(&from)
        {
            voter.acknowledged = true;
        }
        said.error.is_none()
    }

    fn on_end_epoch(&mut self, cx: &mut Context<'_>, from: i32, response: &EndQuorumEpochResponse) -> bool {
        if let EpochState::Resigned { untold, .. } = &mut self.state {
            untold.remove(&from);
        }
        let Some(data) = response.topics.first().and_then(|topic| topic.partitions.first()) else {
            return false;
        };
        let said =
            Said { error: ErrorCode(data.error_code), epoch: data.leader_epoch, leader: data.leader_id.0 };
        self.heard(cx, said);
        said.error.is_none()
    }

    fn on_fetch(&mut self, cx: &mut Context<'_>, from: i32, response: &FetchResponse) -> bool {
        if response.error_code != 0 {
            return false;
        }
        let Some(data) = response.responses.first().and_then(|topic| topic.partitions.first()) else {
            return false;
        };
        let said = Said {
            error: ErrorCode(data.error_code),
            epoch: data.current_leader.leader_epoch,
            leader: data.current_leader.leader_id.0,
        };
        if !self.heard(cx, said) || !said.error.is_none() {
            return false;
        }
        let fetch_by = cx.after_ms(self.config.fetch_timeout_ms);
        let EpochState::Follower { leader, fetch_by: timer, has_fetched, download, .. } = &mut self.state
        else {
            return true;
        };
        if *leader != from {
            return true;
        }
        *timer = fetch_by;
        *has_fetched = true;
        if data.snapshot_id.end_offset >= 0 {
            let id = SnapshotId { end_offset: data.snapshot_id.end_offset, epoch: data.snapshot_id.epoch };
            *download = Some(Download { id, bytes: Vec::new() });
            return true;
        }
        if data.diverging_epoch.epoch >= 0 {
            let (epoch, end) = (data.diverging_epoch.epoch, data.diverging_epoch.end_offset);
            // What is committed is the same everywhere; a leader that says otherwise is not believed.
            if self.high_watermark.is_none_or(|at| end >= at) {
                self.log.truncate_to_end_of(cx, epoch, end);
            }
            return true;
        }
        if let Some(records) = data.records.as_ref().filter(|records| !records.is_empty()) {
            self.log.append_as_follower(cx, records);
        }
        let upto = data.high_watermark.min(self.log.end());
        if upto >= 0 && self.high_watermark.is_none_or(|have| upto > have) {
            self.high_watermark = Some(upto);
        }
        true
    }

    fn on_fetch_snapshot(
        &mut self,
        cx: &mut Context<'_>,
        from: i32,
        response: &FetchSnapshotResponse,
    ) -> bool {
        let Some(data) = response.topics.first().and_then(|topic| topic.partitions.first()) else {
            return false;
        };
        let error = ErrorCode(data.error_code);
        let said =
            Said { error, epoch: data.current_leader.leader_epoch, leader: data.current_leader.leader_id.0 };
        // A version of the answer without the leader says nothing about the epoch.
        let same = said.epoch < 0 || self.heard(cx, said);
        let fetch_by = cx.after_ms(self.config.fetch_timeout_ms);
        let EpochState::Follower { leader, fetch_by: timer, download, .. } = &mut self.state else {
            return true;
        };
        if !same || *leader != from {
            return true;
        }
        let id = SnapshotId { end_offset: data.snapshot_id.end_offset, epoch: data.snapshot_id.epoch };
        if !error.is_none() || download.as_ref().is_none_or(|download| download.id != id) {
            // The snapshot is gone, or the epoch was wrong: the next fetch says what to do.
            *download = None;
            return false;
        }
        *timer = fetch_by;
        let Some(have) = download else { return true };
        if i64::try_from(have.bytes.len()) == Ok(data.position) {
            have.bytes.extend_from_slice(&data.unaligned_records);
        }
        if i64::try_from(have.bytes.len()).is_ok_and(|len| len >= data.size) {
            let bytes: Bytes = std::mem::take(&mut have.bytes).into();
            *download = None;
            self.log.install_snapshot(cx, id, bytes);
            self.high_watermark = Some(self.high_watermark.unwrap_or(0).max(id.end_offset));
        }
        true
    }
}
