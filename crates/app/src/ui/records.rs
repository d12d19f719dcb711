//! The records of a batch. Their bytes are text to the page, never markup.

use blumfeld_view::{BatchDetail, FollowWhat, RecordView};
use web_sys::{Element, ScrollIntoViewOptions, ScrollLogicalPosition};
use yew::prelude::*;

use super::hex::Lit;
use super::meaning;
use crate::ctx::{Ctx, use_ctx};
use crate::format::{Content, content, count, one_line, utc};
use crate::messages::Target;
use crate::model::Shared;
use crate::text::{Text, fill};

/// Records that are in the document at a time.
const WINDOW: usize = 100;
/// Characters of a key or a value in a row.
const ROW_CHARS: usize = 160;

/// What the list shows.
#[derive(Properties, PartialEq)]
pub struct RecordsProps {
    /// The batch.
    pub detail: Shared<BatchDetail>,
    /// What is pointed at.
    pub lit: Lit,
    /// Called with what is being pointed at.
    pub light: Callback<Lit>,
    /// The record that is looked for.
    pub target: Option<Target>,
    /// The first offset that consumers can read.
    pub log_start: i64,
    /// Called with an offset whose neighbours are to be shown.
    pub around: Callback<i64>,
}

/// Where the record of a target stands in the list, or the one that is shown in its place.
fn place(detail: &BatchDetail, target: Option<Target>) -> usize {
    let Some(target) = target else { return 0 };
    let found = detail.records.iter().position(|record| record.offset >= target.offset);
    found.unwrap_or(detail.records.len().saturating_sub(1))
}

/// The records.
#[component]
pub fn Records(props: &RecordsProps) -> Html {
    let first = place(&props.detail, props.target);
    let window = use_state(|| first / WINDOW * WINDOW);
    let opened = use_state(|| first);
    let list = use_node_ref();
    use_effect_with((props.detail.clone(), props.target), {
        let (window, opened) = (window.clone(), opened.clone());
        move |_| {
            window.set(first / WINDOW * WINDOW);
            opened.set(first);
        }
    });
    // What was sought is brought to where it can be seen, once it stands there.
    let sought = props.target.filter(|target| target.number > 0);
    use_effect_with((props.detail.clone(), sought, *window), {
        let list = list.clone();
        move |(_, sought, _)| {
            let row = list.cast::<Element>().filter(|_| sought.is_some());
            let row = row.and_then(|list| list.query_selector(&format!("[data-record='{first}']")).ok()?);
            if let Some(row) = row {
                let options = ScrollIntoViewOptions::new();
                options.set_block(ScrollLogicalPosition::Center);
                options.set_inline(ScrollLogicalPosition::Nearest);
                row.scroll_into_view_with_scroll_into_view_options(&options);
            }
        }
    });
    let Some(ctx) = use_ctx() else { return Html::default() };
    let (t, records) = (ctx.t, &props.detail.records);
    let from = if *window < records.len() { *window } else { 0 };
    let to = (from + WINDOW).min(records.len());
    let turn = |to: usize| {
        let window = window.clone();
        Callback::from(move |_: MouseEvent| window.set(to))
    };
    let go_around = |offset: i64| {
        let around = props.around.clone();
        Callback::from(move |_: MouseEvent| around.emit(offset))
    };
    let (skipped, whole) = (props.detail.skipped as usize, props.detail.batch.records as usize);
    let before = records.first().filter(|_| skipped > 0).map(|record| record.offset - 1);
    let after = records.last().filter(|_| skipped + records.len() < whole).map(|record| record.offset + 1);
    let (shown_from, shown_to) = (skipped + from + usize::from(to > from), skipped + to);
    html! { <>
        <header><h3>{t.records}</h3>
            <span class="meta">{fill(t.record_range, &[&count(shown_from as i64), &count(shown_to as i64), &count(whole as i64)])}</span>
            <span class="acts">
                if from > 0 {
                    <button class="ctl small" aria-label={t.previous} onclick={turn(from.saturating_sub(WINDOW))}>{"‹"}</button>
                } else if let Some(before) = before {
                    <button class="ctl small" aria-label={t.previous} onclick={go_around(before)}>{"‹"}</button>
                }
                if to < records.len() {
                    <button class="ctl small" aria-label={t.next} onclick={turn(to)}>{"›"}</button>
                } else if let Some(after) = after {
                    <button class="ctl small" aria-label={t.next} onclick={go_around(after)}>{"›"}</button>
                }
            </span>
        </header>
        <div class="scroll" ref={list}><table class="tb">
            <thead><tr><th scope="col" class="num">{t.offset}</th><th scope="col" class="when">{t.timestamp}</th><th scope="col">{t.key}</th>
                <th scope="col">{t.value}</th><th scope="col" class="h">{t.headers}</th></tr></thead>
            <tbody>
            { for records.iter().enumerate().skip(from).take(WINDOW).map(|(at, record)| {
                let on = props.lit == Lit::Record(at);
                let (hover, focus) = (props.light.clone(), props.light.clone());
                let open = { let opened = opened.clone(); move |_: MouseEvent| opened.set(at) };
                let gone = record.offset < props.log_start;
                html! {
                    <tr class={classes!(on.then_some("on"), (*opened == at).then_some("sel"), gone.then_some("gone"))} data-record={at.to_string()} data-offset={record.offset.to_string()}
                        title={gone.then_some(t.gone_record)} onmouseover={move |_| hover.emit(Lit::Record(at))} onclick={open.clone()}>
                        <th scope="row" class="num"><button class="link" aria-pressed={(*opened == at).to_string()} onclick={open}
                            onfocus={move |_| focus.emit(Lit::Record(at))}>{count(record.offset)}</button></th>
                        <td class="when">{utc(record.timestamp).unwrap_or_else(|| "–".into())}</td>
                        <td class="v k">{said_key(t, record)}</td>
                        <td class="v">{said_value(t, record)}</td>
                        <td class="v h">{ record.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ") }</td>
                    </tr>
                }
            }) }
            </tbody>
        </table></div>
        if let Some(record) = records.get(*opened) {
            <button class="ctl small" id="follow-record" onclick={follow(&ctx, &props.detail, record.offset)}>{t.follow_record_this}</button>
            if let Some(said) = &record.meaning { {meaning::meaning(t, said)} }
            {whole_record(t, record)}
        }
    </> }
}

/// A record's key in a row.
pub fn said_key(t: &'static Text, record: &RecordView) -> Html {
    match record.meaning.as_ref().filter(|meaning| meaning.error.is_none()) {
        Some(said) => html! { {one_line(&meaning::key_line(said), ROW_CHARS)} },
        None => short(t, record.key.as_deref().map(|b| b.as_slice()), record.key_size),
    }
}

/// A record's value in a row.
pub fn said_value(t: &'static Text, record: &RecordView) -> Html {
    let said = record.meaning.as_ref().filter(|meaning| meaning.error.is_none());
    match said.map(|said| meaning::value_line(said)) {
        Some(Some(line)) => html! { {one_line(&line, ROW_CHARS)} },
        Some(None) => html! { <em class="null">{t.tombstone}</em> },
        None => short(t, record.value.as_deref().map(|b| b.as_slice()), record.value_size),
    }
}

/// Follows a record on the stage: what happened to it, and what still will.
fn follow(ctx: &Ctx, detail: &BatchDetail, offset: i64) -> Callback<MouseEvent> {
    let (ctx, topic, partition) = (ctx.clone(), detail.topic.clone(), detail.partition);
    Callback::from(move |_: MouseEvent| {
        ctx.follow(Some(FollowWhat::Record { topic: topic.clone(), partition, offset }));
    })
}

/// What some bytes are; `size` is their whole length, so that one sees whether they were cut.
fn read(bytes: &[u8], size: i32) -> Content {
    content(bytes, usize::try_from(size).is_ok_and(|size| size <= bytes.len()))
}

fn short(t: &'static Text, bytes: Option<&[u8]>, size: i32) -> Html {
    match bytes {
        None => html! { <em class="null">{t.null}</em> },
        Some(bytes) => match read(bytes, size) {
            Content::Json(_) => html! { {one_line(&String::from_utf8_lossy(bytes), ROW_CHARS)} },
            other => html! { {one_line(other.shown(), ROW_CHARS)} },
        },
    }
}

fn whole_record(t: &'static Text, record: &RecordView) -> Html {
    let part = |name: &str, bytes: Option<&[u8]>, size: i32| {
        let body = match bytes {
            None => html! { <em class="null">{t.null}</em> },
            Some(bytes) => {
                let shown = read(bytes, size);
                let kind = match shown {
                    Content::Text(_) => "text",
                    Content::Json(_) => "JSON",
                    Content::Hex(_) => "hex",
                };
                let cut = usize::try_from(size).is_ok_and(|size| size > bytes.len());
                html! { <>
                    <span class="cap">{kind}{" · "}{count(size.max(0))}{" B"}
                        if cut { {" · "}{fill(t.cut_after, &[&count(bytes.len() as i64), &count(size)])} }</span>
                    <pre class="body" tabindex="0">{shown.shown()}</pre>
                </> }
            }
        };
        html! { <div class="whole" data-part={name.to_owned()}><h4 class="k">{name}</h4>{body}</div> }
    };
    let size_of = |bytes: &[u8]| i32::try_from(bytes.len()).unwrap_or(i32::MAX);
    html! {
        <div class="wholes">
            {part(t.key, record.key.as_deref().map(|b| b.as_slice()), record.key_size)}
            {part(t.value, record.value.as_deref().map(|b| b.as_slice()), record.value_size)}
            { for record.headers.iter().map(|(name, value)| {
                let size = value.as_ref().map_or(-1, |value| size_of(value));
                part(name, value.as_deref().map(|b| b.as_slice()), size)
            }) }
        </div>
    }
}
