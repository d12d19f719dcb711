//! The rules of topic names (org.apache.kafka.common.internals.Topic).

/// Kafka's limit: with a partition number, a dash and a suffix it still is a file name.
pub const MAX_NAME_LENGTH: usize = 249;

/// Names of topics that Kafka itself makes.
pub const INTERNAL: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// The metadata log's name, which no topic may take.
pub const CLUSTER_METADATA: &str = "__cluster_metadata";

/// Why a name is refused; its text is Kafka's.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TopicNameError {
    /// It is empty.
    #[error("Topic name is invalid: the empty string is not allowed")]
    Empty,
    /// It is `.` or `..`.
    #[error("Topic name is invalid: '{0}' is not allowed")]
    Dots(String),
    /// It is too long.
    #[error(
        "Topic name is invalid: the length of '{0}' is longer than the max allowed length {MAX_NAME_LENGTH}"
    )]
    TooLong(String),
    /// It holds another character.
    #[error(
        "Topic name is invalid: '{0}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    )]
    Characters(String),
}

/// Checks a name.
pub fn validate_topic_name(name: &str) -> Result<(), TopicNameError> {
    match name {
        "" => Err(TopicNameError::Empty),
        "." | ".." => Err(TopicNameError::Dots(name.to_owned())),
        _ if name.len() > MAX_NAME_LENGTH => Err(TopicNameError::TooLong(name.to_owned())),
        _ if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) => {
            Err(TopicNameError::Characters(name.to_owned()))
        }
        _ => Ok(()),
    }
}

/// Whether two names would be one in metric names, where `.` becomes `_`.
pub fn has_collision(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.replace('.', "_") == other.replace('.', "_")
}

/// Whether Kafka itself makes a topic of this name.
pub fn is_internal(name: &str) -> bool {
    INTERNAL.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_by_kafka() {
        let long = "x".repeat(250);
        for (name, want) in [
            ("orders", ""),
            ("prd.marketing-team.platform.json", ""),
            ("a_b", ""),
            (&long[1..], ""),
            ("", "the empty string"),
            (".", "'.' is not allowed"),
            ("..", "'..' is not allowed"),
            (&long, "longer than the max allowed length 249"),
            ("a b", "other than ASCII alphanumerics"),
            ("주문", "other than ASCII alphanumerics"),
        ] {
            let got = validate_topic_name(name).map_or_else(|error| error.to_string(), |()| String::new());
            assert!(if want.is_empty() { got.is_empty() } else { got.contains(want) }, "{name}: {got}");
        }
        assert!(has_collision("to.pic", "to_pic") && !has_collision("to.pic", "topic"));
    }
}
