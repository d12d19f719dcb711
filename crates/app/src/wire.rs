//! The wire to the engine's worker: commands go out, updates come in.

use blumfeld_view::{Command, Update};
use js_sys::Array;
use serde::Serialize;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ErrorEvent, File, MessageEvent, Worker, WorkerOptions, WorkerType};
use yew::Callback;

/// The worker's module, beside the page.
const WORKER: &str = "./worker-start.js";

/// What comes from the worker.
#[allow(clippy::large_enum_variant, reason = "there is one at a time, and it is not kept")]
pub enum Heard {
    /// An update.
    Update(Update),
    /// Something that is no update; the sentence says what was wrong with it.
    Strange(String),
    /// The worker could not be started, or its module could not be loaded.
    Failed(String),
}

/// The engine's worker. It ends with this value.
pub struct Wire {
    worker: Option<Worker>,
    // Kept: the browser calls into them.
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Wire {
    /// Starts the worker. What it says goes to `hear`, also when it cannot be started.
    pub fn start(hear: Callback<Heard>) -> Self {
        let on_message = {
            let hear = hear.clone();
            Closure::new(move |event: MessageEvent| {
                hear.emit(match serde_wasm_bindgen::from_value(event.data()) {
                    Ok(update) => Heard::Update(update),
                    Err(error) => Heard::Strange(error.to_string()),
                });
            })
        };
        let on_error = {
            let hear = hear.clone();
            Closure::new(move |event: ErrorEvent| {
                // A module that cannot be loaded gives an event without a message, and then the field is missing.
                let message = js_sys::Reflect::get(&event, &JsValue::from_str("message")).ok();
                hear.emit(Heard::Failed(
                    message.and_then(|m| m.as_string()).unwrap_or_else(|| WORKER.to_owned()),
                ));
            })
        };
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = match Worker::new_with_options(WORKER, &options) {
            Ok(worker) => {
                worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
                worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
                Some(worker)
            }
            Err(error) => {
                hear.emit(Heard::Failed(said(&error)));
                None
            }
        };
        Self { worker, _on_message: on_message, _on_error: on_error }
    }

    /// Asks for something. An error is a sentence for the user.
    pub fn send(&self, command: &Command) -> Result<(), String> {
        let Some(worker) = &self.worker else { return Err(WORKER.to_owned()) };
        let value =
            command.serialize(&serde_wasm_bindgen::Serializer::new()).map_err(|error| error.to_string())?;
        worker.post_message(&value).map_err(|error| said(&error))
    }

    /// Hands over a dropped file: a handle, no bytes.
    pub fn send_file(&self, file: &File) -> Result<(), String> {
        let Some(worker) = &self.worker else { return Err(WORKER.to_owned()) };
        worker.post_message(file).map_err(|error| said(&error))
    }

    /// Hands over files of log directories, each with its path.
    pub fn send_log_dirs(&self, files: &[(String, File)]) -> Result<(), String> {
        let Some(worker) = &self.worker else { return Err(WORKER.to_owned()) };
        let pairs = files.iter().map(|(path, file)| Array::of2(&path.as_str().into(), file));
        worker.post_message(&pairs.collect::<Array>()).map_err(|error| said(&error))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            worker.terminate();
        }
    }
}

/// What a thrown value says.
fn said(error: &JsValue) -> String {
    let message = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    message.or_else(|| error.as_string()).unwrap_or_else(|| format!("{error:?}"))
}
