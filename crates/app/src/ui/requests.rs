//! What went over the network: requests with their answers, as a table or as a space-time diagram.

use std::collections::BTreeMap;
use std::rc::Rc;

use blumfeld_view::{ClientView, Command, EndingView, ExchangeDetail, ExchangeView, LossView, WireView};
use gloo_timers::callback::Interval;
use web_sys::{Element, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::diagram::Diagram;
use super::exchange::Exchange;
use super::icon;
use super::token_table::name;
use crate::browser;
use crate::ctx::{Ctx, use_ctx};
use crate::events::{Events, Line};
use crate::format::{count, moment, one_line, size};
use crate::model::{Action, Screen, Shared};
use crate::requests::{Apis, DIAGRAM, Filter, SPANS, is_marked, lasted};
use crate::text::{Lang, Text, fill};

/// The engine is asked this often, in milliseconds.
const ASKED_MS: u32 = 500;
/// Events that one can go to.
const EVENTS: usize = 40;
/// Words of an event in the list of those that one can go to.
const EVENT_CHARS: usize = 64;

/// What the screen shows.
#[derive(Properties, PartialEq)]
pub struct RequestsProps {
    /// The engine's last answer.
    pub wire: Option<Shared<WireView>>,
    /// The exchange that is open.
    pub open: Option<Shared<ExchangeDetail>>,
    /// Whether it is drawn as a diagram.
    pub diagram: bool,
    /// Producers and consumers, for their names.
    pub clients: Shared<Vec<Shared<ClientView>>>,
    /// The event log.
    pub events: Events,
    /// Virtual now, in microseconds.
    pub now: u64,
}

/// What nodes are called. Equal if the names are: how clients stand changes with every delta.
#[derive(Clone, PartialEq, Debug)]
pub struct Names(Rc<BTreeMap<i32, String>>);

impl Names {
    fn of(t: &'static Text, clients: &[Shared<ClientView>]) -> Self {
        Self(Rc::new(clients.iter().map(|client| (client.id, name(t, clients, client.id))).collect()))
    }

    /// How a node is called.
    pub fn of_node(&self, t: &'static Text, node: i32) -> String {
        self.0.get(&node).cloned().unwrap_or_else(|| name(t, &[], node))
    }

    /// How who asks is called. A process that is over is known by the `client.id` of its request alone.
    pub fn of_asker(&self, t: &'static Text, one: &ExchangeView) -> String {
        let nameless = one.client >= FIRST_CLIENT && !self.0.contains_key(&one.client);
        if nameless && !one.client_id.is_empty() {
            one.client_id.clone()
        } else {
            self.of_node(t, one.client)
        }
    }
}

/// What the hands of the screen need to know, as it was drawn last.
#[derive(Clone, Default)]
struct Latest {
    filter: Filter,
    /// Whether the list stands still because a hand is over it, and goes on by itself.
    lightly: bool,
    diagram: bool,
    is_open: bool,
    begun: u64,
    /// The moment of what is shown, so that holding it changes nothing.
    shown: u64,
    now: u64,
}

impl Latest {
    /// The same, held or going on.
    fn hold(&self, held: bool) -> Filter {
        let stands = self.diagram || self.filter.span.is_some();
        Filter {
            held: held.then_some((self.begun, self.shown)),
            end: if held { self.filter.end.or(stands.then_some(self.shown)) } else { None },
            ..self.filter.clone()
        }
    }
}

/// The screen.
#[component]
pub fn Requests(props: &RequestsProps) -> Html {
    let filter = use_state_eq(Filter::default);
    let lightly = use_state_eq(|| false);
    let latest = use_mut_ref(Latest::default);
    let ctx = use_ctx();
    let (diagram, wire) = (props.diagram, props.wire.as_ref());
    *latest.borrow_mut() = Latest {
        filter: (*filter).clone(),
        lightly: *lightly,
        diagram,
        is_open: props.open.is_some(),
        begun: wire.map_or(0, |wire| wire.begun),
        shown: wire.map_or(props.now, |wire| wire.now),
        now: props.now,
    };
    use_effect_with(((*filter).clone(), diagram, ctx.clone()), {
        let latest = latest.clone();
        move |(filter, diagram, ctx)| {
            let (filter, diagram, ctx) = (filter.clone(), *diagram, ctx.clone());
            let ask = move || {
                if let Some(ctx) = &ctx {
                    ctx.ask(&Command::Wire(filter.query(latest.borrow().now, diagram)));
                }
            };
            ask();
            let again = Interval::new(ASKED_MS, ask);
            move || drop(again)
        }
    });
    // One and the same in each drawing, so that what calls them is drawn when its rows change and not with each delta.
    let set = use_callback((), {
        let (filter, lightly) = (filter.setter(), lightly.setter());
        move |to: Filter, ()| {
            lightly.set(false);
            filter.set(to);
        }
    });
    let open = use_callback(ctx.clone(), {
        let (latest, set) = (latest.clone(), set.clone());
        move |number: u64, ctx| {
            let latest = latest.borrow().clone();
            if latest.filter.held.is_none() || latest.lightly {
                set.emit(if latest.lightly { latest.filter } else { latest.hold(true) });
            }
            if let Some(ctx) = ctx {
                ctx.ask(&Command::Exchange(number));
            }
        }
    });
    // What is read does not move away under the hand: the list is held while the pointer or the focus is in it.
    let touch = use_callback((), {
        let (latest, filter, lightly) = (latest.clone(), filter.setter(), lightly.setter());
        move |inside: bool, ()| {
            let latest = latest.borrow().clone();
            if inside && latest.filter.held.is_none() && latest.filter.end.is_none() {
                lightly.set(true);
                filter.set(latest.hold(true));
            } else if !inside && latest.lightly && !latest.is_open {
                lightly.set(false);
                filter.set(latest.hold(false));
            }
        }
    });
    let window = filter.window(wire.map_or(props.now, |wire| wire.now));
    // The marks are of the picture's moment: they change with it, and not with each event.
    let marked = use_memo((props.wire.clone(), window, diagram), {
        let events = props.events.clone();
        move |(_, (from, end), diagram)| {
            let all = events.newest(None).filter(|line| (*from..=*end).contains(&line.event.at));
            all.filter(|line| *diagram && is_marked(&line.event, end - from))
                .map(|line| line.event.clone())
                .collect::<Vec<_>>()
        }
    });
    let Some(ctx) = ctx else { return Html::default() };
    let t = ctx.t;
    let names = Names::of(t, &props.clients);
    let onkeydown = {
        let ctx = ctx.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" && !event.is_composing() {
                ctx.act(Action::Close);
            }
        })
    };
    let opened = props.open.as_ref().map(|open| open.exchange.number);
    html! {
        <section class={classes!("screen", "requests", diagram.then_some("drawn"), opened.map(|_| "opened"))} aria-labelledby="h-requests" tabindex="-1" {onkeydown}>
            <header class="bar">
                <h2 id="h-requests">{t.wire_screen}</h2>
                {views(t, diagram)}
                {filters(t, (props.wire.as_ref(), &names), &filter, &set)}
            </header>
            {spans(t, props, &latest.borrow(), &set)}
            if let Some(wire) = wire {
                if diagram {
                    <Diagram wire={wire.clone()} names={names.clone()} {marked} {window} {opened} {open} {touch} />
                } else {
                    <Table wire={wire.clone()} names={names.clone()} {opened} {open} {touch} />
                }
            }
            if let Some(detail) = &props.open {
                <Exchange detail={detail.clone()} {names} />
            }
        </section>
    }
}

/// Table or diagram.
fn views(t: &'static Text, diagram: bool) -> Html {
    html! {
        <div class="seg2" role="group" aria-label={t.wire_view}>
            { for [(false, t.wire_table, ""), (true, t.wire_diagram, DIAGRAM)].map(|(to, name, word)| html! {
                <button id={if to { "as-diagram" } else { "as-table" }} aria-pressed={(diagram == to).to_string()}
                    onclick={move |_| browser::go(&format!("{}{word}", Screen::Requests.word()))}>{name}</button>
            }) }
        </div>
    }
}

fn chosen(event: &Event) -> String {
    event.target_unchecked_into::<HtmlSelectElement>().value()
}

/// API, node, text, and what is left out.
fn filters(
    t: &'static Text,
    (wire, names): (Option<&Shared<WireView>>, &Names),
    filter: &Filter,
    set: &Callback<Filter>,
) -> Html {
    let to = |change: fn(&mut Filter, &Event)| {
        let (filter, set) = (filter.clone(), set.clone());
        Callback::from(move |event: Event| {
            let mut filter = filter.clone();
            change(&mut filter, &event);
            set.emit(filter);
        })
    };
    let typed = {
        let (filter, set) = (filter.clone(), set.clone());
        Callback::from(move |event: InputEvent| {
            let text = event.target_unchecked_into::<HtmlInputElement>().value();
            set.emit(Filter { text, ..filter.clone() });
        })
    };
    let mut apis = vec![
        ("all".to_owned(), t.wire_all.to_owned()),
        ("elections".to_owned(), t.wire_elections.to_owned()),
        ("rebalance".to_owned(), t.wire_rebalance.to_owned()),
    ];
    let (mut known, mut nodes) =
        wire.map_or((vec![], vec![]), |wire| (wire.apis.clone(), wire.nodes.clone()));
    if let Apis::One(name) = &filter.apis
        && !known.contains(name)
    {
        known.push(name.clone());
    }
    nodes.extend(filter.node.filter(|node| !nodes.contains(node)));
    apis.extend(known.into_iter().map(|name| (name.clone(), name)));
    html! { <>
        <label><span class="vh">{t.wire_apis}</span>
            <select class="ctl" id="wire-api" onchange={to(|filter, event| filter.apis = Apis::of(&chosen(event)))}>
                { for apis.into_iter().map(|(word, name)| html! {
                    <option value={word.clone()} selected={filter.apis.word() == word}>{name}</option>
                }) }
            </select></label>
        <label><span class="vh">{t.wire_node}</span>
            <select class="ctl" id="wire-node" onchange={to(|filter, event| filter.node = chosen(event).parse().ok())}>
                <option value="" selected={filter.node.is_none()}>{t.wire_any_node}</option>
                { for nodes.into_iter().map(|node| html! {
                    <option value={node.to_string()} selected={filter.node == Some(node)}>{names.of_node(t, node)}</option>
                }) }
            </select></label>
        <label class="find"><span class="vh">{t.wire_text}</span>
            <input class="field" id="wire-text" type="search" placeholder={t.wire_text} value={filter.text.clone()} oninput={typed} /></label>
        <label class="choice"><input type="checkbox" id="wire-errors" checked={filter.errors}
            onchange={to(|filter, event| filter.errors = event.target_unchecked_into::<HtmlInputElement>().checked())} />{t.wire_errors}</label>
        <label class="choice" title={t.wire_hide_idle_why}><input type="checkbox" id="wire-idle" checked={filter.hide_idle}
            onchange={to(|filter, event| filter.hide_idle = event.target_unchecked_into::<HtmlInputElement>().checked())} />{t.wire_hide_idle}</label>
    </> }
}

/// A span in words: `100 ms`, `1 s`.
fn span_name(span: u64) -> String {
    if span >= 1_000_000 { format!("{} s", span / 1_000_000) } else { format!("{} ms", span / 1_000) }
}

/// The span, how to move it, and whether it goes on.
fn spans(t: &'static Text, props: &RequestsProps, latest: &Latest, set: &Callback<Filter>) -> Html {
    let (now, filter) = (props.now, &latest.filter);
    let shown = filter.span.or(props.diagram.then_some(SPANS[1]));
    let onspan = {
        let (filter, set) = (filter.clone(), set.clone());
        Callback::from(move |event: Event| {
            let span = chosen(&event).parse().ok();
            set.emit(Filter { span, end: filter.end.filter(|_| span.is_some()), ..filter.clone() });
        })
    };
    let go = |to: Filter| {
        let set = set.clone();
        Callback::from(move |_: MouseEvent| set.emit(to.clone()))
    };
    let moved = |by: i64| {
        let held = props.wire.as_ref().map(|wire| (wire.begun, wire.now));
        Filter { held: filter.held.or(held), span: shown, ..filter.moved(by, now) }
    };
    // What is held for a moment alone goes on by itself.
    let held = (filter.held.is_some() || filter.end.is_some()) && !latest.lightly;
    let korean = std::ptr::eq(t, Lang::Ko.text());
    let rare = props.events.newest(None).filter(|line| !line.event.frequent);
    let events: Vec<Rc<Line>> = rare.take(EVENTS).cloned().collect();
    let onevent = {
        let (filter, set, events) = (filter.clone(), set.clone(), events.clone());
        let begun = props.wire.as_ref().map(|wire| (wire.begun, wire.now));
        Callback::from(move |event: Event| {
            let seq = chosen(&event).parse::<u64>();
            if let Some(found) = seq.ok().and_then(|seq| events.iter().find(|line| line.seq == seq)) {
                let span = shown.unwrap_or(SPANS[1]);
                let end = Some(found.event.at + span / 2);
                set.emit(Filter { span: Some(span), end, held: filter.held.or(begun), ..filter.clone() });
            }
        })
    };
    let (from, end) = filter.window(latest.shown);
    let wire = props.wire.as_ref();
    let newer = wire.map(|wire| wire.newer).filter(|newer| *newer > 0);
    html! {
        <div class="bar span-bar">
            <label><span class="vh">{t.wire_span}</span>
                <select class="ctl" id="wire-span" onchange={onspan}>
                    if !props.diagram { <option value="" selected={filter.span.is_none()}>{t.wire_span_all}</option> }
                    { for SPANS.map(|span| html! {
                        <option value={span.to_string()} selected={shown == Some(span)}>{fill(if filter.end.is_some() { t.wire_span_of } else { t.wire_last }, &[&span_name(span)])}</option>
                    }) }
                </select></label>
            <span class="steps">
                <button class="ctl" id="wire-earlier" disabled={shown.is_none()} onclick={go(moved(-1))}>{icon("left")}{t.wire_earlier}</button>
                <button class="ctl" id="wire-later" disabled={shown.is_none() || filter.end.is_none()} onclick={go(moved(1))}>{t.wire_later}{icon("right")}</button>
            </span>
            <label><span class="vh">{t.wire_around}</span>
                <select class="ctl around" id="wire-around" disabled={events.is_empty()} onchange={onevent}>
                    <option value="" selected=true>{t.wire_around}</option>
                    { for events.iter().map(|line| {
                        let event = &line.event;
                        html! { <option value={line.seq.to_string()}>{format!("{} {}: {}", moment(event.at), event.node, one_line(if korean { &event.korean } else { &event.text }, EVENT_CHARS))}</option> }
                    }) }
                </select></label>
            <button class="ctl" id="wire-hold" aria-pressed={held.to_string()} onclick={go(latest.hold(!held))}>
                {if held { t.wire_follow } else { t.wire_hold }}
                if let Some(newer) = newer.filter(|_| held) { {" · "}{fill(t.wire_newer, &[&count(newer)])} }
            </button>
            if shown.is_some() { <span class="meta span-of">{moment(from)}{" – "}{moment(end)}</span> }
            if let Some(wire) = wire {
                <span class="meta counts" role="status">{counts(t, wire, props.diagram, held)}</span>
            }
        </div>
    }
}

/// What is shown and what is not.
fn counts(t: &'static Text, wire: &WireView, diagram: bool, held: bool) -> String {
    let (shown, all) = (wire.exchanges.len(), wire.matching);
    let of = if diagram && (shown as u32) < all { t.wire_drawn } else { t.wire_shown };
    let mut parts = vec![fill(of, &[&count(shown as i64), &count(all)])];
    // Of a list that is held the button says it.
    if wire.newer > 0 && !held {
        parts.push(fill(t.wire_newer, &[&count(wire.newer)]));
    }
    if wire.hidden > 0 {
        parts.push(fill(t.wire_hidden, &[&count(wire.hidden)]));
    }
    if wire.forgotten > 0 {
        parts.push(fill(t.wire_forgotten, &[&count(wire.forgotten)]));
    }
    parts.join(" · ")
}

#[derive(Properties, PartialEq)]
struct TableProps {
    wire: Shared<WireView>,
    names: Names,
    opened: Option<u64>,
    open: Callback<u64>,
    touch: Callback<bool>,
}

/// The table.
#[component]
fn Table(props: &TableProps) -> Html {
    let list = use_node_ref();
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let touch = |inside: bool| {
        let (touch, list) = (props.touch.clone(), list.clone());
        move || {
            // Who has scrolled reads on, wherever the pointer is.
            let scrolled = list.cast::<Element>().is_some_and(|list| list.scroll_top() > 0);
            if inside || !scrolled {
                touch.emit(inside);
            }
        }
    };
    let (enter, leave, focus, blur) = (touch(true), touch(false), touch(true), touch(false));
    let wire = &props.wire;
    html! { <>
        <Legend />
        <div class="mach scroll wire-table" ref={list} onmouseenter={move |_| enter()} onmouseleave={move |_| leave()}
            onfocusin={move |_: FocusEvent| focus()} onfocusout={move |_: FocusEvent| blur()}>
            <table class="tb">
                <caption class="vh">{t.wire_caption}</caption>
                <thead><tr><th scope="col">{t.wire_time}</th><th scope="col">{t.wire_apis}</th><th scope="col">{t.wire_who}</th>
                    <th scope="col" class="w-about">{t.wire_about}</th><th scope="col" class="num w-bytes">{t.wire_bytes}</th>
                    <th scope="col" class="num">{t.wire_latency}</th><th scope="col" class="w-bar"><span class="vh">{t.wire_legend}</span></th>
                    <th scope="col">{t.wire_ending}</th></tr></thead>
                <tbody>{ for wire.exchanges.iter().map(|one| row(&ctx, props, one)) }</tbody>
            </table>
            if wire.exchanges.is_empty() { <p class="none">{t.wire_none}</p> }
        </div>
    </> }
}

fn row(ctx: &Ctx, props: &TableProps, one: &ExchangeView) -> Html {
    let t = ctx.t;
    let opened = props.opened == Some(one.number);
    let onclick = {
        let (open, number) = (props.open.clone(), one.number);
        Callback::from(move |_: MouseEvent| open.emit(number))
    };
    let latency = one.latency(props.wire.now);
    let about = partitions(one);
    html! {
        <tr key={one.number.to_string()} class={classes!(opened.then_some("sel"), one.is_failed().then_some("bad"), one.idle.then_some("idle"))} onclick={onclick.clone()}>
            <td class="when">{moment(one.sent)}</td>
            <th scope="row"><button class="link" aria-expanded={opened.to_string()} data-number={one.number.to_string()}>{&one.api}</button>{" "}<span class="times">{"v"}{one.version}</span></th>
            <td class="who-whom">{props.names.of_asker(t, one)}{" → "}{props.names.of_node(t, one.broker)}</td>
            <td class="w-about" title={about.clone()}>{about}</td>
            <td class="num w-bytes">{size(one.request_bytes)}{", "}{if one.answered.is_some() { size(one.answer_bytes) } else { "–".to_owned() }}</td>
            <td class="num">{lasted(latency.total())}</td>
            <td class="w-bar">{bar(one, props.wire.now)}</td>
            <td class="end">{ending(t, one)}</td>
        </tr>
    }
}

/// Partitions that an exchange is about, in words.
pub fn partitions(one: &ExchangeView) -> String {
    let named = one.partitions.iter().map(|(topic, number)| format!("{topic}-{number}"));
    let mut all: Vec<String> = named.collect();
    if one.partitions_left_out > 0 {
        all.push(format!("+{}", one.partitions_left_out));
    }
    all.join(", ")
}

/// Ids from this one on are clients'.
const FIRST_CLIENT: i32 = 1_000;

/// How an exchange ended, in words.
pub fn ending(t: &'static Text, one: &ExchangeView) -> String {
    match one.ending {
        EndingView::Answered if !one.error.is_empty() => one.error.clone(),
        EndingView::Open => t.wire_open.to_owned(),
        EndingView::Answered => t.wire_answered.to_owned(),
        EndingView::NoAnswer => t.wire_no_answer.to_owned(),
        EndingView::Lost(why) => match why {
            LossView::Closed => t.wire_lost_closed,
            LossView::Refused => t.wire_lost_refused,
            LossView::PeerDown => t.wire_lost_peer,
            LossView::Unreachable => t.wire_lost_unreachable,
            LossView::Malformed => t.wire_lost_malformed,
            LossView::TimedOut => t.wire_lost_timeout,
            LossView::Idle => t.wire_lost_idle,
            LossView::Reset => t.wire_lost_reset,
            LossView::Dropped => t.wire_lost_dropped,
            LossView::PowerCut => t.wire_lost_power,
            LossView::PassedOver => t.wire_lost_passed,
        }
        .to_owned(),
    }
}

/// The names of the parts of a latency, with their classes.
pub fn parts(t: &'static Text) -> [(&'static str, &'static str); 5] {
    [
        ("l-net", t.wire_there),
        ("l-queue", t.wire_queue),
        ("l-broker", t.wire_at_broker),
        ("l-disk", t.wire_disk),
        ("l-net", t.wire_back),
    ]
}

/// The parts of a latency, as a bar of a hundred.
pub fn bar(one: &ExchangeView, now: u64) -> Html {
    let latency = one.latency(now);
    let total = latency.total().max(1) as f64;
    let classes = ["l-net", "l-queue", "l-broker", "l-disk", "l-net"];
    let mut from = 0.0;
    let parts = latency.parts().into_iter().zip(classes).filter_map(|(part, class)| {
        let wide = part as f64 / total * 100.0;
        let at = from;
        from += wide;
        (part > 0).then(|| html! { <rect class={class} x={format!("{at:.2}")} y="1" width={format!("{wide:.2}")} height="8" /> })
    });
    html! { <svg class="lat" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{ for parts }</svg> }
}

/// What the parts of a bar are.
#[component]
fn Legend() -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let all = parts(ctx.t);
    html! {
        <ul class="legend lat-legend" aria-label={ctx.t.wire_legend}>
            { for all.into_iter().enumerate().filter(|(at, _)| *at < 4).map(|(at, (class, name))| html! {
                <li><svg width="14" height="10" aria-hidden="true"><rect class={class} x="1" y="1" width="12" height="8" /></svg>{if at == 0 { ctx.t.wire_net } else { name }}</li>
            }) }
            <li>{ctx.t.wire_legend}</li>
        </ul>
    }
}
