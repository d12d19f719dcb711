//! Topics and their partitions, as strips or as a table.

use blumfeld_view::{ConfigResource, PartitionView, TopicView};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::configs::link;
use super::create_topic::CreateTopic;
use super::row::{badge, row};
use super::{icon, swatch};
use crate::ctx::{Ctx, use_ctx};
use crate::format::{count, size};
use crate::health::{list, tally};
use crate::model::{Action, PartitionName, Shared};
use crate::strip::{axis, room};
use crate::text::fill;

/// Topics that are drawn before one asks for more.
const TOPICS_SHOWN: usize = 40;

/// What the screen shows.
#[derive(Properties, PartialEq)]
pub struct TopicsProps {
    /// The topics by name.
    pub topics: Vec<Shared<TopicView>>,
    /// The chosen partition.
    pub chosen: Option<PartitionName>,
    /// How many brokers there are.
    pub brokers: usize,
}

/// The screen.
#[component]
pub fn Topics(props: &TopicsProps) -> Html {
    let filter = use_state(String::new);
    let internal = use_state(|| false);
    let table = use_state(|| false);
    let creating = use_state(|| false);
    let limit = use_state(|| TOPICS_SHOWN);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let needle = filter.to_lowercase();
    let shown: Vec<_> = (props.topics.iter())
        .filter(|topic| (*internal || !topic.internal) && topic.name.to_lowercase().contains(&needle))
        .collect();
    // What is counted is what the list has; of topics that are not in it that is said.
    let tally_of = |hidden: bool| {
        let topics = props.topics.iter().filter(|topic| (topic.internal && !*internal) == hidden);
        tally(topics.flat_map(|topic| &topic.partitions))
    };
    let ((under, offline), (hidden_under, hidden_offline)) = (tally_of(false), tally_of(true));
    let hidden = shown.len().saturating_sub(*limit);
    let oninput = {
        let filter = filter.clone();
        Callback::from(move |event: InputEvent| {
            filter.set(event.target_unchecked_into::<HtmlInputElement>().value())
        })
    };
    let flip = |state: &UseStateHandle<bool>| {
        let state = state.clone();
        Callback::from(move |_: MouseEvent| state.set(!*state))
    };
    let show_more = {
        let limit = limit.clone();
        Callback::from(move |_: MouseEvent| limit.set(*limit + TOPICS_SHOWN))
    };
    let close = {
        let creating = creating.clone();
        Callback::from(move |()| creating.set(false))
    };
    html! {
        <section class="screen topics" aria-labelledby="h-topics">
            <header class="bar">
                <h2 id="h-topics">{t.topics}</h2><span class="times">{count(shown.len() as i64)}</span>
                if offline > 0 { <span class="state broken" id="offline">{fill(t.count_offline, &[&count(offline)])}</span> }
                if under > 0 { <span class="state degraded" id="under-replicated">{fill(t.count_under_replicated, &[&count(under)])}</span> }
                if hidden_under + hidden_offline > 0 {
                    <span class="meta" id="internal-unwell">{fill(t.count_internal, &[&count(hidden_under + hidden_offline)])}</span>
                }
                <label class="find"><span class="vh">{t.filter_topics}</span>
                    <input class="field" type="search" placeholder={t.filter_topics} value={(*filter).clone()} {oninput} />
                </label>
                <button class="ctl" aria-pressed={internal.to_string()} onclick={flip(&internal)}>{t.internal}</button>
                <button class="ctl" aria-pressed={table.to_string()} onclick={flip(&table)}>
                    {icon("table")}<span class="lbl">{t.as_table}</span>
                </button>
                <button class="ctl primary end" id="create-topic" aria-expanded={creating.to_string()} onclick={flip(&creating)}>
                    {icon("plus")}{t.create_topic}
                </button>
            </header>
            if *creating { <CreateTopic topics={props.topics.clone()} brokers={props.brokers} {close} /> }
            if !*table { {legend(&ctx, &props.topics)} }
            if shown.is_empty() && ctx.nobody {
                <p class="empty">{t.nobody_knows}</p>
            } else if shown.is_empty() {
                if needle.is_empty() {
                    <div class="empty"><h3>{t.no_topics}</h3><p>{t.no_topics_more}</p></div>
                } else {
                    <p class="empty">{t.no_match}</p>
                }
            } else if *table {
                {as_table(&ctx, shown.iter().take(*limit).copied())}
            } else {
                <div class="cards">
                    { for shown.iter().take(*limit).map(|topic| {
                        let chosen = props.chosen.as_ref().filter(|chosen| chosen.topic == topic.name).map(|chosen| chosen.partition);
                        html! { <TopicCard key={topic.name.clone()} topic={(*topic).clone()} {chosen} /> }
                    }) }
                </div>
            }
            if hidden > 0 {
                <button class="ctl more" onclick={show_more}>{fill(t.more_topics, &[&count(hidden as i64)])}</button>
            }
        </section>
    }
}

/// What the strips' signs mean; those of transactions and of compaction where there are any.
fn legend(ctx: &Ctx, topics: &[Shared<TopicView>]) -> Html {
    let (t, x) = (ctx.t, ctx.lang.transactions());
    let any = |has: fn(&PartitionView) -> bool| topics.iter().any(|topic| topic.partitions.iter().any(has));
    let open = any(|partition| !partition.open_transactions.is_empty());
    let aborted = any(|partition| !partition.aborted_transactions.is_empty());
    let clean = any(|partition| partition.copies.iter().any(|copy| copy.cleaned_to > 0));
    html! {
        <ul class="legend">
            <li><svg width="16" height="12" aria-hidden="true"><rect class="k-full" x="0" y="0" width="4" height="9" /><rect class="k-full" x="6" y="0" width="4" height="9" /></svg>{t.legend_sealed}</li>
            <li><svg width="16" height="12" aria-hidden="true"><rect class="k-full" width="16" height="9" /><rect class="k-ink" y="10" width="16" height="2" /></svg>{t.legend_flushed}</li>
            <li><svg width="16" height="12" aria-hidden="true"><rect class="k-cache" width="16" height="9" /></svg>{t.legend_cache}</li>
            <li><svg width="5" height="14" aria-hidden="true"><rect class="k-ink" x="2" width="1.5" height="14" /></svg>{t.legend_hw}</li>
            <li><svg width="16" height="12" aria-hidden="true"><path class="k-cache" d="M0 0H9L15 5L9 10H0z" /></svg>{t.legend_end}</li>
            <li><i class="role lead" aria-hidden="true"></i>{t.legend_leader}</li>
            <li><i class="role" aria-hidden="true"></i>{t.legend_follower}</li>
            <li><span class="isr" aria-hidden="true"><i>{"1"}</i><i class="out">{"2"}</i></span>{t.legend_out}</li>
            if open {
                <li><svg width="20" height="12" aria-hidden="true"><circle class="k-ink" cx="3" cy="6" r="2.2" /><rect class="k-ink" x="3" y="5.3" width="17" height="1.4" /></svg>{x.legend_open}</li>
                <li><svg width="5" height="14" aria-hidden="true"><path class="k-dash" d="M2 0V14" /></svg>{x.lso}</li>
            }
            if aborted { <li><svg width="16" height="12" aria-hidden="true"><rect class="k-cache" width="16" height="11" /><rect width="16" height="11" fill="url(#aborted)" /></svg>{x.legend_aborted}</li> }
            if clean { <li><svg width="8" height="14" aria-hidden="true"><path class="k-line" d="M5 1V10M1 12H5" /></svg>{x.legend_clean}</li> }
        </ul>
    }
}

#[derive(Properties, PartialEq)]
struct CardProps {
    topic: Shared<TopicView>,
    chosen: Option<i32>,
}

#[component]
fn TopicCard(props: &CardProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let (t, topic) = (ctx.t, &props.topic);
    let (scale, places) = (axis(&topic.partitions), room(&topic.partitions));
    html! {
        <article class="mach topic" data-topic={topic.name.clone()}>
            <header>
                <h3>{&topic.name}</h3>
                <span class="meta">{fill(t.partitions_rf, &[&topic.partitions.len().to_string(), &topic.replication_factor.to_string()])}</span>
                if topic.internal { <span class="state still">{t.internal_badge}</span> }
                {link(t, ctx.lang.configs(), &ConfigResource::Topic(topic.name.clone()))}
                <span class="sub configs">{ for topic.configs.iter().map(|(key, value)| html! { <code>{format!("{key}={value} ")}</code> }) }</span>
                <span class="meta scale">{fill(t.axis, &[&count(scale)])}</span>
            </header>
            { for topic.partitions.iter().map(|partition| {
                row(&ctx, topic, partition, scale, places, props.chosen == Some(partition.partition))
            }) }
        </article>
    }
}

fn as_table<'a>(ctx: &Ctx, topics: impl Iterator<Item = &'a Shared<TopicView>>) -> Html {
    let t = ctx.t;
    html! {
        <div class="scroll"><table class="tb facts-table">
            <thead><tr>
                <th scope="col">{t.topic}</th><th scope="col">{t.partition}</th><th scope="col">{t.leader}</th>
                <th scope="col" class="num">{t.epoch}</th><th scope="col">{t.replicas_short}</th><th scope="col">{"ISR"}</th><th scope="col">{"ELR"}</th>
                <th scope="col">{t.state}</th>
                <th scope="col" class="num">{t.log_start}</th><th scope="col" class="num">{"HW"}</th>
                <th scope="col" class="num">{"LEO"}</th><th scope="col" class="num">{t.durable_to}</th>
                <th scope="col" class="num">{t.segments}</th><th scope="col" class="num">{t.size}</th>
            </tr></thead>
            <tbody>
            { for topics.flat_map(|topic| topic.partitions.iter().map(move |partition| {
                let name = PartitionName { topic: topic.name.clone(), partition: partition.partition };
                let onclick = {
                    let ctx = ctx.clone();
                    Callback::from(move |_: MouseEvent| {
                        ctx.act(Action::Choose(name.clone()));
                        ctx.act(Action::Show(crate::model::Tab::Inspector));
                    })
                };
                html! { <tr>
                    <th scope="row">{&topic.name}</th>
                    <td><button class="link" {onclick}>{swatch(partition.partition)}{partition.partition}</button></td>
                    <td>{if partition.leader < 0 { t.no_leader.to_owned() } else { partition.leader.to_string() }}</td>
                    <td class="num">{partition.leader_epoch}</td><td>{list(&partition.replicas)}</td>
                    <td>{list(&partition.isr)}</td><td>{list(&partition.elr)}</td><td>{badge(ctx, partition)}</td>
                    <td class="num">{count(partition.log_start)}</td><td class="num">{count(partition.high_watermark)}</td>
                    <td class="num"><b>{count(partition.log_end)}</b></td><td class="num">{count(partition.durable_offset)}</td>
                    <td class="num">{partition.segments.len()}</td><td class="num">{size(partition.size)}</td>
                </tr> }
            })) }
            </tbody>
        </table></div>
    }
}
