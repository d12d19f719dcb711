//! `--reset-offsets` (org.apache.kafka.tools.OffsetsUtils): new offsets of groups without members, one group after the
//! other.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_client::admin::{AdminRequest, AdminResponse, GroupDescription, OffsetSpec};
use blumfeld_client::{ApiError, TopicMetadata, TopicPartition};
use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;

use super::super::admin::Step;
use super::failure::Failure;
use super::plan::{self, Offsets};
use super::{Next, Reply, Selection, complain, list_all, names, time, topic_partitions, unexpected};
use crate::io::{err, log, out};
use crate::java::{hash_map_order, partition_map_order};
use crate::options::Options;

type Found = BTreeMap<TopicPartition, i64>;

#[derive(Clone, Debug)]
enum State {
    Begin,
    Groups,
    /// The committed offsets of the group, whose topics are all topics.
    Scope,
    /// The topics, of which these partitions were named.
    Topics(Vec<TopicPartition>),
    /// What is committed, to go on from there.
    Committed(Vec<TopicPartition>),
    /// The first offsets of partitions that are to get these.
    Starts(Vec<(TopicPartition, i64)>),
    /// The ends of the same.
    Range(Vec<(TopicPartition, i64)>, Found),
    /// Offsets that become the new ones, beside those that are known already.
    Offsets(Vec<(TopicPartition, i64)>),
    /// Offsets at a time.
    Times,
    /// The commit.
    Altered(Offsets),
}

#[derive(Clone, Debug)]
pub struct Reset {
    selection: Selection,
    state: State,
    /// What is in the file, if there is one.
    pub file: Option<String>,
    /// Groups whose offsets are still to be set; the first is under way.
    open: Vec<String>,
    done: Vec<(String, Offsets)>,
}

impl Reset {
    pub fn new(options: &Options) -> Reset {
        Reset {
            selection: Selection::new(options),
            state: State::Begin,
            file: None,
            open: Vec::new(),
            done: Vec::new(),
        }
    }

    pub fn begin(&mut self) -> Next {
        Ok(match &self.selection {
            Selection::All => list_all(),
            Selection::Named(groups) => {
                self.state = State::Groups;
                Step::Ask(AdminRequest::DescribeGroups(groups.clone()))
            }
        })
    }

    pub fn answered(&mut self, cx: &mut Context<'_>, options: &Options, answer: Reply) -> Next {
        match (std::mem::replace(&mut self.state, State::Begin), answer) {
            (State::Begin, answer) => {
                let groups = names(answer)?;
                self.state = State::Groups;
                Ok(Step::Ask(AdminRequest::DescribeGroups(groups)))
            }
            (State::Groups, Ok(AdminResponse::GroupDescriptions(groups))) => {
                self.described(cx, options, groups)
            }
            (State::Scope, Ok(AdminResponse::GroupOffsets(Ok(committed)))) => {
                let partitions = partition_map_order(committed.into_keys().collect(), |of| of);
                self.check(partitions)
            }
            (State::Topics(named), Ok(AdminResponse::Descriptions(topics))) => {
                let partitions = scope(options, named, topics)?;
                self.scenario(cx, options, partitions)
            }
            (State::Committed(partitions), Ok(AdminResponse::GroupOffsets(Ok(committed)))) => {
                let committed = committed.into_iter().map(|(of, at)| (of, at.offset)).collect();
                self.committed(options, partitions, &committed)
            }
            (State::Starts(wanted), Ok(AdminResponse::Offsets(found))) => {
                let ask = ask(wanted.iter().map(|(of, _)| of), OffsetSpec::LATEST);
                self.state = State::Range(wanted, offsets(found)?);
                Ok(ask)
            }
            (State::Range(wanted, starts), Ok(AdminResponse::Offsets(found))) => {
                let new = within(cx, wanted, &starts, &offsets(found)?);
                self.prepared(cx, options, new)
            }
            (State::Offsets(mut new), Ok(AdminResponse::Offsets(found))) => {
                new.extend(offsets(found)?);
                self.prepared(cx, options, new)
            }
            (State::Times, Ok(AdminResponse::Offsets(found))) => {
                let found = offsets(found)?;
                let (new, without): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, at)| *at >= 0);
                for (of, _) in partition_map_order(without.clone(), |(of, _)| of) {
                    let (partition, topic) = (of.partition, &of.topic);
                    out(
                        cx,
                        &format!(
                            "\nWarn: Partition {partition} from topic {topic} is empty. Falling back to latest known offset."
                        ),
                    );
                }
                self.state = State::Offsets(new);
                Ok(ask(without.iter().map(|(of, _)| of), OffsetSpec::LATEST))
            }
            (State::Altered(new), Ok(AdminResponse::GroupPartitions(result))) => {
                let results = result.map_err(|error| Failure::plain(&error))?;
                if let Some(failure) = alter_failed(&results) {
                    return Err(failure);
                }
                self.over(cx, options, new)
            }
            (_, Ok(AdminResponse::GroupOffsets(Err(error)))) => Err(Failure::runtime(&error)),
            // Only what is asked inside of the change itself is thrown as it is.
            (State::Altered(_), Err(error)) => Err(Failure::plain(&error)),
            (_, Err(error)) => Err(Failure::runtime(&error)),
            (_, Ok(_)) => Err(unexpected()),
        }
    }

    fn described(
        &mut self,
        cx: &mut Context<'_>,
        options: &Options,
        groups: BTreeMap<String, Result<GroupDescription, ApiError>>,
    ) -> Next {
        // Java goes from group to group and asks in between; a group that fails ends all behind it.
        let groups = hash_map_order(groups.into_iter().collect(), None, |(id, _): &(String, _)| id);
        for (id, group) in groups {
            match group {
                Ok(group) if !["Empty", "Dead"].contains(&&*group.state) => {
                    complain(
                        cx,
                        &format!(
                            "Assignments can only be reset if the group '{id}' is inactive, but the current state is {}.",
                            group.state
                        ),
                    );
                    self.done.push((id, Offsets::new()));
                }
                Err(error) if error.code != ErrorCode::GROUP_ID_NOT_FOUND => {
                    return Err(Failure::runtime(&error));
                }
                _ => self.open.push(id),
            }
        }
        self.next(cx, options)
    }

    /// Goes on with the next group, or prints what there is.
    fn next(&mut self, cx: &mut Context<'_>, options: &Options) -> Next {
        let Some(group) = self.open.first() else {
            self.print(cx, options);
            return Ok(Step::Exit(0));
        };
        if options.has("all-topics") {
            self.state = State::Scope;
            return Ok(Step::Ask(AdminRequest::ListGroupOffsets(group.clone())));
        }
        if !options.has("topic") && !options.has("from-file") {
            let text = "One of the reset scopes should be defined: --all-topics, --topic.";
            return Err(Failure::Usage(text.to_owned()));
        }
        let mut partitions = Vec::new();
        for topic in options.values("topic").filter(|topic| topic.contains(':')) {
            partitions.extend(topic_partitions(topic)?);
        }
        self.check(partitions)
            .map(|step| with_topics(step, options.values("topic").filter(|topic| !topic.contains(':'))))
    }

    /// Asks for the topics of partitions, which have to exist.
    fn check(&mut self, partitions: Vec<TopicPartition>) -> Next {
        let topics: BTreeSet<String> = partitions.iter().map(|of| of.topic.to_string()).collect();
        self.state = State::Topics(partitions);
        Ok(Step::Ask(AdminRequest::DescribeTopicPartitions(topics.into_iter().collect())))
    }

    /// Begins to look for the new offsets (ConsumerGroupService.prepareOffsetsToReset).
    fn scenario(&mut self, cx: &mut Context<'_>, options: &Options, partitions: Vec<TopicPartition>) -> Next {
        let group = self.open.first().cloned().unwrap_or_default();
        if options.has("to-offset") {
            let first = options.values("to-offset").next();
            let offset = first.and_then(crate::java::parse_number).unwrap_or(0);
            return Ok(self.in_range(partitions.into_iter().map(|of| (of, offset)).collect()));
        }
        for (option, spec) in [("to-earliest", OffsetSpec::EARLIEST), ("to-latest", OffsetSpec::LATEST)] {
            if options.has(option) {
                self.state = State::Offsets(Vec::new());
                return Ok(ask(partitions.iter(), spec));
            }
        }
        if options.has("to-datetime") {
            let text = options.values("to-datetime").next().unwrap_or_default();
            let at = time::datetime(text)
                .map_err(|message| Failure::caused(&format!("java.text.ParseException: {message}")))?;
            self.state = State::Times;
            return Ok(ask(partitions.iter(), OffsetSpec(at)));
        }
        if options.has("by-duration") {
            let duration = time::duration(options.value("by-duration")?.unwrap_or_default());
            let now = i128::from(cx.unix_ms()) * 1_000_000;
            let at = duration.and_then(|ago| i64::try_from((now - ago).div_euclid(1_000_000)).ok());
            let Some(at) = at else {
                let (class, message) = time::NO_DURATION.split_once(": ").unwrap_or_default();
                return Err(Failure::thrown(class, message));
            };
            self.state = State::Times;
            return Ok(ask(partitions.iter(), OffsetSpec(at)));
        }
        if options.has("from-file") {
            return self.planned(cx, options, &group);
        }
        if options.has("shift-by") || options.has("to-current") {
            self.state = State::Committed(partitions);
            return Ok(Step::Ask(AdminRequest::ListGroupOffsets(group)));
        }
        let names: Vec<String> = super::options::SCENARIOS.iter().map(|name| format!("[{name}]")).collect();
        Err(Failure::Usage(format!(
            "Option '[reset-offsets]' requires one of the following scenarios: [{}]",
            names.join(", ")
        )))
    }

    fn planned(&mut self, cx: &mut Context<'_>, options: &Options, group: &str) -> Next {
        let name = options.values("from-file").next().unwrap_or_default();
        let Some(text) = &self.file else {
            let message = format!("java.io.IOException: Unable to read file {name}");
            let trace = format!(
                "java.lang.RuntimeException: {message}\nCaused by: {message}\nCaused by: java.nio.file.NoSuchFileException: {name}\n"
            );
            return Err(Failure::Thrown { message, trace });
        };
        let mut groups = options.values("group");
        let single = groups.next().filter(|_| groups.next().is_none());
        let table = plan::read(text, single);
        let plan = table.plan.map_err(|text| Failure::caused(&text));
        // Java reads the file twice: first to see whether there is a plan at all.
        for _ in 0..if plan.is_ok() { 2 } else { 1 } {
            if let Some(complaint) = &table.complaint {
                err(cx, complaint);
            }
        }
        let plan = plan?;
        match plan.get(group) {
            Some(offsets) => {
                let offsets = offsets.iter().map(|(of, offset)| (of.clone(), *offset)).collect();
                Ok(self.in_range(offsets))
            }
            None => {
                complain(cx, &format!("No reset plan for group {group} found"));
                self.prepared(cx, options, Offsets::new())
            }
        }
    }

    /// Goes on from what is committed.
    fn committed(&mut self, options: &Options, partitions: Vec<TopicPartition>, committed: &Found) -> Next {
        if let Some(by) = options.number::<i64>("shift-by")? {
            let mut wanted = Vec::new();
            for of in partitions {
                let Some(offset) = committed.get(&of) else {
                    return Err(Failure::Usage(format!(
                        "Cannot shift offset for partition {of} since there is no current committed offset"
                    )));
                };
                wanted.push((of, offset.wrapping_add(by)));
            }
            return Ok(self.in_range(wanted));
        }
        let (with, without): (Vec<_>, Vec<_>) =
            partitions.into_iter().partition(|of| committed.contains_key(of));
        let known = with.into_iter().filter_map(|of| committed.get(&of).map(|at| (of, *at)));
        self.state = State::Offsets(known.collect());
        Ok(ask(without.iter(), OffsetSpec::LATEST))
    }

    /// Looks where the partitions of wanted offsets begin and end.
    fn in_range(&mut self, wanted: Vec<(TopicPartition, i64)>) -> Step {
        let ask = ask(wanted.iter().map(|(of, _)| of), OffsetSpec::EARLIEST);
        self.state = State::Starts(wanted);
        ask
    }

    /// The new offsets of the first open group are known.
    fn prepared(&mut self, cx: &mut Context<'_>, options: &Options, new: Offsets) -> Next {
        let new = partition_map_order(new, |(of, _)| of);
        if options.has("dry-run") || !options.has("execute") {
            return self.over(cx, options, new);
        }
        let group = self.open.first().cloned().unwrap_or_default();
        let offsets = new.iter().cloned().collect();
        self.state = State::Altered(new);
        Ok(Step::Ask(AdminRequest::AlterGroupOffsets { group, offsets }))
    }

    fn over(&mut self, cx: &mut Context<'_>, options: &Options, new: Offsets) -> Next {
        let group = self.open.remove(0);
        self.done.push((group, new));
        self.next(cx, options)
    }

    fn print(&mut self, cx: &mut Context<'_>, options: &Options) {
        let groups = hash_map_order(std::mem::take(&mut self.done), None, |(group, _)| group);
        if options.has("export") {
            let single = options.values("group").count() == 1;
            out(cx, &plan::export(&groups, single));
            return;
        }
        let width = |texts: &mut dyn Iterator<Item = &str>| {
            texts.map(|text| text.chars().count()).max().unwrap_or(0).max(15)
        };
        let wide = width(&mut groups.iter().map(|(group, _)| &**group));
        let topic = width(&mut groups.iter().flat_map(|(_, offsets)| offsets).map(|(of, _)| &*of.topic));
        let print = |cx: &mut Context<'_>, cells: [&str; 4]| {
            let [group, name, partition, offset] = cells;
            cx.out.stdout(format!("\n{group:wide$} {name:topic$} {partition:10} {offset}"));
        };
        if !groups.is_empty() {
            print(cx, ["GROUP", "TOPIC", "PARTITION", "NEW-OFFSET"]);
        }
        for (group, offsets) in &groups {
            for (of, offset) in offsets {
                print(cx, [group, &of.topic, &of.partition.to_string(), &offset.to_string()]);
            }
        }
        out(cx, "");
    }
}

fn ask<'a>(partitions: impl Iterator<Item = &'a TopicPartition>, spec: OffsetSpec) -> Step {
    Step::Ask(AdminRequest::ListOffsets(partitions.map(|of| (of.clone(), spec)).collect()))
}

fn offsets(
    found: BTreeMap<TopicPartition, Result<blumfeld_client::admin::FoundOffset, ApiError>>,
) -> Result<Found, Failure> {
    let one = |(of, found): (TopicPartition, Result<blumfeld_client::admin::FoundOffset, ApiError>)| {
        found.map(|found| (of, found.offset)).map_err(|error| Failure::runtime(&error))
    };
    found.into_iter().map(one).collect()
}

/// Adds topics of which no partitions were named to a question for topics.
fn with_topics<'a>(step: Step, topics: impl Iterator<Item = &'a str>) -> Step {
    match step {
        Step::Ask(AdminRequest::DescribeTopicPartitions(mut names)) => {
            names.extend(topics.map(str::to_owned));
            names.sort();
            names.dedup();
            Step::Ask(AdminRequest::DescribeTopicPartitions(names))
        }
        step => step,
    }
}

/// The partitions that are to be reset: those that were named, and all of topics that were named alone.
fn scope(
    options: &Options,
    named: Vec<TopicPartition>,
    topics: BTreeMap<String, Result<TopicMetadata, ApiError>>,
) -> Result<Vec<TopicPartition>, Failure> {
    let alone: BTreeSet<&str> = match options.has("all-topics") {
        true => BTreeSet::new(),
        false => options.values("topic").filter(|topic| !topic.contains(':')).collect(),
    };
    let mut known: BTreeMap<TopicPartition, bool> = BTreeMap::new();
    for (name, topic) in &topics {
        match topic {
            Ok(topic) => known.extend(
                topic.partitions.values().map(|of| (TopicPartition::new(name, of.partition), of.leader >= 0)),
            ),
            // Java asks for topics without partitions first.
            Err(error) if alone.contains(&**name) => return Err(Failure::plain(error)),
            Err(error) => return Err(Failure::runtime(error)),
        }
    }
    let mut partitions = named;
    let alone = topics.keys().filter(|name| alone.contains(&***name)).collect();
    for name in hash_map_order(alone, None, |name: &&String| name) {
        partitions.extend(known.keys().filter(|of| &*of.topic == name.as_str()).cloned());
    }
    let list = |wrong: &dyn Fn(&&TopicPartition) -> bool| -> String {
        let texts: Vec<String> = partitions.iter().filter(wrong).map(ToString::to_string).collect();
        texts.join(",")
    };
    let missing = list(&|of| !known.contains_key(*of));
    if !missing.is_empty() {
        let text = format!("The partitions \"{missing}\" do not exist");
        return Err(Failure::plain(&ApiError::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, text)));
    }
    let leaderless = list(&|of| known.get(*of) == Some(&false));
    if !leaderless.is_empty() {
        let text = format!("The partitions \"{leaderless}\" have no leader");
        return Err(Failure::plain(&ApiError::new(ErrorCode::LEADER_NOT_AVAILABLE, text)));
    }
    Ok(partitions)
}

/// Keeps offsets within their partitions (OffsetsUtils.checkOffsetsRange).
fn within(cx: &mut Context<'_>, wanted: Vec<(TopicPartition, i64)>, starts: &Found, ends: &Found) -> Offsets {
    let mut new = Offsets::new();
    for (of, offset) in partition_map_order(wanted, |(of, _)| of) {
        let start = starts.get(&of).copied().unwrap_or(offset);
        let end = ends.get(&of).copied().unwrap_or(offset);
        let (kept, what) = match () {
            () if offset > end => (end, "higher than latest"),
            () if offset < start => (start, "lower than earliest"),
            () => (offset, ""),
        };
        if !what.is_empty() {
            let text = format!(
                "New offset ({offset}) is {what} offset for topic partition {of}. Value will be set to {kept}"
            );
            log(cx, "WARN", &text, "org.apache.kafka.tools.OffsetsUtils", "");
        }
        new.push((of, kept));
    }
    new
}

/// What Java throws when some partitions were not altered (AlterConsumerGroupOffsetsResult.all).
fn alter_failed(results: &BTreeMap<TopicPartition, Result<(), ApiError>>) -> Option<Failure> {
    let error = results.values().find_map(|result| result.as_ref().err())?;
    let failed: Vec<String> =
        results.iter().filter(|(_, result)| result.is_err()).map(|(of, _)| of.to_string()).collect();
    let text = format!("Failed altering group offsets for the following partitions: [{}]", failed.join(", "));
    Some(Failure::plain(&ApiError::new(error.code, text)))
}
