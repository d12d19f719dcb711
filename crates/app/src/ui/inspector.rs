//! The chosen partition: its offsets, replicas and segments, with their files for download.

use blumfeld_view::{
    BrokerView, Command, CompactionView, FollowWhat, PartitionView, SegmentFile, SegmentView, TopicView,
};
use yew::prelude::*;

use super::asked::{asked, fact};
use super::compaction::{Compaction, is_compacted};
use super::partition_deeds::PartitionDeeds;
use super::row::{badge, facts_asked};
use super::swatch;
use crate::ctx::{Ctx, use_ctx};
use crate::format::{count, size, timestamp};
use crate::model::{PartitionName, Shared};
use crate::strip::behind;
use crate::text::fill;

/// Segments that are listed before one asks for the older ones.
const SEGMENTS_SHOWN: usize = 6;

/// What the inspector shows.
#[derive(Properties, PartialEq)]
pub struct InspectorProps {
    /// The topic of the chosen partition.
    pub topic: Option<Shared<TopicView>>,
    /// The number of the chosen partition.
    pub partition: Option<i32>,
    /// The brokers by id.
    pub brokers: Shared<Vec<BrokerView>>,
    /// What compaction makes of a partition's log, as it was asked for last.
    pub compaction: Option<Shared<CompactionView>>,
}

/// The inspector.
#[component]
pub fn Inspector(props: &InspectorProps) -> Html {
    let all = use_state(|| false);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let found = props.topic.as_ref().zip(props.partition).and_then(|(topic, number)| {
        topic
            .partitions
            .iter()
            .find(|partition| partition.partition == number)
            .map(|partition| (topic, partition))
    });
    let Some((topic, partition)) = found else {
        return html! {
            <aside class="insp" aria-label={t.inspector}><p class="none">{t.nothing_chosen}</p></aside>
        };
    };
    let name = PartitionName { topic: topic.name.clone(), partition: partition.partition };
    let at_risk = partition.log_end.saturating_sub(partition.durable_offset.max(partition.log_start));
    let open = {
        let (ctx, name) = (ctx.clone(), name.clone());
        Callback::from(move |_: MouseEvent| ctx.open(name.clone()))
    };
    let follow = {
        let (ctx, name) = (ctx.clone(), name.clone());
        Callback::from(move |_: MouseEvent| {
            ctx.follow(Some(FollowWhat::Partition { topic: name.topic.clone(), partition: name.partition }));
        })
    };
    let why = |what: &str, offset: i64| {
        asked(&ctx, &fact(what, &[&topic.name], &[partition.partition]), count(offset))
    };
    html! {
        <aside class="insp" aria-label={t.inspector}>
            <div class="part">
                <div class="ih"><h2>{swatch(partition.partition)}{format!("{}-{}", topic.name, partition.partition)}</h2>{badge(&ctx, partition)}</div>
                <p class="facts">{facts_asked(&ctx, &topic.name, partition)}</p>
                {replicas(&ctx, partition)}
                <dl class="kv">
                    <div><dt>{t.lso}</dt><dd>{why("log_start", partition.log_start)}</dd></div>
                    <div><dt>{t.hw}</dt><dd>{why("high_watermark", partition.high_watermark)}</dd></div>
                    if partition.last_stable < partition.high_watermark {
                        <div><dt>{ctx.lang.transactions().last_stable}</dt><dd data-last-stable="">{count(partition.last_stable)}</dd></div>
                    }
                    <div><dt>{t.leo}</dt><dd><b>{why("log_end", partition.log_end)}</b></dd></div>
                    <div><dt>{t.durable_offset}</dt><dd>{count(partition.durable_offset)}</dd></div>
                    <div><dt>{t.size}</dt><dd>{size(partition.size)}</dd></div>
                </dl>
                <p class="why">{ if at_risk > 0 { fill(t.power_cut_would, &[&count(at_risk)]) } else { t.power_cut_none.to_owned() } }</p>
                <div class="pair">
                    <button class="ctl wide" id="open-messages" onclick={open}>{t.open_messages}</button>
                    <button class="ctl wide" id="follow-partition" onclick={follow}>{t.follow_this}</button>
                </div>
            </div>
            <PartitionDeeds topic={Shared::clone(topic)} partition={partition.partition} brokers={props.brokers.iter().map(|one| one.id).collect::<Vec<_>>()} />
            {transactions(&ctx, partition)}
            if is_compacted(topic) {
                <Compaction topic={Shared::clone(topic)} partition={partition.partition} brokers={Shared::clone(&props.brokers)} view={props.compaction.clone()} />
            }
            <div class="part">
                {segments(&ctx, &name, partition, &all)}
            </div>
            <div class="part">
                <h3 class="cap2">{t.topic_configs}</h3>
                <dl class="kv">
                    <div><dt>{t.topic_id}</dt><dd class="mono">{&topic.id}</dd></div>
                    { for topic.configs.iter().map(|(key, value)| html! { <div><dt>{key}</dt><dd>{value}</dd></div> }) }
                </dl>
            </div>
        </aside>
    }
}

/// Aborted transactions listed, the last ones.
const ABORTED_SHOWN: usize = 6;

/// The transactions that are open in a partition, and the last ones that were aborted.
fn transactions(ctx: &Ctx, partition: &PartitionView) -> Html {
    let x = ctx.lang.transactions();
    let (open, aborted) = (&partition.open_transactions, &partition.aborted_transactions);
    if open.is_empty() && aborted.is_empty() {
        return Html::default();
    }
    let before = aborted.len().saturating_sub(ABORTED_SHOWN);
    html! {
        <div class="part txns-of">
            if !open.is_empty() {
                <h3 class="cap2">{x.open_title}{" "}<em>{open.len()}</em></h3>
                <table class="tb"><thead><tr><th scope="col">{x.producer}</th><th scope="col" class="num">{x.from_offset}</th></tr></thead>
                    <tbody>{ for open.iter().map(|one| html! { <tr>
                        <th scope="row">{format!("{} · {}", one.producer_id, one.producer_epoch)}</th><td class="num">{count(one.first_offset)}</td>
                    </tr> }) }</tbody></table>
            }
            if !aborted.is_empty() {
                <h3 class="cap2">{x.aborted_title}</h3>
                <table class="tb"><thead><tr><th scope="col">{x.producer}</th><th scope="col" class="num">{x.from_offset}</th><th scope="col" class="num">{x.to_offset}</th></tr></thead>
                    <tbody>{ for aborted.iter().rev().take(ABORTED_SHOWN).map(|one| html! { <tr>
                        <th scope="row">{one.producer_id}</th><td class="num">{count(one.first_offset)}</td><td class="num">{count(one.last_offset)}</td>
                    </tr> }) }</tbody></table>
                if before > 0 { <p class="meta">{fill(x.more, &[&count(before as u64)])}</p> }
            }
        </div>
    }
}

/// Each replica as its own broker knows it.
fn replicas(ctx: &Ctx, partition: &PartitionView) -> Html {
    let t = ctx.t;
    html! {
        <div class="scroll"><table class="tb copies">
            <caption class="cap2">{t.replicas}</caption>
            <thead><tr>
                <th scope="col">{t.broker_word}</th><th scope="col">{t.role}</th><th scope="col" class="num">{"LEO"}</th>
                <th scope="col" class="num">{"HW"}</th><th scope="col" class="num">{t.behind}</th><th scope="col">{"ISR"}</th>
            </tr></thead>
            <tbody>{ for partition.copies.iter().map(|copy| {
                let leads = copy.broker == partition.leader;
                let late = behind(partition, copy);
                let number = |value: i64| if copy.online { count(value) } else { "–".to_owned() };
                html! { <tr data-replica={copy.broker.to_string()}>
                    <th scope="row">{copy.broker}</th>
                    <td><i class={classes!("role", leads.then_some("lead"))} aria-hidden="true"></i>{if leads { t.leader } else { t.follower }}</td>
                    <td class="num">{number(copy.log_end)}</td><td class="num">{number(copy.high_watermark)}</td>
                    <td class={classes!("num", (copy.online && late > 0 && !partition.isr.contains(&copy.broker)).then_some("late"))}>{number(late)}</td>
                    <td>{if partition.isr.contains(&copy.broker) { t.in_isr } else { t.out_of_isr }}</td>
                </tr> }
            }) }</tbody>
        </table></div>
    }
}

fn segments(ctx: &Ctx, name: &PartitionName, partition: &PartitionView, all: &UseStateHandle<bool>) -> Html {
    let t = ctx.t;
    let hidden = if **all { 0 } else { partition.segments.len().saturating_sub(SEGMENTS_SHOWN) };
    let active = partition.segments.len().saturating_sub(1);
    let flip = {
        let all = all.clone();
        Callback::from(move |_: MouseEvent| all.set(!*all))
    };
    html! { <>
        <div class="ih"><h3 class="cap2">{t.segments}{" "}<em>{partition.segments.len()}</em></h3>
            if hidden > 0 {
                <button class="link small" onclick={flip}>{fill(t.older_segments, &[&hidden.to_string()])}</button>
            } else if **all {
                <button class="link small" onclick={flip}>{t.fewer}</button>
            }
        </div>
        <ul class="segs">
            { for partition.segments.iter().enumerate().skip(hidden).rev().map(|(at, segment)| segment_row(ctx, name, segment, at == active)) }
        </ul>
    </> }
}

fn segment_row(ctx: &Ctx, name: &PartitionName, segment: &SegmentView, active: bool) -> Html {
    let t = ctx.t;
    let file_name = format!("{:020}", segment.base_offset);
    let files =
        [(SegmentFile::Log, ".log"), (SegmentFile::Index, ".index"), (SegmentFile::Timeindex, ".timeindex")];
    html! {
        <li data-segment={segment.base_offset.to_string()}>
            <div class="sh"><code>{&file_name}</code>
                <span class="meta">{if active { t.active } else { t.sealed }}</span></div>
            <dl class="kv two">
                <div><dt>{t.records}</dt><dd>{count(segment.next_offset.saturating_sub(segment.base_offset))}</dd></div>
                <div><dt>{t.size}</dt><dd>{size(segment.size)}</dd></div>
                <div><dt>{t.on_disk}</dt><dd>{size(segment.durable)}</dd></div>
                <div><dt>{t.in_cache}</dt><dd>{size(segment.cached)}</dd></div>
                <div class="one"><dt>{t.index_entries}</dt><dd>{format!("{} / {}", count(segment.index_entries), count(segment.time_index_entries))}</dd></div>
                <div class="one"><dt>{t.max_timestamp}</dt><dd>{timestamp(segment.max_timestamp).unwrap_or_else(|| "–".into())}</dd></div>
            </dl>
            <div class="dl">{ for files.map(|(file, suffix)| {
                let (ctx2, name, base_offset) = (ctx.clone(), name.clone(), segment.base_offset);
                let label = fill(t.download, &[&format!("{file_name}{suffix}")]);
                let onclick = Callback::from(move |_: MouseEvent| ctx2.ask(&Command::Download {
                    topic: name.topic.clone(), partition: name.partition, base_offset, file,
                }));
                html! { <button class="ctl small" aria-label={label.clone()} title={label} {onclick}>{suffix}</button> }
            }) }</div>
        </li>
    }
}
