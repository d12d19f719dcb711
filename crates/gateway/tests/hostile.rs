//! Clients that mean harm, or have bugs: the others notice nothing, memory stays bounded, the log says what happened.

mod common;

use std::io::{Read, Write};

use blumfeld_protocol::ApiKey;
use blumfeld_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use common::{Client, Gateway, wait_for};

const MIB: u64 = 1_024 * 1_024;

/// A client that works all the time beside the others.
struct Bystander(Client, i64);

impl Bystander {
    fn new(gateway: &Gateway) -> Bystander {
        Client::connect(gateway.brokers[0]).create("calm", 1);
        Bystander(Client::of_leader(gateway, "calm"), 0)
    }

    fn works(&mut self) {
        assert_eq!(self.0.produce("calm", &[b"one"]), self.1);
        self.1 += 1;
        assert_eq!(self.0.end("calm"), self.1);
    }
}

#[test]
fn what_is_no_frame_closes_its_connection_alone() {
    let gateway = Gateway::start("hostile-frames", &["--brokers", "1"]);
    let mut bystander = Bystander::new(&gateway);
    let huge = i32::MAX.to_be_bytes();
    let cases: [(&[u8], &str); 7] = [
        (&huge, "invalid receive (size = 2147483647, socket.request.max.bytes = 104857600)"),
        (&(-1_i32).to_be_bytes(), "invalid receive (size = -1, "),
        (b"GET / HTTP/1.1\r\nHost: here\r\n\r\n", "invalid receive (size = 1195725856, "),
        (&[0x16, 3, 1, 2, 0, 1, 0, 1], "invalid receive (size = 369295618, "),
        (&[0, 0, 0, 0], "the header is cut short after 0 bytes"),
        (&[0, 0, 0, 4, 0xff, 0xff, 0, 0], "the header is cut short after 4 bytes"),
        (&[0, 0, 0, 10, 0x7f, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], "no API has the key 32767"),
    ];
    for (bytes, says) in cases {
        let mut client = Client::connect(gateway.brokers[0]);
        client.send_raw(bytes);
        assert!(client.is_closed(), "{says}");
        let log = gateway.wait_for_log(says);
        assert!(
            log.lines()
                .any(|line| line.contains(says) && line.contains("WARN") && line.contains("malformed"))
        );
        bystander.works();
    }
}

#[test]
fn a_client_that_dies_in_the_middle_of_a_request_has_sent_nothing_wrong() {
    let gateway = Gateway::start("hostile-halfway", &["--brokers", "1"]);
    let mut bystander = Bystander::new(&gateway);
    let of_100 = "the client went away in the middle of a request of 100 bytes, of which 4 had come";
    let of_length = "the client went away in the middle of a request's length, of which 2 bytes had come";
    let unread = [&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 9, 0xff, 0xff][..], &[0, 0, 0, 50, 0, 3, 0]].concat();
    let of_50 = "the client went away in the middle of a request of 50 bytes, of which 3 had come";
    // What is sent, whether the client is killed before it has read an answer, and what the log says. The first of two
    // requests is whole and is answered.
    let cases: [(&[u8], bool, &str); 5] = [
        (&[0, 0, 0, 100, 0, 18, 0, 0], false, of_100),
        (&[0, 0], false, of_length),
        (&unread, false, of_50),
        (&unread, true, of_50),
        (b"", false, ": closed"),
    ];
    for (at, (bytes, killed, says)) in cases.into_iter().enumerate() {
        let mut client = Client::connect(gateway.brokers[0]);
        let name = format!("disconnected, {}: ", client.stream.local_addr().unwrap());
        client.send_raw(bytes);
        if bytes == unread {
            // The answer is there: a socket that goes with it unread breaks its connection.
            client.stream.peek(&mut [0]).unwrap();
        }
        if !killed {
            client.stream.set_nonblocking(true).unwrap();
            let _ = client.stream.read(&mut [0; 1_024]);
        }
        drop(client);
        let log = gateway.wait_for_log(&name);
        let line = log.lines().find(|line| line.contains(&name)).unwrap();
        let level = if bytes.is_empty() { " DEBUG " } else { " INFO  " };
        assert!(line.contains(says) && line.contains(level), "case {at}: {line}");
        bystander.works();
    }
    assert!(!gateway.log().contains("malformed"), "{}", gateway.log());
}

#[test]
fn frames_that_never_end_cost_what_was_sent_of_them() {
    let gateway = Gateway::start("hostile-halves", &["--brokers", "1"]);
    let mut bystander = Bystander::new(&gateway);
    let before = gateway.memory();
    // Each announces the largest frame that is allowed, and sends a little of it.
    let halves: Vec<Client> = (0..200)
        .map(|_| {
            let mut client = Client::connect(gateway.brokers[0]);
            client.send_raw(&[&(100 * 1_024 * 1_024_u32).to_be_bytes()[..], &[7; 1_000]].concat());
            client
        })
        .collect();
    let idle: Vec<Client> = (0..200).map(|_| Client::connect(gateway.brokers[0])).collect();
    bystander.works();
    let grown = gateway.memory().saturating_sub(before);
    assert!(grown < 250 * MIB, "{} MiB for {} connections", grown / MIB, halves.len() + idle.len());
    drop((halves, idle));
    bystander.works();
}

#[test]
fn a_client_that_does_not_read_is_given_no_more() {
    let gateway = Gateway::start("hostile-deaf", &["--brokers", "1"]);
    let mut bystander = Bystander::new(&gateway);
    bystander.0.create("big", 1);
    for _ in 0..32 {
        bystander.0.produce("big", &[&[7; 900_000]]);
    }
    let before = gateway.memory();
    // Each asks a hundred times for 28 MB, and takes nothing.
    let mut deaf: Vec<Client> = (0..4).map(|_| Client::connect(gateway.brokers[0])).collect();
    for client in &mut deaf {
        client.stream.set_nonblocking(true).unwrap();
        let frame = Client::fetch_frame("big", 64 * 1_024 * 1_024);
        let length = u32::try_from(frame.len()).unwrap().to_be_bytes();
        for _ in 0..100 {
            let _ = client.stream.write_all(&[&length[..], &frame].concat());
        }
    }
    for _ in 0..20 {
        bystander.works();
    }
    let grown = gateway.memory().saturating_sub(before);
    assert!(grown < 1_200 * MIB, "{} MiB for 4 clients", grown / MIB);
    // A client that reads after all gets everything that it asked for.
    let mut reader = deaf.pop().unwrap();
    drop(deaf);
    reader.stream.set_nonblocking(false).unwrap();
    for _ in 0..100 {
        assert!(reader.receive().unwrap().len() > 28_000_000);
    }
    bystander.works();
}

#[test]
fn a_thousand_clients_at_once_are_served() {
    let gateway = Gateway::start("hostile-thousand", &["--brokers", "3"]);
    let mut bystander = Bystander::new(&gateway);
    let mut clients: Vec<Client> =
        (0..1_000).map(|n| Client::connect(gateway.brokers[n % gateway.brokers.len()])).collect();
    let ask = ApiVersionsRequest::default();
    for round in 0..2 {
        for client in &mut clients {
            let response: ApiVersionsResponse = client.ask(ApiKey::ApiVersions, 0, &ask);
            assert_eq!(response.error_code, 0, "round {round}");
        }
        bystander.works();
    }
    assert!(gateway.memory() < 250 * MIB, "{} MiB", gateway.memory() / MIB);
    drop(clients);
    bystander.works();
    wait_for("the ends", || (gateway.log().matches(": closed").count() >= 1_000).then_some(()));
}

#[test]
fn bytes_that_trickle_in_are_a_frame_in_the_end() {
    let gateway = Gateway::start("hostile-trickle", &["--brokers", "1"]);
    let mut client = Client::connect(gateway.brokers[0]);
    client.stream.set_nodelay(true).unwrap();
    for byte in [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 9, 0xff, 0xff] {
        client.send_raw(&[byte]);
    }
    let answer = client.receive().unwrap();
    assert_eq!(answer[..4], [0, 0, 0, 9]);
    let mut rest = [0; 1];
    client.stream.set_nonblocking(true).unwrap();
    assert!(client.stream.read(&mut rest).is_err(), "nothing follows");
}
