//! What a record of an internal topic says: Kafka's fields with their values.

use blumfeld_view::MeaningView;
use yew::prelude::*;

use crate::format::utc;
use crate::text::Text;

/// The key in one line.
pub fn key_line(meaning: &MeaningView) -> String {
    line(&meaning.key)
}

/// The value in one line; nothing for a tombstone.
pub fn value_line(meaning: &MeaningView) -> Option<String> {
    meaning.value_schema.as_ref()?;
    let mut said = line(&meaning.value);
    if !meaning.members.is_empty() {
        said.push_str(&format!(" members={}", meaning.members.len()));
    }
    Some(said)
}

/// Fields that say something, in one line.
fn line(fields: &[(String, String)]) -> String {
    let said = fields.iter().filter(|(_, value)| !value.is_empty());
    said.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// All of it.
pub fn meaning(t: &'static Text, meaning: &MeaningView) -> Html {
    if let Some(error) = &meaning.error {
        return html! { <p class="rule bad">{error}</p> };
    }
    html! {
        <div class="meaning">
            <div class="said-part" data-schema={meaning.key_schema.clone()}><h4>{&meaning.key_schema}</h4>{list(&meaning.key)}</div>
            <div class="said-part" data-schema={meaning.value_schema.clone().unwrap_or_default()}>
                if let Some(schema) = &meaning.value_schema {
                    <h4>{schema}</h4>{list(&meaning.value)}
                } else {
                    <h4>{t.tombstone}</h4><p class="none">{t.tombstone_says}</p>
                }
            </div>
            { for meaning.members.iter().enumerate().map(|(at, member)| html! {
                <div class="said-part member"><h4>{format!("members[{at}]")}</h4>{list(member)}</div>
            }) }
        </div>
    }
}

fn list(fields: &[(String, String)]) -> Html {
    html! {
        <dl class="kv">{ for fields.iter().map(|(name, value)| {
            // A time in milliseconds is read by nobody.
            let time = name.ends_with("Timestamp").then(|| value.parse().ok().and_then(utc)).flatten();
            html! {
                <div data-field={name.clone()}><dt>{name}</dt><dd>
                    if value.is_empty() { <span class="null">{"\"\""}</span> } else { {value} }
                    if let Some(time) = time { <span class="cap">{" "}{time}</span> }
                </dd></div>
            }
        }) }</dl>
    }
}
