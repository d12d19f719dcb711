//! Every lesson, played by the engine as the page plays it: its start fails each goal, its solution and each other way
//! reach them, each near miss fails with its own words, and the prediction's right choice is what happens.
//!
//! `LESSON=keys` plays one, and tells what happens; `BLUMFELD_LONG=1` plays all with 20 seeds instead of two.
#![cfg(not(target_arch = "wasm32"))]

#[allow(dead_code, reason = "the story is another test's")]
mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use blumfeld_lesson::{Lesson, Step, Track};
use blumfeld_view::{Durability, GoalAsked, GoalsAsked, GoalsView, Pace};
use blumfeld_wasm::Boot;
use common::Desk;

/// A goal comes within so much virtual time of the last line, or not at all.
const PATIENCE: Duration = Duration::from_secs(90);
/// A near miss is one if the goal has not come by then.
const NEAR: Duration = Duration::from_secs(20);
/// A command that waits for its reader is interrupted after so long.
const STAYS: Duration = Duration::from_secs(20);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../www/lessons")
}

/// Every lesson's file with its text.
fn files() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .map(|path| {
            (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// What a step has watched, as the page asks for it.
fn asked(step: &Step) -> GoalsAsked {
    let once = |when: &blumfeld_condition::Condition, once| GoalAsked { when: when.text().to_owned(), once };
    let choices = step.prediction.iter().flat_map(|prediction| &prediction.choices);
    GoalsAsked {
        id: 1,
        goals: step.goals.iter().map(|goal| once(&goal.when, goal.once)).collect(),
        others: step.others_watched().map(|(when, stays)| once(when, stays)).collect(),
        facts: step.facts(),
        shown: choices.map(|choice| choice.shown.text().to_owned()).collect(),
    }
}

/// Somebody who does a lesson.
struct Pupil<'a> {
    lesson: &'a Lesson,
    desk: Desk,
    lines: u32,
    goals: GoalsView,
    tells: bool,
}

impl<'a> Pupil<'a> {
    fn begin(lesson: &'a Lesson, seed: u64) -> Result<Pupil<'a>, String> {
        let boot = Boot::fresh("lesson", seed, 1_735_689_600_000, lesson.brokers, Durability::Relaxed);
        let desk = Desk::at(boot);
        let tells = std::env::var("LESSON").is_ok();
        let mut pupil = Pupil { lesson, desk, lines: 10_000, goals: GoalsView::default(), tells };
        for line in &lesson.begin {
            let said = pupil.line(line)?;
            if said.1 != Some(0) {
                return Err(format!("begin: {line}: {said:?}"));
            }
        }
        if let Some(ready) = &lesson.ready {
            let asked = GoalAsked { when: ready.text().to_owned(), once: false };
            pupil.watch(GoalsAsked { goals: vec![asked], ..GoalsAsked::default() });
            if !pupil.waits(PATIENCE) {
                return Err(format!("begin: {} does not come true", ready.text()));
            }
        }
        Ok(pupil)
    }

    fn watch(&mut self, asked: GoalsAsked) {
        self.desk.engine.watch_goals(Some(asked)).unwrap();
        self.look();
    }

    fn look(&mut self) {
        if let Some(goals) = self.desk.engine.take_goals() {
            self.goals = goals;
        }
    }

    /// Lets virtual time pass. What a line waited for stops it, and it goes on.
    fn pass(&mut self, span: Duration) {
        let engine = &mut self.desk.engine;
        let until = engine.world().now() + span;
        while engine.world().now() < until {
            if engine.pace() == Pace::Paused {
                engine.set_pace(Pace::Times(1.0));
            }
            engine.advance(Duration::from_millis(10), || false);
        }
    }

    /// Lets time pass until the goals are reached; false if they are not.
    fn waits(&mut self, span: Duration) -> bool {
        let until = self.desk.engine.world().now() + span;
        self.look();
        while self.goals.reached.is_none() && self.desk.engine.world().now() < until {
            self.pass(Duration::from_millis(20));
            self.look();
        }
        self.goals.reached.is_some()
    }

    /// Runs a line to its end, or interrupts it; gives what it said, and its exit code.
    fn line(&mut self, line: &str) -> Result<(String, Option<i32>), String> {
        self.lines += 1;
        let (id, begun) = (self.lines, self.desk.engine.world().now());
        let (mut said, mut exit, mut interrupted) = (String::new(), None, false);
        self.desk.engine.console(id, line);
        while exit.is_none() {
            for update in self.desk.engine.take_console(usize::MAX) {
                if update.id == id {
                    said.extend(update.output.into_iter().map(|part| part.text));
                    exit = update.exit;
                }
            }
            let now = self.desk.engine.world().now();
            if exit.is_none() && !interrupted && now > begun + STAYS {
                interrupted = true;
                self.desk.engine.interrupt(id);
            }
            if now > begun + 3 * STAYS {
                return Err(format!("{line} does not end: {said}"));
            }
            if exit.is_none() {
                self.pass(Duration::from_millis(10));
            }
        }
        self.look();
        if self.tells {
            println!("  [{}] $ {line}", self.desk.engine.world().now());
            for said in said.lines() {
                println!("      {said}");
            }
            println!(
                "      -> exit {exit:?}, goals {:?}, others {:?}, facts {:?}",
                self.goals.goals, self.goals.others, self.goals.facts
            );
        }
        Ok((said, exit))
    }

    fn lines(&mut self, lines: &[String]) -> Result<(), String> {
        lines.iter().try_for_each(|line| self.line(line).map(|_| ()))
    }

    /// Comes to a step by the solutions of those before it, and has it watched.
    fn at(lesson: &'a Lesson, seed: u64, step: usize) -> Result<Pupil<'a>, String> {
        let mut pupil = Pupil::begin(lesson, seed)?;
        for before in 0..step {
            pupil.solve(before, None)?;
        }
        pupil.watch(asked(&lesson.steps[step]));
        Ok(pupil)
    }

    /// Does a step by its solution, or by its other way of a number.
    fn solve(&mut self, number: usize, other: Option<usize>) -> Result<(), String> {
        let step = &self.lesson.steps[number];
        if self.tells {
            println!(" step {} by {other:?}", number + 1);
        }
        self.watch(asked(step));
        if self.goals.reached.is_some() {
            return Err("its goal is reached before anything is done".to_owned());
        }
        let lines = other.map_or(&step.solution, |other| &step.others[other]);
        if let Some(action) = step.action.as_ref().filter(|_| other.is_none()) {
            self.line(&action.line)?;
        }
        self.lines(lines)?;
        if !self.waits(PATIENCE) {
            return Err(format!(
                "it is not reached: {}; facts {:?} are {:?}",
                self.open(step).join(" "),
                step.facts(),
                self.goals.facts
            ));
        }
        let spoilt = step.spoilt.iter().zip(&self.goals.others).find(|(_, so)| **so);
        if let Some((said, _)) = spoilt {
            return Err(format!("it counts as spoilt: {}", said.when.text()));
        }
        // At the moment at which it is reached, and neither before nor later.
        let choices = step.prediction.iter().flat_map(|prediction| &prediction.choices);
        for (choice, shown) in choices.zip(&self.goals.shown) {
            if shown.unwrap_or(false) != choice.right {
                return Err(format!("the choice \"{}\" is {shown:?}", choice.text.en));
            }
        }
        Ok(())
    }

    /// What is said of the goals that are not reached.
    fn open(&self, step: &Step) -> Vec<String> {
        let facts = step.facts();
        let value = |fact: &str| {
            let at = facts.iter().position(|one| one == fact)?;
            self.goals.facts.get(at).cloned().flatten()
        };
        let open = step.goals.iter().zip(&self.goals.goals).filter(|(_, so)| !**so);
        open.map(|(goal, _)| goal.yet.told(false, value)).collect()
    }

    /// Does what nearly reaches a step's goal.
    fn miss(&mut self, number: usize, near: usize) -> Result<(), String> {
        let step = &self.lesson.steps[number];
        if self.tells {
            println!(" step {} nearly, {}", number + 1, near + 1);
        }
        self.lines(&step.near[near].lines)?;
        let until = self.desk.engine.world().now() + NEAR;
        let said = |goals: &GoalsView| goals.others.iter().position(|so| *so);
        let mut recognised = false;
        loop {
            self.look();
            if self.goals.reached.is_some() {
                return Err("it reaches the goal".to_owned());
            }
            recognised |= said(&self.goals) == Some(step.spoilt.len() + near);
            if self.desk.engine.world().now() >= until {
                break;
            }
            self.pass(Duration::from_millis(200));
        }
        if !recognised {
            return Err(format!(
                "it is not recognised: {:?}; facts {:?}",
                self.goals.others, self.goals.facts
            ));
        }
        Ok(())
    }
}

/// Plays a lesson with a seed, in all its ways; gives what is wrong with it.
fn faults(lesson: &Lesson, seed: u64) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |what: String, told: Result<(), String>| {
        faults.extend(told.err().map(|why| format!("{} (seed {seed}), {what}: {why}", lesson.id)));
    };
    // The whole of it, as who does it right.
    fault(
        "the whole".to_owned(),
        Pupil::begin(lesson, seed).and_then(|mut pupil| {
            (0..lesson.steps.len()).try_for_each(|step| {
                pupil.solve(step, None).map_err(|why| format!("step {}: {why}", step + 1))
            })
        }),
    );
    for (number, step) in lesson.steps.iter().enumerate() {
        for other in 0..step.others.len() {
            let told = Pupil::at(lesson, seed, number).and_then(|mut pupil| pupil.solve(number, Some(other)));
            fault(format!("step {}, other way {}", number + 1, other + 1), told);
        }
        for near in 0..step.near.len() {
            let told = Pupil::at(lesson, seed, number).and_then(|mut pupil| pupil.miss(number, near));
            fault(format!("step {}, near miss {}", number + 1, near + 1), told);
        }
        let lines = step.solution.iter().chain(step.others.iter().flatten());
        for line in lines {
            if step.forbidden.iter().any(|forbidden| forbidden.forbids(line)) {
                fault(format!("step {}", number + 1), Err(format!("{line} is forbidden")));
            }
        }
    }
    faults
}

fn play(track: Track) {
    let wanted = std::env::var("LESSON").ok();
    let seeds = if std::env::var("BLUMFELD_LONG").is_ok_and(|long| long == "1") { 20 } else { 2 };
    let mut wrong = Vec::new();
    for (name, text) in files() {
        if wanted.as_ref().is_some_and(|wanted| *wanted != name) {
            continue;
        }
        let lesson = Lesson::parse(&text).unwrap_or_else(|error| panic!("www/lessons/{name}.toml, {error}"));
        assert_eq!(lesson.id, name, "a lesson's id is its file's name");
        if lesson.track != track {
            continue;
        }
        let seeds = if wanted.is_some() { 1 } else { seeds };
        for seed in 0..seeds {
            // One that says it needs a seed keeps it, and is tried with others, which the page offers.
            let seed = if seed == 0 { lesson.seed.unwrap_or(101) } else { 101 + seed };
            wrong.extend(faults(&lesson, seed));
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

/// The list that the page shows before it reads a lesson: `UPDATE_EXPECT=1` writes it.
#[test]
fn the_list_has_what_the_files_have() {
    let mut lessons: Vec<Lesson> = files()
        .into_iter()
        .map(|(name, text)| {
            Lesson::parse(&text).unwrap_or_else(|error| panic!("www/lessons/{name}.toml, {error}"))
        })
        .collect();
    lessons.sort_by_key(|lesson| (lesson.track, lesson.place));
    for pair in lessons.windows(2) {
        let same = (pair[0].track, pair[0].place) == (pair[1].track, pair[1].place);
        assert!(!same, "{} and {} stand in one place", pair[0].id, pair[1].id);
    }
    let words = |words: &blumfeld_lesson::Words| serde_json::json!({ "en": words.en, "ko": words.ko });
    let listed = lessons.iter().map(|lesson| {
        serde_json::json!({
            "id": lesson.id,
            "track": lesson.track.word(),
            "title": words(&lesson.title),
            "summary": words(&lesson.summary),
            "minutes": lesson.minutes,
            "steps": lesson.steps.len(),
            "par": lesson.par(),
        })
    });
    let lines: Vec<String> = listed.map(|one| one.to_string()).collect();
    let list = format!("[\n{}\n]\n", lines.join(",\n"));
    let path = folder().join("index.json");
    if std::env::var("UPDATE_EXPECT").is_ok_and(|update| update == "1") {
        fs::write(&path, &list).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), list, "UPDATE_EXPECT=1 writes it anew");
}

/// What docs/notes.md says shows a claim is there: lessons by their names, scenarios by their files.
#[test]
fn what_the_notes_are_shown_by_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let notes = fs::read_to_string(root.join("docs/notes.md")).unwrap();
    let lessons: Vec<String> = files().into_iter().map(|(name, _)| name).collect();
    let (mut named, mut missing) = (0, Vec::new());
    for line in notes.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| the note says")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        assert_eq!(cells.len(), 3, "{line}");
        let shown = cells[1].split('`').skip(1).step_by(2).filter(|name| !name.starts_with('#'));
        for name in shown.filter(|name| !name.contains(' ')) {
            named += 1;
            missing.extend((!lessons.iter().any(|lesson| lesson == name)).then(|| name.to_owned()));
        }
        for path in cells[1].split_whitespace().filter(|word| word.starts_with("tests/")) {
            let path = path.trim_end_matches([';', ',']);
            missing.extend((!root.join(path).exists()).then(|| path.to_owned()));
        }
    }
    missing.sort();
    missing.dedup();
    assert_eq!(missing, [""; 0]);
    assert!(named > 100, "{named}");
}

#[test]
fn lessons_for_beginners_can_be_done() {
    play(Track::Beginner);
}

#[test]
fn lessons_for_developers_can_be_done() {
    play(Track::Developer);
}

#[test]
fn lessons_for_operators_can_be_done() {
    play(Track::Operator);
}

#[test]
fn scenes_of_use_can_be_done() {
    play(Track::Uses);
}
