//! What was done, as lines that others can run at the same moments; and running them.

use std::collections::VecDeque;

use blumfeld_kernel::Instant;
use blumfeld_timeline::Deed as _;
use blumfeld_view::{Pace, SharedDeed, SharedView};

use super::Engine;
use crate::record::Done;

/// Lines of somebody's session that are run again.
#[derive(Debug)]
pub(super) struct Playing {
    left: VecDeque<SharedDeed>,
    /// Where time stands still at the end.
    until: u64,
    /// The number of the next line.
    id: u32,
}

/// What a deed is as a line of the console: nothing if it is none. Deeds that the engine does by itself count as
/// nothing, for whoever does the lines again does them too.
fn line(deed: &Done) -> Option<Result<String, ()>> {
    match deed {
        Done::Console { line, .. } => Some(Ok(line.clone())),
        Done::Fault(_) => deed.fault().map(Ok),
        Done::Stdin { .. }
        | Done::StdinClosed { .. }
        | Done::Interrupt { .. }
        | Done::AddFile { .. }
        | Done::RemoveFile { .. }
        | Done::SetDurability(_)
        | Done::Reseed { .. } => Some(Err(())),
        Done::Sync
        | Done::TakeChanges
        | Done::Stored { .. }
        | Done::DiskError(_)
        | Done::Collect { .. }
        | Done::BringBack => None,
    }
}

impl Engine {
    /// What was done to the cluster, up to the moment that is shown.
    pub fn share(&self) -> SharedView {
        let now = self.run.world.now().as_micros();
        let events = self.run.world.events();
        let mut view = SharedView {
            seed: self.seed,
            brokers: self.run.began_with(),
            now,
            whole: self.began_empty,
            ..SharedView::default()
        };
        let Some(steps) = self.timeline.all_steps().filter(|_| view.whole) else {
            view.whole = false;
            return view;
        };
        for step in steps.iter().filter(|step| step.now <= now && step.events <= events) {
            match line(&step.deed) {
                Some(Ok(line)) => {
                    view.deeds.push(SharedDeed { at: step.now, events: Some(step.events), line });
                }
                Some(Err(())) => view.left_out += 1,
                None => {}
            }
        }
        view
    }

    /// Runs somebody's lines at their moments, as fast as it goes, and stands still where that session stood.
    pub fn play(&mut self, deeds: Vec<SharedDeed>, until: u64) {
        let last = deeds.last().map_or(0, |deed| deed.at);
        self.playing = Some(Playing { left: deeds.into(), until: until.max(last), id: self.free_line() });
        self.set_pace(Pace::Fastest);
    }

    /// Whether somebody's lines are being run.
    pub fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    /// Runs what is due, and gives how far time may go before the next is. A line is due after the event that it came
    /// after, and where that is not known at its time.
    pub(super) fn play_due(&mut self) -> Option<Instant> {
        loop {
            let (now, events) = (self.run.world.now().as_micros(), self.run.world.events());
            let playing = self.playing.as_mut()?;
            let Some(next) = playing.left.front() else {
                let until = playing.until;
                if now >= until {
                    self.playing = None;
                    self.set_pace(Pace::Paused);
                }
                return Some(Instant::from_micros(until));
            };
            let due = now >= next.at && next.events.is_none_or(|after| events >= after || now > next.at);
            if !due {
                return Some(Instant::from_micros(next.at));
            }
            let (id, line) = (playing.id, next.line.clone());
            playing.left.pop_front();
            playing.id += 1;
            self.console(id, &line);
            // A line that waits for something has its own idea of the clock.
            if self.playing.is_some() {
                self.set_pace(Pace::Fastest);
            }
        }
    }
}
