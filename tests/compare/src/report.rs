//! Differences by kind: the API, the place in the answer, what stands there. A kind is known if a line of known.txt
//! says why it stays.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::normal::{difference, sorted};
use crate::play::same;
use crate::step::Step;
use crate::wire;

/// A line of known.txt: `API | WHAT | WHERE | WHY`; in the first three `*` stands for any text.
#[derive(Clone, Debug)]
struct Known {
    api: String,
    what: String,
    place: String,
    seen: u64,
}

/// What differed.
#[derive(Debug, Default)]
pub struct Report {
    known: Vec<Known>,
    /// Requests by API, and the first and last version.
    asked: BTreeMap<i16, (u64, i16, i16)>,
    kinds: BTreeMap<(i16, String, String, String), Kind>,
}

#[derive(Debug, Default)]
struct Kind {
    count: u64,
    versions: Vec<i16>,
    whats: Vec<String>,
    example: String,
}

/// Whether a text fits a pattern with `*` for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

impl Known {
    fn fits(&self, api: &str, what: &str, place: &str) -> bool {
        fits(&self.api, api) && fits(&self.what, what) && fits(&self.place, place)
    }
}

impl Report {
    /// With the lines of known.txt.
    ///
    /// # Errors
    /// A line is none.
    pub fn new(known: &str) -> Result<Report> {
        let mut report = Report::default();
        for line in known.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let parts: Vec<&str> = line.split(" | ").collect();
            let [api, what, place, _why] = parts.as_slice() else {
                anyhow::bail!("no line of API | WHAT | WHERE | WHY: {line}");
            };
            report.known.push(Known {
                api: (*api).to_owned(),
                what: (*what).to_owned(),
                place: (*place).to_owned(),
                seen: 0,
            });
        }
        Ok(report)
    }

    /// Takes two answers; whether they differ.
    ///
    /// # Errors
    /// The API is none of Kafka's.
    pub fn take(&mut self, step: &Step, kafka: &Value, ours: &Value) -> Result<bool> {
        let request = &step.request;
        let asked = self.asked.entry(request.api).or_insert((0, request.version, request.version));
        *asked = (asked.0 + 1, asked.1.min(request.version), asked.2.max(request.version));
        if same(kafka, ours) {
            return Ok(false);
        }
        let found = difference(&sorted(kafka), &sorted(ours)).context("what differs has a difference")?;
        let api = name(request.api)?;
        if let Some(known) = self.known.iter_mut().find(|known| known.fits(api, &step.what, &found.0)) {
            known.seen += 1;
            return Ok(true);
        }
        let (place, one, other) = found;
        // What a request named itself is told from what a broker says by itself.
        let asked = step.request.body.to_string();
        let asked = |text: String| {
            let own =
                text.len() > 3 && text.starts_with('"') && asked.contains(text.trim_end_matches(['"', '…']));
            if own { "what was asked".to_owned() } else { text }
        };
        let (one, other) = (asked(one), asked(other));
        let kind = self.kinds.entry((request.api, place, one, other)).or_default();
        kind.count += 1;
        if !kind.versions.contains(&request.version) {
            kind.versions.push(request.version);
        }
        if !kind.whats.contains(&step.what) && kind.whats.len() < 6 {
            kind.whats.push(step.what.clone());
        }
        if kind.count == 1 {
            let cut = |value: &Value| value.to_string().chars().take(600).collect::<String>();
            kind.example =
                format!("{}\n      Kafka: {}\n      ours:  {}", cut(&step.to_json()), cut(kafka), cut(ours));
        }
        Ok(true)
    }

    /// Whether two answers differ in a way that is known: then nobody need wait for them to become the same.
    pub fn knows(&self, step: &Step, kafka: &Value, ours: &Value) -> bool {
        let found = difference(&sorted(kafka), &sorted(ours));
        found.zip(name(step.request.api).ok()).is_some_and(|((place, ..), api)| {
            self.known.iter().any(|known| known.fits(api, &step.what, &place))
        })
    }

    /// How many kinds of differences are not known.
    pub fn unknown(&self) -> usize {
        self.kinds.len()
    }

    /// How many requests were compared.
    pub fn requests(&self) -> u64 {
        self.asked.values().map(|(count, ..)| count).sum()
    }

    /// What differed and is not known, kind by kind.
    pub fn differences(&self) -> Result<String> {
        let mut out = String::new();
        for ((api, place, kafka, ours), kind) in &self.kinds {
            let versions: Vec<String> = kind.versions.iter().map(ToString::to_string).collect();
            writeln!(out, "{} {}: {}", name(*api)?, versions.join(" "), place)?;
            writeln!(
                out,
                "    Kafka {kafka}\n    ours  {ours}\n    {} times: {}",
                kind.count,
                kind.whats.join("; ")
            )?;
            writeln!(out, "    {}", kind.example)?;
        }
        Ok(out)
    }

    /// A line an API: versions, requests, kinds of differences; and lines of known.txt that nothing fits.
    pub fn summary(&self) -> Result<String> {
        let mut out = String::from("| API | versions | requests | differences |\n|---|---|---|---|\n");
        for (api, (count, first, last)) in &self.asked {
            let kinds = self.kinds.keys().filter(|(key, ..)| key == api).count();
            writeln!(out, "| {} | {first} to {last} | {count} | {kinds} |", name(*api)?)?;
        }
        let known: u64 = self.known.iter().map(|known| known.seen).sum();
        writeln!(
            out,
            "\n{} requests, {} kinds of differences, {known} answers with a known one",
            self.requests(),
            self.unknown()
        )?;
        for known in self.known.iter().filter(|known| known.seen == 0) {
            writeln!(out, "nothing fits: {} | {} | {}", known.api, known.what, known.place)?;
        }
        Ok(out)
    }
}

fn name(api: i16) -> Result<&'static str> {
    Ok(wire::definition(api, blumfeld_protocol::definition::Kind::Request)?.name)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, wanted) in [
            ("*", "", true),
            ("*", "a.b", true),
            ("a*", "ab", true),
            ("a*", "ba", false),
            ("*a", "ba", true),
            ("a*b*c", "axbyc", true),
            ("a*b*c", "axc", false),
            ("a", "ab", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
