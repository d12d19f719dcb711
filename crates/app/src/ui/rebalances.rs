//! What the last rebalances of a group were: why each began, how long its phases took, and for how long nobody read.

use blumfeld_view::{RebalanceCauseView as Cause, RebalanceEnd, RebalanceView};
use yew::prelude::*;

use crate::ctx::use_ctx;
use crate::format::moment;
use crate::requests::lasted;
use crate::text::{RebalanceText, fill};

/// Rebalances that are shown before one asks for more.
const SHOWN: usize = 4;

/// What is shown.
#[derive(Properties, PartialEq)]
pub struct RebalancesProps {
    /// The rebalances, oldest first.
    pub rebalances: Vec<RebalanceView>,
}

/// The list, newest first.
#[component]
pub fn Rebalances(props: &RebalancesProps) -> Html {
    let all = use_state(|| false);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let r = ctx.lang.rebalances();
    let count = props.rebalances.len();
    let shown = if *all { count } else { SHOWN };
    let flip = {
        let all = all.clone();
        Callback::from(move |_: MouseEvent| all.set(!*all))
    };
    html! {
        <div class="rebalances">
            <h4>{r.title}</h4>
            if count == 0 { <p class="meta">{r.none}</p> }
            <ol>{ for props.rebalances.iter().rev().take(shown).map(|one| row(r, one)) }</ol>
            if count > SHOWN {
                <button class="link small" onclick={flip}>{if *all { r.fewer.to_owned() } else { fill(r.all, &[&count.to_string()]) }}</button>
            }
        </div>
    }
}

fn row(r: &'static RebalanceText, one: &RebalanceView) -> Html {
    let (from, to) = (one.from.to_string(), one.to.to_string());
    let generations =
        if one.from == one.to { fill(r.generation, &[&to]) } else { fill(r.generations, &[&from, &to]) };
    let end = match one.end {
        RebalanceEnd::UnderWay => Some(r.under_way),
        RebalanceEnd::Interrupted => Some(r.interrupted),
        RebalanceEnd::CoordinatorLost => Some(r.lost),
        RebalanceEnd::Empty => Some(r.nobody),
        RebalanceEnd::Stable => None,
    };
    let causes: Vec<String> = one.causes.iter().map(|cause| words(r, cause)).collect();
    let phase = |name: &'static str, took: Option<u64>| {
        took.map(|took| html! { <span>{name}{" "}<b>{lasted(took)}</b></span> }).unwrap_or_default()
    };
    html! {
        <li data-at={one.at.to_string()} data-cause={one.causes.first().map(kind)}>
            <span class="when">{moment(one.at)}</span>
            <span class="cause">{causes.join(", ")}</span>
            <span class="more">
                <span>{generations}</span>
                <span>{fill(r.members, &[&one.before.to_string(), &one.after.to_string()])}</span>
                if !one.protocol.is_empty() { <span>{&one.protocol}</span> }
                {phase("PreparingRebalance", one.preparing)}
                {phase("CompletingRebalance", one.completing)}
                if let Some(still) = one.still {
                    <span class="still" title={r.still_why}>{fill(r.still, &[&still.partitions.to_string(), &lasted(still.longest)])}</span>
                }
                if let Some(end) = end { <span class="end">{end}</span> }
            </span>
        </li>
    }
}

/// A member by its `client.id` and the first digits of the uuid behind it.
fn member_name(id: &str) -> String {
    const UUID: usize = 36;
    let cut = id.len().checked_sub(UUID + 1).filter(|cut| *cut > 0 && id.is_char_boundary(*cut));
    match cut.and_then(|cut| Some((id.get(..cut)?, id.get(cut..)?.strip_prefix('-')?))) {
        Some((client, uuid)) => format!("{client} · {}", uuid.chars().take(6).collect::<String>()),
        None => id.to_owned(),
    }
}

/// Why, in words.
fn words(r: &'static RebalanceText, cause: &Cause) -> String {
    let of = |sentence: &str, member: &str| fill(sentence, &[&member_name(member)]);
    let because = |sentence: String, said: &str| {
        if said.is_empty() { sentence } else { format!("{sentence} ({said})") }
    };
    match cause {
        Cause::Joined { member } => of(r.joined, member),
        Cause::TopicsChanged { member } => of(r.topics_changed, member),
        Cause::SubscriptionChanged { member } => of(r.subscription_changed, member),
        Cause::GaveUp { member } => of(r.gave_up, member),
        Cause::Rejoined { member, leads, said } => {
            because(of(if *leads { r.leader_rejoined } else { r.rejoined }, member), said)
        }
        Cause::StaticReturned { instance, .. } => fill(r.static_returned, &[instance]),
        Cause::Left { member, said } => because(of(r.left, member), said),
        Cause::TimedOut { member, after_ms } => {
            let seconds = (*after_ms as f64 / 1_000.0).to_string();
            fill(r.timed_out, &[&member_name(member), &seconds])
        }
        Cause::NotRejoined { member } => of(r.not_rejoined, member),
        Cause::NotSynced { member } => of(r.not_synced, member),
        Cause::NotStored { error } => fill(r.not_stored, &[error]),
        Cause::OverCapacity { most } => fill(r.over_capacity, &[&most.to_string()]),
        Cause::CoordinatorMoved { from, to } => fill(r.moved, &[&from.to_string(), &to.to_string()]),
        Cause::CoordinatorBack { broker } => fill(r.back, &[&broker.to_string()]),
    }
}

/// The cause's word in the document.
fn kind(cause: &Cause) -> &'static str {
    match cause {
        Cause::Joined { .. } => "joined",
        Cause::TopicsChanged { .. } => "topics-changed",
        Cause::SubscriptionChanged { .. } => "subscription-changed",
        Cause::GaveUp { .. } => "gave-up",
        Cause::Rejoined { .. } => "rejoined",
        Cause::StaticReturned { .. } => "static-returned",
        Cause::Left { .. } => "left",
        Cause::TimedOut { .. } => "timed-out",
        Cause::NotRejoined { .. } => "not-rejoined",
        Cause::NotSynced { .. } => "not-synced",
        Cause::NotStored { .. } => "not-stored",
        Cause::OverCapacity { .. } => "over-capacity",
        Cause::CoordinatorMoved { .. } => "coordinator-moved",
        Cause::CoordinatorBack { .. } => "coordinator-back",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_named_by_its_client_and_a_little_of_its_uuid() {
        let id = "billing-2-7a66bb4c-67aa-4345-b930-651e73031822";
        assert_eq!(member_name(id), "billing-2 · 7a66bb");
        for strange in ["", "x", "7a66bb4c-67aa-4345-b930-651e73031822", "한글-7a66bb4c-67aa-4345-b930"] {
            assert_eq!(member_name(strange), strange);
        }
    }
}
