//! `--describe`: offsets and lag, members, or the state of groups.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use blumfeld_client::admin::{AdminRequest, AdminResponse, GroupDescription, MemberDescription, OffsetSpec};
use blumfeld_client::consumer::OffsetAndMetadata;
use blumfeld_client::{ApiError, TopicPartition};
use blumfeld_kernel::Context;

use super::super::admin::Step;
use super::failure::Failure;
use super::{Next, Reply, Selection, complain, list_all, names, unexpected};
use crate::io::{err, out};
use crate::java::hash_map_order;
use crate::options::Options;

/// What stands where there is nothing.
const MISSING: &str = "-";
/// The narrowest column.
const NARROW: usize = 15;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Offsets,
    Members,
    State,
}

/// What a group has committed, by partition.
type Committed = BTreeMap<TopicPartition, OffsetAndMetadata>;

#[derive(Clone, Debug)]
enum State {
    Begin,
    Groups,
    Committed,
    Topics(Committed),
    Ends(Committed),
}

/// A line of a group's offsets (ConsumerGroupCommand's PartitionAssignmentState).
#[derive(Clone, Debug)]
struct Row {
    topic: Arc<str>,
    partition: i32,
    committed: Option<OffsetAndMetadata>,
    end: Option<i64>,
    member: String,
    host: String,
    client: String,
}

#[derive(Clone, Debug)]
pub struct Describe {
    selection: Selection,
    what: What,
    verbose: bool,
    state: State,
    /// Groups whose offsets are still to be asked for; the first is being asked about.
    open: Vec<GroupDescription>,
    done: BTreeMap<String, (GroupDescription, Vec<Row>)>,
}

impl Describe {
    pub fn new(options: &Options) -> Describe {
        let what = match () {
            () if options.has("members") => What::Members,
            () if options.has("state") => What::State,
            () => What::Offsets,
        };
        Describe {
            selection: Selection::new(options),
            what,
            verbose: options.has("verbose"),
            state: State::Begin,
            open: Vec::new(),
            done: BTreeMap::new(),
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

    pub fn answered(&mut self, cx: &mut Context<'_>, answer: Reply) -> Next {
        match std::mem::replace(&mut self.state, State::Begin) {
            State::Begin => {
                let groups = names(answer)?;
                self.state = State::Groups;
                Ok(Step::Ask(AdminRequest::DescribeGroups(groups)))
            }
            State::Groups => match answer {
                Ok(AdminResponse::GroupDescriptions(groups)) => self.described(cx, groups),
                Ok(_) => Err(unexpected()),
                Err(error) => Err(Failure::execution(&error)),
            },
            State::Committed => match answer {
                Ok(AdminResponse::GroupOffsets(Ok(committed))) => Ok(self.committed(committed)),
                Ok(AdminResponse::GroupOffsets(Err(error))) | Err(error) => Err(Failure::runtime(&error)),
                Ok(_) => Err(unexpected()),
            },
            State::Topics(committed) => match answer {
                Ok(AdminResponse::Descriptions(topics)) => {
                    let mut ends = BTreeMap::new();
                    for of in self.partitions(&committed) {
                        match topics.get(&*of.topic) {
                            Some(Err(error)) => return Err(Failure::runtime(error)),
                            Some(Ok(topic)) => {
                                let leader = topic.partitions.get(&of.partition).map(|one| one.leader);
                                if leader.is_none_or(|leader| leader >= 0) {
                                    ends.insert(of, OffsetSpec::LATEST);
                                }
                            }
                            None => return Err(unexpected()),
                        }
                    }
                    self.state = State::Ends(committed);
                    Ok(Step::Ask(AdminRequest::ListOffsets(ends)))
                }
                Ok(_) => Err(unexpected()),
                Err(error) => Err(Failure::runtime(&error)),
            },
            State::Ends(committed) => match answer {
                Ok(AdminResponse::Offsets(found)) => {
                    let mut ends = BTreeMap::new();
                    for (of, found) in found {
                        ends.insert(of, found.map_err(|error| Failure::runtime(&error))?.offset);
                    }
                    Ok(self.found(cx, &committed, &ends))
                }
                Ok(_) => Err(unexpected()),
                Err(error) => Err(Failure::runtime(&error)),
            },
        }
    }

    fn described(
        &mut self,
        cx: &mut Context<'_>,
        groups: BTreeMap<String, Result<GroupDescription, ApiError>>,
    ) -> Next {
        let mut open = Vec::new();
        for (_, group) in hash_map_order(groups.into_iter().collect(), None, |(id, _): &(String, _)| id) {
            open.push(group.map_err(|error| Failure::execution(&error))?);
        }
        if self.what == What::Offsets {
            self.open = open;
            return Ok(self.next(cx));
        }
        open.sort_by(|a, b| a.id.cmp(&b.id));
        for group in &open {
            match self.what {
                What::Members => print_members(cx, group, self.verbose)?,
                _ => print_state(cx, group, self.verbose)?,
            }
        }
        Ok(Step::Exit(0))
    }

    /// Goes on with the next group, or prints all.
    fn next(&mut self, cx: &mut Context<'_>) -> Step {
        if let Some(group) = self.open.first() {
            self.state = State::Committed;
            return Step::Ask(AdminRequest::ListGroupOffsets(group.id.clone()));
        }
        for (group, rows) in std::mem::take(&mut self.done).into_values() {
            if let Err(failure) = print_offsets(cx, &group, &rows, self.verbose) {
                return failure.end(cx);
            }
        }
        Step::Exit(0)
    }

    /// The partitions that the first open group is assigned or has committed.
    fn partitions(&self, committed: &Committed) -> BTreeSet<TopicPartition> {
        let members = self.open.first().into_iter().flat_map(|group| &group.members);
        members.flat_map(|member| &member.partitions).chain(committed.keys()).cloned().collect()
    }

    fn committed(&mut self, committed: Committed) -> Step {
        let topics: BTreeSet<String> =
            self.partitions(&committed).iter().map(|of| of.topic.to_string()).collect();
        self.state = State::Topics(committed);
        Step::Ask(AdminRequest::DescribeTopicPartitions(topics.into_iter().collect()))
    }

    fn found(
        &mut self,
        cx: &mut Context<'_>,
        committed: &Committed,
        ends: &BTreeMap<TopicPartition, i64>,
    ) -> Step {
        let group = self.open.remove(0);
        let row = |of: &TopicPartition, member: &str, host: &str, client: &str| Row {
            topic: of.topic.clone(),
            partition: of.partition,
            committed: committed.get(of).cloned(),
            end: ends.get(of).copied(),
            member: member.to_owned(),
            host: host.to_owned(),
            client: client.to_owned(),
        };
        let mut members: Vec<&MemberDescription> =
            group.members.iter().filter(|member| !member.partitions.is_empty()).collect();
        members.sort_by_key(|member| std::cmp::Reverse(member.partitions.len()));
        let mut rows = Vec::new();
        let mut assigned = BTreeSet::new();
        for member in members {
            let of: BTreeSet<&TopicPartition> = member.partitions.iter().collect();
            rows.extend(of.iter().map(|of| row(of, &member.id, &member.host, &member.client_id)));
            assigned.extend(of);
        }
        let alone = committed.keys().filter(|of| !assigned.contains(of));
        rows.extend(alone.map(|of| row(of, MISSING, MISSING, MISSING)));
        self.done.insert(group.id.clone(), (group, rows));
        self.next(cx)
    }
}

/// Says what a group's state means; whether there is more to be shown (shouldPrintMemberState).
fn state_allows(cx: &mut Context<'_>, group: &GroupDescription, rows: usize) -> Result<bool, Failure> {
    let id = &group.id;
    match group.state.as_str() {
        "Dead" => complain(cx, &format!("Consumer group '{id}' does not exist.")),
        "Empty" => err(cx, &format!("\nConsumer group '{id}' has no active members.")),
        "PreparingRebalance" | "CompletingRebalance" | "Assigning" | "Reconciling" => {
            err(cx, &format!("\nWarning: Consumer group '{id}' is rebalancing."));
        }
        "Stable" => {}
        other => {
            let text = format!("Expected a valid consumer group state, but found '{other}'.");
            return Err(Failure::thrown("org.apache.kafka.common.KafkaException", &text));
        }
    }
    Ok(group.state != "Dead" && rows > 0)
}

/// The width of a column.
fn width<'a>(least: usize, texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0).max(least)
}

/// Cells, each with the width of its column; the last as it is.
fn line(cells: &[(&str, usize)]) -> String {
    let mut line = String::new();
    for (index, (text, width)) in cells.iter().enumerate() {
        if index > 0 {
            line.push(' ');
        }
        // Writing to a string cannot fail.
        let _ = match index + 1 == cells.len() {
            true => write!(line, "{text}"),
            false => write!(line, "{text:width$}"),
        };
    }
    line
}

fn number(number: Option<i64>) -> String {
    number.map_or_else(|| MISSING.to_owned(), |number| number.to_string())
}

fn print_offsets(
    cx: &mut Context<'_>,
    group: &GroupDescription,
    rows: &[Row],
    verbose: bool,
) -> Result<(), Failure> {
    if !state_allows(cx, group, rows.len())? {
        return Ok(());
    }
    let id = width(NARROW, std::iter::once(&*group.id));
    let topic = width(NARROW, rows.iter().map(|row| &*row.topic));
    let member = width(NARROW, rows.iter().map(|row| &*row.member));
    let host = width(NARROW, rows.iter().map(|row| &*row.host));
    let print = |cx: &mut Context<'_>, texts: [&str; 10]| {
        let widths = [id, topic, 10, NARROW, NARROW, NARROW, NARROW, member, host, 0];
        let mut cells: Vec<(&str, usize)> = texts.into_iter().zip(widths).collect();
        if !verbose {
            // The leader epoch.
            cells.remove(3);
        }
        cx.out.stdout(format!("\n{}", line(&cells)));
    };
    print(
        cx,
        [
            "GROUP",
            "TOPIC",
            "PARTITION",
            "LEADER-EPOCH",
            "CURRENT-OFFSET",
            "LOG-END-OFFSET",
            "LAG",
            "CONSUMER-ID",
            "HOST",
            "CLIENT-ID",
        ],
    );
    for row in rows {
        let offset = row.committed.as_ref().map(|at| at.offset);
        let epoch = row.committed.as_ref().and_then(|at| at.leader_epoch);
        let lag = offset.zip(row.end).map(|(offset, end)| end.wrapping_sub(offset));
        print(
            cx,
            [
                &group.id,
                &row.topic,
                &row.partition.to_string(),
                &number(epoch.map(i64::from)),
                &number(offset),
                &number(row.end),
                &number(lag),
                &row.member,
                &row.host,
                &row.client,
            ],
        );
    }
    out(cx, "");
    Ok(())
}

/// `orders:0,1;payments:2`
fn assignment(partitions: &[TopicPartition]) -> String {
    let mut by_topic: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
    for of in partitions {
        by_topic.entry(&of.topic).or_default().insert(of.partition);
    }
    if by_topic.is_empty() {
        return MISSING.to_owned();
    }
    let topic = |(topic, numbers): (&str, BTreeSet<i32>)| {
        let numbers: Vec<String> = numbers.iter().map(i32::to_string).collect();
        format!("{topic}:{}", numbers.join(","))
    };
    let mut topics: Vec<String> = by_topic.into_iter().map(topic).collect();
    topics.sort();
    topics.join(";")
}

fn print_members(cx: &mut Context<'_>, group: &GroupDescription, verbose: bool) -> Result<(), Failure> {
    let members = &group.members;
    let shown = state_allows(cx, group, members.len())?;
    let measured = if shown { &members[..] } else { &[] };
    let assignments: Vec<String> = members.iter().map(|member| assignment(&member.partitions)).collect();
    let instance = |member: &MemberDescription| member.instance_id.clone().unwrap_or_default();
    let instances: Vec<String> = members.iter().map(instance).collect();
    let with_instances = shown && instances.iter().any(|instance| !instance.is_empty());
    let widths = [
        width(NARROW, measured.iter().map(|_| &*group.id)),
        width(NARROW, measured.iter().map(|member| &*member.id)),
        width(17, instances.iter().map(String::as_str).filter(|_| shown)),
        width(NARROW, measured.iter().map(|member| &*member.host)),
        width(NARROW, measured.iter().map(|member| &*member.client_id)),
        NARROW,
        NARROW,
        width(20, assignments.iter().map(String::as_str).filter(|_| shown)),
        NARROW,
        20,
    ];
    let print = |cx: &mut Context<'_>, texts: [&str; 10]| {
        let mut text = String::new();
        for (index, (cell, width)) in texts.into_iter().zip(widths).enumerate() {
            // Without these columns where nobody has anything there.
            if (index == 2 && !with_instances) || (index > 5 && !verbose) {
                continue;
            }
            // Every cell is followed by a blank but the very last.
            let blank = if index == 9 { "" } else { " " };
            // Writing to a string cannot fail.
            let _ = write!(text, "{cell:width$}{blank}");
        }
        out(cx, &text);
    };
    cx.out.stdout("\n");
    print(
        cx,
        [
            "GROUP",
            "CONSUMER-ID",
            "GROUP-INSTANCE-ID",
            "HOST",
            "CLIENT-ID",
            "#PARTITIONS",
            "CURRENT-EPOCH",
            "CURRENT-ASSIGNMENT",
            "TARGET-EPOCH",
            "TARGET-ASSIGNMENT",
        ],
    );
    for ((member, instance), assignment) in members.iter().zip(&instances).zip(&assignments) {
        let distinct: BTreeSet<&TopicPartition> = member.partitions.iter().collect();
        print(
            cx,
            [
                &group.id,
                &member.id,
                instance,
                &member.host,
                &member.client_id,
                &distinct.len().to_string(),
                // Classic groups have no epochs and no targets.
                MISSING,
                assignment,
                MISSING,
                MISSING,
            ],
        );
    }
    Ok(())
}

fn print_state(cx: &mut Context<'_>, group: &GroupDescription, verbose: bool) -> Result<(), Failure> {
    if !state_allows(cx, group, 1)? {
        return Ok(());
    }
    let broker = &group.coordinator;
    let coordinator = format!("{}  ({})", broker.endpoint, broker.id);
    let id = width(NARROW, std::iter::once(&*group.id));
    let wide = width(25, std::iter::once(&*coordinator));
    let print = |cx: &mut Context<'_>, texts: [&str; 7]| {
        let widths = [id, wide, 20, 20, NARROW, 25, 0];
        let mut cells: Vec<(&str, usize)> = texts.into_iter().zip(widths).collect();
        if !verbose {
            cells.drain(4..6);
        }
        cx.out.stdout(format!("\n{}", line(&cells)));
    };
    print(
        cx,
        [
            "GROUP",
            "COORDINATOR (ID)",
            "ASSIGNMENT-STRATEGY",
            "STATE",
            "GROUP-EPOCH",
            "TARGET-ASSIGNMENT-EPOCH",
            "#MEMBERS",
        ],
    );
    let assignor = if group.assignor.is_empty() { MISSING } else { &group.assignor };
    let members = group.members.len().to_string();
    print(cx, [&group.id, &coordinator, assignor, &group.state, MISSING, MISSING, &members]);
    out(cx, "");
    Ok(())
}
