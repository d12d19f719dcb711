//! `timeline …`: what a line asks of the session's past.

use std::time::Duration;

use blumfeld_shell::Language;

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
    /// `branch NAME`: begin a branch here.
    Branch(String),
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
    /// `diff NAME`: say what is otherwise at the end of that branch.
    Diff(String),
}

/// How a line is written.
const USAGE: &str = "timeline | timeline back 5s | timeline to 83.4 | timeline to event 51234 | timeline now | \
    timeline branch NAME | timeline switch NAME | timeline rename NAME NEW | timeline delete NAME | timeline diff NAME";

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
}

impl TimelineError {
    /// The sentence for a person.
    pub fn told(&self, language: Language) -> String {
        match (language, self) {
            (Language::English, _) => self.to_string(),
            (Language::Korean, Self::Line(word)) => {
                format!("timeline: `{word}` 부분을 이해할 수 없습니다. 쓰는 법: {USAGE}")
            }
            (Language::Korean, Self::Time(word)) => {
                format!("timeline: `{word}` 값은 시간이 아닙니다. 5s, 250ms, 2m, 1:23.4처럼 씁니다")
            }
        }
    }
}

/// Reads a line; nothing if it is another one.
pub fn timeline(line: &str) -> Option<Result<TimelineOrder, TimelineError>> {
    let mut words = line.split_whitespace();
    if words.next() != Some("timeline") {
        return None;
    }
    let words: Vec<&str> = words.collect();
    // It explains itself, as a tool.
    if let [word] = words.as_slice()
        && Language::named(word).is_some()
    {
        return None;
    }
    Some(match words.as_slice() {
        [] => Ok(TimelineOrder::Show),
        ["back", time] => duration(time).map(TimelineOrder::Back),
        ["to", "event", number] => {
            number.parse().map(TimelineOrder::ToEvent).map_err(|_| TimelineError::Line((*number).to_owned()))
        }
        ["to", time] => duration(time).map(TimelineOrder::To),
        ["now"] => Ok(TimelineOrder::Now),
        ["branch", name] => Ok(TimelineOrder::Branch((*name).to_owned())),
        ["switch", name] => Ok(TimelineOrder::Switch((*name).to_owned())),
        ["rename", from, to] => Ok(TimelineOrder::Rename { from: (*from).to_owned(), to: (*to).to_owned() }),
        ["delete", name] => Ok(TimelineOrder::Delete((*name).to_owned())),
        ["diff", name] => Ok(TimelineOrder::Diff((*name).to_owned())),
        [word, ..] => Err(TimelineError::Line((*word).to_owned())),
    })
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
        use TimelineOrder::{Back, Branch, Now, Show, To, ToEvent};
        for (line, want) in [
            ("timeline", Ok(Show)),
            (" timeline  back 5s", Ok(Back(Duration::from_secs(5)))),
            ("timeline back 250ms", Ok(Back(Duration::from_millis(250)))),
            ("timeline to 83.4", Ok(To(Duration::from_millis(83_400)))),
            ("timeline to 1:23.4", Ok(To(Duration::from_millis(83_400)))),
            ("timeline to 2m", Ok(To(Duration::from_secs(120)))),
            ("timeline to event 51234", Ok(ToEvent(51_234))),
            ("timeline now", Ok(Now)),
            ("timeline branch one", Ok(Branch("one".to_owned()))),
            ("timeline back", Err("back")),
            ("timeline to event x", Err("x")),
            ("timeline forward 5s", Err("forward")),
            ("timeline now 5", Err("now")),
        ] {
            let want = want.map_err(|word: &str| TimelineError::Line(word.to_owned()));
            assert_eq!(timeline(line), Some(want), "{line}");
        }
        for time in ["", "-1s", "x", "1e12", "nan", "1:x", "inf"] {
            let line = format!("timeline to {time}");
            assert!(timeline(&line).unwrap().is_err(), "{line}");
        }
        for line in ["timelines", "timeline ko", "fault crash 1", ""] {
            assert_eq!(timeline(line), None, "{line}");
        }
    }
}
