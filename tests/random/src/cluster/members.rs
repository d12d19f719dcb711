//! Brokers that come and go at random, and machines that are lost with their disks and replaced.

use std::time::Duration;

use blumfeld_kernel::{Instant, NodeId, Prng};
use blumfeld_sim::{Membership, MembershipError};

use super::{Run, pick};

/// What is to become of a cluster's members. It draws from a generator of its own: without it a seed is the same run.
#[derive(Clone, Debug)]
pub(super) struct Members {
    rng: Prng,
    next: Instant,
    /// Those whose replicas went with them, and when an empty machine takes their place.
    lost: Vec<(Instant, i32)>,
    /// Nobody goes any more.
    healed: bool,
    /// How many came, went, and were lost with their replicas.
    pub(super) counts: [u64; 3],
}

impl Members {
    pub(super) fn new(seed: u64) -> Members {
        Members {
            rng: Prng::new(seed, "members"),
            next: Instant::ZERO,
            lost: Vec::new(),
            healed: false,
            counts: [0; 3],
        }
    }
}

impl Run {
    /// Now and then somebody comes or goes.
    pub(super) fn change_members(&mut self) {
        let now = self.world.now();
        let Some(mut members) = self.members.take_if(|members| members.next <= now) else { return };
        members.next = now + Duration::from_millis(500 + members.rng.below(6_000));
        let voters =
            |id: i32| self.world.config().brokers.iter().any(|one| one.node_id == id && one.roles.controller);
        let others: Vec<i32> = self.world.nodes().map(|node| node.0).filter(|id| !voters(*id)).collect();
        let change = match members.rng.below(4) {
            0 | 1 if others.is_empty() => Some(Membership::Add { id: None, rack: None }),
            0 => Some(Membership::Add { id: None, rack: Some("rack-1".to_owned()) }),
            _ if others.is_empty() => None,
            1 => Some(Membership::Remove { id: pick(&mut members.rng, &others), force: false }),
            // What a power cut may not take, a lost disk may not either.
            _ => Some(pick(&mut members.rng, &others))
                .filter(|id| !self.topology.reckless && self.may_cut_power(NodeId(*id)))
                .map(|id| Membership::Remove { id, force: true }),
        };
        if let Some(change) = change
            && let Ok(node) = self.world.change_membership(&change)
        {
            let kind = match change {
                Membership::Add { .. } => 0,
                Membership::Remove { force, .. } => 1 + usize::from(force),
            };
            members.counts[kind] += 1;
            match change {
                // It may be one that was lost, whose place it has taken.
                Membership::Add { .. } => members.lost.retain(|(_, id)| *id != node.0),
                Membership::Remove { force: false, .. } => {}
                Membership::Remove { id, force: true } => {
                    self.cut = Some(node);
                    members.lost.push((now + Duration::from_millis(members.rng.below(12_000)), id));
                }
            }
        }
        self.members = Some(members);
    }

    /// An empty machine takes the place of each that is lost, once that is gone.
    pub(super) fn bring_members_back(&mut self) {
        let now = self.world.now();
        let Some(mut members) = self.members.take() else { return };
        if members.healed && self.world.events().is_multiple_of(64) {
            // Somebody may have been given a replica while it was about to go.
            let partitions = self.world.partitions_health().unwrap_or_default();
            let wanted = partitions.iter().flat_map(|one| one.replicas.iter().copied());
            let gone = wanted.filter(|id| !self.world.nodes().any(|node| node.0 == *id));
            members.lost.extend(gone.map(|id| (now, id)));
        }
        for (_, id) in members.lost.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>() {
            // It may still be going.
            let back = self.world.change_membership(&Membership::Add { id: Some(id), rack: None });
            if back == Err(MembershipError::Taken(id)) && !members.healed {
                members.lost.push((now + Duration::from_secs(1), id));
            }
        }
        self.members = Some(members);
    }

    /// Whether somebody is gone, or is going, whose replicas nobody has yet in its place.
    pub(super) fn lacks_members(&self) -> bool {
        self.members.as_ref().is_some_and(|members| !members.lost.is_empty())
    }

    /// Nobody stays away.
    pub(super) fn heal_members(&mut self) {
        if let Some(members) = &mut self.members {
            members.healed = true;
        }
    }
}
