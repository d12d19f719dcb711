//! One change of a partition's leader, ISR or replicas (org.apache.kafka.controller.PartitionChangeBuilder).

use blumfeld_protocol::Uuid;

use crate::metadata::{MetadataImage, PartitionChange, PartitionRegistration};

/// Which leader is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Election {
    /// The first replica, if it may lead.
    Preferred,
    /// One that has everything.
    Online,
    /// One that has everything, else any that lives.
    Unclean,
}

/// What a partition is to become.
pub struct PartitionChangeBuilder<'a> {
    image: &'a MetadataImage,
    topic_id: Uuid,
    partition: i32,
    now: &'a PartitionRegistration,
    min_isr: usize,
    election: Election,
    acceptable: &'a dyn Fn(i32) -> bool,
    target_isr: Vec<i32>,
    target_replicas: Vec<i32>,
    target_removing: Vec<i32>,
    target_adding: Vec<i32>,
    target_elr: Vec<i32>,
    /// Replicas whose broker came back without having been shut down in order.
    unclean_shutdown: Vec<i32>,
    recovering: bool,
}

impl<'a> PartitionChangeBuilder<'a> {
    /// Begins from what the partition is. `acceptable` says which brokers may lead.
    pub fn new(
        image: &'a MetadataImage,
        topic: &str,
        topic_id: Uuid,
        partition: i32,
        now: &'a PartitionRegistration,
        acceptable: &'a dyn Fn(i32) -> bool,
    ) -> PartitionChangeBuilder<'a> {
        PartitionChangeBuilder {
            image,
            topic_id,
            partition,
            now,
            min_isr: image.min_insync_replicas(topic),
            election: if image.unclean_leader_election(topic) { Election::Unclean } else { Election::Online },
            acceptable,
            target_isr: now.isr.clone(),
            target_replicas: now.replicas.clone(),
            target_removing: now.removing.clone(),
            target_adding: now.adding.clone(),
            target_elr: now.elr.clone(),
            unclean_shutdown: Vec::new(),
            recovering: now.recovering,
        }
    }

    /// Looks for a leader in this way.
    pub fn election(mut self, election: Election) -> Self {
        self.election = election;
        self
    }

    /// The ISR is to be this.
    pub fn isr(mut self, isr: Vec<i32>) -> Self {
        self.target_isr = isr;
        self
    }

    /// The replicas are to be these, some being brought and some taken away.
    pub fn assignment(mut self, replicas: Vec<i32>, removing: Vec<i32>, adding: Vec<i32>) -> Self {
        (self.target_replicas, self.target_removing, self.target_adding) = (replicas, removing, adding);
        self
    }

    /// This broker came back without having been shut down in order.
    pub fn unclean_shutdown(mut self, broker: i32) -> Self {
        self.target_isr.retain(|id| *id != broker);
        self.unclean_shutdown.push(broker);
        self
    }

    /// Whether the leader has recovered.
    pub fn recovering(mut self, recovering: bool) -> Self {
        self.recovering = recovering;
        self
    }

    fn elr_enabled(&self) -> bool {
        self.image.feature("eligible.leader.replicas.version").unwrap_or(0) >= 1
    }

    /// The record, if anything changes.
    pub fn build(mut self) -> Option<PartitionChange> {
        let now = self.now;
        let mut change = PartitionChange {
            partition: self.partition,
            topic_id: self.topic_id,
            ..PartitionChange::default()
        };
        self.complete_reassignment();
        let elr_enabled = self.elr_enabled();
        if elr_enabled {
            self.populate_elr();
        } else if self.target_isr.is_empty() {
            // Without eligible replicas to remember, the last of the ISR stays in it.
            self.target_isr.clone_from(&now.isr);
        }
        let (leader, unclean) = self.elect();
        if leader != now.leader {
            change.leader = Some(leader);
        }
        if unclean {
            self.target_isr = vec![leader];
            self.target_elr = Vec::new();
            self.recovering = true;
        } else if leader >= 0 && !self.target_isr.contains(&leader) {
            // An eligible replica has everything: it begins a new ISR.
            self.target_isr = vec![leader];
            self.target_elr.retain(|id| *id != leader);
        }
        if self.target_isr != now.isr {
            change.isr = Some(self.target_isr.clone());
        }
        // A replica that is taken away may be the source of what a consumer or follower believes: a new epoch tells
        // them.
        let shrinks = now.replicas.iter().any(|id| !self.target_replicas.contains(id));
        if shrinks && change.leader.is_none() && now.leader >= 0 {
            change.leader = Some(now.leader);
        }
        if self.target_elr != now.elr {
            change.elr = Some(self.target_elr.clone());
        }
        // The last leader is remembered while there is none: it comes first when nobody is eligible.
        match change.leader {
            Some(-1) if elr_enabled && now.last_known_elr.is_empty() => {
                change.last_known_elr = Some(vec![now.leader]);
            }
            Some(0..) if !now.last_known_elr.is_empty() => change.last_known_elr = Some(Vec::new()),
            _ => {}
        }
        if self.target_replicas != now.replicas {
            change.directories = Some(self.directories());
            change.replicas = Some(self.target_replicas.clone());
        }
        if self.target_removing != now.removing {
            change.removing = Some(self.target_removing.clone());
        }
        if self.target_adding != now.adding {
            change.adding = Some(self.target_adding.clone());
        }
        if self.recovering != now.recovering {
            change.leader_recovery_state = Some(i8::from(self.recovering));
        }
        (!change.is_empty()).then_some(change)
    }

    fn directories(&self) -> Vec<Uuid> {
        let of = |id: &i32| match self.now.replicas.iter().position(|have| have == id) {
            Some(at) => self.now.directories.get(at).copied(),
            None => self.image.brokers().get(id).and_then(|broker| broker.log_dirs.first().copied()),
        };
        self.target_replicas.iter().map(|id| of(id).unwrap_or_default()).collect()
    }

    /// Ends a reassignment whose new replicas are all in sync (PartitionReassignmentReplicas).
    fn complete_reassignment(&mut self) {
        if self.target_removing.is_empty() && self.target_adding.is_empty() {
            return;
        }
        let stays = |id: &i32| !self.target_removing.contains(id);
        let replicas: Vec<i32> = self.target_replicas.iter().copied().filter(stays).collect();
        let isr: Vec<i32> = self.target_isr.iter().copied().filter(stays).collect();
        let arrived = self.target_adding.iter().all(|id| isr.contains(id));
        if replicas.is_empty() || isr.is_empty() || !arrived {
            return;
        }
        self.target_elr.retain(|id| replicas.contains(id));
        (self.target_replicas, self.target_isr) = (replicas, isr);
        (self.target_removing, self.target_adding) = (Vec::new(), Vec::new());
    }

    /// Who has everything up to the high watermark, now that the ISR is smaller than `min.insync.replicas` (KIP-966).
    fn populate_elr(&mut self) {
        if self.target_isr.len() >= self.min_isr.min(self.target_replicas.len()) {
            self.target_elr = Vec::new();
            return;
        }
        let mut elr: Vec<i32> = self.now.elr.clone();
        elr.extend(self.now.isr.iter().filter(|id| !self.now.elr.contains(id)));
        let replica = |id: &i32| self.target_replicas.contains(id);
        elr.retain(|id| !self.target_isr.contains(id) && !self.unclean_shutdown.contains(id) && replica(id));
        self.target_elr = elr;
    }

    fn may_lead(&self, id: i32) -> bool {
        (self.target_isr.contains(&id) || self.target_elr.contains(&id)) && (self.acceptable)(id)
    }

    /// The leader, and whether it was chosen though it may lack records.
    fn elect(&self) -> (i32, bool) {
        let any = || self.target_replicas.iter().copied().find(|id| self.may_lead(*id));
        if self.election == Election::Preferred
            && let Some(preferred) = self.target_replicas.first().copied().filter(|id| self.may_lead(*id))
        {
            return (preferred, false);
        }
        let stays = self.target_replicas.contains(&self.now.leader) && self.may_lead(self.now.leader);
        if stays {
            return (self.now.leader, false);
        }
        if let Some(leader) = any() {
            return (leader, false);
        }
        if self.election == Election::Preferred {
            return (-1, false);
        }
        if self.elr_enabled() && self.target_elr.is_empty() && self.target_isr.is_empty() {
            // Nobody is known to have everything. The last leader is the best there is (balanced recovery of KIP-966).
            if let [last] = self.now.last_known_elr[..]
                && (self.acceptable)(last)
            {
                return (last, true);
            }
        }
        if self.election == Election::Unclean
            && let Some(leader) = self.target_replicas.iter().copied().find(|id| (self.acceptable)(*id))
        {
            return (leader, true);
        }
        (-1, false)
    }
}
