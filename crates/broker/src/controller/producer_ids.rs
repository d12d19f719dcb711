//! Blocks of producer ids for brokers (org.apache.kafka.controller.ProducerIdControlManager).

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::{AllocateProducerIdsRequest, AllocateProducerIdsResponse};

use super::ControllerResult;
use crate::metadata::{MetadataImage, MetadataRecord};
use crate::reply::ApiError;

/// Ids of a block (ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE).
pub const PRODUCER_ID_BLOCK_SIZE: i32 = 1_000;

/// Gives a broker the next block. Only a broker that is registered in this epoch may have one.
pub fn allocate_producer_ids(
    image: &MetadataImage,
    request: &AllocateProducerIdsRequest,
) -> Result<ControllerResult<AllocateProducerIdsResponse>, ApiError> {
    let broker_id = request.broker_id.0;
    let known = image.brokers().get(&broker_id).is_some_and(|broker| broker.epoch == request.broker_epoch);
    if !known {
        return Err(ApiError::code(ErrorCode::STALE_BROKER_EPOCH));
    }
    let first = image.next_producer_id();
    let Some(next_producer_id) = first.checked_add(i64::from(PRODUCER_ID_BLOCK_SIZE)) else {
        return Err(ApiError::new(ErrorCode::UNKNOWN_SERVER_ERROR, "Exhausted all producerIds"));
    };
    let broker_epoch = request.broker_epoch;
    Ok(ControllerResult {
        records: vec![MetadataRecord::ProducerIds { broker_id, broker_epoch, next_producer_id }],
        response: AllocateProducerIdsResponse::default()
            .with_producer_id_start(first.into())
            .with_producer_id_len(PRODUCER_ID_BLOCK_SIZE),
    })
}
