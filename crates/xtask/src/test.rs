//! Every test, one step after the other. All steps run, and the last line counts them.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "how long a step takes is for the person who waits"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::module::{self, Effort};
use crate::setup::{self, Browser, Tools, root, run as run_command, say};
use crate::{conformance, examples, npm, page, tidy};

/// The steps in their order.
const STEPS: [&str; 11] =
    ["fmt", "clippy", "tidy", "doc", "fuzz", "native", "sim", "conformance", "examples", "wasm", "page"];
/// Steps that run only when they are asked for: they take minutes that not every run has.
const OPTIONAL: [&str; 1] = ["page-optimized"];
/// The random runs that every run goes through: those that once failed, plain ones, of clusters whose brokers come and
/// go, with triggers on requests, with a topic that is deleted and created again, with clients that write in
/// transactions, with compacted topics that are cleaned, and of the page around a cluster, with reloads. Two lanes, for
/// two cores, each of about the same length.
const RANDOM: [&[&str]; 2] = [
    &["--page --seeds 100", "--triggers --seeds 50"],
    &[
        "--known",
        "--seeds 120",
        "--members --seeds 50",
        "--topics --seeds 50",
        "--transactions --seeds 20",
        "--compaction --seeds 20",
    ],
];

/// Runs the steps that are asked for.
pub fn run(args: &[String]) -> Result<()> {
    let wanted: Vec<&str> = match args {
        [] => STEPS.to_vec(),
        [flag, list] if flag == "--only" => {
            let list: Vec<&str> = list.split(',').collect();
            let known = || STEPS.iter().chain(&OPTIONAL).copied();
            if let Some(unknown) = list.iter().find(|step| !known().any(|one| one == **step)) {
                bail!("there is no step '{unknown}', only {}", known().collect::<Vec<_>>().join(", "));
            }
            list
        }
        other => bail!("test takes --only STEP[,STEP] and nothing else, not {other:?}"),
    };
    if wanted.len() == STEPS.len() {
        tell_room();
    }
    let (mut passed, mut failed, mut took) = (0, Vec::new(), Vec::new());
    for (number, step) in wanted.iter().enumerate() {
        say(&format!("step {} of {}: {step}", number + 1, wanted.len()));
        let start = Instant::now();
        match one(step) {
            Ok(()) => passed += 1,
            Err(error) => {
                eprintln!("xtask: {step}: {error:#}");
                failed.push(*step);
            }
        }
        took.push(format!("{step} {} s", start.elapsed().as_secs()));
        say(took.last().map_or("", String::as_str));
    }
    println!("{}", took.join(", "));
    println!("{passed} passed, {} failed", failed.len());
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

/// Says so if the disk is too small for everything that a run from nothing builds: a compiler that finds none left
/// fails in the middle of a step.
fn tell_room() {
    const NEEDED: u64 = 24;
    let output = Command::new("df").args(["-Pk"]).arg(root()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let free = text.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    if let Some(gib) = free.map(|kib| kib >> 20).filter(|gib| *gib < NEEDED) {
        say(&format!(
            "{gib} GiB are free: a run from nothing builds about {NEEDED} GiB; cargo clean makes room"
        ));
    }
}

fn one(step: &str) -> Result<()> {
    let cargo = |args: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(args).current_dir(root());
        run_command(&mut command, &format!("cargo {}", args.join(" ")))
    };
    match step {
        "fmt" => cargo(&["fmt", "--all", "--check"]),
        "clippy" => cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        "tidy" => tidy::run(),
        "doc" => {
            let mut command = std::process::Command::new("cargo");
            command.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
            run_command(command.current_dir(root()), "cargo doc")
        }
        "fuzz" => {
            setup::c_compiler()?;
            // The targets' own folder is what cargo-fuzz builds into, with other flags.
            let target = setup::target().join("fuzz");
            let mut command = std::process::Command::new("cargo");
            command.args(["check", "--manifest-path", "fuzz/Cargo.toml"]).env("CARGO_TARGET_DIR", target);
            run_command(command.current_dir(root()), "cargo check of the fuzz targets")
        }
        "native" => cargo(&["test", "--workspace"]),
        "sim" => random_runs(&program("sim")?),
        "conformance" => conformance::with(&program("blumfeld-gateway")?),
        "examples" => examples::run(&program("blumfeld-gateway")?),
        "wasm" => wasm(),
        // The code is the same; what optimising over all crates changes is looked at by the optional step.
        "page" => page_step(Effort::Quick, Effort::Quick),
        "page-optimized" => page_step(Effort::Optimized, Effort::Linked),
        other => bail!("there is no step '{other}'"),
    }
}

/// A program as the native step builds it, for all steps: optimised builds of the same crates would take longer than
/// what they save. (Alone, a package's crates have other features and would be built anew.)
fn program(name: &str) -> Result<PathBuf> {
    say(&format!("program {name}: compiling"));
    let mut command = Command::new("cargo");
    command.args(["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    let output =
        command.current_dir(root()).stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("cargo test --no-run failed ({})", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let built = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut of_it = built.filter(|artifact| {
        artifact["target"]["name"] == name
            && artifact["target"]["kind"][0] == "bin"
            && artifact["profile"]["test"] == false
    });
    let path = of_it.find_map(|artifact| artifact["executable"].as_str().map(PathBuf::from));
    path.with_context(|| format!("cargo test built no program {name}"))
}

/// Random faults, in two lanes at once.
fn random_runs(sim: &Path) -> Result<()> {
    let lane = |runs: &[&str]| -> Result<()> {
        for flags in runs {
            let mut command = Command::new(sim);
            command.args(flags.split(' ')).current_dir(root());
            run_command(&mut command, &format!("sim {flags}"))?;
        }
        Ok(())
    };
    let results = std::thread::scope(|scope| {
        let lanes = RANDOM.map(|runs| scope.spawn(move || lane(runs)));
        lanes.map(|lane| lane.join().unwrap_or_else(|_| bail!("a lane of the random runs panicked")))
    });
    results.into_iter().collect()
}

/// Simulates random faults.
pub fn sim(args: &[String]) -> Result<()> {
    let mut command = Command::new("cargo");
    let mut cargo = vec!["run", "--profile", "sim", "--package", "blumfeld-random", "--bin", "sim"];
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    // The page's bugs are planted by the run itself.
    if has("--bug") && !has("--page") {
        cargo.extend(["--features", "planted-bugs"]);
    }
    command.args(cargo).arg("--").args(args);
    run_command(command.current_dir(root()), "sim")
}

/// The engine's and the store's tests in a real browser.
fn wasm() -> Result<()> {
    setup::wasm_target()?;
    let (tools, browser) = setup::for_tests()?;
    for name in ["store", "wasm"] {
        say(&format!("tests of {name} in the browser"));
        let mut command = in_browser(&tools, &browser, &root().join("crates").join(name))?;
        run_command(&mut command, "wasm-pack test")?;
    }
    Ok(())
}

/// What runs the tests of a crate in the browser.
pub fn in_browser(tools: &Tools, browser: &Browser, folder: &Path) -> Result<Command> {
    let mut command = tools.command("wasm-pack");
    command.args(["test", "--headless", "--chrome", "--chromedriver"]).arg(&browser.chromedriver).arg(folder);
    command.env("WASM_BINDGEN_TEST_TIMEOUT", "120");
    command.env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", capabilities(folder, browser)?);
    Ok(command)
}

/// Writes what the browser is started with: the crate's `webdriver.json`, and where the browser is.
fn capabilities(folder: &Path, browser: &Browser) -> Result<PathBuf> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let path = folder.join("webdriver.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut json: serde_json::Value =
        serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    json["goog:chromeOptions"]["binary"] = browser.chromium.to_string_lossy().into_owned().into();
    let path = root().join("target").join(format!("webdriver-{name}.json"));
    std::fs::create_dir_all(root().join("target"))?;
    std::fs::write(&path, json.to_string())?;
    Ok(path)
}

fn page_step(page: Effort, package: Effort) -> Result<()> {
    let [app, worker] = page::MODULES;
    say("page and npm package: compiling (a first build takes some minutes)");
    module::compile(&[app, worker, npm::MODULE], page)?;
    page::finish(page)?;
    let package = npm::finish(package)?;
    let gateway = program("blumfeld-gateway")?;
    let (_, browser) = setup::for_tests()?;
    page_tests(&browser, &package, &gateway)
}

fn page_tests(browser: &Browser, package: &Path, gateway: &Path) -> Result<()> {
    let mut command = Command::new("node");
    command
        // A test that fails may leave a browser behind, which must not keep the run from its end.
        .args(["--test", "--test-force-exit", "--test-concurrency=1", "--test-reporter=spec"])
        .current_dir(root().join("tests/e2e"));
    command.env("CHROMIUM", &browser.chromium).env("NPM_PACKAGE", package).env("GATEWAY", gateway);
    run_command(&mut command, "page tests")
}
