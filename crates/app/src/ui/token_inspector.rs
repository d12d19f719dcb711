//! A message that was picked on the stage: what it is, what is in it, and what can be done to it.

use blumfeld_view::{ClientView, FollowWhat, TokenDetail};
use gloo_timers::callback::Interval;
use yew::prelude::*;

use super::icon;
use super::token_deeds;
use super::token_table::{name, state};
use crate::ctx::use_ctx;
use crate::format::{count, moment, size};
use crate::model::Shared;
use crate::text::fill;

/// Whether it is still there is looked at this often, in milliseconds.
const LOOKED_MS: u32 = 250;
/// Bytes in a row.
const ROW: usize = 16;

/// What is shown.
#[derive(Properties, PartialEq)]
pub struct TokenInspectorProps {
    /// The message, as it was when it was picked.
    pub detail: Shared<TokenDetail>,
    /// Producers and consumers, for their names.
    pub clients: Option<Shared<Vec<Shared<ClientView>>>>,
}

/// The inspector of a message.
#[component]
pub fn TokenInspector(props: &TokenInspectorProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let detail = &*props.detail;
    let token = &detail.token;
    let clients = props.clients.as_ref().map(|clients| clients.as_slice()).unwrap_or_default();
    let (client, broker) = (name(t, clients, token.client), name(t, clients, token.broker));
    let (from, to) = if token.key.answer { (broker, client) } else { (client, broker) };
    let title = if token.key.answer { fill(t.token_answer, &[&token.api]) } else { token.api.clone() };
    // It is drawn as it was when it was picked, but for whether it is still there.
    let gone = use_state_eq(|| false);
    use_effect_with(token.key, {
        let (scene, gone, token) = (ctx.scene.clone(), gone.clone(), token.clone());
        move |_| {
            gone.set(scene.is_gone(&token));
            let look = Interval::new(LOOKED_MS, move || gone.set(scene.is_gone(&token)));
            move || drop(look)
        }
    });
    let gone = *gone;
    let close = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.unpick())
    };
    let again = {
        let (ctx, key) = (ctx.clone(), token.key);
        Callback::from(move |_: MouseEvent| ctx.pick(key))
    };
    let follow = {
        let (ctx, key) = (ctx.clone(), token.key);
        Callback::from(move |_: MouseEvent| {
            ctx.unpick();
            ctx.follow(Some(FollowWhat::Message(key)));
        })
    };
    html! {
        <aside class="insp token-insp" aria-label={t.inspector}>
            <div class="part">
                <div class="ih"><h2>{title}</h2><button class="quiet" aria-label={t.close} title={t.close} onclick={close}>{icon("x")}</button></div>
                <p class="facts">{from}{" → "}{to}</p>
                <dl class="kv">
                    <div><dt>{t.token_state}</dt><dd>{if gone { t.token_gone.to_owned() } else { state(t, token, ctx.scene.now()) }}</dd></div>
                    <div><dt>{t.token_sent}</dt><dd>{moment(token.sent)}</dd></div>
                    <div><dt>{t.token_version}</dt><dd>{token.version.to_string()}</dd></div>
                    <div><dt>{t.token_correlation}</dt><dd>{count(token.key.correlation_id)}</dd></div>
                    <div><dt>{t.token_connection}</dt><dd>{count(token.key.connection)}</dd></div>
                    if !detail.client_id.is_empty() { <div><dt>{"client.id"}</dt><dd>{&detail.client_id}</dd></div> }
                    <div><dt>{t.size}</dt><dd>{size(token.bytes)}</dd></div>
                    if !token.error.is_empty() { <div><dt>{t.token_error}</dt><dd class="late">{&token.error}</dd></div> }
                </dl>
                if !gone { <button class="ctl wide" onclick={again}>{t.token_again}</button> }
                <button class="ctl wide" id="follow-token" onclick={follow}>{t.follow_this}</button>
            </div>
            if !gone { <div class="part">{token_deeds::list(&ctx, detail, &Callback::noop())}</div> }
            <div class="part">
                <h3 class="cap2">{t.token_fields}</h3>
                <pre class="said fields-said" tabindex="0">{&detail.fields}</pre>
                <h3 class="cap2">{fill(t.token_bytes, &[&count(detail.head.len() as i64)])}</h3>
                <pre class="said" tabindex="0">{hex(&detail.head)}</pre>
            </div>
        </aside>
    }
}

/// Bytes as a hex editor shows them.
pub fn hex(bytes: &[u8]) -> String {
    let rows = bytes.chunks(ROW).enumerate().map(|(row, bytes)| {
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String =
            bytes.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect();
        format!("{:04x}  {:<47}  {text}", row * ROW, digits.join(" "))
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stand_in_rows() {
        assert_eq!(hex(&[]), "");
        let bytes: Vec<u8> = (0x3e..0x50).collect();
        assert_eq!(
            hex(&bytes),
            "0000  3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d  >?@ABCDEFGHIJKLM\n0010  4e 4f                                            NO"
        );
    }
}
