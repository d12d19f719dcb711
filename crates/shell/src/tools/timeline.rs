//! `timeline`: goes back in time, explained. The session's past is the whole world's: its owner reads a line before it
//! comes here.

use super::toolbox::{Launch, explained};
use crate::{Environment, Language, StdinSource};

const ENGLISH: &str = "\
This goes to other moments of the session. Time stands still there; what you do there begins a branch, and what was the
future stays in the one that you left. With no arguments it shows where you are and which branches there are.

  timeline                       where you are, how far it goes back, and the branches
  timeline back 5s               so much earlier
  timeline to 83.4               to a time of the clock: 83.4, 250ms, 2m or 1:23.4
  timeline to event 51234        after that many events
  timeline now                   to the end of the living branch
  timeline until CONDITION       to the next moment at which that is so; until en says what can be asked
  timeline branch NAME           begin a branch here; --from MOMENT begins it there, --seed N with other random choices
  timeline switch NAME           go to a branch; it lives, and is what the browser stores
  timeline rename NAME NEW       give it another name
  timeline delete NAME           forget it, if no other forks from it
  timeline diff NAME             what differs at its end: leaders, ISRs, offsets, groups, records
  timeline cap 512MiB            let the past take so much memory, 16MiB to 4GiB; less, and it goes back less far
";

const KOREAN: &str = "\
세션의 다른 순간으로 갑니다. 그곳에서 시간은 멈춥니다. 거기서 무언가를 하면 브랜치가 시작되고, 원래의 미래는 떠나온 브랜치에
남습니다. 인수 없이 실행하면 지금 위치와 브랜치를 보여 줍니다.

  timeline                       위치, 되감을 수 있는 한계, 브랜치 목록
  timeline back 5s               그만큼 이전 시점
  timeline to 83.4               시계의 그 시각: 83.4, 250ms, 2m, 1:23.4
  timeline to event 51234        이벤트가 그만큼 일어난 직후
  timeline now                   살아 있는 브랜치의 끝
  timeline until CONDITION       조건이 참이 되는 다음 순간. 조건은 until ko에 있습니다
  timeline branch NAME           여기서 브랜치 시작. --from MOMENT로 시작할 순간을, --seed N으로 다른 무작위 선택을 고릅니다
  timeline switch NAME           그 브랜치로 이동. 브라우저는 그 브랜치를 저장합니다
  timeline rename NAME NEW       이름 바꾸기
  timeline delete NAME           삭제. 거기서 갈라진 브랜치가 없어야 합니다
  timeline diff NAME             그 끝에서 다른 점: 리더, ISR, 오프셋, 그룹, 레코드
  timeline cap 512MiB            과거가 쓸 메모리, 16MiB에서 4GiB까지. 적을수록 되감을 수 있는 범위가 좁아집니다
";

/// The first words that can stand behind it.
pub(crate) const WORDS: [&str; 10] =
    ["back", "to", "now", "until", "branch", "switch", "rename", "delete", "diff", "cap"];

/// What `timeline` says with a language behind it.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    explained(arguments, env, "go back in", explain)
}

pub(crate) fn explain(language: Language, _: &dyn Environment) -> String {
    match language {
        Language::English => ENGLISH.to_owned(),
        Language::Korean => KOREAN.to_owned(),
    }
}
