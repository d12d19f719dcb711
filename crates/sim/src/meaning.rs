//! What the records of `__consumer_offsets` say, in the fields of Kafka's schemas (group-coordinator's
//! common/message). The coordinator's own code reads them.

use blumfeld_broker::{
    GROUP_METADATA_TOPIC, GroupMetadataValue, GroupRecord, MemberMetadata, OffsetAndMetadata,
};
use blumfeld_protocol::uuid_text;
use blumfeld_view::MeaningView;
use bytes::Bytes;

use blumfeld_broker::assigned_partitions;

type Fields = Vec<(String, String)>;

/// What a record of a topic says; nothing for topics that are not Kafka's own.
pub fn meaning(topic: &str, key: Option<&Bytes>, value: Option<&Bytes>) -> Option<MeaningView> {
    if topic != GROUP_METADATA_TOPIC {
        return None;
    }
    let (keyed, valued) = (version(key), version(value));
    let record = match GroupRecord::decode(key, value) {
        Ok(record) => record,
        Err(error) => return Some(MeaningView { error: Some(error.to_string()), ..MeaningView::default() }),
    };
    let schema = |name: &str, version: Option<i16>| version.map(|version| format!("{name} v{version}"));
    Some(match record {
        GroupRecord::Offset { group, topic, partition, value } => MeaningView {
            key_schema: schema("OffsetCommitKey", keyed).unwrap_or_default(),
            key: fields([("group", group), ("topic", topic), ("partition", partition.to_string())]),
            value_schema: schema("OffsetCommitValue", valued),
            value: value.map(|value| offset_fields(&value, valued)).unwrap_or_default(),
            ..MeaningView::default()
        },
        GroupRecord::Group { group, value } => MeaningView {
            key_schema: schema("GroupMetadataKey", keyed).unwrap_or_default(),
            key: fields([("group", group)]),
            value_schema: schema("GroupMetadataValue", valued),
            value: value.as_ref().map(|value| group_fields(value, valued)).unwrap_or_default(),
            members: value.map_or_else(Vec::new, |value| {
                let consumers = value.protocol_type == "consumer";
                value.members.iter().map(|member| member_fields(member, consumers)).collect()
            }),
            error: None,
        },
    })
}

/// The number in front of a key or a value.
fn version(bytes: Option<&Bytes>) -> Option<i16> {
    bytes?.first_chunk::<2>().map(|bytes| i16::from_be_bytes(*bytes))
}

fn fields<const N: usize>(named: [(&str, String); N]) -> Fields {
    named.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Those that the version has.
fn offset_fields(value: &OffsetAndMetadata, version: Option<i16>) -> Fields {
    let version = version.unwrap_or_default();
    let mut all = fields([("offset", value.offset.to_string())]);
    if version >= 3 {
        all.extend(fields([("leaderEpoch", value.leader_epoch.to_string())]));
    }
    all.extend(fields([
        ("metadata", value.metadata.clone()),
        ("commitTimestamp", value.commit_timestamp.to_string()),
    ]));
    if version == 1 {
        all.extend(fields([("expireTimestamp", value.expire_timestamp.to_string())]));
    }
    if !value.topic_id.is_nil() {
        all.extend(fields([("topicId", uuid_text::to_text(value.topic_id))]));
    }
    all
}

fn group_fields(value: &GroupMetadataValue, version: Option<i16>) -> Fields {
    let or_null = |text: &Option<String>| text.clone().unwrap_or_else(|| "null".to_owned());
    let mut all = fields([
        ("protocolType", value.protocol_type.clone()),
        ("generation", value.generation.to_string()),
        ("protocol", or_null(&value.protocol)),
        ("leader", or_null(&value.leader)),
    ]);
    if version.is_some_and(|version| version >= 2) {
        all.extend(fields([("currentStateTimestamp", value.current_state_timestamp.to_string())]));
    }
    all
}

fn member_fields(member: &MemberMetadata, consumers: bool) -> Fields {
    let mut all = fields([("memberId", member.member_id.clone())]);
    if let Some(instance) = &member.group_instance_id {
        all.extend(fields([("groupInstanceId", instance.clone())]));
    }
    all.extend(fields([
        ("clientId", member.client_id.clone()),
        ("clientHost", member.client_host.clone()),
        ("rebalanceTimeout", member.rebalance_timeout.to_string()),
        ("sessionTimeout", member.session_timeout.to_string()),
    ]));
    // What another kind of member writes has no schema that Kafka knows.
    let size = |bytes: &Bytes| format!("{} B", bytes.len());
    let topics = Some(&member.subscription).filter(|_| consumers).and_then(|bytes| subscribed(bytes));
    let partitions =
        Some(&member.assignment).filter(|_| consumers).and_then(|bytes| assigned_partitions(bytes));
    let named = |all: Vec<(String, i32)>| {
        all.iter().map(|(topic, number)| format!("{topic}-{number}")).collect::<Vec<_>>().join(", ")
    };
    all.extend(fields([
        ("subscription", topics.map_or_else(|| size(&member.subscription), |topics| topics.join(", "))),
        ("assignment", partitions.map_or_else(|| size(&member.assignment), named)),
    ]));
    all
}

/// The topics of a subscription (ConsumerProtocolSubscription), which a client wrote; `None` for bytes that are none.
fn subscribed(bytes: &[u8]) -> Option<Vec<String>> {
    let (_, rest) = bytes.split_first_chunk::<2>()?;
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    let mut topics = Vec::new();
    for _ in 0..i32::from_be_bytes(*count) {
        let (len, after) = rest.split_first_chunk::<2>()?;
        let (name, after) = after.split_at_checked(usize::try_from(i16::from_be_bytes(*len)).ok()?)?;
        topics.push(std::str::from_utf8(name).ok()?.to_owned());
        rest = after;
    }
    Some(topics)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(record: &GroupRecord) -> MeaningView {
        let (key, value) = record.encode().expect("it fits");
        let (key, value) = (Bytes::from(key), value.map(Bytes::from));
        meaning(GROUP_METADATA_TOPIC, Some(&key), value.as_ref()).expect("it is Kafka's own")
    }

    fn offset(expire_timestamp: i64) -> GroupRecord {
        GroupRecord::Offset {
            group: "billing".into(),
            topic: "orders".into(),
            partition: 2,
            value: Some(OffsetAndMetadata {
                offset: 42,
                leader_epoch: 7,
                metadata: "m".into(),
                commit_timestamp: 1_700_000_000_000,
                expire_timestamp,
                topic_id: blumfeld_protocol::Uuid::nil(),
            }),
        }
    }

    #[test]
    fn a_committed_offset_says_whose_and_how_far() {
        let view = said(&offset(-1));
        assert_eq!(
            (view.key_schema.as_str(), view.value_schema.as_deref()),
            ("OffsetCommitKey v1", Some("OffsetCommitValue v4"))
        );
        assert_eq!(
            view.key,
            fields([("group", "billing".into()), ("topic", "orders".into()), ("partition", "2".into())])
        );
        assert_eq!(
            view.value,
            fields([
                ("offset", "42".into()),
                ("leaderEpoch", "7".into()),
                ("metadata", "m".into()),
                ("commitTimestamp", "1700000000000".into()),
            ])
        );
        let old = said(&offset(9));
        assert_eq!(old.value_schema.as_deref(), Some("OffsetCommitValue v1"));
        assert_eq!(old.value.last(), Some(&("expireTimestamp".into(), "9".into())));
    }

    #[test]
    fn a_group_says_its_members_and_what_they_were_given() {
        let member = MemberMetadata {
            member_id: "m-1".into(),
            client_id: "web".into(),
            client_host: "/127.0.0.1".into(),
            rebalance_timeout: 300_000,
            session_timeout: 45_000,
            subscription: Bytes::from_static(b"\0\x03\0\0\0\x01\0\x02ab"),
            assignment: Bytes::from_static(b"\0\x03\0\0\0\x01\0\x02ab\0\0\0\x02\0\0\0\x05\0\0\0\x03"),
            ..MemberMetadata::default()
        };
        let value = GroupMetadataValue {
            protocol_type: "consumer".into(),
            generation: 5,
            leader: Some("m-1".into()),
            members: vec![
                member.clone(),
                MemberMetadata { assignment: Bytes::from_static(b"xyz"), ..member },
            ],
            ..GroupMetadataValue::default()
        };
        let view = said(&GroupRecord::Group { group: "billing".into(), value: Some(value) });
        assert_eq!(view.key_schema, "GroupMetadataKey v2");
        assert_eq!(view.value_schema.as_deref(), Some("GroupMetadataValue v3"));
        assert!(view.value.contains(&("protocol".into(), "null".into())));
        assert!(view.members[0].contains(&("clientId".into(), "web".into())));
        assert!(view.members[0].contains(&("subscription".into(), "ab".into())));
        assert!(view.members[0].contains(&("assignment".into(), "ab-3, ab-5".into())));
        assert!(view.members[1].contains(&("assignment".into(), "3 B".into())), "no bytes are too much");
    }

    #[test]
    fn tombstones_and_strange_bytes_are_told_apart() {
        let gone = said(&GroupRecord::Group { group: "billing".into(), value: None });
        assert_eq!((gone.value_schema, gone.value.len(), gone.error), (None, 0, None));
        let strange = meaning(GROUP_METADATA_TOPIC, Some(&Bytes::from_static(b"\0\x09x")), None);
        assert_eq!(strange.and_then(|view| view.error), Some("unknown record type 9".into()));
        assert_eq!(meaning("orders", Some(&Bytes::from_static(b"\0\x01")), None), None);
        for cut in 0..9 {
            let _ = subscribed(&b"\0\x03\0\0\0\x01\0\x02ab"[..cut]);
        }
        assert_eq!(subscribed(b"\0\x03\x7f\xff\xff\xff\0\x02ab"), None);
    }
}
