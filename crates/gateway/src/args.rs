//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// A Kafka cluster in one process.
#[derive(Parser, Debug)]
#[command(name = "blumfeld-gateway", version, about)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program does.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Runs a cluster that Kafka clients connect to, until Ctrl-C
    Serve(Serve),
    /// Runs a command beside a cluster, with BOOTSTRAP_SERVERS set to where it listens, and ends with it
    Exec(Exec),
    /// Makes a data directory of log directories of Apache Kafka's: folders, .tar, .tar.gz or .zip
    Import(Import),
    /// Packs the log directories of a data directory, each with a server.properties on which Apache Kafka starts
    Export(Export),
}

/// `import`.
#[derive(clap::Args, Debug)]
pub struct Import {
    /// The data directory to make; no cluster may be in it
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Log directories, folders of partitions, or archives of them
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// `export`.
#[derive(clap::Args, Debug)]
pub struct Export {
    /// The data directory; no gateway may run on it
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,
    /// The archive to write
    #[arg(long, value_name = "FILE.tar")]
    pub out: PathBuf,
    /// One broker alone [default: all]
    #[arg(long, value_name = "N")]
    pub broker: Option<i32>,
}

/// `exec`.
#[derive(clap::Args, Debug)]
pub struct Exec {
    /// What the cluster is to be; its ports are free ones unless --listen names them.
    #[command(flatten)]
    pub serve: Serve,
    /// The command, after `--`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// What is told of what happens, on the standard error. Each level has those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum)]
pub enum Level {
    /// Nothing
    Off,
    /// What stops the program or a disk
    Error,
    /// What clients did that is no Kafka, and faults
    Warn,
    /// Starts, elections, topics, ISRs, clients that died in the middle of a request
    Info,
    /// Connections
    Debug,
    /// Every append
    Trace,
}

/// `serve`.
#[derive(clap::Args, Debug)]
pub struct Serve {
    /// How many brokers, 1 to 9 [default: 1, or as many as the data directory has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=9))]
    pub brokers: Option<u16>,
    /// Where the first broker listens; each other one port further on. With port 0 each gets a free one [default:
    /// 127.0.0.1:9092, and free ports for exec]
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<String>,
    /// The host that clients are told to connect to [default: that of --listen]
    #[arg(long, value_name = "HOST")]
    pub advertise: Option<String>,
    /// Where the brokers' files are, a directory each; without it everything is in memory
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Seed of every random choice [default: another one each time]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// A config of every broker, as in server.properties; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub config: Vec<String>,
    /// One-way latency of the simulated network, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub network_latency: u64,
    /// Latency of the simulated disks' flushes and cold reads, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub disk_latency: u64,
    /// Says where the brokers listen as a line of JSON on the standard output
    #[arg(long)]
    pub json: bool,
    /// Writes that line to a file as well, once every broker serves
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Reads commands from the standard input: `fault …` and `broker …` as in the console, `quit`
    #[arg(long)]
    pub control: bool,
    /// What is logged
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = Level::Info)]
    pub log_level: Level,
}
