//! The cluster of the time before KRaft: its brokers, znodes and messages, and how both kinds compare.

use blumfeld_view::{Command, EraBrokerView, FailoverSide, FailoverView, ZooKeeperDeed, ZooKeeperView};
use yew::prelude::*;

use crate::browser;
use crate::ctx::{Ctx, use_ctx};
use crate::format::{count, moment, size};
use crate::model::Shared;
use crate::text::{EraText, fill};

/// How many partitions can be compared with.
const COMPARED: [i32; 3] = [10, 1_000, 10_000];

/// What the screen shows.
#[derive(Properties, PartialEq)]
pub struct EraProps {
    /// How the cluster stands.
    pub view: Option<Shared<ZooKeeperView>>,
    /// Whether the engine takes commands.
    pub ready: bool,
    /// What was measured, by the number of partitions.
    pub measured: Vec<FailoverView>,
}

/// The screen.
#[component]
pub fn Era(props: &EraProps) -> Html {
    let ctx = use_ctx();
    use_effect_with(props.ready && props.view.is_none(), {
        let ctx = ctx.clone();
        move |wanted| {
            if let Some(ctx) = ctx.filter(|_| *wanted) {
                ctx.ask(&Command::ZooKeeper(ZooKeeperDeed::Begin(browser::draw_seed())));
            }
        }
    });
    let Some(ctx) = ctx else { return Html::default() };
    let t = ctx.lang.era();
    let does = |deed: ZooKeeperDeed| does(&ctx, deed);
    html! {
        <section class="screen era" aria-labelledby="h-era">
            <header class="bar"><h2 id="h-era">{t.title}</h2>
                if let Some(view) = &props.view { <span class="meta mono" id="era-now">{moment(view.now)}</span> }
                <span class="acts end">
                    <button class="ctl primary" id="era-settle" onclick={does(ZooKeeperDeed::Settle)}>{t.settle}</button>
                    <button class="ctl" id="era-second" onclick={does(ZooKeeperDeed::Run(1_000_000))}>{t.second}</button>
                    <button class="ctl" id="era-ten" onclick={does(ZooKeeperDeed::Run(10_000_000))}>{t.ten}</button>
                    <button class="ctl" onclick={does(ZooKeeperDeed::Heal)}>{t.heal}</button>
                    <button class="ctl" id="era-anew" onclick={does(ZooKeeperDeed::Begin(browser::draw_seed()))}>{t.anew}</button>
                </span></header>
            <p class="meta about-lessons">{t.about}</p>
            if let Some(view) = &props.view { {cluster(&ctx, view)} }
            {comparison(&ctx, &props.measured)}
        </section>
    }
}

fn does(ctx: &Ctx, deed: ZooKeeperDeed) -> Callback<MouseEvent> {
    let ctx = ctx.clone();
    Callback::from(move |_: MouseEvent| ctx.ask(&Command::ZooKeeper(deed.clone())))
}

fn cluster(ctx: &Ctx, view: &ZooKeeperView) -> Html {
    let t = ctx.lang.era();
    html! { <>
        <div class="era-brokers">
            { for view.brokers.iter().map(|broker| card(ctx, broker)) }
            <article class="mach"><header><h3>{t.create}</h3></header>
                <p class="acts">{ for [3, 30, 300].map(|partitions| html! {
                    <button class="ctl small" data-partitions={partitions.to_string()} onclick={does(ctx, ZooKeeperDeed::CreateTopic(partitions))}>{fill(t.partitions_of, &[&partitions.to_string()])}</button>
                }) }</p>
                {counts(t, view)}
            </article>
        </div>
        <div class="era-two">
            <div><h3 id="h-znodes">{t.znodes}</h3>
                <div class="scroll" tabindex="0" role="region" aria-labelledby="h-znodes"><table class="tb">
                    <thead><tr><th scope="col">{t.path}</th><th scope="col">{t.data}</th><th scope="col" class="num">{t.version}</th></tr></thead>
                    <tbody>{ for view.znodes.iter().map(|znode| html! {
                        <tr data-path={znode.path.clone()}><th scope="row" class="mono">{&znode.path}if znode.ephemeral { {" "}<span class="state still">{t.ephemeral}</span> }</th>
                            <td class="mono says">{&znode.data}</td><td class="num">{znode.version}</td></tr>
                    }) }</tbody></table></div>
                if view.znodes_left_out > 0 { <p class="meta">{fill(t.znodes_more, &[&view.znodes_left_out.to_string()])}</p> }
            </div>
            <section aria-labelledby="h-era-messages"><h3 id="h-era-messages">{t.messages}</h3>
                <ol class="scroll era-messages" tabindex="0" aria-labelledby="h-era-messages">{ for view.messages.iter().rev().map(|one| html! {
                    <li key={one.number.to_string()} data-sort={one.sort.clone()}><time>{moment(one.at)}</time><span class="way">{format!("{} → {}", one.from, one.to)}</span>
                        <b>{&one.name}</b><span class="meta">{sort(t, &one.sort)}</span><code title={one.says.clone()}>{&one.says}</code></li>
                }) }</ol>
            </section>
        </div>
    </> }
}

/// What a message is, in words.
fn sort(t: &EraText, word: &str) -> &'static str {
    match word {
        "request" => t.request,
        "answer" => t.answer,
        _ => t.event,
    }
}

fn counts(t: &EraText, view: &ZooKeeperView) -> Html {
    let row = |name: &'static str, all: &[(String, u64)]| {
        let told: Vec<String> = all
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        html! { <div><dt>{name}</dt><dd>{told.join(" · ")}</dd></div> }
    };
    html! { <><h4>{t.counts}</h4><dl class="era-counts">{row(t.to_zookeeper, &view.to_zookeeper)}{row(t.between, &view.between_brokers)}</dl></> }
}

fn card(ctx: &Ctx, broker: &EraBrokerView) -> Html {
    let t = ctx.lang.era();
    let id = broker.id;
    let (up, paused) = (broker.state != "crashed", broker.state == "paused");
    let button = |name: &'static str, word: &'static str, deed: ZooKeeperDeed, on: bool| {
        html! { <button class="ctl small" data-deed={word} disabled={!on} onclick={does(ctx, deed)}>{name}</button> }
    };
    html! {
        <article class={classes!("mach", broker.state.clone())} data-era-broker={id.to_string()}>
            <header><h3>{fill(t.broker, &[&id.to_string()])}</h3>
                if broker.is_controller { <span class="state still">{t.controller}</span> }
                if !up { <span class="state broken">{t.crashed}</span> } else if paused { <span class="state still">{t.paused}</span> }</header>
            <p class="meta">{if broker.connected { t.session } else { t.no_session }}{" · "}{fill(t.epoch, &[&broker.controller_epoch.to_string()])}</p>
            <p>{fill(t.leads, &[&broker.leads.to_string(), &broker.replicas.to_string()])}</p>
            if !broker.doing.is_empty() { <p class="meta">{&broker.doing}</p> }
            <p class="acts">{button(t.crash, "crash", ZooKeeperDeed::Crash(id), up)}{button(t.start, "start", ZooKeeperDeed::Start(id), !up)}
                {button(t.pause, "pause", ZooKeeperDeed::Pause(id), up && !paused)}{button(t.resume, "resume", ZooKeeperDeed::Resume(id), paused)}
                {button(t.cut, "cut", ZooKeeperDeed::Cut(id), up)}</p>
        </article>
    }
}

/// Both kinds beside each other, each as a bar of what takes its time and as a row of numbers.
fn comparison(ctx: &Ctx, measured: &[FailoverView]) -> Html {
    let t = ctx.lang.era();
    let most = measured
        .iter()
        .flat_map(|one| [&one.zookeeper, &one.kraft])
        .flatten()
        .map(|side| side.known)
        .max()
        .unwrap_or(1)
        .max(1);
    let measures = COMPARED.map(|partitions| {
        let ctx = ctx.clone();
        let ask = Callback::from(move |_: MouseEvent| ctx.ask(&Command::Failover(partitions)));
        html! { <button class="ctl" data-measure={partitions.to_string()} onclick={ask}>{fill(t.measure, &[&count(i64::from(partitions))])}</button> }
    });
    html! {
        <section class="mach era-compare" aria-labelledby="h-era-compare"><h3 id="h-era-compare">{t.compare}</h3>
            <p class="meta about-lessons">{t.compare_why}</p>
            <p class="acts">{ for measures }</p>
            if !measured.is_empty() {
                <ul class="era-legend"><li class="k-elect">{t.detection}</li><li class="k-read">{t.reading}</li><li class="k-tell">{t.telling}</li></ul>
                <div class="scroll"><table class="tb"><thead><tr><th scope="col">{t.kind}</th><th scope="col">{""}</th><th scope="col" class="num">{t.elected}</th><th scope="col" class="num">{t.read_back}</th>
                    <th scope="col" class="num">{t.known}</th><th scope="col" class="num">{t.requests}</th><th scope="col" class="num">{t.bytes}</th></tr></thead>
                    <tbody>{ for measured.iter().flat_map(|one| [(t.zookeeper, one, &one.zookeeper), (t.kraft, one, &one.kraft)]).map(|(name, one, side)| row(t, name, one.partitions, side.as_ref(), most)) }</tbody></table></div>
            }
        </section>
    }
}

fn row(t: &EraText, name: &str, partitions: i32, side: Option<&FailoverSide>, most: u64) -> Html {
    let title = format!("{name} · {}", count(i64::from(partitions)));
    let Some(side) = side else {
        return html! { <tr data-of={format!("{name}-{partitions}")}><th scope="row">{title}</th><td colspan="6">{t.measuring}</td></tr> };
    };
    let seconds = |micros: u64| format!("{}.{:03} s", micros / 1_000_000, micros / 1_000 % 1_000);
    #[allow(clippy::cast_precision_loss, reason = "microseconds of ten minutes at most")]
    let share = |micros: u64| micros as f64 * 1_000.0 / most as f64;
    let (elected, read) = (share(side.elected), share(side.read_back));
    let bar = |class: &'static str, from: f64, to: f64| html! { <rect {class} x={format!("{from:.1}")} y="2" width={format!("{:.1}", (to - from).max(2.0))} height="8" /> };
    html! {
        <tr data-of={format!("{name}-{partitions}")}><th scope="row">{title}</th>
            <td class="bar-cell"><svg viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true">{bar("k-elect", 0.0, elected)}{bar("k-read", elected, read)}{bar("k-tell", read, share(side.known))}</svg></td>
            <td class="num">{seconds(side.elected)}</td><td class="num">{seconds(side.read_back)}</td><td class="num"><b>{seconds(side.known)}</b></td>
            <td class="num">{count(i64::try_from(side.to_zookeeper + side.between_brokers).unwrap_or(i64::MAX))}</td><td class="num">{size(side.bytes)}</td></tr>
    }
}
