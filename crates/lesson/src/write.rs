//! A lesson as a file: what the builder saves. [`Lesson::parse`] reads it back as the same lesson.

use std::fmt::Write as _;

use crate::{ClusterKind, Lesson, Step, Words};

/// The file.
pub fn written(lesson: &Lesson) -> String {
    let mut out = String::new();
    line(&mut out, "id", &text(&lesson.id));
    line(&mut out, "track", &text(lesson.track.word()));
    line(&mut out, "place", &lesson.place.to_string());
    line(&mut out, "title", &words(&lesson.title));
    line(&mut out, "summary", &words(&lesson.summary));
    line(&mut out, "minutes", &lesson.minutes.to_string());
    if let Some(seed) = lesson.seed {
        line(&mut out, "seed", &seed.to_string());
    }
    if lesson.brokers != 3 {
        line(&mut out, "brokers", &lesson.brokers.to_string());
    }
    if lesson.cluster == ClusterKind::ZooKeeper {
        line(&mut out, "cluster", &text("zookeeper"));
    }
    line(&mut out, "begin", &list(&lesson.begin));
    if let Some(ready) = &lesson.ready {
        line(&mut out, "ready", &text(ready.text()));
    }
    if lesson.pace.to_bits() != 1.0_f64.to_bits() {
        line(&mut out, "pace", &format!("{:?}", lesson.pace));
    }
    for link in &lesson.links {
        out += "\n[[link]]\n";
        line(&mut out, "title", &text(&link.title));
        line(&mut out, "url", &text(&link.url));
    }
    for one in &lesson.steps {
        step(&mut out, one);
    }
    out
}

fn step(out: &mut String, step: &Step) {
    *out += "\n[[step]]\n";
    line(out, "title", &words(&step.title));
    line(out, "text", &words(&step.text));
    if let Some(look) = &step.look {
        line(out, "look", &text(&look.to_string()));
    }
    if let Some(action) = &step.action {
        line(
            out,
            "action",
            &format!("{{ label = {}, line = {} }}", words(&action.label), text(&action.line)),
        );
    }
    line(out, "hints", &hints(&step.hints));
    line(out, "solution", &list(&step.solution));
    if let Some(done) = &step.done {
        line(out, "done", &words(done));
    }
    if let Some(prediction) = &step.prediction {
        *out += "\n[step.predict]\n";
        line(out, "ask", &words(&prediction.ask));
        for choice in &prediction.choices {
            *out += "\n[[step.predict.choice]]\n";
            line(out, "text", &words(&choice.text));
            if choice.right {
                line(out, "right", "true");
            }
            line(out, "why", &words(&choice.why));
            line(out, "shown", &text(choice.shown.text()));
        }
    }
    for goal in &step.goals {
        self::goal(out, goal.when.text(), &goal.text, goal.yet.words());
        if goal.once {
            line(out, "once", "true");
        }
    }
    for near in &step.near {
        *out += "\n[[step.near]]\n";
        line(out, "lines", &list(&near.lines));
        line(out, "when", &text(near.said.when.text()));
        line(out, "text", &words(near.said.text.words()));
    }
    for said in &step.spoilt {
        *out += "\n[[step.spoilt]]\n";
        line(out, "when", &text(said.when.text()));
        line(out, "text", &words(said.text.words()));
    }
    for forbidden in &step.forbidden {
        *out += "\n[[step.forbid]]\n";
        line(out, "line", &text(&forbidden.words));
        line(out, "text", &words(&forbidden.text));
    }
    for lines in &step.others {
        *out += "\n[[step.other]]\n";
        line(out, "lines", &list(lines));
    }
}

/// A goal's own table, with what each must have.
pub(crate) fn goal(out: &mut String, when: &str, what: &Words, yet: &Words) {
    *out += "\n[[step.goal]]\n";
    line(out, "when", &text(when));
    line(out, "text", &words(what));
    line(out, "yet", &words(yet));
}

pub(crate) fn line(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "{name} = {value}");
}

pub(crate) fn words(words: &Words) -> String {
    format!("{{ en = {}, ko = {} }}", text(&words.en), text(&words.ko))
}

pub(crate) fn hints(hints: &[Words]) -> String {
    let hints: Vec<String> = hints.iter().map(|hint| format!("  {},\n", words(hint))).collect();
    format!("[\n{}]", hints.concat())
}

pub(crate) fn list(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|one| format!("  {},\n", text(one))).collect();
    if lines.is_empty() { "[]".to_owned() } else { format!("[\n{}]", lines.concat()) }
}

/// A text as TOML has it: a literal string where it can be one, so that quotes need no escapes.
pub(crate) fn text(text: &str) -> String {
    let plain = |text: &str| text.chars().all(|letter| letter == '\n' || !letter.is_control());
    if !text.contains('\'') && !text.contains('\n') && plain(text) {
        return format!("'{text}'");
    }
    if !text.contains("'''") && !text.ends_with('\'') && plain(text) {
        return format!("'''\n{text}'''");
    }
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out += "\\\"",
            '\\' => out += "\\\\",
            '\n' => out += "\\n",
            '\t' => out += "\\t",
            letter if letter.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}
