//! `blumfeld-gateway serve` and `exec`.

use std::process::ExitCode;

use blumfeld_gateway::args::{Args, Command, Level};
use blumfeld_gateway::log::Log;
use clap::Parser;

fn main() -> ExitCode {
    let ended = match Args::parse().command {
        Command::Serve(serve) => blumfeld_gateway::serve(&serve).map(|()| ExitCode::SUCCESS),
        Command::Exec(exec) => blumfeld_gateway::exec(exec).map(ExitCode::from),
    };
    ended.unwrap_or_else(|error| {
        Log::new(Level::Error).line(Level::Error, &error.to_string());
        ExitCode::FAILURE
    })
}
