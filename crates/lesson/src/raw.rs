//! The file as TOML has it. What stands there and is none of these is refused by its name, with its place.

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    pub id: Spanned<String>,
    pub track: Spanned<String>,
    pub place: Spanned<u32>,
    pub title: Spanned<Words>,
    pub summary: Spanned<Words>,
    pub minutes: Spanned<u32>,
    pub seed: Option<Spanned<u64>>,
    pub brokers: Option<Spanned<i32>>,
    pub cluster: Option<Spanned<String>>,
    #[serde(default)]
    pub begin: Vec<Spanned<String>>,
    pub ready: Option<Spanned<String>>,
    pub pace: Option<Spanned<f64>>,
    #[serde(default)]
    pub link: Vec<Spanned<Link>>,
    #[serde(default)]
    pub step: Vec<Spanned<Step>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub en: Spanned<String>,
    pub ko: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub title: String,
    pub url: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub title: Words,
    pub text: Words,
    pub look: Option<Spanned<String>>,
    pub predict: Option<Spanned<Prediction>>,
    pub action: Option<Action>,
    #[serde(default)]
    pub goal: Vec<Goal>,
    #[serde(default)]
    pub spoilt: Vec<Said>,
    #[serde(default)]
    pub near: Vec<Near>,
    #[serde(default)]
    pub forbid: Vec<Forbidden>,
    pub hints: Spanned<Vec<Words>>,
    pub solution: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub other: Vec<Other>,
    pub done: Option<Words>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    pub when: Spanned<String>,
    pub text: Words,
    pub yet: Words,
    #[serde(default)]
    pub once: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    pub when: Spanned<String>,
    pub text: Words,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Near {
    pub lines: Vec<Spanned<String>>,
    pub when: Spanned<String>,
    pub text: Words,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forbidden {
    pub line: Spanned<String>,
    pub text: Words,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Other {
    pub lines: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    pub ask: Words,
    #[serde(default)]
    pub choice: Vec<Choice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub text: Words,
    #[serde(default)]
    pub right: bool,
    pub why: Words,
    pub shown: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    pub label: Words,
    pub line: Spanned<String>,
}
