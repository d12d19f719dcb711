//! The bar at the top: the clock and what drives it, language, theme, durability, storage.

use blumfeld_view::{ClockView, Command, Durability, Pace, StoreView};
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::icon;
use super::run_until::{RunUntil, RunUntilProps};
use crate::address::Theme;
use crate::browser::Kept;
use crate::ctx::use_ctx;
use crate::format;
use crate::model::{Action, Deed, PartitionName, Shared};
use crate::text::{Lang, Text, fill};

/// What the bar shows.
#[derive(Properties, PartialEq)]
pub struct TopBarProps {
    /// The cluster's name.
    pub cluster: String,
    /// The clock, once the cluster runs.
    pub clock: Option<ClockView>,
    /// The browser's storage, once the cluster runs.
    pub store: Option<StoreView>,
    /// Whether anything is kept.
    pub persistent: bool,
    /// The durability that was asked for.
    pub durability: Durability,
    /// The theme.
    pub theme: Theme,
    /// The chosen partition.
    pub chosen: Option<PartitionName>,
    /// What a form did last.
    pub deed: Option<Shared<Deed>>,
    /// How fast time goes for what is followed; 0 while a stop is read.
    pub follows: Option<f64>,
}

/// Places of the speed slider on each side of 1: a thousandfold in steps of a tenth of a power of ten.
const SIDE: i32 = 30;

/// Tenths of a power of ten, as round as they are near (the preferred numbers R10 of ISO 3).
const TENTHS: [f64; 10] = [1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0];

/// The speed at a place of the slider.
fn speed_at(place: i32) -> f64 {
    let steps = place.clamp(-SIDE, SIDE).unsigned_abs();
    let tenth = TENTHS.get(steps as usize % 10).copied().unwrap_or(1.0);
    let times = tenth * 10_f64.powi((steps / 10) as i32);
    if place < 0 { 1.0 / times } else { times }
}

/// The place of a speed.
fn place_of(speed: f64) -> i32 {
    if speed > 0.0 { ((speed.log10() * 10.0).round() as i32).clamp(-SIDE, SIDE) } else { -SIDE }
}

/// Whether a pace that was asked for is not reached: less than nine tenths of it.
fn lags(clock: &ClockView) -> bool {
    matches!(clock.pace, Pace::Times(asked) if clock.reached < asked * 0.9)
}

/// The bar.
#[component]
pub fn TopBar(props: &TopBarProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let clock = props.clock.as_ref();
    let (now, pace) = clock.map_or((0, Pace::Paused), |clock| (clock.now, clock.pace));
    let (resumes, speed) = clock.map_or((Pace::Times(1.0), 1.0), |clock| (clock.resumes, clock.speed));
    let running = pace != Pace::Paused;
    let fastest = pace == Pace::Fastest;
    let set_pace = {
        let ctx = ctx.clone();
        move |pace| ctx.ask(&Command::SetPace(pace))
    };
    let toggle = {
        let set_pace = set_pace.clone();
        Callback::from(move |_: MouseEvent| set_pace(if running { Pace::Paused } else { resumes }))
    };
    let onspeed = {
        let ctx = ctx.clone();
        // Time that stands still stays so: a speed is not a start.
        Callback::from(move |event: InputEvent| {
            let place = event.target_unchecked_into::<HtmlInputElement>().value_as_number();
            ctx.ask(&Command::SetSpeed(speed_at(place as i32)));
        })
    };
    // The slider stands at the speed that there was before the fastest, and will be after it.
    let follows = props.follows.filter(|_| running);
    let shown = if fastest { t.fastest_short.to_owned() } else { format::pace(speed) };
    let place = place_of(speed);
    let (big, small) = format::clock(now);
    let step = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.ask(&Command::Step))
    };
    let on_fastest = Callback::from(move |_: MouseEvent| {
        set_pace(if fastest { Pace::Times(speed) } else { Pace::Fastest });
    });
    let ready = props.clock.is_some();
    html! {
        <header class="top">
            <div class="brand">
                <svg class="logo" viewBox="0 0 30 16" aria-hidden="true"><circle cx="8" cy="10" r="5.5" /><circle cx="22" cy="5" r="4.5" /></svg>
                <h1>{"Blumfeld"}</h1>
                <span class="cluster" title={fill(t.cluster, &[&props.cluster])}>{&props.cluster}</span>
            </div>
            <div class="clock" role="timer" aria-label={t.virtual_time}>
                <span class="big">{big}</span><span class="us">{small}</span>
            </div>
            <div class="transport" role="group" aria-label={t.time}>
                <button class="ctl primary" id="run" disabled={!ready} onclick={toggle}
                    aria-label={if running { t.pause } else { t.run }} title={if running { t.pause } else { t.run }}>
                    {icon(if running { "pause" } else { "play" })}
                </button>
                <button class="ctl" id="step" disabled={!ready} onclick={step} aria-label={t.next_event} title={t.next_event}>
                    {icon("next")}<span class="lbl">{t.next_event}</span>
                </button>
                <RunUntil ..RunUntilProps::of(clock, props.chosen.clone(), props.deed.clone()) />
            </div>
            <div class="speed" role="group" aria-label={t.speed}>
                <div class="sl">
                    <input type="range" min={(-SIDE).to_string()} max={SIDE.to_string()} step="1" disabled={!ready}
                        value={place.to_string()} aria-label={t.speed} aria-valuetext={shown.clone()} oninput={onspeed} />
                    <div class="sl-lab" aria-hidden="true"><span>{"1/1000"}</span><span>{"1×"}</span><span>{"1000"}</span></div>
                </div>
                <output class="sp-val">
                    <b>{match follows {
                        Some(pace) if pace > 0.0 => format::pace(pace),
                        Some(_) => t.follow_still.to_owned(),
                        None if running => shown.clone(),
                        None => t.paused.to_owned(),
                    }}</b>
                    if follows.is_some() { <span class="still-at">{t.follow_paces}</span> }
                    if !running { <span class="still-at">{shown}</span> }
                    if let Some(clock) = props.clock.as_ref().filter(|clock| follows.is_none() && lags(clock)) {
                        <span class="reach" title={t.reaches_why}>{fill(t.reaches, &[&format::pace(clock.reached)])}</span>
                    }
                </output>
                <button class="ctl afap" id="fastest" disabled={!ready} aria-pressed={fastest.to_string()} onclick={on_fastest}>
                    {t.fastest}
                </button>
            </div>
            <div class="prefs">
                {storage(t, props)}
                {durability(&ctx, props)}
                <div class="seg2" role="group" aria-label={t.language}>
                    { for [(Lang::En, "EN"), (Lang::Ko, "한국어")].map(|(lang, name)| {
                        let chosen = ctx.lang == lang;
                        let ctx = ctx.clone();
                        html! { <button lang={lang.word()} aria-pressed={chosen.to_string()} onclick={move |_| {
                            Kept::Always.keep("lang", lang.word());
                            Kept::InTab.keep("lang", lang.word());
                            ctx.act(Action::Speak(lang));
                        }}>{name}</button> }
                    }) }
                </div>
                {theme(&ctx, props.theme)}
                {share(&ctx, props)}
            </div>
        </header>
    }
}

fn theme(ctx: &crate::ctx::Ctx, theme: Theme) -> Html {
    let t = ctx.t;
    let (name, next) = match theme {
        Theme::System => (t.theme_system, Theme::Light),
        Theme::Light => (t.theme_light, Theme::Dark),
        Theme::Dark => (t.theme_dark, Theme::System),
    };
    let label = fill(t.theme, &[name]);
    let ctx = ctx.clone();
    let onclick = move |_| {
        Kept::Always.keep("theme", next.word());
        ctx.act(Action::Paint(next));
    };
    let mark = match theme {
        Theme::System => "theme",
        Theme::Light => "sun",
        Theme::Dark => "moon",
    };
    html! { <button class="ctl" id="theme" aria-label={label.clone()} title={label} {onclick}>{icon(mark)}</button> }
}

fn share(ctx: &crate::ctx::Ctx, props: &TopBarProps) -> Html {
    let t = ctx.lang.lessons();
    let onclick = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.ask(&Command::Share))
    };
    html! { <>
        <button class="ctl" id="share" title={t.share} aria-label={t.share} disabled={props.clock.is_none()} {onclick}>{icon("share")}<span class="lbl">{t.share}</span></button>
        <a class="ctl in-full" href={format!("./#{}", crate::browser::hash())} target="_blank" rel="noreferrer">{t.open_full}</a>
    </> }
}

fn durability(ctx: &crate::ctx::Ctx, props: &TopBarProps) -> Html {
    let t = ctx.t;
    let why = match props.durability {
        Durability::Relaxed => t.relaxed_why,
        Durability::Strict => t.strict_why,
    };
    let onchange = {
        let ctx = ctx.clone();
        Callback::from(move |event: Event| {
            let strict = event.target_unchecked_into::<HtmlSelectElement>().value() == "strict";
            let durability = if strict { Durability::Strict } else { Durability::Relaxed };
            ctx.act(Action::Keep(durability));
            ctx.act(Action::Notice(
                false,
                (if strict { ctx.t.strict_why } else { ctx.t.relaxed_why }).to_owned(),
            ));
            ctx.ask(&Command::SetDurability(durability));
        })
    };
    let chosen = props.durability;
    html! {
        <label class="pick" title={why}>
            <span class="vh">{t.durability}</span>
            <select id="durability" class="ctl" {onchange} disabled={props.clock.is_none()}>
                <option value="relaxed" selected={chosen == Durability::Relaxed}>{t.relaxed}</option>
                <option value="strict" selected={chosen == Durability::Strict}>{t.strict}</option>
            </select>
        </label>
    }
}

fn storage(t: &'static Text, props: &TopBarProps) -> Html {
    let Some(store) = &props.store else { return Html::default() };
    let (class, text) = match store {
        _ if store.error.is_some() => ("state broken", t.storage_fault.to_owned()),
        _ if !props.persistent || !store.writer => ("state degraded", t.not_stored.to_owned()),
        _ if store.pending_bytes > 0 => ("store", fill(t.storing, &[&format::size(store.pending_bytes)])),
        _ => ("store", format!("{} {}", format::size(store.stored_bytes), t.stored)),
    };
    html! { <span class={class} id="storage" title={t.storage}>{text}</span> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slider_is_logarithmic() {
        for (place, speed) in [
            (-30, 0.001),
            (-27, 0.002),
            (-10, 0.1),
            (-1, 0.8),
            (0, 1.0),
            (10, 10.0),
            (13, 20.0),
            (30, 1000.0),
            (99, 1000.0),
        ] {
            assert!((speed_at(place) - speed).abs() < speed * 1e-9, "{place}");
            assert_eq!(place_of(speed), place.min(SIDE));
        }
        for place in -SIDE..=SIDE {
            assert_eq!(place_of(speed_at(place)), place);
        }
        assert_eq!(place_of(0.0), -SIDE);
    }

    #[test]
    fn a_pace_that_is_not_reached_is_told() {
        let clock = |pace, reached| ClockView { reached, ..ClockView::at(0, pace) };
        for (pace, reached, want) in [
            (Pace::Times(100.0), 50.0, true),
            (Pace::Times(100.0), 95.0, false),
            (Pace::Fastest, 1.0, false),
            (Pace::Paused, 0.0, false),
        ] {
            assert_eq!(lags(&clock(pace, reached)), want);
        }
    }
}
