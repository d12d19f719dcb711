//! What a metadata log says, read without a node.

use std::collections::BTreeMap;

use blumfeld_broker::{MetadataImage, MetadataRecord, RecordFormatError};
use blumfeld_protocol::record_batch::{ControlRecord, batches};
use blumfeld_protocol::varint::Reader;
use bytes::Bytes;

/// AccessControlEntryRecord.
const ACL: u32 = 18;

/// What a metadata log says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metadata {
    /// What its records make.
    pub image: MetadataImage,
    /// The quorum's voters, as `quorum-state` says (static ones) or a record (KIP-853).
    pub voters: Option<Vec<i32>>,
    /// Whether it has access control lists.
    pub acls: bool,
    /// How many records there are.
    pub records: u64,
}

/// Reads the newest snapshot and what follows it.
pub(crate) fn read(files: &BTreeMap<String, Bytes>) -> Metadata {
    let voters = files.get("quorum-state").and_then(|bytes| static_voters(&String::from_utf8_lossy(bytes)));
    let mut metadata = Metadata { voters, ..Metadata::default() };
    let snapshot = files.keys().rev().find_map(|name| {
        let (offset, _) = name.strip_suffix(".checkpoint")?.split_once('-')?;
        Some((name, offset.parse::<i64>().ok()?))
    });
    if let Some((name, _)) = snapshot {
        replay(&files[name], 0, &mut metadata);
    }
    let from = snapshot.map_or(0, |(_, end)| end);
    for (_, bytes) in files.iter().filter(|(name, _)| name.ends_with(".log")) {
        replay(bytes, from, &mut metadata);
    }
    metadata
}

fn replay(bytes: &Bytes, from: i64, metadata: &mut Metadata) {
    for batch in batches(bytes).map_while(Result::ok) {
        for record in batch.records().into_iter().flatten().map_while(Result::ok) {
            if record.offset < from {
                continue;
            }
            let Some(value) = &record.value else { continue };
            if batch.is_control() {
                if ControlRecord::of(&record) == Some(ControlRecord::KRaftVoters)
                    && let Some(voters) = dynamic_voters(value)
                {
                    metadata.voters = Some(voters);
                }
                continue;
            }
            metadata.records += 1;
            match MetadataRecord::decode(value) {
                Ok(record) => metadata.image.replay(&record),
                Err(RecordFormatError::Unsupported { key: ACL, .. }) => metadata.acls = true,
                // As a node does: what a newer version means is not known here.
                Err(_) => {}
            }
        }
    }
}

/// The voters that `quorum-state` of version 0 names (QuorumStateData).
fn static_voters(text: &str) -> Option<Vec<i32>> {
    let (_, list) = text.split_once("\"currentVoters\":")?;
    let list = list.split(']').next()?;
    let ids = list.split("\"voterId\":").skip(1).map(|rest| {
        rest.split(|c: char| c != '-' && !c.is_ascii_digit()).find(|digits| !digits.is_empty())?.parse().ok()
    });
    ids.collect::<Option<Vec<i32>>>().filter(|ids| !ids.is_empty())
}

/// The voters of a VotersRecord, version 0. It is read field by field: a decoder of messages would reserve memory for
/// as many voters as the bytes claim.
fn dynamic_voters(bytes: &[u8]) -> Option<Vec<i32>> {
    let mut reader = Reader::new(bytes);
    reader.i16()?; // version
    let mut voters = Vec::new();
    for _ in 1..reader.varint_unsigned()? {
        voters.push(reader.i32()?);
        reader.take(16)?; // directory id
        for _ in 1..reader.varint_unsigned()? {
            for _ in 0..2 {
                let len = reader.varint_unsigned()?; // name, host
                reader.take(usize::try_from(len.saturating_sub(1)).ok()?)?;
            }
            reader.i16()?; // port
            tags(&mut reader)?;
        }
        reader.i32()?; // lowest and highest kraft.version
        tags(&mut reader)?;
        tags(&mut reader)?;
    }
    Some(voters)
}

fn tags(reader: &mut Reader<'_>) -> Option<()> {
    for _ in 0..reader.varint_unsigned()? {
        reader.varint_unsigned()?;
        let len = reader.varint_unsigned()?;
        reader.take(usize::try_from(len).ok()?)?;
    }
    Some(())
}
