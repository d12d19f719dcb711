//! `blumfeld-gateway serve`.

use std::process::ExitCode;

use blumfeld_gateway::args::{Args, Command, Level};
use blumfeld_gateway::log::Log;
use clap::Parser;

fn main() -> ExitCode {
    let args = Args::parse();
    match args.command {
        Command::Serve(serve) => match blumfeld_gateway::serve(&serve) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                Log::new(Level::Error).line(Level::Error, &error.to_string());
                ExitCode::FAILURE
            }
        },
    }
}
