//! The good requests that odd ones are made of, API by API, and what has to be there for them.
//!
//! `{t}` in a text is the number of the topic that was prepared, `{f}` that of what else was: what a request may have
//! changed is prepared again under another number, so that one difference does not become a hundred.

use blumfeld_protocol::ApiKey;
use serde_json::{Value, json};

use crate::batches;
use crate::normal::is_own_group;
use crate::step::{Request, Step};

/// What is there before a request is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fixture {
    /// Nothing but the cluster.
    Nothing,
    /// `r-{t}`: two partitions; the first has three batches of two records, and its log starts at offset 2.
    Topic,
    /// The same, and a group `g-{f}` that committed offset 3, with nobody in it.
    Offsets,
    /// The same topic, and a group `m-{f}` of one member, which has joined and synced: `$member`, generation 1.
    Group,
    /// A fetch session over `r-{t}`, by name or by id as the request's version has it: `$session`.
    Session,
    /// The same, by name.
    OldSession,
}

/// A good request, and how it is to be treated.
#[derive(Clone, Debug)]
pub struct Base {
    /// The API.
    pub api: ApiKey,
    /// The versions that it is for.
    pub versions: (i16, i16),
    /// What has to be there.
    pub fixture: Fixture,
    /// Whether each request wants a new preparation.
    pub fresh: bool,
    /// Whether it changes nothing.
    pub reads: bool,
    /// The body; fields that a version does not have are left out of it.
    pub body: Value,
    /// What is read after it, to see what it has changed.
    pub probe: Vec<(ApiKey, i16, Value)>,
}

impl Base {
    fn new(api: ApiKey, fixture: Fixture, body: Value) -> Base {
        Base { api, versions: (0, i16::MAX), fixture, fresh: false, reads: false, body, probe: Vec::new() }
    }

    fn read(api: ApiKey, fixture: Fixture, body: Value) -> Base {
        Base { reads: true, ..Base::new(api, fixture, body) }
    }

    fn fresh(self) -> Base {
        Base { fresh: true, ..self }
    }

    fn since(self, version: i16) -> Base {
        Base { versions: (version, self.versions.1), ..self }
    }

    fn until(self, version: i16) -> Base {
        Base { versions: (self.versions.0, version), ..self }
    }

    fn probe(mut self, api: ApiKey, version: i16, body: Value) -> Base {
        self.probe.push((api, version, body));
        self
    }

    fn ends(self) -> Base {
        let partition =
            |index: i32, timestamp: i64| json!({ "partitionIndex": index, "timestamp": timestamp });
        self.probe(
            ApiKey::ListOffsets,
            7,
            json!({ "replicaId": -1, "topics": [
                { "name": "r-{t}", "partitions": [partition(0, -1)] },
                { "name": "r-{t}", "partitions": [partition(1, -1)] },
            ]}),
        )
    }

    fn described(self, name: &str) -> Base {
        let body = json!({ "topics": [{ "name": name }], "allowAutoTopicCreation": false });
        let configs = json!({ "resources": [
            { "resourceType": 2, "resourceName": name, "configurationKeys": ["retention.ms", "segment.bytes", "cleanup.policy"] }
        ]});
        self.probe(ApiKey::Metadata, 12, body).probe(ApiKey::DescribeConfigs, 4, configs)
    }
}

/// The good requests of all APIs.
pub fn bases() -> Vec<Base> {
    let mut all = reading();
    all.extend(writing());
    all.extend(groups());
    all.extend(administration());
    all
}

fn reading() -> Vec<Base> {
    let fetch = |session: Value, epoch: i32, offset: i64| {
        json!({
            "replicaId": -1, "maxWaitMs": 0, "minBytes": 1, "maxBytes": 1_000_000, "isolationLevel": 0,
            "sessionId": session, "sessionEpoch": epoch, "rackId": "",
            "topics": [{ "topic": "r-{t}", "topicId": "$topic:r-{t}", "partitions": [
                { "partition": 0, "currentLeaderEpoch": -1, "fetchOffset": offset, "lastFetchedEpoch": -1,
                  "logStartOffset": -1, "partitionMaxBytes": 1_000_000 },
            ]}],
            "forgottenTopicsData": [],
        })
    };
    let forgets = |mut body: Value| {
        body["topics"] = json!([]);
        body["forgottenTopicsData"] =
            json!([{ "topic": "r-{t}", "topicId": "$topic:r-{t}", "partitions": [0] }]);
        body
    };
    let list = |timestamp: i64| {
        json!({ "replicaId": -1, "isolationLevel": 0, "timeoutMs": 30000, "topics": [
            { "name": "r-{t}", "partitions": [{ "partitionIndex": 0, "currentLeaderEpoch": -1, "timestamp": timestamp }] },
        ]})
    };
    vec![
        Base::read(ApiKey::Fetch, Fixture::Topic, fetch(json!(0), -1, 2)),
        Base::read(ApiKey::Fetch, Fixture::Topic, fetch(json!(0), -1, 6)),
        Base::new(ApiKey::Fetch, Fixture::Session, fetch(json!("$session"), 1, 4)).fresh().since(7),
        Base::new(ApiKey::Fetch, Fixture::OldSession, fetch(json!("$session"), 1, 4)).fresh().since(13),
        Base::new(ApiKey::Fetch, Fixture::Session, forgets(fetch(json!("$session"), 1, 4))).fresh().since(7),
        Base::read(ApiKey::ListOffsets, Fixture::Topic, list(-1)),
        Base::read(ApiKey::ListOffsets, Fixture::Topic, list(1_700_000_000_000)),
        Base::read(
            ApiKey::Metadata,
            Fixture::Topic,
            json!({ "topics": [{ "name": "r-{t}" }], "allowAutoTopicCreation": false,
                "includeClusterAuthorizedOperations": false, "includeTopicAuthorizedOperations": false }),
        ),
        Base::read(
            ApiKey::Metadata,
            Fixture::Topic,
            json!({ "topics": [{ "topicId": "$topic:r-{t}", "name": null }], "allowAutoTopicCreation": false }),
        )
        .since(12),
        Base::read(ApiKey::ApiVersions, Fixture::Nothing, json!({ "clientSoftwareName": "compare", "clientSoftwareVersion": "1" })),
        Base::read(
            ApiKey::OffsetForLeaderEpoch,
            Fixture::Topic,
            json!({ "replicaId": -1, "topics": [{ "topic": "r-{t}", "partitions": [
                { "partition": 0, "currentLeaderEpoch": -1, "leaderEpoch": 0 },
            ]}]}),
        ),
        Base::read(
            ApiKey::DescribeConfigs,
            Fixture::Topic,
            json!({ "resources": [{ "resourceType": 2, "resourceName": "r-{t}", "configurationKeys": ["retention.ms"] }],
                "includeSynonyms": true, "includeDocumentation": false }),
        ),
        Base::read(
            ApiKey::DescribeConfigs,
            Fixture::Nothing,
            json!({ "resources": [{ "resourceType": 4, "resourceName": "1", "configurationKeys": ["log.retention.ms"] }],
                "includeSynonyms": true, "includeDocumentation": false }),
        ),
        Base::read(ApiKey::DescribeLogDirs, Fixture::Topic, json!({ "topics": [{ "topic": "r-{t}", "partitions": [0] }] })),
        Base::read(ApiKey::DescribeCluster, Fixture::Nothing, json!({ "endpointType": 1 })),
        Base::read(
            ApiKey::DescribeTopicPartitions,
            Fixture::Topic,
            json!({ "topics": [{ "name": "r-{t}" }], "responsePartitionLimit": 10, "cursor": null }),
        ),
        Base::read(
            ApiKey::DescribeTopicPartitions,
            Fixture::Topic,
            json!({ "topics": [{ "name": "r-{t}" }], "responsePartitionLimit": 1,
                "cursor": { "topicName": "r-{t}", "partitionIndex": 1 } }),
        ),
        Base::read(
            ApiKey::DescribeQuorum,
            Fixture::Nothing,
            json!({ "topics": [{ "topicName": "__cluster_metadata", "partitions": [{ "partitionIndex": 0 }] }] }),
        ),
        Base::read(
            ApiKey::DescribeProducers,
            Fixture::Topic,
            json!({ "topics": [{ "name": "r-{t}", "partitionIndexes": [0] }] }),
        ),
        Base::read(
            ApiKey::ListPartitionReassignments,
            Fixture::Topic,
            json!({ "timeoutMs": 30000, "topics": [{ "name": "r-{t}", "partitionIndexes": [0] }] }),
        ),
    ]
}

fn writing() -> Vec<Base> {
    let produce = |acks: i16| {
        json!({ "transactionalId": null, "acks": acks, "timeoutMs": 30000, "topicData": [
            { "name": "r-{t}", "topicId": "$topic:r-{t}", "partitionData": [
                { "index": 1, "records": batches::value(&batches::plain(2)) },
            ]},
        ]})
    };
    vec![
        Base::new(ApiKey::Produce, Fixture::Topic, produce(-1)).ends(),
        Base::new(ApiKey::Produce, Fixture::Topic, produce(0)).ends(),
        Base::new(
            ApiKey::DeleteRecords,
            Fixture::Topic,
            json!({ "topics": [{ "name": "r-{t}", "partitions": [{ "partitionIndex": 0, "offset": 3 }] }], "timeoutMs": 30000 }),
        )
        .fresh()
        .ends(),
        Base::new(
            ApiKey::InitProducerId,
            Fixture::Nothing,
            json!({ "transactionalId": null, "transactionTimeoutMs": 1000, "producerId": -1, "producerEpoch": -1 }),
        ),
    ]
}

fn groups() -> Vec<Base> {
    let commit = |group: &str, generation: i32, member: &str| {
        json!({ "groupId": group, "generationIdOrMemberEpoch": generation, "memberId": member, "groupInstanceId": null,
            "retentionTimeMs": -1, "topics": [{ "name": "r-{t}", "topicId": "$topic:r-{t}", "partitions": [
                { "partitionIndex": 0, "committedOffset": 4, "committedLeaderEpoch": -1, "committedMetadata": "m" },
            ]}] })
    };
    let committed = |group: &str| json!({ "groupId": group, "topics": null, "requireStable": false });
    let protocols = json!([{ "name": "range", "metadata": "AAAAAAAAAAAAAA==" }]);
    let join = |group: &str, member: &str| {
        json!({ "groupId": group, "sessionTimeoutMs": 30000, "rebalanceTimeoutMs": 500, "memberId": member,
            "groupInstanceId": null, "protocolType": "consumer", "protocols": protocols, "reason": null })
    };
    let listed =
        |base: Base| base.probe(ApiKey::DescribeGroups, 5, json!({ "groups": ["m-{f}", "j-{f}", "g-{f}"] }));
    vec![
        Base::new(ApiKey::OffsetCommit, Fixture::Offsets, commit("g-{f}", -1, "")).probe(
            ApiKey::OffsetFetch,
            7,
            committed("g-{f}"),
        ),
        Base::new(ApiKey::OffsetCommit, Fixture::Group, commit("m-{f}", 1, "$member")).probe(
            ApiKey::OffsetFetch,
            7,
            committed("m-{f}"),
        ),
        Base::read(
            ApiKey::OffsetFetch,
            Fixture::Offsets,
            json!({ "groupId": "g-{f}", "topics": [{ "name": "r-{t}", "partitionIndexes": [0] }], "requireStable": false }),
        )
        .until(7),
        Base::read(
            ApiKey::OffsetFetch,
            Fixture::Offsets,
            json!({ "groups": [{ "groupId": "g-{f}", "memberId": null, "memberEpoch": -1, "topics": [
                { "name": "r-{t}", "topicId": "$topic:r-{t}", "partitionIndexes": [0] }] }], "requireStable": false }),
        )
        .since(8),
        Base::read(
            ApiKey::OffsetFetch,
            Fixture::Offsets,
            json!({ "groups": [{ "groupId": "g-{f}", "memberId": null, "memberEpoch": -1, "topics": null }] }),
        )
        .since(8),
        Base::read(
            ApiKey::FindCoordinator,
            Fixture::Nothing,
            json!({ "key": "g", "keyType": 0, "coordinatorKeys": ["g"] }),
        ),
        listed(Base::new(ApiKey::JoinGroup, Fixture::Nothing, join("j-{f}", "")).fresh()),
        listed(Base::new(ApiKey::JoinGroup, Fixture::Group, join("m-{f}", "$member")).fresh()),
        listed(
            Base::new(
                ApiKey::SyncGroup,
                Fixture::Group,
                json!({ "groupId": "m-{f}", "generationId": 1, "memberId": "$member", "groupInstanceId": null,
                    "protocolType": "consumer", "protocolName": "range",
                    "assignments": [{ "memberId": "$member", "assignment": "AAAAAAAAAAAAAA==" }] }),
            )
            .fresh(),
        ),
        listed(Base::new(
            ApiKey::Heartbeat,
            Fixture::Group,
            json!({ "groupId": "m-{f}", "generationId": 1, "memberId": "$member", "groupInstanceId": null }),
        )),
        listed(
            Base::new(
                ApiKey::LeaveGroup,
                Fixture::Group,
                json!({ "groupId": "m-{f}", "memberId": "$member",
                    "members": [{ "memberId": "$member", "groupInstanceId": null, "reason": null }] }),
            )
            .fresh(),
        ),
        Base::read(ApiKey::DescribeGroups, Fixture::Group, json!({ "groups": ["m-{f}"], "includeAuthorizedOperations": false })),
        // Only dead groups, whatever else there is: the list of all is of a run's history.
        Base::read(ApiKey::ListGroups, Fixture::Nothing, json!({ "statesFilter": ["Dead"], "typesFilter": [] })),
        Base::new(ApiKey::DeleteGroups, Fixture::Offsets, json!({ "groupsNames": ["g-{f}"] })).fresh().probe(
            ApiKey::OffsetFetch,
            7,
            committed("g-{f}"),
        ),
        Base::new(
            ApiKey::OffsetDelete,
            Fixture::Offsets,
            json!({ "groupId": "g-{f}", "topics": [{ "name": "r-{t}", "partitions": [{ "partitionIndex": 0 }] }] }),
        )
        .fresh()
        .probe(ApiKey::OffsetFetch, 7, committed("g-{f}")),
    ]
}

fn administration() -> Vec<Base> {
    let create = |validate: bool, assigned: bool| {
        let assignments =
            if assigned { json!([{ "partitionIndex": 0, "brokerIds": [1] }]) } else { json!([]) };
        let (partitions, factor) = if assigned { (-1, -1) } else { (1, 1) };
        json!({ "topics": [{ "name": "c-{f}", "numPartitions": partitions, "replicationFactor": factor,
            "assignments": assignments, "configs": [{ "name": "retention.ms", "value": "1000000" }] }],
            "timeoutMs": 30000, "validateOnly": validate })
    };
    let alter = |kind: i8, name: &str, key: &str, value: &str, validate: bool| {
        json!({ "resources": [{ "resourceType": kind, "resourceName": name, "configs": [
            { "name": key, "configOperation": 0, "value": value }] }], "validateOnly": validate })
    };
    vec![
        Base::new(ApiKey::CreateTopics, Fixture::Nothing, create(true, false)),
        Base::new(ApiKey::CreateTopics, Fixture::Nothing, create(true, true)),
        Base::new(ApiKey::CreateTopics, Fixture::Nothing, create(false, false)).fresh().described("c-{f}"),
        Base::new(
            ApiKey::DeleteTopics,
            Fixture::Topic,
            json!({ "topicNames": ["r-{t}"], "topics": [{ "name": "r-{t}" }], "timeoutMs": 30000 }),
        )
        .fresh()
        .described("r-{t}"),
        Base::new(
            ApiKey::DeleteTopics,
            Fixture::Topic,
            json!({ "topics": [{ "name": null, "topicId": "$topic:r-{t}" }], "timeoutMs": 30000 }),
        )
        .since(6)
        .fresh()
        .described("r-{t}"),
        Base::new(
            ApiKey::CreatePartitions,
            Fixture::Topic,
            json!({ "topics": [{ "name": "r-{t}", "count": 3, "assignments": null }], "timeoutMs": 30000, "validateOnly": true }),
        ),
        Base::new(
            ApiKey::CreatePartitions,
            Fixture::Topic,
            json!({ "topics": [{ "name": "r-{t}", "count": 3, "assignments": [{ "brokerIds": [1] }] }],
                "timeoutMs": 30000, "validateOnly": false }),
        )
        .fresh()
        .described("r-{t}"),
        Base::new(
            ApiKey::IncrementalAlterConfigs,
            Fixture::Topic,
            alter(2, "r-{t}", "retention.ms", "5000", false),
        )
        .described("r-{t}"),
        Base::new(
            ApiKey::IncrementalAlterConfigs,
            Fixture::Topic,
            alter(2, "r-{t}", "cleanup.policy", "compact", true),
        ),
        Base::new(
            ApiKey::IncrementalAlterConfigs,
            Fixture::Nothing,
            alter(4, "1", "log.retention.ms", "5000000", true),
        ),
        Base::new(ApiKey::AlterConfigs, Fixture::Topic, alter(2, "r-{t}", "retention.ms", "5000", false))
            .described("r-{t}"),
        Base::new(
            ApiKey::ElectLeaders,
            Fixture::Topic,
            json!({ "electionType": 0, "topicPartitions": [{ "topic": "r-{t}", "partitions": [0] }], "timeoutMs": 30000 }),
        ),
        Base::new(
            ApiKey::AlterPartitionReassignments,
            Fixture::Topic,
            json!({ "timeoutMs": 30000, "allowReplicationFactorChange": true, "topics": [
                { "name": "r-{t}", "partitions": [{ "partitionIndex": 0, "replicas": [1] }] }] }),
        )
        .described("r-{t}"),
        Base::new(ApiKey::UnregisterBroker, Fixture::Nothing, json!({ "brokerId": 99 })),
        Base::read(
            ApiKey::DescribeAcls,
            Fixture::Nothing,
            json!({ "resourceTypeFilter": 1, "resourceNameFilter": null, "patternTypeFilter": 1, "principalFilter": null,
                "hostFilter": null, "operation": 1, "permissionType": 1 }),
        ),
        Base::read(
            ApiKey::CreateAcls,
            Fixture::Nothing,
            json!({ "creations": [{ "resourceType": 2, "resourceName": "r", "resourcePatternType": 3, "principal": "User:a",
                "host": "*", "operation": 3, "permissionType": 3 }] }),
        ),
        Base::read(
            ApiKey::DeleteAcls,
            Fixture::Nothing,
            json!({ "filters": [{ "resourceTypeFilter": 2, "resourceNameFilter": "r", "patternTypeFilter": 3,
                "principalFilter": null, "hostFilter": null, "operation": 1, "permissionType": 1 }] }),
        ),
        Base::read(
            ApiKey::DescribeClientQuotas,
            Fixture::Nothing,
            json!({ "components": [
            { "entityType": "user", "matchType": 0, "match": "nobody" }], "strict": false }),
        ),
        Base::read(
            ApiKey::DescribeUserScramCredentials,
            Fixture::Nothing,
            json!({ "users": [{ "name": "nobody" }] }),
        ),
        Base::new(
            ApiKey::AlterClientQuotas,
            Fixture::Nothing,
            json!({ "entries": [{
            "entity": [{ "entityType": "client-id", "entityName": "q-{f}" }],
            "ops": [{ "key": "producer_byte_rate", "value": 1000.0, "remove": false }] }], "validateOnly": true }),
        ),
        Base::read(
            ApiKey::ListTransactions,
            Fixture::Nothing,
            json!({ "stateFilters": [], "producerIdFilters": [], "durationFilter": -1 }),
        ),
        Base::read(
            ApiKey::DescribeTransactions,
            Fixture::Nothing,
            json!({ "transactionalIds": ["unknown"] }),
        ),
        Base::read(ApiKey::ListConfigResources, Fixture::Nothing, json!({ "resourceTypes": [4] })),
        Base::read(ApiKey::SaslHandshake, Fixture::Nothing, json!({ "mechanism": "PLAIN" })),
        Base::new(
            ApiKey::UpdateFeatures,
            Fixture::Nothing,
            json!({ "timeoutMs": 30000, "featureUpdates": [
            { "feature": "unknown", "maxVersionLevel": 1, "allowDowngrade": false, "upgradeType": 1 }], "validateOnly": true }),
        ),
        Base::new(
            ApiKey::AlterReplicaLogDirs,
            Fixture::Topic,
            json!({ "dirs": [
            { "path": "/nowhere", "topics": [{ "name": "r-{t}", "partitions": [0] }] }] }),
        ),
    ]
}

/// What a run begins with: who the cluster is, and a coordinator of groups.
pub fn begin() -> Vec<Step> {
    let metadata = json!({ "topics": [], "allowAutoTopicCreation": false });
    let find = json!({ "keyType": 0, "coordinatorKeys": ["g"] });
    // Of no topic: committed as soon as the coordinator is there.
    let producer = json!({ "transactionalId": null, "producerId": -1, "producerEpoch": -1 });
    let commit = json!({ "groupId": "g", "generationIdOrMemberEpoch": -1, "memberId": "", "topics": [] });
    vec![
        Step::prepare(Request::new(ApiKey::Metadata, 8, metadata)).keep("$cluster", "/clusterId"),
        Step::prepare(Request::new(ApiKey::FindCoordinator, 4, find))
            .until("/coordinators/0/errorCode", json!(0)),
        Step::prepare(Request::new(ApiKey::OffsetCommit, 8, commit)),
        Step::prepare(Request::new(ApiKey::InitProducerId, 4, producer)).until("/errorCode", json!(0)),
    ]
}

/// The steps that prepare the topic of a number.
pub fn topic(number: u64) -> Vec<Step> {
    let topic = format!("r-{number}");
    let mut steps = vec![
        Step::prepare(Request::new(
            ApiKey::CreateTopics,
            7,
            json!({ "topics": [{ "name": topic, "numPartitions": 2, "replicationFactor": 1,
                // Its records are of a day long past.
                "configs": [{ "name": "retention.ms", "value": "-1" }] }], "timeoutMs": 60000 }),
        ))
        .keep(format!("$topic:{topic}"), "/topics/0/topicId"),
    ];
    for (partition, count) in [(0, 2), (0, 2), (0, 2), (1, 1)] {
        let body = json!({ "acks": -1, "timeoutMs": 5000, "topicData": [{ "name": topic, "partitionData": [
            { "index": partition, "records": batches::value(&batches::plain(count)) }] }] });
        let step = Step::prepare(Request::new(ApiKey::Produce, 9, body));
        steps.push(step.until("/responses/0/partitionResponses/0/errorCode", json!(0)));
    }
    steps.push(
        Step::prepare(Request::new(
            ApiKey::DeleteRecords,
            2,
            json!({ "topics": [{ "name": topic, "partitions": [{ "partitionIndex": 0, "offset": 2 }] }], "timeoutMs": 5000 }),
        ))
        .until("/topics/0/partitions/0/errorCode", json!(0)),
    );
    steps
}

/// The step that takes the topic of a number away, if it is there still.
pub fn without_topic(number: u64) -> Step {
    let topics = json!({ "topicNames": [format!("r-{number}")], "timeoutMs": 60000 });
    Step::prepare(Request::new(ApiKey::DeleteTopics, 5, topics))
}

/// The steps that prepare what else there is, of another number, for a request of a version.
pub fn prepare(fixture: Fixture, version: i16, topic: u64, number: u64) -> Vec<Step> {
    let (topic, offsets, group) = (format!("r-{topic}"), format!("g-{number}"), format!("m-{number}"));
    let mut steps = Vec::new();
    match fixture {
        Fixture::Nothing | Fixture::Topic => {}
        Fixture::Offsets => steps.push(
            Step::prepare(Request::new(
                ApiKey::OffsetCommit,
                8,
                json!({ "groupId": offsets, "generationIdOrMemberEpoch": -1, "memberId": "", "topics": [
                    { "name": topic, "partitions": [{ "partitionIndex": 0, "committedOffset": 3, "committedMetadata": "" }] }] }),
            ))
            .until("/topics/0/partitions/0/errorCode", json!(0)),
        ),
        Fixture::Group => {
            let join = |member: &str| {
                json!({ "groupId": group, "sessionTimeoutMs": 30000, "rebalanceTimeoutMs": 500, "memberId": member,
                    "protocolType": "consumer", "protocols": [{ "name": "range", "metadata": "AAAAAAAAAAAAAA==" }] })
            };
            // A coordinator that loads answers with an error at first.
            let first = Step::prepare(Request::new(ApiKey::JoinGroup, 5, join("")));
            steps.push(first.until("/errorCode", json!(79)).keep("$member", "/memberId"));
            steps.push(Step::prepare(Request::new(ApiKey::JoinGroup, 5, join("$member"))));
            steps.push(Step::prepare(Request::new(
                ApiKey::SyncGroup,
                3,
                json!({ "groupId": group, "generationId": 1, "memberId": "$member",
                    "assignments": [{ "memberId": "$member", "assignment": "AAAAAAAAAAAAAA==" }] }),
            )));
        }
        Fixture::Session | Fixture::OldSession => {
            let by_id = fixture == Fixture::Session && version >= 13;
            let body = json!({ "maxWaitMs": 0, "minBytes": 1, "maxBytes": 1_000_000, "sessionId": 0, "sessionEpoch": 0,
                "topics": [{ "topic": topic, "topicId": format!("$topic:{topic}"), "partitions": [
                    { "partition": 0, "fetchOffset": 2, "partitionMaxBytes": 1_000_000 },
                    { "partition": 1, "fetchOffset": 0, "partitionMaxBytes": 1_000_000 }] }] });
            let step = Step::prepare(Request::new(ApiKey::Fetch, if by_id { 13 } else { 12 }, body));
            steps.push(step.keep("$session", "/sessionId"));
        }
    }
    steps
}

/// What takes away again what one of the two may have made and the other not: topics.
pub fn undo(step: &Step) -> Option<Step> {
    let topics = step.request.body.get("topics").map(|all| all.get("of").unwrap_or(all))?;
    let names: Vec<&Value> = topics.as_array()?.iter().filter_map(|one| one.get("name")).collect();
    let wanted = step.request.api == ApiKey::CreateTopics as i16 && names.iter().all(|name| name.is_string());
    let body = json!({ "topicNames": names, "timeoutMs": 60000 });
    wanted.then(|| Step::prepare(Request::new(ApiKey::DeleteTopics, 5, body)))
}

/// The member that the last request to join a shared group has made.
pub const JOINED: &str = "$joined";

/// What takes a member out of a group again that other requests join too: else they would find it there or not, as its
/// session is over or not.
pub fn leave(request: &Request) -> Option<Step> {
    let group = request.body.get("groupId").filter(|group| group.is_string() && !is_own_group(group))?;
    let body = json!({ "groupId": group, "members": [{ "memberId": JOINED, "groupInstanceId": null }] });
    let leave = Step::prepare(Request::new(ApiKey::LeaveGroup, 3, body));
    (request.api == ApiKey::JoinGroup as i16).then_some(leave)
}

/// Whether a request would take away what all others stand on.
pub fn harmful(api: ApiKey, body: &Value) -> bool {
    match api {
        ApiKey::UnregisterBroker => body.get("brokerId") == Some(&json!(1)),
        ApiKey::UpdateFeatures => body.get("validateOnly") != Some(&json!(true)),
        // Kafka's group never gets over a protocol that is named twice, or a text that is too long for its answers
        // (known.txt): only one that nobody else asks for may have it.
        ApiKey::JoinGroup => {
            let own = body.get("groupId").and_then(Value::as_str).is_some_and(|group| group.contains("{f}"));
            let protocols = body.get("protocols").map(|all| all.get("of").unwrap_or(all));
            let protocols = protocols.and_then(Value::as_array).into_iter().flatten();
            let names: Vec<&Value> = protocols.filter_map(|one| one.get("name")).collect();
            let twice = names
                .iter()
                .enumerate()
                .any(|(at, name)| names.iter().skip(at + 1).any(|other| other == name));
            !own && (twice || body.to_string().len() > usize::from(u16::MAX) / 2)
        }
        // The broker's own settings: what they change would last.
        ApiKey::IncrementalAlterConfigs | ApiKey::AlterConfigs => {
            let resources = body.get("resources").and_then(Value::as_array);
            let of_brokers =
                |one: &Value| matches!(one.get("resourceType").and_then(Value::as_i64), Some(4 | 8));
            body.get("validateOnly") != Some(&json!(true))
                && resources.is_some_and(|all| all.iter().any(of_brokers))
        }
        _ => false,
    }
}

/// Whether what is left of a step depends on the time: a group that others ask for too has its members for as long as
/// their sessions last.
pub fn lasts(step: &Step) -> bool {
    let body = &step.request.body;
    match step.request.api {
        api if api == ApiKey::JoinGroup as i16 || (api == ApiKey::LeaveGroup as i16 && !step.compared) => {
            !body.get("groupId").is_some_and(is_own_group)
        }
        api if api == ApiKey::DescribeGroups as i16 => {
            let groups = body.get("groups").map(|groups| groups.get("of").unwrap_or(groups));
            !groups.and_then(Value::as_array).into_iter().flatten().all(is_own_group)
        }
        _ => false,
    }
}

/// The numbers of what was prepared, in all texts of a body.
pub fn numbered(value: &Value, topic: u64, number: u64) -> Value {
    let inner = |value: &Value| numbered(value, topic, number);
    match value {
        Value::String(text) if text.contains('{') => {
            json!(text.replace("{t}", &topic.to_string()).replace("{f}", &number.to_string()))
        }
        Value::Array(elements) => elements.iter().map(inner).collect(),
        Value::Object(object) => {
            Value::Object(object.iter().map(|(key, value)| (key.clone(), inner(value))).collect())
        }
        other => other.clone(),
    }
}
