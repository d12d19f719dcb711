//! `odds`: how often something comes true, explained. The session's past is the whole world's: its owner reads a line
//! before it comes here.

use super::toolbox::{Launch, explained};
use crate::{Environment, Language, StdinSource};

const ENGLISH: &str = "\
This copies the cluster as it was at a moment, lets each copy go on with other random choices, and says in how many of them a
condition came true. Nobody does anything to the copies. Ctrl-C ends it, and says what was found.

  odds CONDITION
      odds 'leader(\"orders\", 0) == -1' --for 30s
  --from MOMENT                  where the copies begin: 83.4, 2m, 1:23.4, or event 51234; else what is shown
  --for SPAN                     how long each is watched, in virtual time; else 30s
  --seeds N                      how many copies; else 200
  --since MOMENT --until MOMENT  instead of --from: from when on every copy comes to it, of 20 unless --seeds says otherwise

A seed that it names can be looked at: timeline branch NAME --from MOMENT --seed N. What conditions are written like, until en
says.
";

const KOREAN: &str = "\
어떤 순간의 클러스터를 복사해 서로 다른 무작위 선택으로 이어 가 보고, 그중 몇 개에서 조건이 참이 되었는지 알려 줍니다.
복사본에는 아무도 손대지 않습니다. Ctrl-C를 누르면 그때까지의 결과를 보여 주고 끝냅니다.

  odds CONDITION
      odds 'leader(\"orders\", 0) == -1' --for 30s
  --from MOMENT                  복사할 순간: 83.4, 2m, 1:23.4 또는 event 51234. 없으면 지금 보는 순간
  --for SPAN                     복사본마다 지켜볼 가상 시간. 없으면 30s
  --seeds N                      복사본 수. 없으면 200
  --since MOMENT --until MOMENT  --from 대신 씁니다. 언제부터 모든 복사본에서 그렇게 되는지 찾습니다. --seeds가 없으면 20개

찾은 시드는 timeline branch NAME --from MOMENT --seed N 명령으로 열어 볼 수 있습니다. 조건을 쓰는 법은 until ko에 있습니다.
";

/// What `odds` alone says.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    explained(arguments, env, "count the odds of", explain)
}

pub(crate) fn explain(language: Language, _: &dyn Environment) -> String {
    match language {
        Language::English => ENGLISH.to_owned(),
        Language::Korean => KOREAN.to_owned(),
    }
}
