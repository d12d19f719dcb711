//! `why`: where a number came from, explained. The session's past is the whole world's: its owner reads a line before
//! it comes here.

use blumfeld_condition::FACTS;

use super::toolbox::{Launch, explained};
use crate::{Environment, Language, StdinSource};

const ENGLISH: &str = "\
This says when a number was last set, and what led to that: each message back over the nodes, to the client, the timer or the
line that began it. It looks at the moment that is shown.

  why FACT
      why isr orders 0
      why high_watermark orders 0
      why committed billing orders 0
      why 'state(\"billing\")'

What can be asked is what `until` compares: until en lists it. What is made of several numbers, as a lag, has no one event.

";

const KOREAN: &str = "\
어떤 값이 마지막으로 언제 바뀌었고 무엇이 그렇게 만들었는지 보여 줍니다. 노드를 거슬러 메시지를 하나씩 따라가, 시작한
클라이언트나 타이머, 입력한 줄까지 갑니다. 지금 보고 있는 순간이 기준입니다.

  why FACT
      why isr orders 0
      why high_watermark orders 0
      why committed billing orders 0
      why 'state(\"billing\")'

`until`로 비교할 수 있는 것을 물을 수 있습니다. 목록은 until ko에 있습니다. 랙처럼 여러 값으로 이루어진 것에는 원인이 된
이벤트 하나가 없습니다.

";

/// What `why` alone says.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    explained(arguments, env, "look for the cause of", explain)
}

pub(crate) fn explain(language: Language, _: &dyn Environment) -> String {
    match language {
        Language::English => ENGLISH.to_owned(),
        Language::Korean => KOREAN.to_owned(),
    }
}

/// What can follow these words: a fact first, then what it needs.
pub fn candidates(words: &[&str]) -> Vec<String> {
    match words {
        [] => {
            FACTS.iter().map(|fact| fact.name.to_owned()).chain(["en", "ko"].map(ToOwned::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}
