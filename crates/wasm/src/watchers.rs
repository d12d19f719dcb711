//! Tabs that watch: a cluster has one writer, and other tabs of it see what that one tells its page.
//!
//! Between tabs is a `BroadcastChannel` with the cluster's name. A worker that may not write says once a second that
//! it watches; the writer sends it everything once, and then each update that it posts to its own page. What a
//! watcher may ask (batches, a message in flight) the writer answers to it alone. One that is silent is forgotten,
//! and a watcher that hears nothing says that nobody is there.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use blumfeld_view::{Command, Update};
use js_sys::{Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

/// A watcher says that it is there this often, in milliseconds.
pub(crate) const BEAT_MS: f64 = 1_000.0;
/// One that was silent for so long, in milliseconds, is gone.
const GONE_MS: f64 = 5_000.0;

/// A channel between the tabs of a cluster, with what has come on it.
struct Channel {
    channel: BroadcastChannel,
    inbox: Rc<RefCell<VecDeque<JsValue>>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl Channel {
    fn open(cluster: &str) -> Option<Channel> {
        let channel = BroadcastChannel::new(&format!("blumfeld.{cluster}")).ok()?;
        let inbox: Rc<RefCell<VecDeque<JsValue>>> = Rc::default();
        let incoming = Rc::clone(&inbox);
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            incoming.borrow_mut().push_back(event.data());
        });
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Some(Channel { channel, inbox, _on_message: on_message })
    }

    fn send(&self, fields: &[(&str, &JsValue)]) {
        let message = Object::new();
        for (name, value) in fields {
            // A plain object takes any field.
            let _ = Reflect::set(&message, &JsValue::from_str(name), value);
        }
        // What is no plain data cannot be among updates and commands.
        let _ = self.channel.post_message(&message);
    }

    fn take(&self) -> Option<JsValue> {
        self.inbox.borrow_mut().pop_front()
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.channel.close();
    }
}

fn text(message: &JsValue, name: &str) -> Option<String> {
    Reflect::get(message, &JsValue::from_str(name)).ok()?.as_string()
}

fn field(message: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(message, &JsValue::from_str(name)).ok().filter(|value| !value.is_undefined())
}

/// The writer's side: who watches.
#[derive(Default)]
pub(crate) struct Watchers {
    channel: Option<Channel>,
    /// When each was heard last, in milliseconds.
    seen: BTreeMap<String, f64>,
    /// To whom what is posted goes, and to nobody else.
    only: Option<String>,
}

/// What a watcher wants.
pub(crate) enum Asked {
    /// Everything, once.
    All(
        /// Which watcher.
        String,
    ),
    /// An answer.
    Command(
        /// Which watcher.
        String,
        /// To what.
        Box<Command>,
    ),
}

impl Watchers {
    /// Listens for those who watch this cluster.
    pub fn listen(&mut self, cluster: &str) {
        *self = Watchers { channel: Channel::open(cluster), ..Watchers::default() };
    }

    /// Whether somebody watches.
    pub fn is_watched(&self) -> bool {
        !self.seen.is_empty()
    }

    /// What has been asked, and forgets who is gone.
    pub fn asked(&mut self, now: f64) -> Vec<Asked> {
        let mut asked = Vec::new();
        while let Some(message) = self.channel.as_ref().and_then(Channel::take) {
            let Some(from) = text(&message, "from") else { continue };
            if let Some(command) = field(&message, "command") {
                // Another version of the page may know commands that this one does not.
                if let Ok(command) = serde_wasm_bindgen::from_value::<Command>(command) {
                    asked.push(Asked::Command(from, Box::new(command)));
                }
            } else if self.seen.insert(from.clone(), now).is_none() {
                asked.push(Asked::All(from));
            }
        }
        self.seen.retain(|_, seen| now - *seen < GONE_MS);
        asked
    }

    /// What is posted from now on goes to one watcher alone, or to everybody again.
    pub fn only(&mut self, watcher: Option<String>) {
        self.only = watcher;
    }

    /// Passes on what is posted. Gives whether the writer's own page is to have it too.
    pub fn pass_on(&self, update: &Update, value: &JsValue) -> bool {
        let Some(channel) = &self.channel else { return true };
        if let Some(only) = &self.only {
            channel.send(&[("to", &JsValue::from_str(only)), ("update", value)]);
            return false;
        }
        if let Update::Console { output, exit, .. } = update {
            if self.is_watched()
                && let Ok(value) =
                    serde_wasm_bindgen::to_value(&Update::Overheard { output: output.clone(), exit: *exit })
            {
                channel.send(&[("update", &value)]);
            }
            return true;
        }
        let shared = matches!(
            update,
            Update::Delta(_)
                | Update::Rewound { .. }
                | Update::Stage(_)
                | Update::Ran { .. }
                | Update::Follow(_)
                | Update::FileAdded { .. }
                | Update::FileRemoved { .. }
        );
        if shared && self.is_watched() {
            channel.send(&[("update", value)]);
        }
        !matches!(update, Update::Ran { .. })
    }
}

/// A watcher's side.
pub(crate) struct Watching {
    channel: Channel,
    id: String,
    beat: f64,
    heard: Option<f64>,
}

impl Watching {
    /// Looks for a writer of this cluster; nothing where the browser has no such channels.
    pub fn begin(cluster: &str) -> Option<Watching> {
        let id = format!("{:x}", (js_sys::Math::random() * 2_f64.powi(52)) as u64);
        Some(Watching { channel: Channel::open(cluster)?, id, beat: f64::MIN, heard: None })
    }

    /// Says that it is there, and gives what the writer has told; nothing at all once the writer is gone.
    pub fn turn(&mut self, now: f64) -> Option<Vec<JsValue>> {
        if now - self.beat >= BEAT_MS {
            self.beat = now;
            self.channel.send(&[("from", &JsValue::from_str(&self.id))]);
        }
        let mut told = Vec::new();
        while let Some(message) = self.channel.take() {
            let mine = text(&message, "to").is_none_or(|to| to == self.id);
            // Before everything was sent, what changed says nothing.
            let begun = self.heard.is_some() || text(&message, "to").is_some();
            if let Some(update) = field(&message, "update").filter(|_| mine && begun) {
                self.heard = Some(now);
                told.push(update);
            }
        }
        if self.heard.is_some_and(|heard| now - heard > GONE_MS) {
            self.heard = None;
            return None;
        }
        Some(told)
    }

    /// Asks the writer.
    pub fn ask(&self, command: &Command) {
        if let Ok(command) = serde_wasm_bindgen::to_value(command) {
            self.channel.send(&[("from", &JsValue::from_str(&self.id)), ("command", &command)]);
        }
    }
}
