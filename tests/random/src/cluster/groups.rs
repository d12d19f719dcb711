//! Groups of a random run: members that come, are slow, leave and die.

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_client::consumer::{Assignor, ConsumerConfig, OffsetReset};
use blumfeld_kernel::Prng;
use blumfeld_sim::ProcessId;
use blumfeld_sim::load::{LoadMember, MemberLoad};

use super::checks::GROUP;
use super::{Client, Run, TOPIC, pick};

/// What groups agree on.
const ASSIGNORS: [Assignor; 4] =
    [Assignor::Range, Assignor::RoundRobin, Assignor::Sticky, Assignor::CooperativeSticky];
/// So many members a group has at most.
const MEMBERS: usize = 4;

/// The groups of a run. Their draws are their own, so that the rest of the run is the same without them.
#[derive(Clone, Debug)]
pub struct Groups {
    rng: Prng,
    /// Settings that all members of a group share.
    groups: Vec<Group>,
    statics: u64,
}

#[derive(Clone, Debug)]
struct Group {
    assignors: Vec<Assignor>,
    session_timeout_ms: i32,
    statically: bool,
}

impl Groups {
    /// One or two groups.
    pub fn new(seed: u64) -> Groups {
        let mut rng = Prng::new(seed, "groups");
        let groups = (0..1 + rng.below(2))
            .map(|_| Group {
                assignors: vec![pick(&mut rng, &ASSIGNORS)],
                session_timeout_ms: pick(&mut rng, &[6_000, 10_000, 45_000]),
                statically: rng.chance(1, 4),
            })
            .collect();
        Groups { rng, groups, statics: 0 }
    }
}

impl Run {
    fn members(&self, group: usize) -> Vec<ProcessId> {
        let of = |(process, client): (&ProcessId, &Client)| {
            matches!(client, Client::Member(of) if *of == group).then_some(*process)
        };
        self.clients.iter().filter_map(of).collect()
    }

    fn spawn_member(&mut self, group: usize) {
        let Some(settings) = self.groups.groups.get(group).cloned() else { return };
        let mut config = ConsumerConfig::new(self.client("member"));
        config.auto_offset_reset = OffsetReset::Earliest;
        config.allow_auto_create_topics = false;
        config.group_id = Some(format!("{GROUP}{group}"));
        config.assignors = settings.assignors;
        config.session_timeout_ms = settings.session_timeout_ms;
        // Less than the shortest max.poll.interval.ms below, which is how long a rebalance waits: members that hear of
        // rebalances only when these are over begin the next one, and so on without end, as at Kafka.
        config.heartbeat_interval_ms = (i64::from(settings.session_timeout_ms) / 3).min(3_000);
        let rng = &mut self.groups.rng;
        config.max_poll_records = pick(rng, &[1, 20, 500]);
        config.max_poll_interval_ms = pick(rng, &[5_000, 300_000]);
        config.enable_auto_commit = rng.chance(1, 2);
        config.auto_commit_interval_ms = pick(rng, &[100, 1_000, 5_000]);
        // It must come to the end of all that is written while the run heals.
        let processing = Duration::from_micros(pick(rng, &[0, 0, 200, 2_000]));
        if settings.statically {
            self.groups.statics += 1;
            config.group_instance_id = Some(format!("instance-{}", self.groups.statics));
        }
        let load = MemberLoad { topic: TOPIC.into(), processing, until: 0, report: true };
        let process = self.world.spawn(Box::new(LoadMember::new(config, load)));
        self.clients.insert(process, Client::Member(group));
        self.checks.add_member(process, group, settings.statically);
    }

    /// Every group begins with a member or two.
    pub(super) fn spawn_groups(&mut self) {
        for group in 0..self.groups.groups.len() {
            for _ in 0..1 + self.groups.rng.below(2) {
                self.spawn_member(group);
            }
        }
    }

    /// Something happens in a group: a member comes, leaves in order, or dies.
    pub(super) fn disturb_a_group(&mut self) {
        let count = self.groups.groups.len();
        let group = usize::try_from(self.groups.rng.below(count.max(1) as u64)).unwrap_or(0);
        let members = self.members(group);
        let come = members.is_empty() || (members.len() < MEMBERS && self.groups.rng.chance(1, 2));
        if come {
            return self.spawn_member(group);
        }
        let member = pick(&mut self.groups.rng, &members);
        if self.groups.rng.chance(1, 2) {
            self.world.interrupt(member);
        } else {
            self.world.kill(member);
        }
    }

    /// Whichever member may have gone, somebody is there to come to the end.
    pub(super) fn complete_groups(&mut self) {
        for group in 0..self.groups.groups.len() {
            self.spawn_member(group);
        }
    }

    /// The first group of which no coordinator knows that it has committed everything below these offsets.
    fn group_behind(&self, ends: &BTreeMap<i32, i64>) -> Option<usize> {
        let views = self.world.group_views();
        (0..self.groups.groups.len()).find(|number| {
            let name = format!("{GROUP}{number}");
            !views.iter().filter(|view| view.id == name).any(|view| {
                let committed = |partition: i32| {
                    let of = view.offsets.iter().find(|of| of.topic == TOPIC && of.partition == partition);
                    of.map_or(0, |of| of.committed.max(0))
                };
                ends.iter().all(|(partition, end)| committed(*partition) >= *end)
            })
        })
    }

    /// Every group comes to these ends, and has left nothing out.
    pub(super) fn audit_groups(&mut self, ends: &BTreeMap<i32, i64>) -> Result<(), String> {
        if !self.checks.has_groups() {
            return Ok(());
        }
        self.run_until("a group that has committed everything", super::LIVENESS, |run| {
            run.group_behind(ends).is_none()
        })
        .map_err(|what| match self.group_behind(ends) {
            Some(group) => format!("{what}; {GROUP}{group} has not, with members {:?}", self.members(group)),
            None => what,
        })?;
        self.checks.groups_complete(ends)
    }
}
