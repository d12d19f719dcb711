//! When what the engine tells is drawn: at most once a frame, and less often where a drawing takes long.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use blumfeld_view::Update;
use gloo_timers::callback::Timeout;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use yew::Callback;

/// More deltas than this do not wait for a frame. A page that is not to be seen has none: it then follows once a
/// second.
const WAITING: usize = 20;
/// After a drawing the page rests so many times as long as that took: the engine and the user need the machine too.
const REST: f64 = 2.0;
/// Drawings begin at least so many milliseconds apart: numbers that change more often cannot be read.
const APART: f64 = 100.0;

/// Deltas on their way to the page.
#[derive(Clone)]
pub struct Frames(Rc<Waiting>);

struct Waiting {
    deltas: RefCell<Vec<Update>>,
    /// Whether a frame was asked for.
    asked: Cell<bool>,
    /// When the page may draw again, in milliseconds since it began.
    rested: Cell<f64>,
    tell: Callback<Update>,
}

impl Frames {
    /// Hands updates to `tell`.
    pub fn new(tell: Callback<Update>) -> Self {
        let (asked, rested) = (Cell::new(false), Cell::new(0.0));
        Self(Rc::new(Waiting { deltas: RefCell::default(), asked, rested, tell }))
    }

    /// Takes an update. A delta waits for its frame, and those before go first whatever comes.
    pub fn take(&self, update: Update) {
        let waits = matches!(update, Update::Delta(_));
        self.0.deltas.borrow_mut().push(update);
        if !waits || self.0.deltas.borrow().len() > WAITING {
            return self.flush();
        }
        if self.0.asked.replace(true) {
            return;
        }
        let rest = self.0.rested.get() - now();
        let frames = self.clone();
        if rest >= 1.0 {
            Timeout::new(rest as u32, move || frames.ask()).forget();
        } else {
            frames.ask();
        }
    }

    /// Draws with the next frame.
    fn ask(&self) {
        let frames = self.clone();
        let draw = Closure::once_into_js(move || {
            let begin = now();
            frames.0.asked.set(false);
            frames.flush();
            // Behind the frame: layout and paint are the larger part of a drawing.
            Timeout::new(0, move || {
                let took = now() - begin;
                frames.0.rested.set(now() + (took * REST).max(APART - took));
            })
            .forget();
        });
        let asked =
            web_sys::window().is_some_and(|w| w.request_animation_frame(draw.unchecked_ref()).is_ok());
        if !asked {
            self.0.asked.set(false);
            self.flush();
        }
    }

    /// What is told in one go is drawn once.
    fn flush(&self) {
        let deltas = std::mem::take(&mut *self.0.deltas.borrow_mut());
        deltas.into_iter().for_each(|update| self.0.tell.emit(update));
    }
}

fn now() -> f64 {
    let performance = web_sys::window().and_then(|window| window.performance());
    performance.map_or(0.0, |performance| performance.now())
}
