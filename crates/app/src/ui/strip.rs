//! Draws a partition's strip. All places are attributes of the picture: the page's policy allows no inline style.

use blumfeld_view::{PartitionView, ReplicaView};
use yew::prelude::*;

use super::identity;
use crate::format::count;
use crate::strip::{Copy, behind, copy, strip};
use crate::text::{Text, fill};

/// A partition's strip on an axis of `axis` offsets, behind `room` for sealed segments ([`crate::strip::room`]). The numbers
/// beside it say the same in words.
pub fn draw(partition: &PartitionView, axis: i64, room: (usize, bool), label_hw: bool) -> Html {
    let id = identity(partition.partition);
    let picture = strip(partition, axis);
    let percent = |value: f64| format!("{value:.3}%");
    // A picture of 6 px a block: 4 px and a gap. The newest stand at the axis break, the number of the older ones before.
    let (places, numbered) = room;
    let first = if numbered { 26 } else { 0 } + places.saturating_sub(picture.blocks.len()) * 6;
    let blocks = picture.blocks.iter().enumerate().map(|(at, block)| {
        let x = (first + at * 6).to_string();
        let flushed = block.durable >= 1.0;
        let class = match (block.deleted >= 1.0, flushed) {
            (true, _) => "gone",
            (_, true) => "full",
            (_, false) => "cache",
        };
        html! { <>
            <rect class={class} x={x.clone()} y="6" width="4" height="16" />
            if flushed && block.deleted < 1.0 {
                <rect class="pat" x={x.clone()} y="6" width="4" height="16" fill={pattern(&id)} />
            }
            <rect class="disk" x={x} y="23" width={format!("{:.2}", block.durable * 4.0)} height="2" />
        </> }
    });
    let width = width_of(room);
    let span = |from: f64, to: f64| percent((to - from).max(0.0));
    let all_flushed = picture.durable >= picture.end;
    html! {
        <div class="strip" data-p={id.clone()} aria-hidden="true">
            if width > 0 {
                <svg class="blocks" width={width.to_string()} height="28">
                    if picture.older > 0 { <text class="older" x="0" y="18">{format!("+{}", picture.older)}</text> }
                    { for blocks }
                </svg>
                <i class={if picture.blocks.is_empty() { "brk none" } else { "brk" }}></i>
            }
            <svg class="tail" height="28">
                <line class="axis" x1="0" y1="14" x2="100%" y2="14" />
                { for (0..=5).map(|fifth| {
                    let x = format!("{}%", fifth * 20);
                    html! { <line class="tick" x1={x.clone()} y1="11" x2={x} y2="17" /> }
                }) }
                if picture.end > picture.start {
                    <rect class="cache" x={percent(picture.start)} y="6" width={span(picture.start, picture.end)} height="16" />
                    <rect class="full" x={percent(picture.start)} y="6" width={span(picture.start, picture.durable)} height="16" />
                    <rect class="pat" x={percent(picture.start)} y="6" width={span(picture.start, picture.end)} height="16"
                        fill={pattern(&id)} />
                    <rect class="disk" x={percent(picture.start)} y="23" width={span(picture.start, picture.durable)} height="2" />
                    <svg x={percent(picture.end)} y="6" width="8" height="16" overflow="visible">
                        <path class={if all_flushed { "full" } else { "cache" }} d="M0 0L7 8L0 16z" />
                    </svg>
                }
                if picture.start > 0.0 {
                    <svg x={percent(picture.start)} y="3" width="5" height="22" overflow="visible">
                        <path class="start" d="M4 0H0V22H4" />
                    </svg>
                }
                { for picture.aborted.iter().map(|(from, to)| html! {
                    <rect class="aborted" x={percent(*from)} y="6" width={span(*from, *to)} height="16" />
                }) }
                if let Some(clean) = picture.clean {
                    <svg x={percent(clean)} y="0" width="1" height="28" overflow="visible"><path class="clean-to" d="M0 5V23M-4 26H0" /></svg>
                }
                { for picture.open.iter().map(|from| html! { <>
                    <line class="open-txn" x1={percent(*from)} y1="3.5" x2={percent(picture.end)} y2="3.5" />
                    <svg x={percent(*from)} y="3.5" width="1" height="1" overflow="visible"><circle class="open-txn" r="2.2" /></svg>
                </> }) }
                if let Some(stable) = picture.last_stable {
                    <svg x={percent(stable)} y="0" width="1" height="28" overflow="visible">
                        <path class="lso" d="M0 1V27" />
                        if label_hw { <text class="lsot" x="-2" y="27" text-anchor="end">{"LSO"}</text> }
                    </svg>
                }
                <svg x={percent(picture.high_watermark)} y="0" width="1" height="28" overflow="visible">
                    <path class="hw" d="M0 1V27" />
                    if label_hw {
                        <rect class="hwb" x="-16" y="-2" width="17" height="10" /><text class="hwt" x="-14" y="6.5">{"HW"}</text>
                    }
                </svg>
            </svg>
        </div>
    }
}

/// A follower's strip on its leader's axis: thin and framed, with the ends that its own broker knows.
pub fn draw_copy(
    t: &'static Text,
    partition: &PartitionView,
    replica: &ReplicaView,
    axis: i64,
    room: (usize, bool),
) -> Html {
    let percent = |value: f64| format!("{value:.3}%");
    let width = width_of(room);
    let line = |class: &'static str| html! { <line class={class} x1="0" y1="10" x2="100%" y2="10" /> };
    let tail = match copy(partition, replica, axis) {
        Copy::Absent => html! { <>
            <svg class="tail" height="20">{line("axis away")}</svg><span class="gone">{t.not_running}</span>
        </> },
        Copy::Away => html! { <>
            <svg class="tail" height="20">{line("axis away")}</svg>
            <span class="gone late">{"◂ "}{fill(t.behind_by, &[&count(behind(partition, replica))])}</span>
        </> },
        Copy::Within { high_watermark, end } => html! {
            <svg class="tail" height="20">
                {line("axis")}
                if end > 0.0 {
                    <rect class="held" x="0" y="6" width={percent(end)} height="8" />
                    <svg x={percent(end)} y="3" width="2" height="14" overflow="visible"><path class="blunt" d="M0 0V14" /></svg>
                }
                <svg x={percent(high_watermark)} y="0" width="1" height="20" overflow="visible"><path class="hw" d="M0 1V19" /></svg>
            </svg>
        },
    };
    html! {
        <div class="strip" aria-hidden="true">
            if width > 0 {
                <svg class="blocks" width={width.to_string()} height="20"></svg>
                <i class={if partition.segments.len() > 1 { "brk" } else { "brk none" }}></i>
            }
            {tail}
        </div>
    }
}

/// Pixels that the sealed segments' blocks take.
fn width_of((places, numbered): (usize, bool)) -> usize {
    places * 6 + if numbered { 26 } else { 0 }
}

/// The paint of a partition's pattern; the first has none.
pub fn pattern(id: &str) -> String {
    if id == "0" { "none".to_owned() } else { format!("url(#pat{id})") }
}
