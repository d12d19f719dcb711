//! What the cluster's metadata is after a record (org.apache.kafka.image.MetadataImage).

use std::collections::BTreeMap;
use std::sync::Arc;

use blumfeld_protocol::Uuid;

use super::{
    Listener, MetadataRecord, PartitionChange, QuotaEntity, QuotaValue, ResourceType, ScramCredential,
};

/// A broker as the controller knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerRegistration {
    /// `node.id`.
    pub id: i32,
    /// Which start of its process this is.
    pub incarnation_id: Uuid,
    /// Offset of the record that registered it: newer registrations have higher epochs.
    pub epoch: i64,
    /// Where it is found.
    pub listeners: Vec<Listener>,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// Whether it may not lead or be found by clients.
    pub fenced: bool,
    /// Whether it is going in order: it may not lead, and leaves every ISR.
    pub in_controlled_shutdown: bool,
    /// Ids of its log directories.
    pub log_dirs: Vec<Uuid>,
}

impl BrokerRegistration {
    /// Whether it may lead and be in sync.
    pub fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }
}

/// A partition as the controller knows it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PartitionRegistration {
    /// Replicas by `node.id`, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Those in sync.
    pub isr: Vec<i32>,
    /// Those that are not in sync and have everything up to the high watermark (eligible leader replicas, KIP-966).
    pub elr: Vec<i32>,
    /// Those that once were eligible, or the last leader.
    pub last_known_elr: Vec<i32>,
    /// Those that a reassignment takes away.
    pub removing: Vec<i32>,
    /// Those that a reassignment brings.
    pub adding: Vec<i32>,
    /// The leader, -1 if there is none.
    pub leader: i32,
    /// Goes up with every new leader.
    pub leader_epoch: i32,
    /// Goes up with every change.
    pub partition_epoch: i32,
    /// Whether the leader was elected uncleanly and has not said yet that it has recovered.
    pub recovering: bool,
    /// The directory of each replica.
    pub directories: Vec<Uuid>,
}

impl PartitionRegistration {
    /// Takes a change (PartitionRegistration.merge).
    pub fn merge(&mut self, change: &PartitionChange) {
        let take = |have: &mut Vec<i32>, new: &Option<Vec<i32>>| {
            if let Some(new) = new {
                have.clone_from(new);
            }
        };
        take(&mut self.isr, &change.isr);
        take(&mut self.replicas, &change.replicas);
        take(&mut self.removing, &change.removing);
        take(&mut self.adding, &change.adding);
        take(&mut self.elr, &change.elr);
        take(&mut self.last_known_elr, &change.last_known_elr);
        if let Some(leader) = change.leader {
            self.leader = leader;
            self.leader_epoch += 1;
        }
        if let Some(state) = change.leader_recovery_state {
            self.recovering = state == 1;
        }
        if let Some(directories) = &change.directories {
            self.directories.clone_from(directories);
        }
        self.partition_epoch += 1;
    }

    /// Whether a reassignment is under way.
    pub fn is_reassigning(&self) -> bool {
        !self.removing.is_empty() || !self.adding.is_empty()
    }
}

/// A topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicImage {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: Uuid,
    /// Its partitions by number.
    pub partitions: BTreeMap<i32, PartitionRegistration>,
}

/// All metadata of the cluster. A copy shares its topics.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MetadataImage {
    brokers: BTreeMap<i32, BrokerRegistration>,
    topics: BTreeMap<String, Arc<TopicImage>>,
    names: BTreeMap<Uuid, String>,
    configs: BTreeMap<(ResourceType, String), BTreeMap<String, String>>,
    features: BTreeMap<String, i16>,
    next_producer_id: i64,
    quotas: BTreeMap<QuotaEntity, BTreeMap<String, QuotaValue>>,
    scram: BTreeMap<(String, i8), ScramCredential>,
}

impl MetadataImage {
    /// Takes one record. This is the only place where metadata changes.
    pub fn replay(&mut self, record: &MetadataRecord) {
        match record {
            MetadataRecord::RegisterBroker {
                broker_id,
                incarnation_id,
                broker_epoch,
                listeners,
                rack,
                fenced,
                log_dirs,
            } => {
                self.brokers.insert(
                    *broker_id,
                    BrokerRegistration {
                        id: *broker_id,
                        incarnation_id: *incarnation_id,
                        epoch: *broker_epoch,
                        listeners: listeners.clone(),
                        rack: rack.clone(),
                        fenced: *fenced,
                        in_controlled_shutdown: false,
                        log_dirs: log_dirs.clone(),
                    },
                );
            }
            MetadataRecord::BrokerRegistrationChange {
                broker_id,
                broker_epoch,
                fenced,
                in_controlled_shutdown,
            } => {
                if let Some(broker) = self.brokers.get_mut(broker_id).filter(|b| b.epoch == *broker_epoch) {
                    match fenced {
                        1 => broker.fenced = true,
                        -1 => broker.fenced = false,
                        _ => {}
                    }
                    broker.in_controlled_shutdown |= *in_controlled_shutdown == 1;
                }
            }
            MetadataRecord::UnregisterBroker { broker_id, broker_epoch } => {
                if self.brokers.get(broker_id).is_some_and(|broker| broker.epoch == *broker_epoch) {
                    self.brokers.remove(broker_id);
                }
            }
            MetadataRecord::NoOp => {}
            MetadataRecord::PartitionChange(change) => {
                let topic = self.names.get(&change.topic_id).and_then(|name| self.topics.get_mut(name));
                if let Some(topic) = topic
                    && let Some(partition) = Arc::make_mut(topic).partitions.get_mut(&change.partition)
                {
                    partition.merge(change);
                }
            }
            MetadataRecord::Topic { name, topic_id } => {
                self.names.insert(*topic_id, name.clone());
                let topic = TopicImage { name: name.clone(), id: *topic_id, partitions: BTreeMap::new() };
                self.topics.insert(name.clone(), Arc::new(topic));
            }
            MetadataRecord::Partition { partition, topic_id, registration } => {
                let topic = self.names.get(topic_id).and_then(|name| self.topics.get_mut(name));
                if let Some(topic) = topic {
                    Arc::make_mut(topic).partitions.insert(*partition, registration.clone());
                }
            }
            MetadataRecord::Config { resource_type, resource_name, name, value } => {
                let configs = self.configs.entry((*resource_type, resource_name.clone())).or_default();
                match value {
                    Some(value) => configs.insert(name.clone(), value.clone()),
                    None => configs.remove(name),
                };
                // Two images with the same configs are equal, however these came about.
                if configs.is_empty() {
                    self.configs.remove(&(*resource_type, resource_name.clone()));
                }
            }
            MetadataRecord::RemoveTopic { topic_id } => {
                if let Some(name) = self.names.remove(topic_id) {
                    self.configs.remove(&(ResourceType::Topic, name.clone()));
                    self.topics.remove(&name);
                }
            }
            // A feature at level 0 is not there (FeaturesDelta).
            MetadataRecord::FeatureLevel { name, level: 0 } => drop(self.features.remove(name)),
            MetadataRecord::FeatureLevel { name, level } => {
                self.features.insert(name.clone(), *level);
            }
            MetadataRecord::ProducerIds { next_producer_id, .. } => self.next_producer_id = *next_producer_id,
            MetadataRecord::ClientQuota { entity, key, value } => {
                let quotas = self.quotas.entry(entity.clone()).or_default();
                match value {
                    Some(value) => quotas.insert(key.clone(), *value),
                    None => quotas.remove(key),
                };
                if quotas.is_empty() {
                    self.quotas.remove(entity);
                }
            }
            MetadataRecord::UserScramCredential { name, mechanism, credential } => {
                self.scram.insert((name.clone(), *mechanism), credential.clone());
            }
            MetadataRecord::RemoveUserScramCredential { name, mechanism } => {
                self.scram.remove(&(name.clone(), *mechanism));
            }
        }
    }

    /// Brokers by id.
    pub fn brokers(&self) -> &BTreeMap<i32, BrokerRegistration> {
        &self.brokers
    }

    /// Where a broker is found at one of its listeners.
    pub fn endpoint(&self, id: i32, listener: &str) -> Option<&Listener> {
        self.brokers.get(&id)?.listeners.iter().find(|one| one.name == listener)
    }

    /// Topics by name.
    pub fn topics(&self) -> &BTreeMap<String, Arc<TopicImage>> {
        &self.topics
    }

    /// The topic of this name.
    pub fn topic(&self, name: &str) -> Option<&TopicImage> {
        self.topics.get(name).map(Arc::as_ref)
    }

    /// The topic of this id.
    pub fn topic_by_id(&self, id: Uuid) -> Option<&TopicImage> {
        self.names.get(&id).and_then(|name| self.topic(name))
    }

    /// The configs set on a resource, by name.
    pub fn configs(&self, resource_type: ResourceType, name: &str) -> BTreeMap<String, String> {
        self.configs.get(&(resource_type, name.to_owned())).cloned().unwrap_or_default()
    }

    /// The resources of a type that have configs of their own.
    pub fn configured(&self, resource_type: ResourceType) -> impl Iterator<Item = &str> {
        let of_type = self.configs.keys().filter(move |(kind, _)| *kind == resource_type);
        of_type.map(|(_, name)| name.as_str())
    }

    /// The quotas by whom they are of.
    pub fn quotas(&self) -> &BTreeMap<QuotaEntity, BTreeMap<String, QuotaValue>> {
        &self.quotas
    }

    /// The credentials by user and mechanism.
    pub fn scram(&self) -> &BTreeMap<(String, i8), ScramCredential> {
        &self.scram
    }

    /// One config as it is set on a resource.
    pub fn config(&self, resource_type: ResourceType, resource: &str, name: &str) -> Option<&str> {
        let configs = self.configs.get(&(resource_type, resource.to_owned()))?;
        configs.get(name).map(String::as_str)
    }

    /// The level of a feature.
    pub fn feature(&self, name: &str) -> Option<i16> {
        self.features.get(name).copied()
    }

    /// Features with their levels.
    pub fn features(&self) -> &BTreeMap<String, i16> {
        &self.features
    }

    /// The first producer id that no broker has.
    pub fn next_producer_id(&self) -> i64 {
        self.next_producer_id
    }

    /// The partition of a topic.
    pub fn partition(&self, topic: &str, partition: i32) -> Option<&PartitionRegistration> {
        self.topic(topic)?.partitions.get(&partition)
    }

    /// Whether a broker may lead and be in sync.
    pub fn is_active(&self, broker: i32) -> bool {
        self.brokers.get(&broker).is_some_and(BrokerRegistration::is_active)
    }

    /// `min.insync.replicas` of a topic, by its own config, the cluster's, or Kafka's default.
    pub fn min_insync_replicas(&self, topic: &str) -> usize {
        let value = self.topic_setting(topic, "min.insync.replicas");
        value.and_then(|value| value.trim().parse().ok()).unwrap_or(1)
    }

    /// `unclean.leader.election.enable` of a topic.
    pub fn unclean_leader_election(&self, topic: &str) -> bool {
        self.topic_setting(topic, "unclean.leader.election.enable")
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
    }

    /// A config that a topic takes from the cluster where it has none of its own, under the same name.
    fn topic_setting(&self, topic: &str, name: &str) -> Option<&str> {
        (self.config(ResourceType::Topic, topic, name))
            .or_else(|| self.config(ResourceType::Broker, "", name))
    }

    /// The records that make this image: what a snapshot holds (MetadataImage.write).
    pub fn records(&self) -> Vec<MetadataRecord> {
        let mut records: Vec<MetadataRecord> = (self.features.iter())
            .map(|(name, level)| MetadataRecord::FeatureLevel { name: name.clone(), level: *level })
            .collect();
        for broker in self.brokers.values() {
            records.push(MetadataRecord::RegisterBroker {
                broker_id: broker.id,
                incarnation_id: broker.incarnation_id,
                broker_epoch: broker.epoch,
                listeners: broker.listeners.clone(),
                rack: broker.rack.clone(),
                fenced: broker.fenced,
                log_dirs: broker.log_dirs.clone(),
            });
            if broker.in_controlled_shutdown {
                records.push(MetadataRecord::BrokerRegistrationChange {
                    broker_id: broker.id,
                    broker_epoch: broker.epoch,
                    fenced: 0,
                    in_controlled_shutdown: 1,
                });
            }
        }
        for topic in self.topics.values() {
            records.push(MetadataRecord::Topic { name: topic.name.clone(), topic_id: topic.id });
            records.extend(topic.partitions.iter().map(|(partition, registration)| {
                MetadataRecord::Partition {
                    partition: *partition,
                    topic_id: topic.id,
                    registration: registration.clone(),
                }
            }));
        }
        for ((resource_type, resource_name), configs) in &self.configs {
            records.extend(configs.iter().map(|(name, value)| MetadataRecord::Config {
                resource_type: *resource_type,
                resource_name: resource_name.clone(),
                name: name.clone(),
                value: Some(value.clone()),
            }));
        }
        for (entity, quotas) in &self.quotas {
            records.extend(quotas.iter().map(|(key, value)| MetadataRecord::ClientQuota {
                entity: entity.clone(),
                key: key.clone(),
                value: Some(*value),
            }));
        }
        if self.next_producer_id > 0 {
            let next_producer_id = self.next_producer_id;
            records.push(MetadataRecord::ProducerIds { broker_id: -1, broker_epoch: -1, next_producer_id });
        }
        records.extend(self.scram.iter().map(|((name, mechanism), credential)| {
            MetadataRecord::UserScramCredential {
                name: name.clone(),
                mechanism: *mechanism,
                credential: credential.clone(),
            }
        }));
        records
    }
}
