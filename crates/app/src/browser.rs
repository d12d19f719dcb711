//! Small things that only the browser can do.

use wasm_bindgen::JsCast;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, HtmlElement, Storage, Url};

/// For how long a value is kept. Some browsers keep nothing; that is no error: the page then starts over.
#[derive(Clone, Copy, Debug)]
pub enum Kept {
    /// For every later visit.
    Always,
    /// Over reloads of this tab.
    InTab,
}

impl Kept {
    /// Where it is kept, and a key's name there.
    fn place(self, key: &str) -> Option<(Storage, String)> {
        let window = web_sys::window()?;
        let storage = match self {
            Kept::Always => window.local_storage(),
            Kept::InTab => window.session_storage(),
        };
        Some((storage.ok()??, format!("blumfeld.{key}")))
    }

    /// A value that was kept.
    pub fn recall(self, key: &str) -> Option<String> {
        let (storage, name) = self.place(key)?;
        storage.get_item(&name).ok()?
    }

    /// Keeps a value.
    pub fn keep(self, key: &str, value: &str) {
        if let Some((storage, name)) = self.place(key) {
            let _ = storage.set_item(&name, value);
        }
    }

    /// Keeps a value no longer.
    pub fn forget(self, key: &str) {
        if let Some((storage, name)) = self.place(key) {
            let _ = storage.remove_item(&name);
        }
    }
}

/// Languages that the browser prefers, first first.
pub fn preferred_language() -> String {
    web_sys::window().and_then(|window| window.navigator().language()).unwrap_or_default()
}

/// The address from `?` on.
pub fn search() -> String {
    web_sys::window().and_then(|window| window.location().search().ok()).unwrap_or_default()
}

/// Gives the page another address, without loading it again.
pub fn name_page(address: &str) {
    let history = web_sys::window().and_then(|window| window.history().ok());
    if let Some(history) = history {
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(address));
    }
}

/// Opens an address in this tab.
pub fn open_here(address: &str) {
    if let Some(window) = web_sys::window() {
        let _ = window.location().assign(address);
    }
}

/// The page's own address, without `?` and `#`.
pub fn page_address() -> String {
    let location = web_sys::window().map(|window| window.location());
    let part = |read: fn(&web_sys::Location) -> Result<String, wasm_bindgen::JsValue>| {
        location.as_ref().and_then(|location| read(location).ok()).unwrap_or_default()
    };
    format!("{}{}", part(web_sys::Location::origin), part(web_sys::Location::pathname))
}

/// Puts a text on the clipboard. A browser that does not let it is no matter: the text stands there to be copied.
pub fn copy(text: &str) {
    if let Some(window) = web_sys::window() {
        let _ = window.navigator().clipboard().write_text(text);
    }
}

/// The address after `#`.
pub fn hash() -> String {
    let hash = web_sys::window().and_then(|window| window.location().hash().ok()).unwrap_or_default();
    hash.trim_start_matches('#').to_owned()
}

/// Sets the address after `#`, which the page follows; so "back" goes back.
pub fn go(hash: &str) {
    if let Some(window) = web_sys::window() {
        let _ = window.location().set_hash(hash);
    }
}

/// Reloads the page.
pub fn reload() {
    if let Some(window) = web_sys::window() {
        let _ = window.location().reload();
    }
}

/// Sets `data-NAME` of the document's element.
pub fn mark(name: &str, value: Option<&str>) {
    let root = web_sys::window().and_then(|window| window.document()?.document_element());
    let Some(root) = root else { return };
    let name = format!("data-{name}");
    let _ = match value {
        Some(value) => root.set_attribute(&name, value),
        None => root.remove_attribute(&name),
    };
}

/// The language that the document says it is in.
pub fn spoken() -> String {
    let root = web_sys::window().and_then(|window| window.document()?.document_element());
    root.and_then(|root| root.get_attribute("lang")).unwrap_or_default()
}

/// Sets the document's language.
pub fn speak(lang: &str) {
    let root = web_sys::window().and_then(|window| window.document()?.document_element());
    if let Some(root) = root {
        let _ = root.set_attribute("lang", lang);
    }
}

/// How far the clocks here are before UTC at a moment, in minutes; the moment in milliseconds since 1970-01-01 UTC.
pub fn zone_minutes(millis: f64) -> i32 {
    let behind = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(millis)).get_timezone_offset();
    if behind.is_finite() { -(behind as i32) } else { 0 }
}

/// Whether something is selected, so that Ctrl-C is to copy it.
pub fn has_selection() -> bool {
    let selection = web_sys::window().and_then(|window| window.get_selection().ok()?);
    selection.is_some_and(|selection| !selection.is_collapsed())
}

/// Offers bytes for saving under a name.
pub fn save(name: &str, bytes: &[u8]) {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let options = BlobPropertyBag::new();
    options.set_type("application/octet-stream");
    let Ok(blob) = Blob::new_with_u8_array_sequence_and_options(&parts, &options) else { return };
    let Ok(url) = Url::create_object_url_with_blob(&blob) else { return };
    let anchor = web_sys::window()
        .and_then(|window| window.document()?.create_element("a").ok())
        .and_then(|element| element.dyn_into::<HtmlAnchorElement>().ok());
    if let Some(anchor) = anchor {
        anchor.set_href(&url);
        anchor.set_download(name);
        anchor.click();
    }
    // The browser needs the address until it has begun to save.
    gloo_timers::callback::Timeout::new(10_000, move || {
        let _ = Url::revoke_object_url(&url);
    })
    .forget();
}

/// Puts the focus on an element.
pub fn focus(element: Option<HtmlElement>) {
    if let Some(element) = element {
        let _ = element.focus();
    }
}

/// Puts the focus on the element of an id.
pub fn focus_on(id: &str) {
    let element =
        web_sys::window().and_then(|window| window.document()).and_then(|it| it.get_element_by_id(id));
    focus(element.and_then(|element| element.dyn_into::<HtmlElement>().ok()));
}

/// How wide the window is, in CSS pixels.
pub fn width() -> f64 {
    let width = web_sys::window().and_then(|window| window.inner_width().ok());
    width.and_then(|width| width.as_f64()).unwrap_or_default()
}

/// Closes the menu of an id, and gives the focus back to its button.
pub fn close_menu(id: &str) {
    let menu = web_sys::window().and_then(|window| window.document()).and_then(|it| it.get_element_by_id(id));
    let Some(menu) = menu.and_then(|menu| menu.dyn_into::<web_sys::HtmlDetailsElement>().ok()) else {
        return;
    };
    menu.set_open(false);
    let summary = menu.query_selector("summary").ok().flatten();
    focus(summary.and_then(|summary| summary.dyn_into::<HtmlElement>().ok()));
}

/// Scrolls as little as it takes for an element to be seen.
pub fn into_view(element: &web_sys::Element) {
    let least = web_sys::ScrollIntoViewOptions::new();
    least.set_block(web_sys::ScrollLogicalPosition::Nearest);
    least.set_inline(web_sys::ScrollLogicalPosition::Nearest);
    element.scroll_into_view_with_scroll_into_view_options(&least);
}

/// Marks the first element of a selector as the one to look at, and no other; and scrolls to it.
pub fn look_at(selector: &str) {
    const MARK: &str = "data-looked";
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    if let Ok(Some(before)) = document.query_selector(&format!("[{MARK}]")) {
        let _ = before.remove_attribute(MARK);
    }
    if let Ok(Some(element)) = document.query_selector(selector) {
        let _ = element.set_attribute(MARK, "");
        into_view(&element);
        gloo_timers::callback::Timeout::new(4_000, move || {
            let _ = element.remove_attribute(MARK);
        })
        .forget();
    }
}

/// Scrolls to the first element of a selector, once it is drawn.
pub fn show(selector: &'static str) {
    gloo_timers::callback::Timeout::new(0, move || {
        let document = web_sys::window().and_then(|window| window.document());
        if let Some(Ok(Some(element))) = document.map(|document| document.query_selector(selector)) {
            into_view(&element);
        }
    })
    .forget();
}

/// The text of a file of the page's own.
///
/// # Errors
/// What the browser or the server says.
pub async fn fetch_text(address: &str) -> Result<String, String> {
    let said = |error: wasm_bindgen::JsValue| {
        error.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{error:?}"), |error| error.message().into())
    };
    let window = web_sys::window().ok_or("no window")?;
    let response =
        wasm_bindgen_futures::JsFuture::from(window.fetch_with_str(address)).await.map_err(said)?;
    let response: web_sys::Response = response.dyn_into().map_err(said)?;
    if !response.ok() {
        return Err(format!("{} {}", response.status(), response.status_text()));
    }
    let text = wasm_bindgen_futures::JsFuture::from(response.text().map_err(said)?).await.map_err(said)?;
    text.as_string().ok_or_else(|| "no text".to_owned())
}

/// The text of a file that was chosen.
///
/// # Errors
/// What the browser says.
pub async fn read_text(file: &web_sys::File) -> Result<String, String> {
    let text =
        wasm_bindgen_futures::JsFuture::from(file.text()).await.map_err(|error| format!("{error:?}"))?;
    text.as_string().ok_or_else(|| "no text".to_owned())
}

/// A seed for a new cluster.
pub fn draw_seed() -> u64 {
    (js_sys::Math::random() * f64::from(u32::MAX)) as u64
}

/// Whether the system asks for less motion.
pub fn wants_stillness() -> bool {
    let asked =
        web_sys::window().and_then(|window| window.match_media("(prefers-reduced-motion: reduce)").ok());
    asked.flatten().is_some_and(|asked| asked.matches())
}
