//! What can be done to a message that was picked, each with its line of the console: a fault like any other. As a list in
//! the inspector, and as a menu where the message was pressed.

use blumfeld_view::{ClientView, TokenDetail, TokenKey};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, Node};
use yew::prelude::*;

use super::token_table::{name, side};
use crate::ctx::{Ctx, use_ctx};
use crate::model::Shared;
use crate::stage::Lane;
use crate::text::{Text, fill};

/// What a menu is about.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Target {
    /// A message.
    Token(TokenKey),
    /// The way between two nodes.
    Link(Lane),
}

/// Where a menu was opened, and about what.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Opened {
    /// About what.
    pub target: Target,
    /// Where on the board, in pixels.
    pub at: (i32, i32),
}

/// What can be done, each with its line.
type Deeds = Vec<(&'static str, String)>;

/// What can be done to the way between two nodes.
fn link_deeds(t: &'static Text, client: i32, broker: i32) -> Deeds {
    let ends = format!("{} {}", side(broker), side(client));
    let deeds = [
        (t.token_break_link, format!("fault break {ends}")),
        (t.token_cut_link, format!("fault cut {ends}")),
        (t.token_slow_link, format!("fault latency {ends} 100")),
        (t.token_heal_link, format!("fault heal {ends}")),
    ];
    deeds.to_vec()
}

/// The deeds with what they are about in words: of a request that is on its way, itself; of one that has come, and of an
/// answer, what it travels on.
fn deeds(ctx: &Ctx, detail: &TokenDetail) -> (&'static str, Deeds) {
    let t = ctx.t;
    let token = &detail.token;
    if let Some(ahead) = detail.ahead {
        let begin = format!("fault on {} connection {} nth {}", token.api, token.key.connection, ahead + 1);
        let deeds = [
            (t.token_drop, "drop"),
            (t.token_delay, "delay 100"),
            (t.token_double, "duplicate"),
            (t.token_break, "disconnect"),
            (t.token_delay_answer, "delay 100 after"),
            (t.token_lose, "disconnect after"),
            (t.token_fail, "error UNKNOWN_SERVER_ERROR"),
        ];
        return (t.token_deeds, deeds.map(|(name, action)| (name, format!("{begin} {action}"))).to_vec());
    }
    let about = if token.key.answer { t.token_is_answer } else { t.token_is_there };
    (about, link_deeds(t, token.client, token.broker))
}

/// What a deed is called in the document: the words that say what happens.
fn word(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["fault", "on", _, "connection", _, "nth", _, action @ ..] => action.join("-"),
        ["fault", deed, ..] => (*deed).to_owned(),
        _ => String::new(),
    }
}

/// The list. `done` is called when one of them is pressed.
pub fn list(ctx: &Ctx, detail: &TokenDetail, done: &Callback<()>) -> Html {
    let (about, deeds) = deeds(ctx, detail);
    listed(ctx, about, deeds, done)
}

fn listed(ctx: &Ctx, about: &str, deeds: Deeds, done: &Callback<()>) -> Html {
    html! { <>
        <h3 class="cap2">{about}</h3>
        <ul class="deed-list">{ for deeds.into_iter().map(|(name, line)| {
            let (ctx, done, pressed) = (ctx.clone(), done.clone(), line.clone());
            let onclick = Callback::from(move |_: MouseEvent| {
                ctx.press(&pressed);
                done.emit(());
            });
            html! { <li><button class="ctl" data-deed={word(&line)} title={line} {onclick}>{name}</button></li> }
        }) }</ul>
    </> }
}

/// The menu.
#[derive(Properties, PartialEq)]
pub struct TokenMenuProps {
    /// Where it stands.
    pub opened: Opened,
    /// The message that was picked; told a moment after the menu was opened.
    pub detail: Option<Shared<TokenDetail>>,
    /// Producers and consumers, for their names.
    pub clients: Shared<Vec<Shared<ClientView>>>,
    /// Closes it.
    pub close: Callback<()>,
}

/// A menu where a message was pressed.
#[component]
pub fn TokenMenu(props: &TokenMenuProps) -> Html {
    let menu = use_node_ref();
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let told = match props.opened.target {
        Target::Link((client, broker)) => {
            let ends = [name(t, &props.clients, client), name(t, &props.clients, broker)];
            Some(listed(
                &ctx,
                &fill(t.link_between, &[&ends[0], &ends[1]]),
                link_deeds(t, client, broker),
                &props.close,
            ))
        }
        Target::Token(key) => {
            let detail = props.detail.as_ref().filter(|detail| detail.token.key == key);
            detail.map(|detail| list(&ctx, detail, &props.close))
        }
    };
    use_effect_with((props.opened, told.is_some()), {
        let menu = menu.clone();
        move |(opened, told): &(Opened, bool)| {
            let Some(menu) = menu.cast::<HtmlElement>() else { return };
            let style = menu.style();
            let _ = style.set_property("--x", &format!("{}px", opened.at.0));
            let _ = style.set_property("--y", &format!("{}px", opened.at.1));
            let first = menu.query_selector("button").ok().flatten();
            let first = first.and_then(|first| first.dyn_into::<HtmlElement>().ok());
            let _ = first.filter(|_| *told).unwrap_or(menu).focus();
        }
    });
    let onkeydown = {
        let close = props.close.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" && !event.is_composing() {
                event.stop_propagation();
                close.emit(());
            }
        })
    };
    let onfocusout = {
        let (close, menu) = (props.close.clone(), menu.clone());
        Callback::from(move |event: FocusEvent| {
            let to = event.related_target().and_then(|to| to.dyn_into::<Node>().ok());
            if !menu.cast::<Node>().is_some_and(|menu| menu.contains(to.as_ref())) {
                close.emit(());
            }
        })
    };
    html! {
        <div class="token-menu" ref={menu} tabindex="-1" role="group" aria-label={t.token_menu} {onkeydown} {onfocusout}>
            {told.unwrap_or_else(|| html! { <p class="cap2">{t.token_gone}</p> })}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_is_called_by_what_happens() {
        for (line, want) in [
            ("fault on Produce connection 7 nth 1 delay 100 after", "delay-100-after"),
            ("fault on Produce connection 7 nth 2 drop", "drop"),
            ("fault break 1 client-3", "break"),
        ] {
            assert_eq!(word(line), want);
        }
    }
}
