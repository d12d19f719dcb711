//! A comparison beside the page's own cluster: a slice of each turn of the worker is its.

use blumfeld_view::{CompareUpdate, Preset};

use crate::compare::Compare;

/// It works so long in a turn, in milliseconds.
const SLICE_MS: f64 = 8.0;
/// How far it is is told this often, in milliseconds.
const TOLD_MS: f64 = 100.0;

/// The comparison that runs, if one does.
#[derive(Default)]
pub struct Comparing {
    runs: Option<Compare>,
    told: f64,
}

impl Comparing {
    /// Begins one; what ran before is given up.
    pub fn begin(&mut self, preset: Preset, seed: u64, seconds: u32) {
        self.runs = Some(Compare::new(preset, seed, seconds));
        self.told = f64::MIN;
    }

    /// Gives it up. Tells so if there was one.
    pub fn stop(&mut self) -> Option<CompareUpdate> {
        self.runs.take().map(|_| CompareUpdate::Stopped)
    }

    /// Whether one runs.
    pub fn is_busy(&self) -> bool {
        self.runs.is_some()
    }

    /// Does its part of a turn, by a clock of milliseconds. Gives what is to be told.
    pub fn turn(&mut self, now_ms: impl Fn() -> f64) -> Option<CompareUpdate> {
        let compare = self.runs.as_mut()?;
        let begun = now_ms();
        match compare.advance(|| now_ms() - begun > SLICE_MS) {
            Ok(None) if begun - self.told < TOLD_MS => None,
            Ok(None) => {
                self.told = begun;
                Some(CompareUpdate::Progress { preset: compare.preset(), done: compare.done() })
            }
            Ok(Some(result)) => {
                self.runs = None;
                Some(CompareUpdate::Done(Box::new(result)))
            }
            Err(why) => {
                self.runs = None;
                Some(CompareUpdate::Failed(why))
            }
        }
    }
}
