use std::collections::BTreeMap;

use super::*;

/// Answers by the question's own words: `leader(orders-0)`.
struct Table(BTreeMap<String, Value>);

impl Facts for Table {
    fn answer(&self, question: &Question) -> Option<Value> {
        self.0.get(&format!("{question:?}")).cloned()
    }
}

fn table() -> Table {
    let orders = || ("orders".to_owned(), 0);
    let known = [
        (Question::Leader(orders()), Value::Number(2)),
        (Question::Isr(orders()), Value::Numbers(vec![2, 1])),
        (Question::HighWatermark(orders(), None), Value::Number(41)),
        (Question::HighWatermark(orders(), Some(3)), Value::Number(40)),
        (Question::State("billing".to_owned()), Value::Text("Stable".to_owned())),
        (Question::Lag("billing".to_owned(), None, None), Value::Number(0)),
        (Question::Topics, Value::Texts(vec!["orders".to_owned()])),
        (Question::Groups, Value::Texts(vec![])),
        (Question::Up(2), Value::Truth(true)),
        (Question::Time, Value::Time(83_400_000)),
        (Question::Saw(Sight::Error(19), None), Value::Truth(false)),
        (Question::Saw(Sight::Event(EventSort::Election), Some("orders-0".to_owned())), Value::Truth(true)),
    ];
    Table(known.into_iter().map(|(question, value)| (format!("{question:?}"), value)).collect())
}

#[test]
fn conditions_hold_or_do_not_or_cannot_be_told() {
    for (text, want) in [
        (r#"leader("orders", 0) == 2"#, Some(true)),
        (r#"leader('orders',0)!=2"#, Some(false)),
        (r#"isr("orders", 0) == [1, 2]"#, Some(true)),
        (r#"isr("orders", 0) == [1]"#, Some(false)),
        (r#"1 in isr("orders", 0)"#, Some(true)),
        (r#""orders" in topics"#, Some(true)),
        (r#"topics != []"#, Some(true)),
        (r#"groups == []"#, Some(true)),
        (r#"topics == ["orders"]"#, Some(true)),
        (r#"hw("orders", 0) > 40 and high_watermark("orders", 0, 3) <= 40"#, Some(true)),
        (r#"state("billing") == "Stable" && lag("billing") == 0"#, Some(true)),
        (r#"not (state("billing") == "Stable" or false)"#, Some(false)),
        ("!up(2) || time >= 83.4s", Some(true)),
        ("time > 83400ms", Some(false)),
        ("time < 2min and time > 83_399_999us", Some(true)),
        ("saw(NOT_ENOUGH_REPLICAS)", Some(false)),
        (r#"saw(election, "orders-0")"#, Some(true)),
        ("true", Some(true)),
        ("up(2) == false", Some(false)),
        // There is no topic `other`: neither this nor its opposite.
        (r#"leader("other", 0) != 2"#, None),
        (r#"not leader("other", 0) == 2"#, None),
        (r#"leader("other", 0) == 2 or up(2)"#, Some(true)),
        (r#"leader("other", 0) == 2 and up(2)"#, None),
        (r#"leader("other", 0) == 2 and not up(2)"#, Some(false)),
        // `and` binds closer than `or`, and `not` closer than both.
        ("true or true and false", Some(true)),
        ("not false and false", Some(false)),
        ("not not true", Some(true)),
    ] {
        let condition = Condition::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(condition.holds(&table()), want, "{text}");
        assert_eq!(condition.text(), text);
    }
}

#[test]
fn what_cannot_be_read_is_pointed_at_and_told() {
    for (text, place, says) in [
        ("", 0..0, "there is no condition"),
        (
            "leadr(\"orders\", 0) == 2",
            0..5,
            "there is no `leadr`; did you mean `leader`? there are: leader, epoch, isr",
        ),
        ("up(2) and wat", 10..13, "there is no `wat`; there are: leader"),
        ("leader(\"orders\") == 2", 0..16, "it is written leader(TOPIC, PARTITION)"),
        ("leader(0, \"orders\") == 2", 0..19, "it is written leader(TOPIC, PARTITION)"),
        ("lag() == 0", 0..5, "it is written lag(GROUP [, TOPIC [, PARTITION]])"),
        ("under_replicated(1) == 0", 0..19, "it is written under_replicated([TOPIC])"),
        ("time(1) > 2s", 0..7, "it is written time"),
        ("up(2", 4..4, "`,` or `)` is missing at the end"),
        ("up(,)", 3..4, "an argument is expected where `,` stands"),
        ("(up(2)", 6..6, "`)` is missing at the end"),
        ("up(2))", 5..6, "`and`, `or` or the end is expected where `)` stands"),
        ("up(2) up(3)", 6..8, "`and`, `or` or the end is expected where `up` stands"),
        ("up(2) and", 9..9, "a fact or a value is missing at the end"),
        ("or up(2)", 0..2, "a fact or a value is expected where `or` stands"),
        ("controller = 2", 11..12, "`==` is expected where `=` stands"),
        ("controller", 0..10, "a number alone is neither true nor false"),
        ("controller == \"2\"", 0..17, "a number and a text are not compared by =="),
        ("time > 83", 0..9, "a time and a number are not compared by >"),
        ("time > 83.4", 7..11, "`83.4` is no number; the units of a time are us, ms, s and min"),
        ("time > 83parsec", 7..15, "`83parsec` is no number"),
        ("up(99999999999)", 0..15, "it is written up(BROKER)"),
        ("controller == 99999999999999999999", 14..34, "is no number"),
        ("topics < [\"a\"]", 0..14, "a list of texts and a list of texts are not compared by <"),
        ("[1, \"a\"] == topics", 0..8, "a list holds numbers or texts, not both"),
        ("\"a\" in brokers", 0..14, "a text and a list of numbers are not compared by in"),
        ("state(\"billing) == 1", 6..20, "the text has no closing quote"),
        ("up(2) & up(3)", 6..7, "nothing begins with `&`"),
        ("saw(NOT_ENOUGH_REPLICA)", 4..22, "`NOT_ENOUGH_REPLICA` is neither an error of Kafka's"),
        ("saw(NONE)", 4..8, "these are: election, controller_election"),
        ("saw(\"election\")", 0..15, "it is written saw(NAME [, ABOUT])"),
        ("(up(2) == true) == true", 0..23, "true or false and true or false are not compared by =="),
    ] {
        let error = Condition::parse(text).expect_err(text);
        assert_eq!(error.place, place, "{text}: {error}");
        assert!(error.to_string().contains(says), "{text}: {error}");
        assert!(!error.to_korean().is_empty());
    }
    let deep = "(".repeat(40) + "true" + &")".repeat(40);
    assert_eq!(Condition::parse(&deep).unwrap_err().problem, Problem::TooDeep);
    assert_eq!(Condition::parse(&"!".repeat(40)).unwrap_err().problem, Problem::TooDeep);
    assert_eq!(Condition::parse(&"true ".repeat(2_000)).unwrap_err().problem, Problem::TooLong);
}

#[test]
fn the_place_is_marked_in_the_text_that_was_written() {
    let pointed = |text: &str| Condition::parse(text).unwrap_err().pointed(text, false);
    assert_eq!(
        pointed("up(2) and controler == 1").lines().take(2).collect::<Vec<_>>(),
        ["up(2) and controler == 1", "          ^^^^^^^^^"]
    );
    // Wide letters take two columns.
    assert_eq!(pointed("up(2) & '주문'").lines().nth(1), Some("      ^"));
    assert_eq!(pointed("state('주문') == 1 or x").lines().nth(1), Some("^^^^^^^^^^^^^^^^^^"));
    let korean = Condition::parse("up(2").unwrap_err().pointed("up(2", true);
    assert_eq!(korean, "up(2\n    ^\n끝에 `,` or `)` 자리가 비었습니다");
}

#[test]
fn clauses_say_how_each_stands() {
    let text = r#"leader("orders", 0) != 2 and not lag("other") > 0 or up(2)"#;
    let clauses = Condition::parse(text).unwrap().clauses(&table());
    let told: Vec<_> = clauses
        .iter()
        .map(|one| (one.text.as_str(), one.holds, one.negated, one.now[0].0.as_str(), one.now[0].1.clone()))
        .collect();
    assert_eq!(
        told,
        [
            (
                r#"leader("orders", 0) != 2"#,
                Some(false),
                false,
                r#"leader("orders", 0)"#,
                Some(Value::Number(2))
            ),
            (r#"lag("other") > 0"#, None, true, r#"lag("other")"#, None),
            ("up(2)", Some(true), false, "up(2)", Some(Value::Truth(true))),
        ]
    );
}

#[test]
fn every_fact_can_be_asked_as_its_usage_says() {
    for fact in &FACTS {
        let word = |parameter: &Parameter| match parameter {
            Parameter::Partition | Parameter::Broker => "1",
            Parameter::Sight => "error",
            Parameter::Topic
            | Parameter::Group
            | Parameter::Client
            | Parameter::About
            | Parameter::Config
            | Parameter::Transaction
            | Parameter::Printed => "\"a\"",
        };
        for count in 0..=fact.may.len() {
            let words: Vec<&str> = fact.needs.iter().chain(&fact.may[..count]).map(word).collect();
            let call = if words.is_empty() {
                fact.name.to_owned()
            } else {
                format!("{}({})", fact.name, words.join(", "))
            };
            let text = match fact.gives {
                Kind::Number => format!("{call} == 1"),
                Kind::Text => format!("{call} == \"a\""),
                Kind::Numbers => format!("{call} == [1]"),
                Kind::Texts => format!("{call} == [\"a\"]"),
                Kind::Time => format!("{call} == 1s"),
                Kind::Truth => call,
            };
            let condition = Condition::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(condition.questions().len(), 1);
            assert_eq!(condition.asks_what_was_seen(), ["saw", "printed"].contains(&fact.name));
        }
    }
}

#[test]
fn the_clock_alone_makes_times_come_true() {
    let condition = Condition::parse("time > 2s or elapsed < 500ms and up(1)").unwrap();
    // A wait that began at 3 s.
    for (now, want) in [
        (0, Some(500_000)),
        (500_000, Some(500_001)),
        (500_001, Some(2_000_000)),
        (2_000_000, Some(2_000_001)),
        (2_000_001, Some(3_500_000)),
        (3_500_000, Some(3_500_001)),
        (3_500_001, Some(5_000_000)),
        (5_000_001, None),
    ] {
        assert_eq!(condition.moment_after(now, 3_000_000), want);
    }
    assert_eq!(Condition::parse("up(1)").unwrap().moment_after(0, 0), None);
}

#[test]
fn no_text_is_too_much() {
    // Each prefix, and each text with one character less or another one: read or refused, and its place is in the text.
    let text =
        r#"not (isr("orders", 0) == [1, 2] and saw(error, 'x')) or lag("주문") >= 1_0 && time < 1.5min"#;
    assert!(Condition::parse(text).is_ok());
    let look = |text: &str| {
        if let Err(error) = Condition::parse(text) {
            assert!(text.get(error.place.clone()).is_some(), "{text}: {:?}", error.place);
            let _ = (error.pointed(text, false), error.pointed(text, true));
        }
    };
    for (at, c) in text.char_indices() {
        look(&text[..at]);
        let rest = &text[at + c.len_utf8()..];
        for other in ["", "(", ")", "\"", "9", "가", "\\", "-", "!", "\u{0}"] {
            look(&format!("{}{other}{rest}", &text[..at]));
        }
    }
}
