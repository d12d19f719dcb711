//! Keys that do what buttons far away do, and the list of them. They can be switched off: whoever speaks to their machine
//! would press them by accident (WCAG 2.1.4).

use blumfeld_view::{Command, Pace};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDialogElement, HtmlElement, KeyboardEvent};
use yew::prelude::*;

use super::icon;
use crate::browser::{self, Kept};
use crate::ctx::{Ctx, use_ctx};
use crate::model::{Action, Screen, Tab};
use crate::text::Text;

/// What a key does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Deed {
    Prompt,
    Run,
    Step,
    Until,
    Log,
    Help,
    Go(Screen),
}

/// The screens' keys, as they stand in a row on a keyboard.
const ROW: [&str; 12] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "-", "="];

/// The deed of a key.
fn deed(key: &str) -> Option<Deed> {
    Some(match key {
        "/" => Deed::Prompt,
        "p" => Deed::Run,
        "n" => Deed::Step,
        "u" => Deed::Until,
        "l" => Deed::Log,
        "?" => Deed::Help,
        key => {
            let place = ROW.iter().position(|one| *one == key)?;
            Deed::Go(Screen::of_navigation().nth(place)?)
        }
    })
}

fn rows(t: &'static Text) -> [(&'static str, &'static str); 7] {
    [
        ("/", t.key_prompt),
        ("p", t.key_run),
        ("n", t.next_event),
        ("u", t.run_until),
        ("l", t.event_log),
        ("1 – 9, 0, -, =", t.key_screens),
        ("?", t.shortcuts),
    ]
}

/// Whether keys are on.
fn are_on() -> bool {
    Kept::Always.recall("keys").as_deref() != Some("off")
}

/// Does what a key stands for, unless something is being typed. `paces` are the pace now and the one after a pause.
pub fn press(ctx: &Ctx, event: &KeyboardEvent, paces: (Pace, Pace)) {
    if event.ctrl_key()
        || event.alt_key()
        || event.meta_key()
        || event.is_composing()
        || event.default_prevented()
    {
        return;
    }
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let typing = target.is_some_and(|target| {
        target
            .closest("input:not([type=range]), textarea, select, dialog, [contenteditable]")
            .ok()
            .flatten()
            .is_some()
    });
    let Some(deed) = deed(&event.key()).filter(|_| !typing) else { return };
    if deed != Deed::Help && !are_on() {
        return;
    }
    event.prevent_default();
    let find = |selector: &str| {
        let document = web_sys::window().and_then(|window| window.document())?;
        document.query_selector(selector).ok().flatten()?.dyn_into::<HtmlElement>().ok()
    };
    match deed {
        Deed::Prompt => {
            ctx.act(Action::Show(Tab::Console));
            browser::focus(find("#prompt"));
        }
        Deed::Run => {
            let (pace, resumes) = paces;
            ctx.ask(&Command::SetPace(if pace == Pace::Paused { resumes } else { Pace::Paused }));
        }
        Deed::Step => ctx.ask(&Command::Step),
        Deed::Until => {
            if let Some(menu) = find("#run-until summary") {
                menu.click();
                browser::focus(Some(menu));
            }
        }
        Deed::Log => {
            ctx.act(Action::Show(Tab::Log));
            browser::focus(find(".log"));
        }
        Deed::Help => {
            if let Some(dialog) = find("#shortcuts").and_then(|one| one.dyn_into::<HtmlDialogElement>().ok())
            {
                // One that is open already stays so.
                let _ = dialog.show_modal();
            }
        }
        Deed::Go(screen) => browser::go(screen.word()),
    }
}

/// The list of keys.
#[component]
pub fn Shortcuts() -> Html {
    let dialog = use_node_ref();
    let on = use_state(are_on);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let close = {
        let dialog = dialog.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                dialog.close();
            }
        })
    };
    let flip = {
        let on = on.clone();
        Callback::from(move |_: Event| {
            Kept::Always.keep("keys", if *on { "off" } else { "on" });
            on.set(!*on);
        })
    };
    html! {
        <dialog id="shortcuts" class="keys-dialog" ref={dialog} aria-labelledby="h-keys">
            <header><h2 id="h-keys">{t.shortcuts}</h2><button class="quiet" aria-label={t.close} title={t.close} onclick={close}>{icon("x")}</button></header>
            <dl>{ for rows(t).map(|(key, what)| html! { <div><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div> }) }</dl>
            <label><input type="checkbox" checked={*on} onchange={flip} />{t.keys_on}</label>
        </dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_screen_has_a_key_and_other_keys_do_nothing() {
        for (key, screen) in ROW.into_iter().zip(Screen::of_navigation()) {
            assert_eq!(deed(key), Some(Deed::Go(screen)));
        }
        assert_eq!(ROW.len(), Screen::of_navigation().count());
        for key in ["10", "a", "Enter", "P", "", "99"] {
            assert_eq!(deed(key), None, "{key}");
        }
    }
}
