//! Kafka's rules for topic names, said while a name is typed. The broker decides; this only tells beforehand.
//! The rules are those of `org.apache.kafka.common.internals.Topic`.

/// Longest name in characters. A directory `name-partition` must fit the file system's 255.
pub const MAX_LENGTH: usize = 249;

/// Topics that only Kafka itself may make.
const INTERNAL: [&str; 4] =
    ["__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata"];

/// What stands against a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// Nothing was typed.
    Empty,
    /// It is `.` or `..`.
    Dots,
    /// So many characters are more than [`MAX_LENGTH`].
    TooLong(usize),
    /// This character is none of ASCII letters, digits, `.`, `_` and `-`.
    Character(char),
    /// There is such a topic.
    Taken,
    /// Metrics fold `.` into `_`, and then it would be the same as this topic: Kafka refuses that.
    Collides(String),
    /// Kafka keeps this name for itself.
    Internal,
}

/// What stands against `name` when topics of the names `have` exist. Nothing: it can be made.
pub fn trouble<'a>(name: &str, have: impl IntoIterator<Item = &'a str>) -> Option<Trouble> {
    if name.is_empty() {
        return Some(Trouble::Empty);
    }
    if name == "." || name == ".." {
        return Some(Trouble::Dots);
    }
    let legal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if let Some(other) = name.chars().find(|c| !legal(c)) {
        return Some(Trouble::Character(other));
    }
    if name.len() > MAX_LENGTH {
        return Some(Trouble::TooLong(name.len()));
    }
    if INTERNAL.contains(&name) {
        return Some(Trouble::Internal);
    }
    let folded = name.replace('.', "_");
    have.into_iter().find_map(|other| {
        if other == name {
            Some(Trouble::Taken)
        } else {
            (other.replace('.', "_") == folded).then(|| Trouble::Collides(other.to_owned()))
        }
    })
}

/// Whether a name holds both `.` and `_`, or one of them: the two look alike in metric names, and Kafka's tool warns.
pub fn warns(name: &str) -> bool {
    name.contains('.') || name.contains('_')
}

/// A way to make up names.
pub struct Template {
    /// Its parts, as English words.
    pub parts: [&'static str; 4],
    /// Its parts in Korean.
    pub parts_ko: [&'static str; 4],
    /// A name of that kind.
    pub example: &'static str,
}

/// The ways that the form offers.
pub const TEMPLATES: [Template; 2] = [
    Template {
        parts: ["env", "team", "app", "type"],
        parts_ko: ["환경", "팀", "애플리케이션", "메시지 타입"],
        example: "prd.marketing-team.marketing-platform.json",
    },
    Template {
        parts: ["project", "service", "env", "event"],
        parts_ko: ["프로젝트", "서비스", "환경", "이벤트"],
        example: "commerce.payment.prd.notification",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_kafkas_rules() {
        let long = "a".repeat(250);
        for (name, want) in [
            ("orders", None),
            ("commerce.payment.prd.notification", None),
            ("A-9_z.", None),
            ("...", None),
            ("", Some(Trouble::Empty)),
            (".", Some(Trouble::Dots)),
            ("..", Some(Trouble::Dots)),
            ("주문", Some(Trouble::Character('주'))),
            ("a b", Some(Trouble::Character(' '))),
            ("a/b", Some(Trouble::Character('/'))),
            (&long, Some(Trouble::TooLong(250))),
            (long.get(..249).unwrap(), None),
            ("to.pic", Some(Trouble::Taken)),
            ("to_pic", Some(Trouble::Collides("to.pic".into()))),
            ("__consumer_offsets", Some(Trouble::Internal)),
        ] {
            assert_eq!(trouble(name, ["to.pic"]), want, "{name}");
        }
        assert!(TEMPLATES.iter().all(|template| trouble(template.example, []).is_none()));
    }
}
