//! The checkers of a run, and what they are fed with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use blumfeld_broker::Partition;
use blumfeld_client::TopicPartition;
use blumfeld_kernel::{NodeId, TraceEvent};
use blumfeld_sim::checkers::{
    Compaction, Consumers, Controllers, GroupChecks, HighWatermarks, Idempotence, Images, Incarnations,
    Leaders, Records, Sent, replicas_agree,
};
use blumfeld_sim::load::Fact;
use blumfeld_sim::{ProcessId, World};

use super::topics::{RECREATED, incarnation};

/// Replicas are compared every so many events, which takes time.
const REPLICAS_EVERY: u64 = 2_000;
/// Each node's own invariants are looked at every so many events.
const INVARIANTS_EVERY: u64 = 64;

/// Groups of a run are called this, and their number.
pub const GROUP: &str = "group-";

/// What is known of compacted topics.
#[derive(Clone, Debug)]
pub struct Tables {
    /// What stands in their logs.
    pub compaction: Compaction,
    /// What clients wrote.
    pub sent: Sent,
    /// Passes that came to their ends.
    pub passes: u64,
}

impl Tables {
    /// Nothing is known yet; without one clock for all nobody can say how long a tombstone was to stay.
    pub fn new(clocks_agree: bool) -> Tables {
        Tables { compaction: Compaction::new(clocks_agree), sent: Sent::default(), passes: 0 }
    }

    /// Takes what has come below the high watermarks of a node.
    fn written(&mut self, world: &World, node: NodeId) -> Result<(), String> {
        for log in world.compacted_seen(node, |partition| Some(self.compaction.known_to(partition))) {
            for record in &log.records {
                if let Some(number) = record.number {
                    self.sent.stands(&log.partition, record.offset, number)?;
                }
            }
            self.compaction.written(log)?;
        }
        Ok(())
    }

    /// Compares the logs of a node with what was written.
    fn look(&mut self, world: &World, node: NodeId) -> Result<(), String> {
        (world.compacted_seen(node, |_| Some(0))).iter().try_for_each(|log| self.compaction.look(log))
    }
}

/// Everything that is known of a run.
#[derive(Clone, Debug)]
pub struct Checks {
    topic: String,
    /// Whether records may be lost: then only the metadata is held to its promises.
    reckless: bool,
    /// Records of that topic.
    pub records: Records,
    /// What idempotent producers wrote.
    pub idempotence: Idempotence,
    consumers: Consumers,
    /// Whether what groups commit is safe: one replica alone may lose it.
    groups_are_safe: bool,
    members: BTreeMap<ProcessId, usize>,
    /// Static members: a join that was lost on its way and comes late takes the place of the member that sent it, which
    /// is fenced then (KIP-345).
    statics: BTreeSet<ProcessId>,
    groups: BTreeMap<usize, GroupChecks>,
    /// Lines of the trace that were looked at.
    traced: u64,
    leaders: Leaders,
    controllers: Controllers,
    high_watermarks: HighWatermarks,
    images: Images,
    incarnations: Incarnations,
    /// Topics whose creation was acknowledged.
    topics: BTreeSet<String>,
    /// What is known of compacted topics, where there are some.
    pub tables: Option<Tables>,
    /// Producers with acks=all.
    pub sure: BTreeSet<ProcessId>,
    /// Idempotent producers: Kafka's give up what they cannot send in order.
    pub idempotent: BTreeSet<ProcessId>,
}

impl Checks {
    /// Nothing is known yet; records are those of `topic`, and may be lost in a run that is `reckless`. What groups
    /// commit may be lost where it is not `replicated`.
    pub fn new(topic: &str, reckless: bool, replicated: bool) -> Checks {
        Checks {
            topic: topic.to_owned(),
            reckless,
            records: Records::default(),
            idempotence: Idempotence::default(),
            consumers: Consumers::default(),
            groups_are_safe: replicated && !reckless,
            members: BTreeMap::new(),
            statics: BTreeSet::new(),
            groups: BTreeMap::new(),
            traced: 0,
            leaders: Leaders::default(),
            controllers: Controllers::default(),
            high_watermarks: HighWatermarks::default(),
            images: Images::default(),
            incarnations: Incarnations::default(),
            topics: BTreeSet::new(),
            tables: None,
            sure: BTreeSet::new(),
            idempotent: BTreeSet::new(),
        }
    }

    /// A topic was acknowledged: it is there from now on.
    pub fn created(&mut self, topic: &str) {
        self.topics.insert(topic.to_owned());
    }

    /// Takes what a client saw.
    ///
    /// # Errors
    /// What cannot be true together.
    pub fn fact(&mut self, client: ProcessId, fact: Fact) -> Result<(), String> {
        let number = client.0.unsigned_abs();
        if let Some(group) = self.members.get(&client) {
            return match self.groups.get_mut(group) {
                Some(_) if matches!(fact, Fact::Failed(_)) && self.statics.contains(&client) => Ok(()),
                Some(group) if self.groups_are_safe => {
                    if let Fact::Read { partition, offset, value } = fact {
                        self.records.read(partition, offset, value)?;
                    }
                    member_fact(group, client, fact)
                }
                _ => Ok(()),
            };
        }
        if self.reckless && !matches!(fact, Fact::Foreign { .. }) {
            return Ok(());
        }
        match fact {
            Fact::Acknowledged { offset: -1, .. }
            | Fact::Created(_)
            | Fact::Assigned { .. }
            | Fact::Owned { .. }
            | Fact::Committed { .. } => Ok(()),
            Fact::EpochBumped(value) => {
                self.idempotence.drop_producer(value);
                Ok(())
            }
            Fact::Acknowledged { partition, offset, value } => {
                let sure = self.sure.contains(&client);
                if sure {
                    self.idempotence.stands(partition, offset, value)?;
                }
                self.records.acknowledged(partition, offset, value, sure)
            }
            Fact::Read { partition, offset, value } => {
                self.consumers.read(number, partition, offset)?;
                self.idempotence.stands(partition, offset, value)?;
                self.records.read(partition, offset, value)
            }
            Fact::Foreign { partition, offset } => {
                Err(format!("{client} read {partition}@{offset}, which nobody wrote"))
            }
            Fact::Failed(_) if self.idempotent.contains(&client) => Ok(()),
            Fact::Failed(value) => Err(format!("{client} gave up value {value:#x}")),
        }
    }

    /// A client is a member of a group, be it a static one or not.
    pub fn add_member(&mut self, client: ProcessId, group: usize, statically: bool) {
        self.members.insert(client, group);
        if statically {
            self.statics.insert(client);
        }
        self.groups.entry(group).or_default();
    }

    /// Whether there are groups that must keep their promises.
    pub fn has_groups(&self) -> bool {
        self.groups_are_safe && !self.groups.is_empty()
    }

    /// Every group has committed everything below these offsets, and so must have processed it.
    ///
    /// # Errors
    /// What it has left out.
    pub fn groups_complete(&self, ends: &BTreeMap<i32, i64>) -> Result<(), String> {
        (self.groups.iter()).try_for_each(|(number, group)| {
            group.complete(ends).map_err(|what| format!("group-{number}: {what}"))
        })
    }

    /// Looks at the world; call it after every event.
    ///
    /// # Errors
    /// What must be true and is not.
    pub fn look(&mut self, world: &World) -> Result<(), String> {
        if let Some(seen) = world.acted().and_then(|node| world.seen(node)) {
            self.leaders.look(&seen)?;
            self.controllers.look(&seen)?;
            self.high_watermarks.look(&seen)?;
            if self.images.wants(seen.node, seen.run, seen.metadata_offset)
                && let Some(digest) = world.image_digest(seen.node)
            {
                self.images.look(seen.node, seen.metadata_offset, digest)?;
            }
        }
        if let (Some(tables), Some(node)) = (&mut self.tables, world.acted()) {
            if world.broker(node).is_none() {
                tables.compaction.lost_sight();
            }
            tables.written(world, node)?;
        }
        self.written(world)?;
        if world.events().is_multiple_of(INVARIANTS_EVERY) {
            world.invariants()?;
        }
        if world.events().is_multiple_of(REPLICAS_EVERY) {
            self.incarnations(world)?;
            if let Some(tables) = &mut self.tables {
                world.nodes().try_for_each(|node| tables.look(world, node))?;
            }
            if !self.reckless {
                self.replicas(world)?;
            }
        }
        Ok(())
    }

    /// Takes what coordinators wrote since the last time, and looks at what was cleaned.
    fn written(&mut self, world: &World) -> Result<(), String> {
        let trace = world.trace();
        if trace.pushed() == self.traced {
            return Ok(());
        }
        for line in trace.after(self.traced) {
            if let (TraceEvent::LogCleaned { .. }, Some(tables)) = (&line.event, &mut self.tables) {
                tables.passes += 1;
                tables.look(world, line.node)?;
            }
            let TraceEvent::OffsetsCommitted { group, offsets } = &line.event else { continue };
            let number = group.strip_prefix(GROUP).and_then(|number| number.parse().ok());
            let Some(group) = number.and_then(|number: usize| self.groups.get_mut(&number)) else { continue };
            for (of, offset) in offsets.iter() {
                let partition = of.strip_prefix(self.topic.as_str()).and_then(|rest| rest.strip_prefix('-'));
                if let Some(partition) = partition.and_then(|number| number.parse().ok()) {
                    group.written(partition, *offset);
                }
            }
        }
        self.traced = trace.pushed();
        Ok(())
    }

    /// Who knows of the topic that is created again knows of incarnation `last` or of one before it.
    pub fn recreated(&mut self, world: &World, last: u64) {
        for broker in world.nodes().filter_map(|node| world.broker(node)) {
            if let Some(topic) = broker.image().topic(RECREATED) {
                self.incarnations.known(topic.id, last);
            }
        }
    }

    /// No log of the topic that is deleted and created again has a record of an earlier one.
    ///
    /// # Errors
    /// Which has.
    pub fn incarnations(&self, world: &World) -> Result<(), String> {
        for (node, partition, id, values) in world.values_seen(RECREATED) {
            let of = values.into_iter().map(incarnation);
            self.incarnations.look(&format!("{RECREATED}-{partition}"), node, id, of)?;
        }
        Ok(())
    }

    /// Compares the replicas of every partition; those that are compacted are compared with what was written.
    fn replicas(&self, world: &World) -> Result<(), String> {
        let is_cleaned =
            |replica: &Partition| self.tables.is_some() && replica.log().config().cleanup.compact;
        let partitions: BTreeSet<(String, i32)> = (world.nodes())
            .filter_map(|node| world.broker(node))
            .flat_map(|broker| broker.replicas().partitions())
            .filter(|(_, replica)| !is_cleaned(replica))
            .map(|(of, _)| (of.0.to_string(), of.1))
            .collect();
        for (topic, partition) in partitions {
            for (id, logs) in world.logs_seen(&topic, partition) {
                replicas_agree(&format!("{topic}-{partition} of topic {id}"), &logs)?;
            }
        }
        Ok(())
    }

    /// The one replica of the topic's partitions came back after a power cut: what it had not flushed may be lost.
    ///
    /// # Errors
    /// Something is lost that had been flushed before it was acknowledged.
    pub fn came_back(&mut self, world: &World, node: NodeId, flushed_first: bool) -> Result<(), String> {
        let Some(broker) = world.broker(node) else { return Ok(()) };
        let ends: Vec<(i32, i64)> = (broker.replicas().partitions())
            .filter(|(of, _)| *of.0 == *self.topic)
            .map(|(of, replica)| (of.1, replica.log().log_end()))
            .collect();
        for (partition, end) in ends {
            self.records.lost(partition, end, flushed_first)?;
            self.consumers.lost(partition, end);
            self.idempotence.lost(partition, end);
        }
        Ok(())
    }

    /// After everything was healed and one consumer has read everything up to `ends`.
    ///
    /// # Errors
    /// What is missing.
    pub fn complete(
        &self,
        world: &World,
        reader: ProcessId,
        ends: &BTreeMap<i32, i64>,
    ) -> Result<(), String> {
        for (partition, end) in ends.iter().filter(|_| !self.reckless) {
            let next = self.consumers.next(reader.0.unsigned_abs(), *partition);
            if next != *end {
                return Err(format!(
                    "the log of {partition} ends at {end}, and could be read up to {next} only"
                ));
            }
        }
        self.records.complete(ends)?;
        self.knows_topics(world)?;
        self.replicas(world)?;
        world.invariants()
    }

    /// After everything was healed and one consumer of committed records has read everything up to `ends`: tables are
    /// what was written to them.
    ///
    /// # Errors
    /// What is not.
    pub fn tables_complete(
        &mut self,
        world: &World,
        reader: ProcessId,
        ends: &BTreeMap<TopicPartition, i64>,
    ) -> Result<(), String> {
        let Some(tables) = &mut self.tables else { return Ok(()) };
        world.nodes().try_for_each(|node| tables.look(world, node))?;
        let partitions = ends.keys().map(|of| Arc::from(format!("{}-{}", of.topic, of.partition)));
        partitions.into_iter().try_for_each(|partition| tables.compaction.complete(reader.0, &partition))?;
        tables.sent.complete(|partition, offset| tables.compaction.counts_at(partition, offset))
    }

    /// Whether every node knows of every topic that was created.
    ///
    /// # Errors
    /// Who does not know of which.
    pub fn knows_topics(&self, world: &World) -> Result<(), String> {
        for node in world.nodes() {
            let Some(broker) = world.broker(node) else { return Err(format!("{node} is down at the end")) };
            if let Some(topic) = self.topics.iter().find(|topic| broker.image().topic(topic).is_none()) {
                return Err(format!("topic {topic} was acknowledged, and {node} does not know it"));
            }
        }
        Ok(())
    }
}

/// What a member of a group saw.
fn member_fact(group: &mut GroupChecks, client: ProcessId, fact: Fact) -> Result<(), String> {
    let member = client.0.unsigned_abs();
    match fact {
        Fact::Assigned { partition } => group.assigned(member, partition),
        Fact::Owned { partition, generation } => return group.owned(member, generation, partition),
        Fact::Committed { partition, offset } => group.committed(partition, offset),
        Fact::Read { partition, offset, .. } => return group.processed(member, partition, offset),
        Fact::Foreign { partition, offset } => {
            return Err(format!("{client} read {partition}@{offset}, which nobody wrote"));
        }
        Fact::Failed(_) => return Err(format!("{client} cannot go on in its group")),
        Fact::Acknowledged { .. } | Fact::Created(_) | Fact::EpochBumped(_) => {}
    }
    Ok(())
}
