//! Requests of other nodes of the quorum, and of clients that ask how it stands.

use blumfeld_kernel::{ConnectionId, Context, TraceEvent};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::{FrameError, Header, encode_response};
use blumfeld_protocol::messages::fetch_response::{
    EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, PartitionData, SnapshotId as WireSnapshotId,
};
use blumfeld_protocol::messages::{
    BeginQuorumEpochRequest, BeginQuorumEpochResponse, DescribeQuorumRequest, DescribeQuorumResponse,
    EndQuorumEpochRequest, EndQuorumEpochResponse, FetchRequest, FetchResponse, FetchSnapshotRequest,
    FetchSnapshotResponse, VoteRequest, VoteResponse, begin_quorum_epoch_response, describe_quorum_response,
    end_quorum_epoch_response, fetch_request, fetch_snapshot_response, vote_response,
};
use blumfeld_protocol::wire::StrBytes;
use bytes::Bytes;

use super::log::{SnapshotId, ValidOffset};
use super::messages::{METADATA_TOPIC_ID, topic_name};
use super::state::{EpochState, ReplicaState};
use super::{ParkedFetch, RaftClient};
use crate::config::CONTROLLER_LISTENER;

impl RaftClient {
    fn cluster_matches(&self, cluster_id: Option<&StrBytes>) -> bool {
        cluster_id.is_none_or(|id| *id == self.cluster_id_text())
    }

    fn leader_or_none(&self) -> i32 {
        self.leader().unwrap_or(-1)
    }

    /// Vote (52): grants a vote or a pre-vote, or not (KafkaRaftClient.handleVoteRequest).
    pub fn handle_vote(&mut self, cx: &mut Context<'_>, request: &VoteRequest) -> VoteResponse {
        let fail = |code: ErrorCode| VoteResponse::default().with_error_code(code.0);
        if !self.cluster_matches(request.cluster_id.as_ref()) {
            return fail(ErrorCode::INCONSISTENT_CLUSTER_ID);
        }
        let Some(data) = request.topics.first().and_then(|topic| topic.partitions.first()) else {
            return fail(ErrorCode::INVALID_REQUEST);
        };
        let (candidate, epoch) = (data.replica_id.0, data.replica_epoch);
        let error = if epoch < self.epoch {
            ErrorCode::FENCED_LEADER_EPOCH
        } else if data.last_offset < 0
            || data.last_offset_epoch < 0
            || (!data.pre_vote && data.last_offset_epoch >= epoch)
            || data.last_offset_epoch > epoch
        {
            ErrorCode::INVALID_REQUEST
        } else if request.voter_id.0 >= 0 && request.voter_id.0 != self.node_id {
            ErrorCode::INVALID_VOTER_KEY
        } else {
            ErrorCode::NONE
        };
        let mut granted = false;
        if error.is_none() && self.voters.contains_key(&candidate) {
            if epoch > self.epoch {
                self.become_unattached(cx, epoch, None);
            }
            let ours = (self.log.last_epoch(), self.log.end());
            let up_to_date = (data.last_offset_epoch, data.last_offset) >= ours;
            granted = self.can_grant(candidate, data.pre_vote, up_to_date);
            if granted && !data.pre_vote {
                self.vote_for(cx, candidate);
            }
        }
        let partition = vote_response::PartitionData::default()
            .with_error_code(error.0)
            .with_leader_id(self.leader_or_none().into())
            .with_leader_epoch(self.epoch)
            .with_vote_granted(granted);
        let topic = vote_response::TopicData::default()
            .with_topic_name(topic_name())
            .with_partitions(vec![partition]);
        VoteResponse::default().with_topics(vec![topic])
    }

    fn can_grant(&self, candidate: i32, pre_vote: bool, up_to_date: bool) -> bool {
        match &self.state {
            EpochState::Unattached { leader, voted, .. } | EpochState::Prospective { leader, voted, .. } => {
                match (pre_vote, voted, leader) {
                    (true, ..) => up_to_date,
                    (false, Some(voted), _) => *voted == candidate,
                    (false, None, Some(_)) => false,
                    (false, None, None) => up_to_date,
                }
            }
            EpochState::Candidate { .. } | EpochState::Resigned { .. } => pre_vote && up_to_date,
            // A follower whose leader answers has no need of another one.
            EpochState::Follower { has_fetched, voted, .. } => {
                if pre_vote {
                    up_to_date && !has_fetched
                } else {
                    *voted == Some(candidate)
                }
            }
            EpochState::Leader(_) => false,
        }
    }

    fn vote_for(&mut self, cx: &mut Context<'_>, candidate: i32) {
        let election_at = self.election_timeout(cx);
        let new = match &mut self.state {
            EpochState::Unattached { voted, election_at: at, .. }
            | EpochState::Prospective { voted, election_at: at, .. } => {
                *at = election_at;
                voted.replace(candidate) != Some(candidate)
            }
            _ => false,
        };
        if new {
            cx.out.trace(TraceEvent::VoteGranted { candidate, epoch: self.epoch });
            self.persist(cx);
        }
    }

    /// BeginQuorumEpoch (53): a node says that it leads.
    pub fn handle_begin_epoch(
        &mut self,
        cx: &mut Context<'_>,
        request: &BeginQuorumEpochRequest,
    ) -> BeginQuorumEpochResponse {
        let fail = |code: ErrorCode| BeginQuorumEpochResponse::default().with_error_code(code.0);
        if !self.cluster_matches(request.cluster_id.as_ref()) {
            return fail(ErrorCode::INCONSISTENT_CLUSTER_ID);
        }
        let Some(data) = request.topics.first().and_then(|topic| topic.partitions.first()) else {
            return fail(ErrorCode::INVALID_REQUEST);
        };
        let error = self.check_leader_request(data.leader_epoch, data.leader_id.0);
        if error.is_none() {
            self.learn(cx, data.leader_epoch, Some(data.leader_id.0));
        }
        let partition = begin_quorum_epoch_response::PartitionData::default()
            .with_error_code(error.0)
            .with_leader_id(self.leader_or_none().into())
            .with_leader_epoch(self.epoch);
        let topic = begin_quorum_epoch_response::TopicData::default()
            .with_topic_name(topic_name())
            .with_partitions(vec![partition]);
        BeginQuorumEpochResponse::default().with_topics(vec![topic])
    }

    /// EndQuorumEpoch (54): the leader goes. The successor that it prefers tries at once, the others later.
    pub fn handle_end_epoch(
        &mut self,
        cx: &mut Context<'_>,
        request: &EndQuorumEpochRequest,
    ) -> EndQuorumEpochResponse {
        let fail = |code: ErrorCode| EndQuorumEpochResponse::default().with_error_code(code.0);
        if !self.cluster_matches(request.cluster_id.as_ref()) {
            return fail(ErrorCode::INCONSISTENT_CLUSTER_ID);
        }
        let Some(data) = request.topics.first().and_then(|topic| topic.partitions.first()) else {
            return fail(ErrorCode::INVALID_REQUEST);
        };
        let error = self.check_leader_request(data.leader_epoch, data.leader_id.0);
        if error.is_none() {
            self.learn(cx, data.leader_epoch, Some(data.leader_id.0));
            let follows =
                matches!(&self.state, EpochState::Follower { leader, .. } if *leader == data.leader_id.0);
            if follows && self.is_voter() {
                let preferred: Vec<i32> = if data.preferred_candidates.is_empty() {
                    data.preferred_successors.clone()
                } else {
                    data.preferred_candidates.iter().map(|one| one.candidate_id.0).collect()
                };
                // The first begins at once, each further one an election's backoff later.
                let place = preferred.iter().position(|id| *id == self.node_id).unwrap_or(preferred.len());
                let wait = self.config.retry_backoff_ms << place.min(5);
                let at = cx.after_ms(if place == 0 { 0 } else { wait });
                if let EpochState::Follower { fetch_by, has_fetched, .. } = &mut self.state {
                    *fetch_by = (*fetch_by).min(at);
                    *has_fetched = false;
                }
            }
        }
        let partition = end_quorum_epoch_response::PartitionData::default()
            .with_error_code(error.0)
            .with_leader_id(self.leader_or_none().into())
            .with_leader_epoch(self.epoch);
        let topic = end_quorum_epoch_response::TopicData::default()
            .with_topic_name(topic_name())
            .with_partitions(vec![partition]);
        EndQuorumEpochResponse::default().with_topics(vec![topic])
    }

    /// What a node that says it leads may not say (validateVoterOnlyRequest).
    fn check_leader_request(&self, epoch: i32, leader: i32) -> ErrorCode {
        if epoch < self.epoch {
            ErrorCode::FENCED_LEADER_EPOCH
        } else if !self.voters.contains_key(&leader) {
            ErrorCode::INCONSISTENT_VOTER_SET
        } else if epoch == self.epoch && self.leader().is_some_and(|known| known != leader) {
            // Two leaders of one epoch: the request is wrong, or the quorum is.
            ErrorCode::INVALID_REQUEST
        } else {
            ErrorCode::NONE
        }
    }

    // ---- fetches

    /// Fetch (1) of the metadata log: answered at once, or parked until there is something to say.
    pub fn handle_fetch(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnectionId,
        header: &Header,
        request: FetchRequest,
    ) -> Result<Option<Bytes>, FrameError> {
        if !self.cluster_matches(request.cluster_id.as_ref()) {
            let code = ErrorCode::INCONSISTENT_CLUSTER_ID.0;
            return encode(header, &FetchResponse::default().with_error_code(code)).map(Some);
        }
        let wait = i64::from(request.max_wait_ms);
        match self.try_fetch(cx, &request, wait <= 0) {
            Some(response) => encode(header, &response).map(Some),
            None => {
                let expires = cx.after_ms(wait);
                self.parked.push(ParkedFetch { conn, header: header.clone(), request, expires });
                Ok(None)
            }
        }
    }

    /// The answer to a fetch, if it has something to say or `anyway`.
    fn try_fetch(
        &mut self,
        cx: &mut Context<'_>,
        request: &FetchRequest,
        anyway: bool,
    ) -> Option<FetchResponse> {
        let fail = |code: ErrorCode| Some(FetchResponse::default().with_error_code(code.0));
        let Some(topic) = request.topics.first().filter(|topic| topic.topic_id == METADATA_TOPIC_ID) else {
            return fail(ErrorCode::UNKNOWN_TOPIC_ID);
        };
        let Some(asked) = topic.partitions.first().filter(|asked| asked.partition == 0) else {
            return fail(ErrorCode::INVALID_REQUEST);
        };
        let error = self.check_follower(asked.current_leader_epoch);
        if !error.is_none() {
            return Some(self.fetch_response(error, |data| data));
        }
        if asked.fetch_offset < 0 || asked.last_fetched_epoch < 0 || asked.last_fetched_epoch > self.epoch {
            return Some(self.fetch_response(ErrorCode::INVALID_REQUEST, |data| data));
        }
        let valid = self.log.validate(asked.fetch_offset, asked.last_fetched_epoch);
        match valid {
            ValidOffset::Diverging(epoch, end) => {
                let diverging = EpochEndOffset::default().with_epoch(epoch).with_end_offset(end);
                return Some(
                    self.fetch_response(ErrorCode::NONE, |data| data.with_diverging_epoch(diverging)),
                );
            }
            ValidOffset::Snapshot(id) => {
                let id = WireSnapshotId::default().with_end_offset(id.end_offset).with_epoch(id.epoch);
                return Some(self.fetch_response(ErrorCode::NONE, |data| data.with_snapshot_id(id)));
            }
            ValidOffset::Valid => {}
        }
        self.note_fetch(cx, request, asked);
        let max = usize::try_from(asked.partition_max_bytes.min(request.max_bytes)).unwrap_or(0);
        let records = self.log.read_bytes(asked.fetch_offset, max, i64::MAX);
        // A replica that does not say what it knows of the high watermark waits (before KIP-1166 all did).
        let news = self.high_watermark.is_some_and(|at| asked.high_watermark < at);
        if records.is_empty() && !news && !anyway {
            return None;
        }
        Some(self.fetch_response(ErrorCode::NONE, |data| data.with_records(Some(records))))
    }

    fn check_follower(&self, epoch: i32) -> ErrorCode {
        if epoch >= 0 && epoch < self.epoch {
            ErrorCode::FENCED_LEADER_EPOCH
        } else if epoch > self.epoch {
            ErrorCode::UNKNOWN_LEADER_EPOCH
        } else if !matches!(self.state, EpochState::Leader(_)) {
            ErrorCode::NOT_LEADER_OR_FOLLOWER
        } else {
            ErrorCode::NONE
        }
    }

    /// Notes what a replica's fetch says of its log (LeaderState.updateReplicaState).
    fn note_fetch(
        &mut self,
        cx: &mut Context<'_>,
        request: &FetchRequest,
        asked: &fetch_request::FetchPartition,
    ) {
        let id = request.replica_state.replica_id.0;
        let (now_ms, end) = (cx.unix_ms(), self.log.end());
        let (deadline, majority) = (self.check_quorum_deadline(cx), self.voters.len() / 2);
        if id < 0 || id == self.node_id {
            return;
        }
        let EpochState::Leader(leader) = &mut self.state else { return };
        let voter = leader.voters.contains_key(&id);
        if voter {
            leader.fetched.insert(id);
            if leader.fetched.len() >= majority {
                leader.fetched.clear();
                leader.check_quorum_at = deadline;
            }
        }
        let replica =
            if voter { leader.voters.get_mut(&id) } else { Some(leader.observers.entry(id).or_default()) };
        let Some(replica) = replica else { return };
        let offset = asked.fetch_offset;
        if offset >= end {
            replica.last_caught_up_ms = now_ms;
        } else if replica.last_fetch_ms > 0 && offset >= replica.leader_end_at_last_fetch {
            replica.last_caught_up_ms = replica.last_fetch_ms;
        }
        replica.last_fetch_ms = now_ms;
        replica.leader_end_at_last_fetch = end;
        replica.acknowledged = true;
        let moved = replica.end_offset != Some(offset);
        replica.end_offset = Some(offset);
        if voter && moved {
            self.on_leader_progress(cx);
        }
    }

    fn fetch_response(
        &self,
        error: ErrorCode,
        fill: impl FnOnce(PartitionData) -> PartitionData,
    ) -> FetchResponse {
        let leader = LeaderIdAndEpoch::default()
            .with_leader_id(self.leader_or_none().into())
            .with_leader_epoch(self.epoch);
        let data = PartitionData::default()
            .with_error_code(error.0)
            .with_high_watermark(self.high_watermark.unwrap_or(-1))
            .with_last_stable_offset(-1)
            .with_log_start_offset(self.log.start())
            .with_current_leader(leader)
            .with_records(Some(Bytes::new()));
        let topic = FetchableTopicResponse::default()
            .with_topic_id(METADATA_TOPIC_ID)
            .with_partitions(vec![fill(data)]);
        FetchResponse::default().with_responses(vec![topic])
    }

    /// Answers the parked fetches that now have something to say.
    pub(super) fn complete_fetches(&mut self, cx: &mut Context<'_>) {
        for fetch in std::mem::take(&mut self.parked) {
            match self.try_fetch(cx, &fetch.request, fetch.expires <= cx.now) {
                Some(response) => self.answer_parked(&fetch, &response),
                None => self.parked.push(fetch),
            }
        }
    }

    pub(super) fn expire_fetches(&mut self, cx: &mut Context<'_>) {
        if self.parked.iter().any(|fetch| fetch.expires <= cx.now) {
            self.complete_fetches(cx);
        }
    }

    /// The leadership is over: a request that waits is told who leads now, as far as that is known.
    pub(super) fn fail_parked(&mut self) {
        for fetch in std::mem::take(&mut self.parked) {
            let asked = fetch.request.topics.first().and_then(|topic| topic.partitions.first());
            let error = self.check_follower(asked.map_or(-1, |asked| asked.current_leader_epoch));
            let response = self.fetch_response(error, |data| data);
            self.answer_parked(&fetch, &response);
        }
    }

    fn answer_parked(&mut self, fetch: &ParkedFetch, response: &FetchResponse) {
        // The fields are set for every version, so the answer can be written.
        if let Ok(frame) = encode(&fetch.header, response) {
            self.answers.push((fetch.conn, frame));
        }
    }

    /// FetchSnapshot (59): a piece of a snapshot (KIP-630).
    pub fn handle_fetch_snapshot(&self, request: &FetchSnapshotRequest) -> FetchSnapshotResponse {
        use fetch_snapshot_response::{LeaderIdAndEpoch, PartitionSnapshot, SnapshotId as Id, TopicSnapshot};
        if !self.cluster_matches(request.cluster_id.as_ref()) {
            return FetchSnapshotResponse::default().with_error_code(ErrorCode::INCONSISTENT_CLUSTER_ID.0);
        }
        let Some(asked) = request.topics.first().and_then(|topic| topic.partitions.first()) else {
            return FetchSnapshotResponse::default().with_error_code(ErrorCode::INVALID_REQUEST.0);
        };
        let id = SnapshotId { end_offset: asked.snapshot_id.end_offset, epoch: asked.snapshot_id.epoch };
        let leader = LeaderIdAndEpoch::default()
            .with_leader_id(self.leader_or_none().into())
            .with_leader_epoch(self.epoch);
        let data = PartitionSnapshot::default()
            .with_snapshot_id(Id::default().with_end_offset(id.end_offset).with_epoch(id.epoch))
            .with_current_leader(leader);
        let error = self.check_follower(asked.current_leader_epoch);
        let data = match (error, self.log.snapshot(id)) {
            (error, _) if !error.is_none() => data.with_error_code(error.0),
            (_, None) => data.with_error_code(ErrorCode::SNAPSHOT_NOT_FOUND.0),
            (_, Some(bytes)) => match usize::try_from(asked.position).ok().filter(|at| *at < bytes.len()) {
                None => data.with_error_code(ErrorCode::POSITION_OUT_OF_RANGE.0),
                Some(at) => {
                    let max = usize::try_from(request.max_bytes).unwrap_or(0);
                    let end = bytes.len().min(at.saturating_add(max));
                    data.with_size(i64::try_from(bytes.len()).unwrap_or(i64::MAX))
                        .with_position(asked.position)
                        .with_unaligned_records(bytes.slice(at..end))
                }
            },
        };
        let topic = TopicSnapshot::default().with_name(topic_name()).with_partitions(vec![data]);
        FetchSnapshotResponse::default().with_topics(vec![topic])
    }

    /// DescribeQuorum (55): who leads, and how far everyone is (KIP-595, KIP-836, KIP-853).
    pub fn handle_describe(
        &self,
        cx: &Context<'_>,
        version: i16,
        request: &DescribeQuorumRequest,
    ) -> DescribeQuorumResponse {
        use describe_quorum_response::{Listener, Node, PartitionData, ReplicaState as Wire, TopicData};
        let the_one = match request.topics.as_slice() {
            [topic] if topic.topic_name == topic_name() => {
                matches!(topic.partitions.as_slice(), [data] if data.partition_index == 0)
            }
            _ => false,
        };
        if !the_one {
            // Each partition is answered as unknown, the one that is there too (DescribeQuorumRequest).
            let unknown = StrBytes::from_static_str(UNKNOWN_PARTITION);
            let topics = request.topics.iter().map(|topic| {
                let partitions = topic.partitions.iter().map(|data| {
                    let answer = PartitionData::default()
                        .with_partition_index(data.partition_index)
                        .with_error_code(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0);
                    if version >= 2 { answer.with_error_message(Some(unknown.clone())) } else { answer }
                });
                TopicData::default()
                    .with_topic_name(topic.topic_name.clone())
                    .with_partitions(partitions.collect())
            });
            return DescribeQuorumResponse::default().with_topics(topics.collect());
        }
        let data = PartitionData::default();
        let data = match &self.state {
            EpochState::Leader(leader) => {
                let now_ms = cx.unix_ms();
                let one = |(id, replica): (&i32, &ReplicaState)| {
                    let own = *id == self.node_id;
                    let end = if own { Some(self.log.end()) } else { replica.end_offset };
                    let state =
                        Wire::default().with_replica_id((*id).into()).with_log_end_offset(end.unwrap_or(-1));
                    if version >= 1 {
                        state
                            .with_last_fetch_timestamp(if own { now_ms } else { replica.last_fetch_ms })
                            .with_last_caught_up_timestamp(if own {
                                now_ms
                            } else {
                                replica.last_caught_up_ms
                            })
                    } else {
                        state
                    }
                };
                data.with_leader_id(self.node_id.into())
                    .with_leader_epoch(self.epoch)
                    .with_high_watermark(self.high_watermark.unwrap_or(-1))
                    .with_current_voters(leader.voters.iter().map(one).collect())
                    .with_observers(leader.observers.iter().map(one).collect())
            }
            _ => data
                .with_error_code(ErrorCode::NOT_LEADER_OR_FOLLOWER.0)
                .with_leader_id(self.leader_or_none().into())
                .with_leader_epoch(self.epoch),
        };
        let topic = TopicData::default().with_topic_name(topic_name()).with_partitions(vec![data]);
        let response = DescribeQuorumResponse::default().with_topics(vec![topic]);
        if version < 2 {
            return response;
        }
        let nodes = self.voters.iter().map(|(id, endpoint)| {
            let listener = Listener::default()
                .with_name(StrBytes::from_static_str(CONTROLLER_LISTENER))
                .with_host(endpoint.host.to_string().into())
                .with_port(endpoint.port);
            Node::default().with_node_id((*id).into()).with_listeners(vec![listener])
        });
        response.with_nodes(nodes.collect())
    }
}

/// What Kafka says of an unknown partition (Errors.UNKNOWN_TOPIC_OR_PARTITION).
const UNKNOWN_PARTITION: &str = "This server does not host this topic-partition.";

fn encode(header: &Header, response: &FetchResponse) -> Result<Bytes, FrameError> {
    encode_response(header.api_key, header.version, header.correlation_id, response)
}
