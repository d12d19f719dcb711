//! The ensemble, asked line by line: `tests/ensemble/*.txt`. A line is a client's request, or lets time go on; below it
//! stands what the clients were told, with the milliseconds at which it left.
#![allow(clippy::unwrap_used, reason = "a test that fails does so by it")]

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_kernel::{
    ConnectionId, Context, Effect, Endpoint, Input, Instant, Node, NodeId, Outbox, Peer, Prng,
};
use blumfeld_zookeeper::ensemble::{Ensemble, EnsembleConfig};
use blumfeld_zookeeper::jute::{
    Code, ConnectRequest, ConnectResponse, Create, CreateMode, Op, OpCode, OpResult, Request, Response,
    ServerMessage, SetWatches, Stat, decode_server, encode_request,
};
use bytes::Bytes;

#[derive(Default)]
struct Client {
    conn: u64,
    session: i64,
    passwd: Option<Bytes>,
    xid: i32,
    asked: BTreeMap<i32, OpCode>,
}

struct Player {
    ensemble: Ensemble,
    now: Instant,
    rng: Prng,
    connections: u64,
    flushes: u64,
    clients: BTreeMap<String, Client>,
    told: String,
}

impl Player {
    fn new() -> Player {
        let mut player = Player {
            ensemble: Ensemble::new(EnsembleConfig::default()),
            now: Instant::ZERO,
            rng: Prng::new(1, "ensemble"),
            connections: 0,
            flushes: 0,
            clients: BTreeMap::new(),
            told: String::new(),
        };
        player.input(Input::Started);
        player
    }

    fn input(&mut self, input: Input) {
        let (mut effects, mut events) = (Vec::new(), Vec::new());
        let mut cx = Context {
            node: NodeId(1),
            now: self.now,
            epoch_ms: 1_600_000_000_000,
            rng: &mut self.rng,
            out: Outbox {
                effects: &mut effects,
                events: &mut events,
                connections: &mut self.connections,
                flushes: &mut self.flushes,
            },
        };
        self.ensemble.handle(&mut cx, input);
        for effect in effects {
            let said = match effect {
                Effect::Send { conn, frame, .. } => self.said(conn, frame.into_bytes()),
                Effect::Disconnect { conn, reason } => {
                    let name = self.name(conn);
                    if let Some(client) = self.clients.get_mut(&name) {
                        client.conn = 0;
                    }
                    format!("{name} is disconnected: {reason}")
                }
                other => format!("{other:?}"),
            };
            let micros = self.now.as_micros();
            self.told += &format!("{}.{:03} {said}\n", micros / 1_000, micros % 1_000);
        }
    }

    fn name(&self, conn: ConnectionId) -> String {
        let found = self.clients.iter().find(|(_, client)| client.conn == conn.0);
        found.map_or_else(|| conn.to_string(), |(name, _)| name.clone())
    }

    fn said(&mut self, conn: ConnectionId, frame: Bytes) -> String {
        let name = self.name(conn);
        let Some(client) = self.clients.get_mut(&name) else { return format!("{name} is told something") };
        if client.asked.remove(&0).is_some() {
            let response = ConnectResponse::decode(frame).unwrap();
            if response.is_expired() {
                return format!("{name}: the session is over");
            }
            let again = client.session == response.session_id;
            (client.session, client.passwd) = (response.session_id, response.passwd);
            return format!(
                "{name}: {}session, {} ms",
                if again { "the same " } else { "" },
                response.time_out
            );
        }
        match decode_server(frame, |xid| client.asked.remove(&xid)).unwrap() {
            ServerMessage::Event(event) => format!("{name}: {} {}", event.event.name(), event.path),
            ServerMessage::Answer(answer) => {
                let zxid = answer.header.zxid & 0xffff_ffff;
                let said = match answer.response {
                    None => Code::of(answer.header.err).unwrap().name().to_owned(),
                    Some(response) => describe(&response),
                };
                format!("{name}: {said} (zxid {zxid})")
            }
        }
    }

    fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(at) = self.ensemble.next_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.input(Input::Timeout);
        }
        self.now = until;
    }

    fn frame(&mut self, name: &str, frame: Bytes) {
        let conn = ConnectionId(self.clients[name].conn);
        self.input(Input::Frame { conn, frame: frame.into() });
    }

    fn connect(&mut self, name: &str, time_out: i32) {
        self.connections += 1;
        let conn = self.connections;
        let client = self.clients.entry(name.to_owned()).or_default();
        client.conn = conn;
        client.asked.insert(0, OpCode::Ping);
        let request = ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: 0,
            time_out,
            session_id: client.session,
            passwd: client.passwd.clone(),
            read_only: None,
        };
        let listener = Endpoint::new("zookeeper", 2181);
        let peer = Peer::Node { node: NodeId(2), listener };
        self.input(Input::Connected { conn: ConnectionId(conn), peer });
        self.frame(name, request.encode());
    }

    fn line(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["run", span] => self.run(span_of(span)),
            ["session", name, time_out] => self.connect(name, time_out.parse().unwrap()),
            ["lose", name] => {
                let conn = ConnectionId(std::mem::take(&mut self.clients.get_mut(name).unwrap().conn));
                let reason = blumfeld_kernel::DisconnectReason::Reset;
                self.input(Input::Disconnected { conn, reason });
            }
            ["send", name, ref bytes @ ..] => {
                let bytes: Vec<u8> = bytes.iter().map(|byte| byte.parse().unwrap()).collect();
                self.frame(name, bytes.into());
            }
            [name, ref request @ ..] => {
                let request = request_of(request);
                let client = self.clients.get_mut(name).unwrap();
                client.xid += 1;
                client.asked.insert(client.xid, request.op());
                let frame = encode_request(client.xid, &request);
                self.frame(name, frame);
            }
            [] => {}
        }
        std::mem::take(&mut self.told)
    }
}

fn span_of(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_alphabetic()).unwrap());
    let number: u64 = number.parse().unwrap();
    match unit {
        "us" => Duration::from_micros(number),
        "ms" => Duration::from_millis(number),
        _ => Duration::from_secs(number),
    }
}

fn data_of(text: &str) -> Option<Bytes> {
    (text != "null").then(|| Bytes::copy_from_slice(text.as_bytes()))
}

fn mode_of(text: &str) -> CreateMode {
    match text {
        "ephemeral" => CreateMode::Ephemeral,
        "sequential" => CreateMode::PersistentSequential,
        "ephemeral-sequential" => CreateMode::EphemeralSequential,
        _ => CreateMode::Persistent,
    }
}

fn request_of(words: &[&str]) -> Request {
    let path = |text: &str| text.to_owned();
    match words {
        ["create", at, data, mode] => Request::Create(Create::new(*at, data_of(data), mode_of(mode))),
        ["create2", at, data, mode] => Request::Create2(Create::new(*at, data_of(data), mode_of(mode))),
        ["delete", at, version] => Request::Delete { path: path(at), version: version.parse().unwrap() },
        ["exists", at, rest @ ..] => Request::Exists { path: path(at), watch: !rest.is_empty() },
        ["get", at, rest @ ..] => Request::GetData { path: path(at), watch: !rest.is_empty() },
        ["list", at, rest @ ..] => Request::GetChildren2 { path: path(at), watch: !rest.is_empty() },
        ["set", at, data, version] => {
            Request::SetData { path: path(at), data: data_of(data), version: version.parse().unwrap() }
        }
        ["ping"] => Request::Ping,
        ["close"] => Request::CloseSession,
        ["watch", zxid, data, exist, child] => {
            let paths = |text: &&str| {
                if *text == "-" { vec![] } else { text.split(',').map(str::to_owned).collect() }
            };
            Request::SetWatches(SetWatches {
                relative_zxid: zxid.parse::<i64>().unwrap() | 1 << 32,
                data_watches: paths(data),
                exist_watches: paths(exist),
                child_watches: paths(child),
            })
        }
        ["multi", rest @ ..] => Request::Multi(rest.split(|word| *word == "+").map(op_of).collect()),
        other => panic!("no request: {other:?}"),
    }
}

fn op_of(words: &[&str]) -> Op {
    match words {
        ["check", path, version] => Op::Check { path: (*path).to_owned(), version: version.parse().unwrap() },
        _ => match request_of(words) {
            Request::Create(create) => Op::Create(create),
            Request::Delete { path, version } => Op::Delete { path, version },
            Request::SetData { path, data, version } => Op::SetData { path, data, version },
            other => panic!("not in a multi: {other:?}"),
        },
    }
}

fn stat(stat: &Stat) -> String {
    let zxid = |zxid: i64| zxid & 0xffff_ffff;
    let owner = if stat.ephemeral_owner == 0 { "" } else { ", ephemeral" };
    format!(
        "made by {}, written by {}, version {}, cversion {}, {} children{owner}",
        zxid(stat.czxid),
        zxid(stat.mzxid),
        stat.version,
        stat.cversion,
        stat.num_children
    )
}

fn describe(response: &Response) -> String {
    match response {
        Response::Create { path } => format!("created {path}"),
        Response::Create2 { path, stat: found } => format!("created {path}: {}", stat(found)),
        Response::Exists { stat: found } | Response::SetData { stat: found } => stat(found),
        Response::GetData { data, stat: found } => {
            let data = data.as_ref().map_or("null".into(), |data| String::from_utf8_lossy(data));
            format!("{data}: {}", stat(found))
        }
        Response::GetChildren2 { children, stat: found } => {
            format!("[{}]: {}", children.join(" "), stat(found))
        }
        Response::Multi(results) => results.iter().map(result).collect::<Vec<_>>().join(", "),
        Response::Delete => "deleted".to_owned(),
        Response::Ping => "pong".to_owned(),
        Response::SetWatches => "watching".to_owned(),
        Response::CloseSession => "closed".to_owned(),
    }
}

fn result(result: &OpResult) -> String {
    match result {
        OpResult::Check => "checked".to_owned(),
        OpResult::Create { path } => format!("created {path}"),
        OpResult::Delete => "deleted".to_owned(),
        OpResult::SetData { stat } => format!("version {}", stat.version),
        OpResult::Error { err } => Code::of(*err).unwrap().name().to_owned(),
    }
}

#[test]
fn the_ensemble_answers_as_the_files_say() {
    blumfeld_expect::check(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ensemble"), |text| {
        let mut player = Player::new();
        blumfeld_expect::told(text, |line| player.line(line))
    });
}
