//! What the stage is to show first where it cannot show all: a menu with a search, in which clients, groups and partitions
//! are pinned.

use std::collections::BTreeSet;
use std::rc::Rc;

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::menu::Menu;
use crate::browser::Kept;
use crate::ctx::use_ctx;
use crate::text::fill;

/// Where the pins of this tab are kept.
const KEPT: &str = "pins";
/// So many are listed; a search finds the others.
const LISTED: usize = 40;

/// What is pinned, by `producer NAME`, `group ID`, `member CLIENT`, `partition TOPIC-NUMBER`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pins(Rc<BTreeSet<String>>);

impl Pins {
    /// What this tab has pinned.
    pub fn recall() -> Pins {
        let kept = Kept::InTab.recall(KEPT).unwrap_or_default();
        Pins(Rc::new(kept.lines().map(ToOwned::to_owned).collect()))
    }

    /// Whether something is pinned.
    pub fn has(&self, kind: &str, name: &str) -> bool {
        self.0.contains(&format!("{kind} {name}"))
    }

    /// The same with one more, or one less.
    fn flipped(&self, key: &str) -> Pins {
        let mut keys = (*self.0).clone();
        if !keys.remove(key) {
            keys.insert(key.to_owned());
        }
        Kept::InTab.keep(KEPT, &keys.iter().cloned().collect::<Vec<_>>().join("\n"));
        Pins(Rc::new(keys))
    }
}

/// The first so many of some things, those that are pinned before all others.
pub fn first<T>(things: impl Iterator<Item = T>, most: usize, pinned: impl Fn(&T) -> bool) -> Vec<T> {
    let (mut shown, rest): (Vec<T>, Vec<T>) = things.partition(pinned);
    shown.extend(rest);
    shown.truncate(most);
    shown
}

/// The menu.
#[derive(Properties, PartialEq)]
pub struct PinMenuProps {
    /// Its id.
    pub id: AttrValue,
    /// What it is called.
    pub label: AttrValue,
    /// What can be pinned: the kind, and the name.
    pub things: Vec<(&'static str, String)>,
    /// What is pinned.
    pub pins: UseStateHandle<Pins>,
}

/// A menu in which things are looked for and pinned.
#[component]
pub fn PinMenu(props: &PinMenuProps) -> Html {
    let needle = use_state(String::new);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let oninput = {
        let needle = needle.clone();
        Callback::from(move |event: InputEvent| {
            needle.set(event.target_unchecked_into::<HtmlInputElement>().value().to_lowercase());
        })
    };
    let found: Vec<_> =
        props.things.iter().filter(|(_, name)| name.to_lowercase().contains(&*needle)).collect();
    let hidden = found.len().saturating_sub(LISTED);
    html! {
        <Menu class="quiet" id={props.id.clone()} label={props.label.clone()} summary={super::icon("pin")}>
            <div class="menu-list pin-list">
                <input class="field" type="search" placeholder={t.pin_search} aria-label={t.pin_search} value={(*needle).clone()} {oninput} />
                <ul>{ for found.iter().take(LISTED).map(|(kind, name)| {
                    let pinned = props.pins.has(kind, name);
                    let (pins, key) = (props.pins.clone(), format!("{kind} {name}"));
                    let onclick = Callback::from(move |_: MouseEvent| pins.set(pins.flipped(&key)));
                    html! { <li key={format!("{kind} {name}")}><button data-stay="" aria-pressed={pinned.to_string()} {onclick}><span>{name}</span>
                        if pinned { {super::icon("pin")} }</button></li> }
                }) }</ul>
                if found.is_empty() { <p class="meta">{t.pin_none}</p> }
                if hidden > 0 { <p class="meta">{fill(t.pin_more, &[&hidden.to_string()])}</p> }
                <p class="meta">{t.pin_why}</p>
            </div>
        </Menu>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pinned_comes_first() {
        assert_eq!(first(1..=6, 3, |one| *one == 5), [5, 1, 2]);
        assert_eq!(first(1..=2, 3, |_| false), [1, 2]);
    }
}
