//! `--list`: names of groups, with their types and states where asked for.

use blumfeld_client::admin::{AdminRequest, AdminResponse};
use blumfeld_kernel::Context;

use super::super::admin::Step;
use super::failure::Failure;
use super::{Next, Reply, list_all, names, no_brokers, unexpected};
use crate::io::out;
use crate::java::{hash_map_order, split};
use crate::options::Options;

/// States that a group of consumers can have (org.apache.kafka.common.GroupState).
const STATES: [&str; 7] =
    ["PreparingRebalance", "CompletingRebalance", "Stable", "Dead", "Empty", "Assigning", "Reconciling"];

#[derive(Clone, Debug)]
pub struct List {
    with_type: bool,
    with_state: bool,
}

impl List {
    pub fn new(options: &Options) -> List {
        List { with_type: options.has("type"), with_state: options.has("state") }
    }

    pub fn begin(&self, options: &Options) -> Next {
        if !self.with_type && !self.with_state {
            return Ok(list_all());
        }
        let types = match options.value("type")? {
            None | Some("") => Vec::new(),
            Some(text) => types(text)?,
        };
        let states = match options.value("state")? {
            None | Some("") => Vec::new(),
            Some(text) => states(text)?,
        };
        Ok(Step::Ask(AdminRequest::ListGroups { states, types }))
    }

    pub fn answered(&self, cx: &mut Context<'_>, answer: Reply) -> Next {
        if !self.with_type && !self.with_state {
            for name in names(answer)? {
                out(cx, &name);
            }
            return Ok(Step::Exit(0));
        }
        let groups = match answer {
            Ok(AdminResponse::Groups(groups)) => hash_map_order(groups, None, |group| &group.id),
            Ok(_) => return Err(unexpected()),
            Err(error) => return Err(Failure::execution_of(&no_brokers(&error))),
        };
        let width = groups.iter().map(|group| group.id.chars().count()).max().unwrap_or(0).max(15) + 10;
        let line = |id: &str, kind: &str, state: &str| {
            let mut line = format!("{id:width$}");
            if self.with_type {
                line.push_str(&format!(" {kind:20}"));
            }
            if self.with_state {
                line.push_str(&format!(" {state:20}"));
            }
            line
        };
        out(cx, &line("GROUP", "TYPE", "STATE"));
        for group in &groups {
            let kind = [&*group.kind, "Unknown"].into_iter().find(|text| !text.is_empty());
            let state = [&*group.state, "Unknown"].into_iter().find(|text| !text.is_empty());
            let kind = match kind.unwrap_or_default() {
                "classic" => "Classic",
                "consumer" => "Consumer",
                other => other,
            };
            out(cx, &line(&group.id, kind, state.unwrap_or_default()));
        }
        Ok(Step::Exit(0))
    }
}

fn types(input: &str) -> Result<Vec<String>, Failure> {
    let mut types = Vec::new();
    for word in split(&input.to_lowercase(), ",") {
        match word.trim() {
            "classic" => types.push("Classic".to_owned()),
            "consumer" => types.push("Consumer".to_owned()),
            _ => {
                let text = format!("Invalid types list '{input}'. Valid types are: Consumer, Classic");
                return Err(Failure::Usage(text));
            }
        }
    }
    Ok(types)
}

fn states(input: &str) -> Result<Vec<String>, Failure> {
    let mut states = Vec::new();
    for word in split(input, ",") {
        match STATES.iter().find(|state| state.eq_ignore_ascii_case(word.trim())) {
            Some(state) => states.push((*state).to_owned()),
            None => {
                let valid = STATES.join(", ");
                let text = format!("Invalid state list '{input}'. Valid states are: {valid}");
                return Err(Failure::Usage(text));
            }
        }
    }
    Ok(states)
}
