//! What is said of going back, and what keeps from it, in English and Korean.

use std::fmt::Write as _;

use blumfeld_kernel::Instant;
use blumfeld_shell::Language;
use blumfeld_sim::World;
use blumfeld_view::TimelineView;

use crate::tree::BranchError;

/// Why one cannot go there, or do that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TravelError {
    /// What was before this is given up.
    TooEarly(Instant),
    /// There is no earlier event.
    Beginning,
    /// What was is not looked at, but what is.
    NotInThePast,
    /// Another line is being worked on.
    Busy,
    /// No one event sets it.
    MadeOfOthers(String),
    /// It is not so up to the end: what keeps it from being so.
    Never(Vec<String>),
    /// The deeds of a branch that was kept do not lead to where they led.
    Diverged(String),
    /// A branch cannot be what was asked.
    Branch(BranchError),
}

impl From<BranchError> for TravelError {
    fn from(error: BranchError) -> TravelError {
        TravelError::Branch(error)
    }
}

/// A virtual time as the clock of the page shows it: `00:01:23.456`.
pub fn clock(at: u64) -> String {
    let (ms, seconds) = (at / 1_000 % 1_000, at / 1_000_000);
    format!("{:02}:{:02}:{:02}.{ms:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

impl TravelError {
    /// The sentence for a person.
    pub fn told(&self, language: Language) -> String {
        let korean = language == Language::Korean;
        match self {
            Self::TooEarly(from) if korean => {
                format!("{} 이전은 더 이상 보관되어 있지 않습니다", clock(from.as_micros()))
            }
            Self::TooEarly(from) => {
                format!("what was before {} is not kept any more", clock(from.as_micros()))
            }
            Self::Beginning if korean => "그보다 앞선 이벤트는 없습니다".to_owned(),
            Self::Beginning => "there is no earlier event".to_owned(),
            Self::NotInThePast if korean => "과거를 보고 있지 않습니다".to_owned(),
            Self::NotInThePast => "no earlier moment is looked at".to_owned(),
            Self::Busy if korean => {
                "다른 명령이 아직 과거를 살펴보고 있습니다. Ctrl-C로 끝낼 수 있습니다".to_owned()
            }
            Self::Busy => "another line still goes through the past; Ctrl-C ends it".to_owned(),
            Self::MadeOfOthers(fact) if korean => {
                format!("{fact} 값은 다른 값들로 이루어져 있어 원인이 된 이벤트가 하나가 아닙니다")
            }
            Self::MadeOfOthers(fact) => {
                format!("{fact} is made of other numbers, so no one event set it: ask for those")
            }
            Self::Never(kept) if korean => {
                format!("브랜치의 끝까지 그런 순간이 없습니다. {}", kept.join(", "))
            }
            Self::Never(kept) => format!("it is not so up to the end of the branch: {}", kept.join(", ")),
            Self::Diverged(name) if korean => {
                format!("{name} 브랜치는 이 프로그램의 다른 버전에서 기록되어 그 끝에 이를 수 없습니다")
            }
            Self::Diverged(name) => format!(
                "the end of {name} cannot be found again: it was recorded by another version of this program"
            ),
            Self::Branch(error) => error.told(korean),
        }
    }
}

impl BranchError {
    fn told(&self, korean: bool) -> String {
        match self {
            Self::Unknown(name) if korean => format!("{name} 브랜치가 없습니다"),
            Self::Unknown(name) => format!("there is no branch {name}"),
            Self::Taken(name) if korean => format!("{name} 브랜치가 이미 있습니다"),
            Self::Taken(name) => format!("there is a branch {name} already"),
            Self::Name(name) if korean => {
                format!("`{name}` 값은 브랜치 이름이 될 수 없습니다: 글자, 숫자, -, _, . 40자까지입니다")
            }
            Self::Name(name) => {
                format!("`{name}` is no name for a branch: it has letters, digits, -, _ and ., at most 40")
            }
            Self::Living if korean => "지금 살아 있는 브랜치입니다".to_owned(),
            Self::Living => "it is the living branch".to_owned(),
            Self::Parent { name, children } if korean => {
                format!("{name}에서 갈라진 브랜치가 있습니다: {}", children.join(", "))
            }
            Self::Parent { name, children } => format!("{} forks from {name}", children.join(", ")),
            Self::Cap(bytes) if korean => {
                let mib = bytes.div_ceil(1 << 20);
                format!("지금 있는 브랜치에 {mib} MiB가 필요합니다. 먼저 브랜치를 삭제하세요")
            }
            Self::Cap(bytes) => {
                let mib = bytes.div_ceil(1 << 20);
                format!("the branches that there are need {mib} MiB: delete some first")
            }
            Self::Gone if korean => "더 이상 보관되어 있지 않습니다".to_owned(),
            Self::Gone => "it is not kept any more".to_owned(),
        }
    }
}

/// The moment that is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown {
    /// Virtual microseconds.
    pub now: u64,
    /// Events that the world has handled.
    pub events: u64,
    /// A number that two moments share if everything was the same.
    pub digest: u64,
}

impl Shown {
    /// The moment of a world.
    pub fn of(world: &World) -> Shown {
        Shown { now: world.now().as_micros(), events: world.events(), digest: world.digest() }
    }
}

/// Where one stands, how far it goes back, and the branches.
pub fn told(view: &TimelineView, shown: Shown, language: Language) -> String {
    let korean = language == Language::Korean;
    let (now, from) = (clock(shown.now), clock(view.from));
    let Shown { events, digest, .. } = shown;
    let mut text = match (korean, view.tip.map(clock)) {
        (false, Some(tip)) => {
            format!(
                "You are looking at {now} (event {events}, digest {digest:016x}); the branch goes on to {tip}.\n"
            )
        }
        (false, None) => format!("It is {now} (event {events}, digest {digest:016x}).\n"),
        (true, Some(tip)) => {
            format!(
                "{now}(이벤트 {events}, 다이제스트 {digest:016x})를 보고 있습니다. 브랜치는 {tip}까지 이어집니다.\n"
            )
        }
        (true, None) => format!("지금은 {now}(이벤트 {events}, 다이제스트 {digest:016x})입니다.\n"),
    };
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let (kept, weight, cap) = (view.checkpoints, mib(view.weight), mib(view.cap));
    let copies = if kept == 1 { "one checkpoint".to_owned() } else { format!("{kept} checkpoints") };
    let _ = match korean {
        false => writeln!(text, "It can be rewound to {from}: {copies}, about {weight} of {cap} MiB."),
        true => {
            writeln!(text, "{from}까지 되감을 수 있습니다: 체크포인트 {kept}개, 약 {weight}/{cap} MiB.")
        }
    };
    for branch in &view.branches {
        let mark = if branch.living { '*' } else { ' ' };
        let end = if branch.end == 0 { now.clone() } else { clock(branch.end) };
        let name = &branch.name;
        let _ = match (&branch.parent, korean) {
            (Some(parent), false) if branch.reopened => {
                let at = clock(branch.fork);
                writeln!(text, "{mark} {name} goes on from {parent} as it was stored at {at}, up to {end}")
            }
            (Some(parent), true) if branch.reopened => {
                let at = clock(branch.fork);
                writeln!(text, "{mark} {name}: {at}에 저장된 {parent}에서 이어져 {end}까지")
            }
            (Some(parent), false) => {
                writeln!(text, "{mark} {name} forks from {parent} at {}, up to {end}", clock(branch.fork))
            }
            (Some(parent), true) => {
                writeln!(text, "{mark} {name}: {parent}의 {}에서 갈라져 {end}까지", clock(branch.fork))
            }
            (None, false) => writeln!(text, "{mark} {name} up to {end}"),
            (None, true) => writeln!(text, "{mark} {name}: {end}까지"),
        };
    }
    if view.forgotten > 0 {
        let _ = match korean {
            false => writeln!(text, "{} branches were dropped to save memory.", view.forgotten),
            true => writeln!(text, "공간이 모자라 브랜치 {}개를 버렸습니다.", view.forgotten),
        };
    }
    if view.unkept > 0 {
        let _ = match korean {
            false => writeln!(text, "{} branches are too large to be kept over a reload.", view.unkept),
            true => writeln!(text, "브랜치 {}개는 너무 커서 페이지를 다시 열면 남지 않습니다.", view.unkept),
        };
    }
    text
}

/// `fault restart 3` gives `restart-3`, and a tool's line the tool's name.
pub fn name_after(what: &str) -> String {
    let mut words = what.split_whitespace();
    let first = words.next().unwrap_or("branch");
    let chosen: Vec<&str> = match first {
        "fault" | "broker" | "workload" => words.take(3).collect(),
        tool => vec![tool.strip_suffix(".sh").unwrap_or(tool)],
    };
    let text = chosen.join("-");
    let fine = |letter: &char| letter.is_alphanumeric() || "-_.".contains(*letter);
    let name: String = text.chars().filter(fine).take(30).collect();
    if name.is_empty() { "branch".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_is_named_after_what_was_done() {
        for (what, name) in [
            ("fault restart 3", "restart-3"),
            ("fault cut 1 3", "cut-1-3"),
            ("kafka-topics.sh --bootstrap-server x --create", "kafka-topics"),
            ("workload start produce --topic orders", "start-produce---topic"),
            ("", "branch"),
            ("!!", "branch"),
        ] {
            assert_eq!(name_after(what), name, "{what}");
        }
    }
}
