//! Plans of reassignments as JSON, read and written, and the plan that `--generate` proposes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use blumfeld_client::TopicPartition;
use blumfeld_kernel::Prng;

use super::Failure;
use crate::json::string;

/// The directory that stands for whichever the broker chooses.
pub const ANY_DIR: &str = "any";

/// A partition's place in a plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The partition.
    pub of: TopicPartition,
    /// Its brokers, the preferred one first.
    pub replicas: Vec<i32>,
    /// The directory at each broker; none where the plan does not say.
    pub dirs: Vec<String>,
}

/// Brokers by partition.
pub type Assignment = BTreeMap<TopicPartition, Vec<i32>>;

/// Numbers with something between them.
pub fn joined(ids: &[i32], separator: &str) -> String {
    ids.iter().map(i32::to_string).collect::<Vec<_>>().join(separator)
}

fn json(bytes: &[u8]) -> Result<Value, Failure> {
    let json: Value = serde_json::from_slice(bytes)
        .map_err(|_| Failure::operation("The input string is not a valid JSON"))?;
    match json.get("version").map(|version| version.as_i64().unwrap_or(0)) {
        None | Some(1) => Ok(json),
        Some(version) => Err(Failure::operation(&format!("Not supported version field value {version}"))),
    }
}

fn field<'a>(of: &'a Value, name: &str) -> Result<&'a Value, Failure> {
    of.get(name).ok_or_else(|| {
        let text = format!("No such field exists: `{name}`");
        Failure::new("com.fasterxml.jackson.databind.JsonMappingException", text)
    })
}

fn wrong_type(name: &str) -> Failure {
    let text = format!("The field `{name}` is of the wrong type");
    Failure::new("com.fasterxml.jackson.databind.JsonMappingException", text)
}

fn text_of(of: &Value, name: &str) -> Result<String, Failure> {
    field(of, name)?.as_str().map(str::to_owned).ok_or_else(|| wrong_type(name))
}

fn number(of: &Value, name: &str) -> Result<i32, Failure> {
    of.as_i64().and_then(|number| i32::try_from(number).ok()).ok_or_else(|| wrong_type(name))
}

/// Reads a plan (ReassignPartitionsCommand.parsePartitionReassignmentData).
pub fn read(bytes: &[u8]) -> Result<Vec<Entry>, Failure> {
    let json = json(bytes)?;
    let mut entries = Vec::new();
    for entry in json.get("partitions").and_then(Value::as_array).into_iter().flatten() {
        let (topic, partition) = (text_of(entry, "topic")?, number(field(entry, "partition")?, "partition")?);
        let of = TopicPartition::new(&topic, partition);
        let replicas = field(entry, "replicas")?.as_array().ok_or_else(|| wrong_type("replicas"))?;
        let replicas = replicas.iter().map(|id| number(id, "replicas")).collect::<Result<Vec<i32>, _>>()?;
        let dirs: Vec<String> = match entry.get("log_dirs") {
            None => Vec::new(),
            Some(dirs) => dirs
                .as_array()
                .ok_or_else(|| wrong_type("log_dirs"))?
                .iter()
                .map(|dir| dir.as_str().map(str::to_owned).ok_or_else(|| wrong_type("log_dirs")))
                .collect::<Result<_, _>>()?,
        };
        if entry.get("log_dirs").is_some() && dirs.len() != replicas.len() {
            return Err(Failure::command(&format!(
                "Size of replicas list [{}] is different from size of log dirs list [{}] for partition {of}",
                joined(&replicas, ", "),
                dirs.join(", ")
            )));
        }
        entries.push(Entry { of, replicas, dirs });
    }
    Ok(entries)
}

/// Whether a plan can be executed (ReassignPartitionsCommand.parseExecuteAssignmentArgs).
pub fn check(entries: &[Entry]) -> Result<(), Failure> {
    if entries.is_empty() {
        return Err(Failure::command("Partition reassignment list cannot be empty"));
    }
    if entries.iter().any(|entry| entry.replicas.is_empty()) {
        return Err(Failure::command("Partition replica list cannot be empty"));
    }
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<&TopicPartition> =
        entries.iter().map(|entry| &entry.of).filter(|of| !seen.insert(*of)).collect();
    if !twice.is_empty() {
        let twice: Vec<String> = twice.into_iter().map(ToString::to_string).collect();
        let text = format!("Partition reassignment contains duplicate topic partitions: {}", twice.join(","));
        return Err(Failure::command(&text));
    }
    let mut wrong = Vec::new();
    for entry in entries {
        let twice = duplicates(&entry.replicas);
        if !twice.is_empty() {
            wrong.push(format!("{} contains multiple entries for {}", entry.of, joined(&twice, ",")));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let text = format!("Partition replica lists may not contain duplicate entries: {}", wrong.join(". "));
    Err(Failure::command(&text))
}

/// What is there more than once, in order.
pub fn duplicates<T: Ord + Clone>(of: &[T]) -> Vec<T> {
    let mut seen = BTreeSet::new();
    of.iter().filter(|one| !seen.insert(*one)).cloned().collect::<BTreeSet<T>>().into_iter().collect()
}

/// Reads `{"topics": [{"topic": "a"}]}` (ReassignPartitionsCommand.parseTopicsData).
pub fn topics(bytes: &[u8]) -> Result<Vec<String>, Failure> {
    let json = json(bytes)?;
    let list = json.get("topics").and_then(Value::as_array);
    let topics: Vec<String> =
        list.into_iter().flatten().map(|topic| text_of(topic, "topic")).collect::<Result<_, _>>()?;
    let twice = duplicates(&topics);
    if twice.is_empty() {
        return Ok(topics);
    }
    let text = format!("List of topics to reassign contains duplicate entries: [{}]", twice.join(", "));
    Err(Failure::command(&text))
}

/// Writes a plan. `dir` tells the directory of a replica.
pub fn write(assignment: &Assignment, dir: impl Fn(&TopicPartition, i32) -> Option<String>) -> String {
    let entry = |(of, replicas): (&TopicPartition, &Vec<i32>)| {
        let dirs: Vec<String> = replicas
            .iter()
            .map(|&broker| string(&dir(of, broker).unwrap_or_else(|| ANY_DIR.to_owned())))
            .collect();
        format!(
            "{{\"topic\":{},\"partition\":{},\"replicas\":[{}],\"log_dirs\":[{}]}}",
            string(&of.topic),
            of.partition,
            joined(replicas, ","),
            dirs.join(",")
        )
    };
    let entries: Vec<String> = assignment.iter().map(entry).collect();
    format!("{{\"version\":1,\"partitions\":[{}]}}", entries.join(","))
}

/// Spreads the partitions over brokers with their racks: leaders in turn from a random one on, and the replicas of a
/// partition over as many racks as there are.
pub fn propose(
    current: &Assignment,
    brokers: &[(i32, Option<String>)],
    rng: &mut Prng,
) -> Result<Assignment, Failure> {
    const CLASS: &str = "org.apache.kafka.common.errors.InvalidReplicationFactorException";
    let ring = ring(brokers);
    let mut proposed = Assignment::new();
    let mut topic: Option<(String, usize)> = None;
    for (of, replicas) in current {
        if ring.is_empty() {
            let text = "All brokers are currently fenced, or have all their log directories cordoned.";
            return Err(Failure::new(CLASS, text.to_owned()));
        }
        if replicas.len() > ring.len() {
            let text = format!(
                "The target replication factor of {} cannot be reached because only {} broker(s) are registered or some brokers have all their log directories cordoned.",
                replicas.len(),
                ring.len()
            );
            return Err(Failure::new(CLASS, text));
        }
        let at = match &topic {
            Some((name, at)) if **name == *of.topic => at + 1,
            _ => usize::try_from(rng.below(u64::try_from(ring.len()).unwrap_or(1))).unwrap_or(0),
        };
        topic = Some((of.topic.to_string(), at));
        let turned: Vec<&(i32, Option<String>)> =
            (0..ring.len()).map(|step| ring[(at + step) % ring.len()]).collect();
        // First one of each rack, then the others.
        let mut racks = BTreeSet::new();
        let (first, rest): (Vec<_>, Vec<_>) =
            turned.into_iter().partition(|(_, rack)| rack.is_none() || racks.insert(rack.clone()));
        let chosen = first.into_iter().chain(rest).map(|(id, _)| *id).take(replicas.len());
        proposed.insert(of.clone(), chosen.collect());
    }
    Ok(proposed)
}

/// Brokers so that neighbours are in different racks, as far as that goes.
fn ring(brokers: &[(i32, Option<String>)]) -> Vec<&(i32, Option<String>)> {
    let mut racks: BTreeMap<&Option<String>, Vec<&(i32, Option<String>)>> = BTreeMap::new();
    for broker in brokers {
        racks.entry(&broker.1).or_default().push(broker);
    }
    let longest = racks.values().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(|at| racks.values().filter_map(move |rack| rack.get(at).copied())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(topic: &str, partitions: i32, replicas: usize) -> Assignment {
        (0..partitions).map(|n| (TopicPartition::new(topic, n), vec![0; replicas])).collect()
    }

    #[test]
    fn a_proposal_spreads_leaders_and_racks_evenly() {
        let rack = |n: i32| Some(format!("r{}", n % 3));
        let racked: Vec<(i32, Option<String>)> = (1..=6).map(|n| (n, rack(n))).collect();
        let plain: Vec<(i32, Option<String>)> = (1..=6).map(|n| (n, None)).collect();
        for (brokers, racks) in [(&racked, 3), (&plain, 1)] {
            for seed in 0..20 {
                let mut rng = Prng::new(seed, "test");
                let proposed = propose(&assignment("a", 12, 3), brokers, &mut rng).unwrap();
                let mut leaders = BTreeMap::new();
                for replicas in proposed.values() {
                    *leaders.entry(replicas[0]).or_insert(0) += 1;
                    assert_eq!(duplicates(replicas), [0; 0]);
                    let used: BTreeSet<_> = replicas
                        .iter()
                        .map(|id| &brokers.iter().find(|broker| broker.0 == *id).unwrap().1)
                        .collect();
                    assert_eq!(used.len(), racks);
                }
                assert_eq!(leaders.into_values().collect::<Vec<_>>(), [2; 6]);
            }
        }
    }

    #[test]
    fn a_plan_that_is_written_is_read_again() {
        let mut plan = assignment("a\"b", 2, 2);
        plan.insert(TopicPartition::new("c", 0), vec![3, 1]);
        let text = write(&plan, |of, broker| (of.partition == 0 && broker == 3).then(|| "/d".to_owned()));
        let entries = read(text.as_bytes()).unwrap();
        let read: Assignment =
            entries.iter().map(|entry| (entry.of.clone(), entry.replicas.clone())).collect();
        assert_eq!(read, plan);
        assert_eq!(entries[2].dirs, ["/d", ANY_DIR]);
    }
}
