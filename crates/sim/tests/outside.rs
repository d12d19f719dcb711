//! Clients from outside the world are like those inside: traced, delayed, broken, and the same in every run.

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_broker::BrokerConfig;
use blumfeld_kernel::{ConnectionId, DisconnectReason, Endpoint, NodeId};
use blumfeld_protocol::frame::{decode_response, encode_request};
use blumfeld_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use blumfeld_protocol::{ApiKey, Uuid};
use blumfeld_sim::{DiskConfig, Fault, NetworkConfig, OutsideEvent, World, WorldConfig};
use bytes::Bytes;

fn world() -> World {
    let config = WorldConfig {
        boot: 0,
        seed: 1,
        epoch_ms: 1_700_000_000_000,
        brokers: vec![BrokerConfig::new(1, door(), Uuid::from_u128(7))],
        network: NetworkConfig::default(),
        disk: DiskConfig::default(),
        wait_for_store: false,
    };
    let mut world = World::new(config, BTreeMap::new());
    world.run_for(Duration::from_secs(1));
    assert!(world.is_ready());
    world
}

fn door() -> Endpoint {
    Endpoint::new("localhost", 9092)
}

fn api_versions(correlation_id: i32) -> Bytes {
    encode_request(ApiKey::ApiVersions, 0, correlation_id, None, &ApiVersionsRequest::default()).unwrap()
}

/// What came for outside clients, in words.
fn take(world: &mut World) -> Vec<String> {
    let events = world.take_outside().into_iter();
    events
        .map(|(conn, event)| match event {
            OutsideEvent::Connected => format!("{conn} connected"),
            OutsideEvent::Frame(frame) => {
                let id = i32::from_be_bytes(*frame.head().first_chunk::<4>().unwrap());
                decode_response::<ApiVersionsResponse>(ApiKey::ApiVersions, 0, frame.into_bytes()).unwrap();
                format!("{conn} answer {id}")
            }
            OutsideEvent::Disconnected(reason) => format!("{conn} {reason}"),
        })
        .collect()
}

/// Connections at the broker, but for its own to itself.
fn connections(world: &World) -> u32 {
    world.broker(NodeId(1)).unwrap().stats().connections - 1
}

fn trace(world: &mut World) -> Vec<String> {
    let (lines, _) = world.trace_mut().take();
    let ours =
        lines.into_iter().filter(|line| line.node.is_client() || line.event.to_string().contains("reject"));
    ours.map(|line| line.event.line(line.node)).collect()
}

#[test]
fn an_outside_client_asks_and_is_answered_and_the_trace_knows_it() {
    let mut world = world();
    let conn = world.connect_outside(&door(), "1.2.3.4:5");
    // What is sent before the connection stands waits for it.
    world.outside_send(conn, api_versions(1));
    world.outside_send(conn, api_versions(2));
    assert_eq!((world.outside_in_flight(conn), take(&mut world)), (2, vec![]));
    world.run_for(Duration::from_millis(10));
    let want = [format!("{conn} connected"), format!("{conn} answer 1"), format!("{conn} answer 2")];
    assert_eq!(take(&mut world), want);
    assert_eq!((world.outside_in_flight(conn), connections(&world)), (0, 1));
    world.outside_close(conn, DisconnectReason::Closed);
    world.run_for(Duration::from_millis(10));
    assert_eq!(take(&mut world), [""; 0]);
    assert_eq!(connections(&world), 0);
    let want =
        ["client-1: connected from 1.2.3.4:5 to localhost:9092", "client-1: disconnected, 1.2.3.4:5: closed"];
    assert_eq!(trace(&mut world), want);
    // Neither end knows the connection any more.
    world.outside_send(conn, api_versions(3));
    world.outside_close(conn, DisconnectReason::Closed);
    world.run_for(Duration::from_secs(1));
    assert_eq!((take(&mut world), trace(&mut world)), (vec![], vec![]));
}

#[test]
fn a_frame_that_is_none_closes_its_own_connection_alone() {
    let mut world = world();
    let (bad, good) = (world.connect_outside(&door(), "bad"), world.connect_outside(&door(), "good"));
    for frame in [&b""[..], b"GET / HTTP/1.1\r\n", &[0xff; 100]] {
        let bad = world.connect_outside(&door(), "bad");
        world.outside_send(bad, Bytes::copy_from_slice(frame));
    }
    world.outside_close(bad, DisconnectReason::Malformed("a frame of 2 GiB".into()));
    world.outside_send(good, api_versions(1));
    world.run_for(Duration::from_millis(10));
    let events = take(&mut world);
    assert!(events.contains(&format!("{good} answer 1")), "{events:?}");
    assert_eq!(events.iter().filter(|event| event.contains("malformed")).count(), 3, "{events:?}");
    let lines = trace(&mut world);
    assert_eq!(
        lines.iter().filter(|line| line.contains("disconnected, bad: malformed")).count(),
        4,
        "{lines:?}"
    );
    assert_eq!(connections(&world), 1);
}

#[test]
fn faults_reach_an_outside_client() {
    let mut world = world();
    let conn = world.connect_outside(&door(), "x");
    world.run_for(Duration::from_millis(10));
    take(&mut world);
    let node = world.outside_node(conn).unwrap();
    assert_eq!(node, NodeId(NodeId::FIRST_CLIENT.0 + 1));
    let inject = |world: &mut World, fault: &str| world.inject(Fault::parse(fault).unwrap()).unwrap();

    inject(&mut world, "latency client-1 1 100");
    world.outside_send(conn, api_versions(1));
    world.run_for(Duration::from_millis(190));
    assert_eq!(take(&mut world), [""; 0]);
    world.run_for(Duration::from_millis(20));
    assert_eq!(take(&mut world), [format!("{conn} answer 1")]);
    inject(&mut world, "heal");

    inject(&mut world, "cut clients 1");
    world.outside_send(conn, api_versions(2));
    let refused = world.connect_outside(&door(), "y");
    world.run_for(Duration::from_secs(8));
    assert_eq!(take(&mut world), [format!("{refused} unreachable")]);
    inject(&mut world, "heal");
    world.run_for(Duration::from_secs(1));
    assert_eq!(take(&mut world), [format!("{conn} answer 2")]);

    inject(&mut world, "crash 1");
    world.run_for(Duration::from_secs(1));
    let late = world.connect_outside(&door(), "z");
    world.run_for(Duration::from_secs(1));
    let nowhere = world.connect_outside(&Endpoint::new("localhost", 1), "z");
    world.run_for(Duration::from_secs(1));
    let want = [format!("{conn} peer down"), format!("{late} refused"), format!("{nowhere} refused")];
    assert_eq!(take(&mut world), want);
}

#[test]
fn the_same_calls_are_the_same_world() {
    let run = || {
        let mut world = world();
        let conns: Vec<ConnectionId> =
            (0..10).map(|n| world.connect_outside(&door(), &format!("10.0.0.{n}"))).collect();
        for (conn, id) in conns.iter().zip(0..) {
            world.outside_send(*conn, api_versions(id));
            world.run_for(Duration::from_micros(300));
        }
        world.outside_close(conns[3], DisconnectReason::Closed);
        world.run_for(Duration::from_millis(10));
        (world.digest(), take(&mut world))
    };
    let (digest, events) = run();
    assert_eq!((digest, events.len()), (run().0, 20), "{events:?}");
}

#[test]
fn a_connection_on_which_nothing_comes_and_goes_is_closed() {
    // `connections.max.idle.ms`, when the client asks something, and when its connection is closed, in milliseconds
    // since it stands.
    let rows: [(Option<&str>, &[u64], Option<u64>); 7] = [
        (None, &[], Some(600_000)),
        (None, &[500_000, 1_000_000, 1_500_000], Some(2_100_000)),
        (Some("5000"), &[], Some(5_000)),
        (Some("5000"), &[1_000, 4_999, 9_000], Some(14_000)),
        (Some("1"), &[], Some(1)),
        (Some("-1"), &[], None),
        (Some("-1"), &[1_000], None),
    ];
    for (max_idle, asks, want) in rows {
        let mut settings = Vec::new();
        settings.extend(max_idle.map(|value| ("connections.max.idle.ms", value)));
        let config = WorldConfig::reached_at(&[door()], settings, 1, 1_700_000_000_000).unwrap();
        let mut world = World::new(config, BTreeMap::new());
        world.run_for(Duration::from_secs(1));
        let conn = world.connect_outside(&door(), "idle");
        let begin = world.now();
        for at in asks {
            world.run_until(begin + Duration::from_millis(*at));
            world.outside_send(conn, api_versions(1));
        }
        let end = begin + Duration::from_secs(3_600);
        let mut closed = None;
        while closed.is_none() && world.now() < end && world.step() {
            for (of, event) in world.take_outside() {
                if let OutsideEvent::Disconnected(reason) = event {
                    assert_eq!((of, reason), (conn, DisconnectReason::Idle), "{max_idle:?} {asks:?}");
                    closed = Some(u64::try_from(world.now().since(begin).as_millis()).unwrap());
                }
            }
        }
        assert_eq!(closed, want, "{max_idle:?} {asks:?}");
        world.invariants().unwrap();
    }
}

#[test]
fn a_cluster_whose_nodes_close_idle_connections_goes_on() {
    let doors: Vec<Endpoint> = (1..=3).map(|id| Endpoint::new(&format!("host-{id}"), 9_092)).collect();
    // Less than between two heartbeats, and than a fetch waits.
    let settings = [("connections.max.idle.ms", "400")];
    let config = WorldConfig::reached_at(&doors, settings, 1, 1_700_000_000_000).unwrap();
    let mut world = World::new(config, BTreeMap::new());
    while !world.is_settled() {
        assert!(world.step());
    }
    // A request that is parked has gone with its connection, and is owed to nobody.
    let conn = world.connect_outside(&doors[0], "waits");
    let fetch =
        blumfeld_protocol::messages::FetchRequest::default().with_max_wait_ms(60_000).with_min_bytes(1);
    let fetch = fetch.with_session_epoch(-1).with_topics(vec![
        blumfeld_protocol::messages::fetch_request::FetchTopic::default()
            .with_topic(blumfeld_protocol::messages::TopicName("none".to_owned().into()))
            .with_partitions(vec![blumfeld_protocol::messages::fetch_request::FetchPartition::default()]),
    ]);
    world.outside_send(conn, encode_request(ApiKey::Fetch, 11, 1, None, &fetch).unwrap());
    world.run_for(Duration::from_secs(60));
    world.invariants().unwrap();
    assert!(world.is_settled(), "no broker was fenced");
    let (lines, _) = world.trace_mut().take();
    let fenced = lines.iter().filter(|line| line.event.to_string().contains("fenced broker")).count();
    assert_eq!(fenced, 3, "each was unfenced once, and none was fenced");
}
