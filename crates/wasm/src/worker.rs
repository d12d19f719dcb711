//! The engine in a Web Worker: messages from the page, the wall clock, dropped files, IndexedDB.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use blumfeld_logdirs::Opened;
use blumfeld_store::{ClusterLock, IndexedDb, LockError, Memory, Mirror, Port, StoreError};
use blumfeld_view::{Command, Durability, Pace, Update};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DedicatedWorkerGlobalScope, File, MessageChannel, MessageEvent};

use crate::boot::Boot;
use crate::comparing::Comparing;
use crate::dropped::Dropped;
use crate::engine::Engine;
use crate::era::Era;
use crate::keeper::{Committed, Keeper, TakenOver};
use crate::log_dirs;
use crate::record::Record;
use crate::watchers::{Asked, Watchers, Watching};

/// The engine works so long, in milliseconds, before it looks at messages again.
const TURN_MS: f64 = 12.0;
/// It rests so long, in milliseconds, when there is nothing to do.
const REST_MS: u32 = 8;
/// The page is told what changed this often, in milliseconds: as often as it draws.
const DELTA_MS: f64 = 100.0;
/// Time between two messages of what is in flight, in milliseconds: a frame of most screens, or a little less.
const STAGE_MS: f64 = 14.0;
/// A dropped file is read in pieces of so many bytes.
const PIECE: f64 = 256.0 * 1024.0;
/// One message holds at most so many bytes of a command's output.
const CONSOLE_BYTES: usize = 64 * 1024;
/// How far a world has to come before it must be ready, in turns.
const START_TURNS: u32 = 100_000;

thread_local! {
    /// What the panic hook sends.
    static RECORD: RefCell<Option<Rc<RefCell<Record>>>> = const { RefCell::new(None) };
    /// Tabs that see what is posted.
    static WATCHERS: RefCell<Watchers> = RefCell::default();
}

/// What the page sent.
enum Message {
    Command(Command),
    File(File),
    /// Files of log directories, with their paths.
    LogDirs(Vec<(String, File)>),
}

type Inbox = Rc<RefCell<VecDeque<Message>>>;

/// Begins: says hello to the page and waits for its commands.
pub fn start() {
    std::panic::set_hook(Box::new(|info| {
        let replay = RECORD.with(|record| {
            let record = record.try_borrow().ok();
            let record = record.as_ref().and_then(|record| record.as_ref());
            record.and_then(|record| record.try_borrow().ok().map(|record| record.to_json()))
        });
        post(&Update::Panicked { message: info.to_string(), replay: replay.unwrap_or_default() });
    }));
    let inbox: Inbox = Rc::default();
    let incoming = Rc::clone(&inbox);
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let data = event.data();
        match data.dyn_into::<File>() {
            Ok(file) => incoming.borrow_mut().push_back(Message::File(file)),
            Err(data) if Array::is_array(&data) => {
                let pairs = Array::from(&data);
                let files = pairs.iter().filter_map(|pair| {
                    let pair = Array::from(&pair);
                    Some((pair.get(0).as_string()?, pair.get(1).dyn_into::<File>().ok()?))
                });
                incoming.borrow_mut().push_back(Message::LogDirs(files.collect()));
            }
            Err(data) => match serde_wasm_bindgen::from_value::<Command>(data) {
                Ok(command) => incoming.borrow_mut().push_back(Message::Command(command)),
                Err(error) => error_message(format!("The engine does not know this command: {error}")),
            },
        }
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // The worker lives as long as the page.
    on_message.forget();
    post(&Update::Hello);
    spawn_local(run(inbox));
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

fn now_ms() -> f64 {
    scope().performance().map_or_else(js_sys::Date::now, |performance| performance.now())
}

fn post(update: &Update) {
    // A value of the view crate always becomes a JavaScript value; a page that is gone takes no messages.
    if let Ok(value) = serde_wasm_bindgen::to_value(update) {
        let own = WATCHERS.with_borrow(|watchers| watchers.pass_on(update, &value));
        if own {
            let _ = scope().post_message(&value);
        }
    }
}

fn error_message(message: String) {
    post(&Update::Error { message });
}

/// Lets the worker hear what has come in, and go on at once: browsers let a timer that follows others wait for 4 ms,
/// which would be a quarter of an engine's time. A message to oneself waits for nothing.
struct Breath(Option<MessageChannel>);

impl Breath {
    fn new() -> Breath {
        Breath(MessageChannel::new().ok())
    }

    async fn take(&self) {
        let Some(channel) = &self.0 else { return TimeoutFuture::new(0).await };
        let (here, there) = (channel.port1(), channel.port2());
        let heard = Promise::new(&mut |resolve, _| {
            here.set_onmessage(Some(&resolve));
            // Nothing can be wrong with a null.
            let _ = there.post_message(&JsValue::NULL);
        });
        let _ = JsFuture::from(heard).await;
    }
}

/// What a life of a cluster begins with.
enum Begin {
    /// What is stored, if anything is.
    Stored,
    /// Nothing: what is stored is deleted.
    Fresh,
    /// Log directories, in the place of what is stored.
    Opened(Box<Opened>),
}

/// Why a cluster's life in this tab ended.
enum End {
    /// Another tab writes to it.
    Locked,
    /// Another tab has taken it over.
    TakenOver,
    /// It is to start over, with this seed.
    Reset(u64),
    /// Another cluster is to take its place, with this seed.
    Opened(Box<Opened>, u64),
    /// It cannot be read; nothing was changed.
    Unreadable(String),
}

async fn run(inbox: Inbox) {
    let (cluster, mut durability, mut seed, brokers, forget) = loop {
        let message = inbox.borrow_mut().pop_front();
        match message {
            Some(Message::Command(Command::Boot { cluster, durability, seed, brokers, forget })) => {
                break (cluster, durability, seed, brokers, forget);
            }
            Some(_) => error_message("The cluster is not open yet.".to_owned()),
            None => TimeoutFuture::new(REST_MS).await,
        }
    };
    let (mut steal, mut begin) = (false, Begin::Stored);
    loop {
        let begins = std::mem::replace(&mut begin, Begin::Stored);
        let end = life(&inbox, (&cluster, brokers), &mut durability, seed, (steal, forget), begins).await;
        RECORD.with(|record| *record.borrow_mut() = None);
        match end {
            End::Reset(new) => {
                (seed, steal, begin) = (new, true, Begin::Fresh);
                continue;
            }
            End::Opened(opened, new) => {
                (seed, steal, begin) = (new, true, Begin::Opened(opened));
                continue;
            }
            End::Locked => post(&Update::Locked),
            End::TakenOver => post(&Update::TakenOver),
            End::Unreadable(what) => {
                error_message(format!("{what}. Nothing was changed. Reset the cluster to start over."));
            }
        }
        // Nothing runs until the page says how to go on. Meanwhile it sees what the tab does that has the cluster.
        let mut watching = Watching::begin(&cluster);
        loop {
            if let Some(told) = watching.as_mut().map(|watching| watching.turn(now_ms())) {
                match told {
                    Some(updates) => updates.iter().for_each(|update| drop(scope().post_message(update))),
                    None => post(&Update::Locked),
                }
            }
            let message = inbox.borrow_mut().pop_front();
            match message {
                Some(Message::Command(Command::TakeOver)) => {
                    steal = true;
                    break;
                }
                Some(Message::Command(Command::Reset { seed: new })) => {
                    (seed, steal, begin) = (new, true, Begin::Fresh);
                    break;
                }
                Some(Message::Command(Command::Flush)) => post(&Update::Flushed),
                Some(Message::Command(command)) if command.only_looks() => {
                    if let Some(watching) = &watching {
                        watching.ask(&command);
                    }
                }
                Some(_) => {}
                None => TimeoutFuture::new(REST_MS).await,
            }
        }
    }
}

/// One life of a cluster in this tab: from taking its lock to losing it.
async fn life(
    inbox: &Inbox,
    (cluster, brokers): (&str, i32),
    durability: &mut Option<Durability>,
    seed: u64,
    (steal, forget): (bool, bool),
    begin: Begin,
) -> End {
    let lost = Rc::new(Cell::new(false));
    if forget {
        return live(inbox, (cluster, brokers), durability, seed, begin, Memory::new(), false, &lost).await;
    }
    let flag = Rc::clone(&lost);
    let lock = match ClusterLock::take(cluster, steal, move || flag.set(true)).await {
        Ok(lock) => Some(lock),
        Err(LockError::Taken) => return End::Locked,
        // Without Web Locks the writer's epoch in the store still keeps two tabs apart.
        Err(LockError::Unsupported(_)) => None,
    };
    let end = match IndexedDb::open(cluster).await {
        Ok(database) => live(inbox, (cluster, brokers), durability, seed, begin, database, true, &lost).await,
        Err(error) => {
            error_message(format!("This browser keeps nothing for this page: {error}"));
            live(inbox, (cluster, brokers), durability, seed, begin, Memory::new(), false, &lost).await
        }
    };
    drop(lock);
    end
}

#[allow(clippy::too_many_arguments, reason = "called once; the arguments are what a life consists of")]
async fn live<P: Port + Clone + 'static>(
    inbox: &Inbox,
    (cluster, brokers): (&str, i32),
    durability: &mut Option<Durability>,
    seed: u64,
    begin: Begin,
    port: P,
    persistent: bool,
    lost: &Rc<Cell<bool>>,
) -> End {
    let fresh = matches!(begin, Begin::Fresh);
    let mut last = 0.0;
    let progress = |done, total| {
        let now = now_ms();
        if now - last > DELTA_MS || done == total {
            last = now;
            post(&Update::Loading { done, total });
        }
    };
    let (mut mirror, mut loaded) = match Mirror::open(port, progress).await {
        Ok(opened) => opened,
        Err(StoreError::Damaged(what)) if !fresh => {
            return End::Unreadable(format!("The stored cluster cannot be read: {what}"));
        }
        Err(error) => return End::Unreadable(error.to_string()),
    };
    if fresh {
        if let Err(error) = mirror.clear().await {
            return End::Unreadable(error.to_string());
        }
        loaded = blumfeld_store::Loaded::default();
    }
    for file in &loaded.damaged {
        error_message(format!("A stored file was cut: {file}"));
    }
    let begins = loaded.meta.is_none();
    let missing = !fresh && begins;
    #[allow(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
    let now_ms = js_sys::Date::now() as i64;
    let stored = loaded.meta.as_ref().and_then(|meta| meta.strict);
    let stored = stored.map(|strict| if strict { Durability::Strict } else { Durability::Relaxed });
    let chosen = durability.or(stored).unwrap_or_default();
    if let Begin::Opened(opened) = begin {
        let about = (seed, now_ms, chosen == Durability::Strict);
        match log_dirs::replace(&mut mirror, &loaded, *opened, about).await {
            Ok(replaced) => loaded = replaced,
            Err(StoreError::Fenced { .. }) => return End::TakenOver,
            Err(error) => error_message(format!(
                "The log directories were not opened, as the browser's storage did not take them: {error}"
            )),
        }
    }
    let fresh = Boot::fresh(cluster, seed, now_ms, brokers, chosen);
    let engine = Engine::new(Boot::of(loaded, mirror.boot(), fresh));
    let seed = engine.seed();
    RECORD.with(|record| *record.borrow_mut() = Some(engine.record()));
    let mut life = Life {
        engine,
        keeper: Keeper::new(mirror),
        committed: Rc::default(),
        piece: Rc::default(),
        reading: false,
        files: BTreeMap::new(),
        flush_wanted: false,
        reported: BTreeMap::new(),
        persistent,
        watched: false,
        comparing: Comparing::default(),
        era: Era::default(),
        dropped: Dropped::default(),
        opening: None,
        ended: None,
        played: false,
    };
    if let Some(end) = life.start().await {
        return end;
    }
    let returned = life.engine.bring_back();
    let (view, recovery, events) = life.engine.ready_view();
    let delta = view.delta_from(&view, events, 0);
    WATCHERS.with_borrow_mut(|watchers| watchers.listen(cluster));
    let cluster = cluster.to_owned();
    let free_line = life.engine.free_line();
    post(&Update::Ready { cluster, seed, view, recovery, persistent, missing, begins, returned, free_line });
    post(&Update::Delta(delta));
    let end = life.run(inbox, lost).await;
    WATCHERS.with_borrow_mut(|watchers| *watchers = Watchers::default());
    // Another tab may choose another one before this one takes the cluster back.
    *durability = match end {
        End::TakenOver => None,
        _ => Some(life.engine.durability()),
    };
    end
}

type Piece = Rc<RefCell<Option<(u32, String, Result<Vec<u8>, String>)>>>;

struct Life<P> {
    engine: Engine,
    keeper: Keeper<P>,
    /// A commit that has come to its end.
    committed: Rc<RefCell<Option<Committed<P>>>>,
    piece: Piece,
    reading: bool,
    files: BTreeMap<String, File>,
    flush_wanted: bool,
    /// Progress that the page knows of, by command.
    reported: BTreeMap<u32, u64>,
    /// Whether the store keeps anything.
    persistent: bool,
    /// Whether the page watches what is in flight.
    watched: bool,
    /// Whether a session is run again, and the page was not told yet that it is over.
    played: bool,
    /// Two other worlds, side by side.
    comparing: Comparing,
    /// The cluster of the time before KRaft.
    era: Era,
    /// Log directories that were dropped.
    dropped: Dropped,
    /// Those that are to take the cluster's place once all of it is stored, so that it goes on if they cannot.
    opening: Option<(Box<Opened>, u64)>,
    ended: Option<End>,
}

impl<P: Port + 'static> Life<P> {
    /// Runs until the broker serves.
    async fn start(&mut self) -> Option<End> {
        for _ in 0..START_TURNS {
            if self.engine.is_ready() {
                return None;
            }
            self.engine.advance(Duration::from_millis(5), || false);
            self.store();
            if self.keeper.is_busy() {
                TimeoutFuture::new(0).await;
            }
            if self.ended.is_some() {
                return self.ended.take();
            }
        }
        Some(End::Unreadable("The brokers do not start".to_owned()))
    }

    async fn run(&mut self, inbox: &Inbox, lost: &Rc<Cell<bool>>) -> End {
        let (mut last_turn, mut last_delta, mut last_stage) = (now_ms(), 0.0, 0.0);
        let breath = Breath::new();
        loop {
            loop {
                let message = inbox.borrow_mut().pop_front();
                match message {
                    Some(Message::Command(command)) => self.command(command),
                    Some(Message::File(file)) => self.add_file(file),
                    Some(Message::LogDirs(files)) => {
                        self.dropped.read(files, |view| post(&Update::LogDirs(Some(view))));
                    }
                    None => break,
                }
            }
            self.tell_watchers();
            if lost.get() {
                return End::TakenOver;
            }
            if let Some(end) = self.ended.take() {
                return end;
            }
            let turn = now_ms();
            let wall = Duration::from_secs_f64(((turn - last_turn) / 1e3).clamp(0.0, 0.25));
            last_turn = turn;
            let more = self.engine.advance(wall, || now_ms() - turn > TURN_MS);
            self.store();
            self.read_file();
            self.tell_console();
            let now = now_ms();
            if now - last_stage >= STAGE_MS
                && let Some(stage) = self.engine.take_stage()
            {
                last_stage = now;
                post(&Update::Stage(stage));
            }
            if let Some(followed) = self.engine.take_followed() {
                post(&Update::Follow(Some(Box::new(followed))));
            }
            if let Some((view, events)) = self.engine.take_rewound() {
                last_delta = now;
                post(&Update::Rewound { view: Box::new(view), events });
            }
            if now - last_delta >= DELTA_MS {
                last_delta = now;
                post(&Update::Delta(self.engine.take_delta()));
                if self.played && !self.engine.is_playing() {
                    self.played = false;
                    post(&Update::Played);
                }
                if let Some(goals) = self.engine.take_goals() {
                    post(&Update::Goals(goals));
                }
            }
            if let Some(told) = self.comparing.turn(now_ms) {
                post(&Update::Compare(told));
            }
            if let Some(told) = self.era.turn(now_ms) {
                post(&Update::Failover(told));
            }
            if more || self.comparing.is_busy() || self.era.is_busy() {
                breath.take().await;
            } else {
                // What is under way elsewhere is not waited for in a circle.
                let busy = self.keeper.is_busy() || self.reading;
                TimeoutFuture::new(if busy { 0 } else { REST_MS }).await;
            }
        }
    }

    fn command(&mut self, command: Command) {
        let engine = &mut self.engine;
        match command {
            Command::Boot { .. } | Command::TakeOver => {}
            Command::SetDurability(durability) => engine.set_durability(durability),
            Command::SetPace(pace) => engine.set_pace(pace),
            Command::Go(times) => {
                if engine.pace() == Pace::Paused && !engine.is_in_the_past() {
                    engine.set_pace(Pace::Times(times));
                }
            }
            Command::SetSpeed(times) => engine.set_speed(times),
            Command::Step => engine.step(),
            Command::Seek(to) => {
                if let Err(message) = engine.seek(to) {
                    error_message(message);
                }
            }
            Command::SetLanguage(language) => engine.set_language(&language),
            Command::Console { id, line } => {
                engine.console(id, &line);
                post(&Update::Ran { line });
            }
            Command::Stdin { id, text } => engine.stdin(id, text.into()),
            Command::StdinClosed { id } => engine.close_stdin(id),
            Command::Interrupt { id } => engine.interrupt(id),
            Command::Complete { id, line } => {
                let (words, stem) = engine.complete(&line);
                post(&Update::Completions { id, words, stem });
            }
            Command::RemoveFile { name } => {
                engine.remove_file(&name);
                self.files.remove(&name);
                post(&Update::FileRemoved { name });
            }
            Command::Browse { topic, partition, offset, limit } => {
                match engine.browse(&topic, partition, offset, limit) {
                    Ok(view) => post(&Update::Browse(view)),
                    Err(message) => error_message(message),
                }
            }
            Command::Batch { topic, partition, base_offset, around } => {
                match engine.batch(&topic, partition, base_offset, around) {
                    Ok(view) => post(&Update::Batch(view)),
                    Err(message) => error_message(message),
                }
            }
            Command::Compaction { topic, partition, from } => {
                if let Some(view) = engine.world().compaction_view(&topic, partition, from) {
                    post(&Update::Compaction(view));
                }
            }
            Command::Moment { topic, partition, moment } => match engine.moment(&topic, partition, moment) {
                Ok(view) => post(&Update::Moment(view)),
                Err(message) => error_message(message),
            },
            Command::Search(query) => post(&Update::Search(engine.search(&query))),
            Command::Download { topic, partition, base_offset, file } => {
                match engine.download(&topic, partition, base_offset, file) {
                    Ok((name, bytes)) => post(&Update::Download { name, bytes: bytes.to_vec().into() }),
                    Err(message) => error_message(message),
                }
            }
            Command::Watch(on) => {
                self.watched = on;
                self.engine.watch(on || WATCHERS.with_borrow(Watchers::is_watched));
            }
            Command::Token(key) => post(&Update::Token(engine.world().token_detail(key).map(Box::new))),
            Command::Follow(what) => {
                if !engine.follow(what) {
                    post(&Update::Follow(None));
                }
            }
            Command::Share => post(&Update::Shared(engine.share())),
            Command::Play { deeds, until } => {
                engine.play(deeds, until);
                // A short session is over before the next delta: asking the engine then would miss it.
                self.played = true;
            }
            Command::Goals(asked) => {
                if let Err(message) = engine.watch_goals(asked) {
                    error_message(message);
                }
            }
            Command::Wire(query) => post(&Update::Wire(engine.wire(&query))),
            Command::Exchange(number) => post(&Update::Exchange(engine.exchange(number).map(Box::new))),
            Command::Configs(of) => post(&Update::Configs(engine.configs(&of))),
            Command::ZooKeeper(deed) => post(&Update::ZooKeeper(Box::new(self.era.act(&deed)))),
            Command::Failover(partitions) => {
                let seed = engine.seed();
                self.era.compare(partitions, seed);
            }
            Command::Compare { preset, seconds } => self.comparing.begin(preset, engine.seed(), seconds),
            Command::StopComparing => {
                if let Some(told) = self.comparing.stop() {
                    post(&Update::Compare(told));
                }
            }
            Command::Fault(fault) => engine.fault(fault),
            Command::Flush => {
                engine.sync();
                self.flush_wanted = true;
            }
            Command::Reset { seed } => self.ended = Some(End::Reset(seed)),
            Command::Export { broker } => match log_dirs::export(engine.world(), broker) {
                Ok((name, bytes)) => post(&Update::Download { name, bytes: bytes.into() }),
                Err(message) => error_message(message),
            },
            Command::OpenLogDirs { seed } => {
                if let Some(opened) = self.dropped.take() {
                    self.opening = Some((Box::new(opened), seed));
                    engine.sync();
                    self.flush_wanted = true;
                }
            }
            Command::ForgetLogDirs => {
                self.dropped.forget();
                post(&Update::LogDirs(None));
            }
        }
    }

    // ---- watchers

    /// Tells those who watch everything, or what they have asked.
    fn tell_watchers(&mut self) {
        let (asked, before, after) = WATCHERS.with_borrow_mut(|watchers| {
            let before = watchers.is_watched();
            (watchers.asked(now_ms()), before, watchers.is_watched())
        });
        let mut joined = false;
        for asked in asked {
            let (to, command) = match asked {
                Asked::All(to) => (to, None),
                Asked::Command(to, command) => (to, Some(command)),
            };
            WATCHERS.with_borrow_mut(|watchers| watchers.only(Some(to)));
            match command {
                Some(command) if command.only_looks() => self.command(*command),
                Some(_) => error_message("This tab watches; another one runs the cluster.".to_owned()),
                None => {
                    joined = true;
                    let (cluster, seed) = (self.engine.cluster().to_owned(), self.engine.seed());
                    let (view, persistent) = (self.engine.told_view(), self.persistent);
                    post(&Update::Watching { cluster, seed, view, persistent });
                }
            }
            WATCHERS.with_borrow_mut(|watchers| watchers.only(None));
        }
        // What is in flight is told as changes: whoever is new needs all of it.
        if joined || (before && !after) {
            self.engine.watch(after || self.watched);
        }
    }

    // ---- store

    /// Takes what became of a commit, and begins the next one if it is time.
    fn store(&mut self) {
        let done = self.committed.borrow_mut().take();
        if let Some(done) = done
            && let Err(TakenOver) = self.keeper.finish(&mut self.engine, now_ms(), done)
        {
            self.ended = Some(End::TakenOver);
            return;
        }
        let now = now_ms();
        if self.flush_wanted
            && !self.keeper.is_busy()
            && !self.engine.has_changes()
            && !self.engine.awaits_store()
        {
            self.flush_wanted = false;
            if let Some((opened, seed)) = self.opening.take() {
                self.ended = Some(End::Opened(opened, seed));
            }
            return post(&Update::Flushed);
        }
        let Some(commit) = self.keeper.begin(&mut self.engine, now, self.flush_wanted) else { return };
        self.keeper.took(now_ms(), now_ms() - now);
        let slot = Rc::clone(&self.committed);
        spawn_local(async move {
            let done = commit.run().await;
            *slot.borrow_mut() = Some(done);
        });
    }

    // ---- files

    fn add_file(&mut self, file: File) {
        // A file dropped twice replaces the earlier one of its name.
        let name = file.name();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a file's size in bytes")]
        let size = file.size() as u64;
        self.engine.remove_file(&name);
        self.engine.add_file(&name, size);
        self.files.insert(name.clone(), file);
        post(&Update::FileAdded { name, size });
    }

    /// Takes a piece that was read, and begins to read the next one if a command waits for it.
    fn read_file(&mut self) {
        let read = self.piece.borrow_mut().take();
        if let Some((id, name, result)) = read {
            self.reading = false;
            match result {
                Ok(bytes) if !bytes.is_empty() => self.engine.stdin(id, bytes.into()),
                Ok(_) => self.engine.close_stdin(id),
                Err(error) => {
                    error_message(format!("{name} cannot be read: {error}"));
                    self.engine.close_stdin(id);
                }
            }
        }
        if self.reading {
            return;
        }
        let Some((id, name, from)) = self.engine.file_wanted() else { return };
        let Some(file) = self.files.get(&name) else { return self.engine.close_stdin(id) };
        #[allow(clippy::cast_precision_loss, reason = "a file's size in bytes")]
        let from = from as f64;
        let blob = match file.slice_with_f64_and_f64(from, (from + PIECE).min(file.size())) {
            Ok(blob) => blob,
            Err(_) => return self.engine.close_stdin(id),
        };
        self.reading = true;
        let slot = Rc::clone(&self.piece);
        spawn_local(async move {
            let result = match JsFuture::from(blob.array_buffer()).await {
                Ok(buffer) => Ok(Uint8Array::new(&buffer).to_vec()),
                Err(error) => Err(js_sys::Error::from(error).message().into()),
            };
            *slot.borrow_mut() = Some((id, name, result));
        });
    }

    // ---- console

    fn tell_console(&mut self) {
        let progress: Vec<(u32, String, u64, u64)> = (self.engine.progress())
            .filter(|progress| self.reported.get(&progress.id) != Some(&progress.done))
            .map(|progress| (progress.id, progress.name.clone(), progress.done, progress.total))
            .collect();
        for (id, name, done, total) in progress {
            self.reported.insert(id, done);
            post(&Update::FileProgress { id, name, done, total });
        }
        for update in self.engine.take_console(CONSOLE_BYTES) {
            if update.exit.is_some() {
                self.reported.remove(&update.id);
            }
            post(&Update::Console { id: update.id, output: update.output, exit: update.exit });
        }
    }
}
