//! Records of a topic that fulfil a filter: looked for in short steps, over all partitions in the order of their time,
//! or as they arrive. What a step says about where to go on is all that is kept between two.

use std::cell::OnceCell;
use std::collections::VecDeque;

use blumfeld_broker::{GROUP_METADATA_TOPIC, Partition};
use blumfeld_filter::when::Clock;
use blumfeld_filter::{Candidate, Filter};
use blumfeld_protocol::record_batch::{Batch, Record};
use blumfeld_sim::{World, record_view};
use blumfeld_view::{FoundRecord, MeaningView, MomentView, SearchOrder, SearchQuery, SearchView};
use serde_json::Value;

/// One step looks at so many records at most.
const RECORDS: u64 = 5_000;
/// And reads batches of so many bytes, decompressed.
const BYTES: usize = 1024 * 1024;
/// More records than this no answer has.
const MOST: u32 = 500;
/// Of a key or a value so many bytes go into an answer.
const CUT: usize = 256;
/// So many records that have arrived are looked at; of more the oldest are left out.
const ARRIVED: i64 = 4_000;
/// Where nobody knows yet from which offset on records arrive.
const UNKNOWN: i64 = -1;

/// A partition that is looked through.
struct Cursor<'a> {
    number: i32,
    partition: &'a Partition,
    newest: bool,
    /// What is looked at next has this offset or a higher one; a lower one if the newest come first.
    at: i64,
    /// The first offset to look at.
    start: i64,
    /// Behind the last offset to look at.
    end: i64,
    /// Records of the batch that is next, in the order in which they are looked at.
    ready: VecDeque<Record>,
}

impl<'a> Cursor<'a> {
    fn left(&self) -> i64 {
        if self.newest { self.at - self.start } else { self.end - self.at }.max(0)
    }

    /// The batch that is next, control batches left out.
    fn batch(&self) -> Option<&'a Batch> {
        let log = self.partition.log();
        if !self.newest {
            let mut batches = log.browse(self.at).map(|(.., batch)| batch);
            return batches.find(|batch| !batch.is_control()).filter(|batch| batch.base_offset() < self.end);
        }
        for segment in log.segments().rev().filter(|segment| segment.base_offset() < self.at) {
            let batches = segment.batches();
            let before = batches.partition_point(|placed| placed.batch.base_offset() < self.at);
            let mut found = batches.iter().rev().skip(batches.len() - before).map(|placed| &placed.batch);
            if let Some(batch) = found.find(|batch| !batch.is_control()) {
                return Some(batch).filter(|batch| batch.last_offset() >= self.start);
            }
        }
        None
    }

    /// The time by which this partition's turn comes; nothing once all was looked at.
    fn time(&self) -> Option<i64> {
        if self.left() == 0 {
            return None;
        }
        if let Some(record) = self.ready.front() {
            return Some(record.timestamp);
        }
        let batch = self.batch()?;
        Some(if self.newest { batch.max_timestamp() } else { batch.base_timestamp() })
    }

    /// Reads the batch that is next. Gives its bytes, or what is wrong with it; one that cannot be read is passed over.
    fn read(&mut self) -> Result<usize, String> {
        let Some(batch) = self.batch() else {
            self.at = if self.newest { self.start } else { self.end };
            return Ok(0);
        };
        let range = if self.newest { self.start..self.at } else { self.at..self.end };
        let (mut bytes, mut error) = (batch.size(), None);
        match batch.records() {
            Err(problem) => error = Some(problem.to_string()),
            Ok(records) => {
                for record in records {
                    match record {
                        Ok(record) if range.contains(&record.offset) => {
                            bytes += size(&record);
                            self.ready.push_back(record);
                        }
                        Ok(_) => {}
                        Err(problem) => error = Some(problem.to_string()),
                    }
                }
            }
        }
        if self.newest {
            self.ready.make_contiguous().reverse();
        }
        if self.ready.is_empty() {
            self.at = if self.newest { batch.base_offset() } else { batch.next_offset() };
        }
        match error {
            Some(error) => Err(format!("{}: {error}", batch.base_offset())),
            None => Ok(bytes),
        }
    }

    fn take(&mut self) -> Option<Record> {
        let record = self.ready.pop_front()?;
        self.at = if self.newest { record.offset } else { record.offset + 1 };
        if self.ready.is_empty() && !self.newest {
            // What compaction took from the batch's end is no longer looked for.
            let ends =
                self.partition.log().browse(record.offset).next().map(|(.., batch)| batch.next_offset());
            self.at = ends.unwrap_or(self.at).clamp(self.at, self.end.max(self.at));
        }
        Some(record)
    }

    /// Leaves out whole batches from the oldest on, as long as more than `most` offsets stay; gives how many records
    /// those were.
    fn skip(&mut self, most: i64) -> u64 {
        let (at, end) = (self.at, self.end);
        let mut left_out = 0;
        for (.., batch) in self.partition.log().browse(at) {
            let next = batch.next_offset();
            if end - next < most || next > end {
                break;
            }
            if !batch.is_control() {
                // Of a batch that was begun the rest.
                let rest = next - at.max(batch.base_offset());
                left_out += u64::try_from(rest.min(i64::from(batch.records_count()))).unwrap_or(0);
            }
            self.at = next;
        }
        left_out
    }
}

fn size(record: &Record) -> usize {
    record.key.as_ref().map_or(0, |key| key.len()) + record.value.as_ref().map_or(0, |value| value.len())
}

/// Looks for records of a topic.
fn search(world: &World, query: &SearchQuery) -> Result<SearchView, String> {
    let clock = Clock { now_ms: world.unix_ms(), zone_minutes: query.zone_minutes };
    let filter = Filter::parse(&query.filter, clock).map_err(|error| error.to_string())?;
    let mut view = SearchView { id: query.id, ..SearchView::default() };
    let mut cursors = cursors(world, query, &mut view)?;
    if query.order == SearchOrder::Arriving {
        let all: i64 = cursors.iter().map(Cursor::left).sum();
        if all > ARRIVED {
            let share = ARRIVED / i64::try_from(cursors.len().max(1)).unwrap_or(1);
            view.left_out += cursors.iter_mut().map(|cursor| cursor.skip(share)).sum::<u64>();
        }
    }
    let limit = query.limit.clamp(1, MOST) as usize;
    let newest = query.order == SearchOrder::Newest;
    let mut bytes = 0;
    loop {
        let timed = cursors.iter().enumerate().filter_map(|(at, cursor)| Some((cursor.time()?, at)));
        // Of the same time the first partition comes first.
        let next = if newest { timed.max_by_key(|(time, at)| (*time, -(*at as i64))) } else { timed.min() };
        let Some((_, next)) = next else { break };
        let cursor = &mut cursors[next];
        if cursor.ready.is_empty() {
            if view.looked > 0 && bytes >= BYTES {
                break;
            }
            match cursor.read() {
                Ok(read) => bytes += read,
                Err(error) => {
                    let name = format!("{}-{}", query.topic, cursor.number);
                    view.error.get_or_insert_with(|| format!("{name}, {error}"));
                }
            }
            continue;
        }
        if view.found.len() == limit || view.looked >= RECORDS {
            break;
        }
        let Some(record) = cursor.take() else { break };
        view.looked += 1;
        if is_found(&filter, &query.topic, cursor.number, &record) {
            let record = record_view(&query.topic, &record, CUT);
            view.found.push(FoundRecord { partition: cursor.number, record });
        }
    }
    view.left = cursors.iter().map(|cursor| u64::try_from(cursor.left()).unwrap_or(0)).sum();
    view.more = cursors.iter().any(|cursor| cursor.left() > 0 && cursor.time().is_some());
    // Who follows what arrives goes on at the end of each partition; who looks back only where something is left.
    let goes_on = |cursor: &&Cursor<'_>| query.order == SearchOrder::Arriving || cursor.left() > 0;
    view.from.extend(cursors.iter().filter(goes_on).map(|cursor| (cursor.number, cursor.at)));
    Ok(view)
}

/// The partitions of a topic that are looked through, each from where it is to go on.
fn cursors<'a>(
    world: &'a World,
    query: &SearchQuery,
    view: &mut SearchView,
) -> Result<Vec<Cursor<'a>>, String> {
    let topic = world.topic_views().into_iter().find(|topic| topic.name == query.topic);
    let topic = topic.ok_or_else(|| format!("there is no topic {}", query.topic))?;
    let (mut cursors, begins) = (Vec::new(), query.from.is_empty());
    let numbers = topic.partitions.iter().map(|one| one.partition);
    for number in numbers.filter(|number| query.partition.is_none_or(|wanted| wanted == *number)) {
        let known = query.from.iter().find(|(known, _)| *known == number).map(|(_, at)| *at);
        let holder = world.holder_of(&query.topic, number).and_then(|node| world.broker(node));
        let Some(partition) = holder.and_then(|broker| broker.replicas().get(&query.topic, number)) else {
            view.unread.push(number);
            if query.order == SearchOrder::Arriving {
                view.from.push((number, known.unwrap_or(UNKNOWN)));
            }
            continue;
        };
        let log = partition.log();
        let (start, end) = (log.log_start(), log.log_end());
        let (at, end) = match (query.order, known) {
            // What is not spoken of any more was looked through.
            (SearchOrder::Newest | SearchOrder::Oldest, None) if !begins => continue,
            (SearchOrder::Newest, at) => (at.unwrap_or(end).clamp(start, end), end),
            (SearchOrder::Oldest, at) => (at.unwrap_or(start).clamp(start, end), end),
            (SearchOrder::Arriving, at) => {
                let readable = partition.high_watermark();
                let at = match at {
                    Some(UNKNOWN) => readable,
                    None if begins => readable,
                    // A partition that is new: all that it has arrived since.
                    None => start,
                    Some(at) => at,
                };
                if at < start {
                    view.left_out += u64::try_from(start - at).unwrap_or(0);
                }
                // A log that was cut goes on from its end.
                (at.clamp(start, end), readable)
            }
        };
        let newest = query.order == SearchOrder::Newest;
        cursors.push(Cursor { number, partition, newest, at, start, end, ready: VecDeque::new() });
    }
    Ok(cursors)
}

fn is_found(filter: &Filter, topic: &str, partition: i32, record: &Record) -> bool {
    let names: Vec<_> = record.headers.iter().map(|header| String::from_utf8_lossy(&header.key)).collect();
    let values = record.headers.iter().map(|header| header.value.as_deref());
    let mut json = [OnceCell::new(), OnceCell::new()];
    if topic == GROUP_METADATA_TOPIC {
        // Here bytes have fields without being JSON.
        if let Some(meaning) = record_view(topic, record, 0).meaning {
            let value = meaning.value_schema.is_some().then(|| value_of(&meaning));
            json = [OnceCell::from(Some(object(&meaning.key))), OnceCell::from(value)];
        }
    }
    filter.is_fulfilled(&Candidate {
        partition,
        offset: record.offset,
        timestamp: record.timestamp,
        key: record.key.as_deref(),
        value: record.value.as_deref(),
        headers: names.iter().map(|name| name.as_ref()).zip(values).collect(),
        json,
    })
}

fn object(fields: &[(String, String)]) -> Value {
    let value = |text: &str| text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from);
    fields.iter().map(|(name, text)| (name.clone(), value(text))).collect()
}

fn value_of(meaning: &MeaningView) -> Value {
    let mut value = object(&meaning.value);
    if let Some(fields) = value.as_object_mut() {
        let members = meaning.members.iter().map(|member| object(member)).collect();
        fields.insert("members".to_owned(), Value::Array(members));
    }
    value
}

impl super::Engine {
    /// Records of a topic that fulfil a filter. What is wrong with the question is said in the answer.
    pub fn search(&self, query: &SearchQuery) -> SearchView {
        search(&self.run.world, query).unwrap_or_else(|error| SearchView {
            id: query.id,
            error: Some(error),
            ..SearchView::default()
        })
    }

    /// The first record of a partition that is not older than a moment, in milliseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// No broker that runs has the partition.
    pub fn moment(&self, topic: &str, partition: i32, moment: f64) -> Result<MomentView, String> {
        #[allow(clippy::cast_possible_truncation, reason = "a moment far out is the largest there is")]
        let moment = moment as i64;
        let found = self.run.world.moment_view(topic, partition, moment);
        found.ok_or_else(|| super::not_here(topic, partition))
    }
}
