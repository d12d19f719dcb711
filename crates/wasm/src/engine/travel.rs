//! `timeline …`: what the console says of the past, and does with it.

use std::fmt::Write as _;

use blumfeld_console::{TimelineError, TimelineOrder};
use blumfeld_kernel::Instant;
use blumfeld_shell::Language;
use blumfeld_view::{ConsoleText, Pace, Seek, Stream};

use super::Engine;
use super::rewind::TravelError;
use crate::run::ConsoleUpdate;
use crate::timeline::{BranchError, is_name};

/// A virtual time as the clock of the page shows it: `00:01:23.456`.
pub(super) fn clock(at: u64) -> String {
    let (ms, seconds) = (at / 1_000 % 1_000, at / 1_000_000);
    format!("{:02}:{:02}:{:02}.{ms:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

impl TravelError {
    /// The sentence for a person.
    pub fn told(&self, language: Language) -> String {
        let korean = language == Language::Korean;
        match self {
            Self::TooEarly(from) if korean => {
                format!("{} 이전은 더 이상 보관되어 있지 않습니다", clock(from.as_micros()))
            }
            Self::TooEarly(from) => {
                format!("what was before {} is not kept any more", clock(from.as_micros()))
            }
            Self::Beginning if korean => "그보다 앞선 이벤트는 없습니다".to_owned(),
            Self::Beginning => "there is no earlier event".to_owned(),
            Self::Busy if korean => {
                "다른 명령이 아직 과거를 살펴보고 있습니다. Ctrl-C로 끝낼 수 있습니다".to_owned()
            }
            Self::Busy => "another line still goes through the past; Ctrl-C ends it".to_owned(),
            Self::MadeOfOthers(fact) if korean => {
                format!("{fact} 값은 다른 값들로 이루어져 있어 원인이 된 이벤트가 하나가 아닙니다")
            }
            Self::MadeOfOthers(fact) => {
                format!("{fact} is made of other numbers, so no one event set it: ask for those")
            }
            Self::Never(kept) if korean => {
                format!("브랜치의 끝까지 그런 순간이 없습니다. {}", kept.join(", "))
            }
            Self::Never(kept) => format!("it is not so up to the end of the branch: {}", kept.join(", ")),
            Self::Branch(error) => error.told(korean),
        }
    }
}

impl BranchError {
    fn told(&self, korean: bool) -> String {
        match self {
            Self::Unknown(name) if korean => format!("{name} 브랜치가 없습니다"),
            Self::Unknown(name) => format!("there is no branch {name}"),
            Self::Taken(name) if korean => format!("{name} 브랜치가 이미 있습니다"),
            Self::Taken(name) => format!("there is a branch {name} already"),
            Self::Name(name) if korean => {
                format!("`{name}` 값은 브랜치 이름이 될 수 없습니다: 글자, 숫자, -, _, . 40자까지입니다")
            }
            Self::Name(name) => {
                format!("`{name}` is no name for a branch: it has letters, digits, -, _ and ., at most 40")
            }
            Self::Living if korean => "지금 살아 있는 브랜치입니다".to_owned(),
            Self::Living => "it is the living branch".to_owned(),
            Self::Parent { name, children } if korean => {
                format!("{name}에서 갈라진 브랜치가 있습니다: {}", children.join(", "))
            }
            Self::Parent { name, children } => format!("{} forks from {name}", children.join(", ")),
            Self::Gone if korean => "더 이상 보관되어 있지 않습니다".to_owned(),
            Self::Gone => "it is not kept any more".to_owned(),
        }
    }
}

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
            Ok(TimelineOrder::Branch { name, from: Some(from), seed }) if is_name(&name) => {
                self.set_pace(Pace::Paused);
                let job = self.branch_elsewhere(name, from, seed);
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

    fn answer_line(&mut self, id: u32, result: Result<String, String>) {
        let (stream, text, code) = match result {
            Ok(text) => (Stream::Out, text, 0),
            Err(error) => (Stream::Err, format!("blumfeld: {error}\n"), 1),
        };
        let output = if text.is_empty() { Vec::new() } else { vec![ConsoleText { stream, text }] };
        self.said.push(ConsoleUpdate { id, output, exit: Some(code) });
    }

    fn travel(&mut self, order: TimelineOrder) -> Result<String, TravelError> {
        match order {
            TimelineOrder::Show => return Ok(self.tell_timeline()),
            TimelineOrder::Diff(name) => {
                let other = self.timeline.end_of(&name)?;
                return Ok(super::difference::told(&self.run, other, (self.timeline.living(), &name)));
            }
            TimelineOrder::Branch { name, .. } if !is_name(&name) => {
                return Err(BranchError::Name(name).into());
            }
            TimelineOrder::Branch { name, seed, .. } => {
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
            TimelineOrder::Rename { from, to } => self.timeline.rename(&from, &to)?,
            TimelineOrder::Delete(name) => self.timeline.delete(&name)?,
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

    pub(super) fn tell_timeline(&self) -> String {
        let korean = self.language == Language::Korean;
        let view = self.timeline.view(self.living(), self.past.is_some(), None);
        let (now, from) = (clock(self.run.world.now().as_micros()), clock(view.from));
        let events = self.run.world.events();
        let mut text = match (korean, view.tip.map(clock)) {
            (false, Some(tip)) => {
                format!("You are looking at {now} (event {events}); the branch goes on to {tip}.\n")
            }
            (false, None) => format!("It is {now} (event {events}).\n"),
            (true, Some(tip)) => {
                format!("{now}(이벤트 {events})를 보고 있습니다. 브랜치는 {tip}까지 이어집니다.\n")
            }
            (true, None) => format!("지금은 {now}(이벤트 {events})입니다.\n"),
        };
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let (kept, weight, cap) = (view.checkpoints, mib(view.weight), mib(view.cap));
        let copies = if kept == 1 { "one checkpoint".to_owned() } else { format!("{kept} checkpoints") };
        let _ = match korean {
            false => writeln!(text, "It can be rewound to {from}: {copies}, about {weight} of {cap} MiB."),
            true => {
                writeln!(text, "{from}까지 되감을 수 있습니다: 체크포인트 {kept}개, 약 {weight}/{cap} MiB.")
            }
        };
        for branch in &view.branches {
            let mark = if branch.living { '*' } else { ' ' };
            let end = if branch.end == 0 { now.clone() } else { clock(branch.end) };
            let _ = match (&branch.parent, korean) {
                (Some(parent), false) => {
                    writeln!(
                        text,
                        "{mark} {} forks from {parent} at {}, up to {end}",
                        branch.name,
                        clock(branch.fork)
                    )
                }
                (Some(parent), true) => {
                    writeln!(
                        text,
                        "{mark} {}: {parent}의 {}에서 갈라져 {end}까지",
                        branch.name,
                        clock(branch.fork)
                    )
                }
                (None, false) => writeln!(text, "{mark} {} up to {end}", branch.name),
                (None, true) => writeln!(text, "{mark} {}: {end}까지", branch.name),
            };
        }
        if view.forgotten > 0 {
            let _ = match korean {
                false => writeln!(text, "{} branches were given up for want of room.", view.forgotten),
                true => writeln!(text, "공간이 모자라 브랜치 {}개를 버렸습니다.", view.forgotten),
            };
        }
        text
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
