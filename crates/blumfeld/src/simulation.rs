//! A cluster without sockets, in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_gateway::args::Serve;
use blumfeld_gateway::world_config;
use blumfeld_kernel::Endpoint;
use blumfeld_sim::{Fault, World};

use crate::world::{self, Output, Record, Running};
use crate::{Error, View};

/// Virtual time that the start of the brokers may take.
const BOOT: Duration = Duration::from_secs(60);
/// The wall clock at the beginning, in milliseconds since 1970-01-01 UTC: 2025-01-01.
const EPOCH_MS: i64 = 1_735_689_600_000;
/// Where the first broker listens, for clients inside the cluster alone.
const PORT: u16 = 9_092;

/// A cluster without sockets, in virtual time: nothing waits for the wall clock, and one seed gives one course of
/// events, to the byte. Its clients are Kafka's console tools.
#[derive(Clone)]
pub struct Simulation {
    world: World,
    patience: Duration,
}

impl Simulation {
    pub(crate) fn begin(serve: &Serve, seed: u64, patience: Duration) -> Result<Simulation, Error> {
        let ports = (PORT..).take(usize::from(serve.brokers.unwrap_or(1)));
        let advertised: Vec<Endpoint> = ports.map(|port| Endpoint::new("localhost", port)).collect();
        let config = world_config(serve, &advertised, seed, EPOCH_MS).map_err(Error::Start)?;
        let mut world = World::new(config, BTreeMap::new());
        let end = world.now() + BOOT;
        while !world.is_ready() && world.next_event().is_some_and(|at| at <= end) {
            world.step();
        }
        if !world.is_ready() {
            return Err(Error::Start(format!("not every broker serves. {}", View::of(&world).told())));
        }
        Ok(Simulation { world, patience })
    }

    /// How it stands now.
    pub fn view(&self) -> View {
        View::of(&self.world)
    }

    /// Lets virtual time pass.
    pub fn pass(&mut self, span: Duration) {
        self.world.run_for(span);
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
            self.world.step();
        }
    }

    /// Injects a fault, or takes one back, as [`Cluster::fault`](crate::Cluster::fault) does.
    ///
    /// # Errors
    /// [`Error::Refused`]: what was wrong with it.
    pub fn fault(&mut self, fault: &str) -> Result<(), Error> {
        let refused = |error: &dyn ToString| Error::Refused(error.to_string());
        let fault = Fault::parse(fault).map_err(|error| refused(&error))?;
        self.world.inject(fault).map_err(|error| refused(&error))
    }

    /// Creates a topic.
    ///
    /// # Errors
    /// [`Error::Tool`] with what Kafka says.
    pub fn create_topic(
        &mut self,
        name: &str,
        partitions: u32,
        replication_factor: u16,
    ) -> Result<(), Error> {
        let line = world::create_topic(&self.bootstrap(), name, partitions, replication_factor);
        self.run(&line, "").and_then(|output| world::succeeded(&line, output)).map(drop)
    }

    /// Writes records without keys, with `acks=all`.
    ///
    /// # Errors
    /// [`Error::Tool`] with what was not acknowledged; [`Error::Refused`] for a value of more than one line.
    pub fn produce<V: AsRef<str>>(
        &mut self,
        topic: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Result<(), Error> {
        let (line, text) = world::produce(&self.bootstrap(), topic, values)?;
        self.run(&line, &text).and_then(|output| world::succeeded(&line, output)).map(drop)
    }

    /// All records of a topic that consumers can read, by partition and offset. None if there is no such topic.
    pub fn records(&self, topic: &str) -> Vec<Record> {
        world::records(&self.world, topic)
    }

    /// Runs one of Kafka's console tools to its end. A tool that fails is no error here: look at its exit code.
    ///
    /// # Errors
    /// [`Error::Refused`]: there is no such tool. [`Error::NotYet`]: it did not end within the patience, and was ended.
    pub fn run(&mut self, line: &str, stdin: &str) -> Result<Output, Error> {
        let mut running = Running::start(&mut self.world, line, stdin)?;
        let end = self.world.now() + self.patience;
        loop {
            if let Some(output) = running.look(&mut self.world) {
                return Ok(output);
            }
            if self.world.next_event().is_none_or(|at| at > end) {
                running.kill(&mut self.world);
                let (what, state) = (format!("`{line}` has ended"), self.view().told());
                return Err(Error::NotYet { what, after: self.patience, state });
            }
            self.world.step();
        }
    }

    fn bootstrap(&self) -> String {
        let brokers: Vec<String> =
            self.world.config().brokers.iter().map(|broker| broker.advertised.to_string()).collect();
        brokers.join(",")
    }

    /// A number that two runs share if everything in them was the same.
    pub fn digest(&self) -> u64 {
        self.world.digest()
    }
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulation").field("view", &self.view()).finish_non_exhaustive()
    }
}
