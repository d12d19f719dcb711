//! Any bytes as a controller's requests of the ZooKeeper era and their answers.
#![no_main]

use blumfeld_zookeeper::control::{ControlRequest, ControlResponse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok((header, request)) = ControlRequest::decode(data) {
        let again = ControlRequest::decode(&request.encode(header.correlation_id, "1"));
        assert_eq!(again, Ok((header, request)));
    }
    for api in [4, 5, 6, 7, 56] {
        if let Ok((correlation_id, response)) = ControlResponse::decode(api, data) {
            let again = ControlResponse::decode(api, &response.encode(correlation_id));
            assert_eq!(again, Ok((correlation_id, response)));
        }
    }
});
