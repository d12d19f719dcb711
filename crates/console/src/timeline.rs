//! `timeline …`, `why …` and `odds …`: what a line asks of the session's past, and of what may come.

use std::time::Duration;

use blumfeld_condition::{Asked, Condition, ConditionError};
use blumfeld_shell::Language;

/// A moment of the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// A virtual time, counted from the beginning.
    Time(Duration),
    /// Behind so many events.
    Event(u64),
}

/// `odds …`: how often something comes true where chance has its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OddsOrder {
    /// What is to come true.
    pub condition: Condition,
    /// Where the copies begin; where one stands, if it is not said.
    pub from: Option<Moment>,
    /// For how long each is watched, in virtual time.
    pub span: Duration,
    /// How many copies there are.
    pub seeds: u32,
    /// Between which moments it became sure, if that is asked.
    pub between: Option<(Moment, Moment)>,
}

/// Copies, unless a line says how many.
const SEEDS: u32 = 200;
/// The same for each of the moments that are tried for one that makes it sure.
const SEEDS_A_MOMENT: u32 = 20;
/// At most so many.
const MOST_SEEDS: u32 = 10_000;
/// How long each is watched, unless a line says so.
const SPAN: Duration = Duration::from_secs(30);
/// At most so long.
const LONGEST_SPAN: Duration = Duration::from_secs(3_600);

/// What a line asks of the timeline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TimelineOrder {
    /// Say what there is.
    Show,
    /// `back 5s`: so much earlier than what is shown.
    Back(Duration),
    /// `to 83.4`: to this time, counted from the beginning of virtual time.
    To(Duration),
    /// `to event 51234`: behind so many events.
    ToEvent(u64),
    /// `now`: to the end of the living branch.
    Now,
    /// `branch NAME`: begin a branch here, or at a moment; with another seed, chance has its way from there on.
    Branch {
        /// What it is called.
        name: String,
        /// Where it begins, if not here.
        from: Option<Moment>,
        /// The seed of `odds` that it is to go on with.
        seed: Option<u32>,
    },
    /// `switch NAME`: let that branch live.
    Switch(String),
    /// `rename FROM TO`: give a branch another name.
    Rename {
        /// The name that it has.
        from: String,
        /// The one that it gets.
        to: String,
    },
    /// `delete NAME`: forget a branch.
    Delete(String),
    /// `cap 512MiB`: let checkpoints and the ends of branches take so many bytes.
    Cap(u64),
    /// `diff NAME`: say what is otherwise at the end of that branch.
    Diff(String),
    /// `until CONDITION`: to the first moment from here on at which it is so.
    Until(Condition),
    /// `why FACT`: say what set a number, and what led to that.
    Why(Asked),
    /// `odds CONDITION`: say how often it comes true.
    Odds(Box<OddsOrder>),
}

/// How a line is written.
const USAGE: &str = "timeline | timeline back 5s | timeline to 83.4 | timeline to event 51234 | timeline now | \
    timeline until CONDITION | timeline branch NAME [--from MOMENT] [--seed N] | timeline switch NAME | \
    timeline rename NAME NEW | timeline delete NAME | timeline diff NAME | timeline cap 256MiB";
/// Bytes that the past may take at least and at most: `timeline cap`.
const CAPS: std::ops::RangeInclusive<u64> = 16 << 20..=4 << 30;
/// The same of `odds`.
const ODDS_USAGE: &str =
    "odds CONDITION [--from MOMENT] [--for 30s] [--seeds 200] | odds CONDITION --since MOMENT --until MOMENT";

/// Why a line cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TimelineError {
    /// It is another one.
    #[error("timeline: `{0}` is not understood; it is written {USAGE}")]
    Line(
        /// The first word that does not fit.
        String,
    ),
    /// It is no time.
    #[error("timeline: `{0}` is no time: write 5s, 250ms, 2m or 1:23.4")]
    Time(
        /// What was written.
        String,
    ),
    /// It is no memory that the past may take.
    #[error("timeline: `{0}` is no memory that the past may take: write 16MiB to 4GiB")]
    Cap(
        /// What was written.
        String,
    ),
    /// An option of `odds` that is none, or has a value that it cannot have.
    #[error("odds: `{0}` is not understood; it is written {ODDS_USAGE}")]
    Odds(
        /// What was written.
        String,
    ),
    /// A condition or a fact cannot be read.
    #[error("{tool}: {error}")]
    Condition {
        /// Whose it is: `timeline until`, `odds` or `why`.
        tool: &'static str,
        /// What is wrong with it.
        error: ConditionError,
        /// As it was written.
        text: String,
    },
}

impl TimelineError {
    /// The sentence for a person.
    pub fn told(&self, language: Language) -> String {
        match (language, self) {
            (_, Self::Condition { tool, error, text }) => {
                let pointed = error.pointed(text, language == Language::Korean);
                let (shown, sentence) = pointed.rsplit_once('\n').unwrap_or(("", &pointed));
                format!("{tool}: {sentence}\n{shown}")
            }
            (Language::English, _) => self.to_string(),
            (Language::Korean, Self::Line(word)) => {
                format!("timeline: `{word}` 부분을 이해할 수 없습니다. 쓰는 법: {USAGE}")
            }
            (Language::Korean, Self::Time(word)) => {
                format!("timeline: `{word}` 값은 시간이 아닙니다. 5s, 250ms, 2m, 1:23.4처럼 씁니다")
            }
            (Language::Korean, Self::Cap(word)) => {
                format!(
                    "timeline: `{word}` 값은 과거가 쓸 수 있는 메모리가 아닙니다. 16MiB에서 4GiB까지 씁니다"
                )
            }
            (Language::Korean, Self::Odds(word)) => {
                format!("odds: `{word}` 부분을 이해할 수 없습니다. 쓰는 법: {ODDS_USAGE}")
            }
        }
    }
}

/// Reads a line; nothing if it is another one.
pub fn timeline(line: &str) -> Option<Result<TimelineOrder, TimelineError>> {
    let line = line.trim();
    let (tool, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    // Each explains itself, as a tool.
    if Language::named(rest).is_some() || (rest.is_empty() && tool != "timeline") {
        return None;
    }
    match tool {
        "timeline" => {}
        "why" => {
            let text = Asked::written(rest);
            let asked = Asked::parse(&text);
            return Some(asked.map(TimelineOrder::Why).map_err(|error| TimelineError::Condition {
                tool: "why",
                error,
                text,
            }));
        }
        "odds" => return Some(odds(rest).map(|odds| TimelineOrder::Odds(Box::new(odds)))),
        _ => return None,
    }
    if let Some(text) = rest.strip_prefix("until").filter(|text| text.starts_with(char::is_whitespace)) {
        return Some(condition("timeline until", text).map(TimelineOrder::Until));
    }
    let words: Vec<&str> = rest.split_whitespace().collect();
    Some(match words.as_slice() {
        [] => Ok(TimelineOrder::Show),
        ["back", time] => duration(time).map(TimelineOrder::Back),
        ["to", "event", number] => {
            number.parse().map(TimelineOrder::ToEvent).map_err(|_| TimelineError::Line((*number).to_owned()))
        }
        ["to", time] => duration(time).map(TimelineOrder::To),
        ["now"] => Ok(TimelineOrder::Now),
        ["branch", name, options @ ..] => branch(name, options),
        ["switch", name] => Ok(TimelineOrder::Switch((*name).to_owned())),
        ["rename", from, to] => Ok(TimelineOrder::Rename { from: (*from).to_owned(), to: (*to).to_owned() }),
        ["delete", name] => Ok(TimelineOrder::Delete((*name).to_owned())),
        ["cap", size] => cap(size).map(TimelineOrder::Cap),
        ["diff", name] => Ok(TimelineOrder::Diff((*name).to_owned())),
        [word, ..] => Err(TimelineError::Line((*word).to_owned())),
    })
}

/// What stands behind `timeline cap`, in bytes.
fn cap(text: &str) -> Result<u64, TimelineError> {
    let units = [("MiB", 1 << 20), ("GiB", 1 << 30)];
    let read = units.iter().find_map(|(unit, bytes): &(&str, u64)| {
        text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(*bytes)
    });
    read.filter(|bytes| CAPS.contains(bytes)).ok_or_else(|| TimelineError::Cap(text.to_owned()))
}

/// A condition, without quotes around the whole.
fn condition(tool: &'static str, text: &str) -> Result<Condition, TimelineError> {
    let text = text.trim();
    let inside = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let text = inside.filter(|inside| !inside.contains('\'')).unwrap_or(text);
    Condition::parse(text).map_err(|error| TimelineError::Condition { tool, error, text: text.to_owned() })
}

/// What stands behind `timeline branch NAME`.
fn branch(name: &str, mut options: &[&str]) -> Result<TimelineOrder, TimelineError> {
    let (mut from, mut seed) = (None, None);
    while let [option, rest @ ..] = options {
        let line = |word: &str| TimelineError::Line(word.to_owned());
        options = match (*option, rest) {
            ("--from", ["event", number, rest @ ..]) => {
                from = Some(Moment::Event(number.parse().map_err(|_| line(number))?));
                rest
            }
            ("--from", [time, rest @ ..]) => {
                from = Some(Moment::Time(duration(time)?));
                rest
            }
            ("--seed", [number, rest @ ..]) => {
                seed = Some(number.parse().map_err(|_| line(number))?);
                rest
            }
            (word, _) => return Err(line(word)),
        };
    }
    Ok(TimelineOrder::Branch { name: name.to_owned(), from, seed })
}

/// What stands behind `odds`.
fn odds(text: &str) -> Result<OddsOrder, TimelineError> {
    // A condition has no such sign, and a text in it hardly has one.
    let (asked, options) = text.split_once(" --").unwrap_or((text, ""));
    let condition = condition("odds", asked)?;
    let (mut from, mut span, mut seeds, mut since, mut until) = (None, SPAN, None, None, None);
    for option in options.split(" --").filter(|_| !options.is_empty()) {
        let wrong = || TimelineError::Odds(format!("--{option}"));
        let words: Vec<&str> = option.split_whitespace().collect();
        let moment = |words: &[&str]| match words {
            ["event", number] => number.parse().map(Moment::Event).map_err(|_| wrong()),
            [time] => duration(time).map(Moment::Time),
            _ => Err(wrong()),
        };
        match words.as_slice() {
            ["from", rest @ ..] => from = Some(moment(rest)?),
            ["since", rest @ ..] => since = Some(moment(rest)?),
            ["until", rest @ ..] => until = Some(moment(rest)?),
            ["for", time] => {
                span = duration(time).ok().filter(|span| *span <= LONGEST_SPAN).ok_or_else(wrong)?
            }
            ["seeds", number] => {
                let number = number.parse().ok().filter(|number| (1..=MOST_SEEDS).contains(number));
                seeds = Some(number.ok_or_else(wrong)?);
            }
            _ => return Err(wrong()),
        }
    }
    let between = match (since, until, from) {
        (Some(since), Some(until), None) => Some((since, until)),
        (None, None, _) => None,
        (.., Some(_)) => return Err(TimelineError::Odds("--from".to_owned())),
        (since, ..) => {
            return Err(TimelineError::Odds(if since.is_some() { "--since" } else { "--until" }.to_owned()));
        }
    };
    let seeds = seeds.unwrap_or(if between.is_some() { SEEDS_A_MOMENT } else { SEEDS });
    Ok(OddsOrder { condition, from, span, seeds, between })
}

/// A time: a number of seconds, with a unit or without one, or minutes and seconds.
fn duration(text: &str) -> Result<Duration, TimelineError> {
    /// What a session can last at most, in seconds: thirty years.
    const MOST: f64 = 1e9;
    let wrong = || TimelineError::Time(text.to_owned());
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| (0.0..=MOST).contains(number));
    let seconds = if let Some((minutes, seconds)) = text.split_once(':') {
        number(minutes).zip(number(seconds)).map(|(minutes, seconds)| minutes * 60.0 + seconds)
    } else if let Some(text) = text.strip_suffix("ms") {
        number(text).map(|ms| ms / 1e3)
    } else if let Some(text) = text.strip_suffix('m') {
        number(text).map(|minutes| minutes * 60.0)
    } else {
        number(text.strip_suffix('s').unwrap_or(text))
    };
    let seconds = seconds.filter(|seconds| *seconds <= MOST).ok_or_else(wrong)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_one_order_or_an_error_that_says_why() {
        use TimelineOrder::{Back, Now, Show, To, ToEvent};
        let branch = |from, seed| TimelineOrder::Branch { name: "one".to_owned(), from, seed };
        for (line, want) in [
            ("timeline", Ok(Show)),
            (" timeline  back 5s", Ok(Back(Duration::from_secs(5)))),
            ("timeline back 250ms", Ok(Back(Duration::from_millis(250)))),
            ("timeline to 83.4", Ok(To(Duration::from_millis(83_400)))),
            ("timeline to 1:23.4", Ok(To(Duration::from_millis(83_400)))),
            ("timeline to 2m", Ok(To(Duration::from_secs(120)))),
            ("timeline to event 51234", Ok(ToEvent(51_234))),
            ("timeline now", Ok(Now)),
            ("timeline cap 512MiB", Ok(TimelineOrder::Cap(512 << 20))),
            ("timeline cap 4GiB", Ok(TimelineOrder::Cap(4 << 30))),
            ("timeline branch one", Ok(branch(None, None))),
            ("timeline branch one --seed 7", Ok(branch(None, Some(7)))),
            (
                "timeline branch one --from 2s --seed 7",
                Ok(branch(Some(Moment::Time(Duration::from_secs(2))), Some(7))),
            ),
            ("timeline branch one --from event 9", Ok(branch(Some(Moment::Event(9)), None))),
            ("timeline branch one --seed x", Err("x")),
            ("timeline branch one --from", Err("--from")),
            ("timeline branch one two", Err("two")),
            ("timeline back", Err("back")),
            ("timeline to event x", Err("x")),
            ("timeline forward 5s", Err("forward")),
            ("timeline now 5", Err("now")),
        ] {
            let want = want.map_err(|word: &str| TimelineError::Line(word.to_owned()));
            assert_eq!(timeline(line), Some(want), "{line}");
        }
        for size in [
            "15MiB",
            "5GiB",
            "99999999999999999999GiB",
            "18446744073709551615MiB",
            "1",
            "MiB",
            "-1MiB",
            "1.5GiB",
        ] {
            let line = format!("timeline cap {size}");
            assert_eq!(timeline(&line), Some(Err(TimelineError::Cap(size.to_owned()))));
        }
        for time in ["", "-1s", "x", "1e12", "nan", "1:x", "inf"] {
            let line = format!("timeline to {time}");
            assert!(timeline(&line).unwrap().is_err(), "{line}");
        }
        for line in
            ["timelines", "timeline ko", "fault crash 1", "", "why", "why ko", "odds", "odds en", "whys x"]
        {
            assert_eq!(timeline(line), None, "{line}");
        }
    }

    #[test]
    fn odds_are_asked_from_a_moment_for_a_span_or_between_two() {
        let read = |line: &str| match timeline(line).unwrap() {
            Ok(TimelineOrder::Odds(odds)) => *odds,
            other => panic!("{line}: {other:?}"),
        };
        let (second, event) = (Moment::Time(Duration::from_secs(1)), Moment::Event(5));
        let plain = read("odds up(1) and not up(2)");
        assert_eq!((plain.condition.text(), plain.from, plain.between), ("up(1) and not up(2)", None, None));
        let all = read("odds 'isr(\"orders\", 0) == [1]' --from 1s --for 5s --seeds 7");
        assert_eq!(all.condition.text(), "isr(\"orders\", 0) == [1]");
        assert_eq!((all.from, all.span, all.seeds), (Some(second), Duration::from_secs(5), 7));
        let between = read("odds up(1) --since 1 --until event 5");
        assert_eq!(between.between, Some((second, event)));
        assert!(between.seeds < plain.seeds);
        for line in [
            "odds up(1) --from",
            "odds up(1) --from x",
            "odds up(1) --seeds 0",
            "odds up(1) --seeds 1000000",
            "odds up(1) --for 2000m",
            "odds up(1) --since 1s",
            "odds up(1) --until 1s",
            "odds up(1) --what 1",
            "odds up(1) --from 1s --since 1s --until 2s",
            "odds up",
            "odds up(1) ==",
            "timeline until",
            "timeline until x",
            "why isr orders",
            "why isr(\"orders\", 0) == [1]",
        ] {
            assert!(timeline(line).unwrap().is_err(), "{line}");
        }
    }
}
