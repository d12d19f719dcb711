//! One writer a cluster: a Web Lock, which the browser frees when a tab goes.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// Why the lock was not given.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LockError {
    /// Another tab has it.
    #[error("another tab writes to this cluster")]
    Taken,
    /// The browser has no Web Locks here (they need a secure context), or refuses them.
    #[error("the browser has no Web Locks: {0}")]
    Unsupported(String),
}

/// The lock of a cluster. It is held until this is dropped, the tab goes, or another tab steals it.
#[derive(Debug)]
pub struct ClusterLock {
    release: Function,
    lost: Rc<Cell<bool>>,
}

impl ClusterLock {
    /// Takes the lock of a cluster. With `steal` it is taken from the tab that has it, whose `on_lost` is called.
    pub async fn take(
        cluster: &str,
        steal: bool,
        on_lost: impl FnOnce() + 'static,
    ) -> Result<ClusterLock, LockError> {
        let unsupported = |what: &str| LockError::Unsupported(what.to_owned());
        let (manager, request) = manager().ok_or_else(|| unsupported("navigator.locks is not there"))?;
        let options = Object::new();
        // The two options exclude each other.
        let option = if steal { "steal" } else { "ifAvailable" };
        Reflect::set(&options, &option.into(), &JsValue::TRUE).map_err(|_| unsupported("no options"))?;
        // The browser holds the lock for as long as the promise that the callback gives is not settled.
        let mut release = None;
        let held = Promise::new(&mut |resolve, _| release = Some(resolve));
        let release = release.ok_or_else(|| unsupported("no promise"))?;
        let (granted_tx, granted) = promise();
        let callback = Closure::once_into_js(move |lock: JsValue| -> JsValue {
            let granted = !lock.is_null();
            let _ = granted_tx.call1(&JsValue::NULL, &JsValue::from_bool(granted));
            if granted { held.into() } else { JsValue::UNDEFINED }
        });
        let name = format!("blumfeld/{cluster}");
        let ended: Promise = (request.call3(&manager, &name.into(), &options, &callback))
            .ok()
            .and_then(|ended| ended.dyn_into().ok())
            .ok_or_else(|| unsupported("navigator.locks.request failed"))?;
        // A request that the browser refuses never calls back: its own promise says so.
        match JsFuture::from(Promise::race(&Array::of2(&granted, &ended))).await {
            Ok(granted) if granted.is_truthy() => {}
            Ok(_) => return Err(LockError::Taken),
            Err(error) => return Err(unsupported(&format!("navigator.locks.request: {error:?}"))),
        }
        let lost = Rc::new(Cell::new(false));
        let flag = Rc::clone(&lost);
        spawn_local(async move {
            // A stolen lock's promise is rejected; a released one's is fulfilled. Only what was granted can be lost.
            if JsFuture::from(ended).await.is_err() {
                flag.set(true);
                on_lost();
            }
        });
        Ok(ClusterLock { release, lost })
    }

    /// Whether another tab has stolen it.
    pub fn is_lost(&self) -> bool {
        self.lost.get()
    }
}

impl Drop for ClusterLock {
    fn drop(&mut self) {
        let _ = self.release.call0(&JsValue::NULL);
    }
}

fn promise() -> (Function, Promise) {
    let mut resolve = None;
    let promise = Promise::new(&mut |fulfil, _| resolve = Some(fulfil));
    (resolve.unwrap_or_else(|| Function::new_no_args("")), promise)
}

/// `navigator.locks` and its `request`, reached by name: web-sys counts Web Locks as unstable.
fn manager() -> Option<(JsValue, Function)> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    let request = Reflect::get(&locks, &"request".into()).ok()?.dyn_into().ok()?;
    Some((locks, request))
}
