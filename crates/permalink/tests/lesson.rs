//! Lessons as links.

use blumfeld_permalink::{from_hash, is_hash, is_lesson_hash, lesson_from_hash, lesson_to_hash};

const LESSON: &str = "id = 'keys'\ntitle = { en = 'Keys', ko = '키' }\n";

#[test]
fn a_lesson_comes_back_whole_and_a_changed_one_not_at_all() {
    let hash = lesson_to_hash(LESSON).unwrap();
    assert!(is_lesson_hash(&hash) && !is_hash(&hash), "{hash}");
    assert_eq!(lesson_from_hash(&hash).unwrap(), LESSON);
    assert!(from_hash(&hash).is_err());
    // One letter at each place, and each cut.
    for at in 5..hash.len() {
        let other = if hash.as_bytes()[at] == b'A' { 'B' } else { 'A' };
        let changed = format!("{}{other}{}", &hash[..at], &hash[at + 1..]);
        assert!(lesson_from_hash(&changed).is_err(), "{changed}");
        assert!(lesson_from_hash(&hash[..at]).is_err());
    }
    let session = format!("#s{}", &hash[2..]);
    assert!(from_hash(&session).is_err(), "a lesson is no session");
    assert!(lesson_from_hash("#l/2/AAAA").unwrap_err().told(false).contains('2'));
    assert!(lesson_to_hash(&"x".repeat(2 << 20)).is_err());
}
