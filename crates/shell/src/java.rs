//! What Java does in passing, and what users therefore see of Kafka's tools.

use std::collections::BTreeMap;

use barnabas_client::TopicPartition;

/// `String.hashCode`: over UTF-16 units.
fn hash_code(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// Puts names into the order in which a `java.util.HashMap` gives them after they were put into it one by one. `capacity`
/// is what its constructor was told; `None` stands for the constructor without.
pub fn hash_map_order<T>(items: Vec<T>, capacity: Option<usize>, name: impl Fn(&T) -> &str) -> Vec<T> {
    order_by_hash(items, capacity, |item| hash_code(name(item)))
}

/// The same for partitions (org.apache.kafka.common.TopicPartition.hashCode).
pub fn partition_map_order<T>(items: Vec<T>, partition: impl Fn(&T) -> &TopicPartition) -> Vec<T> {
    order_by_hash(items, None, |item| {
        let of = partition(item);
        of.partition.wrapping_add(31).wrapping_mul(31).wrapping_add(hash_code(&of.topic))
    })
}

fn order_by_hash<T>(items: Vec<T>, capacity: Option<usize>, hash: impl Fn(&T) -> i32) -> Vec<T> {
    // HashMap's table is a power of two and doubles when it is filled to more than three quarters.
    let mut table = capacity.map_or(16, |capacity| capacity.max(1).next_power_of_two());
    while items.len() * 4 > table * 3 {
        table *= 2;
    }
    let mask = u32::try_from(table - 1).unwrap_or(u32::MAX);
    let bucket = |item: &T| {
        let hash = hash(item).cast_unsigned();
        (hash ^ (hash >> 16)) & mask
    };
    let mut items = items;
    // Stable: within a bucket the order is that of arrival.
    items.sort_by_key(bucket);
    items
}

/// `Integer.parseInt` and `Long.parseLong`: decimal digits with a sign.
pub fn parse_number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// `String.split(separator)` for a literal separator: empty parts at the end are dropped, unless nothing else is there.
pub fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts: Vec<&str> =
        if separator.is_empty() { vec![text] } else { text.split(separator).collect() };
    if parts.len() > 1 {
        while parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
    }
    parts
}

/// `Properties.load`, without its escapes of Unicode: `name=value`, `name: value` or `name value`, a line each; `#` and
/// `!` begin a remark, and a backslash at the end joins the next line.
pub fn load_properties(text: &str) -> BTreeMap<String, String> {
    let mut properties = BTreeMap::new();
    let mut whole = String::new();
    for line in text.lines() {
        let line = line.trim_start();
        if whole.is_empty() && (line.is_empty() || line.starts_with(['#', '!'])) {
            continue;
        }
        let slashes = line.len() - line.trim_end_matches('\\').len();
        if slashes % 2 == 1 {
            whole.push_str(&line[..line.len() - 1]);
            continue;
        }
        whole.push_str(line);
        let (name, value) = property(&std::mem::take(&mut whole));
        properties.insert(name, value);
    }
    if !whole.is_empty() {
        let (name, value) = property(&whole);
        properties.insert(name, value);
    }
    properties
}

/// A property's line: a backslash takes the next character as it is.
fn property(line: &str) -> (String, String) {
    let (mut name, mut value) = (String::new(), String::new());
    let mut chars = line.chars().peekable();
    let mut separator = None;
    while let Some(c) = chars.next() {
        match c {
            '\\' => name.push(match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some(c) => c,
                None => break,
            }),
            '=' | ':' | ' ' | '\t' => {
                separator = Some(c);
                break;
            }
            c => name.push(c),
        }
    }
    let spaces = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
    };
    spaces(&mut chars);
    if matches!(separator, Some(' ' | '\t')) && chars.next_if(|c| matches!(c, '=' | ':')).is_some() {
        spaces(&mut chars);
    }
    while let Some(c) = chars.next() {
        value.push(match c {
            '\\' => match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some(c) => c,
                None => break,
            },
            c => c,
        });
    }
    (name, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_read_as_java_reads_them() {
        for (text, want) in [
            ("a=1\nb = 2 \n\n# c=3\n! d\n", "a=1 b=2 "),
            ("a:1\nb 2\nc : 3\nd", "a=1 b=2 c=3 d="),
            ("a=1,\\\n   2\nb=x\\\\\n", "a=1,2 b=x\\"),
            ("a\\=b=c\na=1\na=2", "a=2 a=b=c"),
            ("a=\\", "a="),
            ("", ""),
        ] {
            let got: Vec<String> =
                load_properties(text).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(got.join(" "), want, "{text:?}");
        }
    }

    #[test]
    fn hash_codes_are_javas() {
        for (text, hash) in [("", 0), ("a", 97), ("hello", 99_162_322), ("주문", 1_642_940)] {
            assert_eq!(hash_code(text), hash, "{text}");
        }
    }

    #[test]
    fn splitting_drops_empty_ends() {
        assert_eq!(split("a,b,,", ","), ["a", "b"]);
        assert_eq!(split("", ","), [""]);
        assert_eq!(split(",", ","), [""; 0]);
        assert_eq!(split(",a", ","), ["", "a"]);
        assert_eq!(parse_number::<i32>("+5"), Some(5));
        assert_eq!(parse_number::<i32>("-"), None);
        assert_eq!(parse_number::<i32>("2147483648"), None);
    }
}
