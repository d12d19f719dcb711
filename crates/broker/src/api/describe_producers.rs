//! DescribeProducers (61), version 0 (KIP-664): who wrote to a partition with sequence numbers. Left out: transactions.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::describe_producers_response::{
    PartitionResponse, ProducerState, TopicResponse,
};
use blumfeld_protocol::messages::{DescribeProducersRequest, DescribeProducersResponse};

use crate::reply::{ApiError, Reply, respond};
use crate::server::Server;
use crate::topic_name::validate_topic_name;

/// Handles a request (KafkaApis.handleDescribeProducersRequest): any replica may be asked.
pub fn handle(server: &Server, request: DescribeProducersRequest) -> Result<Reply, FrameError> {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partition_indexes.iter().map(|number| {
            let response = PartitionResponse::default().with_partition_index(*number);
            match producers(server, &topic.name, *number) {
                Ok(producers) => response.with_active_producers(producers),
                Err(error) => {
                    response.with_error_code(error.code.0).with_error_message(error.message.map(Into::into))
                }
            }
        });
        let partitions = partitions.collect();
        TopicResponse::default().with_name(topic.name).with_partitions(partitions)
    });
    respond(DescribeProducersResponse::default().with_topics(topics.collect()))
}

fn producers(server: &Server, topic: &str, number: i32) -> Result<Vec<ProducerState>, ApiError> {
    validate_topic_name(topic)
        .map_err(|error| ApiError::new(ErrorCode::INVALID_TOPIC_EXCEPTION, error.to_string()))?;
    if server.image.topic(topic).is_none() {
        let message = "This server does not host this topic-partition.";
        return Err(ApiError::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message));
    }
    let partition = server.replica(&(topic.to_owned(), number)).map_err(ApiError::code)?;
    let states = partition.log().producers().producers().map(|(id, state)| {
        ProducerState::default()
            .with_producer_id(id.into())
            .with_producer_epoch(state.producer_epoch.into())
            .with_last_sequence(state.last_sequence())
            .with_last_timestamp(state.last_timestamp)
            .with_coordinator_epoch(state.coordinator_epoch)
            .with_current_txn_start_offset(state.txn_first_offset)
    });
    Ok(states.collect())
}
