//! What is in flight as a table, for who does not see the picture.

use blumfeld_view::{ClientRole, ClientView, TokenState, TokenView};
use gloo_timers::callback::Interval;
use yew::prelude::*;

use crate::ctx::{Ctx, use_ctx};
use crate::format::size;
use crate::model::Shared;
use crate::text::{Text, fill};

/// It is looked at this often, in milliseconds.
const LOOKED_MS: u32 = 500;
/// So many messages have rows; the rest is drawn alone.
const ROWS: usize = 60;

/// Whom the messages are from.
#[derive(Properties, PartialEq)]
pub struct TokenTableProps {
    /// Producers and consumers.
    pub clients: Shared<Vec<Shared<ClientView>>>,
}

/// The table.
#[component]
pub fn TokenTable(props: &TokenTableProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let told = use_state_eq(|| ctx.scene.tokens());
    use_effect_with((), {
        let (scene, told) = (ctx.scene.clone(), told.clone());
        move |()| {
            let look = Interval::new(LOOKED_MS, move || told.set(scene.tokens()));
            move || drop(look)
        }
    });
    let t = ctx.t;
    let (now, tokens) = &*told;
    html! {
        <div class="mach scroll token-table" tabindex="0" aria-label={t.tokens_table}><table class="tb">
            <thead><tr><th scope="col">{t.token_api}</th><th scope="col">{t.token_from}</th><th scope="col">{t.token_to}</th>
                <th scope="col">{t.partition}</th><th scope="col" class="num">{t.size}</th><th scope="col">{t.token_state}</th></tr></thead>
            <tbody>{ for tokens.iter().take(ROWS).map(|token| row(&ctx, &props.clients, token, *now)) }</tbody>
        </table></div>
    }
}

fn row(ctx: &Ctx, clients: &[Shared<ClientView>], token: &TokenView, now: u64) -> Html {
    let t = ctx.t;
    let (client, broker) = (name(t, clients, token.client), name(t, clients, token.broker));
    let (from, to) = if token.key.answer { (broker, client) } else { (client, broker) };
    let about = token.partitions.iter().map(|(topic, number)| format!("{topic}-{number}"));
    let what = if token.key.answer { fill(t.token_answer, &[&token.api]) } else { token.api.clone() };
    let pick = {
        let (ctx, key) = (ctx.clone(), token.key);
        Callback::from(move |_: MouseEvent| ctx.pick(key))
    };
    html! {
        // A row is a message: one that is clicked does not become another meanwhile.
        <tr key={format!("{}.{}.{}", token.key.connection, token.key.correlation_id, token.key.answer)}><th scope="row"><button class="link" onclick={pick}>{what}</button></th><td>{from}</td><td>{to}</td><td>{about.collect::<Vec<_>>().join(", ")}</td>
            <td class="num">{size(token.bytes)}</td><td class={(!token.error.is_empty()).then_some("bad")}>{state(t, token, now)}</td></tr>
    }
}

/// How a node is called.
pub fn name(t: &'static Text, clients: &[Shared<ClientView>], node: i32) -> String {
    let known = clients.iter().find(|client| client.id == node);
    match known.map(|client| (client, &client.role)) {
        Some((client, _)) if !client.name.is_empty() => client.name.clone(),
        Some((_, ClientRole::Producer(role))) => role.client_id.clone(),
        Some((_, ClientRole::Consumer(role))) => role.client_id.clone(),
        None if node < FIRST_CLIENT => fill(t.broker, &[&node.to_string()]),
        None => side(node),
    }
}

/// How faults name a node.
pub fn side(node: i32) -> String {
    if node < FIRST_CLIENT { node.to_string() } else { format!("client-{}", node - FIRST_CLIENT) }
}

/// Ids from this one on are clients'.
const FIRST_CLIENT: i32 = 1_000;

/// How a message stands, in words.
pub fn state(t: &'static Text, token: &TokenView, now: u64) -> String {
    let ms = |micros: u64| format!("{:.3}", micros as f64 / 1e3);
    let said = match token.state {
        TokenState::Travels(at) => fill(t.token_travels, &[&ms(at.saturating_sub(now))]),
        TokenState::Waits(at) => fill(t.token_waits, &[&ms(now.saturating_sub(at))]),
        TokenState::Stalls => t.token_stalls.to_owned(),
        TokenState::Lost(_) => t.token_lost.to_owned(),
    };
    if token.error.is_empty() { said } else { format!("{}; {said}", token.error) }
}
