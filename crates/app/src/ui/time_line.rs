//! The time line: what was rare in this session, on one axis, and what happens next while time stands still.

use blumfeld_view::{BranchView, ClientView, Command, Mark, NextKind, NextView, Pace, Seek, TimelineView};
use gloo_timers::callback::Interval;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::token_table::name;
use crate::browser;
use crate::ctx::{Ctx, use_ctx};
use crate::format::{count, moment};
use crate::model::{Action, Shared, Tab};
use crate::text::{Lang, Text, fill};
use crate::timeline::{Group, Marks};

/// What it shows.
#[derive(Properties, PartialEq)]
pub struct TimeLineProps {
    /// The marks.
    pub marks: Shared<Marks>,
    /// Virtual now, in microseconds.
    pub now: u64,
    /// The pace.
    pub pace: Pace,
    /// How far back one can go, and the branches.
    pub timeline: Option<Shared<TimelineView>>,
    /// What happens next, while time stands still.
    pub next: Option<NextView>,
    /// Producers and consumers, for their names.
    pub clients: Option<Shared<Vec<Shared<ClientView>>>>,
}

/// Pixels that a mark takes with its count.
const MARK_PX: f64 = 38.0;
/// Pixels that the longest moment of the axis takes.
const LABEL_PX: f64 = 76.0;
/// So much of the end of the axis has no labels while it is said what comes next, in pixels.
const NEXT_PX: f64 = 500.0;

/// What so many pixels are of the axis, which is as wide as the window.
fn thousandths(pixels: f64) -> u32 {
    (pixels * 1_000.0 / browser::width().max(1.0)).round() as u32
}

/// The time line.
#[component]
pub fn TimeLine(props: &TimeLineProps) -> Html {
    let line = use_node_ref();
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let clients = props.clients.as_ref().map(|clients| clients.as_slice()).unwrap_or_default();
    let next = props.next.as_ref().filter(|_| props.pace == Pace::Paused);
    // The policy allows no styles in the markup; a place is set from here.
    use_effect({
        let line = line.clone();
        move || {
            if let Some(line) = line.cast::<Element>() {
                place_all(&line);
            }
        }
    });
    // What is later than the shown moment is on the axis as well.
    let tip = props.timeline.as_ref().and_then(|timeline| timeline.tip);
    let (begun, end) = (props.marks.begun(), tip.unwrap_or(props.now).max(props.now));
    let place = props.now.saturating_sub(begun) * 1_000 / end.saturating_sub(begun).max(1);
    let branches = props.timeline.as_ref().map_or(&[][..], |timeline| &timeline.branches);
    html! {
        <section class={classes!("seek", tip.is_some().then_some("past"))} ref={line} aria-label={t.time_line}>
            if branches.len() > 1 {
                <ol class="branches">
                    { for branches.iter().filter(|one| !one.living).rev().take(BRANCHES).map(|one| branch(&ctx, one, (begun, end))) }
                    if branches.len() > BRANCHES + 1 { {more(&ctx, branches)} }
                </ol>
                { for branches.iter().filter(|one| one.living).map(|one| html! { <b class="alive" title={t.branch_living}>{&one.name}</b> }) }
            }
            <ol class="marks" aria-label={t.time_line_marks}>{ for props.marks.groups(end, thousandths(MARK_PX)).iter().map(|group| mark(&ctx, group)) }</ol>
            <svg class="axis" viewBox="0 0 1000 14" preserveAspectRatio="none" aria-hidden="true">
                <path class="gone" d={format!("M0 1.500H{place}")} />
                if tip.is_some() { <path class="later" d={format!("M{place} 1.500H1000")} /> }
                { for props.marks.ticks(end).iter().map(|(place, _)| html! { <path class="tick" d={format!("M{place} 0V5")} /> }) }
            </svg>
            <ol class="ticks" aria-hidden="true">{ for props.marks.ticks(end).iter().filter(|(place, _)| place + thousandths(if next.is_some() { NEXT_PX } else { LABEL_PX }) <= 1_000).map(|(place, at)| html! {
                <li data-x={place.to_string()}>{label(*at, begun, end)}</li>
            }) }</ol>
            <Handle {begun} {end} now={props.now} from={props.timeline.as_ref().map_or(begun, |timeline| timeline.from.max(begun))} />
            <Milestones marks={Shared::clone(&props.marks)} />
            if let Some(next) = next { <p class="next-up" role="status">{next_in_words(t, next, props.now, clients)}</p> }
        </section>
    }
}

/// So many branches have a line of their own; the console lists all.
const BRANCHES: usize = 3;
/// Shift with an arrow goes so far, in virtual microseconds.
const STRIDE: u64 = 100_000;

/// A branch that does not live, as far as the axis goes; one that forks before it hangs at its beginning.
fn branch(ctx: &Ctx, one: &BranchView, (begun, end): (u64, u64)) -> Html {
    let span = end.saturating_sub(begun).max(1);
    let place = |at: u64| (at.saturating_sub(begun).min(span) * 1_000 / span).to_string();
    let long = (one.end.min(end).saturating_sub(one.fork.max(begun)) * 1_000 / span).to_string();
    let title = fill(ctx.t.branch_switch, &[&one.name, &moment(one.fork), &moment(one.end)]);
    let onclick = {
        let (ctx, line) = (ctx.clone(), format!("timeline switch {}", one.name));
        Callback::from(move |_: MouseEvent| ctx.press(&line))
    };
    html! {
        <li class={classes!((one.fork < begun).then_some("earlier"))} data-x={place(one.fork)} data-w={long}><button class="branch" aria-label={title.clone()} {title} {onclick}>{&one.name}</button></li>
    }
}

/// How many there are besides those that are drawn: a press lists them all in the console.
fn more(ctx: &Ctx, branches: &[BranchView]) -> Html {
    let hidden = branches.iter().filter(|one| !one.living).rev().skip(BRANCHES);
    let names: Vec<&str> = hidden.map(|one| one.name.as_str()).collect();
    let title = fill(ctx.t.branches_more, &[&names.join(", ")]);
    let onclick = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| {
            ctx.run("timeline");
        })
    };
    html! { <li class="more"><button class="branch" aria-label={title.clone()} {title} {onclick}>{format!("+{}", names.len())}</button></li> }
}

/// The moment that is shown, on an axis from the session's beginning to the end of the living branch.
#[derive(Properties, PartialEq)]
pub struct HandleProps {
    /// Where the axis begins, in virtual microseconds.
    pub begun: u64,
    /// Where it ends.
    pub end: u64,
    /// The moment.
    pub now: u64,
    /// The earliest moment that can be gone back to.
    pub from: u64,
}

/// What is drawn along the axis and goes to the moment under it.
#[component]
pub fn Handle(props: &HandleProps) -> Html {
    // While it is held it stays where it was put, and not where the engine has come to.
    let held = use_state_eq(|| None::<u64>);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let value = |event: &Event| {
        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        input.map(|input| input.value_as_number())
    };
    let go = {
        let (ctx, from) = (ctx.clone(), props.from);
        move |event: &Event| {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "microseconds of a session"
            )]
            let at = value(event).map(|at| (at.max(0.0) as u64).max(from));
            if let Some(at) = at {
                ctx.ask(&Command::Seek(Seek::Time(at)));
            }
            at
        }
    };
    let oninput = {
        let (held, go) = (held.clone(), go.clone());
        Callback::from(move |event: InputEvent| held.set(go(&event)))
    };
    let onchange = {
        let held = held.clone();
        Callback::from(move |event: Event| {
            go(&event);
            held.set(None);
        })
    };
    let onkeydown = {
        let (ctx, now, from) = (ctx.clone(), props.now, props.from);
        Callback::from(move |event: KeyboardEvent| {
            let to = match (event.key().as_str(), event.shift_key()) {
                ("ArrowLeft" | "ArrowDown", false) => Seek::Events(-1),
                ("ArrowRight" | "ArrowUp", false) => Seek::Events(1),
                ("ArrowLeft" | "ArrowDown" | "PageDown", _) => {
                    Seek::Time(now.saturating_sub(STRIDE).max(from))
                }
                ("ArrowRight" | "ArrowUp" | "PageUp", _) => Seek::Time(now + STRIDE),
                ("Home", _) => Seek::Time(from),
                ("End", _) => Seek::Now,
                _ => return,
            };
            event.prevent_default();
            ctx.ask(&Command::Seek(to));
        })
    };
    let at = held.unwrap_or(props.now);
    html! {
        <input class="handle" type="range" step="1" min={props.begun.to_string()} max={props.end.to_string()} value={at.to_string()}
            aria-label={ctx.t.time_line_seek} aria-valuetext={moment(at)} {oninput} {onchange} {onkeydown} />
    }
}

/// What is looked at, where that is not now.
#[derive(Properties, PartialEq)]
pub struct PastProps {
    /// The moment, in virtual microseconds.
    pub now: u64,
    /// Whether it is earlier than the end of the living branch.
    pub past: bool,
    /// How far the engine is on the way to another one.
    pub seeking: Option<f64>,
}

/// Says that it is the past, and how to leave it.
#[component]
pub fn PastBanner(props: &PastProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let now = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.ask(&Command::Seek(Seek::Now)))
    };
    html! {
        <div class="notice past" role="status" id="past">
            if props.past { <p>{fill(t.past, &[&moment(props.now)])}</p> } else { <p>{t.past_going}</p> }
            if let Some(share) = props.seeking {
                <progress max="1" value={share.to_string()} aria-label={t.past_going}></progress>
            }
            <button class="ctl small" id="back-to-now" onclick={now}>{if props.past { t.past_now } else { t.past_cancel }}</button>
        </div>
    }
}

/// What is said of it is not said more often, in milliseconds: whoever listens is to hear it out.
const SAID_MS: u32 = 4_000;

/// What happened that is rare, for who does not see the line.
#[derive(Properties, PartialEq)]
pub struct MilestonesProps {
    /// The marks.
    pub marks: Shared<Marks>,
}

/// Says politely what happened: elections, rebalances, faults.
#[component]
pub fn Milestones(props: &MilestonesProps) -> Html {
    let marks = use_mut_ref(|| Shared::clone(&props.marks));
    *marks.borrow_mut() = Shared::clone(&props.marks);
    let said = use_state_eq(|| None::<([String; 2], u64)>);
    use_effect_with((), {
        let (marks, said) = (marks.clone(), said.clone());
        // What was there when the page came is no news.
        let mut known = marks.borrow().taken();
        move |()| {
            let look = Interval::new(SAID_MS, move || {
                let marks = marks.borrow();
                // Another session counts anew.
                known = known.min(marks.taken());
                if let Some((one, fresh)) = marks.news(known) {
                    known = marks.taken();
                    said.set(Some((one.says.clone().map(|said| format!("{} {said}", one.node)), fresh - 1)));
                }
            });
            move || drop(look)
        }
    });
    let Some(ctx) = use_ctx() else { return Html::default() };
    html! {
        <p class="vh" id="milestones" role="status">{said.as_ref().map(|([english, korean], more)| html! { <>
            {if ctx.lang == Lang::Ko { korean } else { english }}
            if *more > 0 { {" "}{fill(ctx.t.milestones_more, &[&count(*more)])} }
        </> })}</p>
    }
}

/// Puts what has a place on the axis there.
fn place_all(line: &Element) {
    let Ok(all) = line.query_selector_all("[data-x]") else { return };
    let all = (0..all.length()).filter_map(|at| all.get(at)?.dyn_into::<HtmlElement>().ok());
    for one in all {
        let place = one.dataset().get("x").unwrap_or_default();
        let _ = one.style().set_property("--x", &place);
        if let Some(width) = one.dataset().get("w") {
            let _ = one.style().set_property("--w", &width);
        }
    }
}

/// A moment of the axis as short as its span allows.
fn label(at: u64, begun: u64, now: u64) -> String {
    let (text, _) = crate::format::clock(at);
    let text = text.strip_prefix("00:").unwrap_or(&text).to_owned();
    match now.saturating_sub(begun) {
        ..10_000_000 => text,
        _ => text.split('.').next().unwrap_or_default().to_owned(),
    }
}

fn mark(ctx: &Ctx, group: &Group) -> Html {
    let t = ctx.t;
    let language = usize::from(ctx.lang == Lang::Ko);
    let mut says: Vec<String> = group.says.iter().map(|says| says[language].clone()).collect();
    if group.count > says.len() {
        says.insert(
            0,
            fill(t.time_line_more, &[&count(i64::try_from(group.count - says.len()).unwrap_or(0))]),
        );
    }
    let what = mark_name(t, group.mark);
    // What stands beside the mark is part of its name.
    let times = (group.count > 1).then(|| fill(t.times, &[&count(i64::try_from(group.count).unwrap_or(0))]));
    let what = times.as_ref().map_or_else(|| what.to_owned(), |times| format!("{what} {times}"));
    let title = format!("{} {what}\n{}", moment(group.at), says.join("\n"));
    let onclick = {
        let (ctx, at, line) = (ctx.clone(), group.at, group.line.clone());
        Callback::from(move |_: MouseEvent| {
            ctx.act(Action::LookAt(at, line.clone()));
            ctx.act(Action::Show(Tab::Log));
        })
    };
    let (class, path) = match group.mark {
        Mark::Election => ("election", "M6 1l5 5-5 5-5-5z"),
        Mark::Isr => ("isr", "M2 2h2v8H2zM5.500 2h1.200v8H5.500zM8.500 5H10v5H8.500z"),
        Mark::Rebalance => ("rebalance", "M9.800 6a3.800 3.800 0 1 1-1.200-2.700M9 .8v2.700H6.300"),
        Mark::Error => ("error", "M6 1l5 10H1z"),
        Mark::Fault => ("fault", "M2 2l8 8M10 2l-8 8"),
    };
    html! {
        <li data-x={group.place.to_string()}><button class={classes!("mk", class)} aria-label={title.clone()} {title} {onclick}>
            <svg viewBox="0 0 12 12" aria-hidden="true"><path d={path} /></svg>
            if let Some(times) = times { <span>{times}</span> }
        </button></li>
    }
}

fn mark_name(t: &'static Text, mark: Mark) -> &'static str {
    match mark {
        Mark::Election => t.mark_election,
        Mark::Isr => t.mark_isr,
        Mark::Rebalance => t.mark_rebalance,
        Mark::Error => t.mark_error,
        Mark::Fault => t.mark_fault,
    }
}

/// What happens next, and in which time.
fn next_in_words(t: &'static Text, next: &NextView, now: u64, clients: &[Shared<ClientView>]) -> String {
    let at = name(t, clients, next.node);
    let what = match &next.what {
        NextKind::Arrives { api, answer, from } => {
            let sentence = if *answer { t.next_answer } else { t.next_request };
            fill(sentence, &[api, &name(t, clients, *from), &at])
        }
        NextKind::Connection => fill(t.next_connection, &[&at]),
        NextKind::Timer => fill(t.next_timer, &[&at]),
        NextKind::Disk => fill(t.next_disk, &[&at]),
        NextKind::Process => fill(t.next_process, &[&at]),
    };
    let micros = next.at.saturating_sub(now);
    let span = match micros {
        ..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{:03} ms", micros / 1_000, micros % 1_000),
        _ => format!("{}.{:03} s", micros / 1_000_000, micros / 1_000 % 1_000),
    };
    fill(t.next_in, &[&span, &what])
}
