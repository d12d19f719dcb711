//! Pictures of the page: every screen in every look, and the film that the README opens with.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::module::Effort;
use crate::page;
use crate::setup::{self, root, say, target};

/// The most that the film may weigh: who opens the README waits for it.
const FILM_BYTES: u64 = 3 << 20;

/// Makes the pictures, or the film.
pub fn run(args: &[String]) -> Result<()> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (program, out, only) = match args[..] {
        [] => ("shots.mjs", target().join("shots"), None),
        ["--only", screen] => ("shots.mjs", target().join("shots"), Some(screen)),
        ["--film"] => ("film.mjs", target().join("film"), None),
        _ => bail!("shots takes --only SCREEN or --film, not {args:?}"),
    };
    let is_film = program == "film.mjs";
    if is_film {
        setup::img2webp()?;
    }
    let dist = page::build(Effort::Quick)?;
    let (_, browser) = setup::for_tests()?;
    say(&format!("shots: into {}", out.display()));
    let mut command = Command::new("node");
    command.arg(program).arg(&dist).arg(&out).args(only).current_dir(root().join("tests/e2e"));
    command.env("CHROMIUM", &browser.chromium);
    setup::run(&mut command, program)?;
    if is_film { film(&out) } else { Ok(()) }
}

/// Makes one file of the film's frames, and takes it and the still picture to where the README looks for them.
fn film(out: &Path) -> Result<()> {
    let list = out.join("frames.txt");
    let words = fs::read_to_string(&list).with_context(|| list.display().to_string())?;
    let film = root().join("docs/stage.webp");
    let mut command = Command::new("img2webp");
    command.current_dir(out).args(words.split_whitespace()).arg("-o").arg(&film);
    setup::run(&mut command, "img2webp")?;
    fs::copy(out.join("stage.png"), root().join("docs/stage.png")).context("docs/stage.png")?;
    let bytes = fs::metadata(&film)?.len();
    say(&format!("shots: docs/stage.webp, {} KiB", bytes >> 10));
    if bytes > FILM_BYTES {
        bail!("docs/stage.webp has {bytes} bytes, more than {FILM_BYTES}");
    }
    Ok(())
}
