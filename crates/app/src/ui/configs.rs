//! Configs of a topic, a broker or all brokers, as a broker describes them: what each is, where that comes from, and the
//! form that changes it.

use blumfeld_view::{Command, ConfigResource, ConfigView, ConfigsView};
use gloo_timers::callback::Interval;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::config_form::ConfigForm;
use super::icon;
use crate::browser;
use crate::configs::{DEFAULT, at, meaning, place, words};
use crate::ctx::use_ctx;
use crate::format::count;
use crate::model::{Deed, Shared};
use crate::text::{ConfigText, Text, fill};

/// The engine is asked this often, in milliseconds: whoever changes a config may do so in the console.
const ASKED_MS: u32 = 1_000;

/// What the screen shows.
#[derive(Properties, PartialEq)]
pub struct ConfigsProps {
    /// What the configs are of.
    pub of: ConfigResource,
    /// The engine's last answer, which may be of something else.
    pub view: Option<Shared<ConfigsView>>,
    /// What a form did last.
    pub deed: Option<Shared<Deed>>,
    /// The topics to choose from.
    pub topics: Vec<String>,
    /// The brokers to choose from.
    pub brokers: Vec<i32>,
}

/// The screen.
#[component]
pub fn Configs(props: &ConfigsProps) -> Html {
    let filter = use_state(String::new);
    let only_set = use_state(|| false);
    // Of one that is new there is no row.
    let open = use_state(|| None::<(ConfigResource, Option<String>)>);
    let ctx = use_ctx();
    let done = props.deed.as_ref().map(|deed| deed.id);
    use_effect_with((props.of.clone(), done, ctx.clone()), |(of, _, ctx)| {
        let (of, ctx) = (of.clone(), ctx.clone());
        let ask = move || {
            if let Some(ctx) = &ctx {
                ctx.ask(&Command::Configs(of.clone()));
            }
        };
        ask();
        let again = Interval::new(ASKED_MS, ask);
        move || drop(again)
    });
    let Some(ctx) = ctx else { return Html::default() };
    let c = ctx.lang.configs();
    let view = props.view.as_ref().filter(|view| view.resource == props.of);
    let needle = filter.trim().to_lowercase();
    let shown: Vec<&ConfigView> = view
        .iter()
        .flat_map(|view| &view.configs)
        .filter(|config| {
            let has = config.name.contains(&needle)
                || config.value.as_ref().is_some_and(|value| value.to_lowercase().contains(&needle));
            has && (!*only_set || config.source != DEFAULT)
        })
        .collect();
    let oninput = {
        let filter = filter.clone();
        Callback::from(move |event: InputEvent| {
            filter.set(event.target_unchecked_into::<HtmlInputElement>().value());
        })
    };
    let flip = {
        let only_set = only_set.clone();
        Callback::from(move |_: MouseEvent| only_set.set(!*only_set))
    };
    let is_open = |name: Option<&str>| {
        open.as_ref().is_some_and(|(of, open)| *of == props.of && open.as_deref() == name)
    };
    let toggle = |name: Option<String>| {
        let (open, of, was) = (open.clone(), props.of.clone(), is_open(name.as_deref()));
        Callback::from(move |_: MouseEvent| open.set((!was).then(|| (of.clone(), name.clone()))))
    };
    let close = {
        let open = open.clone();
        Callback::from(move |()| open.set(None))
    };
    let form = |config: Option<Shared<ConfigView>>| {
        html! { <ConfigForm of={props.of.clone()} {config} deed={props.deed.clone()} close={close.clone()} /> }
    };
    html! {
        <section class="screen configs" aria-labelledby="h-configs">
            <header class="bar">
                <h2 id="h-configs">{c.title}</h2>
                {choice(c, props)}
                <label class="find"><span class="vh">{c.find}</span>
                    <input id="find-config" class="field" type="search" placeholder={c.find} value={(*filter).clone()} {oninput} />
                </label>
                <button class="ctl" id="only-set" aria-pressed={only_set.to_string()} onclick={flip}>{c.only_set}</button>
                if let Some(view) = view.filter(|view| view.broker >= 0) {
                    <span class="meta">{count(shown.len() as i64)}{", "}{fill(c.answered_by, &[&view.broker.to_string()])}</span>
                }
                if props.of == ConfigResource::Brokers {
                    <button class="ctl primary end" id="set-config" aria-expanded={is_open(None).to_string()} onclick={toggle(None)}>
                        {icon("plus")}{c.set_one}</button>
                }
            </header>
            if props.of == ConfigResource::Brokers && is_open(None) { {form(None)} }
            if let Some(view) = view {
                if !view.error.is_empty() {
                    <p class="empty" role="status">{fill(c.unavailable, &[&view.error])}</p>
                } else if view.configs.is_empty() {
                    <div class="empty"><h3>{c.none_set}</h3><p>{c.none_set_why}</p></div>
                } else if shown.is_empty() {
                    <p class="empty">{c.no_match}</p>
                } else {
                    <table class="tb facts-table configs-table">
                        <thead><tr><th scope="col">{c.name}</th><th scope="col">{c.value}</th><th scope="col">{c.source}</th>
                            <th scope="col" class="wide">{c.kind}</th></tr></thead>
                        <tbody>{ for shown.iter().map(|config| {
                            let opened = is_open(Some(&config.name));
                            let onclick = toggle(Some(config.name.clone()));
                            html! { <>
                                {row(c, config, opened, onclick)}
                                if opened { <tr class="opened" key={format!("{}+", config.name)}><td colspan="4">
                                    {chain(c, config)}
                                    if config.read_only { <p class="rule">{c.read_only_why}</p> } else { {form(Some(Shared::new((*config).clone())))} }
                                </td></tr> }
                            </> }
                        }) }</tbody>
                    </table>
                }
            } else {
                <p class="empty">{c.loading}</p>
            }
        </section>
    }
}

/// What the configs are of.
fn choice(c: &'static ConfigText, props: &ConfigsProps) -> Html {
    let onchange = Callback::from(|event: Event| {
        let chosen = event.target_unchecked_into::<HtmlSelectElement>().value();
        if at(&chosen).is_some() {
            browser::go(&chosen);
        }
    });
    let option = |of: ConfigResource, name: String| {
        html! { <option value={place(&of)} selected={of == props.of}>{name}</option> }
    };
    html! {
        <label><span class="vh">{c.of}</span>
            <select id="configs-of" class="ctl" {onchange}>
                <optgroup label={c.topics}>
                    { for props.topics.iter().map(|topic| option(ConfigResource::Topic(topic.clone()), topic.clone())) }
                </optgroup>
                <optgroup label={c.brokers}>
                    {option(ConfigResource::Brokers, c.all_brokers.to_owned())}
                    { for props.brokers.iter().map(|id| option(ConfigResource::Broker(*id), format!("{} {id}", c.broker))) }
                </optgroup>
            </select>
        </label>
    }
}

fn row(c: &'static ConfigText, config: &ConfigView, opened: bool, onclick: Callback<MouseEvent>) -> Html {
    let set = (config.source != DEFAULT).then_some("set");
    html! {
        <tr class={classes!(set, opened.then_some("sel"))} key={config.name.clone()} data-config={config.name.clone()}>
            <th scope="row"><button class="link" aria-expanded={opened.to_string()} {onclick}>{&config.name}</button></th>
            <td>{value(c, &config.name, config.value.as_deref(), config.sensitive)}</td>
            <td class="source" title={meaning(c, &config.source)}><code>{breakable(&config.source)}</code></td>
            <td class="wide">{&config.kind}if config.read_only { {" "}<span class="meta">{c.read_only}</span> }</td>
        </tr>
    }
}

/// A value as it is, and in words.
fn value(c: &'static ConfigText, name: &str, value: Option<&str>, sensitive: bool) -> Html {
    match value {
        _ if sensitive => html! { <span class="meta">{c.sensitive}</span> },
        None => html! { <span class="meta">{c.no_value}</span> },
        Some("") => html! { <span class="meta">{"\"\""}</span> },
        Some(value) => html! { <>
            <code class="val">{value.to_owned()}</code>
            if let Some(words) = words(c, name, value) { {" "}<span class="meta words">{words}</span> }
        </> },
    }
}

/// In which order Kafka looks for the value.
fn chain(c: &'static ConfigText, config: &ConfigView) -> Html {
    if config.synonyms.is_empty() {
        return Html::default();
    }
    html! {
        <div class="chain"><h3>{c.order}</h3>
            <ol>{ for config.synonyms.iter().enumerate().map(|(at, one)| html! {
                <li class={(at == 0).then_some("on")}><code>{&one.source}</code>
                    <span class="what"><code>{format!("{}=", one.name)}</code>{value(c, &one.name, one.value.as_deref(), config.sensitive)}</span>
                    <span class="meta">{meaning(c, &one.source)}if at == 0 { {" · "}<b>{c.in_force}</b> }</span></li>
            }) }</ol>
        </div>
    }
}

/// A name that may be broken behind its underscores, where a column is narrow.
fn breakable(name: &str) -> Html {
    name.split_inclusive('_').map(|part| html! { <>{part.to_owned()}<wbr /></> }).collect()
}

/// A link to the configs of something.
pub fn link(t: &'static Text, c: &'static ConfigText, of: &ConfigResource) -> Html {
    let name = match of {
        ConfigResource::Topic(name) => name.clone(),
        ConfigResource::Broker(id) => fill(t.broker, &[&id.to_string()]),
        ConfigResource::Brokers => c.all_brokers.to_owned(),
    };
    let label = fill(c.configs_of, &[&name]);
    html! { <a class="link small to-configs" href={format!("#{}", place(of))} aria-label={label}>{c.title}</a> }
}
