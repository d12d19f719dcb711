//! A menu that opens below its button: `details`, which closes when something in it was done, on Escape, and when the
//! focus goes elsewhere.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDetailsElement, HtmlElement, Node};
use yew::prelude::*;

/// A menu.
#[derive(Properties, PartialEq)]
pub struct MenuProps {
    /// What stands on its button.
    pub summary: Html,
    /// Its button's classes.
    pub class: Classes,
    /// What its button is called; without it as what stands on it.
    #[prop_or_default]
    pub label: Option<AttrValue>,
    /// Its id, if it has one.
    #[prop_or_default]
    pub id: Option<AttrValue>,
    /// What is in it.
    pub children: Html,
}

/// The menu.
#[component]
pub fn Menu(props: &MenuProps) -> Html {
    let details = use_node_ref();
    let close = {
        let details = details.clone();
        move |refocus: bool| {
            let Some(details) = details.cast::<HtmlDetailsElement>().filter(HtmlDetailsElement::open) else {
                return;
            };
            details.set_open(false);
            let summary = details.query_selector("summary").ok().flatten();
            if let Some(summary) =
                summary.and_then(|one| one.dyn_into::<HtmlElement>().ok()).filter(|_| refocus)
            {
                let _ = summary.focus();
            }
        }
    };
    let onkeydown = {
        let close = close.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" && !event.is_composing() {
                close(true);
            }
        })
    };
    let onfocusout = {
        let (close, details) = (close.clone(), details.clone());
        Callback::from(move |event: FocusEvent| {
            let to = event.related_target().and_then(|to| to.dyn_into::<Node>().ok());
            let inside = details.cast::<Node>().is_some_and(|details| details.contains(to.as_ref()));
            // Where the focus goes nowhere a press is under way, of what cannot have it.
            if to.is_some() && !inside {
                close(false);
            }
        })
    };
    // What has `data-stay` does not end the menu.
    let onclick = Callback::from(move |event: MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let button = target.and_then(|target| target.closest("button").ok().flatten());
        if button.is_some_and(|button| !button.has_attribute("data-stay")) {
            close(true);
        }
    });
    html! {
        <details class="menu" id={props.id.clone()} ref={details} {onkeydown} {onfocusout} {onclick}>
            <summary class={props.class.clone()} aria-label={props.label.clone()} title={props.label.clone()}>{props.summary.clone()}</summary>
            {props.children.clone()}
        </details>
    }
}
