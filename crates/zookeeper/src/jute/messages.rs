//! The messages between a client and a server.

use bytes::Bytes;

use super::{Acl, Code, CreateMode, JuteError, OpCode, Reader, Stat, Writer, xid};

/// The first message of a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectRequest {
    /// Always 0.
    pub protocol_version: i32,
    /// The newest zxid that the client has seen; a server that is behind it must not take the client.
    pub last_zxid_seen: i64,
    /// The session timeout that the client would like, in milliseconds.
    pub time_out: i32,
    /// The session to go on with; 0 asks for a new one.
    pub session_id: i64,
    /// Its password, 16 bytes.
    pub passwd: Option<Bytes>,
    /// Whether a server that has no quorum will do (since ZooKeeper 3.4; older clients leave it out).
    pub read_only: Option<bool>,
}

impl ConnectRequest {
    /// Reads one.
    ///
    /// # Errors
    /// Bytes that are none.
    pub fn decode(frame: Bytes) -> Result<ConnectRequest, JuteError> {
        let r = &mut Reader::new(frame);
        let request = ConnectRequest {
            protocol_version: r.int("protocolVersion")?,
            last_zxid_seen: r.long("lastZxidSeen")?,
            time_out: r.int("timeOut")?,
            session_id: r.long("sessionId")?,
            passwd: r.buffer("passwd")?,
            read_only: if r.left() == 0 { None } else { Some(r.boolean("readOnly")?) },
        };
        r.end("ConnectRequest")?;
        Ok(request)
    }

    /// Writes it.
    pub fn encode(&self) -> Bytes {
        let mut w = Writer::default();
        w.int(self.protocol_version).long(self.last_zxid_seen).int(self.time_out).long(self.session_id);
        w.buffer(self.passwd.as_deref());
        if let Some(read_only) = self.read_only {
            w.boolean(read_only);
        }
        w.finish()
    }
}

/// What a server answers to [`ConnectRequest`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectResponse {
    /// Always 0.
    pub protocol_version: i32,
    /// The session timeout that holds, in milliseconds; 0 says that the session is over.
    pub time_out: i32,
    /// The session; 0 says that it is over.
    pub session_id: i64,
    /// Its password, 16 bytes.
    pub passwd: Option<Bytes>,
    /// Whether the server has no quorum; left out for a client that left it out.
    pub read_only: Option<bool>,
}

impl ConnectResponse {
    /// Whether the session that was asked for is over.
    pub fn is_expired(&self) -> bool {
        self.time_out <= 0
    }

    /// Reads one.
    ///
    /// # Errors
    /// Bytes that are none.
    pub fn decode(frame: Bytes) -> Result<ConnectResponse, JuteError> {
        let r = &mut Reader::new(frame);
        let response = ConnectResponse {
            protocol_version: r.int("protocolVersion")?,
            time_out: r.int("timeOut")?,
            session_id: r.long("sessionId")?,
            passwd: r.buffer("passwd")?,
            read_only: if r.left() == 0 { None } else { Some(r.boolean("readOnly")?) },
        };
        r.end("ConnectResponse")?;
        Ok(response)
    }

    /// Writes it.
    pub fn encode(&self) -> Bytes {
        let mut w = Writer::default();
        w.int(self.protocol_version).int(self.time_out).long(self.session_id);
        w.buffer(self.passwd.as_deref());
        if let Some(read_only) = self.read_only {
            w.boolean(read_only);
        }
        w.finish()
    }
}

/// A znode to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Create {
    /// Its path; of a sequential one, the part before the number.
    pub path: String,
    /// Its data; null and empty are two things.
    pub data: Option<Bytes>,
    /// Who may do what.
    pub acl: Vec<Acl>,
    /// Its mode as a number ([`CreateMode::of`]).
    pub flags: i32,
}

impl Create {
    /// A znode that is open to everybody.
    pub fn new(path: impl Into<String>, data: Option<Bytes>, mode: CreateMode) -> Create {
        Create { path: path.into(), data, acl: Acl::open(), flags: mode.flags() }
    }

    fn read(r: &mut Reader) -> Result<Create, JuteError> {
        Ok(Create {
            path: r.string("path")?,
            data: r.buffer("data")?,
            acl: r.vector("acl", Acl::read)?,
            flags: r.int("flags")?,
        })
    }

    fn write(&self, w: &mut Writer) {
        w.string(&self.path).buffer(self.data.as_deref());
        w.vector(&self.acl, |w, acl| acl.write(w)).int(self.flags);
    }
}

/// What a client watched on its last connection.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SetWatches {
    /// The newest zxid that the client has seen: what changed since is told at once.
    pub relative_zxid: i64,
    /// Paths whose data is watched.
    pub data_watches: Vec<String>,
    /// Paths that are watched and did not exist.
    pub exist_watches: Vec<String>,
    /// Paths whose children are watched.
    pub child_watches: Vec<String>,
}

/// One operation of a multi.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Op {
    /// The znode has this version; -1 is any.
    Check {
        /// Its path.
        path: String,
        /// The version.
        version: i32,
    },
    /// Make a znode.
    Create(
        /// It.
        Create,
    ),
    /// Take a znode away.
    Delete {
        /// Its path.
        path: String,
        /// The version that it must have; -1 is any.
        version: i32,
    },
    /// Write a znode.
    SetData {
        /// Its path.
        path: String,
        /// The new data.
        data: Option<Bytes>,
        /// The version that it must have; -1 is any.
        version: i32,
    },
}

impl Op {
    /// Its operation.
    pub const fn op(&self) -> OpCode {
        match self {
            Op::Check { .. } => OpCode::Check,
            Op::Create(_) => OpCode::Create,
            Op::Delete { .. } => OpCode::Delete,
            Op::SetData { .. } => OpCode::SetData,
        }
    }

    /// Which znode it is about.
    pub fn path(&self) -> &str {
        match self {
            Op::Create(create) => &create.path,
            Op::Check { path, .. } | Op::Delete { path, .. } | Op::SetData { path, .. } => path,
        }
    }

    fn read(op: OpCode, r: &mut Reader) -> Result<Op, JuteError> {
        Ok(match op {
            OpCode::Check => Op::Check { path: r.string("path")?, version: r.int("version")? },
            OpCode::Create => Op::Create(Create::read(r)?),
            OpCode::Delete => Op::Delete { path: r.string("path")?, version: r.int("version")? },
            OpCode::SetData => {
                Op::SetData { path: r.string("path")?, data: r.buffer("data")?, version: r.int("version")? }
            }
            other => return Err(JuteError::NotInMulti { number: other.number() }),
        })
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Op::Check { path, version } | Op::Delete { path, version } => {
                w.string(path).int(*version);
            }
            Op::Create(create) => create.write(w),
            Op::SetData { path, data, version } => {
                w.string(path).buffer(data.as_deref()).int(*version);
            }
        }
    }
}

/// How one operation of a multi went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OpResult {
    /// The version is the one.
    Check,
    /// The znode was made.
    Create {
        /// Its path, with its number if it has one.
        path: String,
    },
    /// The znode is gone.
    Delete,
    /// The znode was written.
    SetData {
        /// How it is now.
        stat: Stat,
    },
    /// Nothing of the multi was done. 0 stands before the operation that failed, and
    /// [`Code::RuntimeInconsistency`] behind it.
    Error {
        /// The error's number.
        err: i32,
    },
}

impl OpResult {
    const fn op(&self) -> OpCode {
        match self {
            OpResult::Check => OpCode::Check,
            OpResult::Create { .. } => OpCode::Create,
            OpResult::Delete => OpCode::Delete,
            OpResult::SetData { .. } => OpCode::SetData,
            OpResult::Error { .. } => OpCode::Error,
        }
    }

    fn read(op: OpCode, r: &mut Reader) -> Result<OpResult, JuteError> {
        Ok(match op {
            OpCode::Check => OpResult::Check,
            OpCode::Create => OpResult::Create { path: r.string("path")? },
            OpCode::Delete => OpResult::Delete,
            OpCode::SetData => OpResult::SetData { stat: Stat::read(r)? },
            OpCode::Error => OpResult::Error { err: r.int("err")? },
            other => return Err(JuteError::NotInMulti { number: other.number() }),
        })
    }

    fn write(&self, w: &mut Writer) {
        match self {
            OpResult::Check | OpResult::Delete => {}
            OpResult::Create { path } => {
                w.string(path);
            }
            OpResult::SetData { stat } => stat.write(w),
            OpResult::Error { err } => {
                w.int(*err);
            }
        }
    }
}

/// Reads what a multi consists of: a `MultiHeader` (type, done, err) before each, and one that says that it is done.
fn read_multi<T>(
    r: &mut Reader,
    mut each: impl FnMut(OpCode, &mut Reader) -> Result<T, JuteError>,
) -> Result<Vec<T>, JuteError> {
    let mut found = Vec::new();
    loop {
        let (number, done, _err) = (r.int("type")?, r.boolean("done")?, r.int("err")?);
        if done {
            return Ok(found);
        }
        let op = OpCode::of(number).ok_or(JuteError::UnknownOperation { number })?;
        found.push(each(op, r)?);
    }
}

fn write_multi<T>(
    w: &mut Writer,
    parts: &[T],
    header: impl Fn(&T) -> (i32, i32),
    each: impl Fn(&T, &mut Writer),
) {
    for part in parts {
        let (number, err) = header(part);
        w.int(number).boolean(false).int(err);
        each(part, w);
    }
    w.int(-1).boolean(true).int(-1);
}

/// What a client asks for on a connection that has a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// Make a znode.
    Create(
        /// It.
        Create,
    ),
    /// Make a znode, and tell its stat.
    Create2(
        /// It.
        Create,
    ),
    /// Take a znode away.
    Delete {
        /// Its path.
        path: String,
        /// The version that it must have; -1 is any.
        version: i32,
    },
    /// Whether there is a znode.
    Exists {
        /// Its path.
        path: String,
        /// Whether to tell when it comes to be, changes or goes, once.
        watch: bool,
    },
    /// A znode's data.
    GetData {
        /// Its path.
        path: String,
        /// Whether to tell when it changes or goes, once.
        watch: bool,
    },
    /// Write a znode.
    SetData {
        /// Its path.
        path: String,
        /// The new data.
        data: Option<Bytes>,
        /// The version that it must have; -1 is any.
        version: i32,
    },
    /// The names of a znode's children.
    GetChildren2 {
        /// Its path.
        path: String,
        /// Whether to tell when a child comes or goes, or the znode goes, once.
        watch: bool,
    },
    /// Operations that happen together or not at all.
    Multi(
        /// In this order.
        Vec<Op>,
    ),
    /// The session lives.
    Ping,
    /// Watch again what was watched before.
    SetWatches(
        /// What.
        SetWatches,
    ),
    /// End the session.
    CloseSession,
}

impl Request {
    /// Its operation.
    pub const fn op(&self) -> OpCode {
        match self {
            Request::Create(_) => OpCode::Create,
            Request::Create2(_) => OpCode::Create2,
            Request::Delete { .. } => OpCode::Delete,
            Request::Exists { .. } => OpCode::Exists,
            Request::GetData { .. } => OpCode::GetData,
            Request::SetData { .. } => OpCode::SetData,
            Request::GetChildren2 { .. } => OpCode::GetChildren2,
            Request::Multi(_) => OpCode::Multi,
            Request::Ping => OpCode::Ping,
            Request::SetWatches(_) => OpCode::SetWatches,
            Request::CloseSession => OpCode::CloseSession,
        }
    }

    /// Whether it changes something, and so has to be agreed on by the ensemble.
    pub const fn is_write(&self) -> bool {
        matches!(
            self,
            Request::Create(_)
                | Request::Create2(_)
                | Request::Delete { .. }
                | Request::SetData { .. }
                | Request::Multi(_)
                | Request::CloseSession
        )
    }

    fn read(op: OpCode, r: &mut Reader) -> Result<Request, JuteError> {
        let watched = |r: &mut Reader| Ok::<_, JuteError>((r.string("path")?, r.boolean("watch")?));
        Ok(match op {
            OpCode::Create => Request::Create(Create::read(r)?),
            OpCode::Create2 => Request::Create2(Create::read(r)?),
            OpCode::Delete => Request::Delete { path: r.string("path")?, version: r.int("version")? },
            OpCode::Exists => watched(r).map(|(path, watch)| Request::Exists { path, watch })?,
            OpCode::GetData => watched(r).map(|(path, watch)| Request::GetData { path, watch })?,
            OpCode::GetChildren2 => watched(r).map(|(path, watch)| Request::GetChildren2 { path, watch })?,
            OpCode::SetData => Request::SetData {
                path: r.string("path")?,
                data: r.buffer("data")?,
                version: r.int("version")?,
            },
            OpCode::Multi => Request::Multi(read_multi(r, Op::read)?),
            OpCode::Ping => Request::Ping,
            OpCode::SetWatches => Request::SetWatches(SetWatches {
                relative_zxid: r.long("relativeZxid")?,
                data_watches: r.vector("dataWatches", |r| r.string("dataWatches"))?,
                exist_watches: r.vector("existWatches", |r| r.string("existWatches"))?,
                child_watches: r.vector("childWatches", |r| r.string("childWatches"))?,
            }),
            OpCode::CloseSession => Request::CloseSession,
            OpCode::Check | OpCode::Error => {
                return Err(JuteError::UnknownOperation { number: op.number() });
            }
        })
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Request::Create(create) | Request::Create2(create) => create.write(w),
            Request::Delete { path, version } => {
                w.string(path).int(*version);
            }
            Request::Exists { path, watch }
            | Request::GetData { path, watch }
            | Request::GetChildren2 { path, watch } => {
                w.string(path).boolean(*watch);
            }
            Request::SetData { path, data, version } => {
                w.string(path).buffer(data.as_deref()).int(*version);
            }
            Request::Multi(ops) => write_multi(w, ops, |op| (op.op().number(), -1), Op::write),
            Request::Ping | Request::CloseSession => {}
            Request::SetWatches(watches) => {
                w.long(watches.relative_zxid);
                for paths in [&watches.data_watches, &watches.exist_watches, &watches.child_watches] {
                    w.vector(paths, |w, path| {
                        w.string(path);
                    });
                }
            }
        }
    }
}

/// What stands before an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplyHeader {
    /// The request's number, or one of [`xid`].
    pub xid: i32,
    /// The newest transaction that the server had done.
    pub zxid: i64,
    /// How it went ([`Code`]); nothing follows an error.
    pub err: i32,
}

/// What is answered to a request that went well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Response {
    /// The znode was made.
    Create {
        /// Its path, with its number if it has one.
        path: String,
    },
    /// The znode was made.
    Create2 {
        /// Its path, with its number if it has one.
        path: String,
        /// How it is.
        stat: Stat,
    },
    /// The znode is gone.
    Delete,
    /// There is one.
    Exists {
        /// How it is.
        stat: Stat,
    },
    /// The znode's data.
    GetData {
        /// It.
        data: Option<Bytes>,
        /// How the znode is.
        stat: Stat,
    },
    /// The znode was written.
    SetData {
        /// How it is now.
        stat: Stat,
    },
    /// The znode's children.
    GetChildren2 {
        /// Their names, without a path.
        children: Vec<String>,
        /// How the znode is.
        stat: Stat,
    },
    /// How each operation went. A multi of which nothing was done is answered so too, with
    /// [`OpResult::Error`] for each.
    Multi(
        /// In the order of the request.
        Vec<OpResult>,
    ),
    /// To a ping.
    Ping,
    /// The watches stand.
    SetWatches,
    /// The session has ended.
    CloseSession,
}

impl Response {
    /// The operation that it answers.
    pub const fn op(&self) -> OpCode {
        match self {
            Response::Create { .. } => OpCode::Create,
            Response::Create2 { .. } => OpCode::Create2,
            Response::Delete => OpCode::Delete,
            Response::Exists { .. } => OpCode::Exists,
            Response::GetData { .. } => OpCode::GetData,
            Response::SetData { .. } => OpCode::SetData,
            Response::GetChildren2 { .. } => OpCode::GetChildren2,
            Response::Multi(_) => OpCode::Multi,
            Response::Ping => OpCode::Ping,
            Response::SetWatches => OpCode::SetWatches,
            Response::CloseSession => OpCode::CloseSession,
        }
    }

    fn read(op: OpCode, r: &mut Reader) -> Result<Response, JuteError> {
        Ok(match op {
            OpCode::Create => Response::Create { path: r.string("path")? },
            OpCode::Create2 => Response::Create2 { path: r.string("path")?, stat: Stat::read(r)? },
            OpCode::Delete => Response::Delete,
            OpCode::Exists => Response::Exists { stat: Stat::read(r)? },
            OpCode::GetData => Response::GetData { data: r.buffer("data")?, stat: Stat::read(r)? },
            OpCode::SetData => Response::SetData { stat: Stat::read(r)? },
            OpCode::GetChildren2 => Response::GetChildren2 {
                children: r.vector("children", |r| r.string("children"))?,
                stat: Stat::read(r)?,
            },
            OpCode::Multi => Response::Multi(read_multi(r, OpResult::read)?),
            OpCode::Ping => Response::Ping,
            OpCode::SetWatches => Response::SetWatches,
            OpCode::CloseSession => Response::CloseSession,
            OpCode::Check | OpCode::Error => {
                return Err(JuteError::UnknownOperation { number: op.number() });
            }
        })
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Response::Create { path } => {
                w.string(path);
            }
            Response::Create2 { path, stat } => stat.write(w.string(path)),
            Response::Exists { stat } | Response::SetData { stat } => stat.write(w),
            Response::GetData { data, stat } => stat.write(w.buffer(data.as_deref())),
            Response::GetChildren2 { children, stat } => {
                w.vector(children, |w, child| {
                    w.string(child);
                });
                stat.write(w);
            }
            Response::Multi(results) => {
                let header = |result: &OpResult| match result {
                    OpResult::Error { err } => (OpCode::Error.number(), *err),
                    other => (other.op().number(), 0),
                };
                write_multi(w, results, header, OpResult::write);
            }
            Response::Delete | Response::Ping | Response::SetWatches | Response::CloseSession => {}
        }
    }
}

/// What happened to a znode that was watched (`Watcher.Event.EventType`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum EventType {
    /// It came to be.
    NodeCreated,
    /// It is gone.
    NodeDeleted,
    /// Its data was written.
    NodeDataChanged,
    /// A child came or went.
    NodeChildrenChanged,
}

impl EventType {
    /// Its number on the wire.
    pub const fn number(self) -> i32 {
        match self {
            EventType::NodeCreated => 1,
            EventType::NodeDeleted => 2,
            EventType::NodeDataChanged => 3,
            EventType::NodeChildrenChanged => 4,
        }
    }

    /// The type with this number.
    ///
    /// # Errors
    /// There is none.
    pub const fn of(number: i32) -> Result<EventType, JuteError> {
        match number {
            1 => Ok(EventType::NodeCreated),
            2 => Ok(EventType::NodeDeleted),
            3 => Ok(EventType::NodeDataChanged),
            4 => Ok(EventType::NodeChildrenChanged),
            _ => Err(JuteError::UnknownEvent { number }),
        }
    }

    /// As ZooKeeper writes it.
    pub const fn name(self) -> &'static str {
        match self {
            EventType::NodeCreated => "NodeCreated",
            EventType::NodeDeleted => "NodeDeleted",
            EventType::NodeDataChanged => "NodeDataChanged",
            EventType::NodeChildrenChanged => "NodeChildrenChanged",
        }
    }
}

/// Tells once of a znode that was watched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WatcherEvent {
    /// What happened.
    pub event: EventType,
    /// State of the connection (`Watcher.Event.KeeperState`); a server always says 3, SyncConnected.
    pub state: i32,
    /// The znode.
    pub path: String,
}

/// An answer: how it went, and what was asked for if it went well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// What stands before it.
    pub header: ReplyHeader,
    /// The rest; `None` with an error.
    pub response: Option<Response>,
}

/// A message from a server on a connection that has a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ServerMessage {
    /// An answer to a request.
    Answer(
        /// It.
        Answer,
    ),
    /// Something that was watched.
    Event(
        /// What.
        WatcherEvent,
    ),
}

/// Reads a request and its number.
///
/// # Errors
/// Bytes that are none, or an operation that is not served.
pub fn decode_request(frame: Bytes) -> Result<(i32, Request), JuteError> {
    let r = &mut Reader::new(frame);
    let (xid, number) = (r.int("xid")?, r.int("type")?);
    let op = OpCode::of(number).ok_or(JuteError::UnknownOperation { number })?;
    let request = Request::read(op, r)?;
    r.end(op.name())?;
    Ok((xid, request))
}

/// Writes a request with its number.
pub fn encode_request(xid: i32, request: &Request) -> Bytes {
    let mut w = Writer::default();
    w.int(xid).int(request.op().number());
    request.write(&mut w);
    w.finish()
}

/// Reads what a server sent. `asked` says which operation a number was given to.
///
/// # Errors
/// Bytes that are no message, or an answer to nothing that was asked.
pub fn decode_server(
    frame: Bytes,
    asked: impl FnOnce(i32) -> Option<OpCode>,
) -> Result<ServerMessage, JuteError> {
    let r = &mut Reader::new(frame);
    let header = ReplyHeader { xid: r.int("xid")?, zxid: r.long("zxid")?, err: r.int("err")? };
    if header.xid == xid::NOTIFICATION {
        let event = WatcherEvent {
            event: EventType::of(r.int("type")?)?,
            state: r.int("state")?,
            path: r.string("path")?,
        };
        r.end("WatcherEvent")?;
        return Ok(ServerMessage::Event(event));
    }
    let op = match header.xid {
        xid::PING => OpCode::Ping,
        xid::SET_WATCHES => OpCode::SetWatches,
        xid => asked(xid).ok_or(JuteError::UnknownXid { xid })?,
    };
    let response = match header.err {
        0 => Some(Response::read(op, r)?),
        _ => None,
    };
    r.end(op.name())?;
    Ok(ServerMessage::Answer(Answer { header, response }))
}

/// Writes an answer. With an error in its header nothing follows.
pub fn encode_reply(header: ReplyHeader, response: Option<&Response>) -> Bytes {
    let mut w = Writer::default();
    w.int(header.xid).long(header.zxid).int(header.err);
    if let Some(response) = response.filter(|_| header.err == Code::Ok.number()) {
        response.write(&mut w);
    }
    w.finish()
}

/// Writes a watch event. ZooKeeper's own header for it: xid -1, zxid -1, no error.
pub fn encode_event(event: &WatcherEvent) -> Bytes {
    let mut w = Writer::default();
    w.int(xid::NOTIFICATION).long(-1).int(0);
    w.int(event.event.number()).int(event.state).string(&event.path);
    w.finish()
}
