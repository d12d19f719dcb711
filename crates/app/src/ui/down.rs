//! What cannot be asked while brokers are down: nobody is there who knows the topics, or a group's coordinator is away.

use std::collections::BTreeSet;

use blumfeld_view::{BrokerView, ClientRole, ClientView, GroupView};
use yew::prelude::*;

use crate::ctx::use_ctx;
use crate::model::Shared;
use crate::text::fill;

/// What is known.
#[derive(Properties, PartialEq)]
pub struct DownProps {
    /// Brokers by id.
    pub brokers: Shared<Vec<BrokerView>>,
    /// Consumer groups that a coordinator knows.
    pub groups: Shared<Vec<GroupView>>,
    /// Producers and consumers.
    pub clients: Shared<Vec<Shared<ClientView>>>,
}

/// Groups of which a member runs and that no coordinator knows.
fn away(groups: &[GroupView], clients: &[Shared<ClientView>]) -> BTreeSet<String> {
    let of = |client: &Shared<ClientView>| match &client.role {
        ClientRole::Consumer(role) if !role.member.is_empty() => Some(role.group.clone()),
        _ => None,
    };
    let known = |id: &String| groups.iter().any(|group| group.id == *id);
    clients.iter().filter_map(of).filter(|id| !id.is_empty() && !known(id)).collect()
}

/// The sentence, if there is something to say.
#[component]
pub fn Down(props: &DownProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let down: Vec<i32> = props.brokers.iter().filter(|broker| !broker.up).map(|broker| broker.id).collect();
    if down.is_empty() {
        return Html::default();
    }
    if down.len() == props.brokers.len() {
        let restart = Callback::from(move |_: MouseEvent| {
            for id in &down {
                ctx.press(&format!("fault restart {id}"));
            }
        });
        return html! {
            <div class="notice down" data-notice="down" role="status"><p>{t.all_down}</p>
                <button class="ctl small" onclick={restart}>{t.restart_all}</button></div>
        };
    }
    let away = away(&props.groups, &props.clients);
    if away.is_empty() {
        return Html::default();
    }
    let names = away.into_iter().collect::<Vec<_>>().join(", ");
    html! { <div class="notice down" data-notice="down" role="status"><p>{fill(t.group_away, &[&names])}</p></div> }
}
