//! Random runs: clusters, loads and faults from a seed, and checkers that watch from outside.
//!
//! [`cluster`] is a cluster alone; [`page`] is one with what the page puts around it, its store and its reloads.

pub mod cluster;
pub mod page;
