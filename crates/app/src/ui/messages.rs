//! The message browser: batches of a partition, the header and bytes of one, its records.

use blumfeld_view::{BatchView, BrowseView, Command, TopicView};
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::hex::{HexView, Lit};
use super::icon;
use super::records::Records;
use crate::ctx::{Ctx, use_ctx};
use crate::format::{count, size, timestamp};
use crate::model::{Action, MessagesState, PartitionName, Shared};
use crate::text::fill;

/// What the screen shows.
#[derive(Properties, PartialEq)]
pub struct MessagesProps {
    /// The topics by name.
    pub topics: Vec<Shared<TopicView>>,
    /// The chosen partition.
    pub chosen: Option<PartitionName>,
    /// The answers so far.
    pub state: MessagesState,
}

/// The screen.
#[component]
pub fn Messages(props: &MessagesProps) -> Html {
    let lit = use_state(|| Lit::Nothing);
    let seek = use_state(String::new);
    // One and the same in each drawing, so that what shows the batch is not drawn again with each record that comes.
    let light = use_callback((), {
        let lit = lit.setter();
        move |to, ()| lit.set(to)
    });
    let ctx = use_ctx();
    let (state, chosen) = (&props.state, &props.chosen);

    // The end of the log is one batch: ask for those before it too.
    use_effect_with((state.follow_up, ctx.clone()), {
        let chosen = chosen.clone();
        move |(follow_up, ctx)| {
            if let (Some(offset), Some(chosen), Some(ctx)) = (follow_up, &chosen, ctx) {
                ctx.act(Action::FollowedUp);
                ctx.browse(chosen, *offset);
            }
        }
    });
    // Opens the last batch of the end of the log, and else the first one.
    let to_open =
        state.browse.as_ref().filter(|_| state.batch.is_none() && state.follow_up.is_none()).and_then(
            |browse| {
                let batch = if browse.next_offset.is_none() && browse.previous_offset.is_some() {
                    browse.batches.last()
                } else {
                    browse.batches.first()
                };
                batch.map(|batch| batch.base_offset)
            },
        );
    use_effect_with((to_open, chosen.clone(), ctx.clone()), |(to_open, chosen, ctx)| {
        if let (Some(offset), Some(chosen), Some(ctx)) = (to_open, chosen, ctx) {
            ask_batch(ctx, chosen, *offset);
        }
    });
    // Another batch has other bytes.
    use_effect_with(state.batch.clone(), {
        let lit = lit.clone();
        move |_| lit.set(Lit::Nothing)
    });
    let topic =
        chosen.as_ref().and_then(|chosen| props.topics.iter().find(|topic| topic.name == chosen.topic));
    let partition = topic.zip(chosen.as_ref()).and_then(|(topic, chosen)| {
        topic.partitions.iter().find(|partition| partition.partition == chosen.partition)
    });
    // A partition of which nothing is shown yet is shown from its first offset.
    let bare = (state.browse.is_none() && !state.to_end).then_some(partition.map(|p| p.log_start)).flatten();
    use_effect_with((bare.is_some(), chosen.clone(), ctx.clone()), move |(_, chosen, ctx)| {
        if let (Some(offset), Some(chosen), Some(ctx)) = (bare, chosen, ctx) {
            ctx.browse(chosen, offset);
        }
    });
    let Some(ctx) = ctx else { return Html::default() };
    let t = ctx.t;
    let go_to = |offset: Option<i64>| {
        let (ctx, chosen) = (ctx.clone(), chosen.clone());
        Callback::from(move |_: MouseEvent| {
            if let (Some(chosen), Some(offset)) = (&chosen, offset) {
                ctx.browse(chosen, offset);
            }
        })
    };
    let to_end = {
        let (ctx, chosen) = (ctx.clone(), chosen.clone());
        let last = partition.map(|partition| partition.log_end.saturating_sub(1).max(partition.log_start));
        Callback::from(move |_: MouseEvent| {
            if let (Some(chosen), Some(last)) = (&chosen, last) {
                ctx.act(Action::ToEnd);
                ctx.browse(chosen, last);
            }
        })
    };
    let onseek = {
        let (ctx, chosen, seek) = (ctx.clone(), chosen.clone(), seek.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let offset = seek.replace(',', "").trim().parse::<i64>().ok().filter(|offset| *offset >= 0);
            if let (Some(chosen), Some(offset)) = (&chosen, offset) {
                ctx.browse(chosen, offset);
            }
        })
    };
    let typed = {
        let seek = seek.clone();
        Callback::from(move |event: InputEvent| {
            seek.set(event.target_unchecked_into::<HtmlInputElement>().value())
        })
    };
    let names = (props.topics.iter())
        .flat_map(|topic| topic.partitions.iter().map(|p| (topic.name.clone(), p.partition)))
        .map(|(topic, partition)| PartitionName { topic, partition })
        .collect::<Vec<_>>();
    let browse = state.browse.as_ref();
    let (before, after) = (browse.and_then(|b| b.previous_offset), browse.and_then(|b| b.next_offset));
    // Records that came since the page of batches that ends the log.
    let fresh =
        browse.filter(|browse| browse.next_offset.is_none()).zip(partition).map(|(browse, partition)| {
            let shown = browse
                .batches
                .last()
                .map_or(partition.log_start, |batch| batch.last_offset.saturating_add(1));
            partition.log_end.saturating_sub(shown)
        });
    html! {
        <section class="screen messages" aria-labelledby="h-messages">
            <header class="bar">
                <h2 id="h-messages">{t.messages}</h2>
                <Picker names={names} chosen={chosen.clone()} />
                <span class="group">
                    <button class="ctl" disabled={partition.is_none()} onclick={go_to(partition.map(|p| p.log_start))}>{t.earliest}</button>
                    <button class="ctl" disabled={before.is_none()} onclick={go_to(before)} aria-label={t.previous} title={t.previous}>{icon("left")}</button>
                    <button class="ctl" disabled={after.is_none()} onclick={go_to(after)} aria-label={t.next} title={t.next}>{icon("right")}</button>
                    <button class="ctl" disabled={partition.is_none()} onclick={to_end.clone()}>{t.latest}</button>
                </span>
                <form class="group" onsubmit={onseek}>
                    <label><span class="vh">{t.seek}</span>
                        <input class="field short" id="seek" inputmode="numeric" placeholder={t.seek} value={(*seek).clone()} oninput={typed} /></label>
                    <button class="ctl" type="submit" disabled={partition.is_none()}>{t.go}</button>
                </form>
                if let Some(fresh) = fresh.filter(|fresh| *fresh > 0) {
                    <button class="ctl end" onclick={to_end}>{fill(t.new_records, &[&count(fresh)])}</button>
                }
            </header>
            if let Some((browse, chosen)) = browse.zip(chosen.as_ref()) {
                <div class="browse">
                    <Batches browse={browse.clone()} chosen={chosen.clone()}
                        open={state.batch.as_ref().map(|detail| detail.batch.base_offset)} />
                    if let Some(detail) = &state.batch {
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
                                <Records detail={detail.clone()} lit={*lit} {light} />
                            </div>
                        </div>
                    } else if !browse.batches.is_empty() {
                        <p class="none">{t.choose_batch}</p>
                    }
                </div>
            } else {
                <p class="empty">{t.nothing_chosen}</p>
            }
        </section>
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

fn ask_batch(ctx: &Ctx, partition: &PartitionName, base_offset: i64) {
    ctx.ask(&Command::Batch { topic: partition.topic.clone(), partition: partition.partition, base_offset });
}

fn batch_row(ctx: &Ctx, chosen: &PartitionName, batch: &BatchView, open: bool) -> Html {
    let (ctx2, chosen, base_offset) = (ctx.clone(), chosen.clone(), batch.base_offset);
    let onclick = Callback::from(move |_: MouseEvent| ask_batch(&ctx2, &chosen, base_offset));
    let when = timestamp(batch.max_timestamp).unwrap_or_default();
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
    names: Vec<PartitionName>,
    chosen: Option<PartitionName>,
}

/// Chooses topic and partition.
#[component]
fn Picker(props: &PickerProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let none = props.chosen.is_none();
    let options: Vec<Html> = (props.names.iter().enumerate())
        .map(|(at, name)| {
            let selected = props.chosen.as_ref() == Some(name);
            html! { <option value={at.to_string()} {selected}>{format!("{}-{}", name.topic, name.partition)}</option> }
        })
        .collect();
    let onchange = {
        let names = props.names.clone();
        Callback::from(move |event: Event| {
            let at = event.target_unchecked_into::<HtmlSelectElement>().value().parse::<usize>();
            if let Some(name) = at.ok().and_then(|at| names.get(at)) {
                ctx.act(Action::Choose(name.clone()));
            }
        })
    };
    html! {
        <label><span class="vh">{t.choose_partition}</span>
            <select class="ctl" id="partition" {onchange}>
                if none { <option value="" selected=true>{t.choose_partition}</option> }
                {options}
            </select>
        </label>
    }
}
