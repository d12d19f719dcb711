//! The actions, one question after the other.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_client::admin::{
    AdminRequest, AdminResponse, AlterConfigOp, ConfigResource, LogDir, PartitionReassignment,
};
use blumfeld_client::{ApiError, Broker, TopicMetadata, TopicPartition};
use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;

use super::super::admin::{AdminTool, Step, execution_trace};
use super::Failure;
use super::plan::{ANY_DIR, Assignment, Entry, joined, propose, write};
use crate::io::out;
use crate::java::hash_map_order;

/// What throttles brokers and topics while partitions move.
const BROKER_THROTTLES: [&str; 3] = [
    "leader.replication.throttled.rate",
    "follower.replication.throttled.rate",
    "replica.alter.log.dirs.io.max.bytes.per.second",
];
const TOPIC_THROTTLES: [&str; 2] =
    ["leader.replication.throttled.replicas", "follower.replication.throttled.replicas"];

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Task {
    /// Propose a plan.
    Generate {
        /// For these topics.
        topics: Vec<String>,
        /// On these brokers.
        brokers: Vec<i32>,
        /// Whether over racks.
        racks: bool,
    },
    /// Begin.
    Execute {
        /// Besides others that are under way.
        additional: bool,
        /// Whether each partition keeps its number of replicas.
        fixed_factor: bool,
    },
    /// Look.
    Verify {
        /// Leave throttles alone.
        preserve: bool,
    },
    /// Stop.
    Cancel {
        /// Leave throttles alone.
        preserve: bool,
    },
    /// Show all.
    List,
}

/// What was asked last.
#[derive(Clone, Debug)]
enum State {
    /// What is under way.
    Reassignments,
    /// The brokers, before a plan is proposed or executed.
    Brokers,
    /// The topics.
    Topics,
    /// The directories of the last one of these brokers.
    Dirs(Vec<i32>),
    /// To begin or to stop.
    Alter,
    /// The brokers whose throttles are to go.
    ToClear,
    /// To clear the throttles of the last one of these brokers.
    Cleared(Vec<i32>),
    /// To clear those of the topics.
    Over,
}

/// The tool.
#[derive(Clone, Debug)]
pub struct Reassign {
    task: Task,
    plan: Vec<Entry>,
    state: State,
    brokers: Vec<Broker>,
    current: Assignment,
    /// Where replicas are.
    dirs: BTreeMap<(TopicPartition, i32), String>,
    /// The directories that brokers have.
    paths: BTreeMap<i32, Vec<String>>,
    under_way: BTreeMap<TopicPartition, PartitionReassignment>,
}

impl Reassign {
    /// A task with its plan.
    pub fn new(task: Task, plan: Vec<Entry>) -> Reassign {
        Reassign {
            task,
            plan,
            state: State::Reassignments,
            brokers: Vec::new(),
            current: Assignment::new(),
            dirs: BTreeMap::new(),
            paths: BTreeMap::new(),
            under_way: BTreeMap::new(),
        }
    }

    fn ask(&mut self, state: State, request: AdminRequest) -> Result<Step, Failure> {
        self.state = state;
        Ok(Step::Ask(request))
    }

    fn partitions(&self) -> BTreeSet<TopicPartition> {
        self.plan.iter().map(|entry| entry.of.clone()).collect()
    }

    fn topics(&self) -> Vec<String> {
        let topics: BTreeSet<&str> = self.plan.iter().map(|entry| &*entry.of.topic).collect();
        topics.into_iter().map(str::to_owned).collect()
    }

    fn next(&mut self, cx: &mut Context<'_>, response: AdminResponse) -> Result<Step, Failure> {
        match (self.state.clone(), response) {
            (State::Reassignments, AdminResponse::Reassignments(under_way)) => {
                self.under_way = under_way;
                self.reassignments(cx)
            }
            (State::Brokers, AdminResponse::Cluster(cluster)) => {
                self.brokers = cluster.brokers;
                self.known_brokers(cx)
            }
            (State::Topics, AdminResponse::Descriptions(topics)) => self.described(cx, topics),
            (State::Dirs(mut open), AdminResponse::LogDirs(dirs)) => {
                if let Some(broker) = open.pop() {
                    self.note_dirs(broker, &dirs);
                }
                self.ask_dirs(cx, open)
            }
            (State::Alter, AdminResponse::Partitions(results)) => self.altered(cx, results),
            (State::ToClear, AdminResponse::Cluster(cluster)) => {
                let live = cluster.brokers.iter().map(|broker| broker.id);
                let planned = self.plan.iter().flat_map(|entry| entry.replicas.iter().copied());
                let all: BTreeSet<i32> = live.chain(planned).collect();
                let ids: Vec<i32> = all.into_iter().collect();
                let plural = if ids.len() == 1 { "" } else { "s" };
                out(cx, &format!("Clearing broker-level throttles on broker{plural} {}", joined(&ids, ",")));
                self.clear(cx, ids.into_iter().rev().collect())
            }
            (State::Cleared(mut open), AdminResponse::Altered(results)) => {
                failed_in(results)?;
                open.pop();
                self.clear(cx, open)
            }
            (State::Over, AdminResponse::Altered(results)) => {
                failed_in(results)?;
                Ok(Step::Exit(0))
            }
            _ => Ok(Step::Exit(1)),
        }
    }

    /// Goes on when it is known what is under way.
    fn reassignments(&mut self, cx: &mut Context<'_>) -> Result<Step, Failure> {
        match self.task {
            Task::List | Task::Generate { .. } => {
                self.list(cx);
                Ok(Step::Exit(0))
            }
            Task::Execute { additional, .. } => {
                if !additional && !self.under_way.is_empty() {
                    return Err(Failure::terse(
                        "Cannot execute because there is an existing partition assignment.  Use --additional to override this and create a new partition assignment in addition to the existing one. The --additional flag can also be used to change the throttle by resubmitting the current reassignment.".to_owned(),
                    ));
                }
                self.ask(State::Brokers, AdminRequest::DescribeCluster { fenced: false })
            }
            Task::Verify { .. } => {
                let topics = self.topics();
                self.ask(State::Topics, AdminRequest::DescribeTopicPartitions(topics))
            }
            Task::Cancel { .. } => {
                if self.under_way.is_empty() {
                    out(cx, "None of the specified partition reassignments are active.");
                    return self.cancelled(cx);
                }
                let partitions = self.under_way.keys().map(|of| (of.clone(), None)).collect();
                self.ask(
                    State::Alter,
                    AdminRequest::AlterPartitionReassignments { partitions, fixed_factor: false },
                )
            }
        }
    }

    fn list(&self, cx: &mut Context<'_>) {
        if self.under_way.is_empty() {
            return out(cx, "No partition reassignments found.");
        }
        out(cx, "Current partition reassignments:");
        for (of, moving) in &self.under_way {
            let some = |what: &str, ids: &[i32]| match ids {
                [] => String::new(),
                ids => format!(" {what}: {}.", joined(ids, ",")),
            };
            out(
                cx,
                &format!(
                    "{of}: replicas: {}.{}{}",
                    joined(&moving.replicas, ","),
                    some("adding", &moving.adding),
                    some("removing", &moving.removing)
                ),
            );
        }
    }

    /// Goes on when the brokers are known.
    fn known_brokers(&mut self, cx: &mut Context<'_>) -> Result<Step, Failure> {
        let topics = match &self.task {
            Task::Verify { .. } => return self.ask_needed_dirs(cx),
            Task::Generate { topics, .. } => topics.clone(),
            _ => {
                let live: BTreeSet<i32> = self.brokers.iter().map(|broker| broker.id).collect();
                let mut wanted = self.plan.iter().flat_map(|entry| &entry.replicas);
                if let Some(id) = wanted.find(|id| !live.contains(id)) {
                    return Err(Failure::command(&format!("Unknown broker id {id}")));
                }
                self.topics()
            }
        };
        self.ask(State::Topics, AdminRequest::DescribeTopicPartitions(topics))
    }

    /// Goes on when the topics are known.
    fn described(
        &mut self,
        cx: &mut Context<'_>,
        topics: BTreeMap<String, Result<TopicMetadata, ApiError>>,
    ) -> Result<Step, Failure> {
        let lenient = matches!(self.task, Task::Verify { .. });
        let mut there = Assignment::new();
        for (name, topic) in topics {
            match topic {
                Ok(topic) => {
                    for (partition, of) in topic.partitions {
                        there.insert(TopicPartition::new(&name, partition), of.replicas);
                    }
                }
                Err(error) if error.code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => {
                    if !lenient {
                        return Err(not_found(format!("Topic {name} not found.")));
                    }
                }
                Err(error) => return Err(Failure::api(&error)),
            }
        }
        if let Task::Generate { .. } | Task::Verify { .. } = self.task {
            self.current = there;
        } else {
            for of in self.partitions() {
                let Some(replicas) = there.remove(&of) else {
                    return Err(not_found(format!("Unable to find partition: {of}")));
                };
                self.current.insert(of, replicas);
            }
        }
        if !lenient {
            return self.ask_needed_dirs(cx);
        }
        if self.moves().is_empty() {
            return self.verified(cx);
        }
        self.ask(State::Brokers, AdminRequest::DescribeCluster { fenced: false })
    }

    /// Replicas that the plan wants in a directory, in order, with the directory.
    fn moves(&self) -> BTreeMap<(TopicPartition, i32), String> {
        let of_entry = |entry: &Entry| {
            let pairs = entry.replicas.clone().into_iter().zip(entry.dirs.clone());
            let of = entry.of.clone();
            pairs.filter(|(_, dir)| dir != ANY_DIR).map(move |(broker, dir)| ((of.clone(), broker), dir))
        };
        self.plan.iter().flat_map(of_entry).collect()
    }

    /// Asks the brokers that live for their directories: those that have a replica, or are to have one in a directory.
    fn ask_needed_dirs(&mut self, cx: &mut Context<'_>) -> Result<Step, Failure> {
        let live: BTreeSet<i32> = self.brokers.iter().map(|broker| broker.id).collect();
        let mut with: BTreeSet<i32> = self.moves().into_keys().map(|(_, broker)| broker).collect();
        if !matches!(self.task, Task::Verify { .. }) {
            with.extend(self.current.values().flatten());
        }
        let open = with.into_iter().rev().filter(|broker| live.contains(broker)).collect();
        self.ask_dirs(cx, open)
    }

    fn ask_dirs(&mut self, cx: &mut Context<'_>, open: Vec<i32>) -> Result<Step, Failure> {
        match open.last() {
            Some(&broker) => self.ask(State::Dirs(open), AdminRequest::DescribeLogDirs { broker }),
            None => self.decided(cx),
        }
    }

    fn note_dirs(&mut self, broker: i32, dirs: &[LogDir]) {
        self.paths.insert(broker, dirs.iter().map(|dir| dir.path.clone()).collect());
        for dir in dirs {
            for (of, size) in &dir.replicas {
                if !size.future {
                    self.dirs.insert((of.clone(), broker), dir.path.clone());
                }
            }
        }
    }

    /// Goes on when all about the current assignment is known.
    fn decided(&mut self, cx: &mut Context<'_>) -> Result<Step, Failure> {
        let current = write(&self.current, |of, broker| self.dirs.get(&(of.clone(), broker)).cloned());
        match &self.task {
            Task::Generate { brokers, racks, .. } => {
                let usable = self.brokers.iter().filter(|broker| brokers.contains(&broker.id));
                let usable: Vec<(i32, Option<String>)> = usable
                    .map(|broker| (broker.id, broker.rack.as_deref().filter(|_| *racks).map(str::to_owned)))
                    .collect();
                let racked = usable.iter().filter(|(_, rack)| rack.is_some()).count();
                if racked != 0 && racked != usable.len() {
                    return Err(Failure::operation(
                        "Not all brokers have rack information. Add --disable-rack-aware in command line to make replica assignment without rack information.",
                    ));
                }
                let proposed = propose(&self.current, &usable, cx.rng)?;
                out(cx, &format!("Current partition replica assignment\n{current}\n"));
                out(
                    cx,
                    &format!(
                        "Proposed partition reassignment configuration\n{}",
                        write(&proposed, |_, _| None)
                    ),
                );
                Ok(Step::Exit(0))
            }
            Task::Execute { fixed_factor, .. } => {
                out(cx, &format!("Current partition replica assignment\n\n{current}\n"));
                out(cx, "Save this to use as the --reassignment-json-file option during rollback");
                let fixed_factor = *fixed_factor;
                let partitions =
                    self.plan.iter().map(|entry| (entry.of.clone(), Some(entry.replicas.clone()))).collect();
                self.ask(State::Alter, AdminRequest::AlterPartitionReassignments { partitions, fixed_factor })
            }
            Task::Verify { .. } => self.verified(cx),
            Task::Cancel { .. } | Task::List => Ok(Step::Exit(1)),
        }
    }

    /// Goes on when moves were begun or stopped.
    fn altered(
        &mut self,
        cx: &mut Context<'_>,
        results: BTreeMap<TopicPartition, Result<(), ApiError>>,
    ) -> Result<Step, Failure> {
        let execute = matches!(self.task, Task::Execute { .. });
        let errors: Vec<String> = results
            .iter()
            .filter_map(|(of, result)| result.as_ref().err().map(|error| format!("{of}: {error}")))
            .collect();
        let plural = if results.len() == 1 { "" } else { "s" };
        if !errors.is_empty() {
            let what = if execute {
                "Error reassigning partition(s):".to_owned()
            } else {
                let plural = if errors.len() == 1 { "" } else { "s" };
                format!("Error cancelling partition reassignment{plural} for:")
            };
            return Err(Failure::terse(format!("{what}\n{}", errors.join("\n"))));
        }
        let names: Vec<String> = results.keys().map(ToString::to_string).collect();
        let names = names.join(",");
        if execute {
            out(cx, &format!("Successfully started partition reassignment{plural} for {names}"));
            return self.move_dirs(cx);
        }
        out(cx, &format!("Successfully cancelled partition reassignment{plural} for: {names}"));
        self.cancelled(cx)
    }

    /// Moves replicas into their directories. A broker has one, and what it has or gets is there already.
    fn move_dirs(&self, cx: &mut Context<'_>) -> Result<Step, Failure> {
        for ((of, broker), dir) in self.moves() {
            if !self.paths.get(&broker).is_some_and(|paths| paths.contains(&dir)) {
                let error = ApiError::from(ErrorCode::LOG_DIR_NOT_FOUND);
                let mut failure = Failure::command(&format!("Failed to alter dir for {of}-{broker}"));
                failure.causes = format!("Caused by: {}", execution_trace(&error));
                return Err(failure);
            }
            // The line ends with a space.
            let what = "Successfully started moving log directory to";
            out(cx, &format!("{what} {dir} for replica {of} with broker {broker} "));
        }
        Ok(Step::Exit(0))
    }

    fn cancelled(&mut self, cx: &mut Context<'_>) -> Result<Step, Failure> {
        cx.out.stdout("None of the specified partition moves are active.");
        self.throttles()
    }

    /// What became of a plan, partition by partition.
    fn verified(&mut self, cx: &mut Context<'_>) -> Result<Step, Failure> {
        out(cx, "Status of partition reassignment:");
        let targets: Assignment =
            self.plan.iter().map(|entry| (entry.of.clone(), entry.replicas.clone())).collect();
        let mut ongoing = false;
        for (of, target) in &targets {
            if self.under_way.contains_key(of) {
                ongoing = true;
                out(cx, &format!("Reassignment of partition {of} is still in progress."));
                continue;
            }
            let current = self.current.get(of).map(Vec::as_slice).unwrap_or_default();
            if current == target.as_slice() {
                out(cx, &format!("Reassignment of partition {of} is completed."));
            } else {
                let text = format!(
                    "There is no active reassignment of partition {of}, but replica set is {} rather than {}.",
                    joined(current, ","),
                    joined(target, ",")
                );
                out(cx, &text);
            }
        }
        let moves = self.moves();
        for ((of, broker), wanted) in &moves {
            match self.dirs.get(&(of.clone(), *broker)) {
                None => {
                    ongoing = true;
                    let text = format!(
                        "Partition {of} is not found in any live log dir on broker {broker}. There is likely an offline log directory on the broker."
                    );
                    out(cx, &text);
                }
                Some(dir) if dir == wanted => {
                    out(cx, &format!("Reassignment of replica {of}-{broker} completed successfully."));
                }
                Some(dir) => {
                    let text = format!(
                        "Partition {of} on broker {broker} is not being moved from log dir {dir} to {wanted}."
                    );
                    out(cx, &text);
                }
            }
        }
        if moves.is_empty() {
            out(cx, "");
        }
        if ongoing { Ok(Step::Exit(0)) } else { self.throttles() }
    }

    fn throttles(&mut self) -> Result<Step, Failure> {
        match self.task {
            Task::Verify { preserve: false } | Task::Cancel { preserve: false } => {
                self.ask(State::ToClear, AdminRequest::DescribeCluster { fenced: false })
            }
            _ => Ok(Step::Exit(0)),
        }
    }

    /// Clears throttles, of one broker after the other and then of the topics.
    fn clear(&mut self, cx: &mut Context<'_>, open: Vec<i32>) -> Result<Step, Failure> {
        let deleted = |names: &[&str]| -> Vec<(String, AlterConfigOp)> {
            names.iter().map(|name| ((*name).to_owned(), AlterConfigOp::Delete)).collect()
        };
        if let Some(broker) = open.last() {
            let resources = vec![(ConfigResource::Broker(broker.to_string()), deleted(&BROKER_THROTTLES))];
            return self.ask(
                State::Cleared(open),
                AdminRequest::IncrementalAlterConfigs { resources, validate_only: false },
            );
        }
        let topics = hash_map_order(self.topics(), None, |topic| topic);
        let plural = if topics.len() == 1 { "" } else { "s" };
        out(cx, &format!("Clearing topic-level throttles on topic{plural} {}", topics.join(",")));
        if topics.is_empty() {
            return Ok(Step::Exit(0));
        }
        let resources =
            topics.into_iter().map(|topic| (ConfigResource::Topic(topic), deleted(&TOPIC_THROTTLES)));
        let resources = resources.collect();
        self.ask(State::Over, AdminRequest::IncrementalAlterConfigs { resources, validate_only: false })
    }
}

fn not_found(message: String) -> Failure {
    Failure::api(&ApiError::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message))
}

fn failed_in(results: Vec<(ConfigResource, Result<(), ApiError>)>) -> Result<(), Failure> {
    match results.into_iter().find_map(|(_, result)| result.err()) {
        Some(error) => Err(Failure::api(&error)),
        None => Ok(()),
    }
}

impl AdminTool for Reassign {
    fn begin(&mut self, _: &mut Context<'_>) -> Step {
        match &self.task {
            Task::Generate { .. } => {
                self.state = State::Brokers;
                Step::Ask(AdminRequest::DescribeCluster { fenced: false })
            }
            Task::Cancel { .. } => {
                Step::Ask(AdminRequest::ListPartitionReassignments(Some(self.partitions())))
            }
            Task::Execute { .. } | Task::Verify { .. } | Task::List => {
                Step::Ask(AdminRequest::ListPartitionReassignments(None))
            }
        }
    }

    fn answered(&mut self, cx: &mut Context<'_>, answer: Result<AdminResponse, ApiError>) -> Step {
        let step = match answer {
            Ok(response) => self.next(cx, response),
            Err(error) => Err(Failure::api(&error)),
        };
        step.unwrap_or_else(|failure| {
            cx.out.stdout(failure.text());
            Step::Exit(1)
        })
    }
}
