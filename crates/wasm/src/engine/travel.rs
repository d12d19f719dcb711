//! `timeline …`: what the console says of the past, and does with it.

use blumfeld_console::{TimelineError, TimelineOrder};
use blumfeld_kernel::Instant;
use blumfeld_view::{ConsoleText, Pace, Seek, Stream, TimelineView};

use super::Engine;
use crate::run::ConsoleUpdate;
use blumfeld_timeline::{Shown, TravelError, difference, told};

impl Engine {
    /// Does what a line asks of the timeline, and answers it.
    pub(super) fn obey_timeline(&mut self, id: u32, order: Result<TimelineOrder, TimelineError>) {
        let micros = |span: std::time::Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        match order {
            Ok(TimelineOrder::Back(span)) => {
                let now = self.run.world.now().as_micros();
                self.seek_for(id, Seek::Time(now.saturating_sub(micros(span))));
            }
            Ok(TimelineOrder::To(span)) => self.seek_for(id, Seek::Time(micros(span))),
            Ok(TimelineOrder::ToEvent(number)) => {
                let by = i128::from(number) - i128::from(self.run.world.events());
                self.seek_for(id, Seek::Events(i64::try_from(by).unwrap_or(i64::MAX)));
            }
            Ok(TimelineOrder::Now) => self.seek_for(id, Seek::Now),
            Ok(TimelineOrder::Why(asked)) => {
                let job = self.begin_why(asked);
                self.begin_work(id, job);
            }
            Ok(TimelineOrder::Odds(order)) => {
                let job = self.begin_odds(*order);
                self.begin_work(id, job);
            }
            Ok(TimelineOrder::Until(condition)) if self.is_in_the_past() => {
                self.set_pace(Pace::Paused);
                let job = self.until_in_the_past(condition);
                self.begin_work(id, job);
            }
            Ok(TimelineOrder::Until(condition)) => self.console(id, &format!("until {condition}")),
            Ok(TimelineOrder::Branch { name, from: Some(from), seed })
                if self.timeline.check_new(&name).is_ok() =>
            {
                self.set_pace(Pace::Paused);
                let job = self.branch_elsewhere(name, from, seed);
                self.begin_work(id, job);
            }
            // A branch of an earlier life has to be found again first.
            Ok(TimelineOrder::Switch(name)) if self.timeline.far(&name).is_some() => {
                self.set_pace(Pace::Paused);
                let job = self.reach(TimelineOrder::Switch(name.clone()), &name);
                self.begin_work(id, job);
            }
            Ok(TimelineOrder::Diff(name)) if self.timeline.far(&name).is_some() => {
                let job = self.reach(TimelineOrder::Diff(name.clone()), &name);
                self.begin_work(id, job);
            }
            Ok(order) => {
                let result = self.travel(order);
                self.answer_timeline(id, result);
            }
            Err(error) => self.answer_line(id, Err(error.told(self.language))),
        }
    }

    /// Answers a line that asked something of the timeline.
    pub(super) fn answer_timeline(&mut self, id: u32, result: Result<String, TravelError>) {
        let result = result.map_err(|error| format!("timeline: {}", error.told(self.language)));
        self.answer_line(id, result);
    }

    pub(super) fn answer_line(&mut self, id: u32, result: Result<String, String>) {
        let (stream, text, code) = match result {
            Ok(text) => (Stream::Out, text, 0),
            Err(error) => (Stream::Err, format!("blumfeld: {error}\n"), 1),
        };
        let output = if text.is_empty() { Vec::new() } else { vec![ConsoleText { stream, text }] };
        self.said.push(ConsoleUpdate { id, output, exit: Some(code) });
    }

    pub(super) fn travel(&mut self, order: TimelineOrder) -> Result<String, TravelError> {
        match order {
            TimelineOrder::Show => return Ok(self.tell_timeline()),
            TimelineOrder::Diff(name) => {
                let other = self.timeline.end_of(&name)?;
                let names = (self.timeline.living(), name.as_str());
                return Ok(difference(&self.run.world, &other.world, names, self.language));
            }
            TimelineOrder::Branch { name, seed, .. } => {
                self.timeline.check_new(&name)?;
                self.branch_off(&name);
                if let Some(seed) = seed {
                    self.reseed(seed);
                }
                return Ok(self.tell_timeline());
            }
            TimelineOrder::Switch(name) => {
                self.switch(&name)?;
                return Ok(self.tell_timeline());
            }
            TimelineOrder::Rename { from, to } => {
                self.timeline.rename(&from, &to)?;
                self.unstored = true;
            }
            TimelineOrder::Delete(name) => {
                self.timeline.delete(&name)?;
                self.unstored = true;
            }
            TimelineOrder::Cap(bytes) => {
                self.timeline.set_cap(bytes)?;
                self.unstored = true;
                return Ok(self.tell_timeline());
            }
            // These take a while, and are begun where a line is read.
            TimelineOrder::Back(_)
            | TimelineOrder::To(_)
            | TimelineOrder::ToEvent(_)
            | TimelineOrder::Now
            | TimelineOrder::Until(_)
            | TimelineOrder::Why(_)
            | TimelineOrder::Odds(_) => {}
        }
        Ok(String::new())
    }

    /// How the time line stands.
    pub(super) fn timeline_view(&self) -> TimelineView {
        let view = self.timeline.view(self.living(), self.past.is_some(), self.seeking());
        TimelineView { unkept: self.unkept(), ..view }
    }

    pub(super) fn tell_timeline(&self) -> String {
        let view = self.timeline_view();
        told(&view, Shown::of(&self.run.world), self.language)
    }

    /// Goes to a moment at once, however long that takes.
    ///
    /// # Errors
    /// It lies before all that is kept, in words.
    pub fn go_to_moment(&mut self, to: Seek) -> Result<(), String> {
        self.seek(to)?;
        while self.go_on_seeking(&mut || false) {}
        Ok(())
    }

    /// The virtual time that is shown.
    pub fn shown_at(&self) -> Instant {
        self.run.world.now()
    }
}
