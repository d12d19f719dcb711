//! What a link may hold.

use std::collections::BTreeSet;

use crate::error::{At, LinkError, Problem, is_unseen, shortened};
use crate::{Branch, Fork, LINE_LIMIT, Link, MAX_NUMBER, WORD_LIMIT};

/// Whether a branch can be called so: letters, digits, `-`, `_` and `.`, at most 40, and no `-` first.
pub fn is_name(name: &str) -> bool {
    let fine = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    !name.is_empty() && !name.starts_with('-') && name.chars().count() <= 40 && name.chars().all(fine)
}

/// Whether a lesson can be called so: 1 to 40 lower case letters, digits and dashes.
pub fn is_lesson_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

impl Link {
    /// Whether it can be a session.
    ///
    /// # Errors
    /// Numbers that are too large, names that are none, times that go back, texts that are too long or have characters
    /// that nobody sees, and branches that do not fork from one before them.
    pub fn check(&self) -> Result<(), LinkError> {
        number(self.seed, At::Entry("seed"))?;
        if !(1..=9).contains(&self.brokers) {
            return Err(At::Entry("brokers").with(Problem::Value(self.brokers.to_string())));
        }
        if self.branches.is_empty() {
            return Err(Problem::NoBranch.into());
        }
        let mut names = BTreeSet::new();
        for (index, branch) in self.branches.iter().enumerate() {
            let wrong = |problem| Err(At::Branch(index).with(problem));
            if !is_name(&branch.name) {
                return wrong(Problem::Name(shortened(&branch.name)));
            }
            if !names.insert(branch.name.as_str()) {
                return wrong(Problem::NameTwice(branch.name.clone()));
            }
            self.check_fork(index, branch.fork)?;
            check_deeds(index, branch)?;
        }
        if self.living >= self.branches.len() {
            return Err(At::Entry("living").with(Problem::NoSuchBranch(self.living.to_string())));
        }
        if let Some(moment) = self.moment {
            number(moment, At::Entry("moment"))?;
        }
        if let Some(lesson) = self.lesson.as_ref().filter(|lesson| !is_lesson_name(&lesson.id)) {
            return Err(At::Entry("lesson").with(Problem::LessonName(shortened(&lesson.id))));
        }
        for (name, word) in [("place", &self.place), ("selected", &self.selected)] {
            if let Some(word) = word {
                text(word, WORD_LIMIT, At::Entry(name))?;
            }
        }
        Ok(())
    }

    fn check_fork(&self, index: usize, fork: Option<Fork>) -> Result<(), LinkError> {
        let wrong = |problem| Err(At::Branch(index).with(problem));
        let Some(Fork { from, at, events, done, seed: _ }) = fork else {
            return if index == 0 { Ok(()) } else { wrong(Problem::Fork) };
        };
        let Some(parent) = self.branches.get(..index).and_then(|before| before.get(from)) else {
            return wrong(Problem::Fork);
        };
        for given in [Some(at), events].into_iter().flatten() {
            number(given, At::Branch(index))?;
        }
        let Some((before, after)) = parent.deeds.split_at_checked(done) else {
            return wrong(Problem::Value(done.to_string()));
        };
        let begin = parent.fork.map_or((0, None), |fork| (fork.at, fork.events));
        let (last, known) = last(begin, before.iter().map(|deed| (deed.at, deed.events)));
        let is_before = last <= at && known.zip(events).is_none_or(|(known, events)| known <= events);
        let next_known = after.iter().find_map(|deed| deed.events);
        let is_behind = after.first().is_some_and(|deed| deed.at < at)
            || next_known.zip(events).is_some_and(|(next, events)| next < events);
        if is_before && !is_behind { Ok(()) } else { wrong(Problem::GoesBack) }
    }
}

/// The last time, and the last number of events that is known.
fn last(begin: (u64, Option<u64>), then: impl Iterator<Item = (u64, Option<u64>)>) -> (u64, Option<u64>) {
    then.fold(begin, |(_, known), (at, events)| (at, events.or(known)))
}

fn check_deeds(index: usize, branch: &Branch) -> Result<(), LinkError> {
    let (mut at, mut known) = branch.fork.map_or((0, 0), |fork| (fork.at, fork.events.unwrap_or(0)));
    for (number_of, deed) in branch.deeds.iter().enumerate() {
        let place = At::Deed { branch: index, deed: number_of };
        let events = deed.events.unwrap_or(known);
        number(deed.at, place)?;
        number(events, place)?;
        if deed.at < at || events < known {
            return Err(place.with(Problem::GoesBack));
        }
        (at, known) = (deed.at, events);
        text(&deed.line, LINE_LIMIT, place)?;
    }
    Ok(())
}

fn number(number: u64, at: At) -> Result<(), LinkError> {
    if number <= MAX_NUMBER { Ok(()) } else { Err(at.with(Problem::Value(number.to_string()))) }
}

fn text(text: &str, limit: usize, at: At) -> Result<(), LinkError> {
    if text.len() > limit {
        return Err(at.with(Problem::TooLong { limit }));
    }
    match text.chars().find(|c| is_unseen(*c)) {
        Some(found) => Err(at.with(Problem::Character(found))),
        None => Ok(()),
    }
}
