//! `workload`: clients that run until they are stopped, explained. No tool of Kafka's stays and works as a program
//! does.

mod args;
mod background;
mod consume;
mod keys;
mod latencies;
mod made;
mod produce;
mod transform;

use std::time::Duration;

use blumfeld_kernel::{Context, Instant};

pub use background::{Background, WorkloadKind, background, background_client};
pub use consume::Consume;
pub use latencies::Latencies;
pub use produce::Produce;
pub use transform::Transform;

use super::toolbox::Launch;
use crate::io::{Printed, out};
use crate::options::{Spec, usage};
use crate::{Environment, Language, StdinSource};

const ENGLISH: &str = "\
This runs a client that stays, as a program would, until Ctrl-C, --num-records or --duration-ms. It tells what changes, each
line with its virtual time in seconds. A second Ctrl-C ends it at once.

With start it runs in the background, and the console is free for other commands. It has a name, which is its client.id too,
and runs until it is stopped. A reload of the page begins it again, unless it had an end of its own.

  workload produce --topic T            writes records, so many a second
      workload produce --topic orders --rate 20 --keys 5 --distribution zipf
  workload consume --topic T --group G  reads as a member of a group, and takes its time for each record
      workload consume --topic orders --group billing --name one --processing-ms 200 --from-beginning
  workload transform --from T --to U --group G  reads, writes and commits its offsets, in transactions
      workload transform --from orders --to invoices --group billing --abort-ratio 0.1 --from-beginning

  workload start produce … | start consume … | start transform …    begins one in the background: producer-1, or as --name says
      workload start produce --topic orders --rate 20
      workload start consume --topic orders --group billing --processing-ms 50
  workload list                         says which there are
  workload log NAME                     prints the last lines that one wrote
  workload stop NAME | stop all         ends it as Ctrl-C does; a second time at once

A consumer that processes does not poll. Where that takes longer than max.poll.interval.ms, it leaves its group.
";

const KOREAN: &str = "\
프로그램처럼 계속 도는 클라이언트를 실행합니다. Ctrl-C를 누르거나 --num-records나 --duration-ms에 이르면 끝납니다. 바뀌는 것을
알리며, 줄마다 초 단위의 가상 시간이 앞에 붙습니다. Ctrl-C를 두 번 누르면 바로 끝납니다.

start를 붙이면 백그라운드에서 돌고, 콘솔에서는 다른 명령을 쓸 수 있습니다. 이름이 있으며 그것이 client.id이기도 합니다.
멈출 때까지 돕니다. 페이지를 새로 고치면 다시 시작합니다. 끝을 정해 둔 것은 다시 시작하지 않습니다.

  workload produce --topic T            1초에 정한 수만큼 레코드를 씁니다
      workload produce --topic orders --rate 20 --keys 5 --distribution zipf
  workload consume --topic T --group G  그룹의 멤버로 읽고, 레코드마다 정한 시간 동안 처리합니다
      workload consume --topic orders --group billing --name one --processing-ms 200 --from-beginning
  workload transform --from T --to U --group G  읽고 쓰고 오프셋을 커밋하는 일을 트랜잭션으로 합니다
      workload transform --from orders --to invoices --group billing --abort-ratio 0.1 --from-beginning

  workload start produce … | start consume … | start transform …    백그라운드에서 시작합니다. 이름은 producer-1, 또는 --name으로 정합니다
      workload start produce --topic orders --rate 20
      workload start consume --topic orders --group billing --processing-ms 50
  workload list                         무엇이 도는지 보여 줍니다
  workload log NAME                     마지막으로 쓴 줄을 보여 줍니다
  workload stop NAME | stop all         Ctrl-C처럼 멈춥니다. 한 번 더 하면 바로 끝납니다

컨슈머는 처리하는 동안 poll을 부르지 않습니다. 그 시간이 max.poll.interval.ms를 넘으면 그룹을 떠납니다.
";

/// The longest time that can be given.
const LONGEST_MS: u64 = 1_000_000_000;
const SECOND: Duration = Duration::from_secs(1);

/// Its commands.
pub const COMMANDS: &[&str] = &["consume", "list", "log", "produce", "start", "stop", "transform"];

/// The options of a command.
pub fn specs(command: &str) -> &'static [Spec] {
    match command {
        "produce" => produce::SPECS,
        "consume" => consume::SPECS,
        "transform" => transform::SPECS,
        _ => &[],
    }
}

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    // `start` is asked what the command behind it is asked.
    let arguments = match arguments {
        [start, rest @ ..] if start == "start" && rest.iter().any(|word| asks_help(word)) => rest,
        all => all,
    };
    let asks = |word: &String| asks_help(word);
    let (command, rest) = match arguments.split_first() {
        None => return Printed::output(explain(env.language(), env)).into(),
        Some((first, _)) if asks(first) => return Printed::output(explain(env.language(), env)).into(),
        Some((command, rest)) => (command.as_str(), rest),
    };
    if let Some(language) = Language::named(command) {
        return Printed::output(explain(language, env)).into();
    }
    if !specs(command).is_empty() && rest.iter().any(asks) {
        return Printed::output(format!("workload {command}\n\n{}\n", usage(specs(command)))).into();
    }
    let prepared = match command {
        "produce" => produce::prepare(rest, env),
        "consume" => consume::prepare(rest, env),
        "transform" => transform::prepare(rest, env),
        command if background::COMMANDS.contains(&command) => {
            Err("there is no world around this console to keep clients in the background".to_owned())
        }
        _ => Err(format!(
            "workload knows produce, consume, transform, start, list, log and stop, not {command}"
        )),
    };
    match prepared {
        Ok(process) => Launch::Run(process),
        Err(text) if text.starts_with("blumfeld: ") => Printed::error(text).into(),
        Err(text) => Printed::error(format!("blumfeld: {text}")).into(),
    }
}

fn asks_help(word: &str) -> bool {
    ["--help", "-h"].contains(&word)
}

/// What it is, and all its options.
pub fn explain(language: Language, _: &dyn Environment) -> String {
    let about = match language {
        Language::English => ENGLISH,
        Language::Korean => KOREAN,
    };
    let options = |command| format!("\nworkload {command}\n{}\n", usage(specs(command)));
    format!("{about}{}{}{}", options("produce"), options("consume"), options("transform"))
}

/// The values that an option can have.
pub fn values(option: &str) -> &'static [&'static str] {
    match option {
        "acks" => &["0", "1", "all"],
        "assignor" => &["cooperative-sticky", "range", "roundrobin", "sticky"],
        "commit" => &["async", "auto", "none", "sync"],
        "key-serializer" | "value-serializer" => made::NAMES,
        "distribution" => &["uniform", "zipf"],
        "partitioner" => &["default", "round-robin", "uniform-sticky"],
        _ => &[],
    }
}

/// Writes a line with its virtual time.
fn say(cx: &mut Context<'_>, text: &str) {
    let ms = cx.now.since(Instant::ZERO).as_millis();
    out(cx, &format!("{:>3}.{:03} {text}", ms / 1_000, ms % 1_000));
}

/// `a, b, c`
fn listed(words: impl IntoIterator<Item = String>) -> String {
    words.into_iter().collect::<Vec<_>>().join(", ")
}
