//! The stage's tokens: what is in flight, where each message stands, and how it is painted.
//!
//! The board's cards are Yew's and are drawn at most ten times a second. Between them is one canvas, which is painted
//! once a frame from what the engine told last: a message stands on its lane where its own times put it at the
//! engine's virtual now, never where an animation would.

mod lanes;
mod paint;
mod scene;

pub use lanes::{Lane, OTHERS};
pub use paint::INK_SAMPLES;
pub use scene::{Counts, Scene};
