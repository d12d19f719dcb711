//! The project's commands. `cargo xtask serve` builds the page and serves it, `cargo xtask test` runs every test; each
//! does its own set-up and says what it does.

mod bench;
mod compare;
mod conformance;
mod examples;
mod font;
mod module;
mod npm;
mod page;
mod programs;
mod serve;
mod setup;
mod shots;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};
use module::Effort;

const HELP: &str = "\
cargo xtask COMMAND

  serve [--port N]            build the page and serve it on the loopback (8080, or a free port)
  test                        run every test: format, lints, native, other clients, browser engine, page
  test --only STEP[,STEP]     run these of: fmt, clippy, tidy, doc, fuzz, native, sim, conformance, examples,
                              wasm, page; and page-optimized: the page's tests on the page as it is published
  conformance [--java [--kafka]] [--brokers N] [--scenario PART]
                              the step of that name; with --java Apache Kafka's own tools and Java client instead,
                              and the example of JUnit, with --kafka these against Apache Kafka itself
  conformance --go            the example of Go
  conformance --programs [NAME…]
                              Kafka Streams, Connect, MirrorMaker 2, Spring, and the clients of more languages
  compare [--api NAME[,NAME]] [--pairs N] [--one-in N] [--seed N] [--record]
                              send odd requests to Apache Kafka and to the gateway, and list where they differ
  sim [--seeds N] [--seed S] [--ticks T] [--known] [--bug NAME] [--replay FILE]
      [--members | --triggers | --topics | --transactions | --page]
                              simulate random faults under the checkers; replay a fault that the page recorded
  tidy                        check which crate may use which, and how long lines are
  bench [--json FILE] [--stage | --timeline] [--minutes N]
                              measure speed and sizes, natively and in the browser; with --stage the page's beginning,
                              its stage under load and sizes alone; the stage again after N minutes of load (1);
                              with --timeline going back in time alone
  shots [--only SCREEN]       pictures of every screen in every size, theme and language, into target/shots
  shots --film                the film and the picture that the README opens with, into docs/
  font [FILE [NUMBER]]        the page's Korean letters out of Noto Sans CJK, into www/
  dist                        build the page into dist/
  npm                         build the npm package into target/npm
  setup                       install what the other commands need, and nothing else
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let rest = args.get(1..).unwrap_or_default();
    match args.first().map(String::as_str) {
        Some("serve") => serve::run(rest),
        Some("test") => test::run(rest),
        Some("conformance") => conformance::run(rest),
        Some("compare") => compare::run(rest),
        Some("sim") => test::sim(rest),
        Some("tidy") => tidy::run(),
        Some("bench") => bench::run(rest),
        Some("shots") => shots::run(rest),
        Some("font") => font::run(rest),
        Some("dist") => {
            page::build(Effort::Optimized)?;
            Ok(())
        }
        Some("npm") => {
            npm::build(Effort::Optimized)?;
            Ok(())
        }
        Some("setup") => {
            setup::wasm_target()?;
            setup::wasm_opt()?;
            setup::for_tests()?;
            setup::for_conformance()?;
            setup::c_compiler()?;
            Ok(())
        }
        Some("help" | "--help" | "-h") | None => {
            print!("{HELP}");
            Ok(())
        }
        Some(other) => bail!("there is no command '{other}'\n\n{HELP}"),
    }
}
