//! The charts: lag, records a second, replication and batches over the session, as pictures and as a table.

use std::collections::BTreeSet;

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::icon;
use crate::ctx::{Ctx, use_ctx};
use crate::format::{count, moment};
use crate::model::{Action, Shared, Tab};
use crate::series::{Chart, Drawn, Name, Range, Series, What};
use crate::text::{Text, fill};

/// Rows of the table beside its head.
const ROWS: u64 = 15;

/// What the pane shows.
#[derive(Properties, PartialEq)]
pub struct ChartsProps {
    /// The series.
    pub series: Shared<Series>,
    /// Virtual now, in milliseconds.
    pub now: u64,
    /// How many files there are in the pane behind this one.
    pub files: usize,
}

/// The pane.
#[component]
pub fn Charts(props: &ChartsProps) -> Html {
    let range = use_state_eq(Range::default);
    let table = use_state_eq(|| false);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let choose = {
        let range = range.clone();
        Callback::from(move |event: Event| {
            let word = event.target_unchecked_into::<HtmlSelectElement>().value();
            if let Some(chosen) = Range::ALL.into_iter().find(|one| one.word() == word) {
                range.set(chosen);
            }
        })
    };
    let flip = {
        let table = table.clone();
        Callback::from(move |_: MouseEvent| table.set(!*table))
    };
    let charts = What::ALL.map(|what| (what, props.series.chart(what, *range, props.now)));
    let down: BTreeSet<i32> =
        props.series.downs(props.series.span(*range, props.now)).map(|down| down.broker).collect();
    html! {
        <section class="pane p-charts" aria-labelledby="h-charts">
            <header><h2 id="h-charts">{t.charts}</h2>
                <select class="ctl small end" aria-label={t.chart_range} onchange={choose}>
                    { for Range::ALL.map(|one| html! { <option value={one.word()} selected={one == *range}>{range_name(t, one)}</option> }) }
                </select>
                <button class="ctl small" aria-pressed={table.to_string()} aria-label={t.as_table} title={t.as_table} onclick={flip}>{icon("table")}</button>
                {aside(&ctx, Tab::Files, &match props.files { 0 => t.files.to_owned(), files => format!("{} {files}", t.files) })}
            </header>
            if !down.is_empty() {
                <p class="down-key"><svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true"><rect class="band" width="10" height="10" /></svg>
                    {fill(t.chart_down, &[&down.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")])}</p>
            }
            if *table {
                {as_table(t, &charts, props.now)}
            } else {
                <div class="charts scroll" tabindex="0" role="group" aria-labelledby="h-charts">
                    { for charts.iter().map(|(what, chart)| picture(t, *what, chart, &props.series, *range)) }
                </div>
            }
        </section>
    }
}

/// The button that turns to the pane that has the same place on a desk.
pub fn aside(ctx: &Ctx, tab: Tab, name: &str) -> Html {
    let ctx = ctx.clone();
    let name = name.to_owned();
    html! { <button class="quiet aside" onclick={move |_| ctx.act(Action::Show(tab))}>{name}</button> }
}

fn range_name(t: &'static Text, range: Range) -> &'static str {
    match range {
        Range::Short => t.range_short,
        Range::Middle => t.range_middle,
        Range::Session => t.range_session,
    }
}

fn title(t: &'static Text, what: What) -> &'static str {
    match what {
        What::Lag => t.chart_lag,
        What::Records => t.chart_records,
        What::Replication => t.chart_replication,
        What::BatchRecords => t.chart_batch_records,
        What::BatchBytes => t.chart_batch_bytes,
        What::Latency => t.chart_latency,
    }
}

fn name(t: &'static Text, name: &Name) -> String {
    match name {
        Name::Group(id) => id.clone(),
        Name::Out => t.chart_out.to_owned(),
        Name::In => t.chart_in.to_owned(),
        Name::UnderReplicated => t.chart_under.to_owned(),
        Name::SmallestIsr => t.chart_smallest_isr.to_owned(),
        Name::Producers => t.chart_producers.to_owned(),
        Name::Requests(api, true) => (*api).to_owned(),
        Name::Requests(api, false) => fill(t.chart_of_followers, &[api]),
    }
}

/// A number of a chart, short: `10,886`, `26.4k`, `1.5`.
pub fn short(value: f64) -> String {
    #[allow(clippy::cast_possible_truncation, reason = "numbers of a chart are far from the end of 64 bits")]
    let whole = |value: f64| count(value.round() as i64);
    match value.abs() {
        size if size >= 10_000_000.0 => format!("{}M", whole(value / 1e6)),
        size if size >= 1_000_000.0 => format!("{:.1}M", value / 1e6),
        size if size >= 100_000.0 => format!("{}k", whole(value / 1e3)),
        size if size < 100.0 && (value - value.round()).abs() >= 0.05 => format!("{value:.1}"),
        _ => whole(value),
    }
}

fn or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), short)
}

/// The time before now: `−30 s`, `−5 min`.
fn ago(t: &'static Text, millis: u64) -> String {
    let seconds = millis / 1_000;
    match seconds {
        0..=119 => fill(t.ago_seconds, &[&seconds.to_string()]),
        _ => fill(t.ago_minutes, &[&count(seconds / 60)]),
    }
}

fn picture(t: &'static Text, what: What, chart: &Chart, series: &Series, range: Range) -> Html {
    let (width, height) = Chart::SIZE;
    let told = |line: &Drawn| {
        let (now, least, most) = (or_dash(line.last), short(line.least), short(line.most));
        fill(t.chart_told, &[&name(t, &line.name), &now, &least, &most])
    };
    let mut told: Vec<String> = chart.lines.iter().map(told).collect();
    if told.is_empty() {
        told.push(t.chart_empty.to_owned());
    }
    let label = format!("{}, {}. {}", title(t, what), range_name(t, range), told.join(" "));
    let bands = series.downs(chart.span).map(|down| {
        let (from, to) = (chart.x(down.from), chart.x(down.to.unwrap_or(chart.span.1)));
        html! { <rect class="band" x={format!("{from:.1}")} y="0" width={format!("{:.1}", (to - from).max(1.5))} height={height.to_string()} /> }
    });
    let first = chart.lines.first();
    let value = first.map_or_else(|| "–".to_owned(), |line| or_dash(line.last));
    html! {
        <div class="ch" data-chart={what.word()} role="img" aria-label={label}>
            <p class="ct" aria-hidden="true"><span>{title(t, what)}</span><b>{value}</b></p>
            <div class="cp" aria-hidden="true">
                <svg viewBox={format!("0 0 {width} {height}")} preserveAspectRatio="none">
                    { for bands }
                    <path class="grid" d={format!("M0 0H{width}M0 {0}H{width}M0 {height}H{width}", height / 2.0)} />
                    { for chart.lines.iter().enumerate().map(|(at, line)| html! { <path class={format!("ln l{at}")} d={chart.path(line)} /> }) }
                </svg>
                if first.is_some() { <span class="ymax">{short(chart.top)}</span> }
            </div>
            <p class="ca" aria-hidden="true"><span>{ago(t, chart.span.1 - chart.span.0)}</span><span>{t.chart_now}</span></p>
            <ul class="ck" aria-hidden="true">
                if first.is_none() { <li>{t.chart_empty}</li> }
                { for chart.lines.iter().enumerate().map(|(at, line)| html! {
                    <li><svg viewBox="0 0 16 4" width="16" height="4"><path class={format!("ln l{at}")} d="M0 2H16" /></svg>
                        <span class="nm">{name(t, &line.name)}</span>if at > 0 { <b>{or_dash(line.last)}</b> }</li>
                }) }
            </ul>
        </div>
    }
}

/// The same numbers at moments of the range, the newest first.
fn as_table(t: &'static Text, charts: &[(What, Chart)], now: u64) -> Html {
    let columns: Vec<(What, &Drawn)> =
        charts.iter().flat_map(|(what, chart)| chart.lines.iter().map(|line| (*what, line))).collect();
    let (from, to) = charts.first().map_or((now, now), |(_, chart)| chart.span);
    let moments = (0..=ROWS).map(|row| to - (to - from) / ROWS * row);
    html! {
        <div class="charts-table scroll" tabindex="0" role="group" aria-labelledby="h-charts"><table class="tb">
            <thead><tr><th scope="col">{t.time}</th>
                { for columns.iter().map(|(what, line)| html! { <th scope="col" class="num">{format!("{}: {}", title(t, *what), name(t, &line.name))}</th> }) }
            </tr></thead>
            <tbody>{ for moments.map(|at| html! {
                <tr><th scope="row">{moment(at * 1_000)}</th>
                    { for columns.iter().map(|(what, line)| html! { <td class="num" data-of={what.word()}>{or_dash(line.at(at))}</td> }) }</tr>
            }) }</tbody>
        </table></div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, want) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (2.02, "2"),
            (99.96, "100"),
            (10_886.0, "10,886"),
            (26_400.0, "26,400"),
            (180_000.0, "180k"),
            (1_250_000.0, "1.2M"),
            (58_000_000.0, "58M"),
        ] {
            assert_eq!(short(value), want);
        }
    }
}
