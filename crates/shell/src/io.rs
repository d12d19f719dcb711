//! Writing as Kafka's tools write, and processes that only write.

use blumfeld_client::MetadataIssue;
use blumfeld_kernel::{Context, Endpoint, Input, Instant, Node};
use blumfeld_protocol::ErrorCode;

/// Exit code of a process that Ctrl-C ended.
pub const INTERRUPTED: i32 = 130;

/// Writes a line to the standard output.
pub fn out(cx: &mut Context<'_>, line: &str) {
    cx.out.stdout(format!("{line}\n"));
}

/// Writes a line to the standard error.
pub fn err(cx: &mut Context<'_>, line: &str) {
    cx.out.stderr(format!("{line}\n"));
}

/// Writes a line as log4j does with the pattern of Kafka's `tools-log4j2.yaml`. What is thrown stands in `rest`, after
/// the line.
pub fn log(cx: &mut Context<'_>, level: &str, message: &str, logger: &str, rest: &str) {
    let date = date(cx.unix_ms());
    cx.out.stderr(format!("[{date}] {level} {message} ({logger})\n{rest}"));
}

/// The class that logs what becomes of connections.
const NETWORK_CLIENT: &str = "org.apache.kafka.clients.NetworkClient";

/// Writes what Java's clients log of the cluster: nodes that cannot be reached, topics that the metadata does not have.
/// `client` is their log context: `Producer clientId=console-producer`.
pub fn log_issues(cx: &mut Context<'_>, client: &str, issues: Vec<MetadataIssue>) {
    for issue in issues {
        match issue {
            MetadataIssue::Topics { correlation_id, topics } => {
                log_topics(cx, client, correlation_id, &topics);
            }
            MetadataIssue::Refused { node, endpoint } => {
                let text = format!(
                    "[{client}] Connection to node {node} ({}) could not be established. Node may not be available.",
                    socket_address(&endpoint)
                );
                log(cx, "WARN", &text, NETWORK_CLIENT, "");
            }
            MetadataIssue::BootstrapGone { node, endpoint } => {
                let text = format!(
                    "[{client}] Bootstrap broker {endpoint} (id: {node} rack: null isFenced: false) disconnected"
                );
                log(cx, "WARN", &text, NETWORK_CLIENT, "");
            }
        }
    }
}

/// The same of an admin client, which knows its bootstrap servers in another way (AdminMetadataManager) and does not
/// speak of them.
pub fn log_admin_issues(cx: &mut Context<'_>, client_id: &str, issues: Vec<MetadataIssue>) {
    let refused = issues.into_iter().filter(|issue| matches!(issue, MetadataIssue::Refused { .. }));
    log_issues(cx, &format!("AdminClient clientId={client_id}"), refused.collect());
}

fn log_topics(
    cx: &mut Context<'_>,
    client: &str,
    correlation_id: i32,
    topics: &[(std::sync::Arc<str>, ErrorCode)],
) {
    let listed: Vec<String> = topics.iter().map(|(topic, code)| format!("{topic}={code}")).collect();
    let text = format!(
        "[{client}] The metadata response from the cluster reported a recoverable issue with correlation id {correlation_id} : {{{}}}",
        listed.join(", ")
    );
    log(cx, "WARN", &text, NETWORK_CLIENT, "");
    let invalid: Vec<&str> = (topics.iter())
        .filter(|(_, code)| *code == ErrorCode::INVALID_TOPIC_EXCEPTION)
        .map(|(topic, _)| &**topic)
        .collect();
    if !invalid.is_empty() {
        let text = format!("[{client}] Metadata response reported invalid topics [{}]", invalid.join(", "));
        log(cx, "ERROR", &text, "org.apache.kafka.clients.Metadata", "");
    }
}

/// An address as java.net.InetSocketAddress writes it: the name, a slash, the number.
fn socket_address(endpoint: &Endpoint) -> String {
    let Endpoint { host, port } = endpoint;
    if host.parse::<std::net::IpAddr>().is_ok() {
        format!("/{host}:{port}")
    } else if &**host == "localhost" {
        format!("localhost/127.0.0.1:{port}")
    } else {
        format!("{host}/<unresolved>:{port}")
    }
}

/// `2026-11-21 09:45:32,203`, in UTC.
pub fn date(unix_ms: i64) -> String {
    let (days, ms) = (unix_ms.div_euclid(86_400_000), unix_ms.rem_euclid(86_400_000));
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    // Howard Hinnant's civil_from_days: eras of 400 years that begin on the first of March.
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02},{ms:03}")
}

/// What a process that does nothing but write writes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Printed {
    /// To the standard output, line ends included.
    pub out: String,
    /// To the standard error, line ends included.
    pub err: String,
    /// The exit code.
    pub code: i32,
}

impl Printed {
    /// A complaint of one or more lines on the standard error; ends with 1.
    pub fn error(text: impl Into<String>) -> Printed {
        Printed { err: text.into() + "\n", code: 1, ..Printed::default() }
    }

    /// Text on the standard output; ends with 0.
    pub fn output(text: impl Into<String>) -> Printed {
        Printed { out: text.into(), ..Printed::default() }
    }

    /// The same with one more line of our own on the standard error.
    pub fn hint(mut self, hint: &str) -> Printed {
        self.err.push_str("blumfeld: ");
        self.err.push_str(hint);
        self.err.push('\n');
        self
    }

    /// The same with text on the standard output before it.
    pub fn after(mut self, out: &str) -> Printed {
        self.out.insert_str(0, out);
        self
    }

    /// Writes it.
    pub fn write(&self, cx: &mut Context<'_>) {
        if !self.out.is_empty() {
            cx.out.stdout(self.out.clone());
        }
        if !self.err.is_empty() {
            cx.out.stderr(self.err.clone());
        }
        cx.out.exit(self.code);
    }
}

/// It begins, writes and ends.
impl Node for Printed {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        if matches!(input, Input::Started) {
            self.write(cx);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates() {
        for (ms, want) in [
            (0, "1970-01-01 00:00:00,000"),
            (951_782_400_000, "2000-02-29 00:00:00,000"),
            (1_795_254_332_203, "2026-11-21 09:45:32,203"),
            (-1, "1969-12-31 23:59:59,999"),
        ] {
            assert_eq!(date(ms), want);
        }
    }
}
