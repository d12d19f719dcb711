//! Looking for records in a topic, and watching them arrive.

use blumfeld_filter::when::Clock;
use blumfeld_filter::{Filter, FilterError};
use blumfeld_view::{Command, FoundRecord, SearchOrder, SearchQuery};
use gloo_timers::callback::Timeout;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::records::{said_key, said_value};
use super::{icon, swatch};
use crate::browser;
use crate::ctx::{Ctx, use_ctx};
use crate::format::{count, utc};
use crate::messages::{FOUND, Messaging, SHOWN, Search, Step};
use crate::model::{Action, PartitionName, Shared};
use crate::text::{Lang, Text, fill};

/// Whoever follows what arrives asks this often, in milliseconds.
const LIVE_MS: u32 = 200;

/// Filters to begin with.
const EXAMPLES: [&str; 8] = [
    "kettle",
    "key:A-1",
    "value.customer.id == 42",
    "value.amount > 100",
    "header.trace:dead",
    "timestamp > -5m",
    "value == null",
    "kettle and not partition == 0",
];

/// What the form knows.
#[derive(Properties, PartialEq)]
pub struct SearchFormProps {
    /// The chosen partition.
    pub chosen: Option<PartitionName>,
    /// The search, if there is one.
    pub search: Shared<Search>,
    /// Whether what was found is shown.
    pub results: bool,
    /// Virtual now, in milliseconds since 1970-01-01 UTC.
    pub now_ms: f64,
}

/// The filter, where to look, in which order; and the button that follows what arrives.
#[component]
pub fn SearchForm(props: &SearchFormProps) -> Html {
    let search = &props.search;
    let typed = use_state(|| search.query.filter.clone());
    let whole = use_state(|| search.query.partition.is_none());
    let oldest = use_state(|| search.query.order == SearchOrder::Oldest);
    let wrong = use_state(|| None::<FilterError>);
    let ctx = use_ctx();
    use_steps(ctx.as_ref(), search);
    let Some(ctx) = ctx else { return Html::default() };
    let t = ctx.t;
    let (live, idle) = (search.is_live(), search.step == Step::Idle);
    let clock = {
        let now_ms = props.now_ms;
        move || Clock { now_ms: now_ms as i64, zone_minutes: browser::zone_minutes(now_ms) }
    };
    let begin = {
        let (ctx, chosen, typed, whole, wrong) =
            (ctx.clone(), props.chosen.clone(), typed.clone(), *whole, wrong.setter());
        Callback::from(move |order: SearchOrder| {
            let Some(chosen) = &chosen else { return };
            let clock = clock();
            match Filter::parse(&typed, clock) {
                Err(error) => wrong.set(Some(error)),
                Ok(_) => {
                    wrong.set(None);
                    let query = SearchQuery {
                        topic: chosen.topic.clone(),
                        partition: (!whole).then_some(chosen.partition),
                        filter: typed.trim().to_owned(),
                        zone_minutes: clock.zone_minutes,
                        order,
                        limit: FOUND as u32,
                        ..SearchQuery::default()
                    };
                    ctx.act(Action::Messaging(Messaging::Search(Box::new(query))));
                }
            }
        })
    };
    let onsubmit = {
        let (begin, oldest) = (begin.clone(), *oldest);
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            begin.emit(if oldest { SearchOrder::Oldest } else { SearchOrder::Newest });
        })
    };
    let oninput = {
        let (typed, wrong) = (typed.clone(), wrong.clone());
        Callback::from(move |event: InputEvent| {
            let text = event.target_unchecked_into::<HtmlInputElement>().value();
            // What was wrong is looked at again while it is mended, and nothing is blamed that is only begun.
            if wrong.is_some() {
                wrong.set(Filter::parse(&text, clock()).err());
            }
            typed.set(text);
        })
    };
    let follow = {
        let (ctx, begin, search, typed) = (ctx.clone(), begin.clone(), search.clone(), typed.clone());
        let (topic, scope) = (props.chosen.as_ref().map(|chosen| chosen.topic.clone()), *whole);
        Callback::from(move |_: MouseEvent| {
            let query = &search.query;
            let same = query.filter == typed.trim()
                && query.partition.is_none() == scope
                && Some(&query.topic) == topic.as_ref();
            if search.is_live() && search.runs() {
                ctx.act(Action::Messaging(Messaging::Stop));
            } else if search.is_live() && same {
                // It goes on where it stopped, so that nothing is missed.
                ctx.act(Action::Messaging(Messaging::GoOn));
            } else {
                begin.emit(SearchOrder::Arriving);
            }
        })
    };
    let choose = |state: UseStateHandle<bool>| {
        Callback::from(move |event: Event| {
            state.set(event.target_unchecked_into::<HtmlSelectElement>().value() == "1");
        })
    };
    let name = props.chosen.as_ref().map(|chosen| format!("{}-{}", chosen.topic, chosen.partition));
    let follows = live && search.runs();
    let act = |what: fn() -> Messaging| {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.act(Action::Messaging(what())))
    };
    html! {
        <>
        <form class="bar finder" role="search" aria-label={t.search_records} {onsubmit}>
            <label class="find"><span class="vh">{t.filter}</span>
                <input class="field" id="filter" autocomplete="off" autocapitalize="off" spellcheck="false" placeholder={t.filter_hint}
                    aria-invalid={wrong.is_some().then_some("true")} aria-describedby={wrong.is_some().then_some("filter-error")} value={(*typed).clone()} {oninput} /></label>
            <label><span class="vh">{t.search_where}</span>
                <select class="ctl" id="scope" onchange={choose(whole.clone())}>
                    <option value="1" selected={*whole}>{t.search_all}</option>
                    <option value="0" selected={!*whole}>{name.clone().unwrap_or_else(|| t.search_one.to_owned())}</option>
                </select></label>
            <label><span class="vh">{t.search_order}</span>
                <select class="ctl" id="order" onchange={choose(oldest.clone())}>
                    <option value="0" selected={!*oldest}>{t.newest_first}</option>
                    <option value="1" selected={*oldest}>{t.oldest_first}</option>
                </select></label>
            <button class="ctl primary" id="search" type="submit" disabled={props.chosen.is_none()}>{t.search}</button>
            <button class="ctl live" id="live" type="button" disabled={props.chosen.is_none()} aria-pressed={follows.to_string()} onclick={follow} title={t.live_title}>
                {icon(if follows { "pause" } else { "play" })}{t.live}</button>
            if !idle && !props.results {
                <button class="ctl end" id="to-results" type="button" onclick={act(|| Messaging::Results(true))}>{fill(t.back_to_results, &[&count(search.rows.len() as i64)])}</button>
            }
            if props.results {
                <button class="ctl end" id="to-batches" type="button" onclick={act(|| Messaging::Results(false))}>{t.back_to_batches}</button>
            }
        </form>
        if let Some(error) = &*wrong { {slip(ctx.lang, &typed, error)} }
        <details class="filter-help"><summary>{t.filter_help}</summary>
            <p>{t.filter_words}</p>
            <ul>{ for EXAMPLES.into_iter().map(|example| {
                let (typed, wrong) = (typed.setter(), wrong.setter());
                let onclick = Callback::from(move |_: MouseEvent| {
                    typed.set(example.to_owned());
                    wrong.set(None);
                    browser::focus_on("filter");
                });
                html! { <li><button type="button" class="chip mono" {onclick}>{example}</button></li> }
            }) }</ul>
        </details>
        </>
    }
}

/// Asks the engine for the next step of a search.
#[hook]
fn use_steps(ctx: Option<&Ctx>, search: &Shared<Search>) {
    let ctx = ctx.cloned();
    use_effect_with((search.query.id, search.step, ctx), {
        let search = search.clone();
        move |(_, step, ctx)| {
            let mut waits = None;
            if let Some(ctx) = ctx.clone() {
                let ask = move || ctx.ask(&Command::Search(search.query.clone()));
                match step {
                    Step::Asks => ask(),
                    Step::Waits => waits = Some(Timeout::new(LIVE_MS, ask)),
                    Step::Idle | Step::Stands | Step::Done => {}
                }
            }
            move || drop(waits)
        }
    });
}

/// What is wrong with a filter, and where.
fn slip(lang: Lang, typed: &str, error: &FilterError) -> Html {
    let (before, at, behind) = error.split(typed);
    let said = if lang == Lang::Ko { error.to_korean() } else { error.to_string() };
    html! {
        <p class="rule bad slip" id="filter-error" role="alert"><code>{before.to_owned()}<mark>{at.to_owned()}</mark>{behind.to_owned()}</code><span>{said}</span></p>
    }
}

/// What the list shows.
#[derive(Properties, PartialEq)]
pub struct ResultsProps {
    /// The search.
    pub search: Shared<Search>,
}

/// The records that were found, or that have arrived.
#[component]
pub fn Results(props: &ResultsProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let (t, search) = (ctx.t, &props.search);
    let act = |what: fn() -> Messaging| {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.act(Action::Messaging(what())))
    };
    let live = search.is_live();
    let open = {
        let (ctx, topic) = (ctx.clone(), search.query.topic.clone());
        Callback::from(move |(partition, offset): (i32, i64)| {
            ctx.seek(&PartitionName { topic: topic.clone(), partition }, offset);
        })
    };
    html! {
        <div class="mach results" data-live={live.to_string()} data-shown={search.rows.len().to_string()} data-left-out={search.left_out.to_string()}
            data-looked={search.looked.to_string()} data-step={step_word(search.step)}>
            <header><h3>{if live { t.live_records } else { t.found_records }}</h3>
                <span class="meta" role="status">{standing(t, search)}</span>
                <span class="acts">
                    if search.runs() {
                        <button class="ctl small" id="stop-search" onclick={act(|| Messaging::Stop)}>{if live { t.live_pause } else { t.search_stop }}</button>
                    } else if search.step == Step::Stands {
                        <button class="ctl small" id="more-results" onclick={act(|| Messaging::GoOn)}>{if live { t.live_go_on } else { t.search_more }}</button>
                    }
                    <button class="ctl small" id="clear-search" onclick={act(|| Messaging::PutAway)}>{t.search_clear}</button>
                </span>
            </header>
            if let Some(error) = &search.error { <p class="rule bad" role="alert">{error}</p> }
            if !search.unread.is_empty() {
                <p class="rule bad">{fill(t.search_unread, &[&search.unread.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")])}</p>
            }
            if search.rows.is_empty() {
                <p class="none">{match (live, search.step) {
                    (true, _) => t.live_none,
                    (_, Step::Done) => t.search_none,
                    _ => t.search_none_yet,
                }}</p>
            } else {
                <div class="scroll" tabindex="0" role="region" aria-label={if live { t.live_records } else { t.found_records }}><table class="tb">
                    <thead><tr><th scope="col">{t.partition}</th><th scope="col" class="num">{t.offset}</th><th scope="col" class="when">{t.timestamp}</th>
                        <th scope="col">{t.key}</th><th scope="col">{t.value}</th></tr></thead>
                    <tbody>{ for search.rows.iter().map(|row| html! {
                        <Row key={format!("{}-{}", row.partition, row.record.offset)} row={std::rc::Rc::clone(row)} open={open.clone()} />
                    }) }</tbody>
                </table></div>
            }
        </div>
    }
}

fn step_word(step: Step) -> &'static str {
    match step {
        Step::Idle => "idle",
        Step::Asks => "asks",
        Step::Waits => "waits",
        Step::Stands => "stands",
        Step::Done => "done",
    }
}

/// How far it is, in words.
fn standing(t: &'static Text, search: &Search) -> String {
    let (rows, looked, left) = (count(search.rows.len() as i64), count(search.looked), count(search.left));
    if search.is_live() {
        let mut said = match search.step {
            Step::Stands => fill(t.live_paused, &[&rows]),
            _ => fill(t.live_shown, &[&rows]),
        };
        if search.left_out > 0 {
            said.push_str(" · ");
            said.push_str(&fill(t.live_left_out, &[&count(search.left_out), &count(SHOWN as i64)]));
        }
        return said;
    }
    match search.step {
        Step::Done => fill(t.search_done, &[&rows, &looked]),
        _ => fill(t.search_so_far, &[&rows, &looked, &left]),
    }
}

#[derive(Properties)]
struct RowProps {
    row: std::rc::Rc<FoundRecord>,
    open: Callback<(i32, i64)>,
}

impl PartialEq for RowProps {
    // A record does not change: it is drawn once.
    fn eq(&self, other: &Self) -> bool {
        std::rc::Rc::ptr_eq(&self.row, &other.row)
    }
}

#[component]
fn Row(props: &RowProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let (t, partition, record) = (ctx.t, props.row.partition, &props.row.record);
    let (open, place) = (props.open.clone(), (partition, record.offset));
    let onclick = Callback::from(move |_: MouseEvent| open.emit(place));
    html! {
        <tr data-partition={partition.to_string()} data-offset={record.offset.to_string()} onclick={onclick.clone()}>
            <td class="p">{swatch(partition)}{" "}{partition}</td>
            <th scope="row" class="num"><button class="link">{count(record.offset)}</button></th>
            <td class="when">{utc(record.timestamp).unwrap_or_else(|| "–".into())}</td>
            <td class="v k">{said_key(t, record)}</td>
            <td class="v">{said_value(t, record)}</td>
        </tr>
    }
}
