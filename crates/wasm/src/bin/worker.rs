//! The worker's program: the engine behind the page.

#[cfg(target_arch = "wasm32")]
fn main() {
    blumfeld_wasm::worker::start();
}

/// A browser's worker is the only place for it; elsewhere there is nothing to do.
#[cfg(not(target_arch = "wasm32"))]
fn main() {}
