//! What a lesson waits for, and how that stands.

use serde::{Deserialize, Serialize};

/// A condition that is asked after every event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GoalAsked {
    /// It, in the language of `until`.
    pub when: String,
    /// Whether it is enough that it was so once.
    pub once: bool,
}

/// What is to be watched. Conditions that ask what was seen, ask it from now on.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GoalsAsked {
    /// A number that the page chose; what is told of these goals carries it.
    pub id: u32,
    /// What has to become true, all of it at one moment.
    pub goals: Vec<GoalAsked>,
    /// What else is looked at: what spoils the goal, and what is nearly it.
    pub others: Vec<GoalAsked>,
    /// Facts whose values are told: `partitions("orders")`.
    pub facts: Vec<String>,
    /// Conditions that are asked once, at the moment at which the goals are reached.
    pub shown: Vec<String>,
}

/// How what is watched stands.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GoalsView {
    /// The number of what was asked.
    pub id: u32,
    /// Whether each goal is so, or was so once where that is enough.
    pub goals: Vec<bool>,
    /// The same of what else is looked at.
    pub others: Vec<bool>,
    /// The values of the facts; nothing for one that cannot be told.
    pub facts: Vec<Option<String>>,
    /// What was so when the goals were reached; nothing where that cannot be told.
    pub shown: Vec<Option<bool>>,
    /// When all goals were so for the first time, in virtual microseconds.
    pub reached: Option<u64>,
}
