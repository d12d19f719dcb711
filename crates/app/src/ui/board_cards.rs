//! The cards of the stage: a producer with what waits in its accumulator, a broker with its replicas, a group with its phases.

use std::collections::BTreeMap;

use blumfeld_view::{
    BrokerView, ClientView, FollowWhat, GroupMemberView, GroupView, PartitionView, ProducerView, TopicView,
    WaitingView,
};
use yew::prelude::*;

use super::board::{Consumers, ROWS, badge, press};
use super::clients::{DOTS, ring, ripeness};
use super::menu::Menu;
use super::pins::{Pins, first};
use super::strip::{draw, draw_copy, pattern};
use super::{icon, identity, swatch};
use crate::ctx::Ctx;
use crate::format::{count, size};
use crate::health::broker_state;
use crate::lag::lag;
use crate::likeness::{Producer, sum};
use crate::model::{Action, PartitionName, Tab};
use crate::text::fill;
use crate::workload::quoted;

/// Members of a group that have rows; the rest is one.
pub const MEMBERS: usize = 6;
/// Partitions of a producer's accumulator that have rows.
const WAITING: usize = 4;
/// The states of a classic group in the order of a rebalance, and how the ribbon calls them.
const PHASES: [(&str, &str); 4] = [
    ("Empty", "Empty"),
    ("PreparingRebalance", "Preparing"),
    ("CompletingRebalance", "Completing"),
    ("Stable", "Stable"),
];

fn name_of<'a>(client: &'a ClientView, client_id: &'a str) -> &'a str {
    if client.name.is_empty() { client_id } else { &client.name }
}

/// How a card calls a partition: by its number where it is of the topic that the brokers show, and else in full.
fn short_name(shown: Option<&str>, topic: &str, number: i32) -> Html {
    if shown == Some(topic) {
        return html! { {format!("p{number}")} };
    }
    html! { <span class="of-topic"><span class="tn">{topic.to_owned()}</span>{format!("-{number}")}</span> }
}

fn stop(ctx: &Ctx, client: &ClientView) -> Html {
    if client.name.is_empty() {
        return Html::default();
    }
    let line = format!("workload stop {}", quoted(&client.name));
    let label = fill(ctx.t.stop_label, &[&client.name]);
    html! { <button class="quiet end" data-act="stop" aria-label={label} title={line.clone()} onclick={press(ctx, &line)}>{icon("x")}</button> }
}

/// Producers that share a card: how many they are, what they are together, and the inside of one of them. `inside` says
/// which, by the first one of each card.
pub fn producer(
    ctx: &Ctx,
    card: &[Producer<'_>],
    inside: &UseStateHandle<BTreeMap<i32, usize>>,
    (now, topic): (u64, Option<&str>),
) -> Html {
    let Some((all, key)) = sum(card).zip(card.first().map(|first| first.0.id)) else {
        return Html::default();
    };
    let at = inside.get(&key).copied().unwrap_or(0) % card.len();
    let Some((client, role)) = card.get(at).copied() else { return Html::default() };
    let many = card.len() > 1;
    let t = ctx.t;
    let shares: Vec<String> = card.iter().skip(1).map(|one| one.0.id.to_string()).collect();
    let turn = |step: usize| {
        let (inside, to) = (inside.clone(), (at + step) % card.len());
        Callback::from(move |_: MouseEvent| {
            let mut turned = (*inside).clone();
            turned.insert(key, to);
            inside.set(turned);
        })
    };
    let rate: f64 = card.iter().map(|one| one.0.rate).sum();
    let name = name_of(client, &role.client_id);
    let share = role.buffer_used as f64 / role.buffer_memory.max(1) as f64 * 100.0;
    let most = role.max_in_flight;
    let mut facts = vec![format!("acks={}", role.acks)];
    if role.idempotent {
        facts.push(t.idempotent.to_owned());
    }
    if role.producer_id >= 0 {
        facts.push(format!("PID {}", role.producer_id));
    }
    html! {
        <article key={key} class={classes!("mach", "prod", many.then_some("folded"))} data-side="left" data-port={key.to_string()} data-shares={shares.join(" ")} data-name={name.to_owned()} data-client={name.to_owned()}>
            <header><h3 title={client.line.clone()}>{name}</h3>
                if many { <b class="times">{format!("×{}", card.len())}</b> }
                {stop(ctx, client)}</header>
            if many { <p class="sub turn"><button class="quiet" aria-label={t.folded_previous} onclick={turn(card.len() - 1)}>{icon("left")}</button>
                <span>{fill(t.folded_one, &[&(at + 1).to_string(), &card.len().to_string()])}</span>
                <button class="quiet" aria-label={t.folded_next} onclick={turn(1)}>{icon("right")}</button></p> }
            <p class="sub">{facts.join(" · ")}</p>
            <table class="acc"><thead><tr><td></td><th scope="col">{"batch.size"}</th><th scope="col" class="num">{t.size}</th><th scope="col">{"linger"}</th></tr></thead>
                <tbody>{ for role.waiting.iter().take(WAITING).map(|waiting| waits(ctx, role, waiting, (now, topic))) }</tbody></table>
            if role.waiting.len() > WAITING {
                <p class="meta">{fill(t.more_partitions, &[&(role.waiting.len() - WAITING).to_string()])}</p>
            }
            if !role.refused.is_empty() { <p class="held">{fill(if matches!(&*role.refused, "NETWORK_EXCEPTION" | "REQUEST_TIMED_OUT") { t.held_unanswered } else { t.held_by }, &[&role.refused])}</p> }
            if many { <p class="sub sum"><b>{t.folded_together}</b>{" "}{count(rate.round() as i64)}{" "}{t.rate}
                { for all.in_flight.iter().map(|to| html! { <span title={t.in_flight}>{format!(" · {} {}", fill(t.broker_short, &[&to.broker.to_string()]), to.requests)}</span> }) }</p> }
            <div class="gauge"><span>{"buffer.memory"}</span><span class="num">{size(role.buffer_used)}{" / "}{size(role.buffer_memory)}</span>
                <svg class="bar-svg" height="4" aria-hidden="true"><rect class="room" width="100%" height="4" />
                    <rect class="dirty" width={format!("{:.2}%", share.min(100.0))} height="4" /></svg></div>
            <div class="inflight"><span class="k">{t.in_flight}</span>
                <ul>{ for role.in_flight.iter().map(|to| {
                    let words = fill(t.in_flight_to, &[&to.broker.to_string(), &to.requests.to_string(), &most.to_string(), &to.batches.to_string()]);
                    html! { <li class="pips" title={words.clone()}><span class="vh">{words}</span>
                        <b aria-hidden="true">{fill(t.broker_short, &[&to.broker.to_string()])}</b>
                        if most <= DOTS { { for (0..most).map(|at| html! { <i class={(at < to.requests).then_some("on")}></i> }) } }
                        <em aria-hidden="true">{format!("{}/{most}", to.requests)}</em></li> }
                }) }</ul></div>
        </article>
    }
}

fn waits(ctx: &Ctx, role: &ProducerView, waiting: &WaitingView, (now, topic): (u64, Option<&str>)) -> Html {
    let t = ctx.t;
    let (filled, ripe, waited) = ripeness(role, waiting, now);
    let lingers = fill(t.linger_of, &[&format!("{waited:.1}"), &role.linger_ms.to_string()]);
    let (id, width) = (identity(waiting.partition), format!("{:.2}%", filled * 100.0));
    // At full speed a batch is never seen to fill: then the last one that left is told, outlined.
    let shows_last = waiting.bytes == 0 && waiting.last_sent > 0;
    let last_words = fill(t.last_batch, &[&size(waiting.last_sent)]);
    let last_share = waiting.last_sent as f64 / role.batch_size.max(1) as f64;
    let last_width = format!("{:.2}%", (last_share * 100.0).min(99.0));
    html! {
        <tr data-p={id.clone()} class={waiting.ready.then_some("ready")}>
            <th scope="row" title={format!("{}-{}", waiting.topic, waiting.partition)}>{swatch(waiting.partition)}{short_name(topic, &waiting.topic, waiting.partition)}</th>
            <td class="fill"><svg class="bar-svg" height="10" aria-hidden="true"><rect class="room" width="100%" height="10" />
                if waiting.open_bytes == 0 { <rect class="last-fill" width={last_width} x=".5" y=".5" height="9" /> }
                <rect class="part-fill" width={width.clone()} height="10" /><rect width={width} height="10" fill={pattern(&id)} /></svg>
                if waiting.ready { <i class="go" title={t.ready}>{"▸"}</i> }</td>
            if shows_last { <td class="num last" title={last_words.clone()}><span class="vh">{last_words}</span><span aria-hidden="true">{size(waiting.last_sent)}</span></td> } else { <td class="num">{size(waiting.bytes)}</td> }
            <td class="ring">{ring(ripe, lingers)}</td>
        </tr>
    }
}

/// A broker with its replicas of the topic that is shown, all on one axis.
pub fn broker(
    ctx: &Ctx,
    broker: &BrokerView,
    parts: Option<(&TopicView, i64, (usize, bool))>,
    (chosen, pins): (Option<&PartitionName>, &Pins),
    hint: Option<String>,
) -> Html {
    let t = ctx.t;
    let id = broker.id.to_string();
    let (words, class) = broker_state(t, &broker.state);
    let crash = if broker.up { format!("fault crash {id}") } else { format!("fault restart {id}") };
    let deed = if broker.up { t.crash } else { t.restart };
    let replicas: Vec<_> = (parts.into_iter())
        .flat_map(|(topic, axis, room)| {
            topic.partitions.iter().map(move |partition| (topic, partition, axis, room))
        })
        .filter(|(_, partition, ..)| partition.replicas.contains(&broker.id))
        .collect();
    let more = replicas.len().saturating_sub(ROWS);
    html! {
        <article key={broker.id} class={classes!("mach", "broker", broker.state.clone())} data-side="middle" data-port={id.clone()} data-name={fill(t.broker_short, &[&id])} data-broker={id.clone()}>
            <header><h3>{fill(t.broker, &[&id])}</h3>{quorum(ctx, broker)}
                if broker.state != "running" { <span class={class} data-state={broker.state.clone()}>{words}</span> }
                <span class="acts end">{badge(hint)}
                    <button class="quiet" data-fault={if broker.up { "crash" } else { "restart" }} aria-label={format!("{deed}: {}", fill(t.broker, &[&id]))}
                        title={crash.clone()} onclick={press(ctx, &crash)}>{icon(if broker.up { "power" } else { "play" })}</button>
                    {more_deeds(ctx, broker)}
                </span>
            </header>
            { for first(replicas.iter(), ROWS, |(topic, partition, ..)| pins.has("partition", &format!("{}-{}", topic.name, partition.partition))).into_iter().map(|(topic, partition, axis, room)| {
                let selected = chosen.is_some_and(|chosen| chosen.topic == topic.name && chosen.partition == partition.partition);
                replica(ctx, broker, topic, partition, (*axis, *room), selected)
            }) }
            if more > 0 { <a class="meta link" href="#topics">{fill(t.more_partitions, &[&more.to_string()])}</a> }
            if replicas.is_empty() && parts.is_some() { <p class="meta none">{t.no_replica}</p> }
        </article>
    }
}

/// What else can be done to a broker, each with its line of the console.
fn more_deeds(ctx: &Ctx, broker: &BrokerView) -> Html {
    let (t, x, id) = (ctx.t, ctx.lang.transactions(), broker.id);
    let paused = broker.state == "paused";
    let deeds = [
        (t.deed_pause, format!("fault pause {id}"), broker.up && !paused),
        (t.deed_resume, format!("fault resume {id}"), paused),
        (t.power_cut, format!("fault power-cut {id}"), broker.up),
        (t.deed_shutdown, format!("fault shutdown {id}"), broker.up),
        (t.deed_isolate, format!("fault isolate {id}"), broker.up),
        (t.deed_heal, format!("fault heal {id}"), broker.up),
        (t.deed_slow_disk, format!("fault disk slow {id} 20"), broker.up),
        (x.small_cache, format!("fault page-cache {id} 1048576"), broker.up),
        (x.drop_cache, format!("fault page-cache {id} drop"), broker.up),
    ];
    let label = fill(t.more_for, &[&fill(t.broker, &[&id.to_string()])]);
    html! {
        <Menu class="quiet" label={label} summary={icon("more")}>
            <ul class="menu-list">{ for deeds.into_iter().filter(|deed| deed.2).map(|(name, line, _)| html! {
                <li><button onclick={press(ctx, &line)}><span>{name}</span><code>{&line}</code></button></li>
            }) }</ul></Menu>
    }
}

/// Its part in the metadata quorum: a filled hexagon leads, a hollow one votes, none looks on.
fn quorum(ctx: &Ctx, broker: &BrokerView) -> Html {
    let t = ctx.t;
    let words = match broker.quorum.as_str() {
        "leader" => t.controller_leader,
        "voter" => t.quorum_voter,
        _ => return html! { <span class="meta">{t.quorum_observer}</span> },
    };
    let class = if broker.quorum == "leader" { "full" } else { "hollow" };
    html! {
        <span class="meta"><svg class={classes!("hex", class)} viewBox="0 0 12 12" aria-hidden="true"><path d="M6 .8l4.6 2.6v5.2L6 11.2 1.4 8.6V3.4z" /></svg>{words}
            if broker.quorum == "leader" { {" · "}{fill(t.quorum_epoch, &[&broker.controller_epoch.to_string()])} }</span>
    }
}

/// A replica as its own broker knows it: its leader's strip is thick, a follower's thin.
fn replica(
    ctx: &Ctx,
    broker: &BrokerView,
    topic: &TopicView,
    partition: &PartitionView,
    (axis, room): (i64, (usize, bool)),
    selected: bool,
) -> Html {
    let t = ctx.t;
    let number = partition.partition;
    let leads = partition.leader == broker.id;
    let copy = partition.copies.iter().find(|copy| copy.broker == broker.id);
    let online = copy.is_some_and(|copy| copy.online);
    let offset = |of: fn(&blumfeld_view::ReplicaView) -> i64| {
        copy.filter(|copy| copy.online).map_or_else(|| "–".to_owned(), |copy| count(of(copy)))
    };
    let (end, high) = (offset(|copy| copy.log_end), offset(|copy| copy.high_watermark));
    let onclick = {
        let (ctx, name) = (ctx.clone(), PartitionName { topic: topic.name.clone(), partition: number });
        Callback::from(move |_: MouseEvent| {
            ctx.act(Action::Choose(name.clone()));
            ctx.act(Action::Show(Tab::Inspector));
        })
    };
    let role = if leads { t.replica_leads } else { t.replica_follows };
    let label = fill(role, &[&format!("{}-{number}", topic.name), &broker.id.to_string(), &end, &high]);
    html! {
        <button key={number} class={classes!("rep", if leads { "lead" } else { "foll" }, selected.then_some("sel"), (!online).then_some("absent"))}
            data-p={identity(number)} data-partition={number.to_string()} aria-pressed={selected.to_string()} {onclick}>
            <span class="vh">{label}</span>
            <span class="who" aria-hidden="true"><i class={classes!("role", leads.then_some("lead"))}></i><b>{format!("p{number}")}</b><span class="ep">{format!("e{}", partition.leader_epoch)}</span>
                if leads { <span class="isr">{ for partition.replicas.iter().map(|id| html! {
                    <i class={(!partition.isr.contains(id)).then_some("out")}>{id}</i>
                }) }</span> }
            </span>
            { match copy {
                Some(copy) if !leads || !online => draw_copy(t, partition, copy, axis, room),
                _ => draw(partition, axis, room, selected),
            } }
            <span class="nums" aria-hidden="true"><span class="k">{"LEO"}</span><b>{end}</b><span class="k">{"HW"}</span><span>{high}</span></span>
        </button>
    }
}

/// A group as its coordinator knows it.
pub fn group(
    ctx: &Ctx,
    group: &GroupView,
    consumers: &Consumers<'_>,
    pins: &Pins,
    topic: Option<&str>,
) -> Html {
    let t = ctx.t;
    let pinned = |one: &&GroupMemberView| pins.has("member", member_name(one, consumers));
    let shown = first(group.members.iter(), MEMBERS, pinned);
    let hidden: Vec<&GroupMemberView> =
        group.members.iter().filter(|one| !shown.iter().any(|other| other.id == one.id)).collect();
    let now = PHASES.iter().position(|(state, _)| *state == group.state);
    let awaited: Vec<&str> = match group.state.as_str() {
        "PreparingRebalance" => {
            group.members.iter().filter(|one| !one.joined).map(|one| member_name(one, consumers)).collect()
        }
        _ => vec![],
    };
    html! {
        <article key={group.id.clone()} class="mach grp" data-group={group.id.clone()}>
            <header><h3>{&group.id}</h3><span class="meta end">{fill(t.coordinator_broker, &[&group.coordinator.to_string()])}</span></header>
            <ol class="phases" aria-label={t.phases}>{ for PHASES.iter().enumerate().map(|(at, (_, short))| {
                let class = if Some(at) == now { "now" } else if now.is_some_and(|now| at < now) { "done" } else { "" };
                html! { <li class={class} aria-current={(Some(at) == now).then_some("step")}>{*short}</li> }
            }) }</ol>
            <p class="phase" data-state={group.state.clone()}><b>{&group.state}</b>{" · "}{fill(t.generation, &[&group.generation.to_string()])}
                if !awaited.is_empty() { <br />{fill(t.waits_for, &[&awaited.join(", ")])} }</p>
            if group.members.is_empty() { <p class="meta">{t.no_members}</p> }
            <ul class="mems">{ for shown.into_iter().map(|one| member(ctx, group, one, (consumers, topic))) }
                {more_members(ctx, &hidden, consumers)}</ul>
            if !group.offsets.is_empty() {
                <table class="gt"><thead><tr><td></td><th scope="col" class="num">{t.position}</th><th scope="col" class="num">{t.committed}</th><th scope="col" class="num">{t.lag_word}</th></tr></thead>
                    <tbody>{ for group.offsets.iter().take(ROWS).map(|offset| {
                        let known = |offset: i64| if offset < 0 { "–".to_owned() } else { count(offset) };
                        let own = consumers.iter().filter(|(_, role)| role.group == group.id);
                        let position = own.flat_map(|(_, role)| &role.partitions)
                            .find(|read| read.topic == offset.topic && read.partition == offset.partition).map_or(-1, |read| read.position);
                        html! { <tr><th scope="row" title={format!("{}-{}", offset.topic, offset.partition)}>{swatch(offset.partition)}{short_name(topic, &offset.topic, offset.partition)}</th>
                            <td class="num">{known(position)}</td><td class="num">{known(offset.committed)}</td>
                            <td class="num lag">{lag(offset.committed, offset.high_watermark).map_or_else(|| "–".to_owned(), count)}</td></tr> }
                    }) }</tbody></table>
            }
        </article>
    }
}

/// The members that have no row of their own: what goes to them and from them goes to one.
fn more_members(ctx: &Ctx, hidden: &[&GroupMemberView], consumers: &Consumers<'_>) -> Html {
    if hidden.is_empty() {
        return Html::default();
    }
    let clients = consumers.iter().filter(|(_, role)| hidden.iter().any(|one| one.id == role.member));
    let mut ids = clients.map(|(client, _)| client.id.to_string());
    let (port, words) = (ids.next(), fill(ctx.t.more_members, &[&hidden.len().to_string()]));
    let shares = ids.collect::<Vec<_>>().join(" ");
    html! { <li class="meta more" data-side="right" data-port={port} data-shares={shares} data-name={words.clone()}>{words}</li> }
}

/// How a member is called: as the client that runs it, or by its own `client.id`.
pub fn member_name<'a>(member: &'a GroupMemberView, consumers: &Consumers<'a>) -> &'a str {
    let client = consumers.iter().find(|(_, role)| role.member == member.id);
    client.map_or(&member.client_id, |(client, role)| name_of(client, &role.client_id))
}

fn member(
    ctx: &Ctx,
    group: &GroupView,
    member: &GroupMemberView,
    (consumers, on): (&Consumers<'_>, Option<&str>),
) -> Html {
    let client = consumers.iter().find(|(_, role)| role.member == member.id).map(|(client, _)| *client);
    let (mark, words) = match group.state.as_str() {
        "PreparingRebalance" if !member.joined => ("no", ctx.t.member_awaited),
        _ => ("yes", ctx.t.member_joined),
    };
    let follow = {
        let what = FollowWhat::Member { group: group.id.clone(), member: member.id.clone() };
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.follow(Some(what.clone())))
    };
    html! {
        <li key={member.id.clone()} title={member.id.clone()} data-side="right" data-name={member_name(member, consumers).to_owned()} data-port={client.map(|client| client.id.to_string())}>
            <i class={classes!("jn", mark)}></i><span class="vh">{words}</span><button class="link-name" title={ctx.t.follow_this} onclick={follow}>{member_name(member, consumers).to_owned()}</button>
            <span class="owns">
                { for member.partitions.iter().take(ROWS).map(|(topic, number)| html! {
                    <span class="chip" title={format!("{topic}-{number}")}>{swatch(*number)}{short_name(on, topic, *number)}</span>
                }) }
                if member.partitions.len() > ROWS { <span class="meta">{format!("+{}", member.partitions.len() - ROWS)}</span> }
            </span>
            if let Some(client) = client { {stop(ctx, client)} }
        </li>
    }
}

/// Consumers that no coordinator has among the members of a group: they are in none, not yet, or theirs is away.
pub fn loose(ctx: &Ctx, groups: &[GroupView], consumers: &Consumers<'_>) -> Html {
    let loose = || {
        consumers.iter().filter(|(_, role)| {
            !groups.iter().any(|group| group.members.iter().any(|one| one.id == role.member))
        })
    };
    if loose().next().is_none() {
        return Html::default();
    }
    html! {
        <article class="mach grp"><header><h3>{ctx.t.loose_consumers}</h3></header>
            <ul class="mems">{ for loose().map(|(client, role)| html! {
                <li key={client.id} data-side="right" data-name={name_of(client, &role.client_id).to_owned()} data-port={client.id.to_string()}><i class="jn no"></i><b>{name_of(client, &role.client_id).to_owned()}</b>
                    <span class="meta">{[&*role.group, &*role.step].into_iter().filter(|said| !said.is_empty()).collect::<Vec<_>>().join(" · ")}</span>{stop(ctx, client)}</li>
            }) }</ul></article>
    }
}
