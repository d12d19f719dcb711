//! Keys and values of the types that a workload's records are to have.

use std::io::Write as _;

use blumfeld_client::Serde;
use bytes::Bytes;

use super::args::Args;

/// What `--key-serializer` and `--value-serializer` may be.
pub const NAMES: &[&str] =
    &["string", "short", "integer", "long", "float", "double", "boolean", "uuid", "bytes", "json"];

/// The type that an option names; text if it is not there.
pub fn serializer(args: &Args, option: &str) -> Result<Serde, String> {
    let name = args.one_of(option, NAMES, "string")?;
    Ok(Serde::ALL.into_iter().find(|serde| serde.name().eq_ignore_ascii_case(name)).unwrap_or(Serde::String))
}

/// Whether a value of this type has the size that one wants.
pub fn has_any_size(serde: Serde) -> bool {
    matches!(serde, Serde::String | Serde::Json | Serde::Bytes | Serde::ByteArray | Serde::ByteBuffer)
}

/// How many different values a type has, if so few that a workload may want more.
pub fn variety(serde: Serde) -> Option<u64> {
    match serde {
        Serde::Boolean => Some(2),
        Serde::Short => Some(1 << 15),
        _ => None,
    }
}

/// The key of a number.
pub fn key(serde: Serde, number: u64) -> Bytes {
    match serde {
        Serde::String => format!("key-{number}").into(),
        Serde::Json => format!(r#"{{"key":{number}}}"#).into(),
        _ => plain(serde, number),
    }
}

/// The value of a record's number, filled up to `size` bytes where the type allows it.
pub fn value(serde: Serde, number: u64, size: usize) -> Bytes {
    match serde {
        Serde::String => {
            // As long as it is to be from the beginning: it is made for each record.
            let mut text = Vec::with_capacity(size.max(20));
            let _ = write!(text, "{number}");
            text.resize(size, b'.');
            text.into()
        }
        Serde::Json => {
            let (head, tail) = (format!(r#"{{"record":{number},"fill":""#), r#""}"#);
            let fill = size.saturating_sub(head.len() + tail.len());
            format!("{head}{}{tail}", ".".repeat(fill)).into()
        }
        Serde::Bytes | Serde::ByteArray | Serde::ByteBuffer => {
            let mut bytes = number.to_be_bytes().to_vec();
            bytes.resize(size, 0);
            bytes.into()
        }
        _ => plain(serde, number),
    }
}

/// A number as the type has it; numbers that it has not begin again from 0.
fn plain(serde: Serde, number: u64) -> Bytes {
    let text = match serde {
        Serde::Short => (number % (1 << 15)).to_string(),
        Serde::Integer => (number % (1 << 31)).to_string(),
        Serde::Long => (number % (1 << 63)).to_string(),
        Serde::Boolean => (number % 2 == 1).to_string(),
        Serde::Uuid => format!("00000000-0000-0000-0000-{:012}", number % 1_000_000_000_000),
        Serde::Bytes | Serde::ByteArray | Serde::ByteBuffer => {
            return Bytes::copy_from_slice(&number.to_be_bytes());
        }
        Serde::String | Serde::Json | Serde::Float | Serde::Double => number.to_string(),
    };
    // Each of these texts is a value of its type.
    serde.serialize(&text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_read_back_by_their_type() {
        for (serde, made_key, made_value, size) in [
            (Serde::String, "key-40000", "40000...............", 20),
            (Serde::Short, "7232", "7232", 2),
            (Serde::Integer, "40000", "40000", 4),
            (Serde::Long, "40000", "40000", 8),
            (Serde::Float, "40000.0", "40000.0", 4),
            (Serde::Double, "40000.0", "40000.0", 8),
            (Serde::Boolean, "false", "false", 1),
            (Serde::Uuid, "00000000-0000-0000-0000-000000040000", "00000000-0000-0000-0000-000000040000", 36),
            (
                Serde::Bytes,
                r"\x00\x00\x00\x00\x00\x00\x9C@",
                r"\x00\x00\x00\x00\x00\x00\x9C@\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
                20,
            ),
            (Serde::Json, r#"{"key":40000}"#, r#"{"record":40000,"fill":""}"#, 26),
        ] {
            let printed = |bytes: &[u8]| serde.deserialize(bytes).unwrap();
            assert_eq!(printed(&key(serde, 40_000)), made_key);
            let value = value(serde, 40_000, 20);
            assert_eq!((printed(&value).as_str(), value.len()), (made_value, size));
        }
        assert_eq!(value(Serde::Json, 7, 100).len(), 100);
        assert_eq!(value(Serde::Bytes, u64::MAX, 4).len(), 4);
    }
}
