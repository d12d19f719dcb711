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
    let packed = compress_to_vec(&bytes, LEVEL);
    if packed.len() > PACKED_LIMIT {
        return Err(Problem::TooLarge { limit: PACKED_LIMIT }.into());
    }
    Ok(seal(packed))
}

/// The hash of a deflated part.
pub(crate) fn seal(mut packed: Vec<u8>) -> String {
    let sum = checksum(&packed);
    packed.extend_from_slice(&sum);
    format!("#s/{VERSION}/{}", BASE64.encode(packed))
}

/// Opens a hash, with its `#` or without.
///
/// # Errors
/// That it is no link, of another version, too large, or changed; and what [`Link::check`] says.
pub fn from_hash(hash: &str) -> Result<Link, LinkError> {
    let hash = hash.strip_prefix('#').unwrap_or(hash);
    let rest = hash.strip_prefix("s/").ok_or(Problem::NotALink)?;
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
    if *sum != checksum(packed) {
        return Err(Problem::Checksum.into());
    }
    let unpacked =
        decompress_to_vec_with_limit(packed, UNPACKED_LIMIT).map_err(|error| match error.status {
            TINFLStatus::HasMoreOutput => Problem::TooLarge { limit: UNPACKED_LIMIT },
            _ => Problem::Packed,
        })?;
    let link = decode(&unpacked)?;
    link.check()?;
    Ok(link)
}

/// The checksum of the version and of a deflated part.
fn checksum(packed: &[u8]) -> [u8; SUM] {
    let mut digest = CRC.digest();
    digest.update(&[VERSION]);
    digest.update(packed);
    digest.finalize().to_le_bytes()
}
