//! Which exchanges the page asks for, and where the space-time diagram draws them. Plain functions without a browser.

use std::collections::BTreeMap;

use blumfeld_view::{EndingView, EventView, ExchangeView, WireQuery};

/// What stands behind the screen's word in the address where it shows the diagram.
pub const DIAGRAM: &str = "/diagram";
/// More messages than this no picture shows.
pub const DRAWN: usize = 400;
/// Rows of the table.
pub const ROWS: u32 = 200;
/// The spans of time that can be chosen, in virtual microseconds.
pub const SPANS: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
/// Ids from this one on are clients'.
const FIRST_CLIENT: i32 = 1_000;
/// Bars of requests that wait at one node at a time; the rest lies over the last.
pub const LANES: usize = 4;

/// APIs by which an election can be read.
const ELECTIONS: [&str; 8] = [
    "Vote",
    "BeginQuorumEpoch",
    "EndQuorumEpoch",
    "AlterPartition",
    "BrokerHeartbeat",
    "BrokerRegistration",
    "ControlledShutdown",
    "ElectLeaders",
];
/// APIs by which a rebalance can be read.
const REBALANCE: [&str; 7] = [
    "FindCoordinator",
    "JoinGroup",
    "SyncGroup",
    "Heartbeat",
    "LeaveGroup",
    "OffsetCommit",
    "ConsumerGroupHeartbeat",
];

/// Which APIs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Apis {
    /// All.
    #[default]
    All,
    /// Those by which an election can be read.
    Elections,
    /// Those by which a rebalance can be read.
    Rebalance,
    /// One, by Kafka's name.
    One(String),
}

impl Apis {
    /// Its word in the filter.
    pub fn word(&self) -> &str {
        match self {
            Self::All => "all",
            Self::Elections => "elections",
            Self::Rebalance => "rebalance",
            Self::One(name) => name,
        }
    }

    /// What a word of the filter stands for. Kafka's names begin with a capital letter.
    pub fn of(word: &str) -> Self {
        match word {
            "all" => Self::All,
            "elections" => Self::Elections,
            "rebalance" => Self::Rebalance,
            name => Self::One(name.to_owned()),
        }
    }

    fn names(&self) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        match self {
            Self::All => vec![],
            Self::Elections => owned(&ELECTIONS),
            Self::Rebalance => owned(&REBALANCE),
            Self::One(name) => vec![name.clone()],
        }
    }
}

/// What the reader wants to see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter {
    /// Which APIs.
    pub apis: Apis,
    /// A node that asks or is asked.
    pub node: Option<i32>,
    /// A text that is in it.
    pub text: String,
    /// Errors and losses alone.
    pub errors: bool,
    /// Without what carries nothing.
    pub hide_idle: bool,
    /// A span of time in microseconds; none is everything that is kept.
    pub span: Option<u64>,
    /// The moment at which the span ends; none is now.
    pub end: Option<u64>,
    /// A reader who holds the list has seen the exchanges below this number, as they were at this moment.
    pub held: Option<(u64, u64)>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            apis: Apis::All,
            node: None,
            text: String::new(),
            errors: false,
            hide_idle: true,
            span: None,
            end: None,
            held: None,
        }
    }
}

impl Filter {
    /// What is asked of the engine. `now` is the moment that the page knows of.
    pub fn query(&self, now: u64, drawn: bool) -> WireQuery {
        let span = self.span.or(drawn.then_some(SPANS[1]));
        let end = self.end.or((drawn && self.held.is_some()).then_some(now));
        WireQuery {
            id: u32::from(drawn),
            from: span.map(|span| end.unwrap_or(now).saturating_sub(span)),
            until: end.filter(|_| span.is_some()),
            apis: self.apis.names(),
            node: self.node,
            text: self.text.clone(),
            errors: self.errors,
            hide_idle: self.hide_idle,
            below: self.held.filter(|_| !drawn).map(|(below, _)| below),
            seen: self.held.map(|(_, seen)| seen),
            limit: if drawn { DRAWN as u32 } else { ROWS },
        }
    }

    /// The span that the picture shows, which ends at `now` unless it stands still.
    pub fn window(&self, now: u64) -> (u64, u64) {
        let end = self.end.unwrap_or(now);
        (end.saturating_sub(self.span.unwrap_or(SPANS[1])), end)
    }

    /// The same, half a span earlier (-1) or later (+1).
    pub fn moved(&self, by: i64, now: u64) -> Self {
        let (from, end) = self.window(now);
        let step = ((end - from) / 2) as i64;
        let end = end.saturating_add_signed(step.saturating_mul(by)).max(end - from);
        Self { end: Some(end.min(now)), ..self.clone() }
    }
}

/// The nodes of some exchanges in their order: brokers by id, then clients by name.
pub fn nodes(exchanges: &[ExchangeView], name: impl Fn(i32) -> String) -> Vec<i32> {
    let mut all: Vec<i32> = exchanges.iter().flat_map(|one| [one.broker, one.client]).collect();
    all.sort_unstable();
    all.dedup();
    all.sort_by_cached_key(|node| (*node >= FIRST_CLIENT).then(|| (name(*node), *node)));
    all
}

/// How a message is drawn.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Fate {
    /// It arrived.
    Arrived,
    /// It is on its way.
    Travels,
    /// It did not arrive.
    Lost,
}

/// A request or an answer, between two rows.
#[derive(Clone, PartialEq, Debug)]
pub struct Stroke {
    /// Whether it is the answer.
    pub answer: bool,
    /// Moment and row where it begins.
    pub from: (u64, usize),
    /// Moment and row where it ends; on its way and lost ones end between the rows.
    pub to: (u64, usize),
    /// What became of it.
    pub fate: Fate,
}

/// A request that waits at its broker: row, lane, and the moments of landing, taking up, having the answer, answering.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wait {
    /// The row.
    pub row: usize,
    /// The lane below the row's line.
    pub lane: usize,
    /// The moments, in order.
    pub moments: [u64; 4],
}

/// An exchange as it is drawn.
#[derive(Clone, PartialEq, Debug)]
pub struct Drawn {
    /// Which of the exchanges.
    pub at: usize,
    /// The request, and the answer if there is one.
    pub strokes: Vec<Stroke>,
    /// Where it waits.
    pub wait: Option<Wait>,
}

/// Where exchanges are drawn, in the order in which they were sent.
pub fn draw(exchanges: &[ExchangeView], rows: &[i32], now: u64) -> Vec<Drawn> {
    let row = |node: i32| rows.iter().position(|one| *one == node);
    let mut order: Vec<usize> = (0..exchanges.len()).collect();
    order.sort_by_key(|at| exchanges[*at].number);
    let mut busy: BTreeMap<usize, [u64; LANES]> = BTreeMap::new();
    let mut drawn = Vec::new();
    for at in order {
        let one = &exchanges[at];
        let (Some(client), Some(broker)) = (row(one.client), row(one.broker)) else { continue };
        let end = one.ended_at.unwrap_or(now);
        let gone = match one.ending {
            EndingView::Lost(_) => Fate::Lost,
            _ => Fate::Travels,
        };
        let reached = |moment: Option<u64>| match moment {
            Some(moment) => (moment, Fate::Arrived),
            None => (end, gone),
        };
        let (to, fate) = reached(one.landed);
        let mut strokes = vec![Stroke { answer: false, from: (one.sent, client), to: (to, broker), fate }];
        if let Some(answered) = one.answered {
            let (to, fate) = reached(one.received);
            strokes.push(Stroke { answer: true, from: (answered, broker), to: (to, client), fate });
        }
        let wait = one.landed.filter(|_| one.ending != EndingView::NoAnswer).and_then(|landed| {
            let left = one.answered.unwrap_or(end);
            if left <= landed {
                return None;
            }
            let moments = [
                landed,
                one.taken.unwrap_or(left).clamp(landed, left),
                one.ready.unwrap_or(left).clamp(landed, left),
                left,
            ];
            let lanes = busy.entry(broker).or_default();
            let lane = lanes.iter().position(|until| *until <= landed).unwrap_or(LANES - 1);
            lanes[lane] = lanes[lane].max(left);
            Some(Wait { row: broker, lane, moments })
        });
        drawn.push(Drawn { at, strokes, wait });
    }
    drawn
}

/// An event on a row: events of one moment and row stand together.
#[derive(Clone, PartialEq, Debug)]
pub struct Mark {
    /// When.
    pub at: u64,
    /// The row; none is the axis.
    pub row: Option<usize>,
    /// In few words.
    pub label: String,
    /// In whole, a line each.
    pub text: String,
    /// Whether something broke.
    pub fault: bool,
}

/// Whether an event has a mark in a picture of a span: what comes rarely, and in a short span how high watermarks move.
pub fn is_marked(event: &EventView, span: u64) -> bool {
    !event.frequent || (span <= SPANS[1] && event.text.starts_with("advanced high watermark"))
}

/// The marks of the events in a span, by row and then time. Each row's labels that would lie over the one before are
/// left empty. `place` gives the place of a moment, `wide` the width of a label.
pub fn marks<'a>(
    events: impl Iterator<Item = &'a EventView>,
    rows: &[i32],
    place: impl Fn(u64) -> f64,
    wide: impl Fn(&str) -> f64,
) -> Vec<Mark> {
    let mut found: Vec<Mark> = Vec::new();
    let mut all: Vec<(Option<usize>, &EventView)> = events
        .map(|event| (row_of(event).and_then(|node| rows.iter().position(|one| *one == node)), event))
        .collect();
    all.sort_by_key(|(row, event)| (*row, event.at));
    for (row, event) in all {
        let fault = event.kind == blumfeld_view::EventKind::Fault;
        let label = short(&event.text);
        match found.last_mut().filter(|last| last.row == row && last.at == event.at) {
            Some(last) => {
                last.text.push('\n');
                last.text.push_str(&event.text);
                last.fault |= fault;
            }
            None => found.push(Mark { at: event.at, row, label, text: event.text.clone(), fault }),
        }
    }
    let (mut row, mut free) = (None, f64::MIN);
    for mark in &mut found {
        let more = mark.text.lines().count();
        if more > 1 {
            mark.label = format!("{} +{}", mark.label, more - 1);
        }
        if row != Some(mark.row) {
            (row, free) = (Some(mark.row), f64::MIN);
        }
        let at = place(mark.at);
        if at < free {
            mark.label.clear();
        } else {
            free = at + wide(&mark.label);
        }
    }
    found
}

/// The node on whose row an event stands: who says it, and of a fault the broker that it is about.
fn row_of(event: &EventView) -> Option<i32> {
    let number = |word: &str| word.parse::<i32>().ok();
    match event.node.split_once('-') {
        Some(("broker", id)) => number(id),
        Some(("client", id)) => number(id).map(|id| id + FIRST_CLIENT),
        _ => event.text.split([' ', '-']).find_map(number),
    }
}

/// An event in few words.
fn short(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let after = |key: &str| {
        let at = words.iter().position(|word| *word == key);
        at.map_or("", |at| word(at + 1)).trim_end_matches([',', ':'])
    };
    let bare = |node: &str| node.trim_start_matches("broker-").to_owned();
    match (word(0), word(1)) {
        ("elected", leader) => format!("{} → {}", after("of"), bare(leader)),
        ("uncleanly", _) => format!("{} → {}, unclean", after("of"), bare(word(2))),
        ("left", partition) => format!("{partition} → –"),
        ("became", "leader") => format!("◆ {}", after("of")),
        ("became", "follower") => format!("◇ {}", after("for")),
        ("waits", "for") => format!("◇ {}", after("of")),
        ("shrank" | "expanded", "ISR") => {
            let isr = text.rsplit_once(" to ").map_or("", |(_, isr)| isr);
            format!("{} ISR {isr}", after("of"))
        }
        ("advanced", "high") => format!("HW {} {}", after("of"), after("to")),
        ("prepares", "to") => format!("{}: rebalance", after("group")),
        ("moved", "group") => format!("{}: {}", word(2), after("to")),
        ("added", "member") => format!("{}: +1", after("group")),
        ("removed", "member") => format!("{}: −1", after("group")),
        ("committed", "for") => format!("{}: commit", after("group")),
        ("was", "elected") => "quorum leader".to_owned(),
        ("became", "active") => "controller".to_owned(),
        ("granted", _) => format!("vote for {}", bare(after("to"))),
        ("follows", leader) => format!("follows {}", bare(leader)),
        ("asks", "for") => word(2).to_owned(),
        ("fault", _) => words.iter().skip(1).take(2).copied().collect::<Vec<_>>().join(" "),
        (first, second) => format!("{first} {}", second.trim_end_matches([',', ':'])),
    }
}

/// Round moments for an axis: about one for each `apart` pixels, in microseconds behind the beginning.
pub fn ticks(span: u64, width: f64, apart: f64) -> Vec<u64> {
    let wanted = span as f64 / (width / apart).max(1.0);
    let step = crate::format::round_numbers(1).find(|step| *step as f64 >= wanted).unwrap_or(i64::MAX) as u64;
    (0..=span / step.max(1)).map(|at| at * step).collect()
}

/// Microseconds as a latency: `1.234 ms`, `37 µs`, `5.02 s`.
pub fn lasted(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.3} ms", micros as f64 / 1e3),
        _ => format!("{:.3} s", micros as f64 / 1e6),
    }
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
