//! What the commands need: each step says what it finds, installs what is missing, and where it cannot, names in one
//! line what to install by hand.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A tool from crates.io at the version that the page is built with.
struct Tool {
    package: &'static str,
    program: &'static str,
    version: &'static str,
    /// Whether its own lock file still builds.
    locked: bool,
}

/// The same version as the wasm-bindgen crate in Cargo.lock: the two speak a format of their own.
const WASM_BINDGEN: Tool =
    Tool { package: "wasm-bindgen-cli", program: "wasm-bindgen", version: "0.2.130", locked: false };
const WASM_PACK: Tool = Tool { package: "wasm-pack", program: "wasm-pack", version: "0.15.1", locked: true };

const MAVEN: &str = "install Maven (on Debian: apt-get install maven)";

/// Where the tools are.
#[derive(Clone, Debug)]
pub struct Tools {
    /// Folders that hold them, to be put in front of `PATH`.
    dirs: Vec<PathBuf>,
}

impl Tools {
    /// A command that finds the tools.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.find(program).unwrap_or_else(|| program.into()));
        command.current_dir(root()).env("PATH", self.path());
        command
    }

    fn path(&self) -> OsString {
        let have = env::var_os("PATH").unwrap_or_default();
        let all = self.dirs.iter().cloned().chain(env::split_paths(&have));
        env::join_paths(all).unwrap_or(have)
    }

    fn find(&self, program: &str) -> Option<PathBuf> {
        self.dirs.iter().map(|dir| dir.join(program)).find(|path| path.is_file())
    }
}

/// Chromium and its driver.
#[derive(Clone, Debug)]
pub struct Browser {
    /// The browser's program.
    pub chromium: PathBuf,
    /// Its WebDriver.
    pub chromedriver: PathBuf,
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Says what is being done.
pub fn say(text: &str) {
    println!("\x1b[1m==>\x1b[0m {text}");
}

/// Runs a command and fails with `what` if it does not succeed.
pub fn run(command: &mut Command, what: &str) -> Result<()> {
    let status =
        command.status().with_context(|| format!("{what}: cannot start {:?}", command.get_program()))?;
    if status.success() { Ok(()) } else { bail!("{what} failed ({status})") }
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// Gives where wasm-opt is.
pub fn wasm_opt() -> Result<PathBuf> {
    npm(&root(), "wasm-opt")?;
    Ok(root().join("node_modules/.bin/wasm-opt"))
}

/// What the browser tests need besides: wasm-pack, Chromium with its driver, the test packages.
pub fn for_tests() -> Result<(Tools, Browser)> {
    let mut tools = Tools { dirs: install(&WASM_PACK)?.into_iter().collect() };
    tools.dirs.extend(install(&WASM_BINDGEN)?);
    let browser = browser()?;
    npm(&root().join("tests/e2e"), "browser test packages")?;
    Ok((tools, browser))
}

/// What the conformance tests need: kcat, Python packages in an environment of their own, npm packages. Gives the
/// environment's Python.
pub fn for_conformance() -> Result<PathBuf> {
    kcat()?;
    let folder = root().join("tests/conformance");
    npm(&folder, "conformance test packages")?;
    conformance_python()
}

/// The Python of the conformance tests, with its packages.
pub fn conformance_python() -> Result<PathBuf> {
    let list = root().join("tests/conformance/requirements.txt");
    python(&list, &root().join("target/conformance/venv"))
}

/// What builds librdkafka, for the example of rdkafka.
pub fn c_compiler() -> Result<()> {
    const BY_HAND: &str =
        "install a C and a C++ compiler and make (on Debian: apt-get install build-essential)";
    if ["cc", "c++", "make"].into_iter().all(|program| on_path(program).is_some()) {
        say("C compiler and make: there");
        return Ok(());
    }
    apt_get("C compiler and make", &["build-essential"], BY_HAND)
}

/// Maven, and the JDK that it brings along.
pub fn maven() -> Result<()> {
    on_path("mvn").map(drop).context(MAVEN)
}

/// Go, which fetches the version that an example asks for.
pub fn go() -> Result<()> {
    on_path("go").map(drop).context("install Go 1.21 or later (on Debian: apt-get install golang-go)")
}

/// Apache Kafka's jars, and our program for its client.
#[derive(Clone, Debug)]
pub struct Java {
    /// The folder of the jars.
    pub lib: PathBuf,
    /// The jar of our program.
    pub client: PathBuf,
}

/// What the suite of Java needs: Python without packages, a JDK, and what Maven fetches.
pub fn for_java() -> Result<Java> {
    on_path("python3").context("install Python 3.10 or later (on Debian: apt-get install python3)")?;
    jdk()?;
    let (folder, made) = (root().join("tests/conformance/java"), root().join("target/java"));
    let lib = jars("Apache Kafka's jars", &folder.join("pom.xml"), &made)?;
    let (classes, client) = (made.join("classes"), made.join("client.jar"));
    javac(&made, &["Client.java", "AdminCommands.java", "Directories.java"].map(|name| folder.join(name)))?;
    let mut command = Command::new("jar");
    command.arg("--create").arg("--file").arg(&client).arg("-C").arg(&classes).arg(".");
    run(&mut command, "jar")?;
    Ok(Java { lib, client })
}

/// Finds a JDK that is new enough.
pub fn jdk() -> Result<()> {
    const JDK: &str =
        "install a JDK of Java 17 or later (on Debian: apt-get install openjdk-17-jdk-headless)";
    on_path("java").context(JDK)?;
    let version = output(Command::new("javac").arg("-version")).context(JDK)?;
    let major =
        version.trim_start_matches("javac ").split('.').next().and_then(|text| text.trim().parse().ok());
    if major.is_none_or(|major: u32| major < 17) {
        bail!("{JDK}: {} is too old", version.trim());
    }
    Ok(())
}

/// Fetches what a `pom.xml` names into `lib` below a folder, if it is not what is there. Gives `lib`.
pub fn jars(what: &str, pom: &Path, made: &Path) -> Result<PathBuf> {
    let (lib, seen) = (made.join("lib"), made.join("blumfeld-pom.xml"));
    let wanted = std::fs::read(pom).with_context(|| format!("cannot read {}", pom.display()))?;
    if std::fs::read(&seen).is_ok_and(|have| have == wanted) && lib.is_dir() {
        say(&format!("{what}: there"));
        return Ok(lib);
    }
    maven()?;
    say(&format!("{what}: fetching with Maven"));
    if lib.is_dir() {
        std::fs::remove_dir_all(&lib)?;
    }
    let mut command = Command::new("mvn");
    command.args(["--batch-mode", "--quiet", "--file"]).arg(pom).arg("dependency:copy-dependencies");
    command.arg("-DincludeScope=runtime").arg(format!("-DoutputDirectory={}", lib.display()));
    run(&mut command, "mvn dependency:copy-dependencies")?;
    std::fs::write(seen, wanted)?;
    Ok(lib)
}

/// Compiles sources with the jars of `lib` below a folder into `classes` there.
pub fn javac(made: &Path, sources: &[PathBuf]) -> Result<()> {
    let mut command = Command::new("javac");
    command.arg("-d").arg(made.join("classes")).arg("-cp").arg(made.join("lib/*")).args(sources);
    run(&mut command, "javac")
}

fn kcat() -> Result<()> {
    if let Some(path) = on_path("kcat") {
        say(&format!("{}: there", path.display()));
        return Ok(());
    }
    apt_get("kcat", &["kcat"], "install kcat (on Debian: apt-get install kcat)")?;
    on_path("kcat").map(drop).context("install kcat (on Debian: apt-get install kcat)")
}

/// What makes one file of the film's frames.
pub fn img2webp() -> Result<()> {
    const BY_HAND: &str = "install img2webp of libwebp (on Debian: apt-get install webp)";
    if on_path("img2webp").is_some() {
        say("img2webp: there");
        return Ok(());
    }
    apt_get("img2webp", &["webp"], BY_HAND)?;
    on_path("img2webp").map(drop).context(BY_HAND)
}

/// Installs Debian's packages, where that is allowed.
fn apt_get(what: &str, packages: &[&str], by_hand: &'static str) -> Result<()> {
    let is_root = output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    if on_path("apt-get").is_none() || !is_root {
        bail!("{by_hand}");
    }
    say(&format!("{what}: installing with apt-get"));
    run(Command::new("apt-get").args(["update", "-qq"]), "apt-get update").context(by_hand)?;
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["install", "-y", "-qq"]).args(packages);
    run(&mut command, "apt-get install").context(by_hand)
}

/// Installs the packages of `requirements.txt` into an environment of their own, if they are not those that are there.
/// Gives the environment's Python.
pub fn python(list: &Path, venv: &Path) -> Result<PathBuf> {
    const BY_HAND: &str =
        "install Python 3.10 or later with pip and venv (on Debian: apt-get install python3-venv)";
    let (python, seen) = (venv.join("bin/python"), venv.join("blumfeld-requirements.txt"));
    let wanted = std::fs::read(list).with_context(|| format!("cannot read {}", list.display()))?;
    if std::fs::read(&seen).is_ok_and(|have| have == wanted) && python.is_file() {
        say("Python packages: there");
        return Ok(python);
    }
    let make = || {
        let mut command = Command::new("python3");
        command.args(["-m", "venv", "--clear"]).arg(venv);
        run(&mut command, "python3 -m venv")
    };
    say("Python packages: installing with pip");
    if make().is_err() {
        apt_get("Python environments", &["python3-venv"], BY_HAND)?;
        make().context(BY_HAND)?;
    }
    let mut command = Command::new(&python);
    command
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(list);
    run(&mut command, "pip install")?;
    std::fs::write(seen, wanted)?;
    Ok(python)
}

/// What compiles to wasm.
pub fn wasm_target() -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let libdir = output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]));
    if libdir.is_some_and(|dir| Path::new(dir.trim()).is_dir()) {
        say(&format!("target {TARGET}: there"));
        return Ok(());
    }
    say(&format!("target {TARGET}: installing"));
    run(Command::new("rustup").args(["target", "add", TARGET]), "rustup target add")
        .context("install the Rust target wasm32-unknown-unknown (rustup target add wasm32-unknown-unknown)")
}

/// Finds or installs a tool; gives the folder to put in front of `PATH`, if it is not there already. An installed one
/// goes into a folder of its own version, so that a tool of the same name that somebody uses elsewhere stays as it is.
fn install(tool: &Tool) -> Result<Option<PathBuf>> {
    let Tool { package, program, version, locked } = tool;
    let is_right = |path: &Path| {
        output(Command::new(path).arg("--version"))
            .is_some_and(|text| text.split_whitespace().any(|word| word == *version))
    };
    if on_path(program).is_some_and(|path| is_right(&path)) {
        say(&format!("{program} {version}: there"));
        return Ok(None);
    }
    let folder = cargo_home()?.join("blumfeld").join(format!("{package}-{version}"));
    let bin = folder.join("bin");
    if is_right(&bin.join(program)) {
        say(&format!("{program} {version}: there"));
        return Ok(Some(bin));
    }
    let by_hand = || format!("install {package} {version} (cargo install {package} --version {version})");
    if output(Command::new("cargo").args(["binstall", "-V"])).is_some() {
        say(&format!("{program} {version}: fetching"));
        let status = Command::new("cargo")
            .args(["binstall", "--no-confirm", "--version", version, "--root"])
            .arg(&folder)
            .arg(package)
            .status();
        if status.is_ok_and(|status| status.success()) && is_right(&bin.join(program)) {
            return Ok(Some(bin));
        }
    }
    say(&format!("{program} {version}: building, which takes some minutes"));
    let mut command = Command::new("cargo");
    command.args(["install", package, "--version", version, "--root"]).arg(&folder);
    if *locked {
        command.arg("--locked");
    }
    // A build of its own, not one of this workspace.
    command.current_dir(env::temp_dir()).env_remove("CARGO_TARGET_DIR");
    run(&mut command, "cargo install").with_context(by_hand)?;
    Ok(Some(bin))
}

fn cargo_home() -> Result<PathBuf> {
    let home =
        || Some(PathBuf::from(env::var_os("HOME").or_else(|| env::var_os("USERPROFILE"))?).join(".cargo"));
    env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(home)
        .context("set CARGO_HOME: there is no home directory")
}

/// Installs the packages of a lock file, if they are not those that are there.
pub fn npm(folder: &Path, what: &str) -> Result<()> {
    let (lock, seen) = (folder.join("package-lock.json"), folder.join("node_modules/.blumfeld-lock"));
    let wanted = std::fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    if std::fs::read(&seen).is_ok_and(|have| have == wanted) {
        say(&format!("{what}: there"));
        return Ok(());
    }
    let node =
        output(Command::new("node").arg("--version")).context("install Node.js 20 or later, with npm")?;
    let major =
        node.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < 20) {
        bail!("install Node.js 20 or later: {} is too old", node.trim());
    }
    say(&format!("{what}: installing with npm"));
    run(Command::new("npm").arg("ci").current_dir(folder), "npm ci")?;
    std::fs::write(seen, wanted)?;
    Ok(())
}

fn browser() -> Result<Browser> {
    let find = || {
        let chromium = env::var_os("CHROMIUM").map(PathBuf::from).or_else(|| {
            ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
                .into_iter()
                .find_map(on_path)
        })?;
        let chromedriver =
            env::var_os("CHROMEDRIVER").map(PathBuf::from).or_else(|| on_path("chromedriver"))?;
        Some(Browser { chromium, chromedriver })
    };
    if let Some(browser) = find() {
        say(&format!("{}: there", browser.chromium.display()));
        return Ok(browser);
    }
    let by_hand = "install Chromium and its driver (on Debian: apt-get install chromium chromium-driver), or name them in \
                   CHROMIUM and CHROMEDRIVER";
    apt_get("Chromium", &["chromium", "chromium-driver"], by_hand)?;
    find().context(by_hand)
}
