//! Two runs of one seed side by side: what differs, how far they are, and what was measured.

use blumfeld_view::{Command, CompareSide, CompareView, Preset};
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::charts::short;
use super::command_line;
use crate::comparison::{ComparisonState, Measure, Row, Unit, marked, rows};
use crate::ctx::{Ctx, use_ctx};
use crate::format::size;
use crate::model::Shared;
use crate::text::{Text, fill};

/// How long can be measured, in virtual seconds; the first is chosen at first.
const SECONDS: [u32; 3] = [2, 5, 10];

/// What the screen shows.
#[derive(Properties, PartialEq)]
pub struct ComparisonProps {
    /// How far it is.
    pub state: Shared<ComparisonState>,
}

/// The screen.
#[component]
pub fn Comparison(props: &ComparisonProps) -> Html {
    let chosen = use_state_eq(|| Preset::Fetch);
    let seconds = use_state_eq(|| SECONDS[0]);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let state = &props.state;
    let begin = {
        let (ctx, preset, seconds) = (ctx.clone(), *chosen, *seconds);
        Callback::from(move |_: MouseEvent| ctx.ask(&Command::Compare { preset, seconds }))
    };
    let stop = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.ask(&Command::StopComparing))
    };
    let choose_seconds = {
        let seconds = seconds.clone();
        Callback::from(move |event: Event| {
            if let Ok(chosen) = event.target_unchecked_into::<HtmlSelectElement>().value().parse() {
                seconds.set(chosen);
            }
        })
    };
    html! {
        <section class="screen cmp" aria-labelledby="h-compare">
            <header class="bar"><h2 id="h-compare">{t.compare_title}</h2></header>
            <div class="mach cmp-ask">
                <p>{t.compare_what}</p>
                <div class="cmp-form">
                    <div class="presets" role="group" aria-label={t.compare_choose}>
                        { for Preset::ALL.map(|preset| {
                            let chosen = chosen.clone();
                            html! { <button class="ctl" data-preset={preset.word()} aria-pressed={(*chosen == preset).to_string()}
                                onclick={move |_| chosen.set(preset)}>{name(t, preset)}</button> }
                        }) }
                    </div>
                    <label class="secs"><span>{t.compare_seconds}</span><select class="ctl" onchange={choose_seconds}>
                        { for SECONDS.map(|one| html! { <option value={one.to_string()} selected={one == *seconds}>{one}</option> }) }
                    </select></label>
                    if state.running.is_some() {
                        <button class="ctl" id="compare-stop" onclick={stop}>{t.compare_stop}</button>
                    } else {
                        <button class="ctl primary" id="compare-run" onclick={begin}>{t.compare_run}</button>
                    }
                </div>
                if let Some((preset, done)) = state.running {
                    <div class="cmp-run" role="status"><span>{name(t, preset)}</span>
                        <progress aria-label={name(t, preset)} max="1000" value={done.to_string()}></progress><span class="num">{fill(t.compare_progress, &[&(done / 10).to_string()])}</span></div>
                } else if state.stopped {
                    <p class="meta" role="status">{t.compare_stopped}</p>
                }
                if let Some(why) = &state.failed {
                    <p class="late" role="alert">{t.compare_failed}{" "}<code>{why}</code></p>
                }
            </div>
            if let Some(view) = &state.result { {result(&ctx, view)} } else if state.running.is_none() {
                <p class="none">{t.compare_none}</p>
            }
        </section>
    }
}

fn name(t: &'static Text, preset: Preset) -> &'static str {
    match preset {
        Preset::Fetch => t.preset_fetch,
        Preset::Acks => t.preset_acks,
        Preset::Linger => t.preset_linger,
        Preset::Consumers => t.preset_consumers,
    }
}

fn why(t: &'static Text, preset: Preset) -> &'static str {
    match preset {
        Preset::Fetch => t.why_fetch,
        Preset::Acks => t.why_acks,
        Preset::Linger => t.why_linger,
        Preset::Consumers => t.why_consumers,
    }
}

fn result(ctx: &Ctx, view: &CompareView) -> Html {
    let t = ctx.t;
    let ways = ["A", "B"];
    html! {
        <article class="mach cmp-result" data-result={view.preset.word()} aria-labelledby="h-result">
            <header><h3 id="h-result">{name(t, view.preset)}</h3><span class="meta">{fill(t.compare_seed, &[&view.seed.to_string(), &view.seconds.to_string()])}</span></header>
            <p class="cmp-why">{why(t, view.preset)}</p>
            <div class="cmp-lines">{ for view.sides.iter().zip(ways).map(|(side, way)| lines(ctx, side, way)) }</div>
            <div class="scroll" tabindex="0" role="group" aria-labelledby="h-result"><table class="tb cmp-table">
                <thead><tr><th scope="col">{t.m_measure}</th><th scope="col" class="num">{"A"}</th><th scope="col" class="num">{"B"}</th>
                    <th scope="col" class="bars">{"A / B"}</th><th scope="col" class="num">{t.m_difference}</th></tr></thead>
                <tbody>{ for rows(view).iter().map(|row| measured(t, row)) }</tbody>
            </table></div>
            <p class="meta">{t.compare_measured}</p>
        </article>
    }
}

/// What is run on a side, with what makes the difference marked.
fn lines(ctx: &Ctx, side: &CompareSide, way: &str) -> Html {
    let t = ctx.t;
    let press = {
        let (ctx, lines) = (ctx.clone(), side.lines.clone());
        Callback::from(move |_: MouseEvent| lines.iter().for_each(|line| ctx.press(line)))
    };
    let run = fill(t.compare_side, &[way]);
    html! {
        <section data-side={way.to_owned()} aria-label={run.clone()}>
            <header><h4>{run}</h4><button class="ctl small end" onclick={press}>{t.compare_run_here}</button></header>
            { for side.lines.iter().map(|line| html! {
                <code class="cmd">{ for marked(line, &side.marks).into_iter().map(|(piece, is)| match is {
                    true => html! { <mark class="word">{piece.to_owned()}</mark> },
                    false => command_line(piece.trim()),
                }) }</code>
            }) }
        </section>
    }
}

fn measure_name(t: &'static Text, measure: &Measure) -> String {
    match measure {
        Measure::Written => t.m_written,
        Measure::WriteRate => t.m_write_rate,
        Measure::Read => t.m_read,
        Measure::ReadRate => t.m_read_rate,
        Measure::Behind => t.m_behind,
        Measure::Median => t.m_median,
        Measure::Percentile99 => t.m_p99,
        Measure::ClientBytes => t.m_client_bytes,
        Measure::BrokerBytes => t.m_broker_bytes,
        Measure::BatchRecords => t.m_batch_records,
        Measure::BatchBytes => t.m_batch_bytes,
        Measure::Requests(api) => return fill(t.m_requests, &[api]),
    }
    .to_owned()
}

fn written(unit: Unit, value: Option<f64>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes, never below 0")]
    let whole = value.round() as u64;
    match unit {
        Unit::Count => short(value),
        Unit::Bytes => size(whole),
        Unit::Time => format!("{:.2} ms", value / 1e3),
    }
}

/// How much larger or smaller the second is.
fn difference(t: &'static Text, row: &Row) -> String {
    match row.ratio() {
        None => "–".to_owned(),
        Some(ratio) if (ratio - 1.0).abs() < 0.005 => t.m_same.to_owned(),
        Some(ratio) if ratio >= 2.0 => format!("×{}", short(ratio)),
        Some(ratio) if ratio <= 0.5 && ratio > 0.0 => format!("÷{}", short(1.0 / ratio)),
        Some(ratio) => format!("{}{:.0} %", if ratio > 1.0 { "+" } else { "−" }, (ratio - 1.0).abs() * 100.0),
    }
}

fn measured(t: &'static Text, row: &Row) -> Html {
    let [first, second] = row.values;
    let [above, below] = row.bars();
    html! {
        <tr><th scope="row">{measure_name(t, &row.measure)}</th><td class="num">{written(row.unit, first)}</td><td class="num">{written(row.unit, second)}</td>
            <td class="bars"><svg viewBox="0 0 1000 14" preserveAspectRatio="none" aria-hidden="true">
                <rect class="bar-a" x="0" y="1" width={format!("{above:.0}")} height="5" /><rect class="bar-b" x="0" y="8" width={format!("{below:.0}")} height="5" /></svg></td>
            <td class="num">{difference(t, row)}</td></tr>
    }
}
