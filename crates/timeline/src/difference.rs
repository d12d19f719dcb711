//! What is otherwise at two moments: partitions, groups, and the records that only one of them has.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use blumfeld_view::PartitionView;

use blumfeld_shell::Language;
use blumfeld_sim::World;

/// What is said of a partition.
type Fact = fn(&PartitionView) -> String;

/// So many records are named of each partition.
const RECORDS: usize = 5;

/// The differences between two runs, a line each; empty where there are none that one would see.
pub fn difference(
    one: &World,
    other: &World,
    (name, other_name): (&str, &str),
    language: Language,
) -> String {
    let korean = language == Language::Korean;
    let mut out = String::new();
    let mut line = |what: &str, one: String, other: String| {
        if one != other {
            let _ = match korean {
                false => writeln!(out, "{what}: {one} in {name}, {other} in {other_name}"),
                true => writeln!(out, "{what}: {name}에서는 {one}, {other_name}에서는 {other}"),
            };
        }
    };
    let (ours, theirs) = (partitions(one), partitions(other));
    let mut names: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
    names.sort();
    names.dedup();
    let missing = || if korean { "없음" } else { "none" }.to_owned();
    for partition in names {
        let (one, other) = (ours.get(partition), theirs.get(partition));
        let both =
            |of: fn(&PartitionView) -> String| (one.map_or_else(missing, of), other.map_or_else(missing, of));
        let facts: [([&str; 2], Fact); 4] = [
            (["leader", "리더"], |of| format!("{} (epoch {})", of.leader, of.leader_epoch)),
            (["ISR", "ISR"], |of| format!("{:?}", of.isr)),
            (["high watermark", "하이 워터마크"], |of| of.high_watermark.to_string()),
            (["log end", "로그 끝"], |of| of.log_end.to_string()),
        ];
        for (what, of) in facts {
            let (one, other) = both(of);
            line(&format!("{partition} {}", what[usize::from(korean)]), one, other);
        }
    }
    let groups = |run: &World| -> BTreeMap<String, (String, BTreeMap<String, String>)> {
        let of = |group: blumfeld_view::GroupView| {
            let offsets = group.offsets.iter().map(|offset| {
                (format!("{}-{}", offset.topic, offset.partition), offset.committed.to_string())
            });
            (
                group.id.clone(),
                (format!("{} (generation {})", group.state, group.generation), offsets.collect()),
            )
        };
        run.group_views().into_iter().map(of).collect()
    };
    let (ours, theirs) = (groups(one), groups(other));
    let mut names: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
    names.sort();
    names.dedup();
    for group in names {
        let state =
            |of: Option<&(String, BTreeMap<String, String>)>| of.map_or_else(missing, |of| of.0.clone());
        line(
            &if korean { format!("{group} 그룹") } else { format!("group {group}") },
            state(ours.get(group)),
            state(theirs.get(group)),
        );
        let none = BTreeMap::new();
        let offsets = |of: &BTreeMap<String, (String, BTreeMap<String, String>)>| {
            of.get(group).map_or_else(|| none.clone(), |of| of.1.clone())
        };
        let (one, other) = (offsets(&ours), offsets(&theirs));
        for partition in one.keys().chain(other.keys().filter(|key| !one.contains_key(*key))) {
            let of =
                |offsets: &BTreeMap<String, String>| offsets.get(partition).cloned().unwrap_or_else(missing);
            let what = match korean {
                false => format!("group {group} committed {partition}"),
                true => format!("{group} 그룹이 {partition}에 커밋한 오프셋"),
            };
            line(&what, of(&one), of(&other));
        }
    }
    records((one, name), (other, other_name), korean, &mut out);
    if out.is_empty() {
        out.push_str(if korean { "다른 점이 없습니다.\n" } else { "No differences.\n" });
    }
    out
}

fn partitions(run: &World) -> BTreeMap<String, PartitionView> {
    let topics = run.topic_views();
    let of = |topic: &blumfeld_view::TopicView| {
        let name = topic.name.clone();
        let named = move |one: &PartitionView| (format!("{name}-{}", one.partition), one.clone());
        topic.partitions.iter().map(named).collect::<Vec<_>>()
    };
    topics.iter().filter(|topic| !topic.internal).flat_map(of).collect()
}

/// The records below the high watermark that the leader's log of one world has and that of the other has not.
fn records((one, name): (&World, &str), (other, other_name): (&World, &str), korean: bool, out: &mut String) {
    let mut partitions: Vec<(String, i32)> = Vec::new();
    for view in one.topic_views().iter().chain(&other.topic_views()).filter(|view| !view.internal) {
        partitions.extend(view.partitions.iter().map(|part| (view.name.clone(), part.partition)));
    }
    partitions.sort();
    partitions.dedup();
    for (topic, partition) in partitions {
        let (ours, theirs) =
            (one.committed_records(&topic, partition), other.committed_records(&topic, partition));
        for (have, lack, name) in [(&ours, &theirs, name), (&theirs, &ours, other_name)] {
            let only: Vec<_> = have.iter().filter(|(offset, text)| lack.get(offset) != Some(text)).collect();
            for (offset, (key, _)) in only.iter().take(RECORDS) {
                let _ = match korean {
                    false => writeln!(out, "{topic}-{partition}@{offset} ({key}) only in {name}"),
                    true => writeln!(out, "{topic}-{partition}@{offset} ({key}): {name}에만 있음"),
                };
            }
            let more = only.len().saturating_sub(RECORDS);
            if more > 0 {
                let _ = match korean {
                    false => writeln!(out, "{topic}-{partition}: {more} more only in {name}"),
                    true => writeln!(out, "{topic}-{partition}: {name}에만 있는 레코드 {more}개 더"),
                };
            }
        }
    }
}
