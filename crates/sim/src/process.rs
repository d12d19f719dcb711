//! Client processes: tools and loads, with their standard streams.

use std::collections::VecDeque;

use blumfeld_kernel::{NodeId, Process};
use bytes::Bytes;

use crate::slot::Slot;

/// A client process of the world.
pub type ProcessId = NodeId;

/// What a process has written, or that it has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To its standard output.
    Stdout(Bytes),
    /// To its standard error.
    Stderr(Bytes),
    /// It has ended with this exit code.
    Exit(i32),
}

#[derive(Clone)]
pub(crate) struct Host {
    pub process: Box<dyn Process>,
    pub slot: Slot,
    pub output: VecDeque<Output>,
    pub wants_stdin: bool,
    pub exited: bool,
}
