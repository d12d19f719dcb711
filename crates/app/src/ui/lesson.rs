//! The lesson that is being done: what to read, what to predict, how the goals stand, hints and the solution.

use blumfeld_lesson::{Block, Look, Span, Words, blocks};
use blumfeld_view::{Command, Pace, Seek};
use yew::prelude::*;

use super::icon;
use super::lessons::{Listed, following, read_list};
use crate::browser;
use crate::ctx::{Ctx, use_ctx};
use crate::lesson::{LessonDeed, LessonState, keep_progress, keep_step, progress};
use crate::model::{Action, PartitionName, Tab};
use crate::text::{Lang, LessonText, fill};

/// What the panel shows.
#[derive(Properties, PartialEq)]
pub struct LessonProps {
    /// The lesson.
    pub state: LessonState,
    /// Virtual time in microseconds.
    pub now: u64,
    /// The cluster's seed.
    pub seed: u64,
    /// Whether time stands still.
    pub paused: bool,
    /// Whether something lies over it, as the console does on a phone.
    pub covered: bool,
    /// Whether the inspector has something of its own to show: a message, or what is followed.
    pub other: bool,
}

/// Words of the lesson in the page's language.
fn of<'a>(words: &'a Words, ctx: &Ctx) -> &'a str {
    words.of(ctx.lang == Lang::Ko)
}

fn does(ctx: &Ctx, deed: impl Fn() -> LessonDeed + 'static) -> Callback<MouseEvent> {
    let ctx = ctx.clone();
    Callback::from(move |_: MouseEvent| ctx.act(Action::Lesson(deed())))
}

/// The panel.
#[component]
pub fn LessonPanel(props: &LessonProps) -> Html {
    let state = &props.state;
    let heading = use_node_ref();
    let after = use_state(|| None::<Listed>);
    let ctx = use_ctx();
    // The engine watches what the step waits for.
    use_effect_with((state.watch, state.ready), {
        let (ctx, state, heading) = (ctx.clone(), state.clone(), heading.clone());
        move |(_, ready)| {
            let Some(ctx) = ctx.filter(|_| *ready) else { return };
            ctx.ask(&Command::Goals(state.asked()));
            keep_step(&state.lesson.id, state.step);
            if let Some(look) = state.now().and_then(|step| step.look.as_ref()) {
                show_beside(&ctx, look);
            }
            // Whoever has just come to a step reads it from its beginning.
            if state.step > 0 {
                browser::focus(heading.cast());
            }
        }
    });
    // What is new is often below what can be seen, and on a phone under the console.
    use_effect_with(
        (state.hints, state.solution.is_some(), state.is_reached(), state.step, props.covered),
        |(hints, solution, reached, ..)| {
            if *reached {
                browser::show(".l-said.done");
            } else if *solution {
                browser::show(".l-solution");
            } else if *hints > 0 {
                browser::show(".hints li:last-child");
            }
        },
    );
    use_effect_with((state.is_reached(), state.step), {
        let state = state.clone();
        move |(reached, step)| {
            if *reached {
                let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
                let mut all = progress();
                all.reached(
                    &state.lesson.id,
                    number(step + 1),
                    number(state.lesson.steps.len()),
                    state.lines,
                );
                keep_progress(&all);
            }
        }
    });
    let was_done = use_memo(state.lesson.id.clone(), |id| progress().of(id).whole);
    // At the end all is done, or was done before the page was loaded again.
    let over = state.is_over() || (state.is_last() && *was_done);
    use_effect_with(over, {
        let (after, id) = (after.clone(), state.lesson.id.clone());
        move |over| {
            if *over {
                // Without a list there is no next one; the list's own screen says why.
                wasm_bindgen_futures::spawn_local(async move {
                    after.set(read_list().await.ok().and_then(|all| following(&all, &id).cloned()));
                });
            }
        }
    });
    let Some(ctx) = ctx else { return Html::default() };
    let t = ctx.lang.lessons();
    let steps = state.lesson.steps.len();
    let bars = (0..steps).map(|step| {
        let class = if step == state.step {
            "now"
        } else if state.is_past(step) {
            "past"
        } else {
            ""
        };
        html! { <li class={class}></li> }
    });
    let switch = |shown: bool, name: &'static str| {
        let on = state.shown == shown;
        html! { <button class={classes!("tab", on.then_some("on"))} aria-pressed={on.to_string()} onclick={does(&ctx, move || LessonDeed::Show(shown))}>{name}</button> }
    };
    html! {
        <aside class="lesson" id="lesson" tabindex="-1" aria-label={t.lesson} data-step={(state.step + 1).to_string()} data-ready={state.ready.to_string()}
            data-reached={state.is_reached().to_string()}>
            <header class="lh">
                <p class="cap"><a href="#lessons">{track_name(t, state.lesson.track)}</a>
                    if props.other { <span class="l-switch">{switch(true, t.lesson)}{switch(false, t.inspector)}</span> }</p>
                <h2>{of(&state.lesson.title, &ctx)}</h2>
                <ol class="bars" aria-label={fill(t.steps_done, &[&(state.step + usize::from(state.is_reached())).to_string(), &steps.to_string()])}>{ for bars }</ol>
            </header>
            if state.ready {
                {say(&ctx, state, &heading)}
                {ask(&ctx, state)}
                {goals(&ctx, props)}
                {more(&ctx, props)}
                {foot(&ctx, props, over, after.as_ref())}
            } else {
                <p class="l-say" role="status">{t.preparing}</p>
            }
        </aside>
    }
}

/// The name of a track.
pub fn track_name(t: &LessonText, track: blumfeld_lesson::Track) -> &'static str {
    use blumfeld_lesson::Track;
    match track {
        Track::Beginner => t.beginner,
        Track::Developer => t.developer,
        Track::Operator => t.operator,
        Track::Uses => t.uses,
    }
}

fn spans(spans: &[Span]) -> Html {
    html! { { for spans.iter().map(|span| match span {
        Span::Plain(text) => html! { {text} },
        Span::Code(text) => html! { <code>{text}</code> },
        Span::Strong(text) => html! { <b>{text}</b> },
    }) } }
}

/// Text with its commands, each with a button that runs it.
fn text(ctx: &Ctx, state: &LessonState, written: &str) -> Html {
    let t = ctx.lang.lessons();
    // Predict first; and where the step has a deed of its own, that comes before the lines.
    let has_action = state.now().is_some_and(|step| step.action.is_some());
    let first = match (state.wants_choice(), has_action && !state.acted && !state.is_reached()) {
        (true, _) => Some(t.choose_first),
        (false, true) => Some(t.act_first),
        _ => None,
    };
    html! { { for blocks(written).into_iter().map(|block| match block {
        Block::Paragraph(parts) => html! { <p>{spans(&parts)}</p> },
        Block::Points(points) => html! { <ul class="points">{ for points.iter().map(|point| html! { <li>{spans(point)}</li> }) }</ul> },
        Block::Line(line) => {
            let run = {
                let (ctx, line, pace) = (ctx.clone(), line.clone(), state.lesson.pace);
                Callback::from(move |_: MouseEvent| {
                    if first.is_some() {
                        browser::show(".l-ask");
                        return;
                    }
                    // Whoever is to type, or to end it with Ctrl-C, finds the cursor there.
                    let stays = line.starts_with("kafka-console-producer")
                        || (line.starts_with("kafka-console-consumer") && !line.contains("--max-messages"));
                    if go_on(&ctx, pace, |ctx| ctx.run(&line)) && stays {
                        browser::focus_on("prompt");
                    }
                })
            };
            html! { <p class="l-line"><code>{&line}</code><button class="ctl small" aria-disabled={first.is_some().to_string()} title={first}
                aria-label={fill(t.run_this, &[&line])} onclick={run}>{t.run_line}</button></p> }
        }
    }) } }
}

/// Does something and has time go on: before it, for a line that needs time; and after it, for one that begins a branch in
/// the past, where time stands.
fn go_on<T>(ctx: &Ctx, pace: f64, does: impl FnOnce(&Ctx) -> T) -> T {
    ctx.ask(&Command::Go(pace));
    let done = does(ctx);
    ctx.ask(&Command::Go(pace));
    done
}

/// A text without commands of its own, as a hint is: its parts in one paragraph.
fn inline(written: &str) -> Html {
    html! { { for blocks(written).into_iter().map(|block| match block {
        Block::Paragraph(parts) => spans(&parts),
        Block::Points(points) => html! { { for points.iter().map(|point| spans(point)) } },
        Block::Line(line) => html! { <code>{line}</code> },
    }) } }
}

fn say(ctx: &Ctx, state: &LessonState, heading: &NodeRef) -> Html {
    let t = ctx.lang.lessons();
    let Some(step) = state.now() else { return Html::default() };
    let look = step.look.clone().map(|look| {
        let ctx = ctx.clone();
        let show = Callback::from(move |_: MouseEvent| show(&ctx, &look));
        html! { <button class="link small l-look" onclick={show}>{t.look}</button> }
    });
    html! {
        <section class="l-say">
            <h3 ref={heading.clone()} tabindex="-1">{fill(t.step, &[&(state.step + 1).to_string(), of(&step.title, ctx)])}</h3>
            {text(ctx, state, of(&step.text, ctx))}
            {look}
            if let Some(at) = state.refused { if let Some(refused) = step.forbidden.get(at) {
                <p class="l-said wrong" role="status"><b>{t.refused}{". "}</b>{inline(of(&refused.text, ctx))}</p>
            } }
        </section>
    }
}

fn ask(ctx: &Ctx, state: &LessonState) -> Html {
    let t = ctx.lang.lessons();
    let Some(step) = state.now() else { return Html::default() };
    let action = step.action.as_ref().map(|action| {
        let run = {
            let (ctx, line, pace) = (ctx.clone(), action.line.clone(), state.lesson.pace);
            Callback::from(move |_: MouseEvent| go_on(&ctx, pace, |ctx| ctx.press(&line)))
        };
        html! { <button class={classes!("ctl", "wide", "l-act", (!state.acted).then_some("primary"))} title={action.line.clone()} disabled={state.wants_choice()} onclick={run}>
            if state.acted { {icon("check")} }{of(&action.label, ctx)}</button> }
    });
    let Some(prediction) = &step.prediction else {
        return action.map_or_else(Html::default, |action| html! { <div class="l-ask">{action}</div> });
    };
    let name = format!("predict-{}", state.step);
    let choices = prediction.choices.iter().enumerate().map(|(at, choice)| {
        let checked = state.chosen == Some(at);
        // What happens is said once it has happened; why a wrong answer is wrong, at once.
        let told = match (checked, choice.right, state.is_reached()) {
            (true, false, _) => Some((t.wrong, true)),
            (true, true, true) => Some((t.right, true)),
            (true, true, false) => Some((t.chosen_first, false)),
            (false, true, true) => Some((t.right, true)),
            _ => None,
        };
        html! {
            <label class={classes!(checked.then_some("on"))}>
                <input type="radio" name={name.clone()} checked={checked} onchange={{
                    let ctx = ctx.clone();
                    Callback::from(move |_: Event| ctx.act(Action::Lesson(LessonDeed::Choose(at))))
                }} />
                <span>{inline(of(&choice.text, ctx))}
                    if let Some((word, why)) = told {
                        <span class="why"><b>{word}</b>{" "}if why { {inline(of(&choice.why, ctx))} }</span>
                    }</span>
            </label>
        }
    });
    html! {
        <fieldset class="l-ask">
            <legend>{t.predict}</legend>
            <p>{inline(of(&prediction.ask, ctx))}</p>
            { for choices }
            {action}
        </fieldset>
    }
}

fn goals(ctx: &Ctx, props: &LessonProps) -> Html {
    let (t, state) = (ctx.lang.lessons(), &props.state);
    let go = {
        let (ctx, pace) = (ctx.clone(), state.lesson.pace);
        Callback::from(move |_: MouseEvent| ctx.ask(&Command::Go(pace)))
    };
    let Some(step) = state.now() else { return Html::default() };
    let is = |at: usize| state.goals.as_ref().and_then(|goals| goals.goals.get(at)).copied().unwrap_or(false);
    let reached = state.is_reached();
    let rows = step.goals.iter().enumerate().map(|(at, goal)| {
        let so = is(at) || reached;
        html! {
            <li data-so={so.to_string()}>
                <span class="mark" role="img" aria-label={if so { t.goal_met } else { t.goal_open }}>{icon(if so { "check" } else { "x" })}</span>
                <span>{inline(of(&goal.text, ctx))}
                    if !so && state.goals.is_some() { <span class="yet">{inline(&state.told(&goal.yet, ctx.lang))}</span> }</span>
            </li>
        }
    });
    let said = match (state.spoilt(), state.nearly()) {
        (Some(spoilt), _) => Some((t.spoilt, spoilt, "wrong")),
        (None, Some(near)) if !reached => Some((t.nearly, near, "near")),
        _ => None,
    };
    html! {
        <section class="l-goal">
            <h3>{t.goals}</h3>
            if props.paused && !reached {
                <p class="l-said near l-paused"><b>{t.paused}</b>{" "}<button class="link small" id="lesson-go" onclick={go}>{t.go}</button></p>
            }
            <ul class="goals">{ for rows }</ul>
            <div role="status">
                if let Some((word, text, class)) = said {
                    <p class={classes!("l-said", class)}><b>{word}{". "}</b>{inline(&state.told(text, ctx.lang))}</p>
                }
                if reached {
                    <p class="l-said done"><b>{if state.is_last() { t.finished } else { t.reached }}{". "}</b>
                        if let Some(done) = &step.done { {inline(of(done, ctx))} }</p>
                }
            </div>
            {hints(ctx, state)}
            {solution(ctx, state)}
            if state.is_over() && !state.lesson.links.is_empty() {
                <h3>{t.read_more}</h3>
                <ul class="points">{ for state.lesson.links.iter().map(|link| html! {
                    <li><a href={link.url.clone()} target="_blank" rel="noreferrer">{&link.title}</a></li>
                }) }</ul>
            }
        </section>
    }
}

fn hints(ctx: &Ctx, state: &LessonState) -> Html {
    let t = ctx.lang.lessons();
    let Some(step) = state.now().filter(|_| state.hints > 0) else { return Html::default() };
    html! { <ol class="hints" role="status">{ for step.hints.iter().take(state.hints).enumerate().map(|(at, hint)| html! {
        <li><b>{fill(t.hint, &[&(at + 1).to_string()])}</b>{" "}{inline(of(hint, ctx))}</li>
    }) }</ol> }
}

fn solution(ctx: &Ctx, state: &LessonState) -> Html {
    let t = ctx.lang.lessons();
    let (Some(step), Some(ran)) = (state.now(), state.solution) else { return Html::default() };
    let next = step.solution.get(ran).cloned().map(|line| {
        let (ctx, pace) = (ctx.clone(), state.lesson.pace);
        let run = Callback::from(move |_: MouseEvent| {
            // A line that waited for something has stopped time.
            go_on(&ctx, pace, |ctx| ctx.press(&line));
            ctx.act(Action::Lesson(LessonDeed::Solution));
        });
        html! { <button class="ctl" id="next-line" disabled={state.wants_choice()} title={state.wants_choice().then_some(t.choose_first)} onclick={run}>{icon("play")}{t.next_line}</button> }
    });
    html! {
        <div class="l-solution">
            <h3>{t.solution_title}</h3>
            <ol>{ for step.solution.iter().enumerate().map(|(at, line)| html! {
                <li class={classes!((at < ran).then_some("ran"))}><code>{line}</code></li>
            }) }</ol>
            {next}
        </div>
    }
}

/// Starting over, with this seed or another, and leaving.
fn more(ctx: &Ctx, props: &LessonProps) -> Html {
    let (t, state) = (ctx.lang.lessons(), &props.state);
    let reset = |seed: Option<u64>| {
        let (ctx, id) = (ctx.clone(), state.lesson.id.clone());
        Callback::from(move |_: MouseEvent| {
            keep_step(&id, 0);
            let seed = seed.unwrap_or_else(browser::draw_seed);
            ctx.ask(&Command::Reset { seed });
        })
    };
    html! {
        <p class="l-more meta">
            <button class="link small" id="lesson-restart" onclick={reset(Some(props.seed))}>{t.reset}</button>
            <button class="link small" id="lesson-seed" onclick={reset(None)}>{t.other_seed}</button>
            <a class="link small" href="./#lessons">{t.leave}</a>
            if let Some(seed) = state.lesson.seed { <span>{fill(t.pinned, &[&seed.to_string()])}</span> }
            <span class="end">{fill(t.lines_used, &[&state.lines.to_string()])}</span>
        </p>
    }
}

/// The buttons at the end: back, hint, solution, and what comes next, which is another lesson once this one is `over`.
fn foot(ctx: &Ctx, props: &LessonProps, over: bool, after: Option<&Listed>) -> Html {
    let (t, state) = (ctx.lang.lessons(), &props.state);
    // Back to where the step began; who is there already goes to the step before.
    let back = {
        let (ctx, state, now) = (ctx.clone(), state.clone(), props.now);
        Callback::from(move |_: MouseEvent| {
            const THERE: u64 = 300_000;
            let began = state.step_began().unwrap_or(0);
            let there = (now.saturating_sub(began) < THERE || state.is_untouched()) && state.step > 0;
            let to = if there { state.began.get(state.step - 1).copied().unwrap_or(0) } else { began };
            ctx.ask(&Command::Seek(Seek::Time(to)));
            ctx.ask(&Command::SetPace(Pace::Paused));
        })
    };
    let solve = {
        let (ctx, shown) = (ctx.clone(), state.solution.is_some());
        Callback::from(move |_: MouseEvent| {
            if !shown {
                ctx.act(Action::Lesson(LessonDeed::Solution));
            }
        })
    };
    let next = {
        let (ctx, pace) = (ctx.clone(), state.lesson.pace);
        Callback::from(move |_: MouseEvent| {
            ctx.ask(&Command::Go(pace));
            ctx.act(Action::Lesson(LessonDeed::Next));
        })
    };
    html! {
        <footer class="l-foot">
            <button class="ctl" id="lesson-back" title={t.back_why} onclick={back}>{t.back}</button>
            <button class="ctl" id="lesson-hint" aria-disabled={(state.hints >= 3).to_string()} onclick={does(ctx, || LessonDeed::Hint)}>{fill(t.hint, &[&(state.hints + 1).min(3).to_string()])}</button>
            <button class="ctl" id="lesson-solution" aria-disabled={state.solution.is_some().to_string()} onclick={solve}>{t.solution}</button>
            if over { {match after {
                Some(after) => html! { <a class="ctl primary end" id="lesson-next" href={after.address()} title={of(&after.title, ctx).to_owned()}>{t.next_lesson}</a> },
                None => html! { <a class="ctl primary end" id="lesson-next" href="#lessons">{t.all_lessons}</a> },
            }} }
            else { <button class={classes!("ctl", "end", state.is_reached().then_some("primary"))} id="lesson-next" disabled={!state.is_reached()} onclick={next}>{t.next}</button> }
        </footer>
    }
}

/// In a window narrower than this many pixels the dock is a sheet that covers the lesson (lessons.css).
const SHEET_PX: f64 = 860.0;
/// The screens that leave room for the lesson there.
const ROOM: [&str; 4] = ["stage", "topics", "brokers", "groups"];

/// Shows where to look as far as the lesson can be read beside it: who comes to a step reads it first.
fn show_beside(ctx: &Ctx, look: &Look) {
    let is_narrow = browser::width() < SHEET_PX;
    match look {
        Look::Screen(name) if is_narrow && !ROOM.contains(&name.as_str()) => {}
        look => show(ctx, look),
    }
    ctx.act(Action::Sheet(false));
}

/// Shows where to look.
fn show(ctx: &Ctx, look: &Look) {
    let quoted = |value: &str| value.replace(['"', '\\'], "");
    let selector = match look {
        Look::Partition(topic, partition) => {
            ctx.act(Action::Choose(PartitionName { topic: topic.clone(), partition: *partition }));
            format!(".rep[data-partition=\"{partition}\"], .row[data-partition=\"{partition}\"]")
        }
        Look::Screen(name) => return browser::go(name),
        Look::Group(id) => format!("[data-group=\"{}\"]", quoted(id)),
        Look::Client(id) => format!("[data-client=\"{}\"]", quoted(id)),
        Look::Broker(id) => format!("[data-broker=\"{id}\"]"),
        Look::Console => {
            ctx.act(Action::Show(Tab::Console));
            ".p-con".to_owned()
        }
        Look::Clock => ".transport".to_owned(),
        Look::TimeLine => ".seek".to_owned(),
        Look::Events => ".p-log".to_owned(),
    };
    browser::look_at(&selector);
}
