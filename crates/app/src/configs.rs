//! Configs as the page shows and changes them: where they are in the address, values in words, and the console's lines.
//! Plain functions without a browser.

use blumfeld_view::{ConfigResource, ConfigView};

use crate::console::BOOTSTRAP;
use crate::text::{ConfigText, fill};
use crate::workload::quoted;

/// The screen's word in the address.
pub const WORD: &str = "configs";
/// Where a value comes from if nobody has set one.
pub const DEFAULT: &str = "DEFAULT_CONFIG";

/// Where the configs of something are in the address, after `#`: `configs/topic/orders`.
pub fn place(of: &ConfigResource) -> String {
    match of {
        ConfigResource::Topic(name) => format!("{WORD}/topic/{name}"),
        ConfigResource::Broker(id) => format!("{WORD}/broker/{id}"),
        ConfigResource::Brokers => format!("{WORD}/brokers"),
    }
}

/// What is in such a place.
pub fn at(place: &str) -> Option<ConfigResource> {
    let mut parts = place.split('/');
    match (parts.next()?, parts.next()?, parts.next()) {
        (WORD, "topic", Some(name)) if !name.is_empty() => Some(ConfigResource::Topic(name.to_owned())),
        (WORD, "broker", Some(id)) => Some(ConfigResource::Broker(id.parse().ok()?)),
        (WORD, "brokers", None) => Some(ConfigResource::Brokers),
        _ => None,
    }
}

/// The source of what is set for this resource itself.
pub fn own_source(of: &ConfigResource) -> &'static str {
    match of {
        ConfigResource::Topic(_) => "DYNAMIC_TOPIC_CONFIG",
        ConfigResource::Broker(_) => "DYNAMIC_BROKER_CONFIG",
        ConfigResource::Brokers => "DYNAMIC_DEFAULT_BROKER_CONFIG",
    }
}

/// Whether something is set for this resource itself, which could be deleted.
pub fn is_set(of: &ConfigResource, config: &ConfigView) -> bool {
    config.source == own_source(of) || config.synonyms.iter().any(|one| one.source == own_source(of))
}

/// What a source means.
pub fn meaning(c: &'static ConfigText, source: &str) -> &'static str {
    match source {
        "DYNAMIC_TOPIC_CONFIG" => c.s_topic,
        "DYNAMIC_BROKER_CONFIG" => c.s_broker,
        "DYNAMIC_DEFAULT_BROKER_CONFIG" => c.s_brokers,
        "STATIC_BROKER_CONFIG" => c.s_static,
        _ => c.s_default,
    }
}

/// The line that sets a config, or with no value deletes it.
pub fn line(of: &ConfigResource, name: &str, value: Option<&str>) -> String {
    let entity = match of {
        ConfigResource::Topic(topic) => format!("--entity-type topics --entity-name {}", quoted(topic)),
        ConfigResource::Broker(id) => format!("--entity-type brokers --entity-name {id}"),
        ConfigResource::Brokers => "--entity-type brokers --entity-default".to_owned(),
    };
    let deed = match value {
        // A comma would end the value.
        Some(value) if value.contains(',') => {
            format!("--add-config {}", quoted(&format!("{name}=[{value}]")))
        }
        Some(value) => format!("--add-config {}", quoted(&format!("{name}={value}"))),
        None => format!("--delete-config {}", quoted(name)),
    };
    format!("kafka-configs.sh {BOOTSTRAP} --alter {entity} {deed}")
}

/// What a tool says of what went wrong, without the way there: of Java's exceptions the innermost with its sentence.
pub fn complaint(said: &str) -> String {
    let found = said.lines().rev().find_map(|line| line.rsplit_once("Exception: "));
    match found {
        Some((before, sentence)) => {
            let class = before.rsplit(['.', ' ']).next().unwrap_or_default();
            format!("{class}Exception: {sentence}")
        }
        None => said.trim().to_owned(),
    }
}

/// What a number stands for, in larger units: `7 d`, `1 GiB`. Nothing where the number says it as well.
pub fn words(c: &ConfigText, name: &str, value: &str) -> Option<String> {
    let number: i64 = value.parse().ok()?;
    let millis = |unit: i64| span(c, number.checked_mul(unit)?);
    let is_bytes =
        [".bytes", "bytes.per.second", ".buffer.size", "byte.rate"].iter().any(|end| name.ends_with(end));
    let is_time = [".ms", ".seconds", ".minutes", ".hours"].iter().any(|end| name.ends_with(end));
    if !is_bytes && !is_time && !name.ends_with(".messages") {
        return None;
    }
    if number == i64::MAX || (number == -1 && name.contains("retention")) {
        return Some(c.no_limit.to_owned());
    }
    match name.rsplit('.').next()? {
        _ if is_bytes => binary(number),
        "ms" => millis(1),
        "seconds" => millis(1_000).filter(|_| number >= 60),
        "minutes" => millis(60_000).filter(|_| number >= 60),
        "hours" => millis(3_600_000).filter(|_| number >= 24),
        _ => None,
    }
}

/// Milliseconds in their two largest units, from a second on; with ≈ where something is left.
fn span(c: &ConfigText, ms: i64) -> Option<String> {
    let units =
        [(86_400_000, c.days), (3_600_000, c.hours), (60_000, c.minutes), (1_000, c.seconds), (1, c.millis)];
    if ms < 1_000 {
        return None;
    }
    let (mut rest, mut parts) = (ms, Vec::new());
    for (size, word) in units {
        let many = rest / size;
        // The second unit is the one behind the first, or none.
        if parts.len() == 2 {
            break;
        }
        if many > 0 || !parts.is_empty() {
            parts.push((many > 0).then(|| fill(word, &[&many.to_string()])));
            rest %= size;
        }
    }
    let said: Vec<String> = parts.into_iter().flatten().collect();
    let about = if rest > 0 { "≈ " } else { "" };
    Some(format!("{about}{}", said.join(" ")))
}

/// Bytes in their largest binary unit, from a kibibyte on; with ≈ where that is not all.
fn binary(bytes: i64) -> Option<String> {
    const UNITS: [(i64, &str); 4] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let (size, unit) = UNITS.into_iter().find(|(size, _)| bytes >= *size)?;
    // Hundredths of the unit, rounded.
    let wide = i128::from(bytes) * 100;
    let hundredths = (wide + i128::from(size) / 2) / i128::from(size);
    let about = if wide % i128::from(size) == 0 { "" } else { "≈ " };
    let digits = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    Some(format!("{about}{digits} {unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;

    #[test]
    fn a_place_is_found_again() {
        for of in
            [ConfigResource::Topic("orders.eu_1".into()), ConfigResource::Broker(12), ConfigResource::Brokers]
        {
            assert_eq!(at(&place(&of)), Some(of));
        }
        for strange in ["configs", "configs/topic/", "configs/broker/x", "topics/topic/a", ""] {
            assert_eq!(at(strange), None, "{strange}");
        }
    }

    #[test]
    fn numbers_are_said_in_larger_units() {
        let c = Lang::En.configs();
        for (name, value, want) in [
            ("retention.ms", "604800000", Some("7 d")),
            ("retention.ms", "-1", Some("no limit")),
            ("flush.ms", "9223372036854775807", Some("no limit")),
            ("flush.messages", "9223372036854775807", Some("no limit")),
            ("flush.messages", "10000", None),
            ("file.delete.delay.ms", "60000", Some("1 min")),
            ("x.ms", "90061001", Some("≈ 1 d 1 h")),
            ("x.ms", "86400001", Some("≈ 1 d")),
            ("x.ms", "5400000", Some("1 h 30 min")),
            ("x.ms", "1500", Some("1 s 500 ms")),
            ("x.ms", "500", None),
            ("segment.bytes", "1073741824", Some("1 GiB")),
            ("max.message.bytes", "1048588", Some("≈ 1 MiB")),
            ("socket.send.buffer.bytes", "102400", Some("100 KiB")),
            ("x.bytes", "1572864", Some("1.5 MiB")),
            ("x.bytes", "2147483647", Some("≈ 2 GiB")),
            ("x.bytes", "100", None),
            ("log.retention.hours", "168", Some("7 d")),
            ("offsets.retention.minutes", "10080", Some("7 d")),
            ("num.partitions", "86400000", None),
            ("cleanup.policy", "delete", None),
        ] {
            assert_eq!(words(c, name, value).as_deref(), want, "{name}={value}");
        }
    }

    #[test]
    fn the_line_is_what_the_tool_reads() {
        let orders = ConfigResource::Topic("orders".into());
        for (of, name, value, want) in [
            (
                &orders,
                "retention.ms",
                Some("60000"),
                "--alter --entity-type topics --entity-name orders --add-config retention.ms=60000",
            ),
            (
                &orders,
                "cleanup.policy",
                Some("compact,delete"),
                "--alter --entity-type topics --entity-name orders --add-config 'cleanup.policy=[compact,delete]'",
            ),
            (
                &ConfigResource::Broker(2),
                "log.retention.ms",
                None,
                "--alter --entity-type brokers --entity-name 2 --delete-config log.retention.ms",
            ),
            (
                &ConfigResource::Brokers,
                "log.retention.ms",
                Some("a b"),
                "--alter --entity-type brokers --entity-default --add-config 'log.retention.ms=a b'",
            ),
        ] {
            assert_eq!(line(of, name, value), format!("kafka-configs.sh {BOOTSTRAP} {want}"));
        }
    }

    #[test]
    fn of_a_javas_trace_the_innermost_sentence_is_left() {
        let said = "Error while executing config command with args '--alter'\njava.util.concurrent.ExecutionException: \
                    org.apache.kafka.common.errors.InvalidConfigurationException: Invalid value x for configuration retention.ms\n";
        let want = "InvalidConfigurationException: Invalid value x for configuration retention.ms";
        assert_eq!(complaint(said), want);
        assert_eq!(complaint(" no such thing\n"), "no such thing");
    }
}
