//! Sharing: what stands on the page becomes a link, and a link becomes what stands on the page.

use blumfeld_permalink::{
    At, Branch, Cluster, Deed, FIRST_BRANCH, HASH_LIMIT, Lang as LinkLang, Lesson, Link, LinkError, Problem,
};
use blumfeld_view::{SharedDeed, SharedView};

use crate::lesson::LessonState;
use crate::text::Lang;

/// Under what a file that was dropped is kept until the page has been loaded for it.
pub const FILE_KEY: &str = "shared-file";

/// Whether a text is a shared session as a file, or at least says so.
pub fn is_file(text: &str) -> bool {
    text.trim_start().strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with("\"blumfeld\""))
}

/// A link that is ready to be given away.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Made {
    /// It stands in the address behind `#`.
    Hash(
        /// Without `#`.
        String,
    ),
    /// It is too long for an address.
    File(
        /// Its text.
        String,
    ),
}

/// Makes a link of what was done, with where the page stands.
///
/// # Errors
/// What cannot stand in a link.
pub fn link(
    shared: &SharedView,
    lesson: Option<&LessonState>,
    lang: Lang,
    place: &str,
) -> Result<Made, LinkError> {
    let mut link = Link::new(shared.seed, shared.brokers);
    link.cluster = Cluster::Kraft;
    link.empty = true;
    let deeds =
        shared.deeds.iter().map(|deed| Deed { at: deed.at, events: deed.events, line: deed.line.clone() });
    link.branches = vec![Branch { name: FIRST_BRANCH.to_owned(), fork: None, deeds: deeds.collect() }];
    link.moment = Some(shared.now);
    link.lesson = lesson.map(|state| Lesson {
        id: state.lesson.id.clone(),
        step: u32::try_from(state.step).unwrap_or(u32::MAX),
    });
    link.lang = Some(if lang == Lang::Ko { LinkLang::Ko } else { LinkLang::En });
    link.place = (!place.is_empty()).then(|| place.to_owned());
    let hash = blumfeld_permalink::to_hash(&link)?;
    if hash.len() <= HASH_LIMIT {
        return Ok(Made::Hash(hash.trim_start_matches('#').to_owned()));
    }
    blumfeld_permalink::to_file(&link).map(Made::File)
}

/// The link, if what it did can be done again here: the cluster of the time before KRaft takes no lines.
///
/// # Errors
/// That its cluster is of the other kind.
pub fn runnable(link: Link) -> Result<Link, LinkError> {
    match link.cluster {
        Cluster::Kraft => Ok(link),
        Cluster::ZooKeeper => {
            Err(LinkError { problem: Problem::NotRun("zookeeper"), at: At::Entry("cluster"), position: None })
        }
    }
}

/// What the living branch of a link did, with where it stands at the end.
pub fn deeds(link: &Link) -> (Vec<SharedDeed>, u64) {
    // From the living branch back to the first; each has its parent's lines up to the fork before its own.
    let (mut line, mut at) = (Vec::new(), Some((link.living, None)));
    while let Some((branch, done)) = at {
        let Some(found) = link.branches.get(branch) else { break };
        let own = found.deeds.iter().take(done.unwrap_or(usize::MAX));
        line.push(own.map(|deed| SharedDeed { at: deed.at, events: deed.events, line: deed.line.clone() }));
        at = found.fork.as_ref().map(|fork| (fork.from, Some(fork.done)));
    }
    let deeds: Vec<SharedDeed> = line.into_iter().rev().flatten().collect();
    let last = deeds.last().map_or(0, |deed| deed.at);
    (deeds, link.moment.unwrap_or(last))
}

/// The cluster of a link: the same link opens the same one again.
pub fn cluster_of(hash: &str) -> String {
    // FNV-1a: a name, and no secret.
    let sum = hash
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("shared-{sum:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(lines: usize) -> SharedView {
        let deed = |at: usize| SharedDeed {
            at: 1_000 * at as u64,
            events: Some(10 * at as u64),
            line: format!("kafka-topics.sh --create --topic orders-{at}-{:x}", at * 7_919 * 104_729),
        };
        let deeds = (1..=lines).map(deed).collect();
        SharedView { seed: 7, brokers: 3, deeds, now: 9_000_000, left_out: 0, whole: true }
    }

    #[test]
    fn what_is_shared_is_what_is_opened() {
        for lines in [0, 1, 12] {
            let view = shared(lines);
            let Ok(Made::Hash(hash)) = link(&view, None, Lang::Ko, "topics") else { panic!("{lines}") };
            let opened = blumfeld_permalink::from_hash(&hash).unwrap();
            assert_eq!(deeds(&opened), (view.deeds, 9_000_000));
            assert_eq!((opened.seed, opened.brokers, opened.place.as_deref()), (7, 3, Some("topics")));
        }
    }

    #[test]
    fn a_session_of_the_time_before_kraft_is_refused_in_words() {
        let mut made = Link::new(7, 3);
        assert_eq!(runnable(made.clone()), Ok(made.clone()));
        made.cluster = Cluster::ZooKeeper;
        let told = runnable(made).unwrap_err().told(false);
        assert_eq!(told, "cluster: sessions of a cluster of kind `zookeeper` are not run again");
    }

    #[test]
    fn what_is_too_long_for_an_address_is_a_file() {
        let view = shared(400);
        let Ok(Made::File(text)) = link(&view, None, Lang::En, "") else { panic!() };
        assert_eq!(deeds(&blumfeld_permalink::from_file(&text).unwrap()).0, view.deeds);
    }

    #[test]
    fn a_branch_has_its_parents_lines_before_its_own() {
        let deed = |at: u64| Deed { at, events: None, line: format!("line {at}") };
        let fork = blumfeld_permalink::Fork { from: 0, at: 2, events: None, done: 2, seed: None };
        let mut opened = Link::new(1, 1);
        opened.branches = vec![
            Branch { name: "main".into(), fork: None, deeds: vec![deed(1), deed(2), deed(3)] },
            Branch { name: "other".into(), fork: Some(fork), deeds: vec![deed(5)] },
        ];
        opened.living = 1;
        let at: Vec<u64> = deeds(&opened).0.iter().map(|deed| deed.at).collect();
        assert_eq!(at, [1, 2, 5]);
    }
}
