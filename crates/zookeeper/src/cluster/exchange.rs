//! What went over the network: each message with its time, its bytes and what it says, and counts of all.

use std::collections::{BTreeMap, VecDeque};

use blumfeld_kernel::{ConnectionId, Instant, NodeId};
use blumfeld_protocol::frame;
use blumfeld_protocol::messages::{ApiKey, FetchRequest, FetchResponse};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::control::{ControlRequest, ControlResponse};
use crate::jute::{
    Code, ConnectRequest, ConnectResponse, Op, OpCode, OpResult, Request, Response, ServerMessage, Stat,
    decode_request, decode_server,
};

use super::ENSEMBLE;

/// Between whom a message goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Channel {
    /// Somebody and ZooKeeper.
    ZooKeeper,
    /// Two brokers, or a broker and itself.
    Brokers,
}

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Sort {
    /// It asks.
    Request,
    /// It answers.
    Answer,
    /// It tells of something that was watched.
    Event,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Its number, counted up over all messages.
    pub number: u64,
    /// When it was sent.
    pub sent: Instant,
    /// Who sent it.
    pub from: NodeId,
    /// To whom.
    pub to: NodeId,
    /// On which connection.
    pub conn: ConnectionId,
    /// Between whom.
    pub channel: Channel,
    /// What it is.
    pub sort: Sort,
    /// What is asked for, or answered: `setData`, `LeaderAndIsr`.
    pub name: &'static str,
    /// The message that it answers.
    pub answers: Option<u64>,
    /// Its bytes, without the four of its length.
    pub frame: Bytes,
    /// The operation or the API by which it is read.
    key: i32,
}

/// How much went over the network of one sort.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counted {
    /// Requests.
    pub requests: u64,
    /// Answers.
    pub answers: u64,
    /// Watch events.
    pub events: u64,
    /// Bytes of all of them, with the four of their lengths.
    pub bytes: u64,
}

/// A request that is not answered: its number on the connection, its number here, its name and its key.
type Open = (i32, u64, &'static str, i32);

/// The messages.
#[derive(Clone, Debug)]
pub struct Log {
    keep: usize,
    number: u64,
    exchanges: VecDeque<Exchange>,
    counts: BTreeMap<(Channel, &'static str), Counted>,
    open: BTreeMap<ConnectionId, VecDeque<Open>>,
}

/// The key of a session's beginning, which has no operation of its own on the wire: ZooKeeper's number for it inside
/// (`OpCode.createSession`).
const CONNECT: i32 = OpCode::CloseSession.number() + 1;

impl Log {
    pub(super) fn new(keep: usize) -> Log {
        Log { keep, number: 0, exchanges: VecDeque::new(), counts: BTreeMap::new(), open: BTreeMap::new() }
    }

    /// The last messages, the oldest first.
    pub fn exchanges(&self) -> impl DoubleEndedIterator<Item = &Exchange> {
        self.exchanges.iter()
    }

    /// How much there was, by whom it went between and what was asked for.
    pub fn counts(&self) -> &BTreeMap<(Channel, &'static str), Counted> {
        &self.counts
    }

    pub(super) fn reset_counts(&mut self) {
        self.counts.clear();
    }

    pub(super) fn closed(&mut self, conn: ConnectionId) {
        self.open.remove(&conn);
    }

    pub(super) fn sent(
        &mut self,
        now: Instant,
        conn: ConnectionId,
        ends: [NodeId; 2],
        end: usize,
        frame: &Bytes,
    ) {
        self.number += 1;
        let number = self.number;
        let channel = if ends.contains(&ENSEMBLE) { Channel::ZooKeeper } else { Channel::Brokers };
        let first = !self.open.contains_key(&conn);
        let open = self.open.entry(conn).or_default();
        let int = |at: usize| {
            frame.get(at..).and_then(|rest| rest.first_chunk::<4>()).map(|b| i32::from_be_bytes(*b))
        };
        let (sort, name, key, answers) = match (channel, end) {
            (Channel::ZooKeeper, 0) if first => {
                open.push_back((0, number, "connect", CONNECT));
                (Sort::Request, "connect", CONNECT, None)
            }
            (Channel::ZooKeeper, 0) => {
                let key = int(4).unwrap_or(0);
                let name = OpCode::of(key).map_or("unknown", OpCode::name);
                open.push_back((int(0).unwrap_or(0), number, name, key));
                (Sort::Request, name, key, None)
            }
            (Channel::ZooKeeper, _) => {
                let is_connect = open.front().is_some_and(|(_, _, _, key)| *key == CONNECT);
                let xid = int(0).unwrap_or(0);
                let place = open.iter().position(|(asked, ..)| is_connect || *asked == xid);
                match place.and_then(|place| open.remove(place)) {
                    Some((_, asked, name, key)) => (Sort::Answer, name, key, Some(asked)),
                    None => (Sort::Event, "watch", 0, None),
                }
            }
            (Channel::Brokers, 0) => {
                let key = frame.first_chunk::<2>().map_or(0, |bytes| i16::from_be_bytes(*bytes));
                let name = api_name(key);
                open.push_back((0, number, name, i32::from(key)));
                (Sort::Request, name, i32::from(key), None)
            }
            (Channel::Brokers, _) => match open.pop_front() {
                Some((_, asked, name, key)) => (Sort::Answer, name, key, Some(asked)),
                None => (Sort::Answer, "unknown", 0, None),
            },
        };
        let counted = self.counts.entry((channel, name)).or_default();
        match sort {
            Sort::Request => counted.requests += 1,
            Sort::Answer => counted.answers += 1,
            Sort::Event => counted.events += 1,
        }
        counted.bytes += u64::try_from(frame.len()).unwrap_or(0) + 4;
        if self.keep == 0 {
            return;
        }
        if self.exchanges.len() >= self.keep {
            self.exchanges.pop_front();
        }
        let other = 1 - end;
        self.exchanges.push_back(Exchange {
            number,
            sent: now,
            from: ends[end],
            to: ends[other],
            conn,
            channel,
            sort,
            name,
            answers,
            frame: frame.clone(),
            key,
        });
    }
}

fn api_name(key: i16) -> &'static str {
    match key {
        1 => "Fetch",
        4 => "LeaderAndIsr",
        5 => "StopReplica",
        6 => "UpdateMetadata",
        7 => "ControlledShutdown",
        56 => "AlterIsr",
        _ => "unknown",
    }
}

fn text(data: Option<&Bytes>) -> Value {
    data.map_or(Value::Null, |data| String::from_utf8_lossy(data).into_owned().into())
}

fn stat_fields(stat: &Stat) -> Value {
    json!({
        "czxid": stat.czxid, "mzxid": stat.mzxid, "version": stat.version, "cversion": stat.cversion,
        "ephemeralOwner": stat.ephemeral_owner, "dataLength": stat.data_length, "numChildren": stat.num_children,
        "pzxid": stat.pzxid,
    })
}

fn op_fields(op: &Op) -> Value {
    let name = op.op().name();
    match op {
        Op::Check { path, version } | Op::Delete { path, version } => {
            json!({"type": name, "path": path, "version": version})
        }
        Op::Create(create) => {
            json!({"type": name, "path": create.path, "data": text(create.data.as_ref()), "flags": create.flags})
        }
        Op::SetData { path, data, version } => {
            json!({"type": name, "path": path, "data": text(data.as_ref()), "version": version})
        }
    }
}

fn request_fields(request: &Request) -> Value {
    match request {
        Request::Create(create) | Request::Create2(create) => {
            json!({"path": create.path, "data": text(create.data.as_ref()), "flags": create.flags})
        }
        Request::Delete { path, version } => json!({"path": path, "version": version}),
        Request::Exists { path, watch }
        | Request::GetData { path, watch }
        | Request::GetChildren2 { path, watch } => {
            json!({"path": path, "watch": watch})
        }
        Request::SetData { path, data, version } => {
            json!({"path": path, "data": text(data.as_ref()), "version": version})
        }
        Request::Multi(ops) => json!({"ops": ops.iter().map(op_fields).collect::<Vec<_>>()}),
        Request::SetWatches(watches) => json!({
            "relativeZxid": watches.relative_zxid,
            "dataWatches": watches.data_watches,
            "existWatches": watches.exist_watches,
            "childWatches": watches.child_watches,
        }),
        Request::Ping | Request::CloseSession => json!({}),
    }
}

fn result_fields(result: &OpResult) -> Value {
    match result {
        OpResult::Check => json!({"type": "check"}),
        OpResult::Create { path } => json!({"type": "create", "path": path}),
        OpResult::Delete => json!({"type": "delete"}),
        OpResult::SetData { stat } => json!({"type": "setData", "stat": stat_fields(stat)}),
        OpResult::Error { err } => json!({"type": "error", "err": code_name(*err)}),
    }
}

fn code_name(err: i32) -> String {
    Code::of(err).map_or_else(|| err.to_string(), |code| code.name().to_owned())
}

fn response_fields(response: &Response) -> Value {
    match response {
        Response::Create { path } => json!({"path": path}),
        Response::Create2 { path, stat } => json!({"path": path, "stat": stat_fields(stat)}),
        Response::Exists { stat } | Response::SetData { stat } => json!({"stat": stat_fields(stat)}),
        Response::GetData { data, stat } => json!({"data": text(data.as_ref()), "stat": stat_fields(stat)}),
        Response::GetChildren2 { children, stat } => json!({"children": children, "stat": stat_fields(stat)}),
        Response::Multi(results) => json!({"results": results.iter().map(result_fields).collect::<Vec<_>>()}),
        Response::Delete | Response::Ping | Response::SetWatches | Response::CloseSession => json!({}),
    }
}

impl Exchange {
    /// Its bytes, with the four of its length.
    pub fn bytes(&self) -> usize {
        self.frame.len() + 4
    }

    /// Its fields as JSON, with the definitions' names; what is wrong with it if it cannot be read.
    pub fn fields(&self) -> Value {
        let bad = |error: String| json!({"unreadable": error});
        match (self.channel, self.sort) {
            (Channel::ZooKeeper, Sort::Request) if self.key == CONNECT => {
                match ConnectRequest::decode(self.frame.clone()) {
                    Ok(request) => json!({
                        "lastZxidSeen": request.last_zxid_seen,
                        "timeOut": request.time_out,
                        "sessionId": format!("{:#x}", request.session_id),
                    }),
                    Err(error) => bad(error.to_string()),
                }
            }
            (Channel::ZooKeeper, Sort::Answer) if self.key == CONNECT => {
                match ConnectResponse::decode(self.frame.clone()) {
                    Ok(response) => json!({
                        "timeOut": response.time_out,
                        "sessionId": format!("{:#x}", response.session_id),
                    }),
                    Err(error) => bad(error.to_string()),
                }
            }
            (Channel::ZooKeeper, Sort::Request) => match decode_request(self.frame.clone()) {
                Ok((xid, request)) => with(request_fields(&request), "xid", xid.into()),
                Err(error) => bad(error.to_string()),
            },
            (Channel::ZooKeeper, _) => match decode_server(self.frame.clone(), |_| OpCode::of(self.key)) {
                Ok(ServerMessage::Event(event)) => json!({"type": event.event.name(), "path": event.path}),
                Ok(ServerMessage::Answer(answer)) => {
                    let fields = answer.response.as_ref().map_or_else(|| json!({}), response_fields);
                    let fields = with(fields, "zxid", format!("{:#x}", answer.header.zxid).into());
                    let fields = with(fields, "err", code_name(answer.header.err).into());
                    with(fields, "xid", answer.header.xid.into())
                }
                Err(error) => bad(error.to_string()),
            },
            (Channel::Brokers, sort) if self.key == ApiKey::Fetch as i32 => fetch_fields(&self.frame, sort),
            (Channel::Brokers, Sort::Request) => match ControlRequest::decode(&self.frame) {
                Ok((_, request)) => request.fields(),
                Err(error) => bad(error.to_string()),
            },
            (Channel::Brokers, _) => {
                match ControlResponse::decode(i16::try_from(self.key).unwrap_or(-1), &self.frame) {
                    Ok((_, response)) => response.fields(),
                    Err(error) => bad(error.to_string()),
                }
            }
        }
    }
}

fn with(mut fields: Value, name: &str, value: Value) -> Value {
    if let Some(fields) = fields.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
    fields
}

fn fetch_fields(bytes: &Bytes, sort: Sort) -> Value {
    if sort == Sort::Request {
        let read = frame::decode_header(bytes).and_then(|(header, body)| frame::decode_body(&header, body));
        return match read {
            Ok(FetchRequest { replica_id, session_id, session_epoch, topics, .. }) => json!({
                "replicaId": replica_id.0,
                "sessionId": session_id,
                "sessionEpoch": session_epoch,
                "topics": topics.iter().map(|topic| json!({
                    "topic": &**topic.topic,
                    "partitions": topic.partitions.iter().map(|each| json!({
                        "partition": each.partition,
                        "currentLeaderEpoch": each.current_leader_epoch,
                        "fetchOffset": each.fetch_offset,
                    })).collect::<Vec<_>>(),
                })).collect::<Vec<_>>(),
            }),
            Err(error) => json!({"unreadable": error.to_string()}),
        };
    }
    match frame::decode_response(ApiKey::Fetch, 11, bytes.clone()) {
        Ok(FetchResponse { error_code, session_id, responses, .. }) => json!({
            "errorCode": error_code,
            "sessionId": session_id,
            "responses": responses.iter().map(|topic| json!({
                "topic": &**topic.topic,
                "partitions": topic.partitions.iter().map(|each| json!({
                    "partition": each.partition_index,
                    "errorCode": each.error_code,
                    "highWatermark": each.high_watermark,
                })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        }),
        Err(error) => json!({"unreadable": error.to_string()}),
    }
}
