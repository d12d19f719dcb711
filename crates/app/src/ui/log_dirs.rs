//! Log directories of Apache Kafka's: what was dropped and whether to open it, and what the Brokers screen offers.

use blumfeld_view::{Command, LogDirsView, Sentences};
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::icon;
use crate::browser;
use crate::ctx::{Ctx, use_ctx};
use crate::dropping;
use crate::model::Shared;
use crate::text::{Lang, fill};

/// What the dialog shows.
#[derive(Properties, PartialEq)]
pub struct LogDirsProps {
    /// How it stands.
    pub view: Option<Shared<LogDirsView>>,
    /// The cluster's name.
    pub cluster: String,
    /// Its seed.
    pub seed: u64,
}

/// The dialog: what was found in what was dropped, or what is wrong with it.
#[component]
pub fn LogDirs(props: &LogDirsProps) -> Html {
    let place = use_node_ref();
    let word = props.view.as_ref().map(|view| match **view {
        LogDirsView::Reading { .. } => "reading",
        LogDirsView::Wrong(_) => "wrong",
        LogDirsView::Found(_) => "found",
    });
    use_effect_with(word, {
        let place = place.clone();
        move |word| {
            if word.is_some() {
                browser::focus(place.cast::<HtmlElement>());
            }
        }
    });
    let (Some(ctx), Some(view)) = (use_ctx(), &props.view) else { return Html::default() };
    let t = ctx.lang.log_dirs();
    let ask = |command: Command| {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.ask(&command))
    };
    let forget = ask(Command::ForgetLogDirs);
    let onkeydown = {
        let ctx = ctx.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                ctx.ask(&Command::ForgetLogDirs);
            }
        })
    };
    let (title, body) = match &**view {
        LogDirsView::Reading { done, total } => (
            t.reading,
            html! { <><progress max={total.max(&1).to_string()} value={done.to_string()}></progress>
            <p class="cap">{fill(t.reading_of, &[&done.to_string(), &total.to_string()])}</p>
            <button class="ctl" id="forget-log-dirs" onclick={forget}>{ctx.t.cancel}</button></> },
        ),
        LogDirsView::Wrong(sentences) => (
            t.wrong,
            html! { <>{list(ctx.lang, sentences)}<p>{t.wrong_more}</p>
            <button class="ctl primary" id="forget-log-dirs" onclick={forget}>{t.close}</button></> },
        ),
        LogDirsView::Found(sentences) => (
            t.found,
            html! { <>{list(ctx.lang, sentences)}<p>{fill(t.found_more, &[&props.cluster])}</p>
            <div class="acts">
                <button class="ctl danger" id="open-log-dirs" onclick={ask(Command::OpenLogDirs { seed: props.seed })}>{t.replace}</button>
                <button class="ctl" id="export-first" onclick={ask(Command::Export { broker: None })}>{t.export_first}</button>
                <button class="ctl" id="forget-log-dirs" onclick={forget}>{ctx.t.cancel}</button>
            </div></> },
        ),
    };
    html! {
        <div class="gate log-dirs" role="dialog" aria-modal="true" aria-labelledby="h-log-dirs" {onkeydown}>
            <div class="box" ref={place} tabindex="-1" data-word={word.unwrap_or_default()}>
                <h2 id="h-log-dirs">{title}</h2>
                {body}
            </div>
        </div>
    }
}

fn list(lang: Lang, sentences: &Sentences) -> Html {
    let all = if lang == Lang::Ko { &sentences.ko } else { &sentences.en };
    html! { <ul class="sentences" tabindex="0">{ for all.iter().map(|sentence| html! { <li>{sentence}</li> }) }</ul> }
}

/// What the Brokers screen has of them: all are exported, or others opened.
#[component]
pub fn LogDirsCard() -> Html {
    let (archive, folder) = (use_node_ref(), use_node_ref());
    // An attribute that only some browsers know; the others let files be picked.
    use_effect_with((), {
        let folder = folder.clone();
        move |()| {
            if let Some(input) = folder.cast::<HtmlElement>() {
                let _ = input.set_attribute("webkitdirectory", "");
            }
        }
    });
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.lang.log_dirs();
    let press = |input: &NodeRef| {
        let input = input.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(input) = input.cast::<HtmlElement>() {
                input.click();
            }
        })
    };
    let onchange = {
        let ctx = ctx.clone();
        Callback::from(move |event: Event| {
            let input = event.target_unchecked_into::<HtmlInputElement>();
            if let Some(files) = input.files() {
                ctx.hand_over_log_dirs(&dropping::picked(&files));
            }
            // The same can be picked again.
            input.set_value("");
        })
    };
    html! {
        <div class="mach anew dirs">
            <div><h3>{t.title}</h3><p>{t.why}</p></div>
            <div class="acts">
                <button class="ctl" id="export-all" title={t.export_why} onclick={export(&ctx, None)}>{icon("down")}{t.export_all}</button>
                <button class="ctl" onclick={press(&archive)}>{t.open_archive}</button>
                <button class="ctl" onclick={press(&folder)}>{t.open_folder}</button>
            </div>
            <input type="file" multiple=true accept=".tar,.gz,.tgz,.zip" ref={archive} onchange={onchange.clone()} hidden=true id="pick-archive" />
            <input type="file" multiple=true ref={folder} {onchange} hidden=true id="pick-folder" />
        </div>
    }
}

/// Has the log directory of a broker exported, or of all.
pub fn export(ctx: &Ctx, broker: Option<i32>) -> Callback<MouseEvent> {
    let ctx = ctx.clone();
    Callback::from(move |_| ctx.ask(&Command::Export { broker }))
}
