//! JSON as Kafka's tools write it: compact, in the order in which the members are given.

/// A string, quoted.
pub fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
