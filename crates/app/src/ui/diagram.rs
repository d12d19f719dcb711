//! The space-time diagram: a line for each node, a slanted one for each message, a bar where a request waits.

use std::rc::Rc;

use blumfeld_view::{EventView, ExchangeView, WireView};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, HtmlElement, ResizeObserver};
use yew::prelude::*;

use super::requests::{Names, ending, partitions, parts};
use crate::browser;
use crate::ctx::{Ctx, use_ctx};
use crate::format::moment;
use crate::model::Shared;
use crate::requests::{Drawn, Fate, Mark, Stroke, Wait, draw, lasted, marks, nodes, ticks};
use crate::text::{Text, fill};

/// Room for the axis at the top, in pixels.
const TOP: f64 = 24.0;
/// From one node's line to the next.
const ROW: f64 = 58.0;
/// From the top of a row to its line: the marks' labels stand there.
const LINE: f64 = 28.0;
/// Height of a bar of what waits, and of a lane of them.
const BAR: f64 = 4.0;
const LANE: f64 = 5.0;
/// Names stand left of the lines in a picture that is wider than this, and else above them.
const WIDE: f64 = 560.0;
/// Room for them there.
const GUTTER: f64 = 122.0;
/// Room at the right.
const RIGHT: f64 = 16.0;
/// Pixels of a letter of a label, about.
const LETTER: f64 = 5.7;
/// A message that is lost is drawn so far, in pixels and in parts of its way.
const STUB: (f64, f64) = (10.0, 0.45);
/// Ids from this one on are clients'.
const FIRST_CLIENT: i32 = 1_000;

/// What is drawn.
#[derive(Properties, PartialEq)]
pub struct DiagramProps {
    /// The exchanges.
    pub wire: Shared<WireView>,
    /// What nodes are called.
    pub names: Names,
    /// The events of the span, newest first.
    pub marked: Rc<Vec<EventView>>,
    /// The span that is drawn.
    pub window: (u64, u64),
    /// The exchange that is open.
    pub opened: Option<u64>,
    /// Opens one.
    pub open: Callback<u64>,
    /// The pointer or the focus comes in, or goes.
    pub touch: Callback<bool>,
}

/// Where things are.
struct Place {
    from: u64,
    span: u64,
    left: f64,
    width: f64,
}

impl Place {
    fn x(&self, at: u64) -> f64 {
        let room = (self.width - self.left - RIGHT).max(1.0);
        // Far outside is as good as outside, and pictures know no such numbers.
        let part = (at as f64 - self.from as f64) / self.span.max(1) as f64;
        self.left + part.clamp(-2.0, 3.0) * room
    }

    fn y(row: usize) -> f64 {
        TOP + LINE + row as f64 * ROW
    }
}

/// The diagram.
#[component]
pub fn Diagram(props: &DiagramProps) -> Html {
    let board = use_node_ref();
    let width = f64::from(use_width(&board));
    let named = use_state_eq(|| None::<u64>);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let wire = &props.wire;
    // What a table asked for is no picture.
    let exchanges: &[ExchangeView] = if wire.id == 1 { &wire.exchanges } else { &[] };
    let call = |node: i32| {
        let asker = exchanges.iter().find(|one| one.client == node);
        asker.map_or_else(|| props.names.of_node(t, node), |one| props.names.of_asker(t, one))
    };
    let mut rows = nodes(exchanges, call);
    // A broker that says nothing is there too, for its marks.
    let silent = wire.nodes.iter().filter(|node| **node < FIRST_CLIENT && !rows.contains(node));
    rows.extend(silent.copied().collect::<Vec<_>>());
    rows.sort_by_key(|node| if *node < FIRST_CLIENT { *node } else { FIRST_CLIENT });
    let (from, end) = props.window;
    let left = if width > WIDE { GUTTER } else { 4.0 };
    let place = Place { from, span: end - from, left, width };
    let drawn = draw(exchanges, &rows, wire.now);
    let marks = marks(
        props.marked.iter(),
        &rows,
        |at| place.x(at),
        |label| (label.chars().count() as f64 + 1.5) * LETTER,
    );
    let height = TOP + rows.len() as f64 * ROW + 8.0;
    let touch = |inside: bool| {
        let touch = props.touch.clone();
        move || touch.emit(inside)
    };
    let (enter, leave, focus, blur) = (touch(true), touch(false), touch(true), touch(false));
    let current = drawn.iter().position(|one| Some(exchanges[one.at].number) == *named).unwrap_or(0);
    let numbers: Vec<u64> = drawn.iter().map(|one| exchanges[one.at].number).collect();
    let onkeydown = {
        let (open, numbers) = (props.open.clone(), numbers.clone());
        Callback::from(move |event: KeyboardEvent| {
            let to = match event.key().as_str() {
                "ArrowRight" | "ArrowDown" => current + 1,
                "ArrowLeft" | "ArrowUp" => current.saturating_sub(1),
                "Home" => 0,
                "End" => numbers.len().saturating_sub(1),
                "Enter" | " " => {
                    event.prevent_default();
                    if let Some(number) = numbers.get(current) {
                        open.emit(*number);
                    }
                    return;
                }
                _ => return,
            };
            event.prevent_default();
            if let Some(number) = numbers.get(to) {
                let document = web_sys::window().and_then(|window| window.document());
                let message = document.and_then(|document| document.get_element_by_id(&id_of(*number)));
                // A picture's parts can be focused as a page's.
                browser::focus(message.map(JsCast::unchecked_into::<HtmlElement>));
            }
        })
    };
    let said = named.and_then(|number| exchanges.iter().find(|one| one.number == number));
    html! {
        <div class="mach diagram">
            <Key />
            <div class="scroll picture" ref={board} onmouseenter={move |_| enter()} onmouseleave={move |_| leave()}
                onfocusin={move |_: FocusEvent| focus()} onfocusout={move |_: FocusEvent| blur()} {onkeydown}>
                if width > 0.0 {
                    <svg class="space-time" role="group" aria-label={t.wire_picture} width={width.to_string()} height={height.to_string()} viewBox={format!("0 0 {width} {height}")}>
                        <clipPath id="wire-clip"><rect x={left.to_string()} y="0" width={(width - left - RIGHT + 6.0).max(1.0).to_string()} height={height.to_string()} /></clipPath>
                        {axis(&place, height)}
                        { for rows.iter().enumerate().map(|(row, node)| line(&place, row, &call(*node))) }
                        <g clip-path="url(#wire-clip)">
                            { for drawn.iter().filter_map(|one| wait(&place, one.wait?)) }
                            { for drawn.iter().enumerate().map(|(at, one)| message(&ctx, props, &place, (one, &exchanges[one.at]), at == current, &named)) }
                        </g>
                        { for marks.iter().map(|mark| draw_mark(&place, mark)) }
                    </svg>
                }
            </div>
            if exchanges.is_empty() { <p class="none">{t.wire_none}</p> }
            <p class="named">{ said.map_or_else(|| t.wire_point.to_owned(), |one| sentence(t, props, one)) }</p>
        </div>
    }
}

fn id_of(number: u64) -> String {
    format!("wire-m-{number}")
}

/// How wide an element is.
#[hook]
fn use_width(board: &NodeRef) -> i32 {
    let width = use_state_eq(|| 0);
    use_effect_with(board.clone(), {
        let width = width.clone();
        move |board| {
            let watched = board.cast::<Element>().and_then(|board| {
                let callback = Closure::<dyn FnMut()>::new({
                    let board = board.clone();
                    move || width.set(board.client_width())
                });
                let observer = ResizeObserver::new(callback.as_ref().unchecked_ref()).ok()?;
                observer.observe(&board);
                Some((observer, callback))
            });
            move || {
                if let Some((observer, _callback)) = watched {
                    observer.disconnect();
                }
            }
        }
    });
    *width
}

fn at(value: f64) -> String {
    format!("{value:.1}")
}

fn axis(place: &Place, height: f64) -> Html {
    let room = (place.width - place.left - RIGHT).max(1.0);
    let all = ticks(place.span, room, 92.0).into_iter().map(|tick| {
        let x = at(place.x(place.from + tick));
        html! { <>
            <line class="grid" x1={x.clone()} x2={x.clone()} y1={at(TOP - 8.0)} y2={at(height)} />
            <text class={classes!("tick", (place.x(place.from + tick) > place.width - RIGHT - 44.0).then_some("last"))} x={x} y="11">{if tick == 0 { moment(place.from) } else { format!("+{}", lasted(tick).replace(".000", "")) }}</text>
        </> }
    });
    html! { <g aria-hidden="true">{ for all }</g> }
}

fn line(place: &Place, row: usize, name: &str) -> Html {
    let y = Place::y(row);
    let beside = place.left > GUTTER - 1.0;
    let (x, above) = if beside { (place.left - 8.0, y + 4.0) } else { (4.0, y - 18.0) };
    html! {
        <g class="node" data-node={name.to_owned()}>
            <line x1={at(place.left)} x2={at(place.width - RIGHT)} y1={at(y)} y2={at(y)} />
            <text class={classes!(beside.then_some("beside"))} x={at(x)} y={at(above)}>{crate::format::one_line(name, 19)}</text>
        </g>
    }
}

/// Where a request waits at its broker: in the queue, at the broker, for the disk.
fn wait(place: &Place, wait: Wait) -> Option<Html> {
    let y = Place::y(wait.row) + 4.0 + wait.lane as f64 * LANE;
    let x = wait.moments.map(|moment| place.x(moment));
    let bars = ["l-queue", "l-broker", "l-disk"].into_iter().zip(x.windows(2)).filter_map(|(class, ends)| {
        let wide = ends[1] - ends[0];
        (wide > 0.0).then(|| html! { <rect class={class} x={at(ends[0])} y={at(y)} width={at(wide.max(1.0))} height={at(BAR)} /> })
    });
    Some(html! { <g class="wait" aria-hidden="true">{ for bars }</g> })
}

/// The two ends of a stroke.
fn ends(place: &Place, stroke: &Stroke) -> [(f64, f64); 2] {
    let from = (place.x(stroke.from.0), Place::y(stroke.from.1));
    let to = (place.x(stroke.to.0), Place::y(stroke.to.1));
    let to = match stroke.fate {
        Fate::Arrived => to,
        Fate::Travels => (to.0, from.1 + (to.1 - from.1) * 0.5),
        Fate::Lost => (to.0.min(from.0 + STUB.0), from.1 + (to.1 - from.1) * STUB.1),
    };
    [from, to]
}

fn message(
    ctx: &Ctx,
    props: &DiagramProps,
    place: &Place,
    (drawn, one): (&Drawn, &ExchangeView),
    current: bool,
    named: &UseStateHandle<Option<u64>>,
) -> Html {
    let number = one.number;
    let name = {
        let named = named.setter();
        move || named.set(Some(number))
    };
    let (hover, focus, open) = (name.clone(), name, props.open.clone());
    let strokes = drawn.strokes.iter().map(|stroke| {
        let [from, to] = ends(place, stroke);
        let class = match (stroke.answer, stroke.fate) {
            (false, Fate::Travels) => "req travels",
            (false, _) => "req",
            (true, Fate::Travels) => "ans travels",
            (true, _) => "ans",
        };
        let path = format!("M{:.1} {:.1}L{:.1} {:.1}", from.0, from.1, to.0, to.1);
        html! { <>
            <path class="hit" d={path.clone()} />
            <path class={class} d={path} />
            if stroke.fate == Fate::Lost {
                <path class="cross" d={format!("M{:.1} {:.1}l8 8m0 -8l-8 8", to.0 - 4.0, to.1 - 4.0)} />
            } else if stroke.answer && stroke.fate == Fate::Arrived {
                <path class="head" d={head(from, to)} />
            }
        </> }
    });
    let sent = drawn.strokes.first().map(|stroke| at(place.x(stroke.from.0)));
    html! {
        <g id={id_of(number)} class={classes!("msg", one.is_failed().then_some("bad"), (props.opened == Some(number)).then_some("sel"), (**named == Some(number)).then_some("on"))}
            role="button" tabindex={if current { "0" } else { "-1" }} aria-label={sentence(ctx.t, props, one)} data-number={number.to_string()} data-api={one.api.clone()} data-x={sent}
            onmouseenter={move |_| hover()} onfocus={move |_: FocusEvent| focus()} onclick={move |_| open.emit(number)}>{ for strokes }</g>
    }
}

/// The head of an answer: a triangle that points where it goes.
fn head(from: (f64, f64), to: (f64, f64)) -> String {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy).max(0.001);
    let (ux, uy) = (dx / length, dy / length);
    let (bx, by) = (to.0 - ux * 8.0, to.1 - uy * 8.0);
    let (px, py) = (-uy * 3.2, ux * 3.2);
    format!("M{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}z", to.0, to.1, bx + px, by + py, bx - px, by - py)
}

fn draw_mark(place: &Place, mark: &Mark) -> Html {
    let x = place.x(mark.at);
    let y = mark.row.map_or(TOP + 4.0, Place::y);
    html! {
        <g class={classes!("ev", mark.fault.then_some("bad"))}>
            <title>{format!("{} {}", moment(mark.at), mark.text)}</title>
            <path d={format!("M{x:.1} {:.1}V{:.1}", y - 8.0, y)} />
            <path class="dot" d={format!("M{:.1} {y:.1}l3 -3l3 3l-3 3z", x - 3.0)} />
            if !mark.label.is_empty() { <text x={at(x + 3.0)} y={at(y - 5.0)}>{&mark.label}</text> }
        </g>
    }
}

/// A message in a sentence.
fn sentence(t: &'static Text, props: &DiagramProps, one: &ExchangeView) -> String {
    let (client, broker) = (props.names.of_asker(t, one), props.names.of_node(t, one.broker));
    let what = fill(t.wire_detail, &[&format!("{} v{}", one.api, one.version), &client, &broker]);
    let about = partitions(one);
    let latency = lasted(one.latency(props.wire.now).total());
    let all = [moment(one.sent), what, about, latency, ending(t, one)];
    all.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// What the lines and bars are.
#[component]
fn Key() -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let lines = [
        ("msg", "req", "M1 9L21 1", t.wire_k_request),
        ("msg", "ans", "M1 1L21 9", t.wire_k_answer),
        ("msg bad", "ans", "M1 1L21 9", t.wire_k_error),
    ];
    html! {
        <ul class="legend wire-key">
            { for lines.map(|(group, class, path, name)| html! {
                <li><svg width="24" height="11" aria-hidden="true"><g class={group}><path class={class} d={path} />
                    if class == "ans" { <path class="head" d={head((1.0, 1.0), (22.0, 9.5))} /> }</g></svg>{name}</li>
            }) }
            <li><svg width="12" height="11" aria-hidden="true"><g class="msg bad"><path class="cross" d="M2 1l8 8m0 -8l-8 8" /></g></svg>{t.wire_k_lost}</li>
            { for parts(t).into_iter().skip(1).take(3).map(|(class, name)| html! {
                <li><svg width="16" height="10" aria-hidden="true"><rect class={class} x="1" y="3" width="14" height="4" /></svg>{name}</li>
            }) }
        </ul>
    }
}
