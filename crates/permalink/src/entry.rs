//! The entries of a link: their tags, which never change, and their names.
//!
//! Each is its tag, its length in bytes, and so many bytes. Numbers are LEB128, texts UTF-8, and what may be missing
//! within a value is 0, or one more than it is.

/// An entry of a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Entry {
    /// A number.
    Seed,
    /// A number.
    Brokers,
    /// 0 KRaft (and that is not written), 1 ZooKeeper.
    Cluster,
    /// Nothing: that it is there says it.
    Empty,
    /// Entries ([`BranchEntry`]); there is one for each branch.
    Branch,
    /// A number; that of the first branch, 0, is not written.
    Living,
    /// A number: microseconds.
    Moment,
    /// A number, its step, and a text up to the end.
    Lesson,
    /// 0 English, 1 Korean.
    Lang,
    /// A text.
    Place,
    /// A text.
    Selected,
}

impl Entry {
    const ALL: [Entry; 11] = [
        Entry::Seed,
        Entry::Brokers,
        Entry::Cluster,
        Entry::Empty,
        Entry::Branch,
        Entry::Living,
        Entry::Moment,
        Entry::Lesson,
        Entry::Lang,
        Entry::Place,
        Entry::Selected,
    ];

    /// Its tag.
    pub fn tag(self) -> u64 {
        match self {
            Entry::Seed => 1,
            Entry::Brokers => 2,
            Entry::Cluster => 3,
            Entry::Empty => 4,
            Entry::Branch => 5,
            Entry::Living => 6,
            Entry::Moment => 7,
            Entry::Lesson => 8,
            Entry::Lang => 9,
            Entry::Place => 10,
            Entry::Selected => 11,
        }
    }

    /// The entry of a tag.
    pub fn of(tag: u64) -> Option<Entry> {
        Entry::ALL.into_iter().find(|entry| entry.tag() == tag)
    }

    /// Its name, in files too.
    pub fn name(self) -> &'static str {
        match self {
            Entry::Seed => "seed",
            Entry::Brokers => "brokers",
            Entry::Cluster => "cluster",
            Entry::Empty => "empty",
            Entry::Branch => "branch",
            Entry::Living => "living",
            Entry::Moment => "moment",
            Entry::Lesson => "lesson",
            Entry::Lang => "lang",
            Entry::Place => "place",
            Entry::Selected => "selected",
        }
    }
}

/// An entry of a branch. Commands and times stand apart, for the like of each other deflates better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BranchEntry {
    /// A text.
    Name,
    /// Numbers: from, at, done; then events and the seed, which may be missing.
    Fork,
    /// A text: the commands, with a line feed between two. Not there where nothing was done.
    Lines,
    /// A number for each command: microseconds since the one before it, or since the fork.
    Times,
    /// A number for each command, which may be missing: events since the last one that is known, or since the fork's.
    /// Not there where all are missing.
    Events,
}

impl BranchEntry {
    const ALL: [BranchEntry; 5] =
        [BranchEntry::Name, BranchEntry::Fork, BranchEntry::Lines, BranchEntry::Times, BranchEntry::Events];

    /// Its tag.
    pub fn tag(self) -> u64 {
        match self {
            BranchEntry::Name => 1,
            BranchEntry::Fork => 2,
            BranchEntry::Lines => 3,
            BranchEntry::Times => 4,
            BranchEntry::Events => 5,
        }
    }

    /// The entry of a tag.
    pub fn of(tag: u64) -> Option<BranchEntry> {
        BranchEntry::ALL.into_iter().find(|entry| entry.tag() == tag)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            BranchEntry::Name => "name",
            BranchEntry::Fork => "fork",
            BranchEntry::Lines => "lines",
            BranchEntry::Times => "times",
            BranchEntry::Events => "events",
        }
    }
}
