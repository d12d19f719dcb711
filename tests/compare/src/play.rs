//! Playing steps: against both at once, or against one and what the other was recorded to say.

use anyhow::{Result, bail};
use serde_json::Value;

use crate::normal::{Normal, sorted};
use crate::side::{Outcome, Side, Wait};
use crate::step::Step;

/// How often a step is asked until it has come into force.
const TRIES: usize = 20_000;
/// The same for an answer that differs and may be only late.
const LATE: usize = 300;
/// The same where what is wanted is known, and a machine may be slow.
const LATER: usize = 4_000;

fn patience(step: &Step) -> Wait {
    if step.compared { Wait::Patience } else { Wait::Much }
}

/// What a side says to a step, without what is its own.
pub fn one(side: &mut Side, step: &Step) -> Result<Value> {
    let id = side.send(&step.request)?;
    let outcome = side.receive(&step.request, id, patience(step));
    finish(side, step, outcome)
}

/// The same of one of whom an answer is wanted, or silence.
fn wanted(side: &mut Side, step: &Step, wanted: &Value) -> Result<Value> {
    let id = side.send(&step.request)?;
    let silent = *wanted == Outcome::Silent.to_json();
    let outcome = side.receive(&step.request, id, if silent { Wait::Patience } else { Wait::Much });
    finish(side, step, outcome)
}

/// The same of two, who are asked at the same time.
///
/// An answer that differs and may be only late is asked for again, unless it is `known` to differ.
pub fn both(
    kafka: &mut Side,
    ours: &mut Side,
    step: &Step,
    known: impl Fn(&Value, &Value) -> bool,
) -> Result<(Value, Value)> {
    let (first, second) = (kafka.send(&step.request)?, ours.send(&step.request)?);
    let mut one_said = kafka.receive(&step.request, first, patience(step));
    let mut other_said = ours.receive(&step.request, second, patience(step));
    // One that is silent while the other spoke may only be slow.
    if one_said == Outcome::Silent && other_said != Outcome::Silent {
        one_said = kafka.receive(&step.request, first, Wait::Longer);
    } else if other_said == Outcome::Silent && one_said != Outcome::Silent {
        other_said = ours.receive(&step.request, second, Wait::Longer);
    }
    let mut theirs = finish(kafka, step, one_said)?;
    let mut own = finish(ours, step, other_said)?;
    for _ in 0..LATE {
        if !step.again || !theirs.is_object() || !own.is_object() {
            break;
        }
        if same(&theirs, &own) || known(&theirs, &own) {
            break;
        }
        (theirs, own) = (one(kafka, step)?, one(ours, step)?);
    }
    Ok((theirs, own))
}

/// What a side says, asked again while it differs from what is wanted and may be only late.
pub fn against(side: &mut Side, step: &Step, wanted: &Value) -> Result<Value> {
    let mut own = self::wanted(side, step, wanted)?;
    for _ in 0..LATER {
        if !step.again || !wanted.is_object() || !own.is_object() || same(wanted, &own) {
            break;
        }
        own = self::wanted(side, step, wanted)?;
    }
    Ok(own)
}

/// Whether two answers are the same, whatever the order of their entries.
pub fn same(one: &Value, other: &Value) -> bool {
    one == other || sorted(one) == sorted(other)
}

fn finish(side: &mut Side, step: &Step, first: Outcome) -> Result<Value> {
    let mut outcome = first;
    side.done(&outcome);
    if let Some((pointer, wanted)) = &step.until {
        let mut tries = 0;
        loop {
            let there =
                matches!(&outcome, Outcome::Answer(answer) if answer.pointer(pointer) == Some(wanted));
            if there {
                break;
            }
            tries += 1;
            if tries == TRIES {
                bail!("a preparation never came into force: {} answers {:?}", step.to_json(), outcome);
            }
            let id = side.send(&step.request)?;
            outcome = side.receive(&step.request, id, patience(step));
            side.done(&outcome);
        }
    }
    if let Outcome::Answer(answer) = &outcome {
        for (name, pointer) in &step.keep {
            let value = answer.pointer(pointer).cloned().unwrap_or(Value::Null);
            if name.starts_with("$topic:") {
                // Requests know the topic of the last preparation alone.
                side.chosen.retain(|name, _| !name.starts_with("$topic:"));
            }
            side.chosen.insert(name.clone(), value);
        }
    }
    let request = step.to_json();
    Ok(Normal::new(&side.chosen, &request).of(&outcome.to_json()))
}
