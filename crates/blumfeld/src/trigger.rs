//! Triggers: what is to happen when a request comes to a broker.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use blumfeld_sim::{Fault, Observed, World, escape};
use bytes::Bytes;

use crate::{Error, View};

/// Whether a cluster stands so that a trigger is armed.
pub(crate) type While = Arc<dyn Fn(&View) -> bool + Send + Sync>;

/// A trigger that is being put together: which requests, which of these, and what happens. The methods that say what
/// happens put it in force. What is not said may be anything, and every request of its kind is one of the trigger's.
/// Of `once`, `times`, `nth`, `every` and `with_probability` a trigger takes one.
///
/// Triggers that let a request go on (`observe`, `inject`) see each, in whatever order triggers were put in
/// force. Of the others the first one whose turn it is decides what becomes of the request, and those after it
/// do not count it.
///
/// ```
/// use blumfeld::Cluster;
///
/// let cluster = Cluster::builder().brokers(3).start()?;
/// cluster.create_topic("orders", 1, 3)?;
/// // The first write to `orders` finds another leader; the third finds the broker crashing.
/// cluster.on("Produce").topic("orders").once().error("NOT_LEADER_OR_FOLLOWER")?;
/// cluster.on("Produce").topic("orders").nth(3).inject("crash here")?;
/// let seen = cluster.on("Produce").observe(100)?;
/// for order in ["one", "two", "three"] {
///     cluster.produce("orders", [order])?;
/// }
/// assert!(cluster.observed(&seen)?.len() > 3, "what failed was sent again");
/// # Ok::<(), blumfeld::Error>(())
/// ```
#[must_use = "a trigger is in force once it is said what happens"]
pub struct On<C> {
    cluster: C,
    api: String,
    which: String,
    when: String,
    /// Two words of which one is too much.
    twice: Option<String>,
    while_: Option<While>,
}

/// A cluster that takes triggers.
#[doc(hidden)]
pub trait Triggered {
    /// Puts a trigger in force by the line behind `fault on API`.
    fn put(self, api: &str, rest: &str, while_: Option<While>) -> Result<Trigger, Error>;
}

/// A trigger that was put in force. It stays until it has had all its requests, is taken off or healed, or the cluster
/// ends; dropping this does nothing to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    pub(crate) name: String,
}

impl Trigger {
    /// Its name, as `fault off NAME` takes it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A request that a trigger has observed.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// When it came to the broker: since the cluster began, by its clock.
    pub at: Duration,
    /// The broker.
    pub broker: i32,
    /// The connection, by its number.
    pub connection: u64,
    /// The client's own name for itself (`client.id`).
    pub client_id: Option<String>,
    /// The API, as `Produce`.
    pub api: String,
    /// The request's version.
    pub version: i16,
    /// Its fields by Kafka's names, as Kafka's request log prints them; records are objects with `key` and `value`.
    pub fields: serde_json::Value,
    /// The whole frame, header included, without its length.
    pub frame: Bytes,
}

impl Request {
    fn of(observed: &Observed) -> Request {
        Request {
            at: Duration::from_micros(observed.at.as_micros()),
            broker: observed.broker.0,
            connection: observed.connection,
            client_id: observed.client_id.clone(),
            api: format!("{:?}", observed.api_key),
            version: observed.version,
            fields: observed.request(),
            frame: observed.frame.clone(),
        }
    }
}

impl<C: Triggered> On<C> {
    pub(crate) fn new(cluster: C, api: &str) -> On<C> {
        On { cluster, api: escape(api), which: String::new(), when: String::new(), twice: None, while_: None }
    }

    fn which(mut self, word: &str, value: &str) -> On<C> {
        let _ = write!(self.which, " {word} {}", escape(value));
        self
    }

    /// Those that come to this broker.
    pub fn broker(self, id: i32) -> On<C> {
        self.which("broker", &id.to_string())
    }

    /// Those of clients that call themselves so (`client.id`).
    pub fn client_id(self, id: &str) -> On<C> {
        self.which("client-id", id)
    }

    /// Those of one connection, by the number that an observed request has.
    pub fn connection(self, number: u64) -> On<C> {
        self.which("connection", &number.to_string())
    }

    /// Those of one version of the API.
    pub fn version(self, version: i16) -> On<C> {
        self.which("version", &version.to_string())
    }

    /// Those that name this topic, by its name or id.
    pub fn topic(self, name: &str) -> On<C> {
        self.which("topic", name)
    }

    /// Those that name this partition: of the topic, where one is given.
    pub fn partition(self, number: i32) -> On<C> {
        self.which("partition", &number.to_string())
    }

    /// Only while this is true of the cluster. It is asked at the beginning and whenever the cluster has done
    /// something.
    pub fn while_(mut self, is_so: impl Fn(&View) -> bool + Send + Sync + 'static) -> On<C> {
        self.while_ = Some(Arc::new(is_so));
        self
    }

    fn when(mut self, words: String) -> On<C> {
        if !self.when.is_empty() {
            self.twice = Some(format!("`{}` and `{}`", self.when.trim(), words.trim()));
        }
        self.when = words;
        self
    }

    /// The first one.
    pub fn once(self) -> On<C> {
        self.times(1)
    }

    /// The first so many, at least 1.
    pub fn times(self, count: u32) -> On<C> {
        self.when(format!(" times {count}"))
    }

    /// The one of this number, from 1 on. Requests are counted, and a producer may put many records into one:
    /// librdkafka with `batch.num.messages=1`, Java's with `max.in.flight.requests.per.connection=1` and one
    /// send at a time, send one record a request.
    pub fn nth(self, number: u32) -> On<C> {
        self.when(format!(" nth {number}"))
    }

    /// Each so many: 3 is the third, the sixth and so on.
    pub fn every(self, count: u32) -> On<C> {
        self.when(format!(" every {count}"))
    }

    /// Of a hundred so many, 0 to 100, drawn from the cluster's seed.
    pub fn with_probability(self, percent: u32) -> On<C> {
        self.when(format!(" probability {percent}%"))
    }

    fn put(self, action: &str) -> Result<Trigger, Error> {
        if let Some(twice) = self.twice {
            return Err(Error::Refused(format!("a trigger takes one of {twice}")));
        }
        let rest = format!("{}{} {action}", self.which, self.when);
        self.cluster.put(&self.api, &rest, self.while_)
    }

    /// They are answered with this error, and the broker does not see them: Kafka's name, as
    /// `NOT_LEADER_OR_FOLLOWER`. Each topic and partition that was asked for gets it.
    ///
    /// # Errors
    /// [`Error::Refused`], as for all that follow: a word is wrong, or the API's answers cannot be such.
    pub fn error(self, code: &str) -> Result<Trigger, Error> {
        self.put(&format!("error {}", escape(code)))
    }

    /// The broker gets them so much later, and what comes behind them on their connections too.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn delay(self, by: Duration) -> Result<Trigger, Error> {
        self.put(&format!("delay {}", by.as_millis()))
    }

    /// The broker handles them, and their responses leave so much later, and those behind them too.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn delay_response(self, by: Duration) -> Result<Trigger, Error> {
        self.put(&format!("delay {} after", by.as_millis()))
    }

    /// The broker gets them twice, one right behind the other. The second response is thrown away.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn duplicate(self) -> Result<Trigger, Error> {
        self.put("duplicate")
    }

    /// They are lost, with all that comes behind them on their connections: no answer comes, and nothing says so.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn drop_requests(self) -> Result<Trigger, Error> {
        self.put("drop")
    }

    /// Their connections break before the broker gets them.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn disconnect(self) -> Result<Trigger, Error> {
        self.put("disconnect")
    }

    /// The broker handles them, and their connections break before the responses arrive.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn disconnect_after(self) -> Result<Trigger, Error> {
        self.put("disconnect after")
    }

    /// They are answered with these fields, by Kafka's names; what is not given has Kafka's default. A request of a
    /// version that has no such fields goes on to the broker, and the trace says so.
    ///
    /// # Errors
    /// [`Error::Refused`]: no version of the API has such an answer.
    pub fn answer(self, fields: &serde_json::Value) -> Result<Trigger, Error> {
        self.put(&format!("answer {fields}"))
    }

    /// They go on to the broker, and the last so many of them are kept for `observed`: 1 to 100,000, and 64 MiB at
    /// most.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn observe(self, limit: u32) -> Result<Trigger, Error> {
        self.put(&format!("observe {limit}"))
    }

    /// A fault is injected when they come, in the words of the console's `fault`, before the broker handles them. In it
    /// `here` is the broker that the request came to. `crash here` takes the request with the broker: nothing of it is
    /// written. For a request that is handled and never answered there is [`disconnect_after`](On::disconnect_after).
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn inject(self, fault: &str) -> Result<Trigger, Error> {
        self.put(&format!("do {fault}"))
    }
}

/// Puts a trigger in force under a name that is free, held if it is not to begin at once.
pub(crate) fn put(world: &mut World, api: &str, rest: &str, armed: bool) -> Result<Trigger, Error> {
    let refused = |error: blumfeld_sim::FaultError| Error::Refused(error.to_string());
    let name = world.free_trigger_name();
    world.inject(Fault::parse(&format!("on {api} as {name}{rest}")).map_err(refused)?).map_err(refused)?;
    if !armed {
        arm(world, &name, false);
    }
    Ok(Trigger { name })
}

/// Arms a trigger or holds it. False if it is gone.
pub(crate) fn arm(world: &mut World, name: &str, armed: bool) -> bool {
    world.inject(Fault::Arm { name: name.into(), armed }).is_ok()
}

/// Takes a trigger off.
pub(crate) fn off(world: &mut World, trigger: &Trigger) -> Result<(), Error> {
    world.inject(Fault::Off(trigger.name.as_str().into())).map_err(|error| Error::Refused(error.to_string()))
}

/// What a trigger has observed.
pub(crate) fn observed(world: &World, trigger: &Trigger) -> Result<Vec<Request>, Error> {
    let none = || Error::Refused(format!("{} is no trigger that observes", trigger.name));
    let (_, kept) = world.observed(&trigger.name).ok_or_else(none)?;
    Ok(kept.map(Request::of).collect())
}

/// Arms a trigger while something is so, and holds it while not.
#[derive(Clone)]
pub(crate) struct Armed {
    name: String,
    armed: bool,
    is_so: While,
}

impl Armed {
    pub fn new(trigger: &Trigger, armed: bool, is_so: While) -> Armed {
        Armed { name: trigger.name.clone(), armed, is_so }
    }

    /// Looks, and arms or holds. True once the trigger is gone.
    pub fn look(&mut self, world: &mut World) -> bool {
        let so = (self.is_so)(&View::of(world));
        if so != self.armed {
            self.armed = so;
            return !arm(world, &self.name, so);
        }
        !world.has_trigger(&self.name)
    }
}
