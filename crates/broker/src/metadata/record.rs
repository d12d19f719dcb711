//! The records of `__cluster_metadata`, in Kafka's own bytes (metadata/src/main/resources/common/metadata): a frame
//! version, the record type's key and version as unsigned varints, then the fields, compact and tagged.

use std::collections::BTreeMap;

use blumfeld_protocol::Uuid;
use blumfeld_protocol::varint::{Reader, put_unsigned};

use super::PartitionRegistration;

/// What a config belongs to (org.apache.kafka.common.config.ConfigResource.Type).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ResourceType {
    /// A topic, by its name.
    Topic,
    /// A broker, by its id; the empty name is the default of all.
    Broker,
    /// A subscription to clients' metrics, by its name (KIP-714).
    ClientMetrics,
    /// A group, by its id (KIP-848).
    Group,
}

impl ResourceType {
    /// The number on the wire.
    pub const fn id(self) -> i8 {
        match self {
            Self::Topic => 2,
            Self::Broker => 4,
            Self::ClientMetrics => 16,
            Self::Group => 32,
        }
    }

    /// The type with this number.
    pub const fn from_id(id: i8) -> Option<ResourceType> {
        match id {
            2 => Some(Self::Topic),
            4 => Some(Self::Broker),
            16 => Some(Self::ClientMetrics),
            32 => Some(Self::Group),
            _ => None,
        }
    }
}

/// Whom a quota is of: the names by their kinds (`user`, `client-id`, `ip`), none for the default.
pub type QuotaEntity = BTreeMap<String, Option<String>>;

/// A quota's value, a double. Two are the same if their bits are, so that an image can be compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuotaValue(u64);

impl QuotaValue {
    /// This value.
    pub fn new(value: f64) -> QuotaValue {
        QuotaValue(value.to_bits())
    }

    /// The value.
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

/// What a broker keeps of a user's password (RFC 5802).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ScramCredential {
    /// Drawn by the client.
    pub salt: Vec<u8>,
    /// Proves that the client knows the password.
    pub stored_key: Vec<u8>,
    /// Proves that the server knows the credential.
    pub server_key: Vec<u8>,
    /// So often the password was hashed.
    pub iterations: i32,
}

/// A listener of a broker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listener {
    /// Its name: `PLAINTEXT`.
    pub name: String,
    /// Advertised host.
    pub host: String,
    /// Advertised port.
    pub port: u16,
}

/// A change of the cluster's metadata.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields are those of Kafka's record of the same name")]
pub enum MetadataRecord {
    /// A broker has registered.
    RegisterBroker {
        broker_id: i32,
        incarnation_id: Uuid,
        broker_epoch: i64,
        listeners: Vec<Listener>,
        rack: Option<String>,
        fenced: bool,
        log_dirs: Vec<Uuid>,
    },
    /// A broker's registration has changed: it is fenced (1), unfenced (-1), or neither (0); it is going in order (1).
    BrokerRegistrationChange { broker_id: i32, broker_epoch: i64, fenced: i8, in_controlled_shutdown: i8 },
    /// A broker is gone for good.
    UnregisterBroker { broker_id: i32, broker_epoch: i64 },
    /// There is a topic.
    Topic { name: String, topic_id: Uuid },
    /// There is a partition.
    Partition { partition: i32, topic_id: Uuid, registration: PartitionRegistration },
    /// A partition has changed. What is `None` stays as it is.
    PartitionChange(PartitionChange),
    /// Nothing has changed: the log shows that the controller lives.
    NoOp,
    /// A config was set, or with no value is back at its default.
    Config { resource_type: ResourceType, resource_name: String, name: String, value: Option<String> },
    /// A topic is gone.
    RemoveTopic { topic_id: Uuid },
    /// A feature is at a level.
    FeatureLevel { name: String, level: i16 },
    /// A broker has a block of producer ids; the next block begins here.
    ProducerIds { broker_id: i32, broker_epoch: i64, next_producer_id: i64 },
    /// A quota was set, or with no value taken away.
    ClientQuota { entity: QuotaEntity, key: String, value: Option<QuotaValue> },
    /// A user has a credential.
    UserScramCredential { name: String, mechanism: i8, credential: ScramCredential },
    /// A user's credential is gone.
    RemoveUserScramCredential { name: String, mechanism: i8 },
}

/// A change of a partition (PartitionChangeRecord). What is `None` stays as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PartitionChange {
    /// Its number.
    pub partition: i32,
    /// Its topic.
    pub topic_id: Uuid,
    /// The replicas in sync.
    pub isr: Option<Vec<i32>>,
    /// The leader, -1 for none. Set, it begins a new leader epoch, be it the same leader.
    pub leader: Option<i32>,
    /// The replicas, with the directory of each.
    pub replicas: Option<Vec<i32>>,
    /// Replicas that a reassignment takes away.
    pub removing: Option<Vec<i32>>,
    /// Replicas that a reassignment brings.
    pub adding: Option<Vec<i32>>,
    /// Whether the leader was elected uncleanly and has not recovered yet (1), or has (0).
    pub leader_recovery_state: Option<i8>,
    /// Replicas that have everything up to the high watermark though they are not in the ISR (KIP-966).
    pub elr: Option<Vec<i32>>,
    /// Replicas that once were eligible.
    pub last_known_elr: Option<Vec<i32>>,
    /// The directory of each replica.
    pub directories: Option<Vec<Uuid>>,
}

impl PartitionChange {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self
            == PartitionChange {
                partition: self.partition,
                topic_id: self.topic_id,
                ..PartitionChange::default()
            }
    }
}

/// Bytes that are no metadata record which this node knows.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordFormatError {
    /// Cut short, or a length that does not fit.
    #[error("the metadata record is malformed")]
    Malformed,
    /// A type or version that is not known.
    #[error("metadata record of type {key} version {version} is not supported")]
    Unsupported {
        /// Type.
        key: u32,
        /// Version.
        version: u32,
    },
}

const FRAME_VERSION: u32 = 1;
/// `leader_recovery_state` and the other tagged fields stay at their defaults.
const NO_TAGS: u32 = 0;

impl MetadataRecord {
    /// Key and version of Kafka's record (MetadataRecordType).
    const fn key_and_version(&self) -> (u32, u32) {
        match self {
            Self::RegisterBroker { .. } => (0, 3),
            Self::UnregisterBroker { .. } => (1, 0),
            Self::Topic { .. } => (2, 0),
            Self::Partition { .. } => (3, 2),
            Self::Config { .. } => (4, 0),
            Self::PartitionChange(_) => (5, 2),
            Self::NoOp => (20, 0),
            Self::RemoveTopic { .. } => (9, 0),
            Self::FeatureLevel { .. } => (12, 0),
            Self::UserScramCredential { .. } => (11, 0),
            Self::ClientQuota { .. } => (14, 0),
            Self::ProducerIds { .. } => (15, 0),
            Self::RemoveUserScramCredential { .. } => (22, 0),
            Self::BrokerRegistrationChange { .. } => (17, 2),
        }
    }

    /// Its bytes: the value of a record of the metadata log.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let (key, version) = self.key_and_version();
        put_unsigned(&mut out, FRAME_VERSION);
        put_unsigned(&mut out, key);
        put_unsigned(&mut out, version);
        match self {
            Self::RegisterBroker {
                broker_id,
                incarnation_id,
                broker_epoch,
                listeners,
                rack,
                fenced,
                log_dirs,
            } => {
                out.extend(broker_id.to_be_bytes());
                out.push(0); // is_migrating_zk_broker
                out.extend(incarnation_id.as_bytes());
                out.extend(broker_epoch.to_be_bytes());
                put_len(&mut out, listeners.len());
                for listener in listeners {
                    put_text(&mut out, &listener.name);
                    put_text(&mut out, &listener.host);
                    out.extend(listener.port.to_be_bytes());
                    out.extend(0_i16.to_be_bytes()); // security protocol PLAINTEXT
                    put_unsigned(&mut out, NO_TAGS);
                }
                put_len(&mut out, 0); // features
                put_nullable(&mut out, rack.as_deref());
                out.push(u8::from(*fenced));
                out.push(0); // in_controlled_shutdown
                let mut dirs = Vec::new();
                put_uuids(&mut dirs, log_dirs);
                put_unsigned(&mut out, 1);
                put_tag(&mut out, 0, &dirs);
            }
            Self::BrokerRegistrationChange { broker_id, broker_epoch, fenced, in_controlled_shutdown } => {
                out.extend(broker_id.to_be_bytes());
                out.extend(broker_epoch.to_be_bytes());
                put_tags(
                    &mut out,
                    [(0, *fenced), (1, *in_controlled_shutdown)]
                        .into_iter()
                        .filter(|(_, value)| *value != 0)
                        .map(|(tag, value)| (tag, value.to_be_bytes().to_vec())),
                );
            }
            Self::UnregisterBroker { broker_id, broker_epoch } => {
                out.extend(broker_id.to_be_bytes());
                out.extend(broker_epoch.to_be_bytes());
                put_unsigned(&mut out, NO_TAGS);
            }
            Self::NoOp => put_unsigned(&mut out, NO_TAGS),
            Self::PartitionChange(change) => put_change(&mut out, change),
            Self::Topic { name, topic_id } => {
                put_text(&mut out, name);
                out.extend(topic_id.as_bytes());
                put_unsigned(&mut out, NO_TAGS);
            }
            Self::Partition { partition, topic_id, registration } => {
                out.extend(partition.to_be_bytes());
                out.extend(topic_id.as_bytes());
                for ids in
                    [&registration.replicas, &registration.isr, &registration.removing, &registration.adding]
                {
                    put_ints(&mut out, ids);
                }
                for number in [registration.leader, registration.leader_epoch, registration.partition_epoch] {
                    out.extend(number.to_be_bytes());
                }
                put_uuids(&mut out, &registration.directories);
                let ids = |tag: u32, ids: &[i32]| {
                    (!ids.is_empty()).then(|| {
                        let mut bytes = Vec::new();
                        put_ints(&mut bytes, ids);
                        (tag, bytes)
                    })
                };
                let recovering = registration.recovering.then(|| (0, vec![1]));
                let tags = [recovering, ids(1, &registration.elr), ids(2, &registration.last_known_elr)];
                put_tags(&mut out, tags.into_iter().flatten());
            }
            Self::Config { resource_type, resource_name, name, value } => {
                out.extend(resource_type.id().to_be_bytes());
                put_text(&mut out, resource_name);
                put_text(&mut out, name);
                put_nullable(&mut out, value.as_deref());
                put_unsigned(&mut out, NO_TAGS);
            }
            Self::RemoveTopic { topic_id } => {
                out.extend(topic_id.as_bytes());
                put_unsigned(&mut out, NO_TAGS);
            }
            Self::FeatureLevel { name, level } => {
                put_text(&mut out, name);
                out.extend(level.to_be_bytes());
                put_unsigned(&mut out, NO_TAGS);
            }
            Self::ProducerIds { broker_id, broker_epoch, next_producer_id } => {
                out.extend(broker_id.to_be_bytes());
                out.extend(broker_epoch.to_be_bytes());
                out.extend(next_producer_id.to_be_bytes());
                put_unsigned(&mut out, NO_TAGS);
            }
            Self::ClientQuota { entity, key, value } => {
                put_len(&mut out, entity.len());
                for (kind, name) in entity {
                    put_text(&mut out, kind);
                    put_nullable(&mut out, name.as_deref());
                    put_unsigned(&mut out, NO_TAGS);
                }
                put_text(&mut out, key);
                out.extend(value.map_or(0.0, QuotaValue::get).to_be_bytes());
                out.push(u8::from(value.is_none()));
                put_unsigned(&mut out, NO_TAGS);
            }
            Self::UserScramCredential { name, mechanism, credential } => {
                put_text(&mut out, name);
                out.extend(mechanism.to_be_bytes());
                for bytes in [&credential.salt, &credential.stored_key, &credential.server_key] {
                    put_len(&mut out, bytes.len());
                    out.extend(bytes);
                }
                out.extend(credential.iterations.to_be_bytes());
                put_unsigned(&mut out, NO_TAGS);
            }
            Self::RemoveUserScramCredential { name, mechanism } => {
                put_text(&mut out, name);
                out.extend(mechanism.to_be_bytes());
                put_unsigned(&mut out, NO_TAGS);
            }
        }
        out
    }

    /// Reads a record.
    pub fn decode(bytes: &[u8]) -> Result<MetadataRecord, RecordFormatError> {
        let mut reader = Reader::new(bytes);
        let mut number = || reader.varint_unsigned().ok_or(RecordFormatError::Malformed);
        let (_, key, version) = (number()?, number()?, number()?);
        // Kafka 4.3 has one more version of registrations and of their changes, which only adds tags (KIP-1066).
        let supported = match key {
            0 => 4,
            17 => 3,
            3 | 5 => 2,
            1 | 2 | 4 | 9 | 11 | 12 | 14 | 15 | 20 | 22 => 0,
            _ => return Err(RecordFormatError::Unsupported { key, version }),
        };
        if version > supported {
            return Err(RecordFormatError::Unsupported { key, version });
        }
        decode_fields(&mut reader, key, version).ok_or(RecordFormatError::Malformed)
    }
}

fn decode_fields(reader: &mut Reader<'_>, key: u32, version: u32) -> Option<MetadataRecord> {
    Some(match key {
        0 => {
            let broker_id = reader.i32()?;
            reader.u8()?;
            let incarnation_id = uuid(reader)?;
            let broker_epoch = reader.i64()?;
            let mut listeners = Vec::new();
            for _ in 0..len(reader)? {
                listeners.push(Listener {
                    name: text(reader)?,
                    host: text(reader)?,
                    port: reader.i16()?.cast_unsigned(),
                });
                reader.i16()?;
                tags(reader)?;
            }
            for _ in 0..len(reader)? {
                text(reader)?;
                reader.i32()?; // min and max supported version
                tags(reader)?;
            }
            let rack = nullable(reader)?;
            let fenced = reader.u8()? != 0;
            if version >= 1 {
                reader.u8()?; // in_controlled_shutdown
            }
            let mut log_dirs = Vec::new();
            for (tag, bytes) in tags(reader)? {
                if tag == 0 {
                    log_dirs = uuids(&mut Reader::new(bytes))?;
                }
            }
            MetadataRecord::RegisterBroker {
                broker_id,
                incarnation_id,
                broker_epoch,
                listeners,
                rack,
                fenced,
                log_dirs,
            }
        }
        2 => {
            let (name, topic_id) = (text(reader)?, uuid(reader)?);
            tags(reader)?;
            MetadataRecord::Topic { name, topic_id }
        }
        1 => {
            let (broker_id, broker_epoch) = (reader.i32()?, reader.i64()?);
            tags(reader)?;
            MetadataRecord::UnregisterBroker { broker_id, broker_epoch }
        }
        3 => {
            let (partition, topic_id) = (reader.i32()?, uuid(reader)?);
            let (replicas, isr, removing, adding) =
                (ints(reader)?, ints(reader)?, ints(reader)?, ints(reader)?);
            let (leader, leader_epoch, partition_epoch) = (reader.i32()?, reader.i32()?, reader.i32()?);
            let directories = if version >= 1 { uuids(reader)? } else { Vec::new() };
            let mut registration = PartitionRegistration {
                replicas,
                isr,
                removing,
                adding,
                leader,
                leader_epoch,
                partition_epoch,
                directories,
                ..PartitionRegistration::default()
            };
            for (tag, bytes) in tags(reader)? {
                match tag {
                    0 => registration.recovering = bytes.first() == Some(&1),
                    1 => registration.elr = ints(&mut Reader::new(bytes))?,
                    2 => registration.last_known_elr = ints(&mut Reader::new(bytes))?,
                    _ => {}
                }
            }
            MetadataRecord::Partition { partition, topic_id, registration }
        }
        5 => MetadataRecord::PartitionChange(change(reader)?),
        20 => {
            tags(reader)?;
            MetadataRecord::NoOp
        }
        4 => {
            let resource_type = ResourceType::from_id(reader.u8()?.cast_signed())?;
            let (resource_name, name, value) = (text(reader)?, text(reader)?, nullable(reader)?);
            tags(reader)?;
            MetadataRecord::Config { resource_type, resource_name, name, value }
        }
        9 => {
            let topic_id = uuid(reader)?;
            tags(reader)?;
            MetadataRecord::RemoveTopic { topic_id }
        }
        12 => {
            let (name, level) = (text(reader)?, reader.i16()?);
            tags(reader)?;
            MetadataRecord::FeatureLevel { name, level }
        }
        15 => {
            let (broker_id, broker_epoch, next_producer_id) = (reader.i32()?, reader.i64()?, reader.i64()?);
            tags(reader)?;
            MetadataRecord::ProducerIds { broker_id, broker_epoch, next_producer_id }
        }
        11 => {
            let (name, mechanism) = (text(reader)?, reader.u8()?.cast_signed());
            let (salt, stored_key, server_key) = (bytes(reader)?, bytes(reader)?, bytes(reader)?);
            let credential = ScramCredential { salt, stored_key, server_key, iterations: reader.i32()? };
            tags(reader)?;
            MetadataRecord::UserScramCredential { name, mechanism, credential }
        }
        14 => {
            let mut entity = QuotaEntity::new();
            for _ in 0..len(reader)? {
                entity.insert(text(reader)?, nullable(reader)?);
                tags(reader)?;
            }
            let key = text(reader)?;
            let value = QuotaValue::new(f64::from_bits(reader.i64()?.cast_unsigned()));
            let remove = reader.u8()? != 0;
            tags(reader)?;
            MetadataRecord::ClientQuota { entity, key, value: (!remove).then_some(value) }
        }
        22 => {
            let (name, mechanism) = (text(reader)?, reader.u8()?.cast_signed());
            tags(reader)?;
            MetadataRecord::RemoveUserScramCredential { name, mechanism }
        }
        _ => {
            let (broker_id, broker_epoch) = (reader.i32()?, reader.i64()?);
            let (mut fenced, mut in_controlled_shutdown) = (0, 0);
            for (tag, bytes) in tags(reader)? {
                let value = bytes.first().map_or(0, |byte| byte.cast_signed());
                match tag {
                    0 => fenced = value,
                    1 => in_controlled_shutdown = value,
                    _ => {}
                }
            }
            MetadataRecord::BrokerRegistrationChange {
                broker_id,
                broker_epoch,
                fenced,
                in_controlled_shutdown,
            }
        }
    })
}

/// Tags of PartitionChangeRecord: isr 0, leader 1, replicas 2, removing 3, adding 4, recovery state 5, ELR 6, last
/// known ELR 7, directories 8.
fn put_change(out: &mut Vec<u8>, change: &PartitionChange) {
    out.extend(change.partition.to_be_bytes());
    out.extend(change.topic_id.as_bytes());
    let ids = |tag: u32, ids: &Option<Vec<i32>>| {
        ids.as_ref().map(|ids| {
            let mut bytes = Vec::new();
            put_ints(&mut bytes, ids);
            (tag, bytes)
        })
    };
    let directories = change.directories.as_ref().map(|dirs| {
        let mut bytes = Vec::new();
        put_uuids(&mut bytes, dirs);
        (8, bytes)
    });
    let tags = [
        ids(0, &change.isr),
        change.leader.map(|leader| (1, leader.to_be_bytes().to_vec())),
        ids(2, &change.replicas),
        ids(3, &change.removing),
        ids(4, &change.adding),
        change.leader_recovery_state.map(|state| (5, state.to_be_bytes().to_vec())),
        ids(6, &change.elr),
        ids(7, &change.last_known_elr),
        directories,
    ];
    put_tags(out, tags.into_iter().flatten());
}

fn change(reader: &mut Reader<'_>) -> Option<PartitionChange> {
    let (partition, topic_id) = (reader.i32()?, uuid(reader)?);
    let mut change = PartitionChange { partition, topic_id, ..PartitionChange::default() };
    for (tag, bytes) in tags(reader)? {
        let mut reader = Reader::new(bytes);
        match tag {
            0 => change.isr = Some(ints(&mut reader)?),
            1 => change.leader = Some(reader.i32()?),
            2 => change.replicas = Some(ints(&mut reader)?),
            3 => change.removing = Some(ints(&mut reader)?),
            4 => change.adding = Some(ints(&mut reader)?),
            5 => change.leader_recovery_state = Some(reader.u8()?.cast_signed()),
            6 => change.elr = Some(ints(&mut reader)?),
            7 => change.last_known_elr = Some(ints(&mut reader)?),
            8 => change.directories = Some(uuids(&mut reader)?),
            _ => {}
        }
    }
    Some(change)
}

fn put_tags(out: &mut Vec<u8>, tags: impl Iterator<Item = (u32, Vec<u8>)>) {
    let tags: Vec<(u32, Vec<u8>)> = tags.collect();
    put_unsigned(out, u32::try_from(tags.len()).unwrap_or(u32::MAX));
    for (tag, bytes) in tags {
        put_tag(out, tag, &bytes);
    }
}

fn put_ints(out: &mut Vec<u8>, ids: &[i32]) {
    put_len(out, ids.len());
    for id in ids {
        out.extend(id.to_be_bytes());
    }
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    put_unsigned(out, u32::try_from(len + 1).unwrap_or(u32::MAX));
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_len(out, text.len());
    out.extend(text.as_bytes());
}

fn put_nullable(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => put_text(out, text),
        None => put_unsigned(out, 0),
    }
}

fn put_uuids(out: &mut Vec<u8>, ids: &[Uuid]) {
    put_len(out, ids.len());
    for id in ids {
        out.extend(id.as_bytes());
    }
}

fn put_tag(out: &mut Vec<u8>, tag: u32, bytes: &[u8]) {
    put_unsigned(out, tag);
    put_unsigned(out, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.extend(bytes);
}

fn len(reader: &mut Reader<'_>) -> Option<u32> {
    reader.varint_unsigned()?.checked_sub(1)
}

fn text(reader: &mut Reader<'_>) -> Option<String> {
    nullable(reader)?
}

fn bytes(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    let size = usize::try_from(len(reader)?).ok()?;
    Some(reader.take(size)?.to_vec())
}

#[allow(clippy::option_option, reason = "the outer None is malformed, the inner one null")]
fn nullable(reader: &mut Reader<'_>) -> Option<Option<String>> {
    match reader.varint_unsigned()?.checked_sub(1) {
        None => Some(None),
        Some(len) => {
            let bytes = reader.take(usize::try_from(len).ok()?)?;
            Some(Some(std::str::from_utf8(bytes).ok()?.to_owned()))
        }
    }
}

fn uuid(reader: &mut Reader<'_>) -> Option<Uuid> {
    Uuid::from_slice(reader.take(16)?).ok()
}

fn uuids(reader: &mut Reader<'_>) -> Option<Vec<Uuid>> {
    (0..len(reader)?).map(|_| uuid(reader)).collect()
}

fn ints(reader: &mut Reader<'_>) -> Option<Vec<i32>> {
    (0..len(reader)?).map(|_| reader.i32()).collect()
}

fn tags<'a>(reader: &mut Reader<'a>) -> Option<Vec<(u32, &'a [u8])>> {
    (0..reader.varint_unsigned()?)
        .map(|_| {
            let tag = reader.varint_unsigned()?;
            let size = usize::try_from(reader.varint_unsigned()?).ok()?;
            Some((tag, reader.take(size)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<MetadataRecord> {
        let id = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        vec![
            MetadataRecord::RegisterBroker {
                broker_id: 1,
                incarnation_id: id,
                broker_epoch: 9,
                listeners: vec![Listener { name: "PLAINTEXT".into(), host: "localhost".into(), port: 39092 }],
                rack: Some("a".into()),
                fenced: true,
                log_dirs: vec![id],
            },
            MetadataRecord::BrokerRegistrationChange {
                broker_id: 1,
                broker_epoch: 9,
                fenced: -1,
                in_controlled_shutdown: 1,
            },
            MetadataRecord::UnregisterBroker { broker_id: 1, broker_epoch: 9 },
            MetadataRecord::NoOp,
            MetadataRecord::PartitionChange(PartitionChange {
                partition: 3,
                topic_id: id,
                isr: Some(vec![]),
                leader: Some(-1),
                replicas: Some(vec![1, 2]),
                removing: Some(vec![3]),
                adding: Some(vec![2]),
                leader_recovery_state: Some(1),
                elr: Some(vec![1]),
                last_known_elr: Some(vec![2]),
                directories: Some(vec![id, id]),
            }),
            MetadataRecord::Topic { name: "orders".into(), topic_id: id },
            MetadataRecord::Partition {
                partition: 2,
                topic_id: id,
                registration: PartitionRegistration {
                    replicas: vec![1, 2],
                    isr: vec![1],
                    elr: vec![2],
                    last_known_elr: vec![3],
                    removing: vec![],
                    adding: vec![2],
                    leader: 1,
                    leader_epoch: 4,
                    partition_epoch: 5,
                    recovering: true,
                    directories: vec![id, id],
                },
            },
            MetadataRecord::Config {
                resource_type: ResourceType::Topic,
                resource_name: "orders".into(),
                name: "retention.ms".into(),
                value: None,
            },
            MetadataRecord::RemoveTopic { topic_id: id },
            MetadataRecord::FeatureLevel { name: "metadata.version".into(), level: 25 },
            MetadataRecord::ClientQuota {
                entity: [("client-id".into(), None), ("user".into(), Some("bob".into()))].into(),
                key: "producer_byte_rate".into(),
                value: Some(QuotaValue::new(1024.5)),
            },
            MetadataRecord::ClientQuota {
                entity: [("ip".into(), Some("127.0.0.1".into()))].into(),
                key: "connection_creation_rate".into(),
                value: None,
            },
            MetadataRecord::UserScramCredential {
                name: "bob".into(),
                mechanism: 2,
                credential: ScramCredential {
                    salt: vec![1],
                    stored_key: vec![2, 3],
                    server_key: vec![],
                    iterations: 4096,
                },
            },
            MetadataRecord::RemoveUserScramCredential { name: "bob".into(), mechanism: 2 },
        ]
    }

    #[test]
    fn records_come_back_and_no_cut_of_them_is_taken() {
        for record in samples() {
            let bytes = record.encode();
            assert_eq!(MetadataRecord::decode(&bytes).as_ref(), Ok(&record));
            for cut in 0..bytes.len() {
                assert!(MetadataRecord::decode(&bytes[..cut]).is_err(), "{record:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn an_unknown_type_is_named() {
        assert_eq!(
            MetadataRecord::decode(&[1, 99, 0]),
            Err(RecordFormatError::Unsupported { key: 99, version: 0 })
        );
    }
}
