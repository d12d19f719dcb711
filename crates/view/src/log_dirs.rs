//! Log directories of Kafka's that were dropped on the page.

use serde::{Deserialize, Serialize};

/// The same sentences in the languages of the page.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sentences {
    /// In English.
    pub en: Vec<String>,
    /// In Korean.
    pub ko: Vec<String>,
}

/// How it stands with what was dropped.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum LogDirsView {
    /// It is being read.
    Reading {
        /// Files read.
        done: u32,
        /// Files in all.
        total: u32,
    },
    /// It cannot be opened.
    Wrong(
        /// What is wrong, one sentence each.
        Sentences,
    ),
    /// It can be opened, in the place of the cluster that runs.
    Found(
        /// What it is: first how it would be opened, then what else is to be known.
        Sentences,
    ),
}
