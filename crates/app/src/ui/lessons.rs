//! The screen of all lessons, by track, with how far the reader is.

use blumfeld_lesson::{Progress, Track, Words};
use serde::Deserialize;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::icon;
use super::lesson::track_name;
use crate::browser;
use crate::ctx::{Ctx, use_ctx};
use crate::lesson::{keep_progress, progress};
use crate::model::Action;
use crate::text::{Lang, fill};

/// A lesson as the list has it: what one sees before it is opened.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Listed {
    /// Its name.
    pub id: String,
    track: String,
    /// What it is called.
    pub title: Words,
    summary: Words,
    minutes: u32,
    steps: u32,
    par: u32,
}

impl Listed {
    /// Where it begins.
    pub fn address(&self) -> String {
        format!("?lesson={}#stage", self.id)
    }
}

/// Reads the list.
///
/// # Errors
/// What the browser or the reader of JSON says.
pub async fn read_list() -> Result<Vec<Listed>, String> {
    let text = browser::fetch_text("./lessons/index.json").await?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

/// The lesson that follows one in its track; none after the last, and none after one that is not in the list.
pub fn following<'a>(all: &'a [Listed], id: &str) -> Option<&'a Listed> {
    let at = all.iter().position(|one| one.id == id)?;
    let track = &all.get(at)?.track;
    all.get(at + 1..)?.iter().find(|one| one.track == *track)
}

/// What the screen shows.
#[derive(Properties, PartialEq)]
pub struct LessonsProps {
    /// The lesson that is being done.
    pub now: Option<String>,
}

/// The screen.
#[component]
pub fn Lessons(props: &LessonsProps) -> Html {
    let list = use_state(|| None::<Result<Vec<Listed>, String>>);
    let far = use_state(progress);
    let sure = use_state(|| false);
    let file = use_node_ref();
    use_effect_with((), {
        let list = list.clone();
        move |()| {
            wasm_bindgen_futures::spawn_local(async move { list.set(Some(read_list().await)) });
        }
    });
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.lang.lessons();
    let export = {
        let far = far.clone();
        Callback::from(move |_: MouseEvent| browser::save("blumfeld-progress.json", far.to_file().as_bytes()))
    };
    let take = take(&ctx, &far);
    let choose = {
        let file = file.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(input) = file.cast::<HtmlInputElement>() {
                input.click();
            }
        })
    };
    let clear = {
        let (far, sure) = (far.clone(), sure.clone());
        Callback::from(move |_: MouseEvent| {
            keep_progress(&Progress::default());
            far.set(Progress::default());
            sure.set(false);
        })
    };
    let set = |to: bool| {
        let sure = sure.clone();
        Callback::from(move |_: MouseEvent| sure.set(to))
    };
    html! {
        <section class="screen lessons" aria-labelledby="h-lessons">
            <header class="bar"><h2 id="h-lessons">{t.title}</h2>
                <span class="acts end">
                    <a class="ctl" id="to-era" href="#zookeeper">{ctx.lang.era().title}</a>
                    <a class="ctl" id="to-builder" href="#build">{ctx.lang.builder().title}</a>
                    <button class="ctl" id="progress-export" disabled={far.is_empty()} onclick={export}>{t.export}</button>
                    <button class="ctl" id="progress-import" onclick={choose}>{t.import}</button>
                    <input class="vh" type="file" accept="application/json,.json" ref={file} onchange={take} tabindex="-1" aria-label={t.import} />
                    <button class="ctl" id="progress-clear" disabled={far.is_empty()} onclick={set(true)}>{t.clear}</button>
                </span></header>
            <p class="meta about-lessons">{t.about}</p>
            if *sure {
                <div class="notice sure" role="alertdialog" aria-label={t.clear}><p>{t.clear_sure}</p>
                    <button class="ctl danger" id="progress-clear-yes" onclick={clear}>{t.clear}</button>
                    <button class="ctl" onclick={set(false)}>{ctx.t.cancel}</button></div>
            }
            { match &*list {
                None => html! { <p role="status">{t.loading}</p> },
                Some(Err(why)) => html! { <p class="bad" role="alert">{fill(t.no_list, &[why])}</p> },
                Some(Ok(all)) => html! { { for Track::ALL.into_iter().map(|track| of_track(&ctx, track, all, &far, props.now.as_deref())) } },
            } }
        </section>
    }
}

fn of_track(ctx: &Ctx, track: Track, all: &[Listed], far: &Progress, now: Option<&str>) -> Html {
    let t = ctx.lang.lessons();
    let lessons: Vec<&Listed> = all.iter().filter(|one| one.track == track.word()).collect();
    if lessons.is_empty() {
        return Html::default();
    }
    let more = match track {
        Track::Beginner => t.beginner_more,
        Track::Developer => t.developer_more,
        Track::Operator => t.operator_more,
        Track::Uses => t.uses_more,
    };
    let whole = lessons.iter().filter(|one| far.of(&one.id).whole).count();
    html! {
        <section class="track" aria-labelledby={format!("h-{}", track.word())}>
            <header><h3 id={format!("h-{}", track.word())}>{track_name(t, track)}</h3><span class="meta">{more}</span><span class="times end">{format!("{whole}/{}", lessons.len())}</span></header>
            <ol>{ for lessons.iter().enumerate().map(|(at, one)| row(ctx, at + 1, one, far, now)) }</ol>
        </section>
    }
}

fn row(ctx: &Ctx, number: usize, one: &Listed, far: &Progress, now: Option<&str>) -> Html {
    let t = ctx.lang.lessons();
    let (done, korean) = (far.of(&one.id), ctx.lang == Lang::Ko);
    let word = match (done.whole, done.steps) {
        (true, _) => t.again,
        (false, 0) => t.begin,
        (false, _) => t.go_on,
    };
    let state = match (done.whole, done.steps) {
        (true, _) if done.lines > 0 => {
            format!("{} · {}", t.whole, fill(t.golf, &[&done.lines.to_string(), &one.par.to_string()]))
        }
        (true, _) => t.whole.to_owned(),
        (false, 0) => String::new(),
        (false, steps) => fill(t.steps_done, &[&steps.to_string(), &one.steps.to_string()]),
    };
    let class = classes!(
        "lesson-row",
        done.whole.then_some("whole"),
        (now == Some(one.id.as_str())).then_some("now")
    );
    html! {
        <li {class} data-lesson={one.id.clone()}>
            <span class="nr">{ if done.whole { icon("check") } else { html! { {number} } } }</span>
            <span class="what"><a href={one.address()}><b>{one.title.of(korean)}</b></a><span class="sum">{one.summary.of(korean)}</span></span>
            <span class="meta">{fill(t.minutes, &[&one.minutes.to_string()])}if !state.is_empty() { {" · "}{state} }</span>
            <span class="begin" aria-hidden="true">{word}{icon("right")}</span>
        </li>
    }
}

/// Reads a file of progress and takes it over.
fn take(ctx: &Ctx, far: &UseStateHandle<Progress>) -> Callback<Event> {
    let (ctx, far) = (ctx.clone(), far.clone());
    Callback::from(move |event: Event| {
        let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
        let Some(file) = input.files().and_then(|files| files.get(0)) else { return };
        input.set_value("");
        let (ctx, far) = (ctx.clone(), far.clone());
        wasm_bindgen_futures::spawn_local(async move {
            let t = ctx.lang.lessons();
            let korean = ctx.lang == Lang::Ko;
            let read = browser::read_text(&file).await;
            let read = read.and_then(|text| Progress::from_file(&text).map_err(|error| error.told(korean)));
            match read {
                Ok(other) => {
                    let mut all = progress();
                    all.merge(&other);
                    keep_progress(&all);
                    far.set(all);
                    ctx.act(Action::Notice(false, fill(t.imported, &[&other.len().to_string()])));
                }
                Err(why) => ctx.act(Action::Notice(true, fill(t.not_imported, &[&why]))),
            }
        });
    })
}
