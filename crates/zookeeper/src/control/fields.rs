//! Control requests and their answers as JSON, to look at.

use serde_json::{Value, json};

use super::{ControlRequest, ControlResponse, PartitionError, PartitionState};

impl ControlRequest {
    /// Its fields as JSON, with the definitions' names in camel case. Long lists of partitions are whole.
    pub fn fields(&self) -> Value {
        match self {
            ControlRequest::LeaderAndIsr(request) => json!({
                "controllerId": request.controller_id,
                "controllerEpoch": request.controller_epoch,
                "brokerEpoch": request.broker_epoch,
                "partitionStates": request.partition_states.iter().map(|state| {
                    let mut fields = state_fields(state);
                    fields["isNew"] = json!(state.is_new);
                    fields
                }).collect::<Vec<_>>(),
                "liveLeaders": request.live_leaders.iter().map(|(id, host, port)| {
                    json!({"brokerId": id, "hostName": &**host, "port": port})
                }).collect::<Vec<_>>(),
            }),
            ControlRequest::StopReplica(request) => json!({
                "controllerId": request.controller_id,
                "controllerEpoch": request.controller_epoch,
                "brokerEpoch": request.broker_epoch,
                "partitionStates": request.partitions.iter().map(|each| json!({
                    "topicName": &*each.partition.topic,
                    "partitionIndex": each.partition.partition,
                    "leaderEpoch": each.leader_epoch,
                    "deletePartition": each.delete_partition,
                })).collect::<Vec<_>>(),
            }),
            ControlRequest::UpdateMetadata(request) => json!({
                "controllerId": request.controller_id,
                "controllerEpoch": request.controller_epoch,
                "brokerEpoch": request.broker_epoch,
                "partitionStates": request.partition_states.iter().map(|state| {
                    let mut fields = state_fields(state);
                    fields["offlineReplicas"] = json!(state.offline_replicas);
                    fields
                }).collect::<Vec<_>>(),
                "liveBrokers": request.live_brokers.iter().map(|broker| {
                    json!({"id": broker.id, "host": &*broker.host, "port": broker.port})
                }).collect::<Vec<_>>(),
            }),
            ControlRequest::ControlledShutdown(request) => {
                json!({"brokerId": request.broker_id, "brokerEpoch": request.broker_epoch})
            }
            ControlRequest::AlterIsr(request) => json!({
                "brokerId": request.broker_id,
                "brokerEpoch": request.broker_epoch,
                "partitions": request.partitions.iter().map(|each| json!({
                    "topicName": &*each.partition.topic,
                    "partitionIndex": each.partition.partition,
                    "leaderEpoch": each.leader_epoch,
                    "newIsr": each.new_isr,
                    "currentIsrVersion": each.current_isr_version,
                })).collect::<Vec<_>>(),
            }),
        }
    }
}

impl ControlResponse {
    /// Its fields as JSON, with the definitions' names in camel case.
    pub fn fields(&self) -> Value {
        let errors = |errors: &[PartitionError]| {
            let each = errors.iter().map(|(partition, code)| {
                json!({"topicName": &*partition.topic, "partitionIndex": partition.partition, "errorCode": code})
            });
            each.collect::<Vec<_>>()
        };
        match self {
            ControlResponse::LeaderAndIsr(code, partitions)
            | ControlResponse::StopReplica(code, partitions) => {
                json!({"errorCode": code, "partitionErrors": errors(partitions)})
            }
            ControlResponse::UpdateMetadata(code) => json!({"errorCode": code}),
            ControlResponse::ControlledShutdown(code, remaining) => json!({
                "errorCode": code,
                "remainingPartitions": remaining.iter().map(|partition| {
                    json!({"topicName": &*partition.topic, "partitionIndex": partition.partition})
                }).collect::<Vec<_>>(),
            }),
            ControlResponse::AlterIsr(code, results) => json!({
                "errorCode": code,
                "partitions": results.iter().map(|each| json!({
                    "topicName": &*each.partition.topic,
                    "partitionIndex": each.partition.partition,
                    "errorCode": each.error_code,
                    "leaderId": each.leader_id,
                    "leaderEpoch": each.leader_epoch,
                    "isr": each.isr,
                    "currentIsrVersion": each.current_isr_version,
                })).collect::<Vec<_>>(),
            }),
        }
    }
}

fn state_fields(state: &PartitionState) -> Value {
    json!({
        "topicName": &*state.partition.topic,
        "partitionIndex": state.partition.partition,
        "controllerEpoch": state.controller_epoch,
        "leader": state.leader,
        "leaderEpoch": state.leader_epoch,
        "isr": state.isr,
        "zkVersion": state.zk_version,
        "replicas": state.replicas,
    })
}
