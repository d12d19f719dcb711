//! A link as what stands behind `#` in the address.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use crc::{CRC_32_ISCSI, Crc, Table};
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};

use crate::encoding::{decode, encode};
use crate::error::{LinkError, Problem, shortened};
use crate::{Link, PACKED_LIMIT, UNPACKED_LIMIT, VERSION};

/// CRC32C, as in Kafka's record batches. A small table, for what is summed is small too.
const CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISCSI);
/// What the checksum begins with, by the kind of a link: a session's was there first, and has nothing.
const SESSION: &[u8] = b"";
const LESSON: &[u8] = b"lesson";
/// Bytes of the checksum.
const SUM: usize = 4;
/// As small as it gets: links are made once and sent often.
const LEVEL: u8 = 10;

/// Whether a hash, with its `#` or without, wants to be a link, so that it is no place of the page.
pub fn is_hash(hash: &str) -> bool {
    hash.strip_prefix('#').unwrap_or(hash).starts_with("s/")
}

/// A link as a hash, `#s/1/…`. One that is longer than [`HASH_LIMIT`](crate::HASH_LIMIT) is better a file.
///
/// # Errors
/// What [`Link::check`] says, and that the session is too large for a link.
pub fn to_hash(link: &Link) -> Result<String, LinkError> {
    link.check()?;
    let bytes = encode(link);
    if bytes.len() > UNPACKED_LIMIT {
        return Err(Problem::TooLarge { limit: UNPACKED_LIMIT }.into());
    }
    let packed = pack(&bytes)?;
    Ok(seal(packed))
}

fn pack(bytes: &[u8]) -> Result<Vec<u8>, LinkError> {
    let packed = compress_to_vec(bytes, LEVEL);
    if packed.len() > PACKED_LIMIT {
        return Err(Problem::TooLarge { limit: PACKED_LIMIT }.into());
    }
    Ok(packed)
}

/// Whether a hash, with its `#` or without, wants to be a lesson of somebody's.
pub fn is_lesson_hash(hash: &str) -> bool {
    hash.strip_prefix('#').unwrap_or(hash).starts_with("l/")
}

/// The file of a lesson as a hash, `#l/1/…`.
///
/// # Errors
/// That it is too large for a link.
pub fn lesson_to_hash(text: &str) -> Result<String, LinkError> {
    if text.len() > UNPACKED_LIMIT {
        return Err(Problem::TooLarge { limit: UNPACKED_LIMIT }.into());
    }
    let mut packed = pack(text.as_bytes())?;
    let sum = checksum(LESSON, &packed);
    packed.extend_from_slice(&sum);
    Ok(format!("#l/{VERSION}/{}", BASE64.encode(packed)))
}

/// The file of a lesson that a hash has, with its `#` or without. Whether it is a lesson is for its reader to say.
///
/// # Errors
/// That it is no such link, of another version, too large, changed, or no text.
pub fn lesson_from_hash(hash: &str) -> Result<String, LinkError> {
    let unpacked = open(hash, "l/", LESSON)?;
    String::from_utf8(unpacked).map_err(|_| Problem::Packed.into())
}

/// The hash of a deflated part.
pub(crate) fn seal(mut packed: Vec<u8>) -> String {
    let sum = checksum(SESSION, &packed);
    packed.extend_from_slice(&sum);
    format!("#s/{VERSION}/{}", BASE64.encode(packed))
}

/// Opens a hash, with its `#` or without.
///
/// # Errors
/// That it is no link, of another version, too large, or changed; and what [`Link::check`] says.
pub fn from_hash(hash: &str) -> Result<Link, LinkError> {
    let link = decode(&open(hash, "s/", SESSION)?)?;
    link.check()?;
    Ok(link)
}

/// What is in a hash of a kind.
fn open(hash: &str, kind: &str, mark: &[u8]) -> Result<Vec<u8>, LinkError> {
    let hash = hash.strip_prefix('#').unwrap_or(hash);
    let rest = hash.strip_prefix(kind).ok_or(Problem::NotALink)?;
    let (version, text) = rest.split_once('/').unwrap_or((rest, ""));
    if version != VERSION.to_string() {
        return Err(Problem::Version(shortened(version)).into());
    }
    // Three bytes are four characters. What is too large is not even decoded.
    if text.len() / 4 * 3 > PACKED_LIMIT + SUM {
        return Err(Problem::TooLarge { limit: PACKED_LIMIT }.into());
    }
    let bytes = BASE64.decode(text).map_err(|_| Problem::Base64)?;
    let (packed, sum) = bytes.split_last_chunk::<SUM>().ok_or(Problem::Cut)?;
    if packed.len() > PACKED_LIMIT {
        return Err(Problem::TooLarge { limit: PACKED_LIMIT }.into());
    }
    // Before anything is inflated: what was changed on its way never gets there.
    if *sum != checksum(mark, packed) {
        return Err(Problem::Checksum.into());
    }
    decompress_to_vec_with_limit(packed, UNPACKED_LIMIT).map_err(|error| match error.status {
        TINFLStatus::HasMoreOutput => Problem::TooLarge { limit: UNPACKED_LIMIT }.into(),
        _ => Problem::Packed.into(),
    })
}

/// The checksum of the kind, the version and a deflated part.
fn checksum(mark: &[u8], packed: &[u8]) -> [u8; SUM] {
    let mut digest = CRC.digest();
    digest.update(mark);
    digest.update(&[VERSION]);
    digest.update(packed);
    digest.finalize().to_le_bytes()
}
