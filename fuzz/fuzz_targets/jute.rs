//! Any bytes as ZooKeeper's messages: each decoder says what is wrong, and what it reads goes back to the same.
#![no_main]

use blumfeld_zookeeper::jute::{
    ConnectRequest, ConnectResponse, OpCode, ServerMessage, decode_request, decode_server, encode_event, encode_reply,
    encode_request, take_frame,
};
use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let frame = Bytes::copy_from_slice(data);
    if let Ok((xid, request)) = decode_request(frame.clone()) {
        let again = decode_request(encode_request(xid, &request));
        assert_eq!(again, Ok((xid, request)));
    }
    if let Ok(request) = ConnectRequest::decode(frame.clone()) {
        assert_eq!(ConnectRequest::decode(request.encode()), Ok(request));
    }
    if let Ok(response) = ConnectResponse::decode(frame.clone()) {
        assert_eq!(ConnectResponse::decode(response.encode()), Ok(response));
    }
    for op in OpCode::ALL {
        let read = |frame| decode_server(frame, |_| Some(*op));
        match read(frame.clone()) {
            Ok(ServerMessage::Event(event)) => {
                assert_eq!(read(encode_event(&event)), Ok(ServerMessage::Event(event)));
            }
            Ok(ServerMessage::Answer(answer)) => {
                let again = encode_reply(answer.header, answer.response.as_ref());
                assert_eq!(read(again), Ok(ServerMessage::Answer(answer)));
            }
            Err(error) => drop(error.to_string()),
        }
    }
    let mut received = BytesMut::from(data);
    while let Ok(Some(frame)) = take_frame(&mut received) {
        assert!(frame.len() < data.len());
    }
});
