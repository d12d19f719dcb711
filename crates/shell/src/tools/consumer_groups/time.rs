//! Times and durations as people write them for `--to-datetime` and `--by-duration`.

/// A time in milliseconds of Unix's (org.apache.kafka.common.utils.Utils.getDateTime): `2026-01-31T12:00:00.000`, with
/// `Z` or an offset behind it. The error is the message of Java's ParseException.
pub fn datetime(text: &str) -> Result<i64, String> {
    let parts = crate::java::split(text, "T");
    let [_, time, ..] = parts[..] else {
        return Err(
            "Error parsing timestamp. It does not contain a 'T' according to ISO8601 format".to_owned()
        );
    };
    let text = if time.contains(['+', '-', 'Z']) { text.to_owned() } else { format!("{text}Z") };
    parse(&text).ok_or_else(|| format!("Unparseable date: \"{text}\""))
}

/// Digits at the start.
fn number(text: &mut &str) -> Option<i64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    // Longer ones are no part of a time.
    if digits.len() > 9 { None } else { digits.parse().ok() }
}

fn literal(text: &mut &str, c: char) -> Option<()> {
    *text = text.strip_prefix(c)?;
    Some(())
}

fn parse(text: &str) -> Option<i64> {
    let rest = &mut &*text;
    let year = number(rest)?;
    literal(rest, '-')?;
    let month = number(rest)?;
    literal(rest, '-')?;
    let day = number(rest)?;
    literal(rest, 'T')?;
    let hour = number(rest)?;
    literal(rest, ':')?;
    let minute = number(rest)?;
    literal(rest, ':')?;
    let second = number(rest)?;
    literal(rest, '.')?;
    let ms = number(rest)?;
    let offset_minutes = offset(rest)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let fits =
        year >= 1 && (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60 && ms < 1_000;
    if !fits {
        return None;
    }
    let minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    Some((minutes * 60 + second) * 1_000 + ms)
}

/// `Z`, `+09:00`, `+0900` or `+09`, in minutes.
fn offset(rest: &mut &str) -> Option<i64> {
    if rest.starts_with('Z') {
        return Some(0);
    }
    let sign = match rest.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    *rest = &rest[1..];
    let two = |text: &str| -> Option<i64> {
        let digits = text.get(..2)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let hours = two(rest).filter(|hours| *hours < 24)?;
    let minutes = match rest[2..].strip_prefix(':') {
        Some(minutes) => two(minutes)?,
        // With an offset of hours alone, what stands behind it does not count.
        None => 0,
    };
    (minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// Howard Hinnant's days_from_civil: eras of 400 years that begin on the first of March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// What java.time says of a duration that is none.
pub const NO_DURATION: &str = "java.time.format.DateTimeParseException: Text cannot be parsed to a Duration";

/// A duration in nanoseconds, as java.time.Duration reads it: `P1DT2H3M4.5S`.
pub fn duration(text: &str) -> Option<i128> {
    let text = text.to_ascii_uppercase();
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(&text)),
    };
    let rest = rest.strip_prefix('P')?;
    let (days, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None if rest.is_empty() => return None,
        None => (rest, ""),
    };
    let mut nanos = match days {
        "" => 0,
        days => signed(days.strip_suffix('D')?)? * 86_400 * SECOND,
    };
    let mut rest = time;
    for (unit, seconds) in [('H', 3_600), ('M', 60)] {
        if let Some((count, behind)) = rest.split_once(unit) {
            nanos += signed(count)? * seconds * SECOND;
            rest = behind;
        }
    }
    if !rest.is_empty() {
        nanos += self::seconds(rest.strip_suffix('S')?)?;
    }
    Some(sign * nanos)
}

const SECOND: i128 = 1_000_000_000;

/// Whole units with a sign; what 64 bits do not hold is none.
fn signed(text: &str) -> Option<i128> {
    crate::java::parse_number::<i64>(text).map(i128::from)
}

fn seconds(text: &str) -> Option<i128> {
    let Some((whole, fraction)) = text.split_once(['.', ',']) else { return Some(signed(text)? * SECOND) };
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    Some(signed(whole)? * SECOND + sign * nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_kafka_reads_them() {
        for (text, want) in [
            ("1970-01-01T00:00:00.000", Ok(0)),
            ("1970-01-01T00:00:00.000Z", Ok(0)),
            ("2000-02-29T00:00:00.5", Ok(951_782_400_005)),
            ("2026-11-21T09:45:32.203", Ok(1_795_254_332_203)),
            ("1970-01-01T09:00:00.000+09:00", Ok(0)),
            ("1969-12-31T15:00:00.000-09", Ok(0)),
            ("1969-12-31T23:59:59.999Z", Ok(-1)),
            ("2026-02-29T00:00:00.000", Err("Unparseable date: \"2026-02-29T00:00:00.000Z\"")),
            ("2026-01-01T24:00:00.000", Err("Unparseable date: \"2026-01-01T24:00:00.000Z\"")),
            ("2026-01-01T00:00:00", Err("Unparseable date: \"2026-01-01T00:00:00Z\"")),
            ("T+é", Err("Unparseable date: \"T+é\"")),
            (
                "2026-01-01",
                Err("Error parsing timestamp. It does not contain a 'T' according to ISO8601 format"),
            ),
        ] {
            assert_eq!(datetime(text), want.map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn durations_are_read_as_java_reads_them() {
        for (text, want) in [
            ("PT0S", Some(0)),
            ("PT1H", Some(3_600_000)),
            ("P1D", Some(86_400_000)),
            ("-PT1M", Some(-60_000)),
            ("PT-1.5S", Some(-1_500)),
            ("p1dt2h3m4.5s", Some(93_784_500)),
            ("PT", None),
            ("P", None),
            ("1h", None),
            ("P1H", None),
            ("PT1", None),
            ("PT1S1M", None),
            ("PT99999999999999999999S", None),
            ("PTé", None),
        ] {
            assert_eq!(duration(text).map(|nanos| nanos / 1_000_000), want, "{text}");
        }
    }
}
