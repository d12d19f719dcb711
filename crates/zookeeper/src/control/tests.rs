//! Every request and answer goes there and back, and what is cut is refused.

use blumfeld_kernel::Prng;

use super::*;

struct Draw(Prng);

impl Draw {
    fn below(&mut self, end: u64) -> usize {
        usize::try_from(self.0.below(end)).unwrap()
    }
    fn int(&mut self) -> i32 {
        let numbers = [0, -1, -2, 7, i32::MIN, i32::MAX];
        numbers[self.below(6)]
    }
    fn code(&mut self) -> i16 {
        [0, 11, 77, -1][self.below(4)]
    }
    fn ids(&mut self) -> Vec<i32> {
        (0..self.below(4)).map(|_| self.int()).collect()
    }
    fn text(&mut self) -> Arc<str> {
        ["orders", "", "주문", "a.very-long_name-for-a-topic-with-more-than-a-hundred-and-twenty-seven-bytes"]
            [self.below(4)]
        .into()
    }
    /// Partitions in order, so that the topics are grouped as they are sent.
    fn partitions<T>(&mut self, mut each: impl FnMut(&mut Draw, TopicPartition) -> T) -> Vec<T> {
        let mut names: Vec<TopicPartition> = (0..self.below(6))
            .map(|n| TopicPartition::new(&self.text(), i32::try_from(n).unwrap()))
            .collect();
        names.sort();
        names.into_iter().map(|name| each(self, name)).collect()
    }
    fn state(&mut self, partition: TopicPartition) -> PartitionState {
        PartitionState {
            partition,
            controller_epoch: self.int(),
            leader: self.int(),
            leader_epoch: self.int(),
            isr: self.ids(),
            zk_version: self.int(),
            replicas: self.ids(),
            is_new: false,
            offline_replicas: Vec::new(),
        }
    }
    fn request(&mut self, which: usize) -> ControlRequest {
        let (controller_id, controller_epoch, broker_epoch) = (self.int(), self.int(), i64::from(self.int()));
        match which {
            0 => ControlRequest::LeaderAndIsr(LeaderAndIsrRequest {
                controller_id,
                controller_epoch,
                broker_epoch,
                partition_states: self.partitions(|draw, partition| PartitionState {
                    is_new: draw.0.chance(1, 2),
                    ..draw.state(partition)
                }),
                live_leaders: (0..self.below(3)).map(|_| (self.int(), self.text(), self.int())).collect(),
            }),
            1 => ControlRequest::UpdateMetadata(UpdateMetadataRequest {
                controller_id,
                controller_epoch,
                broker_epoch,
                partition_states: self.partitions(|draw, partition| PartitionState {
                    offline_replicas: draw.ids(),
                    ..draw.state(partition)
                }),
                live_brokers: (0..self.below(3))
                    .map(|_| LiveBroker { id: self.int(), host: self.text(), port: self.int() })
                    .collect(),
            }),
            2 => ControlRequest::StopReplica(StopReplicaRequest {
                controller_id,
                controller_epoch,
                broker_epoch,
                partitions: self.partitions(|draw, partition| StopReplicaPartition {
                    partition,
                    leader_epoch: draw.int(),
                    delete_partition: draw.0.chance(1, 2),
                }),
            }),
            3 => ControlRequest::ControlledShutdown(ControlledShutdownRequest {
                broker_id: controller_id,
                broker_epoch,
            }),
            _ => ControlRequest::AlterIsr(AlterIsrRequest {
                broker_id: controller_id,
                broker_epoch,
                partitions: self.partitions(|draw, partition| AlterIsrPartition {
                    partition,
                    leader_epoch: draw.int(),
                    new_isr: draw.ids(),
                    current_isr_version: draw.int(),
                }),
            }),
        }
    }
    fn response(&mut self, which: usize) -> ControlResponse {
        let code = self.code();
        match which {
            0 => ControlResponse::LeaderAndIsr(code, self.partitions(|draw, name| (name, draw.code()))),
            1 => ControlResponse::UpdateMetadata(code),
            2 => ControlResponse::StopReplica(code, self.partitions(|draw, name| (name, draw.code()))),
            3 => ControlResponse::ControlledShutdown(code, self.partitions(|_, name| name)),
            _ => ControlResponse::AlterIsr(
                code,
                self.partitions(|draw, partition| AlterIsrResult {
                    partition,
                    error_code: draw.code(),
                    leader_id: draw.int(),
                    leader_epoch: draw.int(),
                    isr: draw.ids(),
                    current_isr_version: draw.int(),
                }),
            ),
        }
    }
}

#[test]
fn every_request_and_answer_goes_there_and_back() {
    let draw = &mut Draw(Prng::new(1, "control"));
    for round in 0..2_000 {
        let request = draw.request(round % 5);
        let frame = request.encode(7, "1");
        let (api_key, api_version) = request.api();
        let header = RequestHeader { api_key, api_version, correlation_id: 7 };
        assert_eq!(ControlRequest::decode(&frame), Ok((header, request)));
        let response = draw.response(round % 5);
        let answer = response.encode(9);
        assert_eq!(ControlResponse::decode(api_key, &answer), Ok((9, response)));
        if round < 200 {
            for cut in 0..frame.len() {
                assert!(ControlRequest::decode(&frame[..cut]).is_err(), "cut at {cut}");
            }
            for cut in 0..answer.len() {
                assert!(ControlResponse::decode(api_key, &answer[..cut]).is_err(), "cut at {cut}");
            }
            assert_eq!(ControlRequest::decode(&[&frame[..], &[0]].concat()), Err(ControlError::Trailing(1)));
        }
    }
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    let draw = &mut Draw(Prng::new(2, "noise"));
    for round in 0..20_000 {
        let request = draw.request(round % 5);
        let mut bytes = request.encode(7, "1").to_vec();
        for _ in 0..=draw.below(3) {
            let at = draw.below(u64::try_from(bytes.len()).unwrap());
            bytes[at] = draw.0.next_u64().to_le_bytes()[0];
        }
        let _ = ControlRequest::decode(&bytes);
        let _ = ControlResponse::decode(request.api().0, &bytes);
    }
}

/// Bytes written down from Kafka 2.6's definitions, and not by our own encoder.
#[test]
fn bytes_are_those_of_the_definitions() {
    let stop: &[u8] = &[
        0, 5, 0, 3, 0, 0, 0, 7, // api key, version, correlation id
        0, 1, b'2', 0, // client id, no tagged fields
        0, 0, 0, 2, // controller id
        0, 0, 0, 9, // controller epoch
        0, 0, 0, 0, 0, 0, 0, 50, // broker epoch
        2,  // one topic
        2, b't', // its name
        2,    // one partition
        0, 0, 0, 3, // its index
        255, 255, 255, 254, // leader epoch
        1, 0, // delete, no tagged fields
        0, // of the topic
        0, // of the request
    ];
    let request = ControlRequest::StopReplica(StopReplicaRequest {
        controller_id: 2,
        controller_epoch: 9,
        broker_epoch: 50,
        partitions: vec![StopReplicaPartition {
            partition: TopicPartition::new(&"t".into(), 3),
            leader_epoch: -2,
            delete_partition: true,
        }],
    });
    assert_eq!(request.encode(7, "2"), stop);
    let answer: &[u8] = &[
        0, 0, 0, 7, 0, // correlation id, no tagged fields
        0, 0, // no error
        2, // one partition
        2, b't', 0, 0, 0, 3, // which
        0, 11, // STALE_CONTROLLER_EPOCH
        0,  // no tagged fields
        0,  // of the answer
    ];
    let response = ControlResponse::LeaderAndIsr(0, vec![(TopicPartition::new(&"t".into(), 3), 11)]);
    assert_eq!(response.encode(7), answer);
}
