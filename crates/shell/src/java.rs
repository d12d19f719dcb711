//! What Java does in passing, and what users therefore see of Kafka's tools.

use std::collections::BTreeMap;

use blumfeld_client::TopicPartition;

/// `String.hashCode`: over UTF-16 units.
fn hash_code(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// Puts names into the order in which a `java.util.HashMap` gives them after they were put into it one by one.
/// `capacity` is what its constructor was told; `None` stands for the constructor without.
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

/// `%.Nf`: as `String.format` writes it, which rounds the shortest decimals that mean this number, half away from zero.
pub fn fixed(number: f64, digits: usize) -> String {
    if !number.is_finite() {
        return if number.is_nan() {
            "NaN".to_owned()
        } else {
            format!("{number}").replace("inf", "Infinity")
        };
    }
    let shortest = number.abs().to_string();
    let (whole, fraction) = shortest.split_once('.').unwrap_or((&shortest, ""));
    let kept: String = fraction.chars().chain(std::iter::repeat('0')).take(digits).collect();
    let mut text: Vec<u8> = format!("{whole}{kept}").into_bytes();
    if fraction.as_bytes().get(digits).is_some_and(|digit| *digit >= b'5') {
        let nines = text.iter().rev().take_while(|digit| **digit == b'9').count();
        let at = text.len() - nines;
        text[at..].fill(b'0');
        match at.checked_sub(1) {
            Some(before) => text[before] += 1,
            None => text.insert(0, b'1'),
        }
    }
    let mut text = String::from_utf8_lossy(&text).into_owned();
    if digits > 0 {
        text.insert(text.len() - digits, '.');
    }
    if number.is_sign_negative() { format!("-{text}") } else { text }
}

/// `java.util.SplittableRandom`: SplitMix64 with the golden ratio.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SplittableRandom(u64);

impl SplittableRandom {
    /// The generator of a seed.
    pub fn new(seed: u64) -> SplittableRandom {
        SplittableRandom(seed)
    }

    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 33)).wrapping_mul(0x62a9_d9ed_7997_05f5);
        // The upper half.
        u32::try_from((mixed ^ (mixed >> 28)).wrapping_mul(0xcb24_d0a5_c88c_35b3) >> 32).unwrap_or_default()
    }

    /// `nextInt(bound)`; `bound` is above 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        let drawn = self.next();
        if bound.is_power_of_two() {
            return drawn & (bound - 1);
        }
        let mut drawn = drawn >> 1;
        loop {
            let rest = drawn % bound;
            // Java's int overflows where the last, incomplete round of numbers begins.
            if drawn + (bound - 1) - rest <= i32::MAX.cast_unsigned() {
                return rest;
            }
            drawn = self.next() >> 1;
        }
    }
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
    fn numbers_are_rounded_as_java_rounds_them() {
        for (number, digits, want) in [
            (0.125, 2, "0.13"),
            (0.135, 2, "0.14"),
            (1.0, 1, "1.0"),
            (9.999, 2, "10.00"),
            (0.04, 1, "0.0"),
            (0.05, 1, "0.1"),
            (-2.5, 0, "-3"),
            (99.5, 0, "100"),
            (1e21, 1, "1000000000000000000000.0"),
            (1_234_567.891_234_5, 6, "1234567.891235"),
            (f64::NAN, 2, "NaN"),
            (f64::INFINITY, 2, "Infinity"),
        ] {
            assert_eq!(fixed(number, digits), want, "{number}");
        }
    }

    #[test]
    fn random_numbers_are_javas() {
        let mut random = SplittableRandom::new(0);
        let letters: String = (0..24).map(|_| char::from(b'A' + random.below(26) as u8)).collect();
        assert_eq!(letters, "YQHHNEBSEPDNSEIFGAMSUJXK");
        let bounds = [16, 16, 16, 16, 16, 16, 2_000_000_000, 1_500_000_000, 1_500_000_000, 1_500_000_000];
        assert_eq!(
            bounds.map(|bound| random.below(bound)),
            [9, 6, 15, 14, 8, 6, 655_298_915, 1_335_471_936, 1_493_289_285, 633_776_107]
        );
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
