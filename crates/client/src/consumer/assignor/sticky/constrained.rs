//! The assignment where all members want the same topics (AbstractStickyAssignor.ConstrainedAssignmentBuilder):
//! everyone gets so many partitions, and some one more.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{AssignmentError, Consumer, Group, Part};

/// What moves, and to whom.
type Moving = BTreeMap<Part, Consumer>;

pub(super) struct Builder<'a> {
    group: &'a Group<'a>,
    /// What several members claim.
    contested: BTreeSet<Part>,
    /// What was taken from whom, perhaps to be given back.
    taken: BTreeMap<Part, Consumer>,
    /// Members that have not got the least yet.
    under: Vec<Consumer>,
    /// Members that have got the least, and may get one more.
    exact: VecDeque<Consumer>,
    least: usize,
    most: usize,
    /// How many members get one more, and how many have got it.
    expected_over: usize,
    over: usize,
    lists: Vec<Vec<Part>>,
    moving: Moving,
}

impl<'a> Builder<'a> {
    pub fn new(group: &'a Group<'a>, contested: BTreeSet<Part>) -> Builder<'a> {
        let (total, members) = (group.total(), group.members.len().max(1));
        Builder {
            group,
            contested,
            taken: BTreeMap::new(),
            under: Vec::new(),
            exact: VecDeque::new(),
            least: total / members,
            most: total.div_ceil(members),
            expected_over: total % members,
            over: 0,
            lists: vec![Vec::new(); group.members.len()],
            moving: Moving::new(),
        }
    }

    pub fn build(mut self, owned: Vec<Vec<Part>>) -> Result<(Vec<Vec<Part>>, Moving), AssignmentError> {
        self.keep(owned);
        let mut assigned: Vec<Part> = self.lists.iter().flatten().copied().collect();
        assigned.sort_unstable();
        let mut rest = if assigned.is_empty() {
            all_partitions(self.group)
        } else {
            let topics = self.group.topics.iter().enumerate();
            let all = topics.flat_map(|(topic, of)| of.numbers().map(move |number| Part { topic, number }));
            Group::unassigned(all, &assigned)
        };
        // Members are named by their place in the order of ids.
        self.under.sort_unstable();
        self.exact.make_contiguous().sort_unstable();
        if self.group.by_racks() {
            rest.sort_by_key(|part| self.candidates(*part));
            rest = self.fill_by_racks(rest);
        }
        self.fill(rest)?;
        // Members that are left have too little, whether or not all that get one more have got it.
        if self.under.iter().any(|&consumer| self.lists[consumer].len() != self.least)
            || !self.under.is_empty() && self.over != self.expected_over
        {
            return Err(AssignmentError::TooFewPartitions);
        }
        Ok((self.lists, self.moving))
    }

    /// How many members are in the racks of a partition.
    fn candidates(&self, part: Part) -> usize {
        let Some(racks) = self.group.partition_racks(part) else { return 0 };
        let inside = |rack: Option<&str>| rack.is_some_and(|rack| racks.contains(rack));
        self.group.members.iter().filter(|member| inside(member.rack)).count()
    }

    /// Members keep what they own, up to their quota.
    fn keep(&mut self, mut owned: Vec<Vec<Part>>) {
        for &consumer in &self.group.in_table {
            let mut parts = std::mem::take(&mut owned[consumer]);
            parts.retain(|part| {
                let mismatch = self.group.racks_mismatch(consumer, *part);
                if mismatch {
                    self.taken.insert(*part, consumer);
                }
                !mismatch && !self.contested.contains(part)
            });
            parts.sort_by_key(|part| (part.number, part.topic));
            let kept = if parts.len() < self.least {
                self.under.push(consumer);
                parts.len()
            } else if parts.len() >= self.most && self.over < self.expected_over {
                self.over += 1;
                if self.over == self.expected_over {
                    self.exact.clear();
                }
                self.most
            } else {
                if self.over < self.expected_over {
                    self.exact.push_back(consumer);
                }
                self.least
            };
            self.taken.extend(parts.drain(kept..).map(|part| (part, consumer)));
            self.lists[consumer].append(&mut parts);
        }
    }

    /// The next of these members that is in one of the partition's racks.
    fn next_in_rack(&self, part: Part, among: &[Consumer], first: usize) -> Option<usize> {
        let racks = self.group.partition_racks(part)?;
        let inside =
            |&at: &usize| self.group.members[among[at]].rack.is_some_and(|rack| racks.contains(rack));
        (0..among.len()).map(|step| (first + step) % among.len()).find(inside)
    }

    /// Gives partitions to members in their racks; what is left goes to anyone.
    fn fill_by_racks(&mut self, parts: Vec<Part>) -> Vec<Part> {
        let mut first = 0;
        let mut rest = Vec::new();
        for part in parts {
            let to = if let Some(mut at) = self.next_in_rack(part, &self.under, first) {
                let consumer = self.under[at];
                let count = self.lists[consumer].len() + 1;
                if count >= self.least {
                    self.under.remove(at);
                    if count < self.most && self.over < self.expected_over {
                        self.exact.push_back(consumer);
                    }
                } else {
                    at += 1;
                }
                first = at.checked_rem(self.under.len()).unwrap_or(0);
                Some(consumer)
            } else {
                self.exact.make_contiguous();
                self.next_in_rack(part, self.exact.as_slices().0, 0).and_then(|at| {
                    let consumer = *self.exact.get(at)?;
                    if self.lists[consumer].len() + 1 == self.most {
                        self.exact.remove(at);
                        self.over += 1;
                        if self.over == self.expected_over {
                            self.exact.clear();
                        }
                    }
                    Some(consumer)
                })
            };
            match to {
                Some(consumer) => self.give(part, consumer),
                None => rest.push(part),
            }
        }
        rest
    }

    /// Gives partitions in turn, first to those that have less than the least.
    fn fill(&mut self, parts: Vec<Part>) -> Result<(), AssignmentError> {
        let mut next = 0;
        for part in parts {
            if next >= self.under.len() {
                next = 0;
            }
            let consumer = match self.under.get(next) {
                Some(&consumer) => {
                    next += 1;
                    consumer
                }
                None => self.exact.pop_front().ok_or(AssignmentError::NoUnfilledConsumers)?,
            };
            self.give(part, consumer);
            let count = self.lists[consumer].len();
            if count == self.least {
                next -= 1;
                self.under.remove(next);
                self.exact.push_back(consumer);
            } else if count == self.most {
                self.over += 1;
            }
        }
        Ok(())
    }

    fn give(&mut self, part: Part, to: Consumer) {
        self.lists[to].push(part);
        if self.taken.get(&part).is_some_and(|from| *from != to) || self.contested.contains(&part) {
            self.moving.insert(part, to);
        }
    }
}

fn all_partitions(group: &Group<'_>) -> Vec<Part> {
    let topics = group.topics.iter().enumerate();
    topics.flat_map(|(topic, of)| of.racks.keys().map(move |&number| Part { topic, number })).collect()
}
