//! What is in flight as the engine told it last, and when it is painted.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use blumfeld_view::{RibbonView, StageView, TokenKey, TokenView};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement, HtmlElement, NodeList};

use super::lanes::{Lane, OTHERS, Path, Place, Rect, Side, list_height, plan, rows};
use super::paint::{Inks, Painter, paint};

/// A lane without a message stays so long, in virtual microseconds: consumers ask at least twice a second.
const LANE_STAYS: u64 = 3_000_000;
/// A lane is hit within so many pixels.
const NEAR: f64 = 5.0;
/// A token is hit within so many pixels.
const REACH: f64 = 13.0;

/// How many messages there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// All.
    pub in_flight: u32,
    /// Drawn one by one.
    pub singly: u32,
    /// In ribbons.
    pub folded: u32,
    /// Ribbons.
    pub ribbons: u32,
    /// Of the metadata quorum, and so not drawn.
    pub quorum: u32,
}

/// What is in flight. A handle: its clones are the same.
#[derive(Clone, Default)]
pub struct Scene(Rc<Inner>);

#[derive(Default)]
struct Inner {
    state: RefCell<State>,
    /// Whether a frame was asked for.
    asked: Cell<bool>,
}

#[derive(Default)]
struct State {
    now: u64,
    in_flight: u32,
    tokens: BTreeMap<TokenKey, TokenView>,
    ribbons: Vec<RibbonView>,
    /// When a lane last had a message.
    lanes: BTreeMap<Lane, u64>,
    /// Whether the names of what tokens ask stand beside them.
    named: bool,
    chosen: Option<TokenKey>,
    board: Option<Board>,
}

/// The canvas and what was measured around it.
struct Board {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    inks: Inks,
    places: BTreeMap<i32, Place>,
    /// The cards of clients that share one, by the client.
    shared: BTreeMap<i32, i32>,
    /// How the cards are called, where lanes have names.
    names: BTreeMap<i32, String>,
    /// Whether the cards stand in one column, and lanes are rows of a list.
    narrow: bool,
    size: (f64, f64),
    /// Whether it may be otherwise than it was measured.
    moved: bool,
    planned: BTreeSet<Lane>,
    paths: BTreeMap<Lane, Path>,
    /// Where tokens were painted last.
    hits: Vec<(TokenKey, (f64, f64))>,
}

impl Scene {
    /// Takes what the engine tells.
    pub fn take(&self, view: StageView) {
        {
            let mut state = self.0.state.borrow_mut();
            if view.fresh {
                state.tokens.clear();
                state.lanes.clear();
            }
            (state.now, state.in_flight) = (view.now, view.in_flight);
            for key in &view.gone {
                state.tokens.remove(key);
            }
            state.tokens.extend(view.tokens.into_iter().map(|token| (token.key, token)));
            // Who follows a request follows its answer.
            if let Some(chosen) = state.chosen.filter(|chosen| !state.tokens.contains_key(chosen)) {
                let answer = TokenKey { answer: true, ..chosen };
                state.chosen = state.tokens.contains_key(&answer).then_some(answer);
            }
            state.ribbons = view.ribbons;
            let now = state.now;
            let seen: Vec<Lane> = (state.tokens.values())
                .filter(|token| !token.quorum)
                .map(|token| (token.client, token.broker))
                .chain(state.ribbons.iter().map(|ribbon| (ribbon.client, ribbon.broker)))
                .collect();
            state.lanes.extend(seen.into_iter().map(|lane| (lane, now)));
            state.lanes.retain(|_, seen| now.saturating_sub(*seen) < LANE_STAYS);
        }
        self.ask();
    }

    /// Whether names stand beside tokens.
    pub fn name_tokens(&self, named: bool) {
        self.0.state.borrow_mut().named = named;
        self.ask();
    }

    /// Paints on this canvas from now on, or no more.
    pub fn attach(&self, canvas: Option<HtmlCanvasElement>) {
        let board = canvas.and_then(|canvas| {
            let context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
            Some(Board {
                canvas,
                context,
                inks: Inks::default(),
                places: BTreeMap::new(),
                shared: BTreeMap::new(),
                names: BTreeMap::new(),
                narrow: false,
                size: (0.0, 0.0),
                moved: true,
                planned: BTreeSet::new(),
                paths: BTreeMap::new(),
                hits: Vec::new(),
            })
        });
        self.0.state.borrow_mut().board = board;
        self.ask();
    }

    /// Whether there is a canvas to paint on.
    pub fn is_attached(&self) -> bool {
        self.0.state.borrow().board.is_some()
    }

    /// The board's cards may stand elsewhere, or have other colours.
    pub fn moved(&self) {
        if let Some(board) = &mut self.0.state.borrow_mut().board {
            board.moved = true;
        }
        self.ask();
    }

    /// How many messages there are.
    pub fn counts(&self) -> Counts {
        let state = self.0.state.borrow();
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let quorum = small(state.tokens.values().filter(|token| token.quorum).count());
        Counts {
            in_flight: state.in_flight,
            singly: small(state.tokens.len()) - quorum,
            folded: state.ribbons.iter().map(|ribbon| ribbon.requests + ribbon.answers).sum(),
            ribbons: small(state.ribbons.len()),
            quorum,
        }
    }

    /// The messages that are drawn one by one, and the virtual moment.
    pub fn tokens(&self) -> (u64, Vec<TokenView>) {
        let state = self.0.state.borrow();
        (state.now, state.tokens.values().cloned().collect())
    }

    /// The virtual moment of what was told last, in microseconds.
    pub fn now(&self) -> u64 {
        self.0.state.borrow().now
    }

    /// Whether a message is in flight no more; not known of one that may be in a ribbon.
    pub fn is_gone(&self, token: &TokenView) -> bool {
        let state = self.0.state.borrow();
        let in_ribbon = |ribbon: &RibbonView| (ribbon.client, ribbon.broker) == (token.client, token.broker);
        // What nobody watches is not told.
        state.board.is_some()
            && !state.tokens.contains_key(&token.key)
            && !state.ribbons.iter().any(in_ribbon)
    }

    /// The token at a point of the board.
    pub fn hit(&self, x: f64, y: f64) -> Option<TokenKey> {
        let state = self.0.state.borrow();
        let near = |at: &(f64, f64)| (at.0 - x).hypot(at.1 - y);
        let hits = state.board.as_ref()?.hits.iter().map(|(key, at)| (near(at), *key));
        let nearest = hits.min_by(|one, other| one.0.total_cmp(&other.0));
        nearest.filter(|(far, _)| *far <= REACH).map(|(_, key)| key)
    }

    /// The lane at a point of the board, if it is one client's alone.
    pub fn hit_lane(&self, x: f64, y: f64) -> Option<Lane> {
        let state = self.0.state.borrow();
        let board = state.board.as_ref()?;
        let own = |lane: &Lane| lane.0 != OTHERS && !board.shared.values().any(|card| *card == lane.0);
        let lanes = board.paths.iter().filter(|(lane, _)| own(lane));
        let nearest = lanes.map(|(lane, path)| (path.far((x, y)), *lane));
        nearest
            .min_by(|one, other| one.0.total_cmp(&other.0))
            .filter(|(far, _)| *far <= NEAR)
            .map(|(_, lane)| lane)
    }

    /// Rings a token.
    pub fn choose(&self, key: Option<TokenKey>) {
        self.0.state.borrow_mut().chosen = key;
        self.ask();
    }

    /// Paints with the next frame.
    fn ask(&self) {
        if self.0.state.borrow().board.is_none() || self.0.asked.replace(true) {
            return;
        }
        let scene = self.clone();
        let draw = Closure::once_into_js(move || {
            scene.0.asked.set(false);
            scene.0.state.borrow_mut().draw();
        });
        let asked = web_sys::window().map(|window| window.request_animation_frame(draw.unchecked_ref()));
        if !matches!(asked, Some(Ok(_))) {
            self.0.asked.set(false);
        }
    }
}

impl State {
    fn draw(&mut self) {
        let Some(board) = &mut self.board else { return };
        if board.moved && !board.measure() {
            return;
        }
        let lanes: BTreeSet<Lane> = self.lanes.keys().map(|lane| board.lane(*lane)).collect();
        if board.planned != lanes {
            board.paths = match board.narrow {
                true => rows(lanes.iter().copied(), board.size.0),
                false => plan(lanes.iter().copied(), &board.places),
            };
            board.planned = lanes;
            if board.narrow && !board.fit() {
                // The next look at the board has the room.
                board.moved = true;
            }
        }
        let painter = Painter {
            context: &board.context,
            inks: &board.inks,
            size: board.size,
            now: self.now,
            named: self.named,
            chosen: self.chosen,
            names: board.narrow.then_some(&board.names),
            lane: &|lane| board.lane(lane),
        };
        let tokens = self.tokens.values().filter(|token| !token.quorum);
        let hits = paint(&painter, &board.paths, tokens, &self.ribbons);
        board.hits = hits;
        // What is drawn can be compared with what is.
        let told = board.canvas.dataset();
        let _ = told.set("inFlight", &self.in_flight.to_string());
        let _ = told.set("drawn", &board.hits.len().to_string());
    }
}

impl Board {
    /// Where a lane is drawn: from the card that its client has, shares, or has not.
    fn lane(&self, (client, broker): Lane) -> Lane {
        let own = self.shared.get(&client).copied().unwrap_or(client);
        (if self.places.contains_key(&own) { own } else { OTHERS }, broker)
    }

    /// Makes the list of lanes as high as it is long; whether it was so before.
    fn fit(&self) -> bool {
        let height = list_height(self.paths.len());
        let fits = (self.size.1 - height).abs() < 1.0;
        if !fits {
            let _ = self.canvas.style().set_property("height", &format!("{height}px"));
        }
        fits
    }

    /// Looks where everything is; false where there is nothing to paint on.
    fn measure(&mut self) -> bool {
        let Some(board) = self.canvas.parent_element() else { return false };
        let own = self.canvas.get_bounding_client_rect();
        let size = (own.width(), own.height());
        if size.0 < 1.0 || size.1 < 1.0 || self.canvas.offset_width() == 0 {
            return false;
        }
        self.moved = false;
        let narrow = size.1 < board.get_bounding_client_rect().height() / 2.0;
        if std::mem::replace(&mut self.narrow, narrow) != narrow {
            self.planned.clear();
        }
        let ratio = web_sys::window().map_or(1.0, |window| window.device_pixel_ratio()).clamp(1.0, 3.0);
        let pixels = ((size.0 * ratio).round() as u32, (size.1 * ratio).round() as u32);
        if (self.canvas.width(), self.canvas.height()) != pixels {
            self.canvas.set_width(pixels.0);
            self.canvas.set_height(pixels.1);
        }
        self.size = size;
        let _ = self.context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
        let (mut places, mut shared) = (BTreeMap::new(), BTreeMap::new());
        for (side, name) in [(Side::Left, "left"), (Side::Middle, "middle"), (Side::Right, "right")] {
            let found = board.query_selector_all(&format!("[data-side={name}]"));
            for card in found.iter().flat_map(elements) {
                let Some(id) = card.dataset().get("port").and_then(|id| id.parse().ok()) else { continue };
                let rect = card.get_bounding_client_rect();
                let rect = Rect {
                    x: rect.x() - own.x(),
                    y: rect.y() - own.y(),
                    width: rect.width(),
                    height: rect.height(),
                };
                places.insert(id, Place { side, rect });
                let others = card.dataset().get("shares").unwrap_or_default();
                shared.extend(others.split(' ').filter_map(|other| Some((other.parse::<i32>().ok()?, id))));
                if let Some(name) = card.dataset().get("name") {
                    self.names.insert(id, name);
                }
            }
        }
        if places != self.places || shared != self.shared {
            (self.places, self.shared) = (places, shared);
            // Planned for none: so it is planned anew.
            self.planned.clear();
            self.paths.clear();
        }
        self.inks = Inks::read(&board);
        true
    }
}

fn elements(list: &NodeList) -> impl Iterator<Item = HtmlElement> + '_ {
    (0..list.length()).filter_map(|at| list.get(at)?.dyn_into::<HtmlElement>().ok())
}

/// The computed colour of an element.
pub(super) fn color_of(element: &Element) -> Option<String> {
    let style = web_sys::window()?.get_computed_style(element).ok()??;
    style.get_property_value("color").ok()
}
