//! `until`: waits for a condition, explained. What there is to wait for is the whole world's: its owner reads a line
//! with a condition before it comes here.

use blumfeld_condition::{EventSort, FACTS};

use super::toolbox::{Launch, explained};
use crate::{Environment, Language, StdinSource};

const ENGLISH: &str = "\
This lets time pass until a condition is so, and stops it there. Ctrl-C ends the wait.

  until CONDITION
      until isr(\"orders\", 0) == [1]
      until state(\"billing\") == \"Stable\" and lag(\"billing\") == 0
      until leader(\"orders\", 0) != 2 or saw(NOT_ENOUGH_REPLICAS)
      until time >= 90s

Values are numbers, texts in quotes, times (90s, 200ms), and lists, whose order does not count. They are compared by == != < <=
> >= and in (1 in isr(\"orders\", 0)), and joined by and, or, not and brackets. While what is asked for is not there, as before
a topic is created, a condition is not so, and neither is its opposite. What can be asked:

";

const KOREAN: &str = "\
조건이 참이 될 때까지 시간을 흐르게 하고, 그 자리에서 멈춥니다. Ctrl-C로 그만둡니다.

  until CONDITION
      until isr(\"orders\", 0) == [1]
      until state(\"billing\") == \"Stable\" and lag(\"billing\") == 0
      until leader(\"orders\", 0) != 2 or saw(NOT_ENOUGH_REPLICAS)
      until time >= 90s

값은 숫자, 따옴표로 묶은 텍스트, 시간(90s, 200ms), 목록입니다. 목록의 순서는 따지지 않습니다. == != < <= > >= 기호와
in(1 in isr(\"orders\", 0))으로 비교하고, and, or, not, 괄호로 잇습니다. 토픽을 만들기 전처럼 물은 것이 아직 없으면 조건은
참도 거짓도 아닙니다. 물을 수 있는 것:

";

/// What `until` alone says.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    explained(arguments, env, "wait for", explain)
}

pub(crate) fn explain(language: Language, _: &dyn Environment) -> String {
    let (mut text, events) = match language {
        Language::English => (ENGLISH.to_owned(), "An error is one of Kafka's, or `error` for any. Events:"),
        Language::Korean => {
            (KOREAN.to_owned(), "오류는 Kafka의 오류 이름이나 모든 오류를 뜻하는 `error`입니다. 사건:")
        }
    };
    for fact in &FACTS {
        let about = match language {
            Language::English => fact.english,
            Language::Korean => fact.korean,
        };
        let usage = fact.usage();
        // One that leaves no room stands in a line of its own.
        let gap =
            if usage.len() < 38 { " ".repeat(38 - usage.len()) } else { format!("\n{}", " ".repeat(40)) };
        text += &format!("  {usage}{gap}{about}\n");
    }
    text += &format!("\n{events}\n");
    let names: Vec<&str> = EventSort::names().collect();
    names.chunks(7).for_each(|line| text += &format!("  {}\n", line.join(", ")));
    text
}

/// What can follow these words.
pub fn candidates(words: &[&str]) -> Vec<String> {
    let facts = FACTS.iter().map(|fact| {
        let takes = !(fact.needs.is_empty() && fact.may.is_empty());
        format!("{}{}", fact.name, if takes { "(" } else { "" })
    });
    let joins = ["and", "or", "not"].map(ToOwned::to_owned);
    let languages = ["en", "ko"].map(ToOwned::to_owned);
    match words {
        [] => facts.chain(["not".to_owned()]).chain(languages).collect(),
        _ => facts.chain(joins).collect(),
    }
}
