//! "Run until": time goes on until something is so, and stands still there. Each choice is a line of the console.

use blumfeld_view::{ClockView, Command, WaitView};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::menu::Menu;
use super::{Asked, icon};
use crate::browser;
use crate::ctx::{Ctx, use_ctx};
use crate::model::{Deed, PartitionName, Shared};
use crate::text::{Text, fill};

/// What the menu shows.
#[derive(Properties, PartialEq)]
pub struct RunUntilProps {
    /// Virtual now, rounded to what a choice needs, and what is waited for.
    pub waits: Vec<WaitView>,
    /// Virtual now in microseconds.
    pub now: u64,
    /// Whether the cluster runs.
    pub ready: bool,
    /// The chosen partition, whose high watermark is waited for.
    pub chosen: Option<PartitionName>,
    /// What a form did last.
    pub deed: Option<Shared<Deed>>,
}

/// The menu's id.
const MENU: &str = "run-until";

impl RunUntilProps {
    /// Of a clock.
    pub fn of(
        clock: Option<&ClockView>,
        chosen: Option<PartitionName>,
        deed: Option<Shared<Deed>>,
    ) -> RunUntilProps {
        RunUntilProps {
            waits: clock.map(|clock| clock.waits.clone()).unwrap_or_default(),
            now: clock.map_or(0, |clock| clock.now),
            ready: clock.is_some(),
            chosen,
            deed,
        }
    }
}

/// The conditions that are offered, each with its name.
fn offered(t: &Text, now: u64, chosen: Option<&PartitionName>) -> Vec<(String, String)> {
    let later = |seconds: u64| {
        let at = now / 1_000 + seconds * 1_000;
        format!("time >= {}.{:03}s", at / 1_000, at % 1_000)
    };
    let mut offered = vec![
        (t.until_rebalance.to_owned(), "saw(rebalanced)".to_owned()),
        (t.until_election.to_owned(), "saw(election)".to_owned()),
        (t.until_isr.to_owned(), "saw(isr_change)".to_owned()),
        (t.until_error.to_owned(), "saw(error)".to_owned()),
    ];
    if let Some(PartitionName { topic, partition }) = chosen {
        let name = format!("{topic}-{partition}");
        offered.insert(1, (fill(t.until_hw, &[&name]), format!("saw(high_watermark, \"{name}\")")));
    }
    offered.push((fill(t.until_later, &["1"]), later(1)));
    offered.push((fill(t.until_later, &["10"]), later(10)));
    offered
}

/// The menu, and what is waited for.
#[component]
pub fn RunUntil(props: &RunUntilProps) -> Html {
    let field = use_node_ref();
    let asked = use_state(|| Asked::None);
    let taken = asked.as_ref().is_some_and(|(id, _)| props.waits.iter().any(|wait| wait.id == *id));
    let ended = props.deed.as_ref().filter(|deed| asked.as_ref().is_some_and(|(id, _)| *id == deed.id));
    let refused = ended.filter(|deed| deed.exit != 0).map(|deed| deed.said.trim_end().to_owned());
    // What was typed stays in the menu until the console has taken it: a slip can be mended where it was made.
    use_effect_with(taken || (ended.is_some() && refused.is_none()), {
        let (field, asked) = (field.clone(), asked.clone());
        move |done| {
            if *done {
                if let Some(field) = field.cast::<HtmlInputElement>() {
                    field.set_value("");
                }
                browser::close_menu(MENU);
                asked.set(None);
            }
        }
    });
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let waits = |condition: String| {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.press(&format!("until {condition}")))
    };
    let run = {
        let (ctx, field, asked) = (ctx.clone(), field.clone(), asked.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(field) = field.cast::<HtmlInputElement>() else { return };
            if !field.value().trim().is_empty() {
                let line = format!("until {}", field.value().trim());
                asked.set(ctx.run_for_form(&line).map(|id| (id, line)));
            }
        })
    };
    let armed = props.waits.first();
    let value = armed.map(|wait| wait.condition.clone());
    let summary = html! { <>
        <span class="lbl">{t.run_until}</span>
        if let Some(value) = value { <span class="val">{value}</span> }
        {icon("down")}
    </> };
    html! { <>
        <Menu class={classes!("ctl", "untilb", armed.is_some().then_some("armed"))} id={MENU} {summary}>
            <div class="menu-list until-list">
                { for props.waits.iter().map(|wait| waiting(&ctx, wait)) }
                <ul>{ for offered(t, props.now, props.chosen.as_ref()).into_iter().map(|(name, condition)| html! {
                    <li><button disabled={!props.ready} onclick={waits(condition.clone())}><span>{name}</span><code>{condition}</code></button></li>
                }) }</ul>
                <form onsubmit={run}>
                    <label for="until-condition">{t.until_condition}</label>
                    <input id="until-condition" ref={field} class="field mono" spellcheck="false" autocomplete="off" autocapitalize="off"
                        placeholder="isr(\"orders\", 0) == [1, 2, 3]" />
                    <button class="ctl" type="submit" data-stay="" disabled={!props.ready}>{t.until_go}</button>
                </form>
                if let Some(refused) = refused { <pre class="came bad" role="alert">{refused}</pre> }
                <p class="meta">{t.until_help}{" "}<code>{"until"}</code></p>
            </div>
        </Menu>
    </> }
}

/// A condition that is waited for: what keeps it from being so, and the end of the wait.
fn waiting(ctx: &Ctx, wait: &WaitView) -> Html {
    let t = ctx.t;
    let stop = {
        let (ctx, id) = (ctx.clone(), wait.id);
        Callback::from(move |_: MouseEvent| ctx.ask(&Command::Interrupt { id }))
    };
    html! {
        <div class="waiting" key={wait.id}>
            <p><b>{t.until_waits}</b>{" "}<code>{&wait.condition}</code></p>
            if !wait.kept.is_empty() { <p class="meta">{t.until_not_yet}</p><ul class="kept">{ for wait.kept.iter().map(|kept| html! { <li><code>{kept}</code></li> }) }</ul> }
            if !wait.missing.is_empty() { <p class="meta">{fill(t.until_no_topic, &[&wait.missing.join(", ")])}</p> }
            <button class="ctl small" onclick={stop}>{t.until_stop}</button>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;

    #[test]
    fn what_is_offered_names_the_chosen_partition_and_times_from_now_on() {
        let chosen = PartitionName { topic: "orders".to_owned(), partition: 2 };
        let conditions = |chosen| -> Vec<String> {
            offered(Lang::En.text(), 83_456_789, chosen).into_iter().map(|one| one.1).collect()
        };
        assert_eq!(
            conditions(Some(&chosen)),
            [
                "saw(rebalanced)",
                "saw(high_watermark, \"orders-2\")",
                "saw(election)",
                "saw(isr_change)",
                "saw(error)",
                "time >= 84.456s",
                "time >= 93.456s"
            ]
        );
        assert_eq!(conditions(None).len(), 6);
    }
}
