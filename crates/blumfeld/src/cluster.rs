//! A cluster on loopback ports, in real time.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a real cluster is waited for, with a bound"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use blumfeld_gateway::Gateway;
use blumfeld_gateway::args::{Level, Serve};
use blumfeld_sim::{Fault, World};

use crate::produce::Produce;
use crate::trigger::{self, Armed, Triggered, While};
use crate::world::{self, Job, Output, Running};
use crate::{Builder, Error, On, ProducerRecord, Record, RecordMetadata, Request, Trigger, View};

/// How long is waited for the end of a job that was given up.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// A cluster that runs in a thread of this process and listens on loopback ports. Dropping it ends it: ports, thread
/// and memory are free again.
#[derive(Debug)]
pub struct Cluster {
    gateway: Gateway,
    patience: Duration,
}

impl Cluster {
    pub(crate) fn begin(builder: &Builder) -> Result<Cluster, Error> {
        let serve = Serve {
            brokers: Some(builder.brokers),
            listen: Some("127.0.0.1:0".to_owned()),
            advertise: None,
            data_dir: None,
            seed: builder.seed,
            config: builder.configs.iter().map(|(key, value)| format!("{key}={value}")).collect(),
            network_latency: 0,
            disk_latency: 0,
            json: false,
            ready_file: None,
            control: false,
            log_level: Level::Off,
        };
        let gateway = Gateway::start(serve).map_err(|error| Error::Start(error.to_string()))?;
        Ok(Cluster { gateway, patience: builder.patience })
    }

    /// What the cluster is to be: [`Builder::new`].
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// One broker.
    ///
    /// # Errors
    /// As of [`Builder::start`].
    pub fn start() -> Result<Cluster, Error> {
        Builder::default().start()
    }

    /// What a client takes as `bootstrap.servers`: the brokers that there were at the start, as `127.0.0.1:PORT,…`.
    pub fn bootstrap_servers(&self) -> String {
        self.gateway.ready().bootstrap_servers()
    }

    /// Where a broker listens, up or not.
    ///
    /// # Errors
    /// [`Error::Refused`]: there is no such broker.
    pub fn address(&self, broker: i32) -> Result<SocketAddr, Error> {
        let view = self.view()?;
        let none = || Error::Refused(format!("there is no broker {broker}"));
        view.broker(broker).ok_or_else(none)?.address.parse().map_err(|_| none())
    }

    /// How it stands now.
    ///
    /// # Errors
    /// [`Error::Ended`].
    pub fn view(&self) -> Result<View, Error> {
        self.with(|world| View::of(world))
    }

    /// Waits until `is_so` is true of the cluster, and gives how it stood then. The thread waits; in an
    /// asynchronous test on one thread nothing else goes on meanwhile. `what` says it in words, for the error:
    /// "orders-0 has another leader". It is asked at the beginning and whenever the cluster has done
    /// something, so what lasts shorter than a look can be missed.
    ///
    /// # Errors
    /// [`Error::NotYet`] after the cluster's patience, with how it stood.
    pub fn until(&self, what: &str, mut is_so: impl FnMut(&View) -> bool) -> Result<View, Error> {
        let deadline = Instant::now() + self.patience;
        let mut view = self.view()?;
        loop {
            if is_so(&view) {
                return Ok(view);
            }
            let seen = view.events;
            let look = move |world: &mut World| (world.events() != seen).then(|| View::of(world));
            view = match self.wait(deadline, look)? {
                Some(view) => view,
                None => {
                    return Err(Error::NotYet {
                        what: what.to_owned(),
                        after: self.patience,
                        state: view.told(),
                    });
                }
            };
        }
    }

    /// Waits until a condition is so, and gives how the cluster stood then: `isr("orders", 0) == [1]`. It is asked at
    /// the beginning and whenever the cluster has done something; `saw(…)` counts from the call on and misses nothing.
    /// [Conditions](crate#conditions) has all that can be asked.
    ///
    /// # Errors
    /// [`Error::Refused`]: what cannot be read, with its place. [`Error::NotYet`] after the cluster's patience, with
    /// what keeps it from being so.
    pub fn wait_for(&self, condition: &str) -> Result<View, Error> {
        let condition = world::condition(condition)?;
        let what = condition.text().to_owned();
        let deadline = Instant::now() + self.patience;
        let wait = self.with(move |world| world.wait_for(condition))?;
        let look = {
            let wait = wait.clone();
            move |world: &mut World| wait.is_over(world).then(|| View::of(world))
        };
        if let Some(view) = self.wait(deadline, look)? {
            return Ok(view);
        }
        let state = self.with(move |world| world::kept(&wait, world))?;
        Err(Error::NotYet { what, after: self.patience, state })
    }

    /// Injects a fault, or takes one back, by the words of the console's `fault`. [Faults](crate#faults) has
    /// all of them.
    ///
    /// # Errors
    /// [`Error::Refused`]: what was wrong with it.
    pub fn fault(&self, fault: &str) -> Result<(), Error> {
        let fault = Fault::parse(fault).map_err(|error| Error::Refused(error.to_string()))?;
        self.with(move |world| world.inject(fault))?.map_err(|error| Error::Refused(error.to_string()))
    }

    /// Something is to happen when requests of an API come, by Kafka's name of it (`Produce`) or `any`: see [`On`].
    pub fn on(&self, api: &str) -> On<&Cluster> {
        On::new(self, api)
    }

    /// Takes a trigger off.
    ///
    /// # Errors
    /// [`Error::Refused`]: it is gone already.
    pub fn off(&self, trigger: &Trigger) -> Result<(), Error> {
        let trigger = trigger.clone();
        self.with(move |world| trigger::off(world, &trigger))?
    }

    /// The requests that a trigger has observed, in their order; they stay when it is taken off.
    ///
    /// # Errors
    /// [`Error::Refused`]: it does not observe.
    pub fn observed(&self, trigger: &Trigger) -> Result<Vec<Request>, Error> {
        let trigger = trigger.clone();
        self.with(move |world| trigger::observed(world, &trigger))?
    }

    /// Adds a broker, which is no controller, and gives its id. It serves once `until` sees it `running`.
    ///
    /// # Errors
    /// [`Error::Refused`]: there are nine already.
    pub fn add_broker(&self) -> Result<i32, Error> {
        let before: Vec<i32> = self.view()?.brokers.iter().map(|broker| broker.id).collect();
        self.gateway.ask("broker add").map_err(Error::Refused)?;
        let view = self.until("there is one more broker", |view| view.brokers.len() > before.len())?;
        let added = view.brokers.iter().map(|broker| broker.id).find(|id| !before.contains(id));
        added.ok_or(Error::Ended)
    }

    /// Takes a broker out of the cluster, which must hold no replica.
    ///
    /// # Errors
    /// [`Error::Refused`]: why it cannot go.
    pub fn remove_broker(&self, id: i32) -> Result<(), Error> {
        self.gateway.ask(&format!("broker remove {id}")).map_err(Error::Refused)
    }

    /// Creates a topic of so many partitions, each with so many replicas.
    ///
    /// # Errors
    /// [`Error::Tool`] with what Kafka says.
    pub fn create_topic(&self, name: &str, partitions: u32, replication_factor: u16) -> Result<(), Error> {
        self.create_topic_with(name, partitions, replication_factor, &[])
    }

    /// The same with configs by Kafka's names.
    ///
    /// ```
    /// let cluster = blumfeld::Cluster::builder().brokers(3).start()?;
    /// cluster.create_topic_with("orders", 1, 3, &[("min.insync.replicas", "2")])?;
    /// # Ok::<(), blumfeld::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Tool`] with what Kafka says.
    pub fn create_topic_with(
        &self,
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
    /// use blumfeld::{Cluster, ProducerRecord};
    ///
    /// let cluster = Cluster::start()?;
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
    /// cluster's patience; what was not sent by then is not sent any more.
    pub fn produce<R: Into<ProducerRecord>>(
        &self,
        topic: &str,
        records: impl IntoIterator<Item = R>,
    ) -> Result<Vec<RecordMetadata>, Error> {
        let records: Vec<ProducerRecord> = records.into_iter().map(Into::into).collect();
        let topic = topic.to_owned();
        let produce = self.with(move |world| Produce::start(world, &topic, records))??;
        self.finish(produce)?
    }

    /// All records of a topic that consumers can read, by partition and offset, read where they stand: no client is
    /// needed, and none is seen by the cluster. None if there is no such topic.
    ///
    /// # Errors
    /// [`Error::Ended`].
    pub fn records(&self, topic: &str) -> Result<Vec<Record>, Error> {
        let topic = topic.to_owned();
        self.with(move |world| world::records(world, &topic))
    }

    /// Runs one of Kafka's console tools inside the cluster, with this standard input:
    /// `kafka-consumer-groups.sh --bootstrap-server … --describe --group g`. Its `--bootstrap-server` is
    /// [`bootstrap_servers`](Self::bootstrap_servers). A tool that fails is no error here: look at its exit code.
    ///
    /// # Errors
    /// [`Error::Refused`]: there is no such tool. [`Error::NotYet`]: it did not end within the cluster's patience, and
    /// was ended.
    pub fn run(&self, line: &str, stdin: &str) -> Result<Output, Error> {
        let (line, stdin) = (line.to_owned(), stdin.to_owned());
        let running = self.with(move |world| Running::start(world, &line, &stdin))??;
        self.finish(running)
    }

    /// Waits for a job, and ends it after the patience.
    fn finish<J: Job + Send + 'static>(&self, mut job: J) -> Result<J::Outcome, Error>
    where
        J::Outcome: Send,
    {
        let over = Arc::new(AtomicBool::new(false));
        let given_up = Arc::clone(&over);
        let (goal, (tell, told)) = (job.goal(), channel());
        let outcome = self.wait(Instant::now() + self.patience, move |world| {
            if given_up.load(Ordering::SeqCst) {
                let _ = tell.send(job.end(world));
                return Some(None);
            }
            job.look(world).map(Some)
        })?;
        if let Some(outcome) = outcome.flatten() {
            return Ok(outcome);
        }
        over.store(true, Ordering::SeqCst);
        // So that it looks.
        let state = self.view()?.told();
        let said = told.recv_timeout(LAST_LOOK).unwrap_or_default();
        Err(world::not_ended(goal, &said, self.patience, &state))
    }

    /// Does something with the world between two of its events.
    fn with<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut World) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let mut call = Some(call);
        let (give, given) = channel();
        self.gateway.watch(Box::new(move |world| {
            if let Some(call) = call.take() {
                let _ = give.send(call(world));
            }
            true
        }));
        given.recv().map_err(|_| Error::Ended)
    }

    /// Waits for what `look` finds; `None` if it finds nothing before the deadline.
    fn wait<T: Send + 'static>(
        &self,
        deadline: Instant,
        mut look: impl FnMut(&mut World) -> Option<T> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        let (give, given) = channel();
        self.gateway.watch(Box::new(move |world| match look(world) {
            // Who waits no longer has dropped its end.
            Some(found) => give.send(found).map_or(true, |()| true),
            None => false,
        }));
        match given.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(found) => Ok(Some(found)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Error::Ended),
        }
    }
}

impl Triggered for &Cluster {
    fn put(self, api: &str, rest: &str, while_: Option<While>) -> Result<Trigger, Error> {
        let (api, rest) = (api.to_owned(), rest.to_owned());
        let (trigger, armed) = self.with(move |world| {
            let begins = while_.as_ref().is_none_or(|is_so| is_so(&View::of(world)));
            let trigger = trigger::put(world, &api, &rest, begins)?;
            let armed = while_.map(|is_so| Armed::new(&trigger, begins, is_so));
            Ok::<_, Error>((trigger, armed))
        })??;
        if let Some(mut armed) = armed {
            self.gateway.watch(Box::new(move |world| armed.look(world)));
        }
        Ok(trigger)
    }
}
