//! Where the marks of the time line stand: the rare events of this session, on an axis from its beginning to now.
//!
//! Two events of one instant stand side by side on it, and where they would lie on each other one mark counts them.
//! No mark is nudged along the axis.

use blumfeld_view::{EventView, Mark};

/// So many events are remembered; past that every second of the older half goes, and elections stay.
const KEPT: usize = 2_000;

/// An event with a mark.
#[derive(Clone, PartialEq, Debug)]
pub struct Marked {
    /// When, in virtual microseconds.
    pub at: u64,
    /// What it is.
    pub mark: Mark,
    /// Who says so.
    pub node: String,
    /// The sentence, in English and in Korean.
    pub says: [String; 2],
}

/// The marks of a session.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Marks {
    begun: u64,
    marks: Vec<Marked>,
    /// How many there were, those that are not remembered any more among them.
    taken: u64,
}

/// Marks that stand at one place.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// Thousandths of the axis.
    pub place: u32,
    /// When the last of the weightiest was.
    pub at: u64,
    /// What the weightiest of them is.
    pub mark: Mark,
    /// The line of the log of the last of the weightiest: who says it, and the sentence in English.
    pub line: (String, String),
    /// What each says, the last ones.
    pub says: Vec<[String; 2]>,
    /// How many there are.
    pub count: usize,
}

/// Of a group so many are told.
const TOLD: usize = 4;

impl Marks {
    /// Of a session that begins at this moment.
    pub fn begin(at: u64) -> Marks {
        Marks { begun: at, marks: Vec::new(), taken: 0 }
    }

    /// Takes new events.
    pub fn take(&mut self, events: &[EventView]) {
        for event in events {
            let Some(mark) = event.mark else { continue };
            let (node, says) = (event.node.clone(), [event.text.clone(), event.korean.clone()]);
            self.marks.push(Marked { at: event.at, mark, node, says });
            self.taken += 1;
        }
        if self.marks.len() > KEPT {
            let half = self.marks.len() / 2;
            let mut at = 0;
            self.marks.retain(|one| {
                at += 1;
                at > half || at % 2 == 0 || one.mark == Mark::Election
            });
        }
    }

    /// How many marks there were.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// The last of the weightiest of those that came when so many had been there, and how many came.
    pub fn news(&self, known: u64) -> Option<(&Marked, u64)> {
        let fresh = self.taken.saturating_sub(known);
        let from = self.marks.len().saturating_sub(usize::try_from(fresh).unwrap_or(usize::MAX));
        let last = self.marks.get(from..)?.iter().max_by_key(|one| weight(one.mark))?;
        Some((last, fresh))
    }

    /// When it began, in virtual microseconds.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// The marks up to now, by their place. A mark takes `width` thousandths of the axis: what would lie on the one
    /// before it is counted there.
    pub fn groups(&self, now: u64, width: u32) -> Vec<Group> {
        let span = now.saturating_sub(self.begun).max(1);
        let mut groups: Vec<Group> = Vec::new();
        for one in &self.marks {
            let line = (one.node.clone(), one.says[0].clone());
            let says = one.says.clone().map(|said| format!("{} {said}", one.node));
            let gone = one.at.saturating_sub(self.begun).min(span);
            let place = u32::try_from(gone * 1_000 / span).unwrap_or(1_000);
            match groups.last_mut() {
                Some(last) if place < last.place.saturating_add(width) => {
                    last.count += 1;
                    if weight(one.mark) >= weight(last.mark) {
                        (last.at, last.mark, last.line) = (one.at, one.mark, line);
                    }
                    last.says.push(says);
                    if last.says.len() > TOLD {
                        last.says.remove(0);
                    }
                }
                _ => {
                    groups.push(Group { place, at: one.at, mark: one.mark, line, says: vec![says], count: 1 })
                }
            }
        }
        groups
    }

    /// Round moments along the axis, each with its thousandth.
    pub fn ticks(&self, now: u64) -> Vec<(u32, u64)> {
        let span = now.saturating_sub(self.begun).max(1);
        let step = STEPS.into_iter().find(|step| span / step <= 6).unwrap_or(span);
        let first = self.begun.div_ceil(step);
        (first..)
            .map(|n| n * step)
            .take_while(|at| *at <= now)
            .map(|at| (u32::try_from((at - self.begun) * 1_000 / span).unwrap_or(1_000), at))
            .collect()
    }
}

/// Steps of the axis in microseconds: 1, 2 and 5 times a power of ten up to a second, then as clocks count.
const STEPS: [u64; 22] = [
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    15_000_000,
    30_000_000,
    60_000_000,
    300_000_000,
    900_000_000,
    3_600_000_000,
    21_600_000_000,
];

/// Which of two marks is shown where they stand at one place: the weightier one.
fn weight(mark: Mark) -> u8 {
    match mark {
        Mark::Fault => 4,
        Mark::Election => 3,
        Mark::Error => 2,
        Mark::Rebalance => 1,
        Mark::Isr => 0,
    }
}

#[cfg(test)]
mod tests {
    use blumfeld_view::EventKind;

    use super::*;

    fn event(at: u64, mark: Option<Mark>) -> EventView {
        EventView {
            at,
            kind: EventKind::Replication,
            frequent: false,
            node: "broker-1".into(),
            text: format!("at {at}"),
            korean: format!("{at}에"),
            mark,
        }
    }

    #[test]
    fn marks_stand_where_their_times_put_them_and_those_of_one_place_are_counted() {
        let mut marks = Marks::begin(1_000_000);
        marks.take(&[
            event(1_000_000, Some(Mark::Rebalance)),
            event(2_000_000, None),
            event(3_000_000, Some(Mark::Isr)),
            event(3_000_000, Some(Mark::Election)),
            event(3_000_001, Some(Mark::Rebalance)),
            event(9_000_000, Some(Mark::Fault)),
        ]);
        let told: Vec<_> =
            marks.groups(11_000_000, 20).iter().map(|one| (one.place, one.mark, one.count)).collect();
        assert_eq!(told, [(0, Mark::Rebalance, 1), (200, Mark::Election, 3), (800, Mark::Fault, 1)]);
        assert_eq!(marks.groups(11_000_000, 20)[1].says[1][0], "broker-1 at 3000000");
        // What is new is told by its weightiest.
        let news = |known| marks.news(known).map(|(one, fresh)| (one.at, fresh));
        assert_eq!(marks.taken(), 5);
        assert_eq!([news(5), news(4), news(1)], [None, Some((9_000_000, 1)), Some((9_000_000, 4))]);
        // Of an axis without length everything stands at the one place.
        assert_eq!(Marks::begin(5).groups(5, 20), []);
    }

    #[test]
    fn old_marks_thin_out_and_elections_stay() {
        let mut marks = Marks::begin(0);
        let kind = |at: u64| if at.is_multiple_of(100) { Mark::Election } else { Mark::Isr };
        let events: Vec<_> = (0..10_000).map(|at| event(at, Some(kind(at)))).collect();
        events.chunks(50).for_each(|chunk| marks.take(chunk));
        assert!(marks.marks.len() <= KEPT);
        assert_eq!(marks.marks.iter().filter(|one| one.mark == Mark::Election).count(), 100);
        assert!(marks.marks.is_sorted_by_key(|one| one.at));
    }

    #[test]
    fn ticks_are_round_and_few() {
        for (begun, now) in [(0, 1), (3_250_123, 3_260_000), (0, 83_456_789), (7, 90_000_000_000)] {
            let ticks = Marks::begin(begun).ticks(now);
            assert!(ticks.len() <= 8, "{ticks:?}");
            assert!(ticks.iter().all(|(place, at)| *place <= 1_000 && (begun..=now).contains(at)));
        }
        let ticks = Marks::begin(0).ticks(83_456_789);
        assert_eq!(ticks.iter().map(|tick| tick.1 / 1_000_000).collect::<Vec<_>>(), [0, 15, 30, 45, 60, 75]);
    }
}
