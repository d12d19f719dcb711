//! Measurements: speed natively and in the browser, sizes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use crate::module::{self, Effort, Module};
use crate::page;
use crate::setup::{self, Browser, root, say, target};

const MODULE: Module = Module { package: "blumfeld-wasm", bin: "bench", name: "bench" };

/// The page that loads the measurements' module.
const PAGE: &str = "<!doctype html><meta charset=\"utf-8\"><title>bench</title><script type=\"module\">\
                    import start from \"./bench.js\"; await start();</script>";

/// What is measured, and where it goes.
struct Asked<'a> {
    /// The file that gets the numbers under the table's names.
    file: Option<&'a str>,
    /// The page's stage and nothing else.
    stage_only: bool,
    /// Going back in time and nothing else.
    timeline_only: bool,
    /// The stage is looked at again after so many minutes of load.
    minutes: u32,
}

fn asked(args: &[String]) -> Result<Asked<'_>> {
    let mut asked = Asked { file: None, stage_only: false, timeline_only: false, minutes: 1 };
    let mut args = args.iter().map(String::as_str);
    while let Some(flag) = args.next() {
        match flag {
            "--json" => asked.file = Some(args.next().context("--json takes a file")?),
            "--stage" => asked.stage_only = true,
            "--timeline" => asked.timeline_only = true,
            "--minutes" => {
                let minutes = args.next().context("--minutes takes a number")?;
                asked.minutes =
                    minutes.parse().with_context(|| format!("no number of minutes: {minutes}"))?;
            }
            other => bail!("bench takes --json FILE, --stage, --timeline and --minutes N, not '{other}'"),
        }
    }
    Ok(asked)
}

/// Measures and prints a table; with `--json FILE` the numbers under the same names.
pub fn run(args: &[String]) -> Result<()> {
    let asked = asked(args)?;
    let (_, browser) = setup::for_tests()?;
    let mut numbers = Map::new();
    if asked.timeline_only {
        timeline(&browser, &mut numbers)?;
    } else {
        let dist = page::build(Effort::Optimized)?;
        if !asked.stage_only {
            everywhere(&dist, &browser, &mut numbers)?;
        }
        stage(&dist, &browser, asked.minutes, &mut numbers)?;
        sizes(&dist, &mut numbers)?;
    }
    for (name, value) in &numbers {
        println!("{name:<52} {:>14}", value.to_string());
    }
    let about = json!({
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "rustc": version("rustc"),
        "node": version("node"),
        "chromium": version(&browser.chromium),
        "blumfeld": env!("CARGO_PKG_VERSION"),
        "runs": 3,
    });
    println!("{about}");
    if let Some(file) = asked.file {
        let json = json!({ "about": about, "numbers": numbers });
        fs::write(file, serde_json::to_string_pretty(&json)? + "\n").with_context(|| file.to_owned())?;
    }
    Ok(())
}

/// What going back in time costs, and how long it takes.
fn timeline(browser: &Browser, numbers: &mut Map<String, Value>) -> Result<()> {
    const PART: &str = "timeline";
    say("bench: going back in time, natively");
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--release", "--package", "blumfeld-wasm", "--bin", "bench", "--", PART]);
    flatten("native", &parse(&mut command, "native bench")?, numbers);
    say("bench: going back in time, in the browser");
    let folder = measurements()?;
    let mut command = Command::new("node");
    command.arg("bench.mjs").arg(&folder).arg(&folder).arg(PART).current_dir(root().join("tests/e2e"));
    command.env("CHROMIUM", &browser.chromium);
    flatten("wasm", &parse(&mut command, "browser bench")?["wasm"], numbers);
    Ok(())
}

/// How soon the page has a cluster, and how its stage bears load.
fn stage(dist: &Path, browser: &Browser, minutes: u32, numbers: &mut Map<String, Value>) -> Result<()> {
    say("bench: the stage");
    let mut command = Command::new("node");
    command.arg("stage-bench.mjs").arg(dist).arg(minutes.to_string()).current_dir(root().join("tests/e2e"));
    command.env("CHROMIUM", &browser.chromium);
    let measured = parse(&mut command, "stage bench")?;
    flatten("begin", &measured["begin"], numbers);
    for (load, rows) in measured["stage"].as_object().into_iter().flatten() {
        for (row, measured) in rows.as_object().into_iter().flatten() {
            let name = if row == "stage" { format!("stage_{load}") } else { format!("stage_{load}_{row}") };
            flatten(&name, measured, numbers);
        }
    }
    Ok(())
}

/// What a visitor loads.
fn sizes(dist: &Path, numbers: &mut Map<String, Value>) -> Result<()> {
    for (name, file) in [("page", "blumfeld-app_bg.wasm"), ("engine", "worker_bg.wasm")] {
        let bytes = fs::read(dist.join(file)).with_context(|| file.to_owned())?;
        numbers.insert(format!("size_{name}_wasm_bytes"), bytes.len().into());
        numbers.insert(format!("size_{name}_wasm_brotli_bytes"), brotli(&bytes)?.into());
    }
    let mut all = 0;
    for entry in fs::read_dir(dist)? {
        let path = entry?.path();
        if path.is_file() {
            all += brotli(&fs::read(&path).with_context(|| path.display().to_string())?)?;
        }
    }
    numbers.insert("size_all_brotli_bytes".to_owned(), all.into());
    Ok(())
}

/// Everything but the stage.
fn everywhere(dist: &Path, browser: &Browser, numbers: &mut Map<String, Value>) -> Result<()> {
    say("bench: native");
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--release", "--package", "blumfeld-wasm", "--bin", "bench"]);
    let native = parse(&mut command, "native bench")?;

    say("bench: a cluster, natively");
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--release", "--package", "blumfeld-bench", "--bin", "bench-cluster"]);
    let cluster = parse(&mut command, "cluster bench")?;

    say("bench: compacting a log, natively");
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--release", "--package", "blumfeld-bench", "--bin", "bench-cleaner"]);
    let cleaner = parse(&mut command, "cleaner bench")?;

    let loads = load()?;

    say("bench: building for the browser");
    let folder = measurements()?;
    say("bench: browser");
    let mut command = Command::new("node");
    command.arg("bench.mjs").arg(&folder).arg(dist).current_dir(root().join("tests/e2e"));
    command.env("CHROMIUM", &browser.chromium);
    let browser = parse(&mut command, "browser bench")?;

    flatten("native", &native, numbers);
    flatten("cluster", &cluster, numbers);
    flatten("cleaner", &cleaner, numbers);
    for (target, measured) in &loads {
        flatten(target, measured, numbers);
    }
    flatten("wasm", &browser["wasm"], numbers);
    numbers.insert("page_load_to_first_ack_ms".to_owned(), browser["page_load_to_first_ack_ms"].clone());
    for (load, screens) in browser["pace"].as_object().into_iter().flatten() {
        for (screen, measured) in screens.as_object().into_iter().flatten() {
            flatten(&format!("page_{load}_{screen}"), measured, numbers);
        }
    }
    Ok(())
}

/// Puts numbers under names that begin with where they were measured.
fn flatten(prefix: &str, from: &Value, to: &mut Map<String, Value>) {
    for (name, value) in from.as_object().into_iter().flatten() {
        to.insert(format!("{prefix}_{name}"), value.clone());
    }
}

/// Runs a command whose last line is JSON.
fn parse(command: &mut Command, what: &str) -> Result<Value> {
    let output = command.stderr(std::process::Stdio::inherit()).output().with_context(|| what.to_owned())?;
    if !output.status.success() {
        bail!("{what} failed ({})", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().with_context(|| format!("{what} printed nothing"))?;
    serde_json::from_str(line).with_context(|| format!("{what} printed {line}"))
}

/// The same load of librdkafka's on its own mock cluster and on the gateway, one after the other.
fn load() -> Result<[(&'static str, Value); 2]> {
    say("bench: building the gateway and librdkafka");
    let mut command = Command::new("cargo");
    command.args(["build", "--quiet", "--release", "--package", "blumfeld-gateway"]);
    setup::run(&mut command, "building the gateway")?;
    let folder = setup::target().join("load");
    let mut command = Command::new("cargo");
    command.args(["build", "--quiet", "--release", "--manifest-path"]);
    command.arg(root().join("bench/load/Cargo.toml")).arg("--target-dir").arg(&folder);
    setup::run(&mut command, "building librdkafka, which needs a C compiler and make,")?;
    let program = folder.join("release/blumfeld-load");
    say("bench: librdkafka on its mock cluster");
    let mock = parse(Command::new(&program).arg("mock"), "the mock's load")?;
    say("bench: librdkafka on the gateway");
    let gateway = setup::target().join("release/blumfeld-gateway");
    let gateway = parse(Command::new(&program).arg("gateway").arg(gateway), "the gateway's load")?;
    Ok([("mock", mock), ("gateway", gateway)])
}

/// Builds the measurements for the browser as the page is built; gives their folder.
fn measurements() -> Result<PathBuf> {
    let folder = target().join("bench");
    module::build(&[MODULE], &folder, Effort::Optimized)?;
    fs::write(folder.join("index.html"), PAGE)?;
    Ok(folder)
}

/// Bytes after brotli at its best (quality 11), as a server would send them.
fn brotli(bytes: &[u8]) -> Result<usize> {
    let params = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
    let mut small = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut small, &params)?;
    Ok(small.len())
}

fn version(program: impl AsRef<Path>) -> String {
    let output = Command::new(program.as_ref()).arg("--version").output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
