//! The dialog that gives the session away: a link, a code for phones, or a file.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::icon;
use crate::browser;
use crate::ctx::use_ctx;
use crate::share::Made;
use crate::text::fill;

/// What the dialog shows.
#[derive(Properties, PartialEq)]
pub struct ShareProps {
    /// The link, or why there is none.
    pub made: Option<Result<Made, String>>,
    /// Deeds that are not in it.
    pub left_out: u32,
    /// Puts the dialog away.
    pub close: Callback<()>,
}

/// The dialog.
#[component]
pub fn Share(props: &ShareProps) -> Html {
    let place = use_node_ref();
    let copied = use_state(|| false);
    use_effect_with(props.made.is_some(), {
        let (place, copied) = (place.clone(), copied.clone());
        move |shown| {
            copied.set(false);
            if *shown {
                browser::focus(place.cast());
            }
        }
    });
    let (Some(ctx), Some(made)) = (use_ctx(), props.made.as_ref()) else { return Html::default() };
    let t = ctx.lang.lessons();
    let (by_key, by_button) = super::cancels(&props.close);
    let body = match made {
        Err(why) => html! { <p>{fill(t.not_shared, &[why])}</p> },
        Ok(Made::File(text)) => {
            let text = text.clone();
            let save =
                Callback::from(move |_: MouseEvent| browser::save("blumfeld-session.json", text.as_bytes()));
            html! { <><p>{t.share_file_why}</p><button class="ctl primary" id="share-save" onclick={save}>{t.share_file}</button></> }
        }
        Ok(Made::Hash(hash)) => {
            let address = format!("{}#{hash}", browser::page_address());
            let frame = format!(
                "<iframe src=\"{}?embed=1#{hash}\" width=\"960\" height=\"640\"></iframe>",
                browser::page_address()
            );
            let copy = |text: String| {
                let copied = copied.clone();
                Callback::from(move |_: MouseEvent| {
                    browser::copy(&text);
                    copied.set(true);
                })
            };
            let select = Callback::from(|event: FocusEvent| {
                if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                    input.select();
                }
            });
            let code = blumfeld_permalink::qr::svg_path(&address).map(|(size, path)| html! {
                <svg class="qr" viewBox={format!("0 0 {size} {size}")} role="img" aria-label={t.share_code}><path d={path} /></svg>
            });
            html! { <>
                <label>{t.share_link}<input class="field" id="share-link" readonly={true} value={address.clone()} onfocus={select.clone()} /></label>
                <div class="acts"><button class="ctl primary" id="share-copy" onclick={copy(address)}>{t.copy}</button>
                    <span role="status">{if *copied { t.copied } else { "" }}</span></div>
                <label>{t.share_frame}<input class="field" id="share-frame" readonly={true} value={frame.clone()} onfocus={select} /></label>
                <div class="acts"><button class="ctl" onclick={copy(frame)}>{t.copy}</button></div>
                {code}
            </> }
        }
    };
    html! {
        <div class="gate share-gate" role="dialog" aria-modal="true" aria-labelledby="h-share" onkeydown={by_key}>
            <div class="box" ref={place} tabindex="-1">
                <header class="share-head"><h2 id="h-share">{t.share}</h2>
                    <button class="quiet" aria-label={ctx.t.close} title={ctx.t.close} onclick={by_button}>{icon("x")}</button></header>
                {body}
                if props.left_out > 0 { <p class="meta">{fill(t.share_left_out, &[&props.left_out.to_string()])}</p> }
            </div>
        </div>
    }
}
