//! Conditions over a world: what they ask, answered from the nodes' own state, as the views are.

use blumfeld_broker::{ClassicGroup, PartitionRegistration};
use blumfeld_condition::{Asked, ClientCount, Condition, Facts, Question, Value};
use blumfeld_kernel::NodeId;
use blumfeld_view::ConfigResource;

use crate::group_view::partitions_of;
use crate::world::World;

/// A condition that is waited for, with the moment at which the wait began.
#[derive(Clone, Debug)]
pub struct Wait {
    condition: Condition,
    since: Since,
}

/// The moment at which a wait began.
#[derive(Clone, Copy, Debug, Default)]
struct Since {
    /// Among what was seen.
    sighting: u64,
    /// On the clock, in virtual microseconds.
    micros: u64,
}

impl Wait {
    /// The condition.
    pub fn condition(&self) -> &Condition {
        &self.condition
    }

    /// Whether it is so. What a condition asks for and what is not there leaves it undecided, which is not so.
    pub fn is_over(&self, world: &World) -> bool {
        self.condition.holds(&Now { world, since: self.since }) == Some(true)
    }

    /// The next moment at which it may come to be so by the clock alone, in virtual microseconds.
    pub fn alarm(&self, now: u64) -> Option<u64> {
        self.condition.moment_after(now, self.since.micros)
    }

    /// Another condition that is asked since the same moment.
    #[must_use]
    pub fn with(&self, condition: &Condition) -> Wait {
        Wait { condition: condition.clone(), since: self.since }
    }

    /// Whether it is so; nothing while something that decides it cannot be answered.
    pub fn is_decided(&self, world: &World) -> Option<bool> {
        self.condition.holds(&Now { world, since: self.since })
    }

    /// Each clause that keeps it from being so, with how what it asks for stands: `isr("orders", 0) is [1, 2, 3]`.
    pub fn told(&self, world: &World) -> Vec<String> {
        let clauses = self.condition.clauses(&Now { world, since: self.since });
        let open = clauses.into_iter().filter(|clause| clause.holds != Some(!clause.negated));
        let told = open.flat_map(|clause| clause.now).map(|(asked, value)| match value {
            Some(value) => format!("{asked} is {value}"),
            None => format!("{asked} is not known"),
        });
        told.collect()
    }

    /// Topics that the condition names and that there are not: a slip of the pen, or still to be created.
    pub fn topics_missing(&self, world: &World) -> Vec<String> {
        let there = world.topic_names();
        let named = self.condition.questions().into_iter().filter_map(topic_of);
        let mut missing: Vec<String> = named.filter(|topic| !there.contains(topic)).cloned().collect();
        missing.dedup();
        missing
    }
}

impl World {
    /// Begins to wait for a condition. If it asks what was seen, answers are looked at from now on.
    pub fn wait_for(&mut self, condition: Condition) -> Wait {
        if condition.asks_what_was_seen() {
            self.trace_mut().look();
        }
        let since = Since { sighting: self.trace().moment(), micros: self.now().as_micros() };
        Wait { condition, since }
    }
}

impl World {
    /// How something stands now; nothing while it cannot be told.
    pub fn ask(&self, asked: &Asked) -> Option<Value> {
        asked.answer(&Now { world: self, since: Since::default() })
    }
}

/// The topic that a question is about.
fn topic_of(question: &Question) -> Option<&String> {
    match question {
        Question::Leader((topic, _))
        | Question::Epoch((topic, _))
        | Question::Isr((topic, _))
        | Question::Replicas((topic, _))
        | Question::HighWatermark((topic, _), _)
        | Question::LogEnd((topic, _), _)
        | Question::LogStart((topic, _))
        | Question::Committed(_, (topic, _))
        | Question::Accumulated(_, (topic, _))
        | Question::LastStable((topic, _))
        | Question::Segments((topic, _))
        | Question::Size((topic, _))
        | Question::Cleaned((topic, _))
        | Question::Codec((topic, _))
        | Question::Owner(_, (topic, _))
        | Question::Config(topic, _)
        | Question::Partitions(topic) => Some(topic),
        Question::UnderReplicated(topic) | Question::Lag(_, topic, _) => topic.as_ref(),
        Question::State(_)
        | Question::Generation(_)
        | Question::Members(_)
        | Question::Coordinator(_)
        | Question::Up(_)
        | Question::Broker(_)
        | Question::Brokers
        | Question::Controller
        | Question::Topics
        | Question::Groups
        | Question::InFlight
        | Question::Time
        | Question::Counted(..)
        | Question::Idle(_)
        | Question::Assignor(_)
        | Question::Transaction(_)
        | Question::DiskReads(_)
        | Question::Elapsed
        | Question::Printed(_)
        | Question::Saw(..) => None,
    }
}

/// A world at this moment, and since when something is looked for.
struct Now<'a> {
    world: &'a World,
    since: Since,
}

fn numbers(ids: &[i32]) -> Value {
    Value::Numbers(ids.iter().map(|id| i64::from(*id)).collect())
}

fn count(count: usize) -> Value {
    Value::Number(i64::try_from(count).unwrap_or(i64::MAX))
}

impl Now<'_> {
    fn partition(&self, (topic, number): &(String, i32)) -> Option<&PartitionRegistration> {
        self.world.best_informed()?.image().partition(topic, *number)
    }

    /// A group, where it is coordinated.
    fn group(&self, id: &str) -> Option<(NodeId, &ClassicGroup)> {
        let world = self.world;
        world.nodes().find_map(|node| Some((node, world.broker(node)?.groups().group(id)?)))
    }

    /// What a group has committed, by topic and partition.
    fn committed(&self, group: &str) -> Option<impl Iterator<Item = (&str, i32, i64)>> {
        let (node, _) = self.group(group)?;
        let offsets = self.world.broker(node)?.groups().offsets(group);
        Some(offsets.map(|(topic, number, offset)| (topic, number, offset.offset)))
    }

    /// Records between what a group has committed and the high watermarks; nothing while it has partitions with
    /// something to read for which it has committed nothing.
    fn lag(&self, group: &str, topic: Option<&str>, partition: Option<i32>) -> Option<i64> {
        let view = self.world.group_views().into_iter().find(|view| view.id == group)?;
        let wanted = view.offsets.iter().filter(|one| {
            topic.is_none_or(|topic| one.topic == topic)
                && partition.is_none_or(|number| one.partition == number)
        });
        let mut sum = None;
        for one in wanted {
            let (committed, end) = (one.committed, one.high_watermark);
            let start =
                || self.world.replica(&one.topic, one.partition, None).map(|found| found.log().log_start());
            let behind = match committed {
                _ if end < 0 => return None,
                0.. => (end - committed).max(0),
                _ if start() == Some(end) => 0,
                _ => return None,
            };
            sum = Some(sum.unwrap_or(0) + behind);
        }
        sum
    }
}

impl Facts for Now<'_> {
    fn answer(&self, question: &Question) -> Option<Value> {
        let world = self.world;
        let number = |id: i32| Value::Number(i64::from(id));
        Some(match question {
            Question::Leader(one) => number(self.partition(one)?.leader),
            Question::Epoch(one) => number(self.partition(one)?.leader_epoch),
            Question::Isr(one) => numbers(&self.partition(one)?.isr),
            Question::Replicas(one) => numbers(&self.partition(one)?.replicas),
            Question::HighWatermark((topic, number), broker) => {
                Value::Number(world.replica(topic, *number, *broker)?.high_watermark())
            }
            Question::LogEnd((topic, number), broker) => {
                Value::Number(world.replica(topic, *number, *broker)?.log().log_end())
            }
            Question::LogStart((topic, number)) => {
                Value::Number(world.replica(topic, *number, None)?.log().log_start())
            }
            Question::Partitions(topic) => {
                count(world.best_informed()?.image().topics().get(topic)?.partitions.len())
            }
            Question::UnderReplicated(wanted) => {
                let topics = world.best_informed()?.image().topics().values();
                let topics = topics.filter(|one| wanted.as_ref().is_none_or(|wanted| *wanted == one.name));
                let partitions = topics.flat_map(|topic| topic.partitions.values());
                count(partitions.filter(|one| one.isr.len() < one.replicas.len()).count())
            }
            // As DescribeGroups says of a group that there is not.
            Question::State(group) => Value::Text(
                self.group(group).map_or_else(|| "Dead".to_owned(), |(_, group)| group.state().to_string()),
            ),
            Question::Generation(group) => number(self.group(group)?.1.generation()),
            Question::Members(group) => {
                count(self.group(group).map_or(0, |(_, group)| group.members().count()))
            }
            Question::Coordinator(group) => number(self.group(group)?.0.0),
            Question::Committed(group, (topic, number)) => {
                let mut committed = self.committed(group)?;
                let found = committed.find(|(name, at, _)| name == topic && at == number);
                Value::Number(found.map_or(-1, |(.., offset)| offset))
            }
            Question::Accumulated(client, (topic, partition)) => {
                let found = world.accumulated(client, topic, *partition)?;
                Value::Number(i64::try_from(found).unwrap_or(i64::MAX))
            }
            Question::Lag(group, topic, partition) => {
                Value::Number(self.lag(group, topic.as_deref(), *partition)?)
            }
            Question::Up(broker) => Value::Truth(world.broker(NodeId(*broker)).is_some()),
            Question::Broker(broker) => {
                let state = world.broker_state(NodeId(*broker))?;
                Value::Text(state.to_owned())
            }
            Question::Brokers => {
                let up = world.nodes().filter(|node| world.broker(*node).is_some());
                numbers(&up.map(|node| node.0).collect::<Vec<_>>())
            }
            Question::Controller => {
                let leads = |node: &NodeId| {
                    world.broker(*node).is_some_and(blumfeld_broker::Broker::is_active_controller)
                };
                number(world.nodes().find(leads).map_or(-1, |node| node.0))
            }
            Question::Topics => Value::Texts(world.topic_names()),
            Question::Groups => {
                let brokers = world.nodes().filter_map(|node| world.broker(node));
                let groups = brokers.flat_map(|broker| broker.groups().groups());
                Value::Texts(groups.map(|group| group.group_id.clone()).collect())
            }
            Question::InFlight => count(world.in_flight().len()),
            Question::Time => Value::Time(world.now().as_micros()),
            Question::Saw(sight, about) => {
                Value::Truth(world.trace().saw(sight, about.as_deref(), self.since.sighting))
            }
            Question::Printed(text) => Value::Truth(world.trace().printed(text, self.since.sighting)),
            Question::Elapsed => Value::Time(world.now().as_micros().saturating_sub(self.since.micros)),
            Question::Counted(what, client) => {
                let counts = world.counts(client)?;
                let number = match what {
                    ClientCount::Acknowledged => counts.acknowledged,
                    ClientCount::Failed => counts.failed,
                    ClientCount::Sent => counts.sent,
                    ClientCount::Batches => counts.batches,
                    ClientCount::Retries => counts.retries,
                    ClientCount::Requests => counts.requests,
                    ClientCount::Buffered => counts.buffered,
                    ClientCount::Received => counts.received,
                    ClientCount::Processed => counts.processed,
                };
                Value::Number(i64::try_from(number).unwrap_or(i64::MAX))
            }
            Question::LastStable((topic, number)) => {
                Value::Number(world.replica(topic, *number, None)?.last_stable_offset())
            }
            Question::Segments((topic, number)) => {
                count(world.replica(topic, *number, None)?.log().segments().count())
            }
            Question::Size((topic, number)) => {
                let size = world.replica(topic, *number, None)?.log().size();
                Value::Number(i64::try_from(size).unwrap_or(i64::MAX))
            }
            Question::Cleaned((topic, number)) => {
                let broker = world.broker(world.holder_of(topic, *number)?)?;
                Value::Number(broker.replicas().cleaned_to(&(topic.clone(), *number))?)
            }
            Question::Codec((topic, number)) => Value::Text(world.codec(topic, *number)?),
            Question::Config(topic, name) => {
                let view = world.configs_view(&ConfigResource::Topic(topic.clone()));
                Value::Text(view.configs.into_iter().find(|config| config.name == *name)?.value?)
            }
            Question::Idle(group) => {
                let (_, group) = self.group(group)?;
                let idle = group.members().filter(|member| partitions_of(group, member).is_empty());
                count(idle.count())
            }
            Question::Assignor(group) => {
                Value::Text(self.group(group)?.1.protocol_name().unwrap_or_default().to_owned())
            }
            Question::Owner(group, (topic, number)) => {
                let (_, group) = self.group(group)?;
                let mut members = group.members();
                let owner = members.find(|member| {
                    partitions_of(group, member).iter().any(|(name, at)| name == topic && at == number)
                });
                Value::Text(owner.map(|member| member.client_id.clone()).unwrap_or_default())
            }
            Question::Transaction(id) => {
                let view = world.transaction_views().into_iter().find(|view| view.id == *id)?;
                Value::Text(view.state)
            }
            Question::DiskReads(broker) => {
                let reads = world.disk(NodeId(*broker))?.cache_stats().misses;
                Value::Number(i64::try_from(reads).unwrap_or(i64::MAX))
            }
        })
    }
}
