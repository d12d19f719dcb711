//! Files that were dropped on the page or picked, for `cat NAME | …` in the console.

use blumfeld_view::Command;
use web_sys::{File, FileList, HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::charts::aside;
use super::icon;
use crate::browser::{self, Kept};
use crate::ctx::{Ctx, use_ctx};
use crate::dropping::{self, LogDirs};
use crate::format::size;
use crate::model::{Action, FileState, Tab};
use crate::share;
use crate::text::fill;

/// The command line that sends a file, with the topic's name left to type.
fn use_line(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '+' | ',');
    let quoted =
        if name.chars().all(plain) { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) };
    format!("cat {quoted} | kafka-console-producer.sh {} --topic ", crate::console::BOOTSTRAP)
}

fn hand_over(ctx: &Ctx, files: Option<FileList>) {
    let Some(files) = files else { return };
    for file in (0..files.length()).filter_map(|at| files.get(at)) {
        take(ctx.clone(), file);
    }
    ctx.act(Action::Show(Tab::Files));
}

/// Hands a file to the engine. A shared session is opened instead: the page is loaded again for it.
fn take(ctx: Ctx, file: File) {
    if !file.name().ends_with(".json") || file.size() > SESSION_LIMIT {
        return ctx.hand_over(&file);
    }
    wasm_bindgen_futures::spawn_local(async move {
        match browser::read_text(&file).await {
            Ok(text) if share::is_file(&text) => {
                Kept::InTab.keep(share::FILE_KEY, &text);
                browser::open_here("./?shared#stage");
            }
            _ => ctx.hand_over(&file),
        }
    });
}

/// No file of a session is longer, in bytes.
const SESSION_LIMIT: f64 = 4.0 * 1024.0 * 1024.0;

/// What the pane shows.
#[derive(Properties, PartialEq)]
pub struct FilesProps {
    /// The files.
    pub files: Vec<FileState>,
}

/// The pane.
#[component]
pub fn Files(props: &FilesProps) -> Html {
    let picker = use_node_ref();
    let Some(ctx) = use_ctx() else { return Html::default() };
    let t = ctx.t;
    let pick = {
        let picker = picker.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(picker) = picker.cast::<HtmlElement>() {
                picker.click();
            }
        })
    };
    let onchange = {
        let ctx = ctx.clone();
        Callback::from(move |event: Event| {
            let input = event.target_unchecked_into::<HtmlInputElement>();
            hand_over(&ctx, input.files());
            // The same file can be picked again.
            input.set_value("");
        })
    };
    html! {
        <section class="pane p-files" aria-labelledby="h-files">
            <header><h2 id="h-files">{t.files}</h2>
                <button class="ctl small end" onclick={pick}>{icon("plus")}{t.add_file}</button>
                {aside(&ctx, Tab::Charts, t.charts)}
                <input type="file" multiple=true ref={picker} {onchange} hidden=true id="pick-file" /></header>
            if props.files.is_empty() {
                <p class="none">{t.no_files}</p>
            }
            <ul class="files">{ for props.files.iter().map(|file| row(&ctx, file)) }</ul>
        </section>
    }
}

fn row(ctx: &Ctx, file: &FileState) -> Html {
    let t = ctx.t;
    let line = use_line(&file.name);
    let to_console = {
        let ctx = ctx.clone();
        Callback::from(move |_: MouseEvent| {
            ctx.act(Action::Show(Tab::Console));
            ctx.act(Action::Prefill(line.clone()));
        })
    };
    let reading = file.reading;
    let remove = {
        let (ctx, name) = (ctx.clone(), file.name.clone());
        Callback::from(move |_: MouseEvent| match reading {
            Some((id, _)) => ctx.ask(&Command::Interrupt { id }),
            None => ctx.ask(&Command::RemoveFile { name: name.clone() }),
        })
    };
    let label = fill(if reading.is_some() { t.stop_reading } else { t.remove }, &[&file.name]);
    html! {
        <li data-file={file.name.clone()}>
            <div class="fh"><b title={file.name.clone()}>{&file.name}</b><span class="meta">{size(file.size)}</span>
                <button class="quiet" aria-label={label.clone()} title={label} onclick={remove}>{icon("x")}</button></div>
            if let Some((_, done)) = reading {
                <progress max={file.size.max(1).to_string()} value={done.to_string()}></progress>
                <span class="cap" role="status">{fill(t.reading, &[&size(done), &size(file.size)])}</span>
            } else {
                <button class="link small" onclick={to_console}>{t.use_in_console}</button>
            }
        </li>
    }
}

/// What lies around everything, so that a file can be dropped anywhere.
#[derive(Properties, PartialEq)]
pub struct DropZoneProps {
    /// Whether the cluster runs, so that a file can be taken.
    pub ready: bool,
    /// The page.
    pub children: Html,
    /// Attributes for the style sheet: screen, tab, whether the sheet is open, whether a partition is chosen.
    pub place: [String; 5],
}

/// Takes files that are dropped anywhere on the page.
#[component]
pub fn DropZone(props: &DropZoneProps) -> Html {
    // Enter and leave come for every child: only their balance says whether the pointer is inside.
    let depth = use_state(|| 0_i32);
    let Some(ctx) = use_ctx() else { return Html::default() };
    let ready = props.ready;
    let carries_files = |event: &DragEvent| {
        event
            .data_transfer()
            .is_some_and(|data| (0..data.types().length()).any(|at| data.types().get(at) == "Files"))
    };
    let step = |by: i32| {
        let depth = depth.clone();
        Callback::from(move |event: DragEvent| {
            if carries_files(&event) {
                event.prevent_default();
                depth.set((*depth + by).max(0));
            }
        })
    };
    let over = Callback::from(move |event: DragEvent| {
        if carries_files(&event) {
            event.prevent_default();
        }
    });
    let drop = {
        let (ctx, depth) = (ctx.clone(), depth.clone());
        Callback::from(move |event: DragEvent| {
            if !carries_files(&event) {
                return;
            }
            event.prevent_default();
            depth.set(0);
            let Some(data) = event.data_transfer().filter(|_| ready) else { return };
            let entries = match dropping::log_dirs(&data) {
                None => return hand_over(&ctx, data.files()),
                Some(LogDirs::Files(files)) => return ctx.hand_over_log_dirs(&files),
                Some(LogDirs::Entries(entries)) => entries,
            };
            let ctx = ctx.clone();
            wasm_bindgen_futures::spawn_local(async move {
                match dropping::files(entries).await {
                    Ok(files) => ctx.hand_over_log_dirs(&files),
                    Err(error) => ctx.act(Action::Notice(true, error)),
                }
            });
        })
    };
    let [screen, tab, sheet, chosen, lesson] = props.place.clone();
    html! {
        <div class="shell" data-screen={screen} data-tab={tab} data-sheet={sheet} data-chosen={chosen} data-lesson={lesson}
            inert={!ready}
            ondragenter={step(1)} ondragleave={step(-1)} ondragover={over} ondrop={drop}>
            {props.children.clone()}
            if *depth > 0 && ready {
                <div class="drop"><div><h2>{ctx.t.drop_here}</h2><p>{ctx.t.drop_more}</p></div></div>
            }
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_for_the_console() {
        for (name, want) in [
            ("access.log", "cat access.log |"),
            ("주문.csv", "cat 주문.csv |"),
            ("my file (1).txt", "cat 'my file (1).txt' |"),
            ("it's", r"cat 'it'\''s' |"),
            ("a;b", "cat 'a;b' |"),
        ] {
            assert!(use_line(name).starts_with(want), "{name}");
        }
    }
}
