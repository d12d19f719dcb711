//! Triggers: what is to happen when a request comes to a listener. A fault that waits for its occasion.
//!
//! On the console a trigger is one line: `on`, an API, what else the request must be, how often, and what happens:
//!
//! ```text
//! fault on Produce topic orders once error NOT_LEADER_OR_FOLLOWER
//! fault on any as slow client-id app every 3 delay 200
//! fault on Fetch broker 2 probability 10% disconnect
//! fault on Produce topic orders nth 5 do crash here
//! ```
//!
//! Requests are looked at where they come to the broker's machine, in the order in which they come. Triggers
//! that let a request go on (`observe`, `do`) see each, whatever becomes of it. Of the others the first one
//! whose turn it is decides what becomes of it, and those after it do not count it.

use std::fmt;
use std::sync::Arc;

use blumfeld_kernel::{ConnectionId, Instant, NodeId, Prng};
use blumfeld_protocol::definition::{Kind, Message, Type, message};
use blumfeld_protocol::frame::Header;
use blumfeld_protocol::json::{from_json, to_json, to_json_without_records};
use blumfeld_protocol::{ApiKey, ErrorCode, Uuid, uuid_text};
use bytes::Bytes;
use serde_json::Value;

use super::answer::answers;
use super::text::Words;
use super::{Fault, FaultError, Side};

/// How many requests an observer keeps if its line does not say.
pub const OBSERVED: u32 = 1_000;
/// How many it can keep.
const MOST_OBSERVED: u32 = 100_000;
/// The broker that the request came to, in place of a number.
pub(super) const HERE: &str = "here";

const WHICH: &[&str] = &["as", "broker", "client-id", "connection", "version", "topic", "partition", "while"];
const WHEN: &[&str] = &["once", "times", "nth", "every", "probability"];
/// All words of triggers, by their place.
#[cfg(test)]
pub(super) const WORDS: [&[&str]; 3] = [WHICH, WHEN, ACTIONS];
const ACTIONS: &[&str] = &["error", "delay", "duplicate", "drop", "disconnect", "answer", "observe", "do"];

/// What is to happen when a request comes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trigger {
    /// By which it can be taken off, held and asked for what it observed.
    pub name: Option<Arc<str>>,
    /// Which requests.
    pub which: Which,
    /// Which of these.
    pub when: When,
    /// What happens.
    pub action: Action,
}

/// Which requests a trigger is for. What is not given may be anything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Which {
    /// The API.
    pub api_key: Option<ApiKey>,
    /// The broker that it comes to.
    pub broker: Option<NodeId>,
    /// The client's own name for itself (`client.id`).
    pub client_id: Option<Arc<str>>,
    /// The connection, by its number.
    pub connection: Option<u64>,
    /// The request's version.
    pub version: Option<i16>,
    /// A topic that it names, by name or by id.
    pub topic: Option<Arc<str>>,
    /// A partition that it names: of `topic`, where that is given.
    pub partition: Option<i32>,
    /// Only while this is so.
    pub while_: Option<Clause>,
}

/// What can be so of a cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Clause {
    /// `up 2`: the broker's process runs.
    Up(
        /// The node.
        NodeId,
    ),
    /// `down 2`: it does not.
    Down(
        /// The node.
        NodeId,
    ),
    /// `leader orders-0 2`: the controller has made this broker the leader.
    Leader {
        /// The topic.
        topic: Arc<str>,
        /// The partition.
        partition: i32,
        /// The broker.
        node: NodeId,
    },
}

/// Which of the requests that a trigger is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Each so many: 1 is every one, 3 the third, the sixth and so on.
    Every(
        /// At least 1.
        u32,
    ),
    /// The first so many; then the trigger is gone.
    Times(
        /// At least 1.
        u32,
    ),
    /// The one of this number; then the trigger is gone.
    Nth(
        /// At least 1.
        u32,
    ),
    /// Of a hundred so many, drawn from the seed.
    Probability(
        /// At most 100.
        u32,
    ),
}

/// What happens to a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// It is answered with this error, and the broker does not see it.
    Error(
        /// The error.
        ErrorCode,
    ),
    /// The broker gets it so many milliseconds later, and what came behind it on its connection too.
    Delay(
        /// Milliseconds.
        u64,
    ),
    /// The broker handles it, and the response leaves so many milliseconds later, and those behind it too.
    DelayAfter(
        /// Milliseconds.
        u64,
    ),
    /// The broker gets it twice, one right behind the other. Nobody has asked for a second response: it is thrown away.
    Duplicate,
    /// It is lost, with all that comes behind it on its connection: no answer comes, and nothing says so.
    Drop,
    /// Its connection breaks before the broker gets it.
    Disconnect,
    /// The broker handles it, and its connection breaks before the response arrives.
    DisconnectAfter,
    /// It is answered with this, and the broker does not see it. Fields that are not given are Kafka's defaults.
    Answer(
        /// A JSON object with the response's fields, by Kafka's names.
        Arc<str>,
    ),
    /// It is kept to be looked at, and goes on.
    Observe(
        /// So many of the last ones are kept.
        u32,
    ),
    /// A fault is injected, and the request goes on.
    Do(
        /// Which; in one of a single node the broker that the request came to can stand as [`NodeId::WORLD`].
        Box<Fault>,
    ),
}

impl Action {
    /// Whether the request goes on to the broker as if nothing had happened.
    pub(crate) fn lets_go_on(&self) -> bool {
        matches!(self, Action::Observe(_) | Action::Do(_))
    }
}

/// A request that a trigger has kept.
#[derive(Clone, PartialEq, Debug)]
pub struct Observed {
    /// When it came to the broker.
    pub at: Instant,
    /// The broker.
    pub broker: NodeId,
    /// The connection.
    pub connection: u64,
    /// The client's name for itself.
    pub client_id: Option<String>,
    /// The API.
    pub api_key: ApiKey,
    /// The request's version.
    pub version: i16,
    /// The whole frame, header included, without its length.
    pub frame: Bytes,
    /// Bytes of the header.
    pub header: usize,
}

impl Observed {
    /// The request's fields, by Kafka's names; what is wrong with its bytes where they are none.
    pub fn request(&self) -> Value {
        let body = self.frame.slice(self.header.min(self.frame.len())..);
        to_json(self.api_key, Kind::Request, self.version, &body)
            .unwrap_or_else(|error| serde_json::json!({ "error": error.to_string() }))
    }

    /// All of it as one JSON object: `atUs`, `broker`, `connection`, `clientId`, `api`, `version`, `request`.
    pub fn json(&self) -> Value {
        serde_json::json!({
            "atUs": self.at.as_micros(),
            "broker": self.broker.0,
            "connection": self.connection,
            "clientId": self.client_id,
            "api": format!("{:?}", self.api_key),
            "version": self.version,
            "request": self.request(),
        })
    }
}

/// A request as triggers look at it.
pub(crate) struct Asked<'a> {
    pub conn: ConnectionId,
    pub broker: NodeId,
    pub header: &'a Header,
    pub body: &'a Bytes,
}

impl Which {
    /// Whether a request is one of these. `name` knows a topic by its id.
    pub(crate) fn has(&self, asked: &Asked<'_>, name: impl Fn(Uuid) -> Option<String>) -> bool {
        let header = asked.header;
        let others = self.api_key.is_none_or(|api_key| api_key == header.api_key)
            && self.broker.is_none_or(|broker| broker == asked.broker)
            && self.version.is_none_or(|version| version == header.version)
            && self.connection.is_none_or(|conn| conn == asked.conn.0)
            && (self.client_id.as_ref())
                .is_none_or(|id| header.client_id.as_ref().is_some_and(|its| **its == **id));
        if !others || (self.topic.is_none() && self.partition.is_none()) {
            return others;
        }
        let Some(of) = message(header.api_key, Kind::Request) else { return false };
        let request = to_json_without_records(header.api_key, Kind::Request, header.version, asked.body);
        let Ok(request) = request else {
            return false;
        };
        let mut named = Vec::new();
        mentions(of, &request, &name, &mut named);
        named.iter().any(|(topic, partition)| {
            self.topic.as_ref().is_none_or(|want| topic.as_deref() == Some(&**want))
                && self.partition.is_none_or(|want| *partition == Some(want))
        })
    }
}

/// The topics and partitions that a request names.
fn mentions(
    of: &'static Message,
    request: &Value,
    name: &impl Fn(Uuid) -> Option<String>,
    out: &mut Vec<(Option<String>, Option<i32>)>,
) {
    fields(&of.fields, request, None, name, out);
}

fn fields(
    of: &'static [blumfeld_protocol::definition::Field],
    value: &Value,
    around: Option<&str>,
    name: &impl Fn(Uuid) -> Option<String>,
    out: &mut Vec<(Option<String>, Option<i32>)>,
) {
    let of = || of.iter().filter_map(|field| Some((field, value.get(field.name)?)));
    // A partition stands in a struct of its own in that of its topic, or beside the topic's name.
    let mut topic = around.map(ToOwned::to_owned);
    for (field, value) in of() {
        if field.entity == Some("topicName") && !field.array {
            topic = value.as_str().map(ToOwned::to_owned).or(topic);
        } else if field.name == "topicId" && !field.array {
            let id = value.as_str().and_then(uuid_text::from_text).filter(|id| !id.is_nil());
            topic = topic.filter(|name| !name.is_empty()).or_else(|| name(id?));
        }
    }
    let mut partitions = Vec::new();
    let mut inner = false;
    for (field, value) in of() {
        let elements = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        match &field.of {
            Type::Struct(fields_of) => {
                inner |= !elements.is_empty();
                elements.iter().for_each(|one| fields(fields_of, one, topic.as_deref(), name, out));
            }
            Type::Int(4) if PARTITION.contains(&field.name) => {
                let numbers = elements.iter().filter_map(|one| i32::try_from(one.as_i64()?).ok());
                partitions.extend(numbers);
            }
            Type::String if field.entity == Some("topicName") && field.array => {
                out.extend(elements.iter().map(|one| (one.as_str().map(ToOwned::to_owned), None)));
            }
            _ => {}
        }
    }
    if !partitions.is_empty() {
        out.extend(partitions.into_iter().map(|partition| (topic.clone(), Some(partition))));
    } else if topic.is_some() && !inner {
        out.push((topic, None));
    }
}

/// Kafka's names for a partition's number.
const PARTITION: &[&str] =
    &["partition", "partitionIndex", "partitionIndexes", "partitions", "partitionId", "index"];

/// Counts the requests that a trigger is for, and says of which it is.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    when: When,
    seen: u32,
}

impl Turn {
    pub fn new(when: When) -> Turn {
        Turn { when, seen: 0 }
    }

    /// Whether it is the next one's turn.
    pub fn next(&mut self, rng: &mut Prng) -> bool {
        self.seen = self.seen.saturating_add(1);
        match self.when {
            When::Every(n) => self.seen.is_multiple_of(n),
            When::Times(n) => self.seen <= n,
            When::Nth(n) => self.seen == n,
            When::Probability(percent) => rng.chance(u64::from(percent), 100),
        }
    }

    /// Whether it may be the next one's turn.
    pub fn may_be_next(&self) -> bool {
        match self.when {
            When::Every(n) => self.seen.saturating_add(1).is_multiple_of(n),
            When::Nth(n) => self.seen.saturating_add(1) == n,
            When::Times(_) => true,
            When::Probability(percent) => percent > 0,
        }
    }

    /// It was not its turn after all: what was to happen could not.
    pub fn take_back(&mut self) {
        self.seen = self.seen.saturating_sub(1);
    }

    /// Whether it will never be its turn again.
    pub fn is_over(&self) -> bool {
        matches!(self.when, When::Times(n) | When::Nth(n) if self.seen >= n)
    }

    /// What is left of it.
    pub fn left(&self) -> When {
        match self.when {
            When::Times(n) => When::Times(n.saturating_sub(self.seen).max(1)),
            When::Nth(n) => When::Nth(n.saturating_sub(self.seen).max(1)),
            other => other,
        }
    }
}

impl Trigger {
    /// What is wrong with it, as far as that does not depend on a cluster.
    ///
    /// # Errors
    /// An API that cannot be answered so, or an answer that is none of it in any version.
    pub(crate) fn check(&self) -> Result<(), FaultError> {
        let api_key = self.which.api_key;
        match (&self.action, api_key) {
            (Action::Error(_) | Action::Answer(_), None) => Err(FaultError::AnyApi),
            (Action::Error(_), Some(api_key)) if !answers(api_key) => Err(FaultError::NoAnswer(api_key)),
            (Action::Answer(text), Some(api_key)) => {
                let wrong = |error: String| FaultError::Answer(api_key, error);
                let value: Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
                let known = api_key.valid_versions();
                let version = self.which.version.unwrap_or(known.max);
                let tried = (known.min..=known.max)
                    .filter(|one| self.which.version.is_none_or(|version| version == *one))
                    .any(|version| from_json(api_key, Kind::Response, version, &value).is_ok());
                if tried {
                    return Ok(());
                }
                let newest = from_json(api_key, Kind::Response, version, &value);
                Err(wrong(newest.err().map_or_else(String::new, |error| error.to_string())))
            }
            (Action::Observe(_), _) if self.name.is_none() => Err(FaultError::Unnamed),
            (Action::Do(fault), _) if matches!(**fault, Fault::On(_)) => {
                Err(FaultError::TooMuch("on".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Reads what stands behind `on`.
    pub(super) fn parse(words: &mut Words<'_>) -> Result<Trigger, FaultError> {
        let api = words.next("name of an API or `any`")?;
        let api_key = (api != "any").then(|| super::text::api_key(api)).transpose()?;
        let mut trigger = Trigger {
            name: None,
            which: Which { api_key, ..Which::default() },
            when: When::Every(1),
            action: Action::Drop,
        };
        let which = &mut trigger.which;
        let mut word = words.next("what happens")?;
        while WHICH.contains(&word) {
            match word {
                "as" => trigger.name = Some(words.text("name")?.into()),
                "broker" => which.broker = Some(words.broker()?),
                "client-id" => which.client_id = Some(words.text("client id")?.into()),
                "connection" => {
                    which.connection = Some(words.number("connection", u64::MAX, "a number from 0")?)
                }
                "version" => which.version = Some(words.number("version", i16::MAX, "a number from 0")?),
                "topic" => which.topic = Some(words.text("topic")?.into()),
                "partition" => {
                    which.partition = Some(words.number("partition", i32::MAX, "a number from 0")?)
                }
                _ => which.while_ = Some(Clause::parse(words)?),
            }
            word = words.next("what happens")?;
        }
        let when = match word {
            "once" => Some(When::Times(1)),
            "times" => Some(When::Times(words.counted("count")?)),
            "nth" => Some(When::Nth(words.counted("count")?)),
            // Every one, or every third.
            "every" if words.peek().is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit())) => {
                Some(When::Every(words.counted("count")?))
            }
            "every" => Some(When::Every(1)),
            "probability" => Some(When::Probability(words.percent()?)),
            _ => None,
        };
        if let Some(when) = when {
            trigger.when = when;
            word = words.next("what happens")?;
        }
        trigger.action = match word {
            "error" => Action::Error(words.error_code()?),
            "delay" => {
                let ms = words.ms()?;
                if after(words)? { Action::DelayAfter(ms) } else { Action::Delay(ms) }
            }
            "duplicate" => Action::Duplicate,
            "drop" => Action::Drop,
            "disconnect" if after(words)? => Action::DisconnectAfter,
            "disconnect" => Action::Disconnect,
            "answer" => match words.all() {
                "" => return Err(FaultError::Missing { what: "JSON object", after: "answer".to_owned() }),
                json => Action::Answer(json.into()),
            },
            "observe" => match words.optional_count()? {
                None => Action::Observe(OBSERVED),
                Some(most @ 1..=MOST_OBSERVED) => Action::Observe(most),
                Some(most) => {
                    let range = "1 to 100000";
                    return Err(FaultError::Value { what: "limit", value: most.to_string(), range });
                }
            },
            "do" => Action::Do(Box::new(Fault::parse_here(words.all())?)),
            word if WHEN.contains(&word) || WHICH.contains(&word) => {
                return Err(FaultError::Order(word.to_owned()));
            }
            word => {
                return Err(FaultError::Word { what: "action", word: word.to_owned(), known: ACTIONS });
            }
        };
        trigger.check()?;
        Ok(trigger)
    }
}

/// Whether something happens once the broker has handled the request: `before`, which is also nothing, or `after`.
fn after(words: &mut Words<'_>) -> Result<bool, FaultError> {
    match words.optional() {
        None | Some("before") => Ok(false),
        Some("after") => Ok(true),
        Some(word) => {
            let known = &["before", "after"];
            Err(FaultError::Word { what: "moment", word: word.to_owned(), known })
        }
    }
}

impl Clause {
    fn parse(words: &mut Words<'_>) -> Result<Clause, FaultError> {
        Ok(match words.next("clause")? {
            "up" => Clause::Up(words.broker()?),
            "down" => Clause::Down(words.broker()?),
            "leader" => {
                let word = words.next("partition, as orders-0")?;
                let partition = || {
                    let (topic, partition) = word.rsplit_once('-')?;
                    Some((topic.into(), partition.parse().ok()?))
                };
                let known = &["orders-0"];
                let unknown = || FaultError::Word { what: "partition", word: word.to_owned(), known };
                let (topic, partition) = partition().ok_or_else(unknown)?;
                Clause::Leader { topic, partition, node: words.broker()? }
            }
            word => {
                let known = &["up", "down", "leader"];
                return Err(FaultError::Word { what: "clause", word: word.to_owned(), known });
            }
        })
    }
}

impl Fault {
    /// The same fault, with the broker in the place of `here`.
    pub(crate) fn at(&self, broker: NodeId) -> Fault {
        let mut fault = self.clone();
        fault.each_node(&mut |node| {
            if *node == NodeId::WORLD {
                *node = broker;
            }
        });
        fault
    }

    /// Calls for each node that it names.
    fn each_node(&mut self, call: &mut impl FnMut(&mut NodeId)) {
        let mut side = |side: &mut Side| {
            if let Side::Node(node) = side {
                call(node);
            }
        };
        match self {
            Fault::Link { from, to, .. } => [from, to].into_iter().for_each(side),
            Fault::Break(one, other) | Fault::Heal(super::Heal::Between(one, other)) => {
                [one, other].into_iter().for_each(side);
            }
            Fault::Heal(super::Heal::Of(one)) => side(one),
            Fault::Heal(super::Heal::All) | Fault::On(_) | Fault::Off(_) | Fault::Arm { .. } => {}
            Fault::Crash(node)
            | Fault::PowerCut(node)
            | Fault::ShutDown(node)
            | Fault::Restart(node)
            | Fault::Resume(node)
            | Fault::Isolate(node)
            | Fault::Pause { node, .. }
            | Fault::Skew { node, .. }
            | Fault::ClockJump { node, .. }
            | Fault::Disk { node, .. }
            | Fault::DiskSlow { node, .. }
            | Fault::PageCache { node, .. }
            | Fault::DropPageCache(node)
            | Fault::Request { node, .. } => call(node),
        }
    }
}

/// The line that is read, without `fault`.
impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let which = &self.which;
        match which.api_key {
            Some(api_key) => write!(f, "on {api_key:?}")?,
            None => f.write_str("on any")?,
        }
        if let Some(name) = &self.name {
            write!(f, " as {}", Escaped(name))?;
        }
        if let Some(broker) = which.broker {
            write!(f, " broker {}", broker.0)?;
        }
        if let Some(id) = &which.client_id {
            write!(f, " client-id {}", Escaped(id))?;
        }
        if let Some(conn) = which.connection {
            write!(f, " connection {conn}")?;
        }
        if let Some(version) = which.version {
            write!(f, " version {version}")?;
        }
        if let Some(topic) = &which.topic {
            write!(f, " topic {}", Escaped(topic))?;
        }
        if let Some(partition) = which.partition {
            write!(f, " partition {partition}")?;
        }
        match &which.while_ {
            None => {}
            Some(Clause::Up(node)) => write!(f, " while up {}", node.0)?,
            Some(Clause::Down(node)) => write!(f, " while down {}", node.0)?,
            Some(Clause::Leader { topic, partition, node }) => {
                write!(f, " while leader {topic}-{partition} {}", node.0)?;
            }
        }
        match self.when {
            When::Every(1) => {}
            When::Every(n) => write!(f, " every {n}")?,
            When::Times(1) => f.write_str(" once")?,
            When::Times(n) => write!(f, " times {n}")?,
            When::Nth(n) => write!(f, " nth {n}")?,
            When::Probability(percent) => write!(f, " probability {percent}%")?,
        }
        match &self.action {
            Action::Error(code) => write!(f, " error {code}"),
            Action::Delay(ms) => write!(f, " delay {ms}"),
            Action::DelayAfter(ms) => write!(f, " delay {ms} after"),
            Action::Duplicate => f.write_str(" duplicate"),
            Action::Drop => f.write_str(" drop"),
            Action::Disconnect => f.write_str(" disconnect"),
            Action::DisconnectAfter => f.write_str(" disconnect after"),
            Action::Answer(json) => write!(f, " answer {json}"),
            Action::Observe(OBSERVED) => f.write_str(" observe"),
            Action::Observe(most) => write!(f, " observe {most}"),
            Action::Do(fault) => write!(f, " do {fault}"),
        }
    }
}

/// A text as one word: a blank is `%20`, a percent sign `%25`, nothing at all `%`.
pub(super) struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("%");
        }
        for c in self.0.chars() {
            if c == '%' || c.is_whitespace() || c.is_control() {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes).bytes().try_for_each(|byte| write!(f, "%{byte:02X}"))?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

/// A text as one word of a fault's line: blanks, percent signs and control characters are written `%20` and so on.
pub fn escape(text: &str) -> String {
    Escaped(text).to_string()
}

/// The text of such a word; nothing if it is none.
pub(super) fn unescape(word: &str) -> Option<String> {
    if word == "%" {
        return Some(String::new());
    }
    let mut bytes = Vec::new();
    let mut rest = word.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}
