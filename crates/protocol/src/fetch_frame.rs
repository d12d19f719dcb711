//! Fetch responses whose records are not copied: a frame's pieces are the batches as they stand in the leader's log,
//! and what is read out of such a frame are the same pieces again.

use std::collections::VecDeque;
use std::ops::Range;

use blumfeld_kernel::Frame;
use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{ApiKey, FetchResponse, ResponseHeader};
use kafka_protocol::protocol::buf::ByteBuf;
use kafka_protocol::protocol::{Decodable, Encodable};

use crate::frame::{FrameError, encode_response};
use crate::varint;

/// The records of one partition, in pieces of whole batches, or in one piece that may end within a batch.
pub type RecordPieces = Vec<Bytes>;

/// The first version with compact lengths and tagged fields.
const FIRST_FLEXIBLE: i16 = 12;
/// The first version with an error and a session of its own.
const FIRST_WITH_SESSION: i16 = 7;

/// Writes a response with its header. The partitions of `response` have no records in them: `records` has those of
/// each, in the order of topics and partitions.
///
/// # Errors
/// A field is set that the version does not have, or a partition with a diverging epoch, a new leader or a snapshot to
/// fetch has records too.
pub fn encode_fetch_response(
    version: i16,
    correlation_id: i32,
    response: &mut FetchResponse,
    records: Vec<RecordPieces>,
) -> Result<Frame, FrameError> {
    // Most answers to followers have none.
    if records.iter().all(Vec::is_empty) {
        return encode_response(ApiKey::Fetch, version, correlation_id, response).map(Frame::from);
    }
    let fail = |what: String| FrameError::Encode { api_key: ApiKey::Fetch, version, what };
    let failed = |error: anyhow::Error| fail(error.to_string());
    let flexible = version >= FIRST_FLEXIBLE;
    let mut header = ResponseHeader::default();
    header.correlation_id = correlation_id;
    let mut out = Pieces::default();
    header.encode(&mut out.open, ApiKey::Fetch.response_header_version(version)).map_err(failed)?;

    let topics = std::mem::take(&mut response.responses);
    let mut around = BytesMut::new();
    response.encode(&mut around, version).map_err(failed)?;
    // The topics stand between the session and the tagged fields of the whole.
    let session = if version >= FIRST_WITH_SESSION { 4 + 2 + 4 } else { 4 };
    out.open.extend_from_slice(&around[..session]);
    out.array_of(topics.len(), flexible);
    let mut records = records.into_iter();
    for topic in &topics {
        let bare =
            FetchableTopicResponse::default().with_topic(topic.topic.clone()).with_topic_id(topic.topic_id);
        let from = out.open.len();
        bare.encode(&mut out.open, version).map_err(failed)?;
        // Its end says that there is no partition, and no tagged field.
        out.open.truncate(out.open.len().saturating_sub(if flexible { 2 } else { 4 }).max(from));
        out.array_of(topic.partitions.len(), flexible);
        for partition in &topic.partitions {
            let records = records.next().unwrap_or_default();
            put_partition(&mut out, version, partition, records).map_err(failed)?;
        }
        if flexible {
            out.open.extend_from_slice(&[0]);
        }
    }
    out.open.extend_from_slice(&around[session + if flexible { 1 } else { 4 }..]);
    response.responses = topics;
    Ok(out.into_frame())
}

fn put_partition(
    out: &mut Pieces,
    version: i16,
    partition: &PartitionData,
    records: RecordPieces,
) -> Result<(), anyhow::Error> {
    let from = out.open.len();
    partition.encode(&mut out.open, version)?;
    if records.is_empty() {
        return Ok(());
    }
    let size: usize = records.iter().map(Bytes::len).sum();
    let flexible = version >= FIRST_FLEXIBLE;
    // The end: no records, and no tagged field.
    let end: &[u8] = if flexible { &[1, 0] } else { &[0; 4] };
    if !out.open[from..].ends_with(end) || !partition.records.as_ref().is_some_and(Bytes::is_empty) {
        anyhow::bail!("partition {} has records in two places", partition.partition_index);
    }
    out.open.truncate(out.open.len() - end.len());
    if flexible {
        let mut length = Vec::new();
        varint::put_unsigned(&mut length, u32::try_from(size + 1)?);
        out.open.extend_from_slice(&length);
    } else {
        out.open.extend_from_slice(&i32::try_from(size)?.to_be_bytes());
    }
    out.close();
    out.done.extend(records);
    if flexible {
        out.open.extend_from_slice(&[0]);
    }
    Ok(())
}

/// What is being written.
#[derive(Default)]
struct Pieces {
    done: Vec<Bytes>,
    open: BytesMut,
}

impl Pieces {
    /// The length of an array.
    fn array_of(&mut self, len: usize, flexible: bool) {
        // No response has so many of anything.
        let len = u32::try_from(len).unwrap_or(u32::MAX - 1);
        if flexible {
            let mut bytes = Vec::new();
            varint::put_unsigned(&mut bytes, len + 1);
            self.open.extend_from_slice(&bytes);
        } else {
            self.open.extend_from_slice(&len.to_be_bytes());
        }
    }

    fn close(&mut self) {
        self.done.push(self.open.split().freeze());
    }

    fn into_frame(mut self) -> Frame {
        if !self.open.is_empty() {
            self.close();
        }
        Frame::of(self.done)
    }
}

/// Reads a response: what it says, and the records of each partition in the order of topics and partitions, which share
/// the frame's memory. The partitions themselves have none.
///
/// # Errors
/// It is no Fetch response of this version.
pub fn decode_fetch_response(
    version: i16,
    frame: Frame,
) -> Result<(FetchResponse, Vec<RecordPieces>), FrameError> {
    let fail =
        |error: anyhow::Error| FrameError::Body { api_key: ApiKey::Fetch, version, what: error.to_string() };
    let mut reader = Reader::new(frame);
    ResponseHeader::decode(&mut reader, ApiKey::Fetch.response_header_version(version)).map_err(fail)?;
    let mut response = FetchResponse::decode(&mut reader, version).map_err(fail)?;
    let mut in_pieces = reader.records.into_iter().peekable();
    let mut records = Vec::new();
    for partition in response.responses.iter_mut().flat_map(|topic| &mut topic.partitions) {
        records.push(match partition.records.replace(Bytes::new()) {
            Some(bytes) if bytes.is_empty() => RecordPieces::new(),
            // Several pieces were set aside, and the first of them stands for all.
            Some(bytes) => match in_pieces
                .next_if(|pieces| pieces.first().map(|first| first.as_ptr()) == Some(bytes.as_ptr()))
            {
                Some(pieces) => pieces,
                None => vec![bytes],
            },
            None => RecordPieces::new(),
        });
    }
    Ok((response, records))
}

/// Reads over the pieces of a frame.
struct Reader {
    rest: VecDeque<Bytes>,
    remaining: usize,
    /// Fields that were longer than one piece.
    records: Vec<RecordPieces>,
}

impl Reader {
    fn new(frame: Frame) -> Reader {
        Reader {
            remaining: frame.len(),
            rest: frame.pieces().filter(|piece| !piece.is_empty()).cloned().collect(),
            records: Vec::new(),
        }
    }

    /// The next bytes, at most `size`, as far as they stand in one piece.
    fn part(&mut self, size: usize) -> Bytes {
        let Some(first) = self.rest.front_mut() else { return Bytes::new() };
        let part = first.split_to(size.min(first.len()));
        if first.is_empty() {
            self.rest.pop_front();
        }
        self.remaining -= part.len();
        part
    }
}

impl Buf for Reader {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        self.rest.front().map_or(&[], |first| first)
    }

    fn advance(&mut self, count: usize) {
        let mut left = count.min(self.remaining);
        while left > 0 {
            left -= self.part(left).len();
        }
    }
}

impl ByteBuf for Reader {
    fn peek_bytes(&mut self, range: Range<usize>) -> Bytes {
        let all = Frame::of(self.rest.iter().cloned()).into_bytes();
        all.slice(range.start.min(all.len())..range.end.min(all.len()))
    }

    /// A field that stands in several pieces is set aside, and its first piece given: no field of a response but
    /// records is ever in more than one.
    fn get_bytes(&mut self, size: usize) -> Bytes {
        let mut left = size.min(self.remaining);
        let first = self.part(left);
        left -= first.len();
        if left > 0 {
            let mut pieces = vec![first.clone()];
            while left > 0 {
                let part = self.part(left);
                left -= part.len();
                pieces.push(part);
            }
            self.records.push(pieces);
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::decode_response;
    use kafka_protocol::messages::fetch_response::{EpochEndOffset, NodeEndpoint};
    use kafka_protocol::messages::{BrokerId, TopicName};

    fn text(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    /// Two topics: records in no piece, in one, in three, and again in one; a divergence; a leader's address.
    fn response(version: i16) -> (FetchResponse, Vec<RecordPieces>) {
        let pieces = vec![
            vec![],
            vec![text("one")],
            vec![text("t"), text("wo"), text("three")],
            vec![text("one")],
            vec![],
        ];
        let mut diverging = PartitionData::default().with_partition_index(4).with_records(Some(Bytes::new()));
        if version >= FIRST_FLEXIBLE {
            diverging.diverging_epoch = EpochEndOffset::default().with_epoch(3).with_end_offset(9);
        }
        let topic = |number: i32, partitions| {
            let topic = FetchableTopicResponse::default().with_partitions(partitions);
            if version >= 13 {
                topic.with_topic_id(uuid::Uuid::from_u128(7))
            } else {
                topic.with_topic(TopicName(format!("topic-{number}").into()))
            }
        };
        let partition = |number: i32| {
            let partition = PartitionData::default().with_partition_index(number).with_high_watermark(12);
            partition.with_records(Some(Bytes::new()))
        };
        let mut response = FetchResponse::default().with_throttle_time_ms(5).with_responses(vec![
            topic(0, vec![partition(0), partition(1), partition(2)]),
            topic(1, vec![partition(3), diverging]),
            topic(2, vec![]),
        ]);
        if version >= FIRST_WITH_SESSION {
            (response.session_id, response.error_code) = (77, 3);
        }
        if version >= 16 {
            response.node_endpoints =
                vec![NodeEndpoint::default().with_node_id(BrokerId(2)).with_host("h".to_owned().into())];
        }
        (response, pieces)
    }

    fn joined(pieces: &RecordPieces) -> Bytes {
        Frame::of(pieces.iter().cloned()).into_bytes()
    }

    #[test]
    fn every_version_is_what_the_messages_say_and_shares_the_records() {
        for version in 4..=18 {
            let (mut bare, pieces) = response(version);
            let frame = encode_fetch_response(version, 42, &mut bare, pieces.clone()).unwrap();
            assert_eq!(bare, response(version).0, "it is given back as it was");
            let mut whole = bare.clone();
            let partitions = whole.responses.iter_mut().flat_map(|topic| &mut topic.partitions);
            partitions.zip(&pieces).for_each(|(data, pieces)| data.records = Some(joined(pieces)));
            let want = encode_response(ApiKey::Fetch, version, 42, &whole).unwrap();
            assert_eq!(frame.clone().into_bytes(), want, "v{version}");
            assert_eq!(
                decode_response::<FetchResponse>(ApiKey::Fetch, version, want.clone()).unwrap(),
                whole
            );

            let (read, records) = decode_fetch_response(version, frame).unwrap();
            assert_eq!((&read, &records), (&bare, &pieces), "v{version} in pieces");
            let places = |records: &[RecordPieces]| -> Vec<_> {
                records.iter().flatten().map(|piece| piece.as_ptr()).collect()
            };
            assert_eq!(places(&records), places(&pieces), "v{version}: the same memory");

            let (read, records) = decode_fetch_response(version, want.clone().into()).unwrap();
            assert_eq!(read, bare, "v{version} in one piece");
            assert_eq!(
                records.iter().map(joined).collect::<Vec<_>>(),
                pieces.iter().map(joined).collect::<Vec<_>>()
            );
            for cut in 0..want.len() {
                assert!(
                    decode_fetch_response(version, want.slice(..cut).into()).is_err(),
                    "v{version} cut at {cut}"
                );
            }
        }
    }

    #[test]
    fn a_frame_that_is_cut_anywhere_reads_the_same() {
        let (mut bare, pieces) = response(18);
        let whole = encode_fetch_response(18, 1, &mut bare, pieces.clone()).unwrap().into_bytes();
        for at in 0..=whole.len() {
            let frame = Frame::of([whole.slice(..at), whole.slice(at..)]);
            // Only records may stand in several pieces; whatever else does is refused or read, without a panic.
            let _ = decode_fetch_response(18, frame);
        }
    }

    #[test]
    fn records_where_the_response_says_something_else_are_refused() {
        let (mut bare, mut pieces) = response(18);
        pieces[4] = vec![text("records")];
        let error = encode_fetch_response(18, 1, &mut bare, pieces).unwrap_err();
        assert!(error.to_string().contains("partition 4 has records in two places"), "{error}");
    }
}
