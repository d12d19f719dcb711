//! The quorum's requests as they leave. All are about one partition, `__cluster_metadata-0`.

use blumfeld_kernel::{Context, Endpoint, FlushId};
use blumfeld_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ReplicaState};
use blumfeld_protocol::messages::{
    BeginQuorumEpochRequest, BrokerId, EndQuorumEpochRequest, FetchRequest, FetchSnapshotRequest, TopicName,
    VoteRequest, begin_quorum_epoch_request, end_quorum_epoch_request, fetch_snapshot_request, vote_request,
};
use blumfeld_protocol::wire::{Encodable, StrBytes};
use blumfeld_protocol::{ApiKey, Uuid, uuid_text};

use super::RaftClient;
use super::state::EpochState;
use crate::channel::{Channels, Purpose};
use crate::config::CONTROLLER_LISTENER;

/// The topic of the metadata log.
pub const METADATA_TOPIC: &str = "__cluster_metadata";
/// Its id (Uuid.METADATA_TOPIC_ID).
pub const METADATA_TOPIC_ID: Uuid = Uuid::from_u128(1);

/// A fetch of the metadata log waits so long for records, in milliseconds (KafkaRaftClient.MAX_FETCH_WAIT_MS).
const MAX_FETCH_WAIT_MS: i32 = 500;
/// A fetch of the metadata log brings so many bytes (KafkaRaftClient.MAX_FETCH_SIZE_BYTES).
const MAX_FETCH_SIZE_BYTES: i32 = 8 * 1024 * 1024;

pub(super) fn topic_name() -> TopicName {
    TopicName(StrBytes::from_static_str(METADATA_TOPIC))
}

impl RaftClient {
    pub(super) fn cluster_id_text(&self) -> StrBytes {
        uuid_text::to_text(self.cluster_id).into()
    }

    fn request<M: Encodable>(
        &self,
        cx: &mut Context<'_>,
        channels: &mut Channels,
        to: i32,
        api: (ApiKey, i16),
        body: &M,
    ) {
        let Some(endpoint) = self.voters.get(&to) else { return };
        let endpoint: &Endpoint = endpoint;
        let (timeout, after): (i64, Option<FlushId>) = (self.config.request_timeout_ms, self.pending_write());
        channels.send(cx, Purpose::Raft(to), endpoint, api, body, timeout, after);
    }

    pub(super) fn send_vote(&self, cx: &mut Context<'_>, channels: &mut Channels, to: i32, pre_vote: bool) {
        let partition = vote_request::PartitionData::default()
            .with_replica_epoch(self.epoch)
            .with_replica_id(self.node_id.into())
            .with_replica_directory_id(self.directory_id)
            .with_last_offset_epoch(self.log.last_epoch())
            .with_last_offset(self.log.end())
            .with_pre_vote(pre_vote);
        let topic =
            vote_request::TopicData::default().with_topic_name(topic_name()).with_partitions(vec![partition]);
        let request = VoteRequest::default()
            .with_cluster_id(Some(self.cluster_id_text()))
            .with_voter_id(to.into())
            .with_topics(vec![topic]);
        self.request(cx, channels, to, (ApiKey::Vote, 2), &request);
    }

    pub(super) fn send_begin_epoch(&self, cx: &mut Context<'_>, channels: &mut Channels, to: i32) {
        use begin_quorum_epoch_request::{LeaderEndpoint, PartitionData, TopicData};
        let partition =
            PartitionData::default().with_leader_id(self.node_id.into()).with_leader_epoch(self.epoch);
        let topic = TopicData::default().with_topic_name(topic_name()).with_partitions(vec![partition]);
        let own = self.voters.get(&self.node_id).map(|endpoint| {
            LeaderEndpoint::default()
                .with_name(StrBytes::from_static_str(CONTROLLER_LISTENER))
                .with_host(endpoint.host.to_string().into())
                .with_port(endpoint.port)
        });
        let request = BeginQuorumEpochRequest::default()
            .with_cluster_id(Some(self.cluster_id_text()))
            .with_voter_id(to.into())
            .with_topics(vec![topic])
            .with_leader_endpoints(own.into_iter().collect());
        self.request(cx, channels, to, (ApiKey::BeginQuorumEpoch, 1), &request);
    }

    pub(super) fn send_end_epoch(&self, cx: &mut Context<'_>, channels: &mut Channels, to: i32) {
        use end_quorum_epoch_request::{PartitionData, ReplicaInfo, TopicData};
        let successors = self.voters.keys().filter(|id| **id != self.node_id);
        let candidates = successors.map(|id| ReplicaInfo::default().with_candidate_id(BrokerId(*id)));
        let partition = PartitionData::default()
            .with_leader_id(self.node_id.into())
            .with_leader_epoch(self.epoch)
            .with_preferred_candidates(candidates.collect());
        let topic = TopicData::default().with_topic_name(topic_name()).with_partitions(vec![partition]);
        let request = EndQuorumEpochRequest::default()
            .with_cluster_id(Some(self.cluster_id_text()))
            .with_topics(vec![topic]);
        self.request(cx, channels, to, (ApiKey::EndQuorumEpoch, 1), &request);
    }

    pub(super) fn send_fetch(&self, cx: &mut Context<'_>, channels: &mut Channels, to: i32) {
        let partition = FetchPartition::default()
            .with_current_leader_epoch(self.epoch)
            .with_fetch_offset(self.log.end())
            .with_last_fetched_epoch(self.log.last_epoch())
            .with_partition_max_bytes(MAX_FETCH_SIZE_BYTES)
            .with_replica_directory_id(self.directory_id)
            // What this node knows of the high watermark, so that the leader need not wait to tell a new one
            // (KIP-1166).
            .with_high_watermark(self.high_watermark.unwrap_or(-1));
        let topic = FetchTopic::default().with_topic_id(METADATA_TOPIC_ID).with_partitions(vec![partition]);
        let request = FetchRequest::default()
            .with_cluster_id(Some(self.cluster_id_text()))
            .with_replica_state(
                ReplicaState::default().with_replica_id(self.node_id.into()).with_replica_epoch(-1),
            )
            .with_max_wait_ms(MAX_FETCH_WAIT_MS)
            .with_max_bytes(MAX_FETCH_SIZE_BYTES)
            .with_topics(vec![topic]);
        self.request(cx, channels, to, (ApiKey::Fetch, 18), &request);
    }

    pub(super) fn send_fetch_snapshot(&self, cx: &mut Context<'_>, channels: &mut Channels, to: i32) {
        use fetch_snapshot_request::{PartitionSnapshot, SnapshotId, TopicSnapshot};
        let EpochState::Follower { download: Some(download), .. } = &self.state else { return };
        let id = SnapshotId::default().with_end_offset(download.id.end_offset).with_epoch(download.id.epoch);
        let partition = PartitionSnapshot::default()
            .with_current_leader_epoch(self.epoch)
            .with_snapshot_id(id)
            .with_position(i64::try_from(download.bytes.len()).unwrap_or(i64::MAX))
            .with_replica_directory_id(self.directory_id);
        let topic = TopicSnapshot::default().with_name(topic_name()).with_partitions(vec![partition]);
        let request = FetchSnapshotRequest::default()
            .with_cluster_id(Some(self.cluster_id_text()))
            .with_replica_id(self.node_id.into())
            .with_max_bytes(MAX_FETCH_SIZE_BYTES)
            .with_topics(vec![topic]);
        self.request(cx, channels, to, (ApiKey::FetchSnapshot, 1), &request);
    }
}
