//! What the rebalances of groups were, put together from what their coordinators say in the trace: why each began and
//! what came during it, how long its phases took, and for how long nobody read its partitions.
//!
//! Only coordinators are asked. From when a partition stands still they know by its owner: it joined again (where a
//! protocol has members give up all before they join), it left, it gave the partition up, or it was heard of for the
//! last time. It is read again, as far as they know, when the answer leaves that gives it to an owner. So the way of
//! messages and the first fetch are not in it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use blumfeld_kernel::{Instant, LeaveCause, NodeId, Owners, RebalanceCause, TraceEvent};
use blumfeld_view::{RebalanceCauseView as Cause, RebalanceEnd, RebalanceView, RebalancesView, StillView};

/// Rebalances that are kept of a group.
const KEPT: usize = 20;
/// Groups that are kept: of more, those that were silent for the longest go.
const GROUPS: usize = 500;

/// The assignor whose members keep what they own while they join (KIP-429). With the others they give up all before.
const COOPERATIVE: &str = "cooperative-sticky";

/// A partition by name: `orders-0`.
type PartitionName = Arc<str>;

/// Where a rebalance that is under way is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Preparing,
    Completing,
}

/// A group, as far as the trace told of it.
#[derive(Clone, Default)]
struct Group {
    /// When something was said of it last.
    touched: Instant,
    /// Who coordinates it, once that is known.
    coordinator: Option<NodeId>,
    /// What its members own in the last generation that was stable.
    owners: BTreeMap<PartitionName, Arc<str>>,
    protocol: Arc<str>,
    /// Since when partitions are read by nobody.
    still: BTreeMap<PartitionName, Instant>,
    /// Its members when it was at rest last.
    settled: u32,
    generation: i32,
    /// What came while no members are waited for, and may begin a rebalance.
    waiting: Vec<Cause>,
    /// Where the newest rebalance is, and since when.
    open: Option<(Phase, Instant)>,
    rebalances: VecDeque<RebalanceView>,
}

/// The rebalances of all groups.
#[derive(Clone, Default)]
pub(crate) struct Rebalances {
    groups: BTreeMap<Arc<str>, Group>,
}

impl Rebalances {
    /// The rebalances as they are drawn, by group id; of groups that never had one there are none.
    pub fn views(&self) -> Vec<RebalancesView> {
        let groups = self.groups.iter().filter(|(_, group)| !group.rebalances.is_empty());
        let view = |(id, group): (&Arc<str>, &Group)| RebalancesView {
            group: id.to_string(),
            rebalances: group.rebalances.iter().cloned().collect(),
        };
        groups.map(view).collect()
    }

    /// Something became true at a node.
    pub fn event(&mut self, at: Instant, node: NodeId, event: &TraceEvent) {
        use TraceEvent as E;
        if let E::TopicDeleted { topic } = event {
            return self.topic_deleted(topic);
        }
        let (E::GroupRebalancing { group: id, .. }
        | E::GroupStateChanged { group: id, .. }
        | E::GroupMemberJoined { group: id, .. }
        | E::GroupMemberRejoined { group: id, .. }
        | E::GroupStaticMemberReplaced { group: id, .. }
        | E::GroupMemberLeft { group: id, .. }
        | E::GroupAssigned { group: id, .. }
        | E::GroupLoaded { group: id, .. }) = event
        else {
            return;
        };
        if !self.groups.contains_key(id) {
            self.make_room();
        }
        let group = self.groups.entry(id.clone()).or_default();
        group.touched = at;
        match event {
            E::GroupMemberJoined { member, .. } => group.came(Cause::Joined { member: member.to_string() }),
            E::GroupMemberRejoined { member, .. } => group.rejoined(at, member),
            E::GroupStaticMemberReplaced { old, new, .. } => group.renamed(old, new),
            E::GroupMemberLeft { member, cause, .. } => group.left(at, member, cause),
            E::GroupRebalancing { generation, cause, .. } => group.begins(at, *generation, cause),
            E::GroupStateChanged { to, generation, members, .. } => {
                group.changed(at, to, *generation, *members);
            }
            E::GroupAssigned { protocol, owners, .. } => group.assigned(at, protocol, owners),
            E::GroupLoaded { generation, members, protocol, owners, .. } => {
                group.loaded(at, node, (*generation, *members), protocol, owners);
            }
            _ => {}
        }
        group.coordinator = Some(node);
    }

    fn topic_deleted(&mut self, topic: &str) {
        let is_of = |partition: &str| partition.rsplit_once('-').is_some_and(|(name, _)| name == topic);
        for group in self.groups.values_mut() {
            group.still.retain(|partition, _| !is_of(partition));
            group.owners.retain(|partition, _| !is_of(partition));
        }
    }

    fn make_room(&mut self) {
        if self.groups.len() < GROUPS {
            return;
        }
        let oldest = self.groups.iter().min_by_key(|(_, group)| group.touched).map(|(id, _)| id.clone());
        if let Some(id) = oldest {
            self.groups.remove(&id);
        }
    }
}

fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

impl Group {
    /// Something came that begins a rebalance, or came during one.
    fn came(&mut self, cause: Cause) {
        match (self.open, self.rebalances.back_mut()) {
            (Some((Phase::Preparing, _)), Some(last)) => last.causes.push(cause),
            _ => self.waiting.push(cause),
        }
    }

    /// The partitions of a member are read by nobody from then on.
    fn stands_still(&mut self, since: Instant, member: &str) {
        for (partition, _) in self.owners.iter().filter(|(_, owner)| ***owner == *member) {
            self.still.entry(partition.clone()).or_insert(since);
        }
    }

    fn rejoined(&mut self, at: Instant, member: &str) {
        if &*self.protocol != COOPERATIVE {
            self.stands_still(at, member);
        }
    }

    fn renamed(&mut self, old: &str, new: &Arc<str>) {
        for owner in self.owners.values_mut().filter(|owner| ***owner == *old) {
            *owner = new.clone();
        }
    }

    fn left(&mut self, at: Instant, member: &Arc<str>, cause: &LeaveCause) {
        let (silent_ms, member) = match cause {
            LeaveCause::SessionTimedOut { after_ms } => (*after_ms, member.to_string()),
            _ => (0, member.to_string()),
        };
        let silent = u64::try_from(silent_ms).unwrap_or(0).saturating_mul(1_000);
        self.stands_still(Instant::from_micros(at.as_micros().saturating_sub(silent)), &member);
        self.came(match cause {
            LeaveCause::Left { said } => Cause::Left { member, said: said.to_string() },
            LeaveCause::SessionTimedOut { after_ms } => Cause::TimedOut { member, after_ms: *after_ms },
            LeaveCause::NotRejoined => Cause::NotRejoined { member },
            LeaveCause::NotSynced => Cause::NotSynced { member },
            // It was in no generation, and nobody is asked to join because of it.
            LeaveCause::NeverJoined => return,
        });
    }

    /// The members are asked to join.
    fn begins(&mut self, at: Instant, generation: i32, cause: &RebalanceCause) {
        self.ends(at, RebalanceEnd::Interrupted);
        let mut causes = std::mem::take(&mut self.waiting);
        if let Some(cause) = of_its_own(cause) {
            causes = vec![cause];
        }
        if self.rebalances.len() == KEPT {
            self.rebalances.pop_front();
        }
        self.rebalances.push_back(RebalanceView {
            at: at.as_micros(),
            causes,
            from: generation,
            to: generation,
            preparing: None,
            completing: None,
            still: None,
            before: self.settled,
            after: self.settled,
            protocol: self.protocol.to_string(),
            end: RebalanceEnd::UnderWay,
        });
        self.open = Some((Phase::Preparing, at));
    }

    /// The rebalance that is under way is over, if there is one.
    fn ends(&mut self, at: Instant, end: RebalanceEnd) {
        let (Some((phase, since)), Some(last)) = (self.open.take(), self.rebalances.back_mut()) else {
            return;
        };
        let took = Some(micros(at.since(since)));
        match phase {
            Phase::Preparing => last.preparing = took,
            Phase::Completing => last.completing = took,
        }
        last.end = end;
    }

    fn changed(&mut self, at: Instant, to: &str, generation: i32, members: u32) {
        self.generation = generation;
        if let (true, Some(last)) = (self.open.is_some(), self.rebalances.back_mut()) {
            (last.to, last.after) = (generation, members);
        }
        match to {
            "CompletingRebalance" => {
                // The generation is formed: what interrupts it from here on interrupts these.
                self.settled = members;
                if let (Some((_, since)), Some(last)) = (self.open, self.rebalances.back_mut()) {
                    last.preparing = Some(micros(at.since(since)));
                    self.open = Some((Phase::Completing, at));
                }
            }
            "Stable" | "Empty" => {
                let end = if to == "Stable" { RebalanceEnd::Stable } else { RebalanceEnd::Empty };
                self.ends(at, end);
                self.settled = members;
                self.waiting.clear();
                if members == 0 {
                    self.owners.clear();
                }
            }
            _ => {}
        }
    }

    /// Each partition has these owners from now on.
    fn assigned(&mut self, at: Instant, protocol: &Arc<str>, owners: &Owners) {
        let before = std::mem::take(&mut self.owners);
        self.own(protocol, owners);
        let mut still: Option<StillView> = None;
        for partition in self.owners.keys() {
            if let Some(since) = self.still.remove(partition) {
                let known = still.get_or_insert(StillView { partitions: 0, longest: 0 });
                known.partitions += 1;
                known.longest = known.longest.max(micros(at.since(since)));
            }
        }
        for partition in before.into_keys().filter(|partition| !self.owners.contains_key(partition)) {
            self.still.entry(partition).or_insert(at);
        }
        if let Some(last) = self.rebalances.back_mut().filter(|_| self.open.is_some()) {
            last.still = still;
            last.protocol = protocol.to_string();
        }
    }

    fn own(&mut self, protocol: &Arc<str>, owners: &Owners) {
        self.protocol = protocol.clone();
        let owned = owners.iter().flat_map(|(member, partitions)| {
            partitions.iter().map(move |partition| (partition.clone(), member.clone()))
        });
        self.owners = owned.collect();
    }

    /// A broker has taken the group over, with what was stored of it.
    fn loaded(
        &mut self,
        at: Instant,
        node: NodeId,
        (generation, members): (i32, u32),
        protocol: &Arc<str>,
        owners: &Owners,
    ) {
        self.ends(at, RebalanceEnd::CoordinatorLost);
        self.own(protocol, owners);
        self.waiting.clear();
        let (before, from) = (self.settled, self.generation);
        (self.settled, self.generation) = (members, generation);
        let Some(was) = self.coordinator else { return };
        let cause = if was == node {
            Cause::CoordinatorBack { broker: node.0 }
        } else {
            Cause::CoordinatorMoved { from: was.0, to: node.0 }
        };
        if self.rebalances.len() == KEPT {
            self.rebalances.pop_front();
        }
        self.rebalances.push_back(RebalanceView {
            at: at.as_micros(),
            causes: vec![cause],
            from,
            to: generation,
            preparing: None,
            completing: None,
            still: None,
            before,
            after: members,
            protocol: protocol.to_string(),
            end: if members == 0 { RebalanceEnd::Empty } else { RebalanceEnd::Stable },
        });
    }
}

/// A cause of which nothing was said before; of the others the trace said already which member came or went.
fn of_its_own(cause: &RebalanceCause) -> Option<Cause> {
    Some(match cause {
        RebalanceCause::MemberJoined { .. }
        | RebalanceCause::MembersLeft { .. }
        | RebalanceCause::SessionTimedOut { .. }
        | RebalanceCause::SyncTimedOut { .. } => return None,
        // What clients say, ours and Kafka's own (ConsumerCoordinator): their sentences begin so.
        RebalanceCause::MemberRejoined { member, leads, said } => {
            let (member, leads, said) = (member.to_string(), *leads, said.to_string());
            if said.starts_with("cached metadata has changed") {
                Cause::TopicsChanged { member }
            } else if said.starts_with("subscription has changed") {
                Cause::SubscriptionChanged { member }
            } else if said.starts_with("need to revoke partitions") {
                Cause::GaveUp { member }
            } else {
                Cause::Rejoined { member, leads, said }
            }
        }
        RebalanceCause::StaticMemberReturned { member, instance } => {
            Cause::StaticReturned { member: member.to_string(), instance: instance.to_string() }
        }
        RebalanceCause::NotStored { error } => Cause::NotStored { error: (*error).to_owned() },
        RebalanceCause::OverCapacity { most } => Cause::OverCapacity { most: *most },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners(of: &[(&str, &[&str])]) -> Owners {
        of.iter()
            .map(|(member, owned)| ((*member).into(), owned.iter().map(|one| (*one).into()).collect()))
            .collect()
    }

    /// What happens to the group `g`, told by broker 1 at milliseconds.
    struct Told(Rebalances);

    impl Told {
        fn tell(&mut self, ms: u64, event: TraceEvent) {
            self.0.event(Instant::from_micros(ms * 1_000), NodeId(1), &event);
        }

        fn state(&mut self, ms: u64, to: &'static str, generation: i32, members: u32) {
            let (group, from) = ("g".into(), "");
            self.tell(ms, TraceEvent::GroupStateChanged { group, from, to, generation, members });
        }

        fn begins(&mut self, ms: u64, generation: i32, cause: RebalanceCause, members: u32) {
            let (group, reason) = ("g".into(), "".into());
            self.tell(ms, TraceEvent::GroupRebalancing { group, generation, cause, reason });
            self.state(ms, "PreparingRebalance", generation, members);
        }

        fn joined(&mut self, ms: u64, member: &str) {
            let (group, member, instance) = ("g".into(), member.into(), None);
            self.tell(ms, TraceEvent::GroupMemberJoined { group, member, instance });
        }

        fn again(&mut self, ms: u64, member: &str) {
            let (group, member) = ("g".into(), member.into());
            self.tell(ms, TraceEvent::GroupMemberRejoined { group, member });
        }

        fn assigned(&mut self, ms: u64, generation: i32, protocol: &str, of: &[(&str, &[&str])]) {
            let (group, protocol, owners) = ("g".into(), protocol.into(), owners(of));
            self.tell(ms, TraceEvent::GroupAssigned { group, generation, protocol, owners });
            self.state(ms, "Stable", generation, u32::try_from(of.len()).unwrap());
        }

        fn last(&self) -> RebalanceView {
            self.0.views()[0].rebalances.last().unwrap().clone()
        }
    }

    fn new(member: &str) -> RebalanceCause {
        RebalanceCause::MemberJoined { member: member.into() }
    }

    /// A group in which `a` owns two partitions.
    fn of_one(protocol: &str) -> Told {
        let mut told = Told(Rebalances::default());
        told.joined(0, "a");
        told.begins(0, 0, new("a"), 1);
        told.state(3_000, "CompletingRebalance", 1, 1);
        told.assigned(3_010, 1, protocol, &[("a", &["t-0", "t-1"])]);
        told
    }

    #[test]
    fn what_came_while_members_were_waited_for_is_in_the_same_rebalance() {
        let mut told = of_one("range");
        let first = told.last();
        assert_eq!((first.from, first.to, first.before, first.after), (0, 1, 0, 1));
        assert_eq!((first.preparing, first.completing, first.still), (Some(3_000_000), Some(10_000), None));
        told.joined(4_000, "b");
        told.begins(4_000, 1, new("b"), 2);
        told.joined(4_100, "c");
        let names = |view: &RebalanceView| {
            view.causes.iter().map(|cause| format!("{cause:?}")).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(names(&told.last()), r#"Joined { member: "b" }, Joined { member: "c" }"#);
        assert_eq!(told.last().end, RebalanceEnd::UnderWay);
    }

    #[test]
    fn what_interrupts_a_generation_that_was_formed_counts_its_members() {
        let mut told = of_one("range");
        told.begins(4_000, 1, new("b"), 2);
        told.state(5_000, "CompletingRebalance", 2, 4);
        let (member, said) = (Arc::<str>::from("b"), "".into());
        told.tell(
            5_001,
            TraceEvent::GroupMemberLeft {
                group: "g".into(),
                member: member.clone(),
                cause: LeaveCause::Left { said },
            },
        );
        told.begins(5_001, 2, RebalanceCause::MemberRejoined { member, leads: false, said: "".into() }, 3);
        told.state(8_000, "CompletingRebalance", 3, 3);
        assert_eq!((told.last().before, told.last().after), (4, 3));
    }

    #[test]
    fn with_an_eager_protocol_all_stands_still_and_with_a_cooperative_one_what_moves() {
        for (protocol, partitions, longest) in [("range", 2, 20_000), (COOPERATIVE, 1, 30_000)] {
            let mut told = of_one(protocol);
            told.joined(4_000, "b");
            told.begins(4_000, 1, new("b"), 2);
            told.again(5_000, "a");
            told.state(5_000, "CompletingRebalance", 2, 2);
            if protocol == COOPERATIVE {
                // First it is taken away, and in the next rebalance given to the other.
                told.assigned(5_010, 2, protocol, &[("a", &["t-0"]), ("b", &[])]);
                assert_eq!(told.last().still, None);
                let (member, leads) = ("a".into(), true);
                let said = "need to revoke partitions and re-join".into();
                told.again(5_020, "a");
                told.begins(5_020, 2, RebalanceCause::MemberRejoined { member, leads, said }, 2);
                assert_eq!(told.last().causes, [Cause::GaveUp { member: "a".into() }]);
                told.state(5_030, "CompletingRebalance", 3, 2);
                told.assigned(5_040, 3, protocol, &[("a", &["t-0"]), ("b", &["t-1"])]);
            } else {
                told.assigned(5_020, 2, protocol, &[("a", &["t-0"]), ("b", &["t-1"])]);
            }
            assert_eq!(told.last().still, Some(StillView { partitions, longest }), "{protocol}");
        }
    }

    #[test]
    fn of_a_dead_member_partitions_stand_still_since_it_was_heard_of() {
        let mut told = of_one("range");
        let (group, member, after_ms) = ("g".into(), Arc::<str>::from("a"), 2_000);
        let cause = LeaveCause::SessionTimedOut { after_ms };
        told.tell(9_000, TraceEvent::GroupMemberLeft { group, member: member.clone(), cause });
        told.begins(9_000, 1, RebalanceCause::SessionTimedOut { member, after_ms }, 0);
        told.state(9_000, "Empty", 2, 0);
        let last = told.last();
        assert_eq!(last.causes, [Cause::TimedOut { member: "a".into(), after_ms }]);
        assert_eq!((last.end, last.still, last.before, last.after), (RebalanceEnd::Empty, None, 1, 0));
        told.joined(20_000, "b");
        told.begins(20_000, 2, new("b"), 1);
        told.state(20_000, "CompletingRebalance", 3, 1);
        told.assigned(20_000, 3, "range", &[("b", &["t-0", "t-1"])]);
        assert_eq!(told.last().still, Some(StillView { partitions: 2, longest: 13_000_000 }));
    }

    #[test]
    fn the_oldest_go_and_a_group_that_moves_is_told_of() {
        let mut told = of_one("range");
        for generation in 1..=30 {
            let leads = RebalanceCause::MemberRejoined { member: "a".into(), leads: true, said: "".into() };
            told.begins(10_000, generation, leads, 1);
            told.state(10_000, "CompletingRebalance", generation + 1, 1);
            told.assigned(10_000, generation + 1, "range", &[("a", &["t-0"])]);
        }
        assert_eq!(told.0.views()[0].rebalances.len(), KEPT);
        let (group, protocol) = (Arc::from("g"), "range".into());
        let owners = owners(&[("a", &["t-0"])]);
        let event = TraceEvent::GroupLoaded { group, generation: 31, members: 1, protocol, owners };
        told.0.event(Instant::from_micros(1), NodeId(2), &event);
        let last = told.last();
        assert_eq!(last.causes, [Cause::CoordinatorMoved { from: 1, to: 2 }]);
        assert_eq!((last.from, last.to, last.end), (31, 31, RebalanceEnd::Stable));
        assert_eq!(told.0.views()[0].rebalances.len(), KEPT);
    }
}
