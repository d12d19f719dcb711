//! Settings of the admin client by Kafka's names (org.apache.kafka.clients.admin.AdminClientConfig).

use blumfeld_client::ClientConfig;

use super::properties::{Properties, invalid, number};
use crate::Environment;

/// What is wrong with settings.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// In Kafka's words.
    Kafka(
        /// These.
        String,
    ),
    /// In ours.
    NotYet(
        /// These.
        String,
    ),
}

/// Gives a client its settings. Names that mean nothing to it are passed over, as in Kafka; where it listens is the
/// option's word.
pub fn apply(properties: &Properties, config: &mut ClientConfig) -> Result<(), Wrong> {
    if let Some(protocol) = properties.get("security.protocol")
        && !protocol.trim().eq_ignore_ascii_case("PLAINTEXT")
    {
        let text =
            format!("security.protocol={protocol} is not here yet: a cluster listens with PLAINTEXT alone");
        return Err(Wrong::NotYet(text));
    }
    if let Some(id) = properties.get("client.id") {
        config.client_id.clone_from(id);
    }
    let numbers: [(&str, &str, &mut i64); 8] = [
        ("request.timeout.ms", "INT", &mut config.request_timeout_ms),
        ("default.api.timeout.ms", "INT", &mut config.default_api_timeout_ms),
        ("retry.backoff.ms", "LONG", &mut config.retry_backoff.initial_ms),
        ("retry.backoff.max.ms", "LONG", &mut config.retry_backoff.max_ms),
        ("reconnect.backoff.ms", "LONG", &mut config.reconnect_backoff.initial_ms),
        ("reconnect.backoff.max.ms", "LONG", &mut config.reconnect_backoff.max_ms),
        ("socket.connection.setup.timeout.ms", "LONG", &mut config.connection_setup_timeout_ms),
        ("metadata.max.age.ms", "LONG", &mut config.metadata_max_age_ms),
    ];
    for (name, kind, into) in numbers {
        number(properties, name, kind, into).map_err(Wrong::Kafka)?;
        let over = kind == "INT" && i32::try_from(*into).is_err();
        if let Some(value) = properties.get(name).filter(|_| *into < 0 || over) {
            let why = if over && *into > 0 { "Not a number of type INT" } else { "Value must be at least 0" };
            return Err(Wrong::Kafka(invalid(name, value, why)));
        }
    }
    if config.default_api_timeout_ms < config.request_timeout_ms {
        // KafkaAdminClient.configureDefaultApiTimeoutMs
        if properties.contains_key("default.api.timeout.ms") {
            let text = "The specified value of default.api.timeout.ms must be no smaller than the value of \
                        request.timeout.ms.";
            return Err(Wrong::Kafka(text.to_owned()));
        }
        config.default_api_timeout_ms = config.request_timeout_ms;
    }
    Ok(())
}

/// Gives a client the settings that its tool was prepared with. They were looked at before.
pub fn configure(env: &dyn Environment, config: &mut ClientConfig) {
    let mut wanted = config.clone();
    if env.settings().is_some_and(|settings| apply(settings, &mut wanted).is_ok()) {
        *config = wanted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::java::load_properties;

    #[test]
    fn settings_are_judged_with_kafkas_words() {
        let not_yet = "security.protocol=SASL_SSL is not here yet: a cluster listens with PLAINTEXT alone";
        let api_timeout = "The specified value of default.api.timeout.ms must be no smaller than the value of \
                           request.timeout.ms.";
        let number = "Invalid value soon for configuration request.timeout.ms: Not a number of type INT";
        let large = "Invalid value 2147483648 for configuration request.timeout.ms: Not a number of type INT";
        let least = "Invalid value -1 for configuration retry.backoff.ms: Value must be at least 0";
        let kafka = |text: &str| Err(Wrong::Kafka(text.to_owned()));
        for (text, want) in [
            ("", Ok(())),
            ("# a comment\nclient.id=me\nbootstrap.servers=elsewhere:1\nfoo=bar\n", Ok(())),
            ("security.protocol = plaintext\nsasl.mechanism=PLAIN\n", Ok(())),
            ("security.protocol=SASL_SSL", Err(Wrong::NotYet(not_yet.to_owned()))),
            ("request.timeout.ms=soon", kafka(number)),
            ("request.timeout.ms=2147483648", kafka(large)),
            ("retry.backoff.ms=-1", kafka(least)),
            ("request.timeout.ms=100\ndefault.api.timeout.ms=99", kafka(api_timeout)),
            ("request.timeout.ms=100000", Ok(())),
        ] {
            let mut config = ClientConfig::new(Vec::new(), "tool");
            assert_eq!(apply(&load_properties(text), &mut config), want, "{text}");
            assert!(want.is_err() || config.default_api_timeout_ms >= config.request_timeout_ms, "{text}");
        }
        let mut config = ClientConfig::new(Vec::new(), "tool");
        let text = "client.id=me\nrequest.timeout.ms=1\ndefault.api.timeout.ms=2\nretry.backoff.ms=3\n\
                    retry.backoff.max.ms=4\nreconnect.backoff.ms=5\nreconnect.backoff.max.ms=6\n\
                    socket.connection.setup.timeout.ms=7\nmetadata.max.age.ms=8\n";
        assert_eq!(apply(&load_properties(text), &mut config), Ok(()));
        let ClientConfig { retry_backoff: retry, reconnect_backoff: reconnect, .. } = config;
        let have = [
            config.request_timeout_ms,
            config.default_api_timeout_ms,
            retry.initial_ms,
            retry.max_ms,
            reconnect.initial_ms,
            reconnect.max_ms,
            config.connection_setup_timeout_ms,
            config.metadata_max_age_ms,
        ];
        assert_eq!((config.client_id.as_str(), have), ("me", [1, 2, 3, 4, 5, 6, 7, 8]));
    }
}
