//! What covers the page while the cluster is not to be touched.

use blumfeld_view::Command;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::browser;
use crate::ctx::{Ctx, use_ctx};
use crate::format::size;
use crate::model::{Action, Phase};
use crate::text::fill;

/// The banner of a tab that watches.
#[component]
pub fn WatchBanner() -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let take_over = take_over(&ctx);
    html! {
        <div class="notice watching" role="status"><p>{t.watching}</p>
            <button class="ctl small" id="take-over" onclick={take_over}>{t.take_over}</button></div>
    }
}

fn take_over(ctx: &Ctx) -> Callback<MouseEvent> {
    let ctx = ctx.clone();
    Callback::from(move |_: MouseEvent| {
        ctx.terminal.reset();
        ctx.act(Action::TakingOver);
        ctx.ask(&Command::TakeOver);
    })
}

/// What the gate says.
#[derive(Properties, PartialEq)]
pub struct GateProps {
    /// How far the page has come.
    pub phase: Phase,
    /// The cluster's name.
    pub cluster: String,
}

/// The gate.
#[component]
pub fn Gate(props: &GateProps) -> Html {
    let place = use_node_ref();
    use_effect_with(props.phase.word(), {
        let place = place.clone();
        move |word| {
            if *word != "booting" {
                browser::focus(place.cast::<HtmlElement>());
            }
        }
    });
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let take_over = take_over(&ctx);
    let reload = Callback::from(|_: MouseEvent| browser::reload());
    let (title, body, broken) = match &props.phase {
        Phase::Ready | Phase::Watching => return Html::default(),
        Phase::Starting => (t.booting, html! { <><p>{t.booting_more}</p><progress></progress></> }, false),
        Phase::Loading { total: 0, .. } => (t.loading, html! { <progress></progress> }, false),
        Phase::Loading { done, total } => (
            t.loading,
            html! { <><progress max={total.to_string()} value={done.to_string()}></progress>
            <p class="cap">{fill(t.loading_of, &[&size(*done), &size(*total)])}</p></> },
            false,
        ),
        Phase::Locked => (
            t.locked,
            html! { <><p>{fill(t.locked_more, &[&props.cluster])}</p>
            <button class="ctl primary" id="take-over" onclick={take_over}>{t.take_over}</button></> },
            false,
        ),
        Phase::TakenOver => (
            t.taken_over,
            html! { <><p>{fill(t.taken_over_more, &[&props.cluster])}</p>
            <button class="ctl primary" id="take-over" onclick={take_over}>{t.take_back}</button></> },
            false,
        ),
        Phase::Panicked { message, replay } => {
            let (name, replay) = (format!("blumfeld-{}-replay.json", props.cluster), replay.clone());
            let has_replay = !replay.is_empty();
            let save = Callback::from(move |_: MouseEvent| browser::save(&name, replay.as_bytes()));
            (
                t.panicked,
                html! { <><p>{t.panicked_more}</p><pre class="said" tabindex="0">{message}</pre>
                <div class="acts"><button class="ctl primary" id="go-on" onclick={reload}>{t.go_on}</button>
                if has_replay { <button class="ctl" id="replay" onclick={save}>{t.replay_file}</button> }</div></> },
                true,
            )
        }
        Phase::NoEngine { message } => (
            t.no_engine,
            html! { <><p>{t.no_engine_more}</p><pre class="said" tabindex="0">{message}</pre>
            <button class="ctl primary" onclick={reload}>{t.reload}</button></> },
            true,
        ),
    };
    html! {
        <div class="gate" role={if broken { "alertdialog" } else { "dialog" }} aria-modal="true" aria-labelledby="h-gate">
            <div class={classes!("box", broken.then_some("broken"))} ref={place} tabindex="-1">
                <h2 id="h-gate">{title}</h2>
                {body}
            </div>
        </div>
    }
}
