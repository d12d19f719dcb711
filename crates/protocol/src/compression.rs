//! The four compressions of record batches, both ways.

use std::fmt;
use std::io::{Read, Write};
use std::str::FromStr;

use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use ruzstd::decoding::StreamingDecoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::lz4::{self, Lz4Error};

/// How the records of a batch are compressed (org.apache.kafka.common.record.CompressionType): the lowest three bits of
/// the batch's attributes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// Snappy blocks in the framing of snappy-java; plain snappy is read too.
    Snappy,
    /// LZ4 frames of independent blocks of at most 64 KiB.
    Lz4,
    /// Zstandard (RFC 8878).
    Zstd,
}

/// How hard each codec tries (KIP-390). A codec without an entry has no levels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CompressionLevels {
    /// `compression.gzip.level`: 1 to 9, or -1 for zlib's default.
    pub gzip: i32,
    /// `compression.lz4.level`: 1 to 17.
    pub lz4: i32,
    /// `compression.zstd.level`: -131072 to 22.
    pub zstd: i32,
}

impl CompressionLevels {
    const GZIP_DEFAULT: i32 = -1;
}

/// Kafka's defaults.
impl Default for CompressionLevels {
    fn default() -> CompressionLevels {
        CompressionLevels { gzip: CompressionLevels::GZIP_DEFAULT, lz4: 9, zstd: 3 }
    }
}

/// Why bytes could not be decompressed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CompressionError {
    /// The bytes are not of this codec.
    #[error("no valid {codec} data: {what}")]
    Corrupt {
        /// The codec.
        codec: Compression,
        /// What its decoder said.
        what: String,
    },
    /// More came out than the limit.
    #[error("{codec} data of more than {limit} bytes when decompressed")]
    TooLarge {
        /// The codec.
        codec: Compression,
        /// The limit in bytes.
        limit: usize,
    },
}

impl Compression {
    /// All five, in the order of their ids.
    pub const ALL: [Compression; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The number in a batch's attributes, 0 to 4.
    pub const fn id(self) -> i16 {
        self as i16
    }

    /// The compression with this number.
    pub fn from_id(id: i16) -> Option<Compression> {
        usize::try_from(id).ok().and_then(|id| Self::ALL.get(id)).copied()
    }

    /// Kafka's name: `none`, `gzip`, `snappy`, `lz4`, `zstd`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// Refuses a level that the codec does not have, with the end of Kafka's sentence (CompressionType.levelValidator).
    pub fn check_level(self, level: i32) -> Result<(), String> {
        let (min, max) = match self {
            // Its default is written -1 and lies below its range.
            Self::Gzip if level == CompressionLevels::GZIP_DEFAULT || (1..=9).contains(&level) => {
                return Ok(());
            }
            Self::Gzip => {
                let default = CompressionLevels::GZIP_DEFAULT;
                return Err(format!("Value must be between 1 and 9 or equal to {default}"));
            }
            Self::Lz4 => (1, 17),
            Self::Zstd => (-131_072, 22),
            Self::None | Self::Snappy => return Ok(()),
        };
        if level < min {
            Err(format!("Value must be at least {min}"))
        } else if level > max {
            Err(format!("Value must be no more than {max}"))
        } else {
            Ok(())
        }
    }

    /// Compresses at Kafka's default level.
    pub fn compress(self, bytes: &[u8]) -> Vec<u8> {
        self.compress_at(bytes, CompressionLevels::default())
    }

    /// Compresses at its one of `levels`. Only gzip has more than one here: of the pure Rust encoders lz4's has the one
    /// fast mode, and zstd's one that is about zstd's own level 1.
    pub fn compress_at(self, bytes: &[u8], levels: CompressionLevels) -> Vec<u8> {
        match self {
            Self::None => bytes.to_vec(),
            Self::Gzip => {
                let level = match u32::try_from(levels.gzip) {
                    Ok(level @ 1..=9) => flate2::Compression::new(level),
                    _ => flate2::Compression::default(),
                };
                let mut encoder = GzEncoder::new(Vec::new(), level);
                // Writing to memory does not fail; an error would leave the output short, which no reader accepts.
                let _ = encoder.write_all(bytes);
                encoder.finish().unwrap_or_default()
            }
            Self::Snappy => snappy_frame(bytes),
            Self::Lz4 => lz4_frame(bytes),
            Self::Zstd => compress_to_vec(bytes, CompressionLevel::Fastest),
        }
    }

    /// Decompresses; gives no more than `limit` bytes.
    pub fn decompress(self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, CompressionError> {
        match self {
            Self::None if bytes.len() > limit => Err(CompressionError::TooLarge { codec: self, limit }),
            Self::None => Ok(bytes.to_vec()),
            Self::Gzip => gzip_members(bytes, limit),
            Self::Snappy => snappy_unframe(bytes, limit),
            Self::Lz4 => lz4::decompress(bytes, limit).map_err(|error| match error {
                Lz4Error::Corrupt(what) => self.corrupt(what),
                Lz4Error::TooLarge => CompressionError::TooLarge { codec: self, limit },
            }),
            Self::Zstd => zstd_frames(bytes, limit),
        }
    }

    fn corrupt(self, what: impl fmt::Display) -> CompressionError {
        CompressionError::Corrupt { codec: self, what: what.to_string() }
    }

    /// Adds what `from` has to `out`, which may become `limit` bytes long.
    fn read_all(self, from: impl Read, out: &mut Vec<u8>, limit: usize) -> Result<(), CompressionError> {
        let room = limit.saturating_sub(out.len()) as u64;
        from.take(room + 1).read_to_end(out).map_err(|error| self.corrupt(error))?;
        if out.len() > limit { Err(CompressionError::TooLarge { codec: self, limit }) } else { Ok(()) }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Compression {
    type Err = ();
    fn from_str(name: &str) -> Result<Compression, ()> {
        Self::ALL.into_iter().find(|codec| codec.name() == name).ok_or(())
    }
}

/// All members of a gzip stream; what comes after them and is none is passed over (java.util.zip.GZIPInputStream).
fn gzip_members(bytes: &[u8], limit: usize) -> Result<Vec<u8>, CompressionError> {
    /// Magic and method of a member's header, which is at least so long.
    const MEMBER: [u8; 3] = [0x1f, 0x8b, 8];
    const HEADER: usize = 10;
    let (mut rest, mut out) = (bytes, Vec::new());
    loop {
        let mut member = GzDecoder::new(rest);
        Compression::Gzip.read_all(&mut member, &mut out, limit)?;
        rest = member.into_inner();
        if rest.len() < HEADER || !rest.starts_with(&MEMBER) {
            return Ok(out);
        }
    }
}

/// All frames of a zstd stream, without those that are there to be skipped. Their checksums count.
fn zstd_frames(bytes: &[u8], limit: usize) -> Result<Vec<u8>, CompressionError> {
    let codec = Compression::Zstd;
    let (mut rest, mut out) = (bytes, Vec::new());
    while !rest.is_empty() {
        if let Some((&[kind, 0x2a, 0x4d, 0x18, a, b, c, d], after)) = rest.split_first_chunk::<8>()
            && kind & 0xf0 == 0x50
        {
            let length = u32::from_le_bytes([a, b, c, d]) as usize;
            rest = after.get(length..).ok_or_else(|| codec.corrupt("a frame to skip is cut short"))?;
            continue;
        }
        let mut frame = StreamingDecoder::new(&mut rest).map_err(|error| codec.corrupt(error))?;
        codec.read_all(&mut frame, &mut out, limit)?;
        let decoder = frame.into_frame_decoder();
        let stored = decoder.get_checksum_from_data();
        if stored.is_some() && stored != decoder.get_calculated_checksum() {
            return Err(codec.corrupt("a frame's checksum is wrong"));
        }
    }
    Ok(out)
}

/// What an LZ4 frame begins with: magic; version 1, independent blocks, no checksums; blocks of at most 64 KiB; the
/// checksum of these two bytes. The same header as Kafka's own (Lz4BlockOutputStream).
const LZ4_HEADER: [u8; 7] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
/// Bytes of a block. Up to 64 KiB the library hashes four bytes whatever the machine's word is; above, eight on 64-bit
/// machines and four on 32-bit ones such as wasm, which then find other matches. One seed must give one trace on both.
const LZ4_BLOCK: usize = 63 * 1024;
/// Marks a block that is not compressed.
const LZ4_PLAIN: u32 = 1 << 31;

fn lz4_frame(bytes: &[u8]) -> Vec<u8> {
    let mut out = LZ4_HEADER.to_vec();
    for plain in bytes.chunks(LZ4_BLOCK) {
        let packed = lz4_flex::block::compress(plain);
        let (block, flag) = if packed.len() < plain.len() { (&packed[..], 0) } else { (plain, LZ4_PLAIN) };
        out.extend((u32::try_from(block.len()).unwrap_or(0) | flag).to_le_bytes());
        out.extend(block);
    }
    // A block of no bytes ends the frame.
    out.extend([0; 4]);
    out
}

/// What a stream of snappy-java begins with: magic, then version 1 and oldest compatible version 1.
const XERIAL: [u8; 16] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1];
/// snappy-java's default block size, in bytes.
const XERIAL_BLOCK: usize = 32 * 1024;

fn snappy_frame(bytes: &[u8]) -> Vec<u8> {
    let mut out = XERIAL.to_vec();
    for block in bytes.chunks(XERIAL_BLOCK) {
        let block = snap::raw::Encoder::new().compress_vec(block).unwrap_or_default();
        out.extend(u32::try_from(block.len()).unwrap_or(0).to_be_bytes());
        out.extend(block);
    }
    out
}

fn snappy_unframe(bytes: &[u8], limit: usize) -> Result<Vec<u8>, CompressionError> {
    let codec = Compression::Snappy;
    let block = |block: &[u8], room: usize| {
        let size = snap::raw::decompress_len(block).map_err(|error| codec.corrupt(error))?;
        if size > room {
            return Err(CompressionError::TooLarge { codec, limit });
        }
        snap::raw::Decoder::new().decompress_vec(block).map_err(|error| codec.corrupt(error))
    };
    // librdkafka and others send one plain block; snappy-java reads that as well (SnappyInputStream).
    if !bytes.starts_with(&XERIAL[..8]) {
        return block(bytes, limit);
    }
    let mut rest =
        bytes.get(XERIAL.len()..).ok_or_else(|| codec.corrupt("the stream header is cut short"))?;
    let mut out = Vec::new();
    while let Some((len, after)) = rest.split_first_chunk::<4>() {
        // Streams may stand one after the other.
        if rest.starts_with(&XERIAL[..8]) && rest.len() >= XERIAL.len() {
            rest = rest.get(XERIAL.len()..).unwrap_or_default();
            continue;
        }
        let len = u32::from_be_bytes(*len) as usize;
        let (one, after) =
            after.split_at_checked(len).ok_or_else(|| codec.corrupt("a block is cut short"))?;
        let piece = block(one, limit - out.len())?;
        out.extend(piece);
        rest = after;
    }
    // Less than a block's length is passed over, as snappy-java does.
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_gives_back_what_it_took() {
        let long: Vec<u8> = (0..200_000_u32).flat_map(|n| (n / 7 * 31).to_le_bytes()).collect();
        for codec in Compression::ALL {
            for bytes in [&b""[..], b"a", "한국어".as_bytes(), &long] {
                let compressed = codec.compress(bytes);
                assert_eq!(codec.decompress(&compressed, bytes.len()).unwrap(), bytes, "{codec}");
                if bytes.len() > 1 {
                    let limit = bytes.len() - 1;
                    let error = codec.decompress(&compressed, limit).unwrap_err();
                    assert_eq!(error, CompressionError::TooLarge { codec, limit });
                }
            }
            assert_eq!(codec.name().parse(), Ok(codec));
            assert_eq!(Compression::from_id(codec.id()), Some(codec));
        }
    }

    #[test]
    fn levels_are_judged_in_kafkas_words_and_gzips_makes_a_difference() {
        for (codec, level, want) in [
            (Compression::Gzip, -1, ""),
            (Compression::Gzip, 1, ""),
            (Compression::Gzip, 9, ""),
            (Compression::Gzip, 0, "Value must be between 1 and 9 or equal to -1"),
            (Compression::Gzip, 10, "Value must be between 1 and 9 or equal to -1"),
            (Compression::Lz4, 0, "Value must be at least 1"),
            (Compression::Lz4, 17, ""),
            (Compression::Lz4, 18, "Value must be no more than 17"),
            (Compression::Zstd, -131_072, ""),
            (Compression::Zstd, -131_073, "Value must be at least -131072"),
            (Compression::Zstd, 23, "Value must be no more than 22"),
        ] {
            assert_eq!(codec.check_level(level).err().unwrap_or_default(), want, "{codec} {level}");
        }
        let text: Vec<u8> =
            (0..4_000_u32).flat_map(|n| format!("{} 줄 {}\n", n * n % 997, n % 89).into_bytes()).collect();
        let size = |gzip: i32| {
            let levels = CompressionLevels { gzip, ..CompressionLevels::default() };
            let packed = Compression::Gzip.compress_at(&text, levels);
            assert_eq!(Compression::Gzip.decompress(&packed, text.len()).unwrap(), text);
            packed.len()
        };
        let (fast, usual, best) = (size(1), size(-1), size(9));
        assert!(best < usual && usual < fast, "{best} {usual} {fast}");
        assert_eq!(size(6), usual, "zlib's default");
    }

    #[test]
    fn plain_snappy_is_read() {
        let plain = snap::raw::Encoder::new().compress_vec(b"plain plain plain").unwrap();
        assert_eq!(Compression::Snappy.decompress(&plain, 100).unwrap(), b"plain plain plain");
    }

    #[test]
    fn damaged_data_is_an_error() {
        for codec in &Compression::ALL[1..] {
            let mut bytes = codec.compress(&[7; 1_000]);
            bytes.truncate(bytes.len() / 2);
            assert!(codec.decompress(&bytes, 10_000).is_err(), "{codec} cut");
            assert!(codec.decompress(b"\xff\xfe\xfd\xfc\xfb\xfa", 10_000).is_err(), "{codec} noise");
        }
    }
}
