//! What a line of the console asks of the world around the cluster: `fault …`, `broker …`, and the lines of `workload`
//! that are about clients in the background.
//!
//! No command-line tool can do these. [`order`] is the one place that reads them: the page's engine, the gateway, the
//! door for JavaScript and the scenarios match the same [`Order`], each in full. A line that is none is a tool's, and
//! the shell's.

use blumfeld_shell::{Background, Language};
use blumfeld_sim::{Fault, FaultError, Membership, MembershipError, World};

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
}

/// Reads a line; nothing if it is a tool's, or cannot be split into words. `fault`, `broker` and `workload` alone, or
/// with nothing more than a language, are tools that explain themselves.
pub fn order(line: &str) -> Option<Result<Order, OrderError>> {
    let line = blumfeld_shell::parse(line).ok()?;
    let asks_for_help = line.arguments.iter().all(|word| Language::named(word).is_some());
    match line.command.as_str() {
        "fault" | "broker" if asks_for_help => None,
        "fault" if line.arguments == ["list"] => Some(Ok(Order::ListFaults)),
        "fault" if matches!(&*line.arguments, [word, _] if word == "observed") => {
            Some(Ok(Order::Observed(line.arguments[1].clone())))
        }
        "fault" => Some(Fault::parse(&line.arguments.join(" ")).map(Order::Fault).map_err(OrderError::from)),
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
    use blumfeld_kernel::NodeId;
    use blumfeld_shell::WorkloadKind;

    use super::*;

    #[test]
    fn each_line_is_one_order_or_a_tools() {
        let start = Background::Start {
            kind: WorkloadKind::Produce,
            name: Some("one".to_owned()),
            words: vec!["--topic".to_owned(), "t".to_owned()],
        };
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

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_its_kind() {
        assert!(matches!(order("fault crush 2"), Some(Err(OrderError::Fault(_)))));
        assert!(matches!(order("fault observed"), Some(Err(OrderError::Fault(_)))));
        assert!(matches!(order("fault list 2"), Some(Err(OrderError::Fault(_)))));
        assert!(matches!(order("broker drop 4"), Some(Err(OrderError::Membership(_)))));
        let error = order("workload stop").unwrap().unwrap_err();
        assert_eq!(error.to_string(), "it is written workload stop NAME, or stop all");
    }
}
