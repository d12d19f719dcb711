//! The program of the npm package: a cluster as a class, with sockets of a kind. `www/npm` has what stands around it.

#[cfg(target_arch = "wasm32")]
mod class {
    use std::time::Duration;

    use barnabas_kernel::{ConnectionId, Instant};
    use barnabas_wasm::{Door, DoorEvent};
    use js_sys::{Array, Uint8Array};
    use wasm_bindgen::prelude::*;

    /// A cluster that stands still until it is told to go on.
    #[wasm_bindgen]
    pub struct Engine(Door);

    fn micros(ms: f64) -> Duration {
        Duration::from_secs_f64((ms / 1_000.0).clamp(0.0, 1e9))
    }

    fn milliseconds(at: Instant) -> f64 {
        at.since(Instant::ZERO).as_secs_f64() * 1_000.0
    }

    fn conn(id: f64) -> ConnectionId {
        // The ids that `connect` gave are whole numbers below 2^53.
        ConnectionId(id as u64)
    }

    #[wasm_bindgen]
    impl Engine {
        /// A cluster that serves. `epoch_ms` is the wall clock at its beginning.
        #[wasm_bindgen(constructor)]
        pub fn new(brokers: i32, seed: f64, epoch_ms: f64) -> Result<Engine, JsError> {
            Door::new(brokers, seed as u64, epoch_ms as i64).map(Engine).map_err(|what| JsError::new(&what))
        }

        /// Where its brokers listen.
        pub fn bootstrap(&self) -> Vec<String> {
            self.0.bootstrap()
        }

        /// Virtual time, in milliseconds.
        pub fn now(&self) -> f64 {
            milliseconds(self.0.now())
        }

        /// When something happens next, in virtual milliseconds; infinite for never.
        pub fn next(&self) -> f64 {
            self.0.next_event().map_or(f64::INFINITY, milliseconds)
        }

        /// Opens a connection and gives its id.
        pub fn connect(&mut self, host: &str, port: u16, name: &str) -> f64 {
            self.0.connect(host, port, name).0 as f64
        }

        /// Sends bytes on a connection.
        pub fn write(&mut self, id: f64, bytes: &[u8]) -> Result<(), JsError> {
            self.0.write(conn(id), bytes).map_err(|what| JsError::new(&what))
        }

        /// Closes a connection.
        pub fn close(&mut self, id: f64) {
            self.0.close(conn(id));
        }

        /// Goes on up to a virtual time in milliseconds, for at most `budget` real ones, or until something has come for a
        /// client. Gives whether it came there.
        pub fn run(&mut self, until: f64, budget: f64) -> bool {
            let end = js_sys::Date::now() + budget;
            self.0.run(Instant::ZERO + micros(until), || js_sys::Date::now() < end)
        }

        /// What has come for clients: `[id, event, …]` with `true` for a connection that stands, bytes, or a text that says
        /// why it is gone.
        pub fn take(&mut self) -> Array {
            let out = Array::new();
            for (conn, event) in self.0.take() {
                out.push(&JsValue::from(conn.0 as f64));
                out.push(&match event {
                    DoorEvent::Connected => JsValue::TRUE,
                    DoorEvent::Data(bytes) => Uint8Array::from(bytes.as_ref()).into(),
                    DoorEvent::Closed(reason) => reason.to_string().into(),
                });
            }
            out
        }

        /// Injects a fault.
        pub fn fault(&mut self, line: &str) -> Result<(), JsError> {
            self.0.inject(line).map_err(|what| JsError::new(&what))
        }

        /// The lines of the trace since the last call.
        pub fn trace(&mut self) -> Vec<String> {
            self.0.take_trace()
        }
    }
}

/// A module has its classes; there is nothing to begin.
fn main() {}
