//! Keys and values as bytes, and back (org.apache.kafka.common.serialization). What one serializer wrote another deserializer
//! refuses, or reads as something else: nothing in a record says which it was.

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

impl Serde {
    /// All of them.
    pub const ALL: [Serde; 8] = [
        Self::String,
        Self::Short,
        Self::Integer,
        Self::Long,
        Self::Float,
        Self::Double,
        Self::Boolean,
        Self::Uuid,
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
        }
    }

    /// The one whose serializer or deserializer is this class.
    pub fn of_class(class: &str) -> Option<Serde> {
        let name = class.strip_prefix(PACKAGE)?;
        let name = name.strip_suffix("Deserializer").or_else(|| name.strip_suffix("Serializer"))?;
        Self::ALL.into_iter().find(|one| one.name() == name)
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
            Self::Double => {
                let number = f64::from_be_bytes(bytes.try_into().map_err(|_| bare(8))?);
                java_number(number.is_finite(), number.abs(), number.to_string(), format!("{number:e}"))
            }
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
        })
    }
}

/// A UUID's 36 characters in lower case.
fn uuid(text: &str) -> Option<String> {
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    (text.len() == 36 && text.bytes().enumerate().all(fits)).then(|| text.to_ascii_lowercase())
}

/// A number as Java's `toString` has it: with a fraction, and with an exponent below a thousandth and from ten million on.
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
        ] {
            assert_eq!(serde.deserialize(bytes).unwrap_err().to_string(), message);
        }
        assert_eq!(Serde::Integer.serialize("four").unwrap_err().to_string(), "'four' is no Integer");
        let class = |name: &str| format!("{PACKAGE}{name}");
        assert_eq!(Serde::of_class(&class("UUIDDeserializer")), Some(Serde::Uuid));
        assert_eq!(Serde::of_class(&class("LongSerializer")), Some(Serde::Long));
        assert_eq!(Serde::of_class(&class("ListDeserializer")), None);
    }
}
