//! Random runs: a cluster, clients that load it, faults, healing, and checkers that watch from outside.

mod checks;
mod faults;
mod groups;
mod members;
mod topics;
mod topology;
mod transactions;

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_broker::GROUP_METADATA_TOPIC;
use blumfeld_client::ClientConfig;
use blumfeld_client::admin::NewTopic;
use blumfeld_client::consumer::{ConsumerConfig, OffsetReset};
use blumfeld_client::producer::{Acks, ProducerConfig};
use blumfeld_kernel::{Endpoint, Instant, NodeId, Prng};
use blumfeld_protocol::Compression;
use blumfeld_sim::checkers::{PartitionHealth, unhealthy};
use blumfeld_sim::load::{Fact, LoadConsumer, LoadProducer, LoadTopics, ProducerLoad};
use blumfeld_sim::{Fault, Output, ProcessId, World};

use members::Members;
use topics::Topics;
use transactions::Transactions;

pub use checks::Checks;
pub use topology::Topology;

/// The topic that is written and read.
const TOPIC: &str = "load";
/// A cluster serves at the latest so long after its start.
const BOOT: Duration = Duration::from_secs(60);
/// What a trigger does that kills its broker.
const CRASH: &str = "do crash here";
/// So long after the healing the cluster must be whole, and every record acknowledged and read.
const LIVENESS: Duration = Duration::from_secs(300);

fn pick<T: Copy>(rng: &mut Prng, list: &[T]) -> T {
    list[usize::try_from(rng.below(list.len() as u64)).unwrap_or(0)]
}

/// A client of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Client {
    /// It creates these topics; what cannot be created now is left.
    Admin(Vec<String>),
    /// It is done when every record is acknowledged.
    Producer,
    /// It reads for ever: nobody waits for it.
    Reader,
    /// It reads up to the end.
    Auditor,
    /// It takes part in deleting a topic and creating it again.
    Recreation,
    /// It belongs to the group of this number: it goes on for ever, or until somebody ends it.
    Member(usize),
    /// It writes in transactions: it is done some time after the faults.
    Writer,
    /// It reads and writes on in transactions, for ever.
    Transformer,
    /// It reads what is committed, for ever.
    Committed,
    /// It reads what is committed up to the end.
    CommittedAuditor,
}

/// A cluster under faults.
pub struct Run {
    /// The world.
    pub world: World,
    /// What is known of it.
    pub checks: Checks,
    /// Faults that were injected, with their times.
    pub faults: Vec<(Instant, Fault)>,
    /// What members of groups said, with the times.
    pub told: Vec<(Instant, ProcessId, Fact)>,
    topology: Topology,
    rng: Prng,
    groups: groups::Groups,
    clients: BTreeMap<ProcessId, Client>,
    /// What is to be mended, and when.
    mending: Vec<(Instant, Fault)>,
    /// The store's commit that is under way, and the event at which it is done.
    storing: Option<(u64, u64)>,
    /// The machine whose power was cut since the cluster was last whole.
    cut: Option<NodeId>,
    /// The only machine is about to come back after a power cut.
    comes_back: bool,
    /// Who comes and goes, if anybody does.
    members: Option<Members>,
    /// Draws triggers, where there are any.
    triggers: Option<Prng>,
    /// The topic that is deleted and created again, where there is one.
    topics: Option<Topics>,
    /// Who writes in transactions, where anybody does.
    transactions: Option<Transactions>,
    /// Whether clocks are left alone.
    clocks_agree: bool,
}

impl Client {
    /// Whether the run waits for its end.
    fn is_awaited(&self) -> bool {
        match self {
            Client::Admin(_) | Client::Producer | Client::Auditor | Client::Recreation => true,
            Client::Writer | Client::CommittedAuditor => true,
            Client::Reader | Client::Member(_) | Client::Transformer | Client::Committed => false,
        }
    }

    /// Whether it has to do with transactions.
    fn is_of_transactions(&self) -> bool {
        use Client::{Committed, CommittedAuditor, Transformer, Writer};
        matches!(self, Writer | Transformer | Committed | CommittedAuditor)
    }
}

impl Run {
    /// The cluster of a seed, which has not begun.
    pub fn new(seed: u64) -> Run {
        let mut rng = Prng::new(seed, "scenario");
        let topology = Topology::random(seed, &mut rng);
        Run::of(seed, rng, topology)
    }

    fn of(seed: u64, rng: Prng, topology: Topology) -> Run {
        Run {
            world: World::new(topology.config.clone(), BTreeMap::new()),
            checks: Checks::new(TOPIC, topology.reckless, topology.brokers.len() >= 3),
            faults: Vec::new(),
            told: Vec::new(),
            topology,
            rng,
            groups: groups::Groups::new(seed),
            clients: BTreeMap::new(),
            mending: Vec::new(),
            storing: None,
            cut: None,
            comes_back: false,
            members: None,
            triggers: None,
            topics: None,
            transactions: None,
            clocks_agree: false,
        }
    }

    /// The same, of a cluster whose brokers come and go if it has more than one replica of everything.
    #[must_use]
    pub fn and_members(self, seed: u64) -> Run {
        let members = (!self.is_alone()).then(|| Members::new(seed));
        Run { members, ..self }
    }

    /// The same, with triggers on requests besides the other faults.
    pub fn with_triggers(seed: u64) -> Run {
        Run { triggers: Some(Prng::new(seed, "triggers-of-the-run")), ..Run::new(seed) }
    }

    /// The same, with a topic that is deleted and created again, if the cluster has more than one replica of it.
    pub fn with_topics(seed: u64) -> Run {
        let run = Run::new(seed);
        let topics = (!run.is_alone()).then(|| Topics::new(seed));
        Run { topics, ..run }
    }

    /// A cluster whose clients write in transactions, with triggers on their requests besides the other faults.
    pub fn with_transactions(seed: u64) -> Run {
        let mut rng = Prng::new(seed, "scenario-of-transactions");
        let topology = Topology::for_transactions(seed, &mut rng);
        let transactions = Some(Transactions::new(seed));
        let triggers = rng.chance(2, 3).then(|| Prng::new(seed, "triggers-of-the-run"));
        Run { transactions, triggers, ..Run::of(seed, rng, topology) }
    }

    /// The same with compacted topics besides, whose logs are cleaned meanwhile.
    pub fn with_compaction(seed: u64) -> Run {
        let mut run = Run::with_transactions(seed);
        let clocks_agree = run.rng.chance(1, 2);
        run.transactions = Some(Transactions::with_tables(seed));
        run.checks.tables = Some(checks::Tables::new(clocks_agree));
        run.clocks_agree = clocks_agree;
        run
    }

    /// How many records were written to compacted topics, how many of these were in their logs, how many some replica
    /// lacked, and how many passes came to their ends.
    pub fn compaction_counts(&self) -> [u64; 4] {
        let Some(tables) = &self.checks.tables else { return [0; 4] };
        let [stood, missing] = tables.compaction.counts();
        [tables.sent.count(), stood, missing, tables.passes]
    }

    /// How often a topic was created again.
    pub fn recreations(&self) -> u64 {
        self.topics.as_ref().map_or(0, Topics::count)
    }

    /// How many brokers came, went, and were lost with their replicas.
    pub fn membership_changes(&self) -> [u64; 3] {
        self.members.as_ref().map_or([0; 3], |members| members.counts)
    }

    /// A few words about the cluster.
    pub fn describe(&self) -> String {
        self.topology.describe()
    }

    fn is_alone(&self) -> bool {
        self.topology.brokers.len() < 3
    }

    // ---- clients

    fn client(&self, name: &str) -> ClientConfig {
        let mut bootstrap: Vec<Endpoint> = self.topology.bootstrap();
        bootstrap.truncate(3);
        ClientConfig::new(bootstrap, name)
    }

    fn topic(&mut self, name: &str, partitions: i32) -> NewTopic {
        let rng = &mut self.rng;
        let mut configs = BTreeMap::from([
            ("segment.bytes".to_owned(), pick(rng, &["1048576", "2097152"]).to_owned()),
            ("index.interval.bytes".to_owned(), pick(rng, &["0", "64", "4096"]).to_owned()),
        ]);
        if !self.is_alone() {
            configs.insert("min.insync.replicas".to_owned(), "2".to_owned());
        }
        NewTopic {
            name: name.to_owned(),
            partitions: Some(partitions),
            replication_factor: Some(self.topology.replication_factor()),
            assignments: BTreeMap::new(),
            configs,
        }
    }

    fn spawn_admin(&mut self, topics: Vec<NewTopic>, pause: Duration) {
        let names = topics.iter().map(|topic| topic.name.clone()).collect();
        let admin = LoadTopics::new(self.client("admin"), topics, pause);
        let process = self.world.spawn(Box::new(admin));
        self.clients.insert(process, Client::Admin(names));
    }

    fn spawn_producer(&mut self, number: u64, faults_for: Duration) {
        let mut config = ProducerConfig::new(self.client(&format!("producer-{number}")));
        let rng = &mut self.rng;
        config.acks = pick(rng, &[Acks::All, Acks::All, Acks::Leader]);
        // Nothing is given up: what is not acknowledged in time is found by the liveness phase.
        config.delivery_timeout_ms = 3_600_000;
        config.max_block_ms = 3_600_000;
        // Most producers are, by default.
        config.enable_idempotence = rng.chance(3, 4);
        if config.is_idempotent() {
            // A batch whose predecessor the leader never saw cannot be sent in order ever after, and is given up. It
            // has to be before the cluster must be whole.
            config.delivery_timeout_ms = 120_000;
        }
        config.batch_size = pick(rng, &[200, 4_096, 16_384]);
        config.linger_ms = pick(rng, &[0, 5, 100]);
        let codecs = [Compression::None, Compression::None, Compression::Gzip, Compression::Lz4];
        config.compression = pick(rng, &codecs);
        // With forty pauses in the time of the faults, a load lasts about as long as these.
        let burst = 1 + rng.below(20);
        let load = ProducerLoad {
            topic: TOPIC.into(),
            records: burst * (20 + rng.below(20)),
            size: pick(rng, &[8, 100, 100, 4_000]),
            keys: pick(rng, &[0, 7]),
            base: (number + 1) << 32,
            burst,
            pause: faults_for / 40,
            report: true,
        };
        let (sure, idempotent) = (config.acks == Acks::All, config.is_idempotent());
        if idempotent {
            self.checks.idempotence.add_producer(load.base);
        }
        let process = self.world.spawn(Box::new(LoadProducer::new(config, load)));
        self.clients.insert(process, Client::Producer);
        if sure {
            self.checks.sure.insert(process);
        }
        if idempotent {
            self.checks.idempotent.insert(process);
        }
    }

    fn spawn_consumer(&mut self, client: Client, ends: BTreeMap<i32, i64>) -> ProcessId {
        let mut config = ConsumerConfig::new(self.client("consumer"));
        config.auto_offset_reset = OffsetReset::Earliest;
        config.allow_auto_create_topics = false;
        let process = self.world.spawn(Box::new(LoadConsumer::new(config, TOPIC, ends, true)));
        self.clients.insert(process, client);
        process
    }

    // ---- time

    /// Handles an event and lets the checkers look.
    fn step(&mut self) -> Result<(), String> {
        self.mend_what_is_due()?;
        self.store();
        if self.cut.is_some() {
            self.world.cut_short(None);
        }
        if !self.world.step() {
            return Err("nothing happens any more".to_owned());
        }
        self.kill_who_was_cut_short()?;
        // It takes requests once its logs are loaded, be it said to be unfenced or not.
        let loaded = |run: &Run| {
            let broker = run.world.broker(run.only());
            broker.is_some_and(|broker| broker.replicas().partitions().next().is_some())
        };
        if self.comes_back && loaded(self) {
            self.comes_back = false;
            self.checks.came_back(&self.world, self.only(), self.topology.config.wait_for_store)?;
        }
        self.checks.look(&self.world)?;
        let processes: Vec<ProcessId> = self.clients.keys().copied().collect();
        for process in processes {
            for output in self.world.take_output(process) {
                self.output(process, output)?;
            }
        }
        Ok(())
    }

    fn output(&mut self, process: ProcessId, output: Output) -> Result<(), String> {
        if self.clients.get(&process).is_some_and(Client::is_of_transactions) {
            return self.transactional_output(process, output);
        }
        match output {
            Output::Stdout(bytes) => {
                for fact in Fact::decode(&bytes) {
                    match (fact, self.clients.get(&process)) {
                        (Fact::Created(number), Some(Client::Admin(topics))) => {
                            let topic = usize::try_from(number).ok().and_then(|number| topics.get(number));
                            topic.into_iter().for_each(|topic| self.checks.created(topic));
                        }
                        // Its records are looked at in the logs.
                        (_, Some(Client::Recreation)) => {}
                        // Too few brokers are there for the replicas just now.
                        (Fact::Failed(_), Some(Client::Admin(_))) => {}
                        (_, client) => {
                            if matches!(client, Some(Client::Member(_))) {
                                self.told.push((self.world.now(), process, fact));
                            }
                            self.checks.fact(process, fact)?;
                        }
                    }
                }
            }
            Output::Stderr(_) => {}
            Output::Exit(_) => {
                if self.clients.remove(&process) == Some(Client::Recreation)
                    && let Some(topics) = &mut self.topics
                {
                    topics.ended(self.world.now());
                }
            }
        }
        Ok(())
    }

    /// The store outside takes changes and commits them at random moments.
    fn store(&mut self) {
        let events = self.world.events();
        // As for the page, virtual time stands still while a flush waits for the store: only what happens at once comes
        // between.
        let soon = self.world.now() + Duration::from_millis(5);
        let idle = self.world.next_event().is_none_or(|next| next > soon);
        match self.storing {
            Some((token, at)) if at <= events || idle => {
                self.storing = None;
                self.world.store_committed(token, Ok(()));
            }
            None if self.world.awaits_store() && (idle || self.rng.chance(1, 4)) => {
                let (token, _) = self.world.take_disk_changes();
                self.storing = Some((token, events + self.rng.below(8)));
                if idle {
                    self.store();
                }
            }
            _ => {}
        }
    }

    fn run_until(&mut self, what: &str, span: Duration, done: impl Fn(&Run) -> bool) -> Result<(), String> {
        let deadline = self.world.now() + span;
        while !done(self) {
            self.step()?;
            if self.world.now() > deadline {
                let lack = unhealthy(self.world.partitions_health().as_deref());
                let lack = lack.map_or_else(|| "the cluster is whole".to_owned(), |lack| lack.to_string());
                let waits: Vec<String> = (self.clients.iter())
                    .filter(|(_, client)| client.is_awaited())
                    .map(|(process, client)| format!(", {process} ({client:?}) is not done"))
                    .collect();
                return Err(format!("{what} is not so after {} s: {lack}{}", span.as_secs(), waits.concat()));
            }
        }
        Ok(())
    }

    // ---- faults

    fn only(&self) -> NodeId {
        NodeId(self.topology.brokers.first().copied().unwrap_or(1))
    }

    fn inject(&mut self, fault: Fault) -> Result<(), String> {
        self.faults.push((self.world.now(), fault.clone()));
        match fault {
            Fault::PowerCut(node) if self.is_alone() => self.comes_back |= node == self.only(),
            Fault::PowerCut(node) if self.is_broker(node) => self.cut = Some(node),
            _ => {}
        }
        let line = fault.to_string();
        self.world.inject(fault).map_err(|error| format!("fault {line}: {error}"))
    }

    /// Mends one thing. What has mended itself meanwhile, or broke otherwise, is left.
    fn mend(&mut self, fault: Fault) {
        if let Fault::Restart(node) = fault
            && self.world.broker(node).is_some()
        {
            // A shutdown that has not come to its end is cut short; the process may also be back already.
            let goes = self.world.broker(node).is_some_and(|broker| !broker.is_serving());
            if goes && !self.may_kill(node) {
                self.mending.push((self.world.now() + Duration::from_secs(1), fault));
                return;
            }
            if !goes || self.world.inject(Fault::Crash(node)).is_err() {
                return;
            }
        }
        let _ = self.world.inject(fault);
    }

    fn mend_what_is_due(&mut self) -> Result<(), String> {
        let next = self.world.next_event().unwrap_or(Instant::MAX);
        let due: Vec<(Instant, Fault)> = self.mending.extract_if(.., |(at, _)| *at <= next).collect();
        for (at, fault) in due {
            self.world.idle_until(at);
            self.mend(fault);
        }
        self.restart_who_was_triggered();
        self.bring_members_back();
        if self.cut.is_some()
            && self.world.events().is_multiple_of(16)
            && !self.lacks_members()
            && self.is_whole()
        {
            self.cut = None;
        }
        Ok(())
    }

    fn is_broker(&self, node: NodeId) -> bool {
        self.world.config().brokers.iter().any(|one| one.node_id == node.0 && one.roles.broker)
    }

    fn is_whole(&self) -> bool {
        self.world.is_ready() && unhealthy(self.world.partitions_health().as_deref()).is_none()
    }

    /// A power cut takes what one machine had not flushed. It would take what was acknowledged if no other had it in
    /// its ISR, so the cluster must be whole before: Kafka's promise rests on that.
    fn may_cut_power(&self, node: NodeId) -> bool {
        // What a controller alone writes it has flushed before it says so.
        !self.is_broker(node)
            || self.is_alone()
            || self.topology.reckless
            || (self.cut.is_none() && !self.crash_is_armed() && self.is_whole())
    }

    /// Whether a trigger is to kill somebody, at any moment.
    fn crash_is_armed(&self) -> bool {
        self.world
            .faults()
            .iter()
            .any(|fault| matches!(fault, Fault::On(_)) && fault.to_string().contains(CRASH))
    }

    /// Kafka takes a killed process for one that has lost what it had not flushed. As long as the machine without power
    /// may be chosen to lead, in sync as the controller believes or for want of another, the others must not be killed
    /// too (KIP-966).
    fn may_kill(&self, node: NodeId) -> bool {
        let Some(cut) = self.cut.filter(|cut| *cut != node) else { return true };
        let may_lead = |one: &PartitionHealth| one.isr.contains(&cut.0) || one.eligible.contains(&cut.0);
        let partitions = self.world.partitions_health();
        self.topology.reckless || partitions.is_some_and(|partitions| !partitions.iter().any(may_lead))
    }

    fn fault(&mut self) -> Result<(), String> {
        self.cut_short();
        if let Some(mut rng) = self.triggers.clone() {
            let requests: &[&'static str] = match self.transactions {
                Some(_) => &faults::REQUESTS_OF_TRANSACTIONS,
                None => &faults::REQUESTS,
            };
            let may_crash = self.cut.is_none() && !self.is_alone();
            let plan = faults::trigger(&mut rng, requests, self.faults.len() as u64, may_crash);
            self.triggers = Some(rng);
            self.carry_out(plan)?;
        }
        let mut rng = self.rng.clone();
        let plan = faults::next(&mut rng, &self.world, |node| self.may_cut_power(node));
        self.rng = rng;
        self.carry_out(plan)
    }

    /// Somebody will be killed in the middle of what it does to files. What that leaves is mended at the next start.
    fn cut_short(&mut self) {
        if self.checks.tables.is_none()
            || self.cut.is_some()
            || self.crash_is_armed()
            || self.rng.chance(1, 3)
        {
            return;
        }
        let node = pick(&mut self.rng, &self.topology.brokers);
        // A segment that replaces two takes twelve renames.
        let operations = usize::try_from(1 + self.rng.below(14)).unwrap_or(1);
        self.world.cut_short(Some((NodeId(node), operations)));
    }

    fn kill_who_was_cut_short(&mut self) -> Result<(), String> {
        let Some(node) = self.world.take_cut_short() else { return Ok(()) };
        let fault = if self.rng.chance(1, 2) && self.may_cut_power(node) {
            Fault::PowerCut(node)
        } else {
            Fault::Crash(node)
        };
        let after = Duration::from_millis(50 + self.rng.below(10_000));
        let mend = faults::mending(&fault).map(|mend| (after, mend));
        self.carry_out(Some(faults::Plan { fault, mend }))
    }

    /// Whom a trigger has killed somebody starts again, as after any other crash.
    fn restart_who_was_triggered(&mut self) {
        let Some(rng) = &mut self.triggers else { return };
        if !self.world.events().is_multiple_of(16) {
            return;
        }
        for node in self.world.nodes().collect::<Vec<_>>() {
            let comes_back = |(_, fault): &(Instant, Fault)| *fault == Fault::Restart(node);
            if self.world.broker(node).is_none() && !self.mending.iter().any(comes_back) {
                let after = Duration::from_millis(50 + rng.below(15_000));
                self.mending.push((self.world.now() + after, Fault::Restart(node)));
            }
        }
    }

    /// Strikes where something has just begun.
    fn strike(&mut self) -> Result<bool, String> {
        let newest = self.world.trace().newest().filter(|line| line.at == self.world.now());
        let Some(node) = newest.and_then(|line| faults::tender_moment(&line.event, line.node)) else {
            return Ok(false);
        };
        let mut rng = self.rng.clone();
        let plan = faults::strike(&mut rng, &self.world, node, |node| self.may_cut_power(node));
        self.rng = rng;
        self.carry_out(plan).map(|()| true)
    }

    fn carry_out(&mut self, plan: Option<faults::Plan>) -> Result<(), String> {
        let Some(plan) = plan else { return Ok(()) };
        if self.clocks_agree && matches!(plan.fault, Fault::Skew { .. } | Fault::ClockJump { .. }) {
            return Ok(());
        }
        // Who is shut down before it has registered has nothing to show for its clean end, and is taken for one that
        // was killed.
        let starts = |node| self.world.broker(node).is_some_and(|broker| !broker.is_serving());
        let kills = match plan.fault {
            Fault::Crash(node) => Some(node),
            Fault::ShutDown(node) if starts(node) => Some(node),
            _ => None,
        };
        if kills.is_some_and(|node| !self.may_kill(node)) {
            return Ok(());
        }
        // A way has two ends.
        if matches!(plan.fault, Fault::Link { from, to, .. } | Fault::Break(from, to) if from == to) {
            return Ok(());
        }
        self.inject(plan.fault)?;
        if let Some((after, mend)) = plan.mend {
            self.mending.push((self.world.now() + after, mend));
        }
        Ok(())
    }

    /// Mends everything that is in force.
    fn heal(&mut self) {
        self.world.cut_short(None);
        self.mending.clear();
        for fault in self.world.faults() {
            if let Some(mend) = faults::mending(&fault) {
                self.mend(mend);
            }
        }
        // What is about to end and never does would wait for ever.
        for node in self.world.nodes().collect::<Vec<_>>() {
            let shuts_down = self.world.broker(node).is_some_and(|broker| {
                use blumfeld_broker::BrokerState::{PendingControlledShutdown, ShuttingDown};
                matches!(broker.state(), PendingControlledShutdown | ShuttingDown)
            });
            if shuts_down {
                self.mending.push((self.world.now() + Duration::from_secs(10), Fault::Restart(node)));
            } else if self.world.broker(node).is_none() {
                // It has come to its end meanwhile.
                self.mend(Fault::Restart(node));
            }
        }
    }

    // ---- the whole

    /// Runs it all: boot, load under faults, healing, audit.
    ///
    /// # Errors
    /// The first thing that must not be.
    pub fn run(&mut self, faults_for: Duration) -> Result<(), String> {
        self.run_until("a cluster that serves", BOOT, |run| run.world.is_ready())?;
        if self.transactions.is_some() {
            return self.run_transactions(faults_for);
        }
        let partitions = i32::try_from(1 + self.rng.below(4)).unwrap_or(1);
        let load = self.topic(TOPIC, partitions);
        // As an operator would, who does not want to lose what groups have committed with one machine's power: by
        // itself the topic is made with min.insync.replicas=1.
        let nodes = &self.topology.config.brokers;
        let count = nodes.first().map(|node| node.group.offsets_topic_partitions);
        let mut offsets = self.topic(GROUP_METADATA_TOPIC, count.unwrap_or(1));
        offsets.configs.insert("cleanup.policy".to_owned(), "compact".to_owned());
        self.spawn_admin(vec![load, offsets], Duration::ZERO);
        self.run_until("the topic", BOOT, |run| run.clients.is_empty() && run.is_whole())?;
        let others = (0..self.rng.below(5)).map(|number| format!("topic-{number}")).collect::<Vec<_>>();
        let others = others.iter().map(|name| self.topic(name, partitions)).collect();
        self.spawn_admin(others, faults_for / 8);
        for number in 0..1 + self.rng.below(3) {
            self.spawn_producer(number, faults_for);
        }
        let ends: BTreeMap<i32, i64> = (0..partitions).map(|partition| (partition, i64::MAX)).collect();
        for _ in 0..1 + self.rng.below(2) {
            self.spawn_consumer(Client::Reader, ends.clone());
        }
        self.spawn_groups();
        let end = self.world.now() + faults_for;
        let mut disturbed = self.world.now();
        let mut next = self.world.now() + Duration::from_millis(100 + self.rng.below(4_000));
        // Now and then a fault waits for a moment at which it does most.
        let mut lurks = false;
        while self.world.now() < end {
            self.step()?;
            if lurks && self.rng.chance(1, 2) && self.strike()? {
                lurks = false;
            }
            if self.world.now() >= disturbed + faults_for / 8 {
                disturbed = self.world.now();
                self.disturb_a_group();
            }
            self.change_members();
            self.recreate(partitions, faults_for);
            if self.world.now() >= next {
                lurks |= self.rng.chance(1, 2);
                self.fault()?;
                next = self.world.now() + Duration::from_millis(100 + self.rng.below(5_000));
            }
        }
        self.heal();
        self.heal_members();
        self.complete_groups();
        self.run_until("a cluster that is whole with clients that are done", LIVENESS, |run| {
            run.mending.is_empty() && !run.clients.values().any(Client::is_awaited) && run.is_whole()
        })?;
        self.audit()
    }

    /// Where the partitions of the topic end; `None` while one has two who believe to lead it, or a leader with records
    /// that are not committed: another leader may cut these off.
    fn committed_ends(&self) -> Option<BTreeMap<i32, i64>> {
        let mut ends = BTreeMap::new();
        for broker in self.world.nodes().filter_map(|node| self.world.broker(node)) {
            for (of, replica) in broker.replicas().partitions() {
                if *of.0 == *TOPIC && replica.is_leader() {
                    let end = Some(replica.log().log_end()).filter(|end| replica.high_watermark() == *end)?;
                    if ends.insert(of.1, end).is_some() {
                        return None;
                    }
                }
            }
        }
        Some(ends)
    }

    /// One more consumer reads everything.
    fn audit(&mut self) -> Result<(), String> {
        self.run_until("a log that is committed to its end", LIVENESS, |run| run.committed_ends().is_some())?;
        let ends = self.committed_ends().unwrap_or_default();
        let auditor = self.spawn_consumer(Client::Auditor, ends.clone());
        self.run_until("a log that is read to its end", LIVENESS, |run| !run.clients.contains_key(&auditor))?;
        // A controller that is no broker may still be catching up.
        self.run_until("metadata that every node knows", LIVENESS, |run| {
            run.checks.knows_topics(&run.world).is_ok()
        })?;
        self.checks.complete(&self.world, auditor, &ends)?;
        self.checks.incarnations(&self.world)?;
        self.audit_groups(&ends)
    }
}
