//! The navigation and the dock's tabs.

use web_sys::Element;
use yew::prelude::*;

use super::icon;
use crate::browser;
use crate::ctx::use_ctx;
use crate::model::{Action, Screen, Tab};

/// Where the navigation stands.
#[derive(Properties, PartialEq)]
pub struct NavProps {
    /// The screen.
    pub screen: Screen,
}

/// The navigation: a bar at the side, on phones at the bottom.
#[component]
pub fn Nav(props: &NavProps) -> Html {
    let nav = use_node_ref();
    // On a phone not all fit into the bar.
    use_effect_with(props.screen, {
        let nav = nav.clone();
        move |_| {
            let current =
                nav.cast::<Element>().and_then(|nav| nav.query_selector("[aria-current]").ok().flatten());
            if let Some(current) = current {
                browser::into_view(&current);
            }
        }
    });
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    html! {
        <nav class="nav" ref={nav} aria-label={t.screens}>
            { for Screen::of_navigation().map(|screen| {
                let name = match screen {
                    Screen::Stage => t.stage,
                    Screen::Topics => t.topics,
                    Screen::Messages => t.messages,
                    Screen::Brokers => t.brokers,
                    Screen::Clients => t.clients,
                    Screen::Groups => t.groups,
                    Screen::Transactions => ctx.lang.transactions().title,
                    Screen::Requests => t.wire_screen,
                    Screen::Configs => ctx.lang.configs().title,
                    Screen::Compare => t.compare,
                    Screen::Lessons | Screen::Build | Screen::Era => ctx.lang.lessons().title,
                    Screen::Console => t.console,
                };
                let here = props.screen == screen || (props.screen.is_inner() && screen == Screen::Lessons);
                let current = here.then_some("page");
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
    /// Whether a lesson is done: where the dock is a sheet it covers that.
    pub lesson: bool,
    /// Whether its step is reached.
    pub reached: bool,
}

/// The tabs of the dock, where its panes do not stand side by side.
#[component]
pub fn DockTabs(props: &TabsProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let sheet = props.sheet;
    let to_lesson = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| {
            ctx.act(Action::Sheet(false));
            // Other screens have no room for it on a phone.
            browser::go(Screen::Stage.word());
        })
    };
    let fold = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.act(Action::Sheet(!sheet)))
    };
    html! {
        <div class="tabs" role="group" aria-label={t.dock}>
            if props.lesson {
                <button class={classes!("tab", "t-lesson", (!sheet).then_some("on"))} aria-pressed={(!sheet).to_string()} onclick={to_lesson}>{ctx.lang.lessons().this_lesson}if props.reached { {" ✓"} }</button>
            }
            { for Tab::ALL.map(|tab| {
                let name = match tab {
                    Tab::Inspector => t.inspector,
                    Tab::Log => t.event_log,
                    Tab::Console => t.console,
                    Tab::Charts => t.charts,
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
