//! Brokers: how they are, and what can be done to them.

use blumfeld_view::{BrokerView, Command, ConfigResource, Fault};
use yew::prelude::*;

use crate::ctx::{Ctx, use_ctx};
use crate::format::{count, size};
use crate::health::broker_state;
use crate::model::Shared;
use crate::text::fill;
use crate::ui::configs::link;
use crate::ui::icon;
use crate::ui::log_dirs::{LogDirsCard, export};

/// The most brokers that can be in one cluster here.
const MOST: usize = 9;

/// What the screen shows.
#[derive(Properties, PartialEq)]
pub struct BrokersProps {
    /// The brokers by id.
    pub brokers: Shared<Vec<BrokerView>>,
    /// Faults in force.
    pub faults: Shared<Vec<String>>,
    /// The cluster's name.
    pub cluster: String,
    /// Its seed.
    pub seed: u64,
}

/// The screen.
#[component]
pub fn Brokers(props: &BrokersProps) -> Html {
    let sure = use_state(|| false);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let set = |to: bool| {
        let sure = sure.clone();
        Callback::from(move |_: MouseEvent| sure.set(to))
    };
    let reset = {
        let (ctx, sure, seed) = (ctx.clone(), sure.clone(), props.seed);
        Callback::from(move |_: MouseEvent| {
            sure.set(false);
            ctx.ask(&Command::Reset { seed });
        })
    };
    html! {
        <section class="screen brokers" aria-labelledby="h-brokers">
            <header class="bar"><h2 id="h-brokers">{t.brokers}</h2><span class="times">{props.brokers.len()}</span>
                <span class="meta">{t.seed}{" "}{props.seed}</span>
                <button class="ctl end" id="add-broker" title={t.add_broker_why} disabled={props.brokers.len() >= MOST}
                    onclick={press(&ctx, "broker add".to_owned())}>{icon("plus")}{t.add_broker}</button></header>
            if !props.faults.is_empty() { {faults(&ctx, &props.faults)} }
            <div class="brk-cards">{ for props.brokers.iter().map(|broker| card(&ctx, broker)) }</div>
            <div class="mach about"><h3>{t.deeds}</h3>
                <dl class="deeds">{ for [(t.crash, t.crash_why), (t.power_cut, t.power_cut_why), (t.restart, t.restart_why), (t.remove_broker, t.remove_broker_why)]
                    .map(|(name, why)| html! { <div><dt>{name}</dt><dd>{why}</dd></div> }) }</dl>
            </div>
            <LogDirsCard />
            <div class="mach anew">
                <div><h3>{t.begin_anew}</h3><p>{t.begin_anew_why}</p></div>
                if *sure {
                    <p class="sure" role="alert">{fill(t.begin_anew_sure, &[&props.cluster])}</p>
                    <button class="ctl danger" onclick={reset}>{t.begin_anew}</button>
                    <button class="ctl" onclick={set(false)}>{t.cancel}</button>
                } else {
                    <button class="ctl" onclick={set(true)}>{t.begin_anew}</button>
                }
            </div>
        </section>
    }
}

/// Runs the command line that a button stands for.
fn press(ctx: &Ctx, line: String) -> Callback<MouseEvent> {
    let ctx = ctx.clone();
    Callback::from(move |_| ctx.press(&line))
}

fn card(ctx: &Ctx, broker: &BrokerView) -> Html {
    let (t, x) = (ctx.t, ctx.lang.transactions());
    let act = |fault: Fault| {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.ask(&Command::Fault(fault)))
    };
    let share = if broker.cache_size > 0 {
        broker.cached_bytes as f64 / broker.cache_size as f64 * 100.0
    } else {
        0.0
    };
    let dirty = if broker.cache_size > 0 {
        broker.dirty_bytes as f64 / broker.cache_size as f64 * 100.0
    } else {
        0.0
    };
    // Its counts go with the process.
    let since_start = |counted| if broker.up { count(counted) } else { "–".to_owned() };
    let (words, class) = broker_state(t, &broker.state);
    let id = broker.id.to_string();
    let named = |deed: &str| format!("{deed}: {}", fill(t.broker, &[&id]));
    html! {
        <article class={classes!("mach", "brk-card", broker.state.clone())} data-broker={id.clone()}>
            <header>
                <h3>{fill(t.broker, &[&id])}</h3>
                <code class="meta">{&broker.address}</code>
                <span class={class} data-state={broker.state.clone()}>{words}</span>
                {link(t, ctx.lang.configs(), &ConfigResource::Broker(broker.id))}
            </header>
            <p class="part-in">{quorum(ctx, broker)}
                if !broker.rack.is_empty() { <span class="meta">{fill(t.rack, &[&broker.rack])}</span> }
            </p>
            <dl class="kv grid">
                <div><dt>{t.connections}</dt><dd>{count(broker.connections)}</dd></div>
                <div><dt>{t.requests}</dt><dd>{since_start(broker.requests)}</dd></div>
                <div><dt>{t.records_in}</dt><dd>{since_start(broker.records_in)}</dd></div>
                <div><dt>{t.records_out}</dt><dd>{since_start(broker.records_out)}</dd></div>
                <div><dt>{t.disk}</dt><dd>{size(broker.disk_bytes)}</dd></div>
                <div><dt>{t.dirty}</dt><dd>{size(broker.dirty_bytes)}</dd></div>
            </dl>
            <div class="gauge"><span class="k">{t.page_cache}</span>
                <span class="num">{size(broker.cached_bytes)}{" / "}{size(broker.cache_size)}</span>
                <svg class="bar-svg" height="6" aria-hidden="true"><rect class="room" width="100%" height="6" />
                    <rect class="used" width={format!("{:.2}%", share.min(100.0))} height="6" />
                    <rect class="dirty" width={format!("{:.2}%", dirty.min(100.0))} height="6" /></svg>
            </div>
            <dl class="kv grid">
                <div><dt>{x.cache_reads}</dt><dd data-cache="hits">{count(broker.cache_hits)}</dd></div>
                <div><dt>{x.cache_misses}</dt><dd data-cache="misses">{count(broker.cache_misses)}</dd></div>
                <div><dt>{x.cache_bytes}</dt><dd data-cache="bytes">{size(broker.cache_bytes_read)}</dd></div>
            </dl>
            if let Some(pass) = &broker.cleaner.running { <p class="meta" data-cleans="">{fill(x.cleaner_at, &[&format!("{}-{}", pass.topic, pass.partition)])}</p> }
            <div class="acts">
                <button class="ctl" data-fault="crash" disabled={!broker.up} aria-label={named(t.crash)} title={t.crash_why}
                    onclick={act(Fault::Crash(broker.id))}>{t.crash}</button>
                <button class="ctl" data-fault="power-cut" disabled={!broker.up} aria-label={named(t.power_cut)} title={t.power_cut_why}
                    onclick={act(Fault::PowerCut(broker.id))}>{t.power_cut}</button>
                <button class={classes!("ctl", (!broker.up).then_some("primary"))} data-fault="restart" aria-label={named(t.restart)}
                    title={t.restart_why} onclick={act(Fault::Restart(broker.id))}>{t.restart}</button>
                <button class="ctl" data-act="export" aria-label={named(ctx.lang.log_dirs().export)} title={ctx.lang.log_dirs().export_why}
                    onclick={export(ctx, Some(broker.id))}>{ctx.lang.log_dirs().export}</button>
                // The voters of the quorum stay.
                if broker.quorum == "observer" {
                    <button class="ctl" data-act="remove" disabled={broker.state == "shutting-down"} aria-label={named(t.remove_broker)}
                        title={t.remove_broker_why} onclick={press(ctx, format!("broker remove {id}"))}>{t.remove_broker}</button>
                }
            </div>
        </article>
    }
}

/// Its part in the metadata quorum: a filled hexagon leads, a hollow one votes, none looks on.
fn quorum(ctx: &Ctx, broker: &BrokerView) -> Html {
    let t = ctx.t;
    let hexagon = |class: &'static str| {
        html! {
            <svg class={classes!("hex", class)} viewBox="0 0 12 12" aria-hidden="true"><path d="M6 .8l4.6 2.6v5.2L6 11.2 1.4 8.6V3.4z" /></svg>
        }
    };
    let (mark, words) = match broker.quorum.as_str() {
        "leader" => (hexagon("full"), t.controller_leader),
        "voter" => (hexagon("hollow"), t.quorum_voter),
        _ => (Html::default(), t.quorum_observer),
    };
    html! {
        <span class="meta" data-quorum={broker.quorum.clone()}>{mark}{words}
            if broker.controller_epoch >= 0 { {" · "}{fill(t.quorum_epoch, &[&broker.controller_epoch.to_string()])} }
        </span>
    }
}

/// The faults in force, each with what takes it away.
fn faults(ctx: &Ctx, faults: &[String]) -> Html {
    let t = ctx.t;
    html! {
        <div class="mach faults">
            <h3>{t.faults}{" "}<span class="times">{faults.len()}</span></h3>
            <p>{t.faults_more}</p>
            <ul>{ for faults.iter().map(|line| {
                let undone = undo(line).map(|undo| {
                    let (ctx, label) = (ctx.clone(), fill(t.undo_label, &[line, &undo]));
                    let onclick = Callback::from(move |_: MouseEvent| {
                        // What a button does needs no free console.
                        match undo.strip_prefix("restart ").and_then(|id| id.parse().ok()) {
                            Some(id) => ctx.ask(&Command::Fault(Fault::Restart(id))),
                            None => drop(ctx.run(&format!("fault {undo}"))),
                        }
                    });
                    html! { <button class="ctl" aria-label={label.clone()} title={label} {onclick}>{t.undo}</button> }
                });
                html! { <li data-line={line.clone()}><code>{format!("fault {line}")}</code>{undone.unwrap_or_default()}</li> }
            }) }</ul>
        </div>
    }
}

/// The fault line that takes away what a fault line did.
fn undo(line: &str) -> Option<String> {
    let words: Vec<_> = line.split_whitespace().collect();
    match words[..] {
        ["crash" | "power-cut" | "shutdown", id, ..] => Some(format!("restart {id}")),
        ["pause", id, ..] => Some(format!("resume {id}")),
        ["skew", id, ..] => Some(format!("skew {id} 0")),
        ["disk", "slow", id, ..] => Some(format!("disk slow {id} 1")),
        ["page-cache", id, ..] => Some(format!("page-cache {id} default")),
        ["disk", _, id, ..] => Some(format!("disk ok {id}")),
        ["cut" | "cut-oneway" | "latency" | "jitter" | "bandwidth" | "drop" | "reorder", one, other, ..] => {
            Some(format!("heal {one} {other}"))
        }
        ["isolate", one, ..] => Some(format!("heal {one}")),
        ["request" | "lose-response", one, ..] => Some(format!("heal {one}")),
        ["on", _, "as", name, ..] => Some(format!("off {name}")),
        ["disarm", name] => Some(format!("arm {name}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_its_way_back() {
        for (line, want) in [
            ("crash 3", Some("restart 3")),
            ("power-cut 1", Some("restart 1")),
            ("shutdown 2", Some("restart 2")),
            ("pause 2 500", Some("resume 2")),
            ("skew 1 -40", Some("skew 1 0")),
            ("disk full 3", Some("disk ok 3")),
            ("disk fail 3 10", Some("disk ok 3")),
            ("disk slow 3 8", Some("disk slow 3 1")),
            ("page-cache 2 8388608", Some("page-cache 2 default")),
            ("cut 1 3", Some("heal 1 3")),
            ("latency 1 clients 50", Some("heal 1 clients")),
            ("request 2 Fetch error 3", Some("heal 2")),
            ("lose-response 2 Produce", Some("heal 2")),
            ("on Produce as t1 once drop", Some("off t1")),
            ("disarm t1", Some("arm t1")),
            ("", None),
            ("something new", None),
        ] {
            assert_eq!(undo(line).as_deref(), want, "{line}");
        }
    }
}
