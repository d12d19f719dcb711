//! JSON as Connect reads and prints it (org.apache.kafka.connect.json.JsonDeserializer, which is Jackson's tree), with
//! serde_json's rules of what JSON is.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::java_double;

/// The first value of a text in its compact form; what follows it is not looked at, as in Java. `None` if there is
/// nothing but space.
pub(super) fn first(text: &[u8]) -> serde_json::Result<Option<String>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Printed>();
    Ok(values.next().transpose()?.map(|value| value.0))
}

/// Whether a text is one value and nothing else.
pub(super) fn check(text: &str) -> serde_json::Result<()> {
    serde_json::from_str::<serde::de::IgnoredAny>(text).map(drop)
}

/// A value as it is printed: numbers as Java does, fields in their order.
struct Printed(String);

impl<'de> Deserialize<'de> for Printed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Printer).map(Printed)
    }
}

struct Printer;

impl<'de> Visitor<'de> for Printer {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<String, E> {
        Ok("null".to_owned())
    }

    fn visit_bool<E>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_i64<E>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_f64<E>(self, value: f64) -> Result<String, E> {
        Ok(java_double(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<String, E> {
        Ok(quoted(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<String, A::Error> {
        let mut values = Vec::new();
        while let Some(Printed(value)) = from.next_element()? {
            values.push(value);
        }
        Ok(format!("[{}]", values.join(",")))
    }

    /// Of a name that comes twice the last value counts, in the place of the first.
    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<String, A::Error> {
        let mut fields: Vec<String> = Vec::new();
        let mut places = BTreeMap::new();
        while let Some((name, Printed(value))) = from.next_entry::<String, Printed>()? {
            let field = format!("{}:{value}", quoted(&name));
            let place = *places.entry(name).or_insert(fields.len());
            match fields.get_mut(place) {
                Some(before) => *before = field,
                None => fields.push(field),
            }
        }
        Ok(format!("{{{}}}", fields.join(",")))
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Connect's JsonDeserializer of Apache Kafka 4.3.1 makes of a text, `None` where it throws.
    #[test]
    fn json_is_read_and_printed_as_connect_does() {
        for (text, want) in [
            ("7", Some("7")),
            ("-9223372036854775808", Some("-9223372036854775808")),
            ("18446744073709551615", Some("18446744073709551615")),
            ("1E5", Some("100000.0")),
            ("-0.0", Some("-0.0")),
            ("0.1e-5", Some("1.0E-6")),
            ("-1.5E+3", Some("-1500.0")),
            ("100000000.5", Some("1.000000005E8")),
            (r#""\ud83d\ude00""#, Some("\"😀\"")),
            (r#""\u0001\b\f\n\r\t\"\\\/""#, Some(r#""\u0001\b\f\n\r\t\"\\/""#)),
            (" \t\r\n[ ]", Some("[]")),
            ("\u{feff}1", Some("1")),
            (r#"[1, true, null, "a"]"#, Some(r#"[1,true,null,"a"]"#)),
            (r#"{"b":1,"a":2,"b":3}"#, Some(r#"{"b":3,"a":2}"#)),
            (r#"{"":{}}"#, Some(r#"{"":{}}"#)),
            ("true]", Some("true")),
            ("\"a\"b", Some("\"a\"")),
            ("[] x", Some("[]")),
            ("   ", Some("")),
            ("NaN", None),
            ("1.", None),
            ("-", None),
            ("+1", None),
            (".5", None),
            ("1e", None),
            ("[1,]", None),
            ("[1 2]", None),
            ("[}", None),
            ("{\"a\":1,}", None),
            ("{\"a\"}", None),
            ("{a:1}", None),
            ("truex", None),
            ("nul", None),
            ("1x", None),
            ("'a'", None),
            ("// c\n1", None),
            ("\"a\tb\"", None),
            ("\"a", None),
            (r#""\x""#, None),
            (r#""\u12g4""#, None),
            ("\"\u{80}", None),
        ] {
            let read = first(text.as_bytes()).map(Option::unwrap_or_default);
            assert_eq!(read.as_ref().ok().map(String::as_str), want, "{text}: {read:?}");
        }
        assert!(first(b"\"\xff\"").is_err());
        assert!(first("[".repeat(100_000).as_bytes()).is_err(), "as deep as the stack");
    }
}
