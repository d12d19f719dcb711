//! Runs with transactions: programs that write in them, give them up, time out, die and are started again beside
//! themselves, and programs that read and write on; while brokers fail, and requests are late or lost.

mod load;
mod tables;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use blumfeld_broker::{GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC, TransactionState};
use blumfeld_client::TopicPartition;
use blumfeld_client::admin::NewTopic;
use blumfeld_client::consumer::{ConsumerConfig, IsolationLevel, OffsetReset};
use blumfeld_client::producer::ProducerConfig;
use blumfeld_kernel::{Instant, Prng};
use blumfeld_sim::{Output, ProcessId, checkers};

use super::checks::Tables;
use super::{BOOT, Client, LIVENESS, Run, pick};
use load::{INPUT, OUTPUT, Plan, Reader, TOPICS, Told, Writer};
use tables::{Defaults, TABLES, TableWriter};

/// The group of those that read and write on.
const GROUP: &str = "transformers";
/// Whatever is lost, nothing of a transaction is left so long after the faults: the longest timeout, with what it takes
/// to see it, to fence the producer and to write the markers; and a transaction that was begun while a clock was ahead
/// times out later by that (ten minutes at most).
const SETTLED: Duration = Duration::from_secs(120 + 600);

/// A `transactional.id`, and who has it.
#[derive(Clone, Debug)]
struct Owner {
    id: String,
    transforms: bool,
    /// Who was started last with it, while it runs.
    process: Option<ProcessId>,
    /// When the next is started.
    next: Instant,
}

/// The programs of a run.
#[derive(Clone, Debug)]
pub struct Transactions {
    rng: Prng,
    owners: Vec<Owner>,
    partitions: i32,
    /// So many keys the tables have; 0 where there are none.
    keys: u64,
    topics: Vec<Arc<str>>,
    /// Nobody begins anything after this.
    until: Instant,
    /// How many programs were started.
    started: u64,
    /// How many of them beside another with their id.
    beside: u64,
    /// What everybody said, for people.
    pub said: Vec<(Instant, String)>,
    /// What is true of what everybody saw.
    pub checks: checkers::Transactions,
}

impl Transactions {
    /// Nobody has begun.
    pub fn new(seed: u64) -> Transactions {
        let mut rng = Prng::new(seed, "transactions-of-the-run");
        let owner = |name: &str, number: u64, transforms: bool| Owner {
            id: format!("{name}-{number}"),
            transforms,
            process: None,
            next: Instant::ZERO,
        };
        let (writers, transformers) = (2 + rng.below(2), 1 + rng.below(2));
        let writers = (0..writers).map(|number| owner("writer", number, false));
        let owners = writers.chain((0..transformers).map(|number| owner("transformer", number, true)));
        Transactions {
            owners: owners.collect(),
            partitions: i32::try_from(1 + rng.below(3)).unwrap_or(1),
            keys: 0,
            rng,
            topics: TOPICS.iter().chain(&TABLES).map(|topic| Arc::from(*topic)).collect(),
            until: Instant::ZERO,
            started: 0,
            beside: 0,
            said: Vec::new(),
            checks: checkers::Transactions::default(),
        }
    }

    /// The same, with compacted topics besides.
    pub fn with_tables(seed: u64) -> Transactions {
        let mut transactions = Transactions::new(seed);
        transactions.keys = 3 + transactions.rng.below(10);
        transactions
    }

    fn topic(&self, number: u64) -> Option<&Arc<str>> {
        self.topics.get(usize::try_from(number).ok()?)
    }

    /// The topics that are read.
    fn read(&self) -> impl Iterator<Item = &'static str> + use<> {
        let tables = if self.keys > 0 { TABLES.len() } else { 0 };
        TOPICS.into_iter().chain(TABLES.into_iter().take(tables))
    }

    fn told(&mut self, process: ProcessId, told: Told, tables: Option<&mut Tables>) -> Result<(), String> {
        if let Some(tables) = tables
            && self.told_of_tables(process, told, tables)?
        {
            return Ok(());
        }
        match told {
            Told::Sent { transaction, topic, value } => {
                if let Some(topic) = self.topic(topic).cloned() {
                    self.checks.sent(transaction, &topic, value);
                }
            }
            Told::Asked(transaction) => self.checks.asked(transaction),
            Told::Committed(transaction) => self.checks.committed(transaction),
            Told::Aborted(transaction) => return self.checks.aborted(transaction),
            Told::Read { topic, partition, offset, transaction, value } => {
                let topic = self.topic(topic).cloned().ok_or("a record of an unknown topic was read")?;
                return self.checks.read(process.0, (topic, partition, offset), transaction, value);
            }
            Told::Placed { .. } => {}
        }
        Ok(())
    }

    /// Takes what is said of tables. Gives whether it is of them alone.
    fn told_of_tables(&self, process: ProcessId, told: Told, tables: &mut Tables) -> Result<bool, String> {
        let table = |number: u64| self.topic(number).filter(|_| number >= TOPICS.len() as u64);
        let partition = |topic: &str, partition: i32| Arc::from(format!("{topic}-{partition}"));
        match told {
            Told::Sent { transaction, topic, value } if table(topic).is_some() => {
                tables.sent.sent(value, Some(transaction).filter(|transaction| *transaction > 0));
            }
            Told::Read { topic, partition: number, offset, transaction, .. } => {
                let Some(topic) = table(topic) else { return Ok(false) };
                tables.compaction.read(process.0, &partition(topic, number), offset, transaction)?;
            }
            Told::Placed { topic, partition: number, offset, value } => {
                let Some(topic) = table(topic) else { return Ok(false) };
                tables.sent.acknowledged(&partition(topic, number), offset, value)?;
            }
            Told::Asked(transaction) => {
                tables.sent.asked(transaction);
                return Ok(false);
            }
            Told::Committed(transaction) => {
                tables.sent.committed(transaction);
                return Ok(false);
            }
            Told::Aborted(transaction) => {
                tables.sent.aborted(transaction);
                return Ok(false);
            }
            Told::Sent { .. } => return Ok(false),
        }
        Ok(true)
    }
}

impl Run {
    /// Takes what a program with transactions, or a reader, put out.
    pub(super) fn transactional_output(&mut self, process: ProcessId, output: Output) -> Result<(), String> {
        let now = self.world.now();
        let Some(transactions) = &mut self.transactions else { return Ok(()) };
        match output {
            Output::Stdout(bytes) => {
                for told in Told::decode(&bytes) {
                    transactions.said.push((now, format!("{process}: {told:x?}")));
                    transactions.told(process, told, self.checks.tables.as_mut())?;
                }
            }
            Output::Stderr(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                transactions.said.push((now, format!("{process}: {text}")));
            }
            Output::Exit(code) => {
                transactions.said.push((now, format!("{process} exits with {code}")));
                self.clients.remove(&process);
                let wait = Duration::from_millis(transactions.rng.below(3_000));
                for owner in transactions.owners.iter_mut().filter(|owner| owner.process == Some(process)) {
                    (owner.process, owner.next) = (None, now + wait);
                }
            }
        }
        Ok(())
    }

    fn spawn_writer(&mut self, at: usize) {
        let Some(mut transactions) = self.transactions.take() else { return };
        transactions.started += 1;
        let rng = &mut transactions.rng;
        if let Some(owner) = transactions.owners.get_mut(at) {
            let silence_ms = 1_000 + rng.below(25_000);
            let plan = Plan {
                first: transactions.started << 20,
                partitions: transactions.partitions,
                keys: transactions.keys,
                until: transactions.until,
                pause_ms: pick(rng, &[50, 1_000, 3_000]),
                // What one poll gives is to be done before the shortest timeout is over.
                work_ms: if owner.transforms { pick(rng, &[0, 5, 20]) } else { pick(rng, &[0, 20, 300]) },
                silence_ms,
                odds: pick(rng, &[[15, 5, 3], [30, 2, 1], [5, 10, 5]]),
            };
            let name = format!("{}-{}", owner.id, transactions.started);
            let mut producer = ProducerConfig::new(self.client(&name));
            producer.transactional_id = Some(owner.id.clone());
            producer.transaction_timeout_ms = pick(rng, &[3_000, 8_000, 20_000]);
            producer.linger_ms = pick(rng, &[0, 5, 100]);
            producer.batch_size = pick(rng, &[60, 16_384]);
            producer.max_block_ms = pick(rng, &[5_000, 60_000]);
            producer.delivery_timeout_ms = pick(rng, &[6_000, 120_000]);
            producer.client.request_timeout_ms = pick(rng, &[2_000, 5_000, 30_000]);
            let consumer = owner.transforms.then(|| {
                let mut config = self.committed_consumer(&name);
                config.group_id = Some(GROUP.to_owned());
                config.enable_auto_commit = false;
                config.session_timeout_ms = 6_000;
                config.heartbeat_interval_ms = 2_000;
                config.max_poll_records = pick(rng, &[1, 5, 50]);
                config.max_poll_interval_ms = pick(rng, &[8_000, 300_000]);
                config
            });
            let client = if owner.transforms { Client::Transformer } else { Client::Writer };
            let process = self.world.spawn(Box::new(Writer::new(plan, producer, consumer)));
            transactions.beside += u64::from(owner.process.is_some());
            owner.process = Some(process);
            self.clients.insert(process, client);
        }
        self.transactions = Some(transactions);
    }

    /// Makes the brokers' cleaners busy, and starts who writes to tables without transactions.
    fn begin_tables(&mut self) {
        if self.checks.tables.is_none() {
            return;
        }
        let Some(mut transactions) = self.transactions.take() else { return };
        let rng = &mut transactions.rng;
        let defaults = Defaults::of_cleaners(self.client("admin"), rng);
        let process = self.world.spawn(Box::new(defaults));
        self.clients.insert(process, Client::Writer);
        for number in 0..1 + rng.below(2) {
            let mut config = ProducerConfig::new(self.client(&format!("table-writer-{number}")));
            config.linger_ms = pick(rng, &[0, 5, 100]);
            config.batch_size = pick(rng, &[100, 16_384]);
            let (shape, pause_ms) = ((transactions.partitions, transactions.keys), pick(rng, &[100, 1_000]));
            // Writers with transactions take theirs from another range.
            let writer = TableWriter::new(config, shape, (number + 1) << 56, transactions.until, pause_ms);
            let process = self.world.spawn(Box::new(writer));
            self.clients.insert(process, Client::Writer);
        }
        self.transactions = Some(transactions);
    }

    fn table_topics(&mut self, partitions: i32) -> Vec<NewTopic> {
        let mut rng = Prng::new(self.topology.config.seed, "tables-of-the-run");
        let table = |(at, name): (usize, &&str)| {
            let mut topic = self.topic(name, partitions);
            topic.configs.extend(tables::configs(&mut rng, at == 1));
            topic
        };
        TABLES.iter().enumerate().map(table).collect()
    }

    fn committed_consumer(&self, name: &str) -> ConsumerConfig {
        let mut config = ConsumerConfig::new(self.client(name));
        config.auto_offset_reset = OffsetReset::Earliest;
        config.allow_auto_create_topics = false;
        config.isolation_level = IsolationLevel::ReadCommitted;
        config
    }

    /// Reads everything up to these ends.
    fn spawn_reader(&mut self, client: Client, ends: BTreeMap<TopicPartition, i64>) -> ProcessId {
        let config = self.committed_consumer("committed");
        let process = self.world.spawn(Box::new(Reader::new(config, ends)));
        self.clients.insert(process, client);
        process
    }

    /// Starts those that are to begin, be it again or beside themselves.
    fn start_owners(&mut self, healed: bool) {
        let now = self.world.now();
        let Some(transactions) = &mut self.transactions else { return };
        let over = healed || now >= transactions.until;
        let mut begin = Vec::new();
        for (at, owner) in transactions.owners.iter_mut().enumerate() {
            if owner.next > now || (over && (owner.process.is_some() || !owner.transforms)) {
                continue;
            }
            if owner.process.is_none() || transactions.rng.chance(1, 3) {
                begin.push(at);
            }
            // Whoever lives that long may find its successor beside it.
            owner.next = now + Duration::from_millis(3_000 + transactions.rng.below(15_000));
        }
        begin.into_iter().for_each(|at| self.spawn_writer(at));
    }

    /// Where the partitions of the topics end, if nothing is left open there: each has one leader, whose log is
    /// committed and stable to its end; `None` while that is not so.
    fn stable_ends(&self) -> Option<BTreeMap<TopicPartition, i64>> {
        let is_read = |topic: &str| {
            self.transactions.as_ref().is_some_and(|transactions| transactions.read().any(|one| one == topic))
        };
        self.unsettled().is_none().then(|| {
            let replicas = self.world.nodes().filter_map(|node| self.world.broker(node));
            let leaders = replicas.flat_map(|broker| broker.replicas().partitions());
            leaders
                .filter(|(of, replica)| replica.is_leader() && is_read(&of.0))
                .map(|(of, replica)| {
                    let of = TopicPartition { topic: of.0.as_str().into(), partition: of.1 };
                    (of, replica.log().log_end())
                })
                .collect()
        })
    }

    /// What is not settled yet: a partition that is not stable to its end, or a transaction that is not complete.
    fn unsettled(&self) -> Option<String> {
        let mut leaders = BTreeMap::new();
        for node in self.world.nodes() {
            let Some(broker) = self.world.broker(node) else { return Some(format!("{node} is down")) };
            for (of, replica) in broker.replicas().partitions().filter(|(_, replica)| replica.is_leader()) {
                let marks = (replica.last_stable_offset(), replica.high_watermark(), replica.log().log_end());
                if marks.0 != marks.1 || marks.1 != marks.2 {
                    let (stable, high, end) = marks;
                    return Some(format!(
                        "{} at {node}: last stable offset {stable}, high watermark {high}, log end {end}",
                        replica.name()
                    ));
                }
                if leaders.insert(of.clone(), node).is_some() {
                    return Some(format!("{} has two leaders", replica.name()));
                }
            }
            for (id, transaction) in broker.transactions().transactions() {
                use TransactionState::{CompleteAbort, CompleteCommit, Dead, Empty};
                let metadata = transaction.metadata();
                if !matches!(metadata.state, Empty | CompleteCommit | CompleteAbort | Dead) {
                    let lacks = transaction.unmarked();
                    return Some(format!(
                        "{id} at {node}: {:?}, producer {} in epoch {}, lacks markers of {lacks:?}",
                        metadata.state, metadata.producer_id, metadata.producer_epoch
                    ));
                }
            }
        }
        None
    }

    fn run_until_settled(&mut self, what: &str, span: Duration) -> Result<(), String> {
        // It takes time to see, so not every event is looked at.
        let settled = |run: &Run| run.world.events().is_multiple_of(32) && run.unsettled().is_none();
        self.run_until(what, span, settled)
            .map_err(|error| format!("{error}; {}", self.unsettled().unwrap_or_default()))
    }

    /// Whether a leader holds a transaction open whose end it can never learn of; nothing more can be asked of such a
    /// run then, for readers of committed records stand still there.
    fn hangs_as_kafkas(&self) -> bool {
        let Some(tables) = &self.checks.tables else { return false };
        let brokers = self.world.nodes().filter_map(|node| self.world.broker(node));
        let mut leaders =
            brokers.flat_map(|broker| broker.replicas().partitions().map(|(_, replica)| replica));
        leaders.any(|replica| {
            let (log, stable) = (replica.log(), replica.last_stable_offset());
            // The batch of a marker that was taken out may stay, empty, for its producer's sake.
            let has = |offset: i64| {
                log.browse(offset).any(|(.., batch)| {
                    batch.records_count() > 0 && (batch.base_offset()..batch.next_offset()).contains(&offset)
                })
            };
            replica.is_leader()
                && stable < replica.high_watermark()
                && tables.compaction.missed_the_end(replica.name(), stable, log.log_end(), has)
        })
    }

    /// The same wait; false where a transaction hangs.
    fn settles(&mut self, what: &str) -> Result<bool, String> {
        match self.run_until_settled(what, SETTLED) {
            Err(_) if self.hangs_as_kafkas() => {
                self.world.invariants()?;
                Ok(false)
            }
            result => result.map(|()| true),
        }
    }

    /// How many values transformers have read and written, as far as readers saw them.
    fn transformed(&self) -> (u64, u64) {
        let checks = self.transactions.as_ref().map(|transactions| &transactions.checks);
        checks.map_or((0, 0), |checks| (checks.count(INPUT), checks.count(OUTPUT)))
    }

    /// Everything of a run with transactions after its start.
    ///
    /// # Errors
    /// The first thing that must not be.
    pub(super) fn run_transactions(&mut self, faults_for: Duration) -> Result<(), String> {
        let partitions = self.transactions.as_ref().map_or(1, |transactions| transactions.partitions);
        let node = self.topology.config.brokers.first();
        let counts =
            node.map(|node| (node.group.offsets_topic_partitions, node.transaction.topic_partitions));
        let (offsets, states) = counts.unwrap_or((1, 1));
        let mut topics: Vec<_> = TOPICS.iter().map(|name| self.topic(name, partitions)).collect();
        for (name, partitions) in [(GROUP_METADATA_TOPIC, offsets), (TRANSACTION_STATE_TOPIC, states)] {
            let mut topic = self.topic(name, partitions);
            topic.configs.insert("cleanup.policy".to_owned(), "compact".to_owned());
            topics.push(topic);
        }
        if self.checks.tables.is_some() {
            let tables = self.table_topics(partitions);
            // What a cleaner does to the coordinators' topics is looked at as well.
            if let Some(table) = tables.first() {
                let configs = table.configs.clone();
                topics.iter_mut().skip(TOPICS.len()).for_each(|topic| topic.configs.extend(configs.clone()));
            }
            topics.extend(tables);
        }
        self.spawn_admin(topics, Duration::ZERO);
        self.run_until("the topics", BOOT, |run| run.clients.is_empty() && run.is_whole())?;
        let end = self.world.now() + faults_for;
        if let Some(transactions) = &mut self.transactions {
            transactions.until = end;
        }
        self.begin_tables();
        let read = self.transactions.iter().flat_map(Transactions::read);
        let forever = read.flat_map(|topic| {
            (0..partitions)
                .map(move |partition| (TopicPartition { topic: topic.into(), partition }, i64::MAX))
        });
        let forever: BTreeMap<TopicPartition, i64> = forever.collect();
        self.spawn_reader(Client::Committed, forever);
        let mut next = self.world.now() + Duration::from_millis(100 + self.rng.below(4_000));
        let mut lurks = false;
        while self.world.now() < end {
            self.step()?;
            self.start_owners(false);
            self.change_members();
            if lurks && self.rng.chance(1, 2) && self.strike()? {
                lurks = false;
            }
            if self.world.now() >= next {
                lurks |= self.rng.chance(1, 2);
                self.fault()?;
                next = self.world.now() + Duration::from_millis(100 + self.rng.below(5_000));
            }
        }
        self.heal();
        self.heal_members();
        self.run_until("a cluster that is whole with writers that are done", LIVENESS, |run| {
            run.mending.is_empty() && !run.clients.values().any(Client::is_awaited) && run.is_whole()
        })?;
        // Transformers go on, but what they begin comes to its end.
        if !self.settles("an end of every transaction")? {
            return Ok(());
        }
        let ends = self.stable_ends().unwrap_or_default();
        let first = self.spawn_reader(Client::CommittedAuditor, ends);
        self.run_until("topics that are read", LIVENESS, |run| !run.clients.contains_key(&first))?;
        // Some take seconds for each record, so that all of them may take long; but one comes after the other.
        let (mut deadline, mut so_far) = (self.world.now() + LIVENESS, self.transformed());
        while self.transformed().0 > self.transformed().1 {
            self.step()?;
            self.start_owners(true);
            if self.transformed() != so_far {
                (deadline, so_far) = (self.world.now() + LIVENESS, self.transformed());
            }
            if self.world.now() > deadline {
                let (input, output) = self.transformed();
                return Err(format!("of {input} records that were to be transformed {output} were"));
            }
        }
        if !self.settles("an end of every transaction of transformers")? {
            return Ok(());
        }
        let ends = self.stable_ends().unwrap_or_default();
        let auditor = self.spawn_reader(Client::CommittedAuditor, ends.clone());
        self.run_until("topics that are read to the end", LIVENESS, |run| {
            !run.clients.contains_key(&auditor)
        })?;
        self.world.invariants()?;
        let Some(transactions) = &self.transactions else { return Ok(()) };
        transactions.checks.complete(auditor.0)?;
        transactions.checks.derived(INPUT, OUTPUT)?;
        self.checks.tables_complete(&self.world, auditor, &ends)
    }

    /// How many transactions there were, how many of these were committed and aborted as their clients know, how many
    /// programs were started, and how many of those beside another with their id.
    pub fn transaction_counts(&self) -> [u64; 5] {
        let Some(transactions) = &self.transactions else { return [0; 5] };
        let [all, committed, aborted] = transactions.checks.counts();
        [all, committed, aborted, transactions.started, transactions.beside]
    }

    /// What the programs with transactions said.
    pub fn said(&self) -> impl Iterator<Item = &(Instant, String)> {
        self.transactions.iter().flat_map(|transactions| &transactions.said)
    }
}
