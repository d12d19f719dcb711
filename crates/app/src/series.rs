//! What the charts draw: numbers of the cluster over the whole session, in virtual time. Nothing here touches the
//! browser.
//!
//! A series has at most one point in 250 ms. When it has more than [`MOST`] it is thinned by age: the last 30 s stay as
//! they are (120 points), of the last 5 minutes one point in 1.5 s stays (180), and of what is older one in so many
//! times 1.5 s, a power of two, that about 200 are left. Of the points that go together the largest stays, or the
//! smallest or the last, as the series wants it: a peak of the lag does not go away with its age. What is counted is
//! kept as the total since the beginning, so that a rate between any two points that are left is the true one.

use std::collections::BTreeMap;
use std::fmt::Write;

use blumfeld_view::{BrokerView, ClientRole, ClientView, GroupView, LatencyView, TopicView};

use crate::lag::of_group;

/// At most one point in so many milliseconds.
const STEP_MS: u64 = 250;
/// A series with more points is thinned.
pub const MOST: usize = 600;
/// What is younger than this is not thinned, in milliseconds.
const FINE_MS: u64 = 30_000;
/// What is younger than this is thinned to one point in [`MIDDLE_STEP_MS`], in milliseconds.
const MIDDLE_MS: u64 = 300_000;
const MIDDLE_STEP_MS: u64 = 1_500;
/// So many points are left of what is older.
const OLD: u64 = 200;
/// A rate is one over so many milliseconds.
const RATE_MS: u64 = 1_000;
/// So many times that brokers were down are remembered.
const DOWNS: usize = 200;
/// So many groups have a line of their own.
pub const GROUPS: usize = 4;

/// Which of several points stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Keep {
    Most,
    Least,
    /// Of a total, which only grows.
    Last,
}

impl Keep {
    fn of(self, one: f64, later: f64) -> f64 {
        match self {
            Self::Most => one.max(later),
            Self::Least => one.min(later),
            Self::Last => later,
        }
    }
}

/// A series: moments in milliseconds, and values.
#[derive(Clone, PartialEq, Debug)]
struct Line {
    keep: Keep,
    points: Vec<(u64, f64)>,
    /// What is to stay of the step under way, whose point is the newest value as long as it is.
    stays: f64,
}

impl Line {
    const fn new(keep: Keep) -> Line {
        Line { keep, points: Vec::new(), stays: 0.0 }
    }

    fn note(&mut self, now: u64, value: f64) {
        let count = self.points.len();
        // A level that stays needs two points; a total that stands still shows by its points that it does.
        let stays = self.keep != Keep::Last
            && (self.points.get(count.saturating_sub(2)..))
                .is_some_and(|last| last.len() == 2 && last.iter().all(|(_, had)| same(*had, value)));
        match self.points.last_mut() {
            Some(last) if stays || last.0 / STEP_MS == now / STEP_MS => {
                *last = (now, value);
                self.stays = self.keep.of(self.stays, value);
            }
            last => {
                if let Some(last) = last {
                    last.1 = self.stays;
                }
                self.points.push((now, value));
                self.stays = value;
            }
        }
        if self.points.len() > MOST {
            self.thin(now);
        }
    }

    fn thin(&mut self, now: u64) {
        let first = self.points.first().map_or(now, |point| point.0);
        let mut old_step = MIDDLE_STEP_MS;
        while now.saturating_sub(first) / old_step > OLD {
            old_step = old_step.saturating_mul(2);
        }
        let bucket = |at: u64| {
            let step = match now.saturating_sub(at) {
                age if age <= FINE_MS => STEP_MS,
                age if age <= MIDDLE_MS => MIDDLE_STEP_MS,
                _ => old_step,
            };
            (step, at / step)
        };
        let mut kept: Vec<(u64, f64)> = Vec::with_capacity(MOST);
        for point in &self.points {
            match kept.last_mut() {
                Some(last) if bucket(last.0) == bucket(point.0) => {
                    if same(self.keep.of(last.1, point.1), point.1) {
                        *last = *point;
                    }
                }
                _ => kept.push(*point),
            }
        }
        self.points = kept;
    }

    /// The value at a moment, on the straight line between two points.
    fn at(&self, at: u64) -> f64 {
        let next = self.points.partition_point(|point| point.0 <= at);
        let (before, after) = (next.checked_sub(1).and_then(|at| self.points.get(at)), self.points.get(next));
        match (before, after) {
            (Some(before), Some(after)) => {
                let part = real(at - before.0) / real(after.0 - before.0);
                before.1 + (after.1 - before.1) * part
            }
            (Some(one), None) | (None, Some(one)) => one.1,
            (None, None) => 0.0,
        }
    }

    fn begin(&self) -> u64 {
        self.points.first().map_or(0, |point| point.0)
    }
}

fn same(one: f64, other: f64) -> bool {
    (one - other).abs() < f64::EPSILON
}

#[allow(clippy::cast_precision_loss, reason = "numbers of a picture")]
fn real(number: u64) -> f64 {
    number as f64
}

/// A time at which a broker was down, in milliseconds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Down {
    /// The broker's `node.id`.
    pub broker: i32,
    /// Since when.
    pub from: u64,
    /// Until when; nothing if it still is.
    pub to: Option<u64>,
}

/// How far back a chart goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Range {
    /// Half a minute.
    #[default]
    Short,
    /// Five minutes.
    Middle,
    /// Since the page has seen the cluster.
    Session,
}

impl Range {
    /// All.
    pub const ALL: [Range; 3] = [Range::Short, Range::Middle, Range::Session];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Middle => "middle",
            Self::Session => "session",
        }
    }
}

/// What a chart is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// The lag of each group.
    Lag,
    /// Records a second, read and appended.
    Records,
    /// Partitions that are under-replicated, and the smallest ISR.
    Replication,
    /// Records in a producer's batch.
    BatchRecords,
    /// Bytes of it.
    BatchBytes,
    /// How long requests take.
    Latency,
}

impl What {
    /// All, in their order.
    pub const ALL: [What; 6] =
        [What::Lag, What::Records, What::Latency, What::Replication, What::BatchRecords, What::BatchBytes];

    /// Its word in `data-chart`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lag => "lag",
            Self::Records => "records",
            Self::Replication => "replication",
            Self::BatchRecords => "batch-records",
            Self::BatchBytes => "batch-bytes",
            Self::Latency => "latency",
        }
    }
}

/// Whose a line is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Name {
    /// A group.
    Group(String),
    /// What consumers were given.
    Out,
    /// What producers wrote.
    In,
    /// Partitions that are under-replicated.
    UnderReplicated,
    /// Replicas in the smallest ISR.
    SmallestIsr,
    /// All producers.
    Producers,
    /// Requests of an API: of clients, or between brokers.
    Requests(&'static str, bool),
}

/// The requests whose latency has a line: their API, and whether clients send them.
const REQUESTS: [(&str, bool); 3] = [("Produce", true), ("Fetch", true), ("Fetch", false)];

/// A line of a chart.
#[derive(Clone, PartialEq, Debug)]
pub struct Drawn {
    /// Whose it is.
    pub name: Name,
    /// Moments, in milliseconds, and values; nothing where there was none.
    pub points: Vec<(u64, Option<f64>)>,
    /// The last value.
    pub last: Option<f64>,
    /// The smallest in the range.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Drawn {
    fn new(name: Name, points: Vec<(u64, Option<f64>)>) -> Option<Drawn> {
        let values = || points.iter().filter_map(|(_, value)| *value);
        let most = values().reduce(f64::max)?;
        let least = values().reduce(f64::min)?;
        Some(Drawn { name, last: points.last().and_then(|(_, value)| *value), least, most, points })
    }

    /// The value at a moment: the last one until then.
    pub fn at(&self, at: u64) -> Option<f64> {
        let next = self.points.partition_point(|point| point.0 <= at);
        self.points.get(next.checked_sub(1)?)?.1
    }
}

/// A chart.
#[derive(Clone, PartialEq, Debug)]
pub struct Chart {
    /// Its lines; none if there is nothing to tell.
    pub lines: Vec<Drawn>,
    /// What its upper edge stands for: a round number, at most a quarter over the largest value.
    pub top: f64,
    /// The first and the last moment, in milliseconds.
    pub span: (u64, u64),
    /// Whether a value holds until the next one, so that no line leads from one to the other.
    pub steps: bool,
}

impl Chart {
    /// The size of the picture.
    pub const SIZE: (f64, f64) = (600.0, 100.0);

    /// Where a moment is in the picture.
    pub fn x(&self, at: u64) -> f64 {
        let (from, to) = self.span;
        let part = real(at.clamp(from, to) - from) / real((to - from).max(1));
        Self::SIZE.0 * part
    }

    /// A line as an SVG path. Where there was no value it is broken.
    pub fn path(&self, line: &Drawn) -> String {
        let (mut path, mut goes_on) = (String::new(), false);
        for (at, value) in &line.points {
            let Some(value) = value else {
                goes_on = false;
                continue;
            };
            let letter = if goes_on { 'L' } else { 'M' };
            if goes_on && self.steps {
                // To a string nothing fails to be written.
                let _ = write!(path, "H{:.1}", self.x(*at));
            }
            let y = Self::SIZE.1 * (1.0 - value / self.top);
            let _ = write!(path, "{letter}{:.1} {y:.1}", self.x(*at));
            goes_on = true;
        }
        path
    }
}

/// The smallest round number that is not below `most`, and at most a quarter above it.
pub fn top(most: f64) -> f64 {
    const STEPS: [f64; 14] = [1.0, 1.2, 1.5, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0];
    if !most.is_finite() || most <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    let rounds = STEPS.iter().map(|step| step * power);
    rounds.into_iter().find(|round| *round >= most * (1.0 - 1e-9)).unwrap_or(power * 10.0)
}

/// What is known of the cluster at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Virtual now, in milliseconds.
    pub now: u64,
    /// Brokers.
    pub brokers: &'a [BrokerView],
    /// Groups.
    pub groups: &'a [GroupView],
    /// How long requests took, by API.
    pub latencies: &'a [LatencyView],
}

/// All series of a session.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    begin: u64,
    lags: BTreeMap<String, Line>,
    /// Totals: appended, read, and what producers sent.
    appended: Line,
    read: Line,
    sent: [Line; 3],
    /// Of [`REQUESTS`] each: answers, and what they took together in milliseconds.
    latencies: [[Line; 2]; 3],
    under_replicated: Line,
    smallest_isr: Line,
    downs: Vec<Down>,
    /// What the counters of brokers and producers stood at: they begin again with their process.
    brokers: BTreeMap<i32, [u64; 2]>,
    producers: BTreeMap<i32, [u64; 3]>,
    totals: [u64; 5],
}

impl Default for Series {
    fn default() -> Self {
        Self {
            begin: 0,
            lags: BTreeMap::new(),
            appended: Line::new(Keep::Last),
            read: Line::new(Keep::Last),
            sent: [Line::new(Keep::Last), Line::new(Keep::Last), Line::new(Keep::Last)],
            latencies: [(); 3].map(|()| [Line::new(Keep::Last), Line::new(Keep::Last)]),
            under_replicated: Line::new(Keep::Most),
            smallest_isr: Line::new(Keep::Least),
            downs: Vec::new(),
            brokers: BTreeMap::new(),
            producers: BTreeMap::new(),
            totals: [0; 5],
        }
    }
}

impl Series {
    /// A session that begins at a moment, in milliseconds.
    pub fn begin(now: u64) -> Series {
        Series { begin: now, ..Series::default() }
    }

    /// Takes the cluster as it is. A group that is gone loses its line.
    pub fn note<'a>(
        &mut self,
        seen: Seen<'_>,
        topics: impl Iterator<Item = &'a TopicView>,
        clients: impl Iterator<Item = &'a ClientView>,
    ) {
        let Seen { now, brokers, groups, latencies } = seen;
        self.note_lags(now, groups);
        let mut counted: BTreeMap<i32, [u64; 2]> = BTreeMap::new();
        for broker in brokers {
            counted.insert(broker.id, [broker.records_in, broker.records_out]);
            self.note_down(now, broker);
        }
        grow(&mut self.totals[..2], &self.brokers, &counted);
        self.brokers = counted;
        let mut counted: BTreeMap<i32, [u64; 3]> = BTreeMap::new();
        for client in clients {
            if let ClientRole::Producer(producer) = &client.role {
                let batches = producer.batches.saturating_sub(producer.retries);
                counted.insert(client.id, [batches, producer.sent_records, producer.sent_bytes]);
            }
        }
        grow(&mut self.totals[2..], &self.producers, &counted);
        self.producers = counted;
        let [appended, read, batches, records, bytes] = self.totals.map(real);
        self.appended.note(now, appended);
        self.read.note(now, read);
        for (line, total) in self.sent.iter_mut().zip([batches, records, bytes]) {
            line.note(now, total);
        }
        for ((api, of_client), [answers, took]) in REQUESTS.iter().zip(&mut self.latencies) {
            let found = latencies.iter().find(|one| one.api == *api && one.of_client == *of_client);
            let (count, micros) = found.map_or((0, 0), |one| (one.answers, one.micros));
            answers.note(now, real(count));
            took.note(now, real(micros) / 1e3);
        }
        let (mut under, mut smallest) = (0_u64, None::<usize>);
        for partition in topics.flat_map(|topic| &topic.partitions) {
            under += u64::from(partition.isr.len() < partition.replicas.len());
            smallest = Some(smallest.map_or(partition.isr.len(), |isr| isr.min(partition.isr.len())));
        }
        if let Some(smallest) = smallest {
            self.under_replicated.note(now, real(under));
            self.smallest_isr.note(now, real(smallest as u64));
        }
    }

    fn note_lags(&mut self, now: u64, groups: &[GroupView]) {
        self.lags.retain(|id, _| groups.iter().any(|group| group.id == *id));
        for group in groups {
            let Some(lag) = of_group(group) else { continue };
            let line = self.lags.entry(group.id.clone()).or_insert_with(|| Line::new(Keep::Most));
            line.note(now, real(lag.unsigned_abs()));
        }
    }

    fn note_down(&mut self, now: u64, broker: &BrokerView) {
        let open = self.downs.iter_mut().rev().find(|down| down.broker == broker.id && down.to.is_none());
        match (open, broker.up) {
            (Some(down), true) => down.to = Some(now),
            (None, false) => {
                self.downs.push(Down { broker: broker.id, from: now, to: None });
                if self.downs.len() > DOWNS {
                    self.downs.remove(0);
                }
            }
            _ => {}
        }
    }

    /// The first and the last moment of a range, in milliseconds.
    pub fn span(&self, range: Range, now: u64) -> (u64, u64) {
        let from = match range {
            Range::Short => now.saturating_sub(FINE_MS),
            Range::Middle => now.saturating_sub(MIDDLE_MS),
            Range::Session => self.begin,
        };
        (from.min(now), now)
    }

    /// When brokers were down within a span.
    pub fn downs(&self, (from, to): (u64, u64)) -> impl Iterator<Item = &Down> {
        self.downs.iter().filter(move |down| down.from <= to && down.to.is_none_or(|end| end >= from))
    }

    /// A chart of a range that ends now.
    pub fn chart(&self, what: What, range: Range, now: u64) -> Chart {
        let span = self.span(range, now);
        let lines: Vec<Drawn> = match what {
            What::Lag => self.lag_lines(span),
            What::Records => {
                let of = |name, line| Drawn::new(name, rates(line, span));
                [of(Name::Out, &self.read), of(Name::In, &self.appended)].into_iter().flatten().collect()
            }
            What::Replication => {
                let of = |name, line| Drawn::new(name, levels(line, span));
                let lines = [
                    of(Name::UnderReplicated, &self.under_replicated),
                    of(Name::SmallestIsr, &self.smallest_isr),
                ];
                lines.into_iter().flatten().collect()
            }
            What::Latency => {
                let of = |((api, of_client), [answers, took]): (&(&'static str, bool), &[Line; 2])| {
                    Drawn::new(Name::Requests(api, *of_client), ratios(took, answers, span))
                };
                REQUESTS.iter().zip(&self.latencies).filter_map(of).collect()
            }
            What::BatchRecords | What::BatchBytes => {
                let [batches, records, bytes] = &self.sent;
                let of = if what == What::BatchRecords { records } else { bytes };
                Drawn::new(Name::Producers, ratios(of, batches, span)).into_iter().collect()
            }
        };
        let most = lines.iter().map(|line| line.most).fold(0.0, f64::max);
        Chart { lines, top: top(most), span, steps: what == What::Replication }
    }

    /// The groups that were the furthest behind in the span, in the order of their ids.
    fn lag_lines(&self, span: (u64, u64)) -> Vec<Drawn> {
        let of = |(id, line): (&String, &Line)| Drawn::new(Name::Group(id.clone()), levels(line, span));
        let mut lines: Vec<Drawn> = self.lags.iter().filter_map(of).collect();
        while lines.len() > GROUPS {
            let least = lines.iter().enumerate().min_by(|one, other| one.1.most.total_cmp(&other.1.most));
            let Some(at) = least.map(|(at, _)| at) else { break };
            lines.remove(at);
        }
        lines
    }
}

/// Adds to totals what counters have grown by. A counter that went back began again at 0; what is new is what it says
/// from now on, for nobody knows how much of it was before.
fn grow<const N: usize>(totals: &mut [u64], before: &BTreeMap<i32, [u64; N]>, now: &BTreeMap<i32, [u64; N]>) {
    for (id, counters) in now {
        let Some(was) = before.get(id) else { continue };
        for ((total, counter), was) in totals.iter_mut().zip(counters).zip(was) {
            *total += counter.checked_sub(*was).unwrap_or(*counter);
        }
    }
}

/// The points of a span, and the one before it, which says what held when it began.
fn within(line: &Line, (from, to): (u64, u64)) -> &[(u64, f64)] {
    let begin = line.points.partition_point(|point| point.0 <= from).saturating_sub(1);
    let end = line.points.partition_point(|point| point.0 <= to);
    line.points.get(begin..end).unwrap_or_default()
}

fn levels(line: &Line, span: (u64, u64)) -> Vec<(u64, Option<f64>)> {
    within(line, span).iter().map(|(at, value)| ((*at).max(span.0), Some(*value))).collect()
}

/// A moment and the one that its rate reaches back to; nothing at the very beginning.
fn back(line: &Line, at: u64) -> Option<u64> {
    let from = at.saturating_sub(RATE_MS).max(line.begin());
    (from < at).then_some(from)
}

/// By how much a total grew a second.
fn rates(line: &Line, span: (u64, u64)) -> Vec<(u64, Option<f64>)> {
    let rate = |(at, value): &(u64, f64)| {
        let from = back(line, *at)?;
        Some(((*at).max(span.0), Some((value - line.at(from)) / real(at - from) * 1e3)))
    };
    within(line, span).iter().filter_map(rate).collect()
}

/// By how much one total grew for each one of another; nothing where that stood still.
fn ratios(line: &Line, of: &Line, span: (u64, u64)) -> Vec<(u64, Option<f64>)> {
    let ratio = |(at, value): &(u64, f64)| {
        let from = back(line, *at)?;
        let by = of.at(*at) - of.at(from);
        Some(((*at).max(span.0), (by >= 0.5).then(|| (value - line.at(from)) / by)))
    };
    within(line, span).iter().filter_map(ratio).collect()
}

#[cfg(test)]
#[path = "series_tests.rs"]
mod tests;
