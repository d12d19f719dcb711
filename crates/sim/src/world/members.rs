//! Machines that come to the cluster and go from it.

use blumfeld_broker::{Broker, BrokerConfig};
use blumfeld_kernel::{Disk, DiskOp, NodeId, TraceEvent};

use crate::calls::Call;
use crate::disk::{DiskChange, MachineDisk};
use crate::event::Event;
use crate::fault::Side;
use crate::membership::{IDS, Membership, MembershipError};
use crate::slot::Slot;
use crate::trace::TraceLine;
use crate::world::faults::Down;
use crate::world::{Machine, World, listeners};

impl World {
    /// Puts a machine there. `life` tells it from earlier ones of the same id: its random choices are others, and what
    /// was under way on their disks is not its own.
    pub(super) fn install(&mut self, config: BrokerConfig, disk: Disk, life: u64) {
        let node = NodeId(config.node_id);
        let name = |what: &str| match life {
            0 => format!("{what}-{}", node.0),
            _ => format!("{what}-{}-{life}", node.0),
        };
        self.listeners.extend(listeners(&config).into_iter().map(|listener| (listener, node)));
        let machine = Machine {
            slot: Slot::new(self.config.rng(&name("broker")), 0),
            disk_rng: self.config.rng(&name("disk")),
            config,
            disk: MachineDisk::new(disk, self.config.disk),
            broker: None,
            boot: life << 32,
            writeback_at: None,
            down: Down::NotStarted,
            leaving: false,
            starts_again: false,
        };
        self.machines.insert(node, machine);
    }

    /// Adds a broker, or takes one away. Gives which. One that runs is taken away once it has ended in order.
    ///
    /// # Errors
    /// It cannot be done; nothing is changed then.
    pub fn change_membership(&mut self, change: &Membership) -> Result<NodeId, MembershipError> {
        self.note_call(|| Call::Change(change.clone()));
        match change {
            Membership::Add { id, rack } => Ok(self.let_in(self.joining(*id, rack.clone())?)),
            Membership::Remove { id, force } => {
                self.remove_broker(NodeId(*id), *force)?;
                Ok(NodeId(*id))
            }
        }
    }

    /// The config of a broker that may join: `id` from 1 to 9, or the lowest that is free.
    ///
    /// # Errors
    /// The id is none or another has it, or no id is free.
    pub fn joining(&self, id: Option<i32>, rack: Option<String>) -> Result<BrokerConfig, MembershipError> {
        let taken = |id: i32| self.machines.contains_key(&NodeId(id));
        let id = id.or_else(|| IDS.into_iter().find(|id| !taken(*id))).ok_or(MembershipError::Full)?;
        if !IDS.contains(&id) {
            return Err(MembershipError::Id(id));
        }
        if taken(id) {
            return Err(MembershipError::Taken(id));
        }
        let first = self.config.brokers.first().ok_or(MembershipError::Full)?;
        Ok(first.joining(id, rack))
    }

    /// Adds a machine with an empty disk, whose broker starts at once. `config` is one of [`joining`](Self::joining)'s,
    /// perhaps with other listeners.
    pub fn admit(&mut self, config: BrokerConfig) -> NodeId {
        self.note_call(|| Call::Admit(Box::new(config.clone())));
        self.let_in(config)
    }

    fn let_in(&mut self, config: BrokerConfig) -> NodeId {
        let node = NodeId(config.node_id);
        let address = config.advertised.to_string().into();
        self.config.brokers.push(config.clone());
        self.config.brokers.sort_by_key(|broker| broker.node_id);
        self.runs += 1;
        self.install(config, Disk::default(), self.runs);
        self.tell(TraceEvent::BrokerAdded { broker: node.0, address });
        self.schedule(self.now, Event::Start { node });
        node
    }

    fn remove_broker(&mut self, node: NodeId, force: bool) -> Result<(), MembershipError> {
        let machine = self.machine(node)?;
        if machine.config.roles.controller {
            return Err(MembershipError::Voter(node));
        }
        if machine.leaving {
            return Err(MembershipError::Leaving(node));
        }
        if !force {
            let brokers = || self.machines.values().filter_map(|machine| machine.broker.as_ref());
            // A node that has just started knows of no topics, and would be the best informed of all.
            if !brokers().any(Broker::is_active_controller) {
                return Err(MembershipError::NoController(node));
            }
            let replicas = self.replicas_on(node);
            if let Some(first) = replicas.first() {
                let (first, others) = (first.clone(), replicas.len() - 1);
                return Err(MembershipError::HasReplicas { node, first, others });
            }
        }
        let runs = machine.broker.is_some();
        if !runs {
            self.take_away(node);
        } else if let Some(machine) = self.machines.get_mut(&node) {
            machine.leaving = true;
            self.end_in_order(node);
        }
        Ok(())
    }

    /// The partitions of which a broker has a replica, as the best informed node knows them.
    fn replicas_on(&self, node: NodeId) -> Vec<String> {
        let topics =
            self.best_informed().map(|broker| broker.image().topics().values()).into_iter().flatten();
        topics
            .flat_map(|topic| {
                topic.partitions.iter().map(move |(number, partition)| (topic, number, partition))
            })
            .filter(|(.., partition)| partition.replicas.contains(&node.0))
            .map(|(topic, number, _)| format!("{}-{number}", topic.name))
            .collect()
    }

    /// Takes a machine away whose process does not run.
    pub(super) fn take_away(&mut self, node: NodeId) {
        let Some(machine) = self.machines.remove(&node) else { return };
        self.config.brokers.retain(|broker| broker.node_id != node.0);
        self.listeners.retain(|_, at| *at != node);
        self.paused.remove(&node);
        let side = Side::Node(node);
        self.rules.retain(|rule| !rule.is_at(side));
        self.network.conditions.retain(|(from, to), _| *from != side && *to != side);
        let paths: Vec<_> = machine.disk.disk().files().map(|(path, _)| path.clone()).collect();
        if let Some(ops) = &mut self.disk_ops {
            ops.extend(paths.iter().map(|path| (node, DiskOp::Delete { path: path.clone() })));
        }
        self.gone.extend(paths.into_iter().map(|path| (node, DiskChange { path, from: 0 })));
        self.tell(TraceEvent::BrokerRemoved { broker: node.0 });
    }

    fn tell(&mut self, event: TraceEvent) {
        self.trace.push(TraceLine { at: self.now, node: NodeId::WORLD, event });
    }
}
