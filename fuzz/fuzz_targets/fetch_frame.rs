//! Any bytes as a Fetch response, whole and in pieces: both ways say the same.
#![no_main]

use barnabas_kernel::Frame;
use barnabas_protocol::decode_fetch_response;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [version, cut, rest @ ..] = data else { return };
    let version = 4 + i16::from(version % 15);
    let whole = Bytes::copy_from_slice(rest);
    let pieces = rest.chunks(usize::from(*cut).max(1)).map(Bytes::copy_from_slice);
    let read = |frame: Frame| {
        let (response, records) = decode_fetch_response(version, frame).ok()?;
        Some((response, records.iter().map(|pieces| pieces.concat()).collect::<Vec<_>>()))
    };
    assert_eq!(read(whole.into()), read(Frame::of(pieces)));
});
