//! The page: it draws what the engine's worker tells and asks it for what the user wants. The engine itself is another
//! module in another thread; between the two goes only plain data (`blumfeld-view`).

mod address;
mod app;
mod browser;
mod cluster;
mod comparison;
mod configs;
mod console;
mod ctx;
mod dropping;
mod events;
mod format;
mod frames;
mod health;
mod lag;
mod lesson;
mod likeness;
mod messages;
mod model;
mod opening;
mod requests;
mod screen;
mod series;
mod share;
mod stage;
mod strip;
mod text;
mod timeline;
mod topic_name;
mod ui;
mod wire;
mod workload;

fn main() {
    // A fault of the page itself must not leave a picture that stands still and looks alive.
    std::panic::set_hook(Box::new(|fault| {
        web_sys::console::error_1(&fault.to_string().into());
        browser::mark("state", Some("panicked"));
        browser::mark("broken", Some(""));
    }));
    let root = web_sys::window().and_then(|window| window.document()?.get_element_by_id("app"));
    if let Some(root) = root {
        yew::Renderer::<app::App>::with_root(root).render();
    }
}
