//! `kafka-dump-log.sh` (org.apache.kafka.tools.DumpLogSegments): what segment files hold.
//!
//! It reads the bytes itself, not through the log crate, so that it can tell on a log which that crate would refuse.

mod decoders;
mod index;
mod segment;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use blumfeld_kernel::{Context, Input, Instant, Node};

use super::toolbox::Launch;
use crate::io::{INTERRUPTED, Printed};
use crate::java::hash_map_order;
use crate::options::*;
use crate::{Environment, StdinSource};
use decoders::Decoder;
use segment::SegmentDump;

/// The tool's options.
pub const SPECS: &[Spec] = &[
    flag("cluster-metadata-decoder", "Show records of the metadata log as JSON"),
    flag("deep-iteration", "Show every record, not only batches"),
    value(
        "files",
        "file,file,…",
        "The files (required): orders-0/00000000000000000000.log, .index, .timeindex",
    ),
    flag("help", "Show this"),
    flag("index-sanity-check", "Only see whether an index would be rebuilt at the start of a broker"),
    not_yet("key-decoder-class", Argument::Optional("class")),
    value("max-bytes", "bytes", "Read no more than this of each .log (default: 2147483647)"),
    value("max-message-size", "bytes", "Largest batch that an index check reads (default: 5242880)"),
    flag("offsets-decoder", "Show records of __consumer_offsets as JSON"),
    flag("print-data-log", "Show keys and values too"),
    not_yet("remote-log-metadata-decoder", Argument::None),
    not_yet("share-group-state-decoder", Argument::None),
    flag("skip-record-metadata", "Leave out what stands before key and value"),
    flag("transaction-log-decoder", "Show records of __transaction_state as JSON"),
    not_yet("value-decoder-class", Argument::Optional("class")),
    flag("verify-index-only", "Check an index without showing it"),
    flag("version", "Show the release of Kafka whose tool this is"),
];

const ABOUT: &str = "This tool helps to parse a log file and dump its contents to the console, useful for debugging a seemingly corrupt log segment.";

/// Kafka's default `log.dirs` in the combined mode: paths may be written with it.
const LOG_DIR: &str = "/tmp/kraft-combined-logs/";

/// Output is handed over in pieces of about this many bytes, so that a large segment does not hold everything up.
const SLICE: usize = 256 * 1024;

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    if arguments.is_empty() {
        return usage_error(SPECS, ABOUT).into();
    }
    let uncaught = |error: &OptionError| format!("Exception in thread \"main\" {}", error.trace().trim_end());
    let options = match Options::parse(SPECS, arguments) {
        Ok(options) => options,
        Err(error) => {
            let text = uncaught(&error);
            return error.printed(&env.bootstrap().to_string(), text).into();
        }
    };
    if let Some(printed) =
        help_or_version(SPECS, &options, ABOUT).or_else(|| missing(SPECS, &options, &["files"]))
    {
        return printed.into();
    }
    match prepare(&options, env) {
        Ok(process) => Launch::Run(Box::new(process)),
        Err(error) => Printed::error(uncaught(&error)).into(),
    }
}

fn prepare(options: &Options, env: &dyn Environment) -> Result<DumpLog, OptionError> {
    // Of several Kafka takes the first of these.
    let decoders = [
        ("offsets-decoder", Decoder::Offsets),
        ("transaction-log-decoder", Decoder::Transactions),
        ("cluster-metadata-decoder", Decoder::Metadata),
    ];
    let decoder = decoders.into_iter().find(|(name, _)| options.has(name)).map(|(_, decoder)| decoder);
    let print_data = options.has("print-data-log") || decoder.is_some();
    let settings = Settings {
        print_data,
        decoder,
        deep: options.has("deep-iteration") || print_data,
        skip_metadata: options.has("skip-record-metadata"),
        sanity_only: options.has("index-sanity-check"),
        verify_only: options.has("verify-index-only"),
        max_bytes: options.number::<i32>("max-bytes")?.unwrap_or(i32::MAX),
        max_message_size: options.number::<i32>("max-message-size")?.unwrap_or(5 * 1024 * 1024),
    };
    let mut files = VecDeque::new();
    let read = |path: &str| env.read_disk_file(path.strip_prefix(LOG_DIR).unwrap_or(path));
    for path in options.value("files")?.unwrap_or_default().split(',').filter(|path| !path.is_empty()) {
        let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        let beside = |suffix: &str| read(&format!("{stem}.{suffix}"));
        let kind = Kind::of(path);
        let (log, index) = match kind {
            Kind::Index => (beside("log"), None),
            Kind::TimeIndex => (beside("log"), beside("index")),
            Kind::Log | Kind::Unknown => (None, None),
        };
        files.push_back(File { path: path.to_owned(), kind, bytes: read(path), log, index });
    }
    Ok(DumpLog { settings, files, current: None, findings: Findings::default(), over: false, wake: None })
}

/// What the options ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Settings {
    print_data: bool,
    /// What keys and values are read as; nothing for texts.
    decoder: Option<Decoder>,
    deep: bool,
    skip_metadata: bool,
    sanity_only: bool,
    verify_only: bool,
    max_bytes: i32,
    max_message_size: i32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Log,
    Index,
    TimeIndex,
    Unknown,
}

impl Kind {
    fn of(path: &str) -> Kind {
        match path.rsplit_once('.').map(|(_, suffix)| suffix) {
            Some("log" | "checkpoint") => Kind::Log,
            Some("index") => Kind::Index,
            Some("timeindex") => Kind::TimeIndex,
            _ => Kind::Unknown,
        }
    }
}

/// A file to be shown, with the files beside it that its check needs.
#[derive(Clone, Debug)]
struct File {
    path: String,
    kind: Kind,
    bytes: Option<Bytes>,
    log: Option<Bytes>,
    index: Option<Bytes>,
}

/// The offset that a segment's name says; Java's NumberFormatException otherwise.
fn base_offset(path: &str) -> Result<i64, String> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    crate::java::parse_number(stem)
        .ok_or_else(|| format!("java.lang.NumberFormatException: For input string: \"{stem}\""))
}

/// A path from the root on: Kafka's log directory is where the console stands.
fn absolute(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{LOG_DIR}{path}") }
}

/// What does not fit, told at the end.
#[derive(Clone, Debug, Default)]
struct Findings {
    /// Index entries and what the log has there, by file.
    mismatches: BTreeMap<String, Vec<(i64, i64)>>,
    /// Timestamps of an index and of the log.
    timestamp_mismatches: BTreeMap<String, Vec<(i64, i64)>>,
    /// Timestamps that are no later than the one before.
    out_of_order: BTreeMap<String, Vec<(i64, i64)>>,
    /// Indexed offsets that the log has not.
    not_found: BTreeMap<String, Vec<(i64, i64)>>,
    /// Offsets of which one does not follow the other.
    non_consecutive: BTreeMap<String, Vec<(i64, i64)>>,
}

impl Findings {
    fn text(&self) -> String {
        let mut text = String::new();
        let mut tell = |all: &BTreeMap<String, Vec<(i64, i64)>>, head: &str, line: fn(i64, i64) -> String| {
            // Kafka keeps them in a HashMap by file.
            for (file, pairs) in hash_map_order(all.iter().collect(), None, |(file, _)| file.as_str()) {
                text.push_str(&head.replace("{}", file));
                text.push('\n');
                for (a, b) in pairs {
                    text.push_str(&line(*a, *b));
                    text.push('\n');
                }
            }
        };
        let mut mismatches = self.mismatches.clone();
        // Of these Kafka tells the last first.
        mismatches.values_mut().for_each(|pairs| pairs.reverse());
        tell(&mismatches, "Mismatches in :{}", |a, b| format!("  Index offset: {a}, log offset: {b}"));
        tell(&self.timestamp_mismatches, "Found timestamp mismatch in :{}", |a, b| {
            format!("  Index timestamp: {a}, log timestamp: {b}")
        });
        tell(&self.out_of_order, "Found out of order timestamp in :{}", |a, b| {
            format!("  Index timestamp: {a}, Previously indexed timestamp: {b}")
        });
        tell(&self.not_found, "The following indexed offsets are not found in :{}", |a, b| {
            format!("Indexed offset: {a}, found log offset: {b}")
        });
        tell(&self.non_consecutive, "Non-consecutive offsets in {}", |a, b| {
            format!("  {a} is followed by {b}")
        });
        text
    }
}

#[derive(Clone, Debug)]
struct DumpLog {
    settings: Settings,
    files: VecDeque<File>,
    current: Option<SegmentDump>,
    findings: Findings,
    over: bool,
    wake: Option<Instant>,
}

impl Node for DumpLog {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        match input {
            _ if self.over => {}
            Input::Started | Input::Timeout => self.run(cx),
            Input::Interrupt => self.exit(cx, INTERRUPTED),
            _ => {}
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over { None } else { self.wake }
    }
}

impl DumpLog {
    fn run(&mut self, cx: &mut Context<'_>) {
        let mut out = String::new();
        while out.len() < SLICE {
            let more = match &mut self.current {
                Some(dump) => dump.next(&mut out, &self.settings, &mut self.findings),
                None => match self.files.pop_front() {
                    Some(file) => {
                        out.push_str(&format!("Dumping {}\n", file.path));
                        self.begin(cx, file, &mut out)
                    }
                    None => {
                        cx.out.stdout(out);
                        let findings = self.findings.text();
                        if !findings.is_empty() {
                            cx.out.stderr(findings);
                        }
                        return self.exit(cx, 0);
                    }
                },
            };
            match more {
                Ok(true) => {}
                Ok(false) => self.current = None,
                Err(thrown) => {
                    cx.out.stdout(out);
                    cx.out.stderr(format!("Exception in thread \"main\" {thrown}\n"));
                    return self.exit(cx, 1);
                }
            }
        }
        cx.out.stdout(out);
        self.wake = Some(cx.now);
    }

    /// Begins a file; gives whether it goes on as the current segment.
    fn begin(&mut self, cx: &mut Context<'_>, file: File, out: &mut String) -> Result<bool, String> {
        let missing = || format!("java.nio.file.NoSuchFileException: {}", file.path);
        match file.kind {
            Kind::Unknown => {
                cx.out.stderr(format!("Ignoring unknown file {}\n", file.path));
                Ok(false)
            }
            Kind::Log => {
                let base = base_offset(&file.path)?;
                out.push_str(&format!("Log starting offset: {base}\n"));
                let bytes = file.bytes.clone().ok_or_else(missing)?;
                self.current = Some(SegmentDump::new(&file.path, bytes));
                Ok(true)
            }
            Kind::Index => index::dump(&file, &self.settings, out, &mut self.findings).map(|()| false),
            Kind::TimeIndex => {
                index::dump_time(&file, &self.settings, out, &mut self.findings).map(|()| false)
            }
        }
    }

    fn exit(&mut self, cx: &mut Context<'_>, code: i32) {
        self.over = true;
        cx.out.exit(code);
    }
}
