//! What the message browser knows: the batches and the batch that are shown, the record that was looked for, and what a
//! search or the arriving records have brought. Nothing here touches the browser.

use std::rc::Rc;

use blumfeld_view::{
    BatchDetail, BrowseView, FoundRecord, MomentView, PartitionView, SearchOrder, SearchQuery, SearchView,
    TopicView,
};

use crate::model::{PartitionName, Shared};

/// The offset that stands for the end of the log, whatever that is; the largest that crosses to the engine.
pub const LATEST: i64 = (1 << 53) - 1;
/// Records that one search brings before it asks whether to go on.
pub const FOUND: usize = 200;
/// Arriving records that are shown; older ones are counted.
pub const SHOWN: usize = 200;

/// The record that is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target {
    /// Its offset; [`LATEST`] for the last one.
    pub offset: i64,
    /// A number of its own: one that is sought again is shown again. 0 for one that the list need not be moved to.
    pub number: u32,
}

/// What is to be said of what was sought.
#[derive(Clone, PartialEq, Debug)]
pub enum Note {
    /// The offset lies outside of the log, which begins and ends so (the end not included); what is shown instead.
    Outside {
        /// What was asked for.
        offset: i64,
        /// The log's first offset.
        log_start: i64,
        /// The log's end.
        log_end: i64,
    },
    /// The log has no record of this offset, though it has later ones; what is shown instead.
    Gap {
        /// What was asked for.
        offset: i64,
        /// What is shown.
        shown: i64,
    },
    /// The first record that is not older than a moment.
    Moment {
        /// The moment, in milliseconds since 1970-01-01 UTC.
        moment: f64,
        /// Its offset and timestamp.
        found: (i64, f64),
    },
    /// Every record is older than the moment.
    NoneLater {
        /// The moment, in milliseconds since 1970-01-01 UTC.
        moment: f64,
        /// The newest record: its offset and timestamp.
        newest: Option<(i64, f64)>,
    },
    /// What was typed is neither an offset nor a time.
    Unreadable(
        /// As it was typed.
        String,
    ),
}

/// How far a search is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Step {
    /// Nothing was asked.
    #[default]
    Idle,
    /// The engine is to be asked at once.
    Asks,
    /// It is to be asked again in a moment: everything that has arrived was looked at.
    Waits,
    /// It stands still, and may go on.
    Stands,
    /// Everything was looked at.
    Done,
}

/// A search, or arriving records.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Search {
    /// What is asked next.
    pub query: SearchQuery,
    /// What was found, newest first where the newest come first or records arrive.
    pub rows: Vec<Rc<FoundRecord>>,
    /// Records that were looked at.
    pub looked: u64,
    /// Records that fulfil the filter and are no longer shown, and those that arrived too fast to be looked at.
    pub left_out: u64,
    /// Offsets that are still to be looked at.
    pub left: u64,
    /// Partitions that nobody who runs has.
    pub unread: Vec<i32>,
    /// What could not be read.
    pub error: Option<String>,
    /// How far it is.
    pub step: Step,
    /// It stands still once it has found so many.
    until: usize,
}

impl Search {
    /// Whether it follows what arrives.
    pub fn is_live(&self) -> bool {
        self.query.order == SearchOrder::Arriving
    }

    /// Whether it is under way.
    pub fn runs(&self) -> bool {
        matches!(self.step, Step::Asks | Step::Waits)
    }

    fn heard(&mut self, view: SearchView) {
        // One that was asked twice, or is not wanted any more.
        if view.id != self.query.id {
            return;
        }
        self.query.id = self.query.id.wrapping_add(1);
        self.query.from = view.from;
        self.looked += view.looked;
        self.left_out += view.left_out;
        (self.left, self.unread) = (view.left, view.unread);
        self.error = self.error.take().or(view.error);
        let live = self.is_live();
        self.rows.extend(view.found.into_iter().map(Rc::new));
        // The answers of a search may overlap in time; of one time partitions stay in the order of their offsets.
        let newest = self.query.order != SearchOrder::Oldest;
        self.rows.sort_by(|one, other| {
            let (one, other) = if newest { (other, one) } else { (one, other) };
            let offsets = one.record.offset.cmp(&other.record.offset);
            if one.partition == other.partition {
                return offsets;
            }
            one.record.timestamp.total_cmp(&other.record.timestamp).then(one.partition.cmp(&other.partition))
        });
        if live && self.rows.len() > SHOWN {
            self.left_out += (self.rows.len() - SHOWN) as u64;
            self.rows.truncate(SHOWN);
        }
        if self.step != Step::Stands {
            self.step = match (live, view.more) {
                (true, false) => Step::Waits,
                (true, true) => Step::Asks,
                (false, false) => Step::Done,
                (false, true) if self.rows.len() >= self.until => Step::Stands,
                (false, true) => Step::Asks,
            };
        } else if !live && !view.more {
            self.step = Step::Done;
        }
    }
}

/// What the message browser shows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct MessagesState {
    /// The batches.
    pub browse: Option<Shared<BrowseView>>,
    /// The chosen batch.
    pub batch: Option<Shared<BatchDetail>>,
    /// Whether the answer that is awaited is the end of the log, to which the batches before are to be added.
    pub to_end: bool,
    /// The offset of the batches before the end that are still to be asked for.
    pub follow_up: Option<i64>,
    /// The record that is looked for.
    pub target: Option<Target>,
    /// What is to be said of it.
    pub note: Option<Note>,
    /// The log is no longer as the batches say: what they hold was cut off or deleted.
    pub stale: bool,
    /// The search, or the arriving records.
    pub search: Shared<Search>,
    /// Whether what was found is shown in place of the batches.
    pub results: bool,
    /// The offset that a moment has led to, whose batches are to be asked for.
    pub sought: Option<i64>,
    /// Whether the batches around what is sought are on their way.
    pub awaits: bool,
}

/// Something that the user does in the message browser.
#[derive(Debug)]
pub enum Messaging {
    /// The record of an offset is to be shown, and the list moved to it.
    Seek(i64),
    /// The same, and the list stays where it is.
    Aim(i64),
    /// The batches of another place are to be shown.
    Turn,
    /// Something is to be said.
    Say(Note),
    /// A search begins.
    Search(Box<SearchQuery>),
    /// It goes on.
    GoOn,
    /// It stands still.
    Stop,
    /// What was found is shown, or the batches.
    Results(bool),
    /// The search is put away.
    PutAway,
}

impl MessagesState {
    /// Another partition is looked at; what was found in its topic stays.
    pub fn turned_to(&self, same_topic: bool) -> Self {
        if !same_topic {
            return Self::default();
        }
        Self { search: self.search.clone(), results: self.results, ..Self::default() }
    }

    /// Does what the user did. `number` is one that was not used before.
    pub fn act(&mut self, what: Messaging, number: u32) {
        match what {
            Messaging::Seek(offset) => {
                self.target = Some(Target { offset, number });
                (self.note, self.batch, self.results, self.sought) = (None, None, false, None);
                (self.to_end, self.awaits) = (offset == LATEST, true);
                if self.to_end {
                    self.browse = None;
                }
            }
            Messaging::Aim(offset) => {
                self.target = Some(Target { offset, number: 0 });
                self.note = None;
            }
            Messaging::Turn => {
                (self.target, self.note) = (None, None);
            }
            Messaging::Say(note) => self.note = Some(note),
            Messaging::Search(query) => {
                let query = SearchQuery { id: number, ..*query };
                let search = Search { query, step: Step::Asks, until: FOUND, ..Search::default() };
                (self.search, self.results) = (Shared::new(search), true);
            }
            Messaging::GoOn => {
                let mut search = (*self.search).clone();
                search.until = search.rows.len() + FOUND;
                search.step = Step::Asks;
                (self.search, self.results) = (Shared::new(search), true);
            }
            Messaging::Stop => {
                let mut search = (*self.search).clone();
                if search.runs() {
                    search.step = Step::Stands;
                }
                self.search = Shared::new(search);
            }
            Messaging::Results(shown) => self.results = shown,
            Messaging::PutAway => (self.search, self.results) = (Shared::default(), false),
        }
    }

    /// A search has brought something.
    pub fn found(&mut self, view: SearchView) {
        let mut search = (*self.search).clone();
        search.heard(view);
        self.search = Shared::new(search);
    }

    /// The engine says which record is the first of a moment; the offset to be sought.
    pub fn moment(&mut self, view: MomentView, number: u32) -> Option<i64> {
        let MomentView { moment, found, newest, .. } = view;
        let sought = found.or(newest).map(|(offset, _)| offset);
        if let Some(offset) = sought {
            self.act(Messaging::Seek(offset), number);
        }
        self.note = Some(match found {
            Some(found) => Note::Moment { moment, found },
            None => Note::NoneLater { moment, newest },
        });
        sought
    }

    /// The log is like this now. What is shown is stale once it holds what is not there any more.
    pub fn note_log(&mut self, log: &PartitionView) {
        let Some(browse) = &self.browse else { return };
        let first = browse.batches.first().map(|batch| batch.last_offset);
        self.stale |= log.log_end < browse.log_end || first.is_some_and(|first| first < log.log_start);
    }

    /// Batches have come.
    pub fn browsed(&mut self, mut browse: BrowseView) {
        let (to_end, before) = (self.to_end, self.browse.take());
        (self.to_end, self.follow_up, self.stale, self.awaits) = (false, None, false, false);
        if let Some(target) = &mut self.target {
            let (start, end) = (browse.log_start, browse.log_end);
            if !(start..end).contains(&target.offset) {
                if target.offset != LATEST && start < end {
                    self.note = Some(Note::Outside { offset: target.offset, log_start: start, log_end: end });
                }
                target.offset = target.offset.clamp(start, (end - 1).max(start));
            }
        }
        // The end of the log is one batch; those before it make it a page.
        if to_end && browse.next_offset.is_none() && browse.previous_offset.is_some() {
            self.to_end = true;
            self.follow_up = browse.previous_offset;
        } else if let (true, Some(end)) = (to_end, before) {
            let last = browse.batches.last().map(|batch| batch.last_offset);
            let new = end.batches.iter().filter(|batch| last.is_none_or(|last| batch.base_offset > last));
            browse.batches.extend(new.cloned());
            browse.next_offset = None;
        }
        let held = self.batch.as_ref().is_some_and(|detail| {
            browse.batches.iter().any(|batch| batch.base_offset == detail.batch.base_offset)
                && self.target.is_none_or(|target| {
                    (detail.batch.base_offset..=detail.batch.last_offset).contains(&target.offset)
                })
        });
        if !held {
            self.batch = None;
        }
        self.browse = Some(Shared::new(browse));
    }

    /// The batch that is to be opened, as long as none is.
    pub fn to_open(&self) -> Option<i64> {
        if self.batch.is_some() || self.follow_up.is_some() || self.awaits {
            return None;
        }
        let batches = &self.browse.as_ref()?.batches;
        let holds = |target: Target| batches.iter().find(|batch| batch.last_offset >= target.offset);
        let batch = match self.target {
            Some(target) => holds(target).or(batches.last()),
            None => batches.first(),
        };
        batch.map(|batch| batch.base_offset)
    }

    /// A batch has come.
    pub fn opened(&mut self, detail: BatchDetail) {
        if let (Some(target), None) = (self.target.filter(|target| target.number > 0), &self.note) {
            let shown = detail.records.iter().find(|record| record.offset >= target.offset);
            let holds = (detail.batch.base_offset..=detail.batch.last_offset).contains(&target.offset);
            if let Some(shown) = shown.filter(|shown| holds && shown.offset != target.offset) {
                self.note = Some(Note::Gap { offset: target.offset, shown: shown.offset });
            }
        }
        self.batch = Some(Shared::new(detail));
    }

    /// Records that came since the page of batches that ends the log; 0 if it is another page.
    pub fn fresh(&self, log: &PartitionView) -> i64 {
        let browse = self.browse.as_ref().filter(|browse| browse.next_offset.is_none() && !self.stale);
        browse.map_or(0, |browse| log.log_end - browse.log_end.max(log.log_start)).max(0)
    }
}

/// Records of a partition: the offsets that its log has.
pub fn records_of(log: &PartitionView) -> i64 {
    (log.log_end - log.log_start).max(0)
}

/// The partition of a topic with the newest record; nothing if all are empty.
pub fn newest_of(topic: &TopicView) -> Option<&PartitionView> {
    let newest = |log: &PartitionView| {
        log.segments.iter().map(|segment| segment.max_timestamp).max_by(f64::total_cmp).unwrap_or(-1.0)
    };
    let filled = topic.partitions.iter().filter(|log| records_of(log) > 0);
    // Of several the first one.
    filled.rev().max_by(|one, other| newest(one).total_cmp(&newest(other)))
}

/// Where the message browser begins: the partition with the newest record of this topic, or else of any of the user's.
pub fn begins_with(topics: &[Shared<TopicView>], topic: &str) -> Option<PartitionName> {
    let mut own = topics.iter().filter(|one| !one.internal);
    let chosen = topics.iter().find(|one| one.name == topic);
    let named = |topic: &Shared<TopicView>| {
        let partition = newest_of(topic)?.partition;
        Some(PartitionName { topic: topic.name.clone(), partition })
    };
    chosen.and_then(named).or_else(|| own.find_map(named))
}

#[cfg(test)]
#[path = "messages_tests.rs"]
mod tests;
