//! Producers and consumers: what waits, what is in flight, who reads what and how far; and how one adds and stops them.

use blumfeld_view::{
    ClientRole, ClientState, ClientView, ConsumerView, InFlightView, ProducerView, ReadView, WaitingView,
};
use yew::prelude::*;

use super::asked::{asked, fact};
use super::client_form::ClientForm;
use super::strip::pattern;
use super::{command_line, icon, identity, partition_name};
use crate::browser;
use crate::ctx::{Ctx, use_ctx};
use crate::format::{count, size};
use crate::lag::{lag, total};
use crate::model::{PartitionName, Shared};
use crate::text::{Text, fill};
use crate::workload::{Kind, quoted};

/// More requests than this are not drawn one by one.
pub const DOTS: u32 = 10;
/// The circumference of the ring of `linger.ms`.
const RING: f64 = std::f64::consts::TAU * 5.0;

/// What the screen shows.
#[derive(Properties, PartialEq)]
pub struct ClientsProps {
    /// Producers and consumers.
    pub clients: Shared<Vec<Shared<ClientView>>>,
    /// Names of the topics of the user's.
    pub topics: Vec<String>,
    /// Virtual now, in microseconds.
    pub now: u64,
    /// The chosen partition: its topic is proposed.
    pub chosen: Option<PartitionName>,
}

/// The screen.
#[component]
pub fn Clients(props: &ClientsProps) -> Html {
    let adding = use_state(|| None::<Kind>);
    let buttons = [use_node_ref(), use_node_ref()];
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let (clients, topics) = (&props.clients, &props.topics);
    let proposed = props.chosen.as_ref().map(|chosen| chosen.topic.clone());
    let topic = proposed.filter(|name| topics.contains(name)).or_else(|| topics.first().cloned());
    let open = |kind: Kind| {
        let adding = adding.clone();
        let to = if *adding == Some(kind) { None } else { Some(kind) };
        Callback::from(move |_: MouseEvent| adding.set(to))
    };
    let close = {
        let (adding, buttons) = (adding.clone(), buttons.clone());
        Callback::from(move |()| {
            // The form takes the focus with it: it goes back to what opened it.
            if let Some(kind) = *adding {
                browser::focus(buttons[kind as usize].cast());
            }
            adding.set(None);
        })
    };
    let add = |kind: Kind, id: &'static str, name: &'static str| {
        let primary = clients.is_empty() && adding.is_none() && kind == Kind::Producer;
        html! {
            <button {id} ref={buttons[kind as usize].clone()} class={classes!("ctl", primary.then_some("primary"))} disabled={topics.is_empty()}
                aria-expanded={(*adding == Some(kind)).to_string()} onclick={open(kind)}>{icon("plus")}{name}</button>
        }
    };
    let stoppable = clients.iter().any(|client| !client.name.is_empty());
    let stop_all = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.press(STOP_ALL))
    };
    let writes = |client: &&Shared<ClientView>| matches!(client.role, ClientRole::Producer(_));
    let (producers, consumers): (Vec<_>, Vec<_>) = clients.iter().partition(writes);
    html! {
        <section class="screen clients" aria-labelledby="h-clients">
            <header class="bar"><h2 id="h-clients">{t.client_title}</h2><span class="times">{clients.len()}</span>
                {add(Kind::Producer, "add-producer", t.add_producer)}{add(Kind::Consumer, "add-consumer", t.add_consumer)}
                if stoppable { <button id="stop-all" class="ctl end" title={STOP_ALL} onclick={stop_all}>{t.stop_all}</button> }
            </header>
            if let Some((kind, topic)) = adding.zip(topic) {
                <ClientForm key={if kind == Kind::Producer { "producer" } else { "consumer" }} {kind} {topic} topics={topics.clone()} taken={clients.iter().filter(|client| !matches!(client.state, ClientState::Ended(_))).map(|client| client.name.clone()).collect::<Vec<_>>()} {close} />
            }
            if topics.is_empty() && !ctx.nobody {
                <div class="mach about empty"><h3>{t.no_topics}</h3><p>{t.needs_topic}</p>
                    <p><a class="link" href="#topics">{t.to_topics}</a></p></div>
            } else if clients.is_empty() && adding.is_none() {
                <div class="mach about empty"><h3>{t.no_clients}</h3><p>{t.no_clients_why}</p></div>
            }
            {section(t.producers, "producers", &producers, Some(props.now))}
            {section(t.consumers, "consumers", &consumers, None)}
        </section>
    }
}

const STOP_ALL: &str = "workload stop all";

fn section(name: &str, class: &'static str, clients: &[&Shared<ClientView>], now: Option<u64>) -> Html {
    if clients.is_empty() {
        return Html::default();
    }
    html! {
        <section class={class} aria-label={name.to_owned()}>
            <h3 class="sect">{name}{" "}<span class="times">{clients.len()}</span></h3>
            <div class="cli-cards">{ for clients.iter().map(|client| html! { <Card key={client.id} client={Shared::clone(client)} {now} /> }) }</div>
        </section>
    }
}

fn client_id(client: &ClientView) -> &str {
    match &client.role {
        ClientRole::Producer(producer) => &producer.client_id,
        ClientRole::Consumer(consumer) => &consumer.client_id,
    }
}

#[derive(Properties, PartialEq)]
struct CardProps {
    client: Shared<ClientView>,
    /// Virtual now, where something of the client is a matter of time.
    now: Option<u64>,
}

#[component]
fn Card(props: &CardProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let (t, ctx, client, now) = (ctx.t, &ctx, &props.client, props.now.unwrap_or(0));
    let name = if client.name.is_empty() { client_id(client) } else { &client.name };
    let state = match client.state {
        ClientState::Running => Html::default(),
        ClientState::Stopping => {
            html! { <span class="state still" data-state="stopping">{t.client_stopping}</span> }
        }
        ClientState::Ended(0) => {
            html! { <span class="state still" data-state="ended">{t.client_ended}</span> }
        }
        ClientState::Ended(code) => {
            html! { <span class="state degraded" data-state="ended">{fill(t.client_failed, &[&code.to_string()])}</span> }
        }
    };
    html! {
        <article class="mach cli" data-client={name.to_owned()}>
            <header>
                <h4>{name}</h4>{state}
                <span class="meta end" title={client.line.clone()}>{&client.process}</span>
                {stop(ctx, client)}
            </header>
            { match &client.role {
                ClientRole::Producer(producer) => writes(ctx, client, producer, now),
                ClientRole::Consumer(consumer) => reads(ctx, client, consumer),
            } }
            <code class="cmd">{command_line(&client.line)}</code>
            if !client.output.is_empty() {
                <details class="tail"><summary>{t.last_lines}</summary><pre tabindex="0">{client.output.join("\n")}</pre></details>
            }
        </article>
    }
}

/// What ends it: a word in the console, or Ctrl-C there.
fn stop(ctx: &Ctx, client: &ClientView) -> Html {
    let t = ctx.t;
    if client.name.is_empty() {
        return html! { <span class="meta">{t.in_console}</span> };
    }
    let line = format!("workload stop {}", quoted(&client.name));
    let (word, label) = match client.state {
        ClientState::Running => (t.stop, fill(t.stop_label, &[&client.name])),
        ClientState::Stopping => (t.stop_now, format!("{}: {}", client.name, t.stop_now)),
        ClientState::Ended(_) => (t.put_away, fill(t.remove, &[&client.name])),
    };
    let (ctx, title) = (ctx.clone(), line.clone());
    let onclick = Callback::from(move |_: MouseEvent| ctx.press(&line));
    html! { <button class="ctl" data-act="stop" {title} aria-label={label} {onclick}>{word}</button> }
}

/// A rate as it is read: whole where it is large.
fn rate(of: f64) -> String {
    if of == 0.0 || of >= 100.0 { count(of.round() as i64) } else { format!("{of:.1}") }
}

fn number(class: Option<&'static str>, key: &str, value: String, what: &'static str) -> Html {
    html! { <div><dt>{key.to_owned()}</dt><dd {class} data-num={what}>{value}</dd></div> }
}

fn writes(ctx: &Ctx, client: &ClientView, producer: &ProducerView, now: u64) -> Html {
    let t = ctx.t;
    let unanswered = producer.acks == "0";
    let share = producer.buffer_used as f64 / producer.buffer_memory.max(1) as f64 * 100.0;
    let bad = |number: u64| (number > 0).then_some("late");
    html! { <>
        <p class="meta">{format!("acks={}", producer.acks)}
            if producer.idempotent { {" · "}{t.idempotent} }
            if producer.producer_id >= 0 {
                {" · "}{fill(t.pid, &[&producer.producer_id.to_string(), &producer.producer_epoch.to_string()])}
            }
            if let Some(transaction) = &producer.transaction {
                {format!(" · transactional.id={} ", transaction.id)}<b data-txn={transaction.state.clone()}>{&transaction.state}</b>
            }
            {format!(" · linger.ms={} · batch.size={}", producer.linger_ms, count(producer.batch_size))}
        </p>
        <dl class="kv cli-nums">
            {number(None, t.rate, rate(client.rate), "rate")}
            {number(None, if unanswered { t.sent_only } else { t.acknowledged }, count(producer.acknowledged), "acknowledged")}
            {number(None, t.batches_sent, count(producer.batches), "batches")}
            {number(None, t.produce_requests, count(producer.requests), "requests")}
            {number(None, t.sent_again, count(producer.retries), "retries")}
            {number(bad(producer.failed), t.failed, count(producer.failed), "failed")}
        </dl>
        <div class="scroll"><table class="tb waits">
            <caption class="cap2">{t.waiting}</caption>
            <thead><tr><th scope="col">{t.partition}</th><th scope="col">{"batch.size"}</th><th scope="col" class="num">{t.size}</th>
                <th scope="col" class="num">{t.records}</th><th scope="col" class="num">{t.batches}</th><th scope="col">{"linger"}</th></tr></thead>
            <tbody>
                if producer.waiting.is_empty() { <tr><td colspan="6" class="none">{t.nothing_waits}</td></tr> }
                { for producer.waiting.iter().map(|waiting| waits(ctx, producer, waiting, now)) }
            </tbody>
        </table></div>
        if producer.waiting_left_out > 0 { <p class="meta">{fill(t.more_partitions, &[&producer.waiting_left_out.to_string()])}</p> }
        <div class="gauge"><span class="k">{"buffer.memory"}</span>
            <span class="num">{size(producer.buffer_used)}{" / "}{size(producer.buffer_memory)}</span>
            <svg class="bar-svg" height="4" aria-hidden="true"><rect class="room" width="100%" height="4" />
                <rect class="dirty" width={format!("{:.2}%", share.min(100.0))} height="4" /></svg>
        </div>
        <div class="flights"><span class="k">{t.in_flight}</span>
            if producer.in_flight.is_empty() { <span class="meta">{t.not_connected}</span> }
            <ul>{ for producer.in_flight.iter().map(|to| flight(t, to, producer.max_in_flight)) }</ul>
        </div>
    </> }
}

/// How full the oldest batch of a partition is and how much of `linger.ms` it has waited, 0 to 1, and the milliseconds of
/// that.
pub fn ripeness(producer: &ProducerView, waiting: &WaitingView, now: u64) -> (f64, f64, f64) {
    let filled = (waiting.open_bytes as f64 / producer.batch_size.max(1) as f64).min(1.0);
    // Behind one that is full a new one is open: the oldest is what is next to go.
    let filled = if waiting.batches > 1 { 1.0 } else { filled };
    let linger = producer.linger_ms.max(0) as f64 * 1e3;
    let age = waiting.since.map(|since| now.saturating_sub(since) as f64);
    let ripe = age.map_or(0.0, |age| if linger > 0.0 { (age / linger).min(1.0) } else { 1.0 });
    let waited = age.map_or(0.0, |age| (age / 1e3).min(producer.linger_ms.max(0) as f64));
    (filled, ripe, waited)
}

/// The ring of `linger.ms`, filled as far as it is over.
pub fn ring(ripe: f64, words: String) -> Html {
    html! {
        <svg viewBox="0 0 14 14" width="14" height="14" role="img" aria-label={words.clone()}><title>{words}</title>
            <circle class="room" cx="7" cy="7" r="5" /><circle class="ripe" cx="7" cy="7" r="5" transform="rotate(-90 7 7)"
                stroke-dasharray={format!("{:.2} {RING:.2}", ripe * RING)} /></svg>
    }
}

/// What waits for a partition: bytes of `batch.size`, and the oldest batch's share of `linger.ms`.
fn waits(ctx: &Ctx, producer: &ProducerView, waiting: &WaitingView, now: u64) -> Html {
    let t = ctx.t;
    let WaitingView { topic, partition, batches, records, bytes, open_bytes, ready, .. } = waiting;
    let (filled, ripe, waited) = ripeness(producer, waiting, now);
    let mut lingers = fill(t.linger_of, &[&format!("{waited:.0}"), &producer.linger_ms.to_string()]);
    if *ready {
        lingers = format!("{lingers}; {}", t.ready);
    }
    let (id, width) = (identity(*partition), format!("{:.2}%", filled * 100.0));
    let why = fact("accumulated", &[&producer.client_id, topic], &[*partition]);
    let fills = fill(t.fill_of, &[&count(*open_bytes), &count(producer.batch_size)]);
    html! {
        <tr data-p={id.clone()} data-waiting={format!("{topic}-{partition}")}>
            <th scope="row">{partition_name(topic, *partition)}</th>
            <td class="fill"><svg class="bar-svg" height="10" role="img" aria-label={fills.clone()}><title>{fills}</title>
                <rect class="room" width="100%" height="10" />
                <rect class="part-fill" width={width.clone()} height="10" />
                <rect width={width} height="10" fill={pattern(&id)} /></svg>
                <i class="go" aria-hidden="true">{if *ready { "▸" } else { "" }}</i></td>
            <td class="num">{size(*bytes)}</td><td class="num">{asked(ctx, &why, count(*records))}</td><td class="num">{count(*batches)}</td>
            <td class="ring">{ring(ripe, lingers)}</td>
        </tr>
    }
}

/// Requests in flight to a broker, of as many as may be.
fn flight(t: &'static Text, to: &InFlightView, most: u32) -> Html {
    let id = to.broker.to_string();
    let words =
        fill(t.in_flight_to, &[&id, &to.requests.to_string(), &most.to_string(), &to.batches.to_string()]);
    html! {
        <li title={words.clone()} data-flight={id.clone()}><span class="vh">{words}</span>
            <span aria-hidden="true">{fill(t.broker_short, &[&id])}</span>
            if most <= DOTS {
                <span class="dots" aria-hidden="true">{ for (0..most).map(|at| html! { <i class={(at < to.requests).then_some("on")}></i> }) }</span>
            }
            <span class="num" aria-hidden="true">{format!("{}/{most}", to.requests)}</span>
            if to.batches > 0 { <span class="meta" aria-hidden="true">{fill(t.in_flight_batches, &[&to.batches.to_string()])}</span> }
        </li>
    }
}

fn reads(ctx: &Ctx, client: &ClientView, consumer: &ConsumerView) -> Html {
    let t = ctx.t;
    // What is under way is filled ink; a state of rest is a word.
    let busy = consumer.step.ends_with("Rebalance") || consumer.step == "Leaving";
    let lags = consumer.partitions.iter().map(|read| lag(read.committed, read.high_watermark));
    let total = total(lags).map_or_else(|| "–".to_owned(), count);
    let works = match (&consumer.working, consumer.processed) {
        (Some(on), _) => {
            let at = format!("{}-{}@{}", on.topic, on.partition, count(on.offset));
            Some(fill(t.works_on, &[&at, &count(on.left)]))
        }
        (None, Some(_)) if client.state == ClientState::Running => Some(t.works_not.to_owned()),
        (None, _) => None,
    };
    html! { <>
        <p class="meta facts2">
            if !consumer.group.is_empty() {
                <span>{fill(t.group_of, &[&consumer.group])}</span>
                <span class={classes!(busy.then_some("busy"))} data-step={consumer.step.clone()}>{&consumer.step}</span>
            }
            if consumer.generation >= 0 { <span>{fill(t.generation, &[&consumer.generation.to_string()])}</span> }
            if consumer.coordinator >= 0 { <span>{fill(t.coordinator, &[&consumer.coordinator.to_string()])}</span> }
            <span>{&consumer.assignors}</span>
            if !consumer.instance.is_empty() { <span>{fill(t.static_member, &[&consumer.instance])}</span> }
            if let Some(transaction) = &consumer.transaction {
                <span>{format!("transactional.id={} ", transaction.id)}<b data-txn={transaction.state.clone()}>{&transaction.state}</b></span>
            }
        </p>
        if !consumer.member.is_empty() { <p class="meta member-id" title={consumer.member.clone()}>{t.member}{" "}<code>{&consumer.member}</code></p> }
        <dl class="kv cli-nums">
            {number(None, t.rate, rate(client.rate), "rate")}
            if let Some(processed) = consumer.processed { {number(None, t.processed, count(processed), "processed")} }
            {number(None, t.received, count(consumer.received), "received")}
            {number(None, t.fetches, count(consumer.fetches), "fetches")}
            {number(None, t.lag_word, total, "lag")}
        </dl>
        if let Some(works) = works { <p class="works">{works}</p> }
        if consumer.partitions.is_empty() { <p class="none">{t.no_assignment}</p> } else {
            <div class="scroll"><table class="tb reads">
                <thead><tr><th scope="col">{t.partition}</th><th scope="col" class="num">{t.position}</th><th scope="col" class="num">{t.committed}</th>
                    <th scope="col" class="num">{"HW"}</th><th scope="col" class="num">{t.lag}</th></tr></thead>
                <tbody>{ for consumer.partitions.iter().map(read) }</tbody>
            </table></div>
        }
        if consumer.partitions_left_out > 0 { <p class="meta">{fill(t.more_partitions, &[&consumer.partitions_left_out.to_string()])}</p> }
    </> }
}

fn read(read: &ReadView) -> Html {
    let known = |offset: i64| if offset < 0 { "–".to_owned() } else { count(offset) };
    html! {
        <tr data-read={format!("{}-{}", read.topic, read.partition)}>
            <th scope="row">{partition_name(&read.topic, read.partition)}</th>
            <td class="num">{known(read.position)}</td><td class="num">{known(read.committed)}</td>
            <td class="num">{known(read.high_watermark)}</td>
            <td class="num"><b>{lag(read.committed, read.high_watermark).map_or_else(|| "–".to_owned(), count)}</b></td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_short() {
        for (of, want) in [(0.0, "0"), (0.5, "0.5"), (19.96, "20.0"), (1234.5, "1,235")] {
            assert_eq!(rate(of), want);
        }
    }
}
