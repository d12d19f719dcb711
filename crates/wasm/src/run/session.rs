//! A command of the console while it runs.

use std::collections::VecDeque;

use blumfeld_sim::{Output, ProcessId};
use blumfeld_view::{ConsoleText, Stream};

/// A running command.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub process: ProcessId,
    /// The line that began it.
    pub line: String,
    /// Bytes of an output that end inside a character, by stream.
    partial: [Vec<u8>; 2],
    /// What the page was not told yet.
    pub output: VecDeque<ConsoleText>,
    pub pending: usize,
    pub exit: Option<i32>,
}

impl Session {
    pub fn new(process: ProcessId, line: &str) -> Session {
        Session {
            process,
            line: line.to_owned(),
            partial: [Vec::new(), Vec::new()],
            output: VecDeque::new(),
            pending: 0,
            exit: None,
        }
    }

    /// Takes what the process has written.
    pub fn take(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Stdout(bytes) => self.text(Stream::Out, &bytes),
                Output::Stderr(bytes) => self.text(Stream::Err, &bytes),
                Output::Exit(code) => {
                    for stream in [Stream::Out, Stream::Err] {
                        let rest = std::mem::take(&mut self.partial[stream as usize]);
                        if !rest.is_empty() {
                            self.push(stream, &String::from_utf8_lossy(&rest));
                        }
                    }
                    self.exit = Some(code);
                }
            }
        }
    }

    fn text(&mut self, stream: Stream, bytes: &[u8]) {
        let partial = &mut self.partial[stream as usize];
        partial.extend_from_slice(bytes);
        let bytes = std::mem::take(partial);
        // What is left at the end may be the beginning of a character, which is at most four bytes.
        let whole = match std::str::from_utf8(&bytes) {
            Ok(_) => bytes.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => {
                let tail = bytes.len().saturating_sub(3);
                (tail..bytes.len())
                    .rev()
                    .find(|at| bytes[*at] >= 0xc0)
                    .filter(|at| incomplete(&bytes[*at..]))
                    .unwrap_or(bytes.len())
            }
        };
        self.partial[stream as usize] = bytes[whole..].to_vec();
        self.push(stream, &String::from_utf8_lossy(&bytes[..whole]));
    }

    fn push(&mut self, stream: Stream, text: &str) {
        /// Texts are joined up to this length, so that a line a text becomes few messages.
        const JOINED: usize = 32 * 1024;
        if text.is_empty() {
            return;
        }
        self.pending += text.len();
        match self.output.back_mut() {
            Some(last) if last.stream == stream && last.text.len() + text.len() <= JOINED => {
                last.text.push_str(text)
            }
            _ => self.output.push_back(ConsoleText { stream, text: text.to_owned() }),
        }
    }

    /// What the page is told next: at most `limit` bytes, but at least one text.
    pub fn next_output(&mut self, limit: usize) -> Vec<ConsoleText> {
        let (mut texts, mut size) = (Vec::new(), 0);
        while let Some(next) = self.output.front() {
            size += next.text.len();
            if size > limit && !texts.is_empty() {
                break;
            }
            self.pending -= next.text.len();
            texts.extend(self.output.pop_front());
        }
        texts
    }
}

fn incomplete(tail: &[u8]) -> bool {
    std::str::from_utf8(tail).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use blumfeld_kernel::NodeId;

    #[test]
    fn a_character_that_is_cut_between_two_outputs_arrives_whole() {
        let text = "a한글\u{1f600}z";
        for cut in 0..=text.len() {
            let mut session = Session::new(NodeId(1), "line");
            let (one, two) = text.as_bytes().split_at(cut);
            session.take(vec![Output::Stdout(one.to_vec().into()), Output::Stdout(two.to_vec().into())]);
            let seen: String = session.next_output(1_000).into_iter().map(|part| part.text).collect();
            assert_eq!(seen, text, "cut at {cut}");
        }
        let mut session = Session::new(NodeId(1), "line");
        session.take(vec![Output::Stdout((&b"\xff\xed\x95"[..]).into()), Output::Exit(0)]);
        let seen: String = session.next_output(1_000).into_iter().map(|part| part.text).collect();
        assert_eq!(seen, "\u{fffd}\u{fffd}");
    }
}
