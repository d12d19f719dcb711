//! Notices, the recovery report and the first-visit hint.

use blumfeld_view::{Command, Pace, RecoveryView, Returned};
use yew::prelude::*;

use super::board::{press, sends_one};
use super::icon;
use crate::browser::Kept;
use crate::ctx::{Ctx, use_ctx};
use crate::format::{count, size};
use crate::model::{Action, FOLLOWED, Notice, Shared};
use crate::opening::TOPIC;
use crate::text::fill;

/// What is to be read.
#[derive(Properties, PartialEq)]
pub struct NoticesProps {
    /// Notices, oldest first.
    pub notices: Vec<Notice>,
    /// What recovery found.
    pub recovery: Option<Shared<Vec<RecoveryView>>>,
    /// What became of what ran before a reload.
    pub returned: Option<Shared<Returned>>,
    /// What the storage says, if it refuses to write.
    pub storage: Option<String>,
    /// Whether anything is kept.
    pub persistent: bool,
}

/// The notices.
#[component]
pub fn Notices(props: &NoticesProps) -> Html {
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    html! {
        <div class="notices" role="region" aria-label={t.notices}>
            <div role="alert">
                if let Some(error) = &props.storage {
                    <p class="notice fault" data-notice="storage">{fill(t.storage_error, &[error])}</p>
                }
                if !props.persistent { <p class="notice fault" data-notice="persistent">{t.not_persistent}</p> }
                { for props.notices.iter().filter(|notice| notice.fault).map(|notice| row(&ctx, notice)) }
            </div>
            <div role="status">{ for props.notices.iter().filter(|notice| !notice.fault).map(|notice| row(&ctx, notice)) }</div>
            if let Some(returned) = &props.returned { {after_reload(&ctx, returned)} }
            if let Some(recovery) = &props.recovery { {report(&ctx, recovery)} }
        </div>
    }
}

fn row(ctx: &Ctx, notice: &Notice) -> Html {
    let t = ctx.t;
    let id = notice.id;
    // What a tool said scrolls, also by the keys.
    let long = notice.text.contains('\n');
    let dismiss = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.act(Action::Dismiss(id)))
    };
    html! {
        <div key={id} class={classes!("notice", notice.fault.then_some("fault"))} data-notice={if notice.fault { "error" } else { "note" }}>
            <p class={classes!(long.then_some("said-so"))} tabindex={long.then_some("0")}>{&notice.text}
                if notice.times > 1 { {" "}<b>{fill(t.times, &[&notice.times.to_string()])}</b> }</p>
            <button class="quiet" aria-label={t.dismiss} title={t.dismiss} onclick={dismiss}>{icon("x")}</button>
        </div>
    }
}

/// One notice for all that a reload did to what ran.
fn after_reload(ctx: &Ctx, returned: &Returned) -> Html {
    let t = ctx.t;
    let kinds = [
        (t.clients_again, &returned.again),
        (t.clients_over, &returned.over),
        (t.faults_over, &returned.lifted),
    ];
    let kinds = kinds.into_iter().filter(|(_, what)| !what.is_empty());
    let dismiss = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.act(Action::DismissReturned))
    };
    html! {
        <div class="notice" data-notice="returned" role="status">
            <ul>{ for kinds.map(|(text, what)| html! { <li>{fill(text, &[&what.join(", ")])}</li> }) }</ul>
            <button class="quiet" aria-label={t.dismiss} title={t.dismiss} onclick={dismiss}>{icon("x")}</button>
        </div>
    }
}

fn report(ctx: &Ctx, recovery: &[RecoveryView]) -> Html {
    let t = ctx.t;
    let (scanned, cut) = recovery.iter().fold((0_u64, 0_u64), |(scanned, cut), log| {
        (scanned.saturating_add(log.scanned), cut.saturating_add(log.truncated))
    });
    let clean = recovery.iter().all(|log| log.clean);
    let mut facts = vec![fill(t.recovered, &[&count(recovery.len() as i64)])];
    if clean {
        facts.push(t.recovered_clean.to_owned());
    }
    if scanned > 0 {
        facts.push(fill(t.recovered_scanned, &[&size(scanned)]));
    }
    if cut > 0 {
        facts.push(fill(t.recovered_cut, &[&size(cut)]));
    }
    let dismiss = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.act(Action::DismissRecovery))
    };
    html! {
        <div class="notice report" data-notice="recovery">
            <details>
                <summary>{facts.join(" · ")}{" "}<span class="link">{t.details}</span></summary>
                <div class="scroll"><table class="tb">
                    <thead><tr><th scope="col">{t.recovery_log}</th><th scope="col">{t.recovery_state}</th><th scope="col" class="num">{t.scanned}</th>
                        <th scope="col" class="num">{t.cut}</th><th scope="col" class="num">{"LEO"}</th></tr></thead>
                    <tbody>{ for recovery.iter().map(|log| html! {
                        <tr><th scope="row">{&log.partition}</th><td>{if log.clean { t.recovery_clean } else { t.recovery_unclean }}</td>
                            <td class="num">{size(log.scanned)}</td><td class={classes!("num", (log.truncated > 0).then_some("bad"))}>{size(log.truncated)}</td>
                            <td class="num">{count(log.log_end)}</td></tr>
                    }) }</tbody>
                </table></div>
            </details>
            <button class="quiet" aria-label={t.dismiss} title={t.dismiss} onclick={dismiss}>{icon("x")}</button>
        </div>
    }
}

/// How far a first visit has come.
#[derive(Properties, PartialEq)]
pub struct HintProps {
    /// Which of them were tried.
    pub tried: [bool; 3],
    /// Whether what the cluster began with is still there.
    pub is_first: bool,
    /// Whether a broker has crashed and time goes too slowly for an election to be waited for.
    pub hurries: bool,
}

/// Three things to try. Gone for good when closed or all done.
#[component]
pub fn Hint(props: &HintProps) -> Html {
    let closed = use_state(|| Kept::Always.recall("hint").is_some());
    let all = props.tried == [true; 3];
    use_effect_with(all, |all| {
        if *all {
            // Seen as done on this visit, gone on the next.
            Kept::Always.keep("hint", "done");
        }
    });
    let Some(ctx) = use_ctx() else { return Html::default() };
    if *closed {
        return Html::default();
    }
    let t = ctx.t;
    let close = {
        let closed = closed.clone();
        Callback::from(move |_: MouseEvent| {
            Kept::Always.keep("hint", "closed");
            closed.set(true);
        })
    };
    // Each is done here too: on a phone the controls that bear its number are further down.
    let (send_line, sends) = sends_one(&ctx, TOPIC);
    let crash_line = "fault crash 2";
    let slows = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| ctx.ask(&Command::SetPace(Pace::Times(FOLLOWED))))
    };
    let steps = [
        (t.hint_record, t.hint_record_more, props.is_first.then_some(sends), send_line.as_str()),
        (t.hint_crash, t.hint_crash_more, Some(press(&ctx, crash_line)), crash_line),
        (t.hint_slow, t.hint_slow_more, Some(slows), ""),
    ];
    let empty = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| {
            ctx.press("workload stop all");
            ctx.press(&format!("kafka-topics.sh --bootstrap-server localhost:9092 --delete --topic {TOPIC}"));
            ctx.ask(&Command::SetPace(Pace::Times(1.0)));
        })
    };
    // A broker's session ends after nine seconds: a quarter of an hour at the pace of a first visit.
    let hurry = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| {
            ctx.press("until saw(election)");
            ctx.ask(&Command::SetPace(Pace::Fastest));
        })
    };
    html! {
        <section class="hint" aria-label={t.hint_title}>
            <h2>{t.hint_title}</h2>
            <ol>{ for steps.into_iter().zip(props.tried).enumerate().map(|(at, ((what, more, does, line), done))| html! {
                <li class={done.then_some("done")}><span class="badge3" aria-hidden="true">{if done { "✓".to_owned() } else { (at + 1).to_string() }}</span>
                    <span>if let Some(does) = does { <button class="link try" title={line.to_owned()} onclick={does}><b>{what}</b></button> } else { <b>{what}</b> }{" "}{more}if done { <span class="vh">{" "}{t.done}</span> }
                        if at == 1 && props.hurries { {" "}<button class="link small" id="hurry" title="until saw(election)" onclick={hurry.clone()}>{t.hint_hurry}</button> }</span></li>
            }) }</ol>
            <span class="hint-more">
                <a class="link small" id="to-lessons" href="#lessons">{ctx.lang.lessons().first_time}</a>
                if props.is_first { <button class="link small" id="begin-empty" title={t.begin_empty_why} onclick={empty}>{t.begin_empty}</button> }
            </span>
            <button class="quiet" aria-label={t.close} title={t.close} onclick={close}>{icon("x")}</button>
        </section>
    }
}
