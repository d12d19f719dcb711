//! Transactions: as their coordinators know them, and what of them is open in the logs.

use blumfeld_view::{
    ClientRole, ClientTransactionView, ClientView, OpenTransactionView, PartitionView, TopicView,
    TransactionView,
};
use yew::prelude::*;

use super::{partition_name, swatch};
use crate::ctx::{Ctx, use_ctx};
use crate::format::{count, span};
use crate::model::Shared;
use crate::text::{TransactionText, fill};

/// What the screen shows.
#[derive(Properties, PartialEq)]
pub struct TransactionsProps {
    /// The transactional ids by id.
    pub transactions: Shared<Vec<TransactionView>>,
    /// The topics.
    pub topics: Vec<Shared<TopicView>>,
    /// Producers and consumers.
    pub clients: Shared<Vec<Shared<ClientView>>>,
    /// What the brokers' clocks show, in milliseconds since 1970-01-01 UTC.
    pub unix_ms: f64,
}

/// The screen.
#[component]
pub fn Transactions(props: &TransactionsProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let x = ctx.lang.transactions();
    let all = &props.transactions;
    let open: Vec<Open<'_>> = open(&props.topics, all);
    html! {
        <section class="screen transactions" aria-labelledby="h-transactions">
            <header class="bar"><h2 id="h-transactions">{x.title}</h2><span class="times">{all.len()}</span></header>
            if all.is_empty() && !ctx.nobody {
                <div class="mach about empty"><h3>{x.none}</h3><p>{x.none_why}</p>
                    <code>{"workload transform --from orders --to shipments --group shipping"}</code></div>
            }
            <div class="txns">{ for all.iter().map(|one| card(&ctx, one, props)) }</div>
            if !all.is_empty() || !open.is_empty() {
                <section class="mach open-txns" aria-labelledby="h-open">
                    <h3 id="h-open">{x.open_title}{" "}<span class="times">{open.len()}</span></h3>
                    <p class="why">{x.open_why}</p>
                    if open.is_empty() { <p class="meta">{x.none_open}</p> } else { {table(&ctx, x, &open)} }
                </section>
            }
        </section>
    }
}

/// What a state means, and whether something is under way in it.
fn state(x: &'static TransactionText, name: &str) -> (&'static str, bool) {
    match name {
        "Ongoing" => (x.state_ongoing, false),
        "PrepareCommit" => (x.state_prepare_commit, true),
        "PrepareAbort" => (x.state_prepare_abort, true),
        "CompleteCommit" => (x.state_complete_commit, false),
        "CompleteAbort" => (x.state_complete_abort, false),
        "PrepareEpochFence" => (x.state_fence, true),
        "Dead" => (x.state_dead, false),
        _ => (x.state_empty, false),
    }
}

/// The client that has a transactional id, and what it says of its transaction.
fn client<'a>(
    clients: &'a [Shared<ClientView>],
    id: &str,
) -> Option<(&'a ClientView, &'a ClientTransactionView)> {
    clients.iter().find_map(|client| {
        let transaction = match &client.role {
            ClientRole::Producer(producer) => producer.transaction.as_ref(),
            ClientRole::Consumer(consumer) => consumer.transaction.as_ref(),
        };
        Some((&**client, transaction.filter(|transaction| transaction.id == id)?))
    })
}

fn card(ctx: &Ctx, one: &TransactionView, props: &TransactionsProps) -> Html {
    let x = ctx.lang.transactions();
    let (words, busy) = state(x, &one.state);
    let age = (one.start_ms >= 0.0 && (busy || one.state == "Ongoing"))
        .then(|| (props.unix_ms - one.start_ms).max(0.0));
    let limit = f64::from(one.timeout_ms).max(1.0);
    let tool = "kafka-transactions.sh --bootstrap-server localhost:9092";
    let describe = format!("{tool} describe --transactional-id {}", one.id);
    let terminate = format!("{tool} forceTerminateTransaction --transactional-id {}", one.id);
    let press = |line: &str| {
        let (ctx, line) = (ctx.clone(), line.to_owned());
        Callback::from(move |_: MouseEvent| ctx.press(&line))
    };
    html! {
        <article class="mach txn" data-transaction={one.id.clone()}>
            <header>
                <h3 title={one.id.clone()}>{&one.id}</h3>
                <span class={if busy { "busy" } else { "meta" }} data-state={one.state.clone()}>{&one.state}</span>
                <span class="acts end">
                    <button class="ctl" aria-label={format!("{}: {}", x.describe, one.id)} title={describe.clone()} onclick={press(&describe)}>{x.describe}</button>
                    if one.state == "Ongoing" {
                        <button class="ctl" data-act="terminate" aria-label={format!("{}: {}", x.terminate, one.id)} title={x.terminate_why} onclick={press(&terminate)}>{x.terminate}</button>
                    }
                </span>
            </header>
            <p class="meta">{words}</p>
            if let Some(age) = age {
                <div class="gauge"><span class="k">{x.age}</span>
                    <span class="num">{fill(x.age_of, &[&span(age), &span(limit)])}</span>
                    <svg class="bar-svg" height="6" aria-hidden="true"><rect class="room" width="100%" height="6" />
                        <rect class="used" width={format!("{:.2}%", (age / limit * 100.0).min(100.0))} height="6" /></svg>
                </div>
            }
            <dl class="kv">
                <div><dt>{x.producer}</dt><dd>{format!("{} · {}", one.producer_id, one.producer_epoch)}</dd></div>
                <div><dt>{x.coordinator}</dt><dd>{fill(ctx.t.broker, &[&one.coordinator.to_string()])}</dd></div>
                <div><dt>{x.client}</dt><dd>{ match client(&props.clients, &one.id) {
                    Some((client, said)) => {
                        let name = if client.name.is_empty() { &client.process } else { &client.name };
                        html! { fill(x.client_state, &[name, &said.state]) }
                    }
                    None => html! { <span class="none">{x.no_client}</span> },
                } }</dd></div>
            </dl>
            <div class="txn-parts"><span class="k">{x.partitions}</span>
                <ul class="owns">{ for one.partitions.iter().map(|part| {
                    let label = match (busy, part.marked) {
                        (true, true) => format!(": {}", x.marked),
                        (true, false) => format!(": {}", x.awaits_marker),
                        _ => String::new(),
                    };
                    html! { <li class="chip" data-marked={busy.then(|| part.marked.to_string())} title={format!("{}-{}{label}", part.topic, part.partition)}>
                        {swatch(part.partition)}{format!("{}-{}", part.topic, part.partition)}
                        if busy { <span class="vh">{label}</span><i aria-hidden="true">{if part.marked { "✓" } else { "…" }}</i> }
                    </li> }
                }) }
                    if one.partitions.is_empty() { <li class="none">{x.no_partitions}</li> }
                </ul>
            </div>
        </article>
    }
}

/// A transaction that is open in a log.
struct Open<'a> {
    topic: &'a str,
    partition: &'a PartitionView,
    of: &'a OpenTransactionView,
    /// The transactional id; nothing if no coordinator knows it.
    id: Option<&'a str>,
}

/// The open transactions of all partitions. One that no coordinator has among the partitions of a transaction hangs.
fn open<'a>(topics: &'a [Shared<TopicView>], transactions: &'a [TransactionView]) -> Vec<Open<'a>> {
    let partitions = topics.iter().flat_map(|topic| topic.partitions.iter().map(move |one| (topic, one)));
    partitions
        .flat_map(|(topic, partition)| {
            partition.open_transactions.iter().map(move |of| {
                let owner = transactions.iter().find(|one| {
                    one.producer_id == of.producer_id
                        && one
                            .partitions
                            .iter()
                            .any(|part| part.topic == topic.name && part.partition == partition.partition)
                });
                Open { topic: &topic.name, partition, of, id: owner.map(|one| one.id.as_str()) }
            })
        })
        .collect()
}

fn table(ctx: &Ctx, x: &'static TransactionText, open: &[Open<'_>]) -> Html {
    html! {
        <div class="scroll"><table class="tb open-table">
            <thead><tr>
                <th scope="col">{x.partition}</th><th scope="col" class="num">{x.from_offset}</th><th scope="col" class="num">{x.lso}</th>
                <th scope="col" class="num">{"HW"}</th><th scope="col" class="num">{x.held_back}</th><th scope="col">{x.whose}</th>
            </tr></thead>
            <tbody>{ for open.iter().map(|one| {
                let (partition, of) = (one.partition, one.of);
                let name = format!("{}-{}", one.topic, partition.partition);
                let held = partition.high_watermark.saturating_sub(partition.last_stable).max(0);
                html! { <tr data-open={name}>
                    <th scope="row">{partition_name(one.topic, partition.partition)}</th>
                    <td class="num">{count(of.first_offset)}</td><td class="num"><b>{count(partition.last_stable)}</b></td>
                    <td class="num">{count(partition.high_watermark)}</td><td class="num">{count(held)}</td>
                    <td>{ match one.id {
                        Some(id) => html! { {id} },
                        None => hanging(ctx, x, one),
                    } }</td>
                </tr> }
            }) }</tbody>
        </table></div>
    }
}

/// What is said and done of a transaction that hangs.
fn hanging(ctx: &Ctx, x: &'static TransactionText, one: &Open<'_>) -> Html {
    let line = format!(
        "kafka-transactions.sh --bootstrap-server localhost:9092 abort --topic {} --partition {} --start-offset {}",
        one.topic, one.partition.partition, one.of.first_offset
    );
    let label = format!("{}: {}-{}", x.abort, one.topic, one.partition.partition);
    let onclick = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.press(&line))
    };
    html! { <><span class="state degraded">{format!("{} · {}", one.of.producer_id, x.hanging)}</span>
    <button class="ctl small" aria-label={label} title={x.abort_why} {onclick}>{x.abort}</button></> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_of_kafkas_has_its_words() {
        let x = &crate::text::Lang::En.transactions();
        let all = [
            ("Empty", false),
            ("Ongoing", false),
            ("PrepareCommit", true),
            ("PrepareAbort", true),
            ("CompleteCommit", false),
            ("CompleteAbort", false),
            ("Dead", false),
            ("PrepareEpochFence", true),
        ];
        let words: std::collections::BTreeSet<&str> = all.iter().map(|(name, _)| state(x, name).0).collect();
        assert_eq!(words.len(), all.len());
        assert!(all.iter().all(|(name, busy)| state(x, name).1 == *busy));
    }
}
