//! The log, on the standard error.

use std::io::Write;

use blumfeld_kernel::TraceEvent;
use blumfeld_sim::TraceLine;

use crate::args::Level;
use crate::clock;

/// Lines up to a level.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    level: Level,
}

impl Log {
    /// A log of this level.
    pub fn new(level: Level) -> Log {
        Log { level }
    }

    /// Whether anything of the trace is logged.
    pub fn wants_trace(self) -> bool {
        self.level >= Level::Warn
    }

    /// A line of the gateway's own.
    pub fn line(self, level: Level, text: &str) {
        if level <= self.level {
            let ms = clock::unix_ms();
            let (seconds, ms) = (ms.div_euclid(1_000).rem_euclid(86_400), ms.rem_euclid(1_000));
            let (h, m, s) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
            // A closed standard error means that nobody wants to read it.
            let name = format!("{level:?}").to_uppercase();
            let _ = writeln!(std::io::stderr(), "{h:02}:{m:02}:{s:02}.{ms:03}Z {name:5} {text}");
        }
    }

    /// A line of the trace.
    pub fn trace(self, line: &TraceLine) {
        let level = level_of(&line.event);
        if level <= self.level {
            self.line(level, &line.event.line(line.node));
        }
    }
}

fn level_of(event: &TraceEvent) -> Level {
    match event {
        TraceEvent::DiskFailed { .. } => Level::Error,
        TraceEvent::RequestRejected { .. }
        | TraceEvent::FaultInjected { .. }
        | TraceEvent::LogSetAside { .. }
        | TraceEvent::TriggerFired { .. } => Level::Warn,
        // A frame that was none is worth a look; that clients come and go is not. Those that went in the middle of a
        // request did nothing wrong, but something has ended them.
        TraceEvent::OutsideDisconnected { reason, .. } if reason.starts_with("malformed") => Level::Warn,
        TraceEvent::OutsideDisconnected { reason, .. } if reason.starts_with("the client went away") => {
            Level::Info
        }
        TraceEvent::OutsideConnected { .. } | TraceEvent::OutsideDisconnected { .. } => Level::Debug,
        TraceEvent::SegmentRolled { .. } | TraceEvent::LogRecovered { clean: true, .. } => Level::Debug,
        TraceEvent::Appended { .. } | TraceEvent::HighWatermarkAdvanced { .. } => Level::Trace,
        _ => Level::Info,
    }
}
