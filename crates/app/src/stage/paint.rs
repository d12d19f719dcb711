//! How messages look: the shape says what one asks, the colour how it ended.
//!
//! A filled capsule carries records, in the colours of their partitions; an outlined one asks. A circle is a group's.
//! A triangle is an answer and points to who asked; with a body it brings records, and the body is longer the more
//! they are. An ink bar stands before a request that waits at its broker. A cross is what was lost.

use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};

use blumfeld_view::{RibbonView, TokenKey, TokenState, TokenView};
use web_sys::{CanvasRenderingContext2d, Element};

use super::lanes::{ASKER, Lane, OTHERS, Path};
use super::scene::color_of;

/// Names stand beside tokens only where there are no more of them than this.
const NAMED: usize = 40;
/// A ribbon has at most so many marks; with more messages each mark stands for twice as many.
const MARKS: u32 = 6;

/// Names of the samples in the board whose colours are read: a canvas does not know the page's variables. From the
/// ninth on they are partitions'.
pub const INK_SAMPLES: [&str; 14] =
    ["ink", "soft", "faint", "paper", "lane", "bed", "fault", "accent", "p0", "p1", "p2", "p3", "p4", "p5"];

/// The colours of the page, as they are now.
#[derive(Clone, Debug, Default)]
pub(super) struct Inks {
    ink: String,
    soft: String,
    faint: String,
    paper: String,
    lane: String,
    bed: String,
    fault: String,
    accent: String,
    partitions: Vec<String>,
    font: String,
}

impl Inks {
    pub fn read(board: &Element) -> Inks {
        let read = |name: &str| {
            let sample = board.query_selector(&format!("[data-ink={name}]")).ok().flatten();
            sample.as_ref().and_then(color_of).unwrap_or_else(|| "gray".to_owned())
        };
        let style = web_sys::window().and_then(|window| window.get_computed_style(board).ok().flatten());
        let font = style.and_then(|style| style.get_property_value("font-family").ok());
        Inks {
            ink: read("ink"),
            soft: read("soft"),
            faint: read("faint"),
            paper: read("paper"),
            lane: read("lane"),
            bed: read("bed"),
            fault: read("fault"),
            accent: read("accent"),
            partitions: INK_SAMPLES.iter().skip(8).map(|name| read(name)).collect(),
            font: format!("10px {}", font.unwrap_or_else(|| "sans-serif".to_owned())),
        }
    }

    fn partition(&self, number: i32) -> &str {
        let at = usize::try_from(number.rem_euclid(6)).unwrap_or(0);
        self.partitions.get(at).map_or("gray", String::as_str)
    }
}

pub(super) struct Painter<'a> {
    pub context: &'a CanvasRenderingContext2d,
    pub inks: &'a Inks,
    pub size: (f64, f64),
    /// Virtual now, in microseconds.
    pub now: u64,
    pub named: bool,
    pub chosen: Option<TokenKey>,
    /// How the ends of lanes are called, where these are rows of a list.
    pub names: Option<&'a BTreeMap<i32, String>>,
    /// Where a lane is drawn: clients that share a card share its lanes.
    pub lane: &'a dyn Fn(Lane) -> Lane,
}

/// Paints everything, and gives where each token is.
pub(super) fn paint<'a>(
    painter: &Painter<'_>,
    paths: &BTreeMap<Lane, Path>,
    tokens: impl Iterator<Item = &'a TokenView>,
    ribbons: &[RibbonView],
) -> Vec<(TokenKey, (f64, f64))> {
    let context = painter.context;
    context.clear_rect(0.0, 0.0, painter.size.0, painter.size.1);
    let ribbons = shared(ribbons, painter.lane);
    for (lane, path) in paths {
        painter.lane(path, ribbons.iter().any(|ribbon| (ribbon.client, ribbon.broker) == *lane));
    }
    if let Some(names) = painter.names {
        for (lane, path) in paths {
            painter.row(*lane, path, names);
        }
    }
    let scale = scale(&ribbons);
    for ribbon in &ribbons {
        if let Some(path) = paths.get(&(ribbon.client, ribbon.broker)) {
            painter.ribbon(path, ribbon, scale);
        }
    }
    let mut waiting: BTreeMap<Lane, u32> = BTreeMap::new();
    let mut hits = Vec::new();
    let mut names = Vec::new();
    for token in tokens {
        let lane = (painter.lane)((token.client, token.broker));
        let Some(path) = paths.get(&lane) else { continue };
        let mut place = 0;
        if matches!(token.state, TokenState::Waits(_)) {
            let before = waiting.entry(lane).or_default();
            place = *before;
            *before += 1;
        }
        let (at, angle) = path.at(along(token, path.length(), place, painter.now));
        painter.token(token, at, if token.answer() { angle + PI } else { angle });
        if place == 0 && matches!(token.state, TokenState::Waits(_)) {
            painter.bar(path);
        }
        hits.push((token.key, at));
        // Most of what waits waits for long, and says so by its bar.
        if !matches!(token.state, TokenState::Waits(_)) {
            names.push((at, path, token));
        }
    }
    if painter.named && names.len() <= NAMED {
        painter.names(&names);
    }
    hits
}

/// The ribbons as they are drawn: those of clients that share a card are one.
fn shared(ribbons: &[RibbonView], lane: impl Fn(Lane) -> Lane) -> Vec<RibbonView> {
    let mut sums: BTreeMap<Lane, (u32, u32)> = BTreeMap::new();
    for ribbon in ribbons {
        let sum = sums.entry(lane((ribbon.client, ribbon.broker))).or_default();
        *sum = (sum.0 + ribbon.requests, sum.1 + ribbon.answers);
    }
    let ribbon = |((client, broker), (requests, answers))| RibbonView { client, broker, requests, answers };
    sums.into_iter().map(ribbon).collect()
}

/// How many messages one mark of a ribbon stands for: the same on all, 1 or twice as many again and again.
fn scale(ribbons: &[RibbonView]) -> u32 {
    let most = ribbons.iter().map(|ribbon| ribbon.requests + ribbon.answers).max().unwrap_or(0);
    std::iter::successors(Some(1_u32), |scale| scale.checked_mul(2))
        .find(|scale| most.div_ceil(*scale) <= MARKS)
        .unwrap_or(1)
}

/// How far along its lane a token is, in pixels from who asks: where its times put it.
fn along(token: &TokenView, length: f64, place: u32, now: u64) -> f64 {
    let share = |from: u64, to: u64| {
        if to <= from { 1.0 } else { (now.saturating_sub(from) as f64 / (to - from) as f64).min(1.0) }
    };
    let gone = match token.state {
        TokenState::Travels(at) | TokenState::Lost(at) => share(token.sent, at),
        TokenState::Stalls => 0.5,
        TokenState::Waits(_) => return length - 12.0 - f64::from(place) * 14.0,
    };
    if token.key.answer { length * (1.0 - gone) } else { length * gone }
}

trait Asks {
    fn answer(&self) -> bool;
    fn of_group(&self) -> bool;
}

impl Asks for TokenView {
    fn answer(&self) -> bool {
        self.key.answer
    }

    /// Whether it is of a group or its coordinator.
    fn of_group(&self) -> bool {
        matches!(
            &*self.api,
            "JoinGroup"
                | "SyncGroup"
                | "Heartbeat"
                | "LeaveGroup"
                | "OffsetCommit"
                | "OffsetFetch"
                | "FindCoordinator"
                | "ConsumerGroupHeartbeat"
        )
    }
}

impl Painter<'_> {
    fn lane(&self, path: &Path, ribbon: bool) {
        let context = self.context;
        context.begin_path();
        let radius = path.corner();
        let mut points = path.points.iter().copied().peekable();
        let Some(begin) = points.next() else { return };
        context.move_to(begin.0, begin.1);
        while let Some(point) = points.next() {
            match points.peek() {
                Some(next) => drop(context.arc_to(point.0, point.1, next.0, next.1, radius)),
                None => context.line_to(point.0, point.1),
            }
        }
        context.set_line_width(if ribbon { 12.0 } else { 1.0 });
        context.set_stroke_style_str(if ribbon { &self.inks.bed } else { &self.inks.lane });
        context.set_global_alpha(if ribbon { 1.0 } else { 0.55 });
        context.stroke();
        context.set_global_alpha(1.0);
    }

    /// The marks of a ribbon, from who asks on; of the last one as much is filled as it stands for.
    fn ribbon(&self, path: &Path, ribbon: &RibbonView, scale: u32) {
        let count = ribbon.requests + ribbon.answers;
        let marks = count.div_ceil(scale).max(1);
        let length = path.length();
        for mark in 0..marks {
            let (at, angle) = path.at(length * (f64::from(mark) + 0.5) / f64::from(marks));
            let last = f64::from(count - mark * scale).min(f64::from(scale)) / f64::from(scale);
            self.turned(at, angle, |context| {
                context.begin_path();
                context.move_to(-6.0, -5.0);
                context.line_to(2.0, -5.0);
                context.line_to(6.0, 0.0);
                context.line_to(2.0, 5.0);
                context.line_to(-6.0, 5.0);
                context.line_to(-2.0, 0.0);
                context.close_path();
                context.set_fill_style_str(&self.inks.soft);
                context.set_global_alpha(0.3 + 0.7 * last);
                context.fill();
                context.set_global_alpha(1.0);
            });
        }
        let (at, _) = path.at(length / 2.0);
        self.text(&count.to_string(), (at.0, at.1 + 18.0), &self.inks.soft);
    }

    fn turned(&self, at: (f64, f64), angle: f64, draw: impl FnOnce(&CanvasRenderingContext2d)) {
        let context = self.context;
        context.save();
        let _ = context.translate(at.0, at.1);
        let _ = context.rotate(angle);
        draw(context);
        context.restore();
    }

    /// What stands before requests that wait at the end of a lane.
    fn bar(&self, path: &Path) {
        let (at, angle) = path.at(path.length() - 2.0);
        self.turned(at, angle, |context| {
            context.set_fill_style_str(&self.inks.ink);
            context.fill_rect(-1.0, -8.0, 2.0, 16.0);
        });
    }

    fn token(&self, token: &TokenView, at: (f64, f64), angle: f64) {
        let broken = !token.error.is_empty();
        self.turned(at, angle, |context| {
            context.set_line_width(1.0);
            match () {
                () if matches!(token.state, TokenState::Lost(_) | TokenState::Stalls) => {
                    self.body(context, token);
                    self.cross(context);
                }
                () if token.answer() => self.answer(context, token, broken),
                () if token.of_group() => {
                    context.begin_path();
                    let _ = context.arc(0.0, 0.0, 4.5, 0.0, TAU);
                    self.outlined(context, &self.inks.soft);
                }
                () => self.body(context, token),
            }
            if self.chosen == Some(token.key) {
                context.begin_path();
                let _ = context.arc(0.0, 0.0, 13.0, 0.0, TAU);
                context.set_stroke_style_str(&self.inks.accent);
                context.set_line_width(2.0);
                context.stroke();
            }
        });
    }

    fn cross(&self, context: &CanvasRenderingContext2d) {
        context.begin_path();
        for (x, y) in [(-5.0, -5.0), (-5.0, 5.0)] {
            context.move_to(x, y);
            context.line_to(-x, -y);
        }
        context.set_stroke_style_str(&self.inks.fault);
        context.set_line_width(2.4);
        context.stroke();
    }

    fn outlined(&self, context: &CanvasRenderingContext2d, ink: &str) {
        context.set_fill_style_str(&self.inks.paper);
        context.fill();
        context.set_stroke_style_str(ink);
        context.set_line_width(1.6);
        context.stroke();
    }

    fn capsule(context: &CanvasRenderingContext2d, half: f64, radius: f64) {
        context.begin_path();
        let _ = context.arc(-half + radius, 0.0, radius, PI / 2.0, PI * 1.5);
        let _ = context.arc(half - radius, 0.0, radius, -PI / 2.0, PI / 2.0);
        context.close_path();
    }

    /// A request: filled with the colours of its partitions if it carries records, outlined if it asks.
    fn body(&self, context: &CanvasRenderingContext2d, token: &TokenView) {
        let inks: Vec<&str> =
            token.partitions.iter().map(|(_, number)| self.inks.partition(*number)).collect();
        if !token.records {
            Self::capsule(context, 7.5, 4.0);
            let one = if token.partitions.len() == 1 { inks.first().copied() } else { None };
            return self.outlined(context, one.unwrap_or(&self.inks.soft));
        }
        let shown = inks.len().clamp(1, 4);
        let half = 5.0 + 4.0 * shown as f64;
        Self::capsule(context, half + 1.0, 5.5);
        context.set_fill_style_str(&self.inks.paper);
        context.fill();
        Self::capsule(context, half, 4.5);
        context.save();
        context.clip();
        let width = half * 2.0 / shown as f64;
        for (at, ink) in
            inks.iter().copied().chain(std::iter::repeat(&*self.inks.soft)).take(shown).enumerate()
        {
            context.set_fill_style_str(ink);
            let gap = if at == 0 { 0.0 } else { 1.0 };
            context.fill_rect(-half + width * at as f64 + gap, -5.0, width - gap, 10.0);
        }
        context.restore();
    }

    /// An answer: a head, and behind it a body of the records that it brings.
    fn answer(&self, context: &CanvasRenderingContext2d, token: &TokenView, broken: bool) {
        let own = match token.partitions.as_slice() {
            [(_, number)] => self.inks.partition(*number),
            _ => &self.inks.soft,
        };
        let ink = if broken { &self.inks.fault } else { own };
        context.set_fill_style_str(ink);
        if token.records {
            let length =
                (f64::from(u32::try_from(token.bytes).unwrap_or(u32::MAX)).log2() - 4.0).clamp(6.0, 32.0);
            context.set_stroke_style_str(&self.inks.paper);
            context.stroke_rect(-length - 1.0, -3.5, length, 7.0);
            context.fill_rect(-length - 1.0, -3.5, length, 7.0);
        }
        context.begin_path();
        context.move_to(0.0, -4.5);
        context.line_to(8.0, 0.0);
        context.line_to(0.0, 4.5);
        context.close_path();
        context.set_stroke_style_str(&self.inks.paper);
        context.stroke();
        context.fill();
    }

    /// Where a name has its middle, so that neither end of its lane's room cuts it.
    fn beside(&self, text: &str, x: f64, path: &Path) -> f64 {
        self.context.set_font(&self.inks.font);
        let half = self.context.measure_text(text).map_or(0.0, |measured| measured.width()) / 2.0 + 2.0;
        let ends = || path.points.iter().map(|(x, _)| *x);
        let (low, high) = (ends().fold(f64::INFINITY, f64::min), ends().fold(f64::NEG_INFINITY, f64::max));
        let x = x.max(low + half);
        if high - low >= 2.0 * half { x.min(high - half) } else { x }
    }

    /// The names at both ends of a lane that is a row.
    fn row(&self, lane: Lane, path: &Path, names: &BTreeMap<i32, String>) {
        let context = self.context;
        context.set_font(&self.inks.font);
        context.set_text_baseline("middle");
        context.set_text_align("left");
        let name = |node: i32| names.get(&node).or_else(|| names.get(&OTHERS)).map_or("", String::as_str);
        for (node, at, ink) in [
            (lane.0, (8.0, path.at(0.0).0.1), &self.inks.ink),
            (lane.1, (path.at(f64::MAX).0.0 + 8.0, path.at(0.0).0.1), &self.inks.faint),
        ] {
            context.set_fill_style_str(ink);
            // A long name becomes narrower, and stays before its lane.
            let _ = context.fill_text_with_max_width(name(node), at.0, at.1, ASKER - 16.0);
        }
    }

    fn text(&self, text: &str, at: (f64, f64), ink: &str) {
        let context = self.context;
        context.set_font(&self.inks.font);
        context.set_text_align("center");
        context.set_text_baseline("middle");
        context.set_line_width(3.0);
        context.set_stroke_style_str(&self.inks.paper);
        let _ = context.stroke_text(text, at.0, at.1);
        context.set_fill_style_str(ink);
        let _ = context.fill_text(text, at.0, at.1);
    }

    /// Names beside tokens, where no other name stands.
    fn names(&self, tokens: &[((f64, f64), &Path, &TokenView)]) {
        let mut taken: Vec<(f64, f64)> = Vec::new();
        for (at, path, token) in tokens {
            let (text, ink) = match &*token.error {
                "" => (&*token.api, &self.inks.faint),
                error => (error, &self.inks.fault),
            };
            let at = (self.beside(text, at.0, path), at.1 - 11.0);
            if taken.iter().any(|other| (other.0 - at.0).abs() < 46.0 && (other.1 - at.1).abs() < 11.0) {
                continue;
            }
            self.text(text, at, ink);
            taken.push(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(answer: bool, sent: u64, state: TokenState) -> TokenView {
        TokenView {
            key: TokenKey { connection: 1, correlation_id: 1, answer },
            client: 1_001,
            broker: 1,
            quorum: false,
            api: "Produce".into(),
            version: 12,
            sent,
            state,
            bytes: 100,
            records: true,
            partitions: vec![],
            partitions_left_out: 0,
            error: String::new(),
        }
    }

    #[test]
    fn a_token_stands_where_its_times_put_it() {
        for (answer, state, now, want) in [
            (false, TokenState::Travels(1_400), 1_000, 0.0),
            (false, TokenState::Travels(1_400), 1_100, 25.0),
            (true, TokenState::Travels(1_400), 1_100, 75.0),
            (true, TokenState::Travels(1_400), 1_400, 0.0),
            (false, TokenState::Lost(1_400), 1_200, 50.0),
            (false, TokenState::Stalls, 9_000, 50.0),
            (false, TokenState::Waits(1_400), 9_000, 88.0),
            // Told of before it was sent, or long after it came: it is at an end, and nowhere else.
            (false, TokenState::Travels(1_400), 900, 0.0),
            (false, TokenState::Travels(1_000), 1_000, 100.0),
            (false, TokenState::Travels(1_400), 5_000, 100.0),
        ] {
            let at = along(&token(answer, 1_000, state), 100.0, 0, now);
            assert!((at - want).abs() < 1e-9, "{answer} {state:?} at {now}: {at}");
        }
        assert!((along(&token(false, 0, TokenState::Waits(1)), 100.0, 2, 9) - 60.0).abs() < 1e-9);
    }

    #[test]
    fn a_ribbons_marks_stand_for_powers_of_two_messages() {
        let ribbon = |requests, answers| RibbonView { client: 1_001, broker: 1, requests, answers };
        for (ribbons, want) in [
            (vec![], 1),
            (vec![ribbon(3, 3)], 1),
            (vec![ribbon(6, 1)], 2),
            (vec![ribbon(6, 1), ribbon(100, 0)], 32),
        ] {
            assert_eq!(scale(&ribbons), want, "{ribbons:?}");
        }
        let apart = [ribbon(3, 1), RibbonView { client: 1_002, ..ribbon(2, 2) }];
        assert_eq!(shared(&apart, |lane| lane), apart);
        assert_eq!(shared(&apart, |(_, broker)| (1_001, broker)), [ribbon(5, 3)]);
    }
}
