//! A cluster without sockets, in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_kernel::Endpoint;
use blumfeld_sim::{Fault, World, WorldConfig};

use crate::produce::Produce;
use crate::trigger::{self, Armed, Triggered, While};
use crate::world::{self, Job, Output, Running};
use crate::{Builder, Error, On, ProducerRecord, Record, RecordMetadata, Request, Trigger, View};

/// Virtual time that the start of the brokers may take.
const BOOT: Duration = Duration::from_secs(60);
/// The wall clock at the beginning, in milliseconds since 1970-01-01 UTC: 2025-01-01.
const EPOCH_MS: i64 = 1_735_689_600_000;
/// Where the first broker listens, for clients inside the cluster alone.
const PORT: u16 = 9_092;

/// A cluster without sockets, in virtual time: nothing waits for the wall clock, and one seed gives one course of
/// events, to the byte, natively and in wasm. Its clients are its own producer and Kafka's console tools: nothing from
/// outside can connect to it. A copy goes its own way from where it was taken.
#[derive(Clone)]
pub struct Simulation {
    world: World,
    patience: Duration,
    /// Triggers that are in force only while something is so.
    armed: Vec<Armed>,
}

impl Simulation {
    pub(crate) fn begin(builder: &Builder) -> Result<Simulation, Error> {
        let ports = (PORT..).take(usize::from(builder.brokers));
        let advertised: Vec<Endpoint> = ports.map(|port| Endpoint::new("localhost", port)).collect();
        let settings = builder.configs.iter().map(|(key, value)| (key.trim(), value.trim()));
        let config = WorldConfig::reached_at(&advertised, settings, builder.seed.unwrap_or(0), EPOCH_MS)
            .map_err(Error::Start)?;
        let mut world = World::new(config, BTreeMap::new());
        let end = world.now() + BOOT;
        while !world.is_settled() && world.next_event().is_some_and(|at| at <= end) {
            world.step();
        }
        if !world.is_settled() {
            return Err(Error::Start(format!("not every broker serves. {}", View::of(&world).told())));
        }
        Ok(Simulation { world, patience: builder.patience, armed: Vec::new() })
    }

    /// How it stands now.
    pub fn view(&self) -> View {
        View::of(&self.world)
    }

    /// Lets virtual time pass.
    pub fn pass(&mut self, span: Duration) {
        let end = self.world.now() + span;
        while !self.armed.is_empty() && self.world.next_event().is_some_and(|at| at <= end) {
            self.step();
        }
        self.world.run_until(end);
    }

    fn step(&mut self) {
        self.world.step();
        let world = &mut self.world;
        self.armed.retain_mut(|armed| !armed.look(world));
    }

    /// Lets virtual time pass until `is_so` is true of the cluster, and gives how it stood then. `what` says it in
    /// words, for the error. It is asked after every event.
    ///
    /// # Errors
    /// [`Error::NotYet`] after the patience, of virtual time.
    pub fn until(&mut self, what: &str, mut is_so: impl FnMut(&View) -> bool) -> Result<View, Error> {
        let end = self.world.now() + self.patience;
        loop {
            let view = self.view();
            if is_so(&view) {
                return Ok(view);
            }
            if self.world.next_event().is_none_or(|at| at > end) {
                return Err(Error::NotYet {
                    what: what.to_owned(),
                    after: self.patience,
                    state: view.told(),
                });
            }
            self.step();
        }
    }

    /// Lets virtual time pass until a condition is so, and gives how the cluster stood then: `isr("orders", 0) == [1]`.
    /// It is asked after every event; `saw(…)` counts from the call on. [Conditions](crate#conditions) has all that
    /// can be asked.
    ///
    /// ```
    /// let mut cluster = blumfeld::Builder::new().brokers(3).simulate()?;
    /// cluster.create_topic("orders", 1, 3)?;
    /// cluster.fault("crash 2")?;
    /// let view = cluster.wait_for(r#"not 2 in isr("orders", 0) and leader("orders", 0) != 2"#)?;
    /// assert_ne!(view.leader("orders", 0), Some(2));
    /// # Ok::<(), blumfeld::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Refused`]: what cannot be read, with its place. [`Error::NotYet`] after the patience, of virtual
    /// time, with what keeps it from being so.
    pub fn wait_for(&mut self, condition: &str) -> Result<View, Error> {
        let wait = self.world.wait_for(world::condition(condition)?);
        let end = self.world.now() + self.patience;
        loop {
            if wait.is_over(&self.world) {
                return Ok(self.view());
            }
            if self.world.next_event().is_none_or(|at| at > end) {
                let (what, state) = (wait.condition().text().to_owned(), world::kept(&wait, &self.world));
                return Err(Error::NotYet { what, after: self.patience, state });
            }
            self.step();
        }
    }

    /// Injects a fault, or takes one back, by the words of the console's `fault`. [Faults](crate#faults) has
    /// all of them.
    ///
    /// # Errors
    /// [`Error::Refused`]: what was wrong with it.
    pub fn fault(&mut self, fault: &str) -> Result<(), Error> {
        let refused = |error: &dyn ToString| Error::Refused(error.to_string());
        let fault = Fault::parse(fault).map_err(|error| refused(&error))?;
        self.world.inject(fault).map_err(|error| refused(&error))
    }

    /// Something is to happen when requests of an API come, by Kafka's name of it (`Produce`) or `any`: see [`On`].
    pub fn on(&mut self, api: &str) -> On<&mut Simulation> {
        On::new(self, api)
    }

    /// Takes a trigger off.
    ///
    /// # Errors
    /// [`Error::Refused`]: it is gone already.
    pub fn off(&mut self, trigger: &Trigger) -> Result<(), Error> {
        trigger::off(&mut self.world, trigger)
    }

    /// The requests that a trigger has observed, in their order; they stay when it is taken off.
    ///
    /// # Errors
    /// [`Error::Refused`]: it does not observe.
    pub fn observed(&self, trigger: &Trigger) -> Result<Vec<Request>, Error> {
        trigger::observed(&self.world, trigger)
    }

    /// Creates a topic of so many partitions, each with so many replicas.
    ///
    /// # Errors
    /// [`Error::Tool`] with what Kafka says.
    pub fn create_topic(
        &mut self,
        name: &str,
        partitions: u32,
        replication_factor: u16,
    ) -> Result<(), Error> {
        self.create_topic_with(name, partitions, replication_factor, &[])
    }

    /// The same with configs by Kafka's names: `("min.insync.replicas", "2")`.
    ///
    /// # Errors
    /// [`Error::Tool`] with what Kafka says.
    pub fn create_topic_with(
        &mut self,
        name: &str,
        partitions: u32,
        replication_factor: u16,
        configs: &[(&str, &str)],
    ) -> Result<(), Error> {
        let at = self.bootstrap_servers();
        let line = world::create_topic(&at, name, partitions, replication_factor, configs);
        self.run(&line, "").and_then(|output| world::succeeded(&line, output)).map(drop)
    }

    /// Writes records with `acks=all`, and gives where each of them stands, in their order, once all are acknowledged.
    /// What has bytes is a value without a key; a [`ProducerRecord`] can have a key, headers, a partition and a
    /// timestamp. The producer has Kafka's defaults: it is idempotent, tries again, and hashes keys as Java's does.
    /// A topic that is not there is created, unless `auto.create.topics.enable` is `false`.
    ///
    /// ```
    /// use blumfeld::{Builder, ProducerRecord};
    ///
    /// let mut cluster = Builder::new().simulate()?;
    /// cluster.create_topic("orders", 3, 1)?;
    /// let order = ProducerRecord::new([0xca, 0xfe]).key("customer-7").header("trace", "42").partition(2);
    /// let stands = cluster.produce("orders", [order])?;
    /// assert_eq!((stands[0].partition, stands[0].offset), (2, 0));
    /// cluster.produce("orders", ["one", "two"])?;
    /// # Ok::<(), blumfeld::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Refused`]: there is no such topic or partition. [`Error::NotWritten`]: a record was given up: one that
    /// is too large, say; the others may have been written. [`Error::NotYet`]: not all were acknowledged within the
    /// patience, of virtual time; what was not sent by then is not sent any more.
    pub fn produce<R: Into<ProducerRecord>>(
        &mut self,
        topic: &str,
        records: impl IntoIterator<Item = R>,
    ) -> Result<Vec<RecordMetadata>, Error> {
        let records = records.into_iter().map(Into::into).collect();
        let produce = Produce::start(&mut self.world, topic, records)?;
        self.finish(produce)?
    }

    /// All records of a topic that consumers can read, by partition and offset. None if there is no such topic.
    pub fn records(&self, topic: &str) -> Vec<Record> {
        world::records(&self.world, topic)
    }

    /// Runs one of Kafka's console tools to its end, with this standard input. Its `--bootstrap-server` is
    /// [`bootstrap_servers`](Self::bootstrap_servers). A tool that fails is no error here: look at its exit code.
    ///
    /// # Errors
    /// [`Error::Refused`]: there is no such tool. [`Error::NotYet`]: it did not end within the patience, and was ended.
    pub fn run(&mut self, line: &str, stdin: &str) -> Result<Output, Error> {
        let running = Running::start(&mut self.world, line, stdin)?;
        self.finish(running)
    }

    /// Lets virtual time pass until a job is over, and ends it after the patience.
    fn finish<J: Job>(&mut self, mut job: J) -> Result<J::Outcome, Error> {
        let end = self.world.now() + self.patience;
        loop {
            if let Some(outcome) = job.look(&mut self.world) {
                return Ok(outcome);
            }
            if self.world.next_event().is_none_or(|at| at > end) {
                let said = job.end(&mut self.world);
                return Err(world::not_ended(job.goal(), &said, self.patience, &self.view().told()));
            }
            self.step();
        }
    }

    /// Where the brokers listen, for the console's tools: `localhost:9092,…`.
    pub fn bootstrap_servers(&self) -> String {
        let brokers: Vec<String> =
            self.world.config().brokers.iter().map(|broker| broker.advertised.to_string()).collect();
        brokers.join(",")
    }

    /// A number that two runs share if everything in them was the same.
    pub fn digest(&self) -> u64 {
        self.world.digest()
    }
}

impl Triggered for &mut Simulation {
    fn put(self, api: &str, rest: &str, while_: Option<While>) -> Result<Trigger, Error> {
        let begins = while_.as_ref().is_none_or(|is_so| is_so(&self.view()));
        let trigger = trigger::put(&mut self.world, api, rest, begins)?;
        self.armed.extend(while_.map(|is_so| Armed::new(&trigger, begins, is_so)));
        Ok(trigger)
    }
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulation").field("view", &self.view()).finish_non_exhaustive()
    }
}
