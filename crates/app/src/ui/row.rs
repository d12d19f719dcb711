//! A partition as a row of the topics: its leader's strip, and each follower's under it on the same axis.

use blumfeld_view::{PartitionView, ReplicaView, TopicView};
use yew::prelude::*;

use super::asked::{asked, fact};
use super::identity;
use super::strip::{draw, draw_copy};
use crate::ctx::Ctx;
use crate::format::{count, size};
use crate::health::{Health, health, led, list};
use crate::model::{Action, PartitionName, Tab};
use crate::strip::{Copy, behind, copy as place};
use crate::text::fill;

/// The row. `axis` and `room` are those of its topic.
pub fn row(
    ctx: &Ctx,
    topic: &TopicView,
    partition: &PartitionView,
    axis: i64,
    room: (usize, bool),
    chosen: bool,
) -> Html {
    let name = PartitionName { topic: topic.name.clone(), partition: partition.partition };
    let led = led(partition);
    // While no leader runs, the strip is that of the replica with most; it and the rest then stand below as what they are.
    let below = partition.copies.iter().filter(|copy| !led || copy.broker != partition.leader);
    let followed = partition.copies.len() > 1 || health(partition) != Health::Whole;
    let onclick = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| {
            ctx.act(Action::Choose(name.clone()));
            ctx.act(Action::Show(Tab::Inspector));
        })
    };
    html! {
        <button class={classes!("row", chosen.then_some("sel"), (!led).then_some("offline"))}
            data-p={identity(partition.partition)} data-partition={partition.partition.to_string()}
            aria-pressed={chosen.to_string()} {onclick}>
            // Its name: what is drawn, in words.
            <span class="vh">{label(ctx, topic, partition)}</span>
            <span class="copy lead" aria-hidden="true">
                {who(partition)}
                {draw(partition, axis, room, chosen)}
                {numbers(partition)}
                <span class="nums wide"><span class="k">{ctx.t.size}</span><b>{size(partition.size)}</b>
                    <span class="k">{ctx.t.log_start}</span><span>{count(partition.log_start)}</span></span>
            </span>
            if followed {
                { for below.map(|copy| follower(ctx, partition, copy, axis, room)) }
                <span class="facts" aria-hidden="true">{facts(ctx, partition)}{badge(ctx, partition)}</span>
            }
        </button>
    }
}

fn who(partition: &PartitionView) -> Html {
    html! {
        <span class="who"><i class="role lead"></i><b>{format!("p{}", partition.partition)}</b>
            <span class="ep">{format!("e{}", partition.leader_epoch)}</span>
            <span class="isr">{ for partition.replicas.iter().map(|id| html! {
                <i class={(!partition.isr.contains(id)).then_some("out")}>{id}</i>
            }) }</span>
        </span>
    }
}

fn numbers(partition: &PartitionView) -> Html {
    // Without any replica there is nobody who knows.
    let known = partition.copies.is_empty() || partition.copies.iter().any(|copy| copy.online);
    let number = |offset: i64| if known { count(offset) } else { "–".to_owned() };
    html! {
        <span class="nums"><span class="k">{"LEO"}</span><b>{number(partition.log_end)}</b>
            <span class="k">{"HW"}</span><span>{number(partition.high_watermark)}</span>
            if known && partition.last_stable < partition.high_watermark {
                <span class="k">{"LSO"}</span><span>{number(partition.last_stable)}</span>
            }</span>
    }
}

fn follower(
    ctx: &Ctx,
    partition: &PartitionView,
    copy: &ReplicaView,
    axis: i64,
    room: (usize, bool),
) -> Html {
    let t = ctx.t;
    let late = behind(partition, copy);
    let number = |offset: i64| if copy.online { count(offset) } else { "–".to_owned() };
    let leads = copy.broker == partition.leader;
    // Where it is outside the axis the strip itself says by how much.
    let told = late != 0 && matches!(place(partition, copy, axis), Copy::Within { .. });
    html! {
        <span class={classes!("copy", "foll", (!copy.online).then_some("absent"))} aria-hidden="true" data-copy={copy.broker.to_string()}>
            <span class="who"><i class={classes!("role", leads.then_some("lead"))}></i>
                <span class="of">{fill(t.broker, &[&copy.broker.to_string()])}</span>
                <span class="of short">{fill(t.broker_short, &[&copy.broker.to_string()])}</span></span>
            {draw_copy(t, partition, copy, axis, room)}
            <span class="nums"><span class="k">{"LEO"}</span><span>{number(copy.log_end)}</span>
                <span class="k">{"HW"}</span><span>{number(copy.high_watermark)}</span></span>
            if told {
                <span class={classes!("late", (late < 0 || partition.isr.contains(&copy.broker)).then_some("ahead"))}>
                    {if late > 0 { t.behind } else { t.ahead }}{" "}<b>{count(late.saturating_abs())}</b></span>
            }
        </span>
    }
}

/// Leader, epoch, ISR and, where there are any, eligible leader replicas.
pub fn facts(ctx: &Ctx, partition: &PartitionView) -> Html {
    said(ctx, partition, |_, shown| html! { <b>{shown}</b> })
}

/// The same; each can be asked where it came from.
pub fn facts_asked(ctx: &Ctx, topic: &str, partition: &PartitionView) -> Html {
    said(ctx, partition, |name, shown| asked(ctx, &fact(name, &[topic], &[partition.partition]), shown))
}

fn said(ctx: &Ctx, partition: &PartitionView, one: impl Fn(&'static str, String) -> Html) -> Html {
    let t = ctx.t;
    let leader = if partition.leader < 0 { t.no_leader.to_owned() } else { partition.leader.to_string() };
    html! { <>
        {t.leader}{" "}{one("leader", leader)}{" · "}{t.epoch}{" "}{one("epoch", partition.leader_epoch.to_string())}
        {" · ISR "}{one("isr", list(&partition.isr))}
        if !partition.elr.is_empty() { {" · ELR "}<b>{list(&partition.elr)}</b> }
        if partition.leader >= 0 && !led(partition) { {" · "}<b class="late">{t.leader_away}</b> }
        {" "}
    </> }
}

/// What is wrong with a partition: filled for broken, outlined for degraded.
pub fn badge(ctx: &Ctx, partition: &PartitionView) -> Html {
    match health(partition) {
        Health::Whole => Html::default(),
        Health::UnderReplicated => html! { <span class="state degraded">{ctx.t.under_replicated}</span> },
        Health::Offline => html! { <span class="state broken">{ctx.t.offline}</span> },
    }
}

/// The row in words, for who does not see it.
fn label(ctx: &Ctx, topic: &TopicView, partition: &PartitionView) -> String {
    let t = ctx.t;
    let leader = if partition.leader < 0 { t.no_leader.to_owned() } else { partition.leader.to_string() };
    let mut label = fill(
        t.row_label,
        &[
            &format!("{}-{}", topic.name, partition.partition),
            &leader,
            &list(&partition.isr),
            &count(partition.log_start),
            &count(partition.high_watermark),
            &count(partition.log_end),
            &count(partition.durable_offset),
        ],
    );
    match health(partition) {
        Health::Whole => {}
        Health::UnderReplicated => label = format!("{label}; {}", t.under_replicated),
        Health::Offline => label = format!("{label}; {}", t.offline),
    }
    let x = ctx.lang.transactions();
    if !partition.open_transactions.is_empty() {
        let open = partition.open_transactions.len().to_string();
        label = format!("{label}; {}", fill(x.label_open, &[&count(partition.last_stable), &open]));
    }
    if !partition.aborted_transactions.is_empty() {
        let aborted = partition.aborted_transactions.len().to_string();
        label = format!("{label}; {}", fill(x.label_aborted, &[&aborted]));
    }
    for copy in partition.copies.iter().filter(|copy| copy.broker != partition.leader || !copy.online) {
        let id = copy.broker.to_string();
        let said = if copy.online {
            let late = count(behind(partition, copy).max(0));
            fill(t.copy_label, &[&id, &count(copy.high_watermark), &count(copy.log_end), &late])
        } else {
            fill(t.copy_away_label, &[&id])
        };
        label = format!("{label}; {said}");
    }
    label
}
