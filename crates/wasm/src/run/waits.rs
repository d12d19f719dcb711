//! `until CONDITION`: lines of the console that end when something is so.

use blumfeld_condition::Condition;
use blumfeld_kernel::Instant;
use blumfeld_shell::Language;
use blumfeld_sim::Wait;
use blumfeld_view::WaitView;

use super::{INTERRUPTED, Run};

/// What a line does to the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Clock {
    /// It goes on as it does.
    Goes,
    /// Something is waited for: it must go.
    Starts,
    /// What was to be waited for is so.
    Stops,
}

/// So many at a time: each is asked after every event.
const MOST: usize = 16;

impl Run {
    /// Begins to wait.
    pub(super) fn wait(&mut self, id: u32, condition: Condition, language: Language) -> Clock {
        let korean = language == Language::Korean;
        if self.waits.len() == MOST {
            let text = match korean {
                true => format!("blumfeld: until: {MOST}개를 이미 기다리고 있습니다\n"),
                false => format!("blumfeld: until: {MOST} are waited for already\n"),
            };
            self.answer(id, text, 1);
            return Clock::Goes;
        }
        let wait = self.world.wait_for(condition);
        if wait.is_over(&self.world) {
            self.over(id, &wait);
            return Clock::Stops;
        }
        let missing = wait.topics_missing(&self.world).join(", ");
        if !missing.is_empty() {
            let names: Vec<String> =
                self.world.topic_names().into_iter().filter(|name| !name.starts_with("__")).collect();
            let there = names.join(", ");
            self.say(
                id,
                match (korean, there.is_empty()) {
                    (false, true) => format!("There is no topic {missing} yet, nor any other.\n"),
                    (false, false) => format!("There is no topic {missing} yet; there are: {there}\n"),
                    (true, true) => format!("{missing} 토픽이 아직 없습니다. 다른 토픽도 없습니다.\n"),
                    (true, false) => format!("{missing} 토픽이 아직 없습니다. 있는 토픽: {there}\n"),
                },
            );
        }
        self.waits.insert(id, wait);
        Clock::Starts
    }

    /// Whether somebody waits.
    pub fn waits(&self) -> bool {
        !self.waits.is_empty()
    }

    /// The conditions that are waited for, each with what keeps it from being so.
    pub fn waiting(&self) -> Vec<WaitView> {
        let view = |(id, wait): (&u32, &Wait)| WaitView {
            id: *id,
            condition: wait.condition().text().to_owned(),
            kept: wait.told(&self.world),
            missing: wait.topics_missing(&self.world),
        };
        self.waits.iter().map(view).collect()
    }

    /// When one may come to be so without an event.
    pub fn alarm(&self) -> Option<Instant> {
        let now = self.world.now().as_micros();
        let moments = self.waits.values().filter_map(|wait| wait.alarm(now));
        moments.min().map(Instant::from_micros)
    }

    /// Ends those that are so now, and gives whether one is.
    pub fn reached(&mut self) -> bool {
        let over = |(id, wait): (&u32, &Wait)| wait.is_over(&self.world).then_some(*id);
        let ids: Vec<u32> = self.waits.iter().filter_map(over).collect();
        for id in &ids {
            if let Some(wait) = self.waits.remove(id) {
                self.over(*id, &wait);
            }
        }
        !ids.is_empty()
    }

    /// Ctrl-C for one; false if it is none.
    pub(super) fn stop_waiting(&mut self, id: u32) -> bool {
        let Some(wait) = self.waits.remove(&id) else { return false };
        let told: String = wait.told(&self.world).iter().map(|line| format!("{line}\n")).collect();
        self.answer(id, told, INTERRUPTED);
        true
    }

    fn over(&mut self, id: u32, wait: &Wait) {
        let text = format!("{}: {}\n", self.world.now(), wait.condition());
        self.answer(id, text, 0);
    }
}
