//! What the page says, in English and Korean. Each sentence is in both or the crate does not compile.

/// Sentences by their keys, in English and in Korean: a type with all of them, and a value of it for each language.
macro_rules! catalogue {
    ($name:ident; $($key:ident: $en:literal, $ko:literal;)*) => {
        /// Everything that is said in one language.
        #[derive(Debug, PartialEq)]
        pub struct $name { $(pub $key: &'static str,)* }
        /// English.
        pub static EN: $name = $name { $($key: $en,)* };
        /// Korean.
        pub static KO: $name = $name { $($key: $ko,)* };
        /// Key, English, Korean.
        #[cfg(test)]
        pub const ALL: &[(&str, &str, &str)] = &[$((stringify!($key), $en, $ko),)*];
    };
}

mod builder;
mod catalogue;
mod configs;
mod era;
mod lessons;
mod log_dirs;
mod rebalances;
mod transactions;

pub use builder::BuilderText;
pub use catalogue::Text;
pub use configs::ConfigText;
pub use era::EraText;
pub use lessons::LessonText;
pub use log_dirs::LogDirsText;
pub use rebalances::RebalanceText;
pub use transactions::TransactionText;

/// A language of the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lang {
    /// English.
    En,
    /// 한국어.
    Ko,
}

impl Lang {
    /// Its word in the address, in storage and in `lang`.
    pub fn word(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    /// The language of a word; what follows a `-` is the country (`ko-KR`).
    pub fn parse(word: &str) -> Option<Self> {
        match word.split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "en" => Some(Self::En),
            "ko" => Some(Self::Ko),
            _ => None,
        }
    }

    /// Everything that is said in it.
    pub fn text(self) -> &'static Text {
        match self {
            Self::En => &catalogue::EN,
            Self::Ko => &catalogue::KO,
        }
    }

    /// What is said of configs.
    pub fn configs(self) -> &'static ConfigText {
        match self {
            Self::En => &configs::EN,
            Self::Ko => &configs::KO,
        }
    }

    /// What is said of transactions and of compaction.
    pub fn transactions(self) -> &'static TransactionText {
        match self {
            Self::En => &transactions::EN,
            Self::Ko => &transactions::KO,
        }
    }

    /// What the builder of lessons says.
    pub fn builder(self) -> &'static BuilderText {
        match self {
            Self::En => &builder::EN,
            Self::Ko => &builder::KO,
        }
    }

    /// What is said of the cluster of the time before KRaft.
    pub fn era(self) -> &'static EraText {
        match self {
            Self::En => &era::EN,
            Self::Ko => &era::KO,
        }
    }

    /// What is said around the lessons.
    pub fn lessons(self) -> &'static LessonText {
        match self {
            Self::En => &lessons::EN,
            Self::Ko => &lessons::KO,
        }
    }

    /// What is said of log directories that come and go.
    pub fn log_dirs(self) -> &'static LogDirsText {
        match self {
            Self::En => &log_dirs::EN,
            Self::Ko => &log_dirs::KO,
        }
    }

    /// What is said of rebalances, and of offsets that are set anew.
    pub fn rebalances(self) -> &'static RebalanceText {
        match self {
            Self::En => &rebalances::EN,
            Self::Ko => &rebalances::KO,
        }
    }
}

/// Puts values into the places of a sentence: `{}` takes the next one, `{1}` the second. `{이}`, `{은}`, `{을}`, `{과}` and
/// `{으로}` take the next one with the Korean particle that its last sound asks for.
pub fn fill(sentence: &str, values: &[&str]) -> String {
    let mut out = String::with_capacity(sentence.len() + 16);
    let (mut rest, mut next) = (sentence, 0);
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((particle, after)) = after.split_once('}') else {
            rest = rest.get(before.len()..).unwrap_or_default();
            break;
        };
        let at = particle.parse().unwrap_or(next);
        next = at + 1;
        if let Some(value) = values.get(at) {
            out.push_str(value);
            out.push_str(particle_for(particle, value));
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The form of a particle that goes behind `value`.
fn particle_for(particle: &str, value: &str) -> &'static str {
    let last = value.chars().rev().find(|c| c.is_alphanumeric());
    let closed = last.is_some_and(closed);
    match (particle, closed) {
        ("이", true) => "이",
        ("이", false) => "가",
        ("은", true) => "은",
        ("은", false) => "는",
        ("을", true) => "을",
        ("을", false) => "를",
        ("과", true) => "과",
        ("과", false) => "와",
        // ㄹ counts as open here: 1로, 서울로.
        ("으로", true) if !last.is_some_and(ends_in_rieul) => "으로",
        ("으로", _) => "로",
        _ => "",
    }
}

/// Whether a character, read aloud, ends in a consonant. Digits are read as Sino-Korean, letters as the end of a word.
fn closed(c: char) -> bool {
    match c {
        '가'..='힣' => !(c as u32 - '가' as u32).is_multiple_of(28),
        '0' | '1' | '3' | '6' | '7' | '8' => true,
        _ => matches!(c.to_ascii_lowercase(), 'b' | 'c' | 'k' | 'l' | 'm' | 'n' | 'p' | 't'),
    }
}

fn ends_in_rieul(c: char) -> bool {
    match c {
        '가'..='힣' => (c as u32 - '가' as u32) % 28 == 8,
        '1' | '7' | '8' => true,
        _ => c.eq_ignore_ascii_case(&'l'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_follow_the_last_sound() {
        for (sentence, value, want) in [
            ("{이} 멈춤", "브로커 3", "브로커 3이 멈춤"),
            ("{이} 멈춤", "브로커 2", "브로커 2가 멈춤"),
            ("{을} 만듦", "토픽", "토픽을 만듦"),
            ("{을} 만듦", "orders", "orders를 만듦"),
            ("{은} 끝", "파일", "파일은 끝"),
            ("{과} 함께", "로그", "로그와 함께"),
            ("{으로} 감", "서울", "서울로 감"),
            ("{으로} 감", "7", "7로 감"),
            ("{으로} 감", "3", "3으로 감"),
            ("{을} 읽음", "access.log (1)", "access.log (1)을 읽음"),
            ("{}", "x", "x"),
            ("no place", "x", "no place"),
            ("{을", "x", "{을"),
        ] {
            assert_eq!(fill(sentence, &[value]), want);
        }
    }

    #[test]
    fn places_can_be_in_another_order() {
        assert_eq!(fill("{1} 중 {0}", &["1", "9"]), "9 중 1");
        assert_eq!(fill("{7} and {}", &["1"]), " and ");
    }

    #[test]
    fn both_languages_have_every_place_and_no_sentence_is_empty() {
        // Which values a sentence takes, whatever their order.
        let places = |sentence: &'static str| {
            let mut next = 0;
            let taken =
                sentence.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(particle, _)| {
                    let at: usize = particle.parse().unwrap_or(next);
                    next = at + 1;
                    at
                });
            taken.collect::<std::collections::BTreeSet<_>>()
        };
        let all = [
            builder::ALL,
            catalogue::ALL,
            configs::ALL,
            era::ALL,
            lessons::ALL,
            log_dirs::ALL,
            rebalances::ALL,
            transactions::ALL,
        ];
        for (key, en, ko) in all.concat() {
            assert_eq!(places(en), places(ko), "{key}");
            assert!(!en.is_empty() && !ko.is_empty(), "{key}");
            assert_eq!(en.matches('{').count(), en.matches('}').count(), "{key}");
        }
    }

    #[test]
    fn languages_have_words() {
        for (word, want) in
            [("en", Some(Lang::En)), ("ko-KR", Some(Lang::Ko)), ("KO", Some(Lang::Ko)), ("fr", None)]
        {
            assert_eq!(Lang::parse(word), want);
        }
    }
}
