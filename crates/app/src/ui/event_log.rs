//! The event log: the newest events on top, and by kind.

use blumfeld_view::EventKind;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, ResizeObserver};
use yew::prelude::*;

use crate::ctx::use_ctx;
use crate::events::{Events, KINDS};
use crate::format::{count, moment};
use crate::model::{LookAt, Shared};
use crate::text::{Lang, Text, fill};

/// The height of a line in pixels, where it does not break.
const LINE: u32 = 20;
/// So many lines below those that fit are in the document, so that one can begin to scroll.
const SPARE: usize = 4;
/// So many are added whenever the reader comes to the end of them.
const MORE: usize = 100;

/// What the log shows.
#[derive(Properties, PartialEq)]
pub struct EventLogProps {
    /// The events.
    pub events: Events,
    /// Events that are not among them.
    pub left_out: u64,
    /// The line to be shown.
    pub look_at: Option<Shared<LookAt>>,
}

/// The event log, newest first. It follows what happens as long as it stands at the top; who has scrolled reads on in what
/// there was, and is told how much is newer.
#[component]
pub fn EventLog(props: &EventLogProps) -> Html {
    let kind = use_state(|| None::<EventKind>);
    let held = use_state(|| None::<(Events, u64)>);
    let more = use_state(|| 0);
    let list = use_node_ref();
    let room = use_room(&list);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let hold = {
        let (held, more) = (held.clone(), more.clone());
        let now = (props.events.clone(), props.left_out);
        move |lines: usize| {
            if held.is_none() {
                held.set(Some(now.clone()));
            }
            more.set(*more + lines);
        }
    };
    let follow = {
        let (held, more, list) = (held.clone(), more.clone(), list.clone());
        move || {
            held.set(None);
            more.set(0);
            if let Some(list) = list.cast::<Element>() {
                list.set_scroll_top(0);
            }
        }
    };
    let onscroll = {
        let (held, follow, hold) = (held.clone(), follow.clone(), hold.clone());
        Callback::from(move |event: Event| {
            let list: Element = event.target_unchecked_into();
            let below = list.scroll_height() - list.scroll_top() - list.client_height();
            match (list.scroll_top() > 0, held.is_some()) {
                (false, true) => follow(),
                (false, false) => {}
                (true, held) if !held || below < list.client_height() => hold(MORE),
                (true, _) => {}
            }
        })
    };
    // What was looked up on the time line stands in sight, and is marked.
    use_effect_with(props.look_at.clone(), {
        let (hold, kind, events) = (hold.clone(), kind.clone(), props.events.clone());
        move |look| {
            if let Some(look) = look {
                kind.set(None);
                hold(events.newest(None).take_while(|line| !look.is(&line.event)).count() + SPARE);
            }
        }
    });
    use_effect_with((props.look_at.clone(), *more), {
        let list = list.clone();
        move |(look, _)| {
            let list = list.cast::<Element>().filter(|_| look.is_some());
            let line = list.and_then(|list| list.query_selector(".looked-at").ok().flatten());
            if let Some(line) = line {
                line.scroll_into_view();
            }
        }
    });
    let looked_at = props.look_at.clone();
    let older = Callback::from(move |_: MouseEvent| hold(MORE));
    let filter = |to: Option<EventKind>, name: &'static str| {
        let on = *kind == to;
        let (kind, follow) = (kind.clone(), follow.clone());
        let onclick = move |_| {
            kind.set(to);
            follow();
        };
        html! { <button class={classes!("f", on.then_some("on"))} aria-pressed={on.to_string()} {onclick}>{name}</button> }
    };
    let (events, left_out) = held.as_ref().cloned().unwrap_or_else(|| (props.events.clone(), props.left_out));
    let newer = props.events.count().saturating_sub(events.count());
    // Where nothing fits the log is not to be seen.
    let most = if room == 0 { 0 } else { room + SPARE + *more };
    html! {
        <section class="pane p-log" aria-labelledby="h-log">
            <header><h2 id="h-log">{t.event_log}</h2>
                <div class="filters">{filter(None, t.all)}{ for KINDS.map(|kind| filter(Some(kind), kind_name(t, kind))) }</div></header>
            <ol class="log" tabindex="0" aria-label={t.event_log} ref={list} {onscroll}>
                <Lines {events} kind={*kind} {most} {left_out} {older} {looked_at} />
            </ol>
            if newer > 0 {
                <button class="f on newer" onclick={move |_| follow()}>{fill(t.newer_events, &[&count(newer)])}</button>
            }
        </section>
    }
}

/// How many lines fit into the list.
#[hook]
fn use_room(list: &NodeRef) -> usize {
    let room = use_state_eq(|| 0);
    use_effect_with(list.clone(), {
        let room = room.clone();
        move |list| {
            let watched = list.cast::<Element>().and_then(|list| {
                let callback = Closure::<dyn FnMut()>::new({
                    let list = list.clone();
                    move || room.set(list.client_height().max(0).unsigned_abs().div_ceil(LINE) as usize)
                });
                let observer = ResizeObserver::new(callback.as_ref().unchecked_ref()).ok()?;
                observer.observe(&list);
                Some((observer, callback))
            });
            move || {
                if let Some((observer, _callback)) = watched {
                    observer.disconnect();
                }
            }
        }
    });
    *room
}

#[derive(Properties)]
struct LinesProps {
    events: Events,
    kind: Option<EventKind>,
    most: usize,
    left_out: u64,
    older: Callback<MouseEvent>,
    looked_at: Option<Shared<LookAt>>,
}

impl PartialEq for LinesProps {
    fn eq(&self, other: &Self) -> bool {
        // The button does the same whichever drawing it is of.
        (&self.events, self.kind, self.most, self.left_out, &self.looked_at)
            == (&other.events, other.kind, other.most, other.left_out, &other.looked_at)
    }
}

/// The newest lines. They have no keys: where many come at once, a line is filled again sooner than it is replaced.
#[component]
fn Lines(props: &LinesProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let mut lines = props.events.newest(props.kind);
    let shown: Vec<Html> = (lines.by_ref().take(props.most))
        .map(|line| {
            let event = &line.event;
            let korean = ctx.lang == Lang::Ko && !event.korean.is_empty();
            let text = AttrValue::from(if korean { event.korean.clone() } else { event.text.clone() });
            let looked_at = props.looked_at.as_ref().is_some_and(|look| look.is(event));
            html! {
                <li class={classes!(event_class(event.kind), looked_at.then_some("looked-at"))}>
                    <time>{moment(event.at)}</time>{mark(event.kind)}
                    <span title={text.clone()}><b>{event.node.clone()}</b>{" "}{text}</span>
                </li>
            }
        })
        .collect();
    let more = lines.next().is_some();
    html! { <>
        if shown.is_empty() && !more { <li class="none"><span>{if props.kind.is_none() && props.left_out == 0 { t.no_events } else { t.none_kept }}</span></li> }
        {shown}
        if more && props.most > 0 {
            <li class="older"><button class="link" onclick={props.older.clone()}>{t.older_events}</button></li>
        }
        if props.left_out > 0 { <li class="rest"><span>{fill(t.left_out, &[&count(props.left_out)])}</span></li> }
    </> }
}

fn kind_name(t: &'static Text, kind: EventKind) -> &'static str {
    match kind {
        EventKind::Log => t.kind_log,
        EventKind::Replication => t.kind_replication,
        EventKind::Quorum => t.kind_quorum,
        EventKind::Metadata => t.kind_metadata,
        EventKind::Groups => t.kind_groups,
        EventKind::Network => t.kind_network,
        EventKind::Fault => t.kind_fault,
    }
}

fn event_class(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Log => "ev-log",
        EventKind::Replication => "ev-replication",
        EventKind::Quorum => "ev-quorum",
        EventKind::Metadata => "ev-metadata",
        EventKind::Groups => "ev-groups",
        EventKind::Network => "ev-network",
        EventKind::Fault => "ev-fault",
    }
}

/// The mark of a kind: the word is in the sentence.
fn mark(kind: EventKind) -> Html {
    let path = match kind {
        EventKind::Log => "M2 6h8M7 3l3 3-3 3",
        // A copy behind another one.
        EventKind::Replication => "M1.500 1.500h6v6h-6zM4.500 7.500v3h6v-6h-3",
        // The hexagon of the active controller.
        EventKind::Quorum => "M6 1l4.300 2.500v5L6 11 1.700 8.500v-5z",
        EventKind::Metadata => "M6 1l5 5-5 5-5-5z",
        // Two members.
        EventKind::Groups => {
            "M1 6a2.200 2.200 0 1 0 4.400 0a2.200 2.200 0 1 0-4.400 0M6.600 6a2.200 2.200 0 1 0 4.400 0a2.200 2.200 0 1 0-4.400 0"
        }
        EventKind::Network => "M1 4h9L8 2M11 8H2l2 2",
        EventKind::Fault => "M2 2l8 8M10 2l-8 8",
    };
    html! { <svg class="eg" viewBox="0 0 12 12" aria-hidden="true"><path d={path} /></svg> }
}
