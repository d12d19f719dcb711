//! The builder: who has done something on the stage makes a lesson of it. What was done becomes lines, what is so becomes
//! goals, and the rest is texts; the file is checked with every letter, tried, saved, and shared as a link.

use blumfeld_lesson::{Draft, DraftGoal, DraftStep, Lesson, LessonError, Track, Words};
use web_sys::{HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::icon;
use super::lesson::track_name;
use crate::browser::{self, Kept};
use crate::cluster::Cluster;
use crate::ctx::{Ctx, use_ctx};
use crate::lesson::own_key;
use crate::model::{Action, Shared};
use crate::text::{BuilderText, LessonText, fill};
use blumfeld_view::TopicView;

/// Under what a draft is kept.
const DRAFT: &str = "draft";

/// What the builder knows of the cluster.
#[derive(Properties, PartialEq)]
pub struct BuilderProps {
    /// The lines that were used since the page was opened.
    pub used: Shared<Vec<String>>,
    /// Conditions that are so.
    pub so: Vec<String>,
}

/// Conditions that are so now, and worth being goals.
pub fn so(view: Option<&Cluster>, topics: &[Shared<TopicView>]) -> Vec<String> {
    let mut so = Vec::new();
    for topic in topics.iter().filter(|topic| !topic.internal) {
        let name = &topic.name;
        so.push(format!("partitions(\"{name}\") == {}", topic.partitions.len()));
        for one in topic.partitions.iter().take(3) {
            let place = format!("\"{name}\", {}", one.partition);
            so.push(format!("leader({place}) == {}", one.leader));
            so.push(format!("isr({place}) == {:?}", one.isr));
            if one.log_end > 0 {
                so.push(format!("log_end({place}) >= {}", one.log_end));
            }
        }
    }
    if let Some(view) = view {
        for group in view.groups.iter() {
            so.push(format!(
                "state(\"{0}\") == \"{1}\" and members(\"{0}\") == {2}",
                group.id,
                group.state,
                group.members.len()
            ));
            so.push(format!("lag(\"{}\") == 0", group.id));
        }
        so.extend(
            view.brokers.iter().filter(|broker| !broker.up).map(|broker| format!("not up({})", broker.id)),
        );
    }
    so
}

/// The screen.
#[component]
pub fn Builder(props: &BuilderProps) -> Html {
    let draft = use_state(|| {
        let kept = Kept::Always.recall(DRAFT).and_then(|text| serde_json::from_str::<Draft>(&text).ok());
        kept.unwrap_or_default()
    });
    let file = use_node_ref();
    // Of what was used, how many lines are in the draft already.
    let taken = use_state(|| 0_usize);
    use_effect_with((*draft).clone(), |draft| {
        if let Ok(text) = serde_json::to_string(draft) {
            Kept::Always.keep(DRAFT, &text);
        }
    });
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.lang.builder();
    let form = Form { draft: draft.clone(), t, lessons: ctx.lang.lessons(), so: props.so.clone() };
    let written = draft.to_file();
    let parsed = Lesson::parse(&written);
    let new: Vec<String> = props.used.iter().skip(*taken).cloned().collect();
    let take = |to: Option<usize>| {
        let (draft, taken, new, all) = (draft.clone(), taken.clone(), new.clone(), props.used.len());
        Callback::from(move |_: MouseEvent| {
            let mut changed = (*draft).clone();
            match to.map(|step| changed.steps.get_mut(step)) {
                None => changed.begin.extend(new.clone()),
                Some(Some(step)) => step.solution.extend(new.clone()),
                Some(None) => {}
            }
            draft.set(changed);
            taken.set(all);
        })
    };
    html! {
        <section class="screen builder" aria-labelledby="h-builder">
            <header class="bar"><h2 id="h-builder">{t.title}</h2><span class="acts end">{acts(&ctx, &draft, &written, parsed.is_ok(), &file)}</span></header>
            <p class="meta about-lessons">{t.about}</p>
            <div class="build">
                <form class="b-form" onsubmit={Callback::from(|event: SubmitEvent| event.prevent_default())}>
                    {about(&form)}
                    <section class="b-lines"><h3>{t.recorded}</h3>
                        if new.is_empty() { <p class="none">{t.nothing_recorded}</p> }
                        else {
                            <ol>{ for new.iter().map(|line| html! { <li><code>{line}</code></li> }) }</ol>
                            <p class="acts"><button type="button" class="ctl small" id="take-begin" onclick={take(None)}>{t.take_begin}</button>
                                { for (0..draft.steps.len()).map(|step| html! { <button type="button" class="ctl small" onclick={take(Some(step))}>{fill(t.take_step, &[&(step + 1).to_string()])}</button> }) }</p>
                        }
                    </section>
                    { for (0..draft.steps.len()).map(|step| step_form(&form, step)) }
                    <p class="acts"><button type="button" class="ctl" id="add-step" onclick={form.change(|draft| draft.steps.push(DraftStep::default()))}>{icon("plus")}{t.add_step}</button></p>
                </form>
                <section class="b-file" aria-label={t.file}>
                    <h3>{t.file}</h3>
                    <p class={classes!("l-said", tone(&parsed))} role="status">{ match &parsed {
                        Ok(_) => t.fine.to_owned(),
                        Err(error) => fill(t.wrong, &[&error.line.to_string(), &error.column.to_string(), if error.unwritten { t.unwritten } else { &error.reason }]),
                    } }</p>
                    <pre class="said" tabindex="0">{ for written.lines().enumerate().map(|(at, line)| {
                        let here = parsed.as_ref().is_err_and(|error| error.line == at + 1);
                        html! { <span class={here.then_some("here")}>{line}{"\n"}</span> }
                    }) }</pre>
                </section>
            </div>
        </section>
    }
}

/// The form: the draft, and how a field changes it.
struct Form {
    draft: UseStateHandle<Draft>,
    t: &'static BuilderText,
    lessons: &'static LessonText,
    so: Vec<String>,
}

impl Form {
    fn change(&self, change: impl Fn(&mut Draft) + 'static) -> Callback<MouseEvent> {
        let draft = self.draft.clone();
        Callback::from(move |_: MouseEvent| {
            let mut changed = (*draft).clone();
            change(&mut changed);
            draft.set(changed);
        })
    }

    /// A line of text.
    fn field(&self, label: String, value: &str, set: impl Fn(&mut Draft, String) + 'static) -> Html {
        let draft = self.draft.clone();
        let oninput = Callback::from(move |event: InputEvent| {
            let mut changed = (*draft).clone();
            set(&mut changed, event.target_unchecked_into::<HtmlInputElement>().value());
            draft.set(changed);
        });
        html! { <label>{label}<input class="field" value={value.to_owned()} {oninput} /></label> }
    }

    /// Several lines of text.
    fn area(&self, label: String, value: &str, set: impl Fn(&mut Draft, String) + 'static) -> Html {
        let draft = self.draft.clone();
        let oninput = Callback::from(move |event: InputEvent| {
            let mut changed = (*draft).clone();
            set(&mut changed, event.target_unchecked_into::<HtmlTextAreaElement>().value());
            draft.set(changed);
        });
        html! { <label>{label}<textarea class="field" rows="3" value={value.to_owned()} {oninput} /></label> }
    }

    /// A text in both languages.
    fn both(
        &self,
        label: &str,
        words: &Words,
        long: bool,
        of: impl Fn(&mut Draft) -> Option<&mut Words> + Copy + 'static,
    ) -> Html {
        let (en, ko) = (fill(self.t.in_english, &[label]), fill(self.t.in_korean, &[label]));
        let set = move |korean: bool| {
            move |draft: &mut Draft, value: String| {
                if let Some(words) = of(draft) {
                    *(if korean { &mut words.ko } else { &mut words.en }) = value;
                }
            }
        };
        html! { <div class="pair">
            { if long { self.area(en, &words.en, set(false)) } else { self.field(en, &words.en, set(false)) } }
            { if long { self.area(ko, &words.ko, set(true)) } else { self.field(ko, &words.ko, set(true)) } }
        </div> }
    }

    /// Lines of the console, one a line.
    fn lines(
        &self,
        label: &str,
        lines: &[String],
        of: impl Fn(&mut Draft) -> Option<&mut Vec<String>> + 'static,
    ) -> Html {
        self.area(label.to_owned(), &lines.join("\n"), move |draft, value| {
            if let Some(lines) = of(draft) {
                *lines = value.lines().map(str::to_owned).collect();
            }
        })
    }
}

fn about(form: &Form) -> Html {
    let (t, draft) = (form.t, &form.draft);
    let track = {
        let draft = draft.clone();
        Callback::from(move |event: Event| {
            let mut changed = (*draft).clone();
            changed.track = event.target_unchecked_into::<HtmlSelectElement>().value();
            draft.set(changed);
        })
    };
    html! {
        <section><h3>{t.about_lesson}</h3>
            <div class="pair">
                {form.field(t.name.to_owned(), &draft.id, |draft, value| draft.id = value)}
                <label>{t.track}<select class="ctl" onchange={track}>{ for Track::ALL.map(|track| html! {
                    <option value={track.word()} selected={draft.track == track.word()}>{track_name(form.lessons, track)}</option>
                }) }</select></label>
            </div>
            {form.both(t.lesson_title, &draft.title, false, |draft| Some(&mut draft.title))}
            {form.both(t.summary, &draft.summary, false, |draft| Some(&mut draft.summary))}
            <div class="pair">
                {form.field(t.minutes.to_owned(), &draft.minutes.to_string(), |draft, value| draft.minutes = value.parse().unwrap_or(0))}
                {form.field(t.brokers.to_owned(), &draft.brokers.to_string(), |draft, value| draft.brokers = value.parse().unwrap_or(0))}
            </div>
            {form.lines(t.begin, &draft.begin, |draft| Some(&mut draft.begin))}
            {form.field(t.ready.to_owned(), &draft.ready, |draft, value| draft.ready = value)}
        </section>
    }
}

/// How the file stands: what is not written yet is no fault.
fn tone(parsed: &Result<Lesson, LessonError>) -> &'static str {
    match parsed {
        Ok(_) => "done",
        Err(error) if error.unwritten => "near",
        Err(_) => "wrong",
    }
}

fn step_form(form: &Form, step: usize) -> Html {
    let t = form.t;
    let Some(now) = form.draft.steps.get(step) else { return Html::default() };
    let add = |when: String| {
        let when = when.clone();
        form.change(move |draft| {
            if let Some(step) = draft.steps.get_mut(step) {
                step.goals.push(DraftGoal { when: when.clone(), ..DraftGoal::default() });
            }
        })
    };
    html! {
        <section class="b-step" data-step={(step + 1).to_string()}>
            <header><h3>{fill(t.step, &[&(step + 1).to_string()])}</h3>
                <button type="button" class="quiet" aria-label={fill(t.remove_step, &[&(step + 1).to_string()])} title={fill(t.remove_step, &[&(step + 1).to_string()])}
                    onclick={form.change(move |draft| { if draft.steps.len() > 1 { draft.steps.remove(step); } })}>{icon("x")}</button></header>
            {form.both(t.step_title, &now.title, false, move |draft| draft.steps.get_mut(step).map(|step| &mut step.title))}
            {form.both(t.text, &now.text, true, move |draft| draft.steps.get_mut(step).map(|step| &mut step.text))}
            {form.field(t.look.to_owned(), &now.look, move |draft, value| { if let Some(step) = draft.steps.get_mut(step) { step.look = value; } })}
            <h4>{t.goals}</h4>
            { for now.goals.iter().enumerate().map(|(at, goal)| html! { <div class="b-goal">
                <div class="acts">{form.field(t.condition.to_owned(), &goal.when, move |draft, value| {
                    if let Some(goal) = draft.steps.get_mut(step).and_then(|step| step.goals.get_mut(at)) { goal.when = value; }
                })}<button type="button" class="quiet" aria-label={t.remove_goal} title={t.remove_goal} onclick={form.change(move |draft| {
                    if let Some(step) = draft.steps.get_mut(step).filter(|step| at < step.goals.len()) { step.goals.remove(at); }
                })}>{icon("x")}</button></div>
                {form.both(t.goal_text, &goal.text, false, move |draft| draft.steps.get_mut(step)?.goals.get_mut(at).map(|goal| &mut goal.text))}
                {form.both(t.goal_yet, &goal.yet, false, move |draft| draft.steps.get_mut(step)?.goals.get_mut(at).map(|goal| &mut goal.yet))}
            </div> }) }
            <p class="meta">{t.pick_goal}</p>
            <div class="chips">{ for form.so.iter().map(|when| html! { <button type="button" class="chip" onclick={add(when.clone())}>{when}</button> }) }
                <button type="button" class="chip" onclick={add(String::new())}>{icon("plus")}{t.own_goal}</button></div>
            {form.lines(t.solution, &now.solution, move |draft| draft.steps.get_mut(step).map(|step| &mut step.solution))}
            { for (0..3).map(|at| form.both(&fill(t.hint, &[&(at + 1).to_string()]), &now.hints[at], false, move |draft| draft.steps.get_mut(step)?.hints.get_mut(at))) }
            {form.both(t.done, &now.done, false, move |draft| draft.steps.get_mut(step).map(|step| &mut step.done))}
        </section>
    }
}

/// What can be done with the file.
fn acts(ctx: &Ctx, draft: &UseStateHandle<Draft>, written: &str, fine: bool, file: &NodeRef) -> Html {
    let t = ctx.lang.builder();
    let try_it = {
        let (id, written) = (draft.id.clone(), written.to_owned());
        Callback::from(move |_: MouseEvent| {
            Kept::Always.keep(&own_key(&id), &written);
            browser::open_here(&format!("./?lesson={id}&cluster=try-{id}#stage"));
        })
    };
    let save = {
        let (id, written) = (draft.id.clone(), written.to_owned());
        Callback::from(move |_: MouseEvent| browser::save(&format!("{id}.toml"), written.as_bytes()))
    };
    let share = {
        let (ctx, written) = (ctx.clone(), written.to_owned());
        Callback::from(move |_: MouseEvent| {
            let t = ctx.lang.builder();
            match blumfeld_permalink::lesson_to_hash(&written) {
                Ok(hash) => {
                    browser::copy(&format!("{}{hash}", browser::page_address()));
                    ctx.act(Action::Notice(false, fill(t.link_copied, &[&hash.len().to_string()])));
                }
                Err(error) => ctx.act(Action::Notice(true, error.told(ctx.lang == crate::text::Lang::Ko))),
            }
        })
    };
    let choose = {
        let file = file.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(input) = file.cast::<HtmlInputElement>() {
                input.click();
            }
        })
    };
    let open = {
        let (ctx, draft) = (ctx.clone(), draft.clone());
        Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            let Some(file) = input.files().and_then(|files| files.get(0)) else { return };
            input.set_value("");
            let (ctx, draft) = (ctx.clone(), draft.clone());
            wasm_bindgen_futures::spawn_local(async move {
                let read = browser::read_text(&file).await;
                match read.and_then(|text| Lesson::parse(&text).map_err(|error| error.to_string())) {
                    Ok(lesson) => draft.set(Draft::of(&lesson)),
                    Err(why) => ctx.act(Action::Notice(
                        true,
                        fill(ctx.lang.builder().not_opened, &[&file.name(), &why]),
                    )),
                }
            });
        })
    };
    let anew = {
        let draft = draft.clone();
        Callback::from(move |_: MouseEvent| draft.set(Draft::default()))
    };
    html! { <>
        <button type="button" class="ctl primary" id="build-try" disabled={!fine} onclick={try_it}>{t.try_it}</button>
        <button type="button" class="ctl" id="build-save" onclick={save}>{t.save}</button>
        <button type="button" class="ctl" id="build-share" disabled={!fine} onclick={share}>{t.share}</button>
        <button type="button" class="ctl" id="build-open" onclick={choose}>{t.open}</button>
        <input class="vh" type="file" accept=".toml" ref={file.clone()} onchange={open} tabindex="-1" aria-label={t.open} />
        <button type="button" class="ctl" id="build-new" onclick={anew}>{t.anew}</button>
    </> }
}
