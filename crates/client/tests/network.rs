//! The handshake, timeouts and reconnecting, as an admin call meets them.

mod common;

use std::cell::Cell;

use blumfeld_client::admin::{AdminClient, AdminRequest, AdminResponse, FinishedCall};
use blumfeld_client::{ApiError, ClientConfig};
use blumfeld_protocol::frame::{Header, encode_response};
use blumfeld_protocol::messages::ApiVersionsResponse;
use blumfeld_protocol::{ApiKey, ErrorCode};
use bytes::Bytes;
use common::*;

/// Asks for all topics and gives the answer with the moment it came.
fn list_topics(harness: &mut Harness, config: ClientConfig) -> (Result<usize, ApiError>, u64) {
    let mut admin = AdminClient::new(config);
    harness.with(|cx| admin.submit(cx, AdminRequest::ListTopics));
    while let Some(input) = harness.next(admin.next_timeout(harness.now), ms(200_000)) {
        let answers = harness.with(|cx| admin.handle(cx, &input));
        if let Some(FinishedCall { result, .. }) = answers.into_iter().next() {
            let topics = result.map(|response| match response {
                AdminResponse::Descriptions(topics) => topics.len(),
                _ => 0,
            });
            return (topics, harness.now.as_millis());
        }
    }
    panic!("no answer; {:?}", harness.seen)
}

fn config() -> ClientConfig {
    ClientConfig::new(bootstrap(), "test")
}

/// Answers every request as a broker does.
fn served(header: &Header) -> Reply {
    match header.api_key {
        ApiKey::ApiVersions => reply(header, &all_versions()),
        _ => reply(header, &metadata(1)),
    }
}

#[test]
fn a_call_shakes_hands_first_and_uses_the_newest_common_version() {
    let mut harness = Harness::new(|header, _| match header.api_key {
        ApiKey::ApiVersions => {
            reply(header, &api_versions(&[(ApiKey::Metadata, 0, 7), (ApiKey::ApiVersions, 0, 3)]))
        }
        _ => reply(header, &metadata(1)),
    });
    assert_eq!(list_topics(&mut harness, config()).0, Ok(1));
    assert_eq!(harness.seen[..3], ["connect bootstrap:9092", "ApiVersions v4", "Metadata v7"]);
}

#[test]
fn an_old_broker_answers_api_versions_in_version_0_and_is_asked_again() {
    for (theirs, then) in [(2, "ApiVersions v2"), (0, "ApiVersions v0")] {
        let mut harness = Harness::new(move |header, _| match (header.api_key, header.version) {
            (ApiKey::ApiVersions, 4) => {
                let mut answer: ApiVersionsResponse =
                    api_versions(&[(ApiKey::ApiVersions, 0, theirs), (ApiKey::Metadata, 0, 5)]);
                answer.error_code = ErrorCode::UNSUPPORTED_VERSION.0;
                Reply::Frame(encode_response(header.api_key, 0, header.correlation_id, &answer).unwrap())
            }
            (ApiKey::ApiVersions, _) => {
                reply(header, &api_versions(&[(ApiKey::ApiVersions, 0, theirs), (ApiKey::Metadata, 0, 5)]))
            }
            _ => reply(header, &metadata(2)),
        });
        assert_eq!(list_topics(&mut harness, config()).0, Ok(1));
        assert_eq!(harness.seen[..4], ["connect bootstrap:9092", "ApiVersions v4", then, "Metadata v5"]);
    }
}

#[test]
fn no_common_version_is_an_error_that_names_both_ranges() {
    let mut harness = Harness::new(|header, _| reply(header, &api_versions(&[(ApiKey::Metadata, 90, 91)])));
    let error = list_topics(&mut harness, config()).0.unwrap_err();
    assert_eq!(error.code, ErrorCode::UNSUPPORTED_VERSION);
    assert!(error.to_string().contains("[0, 13]") && error.to_string().contains("[90, 91]"), "{error}");
}

#[test]
fn nobody_there_is_a_timeout_after_growing_backoffs() {
    let mut harness = Harness::new(|_, _| Reply::Silence);
    harness.refused.push("bootstrap:9092".to_owned());
    let (result, at) = list_topics(&mut harness, config());
    let text = "Timed out waiting for a node assignment. Call: listTopics";
    assert_eq!(result, Err(ApiError::timeout(text)));
    assert_eq!(at, 60_000);
    // 50 ms doubling to 1 s: about 60 tries in a minute.
    assert!((55..90).contains(&harness.seen.len()), "{} tries", harness.seen.len());
}

#[test]
fn a_request_without_an_answer_closes_the_connection_and_is_sent_again() {
    // The call's request, and the client's own for metadata.
    let silent = Cell::new(2);
    let mut harness = Harness::new(move |header, _| {
        if header.api_key == ApiKey::Metadata && silent.get() > 0 {
            silent.set(silent.get() - 1);
            Reply::Silence
        } else {
            served(header)
        }
    });
    let (result, at) = list_topics(&mut harness, config());
    assert_eq!(result, Ok(1));
    assert!((30_000..31_000).contains(&at), "{at}");
    assert!(harness.seen.contains(&"disconnect: request timed out".to_owned()), "{:?}", harness.seen);
}

#[test]
fn a_closed_connection_is_made_again() {
    let closes = Cell::new(2);
    let mut harness = Harness::new(move |header, _| {
        if header.api_key == ApiKey::Metadata && closes.get() > 0 {
            closes.set(closes.get() - 1);
            Reply::Close
        } else {
            served(header)
        }
    });
    assert_eq!(list_topics(&mut harness, config()).0, Ok(1));
    assert_eq!(harness.seen.iter().filter(|line| line.starts_with("connect")).count(), 3);
}

#[test]
fn noise_for_an_answer_closes_the_connection_and_nothing_panics() {
    for noise in [&b""[..], b"\0\0\0", b"\x7f\0\0\0", b"HTTP/1.1 400 Bad Request", &[0; 64], &[0xff; 64]] {
        let mut quick = config();
        quick.default_api_timeout_ms = 2_000;
        let mut harness = Harness::new(move |_, _| Reply::Frame(Bytes::from_static(noise)));
        let error = list_topics(&mut harness, quick).0.unwrap_err();
        assert_eq!(error.code, ErrorCode::REQUEST_TIMED_OUT, "{noise:?}");
    }
}
