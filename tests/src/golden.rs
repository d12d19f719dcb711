//! Golden files: commands with what Apache Kafka's tools printed. tests/golden/README.md describes the format.

/// One command of a golden file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Step {
    /// The line in the file, from 1.
    pub line: usize,
    /// The command, or with an `@` in front what is done to a broker or to a command that runs beside the others.
    pub command: String,
    /// Lines of its standard input.
    pub input: Vec<String>,
    /// Whether the input is typed at a terminal.
    pub terminal: bool,
    /// Expected lines of the standard output.
    pub stdout: Vec<String>,
    /// Expected lines of the standard error.
    pub stderr: Vec<String>,
    /// Expected exit code.
    pub code: i32,
}

/// Reads a golden file. A blank line ends a step only before the next command, because output may hold blank lines.
pub fn parse(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let text = text.strip_suffix('\n').unwrap_or(text);
    for (number, line) in text.split('\n').enumerate() {
        if let Some(command) = line.strip_prefix("$ ").or_else(|| line.starts_with("@ ").then_some(line)) {
            if let Some(step) = steps.last_mut() {
                end(step);
            }
            steps.push(Step { line: number + 1, command: command.to_owned(), ..Step::default() });
            continue;
        }
        let Some(step) = steps.last_mut() else { continue };
        let fresh = step.stdout.is_empty() && step.stderr.is_empty();
        if let Some(typed) = line.strip_prefix("<< ").filter(|_| fresh) {
            step.terminal = true;
            step.input.push(typed.to_owned());
        } else if let Some(input) = line.strip_prefix("< ").filter(|_| fresh) {
            step.input.push(input.to_owned());
        } else if let Some(error) = line.strip_prefix("! ") {
            step.stderr.push(error.to_owned());
        } else if let Some(code) = line.strip_prefix("[exit ").and_then(|rest| rest.strip_suffix(']')) {
            step.code = code.parse().unwrap_or(-1);
        } else {
            step.stdout.push(line.to_owned());
        }
    }
    if let Some(step) = steps.last_mut() {
        end(step);
    }
    steps
}

/// Takes the blank line that separates steps off the output. It stands at the end of the step, behind everything else.
fn end(step: &mut Step) {
    if step.stdout.last().is_some_and(String::is_empty) {
        step.stdout.pop();
    }
}

/// Output as lines: a last line without an end gets ` \c`.
pub fn lines(output: &str) -> Vec<String> {
    let mut lines: Vec<String> = output.split('\n').map(str::to_owned).collect();
    match lines.pop() {
        Some(last) if !last.is_empty() => lines.push(last + " \\c"),
        _ => {}
    }
    lines
}

/// Whether a line is what a golden line says, placeholders filled.
pub fn matches(pattern: &str, line: &str) -> bool {
    let Some(open) = pattern.find('<') else { return pattern == line };
    let (before, rest) = pattern.split_at(open);
    let Some(tail) = line.strip_prefix(before) else { return false };
    let placeholder = rest.find('>').map(|close| rest.split_at(close + 1));
    let fits: fn(char) -> bool = match placeholder.map(|(name, _)| name) {
        Some("<DATE>") => |c| c.is_ascii_digit() || "-: ,".contains(c),
        Some("<TOPIC_ID>" | "<CLUSTER_ID>") => |c| c.is_ascii_alphanumeric() || "-_".contains(c),
        Some("<TIMESTAMP>" | "<CRC>" | "<N>" | "<PRODUCER_ID>") => |c| c.is_ascii_digit() || c == '-',
        Some("<UUID>") => |c| c.is_ascii_hexdigit() || c == '-',
        Some("<PADDED>") => |c| c.is_ascii_digit() || c == '-' || c == ' ',
        _ => {
            // A plain `<`.
            return tail.strip_prefix('<').is_some_and(|tail| matches(&rest[1..], tail));
        }
    };
    let after = placeholder.map_or("", |(_, after)| after);
    let value = tail.len() - tail.trim_start_matches(fits).len();
    (1..=value).rev().filter(|end| tail.is_char_boundary(*end)).any(|end| matches(after, &tail[end..]))
}

/// Compares lines with golden ones; the difference, if there is one. `<USAGE>` stands for the overview of options,
/// which is of our own words and goes on to the end.
pub fn compare(expected: &[String], got: &[String]) -> Option<String> {
    for (index, want) in expected.iter().enumerate() {
        if want == "<USAGE>" {
            let usage = |line: &String| line.starts_with("Option") || line.starts_with("usage: ");
            let usage = got.get(index).is_some_and(usage);
            return (!usage).then(|| "no overview of options".to_owned());
        }
        match got.get(index) {
            Some(line) if matches(want, line) => {}
            Some(line) => return Some(format!("line {}:\n  Kafka: {want}\n  ours:  {line}", index + 1)),
            None => return Some(format!("line {} is missing:\n  Kafka: {want}", index + 1)),
        }
    }
    got.get(expected.len()).map(|line| format!("one line too many:\n  ours:  {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_stand_for_what_changes() {
        for (pattern, line, want) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("[<DATE>] ERROR x", "[2026-11-21 09:45:32,203] ERROR x", true),
            ("[<DATE>] ERROR x", "[] ERROR x", false),
            ("CreateTime:<TIMESTAMP>\tv", "CreateTime:1700000000000\tv", true),
            ("CreateTime:<TIMESTAMP>\tv", "CreateTime:soon\tv", false),
            ("id <TOPIC_ID>-", "id a-b-", true),
            ("a<b <N>", "a<b 7", true),
            ("<PADDED>\t<PADDED> ms ago<PADDED>\t", "7  \t12 ms ago  \t", true),
            ("<PADDED>\t", "\t", false),
            ("one-<UUID> x", "one-a2c90047-fa3e-4bf8-a38f-716c366acbda x", true),
            ("a<b", "a<b", true),
            ("a<b", "ab", false),
        ] {
            assert_eq!(matches(pattern, line), want, "{pattern} / {line}");
        }
    }
}
