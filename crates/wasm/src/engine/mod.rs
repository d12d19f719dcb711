//! The engine: commands go in, what is to be shown comes out.
//!
//! It drives a [`Run`], which is all that can be rewound, and keeps what must not be: how fast time passes, what the
//! page has been shown, what the store has, and the record of everything that was done from outside.

mod events;
mod follow;
mod goals;
mod keeping;
mod rewind;
mod search;
mod sharing;
mod stage;
mod storing;
mod travel;
mod wire;
mod work;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use blumfeld_kernel::{FilePath, Instant, NodeId};
use blumfeld_shell::Language;
use blumfeld_sim::World;
use blumfeld_timeline::Timeline;
use blumfeld_view::{
    BatchDetail, BrowseView, ClientState, ClientView, ClockView, ClusterView, ConfigResource, ConfigsView,
    Delta, EventView, Fault, FollowView, FollowWhat, GoalsAsked, GoalsView, GroupView, Pace, RecoveryView,
    Returned, Seek, SegmentFile, StageView, StoreView, TimelineView,
};
use bytes::Bytes;

use crate::boot::Boot;
use crate::record::{Done, Record};
use crate::run::{Clock, ConsoleUpdate, FIRST, Progress, Rates, Run, records};
use follow::Follow;
use goals::Goals;
use keeping::Keeping;
use rewind::{Past, Seeking};
use sharing::Playing;
use stage::Stage;
use wire::WireReader;
pub use work::Cause;
use work::Work;

/// Events between two looks at the wall clock.
const EVENTS_A_LOOK: u32 = 64;
/// How far one turn jumps over idle time when nothing runs.
const IDLE_JUMP: Duration = Duration::from_secs(1);

/// Microseconds, whole ones without a rounding error.
fn micros(span: Duration) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "2^53 nanoseconds are 104 days")]
    let nanos = span.as_nanos() as f64;
    nanos / 1e3
}

/// A speed as it can be.
fn within(times: f64) -> f64 {
    if times.is_finite() { times.clamp(0.001, 1_000.0) } else { 1.0 }
}

/// A world with its console, clock and store.
pub struct Engine {
    cluster: String,
    seed: u64,
    run: Run,
    pace: Pace,
    /// The one at which time goes on.
    resumes: Pace,
    /// The speed that was asked for last.
    speed: f64,
    reached: f64,
    /// Virtual microseconds that the pace asked for and the engine still owes.
    owed: f64,
    language: Language,
    /// Clients, faults or durability may be others than the store has, whether or not a disk changed.
    unstored: bool,
    /// The browser's storage.
    store: StoreView,
    rates: Rates,
    /// What is in flight, while the page watches it.
    stage: Option<Stage>,
    /// What is followed.
    follow: Option<Follow>,
    /// What a lesson waits for.
    goals: Option<Goals>,
    /// What was read of what went over the network.
    wire: WireReader,
    view: ClusterView,
    recovery: Vec<RecoveryView>,
    /// Events that the next delta has to count, because nobody is told of them.
    events_left_out: u64,
    record: Rc<RefCell<Record>>,
    /// The first branch of the life whose beginning the record has.
    recorded: u32,
    timeline: Timeline<Run>,
    /// What of it is in the store.
    keeping: Keeping,
    /// An earlier moment that is looked at: then the shown run is not the living one.
    past: Option<Past>,
    seeking: Option<Seeking>,
    /// A line that takes a while.
    work: Option<Work>,
    /// Somebody's session that is run again.
    playing: Option<Playing>,
    /// Whether the world began with empty disks.
    began_empty: bool,
    /// Another run is shown than the page knows.
    rewound: bool,
    /// What the timeline has answered.
    said: Vec<ConsoleUpdate>,
    /// What the page was told of what happened.
    lines: VecDeque<EventView>,
    /// Which run lives, counted; and which one did when changes were last taken for the store.
    life: u64,
    taken_in: u64,
}

impl Engine {
    /// A world on these disks. Its broker starts with the first virtual moment.
    pub fn new(mut boot: Boot) -> Engine {
        let record = Rc::new(RefCell::new(Record::new(&boot)));
        let store = StoreView { durability: boot.durability, writer: true, ..StoreView::default() };
        let clock = ClockView::at(boot.now, Pace::Times(1.0));
        let (cluster, seed) = (boot.cluster.clone(), boot.seed);
        let past = std::mem::take(&mut boot.past);
        let began_empty = boot.disks.is_empty();
        let mut run = Run::new(boot);
        run.world.keep_wire(wire::KEPT);
        let (timeline, keeping) = keeping::resume(&run, past);
        let mut engine = Engine {
            cluster,
            seed,
            run,
            recorded: timeline.living_id(),
            timeline,
            keeping,
            past: None,
            seeking: None,
            work: None,
            playing: None,
            began_empty,
            rewound: false,
            said: Vec::new(),
            lines: VecDeque::new(),
            life: 0,
            taken_in: 0,
            pace: clock.pace,
            resumes: clock.pace,
            speed: clock.speed,
            reached: clock.reached,
            owed: 0.0,
            language: Language::English,
            unstored: false,
            store: store.clone(),
            rates: Rates::default(),
            stage: None,
            follow: None,
            goals: None,
            wire: WireReader::default(),
            view: ClusterView {
                clock,
                brokers: Vec::new(),
                groups: Vec::new(),
                transactions: Vec::new(),
                rebalances: Vec::new(),
                clients: Vec::new(),
                topics: Vec::new(),
                faults: Vec::new(),
                latencies: Vec::new(),
                store,
                timeline: TimelineView::default(),
            },
            recovery: Vec::new(),
            events_left_out: 0,
            record,
        };
        engine.view = engine.current_view();
        engine
    }

    /// The cluster's name.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Its seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.run.world
    }

    /// Everything that was done so far; shared, so that it can be read while a fault unwinds.
    pub fn record(&self) -> Rc<RefCell<Record>> {
        Rc::clone(&self.record)
    }

    /// Whether the broker serves clients.
    pub fn is_ready(&self) -> bool {
        self.run.world.is_ready()
    }

    /// A number that two runs share if everything in them was the same.
    pub fn digest(&self) -> u64 {
        self.run.world.digest()
    }

    // ---- time

    /// Sets the pace.
    pub fn set_pace(&mut self, pace: Pace) {
        let pace = match pace {
            Pace::Times(times) => Pace::Times(within(times)),
            other => other,
        };
        if let Pace::Times(times) = pace {
            self.speed = times;
        }
        self.resumes = match pace {
            Pace::Paused if self.pace == Pace::Paused => self.resumes,
            Pace::Paused => self.pace,
            other => other,
        };
        self.pace = pace;
        self.owed = 0.0;
    }

    /// Sets the speed; time that stands still stays so, and goes on with it.
    pub fn set_speed(&mut self, times: f64) {
        if self.pace == Pace::Paused {
            self.speed = within(times);
            self.resumes = Pace::Times(self.speed);
        } else {
            self.set_pace(Pace::Times(times));
        }
    }

    /// The pace that was asked for.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// Handles the next event and stands still.
    pub fn step(&mut self) {
        self.set_pace(Pace::Paused);
        if self.past.is_some() {
            let _ = self.begin_seek(Seek::Events(1));
            return;
        }
        if !self.run.world.awaits_store() {
            self.run.world.step();
            self.run.reached();
            self.look_at_followed();
            self.look_at_goals();
        }
        self.collect_all();
    }

    /// Goes to where a world had handled so many events and its clock showed `now`; false if this world is not there
    /// then.
    pub(crate) fn go_to(&mut self, events: u64, now: Instant) -> bool {
        while self.run.world.events() < events && self.run.world.next_event().is_some_and(|at| at <= now) {
            self.run.world.step();
        }
        self.run.world.idle_until(now);
        self.run.world.events() == events && self.run.world.now() == now
    }

    /// Lets virtual time run for `wall` of the wall clock; `out_of_time` says when a turn has taken long enough. Gives
    /// whether there is more to do at once.
    pub fn advance(&mut self, wall: Duration, mut out_of_time: impl FnMut() -> bool) -> bool {
        if self.seeking.is_some() {
            return self.go_on_seeking(&mut out_of_time);
        }
        if self.work.is_some() {
            self.owed = 0.0;
            return self.go_on_working(&mut out_of_time);
        }
        let before = self.run.world.now();
        let until = match self.pace_for(wall) {
            Pace::Paused => return false,
            Pace::Times(times) => {
                self.owed += micros(wall) * times;
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a short positive span"
                )]
                let whole = self.owed as u64;
                Some(before + Duration::from_micros(whole))
            }
            Pace::Fastest => None,
        };
        if self.past.is_some() {
            let more = self.play_past(until, &mut out_of_time);
            self.owed = 0.0;
            return more;
        }
        let (mut handled, mut late, mut stopped) = (0_u32, false, false);
        // What was done since the last turn needs no event to count.
        self.look_at_goals();
        loop {
            // Lines of a session that is run again come at their own moments.
            let due = self.playing.is_some().then(|| self.play_due()).flatten();
            let until = match (until, due) {
                (Some(until), Some(due)) => Some(until.min(due)),
                (until, due) => until.or(due),
            };
            if self.run.world.awaits_store() || self.run.is_choked() || self.file_wanted().is_some() {
                late = true;
                break;
            }
            // A condition may come to be so between two events.
            if let Some(alarm) = self.run.alarm().filter(|at| until.is_none_or(|until| *at <= until))
                && self.run.world.next_event().is_none_or(|at| at > alarm)
            {
                self.run.world.idle_until(alarm);
                if self.run.reached() {
                    stopped = true;
                    break;
                }
                continue;
            }
            match self.run.world.next_event() {
                Some(at) if until.is_none_or(|until| at <= until) => {
                    // With nothing running, as fast as possible would be an endless jump from timer to timer.
                    if until.is_none()
                        && self.run.is_idle()
                        && self.run.world.is_ready()
                        && at > before + IDLE_JUMP
                    {
                        self.run.world.idle_until(before + IDLE_JUMP);
                        break;
                    }
                    self.run.world.step();
                    self.look_at_goals();
                    // Whoever reads a stop wants to see the cluster as it was then.
                    if self.look_at_followed() {
                        late = true;
                        break;
                    }
                    if self.run.waits() && self.run.reached() {
                        stopped = true;
                        break;
                    }
                }
                _ => {
                    if let Some(until) = until {
                        self.run.world.idle_until(until);
                    }
                    break;
                }
            }
            handled += 1;
            if handled.is_multiple_of(EVENTS_A_LOOK) {
                self.collect_all();
                self.timeline.look(&self.run);
                if out_of_time() {
                    late = true;
                    break;
                }
            }
        }
        self.collect_all();
        let gone = self.run.world.now() - before;
        // What could not be done in time is not made up for: the page is told instead.
        self.owed = if late { 0.0 } else { (self.owed - micros(gone)).max(0.0) };
        if wall > Duration::ZERO {
            let now = gone.as_secs_f64() / wall.as_secs_f64();
            self.reached += (now - self.reached) * wall.as_secs_f64().min(1.0);
        }
        if stopped {
            self.set_pace(Pace::Paused);
            return false;
        }
        late || (until.is_none() && !self.run.is_idle())
    }

    // ---- following

    /// Follows something, or nothing any more.
    pub fn follow(&mut self, what: Option<FollowWhat>) -> bool {
        self.follow = what.and_then(|what| Follow::begin(what, &self.run));
        self.owed = 0.0;
        self.follow.is_some()
    }

    /// What changed of what is followed since the last call.
    pub fn take_followed(&mut self) -> Option<FollowView> {
        self.follow.as_mut()?.take()
    }

    fn look_at_followed(&mut self) -> bool {
        self.follow.as_mut().is_some_and(|follow| follow.look(&self.run))
    }

    /// How fast time goes for a turn: as what is followed wants it, unless it stands still.
    fn pace_for(&mut self, wall: Duration) -> Pace {
        let followed = self.follow.as_mut().filter(|_| self.pace != Pace::Paused);
        match followed.and_then(|follow| follow.pace(wall)) {
            Some(times) if times > 0.0 => Pace::Times(times),
            Some(_) => Pace::Paused,
            None => self.pace,
        }
    }

    // ---- lessons

    /// Watches what a lesson waits for, or nothing any more.
    ///
    /// # Errors
    /// A condition or a fact cannot be read.
    pub fn watch_goals(&mut self, asked: Option<GoalsAsked>) -> Result<(), String> {
        self.goals = None;
        if let Some(asked) = asked {
            self.goals = Some(Goals::begin(asked, &mut self.run.world)?);
        }
        Ok(())
    }

    /// How what a lesson waits for stands, where that has changed since the last call.
    pub fn take_goals(&mut self) -> Option<GoalsView> {
        self.goals.as_mut()?.take(&self.run.world)
    }

    fn look_at_goals(&mut self) {
        if let Some(goals) = self.goals.as_mut().filter(|_| self.past.is_none()) {
            goals.look(&self.run.world);
        }
    }

    // ---- console

    /// Says in which language the console's own words are.
    pub fn set_language(&mut self, language: &str) {
        self.language = if language == "ko" { Language::Korean } else { Language::English };
    }

    /// Runs a command line. One that waits for something lets time go on, and where that is so already it stands still.
    pub fn console(&mut self, id: u32, line: &str) {
        if let Some(order) = blumfeld_console::timeline(line) {
            return self.obey_timeline(id, order);
        }
        // What only explains does nothing to the cluster, and is told although time stands still.
        if let Some(text) = self.run.explanation(line, self.language) {
            return self.answer_line(id, Ok(text));
        }
        self.act(line);
        self.note(Done::Console { id, line: line.to_owned() });
        self.unstored = true;
        match self.run.console(id, line, self.language) {
            Clock::Starts if self.pace == Pace::Paused => self.set_pace(self.resumes),
            Clock::Stops => self.set_pace(Pace::Paused),
            Clock::Starts | Clock::Goes => {}
        }
    }

    /// What could stand at the end of a line, and the stem that it replaces.
    pub fn complete(&self, line: &str) -> (Vec<String>, String) {
        self.run.complete(line, self.language)
    }

    /// Writes to a command's standard input.
    pub fn stdin(&mut self, id: u32, bytes: Bytes) {
        self.act("stdin");
        self.note(Done::Stdin { id, bytes: bytes.clone() });
        self.run.stdin(id, bytes);
    }

    /// Ends a command's standard input.
    pub fn close_stdin(&mut self, id: u32) {
        self.act("stdin");
        self.note(Done::StdinClosed { id });
        self.run.close_stdin(id);
    }

    /// Ctrl-C for a command.
    pub fn interrupt(&mut self, id: u32) {
        if self.stop_work(id) {
            return;
        }
        self.act("interrupt");
        self.note(Done::Interrupt { id });
        self.run.interrupt(id);
    }

    fn collect_all(&mut self) {
        if self.past.is_some() {
            return;
        }
        self.run.collect_leaving();
        for id in self.run.commands() {
            self.collect(id);
        }
    }

    /// Takes what a command has written.
    pub(crate) fn collect(&mut self, id: u32) {
        if self.run.collect(id) {
            self.note(Done::Collect { id });
        }
    }

    /// What the commands have written since the last call, at most `limit` bytes of each.
    pub fn take_console(&mut self, limit: usize) -> Vec<ConsoleUpdate> {
        let mut updates = std::mem::take(&mut self.said);
        if self.past.is_none() {
            updates.extend(self.run.take_console(limit));
        }
        updates
    }

    /// Deals with the clients of an earlier life, once the cluster serves: takes their members out of their groups, and
    /// begins again what ran in the background.
    pub fn bring_back(&mut self) -> Returned {
        self.note(Done::BringBack);
        self.run.bring_back(self.language)
    }

    // ---- dropped files

    /// Notes a dropped file.
    pub fn add_file(&mut self, name: &str, size: u64) {
        self.act(name);
        self.note(Done::AddFile { name: name.to_owned(), size });
        self.run.add_file(name, size);
    }

    /// Forgets a dropped file. A command that reads it finds its end.
    pub fn remove_file(&mut self, name: &str) {
        if self.run.has_file(name) {
            self.act(name);
            self.note(Done::RemoveFile { name: name.to_owned() });
            self.run.remove_file(name);
        }
    }

    /// The command that waits for a piece of a dropped file: its id, the file, and the first byte. Virtual time stands
    /// still meanwhile: how fast the browser reads is no part of the world.
    pub fn file_wanted(&self) -> Option<(u32, String, u64)> {
        self.run.file_wanted()
    }

    /// How far the commands that read files have come.
    pub fn progress(&self) -> impl Iterator<Item = &Progress> {
        self.run.progress()
    }

    // ---- faults and files

    /// Breaks something, or mends it.
    pub fn fault(&mut self, fault: Fault) {
        self.act(&match fault {
            Fault::Crash(node) => format!("fault crash {node}"),
            Fault::PowerCut(node) => format!("fault power-cut {node}"),
            Fault::Restart(node) => format!("fault restart {node}"),
        });
        self.note(Done::Fault(fault));
        self.unstored = true;
        self.run.break_or_mend(fault);
    }

    /// A file of the node's disk as it is now.
    pub fn disk_file(&self, node: i32, path: &str) -> Option<&blumfeld_kernel::File> {
        self.run.world.disk(NodeId(node)).and_then(|disk| disk.disk().file(path))
    }

    // ---- what is shown

    fn current_view(&mut self) -> ClusterView {
        #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
        let unix_ms = self.run.world.unix_ms() as f64;
        let groups = self.run.world.group_views();
        ClusterView {
            clients: self.client_views(&groups),
            groups,
            transactions: self.run.world.transaction_views(),
            rebalances: self.run.world.rebalance_views(),
            clock: ClockView {
                now: self.run.world.now().as_micros(),
                unix_ms,
                pace: self.pace,
                reached: self.reached,
                events: self.run.world.events(),
                resumes: self.resumes,
                speed: self.speed,
                waits: self.run.waiting(),
                next: (self.pace == Pace::Paused).then(|| self.run.world.next_view()).flatten(),
            },
            brokers: self.run.world.broker_views(),
            topics: self.run.world.topic_views(),
            faults: self.run.world.faults().iter().map(ToString::to_string).collect(),
            latencies: self.run.world.latency_views(),
            store: self.store.clone(),
            timeline: self.timeline_view(),
        }
    }

    /// How every client stands now, but for how fast it is: in the background, and in the console.
    pub fn clients(&self) -> Vec<ClientView> {
        self.run.clients(&self.run.world.group_views())
    }

    /// The same, each with how fast it is.
    fn client_views(&mut self, groups: &[GroupView]) -> Vec<ClientView> {
        let mut views = self.run.clients(groups);
        let now = self.run.world.now();
        for view in &mut views {
            if !matches!(view.state, ClientState::Ended(_)) {
                view.rate = self.rates.look(NodeId(view.id), now, records(&view.role));
            }
        }
        self.rates.retain(|process| views.iter().any(|view| view.id == process.0));
        views
    }

    fn take_events(&mut self) -> Vec<EventView> {
        let (lines, dropped) = self.run.world.trace_mut().take_news();
        self.recovery.extend(lines.iter().filter_map(events::recovered));
        let (events, left_out) = events::told(&lines);
        self.keep_lines(&events);
        self.events_left_out += dropped + left_out;
        events
    }

    /// Everything that is drawn, and what recovery found at the start.
    pub fn ready_view(&mut self) -> (ClusterView, Vec<RecoveryView>, Vec<EventView>) {
        let events = self.take_events();
        self.view = self.current_view();
        (self.view.clone(), std::mem::take(&mut self.recovery), events)
    }

    /// Everything that is drawn, as the page was told last.
    pub fn told_view(&self) -> ClusterView {
        self.view.clone()
    }

    /// What changed since the last call.
    pub fn take_delta(&mut self) -> Delta {
        let events = self.take_events();
        let left_out = std::mem::take(&mut self.events_left_out);
        self.recovery.clear();
        let view = self.current_view();
        let delta = view.delta_from(&self.view, events, left_out);
        self.view = view;
        delta
    }

    /// Tells what is in flight from now on, or tells it no more.
    pub fn watch(&mut self, on: bool) {
        self.stage = on.then(Stage::default);
    }

    /// What changed in what is in flight since the last call; nothing if nobody watches it or no time has passed.
    pub fn take_stage(&mut self) -> Option<StageView> {
        self.stage.as_mut()?.take(&self.run.world)
    }

    /// The configs of something, as a broker describes them.
    pub fn configs(&self, of: &ConfigResource) -> ConfigsView {
        self.run.world.configs_view(of)
    }

    /// The batches of a partition around an offset.
    pub fn browse(&self, topic: &str, partition: i32, offset: i64, limit: u32) -> Result<BrowseView, String> {
        let limit = usize::try_from(limit.clamp(1, 500)).unwrap_or(1);
        self.run.world.browse(topic, partition, offset, limit).ok_or_else(|| not_here(topic, partition))
    }

    /// One batch with its records and bytes.
    pub fn batch(
        &self,
        topic: &str,
        partition: i32,
        base_offset: i64,
        around: Option<i64>,
    ) -> Result<BatchDetail, String> {
        let found = self.run.world.batch_detail(topic, partition, base_offset, around);
        found.ok_or_else(|| not_here(topic, partition))
    }

    /// A segment's file, with the name to save it under.
    pub fn download(
        &self,
        topic: &str,
        partition: i32,
        base_offset: i64,
        file: SegmentFile,
    ) -> Result<(String, Bytes), String> {
        let suffix = match file {
            SegmentFile::Log => "log",
            SegmentFile::Index => "index",
            SegmentFile::Timeindex => "timeindex",
        };
        let name = format!("{base_offset:020}.{suffix}");
        let path: FilePath = format!("{topic}-{partition}/{name}").into();
        let holder = self.run.world.holder_of(topic, partition).map_or(FIRST.0, |node| node.0);
        let file = self.disk_file(holder, &path).ok_or_else(|| format!("there is no file {path}"))?;
        Ok((name, file.read_all()))
    }
}

fn not_here(topic: &str, partition: i32) -> String {
    format!("{topic}-{partition} is not here, or its broker is down")
}
