//! What a file must be, and what is said of one that is not.

use super::*;

const WHOLE: &str = include_str!("../tests/whole.toml");

#[test]
fn a_whole_lesson_is_read_and_written_back() {
    let lesson = Lesson::parse(WHOLE).unwrap();
    assert_eq!(lesson.id, "whole");
    assert_eq!(lesson.steps.len(), 2);
    assert_eq!(lesson.par(), 3);
    let step = &lesson.steps[0];
    assert_eq!(step.look, Some(Look::Partition("orders".into(), 0)));
    assert_eq!(step.facts(), ["log_end(\"orders\", 0)", "partitions(\"orders\")"]);
    assert!(step.forbidden[0].forbids("kafka-topics.sh  --bootstrap-server x --delete --topic orders"));
    assert!(!step.forbidden[0].forbids("kafka-topics.sh --create --topic delete"));
    let again = written(&lesson);
    assert_eq!(Lesson::parse(&again).unwrap_or_else(|error| panic!("{error}\n{again}")), lesson);
}

#[test]
fn a_sentence_tells_how_things_stand() {
    let lesson = Lesson::parse(WHOLE).unwrap();
    let yet = &lesson.steps[0].goals[0].yet;
    let value = |fact: &str| (fact == "partitions(\"orders\")").then(|| "3".to_owned());
    assert_eq!(yet.told(false, value), "Not yet: it has {3} partitions, and ends at (not there yet).");
    assert_eq!(yet.told(true, value), "아직입니다. 파티션은 3개, 끝은 (아직 없음)입니다.");
}

/// What is changed in the whole lesson, from where in that on it is wrong, and a part of what is said of it.
#[test]
fn what_is_wrong_has_a_place_and_a_reason() {
    for (from, to, wrong, reason) in [
        ("id = 'whole'", "id = 'Whole lesson'", "'Whole", "lower case"),
        ("track = 'beginner'", "track = 'all'", "'all", "beginner, developer, operator, uses"),
        ("place = 2", "place = 0", "0", "1 to 99"),
        ("minutes = 4", "minutes = 0", "0", "1 to 60"),
        ("minutes = 4", "minutes = 'four'", "'four", "invalid type"),
        ("minutes = 4", "minuets = 4", "minuets", "unknown field `minuets`"),
        ("seed = 7", "seed = 9007199254740992", "9007", "at most"),
        ("brokers = 4", "brokers = 10", "10", "1 to 9"),
        ("pace = 0.5", "pace = 0.0", "0.0", "0.001 to 1000"),
        ("url = 'https://", "url = 'http://", "'http", "https://"),
        ("look = 'partition orders 0'", "look = 'partition orders'", "'partition", "no place"),
        ("look = 'partition orders 0'", "look = 'screen nowhere'", "'screen", "no screen `nowhere`"),
        (
            "when = 'partitions(\"orders\") == 3'",
            "when = 'partition(\"orders\") == 3'",
            "partition(",
            "did you mean `partitions`",
        ),
        (
            "when = 'partitions(\"orders\") == 3'",
            "when = 'partitions(\"orders\") = 3'",
            "= 3",
            "is expected where `=`",
        ),
        ("and ends at {leo orders 0}", "and ends at {leo orders}", "leo", "log_end(TOPIC, PARTITION"),
        ("and ends at {leo orders 0}.", "and ends at {leo orders 0.", "{leo", "not closed"),
        ("'세 개입니다'", "'three'", "'three", "no Korean letter"),
        ("'세 개입니다'", "'딱 세 개야.'", "'딱", "합니다체"),
        ("'세 개입니다'", "'토픽을(를) 만듭니다'", "'토픽", "one particle"),
        ("'세 개입니다'", "'this is one whole English sentence 입니다'", "'this", "English sentence"),
        ("'세 개입니다'", "''", "''", "empty"),
        ("en = 'It has three'", "en = '셋'", "'셋", "the English text has `셋`"),
        ("en = 'It has three'", "en = 'Please'", "'Please", "`please`"),
    ] {
        let text = WHOLE.replacen(from, to, 1);
        assert_ne!(text, WHOLE, "{from} is not there");
        let error = Lesson::parse(&text).expect_err(to);
        assert!(error.reason.contains(reason), "{to}: {error}");
        let at = WHOLE.find(from).unwrap() + to.find(wrong).unwrap();
        let want = LessonError::at(&text, at, error.reason.clone());
        assert_eq!(error, LessonError { unwritten: to == "''", ..want }, "{to}");
    }
    let none = WHOLE.replacen("right = true\n", "", 1);
    assert!(Lesson::parse(&none).unwrap_err().reason.contains("exactly one choice"));
}

#[test]
fn no_cut_file_is_taken_or_makes_a_fuss() {
    for (at, _) in WHOLE.char_indices().step_by(7) {
        let _ = Lesson::parse(&WHOLE[..at]);
    }
}

#[test]
fn texts_come_apart() {
    let text = "One `code` and **much**.\nStill one.\n\n- a\n- `b`\n$ kafka-topics.sh --list\nEnd ` open";
    let plain = |text: &str| Span::Plain(text.into());
    assert_eq!(
        blocks(text),
        [
            Block::Paragraph(vec![
                plain("One "),
                Span::Code("code".into()),
                plain(" and "),
                Span::Strong("much".into()),
                plain(". Still one."),
            ]),
            Block::Points(vec![vec![plain("a")], vec![Span::Code("b".into())]]),
            Block::Line("kafka-topics.sh --list".into()),
            Block::Paragraph(vec![plain("End ` open")]),
        ]
    );
}

#[test]
fn progress_goes_out_and_in() {
    let mut here = Progress::default();
    here.reached("keys", 1, 3, 2);
    here.reached("quick-start", 3, 3, 6);
    here.reached("quick-start", 3, 3, 4);
    let mut there = Progress::from_file(&here.to_file()).unwrap();
    assert_eq!(there, here);
    there.reached("keys", 3, 3, 9);
    here.reached("skew", 2, 4, 0);
    here.merge(&there);
    assert_eq!(here.of("keys"), Done { steps: 3, whole: true, lines: 9 });
    assert_eq!(here.of("quick-start"), Done { steps: 3, whole: true, lines: 4 });
    assert_eq!(here.of("skew"), Done { steps: 2, whole: false, lines: 0 });
    assert_eq!(here.of("none"), Done::default());
    for (text, reason) in [
        ("", "line 1 column 0"),
        ("{\"lessons\":{}}", "blumfeld_progress"),
        ("{\"blumfeld_progress\":2,\"lessons\":{}}", "version 2"),
        ("{\"blumfeld_progress\":1,\"lessons\":{\"a\":{\"steps\":-1,\"whole\":true}}}", "line 1 column"),
    ] {
        let error = Progress::from_file(text).unwrap_err();
        assert!(error.told(false).contains(reason), "{text}: {}", error.told(false));
        assert!(!error.told(true).is_empty());
    }
}

#[test]
fn a_draft_becomes_a_file_and_says_what_it_lacks() {
    let draft = Draft::default();
    let error = Lesson::parse(&draft.to_file()).unwrap_err();
    assert!(error.reason.contains("empty"), "{error}");
    let lesson = Lesson::parse(WHOLE).unwrap();
    let whole = Draft::of(&lesson);
    let again =
        Lesson::parse(&whole.to_file()).unwrap_or_else(|error| panic!("{error}\n{}", whole.to_file()));
    assert_eq!(Draft::of(&again), whole);
    assert_eq!((again.steps.len(), again.steps[0].solution.len()), (2, 3));
}
