//! Every message goes there and back; what is cut or lies about a length is refused by name.

use blumfeld_kernel::Prng;
use bytes::{Bytes, BytesMut};

use super::*;

/// Draws messages: each shape of each field comes up within a few hundred draws.
struct Draw(Prng);

impl Draw {
    fn below(&mut self, end: u64) -> usize {
        usize::try_from(self.0.below(end)).unwrap()
    }
    fn int(&mut self) -> i32 {
        let numbers = [0, -1, 1, i32::MIN, i32::MAX];
        let any = i32::try_from(self.0.below(u64::from(u32::MAX)) >> 1).unwrap();
        numbers.get(self.below(8)).copied().unwrap_or(any)
    }
    fn long(&mut self) -> i64 {
        self.0.next_u64().cast_signed()
    }
    fn flag(&mut self) -> bool {
        self.0.chance(1, 2)
    }
    fn text(&mut self) -> String {
        let parts = ["", "/", "brokers", "ids", "토픽", "isr_change_", "0000000001"];
        (0..self.below(5)).map(|_| parts[self.below(7)]).collect()
    }
    fn data(&mut self) -> Option<Bytes> {
        let length = self.below(40);
        self.flag().then(|| (0..length).map(|_| self.0.next_u64().to_le_bytes()[0]).collect())
    }
    fn many<T>(&mut self, mut each: impl FnMut(&mut Draw) -> T) -> Vec<T> {
        (0..self.below(4)).map(|_| each(self)).collect()
    }
    fn stat(&mut self) -> Stat {
        Stat {
            czxid: self.long(),
            mzxid: self.long(),
            ctime: self.long(),
            mtime: self.long(),
            version: self.int(),
            cversion: self.int(),
            aversion: self.int(),
            ephemeral_owner: self.long(),
            data_length: self.int(),
            num_children: self.int(),
            pzxid: self.long(),
        }
    }
    fn create(&mut self) -> Create {
        let acl =
            |draw: &mut Draw| Acl { perms: draw.int(), id: Id { scheme: draw.text(), id: draw.text() } };
        Create { path: self.text(), data: self.data(), acl: self.many(acl), flags: self.int() }
    }
    fn op(&mut self) -> Op {
        match self.below(4) {
            0 => Op::Check { path: self.text(), version: self.int() },
            1 => Op::Create(self.create()),
            2 => Op::Delete { path: self.text(), version: self.int() },
            _ => Op::SetData { path: self.text(), data: self.data(), version: self.int() },
        }
    }
    fn result(&mut self) -> OpResult {
        match self.below(5) {
            0 => OpResult::Check,
            1 => OpResult::Create { path: self.text() },
            2 => OpResult::Delete,
            3 => OpResult::SetData { stat: self.stat() },
            _ => OpResult::Error { err: self.int() },
        }
    }
    fn request(&mut self, which: usize) -> Request {
        match which {
            0 => Request::Create(self.create()),
            1 => Request::Create2(self.create()),
            2 => Request::Delete { path: self.text(), version: self.int() },
            3 => Request::Exists { path: self.text(), watch: self.flag() },
            4 => Request::GetData { path: self.text(), watch: self.flag() },
            5 => Request::SetData { path: self.text(), data: self.data(), version: self.int() },
            6 => Request::GetChildren2 { path: self.text(), watch: self.flag() },
            7 => Request::Multi(self.many(Draw::op)),
            8 => Request::Ping,
            9 => Request::SetWatches(SetWatches {
                relative_zxid: self.long(),
                data_watches: self.many(Draw::text),
                exist_watches: self.many(Draw::text),
                child_watches: self.many(Draw::text),
            }),
            _ => Request::CloseSession,
        }
    }
    fn response(&mut self, which: usize) -> Response {
        match which {
            0 => Response::Create { path: self.text() },
            1 => Response::Create2 { path: self.text(), stat: self.stat() },
            2 => Response::Delete,
            3 => Response::Exists { stat: self.stat() },
            4 => Response::GetData { data: self.data(), stat: self.stat() },
            5 => Response::SetData { stat: self.stat() },
            6 => Response::GetChildren2 { children: self.many(Draw::text), stat: self.stat() },
            7 => Response::Multi(self.many(Draw::result)),
            8 => Response::Ping,
            9 => Response::SetWatches,
            _ => Response::CloseSession,
        }
    }
}

/// Each cut of a message is refused, and so is a byte more.
fn ends_where_it_ends<T: std::fmt::Debug>(frame: &Bytes, decode: impl Fn(Bytes) -> Result<T, JuteError>) {
    for cut in 0..frame.len() {
        let error = decode(frame.slice(..cut)).expect_err("a cut message was read");
        assert!(matches!(error, JuteError::Truncated { .. }), "{error}");
    }
    let more = Bytes::from([&frame[..], &[7]].concat());
    assert!(matches!(decode(more), Err(JuteError::TrailingBytes { count: 1, .. })));
}

#[test]
fn every_request_goes_there_and_back() {
    let draw = &mut Draw(Prng::new(1, "requests"));
    for round in 0..11 * 200 {
        let (xid, request) = (draw.int(), draw.request(round % 11));
        let frame = encode_request(xid, &request);
        assert_eq!(decode_request(frame.clone()), Ok((xid, request)));
        if round < 11 * 20 {
            ends_where_it_ends(&frame, decode_request);
        }
    }
}

#[test]
fn every_answer_goes_there_and_back() {
    let draw = &mut Draw(Prng::new(2, "answers"));
    for round in 0..11 * 200 {
        let response = draw.response(round % 11);
        // Numbers below zero are others' than a request's.
        let header = ReplyHeader { xid: draw.int().saturating_abs(), zxid: draw.long(), err: 0 };
        let frame = encode_reply(header, Some(&response));
        let op = response.op();
        let decode = |frame| decode_server(frame, |xid| (xid == header.xid).then_some(op));
        let answer = Answer { header, response: Some(response) };
        assert_eq!(decode(frame.clone()), Ok(ServerMessage::Answer(answer)));
        if round < 11 * 20 {
            ends_where_it_ends(&frame, decode);
        }
        let header = ReplyHeader { err: Code::NoNode.number(), ..header };
        let refused = Answer { header, response: None };
        assert_eq!(decode(encode_reply(header, None)), Ok(ServerMessage::Answer(refused)));
        assert_eq!(
            decode_server(encode_reply(header, None), |_| None),
            Err(JuteError::UnknownXid { xid: header.xid })
        );
    }
}

#[test]
fn sessions_and_events_go_there_and_back() {
    let draw = &mut Draw(Prng::new(3, "sessions"));
    for round in 0..200 {
        let read_only = (round % 3 > 0).then_some(round % 3 > 1);
        let request = ConnectRequest {
            protocol_version: draw.int(),
            last_zxid_seen: draw.long(),
            time_out: draw.int(),
            session_id: draw.long(),
            passwd: draw.data(),
            read_only,
        };
        assert_eq!(ConnectRequest::decode(request.encode()), Ok(request.clone()));
        let response = ConnectResponse {
            protocol_version: draw.int(),
            time_out: draw.int(),
            session_id: draw.long(),
            passwd: draw.data(),
            read_only,
        };
        assert_eq!(ConnectResponse::decode(response.encode()), Ok(response));
        let types = [
            EventType::NodeCreated,
            EventType::NodeDeleted,
            EventType::NodeDataChanged,
            EventType::NodeChildrenChanged,
        ];
        let event = WatcherEvent { event: types[draw.below(4)], state: 3, path: draw.text() };
        let frame = encode_event(&event);
        assert_eq!(decode_server(frame.clone(), |_| None), Ok(ServerMessage::Event(event)));
        ends_where_it_ends(&frame, |frame| decode_server(frame, |_| None));
    }
}

/// Requests byte by byte, written down from `zookeeper.jute` and not by our own encoder.
#[test]
fn bytes_are_those_of_the_definition() {
    let exists: &[u8] = &[
        0, 0, 0, 9, // xid
        0, 0, 0, 3, // type: exists
        0, 0, 0, 11, b'/', b'c', b'o', b'n', b't', b'r', b'o', b'l', b'l', b'e', b'r', // path
        1,    // watch
    ];
    let request = Request::Exists { path: "/controller".to_owned(), watch: true };
    assert_eq!(encode_request(9, &request), exists);
    let multi: &[u8] = &[
        0, 0, 0, 1, // xid
        0, 0, 0, 14, // type: multi
        0, 0, 0, 13, 0, 255, 255, 255, 255, // check, not done, err -1
        0, 0, 0, 2, b'/', b'e', // path
        0, 0, 0, 4, // version
        0, 0, 0, 1, 0, 255, 255, 255, 255, // create
        0, 0, 0, 2, b'/', b'x', // path
        255, 255, 255, 255, // null
        0, 0, 0, 1, // one access right
        0, 0, 0, 31, // all
        0, 0, 0, 5, b'w', b'o', b'r', b'l', b'd', 0, 0, 0, 6, b'a', b'n', b'y', b'o', b'n',
        b'e', // whose
        0, 0, 0, 1, // ephemeral
        255, 255, 255, 255, 1, 255, 255, 255, 255, // done
    ];
    let request = Request::Multi(vec![
        Op::Check { path: "/e".to_owned(), version: 4 },
        Op::Create(Create::new("/x", None, CreateMode::Ephemeral)),
    ]);
    assert_eq!(encode_request(1, &request), multi);
    assert_eq!(decode_request(Bytes::from_static(multi)), Ok((1, request)));
}

#[test]
fn hostile_numbers_are_refused_by_name() {
    let truncated = |field, needed, left| JuteError::Truncated { field, needed, left };
    let cases: [(&[u8], JuteError); 9] = [
        (&[], truncated("xid", 4, 0)),
        (&[0, 0, 0, 1, 0, 0], truncated("type", 4, 2)),
        (&[0, 0, 0, 1, 0, 0, 0, 99], JuteError::UnknownOperation { number: 99 }),
        // check is no request of its own.
        (&[0, 0, 0, 1, 0, 0, 0, 13], JuteError::UnknownOperation { number: 13 }),
        (&[0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 9, b'/'], truncated("path", 9, 1)),
        (
            &[0, 0, 0, 1, 0, 0, 0, 3, 255, 255, 255, 254],
            JuteError::NegativeLength { field: "path", length: -2 },
        ),
        (
            &[0, 0, 0, 1, 0, 0, 0, 3, 127, 255, 255, 255],
            JuteError::TooLong { field: "path", length: 0x7fff_ffff, limit: MAX_BUFFER },
        ),
        (&[0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 255, 0], JuteError::NotUtf8 { field: "path" }),
        // A vector of a million access rights in no bytes.
        (&[0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 66, 63], truncated("acl", 999_999, 0)),
    ];
    for (bytes, error) in cases {
        assert_eq!(decode_request(Bytes::from_static(bytes)), Err(error));
    }
    let in_multi = [&[0, 0, 0, 1, 0, 0, 0, 14][..], &[0, 0, 0, 11, 0, 0, 0, 0, 0]].concat();
    assert_eq!(decode_request(in_multi.into()), Err(JuteError::NotInMulti { number: 11 }));
    let event = [&[255, 255, 255, 255][..], &[0; 12], &[0, 0, 0, 9]].concat();
    assert_eq!(decode_server(event.into(), |_| None), Err(JuteError::UnknownEvent { number: 9 }));
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    let draw = &mut Draw(Prng::new(4, "noise"));
    for round in 0..20_000 {
        let request = draw.request(round % 11);
        let mut bytes = BytesMut::from(&encode_request(1, &request)[..]);
        for _ in 0..=draw.below(3) {
            let at = draw.below(u64::try_from(bytes.len()).unwrap());
            bytes[at] = draw.0.next_u64().to_le_bytes()[0];
        }
        let bytes = bytes.freeze();
        let _ = decode_request(bytes.clone());
        let _ = ConnectRequest::decode(bytes.clone());
        let _ = ConnectResponse::decode(bytes.clone());
        let op = OpCode::ALL[draw.below(13)];
        let _ = decode_server(bytes, |_| Some(op));
    }
}

#[test]
fn a_socket_brings_messages_in_pieces() {
    let frame = encode_request(5, &Request::Ping);
    let whole = prefixed(&frame);
    let mut received = BytesMut::new();
    for byte in &whole[..whole.len() - 1] {
        received.extend_from_slice(&[*byte]);
        assert_eq!(take_frame(&mut received), Ok(None));
    }
    received.extend_from_slice(&whole[whole.len() - 1..]);
    received.extend_from_slice(&whole);
    assert_eq!(take_frame(&mut received), Ok(Some(frame.clone())));
    assert_eq!(take_frame(&mut received), Ok(Some(frame)));
    let hostile = |bytes: [u8; 4]| take_frame(&mut BytesMut::from(&bytes[..]));
    assert_eq!(hostile([255; 4]), Err(JuteError::NegativeLength { field: "frame", length: -1 }));
    assert_eq!(
        hostile([0, 16, 0, 0]),
        Err(JuteError::TooLong { field: "frame", length: 0x0010_0000, limit: MAX_BUFFER })
    );
}
