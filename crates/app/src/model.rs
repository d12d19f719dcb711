//! What the page knows, and how that changes. Nothing here touches the browser.

mod choosing;
mod lesson;
mod rewound;

use std::ops::Deref;
use std::rc::Rc;

use blumfeld_view::{
    CompactionView, ConfigResource, ConfigsView, Delta, Durability, EventView, ExchangeDetail, FailoverView,
    FollowView, GroupView, LogDirsView, Pace, RecoveryView, Returned, SharedView, TokenDetail, TopicView,
    Update, WireView, ZooKeeperView,
};
use yew::Reducible;

pub use crate::screen::{Place, Screen, Tab};

use crate::address::Theme;
use crate::cluster::Cluster;
use crate::comparison::ComparisonState;
use crate::events::Events;
use crate::lag::Lags;
use crate::lesson::{LessonDeed, LessonState};
use crate::messages::{MessagesState, Messaging, newest_of};
use crate::series::{Seen, Series};
use crate::text::{Lang, fill};
use crate::timeline::Marks;

/// Notices that stand at one time.
const NOTICES_KEPT: usize = 2;
/// At this pace and slower one request can be followed.
pub const FOLLOWED: f64 = 0.002;

/// Shared data that is equal only to itself, so that a component is redrawn only when it was replaced.
#[derive(Debug, Default)]
pub struct Shared<T>(Rc<T>);

impl<T> Shared<T> {
    /// Shares a value.
    pub fn new(value: T) -> Self {
        Self(Rc::new(value))
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// How far the page has come.
#[derive(Clone, PartialEq, Debug)]
pub enum Phase {
    /// The engine's wasm is being loaded.
    Starting,
    /// The cluster is being read from the browser's storage.
    Loading {
        /// Bytes read.
        done: u64,
        /// Bytes in all; 0 when that is not known yet.
        total: u64,
    },
    /// Another tab writes to this cluster.
    Locked,
    /// Another tab has taken the cluster from this one.
    TakenOver,
    /// Another tab runs the cluster, and this one shows what it does.
    Watching,
    /// The cluster runs.
    Ready,
    /// The engine has stopped by a fault of its own.
    Panicked {
        /// What it said.
        message: String,
        /// A file that replays the fault; empty if it could not be written.
        replay: String,
    },
    /// The engine could not be started.
    NoEngine {
        /// What the browser said.
        message: String,
    },
}

impl Phase {
    /// The word in `document.documentElement.dataset.state`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Starting | Self::Loading { .. } => "booting",
            Self::Locked | Self::TakenOver | Self::Watching => "locked",
            Self::Ready => "ready",
            Self::Panicked { .. } | Self::NoEngine { .. } => "panicked",
        }
    }

    /// Whether the cluster is not to be touched.
    pub fn covers(&self) -> bool {
        !matches!(self, Self::Ready | Self::Watching)
    }
}

/// A partition by name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionName {
    /// Topic name.
    pub topic: String,
    /// Partition number.
    pub partition: i32,
}

/// What of the chosen partition was chosen by hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Picked {
    /// Nothing: the page chose it.
    Nothing,
    /// The topic.
    Topic,
    /// The partition.
    Partition,
}

/// Something to be read and put away.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// A number of its own.
    pub id: u32,
    /// Whether it tells of something broken.
    pub fault: bool,
    /// The sentence.
    pub text: String,
    /// How often it came.
    pub times: u32,
}

/// A command that a form ran, once it has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deed {
    /// The command's number.
    pub id: u32,
    /// Its exit code.
    pub exit: i32,
    /// All that it wrote, to either output.
    pub said: String,
}

/// A dropped file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileState {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// The command that reads it, and how many bytes it has read.
    pub reading: Option<(u32, u64)>,
}

/// What the last word of a line could become.
#[derive(Debug)]
pub struct Completions {
    /// The words, each whole.
    pub words: Vec<String>,
    /// The last word as it stood.
    pub stem: String,
}

/// A line of the event log that was looked up.
#[derive(Clone, PartialEq, Debug)]
pub struct LookAt {
    /// When it was, in virtual microseconds.
    pub at: u64,
    /// Who said it.
    pub node: String,
    /// The sentence in English.
    pub text: String,
}

impl LookAt {
    /// Whether an event is that line.
    pub fn is(&self, event: &EventView) -> bool {
        event.at == self.at && event.node == self.node && event.text == self.text
    }
}

/// What the console's line editor needs to know.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ConsoleState {
    /// The command that runs.
    pub running: Option<u32>,
    /// The last command that ended, with its exit code.
    pub ended: Option<(u32, i32)>,
    /// A line to put into the prompt, with a number that changes each time.
    pub prefill: (u32, String),
    /// The answer to the last completion, with the question's number.
    pub completions: Option<(u32, Shared<Completions>)>,
}

/// Everything that the page knows.
#[derive(Clone, PartialEq, Debug)]
pub struct Model {
    /// How far it has come.
    pub phase: Phase,
    /// The cluster's name.
    pub cluster: String,
    /// The cluster's seed, once it runs.
    pub seed: u64,
    /// Whether anything is kept.
    pub persistent: bool,
    /// Which of the three things to try were tried, as the cluster says: a record sent by hand was acknowledged, a
    /// broker crashed, and the clock went slowly enough to follow a request.
    pub tried: [bool; 3],
    /// Commands that send records by hand and have not ended.
    sending: Vec<u32>,
    /// The cluster as the engine told it last.
    pub view: Option<Cluster>,
    /// The topics one by one, so that one that did not change is not drawn again.
    pub topics: Vec<Shared<TopicView>>,
    /// How far groups were behind.
    pub lags: Shared<Lags>,
    /// Two runs side by side.
    pub comparison: Shared<ComparisonState>,
    /// Numbers over the session.
    pub series: Shared<Series>,
    /// What recovery found; put away by the user.
    pub recovery: Option<Shared<Vec<RecoveryView>>>,
    /// What became of what ran before a reload; put away by the user.
    pub returned: Option<Shared<Returned>>,
    /// Events.
    pub events: Events,
    /// What of them stands on the time line.
    pub marks: Shared<Marks>,
    /// When this life of the cluster served, in virtual microseconds.
    pub began: u64,
    /// The line that the event log is to show.
    pub look_at: Option<Shared<LookAt>>,
    /// Events that the engine did not send or that are no longer kept.
    pub events_left_out: u64,
    /// Notices, oldest first.
    pub notices: Vec<Notice>,
    /// Dropped files, oldest first.
    pub files: Vec<FileState>,
    /// How it stands with log directories that were dropped.
    pub log_dirs: Option<Shared<LogDirsView>>,
    /// The console.
    pub console: ConsoleState,
    /// The message browser.
    pub messages: MessagesState,
    /// The chosen partition.
    pub chosen: Option<PartitionName>,
    /// What of it was chosen by hand.
    picked: Picked,
    /// The message in flight that was picked, as it was then.
    pub token: Option<Shared<TokenDetail>>,
    /// What is followed.
    pub follow: Option<Shared<FollowView>>,
    /// The cluster of the time before KRaft, once it was looked at.
    pub era: Option<Shared<ZooKeeperView>>,
    /// How long both kinds of cluster are without a controller, as far as it was measured.
    pub failovers: Vec<FailoverView>,
    /// Lines that were used since the page was opened, the oldest first.
    pub used: Shared<Vec<String>>,
    /// What was done, once it was asked for to be shared.
    pub shared: Option<Shared<SharedView>>,
    /// The lesson that is being done.
    pub lesson: Option<LessonState>,
    /// What went over the network, as it was asked for last.
    pub wire: Option<Shared<WireView>>,
    /// The exchange that is open.
    pub exchange: Option<Shared<ExchangeDetail>>,
    /// Whether what went over the network is drawn as a diagram.
    pub diagram: bool,
    /// What the configs are of that are shown; without it those of the chosen partition's topic.
    pub configs_of: Option<ConfigResource>,
    /// Configs, as they were asked for last.
    pub configs: Option<Shared<ConfigsView>>,
    /// What compaction makes of a partition's log, as it was asked for last.
    pub compaction: Option<Shared<CompactionView>>,
    /// What a form did last.
    pub deed: Option<Shared<Deed>>,
    /// Where the navigation stands.
    pub screen: Screen,
    /// The partition that the address names, and the offset of a record, until the cluster is there to look.
    pub wanted: Option<(PartitionName, Option<i64>)>,
    /// The pane that shows where there is room for one.
    pub tab: Tab,
    /// The pane of the dock's third place, where its panes stand side by side: charts or files.
    pub side: Tab,
    /// Whether the dock is open where it is a sheet.
    pub sheet: bool,
    /// The language.
    pub lang: Lang,
    /// The theme.
    pub theme: Theme,
    /// The durability that was asked for.
    pub durability: Durability,
    next: u64,
}

/// A change.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one at a time, and it is not kept")]
pub enum Action {
    /// The engine told something. Console output and downloads do not come this way.
    Told(Update),
    /// The engine said something that is no update.
    Strange(String),
    /// The engine could not be started, its wasm could not be loaded, or it died.
    EngineFailed(String),
    /// A notice; `true` for something broken.
    Notice(bool, String),
    /// The browser had stored the cluster once and has nothing of it any more.
    StorageLost,
    /// Put a notice away.
    Dismiss(u32),
    /// Follow nothing any more.
    Unfollow,
    /// Show a line of the event log: when it was, who said it, and the sentence in English.
    LookAt(u64, (String, String)),
    /// Put the recovery report away.
    DismissRecovery,
    /// Put away what became of what ran before a reload.
    DismissReturned,
    /// Go where the address says, or say that it is no address.
    Go(Result<Place, (String, Option<Place>)>),
    /// What the address wanted was looked for.
    Looked,
    /// Show a pane of the dock.
    Show(Tab),
    /// Open or close the dock where it is a sheet.
    Sheet(bool),
    /// Choose a partition.
    Choose(PartitionName),
    /// Choose a topic, and none of its partitions by hand.
    ChooseTopic(String),
    /// Put away the message that was picked.
    Unpick,
    /// Close the exchange that is open.
    Close,
    /// What a form ran has ended.
    Did(Deed),
    /// Something is done in the message browser.
    Messaging(Messaging),
    /// The message browser's second question was asked.
    FollowedUp,
    /// A console command began; whether it sends records by hand.
    Started(u32, bool),
    /// A command that sends records by hand began beside the console's own.
    Sends(u32),
    /// A console command ended with this exit code.
    Ended(u32, i32),
    /// A command that sends records by hand says that one was not sent.
    NotSent(u32),
    /// Put a line into the prompt.
    Prefill(String),
    /// Speak another language.
    Speak(Lang),
    /// Use another theme.
    Paint(Theme),
    /// Another durability was asked for.
    Keep(Durability),
    /// What was to be shared is put away.
    Unshare,
    /// Something is done in a lesson.
    Lesson(LessonDeed),
    /// The page asked to become the writer.
    TakingOver,
}

impl Model {
    /// A page that has just been opened.
    pub fn new(cluster: String, lang: Lang, theme: Theme, durability: Durability) -> Self {
        Self {
            phase: Phase::Starting,
            cluster,
            seed: 0,
            persistent: true,
            tried: [false; 3],
            sending: vec![],
            view: None,
            topics: vec![],
            lags: Shared::default(),
            comparison: Shared::default(),
            series: Shared::default(),
            recovery: None,
            returned: None,
            events: Events::default(),
            marks: Shared::default(),
            began: 0,
            look_at: None,
            events_left_out: 0,
            notices: vec![],
            files: vec![],
            log_dirs: None,
            console: ConsoleState::default(),
            messages: MessagesState::default(),
            chosen: None,
            picked: Picked::Nothing,
            token: None,
            follow: None,
            lesson: None,
            shared: None,
            used: Shared::default(),
            era: None,
            failovers: vec![],
            wire: None,
            exchange: None,
            diagram: false,
            configs_of: None,
            compaction: None,
            configs: None,
            deed: None,
            screen: Screen::Stage,
            wanted: None,
            tab: Tab::Console,
            side: Tab::Charts,
            sheet: false,
            lang,
            theme,
            durability,
            next: 0,
        }
    }

    /// The topic of a name.
    pub fn topic(&self, name: &str) -> Option<&Shared<TopicView>> {
        self.topics
            .binary_search_by(|topic| topic.name.as_str().cmp(name))
            .ok()
            .and_then(|at| self.topics.get(at))
    }

    /// What configs are shown of.
    pub fn configs_shown(&self) -> ConfigResource {
        let chosen = self.chosen.as_ref().map(|chosen| ConfigResource::Topic(chosen.topic.clone()));
        self.configs_of.clone().or(chosen).unwrap_or(ConfigResource::Brokers)
    }

    /// Notes what was tried, as the cluster shows it. That a record was acknowledged is told by the end of what sent
    /// it.
    fn note_tried(&mut self) {
        let Some(view) = &self.view else { return };
        self.tried[2] |= matches!(view.clock.pace, Pace::Times(times) if times <= FOLLOWED);
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn notice(&mut self, fault: bool, text: String) {
        if let Some(same) =
            self.notices.iter_mut().find(|notice| notice.text == text && notice.fault == fault)
        {
            same.times = same.times.saturating_add(1);
            return;
        }
        let id = self.number() as u32;
        self.notices.push(Notice { id, fault, text, times: 1 });
        if self.notices.len() > NOTICES_KEPT {
            self.notices.remove(0);
        }
    }

    fn told(&mut self, update: Update) {
        match update {
            Update::Loading { done, total } => self.phase = Phase::Loading { done, total },
            Update::Locked => self.phase = Phase::Locked,
            Update::TakenOver => self.phase = Phase::TakenOver,
            Update::Watching { cluster, seed, view, persistent } => {
                let (recovery, returned) = (Vec::new(), Returned::default());
                let (missing, begins, free_line) = (false, false, 0);
                self.told(Update::Ready {
                    cluster,
                    seed,
                    view,
                    recovery,
                    persistent,
                    missing,
                    begins,
                    returned,
                    free_line,
                });
                self.phase = Phase::Watching;
            }
            Update::Ready { cluster, seed, view, recovery, persistent, returned, .. } => {
                self.phase = Phase::Ready;
                (self.cluster, self.seed, self.persistent) = (cluster, seed, persistent);
                self.durability = view.store.durability;
                let mut view = view;
                self.topics = std::mem::take(&mut view.topics).into_iter().map(Shared::new).collect();
                self.lags = Shared::default();
                self.note_lags(view.clock.now, &view.groups);
                self.recovery = (!recovery.is_empty()).then(|| Shared::new(recovery));
                self.returned = (returned != Returned::default()).then(|| Shared::new(returned));
                self.series = Shared::new(Series::begin(view.clock.now / 1_000));
                self.view = Some(Cluster::new(view));
                self.note_series();
                // One that was opened again can be gone back to from where it was opened.
                self.began = self.view.as_ref().map_or(0, |view| match view.timeline.from {
                    0 => view.clock.now,
                    from => from.min(view.clock.now),
                });
                self.marks = Shared::new(Marks::begin(self.began));
                self.follow = None;
                self.console.running = None;
                self.messages = MessagesState::default();
                (self.wire, self.exchange, self.configs, self.log_dirs) = (None, None, None, None);
                self.compaction = None;
                self.choose_one();
            }
            Update::Rewound { view, events } => self.rewound(*view, events),
            Update::Delta(delta) => self.delta(delta),
            Update::Completions { id, words, stem } => {
                self.console.completions = Some((id, Shared::new(Completions { words, stem })));
            }
            Update::FileAdded { name, size } => {
                self.files.retain(|file| file.name != name);
                self.files.push(FileState { name, size, reading: None });
            }
            Update::FileProgress { id, name, done, total } => {
                if let Some(file) = self.files.iter_mut().find(|file| file.name == name) {
                    (file.size, file.reading) = (total, Some((id, done.min(total))));
                }
            }
            Update::LogDirs(view) => self.log_dirs = view.map(Shared::new),
            Update::FileRemoved { name } => self.files.retain(|file| file.name != name),
            Update::Compaction(view) if self.compaction.as_ref().is_some_and(|have| **have == view) => {}
            Update::Compaction(view) => self.compaction = Some(Shared::new(view)),
            Update::Browse(browse) if self.is_chosen(&browse.topic, browse.partition) => {
                self.messages.browsed(browse);
            }
            Update::Batch(detail) if self.is_chosen(&detail.topic, detail.partition) => {
                self.messages.opened(detail);
            }
            Update::Moment(view) if self.is_chosen(&view.topic, view.partition) => {
                let number = self.number() as u32;
                self.messages.sought = self.messages.moment(view, number);
            }
            // Of a partition that was chosen before.
            Update::Browse(_) | Update::Batch(_) | Update::Moment(_) => {}
            Update::Search(view) => self.messages.found(view),
            Update::Token(detail) => {
                // One that has arrived meanwhile stays as it was last seen.
                if let Some(detail) = detail {
                    self.token = Some(Shared::new(*detail));
                }
            }
            Update::Compare(told) => self.comparison = Shared::new(self.comparison.after(told)),
            Update::Follow(follow) => self.followed(follow.map(|follow| *follow)),
            Update::Goals(goals) => self.heard_of_goals(goals),
            Update::Wire(view) => self.wire = Some(Shared::new(view)),
            Update::Exchange(detail) => self.exchange = detail.map(|detail| Shared::new(*detail)),
            // It is asked for again and again, and drawn when it has changed.
            Update::Configs(view) if self.configs.as_ref().is_some_and(|have| **have == view) => {}
            Update::Configs(view) => self.configs = Some(Shared::new(view)),
            Update::Error { message } => self.notice(true, message),
            Update::Panicked { message, replay } => self.phase = Phase::Panicked { message, replay },
            Update::ZooKeeper(view) => self.era = Some(Shared::new(*view)),
            Update::Failover(view) => {
                self.failovers.retain(|one| one.partitions != view.partitions);
                self.failovers.push(view);
                self.failovers.sort_by_key(|one| one.partitions);
            }
            Update::Shared(view) => self.shared = Some(Shared::new(view)),
            Update::Hello
            | Update::Played
            | Update::Flushed
            | Update::Stage(_)
            | Update::Ran { .. }
            | Update::Overheard { .. }
            | Update::Console { .. }
            | Update::Download { .. } => {}
        }
    }

    /// Something happened to what is followed. Its partition is the chosen one from the moment that is known.
    fn followed(&mut self, follow: Option<FollowView>) {
        let Some(follow) = follow else {
            self.follow = None;
            return self.notice(false, self.lang.text().follow_gone.to_owned());
        };
        let known = self
            .follow
            .as_ref()
            .and_then(|before| before.place.as_ref().map(|place| (place.0.clone(), place.1)));
        if let Some((topic, partition, _)) = &follow.place
            && known.as_ref() != Some(&(topic.clone(), *partition))
        {
            self.chosen = Some(PartitionName { topic: topic.clone(), partition: *partition });
            (self.messages, self.picked) = (MessagesState::default(), Picked::Partition);
            self.choose_one();
        }
        self.follow = Some(Shared::new(follow));
    }

    fn delta(&mut self, mut delta: Delta) {
        let Some(view) = &mut self.view else { return };
        let durability = delta.store.as_ref().map(|store| store.durability);
        let groups_changed = delta.groups.is_some();
        if let Some(brokers) = &delta.brokers {
            let ran = |id: i32| view.brokers.iter().any(|broker| broker.id == id && broker.up);
            self.tried[1] |= brokers.iter().any(|broker| broker.state == "crashed" && ran(broker.id));
        }
        view.apply(&mut delta);
        self.durability = durability.unwrap_or(self.durability);
        let (now, groups) = (view.clock.now, groups_changed.then(|| view.groups.clone()));
        if let Some(groups) = groups {
            self.note_lags(now, &groups);
        }
        self.topics.retain(|topic| !delta.gone.contains(&topic.name));
        for topic in delta.topics {
            let fresh = Shared::new(topic);
            match self.topics.binary_search_by(|have| have.name.cmp(&fresh.name)) {
                Ok(at) => self.topics[at] = fresh,
                Err(at) => self.topics.insert(at, fresh),
            }
        }
        self.choose_one();
        self.choose_filled(false);
        if let Some(log) = self.chosen_log().cloned() {
            self.messages.note_log(&log);
        }
        self.note_tried();
        self.note_series();
        if delta.events.iter().any(|event| event.mark.is_some()) {
            let mut marks = (*self.marks).clone();
            marks.take(&delta.events);
            self.marks = Shared::new(marks);
        }
        self.events_left_out += delta.events_left_out + self.events.extend(delta.events);
    }

    fn note_lags(&mut self, now: u64, groups: &[GroupView]) {
        let mut lags = (*self.lags).clone();
        lags.note(now / 1_000, groups);
        self.lags = Shared::new(lags);
    }

    fn note_series(&mut self) {
        let Some(view) = &self.view else { return };
        let mut series = (*self.series).clone();
        let seen = Seen {
            now: view.clock.now / 1_000,
            brokers: &view.brokers,
            groups: &view.groups,
            latencies: &view.latencies,
        };
        series.note(seen, self.topics.iter().map(|topic| &**topic), view.clients.iter().map(|one| &**one));
        self.series = Shared::new(series);
    }
}

impl Reducible for Model {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut model = Rc::unwrap_or_clone(self);
        match action {
            Action::Told(update) => model.told(update),
            Action::Strange(what) => model.notice(true, fill(model.lang.text().bad_update, &[&what])),
            // The worker's own error comes behind what the engine said of its panic, and says less. Without such a word
            // (memory ran out, say) it is all there is.
            Action::EngineFailed(message) => match model.phase {
                Phase::Panicked { .. } => {}
                Phase::Starting => model.phase = Phase::NoEngine { message },
                _ => model.phase = Phase::Panicked { message, replay: String::new() },
            },
            Action::Notice(fault, text) => model.notice(fault, text),
            Action::StorageLost => model.notice(true, model.lang.text().storage_lost.to_owned()),
            Action::Dismiss(id) => model.notices.retain(|notice| notice.id != id),
            Action::DismissRecovery => model.recovery = None,
            Action::DismissReturned => model.returned = None,
            Action::Go(place) => {
                let (place, refused) = match place {
                    Ok(place) => (Some(place), None),
                    Err((address, place)) => (place, Some(address)),
                };
                // What was only to be read belongs to the screen on which it came.
                model.notices.retain(|notice| notice.fault);
                if let Some(address) = refused {
                    model.notice(false, fill(model.lang.text().bad_address, &[&address]));
                }
                let Some(Place { screen, diagram, configs, partition }) = place else {
                    return Rc::new(model);
                };
                (model.diagram, model.configs_of, model.wanted) = (diagram, configs, partition);
                let arrives = model.screen != screen;
                model.screen = screen;
                model.choose_filled(arrives);
                model.sheet = screen == Screen::Console;
                // What the screen itself shows need not stand in the dock too.
                if screen == Screen::Console || (screen == Screen::Messages && model.tab == Tab::Inspector) {
                    model.tab = Tab::Console;
                }
            }
            Action::Looked => model.wanted = None,
            Action::Show(tab) => {
                (model.tab, model.sheet) = (tab, true);
                if matches!(tab, Tab::Charts | Tab::Files) {
                    model.side = tab;
                }
            }
            Action::Sheet(open) => model.sheet = open,
            Action::Choose(partition) => model.choose(partition, Picked::Partition),
            Action::ChooseTopic(topic) => {
                let filled = model.topic(&topic).and_then(|topic| newest_of(topic)).map(|log| log.partition);
                let filled = filled.filter(|_| model.screen == Screen::Messages);
                model.choose(PartitionName { topic, partition: filled.unwrap_or(0) }, Picked::Topic);
            }
            Action::Messaging(what) => {
                let number = model.number() as u32;
                model.messages.act(what, number);
            }
            Action::Unpick => model.token = None,
            Action::Unfollow => model.follow = None,
            Action::LookAt(at, (node, text)) => {
                model.look_at = Some(Shared::new(LookAt { at, node, text }));
            }
            Action::Close => model.exchange = None,
            Action::Did(deed) => model.deed = Some(Shared::new(deed)),
            Action::FollowedUp => (model.messages.follow_up, model.messages.sought) = (None, None),
            Action::Started(id, sends) => {
                model.console.running = Some(id);
                model.sending.extend(sends.then_some(id));
            }
            Action::Sends(id) => model.sending.push(id),
            Action::Ended(id, exit) => {
                model.tried[0] |= exit == 0 && model.sending.contains(&id);
                model.sending.retain(|sends| *sends != id);
                model.console.ended = Some((id, exit));
                if model.console.running == Some(id) {
                    model.console.running = None;
                }
                for file in &mut model.files {
                    if file.reading.is_some_and(|(reader, _)| reader == id) {
                        file.reading = None;
                    }
                }
            }
            // The console producer ends with 0 whatever became of its records.
            Action::NotSent(id) => model.sending.retain(|sends| *sends != id),
            Action::Prefill(line) => {
                let number = model.number() as u32;
                model.console.prefill = (number, line);
            }
            Action::Speak(lang) => model.lang = lang,
            Action::Paint(theme) => model.theme = theme,
            Action::Keep(durability) => model.durability = durability,
            Action::Unshare => model.shared = None,
            Action::Lesson(deed) => model.lesson_deed(deed),
            Action::TakingOver => model.phase = Phase::Loading { done: 0, total: 0 },
        }
        Rc::new(model)
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
