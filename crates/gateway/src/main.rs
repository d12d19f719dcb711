//! `blumfeld-gateway serve`: a cluster in real time, with a TCP port for each broker.
//!
//! One thread drives the world and the sockets. A turn handles what is due, writes what it did to the data directory,
//! sends what came for clients, and sleeps until the next timer or the next byte.

mod args;
mod clock;
mod cluster;
mod control;
mod data_dir;
mod door;
mod log;
mod server;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match args.command {
        args::Command::Serve(serve) => match server::serve(&serve) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                log::Log::new(args::Level::Error).line(args::Level::Error, &error.to_string());
                ExitCode::FAILURE
            }
        },
    }
}
