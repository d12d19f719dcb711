//! The form that changes a config: it says the console's line before it runs it, and what came of it.

use blumfeld_view::{ConfigResource, ConfigView};
use web_sys::{HtmlElement, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::{cancels, command_line, outcome, runs, runs_line};
use crate::browser;
use crate::configs::{complaint, is_set, line};
use crate::ctx::use_ctx;
use crate::model::{Deed, Shared};
use crate::text::fill;

/// What the form needs.
#[derive(Properties, PartialEq)]
pub struct ConfigFormProps {
    /// What the config is of.
    pub of: ConfigResource,
    /// The config; without it the form asks for a name.
    pub config: Option<Shared<ConfigView>>,
    /// What a form did last.
    pub deed: Option<Shared<Deed>>,
    /// Called when the form is put away.
    pub close: Callback<()>,
}

/// The form.
#[component]
pub fn ConfigForm(props: &ConfigFormProps) -> Html {
    let config = props.config.as_ref();
    let name = use_state(String::new);
    let value = use_state(|| config.and_then(|config| config.value.clone()).unwrap_or_default());
    let deletes = use_state(|| false);
    // Of a broker's config: whether the change is for all brokers.
    let for_all = use_state(|| false);
    let asked = use_state(|| None);
    let first = use_node_ref();
    use_effect_with((), {
        let first = first.clone();
        move |()| browser::focus(first.cast::<HtmlElement>())
    });
    let Some(ctx) = use_ctx() else { return Html::default() };
    let (t, c) = (ctx.t, ctx.lang.configs());
    let of = match &props.of {
        ConfigResource::Broker(_) if *for_all => ConfigResource::Brokers,
        of => of.clone(),
    };
    let named = config.map_or_else(|| name.trim().to_owned(), |config| config.name.clone());
    let can_delete = config.is_none_or(|config| is_set(&of, config));
    let wrong = if named.is_empty() {
        Some(c.needs_name)
    } else {
        (*deletes && !can_delete).then_some(c.nothing_to_delete)
    };
    let shown = if named.is_empty() { "NAME" } else { &named };
    let command = line(&of, shown, (!*deletes).then_some(value.as_str()));
    let fit = wrong.is_none() && !runs(&asked, props.deed.as_ref());
    let onsubmit = runs_line(&ctx, &asked, &command, fit);
    let typed = |state: &UseStateHandle<String>| {
        let state = state.clone();
        Callback::from(move |event: InputEvent| {
            state.set(event.target_unchecked_into::<HtmlInputElement>().value());
        })
    };
    let choose = |to: bool| {
        let deletes = deletes.clone();
        Callback::from(move |_: MouseEvent| deletes.set(to))
    };
    let scope = {
        let for_all = for_all.clone();
        Callback::from(move |event: Event| {
            for_all.set(event.target_unchecked_into::<HtmlSelectElement>().value() == "all");
        })
    };
    let (onkeydown, cancel) = cancels(&props.close);
    let label = if config.is_some() { fill(c.change, &[&named]) } else { c.set_one.to_owned() };
    html! {
        <form class="form config-form" id="config-form" {onsubmit} {onkeydown} aria-label={label}>
            <div class="fields2">
                if let ConfigResource::Broker(id) = &props.of {
                    <label><span class="k">{c.scope}</span>
                        <select id="config-scope" class="ctl" onchange={scope}>
                            <option value="one" selected={!*for_all}>{fill(t.broker, &[&id.to_string()])}</option>
                            <option value="all" selected={*for_all}>{c.all_brokers}</option>
                        </select>
                    </label>
                }
                <div class="two-ways" role="group" aria-label={c.deed}><span class="k">{c.deed}</span>
                    <span class="seg2">
                        <button type="button" id="config-set" aria-pressed={(!*deletes).to_string()} onclick={choose(false)}>{c.set}</button>
                        <button type="button" id="config-delete" aria-pressed={deletes.to_string()} onclick={choose(true)}>{c.delete}</button>
                    </span>
                </div>
                if config.is_none() {
                    <label class="grow"><span class="k">{c.name}</span>
                        <input id="config-name" ref={first.clone()} class="field" type="text" value={(*name).clone()} oninput={typed(&name)}
                            autocomplete="off" autocapitalize="off" spellcheck="false" placeholder="log.retention.ms" />
                    </label>
                }
                if !*deletes {
                    <label class="grow"><span class="k">{c.new_value}</span>
                        <input id="config-value" ref={if config.is_some() { first } else { NodeRef::default() }} class="field" type="text" value={(*value).clone()}
                            oninput={typed(&value)} autocomplete="off" autocapitalize="off" spellcheck="false" />
                    </label>
                }
            </div>
            if let Some(wrong) = wrong { <p class="rule" role="status">{wrong}</p> } else if *deletes { <p class="rule">{c.delete_why}</p> }
            <div class="will"><span class="k">{t.runs}</span><code>{command_line(&command)}</code></div>
            {outcome(c, &asked, &command, props.deed.as_ref(), complaint)}
            <div class="acts">
                <button type="submit" id="run-config" class="ctl primary" disabled={!fit}>{t.run}</button>
                <button type="button" class="ctl" onclick={cancel}>{t.close}</button>
            </div>
        </form>
    }
}
