//! Runs every scenario in `tests/scenarios` and in the folders there. With `UPDATE_EXPECT=1` the expected lines are
//! rewritten; read the difference before you commit it.
//!
//! `blumfeld_tests::script` has the language. A file in one of the folders is one scenario in many cases.
//! `each NAME, …: VALUE, … | VALUE, …`, also over several lines that begin with `| `, names what differs, and `{NAME}`
//! stands for its value. The lines up to `---` are played and not told; what came of those after it stands behind each
//! `case`.

use blumfeld_tests::script::play;

/// What differs between the cases of a file, in each case: its name, and what stands for what.
fn cases(head: &[&str]) -> Vec<(String, Vec<(String, String)>)> {
    let mut cases = vec![(String::new(), Vec::new())];
    let head = head.join("\n").replace("\n| ", " | ");
    for axis in head.lines().filter_map(|line| line.strip_prefix("each ")) {
        let (names, values) = axis.split_once(": ").unwrap_or_else(|| panic!("each {axis}"));
        let names: Vec<&str> = names.split(", ").collect();
        cases = (cases.iter())
            .flat_map(|case| values.split(" | ").map(move |value| (case, value)))
            .map(|((name, filled), value)| {
                let values: Vec<&str> = value.split(", ").collect();
                assert_eq!(names.len(), values.len(), "each {axis}");
                let new = names
                    .iter()
                    .zip(&values)
                    .map(|(name, value)| (format!("{{{name}}}"), (*value).to_owned()));
                let separator = if name.is_empty() { "" } else { "; " };
                (format!("{name}{separator}{}", values[0]), filled.iter().cloned().chain(new).collect())
            })
            .collect();
    }
    cases
}

/// Plays each case of a file, and gives the file as it is now.
fn play_cases(text: &str) -> String {
    let head: Vec<&str> = text.lines().take_while(|line| !line.starts_with("case ")).collect();
    let steps: Vec<&str> = (head.iter().copied())
        .filter(|line| !["each ", "| ", "# "].iter().any(|start| line.starts_with(start)))
        .collect();
    let mut out = head.join("\n");
    out.push('\n');
    for (name, filled) in cases(&head) {
        let fill = |line: &&str| {
            filled.iter().fold((*line).to_owned(), |line, (name, value)| line.replace(name, value))
        };
        let steps: Vec<String> = steps.iter().map(fill).collect();
        let played = play(steps.iter().map(String::as_str));
        let (_, told) = played.split_once("\n---\n").expect("--- ends what is not told");
        out.push_str(&format!("case {name}\n{told}"));
    }
    out
}

#[test]
fn scenarios() {
    blumfeld_expect::check(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios"), |text| play(text.lines()));
}

#[test]
fn elections() {
    blumfeld_expect::check(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/elections"), play_cases);
}

#[test]
fn transactions() {
    blumfeld_expect::check(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/transactions"), play_cases);
}

#[test]
fn compaction() {
    blumfeld_expect::check(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/compaction"), play_cases);
}
