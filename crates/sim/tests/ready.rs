//! Once the world says that it is settled, clients are served: no request of their first ones has to be sent again, and
//! none waits for a timer.

use std::collections::BTreeMap;
use std::fmt::Debug;

use blumfeld_kernel::{ConnectionId, Endpoint, NodeId};
use blumfeld_protocol::ApiKey;
use blumfeld_protocol::frame::{decode_response, encode_request};
use blumfeld_protocol::messages::*;
use blumfeld_protocol::record_batch::{BatchBuilder, BatchOptions};
use blumfeld_protocol::wire::{Decodable, Encodable};
use blumfeld_sim::{Fault, NetworkConfig, OutsideEvent, World, WorldConfig};

/// Of each kind of cluster so many are started.
const SEEDS: u64 = 12;

fn door(id: i32) -> Endpoint {
    Endpoint::new(&format!("host-{id}"), 9_092)
}

/// A cluster that has just settled. What a follower's fetch fails with would hold up acks=all for longer than a
/// request lasts.
fn settled(brokers: i32, network: Option<NetworkConfig>, seed: u64) -> World {
    settled_with(brokers, network, seed, None)
}

/// The same with one more config.
fn settled_with(
    brokers: i32,
    network: Option<NetworkConfig>,
    seed: u64,
    setting: Option<(&str, &str)>,
) -> World {
    let doors: Vec<Endpoint> = (1..=brokers).map(door).collect();
    let settings = setting.into_iter().chain([("replica.fetch.backoff.ms", "3600000")]);
    let mut config = WorldConfig::reached_at(&doors, settings, seed, 1_700_000_000_000).unwrap();
    config.network = network.unwrap_or(config.network);
    let mut world = World::new(config, BTreeMap::new());
    while !world.is_settled() {
        assert!(world.step());
    }
    world
}

/// The same cluster in its next life, from what its disks hold: after an end in order, or after one of the power.
fn again(mut world: World, in_order: bool) -> World {
    let nodes: Vec<NodeId> = world.nodes().collect();
    for node in nodes.iter().copied() {
        if in_order {
            world.shut_down(node);
        } else {
            world.inject(Fault::PowerCut(node)).unwrap();
        }
    }
    let mut config = world.config().clone();
    config.boot += 1;
    let disks = nodes.into_iter().map(|node| (node, world.disk(node).unwrap().disk().clone())).collect();
    let mut next = World::new(config, disks);
    while !next.is_settled() {
        assert!(next.step());
    }
    next
}

/// A client with a connection to each broker.
struct Client {
    world: World,
    connections: BTreeMap<i32, ConnectionId>,
    about: String,
}

impl Client {
    fn new(mut world: World, about: String) -> Client {
        let ids: Vec<i32> = world.nodes().map(|node| node.0).collect();
        let connections =
            ids.into_iter().map(|id| (id, world.connect_outside(&door(id), "client"))).collect();
        Client { world, connections, about }
    }

    fn ask<Q: Encodable, A: Decodable>(&mut self, id: i32, key: ApiKey, version: i16, request: &Q) -> A {
        let conn = self.connections[&id];
        self.world.outside_send(conn, encode_request(key, version, 1, None, request).unwrap());
        loop {
            for (of, event) in self.world.take_outside() {
                if let OutsideEvent::Frame(frame) = event {
                    assert_eq!(of, conn);
                    return decode_response(key, version, frame.into_bytes()).unwrap();
                }
            }
            assert!(self.world.step(), "{key:?}: {}", self.about);
        }
    }

    fn is<T: PartialEq + Debug>(&self, what: &str, have: T, want: T) {
        assert_eq!(have, want, "{what}: {}", self.about);
    }

    fn create(&mut self, at: i32, topic: &str) {
        let replicas = i16::try_from(self.connections.len()).unwrap();
        let new = create_topics_request::CreatableTopic::default()
            .with_name(name(topic))
            .with_num_partitions(3)
            .with_replication_factor(replicas);
        let request = CreateTopicsRequest::default().with_topics(vec![new]).with_timeout_ms(10_000);
        let response: CreateTopicsResponse = self.ask(at, ApiKey::CreateTopics, 7, &request);
        self.is("CreateTopics", response.topics[0].error_code, 0);
    }

    /// Asks a broker for the topic; gives the leaders of its partitions.
    fn leaders(&mut self, at: i32, topic: &str) -> Vec<i32> {
        let one = metadata_request::MetadataRequestTopic::default().with_name(Some(name(topic)));
        let request = MetadataRequest::default().with_topics(Some(vec![one]));
        let response: MetadataResponse = self.ask(at, ApiKey::Metadata, 9, &request);
        let topic = &response.topics[0];
        self.is("Metadata of the topic", topic.error_code, 0);
        let codes: Vec<i16> = topic.partitions.iter().map(|partition| partition.error_code).collect();
        self.is("Metadata of the partitions", codes, vec![0; 3]);
        topic.partitions.iter().map(|partition| partition.leader_id.0).collect()
    }

    fn produce(&mut self, at: i32, topic: &str, partition: i32) {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.append(1_700_000_000_000, None, Some(b"x"), &[]);
        let data = produce_request::PartitionProduceData::default()
            .with_index(partition)
            .with_records(Some(builder.build().bytes().clone()));
        let data = produce_request::TopicProduceData::default()
            .with_name(name(topic))
            .with_partition_data(vec![data]);
        let request =
            ProduceRequest::default().with_acks(-1).with_timeout_ms(10_000).with_topic_data(vec![data]);
        let response: ProduceResponse = self.ask(at, ApiKey::Produce, 9, &request);
        self.is("Produce", response.responses[0].partition_responses[0].error_code, 0);
    }
}

fn name(text: &str) -> TopicName {
    TopicName(text.to_owned().into())
}

/// Each kind of cluster from many seeds, with a client that asks each of its brokers.
fn each(networks: &[Option<NetworkConfig>], mut what: impl FnMut(&mut Client, i32)) {
    for brokers in [1, 2, 3, 5] {
        for network in networks.iter().copied() {
            for seed in 0..SEEDS {
                let world = settled(brokers, network, seed);
                for at in 1..=brokers {
                    let about = format!("{brokers} brokers, {network:?}, seed {seed}, asked at {at}");
                    what(&mut Client::new(world.clone(), about), at);
                }
            }
        }
    }
}

#[test]
fn whoever_is_asked_first_knows_all_brokers() {
    each(&[None, Some(NetworkConfig::default())], |client, at| {
        let request = MetadataRequest::default().with_topics(Some(vec![]));
        let response: MetadataResponse = client.ask(at, ApiKey::Metadata, 9, &request);
        client.is("brokers", response.brokers.len(), client.connections.len());
    });
}

// With the network that a gateway has by itself: what a controller has committed takes a way to each broker, and a
// client that is as near to another one may be there first. In Kafka too.

#[test]
fn a_topic_that_was_created_has_leaders_and_takes_records_of_acks_all() {
    each(&[None], |client, at| {
        client.create(at, "new");
        let leaders = client.leaders(at, "new");
        for (partition, leader) in (0..).zip(leaders) {
            client.produce(leader, "new", partition);
        }
    });
}

#[test]
fn a_topic_that_was_created_at_one_broker_is_known_to_the_others() {
    each(&[None], |client, at| {
        let others: Vec<i32> = client.connections.keys().copied().collect();
        for other in others {
            let topic = format!("new-{other}");
            client.create(at, &topic);
            client.leaders(other, &topic);
        }
    });
}

#[test]
fn a_cluster_that_goes_on_has_its_leaders() {
    for in_order in [true, false] {
        each(&[None], |client, at| {
            client.create(at, "kept");
            for (partition, leader) in (0..).zip(client.leaders(at, "kept")) {
                client.produce(leader, "kept", partition);
            }
            let about = format!("{}, in order {in_order}", client.about);
            let mut client = Client::new(again(client.world.clone(), in_order), about);
            for (partition, leader) in (0..).zip(client.leaders(at, "kept")) {
                client.produce(leader, "kept", partition);
            }
        });
    }
}

#[test]
fn followers_without_a_slot_for_a_session_replicate_too() {
    for slots in ["0", "1", "1000"] {
        let world = settled_with(3, None, 1, Some(("max.incremental.fetch.session.cache.slots", slots)));
        let mut client = Client::new(world, format!("{slots} slots"));
        client.create(1, "new");
        for _ in 0..3 {
            for (partition, leader) in (0..).zip(client.leaders(1, "new")) {
                client.produce(leader, "new", partition);
            }
        }
    }
}
