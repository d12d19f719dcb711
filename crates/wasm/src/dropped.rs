//! Log directories that were dropped on the page, as they are read and looked at.

use std::cell::RefCell;
use std::rc::Rc;

use blumfeld_logdirs::{Files, Limits, Opened, Problem, open, unpack};
use blumfeld_view::LogDirsView;
use js_sys::Uint8Array;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::File;

use crate::log_dirs::view;

/// Files between two words to the page on how far it is.
const FILES_A_WORD: usize = 25;

/// What was dropped last.
#[derive(Default)]
pub struct Dropped {
    /// What was found in it. Another drop has another place, so that what is read late is nobody's.
    place: Rc<RefCell<Option<Opened>>>,
}

impl Dropped {
    /// Reads files, each with its path, and tells how it goes.
    pub fn read(&mut self, files: Vec<(String, File)>, tell: fn(LogDirsView)) {
        self.place = Rc::default();
        let place = Rc::downgrade(&self.place);
        spawn_local(async move {
            let mut read = Files::new(Limits::default());
            let total = u32::try_from(files.len()).unwrap_or(u32::MAX);
            for (at, (path, file)) in files.iter().enumerate() {
                if at % FILES_A_WORD == 0 && place.strong_count() > 0 {
                    tell(LogDirsView::Reading { done: u32::try_from(at).unwrap_or(u32::MAX), total });
                }
                let taken = take(path, file, &mut read).await;
                if place.strong_count() == 0 {
                    return;
                }
                if let Err(problem) = taken {
                    return tell(view(&Err(vec![problem])));
                }
            }
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a seed, and milliseconds since 1970"
            )]
            let (seed, now_ms) =
                ((js_sys::Math::random() * 2_f64.powi(53)) as u64, js_sys::Date::now() as i64);
            let opened = open(&read, seed, now_ms);
            let Some(place) = place.upgrade() else { return };
            tell(view(&opened));
            *place.borrow_mut() = opened.ok();
        });
    }

    /// Takes what was found.
    pub fn take(&mut self) -> Option<Opened> {
        self.place.borrow_mut().take()
    }

    /// Forgets it, or stops reading it.
    pub fn forget(&mut self) {
        self.place = Rc::default();
    }
}

async fn take(path: &str, file: &File, files: &mut Files) -> Result<(), Problem> {
    let limit = Limits::default().bytes;
    #[allow(clippy::cast_precision_loss, reason = "a size in bytes")]
    if file.size() > limit as f64 {
        return Err(Problem::TooLarge { limit });
    }
    let buffer = JsFuture::from(file.array_buffer()).await.map_err(|error| Problem::Damaged {
        archive: path.to_owned(),
        what: js_sys::Error::from(error).message().into(),
    })?;
    unpack(path, Uint8Array::new(&buffer).to_vec().into(), files)
}
