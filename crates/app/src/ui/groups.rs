//! Consumer groups: who owns what, and how far each has come.

use std::collections::BTreeMap;

use blumfeld_view::{ClientRole, ClientView, GroupMemberView, GroupOffsetView, GroupView, RebalanceView};
use yew::prelude::*;

use super::asked::{asked, fact};
use super::rebalances::Rebalances;
use super::reset_form::ResetForm;
use super::{partition_name, swatch};
use crate::ctx::{Ctx, use_ctx};
use crate::format::count;
use crate::lag::{Chart, Lags, WINDOW_MS, lag, of_group};
use crate::model::{Deed, Shared};
use crate::text::fill;

/// What the screen shows.
#[derive(Properties, PartialEq)]
pub struct GroupsProps {
    /// The groups by id.
    pub groups: Shared<Vec<GroupView>>,
    /// Producers and consumers.
    pub clients: Shared<Vec<Shared<ClientView>>>,
    /// Virtual now, in milliseconds.
    pub now: u64,
    /// How far groups were behind.
    pub lags: Shared<Lags>,
    /// The last rebalances of groups by group id, oldest first.
    pub rebalances: Shared<BTreeMap<String, Vec<RebalanceView>>>,
    /// What a form did last.
    pub deed: Option<Shared<Deed>>,
    /// What the brokers' clocks show, in milliseconds since 1970-01-01 UTC.
    pub unix_ms: f64,
}

/// The screen.
#[component]
pub fn Groups(props: &GroupsProps) -> Html {
    let resets = use_state(|| None::<String>);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let groups = &props.groups;
    html! {
        <section class="screen groups" aria-labelledby="h-groups">
            <header class="bar"><h2 id="h-groups">{t.group_title}</h2><span class="times">{groups.len()}</span></header>
            if groups.is_empty() && !ctx.nobody {
                <div class="mach about empty"><h3>{t.no_groups}</h3><p>{t.no_groups_why}</p>
                    <code>{"kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic orders --group billing"}</code></div>
            }
            { for groups.iter().map(|group| {
                let chart = Chart::draw(props.lags.of(&group.id), props.now);
                card(&ctx, props, group, chart.as_ref(), &resets)
            }) }
        </section>
    }
}

/// Where the partition's owner reads on, if it is a client of this page and knows.
fn position(clients: &[Shared<ClientView>], offset: &GroupOffsetView) -> Option<i64> {
    let mut consumers = clients.iter().filter_map(|client| match &client.role {
        ClientRole::Consumer(consumer) => Some(consumer),
        ClientRole::Producer(_) => None,
    });
    let owner = consumers.find(|consumer| !offset.owner.is_empty() && consumer.member == offset.owner)?;
    let read = (owner.partitions.iter())
        .find(|read| read.topic == offset.topic && read.partition == offset.partition)?;
    Some(read.position).filter(|position| *position >= 0)
}

fn card(
    ctx: &Ctx,
    props: &GroupsProps,
    group: &GroupView,
    chart: Option<&Chart>,
    resets: &UseStateHandle<Option<String>>,
) -> Html {
    let (t, r, clients) = (ctx.t, ctx.lang.rebalances(), &props.clients);
    let resetting = resets.as_deref() == Some(group.id.as_str());
    let toggle = {
        let (resets, id) = (resets.clone(), group.id.clone());
        Callback::from(move |_: MouseEvent| resets.set((!resetting).then(|| id.clone())))
    };
    let close = {
        let resets = resets.clone();
        Callback::from(move |()| resets.set(None))
    };
    let rebalances = props.rebalances.get(&group.id).cloned().unwrap_or_default();
    let total = of_group(group).map_or_else(|| "–".to_owned(), count);
    // What is under way is filled ink; a state of rest is a word.
    let busy = group.state.ends_with("Rebalance");
    let badge = classes!(if busy { "busy" } else { "meta" });
    html! {
        <article class="mach group" data-group={group.id.clone()}>
            <header>
                <h3>{&group.id}</h3>
                <span class={badge} data-state={group.state.clone()}>{asked(ctx, &fact("state", &[&group.id], &[]), group.state.clone())}</span>
                <span class="meta">{fill(t.generation, &[&group.generation.to_string()])}</span>
                if !group.protocol.is_empty() { <span class="meta">{&group.protocol}</span> }
                <span class="meta">{fill(t.coordinator, &[&group.coordinator.to_string()])}</span>
                <span class="meta">{fill(t.total_lag, &[&total])}</span>
                <button class="ctl end" data-act="reset" aria-label={fill(r.reset_of, &[&group.id])} aria-expanded={resetting.to_string()} onclick={toggle}>{r.reset}</button>
            </header>
            if resetting { <ResetForm group={group.clone()} deed={props.deed.clone()} unix_ms={props.unix_ms} {close} /> }
            <div class="halves"><div class="half">
            if group.members.is_empty() { <p class="meta">{t.no_members}</p> } else {
                <ul class="members" aria-label={t.members}>{ for group.members.iter().map(|one| member(ctx, one)) }</ul>
            }
            if !group.offsets.is_empty() {
                <div class="scroll"><table class="lags">
                    <thead><tr><th>{t.partition}</th><th class="n">{t.position}</th><th class="n">{t.committed}</th><th class="n">{"HW"}</th><th class="n">{t.lag}</th><th>{t.owner}</th></tr></thead>
                    <tbody>{ for group.offsets.iter().map(|offset| row(ctx, group, offset, position(clients, offset))) }</tbody>
                </table></div>
            }
            </div><div class="half">
            if let Some(chart) = chart { { draw(ctx, chart, &total) } }
            <Rebalances {rebalances} />
            </div></div>
        </article>
    }
}

/// The lag of the last minute of virtual time.
fn draw(ctx: &Ctx, chart: &Chart, total: &str) -> Html {
    let t = ctx.t;
    let (width, height) = Chart::SIZE;
    let seconds = (WINDOW_MS / 1_000).to_string();
    let label = fill(t.lag_chart, &[&seconds, total, &count(chart.most)]);
    html! {
        <div class="chart" role="img" aria-label={label}>
            <p class="cap" aria-hidden="true">{t.lag}</p>
            <div class="plot" aria-hidden="true">
                <span class="ymax">{count(chart.top)}</span>
                <svg viewBox={format!("0 0 {width} {height}")} preserveAspectRatio="none">
                    <path class="grid" d={format!("M0 0H{width}M0 {}H{width}M0 {height}H{width}", height / 2)} />
                    <path class="line" d={chart.line.clone()} />
                </svg>
                <span class="xl">{fill(t.ago_seconds, &[&seconds])}</span>
                <span class="xr">{t.chart_now}</span>
            </div>
        </div>
    }
}

fn member(ctx: &Ctx, member: &GroupMemberView) -> Html {
    let t = ctx.t;
    html! {
        <li title={member.id.clone()}>
            <span class="client">{name(member)}</span>
            if member.leader { <span class="meta">{t.group_leader}</span> }
            if !member.instance.is_empty() { <span class="meta">{fill(t.static_member, &[&member.instance])}</span> }
            if member.joined { <span class="meta">{t.awaits}</span> }
            <span class="owns">
                if member.partitions.is_empty() { <span class="meta">{t.no_partition}</span> }
                { for member.partitions.iter().map(|(topic, partition)| html! {
                    <span class="chip">{swatch(*partition)}{format!("{topic}-{partition}")}</span>
                }) }
            </span>
        </li>
    }
}

/// The client's id with the first digits of the member's, which tells two of one client apart.
fn name(member: &GroupMemberView) -> String {
    let rest = member.id.strip_prefix(&member.client_id).and_then(|rest| rest.strip_prefix('-'));
    let tail: String = rest.unwrap_or(&member.id).chars().take(6).collect();
    format!("{} · {tail}", member.client_id)
}

fn row(ctx: &Ctx, group: &GroupView, offset: &GroupOffsetView, position: Option<i64>) -> Html {
    let known = |offset: i64| if offset < 0 { "-".to_owned() } else { count(offset) };
    let owner = group.members.iter().find(|member| member.id == offset.owner).map(name);
    html! {
        <tr>
            <td>{partition_name(&offset.topic, offset.partition)}</td>
            <td class="n">{position.map_or_else(|| "-".to_owned(), count)}</td>
            <td class="n">{asked(ctx, &fact("committed", &[&group.id, &offset.topic], &[offset.partition]), known(offset.committed))}</td>
            <td class="n">{known(offset.high_watermark)}</td>
            <td class="n">{lag(offset.committed, offset.high_watermark).map_or_else(|| "-".to_owned(), count)}</td>
            <td>{owner.unwrap_or_else(|| "-".to_owned())}</td>
        </tr>
    }
}
