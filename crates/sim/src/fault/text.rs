//! A fault as a line of the console, read and written.

use std::fmt;
use std::str::FromStr;

use blumfeld_kernel::NodeId;
use blumfeld_protocol::{ApiKey, ErrorCode};

use super::trigger::{Escaped, HERE, Trigger, unescape};
use super::{DiskState, Fault, FaultError, Heal, LinkFault, RequestFault, Side};

/// The longest time that a fault can name, in milliseconds: a year.
const LONGEST_MS: u64 = 365 * 24 * 3_600 * 1_000;
const TIME: &str = "0 to 31536000000 milliseconds";

/// The first words of faults.
const WORDS: &[&str] = &[
    "crash",
    "restart",
    "power-cut",
    "shutdown",
    "pause",
    "resume",
    "skew",
    "clock-jump",
    "disk",
    "page-cache",
    "cut",
    "cut-oneway",
    "isolate",
    "heal",
    "latency",
    "jitter",
    "bandwidth",
    "drop",
    "reorder",
    "break",
    "lose-response",
    "request",
    "on",
    "off",
    "arm",
    "disarm",
];
const DISK_WORDS: &[&str] = &["full", "fail", "ok", "slow"];
/// The largest page cache, in bytes: a TiB.
const LARGEST_CACHE: u64 = 1 << 40;
const CACHE: &str = "0 to 1099511627776 bytes, default or drop";
const REQUEST_WORDS: &[&str] = &["error", "delay", "drop", "lose-response"];
const ONE_WAY: &str = "oneway";
/// From this likeness on (Jaro-Winkler, 0 to 1) a word may have been meant.
const ALIKE: f64 = 0.8;

/// The words of a line, taken one by one.
pub(super) struct Words<'a> {
    rest: &'a str,
    /// The last word that was taken.
    last: &'a str,
    /// Whether a broker can be `here`.
    here: bool,
}

impl<'a> Words<'a> {
    pub(super) fn next(&mut self, what: &'static str) -> Result<&'a str, FaultError> {
        match self.optional() {
            Some(word) => Ok(word),
            None => Err(FaultError::Missing { what, after: self.last.to_owned() }),
        }
    }

    pub(super) fn optional(&mut self) -> Option<&'a str> {
        let word = self.peek()?;
        self.rest = self.rest.trim_start().strip_prefix(word)?;
        self.last = word;
        Some(word)
    }

    /// The next word, which stays.
    pub(super) fn peek(&self) -> Option<&'a str> {
        self.rest.split_whitespace().next()
    }

    /// All that is left, as it stands.
    pub(super) fn all(&mut self) -> &'a str {
        std::mem::take(&mut self.rest).trim()
    }

    fn end<T>(mut self, value: T) -> Result<T, FaultError> {
        match self.optional() {
            Some(word) => Err(FaultError::TooMuch(word.to_owned())),
            None => Ok(value),
        }
    }

    /// A text in which blanks are escaped.
    pub(super) fn text(&mut self, what: &'static str) -> Result<String, FaultError> {
        let word = self.next(what)?;
        let known = &["my-name", "my%20name"];
        unescape(word).ok_or_else(|| FaultError::Word { what, word: word.to_owned(), known })
    }

    /// A number of a type, from 0 to `most`.
    pub(super) fn number<N: TryFrom<u64> + Into<i128> + Copy>(
        &mut self,
        what: &'static str,
        most: N,
        range: &'static str,
    ) -> Result<N, FaultError> {
        let word = self.next(what)?;
        let number = number(word, what, u64::try_from(most.into()).unwrap_or(0), range)?;
        N::try_from(number).map_err(|_| FaultError::Value { what, value: word.to_owned(), range })
    }

    /// At least 1.
    pub(super) fn counted(&mut self, what: &'static str) -> Result<u32, FaultError> {
        count(self.next(what)?)
    }

    pub(super) fn percent(&mut self) -> Result<u32, FaultError> {
        let word = self.next("number of percent")?;
        let digits = word.strip_suffix('%').unwrap_or(word);
        Ok(u32::try_from(number(digits, "percentage", 100, "0 to 100")?).unwrap_or(100))
    }

    /// A broker by its id.
    pub(super) fn broker(&mut self) -> Result<NodeId, FaultError> {
        let word = self.next("broker")?;
        let is_broker = |node: &NodeId| !node.is_client() && *node != NodeId::WORLD;
        let found = node(word, false).ok().filter(is_broker);
        let range = "a broker's id, as 1";
        found.ok_or_else(|| FaultError::Value { what: "broker", value: word.to_owned(), range })
    }

    pub(super) fn error_code(&mut self) -> Result<ErrorCode, FaultError> {
        let word = self.next("name of an error")?;
        let code = ErrorCode::from_name(word).filter(|code| code.is_error());
        code.ok_or_else(|| {
            unlike("error of Kafka's", word, ErrorCode::NAMES.iter().skip(1).map(|name| (*name).to_owned()))
        })
    }

    fn node(&mut self) -> Result<NodeId, FaultError> {
        node(self.next("node")?, self.here)
    }

    fn side(&mut self) -> Result<Side, FaultError> {
        side(self.next("node or `clients`")?, self.here)
    }

    pub(super) fn ms(&mut self) -> Result<u64, FaultError> {
        number(self.next("time in milliseconds")?, "time", LONGEST_MS, TIME)
    }

    fn signed_ms(&mut self) -> Result<i64, FaultError> {
        let word = self.next("time in milliseconds")?;
        let (sign, digits) = match word.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, word.strip_prefix('+').unwrap_or(word)),
        };
        let range = "-31536000000 to 31536000000 milliseconds";
        let ms = number(digits, "time", LONGEST_MS, range).map_err(|_| FaultError::Value {
            what: "time",
            value: word.to_owned(),
            range,
        })?;
        Ok(sign * i64::try_from(ms).unwrap_or(0))
    }

    /// How often, which is once if it is not said.
    fn count(&mut self) -> Result<u32, FaultError> {
        Ok(self.optional_count()?.unwrap_or(1))
    }

    pub(super) fn optional_count(&mut self) -> Result<Option<u32>, FaultError> {
        self.optional().map(count).transpose()
    }

    fn link(&mut self, what: fn(u64) -> LinkFault) -> Result<Fault, FaultError> {
        let (from, to) = (self.side()?, self.side()?);
        let what = match what(0) {
            LinkFault::Bandwidth(_) => LinkFault::Bandwidth(number(
                self.next("number of bytes a second")?,
                "bandwidth",
                1_000_000_000_000,
                "0 (no limit) to 1000000000000 bytes a second",
            )?),
            LinkFault::Drop(_) => LinkFault::Drop(self.percent()?.into()),
            _ => what(self.ms()?),
        };
        let one_way = match self.optional() {
            None => false,
            Some(ONE_WAY) => true,
            Some(word) => {
                return Err(FaultError::Word { what: "direction", word: word.to_owned(), known: &[ONE_WAY] });
            }
        };
        Ok(Fault::Link { from, to, one_way, what })
    }
}

fn number(word: &str, what: &'static str, most: u64, range: &'static str) -> Result<u64, FaultError> {
    let value = || FaultError::Value { what, value: word.to_owned(), range };
    if !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(value());
    }
    word.parse::<u64>().ok().filter(|number| *number <= most).ok_or_else(value)
}

fn count(word: &str) -> Result<u32, FaultError> {
    let range = "1 to 1000000000";
    let value = || FaultError::Value { what: "count", value: word.to_owned(), range };
    let count = number(word, "count", 1_000_000_000, range)?;
    u32::try_from(count).ok().filter(|count| *count > 0).ok_or_else(value)
}

fn node(word: &str, here: bool) -> Result<NodeId, FaultError> {
    match side(word, here)? {
        Side::Node(node) => Ok(node),
        Side::Clients => Err(FaultError::Word { what: "single node", word: word.to_owned(), known: &[] }),
    }
}

fn side(word: &str, here: bool) -> Result<Side, FaultError> {
    match word {
        "clients" => return Ok(Side::Clients),
        HERE if here => return Ok(Side::Node(NodeId::WORLD)),
        _ => {}
    }
    let (digits, first) = match (word.strip_prefix("client-"), word.strip_prefix("broker-")) {
        (Some(digits), _) => (digits, NodeId::FIRST_CLIENT.0),
        (_, Some(digits)) => (digits, 0),
        _ => (word, 0),
    };
    let unknown = || FaultError::Value {
        what: "node",
        value: word.to_owned(),
        range: "a broker's id as 1, a client as client-1, or where it may be many, clients",
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(unknown());
    }
    let id = digits.parse::<i32>().ok().and_then(|id| id.checked_add(first)).ok_or_else(unknown)?;
    Ok(Side::Node(NodeId(id)))
}

/// An API by its name, in any case.
pub(super) fn api_key(word: &str) -> Result<ApiKey, FaultError> {
    let all = || (0..=i16::from(u8::MAX)).filter_map(|key| ApiKey::try_from(key).ok());
    all()
        .find(|key| format!("{key:?}").eq_ignore_ascii_case(word))
        .ok_or_else(|| unlike("API", word, all().map(|key| format!("{key:?}"))))
}

/// A word that is none of many, with those that are written much like it.
fn unlike(what: &'static str, word: &str, all: impl Iterator<Item = String>) -> FaultError {
    let likeness = |other: &str| strsim::jaro_winkler(&other.to_lowercase(), &word.to_lowercase());
    let mut near: Vec<(f64, String)> = all.map(|other| (likeness(&other), other)).collect();
    near.retain(|(likeness, _)| *likeness >= ALIKE);
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    near.truncate(3);
    FaultError::Unlike {
        what,
        word: word.to_owned(),
        near: near.into_iter().map(|(_, other)| other).collect(),
    }
}

impl Fault {
    /// Reads a fault: the words behind `fault` on the console.
    ///
    /// # Errors
    /// The word that is wrong or missing. Whether a node is there is only found when the fault is injected.
    pub fn parse(line: &str) -> Result<Fault, FaultError> {
        Self::read(Words { rest: line, last: "fault", here: false })
    }

    /// Reads a fault in which a broker can be `here`.
    pub(super) fn parse_here(line: &str) -> Result<Fault, FaultError> {
        Self::read(Words { rest: line, last: "do", here: true })
    }

    fn read(mut words: Words<'_>) -> Result<Fault, FaultError> {
        let fault = match words.next("fault")? {
            "crash" => Fault::Crash(words.node()?),
            "restart" => Fault::Restart(words.node()?),
            "power-cut" => Fault::PowerCut(words.node()?),
            "shutdown" => Fault::ShutDown(words.node()?),
            "pause" => {
                let node = words.node()?;
                let ms = words.optional().map(|word| number(word, "time", LONGEST_MS, TIME)).transpose()?;
                Fault::Pause { node, ms }
            }
            "resume" => Fault::Resume(words.node()?),
            "skew" => Fault::Skew { node: words.node()?, ms: words.signed_ms()? },
            "clock-jump" => Fault::ClockJump { node: words.node()?, ms: words.signed_ms()? },
            "disk" => {
                let first = words.next("what the disk does")?;
                let unknown = || FaultError::Word {
                    what: "state of a disk",
                    word: first.to_owned(),
                    known: DISK_WORDS,
                };
                let state = match first {
                    "full" => Some(DiskState::Full),
                    "fail" => Some(DiskState::Failing),
                    "ok" => Some(DiskState::Working),
                    "slow" => None,
                    _ => return Err(unknown()),
                };
                let node = words.node()?;
                match state {
                    None => Fault::DiskSlow { node, factor: count(words.next("factor")?)? },
                    Some(DiskState::Working) => {
                        Fault::Disk { node, state: DiskState::Working, operations: None }
                    }
                    Some(state) => Fault::Disk { node, state, operations: words.optional_count()? },
                }
            }
            "page-cache" => {
                let node = words.node()?;
                match words.next("size in bytes, default or drop")? {
                    "drop" => Fault::DropPageCache(node),
                    "default" => Fault::PageCache { node, bytes: None },
                    word => {
                        let bytes = number(word, "size of a page cache", LARGEST_CACHE, CACHE)?;
                        Fault::PageCache { node, bytes: Some(bytes) }
                    }
                }
            }
            verb @ ("cut" | "cut-oneway") => Fault::Link {
                from: words.side()?,
                to: words.side()?,
                one_way: verb == "cut-oneway",
                what: LinkFault::Cut,
            },
            "isolate" => Fault::Isolate(words.node()?),
            "heal" => Fault::Heal(match (words.optional(), words.optional()) {
                (Some(one), Some(other)) => Heal::Between(side(one, words.here)?, side(other, words.here)?),
                (Some(one), None) => Heal::Of(side(one, words.here)?),
                _ => Heal::All,
            }),
            "latency" => words.link(LinkFault::Latency)?,
            "jitter" => words.link(LinkFault::Jitter)?,
            "bandwidth" => words.link(LinkFault::Bandwidth)?,
            "drop" => words.link(LinkFault::Drop)?,
            "reorder" => words.link(LinkFault::Reorder)?,
            "break" => Fault::Break(words.side()?, words.side()?),
            "lose-response" => Fault::Request {
                node: words.node()?,
                api_key: api_key(words.next("name of an API")?)?,
                what: RequestFault::LoseResponse,
                count: words.count()?,
            },
            "request" => {
                let (node, api_key) = (words.node()?, api_key(words.next("name of an API")?)?);
                let verb = words.next("fate of the request")?;
                let what = match verb {
                    "error" => RequestFault::Error(words.error_code()?),
                    "delay" => RequestFault::Delay(words.ms()?),
                    "drop" => RequestFault::Drop,
                    "lose-response" => RequestFault::LoseResponse,
                    word => {
                        let (what, known) = ("fate of a request", REQUEST_WORDS);
                        return Err(FaultError::Word { what, word: word.to_owned(), known });
                    }
                };
                Fault::Request { node, api_key, what, count: words.count()? }
            }
            "on" => Fault::On(Box::new(Trigger::parse(&mut words)?)),
            "off" => Fault::Off(words.text("name")?.into()),
            verb @ ("arm" | "disarm") => {
                Fault::Arm { name: words.text("name")?.into(), armed: verb == "arm" }
            }
            word => return Err(FaultError::Word { what: "fault", word: word.to_owned(), known: WORDS }),
        };
        words.end(fault)
    }
}

impl FromStr for Fault {
    type Err = FaultError;
    fn from_str(line: &str) -> Result<Fault, FaultError> {
        Fault::parse(line)
    }
}

/// The line that [`Fault::parse`] reads.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |node: &NodeId| Side::Node(*node);
        match self {
            Self::Crash(node) => write!(f, "crash {}", side(node)),
            Self::PowerCut(node) => write!(f, "power-cut {}", side(node)),
            Self::ShutDown(node) => write!(f, "shutdown {}", side(node)),
            Self::Restart(node) => write!(f, "restart {}", side(node)),
            Self::Pause { node, ms: None } => write!(f, "pause {}", side(node)),
            Self::Pause { node, ms: Some(ms) } => write!(f, "pause {} {ms}", side(node)),
            Self::Resume(node) => write!(f, "resume {}", side(node)),
            Self::Skew { node, ms } => write!(f, "skew {} {ms}", side(node)),
            Self::ClockJump { node, ms } => write!(f, "clock-jump {} {ms}", side(node)),
            Self::Disk { node, state, operations } => {
                let state = match state {
                    DiskState::Full => "full",
                    DiskState::Failing => "fail",
                    DiskState::Working => "ok",
                };
                write!(f, "disk {state} {}", side(node))?;
                operations.map_or(Ok(()), |operations| write!(f, " {operations}"))
            }
            Self::DiskSlow { node, factor } => write!(f, "disk slow {} {factor}", side(node)),
            Self::PageCache { node, bytes: None } => write!(f, "page-cache {} default", side(node)),
            Self::PageCache { node, bytes: Some(bytes) } => write!(f, "page-cache {} {bytes}", side(node)),
            Self::DropPageCache(node) => write!(f, "page-cache {} drop", side(node)),
            Self::Link { from, to, one_way, what: LinkFault::Cut } => {
                write!(f, "{} {from} {to}", if *one_way { "cut-oneway" } else { "cut" })
            }
            Self::Link { from, to, one_way, what } => {
                match what {
                    LinkFault::Cut => {}
                    LinkFault::Latency(ms) => write!(f, "latency {from} {to} {ms}")?,
                    LinkFault::Jitter(ms) => write!(f, "jitter {from} {to} {ms}")?,
                    LinkFault::Bandwidth(bytes) => write!(f, "bandwidth {from} {to} {bytes}")?,
                    LinkFault::Drop(percent) => write!(f, "drop {from} {to} {percent}%")?,
                    LinkFault::Reorder(ms) => write!(f, "reorder {from} {to} {ms}")?,
                }
                if *one_way { write!(f, " {ONE_WAY}") } else { Ok(()) }
            }
            Self::Isolate(node) => write!(f, "isolate {}", side(node)),
            Self::Heal(Heal::All) => f.write_str("heal"),
            Self::Heal(Heal::Of(one)) => write!(f, "heal {one}"),
            Self::Heal(Heal::Between(one, other)) => write!(f, "heal {one} {other}"),
            Self::Break(one, other) => write!(f, "break {one} {other}"),
            Self::Request { node, api_key, what, count } => {
                match what {
                    RequestFault::LoseResponse => write!(f, "lose-response {} {api_key:?}", side(node))?,
                    RequestFault::Error(code) => {
                        write!(f, "request {} {api_key:?} error {code}", side(node))?
                    }
                    RequestFault::Delay(ms) => write!(f, "request {} {api_key:?} delay {ms}", side(node))?,
                    RequestFault::Drop => write!(f, "request {} {api_key:?} drop", side(node))?,
                }
                if *count == 1 { Ok(()) } else { write!(f, " {count}") }
            }
            Self::On(trigger) => write!(f, "{trigger}"),
            Self::Off(name) => write!(f, "off {}", Escaped(name)),
            Self::Arm { name, armed: true } => write!(f, "arm {}", Escaped(name)),
            Self::Arm { name, armed: false } => write!(f, "disarm {}", Escaped(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_written_as_it_is_read() {
        for line in [
            "crash 1",
            "restart 2",
            "power-cut 3",
            "shutdown 1",
            "pause 1",
            "pause client-4 2500",
            "resume 1",
            "skew 1 -60000",
            "clock-jump 2 3600000",
            "disk full 1",
            "disk fail 1 5",
            "disk ok 1",
            "disk slow 1 20",
            "page-cache 2 8388608",
            "page-cache 2 default",
            "page-cache 2 drop",
            "cut 1 2",
            "cut clients 1",
            "cut-oneway 1 clients",
            "isolate 3",
            "heal",
            "heal 1",
            "heal 1 client-2",
            "latency 1 2 50",
            "latency 1 2 50 oneway",
            "jitter clients 2 5",
            "bandwidth 1 2 10000",
            "drop 1 2 30%",
            "reorder 1 clients 100 oneway",
            "break 1 clients",
            "lose-response 1 Produce",
            "lose-response 1 Produce 3",
            "request 1 Fetch error NOT_LEADER_OR_FOLLOWER",
            "request 1 Metadata delay 500 2",
            "request 2 CreateTopics drop",
            "on Produce once error NOT_LEADER_OR_FOLLOWER",
            "on any as slow%20one client-id my%20app every 3 delay 200",
            "on Fetch broker 2 connection 7 version 13 topic t partition 0 probability 10% disconnect",
            "on Produce while leader my-topic-0 2 disconnect after",
            "on Produce once delay 20 after",
            "on Produce topic orders nth 2 duplicate",
            "on Metadata while up 1 times 4 drop",
            "on Heartbeat while down 3 nth 2 error REBALANCE_IN_PROGRESS",
            "on Produce topic orders nth 5 do crash here",
            "on Produce do cut here clients",
            "on Fetch as seen observe",
            "on any as all observe 5",
            r#"on Produce answer {"throttleTimeMs": 5}"#,
            "off slow%20one",
            "arm one",
            "disarm %",
        ] {
            assert_eq!(Fault::parse(line).map(|fault| fault.to_string()), Ok(line.to_owned()));
        }
        // Other ways to say the same.
        for (line, want) in [
            ("  crash   broker-2 ", "crash 2"),
            ("drop 1 2 30", "drop 1 2 30%"),
            ("skew 1 +5", "skew 1 5"),
            ("request 1 produce lose-response", "lose-response 1 Produce"),
            ("request 1 FETCH drop 1", "request 1 Fetch drop"),
            ("on produce topic t every delay 5", "on Produce topic t delay 5"),
            ("on fetch partition 0 topic t disconnect before", "on Fetch topic t partition 0 disconnect"),
        ] {
            assert_eq!(Fault::parse(line).map(|fault| fault.to_string()), Ok(want.to_owned()));
        }
    }

    #[test]
    fn what_is_wrong_in_a_line_is_named() {
        for (line, want) in [
            ("", "after `fault` a fault is missing"),
            ("crush 1", "crush is no fault; known are crash, "),
            ("crash", "after `crash` a node is missing"),
            ("crash one", "one is no node: it must be a broker's id as 1, a client as client-1"),
            ("crash clients", "clients is no single node"),
            ("crash -1", "-1 is no node"),
            ("crash 99999999999", "99999999999 is no node"),
            ("crash client-2147483647", "client-2147483647 is no node"),
            ("crash 1 2", "`2` is too much"),
            ("pause 1 x", "x is no time: it must be 0 to 31536000000 milliseconds"),
            ("skew 1 --5", "--5 is no time"),
            ("skew 1 -", "- is no time"),
            ("disk 1 full", "1 is no state of a disk; known are full, fail, ok, slow"),
            ("disk full 1 0", "0 is no count: it must be 1 to 1000000000"),
            ("disk slow 1", "after `1` a factor is missing"),
            ("disk ok 1 2", "`2` is too much"),
            ("page-cache 1", "after `1` a size in bytes, default or drop is missing"),
            (
                "page-cache 1 8MiB",
                "8MiB is no size of a page cache: it must be 0 to 1099511627776 bytes, default or drop",
            ),
            ("drop 1 2 101%", "101 is no percentage: it must be 0 to 100"),
            ("latency 1 2 5 both", "both is no direction; known are oneway"),
            ("cut 1", "after `1` a node or `clients` is missing"),
            ("request 1 Produces drop", "Produces is no API; did you mean Produce"),
            ("request 1 % drop", "an empty word is no API"),
            ("request 1 Zzz drop", "Zzz is no API"),
            (
                "request 1 Produce vanish",
                "vanish is no fate of a request; known are error, delay, drop, lose-response",
            ),
            ("request 1 Produce error NONE", "NONE is no error of Kafka's"),
            (
                "request 1 Produce error not_leader",
                "not_leader is no error of Kafka's; did you mean NOT_LEADER_OR_FOLLOWER",
            ),
            ("request 1 Produce error 6", "6 is no error of Kafka's"),
            ("on", "after `on` a name of an API or `any` is missing"),
            ("on Produce", "after `Produce` a what happens is missing"),
            ("on Produce once", "after `once` a what happens is missing"),
            (
                "on Produce vanish",
                "vanish is no action; known are error, delay, duplicate, drop, disconnect, ",
            ),
            ("on Produce once topic t drop", "`topic` stands too late"),
            ("on any error NOT_CONTROLLER", "say which API is answered"),
            ("on AddRaftVoter error NOT_CONTROLLER", "an answer with an error is not known"),
            ("on Produce broker client-1 drop", "client-1 is no broker"),
            ("on Produce broker here drop", "here is no broker"),
            ("on Produce nth 0 drop", "0 is no count"),
            ("on Produce probability 200 drop", "200 is no percentage"),
            ("on Produce client-id %2 drop", "%2 is no client id"),
            ("on Produce while sunny drop", "sunny is no clause; known are up, down, leader"),
            ("on Produce while leader orders 1 drop", "orders is no partition"),
            ("on Produce observe", "a trigger that observes needs a name"),
            ("on Produce observe 1000000", "1000000 is no limit: it must be 1 to 100000"),
            ("on Produce answer", "after `answer` a JSON object is missing"),
            ("on Produce answer {", "this is no answer to Produce: EOF"),
            (
                r#"on Produce answer {"offset": 1}"#,
                "this is no answer to Produce: there is no field offset in",
            ),
            ("on Produce do", "after `do` a fault is missing"),
            ("on Produce do on Fetch drop", "`on` is too much"),
            ("on Produce do crash there", "there is no node"),
            ("crash here", "here is no node"),
            ("off", "after `off` a name is missing"),
        ] {
            let error = Fault::parse(line).expect_err(line).to_string();
            assert!(error.starts_with(want), "{line}: {error}");
        }
    }

    #[test]
    fn no_line_of_words_panics() {
        let mut words: Vec<&str> =
            [WORDS, DISK_WORDS, REQUEST_WORDS, &super::super::trigger::WORDS.concat()].concat();
        words.extend([
            "1",
            "clients",
            "client-",
            "-",
            "%",
            "99999999999999999999999",
            "한",
            "Produce",
            "",
            "{}",
            "here",
        ]);
        let mut rng = blumfeld_kernel::Prng::new(1, "words");
        for _ in 0..20_000 {
            let line: Vec<&str> = (0..rng.below(8))
                .map(|_| words[usize::try_from(rng.below(words.len() as u64)).unwrap()])
                .collect();
            if let Ok(fault) = Fault::parse(&line.join(" ")) {
                assert_eq!(Fault::parse(&fault.to_string()), Ok(fault));
            }
        }
    }
}
