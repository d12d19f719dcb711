//! The records of `__consumer_offsets`, in Kafka's own bytes (group-coordinator/src/main/resources/common/message): the
//! record's type in front of the key, the value's version in front of the value.

use blumfeld_protocol::Uuid;
use blumfeld_protocol::varint::{Reader, put_unsigned};
use bytes::Bytes;

/// The key's types (CoordinatorRecordType). 0 is what older brokers wrote for offsets.
const LEGACY_OFFSET_COMMIT: i16 = 0;
const OFFSET_COMMIT: i16 = 1;
const GROUP_METADATA: i16 = 2;

/// From this version on values have compact lengths and tagged fields.
const FLEXIBLE: i16 = 4;

/// A committed offset (OffsetAndMetadata).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetAndMetadata {
    /// The next offset to read.
    pub offset: i64,
    /// The leader epoch of the record before it, or -1.
    pub leader_epoch: i32,
    /// What the consumer adds.
    pub metadata: String,
    /// When it was committed, in milliseconds since 1970-01-01 UTC.
    pub commit_timestamp: i64,
    /// When it expires, where an old client said so; -1 if not.
    pub expire_timestamp: i64,
    /// Id of the topic; nil if it was not known.
    pub topic_id: Uuid,
}

/// A member as it is stored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MemberMetadata {
    /// `member.id`.
    pub member_id: String,
    /// `group.instance.id`.
    pub group_instance_id: Option<String>,
    /// `client.id`.
    pub client_id: String,
    /// Where it comes from.
    pub client_host: String,
    /// `rebalance.timeout.ms`; -1 if it was not stored.
    pub rebalance_timeout: i32,
    /// `session.timeout.ms`.
    pub session_timeout: i32,
    /// What it said of itself for the group's protocol.
    pub subscription: Bytes,
    /// What the leader gave it.
    pub assignment: Bytes,
}

/// A group as it is stored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GroupMetadataValue {
    /// `consumer`; empty if there is none.
    pub protocol_type: String,
    /// The generation.
    pub generation: i32,
    /// The protocol that the members agreed on: an assignor's name.
    pub protocol: Option<String>,
    /// The leader's member id.
    pub leader: Option<String>,
    /// Since when it is in its state, in milliseconds since 1970-01-01 UTC; -1 if it was not stored.
    pub current_state_timestamp: i64,
    /// The members.
    pub members: Vec<MemberMetadata>,
}

/// A change of what a group coordinator stores. A value that is `None` is a tombstone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GroupRecord {
    /// An offset is committed, or gone.
    Offset {
        /// The group that committed it.
        group: String,
        /// The topic that was read.
        topic: String,
        /// The partition that was read.
        partition: i32,
        /// What was committed.
        value: Option<OffsetAndMetadata>,
    },
    /// A group is in this state, or gone.
    Group {
        /// `group.id`.
        group: String,
        /// Its state.
        value: Option<GroupMetadataValue>,
    },
}

/// Why a record cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GroupRecordError {
    /// It has no key.
    #[error("it has no key")]
    NoKey,
    /// Another kind of record: of a group protocol that is not here, or of a newer Kafka.
    #[error("unknown record type {0}")]
    UnknownType(i16),
    /// A value of a newer Kafka.
    #[error("unknown version {0} of the value")]
    UnknownVersion(i16),
    /// The key is cut short, or a length in it is not one.
    #[error("the key does not fit into its bytes")]
    Key,
    /// The same of the value.
    #[error("the value does not fit into its bytes")]
    Value,
}

impl GroupRecord {
    /// The key and the value, in the versions that Kafka 4.3 writes; `None` if a text is too long for its length field.
    pub fn encode(&self) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        let mut key = Vec::new();
        let value = match self {
            Self::Offset { group, topic, partition, value } => {
                put_i16(&mut key, OFFSET_COMMIT);
                put_text(&mut key, group)?;
                put_text(&mut key, topic)?;
                key.extend(partition.to_be_bytes());
                match value {
                    Some(value) => Some(value.encode()?),
                    None => None,
                }
            }
            Self::Group { group, value } => {
                put_i16(&mut key, GROUP_METADATA);
                put_text(&mut key, group)?;
                match value {
                    Some(value) => Some(value.encode()?),
                    None => None,
                }
            }
        };
        Some((key, value))
    }

    /// Reads a record of the log.
    pub fn decode(key: Option<&Bytes>, value: Option<&Bytes>) -> Result<GroupRecord, GroupRecordError> {
        let mut reader = Fields::new(key.ok_or(GroupRecordError::NoKey)?, false);
        let kind = reader.reader.i16().ok_or(GroupRecordError::Key)?;
        match kind {
            LEGACY_OFFSET_COMMIT | OFFSET_COMMIT => {
                let mut read = || Some((reader.text()?, reader.text()?, reader.reader.i32()?));
                let (group, topic, partition) = read().ok_or(GroupRecordError::Key)?;
                let value = value.map(OffsetAndMetadata::decode).transpose()?;
                Ok(Self::Offset { group, topic, partition, value })
            }
            GROUP_METADATA => {
                let group = reader.text().ok_or(GroupRecordError::Key)?;
                let value = value.map(GroupMetadataValue::decode).transpose()?;
                Ok(Self::Group { group, value })
            }
            kind => Err(GroupRecordError::UnknownType(kind)),
        }
    }
}

impl OffsetAndMetadata {
    /// Version 4, or 1 for an offset with a time of its own to expire, which no other version has.
    fn encode(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        if self.expire_timestamp >= 0 {
            put_i16(&mut out, 1);
            out.extend(self.offset.to_be_bytes());
            put_text(&mut out, &self.metadata)?;
            out.extend(self.commit_timestamp.to_be_bytes());
            out.extend(self.expire_timestamp.to_be_bytes());
            return Some(out);
        }
        put_i16(&mut out, FLEXIBLE);
        out.extend(self.offset.to_be_bytes());
        out.extend(self.leader_epoch.to_be_bytes());
        put_unsigned(&mut out, u32::try_from(self.metadata.len() + 1).ok()?);
        out.extend(self.metadata.as_bytes());
        out.extend(self.commit_timestamp.to_be_bytes());
        if self.topic_id.is_nil() {
            put_unsigned(&mut out, 0);
        } else {
            // One tagged field: tag 0, 16 bytes.
            put_unsigned(&mut out, 1);
            put_unsigned(&mut out, 0);
            put_unsigned(&mut out, 16);
            out.extend(self.topic_id.as_bytes());
        }
        Some(out)
    }

    fn decode(bytes: &Bytes) -> Result<OffsetAndMetadata, GroupRecordError> {
        let (mut fields, version) = Fields::versioned(bytes)?;
        let mut read = || {
            let offset = fields.reader.i64()?;
            let leader_epoch = if version >= 3 { fields.reader.i32()? } else { -1 };
            let metadata = fields.text()?;
            let commit_timestamp = fields.reader.i64()?;
            let expire_timestamp = if version == 1 { fields.reader.i64()? } else { -1 };
            let mut topic_id = Uuid::nil();
            fields.tagged(|tag, bytes| {
                if let (0, Ok(bytes)) = (tag, bytes.try_into()) {
                    topic_id = Uuid::from_bytes(bytes);
                }
            })?;
            Some(OffsetAndMetadata {
                offset,
                leader_epoch,
                metadata,
                commit_timestamp,
                expire_timestamp,
                topic_id,
            })
        };
        read().ok_or(GroupRecordError::Value)
    }
}

impl GroupMetadataValue {
    /// Version 3, the last without tagged fields.
    fn encode(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        put_i16(&mut out, 3);
        put_text(&mut out, &self.protocol_type)?;
        out.extend(self.generation.to_be_bytes());
        put_nullable(&mut out, self.protocol.as_deref())?;
        put_nullable(&mut out, self.leader.as_deref())?;
        out.extend(self.current_state_timestamp.to_be_bytes());
        out.extend(i32::try_from(self.members.len()).ok()?.to_be_bytes());
        for member in &self.members {
            put_text(&mut out, &member.member_id)?;
            put_nullable(&mut out, member.group_instance_id.as_deref())?;
            put_text(&mut out, &member.client_id)?;
            put_text(&mut out, &member.client_host)?;
            out.extend(member.rebalance_timeout.to_be_bytes());
            out.extend(member.session_timeout.to_be_bytes());
            for bytes in [&member.subscription, &member.assignment] {
                out.extend(i32::try_from(bytes.len()).ok()?.to_be_bytes());
                out.extend(bytes.iter());
            }
        }
        Some(out)
    }

    fn decode(bytes: &Bytes) -> Result<GroupMetadataValue, GroupRecordError> {
        let (mut fields, version) = Fields::versioned(bytes)?;
        Self::read(&mut fields, version).ok_or(GroupRecordError::Value)
    }

    fn read(fields: &mut Fields<'_>, version: i16) -> Option<GroupMetadataValue> {
        let mut value = GroupMetadataValue {
            protocol_type: fields.text()?,
            generation: fields.reader.i32()?,
            protocol: fields.nullable()?,
            leader: fields.nullable()?,
            current_state_timestamp: if version >= 2 { fields.reader.i64()? } else { -1 },
            members: Vec::new(),
        };
        for _ in 0..fields.count()? {
            value.members.push(MemberMetadata {
                member_id: fields.text()?,
                group_instance_id: if version >= 3 { fields.nullable()? } else { None },
                client_id: fields.text()?,
                client_host: fields.text()?,
                rebalance_timeout: if version >= 1 { fields.reader.i32()? } else { -1 },
                session_timeout: fields.reader.i32()?,
                subscription: fields.bytes()?,
                assignment: fields.bytes()?,
            });
            fields.tagged(|_, _| ())?;
        }
        fields.tagged(|_, _| ())?;
        Some(value)
    }
}

fn put_i16(out: &mut Vec<u8>, value: i16) {
    out.extend(value.to_be_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) -> Option<()> {
    put_i16(out, i16::try_from(text.len()).ok()?);
    out.extend(text.as_bytes());
    Some(())
}

fn put_nullable(out: &mut Vec<u8>, text: Option<&str>) -> Option<()> {
    match text {
        Some(text) => put_text(out, text)?,
        None => put_i16(out, -1),
    }
    Some(())
}

/// Reads fields, compact or not.
struct Fields<'a> {
    reader: Reader<'a>,
    whole: &'a Bytes,
    flexible: bool,
}

impl<'a> Fields<'a> {
    fn new(whole: &'a Bytes, flexible: bool) -> Fields<'a> {
        Fields { reader: Reader::new(whole), whole, flexible }
    }

    fn versioned(whole: &'a Bytes) -> Result<(Fields<'a>, i16), GroupRecordError> {
        let mut fields = Fields::new(whole, false);
        let version = fields.reader.i16().ok_or(GroupRecordError::Value)?;
        if !(0..=FLEXIBLE).contains(&version) {
            return Err(GroupRecordError::UnknownVersion(version));
        }
        fields.flexible = version >= FLEXIBLE;
        Ok((fields, version))
    }

    fn slice(&mut self, len: usize) -> Option<Bytes> {
        let from = self.reader.position();
        self.reader.take(len)?;
        Some(self.whole.slice(from..from + len))
    }

    /// A length that fits `short` bytes where it is not compact; `None` within is null.
    fn len(&mut self, short: bool) -> Option<Option<usize>> {
        let len = match (self.flexible, short) {
            (true, _) => i64::from(self.reader.varint_unsigned()?) - 1,
            (false, true) => i64::from(self.reader.i16()?),
            (false, false) => i64::from(self.reader.i32()?),
        };
        if len == -1 {
            return Some(None);
        }
        Some(Some(usize::try_from(len).ok()?))
    }

    fn nullable(&mut self) -> Option<Option<String>> {
        let Some(len) = self.len(true)? else { return Some(None) };
        let bytes = self.reader.take(len)?;
        Some(Some(std::str::from_utf8(bytes).ok()?.to_owned()))
    }

    fn text(&mut self) -> Option<String> {
        self.nullable()?
    }

    fn bytes(&mut self) -> Option<Bytes> {
        let len = self.len(false)??;
        self.slice(len)
    }

    /// The number of elements. Each is read before the next, so that a large number costs nothing.
    fn count(&mut self) -> Option<usize> {
        self.len(false)?
    }

    fn tagged(&mut self, mut each: impl FnMut(u32, &[u8])) -> Option<()> {
        if self.flexible {
            for _ in 0..self.reader.varint_unsigned()? {
                let tag = self.reader.varint_unsigned()?;
                let len = usize::try_from(self.reader.varint_unsigned()?).ok()?;
                each(tag, self.reader.take(len)?);
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(expire_timestamp: i64, topic_id: u128) -> GroupRecord {
        GroupRecord::Offset {
            group: "g".to_owned(),
            topic: "orders".to_owned(),
            partition: 3,
            value: Some(OffsetAndMetadata {
                offset: 42,
                leader_epoch: if expire_timestamp < 0 { 7 } else { -1 },
                metadata: "m".to_owned(),
                commit_timestamp: 1_700_000_000_000,
                expire_timestamp,
                topic_id: Uuid::from_u128(topic_id),
            }),
        }
    }

    fn group() -> GroupRecord {
        let member = MemberMetadata {
            member_id: "m-1".to_owned(),
            group_instance_id: Some("one".to_owned()),
            client_id: "c".to_owned(),
            client_host: "/127.0.0.1".to_owned(),
            rebalance_timeout: 300_000,
            session_timeout: 45_000,
            subscription: Bytes::from_static(b"sub"),
            assignment: Bytes::from_static(b"assigned"),
        };
        GroupRecord::Group {
            group: "g".to_owned(),
            value: Some(GroupMetadataValue {
                protocol_type: "consumer".to_owned(),
                generation: 5,
                protocol: Some("range".to_owned()),
                leader: Some("m-1".to_owned()),
                current_state_timestamp: 1_700_000_000_000,
                members: vec![member.clone(), MemberMetadata { group_instance_id: None, ..member }],
            }),
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn records_have_the_bytes_of_kafka_s_message_definitions() {
        let (key, value) = offset(-1, 1).encode().unwrap();
        assert_eq!(
            hex(&key),
            "0001000167" /* g */
                .to_owned()
                + "00066f7264657273"
                + "00000003"
        );
        assert_eq!(
            hex(&value.unwrap()),
            "0004".to_owned()
                + "000000000000002a"
                + "00000007"
                + "026d"
                + "0000018bcfe56800"
                + "010010"
                + "00000000000000000000000000000001"
        );
        let (_, value) = offset(9, 0).encode().unwrap();
        assert_eq!(
            hex(&value.unwrap()),
            "0001".to_owned() + "000000000000002a" + "00016d" + "0000018bcfe56800" + "0000000000000009"
        );
        let (key, value) = group().encode().unwrap();
        assert_eq!(hex(&key), "0002000167");
        assert!(
            hex(&value.unwrap()).starts_with(
                "00030008636f6e73756d657200000005000572616e676500036d2d310000018bcfe5680000000002"
            )
        );
    }

    #[test]
    fn what_is_written_is_read_and_no_cut_of_it_is() {
        let tombstones = [
            GroupRecord::Group { group: "g".to_owned(), value: None },
            GroupRecord::Offset { group: "g".to_owned(), topic: "t".to_owned(), partition: 0, value: None },
        ];
        for record in [offset(-1, 1), offset(-1, 0), offset(9, 0), group()].into_iter().chain(tombstones) {
            let (key, value) = record.encode().unwrap();
            let (key, value) = (Bytes::from(key), value.map(Bytes::from));
            assert_eq!(GroupRecord::decode(Some(&key), value.as_ref()), Ok(record));
            for cut in 0..key.len() {
                assert!(GroupRecord::decode(Some(&key.slice(..cut)), value.as_ref()).is_err());
            }
            for cut in 0..value.as_ref().map_or(0, Bytes::len) {
                let value = value.as_ref().map(|value| value.slice(..cut));
                assert!(GroupRecord::decode(Some(&key), value.as_ref()).is_err(), "cut at {cut}");
            }
        }
    }

    #[test]
    fn older_versions_of_values_are_read() {
        let key = Bytes::from(offset(-1, 0).encode().unwrap().0);
        for (version, has_epoch, has_expiry) in
            [(0_i16, false, false), (1, false, true), (2, false, false), (3, true, false)]
        {
            let mut value = version.to_be_bytes().to_vec();
            value.extend(42_i64.to_be_bytes());
            if has_epoch {
                value.extend(7_i32.to_be_bytes());
            }
            value.extend([0, 1, b'm']);
            value.extend(1_i64.to_be_bytes());
            if has_expiry {
                value.extend(9_i64.to_be_bytes());
            }
            let Ok(GroupRecord::Offset { value: Some(read), .. }) =
                GroupRecord::decode(Some(&key), Some(&value.into()))
            else {
                panic!("version {version}")
            };
            assert_eq!(
                (read.offset, read.leader_epoch, read.expire_timestamp),
                (42, if has_epoch { 7 } else { -1 }, if has_expiry { 9 } else { -1 }),
                "version {version}"
            );
        }
    }

    #[test]
    fn no_bytes_panic() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let good = [offset(-1, 1), offset(9, 0), group()].map(|record| record.encode().unwrap());
        for _ in 0..200_000 {
            let (mut key, value) = good[usize::try_from(next() % 3).unwrap()].clone();
            let mut value = value.unwrap();
            for _ in 0..next() % 6 {
                let bytes = if next() % 3 == 0 { &mut key } else { &mut value };
                let at = usize::try_from(next()).unwrap_or(0) % bytes.len();
                bytes[at] = next().to_le_bytes()[0];
            }
            if let Ok(record) = GroupRecord::decode(Some(&key.into()), Some(&value.into())) {
                let _ = record.encode();
            }
        }
    }
}
