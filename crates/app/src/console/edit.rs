//! What the line editor computes: completion and history.

/// A line after a completion, and the words to offer when there are several.
#[derive(PartialEq, Eq, Debug)]
pub struct Completed {
    /// The line up to the cursor.
    pub line: String,
    /// The words that are left to choose from; empty when the choice is made.
    pub words: Vec<String>,
}

/// Completes `line`, whose end `stem` one of `words` is to replace: by the word and a space if there is one, else by
/// what all words have in common.
pub fn complete(line: &str, stem: &str, words: &[String]) -> Completed {
    // The answer may be of an older line.
    let Some(before) = line.strip_suffix(stem) else {
        return Completed { line: line.to_owned(), words: vec![] };
    };
    match words {
        [] => Completed { line: line.to_owned(), words: vec![] },
        [word] => {
            let space = if word.ends_with(['=', '/', ' ']) { "" } else { " " };
            Completed { line: format!("{before}{word}{space}"), words: vec![] }
        }
        [first, rest @ ..] => {
            let common = rest.iter().fold(first.as_str(), |common, word| {
                let same = common.char_indices().zip(word.chars()).find(|((_, a), b)| a != b);
                let end = same.map_or(common.len().min(word.len()), |((at, _), _)| at);
                common.get(..end).unwrap_or_default()
            });
            // Words that do not begin with the stem (another case) give nothing in common with it.
            let grown = if common.len() >= stem.len() { common } else { stem };
            Completed { line: format!("{before}{grown}"), words: words.to_vec() }
        }
    }
}

/// Lines that are remembered.
pub const HISTORY_KEPT: usize = 200;

/// Earlier lines, and where the user stands among them.
#[derive(Default, Debug)]
pub struct History {
    lines: Vec<String>,
    /// Lines back from the newest; 0 is the line that is being typed.
    back: usize,
    draft: String,
}

impl History {
    /// Reads what [`Self::stored`] gave.
    pub fn new(stored: &str) -> Self {
        let mut lines: Vec<String> = serde_json::from_str(stored).unwrap_or_default();
        let surplus = lines.len().saturating_sub(HISTORY_KEPT);
        lines.drain(..surplus);
        Self { lines, ..Self::default() }
    }

    /// The lines, for the next visit.
    pub fn stored(&self) -> String {
        serde_json::to_string(&self.lines).unwrap_or_default()
    }

    /// Remembers a line that was run, unless it is the newest already.
    pub fn push(&mut self, line: &str) {
        if !line.trim().is_empty() && self.lines.last().is_none_or(|last| last != line) {
            self.lines.push(line.to_owned());
            if self.lines.len() > HISTORY_KEPT {
                self.lines.remove(0);
            }
        }
        (self.back, self.draft) = (0, String::new());
    }

    /// Goes one line back (`older`) or forth from `now`, which is in the prompt. Nothing: there is no such line.
    pub fn step(&mut self, older: bool, now: &str) -> Option<String> {
        if self.back == 0 {
            now.clone_into(&mut self.draft);
        }
        let back = if older { self.back + 1 } else { self.back.checked_sub(1)? };
        let line = match back {
            0 => self.draft.clone(),
            back => self.lines.get(self.lines.len().checked_sub(back)?)?.clone(),
        };
        self.back = back;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completion_goes_as_far_as_the_words_agree() {
        for (line, stem, words, want, left) in [
            ("kafka-to", "kafka-to", &["kafka-topics.sh"][..], "kafka-topics.sh ", 0),
            (
                "kafka-c",
                "kafka-c",
                &["kafka-console-producer.sh", "kafka-console-consumer.sh"],
                "kafka-console-",
                2,
            ),
            ("x --top", "--top", &["--topic", "--topic-id-type"], "x --topic", 2),
            ("x --topic ", "", &["orders"], "x --topic orders ", 0),
            ("x --property parse.", "parse.", &["parse.key="], "x --property parse.key=", 0),
            ("cat 주", "주", &["주문.log", "주소.log"], "cat 주", 2),
            ("other line", "kafka", &["kafka-topics.sh"], "other line", 0),
            ("x", "x", &[], "x", 0),
            ("a", "a", &["B1", "B2"], "B", 2),
        ] {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            let got = complete(line, stem, &words);
            assert_eq!((got.line.as_str(), got.words.len()), (want, left), "{line}");
        }
    }

    #[test]
    fn history_goes_back_and_forth() {
        let mut history = History::new(r#"["a","b"]"#);
        history.push("b");
        history.push("  ");
        history.push("c");
        assert_eq!(history.stored(), r#"["a","b","c"]"#);
        let steps = [(true, "c"), (true, "b"), (true, "a"), (false, "b"), (false, "c"), (false, "dra")];
        for (older, want) in steps {
            assert_eq!(history.step(older, "dra").as_deref(), Some(want));
        }
        assert_eq!(history.step(false, "dra"), None);
        (0..3).for_each(|_| drop(history.step(true, "dra")));
        assert_eq!(history.step(true, "a"), None);
        assert_eq!(history.step(false, "a").as_deref(), Some("b"));
        assert_eq!(History::new("not json").stored(), "[]");
    }
}
