//! Faults of logs, planted to see whether the simulation's checkers find them. Without the feature `planted-bugs` none
//! is there.

/// A place where a fault can be planted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bug {
    /// A pass takes tombstones out that it comes by for the first time.
    TombstoneDroppedEarly = 1,
    /// A start takes a segment that was to replace others, and leaves those beside it.
    SwapTakenTwice = 2,
}

#[cfg(feature = "planted-bugs")]
static PLANTED: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Plants a fault in every log of this program.
#[cfg(feature = "planted-bugs")]
pub fn plant(bug: Bug) {
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
