//! Responses with an error, built from a request: what a broker would say if it said only that.
//!
//! Where an API has one error code for all, that is set; where each topic or partition has its own, each that was asked
//! for gets it. What is not known is what Kafka's own error responses say: -1 for offsets, nothing for records.

mod admin;
mod transactions;

use blumfeld_protocol::frame::{Header, decode_body, encode_response};
use blumfeld_protocol::messages::*;
use blumfeld_protocol::{ErrorCode, FrameError};
use bytes::Bytes;

/// What a request gets in place of the broker's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Forged {
    /// This frame.
    Frame(Bytes),
    /// Nothing: the client expects none.
    Nothing,
}

macro_rules! answers {
    ($($api:ident => $response:ident,)*) => {
        /// Whether [`answer`] can make an answer for requests of this API.
        pub(crate) fn answers(api_key: ApiKey) -> bool {
            matches!(
                api_key,
                ApiKey::Produce
                    | ApiKey::Fetch
                    | ApiKey::ListOffsets
                    | ApiKey::Metadata
                    | ApiKey::CreateTopics
                    | ApiKey::DeleteTopics
                    | ApiKey::CreatePartitions
                    | ApiKey::DeleteRecords
                    | ApiKey::DescribeConfigs
                    | ApiKey::IncrementalAlterConfigs
                    | ApiKey::DescribeTopicPartitions
                    | ApiKey::OffsetForLeaderEpoch
                    | ApiKey::FindCoordinator
                    | ApiKey::OffsetCommit
                    | ApiKey::OffsetFetch
                    | ApiKey::DeleteGroups
                    | ApiKey::DescribeGroups
                    | ApiKey::DescribeLogDirs
                    | ApiKey::CreateAcls
                    | ApiKey::DeleteAcls
                    | ApiKey::AlterConfigs
                    | ApiKey::AlterReplicaLogDirs
                    | ApiKey::AlterClientQuotas
                    | ApiKey::AlterUserScramCredentials
                    | ApiKey::DescribeProducers
                    | ApiKey::DescribeTransactions
                    | ApiKey::AddPartitionsToTxn
                    | ApiKey::WriteTxnMarkers
                    | ApiKey::TxnOffsetCommit
                    $(| ApiKey::$api)*
            )
        }

        /// The answer with one error code for all.
        fn one_code(header: &Header, code: ErrorCode) -> Option<Result<Bytes, FrameError>> {
            match header.api_key {
                $(ApiKey::$api => {
                    let response = $response::default().with_error_code(code.0);
                    Some(encode_response(ApiKey::$api, header.version, header.correlation_id, &response))
                })*
                _ => None,
            }
        }
    };
}

answers! {
    AddOffsetsToTxn => AddOffsetsToTxnResponse,
    AllocateProducerIds => AllocateProducerIdsResponse,
    AlterPartition => AlterPartitionResponse,
    AlterPartitionReassignments => AlterPartitionReassignmentsResponse,
    ApiVersions => ApiVersionsResponse,
    BeginQuorumEpoch => BeginQuorumEpochResponse,
    BrokerHeartbeat => BrokerHeartbeatResponse,
    BrokerRegistration => BrokerRegistrationResponse,
    ConsumerGroupHeartbeat => ConsumerGroupHeartbeatResponse,
    ControllerRegistration => ControllerRegistrationResponse,
    CreateDelegationToken => CreateDelegationTokenResponse,
    DescribeAcls => DescribeAclsResponse,
    DescribeClientQuotas => DescribeClientQuotasResponse,
    DescribeCluster => DescribeClusterResponse,
    DescribeDelegationToken => DescribeDelegationTokenResponse,
    DescribeQuorum => DescribeQuorumResponse,
    DescribeUserScramCredentials => DescribeUserScramCredentialsResponse,
    ElectLeaders => ElectLeadersResponse,
    EndQuorumEpoch => EndQuorumEpochResponse,
    EndTxn => EndTxnResponse,
    Envelope => EnvelopeResponse,
    ExpireDelegationToken => ExpireDelegationTokenResponse,
    FetchSnapshot => FetchSnapshotResponse,
    Heartbeat => HeartbeatResponse,
    InitProducerId => InitProducerIdResponse,
    JoinGroup => JoinGroupResponse,
    LeaveGroup => LeaveGroupResponse,
    ListConfigResources => ListConfigResourcesResponse,
    ListGroups => ListGroupsResponse,
    ListPartitionReassignments => ListPartitionReassignmentsResponse,
    ListTransactions => ListTransactionsResponse,
    OffsetDelete => OffsetDeleteResponse,
    RenewDelegationToken => RenewDelegationTokenResponse,
    SaslAuthenticate => SaslAuthenticateResponse,
    SaslHandshake => SaslHandshakeResponse,
    SyncGroup => SyncGroupResponse,
    UnregisterBroker => UnregisterBrokerResponse,
    UpdateFeatures => UpdateFeaturesResponse,
    Vote => VoteResponse,
}

/// The answer to a request with this error.
///
/// # Errors
/// The request cannot be read, or the answer not be written in its version: it is for the broker then.
pub(crate) fn answer(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    if let Some(frame) = one_code(header, code) {
        return frame.map(Forged::Frame);
    }
    match header.api_key {
        ApiKey::Produce => produce(header, body, code),
        ApiKey::Fetch => fetch(header, body, code),
        ApiKey::ListOffsets => list_offsets(header, body, code),
        ApiKey::Metadata => metadata(header, body, code),
        ApiKey::CreateTopics => create_topics(header, body, code),
        ApiKey::DeleteTopics => delete_topics(header, body, code),
        ApiKey::CreatePartitions => create_partitions(header, body, code),
        ApiKey::DeleteRecords => delete_records(header, body, code),
        ApiKey::DescribeConfigs => describe_configs(header, body, code),
        ApiKey::IncrementalAlterConfigs => alter_configs(header, body, code),
        ApiKey::DescribeTopicPartitions => describe_topic_partitions(header, body, code),
        ApiKey::OffsetForLeaderEpoch => offset_for_leader_epoch(header, body, code),
        ApiKey::FindCoordinator => find_coordinator(header, body, code),
        ApiKey::OffsetCommit => offset_commit(header, body, code),
        ApiKey::OffsetFetch => offset_fetch(header, body, code),
        ApiKey::DeleteGroups => delete_groups(header, body, code),
        ApiKey::DescribeGroups => describe_groups(header, body, code),
        ApiKey::DescribeLogDirs => describe_log_dirs(header, code),
        ApiKey::CreateAcls => admin::create_acls(header, body, code),
        ApiKey::DeleteAcls => admin::delete_acls(header, body, code),
        ApiKey::AlterConfigs => admin::alter_configs(header, body, code),
        ApiKey::AlterReplicaLogDirs => admin::alter_replica_log_dirs(header, body, code),
        ApiKey::AlterClientQuotas => admin::alter_client_quotas(header, body, code),
        ApiKey::AlterUserScramCredentials => admin::alter_user_scram_credentials(header, body, code),
        ApiKey::DescribeProducers => admin::describe_producers(header, body, code),
        ApiKey::DescribeTransactions => admin::describe_transactions(header, body, code),
        ApiKey::AddPartitionsToTxn => transactions::add_partitions_to_txn(header, body, code),
        ApiKey::WriteTxnMarkers => transactions::write_txn_markers(header, body, code),
        ApiKey::TxnOffsetCommit => transactions::txn_offset_commit(header, body, code),
        api_key => Err(FrameError::UnsupportedVersion { api_key, version: header.version }),
    }
}

fn write<M: blumfeld_protocol::wire::Encodable>(header: &Header, response: &M) -> Result<Forged, FrameError> {
    encode_response(header.api_key, header.version, header.correlation_id, response).map(Forged::Frame)
}

fn delete_groups(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    let request: DeleteGroupsRequest = decode_body(header, body.clone())?;
    let results = request.groups_names.into_iter().map(|group| {
        delete_groups_response::DeletableGroupResult::default().with_group_id(group).with_error_code(code.0)
    });
    write(header, &DeleteGroupsResponse::default().with_results(results.collect()))
}

fn describe_groups(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    let request: DescribeGroupsRequest = decode_body(header, body.clone())?;
    let groups = request.groups.into_iter().map(|group| {
        describe_groups_response::DescribedGroup::default().with_group_id(group).with_error_code(code.0)
    });
    write(header, &DescribeGroupsResponse::default().with_groups(groups.collect()))
}

/// The code for all came with version 3; before that each directory had one.
fn describe_log_dirs(header: &Header, code: ErrorCode) -> Result<Forged, FrameError> {
    let response = DescribeLogDirsResponse::default();
    if header.version >= 3 {
        return write(header, &response.with_error_code(code.0));
    }
    let result = describe_log_dirs_response::DescribeLogDirsResult::default().with_error_code(code.0);
    write(header, &response.with_results(vec![result]))
}

fn offset_commit(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    use offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
    let request: OffsetCommitRequest = decode_body(header, body.clone())?;
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            OffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code.0)
        });
        OffsetCommitResponseTopic::default().with_name(topic.name).with_partitions(partitions.collect())
    });
    write(header, &OffsetCommitResponse::default().with_topics(topics.collect()))
}

fn offset_fetch(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    use offset_fetch_response::{
        OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponseTopic,
    };
    let request: OffsetFetchRequest = decode_body(header, body.clone())?;
    let mut response = OffsetFetchResponse::default();
    if header.version >= 8 {
        let groups = request.groups.into_iter().map(|group| {
            OffsetFetchResponseGroup::default().with_group_id(group.group_id).with_error_code(code.0)
        });
        response.groups = groups.collect();
    } else if header.version >= 2 {
        response.error_code = code.0;
    } else {
        let topics = request.topics.into_iter().flatten().map(|topic| {
            let partitions = topic.partition_indexes.iter().map(|number| {
                OffsetFetchResponsePartition::default()
                    .with_partition_index(*number)
                    .with_committed_offset(-1)
                    .with_error_code(code.0)
            });
            OffsetFetchResponseTopic::default().with_name(topic.name).with_partitions(partitions.collect())
        });
        response.topics = topics.collect();
    }
    write(header, &response)
}

fn produce(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    use produce_response::{PartitionProduceResponse, TopicProduceResponse};
    let request: ProduceRequest = decode_body(header, body.clone())?;
    if request.acks == 0 {
        return Ok(Forged::Nothing);
    }
    let topics = request.topic_data.iter().map(|topic| {
        let partitions = topic.partition_data.iter().map(|partition| {
            PartitionProduceResponse::default()
                .with_index(partition.index)
                .with_error_code(code.0)
                .with_base_offset(-1)
                .with_log_append_time_ms(-1)
                .with_log_start_offset(-1)
        });
        let response = TopicProduceResponse::default().with_partition_responses(partitions.collect());
        if header.version >= 13 {
            response.with_topic_id(topic.topic_id)
        } else {
            response.with_name(topic.name.clone())
        }
    });
    write(header, &ProduceResponse::default().with_responses(topics.collect()))
}

fn fetch(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    use fetch_response::{FetchableTopicResponse, PartitionData};
    let request: FetchRequest = decode_body(header, body.clone())?;
    let topics: Vec<FetchableTopicResponse> = (request.topics.iter())
        .map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                PartitionData::default()
                    .with_partition_index(partition.partition)
                    .with_error_code(code.0)
                    .with_high_watermark(-1)
                    .with_last_stable_offset(-1)
                    .with_aborted_transactions((request.isolation_level == 1).then(Vec::new))
                    .with_records(Some(Bytes::new()))
            });
            let response = FetchableTopicResponse::default().with_partitions(partitions.collect());
            if header.version >= 13 {
                response.with_topic_id(topic.topic_id)
            } else {
                response.with_topic(topic.topic.clone())
            }
        })
        .collect();
    // A fetch within a session may name no partition (KIP-227): then the error is of the whole.
    let whole = header.version >= 7 && topics.is_empty();
    let response = FetchResponse::default().with_error_code(if whole { code.0 } else { 0 });
    write(header, &response.with_responses(topics))
}

fn list_offsets(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    use list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
    let request: ListOffsetsRequest = decode_body(header, body.clone())?;
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            ListOffsetsPartitionResponse::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code.0)
                .with_timestamp(-1)
                .with_offset(-1)
                .with_leader_epoch(-1)
        });
        ListOffsetsTopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    write(header, &ListOffsetsResponse::default().with_topics(topics.collect()))
}

fn metadata(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    let request: MetadataRequest = decode_body(header, body.clone())?;
    let topics = request.topics.iter().flatten().map(|topic| {
        metadata_response::MetadataResponseTopic::default()
            .with_error_code(code.0)
            .with_name(topic.name.clone().or_else(|| (header.version < 12).then(TopicName::default)))
            .with_topic_id(topic.topic_id)
    });
    write(header, &MetadataResponse::default().with_topics(topics.collect()))
}

fn create_topics(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    let request: CreateTopicsRequest = decode_body(header, body.clone())?;
    let topics = request.topics.iter().map(|topic| {
        create_topics_response::CreatableTopicResult::default()
            .with_name(topic.name.clone())
            .with_error_code(code.0)
            .with_num_partitions(-1)
            .with_replication_factor(-1)
    });
    write(header, &CreateTopicsResponse::default().with_topics(topics.collect()))
}

fn delete_topics(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    let request: DeleteTopicsRequest = decode_body(header, body.clone())?;
    let by_name = request.topic_names.iter().map(|name| (Some(name.clone()), None));
    let by_state = request.topics.iter().map(|topic| (topic.name.clone(), Some(topic.topic_id)));
    let topics = by_name.chain(by_state).map(|(name, id)| {
        delete_topics_response::DeletableTopicResult::default()
            .with_name(name)
            .with_topic_id(id.unwrap_or_default())
            .with_error_code(code.0)
    });
    write(header, &DeleteTopicsResponse::default().with_responses(topics.collect()))
}

fn create_partitions(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    let request: CreatePartitionsRequest = decode_body(header, body.clone())?;
    let topics = request.topics.iter().map(|topic| {
        create_partitions_response::CreatePartitionsTopicResult::default()
            .with_name(topic.name.clone())
            .with_error_code(code.0)
    });
    write(header, &CreatePartitionsResponse::default().with_results(topics.collect()))
}

fn delete_records(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    use delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
    let request: DeleteRecordsRequest = decode_body(header, body.clone())?;
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            DeleteRecordsPartitionResult::default()
                .with_partition_index(partition.partition_index)
                .with_low_watermark(-1)
                .with_error_code(code.0)
        });
        DeleteRecordsTopicResult::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    write(header, &DeleteRecordsResponse::default().with_topics(topics.collect()))
}

fn describe_configs(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    let request: DescribeConfigsRequest = decode_body(header, body.clone())?;
    let results = request.resources.iter().map(|resource| {
        describe_configs_response::DescribeConfigsResult::default()
            .with_error_code(code.0)
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
    });
    write(header, &DescribeConfigsResponse::default().with_results(results.collect()))
}

fn alter_configs(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    let request: IncrementalAlterConfigsRequest = decode_body(header, body.clone())?;
    let results = request.resources.iter().map(|resource| {
        incremental_alter_configs_response::AlterConfigsResourceResponse::default()
            .with_error_code(code.0)
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
    });
    write(header, &IncrementalAlterConfigsResponse::default().with_responses(results.collect()))
}

fn describe_topic_partitions(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    let request: DescribeTopicPartitionsRequest = decode_body(header, body.clone())?;
    let topics = request.topics.iter().map(|topic| {
        describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic::default()
            .with_error_code(code.0)
            .with_name(Some(topic.name.clone()))
    });
    write(header, &DescribeTopicPartitionsResponse::default().with_topics(topics.collect()))
}

fn offset_for_leader_epoch(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    use offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
    let request: OffsetForLeaderEpochRequest = decode_body(header, body.clone())?;
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            EpochEndOffset::default()
                .with_error_code(code.0)
                .with_partition(partition.partition)
                .with_leader_epoch(-1)
                .with_end_offset(-1)
        });
        OffsetForLeaderTopicResult::default()
            .with_topic(topic.topic.clone())
            .with_partitions(partitions.collect())
    });
    write(header, &OffsetForLeaderEpochResponse::default().with_topics(topics.collect()))
}

fn find_coordinator(header: &Header, body: &Bytes, code: ErrorCode) -> Result<Forged, FrameError> {
    let request: FindCoordinatorRequest = decode_body(header, body.clone())?;
    let nobody = BrokerId(-1);
    let response = FindCoordinatorResponse::default();
    if header.version < 4 {
        return write(header, &response.with_error_code(code.0).with_node_id(nobody).with_port(-1));
    }
    let coordinators = request.coordinator_keys.iter().map(|key| {
        find_coordinator_response::Coordinator::default()
            .with_key(key.clone())
            .with_node_id(nobody)
            .with_port(-1)
            .with_error_code(code.0)
    });
    write(header, &response.with_coordinators(coordinators.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use blumfeld_protocol::frame::{decode_header, decode_response, encode_request};
    use blumfeld_protocol::wire::{Decodable, Encodable, Message};

    const CODE: ErrorCode = ErrorCode::NOT_LEADER_OR_FOLLOWER;

    fn name(text: &str) -> TopicName {
        TopicName(text.to_owned().into())
    }

    /// Asks in every version and gives the error codes of the answers, all of which must be readable.
    fn codes<Q: Encodable + Message, A: Decodable>(
        api_key: ApiKey,
        from: i16,
        make: impl Fn(i16) -> Q,
        read: impl Fn(i16, A) -> Vec<i16>,
    ) {
        // Of some APIs the library has an answer in a version that it has no request for.
        let last = api_key.valid_versions().max.min(Q::VERSIONS.max);
        for version in api_key.valid_versions().min.max(from)..=last {
            let frame = encode_request(api_key, version, 77, None, &make(version)).unwrap();
            let (header, body) = decode_header(&frame).unwrap();
            assert!(answers(api_key));
            let Ok(Forged::Frame(frame)) = answer(&header, &body, CODE) else {
                panic!("{api_key:?} v{version} has no answer")
            };
            assert_eq!(frame[..4], 77_i32.to_be_bytes());
            let response = decode_response::<A>(api_key, version, frame).unwrap();
            assert_eq!(read(version, response), [CODE.0, CODE.0], "{api_key:?} v{version}");
        }
    }

    #[test]
    fn each_partition_or_topic_that_was_asked_for_gets_the_error_in_every_version() {
        codes(
            ApiKey::Produce,
            3,
            |version| {
                use produce_request::{PartitionProduceData, TopicProduceData};
                let partition = |index| PartitionProduceData::default().with_index(index);
                let mut topic =
                    TopicProduceData::default().with_partition_data(vec![partition(0), partition(1)]);
                if version < 13 {
                    topic.name = name("a");
                }
                ProduceRequest::default().with_acks(-1).with_topic_data(vec![topic])
            },
            |_, response: ProduceResponse| {
                response.responses[0].partition_responses.iter().map(|one| one.error_code).collect()
            },
        );
        codes(
            ApiKey::Fetch,
            4,
            |version| {
                use fetch_request::{FetchPartition, FetchTopic};
                let partition = |index| FetchPartition::default().with_partition(index);
                let mut topic = FetchTopic::default().with_partitions(vec![partition(0), partition(1)]);
                if version < 13 {
                    topic.topic = name("a");
                }
                FetchRequest::default().with_topics(vec![topic])
            },
            |_, response: FetchResponse| {
                response.responses[0].partitions.iter().map(|one| one.error_code).collect()
            },
        );
        codes(
            ApiKey::ListOffsets,
            1,
            |_| {
                use list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
                let partition = |index| ListOffsetsPartition::default().with_partition_index(index);
                let topic = ListOffsetsTopic::default().with_partitions(vec![partition(0), partition(1)]);
                ListOffsetsRequest::default().with_topics(vec![topic])
            },
            |_, response: ListOffsetsResponse| {
                response.topics[0].partitions.iter().map(|one| one.error_code).collect()
            },
        );
        codes(
            ApiKey::OffsetCommit,
            2,
            |_| {
                use offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
                let partition = |index| OffsetCommitRequestPartition::default().with_partition_index(index);
                let topic =
                    OffsetCommitRequestTopic::default().with_partitions(vec![partition(0), partition(1)]);
                OffsetCommitRequest::default().with_topics(vec![topic])
            },
            |_, response: OffsetCommitResponse| {
                response.topics[0].partitions.iter().map(|one| one.error_code).collect()
            },
        );
        codes(
            ApiKey::OffsetFetch,
            1,
            |version| {
                use offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopic};
                let request = OffsetFetchRequest::default();
                if version >= 8 {
                    return request.with_groups(vec![OffsetFetchRequestGroup::default(); 2]);
                }
                let topic = OffsetFetchRequestTopic::default().with_partition_indexes(vec![0, 1]);
                request.with_topics(Some(vec![topic]))
            },
            |version, response: OffsetFetchResponse| match version {
                8.. => response.groups.iter().map(|one| one.error_code).collect(),
                2.. => vec![response.error_code; 2],
                _ => response.topics[0].partitions.iter().map(|one| one.error_code).collect(),
            },
        );
        codes(
            ApiKey::Metadata,
            0,
            |_| {
                let topic =
                    |text| metadata_request::MetadataRequestTopic::default().with_name(Some(name(text)));
                MetadataRequest::default().with_topics(Some(vec![topic("a"), topic("b")]))
            },
            |_, response: MetadataResponse| response.topics.iter().map(|one| one.error_code).collect(),
        );
        codes(
            ApiKey::CreateTopics,
            2,
            |_| {
                let topic = |text| create_topics_request::CreatableTopic::default().with_name(name(text));
                CreateTopicsRequest::default().with_topics(vec![topic("a"), topic("b")])
            },
            |_, response: CreateTopicsResponse| response.topics.iter().map(|one| one.error_code).collect(),
        );
        codes(
            ApiKey::DeleteTopics,
            1,
            |version| {
                let topic =
                    |text| delete_topics_request::DeleteTopicState::default().with_name(Some(name(text)));
                match version {
                    6.. => DeleteTopicsRequest::default().with_topics(vec![topic("a"), topic("b")]),
                    _ => DeleteTopicsRequest::default().with_topic_names(vec![name("a"), name("b")]),
                }
            },
            |_, response: DeleteTopicsResponse| response.responses.iter().map(|one| one.error_code).collect(),
        );
        codes(
            ApiKey::DescribeConfigs,
            1,
            |_| {
                let resource = describe_configs_request::DescribeConfigsResource::default();
                DescribeConfigsRequest::default().with_resources(vec![resource.clone(), resource])
            },
            |_, response: DescribeConfigsResponse| {
                response.results.iter().map(|one| one.error_code).collect()
            },
        );
        codes(
            ApiKey::DeleteGroups,
            0,
            |_| DeleteGroupsRequest::default().with_groups_names(vec![GroupId::default(); 2]),
            |_, response: DeleteGroupsResponse| response.results.iter().map(|one| one.error_code).collect(),
        );
        codes(
            ApiKey::DescribeGroups,
            0,
            |_| DescribeGroupsRequest::default().with_groups(vec![GroupId::default(); 2]),
            |_, response: DescribeGroupsResponse| response.groups.iter().map(|one| one.error_code).collect(),
        );
        codes(
            ApiKey::DescribeLogDirs,
            1,
            |_| DescribeLogDirsRequest::default(),
            |version, response: DescribeLogDirsResponse| match version {
                3.. => vec![response.error_code; 2],
                _ => vec![response.results[0].error_code; 2],
            },
        );
        codes(
            ApiKey::DeleteRecords,
            0,
            |_| {
                use delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
                let partition = |index| DeleteRecordsPartition::default().with_partition_index(index);
                let topic = DeleteRecordsTopic::default().with_partitions(vec![partition(0), partition(1)]);
                DeleteRecordsRequest::default().with_topics(vec![topic])
            },
            |_, response: DeleteRecordsResponse| {
                response.topics[0].partitions.iter().map(|one| one.error_code).collect()
            },
        );
    }

    #[test]
    fn a_fetch_in_a_session_gets_the_error_as_a_whole() {
        let frame = encode_request(ApiKey::Fetch, 18, 1, None, &FetchRequest::default()).unwrap();
        let (header, body) = decode_header(&frame).unwrap();
        let Ok(Forged::Frame(frame)) = answer(&header, &body, CODE) else { panic!("no answer") };
        let response: FetchResponse = decode_response(ApiKey::Fetch, 18, frame).unwrap();
        assert_eq!(response.error_code, CODE.0);
    }

    #[test]
    fn an_api_with_one_code_is_answered_whatever_its_body_is() {
        for (api_key, version) in [(ApiKey::InitProducerId, 5), (ApiKey::Vote, 2), (ApiKey::Heartbeat, 4)] {
            let header = Header { api_key, version, correlation_id: 3, client_id: None };
            let Ok(Forged::Frame(frame)) = answer(&header, &Bytes::from_static(b"garbage"), CODE) else {
                panic!("{api_key:?}")
            };
            assert!(frame.windows(2).any(|two| two == CODE.0.to_be_bytes()), "{api_key:?}: {frame:?}");
        }
    }

    #[test]
    fn no_answer_to_acks_0_and_none_to_what_cannot_be_read() {
        let frame = encode_request(ApiKey::Produce, 9, 1, None, &ProduceRequest::default()).unwrap();
        let (header, body) = decode_header(&frame).unwrap();
        assert_eq!(answer(&header, &body, CODE), Ok(Forged::Nothing));
        assert!(answer(&header, &body.slice(1..), CODE).is_err());
        let header = Header { api_key: ApiKey::AddRaftVoter, ..header };
        assert!(!answers(header.api_key) && answer(&header, &body, CODE).is_err());
    }
}
