//! An exchange that is open: its request and its answer side by side, decoded and in bytes, and where its time went.

use blumfeld_view::{EndingView, ExchangeDetail, SideView};
use yew::prelude::*;

use super::icon;
use super::requests::{Names, bar, ending, partitions, parts};
use super::token_inspector::hex;
use crate::ctx::use_ctx;
use crate::format::{count, moment, size};
use crate::model::{Action, Shared};
use crate::requests::lasted;
use crate::text::{Text, fill};

/// What is shown.
#[derive(Properties, PartialEq)]
pub struct ExchangeProps {
    /// The exchange, as it was when it was opened.
    pub detail: Shared<ExchangeDetail>,
    /// What nodes are called.
    pub names: Names,
}

/// The exchange.
#[component]
pub fn Exchange(props: &ExchangeProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let detail = &*props.detail;
    let one = &detail.exchange;
    let (client, broker) = (props.names.of_asker(t, one), props.names.of_node(t, one.broker));
    let title = fill(t.wire_detail, &[&one.api, &client, &broker]);
    let close = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.act(Action::Close))
    };
    let latency = one.latency(detail.now);
    let about = partitions(one);
    html! {
        <section class="mach exchange" aria-label={title.clone()} data-exchange={one.number.to_string()}>
            <header><h3>{title}</h3>
                <span class={classes!("meta", one.is_failed().then_some("late"))}>{ending(t, one)}</span>
                <button class="quiet" aria-label={t.close} title={t.close} onclick={close}>{icon("x")}</button></header>
            <div class="lat-line">
                {bar(one, detail.now)}
                <dl class="lat-parts">
                    <div data-part="total"><dt>{t.wire_total}</dt><dd data-micros={latency.total().to_string()}>{lasted(latency.total())}</dd></div>
                    { for parts(t).into_iter().zip(latency.parts()).enumerate().map(|(at, ((class, name), part))| html! {
                        <div data-part={at.to_string()}><dt><svg width="10" height="10" aria-hidden="true"><rect class={class} x="1" y="1" width="8" height="8" /></svg>{name}</dt><dd data-micros={part.to_string()}>{lasted(part)}</dd></div>
                    }) }
                </dl>
            </div>
            <dl class="kv grid">
                <div><dt>{t.token_sent}</dt><dd>{moment(one.sent)}</dd></div>
                <div><dt>{t.token_version}</dt><dd>{one.version.to_string()}</dd></div>
                <div><dt>{t.token_correlation}</dt><dd>{count(one.correlation_id)}</dd></div>
                <div><dt>{t.token_connection}</dt><dd>{count(one.connection)}</dd></div>
                if !one.client_id.is_empty() { <div><dt>{"client.id"}</dt><dd>{&one.client_id}</dd></div> }
                if !about.is_empty() { <div><dt>{t.wire_about}</dt><dd>{about}</dd></div> }
            </dl>
            <div class="sides">
                {side(t, "request", t.wire_request, Some(&detail.request), one.request_bytes, true)}
                {side(t, "answer", t.wire_answer, detail.answer.as_ref(), one.answer_bytes, one.ending == EndingView::Open)}
            </div>
        </section>
    }
}

fn side(
    t: &'static Text,
    word: &'static str,
    title: &'static str,
    side: Option<&SideView>,
    bytes: u64,
    open: bool,
) -> Html {
    html! {
        <div class="side" data-side={word}>
            <h4>{title}{" "}if side.is_some() { <span class="times">{size(bytes)}</span> }</h4>
            if let Some(side) = side.filter(|side| side.kept) {
                if !side.fields.is_empty() { <pre class="said fields-said" tabindex="0" aria-label={t.token_fields}>{&side.fields}</pre> }
                <h5 class="cap2">{fill(t.wire_hex, &[&count(side.head.len() as i64), &count(bytes)])}</h5>
                <pre class="said bytes-said" tabindex="0">{hex(&side.head)}</pre>
            } else {
                <p class="why">{match side {
                    Some(_) => t.wire_bytes_gone,
                    None if open => t.wire_no_answer_yet,
                    None => t.wire_no_answer_ever,
                }}</p>
            }
        </div>
    }
}
