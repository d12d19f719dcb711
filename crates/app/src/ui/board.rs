//! The stage: clients, brokers and groups side by side, with what is in flight between them.

use std::collections::BTreeMap;

use blumfeld_view::{
    BrokerView, ClientRole, ClientView, FollowWhat, GroupView, Pace, TokenDetail, TopicView,
};
use gloo_timers::callback::Interval;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlCanvasElement, HtmlSelectElement, ResizeObserver};
use yew::prelude::*;

use super::board_cards::{MEMBERS, broker, group, loose, member_name, producer};
use super::icon;
use super::pins::{PinMenu, Pins, first};
use super::token_deeds::{Opened, Target, TokenMenu};
use super::token_table::TokenTable;
use crate::address::Theme;
use crate::browser::Kept;
use crate::ctx::{Ctx, use_ctx};
use crate::format::count;
use crate::likeness;
use crate::model::{Action, PartitionName, Shared};
use crate::stage::{Counts, INK_SAMPLES, OTHERS};
use crate::strip::{axis, room};
use crate::text::{Text, fill};

/// Producers and groups that have cards of their own; the rest is counted.
const CARDS: usize = 3;
/// Partitions of the topic that each broker shows.
pub const ROWS: usize = 6;
/// At this pace and slower a message can be read while it travels, and names stand beside tokens.
const READABLE: f64 = 0.02;
/// The counts below the board are looked at this often, in milliseconds.
const COUNTED_MS: u32 = 150;

/// What the stage shows.
#[derive(Properties, PartialEq)]
pub struct StageProps {
    /// The topics by name.
    pub topics: Vec<Shared<TopicView>>,
    /// The chosen partition: its topic is drawn.
    pub chosen: Option<PartitionName>,
    /// Brokers by id.
    pub brokers: Shared<Vec<BrokerView>>,
    /// Consumer groups by id.
    pub groups: Shared<Vec<GroupView>>,
    /// Producers and consumers.
    pub clients: Shared<Vec<Shared<ClientView>>>,
    /// Virtual now, in microseconds.
    pub now: u64,
    /// The pace of the clock.
    pub pace: Pace,
    /// Which of the things to try were tried.
    pub tried: [bool; 3],
    /// The theme: another one has other colours.
    pub theme: Theme,
    /// The message in flight that was picked.
    pub token: Option<Shared<TokenDetail>>,
}

/// The stage.
#[component]
pub fn Stage(props: &StageProps) -> Html {
    let table = use_state(|| false);
    let pins = use_state(Pins::recall);
    let inside = use_state(BTreeMap::<i32, usize>::new);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let (producers, consumers) = split(&props.clients);
    let topic = shown(&props.topics, props.chosen.as_ref());
    let cards = likeness::cards(&producers, |client| pins.has("producer", &client.name));
    let hidden: usize = cards.iter().skip(CARDS).map(Vec::len).sum();
    let groups = first(props.groups.iter(), CARDS, |group| pins.has("group", &group.id));
    let shown_groups: Vec<&str> = groups.iter().map(|group| &*group.id).collect();
    let readable = match props.pace {
        Pace::Paused => true,
        Pace::Times(times) => times <= READABLE,
        Pace::Fastest => false,
    };
    let scene = ctx.scene.clone();
    use_effect_with(readable, {
        let scene = scene.clone();
        move |readable| scene.name_tokens(*readable)
    });
    // Cards may have come, gone or grown with any drawing.
    use_effect(move || scene.moved());
    let hinted = Kept::Always.recall("hint").is_none();
    let hint = |at: usize| (hinted && !props.tried[at]).then(|| (at + 1).to_string());
    let flip = {
        let table = table.clone();
        Callback::from(move |_: MouseEvent| table.set(!*table))
    };
    html! {
        <section class="screen board-screen" aria-label={t.stage}>
            <div class="board">
                <Canvas theme={props.theme} token={props.token.clone()} clients={props.clients.clone()} />
                <div class="colhead at-left"><h2>{t.producers}</h2><span>{producers.len()}</span>
                    {pin_producers(t, &producers, &pins)}
                    {adds(&ctx, "workload start produce", topic, t.add_producer)}</div>
                <div class="col producers">
                    { for cards.iter().take(CARDS).map(|card| producer(&ctx, card, &inside, (props.now, topic.map(|topic| &*topic.name)))) }
                    <article class="mach others" title={t.other_clients_why} data-side="left" data-port={OTHERS.to_string()} data-name={t.other_clients}>
                        <header><h3>{t.other_clients}</h3></header>
                        {send(&ctx, topic, hint(0))}
                        if hidden > 0 { <p class="meta">{fill(t.more_producers, &[&count(hidden as i64)])}</p> }
                        <p class="meta">{t.other_clients_why}</p>
                    </article>
                </div>
                <div class="colhead at-middle"><h2>{t.brokers}</h2><span>{props.brokers.len()}</span>
                    {topic_choice(&ctx, &props.topics, topic)}
                    {pin_partitions(t, topic, &pins)}
                    <button class="quiet end" aria-label={t.add_broker} title="broker add" onclick={press(&ctx, "broker add")}>{icon("plus")}</button></div>
                <div class="col stack">{ for props.brokers.iter().map(|one| {
                    let parts = topic.map(|topic| (topic, axis(&topic.partitions), room(&topic.partitions)));
                    broker(&ctx, one, parts, (props.chosen.as_ref(), &pins), if one.id == 2 { hint(1) } else { None })
                }) }</div>
                <div class="colhead at-right"><h2>{t.consumer_groups}</h2><span>{props.groups.len()}</span>
                    {pin_groups(t, &props.groups, &consumers, &pins)}
                    {adds(&ctx, "workload start consume --group billing", topic, t.add_consumer)}</div>
                <div class="col groups">
                    { for groups.into_iter().map(|one| group(&ctx, one, &consumers, &pins, topic.map(|topic| &*topic.name))) }
                    {more_groups(t, &props.groups, &shown_groups, &consumers)}
                    {loose(&ctx, &props.groups, &consumers)}
                    if props.groups.is_empty() && consumers.is_empty() { <p class="mach none">{t.no_group_yet}</p> }
                </div>
            </div>
            <Foot flip={flip} table={*table} />
            if *table { <TokenTable clients={props.clients.clone()} /> }
        </section>
    }
}

/// Groups without a card: what goes to their members and from them goes to one line.
fn more_groups(t: &'static Text, groups: &[GroupView], shown: &[&str], consumers: &Consumers<'_>) -> Html {
    let hidden: Vec<&GroupView> = groups.iter().filter(|group| !shown.contains(&&*group.id)).collect();
    if hidden.is_empty() {
        return Html::default();
    }
    let of = |role: &blumfeld_view::ConsumerView| {
        hidden.iter().any(|group| group.members.iter().any(|one| one.id == role.member))
    };
    let mut ids = consumers.iter().filter(|(_, role)| of(role)).map(|(client, _)| client.id.to_string());
    let (port, words) = (ids.next(), fill(t.more_groups, &[&count(hidden.len() as i64)]));
    let shares = ids.collect::<Vec<_>>().join(" ");
    html! { <p class="meta" data-side="right" data-port={port} data-shares={shares} data-name={words.clone()}>{words}</p> }
}

/// The menu of producers, where they do not all have a card.
fn pin_producers(
    t: &'static Text,
    producers: &[likeness::Producer<'_>],
    pins: &UseStateHandle<Pins>,
) -> Html {
    // What is not in the background has no name that lasts.
    let named = producers.iter().filter(|one| !one.0.name.is_empty());
    let things: Vec<_> = named.map(|one| ("producer", one.0.name.clone())).collect();
    if producers.len() <= CARDS {
        return Html::default();
    }
    html! { <PinMenu id="pin-producers" label={t.pin_producers} {things} pins={pins.clone()} /> }
}

/// The menu of the topic's partitions, where a broker cannot show them all.
fn pin_partitions(t: &'static Text, topic: Option<&TopicView>, pins: &UseStateHandle<Pins>) -> Html {
    let Some(topic) = topic.filter(|topic| topic.partitions.len() > ROWS) else { return Html::default() };
    let name = |number: i32| format!("{}-{number}", topic.name);
    let things: Vec<_> = topic.partitions.iter().map(|one| ("partition", name(one.partition))).collect();
    html! { <PinMenu id="pin-partitions" label={t.pin_partitions} {things} pins={pins.clone()} /> }
}

/// The menu of groups and their members, where they are not all shown.
fn pin_groups(
    t: &'static Text,
    groups: &[GroupView],
    consumers: &Consumers<'_>,
    pins: &UseStateHandle<Pins>,
) -> Html {
    if groups.len() <= CARDS && groups.iter().all(|group| group.members.len() <= MEMBERS) {
        return Html::default();
    }
    let members =
        groups.iter().filter(|group| group.members.len() > MEMBERS).flat_map(|group| &group.members);
    let mut things: Vec<_> = groups.iter().map(|group| ("group", group.id.clone())).collect();
    things.extend(members.map(|one| ("member", member_name(one, consumers).to_owned())));
    things.dedup();
    html! { <PinMenu id="pin-groups" label={t.pin_groups} {things} pins={pins.clone()} /> }
}

type Producers<'a> = Vec<likeness::Producer<'a>>;
/// Consumers with what each sees.
pub type Consumers<'a> = Vec<(&'a ClientView, &'a blumfeld_view::ConsumerView)>;

fn split(clients: &[Shared<ClientView>]) -> (Producers<'_>, Consumers<'_>) {
    let (mut producers, mut consumers) = (vec![], vec![]);
    for client in clients {
        match &client.role {
            ClientRole::Producer(role) => producers.push((&**client, role)),
            ClientRole::Consumer(role) => consumers.push((&**client, role)),
        }
    }
    (producers, consumers)
}

/// The topic that is drawn: the chosen partition's if it is one of the user's, or the first of these.
fn shown<'a>(topics: &'a [Shared<TopicView>], chosen: Option<&PartitionName>) -> Option<&'a TopicView> {
    let chosen =
        chosen.and_then(|chosen| topics.iter().find(|topic| topic.name == chosen.topic && !topic.internal));
    chosen.or_else(|| topics.iter().find(|topic| !topic.internal)).map(|topic| &**topic)
}

/// Runs the command line that a button stands for.
pub fn press(ctx: &Ctx, line: &str) -> Callback<MouseEvent> {
    let (ctx, line) = (ctx.clone(), line.to_owned());
    Callback::from(move |_| ctx.press(&line))
}

/// The button that adds a client of the topic that is shown.
fn adds(ctx: &Ctx, line: &str, topic: Option<&TopicView>, label: &'static str) -> Html {
    let rate = if line.ends_with("produce") { " --rate 10" } else { " --processing-ms 20" };
    let line = topic.map(|topic| format!("{line} --topic {}{rate}", topic.name));
    let onclick = press(ctx, line.as_deref().unwrap_or_default());
    html! { <button class="quiet" disabled={topic.is_none()} aria-label={label} title={line.unwrap_or_default()} {onclick}>{icon("plus")}</button> }
}

/// The line that sends one record to a topic, and what runs it and follows the record.
pub fn sends_one(ctx: &Ctx, topic: &str) -> (String, Callback<MouseEvent>) {
    let line =
        format!("echo 'hello' | kafka-console-producer.sh --bootstrap-server localhost:9092 --topic {topic}");
    let (ctx, run) = (ctx.clone(), line.clone());
    let onclick = Callback::from(move |_: MouseEvent| {
        let command = ctx.run_aside(&run);
        ctx.follow(Some(FollowWhat::Sent { command }));
    });
    (line, onclick)
}

/// The button that sends one record to the topic that is shown.
fn send(ctx: &Ctx, topic: Option<&TopicView>, hint: Option<String>) -> Html {
    let Some(topic) = topic else { return Html::default() };
    let (line, onclick) = sends_one(ctx, &topic.name);
    html! {
        <span class="send">{badge(hint)}<button class="ctl small" id="send" title={line} {onclick}>{ctx.t.send_record}</button></span>
    }
}

/// The number of a thing to try, at what it is tried with.
pub fn badge(hint: Option<String>) -> Html {
    hint.map(|number| html! { <span class="badge3" aria-hidden="true">{number}</span> }).unwrap_or_default()
}

fn topic_choice(ctx: &Ctx, topics: &[Shared<TopicView>], shown: Option<&TopicView>) -> Html {
    let Some(shown) = shown else { return Html::default() };
    let onchange = {
        let ctx = ctx.clone();
        Callback::from(move |event: Event| {
            let topic = event.target_unchecked_into::<HtmlSelectElement>().value();
            ctx.act(Action::ChooseTopic(topic));
        })
    };
    html! {
        <label class="topicname"><span>{ctx.t.topic_word}</span>
            <select class="ctl small" id="stage-topic" {onchange}>
                { for topics.iter().filter(|topic| !topic.internal || topic.name == shown.name).map(|topic| html! {
                    <option value={topic.name.clone()} selected={topic.name == shown.name}>{&topic.name}</option>
                }) }
            </select>
            <span>{format!("{} × RF {}", shown.partitions.len(), shown.replication_factor)}</span>
        </label>
    }
}

#[derive(Properties, PartialEq)]
struct CanvasProps {
    theme: Theme,
    token: Option<Shared<TokenDetail>>,
    clients: Shared<Vec<Shared<ClientView>>>,
}

/// What is painted between the cards. It asks the engine for what is in flight as long as it is there.
#[component]
fn Canvas(props: &CanvasProps) -> Html {
    let canvas = use_node_ref();
    let menu = use_state(|| None::<Opened>);
    let Some(ctx) = use_ctx() else { return Html::default() };
    use_effect_with(canvas.clone(), {
        let ctx = ctx.clone();
        move |canvas| {
            let element = canvas.cast::<HtmlCanvasElement>();
            ctx.scene.attach(element.clone());
            ctx.ask(&blumfeld_view::Command::Watch(true));
            let watched = element.and_then(|element| {
                let scene = ctx.scene.clone();
                let callback = Closure::<dyn FnMut()>::new(move || scene.moved());
                let observer = ResizeObserver::new(callback.as_ref().unchecked_ref()).ok()?;
                observer.observe(&element);
                Some((observer, callback))
            });
            move || {
                ctx.scene.attach(None);
                ctx.ask(&blumfeld_view::Command::Watch(false));
                if let Some((observer, _callback)) = watched {
                    observer.disconnect();
                }
            }
        }
    });
    use_effect_with(props.theme, {
        let scene = ctx.scene.clone();
        move |_| {
            // The system's theme may change under the page's.
            let query = web_sys::window()
                .and_then(|window| window.match_media("(prefers-color-scheme: dark)").ok()?);
            let told = Closure::<dyn FnMut()>::new({
                let scene = scene.clone();
                move || scene.moved()
            });
            if let Some(query) = &query {
                query.set_onchange(Some(told.as_ref().unchecked_ref()));
            }
            scene.moved();
            move || {
                if let Some(query) = query {
                    query.set_onchange(None);
                }
                drop(told);
            }
        }
    });
    let onclick = {
        let ctx = ctx.clone();
        Callback::from(move |event: MouseEvent| {
            let hit = ctx.scene.hit(f64::from(event.offset_x()), f64::from(event.offset_y()));
            match hit {
                Some(key) => ctx.pick(key),
                None => ctx.unpick(),
            }
        })
    };
    let oncontextmenu = {
        let (ctx, menu) = (ctx.clone(), menu.clone());
        Callback::from(move |event: MouseEvent| {
            let at = (event.offset_x(), event.offset_y());
            let (x, y) = (f64::from(at.0), f64::from(at.1));
            let target = match ctx.scene.hit(x, y) {
                Some(key) => {
                    ctx.pick(key);
                    Some(Target::Token(key))
                }
                None => ctx.scene.hit_lane(x, y).map(Target::Link),
            };
            if target.is_some() {
                event.prevent_default();
            }
            menu.set(target.map(|target| Opened { target, at }));
        })
    };
    let close = {
        let menu = menu.clone();
        Callback::from(move |()| menu.set(None))
    };
    html! { <>
        <canvas class="tokens" id="tokens" ref={canvas} role="img" aria-label={ctx.t.tokens_label} {onclick} {oncontextmenu}></canvas>
        if let Some(opened) = *menu { <TokenMenu {opened} detail={props.token.clone()} clients={props.clients.clone()} {close} /> }
        <span class="inks" aria-hidden="true">{ for INK_SAMPLES.map(|ink| html! { <i data-ink={ink}></i> }) }</span>
    </> }
}

#[derive(Properties, PartialEq)]
struct FootProps {
    flip: Callback<MouseEvent>,
    table: bool,
}

/// What is in flight in numbers, and what the shapes mean.
#[component]
fn Foot(props: &FootProps) -> Html {
    let counts = use_state_eq(Counts::default);
    let Some(ctx) = use_ctx() else { return Html::default() };
    use_effect_with((), {
        let (scene, counts) = (ctx.scene.clone(), counts.clone());
        move |()| {
            let look = Interval::new(COUNTED_MS, move || counts.set(scene.counts()));
            move || drop(look)
        }
    });
    let t = ctx.t;
    let mut parts = vec![fill(t.drawn_singly, &[&count(counts.singly)])];
    if counts.ribbons > 0 {
        parts.push(fill(t.drawn_in_ribbons, &[&count(counts.folded), &count(counts.ribbons)]));
    }
    if counts.quorum > 0 {
        parts.push(fill(t.drawn_not, &[&count(counts.quorum)]));
    }
    html! {
        <footer class="foot">
            <p class="sum"><b>{count(counts.in_flight)}</b>{" "}{t.in_flight}{": "}{parts.join(", ")}</p>
            <ul class="legend">
                <li><svg viewBox="0 0 18 9" width="18" aria-hidden="true"><rect class="k-full" width="18" height="9" rx="4.5" /></svg>{t.legend_produce}</li>
                <li><svg viewBox="0 0 16 9" width="16" aria-hidden="true"><rect class="k-open" x=".8" y=".8" width="14.4" height="7.4" rx="3.7" /></svg>{t.legend_asks}</li>
                <li><svg viewBox="0 0 18 9" width="18" aria-hidden="true"><path class="k-full" d="M0 1H9V8H0ZM10 0L18 4.5L10 9Z" /></svg>{t.legend_records}</li>
                <li><svg viewBox="0 0 8 9" width="8" aria-hidden="true"><path class="k-full" d="M0 0L8 4.5L0 9Z" /></svg>{t.legend_answer}</li>
                <li><svg viewBox="0 0 9 9" width="9" aria-hidden="true"><circle class="k-open" cx="4.5" cy="4.5" r="3.7" /></svg>{t.legend_group}</li>
                <li><svg viewBox="0 0 9 9" width="9" aria-hidden="true"><path class="k-cross" d="M1 1L8 8M1 8L8 1" /></svg>{t.legend_lost}</li>
            </ul>
            <button class="ctl small" aria-pressed={props.table.to_string()} onclick={props.flip.clone()}>{icon("table")}{t.as_table}</button>
        </footer>
    }
}
