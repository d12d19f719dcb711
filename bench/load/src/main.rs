//! Puts the same load of librdkafka's on a cluster of three and measures it; the last line is JSON. `cargo xtask bench`
//! runs it. Compare what was measured in one run on one machine, nothing else.
//!
//! `blumfeld-load mock` measures librdkafka's own mock cluster, which replicates nothing and keeps 5 MiB a partition.
//! `blumfeld-load gateway PROGRAM` measures a gateway, at factor 3.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "how long something takes is what is measured"
)]

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::DeliveryResult;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Map, Value};

/// Partitions of every topic, and members of the group.
const PARTITIONS: u8 = 3;
/// The median of so many runs is told.
const RUNS: usize = 3;
/// Whatever takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A load: its name, its records, and the bytes of a value.
struct Case {
    name: &'static str,
    records: u64,
    size: usize,
    /// Whether the mock cluster can keep all of it, so that consuming is the same work for both.
    fits: bool,
}

const CASES: [Case; 4] = [
    Case { name: "1M_x_100B", records: 1_000_000, size: 100, fits: false },
    Case { name: "100k_x_1KiB", records: 100_000, size: 1_024, fits: false },
    Case { name: "120k_x_100B", records: 120_000, size: 100, fits: true },
    Case { name: "12k_x_1KiB", records: 12_000, size: 1_024, fits: true },
];

/// Counts what was acknowledged.
#[derive(Default)]
struct Acknowledged(AtomicU64);

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        // A record that was not delivered leaves the count short, and the run fails for it.
        if result.is_ok() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

type Sender = BaseProducer<Acknowledged>;
type Failure = Box<dyn std::error::Error>;

/// What is measured.
enum Cluster {
    Mock(MockCluster<'static, DefaultProducerContext>),
    Gateway {
        process: Child,
        bootstrap: String,
        /// Held open, for the gateway may say more.
        _output: BufReader<ChildStdout>,
    },
}

impl Cluster {
    fn mock() -> Result<Cluster, Failure> {
        Ok(Cluster::Mock(MockCluster::new(PARTITIONS.into())?))
    }

    /// Starts a gateway on ports of its own choice, and waits until it says that it is ready.
    fn gateway(program: &str) -> Result<Cluster, Failure> {
        let mut command = Command::new(program);
        command.args(["serve", "--brokers", "3", "--listen", "127.0.0.1:0"]);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut output = BufReader::new(process.stdout.take().ok_or("no standard output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        if let Some((_, bootstrap)) = line.split_once("ready: ") {
            return Ok(Cluster::Gateway { process, bootstrap: bootstrap.trim().to_owned(), _output: output });
        }
        process.kill()?;
        process.wait()?;
        Err("the gateway ended before it was ready".into())
    }

    fn bootstrap(&self) -> String {
        match self {
            Cluster::Mock(cluster) => cluster.bootstrap_servers(),
            Cluster::Gateway { bootstrap, .. } => bootstrap.clone(),
        }
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap());
        config
    }

    fn create(&self, topic: &str) -> Result<(), Failure> {
        match self {
            Cluster::Mock(cluster) => cluster.create_topic(topic, PARTITIONS.into(), 3)?,
            Cluster::Gateway { .. } => {
                let admin: AdminClient<DefaultClientContext> = self.config().create()?;
                let new = NewTopic::new(topic, PARTITIONS.into(), TopicReplication::Fixed(3));
                let created = futures_executor::block_on(admin.create_topics([&new], &AdminOptions::new()))?;
                created
                    .into_iter()
                    .try_for_each(|one| one.map(drop).map_err(|(topic, code)| format!("{topic}: {code}")))?;
            }
        }
        Ok(())
    }

    /// Seconds of the processor that the cluster's own process has taken; `None` for the mock, which is in this one,
    /// and where the system does not say.
    fn cpu(&self) -> Option<f64> {
        let Cluster::Gateway { process, .. } = self else { return None };
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).ok()?;
        let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
        let ticks: u64 = fields.get(11..13)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
        // Linux tells a hundredth of a second to programs, whatever it counts in itself.
        Some(ticks as f64 / 100.0)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Cluster::Gateway { process, .. } = self {
            let _ = process.kill().and_then(|()| process.wait());
        }
    }
}

/// Sends records to the partitions in turn; returns when all are acknowledged.
fn produce(sender: &Sender, topic: &str, records: u64, value: &[u8]) -> Result<(), Failure> {
    let acknowledged = &sender.context().0;
    let goal = acknowledged.load(Ordering::Relaxed) + records;
    let begun = Instant::now();
    for number in 0..records {
        let partition = i32::try_from(number % u64::from(PARTITIONS))?;
        let mut record: BaseRecord<'_, (), [u8]> = BaseRecord::to(topic).partition(partition).payload(value);
        while let Err((error, back)) = sender.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            record = back;
            sender.poll(Duration::from_millis(1));
        }
        if number % 1_000 == 0 {
            sender.poll(Duration::ZERO);
        }
    }
    while acknowledged.load(Ordering::Relaxed) < goal {
        sender.poll(Duration::from_millis(1));
        if begun.elapsed() > PATIENCE {
            return Err(format!("{topic}: not every record was acknowledged").into());
        }
    }
    Ok(())
}

/// Reads what a topic holds, with the client's settings as they are; gives how many records and how long it took.
fn consume(cluster: &Cluster, topic: &str) -> Result<(u64, f64), Failure> {
    let consumer: BaseConsumer =
        cluster.config().set("group.id", "reader").set("enable.auto.commit", "false").create()?;
    let (mut from, mut held) = (TopicPartitionList::new(), 0);
    for partition in 0..PARTITIONS.into() {
        let (low, high) = consumer.fetch_watermarks(topic, partition, PATIENCE)?;
        held += u64::try_from(high - low)?;
        from.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    let begun = Instant::now();
    consumer.assign(&from)?;
    for _ in 0..held {
        consumer.poll(PATIENCE).ok_or("nothing more comes")??;
    }
    Ok((held, begun.elapsed().as_secs_f64()))
}

/// Three members join a group at once; the milliseconds until each has its partition.
fn join(cluster: &Cluster, topic: &str) -> Result<f64, Failure> {
    let begun = Instant::now();
    let mut members: Vec<BaseConsumer> = Vec::new();
    for _ in 0..PARTITIONS {
        let member: BaseConsumer =
            cluster.config().set("group.id", "three").set("session.timeout.ms", "6000").create()?;
        member.subscribe(&[topic])?;
        members.push(member);
    }
    let has_one = |member: &BaseConsumer| member.assignment().is_ok_and(|assignment| assignment.count() == 1);
    while !members.iter().all(has_one) {
        if begun.elapsed() > PATIENCE {
            return Err("the group is not stable".into());
        }
        for member in &members {
            if let Some(polled) = member.poll(Duration::from_millis(1)) {
                polled?;
            }
        }
    }
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}

/// One run of everything.
fn run(
    start: impl Fn() -> Result<Cluster, Failure>,
    numbers: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let mut tell = |name: String, number: f64| {
        let runs = numbers.entry(name).or_insert_with(|| Value::Array(Vec::new()));
        runs.as_array_mut().into_iter().for_each(|runs| runs.push(number.into()));
    };
    let begun = Instant::now();
    let cluster = start()?;
    cluster.create("first")?;
    let mut config = cluster.config();
    config.set("acks", "all").set("linger.ms", "5");
    let sender: Sender = config.create_with_context(Acknowledged::default())?;
    produce(&sender, "first", 1, &[b'x'; 100])?;
    tell("start_to_first_ack_ms".to_owned(), begun.elapsed().as_secs_f64() * 1e3);
    for Case { name, records, size, fits } in CASES {
        let value = vec![b'x'; size];
        cluster.create(name)?;
        // One to each partition first: the client looks for a new topic's leaders only now and then.
        produce(&sender, name, PARTITIONS.into(), &value)?;
        let (begun, cpu) = (Instant::now(), cluster.cpu());
        produce(&sender, name, records, &value)?;
        tell(format!("produce_{name}_records_per_s"), records as f64 / begun.elapsed().as_secs_f64());
        if let (Some(before), Some(after)) = (cpu, cluster.cpu()) {
            tell(format!("produce_{name}_cpu_s_per_million"), (after - before) / records as f64 * 1e6);
        }
        if fits || matches!(cluster, Cluster::Gateway { .. }) {
            let (read, seconds) = consume(&cluster, name)?;
            tell(format!("consume_{name}_records_per_s"), read as f64 / seconds);
        }
    }
    tell("group_of_3_stable_ms".to_owned(), join(&cluster, "first")?);
    Ok(())
}

fn measure(arguments: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut numbers = Map::new();
    for _ in 0..RUNS {
        match arguments {
            [target] if target == "mock" => run(Cluster::mock, &mut numbers)?,
            [target, program] if target == "gateway" => run(|| Cluster::gateway(program), &mut numbers)?,
            _ => return Err("blumfeld-load mock, or blumfeld-load gateway PROGRAM".into()),
        }
    }
    for runs in numbers.values_mut() {
        let mut sorted: Vec<f64> = runs.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        sorted.sort_by(f64::total_cmp);
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        *runs = if median >= 1e3 { median.round().into() } else { ((median * 1e3).round() / 1e3).into() };
    }
    Ok(numbers)
}

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match measure(&arguments) {
        Ok(numbers) => {
            println!("{}", Value::Object(numbers));
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("blumfeld-load: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
