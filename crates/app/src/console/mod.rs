//! The console: a line editor, and output that stays fast however much there is of it.

mod backlog;
mod edit;
mod pane;
mod screen;

pub use backlog::Ink;
pub use pane::{BOOTSTRAP, ConsolePane};
pub use screen::Terminal;
