//! Any body as JSON, by Kafka's definitions: what can be read is written again and read as the same.
#![no_main]

use blumfeld_protocol::ApiKey;
use blumfeld_protocol::definition::{Kind, messages};
use blumfeld_protocol::json::{from_json, to_json};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [which, version, body @ ..] = data else { return };
    let all = messages();
    let message = &all[usize::from(*which) % all.len()];
    let Ok(api_key) = ApiKey::try_from(message.api_key) else { return };
    let version = i16::from(*version);
    let body = Bytes::copy_from_slice(body);
    let Ok(value) = to_json(api_key, message.kind, version, &body) else { return };
    // Records are read further than they can be written.
    let has_records = match message.kind {
        Kind::Request => api_key == ApiKey::Produce,
        Kind::Record => false,
        Kind::Response => [ApiKey::Fetch, ApiKey::FetchSnapshot, ApiKey::ShareFetch].contains(&api_key),
    };
    if has_records {
        return;
    }
    // A field that says its size wrongly, or a float that is no number, is read and cannot be written.
    let Ok(again) = from_json(api_key, message.kind, version, &value) else { return };
    assert_eq!(to_json(api_key, message.kind, version, &again.into()), Ok(value));
});
