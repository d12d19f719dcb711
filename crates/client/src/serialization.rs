//! Keys and values as bytes, and back (org.apache.kafka.common.serialization). What one serializer wrote another
//! deserializer refuses, or reads as something else: nothing in a record says which it was.

mod json;

use std::fmt;

use bytes::Bytes;

/// A type that Kafka's own serializers know. Numbers are big-endian.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Serde {
    /// Text in UTF-8; bytes that are none become U+FFFD.
    String,
    /// Two bytes.
    Short,
    /// Four bytes.
    Integer,
    /// Eight bytes.
    Long,
    /// IEEE 754, four bytes.
    Float,
    /// IEEE 754, eight bytes.
    Double,
    /// One byte.
    Boolean,
    /// Its 36 characters in UTF-8.
    Uuid,
    /// Any bytes. As text they are what Java's Bytes prints: ASCII, and `\xNN` for the rest and for the backslash. Java
    /// prints no bytes of an array; here they are printed the same way.
    ByteArray,
    /// The same as Java's ByteBuffer, which prints its size only.
    ByteBuffer,
    /// The same as Kafka's Bytes.
    Bytes,
    /// JSON in UTF-8. The classes are Connect's, Kafka's clients have none.
    Json,
}

/// Kafka's SerializationException, and what caused it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SerializationError {
    /// Its message.
    pub message: String,
    /// The exception behind it, with its class.
    pub cause: Option<String>,
}

impl fmt::Display for SerializationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SerializationError {}

fn error(message: impl Into<String>) -> SerializationError {
    SerializationError { message: message.into(), cause: None }
}

const PACKAGE: &str = "org.apache.kafka.common.serialization.";
const JSON_PACKAGE: &str = "org.apache.kafka.connect.json.";

impl Serde {
    /// All of them.
    pub const ALL: [Serde; 12] = [
        Self::String,
        Self::Short,
        Self::Integer,
        Self::Long,
        Self::Float,
        Self::Double,
        Self::Boolean,
        Self::Uuid,
        Self::ByteArray,
        Self::ByteBuffer,
        Self::Bytes,
        Self::Json,
    ];

    /// What its classes are named after: `Integer` of IntegerSerializer.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Short => "Short",
            Self::Integer => "Integer",
            Self::Long => "Long",
            Self::Float => "Float",
            Self::Double => "Double",
            Self::Boolean => "Boolean",
            Self::Uuid => "UUID",
            Self::ByteArray => "ByteArray",
            Self::ByteBuffer => "ByteBuffer",
            Self::Bytes => "Bytes",
            Self::Json => "JSON",
        }
    }

    /// The one whose serializer or deserializer is this class.
    pub fn of_class(class: &str) -> Option<Serde> {
        if let Some("JsonDeserializer" | "JsonSerializer") = class.strip_prefix(JSON_PACKAGE) {
            return Some(Self::Json);
        }
        let name = class.strip_prefix(PACKAGE)?;
        let name = name.strip_suffix("Deserializer").or_else(|| name.strip_suffix("Serializer"))?;
        Self::ALL.into_iter().find(|one| one.name() == name && *one != Self::Json)
    }

    /// The bytes of a value that is given as text.
    ///
    /// # Errors
    /// The text is no such value.
    pub fn serialize(self, text: &str) -> Result<Bytes, SerializationError> {
        let number = |bytes: Option<Vec<u8>>| {
            bytes.map(Bytes::from).ok_or_else(|| error(format!("'{text}' is no {}", self.name())))
        };
        match self {
            Self::String => Ok(Bytes::copy_from_slice(text.as_bytes())),
            Self::Short => number(text.parse::<i16>().ok().map(|number| number.to_be_bytes().to_vec())),
            Self::Integer => number(text.parse::<i32>().ok().map(|number| number.to_be_bytes().to_vec())),
            Self::Long => number(text.parse::<i64>().ok().map(|number| number.to_be_bytes().to_vec())),
            Self::Float => number(text.parse::<f32>().ok().map(|number| number.to_be_bytes().to_vec())),
            Self::Double => number(text.parse::<f64>().ok().map(|number| number.to_be_bytes().to_vec())),
            Self::Boolean => number(text.parse::<bool>().ok().map(|value| vec![u8::from(value)])),
            Self::Uuid => number(uuid(text).map(String::into_bytes)),
            Self::ByteArray | Self::ByteBuffer | Self::Bytes => number(unescape(text)),
            Self::Json => {
                json::check(text).map_err(|wrong| not_json(&wrong))?;
                Ok(Bytes::copy_from_slice(text.as_bytes()))
            }
        }
    }

    /// A value as Java prints it.
    ///
    /// # Errors
    /// The bytes are no such value.
    pub fn deserialize(self, bytes: &[u8]) -> Result<String, SerializationError> {
        let class = format!("{}Deserializer", self.name());
        // Two of the classes leave their name out.
        let named = |size: usize| error(format!("Size of data received by {class} is not {size}"));
        let bare = |size: usize| error(format!("Size of data received by Deserializer is not {size}"));
        Ok(match self {
            Self::String => String::from_utf8_lossy(bytes).into_owned(),
            Self::Short => i16::from_be_bytes(bytes.try_into().map_err(|_| named(2))?).to_string(),
            Self::Integer => i32::from_be_bytes(bytes.try_into().map_err(|_| named(4))?).to_string(),
            Self::Long => i64::from_be_bytes(bytes.try_into().map_err(|_| named(8))?).to_string(),
            Self::Float => {
                let number = f32::from_be_bytes(bytes.try_into().map_err(|_| bare(4))?);
                java_number(
                    number.is_finite(),
                    f64::from(number).abs(),
                    number.to_string(),
                    format!("{number:e}"),
                )
            }
            Self::Double => java_double(f64::from_be_bytes(bytes.try_into().map_err(|_| bare(8))?)),
            Self::Boolean => match bytes {
                [0] => "false".to_owned(),
                [1] => "true".to_owned(),
                [other] => {
                    return Err(error(format!("Unexpected byte received by BooleanDeserializer: {other}")));
                }
                _ => return Err(named(1)),
            },
            Self::Uuid => {
                let text = String::from_utf8_lossy(bytes);
                uuid(&text).ok_or_else(|| SerializationError {
                    message: "Error parsing data into UUID".to_owned(),
                    cause: Some(format!("java.lang.IllegalArgumentException: Invalid UUID string: {text}")),
                })?
            }
            Self::ByteArray | Self::Bytes => escape(bytes),
            Self::ByteBuffer => {
                let size = bytes.len();
                format!("java.nio.HeapByteBuffer[pos=0 lim={size} cap={size}]")
            }
            Self::Json => json::first(bytes).map_err(|wrong| not_json(&wrong))?.unwrap_or_default(),
        })
    }
}

fn not_json(wrong: &serde_json::Error) -> SerializationError {
    error(format!("This is not JSON: {wrong}"))
}

/// Bytes as text (org.apache.kafka.common.utils.Bytes).
fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\x5C"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02X}")),
        }
    }
    out
}

/// The bytes of such a text; other characters than ASCII are taken as UTF-8.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut pieces = text.split('\\');
    let mut out = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (byte, rest) = piece.strip_prefix('x')?.split_at_checked(2)?;
        let digit = |at: usize| byte.chars().nth(at)?.to_digit(16);
        out.push(u8::try_from(digit(0)? * 16 + digit(1)?).ok()?);
        out.extend_from_slice(rest.as_bytes());
    }
    Some(out)
}

/// A UUID's 36 characters in lower case.
fn uuid(text: &str) -> Option<String> {
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    (text.len() == 36 && text.bytes().enumerate().all(fits)).then(|| text.to_ascii_lowercase())
}

/// A double as Java prints it.
fn java_double(number: f64) -> String {
    java_number(number.is_finite(), number.abs(), number.to_string(), format!("{number:e}"))
}

/// A number as Java's `toString` has it: with a fraction, and with an exponent below a thousandth and from ten million
/// on.
fn java_number(finite: bool, size: f64, plain: String, scientific: String) -> String {
    if !finite {
        return plain.replace("inf", "Infinity");
    }
    let with_fraction = |digits: &str| {
        if digits.contains('.') { digits.to_owned() } else { format!("{digits}.0") }
    };
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        return with_fraction(&plain);
    }
    match scientific.split_once('e') {
        Some((digits, exponent)) => format!("{}E{exponent}", with_fraction(digits)),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_as_java_prints_it() {
        for (serde, text, size, printed) in [
            (Serde::String, "안녕", 6, "안녕"),
            (Serde::Short, "-2", 2, "-2"),
            (Serde::Integer, "1718580594", 4, "1718580594"),
            (Serde::Long, "-9223372036854775808", 8, "-9223372036854775808"),
            (Serde::Float, "0.1", 4, "0.1"),
            (Serde::Float, "12345678", 4, "1.2345678E7"),
            (Serde::Double, "100", 8, "100.0"),
            (Serde::Double, "1e7", 8, "1.0E7"),
            (Serde::Double, "0.0001234", 8, "1.234E-4"),
            (Serde::Double, "-0", 8, "-0.0"),
            (Serde::Double, "inf", 8, "Infinity"),
            (Serde::Double, "NaN", 8, "NaN"),
            (Serde::Boolean, "true", 1, "true"),
            (Serde::Uuid, "0F8FAD5B-D9CB-469F-A165-70867728950E", 36, "0f8fad5b-d9cb-469f-a165-70867728950e"),
            (Serde::Bytes, "a\\x5Cb ~\\x00\\xfF", 7, "a\\x5Cb ~\\x00\\xFF"),
            (Serde::Bytes, "é", 2, "\\xC3\\xA9"),
            (Serde::ByteArray, "\\x7F", 1, "\\x7F"),
            (Serde::ByteBuffer, "four", 4, "java.nio.HeapByteBuffer[pos=0 lim=4 cap=4]"),
            (Serde::Json, " [1, 2.50] ", 11, "[1,2.5]"),
        ] {
            let bytes = serde.serialize(text).unwrap();
            assert_eq!(
                (bytes.len(), serde.deserialize(&bytes).unwrap().as_str()),
                (size, printed),
                "{serde:?}"
            );
        }
    }

    #[test]
    fn a_mismatch_is_told_in_javas_words() {
        for (serde, bytes, message) in [
            (Serde::Integer, &b"eightlen"[..], "Size of data received by IntegerDeserializer is not 4"),
            (Serde::Double, b"four", "Size of data received by Deserializer is not 8"),
            (Serde::Uuid, b"four", "Error parsing data into UUID"),
            (Serde::Boolean, &[7], "Unexpected byte received by BooleanDeserializer: 7"),
            (Serde::Json, b"{\"a\" 1}", "This is not JSON: expected `:` at line 1 column 6"),
        ] {
            assert_eq!(serde.deserialize(bytes).unwrap_err().to_string(), message);
        }
        for (serde, text, message) in [
            (Serde::Integer, "four", "'four' is no Integer"),
            (Serde::Bytes, "\\x4", "'\\x4' is no Bytes"),
            (Serde::Bytes, "\\n", "'\\n' is no Bytes"),
            (Serde::ByteArray, "\\x+1", "'\\x+1' is no ByteArray"),
            (Serde::Bytes, "\\xé", "'\\xé' is no Bytes"),
            (Serde::Json, "{} {}", "This is not JSON: trailing characters at line 1 column 4"),
            (Serde::Json, " ", "This is not JSON: EOF while parsing a value at line 1 column 1"),
        ] {
            assert_eq!(serde.serialize(text).unwrap_err().to_string(), message);
        }
        let class = |name: &str| format!("{PACKAGE}{name}");
        assert_eq!(Serde::of_class(&class("UUIDDeserializer")), Some(Serde::Uuid));
        assert_eq!(Serde::of_class(&class("LongSerializer")), Some(Serde::Long));
        assert_eq!(Serde::of_class(&class("ByteArraySerializer")), Some(Serde::ByteArray));
        assert_eq!(Serde::of_class(&format!("{JSON_PACKAGE}JsonSerializer")), Some(Serde::Json));
        for class in [class("ListDeserializer"), class("JSONSerializer"), class("Bytes")] {
            assert_eq!(Serde::of_class(&class), None, "{class}");
        }
    }
}
