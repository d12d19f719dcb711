//! The message browser: batches of a partition, the header and bytes of one, its records; and what is found in a topic.

use blumfeld_filter::when::{self, Clock};
use blumfeld_view::{BatchView, BrowseView, Command, PartitionView, TopicView};
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::hex::{HexView, Lit};
use super::icon;
use super::records::Records;
use super::search::{Results, SearchForm};
use crate::browser;
use crate::ctx::{Ctx, use_ctx};
use crate::format::{count, size, utc};
use crate::messages::{LATEST, MessagesState, Messaging, Note, newest_of, records_of};
use crate::model::{Action, PartitionName, Shared};
use crate::text::{Text, fill};

/// What the screen shows.
#[derive(Properties, PartialEq)]
pub struct MessagesProps {
    /// The topics by name.
    pub topics: Vec<Shared<TopicView>>,
    /// The chosen partition.
    pub chosen: Option<PartitionName>,
    /// The answers so far.
    pub state: MessagesState,
    /// Virtual now, in milliseconds since 1970-01-01 UTC.
    pub now_ms: f64,
}

/// The screen.
#[component]
pub fn Messages(props: &MessagesProps) -> Html {
    let ctx = use_ctx();
    let (state, chosen) = (&props.state, &props.chosen);
    let topic =
        chosen.as_ref().and_then(|chosen| props.topics.iter().find(|topic| topic.name == chosen.topic));
    let partition = topic.zip(chosen.as_ref()).and_then(|(topic, chosen)| {
        topic.partitions.iter().find(|partition| partition.partition == chosen.partition)
    });
    use_questions(ctx.as_ref(), state, chosen.as_ref(), partition);
    let Some(ctx) = ctx else { return Html::default() };
    let t = ctx.t;
    let fresh = partition.map_or(0, |log| state.fresh(log));
    html! {
        <section class={classes!("screen", "messages", state.results.then_some("finds"))} aria-labelledby="h-messages">
            <header class="bar">
                <h2 id="h-messages">{t.messages}</h2>
                <Picker topics={props.topics.clone()} chosen={chosen.clone()} />
                {turns(&ctx, state, chosen.as_ref(), partition.is_some())}
                <Seek chosen={chosen.clone()} now_ms={props.now_ms} />
                if fresh > 0 {
                    <button class="ctl end" id="fresh" onclick={to_end(&ctx, chosen.as_ref())}>{fill(t.new_records, &[&count(fresh)])}</button>
                }
            </header>
            <SearchForm chosen={chosen.clone()} search={state.search.clone()} results={state.results} now_ms={props.now_ms} />
            {note(t, state.note.as_ref().filter(|_| !state.results))}
            if state.results {
                <Results search={state.search.clone()} />
            } else if let Some(chosen) = chosen {
                {browsed(&ctx, state, chosen, topic.map(|topic| &**topic), partition)}
            } else {
                <p class="empty">{if ctx.nobody { t.nobody_knows } else { t.nothing_chosen }}</p>
            }
        </section>
    }
}

/// Asks the engine for what is to be shown next.
#[hook]
fn use_questions(
    ctx: Option<&Ctx>,
    state: &MessagesState,
    chosen: Option<&PartitionName>,
    partition: Option<&PartitionView>,
) {
    let (ctx, chosen) = (ctx.cloned(), chosen.cloned());
    // The end of the log is one batch: ask for those before it too. And for those around the record of a moment.
    use_effect_with((state.follow_up.or(state.sought), ctx.clone()), {
        let chosen = chosen.clone();
        move |(wanted, ctx)| {
            if let (Some(offset), Some(chosen), Some(ctx)) = (wanted, &chosen, ctx) {
                ctx.act(Action::FollowedUp);
                ctx.browse(chosen, *offset);
            }
        }
    });
    let around = state.target.map(|target| target.offset);
    use_effect_with((state.to_open(), chosen.clone(), ctx.clone()), move |(to_open, chosen, ctx)| {
        if let (Some(offset), Some(chosen), Some(ctx)) = (to_open, chosen, ctx) {
            ask_batch(ctx, chosen, *offset, around);
        }
    });
    // A partition of which nothing is shown yet is shown from its first offset; one whose records were cut off or
    // deleted under what is shown is shown as it is now.
    let bare =
        (state.browse.is_none() && !state.awaits).then_some(partition.map(|log| log.log_start)).flatten();
    let shown =
        state.browse.as_ref().and_then(|browse| browse.batches.first().map(|batch| batch.base_offset));
    let again = state.stale.then_some(shown.or(partition.map(|log| log.log_start))).flatten();
    use_effect_with((bare.is_some(), again.is_some(), chosen, ctx), move |(_, _, chosen, ctx)| {
        if let (Some(offset), Some(chosen), Some(ctx)) = (bare, chosen, ctx) {
            ctx.act(Action::Messaging(Messaging::Aim(offset)));
            ctx.browse(chosen, offset);
        } else if let (Some(offset), Some(chosen), Some(ctx)) = (again, chosen, ctx) {
            ctx.act(Action::Messaging(Messaging::Turn));
            ctx.browse(chosen, offset);
        }
    });
}

fn to_end(ctx: &Ctx, chosen: Option<&PartitionName>) -> Callback<MouseEvent> {
    let (ctx, chosen) = (ctx.clone(), chosen.cloned());
    Callback::from(move |_| {
        if let Some(chosen) = &chosen {
            ctx.seek(chosen, LATEST);
        }
    })
}

/// To the beginning, the end, and from page to page.
fn turns(ctx: &Ctx, state: &MessagesState, chosen: Option<&PartitionName>, there: bool) -> Html {
    let (t, browse) = (ctx.t, state.browse.as_ref());
    let (before, after) = (browse.and_then(|b| b.previous_offset), browse.and_then(|b| b.next_offset));
    let go_to = |offset: Option<i64>, seeks: bool| {
        let (ctx, chosen) = (ctx.clone(), chosen.cloned());
        Callback::from(move |_: MouseEvent| {
            if let (Some(chosen), Some(offset)) = (&chosen, offset) {
                if seeks {
                    return ctx.seek(chosen, offset);
                }
                ctx.act(Action::Messaging(Messaging::Results(false)));
                ctx.act(Action::Messaging(Messaging::Turn));
                ctx.browse(chosen, offset);
            }
        })
    };
    let start = browse.map_or(0, |browse| browse.log_start);
    html! {
        <span class="group">
            <button class="ctl" disabled={!there} onclick={go_to(Some(start), true)}>{t.earliest}</button>
            <button class="ctl" disabled={before.is_none()} onclick={go_to(before, false)} aria-label={t.previous} title={t.previous}>{icon("left")}</button>
            <button class="ctl" disabled={after.is_none()} onclick={go_to(after, false)} aria-label={t.next} title={t.next}>{icon("right")}</button>
            <button class="ctl" disabled={!there} onclick={to_end(ctx, chosen)}>{t.latest}</button>
        </span>
    }
}

/// What is to be said of what was sought.
fn note(t: &'static Text, note: Option<&Note>) -> Html {
    let Some(note) = note else { return Html::default() };
    let at = |millis: f64| utc(millis).unwrap_or_else(|| "–".into());
    let bad = matches!(note, Note::Unreadable(_));
    let text = match note {
        Note::Outside { offset, log_start, log_end } => {
            let last = (log_end - 1).max(*log_start);
            let shown = (*offset).clamp(*log_start, last);
            fill(t.not_there, &[&count(*offset), &count(*log_start), &count(last), &count(shown)])
        }
        Note::Gap { offset, shown } => fill(t.gap_there, &[&count(*offset), &count(*shown)]),
        Note::Moment { moment, found } => {
            fill(t.moment_found, &[&at(*moment), &count(found.0), &at(found.1)])
        }
        Note::NoneLater { moment, newest: Some(newest) } => {
            fill(t.none_later, &[&at(*moment), &count(newest.0), &at(newest.1)])
        }
        Note::NoneLater { moment, newest: None } => fill(t.none_later_empty, &[&at(*moment)]),
        Note::Unreadable(text) => fill(t.seek_bad, &[text]),
    };
    html! { <p class={classes!("rule", bad.then_some("bad"))} id="seek-note" role={if bad { "alert" } else { "status" }}>{text}</p> }
}

/// Batches, and the one that is open.
fn browsed(
    ctx: &Ctx,
    state: &MessagesState,
    chosen: &PartitionName,
    topic: Option<&TopicView>,
    partition: Option<&PartitionView>,
) -> Html {
    let t = ctx.t;
    let Some(browse) = &state.browse else { return Html::default() };
    if browse.batches.is_empty() && partition.is_none_or(|log| records_of(log) == 0) {
        return hollow(ctx, chosen, topic);
    }
    html! {
        <div class="browse">
            <Batches browse={browse.clone()} chosen={chosen.clone()}
                open={state.batch.as_ref().map(|detail| detail.batch.base_offset)} />
            if let Some(detail) = &state.batch {
                <Opened detail={detail.clone()} chosen={chosen.clone()} target={state.target} log_start={browse.log_start} />
            } else if !browse.batches.is_empty() {
                <p class="none">{t.choose_batch}</p>
            }
        </div>
    }
}

/// Says that a partition is empty, and names one that is not.
fn hollow(ctx: &Ctx, chosen: &PartitionName, topic: Option<&TopicView>) -> Html {
    let t = ctx.t;
    let name = |partition: i32| format!("{}-{partition}", chosen.topic);
    let other = topic.and_then(newest_of).map(|log| {
        let (ctx, topic, partition) = (ctx.clone(), chosen.topic.clone(), log.partition);
        let onclick = Callback::from(move |_: MouseEvent| {
            ctx.act(Action::Choose(PartitionName { topic: topic.clone(), partition }));
        });
        let said = fill(t.filled_partition, &[&name(partition), &count(records_of(log))]);
        html! { <button class="ctl" id="filled" {onclick}>{said}</button> }
    });
    html! {
        <div class="empty hollow"><p>{fill(t.empty_partition, &[&name(chosen.partition)])}</p>
            if let Some(other) = other { {other} } else { <p class="none">{t.empty_topic}</p> }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct OpenedProps {
    detail: Shared<blumfeld_view::BatchDetail>,
    chosen: PartitionName,
    target: Option<crate::messages::Target>,
    log_start: i64,
}

/// The open batch: header, bytes, records.
#[component]
fn Opened(props: &OpenedProps) -> Html {
    let lit = use_state(|| Lit::Nothing);
    // One and the same in each drawing, so that what shows the batch is not drawn again with each record that comes.
    let light = use_callback((), {
        let lit = lit.setter();
        move |to, ()| lit.set(to)
    });
    // Another batch has other bytes.
    use_effect_with(props.detail.clone(), {
        let lit = lit.clone();
        move |_| lit.set(Lit::Nothing)
    });
    let ctx = use_ctx();
    let around = use_callback(
        (ctx.clone(), props.chosen.clone(), props.detail.batch.base_offset),
        |offset: i64, (ctx, chosen, base_offset)| {
            if let Some(ctx) = ctx {
                ctx.act(Action::Messaging(Messaging::Aim(offset)));
                ask_batch(ctx, chosen, *base_offset, Some(offset));
            }
        },
    );
    let Some(ctx) = ctx else { return Html::default() };
    let (t, detail) = (ctx.t, &props.detail);
    html! {
        <div class="detail">
            <div class="mach">
                <header><h3>{t.batch}{" "}{count(detail.batch.base_offset)}{"–"}{count(detail.batch.last_offset)}</h3>
                    <span class="meta">{size(u64::from(detail.batch.size))}{" · "}{&detail.batch.compression}</span>
                    if !detail.batch.durable { <span class="state still">{t.not_durable}</span> }
                </header>
                if let Some(error) = &detail.error { <p class="rule bad" role="alert">{error}</p> }
                <HexView detail={detail.clone()} lit={*lit} light={light.clone()} />
            </div>
            <div class="mach recs">
                <Records detail={detail.clone()} lit={*lit} {light} target={props.target} log_start={props.log_start} {around} />
            </div>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct BatchesProps {
    browse: Shared<BrowseView>,
    chosen: PartitionName,
    /// The base offset of the batch that is shown.
    open: Option<i64>,
}

/// The list of batches.
#[component]
fn Batches(props: &BatchesProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let (t, batches) = (ctx.t, &props.browse.batches);
    html! {
        <div class="mach batches" role="group" aria-label={t.batches}>
            <table class="tb">
                <thead><tr><th scope="col">{t.batch}</th><th scope="col" class="num">{t.records}</th>
                    <th scope="col" class="num">{t.size}</th><th scope="col">{t.compression}</th></tr></thead>
                <tbody>{ for batches.iter().map(|batch| {
                    batch_row(&ctx, &props.chosen, batch, props.open == Some(batch.base_offset))
                }) }</tbody>
            </table>
            if batches.is_empty() { <p class="none">{t.no_batches}</p> }
        </div>
    }
}

fn ask_batch(ctx: &Ctx, partition: &PartitionName, base_offset: i64, around: Option<i64>) {
    let (topic, partition) = (partition.topic.clone(), partition.partition);
    ctx.ask(&Command::Batch { topic, partition, base_offset, around });
}

fn batch_row(ctx: &Ctx, chosen: &PartitionName, batch: &BatchView, open: bool) -> Html {
    let (ctx2, chosen, base_offset) = (ctx.clone(), chosen.clone(), batch.base_offset);
    let onclick = Callback::from(move |_: MouseEvent| {
        ctx2.act(Action::Messaging(Messaging::Turn));
        ask_batch(&ctx2, &chosen, base_offset, None);
    });
    let when = utc(batch.max_timestamp).unwrap_or_default();
    html! {
        <tr class={classes!(open.then_some("sel"), (!batch.durable).then_some("dirty"))}>
            <th scope="row"><button class="link" aria-pressed={open.to_string()} title={when} {onclick}>
                {count(batch.base_offset)}{"–"}{count(batch.last_offset)}</button></th>
            <td class="num">{count(batch.records)}</td><td class="num">{size(u64::from(batch.size))}</td>
            <td>{&batch.compression}</td>
        </tr>
    }
}

#[derive(Properties, PartialEq)]
struct PickerProps {
    topics: Vec<Shared<TopicView>>,
    chosen: Option<PartitionName>,
}

/// Chooses topic and partition.
#[component]
fn Picker(props: &PickerProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let (t, chosen) = (ctx.t, props.chosen.as_ref());
    let topic = chosen.and_then(|chosen| props.topics.iter().find(|topic| topic.name == chosen.topic));
    let to_topic = {
        let ctx = ctx.clone();
        Callback::from(move |event: Event| {
            let name = event.target_unchecked_into::<HtmlSelectElement>().value();
            if !name.is_empty() {
                ctx.act(Action::ChooseTopic(name));
            }
        })
    };
    let to_partition = {
        let (ctx, chosen) = (ctx.clone(), chosen.cloned());
        Callback::from(move |event: Event| {
            let number = event.target_unchecked_into::<HtmlSelectElement>().value().parse::<i32>();
            if let (Some(chosen), Ok(partition)) = (&chosen, number) {
                let topic = chosen.topic.clone();
                ctx.act(Action::Choose(PartitionName { topic, partition }));
            }
        })
    };
    let option = |topic: &Shared<TopicView>| {
        let selected = chosen.is_some_and(|chosen| chosen.topic == topic.name);
        html! { <option value={topic.name.clone()} {selected}>{&topic.name}</option> }
    };
    let internal: Vec<_> = props.topics.iter().filter(|topic| topic.internal).collect();
    html! {
        <span class="group pick">
            <label><span class="vh">{t.topic_word}</span>
                <select class="ctl" id="topic" onchange={to_topic}>
                    if chosen.is_none() { <option value="" selected=true>{t.choose_topic}</option> }
                    { for props.topics.iter().filter(|topic| !topic.internal).map(option) }
                    if !internal.is_empty() {
                        <optgroup label={t.internal_topics}>{ for internal.into_iter().map(option) }</optgroup>
                    }
                </select>
            </label>
            <label><span class="vh">{t.partition}</span>
                <select class="ctl" id="partition" onchange={to_partition} disabled={topic.is_none()}>
                    { for topic.iter().flat_map(|topic| &topic.partitions).map(|log| {
                        let selected = chosen.is_some_and(|chosen| chosen.partition == log.partition);
                        let filled = records_of(log);
                        let said = if filled == 0 { t.empty_word.to_owned() } else { count(filled) };
                        html! { <option value={log.partition.to_string()} {selected}>{fill(t.partition_choice, &[&log.partition.to_string(), &said])}</option> }
                    }) }
                </select>
            </label>
        </span>
    }
}

#[derive(Properties, PartialEq)]
struct SeekProps {
    chosen: Option<PartitionName>,
    now_ms: f64,
}

/// Goes to an offset, or to the first record of a moment.
#[component]
fn Seek(props: &SeekProps) -> Html {
    let typed = use_state(String::new);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let onsubmit = {
        let (ctx, chosen, typed, now_ms) = (ctx.clone(), props.chosen.clone(), typed.clone(), props.now_ms);
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (text, Some(chosen)) = (typed.trim(), &chosen) else { return };
            if text.is_empty() {
                return;
            }
            if let Some(offset) = offset(text) {
                return ctx.seek(chosen, offset);
            }
            let Some(moment) = moment(text, now_ms) else {
                return ctx.act(Action::Messaging(Messaging::Say(Note::Unreadable(text.to_owned()))));
            };
            let (topic, partition) = (chosen.topic.clone(), chosen.partition);
            ctx.ask(&Command::Moment { topic, partition, moment: moment as f64 });
        })
    };
    let oninput = {
        let typed = typed.clone();
        Callback::from(move |event: InputEvent| {
            typed.set(event.target_unchecked_into::<HtmlInputElement>().value());
        })
    };
    html! {
        <form class="group seeker" {onsubmit}>
            <label><span class="vh">{t.seek}</span>
                <input class="field" id="seek" autocomplete="off" spellcheck="false" placeholder={t.seek_hint} title={t.seek_title} value={(*typed).clone()} {oninput} /></label>
            <button class="ctl" type="submit" disabled={props.chosen.is_none()}>{t.go}</button>
        </form>
    }
}

/// An offset as it is typed, with or without commas.
fn offset(text: &str) -> Option<i64> {
    text.replace(',', "").parse::<i64>().ok().filter(|offset| (0..LATEST).contains(offset))
}

/// A moment as it is typed. Summer and winter may have clocks of their own.
fn moment(text: &str, now_ms: f64) -> Option<i64> {
    let at = |zone_minutes: i32| when::parse(text, Clock { now_ms: now_ms as i64, zone_minutes });
    let first = at(browser::zone_minutes(now_ms))?;
    at(browser::zone_minutes(first as f64))
}
