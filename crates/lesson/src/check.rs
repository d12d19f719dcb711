//! From the file as TOML has it to a lesson: what must be there, what must be right, and the place of what is not.

use std::ops::Range;

use blumfeld_condition::Condition;
use toml::Spanned;

use crate::error::LessonError;
use crate::language::{LanguageFault, faults_of_english, faults_of_korean};
use crate::look::Look;
use crate::raw;
use crate::text::{Text, Words};
use crate::{
    Action, Choice, ClusterKind, Forbidden, Goal, Lesson, Link, Near, Prediction, Said, Step, Track,
};

/// No lesson is longer than this, in bytes.
const LONGEST: usize = 256 * 1024;
/// Seeds that cross to a browser's numbers without loss.
const MAX_SEED: u64 = (1 << 53) - 1;

/// Reads and checks a file.
pub fn lesson(text: &str) -> Result<Lesson, LessonError> {
    if text.len() > LONGEST {
        return Err(LessonError::at(text, 0, format!("a lesson has at most {LONGEST} bytes")));
    }
    let raw: raw::Lesson = toml::from_str(text).map_err(|error| {
        let place = error.span().map_or(0, |span| span.start);
        let reason = error.message().lines().collect::<Vec<_>>().join("; ");
        LessonError::at(text, place, reason)
    })?;
    File { text }.lesson(raw)
}

/// The file, for the places of what is wrong.
struct File<'a> {
    text: &'a str,
}

type Checked<T> = Result<T, LessonError>;

impl File<'_> {
    fn wrong<T>(&self, place: &Range<usize>, reason: impl Into<String>) -> Checked<T> {
        Err(LessonError::of(self.text, place, reason))
    }

    fn lesson(&self, raw: raw::Lesson) -> Checked<Lesson> {
        let id = raw.id.get_ref();
        let fits = (1..=40).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fits {
            return self.wrong(&raw.id.span(), "an id is 1 to 40 lower case letters, digits and dashes");
        }
        let Some(track) = Track::named(raw.track.get_ref()) else {
            let names: Vec<&str> = Track::ALL.into_iter().map(Track::word).collect();
            return self.wrong(&raw.track.span(), format!("a track is one of {}", names.join(", ")));
        };
        let place = *raw.place.get_ref();
        if !(1..=99).contains(&place) {
            return self.wrong(&raw.place.span(), "a place in a track is 1 to 99");
        }
        let minutes = *raw.minutes.get_ref();
        if !(1..=60).contains(&minutes) {
            return self.wrong(&raw.minutes.span(), "a lesson takes 1 to 60 minutes");
        }
        if let Some(seed) = raw.seed.as_ref().filter(|seed| *seed.get_ref() > MAX_SEED) {
            return self.wrong(&seed.span(), format!("a seed is at most {MAX_SEED}"));
        }
        let brokers = raw.brokers.as_ref().map_or(3, |brokers| *brokers.get_ref());
        if let Some(wrong) = raw.brokers.as_ref().filter(|_| !(1..=9).contains(&brokers)) {
            return self.wrong(&wrong.span(), "a cluster has 1 to 9 brokers");
        }
        let cluster = match &raw.cluster {
            None => ClusterKind::Kraft,
            Some(kind) => match kind.get_ref().as_str() {
                "kraft" => ClusterKind::Kraft,
                "zookeeper" => ClusterKind::ZooKeeper,
                _ => return self.wrong(&kind.span(), "a cluster is kraft or zookeeper"),
            },
        };
        let pace = raw.pace.as_ref().map_or(1.0, |pace| *pace.get_ref());
        if let Some(wrong) = raw.pace.as_ref().filter(|_| !(0.001..=1_000.0).contains(&pace)) {
            return self.wrong(&wrong.span(), "a pace is 0.001 to 1000 times the wall clock");
        }
        if raw.step.is_empty() {
            return self.wrong(&(self.text.len()..self.text.len()), "a lesson has at least one [[step]]");
        }
        Ok(Lesson {
            id: id.clone(),
            track,
            place,
            title: self.words(raw.title.into_inner())?,
            summary: self.words(raw.summary.into_inner())?,
            minutes,
            seed: raw.seed.map(Spanned::into_inner),
            brokers,
            cluster,
            begin: self.lines(raw.begin)?,
            ready: raw.ready.map(|ready| self.condition(ready)).transpose()?,
            pace,
            links: raw.link.into_iter().map(|link| self.link(link)).collect::<Checked<_>>()?,
            steps: raw.step.into_iter().map(|step| self.step(step)).collect::<Checked<_>>()?,
        })
    }

    fn link(&self, raw: Spanned<raw::Link>) -> Checked<Link> {
        let raw = raw.into_inner();
        if !raw.url.get_ref().starts_with("https://") {
            return self.wrong(&raw.url.span(), "a link begins with https://");
        }
        Ok(Link { title: raw.title, url: raw.url.into_inner() })
    }

    fn step(&self, raw: Spanned<raw::Step>) -> Checked<Step> {
        let place = raw.span();
        let raw = raw.into_inner();
        if raw.goal.is_empty() {
            return self.wrong(&place, "a step has at least one [[step.goal]]");
        }
        let solution = raw.solution.span();
        if raw.solution.get_ref().is_empty() && raw.action.is_none() {
            return self.wrong(&solution, "a step without an action has at least one line that solves it");
        }
        let hints = raw.hints.span();
        let all = raw.hints.into_inner().into_iter().map(|hint| self.words(hint));
        let all = all.collect::<Checked<Vec<Words>>>()?;
        let Ok(hints) = <[Words; 3]>::try_from(all) else {
            return self.wrong(&hints, "a step has three hints, from a nudge to the answer");
        };
        let near = raw.near.into_iter().map(|near| {
            let said = raw::Said { when: near.when, text: near.text };
            Ok(Near { said: self.said(said)?, lines: self.lines(near.lines)? })
        });
        let forbidden = raw.forbid.into_iter().map(|raw| {
            let words = self.line(raw.line)?;
            Ok(Forbidden { words, text: self.words(raw.text)? })
        });
        Ok(Step {
            title: self.words(raw.title)?,
            text: self.words(raw.text)?,
            look: raw.look.map(|look| self.look(look)).transpose()?,
            prediction: raw.predict.map(|raw| self.prediction(raw)).transpose()?,
            action: raw.action.map(|raw| self.action(raw)).transpose()?,
            goals: raw.goal.into_iter().map(|goal| self.goal(goal)).collect::<Checked<_>>()?,
            spoilt: raw.spoilt.into_iter().map(|said| self.said(said)).collect::<Checked<_>>()?,
            near: near.collect::<Checked<_>>()?,
            forbidden: forbidden.collect::<Checked<_>>()?,
            hints,
            solution: self.lines(raw.solution.into_inner())?,
            others: raw.other.into_iter().map(|other| self.lines(other.lines)).collect::<Checked<_>>()?,
            done: raw.done.map(|words| self.words(words)).transpose()?,
        })
    }

    fn action(&self, raw: raw::Action) -> Checked<Action> {
        Ok(Action { label: self.words(raw.label)?, line: self.line(raw.line)? })
    }

    fn prediction(&self, raw: Spanned<raw::Prediction>) -> Checked<Prediction> {
        let place = raw.span();
        let raw = raw.into_inner();
        if !(2..=4).contains(&raw.choice.len()) {
            return self.wrong(&place, "a prediction has two to four choices");
        }
        if raw.choice.iter().filter(|choice| choice.right).count() != 1 {
            return self.wrong(&place, "exactly one choice of a prediction is right");
        }
        let choices = raw.choice.into_iter().map(|choice| {
            Ok(Choice {
                text: self.words(choice.text)?,
                right: choice.right,
                why: self.words(choice.why)?,
                shown: self.condition(choice.shown)?,
            })
        });
        Ok(Prediction { ask: self.words(raw.ask)?, choices: choices.collect::<Checked<_>>()? })
    }

    fn goal(&self, raw: raw::Goal) -> Checked<Goal> {
        Ok(Goal {
            when: self.condition(raw.when)?,
            text: self.words(raw.text)?,
            yet: self.sentence(raw.yet)?,
            once: raw.once,
        })
    }

    fn said(&self, raw: raw::Said) -> Checked<Said> {
        Ok(Said { when: self.condition(raw.when)?, text: self.sentence(raw.text)? })
    }

    fn look(&self, raw: Spanned<String>) -> Checked<Look> {
        Look::parse(raw.get_ref()).or_else(|reason| self.wrong(&raw.span(), reason))
    }

    fn condition(&self, raw: Spanned<String>) -> Checked<Condition> {
        Condition::parse(raw.get_ref()).or_else(|error| {
            let place = self.inside(&raw, error.place.start);
            self.wrong(&(place..place), error.to_string())
        })
    }

    fn lines(&self, raw: Vec<Spanned<String>>) -> Checked<Vec<String>> {
        raw.into_iter().map(|line| self.line(line)).collect()
    }

    fn line(&self, raw: Spanned<String>) -> Checked<String> {
        let line = raw.get_ref().trim();
        if line.is_empty() || line.chars().any(char::is_control) {
            return self.wrong(&raw.span(), "a line of the console is one line, and not empty");
        }
        Ok(line.to_owned())
    }

    /// A text in both languages, neither of them empty or in the other language.
    fn words(&self, raw: raw::Words) -> Checked<Words> {
        let faults: [(&Spanned<String>, _); 2] =
            [(&raw.en, faults_of_english(raw.en.get_ref())), (&raw.ko, faults_of_korean(raw.ko.get_ref()))];
        for (text, faults) in faults {
            if let Some(fault) = faults.into_iter().next() {
                let error = LessonError::of(self.text, &text.span(), fault.to_string());
                return Err(LessonError { unwritten: fault == LanguageFault::Empty, ..error });
            }
        }
        Ok(Words { en: raw.en.into_inner(), ko: raw.ko.into_inner() })
    }

    fn sentence(&self, raw: raw::Words) -> Checked<Text> {
        let (en, ko) = (raw.en.clone(), raw.ko.clone());
        Text::read(self.words(raw)?).or_else(|(korean, at, reason)| {
            let place = self.inside(if korean { &ko } else { &en }, at);
            self.wrong(&(place..place), reason)
        })
    }

    /// Where a byte of a text stands in the file. A text with escapes is pointed at as a whole.
    fn inside(&self, text: &Spanned<String>, at: usize) -> usize {
        let span = text.span();
        let written = self.text.get(span.clone()).unwrap_or_default();
        match written.find(text.get_ref().as_str()) {
            Some(before) => span.start + before + at,
            None => span.start,
        }
    }
}
