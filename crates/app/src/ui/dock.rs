//! The navigation, the dock's tabs and the event log.

use std::collections::VecDeque;

use barnabas_view::EventKind;
use yew::prelude::*;

use super::icon;
use crate::ctx::use_ctx;
use crate::format::{count, moment};
use crate::model::{Action, EVENT_KINDS, Line, Screen, Shared, Tab};
use crate::text::{Text, fill};

/// Lines of the event log in the document at a time.
const LINES_SHOWN: usize = 150;

/// Where the navigation stands.
#[derive(Properties, PartialEq)]
pub struct NavProps {
    /// The screen.
    pub screen: Screen,
}

/// The navigation: a bar at the side, on phones at the bottom.
#[component]
pub fn Nav(props: &NavProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    html! {
        <nav class="nav" aria-label={t.screens}>
            { for Screen::ALL.map(|screen| {
                let name = match screen {
                    Screen::Topics => t.topics,
                    Screen::Messages => t.messages,
                    Screen::Brokers => t.brokers,
                    Screen::Clients => t.clients,
                    Screen::Groups => t.groups,
                    Screen::Console => t.console,
                };
                let current = (props.screen == screen).then_some("page");
                html! { <a href={format!("#{}", screen.word())} aria-current={current}>{icon(screen.word())}<span>{name}</span></a> }
            }) }
        </nav>
    }
}

/// Which pane shows.
#[derive(Properties, PartialEq)]
pub struct TabsProps {
    /// The pane.
    pub tab: Tab,
    /// Whether the dock is open where it is a sheet.
    pub sheet: bool,
}

/// The tabs of the dock, where its panes do not stand side by side.
#[component]
pub fn DockTabs(props: &TabsProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let sheet = props.sheet;
    let fold = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.act(Action::Sheet(!sheet)))
    };
    html! {
        <div class="tabs" role="group" aria-label={t.dock}>
            { for Tab::ALL.map(|tab| {
                let name = match tab {
                    Tab::Inspector => t.inspector,
                    Tab::Log => t.event_log,
                    Tab::Console => t.console,
                    Tab::Files => t.files,
                };
                let ctx = ctx.clone();
                let on = props.tab == tab;
                html! { <button class={classes!("tab", on.then_some("on"), format!("t-{}", tab.word()))} aria-pressed={on.to_string()}
                    onclick={move |_| ctx.act(Action::Show(tab))}>{name}</button> }
            }) }
            <button class="tab fold" aria-expanded={sheet.to_string()} aria-label={t.open_dock} title={t.open_dock} onclick={fold}>
                {icon(if sheet { "down" } else { "up" })}</button>
        </div>
    }
}

/// What the log shows.
#[derive(Properties, PartialEq)]
pub struct EventLogProps {
    /// Events, oldest first.
    pub events: Shared<VecDeque<Line>>,
    /// Events that are not among them.
    pub left_out: u64,
}

/// The event log, newest first.
#[component]
pub fn EventLog(props: &EventLogProps) -> Html {
    let kind = use_state(|| None::<EventKind>);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let fits = |line: &&Line| kind.is_none_or(|kind| line.event.kind == kind);
    let total = props.events.iter().filter(fits).count();
    let left_out = props.left_out + (total.saturating_sub(LINES_SHOWN)) as u64;
    let filter = |to: Option<EventKind>, name: &'static str| {
        let on = *kind == to;
        let kind = kind.clone();
        html! { <button class={classes!("f", on.then_some("on"))} aria-pressed={on.to_string()} onclick={move |_| kind.set(to)}>{name}</button> }
    };
    html! {
        <section class="pane p-log" aria-labelledby="h-log">
            <header><h2 id="h-log">{t.event_log}</h2>
                <div class="filters">{filter(None, t.all)}{ for EVENT_KINDS.map(|kind| filter(Some(kind), kind_name(t, kind))) }</div></header>
            <ol class="log" tabindex="0" aria-label={t.event_log}>
                if total == 0 { <li class="none"><span>{t.no_events}</span></li> }
                { for props.events.iter().rev().filter(fits).take(LINES_SHOWN).map(|line| html! {
                    <li key={line.seq} class={format!("ev-{}", kind_word(line.event.kind))}>
                        <time>{moment(line.event.at)}</time>{mark(line.event.kind)}
                        <span title={line.event.text.clone()}><b>{&line.event.node}</b>{" "}{&line.event.text}</span>
                    </li>
                }) }
                if left_out > 0 { <li key="rest" class="rest"><span>{fill(t.left_out, &[&count(left_out)])}</span></li> }
            </ol>
        </section>
    }
}

fn kind_name(t: &'static Text, kind: EventKind) -> &'static str {
    match kind {
        EventKind::Log => t.kind_log,
        EventKind::Metadata => t.kind_metadata,
        EventKind::Network => t.kind_network,
        EventKind::Fault => t.kind_fault,
    }
}

fn kind_word(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Log => "log",
        EventKind::Metadata => "metadata",
        EventKind::Network => "network",
        EventKind::Fault => "fault",
    }
}

/// The mark of a kind: the word is in the sentence.
fn mark(kind: EventKind) -> Html {
    let path = match kind {
        EventKind::Log => "M2 6h8M7 3l3 3-3 3",
        EventKind::Metadata => "M6 1l5 5-5 5-5-5z",
        EventKind::Network => "M1 4h9L8 2M11 8H2l2 2",
        EventKind::Fault => "M2 2l8 8M10 2l-8 8",
    };
    html! { <svg class="eg" viewBox="0 0 12 12" aria-hidden="true"><path d={path} /></svg> }
}
