//! What Apache Kafka was recorded to say: a line a step, as JSON, the whole compressed.

use std::io::{Read, Write};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::step::Step;

/// Steps with Kafka's answers, without what is its own.
#[derive(Debug)]
pub struct Corpus {
    out: GzEncoder<Vec<u8>>,
}

impl Default for Corpus {
    fn default() -> Corpus {
        Corpus { out: GzEncoder::new(Vec::new(), Compression::best()) }
    }
}

impl Corpus {
    /// Adds a step.
    ///
    /// # Errors
    /// None that memory could have.
    pub fn add(&mut self, step: &Step, kafka: &Value) -> Result<()> {
        let mut line = step.to_json();
        if step.compared {
            line["kafka"] = kafka.clone();
        }
        writeln!(self.out, "{line}").context("cannot compress")
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// None that memory could have.
    pub fn finish(self) -> Result<Vec<u8>> {
        self.out.finish().context("cannot compress")
    }
}

/// The steps of a corpus, each with Kafka's answer where it is compared.
///
/// # Errors
/// The bytes are no corpus.
pub fn read(bytes: &[u8]) -> Result<Vec<(Step, Option<Value>)>> {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).context("the corpus is damaged")?;
    let mut all = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).context("a line of the corpus is no JSON")?;
        all.push((Step::from_json(&line)?, line.get("kafka").cloned()));
    }
    Ok(all)
}
