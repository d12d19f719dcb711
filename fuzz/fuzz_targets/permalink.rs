//! Any bytes as a link. The first says as what: the text behind `#`, a file, or what is deflated or already is, sealed
//! with a right checksum so that what lies behind it is reached. What was opened is packed and opened as the same.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use blumfeld_permalink::{VERSION, from_file, from_hash, to_file, to_hash};
use crc::{CRC_32_ISCSI, Crc};
use libfuzzer_sys::fuzz_target;
use miniz_oxide::deflate::compress_to_vec;

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// The hash of a deflated part.
fn seal(mut packed: Vec<u8>) -> String {
    let mut digest = CRC.digest();
    digest.update(&[VERSION]);
    digest.update(&packed);
    packed.extend_from_slice(&digest.finalize().to_le_bytes());
    format!("#s/{VERSION}/{}", URL_SAFE_NO_PAD.encode(packed))
}

fuzz_target!(|data: &[u8]| {
    let Some((what, data)) = data.split_first() else { return };
    let found = match what % 4 {
        0 => std::str::from_utf8(data).map(from_hash),
        1 => std::str::from_utf8(data).map(from_file),
        2 => Ok(from_hash(&seal(data.to_vec()))),
        _ => Ok(from_hash(&seal(compress_to_vec(data, 1)))),
    };
    match found {
        Ok(Ok(link)) => {
            assert_eq!(link.check(), Ok(()));
            if let Ok(hash) = to_hash(&link) {
                assert_eq!(from_hash(&hash).as_ref(), Ok(&link));
            }
            if let Ok(file) = to_file(&link) {
                assert_eq!(from_file(&file).as_ref(), Ok(&link));
            }
        }
        Ok(Err(error)) => drop((error.told(false), error.told(true))),
        Err(_) => {}
    }
});
