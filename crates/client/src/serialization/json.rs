//! JSON as Connect reads and prints it (org.apache.kafka.connect.json.JsonDeserializer, which is Jackson's tree).

use super::java_double;

/// Arrays and objects in one another at most. Jackson allows 1000; each level takes room on the stack here.
const DEEPEST: usize = 200;

/// Why a text is not JSON.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wrong {
    /// What was found, or missed.
    pub what: &'static str,
    /// Where, in bytes.
    pub at: usize,
}

/// The first value of a text in its compact form, and how many bytes it takes. What follows it is not looked at, as in
/// Java, but for that no number or word goes on there. `None` if there is nothing but space.
pub(super) fn first(text: &[u8]) -> Result<Option<(String, usize)>, Wrong> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = Reader { text, at: 0, depth: 0 };
    reader.space();
    let Some(begin) = reader.peek() else { return Ok(None) };
    let mut out = String::new();
    reader.value(&mut out)?;
    let ended = match (begin, reader.peek()) {
        (_, None) | (b'{' | b'[' | b'"', _) => true,
        (b'-' | b'0'..=b'9', Some(next)) => is_space(next),
        (_, Some(next)) => !next.is_ascii_alphanumeric() && next != b'_',
    };
    if ended { Ok(Some((out, reader.at))) } else { Err(reader.wrong("a value that does not end")) }
}

/// Whether a text is one value and nothing else.
pub(super) fn check(text: &[u8]) -> Result<(), Wrong> {
    match first(text)? {
        None => Err(Wrong { what: "no value", at: text.len() }),
        Some((_, end)) => match (end..).zip(&text[end.min(text.len())..]).find(|(_, byte)| !is_space(**byte))
        {
            Some((at, _)) => Err(Wrong { what: "something behind the value", at }),
            None => Ok(()),
        },
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn wrong(&self, what: &'static str) -> Wrong {
        Wrong { what, at: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    fn value(&mut self, out: &mut String) -> Result<(), Wrong> {
        match self.peek() {
            Some(b'{') => self.nested(out, Reader::object),
            Some(b'[') => self.nested(out, Reader::array),
            Some(b'"') => {
                let text = self.string()?;
                quote(&text, out);
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') => self.number(out),
            Some(_) => {
                for word in ["null", "true", "false"] {
                    if self.text[self.at..].starts_with(word.as_bytes()) {
                        self.at += word.len();
                        out.push_str(word);
                        return Ok(());
                    }
                }
                Err(self.wrong("no value"))
            }
            None => Err(self.wrong("an end where a value is due")),
        }
    }

    fn nested(
        &mut self,
        out: &mut String,
        read: fn(&mut Self, &mut String) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        if self.depth == DEEPEST {
            return Err(self.wrong("more than 200 arrays and objects in one another"));
        }
        self.depth += 1;
        self.at += 1;
        self.space();
        read(self, out)?;
        self.depth -= 1;
        Ok(())
    }

    fn array(&mut self, out: &mut String) -> Result<(), Wrong> {
        out.push('[');
        if !self.take(b']') {
            loop {
                self.value(out)?;
                self.space();
                if self.take(b']') {
                    break;
                }
                if !self.take(b',') {
                    return Err(self.wrong("no comma and no end of the array"));
                }
                out.push(',');
                self.space();
            }
        }
        out.push(']');
        Ok(())
    }

    /// Of a name that comes twice the last value counts, in the place of the first.
    fn object(&mut self, out: &mut String) -> Result<(), Wrong> {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut places = std::collections::BTreeMap::new();
        if !self.take(b'}') {
            loop {
                if self.peek() != Some(b'"') {
                    return Err(self.wrong("no name of a field"));
                }
                let name = self.string()?;
                self.space();
                if !self.take(b':') {
                    return Err(self.wrong("no colon"));
                }
                self.space();
                let mut value = String::new();
                self.value(&mut value)?;
                let place = *places.entry(name.clone()).or_insert(fields.len());
                match fields.get_mut(place) {
                    Some(field) => field.1 = value,
                    None => fields.push((name, value)),
                }
                self.space();
                if self.take(b'}') {
                    break;
                }
                if !self.take(b',') {
                    return Err(self.wrong("no comma and no end of the object"));
                }
                self.space();
            }
        }
        out.push('{');
        for (index, (name, value)) in fields.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            quote(name, out);
            out.push(':');
            out.push_str(value);
        }
        out.push('}');
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Wrong> {
        let begin = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == begin { Err(self.wrong("no digit")) } else { Ok(()) }
    }

    /// An integer keeps its digits; all else is a double. Zeros may lead, which Connect allows.
    fn number(&mut self, out: &mut String) -> Result<(), Wrong> {
        let begin = self.at;
        self.take(b'-');
        self.digits()?;
        let mut integer = true;
        if self.take(b'.') {
            integer = false;
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            integer = false;
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let text = String::from_utf8_lossy(&self.text[begin..self.at]);
        if integer {
            let digits = text.trim_start_matches('-').trim_start_matches('0');
            let sign = if text.starts_with('-') && !digits.is_empty() { "-" } else { "" };
            out.push_str(sign);
            out.push_str(if digits.is_empty() { "0" } else { digits });
        } else {
            let number: f64 = text.parse().map_err(|_| self.wrong("no number"))?;
            let plain = java_double(number);
            if number.is_finite() { out.push_str(&plain) } else { quote(&plain, out) }
        }
        Ok(())
    }

    fn string(&mut self) -> Result<String, Wrong> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain =
                rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=31)).unwrap_or(rest.len());
            out.push_str(std::str::from_utf8(&rest[..plain]).map_err(|error| Wrong {
                what: "bytes that are not UTF-8",
                at: self.at + error.valid_up_to(),
            })?);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escaped()?);
                }
                Some(_) => return Err(self.wrong("a control character in a string")),
                None => return Err(self.wrong("no end of a string")),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, Wrong> {
        let Some(byte) = self.peek() else { return Err(self.wrong("no end of a string")) };
        let one = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.wrong("an escape that there is not")),
        };
        self.at += 1;
        Ok(one)
    }

    /// Half a surrogate pair alone is printed as a question mark, as by Java.
    fn unicode(&mut self) -> Result<char, Wrong> {
        let high = self.hex()?;
        if let Some(one) = char::from_u32(high) {
            return Ok(one);
        }
        let behind = self.at;
        if high < 0xdc00 && self.take(b'\\') && self.take(b'u') {
            let low = self.hex()?;
            if (0xdc00..0xe000).contains(&low) {
                let pair = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(pair).unwrap_or('?'));
            }
        }
        self.at = behind;
        Ok('?')
    }

    fn hex(&mut self) -> Result<u32, Wrong> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.wrong("no hexadecimal digit"))?;
            self.at += 1;
        }
        Ok(code)
    }
}

/// A string as Jackson writes it.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for one in text.chars() {
        match one {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04X}", u32::from(one))),
            _ => out.push(one),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Connect's JsonDeserializer of Apache Kafka 4.3.1 makes of a text, `None` where it throws.
    #[test]
    fn json_is_read_and_printed_as_connect_does() {
        for (text, want) in [
            ("-0", Some("0")),
            ("01", Some("1")),
            ("1E5", Some("100000.0")),
            ("-0.0", Some("-0.0")),
            ("0.1e-5", Some("1.0E-6")),
            ("-1.5E+3", Some("-1500.0")),
            ("100000000.5", Some("1.000000005E8")),
            ("1e400", Some("\"Infinity\"")),
            ("123456789012345678901234567890", Some("123456789012345678901234567890")),
            (r#""\ud800""#, Some("\"?\"")),
            (r#""\ud83dx""#, Some("\"?x\"")),
            (r#""\ud83d\ude00""#, Some("\"😀\"")),
            (r#""\u0001\b\f\n\r\t\"\\\/""#, Some(r#""\u0001\b\f\n\r\t\"\\/""#)),
            (" \t\r\n[ ]", Some("[]")),
            ("\u{feff}1", Some("1")),
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
            ("1,", None),
            ("'a'", None),
            ("// c\n1", None),
            ("\"a\tb\"", None),
            ("\"a", None),
            (r#""\x""#, None),
            (r#""\u12g4""#, None),
        ] {
            let read = first(text.as_bytes()).map(|value| value.map_or_else(String::new, |value| value.0));
            assert_eq!(read.as_ref().ok().map(String::as_str), want, "{text}: {read:?}");
        }
        assert_eq!(first(b"\"\xff\""), Err(Wrong { what: "bytes that are not UTF-8", at: 1 }));
        let deep = |levels: usize| first("[".repeat(levels).as_bytes()).unwrap_err().what;
        assert_eq!(deep(DEEPEST), "an end where a value is due");
        assert_eq!(deep(100_000), "more than 200 arrays and objects in one another");
    }
}
