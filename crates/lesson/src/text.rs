//! Texts in two languages: sentences that tell how things stand, and the little that is marked in them.

use blumfeld_condition::Asked;
use serde::{Deserialize, Serialize};

/// A text in both languages.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Words {
    /// In English.
    pub en: String,
    /// In Korean.
    pub ko: String,
}

impl Words {
    /// In one of them.
    pub fn of(&self, korean: bool) -> &str {
        if korean { &self.ko } else { &self.en }
    }
}

/// A piece of a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    /// As it stands.
    Plain(String),
    /// A fact, as a condition has it: its present value is told.
    Fact(String),
}

/// A sentence in both languages that tells how things stand: `it has {partitions orders} of 3 partitions`. A fact is
/// written as `why` takes it. `{{` and `}}` are braces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    words: Words,
    en: Vec<Piece>,
    ko: Vec<Piece>,
}

impl Text {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong in it, and where in which language: `true` for Korean, and the byte.
    pub(crate) fn read(words: Words) -> Result<Text, (bool, usize, String)> {
        let en = pieces(&words.en).map_err(|(at, reason)| (false, at, reason))?;
        let ko = pieces(&words.ko).map_err(|(at, reason)| (true, at, reason))?;
        Ok(Text { words, en, ko })
    }

    /// As it was written.
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// What it asks, in both languages.
    pub(crate) fn facts(&self) -> Vec<String> {
        let facts = self.en.iter().chain(&self.ko).filter_map(|piece| match piece {
            Piece::Fact(fact) => Some(fact.clone()),
            Piece::Plain(_) => None,
        });
        facts.collect()
    }

    /// The sentence with how things stand: `value` gives what a fact is, and nothing for one that cannot be told.
    pub fn told(&self, korean: bool, value: impl Fn(&str) -> Option<String>) -> String {
        let pieces = if korean { &self.ko } else { &self.en };
        let unknown = || if korean { "(아직 없음)" } else { "(not there yet)" }.to_owned();
        let told = pieces.iter().map(|piece| match piece {
            Piece::Plain(text) => text.clone(),
            Piece::Fact(fact) => value(fact).unwrap_or_else(unknown),
        });
        told.collect()
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, (usize, String)> {
    let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let place = text.len() - from.len();
        if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
            plain.extend(from.chars().next());
            rest = after;
            continue;
        }
        let Some(inside) = from.strip_prefix('{') else {
            return Err((place, "`}` closes nothing; a brace of the text is written `}}`".to_owned()));
        };
        let Some((fact, after)) = inside.split_once('}') else {
            return Err((place, "`{` is not closed; a brace of the text is written `{{`".to_owned()));
        };
        let asked = Asked::parse(&Asked::written(fact)).map_err(|error| (place + 1, error.to_string()))?;
        if !plain.is_empty() {
            pieces.push(Piece::Plain(std::mem::take(&mut plain)));
        }
        pieces.push(Piece::Fact(asked.text().to_owned()));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Plain(plain));
    }
    Ok(pieces)
}

/// A part of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Block {
    /// Sentences.
    Paragraph(
        /// Their parts.
        Vec<Span>,
    ),
    /// Points, each a line that begins with `- `.
    Points(
        /// Their parts.
        Vec<Vec<Span>>,
    ),
    /// A line of the console: one that begins with `$ `.
    Line(
        /// It, without that.
        String,
    ),
}

/// A part of a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Span {
    /// As it stands.
    Plain(
        /// The text.
        String,
    ),
    /// A name or a value of Kafka's, between backquotes.
    Code(
        /// The text.
        String,
    ),
    /// What counts, between two asterisks each.
    Strong(
        /// The text.
        String,
    ),
}

/// Takes a text apart: paragraphs with empty lines between them, points, and lines of the console.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = String::new();
    let close = |open: &mut String, blocks: &mut Vec<Block>| {
        if !open.is_empty() {
            blocks.push(Block::Paragraph(spans(&std::mem::take(open))));
        }
    };
    for line in text.lines().map(str::trim) {
        if let Some(command) = line.strip_prefix("$ ") {
            close(&mut open, &mut blocks);
            blocks.push(Block::Line(command.to_owned()));
        } else if let Some(point) = line.strip_prefix("- ") {
            close(&mut open, &mut blocks);
            match blocks.last_mut() {
                Some(Block::Points(points)) => points.push(spans(point)),
                _ => blocks.push(Block::Points(vec![spans(point)])),
            }
        } else if line.is_empty() {
            close(&mut open, &mut blocks);
        } else {
            if !open.is_empty() {
                open.push(' ');
            }
            open.push_str(line);
        }
    }
    close(&mut open, &mut blocks);
    blocks
}

fn spans(text: &str) -> Vec<Span> {
    let (mut spans, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let next = [("`", true), ("**", false)].into_iter().filter_map(|(mark, code)| {
            let at = rest.find(mark)?;
            let inside = &rest[at + mark.len()..];
            let end = inside.find(mark)?;
            Some((at, code, &inside[..end], &inside[end + mark.len()..]))
        });
        let Some((at, code, inside, after)) = next.min_by_key(|(at, ..)| *at) else { break };
        if at > 0 {
            spans.push(Span::Plain(rest[..at].to_owned()));
        }
        spans.push(if code { Span::Code(inside.to_owned()) } else { Span::Strong(inside.to_owned()) });
        rest = after;
    }
    if !rest.is_empty() {
        spans.push(Span::Plain(rest.to_owned()));
    }
    spans
}
