//! Numbers, sizes, times and bytes as people read them. Plain functions without a browser, tested natively.

/// `351040` as `351,040`.
pub fn count(value: impl Into<i128>) -> String {
    let value: i128 = value.into();
    let digits = value.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        out.push('−');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// 1, 2 and 5 times a power of ten, then the next: the round numbers of an axis, from such a power on and up to the
/// largest number there is.
pub fn round_numbers(power: i64) -> impl Iterator<Item = i64> {
    let powers = std::iter::successors(Some(power), |power| Some(power.saturating_mul(10)));
    powers.flat_map(|power| [1, 2, 5].map(|step| power.saturating_mul(step)))
}

/// A size in bytes with a decimal unit and at most three digits that count: `4.19 MB`, `142 kB`, `0 B`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    // 999.5 kB would round to "1000 kB".
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or("TB");
    match (unit, value) {
        (0, _) => format!("{bytes} B"),
        (_, small) if small < 9.995 => format!("{small:.2} {name}"),
        (_, middle) if middle < 99.95 => format!("{middle:.1} {name}"),
        (_, large) => format!("{large:.0} {name}"),
    }
}

/// Virtual microseconds as the clock shows them: `00:01:23.456` and `789`. Hours go on past 99.
pub fn clock(micros: u64) -> (String, String) {
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    let big =
        format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, rest / 1000);
    (big, format!("{:03}", rest % 1000))
}

/// The time of a line of the event log: `01:23.455 120`, with hours only once there are any.
pub fn moment(micros: u64) -> String {
    let (big, small) = clock(micros);
    let short = big.strip_prefix("00:").unwrap_or(&big);
    format!("{short} {small}")
}

/// A length of time in milliseconds as `850 ms`, `12.4 s`, `900 s`.
pub fn span(millis: f64) -> String {
    let whole = millis.max(0.0) as u64;
    match whole {
        0..1_000 => format!("{whole} ms"),
        1_000..60_000 => format!("{}.{} s", whole / 1_000, whole / 100 % 10),
        _ => format!("{} s", count(whole / 1_000)),
    }
}

/// Milliseconds since 1970-01-01 UTC as `2026-01-31 23:59:59.123`; nothing for Kafka's "no timestamp" (-1) or what
/// is no date.
pub fn timestamp(millis: f64) -> Option<String> {
    // Past the year 9999 the shape breaks, and no clock says so.
    if !(0.0..253_402_300_800_000.0).contains(&millis) {
        return None;
    }
    let millis = millis as u64;
    let (days, rest) = (millis / 86_400_000, millis % 86_400_000);
    let (year, month, day) = civil(days as i64);
    let (seconds, millis) = (rest / 1000, rest % 1000);
    Some(format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}.{millis:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    ))
}

/// The same with the mark of UTC, so that what is copied names the same moment everywhere: `2026-01-31 23:59:59.123Z`.
pub fn utc(millis: f64) -> Option<String> {
    timestamp(millis).map(|said| said + "Z")
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted from 0000-03-01, so that the leap day is the last of its year.
    let days = days + 719_468;
    let (era, in_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

/// A pace as the control shows it: `1/200×`, `1×`, `25×`.
pub fn pace(times: f64) -> String {
    if times <= 0.0 {
        return "0×".into();
    }
    let inverse = 1.0 / times;
    if (0.15..0.995).contains(&times) && (inverse - inverse.round()).abs() > 0.04 {
        return format!("{times:.1}×");
    }
    if times < 0.995 {
        // Past three digits nobody reads the rest.
        let unit = 10_f64.powi((inverse.log10().floor() as i32 - 2).max(0));
        return format!("1/{:.0}×", (inverse / unit).round() * unit);
    }
    if times < 9.95 && (times - times.round()).abs() > 0.04 {
        return format!("{times:.1}×");
    }
    format!("{}×", count(times.round() as i64))
}

/// What the bytes of a key, a value or a header are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// Text in UTF-8.
    Text(String),
    /// Text in UTF-8 that is also JSON, laid out with two spaces a level. Tokens are as they came.
    Json(String),
    /// Anything else, as pairs of hex digits.
    Hex(String),
}

impl Content {
    /// What is shown, whatever it is.
    pub fn shown(&self) -> &str {
        match self {
            Self::Text(text) | Self::Json(text) | Self::Hex(text) => text,
        }
    }
}

/// Tells what `bytes` are. `whole` is false when they were cut: then a character cut in two at the end is no reason to
/// call it binary, and it is not tried as JSON.
pub fn content(bytes: &[u8], whole: bool) -> Content {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if !whole && error.error_len().is_none() => bytes
            .get(..error.valid_up_to())
            .and_then(|head| std::str::from_utf8(head).ok())
            .unwrap_or_default(),
        Err(_) => return Content::Hex(hex(bytes)),
    };
    if text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
        return Content::Hex(hex(bytes));
    }
    let looks = text.trim_start().starts_with(['{', '[']);
    if whole && looks && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        return Content::Json(indent_json(text));
    }
    Content::Text(text.to_owned())
}

/// Valid JSON laid out over lines. Works on the text, so that numbers and the order of keys stay as they were sent.
fn indent_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        (0..depth).for_each(|_| out.push_str("  "));
    };
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                while chars.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                if let Some(close) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => {
                in_string = c == '"';
                out.push(c);
            }
        }
    }
    out
}

/// Bytes as pairs of hex digits with a space between.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 3);
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        out.push_str(&format!("{byte:02x}"));
    }
    out
}

/// The first `chars` characters of a text on one line: line ends and tabs become spaces, and what was cut an ellipsis.
pub fn one_line(text: &str, chars: usize) -> String {
    let mut out = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == chars {
            out.push('…');
            break;
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (value, want) in [
            (0_i64, "0"),
            (999, "999"),
            (1000, "1,000"),
            (-1, "−1"),
            (-351_040, "−351,040"),
            (12_345_678, "12,345,678"),
        ] {
            assert_eq!(count(value), want);
        }
    }

    #[test]
    fn sizes_have_three_digits_that_count() {
        for (bytes, want) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (142_000, "142 kB"),
            (999_999, "1.00 MB"),
            (4_194_304, "4.19 MB"),
            (99_960_000, "100 MB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(size(bytes), want);
        }
    }

    #[test]
    fn times_are_virtual_or_utc() {
        assert_eq!(clock(83_456_789), ("00:01:23.456".into(), "789".into()));
        assert_eq!(clock(u64::MAX).0.len(), "5124095576:01:49.551".len());
        assert_eq!(moment(83_456_789), "01:23.456 789");
        assert_eq!(moment(3_600_000_000), "01:00:00.000 000");
        for (millis, want) in [
            (0.0, Some("1970-01-01 00:00:00.000")),
            (951_782_400_000.0, Some("2000-02-29 00:00:00.000")),
            (1_769_903_999_123.0, Some("2026-01-31 23:59:59.123")),
            (-1.0, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(timestamp(millis).as_deref(), want, "{millis}");
        }
    }

    #[test]
    fn paces_read_as_times() {
        for (times, want) in [
            (0.001, "1/1000×"),
            (0.005, "1/200×"),
            (1.0 / 4_183.0, "1/4180×"),
            (0.5, "1/2×"),
            (0.6, "0.6×"),
            (0.8, "0.8×"),
            (1.0, "1×"),
            (2.5, "2.5×"),
            (1000.0, "1,000×"),
        ] {
            assert_eq!(pace(times), want);
        }
    }

    #[test]
    fn bytes_are_told_apart() {
        for (bytes, whole, want) in [
            (&b"kettle"[..], true, Content::Text("kettle".into())),
            ("주문 접수".as_bytes(), true, Content::Text("주문 접수".into())),
            ("주문".as_bytes().get(..5).unwrap(), false, Content::Text("주".into())),
            ("주문".as_bytes().get(..5).unwrap(), true, Content::Hex("ec a3 bc eb ac".into())),
            (&[0, 1, 255], true, Content::Hex("00 01 ff".into())),
            (&[], true, Content::Text(String::new())),
            (b"[not json", true, Content::Text("[not json".into())),
            (b"{}", true, Content::Json("{}".into())),
            (
                br#"{"b":1.50,"a":["x,\"y\"",{ }, 12345678901234567890],"c":null}"#,
                true,
                Content::Json(
                    "{\n  \"b\": 1.50,\n  \"a\": [\n    \"x,\\\"y\\\"\",\n    {},\n    12345678901234567890\n  ],\n  \"c\": null\n}"
                        .into(),
                ),
            ),
            (br#"{"a":1}"#, false, Content::Text(r#"{"a":1}"#.into())),
        ] {
            assert_eq!(content(bytes, whole), want);
        }
    }

    #[test]
    fn long_texts_are_cut_at_characters() {
        assert_eq!(one_line("하나\n둘", 9), "하나 둘");
        assert_eq!(one_line("하나둘셋", 2), "하나…");
    }
}
