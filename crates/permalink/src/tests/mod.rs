//! Links are made by chance, changed by chance, and told about.

mod generate;
mod mutated;
mod round_trip;
mod told;
