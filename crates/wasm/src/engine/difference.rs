//! What is otherwise at two moments: partitions, groups, and the records that only one of them has.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use blumfeld_view::PartitionView;

use crate::run::Run;

/// What is said of a partition.
type Fact = fn(&PartitionView) -> String;

/// So many records are named of each partition.
const RECORDS: usize = 5;

/// The differences between two runs, a line each; empty where there are none that one would see.
pub(super) fn told(one: &Run, other: &Run, (name, other_name): (&str, &str)) -> String {
    let mut out = String::new();
    let mut line = |what: &str, one: String, other: String| {
        if one != other {
            let _ = writeln!(out, "{what}: {one} in {name}, {other} in {other_name}");
        }
    };
    let (ours, theirs) = (partitions(one), partitions(other));
    let mut names: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
    names.sort();
    names.dedup();
    let missing = || "none".to_owned();
    for partition in names {
        let (one, other) = (ours.get(partition), theirs.get(partition));
        let both =
            |of: fn(&PartitionView) -> String| (one.map_or_else(missing, of), other.map_or_else(missing, of));
        let facts: [(&str, Fact); 4] = [
            ("leader", |of| format!("{} (epoch {})", of.leader, of.leader_epoch)),
            ("ISR", |of| format!("{:?}", of.isr)),
            ("high watermark", |of| of.high_watermark.to_string()),
            ("log end", |of| of.log_end.to_string()),
        ];
        for (what, of) in facts {
            let (one, other) = both(of);
            line(&format!("{partition} {what}"), one, other);
        }
    }
    let groups = |run: &Run| -> BTreeMap<String, (String, BTreeMap<String, String>)> {
        let of = |group: blumfeld_view::GroupView| {
            let offsets = group.offsets.iter().map(|offset| {
                (format!("{}-{}", offset.topic, offset.partition), offset.committed.to_string())
            });
            (
                group.id.clone(),
                (format!("{} (generation {})", group.state, group.generation), offsets.collect()),
            )
        };
        run.world.group_views().into_iter().map(of).collect()
    };
    let (ours, theirs) = (groups(one), groups(other));
    let mut names: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
    names.sort();
    names.dedup();
    for group in names {
        let state =
            |of: Option<&(String, BTreeMap<String, String>)>| of.map_or_else(missing, |of| of.0.clone());
        line(&format!("group {group}"), state(ours.get(group)), state(theirs.get(group)));
        let none = BTreeMap::new();
        let offsets = |of: &BTreeMap<String, (String, BTreeMap<String, String>)>| {
            of.get(group).map_or_else(|| none.clone(), |of| of.1.clone())
        };
        let (one, other) = (offsets(&ours), offsets(&theirs));
        for partition in one.keys().chain(other.keys().filter(|key| !one.contains_key(*key))) {
            let of =
                |offsets: &BTreeMap<String, String>| offsets.get(partition).cloned().unwrap_or_else(missing);
            line(&format!("group {group} committed {partition}"), of(&one), of(&other));
        }
    }
    records(one, other, (name, other_name), &mut out);
    if out.is_empty() {
        out.push_str("Nothing is otherwise.\n");
    }
    out
}

fn partitions(run: &Run) -> BTreeMap<String, PartitionView> {
    let topics = run.world.topic_views();
    let of = |topic: &blumfeld_view::TopicView| {
        let name = topic.name.clone();
        let named = move |one: &PartitionView| (format!("{name}-{}", one.partition), one.clone());
        topic.partitions.iter().map(named).collect::<Vec<_>>()
    };
    topics.iter().filter(|topic| !topic.internal).flat_map(of).collect()
}

/// The records below the high watermark that the leader's log of one run has and that of the other has not.
fn records(one: &Run, other: &Run, names: (&str, &str), out: &mut String) {
    for topic in one.world.topic_names().into_iter().filter(|name| !name.starts_with("__")) {
        let Some(view) = one.world.topic_views().into_iter().find(|view| view.name == topic) else {
            continue;
        };
        for partition in view.partitions.iter().map(|one| one.partition) {
            let (ours, theirs) = (
                one.world.committed_records(&topic, partition),
                other.world.committed_records(&topic, partition),
            );
            for (have, lack, name) in [(&ours, &theirs, names.0), (&theirs, &ours, names.1)] {
                let only: Vec<_> =
                    have.iter().filter(|(offset, text)| lack.get(offset) != Some(text)).collect();
                for (offset, (key, _)) in only.iter().take(RECORDS) {
                    let _ = writeln!(out, "{topic}-{partition}@{offset} ({key}) only in {name}");
                }
                if only.len() > RECORDS {
                    let _ =
                        writeln!(out, "{topic}-{partition}: {} more only in {name}", only.len() - RECORDS);
                }
            }
        }
    }
}
