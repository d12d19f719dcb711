//! The page's parts.

mod asked;
mod board;
mod board_cards;
mod brokers;
mod builder;
mod charts;
mod client_form;
mod clients;
mod compaction;
mod compare;
mod config_form;
mod configs;
mod create_topic;
mod diagram;
mod dock;
mod down;
mod era;
mod event_log;
mod exchange;
mod files;
mod follow;
mod gate;
mod groups;
mod hex;
mod inspector;
mod lesson;
mod lessons;
mod log_dirs;
mod meaning;
mod menu;
mod messages;
mod notices;
mod partition_deeds;
mod pins;
mod rebalances;
mod records;
mod requests;
mod reset_form;
mod row;
mod run_until;
mod search;
mod share;
mod shortcuts;
mod strip;
mod time_line;
mod token_deeds;
mod token_inspector;
mod token_table;
mod topbar;
mod topics;
mod transactions;

use yew::prelude::*;

use crate::model::{Deed, Shared};
use crate::text::ConfigText;

pub use board::Stage;
pub use brokers::Brokers;
pub use builder::{Builder, so};
pub use charts::Charts;
pub use clients::Clients;
pub use compare::Comparison;
pub use configs::Configs;
pub use dock::{DockTabs, Nav};
pub use down::Down;
pub use era::Era;
pub use event_log::EventLog;
pub use files::{DropZone, Files};
pub use follow::{FollowBar, FollowInspector};
pub use gate::{Gate, WatchBanner};
pub use groups::Groups;
pub use inspector::Inspector;
pub use lesson::LessonPanel;
pub use lessons::Lessons;
pub use log_dirs::LogDirs;
pub use messages::Messages;
pub use notices::{Hint, Notices};
pub use requests::Requests;
pub use share::Share;
pub use shortcuts::{Shortcuts, press};
pub use time_line::{PastBanner, TimeLine};
pub use token_inspector::TokenInspector;
pub use topbar::TopBar;
pub use topics::Topics;
pub use transactions::Transactions;

/// An icon of the page's sprite (`index.html`). It says nothing by itself: what it stands for has a label.
pub fn icon(name: &str) -> Html {
    html! { <svg class="i" aria-hidden="true"><use href={format!("#i-{name}")} /></svg> }
}

/// The colour and pattern of a partition, by its number modulo six.
pub fn identity(partition: i32) -> String {
    partition.rem_euclid(6).to_string()
}

/// A command line, which breaks between its words and not behind a hyphen.
pub fn command_line(line: &str) -> Html {
    line.split(' ').map(|word| html! { <><span class="word">{word.to_owned()}</span>{" "}</> }).collect()
}

/// What a form ran: the command's number, and its line.
pub type Asked = Option<(u32, String)>;

/// What runs a form's line when it is sent, if the line is fit to be run; `asked` has what was run then.
pub fn runs_line(
    ctx: &crate::ctx::Ctx,
    asked: &UseStateHandle<Asked>,
    line: &str,
    fit: bool,
) -> Callback<SubmitEvent> {
    let (ctx, asked, line) = (ctx.clone(), asked.clone(), line.to_owned());
    Callback::from(move |event: SubmitEvent| {
        event.prevent_default();
        if fit {
            asked.set(ctx.run_for_form(&line).map(|id| (id, line.clone())));
        }
    })
}

/// Whether what a form ran has not ended.
pub fn runs(asked: &Asked, deed: Option<&Shared<Deed>>) -> bool {
    asked.as_ref().is_some_and(|(id, _)| deed.is_none_or(|deed| deed.id != *id))
}

/// What closes a form without doing anything: the Escape key, unless it ends the composing of a syllable, and a button.
pub fn cancels(close: &Callback<()>) -> (Callback<KeyboardEvent>, Callback<MouseEvent>) {
    let by_key = {
        let close = close.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" && !event.is_composing() {
                close.emit(());
            }
        })
    };
    let close = close.clone();
    (by_key, Callback::from(move |_: MouseEvent| close.emit(())))
}

/// What came of the command that a form ran: while it runs, and once it has ended. The form says `line` now: what came of
/// another one stands below that one. `tell` makes words of what a command that failed said.
pub fn outcome(
    c: &'static ConfigText,
    asked: &Asked,
    line: &str,
    deed: Option<&Shared<Deed>>,
    tell: impl Fn(&str) -> String,
) -> Html {
    let Some((id, asked)) = asked else { return Html::default() };
    let came = result(c, *id, deed, tell);
    if asked == line {
        return came;
    }
    html! { <div class="earlier"><p class="k">{c.came_of}</p><code>{command_line(asked)}</code>{came}</div> }
}

fn result(
    c: &'static ConfigText,
    id: u32,
    deed: Option<&Shared<Deed>>,
    tell: impl Fn(&str) -> String,
) -> Html {
    match deed.filter(|deed| deed.id == id) {
        None => html! { <p class="rule" role="status">{c.working}</p> },
        // Some of Kafka's tools complain and end well all the same.
        Some(deed) if deed.exit == 0 && !deed.said.trim_start().starts_with("Error") => {
            html! { <pre class="came" role="status" data-exit="0">{deed.said.trim().to_owned()}</pre> }
        }
        Some(deed) => {
            let exit = deed.exit.to_string();
            html! { <pre class="came bad" role="alert" data-exit={exit}>{tell(&deed.said)}</pre> }
        }
    }
}

/// A partition by name, with its square. Of a long name the topic is cut short, and never the number.
pub fn partition_name(topic: &str, partition: i32) -> Html {
    html! {
        <span class="pn" title={format!("{topic}-{partition}")}>{swatch(partition)}<span class="tn">{topic.to_owned()}</span>
            <span>{format!("-{partition}")}</span></span>
    }
}

/// A small square in the colour and pattern of a partition.
pub fn swatch(partition: i32) -> Html {
    let id = identity(partition);
    html! { <i class="sw" data-p={id} aria-hidden="true"></i> }
}
