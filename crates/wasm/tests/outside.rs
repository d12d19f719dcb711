//! Clients outside in the past: random sessions of sockets, tools and faults, of which every moment is found again.
#![cfg(not(target_arch = "wasm32"))]

use std::time::Duration;

use blumfeld_kernel::{ConnectionId, Prng};
use blumfeld_wasm::{Door, DoorEvent};
use bytes::Bytes;

/// Sessions of a run of the tests; `BLUMFELD_LONG=1` plays more.
const SESSIONS: u64 = 12;
const MANY: u64 = 2_000;
const PORTS: [u16; 3] = [9092, 9094, 9096];
const AT: &str = "--bootstrap-server localhost:9092,localhost:9094,localhost:9096";

/// A moment as it was seen: the time, the events with the digest, and all that a script can look at.
type Moment = (u64, String, String);

/// Somebody outside who does one random thing after the other.
struct Script {
    door: Door,
    rng: Prng,
    seed: u64,
    conns: Vec<ConnectionId>,
    frames: u32,
    tools: u64,
    heard: usize,
    moments: Vec<Moment>,
}

impl Script {
    fn new(seed: u64) -> Script {
        let (conns, moments) = (Vec::new(), Vec::new());
        let door = Door::new(3, seed, 1_700_000_000_000).unwrap();
        let rng = Prng::new(seed, "outside");
        let mut script = Script { door, rng, seed, conns, frames: 0, tools: 0, heard: 0, moments };
        script.pass(Duration::from_secs(3));
        script
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.rng.below(most as u64)).unwrap()
    }

    fn pass(&mut self, span: Duration) {
        let until = self.door.now() + span;
        while !self.door.run(until, || true) {
            self.take();
        }
        self.take();
    }

    fn take(&mut self) {
        for (conn, event) in self.door.take() {
            match event {
                DoorEvent::Data(bytes) => self.heard += bytes.len(),
                DoorEvent::Closed(_) => self.conns.retain(|one| *one != conn),
                _ => {}
            }
        }
        self.door.take_answers();
        self.door.take_outputs();
    }

    /// A whole request: ApiVersions, Metadata that creates a topic, or ListOffsets of what may not be there.
    fn frame(&mut self) -> Vec<u8> {
        self.frames += 1;
        let topic = ["orders", "payments"][self.below(2)];
        let name = [&u16::try_from(topic.len()).unwrap().to_be_bytes()[..], topic.as_bytes()].concat();
        let (api, version, body): (u16, u16, Vec<u8>) = match self.below(3) {
            0 => (18, 0, Vec::new()),
            1 => (3, 1, [&1_u32.to_be_bytes()[..], &name].concat()),
            _ => {
                let at =
                    [&(-1_i32).to_be_bytes()[..], &1_u32.to_be_bytes(), &name, &1_u32.to_be_bytes()].concat();
                (2, 1, [&at[..], &0_u32.to_be_bytes(), &(-1_i64).to_be_bytes()].concat())
            }
        };
        let header =
            [&api.to_be_bytes()[..], &version.to_be_bytes(), &self.frames.to_be_bytes(), &[0xff; 2]].concat();
        let len = u32::try_from(header.len() + body.len()).unwrap();
        [&len.to_be_bytes()[..], &header, &body].concat()
    }

    fn act(&mut self) {
        let node = 1 + self.below(3);
        let at = self.below(self.conns.len().max(1));
        let conn = self.conns.get(at).copied();
        match (self.below(16), conn) {
            (0..3, _) | (3..9, None) => {
                let port = PORTS[self.below(3)];
                let conn = self.door.connect("localhost", port, &format!("script-{port}"));
                self.conns.push(conn);
            }
            (3..6, Some(conn)) => {
                let frames = [self.frame(), self.frame()].concat();
                self.door.write(conn, &frames).unwrap();
            }
            (6, Some(conn)) => {
                // In two pieces, with time between them; the second may never come.
                let frame = self.frame();
                let cut = 1 + self.below(frame.len() - 1);
                self.door.write(conn, &frame[..cut]).unwrap();
                self.pass(Duration::from_millis(3));
                if self.rng.chance(2, 3) {
                    self.door.write(conn, &frame[cut..]).unwrap();
                } else {
                    self.close(conn);
                }
            }
            (7, Some(conn)) => {
                assert!(self.door.write(conn, b"GET / HTTP/1.1").is_err(), "nothing of Kafka's");
                // It is gone with that.
                self.conns.retain(|one| *one != conn);
            }
            (8, Some(conn)) => self.close(conn),
            (9 | 10, _) => {
                let line = format!("kafka-console-producer.sh {AT} --topic orders");
                self.tool(&line, "one\ntwo\nthree\n");
            }
            (11, _) => {
                let line = format!(
                    "kafka-console-consumer.sh {AT} --topic orders --group g --from-beginning --max-messages 2"
                );
                self.tool(&line, "");
            }
            (12, _) => drop(self.door.inject(&format!("crash {node}"))),
            (13, _) => (1..=3).for_each(|node| drop(self.door.inject(&format!("restart {node}")))),
            (14, _) => drop(self.door.inject(&format!("isolate {node}"))),
            _ => drop(self.door.inject("heal all")),
        }
    }

    fn close(&mut self, conn: ConnectionId) {
        self.door.close(conn);
        self.conns.retain(|one| *one != conn);
    }

    fn tool(&mut self, line: &str, stdin: &'static str) {
        self.tools += 1;
        let stdin = Bytes::from_static(stdin.as_bytes());
        self.door.tool(self.tools, line, stdin, Duration::from_secs(4)).unwrap();
    }

    fn seen(&mut self) -> Moment {
        let told = self.door.timeline("timeline").unwrap();
        let (_, digest) = told.lines().next().unwrap().split_once('(').unwrap();
        let digest = digest.split(')').next().unwrap().to_owned();
        (self.door.now().as_micros(), digest, serde_json::to_string(&self.door.view()).unwrap())
    }

    /// Does things and lets time pass, and remembers moments.
    fn live(&mut self, deeds: usize) {
        for _ in 0..deeds {
            self.act();
            let ms = 1 + self.rng.below(900);
            self.pass(Duration::from_millis(ms));
            // What was set off at this very moment belongs to it.
            while self.door.next_event().is_some_and(|at| at <= self.door.now()) {
                self.pass(Duration::from_micros(1));
            }
            let moment = self.seen();
            self.moments.push(moment);
            self.pass(Duration::from_millis(1));
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "microseconds of a session")]
    fn go(&mut self, now: u64) {
        self.door.timeline(&format!("timeline to {}", now as f64 / 1e6)).unwrap();
    }

    fn find(&mut self, moment: &Moment) {
        self.go(moment.0);
        let seed = self.seed;
        assert_eq!(self.seen(), *moment, "seed {seed}");
    }
}

#[test]
fn what_outside_clients_did_is_found_again_and_branches_leave_it_as_it_was() {
    let long = std::env::var_os("BLUMFELD_LONG").is_some_and(|value| value == "1");
    let mut heard = 0;
    for seed in 0..if long { MANY } else { SESSIONS } {
        let mut script = Script::new(seed);
        script.live(14);
        let end = script.seen();
        let mut moments = script.moments.clone();
        for at in (1..moments.len()).rev() {
            moments.swap(at, script.below(at + 1));
        }
        for moment in &moments {
            script.find(moment);
        }
        script.door.timeline("timeline now").unwrap();
        assert_eq!(script.seen(), end, "seed {seed}");
        // Whoever acts in the past leaves the rest as it was; the clients of that time are told that they are gone.
        script.find(&moments[0]);
        script.door.timeline("timeline branch other").unwrap();
        script.take();
        assert!(script.conns.is_empty(), "seed {seed}: {:?}", script.conns);
        script.moments.clear();
        script.live(4);
        let others = std::mem::take(&mut script.moments);
        // Where a branch lives again its clients are gone, which is done to it; all before is as it was.
        script.door.timeline("timeline switch main").unwrap();
        script.take();
        for moment in &moments {
            script.find(moment);
        }
        script.door.timeline("timeline switch other").unwrap();
        script.take();
        for moment in &others {
            script.find(moment);
        }
        heard += script.heard;
    }
    assert!(heard > 1_000, "brokers answered {heard} bytes");
}
