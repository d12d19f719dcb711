//! `blumfeld-gateway serve`, `exec`, `import` and `export`.

use std::process::ExitCode;

use blumfeld_gateway::args::{Args, Command, Level};
use blumfeld_gateway::log::Log;
use clap::Parser;

fn main() -> ExitCode {
    let ended = match Args::parse().command {
        Command::Serve(serve) => blumfeld_gateway::serve(&serve).map(|()| ExitCode::SUCCESS),
        Command::Exec(exec) => blumfeld_gateway::exec(exec).map(ExitCode::from),
        Command::Import(import) => blumfeld_gateway::import(&import).map(|()| ExitCode::SUCCESS),
        Command::Export(export) => blumfeld_gateway::export(&export).map(|()| ExitCode::SUCCESS),
    };
    ended.unwrap_or_else(|error| {
        Log::new(Level::Error).line(Level::Error, &error.to_string());
        ExitCode::FAILURE
    })
}
