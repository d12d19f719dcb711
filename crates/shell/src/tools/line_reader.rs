//! Records from lines (org.apache.kafka.tools.LineMessageReader).

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};

use blumfeld_client::producer::ProducerRecord;
use blumfeld_protocol::record_batch::Header;

use crate::java::split;

/// Lines of a stream of bytes, as Java's BufferedReader cuts them: at `\n`, `\r` and `\r\n`.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    buffer: BytesMut,
    /// Bytes in front that hold no line end.
    scanned: usize,
    /// The last line ended with `\r`: a `\n` that follows belongs to it.
    skip_newline: bool,
}

impl Lines {
    /// Adds bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line, without its end.
    pub fn next(&mut self) -> Option<Bytes> {
        if self.skip_newline && !self.buffer.is_empty() {
            self.skip_newline = false;
            if self.buffer.first() == Some(&b'\n') {
                self.buffer.advance(1);
            }
        }
        let rest = self.buffer.get(self.scanned..)?;
        match rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            None => {
                self.scanned = self.buffer.len();
                None
            }
            Some(at) => {
                let mut line = self.buffer.split_to(self.scanned + at + 1);
                self.skip_newline = line.last() == Some(&b'\r');
                line.truncate(line.len() - 1);
                self.scanned = 0;
                Some(line.freeze())
            }
        }
    }

    /// What is left when the stream has ended: a last line without an end.
    pub fn finish(&mut self) -> Option<Bytes> {
        self.next().or_else(|| {
            self.scanned = 0;
            let rest = self.buffer.split().freeze();
            (!rest.is_empty()).then_some(rest)
        })
    }
}

/// How lines become records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineReader {
    topic: Arc<str>,
    parse_key: bool,
    parse_headers: bool,
    ignore_error: bool,
    key_separator: String,
    headers_delimiter: String,
    headers_separator: String,
    headers_key_separator: String,
    null_marker: Option<String>,
    line_number: u64,
}

impl LineReader {
    /// Reads the properties. An error is what Kafka's exception says.
    pub fn new(topic: &str, properties: &BTreeMap<String, String>) -> Result<LineReader, String> {
        let flag =
            |name: &str| properties.get(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        let text =
            |name: &str, default: &str| properties.get(name).map_or(default, String::as_str).to_owned();
        let reader = LineReader {
            topic: topic.into(),
            parse_key: flag("parse.key"),
            parse_headers: flag("parse.headers"),
            ignore_error: flag("ignore.error"),
            key_separator: text("key.separator", "\t"),
            headers_delimiter: text("headers.delimiter", "\t"),
            headers_separator: text("headers.separator", ","),
            headers_key_separator: text("headers.key.separator", ":"),
            null_marker: properties.get("null.marker").cloned(),
            line_number: 0,
        };
        let marker = reader.null_marker.as_ref();
        let pairs = [
            (
                Some(&reader.headers_delimiter),
                &reader.headers_separator,
                "headers.delimiter",
                "headers.separator",
            ),
            (
                Some(&reader.headers_delimiter),
                &reader.headers_key_separator,
                "headers.delimiter",
                "headers.key.separator",
            ),
            (
                Some(&reader.headers_separator),
                &reader.headers_key_separator,
                "headers.separator",
                "headers.key.separator",
            ),
            (marker, &reader.key_separator, "null.marker", "key.separator"),
            (marker, &reader.headers_separator, "null.marker", "headers.separator"),
            (marker, &reader.headers_delimiter, "null.marker", "headers.delimiter"),
            (marker, &reader.headers_key_separator, "null.marker", "headers.key.separator"),
        ];
        match pairs.iter().find(|(left, right, ..)| *left == Some(*right)) {
            Some((_, _, left, right)) => Err(format!("{left} and {right} may not be equal")),
            None => Ok(reader),
        }
    }

    /// The record of a line. An error is what Kafka's exception says.
    pub fn read(&mut self, line: &Bytes) -> Result<ProducerRecord, String> {
        self.line_number += 1;
        // Java reads characters: bytes that are no UTF-8 become U+FFFD.
        let owned;
        let (line, text): (&Bytes, &str) = match str::from_utf8(line) {
            Ok(text) => (line, text),
            Err(_) => {
                owned = Bytes::from(String::from_utf8_lossy(line).into_owned());
                (&owned, str::from_utf8(&owned).unwrap_or_default())
            }
        };
        let mut at = 0;
        let headers =
            self.part(self.parse_headers, text, at, &self.headers_delimiter, "headers delimiter")?;
        if let Some(headers) = headers {
            at += headers.len() + self.headers_delimiter.len();
        }
        let key = self.part(self.parse_key, text, at, &self.key_separator, "key separator")?;
        let key_at = at;
        if let Some(key) = key {
            at += key.len() + self.key_separator.len();
        }
        let value = text.get(at..).unwrap_or_default();
        let slice = |from: usize, part: &str| {
            (Some(part) != self.null_marker.as_deref()).then(|| line.slice(from..from + part.len()))
        };
        let headers = match headers {
            Some(headers) if Some(headers) != self.null_marker.as_deref() => self.headers(headers)?,
            _ => Vec::new(),
        };
        Ok(ProducerRecord {
            topic: self.topic.clone(),
            partition: None,
            timestamp: None,
            key: key.and_then(|key| slice(key_at, key)),
            value: slice(at, value),
            headers,
        })
    }

    /// What stands before the next separator.
    fn part<'a>(
        &self,
        wanted: bool,
        line: &'a str,
        from: usize,
        separator: &str,
        name: &str,
    ) -> Result<Option<&'a str>, String> {
        if !wanted {
            return Ok(None);
        }
        match line.get(from..).and_then(|rest| rest.split_once(separator)) {
            Some((part, _)) => Ok(Some(part)),
            None if self.ignore_error => Ok(None),
            None => Err(format!("No {name} found on line number {}: '{line}'", self.line_number)),
        }
    }

    fn headers(&self, text: &str) -> Result<Vec<Header>, String> {
        let mut headers = Vec::new();
        for pair in split(text, &self.headers_separator) {
            let owned = |text: &str| Bytes::copy_from_slice(text.as_bytes());
            match pair.split_once(self.headers_key_separator.as_str()) {
                Some((key, _)) if Some(key) == self.null_marker.as_deref() => {
                    return Err(format!(
                        "Header keys should not be equal to the null marker '{key}' as they can't be null"
                    ));
                }
                Some((key, value)) => {
                    let value = (Some(value) != self.null_marker.as_deref()).then(|| owned(value));
                    headers.push(Header { key: owned(key), value });
                }
                None if self.ignore_error => headers.push(Header { key: owned(pair), value: None }),
                None => {
                    return Err(format!(
                        "No header key separator found in pair '{pair}' on line number {}",
                        self.line_number
                    ));
                }
            }
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_in_java_wherever_they_are_cut() {
        let text = b"a\r\nb\rc\n\n\xea\xb0\x80d\r\n\r\nlast";
        let want = ["a", "b", "c", "", "가d", "", "last"];
        for cut in 0..text.len() {
            let mut lines = Lines::default();
            let mut got = Vec::new();
            for part in [&text[..cut], &text[cut..]] {
                lines.push(part);
                while let Some(line) = lines.next() {
                    got.push(line);
                }
            }
            got.extend(lines.finish());
            assert_eq!(got, want.map(str::as_bytes), "cut at {cut}");
        }
    }

    #[test]
    fn lines_become_records() {
        let show = |record: ProducerRecord| {
            let text = |bytes: Option<Bytes>| {
                bytes.map_or("null".to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
            };
            let headers: Vec<String> = record
                .headers
                .into_iter()
                .map(|header| format!("{}:{}", text(Some(header.key)), text(header.value)))
                .collect();
            format!("[{}] {}={}", headers.join(","), text(record.key), text(record.value))
        };
        for (properties, line, want) in [
            ("", "a\tb", "[] null=a\tb"),
            ("parse.key=true", "a\tb\tc", "[] a=b\tc"),
            ("parse.key=TRUE key.separator=->", "키->값", "[] 키=값"),
            ("parse.key=true", "ab", "No key separator found on line number 1: 'ab'"),
            ("parse.key=true ignore.error=true", "ab", "[] null=ab"),
            ("parse.headers=true parse.key=true", "h:1,h:2\tk\tv", "[h:1,h:2] k=v"),
            ("parse.headers=true null.marker=N", "N\tv", "[] null=v"),
            ("parse.headers=true null.marker=N", "h:N,g:\tN", "[h:null,g:] null=null"),
            (
                "parse.headers=true null.marker=N",
                "N:1\tv",
                "Header keys should not be equal to the null marker 'N' as they can't be null",
            ),
            ("parse.headers=true", "\tv", "No header key separator found in pair '' on line number 1"),
            ("parse.headers=true", ",\tv", "[] null=v"),
            ("headers.delimiter=,", "x", "headers.delimiter and headers.separator may not be equal"),
            ("null.marker=:", "x", "null.marker and headers.key.separator may not be equal"),
        ] {
            let properties = properties
                .split_whitespace()
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            let got = LineReader::new("t", &properties)
                .and_then(|mut reader| reader.read(&Bytes::copy_from_slice(line.as_bytes())))
                .map_or_else(|error| error, show);
            assert_eq!(got, want, "{properties:?} {line:?}");
        }
    }
}
