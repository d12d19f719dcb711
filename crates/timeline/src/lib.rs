//! Going back in time.
//!
//! Whatever can be rewound is a value ([`Rewind`]) around a world, and what it does follows from its events and from
//! what is done to it from outside ([`Deed`]). A [`Timeline`] keeps the deeds and copies of the value, as a tree of
//! branches; a [`Walk`] goes to any moment of it. [`Why`] finds what set a number, [`Odds`] how often something comes
//! true, and [`difference`] what is otherwise at two moments. [`Session`] is all of it for a program that has nothing
//! to draw.

mod difference;
mod far;
mod odds;
mod session;
mod tree;
mod walk;
mod why;
mod words;

use blumfeld_kernel::Instant;
use blumfeld_shell::Language;
use blumfeld_sim::World;

pub use difference::difference;
pub use far::{Earlier, Kept};
pub use odds::Odds;
pub use session::Session;
pub use tree::{BranchError, Mark, Step, Stretch, Target, Timeline, is_name};
pub use walk::{Look, Nothing, Stops, Walk, Way};
pub use why::Why;
pub use words::{Shown, TravelError, clock, name_after, told};

/// What can be rewound.
pub trait Rewind: Clone {
    /// What is done to it from outside.
    type Deed: Deed;

    /// The world in it.
    fn world(&self) -> &World;

    /// The same, to let it go on.
    fn world_mut(&mut self) -> &mut World;

    /// Does again what was done. Nobody is told what comes of it.
    fn apply(&mut self, deed: &Self::Deed, language: Language);

    /// The world has handled an event.
    fn handled(&mut self) {}
}

/// Something that was done from outside.
pub trait Deed: Clone {
    /// As the line that does it; nothing for what the program itself does.
    fn told(&self) -> Option<String>;

    /// The line of the fault that it is, if it is one.
    fn fault(&self) -> Option<String>;

    /// About how many bytes it keeps.
    fn weight(&self) -> u64;
}

/// What became of a turn of something that takes a while.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Turn {
    /// There is more to do.
    More,
    /// The answer.
    Done(Result<String, TravelError>),
}

/// A virtual time of so many microseconds.
fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}
