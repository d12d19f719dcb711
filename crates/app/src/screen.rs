//! The screens of the page and the panes of its dock, by their words in the address.

use blumfeld_view::ConfigResource;

use crate::configs;
use crate::model::PartitionName;
use crate::requests::DIAGRAM;

/// A place of the navigation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Screen {
    /// Clients, brokers and groups, with what is in flight between them.
    Stage,
    /// Topics and their partitions.
    Topics,
    /// Batches, records, bytes.
    Messages,
    /// Brokers.
    Brokers,
    /// Producers and consumers.
    Clients,
    /// Consumer groups.
    Groups,
    /// Transactions.
    Transactions,
    /// What went over the network.
    Requests,
    /// Configs of topics and brokers.
    Configs,
    /// Two runs of one seed, side by side.
    Compare,
    /// All lessons.
    Lessons,
    /// A lesson that is being written.
    Build,
    /// A cluster of the time before KRaft.
    Era,
    /// The console at full height.
    Console,
}

impl Screen {
    /// Its word in the address after `#`, and in `data-screen`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Topics => "topics",
            Self::Messages => "messages",
            Self::Brokers => "brokers",
            Self::Clients => "clients",
            Self::Groups => "groups",
            Self::Transactions => "transactions",
            Self::Requests => "requests",
            Self::Configs => crate::configs::WORD,
            Self::Compare => "compare",
            Self::Lessons => "lessons",
            Self::Build => "build",
            Self::Era => "zookeeper",
            Self::Console => "console",
        }
    }

    /// Whether it is reached from the lessons, and not from the navigation.
    pub fn is_inner(self) -> bool {
        matches!(self, Self::Build | Self::Era)
    }

    /// Those of the navigation, in its order.
    pub fn of_navigation() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|screen| !screen.is_inner())
    }

    /// All, in the order of the navigation.
    pub const ALL: [Self; 14] = [
        Self::Stage,
        Self::Topics,
        Self::Messages,
        Self::Brokers,
        Self::Clients,
        Self::Groups,
        Self::Transactions,
        Self::Requests,
        Self::Configs,
        Self::Compare,
        Self::Lessons,
        Self::Build,
        Self::Era,
        Self::Console,
    ];
}

/// A place of the page, as the address names it behind `#`: `stage`, `messages/orders/0/50`, `requests/diagram`,
/// `configs/topic/orders`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The screen.
    pub screen: Screen,
    /// Whether what went over the network is drawn as a diagram.
    pub diagram: bool,
    /// What configs are shown of.
    pub configs: Option<ConfigResource>,
    /// The partition whose messages are shown, and the offset of the record.
    pub partition: Option<(PartitionName, Option<i64>)>,
}

impl Place {
    /// Reads what stands behind `#`; nothing if that is nothing. Otherwise what cannot be a place, and the screen if at
    /// least that is one.
    pub fn parse(hash: &str) -> Option<Result<Self, Option<Self>>> {
        if hash.is_empty() {
            return None;
        }
        let (word, rest) = hash.split_once('/').map_or((hash, None), |(word, rest)| (word, Some(rest)));
        let Some(screen) = Screen::ALL.into_iter().find(|screen| screen.word() == word) else {
            return Some(Err(None));
        };
        let plain = Self { screen, diagram: false, configs: None, partition: None };
        let Some(rest) = rest else { return Some(Ok(plain)) };
        let place = match screen {
            Screen::Requests => {
                (format!("/{rest}") == DIAGRAM).then(|| Self { diagram: true, ..plain.clone() })
            }
            Screen::Configs => {
                configs::at(hash).map(|resource| Self { configs: Some(resource), ..plain.clone() })
            }
            Screen::Messages => {
                partition(rest).map(|partition| Self { partition: Some(partition), ..plain.clone() })
            }
            _ => None,
        };
        Some(place.ok_or(Some(plain)))
    }
}

/// `orders/0` or `orders/0/50`.
fn partition(text: &str) -> Option<(PartitionName, Option<i64>)> {
    let mut parts = text.split('/');
    let (topic, partition, offset) = (parts.next()?, parts.next()?, parts.next());
    let whole = |number: &str| number.parse::<i64>().ok().filter(|number| *number >= 0);
    let offset = match offset {
        None => None,
        Some(offset) => Some(whole(offset)?),
    };
    let partition = i32::try_from(whole(partition)?).ok()?;
    let named = !topic.is_empty() && parts.next().is_none();
    named.then(|| (PartitionName { topic: topic.to_owned(), partition }, offset))
}

/// A pane of the dock, which stand side by side when there is room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tab {
    /// The chosen partition.
    Inspector,
    /// The event log.
    Log,
    /// The console.
    Console,
    /// Numbers over time.
    Charts,
    /// Dropped files.
    Files,
}

impl Tab {
    /// Its word in `data-tab`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Inspector => "inspector",
            Self::Log => "log",
            Self::Console => "console",
            Self::Charts => "charts",
            Self::Files => "files",
        }
    }

    /// All, in the order of the tabs.
    pub const ALL: [Self; 5] = [Self::Inspector, Self::Log, Self::Console, Self::Charts, Self::Files];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_place_or_is_refused() {
        let name = |topic: &str, partition| PartitionName { topic: topic.to_owned(), partition };
        let plain = |screen| Place { screen, diagram: false, configs: None, partition: None };
        assert_eq!(Place::parse(""), None);
        for screen in Screen::ALL {
            assert_eq!(Place::parse(screen.word()), Some(Ok(plain(screen))));
        }
        for (hash, partition) in [
            ("messages/orders/0/50", (name("orders", 0), Some(50))),
            ("messages/a.b_c-d/12", (name("a.b_c-d", 12), None)),
        ] {
            let place = Place { partition: Some(partition), ..plain(Screen::Messages) };
            assert_eq!(Place::parse(hash), Some(Ok(place)), "{hash}");
        }
        let diagram = Place { diagram: true, ..plain(Screen::Requests) };
        assert_eq!(Place::parse("requests/diagram"), Some(Ok(diagram)));
        let resource = Some(ConfigResource::Topic("orders".to_owned()));
        let configs = Place { configs: resource, ..plain(Screen::Configs) };
        assert_eq!(Place::parse("configs/topic/orders"), Some(Ok(configs)));
        for hash in ["nosuch", "/", "Stage", "nosuch/1"] {
            assert_eq!(Place::parse(hash), Some(Err(None)), "{hash}");
        }
        for (hash, screen) in [
            ("messages/orders", Screen::Messages),
            ("messages/orders/-1", Screen::Messages),
            ("messages/orders/0/x", Screen::Messages),
            ("messages//0", Screen::Messages),
            ("messages/orders/0/5/6", Screen::Messages),
            ("messages/orders/99999999999", Screen::Messages),
            ("configs/x/y", Screen::Configs),
            ("requests/table", Screen::Requests),
            ("stage/", Screen::Stage),
        ] {
            assert_eq!(Place::parse(hash), Some(Err(Some(plain(screen)))), "{hash}");
        }
    }
}
