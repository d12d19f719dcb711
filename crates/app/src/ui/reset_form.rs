//! The form that sets a group's committed offsets anew: it says the console's line before it runs it, and what came of it.

use blumfeld_view::GroupView;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::{cancels, command_line, outcome, runs, runs_line};
use crate::console::BOOTSTRAP;
use crate::ctx::use_ctx;
use crate::format::timestamp;
use crate::model::{Deed, Screen, Shared};
use crate::text::fill;
use crate::workload::quoted;

/// What the form needs.
#[derive(Properties, PartialEq)]
pub struct ResetFormProps {
    /// The group.
    pub group: GroupView,
    /// What a form did last.
    pub deed: Option<Shared<Deed>>,
    /// What the brokers' clocks show, in milliseconds since 1970-01-01 UTC.
    pub unix_ms: f64,
    /// Called when the form is put away.
    pub close: Callback<()>,
}

/// To where offsets are set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum To {
    Earliest,
    Latest,
    Offset,
    Shift,
    Time,
}

impl To {
    const ALL: [To; 5] = [To::Earliest, To::Latest, To::Offset, To::Shift, To::Time];

    /// Kafka's option.
    fn option(self) -> &'static str {
        match self {
            To::Earliest => "to-earliest",
            To::Latest => "to-latest",
            To::Offset => "to-offset",
            To::Shift => "shift-by",
            To::Time => "to-datetime",
        }
    }

    /// What stands behind the option; nothing if `typed` is none that Kafka reads.
    fn value(self, typed: &str) -> Option<String> {
        match self {
            To::Earliest | To::Latest => Some(String::new()),
            To::Offset => {
                let offset = typed.trim().parse::<i64>().ok().filter(|offset| *offset >= 0)?;
                Some(format!(" {offset}"))
            }
            To::Shift => Some(format!(" {}", typed.trim().parse::<i64>().ok()?)),
            To::Time => Some(format!(" {}", datetime(typed)?)),
        }
    }
}

/// What a field of the browser has (`2026-01-31T12:00`, with or without seconds) as Kafka's tool reads it.
fn datetime(typed: &str) -> Option<String> {
    let (date, time) = typed.trim().split_once('T')?;
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let parts: Vec<&str> = clock.split(':').collect();
    let whole = parts.iter().chain(&[fraction]).all(|part| digits(part)) && date.split('-').all(digits);
    if !whole || date.split('-').count() != 3 || fraction.len() > 3 {
        return None;
    }
    match parts[..] {
        [hour, minute] => Some(format!("{date}T{hour}:{minute}:00.000")),
        [hour, minute, second] => Some(format!("{date}T{hour}:{minute}:{second}.{fraction:0<3}")),
        _ => None,
    }
}

/// The line that sets offsets of a group.
fn line(group: &str, topic: &str, to: To, value: &str, executes: bool) -> String {
    let topic =
        if topic.is_empty() { "--all-topics".to_owned() } else { format!("--topic {}", quoted(topic)) };
    let (group, option) = (quoted(group), to.option());
    let mode = if executes { "execute" } else { "dry-run" };
    format!(
        "kafka-consumer-groups.sh {BOOTSTRAP} --group {group} --reset-offsets --{option}{value} {topic} --{mode}"
    )
}

/// The form.
#[component]
pub fn ResetForm(props: &ResetFormProps) -> Html {
    let group = &props.group;
    let mut topics: Vec<&str> = group.offsets.iter().map(|one| one.topic.as_str()).collect();
    topics.dedup();
    let topic = use_state(|| topics.first().map_or_else(String::new, |topic| (*topic).to_owned()));
    let to = use_state(|| To::Earliest);
    let typed = use_state(String::new);
    let executes = use_state(|| false);
    let asked = use_state(|| None);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let (t, c, r) = (ctx.t, ctx.lang.configs(), ctx.lang.rebalances());
    let value = to.value(&typed);
    let wrong = value.is_none().then_some(if *to == To::Time { r.bad_time } else { r.bad_offset });
    let command = line(&group.id, &topic, *to, value.as_deref().unwrap_or(" …"), *executes);
    let fit = wrong.is_none() && !runs(&asked, props.deed.as_ref());
    let onsubmit = runs_line(&ctx, &asked, &command, fit);
    let choose_topic = {
        let topic = topic.clone();
        Callback::from(move |event: Event| {
            topic.set(event.target_unchecked_into::<HtmlSelectElement>().value());
        })
    };
    let choose_to = {
        let (to, typed) = (to.clone(), typed.clone());
        // The field begins with the cluster's own time, for its clocks need not be the reader's.
        let now = timestamp(props.unix_ms).map(|now| now.replacen(' ', "T", 1)).unwrap_or_default();
        let now = now.get(..19).unwrap_or_default().to_owned();
        Callback::from(move |event: Event| {
            let word = event.target_unchecked_into::<HtmlSelectElement>().value();
            if let Some(chosen) = To::ALL.into_iter().find(|one| one.option() == word) {
                to.set(chosen);
                typed.set(match chosen {
                    To::Time => now.clone(),
                    To::Shift => "-1".to_owned(),
                    _ => "0".to_owned(),
                });
            }
        })
    };
    let oninput = {
        let typed = typed.clone();
        Callback::from(move |event: InputEvent| {
            typed.set(event.target_unchecked_into::<HtmlInputElement>().value());
        })
    };
    let mode = |to: bool| {
        let executes = executes.clone();
        Callback::from(move |_: MouseEvent| executes.set(to))
    };
    let (onkeydown, cancel) = cancels(&props.close);
    let names: Vec<String> = group.members.iter().map(|one| one.client_id.clone()).collect();
    let field = |label: &'static str, kind: &'static str| {
        html! {
            <label><span class="k">{label}</span>
                <input id="reset-value" class="field" type={kind} step={if kind == "number" { "1" } else { "0.001" }} value={(*typed).clone()} oninput={oninput.clone()}
                    aria-invalid={wrong.is_some().to_string()} autocomplete="off" /></label>
        }
    };
    html! {
        <form class="form reset-form" {onsubmit} {onkeydown} aria-label={fill(r.reset_of, &[&group.id])}>
            if !names.is_empty() {
                <p class="rule warn" role="status">{fill(r.not_empty, &[&names.join(", ")])}{" "}
                    <a class="link" href={format!("#{}", Screen::Clients.word())}>{r.to_clients}</a></p>
            }
            <div class="fields2">
                <label><span class="k">{r.topic}</span>
                    <select id="reset-topic" class="ctl" onchange={choose_topic}>
                        { for topics.iter().map(|name| html! { <option value={(*name).to_owned()} selected={**name == **topic}>{(*name).to_owned()}</option> }) }
                        <option value="" selected={topic.is_empty()}>{r.all_topics}</option>
                    </select>
                </label>
                <label><span class="k">{r.to}</span>
                    <select id="reset-to" class="ctl" onchange={choose_to}>
                        { for To::ALL.map(|one| {
                            let name = match one {
                                To::Earliest => r.to_earliest,
                                To::Latest => r.to_latest,
                                To::Offset => r.to_offset,
                                To::Shift => r.shift_by,
                                To::Time => r.to_datetime,
                            };
                            html! { <option value={one.option()} selected={one == *to}>{name}</option> }
                        }) }
                    </select>
                </label>
                { match *to {
                    To::Earliest | To::Latest => Html::default(),
                    To::Offset => field(r.offset, "number"),
                    To::Shift => field(r.shift, "number"),
                    To::Time => field(r.time, "datetime-local"),
                } }
                <div class="two-ways" role="group" aria-label={r.mode}><span class="k">{r.mode}</span>
                    <span class="seg2">
                        <button type="button" id="reset-dry-run" aria-pressed={(!*executes).to_string()} onclick={mode(false)}>{r.dry_run}</button>
                        <button type="button" id="reset-execute" aria-pressed={executes.to_string()} onclick={mode(true)}>{r.execute}</button>
                    </span>
                </div>
            </div>
            if let Some(wrong) = wrong { <p class="rule bad" role="status">{wrong}</p> }
            <div class="will"><span class="k">{t.runs}</span><code>{command_line(&command)}</code></div>
            {outcome(c, &asked, &command, props.deed.as_ref(), |said| said.trim().to_owned())}
            <div class="acts">
                <button type="submit" id="run-reset" class="ctl primary" disabled={!fit}>{t.run}</button>
                <button type="button" class="ctl" onclick={cancel}>{t.close}</button>
            </div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_what_the_tool_reads() {
        for (to, typed, want) in [
            (To::Earliest, "x", Some("--to-earliest --topic orders --dry-run")),
            (To::Latest, "", Some("--to-latest --topic orders --dry-run")),
            (To::Offset, " 12 ", Some("--to-offset 12 --topic orders --dry-run")),
            (To::Offset, "-1", None),
            (To::Shift, "-3", Some("--shift-by -3 --topic orders --dry-run")),
            (To::Shift, "1.5", None),
            (
                To::Time,
                "2026-01-31T12:00",
                Some("--to-datetime 2026-01-31T12:00:00.000 --topic orders --dry-run"),
            ),
            (
                To::Time,
                "2026-01-31T12:00:07.5",
                Some("--to-datetime 2026-01-31T12:00:07.500 --topic orders --dry-run"),
            ),
            (To::Time, "2026-01-31", None),
            (To::Time, "", None),
        ] {
            let line = to.value(typed).map(|value| line("billing", "orders", to, &value, false));
            let want = want.map(|want| {
                format!("kafka-consumer-groups.sh {BOOTSTRAP} --group billing --reset-offsets {want}")
            });
            assert_eq!(line, want, "{to:?} {typed}");
        }
        let all = line("my group", "", To::Latest, "", true);
        assert!(
            all.ends_with("--group 'my group' --reset-offsets --to-latest --all-topics --execute"),
            "{all}"
        );
    }
}
