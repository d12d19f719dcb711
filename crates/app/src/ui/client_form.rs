//! The form that adds a producer or a consumer: it says the command line that it runs.

use web_sys::{HtmlElement, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::{cancels, command_line};
use crate::browser;
use crate::ctx::use_ctx;
use crate::text::{Text, fill};
use crate::workload::{Entry, Field, Kind, LONGEST_NAME, ON, Values, counts};

/// What the form needs.
#[derive(Properties, PartialEq)]
pub struct ClientFormProps {
    /// What is added.
    pub kind: Kind,
    /// The topics to choose from; there is one.
    pub topics: Vec<String>,
    /// The topic that it begins with.
    pub topic: String,
    /// Names of clients that run.
    pub taken: Vec<String>,
    /// Called when the form is done.
    pub close: Callback<()>,
}

/// The form.
#[component]
pub fn ClientForm(props: &ClientFormProps) -> Html {
    let kind = props.kind;
    let values = use_state(|| kind.begin(&props.topic));
    let submit = use_node_ref();
    use_effect_with((), {
        let submit = submit.clone();
        // All is filled in: who wants nothing else presses Enter.
        move |()| browser::focus(submit.cast::<HtmlElement>())
    });
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let (line, wrong) = (kind.line(&values), kind.wrong(&values));
    let name_taken = values.get("name").is_some_and(|name| props.taken.iter().any(|one| one == name.trim()));
    let fit = wrong.is_none() && !name_taken;
    let onsubmit = {
        let (ctx, close, line) = (ctx.clone(), props.close.clone(), line.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if fit {
                ctx.press(&line);
                close.emit(());
            }
        })
    };
    let (onkeydown, cancel) = cancels(&props.close);
    let name = match kind {
        Kind::Producer => t.add_producer,
        Kind::Consumer => t.add_consumer,
    };
    html! {
        <form class="mach form client-form" id="client-form" {onsubmit} {onkeydown} aria-label={name}>
            <h3>{name}</h3>
            <div class="fields3">{ for kind.fields().iter().map(|field| entry(t, field, &values, wrong, &props.topics)) }</div>
            if let Some(wrong) = wrong { <p id="client-rule" class="rule bad" role="status">{complaint(t, wrong)}</p> }
            else if name_taken { <p id="client-rule" class="rule bad" role="status">{t.bad_name_taken}</p> }
            if kind.fields().iter().any(|field| !counts(field, &values)) { <p class="rule">{t.distribution_why}</p> }
            <div class="will"><span class="k">{t.runs}</span><code>{command_line(&line)}</code></div>
            <div class="acts">
                <button type="submit" ref={submit} id="start-client" class="ctl primary" disabled={!fit}>{t.start}</button>
                <button type="button" class="ctl" onclick={cancel}>{t.cancel}</button>
            </div>
        </form>
    }
}

fn entry(
    t: &'static Text,
    field: &'static Field,
    values: &UseStateHandle<Values>,
    wrong: Option<&Field>,
    topics: &[String],
) -> Html {
    let value = values.get(field.option).cloned().unwrap_or_default();
    let set = {
        let values = values.clone();
        move |value: String| {
            let mut new = (*values).clone();
            new.insert(field.option, value);
            values.set(new);
        }
    };
    let id = format!("client-{}", field.option);
    let typed = {
        let set = set.clone();
        Callback::from(move |event: InputEvent| {
            set(event.target_unchecked_into::<HtmlInputElement>().value())
        })
    };
    let chosen = {
        let set = set.clone();
        Callback::from(move |event: Event| set(event.target_unchecked_into::<HtmlSelectElement>().value()))
    };
    let disabled = !counts(field, values);
    let invalid = (wrong == Some(field)).to_string();
    let option =
        |word: &str| html! { <option value={word.to_owned()} selected={word == value}>{word}</option> };
    let select = |words: Html| {
        html! { <select id={id.clone()} class="ctl" onchange={chosen.clone()} {disabled}>{words}</select> }
    };
    let control = match field.entry {
        Entry::Topic => select(topics.iter().map(|topic| option(topic)).collect()),
        Entry::Choice(words) => select(words.iter().map(|word| option(word)).collect()),
        Entry::Number(from, to) => html! {
            <input {id} class="field" type="number" min={from.to_string()} max={to.to_string()} {value} oninput={typed}
                aria-invalid={invalid} aria-describedby="client-rule" />
        },
        Entry::Text | Entry::Name => html! {
            <input {id} class="field" type="text" {value} oninput={typed} autocomplete="off" autocapitalize="off"
                spellcheck="false" aria-invalid={invalid} aria-describedby="client-rule" />
        },
        Entry::Flag => {
            let checked = value == ON;
            let onchange = Callback::from(move |event: Event| {
                let on = event.target_unchecked_into::<HtmlInputElement>().checked();
                set(if on { ON.to_owned() } else { String::new() });
            });
            html! { <input {id} class="check" type="checkbox" {checked} {onchange} /> }
        }
    };
    let class = (field.entry == Entry::Flag).then_some("flag");
    html! { <label {class}><span class="k">{label(t, field.option)}</span>{control}</label> }
}

fn label(t: &'static Text, option: &str) -> &'static str {
    match option {
        "topic" => t.topic,
        "rate" => t.f_rate,
        "record-size" => t.f_record_size,
        "keys" => t.f_keys,
        "distribution" => t.f_distribution,
        "partitioner" => t.f_partitioner,
        "group" => t.group,
        "processing-ms" => t.f_processing,
        "assignor" => t.f_assignor,
        "from-beginning" => t.f_from_beginning,
        "linger-ms" => "linger.ms",
        "batch-size" => "batch.size",
        "acks" => "acks",
        _ => t.f_name,
    }
}

fn complaint(t: &'static Text, field: &Field) -> String {
    match field.entry {
        Entry::Number(from, to) => fill(
            t.bad_number,
            &[label(t, field.option), &crate::format::count(from), &crate::format::count(to)],
        ),
        Entry::Name => fill(t.bad_name, &[label(t, field.option), &LONGEST_NAME.to_string()]),
        _ => fill(t.bad_empty, &[label(t, field.option)]),
    }
}
