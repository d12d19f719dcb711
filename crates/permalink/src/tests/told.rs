//! What is said of what cannot be opened, in both languages.

use miniz_oxide::deflate::compress_to_vec;

use crate::hash::seal;
use crate::{Branch, Deed, Fork, Lesson, Link, MAX_NUMBER, from_file, from_hash, to_file, to_hash};

/// What is said of entries that were deflated and sealed.
fn of_entries(entries: &[u8]) -> [String; 2] {
    let error = from_hash(&seal(compress_to_vec(entries, 6))).unwrap_err();
    [error.told(false), error.told(true)]
}

/// Seed 7 and 3 brokers.
const HEAD: [u8; 6] = [1, 1, 7, 2, 1, 3];
/// A branch `m` in which nothing was done.
const BRANCH: [u8; 5] = [5, 3, 1, 1, b'm'];

#[test]
fn an_entry_that_cannot_be_is_named() {
    let whole = [&HEAD[..], &BRANCH].concat();
    assert!(from_hash(&seal(compress_to_vec(&whole, 6))).is_ok());
    for (more, english, korean) in [
        (
            &[37, 2, 0, 0][..],
            "this program does not know the entry `37`; a newer one may have made it",
            "이 프로그램이 모르는 항목입니다: `37`. 더 새로운 프로그램에서 만들었을 수 있습니다",
        ),
        (
            &[5, 5, 1, 1, b'n', 9, 0],
            "branch no. 2: this program does not know the entry `9`; a newer one may have made it",
            "2번째 브랜치: 이 프로그램이 모르는 항목입니다: `9`. 더 새로운 프로그램에서 만들었을 수 있습니다",
        ),
        (&[1, 1, 8], "seed: `seed` is there twice", "seed: 항목이 두 번 나옵니다: `seed`"),
        (&[10, 9, b'x'], "it ends in the middle", "중간에서 끝났습니다"),
        (&[7, 1, 0x80], "moment: it ends in the middle", "moment: 중간에서 끝났습니다"),
        (&[7, 2, 1, 1], "moment: something stands behind its end", "moment: 끝난 뒤에 남은 것이 있습니다"),
        (&[9, 1, 2], "lang: the value cannot be `2`", "lang: 쓸 수 없는 값입니다: `2`"),
        (
            &[7, 8, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
            "moment: the value cannot be `9007199254740992`",
            "moment: 쓸 수 없는 값입니다: `9007199254740992`",
        ),
        (&[10, 1, 0xff], "place: the text is no UTF-8", "place: 텍스트가 UTF-8이 아닙니다"),
        (
            &[10, 3, 0xe2, 0x80, 0xae],
            "place: it has the character U+202E, which is not seen on a console",
            "place: 콘솔에서 보이지 않는 문자가 있습니다: U+202E",
        ),
        (&[6, 1, 1], "living: there is no branch `1`", "living: 그런 브랜치가 없습니다: `1`"),
        (
            &[8, 3, 1, b'A', b'a'],
            "lesson: `Aa` is no lesson's name: it has lower case letters, digits and -, at most 40",
            "lesson: 학습의 이름이 될 수 없습니다: `Aa`. 영어 소문자, 숫자, - 40자까지입니다",
        ),
        (
            &[5, 3, 1, 1, b'n'],
            "branch no. 2: the first branch forks from none, and each later one from one before it",
            "2번째 브랜치: 첫 브랜치는 갈라져 나올 수 없고, 다음 브랜치는 모두 앞의 브랜치에서 갈라져야 합니다",
        ),
        (
            &[5, 6, 1, 1, b'n', 3, 1, b'x'],
            "branch no. 2: there are not as many times as commands",
            "2번째 브랜치: 시각의 수와 명령의 수가 다릅니다",
        ),
        (&[5, 0], "branch no. 2: `name` is missing", "2번째 브랜치: 항목이 없습니다: `name`"),
    ] {
        assert_eq!(of_entries(&[&whole, more].concat()), [english, korean], "{more:?}");
    }
    assert_eq!(of_entries(&HEAD), ["there is no branch", "브랜치가 없습니다"]);
    assert_eq!(of_entries(&BRANCH), ["`seed` is missing", "항목이 없습니다: `seed`"]);
    assert_eq!(of_entries(&[1, 1, 7]), ["`brokers` is missing", "항목이 없습니다: `brokers`"]);
    let unpacked = from_hash(&seal(vec![7, 7, 7])).unwrap_err();
    assert_eq!((unpacked.told(false), unpacked.told(true)).0, "it cannot be unpacked");
}

#[test]
fn a_hash_that_is_no_link_says_so() {
    let hash = to_hash(&Link::new(7, 3)).unwrap();
    let body = &hash[5..];
    let changed = if body.starts_with('A') { "B" } else { "A" };
    for (hash, english, korean) in [
        ("", "this is no link or file of a session", "세션의 링크나 파일이 아닙니다"),
        ("#topics", "this is no link or file of a session", "세션의 링크나 파일이 아닙니다"),
        (
            &format!("#s/2/{body}"),
            "it is of version `2`, and this program reads 1",
            "버전이 `2`입니다. 이 프로그램은 버전 1만 읽습니다",
        ),
        (
            &format!("#s/01/{body}"),
            "it is of version `01`, and this program reads 1",
            "버전이 `01`입니다. 이 프로그램은 버전 1만 읽습니다",
        ),
        ("s/1", "it ends in the middle", "중간에서 끝났습니다"),
        ("#s/1/", "it ends in the middle", "중간에서 끝났습니다"),
        (
            &format!("{hash})"),
            "a character was lost or added, or one is none of a link's; copy the whole link again",
            "글자가 빠졌거나 더해졌거나, 링크에 쓸 수 없는 글자가 있습니다. 링크 전체를 다시 복사하세요",
        ),
        (
            &format!("#s/1/{changed}{}", &body[1..]),
            "it was changed on its way; copy the whole link again",
            "도중에 내용이 바뀌었습니다. 링크 전체를 다시 복사하세요",
        ),
    ] {
        let error = from_hash(hash).unwrap_err();
        assert_eq!([error.told(false), error.told(true)], [english, korean], "{hash}");
    }
}

fn deed(at: u64, events: Option<u64>, line: &str) -> Deed {
    Deed { at, events, line: line.to_owned() }
}

#[test]
fn a_session_that_cannot_be_is_not_made_a_link() {
    let fork = Fork { from: 0, at: 10, events: Some(100), done: 1, seed: None };
    let forked = |name: &str, fork, deeds| Branch { name: name.to_owned(), fork: Some(fork), deeds };
    let mut good = Link::new(7, 3);
    good.branches[0].deeds = vec![deed(5, Some(90), "one"), deed(10, Some(100), "two")];
    good.branches.push(forked("try", fork, vec![deed(10, None, "three"), deed(11, Some(100), "four")]));
    assert_eq!(good.check(), Ok(()));
    let goes_back = "its time is before what it follows";
    type Spoil = fn(&mut Link);
    let spoilt: [(Spoil, &str); 24] = [
        (|link| link.seed = MAX_NUMBER + 1, "seed: the value cannot be `9007199254740992`"),
        (|link| link.brokers = 0, "brokers: the value cannot be `0`"),
        (|link| link.brokers = 10, "brokers: the value cannot be `10`"),
        (|link| link.branches.clear(), "there is no branch"),
        (|link| link.living = 2, "living: there is no branch `2`"),
        (|link| link.moment = Some(u64::MAX), "moment: the value cannot be `18446744073709551615`"),
        (|link| link.branches[1].name = "main".to_owned(), "branch no. 2: two branches are called `main`"),
        (|link| link.branches[0].name = "a\u{7}b".to_owned(), "branch no. 1: `a\u{fffd}b` is no name"),
        (|link| link.branches[1].name.clear(), "branch no. 2: `` is no name"),
        (
            |link| link.branches[0].fork = link.branches[1].fork,
            "branch no. 1: the first branch forks from none",
        ),
        (|link| set_fork(link, |fork| fork.from = 1), "branch no. 2: the first branch forks from none"),
        (|link| set_fork(link, |fork| fork.done = 3), "branch no. 2: the value cannot be `3`"),
        (|link| set_fork(link, |fork| fork.at = 4), "branch no. 2: its time is before"),
        (|link| set_fork(link, |fork| fork.at = 11), "branch no. 2: its time is before"),
        (|link| set_fork(link, |fork| fork.events = Some(89)), "branch no. 2: its time is before"),
        (|link| set_fork(link, |fork| fork.events = Some(101)), "branch no. 2: its time is before"),
        (|link| link.branches[0].deeds[1].at = 4, "command no. 2: its time is before"),
        (|link| link.branches[0].deeds[1].events = Some(89), "command no. 2: its time is before"),
        (|link| link.branches[1].deeds[0].at = 9, "command no. 1 of branch no. 2: its time is before"),
        (
            |link| link.branches[1].deeds[1].events = Some(99),
            "command no. 2 of branch no. 2: its time is before",
        ),
        (|link| link.branches[0].deeds[0].line = "x".repeat(4097), "command no. 1: it is longer than 4 KiB"),
        (
            |link| link.branches[0].deeds[0].line = "a\nb".to_owned(),
            "command no. 1: it has the character U+000A",
        ),
        (|link| link.selected = Some("x".repeat(1025)), "selected: it is longer than 1 KiB"),
        (
            |link| link.lesson = Some(Lesson { id: "a b".to_owned(), step: 1 }),
            "lesson: `a b` is no lesson's name",
        ),
    ];
    for (spoil, said) in spoilt {
        let mut link = good.clone();
        spoil(&mut link);
        let error = link.check().unwrap_err();
        assert!(error.to_string().starts_with(said), "{error}, not {said}");
        assert_eq!(to_hash(&link).as_ref(), Err(&error));
        assert_eq!(to_file(&link).as_ref(), Err(&error));
    }
    let mut link = good.clone();
    link.branches[0].deeds[1].at = 1;
    assert_eq!(link.check().unwrap_err().told(false), format!("command no. 2: {goes_back}"));
    assert_eq!(link.check().unwrap_err().told(true), "2번째 명령: 시각이 앞의 것보다 이릅니다");
}

fn set_fork(link: &mut Link, change: fn(&mut Fork)) {
    link.branches[1].fork.iter_mut().for_each(change);
}

/// A file that can be opened.
const FILE: &str = r#"{
  "blumfeld": 1,
  "seed": 7,
  "brokers": 3,
  "cluster": "kraft",
  "empty": false,
  "lines": [
    {"at": "1.25s", "line": "주문"},
    {"at": "1.250001s", "events": 3, "line": "two"}
  ],
  "branches": [
    {"name": "try", "from": "main", "at": "2s", "after": 1, "seed": 9, "lines": [
      {"at": "2.5s", "line": "three"}
    ]}
  ],
  "living": "try",
  "lesson": {"id": "first", "step": 1},
  "lang": "en"
}
"#;

#[test]
fn a_file_says_in_which_line_and_column_it_is_wrong() {
    assert_eq!(from_file(&FILE.replace("\"after\": 1", "\"after\": 2")).map(|link| link.living), Ok(1));
    let file = FILE.replace("\"after\": 1", "\"after\": 2");
    assert!(from_file(&format!("\u{feff}{}", file.replace('\n', "\r\n"))).is_ok());
    for (from, to, said) in [
        ("{\n  \"blumfeld\"", "[\n  \"blumfeld\"", "this is no link or file of a session"),
        ("\"blumfeld\": 1,\n  ", "", "this is no link or file of a session"),
        (": 1,\n  \"seed\"", ": 2,\n  \"later\"", "it is of version `2`, and this program reads 1"),
        (
            "\"seed\": 7",
            "\"seed\": -7",
            "line 3, column 12: it cannot be read: invalid value: integer `-7`, expected u64",
        ),
        (
            "\"seed\": 7",
            "\"seed\": 9007199254740992",
            "line 3, column 11: seed: the value cannot be `9007199254740992`",
        ),
        ("\"brokers\": 3", "\"brokers\": 12", "line 4, column 14: brokers: the value cannot be `12`"),
        ("\"kraft\"", "\"etcd\"", "line 5, column 14: the value cannot be `etcd`"),
        (
            "\"cluster\"",
            "\"clutser\"",
            "line 5, column 11: this program does not know the entry `clutser`; a newer",
        ),
        ("\"1.25s\"", "\"1.25\"", "line 8, column 12: the value cannot be `1.25`"),
        ("\"주문\"", "\"주문\\u0007\"", "line 8, column 5: command no. 1: it has the character U+0007"),
        ("주문\"}", "주문\", \"x\": 1}", "line 8, column 37: this program does not know the entry `x`"),
        ("\"1.250001s\"", "\"1.2s\"", "line 9, column 5: command no. 2: its time is before what it follows"),
        ("\"at\": \"2s\"", "\"at\": \"1.1s\"", "line 12, column 5: branch no. 2: its time is before"),
        ("\"from\": \"main\"", "\"from\": \"mian\"", "line 12, column 29: there is no branch `mian`"),
        ("\"2.5s\"", "\"1.9s\"", "line 13, column 7: command no. 1 of branch no. 2: its time is before"),
        ("\"living\": \"try\"", "\"living\": \"ten\"", "line 16, column 13: there is no branch `ten`"),
        (
            "\"step\": 1",
            "\"step\": \"1\"",
            "line 17, column 39: it cannot be read: invalid type: string \"1\", expected u32",
        ),
        ("\"lang\": \"en\"\n}", "\"lang\": \"en\"", "line 19, column 1: it ends in the middle"),
        ("\"lang\": \"en\"", "\"lang\": \"en\",", "line 19, column 1: it cannot be read: trailing comma"),
        ("\"lang\": \"en\"", "\"seed\": 1", "line 18, column 8: `seed` is there twice"),
        (
            "\"lang\": \"en\"\n}",
            "\"lang\": \"en\"\n} x",
            "line 19, column 3: it cannot be read: trailing characters",
        ),
    ] {
        assert!(file.contains(from), "{from}");
        let error = from_file(&file.replacen(from, to, 1)).unwrap_err();
        assert!(error.to_string().starts_with(said), "{error}\nnot {said}");
    }
    let error = from_file(&file.replace("\"1.250001s\"", "\"1.2s\"")).unwrap_err();
    assert_eq!(error.told(true), "9행 5열: 2번째 명령: 시각이 앞의 것보다 이릅니다");
}

#[test]
fn a_file_is_written_for_a_person() {
    let mut link = from_file(&FILE.replace("\"after\": 1", "\"after\": 2")).unwrap();
    link.moment = Some(1_000_000);
    link.place = Some("messages/orders/0".to_owned());
    let written = r#"{
  "blumfeld": 1,
  "seed": 7,
  "brokers": 3,
  "cluster": "kraft",
  "empty": false,
  "lines": [
    {"at": "1.250000s", "line": "주문"},
    {"at": "1.250001s", "events": 3, "line": "two"}
  ],
  "branches": [
    {"name": "try", "from": "main", "at": "2.000000s", "after": 2, "seed": 9, "lines": [
      {"at": "2.500000s", "line": "three"}
    ]}
  ],
  "living": "try",
  "moment": "1.000000s",
  "lesson": {"id": "first", "step": 1},
  "lang": "en",
  "place": "messages/orders/0"
}
"#;
    assert_eq!(to_file(&link).unwrap(), written);
    assert!(to_file(&Link::new(1, 1)).unwrap().contains("\n  \"lines\": []\n"));
}
