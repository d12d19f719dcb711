//! The console's pane: output, prompt, completions, starters.

use blumfeld_view::Command;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::backlog::Ink;
use super::edit::{History, complete};
use crate::browser::{self, Kept};
use crate::ctx::{Ctx, use_ctx};
use crate::model::{Action, ConsoleState};
use crate::text::{Text, fill};
use crate::ui::icon;

/// Where the broker listens, as the starters write it.
pub const BOOTSTRAP: &str = "--bootstrap-server localhost:9092";

/// Words of a completion that are offered at a time.
const WORDS_SHOWN: usize = 40;

/// The starters: the commands of the quick start.
fn starters(t: &'static Text) -> [(&'static str, String); 5] {
    let topic = "--topic quickstart-events";
    [
        (t.chip_create, format!("kafka-topics.sh {BOOTSTRAP} --create {topic} --partitions 3")),
        (t.chip_produce, format!("kafka-console-producer.sh {BOOTSTRAP} {topic}")),
        (t.chip_consume, format!("kafka-console-consumer.sh {BOOTSTRAP} {topic} --from-beginning")),
        (t.chip_list, format!("kafka-topics.sh {BOOTSTRAP} --list")),
        (t.chip_describe, format!("kafka-topics.sh {BOOTSTRAP} --describe {topic}")),
    ]
}

/// What the pane shows.
#[derive(Properties, PartialEq)]
pub struct ConsoleProps {
    /// The console's state.
    pub state: ConsoleState,
    /// Whether time stands still: then no command goes on.
    pub paused: bool,
}

/// The console.
#[component]
pub fn ConsolePane(props: &ConsoleProps) -> Html {
    let (output, input) = (use_node_ref(), use_node_ref());
    let history = use_mut_ref(|| History::new(&Kept::Always.recall("history").unwrap_or_default()));
    let asked = use_mut_ref(|| 0_u32);
    let offered = use_state(|| None::<Vec<String>>);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let state = &props.state;

    use_effect_with(ctx.lang, {
        let (ctx, output) = (ctx.clone(), output.clone());
        move |_| {
            if let Some(place) = output.cast::<HtmlElement>() {
                ctx.terminal.attach(place, ctx.t.dropped_lines);
            }
        }
    });
    use_effect_with(state.prefill.clone(), {
        let input = input.clone();
        move |(number, line)| {
            if *number > 0 {
                set_line(&input, line);
                browser::focus(input.cast());
            }
        }
    });
    use_effect_with(state.completions.clone(), {
        let (input, asked, offered) = (input.clone(), asked.clone(), offered.clone());
        move |answer| {
            let Some((id, answer)) = answer else { return };
            if *id != *asked.borrow() {
                return;
            }
            let line = line_of(&input);
            let done = complete(&line, &answer.stem, &answer.words);
            if done.line != line {
                set_line(&input, &done.line);
            }
            offered.set(Some(done.words));
        }
    });

    let submit = {
        let (ctx, input, history, offered) = (ctx.clone(), input.clone(), history.clone(), offered.clone());
        move || {
            let line = line_of(&input);
            match ctx.terminal.running() {
                Some(id) => {
                    ctx.terminal.write(Ink::Typed, &format!("{line}\n"));
                    ctx.ask(&Command::Stdin { id, text: format!("{line}\n") });
                }
                None if line.trim().is_empty() => ctx.terminal.write(Ink::Prompt, "$\n"),
                None => {
                    history.borrow_mut().push(&line);
                    Kept::Always.keep("history", &history.borrow().stored());
                    if !ctx.run(&line) {
                        return;
                    }
                }
            }
            ctx.terminal.to_end();
            set_line(&input, "");
            offered.set(None);
        }
    };
    let onkeydown = {
        let (ctx, input, history) = (ctx.clone(), input.clone(), history.clone());
        let (submit, offered, asked) = (submit.clone(), offered.clone(), asked.clone());
        Callback::from(move |event: KeyboardEvent| {
            // While an input method composes a syllable, its keys are its own. Safari says so only by 229.
            if event.is_composing() || event.key_code() == 229 {
                return;
            }
            let control = event.ctrl_key() && !event.alt_key() && !event.meta_key();
            match event.key().as_str() {
                "Enter" => submit(),
                key @ ("ArrowUp" | "ArrowDown") => {
                    let line = history.borrow_mut().step(key == "ArrowUp", &line_of(&input));
                    if let Some(line) = line {
                        set_line(&input, &line);
                    }
                }
                // From an empty prompt Tab goes on through the page, and Shift+Tab always goes back.
                "Tab"
                    if !event.shift_key()
                        && !line_of(&input).is_empty()
                        && ctx.terminal.running().is_none() =>
                {
                    let line = line_of(&input);
                    let id = ctx.terminal.number();
                    *asked.borrow_mut() = id;
                    ctx.ask(&Command::Complete { id, line });
                }
                "Escape" => offered.set(None),
                "c" if control && !browser::has_selection() && !selects(&input) => {
                    match ctx.terminal.running() {
                        Some(id) => interrupt(&ctx, id),
                        None => ctx.terminal.write(Ink::Prompt, &format!("$ {}^C\n", line_of(&input))),
                    }
                    set_line(&input, "");
                }
                "d" if control => match ctx.terminal.running() {
                    Some(id) => ctx.ask(&Command::StdinClosed { id }),
                    None => return,
                },
                "l" if control => ctx.terminal.clear(),
                _ => return,
            }
            event.prevent_default();
        })
    };
    let onscroll = {
        let ctx = ctx.clone();
        Callback::from(move |event: Event| {
            let place = event.target_unchecked_into::<HtmlElement>();
            ctx.terminal.scrolled(place.scroll_height() - place.scroll_top() - place.client_height());
        })
    };
    let running = state.running;
    let act_on_running = |make: fn(&Ctx, u32)| {
        let (ctx, input) = (ctx.clone(), input.clone());
        Callback::from(move |_: MouseEvent| {
            if let Some(id) = ctx.terminal.running() {
                make(&ctx, id);
            }
            browser::focus(input.cast());
        })
    };
    let status = match (running, state.ended) {
        (Some(_), _) if props.paused => t.running_paused.to_owned(),
        (Some(_), _) => t.running.to_owned(),
        (None, Some((_, 0))) => t.exit_ok.to_owned(),
        (None, Some((_, exit))) => fill(t.exit_code, &[&exit.to_string()]),
        (None, None) => String::new(),
    };
    let words = (*offered).clone();
    html! {
        <section class="pane p-con" aria-labelledby="h-con">
            <header>
                <h2 id="h-con">{t.console}</h2>
                <span class="cap keys">{t.tab_completes}</span>
                <span class={classes!("con-state", running.is_some().then_some("on"))} role="status">{status}</span>
                if running.is_some() {
                    <button class="ctl small" onclick={act_on_running(interrupt)} aria-label={t.interrupt_label}
                        title={t.interrupt_label}>{t.interrupt}</button>
                    <button class="ctl small" onclick={act_on_running(|ctx, id| ctx.ask(&Command::StdinClosed { id }))}
                        aria-label={t.end_input_label} title={t.end_input_label}>{t.end_input}</button>
                }
                <button class="quiet" onclick={let ctx = ctx.clone(); move |_| ctx.terminal.clear()}>{t.clear}</button>
            </header>
            <div class="con" ref={output} {onscroll} tabindex="0" role="log" aria-live="off" aria-label={t.output}></div>
            if let Some(words) = words {
                <div class="offer" role="status">
                    if words.is_empty() {
                        <span class="vh">{t.no_completions}</span>
                    } else {
                        <span class="cap">{fill(t.completions, &[&words.len().to_string()])}</span>
                        { for words.iter().take(WORDS_SHOWN).map(|word| html! {
                            <button class="chip" onclick={pick(&input, &offered, state, word)}>{word}</button>
                        }) }
                        if words.len() > WORDS_SHOWN { <span class="cap">{"…"}</span> }
                    }
                </div>
            }
            <div class="line">
                <label class="ps" for="prompt">
                    <span aria-hidden="true">{if running.is_some() { ">" } else { "$" }}</span>
                    <span class="vh">{if running.is_some() { t.stdin } else { t.prompt }}</span>
                </label>
                <input id="prompt" ref={input.clone()} {onkeydown} type="text" autocomplete="off" autocapitalize="off"
                    autocorrect="off" spellcheck="false" enterkeyhint="send"
                    data-running={running.map(|id| id.to_string())} />
            </div>
            <div class="starters">
                { for starters(t).into_iter().map(|(name, line)| {
                    let ctx = ctx.clone();
                    let title = line.clone();
                    let onclick = Callback::from(move |_: MouseEvent| ctx.act(Action::Prefill(line.clone())));
                    html! { <button class="chip" {title} {onclick}>{icon("console")}{name}</button> }
                }) }
            </div>
        </section>
    }
}

fn interrupt(ctx: &Ctx, id: u32) {
    ctx.terminal.write(Ink::Typed, "^C\n");
    ctx.ask(&Command::Interrupt { id });
}

/// Takes one of the offered words.
fn pick(
    input: &NodeRef,
    offered: &UseStateHandle<Option<Vec<String>>>,
    state: &ConsoleState,
    word: &str,
) -> Callback<MouseEvent> {
    let (input, offered, word) = (input.clone(), offered.clone(), word.to_owned());
    let answer = state.completions.clone();
    Callback::from(move |_| {
        let line = line_of(&input);
        // The line has grown by what all words have in common since the stem was told.
        let stem = answer.as_ref().map(|(_, answer)| answer.stem.clone()).unwrap_or_default();
        let end = (0..=word.len()).rev().find(|end| {
            word.get(..*end).is_some_and(|head| head.len() >= stem.len() && line.ends_with(head))
        });
        let stem = end.and_then(|end| word.get(..end)).unwrap_or(&stem);
        set_line(&input, &complete(&line, stem, std::slice::from_ref(&word)).line);
        offered.set(None);
        browser::focus(input.cast());
    })
}

fn line_of(input: &NodeRef) -> String {
    input.cast::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default()
}

/// Puts a line into the prompt, with the cursor behind it.
fn set_line(input: &NodeRef, line: &str) {
    if let Some(input) = input.cast::<HtmlInputElement>() {
        input.set_value(line);
        let end = line.encode_utf16().count() as u32;
        let _ = input.set_selection_range(end, end);
    }
}

/// Whether a part of the prompt is selected.
fn selects(input: &NodeRef) -> bool {
    input
        .cast::<HtmlInputElement>()
        .is_some_and(|input| input.selection_start().ok().flatten() != input.selection_end().ok().flatten())
}
