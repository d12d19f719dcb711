//! What a line of the console asks of the world around the cluster: `fault …`, `broker …`, `until …`, and the lines of
//! `workload` that are about clients in the background.
//!
//! No command-line tool can do these. [`order`] is the one place that reads them: the page's engine, the gateway, the
//! door for JavaScript and the scenarios match the same [`Order`], each in full. A line that is none is a tool's, and
//! the shell's.

mod timeline;

use blumfeld_condition::{Condition, ConditionError};
pub use blumfeld_shell::Environment;
use blumfeld_shell::{Background, Language};
use blumfeld_sim::{Fault, FaultError, Membership, MembershipError, World};

pub use timeline::{Moment, OddsOrder, TimelineError, TimelineOrder, timeline};

/// What a line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Order {
    /// `fault …`: something breaks, or is mended.
    Fault(
        /// The fault.
        Fault,
    ),
    /// `fault list`: say what is in force.
    ListFaults,
    /// `fault observed NAME`: say which requests a trigger has observed.
    Observed(
        /// The trigger's name.
        String,
    ),
    /// `broker …`: a broker comes or goes.
    Membership(
        /// Who comes or goes.
        Membership,
    ),
    /// `workload start`, `list`, `log` and `stop`.
    Background(
        /// What is asked of the clients in the background.
        Background,
    ),
    /// `until …`: say when a condition is so.
    Until(
        /// What is waited for.
        Condition,
    ),
}

/// Why a line that asks for something cannot be read. `Display` is the sentence for a person.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OrderError {
    /// The words behind `fault` are none.
    #[error(transparent)]
    Fault(#[from] FaultError),
    /// The words behind `broker` are no change.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// The words behind `workload` ask for something, but not as it is written.
    #[error("{0}")]
    Background(
        /// What is wrong.
        String,
    ),
    /// The words behind `until` are no condition.
    #[error("until: {error}")]
    Condition {
        /// What is wrong with it.
        error: ConditionError,
        /// The condition as it was written.
        text: String,
    },
}

impl OrderError {
    /// What a console says: the sentence, and where a place can be shown, the line with a mark under it.
    pub fn told(&self, language: Language) -> String {
        match self {
            OrderError::Condition { error, text } => {
                let pointed = error.pointed(text, language == Language::Korean);
                let (shown, sentence) = pointed.rsplit_once('\n').unwrap_or(("", &pointed));
                format!("{shown}\nblumfeld: until: {sentence}\n")
            }
            _ => format!("blumfeld: {self}\n"),
        }
    }
}

/// Reads a line; nothing if it is a tool's, or cannot be split into words. `fault`, `broker` and `workload` alone, or
/// with nothing more than a language, are tools that explain themselves.
pub fn order(line: &str) -> Option<Result<Order, OrderError>> {
    // A condition has quotes and brackets of its own, which a shell would take away.
    if let Some(text) = condition(line) {
        let condition = Condition::parse(text);
        return Some(
            condition
                .map(Order::Until)
                .map_err(|error| OrderError::Condition { error, text: text.to_owned() }),
        );
    }
    let line = blumfeld_shell::parse(line).ok()?;
    let asks_for_help = line.arguments.iter().all(|word| Language::named(word).is_some());
    match line.command.as_str() {
        "fault" | "broker" if asks_for_help => None,
        "fault" => Some(fault(&line.arguments).map_err(OrderError::from)),
        "broker" => {
            let change = Membership::parse(&line.arguments.join(" "));
            Some(change.map(Order::Membership).map_err(OrderError::from))
        }
        _ => {
            let asked = blumfeld_shell::background(&line)?;
            Some(asked.map(Order::Background).map_err(OrderError::Background))
        }
    }
}

/// What stands behind `until`, without quotes around the whole; nothing if the line is another one, or asks what can be
/// written there.
fn condition(line: &str) -> Option<&str> {
    let text = line.trim().strip_prefix("until")?;
    if !text.starts_with(char::is_whitespace) || Language::named(text.trim()).is_some() {
        return None;
    }
    let text = text.trim();
    let inside = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    Some(inside.filter(|inside| !inside.contains('\'')).unwrap_or(text))
}

/// Reads what stands behind `fault`.
fn fault(words: &[String]) -> Result<Order, FaultError> {
    let missing = |what, after: &str| Err(FaultError::Missing { what, after: after.to_owned() });
    match words {
        [word] if word == "list" => Ok(Order::ListFaults),
        [word] if word == "observed" => missing("name", word),
        [word, name] if word == "observed" => Ok(Order::Observed(name.clone())),
        [word, extra, ..] if word == "list" => Err(FaultError::TooMuch(extra.clone())),
        [word, _, extra, ..] if word == "observed" => Err(FaultError::TooMuch(extra.clone())),
        _ => Fault::parse(&words.join(" ")).map(Order::Fault),
    }
}

/// What `fault` and `broker` say alone, or with a language, for a door that runs no tools; nothing for other lines.
pub fn explanation(line: &str, env: &dyn Environment) -> Option<String> {
    blumfeld_shell::explanation(&blumfeld_shell::parse(line).ok()?, env)
}

/// The requests that a trigger has observed, each as one line of JSON, the oldest first. Where more were observed than
/// are kept, the first line says so.
///
/// # Errors
/// There is and was no such trigger.
pub fn observed(world: &World, name: &str) -> Result<String, FaultError> {
    let (total, kept) = world.observed(name).ok_or_else(|| FaultError::NoTrigger(name.to_owned()))?;
    let lines: Vec<String> = kept.map(|one| format!("{}\n", one.json())).collect();
    let dropped = total.saturating_sub(lines.len() as u64);
    let first = if dropped == 0 { String::new() } else { format!("{{\"dropped\":{dropped}}}\n") };
    Ok(first + &lines.concat())
}

#[cfg(test)]
mod tests {
    use blumfeld_kernel::{Endpoint, NodeId};
    use blumfeld_shell::WorkloadKind;

    use super::*;

    #[test]
    fn each_line_is_one_order_or_a_tools() {
        let start = Background::Start {
            kind: WorkloadKind::Produce,
            name: Some("one".to_owned()),
            words: vec!["--topic".to_owned(), "t".to_owned()],
        };
        let until = |text| Order::Until(Condition::parse(text).unwrap());
        for (line, want) in [
            (" fault  crash 2 ", Some(Order::Fault(Fault::Crash(NodeId(2))))),
            ("fault 'crash' 2", Some(Order::Fault(Fault::Crash(NodeId(2))))),
            ("fault list", Some(Order::ListFaults)),
            ("fault observed one", Some(Order::Observed("one".to_owned()))),
            ("fault observed 'one two'", Some(Order::Observed("one two".to_owned()))),
            ("broker remove 4", Some(Order::Membership(Membership::Remove { id: 4, force: false }))),
            ("workload start produce --topic t --name one", Some(Order::Background(start))),
            ("workload list", Some(Order::Background(Background::List))),
            ("fault", None),
            ("fault ko", None),
            ("broker", None),
            ("until time >= 1s", Some(until("time >= 1s"))),
            (" until  'time >= 1s' ", Some(until("time >= 1s"))),
            ("until state('a') == 'b'", Some(until("state('a') == 'b'"))),
            ("until", None),
            ("until ko", None),
            ("untilted", None),
            ("workload", None),
            ("workload produce --topic t", None),
            ("workload start --help", None),
            ("kafka-topics.sh --list", None),
            ("fault 'crash 2", None),
            ("", None),
        ] {
            assert_eq!(order(line), want.map(Ok), "{line}");
        }
    }

    struct Here;

    impl Environment for Here {
        fn bootstrap(&self) -> Endpoint {
            Endpoint::new("here", 9_999)
        }

        fn topics(&self) -> Vec<String> {
            Vec::new()
        }
    }

    #[test]
    fn a_line_that_explains_itself_is_no_order_and_says_where_the_cluster_listens() {
        for (line, want) in [
            ("fault", Some("\n      fault crash 1\n")),
            (" fault en ", Some("kill a broker's process")),
            ("fault ko", Some("브로커 프로세스를 죽입니다")),
            ("broker", Some("\n      broker add 5 --rack b\n")),
            ("broker", Some("--bootstrap-server here:9999")),
            ("broker korean", Some("클러스터에 브로커를 더하거나 뺍니다")),
            ("fault crash", None),
            ("fault list", None),
            ("broker add", None),
            ("workload", None),
            ("kafka-topics.sh", None),
            ("fault 'ko", None),
            ("", None),
        ] {
            let said = explanation(line, &Here);
            let right = want.map_or(said.is_none(), |want| said.is_some_and(|said| said.contains(want)));
            assert!(right, "{line}");
            assert!(want.is_none() || order(line).is_none(), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_its_kind() {
        assert!(matches!(order("fault crush 2"), Some(Err(OrderError::Fault(_)))));
        for (line, says) in [
            ("fault observed", "after `observed` a name is missing"),
            ("fault observed one two", "`two` is too much"),
            ("fault list 2", "`2` is too much"),
            ("fault pause", "after `pause` a node is missing"),
        ] {
            assert_eq!(order(line).unwrap().unwrap_err().to_string(), says, "{line}");
        }
        assert!(matches!(order("broker drop 4"), Some(Err(OrderError::Membership(_)))));
        let error = order("workload stop").unwrap().unwrap_err();
        assert_eq!(error.to_string(), "it is written workload stop NAME, or stop all");
        let error = order("until time = 1s").unwrap().unwrap_err();
        let says = "`==` is expected where `=` stands";
        assert_eq!(error.to_string(), format!("until: {says}"));
        let marked = format!("time = 1s\n     ^\nblumfeld: until: {says}\n");
        assert_eq!(error.told(Language::English), marked);
        let korean = error.told(Language::Korean);
        assert!(korean.ends_with("blumfeld: until: `==` 자리에 `=` 값이 있습니다\n"), "{korean}");
    }
}
