//! What is followed: the last stop as a sentence over the stage, and all stops in the inspector.

use blumfeld_view::{FollowView, FollowWhat, Stop};
use yew::prelude::*;

use super::icon;
use crate::ctx::{Ctx, use_ctx};
use crate::format::{self, count, moment, size};
use crate::model::{Shared, Tab};
use crate::text::{Lang, Text, fill};

/// What both show.
#[derive(Properties, PartialEq)]
pub struct FollowProps {
    /// What is followed.
    pub follow: Shared<FollowView>,
}

/// The sentence over the stage.
#[component]
pub fn FollowBar(props: &FollowProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let follow = &*props.follow;
    let last = follow.stops.last();
    let all = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.act(crate::model::Action::Show(Tab::Inspector)))
    };
    let state = match follow.pace {
        _ if follow.over => t.follow_over.to_owned(),
        still if still <= 0.0 => t.follow_still.to_owned(),
        pace => format::pace(pace),
    };
    html! {
        <section class="follow-bar" aria-label={t.follow} data-over={follow.over.to_string()} data-stops={follow.stops.len().to_string()}>
            <p class="what"><b>{title(t, follow)}</b><span class="meta">{state}</span></p>
            <p class="now" role="status">{ last.map_or_else(|| t.follow_begins.to_owned(), |stop| sentence(&ctx, &stop.stop)) }</p>
            <div class="acts">
                <button class="ctl small all-stops" onclick={all}>{fill(t.follow_stops, &[&count(i64::try_from(follow.stops.len()).unwrap_or(0))])}</button>
                <button class="ctl small" id="unfollow" onclick={unfollow(&ctx)}>{icon("x")}{t.follow_end}</button>
            </div>
        </section>
    }
}

/// All stops, in the inspector's place.
#[component]
pub fn FollowInspector(props: &FollowProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let follow = &*props.follow;
    let begun = follow.stops.first().map_or(0, |stop| stop.at);
    html! {
        <aside class="insp follow-insp" aria-label={t.inspector}>
            <div class="part">
                <div class="ih"><h2>{title(t, follow)}</h2><button class="quiet" aria-label={t.follow_end} title={t.follow_end} onclick={unfollow(&ctx)}>{icon("x")}</button></div>
                <ol class="stops">{ for follow.stops.iter().map(|stop| html! {
                    <li data-stop={kind(&stop.stop)}><time title={moment(stop.at)}>{after(stop.at.saturating_sub(begun))}</time><span>{sentence(&ctx, &stop.stop)}</span></li>
                }) }</ol>
                <p class="meta">{if follow.over { t.follow_over } else { t.follow_goes_on }}</p>
            </div>
        </aside>
    }
}

fn unfollow(ctx: &Ctx) -> Callback<MouseEvent> {
    let ctx = ctx.clone();
    Callback::from(move |_: MouseEvent| ctx.follow(None))
}

/// A span since the first stop.
fn after(micros: u64) -> String {
    match micros {
        ..1_000 => format!("+{micros} µs"),
        1_000..1_000_000 => format!("+{}.{:02} ms", micros / 1_000, micros % 1_000 / 10),
        _ => format!("+{}.{:03} s", micros / 1_000_000, micros / 1_000 % 1_000),
    }
}

fn title(t: &'static Text, follow: &FollowView) -> String {
    match (&follow.what, &follow.place) {
        (FollowWhat::Sent { .. } | FollowWhat::Record { .. }, Some((topic, partition, offset)))
            if *offset >= 0 =>
        {
            fill(t.follow_record_at, &[&format!("{topic}-{partition}"), &count(*offset)])
        }
        (FollowWhat::Sent { .. } | FollowWhat::Record { .. }, _) => t.follow_record.to_owned(),
        (FollowWhat::Message(_), _) => follow
            .stops
            .iter()
            .find_map(|stop| match &stop.stop {
                Stop::Sent { api, .. } | Stop::Answered { api, .. } => Some(fill(t.follow_request, &[api])),
                _ => None,
            })
            .unwrap_or_default(),
        (FollowWhat::Member { group, member }, _) => fill(t.follow_member, &[short(member), group]),
        (FollowWhat::Partition { topic, partition }, _) => format!("{topic}-{partition}"),
    }
}

/// A member id without the random part that Kafka puts behind it.
fn short(member: &str) -> &str {
    match member.len().checked_sub(37).and_then(|at| member.split_at_checked(at)) {
        Some((name, rest)) if rest.starts_with('-') && !name.is_empty() => name,
        _ => member,
    }
}

/// The word of a stop in `data-stop`.
fn kind(stop: &Stop) -> &'static str {
    match stop {
        Stop::Asks { .. } => "asks",
        Stop::Accumulates { .. } => "accumulates",
        Stop::Sent { .. } => "sent",
        Stop::Arrives { .. } => "arrives",
        Stop::Appended { .. } => "appended",
        Stop::Waits { .. } => "waits",
        Stop::Copied { .. } => "copied",
        Stop::HighWatermark { .. } => "high-watermark",
        Stop::Answered { .. } => "answered",
        Stop::Acknowledged { .. } => "acknowledged",
        Stop::Lost => "lost",
        Stop::Read { .. } => "read",
        Stop::Committed { .. } => "committed",
        Stop::Event { .. } => "event",
        Stop::Nothing => "nothing",
    }
}

/// What happened, in a sentence, and why.
fn sentence(ctx: &Ctx, stop: &Stop) -> String {
    let t = ctx.t;
    let id = ToString::to_string;
    match stop {
        Stop::Asks { api, broker } if api == "Metadata" => fill(t.stop_asks_metadata, &[&id(broker)]),
        Stop::Asks { broker, .. } => fill(t.stop_asks_producer_id, &[&id(broker)]),
        Stop::Accumulates { bytes, batch_size, linger_ms } => {
            fill(t.stop_accumulates, &[&size(*bytes), &size(*batch_size), &linger_ms.to_string()])
        }
        Stop::Sent { api, broker } if api == "Produce" => fill(t.stop_sent_produce, &[&id(broker)]),
        Stop::Sent { api, broker } => fill(t.stop_sent, &[api, &id(broker)]),
        Stop::Arrives { api, broker } => fill(t.stop_arrives, &[api, &id(broker)]),
        Stop::Appended { broker, offset } => fill(t.stop_appended, &[&id(broker), &count(*offset)]),
        Stop::Waits { api, broker, acks } => {
            let why = match (api.as_str(), acks.as_str()) {
                ("Produce", "all") => t.stop_waits_produce,
                ("Fetch", _) => t.stop_waits_fetch,
                ("JoinGroup", _) => t.stop_waits_join,
                ("SyncGroup", _) => t.stop_waits_sync,
                _ => t.stop_waits,
            };
            fill(why, &[&id(broker)])
        }
        Stop::Copied { broker } => fill(t.stop_copied, &[&id(broker)]),
        Stop::HighWatermark { to } => fill(t.stop_high_watermark, &[&count(*to)]),
        Stop::Answered { api, broker, error } if error.is_empty() => {
            fill(t.stop_answered, &[&id(broker), api])
        }
        Stop::Answered { broker, error, .. } => fill(t.stop_answered_error, &[&id(broker), error]),
        Stop::Acknowledged { api, error } if error.is_empty() && api == "Produce" => {
            t.stop_acknowledged.to_owned()
        }
        Stop::Acknowledged { api, error } if error.is_empty() => fill(t.stop_came, &[api]),
        Stop::Acknowledged { error, .. } => fill(t.stop_came_error, &[error]),
        Stop::Lost => t.stop_lost.to_owned(),
        Stop::Read { client, group } if group.is_empty() => fill(t.stop_read_alone, &[client]),
        Stop::Read { client, group } => fill(t.stop_read, &[client, group]),
        Stop::Committed { group, offset } => fill(t.stop_committed, &[group, &count(*offset)]),
        Stop::Event { node, text, korean } => {
            format!("{node}: {}", if ctx.lang == Lang::Ko { korean } else { text })
        }
        Stop::Nothing => t.stop_nothing.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_called_by_its_client() {
        for (member, want) in [
            ("billing-1-5f2b7c9e-1d3a-4c55-9a3e-0123456789ab", "billing-1"),
            ("billing-1", "billing-1"),
            ("", ""),
            ("-5f2b7c9e-1d3a-4c55-9a3e-0123456789ab", "-5f2b7c9e-1d3a-4c55-9a3e-0123456789ab"),
        ] {
            assert_eq!(short(member), want);
        }
    }

    #[test]
    fn spans_are_as_long_as_they_must_be() {
        let told: Vec<String> = [0, 999, 1_050, 61_234_567].into_iter().map(after).collect();
        assert_eq!(told, ["+0 µs", "+999 µs", "+1.05 ms", "+61.234 s"]);
    }
}
