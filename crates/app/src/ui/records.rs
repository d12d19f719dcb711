//! The records of a batch. Their bytes are text to the page, never markup.

use blumfeld_view::{BatchDetail, FollowWhat, RecordView};
use yew::prelude::*;

use super::hex::Lit;
use crate::ctx::{Ctx, use_ctx};
use crate::format::{Content, content, count, one_line, timestamp};
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
}

/// The records.
#[component]
pub fn Records(props: &RecordsProps) -> Html {
    let window = use_state(|| 0_usize);
    let opened = use_state(|| 0_usize);
    use_effect_with(props.detail.clone(), {
        let (window, opened) = (window.clone(), opened.clone());
        move |_| {
            window.set(0);
            opened.set(0);
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
    let whole = props.detail.batch.records as usize;
    html! { <>
        <header><h3>{t.records}</h3>
            <span class="meta">{fill(t.record_range, &[&count(from as i64 + i64::from(to > from)), &count(to as i64), &count(whole as i64)])}</span>
            <span class="acts">
                if from > 0 { <button class="ctl small" onclick={turn(from.saturating_sub(WINDOW))}>{"‹"}</button> }
                if to < records.len() { <button class="ctl small" onclick={turn(to)}>{"›"}</button> }
            </span>
        </header>
        if records.len() < whole && to == records.len() {
            <p class="cap note">{fill(t.not_all_records, &[&count(records.len() as i64), &count(whole as i64)])}</p>
        }
        <div class="scroll"><table class="tb">
            <thead><tr><th scope="col" class="num">{t.offset}</th><th scope="col">{t.timestamp}</th><th scope="col">{t.key}</th>
                <th scope="col">{t.value}</th><th scope="col">{t.headers}</th></tr></thead>
            <tbody>
            { for records.iter().enumerate().skip(from).take(WINDOW).map(|(at, record)| {
                let on = props.lit == Lit::Record(at);
                let (hover, focus) = (props.light.clone(), props.light.clone());
                let open = { let opened = opened.clone(); move |_: MouseEvent| opened.set(at) };
                html! {
                    <tr class={classes!(on.then_some("on"), (*opened == at).then_some("sel"))} data-record={at.to_string()}
                        onmouseover={move |_| hover.emit(Lit::Record(at))} onclick={open.clone()}>
                        <th scope="row" class="num"><button class="link" aria-pressed={(*opened == at).to_string()} onclick={open}
                            onfocus={move |_| focus.emit(Lit::Record(at))}>{count(record.offset)}</button></th>
                        <td class="when">{timestamp(record.timestamp).unwrap_or_else(|| "–".into())}</td>
                        <td class="v k">{short(t, record.key.as_deref().map(|b| b.as_slice()), record.key_size)}</td>
                        <td class="v">{short(t, record.value.as_deref().map(|b| b.as_slice()), record.value_size)}</td>
                        <td class="v h">{ record.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ") }</td>
                    </tr>
                }
            }) }
            </tbody>
        </table></div>
        if let Some(record) = records.get(*opened) {
            <button class="ctl small" id="follow-record" onclick={follow(&ctx, &props.detail, record.offset)}>{t.follow_record_this}</button>
            {whole_record(t, record)}
        }
    </> }
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
