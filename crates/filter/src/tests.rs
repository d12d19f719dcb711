use super::*;

const CLOCK: Clock = Clock { now_ms: 1_000_000, zone_minutes: 0 };

/// Records to look for: partition, offset, timestamp, key, value.
type Row = (i32, i64, i64, Option<&'static str>, Option<&'static str>);
const RECORDS: [Row; 6] = [
    (0, 0, 100_000, Some("A-1"), Some(r#"{"sku":"kettle","amount":99.5,"customer":{"id":42,"name":"Kim"}}"#)),
    (
        0,
        1,
        200_000,
        Some("A-2"),
        Some(r#"{"sku":"Teapot","amount":250,"paid":true,"items":[{"n":1},{"n":7}]}"#),
    ),
    (1, 0, 300_000, Some("B-1"), Some("주문 접수: Kettle")),
    (1, 1, 400_000, None, Some("42")),
    (1, 2, 700_000, Some("A-1"), None),
    (2, 7, 900_000, Some("{\"id\":3}"), Some(r#"{"sku":null,"odd key":{"a.b":"x"},"amount":"250"}"#)),
];

fn found(filter: &str) -> Vec<usize> {
    let filter = Filter::parse(filter, CLOCK).unwrap_or_else(|error| panic!("{filter}: {error}"));
    let is_found = |(at, row): (usize, &Row)| {
        let (partition, offset, timestamp, key, value) = *row;
        let headers =
            if at == 0 { vec![("trace-id", Some(&b"dead-beef"[..])), ("trace-id", None)] } else { vec![] };
        let (key, value) = (key.map(str::as_bytes), value.map(str::as_bytes));
        let candidate =
            Candidate { partition, offset, timestamp, key, value, headers, json: Default::default() };
        filter.is_fulfilled(&candidate).then_some(at)
    };
    RECORDS.iter().enumerate().filter_map(is_found).collect()
}

#[test]
fn filters_find_what_they_say() {
    for (filter, want) in [
        ("", vec![0, 1, 2, 3, 4, 5]),
        ("  ", vec![0, 1, 2, 3, 4, 5]),
        ("kettle", vec![0, 2]),
        ("KETTLE", vec![0, 2]),
        ("주문", vec![2]),
        ("a-1", vec![0, 4]),
        ("a-1 kim", vec![0]),
        ("\"주문 접수\"", vec![2]),
        ("key:a-", vec![0, 1, 4]),
        ("key:A-1", vec![0, 4]),
        ("key=A-1", vec![0, 4]),
        ("key == a-1", vec![]),
        ("key != A-1", vec![1, 2, 5]),
        ("key == null", vec![3]),
        ("value == null", vec![4]),
        ("value != null", vec![0, 1, 2, 3, 5]),
        ("value:kettle", vec![0, 2]),
        ("value:\"접수: k\"", vec![2]),
        ("value == 42", vec![3]),
        ("value > 41", vec![3]),
        ("value < 42", vec![]),
        ("header.trace-id:BEEF", vec![0]),
        ("header.trace-id=dead-beef", vec![0]),
        ("header.trace-id == null", vec![0]),
        ("header.other:x", vec![]),
        ("value.customer.id == 42", vec![0]),
        (".customer.id==42", vec![0]),
        ("value.customer.id != 42", vec![]),
        ("value.customer.name = Kim", vec![0]),
        ("value.customer.name:ki", vec![0]),
        ("value.customer:kim", vec![0]),
        ("value.amount > 100", vec![1]),
        ("value.amount>=99.5", vec![0, 1]),
        ("value.amount < 100", vec![0]),
        ("value.amount <= 250", vec![0, 1]),
        ("value.amount == \"250\"", vec![5]),
        ("value.amount != 250", vec![0, 5]),
        ("value.paid == true", vec![1]),
        ("value.sku == null", vec![5]),
        ("value.sku > a", vec![0]),
        ("value.items[1].n == 7", vec![1]),
        ("value.items[].n == 7", vec![1]),
        ("value.items[].n == 8", vec![]),
        ("value[\"odd key\"]['a.b'] == x", vec![5]),
        ("key.id == 3", vec![5]),
        ("partition == 1", vec![2, 3, 4]),
        ("partition != 1 offset >= 1", vec![1, 5]),
        ("offset<1", vec![0, 2]),
        ("timestamp >= 400000", vec![3, 4, 5]),
        ("timestamp >= -5m", vec![4, 5]),
        ("timestamp < 1970-01-01T00:05:00Z", vec![0, 1]),
        ("timestamp < \"1970-01-01 00:05:00\"", vec![0, 1]),
        ("kettle or teapot", vec![0, 1, 2]),
        ("kettle and partition == 0 or 42", vec![0, 3]),
        ("kettle && (partition == 0 || 42)", vec![0]),
        ("not kettle", vec![1, 3, 4, 5]),
        ("!kettle !a-", vec![3, 5]),
        ("not (kettle or key:a)", vec![3, 5]),
        ("not value.amount > 100", vec![0, 2, 3, 4, 5]),
        ("NOT kettle AND partition == 2", vec![5]),
        ("android or notes", vec![]),
        ("key == \"and\" or key:A-2", vec![1]),
    ] {
        assert_eq!(found(filter), want, "{filter}");
    }
}

#[test]
fn what_cannot_be_read_is_pointed_at() {
    for (filter, place, problem) in [
        ("foo == 1", "foo", Problem::NoSuchField("foo".into())),
        ("kettle and 10:30", "10", Problem::NoSuchField("10".into())),
        ("\"kettle", "\"kettle", Problem::OpenText),
        ("a value['x == 1", "'x == 1", Problem::OpenText),
        ("value.a ==", "==", Problem::Missing("==".into())),
        ("value.a > and b", ">", Problem::Missing(">".into())),
        ("key:", ":", Problem::Missing(":".into())),
        ("key: kettle", ":", Problem::Missing(":".into())),
        ("a and", "and", Problem::Missing("and".into())),
        ("a or (b or )", "or", Problem::Missing("or".into())),
        ("not", "not", Problem::Missing("not".into())),
        ("()", "(", Problem::Missing("(".into())),
        ("and a", "and", Problem::NoField("and".into())),
        ("a or and b", "and", Problem::NoField("and".into())),
        (":", ":", Problem::NoField(":".into())),
        ("== 4", "==", Problem::NoField("==".into())),
        ("a (b or c", "(", Problem::Open),
        ("a) b", ")", Problem::ClosesNothing),
        ("offset == x", "x", Problem::NotANumber { field: "offset".into(), found: "x".into() }),
        ("partition == 1.5", "1.5", Problem::NotANumber { field: "partition".into(), found: "1.5".into() }),
        ("timestamp > -5x", "-5x", Problem::NotATime("-5x".into())),
        ("timestamp > yesterday", "yesterday", Problem::NotATime("yesterday".into())),
        ("offset:4", ":", Problem::Operator { field: "offset".into(), how: ":".into() }),
        ("value.a < null", "<", Problem::Operator { field: "value.a".into(), how: "<".into() }),
        ("value..a == 1", "value..a", Problem::Path("value..a".into())),
        ("value.a[x] == 1", "value.a[x]", Problem::Path("value.a[x]".into())),
        ("header:x", "header", Problem::HeaderName),
        ("value.amount", "value.amount", Problem::FieldAlone("value.amount".into())),
        ("offset and 5", "offset", Problem::FieldAlone("offset".into())),
    ] {
        let error = Filter::parse(filter, CLOCK).expect_err(filter);
        assert_eq!((error.split(filter).1, &error.problem), (place, &problem), "{filter}");
        assert!(
            !error.to_string().is_empty() && error.to_korean().chars().any(|c| ('가'..='힣').contains(&c))
        );
    }
    let deep = format!("{}a{}", "(".repeat(40), ")".repeat(40));
    assert_eq!(Filter::parse(&deep, CLOCK).expect_err("deep").problem, Problem::TooDeep);
    assert_eq!(Filter::parse(&"!".repeat(99), CLOCK).expect_err("nots").problem, Problem::TooDeep);
    assert_eq!(Filter::parse(&"a ".repeat(4_000), CLOCK).expect_err("long").problem, Problem::TooLong);
}

#[test]
fn no_text_panics_and_every_place_lies_within_it() {
    let pieces = [
        "a",
        "(",
        ")",
        "\"",
        "'",
        " ",
        "not",
        "and",
        "or",
        "!",
        "!=",
        "==",
        "=",
        ":",
        "<",
        ">=",
        "value",
        ".",
        "[",
        "]",
        "key",
        "header.",
        "오프셋",
        "offset",
        "timestamp",
        "-5m",
        "1",
        "null",
        "\\",
        "&&",
        "||",
        "한",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % 1_000_003).unwrap_or(0)
    };
    for _ in 0..60_000 {
        let text: String = (0..next() % 12).map(|_| pieces[next() % pieces.len()]).collect();
        match Filter::parse(&text, CLOCK) {
            Err(error) => {
                let (before, at, behind) = error.split(&text);
                assert_eq!(format!("{before}{at}{behind}"), text);
                assert!(error.place.end <= text.len() && text.is_char_boundary(error.place.start), "{text}");
            }
            Ok(filter) => {
                let candidate = Candidate {
                    partition: 0,
                    offset: 0,
                    timestamp: 0,
                    key: Some(b"a"),
                    value: Some(b"{\"a\":[1]}"),
                    headers: vec![],
                    json: Default::default(),
                };
                let _ = filter.is_fulfilled(&candidate);
            }
        }
    }
}
