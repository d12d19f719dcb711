//! Answers with an error to requests of transactions, whose partitions have a code each.

use blumfeld_protocol::frame::{Header, decode_body};
use blumfeld_protocol::messages::*;
use blumfeld_protocol::{ErrorCode, FrameError};
use bytes::Bytes;

use super::{Forged, write};

/// From version 4 on there is a code for all.
pub(super) fn add_partitions_to_txn(
    header: &Header,
    body: &Bytes,
    code: ErrorCode,
) -> Result<Forged, FrameError> {
    use add_partitions_to_txn_response::{AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult};
    let request: AddPartitionsToTxnRequest = decode_body(header, body.clone())?;
    let response = AddPartitionsToTxnResponse::default();
    if header.version >= 4 {
        return write(header, &response.with_error_code(code.0));
    }
    let topics = request.v3_and_below_topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|number| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*number)
                .with_partition_error_code(code.0)
        });
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name)
            .with_results_by_partition(partitions.collect())
    });
    write(header, &response.with_results_by_topic_v3_and_below(topics.collect()))
}

pub(super) fn write_txn_markers(
    header: &Header,
    body: &Bytes,
    code: ErrorCode,
) -> Result<Forged, FrameError> {
    use write_txn_markers_response::{
        WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
    };
    let request: WriteTxnMarkersRequest = decode_body(header, body.clone())?;
    let markers = request.markers.into_iter().map(|marker| {
        let topics = marker.topics.into_iter().map(|topic| {
            let partitions = topic.partition_indexes.iter().map(|number| {
                WritableTxnMarkerPartitionResult::default()
                    .with_partition_index(*number)
                    .with_error_code(code.0)
            });
            WritableTxnMarkerTopicResult::default()
                .with_name(topic.name)
                .with_partitions(partitions.collect())
        });
        WritableTxnMarkerResult::default().with_producer_id(marker.producer_id).with_topics(topics.collect())
    });
    write(header, &WriteTxnMarkersResponse::default().with_markers(markers.collect()))
}

pub(super) fn txn_offset_commit(
    header: &Header,
    body: &Bytes,
    code: ErrorCode,
) -> Result<Forged, FrameError> {
    use txn_offset_commit_response::{TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic};
    let request: TxnOffsetCommitRequest = decode_body(header, body.clone())?;
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code.0)
        });
        TxnOffsetCommitResponseTopic::default().with_name(topic.name).with_partitions(partitions.collect())
    });
    write(header, &TxnOffsetCommitResponse::default().with_topics(topics.collect()))
}
