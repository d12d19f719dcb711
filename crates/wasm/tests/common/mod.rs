//! One story for both worlds: what a person and bad luck do to a cluster, the same for the same seed. The native test
//! and the browser's run it, and both compare its digests with `digests.txt`.

#[allow(dead_code, reason = "not every test asks")]
pub mod asked;
#[allow(dead_code, reason = "not every test has a store")]
pub mod page;

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_kernel::Prng;
use blumfeld_protocol::{Compression, CompressionLevels};
use blumfeld_view::{Durability, Fault, Stream};
use blumfeld_wasm::{Boot, Engine};
use bytes::Bytes;

/// The seeds that `digests.txt` knows.
pub const SEEDS: [u64; 6] = [1, 2, 3, 4, 5, 0x00c0_ffee];

/// The digests of [`SEEDS`], one line a seed: seed, digest, events, virtual microseconds.
pub const DIGESTS: &str = include_str!("../digests.txt");

/// What is asked of the past, with the answers.
#[allow(dead_code, reason = "not every test asks")]
pub const ASKED: &str = include_str!("../asked.txt");

const AT: &str = "--bootstrap-server localhost:9092";
const BROKER: i32 = 1;
/// A command must end after so much virtual time.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a command wrote.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ran {
    /// To its standard output.
    pub stdout: String,
    /// To its standard error.
    pub stderr: String,
    /// Its exit code; `None` if it had to be interrupted.
    pub code: Option<i32>,
}

/// An engine with somebody before it.
pub struct Desk {
    /// The engine.
    pub engine: Engine,
    files: BTreeMap<String, Bytes>,
    commands: u32,
}

impl Desk {
    /// A new cluster.
    pub fn new(seed: u64, durability: Durability) -> Desk {
        Desk::at(Boot::fresh("test", seed, 1_700_000_000_000, 1, durability))
    }

    /// A cluster that goes on from its disks, once it serves.
    pub fn at(boot: Boot) -> Desk {
        let engine = Engine::new(boot);
        let commands = engine.free_line();
        let mut desk = Desk { engine, files: BTreeMap::new(), commands };
        desk.until_ready();
        desk
    }

    /// Ten virtual milliseconds, with a store that takes everything at once.
    fn turn(&mut self) {
        self.engine.advance(Duration::from_millis(10), || false);
        if self.engine.awaits_store() {
            let (token, changes) = self.engine.take_changes();
            self.engine.stored(token, Ok(()));
            // A real store finds them still to be done.
            self.engine.put_back(changes);
        }
    }

    /// Lets virtual time pass.
    pub fn pass(&mut self, span: Duration) {
        let until = self.engine.world().now() + span;
        while self.engine.world().now() < until {
            self.turn();
        }
    }

    /// Lets it run until its brokers serve.
    pub fn until_ready(&mut self) {
        let mut turns = 0;
        while !self.engine.is_ready() {
            self.turn();
            turns += 1;
            assert!(turns < 10_000, "the broker does not start");
        }
    }

    /// Breaks something, and mends it a moment later.
    pub fn break_and_mend(&mut self, fault: Fault) {
        self.engine.fault(fault);
        self.pass(Duration::from_millis(500));
        self.engine.fault(Fault::Restart(BROKER));
        self.until_ready();
    }

    /// Drops a file on the page.
    pub fn drop_file(&mut self, name: &str, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        self.engine.add_file(name, bytes.len() as u64);
        self.files.insert(name.to_owned(), bytes);
    }

    /// Runs a line to its end. `typed` is what comes from the keyboard.
    pub fn run(&mut self, line: &str, typed: &str) -> Ran {
        self.commands += 1;
        let id = self.commands;
        self.engine.console(id, line);
        if !typed.is_empty() {
            self.engine.stdin(id, Bytes::copy_from_slice(typed.as_bytes()));
            self.engine.close_stdin(id);
        }
        let (mut ran, deadline) = (Ran::default(), self.engine.world().now() + PATIENCE);
        loop {
            for update in self.engine.take_console(usize::MAX) {
                // A client in the background has its own.
                if update.id != id {
                    continue;
                }
                for part in update.output {
                    match part.stream {
                        Stream::Out => ran.stdout.push_str(&part.text),
                        Stream::Err => ran.stderr.push_str(&part.text),
                    }
                }
                if update.exit.is_some() {
                    ran.code = update.exit;
                    return ran;
                }
            }
            assert!(self.engine.world().now() < deadline, "{line} does not end: {ran:?}");
            while let Some((reader, name, from)) = self.engine.file_wanted() {
                // Pieces of a few records, so that lines are cut between them.
                let file = &self.files[&name];
                let from = usize::try_from(from).unwrap();
                if from == file.len() {
                    self.engine.close_stdin(reader);
                } else {
                    let piece = file.slice(from..file.len().min(from + 1_000));
                    self.engine.stdin(reader, piece);
                }
                self.engine.advance(Duration::from_millis(10), || false);
            }
            self.turn();
        }
    }

    /// Runs a line that must succeed; gives what it printed.
    pub fn ok(&mut self, line: &str, typed: &str) -> String {
        let ran = self.run(line, typed);
        assert_eq!(ran.code, Some(0), "{line}: {ran:?}");
        ran.stdout
    }

    /// Every value of a topic, in the order of partitions.
    pub fn read_all(&mut self, topic: &str, partitions: i32) -> Vec<String> {
        let mut lines = Vec::new();
        for partition in 0..partitions {
            let line = format!(
                "kafka-console-consumer.sh {AT} --topic {topic} --partition {partition} --offset earliest --timeout-ms 2000"
            );
            // That the time ran out is how it knows that there is no more.
            let ran = self.run(&line, "");
            lines.extend(ran.stdout.lines().map(ToOwned::to_owned));
        }
        lines
    }
}

/// What the story came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Digest of everything that happened.
    pub digest: u64,
    /// How many events that was.
    pub events: u64,
    /// Virtual microseconds that it took.
    pub now: u64,
    /// Digest over what was on the screen, which the world does not know.
    pub screen: u64,
    /// The record of it.
    pub record: String,
}

impl Outcome {
    /// The line of `digests.txt`.
    pub fn line(&self, seed: u64) -> String {
        let Outcome { digest, events, now, screen, .. } = self;
        format!("seed {seed}: digest {digest:016x}, screen {screen:016x}, {events} events, {now} us\n")
    }
}

/// FNV-1a.
fn fold(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The story: topics, records of every compression from the keyboard and from a file, a killed process, a power cut, a
/// change of durability, deletes, reading it all.
pub fn story(seed: u64) -> Outcome {
    let mut rng = Prng::new(seed, "workload");
    let durability = if seed.is_multiple_of(2) { Durability::Strict } else { Durability::Relaxed };
    let mut desk = Desk::new(seed, durability);
    let mut screen = 0xcbf2_9ce4_8422_2325;
    let mut show = |text: &str| screen = fold(screen, text);

    let partitions = 1 + i32::try_from(rng.below(3)).unwrap();
    show(&desk.ok(
        &format!("kafka-topics.sh {AT} --create --topic orders --partitions {partitions} --config segment.bytes=1048576"),
        "",
    ));
    show(&desk.ok(&format!("kafka-topics.sh {AT} --create --topic 'to.delete'"), ""));

    let mut sent = Vec::new();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let lines: Vec<String> = (0..20 + rng.below(200))
            .map(|n| format!("{codec} 주문 {n} {}", "x".repeat(usize::try_from(rng.below(300)).unwrap())))
            .collect();
        let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
        let producer = format!(
            "kafka-console-producer.sh {AT} --topic orders --compression-codec {codec} --request-required-acks all"
        );
        if rng.chance(1, 2) {
            show(&desk.ok(&producer, &text));
        } else {
            let name = format!("{codec}.txt");
            desk.drop_file(&name, text);
            show(&desk.ok(&format!("cat {name} | {producer}"), ""));
        }
        sent.extend(lines);
        if rng.chance(1, 2) {
            desk.break_and_mend(Fault::Crash(BROKER));
        }
        desk.pass(rng.duration(Duration::from_millis(300)));
    }
    // More than one block of every codec: an encoder that looks at the machine's word finds other matches in wasm.
    let long: Vec<u8> = (0..20_000 + rng.below(1_000))
        .flat_map(|n| format!("{} 줄 {n}\n", n * n % 97).into_bytes())
        .collect();
    for codec in Compression::ALL {
        let packed = codec.compress(&long);
        assert!(codec.decompress(&packed, long.len()).is_ok_and(|plain| plain == long), "{codec}");
        show(&packed.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }
    for gzip in 1..=9 {
        let levels = CompressionLevels { gzip, ..CompressionLevels::default() };
        let packed = Compression::Gzip.compress_at(&long, levels);
        show(&packed.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }

    sent.sort();
    let mut seen = desk.read_all("orders", partitions);
    seen.sort();
    assert_eq!(seen, sent, "a killed process keeps its page cache");

    desk.break_and_mend(Fault::PowerCut(BROKER));
    let mut left = desk.read_all("orders", partitions);
    left.sort();
    if durability == Durability::Strict {
        assert_eq!(left, sent, "what was acknowledged had been flushed");
    }
    assert!(left.iter().all(|line| sent.binary_search(line).is_ok()), "nothing comes of nothing");
    show(&left.join("\n"));

    desk.engine.set_durability(if seed.is_multiple_of(3) { Durability::Strict } else { Durability::Relaxed });
    desk.until_ready();
    show(&desk.ok(&format!("kafka-topics.sh {AT} --delete --topic to.delete"), ""));
    show(
        &desk.ok(&format!("kafka-topics.sh {AT} --alter --topic orders --partitions {}", partitions + 1), ""),
    );
    show(&desk.ok(&format!("kafka-console-producer.sh {AT} --topic orders"), "a\nb\n\u{1f600}\n"));
    show(&desk.ok(&format!("kafka-topics.sh {AT} --describe"), ""));
    show(&desk.ok(&format!("kafka-get-offsets.sh {AT} --topic orders"), ""));
    let refused = desk.run(&format!("kafka-topics.sh {AT} --create --topic orders"), "");
    show(&refused.stdout);
    show(&refused.stderr);
    show(&desk.run("kafka-topics.sh 'unclosed", "").stderr);
    // The last step of the record, so that a replay comes to where this came to.
    desk.engine.sync();

    let engine = &desk.engine;
    let record = engine.record().borrow().to_json();
    Outcome {
        digest: engine.digest(),
        events: engine.world().events(),
        now: engine.world().now().as_micros(),
        screen,
        record,
    }
}
