//! Whether a text is in the language that it claims, in the tone that the page speaks: English without exclamation
//! marks, Korean in 합니다체. What is a name of Kafka's, a value or a command stands between backquotes, in braces or
//! behind `$ `, and is no language.

use std::fmt;

/// What is wrong with a text. `Display` is the reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LanguageFault {
    /// There is nothing.
    Empty,
    /// Korean letters in an English text.
    KoreanInEnglish(
        /// The first word with them.
        String,
    ),
    /// No Korean letter in a Korean text.
    NotKorean,
    /// English words in a row in a Korean text.
    EnglishInKorean(
        /// They.
        String,
    ),
    /// A Korean sentence that ends otherwise than in 합니다체.
    Ending(
        /// Its last word.
        String,
    ),
    /// A particle with its other form in brackets.
    Particle(
        /// It.
        String,
    ),
    /// A word or sign that the page does not use.
    Tone(
        /// It.
        &'static str,
    ),
}

impl fmt::Display for LanguageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LanguageFault::Empty => f.write_str("the text is empty"),
            LanguageFault::KoreanInEnglish(word) => write!(f, "the English text has `{word}`"),
            LanguageFault::NotKorean => f.write_str("the Korean text has no Korean letter"),
            LanguageFault::EnglishInKorean(words) => {
                write!(f, "the Korean text has an English sentence: `{words}`")
            }
            LanguageFault::Ending(word) => {
                write!(f, "a Korean sentence ends in 합니다체, not in `{word}`")
            }
            LanguageFault::Particle(found) => {
                write!(f, "choose one particle by the sound before it, not `{found}`")
            }
            LanguageFault::Tone(found) => write!(f, "the page does not say `{found}`"),
        }
    }
}

/// English words in a row that are a sentence and no name.
const SENTENCE: usize = 5;

fn is_hangul(letter: char) -> bool {
    matches!(u32::from(letter), 0xac00..=0xd7a3 | 0x3130..=0x318f | 0x1100..=0x11ff)
}

/// What of a text is language: neither commands nor what stands between backquotes or in braces, each of which leaves
/// a mark behind, so that the words around it do not touch.
fn spoken(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("$ ")) {
        let (mut code, mut fact) = (false, false);
        for letter in line.chars() {
            match letter {
                '`' => {
                    code = !code;
                    if !code {
                        out.push('◦');
                    }
                }
                '{' if !code => fact = true,
                '}' if fact => {
                    fact = false;
                    out.push('◦');
                }
                _ if code || fact => {}
                _ => out.push(letter),
            }
        }
        out.push('\n');
    }
    out
}

/// What is wrong with an English text.
pub fn faults_of_english(text: &str) -> Vec<LanguageFault> {
    if text.trim().is_empty() {
        return vec![LanguageFault::Empty];
    }
    let spoken = spoken(text);
    let korean = spoken.split_whitespace().find(|word| word.chars().any(is_hangul));
    let mut faults: Vec<LanguageFault> =
        korean.map(|word| LanguageFault::KoreanInEnglish(word.to_owned())).into_iter().collect();
    let lower = spoken.to_lowercase();
    let words: Vec<&str> = lower.split(|letter: char| !letter.is_alphabetic()).collect();
    for tone in ["please", "simply"] {
        faults.extend(words.contains(&tone).then_some(LanguageFault::Tone(tone)));
    }
    faults.extend(lower.contains('!').then_some(LanguageFault::Tone("!")));
    faults
}

/// What is wrong with a Korean text.
pub fn faults_of_korean(text: &str) -> Vec<LanguageFault> {
    if text.trim().is_empty() {
        return vec![LanguageFault::Empty];
    }
    let spoken = spoken(text);
    let has_letters = spoken.chars().any(char::is_alphabetic);
    if has_letters && !spoken.chars().any(is_hangul) {
        return vec![LanguageFault::NotKorean];
    }
    let mut faults = Vec::new();
    let mut row: Vec<&str> = Vec::new();
    for word in spoken.split_whitespace() {
        let english = word.chars().all(|letter| letter.is_ascii() && !letter.is_ascii_digit())
            && word.chars().any(|letter| letter.is_ascii_lowercase());
        if !english {
            row.clear();
            continue;
        }
        row.push(word);
        if row.len() == SENTENCE {
            faults.push(LanguageFault::EnglishInKorean(row.join(" ")));
        }
    }
    for pair in ["을(를)", "를(을)", "이(가)", "가(이)", "은(는)", "는(은)", "와(과)", "과(와)", "(으)로"]
    {
        faults.extend(spoken.contains(pair).then(|| LanguageFault::Particle(pair.to_owned())));
    }
    faults.extend(spoken.contains('!').then_some(LanguageFault::Tone("!")));
    // A full stop behind a Korean letter ends a sentence.
    let letters: Vec<char> = spoken.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at)).copied().unwrap_or(' ');
        let ends = letters.get(at + 1).is_none_or(|next| next.is_whitespace() || ")\"'’”".contains(*next));
        if !(*letter == '.' && ends && is_hangul(before)) {
            continue;
        }
        // One word alone is a label, and no sentence.
        let sentence =
            letters[..at].iter().rposition(|one| ['.', '?', '\n'].contains(one)).map_or(0, |end| end + 1);
        let words = letters[sentence..at].iter().collect::<String>().split_whitespace().count();
        if words > 1 && !['다', '오', '요'].contains(&before) {
            let start =
                letters[..at].iter().rposition(|one| one.is_whitespace()).map_or(0, |space| space + 1);
            faults.push(LanguageFault::Ending(letters[start..at].iter().collect()));
        }
    }
    faults
}
