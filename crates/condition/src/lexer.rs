//! A condition's text as words, each with its place.

use std::ops::Range;

use crate::error::{ConditionError, Problem};

/// A word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Token {
    /// A name, or one of the words of the language.
    Name(String),
    Number(i64),
    /// Microseconds.
    Time(u64),
    Text(String),
    /// `==`, `(`, `,` and so on.
    Sign(&'static str),
}

/// Longer ones first: `<=` is not `<`.
const SIGNS: [&str; 15] = ["==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "(", ")", "[", "]", ",", "="];

/// The words of a text.
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, ConditionError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = &text[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, length) = if first == '"' || first == '\'' {
            quoted(rest, first, at)?
        } else if first.is_ascii_digit() || (first == '-' && digit(rest, 1)) {
            number(rest, at)?
        } else if first.is_alphabetic() || first == '_' {
            let length = run(rest, |c| c.is_alphanumeric() || c == '_');
            (Token::Name(rest[..length].to_owned()), length)
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            (Token::Sign(sign), sign.len())
        } else {
            return Err(ConditionError::new(at..at + first.len_utf8(), Problem::Character(first)));
        };
        found.push((token, at..at + length));
        at += length;
    }
    Ok(found)
}

/// Bytes of the characters at the beginning that are so.
fn run(text: &str, is_so: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_so(c)).unwrap_or(text.len())
}

fn digit(text: &str, at: usize) -> bool {
    text.as_bytes().get(at).is_some_and(u8::is_ascii_digit)
}

fn quoted(rest: &str, quote: char, at: usize) -> Result<(Token, usize), ConditionError> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((place, c)) = characters.next() {
        match c {
            '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
            c if c == quote => return Ok((Token::Text(text), place + c.len_utf8())),
            c => text.push(c),
        }
    }
    Err(ConditionError::new(at..at + rest.len(), Problem::OpenText))
}

fn number(rest: &str, at: usize) -> Result<(Token, usize), ConditionError> {
    let sign = usize::from(rest.starts_with('-'));
    let whole = sign + run(&rest[sign..], |c| c.is_ascii_digit() || c == '_');
    let point = if rest[whole..].starts_with('.') && digit(rest, whole + 1) {
        whole + 1 + run(&rest[whole + 1..], |c| c.is_ascii_digit())
    } else {
        whole
    };
    let length = point + run(&rest[point..], char::is_alphanumeric);
    let (digits, unit) = (rest[..point].replace('_', ""), &rest[point..length]);
    let wrong = || ConditionError::new(at..at + length, Problem::Number(rest[..length].to_owned()));
    let token = match unit {
        "" if point == whole => Token::Number(digits.parse().map_err(|_| wrong())?),
        _ => Token::Time(micros(&digits, unit).ok_or_else(wrong)?),
    };
    Ok((token, length))
}

/// A time in microseconds; what is smaller is cut off.
fn micros(digits: &str, unit: &str) -> Option<u64> {
    let one: u64 = match unit {
        "us" | "µs" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "min" => 60_000_000,
        _ => return None,
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let mut sum = whole.parse::<u64>().ok()?.checked_mul(one)?;
    let mut worth = one;
    for digit in part.bytes() {
        worth /= 10;
        sum = sum.checked_add(u64::from(digit - b'0') * worth)?;
    }
    Some(sum)
}
