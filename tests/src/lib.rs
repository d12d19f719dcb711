//! What the tests over several crates share: golden files, and a console over a world.

pub mod console;
pub mod golden;
pub mod script;
