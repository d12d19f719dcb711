//! Times as people write them: ISO 8601, or counted from now.

/// What a written time needs to be one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Clock {
    /// Now, in milliseconds since 1970-01-01 UTC.
    pub now_ms: i64,
    /// How far the clocks of the reader are before UTC, in minutes; for times that say no zone.
    pub zone_minutes: i32,
}

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// Reads a time: `-30s` and `-5m` count from now (units `ms`, `s`, `m`, `h`, `d`), `2026-01-31`, `2026-01-31T09:30` and
/// `2026-01-31 09:30:15.123` are of the reader's zone, and `…Z` and `…+09:00` of the one they name. Gives milliseconds
/// since 1970-01-01 UTC; `None` for what is no time.
pub fn parse(text: &str, clock: Clock) -> Option<i64> {
    let text = text.trim();
    if text == "now" {
        return Some(clock.now_ms);
    }
    if let Some(back) = text.strip_prefix('-') {
        return clock.now_ms.checked_sub(span(back)?);
    }
    iso(text, clock.zone_minutes)
}

/// A span in milliseconds: whole numbers with a unit, one after the other (`1h30m`).
fn span(text: &str) -> Option<i64> {
    let (mut rest, mut sum) = (text, 0_i64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let unit = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let one = match &after[..unit] {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => MINUTE,
            "h" => 60 * MINUTE,
            "d" => DAY,
            _ => return None,
        };
        sum = sum.checked_add(number.parse::<i64>().ok()?.checked_mul(one)?)?;
        rest = &after[unit..];
    }
    (!text.is_empty()).then_some(sum)
}

/// Takes `count` digits off the front.
fn digits(rest: &mut &str, count: usize) -> Option<i64> {
    let (number, after) = rest.split_at_checked(count)?;
    *rest = after;
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())?
}

fn takes(rest: &mut &str, sign: char) -> Option<()> {
    *rest = rest.strip_prefix(sign)?;
    Some(())
}

fn iso(text: &str, zone_minutes: i32) -> Option<i64> {
    let mut rest = text;
    let year = digits(&mut rest, 4)?;
    takes(&mut rest, '-')?;
    let month = digits(&mut rest, 2)?;
    takes(&mut rest, '-')?;
    let day = digits(&mut rest, 2)?;
    if !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    let mut millis = days(year, month, day) * DAY;
    if let Some(time) = rest.strip_prefix(['T', 't', ' ']) {
        rest = time;
        let hour = digits(&mut rest, 2)?;
        takes(&mut rest, ':')?;
        let minute = digits(&mut rest, 2)?;
        let second = if takes(&mut rest, ':').is_some() { digits(&mut rest, 2)? } else { 0 };
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        millis += hour * 60 * MINUTE + minute * MINUTE + second * 1_000;
        if let Some(fraction) = rest.strip_prefix(['.', ',']) {
            let length = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
            let (part, after) = fraction.split_at(length);
            // What is smaller than a millisecond is cut off.
            millis += format!("{part:0<3}").get(..3).filter(|_| length > 0)?.parse::<i64>().ok()?;
            rest = after;
        }
    }
    let rest = rest.trim_start();
    let offset = match rest {
        "" => i64::from(zone_minutes),
        "Z" | "z" | "UTC" => 0,
        zone => {
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let mut zone = zone.strip_prefix(['+', '-'])?;
            let hours = digits(&mut zone, 2)?;
            let _ = takes(&mut zone, ':');
            let minutes = if zone.is_empty() { 0 } else { digits(&mut zone, 2)? };
            if hours > 18 || minutes > 59 || !zone.is_empty() {
                return None;
            }
            sign * (hours * 60 + minutes)
        }
    };
    Some(millis - offset * MINUTE)
}

fn days_of(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Counted from March, so that the leap day is the last of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let in_era = year.rem_euclid(400);
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        let clock = Clock { now_ms: 1_769_903_999_123, zone_minutes: 540 };
        for (text, want) in [
            ("now", Some(1_769_903_999_123)),
            ("-30s", Some(1_769_903_969_123)),
            ("-5m", Some(1_769_903_699_123)),
            ("-1h30m", Some(1_769_898_599_123)),
            ("-250ms", Some(1_769_903_998_873)),
            ("-2d", Some(1_769_731_199_123)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T00:00Z", Some(951_782_400_000)),
            ("2026-01-31T23:59:59.123Z", Some(1_769_903_999_123)),
            ("2026-01-31 23:59:59.1239 UTC", Some(1_769_903_999_123)),
            ("2026-02-01T08:59:59.123", Some(1_769_903_999_123)),
            ("2026-02-01T08:59:59.123+09:00", Some(1_769_903_999_123)),
            ("2026-01-31T18:59:59.123-0500", Some(1_769_903_999_123)),
            ("2026-02-01", Some(1_769_871_600_000)),
            ("", None),
            ("-", None),
            ("-5", None),
            ("-5x", None),
            ("5m", None),
            ("-99999999999999999999s", None),
            ("-9223372036854775807d", None),
            ("2026-02-29", None),
            ("2026-13-01", None),
            ("2026-01-31T24:00", None),
            ("2026-01-31T09", None),
            ("2026-01-31T09:30:00.", None),
            ("2026-01-31T09:30+99:00", None),
            ("2026-01-31X", None),
            ("２０２６-01-31", None),
            ("1795000083449", None),
        ] {
            assert_eq!(parse(text, clock), want, "{text}");
        }
    }
}
