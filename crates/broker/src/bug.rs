//! Faults of this program, planted to see whether the simulation's checkers find them. Without the feature
//! `planted-bugs` none is there.

/// A place where a fault can be planted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bug {
    /// A follower truncates to its high watermark, as before KIP-101, and not by epochs.
    TruncateToHighWatermark = 1,
    /// A vote is answered before it is durable.
    UnstableVote = 2,
    /// A follower is taken into the ISR without having caught up.
    ExpandWithoutCatchingUp = 3,
    /// The high watermark is the leader's own log end.
    HighWatermarkFromLeader = 4,
    /// A leader of an old epoch goes on being one: epochs are not compared.
    NoFencing = 5,
    /// What another topic of the same name has left is loaded as the new one's.
    KeepStrays = 6,
    /// The last stable offset is the high watermark, whatever transactions are open.
    LsoFromHighWatermark = 7,
    /// A partition takes a transaction's first batch without having asked the coordinator.
    SkipVerification = 8,
    /// The transaction coordinator does not compare the epochs of producers.
    AcceptFencedProducer = 9,
    /// A coordinator that is loaded does not send the markers of transactions whose end was decided before.
    LoseMarkers = 10,
    /// The log cleaner takes tombstones out that it comes by for the first time.
    TombstoneDroppedEarly = 11,
    /// A log that is loaded takes a segment that was to replace others, and leaves those beside it.
    SwapTakenTwice = 12,
}

impl Bug {
    /// All of them, with their names on the command line.
    pub const ALL: [(&'static str, Bug); 12] = [
        ("truncate-to-high-watermark", Bug::TruncateToHighWatermark),
        ("unstable-vote", Bug::UnstableVote),
        ("expand-without-catching-up", Bug::ExpandWithoutCatchingUp),
        ("high-watermark-from-leader", Bug::HighWatermarkFromLeader),
        ("no-fencing", Bug::NoFencing),
        ("keep-strays", Bug::KeepStrays),
        ("lso-from-hw", Bug::LsoFromHighWatermark),
        ("skip-verification", Bug::SkipVerification),
        ("accept-fenced-producer", Bug::AcceptFencedProducer),
        ("lose-markers", Bug::LoseMarkers),
        ("tombstone-dropped-early", Bug::TombstoneDroppedEarly),
        ("swap-taken-twice", Bug::SwapTakenTwice),
    ];
}

#[cfg(feature = "planted-bugs")]
static PLANTED: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Plants a fault in every broker of this program.
#[cfg(feature = "planted-bugs")]
pub fn plant(bug: Bug) {
    // Those of logs stand in their own crate.
    match bug {
        Bug::TombstoneDroppedEarly => blumfeld_log::plant(blumfeld_log::Bug::TombstoneDroppedEarly),
        Bug::SwapTakenTwice => blumfeld_log::plant(blumfeld_log::Bug::SwapTakenTwice),
        _ => {}
    }
    PLANTED.store(bug as u8, std::sync::atomic::Ordering::Relaxed);
}

/// Whether this fault is planted.
#[cfg(feature = "planted-bugs")]
pub(crate) fn planted(bug: Bug) -> bool {
    PLANTED.load(std::sync::atomic::Ordering::Relaxed) == bug as u8
}

/// Whether this fault is planted: never, in a program that is used.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}
