//! The screens of the page and the panes of its dock, by their words in the address.

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
    /// What went over the network.
    Requests,
    /// Configs of topics and brokers.
    Configs,
    /// Two runs of one seed, side by side.
    Compare,
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
            Self::Requests => "requests",
            Self::Configs => crate::configs::WORD,
            Self::Compare => "compare",
            Self::Console => "console",
        }
    }

    /// All, in the order of the navigation.
    pub const ALL: [Self; 10] = [
        Self::Stage,
        Self::Topics,
        Self::Messages,
        Self::Brokers,
        Self::Clients,
        Self::Groups,
        Self::Requests,
        Self::Configs,
        Self::Compare,
        Self::Console,
    ];
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
