//! The time line in the store: its branches come back when the cluster is opened again.
//!
//! The store holds the living branch as files. Of each other one it holds what was done in it, and of each life of the
//! cluster what that began with: a branch is found again by doing the same again. A branch is written when it is left,
//! with the commit that stores the branch that lives from then on, so that the two are never at odds. While it lives
//! again, what the store has of it is how it was left last; those that fork from it need no more.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::Instant;
use blumfeld_store::{StoredBranch, StoredMark, StoredPast};
use blumfeld_timeline::{Earlier, Kept, Mark, Timeline};
use bytes::Bytes;

use super::{Engine, wire};
use crate::boot::Past;
use crate::record::{Done, Record, Step};
use crate::run::{FIRST_ID, Run};

/// Bytes that all of it may take in the store.
const CAP: u64 = 32 << 20;

/// What the store has, or is to have.
#[derive(Default)]
pub(super) struct Keeping {
    /// The branches, by number. Their names are the time line's.
    branches: BTreeMap<u32, StoredBranch>,
    /// What lives began with, by the number of their first branch.
    begun: BTreeMap<u32, Bytes>,
    /// The keys of values that are still to be written.
    unstored: BTreeSet<String>,
}

/// Where the deeds of a branch are.
fn deeds_of(id: u32) -> String {
    format!("past/{id}")
}

/// Where that is what a life began with.
fn begin_of(id: u32) -> String {
    format!("past/{id}/begin")
}

fn stored(mark: Mark) -> StoredMark {
    StoredMark { events: mark.events, now: mark.now.as_micros(), steps: mark.steps as u64 }
}

fn mark(stored: StoredMark) -> Mark {
    let steps = usize::try_from(stored.steps).unwrap_or(usize::MAX);
    Mark { events: stored.events, now: Instant::from_micros(stored.now), steps }
}

fn place(of: Option<(u32, StoredMark)>) -> Option<(u32, Mark)> {
    of.map(|(id, at)| (id, mark(at)))
}

fn stored_place(of: Option<(u32, Mark)>) -> Option<(u32, StoredMark)> {
    of.map(|(id, at)| (id, stored(at)))
}

/// The time line of a life that begins with this run, after those that the store knows.
pub(super) fn resume(run: &Run, past: Past) -> (Timeline<Run>, Keeping) {
    let Past { tree, values } = past;
    let mut keeping = Keeping::default();
    let mut earlier = Earlier {
        living: tree.living,
        from: place(tree.from),
        branches: Vec::new(),
        beginnings: BTreeMap::new(),
        forgotten: tree.forgotten,
        cap: tree.cap,
    };
    for branch in tree.branches {
        let steps = values.get(&deeds_of(branch.id)).and_then(|text| serde_json::from_slice(text).ok());
        // Without its deeds it cannot be found again; those that fork from it are given up with it.
        let Some(steps): Option<Vec<Step>> = steps.filter(|steps: &Vec<Step>| {
            usize::try_from(branch.end.steps).is_ok_and(|wanted| wanted == steps.len())
        }) else {
            earlier.forgotten = earlier.forgotten.saturating_add(1);
            continue;
        };
        if branch.parent.is_none()
            && let Some(text) = values.get(&begin_of(branch.id))
            && let Ok(boot) = Record::beginning(text).and_then(Record::boot)
        {
            let mut run = Run::new(boot);
            run.world.keep_wire(wire::KEPT);
            earlier.beginnings.insert(branch.id, run);
            keeping.begun.insert(branch.id, text.clone());
        }
        earlier.branches.push(Kept {
            id: branch.id,
            name: branch.name.clone(),
            parent: place(branch.parent),
            after: place(branch.after),
            steps: steps.into_iter().map(Into::into).collect(),
            end: mark(branch.end),
        });
        keeping.branches.insert(branch.id, branch);
    }
    (Timeline::resume(run, earlier), keeping)
}

impl Keeping {
    /// The world's digest at the end of a branch, as it was when that was left.
    pub fn digest(&self, id: u32) -> Option<u64> {
        self.branches.get(&id).map(|branch| branch.digest)
    }

    /// What a life began with.
    pub fn begun(&self, first: u32) -> Option<&Bytes> {
        self.begun.get(&first)
    }

    fn bytes(&self) -> u64 {
        self.branches.values().flat_map(|branch| branch.values.values()).sum()
    }

    /// The branches that fork from another one, by their numbers.
    fn is_parent(&self, id: u32) -> bool {
        self.branches.values().any(|one| one.parent.is_some_and(|(parent, _)| parent == id))
    }

    /// Gives up a branch with all that fork from it.
    fn give_up(&mut self, id: u32) {
        let mut going = vec![id];
        while let Some(id) = going.pop() {
            self.branches.remove(&id);
            self.begun.remove(&id);
            self.unstored.remove(&deeds_of(id));
            self.unstored.remove(&begin_of(id));
            let of = |one: &&StoredBranch| one.parent.is_some_and(|(parent, _)| parent == id);
            going.extend(self.branches.values().filter(of).map(|one| one.id));
        }
    }
}

impl Engine {
    /// The branch of this number was left: it is to be stored as it is now.
    pub(super) fn keep_left(&mut self, id: u32) {
        self.unstored = true;
        let first = self.timeline.first_of(id);
        if self.keeping.begun(first).is_none() {
            // Too large to be kept: then nothing of this life is.
            let Some(text) = self.record.borrow_mut().begun() else { return };
            self.keeping.begun.insert(first, text.into());
            self.keeping.unstored.insert(begin_of(first));
        }
        let Some((end, digest)) = self.timeline.left_at(id) else { return };
        let Some((name, parent, after)) = self.timeline.facts(id) else { return };
        let branch = StoredBranch {
            id,
            name: name.to_owned(),
            parent: stored_place(parent),
            after: stored_place(after),
            end: stored(end),
            digest,
            values: BTreeMap::new(),
        };
        self.keeping.branches.insert(id, branch);
        self.keeping.unstored.insert(deeds_of(id));
    }

    /// What of the time line the store does not have yet, each value under its key. From here on
    /// [`meta`](Self::meta) says that it has it.
    pub fn take_past(&mut self) -> Vec<(String, Bytes)> {
        let living = self.timeline.living_id();
        let gone: Vec<u32> = (self.keeping.branches.keys().copied())
            .filter(|id| {
                self.timeline.facts(*id).is_none() || (*id == living && !self.keeping.is_parent(*id))
            })
            .collect();
        gone.into_iter().for_each(|id| self.keeping.give_up(id));
        let mut values = BTreeMap::new();
        let ids: Vec<u32> = self.keeping.branches.keys().copied().collect();
        for id in ids {
            let Some(branch) = self.keeping.branches.get(&id) else { continue };
            let mut lengths = branch.values.clone();
            if self.keeping.unstored.contains(&deeds_of(id)) {
                let kept = self.timeline.to_keep(id, mark(branch.end));
                let steps = kept.map(|kept| kept.steps.into_iter().map(Step::from).collect::<Vec<Step>>());
                let text = steps.and_then(|steps| serde_json::to_vec(&steps).ok());
                let Some(text) = text else {
                    self.keeping.give_up(id);
                    continue;
                };
                lengths.insert(deeds_of(id), text.len() as u64);
                values.insert(deeds_of(id), text.into());
            }
            if branch.parent.is_none()
                && let Some(text) = self.keeping.begun(id)
            {
                lengths.insert(begin_of(id), text.len() as u64);
                if self.keeping.unstored.contains(&begin_of(id)) {
                    values.insert(begin_of(id), text.clone());
                }
            }
            if let Some(branch) = self.keeping.branches.get_mut(&id) {
                branch.values = lengths;
            }
        }
        // The oldest that nothing needs goes first.
        while self.keeping.bytes() > CAP {
            let leaf = self.keeping.branches.keys().copied().find(|id| !self.keeping.is_parent(*id));
            let Some(leaf) = leaf else { break };
            self.keeping.give_up(leaf);
        }
        let needed: BTreeSet<&String> =
            self.keeping.branches.values().flat_map(|branch| branch.values.keys()).collect();
        values.retain(|key, _| needed.contains(key));
        self.keeping.unstored.clear();
        values.into_iter().collect()
    }

    /// These values were not stored: they are still to be.
    pub fn put_back_past(&mut self, keys: Vec<String>) {
        self.unstored |= !keys.is_empty();
        self.keeping.unstored.extend(keys);
    }

    /// There is no room for these values: what needs them is given up, so that the cluster itself is stored.
    pub fn give_up_past(&mut self, keys: &[String]) {
        let ids: Vec<u32> = (self.keeping.branches.values())
            .filter(|branch| branch.values.keys().any(|key| keys.contains(key)))
            .map(|branch| branch.id)
            .collect();
        ids.into_iter().for_each(|id| self.keeping.give_up(id));
        self.unstored = true;
    }

    /// What the store is told of the time line.
    pub(super) fn stored_past(&self) -> StoredPast {
        let living = self.timeline.living_id();
        let facts = self.timeline.facts(living);
        let kept = |place: &(u32, Mark)| self.keeping.branches.contains_key(&place.0);
        // The next life goes on from how this branch was left last, or from where it forks, if that is kept.
        let from = match self.keeping.branches.get(&living) {
            Some(before) => Some((living, before.end)),
            None => facts.and_then(|(_, parent, after)| stored_place(parent.or(after).filter(kept))),
        };
        let named = |branch: &StoredBranch| {
            let name = self.timeline.facts(branch.id).map_or("", |(name, ..)| name).to_owned();
            StoredBranch { name, ..branch.clone() }
        };
        StoredPast {
            living: facts.map_or("", |(name, ..)| name).to_owned(),
            from,
            branches: self.keeping.branches.values().map(named).collect(),
            forgotten: self.timeline.forgotten().saturating_add(self.unkept()),
            cap: self.timeline.other_cap(),
        }
    }

    /// Branches that the next life will not have, because there is no room for them in the store.
    pub(super) fn unkept(&self) -> u32 {
        let living = self.timeline.living_id();
        let missing = |id: &u32| *id != living && !self.keeping.branches.contains_key(id);
        u32::try_from(self.timeline.ids().filter(missing).count()).unwrap_or(u32::MAX)
    }

    /// The number of a line of the console that no branch has used.
    pub fn free_line(&self) -> u32 {
        // Those of the program's own lines begin with this.
        let used = |id: &u32| *id < FIRST_ID;
        let lines = self.timeline.all_deeds().filter_map(Done::line).filter(used);
        lines.max().map_or(0, |last| last.saturating_add(1))
    }
}
