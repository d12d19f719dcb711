//! What the page's address says: `?cluster=NAME&lang=ko&theme=dark&durability=strict&seed=N&brokers=N&begin=empty`,
//! `lesson=NAME` and `embed=1`.

use blumfeld_permalink::is_lesson_name;
use blumfeld_view::Durability;

use crate::text::Lang;

/// The largest seed that crosses to the engine as a JavaScript number without loss.
pub const MAX_SEED: u64 = (1 << 53) - 1;

/// Name of the cluster when the address says none.
pub const DEFAULT_CLUSTER: &str = "lab-1";

/// Brokers of a new cluster when the address says none.
pub const DEFAULT_BROKERS: i32 = 3;

/// Light or dark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Theme {
    /// As the system asks.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Its word in the address, in storage and in `data-theme`.
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::System, Self::Light, Self::Dark].into_iter().find(|theme| theme.word() == word)
    }
}

/// What the address asks for; what it does not say is `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Address {
    /// A cluster's name that is fit to be one.
    pub cluster: Option<String>,
    /// The language.
    pub lang: Option<Lang>,
    /// The theme.
    pub theme: Option<Theme>,
    /// When acknowledgements may leave.
    pub durability: Option<Durability>,
    /// The seed of a new cluster, at most [`MAX_SEED`].
    pub seed: Option<u64>,
    /// How many brokers a new cluster has, 1 to 9.
    pub brokers: Option<i32>,
    /// Whether a new cluster begins with nothing in it.
    pub empty: Option<bool>,
    /// Whether the page stands in a frame of another: less around it, and nothing is kept.
    pub embed: bool,
    /// The lesson to do.
    pub lesson: Option<String>,
    /// What is wrong with a link that stands in it.
    pub wrong: Option<String>,
    /// Parameters whose value cannot be used, with the value as it was written.
    pub refused: Vec<(String, String)>,
}

impl Address {
    /// Reads the part of an address from `?` on. Parameters that are not ours are passed over.
    pub fn parse(search: &str) -> Self {
        let mut out = Self::default();
        let search = search.strip_prefix('?').unwrap_or(search);
        for pair in search.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value);
            let taken = match name {
                "cluster" => set(&mut out.cluster, is_cluster_name(&value).then(|| value.clone())),
                "lang" => set(&mut out.lang, Lang::parse(&value)),
                "theme" => set(&mut out.theme, Theme::parse(&value)),
                "durability" => set(
                    &mut out.durability,
                    match value.as_str() {
                        "relaxed" => Some(Durability::Relaxed),
                        "strict" => Some(Durability::Strict),
                        _ => None,
                    },
                ),
                "brokers" => {
                    set(&mut out.brokers, value.parse().ok().filter(|count| (1..=9).contains(count)))
                }
                "begin" => set(
                    &mut out.empty,
                    match value.as_str() {
                        "empty" => Some(true),
                        "orders" => Some(false),
                        _ => None,
                    },
                ),
                "embed" => {
                    out.embed = value == "1";
                    out.embed || value == "0"
                }
                "lesson" => set(&mut out.lesson, is_lesson_name(&value).then(|| value.clone())),
                "seed" => set(&mut out.seed, value.parse().ok().filter(|seed| *seed <= MAX_SEED)),
                _ => true,
            };
            if !taken {
                out.refused.push((name.to_owned(), value));
            }
        }
        out
    }
}

fn set<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let usable = value.is_some();
    if usable {
        *place = value;
    }
    usable
}

/// Whether a name is fit for a cluster and its database: 1 to 40 of letters, digits, `-` and `_`.
pub fn is_cluster_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Takes `%41` and `+` apart; what is no such thing stays as it is, and what is no UTF-8 becomes U+FFFD.
fn decode(value: &str) -> String {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let pair = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let escaped = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (first, escaped) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
                continue;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(first),
        }
        rest = tail;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_used_is_used_and_the_rest_is_named() {
        let full = Address::parse(
            "?cluster=lab_2-b&lang=ko&theme=dark&durability=strict&seed=42&brokers=9&begin=empty&lesson=quick-start&embed=1&utm=x",
        );
        assert_eq!(
            full,
            Address {
                cluster: Some("lab_2-b".into()),
                lang: Some(Lang::Ko),
                theme: Some(Theme::Dark),
                durability: Some(Durability::Strict),
                seed: Some(42),
                brokers: Some(9),
                empty: Some(true),
                embed: true,
                lesson: Some("quick-start".into()),
                wrong: None,
                refused: vec![],
            }
        );
        for (search, refused) in [
            ("?cluster=a%2Fb", ("cluster", "a/b")),
            ("?cluster=", ("cluster", "")),
            ("?cluster=%3Cimg+src%3E", ("cluster", "<img src>")),
            (
                "?cluster=12345678901234567890123456789012345678901",
                ("cluster", "12345678901234567890123456789012345678901"),
            ),
            ("?cluster=%ED%95%9C", ("cluster", "한")),
            ("?lang=fr", ("lang", "fr")),
            ("?theme=%zz", ("theme", "%zz")),
            ("?durability=Strict", ("durability", "Strict")),
            ("?brokers=0", ("brokers", "0")),
            ("?brokers=10", ("brokers", "10")),
            ("?brokers=three", ("brokers", "three")),
            ("?begin=full", ("begin", "full")),
            ("?lesson=..%2Fsw", ("lesson", "../sw")),
            ("?embed=yes", ("embed", "yes")),
            ("?lesson=Keys", ("lesson", "Keys")),
            ("?seed=-1", ("seed", "-1")),
            ("?seed=9007199254740992", ("seed", "9007199254740992")),
        ] {
            let got = Address::parse(search);
            assert_eq!(got.refused, [(refused.0.to_owned(), refused.1.to_owned())], "{search}");
            assert_eq!(Address { refused: vec![], ..got }, Address::default(), "{search}");
        }
    }
}
