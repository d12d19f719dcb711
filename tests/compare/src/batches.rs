//! Record batches, good and odd, by the names that requests have for them.

use blumfeld_protocol::Compression;
use blumfeld_protocol::varint::{put_i32, put_i64};

/// A timestamp that every batch has: what is compared must not depend on when it was.
const TIME: i64 = 1_700_000_000_000;

/// A batch's header as it will be written, and its records.
#[derive(Clone, Debug)]
struct Batch {
    base_offset: i64,
    length: Option<i32>,
    leader_epoch: i32,
    magic: u8,
    crc: Option<u32>,
    attributes: i16,
    last_offset_delta: i32,
    base_timestamp: i64,
    max_timestamp: i64,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
    count: i32,
    records: Vec<u8>,
}

impl Batch {
    fn of(records: Vec<u8>, count: i32) -> Batch {
        Batch {
            base_offset: 0,
            length: None,
            leader_epoch: -1,
            magic: 2,
            crc: None,
            attributes: 0,
            last_offset_delta: count - 1,
            base_timestamp: TIME,
            max_timestamp: TIME,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            count,
            records,
        }
    }

    fn good() -> Batch {
        Batch::of([record(0, 0, b"k", b"first"), record(0, 1, b"k", b"second")].concat(), 2)
    }

    fn compressed(codec: Compression) -> Batch {
        let good = Batch::good();
        Batch { attributes: codec.id(), records: codec.compress(&good.records), ..good }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut checked = Vec::new();
        checked.extend(self.attributes.to_be_bytes());
        checked.extend(self.last_offset_delta.to_be_bytes());
        checked.extend(self.base_timestamp.to_be_bytes());
        checked.extend(self.max_timestamp.to_be_bytes());
        checked.extend(self.producer_id.to_be_bytes());
        checked.extend(self.producer_epoch.to_be_bytes());
        checked.extend(self.base_sequence.to_be_bytes());
        checked.extend(self.count.to_be_bytes());
        checked.extend(&self.records);
        let length = i32::try_from(checked.len() + 9).unwrap_or(i32::MAX);
        let mut out = Vec::new();
        out.extend(self.base_offset.to_be_bytes());
        out.extend(self.length.unwrap_or(length).to_be_bytes());
        out.extend(self.leader_epoch.to_be_bytes());
        out.push(self.magic);
        out.extend(self.crc.unwrap_or_else(|| crc32c::crc32c(&checked)).to_be_bytes());
        out.extend(checked);
        out
    }
}

fn record(timestamp_delta: i64, offset_delta: i32, key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut body = vec![0];
    put_i64(&mut body, timestamp_delta);
    put_i32(&mut body, offset_delta);
    for part in [key, value] {
        put_i32(&mut body, i32::try_from(part.len()).unwrap_or(i32::MAX));
        body.extend(part);
    }
    put_i32(&mut body, 0);
    framed(&body)
}

fn framed(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_i32(&mut out, i32::try_from(body.len()).unwrap_or(i32::MAX));
    out.extend(body);
    out
}

/// A batch that the preparation writes: so many records, each with its number.
pub fn plain(records: i32) -> Vec<u8> {
    let body: Vec<Vec<u8>> =
        (0..records).map(|at| record(0, at, b"key", format!("value {at}").as_bytes())).collect();
    Batch::of(body.concat(), records).bytes()
}

/// Every odd content of a `records` field, with a name that says what is odd.
pub fn odd() -> Vec<(String, Vec<u8>)> {
    let good = Batch::good();
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: String, bytes: Vec<u8>| all.push((name, bytes));
    let mut with = |name: &str, change: &dyn Fn(&mut Batch)| {
        let mut batch = Batch::good();
        change(&mut batch);
        add(name.to_owned(), batch.bytes());
    };
    for value in [i64::MIN, -2, -1, 1, 7, i64::MAX] {
        with(&format!("baseOffset={value}"), &|batch| batch.base_offset = value);
        with(&format!("baseTimestamp={value}"), &|batch| batch.base_timestamp = value);
        with(&format!("maxTimestamp={value}"), &|batch| batch.max_timestamp = value);
        with(&format!("producerId={value}"), &|batch| batch.producer_id = value);
        with(&format!("producerId={value} with epoch and sequence"), &|batch| {
            (batch.producer_id, batch.producer_epoch, batch.base_sequence) = (value, 0, 0);
        });
    }
    for value in [i32::MIN, -2, -1, 0, 1, 13, 14, 48, 49, 50, 1000, i32::MAX] {
        with(&format!("length={value}"), &|batch| batch.length = Some(value));
    }
    for value in [i32::MIN, -2, 0, 1, 2, 3, 7, i32::MAX] {
        with(&format!("leaderEpoch={value}"), &|batch| batch.leader_epoch = value);
        with(&format!("lastOffsetDelta={value}"), &|batch| batch.last_offset_delta = value);
        with(&format!("baseSequence={value}"), &|batch| batch.base_sequence = value);
        with(&format!("count={value}"), &|batch| batch.count = value);
        with(&format!("count and lastOffsetDelta={value}"), &|batch| {
            (batch.count, batch.last_offset_delta) = (value, value.wrapping_sub(1));
        });
        with(&format!("producer 4000 sequence={value}"), &|batch| {
            (batch.producer_id, batch.producer_epoch, batch.base_sequence) = (4000, 0, value);
        });
    }
    for value in [i16::MIN, -2, 0, 1, i16::MAX] {
        with(&format!("producerEpoch={value}"), &|batch| batch.producer_epoch = value);
        with(&format!("producer 4001 epoch={value}"), &|batch| {
            (batch.producer_id, batch.producer_epoch, batch.base_sequence) = (4001, value, 0);
        });
    }
    for value in [0, 1, 3, 127, 128, 255] {
        with(&format!("magic={value}"), &|batch| batch.magic = value);
    }
    for bit in 0..16 {
        let value: i16 = 1_i16.wrapping_shl(bit);
        with(&format!("attributes bit {bit}"), &|batch| batch.attributes = value);
        with(&format!("attributes bit {bit} with a producer"), &|batch| {
            (batch.producer_id, batch.producer_epoch, batch.base_sequence) = (4002, 0, 0);
            batch.attributes = value;
        });
    }
    for value in [5, 6, 7] {
        with(&format!("codec {value}"), &|batch| batch.attributes = value);
    }
    with("crc=0", &|batch| batch.crc = Some(0));
    with("control and transactional", &|batch| batch.attributes = 0x30);
    // The records themselves.
    let mut of = |name: &str, records: Vec<u8>, count: i32| {
        add(name.to_owned(), Batch::of(records.clone(), count).bytes());
        for codec in Compression::ALL.into_iter().filter(|codec| *codec != Compression::None) {
            let batch = Batch::of(codec.compress(&records), count);
            add(format!("{name}, {codec:?}"), Batch { attributes: codec.id(), ..batch }.bytes());
        }
    };
    let two = |first: Vec<u8>| [first, record(0, 1, b"k", b"second")].concat();
    of("good", good.records.clone(), 2);
    of("no record", Vec::new(), 0);
    of("no record of two", Vec::new(), 2);
    of("one record of two", record(0, 0, b"k", b"v"), 2);
    of("three records of two", [good.records.clone(), record(0, 2, b"", b"")].concat(), 2);
    of("offset deltas 0, 7", [record(0, 0, b"k", b"v"), record(0, 7, b"k", b"v")].concat(), 2);
    of("offset deltas 1, 0", [record(0, 1, b"k", b"v"), record(0, 0, b"k", b"v")].concat(), 2);
    of("offset deltas 0, 0", [record(0, 0, b"k", b"v"), record(0, 0, b"k", b"v")].concat(), 2);
    of("a timestamp delta", two(record(5, 0, b"k", b"v")), 2);
    of("a timestamp delta of -5", two(record(-5, 0, b"k", b"v")), 2);
    of("a timestamp delta of the largest", two(record(i64::MAX, 0, b"k", b"v")), 2);
    of("an empty key and value", two(record(0, 0, b"", b"")), 2);
    of("a null key", two(framed(&[0, 0, 0, 1, 2, b'v', 0])), 2);
    of("a null value", two(framed(&[0, 0, 0, 2, b'k', 1, 0])), 2);
    of("a key of length -2", two(framed(&[0, 0, 0, 3, 2, b'v', 0])), 2);
    of("a key beyond the record", two(framed(&[0, 0, 0, 0x7e, 2, b'v', 0])), 2);
    of("-1 headers", two(framed(&[0, 0, 0, 2, b'k', 2, b'v', 1])), 2);
    of("a header without a key", two(framed(&[0, 0, 0, 2, b'k', 2, b'v', 2, 1, 2, b'h'])), 2);
    of("a header", two(framed(&[0, 0, 0, 2, b'k', 2, b'v', 2, 2, b'h', 2, b'w'])), 2);
    of("a header with a null value", two(framed(&[0, 0, 0, 2, b'k', 2, b'v', 2, 2, b'h', 1])), 2);
    of("two headers of one", two(framed(&[0, 0, 0, 2, b'k', 2, b'v', 2, 2, b'h', 1, 2, b'h', 1])), 2);
    of("record attributes", two(framed(&[1, 0, 0, 2, b'k', 2, b'v', 0])), 2);
    of("a byte behind a record's fields", two(framed(&[0, 0, 0, 2, b'k', 2, b'v', 0, 9])), 2);
    of("a record of length 0", two(vec![0]), 2);
    of("a record of length -1", two(vec![1]), 2);
    of("a record cut short", vec![20, 0, 0, 0], 1);
    of("bytes that are no records", vec![0xff; 20], 2);
    // What stands around and beside a batch.
    let bytes = good.bytes();
    let cut = |by: usize| bytes.iter().copied().take(by).collect::<Vec<u8>>();
    add("empty".to_owned(), Vec::new());
    for by in [1, 11, 12, 16, 17, 40, 60, 61, bytes.len() - 1] {
        add(format!("cut after {by}"), cut(by));
        add(format!("a batch and one cut after {by}"), [bytes.clone(), cut(by)].concat());
    }
    add("two batches".to_owned(), [bytes.clone(), bytes.clone()].concat());
    add("a batch and five bytes".to_owned(), [bytes.clone(), vec![0xff; 5]].concat());
    add("zeros".to_owned(), vec![0; 61]);
    for codec in Compression::ALL.into_iter().filter(|codec| *codec != Compression::None) {
        let packed = Batch::compressed(codec);
        add(format!("{codec:?} that is none"), Batch { attributes: codec.id(), ..good.clone() }.bytes());
        let mut shorter = packed.clone();
        shorter.records.pop();
        add(format!("{codec:?} cut by a byte"), shorter.bytes());
        let mut longer = packed.clone();
        longer.records.push(0);
        add(format!("{codec:?} with a byte behind"), longer.bytes());
        let mut flipped = packed.clone();
        if let Some(byte) = flipped.records.last_mut() {
            *byte ^= 0xff;
        }
        add(format!("{codec:?} with its last byte flipped"), flipped.bytes());
        let mut started = packed.clone();
        if let Some(byte) = started.records.first_mut() {
            *byte ^= 0xff;
        }
        add(format!("{codec:?} with its first byte flipped"), started.bytes());
        for bit in [3, 4, 5, 6, 7] {
            let attributes = codec.id() | (1_i16 << bit);
            add(
                format!("{codec:?} with attributes bit {bit}"),
                Batch { attributes, ..packed.clone() }.bytes(),
            );
        }
    }
    add("LZ4 with a content checksum".to_owned(), lz4(0x64, &good.records, true, None));
    add("LZ4 with a wrong content checksum".to_owned(), lz4(0x64, &good.records, true, Some(0)));
    add("LZ4 of linked blocks".to_owned(), lz4(0x40, &good.records, true, None));
    add("LZ4 without an end mark".to_owned(), lz4(0x60, &good.records, false, None));
    all
}

/// An LZ4 frame of one block that is not compressed, with these flags, in a batch.
fn lz4(flags: u8, content: &[u8], end: bool, checksum: Option<u32>) -> Vec<u8> {
    let mut frame = vec![0x04, 0x22, 0x4d, 0x18, flags, 0x40];
    let hash = xxh32(&[flags, 0x40]);
    frame.push((hash >> 8).to_le_bytes()[0]);
    frame.extend((u32::try_from(content.len()).unwrap_or(0) | 0x8000_0000).to_le_bytes());
    frame.extend(content);
    if end {
        frame.extend([0; 4]);
        if flags & 4 != 0 {
            frame.extend(checksum.unwrap_or_else(|| xxh32(content)).to_le_bytes());
        }
    }
    Batch { attributes: Compression::Lz4.id(), records: frame, ..Batch::good() }.bytes()
}

/// xxHash32 with seed 0 (the LZ4 frame format's checksum).
fn xxh32(bytes: &[u8]) -> u32 {
    twox_hash::XxHash32::oneshot(0, bytes)
}

/// Bytes as the value of a field in a body.
pub fn value(bytes: &[u8]) -> serde_json::Value {
    use base64::Engine as _;
    serde_json::json!(base64::prelude::BASE64_STANDARD.encode(bytes))
}
