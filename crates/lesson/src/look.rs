//! Where a step says to look.

/// A target of the page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Look {
    /// A partition, washed on all brokers: `partition orders 0`.
    Partition(
        /// Its topic.
        String,
        /// Its number.
        i32,
    ),
    /// A consumer group: `group billing`.
    Group(
        /// Its id.
        String,
    ),
    /// A producer or consumer: `client web`.
    Client(
        /// Its `client.id`.
        String,
    ),
    /// A broker: `broker 2`.
    Broker(
        /// Its `node.id`.
        i32,
    ),
    /// A screen of the page: `screen topics`.
    Screen(
        /// Its word in the address.
        String,
    ),
    /// The console, where lines are typed.
    Console,
    /// The clock and its speed.
    Clock,
    /// The bar of the session's time.
    TimeLine,
    /// The event log.
    Events,
}

/// Screens that can be named.
const SCREENS: [&str; 11] = [
    "stage",
    "brokers",
    "topics",
    "messages",
    "groups",
    "transactions",
    "clients",
    "requests",
    "configs",
    "compare",
    "zookeeper",
];

impl Look {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Look, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let number = |word: &str| {
            word.parse::<i32>()
                .ok()
                .filter(|number| *number >= 0)
                .ok_or_else(|| format!("`{word}` is no number"))
        };
        match words.as_slice() {
            ["partition", topic, partition] => Ok(Look::Partition((*topic).to_owned(), number(partition)?)),
            ["group", id] => Ok(Look::Group((*id).to_owned())),
            ["client", id] => Ok(Look::Client((*id).to_owned())),
            ["broker", id] => Ok(Look::Broker(number(id)?)),
            ["screen", name] if SCREENS.contains(name) => Ok(Look::Screen((*name).to_owned())),
            ["screen", name] => Err(format!("there is no screen `{name}`; there are {}", SCREENS.join(", "))),
            ["console"] => Ok(Look::Console),
            ["clock"] => Ok(Look::Clock),
            ["timeline"] => Ok(Look::TimeLine),
            ["events"] => Ok(Look::Events),
            _ => Err(format!(
                "`{text}` is no place; there are partition TOPIC N, group ID, client ID, broker N, screen NAME, console, \
                 clock, timeline and events"
            )),
        }
    }
}

impl std::fmt::Display for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Look::Partition(topic, number) => write!(f, "partition {topic} {number}"),
            Look::Group(id) => write!(f, "group {id}"),
            Look::Client(id) => write!(f, "client {id}"),
            Look::Broker(id) => write!(f, "broker {id}"),
            Look::Screen(name) => write!(f, "screen {name}"),
            Look::Console => f.write_str("console"),
            Look::Clock => f.write_str("clock"),
            Look::TimeLine => f.write_str("timeline"),
            Look::Events => f.write_str("events"),
        }
    }
}
