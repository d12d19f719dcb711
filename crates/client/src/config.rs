//! What every client is configured with (org.apache.kafka.clients.CommonClientConfigs).

use blumfeld_kernel::Endpoint;

use crate::ExponentialBackoff;

/// Settings common to all clients. Defaults are those of Kafka 4.x.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientConfig {
    /// `bootstrap.servers`
    pub bootstrap: Vec<Endpoint>,
    /// `client.id`
    pub client_id: String,
    /// `request.timeout.ms`: how long one request may take.
    pub request_timeout_ms: i64,
    /// `default.api.timeout.ms`: how long a call may take with all its retries.
    pub default_api_timeout_ms: i64,
    /// `retry.backoff.ms` and `retry.backoff.max.ms`
    pub retry_backoff: ExponentialBackoff,
    /// `reconnect.backoff.ms` and `reconnect.backoff.max.ms`
    pub reconnect_backoff: ExponentialBackoff,
    /// `socket.connection.setup.timeout.ms`
    pub connection_setup_timeout_ms: i64,
    /// `metadata.max.age.ms`: how old metadata may become.
    pub metadata_max_age_ms: i64,
    /// How many requests may be under way on one connection. A producer's `max.in.flight.requests.per.connection`.
    pub max_in_flight: usize,
}

impl ClientConfig {
    /// Kafka's defaults.
    pub fn new(bootstrap: Vec<Endpoint>, client_id: &str) -> ClientConfig {
        ClientConfig {
            bootstrap,
            client_id: client_id.to_owned(),
            request_timeout_ms: 30_000,
            default_api_timeout_ms: 60_000,
            retry_backoff: ExponentialBackoff { initial_ms: 100, max_ms: 1_000 },
            reconnect_backoff: ExponentialBackoff { initial_ms: 50, max_ms: 1_000 },
            connection_setup_timeout_ms: 10_000,
            metadata_max_age_ms: 300_000,
            max_in_flight: 100,
        }
    }
}

/// Why `bootstrap.servers` cannot be used. The text is what Kafka's ConfigException says.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigError {
    /// No host and port in an entry.
    #[error("Invalid url in bootstrap.servers: {0}")]
    InvalidUrl(
        /// The entry.
        String,
    ),
    /// Nothing is left of the list.
    #[error("No resolvable bootstrap urls given in bootstrap.servers")]
    NoUrls,
}

/// The endpoints of a `host:port,host:port` list (org.apache.kafka.clients.ClientUtils).
pub fn parse_bootstrap(list: &str) -> Result<Vec<Endpoint>, ConfigError> {
    let mut endpoints = Vec::new();
    for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let invalid = || ConfigError::InvalidUrl(entry.to_owned());
        let (host, port) = entry.rsplit_once(':').ok_or_else(invalid)?;
        // A listener's name may stand in front, and an IPv6 address in brackets.
        let host = host.rsplit_once("://").map_or(host, |(_, host)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = port.parse().map_err(|_| invalid())?;
        if host.is_empty() {
            return Err(invalid());
        }
        endpoints.push(Endpoint::new(host, port));
    }
    if endpoints.is_empty() { Err(ConfigError::NoUrls) } else { Ok(endpoints) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bootstrap_lists() {
        let texts = |list| {
            parse_bootstrap(list)
                .map(|list| list.iter().map(Endpoint::to_string).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(texts("a:1").as_deref(), Ok("a:1"));
        assert_eq!(texts("a:1, PLAINTEXT://b:2,").as_deref(), Ok("a:1 b:2"));
        assert_eq!(texts("[::1]:9092").as_deref(), Ok("::1:9092"));
        for bad in ["localhost", "a:1,b", "a:65536", ":1", "a:-1"] {
            assert!(matches!(texts(bad), Err(ConfigError::InvalidUrl(_))), "{bad}");
        }
        assert_eq!(texts(" , "), Err(ConfigError::NoUrls));
    }
}
