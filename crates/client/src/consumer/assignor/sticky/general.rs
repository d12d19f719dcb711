//! The assignment where members want different topics (AbstractStickyAssignor.GeneralAssignmentBuilder): what
//! is not owned goes to the member that has the least, and then partitions move as long as that makes the
//! assignment more even.

use std::collections::{BTreeMap, BTreeSet};

use super::super::java::string_hash;
use super::movements::Movements;
use super::{AssignmentError, Consumer, Group, Part, remove_first};

/// All that decides what moves next.
type State = (Vec<Option<Vec<Part>>>, BTreeMap<Part, Consumer>, Movements);

pub(super) struct Builder<'a> {
    group: &'a Group<'a>,
    /// By topic, the members that want it, and by member, the topics that exist; both as often as a member names a
    /// topic.
    wanted_by: Vec<Vec<Consumer>>,
    wants: Vec<Vec<usize>>,
    /// What each member has; `None` for those that take no part in moving.
    lists: Vec<Option<Vec<Part>>>,
    owner: BTreeMap<Part, Consumer>,
    /// Members that take part, by how much they have.
    by_size: BTreeSet<(usize, Consumer)>,
    /// Partitions of topics that few want come first.
    all: Vec<Part>,
    /// Who had a partition in an earlier generation, and in which.
    previous: BTreeMap<Part, (Consumer, i32)>,
    movements: Movements,
    revoked: bool,
    /// Whether no partition is with two members: claims of partitions that do not exist can bring that about.
    unique: bool,
    total: usize,
}

impl<'a> Builder<'a> {
    pub fn new(group: &'a Group<'a>, owned: Vec<Vec<Part>>) -> Builder<'a> {
        let mut wanted_by = vec![Vec::new(); group.topics.len()];
        let mut wants = vec![Vec::new(); group.members.len()];
        for &consumer in &group.in_table {
            for topic in &group.members[consumer].subscription.topics {
                let by_name = group.topics.binary_search_by(|one| super::compare(one.name, topic));
                if let Ok(topic) = by_name {
                    wants[consumer].push(topic);
                    wanted_by[topic].push(consumer);
                }
            }
        }
        let mut sorted: Vec<usize> = (0..group.topics.len()).collect();
        sorted.sort_by_key(|&topic| wanted_by[topic].len());
        let numbers = |topic: usize| group.topics[topic].racks.keys();
        let of_topic = |topic: usize| numbers(topic).map(move |&number| Part { topic, number });
        let owners = owned.iter().enumerate();
        Builder {
            group,
            owner: owners.flat_map(|(of, parts)| parts.iter().map(move |&part| (part, of))).collect(),
            all: sorted.into_iter().flat_map(of_topic).collect(),
            lists: owned.into_iter().map(Some).collect(),
            wanted_by,
            wants,
            by_size: BTreeSet::new(),
            previous: BTreeMap::new(),
            movements: Movements::default(),
            revoked: false,
            unique: true,
            total: group.total(),
        }
    }

    pub fn build(mut self) -> Result<Vec<Vec<Part>>, AssignmentError> {
        self.find_previous();
        let mut assigned = self.keep();
        assigned.sort_by_key(|part| (self.wanted_by[part.topic].len(), *part));
        let rest = Group::unassigned(self.all.iter().copied(), &assigned);
        self.by_size = (0..self.lists.len()).map(|consumer| (self.size(consumer), consumer)).collect();
        self.balance(rest)?;
        Ok(self.lists.into_iter().map(Option::unwrap_or_default).collect())
    }

    fn size(&self, consumer: Consumer) -> usize {
        self.lists[consumer].as_ref().map_or(0, Vec::len)
    }

    /// The same of one that has to take part.
    fn size_of(&self, consumer: Consumer) -> Result<usize, AssignmentError> {
        self.lists[consumer].as_ref().map(Vec::len).ok_or(AssignmentError::UnknownOwner)
    }

    /// Members of earlier generations: a partition may go back to them if nothing else speaks against it.
    fn find_previous(&mut self) {
        let latest = self.group.max_generation;
        for &consumer in &self.group.in_table {
            let data = &self.group.members[consumer].data;
            let generation = match data.generation {
                Some(generation) if generation < latest => generation,
                None if latest > -1 => -1,
                Some(_) | None => continue,
            };
            for part in data.partitions.iter().filter_map(|of| self.group.part(of)) {
                let known = self.previous.get(&part).is_some_and(|(_, known)| *known >= generation);
                if !known {
                    self.previous.insert(part, (consumer, generation));
                }
            }
        }
    }

    /// Members keep what they own and still want, in their racks. Gives all of that.
    fn keep(&mut self) -> Vec<Part> {
        let mut kept = Vec::new();
        for (consumer, list) in self.lists.iter_mut().enumerate() {
            let Some(list) = list else { continue };
            let before = list.len();
            let topics = &self.wants[consumer];
            list.retain(|part| topics.contains(&part.topic) && !self.group.racks_mismatch(consumer, *part));
            self.revoked |= list.len() < before;
            kept.extend(list.iter().copied());
        }
        kept
    }

    fn balance(&mut self, mut rest: Vec<Part>) -> Result<(), AssignmentError> {
        let initializing = self.by_size.last().is_none_or(|(size, _)| *size == 0);
        let mut open = rest.clone();
        if self.group.by_racks() {
            open.retain(|part| !self.give_to_least(*part, true));
        }
        for part in open {
            self.give_to_least(part, false);
        }
        // Only what more than one member wants can move.
        let movable: Vec<bool> = self.wanted_by.iter().map(|members| members.len() >= 2).collect();
        let mut all = std::mem::take(&mut self.all);
        all.retain(|part| movable[part.topic] || !self.exists(*part));
        rest.retain(|part| movable[part.topic] || !self.exists(*part));
        let mut fixed = Vec::new();
        for consumer in 0..self.lists.len() {
            if !self.takes_part(consumer, &movable) {
                self.by_size.remove(&(self.size(consumer), consumer));
                fixed.push((consumer, self.lists[consumer].take()));
            }
        }
        let mut seen = BTreeSet::new();
        self.unique = self.lists.iter().flatten().flatten().all(|part| seen.insert(*part));
        let before = self.lists.clone();
        if !self.revoked {
            self.move_what_helps(&rest)?;
        }
        let moved = self.move_what_helps(&all)?;
        if !initializing && moved && score(&self.lists) >= score(&before) {
            self.lists = before;
        }
        for (consumer, list) in fixed {
            self.lists[consumer] = list;
        }
        Ok(())
    }

    fn exists(&self, part: Part) -> bool {
        self.group.topics[part.topic].numbers().contains(&part.number)
    }

    /// Gives a partition to the member with the least of those that want it (and are in one of its racks).
    fn give_to_least(&mut self, part: Part, by_racks: bool) -> bool {
        let fits = |&&(_, consumer): &&(usize, Consumer)| {
            self.wants[consumer].contains(&part.topic)
                && !(by_racks && self.group.racks_mismatch(consumer, part))
        };
        let Some(&(size, consumer)) = self.by_size.iter().find(fits) else { return false };
        self.by_size.remove(&(size, consumer));
        if let Some(list) = &mut self.lists[consumer] {
            list.push(part);
        }
        self.owner.insert(part, consumer);
        self.by_size.insert((self.size(consumer), consumer));
        true
    }

    /// The most that a member could have.
    fn most(&self, consumer: Consumer) -> usize {
        let topics = &self.wants[consumer];
        if topics.len() == self.group.topics.len() {
            return self.total;
        }
        topics.iter().map(|&topic| self.group.topics[topic].racks.len()).sum()
    }

    fn takes_part(&self, consumer: Consumer, movable: &[bool]) -> bool {
        let has_movable = || self.lists[consumer].iter().flatten().any(|part| movable[part.topic]);
        self.size(consumer) < self.most(consumer) || has_movable()
    }

    /// Whether no member could be given a partition of one that has at least two more.
    fn is_balanced(&self) -> Result<bool, AssignmentError> {
        let (Some(&(_, least)), Some(&(_, most))) = (self.by_size.first(), self.by_size.last()) else {
            return Err(AssignmentError::UnknownOwner);
        };
        if self.size_of(least)? + 1 >= self.size_of(most)? {
            return Ok(true);
        }
        let mut counted: BTreeMap<Part, Consumer> = BTreeMap::new();
        if !self.unique {
            for &consumer in &self.group.in_table {
                let parts = self.lists[consumer].iter().flatten();
                counted.extend(parts.map(|part| (*part, consumer)));
            }
        }
        let owners = if self.unique { &self.owner } else { &counted };
        for &(size, consumer) in &self.by_size {
            if size == self.most(consumer) {
                continue;
            }
            for &topic in &self.wants[consumer] {
                for number in self.group.topics[topic].numbers() {
                    let part = Part { topic, number };
                    let owner = owners.get(&part).copied();
                    let has = || self.lists[consumer].iter().flatten().any(|one| *one == part);
                    if owner == Some(consumer) || !self.unique && has() {
                        continue;
                    }
                    if size + 1 < self.size_of(owner.ok_or(AssignmentError::UnknownOwner)?)? {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// Moves partitions until that makes nothing more even; gives whether any moved. Now and then partitions go round
    /// in a circle, even in ordinary groups: Java does not come to an end then. Here the circle is noticed, and is the
    /// end.
    fn move_what_helps(&mut self, parts: &[Part]) -> Result<bool, AssignmentError> {
        let mut moved = false;
        // A state is kept after 1, 2, 4, 8 passes and so on, so that a circle of any length is found (Brent).
        let mut kept: Option<State> = None;
        let (mut pass, mut keep_at) = (0_u64, 1);
        loop {
            let mut modified = false;
            for &part in parts {
                if self.is_balanced()? {
                    break;
                }
                modified |= self.move_if_it_helps(part)?;
            }
            moved |= modified;
            let again = kept.as_ref().is_some_and(|(lists, owner, movements)| {
                *lists == self.lists && *owner == self.owner && *movements == self.movements
            });
            if !modified || again {
                return Ok(moved);
            }
            pass += 1;
            if pass == keep_at {
                keep_at *= 2;
                kept = Some((self.lists.clone(), self.owner.clone(), self.movements.clone()));
            }
        }
    }

    fn move_if_it_helps(&mut self, part: Part) -> Result<bool, AssignmentError> {
        let owner = *self.owner.get(&part).ok_or(AssignmentError::UnknownOwner)?;
        if let Some(&(previous, _)) = self.previous.get(&part)
            && self.size_of(owner)? > self.size_of(previous)? + 1
        {
            self.move_to(part, previous)?;
            return Ok(true);
        }
        // Within the racks if one there has less, else to anyone who has.
        let racks = self.group.partition_racks(part);
        let inside = |consumer: Consumer| {
            let rack = self.group.members[consumer].rack;
            rack.is_some_and(|rack| racks.is_some_and(|racks| racks.contains(rack)))
        };
        let mut better = false;
        if inside(owner) {
            for &other in self.wanted_by[part.topic].iter().filter(|&&other| inside(other)) {
                better |= self.size_of(owner)? > self.size_of(other)? + 1;
                if better {
                    break;
                }
            }
        }
        if !better {
            for &other in &self.wanted_by[part.topic] {
                better |= self.size_of(owner)? > self.size_of(other)? + 1;
                if better {
                    break;
                }
            }
        }
        if better {
            let wants = |&&(_, consumer): &&(usize, Consumer)| self.wants[consumer].contains(&part.topic);
            let &(_, to) = self.by_size.iter().find(wants).ok_or(AssignmentError::UnknownOwner)?;
            self.move_to(part, to)?;
        }
        Ok(better)
    }

    /// Moves the partition, or another of its topic that came the other way.
    fn move_to(&mut self, part: Part, to: Consumer) -> Result<(), AssignmentError> {
        let owner_of = |builder: &Self, part| builder.owner.get(&part).copied();
        let from = owner_of(self, part).ok_or(AssignmentError::UnknownOwner)?;
        let topic_hash = string_hash(self.group.topics[part.topic].name);
        let part = self.movements.instead_of(part, from, to, topic_hash);
        let from = owner_of(self, part).ok_or(AssignmentError::UnknownOwner)?;
        self.by_size.remove(&(self.size_of(from)?, from));
        self.by_size.remove(&(self.size_of(to)?, to));
        self.movements.note(part, from, to);
        if let Some(list) = &mut self.lists[from] {
            remove_first(list, part);
        }
        if let Some(list) = &mut self.lists[to] {
            list.push(part);
        }
        self.owner.insert(part, to);
        self.by_size.insert((self.size(to), to));
        self.by_size.insert((self.size(from), from));
        Ok(())
    }
}

/// How uneven an assignment is: the differences of all pairs of members.
fn score(lists: &[Option<Vec<Part>>]) -> usize {
    let sizes: Vec<usize> = lists.iter().flatten().map(Vec::len).collect();
    let pairs =
        sizes.iter().enumerate().flat_map(|(at, a)| sizes[at + 1..].iter().map(move |b| a.abs_diff(*b)));
    pairs.sum()
}
