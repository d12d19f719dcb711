//! Frames: a request or response header with its body. The four length bytes in front belong to the transport and are
//! not part of a frame here.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};

use crate::schema;
use crate::varint::Reader;

/// What was wrong with a frame.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// The header is cut short.
    #[error("the header is cut short after {0} bytes")]
    ShortHeader(usize),
    /// No API has this key.
    #[error("no API has the key {0}")]
    UnknownApiKey(i16),
    /// The API is known, but not this version of it.
    #[error("{api_key:?} has no version {version}")]
    UnsupportedVersion {
        /// The API.
        api_key: ApiKey,
        /// The version asked for.
        version: i16,
    },
    /// The body is not what the API and version say.
    #[error("the body is no {api_key:?} of version {version}: {what}")]
    Body {
        /// The API.
        api_key: ApiKey,
        /// The version.
        version: i16,
        /// What was wrong.
        what: String,
    },
    /// A response cannot be written in this version.
    #[error("cannot write {api_key:?} in version {version}: {what}")]
    Encode {
        /// The API.
        api_key: ApiKey,
        /// The version.
        version: i16,
        /// What was wrong.
        what: String,
    },
}

/// A request's header, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// Which API.
    pub api_key: ApiKey,
    /// Which version of it.
    pub version: i16,
    /// Chosen by the client; its response carries it.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<StrBytes>,
}

/// Reads a request's header and gives the body that follows. The version is not judged here, because an ApiVersions
/// request of an unknown version still gets an answer (KIP-511).
pub fn decode_header(frame: &Bytes) -> Result<(Header, Bytes), FrameError> {
    let mut reader = Reader::new(frame);
    let short = || FrameError::ShortHeader(frame.len());
    let key = reader.i16().ok_or_else(short)?;
    let version = reader.i16().ok_or_else(short)?;
    let correlation_id = reader.i32().ok_or_else(short)?;
    let api_key = ApiKey::try_from(key).map_err(|()| FrameError::UnknownApiKey(key))?;
    let client_id = match reader.i16().ok_or_else(short)? {
        // Kafka reads every length below zero as null, and what is no UTF-8 as U+FFFD.
        ..0 => None,
        len => {
            let len = usize::try_from(len).map_err(|_| short())?;
            let from = reader.position();
            let bytes = reader.take(len).ok_or_else(short)?;
            let text = StrBytes::from_utf8(frame.slice(from..from + len));
            Some(text.unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned().into()))
        }
    };
    let known = api_key.valid_versions();
    // A version past those known is read as the newest: of ApiVersions the header says enough for its answer.
    if api_key.request_header_version(version.clamp(known.min, known.max)) >= 2 {
        for _ in 0..reader.varint_unsigned().ok_or_else(short)? {
            reader.varint_unsigned().ok_or_else(short)?;
            let size = reader.varint_unsigned().ok_or_else(short)?;
            reader.take(usize::try_from(size).map_err(|_| short())?).ok_or_else(short)?;
        }
    }
    let body = frame.slice(reader.position()..);
    Ok((Header { api_key, version, correlation_id, client_id }, body))
}

/// Reads a request's body. Its length fields are checked before memory is reserved for them. What is left over is
/// passed over as by Kafka (RequestContext.parseRequest): librdkafka sends Metadata of version 13 with three bytes too
/// many.
pub fn decode_body<M: Decodable>(header: &Header, body: Bytes) -> Result<M, FrameError> {
    let (api_key, version) = (header.api_key, header.version);
    let fail = |what: String| FrameError::Body { api_key, version, what };
    let known = api_key.valid_versions();
    if version < known.min || version > known.max {
        return Err(FrameError::UnsupportedVersion { api_key, version });
    }
    let mut body = checked_body(header, &body)?;
    M::decode(&mut body, version).map_err(|error| fail(error.to_string()))
}

/// A request's body as the library could read it: texts that are no UTF-8 mended, lengths and nulls as Kafka takes
/// them. For versions that the library does not have.
pub fn checked_body(header: &Header, body: &Bytes) -> Result<Bytes, FrameError> {
    let (api_key, version) = (header.api_key, header.version);
    schema::walk(api_key, version, body).map_err(|what| FrameError::Body { api_key, version, what })
}

/// Writes a request with its header.
pub fn encode_request<M: Encodable>(
    api_key: ApiKey,
    version: i16,
    correlation_id: i32,
    client_id: Option<StrBytes>,
    body: &M,
) -> Result<Bytes, FrameError> {
    let fail = |error: anyhow::Error| FrameError::Encode { api_key, version, what: error.to_string() };
    let header_version = api_key.request_header_version(version);
    let mut header = RequestHeader::default();
    header.request_api_key = api_key as i16;
    header.request_api_version = version;
    header.correlation_id = correlation_id;
    header.client_id = client_id;
    let size =
        header.compute_size(header_version).map_err(fail)? + body.compute_size(version).map_err(fail)?;
    let mut out = BytesMut::with_capacity(size);
    header.encode(&mut out, header_version).map_err(fail)?;
    body.encode(&mut out, version).map_err(fail)?;
    Ok(out.freeze())
}

/// Writes a response with its header.
pub fn encode_response<M: Encodable>(
    api_key: ApiKey,
    version: i16,
    correlation_id: i32,
    body: &M,
) -> Result<Bytes, FrameError> {
    let fail = |error: anyhow::Error| FrameError::Encode { api_key, version, what: error.to_string() };
    let mut header = ResponseHeader::default();
    header.correlation_id = correlation_id;
    let mut out = BytesMut::with_capacity(body.compute_size(version).map_err(fail)? + 16);
    header.encode(&mut out, api_key.response_header_version(version)).map_err(fail)?;
    body.encode(&mut out, version).map_err(fail)?;
    Ok(out.freeze())
}

/// The correlation id of a response frame.
pub fn response_correlation_id(frame: &[u8]) -> Option<i32> {
    Reader::new(frame).i32()
}

/// Reads a response to a request of this API and version.
pub fn decode_response<M: Decodable>(
    api_key: ApiKey,
    version: i16,
    mut frame: Bytes,
) -> Result<M, FrameError> {
    let fail = |error: anyhow::Error| FrameError::Body { api_key, version, what: error.to_string() };
    ResponseHeader::decode(&mut frame, api_key.response_header_version(version)).map_err(fail)?;
    M::decode(&mut frame, version).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::*;
    use uuid::Uuid;

    /// Encodes a request at every version and checks that the schema walks exactly its bytes, that it decodes, and that
    /// no cut of it does.
    fn check<M>(api_key: ApiKey, make: impl Fn(i16) -> M)
    where
        M: Encodable + Decodable + kafka_protocol::protocol::Message + std::fmt::Debug,
    {
        // The library knows an answer of InitProducerId that it has no request for.
        let newest = api_key.valid_versions().max.min(M::VERSIONS.max);
        for version in api_key.valid_versions().min..=newest {
            let frame =
                encode_request(api_key, version, 7, Some("me".to_owned().into()), &make(version)).unwrap();
            let (header, body) = decode_header(&frame).unwrap();
            assert_eq!((header.api_key, header.version, header.correlation_id), (api_key, version, 7));
            decode_body::<M>(&header, body.clone()).unwrap_or_else(|error| panic!("{error}"));
            for cut in 0..body.len() {
                assert!(
                    decode_body::<M>(&header, body.slice(..cut)).is_err(),
                    "{api_key:?} v{version} cut at {cut}"
                );
            }
            let more = Bytes::from([&body[..], &[0]].concat());
            assert!(decode_body::<M>(&header, more).is_ok(), "{api_key:?} v{version} with one more byte");
        }
    }

    fn name(text: &str) -> TopicName {
        TopicName(text.to_owned().into())
    }

    #[test]
    fn every_version_of_every_served_request_is_walked_to_its_end() {
        check(ApiKey::ApiVersions, |version| {
            let software =
                |text: &str| if version >= 3 { text.to_owned().into() } else { StrBytes::default() };
            ApiVersionsRequest::default()
                .with_client_software_name(software("a"))
                .with_client_software_version(software("b"))
        });
        check(ApiKey::Metadata, |_| {
            MetadataRequest::default().with_topics(Some(vec![
                metadata_request::MetadataRequestTopic::default().with_name(Some(name("orders"))),
            ]))
        });
        check(ApiKey::CreateTopics, |_| {
            use create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig};
            CreateTopicsRequest::default().with_topics(vec![
                CreatableTopic::default()
                    .with_name(name("orders"))
                    .with_assignments(vec![
                        CreatableReplicaAssignment::default().with_broker_ids(vec![BrokerId(1), BrokerId(2)]),
                    ])
                    .with_configs(vec![CreatableTopicConfig::default().with_name("a".to_owned().into())]),
            ])
        });
        check(ApiKey::DeleteTopics, |version| {
            let request = DeleteTopicsRequest::default();
            if version >= 6 {
                let topic = delete_topics_request::DeleteTopicState::default().with_name(Some(name("a")));
                request.with_topics(vec![topic])
            } else {
                request.with_topic_names(vec![name("a"), name("b")])
            }
        });
        check(ApiKey::CreatePartitions, |_| {
            use create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic};
            CreatePartitionsRequest::default().with_topics(vec![
                CreatePartitionsTopic::default().with_name(name("a")).with_assignments(Some(vec![
                    CreatePartitionsAssignment::default().with_broker_ids(vec![BrokerId(1)]),
                ])),
            ])
        });
        check(ApiKey::DescribeCluster, |_| DescribeClusterRequest::default());
        check(ApiKey::DescribeConfigs, |_| {
            DescribeConfigsRequest::default().with_resources(vec![
                describe_configs_request::DescribeConfigsResource::default()
                    .with_resource_name("a".to_owned().into())
                    .with_configuration_keys(Some(vec!["b".to_owned().into()])),
            ])
        });
        check(ApiKey::IncrementalAlterConfigs, |_| {
            use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
            IncrementalAlterConfigsRequest::default().with_resources(vec![
                AlterConfigsResource::default()
                    .with_configs(vec![AlterableConfig::default().with_value(Some("v".to_owned().into()))]),
            ])
        });
        check(ApiKey::Produce, |version| {
            use produce_request::{PartitionProduceData, TopicProduceData};
            let mut topic = TopicProduceData::default().with_partition_data(vec![
                PartitionProduceData::default().with_records(Some(Bytes::from_static(b"records"))),
            ]);
            if version < 13 {
                topic.name = name("a");
            }
            ProduceRequest::default().with_topic_data(vec![topic])
        });
        check(ApiKey::Fetch, |version| {
            use fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
            let mut topic = FetchTopic::default().with_partitions(vec![FetchPartition::default()]);
            let mut forgotten = ForgottenTopic::default().with_partitions(vec![1, 2]);
            if version < 13 {
                (topic.topic, forgotten.topic) = (name("a"), name("b"));
            }
            let mut request = FetchRequest::default().with_topics(vec![topic]);
            if version >= 7 {
                request.forgotten_topics_data = vec![forgotten];
            }
            if version >= 12 {
                request.cluster_id = Some("cluster".to_owned().into());
            }
            if version >= 15 {
                request.replica_state.replica_id = BrokerId(2);
                request.replica_state.replica_epoch = 5;
            }
            let partition = &mut request.topics[0].partitions[0];
            if version >= 17 {
                partition.replica_directory_id = Uuid::from_u128(3);
            }
            if version >= 18 {
                partition.high_watermark = 4;
            }
            request
        });
        check(ApiKey::ListOffsets, |_| {
            use list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
            ListOffsetsRequest::default().with_topics(vec![
                ListOffsetsTopic::default()
                    .with_name(name("a"))
                    .with_partitions(vec![ListOffsetsPartition::default()]),
            ])
        });
        check(ApiKey::DeleteRecords, |_| {
            use delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
            DeleteRecordsRequest::default().with_topics(vec![
                DeleteRecordsTopic::default()
                    .with_name(name("a"))
                    .with_partitions(vec![DeleteRecordsPartition::default()]),
            ])
        });
    }

    fn text(text: &str) -> StrBytes {
        text.to_owned().into()
    }

    #[test]
    fn every_version_of_every_group_request_is_walked_to_its_end() {
        let group = || GroupId(text("g"));
        check(ApiKey::FindCoordinator, |version| {
            let request = FindCoordinatorRequest::default();
            if version >= 4 {
                request.with_coordinator_keys(vec![text("g"), text("h")])
            } else {
                request.with_key(text("g"))
            }
        });
        check(ApiKey::JoinGroup, |version| {
            use join_group_request::JoinGroupRequestProtocol;
            let protocol = JoinGroupRequestProtocol::default()
                .with_name(text("range"))
                .with_metadata(Bytes::from_static(b"metadata"));
            JoinGroupRequest::default()
                .with_group_id(group())
                .with_member_id(text("m"))
                .with_group_instance_id((version >= 5).then(|| text("i")))
                .with_protocol_type(text("consumer"))
                .with_protocols(vec![protocol.clone(), protocol])
                .with_reason((version >= 8).then(|| text("because")))
        });
        check(ApiKey::SyncGroup, |version| {
            use sync_group_request::SyncGroupRequestAssignment;
            let assignment = SyncGroupRequestAssignment::default()
                .with_member_id(text("m"))
                .with_assignment(Bytes::from_static(b"assignment"));
            SyncGroupRequest::default()
                .with_group_id(group())
                .with_member_id(text("m"))
                .with_group_instance_id((version >= 3).then(|| text("i")))
                .with_protocol_type((version >= 5).then(|| text("consumer")))
                .with_protocol_name((version >= 5).then(|| text("range")))
                .with_assignments(vec![assignment.clone(), assignment])
        });
        check(ApiKey::Heartbeat, |version| {
            HeartbeatRequest::default()
                .with_group_id(group())
                .with_member_id(text("m"))
                .with_group_instance_id((version >= 3).then(|| text("i")))
        });
        check(ApiKey::LeaveGroup, |version| {
            use leave_group_request::MemberIdentity;
            let request = LeaveGroupRequest::default().with_group_id(group());
            if version < 3 {
                return request.with_member_id(text("m"));
            }
            let member = MemberIdentity::default()
                .with_member_id(text("m"))
                .with_group_instance_id(Some(text("i")))
                .with_reason((version >= 5).then(|| text("because")));
            request.with_members(vec![member.clone(), member])
        });
        check(ApiKey::OffsetCommit, |version| {
            use offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
            let partition = OffsetCommitRequestPartition::default()
                .with_committed_offset(5)
                .with_committed_metadata(Some(text("metadata")));
            let topic = OffsetCommitRequestTopic::default()
                .with_name(name("a"))
                .with_partitions(vec![partition.clone(), partition]);
            OffsetCommitRequest::default()
                .with_group_id(group())
                .with_member_id(text("m"))
                .with_group_instance_id((version >= 7).then(|| text("i")))
                .with_topics(vec![topic])
        });
        check(ApiKey::OffsetFetch, |version| {
            use offset_fetch_request::{
                OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
            };
            let request = OffsetFetchRequest::default();
            if version < 8 {
                let topic = OffsetFetchRequestTopic::default()
                    .with_name(name("a"))
                    .with_partition_indexes(vec![1, 2]);
                return request.with_group_id(group()).with_topics(Some(vec![topic]));
            }
            let topic =
                OffsetFetchRequestTopics::default().with_name(name("a")).with_partition_indexes(vec![1, 2]);
            let one = OffsetFetchRequestGroup::default()
                .with_group_id(group())
                .with_member_id((version >= 9).then(|| text("m")))
                .with_topics(Some(vec![topic]));
            request.with_groups(vec![one.clone(), one.with_topics(None)])
        });
        check(ApiKey::OffsetDelete, |_| {
            use offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
            let partition = OffsetDeleteRequestPartition::default();
            let topic = OffsetDeleteRequestTopic::default()
                .with_name(name("a"))
                .with_partitions(vec![partition.clone(), partition]);
            OffsetDeleteRequest::default().with_group_id(group()).with_topics(vec![topic])
        });
        check(ApiKey::ListGroups, |version| {
            let some = |has: bool, of: &str| if has { vec![text(of), text(of)] } else { Vec::new() };
            ListGroupsRequest::default()
                .with_states_filter(some(version >= 4, "Stable"))
                .with_types_filter(some(version >= 5, "classic"))
        });
        check(ApiKey::DescribeGroups, |_| {
            DescribeGroupsRequest::default().with_groups(vec![group(), group()])
        });
        check(ApiKey::DeleteGroups, |_| {
            DeleteGroupsRequest::default().with_groups_names(vec![group(), group()])
        });
    }

    #[test]
    fn every_version_of_every_quorum_request_is_walked_to_its_end() {
        check(ApiKey::Vote, |version| {
            use vote_request::{PartitionData, TopicData};
            let mut partition = PartitionData::default().with_replica_id(BrokerId(1)).with_last_offset(9);
            let mut request = VoteRequest::default().with_cluster_id(Some(text("cluster")));
            if version >= 1 {
                partition.voter_directory_id = Uuid::from_u128(1);
                request.voter_id = BrokerId(2);
            }
            partition.pre_vote = version >= 2;
            request.with_topics(vec![
                TopicData::default().with_topic_name(name("a")).with_partitions(vec![partition]),
            ])
        });
        check(ApiKey::BeginQuorumEpoch, |version| {
            use begin_quorum_epoch_request::{LeaderEndpoint, PartitionData, TopicData};
            let topic = TopicData::default().with_topic_name(name("a")).with_partitions(vec![
                PartitionData::default().with_leader_id(BrokerId(1)).with_leader_epoch(2),
            ]);
            let mut request = BeginQuorumEpochRequest::default().with_topics(vec![topic]);
            if version >= 1 {
                request.voter_id = BrokerId(2);
                request.leader_endpoints =
                    vec![LeaderEndpoint::default().with_name(text("C")).with_host(text("h")).with_port(9093)];
            }
            request
        });
        check(ApiKey::EndQuorumEpoch, |version| {
            use end_quorum_epoch_request::{LeaderEndpoint, PartitionData, ReplicaInfo, TopicData};
            let mut partition = PartitionData::default().with_leader_id(BrokerId(1));
            let mut request = EndQuorumEpochRequest::default().with_cluster_id(Some(text("cluster")));
            if version >= 1 {
                partition.preferred_candidates =
                    vec![ReplicaInfo::default().with_candidate_id(BrokerId(3)), ReplicaInfo::default()];
                request.leader_endpoints = vec![LeaderEndpoint::default().with_host(text("h"))];
            } else {
                partition.preferred_successors = vec![2, 3];
            }
            request.with_topics(vec![
                TopicData::default().with_topic_name(name("a")).with_partitions(vec![partition]),
            ])
        });
        check(ApiKey::DescribeQuorum, |_| {
            use describe_quorum_request::{PartitionData, TopicData};
            DescribeQuorumRequest::default().with_topics(vec![
                TopicData::default()
                    .with_topic_name(name("a"))
                    .with_partitions(vec![PartitionData::default(), PartitionData::default()]),
            ])
        });
        check(ApiKey::FetchSnapshot, |version| {
            use fetch_snapshot_request::{PartitionSnapshot, SnapshotId, TopicSnapshot};
            let mut partition = PartitionSnapshot::default()
                .with_snapshot_id(SnapshotId::default().with_end_offset(10).with_epoch(1))
                .with_position(5);
            if version >= 1 {
                partition.replica_directory_id = Uuid::from_u128(3);
            }
            FetchSnapshotRequest::default().with_cluster_id(Some(text("cluster"))).with_topics(vec![
                TopicSnapshot::default().with_name(name("a")).with_partitions(vec![partition]),
            ])
        });
        check(ApiKey::Envelope, |_| {
            EnvelopeRequest::default()
                .with_request_data(Bytes::from_static(b"request"))
                .with_request_principal(Some(Bytes::from_static(b"me")))
                .with_client_host_address(Bytes::from_static(&[127, 0, 0, 1]))
        });
    }

    #[test]
    fn every_version_of_every_broker_request_is_walked_to_its_end() {
        check(ApiKey::BrokerRegistration, |version| {
            use broker_registration_request::{Feature, Listener};
            let mut request = BrokerRegistrationRequest::default()
                .with_cluster_id(text("cluster"))
                .with_listeners(vec![Listener::default().with_host(text("h")).with_port(9092)])
                .with_features(vec![Feature::default().with_name(text("metadata.version"))])
                .with_rack(Some(text("r")));
            if version >= 2 {
                request.log_dirs = vec![Uuid::from_u128(1), Uuid::from_u128(2)];
            }
            if version >= 3 {
                request.previous_broker_epoch = 7;
            }
            request
        });
        check(ApiKey::BrokerHeartbeat, |version| {
            let request = BrokerHeartbeatRequest::default().with_broker_epoch(7);
            if version >= 1 { request.with_offline_log_dirs(vec![Uuid::from_u128(1)]) } else { request }
        });
        check(ApiKey::InitProducerId, |version| {
            let request =
                InitProducerIdRequest::default().with_transactional_id(Some(TransactionalId(text("t"))));
            if version >= 3 {
                request.with_producer_id(ProducerId(7)).with_producer_epoch(3)
            } else {
                request
            }
        });
        check(ApiKey::AllocateProducerIds, |_| {
            AllocateProducerIdsRequest::default().with_broker_id(BrokerId(3)).with_broker_epoch(9)
        });
        check(ApiKey::UnregisterBroker, |_| UnregisterBrokerRequest::default().with_broker_id(BrokerId(3)));
        check(ApiKey::AlterPartition, |version| {
            use alter_partition_request::{BrokerState, PartitionData, TopicData};
            let partition = PartitionData::default().with_leader_epoch(4);
            let partition = if version >= 3 {
                partition.with_new_isr_with_epochs(vec![BrokerState::default(), BrokerState::default()])
            } else {
                partition.with_new_isr(vec![BrokerId(1), BrokerId(2)])
            };
            AlterPartitionRequest::default()
                .with_topics(vec![TopicData::default().with_partitions(vec![partition.clone(), partition])])
        });
        check(ApiKey::OffsetForLeaderEpoch, |_| {
            use offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
            OffsetForLeaderEpochRequest::default().with_topics(vec![
                OffsetForLeaderTopic::default()
                    .with_topic(name("a"))
                    .with_partitions(vec![OffsetForLeaderPartition::default()]),
            ])
        });
        for all in [false, true] {
            check(ApiKey::DescribeLogDirs, |_| {
                use describe_log_dirs_request::DescribableLogDirTopic;
                let topic =
                    DescribableLogDirTopic::default().with_topic(name("a")).with_partitions(vec![0, 1]);
                DescribeLogDirsRequest::default().with_topics((!all).then(|| vec![topic]))
            });
            check(ApiKey::ElectLeaders, |version| {
                use elect_leaders_request::TopicPartitions;
                let topic = TopicPartitions::default().with_topic(name("a")).with_partitions(vec![0, 1]);
                ElectLeadersRequest::default()
                    .with_election_type((version >= 1).into())
                    .with_topic_partitions((!all).then(|| vec![topic]))
            });
            check(ApiKey::AlterPartitionReassignments, |_| {
                use alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
                let partition = ReassignablePartition::default();
                let partition = partition.with_replicas((!all).then(|| vec![BrokerId(1), BrokerId(2)]));
                AlterPartitionReassignmentsRequest::default().with_topics(vec![
                    ReassignableTopic::default().with_name(name("a")).with_partitions(vec![partition]),
                ])
            });
            check(ApiKey::ListPartitionReassignments, |_| {
                use list_partition_reassignments_request::ListPartitionReassignmentsTopics;
                let topic = ListPartitionReassignmentsTopics::default().with_name(name("a"));
                ListPartitionReassignmentsRequest::default()
                    .with_topics((!all).then(|| vec![topic.with_partition_indexes(vec![0, 1])]))
            });
        }
    }

    #[test]
    fn a_cursor_is_walked_whether_there_is_one_or_not() {
        use describe_topic_partitions_request::{Cursor, TopicRequest};
        for cursor in [None, Some(Cursor::default().with_topic_name(name("a")).with_partition_index(3))] {
            check(ApiKey::DescribeTopicPartitions, |_| {
                DescribeTopicPartitionsRequest::default()
                    .with_topics(vec![TopicRequest::default().with_name(name("b"))])
                    .with_cursor(cursor.clone())
            });
        }
    }

    #[test]
    fn bad_headers_are_named() {
        for (frame, want) in [
            (&[][..], FrameError::ShortHeader(0)),
            (&[0, 3, 0, 1, 0, 0, 0, 9], FrameError::ShortHeader(8)),
            (&[0x7f, 0, 0, 1, 0, 0, 0, 9, 0xff, 0xff], FrameError::UnknownApiKey(0x7f00)),
        ] {
            assert_eq!(decode_header(&Bytes::copy_from_slice(frame)).unwrap_err(), want);
        }
    }

    #[test]
    fn an_array_that_claims_two_billion_elements_is_refused_before_memory_is_reserved() {
        let body = Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff, 0]);
        let header = Header { api_key: ApiKey::Metadata, version: 1, correlation_id: 0, client_id: None };
        assert!(decode_body::<MetadataRequest>(&header, body).is_err());
    }
}
