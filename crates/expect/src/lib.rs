//! Files of lines with expectations, for tests: a file is played, and what comes of it must be the file again. With
//! `UPDATE_EXPECT=1` in the environment it is rewritten; read the difference before you commit it.
//!
//! The languages of the lines are the tests' own. Of most a command stands at the beginning of a line, and what is
//! expected of it follows, indented: [`told`] plays those.
#![allow(clippy::panic, reason = "a test that fails does so by it")]
#![allow(clippy::disallowed_methods, reason = "it reads and writes the tests' own files")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What stands before an expected line.
const INDENT: &str = "  ";
/// So many lines are shown of a file that came out otherwise.
const SHOWN: usize = 8;

/// Plays every `*.txt` of a folder, in the order of their names, by what `play` makes of its text.
///
/// # Panics
/// The folder has none, or cannot be read; or a file came out otherwise, and it was not asked to be rewritten. All
/// that did are named, each with the first lines that differ.
pub fn check(folder: impl AsRef<Path>, mut play: impl FnMut(&str) -> String) {
    let folder = folder.as_ref();
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    for path in texts(folder) {
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let played = play(&text);
        if played == text {
            continue;
        }
        if update {
            std::fs::write(&path, played).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            continue;
        }
        let same = text.lines().zip(played.lines()).take_while(|(want, got)| want == got).count();
        let near = |text: &str| text.lines().skip(same).take(SHOWN).collect::<Vec<_>>().join("\n");
        let (want, got) = (near(&text), near(&played));
        wrong.push(format!("{} line {}:\nwant\n{want}\ngot\n{got}", path.display(), same + 1));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn texts(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_text = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "txt");
    let mut paths: Vec<PathBuf> = paths.filter(is_text).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} has no file of lines", folder.display());
    paths
}

/// A text with what comes of each of its commands behind it, indented. What is indented in it is what was expected, and
/// left out. Lines that begin with `#` and empty ones are told and not run.
pub fn told(text: &str, mut run: impl FnMut(&str) -> String) -> String {
    let mut told = String::new();
    for line in text.lines().filter(|line| !line.starts_with(INDENT)) {
        told += line;
        told.push('\n');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        for answer in run(line).lines().filter(|answer| !answer.is_empty()) {
            // Writing to a string cannot fail.
            let _ = writeln!(told, "{INDENT}{answer}");
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_with_what_came_of_them() {
        let text = "# one\nadd 1\n  old\n\nadd 2\n  3\n";
        let mut sum = 0;
        let told = told(text, |line| {
            sum += line.trim_start_matches("add ").parse::<i32>().unwrap_or(0);
            format!("{sum}\n\n")
        });
        assert_eq!(told, "# one\nadd 1\n  1\n\nadd 2\n  3\n");
    }

    #[test]
    fn a_file_that_comes_out_otherwise_is_named_with_its_line() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
        check(&folder, str::to_owned);
        let failed = std::panic::catch_unwind(|| check(&folder, |text| text.replace("two", "three")));
        let said = failed.err().and_then(|said| said.downcast::<String>().ok());
        let said = said.map(|said| *said).unwrap_or_default();
        assert!(said.contains("numbers.txt line 2:\nwant\ntwo\ngot\nthree"), "{said}");
    }
}
