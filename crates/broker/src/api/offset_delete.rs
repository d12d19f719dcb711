//! OffsetDelete (47), version 0 (KIP-496). Nothing is left out.

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use blumfeld_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use crate::call::Call;
use crate::coordinator::Answer;
use crate::reply::Reply;
use crate::server::Server;

/// Handles a request: answered once the tombstones are committed.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    mut request: OffsetDeleteRequest,
) -> Result<Reply, FrameError> {
    let waiter = call.clone();
    let mut response = OffsetDeleteResponse::default();
    for topic in &mut request.topics {
        let image = server.image.topic(&topic.name);
        let exists = |number: i32| image.is_some_and(|image| image.partitions.contains_key(&number));
        let unknown: Vec<_> = (topic.partitions.iter())
            .filter(|partition| !exists(partition.partition_index))
            .map(|partition| {
                OffsetDeleteResponsePartition::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0)
            })
            .collect();
        topic.partitions.retain(|partition| exists(partition.partition_index));
        // A topic that nobody knows is answered even without partitions.
        if !unknown.is_empty() || image.is_none() {
            let topic = OffsetDeleteResponseTopic::default().with_name(topic.name.clone());
            response.topics.push(topic.with_partitions(unknown));
        }
    }
    request.topics.retain(|topic| !topic.partitions.is_empty());
    // The coordinator is asked even if nothing is left: whether the group exists, it alone knows.
    let result = if request.group_id.is_empty() {
        Err(ErrorCode::INVALID_GROUP_ID)
    } else {
        server.with_group(cx, &request.group_id, |shard, env| {
            shard.delete_offsets(env, waiter.clone(), &request, response);
        })
    };
    if let Err(code) = result {
        let response = OffsetDeleteResponse::default().with_error_code(code.0);
        server.groups.answer(waiter, Answer::OffsetDelete(response));
    }
    Ok(Reply::Parked)
}
