//! A console over a world of one broker, or of a cluster.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use blumfeld_broker::BrokerConfig;
use blumfeld_kernel::{Endpoint, NodeId};
use blumfeld_protocol::Uuid;
use blumfeld_shell::{Environment, Language, StdinSource, start};
use blumfeld_sim::{DiskConfig, NetworkConfig, Output, ProcessId, World, WorldConfig};
use bytes::Bytes;

/// A world with files that were dropped on its page.
pub struct Console {
    /// The world.
    pub world: World,
    /// Dropped files by name.
    pub files: BTreeMap<String, Bytes>,
    background: BTreeMap<String, Background>,
}

/// A command that runs beside others.
struct Background {
    process: ProcessId,
    typed: VecDeque<Bytes>,
    closed: bool,
    written: String,
}

/// What a line did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ran {
    /// What it wrote to the standard output.
    pub stdout: String,
    /// What it wrote to the standard error.
    pub stderr: String,
    /// Its exit code; `None` if it did not end.
    pub code: Option<i32>,
}

impl Default for Console {
    fn default() -> Console {
        Console::new(1)
    }
}

impl Console {
    /// A world of this seed whose broker serves.
    pub fn new(seed: u64) -> Console {
        Console::cluster(
            seed,
            vec![BrokerConfig::new(1, Endpoint::new("localhost", 9092), Uuid::from_u128(7))],
        )
    }

    /// A world of this seed with brokers 1 to `count` in combined mode, on ports 9092, 9094 and so on.
    pub fn with(seed: u64, count: u16) -> Console {
        let count = i32::from(count);
        Console::cluster(seed, BrokerConfig::cluster(count, count, Uuid::from_u128(7)))
    }

    /// A world of these brokers, all of which serve.
    pub fn cluster(seed: u64, brokers: Vec<BrokerConfig>) -> Console {
        let config = WorldConfig {
            boot: 0,
            seed,
            epoch_ms: 1_700_000_000_000,
            brokers,
            network: NetworkConfig::default(),
            disk: DiskConfig::default(),
            wait_for_store: false,
        };
        let mut world = World::new(config, BTreeMap::new());
        let deadline = world.now() + Duration::from_secs(60);
        while !world.is_ready() && world.now() < deadline {
            world.step();
        }
        Console { world, files: BTreeMap::new(), background: BTreeMap::new() }
    }

    /// Runs a line to its end, for at most ten minutes of virtual time. `typed` are the lines that a person types where
    /// the line reads from the terminal.
    pub fn run(&mut self, line: &str, typed: &[String]) -> Ran {
        let mut ran = Ran::default();
        let started = match start(line, self) {
            Ok(started) => started,
            Err(error) => {
                return Ran { stderr: format!("{error}\n"), code: Some(error.exit_code()), ..ran };
            }
        };
        let mut input: Vec<Bytes> = match started.stdin {
            StdinSource::Terminal => typed.iter().map(|line| Bytes::from(format!("{line}\n"))).collect(),
            StdinSource::File(name) => {
                let bytes = self.files.get(&name).cloned().unwrap_or_default();
                bytes.chunks(64 * 1024).map(Bytes::copy_from_slice).collect()
            }
            StdinSource::Text(text) => vec![text.into()],
            StdinSource::Empty => Vec::new(),
        };
        input.reverse();
        let process = self.world.spawn(started.process);
        let deadline = self.world.now() + Duration::from_secs(600);
        while self.world.now() < deadline {
            if self.world.wants_stdin(process) {
                match input.pop() {
                    Some(bytes) => self.world.write_stdin(process, bytes),
                    None => self.world.close_stdin(process),
                }
            }
            if !self.step() {
                break;
            }
            for output in self.world.take_output(process) {
                match output {
                    Output::Stdout(bytes) => ran.stdout.push_str(&String::from_utf8_lossy(&bytes)),
                    Output::Stderr(bytes) => ran.stderr.push_str(&String::from_utf8_lossy(&bytes)),
                    Output::Exit(code) => {
                        ran.code = Some(code);
                        return ran;
                    }
                }
            }
        }
        ran
    }
}

impl Console {
    /// Handles the next event of the world. Gives whether there was one.
    pub fn step(&mut self) -> bool {
        let went = self.world.step();
        self.pump();
        went
    }

    /// Lets virtual time pass.
    pub fn run_for(&mut self, span: Duration) {
        let end = self.world.now() + span;
        while self.world.next_event().is_some_and(|at| at <= end) {
            self.step();
        }
        self.world.run_until(end);
    }

    /// Begins a command that runs beside others, under a name.
    ///
    /// # Errors
    /// The line cannot be run; the text says why.
    pub fn spawn(&mut self, name: &str, line: &str) -> Result<(), String> {
        let started = start(line, self).map_err(|error| error.to_string())?;
        let process = self.world.spawn(started.process);
        let (typed, written) = (VecDeque::new(), String::new());
        self.background.insert(name.to_owned(), Background { process, typed, closed: false, written });
        Ok(())
    }

    fn background(&mut self, name: &str) -> &mut Background {
        self.background.get_mut(name).unwrap_or_else(|| panic!("there is no command {name}"))
    }

    /// Types a line into such a command.
    pub fn type_line(&mut self, name: &str, line: &str) {
        self.background(name).typed.push_back(Bytes::from(format!("{line}\n")));
        self.pump();
    }

    /// Ends its standard input, after what was typed.
    pub fn end_input(&mut self, name: &str) {
        self.background(name).closed = true;
        self.pump();
    }

    /// Presses Ctrl-C.
    pub fn interrupt(&mut self, name: &str) {
        let process = self.background(name).process;
        self.world.interrupt(process);
    }

    /// Ends its process at once, as `kill -9` does.
    pub fn kill(&mut self, name: &str) {
        let process = self.background(name).process;
        self.world.kill(process);
    }

    /// What such commands have written since the last look, by their names.
    pub fn take_written(&mut self) -> Vec<(String, String)> {
        self.pump();
        (self.background.iter_mut())
            .filter(|(_, one)| !one.written.is_empty())
            .map(|(name, one)| (name.clone(), std::mem::take(&mut one.written)))
            .collect()
    }

    fn pump(&mut self) {
        for one in self.background.values_mut() {
            if self.world.wants_stdin(one.process) {
                match one.typed.pop_front() {
                    Some(bytes) => self.world.write_stdin(one.process, bytes),
                    None if one.closed => self.world.close_stdin(one.process),
                    None => {}
                }
            }
            for output in self.world.take_output(one.process) {
                match output {
                    Output::Stdout(bytes) | Output::Stderr(bytes) => {
                        one.written.push_str(&String::from_utf8_lossy(&bytes));
                    }
                    Output::Exit(code) => {
                        if !one.written.is_empty() && !one.written.ends_with('\n') {
                            one.written.push('\n');
                        }
                        one.written.push_str(&format!("[exit {code}]\n"));
                    }
                }
            }
        }
    }
}

impl Environment for Console {
    fn bootstrap(&self) -> Endpoint {
        Endpoint::new("localhost", 9092)
    }

    fn topics(&self) -> Vec<String> {
        Vec::new()
    }

    fn dropped_files(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    fn disk_files(&self, prefix: &str) -> Vec<String> {
        let disk = self.world.disk(NodeId(1));
        let files = disk.into_iter().flat_map(|disk| disk.disk().files());
        files.map(|(path, _)| path.to_string()).filter(|path| path.starts_with(prefix)).collect()
    }

    fn read_disk_file(&self, path: &str) -> Option<Bytes> {
        let disk = self.world.disk(NodeId(1))?;
        disk.disk().read(path).or_else(|| self.files.get(path).cloned())
    }

    fn language(&self) -> Language {
        Language::English
    }
}
