//! A program with a transactional producer, and the brokers that answer it as a test says.

use super::*;

/// What the brokers were asked, a line each.
pub type Asked = Rc<RefCell<Vec<String>>>;

/// Which request is answered with which error, once each and in order. A handshake that stands here still tells of the
/// first version of transactions.
pub type Script = Vec<(ApiKey, ErrorCode)>;

pub fn versions(v2: bool) -> ApiVersionsResponse {
    let mut answer = all_versions();
    for (key, newest) in [
        (ApiKey::AddPartitionsToTxn, 5),
        (ApiKey::AddOffsetsToTxn, 4),
        (ApiKey::TxnOffsetCommit, 5),
        (ApiKey::EndTxn, 5),
    ] {
        answer.api_keys.push(ApiVersion::default().with_api_key(key as i16).with_max_version(newest));
    }
    let level = FinalizedFeatureKey::default()
        .with_name("transaction.version".to_owned().into())
        .with_max_version_level(if v2 { 2 } else { 1 })
        .with_min_version_level(if v2 { 2 } else { 1 });
    answer.with_finalized_features_epoch(if v2 { 8 } else { 7 }).with_finalized_features(vec![level])
}

/// A broker that leads two partitions of topic `orders` and coordinates every id and group.
pub fn broker(v2: bool, mut script: Script, asked: &Asked) -> Harness {
    let asked = asked.clone();
    let (mut epoch, mut end) = (0_i16, 0_i64);
    Harness::new(move |header: &Header, body: Bytes| {
        let note = |line: String| asked.borrow_mut().push(line);
        let at = script.iter().position(|(key, _)| *key == header.api_key);
        let code = at.map_or(ErrorCode::NONE, |at| script.remove(at).1);
        if code == ErrorCode::NETWORK_EXCEPTION {
            note(format!("{:?} lost", header.api_key));
            return Reply::Close;
        }
        match header.api_key {
            ApiKey::ApiVersions => reply(header, &versions(v2 && at.is_none())),
            ApiKey::Metadata => reply(header, &metadata(2)),
            ApiKey::FindCoordinator => {
                let request: FindCoordinatorRequest = decode_body(header, body).unwrap();
                let kind = if request.key_type == 1 { "of id" } else { "of group" };
                note(format!("FindCoordinator {kind} {}", request.coordinator_keys[0]));
                let found = Coordinator::default()
                    .with_key(request.coordinator_keys[0].clone())
                    .with_node_id(BrokerId(1))
                    .with_host("broker".to_owned().into())
                    .with_port(9092)
                    .with_error_code(code.0);
                reply(header, &FindCoordinatorResponse::default().with_coordinators(vec![found]))
            }
            ApiKey::InitProducerId => {
                let request: InitProducerIdRequest = decode_body(header, body).unwrap();
                let (id, ms) = (request.transactional_id.unwrap(), request.transaction_timeout_ms);
                note(format!(
                    "InitProducerId {} {}/{} {ms}",
                    id.as_str(),
                    request.producer_id.0,
                    request.producer_epoch
                ));
                if request.producer_epoch >= 0 && code.is_none() {
                    epoch += 1;
                }
                let answer = InitProducerIdResponse::default().with_error_code(code.0);
                reply(header, &answer.with_producer_id(7.into()).with_producer_epoch(epoch))
            }
            ApiKey::AddPartitionsToTxn => {
                let request: AddPartitionsToTxnRequest = decode_body(header, body).unwrap();
                let (mut names, mut results) = (Vec::new(), Vec::new());
                for topic in &request.v3_and_below_topics {
                    let result = |&partition: &i32| {
                        names.push(format!("{}-{partition}", topic.name.as_str()));
                        AddPartitionsToTxnPartitionResult::default()
                            .with_partition_index(partition)
                            .with_partition_error_code(code.0)
                    };
                    let partitions = topic.partitions.iter().map(result).collect();
                    results.push(
                        AddPartitionsToTxnTopicResult::default()
                            .with_name(topic.name.clone())
                            .with_results_by_partition(partitions),
                    );
                }
                let (version, epoch) = (header.version, request.v3_and_below_producer_epoch);
                note(format!("AddPartitionsToTxn v{version} epoch {epoch}: {}", names.join(" ")));
                reply(
                    header,
                    &AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(results),
                )
            }
            ApiKey::AddOffsetsToTxn => {
                let request: AddOffsetsToTxnRequest = decode_body(header, body).unwrap();
                note(format!(
                    "AddOffsetsToTxn epoch {}: {}",
                    request.producer_epoch,
                    request.group_id.as_str()
                ));
                reply(header, &AddOffsetsToTxnResponse::default().with_error_code(code.0))
            }
            ApiKey::TxnOffsetCommit => {
                let request: TxnOffsetCommitRequest = decode_body(header, body).unwrap();
                let (mut names, mut topics) = (Vec::new(), Vec::new());
                for topic in &request.topics {
                    let answer = |partition: &TxnOffsetCommitRequestPartition| {
                        names.push(format!(
                            "{}-{}@{}",
                            topic.name.as_str(),
                            partition.partition_index,
                            partition.committed_offset
                        ));
                        TxnOffsetCommitResponsePartition::default()
                            .with_partition_index(partition.partition_index)
                            .with_error_code(code.0)
                    };
                    let partitions = topic.partitions.iter().map(answer).collect();
                    topics.push(
                        TxnOffsetCommitResponseTopic::default()
                            .with_name(topic.name.clone())
                            .with_partitions(partitions),
                    );
                }
                let (version, epoch, generation) =
                    (header.version, request.producer_epoch, request.generation_id);
                note(format!(
                    "TxnOffsetCommit v{version} epoch {epoch}: {} of {} in {generation}",
                    names.join(" "),
                    request.group_id.as_str()
                ));
                reply(header, &TxnOffsetCommitResponse::default().with_topics(topics))
            }
            ApiKey::EndTxn => {
                let request: EndTxnRequest = decode_body(header, body).unwrap();
                let what = if request.committed { "commit" } else { "abort" };
                note(format!("EndTxn v{} epoch {}: {what}", header.version, request.producer_epoch));
                let mut answer = EndTxnResponse::default().with_error_code(code.0);
                if header.version >= 5 && code.is_none() {
                    epoch += 1;
                    answer = answer.with_producer_id(7.into()).with_producer_epoch(epoch);
                }
                reply(header, &answer)
            }
            _ => {
                let request: ProduceRequest = decode_body(header, body).unwrap();
                let (mut parts, mut answers) = (Vec::new(), Vec::new());
                for partition in request.topic_data.iter().flat_map(|topic| &topic.partition_data) {
                    let batch = batches(partition.records.as_ref().unwrap()).next().unwrap().unwrap();
                    assert!(batch.is_transactional());
                    let text = |value: Option<Bytes>| String::from_utf8(value.unwrap().to_vec()).unwrap();
                    let values: Vec<String> =
                        batch.records().unwrap().map(|record| text(record.unwrap().value)).collect();
                    parts.push(format!(
                        "{}:{} epoch {} sequence {}",
                        partition.index,
                        values.join(","),
                        batch.producer_epoch(),
                        batch.base_sequence()
                    ));
                    answers.push(
                        PartitionProduceResponse::default()
                            .with_index(partition.index)
                            .with_error_code(code.0)
                            .with_base_offset(end)
                            .with_log_append_time_ms(-1),
                    );
                    end += i64::from(batch.records_count());
                }
                let id = request.transactional_id.map(|id| id.to_string()).unwrap_or_default();
                note(format!("Produce v{} {id} {}", header.version, parts.join(" ")));
                let mut topic = TopicProduceResponse::default().with_partition_responses(answers);
                if header.version >= 13 {
                    topic.topic_id = Uuid::from_u128(5);
                } else {
                    topic.name = request.topic_data[0].name.clone();
                }
                reply(header, &ProduceResponse::default().with_responses(vec![topic]))
            }
        }
    })
}

/// A program with a transactional producer.
pub struct Program {
    pub harness: Harness,
    pub producer: Producer,
    pub asked: Asked,
    pub delivered: Vec<Delivery>,
}

pub fn thrown(error: &TransactionError) -> String {
    let class = error.class();
    let class = class.rsplit('.').next().unwrap_or_default().to_owned();
    match &error.cause {
        Some(cause) => format!("{class}: {error} <- {}", thrown(cause)),
        None => format!("{class}: {error}"),
    }
}

impl Program {
    pub fn new(v2: bool, script: Script) -> Program {
        Program::with(v2, script, |_| {})
    }

    pub fn with(v2: bool, script: Script, change: impl FnOnce(&mut ProducerConfig)) -> Program {
        let asked = Asked::default();
        let harness = broker(v2, script, &asked);
        let mut config = ProducerConfig::new(ClientConfig::new(bootstrap(), "test"));
        config.transactional_id = Some("t".to_owned());
        change(&mut config);
        Program { harness, producer: Producer::new(config), asked, delivered: Vec::new() }
    }

    /// Does something and goes on until it has come to its end, which is told.
    pub fn wait(
        &mut self,
        act: impl FnOnce(&mut Producer, &mut Context<'_>) -> Result<(), TransactionError>,
    ) -> String {
        let producer = &mut self.producer;
        if let Err(error) = self.harness.with(|cx| act(producer, cx)) {
            return thrown(&error);
        }
        self.turn();
        for _ in 0..100_000 {
            if let Some(event) = self.producer.take_transaction_events().pop() {
                return match event.result {
                    Ok(()) => format!("{} ok", event.operation.method()),
                    Err(error) => thrown(&error),
                };
            }
            self.step();
        }
        panic!("no end: {:?}", self.asked.borrow())
    }

    pub fn turn(&mut self) {
        let delivered = self.harness.with(|cx| self.producer.poll(cx));
        self.delivered.extend(delivered);
    }

    pub fn step(&mut self) -> bool {
        let timeout = self.producer.next_timeout(self.harness.now);
        let Some(input) = self.harness.next(timeout, ms(7_200_000)) else { return false };
        let delivered = self.harness.with(|cx| self.producer.handle(cx, &input));
        self.delivered.extend(delivered);
        true
    }

    pub fn init(&mut self) -> String {
        self.wait(|producer, cx| producer.init_transactions(cx))
    }

    pub fn begin(&mut self) -> String {
        self.producer.begin_transaction().map_or_else(|error| thrown(&error), |()| "ok".to_owned())
    }

    pub fn commit(&mut self) -> String {
        self.wait(|producer, cx| producer.commit_transaction(cx))
    }

    pub fn abort(&mut self) -> String {
        self.wait(|producer, cx| producer.abort_transaction(cx))
    }

    pub fn offsets(&mut self, partition: i32, offset: i64) -> String {
        let at = OffsetAndMetadata { offset, leader_epoch: Some(3), metadata: String::new() };
        let offsets = BTreeMap::from([(TopicPartition::new("in", partition), at)]);
        let group = ConsumerGroupMetadata {
            generation_id: 5,
            member_id: "m".to_owned(),
            ..ConsumerGroupMetadata::new("g")
        };
        self.wait(|producer, cx| producer.send_offsets_to_transaction(cx, offsets, group))
    }

    /// Hands over a record, once the topic is known.
    pub fn send(&mut self, value: &str, partition: i32) -> String {
        let mut record = ProducerRecord {
            topic: "orders".into(),
            partition: Some(partition),
            timestamp: None,
            key: None,
            value: Some(Bytes::copy_from_slice(value.as_bytes())),
            headers: Vec::new(),
        };
        loop {
            let producer = &mut self.producer;
            match self.harness.with(|cx| producer.send(cx, record)) {
                Ok(_) => return "ok".to_owned(),
                Err(Refused::Failed(error)) => return error.to_string(),
                Err(Refused::Wait(again)) => record = *again,
            }
            self.turn();
            assert!(self.step(), "nothing comes");
        }
    }

    /// Goes on until every record is delivered or given up.
    pub fn settle(&mut self) {
        self.producer.flush();
        self.turn();
        while self.producer.pending() > 0 && self.step() {}
    }

    pub fn state(&self) -> &'static str {
        self.producer.transaction_state().map_or("", TransactionState::name)
    }

    pub fn take_asked(&mut self) -> Vec<String> {
        std::mem::take(&mut *self.asked.borrow_mut())
    }

    /// A transaction that is open, with a record that is acknowledged.
    pub fn opened(v2: bool, script: Script) -> Program {
        let mut program = Program::new(v2, script);
        assert_eq!(program.init(), "initTransactions ok");
        assert_eq!(program.begin(), "ok");
        assert_eq!(program.send("a", 0), "ok");
        program.settle();
        program
    }
}
