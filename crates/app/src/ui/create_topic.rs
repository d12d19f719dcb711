//! The form that makes a topic: it says Kafka's naming rules while one types, and runs the very command line.

use blumfeld_view::TopicView;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::{cancels, command_line};
use crate::browser;
use crate::ctx::use_ctx;
use crate::model::Shared;
use crate::text::{Lang, Text, fill};
use crate::topic_name::{TEMPLATES, Trouble, trouble, warns};

/// Replicas that the form proposes where there are brokers enough.
const REPLICAS: usize = 3;
/// Partitions that the form allows.
const MAX_PARTITIONS: u32 = 1000;

/// What the form needs.
#[derive(Properties, PartialEq)]
pub struct CreateTopicProps {
    /// The topics that exist.
    pub topics: Vec<Shared<TopicView>>,
    /// How many brokers there are: no partition has more replicas.
    pub brokers: usize,
    /// Called when the form is done.
    pub close: Callback<()>,
}

/// The form.
#[component]
pub fn CreateTopic(props: &CreateTopicProps) -> Html {
    let (name, partitions) = (use_state(String::new), use_state(|| "3".to_owned()));
    let proposed = props.brokers.clamp(1, REPLICAS).to_string();
    let replication = use_state(|| proposed);
    let field = use_node_ref();
    use_effect_with((), {
        let field = field.clone();
        move |()| browser::focus(field.cast::<HtmlElement>())
    });
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let found = trouble(&name, props.topics.iter().map(|topic| topic.name.as_str()));
    let number = partitions.parse().ok().filter(|n| (1..=MAX_PARTITIONS).contains(n));
    let most = props.brokers.max(1);
    let factor = replication.parse().ok().filter(|n| (1..=most).contains(n));
    let line =
        command(if name.is_empty() { "NAME" } else { &name }, number.unwrap_or(1), factor.unwrap_or(1));
    let fit = found.is_none() && number.is_some() && factor.is_some();
    let (told, class) = match (&found, number) {
        (None | Some(Trouble::Empty), Some(_)) if factor.is_none() => {
            (fill(t.bad_replication, &[&most.to_string()]), "rule bad")
        }
        (Some(Trouble::Empty), Some(_)) => (t.rule_chars.to_owned(), "rule"),
        (Some(trouble), _) if *trouble != Trouble::Empty => (say(t, trouble), "rule bad"),
        (_, None) => (t.bad_partitions.to_owned(), "rule bad"),
        _ if warns(&name) && name.contains('.') && name.contains('_') => (t.warn_dots.to_owned(), "rule"),
        _ => (t.name_ok.to_owned(), "rule good"),
    };
    let typed = |state: &UseStateHandle<String>| {
        let state = state.clone();
        Callback::from(move |event: InputEvent| {
            state.set(event.target_unchecked_into::<HtmlInputElement>().value())
        })
    };
    let onsubmit = {
        let (ctx, close, line) = (ctx.clone(), props.close.clone(), line.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if fit && ctx.run(&line) {
                close.emit(());
            }
        })
    };
    let (onkeydown, cancel) = cancels(&props.close);
    html! {
        <form class="mach form" {onsubmit} {onkeydown} aria-label={t.create_topic}>
            <div class="fields2">
                <label class="grow"><span class="k">{t.name}</span>
                    <input id="topic-name" ref={field} class="field" type="text" value={(*name).clone()} oninput={typed(&name)}
                        autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby="topic-rule"
                        aria-invalid={(class == "rule bad").to_string()} />
                </label>
                <label><span class="k">{t.partitions}</span>
                    <input id="topic-partitions" class="field short" type="number" min="1" max={MAX_PARTITIONS.to_string()}
                        value={(*partitions).clone()} oninput={typed(&partitions)} />
                </label>
                <label><span class="k">{t.replication_factor}</span>
                    <input id="topic-replication" class="field short" type="number" min="1" max={most.to_string()}
                        value={(*replication).clone()} oninput={typed(&replication)} />
                </label>
            </div>
            <p id="topic-rule" class={class} role="status">{told}</p>
            <div class="templates"><span class="k">{t.naming}</span>
                { for TEMPLATES.iter().map(|template| {
                    let parts = if ctx.lang == Lang::Ko { &template.parts_ko } else { &template.parts };
                    let shape: Vec<_> = parts.iter().map(|part| format!("<{part}>")).collect();
                    let (name, example) = (name.clone(), template.example);
                    html! { <button type="button" class="chip" title={example} onclick={move |_| name.set(example.to_owned())}>
                        <code>{shape.join(".")}</code></button> }
                }) }
            </div>
            <div class="will"><span class="k">{t.runs}</span><code>{command_line(&line)}</code></div>
            <div class="acts">
                <button type="submit" class="ctl primary" disabled={!fit}>{t.create}</button>
                <button type="button" class="ctl" onclick={cancel}>{t.cancel}</button>
            </div>
        </form>
    }
}

/// The command line that makes a topic.
fn command(name: &str, partitions: u32, replicas: usize) -> String {
    let server = crate::console::BOOTSTRAP;
    format!(
        "kafka-topics.sh {server} --create --topic {name} --partitions {partitions} --replication-factor {replicas}"
    )
}

fn say(t: &'static Text, trouble: &Trouble) -> String {
    match trouble {
        Trouble::Empty => t.rule_chars.to_owned(),
        Trouble::Dots => t.bad_dots.to_owned(),
        Trouble::TooLong(length) => fill(t.bad_long, &[&length.to_string()]),
        Trouble::Character(c) => fill(t.bad_char, &[&c.to_string()]),
        Trouble::Taken => t.bad_taken.to_owned(),
        Trouble::Collides(other) => fill(t.bad_collides, &[other]),
        Trouble::Internal => t.bad_internal.to_owned(),
    }
}
